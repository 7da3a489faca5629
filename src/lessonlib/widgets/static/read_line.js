// Reading the line whole, as in lessonlib.checks.lines: from the writing that was found to the columns,
// the texts, the characters and the amount.

/** @typedef {{width: number, data: Uint8Array}} LinePictures two of 40 rows: gray levels, and ink */
/** @typedef {(texts: string[]) => number[]} ScoreOfTexts the logs of their probabilities, up to a factor */
/** @typedef {Record<string, number>} Weights of a calibration: for each feature, and a "constant" */
/**
 * @typedef {object} LineEvidence what the network says of a line
 * @property {CtcColumns} columns of the line in its own size
 * @property {CtcColumns[]} looks what they say of digits and the blank: in its own size, perhaps in others
 * @property {RankedText[]} texts the most probable, each with the log of the mean over the looks
 * @property {number} agreed the share of the looks that alone would read the first text
 */
/**
 * @typedef {object} LineDescription
 * @property {number[][]} spans each digit's first column, and one past its last
 * @property {[string, number][]} characters digits and marks, each with the middle of its columns
 * @property {number[][]} boxes each character's x, y, width and height in the pictures
 * @property {Float64Array[]} digits the probabilities of 0 to 9 for each digit, the others given
 * @property {FoundAmount} amount
 */

// As in lessonlib.checks.lines, where it says how they were chosen
const LINE_RULES = {
  CHARACTERS: "0123456789.,-/=$₹€£*#x^R", // the classes of the network, and last the blank
  LINE_HEIGHT: 40, // rows of the network's input
  SHRINKING: 4, // columns of the input for each of the network's
  SIDE: 8, // columns of paper at the left and, at least, at the right
  WIDTH_STEP: 32, // the width is rounded up to a multiple of this
  MOST_COLUMNS: 1600, // of a longer line the proportions are lost
  PARTING: [10, 11, 22, 13], // the characters that may part cents from the rest
  LEAST_POINT: 0.01, // a separator as probable as this makes an amount doubtful
  DOUBTFUL: 0.97, // a less probable text is looked at again in other sizes:
  OTHER_SIZES: [[1.15, 1], [0.88, 0.88]], // so many times as wide, and as high
  ALTERNATIVES: 5, // texts of which the exact probability is computed
  SURE_ENOUGH: 0.99, // a digit so probable in its column needs no closer look
  LEAD: 1e-3, // log: by so little at least, a digit that was read is more probable than others
  WIDEST_DIGIT: 0.45, // a digit reaches at most so far to a side, as a share of the line's height
  INKED: 128, // a pixel of the pictures with more is ink
  DARK: 0.01, // this share of the pixels is darker than black,
  LIGHT: 0.9, // and this one than white
  LEAST_CONTRAST: 8, // gray levels between them: what is fainter stays faint
};
const LINE_BLANK = LINE_RULES.CHARACTERS.length;

/**
 * Read the writing that was found, the line whole.
 *
 * @param {any} network as `readConvNetwork` unpacks it
 * @param {Raster} foundGray
 * @param {Weights} calibration
 */
function readByLine(network, foundGray, calibration) {
  const pictures = linePictures(foundGray);
  return readEvidence(pictures, lineEvidence(network, pictures), calibration);
}

/**
 * Find the most probable reading of a line from what the network says of it.
 *
 * @param {LinePictures} pictures
 * @param {LineEvidence} evidence
 * @param {Weights} calibration
 */
function readEvidence(pictures, evidence, calibration) {
  const text = evidence.texts[0][0];
  const confidence = text ? calibrated(lineFeatures(evidence), calibration) : 0;
  const score = (/** @type {string[]} */ texts) => meanLogLikelihoods(evidence.looks, texts);
  const description = describeLine(pictures, evidence.columns, evidence.looks, text, score);
  return { pictures, ...evidence, ...description, text, confidence };
}

// ---------------------------------------------------------------- pictures

/**
 * Show a line of writing to the network twice: its gray levels, and its ink without ruled lines.
 *
 * @param {Raster} gray dark ink on lighter paper
 * @returns {LinePictures} 0 is paper, 255 the darkest ink
 */
