"""Plots on the forward pass: networks, activation functions, and the numbers in each layer."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from lessonlib.figures.base import BLUE, CLASS_MARKERS, COLORS, LINES, ORANGE, RED, curves, new

Array = npt.NDArray[Any]

LINE_MARKERS = "os^D"  # tell lines apart where colour doesn't, as LINES do


def network(sizes: Sequence[int], names: Sequence[str]) -> Figure:
    """Draw every unit of a small network as a circle and every weight as a line.

    `sizes` are the number of inputs, then the units of each layer; a name stands below each.
    """
    figure, axis = new(height=3.2)
    axis.axis("off")
    axis.set(xlim=(-0.5, len(sizes) - 0.5), ylim=(-max(sizes) / 2 - 0.6, max(sizes) / 2))
    columns = [
        [(layer, (size - 1) / 2 - unit) for unit in range(size)] for layer, size in enumerate(sizes)
    ]
    for left, right in pairwise(columns):
        for x0, y0 in left:
            for x1, y1 in right:
                axis.plot([x0, x1], [y0, y1], color="#888888", linewidth=0.8, zorder=1)
    for layer, (column, name) in enumerate(zip(columns, names, strict=True)):
        marker, color = ("s", "white") if layer == 0 else ("o", "#E8F1F8")
        x, y = zip(*column, strict=True)
        axis.scatter(x, y, s=380, marker=marker, color=color, edgecolor=BLUE, zorder=2)
        axis.text(layer, -max(sizes) / 2 - 0.1, name, ha="center", va="top", fontsize=10)
    return figure


def shapes(sizes: Sequence[int]) -> Figure:
    """Draw a forward pass as a chain of matrices, with the shape of each.

    `sizes` are the number of inputs, then the units of each layer.
    """
    figure, axis = new(height=1.9)
    axis.axis("off")
    steps = 2 * len(sizes) - 2
    axis.set(xlim=(-0.5, steps - 0.5), ylim=(-0.6, 2.2))
    last = len(sizes) - 1
    for step in range(steps):
        layer = (step + 1) // 2
        name = "$X = a_0$" if step == 0 else f"${'z' if step % 2 else 'a'}_{layer}$"
        name = f"{name}\nlogits" if layer == last else name
        _box(axis, step, 0, f"{name}\n(n, {sizes[layer]})", "#E8F1F8", BLUE)
        if step % 2:
            d_in, d_out = sizes[layer - 1], sizes[layer]
            text = f"$W_{layer}$ ({d_in}, {d_out})\n$b_{layer}$ ({d_out},)"
            _box(axis, step - 0.5, 1.6, text, "#FDF3E0", ORANGE)
            _arrow(axis, (step - 0.5, 1.2), (step - 0.5, 0.1))
        elif step:
            axis.text(step - 0.5, 0.12, "$f$", ha="center", fontsize=11)
        if step:
            _arrow(axis, (step - 0.66, 0), (step - 0.34, 0))
    return figure


def _box(axis: Any, x: float, y: float, text: str, face: str, edge: str) -> None:
    frame = {"boxstyle": "round,pad=0.35", "facecolor": face, "edgecolor": edge}
    axis.text(x, y, text, ha="center", va="center", fontsize=9, bbox=frame)


def _arrow(axis: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "->", "color": "black"})


def spaces(
    stages: Mapping[str, tuple[Array, Array]],
    labels: npt.ArrayLike,
    line: tuple[float, float, float],
    region: tuple[Array, Array, Array],
) -> Figure:
    """Draw points and a grid of lines at each stage of a layer with two units.

    Parameters
    ----------
    stages : mapping of str to two arrays
        For each panel: its title, the points (n, 2), and the lines (count, samples, 2).
    labels : int array, shape (n,)
        0 or 1, which gives each point its colour and marker.
    line : three floats
        u, v, w of the boundary u x + v y + w = 0 in the last panel.
    region : three arrays, shape (rows, columns)
        x, y and a score. The first panel is shaded where the score is positive.
    """
    classes = np.asarray(labels)
    figure, axes = new(columns=len(stages), height=2.7)
    for axis, (title, (points, lines)) in zip(axes, stages.items(), strict=True):
        for path in lines:
            axis.plot(*path.T, color="#999999", linewidth=0.7, zorder=1)
        for k, (marker, color) in CLASS_MARKERS.items():
            axis.scatter(*points[classes == k].T, s=14, color=color, marker=marker, zorder=2)
        axis.set_title(title)
        axis.set_aspect("equal")
        axis.grid(visible=False)
    shades = {"levels": [-0.5, 0.5, 1.5], "cmap": ListedColormap(["w", "#FCEBC8"]), "zorder": 0}
    axes[0].contourf(*region[:2], region[2] > 0, **shades)
    limits = axes[-1].get_xlim(), axes[-1].get_ylim()
    u, v, w = line
    x = np.array(limits[0])
    axes[-1].plot(x, -(u * x + w) / v, "--", color="black", linewidth=1.5)
    axes[-1].set(xlim=limits[0], ylim=limits[1])
    return figure


def activations(z: Array, functions: Mapping[str, tuple[Array, Array]]) -> Figure:
    """Draw activation functions and their derivatives, a panel for each.

    For each name, there are the values and the slopes at `z`, all of shape (n,). At most four
    functions fit well.
    """
    figure, axes = new(columns=2, rows=-(-len(functions) // 2), height=2.2, squeeze=False)
    for axis, (name, (values, slopes)) in zip(axes.flat, functions.items(), strict=True):
        axis.plot(z, values, "-", color=BLUE, linewidth=2, label="$f(z)$")
        axis.plot(z, slopes, "--", color=RED, linewidth=2, label="$f'(z)$")
        axis.set(title=name, ylim=(-1.3, 2.3), xlabel="z")
        axis.legend(loc="upper left")
    return figure


def spread_by_layer(panels: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Draw the root mean square of the activations by layer, and name each line at its end.

    Each line has, by its panel's title and its own name, a positive number for each layer, from
    layer 0, the input. The axis is logarithmic if a number is above 2.
    """
    figure, axes = new(columns=len(panels), height=3.4, squeeze=False)
    for axis, (title, lines) in zip(axes[0], panels.items(), strict=True):
        for i, (name, values) in enumerate(lines.items()):
            axis.plot(values, LINES[i] + LINE_MARKERS[i], color=COLORS[i], markersize=5)
            last = (len(values) - 1, values[-1])
            offset = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
            axis.annotate(name, last, **offset)
        axis.set(title=title, xlabel="layer", xticks=range(0, len(values), 2))
        axis.set_xlim(-0.5, 1.25 * len(values))
        if max(max(values) for values in lines.values()) > 2:
            axis.set_yscale("log")
    axes[0, 0].set_ylabel("root mean square of $a$")
    return figure


