"""Before the steps of reading: where in an image the writing is, cut out level and dark on light.

A rough look is enough, so all of it but the cut is done on a small copy. Moved by a fifth, most of
the thresholds below change little: what is cut out has room around it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import Gray

Matrix = npt.NDArray[np.float64]  # (2, 3): maps a point (x, y)
Mask = npt.NDArray[np.uint8]  # (h, w): 1 where there is ink, 0 elsewhere
Boxes = npt.NDArray[np.int32]  # (n, 5): x, y, w, h, pixels of ink of each piece

# The small copy has about so many pixels on its long side, and as many as that on its short side,
# if the image has: digits of a fifteenth of the short side are then 10 pixels high.
LONG_SIDE, SHORT_SIDE = 400, 150
FAINTEST = 14  # gray levels between paper and ink
INK_SHARE = 0.35  # ink differs from the paper by this share of what the darkest ink does, at least
DARKEST = 0.004  # the share of the pixels that are as dark as that
MOST_TILT = 20.0  # degrees
LEAST_TILT = 2.0  # degrees: fields that are less tilted are read as they are
FULL = 0.4  # of the image's height: writing that fills as much is read as it is
ROOM_ABOVE, ROOM_BESIDE = 0.4, 1.0  # paper around the writing, in heights of the text
WIDEST_GAP = 3.0  # between two digits of a line, in heights of the text
DOUBT = 2.0
READABLE = 12  # pixels: lower digits are hard to read

NO_WRITING = "No writing was found: the image is empty, or its ink too pale."
TOO_SMALL = "The digits are under 12 pixels high: cut closer, or scan finer."
MANY_LINES = "There are several lines of text: cut out the amount, if this is a whole page."
INVERTED = "Light ink on dark paper was assumed."
TURNED = "The writing runs from top to bottom: the image may have to be turned by 90 degrees."
CUT_OFF = "The writing runs out of the image at its {} edge: leave some paper around it."


@dataclass(frozen=True, eq=False)
class Found:
    """The line of writing of an image.

    Attributes
    ----------
    gray : uint8 array, shape (h, w)
        The writing, level, dark ink on lighter paper, with paper around it.
    matrix : float64 array, shape (2, 3)
        Maps a point (x, y) of `gray` to the image that was given.
    light_on_dark : bool
        Whether the image had light ink on dark paper, and was inverted.
    notes : tuple of str
        What is unusual about it, in sentences a user can act on.
    """

    gray: Gray
    matrix: Matrix
    light_on_dark: bool
    notes: tuple[str, ...]


def find_writing(gray: Gray) -> Found:
    """Find the line of writing in an image, and cut it out.

    Writing that fills the image already is left as it is, so that no pixel of it is computed anew.

    Parameters
    ----------
    gray : uint8 array, shape (H, W)
        Upright, but for a tilt of up to `MOST_TILT` degrees.

    Examples
    --------
    >>> photo = np.full((300, 400), 200, dtype=np.uint8)
    >>> photo[140:170, 200:204] = photo[140:170, 215:219] = 40  # two strokes
    >>> found = find_writing(photo)
    >>> found.gray.shape[0] < 70, found.light_on_dark
    (True, False)
    """
    small, scale = reduced(gray)
    light = has_light_ink(small)
    contrast = contrast_to_paper(255 - small if light else small)
    least = least_contrast(contrast)
    if least is None:
        return Found(gray, identity(), False, (NO_WRITING,))
    tilt = common_tilt(ink_in(contrast, least))
    back = identity()
    if abs(tilt) >= 1:
        back = turning(small.shape, tilt)
        contrast = turned(contrast, back)
    ink = ink_in(contrast, least)
    rest = without_rules(without_frames(ink))
    line = line_of(pieces_of(rest))
    if line is None:
        return Found(gray, identity(), False, (NO_WRITING,))
    h = line.box[3]
    notes = [INVERTED] if light else []
    if h * scale < READABLE:
        notes.append(TOO_SMALL)
    printed = tilt if np.count_nonzero(ink) > 1.2 * np.count_nonzero(rest) else 0.0
    angle = tilt + tilt_of(line, rest, printed - tilt)
    if abs(angle) < LEAST_TILT:
        angle = 0.0
    if h > FULL * len(small) and not angle:
        return Found(255 - gray if light else gray, identity(), light, tuple(notes))
    cut, matrix = cut_out(gray, line.box, back, scale, angle)
    return Found(255 - cut if light else cut, matrix, light, tuple(notes))


def identity() -> Matrix:
    """Make the matrix that leaves every point where it is."""
    return np.eye(2, 3)


def reduced(gray: Gray) -> tuple[Gray, float]:
    """Make a copy that is small enough to be looked at quickly; one of its pixels is `scale`."""
    long, short = max(gray.shape), min(gray.shape)
    scale = max(1.0, min(long / LONG_SIDE, short / SHORT_SIDE))
    if scale == 1:
        return gray, 1.0
    size = (max(1, round(gray.shape[1] / scale)), max(1, round(gray.shape[0] / scale)))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def has_light_ink(gray: Gray) -> bool:
    """Say whether the thin strokes of an image are lighter than what is around them.

    Of both kinds of strokes, those as thin as the window count: it is too narrow for most of the
    paper between digits and inside them.
    """
    side = max(3, round(min(gray.shape) / 24)) | 1
    window = np.ones((side, side), np.uint8)
    smooth = cv2.blur(gray, (3, 3))
    dark = np.asarray(cv2.morphologyEx(smooth, cv2.MORPH_BLACKHAT, window), np.uint8)
    light = np.asarray(cv2.morphologyEx(smooth, cv2.MORPH_TOPHAT, window), np.uint8)
    least = round(INK_SHARE * max(quantile(dark, 1 - DARKEST), quantile(light, 1 - DARKEST)))
    more = [cv2.sumElems(cv2.subtract(hat, least))[0] for hat in (light, dark)]  # type: ignore
    return bool(more[0] > more[1])


def contrast_to_paper(gray: Gray) -> Gray:
    """Subtract each pixel from the paper's level around it: gray levels that ink is darker.

    The paper is what is left when all that is dark and thinner than the window is closed. So a
    shadow or a table under the paper stays, even where its edge is hard.
    """
    smooth = cv2.blur(gray, (3, 3)) if min(gray.shape) > 60 else gray
    side = round(0.3 * min(gray.shape)) | 1
    return np.asarray(
        cv2.morphologyEx(smooth, cv2.MORPH_BLACKHAT, np.ones((side, side), np.uint8)), np.uint8
    )


def quantile(values: Gray, share: float) -> int:
    """Find the gray level that this share of the pixels doesn't exceed."""
    counts = np.cumsum(cv2.calcHist([values], [0], None, [256], [0, 256]))
    return int(np.searchsorted(counts, share * values.size))


