"""Make a trained network smaller, and measure what that saves: pruning, int8, size, latency."""

import copy
import statistics
import time
from typing import TypeVar

import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from lessonlib import models

M = TypeVar("M", bound=nn.Module)


def prune_by_magnitude(model: M, sparsity: float) -> M:
    """Set the smallest weights of a network to zero.

    Parameters
    ----------
    model : nn.Module
        Left as it is.
    sparsity : float
        Share of the weights to set to zero, in [0, 1]. All linear and convolutional layers
        count as one; biases stay.

    Returns
    -------
    nn.Module
        A copy.

    Raises
    ------
    ValueError
        For a sparsity that is no share.
    """
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity must lie in [0, 1], not {sparsity}")
    pruned = copy.deepcopy(model)
    layers = [layer for layer in pruned.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    weights = [(layer, "weight") for layer in layers]
    prune.global_unstructured(weights, prune.L1Unstructured, amount=float(sparsity))
    for layer in layers:
        prune.remove(layer, "weight")  # make the zeros last
    return pruned


class Int8Linear(nn.Module):
    """A linear layer that multiplies whole numbers from -127 to 127.

    Weights are stored as int8 with a scale for each output, inputs are rounded to int8 with one
    scale, and their products are summed as int32, exactly as an int8 kernel does. Sizes and
    accuracies are therefore those of int8. The time is not: this is plain PyTorch, to be read,
    and slower than the layer it replaces.

    Parameters
    ----------
    layer : nn.Linear
        The layer to replace.
    input_scale : float, optional
        What an input of 1 stands for: static quantisation. When not given, each batch's own
        largest input becomes 127: dynamic quantisation.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, layer: nn.Linear, input_scale: float | None = None) -> None:
        super().__init__()
        w = layer.weight.detach()
        scale = positive(w.abs().amax(dim=1) / 127)
        self.register_buffer("weight", to_int8(w, scale[:, None]))
        self.register_buffer("scale", scale)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach().clone())
        fixed = None if input_scale is None else positive(torch.tensor(input_scale))
        self.register_buffer("input_scale", fixed)

    def forward(self, x: Tensor) -> Tensor:
        """Compute x Wᵀ + b, float (n, d_out), from inputs (n, d_in)."""
        fixed = self.get_buffer("input_scale")
        scale = positive(x.abs().amax() / 127) if fixed is None else fixed
        sums = to_int8(x, scale).int() @ self.weight.int().T
        z = sums * (scale * self.scale)
        return z if self.bias is None else z + self.bias


def to_int8(x: Tensor, scale: Tensor) -> Tensor:
    """Round x / scale to whole numbers, and hold them within -127 and 127.

    Parameters
    ----------
    x : Tensor, float
    scale : Tensor, float
        Above 0; of a shape that broadcasts.

    Returns
    -------
    Tensor
        int8, of the shape of `x`.
    """
    return (x / scale).round().clamp(-127, 127).to(torch.int8)


def positive(scale: Tensor) -> Tensor:
    """Replace scales of 0, which all-zero weights or inputs have, by 1."""
    return torch.where(scale > 0, scale, torch.ones_like(scale))


def quantize_dynamic(model: M) -> M:
    """Replace the linear layers by int8 ones that scale each batch of inputs by its largest.

    Parameters
    ----------
    model : nn.Module
        Left as it is.

    Returns
    -------
    nn.Module
        A copy, for evaluation only; convolutions and batch normalisation stay float.
    """
    return _with_int8(model, {})


def quantize_static(model: M, images: npt.ArrayLike) -> M:
    """Replace the linear layers by int8 ones whose inputs have a scale fixed beforehand.

    Parameters
    ----------
    model : nn.Module
        Left as it is.
    images : array, shape (n, 28, 28)
        Values in [0, 255]: typical inputs, some hundreds. The largest number that enters each
        layer becomes 127; what is larger later on is cut off.

    Returns
    -------
    nn.Module
        A copy, as `quantize_dynamic` makes it.

    Raises
    ------
    ValueError
        When there are no images.
    """
    x = models.to_tensor(images, next(model.parameters()).device)
    if not len(x):
        raise ValueError("static quantisation needs images: their range becomes the inputs' scale")
    watched = copy.deepcopy(model).eval()
    largest: dict[str, float] = {}

    def watch(name: str, layer: nn.Linear) -> None:
        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            largest[name] = inputs[0].abs().amax().item()

        layer.register_forward_pre_hook(note)

    for name, layer in watched.named_modules():
        if isinstance(layer, nn.Linear):
            watch(name, layer)
    with torch.inference_mode():
        watched(x)
    return _with_int8(model, {name: value / 127 for name, value in largest.items()})


def _with_int8(model: M, input_scales: dict[str, float]) -> M:
    quantized = copy.deepcopy(model).eval()
    for name, layer in list(quantized.named_modules()):
        if isinstance(layer, nn.Linear):
            quantized.set_submodule(name, Int8Linear(layer, input_scales.get(name)))
    return quantized


def size_in_bytes(model: nn.Module) -> int:
    """Count the bytes of a network's numbers, as they are stored.

    Parameters
    ----------
    model : nn.Module

    Returns
    -------
    int
        Weights, biases, scales and batch normalisation's averages.
    """
    return sum(value.numel() * value.element_size() for value in model.state_dict().values())


def latency(model: nn.Module, x: Tensor, repeats: int = 20) -> float:
    """Measure how long one forward pass takes.

    Parameters
    ----------
    model : nn.Module
        Left in evaluation mode. On the CPU: a GPU would not have finished when the clock stops.
    x : Tensor
        Its input.
    repeats : int
        Passes, after one that doesn't count.

    Returns
    -------
    float
        Milliseconds, the median.

    Raises
    ------
    ValueError
        For fewer than one repeat.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, not {repeats}")
    model.eval()
    times = []
    with torch.inference_mode():
        model(x)
        for _ in range(repeats):
            start = time.perf_counter()
            model(x)
            times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)
