// The best way through a field's candidates, and the most probable texts, as in lessonlib.checks.search and
// cutting; and how a confidence is computed, as in lessonlib.checks.readings.

const SEARCH_RULES = { UNLIKELY: 1e-4 }; // as in lessonlib.checks.search
const READING_RULES = { LEAST_DOUBT: 1e-6 }; // as in lessonlib.checks.readings

/** @typedef {{steps: number[][], score: number, share: number}} CandidatePath steps: candidate, its class */

/**
 * The log of the sum of numbers that are given as logs.
 *
 * @param {ArrayLike<number>} logs
 * @returns {number}
 */
function logSumExp(logs) {
  let most = -Infinity;
  for (let i = 0; i < logs.length; i++) most = Math.max(most, logs[i]);
  if (!Number.isFinite(most)) return most;
  let sum = 0;
  for (let i = 0; i < logs.length; i++) sum += Math.exp(logs[i] - most);
  return most + Math.log(sum);
}

/**
 * Turn the log of a probability p into log(p / (1 - p)), which stays finite.
 *
 * @param {number} logP
 * @returns {number}
 */
function logOdds(logP) {
  const log = Math.min(logP, -READING_RULES.LEAST_DOUBT);
  return log - Math.log(-Math.expm1(log));
}

/**
 * Turn a reading's features into the probability that its text is right: a logistic regression.
 *
 * @param {Record<string, number>} features
 * @param {Record<string, number>} weights one for each feature, and a "constant"
 * @returns {number}
 */
function calibrated(features, weights) {
  let logit = weights.constant;
  for (const [name, x] of Object.entries(features)) {
    if (!(name in weights)) throw new Error(`the calibration has no weight for ${name}: fit it anew`);
    logit += weights[name] * x;
  }
  return 1 / (1 + Math.exp(-Math.min(Math.max(logit, -50), 50)));
}

// ---------------------------------------------------------------- search

/**
 * Give a candidate's best class, a digit or a mark and never junk, and its log probability.
 *
 * @param {Float64Array} logP of the twelve classes
 * @returns {[number, number]}
 */
function bestClass(logP) {
  let kind = 0;
  for (let k = 1; k <= CUT_RULES.MARK; k++) if (logP[k] > logP[kind]) kind = k;
  return [kind, logP[kind]];
}

/**
 * Find the candidates that cover every primitive once and are the most probable together.
 *
 * Dynamic programming: each candidate that ends at primitive k makes one way there, and the best is kept.
 *
 * @param {number[][]} candidates
 * @param {Float64Array[]} logP
 * @param {number} primitives
 * @returns {CandidatePath} share: the log of its part of all ways
 */
function bestPath(candidates, logP, primitives) {
  const own = logP.map(bestClass);
  const ownTotal = logP.map((row) => logSumExp(row.subarray(0, CUT_RULES.MARK + 1)));
  const [best, total, last] = [[0], [0], [-1]]; // at the end of the first 0, 1, 2, ... primitives
  for (let end = 1; end <= primitives; end++) {
    let [score, number] = [-Infinity, -1];
    /** @type {number[]} */
    const totals = [];
    candidates.forEach(([start, stop], n) => {
      if (stop !== end) return;
      const way = best[start] + own[n][1];
      if (way >= score) [score, number] = [way, n]; // of equal ways the last, as Python's max takes it
      totals.push(total[start] + ownTotal[n]);
    });
    best.push(score);
    total.push(logSumExp(totals));
    last.push(number);
  }
  /** @type {number[][]} */
  const steps = [];
  for (let end = primitives; end > 0; end = candidates[last[end]][0]) {
    steps.unshift([last[end], own[last[end]][0]]);
  }
  return { steps, score: best[primitives], share: best[primitives] - total[primitives] };
}

/**
 * Find the most probable texts of digits, and the log of each one's share of all ways, the best first.
 *
 * A beam search over the primitives finds the texts; their shares are exact.
 *
 * @param {number[][]} candidates
 * @param {Float64Array[]} logP
 * @param {number} primitives
 * @param {number} [count]
 * @param {number} [width] of the beam
 * @returns {[string, number][]}
 */
function bestCutTexts(candidates, logP, primitives, count = 5, width = 8) {
  /** @type {number[][]} */
  const endingAt = Array.from({ length: primitives + 1 }, () => []);
  candidates.forEach(([, stop], n) => endingAt[stop].push(n));
  const { texts, scale } = searchCutTexts(candidates, logP, endingAt, Math.max(count, width));
  const path = bestPath(candidates, logP, primitives);
  const ofAll = scale[primitives] - (path.score - path.share);
  const p = logP.map((row, n) => {
    const [start, stop] = candidates[n];
    return Float64Array.from(row, (log) => Math.exp(log + scale[start] - scale[stop]));
  });
  return texts
    .map((text) => /** @type {[string, number]} */ ([text, sumOfWays(text, candidates, p, endingAt)]))
    .map(([text, sum]) => /** @type {[string, number]} */ ([text, Math.min(0, Math.log(sum) + ofAll)]))
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    .slice(0, count);
}

