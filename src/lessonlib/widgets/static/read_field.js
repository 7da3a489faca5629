// From an image to the ink of a field, as lessonlib.checks does it: find the writing (rough_ink, find),
// resample it (image), mark its ink (binarize), erase ruled lines and part it into pieces (pieces).
// Names and steps are Python's, and so are the constants: each object holds those of one module.

/** @typedef {{gray: Raster, matrix: number[][], lightOnDark: boolean, notes: string[]}} FoundWriting */
/** @typedef {{x: number, y: number, width: number, height: number, ink: Uint8Array}} InkPiece */
/** @typedef {{ink: Raster, pieces: RasterPart[], printed: boolean}} RoughWriting */
/** @typedef {{box: RasterBox, height: number, digits: RasterPart[]}} FoundLine */
/**
 * @typedef {{scale: number, width: number, height: number, light: boolean, pieces: RasterPart[],
 *   line: FoundLine | null, back: number[][], tilt: number}} SmallLook
 */

const IMAGE = { FIELD_HEIGHT: 72, MAX_ASPECT: 40 };

const BINARIZE = {
  CLIPPED: 0.01,
  SMOOTHING: 0.015,
  WINDOW: 0.28,
  SAUVOLA_K: 0.3,
  SAUVOLA_R: 128,
  MIN_CONTRAST: 16,
};

const PIECES = { LINE_WIDTH: 0.4, LINE_HEIGHT: 0.7, CROSSING_REACH: 0.035 };

const ROUGH_INK = {
  STROKES: [1 / 6, 1 / 12, 1 / 24, 1 / 48],
  NARROWEST_WINDOW: 3,
  SHOWN: 0.5,
  DECIDING: 2,
  FIELD_ASPECT: 2,
  NOISE: 3,
  SMOOTHED: 60,
  WIDEST_STROKE: 0.2,
  WIDEST_IN_PHOTO: 0.3,
  DARKEST: 0.001,
  INK_SHARE: 0.3,
  FAINTEST: 18,
  FAINTEST_EDGE: 0.7,
  NOISE_RATIO: 2.5,
  FRAME_WIDTH: 24,
  FRAME_HEIGHT: 16,
  FRAME_INK: 0.75,
  MOST_FRAMES: 20,
  FRAME_STEP: 24,
  EDGE: 1 / 8,
  FRAME_EDGE: 0.88,
  FRAME_RUN: 0.6,
  FRAME_SIDES: 3,
  RULE_WIDTH: 0.55,
  RULE_HEIGHT: 0.9,
  RULE_LENGTH: 0.7,
  RULE_STEP: 3,
  CROSSING: 0.03,
  PRINTED: 1.2,
};

const FIND = {
  FIELD_ROWS: 40,
  LONG_SIDE: 400,
  SHORT_SIDE: 150,
  MOST_TILT: 20,
  LEAST_TILT: 2,
  TILT_STEP: 2,
  FINER_STEP: 0.5,
  FINER_REACH: 1.5,
  FEET: [10, 1500],
  ROW: 0.01,
  FINER_ROW: 0.004,
  TILT_DOUBT: 50,
  CLEARER: 1.1,
  DOUBT: 3,
  PART: 0.8,
  PART_HEIGHTS: 0.4,
  SPECK: 3,
  LOWEST_DIGIT: 5,
  MOST_PIECES: 80,
  ROW_REACH: 0.5,
  ALIKE: [0.55, 1.7],
  LEVEL_ASPECT: 12,
  LEVEL_LOSS: 0.99,
  SOLID_INK: 0.8,
  SOLID_WIDTH: 0.3,
  SOLID_LOSS: 0.8,
  UPRIGHT_WIDTH: 0.12,
  UPRIGHT_LOSS: 0.7,
  DIGIT_HEIGHTS: [0.5, 2.4],
  WALL_HEIGHT: 1.6,
  WALL_ASPECT: 0.15,
  MARK_WIDTH: 2,
  WIDEST_GAP: 3,
  SMALL_GAP: 1.5,
  ABOVE: 0.2,
  BELOW: 0.3,
  FULL: 0.4,
  FULL_TILT: 4,
  ROOM_ABOVE: 0.35,
  ROOM_BESIDE: 1,
  READABLE: 12,
  OTHER_HEIGHTS: [0.5, 2],
  OTHER_WIDTH: 3,
  OTHER_LINES: 2,
  TURNED_DIGITS: 3,
  TURNED_LENGTH: 2.5,
  NO_WRITING: "No writing was found: the image is empty, or its ink is too pale.",
  TOO_SMALL: "The digits are under 12 pixels high: cut closer, or scan finer.",
  TOO_LONG: "The image is more than 40 times as wide as high: cut out the amount.",
  MANY_LINES: "There are several lines of text: cut out the amount, if this is a whole page.",
  INVERTED: "Light ink on dark paper was assumed.",
  TURNED: "The writing runs from top to bottom: the image may have to be turned by 90 degrees.",
  CUT_OFF: "The writing runs out of the image at its {} edge: cut out more of the paper.",
};

// --- image: the height that all later steps work at -------------------------------------------------

/**
 * Bring a field to the height that all later steps work at.
 *
 * @param {Raster} gray
 * @returns {Raster}
 */
function resampleField(gray) {
  const { FIELD_HEIGHT, MAX_ASPECT } = IMAGE;
  const scale = Math.min(FIELD_HEIGHT / gray.height, (MAX_ASPECT * FIELD_HEIGHT) / gray.width);
  const [width, height] = [gray.width, gray.height].map((side) => Math.max(1, roundEven(side * scale)));
  return resizedRaster(gray, width, height, scale > 1 ? "cubic" : "area");
}

