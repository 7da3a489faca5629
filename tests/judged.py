"""Readings to judge: made up, in folders of labelled fields, and compared with each other."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lessonlib.checks import CheckReader, Digit, Reading
from lessonlib.checks.image import Box

# Where the digits of most fields here are, and a mark that is a dot by its size.
PLACES: list[Box] = [(10, 10, 20, 30), (40, 10, 20, 30), (70, 10, 20, 30)]
DOT: Box = (62, 36, 4, 4)


def reading(
    text: str,
    confidence: float = 0.5,
    *,
    boxes: Sequence[Box] | None = None,
    marks: Sequence[Box] = (),
) -> Reading:
    """Make a reading of digits that stand side by side, unless their boxes are given."""
    boxes = [(10 + 30 * i, 10, 20, 30) for i in range(len(text))] if boxes is None else boxes
    probabilities = np.eye(10, dtype=np.float32)
    return Reading(
        text=text,
        confidence=confidence,
        digits=tuple(Digit(b, probabilities[int(c)]) for b, c in zip(boxes, text, strict=True)),
        marks=tuple(marks),
        separator=None,
        amount=None,
        accepted=bool(text),
    )


class Fixed(CheckReader):
    """A reader that returns the readings it was made with."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self.readings = list(readings)
        self.seen = 0

    def read_many(self, images: Iterable[object], min_confidence: float = 0.0) -> list[Reading]:
        for image in images:
            assert isinstance(image, np.ndarray)
            self.seen += 1
        assert self.seen == len(self.readings)
        return self.readings


def labelled(folder: Path, table: str) -> Path:
    """Write a labels.csv, and an image for each of its rows, except for the names with "gone"."""
    (folder / "labels.csv").write_text(table, encoding="utf-8")
    with_images(folder, *(line.partition(",")[0] for line in table.splitlines()[1:]))
    return folder


def with_images(folder: Path, *names: str) -> None:
    (folder / "images").mkdir()
    for name in names:
        if name.endswith(".png") and "gone" not in name:
            Image.new("L", (20, 10), 255).save(folder / "images" / name)


def same(a: Reading, b: Reading) -> bool:
    """Compare two readings, whose probabilities may differ by the order of a sum."""

    def exact(reading: Reading) -> list[object]:
        named = {field.name: getattr(reading, field.name) for field in fields(reading)}
        named["digits"] = [digit.box for digit in reading.digits]
        rounded = ("confidence", "alternatives")
        return [value for name, value in named.items() if name not in rounded]

    ours, theirs = dict(a.alternatives), dict(b.alternatives)
    pairs = [(ours.get(text, 0.0), theirs.get(text, 0.0)) for text in ours.keys() | theirs.keys()]
    pairs.append((a.confidence, b.confidence))
    return exact(a) == exact(b) and all(p == pytest.approx(q, abs=1e-4) for p, q in pairs)
