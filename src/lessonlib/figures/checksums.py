"""Plots on checksums: the probabilities that a reader gives, and the digits that are chosen."""

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from lessonlib.figures.base import BLUE, RED, new


def decoded(probabilities: npt.ArrayLike, read: str, mended: str) -> Figure:
    """Show the probability of each digit at each place, and mark the digits of two numbers.

    Parameters
    ----------
    probabilities : array, shape (n, 10)
        Row i holds the probabilities of the digits at place i.
    read, mended : str
        n digits each: the most probable one at each place, marked with circles, and the number that
        fits the check digit, marked with squares.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    figure, axis = new(height=3.6)
    places = np.arange(len(p))
    x, y = np.arange(len(p) + 1) - 0.5, np.arange(11) - 0.5  # the edges of the cells
    axis.pcolormesh(x, y, np.log10(p.T.clip(1e-4)), cmap="Greys", vmin=-4, vmax=1.5)
    pairs = ((read, "o", RED, "most probable digits"), (mended, "s", BLUE, "fits the check digit"))
    for text, mark, color, label in pairs:
        size = 17 if mark == "o" else 24
        style = {"markerfacecolor": "none", "markeredgewidth": 2, "linestyle": "none"}
        digits = [int(digit) for digit in text]
        axis.plot(places, digits, mark, color=color, markersize=size, label=label, **style)
    for place, digit in np.argwhere(p >= 0.005).tolist():
        color = "white" if p[place, digit] > 0.1 else "black"
        text = f"{p[place, digit]:.0%}"
        axis.text(place, digit, text, ha="center", va="center", fontsize=8, color=color)
    axis.set(xlabel="place", ylabel="digit", xticks=places, yticks=range(10), ylim=(9.8, -0.8))
    axis.set_xticklabels(places + 1)
    axis.grid(visible=False)
    figure.legend(loc="outside upper center", ncols=2, markerscale=0.5)
    return figure
