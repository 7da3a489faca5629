// A hidden layer that grows: a small network is trained in the page, and beside its border in the
// plane stands the space into which its hidden units fold that plane.

const GROW_FRAME = { left: -1.5, right: 1.5, low: -1.5, high: 1.5 };
const GROW_TANH_FRAME = { left: -1.2, right: 1.2, low: -1.2, high: 1.2 }; // outputs are from −1 to 1
const GROW_RATE = 0.1; // Adam's learning rate
const GROW_EPOCHS = 200; // of one training
const GROW_CHUNK = 10; // epochs from one picture to the next

/** @typedef {{W: number[][][], b: number[][]}} GrowNetwork W[l][j][k] leads from input j to unit k */
/** @typedef {{f: (z: number) => number, slope: (z: number) => number,
 *   variance: (inputs: number, outputs: number) => number}} GrowActivation */
/** @typedef {{t: number, m: number[][], v: number[][]}} GrowAdam its steps and fading means */

/** @type {Record<string, GrowActivation>} the variance of the first weights is Glorot's, or He's */
const GROW_ACTIVATIONS = {
  tanh: {
    f: Math.tanh,
    slope: (z) => 1 - Math.tanh(z) ** 2,
    variance: (inputs, outputs) => 2 / (inputs + outputs),
  },
  ReLU: { f: (z) => Math.max(0, z), slope: (z) => (z > 0 ? 1 : 0), variance: (inputs) => 2 / inputs },
  none: { f: (z) => z, slope: () => 1, variance: (inputs, outputs) => 2 / (inputs + outputs) },
};

/**
 * Draw the weights of a new network with two inputs, one hidden layer and two logits.
 *
 * @param {number} units
 * @param {GrowActivation} activation
 * @param {number} seed
 * @returns {GrowNetwork}
 */
function growNetwork(units, activation, seed) {
  const random = randomNumbers(seed);
  /** @param {number} inputs @param {number} outputs */
  const layer = (inputs, outputs) => {
    const largest = Math.sqrt(3 * activation.variance(inputs, outputs)); // a uniform draw's variance is a third
    return Array.from({ length: inputs }, () =>
      Array.from({ length: outputs }, () => largest * (2 * random() - 1)),
    );
  };
  return { W: [layer(2, units), layer(units, 2)], b: [new Array(units).fill(0), [0, 0]] };
}

/** @param {number[]} a @param {number[][]} W @param {number[]} b @returns {number[]} aW + b */
function growSums(a, W, b) {
  return b.map((b_k, k) => a.reduce((sum, a_j, j) => sum + a_j * W[j][k], b_k));
}

/**
 * The forward pass of one example.
 *
 * @param {number[]} x
 * @param {GrowNetwork} network
 * @param {GrowActivation} activation
 */
function growForward(x, { W, b }, activation) {
  const z1 = growSums(x, W[0], b[0]);
  const a1 = z1.map(activation.f);
  return { z1, a1, z2: growSums(a1, W[1], b[1]) };
}

/** @param {number[]} z2 @returns {number} how far class 1 leads: 0 on the border */
function growLead(z2) {
  return z2[1] - z2[0];
}

/**
 * The mean cross-entropy of all points, and its gradient by every weight and bias.
 *
 * @param {PlanePoint[]} points one or more
 * @param {GrowNetwork} network
 * @param {GrowActivation} activation
 * @returns {{loss: number, dW: number[][][], db: number[][]}}
 */
function growGradients(points, network, activation) {
  let loss = 0;
  const dW = network.W.map((W) => W.map((row) => row.map(() => 0)));
  const db = network.b.map((b) => b.map(() => 0));
  for (const { x, y } of points) {
    const { z1, a1, z2 } = growForward(x, network, activation);
    const highest = Math.max(...z2);
    const logSum = highest + Math.log(z2.reduce((sum, z) => sum + Math.exp(z - highest), 0));
    loss += (logSum - z2[y]) / points.length;
    const delta2 = z2.map((z, k) => (Math.exp(z - logSum) - Number(k === y)) / points.length);
    const delta1 = z1.map(
      (z, j) => activation.slope(z) * delta2.reduce((sum, d, k) => sum + d * network.W[1][j][k], 0),
    );
    growAdd(dW[0], db[0], x, delta1);
    growAdd(dW[1], db[1], a1, delta2);
  }
  return { loss, dW, db };
}

