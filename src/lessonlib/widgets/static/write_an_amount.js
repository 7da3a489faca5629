// Write an amount: the course's two ways to read, step by step, on whatever is written on a pad.
// One way cuts the ink up and searches for the best path through the candidates; the other one reads
// the line whole. Both are ports of `lessonlib.checks`.

const WRITE_PAD = { width: 480, height: 120 }; // pixels of an empty pad
const WRITE_PAPER = 235; // gray level
const WRITE_INK = 40;
const WRITE_PEN = 0.045; // width of the pen, as a share of the pad's height
const WRITE_LETTER = 0.55; // height of a typed digit, as a share of the pad's height
const WRITE_MOST_TYPED = 9; // characters that have room on the pad
const WRITE_PATH = { top: 8, height: 17 }; // of the best path's row below the ink, in pixels
const WRITE_LANE = 15; // height of the other candidates' rows: 24 pixels of the screen on a phone
const WRITE_LARGEST = 4; // pixels of the screen for a pixel of a strip: a narrow one stays low
const WRITE_CLASSES = [..."0123456789", "mark", "junk"];
const WRITE_SIGNS = [..."0123456789", "·", "×"]; // the classes in the picture
const WRITE_COLOURS = ["--ll-blue", "--ll-green", "--ll-purple"]; // of primitives, in turn
const WRITE_GOALS = [
  "Move a cut, and change what the first way reads.",
  "Write an amount of your own that both ways read alike, each with more than 90 %.",
  "Write one that they read differently.",
];
const WRITE_PAUSE = 1500; // milliseconds without the pen: a half written digit meets no goal
const WRITE_UNSURE = 0.9; // as UNSURE in lessonlib.checks.readings
const WRITE_GRAB = 10; // pixels beside a cut where it can be grabbed
const WRITE_STEP = 1; // pixels that a key moves a cut

/**
 * @typedef {[number, number]} WritePoint in pixels of the pad
 * @typedef {{name: string, width: number, height: number, gray: string}} WriteSample gray in base64
 * @typedef {{calibration: Record<string, number>}} WriteWay
 * @typedef {object} WriteData
 * @property {WriteSample[]} samples
 * @property {number} first the sample that is on the pad at first
 * @property {Record<string, {width: number, strokes: WritePoint[][]}>} characters what can be typed,
 *   in shares of a digit's height, upwards from its foot
 * @property {WriteWay & {sizes: number[]}} cutting
 * @property {WriteWay} line
 * @property {WriteWay} ensemble
 */

/**
 * Make a raster of paper.
 *
 * @param {number} width
 * @param {number} height
 * @returns {Raster}
 */
function writePaper(width, height) {
  return { width, height, data: new Uint8Array(width * height).fill(WRITE_PAPER) };
}

/**
 * Draw a line with a round pen. Its edge is gray, as a scanner sees it.
 *
 * @param {Raster} raster drawn on in place
 * @param {WritePoint} a
 * @param {WritePoint} b
 * @param {number} pen its width in pixels
 */
function writeLine(raster, [ax, ay], [bx, by], pen) {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy || 1;
  const reach = pen / 2 + 1;
  const left = Math.max(0, Math.floor(Math.min(ax, bx) - reach));
  const right = Math.min(raster.width, Math.ceil(Math.max(ax, bx) + reach));
  const top = Math.max(0, Math.floor(Math.min(ay, by) - reach));
  const bottom = Math.min(raster.height, Math.ceil(Math.max(ay, by) + reach));
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const [x, y] = [column + 0.5 - ax, row + 0.5 - ay];
      const along = Math.max(0, Math.min(1, (x * dx + y * dy) / length));
      const covered = Math.min(1, pen / 2 + 0.5 - Math.hypot(x - along * dx, y - along * dy));
      if (covered <= 0) continue;
      const level = Math.round(WRITE_PAPER + (WRITE_INK - WRITE_PAPER) * covered);
      const place = row * raster.width + column;
      raster.data[place] = Math.min(raster.data[place], level);
    }
  }
}

