"""Read rendered fields for the piece "The bank's desk", and keep the readings in data/desk.csv.

Usage: ``python -m tools.desk`` (a minute). It needs MNIST and `lessonlib.handwriting`'s files. Run
it whenever the line reader, its calibration or the renderer changes.

The same amounts are written twice: by writers as in the reader's calibration, and in the collected
hand, which neither the network nor the calibration has met. The latter fields are those of
the chapter on reading any check.
"""

import csv
import io
import platform
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from lessonlib import __version__, digits, handwriting
from lessonlib.checks import CheckReader
from lessonlib.checks.image import Gray
from lessonlib.files import write_whole
from lessonlib.synthesis.hands import Hand, anyone, bundled_hand
from lessonlib.synthesis.render import digits_of, render
from lessonlib.synthesis.samples import sample_amounts
from tools.calibration import WRITERS

RECORD = Path(__file__).resolve().parents[1] / "data" / "desk.csv"
HEADER = ["writers", "label", "read", "confidence"]
SEED, FIELDS = 6, 200

# For each kind of writers, who writes the next field.
HANDS: dict[str, Callable[[np.random.Generator], Hand]] = {
    "calibration": lambda rng: anyone("test", rng, WRITERS),
    "others": lambda rng: bundled_hand,
}


def fields(writers: str) -> Iterator[tuple[Gray, str]]:
    """Render the fields of one kind of writers, each with its label."""
    rng = np.random.default_rng(SEED)
    for amount in sample_amounts(rng, FIELDS):
        yield render(amount, rng, hand=HANDS[writers](rng)), digits_of(amount)


def readings(writers: str, count: int = FIELDS) -> list[tuple[str, str, str, str]]:
    """Read the first fields of one kind of writers: the rows of the file, below its header."""
    images, labels = zip(*islice(fields(writers), count), strict=True)
    found = CheckReader("line").read_many(images)
    return [
        (writers, label, reading.text, f"{reading.confidence:.4f}")
        for label, reading in zip(labels, found, strict=True)
    ]


def how_made() -> str:
    """Say how the file was made, for its first line."""
    return (
        f"# python -m tools.desk: seed {SEED}, {FIELDS} fields of each kind of writers, "
        f"reader line, lessonlib {__version__}, torch {torch.__version__}, "
        f"Python {platform.python_version()}"
    )


def main() -> None:
    """Read all fields, and write the file."""
    if digits.source() != "mnist" or not handwriting.pen_digits("test"):
        raise SystemExit("MNIST or other people's handwriting is missing: see data/README.md")
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    for writers in HANDS:
        table.writerows(readings(writers))
    write_whole(RECORD, f"{how_made()}\n{text.getvalue()}".encode())
    print(f"The readings are in {RECORD}")


if __name__ == "__main__":
    main()
