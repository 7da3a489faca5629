"""The benchmark of an exchange of gradients, run small."""

import csv
import subprocess
from typing import Any

import pytest
import torch
import torch.distributed as dist

from lessonlib import models, parallel
from tools import bench, exchange


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One small network in one round, and notes of what is asked of the other process."""
    asked: list[str] = []
    monkeypatch.setattr(exchange, "NETWORKS", {"MLP": lambda: models.MLP((8,), dropout=0.0)})
    monkeypatch.setattr(exchange, "ROUNDS", 1)
    monkeypatch.setattr(dist, "barrier", lambda: asked.append("wait"))
    monkeypatch.setattr(dist, "all_reduce", lambda values: asked.append(f"{len(values):,}"))
    return asked


def test_every_network_is_timed_in_every_way(small: list[str]) -> None:
    threads = torch.get_num_threads()
    header, row = exchange.measure()
    torch.set_num_threads(threads)
    assert header == exchange.HEADER
    parameters = 784 * 8 + 8 + 8 * 10 + 10
    assert row[:2] == ["MLP", f"{parameters:,}"]
    one, two, half, alone, both, ratio = map(float, row[2:])
    assert min(one, two, half, both) > 0 <= alone
    assert ratio == pytest.approx(one / both, rel=0.1)
    assert small.count(row[1]) == exchange.STEPS  # as many numbers as parameters


def test_in_the_ways_of_one_process_the_second_waits(
    small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "rank", lambda: 1)
    threads = torch.get_num_threads()
    assert exchange.seconds_of(pytest.fail, processes=1, threads=2) == 0
    assert exchange.seconds_of(lambda: small.append("step"), processes=2, threads=1) > 0
    torch.set_num_threads(threads)
    assert small == ["wait", "wait", *["step"] * exchange.STEPS]


def test_the_table_is_that_of_the_first_of_two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: Any) -> Any:
        assert command[-4:] == ["--standalone", "--nproc-per-node=2", "-m", "tools.exchange"]
        return subprocess.CompletedProcess(command, 0, stdout='[["Network"], ["MLP"]]\n')

    monkeypatch.setattr(subprocess, "run", run)
    assert exchange.bench_exchange() == [["Network"], ["MLP"]]


def test_what_the_page_says_about_the_table_is_in_the_table() -> None:
    with (bench.TABLES / "exchange.csv").open(encoding="utf-8", newline="") as file:
        header, first, *_ = csv.reader(file)
    assert header == exchange.HEADER
    count = int(first[1].replace(",", ""))
    page = (bench.TABLES.parent / "benchmarks.md").read_text(encoding="utf-8")
    turns = f"the quickest of {exchange.ROUNDS} turns of {exchange.STEPS} steps"
    assert turns in " ".join(page.split())
    assert f"on a batch of {exchange.BATCH_SIZE} images" in page
    megabytes = count * 4 / 1e6
    sent = f"{count:,} gradients are {megabytes:.2f} MB, which takes {8 * megabytes:.1f} ms"
    assert f"{sent} at 1 Gbit/s" in " ".join(page.split())