/**
 * Write typed characters on an empty pad.
 *
 * @param {string} text
 * @param {WriteData["characters"]} characters
 * @param {number} distance between two characters, in shares of a digit's height; below 0 they overlap
 * @returns {Raster}
 */
function writeTyped(text, characters, distance) {
  const pad = writePaper(WRITE_PAD.width, WRITE_PAD.height);
  const known = [...text].filter((character) => character in characters);
  const widths = known.map((character) => characters[character].width);
  const total = widths.reduce((sum, width) => sum + width, 0) + distance * (known.length - 1);
  // All have room. Points that overlap may take less than none.
  const size = Math.min(WRITE_LETTER * pad.height, (0.92 * pad.width) / Math.max(total, 0.01));
  const foot = (pad.height + size) / 2;
  let x = (pad.width - size * total) / 2;
  known.forEach((character, i) => {
    for (const stroke of characters[character].strokes) {
      /** @type {WritePoint[]} */
      const points = stroke.map(([across, up]) => [x + size * across, foot - size * up]);
      points.forEach((point, k) => writeLine(pad, points[k - 1] ?? point, point, WRITE_PEN * pad.height));
    }
    x += size * (widths[i] + distance);
  });
  return pad;
}

/**
 * Unpack a sample's gray levels.
 *
 * @param {WriteSample} sample
 * @returns {Raster}
 */
function writeSampleRaster({ width, height, gray }) {
  return { width, height, data: Uint8Array.from(atob(gray), (character) => character.charCodeAt(0)) };
}

/**
 * Read an image file of the reader's own; it stays in the page.
 *
 * @param {File} file
 * @returns {Promise<Raster>}
 */
async function writeFileRaster(file) {
  const picture = await createImageBitmap(file);
  const canvas = make("canvas", { width: picture.width, height: picture.height });
  const context = canvas.getContext("2d");
  context.fillStyle = "white"; // transparent parts are paper
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const gray = new Uint8Array(canvas.width * canvas.height);
  for (let i = 0; i < gray.length; i++) {
    // Luma as Pillow computes it.
    gray[i] = (19595 * data[4 * i] + 38470 * data[4 * i + 1] + 7471 * data[4 * i + 2] + 32768) >> 16;
  }
  return { width: canvas.width, height: canvas.height, data: gray };
}

/**
 * Make the pad, which shows an image and can be written on.
 *
 * @param {() => void} begin called at each stroke's begin
 * @param {() => void} end called at its end
 */
function makeWritePad(begin, end) {
  /** @type {HTMLCanvasElement} */
  const canvas = make("canvas", { class: "ll-write-pad", role: "img" });
  /** @type {Raster} */
  let raster = writePaper(1, 1);

  /**
   * Paint the part of the pad between two corners: a photo is too large to be painted at each move.
   *
   * @param {WritePoint} corner
   * @param {WritePoint} opposite
   */
  function paint([ax, ay], [bx, by]) {
    const left = Math.max(0, Math.floor(Math.min(ax, bx)));
    const top = Math.max(0, Math.floor(Math.min(ay, by)));
    const width = Math.min(raster.width, Math.ceil(Math.max(ax, bx))) - left;
    const height = Math.min(raster.height, Math.ceil(Math.max(ay, by))) - top;
    const context = canvas.getContext("2d");
    if (!context || width <= 0 || height <= 0) return;
    const image = context.createImageData(width, height);
    for (let y = 0, at = 0; y < height; y++) {
      const row = (top + y) * raster.width + left;
      for (let x = 0; x < width; x++, at += 4) {
        image.data[at] = image.data[at + 1] = image.data[at + 2] = raster.data[row + x];
        image.data[at + 3] = 255;
      }
    }
    context.putImageData(image, left, top);
  }

  /** @param {MouseEvent} event @returns {WritePoint} the pad shows the image as large as it fits */
  function place({ clientX, clientY }) {
    const box = canvas.getBoundingClientRect();
    const scale = Math.min(box.width / raster.width, box.height / raster.height);
    return [
      (clientX - box.left - (box.width - scale * raster.width) / 2) / scale,
      (clientY - box.top - (box.height - scale * raster.height) / 2) / scale,
    ];
  }

  /** @param {WritePoint} to @param {WritePoint | null} from null where a stroke begins */
  function line(to, from) {
    const pen = WRITE_PEN * raster.height;
    const [a, b] = [from ?? to, to];
    writeLine(raster, a, b, pen);
    const [left, right] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])];
    const [top, bottom] = [Math.min(a[1], b[1]), Math.max(a[1], b[1])];
    paint([left - pen, top - pen], [right + pen, bottom + pen]);
  }
  followPen(canvas, place, { begin, line, end });

  return {
    element: canvas,
    /** @param {Raster} image @param {string} label */
    show(image, label) {
      raster = { ...image, data: image.data.slice() };
      canvas.width = raster.width;
      canvas.height = raster.height;
      canvas.setAttribute("aria-label", label);
      paint([0, 0], [raster.width, raster.height]);
    },
    /** @returns {Raster} */
    image: () => raster,
  };
}

