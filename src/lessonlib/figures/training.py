"""Plots on training: the course of training runs, and their cost in time."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from lessonlib.figures.base import curves, new


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


def cost_by_size(sizes: Sequence[int], microseconds: Sequence[float]) -> Figure:
    """Draw the time per image against the batch size, both axes logarithmic."""
    figure = curves({"step": microseconds}, "images in a batch", "microseconds per image", x=sizes)
    axis = figure.axes[0]
    axis.set(xscale="log", yscale="log", xticks=sizes, xticklabels=[f"{size:,}" for size in sizes])
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    return figure
