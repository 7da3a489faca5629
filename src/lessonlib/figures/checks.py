"""Plots on reading checks: amount fields, and how much each step adds to the share that is read."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lessonlib.figures.base import BLUE, COLORS, ORANGE, RED, SKY, new


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
        uint8 gray levels as scanned, 0 for black; or bool, True for ink.
    titles : sequence, optional
        One for each image.
    columns : int
        Images in a row.
    boxes, colors : sequences of sequences, optional
        For each image, the boxes (x, y, w, h) to draw on it, in its pixels, and a colour for each;
        orange when not given.
    """
    rows = -(-len(images) // columns)
    widest = max(image.shape[1] / image.shape[0] for image in images)  # all get the same height
    figure, axes = new(columns, rows, 7 / columns / widest + 0.3, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        gray = 255 * ~image if image.dtype == np.bool_ else image
        axis.imshow(gray, cmap="gray", vmin=0, vmax=255)
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
    """Draw how many pixels have each gray level, and the criterion that chooses a threshold.

    Parameters
    ----------
    gray : uint8 array, shape (H, W)
    criterion : array, shape (255,)
        The criterion for the thresholds 0 to 254; the largest wins.
    threshold : float
        The one that was chosen.
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
    above = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "bottom"}
    axis.annotate("threshold", (threshold, 1.02), color=RED, **above)
    return figure


def steps(
    names: Sequence[str], series: Mapping[str, Sequence[float]], xlabel: str = "read exactly, in %"
) -> Figure:
    """Draw the share that a pipeline reads as steps are added, a group of bars for each step.

    Parameters
    ----------
    names : sequence of str
        What each step adds.
    series : mapping of str to sequence of float
        For each condition, the share after each step, in [0, 1].
    xlabel : str
        What the share, drawn in per cent, says.
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
