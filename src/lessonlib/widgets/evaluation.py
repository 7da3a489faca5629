"""The interactive piece of the chapter on evaluation."""

import csv
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from lessonlib import data_path
from lessonlib.widgets.base import Piece

# The two kinds of writers in the file, and what the reader calls them.
WRITERS = {"calibration": "writers as in the calibration", "others": "other writers"}
MOST_WRONG = 0.01  # of the accepted fields, at the first threshold
PRICES = {"error": 20, "rejection": 1}

# The drawing, in pixels: fields read right stand on the axis, misread ones hang below it.
WIDTH, HEIGHT, BOTTOM, AXIS = 500, 324, 278, 212
LEFT, UNIT = 14, 36  # where a log odds of LOWEST is, and how wide one unit of log odds
LOWEST, HIGHEST = -3, 10  # log odds of what is drawn as 0 and as 1: confidences have four digits
TICKS = (0, 0.1, 0.5, 0.9, 0.99, 0.999, 1)
# Of fields read right, and of misread ones: the least distance, the first row, the way to the next.
ROWS = {True: (5.5, AXIS - 4, -5.5), False: (8, AXIS + 8, 7.5)}


class Field(NamedTuple):
    """A field: what it should say, what it was read as, and how sure the reader is."""

    label: str
    read: str
    confidence: float

    @property
    def right(self) -> bool:
        """Whether it was read right."""
        return self.label == self.read


class Counts(NamedTuple):
    """How many fields a threshold accepts, how many of them are wrong, how many it rejects."""

    accepted: int
    wrong: int
    rejected: int


def bank_desk() -> Piece:
    """Slide the threshold on the confidence over real predictions, and see what it costs.

    Returns
    -------
    Piece
        Shows as HTML at the end of a cell.
    """
    threshold = lowest_within(desk_fields()["calibration"], MOST_WRONG)
    said = (
        f"The line reader read 200 fields of writers as in its calibration. At a threshold of "
        f"{threshold:.4f} at most 1 % of the accepted ones are wrong. "
        "Others wrote the same amounts."
    )
    results = {name: _results(fields, threshold) for name, fields in desk_fields().items()}
    told = ". ".join(
        f"{WRITERS[name].capitalize()}: "
        + ", ".join(f"{title} {value}" for title, value in result.items())
        for name, result in results.items()
    )
    pictures = "".join(
        f"<p>{WRITERS[name].capitalize()}:</p>{_still(fields, threshold, name)}"
        for name, fields in desk_fields().items()
    )
    return Piece(
        "bank_desk",
        "bankDesk",
        "The bank's desk",
        f"{said} {told}.",
        f"<p>{said} Each mark is a field: a dot is read right, a cross misread.</p>{pictures}"
        f"{_table(results)}",
        {
            "writers": [
                {
                    "name": WRITERS[name],
                    "fields": [
                        (*field, *place)
                        for field, place in zip(fields, places(fields), strict=True)
                    ],
                }
                for name, fields in desk_fields().items()
            ],
            "mostWrong": MOST_WRONG,
            "prices": PRICES,
            "ground": _ground(),
        },
    )


@cache
def desk_fields() -> dict[str, list[Field]]:
    """Read the fields of both kinds of writers from data/desk.csv, which tools/desk.py makes."""
    found: dict[str, list[Field]] = {name: [] for name in WRITERS}
    with data_path("desk.csv").open(encoding="utf-8", newline="") as file:
        next(file)  # how it was made
        for row in csv.DictReader(file):
            field = Field(row["label"], row["read"], float(row["confidence"]))
            found[row["writers"]].append(field)
    return found


def counts_at(fields: Sequence[Field], threshold: float) -> Counts:
    """Count what a threshold accepts, what is wrong among that, and what it rejects."""
    accepted = [field for field in fields if field.confidence >= threshold]
    wrong = sum(not field.right for field in accepted)
    return Counts(len(accepted), wrong, len(fields) - len(accepted))


def lowest_within(fields: Sequence[Field], most_wrong: float) -> float:
    """Find the lowest confidence at which at most such a share of the accepted fields is wrong."""
    thresholds = sorted({field.confidence for field in fields})
    counts = ((threshold, counts_at(fields, threshold)) for threshold in thresholds)
    return next(
        (threshold for threshold, one in counts if one.wrong <= most_wrong * one.accepted), 1.0
    )


def across(confidence: float) -> float:
    """Give the place of a confidence from left to right: its log odds, cut off at both ends."""
    if not 0 < confidence < 1:
        odds = float(LOWEST if confidence <= 0 else HIGHEST)
    else:
        odds = math.log(confidence / (1 - confidence))
    return round(LEFT + UNIT * (min(max(odds, LOWEST), HIGHEST) - LOWEST), 1)