// --- binarize: which pixels are ink -----------------------------------------------------------------

/**
 * Mark the ink of a field, by a threshold of its own for each pixel.
 *
 * @param {Raster} gray best at the height that `resampleField` gives it
 * @returns {Raster} 1 where there is ink
 */
function binarizeField(gray) {
  const { width, height } = gray;
  const ink = makeRaster(width, height);
  const stretched = stretchContrast(gray);
  if (!stretched) return ink;
  const smooth = gaussianBlur(stretched, width, height, BINARIZE.SMOOTHING * height);
  const threshold = sauvolaThreshold(smooth, width, height);
  for (let at = 0; at < smooth.length; at++) ink.data[at] = smooth[at] < threshold[at] ? 1 : 0;
  return ink;
}

/**
 * Map the field's darkest percent to 0 and its lightest to 255.
 *
 * @param {Raster} gray
 * @returns {Float32Array | null} null where dark and light hardly differ
 */
function stretchContrast(gray) {
  const counts = levelCounts(gray.data);
  const dark = levelAt(counts, BINARIZE.CLIPPED);
  const light = levelAt(counts, 1 - BINARIZE.CLIPPED);
  if (light - dark < BINARIZE.MIN_CONTRAST) return null;
  const slope = Math.fround(255 / (light - dark));
  const levels = Float32Array.from(counts, (_, level) =>
    Math.min(Math.max(Math.fround((level - dark) * slope), 0), 255),
  );
  const stretched = new Float32Array(gray.data.length);
  for (let at = 0; at < stretched.length; at++) stretched[at] = levels[gray.data[at]];
  return stretched;
}

/**
 * Compute each pixel's threshold from the mean and the standard deviation around it (Sauvola).
 *
 * Every step is rounded to 32 bits, as NumPy rounds it.
 *
 * @param {Float32Array} smooth
 * @param {number} width
 * @param {number} height
 * @returns {Float32Array}
 */
function sauvolaThreshold(smooth, width, height) {
  const { WINDOW, SAUVOLA_R } = BINARIZE;
  const [round, k] = [Math.fround, Math.fround(BINARIZE.SAUVOLA_K)];
  const side = 2 * Math.max(1, roundEven((WINDOW * height) / 2)) + 1;
  const means = boxBlur(smooth, width, height, side);
  const squares = boxBlur(smooth.map((level) => level * level), width, height, side);
  const threshold = new Float32Array(smooth.length);
  for (let at = 0; at < smooth.length; at++) {
    const mean = means[at];
    const variance = Math.max(0, round(squares[at] - round(mean * mean)));
    const rise = round(round(round(Math.sqrt(variance)) / SAUVOLA_R) - 1);
    threshold[at] = mean * round(1 + round(k * rise));
  }
  return threshold;
}

// --- pieces: ruled lines, connected ink, the height of the digits -----------------------------------

/**
 * Erase ruled lines from the ink, but not where a digit's stroke crosses one.
 *
 * @param {Raster} ink
 * @returns {Raster}
 */
function removeLines(ink) {
  const { LINE_WIDTH, LINE_HEIGHT, CROSSING_REACH } = PIECES;
  const { width, height } = ink;
  const half = Math.max(1, roundEven(Math.max(LINE_HEIGHT * height, LINE_WIDTH * width) / 2));
  const thick = dilatedRaster(ink, 1, 3); // a line that isn't quite level has steps
  // Most rows hold too little ink for a run so long, half of which may lie beyond the border.
  if (rowCounts(thick).every((count) => count <= half)) return ink;
  const run = 2 * half + 1;
  const lines = dilatedRaster(erodedRaster(thick, run, 1), run, 1).data; // only unbroken runs
  const rest = makeRaster(width, height, ink.data.map((pixel, at) => pixel & ~lines[at]));
  const reach = Math.max(1, roundEven(CROSSING_REACH * height));
  const above = dilatedRaster(rest, 1, 2 * reach + 1, [0, 2 * reach]).data;
  const below = dilatedRaster(rest, 1, 2 * reach + 1, [0, 0]).data;
  const kept = ink.data.map((pixel, at) => pixel & (~lines[at] | (above[at] & below[at])));
  return makeRaster(width, height, kept);
}

/**
 * Part the ink into pieces that don't touch, not even at a corner.
 *
 * @param {Raster} ink
 * @returns {InkPiece[]}
 */
function connectedPieces(ink) {
  const { labels, parts } = connectedParts(ink);
  return parts.map(({ x, y, width, height }, number) => ({
    x,
    y,
    width,
    height,
    ink: partInk(labels, ink.width, parts[number], number + 1).data,
  }));
}

/**
 * Cut the ink with one label out of its box.
 *
 * @param {Int32Array} labels
 * @param {number} stride how many labels a row has
 * @param {RasterBox} box
 * @param {number} label
 * @returns {Raster}
 */
function partInk(labels, stride, { x, y, width, height }, label) {
  const part = makeRaster(width, height);
  for (let row = 0, at = 0; row < height; row++) {
    const start = (y + row) * stride + x;
    for (let column = 0; column < width; column++, at++) {
      part.data[at] = labels[start + column] === label ? 1 : 0;
    }
  }
  return part;
}

/**
 * Estimate the digits' height in pixels: half of all ink lies in pieces at least this high.
 *
 * @param {InkPiece[]} pieces at least one
 * @returns {number}
 */
