"""The answer checks of chapter 4: right answers pass, each usual mistake gets its own message."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lessonlib import exercises
from lessonlib.exercises.chapter4 import CHECKS, PAPER

Answer = Callable[..., Any]


def count(sizes: list[int]) -> int:
    return weights(sizes) + sum(sizes[1:])


def weights(sizes: list[int]) -> int:
    return sum(a * b for a, b in pairwise(sizes))


def log_softmax(z: Any, axis: int = 1) -> Any:
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def losses(z: Any, y: Any, axis: int = 1) -> Any:
    return -log_softmax(z, axis)[np.arange(len(y)), y]


def move(x: Any, dy: int, dx: int, paper: float = PAPER) -> Any:
    return np.pad(x, 1, constant_values=paper)[1 - dy : 29 - dy, 1 - dx : 29 - dx]


def adamw(
    w: float, g: float, m: float, v: float, t: int, lr: float, decay: float
) -> tuple[float, float, float]:
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
    return w - lr * decay * w - lr * m_hat / (v_hat**0.5 + 1e-8), m, v


def adam(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    return adamw(w, g + decay * w, m, v, t, lr, 0)


def uncorrected(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    _, m, v = adamw(w, g, m, v, t, lr, 0)
    return w - lr * decay * w - lr * m / (v**0.5 + 1e-8), m, v


def without_root(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    _, m, v = adamw(w, g, m, v, t, lr, 0)
    ratio = (m / (1 - 0.9**t)) / (v / (1 - 0.999**t) + 1e-8)
    return w - lr * decay * w - lr * ratio, m, v


def uphill(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    down, m, v = adamw(w, g, m, v, t, lr, decay)
    return 2 * (w - lr * decay * w) - down, m, v


def hats(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    w, m, v = adamw(w, g, m, v, t, lr, decay)
    return w, m / (1 - 0.9**t), v / (1 - 0.999**t)


SOLUTIONS: dict[str, Answer] = {
    "4.1": count,
    "4.2": lambda z, y: losses(z, y).mean(),
    "4.3": move,
    "4.4": adamw,
}

MISTAKES: list[tuple[str, Answer, str]] = [
    ("4.1", weights, "also has a bias"),
    ("4.1", lambda s: weights(s) + sum(s), "inputs are not units"),
    ("4.1", lambda s: weights(s) + sum(s[:-1]), "one bias per output"),
    ("4.1", lambda s: weights(s) + len(s) - 1, "each of its units has its own"),
    ("4.1", lambda s: sum(s[1:]), "biases alone"),
    ("4.1", lambda s: 12_345, "is not it"),
    ("4.2", lambda z, y: losses(z, y), "the loss is one number"),
    ("4.2", lambda z, y: -losses(z, y).mean(), "The sign"),
    ("4.2", lambda z, y: losses(z, y).sum(), "1/n"),
    ("4.2", lambda z, y: losses(z, y).mean() / 10, "number of classes"),
    ("4.2", lambda z, y: losses(z, y, axis=0).mean(), "axis 1"),
    ("4.2", lambda z, y: -z[np.arange(len(y)), y].mean(), "softmax is missing"),
    ("4.2", lambda z, y: -np.exp(-losses(z, y)).mean(), "logarithm of the probability"),
    ("4.2", lambda z, y: losses(z, y).mean() / np.log(2), "base 2"),
    ("4.2", lambda z, y: losses(z, y).mean() / np.log(10), "base 10"),
    ("4.2", lambda z, y: -log_softmax(z).mean(), "right one only"),
    (
        "4.2",
        lambda z, y: (
            -np.log((np.exp(z) / np.exp(z).sum(1, keepdims=True))[range(len(y)), y]).mean()
        ),
        "see the hint",
    ),
    (
        "4.2",
        lambda z, y: -np.log(np.exp(log_softmax(z))[np.arange(len(y)), y]).mean(),
        "rounded to 0",
    ),
    ("4.2", lambda z, y: losses(z, y).mean() + 1, "gives another number"),
    ("4.3", lambda x, dy, dx: x, "nothing moved"),
    ("4.3", lambda x, dy, dx: move(x, -dy, -dx), "opposite way"),
    ("4.3", lambda x, dy, dx: move(x, dx, dy), "swapped"),
    ("4.3", lambda x, dy, dx: np.roll(x, (dy, dx), (0, 1)), "other side"),
    ("4.3", lambda x, dy, dx: move(x, dy, dx, paper=0), "not paper"),
    ("4.3", lambda x, dy, dx: np.pad(x, 1), "28 by 28"),
    ("4.3", lambda x, dy, dx: x.T, "not where they should be"),
    ("4.4", adam, "coupled"),
    ("4.4", uncorrected, "for having started at 0"),
    ("4.4", lambda w, g, m, v, t, lr, d: adamw(w, g, m, v, t, lr, d / lr), "learning rate"),
    ("4.4", lambda w, g, m, v, t, lr, d: adamw(w, g, m, v, t, lr, -d), "grows"),
    ("4.4", lambda w, g, m, v, t, lr, d: adamw(w, g, m, v, t, lr, 0), "no weight decay"),
    ("4.4", without_root, "square root"),
    ("4.4", lambda w, g, m, v, t, lr, d: adamw(w, -g, m, v, t, lr, d), "differ from"),
    ("4.4", uphill, "up the gradient"),
    ("4.4", hats, "before the correction"),
    ("4.4", lambda *a: adamw(*a)[0], "three numbers"),
]


@pytest.mark.parametrize(("name", "answer", "message"), MISTAKES)
def test_a_usual_mistake_is_named(name: str, answer: Answer, message: str) -> None:
    verdict = exercises.verdict(name, answer)
    assert verdict.startswith(f"{name}: not yet.")
    assert message in verdict


@pytest.mark.parametrize("name", CHECKS)
def test_an_answer_of_the_wrong_kind_gets_a_verdict(name: str) -> None:
    for answer in (3, "text", lambda *_: "text", lambda *_: [None], lambda *_: np.zeros((2, 2))):
        assert re.match(rf"{name}: not yet\. ", exercises.verdict(name, answer))


def test_an_answer_that_changes_its_input_is_told_so() -> None:
    def moves_in_place(x: Any, dy: int, dx: int) -> Any:
        x[:] = np.roll(x, (dy, dx), (0, 1))
        return x

    assert "Work on a copy" in exercises.verdict("4.3", moves_in_place)
