"""Connected pieces of ink, ruled lines removed, and the height of the digits.

Both ways of reading share these: the rules of `rules` and the candidates of `candidates`. Every
length is a share of the field's height or of the height of its digits. Moved by a fifth either way,
`CROSSING_REACH` changes what is read in up to 13 of 300 rendered fields, and each of the other
thresholds in at most two (``python -m tools.thresholds``).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.binarize import Ink

# A ruled line is longer than either of these: a share of the field's width, and one of its height,
# which is more than the flat feet of zeros that are written in one go.
LINE_WIDTH, LINE_HEIGHT = 0.4, 0.7
# A stroke crosses a line where ink lies both above and below, within twice this share of the
# field's height: close to 4 of about 105 rows, as in the first trials on real fields.
CROSSING_REACH = 0.035
SMALLEST_DIGIT = 0.15  # share of the field's height that digits fill at least; lower ink is texture
# What a row of a column's extent counts beside a pixel of its ink, where a cut is chosen. As in the
# first trials on real fields.
EXTENT_WEIGHT = 0.25


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


def remove_lines(ink: Ink) -> Ink:
    """Erase ruled lines from the ink, but not where a digit's stroke crosses one.

    A line that runs out of the field at its side is erased at half the usual length, too.
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
    reach = max(1, round(CROSSING_REACH * height))
    column = np.ones((2 * reach + 1, 1), np.uint8)
    above = cv2.dilate(rest, column, anchor=(0, 2 * reach))  # ink at most 2 * reach rows up
    below = cv2.dilate(rest, column, anchor=(0, 0))
    crossed = np.equal(cv2.bitwise_and(above, below), 1)
    return ink & (np.equal(lines, 0) | crossed)


def connected_pieces(ink: Ink) -> list[Piece]:
    """Part the ink into pieces that don't touch, not even at a corner.

    Examples
    --------
    >>> ink = np.zeros((5, 12), dtype=bool)
    >>> ink[1:4, 2] = ink[0:5, 7:9] = True
    >>> sorted((piece.x, piece.width, piece.height) for piece in connected_pieces(ink))
    [(2, 1, 3), (7, 2, 5)]
    """
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    return [
        Piece(x, y, labels[y : y + h, x : x + w] == label)
        for label, (x, y, w, h, _) in enumerate(boxes.tolist())
        if label > 0  # 0 is the paper
    ]


def digit_height(pieces: list[Piece]) -> int:
    """Estimate the digits' height in pixels: half of all ink lies in pieces at least this high.

    Crumbs and dots are many but hold little ink, so they don't lower this median. There must be a
    piece.
    """
    by_height = sorted(pieces, key=lambda piece: piece.height)
    amounts = np.cumsum([np.count_nonzero(piece.ink) for piece in by_height])
    return by_height[int(np.searchsorted(amounts, amounts[-1] / 2))].height


def column_extents(ink: Ink) -> npt.NDArray[np.int64]:
    """Measure in each column how many rows it is from the first ink to the last.

    It is 0 for a column with one pixel of ink, or none.
    """
    top = ink.argmax(axis=0)  # the first True, or 0 where there is none
    bottom = len(ink) - 1 - ink[::-1].argmax(axis=0)
    return np.asarray(np.where(ink.any(axis=0), bottom - top, 0), dtype=np.int64)


def crop(piece: Piece, left: int, right: int) -> Piece:
    """Keep the columns of a piece from `left` to before `right`, and the rows that hold ink there.

    There must be ink between them.
    """
    ink = piece.ink[:, left:right]
    rows = np.flatnonzero(ink.any(axis=1))
    return Piece(piece.x + left, piece.y + int(rows[0]), ink[rows[0] : rows[-1] + 1])
