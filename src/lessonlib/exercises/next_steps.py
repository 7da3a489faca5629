"""Checks on next steps: a convolution's cost, a receptive field, a schedule, weights as int8."""

import math
from collections.abc import Callable, Iterator, Sequence
from operator import eq
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call, new_rng
from lessonlib.exercises.answers import Mistake, Named, floats, usual_mistake

Floats = npt.NDArray[np.float64]
Layers = Sequence[tuple[int, int]]  # each window's side and stride


def _numbers(value: Any) -> Floats:
    """Turn a number, a list of them, an array or a tensor into floats, or raise TypeError."""
    array = floats(value)
    if array is None:
        raise TypeError("no numbers")  # the verdict says that what was returned doesn't fit
    return array


def _one_number(value: Any) -> float:
    array = _numbers(value)
    if array.ndim:
        raise Mistake(f"The answer is one number, and yours has shape {array.shape}.")
    return float(array)


# ---------------------------------------------------------------- what a convolution costs

Sizes = tuple[int, int, int, int, int]
Cost = Callable[[int, int, int, int, int], int]  # from a row of CONVOLUTIONS

# Channels in and out, side, height and width: all different, each 1 once, and a large one.
CONVOLUTIONS = (
    (3, 8, 5, 7, 9),
    (6, 16, 3, 11, 10),
    (1, 6, 5, 28, 20),
    (5, 1, 2, 1, 3),
    (2, 3, 1, 4, 1),
    (64, 128, 7, 112, 96),
)


def check_convolution_cost(answer: Any) -> str | None:
    """Compare with the parameters and the multiply-adds of each convolution."""
    cases = [*CONVOLUTIONS, *_convolutions(new_rng(81))]
    pairs = []
    for sizes in cases:
        pair = _numbers(call(answer, *sizes))
        if pair.shape != (2,):
            return "Return two numbers: the parameters, and the multiply-adds."
        pairs.append(pair.tolist())
    if pairs == [[_multiply_adds(*sizes), _parameters(*sizes)] for sizes in cases]:
        return "The two are exchanged: the parameters come first."
    parameters, multiply_adds = zip(*pairs, strict=True)
    return _cost_problem("parameters", parameters, cases, _parameters, PARAMETER_MISTAKES) or (
        _cost_problem("multiply-adds", multiply_adds, cases, _multiply_adds, MULTIPLY_ADD_MISTAKES)
    )


def _convolutions(rng: np.random.Generator) -> Iterator[Sizes]:
    """Draw sizes of each kind."""
    for _ in range(4):
        i, o, side, height, width = rng.integers(1, (64, 64, 8, 40, 40)).tolist()
        yield i, o, side, height, width


def _cost_problem(
    what: str, results: Sequence[float], cases: Sequence[Sizes], cost: Cost, mistakes: list[Named]
) -> str | None:
    for got, sizes in zip(results, cases, strict=True):
        if got != cost(*sizes):
            usual = usual_mistake(results, cases, mistakes, eq)
            return usual or f"The {what} of a convolution {sizes} are not {got:.10g}."
    return None


def _parameters(i: int, o: int, side: int, height: int, width: int) -> int:
    return i * o * side**2 + o


def _multiply_adds(i: int, o: int, side: int, height: int, width: int) -> int:
    return i * o * side**2 * height * width


SAME_EVERYWHERE = (
    "The weights are the same everywhere: the height and width don't multiply their number."
)
PARAMETER_MISTAKES: list[Named] = [
    (
        lambda i, o, s, h, w: i * o * s**2,
        "You count the weights alone; each output channel has a bias, too.",
    ),
    (
        lambda i, o, s, h, w: i * o * s**2 + i,
        "One bias for each output channel, not for each input channel.",
    ),
    (
        lambda i, o, s, h, w: i * o * s**2 + 1,
        "One bias for each output channel, not one for all.",
    ),
    (
        lambda i, o, s, h, w: i * o * s**2 + i * o,
        "One bias for each output channel, not for each pair of channels.",
    ),
    (_multiply_adds, SAME_EVERYWHERE),
    (lambda i, o, s, h, w: (i * o * s**2 + o) * h * w, SAME_EVERYWHERE),
    (lambda i, o, s, h, w: i * o * s**2 * h * w + o, SAME_EVERYWHERE),
    (
        lambda i, o, s, h, w: o * s**2 + o,
        "Each output channel has weights of its own for each input channel.",
    ),
    (
        lambda i, o, s, h, w: i * s**2 + o,
        "The filters differ: count weights for each output channel.",
    ),
    (lambda i, o, s, h, w: i * o * s + o, "A filter has side times side weights, not side."),
]
MULTIPLY_ADD_MISTAKES: list[Named] = [
    (
        lambda i, o, s, h, w: i * o * s**2,
        "That is the cost of one place; the filters stop at each pixel of the output.",
    ),
    (
        lambda i, o, s, h, w: (i * o * s**2 + o) * h * w,
        "A bias is added, without a product: only weights make multiply-adds.",
    ),
    (
        lambda i, o, s, h, w: 2 * i * o * s**2 * h * w,
        "A product and its sum together are one multiply-add.",
    ),
    (
        lambda i, o, s, h, w: o * s**2 * h * w,
        "Each place of an output channel takes something from all input channels.",
    ),
    (lambda i, o, s, h, w: i * s**2 * h * w, "The work is done for each output channel."),
    (
        lambda i, o, s, h, w: i * o * s**2 * (h - s + 1) * (w - s + 1),
        "The height and width given are the size of the output: take nothing off for the window.",
    ),
]


