// What all pieces share: elements, controls, numbers in words, pictures of pixels, the forward pass of
// a network, and the start of a piece.
// Plain functions on the page's own elements. A script may be run again on the same page, so it holds
// function declarations only.

/**
 * Make an element.
 *
 * @param {string} tag its name; names of SVG's elements begin with "svg:"
 * @param {Record<string, unknown>} [settings] attributes; "on…" is a listener, "text" its text
 * @param {...(Node | string)} children
 * @returns {any} the element
 */
function make(tag, settings = {}, ...children) {
  const element = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (name === "text") {
      element.textContent = String(value);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...children);
  return element;
}

/**
 * Make a button.
 *
 * @param {string} text
 * @param {() => void} press
 * @param {Record<string, unknown>} [settings] further attributes
 * @returns {HTMLButtonElement}
 */
function makeButton(text, press, settings = {}) {
  return make("button", { type: "button", text, onclick: press, ...settings });
}

/**
 * Make a slider with its label and its value in words.
 *
 * @param {string} label
 * @param {{min: number, max: number, step: number, value: number}} range
 * @param {(value: number) => void} change called with each new value
 * @param {(value: number) => string} [words] the value as the reader sees it
 * @returns {{element: HTMLElement, set: (value: number) => void}}
 */
function makeSlider(label, range, change, words = String) {
  const shown = make("output", { text: words(range.value) });
  const input = make("input", {
    type: "range",
    ...range,
    "aria-valuetext": words(range.value),
    oninput: () => {
      show(Number(input.value));
      change(Number(input.value));
    },
  });
  /** @param {number} value */
  function show(value) {
    shown.textContent = words(value);
    input.setAttribute("aria-valuetext", words(value));
  }
  return {
    element: make("label", { class: "ll-slider" }, make("span", { text: label }), input, shown),
    set(value) {
      input.value = String(value);
      show(value);
    },
  };
}

/**
 * Make a group of choices of which one is taken.
 *
 * @param {string} label
 * @param {string[]} names
 * @param {string} chosen the name that is taken at first
 * @param {(name: string) => void} change
 * @returns {{element: HTMLElement, set: (name: string) => void}}
 */
function makeChoices(label, names, chosen, change) {
  /** @type {HTMLButtonElement[]} */
  const buttons = names.map((name) => makeButton(name, () => take(name, true)));
  /** @param {string} name @param {boolean} tell */
  function take(name, tell) {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.textContent === name));
    }
    if (tell) change(name);
  }
  take(chosen, false);
  const element = make("div", { class: "ll-choices", role: "group", "aria-label": label });
  element.append(make("span", { class: "ll-label", text: label }), ...buttons);
  return { element, set: (name) => take(name, false) };
}

/**
 * Ask the reader for a prediction, and answer it.
 *
 * @param {string} question
 * @param {string[]} answers
 * @param {(answer: string) => string} reply what is said to a choice
 * @returns {HTMLElement}
 */
function makePrediction(question, answers, reply) {
  const said = make("p", { role: "status" });
  const choices = makeChoices(question, answers, "", (answer) => {
    said.textContent = reply(answer);
  });
  return make("div", { class: "ll-predict" }, choices.element, said);
}

/**
 * Make a place that scrolls sideways where its content is too wide, by the keyboard, too.
 *
 * @param {string} label
 * @param {...Node} children
 * @returns {HTMLElement}
 */
function makeScrolling(label, ...children) {
  const settings = { class: "ll-scroll", tabindex: 0, role: "region", "aria-label": label };
  return make("div", settings, ...children);
}

/**
 * Make a table with titles above its columns.
 *
 * @param {string} label
 * @param {string[]} titles
 * @param {HTMLElement} body its rows
 * @returns {HTMLElement}
 */
function makeTable(label, titles, body) {
  const cells = titles.map((text) => make("th", { scope: "col", text }));
  const head = make("thead", {}, make("tr", {}, ...cells));
  return makeScrolling(label, make("table", {}, head, body));
}

/**
 * Make a place for results that a screen reader reads out when they change.
 *
 * @returns {HTMLElement}
 */
function makeStatus() {
  return make("p", { class: "ll-status", role: "status" });
}

