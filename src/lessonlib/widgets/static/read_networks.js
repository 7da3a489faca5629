// The networks that read an amount: a convolutional network's forward pass, of pictures as Python's reader
// makes them. `lessonlib.widgets.networks` packs the weights.

// As in lessonlib.checks.cutting, lessonlib.checks.pictures and lessonlib.checks.lines.
const NETWORK_RULES = {
  SURE_ENOUGH: 0.99, // where a class has this probability, further looks are not worth their time
  FRAME_SIDE: 28, // rows and columns of a candidate's pictures
  LINE_HEIGHT: 40, // rows of a line's pictures
};

const TOGETHER = 8; // so many sums fit into a processor's registers: with 4 or 16 a pass took longer

/**
 * What goes from layer to layer: pixels row by row, and all channels of a pixel together.
 *
 * @typedef {{height: number, width: number, channels: number, values: Float32Array}} FeatureMap
 */

/**
 * A layer: a function, with what `described_layers` in `widgets/networks.py` says of it. The weights are
 * those of 8 outputs after those of 8 others, and of all 8 for each input in turn; the last ones may be
 * those of no output, 0.
 *
 * @typedef {{kind: string, inputs: number, outputs: number, size: number[], stride: number[],
 *   padding: number[], relu: boolean, residual: boolean, weights: Float32Array,
 *   biases: Float32Array}} ConvLayer
 * @typedef {{mean: number, std: number, layers: ConvLayer[]}} ConvNetwork
 */

/** @type {Map<string, ConvNetwork>} */
const unpackedNetworks = new Map();

/**
 * Unpack a convolutional network that came with the page, once.
 *
 * @param {string} name "reader-cnn" or "reader-line"
 * @returns {ConvNetwork}
 */
function readConvNetwork(name) {
  const known = unpackedNetworks.get(name);
  if (known) return known;
  const packed = /** @type {any} */ (window).lessonlibNetworks?.[name];
  const layers = Array.from(packed ?? []); // it has a length, and its layers by their numbers
  if (!layers.length || layers.includes(undefined)) {
    throw new Error(`The network ${name} isn't complete: put all its scripts into the page.`);
  }
  const network = { mean: packed.mean, std: packed.std, layers: layers.map(unpackLayer) };
  unpackedNetworks.set(name, network);
  return network;
}

/** @param {any} packed @returns {ConvLayer} */
function unpackLayer(packed) {
  if (packed.kind !== "convolution") return packed;
  const { weights, scales, biases, size, inputs } = packed;
  const [bytes, outputs, products] = [atob(weights), scales.length, inputs * size[0] * size[1]];
  const room = Math.ceil(outputs / TOGETHER) * TOGETHER;
  const unpacked = new Float32Array(room * products);
  for (let output = 0; output < outputs; output++) {
    const first = (output - (output % TOGETHER)) * products + (output % TOGETHER);
    for (let i = 0; i < products; i++) {
      const byte = bytes.charCodeAt(output * products + i);
      unpacked[first + i * TOGETHER] = scales[output] * ((byte << 24) >> 24); // from 128 on it is below 0
    }
  }
  const padded = new Float32Array(room);
  padded.set(biases);
  return { ...packed, outputs, weights: unpacked, biases: padded };
}

/**
 * Let a network answer: take pictures through all of its layers.
 *
 * @param {ConvNetwork} network
 * @param {FeatureMap} pictures
 * @returns {FeatureMap} of logits
 */
function passForward(network, pictures) {
  let map = pictures;
  for (const layer of network.layers) {
    if (layer.kind === "convolution") map = convolveMap(layer, map);
    else if (layer.kind === "pooling") map = poolMap(layer, map);
    else map = flattenMap(map);
  }
  return map;
}

/**
 * Compute a convolution: for each place of its window, the weighted sums of the values in the window.
 *
 * @param {ConvLayer} layer
 * @param {FeatureMap} map
 * @returns {FeatureMap}
 */
function convolveMap(layer, map) {
  const { outputs, size, stride, padding, relu, residual } = layer;
  const height = Math.floor((map.height + 2 * padding[0] - size[0]) / stride[0]) + 1;
  const width = Math.floor((map.width + 2 * padding[1] - size[1]) / stride[1]) + 1;
  const listed = withoutZeros(map);
  const values = new Float32Array(height * width * outputs);
  const sums = new Float64Array(TOGETHER);
  for (let first = 0; first < outputs; first += TOGETHER) {
    const here = Math.min(TOGETHER, outputs - first);
    for (let pixel = 0; pixel < height * width; pixel++) {
      const x = pixel % width;
      const y = (pixel - x) / width;
      sumWindow(layer, listed, first, y * stride[0] - padding[0], x * stride[1] - padding[1], sums);
      for (let i = 0, at = pixel * outputs + first; i < here; i++, at++) {
        const sum = residual ? sums[i] + map.values[at] : sums[i];
        values[at] = relu && sum < 0 ? 0 : sum;
      }
    }
  }
  return { height, width, channels: outputs, values };
}

