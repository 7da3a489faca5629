"""Plots on gradient descent: paths downhill, and the regions that a network has learned."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from lessonlib.figures.base import CLASS_MARKERS, COLORS, LINES, new

Array = npt.NDArray[Any]
REGION_COLORS = ("#DCEBF5", "#FCE8D5")  # the regions of two classes


def descents(
    loss: Callable[[Array, Array], Array],
    panels: Mapping[str, Mapping[str, Array]],
    levels: Sequence[float],
) -> Figure:
    """Draw the contour lines of a loss of two weights, and paths to its minimum at (0, 0).

    Parameters
    ----------
    loss : callable
        A function of two arrays of the same shape, the first and the second weight.
    panels : mapping of str to mapping of str to array, shape (steps, 2)
        For each panel, from the left: its title, and names and paths.
    levels : sequence of float
        The losses for which contour lines are drawn.
    """
    figure, axes = new(columns=len(panels), height=2.5, sharey=True, squeeze=False)
    grid = np.meshgrid(np.linspace(-10, 4, 141), np.linspace(-3.5, 3.5, 141))
    for axis, (title, paths) in zip(axes[0], panels.items(), strict=True):
        axis.contour(*grid, loss(*grid), levels=levels, colors="#AAAAAA", linewidths=0.8)
        for (name, path), color, line in zip(paths.items(), COLORS, LINES, strict=False):
            axis.plot(*path.T, line, color=color, marker="o", markersize=3, label=name)
        axis.plot(0, 0, "*", color="black", markersize=10)
        axis.set(title=title, xlabel="$w_1$", xlim=(-10, 4), ylim=(-3.5, 3.5))
        axis.grid(visible=False)
        if len(paths) > 1:
            axis.legend(loc="lower left", fontsize=9)
    axes[0, 0].set_ylabel("$w_2$")
    return figure


def regions(
    networks: Mapping[str, Callable[[Array], Array]], X: Array, y: Sequence[int] | Array
) -> Figure:
    """Shade the regions where networks answer 0, hatch those where they answer 1, mark examples.

    Parameters
    ----------
    networks : mapping of str to callable
        For each panel's title: a function from inputs (n, 2) to answers (n,), each 0 or 1.
    X, y : arrays, shapes (n, 2) and (n,)
        The examples and their labels: 0 is a round mark, 1 a square one.
    """
    figure, axes = new(columns=len(networks), height=2.7, squeeze=False)
    ticks = np.linspace(X.min() - 0.5, X.max() + 0.5, 161)
    points = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    for axis, (title, network) in zip(axes[0], networks.items(), strict=True):
        answers = network(points.reshape(-1, 2)).reshape(points.shape[:2])
        axis.contourf(
            ticks,
            ticks,
            answers,
            levels=[-0.5, 0.5, 1.5],
            cmap=ListedColormap(list(REGION_COLORS)),
            hatches=(None, "//"),
        ).set_edgecolor("#E3B48C")
        for label, (marker, color) in CLASS_MARKERS.items():
            axis.scatter(
                *X[np.asarray(y) == label].T,
                s=60,
                marker=marker,
                color=color,
                edgecolors="black",
                linewidths=0.7,
                zorder=2,
            )
        axis.set(title=title, xlabel="$x_1$", xticks=(0, 1), yticks=(0, 1), aspect="equal")
        axis.grid(visible=False)
    axes[0, 0].set_ylabel("$x_2$")
    return figure
