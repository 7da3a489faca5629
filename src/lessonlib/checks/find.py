"""Before the steps of reading: where in an image the writing is, cut out level and dark on light.

A rough look is enough, so all of it but the cut is done on a small copy of the image. How the
thresholds below were chosen: on rendered fields, pasted on paper of many kinds and sizes, with
known places; what is cut out has room around it, so that none of them has to be exact.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import MAX_ASPECT, Box, Gray

Matrix = npt.NDArray[np.float64]  # shape (2, 3): maps a point (x, y)
Mask = npt.NDArray[np.uint8]  # shape (h, w): 1 where there is ink, 0 elsewhere
Pieces = npt.NDArray[np.int32]  # shape (n, 5): x, y, w, h of connected ink, and its pixels

# The small copy. A field, which is at least `FIELD_ASPECT` times as wide as high, is mostly filled
# by its writing, and a copy of so few rows tells. Other images are looked at more closely: digits
# of a fifteenth of a photo's height are 20 pixels high when it is 400 pixels wide.
FIELD_ASPECT, FIELD_ROWS = 2.0, 40
LONG_SIDE, SHORT_SIDE = 400, 150

# Ink
# Of the shorter side: the widths of window that dark and light strokes are looked for with.
STROKES = (1 / 48, 1 / 24, 1 / 12, 1 / 6)
SHOWN = 0.5  # the share of the contrast at the last width that a width has to show
WIDEST_STROKE = 0.2  # of the shorter side: what is wider is paper, or a shadow on it
DARKEST = 0.001  # the share of the pixels that are as dark as the ink in the middle of a stroke
INK_SHARE = 0.3  # ink is darker than the paper by this share of what the darkest ink is
FAINTEST = 18  # gray levels between paper and the darkest ink; noise stays below
NOISE_RATIO = 2.5  # the darkest ink is darker by so many times what half of all pixels are

# Printed lines, as shares of the image or of the piece
RULE_WIDTH, RULE_HEIGHT = 0.55, 0.9
FRAME_EDGE = 0.88  # sides and walls; strokes of digits inside are shorter
CROSSING = 0.03  # of the shorter side: how wide a printed line is at most that strokes cross

# Text, in heights of its digits where nothing else is said
WIDEST_GAP = 3.0  # between two digits of a line
SMALL_GAP = 1.5  # between digits and a mark
DOUBT = 3.0  # how much weight the expected tilt has, beside the squared places of the digits
MOST_TILT = 20.0  # degrees
LEAST_TILT = 2.0  # degrees: a line that is less tilted is read as it is
# Writing that fills this share of the image's height is read as it is, and so is a tilt of less
# than so many degrees: in a field that is cut out closely, it is often wrong by as much.
FULL, FULL_TILT = 0.4, 4.0
ROOM_ABOVE, ROOM_BESIDE = 0.35, 1.0  # paper around the writing
READABLE = 12  # pixels: lower digits are hard to read

NO_WRITING = "No writing was found: the image is empty, or its ink is too pale."
TOO_SMALL = f"The digits are under {READABLE} pixels high: cut closer, or scan finer."
TOO_LONG = f"The image is more than {MAX_ASPECT} times as wide as high: cut out the amount."
MANY_LINES = "There are several lines of text: cut out the amount, if this is a whole page."
INVERTED = "Light ink on dark paper was assumed."
TURNED = "The writing runs from top to bottom: the image may have to be turned by 90 degrees."
CUT_OFF = "The writing runs out of the image at its {} edge: cut out more of the paper."


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


@dataclass(frozen=True, eq=False)
class Line:
    """A line of text: its box, the usual height of its digits, the boxes of these."""

    box: Box
    height: float
    digits: Pieces


@dataclass(frozen=True, eq=False)
class Look:
    """What a small copy shows.

    Its pixels are `scale` pixels of the image. It was turned level, and `back` maps a point of it
    to one of the copy as it was. The line is tilted by `tilt` degrees in the image.
    """

    scale: float
    shape: tuple[int, int]
    light: bool
    pieces: Pieces
    line: Line | None
    back: Matrix
    tilt: float

    def is_full(self) -> bool:
        """Say whether level writing fills the image already."""
        if self.line is None or self.line.box[3] <= FULL * self.shape[0]:
            return False
        return abs(self.tilt) < FULL_TILT


def find_writing(gray: Gray) -> Found:
    """Find the line of writing in an image, and cut it out.

    Writing that fills the image already is left as it is, so that no pixel of it is computed anew,
    and so is an image without writing.

    Parameters
    ----------
    gray : uint8 array, shape (H, W)
        Upright, but for a tilt of up to `MOST_TILT` degrees.

    Examples
    --------
    >>> photo = np.full((300, 400), 200, dtype=np.uint8)
    >>> photo[140:170, 200:204] = photo[140:170, 215:219] = 40  # two strokes
    >>> found = find_writing(photo)
    >>> found.gray.shape[0] < 60, found.light_on_dark
    (True, False)
    """
    height, width = gray.shape
    if width > MAX_ASPECT * max(height, FIELD_ROWS):  # a look would take seconds
        return Found(gray, np.eye(2, 3), False, (TOO_LONG,))
    seen = look(gray, height / FIELD_ROWS) if width >= FIELD_ASPECT * height else None
    if seen is None or not seen.is_full():
        seen = look(gray, min(max(gray.shape) / LONG_SIDE, min(gray.shape) / SHORT_SIDE))
    if seen.line is None:
        return Found(gray, np.eye(2, 3), False, (NO_WRITING,))
    if seen.is_full():
        cut, matrix = gray, np.eye(2, 3)
    else:
        cut, matrix = cut_out(gray, seen.line, seen)
    return Found(255 - cut if seen.light else cut, matrix, seen.light, notes_on(seen, seen.line))


def look(gray: Gray, scale: float) -> Look:
    """Find the line of writing in a copy that is smaller by `scale`, if that is above 1."""
    scale = max(1.0, scale)
    small = gray
    if scale > 1:
        size = [max(1, round(side / scale)) for side in gray.shape[::-1]]
        small = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
    light = has_light_ink(small)
    ink = ink_in(255 - small if light else small)
    tilt, back = common_tilt(ink), np.eye(2, 3)
    if tilt:
        middle = (small.shape[1] / 2, small.shape[0] / 2)
        back = np.asarray(cv2.getRotationMatrix2D(middle, -tilt, 1.0), np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        level = cv2.warpAffine(255 * ink, back, small.shape[::-1], flags=flags)
        ink = np.asarray(np.asarray(level) > 127, np.uint8)
    writing = without_rules(without_frames(ink))
    printed = cv2.countNonZero(ink) > 1.2 * cv2.countNonZero(writing)
    if printed:  # what printed lines cut apart is joined again
        gap = square(CROSSING * min(small.shape))
        whole = np.asarray(cv2.morphologyEx(writing, cv2.MORPH_CLOSE, gap), np.uint8)
        writing = np.minimum(ink, whole)
    pieces = pieces_of(writing)
    line = line_of(pieces)
    if line is not None:
        tilt += further_tilt(line, writing, 0.0 if printed else -tilt)
    tilt = tilt if abs(tilt) >= LEAST_TILT else 0.0
    return Look(scale, (small.shape[0], small.shape[1]), light, pieces, line, back, tilt)


def has_light_ink(gray: Gray) -> bool:
    """Say whether the thin strokes of an image are lighter than what is around them.

    Most of the paper between digits and inside them is wider than a stroke. So the narrowest widths
    count that show strokes about as well as the widest does. Two of them: at one alone, bold digits
    and the paper inside them may come out alike.
    """
    smooth, least, lightness = cv2.blur(gray, (3, 3)), 0.0, []
    for share in reversed(STROKES):
        window = square(max(3, share * min(gray.shape)))
        dark = np.asarray(cv2.morphologyEx(smooth, cv2.MORPH_BLACKHAT, window), np.uint8)
        light = np.asarray(cv2.morphologyEx(smooth, cv2.MORPH_TOPHAT, window), np.uint8)
        strongest = max(quantile(dark, 1 - DARKEST), quantile(light, 1 - DARKEST))
        if strongest < least:
            break
        least = max(least, SHOWN * strongest)
        above = round(INK_SHARE * strongest)
        above_it = [np.maximum(hat, above).sum() - above * hat.size + 1 for hat in (dark, light)]
        of_dark, of_light = map(float, above_it)
        lightness.append(math.log(of_light / of_dark))
    return sum(lightness[-2:]) > 0


def ink_in(gray: Gray) -> Mask:
    """Mark the dark ink; none where nothing stands out.

    The paper around a pixel is what is left when all that is dark and narrower than the window is
    closed. So a shadow, or a table under the paper, is no ink, even where its edge is hard.
    """
    smooth = cv2.blur(gray, (3, 3)) if min(gray.shape) > 1.5 * FIELD_ROWS else gray
    wide = gray.shape[1] >= FIELD_ASPECT * gray.shape[0]
    window = square((WIDEST_STROKE if wide else 1.5 * WIDEST_STROKE) * min(gray.shape))
    contrast = np.asarray(cv2.morphologyEx(smooth, cv2.MORPH_BLACKHAT, window), np.uint8)
    darkest = quantile(contrast, 1 - DARKEST)
    if darkest < max(FAINTEST, NOISE_RATIO * quantile(contrast, 0.5)):
        return np.zeros_like(gray)
    return np.asarray(contrast > max(INK_SHARE * darkest, 0.7 * FAINTEST), np.uint8)


def square(side: float) -> Mask:
    """Make a square window with an odd side of about so many pixels."""
    return np.ones((round(side) | 1, round(side) | 1), np.uint8)


def quantile(values: Gray, share: float) -> int:
    """Find the gray level that this share of the pixels doesn't exceed."""
    counts = np.cumsum(cv2.calcHist([values], [0], None, [256], [0, 256]))
    return int(np.searchsorted(counts, share * values.size))