/**
 * Run the beam over all primitives; give its last texts, and the scale of every beam.
 *
 * In a beam the best text has 1, and the scale is the log of what it stands for.
 *
 * @param {number[][]} candidates
 * @param {Float64Array[]} logP
 * @param {number[][]} endingAt the candidates that end at each primitive
 * @param {number} width
 * @returns {{texts: string[], scale: number[]}}
 */
function searchCutTexts(candidates, logP, endingAt, width) {
  const own = logP.map((row) => bestClass(row)[1]);
  const classes = logP.map((row, n) => likelyClasses(row, own[n]));
  const scale = [0];
  let beams = [new Map([["", 1]])];
  for (const numbers of endingAt.slice(1)) {
    const scores = numbers.map((n) => scale[candidates[n][0]] + own[n]);
    const most = Math.max(...scores);
    /** @type {Map<string, number>} */
    const beam = new Map();
    numbers.forEach((n, i) => {
      const p = Math.exp(scores[i] - most);
      if (p >= SEARCH_RULES.UNLIKELY) extendCutBeam(beam, beams[candidates[n][0]], classes[n], p);
    });
    const best = Math.max(...beam.values());
    beams.push(prunedCutBeam(beam, best, width));
    scale.push(most + Math.log(best));
  }
  return { texts: [...beams[beams.length - 1].keys()], scale };
}

/**
 * List a candidate's likely classes, as what they add to a text, with their probability beside the best.
 *
 * @param {Float64Array} logP
 * @param {number} best
 * @returns {[string, number][]}
 */
function likelyClasses(logP, best) {
  /** @type {[string, number][]} */
  const likely = [];
  for (let kind = 0; kind <= CUT_RULES.MARK; kind++) {
    const p = Math.exp(logP[kind] - best);
    if (p >= SEARCH_RULES.UNLIKELY) likely.push([kind === CUT_RULES.MARK ? "" : String(kind), p]);
  }
  return likely;
}

/**
 * Add to a beam what a candidate makes of the texts before it.
 *
 * @param {Map<string, number>} beam
 * @param {Map<string, number>} before
 * @param {[string, number][]} classes
 * @param {number} p of its best class
 */
function extendCutBeam(beam, before, classes, p) {
  for (const [character, own] of classes) {
    for (const [text, soFar] of before) {
      const share = soFar * own * p;
      if (share < SEARCH_RULES.UNLIKELY) continue;
      beam.set(text + character, (beam.get(text + character) ?? 0) + share);
    }
  }
}

/**
 * Keep at most `width` texts, none of them unlikely beside the best, which becomes 1.
 *
 * @param {Map<string, number>} beam
 * @param {number} best
 * @param {number} width
 * @returns {Map<string, number>}
 */
function prunedCutBeam(beam, best, width) {
  const kept = [...beam]
    .filter(([, own]) => own >= SEARCH_RULES.UNLIKELY * best)
    .map(([text, own]) => /** @type {[string, number]} */ ([text, own / best]));
  return new Map(kept.length > width ? kept.sort((a, b) => b[1] - a[1]).slice(0, width) : kept);
}

/**
 * Add up all ways to a text, as a multiple of the last beam's scale.
 *
 * Row k of the table has the sums over the ways from the first k primitives to the first 0, 1, 2, ... digits.
 *
 * @param {string} text
 * @param {number[][]} candidates
 * @param {Float64Array[]} p
 * @param {number[][]} endingAt
 * @returns {number}
 */
function sumOfWays(text, candidates, p, endingAt) {
  const digits = Array.from(text, Number);
  const table = endingAt.map(() => new Float64Array(digits.length + 1));
  table[0][0] = 1;
  endingAt.forEach((numbers, end) => {
    for (const n of numbers) {
      const before = table[candidates[n][0]];
      for (let i = 0; i <= digits.length; i++) {
        table[end][i] += before[i] * p[n][CUT_RULES.MARK];
        if (i) table[end][i] += before[i - 1] * p[n][digits[i - 1]];
      }
    }
  });
  return table[table.length - 1][digits.length];
}

/**
 * Find the best path of a field, and the most probable texts, the path's own first.
 *
 * @param {number[][]} candidates
 * @param {Float64Array[]} logP
 * @param {number} primitives
 * @returns {{path: CandidatePath, texts: [string, number][]}}
 */
function searchedTexts(candidates, logP, primitives) {
  const path = bestPath(candidates, logP, primitives);
  const texts = bestCutTexts(candidates, logP, primitives);
  return { path, texts: withFirst(textOfPath(path), texts) };
}

/**
 * @param {CandidatePath} path
 * @returns {string} its digits, from left to right
 */
function textOfPath(path) {
  return path.steps.map(([, kind]) => (kind === CUT_RULES.MARK ? "" : String(kind))).join("");
}

/**
 * Put a text at the head of the texts that a search found, where it nearly always is.
 *
 * @param {string} text
 * @param {[string, number][]} texts
 * @returns {[string, number][]}
 */
function withFirst(text, texts) {
  const shares = new Map(texts);
  const others = texts.filter(([other]) => other !== text);
  const least = texts.length ? Math.min(...shares.values()) : 0;
  /** @type {[string, number]} */
  const own = [text, shares.get(text) ?? least];
  return [own, ...others].slice(0, Math.max(1, texts.length));
}
