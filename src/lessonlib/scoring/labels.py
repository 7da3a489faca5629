"""The labels of a folder of fields: labels.csv."""

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

from lessonlib.checks.image import Box
from lessonlib.files import explained

BOX_PATTERN = re.compile(r"(\d{1,6}) +(\d{1,6}) +([1-9]\d{0,5}) +([1-9]\d{0,5})", re.ASCII)


@dataclass(frozen=True)
class LabelledField:
    """One row of labels.csv.

    Attributes
    ----------
    file : str
        Name of the image, in the folder ``images``.
    digits : str
        The digits that are there.
    boxes : tuple of (x, y, w, h), optional
        Where these digits are, from left to right, in pixels of the image; None if not known.
    """

    file: str
    digits: str
    boxes: tuple[Box, ...] | None = None


def read_fields(folder: str | Path) -> list[LabelledField]:
    """Read a folder's labels.csv.

    Its columns are ``file``, ``digits`` and, if known, ``boxes_xywh``: "x y w h;x y w h", which
    may be empty. Others are ignored.

    Raises
    ------
    OSError
        When labels.csv is missing or may not be read.
    ValueError
        When it lacks a column, names no field or one image twice, or has a label that is not
        digits, or boxes that can't be.
    """
    path = Path(folder) / "labels.csv"
    fields = []
    line_of: dict[str, int] = {}
    for line, row in _read_table(path):
        field = _parse_row(row, f"{path}, line {line}")
        image = os.path.abspath(path.parent / "images" / field.file)  # noqa: PTH100 (follows no links)
        before = line_of.setdefault(image, line)
        if before != line:
            raise ValueError(f"{path}: lines {before} and {line} both name {field.file}: keep one")
        fields.append(field)
    return fields


def read_labels(folder: str | Path) -> tuple[list[str], list[str]]:
    """Read the names of a folder's images, and the digits on each, as `read_fields` does."""
    fields = read_fields(folder)
    return [field.file for field in fields], [field.digits for field in fields]


def _read_table(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Read the rows of labels.csv, each with the number of its line."""
    try:
        with explained(path, "can't be read", "check its permissions"):
            if not path.is_file():
                raise FileNotFoundError(
                    f"there is no file {path}: it must list the columns file,digits"
                )
            with path.open(newline="", encoding="utf-8-sig") as file:  # Excel's has a mark in front
                table = csv.DictReader(file, restval="")
                if not {"file", "digits"} <= set(table.fieldnames or ()):
                    raise ValueError(f"{path} must have the columns file and digits")
                rows = [(table.line_num, row) for row in table]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no table ({error}): save it as CSV in UTF-8") from error
    if not rows:
        raise ValueError(f"{path} names no field")
    return rows


def _parse_row(row: dict[str, str], place: str) -> LabelledField:
    """Check a row; an error names the place where it stands."""
    name, digits, text = row["file"], row["digits"], row.get("boxes_xywh", "").strip()
    if not name:
        raise ValueError(f"{place}: the row with the digits {digits!r} must name its file")
    if not (digits.isascii() and digits.isdecimal()):
        raise ValueError(f"{place}: the label of {name} must be digits only")
    boxes = _parse_boxes(text) if text else None
    if boxes is not None and len(boxes) != len(digits):
        raise ValueError(
            f'{place}: boxes_xywh of {name} must be one "x y w h" of whole numbers '
            f"for each of the {len(digits)} digits, parted by semicolons, or empty"
        )
    return LabelledField(name, digits, boxes)


def _parse_boxes(text: str) -> tuple[Box, ...]:
    """Read "x y w h;x y w h"; no boxes at all when any of them can't be."""
    boxes: list[Box] = []
    for part in text.split(";"):
        match = BOX_PATTERN.fullmatch(part.strip())
        if match is None:
            return ()
        x, y, width, height = map(int, match.groups())
        boxes.append((x, y, width, height))
    return tuple(boxes)
