"""Make a trained network smaller or quicker, and measure what that saves.

Pruning, int8, batch normalisation folded away; size and latency.
"""

import copy
import statistics
import time
from itertools import pairwise
from typing import TypeVar

import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from lessonlib import models

Model = TypeVar("Model", bound=nn.Module)


def prune_by_magnitude(model: Model, sparsity: float) -> Model:
    """Return a copy of a network with its smallest weights set to zero.

    The sparsity is their share, in [0, 1]; another raises a ValueError. The weights of all linear
    and convolutional layers count as one; biases stay.

    Examples
    --------
    >>> layer = nn.Linear(4, 1)
    >>> layer.weight.data = torch.tensor([[0.1, -3.0, 0.5, 2.0]])
    >>> prune_by_magnitude(layer, sparsity=0.5).weight.tolist()
    [[0.0, -3.0, 0.0, 2.0]]
    """
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity must lie in [0, 1], not {sparsity}")
    pruned = copy.deepcopy(model)
    layers = [layer for layer in pruned.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    parameters = [(layer, "weight") for layer in layers]
    prune.global_unstructured(parameters, prune.L1Unstructured, amount=float(sparsity))
    for layer in layers:
        prune.remove(layer, "weight")  # make the zeros last
    return pruned


def fold_batch_norm(model: Model) -> Model:
    """Return a copy of a network without the batch normalisations that follow a layer directly.

    Once trained, a batch normalisation multiplies each output of the layer before it by a fixed
    number and adds another one, so both can be put into that layer's weights and bias. The results
    are the same up to rounding. The copy is for evaluation only.

    Examples
    --------
    >>> layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    >>> [type(layer).__name__ for layer in fold_batch_norm(layers)]
    ['Conv2d', 'Identity', 'ReLU']
    """
    folded = copy.deepcopy(model).eval()
    for layers in [module for module in folded.modules() if isinstance(module, nn.Sequential)]:
        for (name, layer), (next_name, norm) in pairwise(list(layers.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                fused: nn.Module = fuse_conv_bn_eval(layer, norm)
            elif isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                fused = fuse_linear_bn_eval(layer, norm)
            else:
                continue
            layers.set_submodule(name, fused)
            layers.set_submodule(next_name, nn.Identity())
    return folded


class Int8Linear(nn.Module):
    """A linear layer that multiplies whole numbers from -127 to 127.

    Weights are stored as int8 with a scale for each output, inputs are rounded to int8 with one
    scale, and their products are summed as int32, exactly as an int8 kernel does. Sizes and
    accuracies are therefore those of int8. The time is not: this is plain PyTorch, to be read, and
    slower than the layer it replaces.

    An input of `input_scale` becomes 1: static quantisation. Without this scale, each batch's own
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
    """Round x / scale to whole numbers, int8, and hold them within -127 and 127.

    The scale is above 0, of a shape that broadcasts.

    Examples
    --------
    >>> to_int8(torch.tensor([0.5, -1.26, 200.0]), scale=torch.tensor(0.1))
    tensor([  5, -13, 127], dtype=torch.int8)
    """
    return (x / scale).round().clamp(-127, 127).to(torch.int8)


def positive(scale: Tensor) -> Tensor:
    """Replace scales of 0, which all-zero weights or inputs have, by 1."""
    return torch.where(scale > 0, scale, torch.ones_like(scale))


def quantize_dynamic(model: Model) -> Model:
    """Replace the linear layers by int8 ones that scale each batch of inputs by its largest.

    The result is a copy, for evaluation only; convolutions and batch normalisation stay float.
    """
    return _with_int8(model, {})


def quantize_static(model: Model, images: npt.ArrayLike) -> Model:
    """Replace the linear layers by int8 ones whose inputs have a scale fixed beforehand.

    The images are typical inputs, some hundreds: shape (n, 28, 28), values in [0, 255]; none at all
    raise a ValueError. The largest number that enters each layer becomes 127, and what is larger
    later on is cut off. The result is a copy, as `quantize_dynamic` makes it.
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


def _with_int8(model: Model, input_scales: dict[str, float]) -> Model:
    quantized = copy.deepcopy(model).eval()
    for name, layer in list(quantized.named_modules()):
        if isinstance(layer, nn.Linear):
            quantized.set_submodule(name, Int8Linear(layer, input_scales.get(name)))
    return quantized


def size_in_bytes(model: nn.Module) -> int:
    """Count the bytes of a network's numbers, as they are stored.

    They are weights, biases, scales and batch normalisation's averages.

    Examples
    --------
    >>> size_in_bytes(nn.Linear(100, 10))  # 1,010 numbers of 32 bits
    4040
    """
    return sum(value.numel() * value.element_size() for value in model.state_dict().values())


def latency(model: nn.Module, x: Tensor, repeats: int = 20) -> float:
    """Measure how many milliseconds one forward pass takes: the median of some repeats, at least 1.

    A first pass doesn't count. The network must be on the CPU, because a GPU would not have
    finished when the clock stops, and is left in evaluation mode.
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
