"""The rules find the digits of a field by the shapes of its pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonlib import evaluation, weights
from lessonlib.checks import Piece, binarize, resample, segment
from lessonlib.checks.pieces import connected_pieces
from lessonlib.checks.rules import FieldDigits, cut_fields, cut_wide, is_mark, merge_overlapping
from lessonlib.synthesis import Difficulty, digits_of, render
from lessonlib.synthesis.samples import sample_amounts
from tests.drawn import WIDE, Ink, any_ink, rings, strokes


def test_a_thin_one_is_kept_and_marks_are_not() -> None:
    one = strokes(((20, 20), (20, 70)))
    zero = rings(60)
    dot, comma = np.zeros_like(zero), np.zeros_like(zero)
    dot[65:71, 90:96] = True
    comma[62:80, 110:116] = True
    dash = np.zeros_like(zero)
    dash[45:50, 130:160] = True
    pieces = segment(one | zero | dot | comma | dash)
    assert [(p.x, p.width) for p in pieces] == [(17, 7), (39, WIDE)]


def test_pieces_of_one_digit_are_merged() -> None:
    belly = strokes(((20, 45), (40, 55)), ((40, 55), (20, 80)), shape=(96, 100))
    bar = strokes(((22, 20), (40, 20)), ((22, 20), (20, 34)), shape=(96, 100))
    assert len(connected_pieces(belly | bar)) == 2
    (merged,) = merge_overlapping(connected_pieces(belly | bar))
    assert merged.ink.sum() == (belly | bar).sum()


def test_a_leaning_neighbour_is_not_in_a_digit_s_ink() -> None:
    left, right = (strokes(((x, 80), (x + 30, 20)), shape=(96, 120)) for x in (20, 36))
    pieces = segment(left | right)
    assert [p.ink.sum() for p in pieces] == [left.sum(), right.sum()]


def test_touching_digits_are_cut_where_they_touch() -> None:
    ink = rings(40, 80)
    ink[46:50, 55:65] = True  # a ligature
    left, right = segment(ink)
    assert abs(left.x + left.width - 60) <= 4
    assert right.x == left.x + left.width


def test_a_currency_sign_before_the_amount_is_no_digit() -> None:
    field = rings(60, 110)
    field |= strokes(((10, 48), (10, 72)), ((10, 48), (22, 48)))
    assert [p.x for p in segment(field)] == [39, 89]


def test_texture_alone_holds_no_digit() -> None:
    texture = np.zeros((96, 300), dtype=bool)
    texture[5:90:6, 5:300:6] = True
    assert segment(texture) == []
    assert segment(np.zeros((96, 300), dtype=bool)) == []


@given(any_ink)
@settings(deadline=None)
def test_every_digit_found_lies_in_the_field_and_holds_ink(ink: Ink) -> None:
    for piece in segment(ink):
        assert 0 <= piece.x <= ink.shape[1] - piece.width
        assert 0 <= piece.y <= ink.shape[0] - piece.height
        assert piece.ink.any()


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40))
def test_cutting_keeps_all_ink_in_order(width: int, height: int, digits: int) -> None:
    parts = cut_wide(Piece(3, 4, np.ones((height, width), dtype=bool)), digits)
    assert sum(part.width for part in parts) == width
    assert [part.x for part in parts] == sorted({part.x for part in parts})


def test_joined_zeros_are_no_dash() -> None:
    assert is_mark(Piece(0, 0, np.ones((25, 100), dtype=bool)), 50)
    assert not is_mark(Piece(0, 0, np.ones((35, 150), dtype=bool)), 50)


def test_in_plain_writing_the_rules_find_every_digit_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    amounts = [a for a in sample_amounts(rng, 150) if a[0].isdecimal()]  # without currency signs
    plain = Difficulty(*[0.0] * 10)
    counts = [len(segment(binarize(resample(render(amount, rng, plain))))) for amount in amounts]
    right = [n == len(digits_of(amount)) for n, amount in zip(counts, amounts, strict=True)]
    assert np.mean(right) > 0.85


# Whole fields, for networks of MNIST


def test_fields_are_cut_into_digits_that_a_network_of_mnist_reads() -> None:
    plain = Difficulty()
    fields = [render(amount, seed, plain) for seed, amount in enumerate(["1990", "25.00"])]
    cut = cut_fields([*fields, fields[0]], ["1990", "2500", "19900"])
    assert cut.fields == 3
    assert cut.images.shape == (len(cut.labels), 28, 28)
    assert 2 not in cut.field  # four digits were found there, not five
    for number, label in ((0, "1990"), (1, "2500")):
        if number in cut.field:
            assert "".join(map(str, cut.labels[cut.field == number])) == label
    assert len(cut.labels) > 0
    probabilities = evaluation.predict(weights.shipped(), cut.images)
    assert evaluation.accuracy(probabilities, cut.labels) > 0.7


def test_a_field_is_exact_when_all_its_digits_are_and_uncut_fields_are_not() -> None:
    cut = FieldDigits(
        np.zeros((5, 28, 28), np.uint8), np.array([1, 2, 3, 4, 5]), np.array([0, 0, 2, 2, 3]), 5
    )
    assert cut.exact([]) == 3 / 5
    assert cut.exact([3]) == 2 / 5
    assert cut.exact([2, 3]) == 2 / 5
    assert cut.exact([0, 1, 2, 3, 4]) == 0


def test_fields_without_a_digit_found_leave_no_digits() -> None:
    blank = np.full((60, 200), 255, np.uint8)
    cut = cut_fields([blank], ["12"])
    assert (cut.images.shape, cut.labels.shape, cut.fields) == ((0, 28, 28), (0,), 1)
    with pytest.raises(ValueError, match="no fields"):
        cut_fields([], [])
    with pytest.raises(ValueError, match="argument"):
        cut_fields([blank], ["1", "2"])
