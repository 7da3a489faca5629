"""Checks on checksums: an ISBN's digit, swaps that go unnoticed, a stain, a sum over all that fit.

Each check tries all its inputs before it judges. A mistake is named only where it explains
every result; otherwise the message states a fact about the first result that is wrong.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import eq
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.checksums import ABA_WEIGHTS, aba_valid
from lessonlib.exercises import Check, call, new_rng
from lessonlib.exercises.answers import Mistake, Named, number, usual_mistake

Floats = npt.NDArray[np.float64]
Draw = tuple[Floats, tuple[int, ...], int]  # probabilities, weights, modulus


# ---------------------------------------------------------------- a book's last digit

BOOKS = (
    *("978030640615", "978316148410", "979109636406", "000000000000", "100000000000"),
    *("010000000000", "000000000001", "978000000003", "978000000002", "314159265358"),
    *("271828182845", "999999999999", "020406080103", "123456789012"),  # some end in 0 already
)


def check_isbn_digit(answer: Any) -> str | None:
    """Compare with the last digit of ISBN-13s."""
    rng = new_rng(71)
    books = [*BOOKS, *(_digits(rng, 12) for _ in range(6))]
    cases = [(book,) for book in books]
    results = [_string(call(answer, book), "The digit") for book in books]
    for got, book in zip(results, books, strict=True):
        if got != _isbn_digit(book):
            return usual_mistake(results, cases, ISBN_MISTAKES, eq) or _isbn_problem(got, book)
    return None


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def _string(result: Any, what: str) -> str:
    """Return a learner's string; say what was expected where it isn't one."""
    if isinstance(result, str):
        return str(result)
    raise Mistake(f"{what} is to be a string, and yours is of type {type(result).__name__}.")


def _isbn_sum(book: str, weights: tuple[int, int] = (1, 3)) -> int:
    return sum(weights[place % 2] * int(digit) for place, digit in enumerate(book))


def _isbn_digit(book: str, weights: tuple[int, int] = (1, 3)) -> str:
    return str(-_isbn_sum(book, weights) % 10)


ISBN_MISTAKES: list[Named] = [
    (
        lambda book: str(10 - _isbn_sum(book) % 10),
        "Where the sum ends in 0 already you return 10, which is not one digit.",
    ),
    (
        lambda book: str(_isbn_sum(book) % 10),
        "That is the sum's last digit; asked is what is missing to the next ten.",
    ),
    (lambda book: _isbn_digit(book, (3, 1)), "Your first digit counts three times."),
    (lambda book: _isbn_digit(book, (1, 1)), "You added the digits unweighted."),
    (
        lambda book: book + _isbn_digit(book),
        "Return the last digit alone, without the twelve before it.",
    ),
]


def _isbn_problem(got: str, book: str) -> str:
    if len(got) != 1:
        return f"For {book} you return {got!r}, which is not one digit."
    return f"The last digit of {book} is not {got!r}."


# ---------------------------------------------------------------- swaps that go unnoticed

# Weights that rise and fall, that are 0, equal or large; moduli below 10, above 10, and prime.
SWAPS = (
    *((3, 7, 10), (7, 2, 10), (1, 1, 10), (1, 3, 11), (4, 1, 9), (0, 4, 12), (1, 5, 7)),
    *((6, 0, 8), (2, 5, 6), (9, 1, 16), (40, 3, 97), (5, 5, 97), (1, 2, 2), (8, 5, 3)),
    (23, 1, 11),  # weights that differ by a multiple of the modulus
)


def check_blind_swaps(answer: Any) -> str | None:
    """Compare with the number of pairs of digits for which (N.4) is a multiple of the modulus."""
    swaps = [*SWAPS, *_swaps(new_rng(72))]
    results = [number(call(answer, *swap), "The count of pairs") for swap in swaps]
    for got, swap in zip(results, swaps, strict=True):
        if got != _blind(*swap):
            first, second, modulus = swap
            return usual_mistake(results, swaps, SWAP_MISTAKES, eq) or (
                f"For the weights {first} and {second} modulo {modulus} it is not {got:g}."
            )
    return None


def _swaps(rng: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    """Draw weights and moduli; few of the counts are 0, as they are for large moduli."""
    for _ in range(8):
        first, second, modulus = rng.integers((0, 0, 2), (40, 40, 13)).tolist()
        yield first, second, modulus


def _pairs(fits: Callable[[int, int], bool], digits: Sequence[int] = range(10)) -> int:
    return sum(fits(a, b) for a in digits for b in digits if a != b)


def _blind(first: int, second: int, modulus: int) -> int:
    return _pairs(lambda a, b: (first - second) * (a - b) % modulus == 0)


SWAP_MISTAKES: list[Named] = [
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
        "You add the weights; in (N.4) a swap changes the sum by something else.",
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


# ---------------------------------------------------------------- the digit under a stain

# The stain hides each of the ten digits, and is at each place on two or more of them.
STAINED = (
    *("?98259795", "9?7483370", "87?232860", "129?40476", "6669?2515", "27346?689", "958969?59"),
    *("4925899?7", "94411571?", "?62046610", "?90695844", "3?4011980", "36?942056", "526?78695"),
    *("1984?3468", "84850?953", "699205?55", "9470900?3", "74995252?"),
)


def check_fill(answer: Any) -> str | None:
    """Ask for the digit under a stain, the only one that fits (N.3)."""
    numbers = [*STAINED, *_stained(new_rng(73))]
    results = [_string(call(answer, stained), "The routing number") for stained in numbers]
    for got, stained in zip(results, numbers, strict=True):
        place = stained.index("?")
        if len(got) == 1 and got.isdecimal():
            return "Return all nine digits, not the missing one alone."
        if len(got) != 9 or not (got.isascii() and got.isdecimal()):
            return f"For {stained} the answer has nine digits, and {got!r} has not."
        if got[:place] + "?" + got[place + 1 :] != stained:
            return f"For {stained} you return {got}, which changes digits that could be read."
    for got, stained in zip(results, numbers, strict=True):
        if not aba_valid(got):
            cases = [(stained,) for stained in numbers]
            return usual_mistake(results, cases, STAIN_MISTAKES, eq) or (
                f"For {stained} you return {got}, which doesn't fit (N.3)."
            )
    return None


def _stained(rng: np.random.Generator) -> Iterator[str]:
    """Draw digits and a place to hide: whatever eight are left, one digit fits."""
    for _ in range(6):
        digits, place = _digits(rng, 9), rng.integers(9)
        yield digits[:place] + "?" + digits[place + 1 :]


def _filled(digit: Callable[[str], int]) -> Callable[[str], str]:
    """Make the mistake that fills in another digit, the last one of this number."""
    return lambda stained: stained.replace("?", str(digit(stained) % 10))


def _known_sum(stained: str, weights: Sequence[int] = ABA_WEIGHTS) -> int:
    return sum(w * int(d) for w, d in zip(weights, stained, strict=True) if d != "?")


def _weight(stained: str) -> int:
    return ABA_WEIGHTS[stained.index("?")]


STAIN_MISTAKES: list[Named] = [
    (
        _filled(lambda stained: -_known_sum(stained)),
        "You fill in what is missing to the next ten, but the digit under the stain has a weight.",
    ),
    (
        _filled(lambda stained: -_known_sum(stained, (1,) * 9)),
        "You add the digits without their weights.",
    ),
    (
        _filled(lambda stained: -_known_sum(stained) // _weight(stained)),
        "You divide by the weight, but modulo 10 a quotient needn't be whole.",
    ),
    (
        _filled(lambda stained: -_known_sum(stained) * _weight(stained)),
        "You multiply by the weight, which doesn't undo it.",
    ),
]


# ---------------------------------------------------------------- the sum over all that fit


def check_probability_fits(answer: Any) -> str | None:
    """Compare with the sum of the probabilities of all numbers that fit."""
    draws = list(_draws(new_rng(74)))
    results = [_probability(call(answer, *draw), draw[2]) for draw in draws]
    for got, draw in zip(results, draws, strict=True):
        if not _same_probability(got, _fits(*draw)):
            _, weights, modulus = draw
            return usual_mistake(results, draws, FIT_MISTAKES, _same_probability) or (
                f"For the weights {weights} modulo {modulus} it is not {got:.6g}."
            )
    return None


def _draws(rng: np.random.Generator) -> Iterator[Draw]:
    """Draw probabilities for codes of several lengths; some digits are certain or impossible."""
    codes = (
        *(((3, 7, 1), 10), (ABA_WEIGHTS, 10), ((4, 3, 2), 11), ((6,), 7), ((2, 4, 6, 8), 12)),
        *(((5, 0, 13, 27), 9), ((1, 1, 1, 1, 1), 2), ((10, 1, 27, 90, 9, 30), 97)),
    )
    for weights, modulus in codes:
        yield rng.dirichlet(np.full(10, 0.4), size=len(weights)), weights, modulus
    for digits in ([3, 0, 1], [3, 1, 2]):  # read without doubt: the first fit, the second don't
        yield np.eye(10)[digits], (3, 7, 1), 10
    either = np.zeros((5, 10))
    either[:, [2, 7]] = 0.99, 0.01
    yield either, (1, 3, 1, 3, 1), 10


def _probability(result: Any, modulus: int) -> float:
    if np.shape(result) == (modulus,):
        raise Mistake(
            "You return a probability for each remainder; asked is that of the remainder 0."
        )
    return number(result, "The probability")


def _same_probability(got: float, wanted: float) -> bool:
    """Compare to the digits of a float32; what can't happen may come out as tiny instead of 0."""
    return bool(np.isclose(got, wanted, rtol=1e-5, atol=1e-12, equal_nan=True))


