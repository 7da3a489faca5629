// Draw a digit: ink on a pad becomes a picture of MNIST's kind, and the course's MLP reads it.
// The pad is measured in units of which ten make a pixel of the network's picture.

const DRAW_UNITS = 10;
const DRAW_FRAME = 28; // pixels: the side of the network's picture
const DRAW_LONGER = 20; // pixels: the longer side of one of MNIST's digits
const DRAW_SIDE = DRAW_UNITS * DRAW_FRAME;
const DRAW_STRONG = 3; // an activation that is shown in full colour

/**
 * @typedef {{x: number, y: number}} DrawPoint in units, from the pad's upper left corner
 * @typedef {{left: number, top: number, width: number, height: number}} DrawBox
 * @typedef {{turn: number, right: number, down: number}} DrawPlace degrees clockwise, and pixels
 * @typedef {{digit: number, name: string, strokes: [number, number][][]}} DrawSample
 * @typedef {{right: number, down: number}} DrawCorner
 * @typedef {{samples: DrawSample[], first: number, pen: number, corner: DrawCorner}} DrawData
 */

/**
 * Turn strokes about the pad's middle, then shift them.
 *
 * @param {DrawPoint[][]} strokes
 * @param {DrawPlace} place
 * @returns {DrawPoint[][]}
 */
function drawPlaced(strokes, { turn, right, down }) {
  const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  const middle = DRAW_SIDE / 2;
  return strokes.map((stroke) =>
    stroke.map(({ x, y }) => ({
      x: middle + cos * (x - middle) - sin * (y - middle) + DRAW_UNITS * right,
      y: middle + sin * (x - middle) + cos * (y - middle) + DRAW_UNITS * down,
    })),
  );
}

/**
 * Find the point that `drawPlaced` brings to this one: where the pen stands, the ink must appear.
 *
 * @param {DrawPoint} point
 * @param {DrawPlace} place
 * @returns {DrawPoint}
 */
function drawUnplaced({ x, y }, { turn, right, down }) {
  const back = { x: x - DRAW_UNITS * right, y: y - DRAW_UNITS * down };
  return drawPlaced([[back]], { turn: -turn, right: 0, down: 0 })[0][0];
}

/**
 * Ink strokes on the pad: what lies within half a pen's width of one of them.
 *
 * @param {DrawPoint[][]} strokes
 * @param {number} pen its width in units
 * @returns {Uint8Array} the pad's rows, 1 for ink
 */
function drawInk(strokes, pen) {
  const ink = new Uint8Array(DRAW_SIDE * DRAW_SIDE);
  for (const stroke of strokes) {
    stroke.forEach((a, i) => drawLine(ink, a, stroke[i + 1] ?? a, pen));
  }
  return ink;
}

/**
 * @param {Uint8Array} ink inked in place
 * @param {DrawPoint} a
 * @param {DrawPoint} b
 * @param {number} pen
 */
function drawLine(ink, a, b, pen) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy || 1;
  /** @param {number} value */
  const onPad = (value) => Math.max(0, Math.min(DRAW_SIDE, Math.floor(value)));
  const [left, right] = [onPad(Math.min(a.x, b.x) - pen), onPad(Math.max(a.x, b.x) + pen)];
  const [top, bottom] = [onPad(Math.min(a.y, b.y) - pen), onPad(Math.max(a.y, b.y) + pen)];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const [x, y] = [column + 0.5 - a.x, row + 0.5 - a.y];
      const along = Math.max(0, Math.min(1, (x * dx + y * dy) / length));
      const [offX, offY] = [x - along * dx, y - along * dy];
      if (offX * offX + offY * offY <= (pen * pen) / 4) ink[row * DRAW_SIDE + column] = 1;
    }
  }
}

/**
 * Find the smallest box around all that is not 0.
 *
 * @param {Uint8Array} levels the rows of a square picture
 * @param {number} side
 * @returns {DrawBox | null} null where all is 0
 */
function drawBoxOf(levels, side) {
  let [left, top, right, bottom] = [side, side, -1, -1];
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      if (!levels[row * side + column]) continue;
      left = Math.min(left, column);
      right = Math.max(right, column);
      top = Math.min(top, row);
      bottom = row;
    }
  }
  return right < 0 ? null : { left, top, width: right + 1 - left, height: bottom + 1 - top };
}

