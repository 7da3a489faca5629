"""The answer checks of chapter 7: checksums.

Each check tries all its inputs before it judges. A mistake is named only where it explains
every result; otherwise the message states a fact about the first result that is wrong.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.checksums import ABA_WEIGHTS, aba_valid
from lessonlib.exercises import Check, Mistake, call
from lessonlib.exercises import number as one_number

Floats = npt.NDArray[np.float64]
Draw = tuple[Floats, tuple[int, ...], int]  # probabilities, weights, modulus

CLOSE = 1e-5  # relative: float32 is close enough


# --------------------------------------------------------------------------- 7.1

BOOKS = (
    *("978030640615", "978316148410", "979109636406", "000000000000", "100000000000"),
    *("010000000000", "000000000001", "978000000003", "978000000002", "314159265358"),
    *("271828182845", "999999999999", "020406080103", "123456789012"),  # some end in 0 already
)


def check_isbn_digit(answer: Any) -> str | None:
    """Exercise 7.1: the last digit of an ISBN-13."""
    results = [_string(call(answer, number), "The digit") for number in BOOKS]
    right = [str(-_isbn_sum(number) % 10) for number in BOOKS]
    wrong = [i for i, got in enumerate(results) if got != right[i]]
    if not wrong:
        return None
    for rule, message in ISBN_MISTAKES:
        if results == [rule(number) for number in BOOKS]:
            return message
    number, got = BOOKS[wrong[0]], results[wrong[0]]
    if len(got) != 1:
        return f"For {number} you return {got!r}, which is not one digit."
    return f"The last digit of {number} is not {got!r}."


def _string(result: Any, what: str) -> str:
    """Return a learner's string; say what was expected where it isn't one."""
    if isinstance(result, str):
        return str(result)
    raise Mistake(f"{what} is to be a string, and yours is of type {type(result).__name__}.")


def _isbn_sum(number: str, weights: tuple[int, int] = (1, 3)) -> int:
    return sum(weights[place % 2] * int(digit) for place, digit in enumerate(number))


ISBN_MISTAKES: list[tuple[Callable[[str], str], str]] = [
    (
        lambda number: str(10 - _isbn_sum(number) % 10),
        "Where the sum ends in 0 already you return 10, which is not one digit.",
    ),
    (
        lambda number: str(_isbn_sum(number) % 10),
        "That is the sum's last digit; asked is what is missing to the next ten.",
    ),
    (
        lambda number: str(-_isbn_sum(number, (3, 1)) % 10),
        "Your first digit counts three times.",
    ),
    (lambda number: str(-_isbn_sum(number, (1, 1)) % 10), "You added the digits unweighted."),
    (
        lambda number: number + str(-_isbn_sum(number) % 10),
        "Return the last digit alone, without the twelve before it.",
    ),
]

# --------------------------------------------------------------------------- 7.2

# Weights that rise and fall, that are 0, equal or large; moduli below 10, above 10, and prime.
SWAPS = (
    *((3, 7, 10), (7, 2, 10), (1, 1, 10), (1, 3, 11), (4, 1, 9), (0, 4, 12), (1, 5, 7)),
    *((6, 0, 8), (2, 5, 6), (9, 1, 16), (40, 3, 97), (5, 5, 97), (1, 2, 2), (8, 5, 3)),
    (23, 1, 11),  # weights that differ by a multiple of the modulus
)


def check_blind_swaps(answer: Any) -> str | None:
    """Exercise 7.2: pairs of digits whose swap goes unnoticed."""
    results = [one_number(call(answer, *swap), "The count of pairs") for swap in SWAPS]
    wrong = [i for i, got in enumerate(results) if got != _blind(*SWAPS[i])]
    if not wrong:
        return None
    for rule, message in SWAP_MISTAKES:
        if results == [rule(*swap) for swap in SWAPS]:
            return message
    first, second, modulus = SWAPS[wrong[0]]
    got = results[wrong[0]]
    return f"For the weights {first} and {second} modulo {modulus} it is not {got:g}."


def _pairs(fits: Callable[[int, int], bool], digits: Sequence[int] = range(10)) -> int:
    return sum(fits(a, b) for a in digits for b in digits if a != b)


def _blind(first: int, second: int, modulus: int) -> int:
    return _pairs(lambda a, b: (first - second) * (a - b) % modulus == 0)


SWAP_MISTAKES: list[tuple[Callable[[int, int, int], float], str]] = [
    (
        lambda v, w, m: _blind(v, w, m) / 2,
        "You have half of them: count ordered pairs, 27 and 72 both.",
    ),
    (
        lambda v, w, m: _blind(v, w, m) + 10,
        "You count pairs of equal digits too, but to swap these is no mistake.",
    ),
    (lambda v, w, m: 90 - _blind(v, w, m), "That is how many swaps are noticed."),
    (
        lambda v, w, m: _blind(v, -w, m),
        "You add the weights; in (7.4) a swap changes the sum by something else.",
    ),
    (lambda v, w, m: _blind(v, w, 10), "You divide by 10, whatever the modulus."),
    (
        lambda v, w, m: _pairs(lambda a, b: (v - w) * (a - b) % m == 0, range(m)),
        "Your digits run up to the modulus, but there are always ten.",
    ),
    (
        lambda v, w, m: _pairs(lambda a, b: (v - w) * (a - b) % m == 0, range(1, 10)),
        "You leave out one of the ten digits.",
    ),
    (
        lambda v, w, m: sum((v - w) * d % m == 0 for d in range(1, 10)),
        "You count differences; several pairs of digits differ by the same.",
    ),
    (
        lambda v, w, m: _pairs(lambda a, b: (v - w) * (a - b) == 0),
        "You ask for a change of 0, but a multiple of the modulus goes unnoticed too.",
    ),
    (
        lambda v, w, m: _pairs(lambda a, b: (v * a + w * b) % m == 0),
        "You count the pairs that fit; asked is which swaps leave the remainder as it was.",
    ),
]

# --------------------------------------------------------------------------- 7.3

# The stain hides each of the ten digits, and is at each place on two or more of them.
STAINED = (
    *("?98259795", "9?7483370", "87?232860", "129?40476", "6669?2515", "27346?689", "958969?59"),
    *("4925899?7", "94411571?", "?62046610", "?90695844", "3?4011980", "36?942056", "526?78695"),
    *("1984?3468", "84850?953", "699205?55", "9470900?3", "74995252?"),
)


def check_fill(answer: Any) -> str | None:
    """Exercise 7.3: the digit under the stain."""
    results = [_string(call(answer, number), "The routing number") for number in STAINED]
    for number, got in zip(STAINED, results, strict=True):
        place = number.index("?")
        if len(got) == 1 and got.isdecimal():
            return "Return all nine digits, not the missing one alone."
        if len(got) != 9 or not (got.isascii() and got.isdecimal()):
            return f"For {number} the answer has nine digits, and {got!r} has not."
        if got[:place] + "?" + got[place + 1 :] != number:
            return f"For {number} you return {got}, which changes digits that could be read."
    bad = [i for i, got in enumerate(results) if not aba_valid(got)]
    if not bad:
        return None
    digits = [got[number.index("?")] for number, got in zip(STAINED, results, strict=True)]
    for rule, message in STAIN_MISTAKES:
        if digits == [str(rule(number) % 10) for number in STAINED]:
            return message
    return f"For {STAINED[bad[0]]} you return {results[bad[0]]}, which doesn't fit (7.3)."


def _known_sum(number: str, weights: Sequence[int] = ABA_WEIGHTS) -> int:
    return sum(w * int(d) for w, d in zip(weights, number, strict=True) if d != "?")


def _weight(number: str) -> int:
    return ABA_WEIGHTS[number.index("?")]


STAIN_MISTAKES: list[tuple[Callable[[str], int], str]] = [
    (
        lambda number: -_known_sum(number),
        "You fill in what is missing to the next ten, but the digit under the stain has a weight.",
    ),
    (lambda number: -_known_sum(number, (1,) * 9), "You add the digits without their weights."),
    (
        lambda number: -_known_sum(number) // _weight(number),
        "You divide by the weight, but modulo 10 a quotient needn't be whole.",
    ),
    (
        lambda number: -_known_sum(number) * _weight(number),
        "You multiply by the weight, which doesn't undo it.",
    ),
]

# --------------------------------------------------------------------------- 7.4


def check_probability_fits(answer: Any) -> str | None:
    """Exercise 7.4: how probable it is that a number drawn at random fits."""
    draws = list(_draws(np.random.default_rng(74)))
    results = [_probability(call(answer, *draw), draw[2]) for draw in draws]
    right = [float(_remainders(*draw)[0]) for draw in draws]
    wrong = [i for i, got in enumerate(results) if not _is_close(got, right[i])]
    if not wrong:
        return None
    for rule, message in FIT_MISTAKES:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = [rule(*draw) for draw in draws]
        if all(_is_close(got, value) for got, value in zip(results, values, strict=True)):
            return message
    (_, weights, modulus), got = draws[wrong[0]], results[wrong[0]]
    return f"For the weights {weights} modulo {modulus} it is not {got:.6g}."


def _draws(rng: np.random.Generator) -> Iterator[Draw]:
    """Draw probabilities for codes of several lengths; some digits are certain or impossible."""
    codes = (
        *(((3, 7, 1), 10), (ABA_WEIGHTS, 10), ((4, 3, 2), 11), ((6,), 7), ((2, 4, 6, 8), 12)),
        *(((5, 0, 13, 27), 9), ((1, 1, 1, 1, 1), 2), ((10, 1, 27, 90, 9, 30), 97)),
    )
    for weights, modulus in codes:
        yield rng.dirichlet(np.full(10, 0.4), size=len(weights)), weights, modulus
    for number in ("301", "312"):  # read without doubt: the first fits, the second doesn't
        yield np.eye(10)[[int(digit) for digit in number]], (3, 7, 1), 10
    either = np.zeros((5, 10))
    either[:, [2, 7]] = 0.99, 0.01
    yield either, (1, 3, 1, 3, 1), 10


def _probability(result: Any, modulus: int) -> float:
    if np.shape(result) == (modulus,):
        raise Mistake(
            "You return a probability for each remainder; asked is that of the remainder 0."
        )
    return one_number(result, "The probability")


def _is_close(got: float, expected: float) -> bool:
    """Compare relative to the size; what can't happen may come out as tiny instead of 0."""
    return bool(np.isclose(got, expected, rtol=CLOSE, atol=1e-12, equal_nan=True))


