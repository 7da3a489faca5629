"""Checks on evaluation: how many images, precision and recall, a threshold, a calibration error.

Each check tries all its inputs before it judges. A mistake is named only where it explains
every result; otherwise the message states a fact about the first result that is wrong.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import compress, takewhile
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call, new_rng
from lessonlib.exercises.answers import Mistake, Named, close, number, usual_mistake

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Exam = tuple[Floats, Bools, float]  # confidence, correct, target
Sample = tuple[Floats, Bools, int]  # confidence, correct, bins


# ---------------------------------------------------------------- how many test images

# With 625 images the half-width is exactly `half`, also in floats, however (N.2) is solved.
BORDER = (0.5, 0.0392)
# Above and below one half, with a part after the point that is small and large, and one for
# which a single image is enough. None but BORDER is near a whole number, where rounding decides.
PLANS = (
    *((0.9, 0.02), (0.83, 0.008), (0.97, 0.01), (0.2, 0.05)),
    *((0.08, 0.03), (0.5, 0.06), (0.75, 0.1), (0.6, 0.97), BORDER),
)


def check_images_needed(answer: Any) -> str | None:
    """Compare with the smallest number for which the half-width of (N.2) is small enough."""
    plans = [*PLANS, *_plans(new_rng(6))]
    results = [number(call(answer, *plan), "The number of images") for plan in plans]
    for got, plan in zip(results, plans, strict=True):
        if got != math.ceil(_images(*plan)):
            usual = usual_mistake(results, plans, PLANNING_MISTAKES, _within_one)
            return usual or _planning_problem(got, *plan)
    return None


def _plans(rng: np.random.Generator) -> list[tuple[float, float]]:
    """Draw plans; like PLANS, they are far enough from a whole number for 1.959964 too."""
    accuracies = rng.uniform(0.05, 0.95, 100).round(2).tolist()
    halves = rng.uniform(0.015, 0.1, 100).round(3).tolist()
    plans = zip(accuracies, halves, strict=True)
    return [plan for plan in plans if 0.2 < _images(*plan) % 1 < 0.8][:6]


def _images(q: float, half: float) -> float:
    return 1.96**2 * q * (1 - q) / half**2


def _within_one(got: float, wanted: float) -> bool:
    """Compare two numbers of images; whether one was rounded, and how, is another question."""
    return abs(got - wanted) <= 1


ONE_SIDE = "The half-width is one side of the interval, from its middle to an end."
PLANNING_MISTAKES: list[Named] = [
    (lambda q, h: q * (1 - q) / h**2, "That is for one standard error; 95 % takes 1.96 of them."),
    (lambda q, h: 1.96 * q * (1 - q) / h**2, "Solving (N.2) for n squares the 1.96 too."),
    (lambda q, h: 1.96**2 * q * (1 - q) / h, "Solving (N.2) for n squares the half-width too."),
    (lambda q, h: 1.96 * math.sqrt(q * (1 - q)) / h, "In (N.2) n stands under the root."),
    (lambda q, h: 1.96**2 * q / h**2, "Under the root of (N.2) stands q (1 - q), not q."),
    (lambda q, h: _images(0.5, h), "That is the number for q = 0.5, whatever q is given."),
    (lambda q, h: 4 * q * (1 - q) / h**2, "You take 2 standard errors; (N.2) takes 1.96."),
    (lambda q, h: _images(q, h / 2), ONE_SIDE),
    (lambda q, h: _images(q, 2 * h), ONE_SIDE),
]


def _planning_problem(got: float, q: float, half: float) -> str:
    """State what is wrong with one number of images, whatever led to it."""
    where, exact = f"For q = {q} and half = {half}", _images(q, half)
    if abs(got - exact) >= 2 or not math.isfinite(got):
        return f"{where} it takes another number of images than {got:.10g}."
    if got != math.floor(got):
        return f"{where} you are close, but {got:.10g} is no whole number."
    if got < exact:
        return f"{where} you are close, but with {got:.10g} images the half-width is too large."
    return f"{where} you are close, but fewer than {got:.10g} images are enough."


# ---------------------------------------------------------------- precision and recall

Shares = tuple[float, float]  # precision and recall
Counts = tuple[int, int, int, int]  # images of k called k, images called k, of k, and all


def check_precision_and_recall(answer: Any) -> str | None:
    """Compare with (N.5) for one digit, also for one that is never answered or isn't there."""
    cases = list(_matrices(new_rng(5)))
    with np.errstate(divide="ignore", invalid="ignore"):
        results = [_two_numbers(call(answer, matrix, k)) for matrix, k in cases]
    counts = [_counts(matrix, k) for matrix, k in cases]
    for got, count, (_, k) in zip(results, counts, cases, strict=True):
        right, called, true, _ = count
        shares = right / max(called, 1), right / max(true, 1)
        if not close(got, shares):
            # Elsewhere some mistakes divide by 0, or give what is right.
            usual = [r < min(c, t) for r, c, t, _ in counts]
            return usual_mistake(
                list(compress(results, usual)), list(compress(counts, usual)), SHARE_MISTAKES
            ) or _share_problem(got, shares, count, k)
    return None