function linePictures(gray) {
  const { LINE_HEIGHT, SIDE } = LINE_RULES;
  const columns = lineColumnsOf(gray);
  const width = roomForLine(columns + 2 * SIDE);
  const ink = removeLines(binarizeField(resampleField(gray)));
  const levels = makeRaster(ink.width, ink.height, ink.data.map((inked) => (inked ? 255 : 0)));
  const shown = [lineDarkness(shrunkLine(gray, columns)), shrunkLine(levels, columns).data];
  const data = new Uint8Array(2 * LINE_HEIGHT * width);
  shown.forEach((picture, number) => {
    for (let y = 0; y < LINE_HEIGHT; y++) {
      const row = picture.subarray(y * columns, (y + 1) * columns);
      data.set(row, (number * LINE_HEIGHT + y) * width + SIDE);
    }
  });
  return { width, data };
}

/**
 * @param {Raster} gray
 * @returns {number} the width that a line has at the network's height
 */
function lineColumnsOf({ width, height }) {
  const columns = Math.max(1, roundEven((width * LINE_RULES.LINE_HEIGHT) / height));
  return Math.min(columns, LINE_RULES.MOST_COLUMNS);
}

/**
 * @param {number} columns
 * @returns {number} the width of the pictures that have room for so many
 */
function roomForLine(columns) {
  return Math.ceil(columns / LINE_RULES.WIDTH_STEP) * LINE_RULES.WIDTH_STEP;
}

/**
 * @param {Raster} raster
 * @param {number} columns
 * @returns {Raster} with the network's height
 */
function shrunkLine(raster, columns) {
  const height = LINE_RULES.LINE_HEIGHT;
  return resizedRaster(raster, columns, height, raster.height > height ? "area" : "linear");
}

/**
 * Stretch gray levels so that the paper is 0 and the darkest ink 255.
 *
 * @param {Raster} gray
 * @returns {Uint8Array}
 */
function lineDarkness({ data }) {
  const sorted = data.slice().sort();
  const dark = quantileOfSorted(sorted, LINE_RULES.DARK);
  const light = quantileOfSorted(sorted, LINE_RULES.LIGHT);
  const scale = 255 / Math.max(light - dark, LINE_RULES.LEAST_CONTRAST);
  return data.map((level) => Math.min(Math.max((light - level) * scale, 0), 255));
}

/**
 * @param {Uint8Array} sorted
 * @param {number} share
 * @returns {number} what so large a share is below, between two neighbours as np.percentile puts it
 */
function quantileOfSorted(sorted, share) {
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)];
  const high = sorted[Math.ceil(place)];
  return low + (high - low) * (place % 1);
}

/**
 * Show a line so many times as wide and as high, in the middle of its rows.
 *
 * @param {LinePictures} pictures
 * @param {number} wider
 * @param {number} higher
 * @returns {LinePictures}
 */
function stretchedLine(pictures, wider, higher) {
  const height = LINE_RULES.LINE_HEIGHT;
  const width = roomForLine(roundEven(wider * pictures.width));
  const matrix = [[wider, 0, 0], [0, higher, ((1 - higher) * height) / 2]];
  const data = new Uint8Array(2 * height * width);
  const size = height * pictures.width;
  for (const number of [0, 1]) {
    const own = pictures.data.subarray(number * size, (number + 1) * size);
    const shown = warpedRaster(makeRaster(pictures.width, height, own), matrix, width, height);
    data.set(shown.data, number * height * width);
  }
  return { width, data };
}

// ---------------------------------------------------------------- texts

/**
 * Look at a line once, and at a doubtful one again in other sizes.
 *
 * @param {any} network
 * @param {LinePictures} pictures
 * @returns {LineEvidence}
 */
function lineEvidence(network, pictures) {
  const first = seenOnce(readColumns(network, pictures));
  if (first.texts[0][1] >= Math.log(LINE_RULES.DOUBTFUL)) return first;
  const others = LINE_RULES.OTHER_SIZES.map(([wider, higher]) =>
    readColumns(network, stretchedLine(pictures, wider, higher)),
  );
  return seenAgain(first, others);
}

/**
 * Take a line's columns for all that is known of it.
 *
 * @param {CtcColumns} columns
 * @returns {LineEvidence}
 */
function seenOnce(columns) {
  const look = mergeIntoBlank(columns, 10);
  return { columns, looks: [look], texts: bestLineTexts(look), agreed: 1 };
}

/**
 * @param {CtcColumns} look
 * @returns {RankedText[]}
 */
function bestLineTexts(look) {
  return bestCtcTexts(look, LINE_RULES.ALTERNATIVES);
}

