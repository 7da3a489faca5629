"""The answer checks of chapter 5, Evaluation.

Each check tries all its inputs before it judges. A mistake is named only where it explains
every result; otherwise the message states a fact about the first result that is wrong.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, Mistake, call, number

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]
Exam = tuple[Floats, Bools, float]  # confidence, correct, target
Sample = tuple[Floats, Bools, int]  # confidence, correct, bins

CLOSE = 1e-5  # relative: float32 is close enough


# --------------------------------------------------------------------------- 5.1

# With 625 images the half-width is exactly `half`, also in floats, however (5.2) is solved.
BORDER = (0.5, 0.0392)
# Above and below one half, with a part after the point that is small and large, and one for
# which a single image is enough. None but BORDER is near a whole number, where rounding decides.
PLANS = (
    *((0.9, 0.02), (0.83, 0.008), (0.97, 0.01), (0.2, 0.05)),
    *((0.08, 0.03), (0.5, 0.06), (0.75, 0.1), (0.6, 0.97), BORDER),
)
PLANNING_MISTAKES: list[tuple[Callable[[float, float], float], str]] = [
    (lambda q, h: q * (1 - q) / h**2, "That is for one standard error; 95 % takes 1.96 of them."),
    (lambda q, h: 1.96 * q * (1 - q) / h**2, "Solving (5.2) for n squares the 1.96 too."),
    (lambda q, h: 1.96**2 * q * (1 - q) / h, "Solving (5.2) for n squares the half-width too."),
    (lambda q, h: 1.96 * math.sqrt(q * (1 - q)) / h, "In (5.2) n stands under the root."),
    (lambda q, h: 1.96**2 * q / h**2, "Under the root of (5.2) stands q (1 - q), not q."),
    (lambda q, h: 0.25 * 1.96**2 / h**2, "That is the number for q = 0.5, whatever q is given."),
    (lambda q, h: 4 * q * (1 - q) / h**2, "You take 2 standard errors; (5.2) takes 1.96."),
    *(
        (
            lambda q, h, f=factor: f * 1.96**2 * q * (1 - q) / h**2,
            "The half-width is one side of the interval, from its middle to an end.",
        )
        for factor in (4, 0.25)
    ),
]


def images_needed(answer: Any) -> str | None:
    """5.1: how many test images an interval of a given width takes."""
    numbers = [number(call(answer, *plan), "The number of images") for plan in PLANS]
    exact = [1.96**2 * q * (1 - q) / half**2 for q, half in PLANS]
    wrong = [i for i, n in enumerate(numbers) if n != math.ceil(exact[i])]
    if not wrong:
        return None
    for rule, message in PLANNING_MISTAKES:
        # Whether it was rounded, and how, is another question.
        if all(abs(n - rule(*plan)) <= 1 for n, plan in zip(numbers, PLANS, strict=True)):
            return message
    n, right, (q, half) = numbers[wrong[0]], exact[wrong[0]], PLANS[wrong[0]]
    where = f"For q = {q} and half = {half}"
    if abs(n - right) >= 2 or not math.isfinite(n):
        return f"{where} it takes another number of images than {n:.10g}."
    if n != math.floor(n):
        return f"{where} you are close, but {n:.10g} is no whole number."
    if n < right:
        return f"{where} you are close, but with {n:.10g} images the half-width is too large."
    return f"{where} you are close, but fewer than {n:.10g} images are enough."


# --------------------------------------------------------------------------- 5.2

Shares = tuple[float, float]  # precision and recall
SHARE_MISTAKES: list[tuple[Callable[[float, float, float, float], Shares], str]] = [
    (
        lambda right, called, true, n: (right / true, right / called),
        "The two are exchanged: look up in (5.5) which of them adds up a row of the matrix, and "
        "which a column.",
    ),
    (
        lambda right, called, true, n: (right / n, right / n),
        "You divide by the number of all images.",
    ),
    (
        lambda right, called, true, n: (right / (called - right), right / (true - right)),
        "The sums of (5.5) contain the right answers too.",
    ),
    (
        lambda right, called, true, n: (100 * right / called, 100 * right / true),
        "Return shares from 0 to 1, not percentages.",
    ),
    (
        lambda right, called, true, n: (right / called, right / called),
        "Both of your numbers are the precision.",
    ),
    (
        lambda right, called, true, n: (right / true, right / true),
        "Both of your numbers are the recall.",
    ),
]


def precision_and_recall(answer: Any) -> str | None:
    """5.2: both for one digit, from a confusion matrix."""
    cases = list(_matrices(np.random.default_rng(5)))
    with np.errstate(divide="ignore", invalid="ignore"):
        results = [_two_numbers(call(answer, matrix, k)) for matrix, k in cases]
    counts = [_counts(matrix, k) for matrix, k in cases]
    expected = [(r / max(c, 1), r / max(t, 1)) for r, c, t, _ in counts]
    wrong = [i for i, got in enumerate(results) if not _close(got, expected[i])]
    if not wrong:
        return None
    usual = [i for i, (right, called, true, _) in enumerate(counts) if right < min(called, true)]
    for rule, message in SHARE_MISTAKES:
        if all(_close(results[i], rule(*counts[i])) for i in usual):
            return message
    i = wrong[0]
    return _share_problem(results[i], expected[i], counts[i], cases[i][1])


def _matrices(rng: np.random.Generator) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
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


def _counts(matrix: npt.NDArray[np.int64], k: int) -> tuple[float, float, float, float]:
    """Images of k called k, images called k, images of k, and all images."""
    return matrix[k, k], matrix[:, k].sum(), matrix[k].sum(), matrix.sum()


def _two_numbers(result: Any) -> Shares:
    if isinstance(result, dict | set | str) or np.shape(result) != (2,):
        raise Mistake("Return two numbers: the precision and the recall.")
    first, second = result
    return number(first, "The precision"), number(second, "The recall")


def _close(got: Shares, expected: Shares) -> bool:
    return bool(np.allclose(got, expected, rtol=CLOSE, atol=0))


def _share_problem(
    got: Shares, expected: Shares, counts: tuple[float, float, float, float], k: int
) -> str:
    (precision, recall), (_, called, true, _) = got, counts
    if called == 0 and precision != 0:
        return f"For a network that never answers {k} the precision is not {precision:.4g}."
    if true == 0 and recall != 0:
        return f"Where no image is a {k} the recall is not {recall:.4g}."
    if any(got == tuple(round(float(share), digits) for share in expected) for digits in range(6)):
        return f"For k = {k} you round: return the shares as they are."
    values = f"{precision:.4g} and {recall:.4g}"
    if not any(np.isclose(got, expected, rtol=CLOSE, atol=0)):
        return f"For k = {k} you give {values}, and neither number is right."
    name = "recall" if math.isclose(precision, expected[0], rel_tol=CLOSE) else "precision"
    return f"For k = {k} you give {values}, and the {name} is not right."


# --------------------------------------------------------------------------- 5.3


def choose_threshold(answer: Any) -> str | None:
    """5.3: the lowest threshold that keeps the error among the answers small."""
    exams = list(_exams(np.random.default_rng(5)))
    results = [number(call(answer, *exam), "The threshold") for exam in exams]
    wrong = [i for i, got in enumerate(results) if not _same(got, _lowest(*exams[i]))]
    if not wrong:
        return None
    for rule, message in THRESHOLD_MISTAKES:
        if all(_same(got, rule(*exam)) for got, exam in zip(results, exams, strict=True)):
            return message
    return _threshold_problem(results[wrong[0]], *exams[wrong[0]])


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


def _same(got: float, expected: float) -> bool:
    return got == expected or abs(got - expected) < 1e-6  # float32 is close enough


def _errors(confidence: Floats, correct: Bools) -> list[tuple[float, float]]:
    """Each confidence, from the highest down, and the share of wrong answers from it on."""
    levels = np.unique(confidence)[::-1]
    return [(float(t), float((~correct[confidence >= t]).mean())) for t in levels]


def _lowest(confidence: Floats, correct: Bools, target: float) -> float:
    errors = _errors(confidence, correct)
    return min((t for t, error in errors if error <= target), default=math.inf)


def _below_the_target(confidence: Floats, correct: Bools, target: float) -> float:
    errors = _errors(confidence, correct)
    return min((t for t, error in errors if error < target), default=math.inf)


def _first_excess(confidence: Floats, correct: Bools, target: float) -> float:
    best = math.inf
    for t, error in _errors(confidence, correct):
        if error > target:
            break
        best = t
    return best


def _above(confidence: Floats, correct: Bools, target: float) -> float:
    levels = [float(t) for t in np.unique(confidence) if (confidence > t).any()]
    fine = [t for t in levels if (~correct[confidence > t]).mean() <= target]
    return min(fine, default=math.inf)


def _of_all(confidence: Floats, correct: Bools, target: float) -> float:
    wrong = [(float(t), (~correct & (confidence >= t)).mean()) for t in np.unique(confidence)]
    return min((t for t, share in wrong if share <= target), default=math.inf)


def _ties_split(confidence: Floats, correct: Bools, target: float) -> float:
    order = np.argsort(-confidence, kind="stable")
    error = np.cumsum(~correct[order]) / np.arange(1, len(order) + 1)
    fine = np.flatnonzero(error <= target)
    return float(confidence[order][fine[-1]]) if len(fine) else math.inf


def _highest(confidence: Floats, correct: Bools, target: float) -> float:
    errors = _errors(confidence, correct)
    return max((t for t, error in errors if error <= target), default=math.inf)


THRESHOLD_MISTAKES: list[tuple[Callable[[Floats, Bools, float], float], str]] = [
    (_below_the_target, "A share of wrong answers that is exactly the target is allowed too."),
    (
        _first_excess,
        "You stop at the first mistake too many, but further down the error may fall again.",
    ),
    (_above, "An image whose confidence is exactly the threshold is answered too."),
    (_of_all, "You divide the mistakes by all images, not by those that are answered."),
    (_ties_split, "Equal confidences pass a threshold together: none of them can be left out."),
    (_highest, "You return the highest of the thresholds that keep the target."),
]


def _threshold_problem(got: float, confidence: Floats, correct: Bools, target: float) -> str:
    """State what is wrong with one threshold, whatever led to it."""
    n, best = len(confidence), _lowest(confidence, correct, target)
    where = f"For {n} image{'s' if n > 1 else ''} and a target of {target:g}"
    if math.isinf(got):
        return f"{where} you return {got}, but there is a threshold that keeps the target."
    if math.isinf(best):
        return f"{where} you return {got:.6g}, but no threshold keeps the target."
    if not any(_same(got, t) for t in confidence):
        return f"{where} you return {got:.6g}, which is none of the confidences."
    answered = confidence >= min(confidence, key=lambda t: abs(t - got))
    mistakes = int((~correct[answered]).sum())
    if mistakes > target * answered.sum():
        return (
            f"{where} you return {got:.6g}. The share of wrong answers at or above it is "
            f"{mistakes}/{answered.sum()}, which is more than the target."
        )
    return f"{where} you return {got:.6g}, which keeps the target, but so does a lower confidence."


# --------------------------------------------------------------------------- 5.4


def equal_count_error(answer: Any) -> str | None:
    """5.4: a calibration error over bins with equal numbers of images."""
    samples = list(_samples(np.random.default_rng(12)))
    results = [number(call(answer, *sample), "The error") for sample in samples]
    wrong = [i for i, got in enumerate(results) if not _is_error(got, *samples[i])]
    if not wrong:
        return None
    for order, rule, message in BIN_MISTAKES:
        values = [rule(*order(c, r), b) for c, r, b in samples]
        if np.allclose(np.abs(results), values, rtol=CLOSE, atol=0):
            return message
    (confidence, _, bins), got = samples[wrong[0]], results[wrong[0]]
    where = f"For {len(confidence)} images in {bins} part{'s' if bins > 1 else ''}"
    right = _mean_gap(*_up(*samples[wrong[0]][:2]), bins)
    if any(got == round(right, digits) for digits in range(7)):
        return f"{where} you round: return the mean gap as it is."
    return f"{where} the mean gap is not {got:.4g}."


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    """Draw images: parts of one size and of two sizes, one part, and as many as images."""
    for n, bins in ((60, 6), (23, 4), (40, 7), (11, 1), (9, 9), (9, 8), (31, 10)):
        confidence = rng.uniform(0.3, 1, n)  # no two are equal
        correct = rng.uniform(size=n) < np.where(confidence > 0.7, confidence - 0.3, 0.75)
        yield confidence, correct, bins


def _up(confidence: Floats, correct: Bools) -> tuple[Floats, Bools]:
    order = np.argsort(confidence)
    return confidence[order], correct[order]


def _down(confidence: Floats, correct: Bools) -> tuple[Floats, Bools]:
    order = np.argsort(-confidence)
    return confidence[order], correct[order]


def _as_given(confidence: Floats, correct: Bools) -> tuple[Floats, Bools]:
    return confidence, correct


def _confidence_alone_up(confidence: Floats, correct: Bools) -> tuple[Floats, Bools]:
    return np.sort(confidence), correct


def _confidence_alone_down(confidence: Floats, correct: Bools) -> tuple[Floats, Bools]:
    return np.sort(confidence)[::-1], correct


def _is_error(got: float, confidence: Floats, correct: Bools, bins: int) -> bool:
    """Accept either direction of sorting: it decides which parts are the larger ones."""
    values = [_mean_gap(*order(confidence, correct), bins) for order in (_up, _down)]
    return any(math.isclose(got, value, rel_tol=CLOSE) for value in values)


def _gaps(confidence: Floats, correct: Bools, bins: int) -> tuple[Floats, Floats]:
    """Accuracy less mean confidence in each bin, in the order given, and its share of images."""
    parts = np.array_split(correct - confidence, bins)
    return np.array([p.mean() for p in parts]), np.array([len(p) for p in parts]) / len(correct)


def _mean_gap(confidence: Floats, correct: Bools, bins: int) -> float:
    gaps, share = _gaps(confidence, correct, bins)
    return float(abs(gaps) @ share)


def _signed(confidence: Floats, correct: Bools, bins: int) -> float:
    gaps, share = _gaps(confidence, correct, bins)
    return float(abs(gaps @ share))


def _signed_over_parts(confidence: Floats, correct: Bools, bins: int) -> float:
    return float(abs(_gaps(confidence, correct, bins)[0].mean()))


def _summed(confidence: Floats, correct: Bools, bins: int) -> float:
    return float(abs(_gaps(confidence, correct, bins)[0]).sum())


def _over_parts(confidence: Floats, correct: Bools, bins: int) -> float:
    return float(abs(_gaps(confidence, correct, bins)[0]).mean())


def _not_divided(confidence: Floats, correct: Bools, bins: int) -> float:
    return _mean_gap(confidence, correct, bins) * len(confidence)


def _largest(confidence: Floats, correct: Bools, bins: int) -> float:
    return float(abs(_gaps(confidence, correct, bins)[0]).max())


def _squared(confidence: Floats, correct: Bools, bins: int) -> float:
    gaps, share = _gaps(confidence, correct, bins)
    return float(gaps**2 @ share)


def _root_of_squares(confidence: Floats, correct: Bools, bins: int) -> float:
    return math.sqrt(_squared(confidence, correct, bins))


def _rest_left_out(confidence: Floats, correct: Bools, bins: int) -> float:
    kept = len(confidence) // bins * bins
    return _mean_gap(confidence[:kept], correct[:kept], bins)


def _equal_widths(confidence: Floats, correct: Bools, bins: int) -> float:
    b = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(b, correct - confidence, bins)
    return float(abs(gaps).sum() / len(confidence))


Order = Callable[[Floats, Bools], tuple[Floats, Bools]]
CANCELLING = "Gaps of either sign cancel: each part has its own absolute value."
GAP_MISTAKES: list[tuple[Callable[[Floats, Bools, int], float], str]] = [
    (_signed, CANCELLING),
    (_signed_over_parts, CANCELLING),
    (_over_parts, "You average over the parts, but the larger parts hold more of the images."),
    (_summed, "You add up the gaps of the parts; asked is a mean over the images."),
    (_not_divided, "That is the sum over the images, not the mean."),
    (_largest, "That is the largest gap, not the mean."),
    (_squared, "The gaps are averaged as they are, not squared."),
    (_root_of_squares, "The gaps are averaged as they are, not squared."),
    (_rest_left_out, "Where the parts can't be equal you leave some images out."),
    (_equal_widths, "Your parts are equally wide, and should hold equally many images."),
]
UNSORTED = "You don't sort, so each part holds sure and unsure images alike."
ONE_SORTED = "You sort the confidences alone: `correct` no longer belongs to the same images."
BIN_MISTAKES: list[tuple[Order, Callable[[Floats, Bools, int], float], str]] = [
    *((order, rule, text) for rule, text in GAP_MISTAKES for order in (_up, _down)),
    *((_as_given, rule, UNSORTED) for rule in (_mean_gap, _over_parts)),
    *(
        (order, rule, ONE_SORTED)
        for rule in (_mean_gap, _over_parts)
        for order in (_confidence_alone_up, _confidence_alone_down)
    ),
]


# In the order of the exercises.
CHECKS: list[Check] = [
    images_needed,
    precision_and_recall,
    choose_threshold,
    equal_count_error,
]
