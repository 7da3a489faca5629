// Both ways to read, weighed, as in lessonlib.checks.ensemble: their probabilities are multiplied, those of
// the way that cuts to the power "mix". The text with the largest product is read.

// As in lessonlib.checks.ensemble: a way has no text whose log probability is below this; it counts as this.
const ENSEMBLE_RULES = { UNLIKELY: -12 };

/**
 * Weigh what both ways say of one field.
 *
 * @param {ReturnType<typeof readByLine>} line
 * @param {{path: {score: number}, texts: RankedText[]}} cutting
 * @param {Weights} calibration of the ensemble, with the "mix"
 */
function weighTogether(line, cutting, calibration) {
  const shares = new Map(cutting.texts);
  const score = (/** @type {string[]} */ texts) =>
    productsOfBoth(line.looks, shares, calibration.mix, texts);
  const texts = textsOfBoth(line.texts, cutting.texts, score);
  const [text, share] = texts[0];
  const agreed = line.texts[0][0] === cutting.texts[0][0];
  const features = {
    share: logOdds(share),
    line: logOdds(Math.max(meanLogLikelihoods(line.looks, [text])[0], ENSEMBLE_RULES.UNLIKELY)),
    cut: logOdds(Math.max(shares.get(text) ?? ENSEMBLE_RULES.UNLIKELY, ENSEMBLE_RULES.UNLIKELY)),
    path: Math.max(logOdds(cutting.path.score), ENSEMBLE_RULES.UNLIKELY),
    agreed: Number(agreed),
    looks: line.agreed,
  };
  const confidence = text ? calibrated(features, calibration) : 0;
  const description = describeLine(line.pictures, line.columns, line.looks, text, score);
  return { text, confidence, agreed, texts, ...description };
}

/**
 * Rank the texts that either way finds, by the product of their probabilities.
 *
 * @param {RankedText[]} lineTexts
 * @param {RankedText[]} cutTexts
 * @param {ScoreOfTexts} score the logs of the products
 * @returns {RankedText[]} with the log of their share of the products of all
 */
function textsOfBoth(lineTexts, cutTexts, score) {
  const texts = [...new Set([...lineTexts, ...cutTexts].map(([text]) => text))].sort();
  const scores = score(texts);
  const total = logSumExp(scores);
  return rankedTexts(texts, scores.map((own) => own - total));
}

/**
 * The log of the product of both ways' probabilities for each text, the cutting way's to the power mix.
 *
 * It is -Infinity where the first look has no room for a text.
 *
 * @param {CtcColumns[]} looks
 * @param {Map<string, number>} cutShares
 * @param {number} mix
 * @param {string[]} texts
 * @returns {number[]}
 */
function productsOfBoth(looks, cutShares, mix, texts) {
  return meanLogLikelihoods(looks, texts).map((line, i) => {
    const cut = Math.max(cutShares.get(texts[i]) ?? ENSEMBLE_RULES.UNLIKELY, ENSEMBLE_RULES.UNLIKELY);
    return line === -Infinity ? line : Math.max(line, ENSEMBLE_RULES.UNLIKELY) + mix * cut;
  });
}
