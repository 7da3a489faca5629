"""Tests of the digits and marks that the project draws as pen strokes."""

import numpy as np
import pytest

from lessonlib.synthesis.forms import RARER, SHAPES
from lessonlib.synthesis.strokes import (
    HEIGHTS,
    PENS,
    choose_variant,
    curve_matrix,
    draw,
    write_character,
)
from tests.rows import each

DIGITS = "0123456789"
EVERY = [
    (character, name)
    for table in (SHAPES, RARER)
    for character in table
    for name in table[character]
]


def share_of_height(character: str, variant: str) -> float:
    """Read in the table how high a variant is: small zeros are lower than other digits."""
    _, text = (SHAPES[character] | RARER.get(character, {}))[variant]
    rows = [float(point.rstrip("!~").split(",")[1]) for point in text.replace(";", " ").split()]
    return (max(rows) - min(rows)) / 100


@each(EVERY, name=" ".join)
def test_every_variant_is_about_as_high_as_asked(row: tuple[str, str]) -> None:
    character, variant = row
    rng = np.random.default_rng(1)
    heights = [draw(write_character(character, rng, variant), 60, 3)[0].shape[0] for _ in range(9)]
    assert min(heights) >= 3
    assert max(heights) <= 1.7 * 60
    if character in DIGITS:
        share = share_of_height(character, variant)
        assert 0.5 <= share <= 1.3  # with a long tail
        assert 0.85 * share * 60 <= np.median(heights) <= 1.3 * share * 60


@each(EVERY, name=" ".join)
def test_every_variant_is_a_smooth_line_of_near_points(row: tuple[str, str]) -> None:
    character, variant = row
    rng = np.random.default_rng(2)
    for _ in range(10):
        for stroke in write_character(character, rng, variant):
            assert stroke.dtype == np.float64
            assert stroke.shape == (len(stroke), 2)
            assert np.hypot(*np.diff(stroke, axis=0).T).max() < 0.1


@each(EVERY, name=" ".join)
def test_no_ink_is_cut_off_at_the_edges_of_its_picture(row: tuple[str, str]) -> None:
    character, variant = row
    strokes = write_character(character, np.random.default_rng(3), variant)
    corners = [np.array([[x, y], [x, y]]) for x in (-2.0, 3.0) for y in (-2.0, 3.0)]
    tight, wide, dots = (draw(s, 40, 5)[0] for s in (strokes, [*strokes, *corners], corners))
    assert tight.sum() == pytest.approx(wide.sum() - dots.sum(), rel=0.01)


def test_a_curve_passes_through_its_points_and_only_its_corners_are_sharp() -> None:
    knots, times = np.array([0.0, 0.4, 1.0, 1.5]), np.linspace(0, 1.5, 1501)
    points = np.array([[0.0, 0.0], [0.2, 0.5], [0.0, 1.0], [0.6, 0.9]])
    at_knots = [0, 400, 1000, 1500]
    turns = {}
    for corners in ([], [2]):
        curve = curve_matrix(knots, times, corners) @ points
        np.testing.assert_allclose(curve[at_knots], points, atol=0.002)
        way = np.diff(curve, axis=0)
        angles = np.unwrap(np.arctan2(way[:, 1], way[:, 0]))
        turns[len(corners)] = np.abs(np.diff(angles)).max()  # the sharpest at any one point
    assert turns[0] < 0.05
    assert turns[1] > 0.5


def test_ink_fills_its_picture_and_lies_within_0_and_1() -> None:
    rng = np.random.default_rng(4)
    for character in SHAPES:
        plane, _ = draw(write_character(character, rng), 45, 3.5)
        assert plane.dtype == np.float64
        assert plane.min() >= 0
        assert 0.9 <= plane.max() <= 1
        assert all(edge.any() for edge in (plane[0], plane[-1], plane[:, 0], plane[:, -1]))


def test_the_same_seed_gives_the_same_drawing_and_another_seed_another() -> None:
    planes = [
        draw(write_character("5", np.random.default_rng(seed)), 45, 3)[0] for seed in (7, 7, 8)
    ]
    assert np.array_equal(planes[0], planes[1])
    assert not np.array_equal(planes[0], planes[2])


def test_a_hand_never_writes_twice_alike() -> None:
    rng = np.random.default_rng(9)
    first, second = (write_character("2", rng, "plain")[0] for _ in range(2))
    assert np.abs(first - second).max() > 0.01


