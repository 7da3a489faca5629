"""The interactive pieces of the chapter on training.

Draw a digit, and the course's MLP reads it; and a film of three trainings of a small network.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib import data_path, models, weights
from lessonlib.checks.pictures import (
    FRAME_SIDE,
    centre,
    normalize,
    shrink,
    trim,
)
from lessonlib.synthesis.forms import SHAPES
from lessonlib.synthesis.strokes import Template
from lessonlib.widgets.base import Piece
from lessonlib.widgets.networks import network_script

Strokes = Sequence[Sequence[tuple[float, float]]]

UNITS = 10  # of the pad in each pixel of the frame
PAD_SIDE = UNITS * FRAME_SIDE
HEIGHT = 15 * UNITS  # of a sample: smaller than MNIST's digits, so that it fits into a corner
PEN = 18.0
CORNER = {"right": 7, "down": 5}  # pixels by which a sample is shifted into a corner
# What each button draws: the digit, its variant in `SHAPES`, and the button's name.
SAMPLES = (
    ("0", "round", "a 0"),
    ("1", "long_flag", "a 1"),
    ("2", "plain", "a 2"),
    ("3", "round", "a 3"),
    ("4", "open", "a 4"),
    ("7", "plain", "a 7"),
    ("7", "high_crossed", "a crossed 7"),
    ("0", "on_a_line", "a 0 on a line"),
)
FIRST = 3  # of them is on the pad at first

# The film's curves, in pixels.
PLOT = {"left": 34, "top": 10, "width": 256, "height": 126}
LOSSES = {"training": "", "validation": ' stroke-dasharray="6 3"'}  # how they are drawn


def draw_a_digit() -> Piece:
    """Draw a digit and see what the course's MLP reads, and which preparation decides.

    Returns
    -------
    Piece
        Shows as HTML at the end of a cell.
    """
    samples = [
        {"digit": int(digit), "name": name, "strokes": sample_strokes(digit, variant)}
        for digit, variant, name in SAMPLES
    ]
    digit, variant, _ = SAMPLES[FIRST]
    first = sample_strokes(digit, variant)
    cornered = [
        [(x + UNITS * CORNER["right"], y + UNITS * CORNER["down"]) for x, y in stroke]
        for stroke in first
    ]
    rows = [
        (first, prepared(inked(first, PEN), True, True)),
        (cornered, prepared(inked(cornered, PEN), False, False)),
    ]
    answers = _probabilities(np.stack([seen for _, seen in rows]))
    read = [f"{p.argmax()} with a probability of {_percent(p.max())}" for p in answers]
    text = (
        f"A {digit} is drawn small. Cropped, scaled to 20 pixels and centred, it is read "
        f"as {read[0]}. As it stands in the lower right corner, it is read as {read[1]}."
    )
    pictures = zip(rows, answers, strict=True)
    drawn = "".join(
        f'<g transform="translate(0 {165 * row})">{_row(strokes, seen, p)}</g>'
        for row, ((strokes, seen), p) in enumerate(pictures)
    )
    titles = "".join(
        f'<text x="{x}" y="12" font-size="12">{title}</text>'
        for x, title in ((0, "On the pad"), (160, "The network sees"), (320, "It answers"))
    )
    shape = 'viewBox="0 0 510 330" width="510"'
    svg = f'<svg role="img" aria-label="{text}" {shape}>{titles}{drawn}</svg>'
    return Piece(
        "draw_a_digit",
        "drawADigit",
        "Draw a digit, and be read",
        text,
        f"{svg}<p>{text}</p>",
        {"samples": samples, "first": FIRST, "pen": PEN / UNITS, "corner": CORNER},
        {"mlp": network_script("mlp")},
    )


def sample_strokes(digit: str, variant: str) -> list[list[tuple[float, float]]]:
    """Give the strokes of a digit in the middle of the pad, in whole units of the pad."""
    templates = [Template(stroke) for stroke in SHAPES[digit][variant][1].split(";")]
    curves = [template.sharp @ template.points * (HEIGHT, -HEIGHT) for template in templates]
    points = np.concatenate(curves)
    shift = PAD_SIDE / 2 - (points.min(axis=0) + points.max(axis=0)) / 2
    # A small part added before rounding: no coordinate lies between two units on any machine.
    return [
        [(x, y) for x, y in np.rint(curve + shift + 1e-6).astype(int).tolist()] for curve in curves
    ]


def inked(strokes: Strokes, pen: float) -> npt.NDArray[np.bool_]:
    """Ink strokes on a pad, bool (280, 280): what lies within half a pen's width of one of them."""
    ink = np.zeros((PAD_SIDE, PAD_SIDE), dtype=bool)
    y, x = np.mgrid[:PAD_SIDE, :PAD_SIDE] + 0.5
    for stroke in strokes:
        for (ax, ay), (bx, by) in zip(stroke, [*stroke[1:], stroke[-1]], strict=True):
            dx, dy = bx - ax, by - ay
            length = dx * dx + dy * dy
            along = np.clip(((x - ax) * dx + (y - ay) * dy) / (length or 1), 0, 1)
            ink |= (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2 <= pen * pen / 4
    return ink


def prepared(ink: npt.NDArray[np.bool_], crop: bool, middle: bool) -> npt.NDArray[np.uint8]:
    """Make the network's input from a pad's ink, uint8 (28, 28), with either step left out.

    Parameters
    ----------
    ink : NDArray[bool], shape (280, 280)
    crop : bool
        Whether to scale the digit so that its longer side is 20 pixels. Otherwise it keeps its
        size.
    middle : bool
        Whether to move its centre of mass to the middle. Otherwise it stays in its place.
    """
    if (crop and middle) or not ink.any():
        return normalize(ink)
    if crop:
        digit = shrink(trim(ink))
        frame = np.zeros((FRAME_SIDE, FRAME_SIDE), dtype=np.uint8)
        top, left = (
            _kept_place(np.flatnonzero(ink.any(axis=1 - axis)), digit.shape[axis])
            for axis in (0, 1)
        )
        frame[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
        return frame
    levels = ink.view(np.uint8) * np.uint8(255)
    size = (FRAME_SIDE, FRAME_SIDE)
    frame = np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if not middle or not frame.any():
        return frame
    rows, columns = np.flatnonzero(frame.any(axis=1)), np.flatnonzero(frame.any(axis=0))
    return centre(frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _kept_place(inked_lines: npt.NDArray[np.int64], length: int) -> int:
    """Choose where a scaled digit starts, so that the middle of its ink stays where it was."""
    middle = float(inked_lines[0] + inked_lines[-1] + 1) / 2 / UNITS
    return min(max(round(middle - length / 2), 0), FRAME_SIDE - length)


def _probabilities(seen: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    logits = weights.shipped("mlp")(models.to_tensor(seen))
    return np.asarray(logits.softmax(dim=1).detach().numpy(), dtype=np.float64)


def _percent(p: float) -> str:
    """Write a probability; what is not certain is not called so."""
    return "over 99.9 %" if p > 0.9995 else f"{100 * p:.0f} %"


def _row(strokes: Strokes, seen: npt.NDArray[np.uint8], p: npt.NDArray[np.float64]) -> str:
    """Draw a pad, the network's input and its ten probabilities, 150 units high."""
    frame = '<rect width="140" height="140" fill="none" stroke="currentColor" />'
    lines = "".join(
        f'<polyline points="{" ".join(f"{x},{y}" for x, y in stroke)}" />' for stroke in strokes
    )
    pad = (
        f'<g transform="translate(0 20)">{frame}<g transform="scale(0.5)" fill="none" '
        f'stroke="currentColor" stroke-width="{PEN:g}" stroke-linecap="round" '
        f'stroke-linejoin="round">{lines}</g></g>'
    )
    squares = (
        f'<g transform="translate(160 20)">{frame}'
        f'<g transform="scale(5)" fill="currentColor">{"".join(_squares(seen))}</g></g>'
    )
    bars = "".join(
        f'<text x="0" y="{14 * k + 11}" font-size="11">{k}</text>'
        f'<rect x="14" y="{14 * k + 2}" width="{max(1, round(90 * share))}" height="10" '
        f'fill="var({"--ll-red" if k == p.argmax() else "--ll-blue"}, gray)" />'
        f'<text x="{20 + max(1, round(90 * share))}" y="{14 * k + 11}" font-size="11">'
        f"{_percent(share)}</text>"
        for k, share in enumerate(p.tolist())
    )
    return f'{pad}{squares}<g transform="translate(320 20)">{bars}</g>'


def _squares(seen: npt.NDArray[np.uint8]) -> Iterable[str]:
    """Draw a picture's pixels, those of one level as one path; sixteen levels do."""
    levels = np.rint(seen / 255 * 16).astype(int)
    for level in range(1, 17):
        places = np.argwhere(levels == level).tolist()
        if places:
            path = "".join(f"M{column} {row}h1v1h-1z" for row, column in places)
            yield f'<path d="{path}" fill-opacity="{level / 16:g}" />'


def training_film() -> Piece:
    """Step through three trainings of a small network, and see what each epoch changes.

    Returns
    -------
    Piece
        Shows as HTML at the end of a cell.
    """
    runs = [{**run, "top": loss_top(run)} for run in film()["runs"]]
    told = " ".join(_told(run) for run in runs)
    said = "One small network is trained in three ways, from the same first weights."
    pictures = "".join(
        f"<figure><figcaption>{_told(run)}</figcaption>{_loss_curves(run)}</figure>" for run in runs
    )
    return Piece(
        "training_film",
        "trainingFilm",
        "Training film",
        f"{said} {told}",
        f"<p>{said} Solid: training loss; dashed: validation loss.</p>"
        f'<div class="ll-planes">{pictures}</div>',
        {"runs": runs},
    )


@cache
def film() -> dict[str, Any]:
    """Read the stored trainings from data/film.json, which tools/film.py makes."""
    found: dict[str, Any] = json.loads(data_path("film.json").read_text(encoding="utf-8"))
    return found


def loss_top(run: Mapping[str, Any]) -> int:
    """Choose the highest loss on the axis: above 1 only where the training brings it no lower."""
    return 1 if max(frame["validation"] for frame in run["frames"][1:]) < 1 else 4


def curve_points(values: Sequence[float], top: float) -> list[tuple[float, float]]:
    """Give the places of a curve's points, one for each frame."""
    steps = len(values) - 1
    return [
        (
            round(PLOT["left"] + PLOT["width"] * k / steps, 1),
            round(PLOT["top"] + PLOT["height"] * (1 - value / top), 1),
        )
        for k, value in enumerate(values)
    ]


def _told(run: Mapping[str, Any]) -> str:
    """Say in words how a run ends."""
    last, epochs = run["frames"][-1], run["passes"] * (len(run["frames"]) - 1)
    losses = (f"{last[name]:.{4 if last[name] < 0.1 else 3}f} in {name}" for name in LOSSES)
    return (
        f"{run['name'].capitalize()}: {run['images']:,} images, learning rate {run['lr']:g}. "
        f"After {epochs} epochs: loss {', '.join(losses)}; validation accuracy "
        f"{100 * last['accuracy']:.1f} %."
    )


def _loss_curves(run: Mapping[str, Any]) -> str:
    """Draw both losses of a run; what is above the axis is cut off."""
    left, top, width, height = PLOT.values()
    lines = ""
    for name, style in LOSSES.items():
        places = curve_points([frame[name] for frame in run["frames"]], run["top"])
        points = " ".join(f"{x - left:.1f},{y - top:.1f}" for x, y in places)
        lines += f'<polyline points="{points}"{style}/>'
    epochs = run["passes"] * (len(run["frames"]) - 1)
    return (
        f'<svg viewBox="0 0 300 172" width="300" role="img" aria-label="{_told(run)}">'
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" '
        'stroke="currentColor" stroke-opacity="0.5"/>'
        f'<svg x="{left}" y="{top}" width="{width}" height="{height}" fill="none" '
        f'stroke="currentColor" stroke-width="2">{lines}</svg>'
        '<g font-size="12" fill="currentColor" text-anchor="middle">'
        f'<text x="24" y="{top + 10}">{run["top"]}</text>'
        f'<text x="24" y="{top + height}">0</text>'
        f'<text x="{left}" y="154">0</text><text x="{left + width}" y="154">{epochs}</text>'
        f'<text x="{left + width // 2}" y="166">epoch</text></g></svg>'
    )
