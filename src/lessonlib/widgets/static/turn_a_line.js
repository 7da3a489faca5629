// A line turned by hand: two handles, the unit whose line it is, and four points to divide.

const LINE_FRAME = { left: -0.5, right: 1.5, low: -0.5, high: 1.5 };
const LINE_REACH = 0.65; // from the middle of the line's two handles to either of them
const LINE_EDGE = 0.08; // how near a handle comes to the frame

/** @typedef {{w: number[], b: number}} LineUnit fires where w_1 x_1 + w_2 x_2 + b is 0 or more */

/**
 * The unit whose line goes through two places, with class 1 on the left of the way from one to the
 * other. Its weights have the length 1, and are rounded as they are shown.
 *
 * @param {number[][]} ends
 * @returns {LineUnit}
 */
function lineUnit([from, to]) {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const w = [(from[1] - to[1]) / length, (to[0] - from[0]) / length];
  const b = -(w[0] * from[0] + w[1] * from[1]);
  return { w: w.map(lineRounded), b: lineRounded(b) };
}

/** @param {number} value @returns {number} in hundredths; never −0 */
function lineRounded(value) {
  return Math.round(100 * value) / 100 + 0;
}

/**
 * What a unit with weights in hundredths computes before its threshold, without an error of rounding.
 *
 * @param {LineUnit} unit
 * @param {number[]} x
 * @returns {number}
 */
function lineSum({ w, b }, x) {
  return lineRounded(w[0] * x[0] + w[1] * x[1] + b);
}

/**
 * The two handles of a line.
 *
 * @param {number} angle of the direction to the side of class 1, in degrees
 * @param {number} offset of the line in this direction, from the middle of the square
 * @returns {number[][]}
 */
function lineEnds(angle, offset) {
  const [across, up] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  return [-LINE_REACH, LINE_REACH].map((reach) => [
    0.5 + offset * across + reach * up,
    0.5 + offset * up - reach * across,
  ]);
}

/**
 * The sliders' values for a line, from its handles.
 *
 * @param {number[][]} ends
 * @returns {{angle: number, offset: number}}
 */
function linePlacement([from, to]) {
  const [across, up] = [from[1] - to[1], to[0] - from[0]];
  const ahead = (from[0] - 0.5) * across + (from[1] - 0.5) * up;
  return {
    angle: Math.round((Math.atan2(up, across) * 180) / Math.PI),
    offset: lineRounded(ahead / Math.hypot(across, up)),
  };
}

/** @param {number} value @returns {string} behind another term, with its sign as plus or minus */
function lineTerm(value) {
  return `${value < 0 ? "−" : "+"} ${written(Math.abs(value))}`;
}

/**
 * Build the piece.
 *
 * @param {HTMLElement} live
 * @param {{points: number[][], presets: Record<string, {labels: number[], best: number, why: string}>,
 *   preset: string, angle: number, offset: number}} data
 */
