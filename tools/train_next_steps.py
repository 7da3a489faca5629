"""Train the networks that the chapter on next steps compares, each with a record of how.

Usage: ``python -m tools.train_next_steps [FOLDER] [--only NAME]`` (``make models``)

The recipes are in `lessonlib.recipes`. Each network is trained once with every seed. The network of
the first seed is saved; its record says how well all of them did.
"""

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lessonlib import digits, evaluation, models, training, weights
from lessonlib.checks import rules
from lessonlib.recipes import VARIANTS, Recipe
from lessonlib.synthesis import samples
from tools import by_recipe

# Trainings of each network: the first with the recipe's seed, the others with the numbers that
# follow it. No seed was tried and left out.
TRAININGS = 5


class Run(NamedTuple):
    """A network trained with one seed, and how it did."""

    model: models.Network
    history: training.History
    test_accuracy: float
    test_wrong: list[int]  # which test images it reads wrong
    field_wrong: list[int]  # and which of the digits cut out of the bill's fields
    cpu_seconds: float  # of training: other programs on the machine make it no longer


def run(recipe: Recipe, seed: int, cut: rules.FieldDigits) -> Run:
    """Train a network with one seed, and test it with the 16 bits a weight that are saved."""
    start = time.process_time()
    model, history = by_recipe.train(recipe, seed)
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
    recipe = VARIANTS[name]
    seeds = [recipe.seed + number for number in range(TRAININGS)]
    cut = rules.cut_fields(*samples.bill_fields())
    runs = [run(recipe, seed, cut) for seed in seeds]
    first = runs[0]
    history = asdict(first.history)
    record = weights.training_record(
        first.model,
        recipe,
        f"python -m tools.train_next_steps --only {name}",
        history={key: [round(v, 4) for v in values] for key, values in history.items()},
        parameters=sum(p.numel() for p in first.model.parameters()),
        test_accuracy=round(first.test_accuracy, 4),
        runs={
            "seeds": seeds,
            "test_accuracy": [round(run.test_accuracy, 4) for run in runs],
            "test_wrong": [run.test_wrong for run in runs],
            "field_wrong": [run.field_wrong for run in runs],
            "cpu_seconds": [round(run.cpu_seconds) for run in runs],
        },
    )
    weights.save(first.model.half(), path, record)
    return [run.test_accuracy for run in runs]


def main(arguments: list[str]) -> None:
    """Train all networks, or one, and save them to the named folder or to the one that ships."""
    parser = argparse.ArgumentParser(
        description="Train the networks that the chapter on next steps compares."
    )
    parser.add_argument("folder", type=Path, nargs="?", default=by_recipe.WEIGHTS / "next")
    parser.add_argument("--only", choices=VARIANTS, metavar="NAME", help=", ".join(VARIANTS))
    chosen = parser.parse_args(arguments)
    if digits.source() != "mnist":
        sys.exit("The shipped weights are trained on MNIST, and it is not here.")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name in [chosen.only] if chosen.only else VARIANTS:
        path = chosen.folder / f"{name}.safetensors"
        shares = ", ".join(f"{accuracy:.2%}" for accuracy in train(name, path))
        print(f"{path}: {shares} of the test images, one training each", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
