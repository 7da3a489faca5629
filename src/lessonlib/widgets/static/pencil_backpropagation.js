// Pencil backpropagation: both passes through the network of nine parameters, one number at a time. In
// formulas and sentences a name like w_AC stands for a value, d.w_AC for the derivative of L by it, and
// s.z_A for the slope of ReLU at z_A.

/** @typedef {Record<string, number>} PencilNumbers */
/** @typedef {{name: string, pass: "forward" | "backward", formula: string, rule: string}} PencilStep */
/** @typedef {Record<string, [number, number]>} PencilPlaces */
/**
 * @typedef {{size: number[], box: number[], boxes: PencilPlaces, label: number[], labels: PencilPlaces,
 *   arrows: string[]}} PencilDrawing
 */

const PENCIL_PARAMETERS = ["w_1A", "w_2A", "b_A", "w_1B", "w_2B", "b_B", "w_AC", "w_BC", "b_C"];
const PENCIL_SIGNS = ["plus", "minus", "zero"];
const PENCIL_OFF = { b_B: -4 };

/** @type {[string, string, string][]} each value's name, its formula, and the kind of step */
const PENCIL_VALUES = [
  ["z_A", "x_1 · w_1A + x_2 · w_2A + b_A", "sum"],
  ["z_B", "x_1 · w_1B + x_2 · w_2B + b_B", "sum"],
  ["a_A", "max(0, z_A)", "max"],
  ["a_B", "max(0, z_B)", "max"],
  ["z_C", "a_A · w_AC + a_B · w_BC + b_C", "sum"],
  ["L", "½ (z_C − y)²", "loss"],
];

/** @type {[string, string, string][]} the same for the derivative of L by each value */
const PENCIL_GRADIENTS = [
  ["L", "1", "start"],
  ["z_C", "z_C − y", "output"],
  ["w_AC", "d.z_C · a_A", "weight"],
  ["w_BC", "d.z_C · a_B", "weight"],
  ["b_C", "d.z_C · 1", "bias"],
  ["a_A", "d.z_C · w_AC", "activation"],
  ["a_B", "d.z_C · w_BC", "activation"],
  ["z_A", "d.a_A · s.z_A", "relu"],
  ["z_B", "d.a_B · s.z_B", "relu"],
  ["w_1A", "d.z_A · x_1", "weight"],
  ["w_2A", "d.z_A · x_2", "weight"],
  ["b_A", "d.z_A · 1", "bias"],
  ["w_1B", "d.z_B · x_1", "weight"],
  ["w_2B", "d.z_B · x_2", "weight"],
  ["b_B", "d.z_B · 1", "bias"],
  ["x_1", "d.z_A · w_1A + d.z_B · w_1B", "input"],
  ["x_2", "d.z_A · w_2A + d.z_B · w_2B", "input"],
];

/** @type {Record<string, string>} */
const PENCIL_RULES = {
  sum: "What comes in, each times its weight, plus the bias.",
  max: "ReLU: what is below 0 becomes 0.",
  loss: "Half the squared error.",
  start: "The backward pass starts at the loss, where the slope is known.",
  output: "The derivative of ½ (z_C − y)² by z_C.",
  weight: "A weight: the slope at its unit, times what came in through it.",
  bias: "A bias: its unit's gradient, times the slope 1.",
  activation: "The weight that carried the value forward carries the slope backward.",
  relu: "ReLU: its slope is 1 where z is positive, and 0 elsewhere.",
  input: "Two arrows leave an input: what comes back through them is added.",
};

/** @type {PencilStep[]} */
const PENCIL_STEPS = [
  ...PENCIL_VALUES.map(([name, formula, rule]) => pencilStep("forward", name, formula, rule)),
  ...PENCIL_GRADIENTS.map(([name, formula, rule]) => pencilStep("backward", name, formula, rule)),
];
const PENCIL_FIRST = PENCIL_VALUES.length + 2; // the first frame: up to the gradient of z_C

/**
 * @param {"forward" | "backward"} pass
 * @param {string} name
 * @param {string} formula
 * @param {string} rule
 * @returns {PencilStep}
 */
function pencilStep(pass, name, formula, rule) {
  return { pass, name, formula, rule };
}