/**
 * Round to a whole number, halves to the even one, as Python and OpenCV do.
 *
 * @param {number} value
 */
function drawRounded(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + (low & 1) : Math.round(value);
}

/**
 * Average ink over areas: each pixel's level is its share of ink. Rows first, then columns.
 *
 * @param {Uint8Array} ink the pad's
 * @param {DrawBox} box the part of the pad that is scaled
 * @param {number} width of the result, in pixels
 * @param {number} height
 * @returns {Uint8Array} the result's rows, levels from 0 to 255
 */
function drawAverage(ink, box, width, height) {
  const across = new Float64Array(box.height * width);
  for (let row = 0; row < box.height; row++) {
    const start = (box.top + row) * DRAW_SIDE + box.left;
    for (let x = 0; x < width; x++) {
      across[row * width + x] = drawMean(ink, start, 1, (x * box.width) / width, box.width / width);
    }
  }
  const levels = new Uint8Array(width * height);
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const mean = drawMean(across, x, width, (y * box.height) / height, box.height / height);
      levels[y * width + x] = drawRounded(255 * mean);
    }
  }
  return levels;
}

/**
 * @param {ArrayLike<number>} values every `step`-th of them from `start` on, each one long
 * @param {number} start
 * @param {number} step
 * @param {number} from where the averaged part begins
 * @param {number} length
 */
function drawMean(values, start, step, from, length) {
  const to = from + length;
  let sum = 0;
  for (let i = Math.floor(from); i < to - 1e-9; i++) {
    sum += values[start + i * step] * (Math.min(i + 1, to) - Math.max(i, from));
  }
  return sum / length;
}

/**
 * Prepare the network's picture as MNIST's were, or with one or both of the two steps left out.
 *
 * @param {Uint8Array} ink the pad's
 * @param {boolean} crop scale the digit to a longer side of 20 pixels; else it keeps its size
 * @param {boolean} middle bring its centre of mass to the middle; else it stays in its place
 * @returns {Uint8Array} 28 rows of 28 levels
 */
function drawPrepared(ink, crop, middle) {
  const frame = new Uint8Array(DRAW_FRAME * DRAW_FRAME);
  const box = drawBoxOf(ink, DRAW_SIDE);
  if (!box) return frame;
  if (!crop) {
    const pad = { left: 0, top: 0, width: DRAW_SIDE, height: DRAW_SIDE };
    const whole = drawAverage(ink, pad, DRAW_FRAME, DRAW_FRAME);
    const inside = drawBoxOf(whole, DRAW_FRAME);
    if (!middle || !inside) return whole;
    const { left, top, width, height } = inside;
    const digit = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      const start = (top + y) * DRAW_FRAME + left;
      digit.set(whole.subarray(start, start + width), y * width);
    }
    return drawCentred(digit, width, height);
  }
  const scale = DRAW_LONGER / Math.max(box.width, box.height);
  const width = Math.max(1, drawRounded(box.width * scale));
  const height = Math.max(1, drawRounded(box.height * scale));
  const digit = drawAverage(ink, box, width, height);
  if (middle) return drawCentred(digit, width, height);
  const x = drawRounded((box.left + box.width / 2) / DRAW_UNITS - width / 2);
  const y = drawRounded((box.top + box.height / 2) / DRAW_UNITS - height / 2);
  return drawInFrame(digit, width, height, x, y);
}

/**
 * Place a digit with its centre of mass in the middle of the frame.
 *
 * @param {Uint8Array} digit
 * @param {number} width
 * @param {number} height
 */
function drawCentred(digit, width, height) {
  let [mass, x, y] = [0, 0, 0];
  digit.forEach((level, i) => {
    mass += level;
    x += level * (i % width);
    y += level * Math.floor(i / width);
  });
  if (!mass) return new Uint8Array(DRAW_FRAME * DRAW_FRAME); // ink too thin to leave a trace
  const middle = (DRAW_FRAME - 1) / 2;
  const [left, top] = [drawRounded(middle - x / mass), drawRounded(middle - y / mass)];
  return drawInFrame(digit, width, height, left, top);
}

/**
 * Place a digit in the frame, moved no farther than its edges allow.
 *
 * @param {Uint8Array} digit
 * @param {number} width
 * @param {number} height
 * @param {number} left
 * @param {number} top
 */
