"""The scripts' picture of a plane finds the same borders as Python's."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page

from lessonlib.widgets import turn_a_line
from lessonlib.widgets.planes import Frame, picture, side
from tests.pieces import Opener, run_script

FRAME = Frame(-1.5, 1.5, -1, 2)
FUNCTIONS: dict[str, Callable[[float, float], float]] = {
    "0.6 * x[0] - 0.8 * x[1] + 0.13": lambda x_1, x_2: 0.6 * x_1 - 0.8 * x_2 + 0.13,
    "1 - x[0] * x[0] - x[1] * x[1]": lambda x_1, x_2: 1 - x_1 * x_1 - x_2 * x_2,
    "x[0] * x[1]": lambda x_1, x_2: x_1 * x_2,  # is 0 on nodes, and falls to both sides of them
    "1": lambda x_1, x_2: 1,
    "-1": lambda x_1, x_2: -1,
}


@pytest.fixture
def tab(open_piece: Opener) -> Page:
    return open_piece(turn_a_line())


@pytest.mark.parametrize("script", FUNCTIONS)
def test_borders_and_hatching_are_python_s(tab: Page, script: str) -> None:
    border, hatch = side(FUNCTIONS[script], FRAME, 30, 4)
    expression = f"planeSide((x) => {script}, argument, 30, 4)"
    found = run_script(tab, "turn_a_line", expression, FRAME._asdict())
    for ours, theirs in ((border, found["border"]), (hatch, found["hatch"])):
        assert len(ours) == len(theirs)
        assert np.allclose(np.array(ours), np.array(theirs), atol=1e-12)


def test_a_straight_border_is_exact_and_hatched_on_its_own_side() -> None:
    border, hatch = side(lambda x_1, x_2: x_1 + x_2 - 1, FRAME, 7, 1)
    assert np.allclose(np.array(border).sum(axis=2), 1)
    length = sum(math.dist(*ends) for ends in border)
    assert length == pytest.approx(math.dist((-1, 2), (1.5, -0.5)))  # from edge to edge
    assert (np.array(hatch).sum(axis=2) >= 1 - 1e-12).all()


def test_a_round_border_is_closed_and_near_its_circle() -> None:
    border, _ = side(lambda x_1, x_2: 1 - x_1**2 - x_2**2, Frame(-1.5, 1.5, -1.5, 1.5))
    ends = np.array(border)
    assert np.abs(np.hypot(ends[..., 0], ends[..., 1]) - 1).max() < 2e-3
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    assert lengths.sum() == pytest.approx(2 * math.pi, rel=2e-3)


def test_a_picture_rings_what_is_wrong_and_says_what_it_shows() -> None:
    svg = picture("a <line>", FRAME, [(0, 0, 1), (1, 1, 0)], value=lambda x_1, x_2: 0.5 - x_1)
    assert 'aria-label="a &lt;line&gt;"' in svg
    assert "ll-wrong" not in svg
    svg = picture("a line", FRAME, [(0, 0, 0), (1, 1, 0)], value=lambda x_1, x_2: 0.5 - x_1)
    assert svg.count("ll-wrong") == 1


def test_ticks_are_a_few_whole_numbers(tab: Page) -> None:
    expression = "argument.map(([low, high]) => planeTicks(low, high))"
    found = run_script(tab, "turn_a_line", expression, [[-1.5, 1.5], [-0.4, 6.3], [0.2, 0.8]])
    assert found == [[-1, 0, 1], [0, 2, 4, 6], []]
