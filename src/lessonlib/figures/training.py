"""Plots on training: what was learned, the course of training runs, and what settings do."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from lessonlib.figures.base import BLUE, ORANGE, curves, new

SIGNED = LinearSegmentedColormap.from_list("signed", [ORANGE, "white", BLUE])


def weight_images(weights: npt.ArrayLike, titles: Sequence[object], columns: int = 10) -> Figure:
    """Show weights as images: blue where they are positive, orange where negative, white at 0.

    The weights have the shape (n, height, width), and share one scale, which a bar at the right
    shows; there is a title for each image.

    Examples
    --------
    >>> figure = weight_images([[[1, 0], [0, -2]], [[0, 1], [1, 0]]], titles=["0", "1"])
    >>> [axis.get_title() for axis in figure.axes[:2]]
    ['0', '1']
    """
    array = np.asarray(weights)
    rows = -(-len(array) // columns)
    figure, axes = new(columns, rows, 7.2 / columns + 0.3, squeeze=False)
    largest = max(float(np.abs(array).max()), 1e-9)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, array, titles, strict=False):
        drawn = axis.imshow(image, cmap=SIGNED, vmin=-largest, vmax=largest)
        axis.set_title(str(title), pad=3)
    figure.colorbar(drawn, ax=axes, aspect=10, pad=0.01).ax.tick_params(labelsize=8)
    return figure


def by_setting(
    settings: Sequence[float], series: Mapping[str, Sequence[float]], xlabel: str, ylabel: str
) -> Figure:
    """Draw one line for each series against the settings that were tried, on a logarithmic axis.

    Examples
    --------
    >>> figure = by_setting([250, 4_000], {"MLP": [0.87, 0.95]}, "training images", "accuracy")
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['250', '4,000']
    """
    figure = curves(series, xlabel, ylabel, x=settings)
    axis = figure.axes[0]
    axis.set(xscale="log", xticks=settings, xticklabels=[f"{value:,g}" for value in settings])
    axis.minorticks_off()
    return figure


def training_curves(
    loss: Mapping[str, Sequence[float]], accuracy: Mapping[str, Sequence[float]]
) -> Figure:
    """Draw loss and accuracy by epoch, side by side.

    Each name, for example "training" or "validation", has one value per epoch.
    """
    figure, (left, right) = new(columns=2)
    curves(loss, "epoch", "loss", axis=left)
    curves(accuracy, "epoch", "accuracy", axis=right)
    for axis in (left, right):
        axis.xaxis.get_major_locator().set_params(integer=True)
    return figure
