"""The interactive piece of the chapter on the forward pass."""

import math
from random import Random

from lessonlib.widgets.base import Piece
from lessonlib.widgets.planes import Frame, Place, picture, row

Point = tuple[float, float, int]  # x_1, x_2 and the class
WHY = {
    "AND": "AND: class 1 where both inputs are large. One line cuts this corner off, so one unit "
    "is enough.",
    "XOR": "XOR: class 1 where exactly one input is large. One line gets three corners right; two "
    "lines can cut off two opposite corners.",
    "two moons": "Two moons: each reaches into the other's bend, so the border has to bend twice.",
    "ring": "Ring: class 1 is surrounded by class 0, so the border has to close.",
}
# A network that does XOR: its columns are OR and NAND, and its output is their AND.
W_1, B_1 = ((2.0, -2.0), (2.0, -2.0)), (2.0, 2.0)
W_2, B_2 = (1.0, 1.0), -1.0


def _points(name: str) -> list[Point]:
    """Make the examples of one set, the same on every machine."""
    random = Random(1)  # Python keeps the numbers of `random` the same in all its versions

    def near(x_1: float, x_2: float, away: float, y: int) -> Point:
        moved = [round(x + away * (2 * random.random() - 1), 2) for x in (x_1, x_2)]
        return moved[0], moved[1], y

    def around(radius: float, turns: float) -> Place:
        return radius * math.cos(math.tau * turns), radius * math.sin(math.tau * turns)

    if name in ("AND", "XOR"):
        classes = (0, 0, 0, 1) if name == "AND" else (0, 1, 1, 0)
        corners = ((-0.8, -0.8), (-0.8, 0.8), (0.8, -0.8), (0.8, 0.8))
        return [
            near(x_1, x_2, 0.3, y)
            for (x_1, x_2), y in zip(corners, classes, strict=True)
            for _ in range(8)
        ]
    if name == "two moons":
        upper = [around(0.85, k / 38) for k in range(20)]
        return [near(x_1 - 0.4, x_2 - 0.3, 0.1, 0) for x_1, x_2 in upper] + [
            near(0.4 - x_1, 0.3 - x_2, 0.1, 1) for x_1, x_2 in upper
        ]
    inner = [near(*around(0.1 + 0.1 * (k % 4), 5 * k / 12), 0.05, 1) for k in range(12)]
    return inner + [near(*around(1.15, k / 28), 0.1, 0) for k in range(28)]


def _folded(x_1: float, x_2: float) -> Place:
    """Compute the two hidden units' outputs of the network above."""
    a = [math.tanh(x_1 * W_1[0][k] + x_2 * W_1[1][k] + B_1[k]) for k in (0, 1)]
    return a[0], a[1]


def _lead(a_1: float, a_2: float) -> float:
    """Compute its output from these: 0 on the border, more on the side of class 1."""
    return a_1 * W_2[0] + a_2 * W_2[1] + B_2


def grow_a_layer() -> Piece:
    """Train a small network in the page, and see how its hidden layer folds the plane.

    Returns
    -------
    Piece
        Shows as HTML at the end of a cell.
    """
    sets = [{"name": name, "why": why, "points": _points(name)} for name, why in WHY.items()]
    points = _points("XOR")
    frame = Frame(-1.5, 1.5, -1.5, 1.5)
    at = [k / 16 - 1.5 for k in range(49)]
    net = [[_folded(x_1, x_2) for x_2 in at] for x_1 in at[::6]]
    net += [[_folded(x_1, x_2) for x_1 in at] for x_2 in at[::6]]
    plane = picture(
        "XOR in the plane: a band between two lines is the side of class 1",
        frame,
        points,
        value=lambda x_1, x_2: _lead(*_folded(x_1, x_2)),
        size=7,
    )
    space = picture(
        "The two hidden units' outputs: one straight line divides the classes",
        Frame(-1.2, 1.2, -1.2, 1.2),
        [(*_folded(x_1, x_2), y) for x_1, x_2, y in points],
        ("a₁", "a₂"),
        _lead,
        net,
        size=7,
    )
    still = row(
        [
            (
                plane,
                "XOR in the plane. Hatched: a network with two hidden units answers 1.",
            ),
            (space, "Its two hidden units' outputs: here the border is straight."),
        ]
    )
    return Piece(
        "grow_a_layer",
        "growALayer",
        "Grow a layer",
        "One hidden unit, trained on XOR, draws one line: three of the four corners are right. Two "
        "units draw two lines and fold the plane, so that one straight line divides their outputs. "
        "A ring needs three.",
        still,
        {"sets": sets, "first": "XOR"},
    )
