"""Check digits, and how to use them in reading.

A rule computes a check digit from the other digits of a number. If a digit was misread, or two were
swapped, the number usually no longer fits its check digit.

Each ``..._valid`` takes a string and says whether it is a complete number of its kind; for any
other string it returns False. Anything but a string raises TypeError, because an int has lost its
leading zeros. Each ``..._digit`` and ``..._digits`` returns the digits that complete a number, and
raises ValueError for a string that can't be completed. Digits are the ten of ASCII: "４"
(full-width) and "٤" (Arabic-Indic) are digits to `str.isdigit`, but not to a bank.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DIGITS = re.compile(r"[0-9]+")

# ----------------------------------------------------------------------------- Luhn (cards)

LUHN_SUMS = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # a digit doubled, and the digits of that added up


def luhn_valid(number: str) -> bool:
    """Check a number that ends in Luhn's check digit, as those of payment cards do.

    See H. P. Luhn, Computer for verifying numbers, US patent 2,950,048, 1960; ISO/IEC 7812-1, annex
    B.
    """
    return _are_digits(number) and len(number) > 1 and luhn_digit(number[:-1]) == number[-1]


def luhn_digit(number: str) -> str:
    """Make Luhn's check digit: from the right, every other digit counts doubled.

    Examples
    --------
    >>> luhn_digit("7992739871")
    '3'
    """
    require_digits(number)
    from_right = [int(digit) for digit in reversed(number)]
    total = sum(LUHN_SUMS[digit] for digit in from_right[::2]) + sum(from_right[1::2])
    return str(-total % 10)


# ----------------------------------------------------------------------------- ABA (US banks)

ABA_WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7, 1)


def aba_valid(number: str) -> bool:
    """Check a routing number, the nine digits that name a bank on a US check.

    This checks only the check digit, not whether a bank has the number. See Apache Commons
    Validator, class ABANumberCheckDigit.
    """
    return ABA.fits(number)


def aba_digit(number: str) -> str:
    """Make the ninth digit of a routing number from the first eight.

    With it, the sum of the digits times 3, 7, 1, 3, ... ends in 0.

    Examples
    --------
    >>> aba_digit("12100035")
    '8'
    """
    require_digits(number)
    if len(number) != 8:
        raise ValueError(f"a routing number has eight digits and a check digit; not {number!r}")
    pairs = zip(ABA_WEIGHTS[:-1], number, strict=True)
    return str(-sum(weight * int(digit) for weight, digit in pairs) % 10)


# ----------------------------------------------------------------------------- IBAN

# How long an account number is in each country that uses IBANs: SWIFT's IBAN registry.
IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
IBAN = re.compile(r"([A-Z]{2})([0-9]{2})([0-9A-Z]+)")
GROUPS_OF_FOUR = re.compile(r"([0-9A-Z]{4} )*[0-9A-Z]{1,4}")


def iban_valid(number: str) -> bool:
    """Check an international bank account number: ISO 13616-1.

    It is written in capital letters and digits without spaces, as computers exchange it, or in
    groups of four with a space between, as it is printed. It isn't valid when the country doesn't
    use IBANs or its numbers have another length (SWIFT, IBAN registry), when the check digits
    aren't 02 to 98, or when number mod 97 is not 1 (ISO/IEC 7064, the system MOD 97-10).
    """
    _require_str(number)
    if " " in number and GROUPS_OF_FOUR.fullmatch(number):
        number = number.replace(" ", "")
    parts = IBAN.fullmatch(number)
    if not parts or IBAN_LENGTHS.get(parts[1]) != len(number):
        return False
    return _mod_97(parts[3] + parts[1] + parts[2]) == 1 and "02" <= parts[2] <= "98"


def iban_digits(country: str, account: str) -> str:
    """Make the two check digits of an international bank account number.

    They stand between the country, two capital letters, and the account. A country that doesn't use
    IBANs, or an account of another length than the country's or of other characters than A-Z and
    0-9, raises a ValueError.

    Examples
    --------
    >>> iban_digits("NO", "86011117947")
    '93'
    """
    if country not in IBAN_LENGTHS:
        raise ValueError(f"no IBANs are known for the country {country!r}")
    length = IBAN_LENGTHS[country] - 4
    if not re.fullmatch(r"[0-9A-Z]+", account) or len(account) != length:
        raise ValueError(f"an account in {country} has {length} of A-Z and 0-9; not {account!r}")
    return f"{98 - _mod_97(account + country + '00'):02d}"


def _mod_97(text: str) -> int:
    """Return the remainder after division by 97, with A as 10, B as 11, ... Z as 35."""
    return int("".join(str(int(character, 36)) for character in text)) % 97


# ----------------------------------------------------------------------------- Damm

# A quasigroup of order ten: each row and each column holds each digit once, and the diagonal is 0.
# Swapping two different neighbours always leads to another row of the table.
DAMM_TABLE = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def damm_valid(number: str) -> bool:
    """Check a number that ends in Damm's check digit.

    It finds every change of one digit and every swap of two neighbours: H. M. Damm, Total
    anti-symmetrische Quasigruppen, dissertation, Marburg, 2004.
    """
    return _are_digits(number) and len(number) > 1 and damm_digit(number[:-1]) == number[-1]


def damm_digit(number: str) -> str:
    """Make Damm's check digit: walk through the table, row after row.

    Examples
    --------
    >>> damm_digit("572")
    '4'
    """
    require_digits(number)
    row = 0
    for digit in number:
        row = DAMM_TABLE[row][int(digit)]
    return str(row)  # the diagonal is 0, so one more step with this digit ends at 0


# ----------------------------------------------------------------------------- decoding a code


@dataclass(frozen=True)
class Code:
    """A code that a number fits when its weighted sum leaves a certain remainder.

    There is one weight for each digit, from left to right. The modulus that the sum is divided by
    is 2 or more, the remainder in 0 to modulus - 1.

    Examples
    --------
    >>> ABA.fits("121000358"), Code(weights=(1, 1), modulus=9).fits("36")
    (True, True)
    """

    weights: tuple[int, ...]
    modulus: int
    remainder: int = 0

    def __post_init__(self) -> None:
        """Check that there is a sum to divide, and a remainder to leave."""
        if not self.weights:
            raise ValueError("a code needs a weight for each digit, and got none")
        if not 0 <= self.remainder < self.modulus or self.modulus < 2:
            raise ValueError(
                f"a modulus is 2 or more and a remainder less than that; "
                f"not {self.modulus} and {self.remainder}"
            )

    def fits(self, number: str) -> bool:
        """Say whether a string is one of the code's numbers, with a digit for each weight."""
        if not _are_digits(number) or len(number) != len(self.weights):
            return False
        pairs = zip(self.weights, number, strict=True)
        return sum(w * int(digit) for w, digit in pairs) % self.modulus == self.remainder