/**
 * Add one example's part to a layer's gradients.
 *
 * @param {number[][]} dW
 * @param {number[]} db
 * @param {number[]} a the layer's inputs
 * @param {number[]} delta its error signal
 */
function growAdd(dW, db, a, delta) {
  delta.forEach((d, k) => {
    db[k] += d;
    a.forEach((a_j, j) => (dW[j][k] += a_j * d));
  });
}

/**
 * One step of Adam, in place.
 *
 * @param {number[][]} parameters
 * @param {number[][]} gradients
 * @param {GrowAdam} adam
 * @param {number} rate
 */
function growStep(parameters, gradients, adam, rate) {
  adam.t += 1;
  parameters.forEach((row, r) => {
    const [m, v] = [(adam.m[r] ??= row.map(() => 0)), (adam.v[r] ??= row.map(() => 0))];
    row.forEach((_, c) => {
      const g = gradients[r][c];
      m[c] = 0.9 * m[c] + 0.1 * g;
      v[c] = 0.999 * v[c] + 0.001 * g * g;
      const mean = m[c] / (1 - 0.9 ** adam.t);
      const square = v[c] / (1 - 0.999 ** adam.t);
      row[c] -= (rate * mean) / (Math.sqrt(square) + 1e-8);
    });
  });
}

/**
 * Train a network for some epochs, in place: an epoch is one step on all points.
 *
 * @param {PlanePoint[]} points
 * @param {GrowNetwork} network
 * @param {GrowActivation} activation
 * @param {GrowAdam} adam
 * @param {number} epochs
 */
function growTrain(points, network, activation, adam, epochs) {
  const parameters = [...network.W.flat(), ...network.b];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const { dW, db } = growGradients(points, network, activation);
    growStep(parameters, [...dW.flat(), ...db], adam, GROW_RATE);
  }
}

/**
 * The lines on which the hidden units' sums are 0, as far as a frame shows them.
 *
 * @param {GrowNetwork} network
 * @returns {PlaneLines}
 */
function growUnitLines({ W, b }) {
  return b[0].flatMap((bias, k) => {
    /** @param {number[]} x */
    const sum = (x) => x[0] * W[0][0][k] + x[1] * W[0][1][k] + bias;
    return planeSide(sum, GROW_FRAME, 1, 1).border;
  });
}

/**
 * The plane's own net of lines, as the hidden layer folds it.
 *
 * @param {(x: number[]) => number[]} folded
 * @returns {PlaneLines}
 */
function growNet(folded) {
  const along = Array.from({ length: 49 }, (_, k) => -1.5 + k / 16);
  const across = along.filter((_, k) => k % 6 === 0);
  return [
    ...across.map((at) => along.map((to) => folded([at, to]))),
    ...across.map((at) => along.map((to) => folded([to, at]))),
  ];
}

/**
 * A square frame around places.
 *
 * @param {number[][]} places
 * @returns {PlaneFrame}
 */
function growFrame(places) {
  const [lows, highs] = [Math.min, Math.max].map((end) =>
    [0, 1].map((axis) => end(...places.map((x) => x[axis]))),
  );
  const half = Math.max(0.6 * (highs[0] - lows[0]), 0.6 * (highs[1] - lows[1]), 0.6);
  const [middle, height] = lows.map((low, axis) => (low + highs[axis]) / 2);
  return { left: middle - half, right: middle + half, low: height - half, high: height + half };
}

