// From digits and marks to a number, as in lessonlib.checks.amount.
// The patterns are Python's, in JavaScript's way of writing named groups. A test compares them.

/**
 * @typedef {{value: string | null, note: string, currency: string | null, place: number | null}} FoundAmount
 * `value` is as Python writes a Decimal, "1250.00"; `place` is the decimal separator's in the text
 */

const AMOUNT_MARKS = ".,-/=$₹€£*#x^R ?"; // MARKS

// Whole numbers: digits alone, parted in threes, or as in India, where 1,20,000 is 120000.
const AMOUNT_WHOLE =
  String.raw`(?<whole>\d+` +
  String.raw`|[1-9]\d{0,2}(?<by>[., ])\d{3}(?:\k<by>\d{3})*` +
  String.raw`|[1-9]\d?(?<lakhs>[.,])(?:\d\d\k<lakhs>)+\d{3})`;
// The ways to write an amount. What stands before its first digit and after its last one (currency
// signs, stars, dashes) says nothing about the number, but for a point right before the cents.
const AMOUNT_FORMS = [
  String.raw`(?<![.,])(?<point>[.,])(?<cents>\d\d)`, // .50
  AMOUNT_WHOLE, // 1250, 1.250, 1250.-, 1,20,000/-
  String.raw`${AMOUNT_WHOLE}(?<point>[.,])(?<cents>\d\d)`, // 1,250.00
  String.raw`${AMOUNT_WHOLE}(?<point>[.,]?\^)(?<cents>\d\d)(?: ?/ ?100)?`, // 12^50, 12^50/100
  String.raw`${AMOUNT_WHOLE} ?(?<point>[., -]) ?(?<cents>\d\d) ?/ ?100`, // 12-50/100
  String.raw`${AMOUNT_WHOLE}[.,^ ]*[x-]+ ?/ ?100`, // 12 xx/100
  String.raw`(?<cents>\d\d) ?/ ?100`, // 45/100
];
// Texts that fit a form, but could mean another number, too; each with what to say.
const AMOUNT_DOUBTS = [
  [String.raw`[., ]*[.,][., ]+\d\d`, "several marks before two digits: cents, or dots in front?"],
  [String.raw`R[.,] ?\d\d`, "a point before two digits: of Rs., or before cents?"],
  [String.raw`\^.*\d`, "raised digits with no number before them"],
];
// Why a text fits none of the forms; the first that fits says it.
const AMOUNT_DAY = String.raw`(?:0?[1-9]|[12]\d|3[01])`;
const AMOUNT_FAULTS = [
  [String.raw`${AMOUNT_DAY}(?<by>[/.-])${AMOUNT_DAY}\k<by>(?:\d\d|\d{4})`, "looks like a date"],
  [String.raw`(?:19|20)\d\d(?<by>[/.-])${AMOUNT_DAY}\k<by>${AMOUNT_DAY}`, "looks like a date"],
  [String.raw`\d.*\?.*\d`, "a mark between the digits that can't be told"],
  [String.raw`\d.*[$₹€£R].*\d`, "a currency sign between the digits"],
  [String.raw`[\d., ]*\d ?/ ?100`, "no gap before the last two digits over 100: whole, or cents?"],
  [String.raw`\d.*/.*\d`, "a slash between the digits: a fraction, or a part of a date?"],
  [String.raw`\d.*[-=x*#].*\d`, "a dash or a star between the digits"],
  [String.raw`\d.*[.,^ ][.,^ ].*\d`, "two marks in a row"],
  [String.raw`.*\^\d+`, "raised digits that aren't two"],
  [String.raw`.*[.,]\d`, "one digit after the last mark, where cents have two"],
  [String.raw`\d+(?: \d{3})* \d\d`, "a gap before the last two digits: cents, or part of the number?"],
  [String.raw`0\d*[., ]\d{3}.*`, "a zero before groups of three"],
  [
    String.raw`\d{1,3}(?:[., ]\d{3})+`,
    "different marks between groups of three: thousands, or decimals?",
  ],
];
const AMOUNT_PERHAPS = "perhaps a point before the last two digits"; // one may have been overlooked
const OTHER_AMOUNT_FAULT = "the marks part neither thousands nor two digits for cents";

/**
 * Find the number that a marked text stands for, as "$1,250.00" or "12^50".
 *
 * A text that could mean two numbers has none: a reader that guesses may be wrong a hundredfold.
 *
 * @param {string} marked digits, the characters of `AMOUNT_MARKS`, and spaces
 * @returns {FoundAmount}
 */
function amountOf(marked) {
  const unknown = Array.from(marked).filter((sign) => !`0123456789${AMOUNT_MARKS}`.includes(sign));
  if (unknown.length) {
    throw new Error(`a marked text has digits and "${AMOUNT_MARKS}" only, not "${unknown.join("")}"`);
  }
  const signs = new Set(marked.match(/R\$|[$₹€£]/g));
  const currency = signs.size === 1 ? [...signs][0] : null;
  const doubt = firstFittingAmount(AMOUNT_DOUBTS, marked);
  if (doubt) return { value: null, note: doubt, currency, place: null };
  for (const form of AMOUNT_FORMS) {
    const found = fittingAmount(form, marked);
    if (!found) continue;
    const { whole, cents, point } = found.groups ?? {};
    const units = (whole ?? "0").replace(/[., ]/g, "").replace(/^0+(?=\d)/, "");
    const place = point ? (found.indices?.groups?.point?.[0] ?? null) : null;
    return { value: cents ? `${units}.${cents}` : units, note: "", currency, place };
  }
  const note = /\d/.test(marked) ? firstFittingAmount(AMOUNT_FAULTS, marked) : "no digits";
  return { value: null, note: note || OTHER_AMOUNT_FAULT, currency, place: null };
}

/**
 * Match a marked text, from its first digit or before to its last digit, with a pattern.
 *
 * @param {string} pattern
 * @param {string} marked
 * @returns {RegExpExecArray | null}
 */
function fittingAmount(pattern, marked) {
  return new RegExp(String.raw`^\D*${pattern}\D*$`, "d").exec(marked);
}

/**
 * Say what a table says of the first pattern that fits a marked text; "" if none does.
 *
 * @param {string[][]} table
 * @param {string} marked
 * @returns {string}
 */
function firstFittingAmount(table, marked) {
  return table.find(([pattern]) => fittingAmount(pattern, marked))?.[1] ?? "";
}
