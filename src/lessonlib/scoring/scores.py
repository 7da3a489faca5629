"""How well a reader reads a folder of labelled fields, and why it fails where it does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import Gray, load_image
from lessonlib.checks.reader import CheckReader
from lessonlib.checks.readings import Reading
from lessonlib.evaluation import reject_curve_of, wilson_interval
from lessonlib.scoring.causes import CAUSES, cause
from lessonlib.scoring.labels import LabelledField, read_fields

ACCEPTED_ERROR = 0.01  # share of the accepted readings that may be wrong: a bank's bar


@dataclass(frozen=True)
class Result:
    """What a reader made of a folder.

    Attributes
    ----------
    files : tuple of str
        Names of the images that could be read, in the order of labels.csv.
    labels : tuple of str
        The digits that are there.
    readings : tuple of Reading
    causes : tuple of str
        Why each field was read wrong, one of `CAUSES`; empty where it was read right.
    left_out : dict
        Why an image could not be read, by its name. Nothing else counts these fields.
    """

    files: tuple[str, ...]
    labels: tuple[str, ...]
    readings: tuple[Reading, ...]
    causes: tuple[str, ...]
    left_out: dict[str, str]

    @property
    def right(self) -> list[bool]:
        """Whether each field was read without any error."""
        return [not why for why in self.causes]

    @property
    def exact(self) -> float:
        """Share of the fields read without any error, in [0, 1]."""
        return sum(self.right) / len(self.files)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of `exact` (Wilson's)."""
        return wilson_interval(sum(self.right), len(self.files))

    @property
    def digit_errors(self) -> float:
        """Digits to insert, delete or replace, for each digit that is there."""
        pairs = zip(self.readings, self.labels, strict=True)
        errors = sum(edit_distance(reading.text, label) for reading, label in pairs)
        return errors / sum(map(len, self.labels))

    @property
    def accept_rate(self) -> float:
        """Share of the fields that can be accepted when 1 in 100 of them may be wrong."""
        return accept_rate(self.confidences, self.right)

    @property
    def confidences(self) -> list[float]:
        """How sure the reader is of each field."""
        return [reading.confidence for reading in self.readings]

    @property
    def failures(self) -> dict[str, int]:
        """The number of failed fields for each cause, those without any included."""
        return {name: self.causes.count(name) for name in CAUSES}

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """The figures that sum it up: for each, its name, its value, and what that says.

        The summary and the page of failures show these. A new figure is added here.
        """
        low, high = self.interval
        figures = [
            ("read exactly", f"{self.exact:.1%}", f"95 % interval {low:.1%} to {high:.1%}"),
            ("digit errors", f"{self.digit_errors:.1%}", "of the digits that are there"),
            (
                f"accept rate at {ACCEPTED_ERROR:.0%} error",
                f"{self.accept_rate:.1%}",
                "largest share, surest first, with so few wrong",
            ),
            (
                "mean confidence",
                f"{np.mean(self.confidences):.1%}",
                "honest when it is the share read exactly",
            ),
        ]
        agreed = [reading.agreed for reading in self.readings]
        if any(one is not None for one in agreed):
            hits = sum(right for one, right in zip(agreed, self.right, strict=True) if one)
            meaning = (
                f"both ways read the same text; {hits} of these {agreed.count(True)} are right"
            )
            figures.append(("agreement", f"{agreed.count(True) / len(agreed):.1%}", meaning))
        return figures

    def __str__(self) -> str:
        """Give the first two figures in one line, the others in a line each, then the failures.

        Where images were left out, a line at the end says how many.
        """
        (read, exact, interval), (errors, rate, _), *others = self.figures
        lines = [
            f"{exact} of {len(self.files)} fields {read} ({interval}); {rate} {errors}",
            *(f"{value} {name} ({meaning})" for name, value, meaning in others),
            f"{'failures':<16}{sum(self.failures.values()):5d}  by cause:",
            *(f"{name:<16}{n:5d}  {CAUSES[name]}" for name, n in self.failures.items()),
        ]
        if self.left_out:
            lines.append(self.say_left_out())
        return "\n".join(lines)

    def say_left_out(self) -> str:
        """Say how many of the images could not be read, in one line."""
        return (
            f"{len(self.left_out)} of {len(self.left_out) + len(self.files)} images could not be "
            "read and are left out of these figures"
        )


