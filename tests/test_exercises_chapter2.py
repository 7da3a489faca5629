"""The answer checks of chapter 2: right answers pass, each usual mistake gets its own message."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lessonlib import exercises
from lessonlib.exercises.chapter2 import CHECKS

Answer = Callable[..., Any]


def relu(z: Any) -> Any:
    return np.maximum(0, z)


def soften(z: Any, T: float, axis: int = 1) -> Any:
    shifted = (z - z.max(axis=axis, keepdims=True)) / T
    return np.exp(shifted) / np.exp(shifted).sum(axis=axis, keepdims=True)


def one_maximum(z: Any, T: float) -> Any:
    e = np.exp((z - z.max()) / T)
    return e / e.sum(axis=1, keepdims=True)


def overflowing(z: Any, T: float) -> Any:
    return np.exp(z / T) / np.exp(z / T).sum(axis=1, keepdims=True)


def without_keepdims(z: Any, T: float) -> Any:
    return np.exp(z / T) / np.exp(z / T).sum(axis=1)


def losses(z: Any, Y: Any) -> Any:
    return Y * np.logaddexp(0, -z) + (1 - Y) * np.logaddexp(0, z)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def from_probabilities(p: Any, Y: Any) -> Any:
    return -(Y * np.log(p) + (1 - Y) * np.log(1 - p)).mean()


def clipped(z: Any, Y: Any) -> Any:
    return from_probabilities(np.clip(sigmoid(z), 1e-15, 1 - 1e-15), Y)


def slopes(left: float, peak: float, right: float) -> tuple[float, float]:
    return 1 / (peak - left), -1 / (right - peak)


def bump(left: float, peak: float, right: float) -> Any:
    up, down = slopes(left, peak, right)
    return np.array([up, down - up, -down])


SOLUTIONS: dict[str, Answer] = {
    "2.1": lambda a, W, b: relu(a @ W + b),
    "2.2": soften,
    "2.3": lambda z, Y: losses(z, Y).mean(),
    "2.4": lambda d_in, alpha: 2 / ((1 + alpha**2) * d_in),
    "2.5": bump,
}

MISTAKES: list[tuple[str, Answer, str]] = [
    ("2.1", lambda a, W, b: relu(a @ W.T + b), "W is transposed"),
    ("2.1", lambda a, W, b: relu(W @ a + b), "factors are swapped"),
    ("2.1", lambda a, W, b: relu(a @ W), "bias is missing"),
    ("2.1", lambda a, W, b: a @ W + b, "pre-activation"),
    ("2.1", lambda a, W, b: relu(a @ W) + b, "inside f"),
    ("2.1", lambda a, W, b: relu(a @ W - b), "subtracted"),
    ("2.1", lambda a, W, b: relu(a) @ W + b, "input of the layer"),
    ("2.1", lambda a, W, b: relu(a @ W + b[:, None]), "Is b a row?"),
    ("2.1", lambda a, W, b: relu(a @ W + b).T, "result is transposed"),
    ("2.1", lambda a, W, b: np.minimum(0, a @ W + b), "keeps the negative"),
    ("2.1", lambda a, W, b: a @ W + b > 0, "threshold unit"),
    ("2.1", lambda a, W, b: abs(a @ W + b), "sets them to 0"),
    ("2.1", lambda a, W, b: relu(a @ W + b).sum(axis=0), "has shape (4,)"),
    ("2.1", lambda a, W, b: relu(a @ W + b) + 1, "compare with (2.2)"),
    ("2.2", lambda z, T: soften(z, T, axis=0), "columns add up"),
    ("2.2", lambda z, T: np.exp(z / T) / np.exp(z / T).sum(), "All rows together"),
    ("2.2", lambda z, T: soften(z, 1), "no effect"),
    ("2.2", lambda z, T: soften(z, 1 / T), "should flatten"),
    ("2.2", lambda z, T: soften(z, 1) / T, "not the probabilities"),
    ("2.2", lambda z, T: np.exp(z / T), "don't add up"),
    ("2.2", lambda z, T: np.exp((z - z.max(axis=1, keepdims=True)) / T), "don't add up"),
    ("2.2", lambda z, T: np.log(soften(z, T)), "logarithms"),
    ("2.2", without_keepdims, "keepdims=True"),
    ("2.2", lambda z, T: soften(z, T)[:, 0], "has shape (5,)"),
    ("2.2", lambda z, T: soften(-z, T), "not the right probabilities"),
    ("2.2", lambda z, T: soften(z, T).T, "is transposed"),
    ("2.2", lambda z, T: soften(z - z.max(axis=0), T), "differs along the row"),
    ("2.2", overflowing, "overflow"),
    ("2.2", lambda z, T: soften(np.clip(z, -50, 50), T), "cut off"),
    ("2.2", one_maximum, "Each row needs its own"),
    ("2.3", lambda z, Y: -losses(z, Y).mean(), "The sign"),
    ("2.3", lambda z, Y: losses(z, Y).sum(), "1/(nK) is missing"),
    ("2.3", lambda z, Y: losses(z, Y).sum() / len(z), "but not by K"),
    ("2.3", lambda z, Y: losses(z, Y).sum() / z.shape[1], "but not by n"),
    ("2.3", lambda z, Y: (Y * losses(z, Y)).mean(), "labels that are 0 count too"),
    ("2.3", lambda z, Y: losses(z, Y)[Y == 1].mean(), "labels that are 0 count too"),
    ("2.3", lambda z, Y: ((1 - Y) * losses(z, Y)).mean(), "labels that are 1 have no term"),
    ("2.3", lambda z, Y: losses(z, 1 - Y).mean(), "swapped"),
    ("2.3", lambda z, Y: from_probabilities(soften(z, 1), Y), "question of its own"),
    ("2.3", lambda z, Y: losses(z, Y).mean() / np.log(2), "base 2"),
    ("2.3", lambda z, Y: losses(z, Y).mean() / np.log(10), "base 10"),
    ("2.3", lambda z, Y: from_probabilities(z, Y), "taken for probabilities"),
    ("2.3", losses, "one number"),
    ("2.3", lambda z, Y: losses(z, Y).mean() + 1, "gives another number"),
    ("2.3", lambda z, Y: from_probabilities(sigmoid(z), Y), "without the probability"),
    ("2.3", clipped, "Clipping"),
    ("2.4", lambda d, alpha: 2 / d, "alpha has no effect"),
    ("2.4", lambda d, alpha: (2 / ((1 + alpha**2) * d)) ** 0.5, "standard deviation"),
    ("2.4", lambda d, alpha: 2 / ((1 + alpha) * d), "not of f(z)"),
    ("2.4", lambda d, alpha: 2 / ((1 + alpha) ** 2 * d), "not of f(z)"),
    ("2.4", lambda d, alpha: 2 / ((1 - alpha**2) * d), "adds to the mean square"),
    ("2.4", lambda d, alpha: 1 / ((1 + alpha**2) * d), "factor 2"),
    ("2.4", lambda d, alpha: 1 / ((0.5 + alpha**2) * d), "half of the draws"),
    ("2.4", lambda d, alpha: 2 * (1 + alpha**2) / d, "smaller weights"),
    ("2.4", lambda d, alpha: (1 + alpha**2) * d / 2, "the inverse"),
    ("2.4", lambda d, alpha: 2 / (1 + alpha**2), "number of inputs"),
    ("2.4", lambda d, alpha: 1 / d, "does not keep"),
    ("2.4", lambda d, alpha: np.full(d, 0.1), "one number"),
    ("2.5", lambda *_: np.array([1, -2, 1]), "two sides are equal"),
    ("2.5", lambda *t: slopes(*t)[0] * np.array([1, -2, 1]), "differ in width"),
    ("2.5", lambda *t: np.array([*slopes(*t), 0]), "*adds*"),
    ("2.5", lambda *t: [*slopes(*t), -slopes(*t)[1]], "still rises"),
    ("2.5", lambda *t: -bump(*t), "upside down"),
    ("2.5", lambda a, b, c: [b - a, a - c, c - b], "these are widths"),
    ("2.5", lambda *t: bump(*t) * [1, 1, 0], "beyond its end"),
    ("2.5", lambda *t: bump(*t) * [1, 0, 0], "where it ends"),
    ("2.5", lambda *t: 2 * bump(*t), "at the peak"),
    ("2.5", lambda *t: bump(*t)[:2], "shape (3,)"),
]


@pytest.mark.parametrize(("name", "answer", "message"), MISTAKES)
def test_a_usual_mistake_is_named(name: str, answer: Answer, message: str) -> None:
    with np.errstate(all="ignore"):
        verdict = exercises.verdict(name, answer)
    assert verdict.startswith(f"{name}: not yet.")
    assert message in verdict


@pytest.mark.parametrize("name", CHECKS)
def test_an_answer_of_the_wrong_kind_gets_a_verdict(name: str) -> None:
    wrong: list[Any] = [3, "text", lambda: 1]
    values: list[Any] = [
        "text",
        [None],
        np.zeros((2, 2)),
        np.nan,
        np.full((4, 4), np.nan),
        1j,
        {},
        True,
    ]
    for value in values:
        wrong.append(lambda *_, value=value: value)
    for answer in wrong:
        assert re.match(rf"{name}: not yet\. ", exercises.verdict(name, answer))


def test_an_answer_that_changes_its_input_is_told_so() -> None:
    def in_place(z: Any, T: float) -> Any:
        z /= T
        return soften(z, 1)

    assert "Work on a copy" in exercises.verdict("2.2", in_place)


def test_an_answer_in_a_loop_or_on_lists_is_right_too() -> None:
    def looped(a: Any, W: Any, b: Any) -> Any:
        rows = range(len(a)), range(len(b))
        return [[max(0, sum(a[i] * W[:, k]) + b[k]) for k in rows[1]] for i in rows[0]]

    assert exercises.verdict("2.1", looped) == "2.1: right."
    assert exercises.verdict("2.5", lambda *t: list(bump(*t))) == "2.5: right."