def _remainders(p: Floats, weights: Sequence[int], modulus: int) -> Floats:
    total = np.eye(1, modulus)[0]
    for row, weight in zip(p, weights, strict=True):
        total = np.sum([row[k] * np.roll(total, weight * k) for k in range(10)], axis=0)
    return np.asarray(total)


def _most_probable(p: Floats, weights: Sequence[int], modulus: int) -> float:
    best = np.eye(1, modulus)[0]
    for row, weight in zip(p, weights, strict=True):
        best = np.max([row[k] * np.roll(best, weight * k) for k in range(10)], axis=0)
    return float(best[0])


def _started_everywhere(p: Floats, weights: Sequence[int], modulus: int) -> float:
    return float(p.sum(axis=1).prod())  # every remainder keeps the 1 that it starts with


def _first_choice(p: Floats, weights: Sequence[int], modulus: int) -> float:
    return float(p.argmax(axis=1) @ np.array(weights) % modulus == 0)


FIT_MISTAKES: list[tuple[Callable[[Floats, Sequence[int], int], float], str]] = [
    (
        _most_probable,
        "That is the most probable number that fits, alone: add where (7.6) takes the best.",
    ),
    (
        lambda p, w, m: float(np.log(_remainders(p, w, m)[0])),
        "That is the logarithm; return the probability.",
    ),
    (
        lambda p, w, m: float(_remainders(p, (1,) * len(w), m)[0]),
        "The digits count without their weights.",
    ),
    (
        lambda p, w, m: float(_remainders(p[::-1], w, m)[0]),
        "Row i of p belongs to weight i; you go through one of them backwards.",
    ),
    (
        lambda p, w, m: float(_remainders(p, w, 10)[0]),
        "You use 10 as the modulus, whatever modulus is given.",
    ),
    (
        lambda p, w, m: float(_remainders(p, w, m)[-1]),
        "That is the probability of the last remainder, not of the remainder 0.",
    ),
    (
        lambda p, w, m: float(1 - _remainders(p, w, m)[0]),
        "That is the probability that the number does not fit.",
    ),
    (_started_everywhere, "You return 1 each time: look again at the values to start with."),
    (_first_choice, "You look at the most probable digits alone."),
    (
        lambda p, w, m: float(np.divide(_most_probable(p, w, m), _remainders(p, w, m)[0])),
        "That is the share (7.7) of the best number among all that fit.",
    ),
]


# In the order of the exercises.
CHECKS: list[Check] = [
    check_isbn_digit,
    check_blind_swaps,
    check_fill,
    check_probability_fits,
]
