"""Digits and marks drawn as pen strokes, in the many ways in which people write them.

`forms.SHAPES` and `forms.RARER` are the tables of forms. `write_character` shakes the points of one
form and puts a curve through them, and `draw` inks the curve.

A length is a share of a digit's height where nothing else is said. A "spread" is the standard
deviation of a normal number. Whoever changes a constant changes all rendered fields, so the samples
and the readers have to be made anew: ``make checks``, then ``make models``.
"""

import math
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicHermiteSpline

from lessonlib.checks.image import FloatImage
from lessonlib.synthesis.forms import RARER, SHAPES

Stroke = npt.NDArray[np.float64]  # shape (k, 2): points (x, y)

SAMPLE_SPACING = 0.028  # between the sampled points of a table's curve, before it is shaken

# A character as a whole
FARTHEST = 2.2  # no proportion strays farther than this many spreads
USUAL_WIDTH, WIDTH_SPREAD = 1.05, 0.22  # times the table's; the spread is that of the logarithm
WIDTH_LIMITS: dict[str, tuple[float, float]] = {"0": (0.75, 1.7), "1": (0.6, 1.2)}
OTHER_WIDTH_LIMITS = (0.75, 1.55)
AXIS = 0.3  # the x that stays in place when a character gets wider: half of a usual digit's width
FLARE_SPREAD = 0.16  # how much wider the top is than the foot, or narrower
BEND_SPREAD = 0.08  # a quarter of it is how far the middle is bent to the side
LEAN_SPREAD = 0.06  # how far to the right the top lies of the foot, beyond the slant of the field
WAIST_SPREAD = 0.2  # a quarter of it is how far the middle is moved up or down
HEIGHT_SPREAD = 0.04
RISE_SPREAD = 0.05  # how much y grows for each x
MOST_ROUNDED = 0.7  # at most this share of a corner is rounded off

# Each stroke, and each of its points
TURN_SPREAD = 0.035  # radians; also by how much a stroke grows
SHIFT_SPREAD = 0.015
POINT_SPREAD = 0.02
LOOSE_END, OTHER_END = (
    0.2,
    0.05,
)  # the spread of an end's length, as a share of its last segment ...
LONGEST_SEGMENT = 0.3  # ... which counts as no longer than this

# Accidents of the pen. They are counted in sampled points.
ACCIDENT = 0.06  # the probability of one in a character: a skip or a retouched end, equally often
SKIPPED = 3
SHORTEST_STROKE = 12  # a shorter stroke has none
FIRST_POINTS, LAST_POINTS = 4, 6  # no accident here: what is left must be long enough to draw
RETOUCH_SPREAD = 0.02  # how far beside the first line the second one goes

# Inking
HEIGHTS = (6.0, 400.0)  # pixels
PENS = (0.8, 24.0)  # pixels
PRESSURE = 0.13  # a pen writes this much broader downwards and finer upwards
FINE = 4  # the ink is drawn this many times larger and then shrunk, for soft edges
SUBPIXEL_BITS = 3  # OpenCV takes points in eighths of a pixel


class Template:
    """One stroke of the table, ready to be shaken and sampled.

    Attributes
    ----------
    points : NDArray[float64], shape (n, 2)
        Control points.
    sharp, smooth : NDArray[float64], shape (k, n)
        Matrices that turn control points into the k points of the curve, with its corners kept
        and with its corners rounded off.
    centre : NDArray[float64], shape (2,)
        The mean of the control points.
    reach : NDArray[float64], shape (2, 2)
        The spread, as (x, y), of the first and of the last point along the pen's direction.
    """

    def __init__(self, text: str) -> None:
        words = text.split()
        self.points = np.array([_point(word) for word in words])
        self.centre = self.points.mean(axis=0)
        self.reach = np.array(
            [
                _reach(self.points[0] - self.points[1], words[0]),
                _reach(self.points[-1] - self.points[-2], words[-1]),
            ]
        )
        steps = np.linalg.norm(np.diff(self.points, axis=0), axis=1)
        counts = np.maximum(2, np.ceil(steps / SAMPLE_SPACING)).astype(int)
        # Knots at the square roots of the distances keep the curve from overshooting at its bends.
        knots = np.concatenate(([0.0], np.cumsum(np.sqrt(steps))))
        parts = [
            np.linspace(start, stop, count, endpoint=False)
            for (start, stop), count in zip(pairwise(knots), counts, strict=True)
        ]
        times = np.concatenate((*parts, knots[-1:]))
        corners = [number for number, word in enumerate(words) if word.endswith("!")]
        self.sharp = curve_matrix(knots, times, corners)
        self.smooth = curve_matrix(knots, times, [])


def _point(word: str) -> tuple[float, float]:
    """Read one point of the table, which has hundredths of a digit's height."""
    x, y = word.rstrip("!~").split(",")
    return float(x) / 100, float(y) / 100


