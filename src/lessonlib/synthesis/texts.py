"""What people write into a field: amounts of several countries, dates, and numbers in cells.

A text is one of digits and marks of `forms.SHAPES`, from left to right. One mark is not written:
"^" stands before cents that are raised, so "12^50" is 12 and a small 50. In "xx/100" there are no
cents. `samples.sample_amounts` makes up the amounts of one bank's checks; they are among these.

A share says how often something is written. The shares are guesses: nobody counted how people of
several countries write, and a reader has to learn what is rare, too.
"""

from collections.abc import Callable

import numpy as np

from lessonlib.synthesis.samples import sample_amounts

RAISE = "^"  # what follows is raised

# Each kind of text with its share
SHARES = {
    "sampled": 0.2,
    "american": 0.2,
    "indian": 0.22,
    "european": 0.1,
    "digits": 0.2,
    "date": 0.06,
    "fraction": 0.02,
}

# How large: powers of ten, so that one digit comes as often as six
MAGNITUDES = (0, 6.5)
INDIAN_MAGNITUDES = (2, 9)  # to tens of crores
ROUND_SHARE = 0.4  # of the sums have one or two digits that aren't zeros

# Dollars: {cents} has two digits, {hundredths} is "50/100" or "xx/100"
COMMA_SHARE = 0.6  # of the sums have commas at the thousands
AMERICAN_ENDS = {
    ".{cents}": 0.55,
    "^{cents}": 0.15,
    "^{hundredths}": 0.12,
    "-{hundredths}": 0.03,
    "": 0.1,
    ".": 0.05,
}
AMERICAN_NO_CENTS = 0.5  # of the sums have no cents ...
CENTS_SHARE = 0.6  # ... and of the hundredths have digits on top, the others one of these
NO_CENTS = ("00", "xx", "xx")
DOLLAR_SHARE = 0.7

# Rupees: no cents, and mostly a stroke that ends the amount
INDIAN_ENDS = {"/-": 0.5, "/=": 0.06, "/": 0.02, "": 0.3, ".00": 0.05, "-": 0.03, "=00": 0.04}
INDIAN_GROUPINGS = {"lakhs": 0.55, "thousands": 0.15, "none": 0.3}
RUPEE_SHARE = 0.4

# Euros, pounds and reais
EUROPEAN_ENDS = {
    ",{cents}": 0.55,
    ",-": 0.1,
    ",--": 0.03,
    "": 0.15,
    "^{cents}": 0.12,
    ".-": 0.05,
}
EUROPEAN_NO_CENTS = 0.4
EUROPEAN_SEPARATORS = (".", ".", "")
EUROPEAN_SIGNS = {"€": 0.3, "£": 0.15, "R$": 0.15, "": 0.4}
EURO_BEHIND = 0.5  # of the signs of the euro stand behind the amount

# Stars or dashes around an amount, so that nobody adds a digit
FILLED_BEFORE = {"": 0.92, "*": 0.05, "-": 0.03}
FILLED_BEHIND = {"": 0.88, "*": 0.05, "-": 0.05, "=": 0.02}
MOST_FILLED = 3  # of them in a row

MOST_DIGITS = 12  # of a number that is no amount
ONE_DIGIT_SHARE = 0.2  # of these numbers: a cell alone
DATE_SEPARATORS = {"/": 0.5, "-": 0.25, ".": 0.25}
DATE_ORDERS = {"dmy": 0.6, "mdy": 0.25, "ymd": 0.15}  # day, month, year
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # of each month at most
YEARS = (1900, 2059)
FRACTIONS = {"0": 0.2, "{cents}": 0.6, "xx": 0.2}


def marked_text(rng: np.random.Generator) -> str:
    """Make up one text of digits and marks.

    Returns
    -------
    str
        With a digit at least. Its characters are "^" and those of `forms.SHAPES`.

    Examples
    --------
    >>> rng = np.random.default_rng(5)
    >>> [marked_text(rng) for _ in range(4)]
    ['5629023', '₹---200/-', '46660959', '2']
    """
    return MAKERS[choose(SHARES, rng)](rng)


def sampled(rng: np.random.Generator) -> str:
    """Make up an amount as the samples have it."""
    return sample_amounts(rng, 1)[0]


def american(rng: np.random.Generator) -> str:
    """Make up dollars and cents: with a point, raised, or as hundredths.

    Examples
    --------
    >>> rng = np.random.default_rng(11)
    >>> [american(rng) for _ in range(4)]
    ['$*6.00', '$250.00', '$2,000,000^00/100', '$60']
    """
    whole = f"{number(rng, MAGNITUDES):{',' if rng.random() < COMMA_SHARE else ''}d}"
    cents = two_digits(rng, AMERICAN_NO_CENTS)
    no_cents = str(rng.choice(NO_CENTS))
    top = cents if rng.random() < CENTS_SHARE else no_cents
    sign = "$" if rng.random() < DOLLAR_SHARE else ""
    end = choose(AMERICAN_ENDS, rng).format(cents=cents, hundredths=f"{top}/100")
    return filled(sign, whole + end, rng)


