"""Digits and marks drawn as pen strokes, in the many ways in which people write them.

`forms.SHAPES` is the table of forms. `write_character` shakes the points of one form and puts a
curve through them, and `draw` inks the curve.
"""

import math
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import FloatImage
from lessonlib.synthesis.forms import SHAPES, VARIANTS

Stroke = npt.NDArray[np.float64]  # shape (k, 2): points (x, y)

SPACING = 0.028  # between the sampled points of a table's curve, before it is shaken
POINT_NOISE = 0.02
WIDTHS: dict[str, tuple[float, float]] = {"0": (0.75, 1.7), "1": (0.6, 1.2)}
OTHER_WIDTHS = (0.75, 1.55)  # how much narrower or wider than in the table
HEIGHTS = (6.0, 400.0)  # pixels
PENS = (0.8, 24.0)  # pixels
FINE = 4  # the ink is drawn this many times larger and then shrunk, for soft edges
PRESSURE = 0.13  # a pen writes this much broader downwards and finer upwards


class _Pen:
    """One stroke of the table, ready to be shaken and sampled.

    Attributes
    ----------
    points : NDArray[float64], shape (n, 2)
        Control points.
    sharp, smooth : NDArray[float64], shape (k, n)
        Matrices that turn control points into the k points of the curve, with its corners kept
        and with its corners rounded off.
    centre : NDArray[float64], shape (2,)
        The middle of the control points.
    reach : NDArray[float64], shape (2, 2)
        How far, as (x, y), the first and the last point usually move along the pen's direction.
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
        corners = [0, *(i for i, word in enumerate(words) if word.endswith("!")), len(words) - 1]
        steps = np.linalg.norm(np.diff(self.points, axis=0), axis=1)
        counts = np.maximum(2, np.ceil(steps / SPACING)).astype(int)
        # Knots at the square roots of the distances keep the curve from overshooting at its bends.
        knots = np.concatenate(([0.0], np.cumsum(np.sqrt(steps))))
        times = [
            np.linspace(start, stop, count, endpoint=False)
            for start, stop, count in zip(knots[:-1], knots[1:], counts, strict=True)
        ]
        self.smooth = _basis(knots, np.concatenate((*times, knots[-1:])))
        self.sharp = np.zeros_like(self.smooth)
        row = 0
        for first, last in pairwise(corners):
            if first == last:
                continue
            part = np.concatenate((*times[first:last], knots[last : last + 1]))
            columns = slice(first, last + 1)
            self.sharp[row : row + len(part), columns] = _basis(knots[columns], part)
            row += len(part) - 1


def _point(word: str) -> tuple[float, float]:
    """Read one point of the table, as fractions of a digit's height."""
    x, y = word.rstrip("!~").split(",")
    return float(x) / 100, float(y) / 100


def _reach(way: npt.NDArray[np.float64], word: str) -> npt.NDArray[np.float64]:
    """Return how far, as (x, y), an end written as `word` usually moves along `way`."""
    length = float(np.hypot(way[0], way[1]))
    return way / length * min(length, 0.3) * (0.2 if word.endswith("~") else 0.05)


