"""Each step between the image and the network does what it says."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lessonlib import data_path
from lessonlib.checks import Piece, binarize, load_image, normalize, remove_lines, resample, segment
from lessonlib.checks.binarize import Method
from lessonlib.checks.pieces import connected_pieces, digit_height
from lessonlib.checks.rules import cut_wide, is_mark, merge_overlapping
from lessonlib.synthesis import Difficulty, digits_of, render
from lessonlib.synthesis.samples import sample_amounts

FIELD = resample(load_image(data_path("checks", "images", "check-01.png")))


def strokes(*lines: tuple[tuple[int, int], tuple[int, int]], shape: tuple[int, int]) -> np.ndarray:
    """Draw pen strokes from (x, y) to (x, y)."""
    image = np.zeros(shape, dtype=np.uint8)
    for start, end in lines:
        cv2.line(image, start, end, 1, thickness=5)
    return image.astype(bool)


def rings(centres: list[int], shape: tuple[int, int] = (96, 300)) -> np.ndarray:
    """Draw zeros 50 pixels high."""
    image = np.zeros(shape, dtype=np.uint8)
    for x in centres:
        cv2.ellipse(image, (x, 48), (17, 23), 0, 0, 360, 1, thickness=5)
    return image.astype(bool)


# binarize


@pytest.mark.parametrize("method", ["sauvola", "otsu"])
@given(shift=st.integers(-60, 60))
@settings(max_examples=20, deadline=None)
def test_a_brighter_or_darker_scan_has_the_same_ink(method: Method, shift: int) -> None:
    field = np.clip(FIELD, 61, 194)
    ink = binarize(field, method)
    shifted = binarize((field.astype(int) + shift).astype(np.uint8), method)
    assert ink.any()
    assert np.mean(ink != shifted) < 0.001


def test_lower_contrast_has_the_same_ink() -> None:
    faint = (150 + (FIELD.astype(float) - 150) / 3).round().astype(np.uint8)
    assert np.mean(binarize(FIELD) != binarize(faint)) < 0.005


def test_sauvola_sees_pale_ink_where_otsu_sees_shade() -> None:
    shade = np.linspace(90, 230, 400)[np.newaxis].repeat(96, axis=0)
    ink = np.zeros((96, 400), dtype=bool)
    ink[20:76, 30:390:40] = ink[20:76, 31:390:40] = ink[20:76, 32:390:40] = True
    ink = cv2.dilate(ink.astype(np.uint8), np.ones((1, 3))) == 1
    field = (shade - 45 * ink).astype(np.uint8)
    assert np.mean(binarize(field, "sauvola") != ink) < 0.03
    assert np.mean(binarize(field, "otsu") != ink) > 0.2


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_plain_field_has_no_ink(value: int) -> None:
    assert not binarize(np.full((96, 300), value, dtype=np.uint8)).any()


def test_a_scanner_s_noise_is_no_ink() -> None:
    noise = np.random.default_rng(0).normal(200, 3, (96, 300)).astype(np.uint8)
    assert not binarize(noise).any()


def test_another_method_is_refused() -> None:
    with pytest.raises(ValueError, match="sauvola"):
        binarize(FIELD, "magic")  # type: ignore[arg-type]


# lines


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


# pieces


def test_a_thin_one_is_kept_and_marks_are_not() -> None:
    one = strokes(((20, 20), (20, 70)), shape=(96, 300))
    zero = rings([60])
    dot, comma = np.zeros_like(zero), np.zeros_like(zero)
    dot[65:71, 90:96] = True
    comma[62:80, 110:116] = True
    dash = np.zeros_like(zero)
    dash[45:50, 130:160] = True
    pieces = segment(one | zero | dot | comma | dash)
    assert [(p.x, p.width) for p in pieces] == [(17, 7), (40, 41)]


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
    ink = rings([40, 80])
    ink[46:50, 55:65] = True  # a ligature
    left, right = segment(ink)
    assert abs(left.x + left.width - 60) <= 4
    assert right.x == left.x + left.width


def test_a_currency_sign_before_the_amount_is_no_digit() -> None:
    field = rings([60, 110])
    field |= strokes(((10, 48), (10, 72)), ((10, 48), (22, 48)), shape=field.shape)
    assert [p.x for p in segment(field)] == [40, 90]


def test_crumbs_do_not_lower_the_digits_height() -> None:
    crumbs = np.zeros((96, 300), dtype=bool)
    crumbs[5:90:6, 200:300:6] = True
    pieces = connected_pieces(rings([40, 100]) | crumbs)
    assert len(pieces) > 200
    assert digit_height(pieces) == rings([40]).any(axis=1).sum()


def test_texture_alone_holds_no_digit() -> None:
    texture = np.zeros((96, 300), dtype=bool)
    texture[5:90:6, 5:300:6] = True
    assert segment(texture) == []
    assert segment(np.zeros((96, 300), dtype=bool)) == []


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40)))
@settings(deadline=None)
def test_dividing_ink_neither_loses_nor_adds_pixels(ink: np.ndarray) -> None:
    pieces = connected_pieces(ink)
    rebuilt = np.zeros(ink.shape, dtype=int)
    for piece in pieces:
        rebuilt[piece.y : piece.y + piece.height, piece.x : piece.x + piece.width] += piece.ink
    np.testing.assert_array_equal(rebuilt, ink)
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


# normalize


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=60)))
@settings(max_examples=300, deadline=None)
def test_a_normalised_digit_is_whole_and_centred(ink: np.ndarray) -> None:
    frame = normalize(ink)
    assert frame.shape == (28, 28)
    assert frame.dtype == np.uint8
    if not ink.any():
        assert not frame.any()
        return
    rows, columns = np.flatnonzero(frame.any(axis=1)), np.flatnonzero(frame.any(axis=0))
    sides = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert max(sides) == 20  # nothing was pushed out of the frame
    grid = np.arange(28)
    for profile, ends in ((frame.sum(1), rows), (frame.sum(0), columns)):
        at_the_edge = ends[0] == 0 or ends[-1] == 27
        centre = np.average(grid, weights=profile.astype(float))
        assert at_the_edge or abs(centre - 13.5) <= 0.51


def test_edges_are_anti_aliased() -> None:
    frame = normalize(strokes(((10, 10), (60, 90)), shape=(100, 70)))
    assert ((frame > 0) & (frame < 255)).sum() > 10


@given(st.integers(2, 6))
@settings(max_examples=5, deadline=None)
def test_a_digit_written_larger_is_the_same_digit(factor: int) -> None:
    small = rings([40])[:, :80]
    large = small.repeat(factor, axis=0).repeat(factor, axis=1)
    difference = normalize(small).astype(int) - normalize(large)
    assert np.abs(difference).max() <= 2


def test_paper_around_a_digit_does_not_matter() -> None:
    ink = rings([40])[:, :80]
    np.testing.assert_array_equal(normalize(ink), normalize(np.pad(ink, ((3, 40), (20, 1)))))


@pytest.mark.parametrize("bad", [np.zeros((5, 5)), np.zeros((5, 5, 3), bool), np.zeros(5, bool)])
def test_an_array_that_is_not_an_ink_mask_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="bool array"):
        normalize(bad)


# together


def test_in_plain_writing_the_rules_find_every_digit_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    amounts = [a for a in sample_amounts(rng, 150) if a[0].isdecimal()]  # without currency signs
    plain = Difficulty(*[0.0] * 10)
    found = [len(segment(binarize(resample(render(amount, rng, plain))))) for amount in amounts]
    right = [n == len(digits_of(amount)) for n, amount in zip(found, amounts, strict=True)]
    assert np.mean(right) > 0.85
