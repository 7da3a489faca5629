"""The interactive piece of the chapter on backpropagation."""

import math
import re
from collections.abc import Mapping
from itertools import starmap
from types import SimpleNamespace
from typing import Any

from lessonlib.widgets.base import Piece

# The chapter's network, and its two passes as the chapter writes them: shown, and run below.
NUMBERS = {
    "x_1": 1, "x_2": 2, "y": 1,
    "w_1A": 2, "w_2A": -1, "b_A": 1,
    "w_1B": 1, "w_2B": 1, "b_B": -1,
    "w_AC": 3, "w_BC": -1, "b_C": 2,
}  # fmt: skip
FORWARD_PASS = """\
def forward_pass(net):
    net.z_A = net.x_1 * net.w_1A + net.x_2 * net.w_2A + net.b_A
    net.z_B = net.x_1 * net.w_1B + net.x_2 * net.w_2B + net.b_B
    net.a_A, net.a_B = max(0, net.z_A), max(0, net.z_B)
    net.z_C = net.a_A * net.w_AC + net.a_B * net.w_BC + net.b_C
    net.L = (net.z_C - net.y) ** 2 / 2
    return net.L
"""
BACKWARD_PASS = """\
def backward_pass(net):
    d = SimpleNamespace(L=1)
    d.z_C = net.z_C - net.y
    d.w_AC, d.w_BC, d.b_C = d.z_C * net.a_A, d.z_C * net.a_B, d.z_C
    d.a_A, d.a_B = d.z_C * net.w_AC, d.z_C * net.w_BC
    d.z_A, d.z_B = d.a_A * (net.z_A > 0), d.a_B * (net.z_B > 0)
    d.w_1A, d.w_2A, d.b_A = d.z_A * net.x_1, d.z_A * net.x_2, d.z_A
    d.w_1B, d.w_2B, d.b_B = d.z_B * net.x_1, d.z_B * net.x_2, d.z_B
    d.x_1 = d.z_A * net.w_1A + d.z_B * net.w_1B
    d.x_2 = d.z_A * net.w_2A + d.z_B * net.w_2B
    return d
"""

# The drawing, in pixels: the middles of the boxes, and of what is written at arrows.
SIZE = (748, 352)
BOX = (84, 66)
BOXES = {
    "x_1": (44, 100), "z_A": (290, 100), "a_A": (404, 100), "z_C": (590, 175), "L": (704, 175),
    "x_2": (44, 250), "z_B": (290, 250), "a_B": (404, 250),
}  # fmt: skip
LABEL = (88, 40)
LABELS = {
    "w_1A": (167, 100), "w_1B": (137, 147), "w_2A": (137, 203), "w_2B": (167, 250),
    "w_AC": (497, 138), "w_BC": (497, 212),
    "b_A": (290, 23), "b_B": (290, 327), "b_C": (590, 98), "y": (704, 98),
}  # fmt: skip


def pencil_backpropagation() -> Piece:
    """Step through both passes of the network of nine parameters, and foretell each gradient.

    Returns
    -------
    Piece
        Shows as HTML at the end of a cell.
    """
    values, gradients = two_passes(NUMBERS)
    forward = ", ".join(f"{name} = {_number(values[name])}" for name in ("z_A", "z_B", "z_C", "L"))
    said = (
        f"The forward pass goes from the inputs to the loss: {forward}. The backward pass starts "
        f"at the loss. Its first gradient is ∂L/∂z_C = z_C − y = {_number(gradients['z_C'])}; all "
        "others are made of it, from right to left."
    )
    set_text = re.sub(r"\b([a-z])_(\w+)", r"<i>\1</i><sub>\2</sub>", said)
    arrows = _arrows()
    return Piece(
        "pencil_backpropagation",
        "pencilBackpropagation",
        "Pencil backpropagation",
        said,
        f"<p>{set_text}</p>{_still(values, gradients, arrows)}",
        {
            "numbers": NUMBERS,
            "code": {"forward": FORWARD_PASS, "backward": BACKWARD_PASS},
            "drawing": {
                "size": SIZE,
                "box": BOX,
                "boxes": BOXES,
                "label": LABEL,
                "labels": LABELS,
                "arrows": arrows,
            },
        },
    )