def evaluate(folder: str | Path, reader: CheckReader) -> Result:
    """Read every labelled field of a folder, and compare.

    An image that can't be read costs only itself: `Result.left_out` names it.

    Parameters
    ----------
    folder : str or Path
        With a ``labels.csv``, which `read_fields` describes, and the images in a folder ``images``.
    reader : CheckReader

    Raises
    ------
    OSError, ValueError
        As `read_fields` does; ValueError also when no image at all can be read.

    Examples
    --------
    >>> from lessonlib import data_path
    >>> from lessonlib.checks import CheckReader
    >>> result = evaluate(data_path("checks"), CheckReader("cnn"))
    >>> len(result.files), result.exact > 0.8
    (36, True)
    >>> misread = [file for file, right in zip(result.files, result.right) if not right]
    """
    fields = read_fields(folder)
    left_out: dict[str, str] = {}
    readings = reader.read_many(_load_images(Path(folder) / "images", fields, left_out))
    if not readings:
        why = left_out[fields[0].file]
        raise ValueError(f"none of the {len(fields)} images can be read; the first: {why}")
    fields = [field for field in fields if field.file not in left_out]
    return Result(
        files=tuple(field.file for field in fields),
        labels=tuple(field.digits for field in fields),
        readings=tuple(readings),
        causes=tuple(
            "" if reading.text == field.digits else cause(field.digits, reading, field.boxes)
            for field, reading in zip(fields, readings, strict=True)
        ),
        left_out=left_out,
    )


def _load_images(
    folder: Path, fields: Sequence[LabelledField], left_out: dict[str, str]
) -> Iterator[Gray]:
    """Load one image after the other; note which can't be, and why."""
    for field in fields:
        try:
            yield load_image(folder / field.file)
        except (OSError, ValueError) as error:
            left_out[field.file] = str(error)


def accept_rate(
    confidences: npt.ArrayLike, right: npt.ArrayLike, error: float = ACCEPTED_ERROR
) -> float:
    """Find the largest share of the readings that can be accepted with few errors among them.

    The surest readings are accepted, down to a confidence that is chosen on these same
    readings; equal confidences are accepted together or not at all.

    Parameters
    ----------
    confidences : array of float, shape (n,)
    right : array of bool, shape (n,)
    error : float
        Share of the accepted ones that may be wrong, in [0, 1].

    Returns
    -------
    float
        In [0, 1]; 0 when there are no readings.

    Examples
    --------
    >>> accept_rate([0.9, 0.8, 0.7, 0.6], [True, True, False, True])
    0.5
    """
    curve = reject_curve_of(confidences, right)
    return float(curve.coverage[curve.error <= error].max(initial=0.0))


def edit_distance(a: str, b: str) -> int:
    """Count the fewest insertions, deletions and replacements that turn one text into another.

    References
    ----------
    Levenshtein, Binary codes capable of correcting deletions, insertions and reversals, 1966.

    Examples
    --------
    >>> edit_distance("1990", "199"), edit_distance("1990", "1900")
    (1, 1)
    """
    distances = list(range(len(b) + 1))  # from the empty start of a to each start of b
    for i, from_a in enumerate(a, start=1):
        diagonal, distances[0] = distances[0], i
        for j, from_b in enumerate(b, start=1):
            replaced = diagonal + (from_a != from_b)
            diagonal = distances[j]
            distances[j] = min(replaced, diagonal + 1, distances[j - 1] + 1)
    return distances[-1]
