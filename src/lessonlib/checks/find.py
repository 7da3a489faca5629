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
Contrast = npt.NDArray[np.int16]  # gray levels above the paper; ink is below 0, or light
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
    contrast = contrast_to_paper(small)
    least = least_contrast(contrast)
    if least is None:
        return Found(gray, identity(), False, (NO_WRITING,))
    tilt = common_tilt(ink_in(contrast, least))
    back = identity()
    if abs(tilt) >= 1:
        back = turning(small.shape, tilt)
        contrast = turned(contrast, back)
    ink = ink_in(contrast, least)
    boxes = pieces_of(without_rules(ink))
    line = line_of(boxes, ink.shape[0])
    if line is None:
        return Found(gray, identity(), False, (NO_WRITING,))
    x, y, w, h = line
    part = contrast[y : y + h, x : x + w]
    light = bool(part[np.abs(part) > least].astype(np.int64).sum() > 0)
    if w > 2 * h:
        more = text_tilt(ink[y : y + h, x : x + w])
    else:
        more = 0.0
    notes = [INVERTED] if light else []
    if h * scale < READABLE:
        notes.append(TOO_SMALL)
    if h > FULL * len(small) and abs(tilt + more) < LEAST_TILT:
        return Found(255 - gray if light else gray, identity(), light, tuple(notes))
    angle = tilt + more if abs(tilt + more) >= 0.5 else 0.0
    cut, matrix = cut_out(gray, line, back, scale, angle)
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


def contrast_to_paper(gray: Gray) -> Contrast:
    """Subtract the paper's level around each pixel: the median of a square as wide as the image.

    Writing covers less than half of it, so that the median is paper, whichever of the two is dark.
    """
    step = max(1, min(gray.shape) // 24)
    few = np.ascontiguousarray(gray[step // 2 :: step, step // 2 :: step])
    side = min(few.shape) // 2 * 2 + 1
    paper = cv2.medianBlur(few, side)
    paper = cv2.resize(paper, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
    smooth = cv2.blur(gray, (3, 3)) if min(gray.shape) > 60 else gray
    return np.asarray(cv2.subtract(smooth, paper, dtype=cv2.CV_16S), np.int16)


def least_contrast(contrast: Contrast) -> float | None:
    """Choose how far ink differs from the paper at least; None where nothing does."""
    size = cv2.convertScaleAbs(contrast)
    counts = np.cumsum(cv2.calcHist([size], [0], None, [256], [0, 256]))
    darkest = int(np.searchsorted(counts, (1 - DARKEST) * size.size))
    return None if darkest < FAINTEST else max(INK_SHARE * darkest, FAINTEST * 0.7)


def ink_in(contrast: Contrast, least: float) -> Mask:
    """Mark the pixels that differ from the paper, either way."""
    return np.asarray(cv2.convertScaleAbs(contrast) > least, np.uint8)


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
    scores *= 1 - (tilts / 60) ** 2
    best = int(scores.argmax())
    if scores[best] < 1.15 * scores[len(tilts) // 2]:
        return 0.0
    finer = tilts[best] + np.arange(-1.5, 1.6, 0.5)
    return float(finer[gathering(x, y, finer, max(1.0, ink.shape[1] * 0.004)).argmax()])


def text_tilt(ink: Mask) -> float:
    """Estimate what a line of text, nearly level, is still tilted by, in degrees."""
    x, y = feet(ink)
    tilts = np.arange(-5, 5.1, 0.5)
    scores = gathering(x, y, tilts, max(1.0, len(ink) * 0.06)) * (1 - (tilts / 20) ** 2)
    best = int(scores.argmax())
    return float(tilts[best]) if scores[best] > 1.05 * scores[len(tilts) // 2] else 0.0


def turning(shape: tuple[int, ...], tilt: float) -> Matrix:
    """Make the matrix from an image that was turned level to the image of this shape."""
    middle = (shape[1] / 2, shape[0] / 2)
    return np.asarray(cv2.getRotationMatrix2D(middle, -tilt, 1.0), np.float64)


def turned(contrast: Contrast, back: Matrix) -> Contrast:
    """Turn an image of contrast; beyond its edges there is paper."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    level = cv2.warpAffine(contrast, back, contrast.shape[::-1], flags=flags, borderValue=0)
    return np.asarray(level, np.int16)


def without_rules(ink: Mask) -> Mask:
    """Erase long level and upright runs of ink: ruled lines, frames, walls of cells."""
    height, width = ink.shape
    across = round(max(0.7 * min(height, width), 0.35 * width))
    upright = round(max(0.9 * height, 8))
    rules = np.zeros_like(ink)
    thick = cv2.dilate(ink, np.ones((3, 1), np.uint8))
    rules |= cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, across), np.uint8))
    thick = cv2.dilate(ink, np.ones((1, 3), np.uint8))
    rules |= cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((upright, 1), np.uint8))
    rest = cv2.subtract(ink, rules)
    return np.asarray(rest if rest.any() else ink, np.uint8)


def pieces_of(ink: Mask) -> Boxes:
    """Give the boxes of the pieces that may be writing: neither specks nor as large as the image."""
    _, _, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    boxes = np.asarray(boxes[1:], np.int32)
    return boxes[boxes[:, 4] >= 4]


def line_of(boxes: Boxes, height: int) -> tuple[int, int, int, int] | None:
    """Choose the line with the most ink in pieces of one height; its box x, y, w, h."""
    tall = boxes[(boxes[:, 3] >= 5)]
    tall = tall[np.argsort(-tall[:, 4])[:80]]
    if not len(tall):
        return None
    x, y, w, h, area = tall.astype(np.float64).T
    middle = y + h / 2
    near = np.abs(middle - middle[:, np.newaxis]) < 0.5 * h[:, np.newaxis]
    alike = (h > 0.55 * h[:, np.newaxis]) & (h < 1.7 * h[:, np.newaxis])
    ink = np.minimum(area, 0.7 * w * h)
    ink[(w > 12 * h)] = 0
    solid = (area > 0.8 * w * h) & (w > 0.6 * h)
    ink[solid] *= 0.2
    scores = (near & alike) @ ink
    seed = int(scores.argmax())
    members = tall[near[seed] & alike[seed]]
    usual = float(np.median(members[:, 3]))
    box = members[np.abs(members[:, 0] - x[seed]).argmin()]
    left, top, right, bottom = box[0], box[1], box[0] + box[2], box[1] + box[3]
    # Neighbours join while they are near: a far-off digit, commas, raised cents.
    for _ in range(len(boxes)):
        mid = boxes[:, 1] + boxes[:, 3] / 2
        gap = np.maximum(boxes[:, 0] - right, left - boxes[:, 0] - boxes[:, 2])
        big = boxes[:, 3] > 0.5 * usual
        joins = (
            (boxes[:, 3] < 1.9 * usual) & (mid > top - 0.2 * usual) & (mid < bottom + 0.3 * usual)
        )
        joins &= gap < np.where(big, WIDEST_GAP, 1.0) * usual
        joins &= boxes[:, 2] < 12 * boxes[:, 3]
        more = boxes[joins]
        new = (
            min(left, more[:, 0].min(initial=left)),
            min(top, more[:, 1].min(initial=top)),
            max(right, (more[:, 0] + more[:, 2]).max(initial=right)),
            max(bottom, (more[:, 1] + more[:, 3]).max(initial=bottom)),
        )
        if new == (left, top, right, bottom):
            break
        left, right = new[0], new[2]
        top = max(new[1], bottom - round(2 * usual))
        bottom = min(new[3], top + round(2 * usual))
    return int(left), int(top), int(right - left), int(bottom - top)


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
