// The bank's desk: a threshold on the confidence over fields that were read, what it lets pass and what
// it costs, and what becomes of it when other people write.

const DESK_LOWEST = -3; // log odds of what is drawn as 0 and as 1
const DESK_HIGHEST = 10;
const DESK_PLACE = { left: 14, unit: 36, bottom: 278, width: 500 }; // as in evaluation.py
const DESK_ROWS = 8; // of the table, at most

/** @typedef {{label: string, read: string, confidence: number, x: number, y: number}} DeskField */
/** @typedef {{accepted: number, wrong: number, rejected: number}} DeskCounts */
/** @typedef {{error: number, rejection: number}} DeskPrices */

/**
 * @typedef {object} DeskData
 * @property {{name: string, fields: [string, string, number, number, number][]}[]} writers
 * @property {number} mostWrong the share that the first threshold keeps
 * @property {DeskPrices} prices
 * @property {string} ground the frame and the axis, as markup of SVG
 */

/**
 * @param {[string, string, number, number, number][]} rows
 * @returns {DeskField[]}
 */
function deskFields(rows) {
  return rows.map(([label, read, confidence, x, y]) => ({ label, read, confidence, x, y }));
}

/**
 * @param {DeskField[]} fields
 * @param {number} threshold
 * @returns {DeskCounts} what equation (8.3) is made of
 */
function deskCounts(fields, threshold) {
  const accepted = fields.filter((field) => field.confidence >= threshold);
  const wrong = accepted.filter((field) => field.label !== field.read).length;
  return { accepted: accepted.length, wrong, rejected: fields.length - accepted.length };
}

/**
 * Wilson's interval for a share, with 95 % confidence.
 *
 * @param {number} count
 * @param {number} n
 * @returns {[number, number]}
 */
function deskInterval(count, n) {
  const s = 1.96;
  const q = count / n;
  const centre = (q + s ** 2 / (2 * n)) / (1 + s ** 2 / n);
  const half = (s / (1 + s ** 2 / n)) * Math.sqrt((q * (1 - q)) / n + s ** 2 / (4 * n ** 2));
  return [Math.max(centre - half, 0), Math.min(centre + half, 1)];
}

/**
 * @param {DeskCounts} counts
 * @param {DeskPrices} prices
 * @returns {number}
 */
function deskCost(counts, prices) {
  return counts.wrong * prices.error + counts.rejected * prices.rejection;
}

/**
 * @param {DeskField[]} fields
 * @returns {number[]} every confidence that occurs, from the lowest
 */
function deskThresholds(fields) {
  return [...new Set(fields.map((field) => field.confidence))].sort((a, b) => a - b);
}

/**
 * @param {DeskField[]} fields
 * @param {number} mostWrong
 * @returns {number} the lowest threshold at which at most such a share of the accepted is wrong
 */
function deskLowestWithin(fields, mostWrong) {
  const found = deskThresholds(fields).find((threshold) => {
    const { accepted, wrong } = deskCounts(fields, threshold);
    return wrong <= mostWrong * accepted;
  });
  return found ?? 1;
}

/**
 * @param {DeskField[]} fields
 * @param {DeskPrices} prices
 * @returns {number} the threshold with the lowest cost; of several, the one that accepts most
 */
function deskCheapest(fields, prices) {
  const thresholds = deskThresholds(fields);
  const costs = thresholds.map((threshold) => deskCost(deskCounts(fields, threshold), prices));
  return thresholds[costs.indexOf(Math.min(...costs))];
}

/**
 * @param {DeskField[]} fields
 * @returns {{confidence: number, right: number}} the mean confidence, and the share read right
 */
function deskCalibration(fields) {
  const sum = fields.reduce((total, field) => total + field.confidence, 0);
  const right = fields.filter((field) => field.label === field.read).length;
  return { confidence: sum / fields.length, right: right / fields.length };
}

/**
 * The fields behind the numbers: errors that are accepted, errors that are rejected, rejections for
 * nothing, and the rest; in each group those first that are nearest to being decided otherwise, but of the
 * accepted errors the surest.
 *
 * @param {DeskField[]} fields
 * @param {number} threshold
 * @returns {{field: DeskField, verdict: string}[]}
 */