/**
 * The forward pass, equation (3.1).
 *
 * @param {PencilNumbers} given inputs, label and parameters
 * @returns {PencilNumbers} these and all values
 */
function pencilForward(given) {
  const net = { ...given };
  net.z_A = net.x_1 * net.w_1A + net.x_2 * net.w_2A + net.b_A;
  net.z_B = net.x_1 * net.w_1B + net.x_2 * net.w_2B + net.b_B;
  net.a_A = Math.max(0, net.z_A);
  net.a_B = Math.max(0, net.z_B);
  net.z_C = net.a_A * net.w_AC + net.a_B * net.w_BC + net.b_C;
  net.L = (net.z_C - net.y) ** 2 / 2;
  return net;
}

/**
 * The backward pass.
 *
 * @param {PencilNumbers} net with all values
 * @returns {PencilNumbers} the derivative of L by each of them
 */
function pencilBackward(net) {
  /** @type {PencilNumbers} */
  const d = { L: 1, z_C: net.z_C - net.y };
  d.w_AC = d.z_C * net.a_A;
  d.w_BC = d.z_C * net.a_B;
  d.b_C = d.z_C;
  d.a_A = d.z_C * net.w_AC;
  d.a_B = d.z_C * net.w_BC;
  d.z_A = d.a_A * pencilSlope(net.z_A);
  d.z_B = d.a_B * pencilSlope(net.z_B);
  d.w_1A = d.z_A * net.x_1;
  d.w_2A = d.z_A * net.x_2;
  d.b_A = d.z_A;
  d.w_1B = d.z_B * net.x_1;
  d.w_2B = d.z_B * net.x_2;
  d.b_B = d.z_B;
  d.x_1 = d.z_A * net.w_1A + d.z_B * net.w_1B;
  d.x_2 = d.z_A * net.w_2A + d.z_B * net.w_2B;
  return d;
}

/**
 * @param {number} z
 * @returns {number} the slope of ReLU there; at 0, where it has none, 0 as in the chapter
 */
function pencilSlope(z) {
  return z > 0 ? 1 : 0;
}

/**
 * @param {PencilNumbers} given inputs, label and parameters
 * @param {number} rate
 * @returns {PencilNumbers} the same after one step of all nine parameters against their gradients
 */
function pencilDescend(given, rate) {
  const d = pencilBackward(pencilForward(given));
  const moved = PENCIL_PARAMETERS.map((name) => [name, given[name] - rate * d[name]]);
  return { ...given, ...Object.fromEntries(moved) };
}

/**
 * @param {number} value
 * @returns {string} "plus", "minus" or "zero"
 */
function pencilSign(value) {
  return value > 0 ? "plus" : value < 0 ? "minus" : "zero";
}

/**
 * Write a number: three digits behind the point, one where it is long, three in all where it is below 1.
 *
 * @param {number} value
 * @returns {string}
 */
function pencilNumber(value) {
  if (!Number.isFinite(value)) return written(value);
  const size = Math.abs(value);
  const text = size < 1 ? value.toPrecision(3) : value.toFixed(size < 100 ? 3 : 1);
  return String(Number(text)).replace("-", "−");
}

/**
 * Say why a gradient has its sign.
 *
 * @param {PencilStep} step
 * @param {PencilNumbers} net
 * @param {PencilNumbers} d
 * @returns {string} a sentence with names
 */
function pencilReason(step, net, d) {
  const unit = step.name.slice(-1);
  /** @param {string} name @returns {string} */
  const equation = (name) => {
    const value = name.startsWith("d.") ? d[name.slice(2)] : net[name];
    return `${name} = ${pencilNumber(value)}`;
  };
  if (step.rule === "start") return "If L grows a little, L grows by just as much.";
  if (step.rule === "output") return pencilReasonAtOutput(net);
  if (step.rule === "bias") return `A bias has the slope 1 and takes over ${equation(`d.z_${unit}`)}.`;
  if (step.rule === "relu") {
    const z = `z_${unit}`;
    if (net[z] > 0) return `${equation(z)} is positive, so ReLU lets ${equation(`d.a_${unit}`)} pass.`;
    return `${equation(z)} is not positive, so ReLU's slope is 0 and nothing passes.`;
  }
  if (step.rule === "input") {
    const [throughA, throughB] = ["A", "B"].map((hidden) => {
      const part = `d.z_${hidden} · w_${step.name.slice(-1)}${hidden}`;
      return `${part} = ${pencilNumber(d[`z_${hidden}`] * net[part.slice(-4)])} through ${hidden}`;
    });
    return `${throughA} and ${throughB} are added.`;
  }
  const [slope, factor] = step.formula.split(" · ");
  return pencilReasonOfProduct(slope, d[slope.slice(2)], factor, net[factor], equation);
}

