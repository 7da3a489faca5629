"""The interactive piece of the chapter on gradient descent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessonlib.network import Array
from lessonlib.optimizers import Adam, GradientDescent, Momentum, Optimizer
from lessonlib.widgets.base import Piece

Numbers = Sequence[float] | Array

# The drawing: a field with the contour lines, and room for the axes' numbers.
WIDTH, HEIGHT, LEFT, TOP = 480, 280, 36, 6
TOO_HIGH = 1e6  # a loss above it has diverged


@dataclass(frozen=True)
class Landscape:
    """A loss of two weights, and how it is drawn.

    Attributes
    ----------
    text : str
        The loss, in words and symbols.
    loss, gradient : callable
        Functions of the two weights, an array of two numbers.
    frame : tuple of float
        What the drawing shows: the smallest and largest w_1, then w_2.
    ticks : tuple of two tuples of int
        The numbers at the two axes.
    lowest : tuple of pairs
        The minima.
    start, strides : tuple of float
        Where the race starts, and how far an arrow key moves the start.
    contours : tuple of triples
        For each contour line: its loss, and its smallest and largest w_2.
    squared : callable
        The square of w_1 on a contour line, of the loss and w_2.
    """

    text: str
    loss: Callable[[Array], float]
    gradient: Callable[[Array], Array]
    frame: tuple[float, float, float, float]
    ticks: tuple[tuple[int, ...], tuple[int, ...]]
    lowest: tuple[tuple[float, float], ...]
    start: tuple[float, float]
    strides: tuple[float, float]
    contours: tuple[tuple[float, float, float], ...]
    squared: Callable[[float, float], float]

    def place(self, w: Numbers) -> tuple[float, float]:
        """Turn two weights into a place in the field."""
        left, right, low, high = self.frame
        x, y = (w[0] - left) / (right - left), (high - w[1]) / (high - low)
        return round(float(WIDTH * x), 1), round(float(HEIGHT * y), 1)


def _saddle_contours(levels: Sequence[float]) -> tuple[tuple[float, float, float], ...]:
    """Find the contour lines of the saddle: below 0 one about each minimum, above 0 one about both.

    They are crossed by the line w_1 = 0 where w_2² = 1 ± sqrt(1 + 4 L).
    """
    found: list[tuple[float, float, float]] = []
    for level in levels:
        root = np.sqrt(1 + 4 * level)
        outer, inner = float(np.sqrt(1 + root)), float(np.sqrt(max(0.0, 1 - root)))
        if level > 0:
            found += [(level, -outer, outer)]
        else:
            found += [(level, inner, outer), (level, -outer, -inner)]
    return tuple(found)


LANDSCAPES = {
    "valley": Landscape(
        text="L = (w₁² + 20 w₂²)/2, equation (4.2): 20 times as steep across as along.",
        loss=lambda w: float((w[0] ** 2 + 20 * w[1] ** 2) / 2),
        gradient=lambda w: np.array([w[0], 20 * w[1]]),
        frame=(-10.5, 4.5, -3, 3),
        ticks=((-10, -5, 0), (-2, 0, 2)),
        lowest=((0, 0),),
        start=(-9, 1),
        strides=(0.5, 0.1),
        contours=tuple(
            (level, -((level / 10) ** 0.5), (level / 10) ** 0.5)
            for level in (2, 8, 18, 32, 50, 72, 98)
        ),
        squared=lambda level, w_2: 2 * level - 20 * w_2**2,
    ),
    "saddle": Landscape(
        text="L = (w₁² − w₂²)/2 + w₂⁴/4: level at (0, 0), lowest at (0, 1) and (0, −1), "
        "where L = −0.25.",
        loss=lambda w: float((w[0] ** 2 - w[1] ** 2) / 2 + w[1] ** 4 / 4),
        gradient=lambda w: np.array([w[0], w[1] * w[1] * w[1] - w[1]]),
        frame=(-3, 3, -1.75, 1.75),
        ticks=((-2, -1, 0, 1, 2), (-1, 0, 1)),
        lowest=((0, 1), (0, -1)),
        start=(-2.5, 0.1),
        strides=(0.1, 0.05),
        contours=_saddle_contours((-0.2, -0.1, 0, 0.25, 0.75, 1.5, 2.5, 3.75)),
        squared=lambda level, w_2: 2 * level + w_2**2 - w_2**4 / 2,
    ),
}


@dataclass(frozen=True)
class Runner:
    """An optimizer in the race, and how its path is drawn."""

    optimizer: Callable[..., Optimizer]
    color: str
    dashes: str
    mark: str  # relative to its middle


RUNNERS = {
    "descent": Runner(GradientDescent, "#0072b2", "none", "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0"),
    "momentum": Runner(Momentum, "#b34700", "7 3", "m-3-3h6v6h-6z"),
    "Adam": Runner(Adam, "#00795a", "2 3", "m0-4l4 7h-8z"),
}
# The three paths of the chapter.
RATES, BETA, STEPS = {"descent": 0.09, "momentum": 0.05, "Adam": 0.7}, 0.8, 40
OVER_THE_LIMIT = dict.fromkeys(RUNNERS, 0.102)


def descent_race() -> Piece:
    """Let gradient descent, momentum and Adam run down a valley or past a saddle.

    Returns
    -------
    Piece
        Shows as HTML at the end of a cell.
    """
    valley = LANDSCAPES["valley"]
    # How each runner ends: as in the chapter, over the limit, and with larger gradients.
    ends = {
        "the rates above": _losses(RATES),
        "all at η = 0.102": _losses(OVER_THE_LIMIT),
        "gradients × 1,000": _losses(RATES, scale=1_000),
    }
    paths = _paths(RATES)
    drawn = "".join(_drawn(name, [valley.place(w) for w in paths[name]]) for name in RUNNERS)
    rates = ", ".join(f"{name} η = {RATES[name]}" for name in RUNNERS)
    losses = ", ".join(f"{loss} for {name}" for name, loss in ends["the rates above"].items())
    said = f"{STEPS} steps down the valley of equation (4.2): {rates}, β = {BETA}."
    head = "".join(f'<th scope="col">{title}</th>' for title in ("runner", *ends))
    rows = "".join(
        f'<tr><th scope="row">{_sample(name)} {name}</th>'
        + "".join(f"<td>{end[name]}</td>" for end in ends.values())
        + "</tr>"
        for name in RUNNERS
    )
    still = (
        f'<p>{said}</p><svg class="ll-race-picture" viewBox="0 0 520 312" role="img" '
        f'aria-label="Contour lines and three paths from (−9, 1) to the minimum at 0.">'
        f"{_ground(valley)}{_field(drawn + _minima(valley))}</svg>"
        f"<p>The loss L after {STEPS} steps:</p>"
        f'<div class="ll-scroll" role="region" aria-label="Losses" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        "<p>Above η = 2/20 a step of descent makes w₂ larger. Adam divides by the size of the "
        "gradients, and takes the same path when all are 1,000 times as large.</p>"
    )
    data = {
        "landscapes": {
            name: {
                "text": one.text,
                "frame": one.frame,
                "start": one.start,
                "strides": one.strides,
                "ground": _ground(one),
                "minima": _minima(one),
            }
            for name, one in LANDSCAPES.items()
        },
        "runners": [
            {"name": name, "dashes": one.dashes, "mark": one.mark, "sample": _sample(name)}
            for name, one in RUNNERS.items()
        ],
        "rates": [RATES[name] for name in RUNNERS],
        "beta": BETA,
        "steps": STEPS,
    }
    return Piece(
        "descent_race",
        "descentRace",
        "Descent race",
        f"{said} The loss falls from 50.5 to {losses}.",
        still,
        data,
    )


def run_path(
    runner: str,
    landscape: str,
    start: Numbers,
    steps: int,
    scale: float = 1,
    **settings: Any,
) -> Array:
    """Compute a runner's path: the weights before the first and after each step."""
    w = np.array(start, dtype=float)
    optimizer = RUNNERS[runner].optimizer([w], **settings)
    path = [w.copy()]
    for _ in range(steps):
        optimizer.step([scale * LANDSCAPES[landscape].gradient(w)])
        path.append(w.copy())
    return np.array(path)