def _by_remainder(
    p: Floats, weights: Sequence[int], modulus: int, over_digits: Callable[..., Any] = np.sum
) -> Floats:
    """Fill the table of (N.6) with probabilities; add over the digits, or take another choice."""
    table: Floats = np.eye(1, modulus)[0]
    for row, weight in zip(p, weights, strict=True):
        table = over_digits([row[k] * np.roll(table, weight * k) for k in range(10)], axis=0)
    return table


def _fits(p: Floats, weights: Sequence[int], modulus: int) -> Any:
    return _by_remainder(p, weights, modulus)[0]


def _most_probable(p: Floats, weights: Sequence[int], modulus: int) -> Any:
    return _by_remainder(p, weights, modulus, np.max)[0]


FIT_MISTAKES: list[Named] = [
    (
        _most_probable,
        "That is the most probable number that fits, alone: add where (N.6) takes the best.",
    ),
    (lambda p, w, m: np.log(_fits(p, w, m)), "That is the logarithm; return the probability."),
    (lambda p, w, m: _fits(p, (1,) * len(w), m), "The digits count without their weights."),
    (
        lambda p, w, m: _fits(p[::-1], w, m),
        "Row i of p belongs to weight i; you go through one of them backwards.",
    ),
    (
        lambda p, w, m: _fits(p, w, 10),
        "You use 10 as the modulus, whatever modulus is given.",
    ),
    (
        lambda p, w, m: _by_remainder(p, w, m)[-1],
        "That is the probability of the last remainder, not of the remainder 0.",
    ),
    (
        lambda p, w, m: 1 - _fits(p, w, m),
        "That is the probability that the number does not fit.",
    ),
    (
        lambda p, w, m: 1.0,  # every remainder keeps the 1 that it starts with
        "You return 1 each time: look again at the values to start with.",
    ),
    (
        lambda p, w, m: p.argmax(axis=1) @ np.array(w) % m == 0,
        "You look at the most probable digits alone.",
    ),
    (
        lambda p, w, m: _most_probable(p, w, m) / _fits(p, w, m),
        "That is the share (N.7) of the best number among all that fit.",
    ),
]


# In the order of the exercises.
CHECKS: list[Check] = [
    check_isbn_digit,
    check_blind_swaps,
    check_fill,
    check_probability_fits,
]