/**
 * @param {PencilNumbers} net
 * @returns {string}
 */
function pencilReasonAtOutput(net) {
  const reached = `z_C = ${pencilNumber(net.z_C)}`;
  const wanted = `the label ${pencilNumber(net.y)}`;
  if (net.z_C > net.y) return `${reached} is above ${wanted}: raise z_C a little, and L grows.`;
  if (net.z_C < net.y) return `${reached} is below ${wanted}: raise z_C a little, and L falls.`;
  return `${reached} equals ${wanted}: the loss is at its lowest point, where it is level.`;
}

/**
 * @param {string} slope the name of the gradient that comes back
 * @param {number} back its value
 * @param {string} factor the name of what it is multiplied by
 * @param {number} by its value
 * @param {(name: string) => string} equation
 * @returns {string}
 */
function pencilReasonOfProduct(slope, back, factor, by, equation) {
  if (back === 0) return `${slope} is 0, and so is its product with ${factor}.`;
  if (by === 0 && factor.startsWith("w")) return `${factor} is 0: nothing goes through this weight.`;
  if (by === 0) return `${factor} is 0: nothing comes in through this weight.`;
  const same = back > 0 === by > 0;
  return (
    `${equation(slope)} and ${equation(factor)} have ` +
    (same ? "the same sign: their product is plus." : "different signs: their product is minus.")
  );
}

/**
 * Say which hidden units are off, and what that does to the gradients once they are computed.
 *
 * @param {PencilNumbers} net
 * @param {PencilNumbers} d
 * @param {number} shown steps so far
 * @returns {string}
 */
function pencilOff(net, d, shown) {
  const off = ["A", "B"].filter((unit) => net[`z_${unit}`] <= 0);
  const sentences = off.map((unit) => {
    const z = `Unit ${unit} is off: z_${unit} = ${pencilNumber(net[`z_${unit}`])} is not positive.`;
    const stop = PENCIL_STEPS.findIndex((s) => s.pass === "backward" && s.name === `z_${unit}`);
    if (shown <= stop) return `${z} Which gradients become 0?`;
    return (
      `${z} ReLU's slope is 0 there and stops d.a_${unit} = ${pencilNumber(d[`a_${unit}`])}: ` +
      `d.z_${unit} is 0, and with it d.w_1${unit}, d.w_2${unit} and d.b_${unit}. ` +
      `Since a_${unit} is 0, d.w_${unit}C is 0, too.`
    );
  });
  return off.length ? sentences.join(" ") : "Both hidden units are on: ReLU lets every gradient pass.";
}

/**
 * Cut a text at its names.
 *
 * @param {string} text
 * @returns {{before: string, kind: string, name: string}[]} each name with the text before it; the kind
 *   is "", "d" or "s"; at last the rest, without a name
 */
function pencilParts(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(/(?:([ds])\.)?\b([xwzab]_\w+|[yL]\b)/g)) {
    parts.push({ before: text.slice(from, found.index), kind: found[1] ?? "", name: found[2] });
    from = found.index + found[0].length;
  }
  return [...parts, { before: text.slice(from), kind: "", name: "" }];
}

/**
 * @param {string} name
 * @returns {Node[]} its letter and its index
 */
function pencilSymbol(name) {
  const [letter, index] = name.split("_");
  return [make("i", { text: letter }), ...(index ? [make("sub", { text: index })] : [])];
}

/**
 * Set a text with symbols for its names.
 *
 * @param {string} text
 * @returns {Node[]}
 */
