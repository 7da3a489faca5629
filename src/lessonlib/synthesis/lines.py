"""A line of writing as anybody may write it: on a baseline or in cells, with raised cents.

`render.write_amount` writes the amounts of one bank's checks. Here the signs are those of several
countries, they may be printed, cents may be raised, and a form may have a cell for each digit.

A length is a share of a digit's height, the unit, where nothing else is said. A pair in capitals is
a range from which a number is drawn, and a "spread" the standard deviation of a normal number.
They were chosen by eye, wider than what forms and checks of several countries showed.
"""

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
from PIL import ImageFont

from lessonlib.checks.image import FloatImage
from lessonlib.synthesis.hands import Hand
from lessonlib.synthesis.render import INKED, NOBODY, Owner
from lessonlib.synthesis.strokes import HEIGHTS, PENS
from lessonlib.synthesis.texts import RAISE

# matplotlib brings these fonts along, and they have all the signs.
FONTS = [
    f"DejaVu{family}.ttf"
    for family in (
        *("Sans", "Sans-Bold", "Sans-Oblique", "Sans-BoldOblique"),
        *("SansMono", "SansMono-Bold", "Serif", "Serif-Bold", "Serif-Italic"),
    )
]
SMALLEST_PRINT = 4  # pixels of a printed digit's height; a smaller font has no shapes
TRIAL_SIZE = 100  # of a font, to measure how high its digits are
SIGNS = "$₹€£R"

# The strip
ABOVE, BELOW = 2.2, 1.2  # room over and under the baseline
SIDE = 1.0  # room at the left and right
ROOM = 3.0  # for each character, cell or gap: more than any takes on average

# Habits of a writer
PEN_WIDTHS, BROAD_PEN_WIDTHS = (0.055, 0.15), (0.15, 0.26)
BROAD_SHARE = 0.1  # of the writers take a marker
GAPS = (0.02, 0.32)
TOUCHING_SHARE, TOUCHING_GAPS = 0.2, (-0.08, 0.06)  # some write so that characters touch
GAP_SPREADS = (0.02, 0.16)
SIZE_SPREADS, ROW_SPREADS = (0.02, 0.18), (0.0, 0.09)
SIZES = (0.5, 1.5)  # the smallest and largest height
CHAIN_SHARE, CHAIN_OVERLAPS = 0.25, (0, 0.15)  # writers who write zeros in one go
STRETCHED_SHARE, STRETCHES = 0.4, (1.2, 3.5)  # dashes drawn longer than the table has them
PRINTED_SIGN_SHARE, SIGN_SIZES, SIGN_GAPS = 0.55, (0.6, 1.3), (0.05, 1.2)

# A printer's characters differ neither in size nor in row, and touch nowhere.
PRINTERS_HABITS: dict[str, Any] = {
    "gap": 0.12,
    "gap_spread": 0.0,
    "size_spread": 0.0,
    "row_spread": 0.0,
    "chains_zeros": False,
    "stretch": 1.0,
    "prints_signs": False,
}

# Raised cents: how large, how high, and how far what is under their stroke hangs (above 0: stands)
RAISED_SIZES, LIFTS, LOWERED = (0.45, 0.8), (0.3, 0.7), (-0.2, 0.15)
UNDERLINE_SHARES = {0: 0.4, 1: 0.4, 2: 0.2}  # how many strokes under them
UNDERLINE_DROP, UNDERLINE_SPREAD = 0.1, 0.05  # from their feet to the first stroke ...
UNDERLINE_STEP = 0.14  # ... and from it to the second
UNDERLINE_RISE_SPREAD = 0.04  # rows up for each column
UNDERLINE_OVERHANG = 0.1  # at either end

PITCHES, CELL_SPREAD = (1.0, 1.9), 0.08  # of cells, and how far from its middle a digit stands


@dataclass(frozen=True)
class Writer:
    """Who writes a line, and how; lengths are shares of a digit's height."""

    hand: Hand
    pen: float  # its width
    gap: float  # the mean gap between two characters ...
    gap_spread: float  # ... and its standard deviation
    size_spread: float  # of their heights, as a share of the usual one ...
    row_spread: float  # ... and of their feet above or below the baseline
    chains_zeros: bool  # whether zeros in a row are one line
    stretch: float  # how many times longer dashes are
    prints_signs: bool  # whether the form has the signs of currencies ...
    printer: Hand  # ... and in which print