function deskBehind(fields, threshold) {
  const order = ["accepted, wrong", "rejected, wrong", "rejected, right", "accepted, right"];
  const judged = fields.map((field) => {
    const verdict =
      (field.confidence >= threshold ? "accepted, " : "rejected, ") +
      (field.label === field.read ? "right" : "wrong");
    return { field, verdict, group: order.indexOf(verdict) };
  });
  judged.sort((one, other) => {
    const surer = other.field.confidence - one.field.confidence;
    return one.group - other.group || (one.group === 3 ? -surer : surer);
  });
  return judged.slice(0, DESK_ROWS);
}

/**
 * @param {number} confidence
 * @returns {number} its log odds, cut off at both ends
 */
function deskLogOdds(confidence) {
  if (confidence <= 0) return DESK_LOWEST;
  if (confidence >= 1) return DESK_HIGHEST;
  const odds = Math.log(confidence / (1 - confidence));
  return Math.min(Math.max(odds, DESK_LOWEST), DESK_HIGHEST);
}

/**
 * @param {number} odds log odds
 * @returns {number} the confidence there, in four digits
 */
function deskConfidence(odds) {
  if (odds <= DESK_LOWEST) return 0;
  if (odds >= DESK_HIGHEST) return 1;
  return Number((1 / (1 + Math.exp(-odds))).toFixed(4));
}

/** @param {number} share @returns {string} */
function deskPercent(share) {
  return `${written(100 * share, 1)}\u00a0%`;
}

/** @param {number} count @param {number} n @returns {string} */
function deskIntervalWritten(count, n) {
  const [low, high] = deskInterval(count, n);
  return `${written(100 * low, 1)} to ${deskPercent(high)}`;
}

/**
 * Make the picture: the fields by confidence, and the threshold, which can be moved.
 *
 * @param {string} ground
 * @param {(odds: number) => void} moveTo called with the log odds of each new threshold
 * @returns {{element: SVGElement, show: (fields: DeskField[], threshold: number, odds: number) => void}}
 */
function makeDeskPicture(ground, moveTo) {
  const { left, unit, bottom, width } = DESK_PLACE;
  const under = make("svg:g");
  under.innerHTML = ground;
  const shade = make("svg:rect", { class: "ll-desk-shade", x: 1, y: 1, height: bottom - 1 });
  const marks = make("svg:g");
  const drawing = make("svg:g", { role: "img" }, under, shade, marks);
  let at = 0; // the threshold's log odds

  /** @param {PointerEvent} event */
  function drag(event) {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const toPicture = element.getScreenCTM().inverse();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(toPicture);
    move((point.x - left) / unit + DESK_LOWEST);
  }
  /** @param {number} odds to the nearest 0.05, as the slider has it */
  function move(odds) {
    moveTo(Math.min(Math.max(Math.round(20 * odds) / 20, DESK_LOWEST), DESK_HIGHEST));
  }
  /** @param {KeyboardEvent} event */
  function moveByKey(event) {
    const down = event.key === "ArrowLeft" || event.key === "ArrowDown";
    const up = event.key === "ArrowRight" || event.key === "ArrowUp";
    if (!down && !up) return;
    event.preventDefault(); // else the page scrolls
    move(at + (up ? 0.1 : -0.1));
  }
  const line = make(
    "svg:g",
    {
      class: "ll-desk-threshold",
      role: "slider",
      tabindex: 0,
      "aria-label": "Threshold, moved by the arrow keys",
      "aria-valuemin": 0,
      "aria-valuemax": 1,
      onkeydown: moveByKey,
      onpointerdown: (/** @type {PointerEvent} */ event) => {
        line.setPointerCapture(event.pointerId);
      },
      onpointermove: drag,
      // Else the page scrolls; inside an SVG, touch-action has no effect.
      ontouchstart: (/** @type {TouchEvent} */ event) => event.preventDefault(),
    },
    make("svg:rect", { x: -20, y: 0, width: 40, height: bottom + 12 }),
    make("svg:path", { d: `M0 1V${bottom}` }),
    make("svg:circle", { cy: bottom, r: 7 }),
  );
  const texts = make("svg:g", { "font-size": 16 });
  const element = make(
    "svg:svg",
    { class: "ll-desk-picture", viewBox: `0 0 ${width} 324` },
    drawing,
    texts,
    line,
  );
  return {
    element,
    show(fields, threshold, odds) {
      at = odds;
      const x = left + unit * (deskLogOdds(threshold) - DESK_LOWEST);
      marks.replaceChildren(...[false, true].flatMap((accepted) => drawDeskMarks(fields, threshold, accepted)));
      shade.setAttribute("width", (x - 1).toFixed(1));
      line.setAttribute("transform", `translate(${x.toFixed(1)} 0)`);
      line.setAttribute("aria-valuenow", threshold);
      line.setAttribute("aria-valuetext", written(threshold, 4));
      texts.replaceChildren();
      if (x > 80) {
        texts.append(make("svg:text", { x: x - 8, y: 18, "text-anchor": "end", text: "rejected" }));
      }
      if (x < width - 80) texts.append(make("svg:text", { x: x + 8, y: 18, text: "accepted" }));
      const { accepted, wrong } = deskCounts(fields, threshold);
      drawing.setAttribute(
        "aria-label",
        `${fields.length} fields by confidence. From ${written(threshold, 4)} on, ${accepted} are accepted, ${wrong} of them wrong.`,
      );
    },
  };
}

