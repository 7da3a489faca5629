from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lessonlib import exercises
from lessonlib.checksums import aba_valid

Array = npt.NDArray[Any]


def isbn_sum(number: str) -> int:
    return sum(int(c) for c in number[::2]) + 3 * sum(int(c) for c in number[1::2])


def isbn_digit(number: str) -> str:
    return str((10 - isbn_sum(number) % 10) % 10)


def blind_swaps(first: int, second: int, modulus: int) -> int:
    count = 0
    for a in range(10):
        for b in range(10):
            before, after = first * a + second * b, first * b + second * a
            count += a != b and (before - after) % modulus == 0
    return count


def fill(number: str) -> str:
    ways = (number.replace("?", digit) for digit in "0123456789")
    return next(way for way in ways if aba_valid(way))


def remainders(p: Array, weights: tuple[int, ...], modulus: int) -> Array:
    total = np.zeros(modulus)
    total[0] = 1
    for row, weight in zip(p, weights, strict=True):
        after = np.zeros(modulus)
        for rest in range(modulus):
            for k in range(10):
                after[(rest + weight * k) % modulus] += total[rest] * row[k]
        total = after
    return total


def probability_fits(p: Array, weights: tuple[int, ...], modulus: int) -> float:
    return float(remainders(p, weights, modulus)[0])


SOLUTIONS: dict[str, Callable[..., Any]] = {
    "7.1": isbn_digit,
    "7.2": blind_swaps,
    "7.3": fill,
    "7.4": probability_fits,
}


def most_probable(p: Array, weights: tuple[int, ...], modulus: int) -> float:
    best = np.zeros(modulus)
    best[0] = 1
    for row, weight in zip(p, weights, strict=True):
        best = np.max([row[k] * np.roll(best, weight * k) for k in range(10)], axis=0)
    return float(best[0])


MISTAKES: list[tuple[str, Callable[..., Any], str]] = [
    ("7.1", lambda n: str(10 - isbn_sum(n) % 10), "not 10"),
    ("7.1", lambda n: str(isbn_sum(n) % 10), "missing to the next ten"),
    ("7.1", lambda n: int(isbn_digit(n)), "to be a string"),
    ("7.1", lambda n: isbn_digit(n[1:] + n[0]), "start with 1"),
    ("7.1", lambda n: str(-sum(map(int, n)) % 10), "without their weights"),
    ("7.1", lambda n: "X", "is not 'X'"),
    ("7.2", lambda v, w, m: blind_swaps(v, w, m) // 2, "ordered pairs"),
    ("7.2", lambda v, w, m: blind_swaps(v, w, m) + 10, "two equal digits"),
    ("7.2", lambda v, w, m: 90 - blind_swaps(v, w, m), "are noticed"),
    ("7.2", lambda v, w, m: blind_swaps(v, -w, m), "difference of the weights"),
    ("7.2", lambda v, w, m: [(2, 7)], "one number"),
    ("7.2", lambda v, w, m: 17, "it is not 17"),
    ("7.3", lambda n: fill(n)[n.index("?")], "all nine digits"),
    ("7.3", lambda n: n, "has not"),
    ("7.3", lambda n: n.replace("?", "0"), "does not fit"),
    ("7.3", lambda n: "011000015", "that could be read"),
    ("7.3", lambda n: int(fill(n)), "as a string"),
    ("7.4", remainders, "for each remainder"),
    ("7.4", most_probable, "takes the best"),
    ("7.4", lambda p, w, m: np.log(probability_fits(p, w, m)), "logarithm"),
    ("7.4", lambda p, w, m: probability_fits(p, (1,) * len(w), m), "without their weights"),
    ("7.4", lambda p, w, m: probability_fits(p[::-1], w, m), "backwards"),
    ("7.4", lambda p, w, m: p[:, :2], "one number"),
    ("7.4", lambda p, w, m: 0.1, "it is not 0.1"),
]


@pytest.mark.parametrize(("name", "answer", "message"), MISTAKES)
def test_a_usual_mistake_is_named(name: str, answer: Callable[..., Any], message: str) -> None:
    verdict = exercises.verdict(name, answer)
    assert verdict.startswith(f"{name}: not yet.")
    assert message in verdict