/**
 * Draw the primitives of a strip, a path for each.
 *
 * @param {FieldStrip} strip
 * @returns {SVGElement[]}
 */
function writePrimitives({ labels, width, rows, boxes }) {
  const shapes = boxes.map(() => "");
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < width; ) {
      const label = labels[row * width + x];
      let end = x + 1;
      while (end < width && labels[row * width + end] === label) end++;
      if (label >= 0) shapes[label] += `M${x} ${row}h${end - x}v1h${x - end}z`;
      x = end;
    }
  }
  return shapes.map((d, i) =>
    make("svg:path", { d, fill: `var(${WRITE_COLOURS[i % WRITE_COLOURS.length]})` }),
  );
}

/** @typedef {ReturnType<typeof readCut>} CuttingReading */
/** @typedef {ReturnType<typeof readByLine>} LineReading */
/** @typedef {{piece: number, column: number}} WriteCut a cut through a piece, at a column of the strip */

/**
 * List the cuts of a strip, from left to right.
 *
 * @param {FieldStrip} strip
 * @returns {WriteCut[]}
 */
function writeCutsOf({ ink }) {
  const cuts = ink.flatMap(({ cuts: columns }, piece) => columns.map((column) => ({ piece, column })));
  return cuts.sort((a, b) => a.column - b.column);
}

/**
 * Keep a cut inside its piece and between its neighbours: none is lost, and none passes another.
 *
 * @param {FieldStrip} strip
 * @param {WriteCut[]} cuts from left to right
 * @param {number} number of the cut
 * @param {number} column where it is moved to
 * @returns {number}
 */
function writeColumnFor({ ink }, cuts, number, column) {
  const { x, width } = ink[cuts[number].piece];
  const low = Math.max(x, cuts[number - 1]?.column ?? -Infinity) + 1;
  const high = Math.min(x + width, cuts[number + 1]?.column ?? Infinity) - 1;
  return Math.max(low, Math.min(high, column));
}

/**
 * Give each candidate a row below the ink: the best path the first one, all others the highest in
 * which they have room.
 *
 * @param {number[][]} boxes of the candidates
 * @param {number[][]} steps of the best path
 * @returns {number[]} a row for each candidate
 */
function writeLanes(boxes, steps) {
  const onPath = new Set(steps.map(([candidate]) => candidate));
  /** @type {number[]} the right end of what is in each row */
  const ends = [];
  const order = boxes.map((_, i) => i).sort((a, b) => boxes[a][0] - boxes[b][0] || a - b);
  const lanes = boxes.map(() => 0);
  for (const i of order) {
    if (onPath.has(i)) continue;
    const [x, , w] = boxes[i];
    const free = ends.findIndex((end) => end <= x);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = x + w + 1;
    lanes[i] = lane + 1;
  }
  return lanes;
}

