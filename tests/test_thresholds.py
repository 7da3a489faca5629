"""Thresholds of the check reader are moved one by one, and none is left out."""

import ast
import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lessonlib.checks import resample
from tools import thresholds
from tools.thresholds import RULES, THRESHOLDS, moved, print_table, scaled

# Numbers of the reader that are no thresholds: classes, sizes that the networks need, limits.
OTHERS = {
    "MARK",
    "JUNK",
    "CANDIDATE_CLASSES",
    "FRAME_SIDE",
    "DIGIT_SIDE",
    "SAUVOLA_R",
    "MAX_PIXELS",
    "MAX_BYTES",
    "MAX_ASPECT",
    "LARGEST_PASS",
    "PASS_STEP",
    "BATCH_SIZE",
    "LEAST_DOUBT",
}


def numbers_of(module: ModuleType) -> set[str]:
    """Name the numbers that a module defines in capitals, not those that it imports."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    targets = [
        target for part in tree.body if isinstance(part, ast.Assign) for target in part.targets
    ]
    names = {
        name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
    }
    return {
        name for name in names if name.isupper() and isinstance(getattr(module, name), int | float)
    }


def test_every_number_of_the_reader_s_steps_is_moved_or_no_threshold() -> None:
    listed = {name for names in [*THRESHOLDS.values(), *RULES.values()] for name in names}
    defined: set[str] = set()
    for step in ("search", *THRESHOLDS, *RULES):
        module = importlib.import_module(f"lessonlib.checks.{step}")
        numbers = numbers_of(module)
        defined |= numbers
        assert set((THRESHOLDS | RULES).get(step, [])) <= numbers
    assert defined - OTHERS == listed


def test_a_threshold_is_moved_in_every_module_that_uses_it_and_comes_back() -> None:
    modules = [sys.modules[f"lessonlib.checks.{name}"] for name in ("candidates", "pictures")]
    with moved("TALL_PIECE", 0.5):
        assert [vars(module)["TALL_PIECE"] for module in modules] == [0.5, 0.5]
    assert [vars(module)["TALL_PIECE"] for module in modules] == [0.6, 0.6]
    with moved("FIELD_HEIGHT", 58):
        assert len(resample(np.zeros((30, 90), np.uint8))) == 58


def test_a_whole_number_stays_whole() -> None:
    assert scaled(5, 1.2) == 6
    assert isinstance(scaled(9, 0.8), int)
    assert scaled(0.5, 0.8) == pytest.approx(0.4)


def test_fields_that_change_are_counted_and_so_are_those_that_are_read_exactly(
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = sys.modules["lessonlib.checks.candidates"]

    def answers() -> thresholds.Answers:
        gap = vars(module)["GAP"]
        return [("1", None), ("2" if gap < 0.15 else "3", None), ("4", 4 if gap > 0.15 else None)]

    print_table("reader", answers, {"candidates": ["GAP"]}, ["1", "2", "4"])
    first, _, row = capsys.readouterr().out.splitlines()
    assert first == "reader: 2 of 3 fields exactly"
    assert row.split() == ["candidates.GAP", "0.15", "1", "+1", "1", "+0"]


def test_both_ways_of_reading_give_an_answer_for_each_field() -> None:
    images, truth = thresholds.rendered_fields(3)
    assert len(truth) == 3
    for read in (thresholds.read_whole, thresholds.read_by_rules):
        assert len(read(images)) == 3
