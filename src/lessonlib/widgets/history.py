"""The interactive piece of the chapter on history."""

from functools import partial

from lessonlib.widgets.base import Piece
from lessonlib.widgets.planes import Frame, picture, row

POINTS = ((0, 0), (0, 1), (1, 0), (1, 1))
# For each set: the classes, how many of them a line can get right, and why.
PRESETS = {
    "AND": (
        (0, 0, 0, 1),
        4,
        "AND: only (1, 1) is in class 1. It is a corner of the square, and a line can cut it off.",
    ),
    "OR": (
        (0, 1, 1, 1),
        4,
        "OR: only (0, 0) is in class 0. It is a corner of the square, and a line can cut it off.",
    ),
    "XOR": (
        (0, 1, 1, 0),
        3,
        "XOR: each class sits on a diagonal of the square. The diagonals cross in the middle, "
        "which would have to be on both sides of the line.",
    ),
}
# One of the best units for each: w_1, w_2 and b.
BEST = {"AND": (1, 1, -1.5), "OR": (1, 1, -0.5), "XOR": (1, 1, -0.5)}


def _sum(w_1: float, w_2: float, b: float, x_1: float, x_2: float) -> float:
    return w_1 * x_1 + w_2 * x_2 + b


def turn_a_line() -> Piece:
    """Turn and move a line by hand, and try to divide four points of two classes with it.

    Returns
    -------
    Piece
        Shows as HTML at the end of a cell.
    """
    figures = []
    for name, (labels, most, _) in PRESETS.items():
        points = [(*x, y) for x, y in zip(POINTS, labels, strict=True)]
        label = f"{name}: a line with {most} of the 4 points on their right sides"
        svg = picture(label, Frame(-0.5, 1.5, -0.5, 1.5), points, value=partial(_sum, *BEST[name]))
        figures.append((svg, f"{name}: at most {most} of 4 right"))
    reasons = "".join(f"<li>{why}</li>" for *_, why in PRESETS.values())
    presets = {
        name: {"labels": labels, "best": most, "why": why}
        for name, (labels, most, why) in PRESETS.items()
    }
    return Piece(
        "turn_a_line",
        "turnALine",
        "Turn a line",
        "Four points and a line that stands upright between them. On its hatched side the unit "
        "answers 1. Three of the four points of AND are right; (1, 0) is wrong. A line can be "
        "turned until it divides AND or OR. Of XOR it gets three points right at most.",
        f"{row(figures)}<p>Hatched: the unit answers 1. Ringed: wrong.</p><ul>{reasons}</ul>",
        {"points": POINTS, "presets": presets, "preset": "AND", "angle": 0, "offset": 0},
    )
