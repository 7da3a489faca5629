"""A line of writing: whose ink is where."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lessonlib.checks.image import FloatImage
from lessonlib.synthesis import lines
from lessonlib.synthesis.forms import SHAPES
from lessonlib.synthesis.hands import Hand, bundled_hand, drawn_hand
from lessonlib.synthesis.lines import (
    FONTS,
    PITCHES,
    SIGNS,
    Line,
    Writer,
    blank_line,
    draw_writer,
    printed,
    printed_hand,
    put,
    sheared,
    write_line,
)
from lessonlib.synthesis.render import INKED, NOBODY
from lessonlib.synthesis.texts import RAISE, marked_text
from tests.rows import each

UNIT = 30.0
HANDS = {"drawn": drawn_hand, "bundled": bundled_hand}
SEEDS = range(12)


def written(text: str, seed: int, hand: Hand = drawn_hand, cells: bool = False) -> Line:
    return write_line(text, UNIT, hand, np.random.default_rng(seed), cells)


def box(line: Line, position: int) -> tuple[int, int, int, int]:
    """First and last row, first and last column of a character."""
    rows, columns = np.nonzero(line.owner == position)
    return rows.min(), rows.max(), columns.min(), columns.max()


def middle(line: Line, position: int) -> float:
    _, _, left, right = box(line, position)
    return float(left + right) / 2


@pytest.fixture
def even(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let everybody write evenly, or with the habits given."""

    def set_habits(**habits: object) -> None:
        even: dict[str, Any] = dict.fromkeys(("gap_spread", "size_spread", "row_spread"), 0.0)
        even |= {"pen": 0.1, "gap": 0.2, "stretch": 1.0}
        even |= {"chains_zeros": False, "prints_signs": False} | habits

        def draw(hand: Hand, rng: np.random.Generator) -> Writer:
            return replace(draw_writer(hand, rng), **even)

        monkeypatch.setattr(lines, "draw_writer", draw)

    set_habits()
    return set_habits


def test_the_same_seed_writes_the_same_line() -> None:
    one, two, other = written("1,250", 1), written("1,250", 1), written("1,250", 2)
    np.testing.assert_array_equal(one.ink, two.ink)
    np.testing.assert_array_equal(one.owner, two.owner)
    assert one.walls == two.walls
    assert one.ink.shape != other.ink.shape or (one.ink != other.ink).any()


@each([*HANDS, "printed"])
def test_each_character_but_the_raising_mark_owns_ink_in_order_from_left_to_right(
    name: str,
) -> None:
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        hand = HANDS.get(name) or printed_hand(rng)
        text = marked_text(rng)
        line = write_line(text, UNIT, hand, rng)
        assert line.ink.shape == line.owner.shape
        owners = sorted({*line.owner.ravel().tolist()} - {NOBODY})
        assert owners == [i for i, character in enumerate(text) if character != RAISE], text
        middles = [middle(line, position) for position in owners]
        assert middles == sorted(middles), text


def test_owned_is_what_has_ink_and_nobody_owns_paper() -> None:
    for seed in SEEDS:
        line = written("$1,250.00", seed)
        np.testing.assert_array_equal(line.owner != NOBODY, line.ink > INKED)
        assert line.ink.min() >= 0
        assert line.ink.max() <= 1


def test_nothing_is_written_outside_of_the_strip() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        text = marked_text(rng)
        line = write_line(text, 20.0, drawn_hand, rng, text.isdecimal() and seed % 2 == 0)
        border = (line.ink[0], line.ink[-1], line.ink[:, -1])
        assert not any(edge.any() for edge in border), (seed, text)


def test_digits_stand_on_the_baseline_and_are_as_high_as_asked_for(
    even: Callable[..., None],
) -> None:
    for unit in (13.0, 30.0, 64.0):
        line = write_line("345", unit, drawn_hand, np.random.default_rng(0))
        for position in range(3):
            top, bottom, _, _ = box(line, position)
            assert bottom == pytest.approx(line.baseline, abs=0.25 * unit)
            assert bottom - top == pytest.approx(unit, rel=0.35)


# Cells


