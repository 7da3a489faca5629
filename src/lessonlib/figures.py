"""Every plot of the course, in one style: colour-blind-safe, legible in light and dark pages.

The functions take plain data and return the figure. The background is opaque white: the
book's dark mode dims it, and black text on it stays readable everywhere.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from cycler import cycler
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator

if TYPE_CHECKING:  # evaluation imports torch, which no figure needs
    from lessonlib.evaluation import RejectCurve, Reliability

# Okabe and Ito's colours, told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, PURPLE, SKY, RED = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
)
COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED)
LINES = ("-", "--", "-.", ":")  # a second mark beside the colour

STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=COLORS),
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "image.cmap": "gray_r",  # ink is dark, as on paper
}


def new(columns: int = 1, rows: int = 1, height: float = 3.0, **options: Any) -> tuple[Figure, Any]:
    """Start a figure as wide as a page of the book.

    Parameters
    ----------
    columns, rows : int
        Of the grid of axes.
    height : float
        Of each row, in inches.
    **options
        For `matplotlib.pyplot.subplots`.

    Returns
    -------
    figure : Figure
    axes : Axes, or array of Axes
        As `matplotlib.pyplot.subplots` gives them.
    """
    plt.style.use(STYLE)
    figsize = (7.2, height * rows)
    return plt.subplots(rows, columns, figsize=figsize, layout="constrained", **options)


def grid(
    images: npt.ArrayLike,
    titles: Sequence[object] | None = None,
    columns: int = 12,
    title_color: Sequence[str] | str = "black",
) -> Figure:
    """Show images side by side, ink dark on light paper.

    Parameters
    ----------
    images : array, shape (n, height, width)
        The larger a value, the darker.
    titles : sequence, optional
        One for each image.
    columns : int
        Images in a row.
    title_color : str or sequence of str
        One colour for all titles, or one for each.

    Returns
    -------
    Figure
    """
    array = np.asarray(images)
    rows = -(-len(array) // columns)
    height = 7.2 / columns + (0.3 * (1 + str(titles[0]).count("\n")) if titles is not None else 0)
    figure, axes = new(columns, rows, height, squeeze=False)
    colors = [title_color] * len(array) if isinstance(title_color, str) else title_color
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, image) in enumerate(zip(axes.flat, array, strict=False)):
        axis.imshow(image, vmin=0, vmax=max(float(np.max(image)), 1e-9))
        if titles is not None:
            axis.set_title(str(titles[i]), color=colors[i], pad=3)
    return figure


def curves(
    series: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    x: Sequence[float] | None = None,
    axis: Any = None,
) -> Figure:
    """Draw one line for each series, told apart by colour, dashes and name.

    Parameters
    ----------
    series : mapping of str to sequence of float
        Name and values of each line.
    xlabel, ylabel : str
    x : sequence of float, optional
        Common to all lines; 1, 2, 3, ... when not given.
    axis : Axes, optional
        Where to draw; a new figure when not given.

    Returns
    -------
    Figure
    """
    if axis is None:
        _, axis = new()
    for i, (name, values) in enumerate(series.items()):
        xs = x if x is not None else range(1, len(values) + 1)
        style = LINES[i % len(LINES)]
        marker = "o" if len(values) <= 20 else None
        axis.plot(xs, values, style, color=COLORS[i % len(COLORS)], marker=marker, label=name)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    if len(series) > 1:
        axis.legend()
    figure: Figure = axis.figure
    return figure


def bars(
    names: Sequence[str],
    values: npt.ArrayLike,
    xlabel: str,
    ylabel: str,
    horizontal: bool = False,
) -> Figure:
    """Draw one bar for each name, with its value written at the end.

    Parameters
    ----------
    names : sequence of str
    values : array, shape (n,)
        Not negative.
    xlabel, ylabel : str
        Of the names and of the values.
    horizontal : bool
        Whether the bars lie, which leaves room for long names.

    Returns
    -------
    Figure
    """
    heights = np.asarray(values, dtype=float)
    figure, axis = new(height=0.6 * len(names) + 0.8 if horizontal else 2.6)
    if horizontal:
        drawn = axis.barh(names, heights, color=BLUE)
        axis.invert_yaxis()
        axis.set(xlabel=ylabel, ylabel=xlabel)
    else:
        drawn = axis.bar(names, heights, color=BLUE)
        axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.grid(visible=False)
    axis.bar_label(drawn, fmt="{:,.0f}", padding=3, fontsize=9)
    axis.margins(**{"x" if horizontal else "y": 0.12})
    return figure


def training_curves(
    loss: Mapping[str, Sequence[float]], accuracy: Mapping[str, Sequence[float]]
) -> Figure:
    """Draw loss and accuracy by epoch, side by side.

    Parameters
    ----------
    loss, accuracy : mapping of str to sequence of float
        For example from "training" and "validation" to one value per epoch.

    Returns
    -------
    Figure
    """
    figure, (left, right) = new(columns=2)
    curves(loss, "epoch", "loss", axis=left)
    curves(accuracy, "epoch", "accuracy", axis=right)
    for axis in (left, right):
        axis.xaxis.get_major_locator().set_params(integer=True)
    return figure


def cost_by_size(sizes: Sequence[int], microseconds: Sequence[float]) -> Figure:
    """Draw the time per image against the batch size, both axes logarithmic.

    Parameters
    ----------
    sizes : sequence of int
        Images in a batch.
    microseconds : sequence of float
        Per image, for each size.

    Returns
    -------
    Figure
    """
    figure = curves({"step": microseconds}, "images in a batch", "microseconds per image", x=sizes)
    axis = figure.axes[0]
    axis.set(xscale="log", yscale="log", xticks=sizes, xticklabels=[f"{size:,}" for size in sizes])
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    return figure


def flow(boxes: Sequence[str], arrows: Sequence[str]) -> Figure:
    """Draw boxes in a row, joined by labelled arrows.

    Parameters
    ----------
    boxes : sequence of str
        What stands in each box, in a line or two.
    arrows : sequence of str
        What stands above the arrow from each box to the next.

    Returns
    -------
    Figure
    """
    figure, axis = new(height=1.3)
    axis.axis("off")
    axis.set(xlim=(0, 5 * len(boxes) - 2), ylim=(-1, 1.4))
    for i, text in enumerate(boxes):
        frame = {"boxstyle": "round,pad=0.5", "facecolor": "#E8F1F8", "edgecolor": BLUE}
        axis.text(5 * i + 1.5, 0, text, ha="center", va="center", fontsize=9, bbox=frame)
    for i, text in enumerate(arrows):
        ends = {"xy": (5 * i + 4.6, 0), "xytext": (5 * i + 3.4, 0)}
        axis.annotate("", **ends, arrowprops={"arrowstyle": "->", "color": "black"})
        axis.text(5 * i + 4, 0.35, text, ha="center", va="bottom", fontsize=9)
    return figure


def answers(
    images: npt.ArrayLike, probabilities: npt.ArrayLike, titles: Sequence[str] | None = None
) -> Figure:
    """Show images with the probability of each digit below, the likeliest in another colour.

    Parameters
    ----------
    images : array, shape (n, 28, 28)
        At most five fit side by side.
    probabilities : array, shape (n, 10)
    titles : sequence of str, optional
        One for each image.

    Returns
    -------
    Figure
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
    """Draw a confusion matrix; only the mistakes are coloured, or the right answers hide them.

    Parameters
    ----------
    matrix : int array, shape (10, 10)
        Row: the true digit. Column: the network's answer.

    Returns
    -------
    Figure
    """
    counts = np.asarray(matrix)
    mistakes = np.ma.masked_equal(counts * (1 - np.eye(len(counts), dtype=int)), 0)
    figure, axis = new(height=4.6)
    axis.imshow(mistakes, cmap="Oranges", vmin=0, aspect="auto")
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
    """Draw shares with their confidence intervals, one below the other.

    Parameters
    ----------
    names : sequence of str
    values : sequence of float
        In [0, 1].
    bounds : sequence of (float, float)
        Low and high end of each interval.

    Returns
    -------
    Figure
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
    """Draw reliability diagrams side by side: accuracy against confidence, and where images are.

    Parameters
    ----------
    panels : mapping of str to evaluation.Reliability
        Title and binned images of each diagram.

    Returns
    -------
    Figure
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


