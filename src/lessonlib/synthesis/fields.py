"""Fields on anyone's paper: any hand, any form, any light, any crop.

`render.render` draws the fields of one bank's checks, as the samples and the chapters show them,
with a knob for each difficulty. Here there are no knobs, since chance draws everything, and each
step is wider: `texts` makes up what is written, `lines` writes it, `surroundings` prints what is
around, and this module puts it on paper, lights it and cuts it out. `mixture` mixes both kinds of
fields, and images of nothing: what readers are trained on.

A length is a share of a digit's height, the unit, where nothing else is said. A pair in capitals is
a range from which a number is drawn, and a "spread" the standard deviation of a normal number.
Shares and ranges are guesses at what people photograph and scan, where it is hard to read more
frequent than it is. Whoever changes one trains the readers anew: ``make models``.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import FloatImage, Gray
from lessonlib.synthesis.hands import Hand
from lessonlib.synthesis.lines import FONTS, Line, printed, printed_hand, sheared, write_line
from lessonlib.synthesis.render import INKED, NOBODY, Owner
from lessonlib.synthesis.surroundings import (
    PATTERN_SHARE,
    WORDS,
    Place,
    paper_pattern,
    print_surroundings,
)
from lessonlib.synthesis.texts import choose, marked_text

# Pixels of a digit's height. Most fields are cut from scans at 100 to 300 dots per inch.
UNITS = (13.0, 64.0)
PRINTED_SHARE = 0.05  # of the texts are printed
CELL_SHARE = 0.6  # of the numbers of digits alone stand in cells
EMPTY_SHARE = 0.02  # of the fields hold words alone: nothing to read

# Slope of the writing: columns to the right for each row up, and rows down for each column
LEAN, LEAN_SPREAD, LEANS = 0.12, 0.25, (-0.5, 0.9)
LEAN_IN_CELLS = 0.4  # times as much: cells keep writers upright
FALL_SPREAD, FALLS = 0.02, (-0.08, 0.08)

# How a field is cut out: paper beside the ink, at each side by itself
CROPS = {"tight": 0.5, "field": 0.35, "page": 0.15}
ROOMS = {
    "tight": ((0.0, 0.5), (0.0, 0.6)),  # above and below, and at the sides
    "field": ((0.1, 1.0), (0.1, 3.5)),
    "page": ((0.5, 3.0), (0.5, 6.0)),
}
CUT_SHARE, CUT = 0.1, 0.1  # of the tight ones lose up to so much of the ink at a side

# Paper and ink, in gray levels; depths are shares of the paper's light that are taken away
PAPERS, DARK_PAPER_SHARE, DARK_PAPERS = (150, 250), 0.15, (100, 150)
INKS = (0.3, 0.95)
PALE_SHARE, PALE_INKS = 0.12, (0.15, 0.35)  # a pale pencil
PRINT_INKS = (0.2, 0.9)
PATTERN_DEPTHS = (0.03, 0.35)
DEEPEST_PATTERN = 0.6  # of the ink's darkness: people don't write where nobody could read it
LIGHT_ON_DARK_SHARE = 0.06
BLEEDING_SHARE, BLEEDS = 0.12, (0.02, 0.06)  # how far ink runs into the paper
GRAINY_SHARE, GRAINS = 0.2, (0.4, 1.5)  # pixels of a grain; all pale pencils have some
GRAIN_INK, GRAIN_DEPTHS = 0.6, (1, 4)  # the mean ink, and how much of it each grain changes
LEAST_GRAIN_INK = 0.2

# Light and camera
SHADING_SHARE, SHADINGS = 0.4, (0.1, 0.5)  # between the brightest place and the darkest at most
SHADING_SHAPE = (2, 3)  # rows and columns of random light, between which it changes evenly
SHADOW_SHARE, SHADOWS = 0.08, (0.45, 0.85)  # the light that is left in a shadow
SHADOW_EDGES = (0.05, 1.0)  # how soft
TILT_SPREAD, TILTED_SHARE, MOST_TILT = 0.8, 0.1, 10.0  # degrees
PERSPECTIVE_SHARE, PERSPECTIVE = 0.1, 0.06  # how far corners move, as a share of the height
BLURS, BLURRED_SHARE, STRONG_BLURS = (0.2, 0.8), 0.25, (0.03, 0.09)  # pixels, then units
LEAST_NOISE, MOST_NOISE = 0.5, 8.0  # gray levels; little is more frequent than much
JPEG_SHARE, QUALITIES = 0.5, (25, 95)
# Gray levels between each digit and the paper around it, on average, in the picture taken. With
# less, people can't read a digit between the grains of noise; another picture is taken then.
LEAST_CONTRAST = 14.0
MOST_PICTURES = 10
AROUND = (0.1, 0.25)  # where that paper is: so far from the ink


@dataclass(frozen=True, eq=False)
class LabelledField:
    """A rendered field, and what it says.

    Attributes
    ----------
    image : uint8 array, shape (H, W)
    text : str
        Digits and marks as `texts` has them; empty where there is nothing to read.
    owner : int16 array, shape (H, W)
        Positions in `text`, or `NOBODY`.
    """

    image: Gray
    text: str
    owner: Owner


def anyones_field(rng: np.random.Generator, hand: Hand) -> LabelledField:
    """Render a field with a text, a paper, a light and a crop drawn for it alone.

    Parameters
    ----------
    rng : numpy Generator
        The same state and hand give the same field.
    hand : Hand
        Who writes, if the text isn't printed.

    Examples
    --------
    >>> from lessonlib.synthesis.hands import drawn_hand
    >>> field = anyones_field(np.random.default_rng(3), drawn_hand)
    >>> field.text, field.image.shape == field.owner.shape
    ('161,541.00', True)
    """
    unit = float(np.exp(rng.uniform(*np.log(UNITS))))
    text = marked_text(rng)
    prints = bool(rng.random() < PRINTED_SHARE)
    if prints:
        hand = printed_hand(rng)
    cells = bool(text.isdecimal() and rng.random() < CELL_SHARE)
    if rng.random() < EMPTY_SHARE:
        text, cells, line = "", False, word_line(unit, rng)
    else:
        line = write_line(text, unit, hand, rng, cells, prints)
    framed, owner, place = frame(leaning(line, cells, rng), cells, rng)
    for _ in range(MOST_PICTURES):
        printing = print_surroundings(framed.shape, place, rng)
        light = illuminate(expose(framed, printing, unit, rng), unit, rng)
        light, owners = tilt(light, owner, rng)
        image = scan(light, unit, rng)
        if least_contrast(image, owners, text, unit) >= LEAST_CONTRAST:
            break
    return LabelledField(image, text, owners)


def least_contrast(image: Gray, owner: Owner, text: str, unit: float) -> float:
    """Measure how many gray levels lie between the faintest digit and the paper around it.

    Paper is what nobody owns, at a distance of `AROUND` from the ink; where a digit has none, its
    contrast isn't measured. Without digits it is infinite.
    """
    near, far = (grown(owner, reach * unit) for reach in AROUND)
    around = np.where(near == NOBODY, far, NOBODY)
    size = len(text) + 1
    inked, paper = (
        np.bincount(of.ravel() + 1, weights=image.ravel(), minlength=size)[1:]
        / np.maximum(np.bincount(of.ravel() + 1, minlength=size)[1:], 1)
        for of in (owner, around)
    )
    contrast = np.where(paper > 0, np.abs(inked - paper), np.inf)
    is_digit = np.array([character.isdecimal() for character in text], bool)
    return float(contrast[is_digit].min(initial=np.inf))


def grown(owner: Owner, reach: float) -> Owner:
    """Let each character own what is up to so many pixels away."""
    window = np.ones((2 * round(reach) + 1, 2 * round(reach) + 1), np.uint8)
    return np.asarray(cv2.dilate(owner, window), np.int16)


def word_line(unit: float, rng: np.random.Generator) -> Line:
    """Print a word where an amount would stand: without digits, and nobody owns its ink."""
    height = round(unit)
    word, below = printed(str(rng.choice(WORDS)), height, str(rng.choice(FONTS)))
    ink = np.pad(word, height)
    return Line(ink, np.full(ink.shape, NOBODY, np.int16), unit, len(ink) - height - below)


def leaning(line: Line, cells: bool, rng: np.random.Generator) -> Line:
    """Lean a line over, and let it rise or fall; in cells it stays level, and nearly upright."""
    shear = float(np.clip(LEAN + LEAN_SPREAD * rng.normal(), *LEANS))
    if cells:
        return sheared(line, shear * LEAN_IN_CELLS, 0.0)
    return sheared(line, shear, float(np.clip(FALL_SPREAD * rng.normal(), *FALLS)))


def frame(line: Line, cells: bool, rng: np.random.Generator) -> tuple[FloatImage, Owner, Place]:
    """Put a line on a field with some paper around, or cut it out through the ink.

    Returns
    -------
    ink : float32 array, shape (H, W)
    owner : int16 array, shape (H, W)
    place : Place
        Where the line is on the field.
    """
    above, below, before, behind = draw_rooms(line.unit, rng)
    inked = line.ink > INKED
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    first_row, last_row = int(rows[0]), int(rows[-1]) + 1
    first_column, last_column = int(columns[0]), int(columns[-1]) + 1
    top, left = first_row - above, first_column - before
    window = (top, last_row + below, left, last_column + behind)
    place = Place(
        left=first_column - left,
        right=last_column - left,
        top=first_row - top,
        bottom=last_row - top,
        baseline=line.baseline - top,
        unit=line.unit,
        walls=tuple(wall - left for wall in line.walls),
        cells=cells,
    )
    ink, owner = cut(line.ink, 0.0, *window), cut(line.owner, NOBODY, *window)
    return np.asarray(ink, np.float32), np.asarray(owner, np.int16), place


def draw_rooms(unit: float, rng: np.random.Generator) -> list[int]:
    """Choose how many pixels of paper are above, below, before and behind the ink.

    One may be less than 0: there ink is cut off.
    """
    kind = choose(CROPS, rng)
    level, aside = ROOMS[kind]
    rooms = [rng.uniform(*limits) * unit for limits in (level, level, aside, aside)]
    if kind == "tight" and rng.random() < CUT_SHARE:
        side = int(rng.integers(4))
        rooms[side] = -rng.uniform(0, CUT) * unit
    return [round(room) for room in rooms]


def cut(
    array: npt.NDArray[np.generic], paper: float, top: int, bottom: int, left: int, right: int
) -> npt.NDArray[np.generic]:
    """Cut out rows and columns; those beyond the border are paper."""
    height, width = array.shape
    outside = ((max(0, -top), max(0, bottom - height)), (max(0, -left), max(0, right - width)))
    inside = array[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return np.pad(inside, outside, constant_values=paper)


def expose(
    ink: FloatImage, printing: FloatImage, unit: float, rng: np.random.Generator
) -> FloatImage:
    """Give the light that comes from a field: its paper, its print, its ink.

    Parameters
    ----------
    ink, printing : float32 arrays, shape (H, W)
        In [0, 1].
    unit : float
        Height of a digit in pixels.
    rng : numpy Generator

    Returns
    -------
    float32 array, shape (H, W)
        In [0, 255], not rounded.
    """
    paper = rng.uniform(*(DARK_PAPERS if rng.random() < DARK_PAPER_SHARE else PAPERS))
    light = np.full(ink.shape, paper, np.float32)
    pale = bool(rng.random() < PALE_SHARE)
    darkness = rng.uniform(*(PALE_INKS if pale else INKS))
    if rng.random() < PATTERN_SHARE:
        depth = min(rng.uniform(*PATTERN_DEPTHS), DEEPEST_PATTERN * darkness)
        light *= 1 - depth * paper_pattern(ink.shape, unit, rng)
    light *= 1 - rng.uniform(*PRINT_INKS) * printing
    light *= 1 - darkness * textured(ink, pale, unit, rng)
    return 255 - light if rng.random() < LIGHT_ON_DARK_SHARE else light


def textured(ink: FloatImage, pale: bool, unit: float, rng: np.random.Generator) -> FloatImage:
    """Let ink run into the paper, or show the paper's grain, each at times; a pencil always does.

    Takes and returns a float32 array, shape (H, W), in [0, 1].
    """
    if rng.random() < BLEEDING_SHARE:
        ink = blurred(ink, rng.uniform(*BLEEDS) * unit)
    if pale or rng.random() < GRAINY_SHARE:
        grain = blurred(rng.random(ink.shape, dtype=np.float32), rng.uniform(*GRAINS))
        kept = GRAIN_INK + rng.uniform(*GRAIN_DEPTHS) * (grain - grain.mean())
        ink = ink * np.clip(kept, LEAST_GRAIN_INK, 1)
    return np.asarray(ink, np.float32)


def illuminate(light: FloatImage, unit: float, rng: np.random.Generator) -> FloatImage:
    """Let light fall unevenly on a field, and perhaps a shadow; it may exceed 255 then."""
    height, width = light.shape
    if rng.random() < SHADING_SHARE:
        coarse = rng.uniform(-1, 1, SHADING_SHAPE).astype(np.float32)
        smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        light = light * (1 + rng.uniform(*SHADINGS) / 2 * smooth)
    if rng.random() < SHADOW_SHARE:
        mask = np.ones((height, width), np.float32)
        x = rng.uniform(0, width, 2)
        edge = np.array([[x[0], 0], [x[1], height], [width, height], [width, 0]]).round()
        cv2.fillPoly(mask, [edge.astype(np.int32)], float(rng.uniform(*SHADOWS)))
        light = light * blurred(mask, rng.uniform(*SHADOW_EDGES) * unit)
    return np.asarray(light, np.float32)


def tilt(light: FloatImage, owner: Owner, rng: np.random.Generator) -> tuple[FloatImage, Owner]:
    """Turn a field a little, and at times look at it from the side; the frame may grow.

    Takes and returns the light, float32 (H, W), and the owners, int16 (H, W). Where the frame has
    grown, the light of the border goes on.
    """
    height, width = light.shape
    angle = TILT_SPREAD * rng.normal()
    if rng.random() < TILTED_SHARE:
        angle = rng.uniform(-MOST_TILT, MOST_TILT)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    moved = corners @ turn[:, :2].T + turn[:, 2]
    if rng.random() < PERSPECTIVE_SHARE:
        moved += PERSPECTIVE * height * rng.normal(size=(4, 2))
    moved -= moved.min(axis=0)
    size = tuple(np.ceil(moved.max(axis=0)).astype(int).tolist())
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    turned = cv2.warpPerspective(light, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    owners = cv2.warpPerspective(
        owner, matrix, size, flags=cv2.INTER_NEAREST, borderValue=float(NOBODY)
    )
    return np.asarray(turned, np.float32), np.asarray(owners, np.int16)


def scan(light: FloatImage, unit: float, rng: np.random.Generator) -> Gray:
    """Take the picture: blurred, with noise, rounded to gray levels, perhaps compressed."""
    blur = rng.uniform(*BLURS)
    if rng.random() < BLURRED_SHARE:
        blur += rng.uniform(*STRONG_BLURS) * unit
    noise = LEAST_NOISE + MOST_NOISE * rng.random() ** 2
    light = blurred(light, blur) + noise * rng.standard_normal(light.shape, dtype=np.float32)
    levels = np.clip(light, 0, 255).round().astype(np.uint8)
    if rng.random() < JPEG_SHARE:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*QUALITIES))]
        _, packed = cv2.imencode(".jpg", levels, quality)
        levels = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    return levels


def blurred(image: FloatImage, spread: float) -> FloatImage:
    """Blur an image by a Gaussian of this standard deviation, in pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), spread), np.float32)
