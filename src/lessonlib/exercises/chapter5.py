"""The answer checks of chapter 5, Evaluation."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call

Floats = npt.NDArray[np.float64]


def images_needed(answer: Any) -> str | None:
    """5.1: how many test images an interval of a given width takes."""
    for q, half in ((0.98, 0.002), (0.9, 0.03), (0.5, 0.1)):
        n = call(answer, q, half)
        variance = q * (1 - q)
        exact = 1.96**2 * variance / half**2
        if n == math.ceil(exact):
            continue
        if abs(n - exact) <= 1:
            return "Close: only whole images count, and one too few is too few. Round up."
        one_side = "The half-width is one side of the interval, from its middle to an end."
        for wrong, why in (
            (variance / half**2, "That is one standard error: 95 % takes 1.96 of them."),
            (1.96 * variance / half**2, "Solving (5.2) for n squares the 1.96 too."),
            (1.96**2 * variance / half, "Solving (5.2) for n squares the half-width too."),
            (4 * exact, one_side),
            (exact / 4, one_side),
        ):
            if abs(n - wrong) <= 1:
                return why
        return f"For q = {q} and half = {half} it takes another number of images than {n}."
    return None


def precision_and_recall(answer: Any) -> str | None:
    """5.2: both for one digit, from a confusion matrix."""
    matrix = np.random.default_rng(5).integers(1, 9, (10, 10)) + 90 * np.eye(10, dtype=int)
    for k in (4, 9):
        precision, recall = (float(value) for value in call(answer, matrix, k))
        right, answered, true = matrix[k, k], matrix[:, k].sum(), matrix[k].sum()
        if np.allclose([precision, recall], [right / true, right / answered]):
            return (
                "The two are exchanged: precision divides by what was *answered* k, a column; "
                "recall by what *is* k, a row."
            )
        if not np.isclose(precision, right / answered):
            return f"For k = {k} the recall may be right, but the precision isn't."
        if not np.isclose(recall, right / true):
            return f"For k = {k} the precision is right, but the recall isn't."
    never = matrix.copy()
    never[:, 3] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        values = [float(value) for value in call(answer, never, 3)]
    if values != [0.0, 0.0]:
        return f"A network that never answers 3 should get 0 and 0 for it; you give {values}."
    return None


def choose_threshold(answer: Any) -> str | None:
    """5.3: the lowest threshold that keeps the error among the answers small."""
    # From sure to unsure: the error among the answers is 0, 0, 1/3, 1/4, 1/5, 2/6, 3/7.
    confidence = np.array([0.99, 0.8, 0.95, 0.7, 0.9, 0.6, 0.5])
    correct = np.array([True, True, True, True, False, False, False])
    for target, expected in ((0.2, 0.7), (0.3, 0.7), (0.35, 0.6)):
        threshold = float(call(answer, confidence, correct, target))
        if threshold == 0.99:
            return "0.99 keeps the target, but answers one image: take the lowest that does."
        if threshold == 0.95:
            return (
                "You stop at the first mistake too many, but more answers may bring the error "
                "down again: look at every threshold, and take the lowest that keeps the target."
            )
        if target == 0.2 and threshold == 0.6:
            return "An answer exactly at the threshold is given too: compare with >=, not >."
        if threshold < expected:
            return (
                f"At {threshold} more than {target:.0%} of the answers are wrong. Divide the "
                "mistakes by the images that are answered, not by all."
            )
        if threshold != expected:
            return f"For a target of {target:.0%} the lowest threshold is not {threshold}."
    if call(answer, confidence, np.zeros(7, dtype=bool), 0.1) != math.inf:
        return "Where every answer is wrong no threshold will do: return math.inf."
    tied = np.array([0.9, 0.9, 0.9, 0.9, 0.5])
    if call(answer, tied, np.array([True, True, True, False, False]), 0.1) != math.inf:
        return "Equal confidences pass a threshold together: none of them can be left out."
    return None


def equal_count_error(answer: Any) -> str | None:
    """5.4: a calibration error over bins with equal numbers of images."""
    rng = np.random.default_rng(12)
    confidence = rng.uniform(0.3, 1, 60)
    correct = rng.uniform(size=60) < np.where(confidence > 0.7, confidence - 0.3, 0.75)
    gap = float(call(answer, confidence, correct, 6))
    order = np.argsort(confidence)
    gaps = _gaps(confidence[order], correct[order])
    if np.isclose(gap, abs(gaps).mean()):
        return None
    if np.isclose(gap, abs(_gaps(confidence, correct)).mean()):
        return "Sort by confidence first, or each bin holds sure and unsure images alike."
    if np.isclose(abs(gap), abs(gaps.mean())):
        return "Gaps of either sign cancel: take the absolute value in each bin, then the mean."
    if np.isclose(gap, abs(gaps).sum()):
        return "That is the sum of the gaps; the mean over the images divides by the bins."
    if np.isclose(gap, (gaps**2).mean()) or np.isclose(gap, np.sqrt((gaps**2).mean())):
        return "The gaps are averaged as they are, not squared."
    return f"On 60 images in 6 bins of 10 your answer is {gap:.4f}, which is not the mean gap."


def _gaps(confidence: Floats, correct: npt.NDArray[np.bool_]) -> Floats:
    """Accuracy less mean confidence in six bins, in the order given."""
    gaps: Floats = correct.reshape(6, -1).mean(axis=1) - confidence.reshape(6, -1).mean(axis=1)
    return gaps


CHECKS: dict[str, Check] = {
    "5.1": images_needed,
    "5.2": precision_and_recall,
    "5.3": choose_threshold,
    "5.4": equal_count_error,
}
