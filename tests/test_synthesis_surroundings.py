"""What is printed around the writing."""

from collections.abc import Callable

import numpy as np
import pytest

from lessonlib.checks.image import FloatImage
from lessonlib.synthesis import surroundings
from lessonlib.synthesis.surroundings import (
    PATTERN_KINDS,
    WORDS,
    Place,
    paper_pattern,
    paste,
    print_box,
    print_cells,
    print_grid,
    print_label,
    print_rule,
    print_surroundings,
    print_upright,
    print_words,
    stroke,
)
from tests.rows import each

SHAPE = (120, 500)
PLACE = Place(left=180, right=320, top=40, bottom=80, baseline=78, unit=36)
CELLS = Place(180, 300, 40, 80, 78, 36, walls=(170, 220, 270, 320), cells=True)

Printer = Callable[[FloatImage, Place, np.random.Generator], None]


def rule(page: FloatImage, place: Place, rng: np.random.Generator) -> None:
    print_rule(page, place.baseline, place, rng)


def upright(page: FloatImage, place: Place, rng: np.random.Generator) -> None:
    print_upright(page, place.left, place, rng)


PRINTERS: dict[str, Printer] = {
    "rule": rule,
    "upright": upright,
    "box": print_box,
    "cells": print_cells,
    "words": print_words,
    "label": print_label,
    "grid": print_grid,
}


def page_of(printer: Printer, seed: int, place: Place = CELLS) -> FloatImage:
    page = np.zeros(SHAPE, np.float32)
    printer(page, place, np.random.default_rng(seed))
    return page


@each(PRINTERS)
def test_each_kind_of_print_leaves_ink_and_no_more_than_the_darkest(name: str) -> None:
    pages = [page_of(PRINTERS[name], seed) for seed in range(10)]
    assert np.mean([page.any() for page in pages]) > 0.8
    assert all(page.min() >= 0 and page.max() <= 1 for page in pages)


@each(PRINTERS)
def test_print_beyond_the_field_is_lost_and_does_not_fail(name: str) -> None:
    small = np.zeros((3, 5), np.float32)
    for seed in range(10):
        PRINTERS[name](small, CELLS, np.random.default_rng(seed))
    assert np.isfinite(small).all()


def calls(monkeypatch: pytest.MonkeyPatch, place: Place, count: int = 300) -> dict[str, int]:
    """Count how often each kind is printed on so many fields."""
    counts: dict[str, int] = {}
    names = ["print_rule", "print_box", "print_upright", "print_cells"]
    for name in [*names, "print_words", "print_label", "print_grid"]:

        def counted(*_: object, name: str = name) -> None:
            counts[name] = counts.get(name, 0) + 1

        monkeypatch.setattr(surroundings, name, counted)
    rng = np.random.default_rng(0)
    for _ in range(count):
        print_surroundings(SHAPE, place, rng)
    return counts


