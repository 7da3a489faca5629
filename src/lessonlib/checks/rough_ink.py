"""The ink of a small copy: whether it is light or dark, where it is, and without printed lines.

`find` looks at this ink for the line of writing. Nothing else is read from it, so it may be rough.
How the thresholds were chosen is told there.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import Gray

Mask = npt.NDArray[np.uint8]  # shape (h, w): 1 where there is ink, 0 elsewhere
Pieces = npt.NDArray[np.int32]  # shape (n, 5): x, y, w, h of connected ink, and its pixels
Labels = npt.NDArray[np.int32]  # shape (h, w): the number of a pixel's piece, 0 for paper
Counts = npt.NDArray[np.float64]  # shape (256,): how many pixels have each gray level
LEVELS = np.arange(256.0)

# Light or dark
# Of the shorter side: the widths of window that dark and light strokes are looked for with.
STROKES = (1 / 6, 1 / 12, 1 / 24, 1 / 48)
NARROWEST_WINDOW = 3  # pixels: in a narrower one nothing is narrower than the window
SHOWN = 0.5  # the share of the contrast at the last width that a width has to show
DECIDING = 2  # so many widths decide, the narrowest that show strokes

# Ink
FIELD_ASPECT = 2.0  # a field is at least so many times as wide as high; other images are photos
NOISE = 3  # pixels: the side of the square that gray levels are averaged over
SMOOTHED = 60  # pixels: strokes of a copy that is smaller, or lower, are too thin to be averaged
# Of the shorter side: what is wider is paper, or a shadow on it. In a photo, digits may be larger.
WIDEST_STROKE, WIDEST_IN_PHOTO = 0.2, 0.3
DARKEST = 0.001  # the share of the pixels that are as dark as the ink in the middle of a stroke
INK_SHARE = 0.3  # ink is darker than the paper by this share of what the darkest ink is
FAINTEST = 18  # gray levels between paper and the darkest ink; noise stays below
FAINTEST_EDGE = 0.7  # of `FAINTEST`: how much darker than the paper any ink is, pale ink too
NOISE_RATIO = 2.5  # the darkest ink is darker by so many times what half of all pixels are

# Printed boxes and cells, as shares of the piece where nothing else is said
FRAME_WIDTH, FRAME_HEIGHT = 24, 16  # pixels: what is smaller has no room for a digit
FRAME_INK = 0.75  # a piece with more ink than that in its box is a blot, or a shadow
MOST_FRAMES = 20  # pieces that are looked at, to bound the time a page of text takes
FRAME_STEP = 24  # a side that isn't quite level rises by a pixel in so many of the shorter side
EDGE = 1 / 8  # of its width or height: how far from the edge of its box a side may be
FRAME_EDGE = 0.88  # sides and walls; strokes of digits inside are shorter
FRAME_RUN = 0.6  # the level parts of a box: no digit inside is as wide
FRAME_SIDES = 3  # of four: an open box has them, and no digit

# Rules, as shares of the image where nothing else is said
RULE_WIDTH, RULE_HEIGHT = 0.55, 0.9
RULE_LENGTH = 0.7  # of the shorter side: no level stroke of a digit in a narrow image is as long
RULE_STEP = 3  # pixels: a rule that isn't quite level has steps of fewer
CROSSING = 0.03  # of the shorter side: how wide a printed line is at most that strokes cross
PRINTED = 1.2  # the ink is more than so many times the writing: lines were printed across it


@dataclass(frozen=True, eq=False)
class Writing:
    """The ink that is left without printed lines, its pieces, and whether lines were erased."""

    ink: Mask
    pieces: Pieces
    printed: bool


def has_light_ink(gray: Gray) -> bool:
    """Say whether the thin strokes of an image are lighter than what is around them.

    Most of the paper between digits and inside them is wider than a stroke. So the narrowest widths
    count that show strokes about as well as the widest does. Two of them: at one alone, bold digits
    and the paper inside them may come out alike.

    Parameters
    ----------
    gray : uint8 array, shape (h, w)

    Examples
    --------
    >>> night = np.full((40, 100), 50, dtype=np.uint8)
    >>> night[10:30, 40:43] = 220
    >>> has_light_ink(night), has_light_ink(255 - night)
    (True, False)
    """
    smooth = np.asarray(cv2.blur(gray, (NOISE, NOISE)), np.uint8)
    sides = [round(max(NARROWEST_WINDOW, share * min(gray.shape))) | 1 for share in STROKES]
    least, lightness = 0.0, []
    for side in dict.fromkeys(sides):  # in a low copy some are the same, and one look is enough
        strongest, light = lightness_at(smooth, side)
        if strongest < least:
            break
        least = max(least, SHOWN * strongest)
        lightness += [light] * sides.count(side)
    return sum(lightness[-DECIDING:]) > 0


def lightness_at(smooth: Gray, side: int) -> tuple[int, float]:
    """Look for strokes narrower than a window: how strong they are, and how much more are light.

    The second is the logarithm of a ratio: above 0 where light strokes have more contrast in all.
    """
    window = square(side)
    hats = (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT)
    light, dark = (counts_of(cv2.morphologyEx(smooth, hat, window)) for hat in hats)
    strongest = max(level_at(light, 1 - DARKEST), level_at(dark, 1 - DARKEST))
    above = np.maximum(LEVELS - round(INK_SHARE * strongest), 0)
    return strongest, math.log((above @ light + 1) / (above @ dark + 1))


def ink_in(gray: Gray) -> Mask:
    """Mark the dark ink; none where nothing stands out.

    The paper around a pixel is what is left when all that is dark and narrower than the window is
    closed. So a shadow, or a table under the paper, is no ink, even where its edge is hard.

    Parameters
    ----------
    gray : uint8 array, shape (h, w)
        Dark ink on lighter paper.

    Returns
    -------
    uint8 array, shape (h, w)
        1 where there is ink, 0 elsewhere.
    """
    height, width = gray.shape
    smooth = cv2.blur(gray, (NOISE, NOISE)) if min(height, width) > SMOOTHED else gray
    widest = WIDEST_STROKE if width >= FIELD_ASPECT * height else WIDEST_IN_PHOTO
    window = square(widest * min(height, width))
    contrast = cv2.morphologyEx(smooth, cv2.MORPH_BLACKHAT, window)
    counts = counts_of(contrast)
    darkest = level_at(counts, 1 - DARKEST)
    if darkest < max(FAINTEST, NOISE_RATIO * level_at(counts, 0.5)):
        return np.zeros_like(gray)
    faintest = max(INK_SHARE * darkest, FAINTEST_EDGE * FAINTEST)
    return np.asarray(cv2.threshold(contrast, faintest, 1, cv2.THRESH_BINARY)[1], np.uint8)


def counts_of(values: npt.ArrayLike) -> Counts:
    """Count the pixels of each gray level."""
    counts = cv2.calcHist([np.asarray(values, np.uint8)], [0], None, [256], [0, 256])
    return np.asarray(counts, np.float64).ravel()


def level_at(counts: Counts, share: float) -> int:
    """Find the gray level that this share of the pixels doesn't exceed."""
    up_to = counts.cumsum()
    return int(up_to.searchsorted(share * up_to[-1]))


