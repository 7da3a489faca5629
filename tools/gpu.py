"""Measure how quickly networks train on a device, and keep the record of a GPU.

Usage: ``python -m tools.bench gpu [--record]``. It needs MNIST. ``--record`` adds the table to
data/gpu.csv, in place of what was measured on the same device before. Without a GPU there is
nothing to measure.

Three ways of feeding a network are timed. A ``DataLoader`` prepares each image by itself, as many
tutorials do. A *resident tensor* holds all images on the device. The third way also compiles the
network, which on an NVIDIA GPU replays a whole pass as one CUDA graph in place of many kernels.
"""

import csv
import io
import statistics
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from lessonlib import __version__, digits, models, training
from lessonlib.files import write_whole

RECORD = Path(__file__).resolve().parents[1] / "data" / "gpu.csv"
HEADER = ["Device", "Network", "Way", "Batch size", "Seconds an epoch", "Images a second"]
HEADER += ["torch", "CUDA", "lessonlib", "Date"]

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "MLP 784-256-128-10": lambda: models.MLP(dropout=0.0),
    "MLP 784-2048-2048-10": lambda: models.MLP((2048, 2048), dropout=0.0),
    "LeNet": models.LeNet,
}
BATCH_SIZES = (64, 128, 256, 512, 1024, 2048, 4096, 8192)
EPOCHS = 3  # of which the median counts, after one that doesn't
# A DataLoader takes ten seconds and more for an epoch, so its rate is measured on a part of one.
PART = 12_288  # images: one batch of the largest size, and a half
WORKERS = 2  # processes that prepare images for the DataLoader

Measure = Callable[[nn.Module, int, torch.device], float]


def bench_gpu(device: torch.device) -> list[list[str]]:
    """Time every network in every way with every batch size: a header, then rows."""
    table = [HEADER]
    for network, build in NETWORKS.items():
        for way, measure in WAYS.items():
            for batch_size in BATCH_SIZES:
                training.set_seed(0)
                rate = measure(build().to(device), batch_size, device)
                table.append(row_of(device, network, way, batch_size, rate))
    return table


def row_of(device: torch.device, network: str, way: str, batch_size: int, rate: float) -> list[str]:
    """Write one measurement, `rate` images a second, as a row of the table."""
    images = len(digits.load("train")[0])
    measured = [name_of(device), network, way, f"{batch_size}", f"{images / rate:.3f}"]
    versions = [torch.__version__, torch.version.cuda or "none", __version__]
    return [*measured, f"{rate:.0f}", *versions, time.strftime("%Y-%m-%d", time.gmtime())]


def name_of(device: torch.device) -> str:
    """Name a device as its maker does."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else "CPU"


def rate_of_dataloader(model: nn.Module, batch_size: int, device: torch.device) -> float:
    """Train on images that are prepared one at a time; return images a second."""
    optimizer = optimizer_for(model)
    batches = iter(one_at_a_time(batch_size))  # starts the processes
    step(model, optimizer, *(part.to(device) for part in next(batches)))
    count = max(1, PART // batch_size)
    start = time.perf_counter()
    for x, y in islice(batches, count):
        step(model, optimizer, x.to(device), y.to(device))
    wait_for(device)
    return count * batch_size / (time.perf_counter() - start)


def one_at_a_time(batch_size: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """Deal MNIST's training images into batches, each image read and prepared by itself."""
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((models.MEAN,), (models.STD,))]
    )
    dataset = datasets.MNIST(digits.find_mnist(), train=True, transform=transform)
    return DataLoader(dataset, batch_size, shuffle=True, num_workers=WORKERS)


def rate_of_tensor(model: nn.Module, batch_size: int, device: torch.device) -> float:
    """Train on one tensor that lies on the device; return images a second."""
    x, y = training.as_tensors(*digits.load("train"), device)
    optimizer = optimizer_for(model)
    generator = torch.Generator(device).manual_seed(0)

    def seconds() -> float:
        start = time.perf_counter()
        batches = training.shuffled_batches(len(x), batch_size, generator)
        training.train_epoch(model, x, y, batches, optimizer)
        wait_for(device)
        return time.perf_counter() - start

    seconds()  # what is slow the first time only
    images = len(x) - len(x) % batch_size
    return images / statistics.median(seconds() for _ in range(EPOCHS))


def rate_of_compiled(model: nn.Module, batch_size: int, device: torch.device) -> float:
    """Compile the network, then train as `rate_of_tensor` does."""
    model.compile(mode="reduce-overhead")  # CUDA graphs, where there is CUDA
    return rate_of_tensor(model, batch_size, device)


WAYS: dict[str, Measure] = {
    "DataLoader, an image at a time": rate_of_dataloader,
    "resident tensor": rate_of_tensor,
    "resident tensor, compiled": rate_of_compiled,
}


def optimizer_for(model: nn.Module) -> torch.optim.Optimizer:
    """Make the optimizer of `training.fit` at its plain settings."""
    fused = next(model.parameters()).device.type in ("cpu", "cuda")  # as there
    return torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4, fused=fused)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    """Take one step on a batch."""
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()


def wait_for(device: torch.device) -> None:
    """Wait until a GPU has done all it was sent; a CPU is never behind."""
    if device.type != "cpu":
        torch.accelerator.synchronize()


def record(table: list[list[str]], path: Path = RECORD) -> None:
    """Add a table to the record, in place of the rows of its device."""
    device = table[1][0]
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines())) if path.is_file() else []
    others = [row for row in rows[1:] if row[0] != device]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADER, *others, *table[1:]])
    write_whole(path, text.getvalue().encode())
