"""The style of every plot, and the plots that several chapters use."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from cycler import cycler
from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers can tell apart too.
BLUE, ORANGE, GREEN, PURPLE, SKY, RED = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
)
COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED)
LINES = ("-", "--", "-.", ":")  # dashes tell lines apart where colour doesn't
CLASS_MARKERS = {0: ("o", BLUE), 1: ("s", ORANGE)}  # the marker and colour of each of two classes

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
        Size of the grid of axes.
    height : float
        Height of each row, in inches.
    **options
        Passed on to `matplotlib.pyplot.subplots`, which makes the figure and its axes.

    Examples
    --------
    >>> figure, axis = new(height=2)
    >>> _ = axis.plot([1, 4, 9], color=BLUE)
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
    """Show images side by side, with dark ink on light paper.

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

    Examples
    --------
    >>> from lessonlib import digits
    >>> images, labels = digits.load_bundled("test")
    >>> figure = grid(images[:24], titles=labels[:24])
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
    """Draw one line for each series, each with its colour, dashes and name.

    All lines have the same `x`: 1, 2, 3, ... when not given. They are drawn on `axis`, or in a new
    figure.

    Examples
    --------
    >>> figure = curves({"training": [0.3, 0.1], "validation": [0.3, 0.2]}, "epoch", "loss")
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
    """Draw one bar for each name, with its value, which is not negative, at the end.

    `xlabel` labels the names and `ylabel` the values, also of horizontal bars, which leave room for
    long names.
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


def flow(boxes: Sequence[str], arrows: Sequence[str]) -> Figure:
    """Draw boxes in a row, joined by labelled arrows.

    Parameters
    ----------
    boxes, arrows : sequence of str
        The text in each box, in a line or two, and above the arrow from each box to the next.
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