def reject_curves(curves: "Mapping[str, RejectCurve]") -> Figure:
    """Draw the error among the answers against the share of images answered.

    Parameters
    ----------
    curves : mapping of str to evaluation.RejectCurve

    Returns
    -------
    Figure
    """
    figure, axis = new()
    for i, (name, curve) in enumerate(curves.items()):
        style = LINES[i % len(LINES)]
        axis.plot(100 * curve.coverage, 100 * curve.error, style, color=COLORS[i], label=name)
    axis.set(xlabel="answered, in % of the images", ylabel="wrong, in % of the answers")
    axis.set(xlim=(0, 100), ylim=(0, None))
    axis.legend()
    return figure


def fields(
    images: Sequence[npt.NDArray[Any]],
    titles: Sequence[object] | None = None,
    columns: int = 2,
    boxes: Sequence[Sequence[tuple[int, int, int, int]]] | None = None,
    colors: Sequence[Sequence[str]] | None = None,
) -> Figure:
    """Show amount fields side by side, whatever their sizes.

    Parameters
    ----------
    images : sequence of arrays, shape (H, W)
        uint8 gray levels as scanned, 0 black; or bool, where True is drawn as ink.
    titles : sequence, optional
        One for each image.
    columns : int
        Images in a row.
    boxes : sequence of sequences of (x, y, w, h), optional
        What to frame in each image, in its pixels.
    colors : sequence of sequences of str, optional
        One colour for each box; orange when not given.

    Returns
    -------
    Figure
    """
    rows = -(-len(images) // columns)
    widest = max(image.shape[1] / image.shape[0] for image in images)  # all at one height
    figure, axes = new(columns, rows, 7 / columns / widest + 0.3, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        shown = 255 * ~image if image.dtype == np.bool_ else image
        axis.imshow(shown, cmap="gray", vmin=0, vmax=255)
        margin = (widest * image.shape[0] - image.shape[1]) / 2
        axis.set_xlim(-0.5 - margin, image.shape[1] - 0.5 + margin)
        if titles is not None:
            axis.set_title(str(titles[i]), pad=3)
        for j, (x, y, w, h) in enumerate(boxes[i] if boxes is not None else ()):
            color = ORANGE if colors is None else colors[i][j]
            frame = Rectangle((x - 0.5, y - 0.5), w, h, fill=False, linewidth=2, color=color)
            axis.add_patch(frame)
    return figure


def gray_levels(gray: npt.NDArray[Any], criterion: npt.ArrayLike, threshold: float) -> Figure:
    """Draw how many pixels have each gray level, and what a threshold between them is worth.

    Parameters
    ----------
    gray : uint8 array, shape (H, W)
    criterion : array, shape (255,)
        Worth of the thresholds 0 to 254.
    threshold : float
        The one that was chosen.

    Returns
    -------
    Figure
    """
    figure, axis = new(height=2.6)
    axis.bar(range(256), np.bincount(gray.ravel(), minlength=256), width=1, color=SKY)
    axis.set(xlabel="gray level (0 is black)", ylabel="pixels")
    axis.grid(visible=False)
    right = axis.twinx()
    right.plot(np.asarray(criterion), color=BLUE)
    right.set(ylabel="variance between (line)", ylim=(0, None))
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
    axis.axvline(threshold, color=RED, linestyle="--")
    axis.text(threshold + 3, 0.5 * axis.get_ylim()[1], "threshold", color=RED)
    return figure


def steps(
    names: Sequence[str], series: Mapping[str, Sequence[float]], xlabel: str = "read exactly, in %"
) -> Figure:
    """Draw what a pipeline reaches as its steps are added, one group of bars for each step.

    Parameters
    ----------
    names : sequence of str
        What each step adds.
    series : mapping of str to sequence of float
        Under each condition, the share reached after each step, in [0, 1].
    xlabel : str

    Returns
    -------
    Figure
    """
    thick = 0.8 / len(series)
    figure, axis = new(height=0.5 * len(names) + 0.9)
    for i, (name, shares) in enumerate(series.items()):
        rows = np.arange(len(names)) + (i - (len(series) - 1) / 2) * thick
        percent = [100 * share for share in shares]
        drawn = axis.barh(rows, percent, thick, color=COLORS[i], label=name)
        axis.bar_label(drawn, fmt="%.1f", padding=3, fontsize=9)
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel=xlabel, ylim=(len(names) - 0.5, -0.5))
    axis.grid(visible=False, axis="y")
    axis.margins(x=0.08)
    axis.legend(loc="upper right")
    return figure
