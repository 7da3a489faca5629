"""The third step, the way by rules: which ink belongs to which digit.

The rules here look at shapes alone and decide once. Every length is a share of the field's
height or of the height of its digits. One threshold decides most: moved by a fifth either way,
`DIGIT_WIDTH` changes what is read in 35 to 97 of 300 rendered fields, `MARK_HEIGHT` in 25, and each
of the others in at most 11 (``python -m tools.thresholds``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lessonlib.checks.binarize import Ink, binarize
from lessonlib.checks.image import as_gray, resample
from lessonlib.checks.pictures import normalize
from lessonlib.checks.pieces import (
    EXTENT_WEIGHT,
    SMALLEST_DIGIT,
    Piece,
    column_extents,
    connected_pieces,
    crop,
    digit_height,
    remove_lines,
)

# Heights and widths are shares of the digits' height. The first four values worked in the first
# trials on real fields.
MARK_HEIGHT = 0.45  # lower is a dot, a comma or a crumb, and sometimes a small flat zero
DASH_HEIGHT, DASH_ASPECT = 0.6, 3.2  # a dash is both lower and flatter than this
MERGED_OVERLAP = 0.6  # two pieces that share this much of the narrower one's width are one digit
FIRST_DIGIT_HEIGHT = 0.6  # a lower first piece is a currency sign: small zeros come later
DIGIT_WIDTH = 0.9  # of a wide digit and its ligature
CUT_RANGE = 0.35  # how far from equal parts a cut may lie, as a share of a part


def segment(ink: Ink) -> list[Piece]:
    """Find the digits of a field, from left to right, in its ink, as `binarize` makes it.

    Examples
    --------
    >>> from lessonlib import data_path
    >>> from lessonlib.checks import load_image
    >>> image = load_image(data_path("checks", "images", "check-02.png"))  # 31.29
    >>> len(segment(binarize(resample(image))))
    4
    """
    pieces = connected_pieces(remove_lines(ink))
    height = digit_height(pieces) if pieces else 0
    if height < SMALLEST_DIGIT * ink.shape[0]:
        return []
    # Marks go first: a comma that reaches under a digit must not be merged with it.
    digits = merge_overlapping([piece for piece in pieces if not is_mark(piece, height)])
    if digits and digits[0].height < FIRST_DIGIT_HEIGHT * height:
        digits = digits[1:]
    return [part for piece in digits for part in cut_wide(piece, height)]


def is_mark(piece: Piece, height: int) -> bool:
    """Tell dots, commas, dashes and crumbs from digits, whose height is given in pixels.

    A thin upright stroke isn't a mark, however narrow: it may be a one.
    """
    if piece.height < MARK_HEIGHT * height:
        return True
    # Both at once: joined zeros are as flat as a dash, but higher.
    return piece.height < DASH_HEIGHT * height and piece.width > DASH_ASPECT * piece.height


def merge_overlapping(pieces: list[Piece]) -> list[Piece]:
    """Join pieces that stand one above the other, as the bar of a five and its belly.

    They come from left to right.
    """
    merged: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: piece.x):
        if merged and _shared_width(merged[-1], piece) > MERGED_OVERLAP:
            merged[-1] = _join(merged[-1], piece)
        else:
            merged.append(piece)
    return merged


def cut_wide(piece: Piece, height: int) -> list[Piece]:
    """Cut digits that touch, where the piece is too wide to be one digit of this height.

    Its width says how many digits it holds. Near each equal part the cut goes down the column
    with the least ink, counting `EXTENT_WEIGHT` of the column's extent as well, so that a thin
    ligature is cut rather than the thin top and bottom of a zero.
    """
    parts = round(piece.width / (DIGIT_WIDTH * height))
    if parts < 2:
        return [piece]
    cost = piece.ink.sum(axis=0) + EXTENT_WEIGHT * column_extents(piece.ink)
    step = piece.width / parts
    edges = [0]
    for part in range(1, parts):
        start, stop = int((part - CUT_RANGE) * step), int((part + CUT_RANGE) * step) + 1
        edges.append(start + int(cost[start:stop].argmin()))
    edges.append(piece.width)
    return [crop(piece, left, right) for left, right in pairwise(edges) if left < right]


def _shared_width(a: Piece, b: Piece) -> float:
    """Give the width that two pieces share, as a share of the narrower one's; below 0 if none."""
    shared = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    return shared / min(a.width, b.width)


def _join(a: Piece, b: Piece) -> Piece:
    """Make one piece of two, in the box around both."""
    x, y = min(a.x, b.x), min(a.y, b.y)
    right = max(a.x + a.width, b.x + b.width)
    bottom = max(a.y + a.height, b.y + b.height)
    ink = np.zeros((bottom - y, right - x), dtype=np.bool_)
    for piece in (a, b):
        rows = slice(piece.y - y, piece.y - y + piece.height)
        columns = slice(piece.x - x, piece.x - x + piece.width)
        ink[rows, columns] |= piece.ink
    return Piece(x, y, ink)


@dataclass(frozen=True, eq=False)
class FieldDigits:
    """The digits of check fields, cut out by rules.

    Attributes
    ----------
    images : uint8 array, shape (n, 28, 28)
        As MNIST's, from all fields in which as many digits were found as there are.
    labels : int array, shape (n,)
        What they are.
    field : int array, shape (n,)
        The number of the field that each comes from.
    fields : int
        How many fields there were, with those that were cut into too many or too few.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    field: npt.NDArray[np.int64]
    fields: int

    def exact(self, wrong: npt.ArrayLike) -> float:
        """Share of all fields that are read exactly, given the numbers of the digits read wrong."""
        spoilt = self.field[np.asarray(wrong, dtype=int)]
        return len(set(self.field.tolist()) - set(spoilt.tolist())) / self.fields


def cut_fields(images: Iterable[npt.NDArray[np.uint8]], labels: Sequence[str]) -> FieldDigits:
    """Cut check fields into digits for a network that knows MNIST's digits and nothing else.

    Each field, uint8 (H, W) or (H, W, 3), has a label: its digits. There is a ValueError when there
    are not as many labels as images, or none of both.
    """
    squares: list[npt.NDArray[np.uint8]] = []
    truth: list[int] = []
    field: list[int] = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        pieces = segment(binarize(resample(as_gray(image))))
        if len(pieces) == len(label):
            squares += [normalize(piece.ink) for piece in pieces]
            truth += map(int, label)
            field += [number] * len(label)
    if not labels:
        raise ValueError("there are no fields to cut")
    digits = np.stack(squares) if squares else np.zeros((0, 28, 28), np.uint8)
    return FieldDigits(digits, np.array(truth, int), np.array(field, int), len(labels))
