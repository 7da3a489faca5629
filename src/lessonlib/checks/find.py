"""Before the steps of reading: where in an image the writing is, cut out level and dark on light.

A rough look is enough, so all of it but the cut is done on a small copy of the image, whose ink
`rough_ink` finds. How the thresholds of both modules were chosen: on rendered fields, pasted on
paper of many kinds and sizes, with known places; what is cut out has room around it, so that none
of them has to be exact. Moved by a fifth either way, `INK_SHARE` changes what is found in up to 23
of 150 rendered fields, `ROOM_ABOVE` in 17, the others in at most 13, and about half in none.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import MAX_ASPECT, Box, Gray
from lessonlib.checks.rough_ink import (
    FIELD_ASPECT,
    Mask,
    Pieces,
    has_light_ink,
    ink_in,
    writing_in,
)

Matrix = npt.NDArray[np.float64]  # shape (2, 3): maps a point (x, y)
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# The small copy. A field is mostly filled by its writing, and a copy of so few rows tells. Other
# images are looked at more closely: digits of a fifteenth of a photo's height are 20 pixels high
# when it is 400 pixels wide.
FIELD_ROWS = 40
LONG_SIDE, SHORT_SIDE = 400, 150

# The tilt, in degrees where nothing else is said
MOST_TILT = 20.0
LEAST_TILT = 2.0  # a line that is less tilted is read as it is
TILT_STEP, FINER_STEP = 2.0, 0.5  # between the tilts that are tried first, and near the best one
FINER_REACH = 1.5  # how far from the best one the others are that are tried next
FEET = 10, 1500  # fewer say little, and about so many are as many as a quick look needs
ROW, FINER_ROW = 0.01, 0.004  # of the width: how high the rows are that feet gather in
TILT_DOUBT = 50.0  # a tilt of as much would count nothing: small ones are usual
CLEARER = 1.1  # feet have to gather so much more than they do without a tilt
DOUBT = 3.0  # how much weight the expected tilt has, beside the squared places of the digits
PART = 0.8  # of the digits' height: how wide the parts of a line are that stand for a digit
PART_HEIGHTS = 0.4  # of the digits' height: how much lower or higher such a part may be

# The line that is chosen, in pixels of the copy
SPECK = 3  # what has no more pixels is no writing
LOWEST_DIGIT = 5  # lower pieces start no line
MOST_PIECES = 80  # of those with the most ink, one starts the line; it bounds the time
# Its digits, in heights of the piece that it starts with: how far their middles are from its
# middle, and how high they are.
ROW_REACH = 0.5
ALIKE = 0.55, 1.7
# What has not the form of a digit, in heights of the piece, and how much less its ink counts
LEVEL_ASPECT, LEVEL_LOSS = 12, 0.99  # a line: wider than that
SOLID_INK, SOLID_WIDTH, SOLID_LOSS = 0.8, 0.3, 0.8  # a shadow: wider, and so full of ink
UPRIGHT_WIDTH, UPRIGHT_LOSS = 0.12, 0.7  # the side of a box, or a one: narrower than that
# What stands near, in heights of the line's digits where nothing else is said
DIGIT_HEIGHTS = 0.5, 2.4  # what is lower is a mark, and what is higher no text
WALL_HEIGHT, WALL_ASPECT = 1.6, 0.15  # the wall of a box is as high, and in its own heights narrow
MARK_WIDTH = 2.0  # a wider mark is a line
WIDEST_GAP = 3.0  # between two digits of a line
SMALL_GAP = 1.5  # between digits and a mark
ABOVE, BELOW = 0.2, 0.3  # how far beyond the line a middle may be: cents are raised, commas low

# What is cut out
# Writing that fills this share of the image's height is read as it is, and so is a tilt of less
# than so many degrees: in a field that is cut out closely, it is often wrong by as much.
FULL, FULL_TILT = 0.4, 4.0
ROOM_ABOVE, ROOM_BESIDE = 0.35, 1.0  # paper around the writing, in heights of it

# Notes
READABLE = 12  # pixels: lower digits are hard to read
# In heights of the line: how high the text of other lines is, and how wide a line is at least
OTHER_HEIGHTS, OTHER_WIDTH = (0.5, 2.0), 3.0
OTHER_LINES = 2  # more than one: it may be a printed word, or a line half cut off
# What runs down the image has so many digits at least, and is so many times as long as the line
TURNED_DIGITS, TURNED_LENGTH = 3, 2.5

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
    first, closer = scales_of(height, width)
    seen = look(gray, first)
    if not seen.is_full() and closer != first:
        seen = look(gray, closer)
    if seen.line is None:
        return Found(gray, np.eye(2, 3), False, (NO_WRITING,))
    if seen.is_full():
        cut, matrix = gray, np.eye(2, 3)
    else:
        cut, matrix = cut_out(gray, seen.line, seen)
    return Found(255 - cut if seen.light else cut, matrix, seen.light, notes_on(seen, seen.line))


def scales_of(height: int, width: int) -> tuple[float, float]:
    """Say how many times as large as its copy an image is, in the first look and in a closer one.

    Both are the same where a closer look wouldn't show more.
    """
    long, short = max(height, width), min(height, width)
    closer = max(1.0, min(long / LONG_SIDE, short / SHORT_SIDE))
    return max(1.0, height / FIELD_ROWS) if width >= FIELD_ASPECT * height else closer, closer


def look(gray: Gray, scale: float) -> Look:
    """Find the line of writing in a copy that is smaller by `scale`, if that is above 1."""
    small = gray
    if scale > 1:
        size = [max(1, round(side / scale)) for side in gray.shape[::-1]]
        small = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
    light = has_light_ink(small)
    ink = ink_in(255 - small if light else small)
    tilt, back = common_tilt(ink), np.eye(2, 3)
    if tilt:
        ink, back = turned(ink, tilt)
    writing = writing_in(ink)
    pieces = writing.pieces[writing.pieces[:, 4] > SPECK]
    line = line_of(pieces)
    if line is not None:
        tilt += further_tilt(line, writing.ink, 0.0 if writing.printed else -tilt)
    tilt = tilt if abs(tilt) >= LEAST_TILT else 0.0
    return Look(scale, (small.shape[0], small.shape[1]), light, pieces, line, back, tilt)


def common_tilt(ink: Mask) -> float:
    """Estimate the tilt of all that is written and printed, in degrees; 0 where little says so.

    Seen along the tilt, the feet of digits and printed lines gather in few rows. They do so in
    slanted writing, too: the slant moves them along their row.
    """
    width, (fewest, most) = ink.shape[1], FEET
    feet = np.flatnonzero(ink[:-1] > ink[1:])
    y, x = np.divmod(feet[:: len(feet) // most + 1], width)
    if len(x) < fewest:
        return 0.0
    tilts = np.arange(-MOST_TILT, MOST_TILT + TILT_STEP / 2, TILT_STEP)
    scores = gathering(x, y, tilts, max(1.0, ROW * width)) * (1 - (tilts / TILT_DOUBT) ** 2)
    best = int(scores.argmax())
    if scores[best] < CLEARER * scores[len(tilts) // 2]:
        return 0.0
    finer = tilts[best] + np.arange(-FINER_REACH, FINER_REACH + FINER_STEP / 2, FINER_STEP)
    return float(finer[gathering(x, y, finer, max(1.0, FINER_ROW * width)).argmax()])


def gathering(
    x: npt.NDArray[np.int64], y: npt.NDArray[np.int64], tilts: Floats, row: float
) -> npt.NDArray[np.int64]:
    """Measure for each tilt, in degrees, how much points gather in rows of so many pixels."""
    slopes = np.tan(np.radians(tilts))[:, np.newaxis]
    rows = ((y - slopes * (x - x.mean())) / row).astype(np.int64)
    first, numbers = rows.min(), np.arange(len(tilts))[:, np.newaxis]
    size = int(rows.max() - first) + 1
    rows += size * numbers - first  # from 0, and rows of their own for each tilt
    counts = np.bincount(rows.ravel(), minlength=size * len(tilts)).reshape(len(tilts), size)
    pairs = counts[:, 1:] + counts[:, :-1]
    return np.asarray((pairs**2).sum(axis=1), np.int64)


def turned(ink: Mask, tilt: float) -> tuple[Mask, Matrix]:
    """Turn ink level that is tilted by so many degrees, and say what maps a point of it back."""
    height, width = ink.shape
    back = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), -tilt, 1.0), np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    level = np.asarray(cv2.warpAffine(255 * ink, back, (width, height), flags=flags), np.uint8)
    return np.asarray(level > 127, np.uint8), back


def line_of(pieces: Pieces) -> Line | None:
    """Choose the line with the most ink in pieces of one height, and what stands near them."""
    tall = pieces[pieces[:, 3] >= LOWEST_DIGIT]
    if not len(tall):
        return None
    tall = tall[(-tall[:, 4]).argsort(kind="stable")[:MOST_PIECES]]
    seed, height = fullest_row(tall)
    digits, box = with_neighbours(tall[seed : seed + 1], large_pieces(pieces, height), height)
    _, _, w, h, _ = pieces.T
    marks = pieces[(h <= DIGIT_HEIGHTS[0] * height) & (w < MARK_WIDTH * height)]
    marks = marks[is_beside(marks, box, height, SMALL_GAP)]
    return Line(box_of(np.concatenate([digits, marks])), height, digits)


def fullest_row(pieces: Pieces) -> tuple[int, float]:
    """Find the piece that has the most ink in its row in pieces like it, and their usual height."""
    _, y, w, h, ink = pieces.T.astype(np.float64)
    middles, heights = y + h / 2, h[:, np.newaxis]
    like = abs(middles - middles[:, np.newaxis]) < ROW_REACH * heights
    like &= (h > ALIKE[0] * heights) & (h < ALIKE[1] * heights)
    level, upright = w > LEVEL_ASPECT * h, w < UPRIGHT_WIDTH * h
    solid = (ink > SOLID_INK * w * h) & (w > SOLID_WIDTH * h)
    weights = (1 - LEVEL_LOSS * level) * (1 - SOLID_LOSS * solid) * (1 - UPRIGHT_LOSS * upright)
    best = int((like @ (ink * weights)).argmax())
    among = np.sort(h[like[best]])
    return best, float(among[len(among) // 2])


def large_pieces(pieces: Pieces, height: float) -> Pieces:
    """Take the pieces that may be digits of so many pixels: no marks, no lines, no walls."""
    _, _, w, h, _ = pieces.T
    lowest, highest = DIGIT_HEIGHTS
    text = (h > lowest * height) & (h < highest * height) & (w < LEVEL_ASPECT * h)
    wall = (h >= WALL_HEIGHT * height) & (w <= WALL_ASPECT * h)
    return np.asarray(pieces[text & ~wall], np.int32)


def with_neighbours(digits: Pieces, pieces: Pieces, height: float) -> tuple[Pieces, Box]:
    """Add what stands beside digits, then what stands beside that; also give the box they fill."""
    count = 0
    while count != len(digits):
        count, box = len(digits), box_of(digits)
        beside = pieces[is_beside(pieces, box, height, WIDEST_GAP)]
        digits = beside if len(beside) else digits
    return digits, box


def is_beside(pieces: Pieces, box: Box, height: float, gap: float) -> Bools:
    """Say which pieces are on a line, and at most so many heights of its digits away from it."""
    x, y, w, h = box
    lefts, tops, widths, heights, _ = pieces.T
    middles = tops + heights / 2
    away = np.maximum(lefts - (x + w), x - lefts - widths)
    level = (middles > y - ABOVE * height) & (middles < y + h + BELOW * height)
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
    starts = np.arange(0, w, max(1, round(PART * line.height)))
    parts = np.maximum.reduceat(ink[y : y + h, x : x + w], starts, axis=1)
    tops, feet = parts.argmax(axis=0), h - parts[::-1].argmax(axis=0)
    digits = abs((feet - tops) / line.height - 1) < PART_HEIGHTS
    across, down = starts[digits] / line.height, (tops + feet)[digits] / (2 * line.height)
    across -= across.sum() / max(1, len(across))
    slope = across @ down + DOUBT * math.tan(math.radians(expected))
    return math.degrees(math.atan(slope / (across @ across + DOUBT)))


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


def room_to_edge(gray: Gray, point: Floats, direction: Floats) -> float:
    """Measure the way from a point in the image to its edge, in pixels."""
    ends = np.where(direction > 0, np.array(gray.shape[::-1]) - point, -point)
    steep = abs(direction) > 1e-9  # along an axis of the image, two of its edges are never met
    return float((ends[steep] / direction[steep]).min())


def notes_on(seen: Look, line: Line) -> tuple[str, ...]:
    """Say in sentences what is unusual about the writing."""
    notes = [INVERTED] if seen.light else []
    if line.height * seen.scale < READABLE:
        notes.append(TOO_SMALL)
    if not seen.is_full():
        if has_lines(without_line(seen.pieces, line), line.height):
            notes.append(MANY_LINES)
        elif runs_down(seen.pieces, line):
            notes.append(TURNED)
    if not seen.back[0, 1]:  # the copy was not turned
        x, _, w, _ = box_of(line.digits)
        notes += [CUT_OFF.format("left")] if x <= 0 else []
        notes += [CUT_OFF.format("right")] if x + w >= seen.shape[1] else []
    return tuple(notes)


def has_lines(pieces: Pieces, height: float) -> bool:
    """Say whether there are two lines, at least, of text about as high, and three times as wide."""
    h, (lowest, highest) = pieces[:, 3], OTHER_HEIGHTS
    left = pieces[(h > lowest * height) & (h < highest * height)]
    for _ in range(OTHER_LINES):
        line = line_of(left)
        if line is None or line.box[2] < OTHER_WIDTH * line.height:
            return False
        left = without_line(left, line)
    return True


def without_line(pieces: Pieces, line: Line) -> Pieces:
    """Take the pieces above and below a line."""
    return pieces[~is_beside(pieces, line.box, line.height, np.inf)]


def runs_down(pieces: Pieces, line: Line) -> bool:
    """Say whether a longer line runs from top to bottom than the one from left to right."""
    column = line_of(pieces[:, [1, 0, 3, 2, 4]])  # x and y, w and h exchanged
    if column is None or len(column.digits) < TURNED_DIGITS:
        return False
    return column.box[2] > TURNED_LENGTH * line.box[2]