def places(fields: Sequence[Field]) -> list[tuple[float, float]]:
    """Put each field at its confidence, in the row nearest to the axis where it covers no other."""
    rows: dict[bool, list[list[float]]] = {True: [], False: []}
    found = []
    for field in fields:
        x = across(field.confidence)
        distance, first, step = ROWS[field.right]
        taken = rows[field.right]
        free = (
            row for row, others in enumerate(taken) if all(abs(x - o) >= distance for o in others)
        )
        row = next(free, len(taken))
        taken[row : row + 1] = [[*(taken[row] if row < len(taken) else []), x]]
        found.append((x, first + row * step))
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"


def _results(fields: Sequence[Field], threshold: float) -> dict[str, str]:
    """Say what a threshold does, and how far the confidence is from the share read right."""
    from lessonlib.evaluation import wilson_interval  # imports torch: seconds, so only here

    accepted, wrong, rejected = counts_at(fields, threshold)
    low, high = wilson_interval(wrong, accepted)
    return {
        "accepted": f"{accepted} of {len(fields)}",
        "wrong": str(wrong),
        "error": _percent(wrong / accepted),
        "95 % interval": f"{100 * low:.1f} to {_percent(high)}",
        "rejected": _percent(rejected / len(fields)),
        "mean confidence": _percent(sum(field.confidence for field in fields) / len(fields)),
        "read right": _percent(sum(field.right for field in fields) / len(fields)),
    }


def _table(results: Mapping[str, Mapping[str, str]]) -> str:
    """Write the results of both kinds of writers side by side."""
    head = "".join(f'<th scope="col">{WRITERS[name]}</th>' for name in results)
    first, second = results.values()
    rows = "".join(
        f'<tr><th scope="row">{title}</th><td>{value}</td><td>{second[title]}</td></tr>'
        for title, value in first.items()
    )
    return (
        '<div class="ll-scroll" role="region" aria-label="Results" tabindex="0"><table><thead><tr>'
        f"<td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _still(fields: Sequence[Field], threshold: float, name: str) -> str:
    """Draw all fields and the threshold."""
    dots, crosses = "", ""
    for field, (x, y) in zip(fields, places(fields), strict=True):
        if field.right:
            dots += f"M{x:g} {y:g}h0"
        else:
            crosses += f"M{x - 3:g} {y - 3:g}l6 6m-6 0l6-6"
    x = across(threshold)
    counts = counts_at(fields, threshold)
    return (
        f'<svg class="ll-desk-picture" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        f'aria-label="Fields by confidence, {WRITERS[name]}: {counts.wrong} of '
        f'{counts.accepted} accepted ones are wrong.">{_ground()}'
        f'<rect x="1" y="1" width="{x - 1:g}" height="{BOTTOM - 1}" fill="currentColor" '
        'fill-opacity="0.08"/>'
        f'<path class="ll-desk-right" d="{dots}" stroke="#0072b2" stroke-width="5" '
        'stroke-linecap="round"/>'
        f'<path class="ll-desk-wrong" d="{crosses}" stroke="#b34700" stroke-width="2"/>'
        f'<path d="M{x:g} 1V{BOTTOM}" stroke="currentColor" stroke-width="2"/>'
        '<g font-size="16" fill="currentColor">'
        f'<text x="{x - 8:g}" y="18" text-anchor="end">rejected</text>'
        f'<text x="{x + 8:g}" y="18">accepted</text></g></svg>'
    )


def _ground() -> str:
    """Draw what lies under the marks: the frame, the axis and its numbers."""
    ticks = "".join(f"M{across(tick):g} {BOTTOM}v5" for tick in TICKS)
    numbers = "".join(
        f'<text x="{across(tick):g}" y="{BOTTOM + 21}">{tick:g}</text>' for tick in TICKS
    )
    return (
        f'<rect x="1" y="1" width="{WIDTH - 2}" height="{BOTTOM - 1}" fill="none" '
        'stroke="currentColor" stroke-opacity="0.5"/>'
        f'<path d="M1 {AXIS}h{WIDTH - 2}{ticks}" stroke="currentColor" stroke-opacity="0.5"/>'
        f'<g font-size="16" text-anchor="middle" fill="currentColor">{numbers}'
        f'<text x="{WIDTH // 2}" y="{BOTTOM + 41}">confidence (stretched near 0 and near 1)</text>'
        "</g>"
    )
