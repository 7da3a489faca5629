// Which ink might be a digit, as in lessonlib.checks.candidates: the ink is cut wherever a cut might be
// right, and every short run of neighbouring parts is a candidate. The page's reader may cut elsewhere.

// As in lessonlib.checks.candidates, which says what each one means and where it comes from.
const CUT_RULES = {
  DIRT_HEIGHT: 0.05,
  LINE_DASH_HEIGHT: 0.1,
  TALL_PIECE: 0.6,
  CRUMB_HEIGHT: 0.09,
  SMALLEST_DIGIT: 0.15,
  CUT_WIDTH: 0.6,
  WAIST_INK: 0.88,
  WAIST_REACH: 0.6,
  EXTENT_WEIGHT: 0.25,
  CUTS_APART: 0.15,
  LOOP_HEIGHT: 0.2,
  LOOPS_APART: 0.2,
  LONGEST: 5,
  GAP: 0.15,
  WIDEST: 1.35,
  WIDEST_PIECE: 3.0,
  BAND_HEIGHT: 9,
  SHEAR_STEPS: [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6],
  SHEAR_PENALTY: 0.1,
  MARK: 10,
  JUNK: 11,
};

/**
 * A piece of connected ink: its box in the strip, and the columns of the strip where it is cut.
 *
 * @typedef {{x: number, y: number, width: number, height: number, cuts: number[]}} StripPiece
 */

/**
 * A field cut into primitives, straightened. `labels` says which primitive a pixel belongs to, -1 is
 * paper; `pieces` has the number of the piece in `ink` that each primitive is a part of; `height` is
 * the digits'.
 *
 * @typedef {{labels: Int16Array, width: number, rows: number, boxes: number[][], pieces: number[],
 *   height: number, shear: number, ink: StripPiece[]}} FieldStrip boxes: x, y, width, height
 */

/** @typedef {Record<number, number[]>} OwnCuts columns of the strip, for the number of a piece in its `ink` */

/**
 * Straighten a field's writing and cut it into primitives.
 *
 * @param {Raster} ink 0 and 1
 * @param {OwnCuts} [own]
 * @returns {FieldStrip}
 */
function cutUp(ink, own = {}) {
  const { upright, shear } = straightenInk(removeLines(ink));
  const { width, height: rows } = upright;
  let found = connectedPieces(upright).filter((piece) => piece.height >= CUT_RULES.DIRT_HEIGHT * rows);
  let height = found.length ? digitHeightOf(found) : 0;
  if (height < CUT_RULES.SMALLEST_DIGIT * rows) [found, height] = [[], 0];
  const pieces = withoutBrokenLines(found, height, CUT_RULES.LINE_DASH_HEIGHT * rows);
  const cuts = pieces.map((piece, number) => cutsOf(piece, height, own[number]));
  const primitives = pieces
    .flatMap((piece, number) => {
      if (piece.height < CUT_RULES.CRUMB_HEIGHT * height) return [];
      return partsBetween(piece, cuts[number]).map((part) => ({ part, number }));
    })
    .sort((a, b) => 2 * (a.part.x - b.part.x) + a.part.width - b.part.width);
  const labels = new Int16Array(width * rows).fill(-1);
  primitives.forEach(({ part }, number) => {
    for (let y = 0, at = 0; y < part.height; y++) {
      const start = (part.y + y) * width + part.x;
      for (let x = 0; x < part.width; x++, at++) if (part.ink[at]) labels[start + x] = number;
    }
  });
  return {
    labels,
    width,
    rows,
    boxes: primitives.map(({ part }) => [part.x, part.y, part.width, part.height]),
    pieces: primitives.map(({ number }) => number),
    height,
    shear,
    ink: pieces.map((piece, number) => {
      const { x, y, width, height } = piece;
      return { x, y, width, height, cuts: cuts[number].map((column) => x + column) };
    }),
  };
}

/**
 * Leave out the dashes that a faint ruled line is made of: two or more above the digits, or below.
 *
 * @param {InkPiece[]} pieces
 * @param {number} height the digits'
 * @param {number} highest a dash
 * @returns {InkPiece[]}
 */
function withoutBrokenLines(pieces, height, highest) {
  const tall = pieces.filter((piece) => piece.height >= CUT_RULES.TALL_PIECE * height);
  if (!tall.length) return pieces;
  const top = medianOf(tall.map((piece) => piece.y));
  const bottom = medianOf(tall.map((piece) => piece.y + piece.height));
  const low = pieces.filter((piece) => piece.height <= highest);
  const sides = [
    low.filter((piece) => piece.y + piece.height <= top),
    low.filter((piece) => piece.y >= bottom),
  ];
  const dashes = new Set(sides.filter((side) => side.length > 1).flat());
  return pieces.filter((piece) => !dashes.has(piece));
}

