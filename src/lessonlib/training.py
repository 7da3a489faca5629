"""Train a network on images of digits, which stay on the device as one tensor."""

import random
import time
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR
from tqdm import tqdm

from lessonlib import parallel
from lessonlib.augment import Augment
from lessonlib.models import to_tensor


@dataclass
class History:
    """The losses, accuracies and times of a training run, one entry per epoch.

    Attributes
    ----------
    train_loss, train_accuracy : list of float
        Means over the epoch's batches. The weights change between them, and dropout and
        augmentation are on.
    val_loss, val_accuracy : list of float
        On the held-out images after the epoch; empty when none are held out.
    seconds : list of float
        How long each epoch took, validation included.
    """

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def pick_device() -> torch.device:
    """Choose an NVIDIA GPU if there is one ("cuda"), else an Apple GPU ("mps"), else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    # Processes that train together exchange gradients with gloo, which knows no Apple GPU.
    if torch.backends.mps.is_available() and not parallel.joined():
        return torch.device("mps")
    return torch.device("cpu")


def set_seed(seed: int) -> None:
    """Seed the random number generators of Python, NumPy and torch."""
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

    Processes that have joined (`lessonlib.parallel`) share every batch, and take the steps that one
    would take alone, up to rounding. Only dropout and augmentation draw other numbers then, and
    batch normalisation standardises each share by itself.

    Parameters
    ----------
    model : nn.Module
        Takes standardised images (n, 28, 28), gives logits (n, 10). It is moved to the device,
        trained in place, and left in evaluation mode.
    images : array, shape (n, 28, 28)
        Values in [0, 255].
    labels : array of int, shape (n,)
        In 0 to 9.
    epochs, batch_size : int
        Passes over the training images; images per step. Each epoch has a new random order and
        leaves out the images that don't fill its last batch. A batch is that of all processes
        together.
    lr : float
        Learning rate; with "cosine" the first one, with "one-cycle" the highest one.
    weight_decay : float
        `weight_decay` times each weight is added to the weight's gradient (L2 regularisation).
    schedule : {"constant", "cosine", "one-cycle"}
        "cosine" lowers the learning rate from `lr` to almost 0 at every step; "one-cycle" first
        raises it to `lr`, then lowers it.
    augment : callable, optional
        A function of a batch and a generator, as those in `lessonlib.augment`, applied to each
        training batch.
    validation : int, optional
        How many images, drawn at random, are held out of training and scored after every epoch.
    seed : int
        Decides which images are held out, the order of the batches, augmentation and dropout. For
        the same initial weights, call `set_seed` before building the model.
    device : torch.device or str, optional
        `pick_device()` when not given.
    progress : bool
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        When images and labels don't match, a label is not in 0 to 9, the schedule has another name,
        too few images are left for one batch, or the processes can't share a batch evenly.
    """
    if schedule not in ("constant", "cosine", "one-cycle"):
        raise ValueError(f'schedule must be "constant", "cosine" or "one-cycle", not {schedule!r}')
    x, y = as_tensors(images, labels, device or pick_device())
    held_out = validation or 0
    _check_sizes(len(x), held_out, epochs, batch_size)
    # Dropout draws from torch's own generator: other numbers in each process.
    torch.manual_seed(seed + parallel.rank())
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=generator)  # so every device holds out the same images
    if x.device.type != "cpu":
        generator = torch.Generator(x.device).manual_seed(seed)
    x_val, y_val = x[order[:held_out]], y[order[:held_out]]
    x, y = x[order[held_out:]], y[order[held_out:]]

    model.to(x.device)
    network = parallel.together(model)
    fused = x.device.type in ("cpu", "cuda")  # these have one operation for all weights
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
        batches = parallel.share(shuffled_batches(len(x), batch_size, generator))
        loss, accuracy = parallel.mean(
            *train_epoch(network, x, y, batches, optimizer, scheduler, augment, generator)
        )
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
    """Divide the indices 0 to n − 1 into batches, in random order; some may be left out at the end.

    The result is int64, shape (n // batch_size, batch_size), on the generator's device.
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
    """Take one optimizer step for each batch, and return the means of loss and accuracy.

    `x` are standardised images, shape (n, 28, 28), on the model's device, and `y` their labels,
    int64, shape (n,). The batches, shape (steps, batch_size), are those of `shuffled_batches`. The
    optimizer holds the model's parameters. The rest is as in `fit`; an augmentation needs the
    generator.
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
        # Sum on the device: reading the numbers here would make the CPU wait for a GPU each step.
        loss_sum += loss.detach()
        correct += (logits.argmax(dim=1) == yb).sum()
    return loss_sum.item() / len(batches), correct.item() / batches.numel()


def score(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return a network's loss and accuracy in evaluation mode, without dropout, and leave it so.

    `x` are standardised images, shape (n, 28, 28), and `y` their labels, int64, shape (n,).
    """
    model.eval()
    with torch.no_grad():
        logits = model(x)
    return F.cross_entropy(logits, y).item(), (logits.argmax(dim=1) == y).float().mean().item()


def as_tensors(
    images: npt.ArrayLike, labels: npt.ArrayLike, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """Check a data set and turn it into two tensors on one device.

    The images, shape (n, 28, 28) with values in [0, 255], become float32 and standardised; the
    labels, shape (n,) from 0 to 9, become int64. Others, or not as many labels as images, raise a
    ValueError.
    """
    x = to_tensor(images, device)
    array = np.asarray(labels)
    if array.shape != (len(x),):
        raise ValueError(
            f"labels must have shape ({len(x)},), one for each image, not {array.shape}"
        )
    if not np.issubdtype(array.dtype, np.integer) or (
        array.size and not (array.min() >= 0 and array.max() <= 9)
    ):
        raise ValueError("labels must be whole numbers from 0 to 9")
    return x, torch.tensor(array, dtype=torch.int64, device=device)


def _check_sizes(n: int, held_out: int, epochs: int, batch_size: int) -> None:
    if epochs < 1 or batch_size < 2:  # batch normalisation can't standardise a single image
        raise ValueError(f"need epochs >= 1 and batch_size >= 2, not {epochs} and {batch_size}")
    processes = parallel.size()
    if batch_size % processes or batch_size < 2 * processes:
        raise ValueError(
            f"{processes} processes can't share a batch of {batch_size} evenly, two images or more "
            "each: choose another number of processes, or another batch_size"
        )
    if held_out < 0:
        raise ValueError(f"validation must be 0 or more images, not {held_out}")
    if n - held_out < batch_size:
        raise ValueError(
            f"{n} images, less {held_out} for validation, are too few for a batch of "
            f"{batch_size}: give more images, a smaller batch_size or a smaller validation"
        )
