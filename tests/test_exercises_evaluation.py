"""Answers to the exercises on evaluation; test_exercises.py tries them."""

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import chain, product
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import precision_score, recall_score

from lessonlib.exercises import evaluation

Array = npt.NDArray[Any]
Answer = Callable[..., Any]

# ----------------------------------------------------------------------------- right answers


def images_needed(q: float, half: float) -> int:
    return math.ceil(1.96**2 * q * (1 - q) / half**2)


def images_by_counting(q: float, half: float) -> int:
    n = 1
    while 1.96 * math.sqrt(q * (1 - q) / n) > half:
        n += 1
    return n


def images_by_halving(q: float, half: float) -> int:
    low, high = 0, 10**6  # low is too few, high is enough
    while high - low > 1:
        middle = (low + high) // 2
        enough = 1.96 * (q * (1 - q) / middle) ** 0.5 <= half
        low, high = (low, middle) if enough else (middle, high)
    return high


def precision_and_recall(matrix: Array, k: int) -> tuple[float, float]:
    right = matrix[k, k]
    return right / max(matrix[:, k].sum(), 1), right / max(matrix[k].sum(), 1)


def shares_by_loops(matrix: Array, k: int) -> list[float]:
    called = true = 0
    for i in range(10):
        called += matrix[i][k]
        true += matrix[k][i]
    return [matrix[k][k] / called if called else 0, matrix[k][k] / true if true else 0]


def shares_of_nan(matrix: Array, k: int) -> Any:
    both = np.array([matrix[:, k].sum(), matrix[k].sum()], dtype=np.float32)
    return np.nan_to_num(matrix[k, k] / both)


def shares_by_torch(matrix: Array, k: int) -> Any:
    m = torch.tensor(matrix)
    return m[k, k] / torch.stack([m[:, k].sum(), m[k].sum()]).clamp(min=1)


def shares_by_scikit_learn(matrix: Array, k: int) -> tuple[Any, Any]:
    true, called = np.repeat(np.indices((10, 10)).reshape(2, -1), matrix.ravel(), axis=1)
    kind = {"labels": [k], "average": "macro", "zero_division": 0}
    return precision_score(true, called, **kind), recall_score(true, called, **kind)


def shares_as_fractions(matrix: Array, k: int) -> list[Fraction]:
    rows = matrix.tolist()
    sums = sum(row[k] for row in rows), sum(rows[k])
    return [Fraction(rows[k][k], total or 1) for total in sums]


def choose_threshold(confidence: Array, correct: Array, target: float) -> float:
    errors = {t: (~correct[confidence >= t]).mean() for t in confidence}
    return min((t for t in confidence if errors[t] <= target), default=math.inf)


def threshold_by_counts(confidence: Array, correct: Array, target: float) -> Any:
    order = np.argsort(-confidence)
    wrong = np.cumsum(~correct[order])
    answered = np.arange(1, len(order) + 1)
    last = np.append(np.diff(confidence[order]) < 0, True)
    fine = np.flatnonzero(last & (wrong <= target * answered))
    return confidence[order][fine[-1]] if len(fine) else float("inf")


def threshold_by_loops(confidence: Array, correct: Array, target: float) -> float:
    for t in sorted(confidence.tolist()):
        kept = [bool(r) for c, r in zip(confidence.tolist(), correct, strict=True) if c >= t]
        if 1 - sum(kept) / len(kept) <= target:
            return float(t)
    return math.inf


def threshold_by_torch(confidence: Array, correct: Array, target: float) -> Any:
    c, wrong = torch.tensor(confidence, dtype=torch.float32), torch.tensor(~correct).float()
    passes = c[None, :] >= c[:, None]
    errors = (passes * wrong).sum(1) / passes.sum(1)
    return torch.where(errors <= target, c, torch.tensor(torch.inf)).min()


def equal_count_error(confidence: Array, correct: Array, bins: int) -> float:
    order = np.argsort(confidence)
    parts = np.array_split(order, bins)
    gaps = [abs(correct[part].sum() - confidence[part].sum()) for part in parts]
    return float(sum(gaps) / len(order))