@dataclass
class Cursor:
    """Where the next character goes, and how large and high it will be."""

    x: int  # column of its left edge, in pixels
    size: float = 1.0  # raised cents are smaller ...
    lift: float = 0.0  # ... and stand so far above the baseline
    raised: tuple[int, int, float] | None = None  # their columns, and their lift

    def raise_cents(self, rng: np.random.Generator) -> None:
        """Let what follows be smaller and higher."""
        self.size, self.lift = rng.uniform(*RAISED_SIZES), rng.uniform(*LIFTS)
        self.raised = (self.x, self.x, self.lift)

    def end_cents(self) -> None:
        """Let what follows be as large as what came before them, on the baseline."""
        self.size, self.lift = 1.0, 0.0


@dataclass(eq=False)
class Line:
    """Writing on a strip, and what is known of its places.

    Attributes
    ----------
    ink : float32 array, shape (h, w)
        In [0, 1]; 1 where the pen was.
    owner : int16 array, shape (h, w)
        Position in the text of the character that the ink belongs to; `NOBODY` elsewhere, and on
        strokes under raised cents.
    unit : float
        Height of a digit in pixels.
    baseline : int
        The row below the digits' feet.
    walls : list of float
        Columns of the walls between cells, or between a sign and the amount.
    """

    ink: FloatImage
    owner: Owner
    unit: float
    baseline: int
    walls: list[float] = field(default_factory=list)


def write_line(
    text: str,
    unit: float,
    hand: Hand,
    rng: np.random.Generator,
    cells: bool = False,
    prints: bool = False,
) -> Line:
    """Write a text of digits and marks, "^" before raised cents, on one baseline or in cells.

    Parameters
    ----------
    text : str
        As `texts.marked_text` makes them up. A printer writes letters, too.
    unit : float
        Height of a digit in pixels.
    hand : Hand
        Who writes.
    rng : numpy Generator
        Chooses the habits and all accidents.
    cells : bool
        Whether each character stands in a cell of its own, all of one width; the text has no "^"
        and no signs then.
    prints : bool
        Whether the hand is a printer: all characters have one size and stand on one row.

    Returns
    -------
    Line

    Examples
    --------
    >>> from lessonlib.synthesis.hands import drawn_hand
    >>> line = write_line("12^50", 30.0, drawn_hand, np.random.default_rng(0))
    >>> sorted(set(line.owner[line.owner != NOBODY].tolist()))
    [0, 1, 3, 4]
    """
    writer = draw_writer(hand, rng)
    if prints:
        writer = replace(writer, **PRINTERS_HABITS)
    line, cursor = blank_line(len(text), unit), Cursor(round(SIDE * unit))
    pitch = rng.uniform(*PITCHES) * unit
    end_of_cents = end_of_raised(text)
    for position, character in enumerate(text):
        if character == RAISE:
            cursor.raise_cents(rng)
            continue
        if position == end_of_cents:
            cursor.end_cents()
        glyph, bottom = glyph_on(line, character, cursor, writer, rng)
        if cells:
            middle = SIDE * unit + (position + 0.5) * pitch + CELL_SPREAD * unit * rng.normal()
            cursor.x = round(middle - glyph.shape[1] / 2)
        elif writer.chains_zeros and text[: position + 1].endswith("00"):
            overlap = writer.gap + rng.uniform(*CHAIN_OVERLAPS)
            cursor.x -= round(overlap * unit * cursor.size)
        cursor.x = max(0, cursor.x)
        put(glyph, line, bottom, cursor.x, position)
        cursor.x += glyph.shape[1]
        if cursor.raised and cursor.size < 1:
            cursor.raised = (cursor.raised[0], cursor.x, cursor.raised[2])
        is_sign = character in SIGNS and position + 1 < len(text)
        leave_gap(line, cursor, writer, rng, is_sign)
    if cells:
        line.walls = [SIDE * unit + number * pitch for number in range(len(text) + 1)]
    elif cursor.raised and "/" not in text:
        underline(line, cursor.raised, writer, rng)
    return trimmed(line)


def end_of_raised(text: str) -> int:
    """Find the place behind raised cents, or hundredths; -1 where nothing is raised.

    Examples
    --------
    >>> end_of_raised("12^50-"), end_of_raised("12^50/100*"), end_of_raised("12.50")
    (5, 9, -1)
    """
    if RAISE not in text:
        return -1
    behind = text.index(RAISE) + 3  # the two digits of the cents
    return behind + 4 if text[behind : behind + 1] == "/" else behind