/**
 * Compute the weighted sums of a window for eight outputs.
 *
 * This is where the time goes. Values of 0 are left out: behind a ReLU they are about half of all. Eight
 * variables stay in the processor's registers. And "| 0" says that a place is a whole number of 32 bits;
 * where the engine has to find that out, a pass takes 1.6 times as long.
 *
 * @param {ConvLayer} layer
 * @param {ListedMap} listed
 * @param {number} first the first of the outputs
 * @param {number} top the window's first row, which may lie above the map
 * @param {number} left its first column, which may lie before the map
 * @param {Float64Array} sums where they are put
 */
function sumWindow({ size, weights, biases }, listed, first, top, left, sums) {
  const { height, width, channels, starts, places, values } = listed;
  const [rows, columns] = size;
  const [from, to] = [Math.max(0, left), Math.min(width, left + columns)];
  let s0 = biases[first];
  let s1 = biases[first + 1];
  let s2 = biases[first + 2];
  let s3 = biases[first + 3];
  let s4 = biases[first + 4];
  let s5 = biases[first + 5];
  let s6 = biases[first + 6];
  let s7 = biases[first + 7];
  for (let y = Math.max(0, top); y < Math.min(height, top + rows); y++) {
    const base = channels * (rows * columns * first + TOGETHER * ((y - top) * columns - left));
    const end = starts[y * width + to];
    for (let i = starts[y * width + from]; i < end; i++) {
      const value = values[i];
      const w = (base + places[i]) | 0;
      s0 += value * weights[w];
      s1 += value * weights[w + 1];
      s2 += value * weights[w + 2];
      s3 += value * weights[w + 3];
      s4 += value * weights[w + 4];
      s5 += value * weights[w + 5];
      s6 += value * weights[w + 6];
      s7 += value * weights[w + 7];
    }
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
  sums[4] = s4;
  sums[5] = s5;
  sums[6] = s6;
  sums[7] = s7;
}

/**
 * The values of a map that aren't 0, row by row. `starts` has for each pixel where its values start, and one
 * more. `places` has for each value where its weights are, counted from those of its row's first value.
 *
 * @typedef {{height: number, width: number, channels: number, starts: Int32Array, places: Int32Array,
 *   values: Float32Array}} ListedMap
 */

/**
 * List the values of a map that aren't 0.
 *
 * @param {FeatureMap} map
 * @returns {ListedMap}
 */
function withoutZeros({ height, width, channels, values }) {
  const starts = new Int32Array(height * width + 1);
  const places = new Int32Array(values.length);
  const kept = new Float32Array(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== 0) {
      places[count] = TOGETHER * (i % (width * channels));
      kept[count++] = values[i];
    }
    if ((i + 1) % channels === 0) starts[(i + 1) / channels] = count;
  }
  return { height, width, channels, starts, places, values: kept };
}

/**
 * Keep the largest value of each window, channel by channel.
 *
 * @param {ConvLayer} layer
 * @param {FeatureMap} map
 * @returns {FeatureMap}
 */
function poolMap({ size: [rows, columns] }, { height, width, channels, values }) {
  const [highest, widest] = [Math.floor(height / rows), Math.floor(width / columns)];
  const results = new Float32Array(highest * widest * channels).fill(-Infinity);
  for (let y = 0; y < highest * rows; y++) {
    for (let x = 0; x < widest * columns; x++) {
      const from = (y * width + x) * channels;
      const to = (Math.floor(y / rows) * widest + Math.floor(x / columns)) * channels;
      for (let channel = 0; channel < channels; channel++) {
        if (values[from + channel] > results[to + channel]) results[to + channel] = values[from + channel];
      }
    }
  }
  return { height: highest, width: widest, channels, values: results };
}

/**
 * Make one pixel of a map, its channels one after the other, as torch orders them.
 *
 * @param {FeatureMap} map
 * @returns {FeatureMap}
 */
function flattenMap({ height, width, channels, values }) {
  const pixels = height * width;
  const results = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) results[(i % channels) * pixels + Math.floor(i / channels)] = values[i];
  return { height: 1, width: 1, channels: values.length, values: results };
}

/**
 * Make a network's input of pictures that lie one after the other.
 *
 * @param {ConvNetwork} network
 * @param {ArrayLike<number>} levels from 0, paper, to 255
 * @param {number} height
 * @param {number} width
 * @returns {FeatureMap}
 */
function standardised({ mean, std, layers }, levels, height, width) {
  const [channels, pixels] = [layers[0].inputs, height * width];
  const values = new Float32Array(channels * pixels);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < pixels; i++) {
      values[i * channels + channel] = (levels[channel * pixels + i] / 255 - mean) / std;
    }
  }
  return { height, width, channels, values };
}

