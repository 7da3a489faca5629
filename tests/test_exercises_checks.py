"""Answers to the exercises on reading a check; test_exercises.py tries them."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from itertools import groupby, product
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage

from lessonlib.exercises.answers import Mistake
from lessonlib.exercises.checks import CHECKS

Answer = Callable[..., Any]


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


def best_score(found: Any, psi: Any, primitives: int) -> Any:
    V = [0.0] + [-np.inf] * primitives
    for (start, end), own in zip(found, psi, strict=True):
        V[end] = max(V[end], V[start] + own)
    return V[-1]


def cents(text: str) -> Any:
    first, *rest = text.replace(",", ".").split(".")
    last = rest.pop() if rest and len(rest[-1]) == 2 else "00"
    if rest and (len(first) > 3 or any(len(group) != 3 for group in rest)):
        return -1
    return int(first + "".join(rest) + last)


def text_probability(p: Any, text: Any) -> Any:
    blank = p.shape[1] - 1
    states = [blank]
    for digit in text:
        states += [digit, blank]
    row = np.zeros(len(states))
    row[:2] = p[0, states[:2]]
    for column in p[1:]:
        before, row = row, np.zeros(len(states))
        for s, k in enumerate(states):
            ways = before[s]
            ways += before[s - 1] if s > 0 else 0
            ways += before[s - 2] if s > 1 and k != states[s - 2] else 0
            row[s] = column[k] * ways
    return row[-2:].sum()


SOLUTIONS: dict[int, Answer] = {
    1: local_threshold,
    2: centre_of_mass,
    3: best_score,
    4: cents,
    5: text_probability,
}


def threshold_by_loops(window: Any) -> float:
    values = [float(value) for row in window for value in row]
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return mean * (1 + 0.3 * (spread / 128 - 1))


def threshold_by_squares(window: Any) -> Any:
    values = window.astype(np.float32)
    mean = values.mean()
    spread = np.sqrt(max((values**2).mean() - mean**2, 0))
    return mean * (1 + 0.3 * (spread / 128 - 1))


def threshold_by_opencv(window: Any) -> Any:
    mean, spread = cv2.meanStdDev(window)
    return (mean * (1 + 0.3 * (spread / 128 - 1))).reshape(())


def threshold_in_torch(window: Any) -> Any:
    values = torch.from_numpy(window).float()
    return values.mean() * (1 + 0.3 * (values.std(correction=0) / 128 - 1))


def centre_by_loops(image: Any) -> list[float]:
    height, width = image.shape
    total = row = column = 0
    for r in range(height):
        for c in range(width):
            ink = int(image[r, c])
            total, row, column = total + ink, row + r * ink, column + c * ink
    if not total:
        return [(height - 1) / 2, (width - 1) / 2]
    return [row / total, column / total]


def centre_by_scipy(image: Any) -> Any:
    return ndimage.center_of_mass(image if image.any() else np.ones(image.shape))


def centre_by_moments(image: Any) -> Any:
    sums = cv2.moments(image)
    if not sums["m00"]:
        return ((np.array(image.shape) - 1) / 2).astype(np.float32)
    return np.array([sums["m01"], sums["m10"]], dtype=np.float32) / np.float32(sums["m00"])


def centre_in_torch(image: Any) -> Any:
    ink = torch.from_numpy(image).double()
    if ink.sum() == 0:
        ink = ink + 1
    rows, columns = torch.meshgrid(*map(torch.arange, ink.shape), indexing="ij")
    return torch.stack([(ink * rows).sum(), (ink * columns).sum()]) / ink.sum()


def score_with_a_memory(found: Any, psi: Any, primitives: int) -> Any:
    @cache
    def best(end: int) -> float:
        if end == 0:
            return 0.0
        ways = [best(int(a)) + p for (a, b), p in zip(found, psi, strict=True) if b == end]
        return max(ways, default=-math.inf)

    return best(primitives)


def score_from_the_right(found: Any, psi: Any, primitives: int) -> Any:
    left = np.full(primitives + 1, -np.inf)
    left[primitives] = 0
    for start in reversed(range(primitives)):
        for j in np.flatnonzero(found[:, 0] == start):
            left[start] = max(left[start], psi[j] + left[found[j, 1]])
    return left[0]


def score_by_relaxing(found: Any, psi: Any, primitives: int) -> Any:
    V = np.full(primitives + 1, -np.inf, dtype=np.float32)
    V[0] = 0
    for _ in range(primitives):
        if len(found):
            np.maximum.at(V, found[:, 1], V[found[:, 0]] + psi.astype(np.float32))
    return V[primitives]


def score_with_a_dictionary(found: Any, psi: Any, primitives: int) -> Any:
    V = {0: torch.tensor(0.0, dtype=torch.float64)}
    for (start, end), own in zip(found.tolist(), psi.tolist(), strict=True):
        if start in V and (end not in V or V[start] + own > V[end]):
            V[end] = V[start] + own
    return V.get(primitives, -float("inf"))


def cents_by_pattern(text: str) -> int:
    found = re.fullmatch(r"(\d{1,3}(?:[.,]\d{3})*|\d+)(?:[.,](\d\d))?", text)
    if found is None:
        return -1
    return 100 * int(re.sub("[.,]", "", found[1])) + int(found[2] or 0)


def cents_by_loops(text: str) -> Any:
    places = [i for i, character in enumerate(text) if character in ".,"]
    has_cents = bool(places) and places[-1] == len(text) - 3
    marks = places[:-1] if has_cents else places
    end = len(text) - 3 if has_cents else len(text)
    if marks:
        if marks[0] > 3:
            return -1
        for left, right in zip(marks, [*marks[1:], end], strict=True):
            if right - left != 4:
                return -1
    number = 0
    for character in text:
        if character.isdecimal():
            number = 10 * number + int(character)
    return np.int64(number if has_cents else number * 100)


def cents_by_decimals(text: str) -> Any:
    groups = text.replace(",", ".").split(".")
    hundredths = groups.pop() if len(groups) > 1 and len(groups[-1]) == 2 else "0"
    alone = len(groups) == 1 and groups[0].isdecimal()
    if not alone and [len(group) for group in groups[1:]] != [3] * (len(groups) - 1):
        return Decimal(-1)
    if not alone and len(groups[0]) > 3:
        return Decimal(-1)
    return 100 * Decimal("".join(groups)) + Decimal(hundredths)


def by_torch(p: Any, text: Any) -> Any:
    columns, blank = p.shape[0], p.shape[1] - 1
    loss = torch.nn.functional.ctc_loss(
        torch.tensor(np.log(p))[:, None],
        torch.tensor([text], dtype=torch.long),
        torch.tensor([columns]),
        torch.tensor([len(text)]),
        blank=blank,
        reduction="none",
    )
    return torch.exp(-loss[0])


def from_the_right(p: Any, text: Any) -> Any:
    return text_probability(p[::-1], tuple(reversed(text)))


def by_all_paths(p: Any, text: Any) -> Any:
    total = 0.0
    for path in product(range(p.shape[1]), repeat=len(p)):
        kept = [k for k, _ in groupby(path) if k != p.shape[1] - 1]
        if tuple(kept) == tuple(text):
            total += p[np.arange(len(p)), path].prod()
    return total


RIGHT: list[tuple[int, Answer]] = [
    (1, threshold_by_loops),
    (1, threshold_by_squares),
    (1, threshold_by_opencv),
    (1, threshold_in_torch),
    (2, centre_by_loops),
    (2, centre_by_scipy),
    (2, centre_by_moments),
    (2, centre_in_torch),
    (3, score_with_a_memory),
    (3, score_from_the_right),
    (3, score_by_relaxing),
    (3, score_with_a_dictionary),
    (4, cents_by_pattern),
    (4, cents_by_loops),
    (4, cents_by_decimals),
    (4, lambda text: float(cents(text))),
    (5, by_torch),
    (5, from_the_right),
]


def sauvola(
    window: Any, spread: float | None = None, factor: Callable[[float], float] | None = None
) -> Any:
    values = window.astype(float)
    spread = values.std() if spread is None else spread
    factor = factor or (lambda s: 1 + 0.3 * (s / 128 - 1))
    return values.mean() * factor(spread)


def squares_of_bytes(window: Any) -> Any:
    m = window.mean()
    return m * (1 + 0.3 * (np.sqrt((window**2).mean() - m**2) / 128 - 1))


def clipped_squares_of_bytes(window: Any) -> Any:
    m = window.mean()
    s = np.sqrt(max((window**2).mean() - m**2, 0))
    return m * (1 + 0.3 * (s / 128 - 1))


def sum_of_bytes(window: Any) -> Any:
    total = 0
    for value in window.ravel():
        total += value
    m = total / window.size
    return m * (1 + 0.3 * (window.std() / 128 - 1))


def loops_over_bytes(window: Any) -> Any:
    m = sum(window.ravel()) / window.size
    s = np.sqrt(sum((value - m) ** 2 for value in window.ravel()) / window.size)
    return m * (1 + 0.3 * (s / 128 - 1))


def of_gray_levels_from_0_to_1(window: Any) -> Any:
    values = window / 255
    return values.mean() * (1 + 0.3 * (values.std() / 128 - 1))


def only_for_odd_squares(window: Any) -> Any:
    side = window.shape[0]
    return local_threshold(window[:, :side])


def position(image: Any, weights: Any = None) -> Any:
    weights = image if weights is None else weights
    height, width = image.shape
    return np.array(
        [np.arange(height) @ weights.sum(axis=1), weights.sum(axis=0) @ np.arange(width)]
    )


def with_empty(value: Any) -> Answer:
    return lambda image: centre_of_mass(image) if image.any() else value


def half_the_size(image: Any) -> Any:
    return centre_of_mass(image) if image.any() else (image.shape[0] / 2, image.shape[1] / 2)


def middle_turned(image: Any) -> Any:
    middle = (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
    return centre_of_mass(image) if image.any() else middle[::-1]


def centre_in_bytes(image: Any) -> Any:
    if not image.any():
        return centre_of_mass(image)
    total = row = column = 0
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            total += image[r, c]
            row += r * image[r, c]
            column += c * image[r, c]
    return row / total, column / total


def half_in_bytes(image: Any) -> Any:
    if not image.any():
        return centre_of_mass(image)
    pixels = [(r, c) for r in range(image.shape[0]) for c in range(image.shape[1])]
    row = sum(np.uint8(r % 256) * image[r, c] for r, c in pixels)
    column = sum(np.uint8(c % 256) * image[r, c] for r, c in pixels)
    return row / image.sum(), column / image.sum()


def middle_when_faint(image: Any) -> Any:
    return centre_of_mass(np.where(image < 8, 0, image).astype(np.uint8))


def of_sides_up_to(side: int) -> Answer:
    return lambda image: centre_of_mass(image[:side, :side])


def no_rounding(image: Any) -> Any:
    return tuple(round(float(value)) for value in centre_of_mass(image))


def table(choose: Any, nothing: float = -np.inf) -> Answer:
    def fill(found: Any, psi: Any, primitives: int) -> Any:
        values = [0.0] + [nothing] * primitives
        for (start, end), own in zip(found, psi, strict=True):
            values[end] = choose(values[end], values[start] + own)
        return values

    return fill


def last_of_table(choose: Any, nothing: float = -np.inf) -> Answer:
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


def where_covered(value: Any) -> Answer:
    def answer(*arguments: Any) -> Any:
        score = best_score(*arguments)
        return score if np.isfinite(score) else value

    return answer


def unless_empty(value: Any) -> Answer:
    return lambda found, psi, n: best_score(found, psi, n) if n else value


def to_the_last_candidate(found: Any, psi: Any, primitives: int) -> Any:
    """Take the largest end for the number of primitives."""
    return best_score(found, psi, int(found[:, 1].max(initial=0)))


def every_path(found: Any, psi: Any, primitives: int) -> Any:
    candidates = list(zip(*found.T.tolist(), psi.tolist(), strict=True)) if len(found) else []

    def best(end: int) -> float:
        if end == 0:
            return 0.0
        return max((best(a) + own for a, b, own in candidates if b == end), default=-math.inf)

    return best(primitives)


def every_path_forward(found: Any, psi: Any, primitives: int) -> Any:
    scores, ways = [-math.inf], [(0, 0.0)]
    while ways:
        at, score = ways.pop()
        if at == primitives:
            scores.append(score)
        for j in np.flatnonzero(found[:, 0] == at):
            ways.append((found[j, 1], score + psi[j]))
    return max(scores)


def all_at_once(found: Any, psi: Any, primitives: int) -> Any:
    V = np.full(primitives + 1, -np.inf)
    V[0] = 0
    np.maximum.at(V, found[:, 1], V[found[:, 0]] + psi)
    return V[-1]


def of_up_to(longest: int) -> Answer:
    def answer(found: Any, psi: Any, primitives: int) -> Any:
        short = found[:, 1] - found[:, 0] <= longest
        return best_score(found[short], psi[short], primitives)

    return answer


def first_of_each_end(found: Any, psi: Any, primitives: int) -> Any:
    V = {0: 0.0}
    for (start, end), own in zip(found.tolist(), psi, strict=True):
        V.setdefault(end, V.get(start, -np.inf) + own)
    return V.get(primitives, -np.inf)


def last_of_each_end(found: Any, psi: Any, primitives: int) -> Any:
    V = {0: 0.0}
    for (start, end), own in zip(found.tolist(), psi, strict=True):
        V[end] = V.get(start, -np.inf) + own
    return V.get(primitives, -np.inf)


def groups_of(text: str) -> list[str]:
    return text.replace(",", ".").split(".")


def last_mark_is_decimal(text: str) -> Any:
    *before, last = groups_of(text)
    return round(100 * float(f"{''.join(before) or last}.{last if before else 0}"))


def american(text: str) -> Any:
    try:
        return round(100 * float(text.replace(",", "")))
    except ValueError:
        return -1


def european(text: str) -> Any:
    return american(text.translate(str.maketrans(",.", ".,")))


def without_rules(text: str) -> Any:
    first, *rest = groups_of(text)
    last = rest.pop() if rest and len(rest[-1]) == 2 else "00"
    return int(first + "".join(rest) + last)


def through_a_float(text: str) -> Any:
    value = cents(text)
    return int(100 * float(f"{value // 100}.{value % 100:02d}")) if value >= 0 else -1


def only_inner_groups(text: str) -> Any:
    """Check the groups behind the marks, and not the first."""
    first, *rest = groups_of(text)
    last = rest.pop() if rest and len(rest[-1]) == 2 else "00"
    if any(len(group) != 3 for group in rest):
        return -1
    return int(first + "".join(rest) + last)


def short_first_group(text: str) -> Any:
    """Ask for a short first group also where no mark parts thousands."""
    return -1 if len(groups_of(text)[0]) > 3 else cents(text)


def groups_that_are_not_empty(text: str) -> Any:
    return cents(re.sub("[.,]+", ".", text))


def two_kinds_of_marks(text: str) -> Any:
    """Take the last mark for the decimal one only where it differs from the others."""
    marks = re.sub(r"\d", "", text)
    if len(marks) > 1 and marks[-1] in marks[:-1] and len(groups_of(text)[-1]) == 2:
        return -1
    return cents(text)


def no_amount_is(value: Any) -> Answer:
    return lambda text: value if cents(text) == -1 else cents(text)


def one_digit_is_tens(text: str) -> Any:
    return cents(f"{text}0") if len(groups_of(text)) > 1 and text[-2] in ".," else cents(text)


def without_last_group_check(text: str) -> Any:
    first, *rest = groups_of(text)
    if len(rest) > 1 and (len(first) > 3 or any(len(group) != 3 for group in rest[:-1])):
        return -1
    last = rest.pop() if rest and len(rest[-1]) == 2 else "00"
    return int(first + "".join(rest) + last)


def unanswered_without_mark(text: str) -> Any:
    return cents(text) if re.search("[.,]", text) else int(text)


def table_with(
    skips: Callable[[int, int, int], bool] = lambda k, before, blank: k != before,
    first: tuple[int, ...] = (0, 1),
    last: tuple[int, ...] = (-1, -2),
    blank: int = -1,
    join: Callable[[list[float]], float] = sum,
) -> Answer:
    """Make an answer that fills the table with one rule changed."""

    def answer(p: Any, text: Any) -> Any:
        own = blank % p.shape[1]
        states = [own, *(k for digit in text for k in (digit, own))]
        row = [p[0, k] if s in first else 0.0 for s, k in enumerate(states)]
        for column in p[1:]:
            ways = [
                [row[s]]
                + ([row[s - 1]] if s else [])
                + ([row[s - 2]] if s > 1 and skips(k, states[s - 2], own) else [])
                for s, k in enumerate(states)
            ]
            row = [column[k] * join(way) for k, way in zip(states, ways, strict=True)]
        return join([row[s] for s in last if -s <= len(row)])

    return answer


def always_some(p: Any, text: Any) -> Any:
    return max(text_probability(p, text), 1e-9)


MISTAKES: list[tuple[int, Answer, str]] = [
    (1, lambda w: w.astype(float), "shape (5, 5)"),
    (1, lambda w: np.array([local_threshold(w)]), "shape (1,)"),
    (1, lambda w: f"{local_threshold(w):.3f}", "of type str"),
    (1, lambda w: {"threshold": local_threshold(w)}, "dict"),
    (1, squares_of_bytes, "the square of 200"),
    (1, clipped_squares_of_bytes, "the square of 200"),
    (1, sum_of_bytes, "stay uint8"),
    (1, loops_over_bytes, "stay uint8"),
    (1, lambda w: sauvola(w, spread=w.var()), "its square"),
    (1, lambda w: sauvola(w, spread=w.std(ddof=1)), "one less"),
    (1, lambda w: sauvola(w, spread=np.abs(w - w.mean()).mean()), "distances themselves"),
    (1, lambda w: np.median(w) * (1 + 0.3 * (w.std() / 128 - 1)), "median"),
    (
        1,
        lambda w: w[w.shape[0] // 2, w.shape[1] // 2] * (1 + 0.3 * (w.std() / 128 - 1)),
        "pixel in its middle",
    ),
    (1, lambda w: sauvola(w, factor=lambda s: 1 - 0.3 * (s / 128 - 1)), "sign"),
    (1, lambda w: sauvola(w, factor=lambda s: 1 + 0.3 * (s / 128 + 1)), "sign"),
    (1, lambda w: sauvola(w, factor=lambda s: 1 + 0.3 * s / 128), "missing"),
    (1, lambda w: sauvola(w, factor=lambda s: 1 + 0.3 * s / 128 - 1), "inside the brackets"),
    (1, lambda w: 1 + 0.3 * (w.std() / 128 - 1), "factor in brackets"),
    (1, of_gray_levels_from_0_to_1, "yours go from 0 to 1"),
    (1, lambda w: sauvola(w, factor=lambda s: 1 + 0.3 * (s / 255 - 1)), "another number"),
    (1, lambda w: sauvola(w, factor=lambda s: 1 + 0.3 * (s / 127.5 - 1)), "another number"),
    (1, lambda w: sauvola(w, factor=lambda s: 1 + 0.5 * (s / 128 - 1)), "0.3 of the text"),
    (1, lambda w: w.max(), "is not the threshold"),
    (1, lambda w: round(local_threshold(w)), "is not the threshold"),
    (1, lambda w: w.mean() - 0.3 * w.std(), "is not the threshold"),
    (1, only_for_odd_squares, ""),
    (1, lambda w: local_threshold(w) if w.std() else 0.0, "is not the threshold"),
    (2, lambda image: image.mean(), "pair"),
    (2, lambda image: {"row": 1, "column": 2}, "of type dict"),
    (2, lambda image: "3.5, 4.5", "of type str"),
    (2, lambda image: [*centre_of_mass(image), 0], "shape (3,)"),
    (2, lambda image: centre_of_mass(image)[::-1], "row comes first"),
    (2, position, "sum of all pixels"),
    (2, lambda image: position(image) / image.size, "number of pixels"),
    (2, lambda image: position(image) / image.sum() + 1, "from 0"),
    (2, lambda image: np.mean(np.nonzero(image), axis=1), "weight each"),
    (
        2,
        lambda image: (np.min(np.nonzero(image), axis=1) + np.max(np.nonzero(image), axis=1)) / 2,
        "middle of the box",
    ),
    (2, lambda image: (0.0, 0.0), "weighted with ink"),
    (2, lambda image: (np.nan, np.nan), "weighted with ink"),
    (2, lambda image: position(image, 255.0 - image) / (255.0 - image).sum(), "with paper"),
    (2, no_rounding, "don't round"),
    (2, lambda image: (np.array(image.shape) - 1) / 2, "wherever the ink is"),
    (
        2,
        lambda image: (image.shape[0] - 1 - centre_of_mass(image)[0], centre_of_mass(image)[1]),
        "from the top",
    ),
    (2, centre_in_bytes, "stay uint8"),
    (2, half_in_bytes, "stay uint8"),
    (2, middle_when_faint, ""),
    (2, of_sides_up_to(28), ""),
    (2, of_sides_up_to(255), ""),
    (2, lambda image: position(image) / image.sum(), "NaN"),
    (2, with_empty((0, 0)), "return the middle of the image: (0, 0)"),
    (2, with_empty((13.5, 13.5)), "return the middle of the image: (13.5, 13.5)"),
    (2, with_empty(13.5), "Without ink too"),
    (2, half_the_size, "between the first row"),
    (2, middle_turned, "too, the row comes first"),
    (3, table(max), "shape (6,)"),
    (3, last_of_table(max, 0.0), "worth 0"),
    (3, lambda *a: max(table(max)(*a)), "worth 0"),
    (3, lambda *a: table(max)(*a)[-2], "too few"),
    (3, last_of_table(np.logaddexp), "sum over all paths"),
    (3, lambda *a: np.exp(best_score(*a)), "a logarithm"),
    (3, lambda *a: -best_score(*a), "is negative"),
    (3, last_of_table(min, np.inf), "worst path"),
    (3, lambda found, psi, n: psi.sum(), "all candidates"),
    (3, best_of_each_end, "overlap"),
    (3, lambda found, psi, n: psi[found[:, 1] == n].max(), "last candidate alone"),
    (3, lambda found, psi, n: psi.max(), "one for each step"),
    (3, greedy_from_the_left, "at each step"),
    (3, greedy_from_the_right, "at each step"),
    (3, of_up_to(1), "single ones"),
    (3, of_up_to(5), ""),
    (3, first_of_each_end, ""),
    (3, last_of_each_end, "keep the last"),
    (3, all_at_once, "-inf says that there is none"),
    (3, lambda found, psi, n: best_score(found, psi, n) / n, "is not the best"),
    (3, from_anywhere, "out of reach"),
    (3, where_covered(0.0), "no candidate holds"),
    (3, where_covered(np.nan), "no candidate holds"),
    (3, where_covered(-1e9), "no candidate holds"),
    (3, to_the_last_candidate, "no candidate holds"),
    (3, unless_empty(-np.inf), "path without steps"),
    (3, every_path, "but slow"),
    (3, every_path_forward, "but slow"),
    (4, str, "of type str"),
    (4, groups_of, "shape"),
    (4, last_mark_is_decimal, "are thousands, whichever"),
    (4, american, "Either of the two marks"),
    (4, european, "Either of the two marks"),
    (4, lambda text: 100 * int(re.sub("[.,]", "", text)), "are cents"),
    (4, lambda text: cents(text) / 100 if cents(text) >= 0 else -1, "has 100 cents"),
    (4, lambda text: cents(text) // 100, "has 100 cents"),
    (4, unanswered_without_mark, "has 100 cents"),
    (4, through_a_float, "A cent off"),
    (4, without_rules, "neither cents nor thousands"),
    (4, one_digit_is_tens, "neither cents nor thousands"),
    (4, only_inner_groups, "before the first mark that parts thousands"),
    (4, lambda text: cents(text) if len(groups_of(text)[-1]) > 1 else -1, ""),
    (4, without_last_group_check, ""),
    (4, short_first_group, "all digits are dollars"),
    (4, lambda t: short_first_group(t) if re.search("[.,]", t) else cents(t), "an amount"),
    (4, groups_that_are_not_empty, "Two marks in a row"),
    (4, two_kinds_of_marks, "against each rule"),
    (4, no_amount_is(0), ""),
    (4, no_amount_is(np.nan), "return -1 and not nan"),
    (4, no_amount_is(None), "returns nothing"),
    (4, no_amount_is(False), "of type bool"),
    (5, lambda p, text: p, "shape (3, 3)"),
    (5, lambda p, text: text_probability(p, text) or None, "returns nothing"),
    (5, table_with(join=max), "sum of all its paths"),
    (5, lambda p, text: np.log(text_probability(p, text)), "take exp"),
    (5, table_with(skips=lambda k, before, blank: k != blank), "merge into one"),
    (5, table_with(skips=lambda k, before, blank: False), "may skip it"),
    (5, table_with(skips=lambda k, before, blank: True), "leaves a digit out"),
    (5, table_with(last=(-1,)), "end in the last digit, too"),
    (5, lambda p, text: table_with(last=(-2,) if text else (-1,))(p, text), "last blank, too"),
    (5, lambda p, text: table_with(last=tuple(range(2 * len(text) + 1)))(p, text), "all states"),
    (5, table_with(first=(0,)), "begin with the first digit, too"),
    (5, table_with(first=(1,)), "begin with a blank"),
    (5, table_with(blank=0), "the last class, not the first"),
    (5, lambda p, text: p.max(axis=1).prod(), "whatever its text"),
    (5, lambda p, text: 2 * text_probability(p, text), "not the sum of its paths"),
    (5, always_some, "no room for the text"),
    (5, by_all_paths, "use the table"),
]


def test_an_answer_that_is_no_function_is_said_to_be_none() -> None:
    for check in CHECKS:
        with pytest.raises(Mistake, match="expected a function"):
            check(3)