def histograms(rows: Mapping[str, Mapping[str, Array]], limits: tuple[float, float]) -> Figure:
    """Draw histograms in rows and columns, each scaled to its own highest bar.

    Each histogram has, by its row's name and its column's, an array of any shape. Numbers outside
    `limits`, the ends of the horizontal axis, are not shown.
    """
    figure, axes = new(
        columns=len(next(iter(rows.values()))), rows=len(rows), height=1.5, sharex=True
    )
    for i, (row, (name, columns)) in enumerate(zip(axes, rows.items(), strict=True)):
        for axis, (title, values) in zip(row, columns.items(), strict=True):
            axis.hist(np.ravel(values), bins=31, range=limits, color=COLORS[i])
            axis.set(yticks=[], title=title if i == 0 else "")
        row[0].set_ylabel(name)
    return figure


def probabilities(panels: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the probabilities of classes 0, 1, 2, ... as bars, a panel for each name.

    Each panel has its title, and numbers that sum to 1.
    """
    figure, axes = new(columns=len(panels), height=2.2, sharey=True)
    for axis, (title, values) in zip(axes, panels.items(), strict=True):
        drawn = axis.bar(range(len(values)), values, color=BLUE)
        axis.bar_label(drawn, fmt="{:.2f}", padding=2, fontsize=9)
        axis.set(title=title, xlabel="class", xticks=range(len(values)), ylim=(0, 1.12))
        axis.grid(visible=False)
    axes[0].set_ylabel("probability")
    return figure


def approximation(
    x: Array,
    target: Array,
    fits: Mapping[str, Array],
    units: Sequence[int],
    errors: Mapping[str, Sequence[float]],
) -> Figure:
    """Draw a curve with its approximations, and beside them the errors by the number of units.

    Parameters
    ----------
    x, target : arrays, shape (n,)
        The curve.
    fits : mapping of str to array of shape (n,)
        Approximations at `x`.
    units, errors : sequence of int, mapping of str to sequence of float
        Numbers of units, and for each name a positive error for each of them.
    """
    figure, (left, right) = new(columns=2, height=3.2)
    left.plot(x, target, color="black", linewidth=3, alpha=0.3, label="the curve")
    for i, (name, values) in enumerate(fits.items()):
        left.plot(x, values, LINES[i], color=COLORS[i], label=name)
    left.set(xlabel="x", ylabel="g(x)")
    left.legend(fontsize=9)
    curves(errors, "hidden units", "largest error", x=units, axis=right)
    right.set(xscale="log", yscale="log", xticks=units, xticklabels=[str(u) for u in units])
    right.minorticks_off()
    return figure
