"""The third step: which ink belongs to which digit.

The rules here look at shapes alone and decide once. Every length is a share of the field's
height or of the height of its digits.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.binarize import Ink

LINE_WIDTH = 0.4  # a ruled line spans at least this share of the field's width ...
LINE_HEIGHT = 0.7  # ... and of its height: more than the flat feet of zeros written in one go
BRIDGE = 0.035  # share of the height within which ink above and below counts as crossing
SMALLEST = 0.15  # digits fill at least this share of the field's height; lower ink is texture
MARK_HEIGHT = 0.45  # lower than this share of the digits' height: a dot, a comma, a crumb
DASH_HEIGHT, DASH_ASPECT = 0.6, 3.2  # a dash is both lower and flatter than this
FIRST_HEIGHT = 0.6  # a first piece lower than this is a currency sign: small zeros come later
OVERLAP = 0.6  # two pieces that share this much of the narrower one's width are one digit
DIGIT_WIDTH = 0.9  # of a wide digit and its ligature, as a share of the digits' height
EXTENT = 0.25  # what a column's extent counts beside its ink, when a cut is chosen
CUT_RANGE = 0.35  # how far from equal parts a cut may lie, as a share of a part


@dataclass(frozen=True, eq=False)
class Piece:
    """Connected ink, or the ink of one digit.

    Attributes
    ----------
    x, y : int
        Column and row of its upper left corner in the field.
    ink : bool array, shape (h, w)
        Its own ink only: a neighbour that leans into its box is not in it.
    """

    x: int
    y: int
    ink: Ink

    @property
    def width(self) -> int:
        """Width of its box in pixels."""
        return int(self.ink.shape[1])

    @property
    def height(self) -> int:
        """Height of its box in pixels."""
        return int(self.ink.shape[0])


def segment(ink: Ink) -> list[Piece]:
    """Find the digits of a field.

    Parameters
    ----------
    ink : bool array, shape (H, W)
        As `binarize` makes it.

    Returns
    -------
    list of Piece
        One for each digit, from left to right. Empty when the field holds none.
    """
    pieces = connected_pieces(remove_lines(ink))
    height = digit_height(pieces) if pieces else 0
    if height < SMALLEST * ink.shape[0]:
        return []
    # Marks go first: a comma that reaches under a digit must not be merged with it.
    digits = merge_overlapping([piece for piece in pieces if not is_mark(piece, height)])
    if digits and digits[0].height < FIRST_HEIGHT * height:
        digits = digits[1:]
    return [part for piece in digits for part in cut_wide(piece, height)]


def remove_lines(ink: Ink) -> Ink:
    """Erase ruled lines, but not where a digit's stroke crosses one.

    A line that runs out of the field at its side is erased at half the usual length, too.

    Parameters
    ----------
    ink : bool array, shape (H, W)

    Returns
    -------
    bool array, shape (H, W)
    """
    height, width = ink.shape
    pixels = ink.astype(np.uint8)
    half = max(1, round(max(LINE_HEIGHT * height, LINE_WIDTH * width) / 2))
    run = np.ones((1, 2 * half + 1), np.uint8)  # odd: an even one would be off centre
    thick = cv2.dilate(pixels, np.ones((3, 1), np.uint8))  # a line that isn't quite level has steps
    # Most rows hold too little ink for a run so long, half of which may lie beyond the border.
    rows = np.count_nonzero(thick, axis=1) > half
    if not rows.any():
        return ink
    lines = np.zeros_like(pixels)
    lines[rows] = cv2.morphologyEx(thick[rows], cv2.MORPH_OPEN, run)  # keeps only unbroken runs
    lines &= pixels
    if not lines.any():
        return ink
    rest = cv2.subtract(pixels, lines)
    reach = max(1, round(BRIDGE * height))
    column = np.ones((2 * reach + 1, 1), np.uint8)
    above = cv2.dilate(rest, column, anchor=(0, 2 * reach))  # ink at most 2 * reach rows up
    below = cv2.dilate(rest, column, anchor=(0, 0))
    crossed = np.equal(cv2.bitwise_and(above, below), 1)
    return ink & (np.equal(lines, 0) | crossed)


def connected_pieces(ink: Ink) -> list[Piece]:
    """Part the ink into pieces that don't touch, not even at a corner.

    Parameters
    ----------
    ink : bool array, shape (H, W)

    Returns
    -------
    list of Piece
    """
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    return [
        Piece(x, y, labels[y : y + h, x : x + w] == label)
        for label, (x, y, w, h, _) in enumerate(boxes.tolist())
        if label > 0  # 0 is the paper
    ]


def digit_height(pieces: list[Piece]) -> int:
    """Estimate the digits' height: half of all ink lies in pieces at least this high.

    Crumbs and dots are many but hold little ink, so they don't lower this median.

    Parameters
    ----------
    pieces : list of Piece
        At least one.

    Returns
    -------
    int
        In pixels.
    """
    by_height = sorted(pieces, key=lambda piece: piece.height)
    amounts = np.cumsum([np.count_nonzero(piece.ink) for piece in by_height])
    return by_height[int(np.searchsorted(amounts, amounts[-1] / 2))].height


def is_mark(piece: Piece, height: int) -> bool:
    """Tell dots, commas, dashes and crumbs from digits.

    A thin upright stroke isn't a mark, however narrow: it may be a one.

    Parameters
    ----------
    piece : Piece
    height : int
        The digits' height in pixels.

    Returns
    -------
    bool
    """
    if piece.height < MARK_HEIGHT * height:
        return True
    # Both at once: joined zeros are as flat as a dash, but higher.
    return piece.height < DASH_HEIGHT * height and piece.width > DASH_ASPECT * piece.height


def merge_overlapping(pieces: list[Piece]) -> list[Piece]:
    """Join pieces that stand one above the other, as the bar of a five and its belly.

    Parameters
    ----------
    pieces : list of Piece

    Returns
    -------
    list of Piece
        From left to right.
    """
    merged: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: piece.x):
        if merged and _shared_width(merged[-1], piece) > OVERLAP:
            merged[-1] = _join(merged[-1], piece)
        else:
            merged.append(piece)
    return merged


def cut_wide(piece: Piece, height: int) -> list[Piece]:
    """Cut digits that touch, where the piece is too wide to be one digit.

    Its width says how many digits it holds. Near each equal part the cut goes down the column
    with the least ink, counting a quarter of the column's extent as well, so that a thin
    ligature is cut rather than the thin top and bottom of a zero.

    Parameters
    ----------
    piece : Piece
    height : int
        The digits' height in pixels.

    Returns
    -------
    list of Piece
        The piece itself when it is no wider than one digit.
    """
    parts = round(piece.width / (DIGIT_WIDTH * height))
    if parts < 2:
        return [piece]
    cost = piece.ink.sum(axis=0) + EXTENT * column_extents(piece.ink)
    step = piece.width / parts
    edges = [0]
    for part in range(1, parts):
        start, stop = int((part - CUT_RANGE) * step), int((part + CUT_RANGE) * step) + 1
        edges.append(start + int(cost[start:stop].argmin()))
    edges.append(piece.width)
    return [crop(piece, left, right) for left, right in pairwise(edges) if left < right]


def column_extents(ink: Ink) -> npt.NDArray[np.int64]:
    """Measure in each column how far it is from the first ink to the last.

    Parameters
    ----------
    ink : bool array, shape (h, w)

    Returns
    -------
    int array, shape (w,)
        In rows; 0 for a column with one pixel of ink, or none.
    """
    top = ink.argmax(axis=0)  # the first True, or 0 where there is none
    bottom = len(ink) - 1 - ink[::-1].argmax(axis=0)
    return np.asarray(np.where(ink.any(axis=0), bottom - top, 0), dtype=np.int64)


def crop(piece: Piece, left: int, right: int) -> Piece:
    """Keep some columns of a piece, and of these only the rows that hold ink.

    Parameters
    ----------
    piece : Piece
    left, right : int
        First column, and the first one after the last; with ink between them.

    Returns
    -------
    Piece
    """
    ink = piece.ink[:, left:right]
    rows = np.flatnonzero(ink.any(axis=1))
    return Piece(piece.x + left, piece.y + int(rows[0]), ink[rows[0] : rows[-1] + 1])


def _shared_width(a: Piece, b: Piece) -> float:
    shared = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    return shared / min(a.width, b.width)


def _join(a: Piece, b: Piece) -> Piece:
    x, y = min(a.x, b.x), min(a.y, b.y)
    right = max(a.x + a.width, b.x + b.width)
    bottom = max(a.y + a.height, b.y + b.height)
    ink = np.zeros((bottom - y, right - x), dtype=np.bool_)
    for piece in (a, b):
        rows = slice(piece.y - y, piece.y - y + piece.height)
        columns = slice(piece.x - x, piece.x - x + piece.width)
        ink[rows, columns] |= piece.ink
    return Piece(x, y, ink)
