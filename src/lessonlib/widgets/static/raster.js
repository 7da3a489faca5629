// Images, and OpenCV's operations on them that the reader of amounts needs, with OpenCV's rounding
// where that is easy. All arrays are flat, row by row.

/** @typedef {{width: number, height: number, data: Uint8Array}} Raster levels 0 to 255, or ink 0 and 1 */
/** @typedef {{x: number, y: number, width: number, height: number}} RasterBox */
/** @typedef {RasterBox & {count: number}} RasterPart connected pixels: their box, and how many */

// Added and taken away again, it leaves no room for digits behind the point.
const ROUNDER = 1.5 * 2 ** 52;
const CUBIC = -0.75; // OpenCV's slope of the cubic weights

/**
 * Round as Python and OpenCV do: a half to the even neighbour.
 *
 * @param {number} value
 * @returns {number}
 */
function roundEven(value) {
  return value + ROUNDER - ROUNDER;
}

/**
 * Make whole gray levels, rounded as `roundEven` rounds.
 *
 * @param {ArrayLike<number>} values
 * @returns {Uint8Array}
 */
function roundedLevels(values) {
  return new Uint8Array(new Uint8ClampedArray(values).buffer);
}

/**
 * @param {number} width
 * @param {number} height
 * @param {Uint8Array} [data] black, or paper, if none is given
 * @returns {Raster}
 */
function makeRaster(width, height, data = new Uint8Array(width * height)) {
  return { width, height, data };
}

/**
 * Bring an image to another size, as cv2.resize does.
 *
 * @param {Raster} raster
 * @param {number} width
 * @param {number} height
 * @param {"area" | "cubic" | "linear"} method
 * @returns {Raster}
 */
function resizedRaster(raster, width, height, method) {
  if (raster.width === width && raster.height === height) {
    return makeRaster(width, height, raster.data.slice());
  }
  const smaller = raster.width >= width && raster.height >= height;
  const halved = raster.width === 2 * width && raster.height === 2 * height;
  if ((method === "area" && smaller) || (method === "linear" && halved)) {
    const means = areaMeans(raster.data, raster.width, raster.height, width, height);
    // Of four pixels, a mean with a half is rounded up.
    return makeRaster(width, height, roundedLevels(halved ? means.map(Math.round) : means));
  }
  return interpolatedRaster(raster, width, height, method);
}

/**
 * Shrink by averaging over areas, as cv2.resize does with INTER_AREA.
 *
 * @param {ArrayLike<number>} values
 * @param {number} width
 * @param {number} height
 * @param {number} newWidth at most the width
 * @param {number} newHeight at most the height
 * @returns {Float32Array}
 */
function areaMeans(values, width, height, newWidth, newHeight) {
  const [columns, rows] = [areaShares(width, newWidth), areaShares(height, newHeight)];
  const whole = width % newWidth === 0 && height % newHeight === 0; // sums, to have no rounding
  if (whole) [columns, rows].forEach(({ shares }) => shares.fill(1));
  const means = new Float32Array(newWidth * newHeight);
  const row = new Float32Array(newWidth);
  let shown = -1; // the row of the image that `row` holds, shrunken
  for (let k = 0; k < rows.from.length; k++) {
    if (rows.from[k] !== shown) {
      shown = rows.from[k];
      row.fill(0);
      const start = shown * width;
      for (let j = 0; j < columns.from.length; j++) {
        row[columns.to[j]] += Math.fround(values[start + columns.from[j]] * columns.shares[j]);
      }
    }
    const [start, share] = [rows.to[k] * newWidth, rows.shares[k]];
    for (let x = 0; x < newWidth; x++) means[start + x] += Math.fround(share * row[x]);
  }
  const share = Math.fround((newWidth * newHeight) / (width * height));
  return whole ? means.map((sum) => sum * share) : means;
}

/**
 * Say which pixels of a line go into which ones of a shorter line, and with which shares.
 *
 * @param {number} length
 * @param {number} newLength
 * @returns {{from: Int32Array, to: Int32Array, shares: Float32Array}}
 */