def common_tilt(ink: Mask) -> float:
    """Estimate the tilt of all that is written and printed, in degrees; 0 where little says so.

    Seen along the tilt, the feet of digits and printed lines gather in few rows. They do so in
    slanted writing, too: the slant moves them along their row.
    """
    y, x = np.nonzero(ink[:-1] > ink[1:])
    step = len(x) // 1500 + 1  # as many points as a quick look needs
    x, y = x[::step], y[::step]
    if len(x) < 10:
        return 0.0
    width = ink.shape[1]
    tilts = np.arange(-MOST_TILT, MOST_TILT + 1, 2)
    scores = gathering(x, y, tilts, max(1.0, 0.01 * width)) * (1 - (tilts / 50) ** 2)
    best = int(scores.argmax())
    if scores[best] < 1.1 * scores[len(tilts) // 2]:
        return 0.0
    finer = tilts[best] + np.arange(-1.5, 1.6, 0.5)
    return float(finer[gathering(x, y, finer, max(1.0, 0.004 * width)).argmax()])


def gathering(
    x: npt.NDArray[np.int64], y: npt.NDArray[np.int64], tilts: npt.NDArray[np.float64], row: float
) -> npt.NDArray[np.float64]:
    """Measure for each tilt, in degrees, how much points gather in rows of so many pixels."""
    slopes = np.tan(np.radians(tilts))[:, np.newaxis]
    rows = ((y - slopes * (x - x.mean())) / row).astype(np.int64)
    rows -= rows.min()
    size = int(rows.max()) + 1
    places = rows + size * np.arange(len(tilts))[:, np.newaxis]  # rows of their own for each tilt
    counts = np.bincount(places.ravel(), minlength=size * len(tilts)).reshape(len(tilts), size)
    pairs = (counts[:, 1:] + counts[:, :-1]).astype(np.float64)
    return np.asarray((pairs**2).sum(axis=1))


def without_frames(ink: Mask) -> Mask:
    """Erase the sides of printed boxes and cells: pieces with three straight edges."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    _, _, w, h, area = boxes.T
    large = (w >= 24) & (h >= 16) & (area < 0.75 * w * h)
    rest = ink.copy()
    for label in np.flatnonzero(large[1:])[:20] + 1:
        x, y, w, h, _ = boxes[label].tolist()
        own = np.asarray(labels[y : y + h, x : x + w] == label, np.uint8)
        thick = 1 + min(w, h) // 24  # a side that isn't quite level has steps
        level = np.asarray(cv2.dilate(own, bar(1, thick)), np.uint8)
        upright = np.asarray(cv2.dilate(own, bar(thick, 1)), np.uint8)
        if full_edges(level.T) + full_edges(upright) > 2:
            across = runs(level, bar(0.6 * w, 1))
            down = runs(upright, bar(1, FRAME_EDGE * h))
            sides = np.asarray(cv2.min(own, cv2.max(across, down)), np.uint8)
            rest[y : y + h, x : x + w] -= sides
    return rest


def full_edges(ink: Mask) -> int:
    """Count at which edges, left and right, a piece has a column that is full of ink."""
    shares = ink.mean(axis=0)
    reach = len(shares) // 8 + 1
    return int(shares[:reach].max() > FRAME_EDGE) + int(shares[-reach:].max() > FRAME_EDGE)


def runs(ink: Mask, window: Mask) -> Mask:
    """Keep the ink that a window full of ink can cover; beyond the edges there is none."""
    edge = cv2.BORDER_CONSTANT
    kept = cv2.morphologyEx(ink, cv2.MORPH_OPEN, window, borderType=edge, borderValue=0)
    return np.asarray(kept, np.uint8)


def bar(width: float, height: float) -> Mask:
    """Make a window of so many pixels."""
    return np.ones((max(1, round(height)), max(1, round(width))), np.uint8)


def without_rules(ink: Mask) -> Mask:
    """Erase level and upright runs of ink that are nearly as long as the image is wide or high.

    If there is nothing else the ink is left: it may be a digit.
    """
    height, width = ink.shape
    across = bar(max(0.7 * min(height, width), RULE_WIDTH * width), 1)
    level = runs(np.asarray(cv2.dilate(ink, bar(1, 3)), np.uint8), across)
    upright = runs(np.asarray(cv2.dilate(ink, bar(3, 1)), np.uint8), bar(1, RULE_HEIGHT * height))
    rest = cv2.subtract(ink, cv2.max(level, upright))
    return np.asarray(rest, np.uint8) if cv2.countNonZero(rest) else ink


def pieces_of(ink: Mask) -> Pieces:
    """Give the boxes of connected ink; specks of up to three pixels don't count."""
    _, _, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    return np.asarray(boxes[1:][boxes[1:, 4] > 3], np.int32)


def line_of(pieces: Pieces) -> Line | None:
    """Choose the line with the most ink in pieces of one height, and what stands near them."""
    tall = pieces[pieces[:, 3] >= 5]
    tall = tall[np.argsort(-tall[:, 4], kind="stable")[:80]]
    if not len(tall):
        return None
    _, y, w, h, ink = tall.astype(np.float64).T
    near = abs(y + h / 2 - (y + h / 2)[:, np.newaxis]) < 0.5 * h[:, np.newaxis]
    alike = (h > 0.55 * h[:, np.newaxis]) & (h < 1.7 * h[:, np.newaxis])
    # A shadow, the side of a box and a line count less than ink that has the form of digits.
    solid, upright, level = (ink > 0.8 * w * h) & (w > 0.3 * h), w < 0.12 * h, w > 12 * h
    weights = (1 - 0.99 * level) * (1 - 0.8 * solid) * (1 - 0.7 * upright)
    seed = int(((near & alike) @ (ink * weights)).argmax())
    heights = np.sort(h[near[seed] & alike[seed]])
    height = float(heights[len(heights) // 2])
    digits, count = tall[seed : seed + 1], 0
    large = pieces[(pieces[:, 3] > 0.5 * height) & (pieces[:, 3] < 2.4 * height)]
    large = large[large[:, 2] < 12 * large[:, 3]]
    large = large[(large[:, 3] < 1.6 * height) | (large[:, 2] > 0.15 * large[:, 3])]  # no walls
    while count != len(digits):
        count, box = len(digits), box_of(digits)
        beside = large[is_beside(large, box, height, WIDEST_GAP)]
        digits = beside if len(beside) else digits
    marks = pieces[(pieces[:, 3] <= 0.5 * height) & (pieces[:, 2] < 2 * height)]
    marks = marks[is_beside(marks, box, height, SMALL_GAP)]
    return Line(box_of(np.concatenate([digits, marks])), height, digits)


def is_beside(pieces: Pieces, box: Box, height: float, gap: float) -> npt.NDArray[np.bool_]:
    """Say which pieces are on a line, and at most so many heights of its digits away from it."""
    x, y, w, h = box
    middles = pieces[:, 1] + pieces[:, 3] / 2
    away = np.maximum(pieces[:, 0] - x - w, x - pieces[:, 0] - pieces[:, 2])
    level = (middles > y - 0.2 * height) & (middles < y + h + 0.3 * height)  # cents are raised
    return np.asarray(level & (away < gap * height))


def box_of(pieces: Pieces) -> Box:
    """Give the box around pieces; there must be one."""
    x, y = pieces[:, :2].min(axis=0).tolist()
    right, bottom = (pieces[:, :2] + pieces[:, 2:4]).max(axis=0).tolist()
    return x, y, right - x, bottom - y


def further_tilt(line: Line, ink: Mask, expected: float) -> float:
    """Estimate by how many degrees a line is still tilted, from the tops and feet of its digits.

    Two digits say little and many say much: the estimate lies between them and what is expected.
    Joined digits count as several: the line is looked at in parts about as wide as a digit.
    """
    x, y, w, h = line.box
    starts = np.arange(0, w, max(1, round(0.8 * line.height)))
    parts = np.maximum.reduceat(ink[y : y + h, x : x + w], starts, axis=1)
    tops, feet = parts.argmax(axis=0), h - parts[::-1].argmax(axis=0)
    digits = abs((feet - tops) / line.height - 1) < 0.4
    across, down = starts[digits] / line.height, (tops + feet)[digits] / (2 * line.height)
    across -= across.sum() / max(1, len(across))
    slope = across @ down + DOUBT * np.tan(np.radians(expected))
    return float(np.degrees(np.arctan(slope / (across @ across + DOUBT))))


def cut_out(gray: Gray, line: Line, seen: Look) -> tuple[Gray, Matrix]:
    """Cut a line out of the image, level, with room around it but nothing beyond the image.

    The matrix maps a point of what is cut out to the image.
    """
    x, y, w, h = line.box
    corners = np.array([[x, x + w, x, x + w], [y, y, y + h, y + h], [1, 1, 1, 1]])
    corners = seen.scale * (seen.back @ corners)
    turn = np.radians(seen.tilt)
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = corners.mean(axis=1)
    room = seen.scale * h * np.array([ROOM_BESIDE, ROOM_ABOVE])
    along = axes.T @ (corners - middle[:, np.newaxis])
    first, last = along.min(axis=1) - room, along.max(axis=1) + room
    for axis, direction in enumerate(axes.T):
        low, high = first[axis] + room[axis], last[axis] - room[axis]  # the writing's own
        first[axis] = max(first[axis], min(low, -room_to_edge(gray, middle, -direction)))
        last[axis] = min(last[axis], max(high, room_to_edge(gray, middle, direction)))
    if not seen.tilt:
        left, top = np.floor(middle + first).astype(int).clip(0).tolist()
        right, bottom = np.ceil(middle + last).astype(int).tolist()
        top, bottom = max(0, top), min(bottom, gray.shape[0])
        return gray[top:bottom, left:right], np.array([[1.0, 0, left], [0, 1, top]])
    size = np.ceil(last - first).astype(int).clip(1).tolist()
    matrix = np.column_stack([axes, middle + axes @ first])
    flags, beyond = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
    cut = cv2.warpAffine(gray, matrix, size, flags=flags, borderMode=beyond)
    return np.asarray(cut, np.uint8), matrix


def room_to_edge(
    gray: Gray, point: npt.NDArray[np.float64], direction: npt.NDArray[np.float64]
) -> float:
    """Measure the way from a point in the image to its edge, in pixels."""
    ends = np.where(direction > 0, np.array(gray.shape[::-1]) - point, -point)
    steep = abs(direction) > 1e-9
    return float((ends[steep] / direction[steep]).min())


def notes_on(seen: Look, line: Line) -> tuple[str, ...]:
    """Say in sentences what is unusual about the writing."""
    notes = [INVERTED] if seen.light else []
    if line.height * seen.scale < READABLE:
        notes.append(TOO_SMALL)
    if not seen.is_full():
        others = seen.pieces[~is_beside(seen.pieces, line.box, line.height, np.inf)]
        column = line_of(seen.pieces[:, [1, 0, 3, 2, 4]])  # x and y, w and h exchanged
        if has_lines(others, line.height):
            notes.append(MANY_LINES)
        elif column and len(column.digits) > 2 and column.box[2] > 2.5 * line.box[2]:
            notes.append(TURNED)
    x, _, w, _ = box_of(line.digits)
    if not seen.back[0, 1]:
        notes += [CUT_OFF.format("left")] if x <= 0 else []
        notes += [CUT_OFF.format("right")] if x + w >= seen.shape[1] else []
    return tuple(notes)


def has_lines(pieces: Pieces, height: float) -> bool:
    """Say whether there are two lines, at least, of text about as high, and three times as wide."""
    left = pieces[(pieces[:, 3] > 0.5 * height) & (pieces[:, 3] < 2 * height)]
    for _ in range(2):
        line = line_of(left)
        if line is None or line.box[2] < 3 * line.height:
            return False
        left = left[~is_beside(left, line.box, line.height, np.inf)]
    return True