def test_in_cells_each_digit_stands_in_a_cell_of_its_own_and_all_are_of_one_width() -> None:
    for seed in SEEDS:
        line = written("0471", seed, cells=True)
        steps = np.diff(line.walls)
        assert len(line.walls) == 5
        assert steps == pytest.approx(steps[0])
        assert PITCHES[0] <= steps[0] / UNIT <= PITCHES[1]
        for position, (left, right) in enumerate(pairwise(line.walls)):
            assert left < middle(line, position) < right
        assert line.ink.shape[1] >= line.walls[-1]


# Raised cents


def test_raised_cents_are_smaller_and_higher(even: Callable[..., None]) -> None:
    for seed in SEEDS:
        line = written("88^88", seed)
        top, bottom, _, _ = box(line, 1)
        for position in (3, 4):
            raised_top, raised_bottom, _, _ = box(line, position)
            assert raised_bottom - raised_top < 0.9 * (bottom - top)
            assert raised_bottom < bottom - 0.15 * UNIT


def test_in_raised_hundredths_what_is_under_the_stroke_stands_lower(
    even: Callable[..., None],
) -> None:
    for seed in SEEDS:
        line = written("8^88/188", seed)
        assert box(line, 6)[1] > box(line, 2)[1] + 0.05 * UNIT


@pytest.mark.parametrize(("text", "last"), [("8^88-8", 5), ("8^88/188*8", 9)])
def test_what_comes_after_the_cents_stands_on_the_baseline_again(
    text: str, last: int, even: Callable[..., None]
) -> None:
    for seed in SEEDS:
        line = written(text, seed)
        top, bottom, _, _ = box(line, 0)
        last_top, last_bottom, _, _ = box(line, last)
        assert last_bottom == pytest.approx(bottom, abs=0.2 * UNIT)
        assert last_bottom - last_top > 0.8 * (bottom - top)


def test_a_printer_s_digits_have_one_size_and_one_row() -> None:
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        line = write_line("8888", UNIT, printed_hand(rng), rng, prints=True)
        assert len({box(line, position)[:2] for position in range(4)}) == 1


def test_strokes_under_raised_cents_belong_to_nobody_and_some_have_none_or_two(
    even: Callable[..., None],
) -> None:
    counts = set()
    for seed in range(30):
        line = written("8^88", seed)
        column = round((box(line, 2)[3] + box(line, 3)[2]) / 2)
        column_ink = (line.ink > INKED) & (line.owner == NOBODY)
        rows = column_ink[:, column].astype(int)
        counts.add(int((np.diff(rows) == 1).sum()))
    assert counts == {0, 1, 2}


# Habits


def test_writers_differ_in_each_habit_and_each_kind_occurs() -> None:
    rng = np.random.default_rng(0)
    writers = [draw_writer(drawn_hand, rng) for _ in range(100)]
    for name in ("chains_zeros", "prints_signs"):
        assert {getattr(writer, name) for writer in writers} == {False, True}
    assert any(writer.stretch == 1 for writer in writers)
    assert any(writer.stretch > 2 for writer in writers)
    assert any(writer.gap < 0 for writer in writers)
    assert max(writer.pen for writer in writers) > 0.15 > min(writer.pen for writer in writers)


def test_dashes_are_as_long_as_the_writer_makes_them(even: Callable[..., None]) -> None:
    _, _, left, right = box(written("-8", 0), 0)
    even(stretch=3.0)
    _, _, stretched_left, stretched_right = box(written("-8", 0), 0)
    assert stretched_right - stretched_left > 2.5 * (right - left)


def test_zeros_in_one_go_touch(even: Callable[..., None]) -> None:
    for chains in (False, True):
        even(chains_zeros=chains)
        for seed in SEEDS:
            line = written("00", seed, bundled_hand)
            assert (box(line, 0)[3] >= box(line, 1)[2] - 1) == chains


