"""The rendered fields: what is on them, and what makes them hard."""

from collections.abc import Callable
from dataclasses import fields, replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

from lessonlib.synthesis import Difficulty, digits_of, render
from lessonlib.synthesis.hands import Hand, bundled_hand, drawn_hand
from lessonlib.synthesis.render import (
    BASELINE,
    DIGIT_HEIGHT,
    HEIGHT,
    MARGIN,
    MEDIUM,
    NOBODY,
    Writing,
    lean,
    render_with_owner,
    ruled_lines,
)
from tests.rows import each

Gray = npt.NDArray[np.uint8]

KNOBS = [field.name for field in fields(Difficulty)]
NONE = Difficulty(**dict.fromkeys(KNOBS, 0.0))
HANDS = [drawn_hand, bundled_hand]


def test_the_same_seed_draws_the_same_field() -> None:
    np.testing.assert_array_equal(render("1,250.00", 3), render("1,250.00", 3))
    a, b = render("1,250.00", 3), render("1,250.00", 4)
    assert a.shape != b.shape or (a != b).any()


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("difficulty", [NONE, MEDIUM])
def test_a_rendered_field_is_dark_ink_on_light_paper(hand: Hand, difficulty: Difficulty) -> None:
    for seed in range(10):
        field = render("1990", seed, difficulty, hand)
        assert field.dtype == np.uint8
        assert 32 <= field.shape[0] <= 64
        assert np.median(field) > 130
        assert 0.02 < np.mean(field < np.median(field) - 40) < 0.4


def test_a_longer_amount_makes_a_longer_field() -> None:
    assert render("123456", 0).shape[1] > render("12", 0).shape[1] + 60


@each(["", "-", "12a", "1 000", "٣", "12\n"], name=repr)
def test_a_string_that_is_not_an_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r'an amount has digits and ".*" only') as refusal:
        render(amount, 0)
    assert str(refusal.value).endswith(f"not {amount!r}")


def test_the_label_is_the_amount_s_digits_alone() -> None:
    assert digits_of("$1,250.00-") == "125000"


@pytest.mark.parametrize("style", ["1,250.00", "1.250", "0.57", "*25="])
def test_marks_are_written_beside_the_digits(style: str) -> None:
    _, owner = render_with_owner(style, 0, NONE)
    assert set(np.unique(owner)) == {NOBODY, *range(len(style))}


# Whose ink it is


@pytest.mark.parametrize("hand", HANDS)
def test_the_owners_own_the_dark_pixels_from_left_to_right(hand: Hand) -> None:
    for seed in range(10):
        image, owner = render_with_owner("1,250", seed, NONE, hand)
        assert owner.shape == image.shape
        dark = image < 128
        assert np.mean(owner[dark] != NOBODY) > 0.95
        assert np.mean(dark[owner != NOBODY]) > 0.7
        middles = [np.flatnonzero((owner == k).any(axis=0)).mean() for k in range(5)]
        assert middles == sorted(middles)


@pytest.mark.parametrize("knob", ["slant", "touching", "unevenness", "clipping"])
def test_the_owners_move_with_the_ink(knob: str) -> None:
    for seed in range(10):
        image, owner = render_with_owner("1,250", seed, replace(NONE, **{knob: 1.0}))
        assert owner.shape == image.shape
        assert np.mean(owner[image < 128] != NOBODY) > 0.9


@each(range(20))
def test_leaning_writing_is_not_cut_off_at_the_sides(seed: int) -> None:
    ink = np.zeros((HEIGHT, 4 * MARGIN), dtype=np.float32)
    ink[BASELINE - DIGIT_HEIGHT : BASELINE, [MARGIN, -MARGIN]] = 1  # the first pixels of a field
    writing = Writing(ink, np.where(ink > 0, 0, NOBODY).astype(np.int16))
    leaning = lean(writing, np.random.default_rng(seed), replace(NONE, slant=1.0))
    assert leaning.ink.shape == leaning.owner.shape
    assert leaning.ink.sum() > 0.9 * ink.sum()


def test_lines_and_pattern_have_no_owner() -> None:
    plain, whose = render_with_owner("1250", 1, NONE)
    hard, still = render_with_owner("1250", 1, replace(NONE, lines=1.0, texture=1.0, noise=1.0))
    assert np.mean(hard < 200) > np.mean(plain < 200)
    assert np.count_nonzero(still != NOBODY) == np.count_nonzero(whose != NOBODY)


