// Texts from columns, as in lessonlib.checks.ctc: connectionist temporal classification (CTC).
// A network that slides over a field gives log probabilities in every column, and doesn't say where a
// digit begins. A path is one class in each column; its text is what is left when equal neighbours
// count once and the blanks are left out. A text's probability is the sum over its paths.
// Here texts are strings of digits, and each digit is its class. The last class is the blank.

/** @typedef {{T: number, K: number, logP: Float64Array}} CtcColumns T columns, K log probabilities each */
/** @typedef {[string, number]} RankedText a text, and the log of its probability or share */
/** @typedef {Map<string, [number, number]>} CtcBeam beginnings of a text: see `stepOfCtcBeam` */

// As in lessonlib.checks.ctc: what is less probable than this beside the best isn't followed up.
const CTC_RULES = { FAINT: 1e-4 };

/**
 * Add two probabilities, given and returned as logs.
 *
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
function logAddExp(a, b) {
  const most = Math.max(a, b);
  return most === -Infinity ? most : most + Math.log1p(Math.exp(Math.min(a, b) - most));
}

/**
 * Fill the table of the forward recursion, for a text that is interleaved with blanks.
 *
 * A text of L digits has 2L + 1 states, and every path walks through them from left to right. In a new
 * column it stays, takes one step, or skips a blank between two digits that differ. Row t is before
 * column t; in each row two entries precede the states, the second of which is the start.
 *
 * @param {CtcColumns} columns
 * @param {string} text
 * @param {(a: number, b: number) => number} join `logAddExp` for all paths, `Math.max` for the best
 * @returns {Float64Array} T + 1 rows of 2L + 3 entries
 */
function ctcTable({ T, K, logP }, text, join) {
  const states = 2 * text.length + 1;
  const kinds = Array.from({ length: states }, (_, s) => (s % 2 ? Number(text[(s - 1) / 2]) : K - 1));
  const skips = kinds.map((kind, s) => s % 2 === 1 && (s === 1 || kind !== kinds[s - 2]));
  const width = states + 2;
  const table = new Float64Array((T + 1) * width).fill(-Infinity);
  table[1] = 0;
  for (let t = 0; t < T; t++) {
    for (let s = 0; s < states; s++) {
      const before = t * width + s + 2;
      let sum = join(table[before], table[before - 1]);
      if (skips[s]) sum = join(sum, table[before - 2]);
      table[before + width] = sum + logP[t * K + kinds[s]];
    }
  }
  return table;
}

/**
 * The log probability of a text: the sum over all paths that have it.
 *
 * @param {CtcColumns} columns
 * @param {string} text
 * @returns {number} -Infinity where the columns have no room for the text
 */
function ctcLogLikelihood(columns, text) {
  const table = ctcTable(columns, text, logAddExp);
  // A path ends in the last digit, or in the blank after it.
  return logAddExp(table[table.length - 2], table[table.length - 1]);
}

/**
 * Find where each digit of a text stands: its first column, and one past its last.
 *
 * These are the columns of the most probable path of that text (Viterbi).
 *
 * @param {CtcColumns} columns
 * @param {string} text
 * @returns {number[][]}
 */
function alignCtc(columns, text) {
  const table = ctcTable(columns, text, Math.max);
  const width = 2 * text.length + 3;
  const last = columns.T * width;
  let best = table[last + width - 2] >= table[last + width - 1] ? width - 2 : width - 1;
  if (table[last + best] === -Infinity) throw new Error(`no path through ${columns.T} columns reads ${text}`);
  const spans = Array.from(text, () => [0, 0]);
  for (let t = columns.T - 1; t >= 0; t--) {
    const origins = [best, best - 1];
    if (best % 2) {
      const i = (best - 3) / 2;
      spans[i] = [t, spans[i][1] || t + 1];
      if (i > 0 && text[i] !== text[i - 1]) origins.push(best - 2);
    }
    const row = t * width;
    best = origins.reduce((kept, place) => (table[row + place] > table[row + kept] ? place : kept));
  }
  return spans;
}

/**
 * Find the most probable texts, and the log probability of each, the best first.
 *
 * A prefix beam search: from column to column it keeps the most probable beginnings of a text. The
 * probabilities that are returned are exact.
 *
 * @param {CtcColumns} columns
 * @param {number} [count]
 * @param {number} [width] of the beam
 * @returns {RankedText[]}
 */