function drawInFrame(digit, width, height, left, top) {
  const frame = new Uint8Array(DRAW_FRAME * DRAW_FRAME);
  const x = Math.max(0, Math.min(DRAW_FRAME - width, left));
  const y = Math.max(0, Math.min(DRAW_FRAME - height, top));
  for (let row = 0; row < height; row++) {
    frame.set(digit.subarray(row * width, (row + 1) * width), (y + row) * DRAW_FRAME + x);
  }
  return frame;
}

/**
 * Make the grid of the first hidden layer, and the weights of the unit that is pointed at.
 *
 * @param {NetworkLayer} layer
 * @returns {{element: HTMLElement, show: (activations: number[]) => void, take: (unit: number) => void}}
 */
function makeDrawUnits(layer) {
  const side = Math.sqrt(layer.biases.length); // 16 for 256 units
  const grid = makePixels("", side, "var(--ll-purple)");
  const mark = make("svg:rect", { class: "ll-draw-mark", width: 1, height: 1 });
  grid.element.append(mark);
  const weights = makePixels(
    "Weights of the chosen unit, one for each pixel",
    DRAW_FRAME,
    "var(--ll-blue)",
    "var(--ll-red)",
  );
  const said = make("p", { class: "ll-status", role: "status" });
  /** @type {number[]} */
  let activations = [];
  let chosen = 0;
  const field = make("div", {
    class: "ll-draw-units",
    tabindex: 0,
    role: "slider",
    "aria-label": "Unit of the first hidden layer",
    "aria-valuemin": 1,
    "aria-valuemax": layer.biases.length,
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -side, ArrowDown: side };
      const step = steps[/** @type {keyof steps} */ (event.key)];
      if (!step) return;
      event.preventDefault(); // the page stays where it is
      if (chosen + step >= 0 && chosen + step < layer.biases.length) take(chosen + step);
    },
    onpointermove: point,
    onpointerdown: point,
  });
  field.append(grid.element);

  /** @param {PointerEvent} event */
  function point(event) {
    const place = grid.element.getBoundingClientRect();
    const column = Math.floor((side * (event.clientX - place.left)) / place.width);
    const row = Math.floor((side * (event.clientY - place.top)) / place.height);
    if (Math.min(row, column) >= 0 && Math.max(row, column) < side) take(side * row + column);
  }

  /** @param {number} unit */
  function take(unit) {
    chosen = unit;
    mark.setAttribute("x", String(unit % side));
    mark.setAttribute("y", String(Math.floor(unit / side)));
    const own = layer.weights.subarray(unit * layer.inputs, (unit + 1) * layer.inputs);
    const largest = own.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    weights.show(own.map((w) => w / largest));
    say();
  }

  function say() {
    const words = `Unit ${chosen + 1} answers ${written(activations[chosen] ?? 0)}.`;
    said.textContent = words;
    field.setAttribute("aria-valuenow", String(chosen + 1));
    field.setAttribute("aria-valuetext", words);
  }

  const element = make(
    "div",
    { class: "ll-draw-row" },
    drawFigure("256 hidden units", field),
    drawFigure(
      "One unit's weights",
      make("div", { class: "ll-draw-weights" }, weights.element),
    ),
    make(
      "div",
      { class: "ll-draw-words" },
      make("p", { text: "Point at a unit, or choose it by the arrow keys." }),
      said,
      make("p", {}, make("b", { class: "ll-draw-raises", text: "Blue" }), ": ink here raises its sum."),
      make("p", {}, make("b", { class: "ll-draw-lowers", text: "Red" }), ": ink here lowers it."),
    ),
  );
  return {
    element,
    take,
    show(values) {
      activations = values;
      grid.show(values.map((value) => value / DRAW_STRONG));
      say();
    },
  };
}

/**
 * @param {string} title
 * @param {...Node} contents
 * @returns {HTMLElement}
 */
function drawFigure(title, ...contents) {
  return make("figure", {}, make("figcaption", { text: title }), ...contents);
}

/**
 * @param {DrawPoint[][]} strokes
 * @returns {SVGElement[]} lines, drawn by the style of what they are put into
 */
