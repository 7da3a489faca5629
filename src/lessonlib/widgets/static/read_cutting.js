// The way to read that cuts the ink up, as in lessonlib.checks.pictures and cutting: a network looks at two
// pictures of each candidate, and a search finds the best way through them.

const PICTURE_RULES = { FRAME_SIDE: 28, DIGIT_SIDE: 20, CONTEXT_SIDE: 2.0 }; // as in lessonlib.checks.pictures

/** @typedef {{start: number, stop: number, box: number[], kind: number, logP: number}} LatticeEdge */
/** @typedef {{field: Raster, ink: Raster, scale: number[]}} CuttingField scale: one pixel of it in the image */

// ---------------------------------------------------------------- pictures

/**
 * Show each candidate twice, side by side: as MNIST has digits, and in its place between the others.
 *
 * @param {FieldStrip} strip
 * @param {number[][]} candidates
 * @returns {Uint8Array[]} two pictures of 28 x 28 each
 */
function candidatePictures(strip, candidates) {
  if (!candidates.length) return [];
  const pixels = PICTURE_RULES.FRAME_SIDE ** 2;
  const boxes = candidateBoxes(strip, candidates);
  const surroundings = shrunkenStrip(strip);
  return candidates.map((candidate, number) => {
    const picture = new Uint8Array(2 * pixels);
    drawDigit(picture, shrunkenDigit(candidateInk(strip, candidate, boxes[number], 255)));
    drawInContext(picture.subarray(pixels), surroundings, candidate, boxes[number]);
    return picture;
  });
}

/**
 * Scale a digit so that its longer side is 20 pixels, averaging over areas.
 *
 * @param {Raster} ink 0 and 255, without paper around it
 * @returns {Raster}
 */
function shrunkenDigit(ink) {
  const scale = PICTURE_RULES.DIGIT_SIDE / Math.max(ink.width, ink.height);
  const [width, height] = [ink.width, ink.height].map((side) => Math.max(1, roundEven(side * scale)));
  return resizedRaster(ink, width, height, "area");
}

/**
 * Place a digit in MNIST's frame, its centre of mass in the middle.
 *
 * @param {Uint8Array} frame
 * @param {Raster} digit
 */
function drawDigit(frame, { width, height, data }) {
  let [sum, across, down] = [0, 0, 0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      sum += data[at];
      across += x * data[at];
      down += y * data[at];
    }
  }
  if (!sum) return; // ink too thin to leave a trace
  const left = offsetInFrame(across / sum, width);
  const top = offsetInFrame(down / sum, height);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    frame.set(row, (top + y) * PICTURE_RULES.FRAME_SIDE + left);
  }
}

/**
 * Choose the row or column of the frame in which a digit starts, so that it stays in the frame.
 *
 * @param {number} centre of mass
 * @param {number} length
 * @returns {number}
 */
function offsetInFrame(centre, length) {
  const start = roundEven((PICTURE_RULES.FRAME_SIDE - 1) / 2 - centre);
  return Math.min(Math.max(start, 0), PICTURE_RULES.FRAME_SIDE - length);
}

/**
 * The whole strip, so small that two heights of its digits are one picture.
 *
 * @typedef {{width: number, height: number, scale: number, levels: Uint8Array, labels: Int16Array,
 *   top: number}} ShrunkenStrip top: the first row of all windows; beyond the strip is paper
 */

/**
 * Shrink a strip, its ink and its labels.
 *
 * @param {FieldStrip} strip with a primitive
 * @returns {ShrunkenStrip}
 */
function shrunkenStrip(strip) {
  const scale = PICTURE_RULES.FRAME_SIDE / (PICTURE_RULES.CONTEXT_SIDE * strip.height);
  const [width, height] = [strip.width, strip.rows].map((side) => Math.max(1, roundEven(side * scale)));
  const levels = shrunkenLevels(strip, width, height);
  const labels = shrunkenLabels(strip, width, height, scale);
  const middle = Math.min(roundEven(textMiddle(strip) * scale), height);
  return { width, height, scale, levels, labels, top: middle - PICTURE_RULES.FRAME_SIDE / 2 };
}

/**
 * Give the share of ink in each pixel of the shrunken strip, from 0 to 255.
 *
 * @param {FieldStrip} strip
 * @param {number} width
 * @param {number} height
 * @returns {Uint8Array}
 */
function shrunkenLevels({ labels, width: oldWidth, rows }, width, height) {
  const ink = Uint8Array.from(labels, (label) => (label >= 0 ? 255 : 0));
  if (width > oldWidth || height > rows) { // digits lower than half a picture
    return resizedRaster(makeRaster(oldWidth, rows, ink), width, height, "area").data;
  }
  return Uint8Array.from(areaMeans(ink, oldWidth, rows, width, height)); // rounded down, as in Python
}

/**
 * Give each pixel of the shrunken strip one primitive of which it holds ink: numbers can't be averaged.
 *
 * One in so many is taken. They are spread by half a new pixel first, so that no thin stroke is missed.
 *
 * @param {FieldStrip} strip
 * @param {number} width
 * @param {number} height
 * @param {number} scale
 * @returns {Int16Array}
 */