def in_words(loss: float) -> str:
    """Write a loss as the piece does; a large one by its power of ten, as the chapter does."""
    if not np.isfinite(loss):
        return "∞"
    if loss > TOO_HIGH:
        power = str(int(np.log10(loss))).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"over 10{power}"
    text = f"{loss:.{4 if abs(loss) < 10 else 2}f}"
    return (text if float(text) else text.replace("-", "")).replace("-", "−")


def _paths(rates: Mapping[str, float], scale: float = 1) -> dict[str, Array]:
    """Compute the three paths of 40 steps down the valley."""
    start = LANDSCAPES["valley"].start
    paths = {}
    for name in RUNNERS:
        settings = {"lr": rates[name]} | ({"beta": BETA} if name == "momentum" else {})
        paths[name] = run_path(name, "valley", start, STEPS, scale, **settings)
    return paths


def _losses(rates: Mapping[str, float], scale: float = 1) -> dict[str, str]:
    """Compute the three losses after 40 steps down the valley."""
    loss = LANDSCAPES["valley"].loss
    return {name: in_words(loss(path[-1])) for name, path in _paths(rates, scale).items()}


def _line(places: Sequence[tuple[float, float]]) -> str:
    """Join places by a line, in SVG's words."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)


def _field(content: str) -> str:
    """Put a drawing into the field, which cuts off what lies outside."""
    box = f'x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg {box} viewBox="0 0 {WIDTH} {HEIGHT}">{content}</svg>'


def _drawn(name: str, places: Sequence[tuple[float, float]]) -> str:
    """Draw a path: a line, a mark for each step, and a large one at its end."""
    runner = RUNNERS[name]
    marks = "".join(f"M{x:g} {y:g}{runner.mark}" for x, y in places)
    x, y = places[-1]
    return (
        f'<g class="ll-race-{name}" color="{runner.color}" fill="currentColor">'
        f'<path d="{_line(places)}" fill="none" stroke="currentColor" stroke-width="2" '
        f'stroke-dasharray="{runner.dashes}"/><path d="{marks}"/>'
        f'<path d="M0 0{runner.mark}" transform="translate({x:g} {y:g}) scale(1.6)"/></g>'
    )


def _sample(name: str) -> str:
    """Draw a piece of a runner's path for the table."""
    path = _drawn(name, [(4, 8), (27, 8)])
    return (
        f'<svg class="ll-race-sample" width="34" height="16" viewBox="0 0 34 16" '
        f'aria-hidden="true">{path}</svg>'
    )