/** @param {number} units @returns {string} what the picture of the hidden layer shows */
function growCaption(units) {
  if (units === 1) return "The output of the one hidden unit. Here the border is one place on its axis.";
  const shown = units > 2 ? `first two of ${units}` : "two";
  const border = units > 2 ? `The border is flat in the space of all ${units}.` : "Here the border is straight.";
  return `The outputs of the ${shown} hidden units, with the plane's grid as they fold it. ${border}`;
}

/**
 * Make the controls for points of the reader's own.
 *
 * @param {(point: PlanePoint) => void} add
 * @param {() => void} removeAll
 * @returns {{element: HTMLElement, nextClass: () => number}}
 */
function growOwnPoints(add, removeAll) {
  const x = [0, 0];
  let y = 0;
  const classes = makeChoices("Class of the next point", ["0", "1"], "0", (chosen) => (y = Number(chosen)));
  const sliders = ["x₁", "x₂"].map((label, axis) =>
    makeSlider(
      label,
      { min: -1.5, max: 1.5, step: 0.1, value: 0 },
      (value) => (x[axis] = value),
      (value) => written(value, 1),
    ),
  );
  const element = make(
    "div",
    { hidden: true },
    classes.element,
    ...sliders.map((slider) => slider.element),
    makeButton("add the point", () => add({ x: [...x], y })),
    makeButton("remove all", removeAll),
  );
  return { element, nextClass: () => y };
}

/**
 * Build the piece.
 *
 * @param {HTMLElement} live
 * @param {{sets: {name: string, why: string, points: number[][]}[], first: string}} data
 */
