"""How well a reader reads a folder of labelled fields, and why it fails where it does."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import Gray, load_image
from lessonlib.checks.reader import CheckReader, Reading
from lessonlib.evaluation import wilson_interval
from lessonlib.scoring.causes import CAUSES, cause
from lessonlib.scoring.labels import read_boxes, read_labels

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
    exact : float
        Share of the fields read without any error, in [0, 1].
    interval : (float, float)
        The 95 % confidence interval of `exact` (Wilson's).
    digit_errors : float
        Digits to insert, delete or replace, for each digit that is there.
    accept_rate : float
        Share of the fields, in [0, 1], that can be accepted when 1 in 100 of them may be wrong.
    left_out : dict
        Why an image could not be read, by its name. Nothing else counts these fields.
    """

    files: tuple[str, ...]
    labels: tuple[str, ...]
    readings: tuple[Reading, ...]
    causes: tuple[str, ...]
    exact: float
    interval: tuple[float, float]
    digit_errors: float
    accept_rate: float
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def failures(self) -> dict[str, int]:
        """The number of failed fields for each cause, those without any included."""
        return {name: self.causes.count(name) for name in CAUSES}

    def __str__(self) -> str:
        """Say it in one line, then how sure the reader was, then a table of the failures.

        Where images were left out, a line at the end says how many.
        """
        low, high = self.interval
        table = [f"{name:<16}{n:5d}  {CAUSES[name]}" for name, n in self.failures.items()]
        if self.left_out:
            table.append(self.say_left_out())
        return "\n".join(
            [
                f"{self.exact:.1%} of {len(self.files)} fields read exactly "
                f"(95 % interval {low:.1%} to {high:.1%}); "
                f"{self.digit_errors:.1%} digit errors",
                f"{self.accept_rate:.1%} accept rate at {ACCEPTED_ERROR:.0%} error "
                "(the largest share of the fields, the surest, with so few wrong)",
                f"{np.mean([r.confidence for r in self.readings]):.1%} mean confidence "
                "(honest when it is the share read exactly)",
                f"{'failures':<16}{sum(self.failures.values()):5d}  by cause:",
                *table,
            ]
        )

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
        With a ``labels.csv`` (columns ``file`` and ``digits``; ``boxes_xywh`` as `read_boxes`
        says, if known; others ignored) and the images in a folder ``images``.
    reader : CheckReader

    Returns
    -------
    Result

    Raises
    ------
    OSError
        When labels.csv is missing or may not be read.
    ValueError
        When labels.csv lacks a column, names no field or one image twice, or has a label that
        is not digits or boxes that can't be; when no image at all can be read.
    """
    table = list(zip(*read_labels(folder), read_boxes(folder), strict=True))
    left_out: dict[str, str] = {}
    names = [name for name, _, _ in table]
    readings = reader.read_many(_readable(Path(folder) / "images", names, left_out))
    if not readings:
        why = left_out[names[0]]
        raise ValueError(f"none of the {len(names)} images can be read; the first: {why}")
    files, labels, boxes = zip(*(row for row in table if row[0] not in left_out), strict=True)
    right = [r.text == label for r, label in zip(readings, labels, strict=True)]
    errors = sum(edit_distance(r.text, label) for r, label in zip(readings, labels, strict=True))
    fields = zip(labels, readings, boxes, strict=True)
    return Result(
        files=files,
        labels=labels,
        readings=tuple(readings),
        causes=tuple("" if r.text == label else cause(label, r, b) for label, r, b in fields),
        exact=sum(right) / len(files),
        interval=wilson_interval(sum(right), len(files)),
        digit_errors=errors / sum(map(len, labels)),
        accept_rate=accept_rate([r.confidence for r in readings], right),
        left_out=left_out,
    )


def _readable(folder: Path, names: Iterable[str], left_out: dict[str, str]) -> Iterator[Gray]:
    """Load one image after the other; note which can't be, and why."""
    for name in names:
        try:
            yield load_image(folder / name)
        except (OSError, ValueError) as error:
            left_out[name] = str(error)


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
    """
    p, good = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=bool)
    order = np.argsort(-p, kind="stable")
    p, wrong = p[order], np.cumsum(~good[order])
    count = np.arange(1, len(p) + 1)
    last = np.append(p[1:] < p[:-1], True)[: len(p)]  # of those that share a confidence
    possible = count[last & (wrong / count <= error)]
    return float(possible.max() / len(p)) if possible.size else 0.0


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
