"""Plots on evaluation: a network's answers, how sure it is of them, and how often it is right."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from lessonlib.figures.base import BLUE, COLORS, LINES, RED, SKY, new

if TYPE_CHECKING:  # evaluation imports torch, and no figure needs torch
    from lessonlib.evaluation import RejectCurve, Reliability

# The values of a curve's points along the horizontal axis, and those along the vertical one.
Curve = tuple[npt.ArrayLike, npt.ArrayLike]


def answers(
    images: npt.ArrayLike, probabilities: npt.ArrayLike, titles: Sequence[str] | None = None
) -> Figure:
    """Show images, and below each the probabilities of the digits, the largest in another colour.

    Parameters
    ----------
    images, probabilities : arrays, shapes (n, 28, 28) and (n, 10)
        At most five fit side by side.
    titles : sequence of str, optional
        One for each image.
    """
    pictures, p = np.asarray(images), np.asarray(probabilities)
    figure, axes = new(len(p), 2, height=1.7, squeeze=False, sharey="row")
    for i, (above, below) in enumerate(axes.T):
        above.imshow(pictures[i], vmin=0, vmax=255)
        above.set(xticks=[], yticks=[])
        above.spines[:].set(visible=True, color="#BBBBBB")
        colors = np.where(np.arange(10) == p[i].argmax(), RED, BLUE)
        below.bar(range(10), p[i], color=colors)
        below.set(ylim=(0, 1), xlabel=f"{p[i].argmax()} at {p[i].max():.1%}")
        below.set_xticks(range(10), range(10), fontsize=9)
        below.grid(visible=False, axis="x")
        if titles is not None:
            above.set_title(titles[i])
    axes[1, 0].set_ylabel("probability")
    return figure


def confusion(matrix: npt.ArrayLike) -> Figure:
    """Draw a confusion matrix: a row for each true digit, a column for each answer.

    Only the mistakes are coloured: the counts of right answers are so large that, with them, all
    mistakes would have nearly the same colour.
    """
    counts = np.asarray(matrix)
    mistakes = np.ma.masked_equal(counts * (1 - np.eye(len(counts), dtype=int)), 0)
    figure, axis = new(height=4.6)
    edges = np.arange(len(counts) + 1) - 0.5
    axis.pcolormesh(edges, edges, mistakes, cmap="Oranges", vmin=0)
    axis.invert_yaxis()
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = row != column and count > 0.6 * mistakes.max()
            color = "white" if dark else "#595959" if row == column else "black"
            axis.text(column, row, str(count), ha="center", va="center", fontsize=10, color=color)
    axis.set(xlabel="the network's answer", ylabel="true digit")
    axis.set(xticks=range(len(counts)), yticks=range(len(counts)))
    axis.grid(visible=False)
    return figure


def intervals(
    names: Sequence[str], values: Sequence[float], bounds: Sequence[tuple[float, float]]
) -> Figure:
    """Draw shares with their confidence intervals, each in a line of its own.

    Values and bounds (the low and the high end of each interval) are in [0, 1].
    """
    figure, axis = new(height=0.45 * len(names) + 0.7)
    for i, (value, (low, high)) in enumerate(zip(values, bounds, strict=True)):
        axis.plot([100 * low, 100 * high], [i, i], color=COLORS[0], linewidth=3)
        axis.plot(100 * value, i, "o", color=COLORS[0])
        axis.annotate(
            f"{value:.2%}",
            (100 * low, i),
            (-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=10,
        )
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel="accuracy in %", ylim=(len(names) - 0.5, -0.5))
    axis.margins(x=0.25)
    axis.set_xlim(right=min(axis.get_xlim()[1], 100))
    axis.grid(visible=False, axis="y")
    return figure


def reliability(panels: "Mapping[str, Reliability]") -> Figure:
    """Draw reliability diagrams side by side: accuracy against confidence, and counts of images.

    Each diagram has its title, and what `lessonlib.evaluation.reliability` gave.
    """
    figure, axes = new(len(panels), 2, height=2.4, squeeze=False, sharey="row", sharex=True)
    for (above, below), (title, bins) in zip(axes.T, panels.items(), strict=True):
        width = 1 / len(bins.count)
        centres = (np.arange(len(bins.count)) + 0.5) * width
        full = bins.count > 0
        above.bar(centres[full], bins.accuracy[full], 0.9 * width, color=SKY, label="accuracy")
        above.plot([0, 1], [0, 1], "--", color="black", label="as sure as right")
        dots = {"color": RED, "markersize": 5, "label": "a bin's means"}
        above.plot(bins.confidence[full], bins.accuracy[full], "o", **dots)
        above.set(title=title, xlim=(0, 1), ylim=(0, 1.02))
        below.bar(centres[full], bins.count[full], 0.9 * width, color=SKY)
        below.set(xlabel="confidence", yscale="log")
    axes[0, 0].set_ylabel("share right")
    axes[1, 0].set_ylabel("images")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def precision_recall(curves: Mapping[str, Curve], axis: Any = None) -> Figure:
    """Draw precision against recall, a point for each threshold.

    Each curve has its name, and two arrays, the recall and the precision at each threshold, from
    the highest down. They are drawn on `axis`, or in a new figure.
    """
    figure, axis = _lines(curves, axis)
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    return figure


def reject_curves(curves: "Mapping[str, RejectCurve]") -> Figure:
    """Draw the share of wrong answers against the share of images that are answered.

    Each curve has its name, and what `lessonlib.evaluation.reject_curve` gave.
    """
    figure, axis = new()
    for i, (name, curve) in enumerate(curves.items()):
        style = LINES[i % len(LINES)]
        axis.plot(100 * curve.coverage, 100 * curve.error, style, color=COLORS[i], label=name)
    axis.set(xlabel="answered, in % of the images", ylabel="wrong, in % of the answers")
    axis.set(xlim=(0, 100), ylim=(0, None))
    axis.legend()
    return figure


def roc(curves: Mapping[str, Curve], axis: Any = None) -> Figure:
    """Draw the true-positive rate against the false-positive rate, a point for each threshold.

    Each curve has its name, and two arrays, the false-positive and the true-positive rate at each
    threshold, from the highest down; the point without any alarm, (0, 0), is added. The diagonal is
    the curve of scores that know nothing. All is drawn on `axis`, or in a new figure.
    """
    from_origin = {
        name: (np.append(0, false), np.append(0, true)) for name, (false, true) in curves.items()
    }
    figure, axis = _lines(from_origin, axis)
    axis.plot([0, 1], [0, 1], ":", color="black", label="mere luck")
    axis.set(xlabel="false-positive rate", ylabel="true-positive rate")
    axis.set(xlim=(-0.02, 1.02), ylim=(0, 1.02))
    axis.legend()
    return figure


def _lines(curves: Mapping[str, Curve], axis: Any) -> tuple[Figure, Any]:
    """Draw one line for each curve, on the axis or in a new figure; return figure and axis."""
    if axis is None:
        _, axis = new()
    for i, (name, (x, y)) in enumerate(curves.items()):
        style = LINES[i % len(LINES)]
        axis.plot(x, y, style, color=COLORS[i % len(COLORS)], label=name)
    if len(curves) > 1:
        axis.legend()
    figure: Figure = axis.figure
    return figure, axis
