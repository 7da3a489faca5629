"""Every plot of the course, in one style: colour-blind-safe, legible in light and dark pages.

The functions take plain data and return the figure. The background is opaque white: the
book's dark mode dims it, and black text on it stays readable everywhere. One module for each
chapter's plots, and `base` for the style and what all share.
"""

from lessonlib.figures.base import (
    BLUE,
    COLORS,
    GREEN,
    LINES,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    bars,
    curves,
    flow,
    grid,
    new,
)
from lessonlib.figures.checks import fields, gray_levels, steps
from lessonlib.figures.evaluation import answers, confusion, intervals, reject_curves, reliability
from lessonlib.figures.training import cost_by_size, training_curves

__all__ = [
    "BLUE",
    "COLORS",
    "GREEN",
    "LINES",
    "ORANGE",
    "PURPLE",
    "RED",
    "SKY",
    "answers",
    "bars",
    "confusion",
    "cost_by_size",
    "curves",
    "fields",
    "flow",
    "gray_levels",
    "grid",
    "intervals",
    "new",
    "reject_curves",
    "reliability",
    "steps",
    "training_curves",
]
