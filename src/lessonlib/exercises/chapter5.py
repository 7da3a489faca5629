"""The answer checks of chapter 5, Evaluation."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, Mistake, call

Floats = npt.NDArray[np.float64]


def images_needed(answer: Any) -> str | None:
    """5.1: how many test images an interval of a given width takes."""
    rng = np.random.default_rng(5)
    for q, half in zip(rng.uniform(0.6, 0.98, 4).round(2), (0.02, 0.003, 0.03, 0.1), strict=True):
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
    rng = np.random.default_rng(5)
    for k in (4, 9, 0):
        matrix = rng.integers(1, 9, (10, 10)) + 90 * np.eye(10, dtype=int)
        precision, recall = _two_numbers(call(answer, matrix, k))
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
    never, nowhere = matrix.copy(), matrix.copy()
    never[:, 3] = 0
    nowhere[3] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        values = _two_numbers(call(answer, never, 3))
        if values != (0.0, 0.0):
            return f"A network that never answers 3 should get 0 and 0 for it; you give {values}."
        values = _two_numbers(call(answer, nowhere, 3))
    if values != (0.0, 0.0):
        return f"Where no image is a 3 it should get 0 and 0; you give {values}."
    return None


def _two_numbers(result: Any) -> tuple[float, float]:
    if not isinstance(result, tuple | list | np.ndarray) or len(result) != 2:
        raise Mistake("Return two numbers: the precision and the recall.")
    return float(result[0]), float(result[1])


def choose_threshold(answer: Any) -> str | None:
    """5.3: the lowest threshold that keeps the error among the answers small."""
    rng = np.random.default_rng(5)
    problem = _try_dips(answer, rng)
    if problem is not None:
        return problem
    confidence = _distinct(rng, 7)
    if call(answer, confidence, np.zeros(7, dtype=bool), 0.1) != math.inf:
        return "Where every answer is wrong no threshold will do: return math.inf."
    tied = np.array([0.9, 0.9, 0.9, 0.9, 0.5])
    if call(answer, tied, np.array([True, True, True, False, False]), 0.1) != math.inf:
        return "Equal confidences pass a threshold together: none of them can be left out."
    for _ in range(20):
        confidence, correct = rng.uniform(size=30).round(1), rng.uniform(size=30) < 0.7
        kept = [t for t in confidence if (~correct[confidence >= t]).mean() <= 0.25]
        if call(answer, confidence, correct, 0.25) != min(kept, default=math.inf):
            return "For 30 images with many equal confidences your threshold is another one."
    return None


def _try_dips(answer: Any, rng: np.random.Generator) -> str | None:
    """Try confidences along which the error falls again after the first mistake."""
    # From sure to unsure; the error among the answers is 0, 0, 1/3, 1/4, 1/5, 2/6, 3/7.
    pattern = np.array([True, True, False, True, True, False, False])
    for target, best in ((0.2, 4), (0.3, 4), (0.35, 5)):
        ordered, shuffled = _distinct(rng, 7), rng.permutation(7)
        got = float(call(answer, ordered[shuffled], pattern[shuffled], target))
        if got == ordered[0]:
            return f"{got} keeps the target, but answers one image: take the lowest that does."
        if got == ordered[1]:
            return (
                "You stop at the first mistake too many, but more answers may bring the error "
                "down again: look at every threshold, and take the lowest that keeps the target."
            )
        if target == 0.2 and got == ordered[5]:
            return "An answer exactly at the threshold is given too: compare with >=, not >."
        if got < ordered[best]:
            return (
                f"At {got} more than {target:.0%} of the answers are wrong. Divide the "
                "mistakes by the images that are answered, not by all."
            )
        if got == math.inf:
            return f"For a target of {target:.0%} the lowest threshold is not inf: there is one."
        if got != ordered[best]:
            return f"For a target of {target:.0%} the lowest threshold is not {got}."
    return None


def _distinct(rng: np.random.Generator, n: int) -> Floats:
    """Draw n different confidences, from sure to unsure."""
    return np.sort(rng.choice(np.arange(30, 100), n, replace=False))[::-1] / 100


def equal_count_error(answer: Any) -> str | None:
    """5.4: a calibration error over bins with equal numbers of images."""
    rng = np.random.default_rng(12)
    for n, bins in ((60, 6), (40, 5), (23, 4)):  # the last parts differ in size
        confidence = rng.uniform(0.3, 1, n)
        correct = rng.uniform(size=n) < np.where(confidence > 0.7, confidence - 0.3, 0.75)
        got = float(call(answer, confidence, correct, bins))
        order = np.argsort(confidence)
        gaps, share = _gaps(confidence[order], correct[order], bins)
        if np.isclose(got, abs(gaps) @ share):
            continue
        unsorted, _ = _gaps(confidence, correct, bins)
        if np.isclose(got, abs(unsorted) @ share):
            return "Sort by confidence first, or each bin holds sure and unsure images alike."
        if np.isclose(abs(got), abs(gaps @ share)):
            return "Gaps of either sign cancel: take the absolute value in each bin, then the mean."
        if np.isclose(got, abs(gaps).sum()):
            return "That is the sum of the gaps; the mean over the images divides by the bins."
        if np.isclose(got, abs(gaps) @ share * n):
            return "That is the sum over the images: a factor 1/n is missing."
        if np.isclose(got, gaps**2 @ share) or np.isclose(got, np.sqrt(gaps**2 @ share)):
            return "The gaps are averaged as they are, not squared."
        if np.isclose(got, abs(gaps).mean()):
            return f"{n} images in {bins} bins: the mean is over images, and larger bins have more."
        return f"On {n} images in {bins} bins your answer is {got:.4f}, which is not the mean gap."
    return None


def _gaps(confidence: Floats, correct: npt.NDArray[np.bool_], bins: int) -> tuple[Floats, Floats]:
    """Accuracy less mean confidence in each bin, in the order given, and its share of images."""
    parts = np.array_split(correct - confidence, bins)
    return np.array([p.mean() for p in parts]), np.array([len(p) for p in parts]) / len(correct)


CHECKS: dict[str, Check] = {
    "5.1": images_needed,
    "5.2": precision_and_recall,
    "5.3": choose_threshold,
    "5.4": equal_count_error,
}
