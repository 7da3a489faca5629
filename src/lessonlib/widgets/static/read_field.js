// The ink of a field that is found, as lessonlib.checks does it: resample it (image), mark its ink
// (binarize), erase ruled lines and part it into pieces (pieces). Names and steps are Python's, and so
// are the constants: each object holds those of one module.

/** @typedef {{x: number, y: number, width: number, height: number, ink: Uint8Array}} InkPiece */

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
