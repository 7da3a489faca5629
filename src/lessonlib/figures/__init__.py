"""Every plot of the course, in one style: colour-blind-safe, legible in light and dark pages.

The functions take plain data and return a Matplotlib figure, dark on opaque white. Each chapter's
plots are a module with the name of the chapter's file, without the number: those of ``5-training``
are in `training`. `base` holds the style, and the plots that several chapters use. `dark` paints
any figure in colours for the book's dark theme.
"""

from lessonlib.figures.any_check import line_columns
from lessonlib.figures.backprop import Node, two_passes, worked_network
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
from lessonlib.figures.checksums import decoded
from lessonlib.figures.descent import descents, regions
from lessonlib.figures.evaluation import (
    answers,
    confusion,
    intervals,
    precision_recall,
    reject_curves,
    reliability,
    roc,
)
from lessonlib.figures.forward import (
    activations,
    approximation,
    histograms,
    network,
    probabilities,
    shapes,
    spaces,
    spread_by_layer,
)
from lessonlib.figures.history import Plane, folded, planes, timeline
from lessonlib.figures.training import by_setting, training_curves, weight_images

__all__ = [
    "BLUE",
    "COLORS",
    "GREEN",
    "LINES",
    "ORANGE",
    "PURPLE",
    "RED",
    "SKY",
    "Node",
    "Plane",
    "activations",
    "answers",
    "approximation",
    "bars",
    "by_setting",
    "confusion",
    "curves",
    "decoded",
    "descents",
    "fields",
    "flow",
    "folded",
    "gray_levels",
    "grid",
    "histograms",
    "intervals",
    "line_columns",
    "network",
    "new",
    "planes",
    "precision_recall",
    "probabilities",
    "regions",
    "reject_curves",
    "reliability",
    "roc",
    "shapes",
    "spaces",
    "spread_by_layer",
    "steps",
    "timeline",
    "training_curves",
    "two_passes",
    "weight_images",
    "worked_network",
]
