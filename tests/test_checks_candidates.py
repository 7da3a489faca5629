"""Ink is cut wherever a cut might be right, and every run that may be a digit is a candidate."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lessonlib.checks import Piece, binarize, cut_up, resample, runs
from lessonlib.checks.candidates import (
    LONGEST,
    WIDEST,
    WIDEST_PIECE,
    boxes_of,
    column_sums,
    cut,
    filled,
    ink_boxes,
    sheared,
    straighten,
    waists,
    walls,
)
from lessonlib.checks.pictures import pictures
from lessonlib.checks.pieces import SMALLEST_DIGIT
from lessonlib.synthesis import Difficulty, render
from tests.drawn import FIELD, HIGH, WIDE, Ink, any_ink, bars, rings, strip_of


def larger(ink: Ink, factor: int) -> Ink:
    return ink.repeat(factor, axis=0).repeat(factor, axis=1)


def piece_of(ink: Ink) -> Piece:
    x, y, w, h = cv2.boundingRect(ink.astype(np.uint8))
    return Piece(x, y, ink[y : y + h, x : x + w])


# ---------------------------------------------------------------- cut_up


def test_separate_digits_give_one_primitive_each_from_left_to_right() -> None:
    strip = cut_up(rings(60, 130, 200))
    assert strip.boxes[:, 0].tolist() == sorted(strip.boxes[:, 0])
    assert len(strip.boxes) == 3
    assert strip.boxes[:, 2:].tolist() == [[WIDE, HIGH]] * 3
    assert strip.height == HIGH


def test_a_digit_in_two_pieces_is_two_primitives_and_one_candidate() -> None:
    ink = rings(130, 200) | bars(60)
    ink[46:50, :80] = False  # the pen skipped
    strip = cut_up(ink)
    assert len(strip.boxes) == 4
    assert [0, 2] in runs(strip).tolist()


def test_touching_digits_are_cut_between_them() -> None:
    ink = rings(60, 108)
    ink[46:50, 78:92] = True  # a ligature
    strip = cut_up(ink)
    edges = (strip.boxes[:, 0] + strip.boxes[:, 2]).tolist()
    assert any(abs(edge - 84) <= 6 for edge in edges)


def test_zeros_written_into_each_other_are_cut_between_their_loops() -> None:
    strip = cut_up(rings(60, 92))  # a stroke deep in each other: no waist
    assert len(strip.boxes) == 2
    assert strip.boxes[1, 0] == pytest.approx(76, abs=3)
    assert strip.pieces[0] == strip.pieces[1]


def test_each_primitive_knows_its_piece() -> None:
    ink = rings(60, 108, 200)
    ink[46:50, 78:92] = True  # a ligature
    strip = cut_up(ink)
    assert len(set(strip.pieces[strip.boxes[:, 0] < 150].tolist())) == 1
    assert len(set(strip.pieces.tolist())) == 2


def test_dirt_is_dropped_and_a_dot_is_kept() -> None:
    ink = rings(60, 130)
    ink[66:74, 92:98] = True
    ink[20:22, 300:302] = True
    strip = cut_up(ink)
    assert len(strip.boxes) == 3
    assert strip.boxes[1].tolist()[2:] == [6, 8]


def test_any_amount_of_low_texture_is_dropped() -> None:
    ink = rings(60, 130)
    digits = cut_up(ink).boxes.tolist()
    for y in range(2, 90, 6):
        for x in range(180, 390, 24):
            ink[y : y + 3, x : x + 20] = True
    strip = cut_up(ink)
    assert strip.height == HIGH
    assert strip.boxes.tolist() == digits


def test_beside_high_digits_larger_crumbs_are_dropped() -> None:
    ink = np.zeros(FIELD, dtype=bool)
    ink[2:94, 50:58] = ink[2:94, 100:108] = True
    ink[60:66, 75:81] = True
    assert cut_up(ink).boxes[:, 3].tolist() == [92, 92]


def dashes(*columns: int, y: int) -> Ink:
    """Draw dashes, 20 pixels wide and 6 high, from these columns and this row on."""
    ink = np.zeros(FIELD, dtype=bool)
    for x in columns:
        ink[y : y + 6, x : x + 20] = True
    return ink


@pytest.mark.parametrize("y", [2, 84])
def test_a_faint_line_s_dashes_above_or_below_the_digits_are_no_primitives(y: int) -> None:
    ink = rings(60, 150) | dashes(20, 100, 190, 300, y=y)
    assert len(cut_up(ink).boxes) == 2


def test_a_single_low_piece_above_or_below_the_digits_is_kept() -> None:
    ink = rings(60, 150) | dashes(100, y=2) | dashes(100, y=84)
    assert len(cut_up(ink).boxes) == 4


def test_any_number_of_low_pieces_beside_the_digits_is_kept() -> None:
    for y in (45, 65):  # as a dash, as points on the line that the digits stand on
        ink = rings(60, 150) | dashes(200, 240, 280, y=y)
        assert len(cut_up(ink).boxes) == 5


def test_a_ruled_line_is_no_primitive() -> None:
    ink = rings(60, 130, 200)
    line = np.zeros_like(ink)
    line[84:86] = True
    assert cut_up(ink | line).boxes.tolist() == cut_up(ink).boxes.tolist()


@pytest.mark.parametrize(
    "ink",
    [
        np.zeros(FIELD, dtype=bool),
        np.zeros((1, 1), dtype=bool),
        np.zeros((96, 3), dtype=bool),
    ],
)
def test_a_field_without_ink_has_no_primitives_and_no_candidates(ink: Ink) -> None:
    strip = cut_up(ink)
    assert strip.boxes.shape == (0, 4)
    assert (strip.labels == -1).all()
    candidates = runs(strip)
    assert candidates.shape == (0, 2)
    assert boxes_of(strip, candidates).shape == (0, 4)
    assert pictures(strip, candidates).shape == (0, 2, 28, 28)


def test_texture_lower_than_any_digit_is_no_candidate() -> None:
    ink = np.zeros(FIELD, dtype=bool)
    side = round(SMALLEST_DIGIT * FIELD[0]) - 2
    for x in range(10, 380, 25):
        ink[40 : 40 + side, x : x + side] = True
    assert not len(cut_up(ink).boxes)


@given(any_ink)
@settings(deadline=None)
def test_primitives_are_tight_boxes_of_disjoint_ink(ink: Ink) -> None:
    strip = cut_up(ink)
    for number, (x, y, w, h) in enumerate(strip.boxes.tolist()):
        rows, columns = np.nonzero(strip.labels == number)
        assert (columns.min(), rows.min()) == (x, y)
        assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == (w, h)
    assert set(np.unique(strip.labels)) <= {-1, *range(len(strip.boxes))}


@pytest.mark.parametrize("factor", [2, 3])
def test_writing_of_any_size_is_cut_alike(factor: int) -> None:
    ink = rings(60, 100, 200) | bars(260)
    ink[66:74, 230:236] = True
    small, large = cut_up(ink), cut_up(larger(ink, factor))
    assert runs(small).tolist() == runs(large).tolist()
    np.testing.assert_allclose(small.boxes * factor, large.boxes, atol=2 * factor)
    difference = pictures(small, runs(small)).astype(int) - pictures(large, runs(large))
    assert np.abs(difference).mean() < 6


# ---------------------------------------------------------------- straighten


@pytest.mark.parametrize("slant", [-0.3, 0.0, 0.2, 0.4, 0.7])
def test_leaning_strokes_are_made_upright(slant: float) -> None:
    upright, shear = straighten(bars(60, 150, 240, slant=slant, shape=(96, 400)))
    assert shear == pytest.approx(slant, abs=0.06)
    assert upright.dtype == np.bool_
    assert upright.any(axis=0).sum() <= 3 * (5 + 8)  # as they stand, 3 * (5 + 24) at 0.4


def test_no_ink_leaves_the_field_when_it_is_sheared() -> None:
    ink = bars(4, 370, slant=0.4)
    upright, shear = straighten(ink)
    assert shear > 0.3
    assert upright.sum() == pytest.approx(ink.sum(), rel=0.02)  # rows moved by half a pixel fray
    assert len(upright) == len(ink)


def test_upright_writing_and_bare_paper_stay() -> None:
    upright, shear = straighten(rings(60, 130))
    assert shear == pytest.approx(0)
    np.testing.assert_array_equal(upright[:, : FIELD[1]], rings(60, 130))
    for shape in (FIELD, (1, 1), (1, 50), (50, 1)):
        assert not straighten(np.zeros(shape, dtype=bool))[0].any()


@pytest.mark.parametrize(
    ("step", "sums"), [(0, [6, 15]), (1, [1, 6, 8, 6]), (-1, [3, 8, 6, 4]), (2, [1, 4, 2, 5, 3, 6])]
)
def test_each_band_is_moved_further_right_before_the_bands_are_added_up(
    step: int, sums: list[int]
) -> None:
    bands = np.array([[1, 4], [2, 5], [3, 6]], dtype=np.float32)
    assert column_sums(bands, step).tolist() == sums


@pytest.mark.parametrize("shear", [-1 / 3, 0.0, 4 / 9])
def test_shearing_keeps_every_pixel_in_its_row(shear: float) -> None:
    ink = rings(60, 130)
    np.testing.assert_array_equal(sheared(ink, shear).sum(axis=1), ink.sum(axis=1))


# ---------------------------------------------------------------- cut


def test_a_narrow_piece_is_not_cut() -> None:
    piece = piece_of(bars(50))
    assert cut(piece, 60) == [piece]


def test_a_zero_is_not_cut_through_its_middle() -> None:
    (whole,) = cut(piece_of(rings(60)), HIGH)
    assert whole.width == WIDE


def test_a_ligature_is_cut_rather_than_the_digits() -> None:
    ink = rings(40, 120)
    ink[46:50, 55:104] = True
    edges = [part.x + part.width for part in cut(piece_of(ink), HIGH)][:-1]
    assert edges
    assert all(59 <= edge <= 101 for edge in edges)


@given(any_ink, st.integers(1, 60))
@settings(deadline=None)
def test_cutting_keeps_all_ink(ink: Ink, height: int) -> None:
    if not ink.any():
        return
    whole = piece_of(np.pad(cv2.dilate(ink.astype(np.uint8), np.ones((1, 50))) > 0, 1))
    parts = cut(whole, height)
    rebuilt = np.zeros(whole.ink.shape, dtype=int)
    for part in parts:
        y, x = part.y - whole.y, part.x - whole.x
        rebuilt[y : y + part.height, x : x + part.width] += part.ink
        assert part.ink[0].any()
        assert part.ink[-1].any()
    np.testing.assert_array_equal(rebuilt, whole.ink)
    assert [part.x for part in parts] == sorted(part.x for part in parts)


def test_loops_are_filled_and_open_strokes_are_not() -> None:
    solid = filled(rings(60))
    assert solid[48, 60]
    assert solid.sum() > 1.8 * rings(60).sum()
    np.testing.assert_array_equal(filled(bars(60)), bars(60))


# ---------------------------------------------------------------- walls


def test_a_wall_stands_between_loops_side_by_side() -> None:
    joined = piece_of(rings(40, 72, 104)).ink
    middles = [56 - 40 + WIDE // 2, 88 - 40 + WIDE // 2]
    np.testing.assert_allclose(walls(joined, HIGH), middles, atol=2)


def test_no_wall_stands_between_the_loops_of_an_eight() -> None:
    eight = np.zeros((60, 40), dtype=np.uint8)
    for y in (16, 43):
        cv2.ellipse(eight, (20 + (y - 30) // 6, y), (12, 13), 0, 0, 360, 1, thickness=4)
    assert cv2.connectedComponents(1 - eight)[0] == 4  # the ink, and paper around and in two loops
    assert walls(eight.astype(bool), 60) == []


def test_a_hole_too_low_to_be_a_loop_makes_no_wall() -> None:
    ink = rings(40, 104)
    ink[46:54, 55:90] = True
    ink[49:51, 72:75] = False
    assert walls(ink, HIGH) == walls(rings(40) | rings(104), HIGH)
    assert walls(piece_of(bars(60)).ink, HIGH) == []


# ---------------------------------------------------------------- waists


def test_a_waist_is_lower_than_both_its_sides() -> None:
    hill = np.array([9.0] * 20 + [2.0] + [9.0] * 20)
    assert waists(hill, apart=3, reach=10) == [20]
    slope = np.arange(40.0)
    assert waists(slope, apart=3, reach=10) == []
    assert waists(np.full(40, 5.0), apart=3, reach=10) == []


def test_the_lower_of_two_waists_that_are_too_near_is_taken() -> None:
    cost = np.full(60, 9.0)
    cost[[20, 24, 45]] = 3, 2, 4
    assert waists(cost, apart=6, reach=10) == [24, 45]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=80), st.integers(1, 12))
@settings(deadline=None)
def test_waists_keep_apart_from_each_other_and_from_the_ends(cost: list[int], apart: int) -> None:
    columns = waists(np.array(cost, dtype=np.float64), apart, 10)
    assert columns == sorted(columns)
    assert all(apart <= column < len(cost) - apart for column in columns)
    assert all(b - a > apart for a, b in pairwise(columns))


# ---------------------------------------------------------------- runs


def test_candidates_are_runs_no_wider_than_a_digit_ordered_by_their_ends() -> None:
    strip = strip_of((0, 20, 20, 50), (22, 20, 20, 50), (44, 20, 20, 50), (66, 20, 20, 50))
    candidates = runs(strip).tolist()
    assert candidates == [[0, 1], [1, 2], [0, 2], [2, 3], [1, 3], [0, 3], [3, 4], [2, 4], [1, 4]]
    assert all(w <= WIDEST * strip.height for _, _, w, _ in boxes_of(strip, runs(strip)).tolist())


def test_a_candidate_has_no_wide_gap_and_few_primitives() -> None:
    apart = strip_of((0, 20, 20, 50), (40, 20, 20, 50))
    assert runs(apart).tolist() == [[0, 1], [1, 2]]
    crumbs = strip_of(*((8 * i, 20, 6, 50) for i in range(6)))
    assert max(stop - start for start, stop in runs(crumbs).tolist()) == LONGEST


def test_a_whole_piece_is_a_candidate_even_if_it_is_cut_many_times() -> None:
    parts = [(14 * i, 20, 14, 50) for i in range(LONGEST + 2)]
    assert [0, len(parts)] not in runs(strip_of(*parts)).tolist()
    assert [0, len(parts)] in runs(strip_of(*parts, pieces=[0] * len(parts))).tolist()


def test_a_piece_is_no_candidate_when_it_is_too_wide_or_another_s_ink_lies_between() -> None:
    half = round(WIDEST_PIECE * 50 / 2)
    assert runs(strip_of((0, 20, half, 50), (half, 20, half, 50), pieces=[0, 0])).tolist() == [
        [0, 1],
        [1, 2],
        [0, 2],
    ]
    wide = strip_of((0, 20, half, 50), (half, 20, half + 5, 50), pieces=[0, 0])
    assert runs(wide).tolist() == [[0, 1], [1, 2]]
    between = strip_of((0, 20, 40, 50), (40, 60, 40, 5), (80, 20, 40, 50), pieces=[0, 1, 0])
    assert [0, 3] not in runs(between).tolist()


@given(any_ink)
@settings(deadline=None)
def test_each_candidate_comes_once_and_they_are_ordered_by_their_ends(ink: Ink) -> None:
    candidates = [tuple(pair) for pair in runs(cut_up(ink)).tolist()]
    assert len(set(candidates)) == len(candidates)
    assert [stop for _, stop in candidates] == sorted(stop for _, stop in candidates)


def test_a_wide_primitive_is_a_candidate_by_itself() -> None:
    assert runs(strip_of((0, 20, 300, 50))).tolist() == [[0, 1]]


def test_the_box_of_a_run_is_around_all_of_its_primitives() -> None:
    strip = strip_of((10, 30, 20, 50), (25, 20, 20, 30), (60, 40, 5, 5))
    candidates = np.array([[0, 1], [0, 2], [1, 3]])
    assert boxes_of(strip, candidates).tolist() == [
        [10, 30, 20, 50],
        [10, 20, 35, 60],
        [25, 20, 40, 30],
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_box_around_a_run_holds_its_ink_and_touches_it_on_each_side(seed: int) -> None:
    strip = cut_up(binarize(resample(render("1,234.50", seed))))
    candidates = runs(strip)
    for (start, stop), (x, y, w, h) in zip(candidates, boxes_of(strip, candidates), strict=True):
        own = (strip.labels >= start) & (strip.labels < stop)
        assert cv2.boundingRect(own.astype(np.uint8)) == (x, y, w, h)


# ---------------------------------------------------------------- boxes in the image


@pytest.mark.parametrize("slant", [-0.3, 0.0, 0.4])
@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.5, 0.5), (2.0, 3.0)])
def test_a_box_lies_where_the_slanting_ink_is(slant: float, scale: tuple[float, float]) -> None:
    ink = bars(100, 240, slant=slant)
    strip = cut_up(ink)
    assert len(strip.boxes) == 2
    boxes = ink_boxes(strip, np.array([[0, 1], [1, 2]]), scale)
    for box, columns in zip(boxes, (slice(0, 180), slice(180, 400)), strict=True):
        part = np.zeros_like(ink)
        part[:, columns] = ink[:, columns]
        x, y, w, h = cv2.boundingRect(part.astype(np.uint8))
        expected = [x * scale[0], y * scale[1], w * scale[0], h * scale[1]]
        np.testing.assert_allclose(box, expected, atol=4 * max(scale))


@pytest.mark.parametrize("seed", [1, 6, 14, 18, 20, 22, 23])
def test_no_box_leaves_the_image(seed: int) -> None:
    field = render("1990", seed, Difficulty(slant=1.0, clipping=1.0))
    image = np.asarray(Image.fromarray(field).resize((73, 120)))  # squeezed: few columns, each wide
    field = resample(image)
    strip = cut_up(binarize(field))
    scale = image.shape[1] / field.shape[1], image.shape[0] / field.shape[0]
    for x, y, w, h in ink_boxes(strip, runs(strip), scale):
        assert 0 <= x < x + w <= image.shape[1]
        assert 0 <= y < y + h <= image.shape[0]
