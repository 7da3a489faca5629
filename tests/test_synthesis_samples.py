"""The amounts that are made up, the samples that ship, and the fields that compare networks."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from lessonlib import data_path
from lessonlib.checks import load_image
from lessonlib.synthesis import digits_of, render, write_samples
from lessonlib.synthesis.samples import SYMBOLS, bill_fields, sample_amounts


def test_sample_amounts_are_of_all_kinds_and_can_all_be_drawn() -> None:
    amounts = sample_amounts(np.random.default_rng(0), 300)
    assert all(2 <= len(digits_of(amount)) <= 7 for amount in amounts)
    for mark in "$*#,.-=":
        assert any(mark in amount for amount in amounts)
    assert all(render(amount, 0).size for amount in amounts[:50])


def test_the_shipped_samples_are_those_the_command_makes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lessonlib.synthesis", str(tmp_path)]
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


def test_amounts_are_written_in_all_the_usual_ways() -> None:
    amounts = sample_amounts(np.random.default_rng(1), 2000)
    bare = [amount.lstrip("".join(SYMBOLS)) for amount in amounts]
    for way in (r"\d+", r"\d{1,3}(,\d{3})+", r"\d{1,3}(\.\d{3})+", r"\d{1,3}(,\d{3})*\.\d\d"):
        assert sum(bool(re.fullmatch(way, amount)) for amount in bare) > 100
    for end in ("", ".", "-", ".-", ",-", "=", ".="):
        assert any(re.fullmatch(rf"\d+{re.escape(end)}", amount) for amount in bare)
    shares = [np.mean([len(digits_of(a)) == count for a in amounts]) for count in range(2, 7)]
    assert min(shares) > 0.1  # as many of two digits as of six, but for the cents
    zeros = [len(digits_of(amount).rstrip("0")) <= 2 < len(digits_of(amount)) for amount in amounts]
    assert 0.15 < np.mean(zeros) < 0.35  # round sums


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


def test_the_bill_s_fields_are_the_same_at_every_call() -> None:
    (images, labels), (again, _) = bill_fields(), bill_fields()
    assert len(images) == len(labels) == 300
    assert all(np.array_equal(a, b) for a, b in zip(images, again, strict=True))
    assert all(label.isdecimal() for label in labels)