ABA = Code(ABA_WEIGHTS, 10)


@dataclass(frozen=True)
class Decoded:
    """The most probable number that fits a code; empty where none has a probability above 0.

    Its probability, in [0, 1], is that among all numbers that fit. The runner-up is the second most
    probable of them, or empty.
    """

    text: str
    probability: float
    runner_up: str


def decode(probabilities: npt.ArrayLike, code: Code) -> Decoded:
    """Find the most probable number among those that fit a code.

    Dynamic programming over the remainder: among the beginnings of a number that leave the same
    remainder, only the most probable can become the best number. So n digits take n * modulus * 10
    steps, though there are 10^n numbers. We keep two beginnings for each remainder, to find the
    runner-up. Sums over beginnings, in place of the best, give the probability of all numbers that
    fit.

    The probabilities have shape (n, 10), for a code with n weights: row i holds those of the digits
    at place i. A row may sum to any number above 0. Anything else raises a ValueError.

    Examples
    --------
    >>> p = np.zeros((2, 10))
    >>> p[0, [3, 8]] = 0.9, 0.1
    >>> p[1, [4, 5]] = 0.6, 0.4
    >>> decode(p, Code(weights=(1, 1), modulus=2)).text  # 34 is likelier, but its sum is odd
    '35'
    """
    log_p = _log_rows(probabilities, len(code.weights))
    # ways[r]: up to two (log probability, digits) whose weighted sum leaves r, the best first.
    ways: list[list[tuple[float, str]]] = [[(0.0, "")], *([] for _ in range(code.modulus - 1))]
    total = np.full(code.modulus, -np.inf)  # total[r]: of all ways that leave r
    total[0] = 0.0
    for weight, row in zip(code.weights, log_p, strict=True):
        longer: list[list[tuple[float, str]]] = [[] for _ in range(code.modulus)]
        for rest, kept in enumerate(ways):
            for digit in np.flatnonzero(row > -np.inf).tolist():
                after = (rest + weight * digit) % code.modulus
                longer[after] += [(score + row[digit], text + str(digit)) for score, text in kept]
        ways = [sorted(found, key=lambda way: -way[0])[:2] for found in longer]
        moved = [np.roll(total, weight * digit) + row[digit] for digit in range(10)]
        total = np.logaddexp.reduce(moved)
    fitting = ways[code.remainder]
    if not fitting:
        return Decoded("", 0.0, "")
    best, text = fitting[0]
    share = float(np.exp(min(0.0, best - total[code.remainder])))
    return Decoded(text, share, fitting[1][1] if len(fitting) > 1 else "")


def _log_rows(probabilities: npt.ArrayLike, count: int) -> npt.NDArray[np.float64]:
    """Check an array of probabilities, and return its logarithm, with -inf for 0."""
    p = np.asarray(probabilities, dtype=np.float64)
    if p.shape != (count, 10):
        raise ValueError(
            f"probabilities must have the shape ({count}, 10), a row for each weight of the code; "
            f"not {p.shape}"
        )
    if not np.isfinite(p).all() or (p < 0).any() or (p.sum(axis=1) == 0).any():
        raise ValueError("each row needs probabilities: 0 or more, finite, and not all 0")
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p), dtype=np.float64)


def _are_digits(number: str) -> bool:
    """Say whether a string is one or more of the ten ASCII digits."""
    _require_str(number)
    return DIGITS.fullmatch(number) is not None


def _require_str(number: str) -> None:
    """Raise a TypeError for anything but a string."""
    if not isinstance(number, str):
        raise TypeError(f"a number must be a str, to keep its zeros; not {type(number).__name__}")


def require_digits(number: str) -> None:
    """Raise a ValueError for anything but digits."""
    if not _are_digits(number):
        raise ValueError(f"a number has the digits 0 to 9 only, and one at least; not {number!r}")
