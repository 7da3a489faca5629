"""The interactive piece of the chapters on checks: write an amount, and both ways read it."""

import base64
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib import data_path, weights
from lessonlib.checks import CheckReader, load_image
from lessonlib.checks.candidates import MARK, Strip, boxes_of
from lessonlib.checks.cutting import Cutting, find_candidates, searched
from lessonlib.recipes import CUTTERS, ENSEMBLE_CUTTER, LINE
from lessonlib.synthesis.forms import SHAPES
from lessonlib.synthesis.strokes import Template
from lessonlib.widgets.base import Piece
from lessonlib.widgets.networks import network_scripts

# Shipped sample checks, and their buttons' names. In the last one, one way misreads a 9.
SAMPLES = {
    "check-20.png": "$400.00",
    "check-03.png": "5066",
    "check-11.png": "3,482=",
    "check-27.png": "$8,670.17",
    "check-30.png": "23.991",
}
# How what is typed is written: the variant of each character in `SHAPES`.
TYPED = {
    "0": "round",
    "1": "flag",
    "2": "plain",
    "3": "round",
    "4": "open",
    "5": "two_strokes",
    "6": "curved",
    "7": "plain",
    "8": "s",
    "9": "straight",
    ".": "point",
}
PARTS = (
    "raster",
    "read_rough_ink",
    "read_find",
    "read_field",
    "read_networks",
    "read_candidates",
    "read_search",
    "read_cutting",
    "read_ctc",
    "read_amount",
    "read_line",
    "read_together",
)
COLOURS = ("#0072b2", "#00795a", "#9c4a7c")  # of primitives, in turn


def write_an_amount() -> Piece:
    """Write an amount, and see both ways read it: its ink, its candidates, the best path, the line.

    Returns
    -------
    Piece
        Shows as HTML at the end of a cell.
    """
    first, name = next(iter(SAMPLES.items()))
    readings = {
        title: CheckReader(way).read(data_path("checks", "images", first))
        for way, title in (
            (ENSEMBLE_CUTTER, "cut, then search"),
            (LINE, "the line whole"),
            ("ensemble", "both, weighed"),
        )
    }
    told = "; ".join(
        f"{title}: {reading.text}, {_percent(reading.confidence)}"
        for title, reading in readings.items()
    )
    text = f"A field says {name}. What is read, and how sure each way is: {told}."
    return Piece(
        "write_an_amount",
        "writeAnAmount",
        "Write an amount, and be read",
        text,
        f"{_still(first)}<p>{text} A colour is a primitive, a dashed line a cut. Below is the best "
        "path: the candidates that it takes, and their classes (· is a mark).</p>",
        {
            "samples": [{"name": title, **packed(file)} for file, title in SAMPLES.items()],
            "first": 0,
            "characters": {one: strokes_of(one, variant) for one, variant in TYPED.items()},
            "cutting": {
                "calibration": _record(ENSEMBLE_CUTTER)["calibration"],
                "sizes": CUTTERS[ENSEMBLE_CUTTER].sizes,
            },
            "line": {"calibration": _record(LINE)["calibration"]},
            "ensemble": {"calibration": _record(LINE)["ensemble"]},
        },
        network_scripts(f"reader-{ENSEMBLE_CUTTER}") | network_scripts(f"reader-{LINE}"),
        PARTS,
    )


@cache
def _record(reader: str) -> dict[str, Any]:
    return weights.read_record(weights.shipped_path(f"reader-{reader}"))


def packed(file: str) -> dict[str, Any]:
    """Pack the gray levels of a sample check, row by row, in base64."""
    gray = load_image(data_path("checks", "images", file))
    height, width = gray.shape
    levels = base64.b64encode(gray.tobytes()).decode("ascii")
    return {"width": width, "height": height, "gray": levels}


def strokes_of(character: str, variant: str) -> dict[str, Any]:
    """Give a character's width and its strokes, in shares of a digit's height, upwards.

    It begins at x = 0.
    """
    templates = [Template(stroke) for stroke in SHAPES[character][variant][1].split(";")]
    curves = [template.sharp @ template.points for template in templates]
    points = np.concatenate(curves)
    left, right = points[:, 0].min(), points[:, 0].max()
    strokes = [np.round(curve - (left, 0), 3).tolist() for curve in curves]
    return {"width": round(float(right - left), 3), "strokes": strokes}


def _percent(p: float) -> str:
    """Write a probability; what is not certain is not called so."""
    return "over 99.9 %" if p > 0.9995 else f"{100 * p:.1f} %"


def _still(file: str) -> str:
    """Draw the primitives of a sample check, its cuts, and the best path below them."""
    field = find_candidates(data_path("checks", "images", file))
    (log_p,) = _cutting().log_probabilities([field])
    path, _ = searched(field, log_p)
    strip = field.strip
    rows, width = strip.labels.shape
    steps = ""
    boxes = boxes_of(strip, field.candidates).tolist()
    for number, kind in path.steps:
        x, _, w, _ = boxes[number]
        sign = "·" if kind == MARK else str(kind)
        steps += (
            f'<rect x="{x}" y="{rows + 8}" width="{w}" height="18" fill="none" stroke="#b34700"/>'
            f'<text x="{x + w / 2:g}" y="{rows + 22}" font-size="14" text-anchor="middle">{sign}'
            "</text>"
        )
    cuts = "".join(f"M{x} -4V{rows}" for x in cut_columns(strip))
    said = "The ink of the field in primitives, and the best path through the candidates."
    return (
        f'<svg viewBox="-2 -6 {width + 4} {rows + 34}" width="{2 * width}" role="img" '
        f'aria-label="{said}">{"".join(_primitives(strip))}'
        f'<path d="{cuts}" stroke="currentColor" stroke-dasharray="3 2"/>{steps}</svg>'
    )


@cache
def _cutting() -> Cutting:
    way = CheckReader(ENSEMBLE_CUTTER).way
    assert isinstance(way, Cutting)
    return way


def _primitives(strip: Strip) -> Sequence[str]:
    """Draw each primitive as one path, a rectangle for each run of its pixels in a row."""
    return [
        f'<path d="{"".join(_runs(strip.labels == i))}" fill="{COLOURS[i % len(COLOURS)]}"/>'
        for i in range(len(strip.boxes))
    ]


def _runs(ink: npt.NDArray[np.bool_]) -> Sequence[str]:
    edges = np.diff(np.pad(ink.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, stops = np.argwhere(edges == 1).tolist(), np.argwhere(edges == -1).tolist()
    return [
        f"M{x} {row}h{stop - x}v1h{x - stop}z"
        for (row, x), (_, stop) in zip(starts, stops, strict=True)
    ]


def cut_columns(strip: Strip) -> list[int]:
    """List the columns of the cuts: where each primitive of a piece begins, but its first."""
    starts: dict[int, list[int]] = {}
    for piece, (x, *_) in zip(strip.pieces.tolist(), strip.boxes.tolist(), strict=True):
        starts.setdefault(piece, []).append(x)
    return sorted(x for own in starts.values() for x in sorted(own)[1:])
