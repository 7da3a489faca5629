// The checksum bench: one number under four codes, the slips that each of them misses, and blurred
// digits that are read with and without the help of a code.

const LUHN_SUMS = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]; // a digit doubled, and the digits of that added up
const ABA_WEIGHTS = [3, 7, 1, 3, 7, 1, 3, 7, 1];

/**
 * @param {number[]} number
 * @returns {number[]} Luhn's check digit
 */
function luhnDigit(number) {
  const fromRight = [...number].reverse();
  const sum = fromRight.reduce((total, k, place) => total + (place % 2 ? k : LUHN_SUMS[k]), 0);
  return [(10 - (sum % 10)) % 10];
}

/**
 * @param {number[]} number eight digits
 * @returns {number[]} the check digit of a routing number, whose weight is 1
 */
function abaDigit(number) {
  const sum = number.reduce((total, k, place) => total + ABA_WEIGHTS[place] * k, 0);
  return [(10 - (sum % 10)) % 10];
}

/**
 * @param {number[]} number
 * @returns {number[]} the two check digits of an IBAN, put behind: the whole leaves 1 modulo 97
 */
function mod97Digits(number) {
  const remainder = [...number, 0, 0].reduce((rest, k) => (10 * rest + k) % 97, 0);
  return [Math.floor((98 - remainder) / 10), (98 - remainder) % 10];
}

/**
 * @param {number[]} number
 * @param {number[][]} table Damm's
 * @returns {number[]} Damm's check digit
 */
function dammDigit(number, table) {
  return [number.reduce((row, k) => table[row][k], 0)];
}

/**
 * All numbers that come from one slip of a kind, the number itself left out.
 *
 * @param {number[]} number
 * @param {string} kind
 * @returns {number[][]}
 */
function slipsOf(number, kind) {
  /** @type {number[][]} */
  const found = [];
  /** @param {Record<number, number>} changes */
  const add = (changes) => {
    const copy = number.map((k, place) => changes[place] ?? k);
    if (copy.some((k, place) => k !== number[place])) found.push(copy);
  };
  number.forEach((k, i) => {
    const j = kind === "swap over one" ? i + 2 : i + 1;
    if (kind === "change") for (let other = 0; other < 10; other++) add({ [i]: other });
    else if (j < number.length && kind.startsWith("swap")) add({ [i]: number[j], [j]: k });
    else if (j < number.length && kind === "twins" && k === number[j]) {
      for (let other = 0; other < 10; other++) add({ [i]: other, [j]: other });
    }
  });
  return found;
}

/**
 * The most probable digits whose weighted sum is a multiple of ten, equation (9.6).
 *
 * @param {number[][]} p for each place the probabilities of its ten digits, all above 0
 * @param {number[]} weights
 * @returns {number[]}
 */
function decodeUnderCode(p, weights) {
  /** @type {{score: number, digits: number[]}[]} for each remainder the best beginning */
  let best = [{ score: 0, digits: [] }];
  p.forEach((row, place) => {
    /** @type {{score: number, digits: number[]}[]} */
    const next = [];
    best.forEach((beginning, remainder) => {
      row.forEach((probability, k) => {
        const to = (remainder + weights[place] * k) % 10;
        const score = beginning.score + Math.log(probability);
        if (!next[to] || score > next[to].score) {
          next[to] = { score, digits: [...beginning.digits, k] };
        }
      });
    });
    best = next;
  });
  return best[0].digits;
}

/**
 * Probabilities as of a reader that sees a blurred number: at each place the true digit shares with one
 * look-alike, the more the worse that place is.
 *
 * @param {number[]} number
 * @param {number} blur from 0 to 1
 * @returns {number[][]}
 */
function blurredDigits(number, blur) {
  const random = randomNumbers(5);
  return number.map((k) => {
    const lookAlike = (k + 1 + Math.floor(9 * random())) % 10;
    const away = 0.02 + 0.9 * blur * random();
    return Array.from({ length: 10 }, (_, other) =>
      other === k ? 0.98 - 0.98 * away + 0.002 : other === lookAlike ? 0.98 * away + 0.002 : 0.002,
    );
  });
}

/**
 * Build the piece.
 *
 * @param {HTMLElement} live
 * @param {{number: string, copy: string, damm: number[][]}} data
 */