function areaShares(length, newLength) {
  const scale = 1 / (newLength / length);
  /** @type {number[][]} */
  const [from, to, shares] = [[], [], []];
  /** @param {number} old @param {number} now @param {number} share */
  const add = (old, now, share) => {
    from.push(old);
    to.push(now);
    shares.push(share);
  };
  for (let now = 0; now < newLength; now++) {
    const [start, stop] = [now * scale, now * scale + scale];
    const cell = Math.min(scale, length - start);
    const last = Math.min(Math.floor(stop), length - 1);
    const first = Math.min(Math.ceil(start), last);
    if (first - start > 1e-3) add(first - 1, now, (first - start) / cell);
    for (let old = first; old < last; old++) add(old, now, 1 / cell);
    if (stop - last > 1e-3) add(last, now, Math.min(stop - last, 1, cell) / cell);
  }
  return { from: Int32Array.from(from), to: Int32Array.from(to), shares: Float32Array.from(shares) };
}

/**
 * Bring an image to another size by weighing two or four neighbours in each direction.
 *
 * OpenCV weighs two in whole numbers, of which it drops the last bits, and four (with Intel's library,
 * which its packages for x86 bring along) exactly.
 *
 * @param {Raster} raster
 * @param {number} width
 * @param {number} height
 * @param {"area" | "cubic" | "linear"} method
 * @returns {Raster}
 */
function interpolatedRaster(raster, width, height, method) {
  const taps = method === "cubic" ? 4 : 2;
  const columns = resizeWeights(raster.width, width, method);
  const rows = resizeWeights(raster.height, height, method);
  const across = new Float64Array(width * raster.height);
  for (let y = 0, at = 0; y < raster.height; y++) {
    for (let x = 0, k = 0; x < width; x++, at++) {
      let sum = 0;
      for (let tap = 0; tap < taps; tap++, k++) {
        sum += raster.data[y * raster.width + columns.from[k]] * columns.weights[k];
      }
      across[at] = taps === 2 ? sum >> 4 : sum;
    }
  }
  const data = new Uint8ClampedArray(width * height); // rounds halves to even numbers
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      let sum = 0;
      for (let k = taps * y; k < taps * (y + 1); k++) {
        const part = across[rows.from[k] * width + x] * rows.weights[k];
        sum += taps === 2 ? part >> 16 : part;
      }
      data[at] = taps === 2 ? (sum + 2) >> 2 : sum;
    }
  }
  return makeRaster(width, height, new Uint8Array(data.buffer));
}

/**
 * Say which neighbours each pixel of a new line is made of, and with which weights.
 *
 * @param {number} length
 * @param {number} newLength
 * @param {"area" | "cubic" | "linear"} method
 * @returns {{from: Int32Array, weights: Float64Array}} so many for each pixel as the method takes
 */
function resizeWeights(length, newLength, method) {
  const taps = method === "cubic" ? 4 : 2;
  const from = new Int32Array(taps * newLength);
  const weights = new Float64Array(taps * newLength);
  const inverse = newLength / length;
  const scale = 1 / inverse;
  for (let now = 0; now < newLength; now++) {
    const at = (now + 0.5) * scale - 0.5;
    let old = Math.floor(at);
    let part = Math.fround(at - old);
    if (method === "area") {
      old = Math.floor(now * scale);
      part = Math.max(0, Math.fround(now + 1 - (old + 1) * inverse));
      part -= Math.floor(part);
    }
    const shares = taps === 4 ? cubicShares(part) : [1 - part, part].map(wholeWeight);
    for (let tap = 0; tap < taps; tap++) {
      from[taps * now + tap] = Math.min(Math.max(old - taps / 2 + 1 + tap, 0), length - 1);
      weights[taps * now + tap] = shares[tap];
    }
  }
  return { from, weights };
}

/** @param {number} share @returns {number} OpenCV's whole number for a weight */
function wholeWeight(share) {
  return roundEven(share * 2048);
}

/**
 * @param {number} x how far behind the second of four neighbours, from 0 to 1
 * @returns {number[]} their weights
 */
function cubicShares(x) {
  const [a, back] = [CUBIC, 1 - x];
  const first = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
  const second = ((a + 2) * x - (a + 3)) * x * x + 1;
  const third = ((a + 2) * back - (a + 3)) * back * back + 1;
  return [first, second, third, 1 - first - second - third];
}

/**
 * Turn, stretch or move an image, as cv2.warpAffine does with INTER_LINEAR.
 *
 * @param {Raster} raster
 * @param {number[][]} matrix maps (x, y, 1) of the image to (x, y) of the new one
 * @param {number} width of the new image
 * @param {number} height
 * @param {boolean} [inverse] the matrix maps the other way
 * @param {"constant" | "replicate"} [border] beyond the image are zeros, or its outermost pixels
 * @returns {Raster}
 */
