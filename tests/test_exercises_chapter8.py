import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from torch import nn

from lessonlib import exercises

Array = npt.NDArray[Any]
Layers = list[tuple[int, int]]


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


def fall(shape: Callable[[float], float]) -> Callable[..., float]:
    """Warm up rightly, then fall by another shape of the part of the way, 0 to 1."""

    def answer(step: int, steps: int, warm: int, lr: float) -> float:
        return lr * (step / warm if step < warm else shape((step - warm) / (steps - warm)))

    return answer


def quantize(w: Array) -> tuple[Array, Array]:
    largest = np.abs(w).max(axis=0)
    scale = np.where(largest > 0, largest, 127) / 127
    return np.rint(w / scale).astype(np.int8), scale


SOLUTIONS: dict[str, Callable[..., Any]] = {
    "8.1": cost,
    "8.2": receptive_field,
    "8.3": warm_cosine,
    "8.4": quantize,
}


def receptive_field_without_strides(layers: Layers) -> int:
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


def quantize_with(largest: Callable[[Array], Any], parts: float = 127) -> Callable[..., Any]:
    def answer(w: Array) -> tuple[Array, Array]:
        scale = np.asarray(largest(w)) / parts
        return np.rint(w / scale).astype(np.int8), scale

    return answer


def quantize_without_guard(w: Array) -> tuple[Array, Array]:
    with np.errstate(invalid="ignore"):
        scale = np.abs(w).max(axis=0) / 127
        return np.nan_to_num(np.rint(w / scale)).astype(np.int8), scale


MISTAKES: list[tuple[str, Callable[..., Any], str]] = [
    ("8.1", lambda i, o, s, h, w: cost(i, o, s, h, w)[0], "two numbers"),
    ("8.1", lambda i, o, s, h, w: cost(i, o, s, h, w)[::-1], "exchanged"),
    ("8.1", lambda i, o, s, h, w: (i * o * s * s, i * o * s * s * h * w), "weights alone"),
    ("8.1", lambda i, o, s, h, w: (i * o * s * s + i, 0), "not for each input channel"),
    ("8.1", lambda i, o, s, h, w: (i * o * s * s * h * w, 0), "the same everywhere"),
    ("8.1", lambda i, o, s, h, w: (i * o * s + o, 0), "side times side"),
    ("8.1", lambda i, o, s, h, w: (o * s * s + o, o * s * s * h * w), "for each input channel"),
    ("8.1", lambda i, o, s, h, w: ((i * s * s + i) * o, 0), "not for each pair"),
    ("8.1", lambda i, o, s, h, w: (1, 1), "are not 1"),
    ("8.1", lambda i, o, s, h, w: (cost(i, o, s, h, w)[0], i * o * s * s), "one place"),
    (
        "8.1",
        lambda i, o, s, h, w: (cost(i, o, s, h, w)[0], cost(i, o, s, h, w)[0] * h * w),
        "without a product",
    ),
    ("8.1", lambda i, o, s, h, w: (cost(i, o, s, h, w)[0], 5), "are not 5"),
    ("8.2", receptive_field_without_strides, "leave out the strides"),
    ("8.2", lambda layers: sum(side for side, _ in layers), "add the sides"),
    ("8.2", own_stride_first, "spreads the units after it"),
    ("8.2", lambda layers: receptive_field(layers[::-1]), "backwards"),
    ("8.2", strides_of_one_layer, "Strides multiply"),
    ("8.2", lambda layers: receptive_field(layers) - 1, "own pixel"),
    ("8.2", lambda layers: receptive_field(layers) ** 2, "an area"),
    ("8.2", lambda layers: layers, "one number"),
    ("8.2", lambda layers: 77, "it is not 77"),
    ("8.3", lambda t, n, w, lr: lr, "rises evenly"),
    ("8.3", lambda t, n, w, lr: lr * (t + 1) / w if t < w else 0.0, "number 0"),
    ("8.3", lambda t, n, w, lr: lr * max(0.0, 1 - t / max(w, 1)), "rises evenly"),
    ("8.3", lambda t, n, w, lr: warm_cosine(t, n, t < w and w, lr), "count its steps from there"),
    (
        "8.3",
        lambda t, n, w, lr: warm_cosine(t, n + w, w, lr),
        "only the steps after the warm-up",
    ),
    ("8.3", fall(lambda u: 1 + math.cos(math.pi * u)), "half of (8.5)"),
    ("8.3", fall(lambda u: (1 - math.cos(math.pi * u)) / 2), "yours rises"),
    ("8.3", fall(lambda u: math.cos(math.pi * u)), "becomes negative"),
    ("8.3", fall(lambda u: (1 + math.cos(2 * math.pi * u)) / 2), "whole one"),
    ("8.3", fall(lambda u: (1 + math.cos(180 * u)) / 2), "radians"),
    ("8.3", fall(lambda u: 1 - u), "straight line"),
    ("8.3", lambda t, n, w, lr: warm_cosine(t, n, w, 1.0), "depend on lr"),
    ("8.3", lambda t, n, w, lr: [warm_cosine(t, n, w, lr)], "one number"),
    ("8.3", lambda t, n, w, lr: 7.5, "is not 7.5"),
    ("8.4", lambda w: quantize(w)[0], "two things"),
    ("8.4", lambda w: (quantize(w)[0].T, quantize(w)[1]), "whole numbers have shape"),
    ("8.4", lambda w: (quantize(w)[0].astype(float), quantize(w)[1]), "of type float64"),
    ("8.4", quantize_with(lambda w: np.abs(w).max()), "One scale for all"),
    ("8.4", quantize_with(lambda w: np.abs(w).max(axis=1, keepdims=True)), "for each input"),
    ("8.4", lambda w: (quantize(w)[0], np.ones(7)), "7 scales"),
    ("8.4", lambda w: (quantize(w)[0], 1 / quantize(w)[1]), "Turned round"),
    ("8.4", quantize_with(lambda w: np.abs(w).max(axis=0), 128), "128 doesn't fit"),
    ("8.4", quantize_with(lambda w: w.max(axis=0)), "may be negative"),
    ("8.4", quantize_with(lambda w: w.std(axis=0)), "is to become 127"),
    ("8.4", lambda w: ((w / quantize(w)[1]).astype(np.int8), quantize(w)[1]), "cut the decimals"),
    ("8.4", lambda w: (np.floor(w / quantize(w)[1]).astype(np.int8), quantize(w)[1]), "down"),
    ("8.4", lambda w: (0 * quantize(w)[0], quantize(w)[1]), "not the weights divided"),
    ("8.4", quantize_without_guard, "any scale above 0"),
]


@pytest.mark.parametrize(("name", "answer", "message"), MISTAKES)
def test_a_usual_mistake_is_named(name: str, answer: Callable[..., Any], message: str) -> None:
    verdict = exercises.verdict(name, answer)
    assert verdict.startswith(f"{name}: not yet.")
    assert message in verdict


def test_scales_may_be_a_row_or_a_list() -> None:
    def as_row(w: Array) -> tuple[Array, Array]:
        return quantize(w)[0], quantize(w)[1][None]

    def as_list(w: Array) -> list[Any]:
        return [quantize(w)[0], quantize(w)[1].tolist()]

    assert exercises.verdict("8.4", as_row) == "8.4: right."
    assert exercises.verdict("8.4", as_list) == "8.4: right."
