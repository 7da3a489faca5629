"""The labels of a folder of fields: labels.csv."""

import csv
import os
import re
from pathlib import Path

from lessonlib.checks.reader import Box

BOX_PATTERN = re.compile(r"(\d{1,6}) +(\d{1,6}) +([1-9]\d{0,5}) +([1-9]\d{0,5})", re.ASCII)


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
        match = BOX_PATTERN.fullmatch(part.strip())
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