function drawLines(strokes) {
  return strokes.map((stroke) => {
    const ends = stroke.length > 1 ? stroke : [stroke[0], stroke[0]]; // a dot is a line, too
    const points = ends.map(({ x, y }) => `${written(x, 1)},${written(y, 1)}`).join(" ");
    return make("svg:polyline", { points: points.replaceAll("−", "-") });
  });
}

/**
 * @param {DrawSample} sample
 * @returns {DrawPoint[][]}
 */
function drawStrokesOf(sample) {
  return sample.strokes.map((stroke) => stroke.map(([x, y]) => ({ x, y })));
}

/**
 * Make the button of a sample, with its picture.
 *
 * @param {DrawSample} sample
 * @param {() => void} take
 */
function makeDrawSample(sample, take) {
  const button = makeButton("", take, { "aria-label": sample.name, title: sample.name });
  const shape = { viewBox: "55 55 170 170", "aria-hidden": "true" };
  button.append(make("svg:svg", shape, ...drawLines(drawStrokesOf(sample))));
  return button;
}

/**
 * Make a check box with its label.
 *
 * @param {string} label
 * @param {(on: boolean) => void} change
 * @returns {{element: HTMLElement, set: (on: boolean) => void}}
 */
function makeDrawSwitch(label, change) {
  const onchange = () => change(input.checked);
  const input = make("input", { type: "checkbox", checked: true, onchange });
  const element = make("label", { class: "ll-draw-switch" }, input, make("span", { text: label }));
  return { element, set: (on) => void (input.checked = on) };
}

/**
 * Build the piece.
 *
 * @param {HTMLElement} live
 * @param {DrawData} data
 */
