"""Train the networks that chapter 8 compares, each with a record of how.

Usage: ``python -m tools.train_next_steps [FOLDER] [--only NAME]``, with MNIST in reach. Each
differs from the baseline in one thing, and has the same images, epochs and seed; "residual" adds
a block to "lenet", and "together" has all the changes at once.
"""

import argparse
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

import lessonlib
from lessonlib import digits, models, next_steps, training

FOLDER = Path(__file__).resolve().parents[1] / "data" / "weights" / "next"
SEED = 1998
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


def train(name: str, path: Path) -> float:
    """Train one network, save it, and return its accuracy on the test images."""
    build, options = CHANGES[name]
    recipe = RECIPE | options
    training.set_seed(SEED)
    model = build()
    start = time.perf_counter()
    history = training.fit(
        model, *digits.load("train"), **recipe, seed=SEED, device="cpu", progress=False
    )
    seconds = time.perf_counter() - start
    model.half().float()  # the file holds 16 bits of each weight, so measure with these
    _, accuracy = training.score(model, *training.as_tensors(*digits.load("test"), "cpu"))
    if "augment" in recipe:
        recipe["augment"] = recipe["augment"].__name__
    record = {
        "command": f"python -m tools.train_next_steps --only {name}",
        "data": digits.SHA256,
        "recipe": recipe | {"model": model.config},
        "history": {key: [round(v, 4) for v in values] for key, values in asdict(history).items()},
        "parameters": sum(p.numel() for p in model.parameters()),
        "seed": SEED,
        "seconds": round(seconds),
        "test_accuracy": round(accuracy, 4),
        "versions": {
            "lessonlib": lessonlib.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
    }
    models.save(model.half(), path, record)
    return accuracy


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
        start = time.perf_counter()
        path = chosen.folder / f"{name}.safetensors"
        accuracy = train(name, path)
        seconds = time.perf_counter() - start
        print(f"{path}: {accuracy:.2%} of the test images, trained in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
