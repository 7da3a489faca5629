// The ink of an image's small copy, as lessonlib.checks.rough_ink finds it, without frames and rules.
// Names, steps and constants are Python's.

/** @typedef {{ink: Raster, pieces: RasterPart[], printed: boolean}} RoughWriting */

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

/** @param {number} side @returns {number} about so many pixels, odd: a window with a middle */
function oddSide(side) {
  return roundEven(side) | 1;
}