/**
 * Make the picture of a field's primitives, its cuts, and the candidates below them.
 *
 * @param {(candidate: number) => void} choose
 * @param {(cut: WriteCut, column: number) => void} moveCut
 */
function makeWriteLattice(choose, moveCut) {
  const ink = make("svg:g", { role: "img" });
  const bars = make("svg:g", {
    class: "ll-write-candidates",
    tabindex: 0,
    role: "slider",
    "aria-label": "Candidate, chosen by the arrow keys",
    "aria-valuemin": 1,
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!step || !shown) return;
      event.preventDefault(); // the page stays where it is
      const next = chosen + step;
      if (next >= 0 && next < shown.candidates.length) choose(next);
    },
  });
  const handles = make("svg:g");
  const mark = make("svg:rect", { class: "ll-write-chosen" });
  const svg = make("svg:svg", { class: "ll-write-lattice" }, ink, bars, mark, handles);
  /** @type {CuttingReading | null} */
  let shown = null;
  /** @type {WriteCut[]} */
  let cuts = [];
  let chosen = 0;
  /** @type {number[]} */
  let lanes = [];

  /** @param {number} i @returns {{x: number, y: number, width: number, height: number}} */
  function placeOf(i) {
    const [x, , width] = /** @type {CuttingReading} */ (shown).boxes[i];
    const rows = /** @type {CuttingReading} */ (shown).strip.rows;
    const below = rows + WRITE_PATH.top;
    const y = lanes[i] ? below + WRITE_PATH.height + 4 + WRITE_LANE * (lanes[i] - 1) : below;
    return { x, y, width, height: lanes[i] ? WRITE_LANE - 2 : WRITE_PATH.height };
  }

  /** @param {number} i */
  function drawCandidate(i) {
    if (!shown) return make("svg:g");
    const { logP } = shown;
    const { x, y, width, height } = placeOf(i);
    const kind = writeTaken(shown, i) ?? writeBest(logP[i]);
    const filled = Math.exp(logP[i][kind]) * width;
    const size = lanes[i] ? WRITE_LANE - 3 : WRITE_PATH.height - 3;
    return make(
      "svg:g",
      { class: lanes[i] ? "ll-write-other" : "ll-write-best", onclick: () => choose(i) },
      make("svg:rect", { class: "ll-write-share", x, y, width: filled.toFixed(1), height }),
      make("svg:rect", { class: "ll-write-frame", x, y, width, height }),
      make("svg:text", {
        x: x + width / 2,
        y: y + height - 2.5,
        "font-size": size,
        "text-anchor": "middle",
        text: WRITE_SIGNS[kind],
      }),
    );
  }

  /** @param {number} number @returns {SVGGElement} */
  function makeHandle(number) {
    let beside = 0; // columns from the pointer to the cut, where it was grabbed
    /** @param {PointerEvent} event */
    function columnAt(event) {
      const toPicture = svg.getScreenCTM().inverse();
      return new DOMPoint(event.clientX, event.clientY).matrixTransform(toPicture).x;
    }
    /** @param {PointerEvent} event */
    function drag(event) {
      if (handle.hasPointerCapture(event.pointerId)) move(Math.round(columnAt(event) + beside));
    }
    /** @param {number} wanted */
    function move(wanted) {
      const { strip } = /** @type {CuttingReading} */ (shown);
      const column = writeColumnFor(strip, cuts, number, wanted);
      if (column !== cuts[number].column) moveCut(cuts[number], column);
    }
    /** @type {any} */
    const handle = make(
      "svg:g",
      {
        class: "ll-write-cut",
        tabindex: 0,
        role: "slider",
        "aria-label": `Cut ${number + 1}, moved by the arrow keys`,
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          const step = { ArrowLeft: -WRITE_STEP, ArrowRight: WRITE_STEP }[event.key];
          if (!step) return;
          event.preventDefault();
          move(cuts[number].column + step);
        },
        onpointerdown: (/** @type {PointerEvent} */ event) => {
          event.preventDefault();
          handle.setPointerCapture(event.pointerId);
          beside = cuts[number].column - columnAt(event);
        },
        onpointermove: drag,
        // Else the page scrolls; inside an SVG, touch-action has no effect.
        ontouchstart: (/** @type {TouchEvent} */ event) => event.preventDefault(),
      },
      make("svg:rect"),
      make("svg:path", {}),
      make("svg:circle", { cy: -4, r: 3.5 }),
    );
    return handle;
  }

  /** @param {number} rows @param {number} width */
  function showCuts(rows, width) {
    if (handles.children.length !== cuts.length) {
      handles.replaceChildren(...cuts.map((_, number) => makeHandle(number)));
    }
    cuts.forEach(({ column }, number) => {
      const handle = handles.children[number];
      // Halfway to its neighbours: what is grabbed is the nearest cut.
      const left = Math.min(WRITE_GRAB, (column - (cuts[number - 1]?.column ?? -Infinity)) / 2);
      const right = Math.min(WRITE_GRAB, ((cuts[number + 1]?.column ?? Infinity) - column) / 2);
      handle.setAttribute("transform", `translate(${column} 0)`);
      handle.setAttribute("aria-valuemin", "0");
      handle.setAttribute("aria-valuemax", String(width));
      handle.setAttribute("aria-valuenow", String(column));
      const grab = { x: -left, width: left + right, y: -8, height: rows + 8 };
      for (const [name, value] of Object.entries(grab)) {
        handle.children[0].setAttribute(name, String(value));
      }
      handle.children[1].setAttribute("d", `M0 -4V${rows}`);
    });
  }

  return {
    element: makeScrolling("The ink, its cuts and the candidates", svg),
    /** @param {CuttingReading} reading @param {number} candidate the chosen one */
    show(reading, candidate) {
      shown = reading;
      chosen = candidate;
      const { strip, boxes, path } = reading;
      cuts = writeCutsOf(strip);
      lanes = writeLanes(boxes, path.steps);
      const depth = WRITE_PATH.top + WRITE_PATH.height + 6 + WRITE_LANE * Math.max(0, ...lanes);
      svg.setAttribute("viewBox", `-2 -9 ${strip.width + 4} ${strip.rows + depth + 9}`);
      svg.style.minWidth = `${1.6 * strip.width}px`; // on a phone it scrolls
      svg.style.width = `${WRITE_LARGEST * strip.width}px`;
      ink.setAttribute(
        "aria-label",
        `The ink in ${boxes.length ? strip.boxes.length : 0} primitives, with ${cuts.length} cuts.`,
      );
      ink.replaceChildren(...writePrimitives(strip));
      bars.replaceChildren(...boxes.map((_, i) => drawCandidate(i)));
      showCuts(strip.rows, strip.width);
      mark.style.display = boxes.length ? "" : "none";
      bars.setAttribute("aria-valuemax", String(boxes.length));
      bars.setAttribute("aria-valuenow", String(Math.min(candidate + 1, boxes.length)));
      if (!boxes.length) return;
      for (const [name, value] of Object.entries(placeOf(candidate))) {
        mark.setAttribute(name, String(value));
      }
      bars.setAttribute("aria-valuetext", writeCandidateWords(reading, candidate));
    },
  };
}

