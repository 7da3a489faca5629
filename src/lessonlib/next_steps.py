"""Beyond the baseline MLP: the networks that chapter 8 compares, and ways to make one smaller.

Augmentation draws new training images; pruning and int8 make a trained network smaller; the
last functions measure size, time and accuracy.
"""

import copy
import math
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import prune

from lessonlib import data_path, models
from lessonlib.training import affine_maps, grid_of, resample

VARIANTS = {
    "baseline": "baseline MLP",
    "batch-norm": "batch normalisation",
    "cosine": "cosine schedule",
    "one-cycle": "one-cycle schedule",
    "affine": "affine augmentation",
    "elastic": "elastic augmentation",
    "lenet": "LeNet-style CNN",
    "residual": "the CNN with a residual block",
    "together": "all of it together",
}
M = TypeVar("M", bound=nn.Module)


# The shipped networks


@dataclass(frozen=True, eq=False)
class Variant:
    """A network that differs from the baseline, mostly in one thing; trained on the same images.

    Attributes
    ----------
    name, title : str
        Its key in `VARIANTS`, and what differs.
    model : MLP or LeNet
        On the CPU, in evaluation mode.
    record : dict
        How it was made: "recipe", "seed", "history" (lists with an entry per epoch),
        "parameters", "test_accuracy", "command" and more. "runs" holds what the same recipe gave
        with other seeds, this network's first: "seeds", "test_accuracy", "test_wrong" and
        "field_wrong" have an entry for each; the last two list which test images, and which
        digits cut out of `bill_fields`, were read wrong.
    """

    name: str
    title: str
    model: models.Network
    record: dict[str, Any]


def load_variant(name: str) -> Variant:
    """Load one of the networks that ``python -m tools.train_next_steps`` trained.

    Parameters
    ----------
    name : str
        A key of `VARIANTS`.

    Returns
    -------
    Variant

    Raises
    ------
    ValueError
        For a name that none of them has.
    """
    if name not in VARIANTS:
        raise ValueError(f"no variant is called {name!r}; there is: {', '.join(VARIANTS)}")
    path = data_path("weights", "next", f"{name}.safetensors")
    return Variant(name, VARIANTS[name], models.load(path), models.read_record(path))


# Augmentation


def affine(x: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, stretch, slant and move each image a little, each in its own way.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    generator : torch.Generator
        On the images' device.

    Returns
    -------
    Tensor
        Shape (n, 28, 28). Turned by up to 10 degrees, sides scaled by 0.9 to 1.1, slanted by up
        to 0.1 pixels a row, moved by up to 1.5 pixels each way.
    """
    matrices = affine_maps(len(x), generator, x.device)
    return resample(x, grid_of(matrices))


def elastic(x: Tensor, generator: torch.Generator) -> Tensor:
    """Push the pixels of each image about, neighbours in about the same direction.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    generator : torch.Generator
        On the images' device.

    Returns
    -------
    Tensor
        Shape (n, 28, 28). The pushes are drawn at 7x7 points, with a standard deviation of 0.6
        pixels each way, and are smooth in between.

    References
    ----------
    Simard, Steinkraus and Platt, Best practices for convolutional neural networks applied to
    visual document analysis, ICDAR 2003.
    """
    pushes = 0.6 / 14 * torch.randn(len(x), 2, 7, 7, generator=generator, device=x.device)
    smooth = F.interpolate(pushes, (28, 28), mode="bicubic").permute(0, 2, 3, 1)
    stay = torch.eye(2, 3, device=x.device).expand(len(x), 2, 3)
    return resample(x, grid_of(stay) + smooth)


def moved(x: Tensor, degrees: float = 0.0, right: float = 0.0, down: float = 0.0) -> Tensor:
    """Turn all images about their middles, then move them, all in the same way.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    degrees : float
        Anticlockwise.
    right, down : float
        Pixels.

    Returns
    -------
    Tensor
        Shape (n, 28, 28).
    """
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # The grid says where a pixel comes from, so this is the way back: unmoved, then unturned.
    x0, y0 = -right / 14, -down / 14
    rows = [[cos, -sin, cos * x0 - sin * y0], [sin, cos, sin * x0 + cos * y0]]
    matrices = torch.tensor(rows, device=x.device).expand(len(x), 2, 3)
    return resample(x, grid_of(matrices))


# Pruning


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


# Int8


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


# Measuring


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


@dataclass(frozen=True, eq=False)
class FieldDigits:
    """The digits of check fields, cut out by the rules of chapter 6.

    Attributes
    ----------
    images : uint8 array, shape (n, 28, 28)
        As MNIST's, from all fields in which as many digits were found as there are.
    labels : int array, shape (n,)
        What they are.
    field : int array, shape (n,)
        The number of the field that each comes from.
    fields : int
        How many fields there were, with those that were cut into too many or too few.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    field: npt.NDArray[np.int64]
    fields: int

    def exact(self, wrong: npt.ArrayLike) -> float:
        """Share of all fields that are read exactly, given the numbers of the digits read wrong."""
        spoilt = self.field[np.asarray(wrong, dtype=int)]
        return len(set(self.field.tolist()) - set(spoilt.tolist())) / self.fields


def bill_fields() -> tuple[list[npt.NDArray[np.uint8]], list[str]]:
    """Render the fields of chapter 8's bill: 300 amounts in the hand of the UCI digits.

    Returns
    -------
    images : list of uint8 array, shape (H, W)
        The same at every call.
    labels : list of str
        The digits of each.
    """
    from lessonlib import checks  # imports OpenCV, which the rest doesn't need
    from lessonlib.checks.render import bundled_hand, sample_amounts

    rng = np.random.default_rng(8)
    amounts = sample_amounts(rng, 300)
    images = [checks.render(amount, rng, hand=bundled_hand) for amount in amounts]
    return images, [checks.digits_of(amount) for amount in amounts]


def cut_fields(images: Iterable[npt.NDArray[np.uint8]], labels: Sequence[str]) -> FieldDigits:
    """Cut check fields into digits for a network that knows MNIST's digits and nothing else.

    Parameters
    ----------
    images : iterable of uint8 array, shape (H, W) or (H, W, 3)
    labels : sequence of str
        The digits of each field.

    Returns
    -------
    FieldDigits

    Raises
    ------
    ValueError
        When there are not as many labels as images, or there are none of both.
    """
    from lessonlib import checks  # imports OpenCV, which the rest doesn't need

    squares: list[npt.NDArray[np.uint8]] = []
    truth: list[int] = []
    field: list[int] = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        pieces = checks.segment(checks.binarize(checks.resample(checks.as_gray(image))))
        if len(pieces) == len(label):
            squares += [checks.normalize(piece.ink) for piece in pieces]
            truth += map(int, label)
            field += [number] * len(label)
    if not labels:
        raise ValueError("there are no fields to cut")
    shown = np.stack(squares) if squares else np.zeros((0, 28, 28), np.uint8)
    return FieldDigits(shown, np.array(truth, int), np.array(field, int), len(labels))
