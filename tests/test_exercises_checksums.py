"""Answers to the exercises on checksums; test_exercises.py tries them."""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lessonlib.checksums import ABA_WEIGHTS, aba_valid
from lessonlib.exercises.checksums import BOOKS, STAINED, SWAP_MISTAKES, SWAPS

Array = npt.NDArray[Any]
Answer = Callable[..., Any]
Weights = tuple[int, ...]

# ----------------------------------------------------------------------------- right answers


def isbn_sum(number: str) -> int:
    return sum(int(c) for c in number[::2]) + 3 * sum(int(c) for c in number[1::2])


def isbn_digit(number: str) -> str:
    return str((10 - isbn_sum(number) % 10) % 10)


def isbn_by_trying(number: str) -> str:
    for digit in "0123456789":
        if isbn_sum(number + digit) % 10 == 0:
            return digit
    raise AssertionError


def isbn_by_arrays(number: str) -> Any:
    total = np.array(list(number), dtype=int) @ np.tile([1, 3], 6)
    return np.array(list("0987654321"))[total % 10]


def blind_swaps(first: int, second: int, modulus: int) -> int:
    count = 0
    for a in range(10):
        for b in range(10):
            before, after = first * a + second * b, first * b + second * a
            count += a != b and (before - after) % modulus == 0
    return count


def swaps_by_arrays(first: int, second: int, modulus: int) -> Any:
    a, b = np.indices((10, 10))
    return (((first - second) * (a - b) % modulus == 0) & (a != b)).sum()


def swaps_by_differences(first: int, second: int, modulus: int) -> float:
    step = modulus // math.gcd(first - second, modulus)
    return sum(2.0 * (10 - d) for d in range(step, 10, step))


def swaps_by_torch(first: int, second: int, modulus: int) -> Any:
    digits = torch.arange(10)
    sums = (first * digits[:, None] + second * digits) % modulus
    return (sums == sums.T).sum() - 10


def fill(number: str) -> str:
    ways = (number.replace("?", digit) for digit in "0123456789")
    return next(way for way in ways if aba_valid(way))


def fill_by_inverse(number: str) -> str:
    place = number.index("?")
    inverse = {3: 7, 7: 3, 1: 1}[ABA_WEIGHTS[place]]
    known = sum(w * int(d) for w, d in zip(ABA_WEIGHTS, number, strict=True) if d != "?")
    return number[:place] + str(-known * inverse % 10) + number[place + 1 :]


def fill_by_arrays(number: str) -> Any:
    ways = np.array([list(number.replace("?", str(k))) for k in range(10)], dtype=int)
    (row,) = np.flatnonzero(ways @ ABA_WEIGHTS % 10 == 0)
    return np.str_("".join(map(str, ways[row])))


def remainders(p: Array, weights: Weights, modulus: int) -> Array:
    total = np.zeros(modulus)
    total[0] = 1
    for row, weight in zip(p, weights, strict=True):
        after = np.zeros(modulus)
        for rest in range(modulus):
            for k in range(10):
                after[(rest + weight * k) % modulus] += total[rest] * row[k]
        total = after
    return total


def probability_fits(p: Array, weights: Weights, modulus: int) -> float:
    return float(remainders(p, weights, modulus)[0])


def fits_by_waves(p: Array, weights: Weights, modulus: int) -> float:
    angles = 2j * np.pi * np.outer(np.arange(modulus), np.arange(10)) / modulus
    factors = [np.exp(angles * w) @ row for row, w in zip(p, weights, strict=True)]
    return float(np.prod(factors, axis=0).mean().real)


def fits_by_recursion(p: Array, weights: Weights, modulus: int) -> float:
    known: dict[tuple[int, int], float] = {}

    def ends(i: int, rest: int) -> float:
        if i == len(p):
            return float(rest == 0)
        if (i, rest) not in known:
            parts = (p[i][k] * ends(i + 1, (rest + weights[i] * k) % modulus) for k in range(10))
            known[i, rest] = sum(parts)
        return known[i, rest]

    return ends(0, 0)


def fits_in_single_precision(p: Array, weights: Weights, modulus: int) -> Any:
    total = torch.zeros(modulus, dtype=torch.float32)
    total[0] = 1
    for row, weight in zip(torch.tensor(p).float(), weights, strict=True):
        rolled = torch.stack([total.roll(weight * k) for k in range(10)])
        total = row @ rolled
    return total[0]