def _ground(landscape: Landscape) -> str:
    """Draw what lies under the paths: contour lines and axes."""
    lines = "".join(f"{_line(_contour(landscape, *one))}z" for one in landscape.contours)
    numbers = []
    bottom = TOP + HEIGHT
    for tick in landscape.ticks[0]:
        x = LEFT + landscape.place((tick, 0))[0]
        numbers.append(f'<path d="M{x:g} {bottom}v4" stroke="currentColor"/>')
        numbers.append(_text(x, bottom + 20, "middle", str(tick)))
    for tick in landscape.ticks[1]:
        y = TOP + landscape.place((0, tick))[1]
        numbers.append(f'<path d="M{LEFT} {y:g}h-4" stroke="currentColor"/>')
        numbers.append(_text(LEFT - 7, y + 5, "end", str(tick)))
    numbers.append(_text(LEFT + WIDTH - 12, bottom + 20, "middle", "w₁"))
    numbers.append(_text(LEFT - 7, TOP + 14, "end", "w₂"))
    return (
        f'<g font-size="16" fill="currentColor">{"".join(numbers)}</g>'
        f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" '
        'stroke="currentColor" stroke-opacity="0.5"/>'
        + _field(f'<path d="{lines}" fill="none" stroke="currentColor" stroke-opacity="0.35"/>')
    )


def _minima(landscape: Landscape) -> str:
    """Draw a cross at each minimum, over the paths."""
    places = map(landscape.place, landscape.lowest)
    crosses = "".join(f"M{x - 11:g} {y:g}h22M{x:g} {y - 11:g}v22" for x, y in places)
    return f'<path d="{crosses}" stroke="currentColor" stroke-width="2"/>'


def _text(x: float, y: float, anchor: str, text: str) -> str:
    """Write at a place in the drawing."""
    shown = text.replace("-", "−")
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{shown}</text>'


def _contour(
    landscape: Landscape, level: float, low: float, high: float
) -> list[tuple[float, float]]:
    """Follow a contour line: up on the right, down on the left, in shorter steps at the ends."""
    part = np.linspace(-1, 1, 33)
    across = (low + high) / 2 + (high - low) / 2 * part * (3 - part**2) / 2
    along = [max(0.0, landscape.squared(level, w_2)) ** 0.5 for w_2 in across]
    right = [landscape.place(w) for w in zip(along, across, strict=True)]
    left = [landscape.place((-w_1, w_2)) for w_1, w_2 in zip(along, across, strict=True)]
    return right + left[::-1]
