// Training film: three stored trainings of one small network, epoch by epoch.

const FILM_PLOT = { left: 34, top: 10, width: 256, height: 126 }; // as in training.py
const FILM_PAUSE = 900; // milliseconds from frame to frame

/**
 * @typedef {object} FilmFrame
 * @property {number} training loss
 * @property {number} validation loss
 * @property {number} accuracy of the validation
 * @property {string} weights of the kept units, as int8 in base64
 * @property {number[]} scales a step of each unit's weights
 * @property {number[][]} confusion a row for each label, a column for each answer
 * @property {[number, number, number][]} mistakes label, answer and its probability
 */

/**
 * @typedef {object} FilmRun
 * @property {string} name
 * @property {number} lr
 * @property {number} images
 * @property {number} passes epochs from one frame to the next
 * @property {number} top of the loss's axis
 * @property {FilmFrame[]} frames
 */

/**
 * @param {number} frame
 * @param {number} frames
 * @returns {number} where a frame is from left to right
 */
function filmAcross(frame, frames) {
  return FILM_PLOT.left + (FILM_PLOT.width * frame) / (frames - 1);
}

/**
 * @param {number} value
 * @param {number} top the axis's highest value
 * @returns {number} its height in the picture
 */
function filmDown(value, top) {
  return FILM_PLOT.top + FILM_PLOT.height * (1 - value / top);
}

/**
 * @param {number[]} values one for each frame
 * @param {number} top
 * @returns {string} the points of its curve
 */
function filmPoints(values, top) {
  return values
    .map((value, k) => `${filmAcross(k, values.length).toFixed(1)},${filmDown(value, top).toFixed(1)}`)
    .join(" ");
}

/**
 * @param {FilmFrame} frame
 * @returns {{pixels: Float32Array, largest: number}[]} for each unit its weights, from −1 to 1, and the
 *   largest of them before they were brought into these limits
 */
function filmUnits({ weights, scales }) {
  const inputs = 784;
  const all = readLayer({ inputs, weights, scales, biases: [] }).weights;
  return scales.map((scale, unit) => {
    const largest = 127 * scale;
    const own = all.slice(unit * inputs, (unit + 1) * inputs);
    return { pixels: own.map((w) => w / largest), largest };
  });
}

/** @param {number} share @returns {string} */
function filmPercent(share) {
  return `${written(100 * share, 1)}\u00a0%`;
}

/** @param {number} loss @returns {string} */
function filmLoss(loss) {
  return written(loss, loss < 0.1 ? 4 : 3);
}

/**
 * Make a picture of curves over the epochs, with a marker at one of them.
 *
 * @param {string} title
 * @param {(value: number) => string} words
 * @returns {{element: HTMLElement, show: (curves: Record<string, number[]>, top: number,
 *   passes: number, at: number) => void}}
 */
function makeFilmCurves(title, words) {
  const { left, top: upper, width, height } = FILM_PLOT;
  const drawing = make("svg:svg", { viewBox: "0 0 300 172", role: "img" });
  return {
    element: make("figure", {}, make("figcaption", { text: title }), drawing),
    show(curves, top, passes, at) {
      const frames = Object.values(curves)[0].length;
      const x = filmAcross(at, frames);
      const lines = Object.entries(curves).map(([name, values]) =>
        make("svg:polyline", { class: `ll-film-${name}`, points: filmPoints(values, top) }),
      );
      const dots = Object.entries(curves).map(([name, values]) =>
        make("svg:circle", { class: `ll-film-${name}`, cx: x, cy: filmDown(values[at], top), r: 5 }),
      );
      // What lies above the highest value is cut off by a picture in the picture.
      const inside = make(
        "svg:svg",
        { x: left - 6, y: upper, width: width + 12, height: height + 6 },
        make("svg:g", { transform: `translate(${6 - left} ${-upper})` }, ...lines, ...dots),
      );
      const numbers = [0, 0.5, 1].map((share) =>
        make("svg:text", {
          x: left - 8,
          y: filmDown(share * top, top) + 4,
          "text-anchor": "end",
          text: String(share * top),
        }),
      );
      const epochs = [0, 2, 4, 6, 8].map((k) =>
        make("svg:text", {
          x: filmAcross(k, frames),
          y: upper + height + 18,
          "text-anchor": "middle",
          text: k * passes,
        }),
      );
      drawing.replaceChildren(
        make("svg:rect", { class: "ll-frame", x: left, y: upper, width, height }),
        make("svg:path", { class: "ll-film-now", d: `M${x} ${upper}v${height}` }),
        inside,
        ...numbers,
        ...epochs,
        make("svg:text", { x: left + width / 2, y: 168, "text-anchor": "middle", text: "epoch" }),
      );
      const told = Object.entries(curves).map(([name, values]) => `${name} ${words(values[at])}`);
      drawing.setAttribute("aria-label", `${title}. At epoch ${at * passes}: ${told.join(", ")}.`);
    },
  };
}

/**
 * Make the pictures of some units' weights.
 *
 * @param {number} count
 * @returns {{element: HTMLElement, show: (frame: FilmFrame) => void}}
 */
function makeFilmUnits(count) {
  const units = Array.from({ length: count }, (_, unit) => ({
    picture: makePixels(`Weights of hidden unit ${unit + 1}`, 28, "var(--ll-blue)", "var(--ll-red)"),
    words: make("figcaption"),
  }));
  return {
    element: make(
      "div",
      { class: "ll-film-units" },
      ...units.map(({ picture, words }) => make("figure", {}, picture.element, words)),
    ),
    show(frame) {
      filmUnits(frame).forEach(({ pixels, largest }, unit) => {
        units[unit].picture.show(pixels);
        units[unit].words.textContent = `±${written(largest, 2)}`;
      });
    },
  };
}

