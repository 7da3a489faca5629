"""From digits and marks to a number.

A row of digits and marks is written as a text, here called marked: "$1,250.00" or "12^50". One way
of reading gives such a text itself. The other finds digits, and marks that differ only in their
boxes; `marked_text` writes them as a text, as far as the boxes tell. `amount_of` makes the number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median

from lessonlib.checks.candidates import MARK
from lessonlib.checks.image import Box

# "^": the digits after it are raised. "x": as in xx/100. "R": as in R$. "?": a mark, but which?
MARKS = ".,-/=$₹€£*#x^R ?"

# Shares of the digits' height.
SEPARATOR_SIDE = 0.6  # a mark that is higher or wider is no separator
SEPARATOR_MIDDLE = 0.5  # a separator's middle is at most so far above the feet beside it
DASH_ASPECT = 2.0  # a small mark this many times as wide as high is a dash ...
DASH_MIDDLE = 0.2  # ... if its middle is at least so far above the feet: a point may be wide, too
RAISED_FOOT = 0.35  # cents whose feet are at least so far above the foot before them are raised

# Whole numbers: digits alone, parted in threes, or as in India, where 1,20,000 is 120000.
WHOLE = (
    r"(?P<whole>\d+"
    r"|[1-9]\d{0,2}(?P<by>[., ])\d{3}(?:(?P=by)\d{3})*"
    r"|[1-9]\d?(?P<lakhs>[.,])(?:\d\d(?P=lakhs))+\d{3})"
)
# The ways to write an amount. What stands before its first digit and after its last one (currency
# signs, stars, dashes) says nothing about the number, but for a point right before the cents.
FORMS = (
    r"(?<![.,])(?P<point>[.,])(?P<cents>\d\d)",  # .50
    WHOLE,  # 1250, 1.250, 1250.-, 1,20,000/-
    rf"{WHOLE}(?P<point>[.,])(?P<cents>\d\d)",  # 1,250.00
    rf"{WHOLE}(?P<point>[.,]?\^)(?P<cents>\d\d)(?: ?/ ?100)?",  # 12^50, 12^50/100
    rf"{WHOLE} ?(?P<point>[., -]) ?(?P<cents>\d\d) ?/ ?100",  # 12-50/100
    rf"{WHOLE}[.,^ ]*[x-]+ ?/ ?100",  # 12 xx/100
    r"(?P<cents>\d\d) ?/ ?100",  # 45/100
)
# Texts that fit a form, but could mean another number, too; each with what to say.
DOUBTS = (
    (
        r"[., ]*[.,][., ]+\d\d",
        "several marks before two digits: cents, or dots in front?",
    ),
    (r"R[.,] ?\d\d", "a point before two digits: of Rs., or before cents?"),
    (r"\^.*\d", "raised digits with no number before them"),
)
# Why a text fits none of the forms; the first that fits says it.
DAY = r"(?:0?[1-9]|[12]\d|3[01])"
FAULTS = (
    (rf"{DAY}(?P<by>[/.-]){DAY}(?P=by)(?:\d\d|\d{{4}})", "looks like a date"),
    (rf"(?:19|20)\d\d(?P<by>[/.-]){DAY}(?P=by){DAY}", "looks like a date"),
    (r"\d.*\?.*\d", "a mark between the digits that can't be told"),
    (r"\d.*[$₹€£R].*\d", "a currency sign between the digits"),
    (r"[\d., ]*\d ?/ ?100", "no gap before the last two digits over 100: whole, or cents?"),
    (r"\d.*/.*\d", "a slash between the digits: a fraction, or a part of a date?"),
    (r"\d.*[-=x*#].*\d", "a dash or a star between the digits"),
    (r"\d.*[.,^ ][.,^ ].*\d", "two marks in a row"),
    (r".*\^\d+", "raised digits that aren't two"),
    (r".*[.,]\d", "one digit after the last mark, where cents have two"),
    (r"\d+(?: \d{3})* \d\d", "a gap before the last two digits: cents, or part of the number?"),
    (r"0\d*[., ]\d{3}.*", "a zero before groups of three"),
    (r"\d{1,3}(?:[., ]\d{3})+", "different marks between groups of three: thousands, or decimals?"),
)
PERHAPS = "perhaps a point before the last two digits"  # said where one may have been overlooked
OTHER_FAULT = "the marks part neither thousands nor two digits for cents"


@dataclass(frozen=True)
class Amount:
    """The number that a row of digits and marks stands for.

    Attributes
    ----------
    value : Decimal or None
        None where there is no digit, or where two numbers are possible.
    separator : (x, y, w, h) or None
        The box of the decimal separator, where there is one and boxes are known.
    note : str
        Why the value is None; empty where it is not.
    currency : {"$", "₹", "€", "£", "R$"} or None
        The sign, where there is one, and no other.
    place : int or None
        The place of the decimal separator in the marked text.
    """

    value: Decimal | None
    separator: Box | None = None
    note: str = ""
    currency: str | None = None
    place: int | None = None


def amount_of(marked: str) -> Amount:
    """Find the number that a marked text stands for.

    Countries differ in whether a point or a comma parts thousands. But thousands come in threes,
    and cents in twos: "1.250" and "1,250" are both 1250, "1.25" and "1,25" both 1.25. A text that
    could mean two numbers has none: a reader that guesses may be wrong a hundredfold.

    Parameters
    ----------
    marked : str
        Digits, the characters of `MARKS`, and spaces; for others there is a ValueError.

    Examples
    --------
    >>> [str(amount_of(text).value) for text in ("1.250,00", "1,20,000/-", "$12^50", "12 xx/100")]
    ['1250.00', '120000', '12.50', '12']
    >>> amount_of("12.5").note
    'one digit after the last mark, where cents have two'
    """
    if unknown := set(marked) - set("0123456789" + MARKS):
        raise ValueError(
            f'a marked text has digits and "{MARKS}" only, not {"".join(sorted(unknown))!r}'
        )
    signs = set(re.findall(r"R\$|[$₹€£]", marked))
    currency = signs.pop() if len(signs) == 1 else None
    if note := first_fitting(DOUBTS, marked):
        return Amount(None, note=note, currency=currency)
    for form in FORMS:
        if found := fitting(form, marked):
            parts = found.groupdict()
            whole = re.sub("[., ]", "", parts.get("whole") or "0")
            cents = parts.get("cents")
            return Amount(
                Decimal(f"{whole}.{cents}" if cents else whole),
                currency=currency,
                place=found.start("point") if parts.get("point") else None,
            )
    note = first_fitting(FAULTS, marked) if re.search("[0-9]", marked) else "no digits"
    return Amount(None, note=note or OTHER_FAULT, currency=currency)


def fitting(pattern: str, marked: str) -> re.Match[str] | None:
    """Match a marked text, from its first digit or before to its last digit, with a pattern."""
    return re.fullmatch(rf"\D*{pattern}\D*", marked, re.ASCII)


def first_fitting(table: Sequence[tuple[str, str]], marked: str) -> str:
    """Say what a table says of the first pattern that fits a marked text; "" if none does."""
    return next((note for pattern, note in table if fitting(pattern, marked)), "")


def find_amount(kinds: Sequence[int], boxes: Sequence[Box]) -> Amount:
    """Find the number that digits and marks stand for, by their order and their boxes.

    Each kind, 0 to 9 or `MARK`, has a box (x, y, w, h); they come from left to right. Boxes tell
    less of a mark than its ink, so there are more doubts than `amount_of` has.

    Examples
    --------
    >>> boxes = [(0, 0, 20, 40), (25, 35, 5, 8), (35, 0, 20, 40), (60, 0, 20, 40)]
    >>> amount = find_amount([1, MARK, 2, 5], boxes)
    >>> amount.value, amount.separator
    (Decimal('1.25'), (25, 35, 5, 8))
    """
    marked = marked_text(kinds, boxes)
    amount = amount_of(marked)
    if amount.place is None or marked[amount.place] == "^":
        return amount
    if not re.search("[0-9]", marked[: amount.place]):  # such a mark is often a crumb of a sign
        return Amount(None, note="a small mark before two digits: cents, or a part of a sign?")
    return replace(amount, separator=boxes[amount.place])


def marked_text(kinds: Sequence[int], boxes: Sequence[Box]) -> str:
    """Write digits and marks as a marked text, as far as their boxes tell the marks.

    A small mark near the feet of the digits is a point or a comma, both "."; a small or flat one
    above is a dash. The last two digits get a "^" in front where they are raised. All other marks
    are "?". Each kind has a box (x, y, w, h); they come from left to right.

    Examples
    --------
    >>> digit, comma, raised = (0, 0, 20, 40), (25, 35, 5, 12), (0, 0, 15, 24)
    >>> marked_text([1, MARK, 2, 5, 0], [digit, comma, digit, digit, digit])
    '1.250'
    >>> marked_text([1, 2, 5, 0], [digit, digit, raised, raised])
    '12^50'
    """
    places = [place for place, kind in enumerate(kinds) if kind != MARK]
    if not places:
        return "?" * len(kinds)
    height = median(boxes[place][3] for place in places)
    feet = [boxes[place][1] + boxes[place][3] for place in places]
    characters = []
    for place, kind in enumerate(kinds):
        if kind != MARK:
            characters.append(str(kind))
        else:
            before = sum(other < place for other in places)
            beside = feet[max(0, before - 1) : before + 1]
            characters.append(mark_of(boxes[place], sum(beside) / len(beside), height))
    *_, foot, first, second = [feet[0]] * 3 + feet
    if len(feet) > 2 and foot - max(first, second) >= RAISED_FOOT * height:
        characters.insert(places[-2], "^")
    return "".join(characters)


def mark_of(box: Box, foot: float, height: float) -> str:
    """Tell a mark by its box, the digits' feet beside it and their height: ".", "-" or "?"."""
    _, y, width, own_height = box
    middle = (foot - y - own_height / 2) / height  # above the feet
    if max(width, own_height) > SEPARATOR_SIDE * height or middle > SEPARATOR_MIDDLE:
        return "?"
    if width >= DASH_ASPECT * own_height and middle >= DASH_MIDDLE:
        return "-"
    return "."
