"""How well a reader reads a folder of labelled fields."""

import csv
from dataclasses import dataclass
from pathlib import Path

from lessonlib.checks.reader import CheckReader, Reading


@dataclass(frozen=True)
class Result:
    """What a reader made of a folder.

    Attributes
    ----------
    files : tuple of str
        Names of the images, in the order of labels.csv.
    labels : tuple of str
        The digits that are there.
    readings : tuple of Reading
    exact : float
        Share of the fields read without any error, in [0, 1].
    interval : (float, float)
        The 95 % confidence interval of `exact` (Wilson's).
    digit_errors : float
        Digits to insert, delete or replace, for each digit that is there.
    """

    files: tuple[str, ...]
    labels: tuple[str, ...]
    readings: tuple[Reading, ...]
    exact: float
    interval: tuple[float, float]
    digit_errors: float

    def __str__(self) -> str:
        """Say it in one line."""
        low, high = self.interval
        return (
            f"{self.exact:.1%} of {len(self.files)} fields read exactly "
            f"(95 % interval {low:.1%} to {high:.1%}); "
            f"{self.digit_errors:.1%} digit errors"
        )


def evaluate(folder: str | Path, reader: CheckReader) -> Result:
    """Read every labelled field of a folder, and compare.

    Parameters
    ----------
    folder : str or Path
        With a ``labels.csv`` (columns ``file`` and ``digits``, others ignored) and the images
        in a folder ``images``.
    reader : CheckReader

    Returns
    -------
    Result

    Raises
    ------
    FileNotFoundError
        When labels.csv or an image is missing.
    ValueError
        When labels.csv lacks a column, names no field, or has a label that is not digits.
    """
    from lessonlib.evaluation import wilson_interval  # imports torch: seconds, so only here

    files, labels = read_labels(folder)
    readings = reader.read_many(Path(folder) / "images" / name for name in files)
    right = sum(r.text == label for r, label in zip(readings, labels, strict=True))
    errors = sum(edit_distance(r.text, label) for r, label in zip(readings, labels, strict=True))
    return Result(
        files=tuple(files),
        labels=tuple(labels),
        readings=tuple(readings),
        exact=right / len(files),
        interval=wilson_interval(right, len(files)),
        digit_errors=errors / sum(map(len, labels)),
    )


def read_labels(folder: str | Path) -> tuple[list[str], list[str]]:
    """Read the names and the digits of a folder's fields.

    Parameters
    ----------
    folder : str or Path
        As for `evaluate`, which raises the same.

    Returns
    -------
    files, labels : list of str
    """
    path = Path(folder) / "labels.csv"
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}: it must list the columns file,digits")
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        if not {"file", "digits"} <= set(table.fieldnames or ()):
            raise ValueError(f"{path} must have the columns file and digits")
        rows = list(table)
    if not rows:
        raise ValueError(f"{path} names no field")
    for row in rows:
        label = row["digits"] or ""
        if not (label.isascii() and label.isdecimal()):
            raise ValueError(f"{path}: the label of {row['file']} must be digits only")
    return [row["file"] for row in rows], [row["digits"] for row in rows]


def edit_distance(a: str, b: str) -> int:
    """Count the fewest insertions, deletions and replacements that turn one text into another.

    Parameters
    ----------
    a, b : str

    Returns
    -------
    int

    References
    ----------
    Levenshtein, Binary codes capable of correcting deletions, insertions and reversals, 1966.
    """
    distances = list(range(len(b) + 1))  # from the empty start of a to each start of b
    for i, from_a in enumerate(a, start=1):
        diagonal, distances[0] = distances[0], i
        for j, from_b in enumerate(b, start=1):
            replaced = diagonal + (from_a != from_b)
            diagonal = distances[j]
            distances[j] = min(replaced, diagonal + 1, distances[j - 1] + 1)
    return distances[-1]
