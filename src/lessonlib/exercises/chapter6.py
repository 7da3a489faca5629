"""The answer checks of chapter 6: reading a check."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call

K, R = 0.3, 128  # Sauvola's constants, as the exercise gives them


def check_local_threshold(answer: Any) -> str | None:
    """Exercise 6.1: Sauvola's threshold for the middle of one window."""
    rng = np.random.default_rng(61)
    for size in (5, 5, 7):
        # Bright, so that squares overflow.
        window = rng.integers(140, 250, size=(size, size), dtype=np.uint8)
        problem = _local_threshold_problem(call(answer, window), window)
        if problem is not None:
            return problem
    return None


def _local_threshold_problem(got: Any, window: npt.NDArray[np.uint8]) -> str | None:
    if np.ndim(got) != 0:
        return f"A window has one threshold, a single number, and yours has shape {np.shape(got)}."
    m, s = window.mean(), window.std()
    if np.isnan(got) or np.isclose(got, m * (1 - K)):
        return (
            "The standard deviation came out as NaN or 0. The window is uint8, and there the "
            "square of 200 wraps around: make it float before you square it."
        )
    mistakes = {
        "s is the standard deviation; you took its square, the variance.": (m, s**2),
        "Divide by the number of pixels n for s, not by n - 1.": (m, window.std(ddof=1)),
        "m is the mean of the window; you took the median.": (np.median(window), s),
    }
    for message, (centre, spread) in mistakes.items():
        if np.isclose(got, centre * (1 + K * (spread / R - 1))):
            return message
    if np.isclose(got, m * (1 - K * (s / R - 1))) or np.isclose(got, m * (1 + K * (s / R + 1))):
        return "A sign is wrong: on bare paper, s is 0 and the threshold must lie below the mean."
    if np.isclose(got, m * (1 + K * s / R)):
        return "The - 1 is missing: on bare paper your threshold is the mean itself."
    if np.isclose(got, 1 + K * (s / R - 1)):
        return "That is the factor in brackets: multiply it by the mean."
    if not np.isclose(got, m * (1 + K * (s / R - 1))):
        return f"With mean {m:.1f} and standard deviation {s:.1f}, {float(got):.2f} is not it."
    return None


def check_centre_of_mass(answer: Any) -> str | None:
    """Exercise 6.2: the centre of mass of an image, also of an empty one."""
    rng = np.random.default_rng(62)
    for shape in ((12, 20), (28, 28), (14, 9)):
        image = np.zeros(shape, dtype=np.uint8)
        top, left = rng.integers(0, 4, size=2)
        image[top : top + 6, left : left + 5] = rng.integers(1, 256, size=(6, 5))
        image[top : top + 2, left : left + 3] = 0  # a shape unlike its box
        problem = _centre_problem(call(answer, image), image)
        if problem is not None:
            return problem
        problem = _empty_centre_problem(answer, *shape)
        if problem is not None:
            return problem
    return None


def _centre_problem(result: Any, image: npt.NDArray[np.uint8]) -> str | None:
    got = np.asarray(result, dtype=np.float64)
    if got.shape != (2,):
        return f"The answer is a pair (row, column), and yours has shape {got.shape}."
    total = image.sum()
    rows, columns = np.nonzero(image)
    row = (image.sum(axis=1) * np.arange(image.shape[0])).sum() / total
    column = (image.sum(axis=0) * np.arange(image.shape[1])).sum() / total
    if np.allclose(got, (row, column)):
        return None
    mistakes: dict[str, tuple[Any, Any]] = {
        "These are column and row: the row comes first.": (column, row),
        "Divide by the sum of all pixels, else twice the ink lies twice as far.": (
            row * total,
            column * total,
        ),
        "Rows and columns are counted from 0.": (row + 1, column + 1),
        "You counted every pixel that has ink alike: weight each with its value.": (
            rows.mean(),
            columns.mean(),
        ),
        "That is the middle of the box around the ink, not the centre of its mass.": (
            (rows.min() + rows.max()) / 2,
            (columns.min() + columns.max()) / 2,
        ),
        "You divided by the number of pixels: divide by the sum of their values.": (
            row * total / image.size,
            column * total / image.size,
        ),
    }
    for message, wrong in mistakes.items():
        if np.allclose(got, wrong):
            return message
    return f"({got[0]:.2f}, {got[1]:.2f}) is not the mean of the positions, weighted with ink."


