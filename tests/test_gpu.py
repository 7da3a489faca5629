"""The benchmark of a GPU, run small on the CPU; no test machine has a GPU."""

import csv
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision import datasets

from lessonlib import digits, models, training
from tools import bench, gpu

MEASURED = ["An old GPU", "LeNet", "resident tensor", "64", "0.500", "120000"]
TABLE = [gpu.HEADER, [*MEASURED, "2.0", "12.0", "0.1", "2020-01-01"]]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled digits, made-up images in place of MNIST's files, and few batches."""
    monkeypatch.setattr(digits, "load", digits.load_bundled)
    monkeypatch.setattr(digits, "source", lambda: "mnist")
    monkeypatch.setattr(digits, "find_mnist", lambda: "nowhere")
    monkeypatch.setattr(
        datasets,
        "MNIST",
        lambda root, train, transform: datasets.FakeData(300, (1, 28, 28), 10, transform),
    )
    monkeypatch.setattr(gpu, "BATCH_SIZES", (64,))
    monkeypatch.setattr(gpu, "NETWORKS", {"MLP": models.MLP})
    monkeypatch.setattr(gpu, "PART", 128)
    monkeypatch.setattr(gpu, "WORKERS", 0)
    monkeypatch.setattr(nn.Module, "compile", lambda model, mode: None)


@pytest.mark.usefixtures("small")
def test_every_network_is_timed_in_every_way_with_every_batch_size() -> None:
    header, *rows = gpu.bench_gpu(torch.device("cpu"))
    assert header == gpu.HEADER
    assert [row[1:4] for row in rows] == [["MLP", way, "64"] for way in gpu.WAYS]
    images = len(digits.load_bundled("train")[0])
    for row in rows:
        assert float(row[4]) * float(row[5]) == pytest.approx(images, rel=0.1)


@pytest.mark.usefixtures("small")
def test_a_network_learns_while_it_is_timed() -> None:
    training.set_seed(0)
    model = models.MLP(dropout=0.0)
    before = [weights.clone() for weights in model.parameters()]
    assert gpu.rate_of_tensor(model, 64, torch.device("cpu")) > 0
    after = list(model.parameters())
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_step_changes_the_weights() -> None:
    model = models.MLP(dropout=0.0)
    before = [weights.clone() for weights in model.parameters()]
    gpu.step(model, gpu.optimizer_for(model), torch.randn(8, 28, 28), torch.arange(8))
    after = list(model.parameters())
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_record_replaces_the_rows_of_its_device_alone(tmp_path: Path) -> None:
    path = tmp_path / "gpu.csv"
    gpu.record(TABLE, path)
    other = [["Another GPU", *TABLE[1][1:]], ["Another GPU", *TABLE[1][1:]]]
    gpu.record([gpu.HEADER, *other], path)
    gpu.record([gpu.HEADER, other[0]], path)
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [gpu.HEADER, TABLE[1], other[0]]


@pytest.mark.parametrize("options", [[], ["--record"]])
def test_what_is_measured_is_printed_and_recorded_where_asked(
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorded: list[object] = []
    monkeypatch.setattr(training, "pick_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(gpu, "bench_gpu", lambda device: TABLE)
    monkeypatch.setattr(gpu, "record", recorded.append)
    monkeypatch.setattr(digits, "source", lambda: "mnist")
    bench.main(["gpu", *options])
    assert "An old GPU" in capsys.readouterr().out
    assert recorded == ([TABLE] if options else [])


def test_without_a_gpu_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "pick_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(gpu, "bench_gpu", pytest.fail)
    with pytest.raises(SystemExit, match="no GPU here"):
        bench.main(["gpu", "--record"])


def test_record_goes_with_gpu_alone() -> None:
    with pytest.raises(SystemExit, match="gpu alone"):
        bench.main(["numpy", "--record"])


def test_the_shipped_record_has_the_benchmark_s_columns() -> None:
    with gpu.RECORD.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == gpu.HEADER
    assert all(len(row) == len(header) for row in rows)