def _basis(
    knots: npt.NDArray[np.float64], times: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the matrix of a Catmull-Rom spline: how much each control point adds at each time.

    Parameters
    ----------
    knots : NDArray[float64], shape (n,)
        The increasing times of the n control points.
    times : NDArray[float64], shape (k,)
        Where to sample, within the knots.

    Returns
    -------
    NDArray[float64], shape (k, n)
    """
    values = np.eye(len(knots))
    gaps = np.diff(knots)[:, None]
    slopes = np.diff(values, axis=0) / gaps
    tangents = np.empty_like(values)
    tangents[1:-1] = (slopes[:-1] * gaps[1:] + slopes[1:] * gaps[:-1]) / (gaps[1:] + gaps[:-1])
    if len(knots) == 2:
        tangents[:] = slopes[0]
    else:
        tangents[0] = 1.5 * slopes[0] - 0.5 * tangents[1]
        tangents[-1] = 1.5 * slopes[-1] - 0.5 * tangents[-2]
    index = np.clip(np.searchsorted(knots, times, side="right") - 1, 0, len(knots) - 2)
    gap = gaps[index]
    u = (times - knots[index])[:, None] / gap
    return np.asarray(
        (1 + 2 * u) * (1 - u) ** 2 * values[index]
        + u * (1 - u) ** 2 * gap * tangents[index]
        + u**2 * (3 - 2 * u) * values[index + 1]
        + u**2 * (u - 1) * gap * tangents[index + 1],
        dtype=np.float64,
    )


_PENS = {
    character: {
        name: [_Pen(stroke) for stroke in text.split(";")] for name, (_, text) in variants.items()
    }
    for character, variants in SHAPES.items()
}
_SHARES = {
    character: np.cumsum([weight for weight, _ in variants.values()])
    for character, variants in SHAPES.items()
}


def write_character(
    character: str, rng: np.random.Generator, variant: str | None = None
) -> list[Stroke]:
    """Write one character the way a hand does: never twice alike.

    Parameters
    ----------
    character : str
        A digit, or one of ``. , - = $ * #``.
    rng : Generator
        Where the chance comes from.
    variant : str, optional
        One of ``VARIANTS[character]``; by default one at random, common ones more often.

    Returns
    -------
    list of NDArray[float64], each of shape (k, 2)
        The strokes: points (x, y), y = 0 the line that digits stand on and y = 1 their top.

    Raises
    ------
    ValueError
        If no such character or variant is known.
    """
    if character not in SHAPES:
        raise ValueError(f"cannot write {character!r}: known are {' '.join(SHAPES)}")
    if variant is None:
        variant = choose_variant(character, rng)
    elif variant not in VARIANTS[character]:
        known = ", ".join(VARIANTS[character])
        raise ValueError(f"no variant {variant!r} of {character!r}: known are {known}")
    low, high = WIDTHS.get(character, OTHER_WIDTHS)
    noise = rng.standard_normal(7).clip(-2.2, 2.2).tolist()
    width = min(max(1.05 * math.exp(0.22 * noise[0]), low), high)
    sharpness = 1 - 0.7 * rng.random() ** 2
    strokes = []
    for pen in _PENS[character][variant]:
        points = _shaken(pen, rng)
        _warp(points, noise, width)
        strokes.append((sharpness * pen.sharp + (1 - sharpness) * pen.smooth) @ points)
    if rng.random() < 0.06:
        _accident(strokes, rng)
    return strokes


def choose_variant(character: str, rng: np.random.Generator) -> str:
    """Choose one of a character's variants, common ones more often.

    Parameters
    ----------
    character : str
        One of ``SHAPES``.
    rng : Generator

    Returns
    -------
    str
    """
    shares = _SHARES[character]
    number = int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))
    return VARIANTS[character][number]


def _shaken(pen: _Pen, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a stroke's control points, the stroke shifted and turned, each point shaken."""
    noise = rng.standard_normal((len(pen.points) + 3, 2))
    turn, grow = 0.035 * noise[0]
    matrix = np.array([[1 + grow, turn], [-turn, 1 + grow]])
    points: Stroke = (pen.points - pen.centre + POINT_NOISE * noise[3:]) @ matrix
    points += pen.centre + 0.015 * noise[1]
    # An end moves along its own direction: a little where it meets other ink, a lot where loose.
    points[0] += noise[2, 0] * pen.reach[0]
    points[-1] += noise[2, 1] * pen.reach[1]
    return points


def _warp(points: npt.NDArray[np.float64], noise: list[float], width: float) -> None:
    """Change, in place, a whole character's proportions: the same for all its strokes.

    Parameters
    ----------
    points : NDArray[float64], shape (n, 2)
        Control points of one stroke; overwritten.
    noise : list of 7 floats
        Standard normal numbers, clipped.
    width : float
        How many times wider than in the table.
    """
    x, y = points[:, 0], points[:, 1]
    middle = y - 0.5
    bulge = np.maximum(0.25 - middle * middle, 0.0)
    x -= 0.3
    x *= width * (1 + 0.16 * noise[1] * middle)  # the upper part wider, or the lower
    x += 0.08 * noise[2] * bulge + 0.06 * noise[3] * middle  # bent, and leaning
    x += 0.3 * width
    y += 0.2 * noise[4] * bulge  # the waist higher or lower
    y *= 1 + 0.04 * noise[5]
    y += 0.05 * noise[6] * (x - 0.3)  # rising or falling


def _accident(strokes: list[Stroke], rng: np.random.Generator) -> None:
    """Let the pen skip for a moment in one stroke, or go over the stroke's end again; in place."""
    index = int(rng.integers(len(strokes)))
    stroke = strokes[index]
    if len(stroke) < 12:
        return
    at = int(rng.integers(4, len(stroke) - 6))
    if rng.random() < 0.5:
        strokes[index : index + 1] = [stroke[:at], stroke[at + 3 :]]
    else:
        strokes.append(stroke[at:] + rng.normal(0, 0.02, 2))


def draw(
    strokes: list[Stroke], height: float, pen: float, slant: float = 0.0
) -> tuple[FloatImage, int]:
    """Ink strokes.

    Parameters
    ----------
    strokes : list of NDArray[float64], each of shape (k, 2), k >= 2
        As `write_character` returns them.
    height : float
        Pixels from y = 0 to y = 1, within ``HEIGHTS``.
    pen : float
        Width of the pen in pixels, within ``PENS``. It writes a little broader downwards.
    slant : float, default 0
        How far x moves to the right per y, within [-2, 2]; 0.3 leans to the right.

    Returns
    -------
    plane : NDArray[float64], shape (h, w)
        Ink in [0, 1], tight around it, with soft edges.
    below : int
        How many of its rows lie below the line y = 0; negative where the ink floats above it.

    Raises
    ------
    ValueError
        If a number is out of range or there is no stroke.
    """
    _check(strokes, height, pen, slant)
    points = np.concatenate(strokes) * (height, -height)
    points[:, 0] -= slant * points[:, 1]
    margin = pen * (1 + PRESSURE) / 2 + 2
    left, top = np.floor(points.min(axis=0) - margin).astype(int).tolist()
    right, bottom = np.ceil(points.max(axis=0) + margin).astype(int).tolist()
    fine = np.zeros((FINE * (bottom - top), FINE * (right - left)), np.uint8)
    ends = np.cumsum([len(stroke) for stroke in strokes])
    _ink(fine, (points - (left, top)) * FINE, ends, pen * FINE)
    soft = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    x, y, w, h = cv2.boundingRect(soft)
    plane = soft[y : y + h, x : x + w].astype(np.float64) / 255
    return plane, top + y + h


def _ink(
    fine: npt.NDArray[np.uint8],
    points: npt.NDArray[np.float64],
    ends: npt.NDArray[np.int64],
    pen: float,
) -> None:
    """Draw strokes onto a plane, in place.

    Parameters
    ----------
    fine : NDArray[uint8], shape (H, W)
        Where to draw, with 255.
    points : NDArray[float64], shape (n, 2)
        All strokes' points (x, y), in the plane's pixels.
    ends : NDArray[int64], shape (s,)
        Where in `points` each of the s strokes ends (exclusive).
    pen : float
        Width of the pen in the plane's pixels.
    """
    steps = np.diff(points, axis=0)
    down = steps[:, 1] / np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-9)
    # Asked for an even width, OpenCV fills one pixel more than that.
    widths = (2 * np.rint((pen * (1 + PRESSURE * down) - 1) / 2)).astype(int).tolist()
    pixels = np.rint(points * 8 - 4).astype(np.int32)  # eighths of a pixel, from its centre
    start = 0
    for end in ends.tolist():
        first = start
        # OpenCV draws a line of one width: a run of steps of the same width at a time.
        for last in range(start + 1, end):
            if last == end - 1 or widths[last] != widths[first]:
                part = pixels[first : last + 1]
                cv2.polylines(fine, [part], False, 255, widths[first], cv2.LINE_8, 3)
                first = last
        start = end


def _check(strokes: list[Stroke], height: float, pen: float, slant: float) -> None:
    """Raise a ValueError if ``draw`` cannot ink these."""
    if not strokes or any(stroke.ndim != 2 or len(stroke) < 2 for stroke in strokes):
        raise ValueError("nothing to draw: give strokes as write_character() returns them")
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise ValueError(f"height {height} is outside {HEIGHTS[0]} to {HEIGHTS[1]} pixels")
    if not PENS[0] <= pen <= PENS[1]:
        raise ValueError(f"pen {pen} is outside {PENS[0]} to {PENS[1]} pixels")
    if not -2 <= slant <= 2:
        raise ValueError(f"slant {slant} is outside -2 to 2: it is a shift per height")
