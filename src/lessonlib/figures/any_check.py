"""Plots on reading any check: what a network that slides along a line sees in it."""

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from lessonlib.figures.base import new


def line_columns(
    line: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.floating[Any]], width: int
) -> Figure:
    """Draw a line of writing, and below it which digit each column of a network's output sees.

    Parameters
    ----------
    line : uint8 array, shape (h, w)
        0 is paper, 255 is ink.
    probabilities : array, shape (w / width, 11)
        For each column those of the ten digits and of the blank, in [0, 1].
    width : int
        Pixels of the line to each column.
    """
    figure, (above, below) = new(rows=2, height=1.6, sharex=True)
    above.imshow(line, aspect="auto", extent=(0, line.shape[1] / width, len(line), 0))
    above.axis("off")
    x, y = np.arange(len(probabilities) + 1), np.arange(11) - 0.5  # the edges of the cells
    below.pcolormesh(x, y, probabilities[:, :10].T, vmin=0, vmax=1)
    below.invert_yaxis()
    below.set(yticks=range(10), xlabel="column", ylabel="digit")
    below.tick_params(axis="y", labelsize=8)
    below.grid(visible=False)
    return figure