def draw_writer(hand: Hand, rng: np.random.Generator) -> Writer:
    """Choose the habits of whoever writes with this hand by chance."""
    broad, touching = rng.random() < BROAD_SHARE, rng.random() < TOUCHING_SHARE
    stretched = rng.random() < STRETCHED_SHARE
    return Writer(
        hand=hand,
        pen=rng.uniform(*(BROAD_PEN_WIDTHS if broad else PEN_WIDTHS)),
        gap=rng.uniform(*(TOUCHING_GAPS if touching else GAPS)),
        gap_spread=rng.uniform(*GAP_SPREADS),
        size_spread=rng.uniform(*SIZE_SPREADS),
        row_spread=rng.uniform(*ROW_SPREADS),
        chains_zeros=bool(rng.random() < CHAIN_SHARE),
        stretch=rng.uniform(*STRETCHES) if stretched else 1.0,
        prints_signs=bool(rng.random() < PRINTED_SIGN_SHARE),
        printer=printed_hand(rng),
    )


def blank_line(characters: int, unit: float) -> Line:
    """Make an empty strip with room for so many characters."""
    width = round((ROOM * characters + 2 * SIDE) * unit)
    shape = (round((ABOVE + BELOW) * unit), width)
    baseline = round(ABOVE * unit)
    return Line(np.zeros(shape, np.float32), np.full(shape, NOBODY, dtype=np.int16), unit, baseline)


def glyph_on(
    line: Line, character: str, cursor: Cursor, writer: Writer, rng: np.random.Generator
) -> tuple[FloatImage, int]:
    """Write one character for its place on a line: printed sign, stroke of a fraction, or other.

    Returns
    -------
    glyph : float32 array, shape (h, w)
    bottom : int
        The row of the line below it.
    """
    if character == "/" and cursor.raised:
        glyph, below = glyph_of(character, line.unit, writer, rng)
        cursor.lift = rng.uniform(*LOWERED)  # what follows stands under the stroke
        return glyph, line.baseline + below
    if character in SIGNS and writer.prints_signs:
        height = rng.uniform(*SIGN_SIZES) * line.unit
        glyph, below = writer.printer(character, height, 0, rng)
        return glyph, line.baseline + below
    size = float(np.clip(1 + writer.size_spread * rng.normal(), *SIZES))
    glyph, below = glyph_of(character, line.unit * cursor.size * size, writer, rng)
    drift = writer.row_spread * rng.normal() - cursor.lift
    return glyph, line.baseline + below + round(drift * line.unit)


def glyph_of(
    character: str, height: float, writer: Writer, rng: np.random.Generator
) -> tuple[FloatImage, int]:
    """Let a writer's hand write one character; a dash as long as the writer makes it.

    It takes a height in pixels, and returns what a hand does.
    """
    height = float(np.clip(height, *HEIGHTS))
    pen = float(np.clip(writer.pen * height, *PENS))
    glyph, below = writer.hand(character, height, pen, rng)
    if character in "-=" and writer.stretch > 1:
        size = (max(1, round(glyph.shape[1] * writer.stretch)), glyph.shape[0])
        glyph = np.asarray(cv2.resize(glyph, size, interpolation=cv2.INTER_LINEAR), np.float32)
    return glyph, below


def put(glyph: FloatImage, line: Line, bottom: int, left: int, position: int) -> None:
    """Add a character's ink to a line, in place; what lies beyond its border is lost.

    `bottom` is the first row below it, `left` its first column, `position` its place in the text.
    """
    height, width = line.ink.shape
    top = bottom - len(glyph)
    glyph = glyph[max(0, -top) : len(glyph) - max(0, bottom - height), : max(0, width - left)]
    top = max(0, top)
    place = slice(top, top + len(glyph)), slice(left, left + glyph.shape[1])
    ink, owner = line.ink[place], line.owner[place]
    owner[glyph > np.maximum(ink, INKED)] = position  # where two meet, the darker ink owns
    np.maximum(ink, glyph, out=ink)


def leave_gap(
    line: Line, cursor: Cursor, writer: Writer, rng: np.random.Generator, is_sign: bool
) -> None:
    """Move on to the next character; behind a sign farther, and there may be a wall between."""
    gap = writer.gap + writer.gap_spread * rng.normal()
    if is_sign:
        gap += rng.uniform(*SIGN_GAPS)
        line.walls.append(cursor.x + gap * line.unit / 2)
    cursor.x += round(gap * line.unit * cursor.size)