function pencilSet(text) {
  return pencilParts(text).flatMap(({ before, kind, name }) => {
    const start = document.createTextNode(before);
    if (!name) return [start];
    const symbol = make("span", { class: kind === "d" ? "ll-gradient" : "ll-value" });
    if (kind === "d") symbol.append("∂", ...pencilSymbol("L"), "/∂");
    if (kind === "s") symbol.append("(slope of ReLU at ");
    symbol.append(...pencilSymbol(name), kind === "s" ? ")" : "");
    return [start, symbol];
  });
}

/**
 * Set a formula with the numbers put in.
 *
 * @param {string} formula
 * @param {PencilNumbers} net
 * @param {PencilNumbers} d
 * @returns {Node[]}
 */
function pencilPutIn(formula, net, d) {
  return pencilParts(formula).flatMap(({ before, kind, name }) => {
    const start = document.createTextNode(before);
    if (!name) return [start];
    const value = kind === "d" ? d[name] : kind === "s" ? pencilSlope(net[name]) : net[name];
    const number = pencilNumber(value);
    const text = value < 0 && /[·+−] $/.test(before) ? `(${number})` : number;
    return [start, make("span", { class: kind === "d" ? "ll-gradient" : "ll-value", text })];
  });
}

/**
 * Write a step's formula in lines: the symbols, the numbers, the result.
 *
 * @param {PencilStep} step
 * @param {PencilNumbers} net
 * @param {PencilNumbers} d
 * @returns {Node[]}
 */
function pencilFormula(step, net, d) {
  const backward = step.pass === "backward";
  const kind = backward ? "ll-gradient" : "ll-value";
  const result = pencilNumber(backward ? d[step.name] : net[step.name]);
  const lines = [[make("strong", { class: kind, text: result })]];
  if (pencilParts(step.formula).length > 1) {
    lines.unshift(pencilSet(step.formula), pencilPutIn(step.formula, net, d));
  }
  const left = pencilSet(backward ? `d.${step.name}` : step.name);
  return [
    make("p", { class: "ll-pencil-rule" }, ...pencilSet(PENCIL_RULES[step.rule])),
    make(
      "div",
      { class: "ll-pencil-lines" },
      make("span", {}, ...left, " "),
      ...lines.map((line) => make("span", {}, "= ", ...line, " ")),
    ),
  ];
}

/**
 * Show the chapter's code of a pass, with the line of a step.
 *
 * @param {string} code
 * @param {PencilStep} step
 * @returns {HTMLElement[]}
 */
function pencilCode(code, step) {
  const owner = step.pass === "forward" ? "net" : "d";
  const target = step.pass === "backward" && step.name === "L" ? "L=1" : `${owner}.${step.name}`;
  // The line that writes the name: it stands before the "=" there, and may stand behind it elsewhere.
  const isIts = (/** @type {string} */ line) =>
    target === "L=1" ? line.includes(target) : line.split(" = ")[0].trim().split(", ").includes(target);
  return code
    .trimEnd()
    .split("\n")
    .map((line) => {
      if (!line.includes("=") || !isIts(line)) return make("code", { text: line });
      const at = line.indexOf(target);
      const name = make("b", { text: target });
      const rest = line.slice(at + target.length);
      return make("code", { "aria-current": "step" }, line.slice(0, at), name, rest);
    });
}

/**
 * @param {string} name
 * @returns {Node[]} its letter and its index, for a drawing
 */
function pencilTspans(name) {
  const [letter, index] = name.split("_");
  const below = [
    make("svg:tspan", { dy: 4, "font-size": 11, text: index }),
    make("svg:tspan", { dy: -4, text: "\u200b" }), // back up; nothing to see
  ];
  return [make("svg:tspan", { "font-style": "italic", text: letter }), ...(index ? below : [])];
}

/**
 * Draw the network; the numbers are written by `show`.
 *
 * @param {PencilDrawing} drawing
 * @returns {{element: HTMLElement, show: (net: PencilNumbers, d: PencilNumbers, shown: number) => void}}
 */