def test_every_kind_of_print_occurs_and_none_always(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = calls(monkeypatch, PLACE)
    assert counts.keys() == {
        *("print_rule", "print_box", "print_upright", "print_words", "print_label", "print_grid")
    }
    assert max(counts.values()) < 200


def test_cells_have_their_walls_and_no_other_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = calls(monkeypatch, CELLS)
    assert counts["print_cells"] == 300
    assert not counts.keys() & {"print_rule", "print_box", "print_upright"}


def test_a_wall_may_stand_between_a_sign_and_the_amount(monkeypatch: pytest.MonkeyPatch) -> None:
    at = []

    def note(page: FloatImage, x: float, place: Place, rng: np.random.Generator) -> None:
        at.append(x)

    monkeypatch.setattr(surroundings, "print_upright", note)
    for seed in range(40):
        print_surroundings(
            SHAPE, Place(80, 220, 40, 80, 78, 36, (150,)), np.random.default_rng(seed)
        )
    assert at.count(150) > 5


def test_cells_are_as_many_as_the_digits_or_a_few_more_and_some_are_open_above() -> None:
    extra, open_above = set(), set()
    for seed in range(60):
        page = page_of(print_cells, seed, CELLS)
        last = np.flatnonzero(page.any(axis=1))[-1]
        inked = page[last - 6 : last - 4].all(axis=0)  # above the lower line, below a comb's teeth
        walls = np.flatnonzero(np.diff(inked.astype(int)) == 1)
        assert all(abs(walls - wall).min() <= 4 for wall in CELLS.walls)
        extra.add(len(walls) - 4)
        open_above.add(not page[45:60, 220].any())
    assert extra <= {0, 1, 2, 3}
    assert len(extra) > 1
    assert open_above == {False, True}


def test_a_box_surrounds_the_writing_and_lacks_a_side_at_times() -> None:
    sides = []
    for seed in range(40):
        page = page_of(print_box, seed, PLACE)
        middle = page[50:70]
        sides.append(bool(middle[:, :186].any()) + bool(middle[:, 314:].any()))
        assert not middle[:, 190:310].any()
    assert {*sides} >= {1, 2}


def test_a_rule_is_level_and_crosses_the_field_or_ends_beside_the_writing() -> None:
    reaches = set()
    for seed in range(40):
        page = page_of(rule, seed, PLACE)
        rows, columns = np.nonzero(page)
        assert rows == pytest.approx(PLACE.baseline, abs=4)
        assert columns.min() <= PLACE.left
        assert columns.max() >= PLACE.right - 20  # it may end between two dashes
        reaches.add(columns.min() > 0)
    assert reaches == {False, True}


def test_some_lines_are_broken() -> None:
    shares = []
    for seed in range(60):
        page = np.zeros((9, 300), np.float32)
        stroke(page, (0, 4), (299, 4), 2, np.random.default_rng(seed))
        shares.append(page.any(axis=0).mean())
    assert 30 < shares.count(1.0) < 58
    assert min(shares) < 0.9


def test_words_are_above_or_below_the_writing_and_labels_beside_it() -> None:
    seen = set()
    for seed in range(40):
        words = np.nonzero(page_of(print_words, seed, PLACE))[0]
        label = np.nonzero(page_of(print_label, seed, PLACE))[1]
        assert not len(words) or words.max() < PLACE.top or words.min() >= PLACE.bottom
        assert not len(label) or label.max() < PLACE.left or label.min() >= PLACE.right
        seen |= {("above", words.max() < PLACE.top)} if len(words) else set()
        seen |= {("before", label.max() < PLACE.left)} if len(label) else set()
    assert len(seen) == 4


def test_a_grid_is_squared_or_lined() -> None:
    squared = set()
    for seed in range(20):
        page = page_of(print_grid, seed, PLACE)
        rows = page.all(axis=1)
        assert 1 < rows.sum() < 60
        squared.add(bool(page.all(axis=0).any()))
        assert 0 < page.max() < 1
    assert squared == {False, True}


@each(PATTERN_KINDS)
def test_each_pattern_covers_the_paper_but_not_all_of_it(kind: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surroundings, "PATTERN_KINDS", {kind: 1.0})
        for seed in range(8):
            page = paper_pattern(SHAPE, 30.0, np.random.default_rng(seed))
            assert page.shape == SHAPE
            assert page.dtype == np.float32
            assert page.min() >= 0
            assert page.max() <= 1
            assert all(part.std() > 0.01 for part in np.array_split(page, 2, axis=1))


def test_what_is_pasted_over_a_border_is_cut_there() -> None:
    ink = np.arange(1, 7, dtype=np.float32).reshape(2, 3) / 6
    page = np.zeros((3, 4), np.float32)
    paste(page, ink, -1, -1)
    assert page[0, :2].tolist() == ink[1, 1:].tolist()
    assert np.count_nonzero(page) == 2
    for top, left in ((-2, 0), (3, 0), (0, -3), (0, 4), (-9, -9), (9, 9)):
        blank = np.zeros((3, 4), np.float32)
        paste(blank, ink, top, left)
        assert not blank.any()


def test_printed_words_have_no_digits() -> None:
    assert not any(character.isdecimal() for word in WORDS for character in word)


def test_the_same_seed_prints_the_same() -> None:
    for place in (PLACE, CELLS):
        one, two = (print_surroundings(SHAPE, place, np.random.default_rng(5)) for _ in range(2))
        np.testing.assert_array_equal(one, two)
