"""The answer checks of chapter 1: right answers pass, each usual mistake gets its own message."""

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from lessonlib import exercises
from lessonlib.exercises.chapter1 import CHECKS
from lessonlib.perceptron import fires, learn

Answer = Callable[..., Any]
ONES = np.ones((3, 3))
ODD = np.array([[1, -1, -1, 1], [-1, 1, -1, 1], [-1, -1, 1, 1]])  # a unit for each odd input


def signed(w: Any, b: float, x: Any, y: int) -> Any:
    answer = 1 if x @ w + b >= 0 else -1
    return (w, b) if answer == y else (w + y * x, b + y)


def step(factor: Callable[[int, int], int]) -> Answer:
    """Return an update by factor(y, answer) times the example."""

    def update(w: Any, b: float, x: Any, y: int) -> Any:
        f = factor(y, 1 if x @ w + b >= 0 else -1)
        return w + f * x, b + f

    return update


def tie(w: Any, b: float, x: Any, y: int) -> Any:
    return (w + y * x, b + y) if y * (x @ w + b) <= 0 else (w, b)


def strict(w: Any, b: float, x: Any, y: int) -> Any:
    return (w + y * x, b + y) if y * (x @ w + b) < 0 else (w, b)


def only_mistakes(w: Any, b: float, x: Any, y: int) -> Any:
    if (1 if x @ w + b >= 0 else -1) != y:
        return w + y * x, b + y
    return None


def in_place(w: Any, b: float, x: Any, y: int) -> Any:
    if (1 if x @ w + b >= 0 else -1) != y:
        w += y * x
        b += y
    return w, b


def count(d: int, max_epochs: int = 50, constant: bool = True) -> int:
    X = np.array(list(product((0.0, 1.0), repeat=d)))
    found = 0
    for labels in product((0, 1), repeat=len(X)):
        w, b, _ = learn(X, labels, max_epochs)
        learned = fires(X, w, b).tolist() == list(labels)
        found += learned and (constant or len(set(labels)) > 1)
    return found


def quadratic(X: Any, ones: bool = True, linear: bool = True, squares: bool = True) -> Any:
    d = range(X.shape[1])
    columns = [np.ones(len(X))] * ones + [X[:, j] for j in d] * linear
    columns += [X[:, j] * X[:, k] for j in d for k in d if j < k or (j == k and squares)]
    return np.stack(columns, axis=1)


def net(b1: Any, w2: Any, b2: float, W1: Any = ONES) -> Answer:
    return lambda: (W1, np.array(b1), np.array(w2), b2)


SOLUTIONS: dict[str, Answer] = {
    "1.1": lambda: (np.array([1, 1, 1, -2]), 2),
    "1.2": signed,
    "1.3": net([-1, -2, -3], [1, -1, 1], -1),
    "1.4": count,
    "1.5": quadratic,
}