def _matrices(rng: np.random.Generator) -> Iterator[tuple[Ints, int]]:
    """Draw confusion matrices, and a digit: mostly right, mostly wrong, with empty lines."""
    for k in (4, 9, 0, 3):
        yield rng.integers(1, 9, (10, 10)) + 90 * np.eye(10, dtype=np.int64), k
    for k in (7, 2):
        yield rng.integers(1, 30, (10, 10)), k  # where the diagonal isn't the largest
    matrix = rng.integers(1, 9, (10, 10))
    never, absent, neither = matrix.copy(), matrix.copy(), matrix.copy()
    never[:, 3] = 0
    absent[5] = 0
    neither[8] = neither[:, 8] = 0
    yield from ((never, 3), (absent, 5), (neither, 8))
    all_wrong = matrix.copy()
    all_wrong[6, 6] = 0  # answered and there, but never rightly
    yield all_wrong, 6
    yield np.diag(rng.integers(1, 9, 10)), 1


def _two_numbers(result: Any) -> Shares:
    if isinstance(result, dict | set | str) or np.shape(result) != (2,):
        raise Mistake("Return two numbers: the precision and the recall.")
    first, second = result
    return number(first, "The precision"), number(second, "The recall")


def _counts(matrix: Ints, k: int) -> Counts:
    return matrix[k, k], matrix[:, k].sum(), matrix[k].sum(), matrix.sum()


SHARE_MISTAKES: list[Named] = [
    (
        lambda right, called, true, total: (right / true, right / called),
        "The two are exchanged: look up in (N.5) which of them adds up a row of the matrix, and "
        "which a column.",
    ),
    (
        lambda right, called, true, total: (right / total, right / total),
        "You divide by the number of all images.",
    ),
    (
        lambda right, called, true, total: (right / (called - right), right / (true - right)),
        "The sums of (N.5) contain the right answers too.",
    ),
    (
        lambda right, called, true, total: (100 * right / called, 100 * right / true),
        "Return shares from 0 to 1, not percentages.",
    ),
    (
        lambda right, called, true, total: (right / called, right / called),
        "Both of your numbers are the precision.",
    ),
    (
        lambda right, called, true, total: (right / true, right / true),
        "Both of your numbers are the recall.",
    ),
]


def _share_problem(got: Shares, shares: Shares, count: Counts, k: int) -> str:
    """State what is wrong with one precision and recall, whatever led to them."""
    (precision, recall), (_, called, true, _) = got, count
    if called == 0 and precision != 0:
        return f"For a network that never answers {k} the precision is not {precision:.4g}."
    if true == 0 and recall != 0:
        return f"Where no image is a {k} the recall is not {recall:.4g}."
    if any(got == tuple(round(float(share), digits) for share in shares) for digits in range(6)):
        return f"For k = {k} you round: return the shares as they are."
    where = f"For k = {k} you give {precision:.4g} and {recall:.4g}, and"
    if close(precision, shares[0]):
        return f"{where} the recall is not right."
    if close(recall, shares[1]):
        return f"{where} the precision is not right."
    return f"{where} neither number is right."