def _empty_centre_problem(answer: Any, height: int, width: int) -> str | None:
    with np.errstate(all="ignore"):  # 0 / 0 is the mistake looked for
        got = np.asarray(call(answer, np.zeros((height, width), dtype=np.uint8)), dtype=np.float64)
    middle = ((height - 1) / 2, (width - 1) / 2)
    if got.shape != (2,):
        return f"Without ink the answer is a pair too, and yours has shape {got.shape}."
    if np.isnan(got).any():
        return "Without ink you divide 0 by 0, which is NaN: return the middle of the image then."
    if np.allclose(got, (height / 2, width / 2)):
        return "Without ink, the middle lies between the first row, which is 0, and the last."
    if not np.allclose(got, middle):
        return (
            f"Without ink, return the middle of the image: ({got[0]:g}, {got[1]:g}) is not that "
            f"of {height} rows and {width} columns."
        )
    return None


def check_field_confidence(answer: Any) -> str | None:
    """Exercise 6.3: how sure a field is, from its digits' probabilities."""
    rng = np.random.default_rng(63)
    for n in (4, 2, 7):
        probabilities = rng.dirichlet(np.full(10, 0.2), size=n)
        problem = _field_confidence_problem(call(answer, probabilities), probabilities)
        if problem is not None:
            return problem
    empty = call(answer, np.zeros((0, 10)))
    if np.isclose(empty, 1):
        return "A field in which nothing was found got 1: the empty product. It must get 0."
    return None if empty == 0 else f"A field without digits must get 0, and yours gives {empty}."


def _field_confidence_problem(got: Any, probabilities: npt.NDArray[np.float64]) -> str | None:
    if np.ndim(got) != 0:
        return f"A field has one confidence, a single number, and yours has shape {np.shape(got)}."
    best = probabilities.max(axis=1)
    if np.isclose(got, best.prod()):
        return None
    mistakes = {
        "That is the mean. The whole text is right only if every digit is.": best.mean(),
        "That is the weakest digit's. The others may be wrong too.": best.min(),
        "That is the geometric mean: the product alone is the probability of the text.": (
            best.prod() ** (1 / len(best))
        ),
        "You took the maximum of each column; a digit's probabilities are a row.": (
            probabilities.max(axis=0).prod()
        ),
        "That is the logarithm of the probability: take exp of it.": np.log(best).sum(),
        f"You multiplied all {probabilities.size} numbers: take the largest of each row first.": (
            probabilities.prod()
        ),
    }
    for message, wrong in mistakes.items():
        if np.isclose(got, wrong, rtol=1e-6, atol=0):
            return message
    return f"For digits that are right with {best.round(3)}, {float(got):.4f} is not it."


def check_best_score(answer: Any) -> str | None:
    """Exercise 6.4: the best score of a path over all primitives."""
    rng = np.random.default_rng(641)
    for primitives in (5, 3, 8):
        found = _all_runs(primitives, longest=3)
        psi = -rng.uniform(0.1, 4, size=len(found))
        got = call(answer, found, psi, primitives)
        if np.ndim(got) != 0:
            return f"The best score is a single number, and yours has shape {np.shape(got)}."
        problem = _best_score_problem(float(got), found, psi, primitives)
        if problem is not None:
            return problem
    # Nothing ends at 2, so the candidate that begins there is on no path.
    found = np.array([(0, 1), (1, 3), (2, 3), (3, 4)])
    psi = np.array([-0.5, -2.5, -0.1, -0.75])
    got = float(call(answer, found, psi, 4))
    if not np.isclose(got, psi[[0, 1, 3]].sum()):
        return (
            "Where no candidate ends, no path ends, and what begins there is out of reach: with "
            f"the candidates {found.tolist()} your best score is {got:g}."
        )
    found, psi = np.array([(0, 1), (2, 3)]), np.array([-0.5, -0.25])
    got = float(call(answer, found, psi, 3))
    if got != -np.inf:
        return (
            f"No path covers a primitive that no candidate holds: there {got:g} is not the score."
        )
    got = float(call(answer, np.zeros((0, 2), dtype=np.int64), np.zeros(0), 0))
    if got != 0:
        return f"Without primitives the path without steps covers all: {got:g} is not its score."
    return None


def _all_runs(primitives: int, longest: int) -> npt.NDArray[np.int64]:
    """List all runs of neighbouring primitives, as candidates: ordered by their ends."""
    ends = range(1, primitives + 1)
    runs = [
        (start, end) for end in ends for start in range(end - 1, -1, -1) if end - start <= longest
    ]
    return np.array(runs, dtype=np.int64)


def _fill(
    found: npt.NDArray[np.int64],
    psi: npt.NDArray[np.float64],
    primitives: int,
    choose: Callable[[float, float], float],
    nothing: float = -np.inf,
) -> list[float]:
    """Fill a table as that of equation 6.6 with another choice than the maximum."""
    table = [0.0] + [nothing] * primitives
    for (start, end), own in zip(found.tolist(), psi.tolist(), strict=True):
        table[end] = float(choose(table[end], table[start] + own))
    return table