function digitHeightOf(pieces) {
  const byHeight = [...pieces].sort((one, other) => one.height - other.height);
  let sum = 0;
  const amounts = byHeight.map(({ ink }) => (sum += inkAmount(ink)));
  return byHeight[amounts.findIndex((amount) => amount >= sum / 2)].height;
}

/**
 * @param {Uint8Array} ink
 * @returns {number} how many of its pixels are ink
 */
function inkAmount(ink) {
  let amount = 0;
  for (let at = 0; at < ink.length; at++) if (ink[at]) amount++;
  return amount;
}

/**
 * Measure in each column how many rows it is from the first ink to the last; 0 for one pixel or none.
 *
 * @param {{width: number, height: number, ink: Uint8Array}} piece
 * @returns {Int32Array}
 */
function columnExtents({ width, height, ink }) {
  const extents = new Int32Array(width);
  const tops = new Int32Array(width).fill(-1);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!ink[at]) continue;
      if (tops[x] < 0) tops[x] = y;
      extents[x] = y - tops[x];
    }
  }
  return extents;
}

/**
 * Keep the columns of a piece from `left` to before `right`, and the rows that hold ink there.
 *
 * @param {InkPiece} piece
 * @param {number} left
 * @param {number} right there must be ink between them
 * @returns {InkPiece}
 */
function cropPiece(piece, left, right) {
  const rows = Array.from({ length: piece.height }, (_, y) =>
    piece.ink.subarray(y * piece.width + left, y * piece.width + right),
  );
  const holdsInk = rows.map((row) => row.includes(1));
  const [top, bottom] = [holdsInk.indexOf(true), holdsInk.lastIndexOf(true) + 1];
  const [width, height] = [right - left, bottom - top];
  const ink = new Uint8Array(width * height);
  rows.slice(top, bottom).forEach((row, y) => ink.set(row, y * width));
  return { x: piece.x + left, y: piece.y + top, width, height, ink };
}

// --- rough_ink: the ink of a small copy -------------------------------------------------------------

/**
 * Say whether the thin strokes of an image are lighter than what is around them.
 *
 * @param {Raster} gray
 * @returns {boolean}
 */
function hasLightInk(gray) {
  const { STROKES, NARROWEST_WINDOW, SHOWN, DECIDING } = ROUGH_INK;
  const smooth = withoutNoise(gray);
  const short = Math.min(gray.width, gray.height);
  const sides = STROKES.map((share) => roundEven(Math.max(NARROWEST_WINDOW, share * short)) | 1);
  let least = 0;
  /** @type {number[]} */
  const lightness = [];
  for (const side of new Set(sides)) {
    const { strongest, light } = lightnessAt(smooth, side);
    if (strongest < least) break;
    least = Math.max(least, SHOWN * strongest);
    for (const same of sides) if (same === side) lightness.push(light);
  }
  return lightness.slice(-DECIDING).reduce((sum, light) => sum + light, 0) > 0;
}

/**
 * Average each level over a small square, as cv2.blur does.
 *
 * @param {Raster} gray
 * @returns {Raster}
 */
function withoutNoise({ width, height, data }) {
  const means = boxBlur(data, width, height, ROUGH_INK.NOISE, 1);
  return makeRaster(width, height, roundedLevels(means));
}

/**
 * Look for strokes narrower than a window: how strong they are, and how much more are light.
 *
 * @param {Raster} smooth
 * @param {number} side
 * @returns {{strongest: number, light: number}} light: above 0 where light strokes have more contrast
 */
function lightnessAt(smooth, side) {
  const { DARKEST, INK_SHARE } = ROUGH_INK;
  const opened = dilatedRaster(erodedRaster(smooth, side, side), side, side);
  const closed = erodedRaster(dilatedRaster(smooth, side, side), side, side);
  const light = levelCounts(differences(smooth.data, opened.data));
  const dark = levelCounts(differences(closed.data, smooth.data));
  const strongest = Math.max(levelAt(light, 1 - DARKEST), levelAt(dark, 1 - DARKEST));
  const faintest = roundEven(INK_SHARE * strongest);
  /** @param {Float64Array} counts */
  const contrast = (counts) =>
    counts.reduce((sum, count, level) => sum + Math.max(level - faintest, 0) * count, 0);
  return { strongest, light: Math.log((contrast(light) + 1) / (contrast(dark) + 1)) };
}

/**
 * @param {Uint8Array} more
 * @param {Uint8Array} less nowhere above `more`
 * @returns {Uint8Array}
 */
function differences(more, less) {
  const result = new Uint8Array(more.length);
  for (let at = 0; at < more.length; at++) result[at] = more[at] - less[at];
  return result;
}

/**
 * Mark the dark ink; none where nothing stands out.
 *
 * @param {Raster} gray dark ink on lighter paper
 * @returns {Raster}
 */