def underline(
    line: Line, raised: tuple[int, int, float], writer: Writer, rng: np.random.Generator
) -> None:
    """Draw a stroke or two under raised cents, in place, or none; nobody owns them.

    The cents go from one column to another, and stand so far above the baseline.
    """
    left, right, lift = raised
    unit, pen = line.unit, max(1, round(writer.pen * line.unit))
    strokes = int(rng.choice(list(UNDERLINE_SHARES), p=list(UNDERLINE_SHARES.values())))
    for number in range(strokes):
        drop = UNDERLINE_DROP + UNDERLINE_STEP * number + UNDERLINE_SPREAD * rng.normal()
        row = line.baseline + (drop - lift) * unit
        rise = abs(UNDERLINE_RISE_SPREAD * rng.normal() * (right - left))
        start = (round(left - UNDERLINE_OVERHANG * unit), round(row))
        stop = (round(right + UNDERLINE_OVERHANG * unit), round(row - rise))
        cv2.line(line.ink, start, stop, 1.0, pen, cv2.LINE_AA)


def trimmed(line: Line) -> Line:
    """Leave out the columns behind the writing and its walls, but for some room."""
    last = np.flatnonzero(line.ink.any(axis=0))[-1]
    end = int(max(last, *line.walls, 0) + SIDE * line.unit)
    return Line(line.ink[:, :end], line.owner[:, :end], line.unit, line.baseline, line.walls)


def printed_hand(rng: np.random.Generator) -> Hand:
    """Make a printer with one font of `FONTS`, which writes letters as well; the pen is ignored."""
    name = str(rng.choice(FONTS))

    def hand(
        character: str, height: float, pen: float, rng: np.random.Generator
    ) -> tuple[FloatImage, int]:
        return printed(character, max(SMALLEST_PRINT, round(height)), name)

    return hand


@cache
def _font(name: str, height: int) -> ImageFont.FreeTypeFont:
    """Load a font at the size that makes its digits so high."""
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", name)
    _, top, _, bottom = ImageFont.truetype(path, TRIAL_SIZE).getbbox("0")
    size = round(TRIAL_SIZE * height / (bottom - top))
    return ImageFont.truetype(path, max(SMALLEST_PRINT, size))


def printed(text: str, height: int, name: str) -> tuple[FloatImage, int]:
    """Print a text in one font.

    Parameters
    ----------
    text : str
    height : int
        Of a digit, in pixels.
    name : str
        One of `FONTS`.

    Returns
    -------
    ink : float32 array, shape (h, w)
        In [0, 1], without empty rows and columns around it; one empty pixel for a space.
    below : int
        How many of its rows lie below the baseline; less than 0 where it stands above it.

    Examples
    --------
    >>> ink, below = printed("25", 20, "DejaVuSans.ttf")
    >>> abs(len(ink) - 20) <= 2, below
    (True, 0)
    """
    font = _font(name, height)
    mask = font.getmask(text)
    ink = np.asarray(mask, dtype=np.float32).reshape(mask.size[1], mask.size[0]) / 255
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return np.zeros((1, 1), np.float32), 0
    _, _, _, bottom = font.getbbox(text, anchor="ls")
    below = round(bottom) - (len(ink) - 1 - int(rows[-1]))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], below


def sheared(line: Line, shear: float, fall: float) -> Line:
    """Lean a line over, and let it fall along the field; the strip gets wider and higher.

    Parameters
    ----------
    line : Line
    shear : float
        Columns to the right for each row up.
    fall : float
        Rows down for each column; below 0 the line rises.

    Returns
    -------
    Line
        A new one. Its baseline is that of the line's middle.
    """
    height, width = line.ink.shape
    aside, down = round(abs(shear) * height), round(abs(fall) * width)
    dx = shear * height if shear > 0 else 0.0
    dy = -fall * width if fall < 0 else 0.0
    matrix = np.array([[1, -shear, dx], [fall, 1, dy]])
    size = (width + aside, height + down)
    ink = cv2.warpAffine(line.ink, matrix, size, flags=cv2.INTER_LINEAR)
    owner = cv2.warpAffine(
        line.owner, matrix, size, flags=cv2.INTER_NEAREST, borderValue=float(NOBODY)
    )
    return Line(
        np.asarray(ink, np.float32),
        np.asarray(owner, np.int16),
        line.unit,
        round(line.baseline + fall * width / 2 + dy),
        [wall - shear * line.baseline + dx for wall in line.walls],
    )
