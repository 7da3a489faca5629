"""Decimal points that the search for digits passed over are found, or make the amount None."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from lessonlib.checks import MARK, CheckReader, Strip, cut_up, runs
from lessonlib.checks.amount import PERHAPS, Amount
from lessonlib.checks.image import Box
from lessonlib.checks.points import amount_in_strip
from lessonlib.synthesis import digits_of, render
from tests.drawn import strip_of, strokes

FOOT, HEIGHT = 70, 50
# 1 2 5 0, the usual gap of 10 pixels between them
DIGITS: list[Box] = [(x, FOOT - HEIGHT, 30, HEIGHT) for x in (10, 50, 90, 130)]
DOT: Box = (82, FOOT - 6, 6, 6)


def read_as(strip: Strip, pairs: list[tuple[int, int]], kinds: list[int]) -> Amount:
    """Find the amount of a strip read as these kinds, in an image twice as large."""
    boxes: list[Box] = []
    for start, _ in pairs:
        x, y, w, h = strip.boxes[start].tolist()
        boxes.append((2 * x, 2 * y, 2 * w, 2 * h))
    return amount_in_strip(strip, np.array(pairs), kinds, boxes, (2.0, 2.0))


def with_speck(*specks: Box, digits: list[Box] = DIGITS) -> Amount:
    """Find the amount of digits, 1250 or its end, and ink that was left out."""
    strip = replace(strip_of(*digits), specks=np.array(specks, dtype=np.int64).reshape(-1, 4))
    pairs = [(place, place + 1) for place in range(len(digits))]
    return read_as(strip, pairs, [1, 2, 5, 0][-len(digits) :])


def test_a_compact_speck_at_the_feet_before_two_digits_is_the_separator() -> None:
    x, y, w, h = DOT
    amount = with_speck(DOT)
    assert (amount.value, amount.separator) == (Decimal("12.50"), (2 * x, 2 * y, 2 * w, 2 * h))
    assert with_speck((2, 3, 3, 3), DOT).value == Decimal("12.50")


def test_a_separator_is_sheared_back_to_where_it_was() -> None:
    strip = replace(strip_of(*DIGITS), specks=np.array([DOT]), shear=-0.5)
    boxes = DIGITS
    pairs = np.array([(i, i + 1) for i in range(4)])
    found = amount_in_strip(strip, pairs, [1, 2, 5, 0], boxes, (1.0, 1.0)).separator
    assert found is not None
    # Row 0 was moved by half the height, and row y by 0.5 y less.
    assert found[0] == pytest.approx(DOT[0] - 0.5 * (len(strip.labels) - 1 - DOT[1] - 3), abs=1)
    assert found[1:] == DOT[1:]


@pytest.mark.parametrize(
    ("speck", "what"),
    [
        ((82, FOOT - 4, 3, 3), "small"),
        ((81, FOOT - 3, 9, 2), "flat"),
        ((79, FOOT - 12, 12, 12), "large"),
        ((74, FOOT - 6, 6, 6), "at a digit's edge"),
    ],
)
def test_a_speck_that_may_be_a_point_makes_the_amount_none(speck: Box, what: str) -> None:
    amount = with_speck(speck)
    assert (amount.value, amount.separator, amount.note) == (None, None, PERHAPS), what


@pytest.mark.parametrize(
    ("speck", "what"),
    [
        ((84, FOOT - 3, 1, 1), "noise"),
        ((82, FOOT - 40, 6, 6), "above"),
        ((82, FOOT + 12, 6, 6), "below"),
        ((60, FOOT - 6, 6, 6), "below a digit's middle"),
        ((122, FOOT - 6, 6, 6), "before the last digit"),
        ((42, FOOT - 6, 6, 6), "before the last three digits"),
        ((75, FOOT - 3, 20, 3), "a line's rest"),
    ],
)
def test_other_specks_change_nothing(speck: Box, what: str) -> None:
    assert with_speck(speck) == Amount(Decimal(1250)), what


def test_two_digits_have_no_point_before_them() -> None:
    assert with_speck((82, FOOT - 6, 6, 6), digits=DIGITS[2:]).value == 50


@pytest.mark.parametrize(
    ("mark", "value"),
    [(1, Decimal(1250)), (2, Decimal("12.50")), (3, None)],  # 1.250, 12.50, 125.0
)
def test_where_a_mark_rules_a_point_out_none_is_put_in(mark: int, value: Decimal | None) -> None:
    boxes = [*DIGITS[:mark], (DIGITS[mark][0] - 7, FOOT - 6, 5, 5), *DIGITS[mark:]]
    kinds = [1, 2, 5, 0]
    kinds.insert(mark, MARK)
    strip = replace(strip_of(*boxes), specks=np.array([DOT]))
    assert read_as(strip, [(i, i + 1) for i in range(5)], kinds).value == value


@pytest.mark.parametrize("owner", [1, 2])
@pytest.mark.parametrize("alone", [True, False])
def test_a_point_taken_for_a_part_of_a_digit_is_found_or_makes_the_amount_none(
    owner: int, alone: bool
) -> None:
    boxes = [*DIGITS[:2], DOT, *DIGITS[2:]]
    pairs = [(0, 1), (1, 3), (3, 4), (4, 5)] if owner == 1 else [(0, 1), (1, 2), (2, 4), (4, 5)]
    body = 1 if owner == 1 else 3
    pieces = [0, 1, 2, 3, 4]
    pieces[2] = 2 if alone else body
    amount = read_as(strip_of(*boxes, pieces=pieces), pairs, [1, 2, 5, 0])
    assert (amount.value, amount.note) == ((Decimal("12.50"), "") if alone else (None, PERHAPS))


def test_a_gap_before_two_digits_wider_than_all_others_makes_the_amount_none() -> None:
    for wider, value in ((0, Decimal(1250)), (6, Decimal(1250)), (8, None)):
        digits = [*DIGITS[:2], *((x + wider, y, w, h) for x, y, w, h in DIGITS[2:])]
        assert with_speck(digits=digits).value == value
    even = [(x + 8 * i, y, w, h) for i, (x, y, w, h) in enumerate(DIGITS)]
    assert with_speck(digits=even).value == 1250


def test_what_is_left_out_is_kept_aside_and_changes_no_candidate() -> None:
    ink = strokes(((30, 20), (30, 70)), ((90, 20), (90, 70)))
    dotted = ink.copy()
    dotted[68:71, 60:63] = True
    strip, before = cut_up(dotted), cut_up(ink)
    assert strip.specks.tolist() == [[60, 68, 3, 3]]
    assert before.specks.tolist() == []
    assert strip.boxes.tolist() == before.boxes.tolist()
    assert runs(strip).tolist() == runs(before).tolist()
    assert np.array_equal(strip.labels, before.labels)


def test_most_amounts_with_much_paper_around_them_keep_their_points() -> None:
    rng = np.random.default_rng(4)
    amounts = [f"{rng.integers(100, 100_000) / 100:.2f}" for _ in range(60)]
    fields = [np.pad(render(amount, rng), ((30, 30), (0, 0)), mode="edge") for amount in amounts]
    read = [
        (reading.amount, Decimal(amount))
        for reading, amount in zip(CheckReader("mlp").read_many(fields), amounts, strict=True)
        if reading.text == digits_of(amount)
    ]
    assert len(read) >= 40
    assert sum(found == value for found, value in read) >= 0.75 * len(read)
    assert sum(found == 100 * value for found, value in read) <= 0.1 * len(read)