def writing_in(ink: Mask) -> Writing:
    """Erase printed lines from ink, and join again what they cut apart.

    Parameters
    ----------
    ink : uint8 array, shape (h, w)
        1 where there is ink, 0 elsewhere.

    Examples
    --------
    >>> ink = np.zeros((40, 100), dtype=np.uint8)
    >>> ink[10:30, 40:43] = ink[34] = 1  # a stroke above a rule
    >>> writing = writing_in(ink)
    >>> writing.printed, writing.pieces.tolist()
    (True, [[40, 10, 3, 20, 60]])
    """
    labels, pieces = connected(ink)
    rest = without_rules(without_frames(ink, labels, pieces))
    if rest is ink:
        return Writing(ink, pieces, printed=False)
    printed = cv2.countNonZero(ink) > PRINTED * cv2.countNonZero(rest)
    if printed:
        gap = square(CROSSING * min(ink.shape))
        rest = np.minimum(ink, np.asarray(cv2.morphologyEx(rest, cv2.MORPH_CLOSE, gap), np.uint8))
    return Writing(rest, connected(rest)[1], printed)


def connected(ink: Mask) -> tuple[Labels, Pieces]:
    """Give the pieces of connected ink numbers from 1, and their boxes in the same order."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    return np.asarray(labels, np.int32), np.asarray(boxes[1:], np.int32)


def without_frames(ink: Mask, labels: Labels, pieces: Pieces) -> Mask:
    """Erase the sides of printed boxes and cells: pieces with three straight edges.

    The labels and pieces are the ink's. If there is no such piece, the ink is given back.
    """
    _, _, w, h, area = pieces.T
    large = (w >= FRAME_WIDTH) & (h >= FRAME_HEIGHT) & (area < FRAME_INK * w * h)
    rest = ink
    for number in np.flatnonzero(large)[:MOST_FRAMES].tolist():
        x, y, width, height, _ = pieces[number].tolist()
        box = slice(y, y + height), slice(x, x + width)
        sides = sides_of(np.asarray(labels[box] == number + 1, np.uint8))
        if sides is not None:
            rest = ink.copy() if rest is ink else rest
            rest[box] -= sides
    return rest


def sides_of(piece: Mask) -> Mask | None:
    """Mark the sides of a printed box; None if a piece, cut out, is none."""
    height, width = piece.shape
    thick = 1 + min(height, width) // FRAME_STEP
    level = thickened(piece, 1, thick)
    edges = full_edges(row_counts(level) / width)
    if not edges:  # as in most digits: two walls alone make no box
        return None
    upright = thickened(piece, thick, 1)
    edges += full_edges(column_counts(upright) / height)
    if edges < FRAME_SIDES:
        return None
    across = runs(level, bar(FRAME_RUN * width, 1))
    down = runs(upright, bar(1, FRAME_EDGE * height))
    return np.asarray(cv2.min(piece, cv2.max(across, down)), np.uint8)


def full_edges(shares: npt.NDArray[np.float64]) -> int:
    """Count at which of both edges of a piece a row, or a column, is full of ink.

    Takes the share of ink in each row, or in each column.
    """
    reach = int(EDGE * len(shares)) + 1
    return int(shares[:reach].max() > FRAME_EDGE) + int(shares[-reach:].max() > FRAME_EDGE)


def without_rules(ink: Mask) -> Mask:
    """Erase level and upright runs of ink that are nearly as long as the image is wide or high.

    If there is nothing else, or no such run, the ink is given back: it may be a digit.
    """
    height, width = ink.shape
    across = bar(max(RULE_LENGTH * min(height, width), RULE_WIDTH * width), 1)
    level = runs(thickened(ink, 1, RULE_STEP), across)
    upright = runs(thickened(ink, RULE_STEP, 1), bar(1, RULE_HEIGHT * height))
    rules = cv2.max(level, upright)
    if not cv2.countNonZero(rules):
        return ink
    rest = np.asarray(cv2.subtract(ink, rules), np.uint8)
    return rest if cv2.countNonZero(rest) else ink


def runs(ink: Mask, window: Mask) -> Mask:
    """Keep the ink that a bar full of ink can cover; beyond the edges there is none.

    What a bar of an even length covers comes out moved by one pixel, as it has no middle.
    """
    counts = row_counts(ink) if len(window) == 1 else column_counts(ink)
    if counts.max() < window.size:  # as nearly always: nothing has to be looked for
        return np.zeros_like(ink)
    edge = cv2.BORDER_CONSTANT
    kept = cv2.morphologyEx(ink, cv2.MORPH_OPEN, window, borderType=edge, borderValue=0)
    return np.asarray(kept, np.uint8)


def row_counts(ink: Mask) -> npt.NDArray[np.int32]:
    """Count the pixels of ink in each row."""
    return np.asarray(cv2.reduce(ink, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()


def column_counts(ink: Mask) -> npt.NDArray[np.int32]:
    """Count the pixels of ink in each column."""
    return np.asarray(cv2.reduce(ink, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()


def thickened(ink: Mask, width: int, height: int) -> Mask:
    """Let each pixel of ink grow to a bar of so many pixels."""
    return np.asarray(cv2.dilate(ink, bar(width, height)), np.uint8)


def bar(width: float, height: float) -> Mask:
    """Make a window of about so many pixels."""
    size = max(1, round(width)), max(1, round(height))
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_RECT, size), np.uint8)


def square(side: float) -> Mask:
    """Make a square window of about so many pixels, with a middle: its side is odd."""
    odd = round(side) | 1
    return bar(odd, odd)