function warpedRaster(raster, matrix, width, height, inverse = false, border = "constant") {
  const [[a, b, c], [d, e, f]] = inverse ? matrix : invertedMatrix(matrix);
  const [data, right, bottom] = [raster.data, raster.width - 1, raster.height - 1];
  const result = makeRaster(width, height);
  const zeros = border === "constant";
  /** @param {number} x @param {number} y */
  const level = (x, y) => {
    if (x < 0 || y < 0 || x > right || y > bottom) {
      if (zeros) return 0;
      x = Math.min(Math.max(x, 0), right);
      y = Math.min(Math.max(y, 0), bottom);
    }
    return data[y * raster.width + x];
  };
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const [u, v] = [a * x + b * y + c, d * x + e * y + f];
      const [left, top] = [Math.floor(u), Math.floor(v)];
      const [along, down] = [u - left, v - top];
      const upper = level(left, top) * (1 - along) + level(left + 1, top) * along;
      const lower = level(left, top + 1) * (1 - along) + level(left + 1, top + 1) * along;
      result.data[at] = roundEven(upper * (1 - down) + lower * down);
    }
  }
  return result;
}

/**
 * @param {number[][]} matrix maps (x, y, 1) to (x, y)
 * @returns {number[][]} the one that maps back
 */
function invertedMatrix([[a, b, c], [d, e, f]]) {
  const size = a * e - b * d;
  const [i, j, k, l] = [e / size, -b / size, -d / size, a / size];
  return [
    [i, j, -i * c - j * f],
    [k, l, -k * c - l * f],
  ];
}

/**
 * Take the highest value in the window around each one, or the lowest, as cv2.dilate and cv2.erode do.
 *
 * @template {Uint8Array | Int16Array | Float32Array} T
 * @param {T} values
 * @param {number} width
 * @param {number} height
 * @param {number[]} window its width and height, and the column and row in it of the value itself
 * @param {1 | -1} sign the highest, or the lowest
 * @param {number} [beyond] the values beyond the borders; if there is none, they don't count
 * @returns {T}
 */
function windowExtremes(values, width, height, [w, h, left, top], sign, beyond) {
  const [stride, rows] = [width + w - 1, height + h - 1];
  const outside = beyond === undefined ? -(2 ** 31) : sign * beyond;
  const Room = values instanceof Float32Array ? Float32Array : Int32Array;
  const padded = new Room(stride * rows).fill(outside);
  for (let y = 0, at = 0; y < height; y++) {
    const start = (y + top) * stride + left;
    for (let x = 0; x < width; x++, at++) padded[start + x] = sign * values[at];
  }
  slideMaximum(padded, 1, w);
  slideMaximum(padded, stride, h);
  const result = /** @type {T} */ (values.slice());
  for (let y = 0, at = 0; y < height; y++) {
    const start = y * stride;
    for (let x = 0; x < width; x++, at++) result[at] = sign * padded[start + x];
  }
  return result;
}

/**
 * Put the highest of so many values, a step from each other, in the place of the first one.
 *
 * They are looked at in blocks of as many (van Herk): then a window is the end of a block and the start
 * of the next one, whatever its size. At the end of a row, values of the next one count; these places
 * are padding.
 *
 * @param {Int32Array | Float32Array} values
 * @param {number} step
 * @param {number} size how many
 */
function slideMaximum(values, step, size) {
  if (size === 1) return;
  const ahead = values.slice(); // the highest from the start of the block; in `values`: to its end
  for (let start = 0; start < values.length; start += size * step) {
    const stop = Math.min(start + size * step, values.length);
    for (let at = start + step; at < stop; at++) {
      if (ahead[at - step] > ahead[at]) ahead[at] = ahead[at - step];
    }
    for (let at = stop - step - 1; at >= start; at--) {
      if (values[at + step] > values[at]) values[at] = values[at + step];
    }
  }
  const reach = (size - 1) * step;
  const stop = values.length - reach;
  for (let at = 0; at < stop; at++) if (ahead[at + reach] > values[at]) values[at] = ahead[at + reach];
}