def fits_by_two_halves(p: Array, weights: Weights, modulus: int) -> float:
    def listed(p: Array, weights: Weights) -> dict[int, float]:
        found: dict[int, float] = {}
        for digits in product(range(10), repeat=len(weights)):
            chance = float(np.prod([row[k] for row, k in zip(p, digits, strict=True)]))
            rest = sum(w * k for w, k in zip(weights, digits, strict=True)) % modulus
            found[rest] = found.get(rest, 0) + chance
        return found

    cut = len(weights) // 2
    left, right = listed(p[:cut], weights[:cut]), listed(p[cut:], weights[cut:])
    return sum(chance * right.get(-rest % modulus, 0) for rest, chance in left.items())


SOLUTIONS: dict[int, Answer] = {
    1: isbn_digit,
    2: blind_swaps,
    3: fill,
    4: probability_fits,
}
RIGHT: list[tuple[int, Answer]] = [
    (1, isbn_by_trying),
    (1, isbn_by_arrays),
    (1, lambda number: str(-isbn_sum(number) % 10)),
    (2, swaps_by_arrays),
    (2, swaps_by_differences),
    (2, swaps_by_torch),
    (3, fill_by_inverse),
    (3, fill_by_arrays),
    (4, fits_by_waves),
    (4, fits_by_recursion),
    (4, fits_in_single_precision),
    (4, fits_by_two_halves),
    (4, lambda p, w, m: probability_fits(p, tuple(-weight % m for weight in w), m)),
]

# ----------------------------------------------------------------------------- wrong answers


def isbn_of_an_int(number: str) -> str:
    return isbn_digit(str(int(number)))


def nine_trials(number: str) -> str | None:
    for digit in "123456789":
        if isbn_sum(number + digit) % 10 == 0:
            return digit
    return None


