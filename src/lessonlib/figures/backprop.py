"""Plots on backpropagation: values and gradients in the graph of a computation."""

from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy.typing as npt
from matplotlib.figure import Figure

from lessonlib.figures.base import BLUE, RED, new

Array = npt.NDArray[Any]


class Node(NamedTuple):
    """One box of `two_passes`, with the value that the forward pass computes in it.

    Its middle is at (x, y); boxes are about 1.2 wide and 0.8 high. The gradient, if given, is the
    derivative of the loss by the value.
    """

    x: float
    y: float
    name: str
    value: float
    gradient: float | None = None


def two_passes(
    nodes: Mapping[str, Node], edges: Mapping[tuple[str, str], str], height: float = 3.8
) -> Figure:
    """Draw a graph with values (blue, →) and gradients (red, ←) in its boxes.

    Parameters
    ----------
    nodes : mapping of str to Node
        The boxes, by the names that `edges` uses.
    edges : mapping of (str, str) to str
        For each arrow, its start and end, and the text beside it: one line, or two with a gradient
        in the second. Empty for an arrow without text.
    height : float
        The figure's height in inches.

    Examples
    --------
    >>> nodes = {"a": Node(0, 0, "$a$", 3, gradient=6), "L": Node(3, 0, "$a^2$", 9)}
    >>> figure = two_passes(nodes, {("a", "L"): ""}, height=1.5)
    """
    figure, axis = new(height=height)
    axis.axis("off")
    xs, ys = [n.x for n in nodes.values()], [n.y for n in nodes.values()]
    axis.set(xlim=(min(xs) - 0.6, max(xs) + 0.8), ylim=(min(ys) - 0.6, max(ys) + 0.6))
    boxes = {name: _box(axis, node) for name, node in nodes.items()}
    for (start, end), text in edges.items():
        arrow = {"arrowstyle": "->", "color": "#888888", "shrinkA": 2, "shrinkB": 2}
        ends = {"patchA": boxes[start], "patchB": boxes[end]}
        a, b = nodes[start], nodes[end]
        axis.annotate("", (b.x, b.y), (a.x, a.y), arrowprops=arrow | ends)
        _label(axis, a, b, text)
    return figure


def worked_network(values: Mapping[str, float], gradients: Mapping[str, float]) -> Figure:
    """Draw the 2-2-1 network that is worked by hand, with every value and every gradient.

    Both mappings hold x_1, x_2, z_A, z_B, a_A, a_B, z_C, L, and the weights w_1A, w_1B, w_2A, w_2B,
    w_AC and w_BC. `values` also holds the biases b_A, b_B and b_C.
    """
    places = {"x_1": (0, 2), "z_A": (2.9, 2), "a_A": (4.7, 2), "z_C": (7.5, 1), "L": (9.3, 1)}
    places |= {"x_2": (0, 0), "z_B": (2.9, 0), "a_B": (4.7, 0)}
    nodes = {}
    for name, place in places.items():
        label = _symbol(name)
        if name[0] == "z":
            label += f" ({_symbol('b' + name[1:])} = {_number(values['b' + name[1:]])})"
        nodes[name] = Node(*place, label, values[name], gradients[name])
    edges = {("z_A", "a_A"): "", ("z_B", "a_B"): "", ("z_C", "L"): ""}
    for start, end in (*product(("x_1", "x_2"), ("z_A", "z_B")), ("a_A", "z_C"), ("a_B", "z_C")):
        weight = f"w_{start[2]}{end[2]}"
        edges[start, end] = (
            f"{_symbol(weight)} = {_number(values[weight])}\n← {_number(gradients[weight])}"
        )
    return two_passes(nodes, edges)


def _symbol(name: str) -> str:
    letter, _, index = name.partition("_")
    return f"${letter}_{{{index}}}$" if index else f"${letter}$"


def _box(axis: Any, node: Node) -> Any:
    """Draw a node, and return its frame: arrows end at it."""
    lines = [(node.name, "black"), (f"→ {_number(node.value)}", BLUE)]
    if node.gradient is not None:
        lines.append((f"← {_number(node.gradient)}", RED))
    frame = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "#555555"}
    characters = len(node.name.translate({ord(sign): None for sign in "${}_"}))
    blank = "\n".join(" " * max(10, 2 * characters) for _ in lines)
    box = axis.text(
        node.x, node.y, blank, ha="center", va="center", bbox=frame, fontsize=11, linespacing=1.3
    )
    for i, (text, color) in enumerate(lines):
        offset = (0, 16 * ((len(lines) - 1) / 2 - i))
        axis.annotate(
            text,
            (node.x, node.y),
            offset,
            textcoords="offset points",
            ha="center",
            va="center",
            color=color,
            fontsize=11,
        )
    return box.get_bbox_patch()


def _label(axis: Any, start: Node, end: Node, text: str) -> None:
    """Write beside an arrow; nearer to its start where arrows may cross."""
    share = 0.44 if start.y == end.y else 0.36
    place = (start.x + share * (end.x - start.x), start.y + share * (end.y - start.y))
    lines = text.split("\n") if text else []
    for i, (line, color) in enumerate(zip(lines, (BLUE, RED), strict=False)):
        axis.annotate(
            line,
            place,
            (0, 17 * ((len(lines) - 1) / 2 - i)),
            textcoords="offset points",
            ha="center",
            va="center",
            color=color,
            fontsize=11,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
