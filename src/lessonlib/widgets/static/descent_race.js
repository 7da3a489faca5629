// The descent race: gradient descent, momentum and Adam run down a valley or past a saddle, with the
// learning rates, the start and the number of steps that the reader chooses.

const RACE_STEPS = 60; // shown at most
const RACE_LONG = 1000; // steps after which a runner that is still low doesn't diverge
const RACE_TOO_HIGH = 1e6; // a loss above it has diverged
const RACE_FIELD = { x: 36, y: 6, width: 480, height: 280 }; // the place of the paths in the picture

/** @typedef {[number, number]} RacePoint two weights, or a place in the drawing */
/** @typedef {(g: number) => number} RaceStride from a weight's gradient to what the step takes off */

/**
 * @typedef {object} RaceSettings
 * @property {string} landscape
 * @property {number} scale what all gradients are multiplied by
 * @property {RacePoint} start
 * @property {number} steps
 * @property {number[]} rates the learning rates of descent, momentum and Adam
 * @property {number} beta
 */

/**
 * @typedef {object} RaceData
 * @property {Record<string, {text: string, frame: number[], start: RacePoint, strides: RacePoint,
 *   ground: string, minima: string}>} landscapes the last two as markup of SVG
 * @property {{name: string, dashes: string, mark: string, sample: string}[]} runners
 * @property {number[]} rates
 * @property {number} beta
 * @property {number} steps
 */

/**
 * Gradient descent, equation (4.1).
 *
 * @param {number} eta
 * @returns {RaceStride}
 */
function descentStride(eta) {
  return (g) => eta * g;
}

/**
 * Momentum, equation (4.3).
 *
 * @param {number} eta
 * @param {number} beta
 * @returns {RaceStride}
 */
function momentumStride(eta, beta) {
  let m = 0;
  return (g) => {
    m = beta * m + g;
    return eta * m;
  };
}

/**
 * Adam, equation (4.4), with its usual settings.
 *
 * @param {number} eta
 * @returns {RaceStride}
 */
function adamStride(eta) {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  let [m, v, t] = [0, 0, 0];
  return (g) => {
    t += 1;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    const mHat = m / (1 - beta1 ** t);
    const vHat = v / (1 - beta2 ** t);
    return (eta * mHat) / (Math.sqrt(vHat) + epsilon);
  };
}

/** @type {Record<string, (w: RacePoint) => number>} */
const RACE_LOSS = {
  valley: ([w1, w2]) => (w1 ** 2 + 20 * w2 ** 2) / 2,
  saddle: ([w1, w2]) => (w1 ** 2 - w2 ** 2) / 2 + w2 ** 4 / 4,
};

/** @type {Record<string, (w: RacePoint) => RacePoint>} */
const RACE_GRADIENT = {
  valley: ([w1, w2]) => [w1, 20 * w2],
  saddle: ([w1, w2]) => [w1, w2 * w2 * w2 - w2],
};

/**
 * The paths of descent, momentum and Adam: the weights before the first and after each step.
 *
 * @param {RaceSettings} settings
 * @param {number} steps
 * @returns {RacePoint[][]}
 */
function racePaths({ landscape, scale, start, rates, beta }, steps) {
  const kinds = [
    () => descentStride(rates[0]),
    () => momentumStride(rates[1], beta),
    () => adamStride(rates[2]),
  ];
  return kinds.map((newStride) => {
    const strides = [newStride(), newStride()]; // one for each weight
    const path = [start];
    for (let t = 0; t < steps; t++) {
      const [w1, w2] = path[t];
      const [g1, g2] = RACE_GRADIENT[landscape](path[t]);
      path.push([w1 - strides[0](scale * g1), w2 - strides[1](scale * g2)]);
    }
    return path;
  });
}

/**
 * @param {RacePoint[]} path
 * @param {string} landscape
 * @returns {number} the first step whose loss is too high, or -1
 */
function raceDiverges(path, landscape) {
  return path.findIndex((w) => !(RACE_LOSS[landscape](w) <= RACE_TOO_HIGH));
}

/**
 * @param {number} loss
 * @returns {string} the loss as the reader sees it; a large one by its power of ten
 */
