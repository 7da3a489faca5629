// Where the writing is, how it is tilted, and what is unusual about it, as lessonlib.checks.find does
// it. Names, steps and constants are Python's.

/** @typedef {{gray: Raster, matrix: number[][], lightOnDark: boolean, notes: string[]}} FoundWriting */
/** @typedef {{box: RasterBox, height: number, digits: RasterPart[]}} FoundLine */
/**
 * @typedef {{scale: number, width: number, height: number, light: boolean, pieces: RasterPart[],
 *   line: FoundLine | null, back: number[][], tilt: number}} SmallLook
 */

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