/**
 * Shear slanted writing upright: of several shears, take the one that gathers the ink in the fewest columns.
 *
 * @param {Raster} ink
 * @returns {{upright: Raster, shear: number}} columns to the right for each row down
 */
function straightenInk(ink) {
  const { width, height } = ink;
  const count = Math.max(1, roundEven(height / CUT_RULES.BAND_HEIGHT));
  const bands = areaMeans(ink.data, width, height, width, count);
  let [shear, most] = [0, -1];
  for (const step of CUT_RULES.SHEAR_STEPS) {
    const own = (step * count) / height;
    const columns = bandColumnSums(bands, width, count, step);
    let score = 0;
    for (let i = 0; i < columns.length; i++) score += columns[i] * columns[i];
    score *= 1 - CUT_RULES.SHEAR_PENALTY * Math.abs(own);
    if (score > most) [shear, most] = [own, score];
  }
  return { upright: shearedInk(ink, shear), shear };
}

/**
 * Add up the columns of a field whose bands are moved `step` columns farther to the right than the one above.
 *
 * @param {Float32Array} bands
 * @param {number} width
 * @param {number} count
 * @param {number} step
 * @returns {Float32Array}
 */
function bandColumnSums(bands, width, count, step) {
  const columns = new Float32Array(width + Math.abs(step) * (count - 1));
  let start = Math.max(0, -step) * (count - 1);
  for (let band = 0; band < count; band++, start += step) {
    for (let x = 0; x < width; x++) columns[start + x] += bands[band * width + x];
  }
  return columns;
}

/**
 * Move each row to the right in proportion to its distance from the top, or the bottom.
 *
 * The new columns are computed as cv2.warpAffine does, in numbers of 32 bits: a half goes the same way.
 *
 * @param {Raster} ink
 * @param {number} shear columns for each row down
 * @returns {Raster} wider by the rows times the shear
 */
function shearedInk(ink, shear) {
  if (shear === 0) return ink;
  const { width, height, data } = ink;
  const wider = width + Math.ceil(Math.abs(shear) * height);
  const moved = makeRaster(wider, height);
  const [back, first] = [Math.fround(-shear), Math.fround(-shearedStart(shear, height))];
  for (let y = 0; y < height; y++) {
    const offset = Math.fround(Math.fround(y * back) + first);
    for (let x = 0; x < wider; x++) {
      const old = roundEven(Math.fround(x + offset));
      if (old >= 0 && old < width) moved.data[y * wider + x] = data[y * width + old];
    }
  }
  return moved;
}

/**
 * The column to which `shearedInk` moves the first column of row 0.
 *
 * @param {number} shear
 * @param {number} height
 * @returns {number}
 */
function shearedStart(shear, height) {
  return -Math.min(0, shear * (height - 1));
}

/**
 * Say at which of its columns a piece is cut: wherever two digits might touch, or where the page's reader says.
 *
 * @param {InkPiece} piece
 * @param {number} height the digits'
 * @param {number[]} [own] columns of the strip
 * @returns {number[]} ascending
 */
function cutsOf(piece, height, own) {
  if (!own) return automaticCuts(piece, height);
  const inside = own.map((column) => Math.round(column) - piece.x).filter((x) => x > 0 && x < piece.width);
  return [...new Set(inside)].sort((a, b) => a - b);
}

/**
 * @param {InkPiece} piece
 * @param {number[]} cuts ascending
 * @returns {InkPiece[]}
 */
function partsBetween(piece, cuts) {
  const edges = [0, ...cuts, piece.width];
  return edges.slice(1).map((end, i) => cropPiece(piece, edges[i], end));
}

/**
 * Find the columns where two digits might touch: the waists, and the walls between loops side by side.
 *
 * @param {InkPiece} piece
 * @param {number} height the digits'
 * @returns {number[]} ascending
 */