function raceLossWritten(loss) {
  if (!Number.isFinite(loss)) return "∞";
  if (loss <= RACE_TOO_HIGH) return written(loss, Math.abs(loss) < 10 ? 4 : 2);
  const power = String(Math.floor(Math.log10(loss)));
  return `over 10${[...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
}

/**
 * @param {number} exponent where a slider on a logarithmic scale stands
 * @returns {number} the learning rate there, in three digits
 */
function raceRate(exponent) {
  return Number((10 ** exponent).toPrecision(3));
}

/**
 * @param {RacePoint} w
 * @param {number[]} frame the smallest and largest w_1, then w_2
 * @returns {RacePoint} its place in the field
 */
function racePlace([w1, w2], [left, right, low, high]) {
  const { width, height } = RACE_FIELD;
  return [(width * (w1 - left)) / (right - left), (height * (high - w2)) / (high - low)];
}

/**
 * The places of a path, up to the first that is so far outside that it can't be drawn.
 *
 * @param {RacePoint[]} path
 * @param {number[]} frame
 * @returns {RacePoint[]}
 */
function racePlaces(path, frame) {
  /** @type {RacePoint[]} */
  const places = [];
  for (const w of path) {
    const [x, y] = racePlace(w, frame);
    const beyond = Math.max(Math.abs(x), Math.abs(y)) / 1e5;
    if (beyond < 1) {
      places.push([x, y]);
      continue;
    }
    places.push([x / beyond, y / beyond]); // the line leaves the field in the right direction
    break;
  }
  return places;
}

/**
 * Draw a runner's path: a line, a mark for each step, and a large one at its end.
 *
 * @param {{name: string, dashes: string, mark: string}} runner
 * @param {RacePoint[]} places
 * @returns {SVGElement}
 */
function drawRacePath(runner, places) {
  const words = places.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
  const line = { fill: "none", stroke: "currentColor", "stroke-width": 2 };
  return make(
    "svg:g",
    { class: `ll-race-${runner.name}`, fill: "currentColor" },
    make("svg:path", { d: `M${words.join("L")}`, "stroke-dasharray": runner.dashes, ...line }),
    make("svg:path", { d: words.map((place) => `M${place}${runner.mark}`).join("") }),
    make("svg:path", {
      d: `M0 0${runner.mark}`,
      transform: `translate(${words[words.length - 1]}) scale(1.6)`,
    }),
  );
}

/**
 * Make the picture: the ground, the paths on it, and the start, which can be moved.
 *
 * @param {RaceData} data
 * @param {(start: RacePoint) => void} moveTo called with each new start
 * @returns {{element: SVGElement, show: (settings: RaceSettings, paths: RacePoint[][]) => void}}
 */
function makeRacePicture(data, moveTo) {
  const { x: fromLeft, y: fromTop, width, height } = RACE_FIELD;
  const [ground, runs, minima] = [make("svg:g"), make("svg:g"), make("svg:g")];
  const box = { ...RACE_FIELD, viewBox: `0 0 ${width} ${height}` }; // cuts off what lies outside
  const drawing = make("svg:g", { role: "img" }, ground, make("svg:svg", box, runs, minima));
  let landscape = "";
  /** @type {RacePoint} */
  let start = [0, 0];

  /** @param {RacePoint} w to the nearest 0.05, and not out of the field */
  function move([w1, w2]) {
    const [left, right, low, high] = data.landscapes[landscape].frame;
    /** @param {number} value @param {number} least @param {number} most */
    const kept = (value, least, most) =>
      Math.round(20 * Math.min(Math.max(value, least), most)) / 20 || 0; // 0, not -0
    moveTo([kept(w1, left, right), kept(w2, low, high)]);
  }
  /** @param {PointerEvent} event */
  function drag(event) {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const toPicture = element.getScreenCTM().inverse();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(toPicture);
    const [left, right, low, high] = data.landscapes[landscape].frame;
    move([
      left + ((at.x - fromLeft) / width) * (right - left),
      high - ((at.y - fromTop) / height) * (high - low),
    ]);
  }
  /** @param {KeyboardEvent} event */
  function moveByKey(event) {
    /** @type {Record<string, RacePoint>} */
    const directions = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
    };
    const direction = directions[event.key];
    if (!direction) return;
    event.preventDefault(); // else the page scrolls
    const strides = data.landscapes[landscape].strides;
    move([start[0] + direction[0] * strides[0], start[1] + direction[1] * strides[1]]);
  }
  const handle = make(
    "svg:g",
    {
      class: "ll-race-start",
      role: "slider",
      tabindex: 0,
      "aria-label": "Start, moved by the arrow keys",
      onkeydown: moveByKey,
      onpointerdown: (/** @type {PointerEvent} */ event) => {
        handle.setPointerCapture(event.pointerId);
      },
      onpointermove: drag,
      // Else the page scrolls; inside an SVG, touch-action has no effect.
      ontouchstart: (/** @type {TouchEvent} */ event) => event.preventDefault(),
    },
    make("svg:circle", { class: "ll-grip", r: 20 }),
    make("svg:circle", { class: "ll-ring", r: 9 }),
  );
  const element = make(
    "svg:svg",
    { class: "ll-race-picture", viewBox: "0 0 520 312" },
    drawing,
    handle,
  );
  return {
    element,
    show(settings, paths) {
      const { frame, ...drawn } = data.landscapes[settings.landscape];
      if (landscape !== settings.landscape) {
        ground.innerHTML = drawn.ground;
        minima.innerHTML = drawn.minima;
      }
      [landscape, start] = [settings.landscape, settings.start];
      const places = paths.map((path) => racePlaces(path, frame));
      runs.replaceChildren(...places.map((run, i) => drawRacePath(data.runners[i], run)));
      const ends = paths.map((path, i) => {
        const [w1, w2] = path[path.length - 1];
        const place = places[i].length === path.length ? `at (${written(w1)}, ${written(w2)})` : "far outside";
        return `${data.runners[i].name} ${place}`;
      });
      drawing.setAttribute(
        "aria-label",
        `The ${landscape} as contour lines. After ${settings.steps} steps: ${ends.join(", ")}.`,
      );
      const [x, y] = racePlace(start, frame);
      handle.setAttribute("transform", `translate(${(fromLeft + x).toFixed(1)} ${(fromTop + y).toFixed(1)})`);
      handle.setAttribute("aria-valuemin", frame[0]);
      handle.setAttribute("aria-valuemax", frame[1]);
      handle.setAttribute("aria-valuenow", start[0]);
      handle.setAttribute("aria-valuetext", `w₁ = ${written(start[0])}, w₂ = ${written(start[1])}`);
    },
  };
}

/**
 * Races worth a look, and why they go as they do.
 *
 * @param {RaceData} data
 * @returns {{name: string, why: string, settings: Partial<RaceSettings>}[]}
 */
function racePresets(data) {
  const chapter = {
    landscape: "valley",
    scale: 1,
    start: data.landscapes.valley.start,
    steps: data.steps,
    rates: data.rates,
    beta: data.beta,
  };
  return [
    {
      name: "momentum 0.05, β 0.8",
      why: "Pushes along the valley add up, to as much as 1/(1 − 0.8) = 5 times one of them; those across it, to and fro, cancel in part.",
      settings: chapter,
    },
    {
      name: "over the limit: all at 0.102",
      why: "Each step of descent multiplies w₂ by 1 − 20 · 0.102 = −1.04: 4 % farther out, on the other side.",
      settings: { ...chapter, rates: [0.102, 0.102, 0.102] },
    },
    {
      name: "gradients × 1,000",
      why: "Adam divides by the size of the gradients, so it takes the same path. For the others it is as if η were 1,000 times as large.",
      settings: { ...chapter, scale: 1000 },
    },
    {
      name: "on the saddle's ridge: w₂ = 0",
      why: "There ∂L/∂w₂ = w₂³ − w₂ = 0: no step leaves the ridge. Move the start up or down a little.",
      settings: {
        ...chapter,
        landscape: "saddle",
        start: [data.landscapes.saddle.start[0], 0],
        rates: [0.09, 0.05, 0.1],
      },
    },
  ];
}

/**
 * Build the piece.
 *
 * @param {HTMLElement} live
 * @param {RaceData} data
 */
function descentRace(live, data) {
  const presets = racePresets(data);
  const settings = /** @type {RaceSettings} */ ({ ...presets[0].settings });
  let timer = 0; // runs while it isn't 0

  const equation = make("p");
  const why = makeStatus();
  const status = makeStatus();
  const rows = make("tbody");
  const picture = makeRacePicture(data, (start) => change({ start }));

  /** @param {Partial<RaceSettings>} part */
  function change(part) {
    Object.assign(settings, part);
    why.style.visibility = "hidden"; // its place stays: nothing jumps under the pointer
    show();
  }

  /** @param {{why: string, settings: Partial<RaceSettings>}} preset */
  function takePreset(preset) {
    stop();
    change(preset.settings);
    landscapes.set(settings.landscape);
    scales.set(settings.scale === 1 ? "× 1" : "× 1,000");
    rateSliders.forEach((slider, i) => slider.set(Math.log10(settings.rates[i])));
    betaSlider.set(settings.beta);
    why.textContent = preset.why;
    why.style.visibility = "visible";
  }

  function show() {
    const long = racePaths(settings, RACE_LONG);
    const paths = long.map((path) => path.slice(0, settings.steps + 1));
    const losses = paths.map((path) => {
      const loss = RACE_LOSS[settings.landscape](path[settings.steps]);
      return Number.isNaN(loss) ? Infinity : loss; // it was too large for a number before
    });
    picture.show(settings, paths);
    equation.textContent = data.landscapes[settings.landscape].text;
    stepsSlider.set(settings.steps);
    rows.replaceChildren(
      ...data.runners.map((runner, i) => {
        const step = raceDiverges(long[i], settings.landscape);
        const head = make("th", { scope: "row" });
        head.innerHTML = runner.sample;
        head.append(` ${runner.name}`);
        return make(
          "tr",
          {},
          head,
          make("td", { text: raceLossWritten(losses[i]) }),
          make("td", {
            class: step < 0 ? "" : "ll-diverges",
            text: step < 0 ? "stays low" : `diverges: step ${step}`,
          }),
        );
      }),
    );
    if (timer) return; // said at the end of the run
    const best = losses.indexOf(Math.min(...losses));
    status.textContent = settings.steps
      ? `After ${settings.steps} steps ${data.runners[best].name} is lowest: L = ${raceLossWritten(losses[best])}.`
      : `At the start L = ${raceLossWritten(losses[0])}.`;
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    runButton.textContent = "run";
  }

  function step() {
    settings.steps = Math.min(settings.steps + 1, RACE_STEPS);
    if (settings.steps === RACE_STEPS) stop();
    show();
  }

  function run() {
    if (timer) {
      stop();
      show();
      return;
    }
    settings.steps = 0;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      settings.steps = RACE_STEPS;
    } else {
      runButton.textContent = "stop";
      timer = setInterval(step, 60);
    }
    show();
  }

  const stepsSlider = makeSlider(
    "Steps",
    { min: 0, max: RACE_STEPS, step: 1, value: settings.steps },
    (steps) => {
      stop();
      change({ steps });
    },
  );
  const runButton = makeButton("run", run);
  const landscapes = makeChoices("Landscape", ["valley", "saddle"], "valley", (landscape) =>
    change({ landscape, start: data.landscapes[landscape].start }),
  );
  const scales = makeChoices("Gradients", ["× 1", "× 1,000"], "× 1", (name) =>
    change({ scale: name === "× 1" ? 1 : 1000 }),
  );
  const rateSliders = data.runners.map((runner, i) =>
    makeSlider(
      `η of ${runner.name}`,
      { min: -3, max: 0, step: 0.01, value: Math.log10(settings.rates[i]) },
      (exponent) =>
        change({ rates: settings.rates.map((eta, j) => (j === i ? raceRate(exponent) : eta)) }),
      (exponent) => String(raceRate(exponent)),
    ),
  );
  const betaSlider = makeSlider(
    "β of momentum",
    { min: 0, max: 0.99, step: 0.01, value: settings.beta },
    (beta) => change({ beta }),
  );

  live.append(
    makePrediction(
      "In the valley all three take η = 0.102, a little above 2/20. Which of them diverges?",
      data.runners.map((runner) => runner.name),
      (name) =>
        ({
          descent: "Yes: the limit is η < 2/20, and 1 − 20 · 0.102 = −1.04.",
          momentum: "No: with β = 0.8 momentum bears more than 2/20.",
          Adam: "No: its steps are about η long, however steep the ground.",
        })[name] +
        " Press “over the limit” and read the table. Then find out up to which η momentum doesn’t diverge.",
    ),
    make(
      "div",
      { class: "ll-choices", role: "group", "aria-label": "Races" },
      ...presets.map((preset) => makeButton(preset.name, () => takePreset(preset))),
    ),
    why,
    make("div", { class: "ll-race-row" }, landscapes.element, scales.element),
    equation,
    picture.element,
    make("p", { text: "○ the start: drag it, or use the arrow keys. + a minimum." }),
    make(
      "div",
      { class: "ll-race-row" },
      stepsSlider.element,
      makeButton("one step", () => {
        stop();
        step();
      }),
      runButton,
    ),
    make(
      "div",
      { class: "ll-race-settings" },
      rateSliders[0].element,
      rateSliders[2].element,
      rateSliders[1].element,
      betaSlider.element,
    ),
    makeTable("Losses", ["runner", "L", "in 1,000 steps"], rows),
    make("p", { text: "A runner diverges where L passes 10⁶." }),
    status,
  );
  takePreset(presets[0]);
}
