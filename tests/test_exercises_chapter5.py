import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lessonlib import exercises

Array = npt.NDArray[Any]


def images_needed(q: float, half: float) -> int:
    return math.ceil(1.96**2 * q * (1 - q) / half**2)


def precision_and_recall(matrix: Array, k: int) -> tuple[float, float]:
    right = matrix[k, k]
    return right / max(matrix[:, k].sum(), 1), right / max(matrix[k].sum(), 1)


def choose_threshold(confidence: Array, correct: Array, target: float) -> float:
    errors = {t: (~correct[confidence >= t]).mean() for t in confidence}
    return min((t for t in confidence if errors[t] <= target), default=math.inf)


def equal_count_error(confidence: Array, correct: Array, bins: int) -> float:
    order = np.argsort(confidence)
    parts = np.array_split(order, bins)
    gaps = [abs(correct[part].sum() - confidence[part].sum()) for part in parts]
    return float(sum(gaps) / len(order))


SOLUTIONS: dict[str, Callable[..., Any]] = {
    "5.1": images_needed,
    "5.2": precision_and_recall,
    "5.3": choose_threshold,
    "5.4": equal_count_error,
}


def first_dip(confidence: Array, correct: Array, target: float) -> float:
    best = math.inf
    for t in sorted(confidence, reverse=True):
        if (~correct[confidence >= t]).mean() > target:
            break
        best = t
    return best


def splitting_ties(confidence: Array, correct: Array, target: float) -> float:
    order = np.argsort(-confidence, kind="stable")
    error = np.cumsum(~correct[order]) / np.arange(1, len(order) + 1)
    fine = np.flatnonzero(error <= target)
    return float(confidence[order][fine[-1]]) if len(fine) else math.inf


def no_infinity(confidence: Array, correct: Array, target: float) -> float:
    threshold = choose_threshold(confidence, correct, target)
    return 1.0 if threshold == math.inf else threshold


def bin_gaps(confidence: Array, correct: Array, bins: int) -> Array:
    order = np.argsort(confidence)
    parts = np.array_split(order, bins)
    return np.array([correct[b].mean() - confidence[b].mean() for b in parts])


MISTAKES: list[tuple[str, Callable[..., Any], str]] = [
    ("5.1", lambda q, h: math.ceil(q * (1 - q) / h**2), "one standard error"),
    ("5.1", lambda q, h: math.ceil(1.96 * q * (1 - q) / h**2), "squares the 1.96"),
    ("5.1", lambda q, h: math.ceil(1.96**2 * q * (1 - q) / h), "squares the half-width"),
    ("5.1", lambda q, h: math.ceil(1.96**2 * q * (1 - q) / (h / 2) ** 2), "one side"),
    ("5.1", lambda q, h: math.ceil(1.96**2 * q * (1 - q) / (2 * h) ** 2), "one side"),
    ("5.1", lambda q, h: 1.96**2 * q * (1 - q) / h**2, "Round up"),
    ("5.1", lambda q, h: int(1.96**2 * q * (1 - q) / h**2), "Round up"),
    ("5.1", lambda q, h: 100, "another number"),
    ("5.2", lambda m, k: precision_and_recall(m, k)[::-1], "exchanged"),
    ("5.2", lambda m, k: precision_and_recall(m.T, k), "exchanged"),
    ("5.2", lambda m, k: (m[k, k] / m.sum(), m[k, k] / m[k].sum()), "precision isn't"),
    ("5.2", lambda m, k: (m[k, k] / m[:, k].sum(), np.trace(m) / m.sum()), "recall isn't"),
    ("5.2", lambda m, k: (m[k, k] / m[:, k].sum(), m[k, k] / m[k].sum()), "never answers"),
    (
        "5.2",
        lambda m, k: (m[k, k] / max(m[:, k].sum(), 1), m[k, k] / m[k].sum()),
        "Where no image",
    ),
    ("5.2", lambda m, k: m[k, k] / m[k].sum(), "two numbers"),
    ("5.3", lambda c, r, t: max(c), "answers one image"),
    ("5.3", first_dip, "first mistake"),
    (
        "5.3",
        lambda c, r, t: min(s for s in c if sum(~r[c > s]) <= t * sum(c > s)),
        "compare with >=",
    ),
    (
        "5.3",
        lambda c, r, t: min([s for s in c if (~r[c >= s]).sum() / len(c) <= t], default=math.inf),
        "not by all",
    ),
    ("5.3", lambda c, r, t: math.inf, "there is one"),
    ("5.3", lambda c, r, t: 0.7123, "the lowest threshold is not 0.7"),
    ("5.3", no_infinity, "return math.inf"),
    ("5.3", splitting_ties, "Equal confidences"),
    ("5.4", lambda c, r, b: abs(gaps_unsorted(c, r, b)).mean(), "Sort by confidence"),
    ("5.4", lambda c, r, b: bin_gaps(c, r, b).mean(), "absolute value"),
    ("5.4", lambda c, r, b: abs(bin_gaps(c, r, b).mean()), "absolute value"),
    ("5.4", lambda c, r, b: abs(bin_gaps(c, r, b)).sum(), "sum of the gaps"),
    ("5.4", lambda c, r, b: (bin_gaps(c, r, b) ** 2).mean(), "not squared"),
    ("5.4", lambda c, r, b: abs(bin_gaps(c, r, b)).mean(), "larger bins have more"),
    ("5.4", lambda c, r, b: equal_count_error(c, r, b) * len(c), "1/n"),
    ("5.4", lambda c, r, b: 0.5, "not the mean gap"),
]


def gaps_unsorted(confidence: Array, correct: Array, bins: int) -> Array:
    parts = np.array_split(np.arange(len(confidence)), bins)
    return np.array([correct[b].mean() - confidence[b].mean() for b in parts])


@pytest.mark.parametrize(("name", "answer", "message"), MISTAKES)
def test_a_usual_mistake_is_named(name: str, answer: Callable[..., Any], message: str) -> None:
    verdict = exercises.verdict(name, answer)
    assert verdict.startswith(f"{name}: not yet. ")
    assert message in verdict