function pencilNetwork(drawing) {
  const [width, height] = drawing.size;
  const svg = make("svg:svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "font-size": 15,
    "text-anchor": "middle",
  });
  const element = makeScrolling("The network", svg);
  svg.append(...drawing.arrows.map((d) => make("svg:path", { class: "ll-pencil-arrow", d })));
  const nodes = Object.entries({ ...drawing.boxes, ...drawing.labels }).map(([name, [x, y]]) => {
    const isBox = name in drawing.boxes;
    const [w, h] = isBox ? drawing.box : drawing.label;
    const kind = isBox ? "ll-pencil-box" : "ll-pencil-label";
    const frame = make("svg:rect", { class: kind, x: x - w / 2, y: y - h / 2, width: w, height: h, rx: 6 });
    const value = make("svg:text", { class: "ll-value", x, y: isBox ? y + 6 : y - 6 });
    const gradient = make("svg:text", { class: "ll-gradient", x, y: isBox ? y + 26 : y + 15 });
    const group = make("svg:g", { "data-name": name }, frame);
    if (isBox) group.append(make("svg:text", { x, y: y - 14 }, ...pencilTspans(name)));
    group.append(value, gradient);
    svg.append(group);
    return { name, x, isBox, group, value, gradient };
  });

  /**
   * @param {PencilNumbers} net
   * @param {PencilNumbers} d
   * @param {number} shown
   */
  function show(net, d, shown) {
    const now = PENCIL_STEPS[shown - 1];
    const used = now ? pencilParts(now.formula).map((part) => `${part.kind}.${part.name}`) : [];
    /** @type {Record<string, string[]>} */
    const said = { forward: [], backward: [] };
    for (const node of nodes) {
      /** @param {"forward" | "backward"} pass @param {number} value @returns {string} */
      const written = (pass, value) => {
        const step = PENCIL_STEPS.findIndex((s) => s.pass === pass && s.name === node.name);
        if (step === shown) return "?";
        if (step > shown || (step < 0 && pass === "backward")) return "";
        said[pass].push(`${node.name} ${pencilNumber(value)}`);
        return pencilNumber(value);
      };
      const value = written("forward", net[node.name]);
      const gradient = written("backward", d[node.name]);
      if (node.isBox) node.value.textContent = value && `→ ${value}`;
      else node.value.replaceChildren(...pencilTspans(node.name), ` = ${value}`);
      node.gradient.textContent = gradient && `← ${gradient}`;
      const isNow = now?.name === node.name;
      node.group.setAttribute("class", isNow ? `ll-pencil-${now.pass}` : "");
      const valueUsed = used.includes(`.${node.name}`) || used.includes(`s.${node.name}`);
      node.value.classList.toggle("ll-used", valueUsed || (isNow && now.pass === "forward"));
      const gradientUsed = used.includes(`d.${node.name}`);
      node.gradient.classList.toggle("ll-used", gradientUsed || (isNow && now.pass === "backward"));
      // Where the drawing is wider than its place, as on a phone, the step's number comes into view.
      if (isNow) requestAnimationFrame(() => bringIntoView(node.x));
    }
    const gradients = said.backward.length ? `Gradients: ${said.backward.join(", ")}.` : "No gradient yet.";
    const values = `Values: ${said.forward.join(", ")}.`;
    svg.setAttribute("aria-label", `The network as boxes joined by arrows. ${values} ${gradients}`);
  }

  /** @param {number} x */
  function bringIntoView(x) {
    const scale = svg.getBoundingClientRect().width / width;
    element.scrollLeft = x * scale - element.clientWidth / 2;
  }

  return { element, show };
}

/**
 * Make the fields of inputs, label and parameters.
 *
 * @param {(name: string, value: number) => void} change
 * @returns {{element: HTMLElement, show: (given: PencilNumbers) => void}}
 */
