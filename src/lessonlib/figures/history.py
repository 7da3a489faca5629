"""Plots on history: a unit's line in the plane, a hidden layer's view of it, a timeline."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from lessonlib.figures.base import BLUE, CLASS_MARKERS, LINES, new


class Plane(NamedTuple):
    """One panel of `planes`: examples of two classes, and the line of a unit.

    Attributes
    ----------
    title : str
        The text above.
    X, y : arrays, shapes (n, 2) and (n,)
        The examples, and their labels, 0 or 1.
    w, b : array of shape (2,), float
        The unit fires where x·w + b >= 0.
    before : tuple of w and b, optional
        Another unit, whose line is dashed.
    marked : int, optional
        The row of the example that gets a ring around it.
    """

    title: str
    X: npt.NDArray[Any]
    y: npt.NDArray[Any]
    w: npt.NDArray[Any]
    b: float
    before: tuple[npt.NDArray[Any], float] | None = None
    marked: int | None = None


def planes(panels: Sequence[Plane], columns: int = 4) -> Figure:
    """Draw panels with examples and a unit's line, and shade the side where the unit fires.

    All have the same frame, which fits the examples of all of them; `columns` stand in a row.

    Examples
    --------
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 0, 0, 1])
    >>> figure = planes([Plane("AND", X, y, w=np.array([1, 1]), b=-1.5)])
    """
    rows = -(-len(panels) // columns)
    figure, axes = new(columns, rows, 7.2 / columns + 0.15, squeeze=False)
    points = np.vstack([panel.X for panel in panels])
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    for axis, panel in zip(axes.flat, panels, strict=False):
        _frame(axis, points)
        _cut(axis, panel.w, panel.b)
        if panel.before is not None:
            _line(axis, *panel.before, color="#666666", linestyle="--")
        _scatter(axis, panel.X, panel.y)
        if panel.marked is not None:
            x1, x2 = panel.X[panel.marked]
            axis.plot(x1, x2, "o", markersize=15, markerfacecolor="none", markeredgecolor="black")
        axis.set_title(panel.title)
    return figure


def folded(
    X: npt.NDArray[Any],
    a: npt.NDArray[Any],
    y: npt.NDArray[Any],
    hidden: Mapping[str, tuple[npt.NDArray[Any], float]],
    output: tuple[npt.NDArray[Any], float],
) -> Figure:
    """Draw the inputs with the hidden units' lines, and the hidden layer's answers.

    Parameters
    ----------
    X, a, y : arrays, shapes (n, 2), (n, 2) and (n,)
        The inputs, the hidden layer's answers and the labels, all of them 0 or 1.
    hidden : mapping of str to (w, b)
        Name and weights of the two hidden units.
    output : tuple of w and b
        The unit whose inputs are the hidden layer's answers.
    """
    figure, (left, right) = new(2, 1, 3.6)
    for axis, points, names in ((left, X, ("$x_1$", "$x_2$")), (right, a, tuple(hidden))):
        _frame(axis, points)
        axis.set(xticks=(0, 1), yticks=(0, 1), xlabel=names[0], ylabel=names[1])
    for (name, unit), style in zip(hidden.items(), LINES, strict=False):
        _line(left, *unit, color="black", linestyle=style, label=f"line of {name}")
    _cut(right, *output)
    for axis, points in ((left, X), (right, a)):
        _scatter(axis, points, y, size=70)
    for place in np.unique(a, axis=0):
        inputs = [f"({x[0]:g}, {x[1]:g})" for x in X[(place == a).all(axis=1)]]
        right.annotate(
            " and ".join(inputs),
            place,
            (0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=10,
        )
    left.set_title("the inputs")
    left.legend(loc="center", fontsize=10)
    right.set_title("what the hidden layer makes of them")
    return figure


def timeline(events: Sequence[tuple[int, str]]) -> Figure:
    """Draw years down the page, with the events alternately to the left and to the right.

    The events, each a year and a text of one or two lines, come in order of time.
    """
    first, last = events[0][0], events[-1][0]
    gap = (last - first) / 10.5  # the height of a label of two lines, in years
    figure, axis = new(height=8.2)
    axis.axis("off")
    axis.set(xlim=(-1, 1), ylim=(last + gap / 2, first - gap / 2))
    axis.plot((0, 0), (first, last), color="black", linewidth=2)
    for side in (0, 1):
        own = events[side::2]
        heights = _spread([float(year) for year, _ in own], gap)
        direction, align, color = ((-1, "right", BLUE), (1, "left", "#9A6A00"))[side]
        for (year, text), height in zip(own, heights, strict=True):
            axis.plot((0, direction * 0.1), (year, height), color=color, linewidth=1)
            axis.plot(0, year, "os"[side], color=color, markersize=7)
            label = f"$\\bf{{{year}}}$ {text}"
            axis.text(direction * 0.12, height, label, ha=align, va="center", fontsize=13)
    return figure


def _spread(places: list[float], gap: float) -> list[float]:
    """Move places apart as little as possible, until neighbours are at least `gap` apart."""
    for _ in range(1000):
        for i in range(len(places) - 1):
            short = gap - (places[i + 1] - places[i])
            if short > 1e-6:
                places[i] -= short / 2
                places[i + 1] += short / 2
    return places


def _frame(axis: Any, points: npt.NDArray[Any]) -> None:
    """Show a square around the points, without numbers."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = 0.7 * (high - low).max()
    (x1, x2) = (low + high) / 2
    axis.set(xlim=(x1 - half, x1 + half), ylim=(x2 - half, x2 + half))
    axis.set(xticks=(), yticks=(), aspect="equal")


def _scatter(axis: Any, X: npt.NDArray[Any], y: npt.NDArray[Any], size: float = 30) -> None:
    for label, (marker, color) in CLASS_MARKERS.items():
        axis.scatter(
            *X[y == label].T,
            size,
            color,
            marker=marker,
            edgecolors="black",
            linewidths=0.7,
            zorder=3,
        )


def _cut(axis: Any, w: npt.NDArray[Any], b: float) -> None:
    """Shade where the unit fires, and draw its line."""
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    x1, x2 = np.meshgrid(np.linspace(left, right, 300), np.linspace(low, high, 300))
    z = w[0] * x1 + w[1] * x2 + b
    axis.contourf(x1, x2, z >= 0, levels=(0.5, 1.5), colors=["#FBE8C3"], zorder=0)
    _line(axis, w, b, color="black")


def _line(axis: Any, w: npt.NDArray[Any], b: float, **style: Any) -> None:
    """Draw the line x·w + b = 0; draw nothing if the weights are all 0."""
    if np.any(w):
        foot = -b * w / (w @ w)  # the point of the line nearest to the origin
        axis.axline(foot, foot + np.array([-w[1], w[0]]), **style)