/**
 * Write a number for the reader: with a true minus, and no more digits than asked for.
 *
 * @param {number} value
 * @param {number} [digits] behind the point
 * @returns {string}
 */
function written(value, digits = 2) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "–";
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/**
 * Make random numbers that are the same on every machine (mulberry32).
 *
 * @param {number} seed
 * @returns {() => number} from 0 to below 1
 */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** @typedef {{left: number, right: number, low: number, high: number}} PlaneFrame */
/** @typedef {{x: number[], y: number, wrong?: boolean}} PlanePoint an example and its class, 0 or 1 */
/** @typedef {number[][][]} PlaneLines each a list of places, joined by straight pieces */

/**
 * Where a function of the plane is 0 or more: the border of this side, and lines that hatch it.
 *
 * The frame is cut into cells, and each cell by its rising diagonal into two triangles, in which the
 * function is taken to be linear. So a straight border is exact, a bent one nearly so.
 *
 * @param {(x: number[]) => number} value
 * @param {PlaneFrame} frame
 * @param {number} [cells] along each side
 * @param {number} [every] how many diagonals from one hatching line to the next
 * @returns {{border: PlaneLines, hatch: PlaneLines}}
 */
function planeSide(value, frame, cells = 60, every = 5) {
  const nodes = Array.from({ length: cells + 1 }, (_, i) =>
    Array.from({ length: cells + 1 }, (_, j) => {
      const x = [
        frame.left + ((frame.right - frame.left) * i) / cells,
        frame.low + ((frame.high - frame.low) * j) / cells,
      ];
      return { x, z: value(x) };
    }),
  );
  /** @type {PlaneLines} */
  const border = [];
  for (let i = 0; i < cells; i++) {
    for (let j = 0; j < cells; j++) {
      for (const corner of [nodes[i + 1][j], nodes[i][j + 1]]) {
        const ends = planeCrossings([nodes[i][j], corner, nodes[i + 1][j + 1], nodes[i][j]]);
        if (ends.length) border.push(ends);
      }
    }
  }
  /** @type {PlaneLines} */
  const hatch = [];
  for (let d = every - cells; d < cells; d += every) {
    const from = Math.max(0, d);
    const diagonal = nodes.slice(from, cells + 1 + Math.min(0, d)).map((row, k) => row[from + k - d]);
    const ends = planeCrossings(diagonal);
    if (diagonal[0].z >= 0) ends.unshift(diagonal[0].x);
    if (ends.length % 2) ends.push(diagonal[diagonal.length - 1].x);
    for (let k = 0; k < ends.length; k += 2) hatch.push([ends[k], ends[k + 1]]);
  }
  return { border, hatch };
}

/**
 * The places along a chain of nodes at which a function changes its side.
 *
 * @param {{x: number[], z: number}[]} chain
 * @returns {number[][]}
 */
function planeCrossings(chain) {
  /** @type {number[][]} */
  const places = [];
  for (let k = 1; k < chain.length; k++) {
    const [p, q] = [chain[k - 1], chain[k]];
    if (p.z >= 0 === q.z >= 0) continue;
    const share = p.z / (p.z - q.z);
    places.push(p.x.map((at, axis) => at + share * (q.x[axis] - at)));
  }
  return places;
}

/**
 * Make a square picture of a plane: examples of two classes, and the side of class 1, hatched.
 *
 * @param {string} label
 * @param {Record<string, unknown>} [settings] attributes of the picture
 */