def error_from_the_surest_down(confidence: Array, correct: Array, bins: int) -> float:
    order = np.argsort(confidence)[::-1]
    total = 0.0
    for part in np.array_split(order, bins):
        total += len(part) * abs(correct[part].mean() - confidence[part].mean())
    return total / len(confidence)


def error_by_lists(confidence: Array, correct: Array, bins: int) -> float:
    pairs = sorted(zip(confidence.tolist(), correct.tolist(), strict=True))
    size, larger = divmod(len(pairs), bins)
    error, start = 0.0, 0
    for b in range(bins):
        stop = start + size + (b < larger)
        error += abs(sum(right - sure for sure, right in pairs[start:stop]))
        start = stop
    return error / len(pairs)


def error_in_single_precision(confidence: Array, correct: Array, bins: int) -> Any:
    order = torch.argsort(torch.tensor(confidence))
    gap = (torch.tensor(correct).float() - torch.tensor(confidence).float())[order]
    parts = torch.tensor_split(gap, bins)
    return sum(part.mean().abs() * len(part) for part in parts) / len(gap)


SOLUTIONS: dict[int, Answer] = {
    1: images_needed,
    2: precision_and_recall,
    3: choose_threshold,
    4: equal_count_error,
}
RIGHT: list[tuple[int, Answer]] = [
    (1, images_by_counting),
    (1, images_by_halving),
    (1, lambda q, h: math.ceil((1.96 * math.sqrt(q * (1 - q)) / h) ** 2)),
    (1, lambda q, h: np.ceil(q * (1 - q) * (1.96 / h) ** 2)),
    (1, lambda q, h: np.array(int(q * (1 - q) * (1.959964 / h) ** 2) + 1)),
    (1, lambda q, h: torch.tensor(1.96**2 * q * (1 - q) / h**2).ceil()),
    (2, shares_by_loops),
    (2, shares_of_nan),
    (2, shares_by_torch),
    (2, shares_by_scikit_learn),
    (2, shares_as_fractions),
    (3, threshold_by_counts),
    (3, threshold_by_loops),
    (3, threshold_by_torch),
    (3, lambda c, r, t: np.float32(choose_threshold(c, r, t))),
    (4, error_from_the_surest_down),
    (4, error_by_lists),
    (4, error_in_single_precision),
]

# ----------------------------------------------------------------------------- wrong answers


def wilson_images(q: float, half: float) -> int:
    n = 1
    while 1.96 / (1 + 1.96**2 / n) * math.sqrt(q * (1 - q) / n + 1.96**2 / (4 * n**2)) > half:
        n += 1
    return n


def counted_until_below(q: float, half: float) -> int:
    n = 1
    while 1.96 * math.sqrt(q * (1 - q) / n) >= half:
        n += 1
    return n


def both_or_nothing(matrix: Array, k: int) -> tuple[float, float]:
    called, true = matrix[:, k].sum(), matrix[k].sum()
    return (matrix[k, k] / called, matrix[k, k] / true) if called and true else (1.0, 1.0)


def largest_of_row(matrix: Array, k: int) -> tuple[float, float]:
    column, row = matrix[:, k], matrix[k]
    return column.max() / max(column.sum(), 1), row.max() / max(row.sum(), 1)


def of_all_classes(matrix: Array, k: int) -> tuple[float, float]:
    both = [precision_and_recall(matrix, i) for i in range(10)]
    return tuple(np.mean(both, axis=0))


def binary_accuracy(matrix: Array, k: int) -> tuple[float, float]:
    p, _ = precision_and_recall(matrix, k)
    return p, (
        matrix.sum() - matrix[k].sum() - matrix[:, k].sum() + 2 * matrix[k, k]
    ) / matrix.sum()


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


def strictly_less(confidence: Array, correct: Array, target: float) -> float:
    for t in np.unique(confidence):
        if (~correct[confidence >= t]).mean() < target:
            return float(t)
    return math.inf


def strictly_above(confidence: Array, correct: Array, target: float) -> float:
    for t in np.unique(confidence)[:-1]:
        if (~correct[confidence > t]).mean() <= target:
            return float(t)
    return math.inf


