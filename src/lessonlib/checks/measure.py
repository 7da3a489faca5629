"""How well a reader reads a folder of labelled fields, and why it fails where it does."""

import csv
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import Gray, load_image
from lessonlib.checks.reader import Box, CheckReader, Reading

ACCEPTED_ERROR = 0.01  # share of the accepted readings that may be wrong: a bank's bar
SAME = 0.5  # two boxes mean the same ink when they share at least this part of their union
LOW = 0.5  # of the digits' median height: what is lower is a mark, what is not may be a digit

BOX = re.compile(r"(\d{1,6}) +(\d{1,6}) +([1-9]\d{0,5}) +([1-9]\d{0,5})", re.ASCII)

# Why a field was read wrong: the first of these that holds. `cause` has the details.
CAUSES = {
    "classification": "as many digits read as there are (in their boxes, if given), not all right",
    "punctuation": "else, but for a dot or dash read as a digit, or a digit taken for a mark",
    "segmentation": "anything else: digits cut, joined or missed, other ink read as digits",
}


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
    from lessonlib.evaluation import wilson_interval  # imports torch: seconds, so only here

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


def cause(label: str, reading: Reading, boxes: Sequence[Box] | None = None) -> str:
    """Say why a field was read wrong.

    A digit that was read where none is counts as *surplus*, one that was not read as *lost*. With
    true boxes, these are the boxes without a counterpart: two boxes are counterparts when they
    share at least half of their union. Without true boxes only the numbers of digits are known;
    where too many were read, the lowest ones count as surplus.

    classification
        As many digits read as there are, none of them surplus, none lost.
    punctuation
        Each surplus digit is lower than half the median height of the digits read (a dot or
        dash), and each lost one was taken for a mark: one in its box or, without boxes, one
        that is not as low as that.
    segmentation
        Anything else, and every empty reading.

    Parameters
    ----------
    label : str
        The digits that are there.
    reading : Reading
        Whose text is another.
    boxes : sequence of (x, y, w, h), optional
        The boxes of the label's digits, in pixels of the image.

    Returns
    -------
    str
        A key of `CAUSES`.
    """
    found = [digit.box for digit in reading.digits]
    if not found:
        return "segmentation"
    low = LOW * float(np.median([height for _, _, _, height in found]))
    if boxes is None:
        extra, missing = max(len(found) - len(label), 0), max(len(label) - len(found), 0)
        surplus = sorted(found, key=lambda box: box[3])[:extra]
        taken = sum(height >= low for _, _, _, height in reading.marks)
    else:
        surplus, lost = without_counterpart(found, boxes), without_counterpart(boxes, found)
        missing = len(lost)
        taken = missing - len(without_counterpart(lost, reading.marks))
    if len(found) == len(label) and not surplus and not missing:
        return "classification"
    if (surplus or missing) and all(box[3] < low for box in surplus) and taken >= missing:
        return "punctuation"
    return "segmentation"


def without_counterpart(boxes: Iterable[Box], others: Iterable[Box]) -> list[Box]:
    """Keep the boxes that cover the same ink as none of the others.

    Parameters
    ----------
    boxes, others : iterable of (x, y, w, h)

    Returns
    -------
    list of (x, y, w, h)
    """
    others = list(others)
    return [box for box in boxes if all(overlap(box, other) < SAME for other in others)]


def overlap(a: Box, b: Box) -> float:
    """Measure how much two boxes have in common: their intersection's area over their union's.

    Parameters
    ----------
    a, b : (x, y, w, h)
        Each at least one pixel wide and high.

    Returns
    -------
    float
        In [0, 1]; 1 for the same box, 0 for boxes apart.
    """
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


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
    rows = _read_table(folder)
    return [row["file"] for _, row in rows], [row["digits"] for _, row in rows]


def read_boxes(folder: str | Path) -> list[tuple[Box, ...] | None]:
    """Read where the digits of a folder's fields are, as far as it is known.

    Parameters
    ----------
    folder : str or Path
        As for `evaluate`, which raises the same. The column ``boxes_xywh`` of its labels.csv
        has the digits' boxes from left to right, "x y w h;x y w h", in pixels of the image;
        it may be missing, and empty for a field whose boxes aren't known.

    Returns
    -------
    list of (tuple of (x, y, w, h)) or None
        In the order of labels.csv; None where the boxes aren't known.
    """
    fields = []
    for place, row in _read_table(folder):
        text = (row.get("boxes_xywh") or "").strip()
        boxes = _parse_boxes(text) if text else None
        if boxes is not None and len(boxes) != len(row["digits"]):
            raise ValueError(
                f'{place}: boxes_xywh of {row["file"]} must be one "x y w h" of whole numbers '
                f"for each of the {len(row['digits'])} digits, parted by semicolons, or empty"
            )
        fields.append(boxes)
    return fields


def _parse_boxes(text: str) -> tuple[Box, ...]:
    """Read "x y w h;x y w h"; no boxes at all when any of them can't be."""
    boxes: list[Box] = []
    for part in text.split(";"):
        match = BOX.fullmatch(part.strip())
        if match is None:
            return ()
        x, y, width, height = map(int, match.groups())
        boxes.append((x, y, width, height))
    return tuple(boxes)


def _read_table(folder: str | Path) -> list[tuple[str, dict[str, str]]]:
    """Read and check the rows of a folder's labels.csv; before each, the place where it stands."""
    path = Path(folder) / "labels.csv"
    try:
        if not path.is_file():
            raise FileNotFoundError(
                f"there is no file {path}: it must list the columns file,digits"
            )
        with path.open(newline="", encoding="utf-8-sig") as file:  # Excel's has a mark in front
            table = csv.DictReader(file)
            if not {"file", "digits"} <= set(table.fieldnames or ()):
                raise ValueError(f"{path} must have the columns file and digits")
            rows = [(table.line_num, row) for row in table]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no table ({error}): save it as CSV in UTF-8") from error
    except OSError as error:
        if error.errno is None:  # ours, and it says all
            raise
        raise type(error)(
            f"{path} can't be read ({error.strerror}): check its permissions"
        ) from error
    if not rows:
        raise ValueError(f"{path} names no field")
    line_of: dict[str, int] = {}
    for line, row in rows:
        name, label = row["file"], row["digits"] or ""
        if not name:
            raise ValueError(
                f"{path}, line {line}: the row with the digits {label!r} must name its file"
            )
        if not (label.isascii() and label.isdecimal()):
            raise ValueError(f"{path}, line {line}: the label of {name} must be digits only")
        image = os.path.abspath(path.parent / "images" / name)  # noqa: PTH100 (follows no links)
        before = line_of.setdefault(image, line)
        if before != line:
            raise ValueError(f"{path}: lines {before} and {line} both name {name}: keep one")
    return [(f"{path}, line {line}", row) for line, row in rows]


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