def test_only_signs_are_printed_where_the_form_has_them(
    even: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed_ones = []

    def by(rng: np.random.Generator) -> Hand:
        def hand(
            character: str, height: float, pen: float, rng: np.random.Generator
        ) -> tuple[FloatImage, int]:
            printed_ones.append(character)
            return np.ones((10, 10), np.float32), 0

        return hand

    monkeypatch.setattr(lines, "printed_hand", by)
    even(prints_signs=True)
    line = written("R$1,5€", 0)
    assert printed_ones == ["R", "$", "€"]
    assert len(line.walls) == 2  # none behind the last character
    assert box(line, 1)[3] < line.walls[1] < box(line, 2)[2]


def test_ink_that_does_not_fit_on_a_strip_is_lost() -> None:
    line = blank_line(1, 10.0)
    height, width = line.ink.shape
    put(np.ones((height + 20, width + 20), np.float32), line, height + 10, 5, 0)
    assert (line.owner[:, 5:] == 0).all()
    assert (line.owner[:, :5] == NOBODY).all()
    put(np.ones((4, 4), np.float32), line, 10, width + 3, 1)
    assert 1 not in line.owner


# Print


@each([(name, sign) for name in FONTS for sign in (*SHAPES, *"RuA")], name=" ".join)
def test_every_font_has_every_character_in_a_shape_of_its_own(row: tuple[str, str]) -> None:
    name, character = row
    ink, below = printed(character, 40, name)
    missing, _ = printed("\U0010ffff", 40, name)
    assert ink.dtype == np.float32
    assert ink.max() > 0.5
    assert ink.shape != missing.shape or (ink != missing).any()
    assert all(edge.any() for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))
    assert -40 < below < 20


def test_signs_of_currencies_are_among_the_characters() -> None:
    assert set(SIGNS) <= set(SHAPES)


@each(FONTS)
def test_printed_digits_are_as_high_as_asked_for_and_stand_on_the_baseline(name: str) -> None:
    for height in (10, 40):
        ink, below = printed("1", height, name)
        assert len(ink) == pytest.approx(height, abs=2)
        assert abs(below) <= 1


def test_a_comma_hangs_below_the_baseline_and_a_dash_above_it() -> None:
    assert printed(",", 40, "DejaVuSans.ttf")[1] > 2
    assert printed("-", 40, "DejaVuSans.ttf")[1] < -5


def test_a_printed_space_is_paper() -> None:
    ink, below = printed(" ", 20, FONTS[0])
    assert ink.tolist() == [[0.0]]
    assert below == 0


def test_a_printer_keeps_to_its_font_and_printers_differ() -> None:
    shapes = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        hand = printed_hand(rng)
        inks = {hand("8", 30, 3, rng)[0].tobytes() for _ in range(3)}
        assert len(inks) == 1
        shapes |= inks
    assert len(shapes) > 3


# Leaning


@each([(0.4, 0.0), (-0.4, 0.0), (0.0, 0.1), (0.3, -0.1)])
def test_a_leaning_line_keeps_its_ink_and_its_owners(row: tuple[float, float]) -> None:
    line = written("1,250", 3)
    moved = sheared(line, *row)
    assert moved.ink.shape == moved.owner.shape
    assert moved.ink.sum() == pytest.approx(line.ink.sum(), rel=0.05)
    for position in range(5):
        before, after = (np.count_nonzero(part.owner == position) for part in (line, moved))
        assert after == pytest.approx(before, rel=0.2, abs=6)


def test_tops_move_to_the_right_and_the_end_moves_down() -> None:
    line = written("11", 0)
    line.ink[:], line.owner[:] = 0, NOBODY
    foot, end = (line.baseline, 30), (line.baseline, line.ink.shape[1] - 10)
    for row, column in (foot, (foot[0] - 40, foot[1]), end):
        line.ink[row - 2 : row + 3, column - 2 : column + 3] = 1
        line.owner[row, column] = 0
    line.walls = [float(foot[1])]
    moved = sheared(line, 0.5, 0.0)
    columns = np.flatnonzero(moved.ink[foot[0]] > 0.5)
    assert np.flatnonzero(moved.ink[foot[0] - 40] > 0.5).mean() == pytest.approx(
        columns[columns < columns.mean()].mean() + 20, abs=1.5
    )
    assert moved.walls[0] == pytest.approx(columns[columns < columns.mean()].mean(), abs=1.5)
    fallen = sheared(line, 0.0, 0.1)
    first, last = (np.flatnonzero(fallen.ink[:, c] > 0.5)[-1] for c in (foot[1], end[1]))
    assert last - first == pytest.approx(0.1 * (end[1] - foot[1]), abs=1.5)
    assert first < fallen.baseline + 2 < last + 4
