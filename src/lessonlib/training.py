"""Training a network on images of digits, all of them in one tensor on the device."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR
from tqdm import tqdm

from lessonlib.models import MEAN, STD, to_tensor

Augment = Callable[[Tensor, torch.Generator], Tensor]
PAPER = -MEAN / STD  # what an empty pixel becomes when standardised


@dataclass
class History:
    """What a training run did, one entry per epoch.

    Attributes
    ----------
    train_loss, train_accuracy : list of float
        Means over the epoch's batches, taken while the weights change, with dropout and
        augmentation on.
    val_loss, val_accuracy : list of float
        On the held-out images after the epoch; empty when none are held out.
    seconds : list of float
        Time each epoch took, validation included.
    """

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def pick_device() -> torch.device:
    """Choose an NVIDIA GPU if there is one, else an Apple GPU, else the CPU.

    Returns
    -------
    torch.device
        "cuda", "mps" or "cpu".
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def set_seed(seed: int) -> None:
    """Start the random numbers of Python, NumPy and torch from one seed.

    Parameters
    ----------
    seed : int
        Not negative.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (libraries still draw from the global state)
    torch.manual_seed(seed)


def fit(
    model: nn.Module,
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    epochs: int = 5,
    batch_size: int = 128,
    lr: float = 1e-3,
    weight_decay: float = 1e-4,
    schedule: Literal["constant", "cosine", "one-cycle"] = "constant",
    augment: Augment | None = None,
    validation: int | None = 5_000,
    seed: int = 0,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> History:
    """Train a network with Adam on cross-entropy.

    Parameters
    ----------
    model : nn.Module
        Takes standardised images (n, 28, 28), gives logits (n, 10). Trained in place, moved
        to the device, and left in evaluation mode.
    images : array, shape (n, 28, 28)
        Values in [0, 255].
    labels : array of int, shape (n,)
        In 0 to 9.
    epochs, batch_size : int
        Passes over the training images; images per step. The last, incomplete batch of an
        epoch is left out (the order changes, so no image is left out for good).
    lr : float
        Learning rate; its start under "cosine", its peak under "one-cycle".
    weight_decay : float
        Adam's: `weight_decay` times each weight is added to its gradient.
    schedule : {"constant", "cosine", "one-cycle"}
        "cosine" falls from `lr` to almost nothing, a step at a time; "one-cycle" rises to `lr`
        first.
    augment : callable, optional
        `shift`, `warp` or another function of a batch and a generator, applied to each
        training batch.
    validation : int, optional
        How many images, drawn at random, are held out of training and scored after every
        epoch.
    seed : int
        For the images that are held out, the order of the batches, augmentation and dropout. The
        initial weights are the model's own: call `set_seed` before building it.
    device : torch.device or str, optional
        `pick_device()` when not given.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        When images and labels don't match, a label is not in 0 to 9, the schedule has another
        name, or too few images are left for one batch.
    """
    if schedule not in ("constant", "cosine", "one-cycle"):
        raise ValueError(f'schedule must be "constant", "cosine" or "one-cycle", not {schedule!r}')
    x, y = as_tensors(images, labels, device or pick_device())
    held_out = validation or 0
    _check_sizes(len(x), held_out, epochs, batch_size)
    torch.manual_seed(seed)  # dropout draws from torch's own generator
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=generator)  # so every device holds out the same images
    if x.device.type != "cpu":
        generator = torch.Generator(x.device).manual_seed(seed)
    x_val, y_val = x[order[:held_out]], y[order[:held_out]]
    x, y = x[order[held_out:]], y[order[held_out:]]

    model.to(x.device)
    fused = x.device.type in ("cpu", "cuda")  # one kernel for all weights, where there is one
    optimizer = torch.optim.Adam(model.parameters(), lr, weight_decay=weight_decay, fused=fused)
    steps = epochs * (len(x) // batch_size)
    scheduler: LRScheduler | None = None
    if schedule == "cosine":
        scheduler = CosineAnnealingLR(optimizer, T_max=steps)
    elif schedule == "one-cycle":
        scheduler = OneCycleLR(optimizer, lr, total_steps=steps)
    history = History()
    for _ in tqdm(range(epochs), unit="epoch") if progress else range(epochs):
        start = time.perf_counter()
        batches = shuffled_batches(len(x), batch_size, generator)
        loss, accuracy = train_epoch(model, x, y, batches, optimizer, scheduler, augment, generator)
        history.train_loss.append(loss)
        history.train_accuracy.append(accuracy)
        if held_out:
            loss, accuracy = score(model, x_val, y_val)
            history.val_loss.append(loss)
            history.val_accuracy.append(accuracy)
        history.seconds.append(time.perf_counter() - start)
    model.eval()
    return history


def shuffled_batches(n: int, batch_size: int, generator: torch.Generator) -> Tensor:
    """Deal the indices 0 to n − 1 into batches, in random order.

    Parameters
    ----------
    n, batch_size : int
    generator : torch.Generator
        Its device is the batches' device.

    Returns
    -------
    Tensor
        int64, shape (n // batch_size, batch_size); what doesn't fill a batch is left out.
    """
    order = torch.randperm(n, generator=generator, device=generator.device)
    return order[: n - n % batch_size].view(-1, batch_size)


def train_epoch(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    batches: Tensor,
    optimizer: torch.optim.Optimizer,
    scheduler: LRScheduler | None = None,
    augment: Augment | None = None,
    generator: torch.Generator | None = None,
) -> tuple[float, float]:
    """Take one optimizer step for each batch.

    Parameters
    ----------
    model : nn.Module
    x : Tensor, float, shape (n, 28, 28)
        Standardised images, on the model's device.
    y : Tensor, int64, shape (n,)
    batches : Tensor, int64, shape (steps, batch_size)
        As `shuffled_batches` deals them.
    optimizer : torch.optim.Optimizer
        Holds the model's parameters.
    scheduler, augment, generator : optional
        As in `fit`.

    Returns
    -------
    loss, accuracy : float
        Means over the epoch.
    """
    model.train()
    loss_sum = torch.zeros((), device=x.device)
    correct = torch.zeros((), device=x.device)
    for batch in batches:
        xb, yb = x[batch], y[batch]
        if augment is not None:
            assert generator is not None, "an augmentation needs a generator"
            xb = augment(xb, generator)
        logits = model(xb)
        loss = F.cross_entropy(logits, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        # Summed where the numbers are: reading them here would make a GPU wait at every step.
        loss_sum += loss.detach()
        correct += (logits.argmax(dim=1) == yb).sum()
    return loss_sum.item() / len(batches), correct.item() / batches.numel()


def score(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Measure a network's loss and accuracy, dropout off.

    Parameters
    ----------
    model : nn.Module
        Left in evaluation mode.
    x : Tensor, float, shape (n, 28, 28)
    y : Tensor, int64, shape (n,)

    Returns
    -------
    loss, accuracy : float
    """
    model.eval()
    with torch.no_grad():
        logits = model(x)
    return F.cross_entropy(logits, y).item(), (logits.argmax(dim=1) == y).float().mean().item()


def shift(x: Tensor, generator: torch.Generator) -> Tensor:
    """Move each image by −1, 0 or 1 pixel, across and down.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    generator : torch.Generator
        On the images' device.

    Returns
    -------
    Tensor
        Shape (n, 28, 28); the edge that comes free is paper.
    """
    n, device = len(x), x.device
    windows = F.pad(x, (1, 1, 1, 1), value=PAPER).unfold(1, 28, 1).unfold(2, 28, 1)
    dy, dx = torch.randint(3, (2, n), generator=generator, device=device)
    return windows[torch.arange(n, device=device), dy, dx]


def warp(x: Tensor, generator: torch.Generator) -> Tensor:
    """Bend each image a little, as another hand might have written it.

    A random affine map (rotation, scale, shear, shift) and a smooth random displacement of
    the pixels, in one resampling.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    generator : torch.Generator
        On the images' device.

    Returns
    -------
    Tensor
        Shape (n, 28, 28).

    References
    ----------
    Simard, Steinkraus and Platt, Best practices for convolutional neural networks applied to
    visual document analysis, ICDAR 2003.
    """
    n, device = len(x), x.device
    affine = affine_maps(n, generator, device)
    bumps = 0.6 / 14 * torch.randn(n, 2, 49, generator=generator, device=device)

    # Where each pixel takes its ink from is a sum of 52 fixed patterns: its own x, y and 1 for the
    # affine map, and a smooth bump around each of 7x7 points. So one product gives all images'.
    axis = (torch.arange(28, device=device) + 0.5) / 14 - 1
    down_axis, across_axis = torch.meshgrid(axis, axis, indexing="ij")
    bump = F.interpolate(torch.eye(7, device=device)[None, None], (7, 28), mode="bicubic")[0, 0]
    plane = torch.stack([across_axis, down_axis, torch.ones_like(down_axis)]).view(3, 784)
    patterns = torch.cat([plane, torch.kron(bump, bump)])
    grid = (torch.cat([affine, bumps], dim=2) @ patterns).view(n, 2, 28, 28).permute(0, 2, 3, 1)
    return resample(x, grid)


def affine_maps(n: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Draw maps that turn, stretch, slant and move an image a little.

    Parameters
    ----------
    n : int
    generator : torch.Generator
    device : torch.device
        The generator's.

    Returns
    -------
    Tensor
        Shape (n, 2, 3), as `affine_grid` takes them: turned by up to 10 degrees, sides scaled by
        0.9 to 1.1, slanted by up to 0.1 pixels a row, moved by up to 1.5 pixels each way.
    """
    u = 2 * torch.rand(6, n, generator=generator, device=device) - 1  # uniform in [-1, 1]
    angle = math.radians(10) * u[0]
    scale_x, scale_y = 1 + 0.1 * u[1], 1 + 0.1 * u[2]
    shear = 0.1 * u[3]
    shift_x, shift_y = 1.5 / 14 * u[4], 1.5 / 14 * u[5]  # the grid's unit is 14 pixels
    across = torch.stack([scale_x * angle.cos(), shear - angle.sin(), shift_x], dim=1)
    down = torch.stack([angle.sin(), scale_y * angle.cos(), shift_y], dim=1)
    return torch.stack([across, down], dim=1)


def resample(x: Tensor, grid: Tensor) -> Tensor:
    """Draw images anew, each pixel with the ink found at another place.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    grid : Tensor, float, shape (n, 28, 28, 2)
        Where each pixel takes its ink from, (across, down): -1 and 1 are the image's edges.

    Returns
    -------
    Tensor
        Shape (n, 28, 28); there is paper outside the image.
    """
    ink = F.grid_sample((x - PAPER)[:, None], grid, align_corners=False)  # 0 outside
    return ink[:, 0] + PAPER


def grid_of(matrices: Tensor) -> Tensor:
    """Turn affine maps into the grids that `resample` takes.

    Parameters
    ----------
    matrices : Tensor, float, shape (n, 2, 3)
        As `affine_maps` draws them: from a pixel's place to the place of its ink.

    Returns
    -------
    Tensor
        Shape (n, 28, 28, 2).
    """
    return F.affine_grid(matrices, [len(matrices), 1, 28, 28], align_corners=False)


def resized(x: Tensor, factor: float) -> Tensor:
    """Make what images show larger or smaller, about their middles.

    Parameters
    ----------
    x : Tensor, float, shape (..., 28, 28)
        Standardised images.
    factor : float
        Above 0; larger from 1 on.

    Returns
    -------
    Tensor
        Of the same shape; what no longer fits is cut off, and what comes free is paper.
    """
    if factor == 1:
        return x
    images = x.reshape(-1, 28, 28)
    matrix = torch.eye(2, 3, device=x.device) / factor  # where a pixel's ink comes from
    return resample(images, grid_of(matrix.expand(len(images), 2, 3))).view_as(x)


def as_tensors(
    images: npt.ArrayLike, labels: npt.ArrayLike, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """Turn a data set into two tensors on one device, checked.

    Parameters
    ----------
    images : array, shape (n, 28, 28)
        Values in [0, 255].
    labels : array of int, shape (n,)
        In 0 to 9.
    device : torch.device or str

    Returns
    -------
    x : Tensor, float32, shape (n, 28, 28)
        Standardised.
    y : Tensor, int64, shape (n,)

    Raises
    ------
    ValueError
        When the two don't match, or hold other values than these.
    """
    x = to_tensor(images, device)
    array = np.asarray(labels)
    if array.shape != (len(x),):
        raise ValueError(
            f"labels must have shape ({len(x)},) as there are images, not {array.shape}"
        )
    if not np.issubdtype(array.dtype, np.integer) or (
        array.size and not (array.min() >= 0 and array.max() <= 9)
    ):
        raise ValueError("labels must be whole numbers from 0 to 9")
    return x, torch.tensor(array, dtype=torch.int64, device=device)


def _check_sizes(n: int, held_out: int, epochs: int, batch_size: int) -> None:
    if epochs < 1 or batch_size < 2:
        raise ValueError(f"need epochs >= 1 and batch_size >= 2, not {epochs} and {batch_size}")
    if held_out < 0 or n - held_out < batch_size:
        raise ValueError(
            f"{n} images less {held_out} for validation leave no batch of {batch_size}: "
            "give more images, a smaller batch_size or a smaller validation"
        )