/**
 * Add the columns of a line in other sizes to what was seen of it.
 *
 * @param {LineEvidence} first
 * @param {CtcColumns[]} others
 * @returns {LineEvidence}
 */
function seenAgain(first, others) {
  const looks = [...first.looks, ...others.map((columns) => mergeIntoBlank(columns, 10))];
  const found = [first.texts, ...looks.slice(1).map(bestLineTexts)];
  const texts = [...new Set(found.flat().map(([text]) => text))].sort();
  const scores = meanLogLikelihoods(looks, texts);
  const ranked = rankedTexts(texts, scores).slice(0, LINE_RULES.ALTERNATIVES);
  const agreeing = found.filter((own) => own[0][0] === ranked[0][0]);
  return { columns: first.columns, looks, texts: ranked, agreed: agreeing.length / found.length };
}

/**
 * @param {string[]} texts
 * @param {number[]} scores
 * @returns {RankedText[]} the best first, without the impossible ones
 */
function rankedTexts(texts, scores) {
  const pairs = texts.map((text, i) => /** @type {RankedText} */ ([text, scores[i]]));
  return pairs.filter(([, score]) => score > -Infinity).sort((a, b) => b[1] - a[1]);
}

/**
 * The log of the mean over some looks of the probability of each text.
 *
 * It is -Infinity where the first look has no room for a text: there its digits have to be placed.
 *
 * @param {CtcColumns[]} looks
 * @param {string[]} texts
 * @returns {number[]}
 */
function meanLogLikelihoods(looks, texts) {
  return texts.map((text) => {
    const scores = looks.map((look) => ctcLogLikelihood(look, text));
    return scores[0] === -Infinity ? scores[0] : logSumExp(scores) - Math.log(looks.length);
  });
}

/**
 * The numbers that a confidence is computed from, by their names in a calibration.
 *
 * @param {{texts: RankedText[], agreed: number}} evidence
 * @returns {Record<string, number>}
 */
function lineFeatures({ texts, agreed }) {
  const total = logSumExp(texts.map(([, score]) => score));
  return { score: logOdds(texts[0][1]), share: logOdds(texts[0][1] - total), agreed };
}

// ---------------------------------------------------------------- characters and amount

/**
 * Say where the digits and marks of a text stand, and which amount they are.
 *
 * @param {LinePictures} pictures
 * @param {CtcColumns} columns
 * @param {CtcColumns[]} looks
 * @param {string} text
 * @param {ScoreOfTexts} score what made the text the best
 * @returns {LineDescription}
 */
function describeLine(pictures, columns, looks, text, score) {
  const spans = alignCtc(looks[0], text);
  const characters = withMarks(columns, text, spans);
  const boxes = boxesInLine(pictures, characters.map(([, middle]) => middle));
  const digits = lineDigitProbabilities(columns, text, spans, score);
  let amount = amountOf(characters.map(([character]) => character).join(""));
  if (amount.value !== null && amount.place === null && mayHavePoint(columns, text, spans)) {
    amount = { ...amount, value: null, note: AMOUNT_PERHAPS };
  }
  return { spans, characters, boxes, digits, amount };
}

/**
 * Add to the digits the marks that the columns between them hold.
 *
 * Between two spans, the most probable class of each column counts if it is a mark, and equal
 * neighbours count once.
 *
 * @param {CtcColumns} columns
 * @param {string} text
 * @param {number[][]} spans
 * @returns {[string, number][]} from left to right: a character, and the middle of its columns
 */
function withMarks(columns, text, spans) {
  const digitAt = new Map(spans.map(([first, stop], i) => [first, { digit: text[i], stop }]));
  /** @type {[string, number][]} */
  const characters = [];
  let column = 0;
  let previous = LINE_BLANK;
  while (column < columns.T) {
    const here = digitAt.get(column);
    if (here) {
      characters.push([here.digit, (column + here.stop) / 2]);
      column = here.stop;
      previous = LINE_BLANK;
      continue;
    }
    const best = bestOfColumn(columns, column);
    if (best >= 10 && best < LINE_BLANK && best !== previous) {
      characters.push([LINE_RULES.CHARACTERS[best], column + 0.5]);
    }
    previous = best;
    column++;
  }
  return characters;
}

/**
 * @param {CtcColumns} columns
 * @param {number} t
 * @returns {number} the most probable class of a column
 */
