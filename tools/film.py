"""Train a small network in three ways for the piece "Training film", into data/film.json.

Usage: ``python -m tools.film`` (half a minute). It needs MNIST.

Each run has 9 frames: before the training, and after each of 8 equal parts of it. All runs begin
with the same weights and are judged on the same validation images.
"""

import base64
import json
import platform
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lessonlib import __version__, digits, models, training
from lessonlib.files import write_whole

RECORD = Path(__file__).resolve().parents[1] / "data" / "film.json"
SEED, EPOCHS, BATCH, HIDDEN = 0, 8, 100, 32
VALIDATION = 1_000  # images
UNITS = 8  # whose weights are kept: the first ones
MISTAKES = 6


class Run(NamedTuple):
    """A way to train: how fast, on how many images, and how often through them for a frame."""

    name: str
    lr: float
    images: int
    passes: int


RUNS = (
    Run("usual", 0.001, 10_000, 1),
    Run("learning rate too high", 0.3, 10_000, 1),
    Run("too little data", 0.001, 200, 50),
)


def frames(run: Run) -> Iterator[tuple[dict[str, Any], npt.NDArray[np.float32]]]:
    """Train, and give what the file keeps of each frame, with the weights before they are rounded.

    The weights, shape (8, 784), are those of the first hidden units.
    """
    images, labels = digits.load("train")
    order = np.random.default_rng(SEED).permutation(len(images))[: VALIDATION + run.images]
    x, y = training.as_tensors(images[order], labels[order], "cpu")
    (x_val, x), (y_val, y) = x.split((VALIDATION, run.images)), y.split((VALIDATION, run.images))
    training.set_seed(SEED)
    model = models.MLP((HIDDEN,), dropout=0)
    optimizer = torch.optim.Adam(model.parameters(), run.lr)
    generator = torch.Generator().manual_seed(SEED)
    for epoch in range(EPOCHS + 1):
        for _ in range(run.passes if epoch else 0):
            batches = training.shuffled_batches(run.images, BATCH, generator)
            training.train_epoch(model, x, y, batches, optimizer)
        weights = model.state_dict()["net.1.weight"][:UNITS].numpy().copy()
        yield (
            {
                "training": round(training.score(model, x, y)[0], 4),
                **judged(model, x_val, y_val),
                **packed(weights),
            },
            weights,
        )


def judged(model: models.MLP, x: Tensor, y: Tensor) -> dict[str, Any]:
    """Judge a network on the validation images."""
    loss, accuracy = training.score(model, x, y)
    with torch.no_grad():
        sure, read = model(x).softmax(dim=1).max(dim=1)
    confusion = torch.zeros(10, 10, dtype=torch.int64)
    confusion.index_put_((y, read), torch.tensor(1), accumulate=True)
    wrong = torch.nonzero(read != y).flatten()
    worst = wrong[sure[wrong].argsort(descending=True, stable=True)][:MISTAKES]
    return {
        "validation": round(loss, 4),
        "accuracy": round(accuracy, 4),
        "confusion": confusion.tolist(),  # a row for each label, a column for each answer
        "mistakes": [[int(y[i]), int(read[i]), round(float(sure[i]), 4)] for i in worst],
    }


def packed(weights: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Write weights as text: int8 in base64, and the size of a step for each unit."""
    rounded, scales = to_int8(weights)
    return {"weights": base64.b64encode(rounded.tobytes()).decode("ascii"), "scales": scales}


def to_int8(weights: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], list[float]]:
    """Round each unit's weights to -127 to 127 steps; give these, and the size of a step."""
    scales = [float(f"{most / 127:.6g}") for most in np.abs(weights).max(axis=1)]
    steps = np.rint(weights / np.array(scales)[:, None])
    return np.clip(steps, -127, 127).astype(np.int8), scales


def first_frames(run: Run, count: int) -> list[dict[str, Any]]:
    """Train no longer than the first frames take, and give them."""
    return [frame for frame, _ in islice(frames(run), count)]


def how_made() -> str:
    """Say how the file was made."""
    return (
        f"python -m tools.film: seed {SEED}, a network 784-{HIDDEN}-10, Adam, batches of {BATCH}, "
        f"{VALIDATION} validation images, lessonlib {__version__}, torch {torch.__version__}, "
        f"Python {platform.python_version()}"
    )


def main() -> None:
    """Train all runs, and write the file."""
    if digits.source() != "mnist":
        raise SystemExit("MNIST is missing: see data/README.md")
    runs = [{**run._asdict(), "frames": first_frames(run, EPOCHS + 1)} for run in RUNS]
    film = {"made": how_made(), "runs": runs}
    write_whole(RECORD, (json.dumps(film, separators=(",", ":")) + "\n").encode())
    print(f"The runs are in {RECORD}")


if __name__ == "__main__":
    main()