def least_contrast(contrast: Gray) -> float | None:
    """Choose how much darker than the paper ink is at least; None where nothing is."""
    darkest = quantile(contrast, 1 - DARKEST)
    return None if darkest < FAINTEST else max(INK_SHARE * darkest, FAINTEST * 0.7)


def ink_in(contrast: Gray, least: float) -> Mask:
    """Mark the pixels that are darker than the paper by more than the least contrast."""
    return np.asarray(contrast > least, np.uint8)


def feet(ink: Mask) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Give x and y of the ink with paper below it, at most some 1500 points."""
    y, x = np.nonzero(ink[:-1] > ink[1:])
    step = len(x) // 1500 + 1
    return x[::step].astype(np.float32), y[::step].astype(np.float32)


def gathering(
    x: npt.NDArray[np.float32],
    y: npt.NDArray[np.float32],
    tilts: npt.NDArray[np.float64],
    row: float,
) -> npt.NDArray[np.float64]:
    """Measure for each tilt, in degrees, how much the points gather in few rows.

    Slanted letters gather as upright ones do: a slant moves points along their row.
    """
    slopes = np.tan(np.radians(tilts)).astype(np.float32)
    rows = ((y - slopes[:, np.newaxis] * (x - x.mean())) / row).astype(np.int32)
    rows -= rows.min()
    count = int(rows.max()) + 1
    rows += (np.arange(len(tilts), dtype=np.int32) * count)[:, np.newaxis]
    counts = np.bincount(rows.ravel(), minlength=count * len(tilts)).reshape(len(tilts), count)
    pairs = counts[:, 1:] + counts[:, :-1]
    return (pairs.astype(np.float64) ** 2).sum(axis=1)


def common_tilt(ink: Mask) -> float:
    """Estimate the tilt of all that is written and printed, in degrees; 0 where nothing says so."""
    x, y = feet(ink)
    if len(x) < 10:
        return 0.0
    tilts = np.arange(-MOST_TILT, MOST_TILT + 1, 2)
    scores = gathering(x, y, tilts, max(1.0, ink.shape[1] * 0.01))
    scores *= 1 - (tilts / 50) ** 2
    best = int(scores.argmax())
    if scores[best] < 1.1 * scores[len(tilts) // 2]:
        return 0.0
    finer = tilts[best] + np.arange(-1.5, 1.6, 0.5)
    return float(finer[gathering(x, y, finer, max(1.0, ink.shape[1] * 0.004)).argmax()])


def turning(shape: tuple[int, ...], tilt: float) -> Matrix:
    """Make the matrix from an image that was turned level to the image of this shape."""
    middle = (shape[1] / 2, shape[0] / 2)
    return np.asarray(cv2.getRotationMatrix2D(middle, -tilt, 1.0), np.float64)


def turned(contrast: Gray, back: Matrix) -> Gray:
    """Turn an image of contrast; beyond its edges there is paper."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    level = cv2.warpAffine(contrast, back, contrast.shape[::-1], flags=flags, borderValue=0)
    return np.asarray(level, np.uint8)