/**
 * Enlarge pictures of 28×28 about their middles, as lessonlib.augment.resized: what no longer fits is cut
 * off, and free space is paper.
 *
 * @param {ArrayLike<number>} levels of pictures that lie one after the other
 * @param {number} factor above 0; below 1 it shrinks them
 * @returns {ArrayLike<number>}
 */
function resizedPictures(levels, factor) {
  if (factor === 1) return levels;
  const { FRAME_SIDE } = NETWORK_RULES;
  const middle = (FRAME_SIDE - 1) / 2;
  const results = new Float32Array(levels.length);
  for (let start = 0, i = 0; start < levels.length; start += FRAME_SIDE ** 2) {
    for (let row = 0; row < FRAME_SIDE; row++) {
      const y = (row - middle) / factor + middle;
      for (let column = 0; column < FRAME_SIDE; column++, i++) {
        const x = (column - middle) / factor + middle;
        results[i] = levelBetween(levels, start, x, y);
      }
    }
  }
  return results;
}

/**
 * The level of a picture at a place between its pixels (bilinear); outside it is 0.
 *
 * @param {ArrayLike<number>} levels
 * @param {number} start the picture's first level
 * @param {number} x
 * @param {number} y
 * @returns {number}
 */
function levelBetween(levels, start, x, y) {
  const { FRAME_SIDE } = NETWORK_RULES;
  const [left, top] = [Math.floor(x), Math.floor(y)];
  let level = 0;
  for (let row = Math.max(0, top); row <= Math.min(FRAME_SIDE - 1, top + 1); row++) {
    for (let column = Math.max(0, left); column <= Math.min(FRAME_SIDE - 1, left + 1); column++) {
      const share = (1 - Math.abs(x - column)) * (1 - Math.abs(y - row));
      level += share * levels[start + row * FRAME_SIDE + column];
    }
  }
  return level;
}

/**
 * Compute the log probabilities of the twelve classes for each candidate: lessonlib.checks.cutting.classify.
 *
 * A candidate is shown at the first of the sizes. Where that leaves doubt, it is shown at the others, too,
 * and the probabilities are averaged.
 *
 * @param {ConvNetwork} network
 * @param {Uint8Array[]} pictures two of 28×28 for each candidate
 * @param {number[]} [sizes] 1 is a candidate's own
 * @returns {Float64Array[]}
 */
function classifyCandidates(network, pictures, sizes = [1]) {
  if (!sizes.length || !(Math.min(...sizes) > 0)) {
    throw new Error(`Sizes must be numbers above 0, and one at least; not [${sizes}].`);
  }
  return pictures.map((levels) => {
    const logP = lookAtCandidate(network, levels, sizes[0]);
    if (Math.max(...logP) >= Math.log(NETWORK_RULES.SURE_ENOUGH)) return logP;
    return logMeanOfLooks([logP, ...sizes.slice(1).map((size) => lookAtCandidate(network, levels, size))]);
  });
}

/**
 * @param {ConvNetwork} network
 * @param {Uint8Array} levels
 * @param {number} size
 * @returns {Float64Array} the log probabilities of a candidate at one size
 */
function lookAtCandidate(network, levels, size) {
  const { FRAME_SIDE } = NETWORK_RULES;
  const shown = standardised(network, resizedPictures(levels, size), FRAME_SIDE, FRAME_SIDE);
  return logSoftmax(passForward(network, shown));
}

/**
 * @param {Float64Array[]} looks log probabilities
 * @returns {Float64Array} the logs of the means of the probabilities
 */
function logMeanOfLooks(looks) {
  return looks[0].map((_, kind) => {
    const highest = Math.max(...looks.map((look) => look[kind]));
    const sum = looks.reduce((total, look) => total + Math.exp(look[kind] - highest), 0);
    return highest + Math.log(sum / looks.length);
  });
}

/**
 * Compute what each column of a line says: lessonlib.checks.lines.read_columns.
 *
 * @param {ConvNetwork} network
 * @param {{width: number, data: Uint8Array}} pictures two of 40 rows
 * @returns {{T: number, K: number, logP: Float64Array}} T columns of K log probabilities
 */
function readColumns(network, { width, data }) {
  const logits = passForward(network, standardised(network, data, NETWORK_RULES.LINE_HEIGHT, width));
  return { T: logits.width, K: logits.channels, logP: logSoftmax(logits) };
}

/**
 * Turn each pixel's logits into log probabilities.
 *
 * @param {FeatureMap} logits
 * @returns {Float64Array}
 */
function logSoftmax({ channels, values }) {
  const results = Float64Array.from(values);
  for (let start = 0; start < results.length; start += channels) {
    const own = results.subarray(start, start + channels);
    const highest = Math.max(...own);
    const total = highest + Math.log(own.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
    own.forEach((logit, kind) => (own[kind] = logit - total));
  }
  return results;
}