function roughInkIn(gray) {
  const { SMOOTHED, FIELD_ASPECT, WIDEST_STROKE, WIDEST_IN_PHOTO, DARKEST } = ROUGH_INK;
  const { width, height } = gray;
  const smooth = Math.min(height, width) > SMOOTHED ? withoutNoise(gray) : gray;
  const widest = width >= FIELD_ASPECT * height ? WIDEST_STROKE : WIDEST_IN_PHOTO;
  const side = oddSide(widest * Math.min(height, width));
  const closed = erodedRaster(dilatedRaster(smooth, side, side), side, side);
  const contrast = differences(closed.data, smooth.data);
  const counts = levelCounts(contrast);
  const darkest = levelAt(counts, 1 - DARKEST);
  const ink = makeRaster(width, height);
  if (darkest < Math.max(ROUGH_INK.FAINTEST, ROUGH_INK.NOISE_RATIO * levelAt(counts, 0.5))) return ink;
  const { INK_SHARE, FAINTEST, FAINTEST_EDGE } = ROUGH_INK;
  const faintest = Math.max(INK_SHARE * darkest, FAINTEST_EDGE * FAINTEST);
  for (let at = 0; at < contrast.length; at++) ink.data[at] = contrast[at] > faintest ? 1 : 0;
  return ink;
}

/**
 * Count the pixels of each gray level.
 *
 * @param {Uint8Array} levels
 * @returns {Float64Array} 256 counts
 */
function levelCounts(levels) {
  const counts = new Float64Array(256);
  for (let at = 0; at < levels.length; at++) counts[levels[at]]++;
  return counts;
}

/**
 * Find the gray level that this share of the pixels doesn't exceed.
 *
 * @param {Float64Array} counts
 * @param {number} share
 * @returns {number}
 */
function levelAt(counts, share) {
  const least = share * counts.reduce((sum, count) => sum + count, 0);
  let [level, upTo] = [0, counts[0]];
  while (upTo < least) upTo += counts[++level];
  return level;
}

/**
 * Erase printed lines from ink, and join again what they cut apart.
 *
 * @param {Raster} ink
 * @returns {RoughWriting}
 */
function roughWritingIn(ink) {
  const { labels, parts } = connectedParts(ink);
  let rest = withoutRules(withoutFrames(ink, labels, parts));
  if (rest === ink) return { ink, pieces: parts, printed: false };
  const printed = inkAmount(ink.data) > ROUGH_INK.PRINTED * inkAmount(rest.data);
  if (printed) {
    const side = oddSide(ROUGH_INK.CROSSING * Math.min(ink.width, ink.height));
    const closed = erodedRaster(dilatedRaster(rest, side, side), side, side);
    rest = { ...ink, data: ink.data.map((pixel, at) => pixel & closed.data[at]) };
  }
  return { ink: rest, pieces: connectedParts(rest).parts, printed };
}

/**
 * Erase the sides of printed boxes and cells: pieces with three straight edges.
 *
 * @param {Raster} ink
 * @param {Int32Array} labels the ink's
 * @param {RasterPart[]} pieces
 * @returns {Raster} the ink itself if there is no such piece
 */
function withoutFrames(ink, labels, pieces) {
  const { FRAME_WIDTH, FRAME_HEIGHT, FRAME_INK, MOST_FRAMES } = ROUGH_INK;
  const large = pieces.filter(
    ({ width, height, count }) =>
      width >= FRAME_WIDTH && height >= FRAME_HEIGHT && count < FRAME_INK * width * height,
  );
  let rest = ink;
  for (const box of large.slice(0, MOST_FRAMES)) {
    const sides = sidesOf(partInk(labels, ink.width, box, pieces.indexOf(box) + 1));
    if (!sides) continue;
    if (rest === ink) rest = { ...ink, data: ink.data.slice() };
    for (let y = 0, at = 0; y < box.height; y++) {
      const start = (box.y + y) * ink.width + box.x;
      for (let x = 0; x < box.width; x++, at++) if (sides.data[at]) rest.data[start + x] = 0;
    }
  }
  return rest;
}

/**
 * Mark the sides of a printed box.
 *
 * @param {Raster} piece cut out
 * @returns {Raster | null} null if it is no box
 */
function sidesOf(piece) {
  const { FRAME_STEP, FRAME_SIDES, FRAME_RUN, FRAME_EDGE } = ROUGH_INK;
  const { width, height } = piece;
  const thick = 1 + Math.floor(Math.min(height, width) / FRAME_STEP);
  const level = dilatedRaster(piece, 1, thick);
  let edges = fullEdges(rowCounts(level), width);
  if (!edges) return null; // as in most digits: two walls alone make no box
  const upright = dilatedRaster(piece, thick, 1);
  edges += fullEdges(columnCounts(upright), height);
  if (edges < FRAME_SIDES) return null;
  const across = levelRuns(level, FRAME_RUN * width).data;
  const down = uprightRuns(upright, FRAME_EDGE * height).data;
  return { ...piece, data: piece.data.map((pixel, at) => pixel & (across[at] | down[at])) };
}

/**
 * Count at which of both edges of a piece a row, or a column, is full of ink.
 *
 * @param {Int32Array} counts of the ink in each row, or in each column
 * @param {number} full how many pixels each of them has
 * @returns {number}
 */
function fullEdges(counts, full) {
  const reach = Math.floor(ROUGH_INK.EDGE * counts.length) + 1;
  const ends = [counts.subarray(0, reach), counts.subarray(-reach)];
  return ends.filter((end) => Math.max(...end) / full > ROUGH_INK.FRAME_EDGE).length;
}

/**
 * Erase level and upright runs of ink that are nearly as long as the image is wide or high.
 *
 * @param {Raster} ink
 * @returns {Raster} the ink itself if there is nothing else, or no such run: it may be a digit
 */