function makePlane(label, settings = {}) {
  const SIDE = 240; // of the square, in the picture's units; the axes take the rest of 280
  /** @type {PlaneFrame} */
  let frame = { left: 0, right: 1, low: 0, high: 1 };
  const [hatch, guides, border] = ["hatch", "guide", "border"].map((name) =>
    make("svg:path", { class: `ll-${name}` }),
  );
  const [ticks, points, above] = [make("svg:g"), make("svg:g"), make("svg:g")];
  const element = make(
    "svg:svg",
    { class: "ll-plane", viewBox: "0 0 280 280", role: "img", "aria-label": label, ...settings },
    ticks,
    make("svg:svg", { x: 34, y: 6, width: SIDE, height: SIDE }, hatch, guides, border, points, above),
    make("svg:rect", { class: "ll-frame", x: 34, y: 6, width: SIDE, height: SIDE }),
  );

  /** @param {number[]} x @returns {number[]} where it is in the square, in tenths of a unit */
  function spot(x) {
    return [
      (SIDE * (x[0] - frame.left)) / (frame.right - frame.left),
      (SIDE * (frame.high - x[1])) / (frame.high - frame.low),
    ].map((at) => Math.round(10 * at) / 10);
  }

  /** @param {PlaneLines} lines */
  function pathOf(lines) {
    return lines.map((line) => `M${line.map((x) => spot(x).join(" ")).join("L")}`).join("");
  }

  /** @param {PlanePoint} point @param {number} size */
  function drawPoint({ x, y, wrong }, size) {
    const [cx, cy] = spot(x);
    const square = { x: cx - size / 2, y: cy - size / 2, width: size, height: size };
    const mark = y
      ? make("svg:rect", { class: "ll-class1", ...square })
      : make("svg:circle", { class: "ll-class0", cx, cy, r: 0.55 * size });
    return wrong ? [make("svg:circle", { class: "ll-wrong", cx, cy, r: size }), mark] : [mark];
  }

  /** @param {string[]} names of the two axes */
  function drawTicks(names) {
    const numbers = planeTicks(frame.left, frame.right).map((at) =>
      make("svg:text", { x: 34 + spot([at, 0])[0], y: 262, "text-anchor": "middle", text: written(at, 0) }),
    );
    const heights = names[1] ? planeTicks(frame.low, frame.high) : [];
    for (const at of heights) {
      const y = 10 + spot([0, at])[1];
      numbers.push(make("svg:text", { x: 28, y, "text-anchor": "end", text: written(at, 0) }));
    }
    ticks.replaceChildren(
      ...numbers,
      make("svg:text", { class: "ll-axis", x: 154, y: 276, "text-anchor": "middle", text: names[0] }),
      make("svg:text", { class: "ll-axis", x: 4, y: 13, text: names[1] }),
    );
  }

  return {
    /** @type {SVGSVGElement} */ element,
    /** @type {SVGGElement} what lies above the points */ above,
    spot,
    /**
     * @param {{frame: PlaneFrame, names: string[], points: PlanePoint[], size?: number,
     *   guides?: PlaneLines, value?: (x: number[]) => number}} scene size: of a point
     */
    draw(scene) {
      frame = scene.frame;
      const side = scene.value ? planeSide(scene.value, frame) : { border: [], hatch: [] };
      hatch.setAttribute("d", pathOf(side.hatch));
      border.setAttribute("d", pathOf(side.border));
      guides.setAttribute("d", pathOf(scene.guides ?? []));
      points.replaceChildren(...scene.points.flatMap((point) => drawPoint(point, scene.size ?? 10)));
      drawTicks(scene.names);
    },
    /** @param {MouseEvent} event @returns {number[]} the place in the plane that it happened at */
    place(event) {
      const box = element.getBoundingClientRect();
      const [across, down] = [
        ((280 * (event.clientX - box.left)) / box.width - 34) / SIDE,
        ((280 * (event.clientY - box.top)) / box.height - 6) / SIDE,
      ];
      return [
        frame.left + across * (frame.right - frame.left),
        frame.high - down * (frame.high - frame.low),
      ];
    },
  };
}

/**
 * A few whole numbers for an axis.
 *
 * @param {number} low
 * @param {number} high
 * @returns {number[]}
 */
function planeTicks(low, high) {
  const step = [1, 2, 5, 10, 20, 50].find((one) => (high - low) / one <= 4) ?? 100;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, k) => (first + k) * step);
}

/**
 * Make a list of things to find out, each with a mark once it is reached.
 *
 * @param {string[]} goals
 * @returns {{element: HTMLElement, set: (place: number, text: string, reached: boolean) => void}}
 */
function makeGoals(goals) {
  const items = goals.map((text) => make("li", { text: `○ ${text}` }));
  return {
    element: make("ul", { class: "ll-goals", "aria-label": "To find out" }, ...items),
    set(place, text, reached) {
      items[place].textContent = `${reached ? "✓" : "○"} ${text}`;
      items[place].toggleAttribute("data-reached", reached);
    },
  };
}