def strictly_above_and_less(confidence: Array, correct: Array, target: float) -> float:
    for t in np.unique(confidence)[:-1]:
        if (~correct[confidence > t]).mean() < target:
            return float(t)
    return math.inf


def share_of_all(confidence: Array, correct: Array, target: float) -> float:
    for t in np.unique(confidence):
        if (~correct & (confidence >= t)).sum() / len(correct) <= target:
            return float(t)
    return math.inf


def between_two(confidence: Array, correct: Array, target: float) -> float:
    levels = np.unique(confidence)
    best = choose_threshold(confidence, correct, target)
    below = levels[levels < best]
    return float((best + below[-1]) / 2) if best < math.inf and len(below) else best


def on_a_grid(confidence: Array, correct: Array, target: float) -> float:
    for t in np.arange(0, 1.0001, 0.001):
        answered = confidence >= t
        if answered.any() and (~correct[answered]).mean() <= target:
            return float(t)
    return math.inf


def index_of_threshold(confidence: Array, correct: Array, target: float) -> float:
    best = choose_threshold(confidence, correct, target)
    return float(np.flatnonzero(confidence == best)[0]) if best < math.inf else best


def share_of_right(confidence: Array, correct: Array, target: float) -> float:
    return choose_threshold(confidence, ~correct, target)


def unsorted_prefix(confidence: Array, correct: Array, target: float) -> float:
    error = np.cumsum(~correct) / np.arange(1, len(correct) + 1)
    fine = np.flatnonzero(error <= target)
    return float(confidence[fine[-1]]) if len(fine) else math.inf


def by_bisection(confidence: Array, correct: Array, target: float) -> float:
    levels = np.unique(confidence)
    low, high = 0, len(levels)
    while low < high:
        middle = (low + high) // 2
        fine = (~correct[confidence >= levels[middle]]).mean() <= target
        low, high = (low, middle) if fine else (middle + 1, high)
    return float(levels[low]) if low < len(levels) else math.inf


def lowest_but_the_last(confidence: Array, correct: Array, target: float) -> float:
    for t in np.sort(confidence)[:-1]:
        if (~correct[confidence >= t]).mean() <= target:
            return float(t)
    return math.inf


def splitting_ties_upwards(confidence: Array, correct: Array, target: float) -> float:
    order = np.argsort(confidence, kind="stable")
    for i in range(len(order)):
        if (~correct[order[i:]]).mean() <= target:
            return float(confidence[order[i]])
    return math.inf


def for_the_order_given(confidence: Array, correct: Array, target: float) -> float:
    for t in confidence:
        if (~correct[confidence >= t]).mean() <= target:
            return float(t)
    return math.inf


def no_infinity(confidence: Array, correct: Array, target: float) -> float:
    threshold = choose_threshold(confidence, correct, target)
    return 1.0 if threshold == math.inf else threshold


def highest(confidence: Array, correct: Array, target: float) -> float:
    fine = [t for t in confidence if (~correct[confidence >= t]).mean() <= target]
    return max(fine, default=math.inf)


def bin_gaps(confidence: Array, correct: Array, bins: int, order: Any = None) -> Array:
    order = np.argsort(confidence) if order is None else order
    parts = np.array_split(order, bins)
    return np.array([correct[b].mean() - confidence[b].mean() for b in parts])


def squared_gaps(confidence: Array, correct: Array, bins: int, order: Array) -> Any:
    sizes = [len(part) for part in np.array_split(order, bins)]
    return bin_gaps(confidence, correct, bins, order) ** 2 @ sizes / len(order)


def without_sorting(confidence: Array, correct: Array, bins: int) -> Any:
    parts = np.array_split(np.arange(len(confidence)), bins)
    return sum(abs((correct[p] - confidence[p]).sum()) for p in parts) / len(correct)


def confidence_sorted_alone(confidence: Array, correct: Array, bins: int) -> Any:
    parts = zip(
        np.array_split(np.sort(confidence), bins), np.array_split(correct, bins), strict=True
    )
    return sum(abs(r.sum() - c.sum()) for c, r in parts) / len(correct)


