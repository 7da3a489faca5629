"""The fourth step: what the network is shown, a digit's ink as an image of MNIST's kind.

`normalize` makes one picture of a digit's ink; `pictures` makes two of each candidate.
"""

from statistics import median
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.candidates import TALL_PIECE, Candidates, Labels, Strip, boxes_of, ink_of

FRAME_SIDE = 28  # pixels: the side of MNIST's frame
DIGIT_SIDE = 20  # pixels: the longer side of the digit in it
# Side of the window around a candidate, in digits' heights: room for a neighbour to either side.
CONTEXT_SIDE = 2.0


def normalize(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Scale and place a digit as MNIST's were: uint8 (28, 28), 0 for paper and 255 for ink.

    The digit keeps its proportions and is shrunk, averaging over areas, so that its longer
    side is 20 pixels; then its centre of mass goes to the centre of a 28x28 frame. Where that
    would push ink out of the frame, as for a long tail, the digit stays at the edge. Paper around
    the ink does not matter, and without ink all is paper.

    Raises
    ------
    ValueError
        When `ink` is not a bool array of two dimensions.

    References
    ----------
    LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998.

    Examples
    --------
    >>> digit = normalize(np.ones((40, 8), dtype=bool))  # a one, twice as large as in MNIST
    >>> np.argwhere(digit)[[0, -1]].tolist()  # row and column of its first pixel and its last
    [[4, 12], [23, 15]]
    """
    ink = np.asarray(ink)
    if ink.dtype != np.bool_ or ink.ndim != 2:
        raise ValueError(f"ink must be a bool array (h, w), not {ink.dtype} {ink.shape}")
    if not ink.any():
        return np.zeros((FRAME_SIDE, FRAME_SIDE), dtype=np.uint8)
    return centre(shrink(trim(ink)))


def centre(digit: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Place a digit of at most 28x28 levels in MNIST's frame, its centre of mass in the middle."""
    frame = np.zeros((FRAME_SIDE, FRAME_SIDE), dtype=np.uint8)
    height, width = digit.shape
    sums = cv2.moments(digit)  # of the levels, and of the levels times x or y
    if not sums["m00"]:  # ink too thin to leave a trace
        return frame
    x = offset(sums["m10"] / sums["m00"], width)
    y = offset(sums["m01"] / sums["m00"], height)
    frame[y : y + height, x : x + width] = digit
    return frame


def trim(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Cut away the paper around the ink, of which there is some."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def shrink(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Scale a digit so that its longer side is 20 pixels, averaging over areas.

    A pixel's level, from 0 to 255, is its share of ink.
    """
    scale = DIGIT_SIDE / max(ink.shape)
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    levels = ink.view(np.uint8) * np.uint8(255)
    return np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def offset(centre: float, length: int) -> int:
    """Choose the row or column of the frame in which a digit starts.

    Its centre of mass, counted from its own first row or column, comes to the middle; but all its
    rows or columns, of which there are `length`, stay in the frame.
    """
    start = round((FRAME_SIDE - 1) / 2 - centre)
    return min(max(start, 0), FRAME_SIDE - length)


def pictures(strip: Strip, candidates: Candidates) -> npt.NDArray[np.uint8]:
    """Show each candidate twice, uint8 (n, 2, 28, 28): as MNIST has digits, and in its place.

    The first picture shows the candidate's shape, but neither its size nor what touches it. The
    second shows both: a window of two digits' heights around it, in which its own ink is 255 and
    the other ink 127.
    """
    squares = np.zeros((len(candidates), 2, FRAME_SIDE, FRAME_SIDE), dtype=np.uint8)
    if not len(candidates):
        return squares
    boxes = boxes_of(strip, candidates)
    for number, (run, box) in enumerate(zip(candidates.tolist(), boxes.tolist(), strict=True)):
        squares[number, 0] = centre(shrink(ink_of(strip, run, box)))  # its box is tight
    squares[:, 1] = in_context(strip, candidates, boxes)
    return squares


def in_context(
    strip: Strip, candidates: Candidates, boxes: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    """Cut the window around each candidate, uint8 (n, 28, 28), out of the shrunken field.

    The field is shrunk once for all candidates, and their windows are indexed together: that takes
    a sixth of the time of cutting and shrinking each window by itself. There must be a candidate.
    """
    scale = FRAME_SIDE / (CONTEXT_SIDE * strip.height)
    height, width = strip.labels.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    ink = _with_margin(_shrunken_ink(strip.labels, size), paper=0)
    labels = _with_margin(_shrunken_labels(strip.labels, size, scale), paper=-1)
    middles = (boxes[:, 0] + boxes[:, 2] / 2) * scale
    window = _windows(middles, text_middle(strip) * scale, size)
    own, (start, stop) = labels[window], candidates.astype(np.int16).T[:, :, np.newaxis]
    is_own = (own >= start) & (own < stop)
    bright, dim = (255 * ink).astype(np.uint8), (127.5 * ink).astype(np.uint8)
    return np.where(is_own, bright[window], dim[window]).transpose(1, 0, 2)


def _shrunken_ink(labels: Labels, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Give the share of ink in each pixel of the field at its new size (width, height)."""
    ink = (labels >= 0).astype(np.float32)
    return np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _shrunken_labels(labels: Labels, size: tuple[int, int], scale: float) -> Labels:
    """Give each pixel of the shrunken field one primitive of which it holds ink.

    Numbers can't be averaged: one in so many is taken. They are spread by half a new pixel first,
    so that a thin stroke between those that are taken isn't missed.
    """
    side = 2 * round(0.5 / scale) + 1
    spread = cv2.dilate(labels, np.ones((side, side), np.uint8))
    return np.asarray(cv2.resize(spread, size, interpolation=cv2.INTER_NEAREST), dtype=np.int16)


def _with_margin(field: npt.NDArray[Any], paper: int) -> npt.NDArray[Any]:
    """Put half a window of paper around the shrunken field: windows reach out of it."""
    margin = FRAME_SIDE // 2
    sides = (margin, margin, margin, margin)
    return np.asarray(cv2.copyMakeBorder(field, *sides, cv2.BORDER_CONSTANT, value=paper))


def _windows(
    middles: npt.NDArray[np.float64], text_middle: float, size: tuple[int, int]
) -> tuple[slice, npt.NDArray[np.int64]]:
    """Give the rows and columns, (n, 28), of the windows around these columns and this row.

    The margin is half a window. So the middle's place in the field is the window's first place in
    the field with its margin.
    """
    left = np.minimum(middles.round().astype(np.int64), size[0])
    top = min(round(text_middle), size[1])
    return slice(top, top + FRAME_SIDE), left[:, np.newaxis] + np.arange(FRAME_SIDE)


def text_middle(strip: Strip) -> float:
    """Find the row that runs through the middle of the digits: the median over high primitives."""
    boxes = strip.boxes.tolist()
    high = [y + h / 2 for _, y, _, h in boxes if h >= TALL_PIECE * strip.height]
    return float(median(high or [y + h / 2 for _, y, _, h in boxes]))