def without_rules(ink: Mask) -> Mask:
    """Erase long level and upright runs of ink: ruled lines, frames, walls of cells."""
    height, width = ink.shape
    across = round(max(0.7 * min(height, width), 0.55 * width))
    upright = round(max(0.9 * height, 8))
    rules = np.zeros_like(ink)
    thick = cv2.dilate(ink, np.ones((3, 1), np.uint8))
    rules |= cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, across), np.uint8))
    thick = cv2.dilate(ink, np.ones((1, 3), np.uint8))
    rules |= cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((upright, 1), np.uint8))
    rest = cv2.subtract(ink, rules)
    return np.asarray(rest if rest.any() else ink, np.uint8)


def without_frames(ink: Mask) -> Mask:
    """Erase the sides of printed boxes and cells: pieces with a level and an upright outer edge."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    rest = ink
    for label in np.argsort(-boxes[:, 2])[:12]:
        x, y, w, h, area = boxes[label].tolist()
        if label == 0 or w < 24 or h < 16 or area > 0.75 * w * h:
            continue
        own = np.asarray(labels[y : y + h, x : x + w] == label, np.uint8)
        level = cv2.dilate(own, np.ones((1 + min(w, h) // 24, 1), np.uint8))
        upright = cv2.dilate(own, np.ones((1, 1 + min(w, h) // 24), np.uint8))
        rows, columns = level.sum(axis=1) > 0.88 * w, upright.sum(axis=0) > 0.88 * h
        if not (at_edge(rows) and at_edge(columns)):
            continue
        runs = cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((1, round(0.6 * w)), np.uint8))
        runs |= cv2.morphologyEx(upright, cv2.MORPH_OPEN, np.ones((round(0.7 * h), 1), np.uint8))
        if rest is ink:
            rest = ink.copy()
        rest[y : y + h, x : x + w] &= 1 - (own & runs)
    return rest


def at_edge(full: npt.NDArray[np.bool_]) -> bool:
    """Say whether the first or last rows (or columns) of a piece hold one full of ink."""
    reach = len(full) // 8 + 1
    return bool(full[:reach].any() or full[-reach:].any())


def pieces_of(ink: Mask) -> Boxes:
    """Give the boxes of the pieces that are no specks."""
    _, _, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    boxes = np.asarray(boxes[1:], np.int32)
    return boxes[boxes[:, 4] >= 4]


@dataclass(frozen=True, eq=False)
class Line:
    """A line of text: its box x, y, w, h, the usual height of a digit, the boxes of its digits."""

    box: tuple[int, int, int, int]
    usual: float
    digits: Boxes


def line_of(pieces: Boxes) -> Line | None:
    """Choose the line with the most ink in pieces of one height."""
    tall = pieces[pieces[:, 3] >= 5]
    tall = tall[np.argsort(-tall[:, 4])[:80]]
    if not len(tall):
        return None
    x, y, w, h, area = tall.astype(np.float64).T
    middle = y + h / 2
    near = np.abs(middle - middle[:, np.newaxis]) < 0.5 * h[:, np.newaxis]
    alike = (h > 0.55 * h[:, np.newaxis]) & (h < 1.7 * h[:, np.newaxis])
    ink = np.minimum(area, 0.7 * w * h)
    ink[w > 12 * h] = 0
    ink[(area > 0.8 * w * h) & (w > 0.6 * h)] *= 0.2  # solid: a shadow, a table, a bar
    ink[w < 0.12 * h] *= 0.3  # the side of a box, if there is other ink
    seed = int(((near & alike) @ ink).argmax())
    members = tall[near[seed] & alike[seed]]
    usual = float(np.median(members[:, 3]))
    box = box_of(tall[seed : seed + 1])
    big = pieces[(pieces[:, 3] > 0.5 * usual) & (pieces[:, 3] < 1.9 * usual)]
    big = big[big[:, 2] < 12 * big[:, 3]]
    count = 0
    while count != len(joined := big[joins(big, box, usual, WIDEST_GAP)]):
        count, box = len(joined), box_of(joined)
    small = pieces[pieces[:, 3] <= 0.5 * usual]
    small = small[(small[:, 2] < 2 * usual) & joins(small, box, usual, 1.0)]
    return Line(box_of(np.concatenate([joined, small])), usual, joined)


def box_of(boxes: Boxes) -> tuple[int, int, int, int]:
    """Give the box around all boxes."""
    x, y = boxes[:, :2].min(axis=0).tolist()
    right, bottom = (boxes[:, :2] + boxes[:, 2:4]).max(axis=0).tolist()
    return x, y, right - x, bottom - y


def joins(
    boxes: Boxes, line: tuple[int, int, int, int], usual: float, gap: float
) -> npt.NDArray[np.bool_]:
    """Say which boxes are on a line and at most so many heights away from it."""
    x, y, w, h = line
    middle = boxes[:, 1] + boxes[:, 3] / 2
    away = np.maximum(boxes[:, 0] - x - w, x - boxes[:, 0] - boxes[:, 2])
    level = (middle > y - 0.2 * usual) & (middle < y + h + 0.3 * usual)
    return np.asarray(level & (away < gap * usual))


def tilt_of(line: Line, ink: Mask, expected: float) -> float:
    """Estimate how far a line is tilted, in degrees, from the tops and feet of its digits.

    Two digits say little and many say much: the estimate lies between them and what is expected.
    Joined digits count as several: the line is looked at in parts about as wide as a digit.
    """
    x, y, w, h = line.box
    part = ink[y : y + h, x : x + w]
    bounds = np.linspace(0, w, max(1, round(w / (0.8 * line.usual))) + 1).astype(int)[:-1]
    rows = np.maximum.reduceat(part, bounds, axis=1)
    tops, feet = rows.argmax(axis=0), h - rows[::-1].argmax(axis=0)
    digits = np.abs((feet - tops) / line.usual - 1) < 0.4
    across = (bounds / line.usual)[digits]
    across = across - across.mean() if len(across) else across
    along = across @ (tops + feet)[digits] / (2 * line.usual)
    slope = np.tan(np.radians(expected))
    return float(np.degrees(np.arctan((along + DOUBT * slope) / (across @ across + DOUBT))))


def cut_out(
    gray: Gray, line: tuple[int, int, int, int], back: Matrix, scale: float, angle: float
) -> tuple[Gray, Matrix]:
    """Cut a line out of the image, level, with room around it but nothing beyond the image."""
    x, y, w, h = line
    middle = scale * (back @ [x + w / 2, y + h / 2, 1])
    turn = np.radians(angle)
    if not angle:
        left = max(0, round(middle[0] - scale * (w / 2 + ROOM_BESIDE * h)))
        right = min(gray.shape[1], round(middle[0] + scale * (w / 2 + ROOM_BESIDE * h)))
        top = max(0, round(middle[1] - scale * h * (0.5 + ROOM_ABOVE)))
        bottom = min(gray.shape[0], round(middle[1] + scale * h * (0.5 + ROOM_ABOVE)))
        return gray[top:bottom, left:right], np.array([[1.0, 0, left], [0, 1, top]])
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    half = scale * np.array([w / 2 + ROOM_BESIDE * h, h * (0.5 + ROOM_ABOVE)])
    width, height = (2 * np.ceil(half)).astype(int).tolist()
    matrix = np.column_stack([axes, middle - axes @ [width / 2, height / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(
        gray, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, np.uint8), matrix
