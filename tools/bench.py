"""Measure speed side by side in one run, and print ratios.

Usage: ``python -m tools.bench [numpy] [training] [reading]`` (``make bench``: all three; the first
two need MNIST). Seconds differ from machine to machine and from minute to minute; the ratios
carry over.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from lessonlib import checks, digits, evaluation, models, network, optimizers, training
from lessonlib.checks.image import Gray
from lessonlib.checks.reader import BATCH, MODELS, Field
from lessonlib.checks.render import Hand, bundled_hand, drawn_hand, sample_amounts
from tools import train_weights

SEEDS = range(5)
DATALOADER_SEEDS = range(2)  # slow: two runs show that the accuracies agree
RENDERED = 1_000  # fields to read for the share read exactly
FIELDS, ROUNDS = 300, 3  # rendered fields to read, and how often
WARM_UP, STREAM = 500, 10_000  # fields read before the memory is looked at, and from there on
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
    """Time the reader on rendered fields: all together, step by step, and in memory."""
    fields = rendered_fields(FIELDS)
    for name in MODELS:
        reader = checks.CheckReader(name)
        once = checks.CheckReader(reader.model)  # shows each candidate at its own size only
        print_accuracy(f"{name}, drawn hand", reader, 77, drawn_hand)
        print_accuracy(f"{name}, collected hand", reader, 78, bundled_hand)
        print_accuracy(f"{name}, collected hand, one look", once, 78, bundled_hand)
        reader.read_many(fields[:BATCH])  # what is slow the first time only
        print(f"{name} read_many, {FIELDS} rendered fields:")
        print_rates(reader, fields)
        rounds = [seconds_of_steps(reader, fields) for _ in range(ROUNDS)]
        for step in rounds[0]:
            median = statistics.median(times[step] for times in rounds)
            print(f"  {step:20} {1000 * median / FIELDS:6.2f} ms a field")
        # In a process of its own, where nothing else has been in memory.
        code = f"from tools import bench; bench.print_memory_growth({name!r})"
        subprocess.run([sys.executable, "-c", code], check=True)


def print_accuracy(name: str, reader: checks.CheckReader, seed: int, hand: Hand) -> None:
    """Print the share of rendered fields of usual difficulty that is read exactly."""
    rng = np.random.default_rng(seed)
    amounts = sample_amounts(rng, RENDERED)
    readings = reader.read_many(checks.render(amount, rng, hand=hand) for amount in amounts)
    pairs = zip(readings, amounts, strict=True)
    hits = sum(reading.text == checks.digits_of(amount) for reading, amount in pairs)
    low, high = evaluation.wilson_interval(hits, RENDERED)
    print(f"{name}: {hits / RENDERED:.1%} of {RENDERED:,} rendered fields read exactly", end=" ")
    print(f"(95 % interval {low:.1%} to {high:.1%})")


def rendered_fields(count: int) -> list[Gray]:
    """Render fields of usual difficulty, as the sample checks are."""
    rng = np.random.default_rng(0)
    return [checks.render(amount, rng) for amount in sample_amounts(rng, count)]


def print_rates(reader: checks.CheckReader, fields: list[Gray]) -> None:
    """Print fields a second with idle and with busy cores, and the same with all torch threads."""
    for cores, programs in (("idle", 0), ("busy", os.cpu_count() or 1)):
        with busy(programs):
            one = fields_a_second(reader, fields)
            with mock.patch("lessonlib.checks.reader.one_thread", nullcontext):
                own = fields_a_second(reader, fields)
        print(f"  {cores} cores: {one:.0f} fields a second;", end=" ")
        print(
            f"with the network in torch's {torch.get_num_threads()} threads {own / one:.2f} of that"
        )


@contextmanager
def busy(programs: int) -> Iterator[None]:
    """Keep cores busy with programs that never rest."""
    running = [subprocess.Popen([sys.executable, "-c", "while 1: 0"]) for _ in range(programs)]
    try:
        yield
    finally:
        for program in running:
            program.kill()
            program.wait()


def fields_a_second(reader: checks.CheckReader, fields: list[Gray]) -> float:
    """Read fields several times; return the median rate."""
    return len(fields) / statistics.median(seconds_to_read(reader, fields) for _ in range(ROUNDS))


def seconds_to_read(reader: checks.CheckReader, images: list[Gray]) -> float:
    """Time one call of `read_many`."""
    start = time.perf_counter()
    reader.read_many(images)
    return time.perf_counter() - start


def seconds_of_steps(reader: checks.CheckReader, images: list[Gray]) -> dict[str, float]:
    """Take fields through the reader's steps one after the other, and add up each step's time.

    `read_many` finds the next batch's candidates while the network is at work, so it takes less
    than the sum.
    """
    seconds: dict[str, float] = defaultdict(float)
    step_began = time.perf_counter()

    def lap(step: str) -> None:
        nonlocal step_began
        now = time.perf_counter()
        seconds[step] += now - step_began
        step_began = now

    for start in range(0, len(images), BATCH):
        fields = []
        for image in images[start : start + BATCH]:
            gray = checks.resample(checks.as_gray(image))
            lap("resample")
            ink = checks.binarize(gray)
            lap("binarize")
            strip = checks.cut_up(ink)
            lap("cut_up")
            found = checks.runs(strip)
            fields.append(Field(strip, found, checks.pictures(strip, found), (1.0, 1.0)))
            lap("runs and pictures")
        shown = np.concatenate([f.pictures for f in fields])
        log_p = checks.classify(reader.model, shown, reader.sizes)
        lap("classify")
        for field in fields:
            checks.decode(field, log_p[: len(field.found)], reader.calibration)
            log_p = log_p[len(field.found) :]
        lap("decode")
    return seconds


def print_memory_growth(name: str) -> None:
    """Read a stream of fields, and print how much the most memory ever taken has grown."""
    fields = rendered_fields(FIELDS)
    reader = checks.CheckReader(name)

    def read(count: int) -> float:
        for _ in reader.read_iter(islice(cycle(fields), count)):
            pass
        return peak_memory()

    before, after = read(WARM_UP), read(STREAM)
    print(
        f"  memory: at most {before:.0f} MB over the first {WARM_UP:,} fields, "
        f"{after - before:.1f} MB more over the next {STREAM:,}"
    )


def peak_memory() -> float:
    """Return the most memory that this process has held so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, getrusage would count the process that started this one, too
        lines = status.read_text().splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
        return int(peak) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # a Mac's are bytes


PARTS: dict[str, Callable[[], None]] = {
    "numpy": bench_numpy,
    "training": bench_training,
    "reading": bench_reading,
}


def main(arguments: list[str]) -> None:
    """Run the parts that are named, or all."""
    unknown = [name for name in arguments if name not in PARTS]
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there is: {', '.join(PARTS)}")
    names = arguments or list(PARTS)
    if names != ["reading"] and digits.source() != "mnist":
        sys.exit("The training benchmarks need MNIST: set LESSONLIB_MNIST_ROOT.")
    for name in names:
        PARTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
