"""Time a training step by one process and by two, and the exchange of gradients between them.

``python -m tools.bench exchange`` starts this program in two processes. Each network takes its
steps in several ways, in turns: one process with one thread, or with two; and two processes with
one thread each, which share the batch and exchange their gradients. Half of the batch and the
exchange are timed by themselves, too: both together are what two processes can do at best. It is
gloo's exchange between two processes of one machine. A network between machines is slower.
"""

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import nn

from lessonlib import models, parallel, training
from tools import gpu

# Who works in which way: how many processes, each with how many threads.
WAYS = {
    "1 thread": (1, 1),
    "2 threads": (1, 2),
    "Half batch": (1, 1),
    "Exchange": (2, 1),
    "2 processes": (2, 1),
}
HEADER = ["Network", "Parameters", *WAYS, "Ratio"]
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "MLP 256-128": lambda: models.MLP(dropout=0.0),
    "MLP 1024-1024": lambda: models.MLP((1024, 1024), dropout=0.0),
    "MLP 2048-2048": lambda: models.MLP((2048, 2048), dropout=0.0),
    "LeNet": models.LeNet,
}
BATCH_SIZE = 256  # as the command line trains
# Steps of each way before the next one's turn. Of all turns the quickest counts: another program
# on the machine can only make a turn slower, and that of two processes more than the others.
ROUNDS, STEPS = 25, 3


def bench_exchange() -> list[list[str]]:
    """Start two processes that measure, and return the table that the first one makes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run = subprocess.run(
        [*command, "-m", "tools.exchange"], check=True, stdout=subprocess.PIPE, text=True
    )
    table: list[list[str]] = json.loads(run.stdout)
    return table


def measure() -> list[list[str]]:
    """Time every network, in each of the processes that have joined: a header, then rows."""
    return [HEADER, *(row_of(name, build) for name, build in NETWORKS.items())]


def row_of(name: str, build: Callable[[], nn.Module]) -> list[str]:
    """Time one network in all ways, and write what was found as a row of the table."""
    training.set_seed(0)
    alone, shared = build(), build()
    count = sum(p.numel() for p in alone.parameters())
    gradients = torch.zeros(count)
    x, y = torch.randn(BATCH_SIZE, 28, 28), torch.randint(10, (BATCH_SIZE,))
    own = slice(parallel.rank(), None, parallel.size())  # this process's part of the batch
    steps = [
        stepper(alone, x, y),
        stepper(alone, x, y),
        stepper(alone, x[::2], y[::2]),
        lambda: dist.all_reduce(gradients),
        stepper(parallel.together(shared), x[own], y[own]),
    ]
    seconds = dict.fromkeys(WAYS, math.inf)
    for _ in range(ROUNDS):
        for way, step in zip(WAYS, steps, strict=True):
            seconds[way] = min(seconds[way], seconds_of(step, *WAYS[way]))
    ratio = seconds["1 thread"] / seconds["2 processes"]
    ms = (f"{1000 * value:.2f}" for value in seconds.values())
    return [name, f"{count:,}", *ms, f"{ratio:.2f}"]


def stepper(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    """Give a function that takes one training step."""
    optimizer = gpu.optimizer_for(model)

    def step() -> None:
        gpu.step(model, optimizer, x, y)

    return step


def seconds_of(step: Callable[[], object], processes: int, threads: int) -> float:
    """Time a step; where one process takes it, the other only waits."""
    dist.barrier()
    if parallel.rank() >= processes:
        return 0.0
    torch.set_num_threads(threads)
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - start) / STEPS


if __name__ == "__main__":
    with parallel.processes():
        table = measure()
        if parallel.rank() == 0:
            print(json.dumps(table))