def _greedy(
    found: npt.NDArray[np.int64], psi: npt.NDArray[np.float64], begin: int, stop: int
) -> float:
    """Score the path that takes the most probable candidate at each step, from either end."""
    here, there = (0, 1) if begin < stop else (1, 0)
    score, place = 0.0, begin
    while place != stop:
        number = max(np.flatnonzero(found[:, here] == place), key=lambda j: psi[j])
        score, place = score + psi[number], int(found[number, there])
    return float(score)


def _best_score_problem(
    got: float, found: npt.NDArray[np.int64], psi: npt.NDArray[np.float64], primitives: int
) -> str | None:
    table = _fill(found, psi, primitives, max)
    best = table[-1]
    if np.isclose(got, best):
        return None
    at_ends = [psi[found[:, 1] == end].max() for end in range(1, primitives + 1)]
    greedy = "You take the most probable candidate at each step, but it may force a bad next one."
    mistakes: list[tuple[str, float]] = [
        (
            "0 is the score of no step at all. Is a place that no path has reached yet worth 0?",
            0.0,
        ),
        ("That is the V of one primitive too few.", table[-2]),
        (
            "That is the logarithm of the sum over all paths, not the best one's score.",
            _fill(found, psi, primitives, np.logaddexp)[-1],
        ),
        ("That is the probability of the best path, and its score is a logarithm.", np.exp(best)),
        (
            "That is the worst path: of two negative numbers, which is the better score?",
            _fill(found, psi, primitives, min, np.inf)[-1],
        ),
        ("You added up all candidates, and a path takes each primitive once.", psi.sum()),
        (
            "You added the best candidate of every end: they overlap, and are no path.",
            float(np.sum(at_ends)),
        ),
        ("That is the last candidate alone: what comes before it must be read, too.", at_ends[-1]),
        (greedy, _greedy(found, psi, 0, primitives)),
        (greedy, _greedy(found, psi, primitives, 0)),
    ]
    for message, wrong in mistakes:
        if np.isclose(got, wrong):
            return message
    return (
        f"For {primitives} primitives and all runs of up to three, {got:.2f} is not the best score."
    )


def check_choose_threshold(answer: Any) -> str | None:
    """Exercise 6.5: the lowest threshold that keeps the error among accepted fields down."""
    rng = np.random.default_rng(64)
    for _ in range(2):
        problem = _try_dips(answer, rng)
        if problem is not None:
            return problem
    confidence = rng.permutation(np.arange(30, 100, 7)) / 100
    got = call(answer, confidence, np.zeros(10, dtype=bool), 0.2)
    if got != np.inf:
        return f"Where no threshold is good enough, accept nothing: return np.inf, not {got}."
    got = call(answer, confidence, np.ones(10, dtype=bool), 0.0)
    if got != confidence.min():
        return f"Where every field is right, all can be accepted: {got} is not the lowest."
    for _ in range(20):
        confidence, correct = rng.uniform(size=30).round(1), rng.uniform(size=30) < 0.7
        kept = [t for t in confidence if (~correct[confidence >= t]).mean() <= 0.25]
        if call(answer, confidence, correct, 0.25) != min(kept, default=np.inf):
            return "For 30 fields with many equal confidences your threshold is another one."
    return None


def _try_dips(answer: Any, rng: np.random.Generator) -> str | None:
    """Try confidences along which the error falls again after the first mistake."""
    # From sure to unsure; wrong of accepted: 0/1, 1/2, 1/3, 1/5 twice, 2/6, 3/7, 4/8, 4/9, 5/10.
    correct = np.array([True, False, True, True, True, False, False, False, True, False])
    values = np.sort(rng.choice(np.arange(20, 100), 9, replace=False))[::-1] / 100
    ordered, shuffled = values[[0, 1, 2, 3, 3, 4, 5, 6, 7, 8]], rng.permutation(10)
    got = call(answer, ordered[shuffled], correct[shuffled], 0.3)
    if np.ndim(got) != 0:
        return f"The answer is one threshold, and yours has shape {np.shape(got)}."
    got = float(got)
    if got == values[0]:
        return (
            "You stop at the first mistake. Further down the error falls below the limit again, "
            "and every field more that is accepted is worth having."
        )
    if got == values[5]:
        return (
            "Divide the wrong ones by the number of accepted fields, not of all: turning fields "
            "away does not make the accepted ones better."
        )
    if got in (values[4], values[2]):
        return "A field whose confidence is the threshold itself is accepted: compare with >=."
    if got == np.inf:
        return "There is a threshold that keeps the limit. Is it the wrong ones that you count?"
    if got != values[3]:
        return f"{got:g} is not the lowest of the confidences that keeps the limit."
    return None


CHECKS: dict[str, Check] = {
    "6.1": check_local_threshold,
    "6.2": check_centre_of_mass,
    "6.3": check_field_confidence,
    "6.4": check_best_score,
    "6.5": check_choose_threshold,
}