# ---------------------------------------------------------------- a threshold

Errors = Iterable[tuple[float, float]]  # thresholds, and the share of wrong answers with each


def check_threshold(answer: Any) -> str | None:
    """Compare with the lowest threshold that keeps the error among the answers small."""
    exams = list(_exams(new_rng(5)))
    results = [number(call(answer, *exam), "The threshold") for exam in exams]
    for got, exam in zip(results, exams, strict=True):
        if not close(got, _threshold(*exam)):
            usual = usual_mistake(results, exams, THRESHOLD_MISTAKES)
            return usual or _threshold_problem(got, *exam)
    return None


def _exams(rng: np.random.Generator) -> Iterator[Exam]:
    """Draw images on which the mistakes differ; a share is exactly the target in some.

    Shares that equal their target are 1/4 or 1/2, which floats hold exactly, however they
    are computed.
    """
    # From sure to unsure; the error among the answers is 0, 0, 1/3, 1/4, 1/5, 2/6, 3/7.
    dips = np.array([True, True, False, True, True, False, False])
    for target in (0.21, 0.26, 0.35, 0.45, 0.0, 0.1):
        yield _shuffled(rng, dips, target)
    yield _shuffled(rng, np.array([True, True, False, True, False, False, False]), 0.25)
    yield _shuffled(rng, np.array([False, True, False, False, False]), 0.5)
    yield _shuffled(rng, np.ones(6, dtype=bool), 0.0)
    yield _shuffled(rng, np.zeros(7, dtype=bool), 0.1)
    yield np.array([0.9, 0.9, 0.9, 0.9, 0.5]), np.array([True, True, True, False, False]), 0.1
    yield np.array([0.62]), np.array([True]), 0.02
    yield np.array([0.62]), np.array([False]), 0.02
    for i in range(30):
        n = int(rng.integers(2, 31))
        confidence = rng.uniform(0.05, 1, n).round(1 + i % 3)
        kind = np.float32 if i % 2 else np.float64
        yield confidence.astype(kind), rng.uniform(size=n) < 0.75, (0.25, 0.5, 0.13)[i % 3]


def _shuffled(rng: np.random.Generator, correct: Bools, target: float) -> Exam:
    """Give images, listed from sure to unsure, different confidences, and mix them."""
    n = len(correct)
    confidence = np.sort(rng.choice(np.arange(30, 100), n, replace=False))[::-1] / 100
    order = rng.permutation(n)
    return confidence[order], correct[order], target


def _lowest(errors: Errors, target: float) -> float:
    return min((float(t) for t, error in errors if error <= target), default=math.inf)


def _errors(confidence: Floats, correct: Bools) -> list[tuple[float, float]]:
    """List each confidence, from the highest down, and the share of wrong answers from it on."""
    levels = np.unique(confidence)[::-1]
    return [(float(t), float((~correct[confidence >= t]).mean())) for t in levels]


def _threshold(confidence: Floats, correct: Bools, target: float) -> float:
    return _lowest(_errors(confidence, correct), target)


def _below_target(confidence: Floats, correct: Bools, target: float) -> float:
    errors = _errors(confidence, correct)
    return min((t for t, error in errors if error < target), default=math.inf)


def _up_to_first_excess(confidence: Floats, correct: Bools, target: float) -> float:
    errors = _errors(confidence, correct)
    return _lowest(takewhile(lambda pair: pair[1] <= target, errors), target)


def _above_threshold(confidence: Floats, correct: Bools, target: float) -> float:
    levels = np.unique(confidence)[:-1]  # above the highest there is no image
    return _lowest(((t, (~correct[confidence > t]).mean()) for t in levels), target)