function automaticCuts(piece, height) {
  const { width } = piece;
  if (width < CUT_RULES.CUT_WIDTH * height) return [];
  const ink = makeRaster(width, piece.height, piece.ink);
  const filled = filledRaster(ink).data;
  const cost = Float32Array.from(columnExtents(piece), (extent) => CUT_RULES.EXTENT_WEIGHT * extent);
  for (let at = 0; at < filled.length; at++) cost[at % width] += filled[at];
  const apart = Math.max(2, roundEven(CUT_RULES.CUTS_APART * height));
  const columns = waistColumns(cost, apart, roundEven(CUT_RULES.WAIST_REACH * height));
  for (const wall of wallColumns(ink, height)) {
    if ([0, ...columns, width].every((column) => Math.abs(wall - column) >= apart)) columns.push(wall);
  }
  return columns.sort((a, b) => a - b);
}

/**
 * Find the columns where the cost has a minimum, with higher columns on both sides.
 *
 * @param {Float32Array} cost
 * @param {number} apart the columns are from each other and from the ends
 * @param {number} reach the higher columns are no farther away
 * @returns {number[]} ascending
 */
function waistColumns(cost, apart, reach) {
  const width = cost.length;
  const left = windowExtremes(cost, width, 1, [reach + 1, 1, reach, 0], 1);
  const right = windowExtremes(cost, width, 1, [reach + 1, 1, 0, 0], 1);
  const around = apart >> 1;
  const lowest = windowExtremes(cost, width, 1, [2 * around + 1, 1, around, 0], -1);
  const share = Math.fround(CUT_RULES.WAIST_INK); // NumPy multiplies in 32 bits
  /** @type {number[]} */
  const free = [];
  for (let x = apart; x < width - apart; x++) {
    if (cost[x] <= Math.fround(share * Math.min(left[x], right[x])) && cost[x] <= lowest[x]) free.push(x);
  }
  /** @type {number[]} */
  const chosen = [];
  for (const column of free.sort((a, b) => cost[a] - cost[b])) {
    if (chosen.every((other) => Math.abs(column - other) > apart)) chosen.push(column);
  }
  return chosen.sort((a, b) => a - b);
}

/**
 * Find the columns between loops that stand side by side, ascending.
 *
 * @param {Raster} ink
 * @param {number} height the digits'
 * @returns {number[]}
 */
function wallColumns(ink, height) {
  const loops = loopBoxes(ink)
    .filter((box) => box.height >= CUT_RULES.LOOP_HEIGHT * height)
    .map(({ x, width }) => ({ middle: x + width / 2, left: x, right: x + width }))
    .sort((a, b) => a.middle - b.middle || a.left - b.left);
  return loops.slice(1).flatMap(({ middle, left }, i) => {
    if (middle - loops[i].middle < CUT_RULES.LOOPS_APART * height) return [];
    return [Math.floor((loops[i].right + left) / 2)];
  });
}

/**
 * List the candidates: runs of neighbouring primitives no wider than a digit can be, and whole pieces.
 *
 * @param {FieldStrip} strip
 * @returns {number[][]} the first primitive, and the first one after the last
 */
function candidateRuns({ boxes, pieces, height }) {
  const left = boxes.map(([x]) => x);
  const right = boxes.map(([x, , width]) => x + width);
  const whole = wholePieces(left, right, pieces, height);
  /** @type {number[][]} */
  const candidates = [];
  for (let stop = 1; stop <= boxes.length; stop++) {
    let [x, edge] = [left[stop - 1], right[stop - 1]];
    const starts = [stop - 1];
    for (let start = stop - 2; start >= Math.max(0, stop - CUT_RULES.LONGEST); start--) {
      const gap = x - right[start];
      x = Math.min(x, left[start]);
      edge = Math.max(edge, right[start]);
      if (edge - x > CUT_RULES.WIDEST * height || gap > CUT_RULES.GAP * height) break;
      starts.push(start);
    }
    const start = whole.get(stop);
    if (start !== undefined && !starts.includes(start)) starts.push(start);
    candidates.push(...starts.map((start) => [start, stop]));
  }
  return candidates;
}

/**
 * Find the runs that make up one whole piece: the first primitive after it leads to its own first one.
 *
 * @param {number[]} left
 * @param {number[]} right
 * @param {number[]} pieces
 * @param {number} height
 * @returns {Map<number, number>}
 */
function wholePieces(left, right, pieces, height) {
  /** @type {Map<number, number>} */
  const whole = new Map();
  for (const piece of new Set(pieces)) {
    const [start, stop] = [pieces.indexOf(piece), pieces.lastIndexOf(piece) + 1];
    if (pieces.slice(start, stop).some((other) => other !== piece)) continue;
    const width = Math.max(...right.slice(start, stop)) - Math.min(...left.slice(start, stop));
    if (width <= CUT_RULES.WIDEST_PIECE * height) whole.set(stop, start);
  }
  return whole;
}