/**
 * @param {ArrayLike<number>} logP of the classes
 * @returns {number} the most probable class
 */
function writeBest(logP) {
  const all = Array.from(logP);
  return all.indexOf(Math.max(...all));
}

/**
 * @param {CuttingReading} reading
 * @param {number} candidate
 * @returns {number | undefined} the class that the best path takes it for; it takes none for junk
 */
function writeTaken({ path }, candidate) {
  return path.steps.find(([own]) => own === candidate)?.[1];
}

/**
 * Say what a candidate is made of, and what it looks like to the network.
 *
 * @param {CuttingReading} reading
 * @param {number} candidate
 * @returns {string}
 */
function writeCandidateWords(reading, candidate) {
  const { candidates, logP } = reading;
  const [start, stop] = candidates[candidate];
  const made = stop - start > 1 ? `Primitives ${start + 1} to ${stop}` : `Primitive ${stop}`;
  const kind = writeBest(logP[candidate]);
  const taken = writeTaken(reading, candidate);
  const other = taken === kind ? "" : `, as ${WRITE_CLASSES[taken ?? kind]}`;
  const onPath = taken === undefined ? "" : ` On the best path${other}.`;
  return `${made}: ${WRITE_CLASSES[kind]}, ${percentOf(Math.exp(logP[candidate][kind]))}.${onPath}`;
}

