"""Thresholds of the check reader are moved one by one, and none is left out."""

import ast
import importlib
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lessonlib import checks
from lessonlib.checks import resample
from tools import thresholds
from tools.thresholds import CUTTING, ENSEMBLE, LINE, RULES, moved, print_table, scaled

# Numbers that are no thresholds, by their modules.
OTHERS = {
    # classes, and sizes that the networks need
    "candidates": {"MARK", "JUNK", "CANDIDATE_CLASSES"},
    "pictures": {"FRAME_SIDE", "DIGIT_SIDE"},
    "binarize": {"SAUVOLA_R"},
    "ctc": {"BLANK", "MOST_TOGETHER"},
    # Limits on memory and time, and in `lines` the sizes that its network needs. There, the last
    # four say how probable a digit and how large its box is, and change no text.
    "image": {"MAX_PIXELS", "MAX_BYTES", "MAX_ASPECT"},
    "cutting": {"LARGEST_PASS", "PASS_STEP"},
    "reader": {"BATCH_SIZE"},
    "lines": {
        "LINE_CLASSES",
        "LINE_HEIGHT",
        "SHRINKING",
        "SIDE",
        "WIDTH_STEP",
        "MOST_COLUMNS",
        "LARGEST_PASS",
        "ALTERNATIVES",
        "SURE_ENOUGH",
        "LEAD",
        "WIDEST_DIGIT",
        "INKED",
    },
    # what keeps a number finite, or decides about a note and not about a text
    "readings": {"LEAST_DOUBT", "UNSURE"},
    "find": {"OTHER_LINES", "OTHER_WIDTH", "READABLE", "TURNED_DIGITS", "TURNED_LENGTH"},
}
TABLES = (CUTTING, LINE, ENSEMBLE, RULES)


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


def test_every_number_of_the_readers_is_moved_or_no_threshold() -> None:
    listed = {
        module: set(names) | OTHERS.get(module, set())
        for table in TABLES
        for module, names in table.items()
    }
    defined = {
        found.name: numbers_of(importlib.import_module(f"lessonlib.checks.{found.name}"))
        for found in pkgutil.iter_modules(checks.__path__)
    }
    assert {name: numbers for name, numbers in defined.items() if numbers} == OTHERS | listed


def test_a_threshold_is_moved_in_every_module_that_uses_it_and_comes_back() -> None:
    modules = [sys.modules[f"lessonlib.checks.{name}"] for name in ("candidates", "pictures")]
    with moved("candidates", "TALL_PIECE", 0.5):
        assert [vars(module)["TALL_PIECE"] for module in modules] == [0.5, 0.5]
    assert [vars(module)["TALL_PIECE"] for module in modules] == [0.6, 0.6]
    with moved("image", "FIELD_HEIGHT", 58):
        assert len(resample(np.zeros((30, 90), np.uint8))) == 58


def test_another_module_s_threshold_by_the_same_name_stays() -> None:
    for module, name, other in (
        ("search", "UNLIKELY", "ensemble"),
        ("cutting", "SURE_ENOUGH", "lines"),
    ):
        before = vars(sys.modules[f"lessonlib.checks.{other}"])[name]
        with moved(module, name, 0.123):
            assert vars(sys.modules[f"lessonlib.checks.{module}"])[name] == 0.123
            assert vars(sys.modules[f"lessonlib.checks.{other}"])[name] == before


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


def test_every_reader_and_the_way_by_rules_give_an_answer_for_each_field() -> None:
    images, truth = thresholds.rendered_fields(3)
    assert len(truth) == 3
    for name in ("mlp", "line", "ensemble"):
        assert len(thresholds.read_whole(images, name)) == 3
    assert len(thresholds.read_by_rules(images)) == 3


def test_each_table_is_measured_with_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = []

    def note(title: str, answers: object, names: dict[str, list[str]], _: list[str]) -> None:
        tables.append((title, names))

    monkeypatch.setattr(thresholds, "print_table", note)
    monkeypatch.setattr(thresholds, "rendered_fields", lambda count: ([], []))
    thresholds.main()
    assert tables == [*zip(("mlp", "line", "ensemble", "by rules"), TABLES, strict=True)]