/**
 * Make a picture of square pixels in the page's own colours. Pixels of one level are one path.
 *
 * @param {string} label what it shows; "" where its surroundings say it
 * @param {number} side pixels in a row, and in a column where nothing else is said
 * @param {string} [colour] of values above 0
 * @param {string} [opposite] of values below 0
 * @param {number} [rows] pixels in a column
 * @returns {{element: SVGElement, show: (values: ArrayLike<number>) => void}} shows values from −1 to 1
 */
function makePixels(label, side, colour = "currentColor", opposite = "none", rows = side) {
  const levels = 32;
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  const shape = { viewBox: `0 0 ${side} ${rows}`, "shape-rendering": "crispEdges" };
  const paths = Array.from({ length: 2 * levels + 1 }, (_, i) =>
    make("svg:path", {
      fill: i > levels ? colour : opposite,
      "fill-opacity": Math.abs(i - levels) / levels,
    }),
  );
  return {
    element: make("svg:svg", { class: "ll-pixels", ...named, ...shape }, ...paths),
    show(values) {
      const shapes = paths.map(() => "");
      for (let i = 0; i < side * rows; i++) {
        const level = Math.round(levels * Math.max(-1, Math.min(1, values[i])));
        if (level) shapes[levels + level] += `M${i % side} ${Math.floor(i / side)}h1v1h-1z`;
      }
      shapes.forEach((shape, i) => paths[i].setAttribute("d", shape));
    },
  };
}

/**
 * Follow a mouse, a finger or a pen that is pressed on a pad.
 *
 * @template Place
 * @param {HTMLElement | SVGElement} pad
 * @param {(event: MouseEvent) => Place} placeOf where on the pad an event happened
 * @param {object} hear
 * @param {(to: Place, from: Place | null) => void} hear.line takes each place and the one before
 * @param {() => void} [hear.begin] called before a stroke
 * @param {() => void} [hear.moved] called when all places that have come are taken
 * @param {() => void} [hear.end] called after a stroke
 */
function followPen(pad, placeOf, { line, begin, moved, end }) {
  /** @type {number | null} the pointer that draws; a second finger doesn't */
  let drawing = null;
  /** @type {Place | null} */
  let last = null;
  /** @param {PointerEvent} event */
  function follow(event) {
    // Between two frames a fast pen is measured several times.
    const measured = event.getCoalescedEvents?.() ?? [];
    for (const one of measured.length ? measured : [event]) {
      const to = placeOf(one);
      line(to, last);
      last = to;
    }
    moved?.();
  }
  /** @param {Record<string, (event: PointerEvent) => void>} listeners */
  function listen(listeners) {
    for (const [name, listener] of Object.entries(listeners)) {
      pad.addEventListener(name, /** @type {EventListener} */ (listener));
    }
  }
  /** @param {PointerEvent} event */
  function stop(event) {
    if (event.pointerId !== drawing) return;
    drawing = null;
    end?.();
  }
  listen({
    pointerdown(event) {
      if (drawing !== null || event.button !== 0) return;
      event.preventDefault(); // no text is selected while the mouse draws
      pad.setPointerCapture(event.pointerId);
      drawing = event.pointerId;
      last = null;
      begin?.();
      follow(event);
    },
    pointermove(event) {
      if (event.pointerId === drawing) follow(event);
    },
    pointerup: stop,
    pointercancel: stop,
  });
}

/**
 * Write a probability in percent; what is not certain is not called so.
 *
 * @param {number} p
 * @returns {string}
 */
function percentOf(p) {
  return p > 0.9995 ? ">\u00a099.9\u00a0%" : `${written(100 * p, 1)}\u00a0%`;
}

/**
 * Make a bar for the probability of each of some classes.
 *
 * @param {string} label
 * @param {string[]} names of the classes
 * @returns {{element: HTMLElement, show: (p: ArrayLike<number>) => void}} all 0: no answer
 */