function withoutRules(ink) {
  const { RULE_LENGTH, RULE_WIDTH, RULE_HEIGHT, RULE_STEP } = ROUGH_INK;
  const { width, height } = ink;
  const length = Math.max(RULE_LENGTH * Math.min(height, width), RULE_WIDTH * width);
  const level = levelRuns(dilatedRaster(ink, 1, RULE_STEP), length).data;
  const upright = uprightRuns(dilatedRaster(ink, RULE_STEP, 1), RULE_HEIGHT * height).data;
  if (!level.includes(1) && !upright.includes(1)) return ink;
  const rest = ink.data.map((pixel, at) => pixel & ~(level[at] | upright[at]));
  return rest.includes(1) ? { ...ink, data: rest } : ink;
}

/**
 * Keep the ink that a level bar full of ink can cover; beyond the edges there is none.
 *
 * @param {Raster} ink
 * @param {number} length of the bar
 * @returns {Raster}
 */
function levelRuns(ink, length) {
  const size = Math.max(1, roundEven(length));
  if (rowCounts(ink).every((count) => count < size)) return makeRaster(ink.width, ink.height);
  return dilatedRaster(erodedRaster(ink, size, 1, 0), size, 1);
}

/**
 * Keep the ink that an upright bar full of ink can cover; beyond the edges there is none.
 *
 * @param {Raster} ink
 * @param {number} length of the bar
 * @returns {Raster}
 */
function uprightRuns(ink, length) {
  const size = Math.max(1, roundEven(length));
  if (columnCounts(ink).every((count) => count < size)) return makeRaster(ink.width, ink.height);
  return dilatedRaster(erodedRaster(ink, 1, size, 0), 1, size);
}

/** @param {Raster} ink @returns {Int32Array} how many pixels of ink each row has */
function rowCounts({ width, height, data }) {
  const counts = new Int32Array(height);
  for (let y = 0, at = 0; y < height; y++) for (let x = 0; x < width; x++, at++) counts[y] += data[at];
  return counts;
}

/** @param {Raster} ink @returns {Int32Array} how many pixels of ink each column has */
function columnCounts({ width, height, data }) {
  const counts = new Int32Array(width);
  for (let y = 0, at = 0; y < height; y++) for (let x = 0; x < width; x++, at++) counts[x] += data[at];
  return counts;
}

/** @param {number} side @returns {number} about so many pixels, odd: a window with a middle */
function oddSide(side) {
  return roundEven(side) | 1;
}

// --- find: where the writing is ---------------------------------------------------------------------

/**
 * Find the line of writing in an image, and cut it out, level and dark on light.
 *
 * @param {Raster} gray
 * @returns {FoundWriting} the matrix maps a point (x, y, 1) of what is cut out to the image
 */
function findWriting(gray) {
  const { width, height } = gray;
  const whole = [[1, 0, 0], [0, 1, 0]];
  /** @param {string} note */
  const asItIs = (note) => ({ gray, matrix: whole, lightOnDark: false, notes: [note] });
  if (width > IMAGE.MAX_ASPECT * Math.max(height, FIND.FIELD_ROWS)) return asItIs(FIND.TOO_LONG);
  const [first, closer] = lookScales(height, width);
  let seen = smallLook(gray, first);
  if (!isFull(seen) && closer !== first) seen = smallLook(gray, closer);
  if (!seen.line) return asItIs(FIND.NO_WRITING);
  const { gray: cut, matrix } = isFull(seen) ? { gray, matrix: whole } : cutOut(gray, seen.line, seen);
  const found = seen.light ? invertedRaster(cut) : cut;
  return { gray: found, matrix, lightOnDark: seen.light, notes: notesOn(seen, seen.line) };
}

/** @param {Raster} raster @returns {Raster} dark for light */
function invertedRaster(raster) {
  return { ...raster, data: raster.data.map((level) => 255 - level) };
}

/**
 * Say whether level writing fills the image already.
 *
 * @param {SmallLook} seen
 * @returns {boolean}
 */
function isFull({ line, height, tilt }) {
  return line !== null && line.box.height > FIND.FULL * height && Math.abs(tilt) < FIND.FULL_TILT;
}

/**
 * Say how many times as large as its copy an image is, in the first look and in a closer one.
 *
 * @param {number} height
 * @param {number} width
 * @returns {number[]}
 */
function lookScales(height, width) {
  const [long, short] = [Math.max(height, width), Math.min(height, width)];
  const closer = Math.max(1, Math.min(long / FIND.LONG_SIDE, short / FIND.SHORT_SIDE));
  const isField = width >= ROUGH_INK.FIELD_ASPECT * height;
  return [isField ? Math.max(1, height / FIND.FIELD_ROWS) : closer, closer];
}

/**
 * Find the line of writing in a copy that is smaller by `scale`, if that is above 1.
 *
 * @param {Raster} gray
 * @param {number} scale
 * @returns {SmallLook}
 */
function smallLook(gray, scale) {
  let small = gray;
  if (scale > 1) {
    const [width, height] = [gray.width, gray.height].map((side) => Math.max(1, roundEven(side / scale)));
    small = resizedRaster(gray, width, height, "area");
  }
  const light = hasLightInk(small);
  let ink = roughInkIn(light ? invertedRaster(small) : small);
  let [tilt, back] = [commonTilt(ink), [[1, 0, 0], [0, 1, 0]]];
  if (tilt) ({ ink, back } = turnedLevel(ink, tilt));
  const writing = roughWritingIn(ink);
  const pieces = writing.pieces.filter(({ count }) => count > FIND.SPECK);
  const line = lineOf(pieces);
  if (line) tilt += furtherTilt(line, writing.ink, writing.printed ? 0 : -tilt);
  if (Math.abs(tilt) < FIND.LEAST_TILT) tilt = 0;
  return { scale, width: small.width, height: small.height, light, pieces, line, back, tilt };
}