function bestCtcTexts(columns, count = 5, width = 16) {
  return survivorsOfCtc(columns, Math.max(count, width))
    .slice(0, count)
    .map((text) => /** @type {RankedText} */ ([text, ctcLogLikelihood(columns, text)]))
    .sort((a, b) => b[1] - a[1]);
}

/**
 * Run the beam over all columns; give the texts that it ends with, the best first.
 *
 * A run of columns where all but the blank is faint takes one step together: after a blank, more
 * blanks change nothing.
 *
 * @param {CtcColumns} columns
 * @param {number} width
 * @returns {string[]}
 */
function survivorsOfCtc({ T, K, logP }, width) {
  /** @type {CtcBeam} */
  let beam = new Map([["", [1, 0]]]);
  let nextColumn = 0;
  for (let t = 0; t < T; t++) {
    const own = logP.subarray(t * K, (t + 1) * K);
    const most = Math.max(...own);
    const p = Array.from(own, (log) => Math.exp(log - most)); // the search only compares
    const ranked = p.slice(0, -1).map((_, kind) => kind);
    ranked.sort((a, b) => p[b] - p[a]);
    if (p[ranked[0]] < CTC_RULES.FAINT) continue;
    if (t > nextColumn) {
      for (const [text, [blank, char]] of beam) beam.set(text, [blank + char, 0]);
    }
    nextColumn = t + 1;
    beam = prunedCtcBeam(stepOfCtcBeam(beam, p, ranked), width);
  }
  return byShare([...beam]).map(([text]) => text);
}

/**
 * Take all beginnings of a text into a new column, and extend them by a digit.
 *
 * Each beginning has two numbers: the probability of its paths that end in a blank, and of those that
 * end in its last digit. The same digit again is a new one only after a blank.
 *
 * @param {CtcBeam} beam
 * @param {number[]} p of the classes in the column
 * @param {number[]} ranked the digits, the most probable first
 * @returns {CtcBeam}
 */
function stepOfCtcBeam(beam, p, ranked) {
  /** @type {CtcBeam} */
  const after = new Map();
  const blankP = p[p.length - 1];
  for (const [text, [blank, char]] of beam) {
    const stays = text ? char * p[Number(text[text.length - 1])] : 0;
    after.set(text, [(blank + char) * blankP, stays]);
  }
  for (const [text, [blank, char]] of beam) {
    for (const kind of ranked) {
      if ((blank + char) * p[kind] < CTC_RULES.FAINT) break; // the others are fainter still
      const ways = text.endsWith(String(kind)) ? blank : blank + char;
      const longer = text + kind;
      const [endsBlank, endsChar] = after.get(longer) ?? [0, 0];
      after.set(longer, [endsBlank, endsChar + ways * p[kind]]);
    }
  }
  return after;
}

/**
 * Keep at most `width` beginnings, none of them faint beside the best, which becomes 1.
 *
 * @param {CtcBeam} beam
 * @param {number} width
 * @returns {CtcBeam}
 */
function prunedCtcBeam(beam, width) {
  let best = 0;
  for (const [blank, char] of beam.values()) best = Math.max(best, blank + char);
  /** @type {[string, [number, number]][]} */
  const kept = [];
  for (const [text, [blank, char]] of beam) {
    if (blank + char >= CTC_RULES.FAINT * best) kept.push([text, [blank / best, char / best]]);
  }
  return new Map(kept.length <= width ? kept : byShare(kept).slice(0, width));
}

/**
 * @param {[string, [number, number]][]} beginnings
 * @returns {[string, [number, number]][]} the most probable first
 */
function byShare(beginnings) {
  return beginnings.sort(([, a], [, b]) => b[0] + b[1] - (a[0] + a[1]));
}

/**
 * Make one blank of the classes from `keep` on: of marks such as a comma, and the blank.
 *
 * @param {CtcColumns} columns
 * @param {number} keep
 * @returns {CtcColumns} of keep + 1 classes
 */
function mergeIntoBlank({ T, K, logP }, keep) {
  const merged = new Float64Array(T * (keep + 1));
  for (let t = 0; t < T; t++) {
    const own = logP.subarray(t * K, (t + 1) * K);
    merged.set(own.subarray(0, keep), t * (keep + 1));
    merged[t * (keep + 1) + keep] = own.subarray(keep).reduce(logAddExp);
  }
  return { T, K: keep + 1, logP: merged };
}
