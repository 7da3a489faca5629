"""Ink drawn for the tests of the check reader's steps: strokes, zeros, ones, and a cut field."""

import cv2
import numpy as np
import numpy.typing as npt
from hypothesis.extra.numpy import array_shapes, arrays

from lessonlib.checks import Strip

Ink = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]

FIELD = (96, 400)  # the shape of a field's ink
HIGH, WIDE = 55, 43  # pixels, of the zeros that are drawn here

any_ink = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=50))


def strokes(*lines: tuple[tuple[int, int], tuple[int, int]], shape: tuple[int, int] = FIELD) -> Ink:
    """Draw pen strokes from (x, y) to (x, y)."""
    image = np.zeros(shape, dtype=np.uint8)
    for start, end in lines:
        cv2.line(image, start, end, 1, thickness=5)
    return image.astype(bool)


def rings(*centres: int, shape: tuple[int, int] = FIELD) -> Ink:
    """Draw zeros, `HIGH` and `WIDE`, around these columns."""
    image = np.zeros(shape, dtype=np.uint8)
    for x in centres:
        cv2.ellipse(image, (x, 48), (18, 24), 0, 0, 360, 1, thickness=5)
    return image.astype(bool)


def bars(*columns: int, slant: float = 0.0, shape: tuple[int, int] = FIELD) -> Ink:
    """Draw ones 60 pixels high, whose feet stand in these columns; they lean to the right."""
    lines = [((x, 78), (round(x + 60 * slant), 18)) for x in columns]
    return strokes(*lines, shape=shape)


def strip_of(*boxes: Box, pieces: list[int] | None = None, height: int = 50) -> Strip:
    """Make a strip of solid primitives; without `pieces`, each is a piece of its own."""
    labels = np.full(FIELD, -1, dtype=np.int16)
    for number, (x, y, w, h) in enumerate(boxes):
        labels[y : y + h, x : x + w] = number
    sides = np.array(boxes, dtype=np.int64).reshape(-1, 4)
    return Strip(labels, sides, np.array(pieces or range(len(boxes))), height, 0.0)
