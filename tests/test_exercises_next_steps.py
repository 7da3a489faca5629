"""Answers to the exercises on next steps; test_exercises.py tries them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

Answer = Callable[..., Any]
Array = npt.NDArray[Any]
Layers = list[tuple[int, int]]
INT8 = np.int8


def cost(i: int, o: int, side: int, height: int, width: int) -> tuple[int, int]:
    layer = nn.Conv2d(i, o, side)
    return sum(p.numel() for p in layer.parameters()), layer.weight.numel() * height * width


def receptive_field(layers: Layers) -> int:
    """Walk back from one unit: a window of side s and stride t is (seen - 1) * t + s wide."""
    seen = 1
    for side, stride in reversed(layers):
        seen = (seen - 1) * stride + side
    return seen


def warm_cosine(step: int, steps: int, warm: int, lr: float) -> float:
    if step < warm:
        return lr * step / warm
    return lr * math.cos(math.pi / 2 * (step - warm) / (steps - warm)) ** 2  # half-angle formula


def quantize(w: Array) -> tuple[Array, Array]:
    largest = np.abs(w).max(axis=0)
    scale = np.where(largest > 0, largest, 127) / 127
    return np.rint(w / scale).astype(INT8), scale


SOLUTIONS: dict[int, Answer] = {
    1: cost,
    2: receptive_field,
    3: warm_cosine,
    4: quantize,
}


# Right answers in other styles


def cost_by_counting(i: int, o: int, side: int, height: int, width: int) -> list[int]:
    parameters = multiply_adds = 0
    for _ in range(o):
        parameters += 1
        for _ in range(i):
            parameters += side * side
            multiply_adds += side * side * height * width
    return [parameters, multiply_adds]


def cost_in_torch(*sizes: int) -> torch.Tensor:
    i, o, side, height, width = map(torch.tensor, sizes)
    weights = i * o * side**2
    return torch.stack([weights + o, weights * height * width])


def seen_by_marking(layers: Layers) -> int:
    """Mark the units of each layer, from the top down, that the one on top depends on."""
    marked = {0}
    for side, stride in layers[::-1]:
        marked = {unit * stride + k for unit in marked for k in range(side)}
    return max(marked) - min(marked) + 1


def seen_with_numpy(layers: Layers) -> Any:
    if not layers:
        return np.int64(1)
    sides, strides = np.array(layers).T
    steps = np.concatenate([[1], np.cumprod(strides)[:-1]])
    return 1 + np.sum((sides - 1) * steps)


def seen_as_float(layers: Layers) -> float:
    seen, step = 1.0, 1.0
    for side, stride in layers:
        seen, step = seen + (side - 1.0) * step, step * stride
    return seen


def warm_cosine_in_float32(step: int, steps: int, warm: int, lr: float) -> Any:
    if step <= warm and warm:
        return np.float32(lr) * np.float32(step) / np.float32(warm)
    angle = np.float32(np.pi) * np.float32(step - warm) / np.float32(steps - warm)
    return np.float32(lr) / 2 * (1 + np.cos(angle))


def warm_cosine_in_torch(step: int, steps: int, warm: int, lr: float) -> torch.Tensor:
    warming = torch.linspace(0, 1, warm + 1)[:-1]
    waving = (1 + torch.linspace(0, torch.pi, steps - warm + 1).cos()) / 2
    return lr * torch.cat([warming, waving])[step]


def warm_cosine_from_a_table(step: int, steps: int, warm: int, lr: float) -> Any:
    table = np.arange(steps + 1.0)
    table[:warm] *= lr / max(warm, 1)
    table[warm:] = lr / 2 * (1 + np.cos(np.pi * np.arange(steps - warm + 1) / (steps - warm)))
    return np.array(table[step])  # an array without dimensions


def quantize_with_loops(w: Array) -> tuple[Array, list[float]]:
    whole, scales = np.zeros(w.shape, INT8), []
    for k in range(w.shape[1]):
        largest = max(abs(float(v)) for v in w[:, k])
        scales.append(largest / 127 or 1.0)
        for j in range(w.shape[0]):
            whole[j, k] = math.floor(w[j, k] / scales[k] + 0.5)  # ties go up
    return whole, scales


def quantize_in_torch(w: Array) -> list[torch.Tensor]:
    x = torch.as_tensor(w).float()
    scale = (x.abs().amax(dim=0, keepdim=True) / 127).clamp_min(1e-12)
    return [(x / scale).round().to(torch.int8), scale]


def quantize_away_from_zero(w: Array) -> tuple[Array, Array]:
    w = w.astype(np.float32)
    scale = np.maximum(w.max(axis=0), -w.min(axis=0)) / np.float32(127)
    scale[scale == 0] = 1
    return (np.sign(w) * np.floor(np.abs(w) / scale + 0.5)).astype(INT8), scale[None]


RIGHT: list[tuple[int, Answer]] = [
    (1, cost_by_counting),
    (1, cost_in_torch),
    (1, lambda i, o, s, h, w: np.array([o * (i * s * s + 1.0), o * i * s * s * h * w])),
    (1, lambda *sizes: tuple(map(np.int64, cost(*sizes)))),
    (2, seen_by_marking),
    (2, seen_with_numpy),
    (2, seen_as_float),
    (2, lambda layers: torch.tensor(receptive_field(layers))),
    (3, warm_cosine_in_float32),
    (3, warm_cosine_in_torch),
    (3, warm_cosine_from_a_table),
    (4, quantize_with_loops),
    (4, quantize_in_torch),
    (4, quantize_away_from_zero),
]


# Wrong answers


def fall(shape: Callable[[float], float]) -> Answer:
    """Warm up rightly, then fall by another shape of the part of the way, 0 to 1."""

    def answer(step: int, steps: int, warm: int, lr: float) -> float:
        return lr * (step / warm if step < warm else shape((step - warm) / (steps - warm)))

    return answer


def rise(shape: Callable[[int, int, int], float]) -> Answer:
    """Warm up by another shape of step, steps and warm, then fall rightly."""

    def answer(step: int, steps: int, warm: int, lr: float) -> float:
        right = warm_cosine(step, steps, warm, lr)
        return lr * shape(step, steps, warm) if step < warm else right

    return answer


def half_wave(part: float) -> float:
    return (1 + math.cos(math.pi * part)) / 2


def one_step_early(step: int, steps: int, warm: int, lr: float) -> float:
    if step < warm:
        return lr * step / warm
    return lr * half_wave(min(1.0, (step - warm) / max(1, steps - warm - 1)))


def without_strides(layers: Layers) -> int:
    return 1 + sum(side - 1 for side, _ in layers)


def own_stride_first(layers: Layers) -> int:
    seen, step = 1, 1
    for side, stride in layers:
        step *= stride
        seen += (side - 1) * step
    return seen


def strides_of_one_layer(layers: Layers) -> int:
    seen, before = 1, 1
    for side, stride in layers:
        seen += (side - 1) * before
        before = stride
    return seen


def strides_added(layers: Layers) -> int:
    seen, step = 1, 1
    for side, stride in layers:
        seen += (side - 1) * step
        step += stride - 1
    return seen


def from_the_image_up(layers: Layers) -> int:
    seen = 1
    for side, stride in layers:
        seen = (seen - 1) * stride + side
    return seen


def sides_multiplied(layers: Layers) -> int:
    return math.prod(side for side, _ in layers)


def first_layer_alone(layers: Layers) -> int:
    return layers[0][0] if layers else 1


def every_stride_two(layers: Layers) -> int:
    return receptive_field([(side, min(stride, 2)) for side, stride in layers])


def quantize_with(largest: Callable[[Array], Any], parts: float = 127) -> Answer:
    def answer(w: Array) -> tuple[Array, Array]:
        scale = np.asarray(largest(w)) / parts
        return np.rint(w / scale).astype(INT8), scale

    return answer


def round_with(rounding: Callable[[Array], Array]) -> Answer:
    """Find the right scales, and round in another way."""

    def answer(w: Array) -> tuple[Array, Array]:
        scale = quantize(w)[1]
        return np.asarray(rounding(w / scale)).astype(INT8), scale

    return answer


def quantize_without_guard(w: Array) -> tuple[Array, Array]:
    scale = np.abs(w).max(axis=0) / 127
    return np.nan_to_num(np.rint(w / scale)).astype(INT8), scale


def ones_for_no_weights(w: Array) -> tuple[Array, Array]:
    whole, scale = quantize(w)
    return np.where(np.any(w, axis=0), whole, 1).astype(INT8), scale


def absolute_weights(w: Array) -> tuple[Array, Array]:
    whole, scale = quantize(w)
    return np.abs(whole), scale


def as_bytes(w: Array) -> tuple[Array, Array]:
    whole, scale = quantize(w)
    return (whole.astype(int) + 128).astype(np.uint8), scale


def range_in_255_parts(w: Array) -> tuple[Array, Array]:
    spread = w.max(axis=0) - w.min(axis=0)
    scale = np.where(spread > 0, spread, 1) / 255
    return np.rint((w - w.min(axis=0)) / scale - 128).astype(INT8), scale


MISTAKES: list[tuple[int, Answer, str]] = [
    (1, lambda i, o, s, h, w: cost(i, o, s, h, w)[0], "two numbers"),
    (1, lambda i, o, s, h, w: (*cost(i, o, s, h, w), 0), "two numbers"),
    (1, lambda i, o, s, h, w: cost(i, o, s, h, w)[::-1], "exchanged"),
    (1, lambda i, o, s, h, w: (i * o * s * s, i * o * s * s * h * w), "weights alone"),
    (1, lambda i, o, s, h, w: (i * o * s * s + i, 0), "not for each input channel"),
    (1, lambda i, o, s, h, w: (i * o * s * s + 1, 0), "not one for all"),
    (1, lambda i, o, s, h, w: (i * o * s * s * h * w, 0), "the same everywhere"),
    (1, lambda i, o, s, h, w: ((i * o * s * s + o) * h * w, 0), "the same everywhere"),
    (1, lambda i, o, s, h, w: (i * o * s + o, 0), "side times side"),
    (1, lambda i, o, s, h, w: (o * s * s + o, o * s * s * h * w), "for each input channel"),
    (1, lambda i, o, s, h, w: (i * s * s + o, 0), "for each output channel"),
    (1, lambda i, o, s, h, w: ((i * s * s + i) * o, 0), "not for each pair"),
    (1, lambda i, o, s, h, w: (1, 1), "are not 1"),
    (1, lambda i, o, s, h, w: (-cost(i, o, s, h, w)[0], 1), "are not -"),
    (1, lambda i, o, s, h, w: (cost(i, o, s, h, w)[0], i * o * s * s), "one place"),
    (1, lambda i, o, s, h, w: (cost(i, o, s, h, w)[0], (i * s * s + 1) * o * h * w), "bias"),
    (1, lambda i, o, s, h, w: (cost(i, o, s, h, w)[0], 2 * i * o * s * s * h * w), "together"),
    (1, lambda i, o, s, h, w: (cost(i, o, s, h, w)[0], o * s * s * h * w), "input channels"),
    (1, lambda i, o, s, h, w: (cost(i, o, s, h, w)[0], i * s * s * h * w), "output channel"),
    (1, lambda i, o, s, h, w: (cost(i, o, s, h, w)[0], i * o * s * s * h * h), "are not"),
    (
        1,
        lambda i, o, s, h, w: (
            cost(i, o, s, h, w)[0],
            i * o * s * s * (h - s + 1) * (w - s + 1),
        ),
        "size of the output",
    ),
    (1, lambda i, o, s, h, w: (cost(i, o, s, h, w)[0], 5), "are not 5"),
    (1, lambda i, o, s, h, w: ("many", "more"), ""),
    (1, lambda i, o, s, h, w: {"parameters": i * o * s * s + o}, ""),
    (2, without_strides, "leave out the strides"),
    (2, lambda layers: sum(side for side, _ in layers), "add the sides"),
    (2, lambda layers: sum(side * stride for side, stride in layers), ""),
    (2, own_stride_first, "spreads the units after it"),
    (2, lambda layers: receptive_field(layers[::-1]), "backwards"),
    (2, from_the_image_up, "backwards"),
    (2, strides_of_one_layer, "Strides multiply"),
    (2, strides_added, "Strides multiply"),
    (2, lambda layers: receptive_field(layers) - 1, "own pixel"),
    (2, lambda layers: receptive_field(layers) ** 2, "an area"),
    (2, lambda layers: math.prod(stride for _, stride in layers), "how far apart"),
    (2, lambda layers: layers, "one number"),
    (2, lambda layers: (receptive_field(layers), 1), "one number"),
    (2, lambda layers: 77, "it is not 77"),
    (2, lambda layers: str(receptive_field(layers)), ""),
    (2, sides_multiplied, ""),
    (2, first_layer_alone, ""),
    (2, lambda layers: receptive_field(layers[:-1]), ""),
    (2, lambda layers: receptive_field(layers) if layers else 0, "no layers"),
    (2, lambda layers: receptive_field([x for x in layers if x[0] > 1]), ""),
    (2, every_stride_two, ""),
    (2, lambda layers: receptive_field(layers) if len(layers) < 5 else 1, ""),
    (3, lambda t, n, w, lr: lr, "rises evenly"),
    (3, lambda t, n, w, lr: 0.0, "rises evenly"),
    (3, rise(lambda t, n, w: (t + 1) / w), "number 0"),
    (3, rise(lambda t, n, w: (t + 1) / (w + 1)), "number 0"),
    (3, rise(lambda t, n, w: 1 - t / w), "yours falls"),
    (3, rise(lambda t, n, w: t / n), "not all of them"),
    (3, rise(lambda t, n, w: t // w), "rises evenly"),
    (3, rise(lambda t, n, w: 1 - half_wave(t / w)), "rises evenly"),
    (3, rise(lambda t, n, w: half_wave(t / n)), ""),
    (3, lambda t, n, w, lr: warm_cosine(t, n, t < w and w, lr), "count its steps from there"),
    (3, lambda t, n, w, lr: warm_cosine(t, n + w, w, lr), "only the steps after the warm-up"),
    (3, fall(lambda u: 1 + math.cos(math.pi * u)), "half of (N.5)"),
    (3, fall(lambda u: 0.0), ""),
    (3, fall(lambda u: (1 - math.cos(math.pi * u)) / 2), "yours rises"),
    (3, fall(lambda u: math.cos(math.pi * u)), "becomes negative"),
    (3, fall(lambda u: (1 + math.cos(2 * math.pi * u)) / 2), "whole one"),
    (3, fall(lambda u: math.cos(math.pi / 2 * u)), "quarter"),
    (3, fall(lambda u: (1 + math.cos(180 * u)) / 2), "radians"),
    (3, fall(lambda u: 1 - u), "straight line"),
    (3, fall(lambda u: 1.0), "has to fall"),
    (3, fall(lambda u: half_wave(u // 1)), "has to fall"),
    (3, one_step_early, "one step early"),
    (3, lambda t, n, w, lr: warm_cosine(t, n, w, 1.0), "depend on lr"),
    (3, lambda t, n, w, lr: warm_cosine(t, n, w, lr) if t < n else lr, ""),
    (3, lambda t, n, w, lr: warm_cosine(t, n, max(w, 1), lr), ""),
    (3, lambda t, n, w, lr: warm_cosine(t, n, w, lr) if t > w else lr * t / max(w, 1), ""),
    (3, lambda t, n, w, lr: [warm_cosine(t, n, w, lr)], "one number"),
    (3, lambda t, n, w, lr: [warm_cosine(k, n, w, lr) for k in range(n + 1)], "one number"),
    (3, lambda t, n, w, lr: str(warm_cosine(t, n, w, lr)), ""),
    (3, lambda t, n, w, lr: 7.5, "is not 7.5"),
    (3, lambda t, n, w, lr: math.nan, "is not nan"),
    (4, lambda w: quantize(w)[0], "two things"),
    (4, lambda w: quantize(w)[::-1], "come first"),
    (4, lambda w: (quantize(w)[0].T, quantize(w)[1]), "whole numbers have shape"),
    (4, lambda w: (quantize(w)[0].ravel(), quantize(w)[1]), "whole numbers have shape"),
    (4, lambda w: (quantize(w)[0].astype(float), quantize(w)[1]), "of type float64"),
    (4, lambda w: (quantize(w)[0].tolist(), quantize(w)[1]), "of type int64"),
    (4, as_bytes, "of type uint8"),
    (4, quantize_with(lambda w: np.abs(w).max()), "One scale for all"),
    (4, quantize_with(lambda w: np.full(w.shape[1], np.abs(w).max())), "One scale for all"),
    (4, quantize_with(lambda w: np.abs(w).max(axis=1, keepdims=True)), "for each input"),
    (4, lambda w: (quantize(w)[0], np.ones(7)), "7 scales"),
    (4, lambda w: (quantize(w)[0], 1 / quantize(w)[1]), "Turned round"),
    (4, lambda w: (quantize(w)[0], "small"), ""),
    (4, lambda w: (quantize(w)[0], {"scale": 1.0}), ""),
    (4, lambda w: (quantize(w)[0], -quantize(w)[1]), "above 0"),
    (4, quantize_with(lambda w: np.abs(w).max(axis=0), 128), "128 doesn't fit"),
    (4, quantize_with(lambda w: np.abs(w).max(axis=0), 255), "is to become 127"),
    (4, quantize_with(lambda w: w.max(axis=0)), "may be negative"),
    (4, quantize_with(lambda w: w.std(axis=0)), "is to become 127"),
    (4, range_in_255_parts, "is to become 127"),
    (4, round_with(np.trunc), "cut the decimals"),
    (4, round_with(np.floor), "down"),
    (4, round_with(np.ceil), "round up"),
    (4, lambda w: (0 * quantize(w)[0], quantize(w)[1]), "not the weights divided"),
    (
        4,
        lambda w: ((w * quantize(w)[1]).astype(INT8), quantize(w)[1]),
        "not the weights divided",
    ),
    (4, absolute_weights, "sign"),
    (4, ones_for_no_weights, "whole numbers are 0"),
    (4, quantize_without_guard, "above 0"),
    (4, lambda w: (quantize(w)[0], quantize_without_guard(w)[1]), "above 0"),
]
