"""Figures are legible: no label lies on another."""

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from lessonlib import figures


def drawn(figure: Figure) -> Figure:
    figure.canvas.draw()
    return figure


def boxes_of_ticks(figure: Figure) -> list[list[Bbox]]:
    """The places of the tick labels, a list for each axis."""
    sides = [side for axes in figure.axes for side in (axes.xaxis, axes.yaxis)]
    return [
        [label.get_window_extent() for label in side.get_ticklabels() if label.get_text()]
        for side in sides
    ]


@pytest.mark.parametrize("threshold", [0, 119, 171, 254])
def test_the_name_of_a_threshold_lies_on_none_of_the_lines_and_bars(threshold: int) -> None:
    gray = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
    figure = drawn(figures.gray_levels(gray, np.linspace(0, 900, 255), threshold))
    (label,) = (text for text in figure.axes[0].texts if text.get_text() == "threshold")
    place = label.get_window_extent()
    assert place.y0 >= figure.axes[0].get_window_extent().y1
    assert figure.bbox.x0 <= place.x0
    assert place.x1 <= figure.bbox.x1
    for boxes in boxes_of_ticks(figure):
        assert not any(place.overlaps(box) for box in boxes)


def test_no_two_ticks_of_a_stretched_axis_overlap() -> None:
    """The axis of thresholds in the chapter on evaluation, with its ticks."""
    figure, (left, _) = figures.new(2)
    left.set(xscale="logit", xlim=(1e-4, 1 - 1e-4))
    ticks = [0.001, 0.1, 0.5, 0.9, 0.999]
    left.set_xticks(ticks, ticks)
    for boxes in boxes_of_ticks(drawn(figure)):
        assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))