def rest_dropped(confidence: Array, correct: Array, bins: int) -> float:
    order, size = np.argsort(confidence), len(confidence) // bins
    gaps = [
        abs(correct[order[i * size : (i + 1) * size]] - 0.0).mean()
        - confidence[order[i * size : (i + 1) * size]].mean()
        for i in range(bins)
    ]
    return float(np.mean(np.abs(gaps)))


def rest_in_a_part_of_its_own(confidence: Array, correct: Array, bins: int) -> Any:
    order, size = np.argsort(confidence), len(confidence) // bins
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    return sum(abs((correct[p] - confidence[p]).sum()) for p in parts) / len(order)


def every_so_many(confidence: Array, correct: Array, bins: int) -> Any:
    order = np.argsort(confidence)
    parts = [order[i::bins] for i in range(bins)]
    return sum(abs((correct[p] - confidence[p]).sum()) for p in parts) / len(order)


def equal_widths(confidence: Array, correct: Array, bins: int) -> Any:
    b = np.minimum((confidence * bins).astype(int), bins - 1)
    inside = [b == i for i in range(bins)]
    return sum(abs((correct[i] - confidence[i]).sum()) for i in inside) / len(correct)


def by_quantiles(confidence: Array, correct: Array, bins: int) -> Any:
    edges = np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1])
    b = np.searchsorted(edges, confidence)
    inside = [b == i for i in range(bins)]
    return sum(abs((correct[i] - confidence[i]).sum()) for i in inside) / len(correct)