def two_passes(numbers: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Run the chapter's code on inputs, label and parameters: all values, and all gradients."""
    names: dict[str, Any] = {"SimpleNamespace": SimpleNamespace}
    exec(FORWARD_PASS + BACKWARD_PASS, names)
    net = SimpleNamespace(**numbers)
    names["forward_pass"](net)
    return vars(net), vars(names["backward_pass"](net))


def _arrows() -> list[str]:
    """Give the paths of all arrows, from box to box, with a gap where a text is on the line."""
    half = BOX[0] / 2
    paths = []
    for name, (x, y) in LABELS.items():
        if name[0] == "w":
            start, end = (BOXES[_start(name)], BOXES[f"z_{name[-1]}"])
            line = (start[0] + half, start[1], end[0] - half, end[1])
            # Texts at a level line are above and below it.
            paths.append(_arrow(*line, gap=None if start[1] == end[1] else (x, y)))
        else:
            end = BOXES["L" if name == "y" else f"z_{name[-1]}"]
            toward = 1 if end[1] > y else -1
            paths.append(_arrow(x, y + 22 * toward, x, end[1] - toward * BOX[1] / 2))
    for one, other in (("z_A", "a_A"), ("z_B", "a_B"), ("z_C", "L")):
        (x, y), (to, _) = BOXES[one], BOXES[other]
        paths.append(_arrow(x + half, y, to - half, y))
    return paths


def _start(weight: str) -> str:
    """Name the box from which a weight's arrow leaves: w_1A starts at x_1, w_AC at a_A."""
    return f"{'x' if weight[2].isdigit() else 'a'}_{weight[2]}"


def _arrow(
    x: float, y: float, to_x: float, to_y: float, gap: tuple[float, float] | None = None
) -> str:
    """Draw a line with a head; it is interrupted around the text at `gap`."""
    length = math.hypot(to_x - x, to_y - y)
    along = ((to_x - x) / length, (to_y - y) / length)
    lines = [(x, y, to_x, to_y)]
    if gap:
        middle = (gap[0] - x) * along[0] + (gap[1] - y) * along[1]
        reach = min(size / 2 / abs(part) for size, part in zip(LABEL, along, strict=True) if part)
        before, behind = middle - reach, middle + reach
        lines = [
            (x, y, x + before * along[0], y + before * along[1]),
            (x + behind * along[0], y + behind * along[1], to_x, to_y),
        ]
    for turn in (1, -1):
        back = (-8 * along[0] - 4 * turn * along[1], -8 * along[1] + 4 * turn * along[0])
        lines.append((to_x, to_y, to_x + back[0], to_y + back[1]))
    return "".join(starmap("M{:.1f} {:.1f}L{:.1f} {:.1f}".format, lines))


def _still(values: Mapping[str, float], gradients: Mapping[str, float], arrows: list[str]) -> str:
    """Draw the network with every value and every gradient."""
    parts = [f'<path d="{path}" stroke="#888" fill="none"/>' for path in arrows]
    for name, (x, y) in BOXES.items():
        parts += [
            f'<rect x="{x - BOX[0] // 2}" y="{y - BOX[1] // 2}" width="{BOX[0]}" '
            f'height="{BOX[1]}" rx="6" stroke="#888" fill="none"/>',
            _text(x, y - 14, _symbol(name)),
            _text(x, y + 6, f"→ {_number(values[name])}", "value"),
            _text(x, y + 26, f"← {_number(gradients[name])}", "gradient"),
        ]
    for name, (x, y) in LABELS.items():
        parts.append(_text(x, y - 6, f"{_symbol(name)} = {_number(values[name])}", "value"))
        if name in gradients:
            parts.append(_text(x, y + 15, f"← {_number(gradients[name])}", "gradient"))
    said = ", ".join(f"{name} {_number(gradient)}" for name, gradient in gradients.items())
    return (
        f'<svg viewBox="0 0 {SIZE[0]} {SIZE[1]}" width="{SIZE[0]}" role="img" font-size="15" '
        f'text-anchor="middle" aria-label="The network as boxes joined by arrows, with its values '
        f'in blue and the gradients in red: {said}.">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    # The colour of the attribute holds where the piece's style is missing.
    color = {"value": "#0072b2", "gradient": "#b34700"}.get(kind, "currentColor")
    return f'<text x="{x}" y="{y}" class="ll-{kind or "name"}" fill="{color}">{text}</text>'


def _symbol(name: str) -> str:
    letter, _, index = name.partition("_")
    below = f'<tspan dy="4" font-size="11">{index}</tspan><tspan dy="-4">&#8203;</tspan>'
    return f'<tspan font-style="italic">{letter}</tspan>{below if index else ""}'


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