/**
 * Let what is bright grow, as cv2.dilate does with a rectangle.
 *
 * @param {Raster} raster
 * @param {number} width of the window
 * @param {number} height
 * @param {number[]} [anchor] column and row of the pixel itself in the window; else its middle
 * @returns {Raster}
 */
function dilatedRaster(raster, width, height, anchor = [width >> 1, height >> 1]) {
  const window = [width, height, ...anchor];
  return { ...raster, data: windowExtremes(raster.data, raster.width, raster.height, window, 1) };
}

/**
 * Let what is bright shrink, as cv2.erode does with a rectangle.
 *
 * @param {Raster} raster
 * @param {number} width of the window
 * @param {number} height
 * @param {number} [beyond] the level beyond the borders; if there is none, it doesn't count
 * @returns {Raster}
 */
function erodedRaster(raster, width, height, beyond) {
  const window = [width, height, width >> 1, height >> 1];
  return { ...raster, data: windowExtremes(raster.data, raster.width, raster.height, window, -1, beyond) };
}

/**
 * Give the places of a line that is mirrored at its ends, from `reach` before its first one.
 *
 * @param {number} length
 * @param {number} reach how far beyond both ends
 * @param {0 | 1} once 1: the last value isn't repeated (BORDER_REFLECT_101); 0: it is (BORDER_REFLECT)
 * @returns {Int32Array}
 */
function mirroredPlaces(length, reach, once) {
  return Int32Array.from({ length: length + 2 * reach }, (_, k) => {
    let at = k - reach;
    if (length === 1) return 0;
    while (at < 0 || at >= length) at = at < 0 ? once - 1 - at : 2 * length - 1 - once - at;
    return at;
  });
}

/**
 * Average over the square around each value, as cv2.blur does; beyond the borders it is mirrored.
 *
 * @param {ArrayLike<number>} values
 * @param {number} width
 * @param {number} height
 * @param {number} side of the square: odd
 * @param {0 | 1} [once] see `mirroredPlaces`
 * @returns {Float32Array}
 */
function boxBlur(values, width, height, side, once = 0) {
  const [columns, rows] = [width, height].map((length) => mirroredPlaces(length, side >> 1, once));
  const across = new Float64Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = y * width;
    let sum = 0;
    for (let k = 0; k < side - 1; k++) sum += values[start + columns[k]];
    for (let x = 0; x < width; x++) {
      sum += values[start + columns[x + side - 1]];
      across[start + x] = sum;
      sum -= values[start + columns[x]];
    }
  }
  const sums = new Float64Array(width);
  /** @param {number} row @param {1 | -1} sign */
  const add = (row, sign) => {
    const start = row * width;
    for (let x = 0; x < width; x++) sums[x] += sign * across[start + x];
  };
  const means = new Float32Array(width * height);
  const share = 1 / (side * side);
  for (let k = 0; k < side - 1; k++) add(rows[k], 1);
  for (let y = 0; y < height; y++) {
    add(rows[y + side - 1], 1);
    for (let x = 0, at = y * width; x < width; x++, at++) means[at] = sums[x] * share;
    add(rows[y], -1);
  }
  return means;
}

/**
 * Blur by a bell curve, as cv2.GaussianBlur does with float32; beyond the borders it is mirrored.
 *
 * @param {Float32Array} values
 * @param {number} width
 * @param {number} height
 * @param {number} sigma its standard deviation
 * @returns {Float32Array}
 */
function gaussianBlur(values, width, height, sigma) {
  const reach = (roundEven(8 * sigma + 1) | 1) >> 1;
  const bell = Float64Array.from({ length: 2 * reach + 1 }, (_, k) =>
    Math.exp(-((k - reach) ** 2) / (2 * sigma * sigma)),
  );
  const total = bell.reduce((sum, weight) => sum + weight, 0);
  const weights = Float32Array.from(bell, (weight) => weight / total);
  const [columns, rows] = [width, height].map((length) => mirroredPlaces(length, reach, 1));
  const across = new Float32Array(width * height);
  const line = new Float32Array(columns.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let k = 0; k < line.length; k++) line[k] = values[y * width + columns[k]];
    for (let x = 0; x < width; x++, at++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * line[x + k];
      across[at] = sum;
    }
  }
  const blurred = new Float32Array(width * height);
  const sums = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let k = 0; k < weights.length; k++) {
      const start = rows[y + k] * width;
      for (let x = 0; x < width; x++) sums[x] += weights[k] * across[start + x];
    }
    blurred.set(sums, y * width);
  }
  return blurred;
}

