"""The sample fields, and how a reader is measured on a folder of fields."""

import csv
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonlib import data_path
from lessonlib.checks import (
    CheckReader,
    Reading,
    digits_of,
    edit_distance,
    evaluate,
    load_image,
    render,
    write_samples,
)


def test_the_same_seed_draws_the_same_field() -> None:
    np.testing.assert_array_equal(render("1,250.00", 3), render("1,250.00", 3))
    a, b = render("1,250.00", 3), render("1,250.00", 4)
    assert a.shape != b.shape or (a != b).any()


def test_a_rendered_field_is_dark_ink_on_light_paper() -> None:
    field = render("1990", 0)
    assert field.dtype == np.uint8
    assert field.shape[0] == 64
    assert np.median(field) > 130
    assert 0.02 < np.mean(field < np.median(field) - 60) < 0.4


def test_a_longer_amount_makes_a_longer_field() -> None:
    assert render("123456", 0).shape[1] > render("12", 0).shape[1] + 60


@pytest.mark.parametrize("amount", ["", "-", "12a", "1 000", "٣", "12\n"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="an amount has digits"):
        render(amount, 0)


def test_the_shipped_samples_are_those_the_command_makes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lessonlib.checks", str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
    shipped = data_path("checks")
    assert (tmp_path / "labels.csv").read_bytes() == (shipped / "labels.csv").read_bytes()
    made = sorted(p.name for p in (tmp_path / "images").iterdir())
    assert made == sorted(p.name for p in (shipped / "images").iterdir())
    for name in made:
        # Pixels rather than bytes: another zlib packs the same pixels differently.
        a, b = (load_image(folder / "images" / name) for folder in (tmp_path, shipped))
        assert a.shape == b.shape
        assert np.abs(a.astype(int) - b).max() <= 1


def test_writing_the_samples_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_samples(tmp_path / folder, count=3, seed=5)
    a, b = (
        {p.name: p.read_bytes() for p in (tmp_path / folder).rglob("*") if p.is_file()}
        for folder in ("a", "b")
    )
    assert len(a) == 4
    assert a == b


def test_the_shipped_labels_name_the_shipped_images() -> None:
    folder = data_path("checks")
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {p.name for p in (folder / "images").iterdir()}
    assert len(rows) >= 36
    for row in rows:
        assert row["digits"] == digits_of(row["amount"])
        assert 2 <= len(row["digits"]) <= 7


class Fixed(CheckReader):
    """Reads what it was told to."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def read_many(self, images: Iterable[object]) -> list[Reading]:
        return [Reading(text, 0.5, ()) for text, _ in zip(self.texts, images, strict=True)]


def labelled(folder: Path, table: str) -> Path:
    (folder / "labels.csv").write_text(table, encoding="utf-8")
    return folder


def test_exact_reads_and_digit_errors_are_counted(tmp_path: Path) -> None:
    folder = labelled(tmp_path, "file,digits,note\na.png,120,\nb.png,7,\nc.png,5566,\nd.png,99,\n")
    result = evaluate(folder, Fixed(["120", "1", "566", ""]))
    assert result.exact == 0.25
    assert result.digit_errors == pytest.approx((0 + 1 + 1 + 2) / 10)
    assert result.interval == pytest.approx((0.0456, 0.6994), abs=1e-4)  # Wilson's for 1 in 4
    assert str(result) == (
        "25.0% of 4 fields read exactly (95 % interval 4.6% to 69.9%); 40.0% digit errors"
    )


def test_the_shipped_samples_can_be_evaluated() -> None:
    result = evaluate(data_path("checks"), CheckReader())
    assert result.exact > 0.5
    assert result.interval[0] < result.exact < result.interval[1]
    assert result.digit_errors < 0.2


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "columns file and digits"),
        ("file,text\na.png,12\n", "columns file and digits"),
        ("file,digits\n", "names no field"),
        ("file,digits\na.png,12.50\n", "digits only"),
        ("file,digits\na.png\n", "digits only"),
    ],
)
def test_a_table_without_labels_is_refused(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(labelled(tmp_path, table), Fixed([]))


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"labels\.csv"):
        evaluate(tmp_path, Fixed([]))


def test_a_label_without_its_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.png"):
        evaluate(labelled(tmp_path, "file,digits\na.png,12\n"), CheckReader())


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("", "", 0), ("", "123", 3), ("123", "123", 0), ("1990", "199", 1), ("7217", "1217", 1),
     ("8262", "826", 1), ("12", "21", 2), ("10000", "1000", 1)],
)  # fmt: skip
def test_edit_distance(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == distance


@given(st.text("0123", max_size=6), st.text("0123", max_size=6), st.text("0123", max_size=6))
def test_edit_distance_is_a_distance(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert (edit_distance(a, b) == 0) == (a == b)
