"""The answer checks of chapter 7: checksums."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.checksums import ABA_WEIGHTS, aba_valid
from lessonlib.exercises import Check, call


def check_isbn_digit(answer: Any) -> str | None:
    """Exercise 7.1: the last digit of an ISBN-13."""
    # The last one but one misses nothing to the next ten.
    for number in ("978030640615", "978316148410", "979109636406", "978000000003", "978000000002"):
        got = call(answer, number)
        right = str(-_isbn_sum(number) % 10)
        if got == right:
            continue
        if got == "10":
            return f"The sum of {number} ends in 0: nothing is missing, and the digit is 0, not 10."
        mistakes = {
            "That is the sum's last digit; asked is what is missing to the next ten.": str(
                _isbn_sum(number) % 10
            ),
            "The weights start with 1, not with 3.": str(-_isbn_sum(number, (3, 1)) % 10),
            "You added the digits without their weights.": str(-_isbn_sum(number, (1, 1)) % 10),
        }
        if isinstance(got, int | np.integer):
            return "The digit is to be a string, to be put after the others."
        for message, wrong in mistakes.items():
            if got == wrong:
                return message
        return f"The last digit of {number} is not {got!r}."
    return None


def _isbn_sum(number: str, weights: tuple[int, int] = (1, 3)) -> int:
    return sum(weights[place % 2] * int(digit) for place, digit in enumerate(number))


def check_blind_swaps(answer: Any) -> str | None:
    """Exercise 7.2: pairs of digits whose swap goes unnoticed."""
    for first, second, modulus in ((3, 7, 10), (7, 2, 10), (1, 1, 10), (1, 3, 11), (4, 1, 9)):
        got = call(answer, first, second, modulus)
        if np.ndim(got) != 0:
            return f"The answer is one number, and yours has shape {np.shape(got)}."
        right = _blind(first, second, modulus)
        where = f"For the weights {first} and {second} modulo {modulus}"
        if got == right:
            continue
        if got == right / 2 and right:
            return f"{where}: count ordered pairs, 27 and 72 both."
        if got == right + 10:
            return f"{where}: two equal digits are no pair, since their swap is no mistake."
        if got == 90 - right:
            return f"{where}: that is how many swaps are noticed."
        if got == _blind(first, -second, modulus):
            return f"{where}: a swap changes the sum by the difference of the weights, not the sum."
        return f"{where} it is not {got}."
    return None


def _blind(first: int, second: int, modulus: int) -> int:
    pairs = [(a, b) for a in range(10) for b in range(10) if a != b]
    return sum((first - second) * (a - b) % modulus == 0 for a, b in pairs)


def check_fill(answer: Any) -> str | None:
    """Exercise 7.3: the digit under the stain."""
    for number in ("0110?0015", "?21001208", "07100030?", "1?1000374", "11100003?", "1210003?4"):
        got = call(answer, number)
        if not isinstance(got, str):
            return "The answer is the whole number, as a string."
        if len(got) == 1 and got.isdecimal():
            return "Return all nine digits, not the missing one alone."
        if "?" in got or len(got) != len(number):
            return f"For {number} the answer has nine digits, and {got!r} has not."
        place = number.index("?")
        if got[:place] + "?" + got[place + 1 :] != number:
            return f"{got} changes digits of {number} that could be read."
        if not aba_valid(got):
            return f"{got} does not fit: the sum with the weights 3, 7, 1 must end in 0."
    return None


def check_probability_fits(answer: Any) -> str | None:
    """Exercise 7.4: how probable it is that a number drawn at random fits."""
    rng = np.random.default_rng(74)
    for weights, modulus in (((3, 7, 1), 10), (ABA_WEIGHTS, 10), ((4, 3, 2), 11)):
        p = rng.dirichlet(np.full(10, 0.4), size=len(weights))
        got = call(answer, p, weights, modulus)
        problem = _probability_problem(got, p, weights, modulus)
        if problem is not None:
            return problem
    return None


def _probability_problem(
    got: Any, p: npt.NDArray[np.float64], weights: tuple[int, ...], modulus: int
) -> str | None:
    if np.shape(got) == (modulus,):
        return "You return a probability for each remainder; asked is that of the remainder 0."
    if np.ndim(got) != 0:
        return f"The answer is one number, and yours has shape {np.shape(got)}."
    if np.isclose(got, _remainders(p, weights, modulus)[0]):
        return None
    best = _most_probable(p, weights, modulus)
    if np.isclose(got, best):
        return "That is the most probable number that fits, alone: add where (7.6) takes the best."
    if got < 0 and np.isclose(got, np.log(_remainders(p, weights, modulus)[0])):
        return "That is the logarithm; return the probability."
    if np.isclose(got, _remainders(p, (1,) * len(weights), modulus)[0]):
        return "The digits count without their weights."
    if np.isclose(got, _remainders(p[::-1], weights, modulus)[0]):
        return "Row i of p belongs to weight i; you go through one of them backwards."
    return f"For {len(weights)} digits modulo {modulus} it is not {float(got):.6f}."


def _remainders(
    p: npt.NDArray[np.float64], weights: tuple[int, ...], modulus: int
) -> npt.NDArray[np.float64]:
    total = np.eye(1, modulus)[0]
    for row, weight in zip(p, weights, strict=True):
        total = np.sum([row[k] * np.roll(total, weight * k) for k in range(10)], axis=0)
    return np.asarray(total)


def _most_probable(p: npt.NDArray[np.float64], weights: tuple[int, ...], modulus: int) -> float:
    best = np.eye(1, modulus)[0]
    for row, weight in zip(p, weights, strict=True):
        best = np.max([row[k] * np.roll(best, weight * k) for k in range(10)], axis=0)
    return float(best[0])


CHECKS: dict[str, Check] = {
    "7.1": check_isbn_digit,
    "7.2": check_blind_swaps,
    "7.3": check_fill,
    "7.4": check_probability_fits,
}