def luhn_like(number: str) -> str:
    counted = [int(d) * (1, 3)[i % 2] for i, d in enumerate(number)]
    return str(-sum(n // 10 + n % 10 for n in counted) % 10)


def first_three_times(number: str) -> str:
    return str(-(isbn_sum(number) + 2 * int(number[0])) % 10)


def unordered(first: int, second: int, modulus: int) -> int:
    pairs = [(a, b) for a in range(10) for b in range(a)]
    return sum((first - second) * (a - b) % modulus == 0 for a, b in pairs)


def with_equal_digits(first: int, second: int, modulus: int) -> int:
    pairs = product(range(10), repeat=2)
    return sum((first - second) * (a - b) % modulus == 0 for a, b in pairs)


def pairs_where(test: Callable[[int, int, int, int, int], bool], digits: Any = range(10)) -> Answer:
    def answer(first: int, second: int, modulus: int) -> int:
        pairs = [(a, b) for a in digits for b in digits if a != b]
        return sum(test(first, second, modulus, a, b) for a, b in pairs)

    return answer


def up_to_the_modulus(first: int, second: int, modulus: int) -> int:
    pairs = [(a, b) for a in range(modulus) for b in range(modulus) if a != b]
    return sum((first - second) * (a - b) % modulus == 0 for a, b in pairs)


def filled(digit_for: Callable[[str], int]) -> Answer:
    return lambda number: number.replace("?", str(digit_for(number) % 10))


def known_sum(number: str, weights: Weights = ABA_WEIGHTS) -> int:
    return sum(w * int(d) for w, d in zip(weights, number, strict=True) if d != "?")


def weight_of(number: str) -> int:
    return ABA_WEIGHTS[number.index("?")]


def not_beyond_eight(number: str) -> str | None:
    for digit in range(9):
        if aba_valid(number.replace("?", str(digit))):
            return number.replace("?", str(digit))
    return None


def not_below_one(number: str) -> str | None:
    for digit in range(1, 10):
        if aba_valid(number.replace("?", str(digit))):
            return number.replace("?", str(digit))
    return None


def shifted(number: str) -> str:
    """Leave the stain out, so that the digits after it get other weights."""
    return number.replace("?", "") + "?"


def ten_for_nothing(number: str) -> str:
    return number.replace("?", str(10 - known_sum(number) % 10))


def most_probable(p: Array, weights: Weights, modulus: int) -> float:
    best = np.zeros(modulus)
    best[0] = 1
    for row, weight in zip(p, weights, strict=True):
        best = np.max([row[k] * np.roll(best, weight * k) for k in range(10)], axis=0)
    return float(best[0])


def share_of_the_best(p: Array, weights: Weights, modulus: int) -> Any:
    return np.divide(most_probable(p, weights, modulus), remainders(p, weights, modulus)[0])


def from_everywhere(p: Array, weights: Weights, modulus: int) -> float:
    total = np.ones(modulus)
    for row, weight in zip(p, weights, strict=True):
        total = np.sum([row[k] * np.roll(total, weight * k) for k in range(10)], axis=0)
    return float(total[0])


def never_reset(p: Array, weights: Weights, modulus: int) -> float:
    total = np.zeros(modulus)
    total[0] = 1
    for row, weight in zip(p, weights, strict=True):
        total = total + sum(row[k] * np.roll(total, weight * k) for k in range(10))
    return float(total[0])


def rolled_within_the_loop(p: Array, weights: Weights, modulus: int) -> float:
    total = np.zeros(modulus)
    total[0] = 1
    for row, weight in zip(p, weights, strict=True):
        for k in range(10):
            total = total + row[k] * np.roll(total, weight * k)
    return float(total[0])


def multiplied(p: Array, weights: Weights, modulus: int) -> float:
    total = np.zeros(modulus)
    total[0] = 1
    for row, weight in zip(p, weights, strict=True):
        total = np.prod([row[k] * np.roll(total, weight * k) for k in range(10)], axis=0)
    return float(total[0])


def one_place_short(p: Array, weights: Weights, modulus: int) -> float:
    return probability_fits(p[1:], weights[1:], modulus)


def written_over(p: Array, weights: Weights, modulus: int) -> Any:
    total = np.eye(1, modulus)[0]
    for row, weight in zip(p, weights, strict=True):
        after = np.zeros(modulus)
        for rest, k in product(range(modulus), range(10)):
            after[(rest + weight * k) % modulus] = total[rest] * row[k]  # not +=
        total = after
    return total[0]


def added_by_index(p: Array, weights: Weights, modulus: int) -> Any:
    total = np.eye(1, modulus)[0]
    for row, weight in zip(p, weights, strict=True):
        after = np.zeros(modulus)
        for rest in range(modulus):  # an index that comes twice is added to once
            after[(rest + weight * np.arange(10)) % modulus] += total[rest] * row
        total = after
    return total[0]


def by_chance(p: Array, weights: Weights, modulus: int) -> float:
    rng = np.random.default_rng(0)
    digits = np.stack([rng.choice(10, 2000, p=row) for row in p], axis=1)
    return float((digits @ np.array(weights) % modulus == 0).mean())


def nine_digits_alone(p: Array, weights: Weights, modulus: int) -> float:
    total = np.zeros(modulus)
    total[0] = 1
    for row, weight in zip(p, weights, strict=True):
        total = np.sum([row[k] * np.roll(total, weight * k) for k in range(9)], axis=0)
    return float(total[0])


MISTAKES: list[tuple[int, Answer, str]] = [
    (1, lambda n: str(10 - isbn_sum(n) % 10), "ends in 0 already"),
    (1, lambda n: str(isbn_sum(n) % 10), "missing to the next ten"),
    (1, lambda n: int(isbn_digit(n)), "to be a string"),
    (1, lambda n: [isbn_digit(n)], "to be a string"),
    (1, lambda n: isbn_digit(n[1:] + n[0]), "first digit counts three"),
    (1, lambda n: str(-sum(map(int, n)) % 10), "unweighted"),
    (1, lambda n: n + isbn_digit(n), "last digit alone"),
    (1, lambda n: str(-isbn_sum(n)), "not one digit"),
    (1, lambda n: "X", "is not 'X'"),
    (1, lambda n: str(10 - isbn_sum(n) % 10)[0], "is not '1'"),
    (1, nine_trials, "returns nothing"),
    (1, isbn_of_an_int, ""),
    (1, luhn_like, ""),
    (1, first_three_times, ""),
    (1, lambda n: str(-isbn_sum(n) % 11)[-1], ""),
    (1, lambda n: str(-isbn_sum(n[:-1]) % 10), ""),
    (2, unordered, "ordered pairs"),
    (2, with_equal_digits, "equal digits"),
    (2, lambda v, w, m: 90 - blind_swaps(v, w, m), "are noticed"),
    (2, lambda v, w, m: blind_swaps(v, -w, m), "add the weights"),
    (2, lambda v, w, m: blind_swaps(v, w, 10), "whatever the modulus"),
    (2, up_to_the_modulus, "up to the modulus"),
    (
        2,
        pairs_where(lambda v, w, m, a, b: (v - w) * (a - b) % m == 0, range(1, 10)),
        "one of the ten digits",
    ),
    (
        2,
        pairs_where(lambda v, w, m, a, b: (v - w) * (a - b) % m == 0, range(9)),
        "one of the ten digits",
    ),
    (2, lambda v, w, m: sum((v - w) * d % m == 0 for d in range(1, 10)), "count differences"),
    (2, pairs_where(lambda v, w, m, a, b: v * a + w * b == v * b + w * a), "a change of 0"),
    (2, pairs_where(lambda v, w, m, a, b: (v * a + w * b) % m == 0), "pairs that fit"),
    (2, lambda v, w, m: [(2, 7)], "single number"),
    (2, lambda v, w, m: 17, "it is not 17"),
    (2, pairs_where(lambda v, w, m, a, b: v % m == w % m), ""),
    (2, pairs_where(lambda v, w, m, a, b: (a - b) % m == 0), ""),
    (2, pairs_where(lambda v, w, m, a, b: (v - w) % m == 0 or abs(a - b) == 5), ""),
    (2, lambda v, w, m: blind_swaps(v % 10, w % 10, m), "weights 23 and 1 modulo 11"),
    (2, pairs_where(lambda v, w, m, a, b: abs((v - w) * (a - b)) in (0, m)), ""),
    (2, lambda v, w, m: 0 if v == w else blind_swaps(v, w, m), "1 and 1 modulo 10"),
    (2, lambda v, w, m: 2 * (10 - m // math.gcd(v - w, m)), ""),
    (2, pairs_where(lambda v, w, m, a, b: v * w * (a - b) % m == 0), ""),
    (3, lambda n: fill(n)[n.index("?")], "all nine digits"),
    (3, lambda n: n, "has not"),
    (3, ten_for_nothing, "has not"),
    (3, lambda n: n.replace("?", "0"), "doesn't fit (N.3)"),
    (3, lambda n: "011000015", "that could be read"),
    (3, lambda n: int(fill(n)), "The routing number is to be a string"),
    (3, not_below_one, "returns nothing"),
    (3, filled(lambda n: -known_sum(shifted(n))), ""),
    (3, lambda n: n.replace("?", str(round((10 - known_sum(n) % 10) / weight_of(n)))), ""),
    (3, lambda n: list(fill(n)), "to be a string"),
    (3, not_beyond_eight, "returns nothing"),
    (3, filled(lambda n: -known_sum(n)), "has a weight"),
    (3, filled(lambda n: -known_sum(n, (1,) * 9)), "without their weights"),
    (3, filled(lambda n: -known_sum(n) // weight_of(n)), "needn't be whole"),
    (3, filled(lambda n: -known_sum(n) * weight_of(n)), "doesn't undo it"),
    (3, filled(known_sum), ""),
    (3, filled(lambda n: -known_sum(n, (7, 3, 1) * 3)), ""),
    (3, filled(lambda n: -known_sum(n, (1, 7, 3) * 3)), ""),
    (3, filled(lambda n: -known_sum(n) % 11), ""),
    (3, lambda n: fill(n).lstrip("0"), "has not"),
    (4, remainders, "for each remainder"),
    (4, most_probable, "takes the best"),
    (4, lambda p, w, m: np.log(probability_fits(p, w, m)), "logarithm"),
    (4, lambda p, w, m: probability_fits(p, (1,) * len(w), m), "without their weights"),
    (4, lambda p, w, m: probability_fits(p[::-1], w, m), "backwards"),
    (4, lambda p, w, m: probability_fits(p, w, 10), "whatever modulus"),
    (4, lambda p, w, m: remainders(p, w, m)[m - 1], "last remainder"),
    (4, lambda p, w, m: 1 - probability_fits(p, w, m), "does not fit"),
    (4, from_everywhere, "to start with"),
    (4, lambda p, w, m: float(p.argmax(1) @ np.array(w) % m == 0), "digits alone"),
    (4, share_of_the_best, "the share"),
    (4, lambda p, w, m: p[:, :2], "single number"),
    (4, lambda p, w, m: 0.1, "it is not 0.1"),
    (4, lambda p, w, m: 1 / m, ""),
    (4, never_reset, ""),
    (4, rolled_within_the_loop, ""),
    (4, multiplied, ""),
    (4, one_place_short, ""),
    (4, written_over, ""),
    (4, added_by_index, "modulo 7"),
    (4, lambda p, w, m: round(probability_fits(p, w, m), 3), ""),
    (4, by_chance, ""),
    (4, nine_digits_alone, ""),
]


# ----------------------------------------------------------------------------- the checks' own


def test_the_stain_hides_every_digit_and_is_at_every_place() -> None:
    hidden = [(n.index("?"), fill(n)[n.index("?")]) for n in STAINED]
    assert {digit for _, digit in hidden} == set("0123456789")
    assert all(len({d for p, d in hidden if p == place}) >= 2 for place in range(9))


def test_some_books_miss_nothing_and_each_place_counts() -> None:
    assert "0" in {isbn_digit(number) for number in BOOKS if int(number)}
    for place in range(12):
        without = [n[:place] + "0" + n[place + 1 :] for n in BOOKS]
        assert any(isbn_digit(n) != isbn_digit(w) for n, w in zip(BOOKS, without, strict=True))


def test_every_rule_for_blind_swaps_differs_from_the_others_on_some_weights() -> None:
    rules = [blind_swaps, *(rule for rule, _ in SWAP_MISTAKES)]
    results = {tuple(rule(*swap) for swap in SWAPS) for rule in rules}
    assert len(results) == len(rules)