function pencilFields(change) {
  /** @type {Record<string, HTMLInputElement>} */
  const fields = {};
  /** @param {string} name @returns {HTMLElement} */
  const makeField = (name) => {
    const input = make("input", {
      type: "number",
      min: -10,
      max: 10,
      step: "any",
      "aria-label": name === "y" ? "label y" : name,
      oninput: () => {
        const value = input.valueAsNumber;
        if (Number.isFinite(value)) change(name, Math.max(-10, Math.min(10, value)));
      },
    });
    fields[name] = input;
    return make("label", {}, make("span", {}, ...pencilSymbol(name)), input);
  };
  const groups = Object.entries({
    "input and label": ["x_1", "x_2", "y"],
    "unit A": PENCIL_PARAMETERS.slice(0, 3),
    "unit B": PENCIL_PARAMETERS.slice(3, 6),
    "unit C": PENCIL_PARAMETERS.slice(6),
  }).map(([title, names]) =>
    make("fieldset", {}, make("legend", { text: title }), ...names.map(makeField)),
  );
  return {
    element: make("div", { class: "ll-pencil-fields" }, ...groups),
    show(given) {
      for (const [name, input] of Object.entries(fields)) {
        const text = String(Number(given[name].toPrecision(6)));
        // What is being typed stays as it is: "-" or "1." is on the way to a number.
        if (document.activeElement !== input) input.value = text;
        input.onblur = () => (input.value = text);
      }
    },
  };
}

/**
 * Make the last part: a step of all nine parameters against their gradients.
 *
 * @param {() => PencilNumbers} look gives inputs, label and parameters
 * @param {(given: PencilNumbers) => void} take is given them after the step
 * @returns {{element: HTMLElement, focus: () => void, clear: () => void}}
 */
function pencilDescent(look, take) {
  const status = makeStatus();
  const place = make("div");
  let rate = "0.005";

  function step() {
    const before = pencilForward(look());
    const d = pencilBackward(before);
    const after = pencilForward(pencilDescend(look(), Number(rate)));
    const numbers = (/** @type {PencilNumbers} */ from) =>
      PENCIL_PARAMETERS.map((name) => make("td", { text: pencilNumber(from[name]) }));
    const row = (/** @type {string} */ title, /** @type {PencilNumbers} */ from, kind = "") =>
      make("tr", { class: kind }, make("th", { scope: "row", text: title }), ...numbers(from));
    const head = PENCIL_PARAMETERS.map((name) => make("th", { scope: "col" }, ...pencilSymbol(name)));
    place.replaceChildren(
      makeScrolling(
        "The step of all nine parameters",
        make(
          "table",
          {},
          make("thead", {}, make("tr", {}, make("td"), ...head)),
          make(
            "tbody",
            {},
            row("was", before),
            row("← gradient", d, "ll-gradient"),
            row("is", after),
          ),
        ),
      ),
    );
    take(Object.fromEntries(Object.keys(look()).map((name) => [name, after[name]])));
    const words = `The loss was ${pencilNumber(before.L)} and is ${pencilNumber(after.L)}`;
    status.textContent =
      after.L > before.L
        ? `${words}. The step was too long: down, and up again on the other side.`
        : `${words}.`;
  }

  const button = makeButton("a step against the gradient", step);
  const choices = makeChoices("Learning rate", ["0.005", "0.02", "0.05"], rate, (name) => (rate = name));
  return {
    element: make(
      "div",
      { class: "ll-pencil-descent" },
      make("p", {
        text:
          "Now each parameter can move by the learning rate times its gradient, downhill. With which " +
          "rate does the first step from the chapter's numbers make the loss grow?",
      }),
      choices.element,
      button,
      status,
      place,
    ),
    focus: () => button.focus(),
    clear() {
      status.textContent = "";
      place.replaceChildren();
    },
  };
}

/**
 * Build the piece.
 *
 * @param {HTMLElement} live
 * @param {{numbers: PencilNumbers, code: Record<string, string>, drawing: PencilDrawing}} data
 */