# ---------------------------------------------------------------- a receptive field

LAYERS: tuple[list[tuple[int, int]], ...] = (
    [(5, 2), (3, 2), (4, 1)],  # every usual mistake gives another number
    [(3, 1)],
    [(5, 1)],
    [],
    [(3, 1), (3, 1)],
    [(2, 2), (3, 1)],
    [(5, 1), (2, 2), (5, 1), (2, 2)],
    [(7, 4), (1, 3), (3, 3), (2, 1)],  # a window of one pixel may have a stride, too
    [(3, 1), (3, 1), (2, 2), (3, 2), (3, 1)],
    [(2, 2)] * 6,
)


def check_receptive_field(answer: Any) -> str | None:
    """Compare with the number of pixels across that a unit on top of the layers sees."""
    cases = [(layers,) for layers in [*LAYERS, *_stacks(new_rng(82))]]
    results = [_one_number(call(answer, *case)) for case in cases]
    for got, (layers,) in zip(results, cases, strict=True):
        if got != _receptive(layers):
            where = f"For the layers {layers}" if layers else "For no layers"
            usual = usual_mistake(results, cases, RECEPTIVE_MISTAKES, eq)
            return usual or f"{where} it is not {got:.10g}."
    return None


def _stacks(rng: np.random.Generator) -> Iterator[list[tuple[int, int]]]:
    """Draw stacks of layers of some depth: hardly two of them see alike."""
    for depth in (2, 3, 4, 5):
        sides, strides = rng.integers(1, (8, 4), size=(depth, 2)).T.tolist()
        yield list(zip(sides, strides, strict=True))


def _receptive(layers: Layers) -> int:
    seen, step = 1, 1
    for side, stride in layers:
        seen += (side - 1) * step
        step *= stride
    return seen


def _own_stride_first(layers: Layers) -> int:
    seen, step = 1, 1
    for side, stride in layers:
        step *= stride
        seen += (side - 1) * step
    return seen


def _strides_of_one_layer(layers: Layers) -> int:
    strides = [1, *(stride for _, stride in layers)]
    return 1 + sum((side - 1) * before for (side, _), before in zip(layers, strides, strict=False))


def _strides_added(layers: Layers) -> int:
    seen, step = 1, 1
    for side, stride in layers:
        seen += (side - 1) * step
        step += stride - 1
    return seen


STRIDES_MULTIPLY = "Strides multiply: after two layers of stride 2 a step is four pixels wide."
RECEPTIVE_MISTAKES: list[Named] = [
    (
        lambda layers: _receptive([(side, 1) for side, _ in layers]),
        "You leave out the strides: after a stride of 2, a step is two pixels wide.",
    ),
    (
        lambda layers: sum(side for side, _ in layers),
        "You add the sides: neighbours overlap, so each layer adds its side less one.",
    ),
    (_own_stride_first, "A layer's own stride spreads the units after it, not its own window."),
    (lambda layers: _receptive(layers[::-1]), "You go through the layers backwards."),
    (_strides_of_one_layer, STRIDES_MULTIPLY),
    (_strides_added, STRIDES_MULTIPLY),
    (
        lambda layers: _receptive(layers) - 1,
        "The unit's own pixel is missing: with no layers, a unit sees 1.",
    ),
    (
        lambda layers: _receptive(layers) ** 2,
        "That is an area; asked is how many pixels it sees across.",
    ),
    (
        lambda layers: math.prod(stride for _, stride in layers),
        "That is how far apart neighbouring units are; asked is how many pixels one sees.",
    ),
]


# ---------------------------------------------------------------- a schedule

NEAR = 5e-6  # of lr; float32 errs by less than 1e-6 of it
# Steps, warm, and lr.
SCHEDULES = ((30, 8, 0.1), (7, 3, 2e-3), (10, 0, 3.0), (5, 1, 0.5), (6, 5, 20.0))