def _of_all_images(confidence: Floats, correct: Bools, target: float) -> float:
    levels = np.unique(confidence)
    return _lowest(((t, (~correct & (confidence >= t)).mean()) for t in levels), target)


def _ties_split(confidence: Floats, correct: Bools, target: float) -> float:
    order = np.argsort(-confidence, kind="stable")
    errors = np.cumsum(~correct[order]) / np.arange(1, len(order) + 1)
    return _lowest(zip(confidence[order], errors, strict=True), target)


def _highest(confidence: Floats, correct: Bools, target: float) -> float:
    errors = _errors(confidence, correct)
    return max((t for t, error in errors if error <= target), default=math.inf)


THRESHOLD_MISTAKES: list[Named] = [
    (_below_target, "A share of wrong answers that is exactly the target is allowed too."),
    (
        _up_to_first_excess,
        "You stop at the first mistake too many, but further down the error may fall again.",
    ),
    (_above_threshold, "An image whose confidence is exactly the threshold is answered too."),
    (_of_all_images, "You divide the mistakes by all images, not by those that are answered."),
    (_ties_split, "Equal confidences pass a threshold together: none of them can be left out."),
    (_highest, "You return the highest of the thresholds that keep the target."),
]


def _threshold_problem(got: float, confidence: Floats, correct: Bools, target: float) -> str:
    """State what is wrong with one threshold, whatever led to it."""
    n, best = len(confidence), _threshold(confidence, correct, target)
    where = f"For {n} image{'s' if n > 1 else ''} and a target of {target:g}"
    if math.isinf(got):
        return f"{where} you return {got}, but there is a threshold that keeps the target."
    if math.isinf(best):
        return f"{where} you return {got:.6g}, but no threshold keeps the target."
    if not any(close(got, t) for t in confidence):
        return f"{where} you return {got:.6g}, which is none of the confidences."
    answered = confidence >= min(confidence, key=lambda t: abs(t - got))
    mistakes = int((~correct[answered]).sum())
    if mistakes > target * answered.sum():
        return (
            f"{where} you return {got:.6g}. The share of wrong answers at or above it is "
            f"{mistakes}/{answered.sum()}, which is more than the target."
        )
    return f"{where} you return {got:.6g}, which keeps the target, but so does a lower confidence."


# ---------------------------------------------------------------- a calibration error

# Each image's correctness less its confidence, in some order.
Order = Callable[[Floats, Bools], Floats]
# An error from the gap of each part, its accuracy less its mean confidence, and its images.
PartsError = Callable[[Floats, Ints], float | np.floating[Any]]


def check_equal_count_error(answer: Any) -> str | None:
    """Compare with the calibration error over bins with equal numbers of images."""
    samples = list(_samples(new_rng(12)))
    results = [number(call(answer, *sample), "The error") for sample in samples]
    for got, sample in zip(results, samples, strict=True):
        # Either direction of sorting is right: it decides which parts are the larger ones.
        right = [_over_parts(order, _mean_gap)(*sample) for order in (_up, _down)]
        if not any(close(got, error) for error in right):
            unsigned = [abs(result) for result in results]  # a mean of signed gaps may be negative
            usual = usual_mistake(unsigned, samples, GAP_MISTAKES)
            return usual or _gap_problem(got, right[0], sample)
    return None


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    """Draw images: parts of one size and of two sizes, one part, and as many as images."""
    for n, bins in ((60, 6), (23, 4), (40, 7), (11, 1), (9, 9), (9, 8), (31, 10)):
        confidence = rng.uniform(0.3, 1, n)  # no two are equal
        correct = rng.uniform(size=n) < np.where(confidence > 0.7, confidence - 0.3, 0.75)
        yield confidence, correct, bins


def _up(confidence: Floats, correct: Bools) -> Floats:
    """List the images from unsure to sure."""
    return (correct - confidence)[np.argsort(confidence)]


