"""Train the check reader's two networks, and save them with a record of the training.

Usage: ``python -m tools.train_readers [FOLDER] [--calibrate]`` (``make models``)

It needs MNIST: the fields are rendered from MNIST's training digits and from digits that the
project draws itself.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from lessonlib import augment, digits, models, training, weights
from lessonlib.checks.image import Gray
from lessonlib.checks.reader import (
    DEFAULT_CALIBRATION,
    CheckReader,
    classify,
    find_candidates,
    log_odds,
    make_reading,
)
from lessonlib.checks.search import best_path
from lessonlib.files import check_writable
from lessonlib.recipes import READERS
from lessonlib.synthesis.examples import Examples, examples, random_field
from lessonlib.synthesis.render import digits_of
from lessonlib.synthesis.samples import sample_amounts
from tools.by_recipe import WEIGHTS

SEED = READERS["mlp"].seed  # of the fields; both readers are trained on the same
FIELDS = 120_000
CHUNK = 250  # fields to a job
CALIBRATION_FIELDS = 3_000


def render_chunk(seed: int) -> Examples:
    """Make the examples of `CHUNK` fields; called in a process of its own."""
    import cv2

    cv2.setNumThreads(1)
    return examples(*digits.load("train"), count=CHUNK, seed=seed)


def render_all(fields: int) -> Examples:
    """Make the examples of many fields, on all CPU cores."""
    seeds = range(SEED * 1000, SEED * 1000 + fields // CHUNK)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        shown, classes = zip(*pool.map(render_chunk, seeds), strict=True)
    return np.concatenate(shown), np.concatenate(classes)


def warp_both(x: Tensor, generator: torch.Generator) -> Tensor:
    """Warp both pictures of each pair, each in its own way."""
    return augment.warp(x.flatten(0, 1), generator).view_as(x)


def train(
    model: models.Network,
    x: Tensor,
    y: Tensor,
    epochs: int,
    batch_size: int,
    lr: float,
    weight_decay: float,
) -> None:
    """Train on pictures that are stored as bytes: floats would take four times the memory."""
    generator = torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    steps = epochs * (len(x) // batch_size)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    model.train()
    for epoch in range(epochs):
        start, loss_sum = time.perf_counter(), 0.0
        for batch in training.shuffled_batches(len(x), batch_size, generator):
            pixels = x[batch].float().div_(255).sub_(models.MEAN).div_(models.STD)
            loss = F.cross_entropy(model(warp_both(pixels, generator)), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            loss_sum += loss.item()
        seconds = time.perf_counter() - start
        print(f"epoch {epoch + 1}: loss {loss_sum * batch_size / len(x):.4f}, {seconds:.0f} s")
    model.eval()


def unseen_fields(count: int) -> tuple[list[Gray], list[str]]:
    """Render labelled fields that no network saw: MNIST's test digits and newly drawn ones."""
    rng = np.random.default_rng(SEED)
    images, labels = digits.load("test")
    amounts = sample_amounts(rng, count)
    shown = [random_field(amount, rng, images, labels)[0] for amount in amounts]
    return shown, [digits_of(amount) for amount in amounts]


def calibrate(
    model: models.Network, sizes: tuple[float, ...], images: list[Gray], truth: list[str]
) -> dict[str, float]:
    """Fit the probability that a text is right to the log odds of its path's score and share."""
    paths, right = [], []
    for image, label in zip(images, truth, strict=True):
        field = find_candidates(image)
        log_p = classify(model, field.pictures, sizes)
        path = best_path(field.candidates, log_p, len(field.strip.boxes))
        paths.append((log_odds(path.score), log_odds(path.share)))
        right.append(make_reading(field, log_p, DEFAULT_CALIBRATION).text == label)
    fit = LogisticRegression(C=1e6).fit(np.array(paths), np.array(right))
    (score, share), (constant,) = fit.coef_[0], fit.intercept_
    weights = {"constant": constant, "score": score, "share": share}
    return {name: round(float(value), 4) for name, value in weights.items()}


def train_all(folder: Path) -> None:
    """Render the fields, train both networks on them, and save these with their calibrations."""
    start = time.perf_counter()
    shown, classes = render_all(FIELDS)
    rendering = time.perf_counter() - start
    print(f"{len(shown):,} candidates of {FIELDS:,} rendered fields, in {rendering:.0f} s")
    x, y = torch.from_numpy(shown), torch.from_numpy(classes.astype(np.int64))
    images, truth = unseen_fields(CALIBRATION_FIELDS)
    for name, recipe in READERS.items():
        start = time.perf_counter()
        training.set_seed(recipe.seed)
        model = weights.build(recipe)
        train(model, x, y, **recipe.training)
        seconds = round(time.perf_counter() - start)
        record = weights.training_record(
            model,
            recipe,
            "make models",
            fields=FIELDS,
            candidates=len(shown),
            seconds={"rendering": round(rendering), "training": seconds},
            sizes=recipe.sizes,
            calibration=calibrate(model, recipe.sizes, images, truth),
        )
        weights.save(model, path_of(name, folder), record)
        reader = CheckReader(model)
        reader.sizes = recipe.sizes
        texts = [r.text for r in reader.read_many(images)]
        exact = np.mean([a == b for a, b in zip(texts, truth, strict=True)])
        print(f"{name}: reads {exact:.1%} of {len(truth)} new rendered fields exactly")


def calibrate_all(folder: Path) -> None:
    """Fit the calibrations of both networks anew, and leave the networks as they are."""
    images, truth = unseen_fields(CALIBRATION_FIELDS)
    for name, recipe in READERS.items():
        path = path_of(name, folder)
        model, record = weights.load(path), weights.read_record(path)
        before = record["calibration"]
        record["calibration"] = calibrate(model, recipe.sizes, images, truth)
        weights.save(model, path, record)
        print(f"{name}: {before} before, {record['calibration']} now")


def path_of(name: str, folder: Path) -> Path:
    """Return the path of a reader's weights file."""
    return folder / f"reader-{name}.safetensors"


def main(arguments: list[str]) -> None:
    """Train and calibrate both networks, or calibrate alone, in the named or the shipped folder."""
    parser = argparse.ArgumentParser(description="Train and calibrate the check reader's networks.")
    parser.add_argument("folder", type=Path, nargs="?", default=WEIGHTS)
    parser.add_argument("--calibrate", action="store_true", help="only fit the calibrations anew")
    chosen = parser.parse_args(arguments)
    if digits.source() != "mnist":
        sys.exit("The training needs MNIST, which was not found: set LESSONLIB_MNIST_ROOT.")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name in READERS:
        check_writable(path_of(name, chosen.folder))
    calibrate_all(chosen.folder) if chosen.calibrate else train_all(chosen.folder)


if __name__ == "__main__":
    main(sys.argv[1:])
