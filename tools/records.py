"""Tables of measured values: pages show them, or tests hold what pages say to them."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lessonlib.files import write_whole


def rows_of(table: Path) -> dict[str, dict[str, str]]:
    """Read a table's rows, by their first values; without a file there are none."""
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    return {next(iter(row.values())): row for row in csv.DictReader(lines)}


def record(table: Path, row: dict[str, str], order: Callable[[str], Any]) -> None:
    """Write a row into a table, in place of the one whose first value is the same.

    Parameters
    ----------
    table : Path
        A file, which is made if it is missing. Its other rows stay.
    row : dict of str to str
        The values by the names of their columns.
    order : Callable
        The key by which the first values are sorted.
    """
    rows = rows_of(table) | {next(iter(row.values())): row}
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[first] for first in sorted(rows, key=order))
    write_whole(table, text.getvalue().encode())