MISTAKES: list[tuple[int, Answer, str]] = [
    (1, lambda q, h: math.ceil(q * (1 - q) / h**2), "one standard error"),
    (1, lambda q, h: math.ceil(1.96 * q * (1 - q) / h**2), "squares the 1.96"),
    (1, lambda q, h: math.ceil(1.96**2 * q * (1 - q) / h), "squares the half-width"),
    (1, lambda q, h: math.ceil(1.96 * (q * (1 - q)) ** 0.5 / h), "under the root"),
    (1, lambda q, h: math.ceil(1.96**2 * q / h**2), "not q."),
    (1, lambda q, h: math.ceil((0.98 / h) ** 2), "for q = 0.5"),
    (1, lambda q, h: math.ceil(q * (1 - q) * (2 / h) ** 2), "You take 2"),
    (1, lambda q, h: math.ceil(1.96**2 * q * (1 - q) / (h / 2) ** 2), "one side"),
    (1, lambda q, h: math.ceil(1.96**2 * q * (1 - q) / (2 * h) ** 2), "one side"),
    (1, lambda q, h: 1.96**2 * q * (1 - q) / h**2, "is no whole number"),
    (1, lambda q, h: int(1.96**2 * q * (1 - q) / h**2), "too large"),
    (1, lambda q, h: round(1.96**2 * q * (1 - q) / h**2), "too large"),
    (1, lambda q, h: images_needed(q, h) + 1, "are enough"),
    (1, lambda q, h: int(1.96**2 * q * (1 - q) / h**2) + 1, "fewer than 626 images are enough"),
    (1, counted_until_below, "fewer than 626 images are enough"),
    (1, lambda q, h: math.ceil((1.96 / h) ** 2) * q * (1 - q), "is no whole number"),
    (1, lambda q, h: 100, "another number"),
    (1, wilson_images, ""),
    (1, lambda q, h: math.ceil(1.645**2 * q * (1 - q) / h**2), ""),
    (1, lambda q, h: math.ceil(1.96**2 * q * (1 - q) / h**2 / 10) * 10, ""),
    (1, lambda q, h: (images_needed(q, h),), "a single number"),
    (1, lambda q, h: str(images_needed(q, h)), "of type str"),
    (1, lambda q, h: {"n": images_needed(q, h)}, "of type dict"),
    (2, lambda m, k: precision_and_recall(m, k)[::-1], "exchanged"),
    (2, lambda m, k: precision_and_recall(m.T, k), "exchanged"),
    (2, lambda m, k: (m[k, k] / m.sum(), m[k, k] / m.sum()), "all images"),
    (2, lambda m, k: (m[k, k] / m.sum(), precision_and_recall(m, k)[1]), "precision is not"),
    (2, lambda m, k: (precision_and_recall(m, k)[0], np.trace(m) / m.sum()), "recall is not"),
    (2, lambda m, k: (0.5, 0.5), "neither number"),
    (2, of_all_classes, "neither number"),
    (2, lambda m, k: (precision_and_recall(m, k)[0],) * 2, "are the precision"),
    (2, lambda m, k: (precision_and_recall(m, k)[1],) * 2, "are the recall"),
    (
        2,
        lambda m, k: (
            m[k, k] / max(m[:, k].sum() - m[k, k], 1),
            m[k, k] / max(m[k].sum() - m[k, k], 1),
        ),
        "the right answers too",
    ),
    (2, lambda m, k: tuple(100 * share for share in precision_and_recall(m, k)), "percent"),
    (2, lambda m, k: (m[k, k] / m[:, k].sum(), m[k, k] / m[k].sum()), "never answers"),
    (
        2,
        lambda m, k: (m[k, k] / max(m[:, k].sum(), 1), m[k, k] / m[k].sum()),
        "Where no image",
    ),
    (2, both_or_nothing, "never answers"),
    (2, lambda m, k: precision_and_recall(m, k)[0], "two numbers"),
    (2, lambda m, k: (*precision_and_recall(m, k), 0.0), "two numbers"),
    (2, lambda m, k: dict(enumerate(precision_and_recall(m, k))), ""),
    (
        2,
        lambda m, k: tuple(round(float(x), 2) for x in precision_and_recall(m, k)),
        "you round",
    ),
    (2, largest_of_row, ""),
    (2, binary_accuracy, ""),
    (2, lambda m, k: precision_and_recall(m, 4), ""),
    (3, highest, "the highest"),
    (3, first_dip, "first mistake too many"),
    (3, strictly_less, "exactly the target"),
    (3, strictly_above, "exactly the threshold"),
    (3, share_of_all, "by all images"),
    (3, splitting_ties, "Equal confidences"),
    (3, between_two, "none of the confidences"),
    (3, on_a_grid, "none of the confidences"),
    (3, no_infinity, "no threshold keeps"),
    (3, lambda c, r, t: math.inf, "there is a threshold"),
    (3, lambda c, r, t: c.min(), "more than the target"),
    (3, lambda c, r, t: c.max(), "so does a lower"),
    (3, lambda c, r, t: 0.7123, "none of the confidences"),
    (3, lambda c, r, t: choose_threshold(c, r, t) * 0.999, "none of the confidences"),
    (3, lambda c, r, t: [choose_threshold(c, r, t)], "single number"),
    (3, strictly_above_and_less, ""),
    (3, index_of_threshold, ""),
    (3, share_of_right, ""),
    (3, unsorted_prefix, ""),
    (3, by_bisection, "so does a lower"),
    (3, lowest_but_the_last, "For 1 image and a target of 0.02 you return inf, but there is"),
    (3, splitting_ties_upwards, "wrong answers at or above it is"),
    (3, for_the_order_given, "so does a lower"),
    (3, lambda c, r, t: (~r[c >= choose_threshold(c, r, t)]).mean(), ""),
    (4, without_sorting, "don't sort"),
    (4, lambda c, r, b: abs(bin_gaps(c, r, b, np.arange(len(c)))).mean(), "don't sort"),
    (4, confidence_sorted_alone, "no longer belongs"),
    (4, lambda c, r, b: bin_gaps(c, r, b).mean(), "absolute value"),
    (4, lambda c, r, b: abs(bin_gaps(c, r, b).mean()), "absolute value"),
    (4, lambda c, r, b: r.mean() - c.mean(), "absolute value"),
    (4, lambda c, r, b: abs(bin_gaps(c, r, b)).sum(), "add up the gaps"),
    (4, lambda c, r, b: (bin_gaps(c, r, b) ** 2).mean(), ""),
    (4, lambda c, r, b: squared_gaps(c, r, b, np.argsort(c)), "not squared"),
    (4, lambda c, r, b: math.sqrt(squared_gaps(c, r, b, np.argsort(-c))), "not squared"),
    (4, lambda c, r, b: abs(bin_gaps(c, r, b)).mean(), "larger parts hold more"),
    (4, lambda c, r, b: abs(bin_gaps(c, r, b)).max(), "largest gap"),
    (4, lambda c, r, b: equal_count_error(c, r, b) * len(c), "over the images"),
    (4, equal_widths, "equally wide"),
    (4, rest_dropped, "leave some images out"),
    (4, rest_in_a_part_of_its_own, ""),
    (4, by_quantiles, ""),
    (4, lambda c, r, b: abs(r - c).mean(), ""),
    (4, lambda c, r, b: abs(bin_gaps(c, r, b)), "single number"),
    (4, lambda c, r, b: 0.5, "is not 0.5"),
    (4, lambda c, r, b: round(equal_count_error(c, r, b), 4), "you round"),
    (4, every_so_many, ""),
    (4, lambda c, r, b: equal_count_error(c, r, 10 if len(c) > 9 else b), ""),
    (4, lambda c, r, b: equal_count_error(c, ~r, b), ""),
]