/** @param {number} degrees @returns {number} */
function radians(degrees) {
  return (degrees * Math.PI) / 180;
}

/**
 * Estimate the tilt of all that is written and printed, in degrees; 0 where little says so.
 *
 * @param {Raster} ink
 * @returns {number}
 */
function commonTilt({ width, data }) {
  const { FEET, MOST_TILT, TILT_STEP, TILT_DOUBT, CLEARER, FINER_REACH, FINER_STEP } = FIND;
  /** @type {number[]} */
  const feet = [];
  for (let at = 0; at < data.length - width; at++) if (data[at] > data[at + width]) feet.push(at);
  const every = Math.floor(feet.length / FEET[1]) + 1;
  const taken = feet.filter((_, number) => number % every === 0);
  if (taken.length < FEET[0]) return 0;
  const y = taken.map((at) => Math.floor(at / width));
  const x = taken.map((at) => at % width);
  const tilts = Array.from({ length: (2 * MOST_TILT) / TILT_STEP + 1 }, (_, k) => TILT_STEP * k - MOST_TILT);
  const scores = gathering(x, y, tilts, Math.max(1, FIND.ROW * width)).map(
    (score, k) => score * (1 - (tilts[k] / TILT_DOUBT) ** 2),
  );
  const best = scores.indexOf(Math.max(...scores));
  if (scores[best] < CLEARER * scores[tilts.length >> 1]) return 0;
  const finer = Array.from(
    { length: (2 * FINER_REACH) / FINER_STEP + 1 },
    (_, k) => tilts[best] + (FINER_STEP * k - FINER_REACH),
  );
  const finerScores = gathering(x, y, finer, Math.max(1, FIND.FINER_ROW * width));
  return finer[finerScores.indexOf(Math.max(...finerScores))];
}

/**
 * Measure for each tilt, in degrees, how much points gather in rows of so many pixels.
 *
 * @param {number[]} x
 * @param {number[]} y
 * @param {number[]} tilts
 * @param {number} row
 * @returns {number[]}
 */
function gathering(x, y, tilts, row) {
  const middle = x.reduce((sum, at) => sum + at, 0) / x.length;
  const rows = tilts.map((tilt) => {
    const slope = Math.tan(radians(tilt));
    return y.map((at, k) => Math.trunc((at - slope * (x[k] - middle)) / row));
  });
  const first = Math.min(...rows.map((some) => Math.min(...some)));
  const last = Math.max(...rows.map((some) => Math.max(...some)));
  return rows.map((some) => {
    const counts = new Int32Array(last - first + 1);
    for (const at of some) counts[at - first]++;
    let sum = 0;
    for (let k = 1; k < counts.length; k++) sum += (counts[k - 1] + counts[k]) ** 2;
    return sum;
  });
}

/**
 * Turn ink level that is tilted by so many degrees, and say what maps a point of it back.
 *
 * @param {Raster} ink
 * @param {number} tilt
 * @returns {{ink: Raster, back: number[][]}}
 */
function turnedLevel(ink, tilt) {
  const { width, height } = ink;
  const [cosine, sine] = [Math.cos(radians(-tilt)), Math.sin(radians(-tilt))];
  const [x, y] = [width / 2, height / 2];
  const back = [
    [cosine, sine, (1 - cosine) * x - sine * y],
    [-sine, cosine, sine * x + (1 - cosine) * y],
  ];
  const levels = { ...ink, data: ink.data.map((pixel) => 255 * pixel) };
  const level = warpedRaster(levels, back, width, height, true);
  return { ink: { ...level, data: level.data.map((share) => (share > 127 ? 1 : 0)) }, back };
}

/**
 * Choose the line with the most ink in pieces of one height, and what stands near them.
 *
 * @param {RasterPart[]} pieces
 * @returns {FoundLine | null}
 */
function lineOf(pieces) {
  const tall = pieces
    .filter((piece) => piece.height >= FIND.LOWEST_DIGIT)
    .sort((one, other) => other.count - one.count)
    .slice(0, FIND.MOST_PIECES);
  if (!tall.length) return null;
  const { seed, height } = fullestRow(tall);
  const { digits, box } = withNeighbours([seed], largePieces(pieces, height), height);
  const marks = pieces.filter(
    (piece) =>
      piece.height <= FIND.DIGIT_HEIGHTS[0] * height &&
      piece.width < FIND.MARK_WIDTH * height &&
      isBeside(piece, box, height, FIND.SMALL_GAP),
  );
  return { box: boxAround([...digits, ...marks]), height, digits };
}

/**
 * Find the piece that has the most ink in its row in pieces like it, and their usual height.
 *
 * @param {RasterPart[]} pieces
 * @returns {{seed: RasterPart, height: number}}
 */