def _reach(segment: npt.NDArray[np.float64], word: str) -> npt.NDArray[np.float64]:
    """Return the spread, as (x, y), of an end that the table has as `word`."""
    length = float(np.hypot(segment[0], segment[1]))
    share = LOOSE_END if word.endswith("~") else OTHER_END
    return segment / length * min(length, LONGEST_SEGMENT) * share


def curve_matrix(
    knots: npt.NDArray[np.float64], times: npt.NDArray[np.float64], corners: list[int]
) -> npt.NDArray[np.float64]:
    """Compute the matrix of a curve through control points, with corners at some of them.

    Parameters
    ----------
    knots : NDArray[float64], shape (n,)
        The increasing times of the n control points.
    times : NDArray[float64], shape (k,)
        Where to sample, within the knots and at each of them.
    corners : list of int
        Numbers of control points, in ascending order.

    Returns
    -------
    NDArray[float64], shape (k, n)
        How much each control point adds to each point of the curve.
    """
    matrix = np.zeros((len(times), len(knots)))
    for first, last in pairwise(sorted({0, *corners, len(knots) - 1})):
        part = slice(first, last + 1)
        rows = (knots[first] <= times) & (times <= knots[last])
        matrix[rows, part] = spline_matrix(knots[part], times[rows])
    return matrix


