// What all pieces share: elements, controls, numbers in words, and the start of a piece.
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
    const again = () => {
      live.replaceChildren();
      fill(live, data);
      live.append(makeButton("Reset", again, { class: "ll-reset" }));
    };
    try {
      again();
    } catch (error) {
      console.error(error);
      continue;
    }
    still.after(live);
    root.setAttribute("data-live", "");
  }
}