def check_warm_cosine(answer: Any) -> str | None:
    """Compare with a rise along a line, and then half a wave as in (N.5), at each step."""
    for steps, warm, lr in [*SCHEDULES, *_schedules(new_rng(83))]:
        rates = [_one_number(call(answer, step, steps, warm, lr)) for step in range(steps + 1)]
        problem = _schedule_problem(np.array(rates), steps, warm, lr)
        if problem is not None:
            return problem
    return None


def _schedules(rng: np.random.Generator) -> Iterator[tuple[int, int, float]]:
    """Draw schedules with steps to warm up, and at least three to fall."""
    for _ in range(2):
        warm = int(rng.integers(1, 10))
        yield warm + int(rng.integers(3, 20)), warm, round(rng.uniform(0.01, 2), 3)


def _schedule_problem(rates: Floats, steps: int, warm: int, lr: float) -> str | None:
    t = np.arange(steps + 1.0)
    right = np.where(t < warm, t / max(warm, 1), _half_wave(_fallen(t, steps, warm)))
    wrong = ~np.isclose(rates / lr, right, rtol=0, atol=NEAR)
    if not wrong.any():
        return None
    step = int(wrong.argmax())
    where = f"After {step} of {steps} steps, {warm} of them to warm up, with lr = {lr:g}"
    if _near(rates, right):
        return f"{where}: the result doesn't depend on lr."
    part, mistakes = (t < warm, RISE_MISTAKES) if step < warm else (t >= warm, FALL_MISTAKES)
    usual = usual_mistake([rates[part] / lr], [(t[part], steps, warm)], mistakes, _near)
    return f"{where}: {usual}" if usual else f"{where} it is not {rates[step]:g}."


def _near(got: Floats, wanted: Floats) -> bool:
    return np.allclose(got, wanted, rtol=0, atol=NEAR)


def _fallen(t: Floats, steps: int, warm: int) -> Floats:
    """Return the part of the fall that is done after t steps, from 0 to 1."""
    return (t - warm) / (steps - warm)


def _half_wave(part: Floats) -> Floats:
    return np.asarray((1 + np.cos(np.pi * part)) / 2)


# What the mistakes make of the rates for lr = 1 after t steps, an array.
EVENLY = "during the warm-up the learning rate rises evenly, from 0 to lr."
FIRST = "the first step, number 0, has the learning rate 0."
RISE_MISTAKES: list[Named] = [
    (lambda t, steps, warm: np.ones_like(t), EVENLY),
    (lambda t, steps, warm: np.zeros_like(t), EVENLY),
    (lambda t, steps, warm: 1 - _half_wave(t / warm), EVENLY),
    (lambda t, steps, warm: (t + 1) / warm, FIRST),
    (lambda t, steps, warm: (t + 1) / (warm + 1), FIRST),
    (
        lambda t, steps, warm: 1 - t / warm,
        "during the warm-up the learning rate rises; yours falls.",
    ),
    (
        lambda t, steps, warm: t / steps,
        "the rise takes the steps of the warm-up, not all of them.",
    ),
]
FALLS = "after the warm-up it has to fall, at each step."
FALL_MISTAKES: list[Named] = [
    (
        lambda t, steps, warm: _half_wave(t / steps),
        "the wave begins where the warm-up ends, so count its steps from there.",
    ),
    (
        lambda t, steps, warm: _half_wave((t - warm) / steps),
        "the wave has only the steps after the warm-up to reach 0.",
    ),
    (lambda *after: 2 * _half_wave(_fallen(*after)), "the half of (N.5) is missing."),
    (lambda *after: 1 - _half_wave(_fallen(*after)), "after the warm-up it falls; yours rises."),
    (
        lambda *after: np.cos(np.pi * _fallen(*after)),
        "the cosine alone becomes negative: add 1, and halve.",
    ),
    (
        lambda *after: _half_wave(2 * _fallen(*after)),
        "take half a wave, an angle from 0 to pi; a whole one ends where it began.",
    ),
    (
        lambda *after: np.cos(np.pi / 2 * _fallen(*after)),
        "that is a quarter of a wave; take half a one.",
    ),
    (
        lambda *after: (1 + np.cos(180 * _fallen(*after))) / 2,
        "Python's cosine wants radians, not degrees.",
    ),
    (lambda *after: 1 - _fallen(*after), "that falls along a straight line."),
    (lambda t, steps, warm: np.ones_like(t), FALLS),
    (lambda t, steps, warm: t < steps, FALLS),
    (
        lambda t, steps, warm: _half_wave(np.minimum((t - warm) / max(steps - warm - 1, 1), 1)),
        "it reaches 0 at the last step, and yours one step early.",
    ),
]


