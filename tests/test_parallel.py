"""Two processes train one network as one process would; torchrun starts them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from lessonlib import augment, digits, parallel, training, weights
from lessonlib.models import MLP

IMAGES, LABELS = (part[:320] for part in digits.load_bundled("train"))
ROOT = Path(__file__).resolve().parents[1]
TORCHRUN = (sys.executable, "-m", "torch.distributed.run")

# What each of the processes does: train a small network, and then as the command line does.
TRAIN = """
import sys
from pathlib import Path
from lessonlib import parallel, training
from lessonlib.__main__ import main
from tests import test_parallel

with parallel.processes():
    model, history = test_parallel.trained()
    if parallel.rank() == 1:  # the network is one, and so is the history
        test_parallel.keep(model, history, Path("second.pt"))
    elif parallel.rank() == 0:
        test_parallel.keep(model, history, Path("first.pt"))
sys.exit(main(["train", "--epochs", "3", "--output", "mlp.safetensors"]))
"""

# The second process is killed in its fourth step.
KILLED = """
import os, signal, sys
from lessonlib import augment, parallel
from lessonlib.__main__ import main

shift, steps = augment.shift, []

def shift_or_die(x, generator):
    steps.append(len(x))
    if parallel.rank() == 1 and len(steps) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return shift(x, generator)

augment.shift = shift_or_die
sys.exit(main(["train", "--epochs", "1000", "--output", "mlp.safetensors"]))
"""

# The second process leaves the first group, and so comes to the second one, when the first waits.
TWICE = """
import time
from lessonlib import parallel

for group in range(2):
    with parallel.processes():
        assert parallel.mean(parallel.rank()) == (0.5,)
        time.sleep(parallel.rank())
"""


def torchrun(program: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a program in two processes, in a folder."""
    (folder / "program.py").write_text(program)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [*TORCHRUN, "--standalone", "--nproc-per-node=2", "program.py"],
        cwd=folder,
        env=os.environ | {"LESSONLIB_OFFLINE": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trained() -> tuple[MLP, training.History]:
    """Train without batch normalisation, dropout and augmentation: these tell shares apart."""
    training.set_seed(0)
    model = MLP((16,), dropout=0.0)
    history = training.fit(
        model, IMAGES, LABELS, epochs=2, batch_size=32, validation=64,
        device="cpu", progress=False,
    )  # fmt: skip
    return model, history


def keep(model: MLP, history: training.History, path: Path) -> None:
    torch.save([model.state_dict(), history.train_loss, history.train_accuracy], path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes have trained, and what they printed."""
    made = tmp_path_factory.mktemp("two")
    done = torchrun(TRAIN, made)
    (made / "stdout").write_text(done.stdout)
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.parametrize("process", ["first", "second"])
def test_two_processes_take_the_steps_of_one_up_to_rounding(folder: Path, process: str) -> None:
    model, history = trained()
    theirs, losses, accuracies = torch.load(folder / f"{process}.pt")
    for name, values in model.state_dict().items():
        torch.testing.assert_close(theirs[name], values, rtol=1e-3, atol=1e-4)
    assert losses == pytest.approx(history.train_loss, rel=1e-4)
    assert accuracies == pytest.approx(history.train_accuracy, abs=0.005)  # one or two images


def test_the_first_of_two_processes_alone_prints_and_writes(folder: Path) -> None:
    note, result = (folder / "stdout").read_text().splitlines()
    assert note.startswith("Using the 1,797 digits bundled with scikit-learn")
    assert result.endswith("of the test images; weights in mlp.safetensors")
    names = {"program.py", "stdout", "first.pt", "second.pt", "mlp.safetensors"}
    assert {path.name for path in folder.iterdir()} == names


def test_two_processes_are_as_accurate_as_one_within_its_spread(folder: Path) -> None:
    together = weights.read_record(folder / "mlp.safetensors")["test_accuracy"]
    test = training.as_tensors(*digits.load_bundled("test"), "cpu")
    alone = []
    for seed in range(3):
        training.set_seed(seed)
        model = MLP(dropout=0.0, batch_norm=True)
        training.fit(
            model, *digits.load_bundled("train"), epochs=3, batch_size=32, lr=5e-3,
            schedule="one-cycle", augment=augment.shift, validation=None, seed=seed,
            device="cpu", progress=False,
        )  # fmt: skip
        alone.append(training.score(model, *test)[1])
    assert min(alone) - 0.02 < together < max(alone) + 0.02


def test_where_a_process_is_killed_the_training_fails_and_leaves_no_file(tmp_path: Path) -> None:
    done = torchrun(KILLED, tmp_path)
    assert done.returncode == 1
    assert "Signal 9 (SIGKILL) received" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"]


def test_processes_that_joined_once_join_again(tmp_path: Path) -> None:
    done = torchrun(TWICE, tmp_path)
    assert done.returncode == 0, done.stderr


# In one process


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seem to be the third of four processes that torchrun started."""
    monkeypatch.setattr(dist, "is_torchelastic_launched", lambda: True)
    monkeypatch.setattr(parallel, "join", lambda: None)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_rank", lambda: 2)
    monkeypatch.setattr(dist, "get_world_size", lambda: 4)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("launched")
def test_the_shares_of_all_processes_are_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    batches, shares = torch.arange(24).reshape(2, 12), []
    for rank in range(4):
        monkeypatch.setattr(dist, "get_rank", lambda rank=rank: rank)
        shares.append(parallel.share(batches))
    assert [share.shape for share in shares] == [(2, 3)] * 4
    assert torch.equal(torch.cat(shares, dim=1).sort(dim=1).values, batches)


@pytest.mark.usefixtures("launched")
def test_an_exchange_that_fails_names_the_process_and_the_remedy() -> None:
    with (
        pytest.raises(OSError, match=r"process 2 of 4 .*closed by peer\)\. .*start again"),
        parallel.processes(),
    ):
        raise RuntimeError("Connection closed by peer\nand much more")


@pytest.mark.usefixtures("launched")
@pytest.mark.parametrize("batch_size", [30, 4])
def test_a_batch_that_cannot_be_shared_evenly_is_refused(batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"4 processes can't share a batch of {batch_size}"):
        training.fit(MLP(), IMAGES, LABELS, batch_size=batch_size, validation=None, device="cpu")


@pytest.mark.usefixtures("launched")
def test_processes_that_train_together_leave_an_apple_gpu_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert training.pick_device() == torch.device("cpu")


def test_each_process_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    parallel.take_gpu(1, 2)
    assert taken == [1]
    with pytest.raises(OSError, match="--nproc-per-node=2"):
        parallel.take_gpu(2, 2)


def test_a_process_on_its_own_keeps_everything() -> None:
    model, batches = nn.Linear(2, 2), torch.arange(4).reshape(1, 4)
    with parallel.processes():
        assert (parallel.rank(), parallel.size()) == (0, 1)
        assert parallel.together(model) is model
        assert torch.equal(parallel.share(batches), batches)
        assert parallel.mean(0.5, 2.0) == (0.5, 2.0)