def _down(confidence: Floats, correct: Bools) -> Floats:
    return _up(confidence, correct)[::-1]


def _over_parts(order: Order, error: PartsError) -> Callable[[Floats, Bools, int], float]:
    """Make the function of a sample that cuts it into parts and takes an error from them."""

    def of_sample(confidence: Floats, correct: Bools, bins: int) -> float:
        parts = np.array_split(order(confidence, correct), bins)
        gap, size = np.array([p.mean() for p in parts]), np.array([p.size for p in parts])
        return float(error(gap, size))

    return of_sample


def _mean_gap(gap: Floats, size: Ints) -> float:
    return float(np.average(abs(gap), weights=size))


def _mean_of_parts(gap: Floats, size: Ints) -> float:
    return float(abs(gap).mean())


def _equal_widths(confidence: Floats, correct: Bools, bins: int) -> float:
    b = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(b, correct - confidence, bins)
    return float(abs(gaps).sum() / len(confidence))


def _rest_left_out(order: Order) -> Callable[[Floats, Bools, int], float]:
    """Make the mistake that takes as many images for each part as all parts can have."""

    def of_sample(confidence: Floats, correct: Bools, bins: int) -> float:
        kept = order(confidence, correct)[: len(confidence) // bins * bins]
        return float(abs(kept.reshape(bins, -1).mean(axis=1)).mean())

    return of_sample


CANCELLING = "Gaps of either sign cancel: each part has its own absolute value."
SQUARED = "The gaps are averaged as they are, not squared."
PART_MISTAKES: list[tuple[PartsError, str]] = [
    (lambda gap, size: abs(np.average(gap, weights=size)), CANCELLING),
    (lambda gap, size: abs(gap.mean()), CANCELLING),
    (_mean_of_parts, "You average over the parts, but the larger parts hold more of the images."),
    (
        lambda gap, size: abs(gap).sum(),
        "You add up the gaps of the parts; asked is a mean over the images.",
    ),
    (lambda gap, size: (abs(gap) * size).sum(), "That is the sum over the images, not the mean."),
    (lambda gap, size: abs(gap).max(), "That is the largest gap, not the mean."),
    (lambda gap, size: np.average(gap**2, weights=size), SQUARED),
    (lambda gap, size: math.sqrt(np.average(gap**2, weights=size)), SQUARED),
]
UNSORTED = "You don't sort, so each part holds sure and unsure images alike."
ONE_SORTED = "You sort the confidences alone: `correct` no longer belongs to the same images."
WRONG_ORDERS: list[tuple[Order, str]] = [
    (lambda confidence, correct: correct - confidence, UNSORTED),
    (lambda confidence, correct: correct - np.sort(confidence), ONE_SORTED),
    (lambda confidence, correct: correct - np.sort(confidence)[::-1], ONE_SORTED),
]
GAP_MISTAKES: list[Named] = [
    *((_over_parts(order, error), text) for error, text in PART_MISTAKES for order in (_up, _down)),
    *(
        (_rest_left_out(order), "Where the parts can't be equal you leave some images out.")
        for order in (_up, _down)
    ),
    (_equal_widths, "Your parts are equally wide, and should hold equally many images."),
    *(
        (_over_parts(order, error), text)
        for order, text in WRONG_ORDERS
        for error in (_mean_gap, _mean_of_parts)
    ),
]


def _gap_problem(got: float, right: float, sample: Sample) -> str:
    """State what is wrong with one error, whatever led to it."""
    confidence, _, bins = sample
    where = f"For {len(confidence)} images in {bins} part{'s' if bins > 1 else ''}"
    if any(got == round(right, digits) for digits in range(7)):
        return f"{where} you round: return the mean gap as it is."
    return f"{where} the mean gap is not {got:.4g}."


# In the order of the exercises.
CHECKS: list[Check] = [
    check_images_needed,
    check_precision_and_recall,
    check_threshold,
    check_equal_count_error,
]