/**
 * @param {number[][]} confusion
 * @returns {HTMLElement[]} the rows of its table
 */
function filmConfusionRows(confusion) {
  return confusion.map((row, label) => {
    const sum = row.reduce((total, count) => total + count, 0);
    const cells = row.map((count, answer) =>
      make("td", {
        class: answer === label ? "ll-film-right" : "ll-film-wrong",
        style: `--ll-film-share: ${Math.round((40 * count) / sum)}%`,
        text: count || "",
      }),
    );
    return make("tr", {}, make("th", { scope: "row", text: label }), ...cells);
  });
}

/**
 * @param {FilmFrame["mistakes"]} mistakes
 * @returns {HTMLElement[]} the rows of their table
 */
function filmMistakeRows(mistakes) {
  return mistakes.map(([label, read, p]) =>
    make("tr", {}, ...[label, read, filmPercent(p)].map((text) => make("td", { text }))),
  );
}

/**
 * Build the piece.
 *
 * @param {HTMLElement} live
 * @param {{runs: FilmRun[]}} data
 */
function trainingFilm(live, { runs }) {
  const last = runs[0].frames.length - 1;
  let run = runs[0];
  let at = last; // the frame that is shown
  let playing = false;

  const about = make("p");
  const numbers = makeStatus();
  const losses = makeFilmCurves("Loss", filmLoss);
  const accuracies = makeFilmCurves("Validation accuracy, in %", (value) => `${written(value, 1)}\u00a0%`);
  const units = makeFilmUnits(run.frames[0].scales.length);
  const confusion = make("tbody");
  const mistakes = make("tbody");
  const slider = makeSlider("Epoch", { min: 0, max: last, step: 1, value: at }, show, (frame) =>
    String(frame * run.passes),
  );
  // Who wants no motion steps by hand.
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const play = makeButton(still ? "Next frame" : "Play", still ? step : startOrStop);

  /** @param {number} frame */
  function show(frame) {
    at = frame;
    const { frames, top, passes } = run;
    const { training, validation, accuracy } = frames[at];
    const often = passes > 1 ? `${passes} epochs` : "one epoch";
    about.textContent =
      `Learning rate ${run.lr}, ${run.images.toLocaleString("en")} training images. ` +
      `From frame to frame: ${often}, 100 steps.`;
    slider.set(at);
    numbers.textContent =
      `Epoch ${at * passes}: loss ${filmLoss(training)} in training, ${filmLoss(validation)} in ` +
      `validation; validation accuracy ${filmPercent(accuracy)}.`;
    const curves = {
      training: frames.map((one) => one.training),
      validation: frames.map((one) => one.validation),
    };
    losses.show(curves, top, passes, at);
    accuracies.show({ validation: frames.map((one) => 100 * one.accuracy) }, 100, passes, at);
    units.show(frames[at]);
    confusion.replaceChildren(...filmConfusionRows(frames[at].confusion));
    mistakes.replaceChildren(...filmMistakeRows(frames[at].mistakes));
  }

  function step() {
    show(at < last ? at + 1 : 0);
  }

  function startOrStop() {
    playing = !playing;
    play.textContent = playing ? "Stop" : "Play";
    if (playing) goOn();
  }

  function goOn() {
    if (!playing || !play.isConnected) return; // stopped, or reset
    step();
    if (at === last) startOrStop();
    else setTimeout(goOn, FILM_PAUSE);
  }

  live.append(
    makePrediction(
      "The learning rate is 300 times as large: will the loss fall more quickly, oscillate, or end worse?",
      ["fall more quickly", "oscillate", "end worse"],
      (answer) =>
        `${answer === "end worse" ? "Yes." : "No: it ends worse."} In the first epoch the steps are so long that the ` +
        "hidden units end up at 0 for every image. Then no gradient reaches them: from epoch 2 on " +
        "their weights stand still, and all images get the same answer.",
    ),
    makePrediction(
      "With too little data, which validation curve turns first?",
      ["loss", "accuracy"],
      (answer) =>
        `${answer === "loss" ? "Yes." : "No: the loss."} It rises from epoch 100 on, while the accuracy ` +
        "stays where it is: the network misreads about as many digits as before, but is surer of its mistakes.",
    ),
    makeChoices("Run", runs.map(({ name }) => name), run.name, (name) => {
      run = runs.find((one) => one.name === name) ?? run;
      show(at);
    }).element,
    about,
    make("div", { class: "ll-film-time" }, slider.element, play),
    numbers,
    make("div", { class: "ll-planes" }, losses.element, accuracies.element),
    make(
      "p",
      {},
      make("span", { class: "ll-film-key ll-film-training", text: "—" }),
      " training, ",
      make("span", { class: "ll-film-key ll-film-validation", text: "- -" }),
      " validation. What lies above a frame is not drawn.",
    ),
    make("p", { text: "Weights of the first 8 hidden units: blue above 0, orange below; full colour is the number under it." }),
    units.element,
    make(
      "div",
      { class: "ll-film-tables" },
      make(
        "div",
        {},
        make("p", { text: "1,000 validation images: rows are labels, columns answers." }),
        makeTable("Confusion matrix", ["", ..."0123456789"], confusion),
      ),
      make(
        "div",
        {},
        make("p", { text: "Surest mistakes:" }),
        makeTable("Mistakes", ["label", "read", "p"], mistakes),
      ),
    ),
  );
  show(at);
}