function bestOfColumn({ K, logP }, t) {
  const own = logP.subarray(t * K, (t + 1) * K);
  return own.indexOf(Math.max(...own));
}

/**
 * Say whether the columns before the last two digits may hold a separator, though none is read.
 *
 * Before a last "100" they may hold the stroke of hundredths as well.
 *
 * @param {CtcColumns} columns
 * @param {string} text
 * @param {number[][]} spans
 * @returns {boolean}
 */
function mayHavePoint({ K, logP }, text, spans) {
  for (const behind of text.endsWith("100") ? [2, 3] : [2]) {
    if (spans.length <= behind) continue;
    const [before, after] = spans.slice(spans.length - behind - 1);
    for (let t = before[1] - 1; t <= after[0]; t++) {
      const p = LINE_RULES.PARTING.map((kind) => Math.exp(logP[t * K + kind]));
      if (p.reduce((sum, own) => sum + own) > LINE_RULES.LEAST_POINT) return true;
    }
  }
  return false;
}

/**
 * Give each character a box in the pictures, around the ink that is nearest to it.
 *
 * The network says roughly where a character is, but not where it begins. So its box reaches halfway
 * to its neighbours, `LINE_RULES.WIDEST_DIGIT` at most, and is then drawn in to the ink.
 *
 * @param {LinePictures} pictures
 * @param {number[]} middles
 * @returns {number[][]}
 */
function boxesInLine(pictures, middles) {
  const { WIDEST_DIGIT, LINE_HEIGHT, SHRINKING } = LINE_RULES;
  const reach = WIDEST_DIGIT * LINE_HEIGHT;
  const at = middles.map((middle) => SHRINKING * middle);
  const between = at.slice(1).map((x, i) => (at[i] + x) / 2);
  const edges = [-reach, ...between, pictures.width + reach];
  return at.map((x, i) => {
    const left = Math.max(0, roundEven(Math.max(edges[i], x - reach)));
    const right = Math.max(left + 1, roundEven(Math.min(edges[i + 1], x + reach)));
    return drawnInToInk(pictures, left, Math.min(pictures.width, right));
  });
}

/**
 * Draw a box over all rows in to its ink; without ink it stays as it is.
 *
 * @param {LinePictures} pictures
 * @param {number} left
 * @param {number} right
 * @returns {number[]} x, y, width and height
 */
function drawnInToInk({ width, data }, left, right) {
  const { LINE_HEIGHT, INKED } = LINE_RULES;
  for (const start of [LINE_HEIGHT, 0]) {
    // the ink without ruled lines first
    let [x, y, beyond, below] = [right, LINE_HEIGHT, left, 0];
    for (let row = 0; row < LINE_HEIGHT; row++) {
      for (let column = left; column < right; column++) {
        if (data[(start + row) * width + column] <= INKED) continue;
        x = Math.min(x, column);
        beyond = Math.max(beyond, column + 1);
        y = Math.min(y, row);
        below = row + 1;
      }
    }
    if (below) return [x, y, beyond - x, below - y];
  }
  return [left, 0, right - left, LINE_HEIGHT];
}

/**
 * The probabilities of 0 to 9 for each digit of a text, the others given.
 *
 * They are those of the ten texts that differ in this digit alone. Where a column is sure of the digit
 * they are that column's, which are nearly the same and much quicker.
 *
 * @param {CtcColumns} columns
 * @param {string} text
 * @param {number[][]} spans
 * @param {ScoreOfTexts} score
 * @returns {Float64Array[]}
 */
function lineDigitProbabilities({ K, logP }, text, spans, score) {
  return Array.from(text, (character, i) => {
    const digit = Number(character);
    let [at, stop] = spans[i];
    for (let t = at + 1; t < stop; t++) if (logP[t * K + digit] > logP[at * K + digit]) at = t;
    let scores = Array.from(logP.subarray(at * K, at * K + 10));
    if (scores[digit] < Math.log(LINE_RULES.SURE_ENOUGH)) {
      const found = score(scores.map((_, other) => text.slice(0, i) + other + text.slice(i + 1)));
      // The search for the text may have missed a better one.
      const most = found[digit] - LINE_RULES.LEAD;
      scores = found.map((own, other) => (other === digit ? own : Math.min(own, most)));
    }
    const total = logSumExp(scores);
    return Float64Array.from(scores, (own) => Math.exp(own - total));
  });
}