/**
 * Make the view of one candidate: the network's two pictures of it, and its twelve answers.
 */
function makeWriteCandidate() {
  const alone = makePixels("The candidate alone, 28 by 28 pixels", 28);
  const around = makePixels("The candidate with what stands around it", 28);
  const bars = makeBars("Probabilities of the classes", WRITE_CLASSES);
  const said = makeStatus();
  return {
    element: make(
      "div",
      { class: "ll-write-candidate" },
      make("figure", {}, make("figcaption", { text: "The candidate" }), alone.element),
      make("figure", {}, make("figcaption", { text: "Its surroundings" }), around.element),
      make("div", {}, said, bars.element),
    ),
    /** @param {CuttingReading} reading @param {number} candidate */
    show(reading, candidate) {
      const known = candidate < reading.candidates.length;
      const levels = known ? Array.from(reading.pictures[candidate], (level) => level / 255) : [];
      alone.show(levels.slice(0, 784).concat(Array(784 - Math.min(784, levels.length)).fill(0)));
      around.show(levels.slice(784).concat(Array(784 - Math.max(0, levels.length - 784)).fill(0)));
      bars.show(known ? Array.from(reading.logP[candidate], Math.exp) : WRITE_CLASSES.map(() => 0));
      said.textContent = known ? writeCandidateWords(reading, candidate) : "There is no candidate.";
    },
  };
}

/**
 * Draw what the second way sees: the line, where its columns hold a character, and which.
 *
 * @param {LineReading} reading
 * @returns {SVGElement}
 */
function drawWriteLine({ pictures, columns, characters }) {
  const rows = 40;
  const { element, show } = makePixels("The line as the second way sees it", pictures.width, undefined, undefined, rows);
  show(Array.from(pictures.data.subarray(0, rows * pictures.width), (level) => level / 255));
  const blank = columns.K - 1;
  const shares = Array.from({ length: columns.T }, (_, t) => 1 - Math.exp(columns.logP[t * columns.K + blank]));
  const profile = shares.map((p, t) => `M${4 * t} 54v${(-12 * p).toFixed(1)}h4V54z`).join("");
  element.append(make("svg:path", { class: "ll-write-profile", d: profile }));
  for (const [character, middle] of characters) {
    const settings = { x: 4 * middle, y: 68, "font-size": 13, "text-anchor": "middle", text: character };
    element.append(make("svg:text", settings));
  }
  element.setAttribute("viewBox", `0 0 ${pictures.width} 72`);
  element.style.minWidth = `${pictures.width}px`;
  element.style.width = `${WRITE_LARGEST * pictures.width}px`;
  return element;
}

/**
 * Build the piece.
 *
 * @param {HTMLElement} live
 * @param {WriteData} data
 */