function drawADigit(live, data) {
  const network = readNetwork("mlp");
  const upright = { turn: 0, right: 0, down: 0 };
  let place = { ...upright };
  let pen = data.pen; // in pixels
  /** @type {DrawPoint[][]} */
  let strokes = [];
  let ink = drawInk([], 1);
  /** @type {number | null} the digit of a sample; nobody knows what the reader means */
  let meant = null;

  const lines = make("svg:g", { class: "ll-draw-ink" });
  const pad = make(
    "svg:svg",
    {
      class: "ll-draw-pad",
      viewBox: `0 0 ${DRAW_SIDE} ${DRAW_SIDE}`,
      role: "img",
      "aria-label": "Pad to draw on",
    },
    lines,
  );
  const picture = makePixels("The network's input, 28 by 28 pixels", DRAW_FRAME);
  const bars = makeBars("Probabilities", Array.from({ length: 10 }, (_, k) => String(k)));
  const units = makeDrawUnits(network.layers[0]);
  const status = makeStatus();
  const steps = { crop: true, middle: true };

  /** Ink all strokes anew, and answer. */
  function show() {
    ink = drawInk(drawPlaced(strokes, place), DRAW_UNITS * pen);
    return answer();
  }

  function answer() {
    lines.setAttribute("stroke-width", written(DRAW_UNITS * pen, 0));
    lines.replaceChildren(...drawLines(drawPlaced(strokes, place)));
    const levels = drawPrepared(ink, steps.crop, steps.middle);
    picture.show(Array.from(levels, (level) => level / 255));
    if (!levels.some(Boolean)) {
      bars.show(Array(10).fill(0));
      units.show(Array(network.layers[0].biases.length).fill(0));
      status.textContent = "The pad is empty. Draw a digit on it, or take a sample.";
      return;
    }
    const { hidden, p } = forward(network, levels);
    const best = p.indexOf(Math.max(...p));
    bars.show(p);
    units.show(hidden[0]);
    const verdict = meant === null ? "" : best === meant ? " Right." : ` Wrong: it is a ${meant}.`;
    status.textContent = `Read as ${best}, probability ${percentOf(p[best])}.${verdict}`;
    return hidden[0];
  }

  /** @param {DrawPoint} to @param {DrawPoint | null} from null where a stroke begins */
  function addLine(to, from) {
    meant = null;
    if (!from || !strokes.length) strokes.push([]); // the pad may be cleared while the pen is down
    strokes[strokes.length - 1].push(drawUnplaced(to, place));
    drawLine(ink, from ?? to, to, DRAW_UNITS * pen); // only what is new: a pen doesn't wait
  }
  /** @param {MouseEvent} event @returns {DrawPoint} */
  function placeOf({ clientX, clientY }) {
    const box = pad.getBoundingClientRect();
    return {
      x: ((clientX - box.left) / box.width) * DRAW_SIDE,
      y: ((clientY - box.top) / box.height) * DRAW_SIDE,
    };
  }
  followPen(pad, placeOf, { line: addLine, moved: answer });

  /** @param {DrawPoint[][]} to @param {number | null} digit */
  function draw(to, digit) {
    strokes = to;
    meant = digit;
    return show();
  }

  /** @param {DrawSample} sample */
  const take = (sample) => draw(drawStrokesOf(sample), sample.digit);

  /**
   * @param {keyof DrawPlace} key
   * @param {string} label
   * @param {number} most
   * @param {number} step
   * @param {string} unit
   */
  const placeSlider = (key, label, most, step, unit) =>
    makeSlider(
      label,
      { min: -most, max: most, step, value: 0 },
      (value) => {
        place = { ...place, [key]: value };
        show();
      },
      (value) => `${written(value, 0)}${unit}`,
    );
  const sliders = {
    turn: placeSlider("turn", "Rotate", 90, 5, "°"),
    right: placeSlider("right", "Shift right", 10, 1, " pixels"),
    down: placeSlider("down", "Shift down", 10, 1, " pixels"),
  };
  const penSlider = makeSlider(
    "Pen's thickness",
    { min: 1, max: 5, step: 0.2, value: pen },
    (value) => {
      pen = value;
      show();
    },
    (value) => `${written(value, 1)} pixels`,
  );

  const switches = {
    crop: makeDrawSwitch("crop, and scale to 20 pixels", (on) => {
      steps.crop = on;
      show();
    }),
    middle: makeDrawSwitch("centre of mass to the middle", (on) => {
      steps.middle = on;
      show();
    }),
  };

  /** @param {DrawPlace} to @param {boolean} crop @param {boolean} middle */
  function arrange(to, crop, middle) {
    place = { ...to };
    Object.assign(steps, { crop, middle });
    switches.crop.set(crop);
    switches.middle.set(middle);
    sliders.turn.set(to.turn);
    sliders.right.set(to.right);
    sliders.down.set(to.down);
    show();
  }
  const corner = { ...upright, ...data.corner };
  const why =
    "Each weight belongs to one pixel. In the corner the ink meets other weights than those that " +
    "learned the digit. Press “in a corner, no step”, then switch the steps on, one at a time: which " +
    "one decides? And which samples are read right even there?";

  live.append(
    makePrediction(
      "The centring is off and the digit stands in a corner: right or wrong?",
      ["right", "wrong"],
      (choice) => (choice === "wrong" ? "Mostly, yes. " : "Seldom. ") + why,
    ),
    make("p", { text: "Draw a digit on the pad, or take one:" }),
    make(
      "div",
      { class: "ll-choices ll-draw-samples", role: "group", "aria-label": "Samples" },
      ...data.samples.map((sample) => makeDrawSample(sample, () => take(sample))),
    ),
    make(
      "div",
      { class: "ll-draw-row" },
      drawFigure("You draw", pad, makeButton("Clear the pad", () => draw([], null))),
      drawFigure("It sees", picture.element),
      drawFigure("It answers", bars.element),
    ),
    status,
    make(
      "div",
      { class: "ll-choices", role: "group", "aria-label": "Preparation" },
      make("span", { class: "ll-label", text: "MNIST's two steps:" }),
      switches.crop.element,
      switches.middle.element,
    ),
    make(
      "div",
      { class: "ll-choices", role: "group", "aria-label": "Make it fail" },
      make("span", { class: "ll-label", text: "Make it fail:" }),
      makeButton("in a corner, no step", () => arrange(corner, false, false)),
      makeButton("turned: no step helps", () => arrange({ ...upright, turn: -90 }, true, true)),
      makeButton("mend it: both steps", () => arrange(upright, true, true)),
    ),
    make(
      "div",
      { class: "ll-draw-sliders" },
      ...[sliders.turn, sliders.right, sliders.down, penSlider].map(({ element }) => element),
    ),
    units.element,
  );
  const activations = take(data.samples[data.first]) ?? [];
  units.take(activations.indexOf(Math.max(...activations)));
}