MISTAKES: list[tuple[str, Answer, str]] = [
    ("1.1", lambda: 2, "two things"),
    ("1.1", lambda: (2, [1, 1, 1, -2]), "weights come first"),
    ("1.1", lambda: ([1, 1, -2], 2), r"w has shape (3,)"),
    ("1.1", lambda: ([1, 1, 1, -2], [2, 2]), "theta has shape (2,)"),
    ("1.1", lambda: ([1, 1, 1, np.nan], 2), "NaN"),
    ("1.1", lambda: ([1, 1, 1, -2], -2), "θ itself is asked for"),
    ("1.1", lambda: ([1, 1, 1, -3], 1), "your unit needs >"),
    ("1.1", lambda: ([1, 1, 1, -1], 2), "veto is too weak: for (1, 1, 1, 1)"),
    ("1.1", lambda: ([1, 1, 1, 0], 2), "veto is too weak"),
    ("1.1", lambda: ([1, 1, 1, 2], 2), "closer to firing"),
    ("1.1", lambda: ([1, 1, 1, -9], 0.5), "One detector"),
    ("1.1", lambda: ([1, 1, 1, -9], 3), "all three"),
    ("1.1", lambda: ([1, 1, 1, 1], 9), "never fires"),
    ("1.1", lambda: ([1, 1, 1, 1], -9), "always fires"),
    ("1.1", lambda: ([2, 1, 0, -9], 2), "your unit"),
    ("1.2", step(lambda y, a: y - a), "twice as long"),
    ("1.2", step(lambda y, a: -y * (y != a)), "away from the label"),
    ("1.2", lambda w, b, x, y: (signed(w, b, x, y)[0], b), "bias never changes"),
    ("1.2", lambda w, b, x, y: (w, signed(w, b, x, y)[1]), "weights never change"),
    ("1.2", step(lambda y, a: y), "right, too"),
    ("1.2", step(lambda y, a: 0), "never changes"),
    ("1.2", step(lambda y, a: y * (y == a)), "nowhere else"),
    ("1.2", step(lambda y, a: y - (a == 1)), "answers 0 where"),
    ("1.2", tie, "for the label +1 that is right"),
    ("1.2", strict, "for the label −1 that is wrong"),
    ("1.2", only_mistakes, "returns nothing"),
    ("1.2", step(lambda y, a: int(y != a)), "same way for both"),
    ("1.2", in_place, "Work on a copy"),
    ("1.2", step(lambda y, a: 3 * y * (y != a)), "is not right"),
    ("1.2", lambda *a: signed(*a)[0], "two things"),
    ("1.2", lambda *a: (signed(*a)[0][:2], 0), "w has shape (2,)"),
    ("1.3", net([-1, -2], [1, -1], -1, np.ones((2, 3))), "transposed"),
    ("1.3", net([-1, -4, -9], [1, -1, 1], -1, ONES * [[1], [2], [3]]), "W1 is transposed"),
    ("1.3", net([1, 2, 3], [1, -1, 1], 1), "threshold for a bias"),
    ("1.3", net([-1, -2, -3], [1, -1, 1], 1), "threshold for a bias"),
    ("1.3", net([-1, -2, -3], [-1, 1, -1], 0), "even number"),
    ("1.3", net([-1, -2, -3], [1, 0, 0], -1), "OR"),
    ("1.3", net([-1, -2, -3], [0, 0, 1], -1), "AND"),
    ("1.3", net([-1, -2, -3], [0, 1, 0], -1), "majority"),
    ("1.3", net([-1, -2, -3], [0, 0, 0], 0), "always fires"),
    ("1.3", net([-1, -2, -3], [0, 0, 0], -1), "never fires"),
    ("1.3", net([-1, -2], [1, -1], -1, np.ones((3, 2))), "For (1, 1, 1)"),
    (
        "1.3",
        net([-1, -2], [1, -1], -1, np.array([[1, 1], [1, 1], [0, 0]])),
        "XOR of two inputs alone",
    ),
    ("1.3", net([-1, -2], [1, -1, 1], -1), "b1 has shape (2,)"),
    ("1.3", lambda: (ONES, [-1, -2, -3]), "four things"),
    ("1.4", lambda d: 2 ** (2**d), "number of all functions"),
    ("1.4", lambda d: 2**d if d > 1 else 4, "number of examples"),
    ("1.4", lambda d: count(d, constant=False), "constant"),
    ("1.4", lambda d: 4 if d == 1 else 2 ** (2**d) - count(d), "no unit learns"),
    ("1.4", lambda d: {1: 4, 2: 15}[d], "come in pairs"),
    ("1.4", lambda d: count(d, max_epochs=7), "more passes"),
    ("1.4", lambda d: 5, "not the number"),
    ("1.5", lambda X: quadratic(X, ones=False), "column of ones"),
    ("1.5", lambda X: quadratic(X, linear=False), "an input itself"),
    ("1.5", lambda X: quadratic(X, squares=False), "a square"),
    ("1.5", lambda X: np.column_stack([np.ones(len(X)), X, X**2]), "product of two inputs"),
    ("1.5", lambda X: quadratic(X).T, "transposed"),
    ("1.5", lambda X: quadratic(X)[0], "rows"),
    (
        "1.5",
        lambda X: np.column_stack(
            [np.ones(len(X)), X, (X[:, :, None] * X[:, None, :]).reshape(len(X), -1)]
        ),
        "comes twice",
    ),
    ("1.5", lambda X: np.column_stack([quadratic(X), X**3]), "no term of degree 0 to 2"),
]


@pytest.mark.parametrize(("name", "answer", "message"), MISTAKES)
def test_a_usual_mistake_is_named(name: str, answer: Answer, message: str) -> None:
    verdict = exercises.verdict(name, answer)
    assert verdict.startswith(f"{name}: not yet.")
    assert message in verdict
    assert "raised" not in verdict


@pytest.mark.parametrize("name", CHECKS)
def test_an_answer_of_the_wrong_kind_gets_a_verdict(name: str) -> None:
    wrong: list[Any] = [
        3,
        "text",
        lambda *_: "text",
        lambda *_: [None],
        lambda *_: np.zeros((2, 2)),
    ]
    wrong += [lambda *_: np.nan, lambda *_: (1, 2), lambda *_: ([], [], [], []), lambda *_: {}]
    for answer in wrong:
        assert re.match(rf"{name}: not yet\. ", exercises.verdict(name, answer))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("1.1", lambda: ([2, 2, 2, -6], 3.5)),
        ("1.1", lambda: [(1.0, 1.0, 1.0, -5.0), 1.5]),
        ("1.3", net([-0.5, -1.5, -2.5], [2, -2, 2], -1)),
        ("1.3", net([-0.5, -0.5, -0.5, -2.5], [1] * 4, -0.5, ODD)),
        ("1.5", lambda X: quadratic(X)[:, ::-1]),
    ],
)
def test_another_right_answer_passes(name: str, answer: Answer) -> None:
    assert exercises.verdict(name, answer) == f"{name}: right."