function fullestRow(pieces) {
  const { LEVEL_ASPECT, LEVEL_LOSS, SOLID_INK, SOLID_WIDTH, SOLID_LOSS } = FIND;
  const { UPRIGHT_WIDTH, UPRIGHT_LOSS, ROW_REACH, ALIKE } = FIND;
  const weights = pieces.map(({ width: w, height: h, count }) => {
    const level = w > LEVEL_ASPECT * h ? 1 - LEVEL_LOSS : 1;
    const solid = count > SOLID_INK * w * h && w > SOLID_WIDTH * h ? 1 - SOLID_LOSS : 1;
    return count * (level * solid * (w < UPRIGHT_WIDTH * h ? 1 - UPRIGHT_LOSS : 1));
  });
  /** @param {RasterPart} one @param {RasterPart} other */
  const isLike = (one, other) =>
    Math.abs(other.y + other.height / 2 - (one.y + one.height / 2)) < ROW_REACH * one.height &&
    other.height > ALIKE[0] * one.height &&
    other.height < ALIKE[1] * one.height;
  const amounts = pieces.map((one) =>
    pieces.reduce((sum, other, k) => sum + (isLike(one, other) ? weights[k] : 0), 0),
  );
  const seed = pieces[amounts.indexOf(Math.max(...amounts))];
  const heights = pieces.filter((other) => isLike(seed, other)).map(({ height }) => height);
  heights.sort((one, other) => one - other);
  return { seed, height: heights[heights.length >> 1] };
}

/**
 * Take the pieces that may be digits of so many pixels: no marks, no lines, no walls.
 *
 * @param {RasterPart[]} pieces
 * @param {number} height
 * @returns {RasterPart[]}
 */
function largePieces(pieces, height) {
  const { DIGIT_HEIGHTS, LEVEL_ASPECT, WALL_HEIGHT, WALL_ASPECT } = FIND;
  const [lowest, highest] = DIGIT_HEIGHTS;
  return pieces.filter(({ width: w, height: h }) => {
    const isText = h > lowest * height && h < highest * height && w < LEVEL_ASPECT * h;
    return isText && !(h >= WALL_HEIGHT * height && w <= WALL_ASPECT * h);
  });
}

/**
 * Add what stands beside digits, then what stands beside that; also give the box they fill.
 *
 * @param {RasterPart[]} digits
 * @param {RasterPart[]} pieces
 * @param {number} height
 * @returns {{digits: RasterPart[], box: RasterBox}}
 */
function withNeighbours(digits, pieces, height) {
  let [count, box] = [0, boxAround(digits)];
  while (count !== digits.length) {
    count = digits.length;
    box = boxAround(digits);
    const beside = pieces.filter((piece) => isBeside(piece, box, height, FIND.WIDEST_GAP));
    if (beside.length) digits = beside;
  }
  return { digits, box };
}

/**
 * Say whether a piece is on a line, and at most so many heights of its digits away from it.
 *
 * @param {RasterPart} piece
 * @param {RasterBox} box the line's
 * @param {number} height
 * @param {number} gap
 * @returns {boolean}
 */
function isBeside(piece, { x, y, width, height: h }, height, gap) {
  const middle = piece.y + piece.height / 2;
  const away = Math.max(piece.x - (x + width), x - piece.x - piece.width);
  const isLevel = middle > y - FIND.ABOVE * height && middle < y + h + FIND.BELOW * height;
  return isLevel && away < gap * height;
}

/**
 * Give the box around pieces; there must be one.
 *
 * @param {RasterBox[]} pieces
 * @returns {RasterBox}
 */
function boxAround(pieces) {
  const x = Math.min(...pieces.map((piece) => piece.x));
  const y = Math.min(...pieces.map((piece) => piece.y));
  const right = Math.max(...pieces.map((piece) => piece.x + piece.width));
  const bottom = Math.max(...pieces.map((piece) => piece.y + piece.height));
  return { x, y, width: right - x, height: bottom - y };
}

/**
 * Estimate by how many degrees a line is still tilted, from the tops and feet of its digits.
 *
 * @param {FoundLine} line
 * @param {Raster} ink
 * @param {number} expected
 * @returns {number}
 */
function furtherTilt({ box, height }, ink, expected) {
  const part = Math.max(1, roundEven(FIND.PART * height));
  const [across, down] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  for (let start = 0; start < box.width; start += part) {
    const { top, foot } = reachOf(ink, box, start, Math.min(start + part, box.width));
    if (Math.abs((foot - top) / height - 1) >= FIND.PART_HEIGHTS) continue;
    across.push(start / height);
    down.push((top + foot) / (2 * height));
  }
  const middle = across.reduce((sum, at) => sum + at, 0) / Math.max(1, across.length);
  let [rise, spread] = [FIND.DOUBT * Math.tan(radians(expected)), FIND.DOUBT];
  across.forEach((at, k) => {
    rise += (at - middle) * down[k];
    spread += (at - middle) ** 2;
  });
  return (Math.atan(rise / spread) * 180) / Math.PI;
}

/**
 * Give the rows of a box from the first ink in some columns of it to below the last.
 *
 * @param {Raster} ink
 * @param {RasterBox} box
 * @param {number} start first of the columns
 * @param {number} stop
 * @returns {{top: number, foot: number}} without ink: all rows
 */
function reachOf(ink, box, start, stop) {
  let [top, foot] = [0, box.height];
  /** @param {number} row */
  const isEmpty = (row) => {
    const first = (box.y + row) * ink.width + box.x;
    return !ink.data.subarray(first + start, first + stop).includes(1);
  };
  while (top < box.height && isEmpty(top)) top++;
  if (top === box.height) return { top: 0, foot };
  while (isEmpty(foot - 1)) foot--;
  return { top, foot };
}

/**
 * Cut a line out of the image, level, with room around it but nothing beyond the image.
 *
 * @param {Raster} gray
 * @param {FoundLine} line
 * @param {SmallLook} seen
 * @returns {{gray: Raster, matrix: number[][]}} the matrix maps a point of what is cut out to the image
 */
