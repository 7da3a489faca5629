"""Measure speed side by side in one run, and print ratios.

Usage: ``python -m tools.bench`` (``make bench``), with MNIST in reach. Seconds differ from
machine to machine and from minute to minute; the ratios carry over.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from lessonlib import checks, data_path, digits, models, network, optimizers, training
from tools import train_weights

SEEDS = range(5)
DATALOADER_SEEDS = range(2)  # slow: two runs show that the accuracies agree
FAST: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 256,
    "lr": 5e-3,
    "schedule": "one-cycle",
    "augment": training.shift,
    "validation": None,
}


def train_with_dataloader(seed: int) -> torch.nn.Module:
    """Train as the source lesson does: an image at a time through PIL transforms."""
    training.set_seed(seed)
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((models.MEAN,), (models.STD,))]
    )
    dataset = datasets.MNIST(digits.find_mnist(), train=True, transform=transform)
    loader = DataLoader(dataset, batch_size=128, shuffle=True, num_workers=2)
    model = models.MLP()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    model.train()
    for _ in range(5):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    return model


def train_with_tensor(seed: int) -> torch.nn.Module:
    """Train the same network at the same settings, with the whole set in one tensor."""
    training.set_seed(seed)
    model = models.MLP()
    training.fit(
        model, *digits.load("train"), validation=None, seed=seed, device="cpu", progress=False
    )
    return model


def train_fast(seed: int) -> torch.nn.Module:
    """Train at chapter 4's fast settings."""
    training.set_seed(seed)
    model = models.MLP(dropout=0.0, batch_norm=True)
    training.fit(model, *digits.load("train"), **FAST, seed=seed, device="cpu", progress=False)
    return model


def train_best(seed: int) -> torch.nn.Module:
    """Train as the shipped weights were trained."""
    return train_weights.train_mlp(seed)


def measure(name: str, train: Callable[[int], torch.nn.Module], seeds: range) -> float:
    """Train once per seed; print and return the median wall time, and print mean accuracy."""
    test = training.as_tensors(*digits.load("test"), "cpu")
    seconds, accuracies = [], []
    for seed in seeds:
        start = time.perf_counter()
        model = train(seed)
        seconds.append(time.perf_counter() - start)
        accuracies.append(training.score(model, *test)[1])
    median = statistics.median(seconds)
    print(f"{name:34} {median:6.1f} s  {statistics.mean(accuracies):.2%}  ({len(seeds)} seeds)")
    return median


def bench_training() -> None:
    """Compare the DataLoader loop, the one-tensor loop, the fast and the best settings."""
    slow = measure("DataLoader, the lesson's settings", train_with_dataloader, DATALOADER_SEEDS)
    same = measure("one tensor, the same settings", train_with_tensor, SEEDS)
    fast = measure("one tensor, fast settings", train_fast, SEEDS)
    best = measure("one tensor, best settings", train_best, range(1))
    print(f"one tensor, same settings: {slow / same:.1f} times as fast as the DataLoader loop")
    print(f"one tensor, fast settings: {slow / fast:.1f} times as fast as the DataLoader loop")
    print(f"one tensor, best settings: {best / slow:.2f} of the DataLoader loop's time")


def train_with_numpy(X: npt.NDArray[Any], y: npt.NDArray[Any]) -> list[float]:
    """Train chapter 3's network for an epoch, at chapter 4's plain settings without dropout."""
    W, b = network.initialize((784, 256, 128, 10), np.random.default_rng(0))
    W, b = ([w.astype(np.float32) for w in part] for part in (W, b))
    optimizer = optimizers.Adam([*W, *b], lr=1e-3)
    rng = np.random.default_rng(0)
    return optimizers.train(X, y, W, b, optimizer, rng, epochs=1, batch_size=128)


def train_with_torch(X: npt.NDArray[Any], y: npt.NDArray[Any]) -> list[float]:
    """Train the same network in the same way, with torch's fastest Adam."""
    training.set_seed(0)
    model = models.MLP(dropout=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    batches = training.shuffled_batches(len(X), 128, torch.Generator().manual_seed(0))
    x, labels = torch.from_numpy(X), torch.from_numpy(y)
    return [training.train_epoch(model, x, labels, batches, optimizer)[0]]


def bench_numpy() -> None:
    """Compare an epoch of the network in NumPy with the same epoch in torch, in turns."""
    images, y = digits.load("train")
    X = models.to_tensor(images).reshape(-1, 784).numpy()
    seconds: dict[str, list[float]] = {"NumPy": [], "torch": []}
    for _ in range(7):
        for name, train in (("NumPy", train_with_numpy), ("torch", train_with_torch)):
            start = time.perf_counter()
            (loss,) = train(X, y)
            seconds[name].append(time.perf_counter() - start)
            assert loss < 0.4, f"{name} did not learn"
    ours, theirs = (statistics.median(seconds[name]) for name in ("NumPy", "torch"))
    print(f"an epoch of 60,000 digits in NumPy: {ours:.2f} s, {ours / theirs:.2f} of torch's time")


def bench_reading() -> None:
    """Time the reader on the sample checks: one by one, and in one batch."""
    reader = checks.CheckReader()
    images = [
        checks.load_image(path) for path in sorted(data_path("checks", "images").glob("*.png"))
    ]
    images *= 5
    start = time.perf_counter()
    for image in images:
        reader.read(image)
    single = time.perf_counter() - start
    start = time.perf_counter()
    reader.read_many(images)
    many = time.perf_counter() - start
    print(f"read:      {len(images) / single:5.0f} fields a second")
    print(
        f"read_many: {len(images) / many:5.0f} fields a second, {single / many:.1f} times as fast"
    )


if __name__ == "__main__":
    if digits.source() != "mnist":
        sys.exit("The training benchmark needs MNIST: set LESSONLIB_MNIST_ROOT.")
    bench_numpy()
    bench_training()
    bench_reading()
