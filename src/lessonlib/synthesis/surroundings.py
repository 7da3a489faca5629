"""What is printed around the writing: rules, boxes, cells, words, a grid, patterns of the paper.

A length is a share of a digit's height, the unit, where nothing else is said. A pair in capitals is
a range from which a number is drawn. Shares and ranges are guesses at what forms and checks of
several countries have; where it is hard to read, it was made more frequent than it is.

All functions draw on a print: float32 (H, W), 0 for bare paper and 1 for the darkest ink of a
printer. A point is (x, y), column and row, in pixels.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from lessonlib.checks.image import FloatImage
from lessonlib.synthesis.lines import FONTS, SMALLEST_PRINT, printed
from lessonlib.synthesis.render import pattern

# Each kind of print with the share of the fields that have it
RULE_SHARE, HEAD_RULE_SHARE = 0.35, 0.08
BOX_SHARE, WALL_SHARE, SIDE_SHARE = 0.3, 0.35, 0.12
WORD_SHARE, LABEL_SHARE, GRID_SHARE = 0.22, 0.12, 0.05

# Lines
LINE_WIDTHS = (0.02, 0.09)
BROKEN_SHARE = 0.15  # of the lines are dotted or dashed:
STEPS, ON = (2.0, 8.0), (0.3, 0.7)  # from dash to dash, in line widths, and the share with ink
RULE_GAPS = (-0.25, 0.35)  # between the feet and a rule: below 0 it runs through them
SHORT_RULE_SHARE, RULE_OVERHANGS = 0.3, (0, 2)  # of the rules end soon beside the writing
UPRIGHT_OVERHANGS = (-0.1, 1.5)  # of upright lines, above and below the writing

# Boxes and cells
SIDE_MISSING = 0.15  # each side of a box is missing this often
BOX_GAPS = (-0.05, 0.6)  # between the writing and the level sides of its box ...
BOX_SIDE_GAPS = (0.05, 2.0)  # ... and the upright ones
CELL_GAPS = (0.02, 0.4)
COMB_SHARE, COMB_HEIGHTS = 0.2, (0.2, 0.6)  # cells that are open above
EMPTY_CELLS_SHARE, MOST_EMPTY_CELLS = 0.3, 3  # behind the number

# Words
WORD_HEIGHTS = (0.2, 0.55)
WORD_GAPS, WORD_ABOVE_SHARE = (0.02, 0.6), 0.6  # above the writing, the others below
WORD_REACH = 2.0  # how far before the writing a word may begin
LABEL_HEIGHTS = (0.4, 1.0)
LABEL_GAPS, LABEL_BEFORE_SHARE = (0.4, 2.5), 0.7  # before the writing, the others behind
WORDS = (
    *("Amount", "AMOUNT", "Rupees", "Rs.", "DOLLARS", "US$", "EUR", "Euro", "BRL", "No.", "Total"),
    *("Date", "DD MM YYYY", "D D M M Y Y Y Y", "VALID FOR THREE MONTHS", "Account", "A/C No."),
    *("Pay", "or bearer", "Bank", "NOT NEGOTIABLE", "CHEQUE", "Montant", "Betrag", "Valor", "kr"),
)

# Squared and lined paper
GRID_PITCHES, SMALLEST_PITCH = (0.35, 1.4), 4.0  # the latter in pixels
GRID_DARKNESSES = (0.2, 0.7)
LINED_SHARE = 0.5  # of the grids have level lines alone

# Patterns that make paper hard to forge
PATTERN_SHARE = 0.5
PATTERN_KINDS = {"security": 0.6, "dots": 0.25, "words": 0.15}
DOT_PITCHES = (2.5, 6.0)  # pixels
DOT_GAPS = (-0.5, 1.0)  # the larger, the smaller the dots and the more paper between them
PATTERN_WORD_HEIGHTS = (0.2, 1.2)
WORD_STEPS, ROW_STEPS = (1.1, 2), (1.2, 3)  # from word to word, in widths and heights ...
SMALLEST_WORD_STEP, SMALLEST_ROW_STEP = 12, 6  # ... and in pixels at least


@dataclass(frozen=True)
class Place:
    """Where the writing stands on a field, in pixels.

    `left`, `right`, `top` and `bottom` hold its ink, `baseline` runs below the feet of its digits,
    `walls` are columns between its cells, and `cells` says whether there are any; where there are
    none, `walls` are columns between a sign and the amount.
    """

    left: float
    right: float
    top: float
    bottom: float
    baseline: float
    unit: float
    walls: tuple[float, ...] = ()
    cells: bool = False


def print_surroundings(
    shape: tuple[int, int], place: Place, rng: np.random.Generator
) -> FloatImage:
    """Print what may stand around the writing, each kind by chance.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the field.
    place : Place
        Of the writing.
    rng : numpy Generator

    Returns
    -------
    float32 array of this shape
        In [0, 1].
    """
    page = np.zeros(shape, np.float32)
    if place.cells:
        print_cells(page, place, rng)
    else:
        print_lines(page, place, rng)
    for share, print_kind in (
        (WORD_SHARE, print_words),
        (LABEL_SHARE, print_label),
        (GRID_SHARE, print_grid),
    ):
        if rng.random() < share:
            print_kind(page, place, rng)
    return page


def print_lines(page: FloatImage, place: Place, rng: np.random.Generator) -> None:
    """Print lines below, above and beside the writing, or a box around it, each by chance."""
    unit = place.unit
    if rng.random() < RULE_SHARE:
        print_rule(page, place.baseline + rng.uniform(*RULE_GAPS) * unit, place, rng)
    if rng.random() < HEAD_RULE_SHARE:
        print_rule(page, place.top - rng.uniform(*RULE_GAPS) * unit, place, rng)
    if rng.random() < BOX_SHARE:
        print_box(page, place, rng)
    elif rng.random() < SIDE_SHARE:
        before = rng.random() < 0.5
        away = rng.uniform(*BOX_SIDE_GAPS) * unit
        print_upright(page, place.left - away if before else place.right + away, place, rng)
    for wall in place.walls:
        if rng.random() < WALL_SHARE:
            print_upright(page, wall, place, rng)


def stroke(
    page: FloatImage,
    start: tuple[float, float],
    stop: tuple[float, float],
    width: int,
    rng: np.random.Generator,
) -> None:
    """Draw a straight line between two points, in place; at times dotted or dashed."""
    (x0, y0), (x1, y1) = start, stop
    parts = [(0.0, 1.0)]
    if rng.random() < BROKEN_SHARE:
        length = max(1.0, float(np.hypot(x1 - x0, y1 - y0)))
        step, on = rng.uniform(*STEPS) * width / length, rng.uniform(*ON)
        parts = [(t, min(1.0, t + on * step)) for t in np.arange(0, 1, step)]
    for t0, t1 in parts:
        first = (round(x0 + t0 * (x1 - x0)), round(y0 + t0 * (y1 - y0)))
        last = (round(x0 + t1 * (x1 - x0)), round(y0 + t1 * (y1 - y0)))
        cv2.line(page, first, last, 1.0, width, cv2.LINE_AA)


def line_width(place: Place, rng: np.random.Generator) -> int:
    """Choose how many pixels wide a printed line is."""
    return max(1, round(rng.uniform(*LINE_WIDTHS) * place.unit))


def print_rule(page: FloatImage, row: float, place: Place, rng: np.random.Generator) -> None:
    """Print a level line across the field, or under the writing alone."""
    left, right = 0.0, float(page.shape[1])
    if rng.random() < SHORT_RULE_SHARE:
        left = place.left - rng.uniform(*RULE_OVERHANGS) * place.unit
        right = place.right + rng.uniform(*RULE_OVERHANGS) * place.unit
    stroke(page, (left, row), (right, row), line_width(place, rng), rng)


def print_upright(page: FloatImage, x: float, place: Place, rng: np.random.Generator) -> None:
    """Print an upright line beside the writing, or between a sign and the amount."""
    top = place.top - rng.uniform(*UPRIGHT_OVERHANGS) * place.unit
    bottom = place.bottom + rng.uniform(*UPRIGHT_OVERHANGS) * place.unit
    stroke(page, (x, top), (x, bottom), line_width(place, rng), rng)


def print_box(page: FloatImage, place: Place, rng: np.random.Generator) -> None:
    """Print a box around the writing; some of its sides may be missing."""
    unit, width = place.unit, line_width(place, rng)
    top = place.top - rng.uniform(*BOX_GAPS) * unit
    bottom = place.bottom + rng.uniform(*BOX_GAPS) * unit
    left = place.left - rng.uniform(*BOX_SIDE_GAPS) * unit
    right = place.right + rng.uniform(*BOX_SIDE_GAPS) * unit
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    for first, last in pairwise(corners):
        if rng.random() >= SIDE_MISSING:
            stroke(page, first, last, width, rng)


def print_cells(page: FloatImage, place: Place, rng: np.random.Generator) -> None:
    """Print a cell around each character: closed, or open above like a comb."""
    unit, width = place.unit, line_width(place, rng)
    top = place.top - rng.uniform(*CELL_GAPS) * unit
    bottom = place.bottom + rng.uniform(*CELL_GAPS) * unit
    pitch = place.walls[1] - place.walls[0]
    has_more = rng.random() < EMPTY_CELLS_SHARE
    more = int(rng.integers(0, MOST_EMPTY_CELLS + 1)) if has_more else 0
    walls = [*place.walls, *(place.walls[-1] + pitch * (i + 1) for i in range(more))]
    if rng.random() < COMB_SHARE:
        top = bottom - rng.uniform(*COMB_HEIGHTS) * (bottom - top)
    else:
        stroke(page, (walls[0], top), (walls[-1], top), width, rng)
    stroke(page, (walls[0], bottom), (walls[-1], bottom), width, rng)
    for wall in walls:
        cv2.line(page, (round(wall), round(top)), (round(wall), round(bottom)), 1.0, width)


def print_words(page: FloatImage, place: Place, rng: np.random.Generator) -> None:
    """Print small words above or below the writing; they may come close to it."""
    ink, _ = print_word(place.unit, WORD_HEIGHTS, rng)
    gap = rng.uniform(*WORD_GAPS) * place.unit
    above = rng.random() < WORD_ABOVE_SHARE
    row = place.top - gap - len(ink) if above else place.bottom + gap
    column = rng.uniform(place.left - WORD_REACH * place.unit, place.right)
    paste(page, ink, round(row), round(column))


def print_label(page: FloatImage, place: Place, rng: np.random.Generator) -> None:
    """Print a word beside the writing, on its baseline."""
    ink, below = print_word(place.unit, LABEL_HEIGHTS, rng)
    gap = rng.uniform(*LABEL_GAPS) * place.unit
    before = rng.random() < LABEL_BEFORE_SHARE
    column = place.left - gap - ink.shape[1] if before else place.right + gap
    paste(page, ink, round(place.baseline + below - len(ink)), round(column))


def print_word(
    unit: float, heights: tuple[float, float], rng: np.random.Generator
) -> tuple[FloatImage, int]:
    """Print one of `WORDS`, its height drawn from a range; returns what `lines.printed` does."""
    height = max(SMALLEST_PRINT, round(rng.uniform(*heights) * unit))
    return printed(str(rng.choice(WORDS)), height, str(rng.choice(FONTS)))


def paste(page: FloatImage, ink: FloatImage, top: int, left: int) -> None:
    """Put ink on a page, in place; what lies beyond the border is lost."""
    height, width = page.shape
    y, x = max(0, top), max(0, left)
    part = ink[y - top : max(0, height - top), x - left : max(0, width - left)]
    if part.size:
        place = page[y : y + part.shape[0], x : x + part.shape[1]]
        np.maximum(place, part, out=place)


def print_grid(page: FloatImage, place: Place, rng: np.random.Generator) -> None:
    """Print squared or lined paper."""
    height, width = page.shape
    pitch = max(SMALLEST_PITCH, rng.uniform(*GRID_PITCHES) * place.unit)
    darkness = rng.uniform(*GRID_DARKNESSES)
    for row in np.arange(rng.uniform(0, pitch), height, pitch):
        page[int(row)] = np.maximum(page[int(row)], darkness)
    if rng.random() >= LINED_SHARE:
        for column in np.arange(rng.uniform(0, pitch), width, pitch):
            page[:, int(column)] = np.maximum(page[:, int(column)], darkness)


def paper_pattern(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> FloatImage:
    """Print what makes paper hard to forge: waves, a weave, blots, dots, or small words.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the field.
    unit : float
        Height of a digit in pixels.
    rng : numpy Generator

    Returns
    -------
    float32 array of this shape
        In [0, 1].
    """
    kind = str(rng.choice(list(PATTERN_KINDS), p=list(PATTERN_KINDS.values())))
    if kind == "words":
        return tiled_word(shape, unit, rng)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return pattern(x, y, rng) if kind == "security" else dots(x, y, rng)


def dots(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Print a screen of dots at some angle; takes and returns what `render.pattern` does."""
    pitch, angle = rng.uniform(*DOT_PITCHES), rng.uniform(0, np.pi / 2)
    along = np.cos(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / pitch)
    across = np.cos(2 * np.pi * (y * np.cos(angle) - x * np.sin(angle)) / pitch)
    return np.asarray(np.clip(along + across - rng.uniform(*DOT_GAPS), 0, 1), np.float32)


def tiled_word(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> FloatImage:
    """Print a word again and again, every other row shifted by half a step."""
    page = np.zeros(shape, np.float32)
    word = str(rng.choice(WORDS))
    height = max(SMALLEST_PRINT, round(rng.uniform(*PATTERN_WORD_HEIGHTS) * unit))
    ink, _ = printed(word, height, str(rng.choice(FONTS)))
    across = round(ink.shape[1] * rng.uniform(*WORD_STEPS))
    down = round(len(ink) * rng.uniform(*ROW_STEPS))
    for number, top in enumerate(range(-len(ink) // 2, shape[0], max(SMALLEST_ROW_STEP, down))):
        start = -(number % 2) * across // 2
        for left in range(start, shape[1], max(SMALLEST_WORD_STEP, across)):
            paste(page, ink, top, left)
    return page