function growALayer(live, data) {
  const OWN = "your own";
  /** @type {Record<string, PlanePoint[]>} */
  const sets = { [OWN]: [] };
  for (const { name, points } of data.sets) {
    sets[name] = points.map(([x1, x2, y]) => ({ x: [x1, x2], y }));
  }
  let name = data.first;
  let units = 1;
  let kind = "tanh";
  let seed = 1;
  let remaining = 0; // epochs still to train
  let running = false;
  let fewest = Infinity; // units that did the ring
  /** @type {GrowNetwork} */
  let network;
  /** @type {GrowAdam} */
  let adam;

  const plane = makePlane("The points in the plane, and the network's border", {
    class: "ll-plane ll-dashed",
    onclick: (/** @type {MouseEvent} */ event) => {
      const x = plane.place(event).map((at) => Math.round(20 * at) / 20);
      if (name === OWN && x.every((at) => Math.abs(at) <= 1.5)) addPoint({ x, y: own.nextClass() });
    },
  });
  const space = makePlane("The same points, as the hidden layer sees them");
  const caption = make("figcaption");
  const status = makeStatus();
  const why = make("p");
  const goals = makeGoals(["XOR with two units", "The ring with as few units as you can"]);
  const own = growOwnPoints(addPoint, () => {
    sets[OWN] = [];
    start();
  });

  function start() {
    network = growNetwork(units, GROW_ACTIVATIONS[kind], seed);
    adam = { t: 0, m: [], v: [] };
    remaining = 0;
    show();
  }

  /** @param {number} epochs */
  function train(epochs) {
    const points = sets[name];
    if (points.length) growTrain(points, network, GROW_ACTIVATIONS[kind], adam, epochs);
    show();
  }

  /** Train on, and draw the picture from time to time. After "Reset" this piece is off the page. */
  function run() {
    running = remaining > 0 && status.isConnected;
    if (!running) return;
    const epochs = Math.min(GROW_CHUNK, remaining);
    remaining -= epochs;
    train(epochs);
    requestAnimationFrame(run);
  }

  /** @param {PlanePoint} point */
  function addPoint(point) {
    sets[OWN].push(point);
    remaining = 0;
    show();
  }

  function show() {
    const activation = GROW_ACTIVATIONS[kind];
    /** @param {number[]} x */
    const lead = (x) => growLead(growForward(x, network, activation).z2);
    const points = sets[name].map(({ x, y }) => ({ x, y, wrong: lead(x) >= 0 !== Boolean(y) }));
    plane.draw({
      frame: GROW_FRAME,
      names: ["x₁", "x₂"],
      size: 7,
      points,
      value: points.length ? lead : undefined,
      guides: growUnitLines(network),
    });
    showSpace(points, activation);
    const right = points.filter((point) => !point.wrong).length;
    status.setAttribute("aria-busy", String(remaining > 0)); // read out at the end alone
    if (points.length) {
      const { loss } = growGradients(points, network, activation);
      status.textContent =
        `Start ${seed}, epoch ${adam.t}: loss ${written(loss, 3)}, ${right} of ${points.length} points right.`;
      if (right === points.length) reach();
    } else {
      status.textContent = "No points yet.";
    }
  }

  /** @param {PlanePoint[]} points @param {GrowActivation} activation */
  function showSpace(points, activation) {
    /** @param {number[]} x @returns {number[]} */
    const folded = (x) => {
      const { a1 } = growForward(x, network, activation);
      return [a1[0], a1[1] ?? 0];
    };
    const moved = points.map((point) => ({ ...point, x: folded(point.x) }));
    space.draw({
      frame: kind === "tanh" || !moved.length ? GROW_TANH_FRAME : growFrame(moved.map(({ x }) => x)),
      size: 7,
      names: ["a₁", units > 1 ? "a₂" : ""],
      points: moved,
      guides: growNet(folded),
      value:
        units > 2 || !points.length
          ? undefined
          : (a) => growLead(growSums(a.slice(0, units), network.W[1], network.b[1])),
    });
    caption.textContent = growCaption(units);
  }

  /** Mark what has been found: all points of this set are right. */
  function reach() {
    if (name === "XOR" && units === 2) goals.set(0, "XOR with two units", true);
    if (name === "ring" && units < fewest) {
      fewest = units;
      const done = fewest <= 3;
      goals.set(1, done ? "The ring with three units" : `The ring with ${fewest} units. Are fewer enough?`, done);
    }
  }

  /** @param {string} chosen */
  function choose(chosen) {
    name = chosen;
    own.element.hidden = name !== OWN;
    plane.element.classList.toggle("ll-open", name === OWN);
    why.textContent =
      data.sets.find((set) => set.name === name)?.why ??
      "Click or tap in the plane, or set x₁ and x₂ and press “add the point”.";
  }

  const choices = makeChoices("Points", [...data.sets.map((set) => set.name), OWN], name, (chosen) => {
    choose(chosen);
    start();
  });
  const slider = makeSlider("Hidden units", { min: 1, max: 8, step: 1, value: units }, (value) => {
    units = value;
    start();
  });
  const activations = makeChoices("Activation", Object.keys(GROW_ACTIVATIONS), kind, (chosen) => {
    kind = chosen;
    start();
  });
  live.append(
    makePrediction(
      "The ring: how many hidden units does it take at least?",
      ["two", "three", "four", "five"],
      (answer) =>
        answer === "three"
          ? "Yes: three lines can close a border, two always leave it open. Try both below."
          : answer === "two"
            ? "Two lines always leave the border open on one side. Try it below."
            : "Fewer are enough. Try it below: choose the ring, then train with more or fewer units.",
    ),
    choices.element,
    why,
    own.element,
    slider.element,
    activations.element,
    make(
      "div",
      { class: "ll-choices", role: "group", "aria-label": "Training" },
      makeButton("step", () => train(1)),
      makeButton("train", () => {
        remaining += GROW_EPOCHS;
        if (!running) run();
      }),
      makeButton("new start", () => {
        seed += 1;
        start();
      }),
    ),
    status,
    make(
      "div",
      { class: "ll-planes" },
      make(
        "figure",
        {},
        plane.element,
        make("figcaption", {
          text: "The plane. Hatched: the network answers 1. Ringed: wrong. Dashed: the lines of the hidden units.",
        }),
      ),
      make("figure", {}, space.element, caption),
    ),
    goals.element,
  );
  choose(name);
  start();
  train(GROW_EPOCHS);
}