def spline_matrix(
    knots: npt.NDArray[np.float64], times: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Compute the matrix of a Catmull-Rom spline whose ends run out straight.

    It takes and returns what `curve_matrix` does, without corners.
    """
    one_each = np.eye(len(knots))
    tangents = np.asarray(np.gradient(one_each, knots, axis=0), dtype=np.float64)
    tangents[[0, -1]] = 1.5 * tangents[[0, -1]] - 0.5 * tangents[[1, -2]]  # no curvature there
    return np.asarray(CubicHermiteSpline(knots, one_each, tangents)(times))


_EVERY = {character: usual | RARER.get(character, {}) for character, usual in SHAPES.items()}
_TEMPLATES = {
    character: {
        name: [Template(stroke) for stroke in text.split(";")]
        for name, (_, text) in variants.items()
    }
    for character, variants in _EVERY.items()
}
# The first of a character's shares are those in `SHAPES`; those in `RARER` follow.
_CUMULATIVE_SHARES = {
    character: np.cumsum([share for share, _ in variants.values()])
    for character, variants in _EVERY.items()
}


def write_character(
    character: str, rng: np.random.Generator, variant: str | None = None
) -> list[Stroke]:
    """Write one character the way a hand does: never twice alike.

    Parameters
    ----------
    character : str
        One of `forms.SHAPES`.
    rng : Generator
    variant : str, optional
        One of the character's in `forms.SHAPES` or `forms.RARER`; by default one of `SHAPES` at
        random, common ones more often.

    Returns
    -------
    list of NDArray[float64], each of shape (k, 2)
        The strokes: points (x, y), y = 0 the line that digits stand on and y = 1 their top.

    Raises
    ------
    ValueError
        If no such character or variant is known.

    Examples
    --------
    >>> stem, foot = write_character("1", np.random.default_rng(0), "flag_foot")
    >>> ink, below = draw([stem, foot], height=40, pen=3)
    """
    if character not in SHAPES:
        raise ValueError(f"cannot write {character!r}: known are {' '.join(SHAPES)}")
    if variant is None:
        variant = choose_variant(character, rng)
    elif variant not in _EVERY[character]:
        known = ", ".join(_EVERY[character])
        raise ValueError(f"no variant {variant!r} of {character!r}: known are {known}")
    low, high = WIDTH_LIMITS.get(character, OTHER_WIDTH_LIMITS)
    wider, *proportions = rng.standard_normal(7).clip(-FARTHEST, FARTHEST).tolist()
    width = min(max(USUAL_WIDTH * math.exp(WIDTH_SPREAD * wider), low), high)
    sharpness = 1 - MOST_ROUNDED * rng.random() ** 2
    strokes = []
    for template in _TEMPLATES[character][variant]:
        points = _shaken(template, rng)
        _deform(points, width, proportions)
        curve = sharpness * template.sharp + (1 - sharpness) * template.smooth
        strokes.append(curve @ points)
    if rng.random() < ACCIDENT:
        _have_accident(strokes, rng)
    return strokes


def choose_variant(character: str, rng: np.random.Generator, rarer: bool = False) -> str:
    """Choose one of the variants of a character, common ones more often.

    Parameters
    ----------
    character : str
        One of `forms.SHAPES`.
    rng : Generator
        One number is drawn from it.
    rarer : bool
        Whether those in `forms.RARER` are among them. Some characters have none there.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> [choose_variant("7", rng, rarer=True) for _ in range(4)]
    ['plus', 'two_like', 'low_crossed', 'serif']
    """
    count = len(_EVERY[character] if rarer else SHAPES[character])
    shares = _CUMULATIVE_SHARES[character][:count]
    number = int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))
    return list(_EVERY[character])[number]


def _shaken(template: Template, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a stroke's control points, the stroke shifted and turned, each point shaken."""
    noise = rng.standard_normal((len(template.points) + 3, 2))
    (turn, grow), shift, ends = TURN_SPREAD * noise[0], SHIFT_SPREAD * noise[1], noise[2]
    matrix = np.array([[1 + grow, turn], [-turn, 1 + grow]])
    points: Stroke = (template.points - template.centre + POINT_SPREAD * noise[3:]) @ matrix
    points += template.centre + shift
    # An end moves along its own direction: a little where it meets other ink, a lot where loose.
    points[0] += ends[0] * template.reach[0]
    points[-1] += ends[1] * template.reach[1]
    return points


def _deform(points: npt.NDArray[np.float64], width: float, proportions: list[float]) -> None:
    """Change, in place, a character's proportions by six clipped standard normal numbers."""
    flare, bend, lean, waist, taller, rise = proportions
    x, y = points[:, 0], points[:, 1]
    middle = y - 0.5
    bulge = np.maximum(0.25 - middle * middle, 0.0)  # from 0 at the foot over 1/4 to 0 at the top
    x -= AXIS
    x *= width * (1 + FLARE_SPREAD * flare * middle)
    x += BEND_SPREAD * bend * bulge + LEAN_SPREAD * lean * middle
    x += AXIS * width
    y += WAIST_SPREAD * waist * bulge
    y *= 1 + HEIGHT_SPREAD * taller
    y += RISE_SPREAD * rise * (x - AXIS)


def _have_accident(strokes: list[Stroke], rng: np.random.Generator) -> None:
    """Let the pen skip for a moment in one stroke, or go over the stroke's end again; in place."""
    index = int(rng.integers(len(strokes)))
    stroke = strokes[index]
    if len(stroke) < SHORTEST_STROKE:
        return
    at = int(rng.integers(FIRST_POINTS, len(stroke) - LAST_POINTS))
    if rng.random() < 0.5:
        strokes[index : index + 1] = [stroke[:at], stroke[at + SKIPPED :]]
    else:
        strokes.append(stroke[at:] + rng.normal(0, RETOUCH_SPREAD, 2))


def draw(strokes: list[Stroke], height: float, pen: float) -> tuple[FloatImage, int]:
    """Ink strokes.

    Parameters
    ----------
    strokes : list of NDArray[float64], each of shape (k, 2), k >= 2
        As `write_character` returns them.
    height : float
        Pixels from y = 0 to y = 1, within ``HEIGHTS``.
    pen : float
        Width of the pen in pixels, within ``PENS``. It writes a little broader downwards.

    Returns
    -------
    ink : NDArray[float64], shape (h, w)
        In [0, 1], with soft edges, and without empty rows and columns around it.
    below : int
        How many of its rows lie below the line y = 0; negative where the ink floats above it.

    Raises
    ------
    ValueError
        If a number is out of range or there is no stroke.
    """
    _check(strokes, height, pen)
    strokes = [stroke * (height, -height) for stroke in strokes]  # rows count downwards
    points = np.concatenate(strokes)
    margin = pen * (1 + PRESSURE) / 2 + 2
    left, top = np.floor(points.min(axis=0) - margin).astype(int).tolist()
    right, bottom = np.ceil(points.max(axis=0) + margin).astype(int).tolist()
    fine = np.zeros((FINE * (bottom - top), FINE * (right - left)), np.uint8)
    for stroke in strokes:
        _draw_line(fine, (stroke - (left, top)) * FINE, pen * FINE)
    soft = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    x, y, w, h = cv2.boundingRect(soft)
    ink = soft[y : y + h, x : x + w].astype(np.float64) / 255
    return ink, top + y + h


def _draw_line(canvas: npt.NDArray[np.uint8], points: Stroke, pen: float) -> None:
    """Draw a stroke with 255, in place; points and pen in the canvas's pixels."""
    steps = np.diff(points, axis=0)
    down = steps[:, 1] / np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-9)  # from -1 to 1
    # Asked for an even width, OpenCV fills one pixel more than that.
    widths = (2 * np.rint((pen * (1 + PRESSURE * down) - 1) / 2)).astype(int).tolist()
    # OpenCV counts from the middle of a pixel.
    pixels = np.rint((points - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32)
    # It draws a line of one width: a run of steps of the same width at a time.
    first = 0
    for last in range(1, len(pixels)):
        if last == len(widths) or widths[last] != widths[first]:
            part = pixels[first : last + 1]
            cv2.polylines(canvas, [part], False, 255, widths[first], cv2.LINE_8, SUBPIXEL_BITS)
            first = last


def _check(strokes: list[Stroke], height: float, pen: float) -> None:
    """Raise a ValueError if `draw` can't ink these."""
    if not strokes or any(stroke.ndim != 2 or len(stroke) < 2 for stroke in strokes):
        raise ValueError("nothing to draw: give strokes as write_character() returns them")
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise ValueError(f"height {height} is outside {HEIGHTS[0]} to {HEIGHTS[1]} pixels")
    if not PENS[0] <= pen <= PENS[1]:
        raise ValueError(f"pen {pen} is outside {PENS[0]} to {PENS[1]} pixels")
