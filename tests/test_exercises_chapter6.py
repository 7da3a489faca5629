"""Chapter 6's answer checks: the solution passes, a stub is unanswered, mistakes get a message."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lessonlib import exercises


def local_threshold(window: Any) -> Any:
    values = window.astype(float)
    return values.mean() * (1 + 0.3 * (values.std() / 128 - 1))


def centre_of_mass(image: Any) -> Any:
    total = image.sum(dtype=float)
    height, width = image.shape
    if total == 0:
        return (height - 1) / 2, (width - 1) / 2
    return np.arange(height) @ image.sum(axis=1) / total, image.sum(axis=0) @ np.arange(
        width
    ) / total


def field_confidence(probabilities: Any) -> Any:
    return probabilities.max(axis=1).prod() if len(probabilities) else 0.0


def best_score(found: Any, psi: Any, primitives: int) -> Any:
    V = [0.0] + [-np.inf] * primitives
    for (start, end), own in zip(found, psi, strict=True):
        V[end] = max(V[end], V[start] + own)
    return V[-1]


def choose_threshold(confidence: Any, correct: Any, max_error: float) -> Any:
    for threshold in np.unique(confidence):
        if np.mean(~correct[confidence >= threshold]) <= max_error:
            return threshold
    return np.inf


SOLUTIONS: dict[str, Callable[..., Any]] = {
    "6.1": local_threshold,
    "6.2": centre_of_mass,
    "6.3": field_confidence,
    "6.4": best_score,
    "6.5": choose_threshold,
}


def sauvola(
    window: Any, spread: float | None = None, factor: Callable[[float], float] | None = None
) -> Any:
    values = window.astype(float)
    spread = values.std() if spread is None else spread
    factor = factor or (lambda s: 1 + 0.3 * (s / 128 - 1))
    return values.mean() * factor(spread)


def overflowing(window: Any) -> Any:
    m = window.mean()
    with np.errstate(invalid="ignore"):
        return m * (1 + 0.3 * (np.sqrt((window**2).mean() - m**2) / 128 - 1))


def clipped_overflow(window: Any) -> Any:
    m = window.mean()
    s = np.sqrt(max((window**2).mean() - m**2, 0))
    return m * (1 + 0.3 * (s / 128 - 1))


def position(image: Any, weights: Any = None) -> Any:
    weights = image if weights is None else weights
    height, width = image.shape
    return np.array(
        [np.arange(height) @ weights.sum(axis=1), weights.sum(axis=0) @ np.arange(width)]
    )


def with_empty(value: Any) -> Callable[[Any], Any]:
    return lambda image: centre_of_mass(image) if image.any() else value


def half_the_size(image: Any) -> Any:
    return centre_of_mass(image) if image.any() else (image.shape[0] / 2, image.shape[1] / 2)


def table(choose: Any, nothing: float = -np.inf) -> Callable[..., Any]:
    def fill(found: Any, psi: Any, primitives: int) -> Any:
        values = [0.0] + [nothing] * primitives
        for (start, end), own in zip(found, psi, strict=True):
            values[end] = choose(values[end], values[start] + own)
        return values

    return fill


def last_of_table(choose: Any, nothing: float = -np.inf) -> Callable[..., Any]:
    return lambda *arguments: table(choose, nothing)(*arguments)[-1]


def greedy_from_the_left(found: Any, psi: Any, primitives: int) -> Any:
    score, place = 0.0, 0
    while place < primitives:
        number = max(np.flatnonzero(found[:, 0] == place), key=lambda j: psi[j])
        score, place = score + psi[number], found[number, 1]
    return score


def greedy_from_the_right(found: Any, psi: Any, primitives: int) -> Any:
    score, place = 0.0, primitives
    while place > 0:
        number = max(np.flatnonzero(found[:, 1] == place), key=lambda j: psi[j])
        score, place = score + psi[number], found[number, 0]
    return score


def best_of_each_end(found: Any, psi: Any, primitives: int) -> Any:
    return sum(max(psi[found[:, 1] == end]) for end in range(1, primitives + 1))


def from_anywhere(found: Any, psi: Any, primitives: int) -> Any:
    """Treat a place that nothing reaches as a start."""
    V = {0: 0.0}
    for (start, end), own in zip(found.tolist(), psi, strict=True):
        V[end] = max(V.get(end, -np.inf), V.get(start, 0.0) + own)
    return V.get(primitives, -np.inf)


def where_covered(value: Any) -> Callable[..., Any]:
    def answer(*arguments: Any) -> Any:
        score = best_score(*arguments)
        return score if np.isfinite(score) else value

    return answer


def unless_empty(value: Any) -> Callable[..., Any]:
    return lambda found, psi, n: best_score(found, psi, n) if len(found) else value


def first_crossing(confidence: Any, correct: Any, max_error: float) -> Any:
    kept = np.inf
    for threshold in np.unique(confidence)[::-1]:
        if np.mean(~correct[confidence >= threshold]) > max_error:
            break
        kept = threshold
    return kept


def search(accept: Any, error: Any, none: Any = np.inf) -> Callable[..., Any]:
    def choose(confidence: Any, correct: Any, max_error: float) -> Any:
        for threshold in np.unique(confidence):
            accepted = accept(confidence, threshold)
            if accepted.any() and error(accepted, correct) <= max_error:
                return threshold
        return none

    return choose


def splitting_ties(confidence: Any, correct: Any, max_error: float) -> Any:
    order = np.argsort(-confidence, kind="stable")
    error = np.cumsum(~correct[order]) / np.arange(1, len(order) + 1)
    fine = np.flatnonzero(error <= max_error)
    return confidence[order][fine[-1]] if len(fine) else np.inf


def share_wrong(accepted: Any, correct: Any) -> Any:
    return np.mean(~correct[accepted])


MISTAKES: list[tuple[str, Callable[..., Any], str]] = [
    ("6.1", lambda w: w.astype(float), "shape (5, 5)"),
    ("6.1", overflowing, "uint8"),
    ("6.1", clipped_overflow, "uint8"),
    ("6.1", lambda w: sauvola(w, spread=w.var()), "variance"),
    ("6.1", lambda w: sauvola(w, spread=w.std(ddof=1)), "n - 1"),
    ("6.1", lambda w: np.median(w) * (1 + 0.3 * (w.std() / 128 - 1)), "median"),
    ("6.1", lambda w: sauvola(w, factor=lambda s: 1 - 0.3 * (s / 128 - 1)), "sign"),
    ("6.1", lambda w: sauvola(w, factor=lambda s: 1 + 0.3 * (s / 128 + 1)), "sign"),
    ("6.1", lambda w: sauvola(w, factor=lambda s: 1 + 0.3 * s / 128), "missing"),
    ("6.1", lambda w: 1 + 0.3 * (w.std() / 128 - 1), "factor in brackets"),
    ("6.1", lambda w: w.max(), "is not it"),
    ("6.2", lambda image: image.mean(), "pair"),
    ("6.2", lambda image: centre_of_mass(image)[::-1], "row comes first"),
    ("6.2", position, "sum of all pixels"),
    ("6.2", lambda image: position(image) / image.size, "number of pixels"),
    ("6.2", lambda image: position(image) / image.sum() + 1, "from 0"),
    ("6.2", lambda image: np.mean(np.nonzero(image), axis=1), "weight each"),
    (
        "6.2",
        lambda image: (np.min(np.nonzero(image), axis=1) + np.max(np.nonzero(image), axis=1)) / 2,
        "middle of the box",
    ),
    ("6.2", lambda image: (0.0, 0.0), "weighted with ink"),
    ("6.2", lambda image: position(image) / image.sum(), "NaN"),
    ("6.2", with_empty((0, 0)), "return the middle of the image: (0, 0)"),
    ("6.2", half_the_size, "between the first row"),
    ("6.3", lambda p: p.max(axis=1), "shape (4,)"),
    ("6.3", lambda p: p.max(axis=1).mean(), "mean"),
    ("6.3", lambda p: p.max(axis=1).min(), "weakest"),
    ("6.3", lambda p: p.max(axis=1).prod() ** (1 / len(p)), "geometric"),
    ("6.3", lambda p: p.max(axis=0).prod(), "row"),
    ("6.3", lambda p: np.log(p.max(axis=1)).sum(), "exp"),
    ("6.3", lambda p: p.prod(), "all 40"),
    ("6.3", lambda p: 0.5, "is not it"),
    ("6.3", lambda p: p.max(axis=1).prod(), "empty product"),
    ("6.3", lambda p: p.max(axis=1).prod() if len(p) else 0.5, "without digits"),
    ("6.3", lambda p: p.max(axis=1).prod() if len(p) else None, "returns nothing"),
    ("6.4", table(max), "shape (6,)"),
    ("6.4", last_of_table(max, 0.0), "worth 0"),
    ("6.4", lambda *a: max(table(max)(*a)), "worth 0"),
    ("6.4", lambda *a: table(max)(*a)[-2], "too few"),
    ("6.4", last_of_table(np.logaddexp), "sum over all paths"),
    ("6.4", lambda *a: np.exp(best_score(*a)), "a logarithm"),
    ("6.4", last_of_table(min, np.inf), "worst path"),
    ("6.4", lambda found, psi, n: psi.sum(), "all candidates"),
    ("6.4", best_of_each_end, "overlap"),
    ("6.4", lambda found, psi, n: psi[found[:, 1] == n].max(), "last candidate alone"),
    ("6.4", greedy_from_the_left, "at each step"),
    ("6.4", greedy_from_the_right, "at each step"),
    ("6.4", lambda found, psi, n: best_score(found, psi, n) / n, "is not the best score"),
    ("6.4", from_anywhere, "out of reach"),
    ("6.4", where_covered(0.0), "no candidate holds"),
    ("6.4", where_covered(np.nan), "no candidate holds"),
    ("6.4", unless_empty(-np.inf), "path without steps"),
    ("6.5", lambda c, right, limit: c, "shape (10,)"),
    ("6.5", first_crossing, "first mistake"),
    ("6.5", search(np.greater_equal, lambda a, r: np.sum(a & ~r) / len(r)), "accepted fields"),
    ("6.5", search(np.greater_equal, lambda a, r: np.mean(r[a])), "wrong ones"),
    ("6.5", search(np.greater, share_wrong), ">="),
    ("6.5", splitting_ties, "many equal confidences"),
    ("6.5", lambda c, right, limit: 0.77, "the lowest of the confidences"),
    ("6.5", search(np.greater_equal, share_wrong, none=1.0), "np.inf"),
    (
        "6.5",
        lambda c, right, limit: 0.9 if right.all() else choose_threshold(c, right, limit),
        "is not the lowest.",
    ),
]


@pytest.mark.parametrize(("name", "answer", "message"), MISTAKES)
def test_each_mistake_gets_its_own_message(
    name: str, answer: Callable[..., Any], message: str
) -> None:
    with np.errstate(invalid="ignore"):
        verdict = exercises.verdict(name, answer)
    assert verdict.startswith(f"{name}: not yet. ")
    assert message in verdict


@pytest.mark.parametrize("name", SOLUTIONS)
def test_an_answer_that_is_no_function_is_said_to_be_none(name: str) -> None:
    assert "expected a function" in exercises.verdict(name, 3)
