"""Answers to the exercises on reading a check; test_exercises.py tries them."""

import math
from collections.abc import Callable
from itertools import product
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


def count_pieces(ink: Any) -> Any:
    left = set(zip(*np.nonzero(ink), strict=True))
    pieces = 0
    while left:
        pieces += 1
        waiting = [left.pop()]
        while waiting:
            row, column = waiting.pop()
            for dy, dx in product((-1, 0, 1), repeat=2):
                neighbour = (row + dy, column + dx)
                if neighbour in left:
                    left.remove(neighbour)
                    waiting.append(neighbour)
    return pieces


SOLUTIONS: dict[int, Answer] = {
    1: local_threshold,
    2: centre_of_mass,
    3: count_pieces,
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


def pieces_by_opencv(ink: Any) -> Any:
    return cv2.connectedComponents(ink.astype(np.uint8), connectivity=8)[0] - 1


def pieces_by_scipy(ink: Any) -> Any:
    return ndimage.label(ink, np.ones((3, 3)))[1]


def pieces_by_labels(ink: Any) -> Any:
    """Give every pixel a label, and unite the labels of neighbours."""
    above = np.arange(ink.size).reshape(ink.shape)
    parent = list(range(ink.size))

    def root(label: int) -> int:
        while parent[label] != label:
            parent[label] = label = parent[parent[label]]
        return label

    for row, column in np.argwhere(ink):
        for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
            y, x = row + dy, column + dx
            if y < ink.shape[0] and 0 <= x < ink.shape[1] and ink[y, x]:
                parent[root(int(above[y, x]))] = root(int(above[row, column]))
    return np.int64(len({root(int(label)) for label in above[ink]}))


def pieces_on_a_frame_of_paper(ink: Any) -> Any:
    ink = np.pad(ink, 1)
    pieces = 0.0
    while ink.any():
        pieces += 1
        waiting = [np.unravel_index(ink.argmax(), ink.shape)]
        while waiting:
            row, column = waiting.pop()
            around = ink[row - 1 : row + 2, column - 1 : column + 2]
            waiting += [(row + dy - 1, column + dx - 1) for dy, dx in np.argwhere(around)]
            around[...] = False
    return pieces


RIGHT: list[tuple[int, Answer]] = [
    (1, threshold_by_loops),
    (1, threshold_by_squares),
    (1, threshold_by_opencv),
    (1, threshold_in_torch),
    (2, centre_by_loops),
    (2, centre_by_scipy),
    (2, centre_by_moments),
    (2, centre_in_torch),
    (3, pieces_by_opencv),
    (3, pieces_by_scipy),
    (3, pieces_by_labels),
    (3, pieces_on_a_frame_of_paper),
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


FORWARD = [(0, 1), (1, -1), (1, 0), (1, 1)]
AROUND = [*FORWARD, *((-dy, -dx) for dy, dx in FORWARD)]


def flooded(steps: list[tuple[int, int]] = AROUND, recursive: bool = False) -> Answer:
    """Count by filling a piece after the other; an index beyond the edge leads nowhere."""

    def answer(ink: Any) -> Any:
        ink = ink.copy()

        def fill(row: int, column: int) -> None:
            ink[row, column] = False
            for dy, dx in steps:
                y, x = row + dy, column + dx
                if 0 <= y < ink.shape[0] and 0 <= x < ink.shape[1] and ink[y, x]:
                    fill(y, x)

        def fill_with_a_list(row: int, column: int) -> None:
            waiting = [(row, column)]
            while waiting:
                row, column = waiting.pop()
                ink[row, column] = False
                for dy, dx in steps:
                    y, x = row + dy, column + dx
                    if 0 <= y < ink.shape[0] and 0 <= x < ink.shape[1] and ink[y, x]:
                        waiting.append((y, x))
                        ink[y, x] = False

        pieces = 0
        for row in range(ink.shape[0]):
            for column in range(ink.shape[1]):
                if ink[row, column]:
                    pieces += 1
                    (fill if recursive else fill_with_a_list)(row, column)
        return pieces

    return answer


def around_the_edge(after: Callable[[int, int], int], steps: Any = AROUND) -> Answer:
    """Go on at the other side; `after` says what becomes of an index."""

    def answer(ink: Any) -> Any:
        ink = ink.copy()
        pieces = 0
        while ink.any():
            pieces += 1
            waiting = [np.unravel_index(ink.argmax(), ink.shape)]
            while waiting:
                row, column = waiting.pop()
                ink[row, column] = False
                for dy, dx in steps:
                    y, x = after(row + dy, ink.shape[0]), after(column + dx, ink.shape[1])
                    if y < ink.shape[0] and x < ink.shape[1] and ink[y, x]:
                        waiting.append((y, x))
        return pieces

    return answer


def labels_in_one_pass(ink: Any) -> Any:
    labels = np.zeros((ink.shape[0] + 1, ink.shape[1] + 2), dtype=int)
    highest = 0
    for row, column in np.argwhere(ink):
        seen = [*labels[row, column : column + 3], labels[row + 1, column]]
        if not any(seen):
            highest += 1
        labels[row + 1, column + 1] = max(seen) or highest
    return highest


def holes_of(ink: Any) -> Any:
    return ndimage.label(~np.pad(ink, 1))[1] - 1


def groups_of_columns(ink: Any) -> Any:
    return len("".join(".#"[int(some)] for some in ink.any(axis=0)).replace(".", " ").split())


def emptied(ink: Any) -> Any:
    pieces = count_pieces(ink)
    ink[...] = False
    return pieces


def half_the_stroke(ink: Any) -> Any:
    return count_pieces(ink) if ink.size < 2000 else ndimage.label(ink[:50, 10:])[1]


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
    (3, flooded([step for step in AROUND if 0 in step]), "has eight neighbours"),
    (3, lambda ink: ndimage.label(ink)[1], "has eight neighbours"),
    (3, flooded([step for step in AROUND if step not in ((-1, 1), (1, -1))]), "one diagonal"),
    (3, flooded([step for step in AROUND if step not in ((-1, -1), (1, 1))]), "one diagonal"),
    (3, flooded([step for step in AROUND if 0 not in step]), "diagonals alone"),
    (3, flooded(FORWARD), "as in a U"),
    (3, flooded([(0, 1), (1, 0), (1, 1)]), "as in a U"),
    (3, labels_in_one_pass, "as in a U"),
    (3, flooded([(-1, -1), (-1, 0), (0, -1)]), "number of ink pixels"),
    (3, flooded(recursive=True), "raised RecursionError for one stroke of"),
    (3, around_the_edge(lambda i, n: i), "the index -1"),
    (3, around_the_edge(lambda i, n: i % n), "the index -1"),
    (3, around_the_edge(lambda i, n: i % n if i < n else n), "the index -1"),
    (3, around_the_edge(lambda i, n: i, [step for step in AROUND if 0 in step]), "the index -1"),
    (3, lambda ink: count_pieces(ink[1:-1, 1:-1]), "The first and the last"),
    (3, lambda ink: ink.sum(), "number of ink pixels"),
    (3, lambda ink: count_pieces(~ink), "of paper"),
    (3, lambda ink: ndimage.label(~ink)[1], "of paper"),
    (3, lambda ink: count_pieces(ink) + 1, "the paper is no piece"),
    (3, lambda ink: count_pieces(ink) - 1, "One too few: does"),
    (3, lambda ink: count_pieces(ink) - int(ink.all()), "no paper"),
    (3, lambda ink: count_pieces(ink) + holes_of(ink), "A hole in a ring"),
    (3, lambda ink: count_pieces(ink) - holes_of(ink), "take its hole off"),
    (3, groups_of_columns, "share columns"),
    (3, lambda ink: groups_of_columns(ink.T), "share rows"),
    (3, lambda ink: int(ink.any()), "more than one piece"),
    (3, lambda ink: 2 * count_pieces(ink), "pieces in the rows ##..#"),
    (3, lambda ink: count_pieces(ink) if ink.size < 100 else 7, "in shape (24, 31)"),
    (3, lambda ink: count_pieces(ink) if ink.any() else 1, "Without ink"),
    (3, lambda ink: ndimage.label(ink, np.ones((3, 3))), "a tuple of 2"),
    (3, lambda ink: str(count_pieces(ink)), "of type str"),
    (3, lambda ink: ink[99, 99], "IndexError"),
    (3, half_the_stroke, "follow it to its end"),
    (3, emptied, "Work on a copy"),
]


def test_an_answer_that_is_no_function_is_said_to_be_none() -> None:
    for check in CHECKS:
        with pytest.raises(Mistake, match="expected a function"):
            check(3)