function turnALine(live, data) {
  let name = data.preset;
  let ends = lineEnds(data.angle, data.offset);

  const plane = makePlane("The four points and the line", { role: "group" });
  const status = makeStatus();
  const equation = make("p", { class: "ll-equation" });
  const weights = make("p", { class: "ll-equation" });
  const why = make("p", { text: data.presets[name].why });
  const goals = makeGoals(["All four of AND", "All four of OR", "XOR: as many as a line can"]);
  const handles = ["first", "second"].map(lineHandle);
  plane.above.append(...handles);

  const angle = makeSlider(
    "Angle",
    { min: -180, max: 180, step: 1, value: data.angle },
    (value) => turn(value, linePlacement(ends).offset),
    (value) => `${written(value, 0)}°`,
  );
  const offset = makeSlider(
    "Offset",
    { min: -0.75, max: 0.75, step: 0.01, value: data.offset },
    (value) => turn(linePlacement(ends).angle, value),
    written,
  );

  /** @param {number} to @param {number} away */
  function turn(to, away) {
    ends = lineEnds(to, away);
    show();
  }

  /** @param {number} k @param {number[]} to */
  function moveHandle(k, to) {
    const other = ends[1 - k];
    const inside = to.map((at) => Math.max(-0.5 + LINE_EDGE, Math.min(1.5 - LINE_EDGE, at)));
    // Two handles on one place would be no line.
    if (Math.hypot(inside[0] - other[0], inside[1] - other[1]) < 0.3) return;
    ends = k === 0 ? [inside, other] : [other, inside];
    show();
    const now = linePlacement(ends);
    angle.set(now.angle);
    offset.set(now.offset);
  }

  /** @param {string} which @param {number} k */
  function lineHandle(which, k) {
    /** @type {Record<string, number[]>} */
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const handle = make(
      "svg:g",
      {
        class: "ll-handle",
        tabindex: 0,
        role: "button",
        "aria-label": `The line's ${which} handle: drag it, or press arrow keys`,
        // Within SVG, touch-action has no effect. Only from a handle does a finger not scroll the page.
        ontouchstart: (/** @type {TouchEvent} */ event) => event.preventDefault(),
        onpointerdown: (/** @type {PointerEvent} */ event) => {
          handle.setPointerCapture(event.pointerId);
        },
        onpointermove: (/** @type {PointerEvent} */ event) => {
          if (handle.hasPointerCapture(event.pointerId)) moveHandle(k, plane.place(event));
        },
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          const step = steps[event.key];
          if (!step) return;
          event.preventDefault();
          moveHandle(k, ends[k].map((at, axis) => at + 0.05 * step[axis]));
        },
      },
      make("svg:circle", { class: "ll-hold", r: 16 }),
      make("svg:circle", { class: "ll-grip", r: 6 }),
    );
    return handle;
  }

  function show() {
    const unit = lineUnit(ends);
    const { labels, best } = data.presets[name];
    const points = data.points.map((x, i) => ({
      x,
      y: labels[i],
      wrong: Number(lineSum(unit, x) >= 0) !== labels[i],
    }));
    plane.draw({
      frame: LINE_FRAME,
      names: ["x₁", "x₂"],
      points,
      value: (x) => unit.w[0] * x[0] + unit.w[1] * x[1] + unit.b,
    });
    handles.forEach((handle, k) => handle.setAttribute("transform", `translate(${plane.spot(ends[k])})`));
    weights.textContent = `w₁ = ${written(unit.w[0])}, w₂ = ${written(unit.w[1])}, b = ${written(unit.b)}`;
    equation.textContent =
      `ŷ = 1 where ${written(unit.w[0])} x₁ ${lineTerm(unit.w[1])} x₂ ${lineTerm(unit.b)} ≥\u00a00`;
    const wrong = points.filter((point) => point.wrong).map((point) => `(${point.x.join(", ")})`);
    const right = points.length - wrong.length;
    const most = right < best ? "" : best < 4 ? " No line gets more." : ` This line divides ${name}.`;
    status.textContent =
      `${right} of 4 points right.` + (wrong.length ? ` Wrong: ${wrong.join(", ")}.` : "") + most;
    if (right === best) {
      const place = Object.keys(data.presets).indexOf(name);
      const texts = ["All four of AND", "All four of OR", "XOR: three are the most"];
      goals.set(place, texts[place], true);
    }
  }

  const presets = makeChoices("Points", Object.keys(data.presets), name, (chosen) => {
    name = chosen;
    why.textContent = data.presets[name].why;
    show();
  });
  live.append(
    makePrediction(
      "XOR: how many of its four points can a line get right at most?",
      ["two", "three", "four"],
      (answer) =>
        answer === "three"
          ? "Yes. Find a line that does it: choose XOR below."
          : answer === "two"
            ? "More: choose XOR below, and cut off one corner."
            : "No: proof (1.8) forbids four. Choose XOR below, and see which point stays wrong.",
    ),
    presets.element,
    why,
    make(
      "div",
      { class: "ll-planes" },
      make(
        "figure",
        {},
        plane.element,
        make("figcaption", {
          text: "Circles: class 0. Squares: class 1. Hatched: the unit answers 1. Ringed: wrong.",
        }),
      ),
      make(
        "div",
        { class: "ll-beside" },
        status,
        weights,
        equation,
        angle.element,
        offset.element,
        makeButton("swap the sides", () => {
          ends = [ends[1], ends[0]];
          const now = linePlacement(ends);
          angle.set(now.angle);
          offset.set(now.offset);
          show();
        }),
        goals.element,
      ),
    ),
  );
  show();
}