def indian(rng: np.random.Generator) -> str:
    """Make up rupees: grouped by hundreds above the thousands, and mostly ended by a stroke.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> [indian(rng) for _ in range(4)]
    ['3,82,605/-', '700000/-', '₹867', '733095238/-']
    """
    value = number(rng, INDIAN_MAGNITUDES)
    groupings = {"lakhs": lakhs(value), "thousands": f"{value:,d}", "none": str(value)}
    grouped = groupings[choose(INDIAN_GROUPINGS, rng)]
    sign = "₹" if rng.random() < RUPEE_SHARE else ""
    return filled(sign, grouped + choose(INDIAN_ENDS, rng), rng)


def european(rng: np.random.Generator) -> str:
    """Make up an amount with the point at the thousands and the comma before the cents.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> [european(rng) for _ in range(4)]
    ['50,-', '18.763,00', '28.000,00', '€1.017.208,00']
    """
    value = number(rng, MAGNITUDES)
    whole = f"{value:,d}".replace(",", str(rng.choice(EUROPEAN_SEPARATORS)))
    cents = two_digits(rng, EUROPEAN_NO_CENTS)
    text = whole + choose(EUROPEAN_ENDS, rng).format(cents=cents)
    sign = choose(EUROPEAN_SIGNS, rng)
    if sign == "€" and rng.random() < EURO_BEHIND:
        return text + sign
    return filled(sign, text, rng)


def digits(rng: np.random.Generator) -> str:
    """Make up a number that is no amount, as a form has it in its cells: any digits."""
    alone = rng.random() < ONE_DIGIT_SHARE
    count = 1 if alone else int(rng.integers(2, MOST_DIGITS + 1))
    return "".join(map(str, rng.integers(0, 10, count)))


def date(rng: np.random.Generator) -> str:
    """Make up a day, a month and a year in some order, as "7.11.1989" or "11/07/89"."""
    month = int(rng.integers(1, 13))
    day = int(rng.integers(1, DAYS[month - 1] + 1))
    year = int(rng.integers(YEARS[0], YEARS[1] + 1))
    separator = choose(DATE_SEPARATORS, rng)
    two_digits_each, short = rng.random(2) < 0.5
    d, m = (f"{part:02d}" if two_digits_each else str(part) for part in (day, month))
    parts = {"d": d, "m": m, "y": f"{year % 100:02d}" if short else str(year)}
    return separator.join(parts[part] for part in choose(DATE_ORDERS, rng))


def fraction(rng: np.random.Generator) -> str:
    """Make up hundredths alone, as the line of words ends in them."""
    cents = f"{int(rng.integers(100)):02d}"
    return f"{choose(FRACTIONS, rng).format(cents=cents)}/100"


MAKERS: dict[str, Callable[[np.random.Generator], str]] = {
    "sampled": sampled,
    "american": american,
    "indian": indian,
    "european": european,
    "digits": digits,
    "date": date,
    "fraction": fraction,
}


def number(rng: np.random.Generator, magnitudes: tuple[float, float]) -> int:
    """Draw a whole number, 1 at least, between these powers of ten, at times a round one."""
    value = int(10 ** rng.uniform(*magnitudes))
    if rng.random() < ROUND_SHARE:
        value = int(float(f"{value:.{int(rng.integers(1, 3))}g}"))
    return max(1, value)


def two_digits(rng: np.random.Generator, no_cents: float) -> str:
    """Draw cents: a share of them are "00"."""
    return "00" if rng.random() < no_cents else f"{int(rng.integers(100)):02d}"


def lakhs(value: int) -> str:
    """Group a number as in India: three digits at the end, then two at a time.

    Examples
    --------
    >>> lakhs(120000), lakhs(350000000), lakhs(99)
    ('1,20,000', '35,00,00,000', '99')
    """
    rest, end = divmod(value, 1000)
    if not rest:
        return str(value)
    groups = [f"{end:03d}"]
    while rest >= 100:
        rest, group = divmod(rest, 100)
        groups.insert(0, f"{group:02d}")
    return ",".join([str(rest), *groups])


def filled(sign: str, text: str, rng: np.random.Generator) -> str:
    """Put a sign in front, and at times stars or dashes around, as "$***25.00"."""
    before, behind = choose(FILLED_BEFORE, rng), choose(FILLED_BEHIND, rng)
    count = int(rng.integers(1, MOST_FILLED + 1))
    if text[-1] in "-=":  # that is filled already
        behind = ""
    return sign + before * count + text + behind * count


def choose(shares: dict[str, float], rng: np.random.Generator) -> str:
    """Choose one of the keys by chance; the shares are relative."""
    weights = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=weights / weights.sum()))
