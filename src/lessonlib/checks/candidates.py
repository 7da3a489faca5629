"""The third step: which ink might be a digit.

No rule can tell two touching digits from one wide digit by shape alone. So nothing is decided
here. The ink is cut into primitives, wherever a cut might be right. Every short run of neighbouring
primitives becomes a candidate, and so does every whole piece of ink. The network and the search
decide.

Every length is a share of the field's height or of the height of its digits; only `BAND_HEIGHT`,
which says how finely the slant is measured, is in pixels. A threshold's comment says what it means,
and where it comes from if that is known. Few of them matter much: moved by a fifth either way, with
the networks as they are, `WAIST_INK` and `BAND_HEIGHT` change what is read in 12 to 21 of 300
rendered fields, and each of the others in fewer than ten (``python -m tools.thresholds``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.binarize import Ink
from lessonlib.checks.image import Box
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

Labels = npt.NDArray[np.int16]
Candidates = npt.NDArray[np.int64]  # (n, 2): the first primitive, the first after the last

MARK, JUNK = 10, 11  # classes beside the ten digits: punctuation and dirt; fragments and joins
CANDIDATE_CLASSES = 12

# Pieces that hold no digit's ink. The first two are shares of the field's height, ...
DIRT_HEIGHT = 0.05  # a lower piece is dirt, or left from a line
LINE_DASH_HEIGHT = 0.1  # a piece up to this height may be a dash of a faint line
# ... and the others of the digits' height.
TALL_PIECE = 0.6  # a piece at least this high tells where the digits' tops and feet are
CRUMB_HEIGHT = 0.09  # a lower piece is a crumb

# Where a piece is cut, in shares of the digits' height. A missing cut loses two digits. A needless
# one costs time and adds rivals, but the search can join what it parts.
CUT_WIDTH = 0.6  # a narrower piece is left whole
WAIST_INK = 0.88  # a waist has at most this share of the ink of a column on either side of it ...
WAIST_REACH = 0.6  # ... that is no farther away than this
CUTS_APART = 0.15  # between cuts, and to the piece's ends: as in the first trials on real fields
LOOP_HEIGHT = 0.2  # a lower hole is a flaw in the ink
LOOPS_APART = 0.2  # loops with nearer middles stand one above the other, as an eight's do

# Which runs of primitives are candidates, with widths in shares of the digits' height.
LONGEST = 5  # primitives, as in the first trials on real fields; a whole piece may have more
GAP = 0.15  # a run with a wider gap inside is not a candidate
WIDEST = 1.35  # of a run of several primitives: as in the first trials on real fields
WIDEST_PIECE = 3.0  # of a whole piece: a zero may have a long bar

# How slant is measured: rows are moved in bands, each some columns more than the one above.
BAND_HEIGHT = 9  # rows
SHEAR_STEPS = range(-3, 7)  # columns: most people lean to the right, up to 2/3 column a row
SHEAR_PENALTY = 0.1  # the share of its score that a shear loses, for each column a row


@dataclass(frozen=True, eq=False)
class Strip:
    """A field cut into primitives.

    Attributes
    ----------
    labels : int16 array, shape (H, W)
        The primitive that a pixel belongs to: 0, 1, ... from left to right; -1 for paper.
    boxes : int array, shape (n, 4)
        Each primitive's x, y, w, h.
    pieces : int array, shape (n,)
        The number of the piece of connected ink that each primitive is a part of.
    height : int
        Height of the digits in pixels.
    shear : float
        How far the field was sheared to straighten it: columns to the right for each row down.
    specks : int array, shape (m, 4)
        The x, y, w, h of ink that was left out as too low for a digit's; its labels are -1.
    """

    labels: Labels
    boxes: npt.NDArray[np.int64]
    pieces: npt.NDArray[np.int64]
    height: int
    shear: float
    specks: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 4), np.int64))


def cut_up(ink: Ink) -> Strip:
    """Straighten a field's writing and cut it into primitives.

    There are none when the field holds nothing as high as a digit.

    Parameters
    ----------
    ink : bool array, shape (H, W)
        As `binarize` makes it.

    Examples
    --------
    >>> ink = np.zeros((72, 200), dtype=bool)
    >>> ink[20:60, 50:56] = ink[20:60, 90:96] = True  # two ones
    >>> strip = cut_up(ink)
    >>> strip.boxes.tolist()
    [[50, 20, 6, 40], [90, 20, 6, 40]]
    >>> runs(strip).tolist()  # too far apart to be one digit
    [[0, 1], [1, 2]]
    """
    ink, shear = straighten(remove_lines(ink))
    found = connected_pieces(ink)
    pieces = [piece for piece in found if piece.height >= DIRT_HEIGHT * ink.shape[0]]
    height = digit_height(pieces) if pieces else 0
    if height < SMALLEST_DIGIT * ink.shape[0]:
        pieces, height = [], 0
    pieces = without_broken_lines(pieces, height, LINE_DASH_HEIGHT * ink.shape[0])
    primitives = [
        (part, number)
        for number, piece in enumerate(pieces)
        if piece.height >= CRUMB_HEIGHT * height
        for part in cut(piece, height)
    ]
    primitives.sort(key=lambda primitive: 2 * primitive[0].x + primitive[0].width)
    labels = np.full(ink.shape, -1, dtype=np.int16)
    boxes = np.zeros((len(primitives), 4), dtype=np.int64)
    for number, (part, _) in enumerate(primitives):
        boxes[number] = x, y, w, h = part.x, part.y, part.width, part.height
        labels[y : y + h, x : x + w][part.ink] = number
    numbers = np.array([number for _, number in primitives], dtype=np.int64)
    kept = {pieces[number] for number in numbers.tolist()}
    specks = [(p.x, p.y, p.width, p.height) for p in found if p not in kept]
    left_out = np.array(specks, dtype=np.int64).reshape(-1, 4)
    return Strip(labels, boxes, numbers, height, shear, left_out)


def without_broken_lines(pieces: list[Piece], height: int, highest: float) -> list[Piece]:
    """Leave out the dashes that a faint ruled line is made of.

    Two or more pieces above the digits, none higher than `highest`, are taken for such dashes, and
    so are two or more below. Points and commas usually begin higher than the digits' feet. Both
    heights are in pixels; `height` is the digits'.
    """
    tall = [piece for piece in pieces if piece.height >= TALL_PIECE * height]
    if not tall:
        return pieces
    top = median(piece.y for piece in tall)
    bottom = median(piece.y + piece.height for piece in tall)
    low = [piece for piece in pieces if piece.height <= highest]
    above = [piece for piece in low if piece.y + piece.height <= top]
    below = [piece for piece in low if piece.y >= bottom]
    dashes = {piece for side in (above, below) if len(side) > 1 for piece in side}
    return [piece for piece in pieces if piece not in dashes]


def straighten(ink: Ink) -> tuple[Ink, float]:
    """Shear slanted writing upright, so that columns pass between digits.

    Several shears are tried. The one that gathers the ink in the fewest columns is taken: there
    the sum of the columns' squares is largest. `SHEAR_PENALTY` is taken off, so that writing
    without a clear slant stays as it is. Rows are moved in bands, which is quick; shears that
    differ by less than 1 / `BAND_HEIGHT` are not told apart. With the ink, which may be wider now,
    comes the shear: columns to the right for each row down.
    """
    height, width = ink.shape
    count = max(1, round(height / BAND_HEIGHT))
    gray = cv2.resize(ink.astype(np.float32), (width, count), interpolation=cv2.INTER_AREA)
    bands = np.asarray(gray, dtype=np.float32)
    shears = [step * count / height for step in SHEAR_STEPS]
    scores = []
    for step, shear in zip(SHEAR_STEPS, shears, strict=True):
        columns = column_sums(bands, step)
        scores.append(float(columns @ columns) * (1 - SHEAR_PENALTY * abs(shear)))
    shear = shears[int(np.argmax(scores))]
    return sheared(ink, shear), shear


def column_sums(bands: npt.NDArray[np.float32], step: int) -> npt.NDArray[np.float32]:
    """Add up the columns of a field, float32 (n, W), whose bands are moved to the side.

    Each band is moved `step` columns farther to the right than the one above. So there are
    W + (n - 1) |step| sums.
    """
    count, width = bands.shape
    start = max(0, -step) * (count - 1)
    columns = np.zeros(width + abs(step) * (count - 1), dtype=np.float32)
    for band in bands:
        columns[start : start + width] += band
        start += step
    return columns


def sheared(ink: Ink, shear: float) -> Ink:
    """Move each row to the right in proportion to its distance from the top, or the bottom.

    The shear is in columns for each row down. The field becomes H |shear| columns wider.
    """
    if shear == 0:
        return ink
    height, width = ink.shape
    matrix = np.array([[1, shear, sheared_start(shear, height)], [0, 1, 0]])
    size = (width + math.ceil(abs(shear) * height), height)
    moved = cv2.warpAffine(ink.view(np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
    return np.asarray(moved).view(np.bool_)


def sheared_start(shear: float, height: int) -> float:
    """Give the column to which `sheared` moves the first column of row 0."""
    return -min(0.0, shear * (height - 1))


def cut(piece: Piece, height: int) -> list[Piece]:
    """Cut a piece wherever two digits might touch.

    A cut goes down a waist, a column with less ink than the columns around it. Its extent is
    added to its ink, by `EXTENT_WEIGHT`, so that a thin ligature is cut rather than the thin top
    and bottom of a zero. Zeros that are written into each other have no waist: there the cut goes
    between their loops. A piece stays whole where no cut seems right. `height` is the digits', in
    pixels.
    """
    if piece.width < CUT_WIDTH * height:
        return [piece]
    cost = filled(piece.ink).sum(axis=0) + EXTENT_WEIGHT * column_extents(piece.ink)
    apart = max(2, round(CUTS_APART * height))
    columns = waists(cost, apart, round(WAIST_REACH * height))
    for wall in walls(piece.ink, height):
        if all(abs(wall - column) >= apart for column in (0, *columns, piece.width)):
            columns.append(wall)
    return [crop(piece, a, b) for a, b in pairwise([0, *sorted(columns), piece.width])]


def filled(ink: Ink) -> Ink:
    """Fill the loops: no cut may go through the middle of a zero."""
    outside = 2
    field = cv2.copyMakeBorder(ink.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(field, None, (0, 0), outside)  # from a corner to all paper that it reaches
    return np.asarray(field[1:-1, 1:-1] != outside, dtype=np.bool_)


def waists(cost: npt.NDArray[np.float64], apart: int, reach: int) -> list[int]:
    """Find the columns where the cost has a minimum, in ascending order.

    They keep a distance of `apart` from each other and from the ends; of two that are too near, the
    lower one is taken. On both sides there must be a higher column, no farther than `reach`.
    """
    row = cost.astype(np.float32)[np.newaxis]
    window = np.ones((1, reach + 1), np.uint8)
    left = cv2.dilate(row, window, anchor=(reach, 0))[0]  # the highest of this one and those before
    right = cv2.dilate(row, window, anchor=(0, 0))[0]
    lowest = cv2.erode(row, np.ones((1, 2 * (apart // 2) + 1), np.uint8))[0]
    free = (row[0] <= WAIST_INK * np.minimum(left, right)) & (row[0] <= lowest)
    free[:apart] = free[len(cost) - apart :] = False
    chosen: list[int] = []
    for column in sorted(np.flatnonzero(free).tolist(), key=lambda column: cost[column]):
        if all(abs(column - other) > apart for other in chosen):
            chosen.append(column)
    return sorted(chosen)


def walls(ink: Ink, height: int) -> list[int]:
    """Find the columns between loops that stand side by side, in ascending order.

    An eight has none: its loops stand one above the other. There must be some ink; `height` is the
    digits', in pixels.
    """
    outlines, tree = cv2.findContours(ink.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    loops = []  # middle, left, right
    for outline, (_, _, _, parent) in zip(outlines, tree[0], strict=True):
        x, _, w, h = cv2.boundingRect(outline)
        if parent >= 0 and h >= LOOP_HEIGHT * height:  # a loop's outline has another around it
            loops.append((x + w / 2, x, x + w))
    return [
        (right + left) // 2
        for (middle, _, right), (next_middle, left, _) in pairwise(sorted(loops))
        if next_middle - middle >= LOOPS_APART * height
    ]


def runs(strip: Strip) -> Candidates:
    """List the candidates: runs of neighbouring primitives no wider than a digit can be.

    A piece of connected ink is a candidate as a whole, too, however many cuts it got, unless it is
    far too wide or ink of another piece lies between.

    Returns
    -------
    int array, shape (n, 2)
        Number of the first primitive, and of the first one after the last; ordered by the second.
    """
    left = strip.boxes[:, 0].tolist()
    right = (strip.boxes[:, 0] + strip.boxes[:, 2]).tolist()
    whole = whole_pieces(strip)
    candidates = []
    for stop in range(1, len(left) + 1):
        x, edge = left[stop - 1], right[stop - 1]
        starts = [stop - 1]
        for start in range(stop - 2, max(-1, stop - 1 - LONGEST), -1):
            gap = x - right[start]
            x, edge = min(x, left[start]), max(edge, right[start])
            if edge - x > WIDEST * strip.height or gap > GAP * strip.height:
                break
            starts.append(start)
        if stop in whole and whole[stop] not in starts:
            starts.append(whole[stop])
        candidates += [(start, stop) for start in starts]
    return np.array(candidates, dtype=np.int64).reshape(-1, 2)


def whole_pieces(strip: Strip) -> dict[int, int]:
    """Find the runs that make up one whole piece of connected ink, no wider than `WIDEST_PIECE`.

    The number of the first primitive after the piece leads to that of its own first one.
    """
    parts: dict[int, list[int]] = {}
    for number, piece in enumerate(strip.pieces.tolist()):
        parts.setdefault(piece, []).append(number)
    left = strip.boxes[:, 0].tolist()
    right = (strip.boxes[:, 0] + strip.boxes[:, 2]).tolist()
    whole = {}
    for own in parts.values():
        start, stop = own[0], own[-1] + 1
        width = max(right[start:stop]) - min(left[start:stop])
        if stop - start == len(own) and width <= WIDEST_PIECE * strip.height:
            whole[stop] = start
    return whole


def boxes_of(strip: Strip, candidates: Candidates) -> npt.NDArray[np.int64]:
    """Give the box x, y, w, h around each candidate, int (n, 4)."""
    near, far = strip.boxes[:, :2], strip.boxes[:, :2] + strip.boxes[:, 2:]
    left, top, right, bottom = np.hstack([near, far]).T.tolist()
    boxes = []
    for start, stop in candidates.tolist():
        x, y = min(left[start:stop]), min(top[start:stop])
        boxes.append((x, y, max(right[start:stop]) - x, max(bottom[start:stop]) - y))
    return np.array(boxes, dtype=np.int64).reshape(-1, 4)


def ink_of(strip: Strip, run: Sequence[int], box: Sequence[int]) -> Ink:
    """Cut the ink of a run (start, stop) out of the box (x, y, w, h) around it."""
    (start, stop), (x, y, w, h) = run, box
    labels = strip.labels[y : y + h, x : x + w]
    return np.asarray((labels >= start) & (labels < stop), dtype=np.bool_)


def ink_boxes(strip: Strip, candidates: Candidates, scale: tuple[float, float]) -> list[Box]:
    """Give the box (x, y, w, h) around each candidate in the image, where the writing still slants.

    One pixel of the resampled field is `scale` pixels of the image, across and down.
    """
    boxes = []
    for run, box in zip(candidates.tolist(), boxes_of(strip, candidates).tolist(), strict=True):
        x, y, _, h = box
        pixels = cv2.findNonZero(ink_of(strip, run, box).view(np.uint8)).reshape(-1, 2)
        columns = pixels[:, 0] - strip.shear * pixels[:, 1]  # sheared back
        left, right = columns.min().item(), columns.max().item() + 1
        x -= strip.shear * y
        boxes.append(box_in_image(strip, (x + left, y, right - left, h), scale))
    return boxes


def box_in_image(
    strip: Strip, box: tuple[float, float, float, float], scale: tuple[float, float]
) -> Box:
    """Bring a box (x, y, w, h), already sheared back, from the strip to the image around it.

    One pixel of the resampled field is `scale` pixels of the image, across and down.
    """
    height, width = strip.labels.shape
    width -= math.ceil(abs(strip.shear) * height)
    across, down = scale
    x, y, w, h = box
    x -= sheared_start(strip.shear, height)
    # Sheared back, a pixel may come to lie outside by a fraction: the box stays in the image.
    right = max(1, min(round((x + w) * across), round(width * across)))
    bottom = max(1, min(round((y + h) * down), round(height * down)))
    left = min(max(round(x * across), 0), right - 1)
    top = min(max(round(y * down), 0), bottom - 1)
    return left, top, right - left, bottom - top
