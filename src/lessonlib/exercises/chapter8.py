"""The answer checks of chapter 8: what comes after the plain multilayer perceptron."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call

Floats = npt.NDArray[np.float64]


def check_convolution_cost(answer: Any) -> str | None:
    """Exercise 8.1: parameters and multiply-adds of a convolution."""
    for channels_in, channels_out, side, height in ((3, 8, 5, 7), (6, 16, 3, 10), (1, 6, 5, 28)):
        case = (channels_in, channels_out, side, height, height + 1)
        got = call(answer, *case)
        if np.shape(got) != (2,):
            return "Return two numbers: the parameters, and the multiply-adds."
        pixels = height * (height + 1)
        weights = channels_in * channels_out * side**2
        parameters, multiply_adds = (float(value) for value in got)
        if (parameters, multiply_adds) == (weights + channels_out, weights * pixels):
            continue
        return _cost_problem(parameters, multiply_adds, case, weights, pixels)
    return None


def _cost_problem(
    parameters: float, multiply_adds: float, case: tuple[int, ...], weights: int, pixels: int
) -> str:
    channels_in, channels_out, side = case[:3]
    if (multiply_adds, parameters) == (weights + channels_out, weights * pixels):
        return "The two are exchanged: the parameters come first."
    mistakes = {
        "You count the weights alone; each output channel has a bias, too.": weights,
        "One bias for each output channel, not for each input channel.": weights + channels_in,
        "The weights are the same everywhere: the height and width don't multiply their number.": (
            weights * pixels
        ),
        "Each output channel has weights of its own for each input channel.": (
            channels_out * side**2 + channels_out
        ),
        "A filter has side times side weights, not side.": weights // side + channels_out,
        "One bias for each output channel, not for each pair of channels.": (
            weights + channels_in * channels_out
        ),
    }
    for message, wrong in mistakes.items():
        if parameters == wrong:
            return message
    if parameters != weights + channels_out:
        return f"The parameters of a convolution {case} are not {parameters:g}."
    if multiply_adds == weights:
        return "That is the cost of one place; the filters stop at each pixel of the output."
    if multiply_adds == (weights + channels_out) * pixels:
        return "A bias is added, without a product: only weights make multiply-adds."
    return f"The multiply-adds of a convolution {case} are not {multiply_adds:g}."


def check_receptive_field(answer: Any) -> str | None:
    """Exercise 8.2: how many pixels across a unit sees."""
    cases = (
        [(3, 1)],
        [(5, 1)],
        [(5, 2), (3, 2), (4, 1)],  # every usual mistake gives another number
        [(3, 1), (3, 1)],
        [(2, 2), (3, 1)],
        [(5, 1), (2, 2), (5, 1), (2, 2)],
        [(3, 1), (3, 1), (2, 2), (3, 2), (3, 1)],
    )
    for layers in cases:
        got = call(answer, layers)
        if np.ndim(got) != 0:
            return f"The answer is one number, and yours has shape {np.shape(got)}."
        if got == _receptive(layers):
            continue
        return _receptive_problem(float(got), layers)
    return None


def _receptive_problem(got: float, layers: Sequence[tuple[int, int]]) -> str:
    flat = [(side, 1) for side, _ in layers]
    late = [(side, 1 if i == 0 else layers[i - 1][1]) for i, (side, _) in enumerate(layers)]
    mistakes = {
        "You leave out the strides: after a stride of 2, a step is two pixels wide.": (
            _receptive(flat)
        ),
        "You add the sides: neighbours overlap, so each layer adds its side less one.": sum(
            side for side, _ in layers
        ),
        "A layer's own stride spreads the units after it, not its own window.": _eager(layers),
        "You go through the layers backwards.": _receptive(layers[::-1]),
        "Strides multiply: after two layers of stride 2 a step is four pixels wide.": 1
        + sum((side - 1) * stride for side, stride in late),
        "The unit's own pixel is missing: with no layers, a unit sees 1.": _receptive(layers) - 1,
        "That is an area; asked is how many pixels it sees across.": _receptive(layers) ** 2,
    }
    for message, wrong in mistakes.items():
        if got == wrong:
            return message
    return f"For the layers {layers} it is not {got:g}."


def _receptive(layers: Sequence[tuple[int, int]]) -> int:
    seen, step = 1, 1
    for side, stride in layers:
        seen += (side - 1) * step
        step *= stride
    return seen


def _eager(layers: Sequence[tuple[int, int]]) -> int:
    seen, step = 1, 1
    for side, stride in layers:
        step *= stride
        seen += (side - 1) * step
    return seen


def check_warm_cosine(answer: Any) -> str | None:
    """Exercise 8.3: the learning rate of a warm-up and a cosine schedule."""
    for steps, warm, lr in ((100, 20, 0.1), (7, 3, 2e-3), (10, 0, 3.0)):
        for step in sorted({0, 1, warm // 2, warm, warm + (steps - warm) // 3, steps - 1, steps}):
            got = call(answer, step, steps, warm, lr)
            if np.ndim(got) != 0:
                return f"The answer is one number, and yours has shape {np.shape(got)}."
            if step < warm:
                right, mistakes = lr * step / warm, _rising_mistakes(step, warm)
            else:
                right = lr * _half_wave((step - warm) / (steps - warm))
                mistakes = _falling_mistakes(step, steps, warm)
            if _near(got, right):
                continue
            where = f"After {step} of {steps} steps, {warm} of them to warm up, from {lr:g}"
            if _near(got * lr, right):
                return f"{where}: the result doesn't depend on lr."
            for message, wrong in mistakes.items():
                if _near(got, wrong * lr):
                    return f"{where}: {message}"
            return f"{where} it is not {float(got):g}."
    return None


def _near(a: float, b: float) -> bool:
    return bool(np.isclose(a, b, rtol=1e-6, atol=1e-12))


def _half_wave(part: float) -> float:
    return (1 + math.cos(math.pi * part)) / 2


def _rising_mistakes(step: int, warm: int) -> dict[str, float]:
    return {
        "during the warm-up the learning rate rises evenly, from 0.": 1.0,
        "the first step, number 0, has the learning rate 0.": (step + 1) / warm,
    }


def _falling_mistakes(step: int, steps: int, warm: int) -> dict[str, float]:
    part = (step - warm) / (steps - warm)
    return {
        "the wave begins where the warm-up ends, so count its steps from there.": _half_wave(
            step / steps
        ),
        "the wave has only the steps after the warm-up to reach 0.": _half_wave(
            (step - warm) / steps
        ),
        "the half of (8.5) is missing.": 2 * _half_wave(part),
        "after the warm-up it falls; yours rises.": 1 - _half_wave(part),
        "the cosine alone becomes negative: add 1, and halve.": math.cos(math.pi * part),
        "take half a wave, an angle from 0 to pi; a whole one ends where it began.": _half_wave(
            2 * part
        ),
        "Python's cosine wants radians, not degrees.": (1 + math.cos(180 * part)) / 2,
        "that falls along a straight line.": 1 - part,
    }


def check_quantize(answer: Any) -> str | None:
    """Exercise 8.4: weights as whole numbers, with a scale for each output."""
    rng = np.random.default_rng(84)
    for d_in, d_out in ((5, 3), (3, 5), (40, 4)):
        # Outputs of very different size, and inputs too: one scale for all would show.
        w = rng.normal(size=(d_in, d_out)) * rng.uniform(0.01, 10, d_out)
        w *= rng.uniform(0.1, 1, (d_in, 1))
        problem = _quantize_problem(call(answer, w), w)
        if problem is not None:
            return problem
    w = np.array([[0.0, 1.0], [0.0, -4.0]])
    got = call(answer, w)
    scale = np.asarray(got[1], dtype=float).ravel()
    if not np.isfinite(scale).all() or scale.min() <= 0:
        return "For an output whose weights are all 0, any scale above 0 will do; yours is none."
    if np.any(np.asarray(got[0])[:, 0] != 0):
        return "Where all weights of an output are 0, the whole numbers are 0, too."
    return None


def _quantize_problem(got: Any, w: Floats) -> str | None:
    if not isinstance(got, tuple | list) or len(got) != 2:
        return "Return two things: the whole numbers, and the scales."
    whole, scale = np.asarray(got[0]), np.asarray(got[1], dtype=float)
    d_in, d_out = w.shape
    if whole.shape != w.shape:
        return f"The whole numbers have shape {whole.shape}; the weights have {w.shape}."
    if whole.dtype != np.int8:
        return f"The whole numbers are of type {whole.dtype}; an int8 takes one byte each."
    if scale.size == 1 and d_out > 1:
        return "One scale for all: give each output, a column of w, a scale of its own."
    if scale.size == d_in != d_out:
        return "You have a scale for each input, a row; each output, a column, is to have one."
    if scale.size != d_out:
        return f"There are {d_out} outputs, and {scale.size} scales."
    largest, scale = np.abs(w).max(axis=0), scale.ravel()
    if np.allclose(scale, largest / 127):
        return _rounding_problem(whole, w / scale)
    if np.allclose(scale, 127 / largest):
        return (
            "Turned round: the scale is what a whole number of 1 stands for, so w ≈ whole · scale."
        )
    if np.allclose(scale, largest / 128):
        return "128 doesn't fit into an int8: let the largest weight become 127."
    if np.allclose(scale, w.max(axis=0) / 127):
        return "The largest weight may be negative: look at absolute values."
    return "The largest absolute weight of each output is to become 127 or −127."


def _rounding_problem(whole: npt.NDArray[Any], exact: Floats) -> str | None:
    if np.array_equal(whole, exact.round()):
        return None
    if np.array_equal(whole, np.trunc(exact)):
        return "You cut the decimals off: round to the nearest whole number."
    if np.array_equal(whole, np.floor(exact)):
        return "You round down: round to the nearest whole number."
    return "The scales are right, and the whole numbers are not the weights divided by them."


CHECKS: dict[str, Check] = {
    "8.1": check_convolution_cost,
    "8.2": check_receptive_field,
    "8.3": check_warm_cosine,
    "8.4": check_quantize,
}