function shrunkenLabels({ labels, width: oldWidth, rows }, width, height, scale) {
  const reach = roundEven(0.5 / scale);
  const side = 2 * reach + 1;
  const spread = windowExtremes(labels, oldWidth, rows, [side, side, reach, reach], 1);
  const [across, down] = [1 / (width / oldWidth), 1 / (height / rows)];
  const shrunken = new Int16Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.min(Math.floor(y * down), rows - 1) * oldWidth;
    for (let x = 0; x < width; x++, at++) {
      shrunken[at] = spread[row + Math.min(Math.floor(x * across), oldWidth - 1)];
    }
  }
  return shrunken;
}

/**
 * Find the row that runs through the middle of the digits: the median over high primitives.
 *
 * @param {FieldStrip} strip with a primitive
 * @returns {number}
 */
function textMiddle({ boxes, height }) {
  const high = boxes.filter((box) => box[3] >= CUT_RULES.TALL_PIECE * height);
  return medianOf((high.length ? high : boxes).map(([, y, , h]) => y + h / 2));
}

/**
 * Draw the window around a candidate: its own ink bright, other ink dim.
 *
 * @param {Uint8Array} frame
 * @param {ShrunkenStrip} strip
 * @param {number[]} candidate
 * @param {number[]} box
 */
function drawInContext(frame, { width, height, scale, levels, labels, top }, [start, stop], [x, , w]) {
  const side = PICTURE_RULES.FRAME_SIDE;
  const left = Math.min(roundEven((x + w / 2) * scale), width) - side / 2;
  const last = Math.min(side, width - left);
  for (let v = Math.max(0, -top); v < side && top + v < height; v++) {
    for (let u = Math.max(0, -left); u < last; u++) {
      const at = (top + v) * width + left + u;
      const own = labels[at] >= start && labels[at] < stop;
      frame[v * side + u] = own ? levels[at] : levels[at] >> 1;
    }
  }
}

// ---------------------------------------------------------------- reading

/**
 * Take the image of the writing that was found through the steps before the cuts.
 *
 * @param {Raster} found
 * @returns {CuttingField}
 */
function cuttingField(found) {
  const field = resampleField(found);
  return { field, ink: binarizeField(field), scale: [found.width / field.width, found.height / field.height] };
}

/**
 * Read a field: cut it up, ask the network about each candidate, and search.
 *
 * @param {ConvNetwork} network
 * @param {Raster} found the image of the writing that was found
 * @param {{calibration: Record<string, number>, sizes: number[]}} settings
 * @param {OwnCuts} [own]
 */
function readByCutting(network, found, settings, own = {}) {
  return readCut(network, cuttingField(found), settings, own);
}

/**
 * Read a field as `readByCutting` does; for other cuts of the same field this is all there is to do.
 *
 * `candidates`, `boxes` (in the strip), `pictures`, `logP` and `lattice` have one entry for each
 * candidate; `kinds` has the class of each step of the path.
 *
 * @param {ConvNetwork} network
 * @param {CuttingField} prepared
 * @param {{calibration: Record<string, number>, sizes: number[]}} settings
 * @param {OwnCuts} [own]
 * @param {Map<string, Float64Array>} [known] answers of the network, kept from one call to the next
 */
function readCut(network, prepared, settings, own = {}, known = new Map()) {
  const strip = cutUp(prepared.ink, own);
  const candidates = candidateRuns(strip);
  const pictures = candidatePictures(strip, candidates);
  const logP = classifyOnce(network, pictures, settings.sizes, known);
  const { path, texts } = searchedTexts(candidates, logP, strip.boxes.length);
  const [text, share] = texts[0];
  const features = { score: logOdds(path.score), share: logOdds(share) };
  return {
    ...prepared,
    strip,
    candidates,
    pictures,
    logP,
    path,
    texts,
    text,
    boxes: candidateBoxes(strip, candidates),
    lattice: latticeOf(strip, candidates, logP),
    confidence: text ? calibrated(features, settings.calibration) : 0,
    kinds: path.steps.map(([, kind]) => kind),
  };
}

/**
 * Ask the network about the pictures that it hasn't seen yet: a moved cut changes a few of them.
 *
 * @param {ConvNetwork} network
 * @param {Uint8Array[]} pictures
 * @param {number[]} sizes
 * @param {Map<string, Float64Array>} known answers so far; new ones are added
 * @returns {Float64Array[]}
 */
function classifyOnce(network, pictures, sizes, known) {
  const keys = pictures.map((picture) => String.fromCharCode(...picture));
  const places = keys.flatMap((key, n) => (known.has(key) ? [] : [n]));
  const fresh = places.map((n) => pictures[n]);
  const answers = fresh.length ? classifyCandidates(network, fresh, sizes) : [];
  places.forEach((n, i) => known.set(keys[n], answers[i]));
  return keys.map((key) => /** @type {Float64Array} */ (known.get(key)));
}

/**
 * Say what a picture of the lattice shows: an edge for each candidate, from the cut before to the cut after.
 *
 * @param {FieldStrip} strip
 * @param {number[][]} candidates
 * @param {Float64Array[]} logP
 * @returns {LatticeEdge[]} kind: the best of all twelve classes; the path takes junk for none
 */
function latticeOf(strip, candidates, logP) {
  const boxes = candidateBoxes(strip, candidates);
  return candidates.map(([start, stop], n) => {
    const [kind, best] = bestClass(logP[n]);
    const junk = logP[n][CUT_RULES.JUNK];
    if (junk > best) return { start, stop, box: boxes[n], kind: CUT_RULES.JUNK, logP: junk };
    return { start, stop, box: boxes[n], kind, logP: best };
  });
}
