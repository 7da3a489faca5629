"""Ruled lines are erased, ink is parted into pieces, and the digits' height is found."""

import numpy as np
import pytest
from hypothesis import given, settings

from lessonlib.checks import remove_lines
from lessonlib.checks.pieces import connected_pieces, digit_height
from tests.drawn import FIELD, HIGH, Ink, any_ink, rings, strokes

# ---------------------------------------------------------------- lines


def test_a_ruled_line_is_erased_and_a_stroke_that_crosses_it_is_kept() -> None:
    stroke = strokes(((100, 20), (100, 90)), shape=(96, 300))
    line = np.zeros_like(stroke)
    line[75:78] = True
    cleaned = remove_lines(stroke | line)
    np.testing.assert_array_equal(cleaned[:, 95:106], stroke[:, 95:106])
    assert not cleaned[:, :90].any()
    assert not cleaned[:, 110:].any()


@pytest.mark.parametrize("width", [300, 301, 302, 303, 304])
def test_a_line_within_the_field_is_erased_up_to_both_ends(width: int) -> None:
    ink = np.zeros((96, width), dtype=bool)
    ink[75:78, 50:250] = True
    assert not remove_lines(ink).any()


@pytest.mark.parametrize(("start", "erased"), [(0, True), (230, True), (100, False)])
def test_a_line_that_runs_out_of_the_field_may_be_half_as_long(start: int, erased: bool) -> None:
    ink = np.zeros((96, 300), dtype=bool)
    ink[75:78, start : start + 70] = True  # a line within the field spans 120 columns
    assert (remove_lines(ink).sum() < 0.1 * ink.sum()) == erased


def test_the_bar_of_a_seven_is_no_line() -> None:
    seven = strokes(((100, 20), (130, 20)), ((130, 20), (110, 80)), shape=(96, 200))
    np.testing.assert_array_equal(remove_lines(seven), seven)


def test_the_flat_feet_of_chained_zeros_are_no_line() -> None:
    chain = strokes(((60, 40), (120, 40)), ((60, 80), (120, 80)), shape=(96, 200))
    np.testing.assert_array_equal(remove_lines(chain), chain)


# ---------------------------------------------------------------- pieces


def test_crumbs_do_not_lower_the_digits_height() -> None:
    crumbs = np.zeros(FIELD, dtype=bool)
    crumbs[5:90:6, 200:300:6] = True
    pieces = connected_pieces(rings(40, 100) | crumbs)
    assert len(pieces) > 200
    assert digit_height(pieces) == HIGH


@given(any_ink)
@settings(deadline=None)
def test_parting_ink_neither_loses_nor_adds_pixels(ink: Ink) -> None:
    rebuilt = np.zeros(ink.shape, dtype=int)
    for piece in connected_pieces(ink):
        rebuilt[piece.y : piece.y + piece.height, piece.x : piece.x + piece.width] += piece.ink
    np.testing.assert_array_equal(rebuilt, ink)