function makeBars(label, names) {
  const bars = names.map(() => make("span", { class: "ll-bar" }));
  const numbers = names.map(() => make("span", { class: "ll-bar-number" }));
  const rows = names.map((name, k) =>
    make("li", {}, make("b", { text: name }), make("span", { class: "ll-track" }, bars[k]), numbers[k]),
  );
  return {
    element: make("ul", { class: "ll-bars", "aria-label": label }, ...rows),
    show(p) {
      const highest = Math.max(...Array.from(p));
      Array.from(p).forEach((share, k) => {
        bars[k].style.width = `${written(100 * share, 1)}%`;
        numbers[k].textContent = highest ? percentOf(share) : "–";
        rows[k].toggleAttribute("data-answer", highest > 0 && share === highest);
      });
    },
  };
}

/**
 * A linear layer: its weights row by row, a row for each of its units.
 *
 * @typedef {{inputs: number, weights: Float32Array, biases: number[]}} NetworkLayer
 * @typedef {{mean: number, std: number, layers: NetworkLayer[]}} PageNetwork
 */

/**
 * Unpack a network that came with the page (`widgets/networks.py` packs it).
 *
 * @param {string} name
 * @returns {PageNetwork}
 */
function readNetwork(name) {
  const { mean, std, layers } = /** @type {any} */ (window).lessonlibNetworks[name];
  return { mean, std, layers: layers.map(readLayer) };
}

/**
 * @param {{inputs: number, weights: string, scales: number[], biases: number[]}} packed
 * @returns {NetworkLayer}
 */
function readLayer({ inputs, weights, scales, biases }) {
  const bytes = atob(weights);
  const unpacked = new Float32Array(bytes.length);
  scales.forEach((scale, unit) => {
    for (let i = unit * inputs; i < (unit + 1) * inputs; i++) {
      unpacked[i] = scale * ((bytes.charCodeAt(i) << 24) >> 24); // a byte from 128 on is below 0
    }
  });
  return { inputs, weights: unpacked, biases };
}

/**
 * Compute a linear layer: the weighted sum of each unit.
 *
 * @param {NetworkLayer} layer
 * @param {ArrayLike<number>} x
 * @returns {number[]}
 */
function applyLayer(layer, x) {
  return layer.biases.map((bias, unit) => {
    const start = unit * layer.inputs;
    let z = bias;
    for (let i = 0; i < layer.inputs; i++) z += layer.weights[start + i] * x[i];
    return z;
  });
}

/**
 * @param {number[]} z scores
 * @returns {number[]} probabilities
 */
function softmax(z) {
  const highest = Math.max(...z);
  const powers = z.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/**
 * Let a network answer: the forward pass, with ReLU behind each layer but the last.
 *
 * @param {PageNetwork} network
 * @param {ArrayLike<number>} pixels 784 levels from 0, paper, to 255, ink
 * @returns {{hidden: number[][], p: number[]}} each hidden layer's activations, and the probabilities
 */
function forward(network, pixels) {
  let x = Array.from(pixels, (level) => (level / 255 - network.mean) / network.std);
  /** @type {number[][]} */
  const hidden = [];
  const last = network.layers[network.layers.length - 1];
  for (const layer of network.layers.slice(0, -1)) {
    x = applyLayer(layer, x).map((z) => Math.max(0, z));
    hidden.push(x);
  }
  return { hidden, p: softmax(applyLayer(last, x)) };
}

/**
 * Start a piece: put it in the place of its still picture. Where it fails, the picture stays.
 *
 * @param {string} name the piece's name
 * @param {(live: HTMLElement, data: any) => void} fill builds the piece; called again by "Reset"
 */
function startPiece(name, fill) {
  for (const root of document.querySelectorAll(`.lessonlib-piece[data-piece="${name}"]`)) {
    if (root.hasAttribute("data-live")) continue;
    const still = /** @type {HTMLElement} */ (root.querySelector(".ll-still"));
    const source = root.querySelector('script[type="application/json"]');
    const data = JSON.parse(source?.textContent ?? "{}");
    const live = make("div", { class: "ll-live" });
    const begin = () => {
      live.replaceChildren();
      fill(live, data);
      live.append(reset);
    };
    const again = () => {
      begin();
      reset.focus(); // the button lost it when it was taken out
    };
    const reset = makeButton("Reset", again, { class: "ll-reset" });
    try {
      begin();
    } catch (error) {
      console.error(error);
      continue;
    }
    still.after(live);
    root.setAttribute("data-live", "");
  }
}