function writeAnAmount(live, data) {
  const networks = { cnn: readConvNetwork("reader-cnn"), line: readConvNetwork("reader-line") };
  /** @type {FoundWriting} */
  let found;
  /** @type {CuttingReading} */
  let cutting;
  /** @type {LineReading} */
  let line;
  /** @type {CuttingField} */
  let field;
  /** @type {Record<number, number[]>} the columns at which the page's reader cuts a piece */
  let ownCuts = {};
  /** @type {Map<string, Float64Array>} the network's answers, for pictures that it has seen */
  let known = new Map();
  let uncutText = ""; // what the first way read before a cut was moved
  let chosen = 0;
  let byHand = false; // written, typed or loaded by the page's reader
  let pause = 0;

  const pad = makeWritePad(
    () => clearTimeout(pause),
    () => {
      read(pad.image());
      pause = setTimeout(judge, WRITE_PAUSE);
    },
  );
  const lattice = makeWriteLattice(choose, moveCut);
  const candidate = makeWriteCandidate();
  const seen = make("div");
  const status = makeStatus();
  const rows = make("tbody");
  const goals = makeGoals(WRITE_GOALS);
  const reached = WRITE_GOALS.map(() => false);

  /** @param {number} number */
  function choose(number) {
    chosen = number;
    lattice.show(cutting, chosen);
    candidate.show(cutting, chosen);
  }

  /** @param {WriteCut} cut @param {number} column */
  function moveCut(cut, column) {
    const columns = cutting.strip.ink[cut.piece].cuts.map((one) => (one === cut.column ? column : one));
    ownCuts = { ...ownCuts, [cut.piece]: columns };
    readAgain();
    showResults();
    judge();
  }

  function readAgain() {
    cutting = readCut(networks.cnn, field, data.cutting, ownCuts, known);
    choose(Math.min(chosen, Math.max(0, cutting.candidates.length - 1)));
  }

  /** @param {Raster} image */
  function read(image) {
    found = findWriting(image);
    field = cuttingField(found.gray);
    known = new Map();
    ownCuts = {};
    chosen = 0;
    readAgain();
    uncutText = cutting.text;
    chosen = cutting.path.steps.length ? cutting.path.steps[0][0] : 0;
    choose(chosen);
    line = readByLine(networks.line, found.gray, data.line.calibration);
    seen.replaceChildren(makeScrolling("The line, column by column", drawWriteLine(line)));
    showResults();
  }

  function showResults() {
    const both = weighTogether(line, cutting, data.ensemble.calibration);
    const readings = [
      ["cut, then search", cutting.text, cutting.confidence],
      ["the line whole", line.text, line.confidence],
      ["both, weighed", both.text, both.confidence],
    ];
    rows.replaceChildren(
      ...readings.map(([name, text, confidence]) =>
        make(
          "tr",
          {},
          make("th", { scope: "row", text: name }),
          make("td", { text: text || "–" }),
          make("td", { text: text ? percentOf(Number(confidence)) : "–" }),
        ),
      ),
    );
    status.textContent = `${readingWords(both)}${bothWords(both.text)}${noteWords(both)}`;
  }

  /** @param {ReturnType<typeof weighTogether>} both */
  function readingWords({ text, amount }) {
    if (!text) return "No digits were read.";
    return `Read as ${text}${amount.value ? `, the amount ${amount.value}` : ""}.`;
  }

  /** @param {string} text of both, weighed */
  function bothWords(text) {
    if (cutting.text !== line.text) return " The two ways disagree.";
    return text ? " The two ways agree." : "";
  }

  /** @param {ReturnType<typeof weighTogether>} both */
  function noteWords({ text, confidence, amount }) {
    const notes = confidence < WRITE_UNSURE ? found.notes : []; // they may be why
    const lacking = text && amount.note ? [`No amount: ${amount.note}.`] : [];
    return [...notes, ...lacking].map((note) => ` ${note}`).join("");
  }

  /** Mark the goals that are reached; a moved cut says nothing about what was written. */
  function judge() {
    const moved = Object.keys(ownCuts).length > 0;
    const [own, agree] = [byHand && !moved, cutting.text === line.text];
    reached[0] ||= moved && cutting.text !== uncutText;
    reached[1] ||= own && agree && Math.min(cutting.confidence, line.confidence) > 0.9;
    reached[2] ||= own && !agree && cutting.text !== "" && line.text !== "";
    WRITE_GOALS.forEach((text, place) => goals.set(place, text, reached[place]));
  }

  /** @param {Raster} image @param {string} label @param {boolean} own */
  function put(image, label, own) {
    clearTimeout(pause);
    byHand = own;
    pad.show(image, label);
    read(image);
    judge();
  }

  /** @param {Raster} image @param {string} label @param {boolean} own */
  function putOther(image, label, own) {
    typed.value = file.value = ""; // what was typed or loaded is no longer on the pad
    put(image, label, own);
  }

  const typed = make("input", {
    type: "text",
    inputmode: "decimal",
    maxlength: WRITE_MOST_TYPED,
    size: WRITE_MOST_TYPED,
    autocomplete: "off",
    oninput: () => type(),
  });
  let distance = 0.15;
  function type() {
    file.value = "";
    put(writeTyped(typed.value, data.characters, distance), `Pad with ${typed.value}`, true);
  }
  const distanceSlider = makeSlider(
    "Distance of typed digits",
    { min: -0.3, max: 0.5, step: 0.05, value: distance },
    (value) => {
      distance = value;
      typed.value ||= "200";
      type();
    },
    (value) => `${written(value, 2)} digit heights`,
  );
  const file = make("input", {
    type: "file",
    accept: "image/*",
    onchange: async () => {
      const [chosenFile] = file.files;
      if (!chosenFile) return;
      const image = await writeFileRaster(chosenFile).catch(() => null);
      if (!image) {
        status.textContent = `${chosenFile.name} can't be opened as an image: save it as PNG or JPEG.`;
        return;
      }
      typed.value = "";
      put(image, chosenFile.name, true);
    },
  });

  live.append(
    makePrediction(
      "Some cuts in the picture go right through a digit. Is the reading lost?",
      ["yes", "no"],
      (choice) =>
        `${choice === "no" ? "Right." : "No."} A cut decides nothing. It adds candidates, and the best ` +
        "path may join what a cut parts. A cut that is missing between two digits does harm: move one " +
        "into a digit, and see which candidates are left.",
    ),
    make("p", {
      text:
        "Clear the pad and write an amount with mouse, finger or pen, or take one. Give a 1 its flag: " +
        "a bare upright stroke at an end may be read as the wall of a box.",
    }),
    make(
      "div",
      { class: "ll-choices", role: "group", "aria-label": "Samples" },
      ...data.samples.map((sample) =>
        makeButton(sample.name, () => putOther(writeSampleRaster(sample), `Pad with ${sample.name}`, false)),
      ),
      makeButton("Clear the pad", () =>
        putOther(writePaper(WRITE_PAD.width, WRITE_PAD.height), "Empty pad", true),
      ),
    ),
    pad.element,
    make(
      "div",
      { class: "ll-write-other-ways" },
      make("label", {}, "Or type it: ", typed),
      distanceSlider.element,
      make("label", {}, "Or an image of your own, which stays on this page: ", file),
    ),
    status,
    makeTable("What is read", ["way", "digits", "confidence"], rows),
    make("p", {}, make("b", { text: "The first way: cut, then search." })),
    make("p", {
      text:
        "A colour is a primitive, a line a cut: drag it. Each bar below is a candidate, under the " +
        "primitives that it joins, with its best class (· is a mark, such as a point; × is junk, no whole " +
        "character) and, filled, its probability. The upper row is the best path that the search found, " +
        "with the class that it takes.",
    }),
    lattice.element,
    candidate.element,
    make("p", {}, make("b", { text: "The second way: the line whole." })),
    make("p", {
      text:
        "Nothing is cut. For each column the network says how probable a character is there (the bars), " +
        "and which one.",
    }),
    seen,
    goals.element,
  );
  const first = data.samples[data.first];
  put(writeSampleRaster(first), `Pad with ${first.name}`, false);
}