/**
 * Give the box x, y, width, height around each candidate in the strip.
 *
 * @param {FieldStrip} strip
 * @param {number[][]} candidates
 * @returns {number[][]}
 */
function candidateBoxes(strip, candidates) {
  return candidates.map(([start, stop]) => {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const [x, y, width, height] of strip.boxes.slice(start, stop)) {
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + width), Math.max(bottom, y + height)];
    }
    return [left, top, right - left, bottom - top];
  });
}

/**
 * Cut the ink of a candidate out of the box around it.
 *
 * @param {FieldStrip} strip
 * @param {number[]} candidate
 * @param {number[]} box
 * @param {number} [level] of ink
 * @returns {Raster}
 */
function candidateInk({ labels, width }, [start, stop], [left, top, w, h], level = 1) {
  const ink = makeRaster(w, h);
  for (let y = 0, at = 0; y < h; y++) {
    const row = (top + y) * width + left;
    for (let x = 0; x < w; x++, at++) {
      if (labels[row + x] >= start && labels[row + x] < stop) ink.data[at] = level;
    }
  }
  return ink;
}

// ---------------------------------------------------------------- places

/**
 * Bring a place in the strip to the image of the writing that was found, where it may still slant.
 *
 * @param {FieldStrip} strip
 * @param {number[]} scale of the field that the strip was cut from
 * @param {number[]} place x, y
 * @returns {number[]} x, y
 */
function placeInImage({ shear, rows }, [across, down], [x, y]) {
  return [(x - shear * y - shearedStart(shear, rows)) * across, y * down];
}

/**
 * Bring a place in the image of the writing that was found to the strip: for a pointer on that image.
 *
 * @param {FieldStrip} strip
 * @param {number[]} scale
 * @param {number[]} place x, y
 * @returns {number[]} x, y
 */
function placeInStrip({ shear, rows }, [across, down], [x, y]) {
  return [x / across + (shear * y) / down + shearedStart(shear, rows), y / down];
}

/**
 * Give the box x, y, width, height around each candidate in the image of the writing that was found.
 *
 * @param {FieldStrip} strip
 * @param {number[][]} candidates
 * @param {number[]} scale
 * @returns {number[][]}
 */
function candidateImageBoxes(strip, candidates, scale) {
  const boxes = candidateBoxes(strip, candidates);
  return candidates.map((candidate, number) => {
    const [x, y, width, height] = boxes[number];
    const ink = candidateInk(strip, candidate, boxes[number]).data;
    let [left, right] = [Infinity, -Infinity];
    for (let v = 0, at = 0; v < height; v++) {
      for (let u = 0; u < width; u++, at++) {
        if (!ink[at]) continue;
        left = Math.min(left, u - strip.shear * v); // sheared back
        right = Math.max(right, u - strip.shear * v + 1);
      }
    }
    const start = x - strip.shear * y;
    return boxInImage(strip, [start + left, y, right - left, height], scale);
  });
}

/**
 * Bring a box that is already sheared back from the strip to the image, and keep it inside.
 *
 * @param {FieldStrip} strip
 * @param {number[]} box
 * @param {number[]} scale
 * @returns {number[]}
 */
function boxInImage({ shear, width, rows }, [x, y, w, h], [across, down]) {
  const widest = width - Math.ceil(Math.abs(shear) * rows);
  const start = x - shearedStart(shear, rows);
  const right = Math.max(1, Math.min(roundEven((start + w) * across), roundEven(widest * across)));
  const bottom = Math.max(1, Math.min(roundEven((y + h) * down), roundEven(rows * down)));
  const left = Math.min(Math.max(roundEven(start * across), 0), right - 1);
  const top = Math.min(Math.max(roundEven(y * down), 0), bottom - 1);
  return [left, top, right - left, bottom - top];
}

/**
 * Say which piece of ink a place in the strip belongs to, for a cut there: the nearest in its column.
 *
 * @param {FieldStrip} strip
 * @param {number} x
 * @param {number} y
 * @returns {number} -1 where there is none
 */
function pieceAt(strip, x, y) {
  let [nearest, least] = [-1, Infinity];
  strip.ink.forEach((piece, number) => {
    const distance = Math.max(piece.y - y, y - piece.y - piece.height, 0);
    const inside = x > piece.x && x < piece.x + piece.width;
    if (inside && distance < least) [nearest, least] = [number, distance];
  });
  return nearest;
}

/**
 * @param {number[]} values one at least
 * @returns {number}
 */
function medianOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