def test_neighbouring_zeros_are_sometimes_written_in_one_line() -> None:
    touching = []
    for seed in range(30):
        _, owner = render_with_owner("500", seed, NONE)
        first, second = (np.flatnonzero((owner == k).any(axis=0)) for k in (1, 2))
        touching.append(second[0] <= first[-1] + 1)
    assert 5 < sum(touching) < 20


def test_other_digits_are_not_joined() -> None:
    for seed in range(30):
        _, owner = render_with_owner("566", seed, NONE)
        first, second = (np.flatnonzero((owner == k).any(axis=0)) for k in (1, 2))
        assert second[0] > first[-1] + 1


def test_the_sides_of_a_box_are_sometimes_printed() -> None:
    upright = [
        (ruled_lines(200, np.random.default_rng(seed), replace(NONE, lines=1.0)).min(axis=0)).any()
        for seed in range(60)
    ]
    assert 8 < sum(upright) < 40
    assert not ruled_lines(200, np.random.default_rng(0), NONE).any()


# Difficulty


def contrast(field: Gray) -> float:
    return float(np.median(field)) - float(np.percentile(field, 2))


def steps(field: Gray) -> float:
    """Measure the sharpest edges: the largest differences between neighbours."""
    return float(np.percentile(np.abs(np.diff(field.astype(int), axis=1)), 98))


def paper(field: Gray) -> Gray:
    return field[field > np.median(field) - 60]


def grain(field: Gray) -> float:
    """Measure differences between neighbours on the paper."""
    edges = np.abs(np.diff(field.astype(int), axis=1))
    return float(np.median(edges))


def tilt(field: Gray) -> float:
    """Measure how much the paper's brightness differs from side to side and from top to bottom."""
    third, half = field.shape[1] // 3, field.shape[0] // 2
    across = np.median(field[:, :third]) - np.median(field[:, -third:])
    down = np.median(field[:half]) - np.median(field[-half:])
    return float(abs(across) + abs(down))


def dark_rows(field: Gray) -> float:
    """Measure the share of dark pixels in the row that has most of them."""
    return float((field < np.median(field) - 50).mean(axis=1).max())


def columns_taken(field: Gray) -> float:
    """Measure how much of the width has ink in it: leaning writing fills the gaps."""
    inked = np.flatnonzero((field < 128).any(axis=0))
    return len(inked) / float(inked[-1] - inked[0] + 1)


def edge_ink(field: Gray) -> float:
    """Measure the share of ink on the field's outermost pixels."""
    edges = [field[0], field[-1], field[:, 0], field[:, -1]]
    return float(np.mean(np.concatenate(edges) < 128))


def ink_width(field: Gray) -> float:
    inked = np.flatnonzero((field < 128).any(axis=0))
    return float(inked[0] - inked[-1])


def ink_height(field: Gray) -> float:
    inked = np.flatnonzero((field < 128).any(axis=1))
    return float(inked[-1] - inked[0])


@pytest.mark.parametrize(
    ("knob", "grows"),
    [
        ("texture", lambda field: float(paper(field).std())),
        ("shading", tilt),
        ("contrast", lambda field: -contrast(field)),
        ("noise", grain),
        ("blur", lambda field: -steps(field)),
        ("lines", dark_rows),
        ("slant", columns_taken),
        ("touching", ink_width),
        ("unevenness", ink_height),
        ("clipping", edge_ink),
    ],
)
def test_each_knob_changes_the_property_that_it_names(
    knob: str, grows: Callable[[Gray], float]
) -> None:
    means = [
        np.mean([grows(render("1250", seed, replace(NONE, **{knob: value}))) for seed in range(30)])
        for value in (0.0, 0.5, 1.0)
    ]
    assert means[0] < means[2]
    assert means[0] - 0.05 * abs(means[0]) <= means[1] <= means[2] + 0.05 * abs(means[2])


@each([*product(KNOBS, [-0.01, 1.01, float("nan")])])
def test_a_knob_out_of_range_is_refused_by_name(row: tuple[str, float]) -> None:
    knob, value = row
    with pytest.raises(ValueError, match=f"{knob} must lie between 0 .* and 1"):
        Difficulty(**{knob: value})


def test_the_most_severe_field_is_still_a_field() -> None:
    for seed in range(10):
        field = render("1,250.00", seed, Difficulty(**dict.fromkeys(KNOBS, 1.0)))
        assert min(field.shape) > 10
        assert field.std() > 2