/**
 * Draw the fields on one side of the threshold: a dot for each that is read right, else a cross.
 *
 * @param {DeskField[]} fields
 * @param {number} threshold
 * @param {boolean} accepted which side
 * @returns {SVGElement[]}
 */
function drawDeskMarks(fields, threshold, accepted) {
  const here = fields.filter((field) => field.confidence >= threshold === accepted);
  const dots = here.filter((field) => field.label === field.read);
  const crosses = here.filter((field) => field.label !== field.read);
  const faded = accepted ? "" : " ll-desk-out";
  return [
    make("svg:path", {
      class: `ll-desk-right${faded}`,
      d: dots.map(({ x, y }) => `M${x} ${y}h0`).join(""),
    }),
    make("svg:path", {
      class: `ll-desk-wrong${faded}`,
      d: crosses.map(({ x, y }) => `M${x} ${y}m-3-3l6 6m-6 0l6-6`).join(""),
    }),
  ];
}

/**
 * Build the piece.
 *
 * @param {HTMLElement} live
 * @param {DeskData} data
 */
function bankDesk(live, data) {
  const kinds = data.writers.map(({ name, fields }) => ({ name, fields: deskFields(fields) }));
  const prices = { ...data.prices };
  let writers = kinds[0];
  let threshold = 0;
  let odds = 0; // where the slider stands
  /** @type {{how: string, on: typeof writers} | undefined} how and on whom the threshold was chosen */
  let choice;

  const calibration = makeStatus();
  const numbers = make("tbody");
  const cost = makeStatus();
  const note = makeStatus();
  const behind = make("tbody");
  const picture = makeDeskPicture(data.ground, moveTo);

  /** @param {number} to log odds */
  function moveTo(to) {
    odds = to;
    threshold = deskConfidence(to);
    choice = undefined;
    slider.set(odds);
    show();
  }

  /** @param {number} chosen @param {string} how */
  function choose(chosen, how) {
    threshold = chosen;
    odds = deskLogOdds(chosen);
    choice = { how, on: writers };
    slider.set(odds);
    show();
  }

  function chooseWithin() {
    choose(deskLowestWithin(writers.fields, data.mostWrong), "The lowest threshold with at most 1 % wrong");
  }

  function chooseCheapest() {
    choose(deskCheapest(writers.fields, prices), "The cheapest threshold at these prices");
  }

  /** @param {Partial<DeskPrices>} part */
  function changePrices(part) {
    Object.assign(prices, part);
    if (choice?.how.startsWith("The cheapest")) choice = undefined;
    show();
  }

  function show() {
    const { fields } = writers;
    const counts = deskCounts(fields, threshold);
    const { accepted, wrong, rejected } = counts;
    const { confidence, right } = deskCalibration(fields);
    calibration.replaceChildren(
      `All ${fields.length} fields: mean confidence `,
      make("strong", { text: deskPercent(confidence) }),
      ", read right ",
      make("strong", { text: deskPercent(right) }),
      ".",
    );
    picture.show(fields, threshold, odds);
    const interval = accepted ? deskIntervalWritten(wrong, accepted) : "–";
    const cells = [
      `${accepted} of ${fields.length}`,
      wrong,
      accepted ? deskPercent(wrong / accepted) : "–",
      interval,
      deskPercent(rejected / fields.length),
    ];
    numbers.replaceChildren(make("tr", {}, ...cells.map((text) => make("td", { text }))));
    cost.textContent =
      `Cost: ${wrong} wrong · ${prices.error} + ${rejected} rejected · ${prices.rejection}` +
      ` = ${deskCost(counts, prices)}.`;
    if (choice) {
      note.textContent =
        choice.on === writers
          ? `${choice.how}. It was chosen on the fields that it is judged on: on new ones expect worse.`
          : `${choice.how}, but chosen among the other kind of writers.`;
    }
    note.style.visibility = choice ? "visible" : "hidden"; // its place stays: nothing jumps
    behind.replaceChildren(
      ...deskBehind(fields, threshold).map(({ field, verdict }) =>
        make(
          "tr",
          {},
          make("td", { text: field.label }),
          make("td", { text: field.read || "nothing" }),
          make("td", { text: written(field.confidence, 4) }),
          make("td", { class: verdict === "accepted, wrong" ? "ll-desk-bad" : "", text: verdict }),
        ),
      ),
    );
  }

  const slider = makeSlider(
    "Threshold",
    { min: DESK_LOWEST, max: DESK_HIGHEST, step: 0.05, value: 0 },
    moveTo,
    (value) => written(deskConfidence(value), 4),
  );
  /** @param {keyof DeskPrices} kind @param {string} label @param {number} most */
  const priceSlider = (kind, label, most) =>
    makeSlider(label, { min: 1, max: most, step: 1, value: prices[kind] }, (value) =>
      changePrices({ [kind]: value }),
    ).element;

  live.append(
    makePrediction(
      "The threshold was chosen for at most 1\u00a0% wrong among these writers. With other writers: fewer, about as many, or more wrong?",
      ["fewer", "about as many", "more"],
      (answer) =>
        `${answer === "more" ? "Yes." : "No: more."} For other writers the reader promises more than it keeps. ` +
        "Change the writers, and compare mean confidence and share read right. Then find out how " +
        "few of their fields can be accepted with at most 1 % wrong.",
    ),
    makeChoices("Change the writers", kinds.map(({ name }) => name), writers.name, (name) => {
      writers = kinds.find((one) => one.name === name) ?? writers;
      show();
    }).element,
    calibration,
    picture.element,
    make(
      "p",
      {},
      "Each mark is a field: ",
      make("span", { class: "ll-desk-right", text: "●" }),
      " read right, ",
      make("span", { class: "ll-desk-wrong", text: "×" }),
      " misread. Drag the line.",
    ),
    slider.element,
    makeTable("Numbers", ["accepted", "wrong", "error", "95 % interval", "rejected"], numbers),
    make(
      "div",
      { class: "ll-desk-prices" },
      priceSlider("error", "An error costs", 100),
      priceSlider("rejection", "A rejection costs", 10),
    ),
    cost,
    make(
      "div",
      { class: "ll-choices", role: "group", "aria-label": "Choose the threshold" },
      makeButton("at most 1 % wrong", chooseWithin),
      makeButton("cheapest threshold", chooseCheapest),
    ),
    note,
    make("p", { text: "Fields behind the numbers, accepted errors first:" }),
    makeTable("Fields", ["label", "read", "confidence", "verdict"], behind),
  );
  chooseWithin();
}
