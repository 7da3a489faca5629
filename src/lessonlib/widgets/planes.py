"""Pictures of planes with two classes, for stills: the Python side of base.js's `makePlane`."""

import html
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

Place = tuple[float, float]
Lines = list[list[Place]]  # each a list of places, joined by straight pieces
Value = Callable[[float, float], float]
SIDE = 240  # of the square, in the picture's units; the axes take the rest of 280


class Frame(NamedTuple):
    """What a picture shows of the plane."""

    left: float
    right: float
    low: float
    high: float


def side(value: Value, frame: Frame, cells: int = 60, every: int = 5) -> tuple[Lines, Lines]:
    """Find where a function of the plane is 0 or more.

    The frame is cut into cells, and each cell by its rising diagonal into two triangles, in which
    the function is taken to be linear. So a straight border is exact, a bent one nearly so.

    Parameters
    ----------
    value : callable
        The function of x_1 and x_2.
    frame : Frame
        Where to look.
    cells : int
        Cells along each side.
    every : int
        How many diagonals there are from one hatching line to the next.

    Returns
    -------
    border, hatch : list of lists of places
        The border of that side, in pieces, and the lines that hatch it.
    """
    nodes = []
    for i in range(cells + 1):
        x_1 = frame.left + (frame.right - frame.left) * i / cells
        heights = [frame.low + (frame.high - frame.low) * j / cells for j in range(cells + 1)]
        nodes.append([(x_1, x_2, value(x_1, x_2)) for x_2 in heights])
    border = []
    for i in range(cells):
        for j in range(cells):
            for corner in (nodes[i + 1][j], nodes[i][j + 1]):
                ends = _crossings([nodes[i][j], corner, nodes[i + 1][j + 1], nodes[i][j]])
                border += [ends] if ends else []
    hatch = []
    for d in range(every - cells, cells, every):
        diagonal = [nodes[i][i - d] for i in range(max(0, d), cells + 1 + min(0, d))]
        ends = _crossings(diagonal)
        if diagonal[0][2] >= 0:
            ends.insert(0, diagonal[0][:2])
        if len(ends) % 2:
            ends.append(diagonal[-1][:2])
        hatch += [ends[k : k + 2] for k in range(0, len(ends), 2)]
    return border, hatch


def _crossings(chain: Sequence[tuple[float, float, float]]) -> list[Place]:
    """Find the places along a chain of nodes at which a function changes its side."""
    places = []
    for (p_1, p_2, p), (q_1, q_2, q) in pairwise(chain):
        if (p >= 0) != (q >= 0):
            share = p / (p - q)
            places.append((p_1 + share * (q_1 - p_1), p_2 + share * (q_2 - p_2)))
    return places


def picture(
    label: str,
    frame: Frame,
    points: Sequence[tuple[float, float, int]],
    names: tuple[str, str] = ("x₁", "x₂"),
    value: Value | None = None,
    guides: Sequence[Sequence[Place]] = (),
    size: float = 10,
) -> str:
    """Draw examples of two classes and the hatched side of class 1, as SVG.

    Parameters
    ----------
    label : str
        What it shows, in words.
    frame : Frame
        What is seen of the plane.
    points : sequence of (x_1, x_2, class)
        The examples, of class 0 or 1. Those on the wrong side get a ring.
    names : tuple of str
        Of the two axes.
    value : callable, optional
        A function of the plane which is 0 or more on the side of class 1.
    guides : sequence of lists of places
        Thin lines.
    size : float
        Of a point.
    """

    def spot(x: Place) -> Place:
        across = (x[0] - frame.left) / (frame.right - frame.left)
        down = (frame.high - x[1]) / (frame.high - frame.low)
        # Adding 0 makes a 0 of −0.
        return round(34 + SIDE * across, 1) + 0.0, round(6 + SIDE * down, 1) + 0.0

    def path(kind: str, color: str, lines: Sequence[Sequence[Place]]) -> str:
        drawn = "".join(
            "M" + "L".join(f"{x:g} {y:g}" for x, y in map(spot, line)) for line in lines
        )
        return f'<path class="ll-{kind}" fill="none" stroke="{color}" d="{drawn}"/>'

    border, hatch = side(value, frame) if value else ([], [])
    parts = [
        f'<svg class="ll-plane" viewBox="0 0 280 280" role="img" '
        f'aria-label="{html.escape(label)}">',
        path("hatch", "#d9a37f", hatch),
        path("guide", "#999999", guides),
        path("border", "#333333", border),
    ]
    for x_1, x_2, y in points:
        x, down = spot((x_1, x_2))
        if value and (value(x_1, x_2) >= 0) != y:
            parts.append(
                f'<circle class="ll-wrong" cx="{x:g}" cy="{down:g}" r="{size:g}" fill="none" '
                'stroke="#333333"/>'
            )
        parts.append(
            f'<rect class="ll-class1" x="{x - size / 2:g}" y="{down - size / 2:g}" '
            f'width="{size:g}" height="{size:g}" '
            'fill="#b34700"/>'
            if y
            else f'<circle class="ll-class0" cx="{x:g}" cy="{down:g}" '
            f'r="{0.55 * size:g}" fill="#0072b2"/>'
        )
    parts += [
        f'<rect class="ll-frame" x="34" y="6" width="{SIDE}" height="{SIDE}" fill="none" '
        'stroke="#999999"/>',
        f'<text class="ll-axis" x="154" y="270" text-anchor="middle">{names[0]}</text>',
        f'<text class="ll-axis" x="4" y="13">{names[1]}</text>',
        "</svg>",
    ]
    return "".join(parts)


def row(figures: Sequence[tuple[str, str]]) -> str:
    """Put pictures side by side, each a pair of SVG and the text below it."""
    return (
        '<div class="ll-planes">'
        + "".join(f"<figure>{svg}<figcaption>{text}</figcaption></figure>" for svg, text in figures)
        + "</div>"
    )