def test_common_variants_are_written_more_often_and_every_one_sometimes() -> None:
    rng = np.random.default_rng(10)
    strokes = [len(write_character("7", rng)) for _ in range(400)]
    crossed = sum(weight for weight, text in SHAPES["7"].values() if ";" in text)
    share = crossed / sum(weight for weight, _ in SHAPES["7"].values())
    assert np.mean(np.array(strokes) >= 2) == pytest.approx(share, abs=0.08)


def test_the_rarer_forms_have_names_of_their_own_and_belong_to_known_characters() -> None:
    for character, variants in RARER.items():
        assert not set(variants) & set(SHAPES[character])


def test_rarer_forms_are_drawn_only_when_asked_for_and_then_by_their_shares() -> None:
    for character, usual in SHAPES.items():
        rare = RARER.get(character, {})
        rng, again = np.random.default_rng(12), np.random.default_rng(12)
        without = [choose_variant(character, rng) for _ in range(600)]
        assert set(without) == set(usual)
        among = [choose_variant(character, again, rarer=True) for _ in range(600)]
        weight, usual_weight = (sum(w for w, _ in table.values()) for table in (rare, usual))
        share = np.mean([name in rare for name in among])
        assert share == pytest.approx(weight / (weight + usual_weight), abs=0.06)
        assert set(among) <= {*usual, *rare}
        assert rng.random() == again.random()  # whoever asks draws as many numbers


def test_a_rarer_form_is_written_by_its_name() -> None:
    rng = np.random.default_rng(13)
    assert np.concatenate(write_character("7", rng, "long_tail"))[:, 1].min() < -0.1
    assert len(write_character("8", np.random.default_rng(0), "halves")) == 2


def test_below_counts_the_rows_under_the_line() -> None:
    stem = [np.array([[0.0, 1.0], [0.0, 0.0]])]
    plane, below = draw(stem, 40, 4)
    assert plane.shape[0] - below == pytest.approx(42, abs=1)
    assert below == pytest.approx(2, abs=1)
    dash = [np.array([[0.0, 0.5], [0.5, 0.5]])]
    assert draw(dash, 40, 4)[1] == pytest.approx(-18, abs=1)
    comma = [np.array([[0.0, 0.1], [0.0, -0.2]])]
    assert draw(comma, 40, 4)[1] == pytest.approx(10, abs=1)


def test_a_pen_writes_its_own_width_and_a_little_broader_downwards() -> None:
    stem, dash = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.0, 0.5], [1.0, 0.5]])
    for pen in (2.0, 4.0, 7.0):
        assert draw([dash], 60, pen)[0].sum(axis=0).max() == pytest.approx(pen, abs=0.3)
        down = draw([stem], 60, pen)[0].sum(axis=1).max()
        assert pen < down < 1.25 * pen + 0.3
        assert draw([stem[::-1]], 60, pen)[0].sum(axis=1).max() < pen


def test_a_flag_of_a_one_falls_steeply_and_a_roof_of_a_seven_does_not() -> None:
    rng = np.random.default_rng(11)
    for _ in range(200):
        flag = write_character("1", rng, "long_flag")[0][:20]
        roof = write_character("7", rng, "plain")[0][:12]
        assert np.ptp(flag[:, 1]) > 0.75 * np.ptp(flag[:, 0])
        assert np.ptp(roof[:, 1]) < 0.5 * np.ptp(roof[:, 0])


def test_an_unknown_character_or_variant_names_the_known_ones() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"'y'.*0 1 2.*#"):
        write_character("y", rng)
    with pytest.raises(ValueError, match=r"'crossed' of '1'.*stem.*long_flag"):
        write_character("1", rng, "crossed")


@pytest.mark.parametrize("height", [HEIGHTS[0] - 1, HEIGHTS[1] + 1, float("nan")])
def test_a_height_out_of_range_is_refused(height: float) -> None:
    with pytest.raises(ValueError, match=r"height .* outside"):
        draw([np.zeros((2, 2))], height, 3)


@pytest.mark.parametrize("pen", [0.0, PENS[1] + 1, float("nan")])
def test_a_pen_out_of_range_is_refused(pen: float) -> None:
    with pytest.raises(ValueError, match=r"pen .* outside"):
        draw([np.zeros((2, 2))], 45, pen)


def test_no_stroke_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        draw([], 45, 3)