function cutOut(gray, { box }, seen) {
  const [right, bottom] = [box.x + box.width, box.y + box.height];
  const corners = [[box.x, box.y], [right, box.y], [box.x, bottom], [right, bottom]].map(([x, y]) =>
    seen.back.map(([a, b, c]) => seen.scale * (a * x + b * y + c)),
  );
  const middle = [0, 1].map((k) => corners.reduce((sum, corner) => sum + corner[k], 0) / 4);
  const turn = radians(seen.tilt);
  const directions = [[Math.cos(turn), Math.sin(turn)], [-Math.sin(turn), Math.cos(turn)]];
  const rooms = [FIND.ROOM_BESIDE, FIND.ROOM_ABOVE].map((share) => seen.scale * box.height * share);
  const reaches = directions.map((direction, axis) => {
    const along = corners.map(
      ([x, y]) => direction[0] * (x - middle[0]) + direction[1] * (y - middle[1]),
    );
    const [low, high] = [Math.min(...along), Math.max(...along)]; // the writing's own
    const before = roomToEdge(gray, middle, direction.map((share) => -share));
    const behind = roomToEdge(gray, middle, direction);
    return [
      Math.max(low - rooms[axis], Math.min(low, -before)),
      Math.min(high + rooms[axis], Math.max(high, behind)),
    ];
  });
  if (!seen.tilt) return cutLevel(gray, middle, reaches);
  const [width, height] = reaches.map(([first, last]) => Math.max(1, Math.ceil(last - first)));
  const matrix = [0, 1].map((k) => [
    directions[0][k],
    directions[1][k],
    middle[k] + directions[0][k] * reaches[0][0] + directions[1][k] * reaches[1][0],
  ]);
  return { gray: warpedRaster(gray, matrix, width, height, true, "replicate"), matrix };
}

/**
 * Cut whole pixels out of an image.
 *
 * @param {Raster} gray
 * @param {number[]} middle
 * @param {number[][]} reaches from the middle to the first and the last column, and row
 * @returns {{gray: Raster, matrix: number[][]}}
 */
function cutLevel(gray, middle, reaches) {
  const sizes = [gray.width, gray.height];
  const [left, top] = [0, 1].map((k) => Math.max(0, Math.floor(middle[k] + reaches[k][0])));
  const [right, bottom] = [0, 1].map((k) => Math.min(sizes[k], Math.ceil(middle[k] + reaches[k][1])));
  const cut = makeRaster(right - left, bottom - top);
  for (let y = top; y < bottom; y++) {
    const row = gray.data.subarray(y * gray.width + left, y * gray.width + right);
    cut.data.set(row, (y - top) * cut.width);
  }
  return { gray: cut, matrix: [[1, 0, left], [0, 1, top]] };
}

/**
 * Measure the way from a point in the image to its edge, in pixels.
 *
 * @param {Raster} gray
 * @param {number[]} point
 * @param {number[]} direction
 * @returns {number}
 */
function roomToEdge(gray, point, direction) {
  const sizes = [gray.width, gray.height];
  const ways = direction.map((share, k) =>
    // along an axis of the image, two of its edges are never met
    Math.abs(share) > 1e-9 ? ((share > 0 ? sizes[k] : 0) - point[k]) / share : Infinity,
  );
  return Math.min(...ways);
}

/**
 * Say in sentences what is unusual about the writing.
 *
 * @param {SmallLook} seen
 * @param {FoundLine} line
 * @returns {string[]}
 */
function notesOn(seen, line) {
  const notes = seen.light ? [FIND.INVERTED] : [];
  if (line.height * seen.scale < FIND.READABLE) notes.push(FIND.TOO_SMALL);
  if (!isFull(seen)) {
    if (hasLines(withoutLine(seen.pieces, line), line.height)) notes.push(FIND.MANY_LINES);
    else if (runsDown(seen.pieces, line)) notes.push(FIND.TURNED);
  }
  if (seen.back[0][1] === 0) {
    const { x, width } = boxAround(line.digits);
    if (x <= 0) notes.push(FIND.CUT_OFF.replace("{}", "left"));
    if (x + width >= seen.width) notes.push(FIND.CUT_OFF.replace("{}", "right"));
  }
  return notes;
}

/**
 * Say whether there are two lines, at least, of text about as high, and three times as wide.
 *
 * @param {RasterPart[]} pieces
 * @param {number} height
 * @returns {boolean}
 */
function hasLines(pieces, height) {
  const [lowest, highest] = FIND.OTHER_HEIGHTS;
  let left = pieces.filter(({ height: h }) => h > lowest * height && h < highest * height);
  for (let count = 0; count < FIND.OTHER_LINES; count++) {
    const line = lineOf(left);
    if (!line || line.box.width < FIND.OTHER_WIDTH * line.height) return false;
    left = withoutLine(left, line);
  }
  return true;
}

/**
 * Take the pieces above and below a line.
 *
 * @param {RasterPart[]} pieces
 * @param {FoundLine} line
 * @returns {RasterPart[]}
 */
function withoutLine(pieces, line) {
  return pieces.filter((piece) => !isBeside(piece, line.box, line.height, Infinity));
}

/**
 * Say whether a longer line runs from top to bottom than the one from left to right.
 *
 * @param {RasterPart[]} pieces
 * @param {FoundLine} line
 * @returns {boolean}
 */
function runsDown(pieces, line) {
  const column = lineOf(
    pieces.map(({ x, y, width, height, count }) => ({ x: y, y: x, width: height, height: width, count })),
  );
  if (!column || column.digits.length < FIND.TURNED_DIGITS) return false;
  return column.box.width > FIND.TURNED_LENGTH * line.box.width;
}