function pencilBackpropagation(live, data) {
  /** @type {Record<string, PencilNumbers>} */
  const presets = {
    "the chapter's": data.numbers,
    "a unit that is off": { ...data.numbers, ...PENCIL_OFF },
  };
  let given = { ...data.numbers };
  let shown = PENCIL_FIRST;

  const network = pencilNetwork(data.drawing);
  const formula = make("div", { class: "ll-pencil-formula", role: "status" });
  const code = make("pre");
  const verdict = make("p", { role: "status" });
  const asked = make("span", { class: "ll-label" });
  const signs = make(
    "span",
    {},
    ...PENCIL_SIGNS.map((sign) => makeButton(sign, () => answer(sign))),
  );
  const question = make("div", { class: "ll-choices", role: "group" }, asked, signs);
  const count = make("span", { class: "ll-pencil-count" });
  const back = makeButton("← back", () => go(shown - 1));
  const on = makeButton("show →", forward);
  const all = makeButton("show all", () => go(PENCIL_STEPS.length));
  const steps = make(
    "div",
    { class: "ll-choices", role: "group", "aria-label": "Steps", onkeydown: stepByArrow },
    back,
    on,
    all,
    count,
  );
  const off = make("p", { class: "ll-status", role: "status" });
  const fields = pencilFields((name, value) => change({ ...given, [name]: value }));
  const choices = makeChoices("Numbers", Object.keys(presets), "", (name) => change({ ...presets[name] }));
  const descent = pencilDescent(
    () => given,
    (moved) => {
      given = moved;
      verdict.textContent = "";
      show();
    },
  );

  /** @param {KeyboardEvent} event */
  function stepByArrow(event) {
    if (event.key === "ArrowRight") forward();
    else if (event.key === "ArrowLeft") go(shown - 1);
    else return;
    event.preventDefault();
  }

  /** @param {number} to */
  function go(to) {
    shown = Math.max(0, Math.min(PENCIL_STEPS.length, to));
    verdict.textContent = "";
    show();
  }

  function forward() {
    const step = PENCIL_STEPS[shown];
    go(shown + 1);
    if (step?.pass === "backward") explain(step, "");
  }

  /** @param {string} sign */
  function answer(sign) {
    const step = PENCIL_STEPS[shown];
    const gradient = pencilBackward(pencilForward(given))[step.name];
    go(shown + 1);
    explain(step, sign === pencilSign(gradient) ? "Right: " : "No: ");
    if (shown === PENCIL_STEPS.length) descent.focus(); // the buttons of the question are gone
  }

  /** @param {PencilStep} step @param {string} begin */
  function explain(step, begin) {
    const net = pencilForward(given);
    const d = pencilBackward(net);
    const sign = `d.${step.name} is ${pencilSign(d[step.name])}`;
    verdict.replaceChildren(...pencilSet(`${begin}${sign}. ${pencilReason(step, net, d)}`));
  }

  /** @param {PencilNumbers} to */
  function change(to) {
    given = to;
    verdict.textContent = "";
    descent.clear();
    show();
  }

  function show() {
    const net = pencilForward(given);
    const d = pencilBackward(net);
    const now = PENCIL_STEPS[shown - 1];
    const next = PENCIL_STEPS[shown];
    network.show(net, d, shown);
    if (now) formula.replaceChildren(...pencilFormula(now, net, d));
    else formula.replaceChildren("Inputs, label, weights and biases are given.");
    code.replaceChildren(...pencilCode(data.code[(now ?? next).pass], now ?? next));
    showQuestion(next);
    back.setAttribute("aria-disabled", String(shown === 0));
    on.setAttribute("aria-disabled", String(!next));
    on.textContent = next?.pass === "forward" ? "next →" : "show →";
    count.textContent = `step ${shown} of ${PENCIL_STEPS.length}`;
    fields.show(given);
    const isPreset = (/** @type {PencilNumbers} */ one) =>
      Object.entries(one).every(([name, value]) => value === given[name]);
    choices.set(Object.keys(presets).find((name) => isPreset(presets[name])) ?? "");
    off.replaceChildren(...pencilSet(pencilOff(net, d, shown)));
    descent.element.hidden = Boolean(next);
  }

  /** @param {PencilStep | undefined} next */
  function showQuestion(next) {
    const isGradient = next?.pass === "backward";
    const text = !next
      ? "All gradients are there."
      : isGradient
        ? `Next is d.${next.name}: plus, minus or zero?`
        : `Next is ${next.name}.`;
    asked.replaceChildren(...pencilSet(text));
    question.setAttribute("aria-label", asked.textContent ?? "");
    signs.hidden = !isGradient;
  }

  live.append(
    network.element,
    steps,
    make(
      "div",
      { class: "ll-pencil-step" },
      formula,
      make("div", { class: "ll-predict" }, question, verdict),
    ),
    makeScrolling("The chapter's code", code),
    choices.element,
    fields.element,
    off,
    descent.element,
  );
  show();
}
