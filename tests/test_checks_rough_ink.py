"""Ink is found light or dark, in any light, and printed lines are erased where writing stays."""

from itertools import product

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from lessonlib.checks.image import Gray
from lessonlib.checks.rough_ink import (
    Mask,
    connected,
    counts_of,
    has_light_ink,
    ink_in,
    level_at,
    runs,
    without_frames,
    without_rules,
    writing_in,
)
from tests.rows import each
from tests.test_checks_find import writing


def mask(text: str = "47", height: int = 40, field: tuple[int, int] = (80, 120)) -> Mask:
    """A text that begins at (20, 30) of a field."""
    ink = (writing(text, height) > 128).astype(np.uint8)
    placed = np.zeros(field, np.uint8)
    placed[20 : 20 + height, 30 : 30 + ink.shape[1]] = ink
    return placed


def erased_frames(ink: Mask) -> Mask:
    return without_frames(ink, *connected(ink))


@each(list(product([40, 80, 150], [1, 4, 8])))
def test_light_strokes_are_told_from_dark_ones_thin_and_bold(sizes: tuple[int, int]) -> None:
    height, thickness = sizes
    ink = writing("4705", height * 6 // 10, thickness)
    night = np.full((height, ink.shape[1] + height), 40, np.uint8)
    top, left = height // 5, height // 2
    night[top : top + ink.shape[0], left : left + ink.shape[1]] += ink // 2
    assert has_light_ink(night)
    assert not has_light_ink(255 - night)


def test_ink_is_found_in_the_light_and_in_a_shadow_and_the_shadow_is_none() -> None:
    digits = mask("4705", field=(80, 240))
    light = np.full(digits.shape, 220.0)
    light[:, 90:] *= 0.6
    found = ink_in((light * (1 - 0.7 * digits)).astype(np.uint8))
    assert set(np.unique(found)) == {0, 1}
    assert (found == digits).mean() > 0.98


@each([0, 3])
def test_paper_has_no_ink(noise: int) -> None:
    paper = np.random.default_rng(2).normal(200, noise, (80, 240)).astype(np.uint8)
    assert not ink_in(paper).any()


@each([0.0, 0.3, 0.5, 0.999, 1.0])
def test_no_more_than_its_share_of_the_pixels_exceeds_a_level(share: float) -> None:
    values: Gray = np.random.default_rng(3).integers(0, 200, (30, 41), np.uint8)
    level = level_at(counts_of(values), share)
    assert (values <= level).mean() >= share
    assert level == 0 or (values < level).mean() < share


def test_the_sides_of_a_box_are_erased_where_digits_touch_it_and_the_digits_are_not() -> None:
    digits = mask()
    field = digits.copy()
    cv2.rectangle(field, (10, 8), (110, 60), 1, 2)  # its lower side runs through the feet
    rest = erased_frames(field)
    assert rest[:15].sum() == rest[:, :20].sum() == rest[:, 100:].sum() == 0
    assert rest[20:58].sum() >= 0.9 * digits[20:58].sum()


def test_an_open_box_is_erased_and_two_walls_are_not() -> None:
    walls = np.zeros((80, 120), np.uint8)
    walls[10:70, [10, 110]] = 1
    box = walls.copy()
    box[69, 10:111] = 1
    assert not erased_frames(box).any()
    assert erased_frames(walls) is walls


@each(["47", "0000", "1711", "8-5"])
def test_digits_alone_are_neither_frames_nor_rules(text: str) -> None:
    digits = mask(text, field=(80, 240))
    found = writing_in(digits)
    assert found.ink is digits
    assert not found.printed
    assert found.pieces[:, 4].sum() == digits.sum()


@each([0, 1, 2])
def test_rules_are_erased_level_or_with_steps_and_what_they_cut_apart_is_joined(rise: int) -> None:
    digits = mask("4703", field=(150, 242))  # a bar of even length leaves a pixel at one end
    ruled = digits.copy()
    for row in range(40, 150, 20):
        cv2.line(ruled, (0, row), (241, row + rise), 1)
    found = writing_in(ruled)
    assert found.printed
    assert not found.ink[:, :25].any()
    assert len(found.pieces) == len(connected(digits)[1])


def test_ink_that_is_nothing_but_a_rule_is_left() -> None:
    one = np.zeros((39, 30), np.uint8)
    one[1:38, 14:17] = 1
    assert without_rules(one) is one


@pytest.mark.parametrize("window", [(1, 5), (5, 1), (1, 12), (12, 1), (1, 1)])
def test_runs_are_what_a_bar_can_cover(window: tuple[int, int]) -> None:
    ink = (np.random.default_rng(4).random((10, 11)) < 0.8).astype(np.uint8)
    covered = np.zeros_like(ink)
    for y, x in np.ndindex(max(0, 11 - window[0]), max(0, 12 - window[1])):
        place: npt.NDArray[np.uint8] = ink[y : y + window[0], x : x + window[1]]
        if place.all():
            covered[y : y + window[0], x : x + window[1]] = 1
    assert np.array_equal(runs(ink, np.ones(window, np.uint8)), covered)