# ----------------------------------------------------------------------------- the checks' own


def test_what_a_threshold_s_message_states_is_so() -> None:
    for n, seed in product((2, 7, 30), range(20)):
        rng = np.random.default_rng(seed)
        confidence, correct = rng.uniform(0.1, 1, n).round(1), rng.uniform(size=n) < 0.6
        best = choose_threshold(confidence, correct, 0.25)
        for got in {*confidence.tolist(), math.inf} - {best}:
            answered = confidence >= got
            wrong = (~correct[answered]).sum()
            if got == math.inf:
                stated = "there is a threshold"
            elif best == math.inf:
                stated = "no threshold keeps"
            elif wrong > 0.25 * answered.sum():
                stated = f"wrong answers at or above it is {wrong}/{answered.sum()}, which is more"
            else:
                stated = "so does a lower confidence"
                assert got > best, (n, seed)
            text = evaluation._threshold_problem(got, confidence, correct, 0.25)
            assert stated in text, (n, seed)


def test_a_message_about_precision_and_recall_names_the_one_that_is_wrong() -> None:
    def wrong_precision(matrix: Array, k: int) -> tuple[float, float]:
        return 0.123, precision_and_recall(matrix, k)[1]

    def wrong_recall(matrix: Array, k: int) -> tuple[float, float]:
        return precision_and_recall(matrix, k)[0], 0.123

    assert "the precision is not right" in str(
        evaluation.check_precision_and_recall(wrong_precision)
    )
    assert "the recall is not right" in str(evaluation.check_precision_and_recall(wrong_recall))


def test_no_number_of_images_hangs_on_rounding() -> None:
    drawn = [evaluation._plans(np.random.default_rng(seed)) for seed in range(300)]
    assert {len(plans) for plans in drawn} == {6}
    for q, half in {*evaluation.PLANS, *chain(*drawn)} - {evaluation.BORDER}:
        exact = 1.96**2 * q * (1 - q) / half**2
        assert 0.005 < exact % 1 < 0.995
        assert math.ceil(exact) == math.ceil(exact * (1.959964 / 1.96) ** 2)


def test_the_half_width_of_one_plan_is_exactly_what_is_asked() -> None:
    q, half = evaluation.BORDER
    assert evaluation.BORDER in evaluation.PLANS
    assert 1.96 * math.sqrt(q * (1 - q) / 625) == half
    for exact in (
        1.96**2 * q * (1 - q) / half**2,
        3.8416 * q * (1 - q) / half**2,
        q * (1 - q) * (1.96 / half) ** 2,
        q * (1 - q) / (half / 1.96) ** 2,
        (q - q**2) * 1.96**2 / half**2,
        (1.96 * math.sqrt(q * (1 - q)) / half) ** 2,
    ):
        assert exact == 625


def test_every_rule_for_a_threshold_differs_from_the_others_on_some_exam() -> None:
    exams = list(evaluation._exams(np.random.default_rng(5)))
    rules = [evaluation._threshold, *(rule for rule, _ in evaluation.THRESHOLD_MISTAKES)]
    results = {tuple(rule(*exam) for exam in exams) for rule in rules}
    assert len(results) == len(rules)
