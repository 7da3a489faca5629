"""Train the networks that chapter 8 compares, each with a record of how.

Usage: ``python -m tools.train_next_steps [FOLDER] [--only NAME]``, with MNIST in reach. Each
differs from the baseline in one thing, and has the same images, epochs and seeds; "residual" adds
a block to "lenet", and "together" has all the changes at once. Each is trained once with every
seed. The network of the first seed is saved; its record says how well all of them did.
"""

import argparse
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import lessonlib
from lessonlib import digits, evaluation, models, next_steps, training

FOLDER = Path(__file__).resolve().parents[1] / "data" / "weights" / "next"
# The one seed that an earlier version had, and the next four: none was tried and left out.
SEEDS = (1998, 1999, 2000, 2001, 2002)
RECIPE: dict[str, Any] = {
    "epochs": 10,
    "batch_size": 128,
    "lr": 2e-3,
    "weight_decay": 0.0,
    "schedule": "constant",
    "validation": 5_000,
}


# What each network has instead of the baseline's: another network, or other options of `fit`.
MLP = partial(models.MLP, dropout=0.0)
CHANGES: dict[str, tuple[Callable[[], models.Network], dict[str, Any]]] = {
    "baseline": (MLP, {}),
    "batch-norm": (partial(MLP, batch_norm=True), {}),
    "cosine": (MLP, {"schedule": "cosine"}),
    "one-cycle": (MLP, {"schedule": "one-cycle"}),
    "affine": (MLP, {"augment": next_steps.affine}),
    "elastic": (MLP, {"augment": next_steps.elastic}),
    "lenet": (models.LeNet, {}),
    "residual": (partial(models.LeNet, residual_blocks=1), {}),
    "together": (
        partial(models.LeNet, residual_blocks=1, batch_norm=True),
        {"schedule": "one-cycle", "augment": training.warp},  # warp: affine and elastic in one
    ),
}


class Run(NamedTuple):
    """A network trained with one seed, and how it did."""

    model: models.Network
    history: training.History
    test_accuracy: float
    test_wrong: list[int]  # which test images it reads wrong
    field_wrong: list[int]  # and which of the digits cut out of the bill's fields
    cpu_seconds: float  # of training: other programs on the machine make it no longer


def run(name: str, seed: int, cut: next_steps.FieldDigits) -> Run:
    """Train a network with one seed, and test it as the 16 bits that its file has room for."""
    build, options = CHANGES[name]
    training.set_seed(seed)
    model = build()
    start = time.process_time()
    history = training.fit(
        model,
        *digits.load("train"),
        **RECIPE | options,
        seed=seed,
        device="cpu",
        progress=False,
    )
    seconds = time.process_time() - start
    model.half().float()
    images, labels = digits.load("test")
    test_wrong = wrong(model, images, labels)
    field_wrong = wrong(model, cut.images, cut.labels)
    accuracy = 1 - len(test_wrong) / len(labels)
    return Run(model, history, accuracy, test_wrong, field_wrong, seconds)


def wrong(model: models.Network, images: digits.Images, labels: digits.Labels) -> list[int]:
    """List the numbers of the images that a network reads wrong."""
    answers = evaluation.predict(model, images).argmax(axis=1)
    numbers: list[int] = np.flatnonzero(answers != labels).tolist()
    return numbers


def train(name: str, path: Path) -> list[float]:
    """Train one network with every seed, save the first, and return the test accuracies of all."""
    recipe = RECIPE | CHANGES[name][1]
    if "augment" in recipe:
        recipe["augment"] = recipe["augment"].__name__
    cut = next_steps.cut_fields(*next_steps.bill_fields())
    runs = [run(name, seed, cut) for seed in SEEDS]
    first = runs[0]
    history = asdict(first.history)
    record = {
        "command": f"python -m tools.train_next_steps --only {name}",
        "data": digits.SHA256,
        "recipe": recipe | {"model": first.model.config},
        "history": {key: [round(v, 4) for v in values] for key, values in history.items()},
        "parameters": sum(p.numel() for p in first.model.parameters()),
        "seed": SEEDS[0],
        "test_accuracy": round(first.test_accuracy, 4),
        "runs": {
            "seeds": SEEDS,
            "test_accuracy": [round(run.test_accuracy, 4) for run in runs],
            "test_wrong": [run.test_wrong for run in runs],
            "field_wrong": [run.field_wrong for run in runs],
            "cpu_seconds": [round(run.cpu_seconds) for run in runs],
        },
        "versions": {
            "lessonlib": lessonlib.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
    }
    models.save(first.model.half(), path, record)
    return [run.test_accuracy for run in runs]


def main(arguments: list[str]) -> None:
    """Train all networks, or one, and save them to the named folder or to the one that ships."""
    parser = argparse.ArgumentParser(description="Train the networks that chapter 8 compares.")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--only", choices=CHANGES, metavar="NAME", help=", ".join(CHANGES))
    chosen = parser.parse_args(arguments)
    if digits.source() != "mnist":
        sys.exit("The shipped weights are trained on MNIST, and it is not here.")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name in [chosen.only] if chosen.only else CHANGES:
        path = chosen.folder / f"{name}.safetensors"
        shares = ", ".join(f"{accuracy:.2%}" for accuracy in train(name, path))
        print(f"{path}: {shares} of the test images, one training each", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