/**
 * Number the pieces of ink that don't touch, not even at a corner.
 *
 * They come in the order of cv2.connectedComponentsWithStats, which looks at squares of two by two
 * pixels, row by row.
 *
 * @param {Raster} ink
 * @returns {{labels: Int32Array, parts: RasterPart[]}} labels: from 1, in the order of the parts; 0 is paper
 */
function connectedParts({ width, height, data }) {
  const open = data.slice();
  const labels = new Int32Array(width * height);
  const waiting = new Int32Array(width * height);
  /** @type {RasterPart[]} */
  const parts = [];
  for (let row = 0; row < height; row += 2) {
    for (let column = 0; column < width; column += 2) {
      for (let y = row; y < row + 2 && y < height; y++) {
        for (let x = column; x < column + 2 && x < width; x++) {
          const [at, label] = [y * width + x, parts.length + 1];
          if (open[at]) parts.push(floodedPart(open, width, height, at, true, labels, label, waiting));
        }
      }
    }
  }
  return { labels, parts };
}

/**
 * Number the pieces of paper that don't touch along a side; the first one is all around the ink.
 *
 * @param {Raster} ink
 * @returns {{labels: Int32Array, parts: RasterPart[]}} of the image with a pixel of paper around it
 */
function paperParts(ink) {
  const [width, height] = [ink.width + 2, ink.height + 2];
  const open = new Uint8Array(width * height).fill(1);
  for (let y = 0, at = 0; y < ink.height; y++) {
    for (let x = 0; x < ink.width; x++, at++) if (ink.data[at]) open[(y + 1) * width + x + 1] = 0;
  }
  const labels = new Int32Array(width * height);
  const waiting = new Int32Array(width * height);
  /** @type {RasterPart[]} */
  const parts = [];
  for (let at = 0; at < open.length; at++) {
    const label = parts.length + 1;
    if (open[at]) parts.push(floodedPart(open, width, height, at, false, labels, label, waiting));
  }
  return { labels, parts };
}

/**
 * Number all open pixels that are reached from one, and close them.
 *
 * @param {Uint8Array} open
 * @param {number} width
 * @param {number} height
 * @param {number} first
 * @param {boolean} corners whether pixels touch at a corner, too
 * @param {Int32Array} labels gets the label
 * @param {number} label
 * @param {Int32Array} waiting room for the pixels whose neighbours have to be looked at
 * @returns {RasterPart}
 */
function floodedPart(open, width, height, first, corners, labels, label, waiting) {
  let [left, right, top, bottom, count, more] = [width, -1, height, -1, 0, 1];
  waiting[0] = first;
  open[first] = 0;
  while (more) {
    const at = waiting[--more];
    const y = (at / width) | 0;
    const x = at - y * width;
    labels[at] = label;
    count++;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
    for (let v = Math.max(y - 1, 0); v <= y + 1 && v < height; v++) {
      const reach = corners || v === y ? 1 : 0;
      const last = v * width + Math.min(x + reach, width - 1);
      for (let next = v * width + Math.max(x - reach, 0); next <= last; next++) {
        if (!open[next]) continue;
        open[next] = 0;
        waiting[more++] = next;
      }
    }
  }
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1, count };
}

/**
 * Fill the loops: all paper that isn't reached from the outside becomes ink, as after cv2.floodFill.
 *
 * @param {Raster} ink
 * @returns {Raster}
 */
function filledRaster(ink) {
  const { labels } = paperParts(ink);
  const result = makeRaster(ink.width, ink.height);
  for (let y = 0, at = 0; y < ink.height; y++) {
    const start = (y + 1) * (ink.width + 2) + 1;
    for (let x = 0; x < ink.width; x++, at++) result.data[at] = labels[start + x] === 1 ? 0 : 1;
  }
  return result;
}

/**
 * Give the boxes of the outlines around loops, as of cv2.findContours' inner outlines: of ink.
 *
 * @param {Raster} ink
 * @returns {RasterBox[]}
 */
function loopBoxes(ink) {
  // The outline is a pixel larger on each side than the paper in it, whose place is counted from -1.
  return paperParts(ink)
    .parts.slice(1)
    .map(({ x, y, width, height }) => ({ x: x - 2, y: y - 2, width: width + 2, height: height + 2 }));
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
