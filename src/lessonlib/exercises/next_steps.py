"""The answer checks of chapter 8: what comes after the plain multilayer perceptron."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call

Floats = npt.NDArray[np.float64]
Layers = Sequence[tuple[int, int]]


def _array(value: Any) -> npt.NDArray[Any]:
    """Take what an answer returned as an array, if it is one of numbers."""
    array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    if array.dtype.kind not in "biuf":
        raise TypeError("no numbers")
    return array


def _floats(value: Any) -> Floats:
    return _array(value).astype(np.float64)


# 8.1


# channels in and out, side, height and width: all different, each 1 once, and a large one
CONVOLUTIONS = (
    (3, 8, 5, 7, 9),
    (6, 16, 3, 11, 10),
    (1, 6, 5, 28, 20),
    (5, 1, 2, 1, 3),
    (2, 3, 1, 4, 1),
    (64, 128, 7, 112, 96),
)


def check_convolution_cost(answer: Any) -> str | None:
    """Exercise 8.1: parameters and multiply-adds of a convolution."""
    pairs = []
    for case in CONVOLUTIONS:
        got = _floats(call(answer, *case))
        if got.shape != (2,):
            return "Return two numbers: the parameters, and the multiply-adds."
        pairs.append((float(got[0]), float(got[1])))
    parameters, multiply_adds = (list(values) for values in zip(*pairs, strict=True))
    if (multiply_adds, parameters) == (_all(_parameters), _all(_multiply_adds)):
        return "The two are exchanged: the parameters come first."
    return _cost_problem("parameters", parameters, _parameters, PARAMETER_MISTAKES) or (
        _cost_problem("multiply-adds", multiply_adds, _multiply_adds, MULTIPLY_ADD_MISTAKES)
    )


Cost = Callable[[int, int, int, int, int], int]


def _all(cost: Cost) -> list[float]:
    return [float(cost(*case)) for case in CONVOLUTIONS]


def _cost_problem(
    what: str, got: list[float], right: Cost, mistakes: Sequence[tuple[str, Cost]]
) -> str | None:
    if got == _all(right):
        return None
    for message, wrong in mistakes:
        if got == _all(wrong):
            return message
    case, value = next(
        (c, v) for c, v, r in zip(CONVOLUTIONS, got, _all(right), strict=True) if v != r
    )
    return f"The {what} of a convolution {case} are not {value:.10g}."


def _parameters(i: int, o: int, side: int, height: int, width: int) -> int:
    return i * o * side**2 + o


def _multiply_adds(i: int, o: int, side: int, height: int, width: int) -> int:
    return i * o * side**2 * height * width


PARAMETER_MISTAKES: list[tuple[str, Cost]] = [
    (
        "You count the weights alone; each output channel has a bias, too.",
        lambda i, o, s, h, w: i * o * s**2,
    ),
    (
        "One bias for each output channel, not for each input channel.",
        lambda i, o, s, h, w: i * o * s**2 + i,
    ),
    (
        "One bias for each output channel, not one for all.",
        lambda i, o, s, h, w: i * o * s**2 + 1,
    ),
    (
        "One bias for each output channel, not for each pair of channels.",
        lambda i, o, s, h, w: i * o * s**2 + i * o,
    ),
    *(
        (
            "The weights are the same everywhere: the height and width don't multiply their "
            "number.",
            wrong,
        )
        for wrong in (
            _multiply_adds,
            lambda i, o, s, h, w: (i * o * s**2 + o) * h * w,
            lambda i, o, s, h, w: i * o * s**2 * h * w + o,
        )
    ),
    (
        "Each output channel has weights of its own for each input channel.",
        lambda i, o, s, h, w: o * s**2 + o,
    ),
    (
        "The filters differ: count weights for each output channel.",
        lambda i, o, s, h, w: i * s**2 + o,
    ),
    ("A filter has side times side weights, not side.", lambda i, o, s, h, w: i * o * s + o),
]
MULTIPLY_ADD_MISTAKES: list[tuple[str, Cost]] = [
    (
        "That is the cost of one place; the filters stop at each pixel of the output.",
        lambda i, o, s, h, w: i * o * s**2,
    ),
    (
        "A bias is added, without a product: only weights make multiply-adds.",
        lambda i, o, s, h, w: (i * o * s**2 + o) * h * w,
    ),
    (
        "A product and its sum together are one multiply-add.",
        lambda i, o, s, h, w: 2 * i * o * s**2 * h * w,
    ),
    (
        "Each place of an output channel takes something from all input channels.",
        lambda i, o, s, h, w: o * s**2 * h * w,
    ),
    ("The work is done for each output channel.", lambda i, o, s, h, w: i * s**2 * h * w),
    (
        "The height and width given are the size of the output: take nothing off for the window.",
        lambda i, o, s, h, w: i * o * s**2 * (h - s + 1) * (w - s + 1),
    ),
]


# 8.2


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
    """Exercise 8.2: how many pixels across a unit sees."""
    seen = []
    for layers in LAYERS:
        got = _floats(call(answer, layers))
        if got.ndim:
            return f"The answer is one number, and yours has shape {got.shape}."
        seen.append(float(got))
    if seen == [_receptive(layers) for layers in LAYERS]:
        return None
    for message, wrong in RECEPTIVE_MISTAKES:
        if seen == [wrong(layers) for layers in LAYERS]:
            return message
    layers, pixels = next(
        pair for pair in zip(LAYERS, seen, strict=True) if pair[1] != _receptive(pair[0])
    )
    where = f"For the layers {layers}" if layers else "For no layers"
    return f"{where} it is not {pixels:.10g}."


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
RECEPTIVE_MISTAKES: list[tuple[str, Callable[[Layers], int]]] = [
    (
        "You leave out the strides: after a stride of 2, a step is two pixels wide.",
        lambda layers: _receptive([(side, 1) for side, _ in layers]),
    ),
    (
        "You add the sides: neighbours overlap, so each layer adds its side less one.",
        lambda layers: sum(side for side, _ in layers),
    ),
    ("A layer's own stride spreads the units after it, not its own window.", _own_stride_first),
    ("You go through the layers backwards.", lambda layers: _receptive(layers[::-1])),
    (STRIDES_MULTIPLY, _strides_of_one_layer),
    (STRIDES_MULTIPLY, _strides_added),
    (
        "The unit's own pixel is missing: with no layers, a unit sees 1.",
        lambda layers: _receptive(layers) - 1,
    ),
    (
        "That is an area; asked is how many pixels it sees across.",
        lambda layers: _receptive(layers) ** 2,
    ),
    (
        "That is how far apart neighbouring units are; asked is how many pixels one sees.",
        lambda layers: math.prod(stride for _, stride in layers),
    ),
]


# 8.3


SCHEDULES = ((30, 8, 0.1), (7, 3, 2e-3), (10, 0, 3.0), (5, 1, 0.5), (6, 5, 20.0))


def check_warm_cosine(answer: Any) -> str | None:
    """Exercise 8.3: the learning rate of a warm-up and a cosine schedule."""
    for steps, warm, lr in SCHEDULES:
        rates = np.zeros(steps + 1)
        for step in range(steps + 1):
            got = _floats(call(answer, step, steps, warm, lr))
            if got.ndim:
                return f"The answer is one number, and yours has shape {got.shape}."
            rates[step] = got
        problem = _schedule_problem(rates, steps, warm, lr)
        if problem is not None:
            return problem
    return None


def _schedule_problem(rates: Floats, steps: int, warm: int, lr: float) -> str | None:
    right = lr * _warm_cosine(np.arange(steps + 1), steps, warm)
    wrong = ~np.isclose(rates, right, rtol=0, atol=5e-6 * lr)  # float32 errs by less than 1e-6 lr
    if not wrong.any():
        return None
    step = int(wrong.argmax())
    where = f"After {step} of {steps} steps, {warm} of them to warm up, with lr = {lr:g}"
    if _near(rates * lr, right, lr):
        return f"{where}: the result doesn't depend on lr."
    rises = step < warm
    part = slice(0, warm) if rises else slice(warm, None)
    t = np.arange(steps + 1.0)[part]
    mistakes = _rising_mistakes(t, steps, warm) if rises else _falling_mistakes(t, steps, warm)
    for message, curve in mistakes:
        if _near(rates[part], lr * curve, lr):
            return f"{where}: {message}"
    return f"{where} it is not {rates[step]:g}."


def _near(a: Floats, b: Floats, lr: float) -> bool:
    return np.allclose(a, b, rtol=0, atol=5e-6 * lr)


def _warm_cosine(t: Floats | npt.NDArray[np.int64], steps: int, warm: int) -> Floats:
    return np.where(t < warm, t / max(warm, 1), _half_wave((t - warm) / (steps - warm)))


def _half_wave(part: Floats) -> Floats:
    return np.asarray((1 + np.cos(np.pi * part)) / 2)


def _rising_mistakes(t: Floats, steps: int, warm: int) -> list[tuple[str, Floats]]:
    evenly = "during the warm-up the learning rate rises evenly, from 0 to lr."
    first = "the first step, number 0, has the learning rate 0."
    return [
        (evenly, np.ones_like(t)),
        (evenly, np.zeros_like(t)),
        (evenly, 1 - _half_wave(t / warm)),
        (first, (t + 1) / warm),
        (first, (t + 1) / (warm + 1)),
        ("during the warm-up the learning rate rises; yours falls.", 1 - t / warm),
        ("the rise takes the steps of the warm-up, not all of them.", t / steps),
    ]


def _falling_mistakes(t: Floats, steps: int, warm: int) -> list[tuple[str, Floats]]:
    part = (t - warm) / (steps - warm)
    falls = "after the warm-up it has to fall, at each step."
    return [
        (
            "the wave begins where the warm-up ends, so count its steps from there.",
            _half_wave(t / steps),
        ),
        (
            "the wave has only the steps after the warm-up to reach 0.",
            _half_wave((t - warm) / steps),
        ),
        ("the half of (8.5) is missing.", 2 * _half_wave(part)),
        ("after the warm-up it falls; yours rises.", 1 - _half_wave(part)),
        ("the cosine alone becomes negative: add 1, and halve.", np.cos(np.pi * part)),
        (
            "take half a wave, an angle from 0 to pi; a whole one ends where it began.",
            _half_wave(2 * part),
        ),
        ("that is a quarter of a wave; take half a one.", np.cos(np.pi / 2 * part)),
        ("Python's cosine wants radians, not degrees.", (1 + np.cos(180 * part)) / 2),
        ("that falls along a straight line.", 1 - part),
        (falls, np.ones_like(t)),
        (falls, np.where(t < steps, 1.0, 0.0)),
        (
            "it reaches 0 at the last step, and yours one step early.",
            _half_wave(np.minimum((t - warm) / max(steps - warm - 1, 1), 1)),
        ),
    ]


# 8.4


def check_quantize(answer: Any) -> str | None:
    """Exercise 8.4: weights as whole numbers, with a scale for each output."""
    for w in _weights():
        problem = _quantize_problem(call(answer, w), w)
        if problem is not None:
            return problem
    return None


def _weights() -> list[Floats]:
    rng = np.random.default_rng(84)
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
    whole, scale = _array(got[0]), _floats(got[1])
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
    largest = np.abs(w).max(axis=0)
    if np.allclose(scale, largest / 127, rtol=1e-4, atol=0):
        return None
    if np.allclose(scale, 127 / largest, rtol=1e-4, atol=0):
        return (
            "Turned round: the scale is what a whole number of 1 stands for, so w ≈ whole · scale."
        )
    if np.allclose(scale, largest / 128, rtol=1e-4, atol=0):
        return "128 doesn't fit into an int8: let the largest weight become 127."
    if np.allclose(scale, w.max(axis=0) / 127, rtol=1e-4, atol=0):
        return "The largest weight may be negative: look at absolute values."
    return "The largest absolute weight of each output is to become 127 or −127."


def _rounding_problem(whole: npt.NDArray[Any], exact: Floats) -> str | None:
    if np.all(np.abs(whole - exact) < 0.501):  # a tie may go either way
        return None
    if np.array_equal(whole, np.trunc(exact)):
        return "You cut the decimals off: round to the nearest whole number."
    if np.array_equal(whole, np.floor(exact)):
        return "You round down: round to the nearest whole number."
    if np.array_equal(whole, np.ceil(exact)):
        return "You round up: round to the nearest whole number."
    if np.array_equal(whole, np.abs(exact).round()):
        return "The whole numbers keep the sign of their weights."
    return "The scales are right, and the whole numbers are not the weights divided by them."


# In the order of the exercises.
CHECKS: list[Check] = [
    check_convolution_cost,
    check_receptive_field,
    check_warm_cosine,
    check_quantize,
]