# ---------------------------------------------------------------- weights as int8


def check_quantize(answer: Any) -> str | None:
    """Compare with (N.6): weights as whole numbers, with a scale for each output."""
    for w in _weights():
        problem = _quantize_problem(call(answer, w), w)
        if problem is not None:
            return problem
    return None


def _weights() -> list[Floats]:
    rng = new_rng(84)
    drawn = []
    for d_in, d_out in ((5, 3), (3, 5), (40, 4), (1, 4), (6, 1), (4, 4)):
        # Outputs of very different size, and inputs too: one scale for all would show.
        w = rng.normal(size=(d_in, d_out)) * rng.uniform(0.01, 10, d_out)
        drawn.append(w * rng.uniform(0.1, 1, (d_in, 1)))
    some = np.array([[0.0, 1.0, -0.5], [0.0, -4.0, 0.25]])
    ties = np.array([127.0, 2.5, -2.5, 0.5, -1.5])[:, None] * [1.0, -0.25]  # each way is right
    return [*drawn, some, np.zeros((3, 2)), ties]


def _quantize_problem(got: Any, w: Floats) -> str | None:
    if not isinstance(got, tuple | list) or len(got) != 2:
        return "Return two things: the whole numbers, and the scales."
    whole, scale = np.asarray(got[0]), _numbers(got[1])
    d_in, d_out = w.shape
    if scale.shape == w.shape and whole.size == d_out != w.size:
        return "The whole numbers come first, then the scales."
    if whole.shape != w.shape:
        return f"The whole numbers have shape {whole.shape}; the weights have {w.shape}."
    if whole.dtype != np.int8:
        return f"The whole numbers are of type {whole.dtype}; an int8 takes one byte each."
    if scale.size == d_in != d_out:
        return "You have a scale for each input, a row; each output, a column, is to have one."
    scale = scale.ravel()
    if d_out > 1 and scale.size in (1, d_out) and np.all(scale == scale[0]) and np.any(w):
        return "One scale for all: give each output, a column of w, a scale of its own."
    if scale.size != d_out:
        return f"There are {d_out} outputs, and {scale.size} scales."
    largest = np.abs(w).max(axis=0)
    if not (np.isfinite(scale) & (scale > 0)).all():
        empty = np.any(~(np.isfinite(scale) & (scale > 0)) & (largest == 0))
        why = "; where all weights of an output are 0, any such will do" if empty else ""
        return f"A scale is a number above 0{why}; yours are {scale.round(6).tolist()}."
    if np.any(whole[:, largest == 0]):
        return "Where all weights of an output are 0, the whole numbers are 0, too."
    used = largest > 0
    return _scale_problem(scale[used], w[:, used]) or _rounding_problem(
        whole[:, used], w[:, used] / scale[used]
    )


def _scale_problem(scale: Floats, w: Floats) -> str | None:
    if _same_scale(scale, np.abs(w).max(axis=0) / 127):
        return None
    return usual_mistake([scale], [(w,)], SCALE_MISTAKES, _same_scale) or (
        "The largest absolute weight of each output is to become 127 or −127."
    )


def _same_scale(got: Floats, wanted: Floats) -> bool:
    return np.allclose(got, wanted, rtol=1e-4, atol=0)


SCALE_MISTAKES: list[Named] = [
    (
        lambda w: 127 / np.abs(w).max(axis=0),
        "Turned round: the scale is what a whole number of 1 stands for, so w ≈ whole · scale.",
    ),
    (
        lambda w: np.abs(w).max(axis=0) / 128,
        "128 doesn't fit into an int8: let the largest weight become 127.",
    ),
    (
        lambda w: w.max(axis=0) / 127,
        "The largest weight may be negative: look at absolute values.",
    ),
]


def _rounding_problem(whole: npt.NDArray[Any], exact: Floats) -> str | None:
    if np.all(np.abs(whole - exact) < 0.501):  # a tie may go either way
        return None
    return usual_mistake([whole], [(exact,)], ROUNDING_MISTAKES, np.array_equal) or (
        "The scales are right, and the whole numbers are not the weights divided by them."
    )


ROUNDING_MISTAKES: list[Named] = [
    (np.trunc, "You cut the decimals off: round to the nearest whole number."),
    (np.floor, "You round down: round to the nearest whole number."),
    (np.ceil, "You round up: round to the nearest whole number."),
    (lambda exact: np.abs(exact).round(), "The whole numbers keep the sign of their weights."),
]


# In the order of the exercises.
CHECKS: list[Check] = [
    check_convolution_cost,
    check_receptive_field,
    check_warm_cosine,
    check_quantize,
]