function checksumBench(live, data) {
  /** @type {{title: string, add: (number: number[]) => number[]}[]} */
  const codes = [
    { title: "Luhn", add: luhnDigit },
    { title: "3-7-1", add: abaDigit },
    { title: "mod 97", add: mod97Digits },
    { title: "Damm", add: (number) => dammDigit(number, data.damm) },
  ];
  const kinds = ["change", "swap", "swap over one", "twins"];
  const number = [...data.number].map(Number);
  const copy = [...data.copy].map(Number); // with a first slip to look at
  const random = randomNumbers(1);

  const status = makeStatus();
  const verdicts = make("tbody");
  const counts = make("tbody");
  const copied = make("div", { class: "ll-digits", role: "group", "aria-label": "The copy" });
  const inputs = copy.map((_, place) => {
    const input = make("input", {
      type: "text",
      inputmode: "numeric",
      maxlength: 1,
      "aria-label": `Digit ${place + 1} of the copy`,
      onfocus: () => input.select(),
      oninput: () => {
        if (/^[0-9]$/.test(input.value)) copy[place] = Number(input.value);
        show();
      },
      onblur: () => show(),
    });
    copied.append(input);
    return input;
  });

  /** @param {number[]} to */
  function copyBecomes(to) {
    to.forEach((k, place) => (copy[place] = k));
    show();
  }

  /** @param {string} kind */
  function slip(kind) {
    const slips = slipsOf(number, kind);
    if (slips.length) copyBecomes(slips[Math.floor(random() * slips.length)]);
    else status.textContent = "This number has no such slip.";
  }

  function show() {
    inputs.forEach((input, place) => {
      if (document.activeElement !== input || /^[0-9]$/.test(input.value)) {
        input.value = String(copy[place]);
      }
      input.toggleAttribute("data-changed", copy[place] !== number[place]);
    });
    const same = copy.every((k, place) => k === number[place]);
    const noticed = codes.map((code) => code.add(copy).join() !== code.add(number).join());
    verdicts.replaceChildren(
      ...codes.map((code, i) =>
        make(
          "tr",
          {},
          make("th", { scope: "row", text: code.title }),
          make("td", { text: code.add(number).join("") }),
          make("td", { text: code.add(copy).join("") }),
          make("td", {
            class: same ? "" : noticed[i] ? "ll-good" : "ll-bad",
            text: same ? "fits" : noticed[i] ? "notices" : "misses it",
          }),
        ),
      ),
    );
    const missing = codes.filter((_, i) => !noticed[i]).map((code) => code.title);
    status.textContent = same
      ? "The copy is right: it fits all four codes."
      : missing.length
        ? `Missed by ${missing.join(", ")}.`
        : "All four codes notice.";
  }

  function count() {
    counts.replaceChildren(
      ...kinds.map((kind) => {
        const slips = slipsOf(number, kind);
        const cells = codes.map((code) => {
          const sum = code.add(number).join();
          const missed = slips.filter((one) => code.add(one).join() === sum).length;
          return make("td", { text: missed });
        });
        const head = make("th", { scope: "row", text: `${kind} (${slips.length})` });
        return make("tr", {}, head, ...cells);
      }),
    );
  }

  live.append(
    makePrediction(
      "Two neighbours that differ by 5 are swapped. Which code is blind to that?",
      codes.map((code) => code.title),
      (name) =>
        name === "3-7-1"
          ? "Yes: its neighbouring weights differ by an even number, and 5 times that is a multiple of 10. Try it: swap the 1 and the 6 below."
          : `${name} notices. Try it: swap the 1 and the 6 below, and read all four verdicts.`,
    ),
    make("p", { text: `The number is ${data.number}. Copy it wrongly: type over a digit, or press a slip.` }),
    copied,
    make(
      "div",
      { class: "ll-choices", role: "group", "aria-label": "Slips" },
      ...kinds.map((kind) => makeButton(kind, () => slip(kind))),
      makeButton("copy it again", () => copyBecomes(number)),
    ),
    makeTable("Verdicts", ["code", "check", "copy's", "verdict"], verdicts),
    status,
    make("p", { text: "All slips of each kind in this number, and how many each code misses:" }),
    makeTable("Slips missed", ["slip", ...codes.map((code) => code.title)], counts),
    blurBench(number),
  );
  count();
  show();
}

/**
 * The second part: nine blurred digits of a routing number.
 *
 * @param {number[]} number eight digits
 * @returns {HTMLElement}
 */
function blurBench(number) {
  const truth = [...number, ...abaDigit(number)];
  const status = makeStatus();
  const rows = make("tbody");
  let blur = 0.7;
  let helped = false;

  function show() {
    const p = blurredDigits(truth, blur);
    const alone = p.map((row) => row.indexOf(Math.max(...row)));
    const read = helped ? decodeUnderCode(p, ABA_WEIGHTS) : alone;
    const second = p.map((row, place) =>
      row.indexOf(Math.max(...row.filter((_, k) => k !== alone[place]))),
    );
    /** @type {[string, (place: number) => string][]} */
    const lines = [
      ["written", (place) => String(truth[place])],
      ["first choice", (place) => String(alone[place])],
      ["with, in %", (place) => String(Math.round(100 * p[place][alone[place]]))],
      ["second", (place) => String(second[place])],
      ["with, in %", (place) => String(Math.round(100 * p[place][second[place]]))],
      ["read", (place) => String(read[place])],
    ];
    rows.replaceChildren(
      ...lines.map(([title, cell]) =>
        make(
          "tr",
          {},
          make("th", { scope: "row", text: title }),
          ...truth.map((k, place) =>
            make("td", {
              text: cell(place),
              class: title === "read" && read[place] !== k ? "ll-bad" : "",
            }),
          ),
        ),
      ),
    );
    const wrong = read.filter((k, place) => k !== truth[place]).length;
    status.textContent =
      `${helped ? "With" : "Without"} the checksum: ` +
      (wrong ? `${wrong} of 9 digits wrong.` : "all nine digits right.");
  }

  const slider = makeSlider(
    "Blur",
    { min: 0, max: 1, step: 0.05, value: blur },
    (value) => {
      blur = value;
      show();
    },
    (value) => `${Math.round(100 * value)}\u00a0%`,
  );
  const choices = makeChoices("Read", ["digit by digit", "under 3-7-1"], "digit by digit", (name) => {
    helped = name === "under 3-7-1";
    show();
  });
  show();
  return make(
    "div",
    {},
    make("p", { text: "A blurred routing number: each digit shares its probability with one look-alike." }),
    slider.element,
    choices.element,
    makeScrolling("Blurred digits", make("table", {}, rows)),
    status,
  );
}
