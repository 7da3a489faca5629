"""Train the check reader's two networks, and save them with a record of the training.

Usage: ``python -m tools.train_readers [FOLDER]`` (``make models``)

It needs MNIST: the fields are rendered from MNIST's training digits and from digits that the
project draws itself.
"""

import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import Tensor

import lessonlib
from lessonlib import digits, models, training
from lessonlib.checks.candidates import CLASSES
from lessonlib.checks.examples import Examples, examples, random_field
from lessonlib.checks.image import Gray
from lessonlib.checks.reader import (
    DEFAULT_CALIBRATION,
    CheckReader,
    classify,
    decode,
    find_candidates,
    log_odds,
)
from lessonlib.checks.render import digits_of, sample_amounts
from lessonlib.checks.search import best_path
from lessonlib.files import check_writable

WEIGHTS = Path(__file__).resolve().parents[1] / "data" / "weights"
SEED = 2014
FIELDS = 120_000
CHUNK = 250  # fields to a job
CALIBRATION_FIELDS = 3_000
BATCH_SIZE = 256
RECIPES: dict[str, dict[str, Any]] = {
    "mlp": {"epochs": 4, "lr": 3e-3, "weight_decay": 1e-2},
    "cnn": {"epochs": 2, "lr": 4e-3, "weight_decay": 1e-2},
}
# The sizes at which each network sees a candidate: the others only where the first leaves doubt.
# They help with writing that is new to the networks; `tools.bench reading` prints how much.
SIZES: dict[str, tuple[float, ...]] = {"mlp": (1.0, 0.9), "cnn": (1.0, 0.9, 1.1)}


def build(name: str) -> models.Network:
    """Build an untrained network: "mlp" or "cnn"."""
    if name == "mlp":
        return models.MLP((1024, 512), 0.0, batch_norm=True, pictures=2, classes=CLASSES)
    return models.CNN(16, pictures=2, classes=CLASSES)


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


def augment(x: Tensor, generator: torch.Generator) -> Tensor:
    """Warp both pictures of each pair, each in its own way."""
    return training.warp(x.flatten(0, 1), generator).view_as(x)


def train(
    model: models.Network, x: Tensor, y: Tensor, epochs: int, lr: float, weight_decay: float
) -> None:
    """Train on pictures that are stored as bytes: floats would take four times the memory."""
    generator = torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    steps = epochs * (len(x) // BATCH_SIZE)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    model.train()
    for epoch in range(epochs):
        start, loss_sum = time.perf_counter(), 0.0
        for batch in training.shuffled_batches(len(x), BATCH_SIZE, generator):
            pixels = x[batch].float().div_(255).sub_(models.MEAN).div_(models.STD)
            loss = F.cross_entropy(model(augment(pixels, generator)), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            loss_sum += loss.item()
        seconds = time.perf_counter() - start
        print(f"epoch {epoch + 1}: loss {loss_sum * BATCH_SIZE / len(x):.4f}, {seconds:.0f} s")
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
        path = best_path(field.found, log_p, len(field.strip.boxes))
        paths.append((log_odds(path.score), log_odds(path.share)))
        right.append(decode(field, log_p, DEFAULT_CALIBRATION).text == label)
    fit = LogisticRegression(C=1e6).fit(np.array(paths), np.array(right))
    (score, share), (constant,) = fit.coef_[0], fit.intercept_
    weights = {"constant": constant, "score": score, "share": share}
    return {name: round(float(value), 4) for name, value in weights.items()}


def main(arguments: list[str]) -> None:
    """Train, calibrate and save both networks, in the named folder or in the one that ships."""
    if digits.source() != "mnist":
        sys.exit("The training needs MNIST, which was not found: set LESSONLIB_MNIST_ROOT.")
    folder = Path(arguments[0]) if arguments else WEIGHTS
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"reader-{name}.safetensors" for name in RECIPES}
    for path in paths.values():
        check_writable(path)
    start = time.perf_counter()
    shown, classes = render_all(FIELDS)
    rendering = time.perf_counter() - start
    print(f"{len(shown):,} candidates of {FIELDS:,} rendered fields, in {rendering:.0f} s")
    x, y = torch.from_numpy(shown), torch.from_numpy(classes.astype(np.int64))
    images, truth = unseen_fields(CALIBRATION_FIELDS)
    for name, recipe in RECIPES.items():
        start = time.perf_counter()
        training.set_seed(SEED)
        model = build(name)
        train(model, x, y, **recipe)
        calibration = calibrate(model, SIZES[name], images, truth)
        record = {
            "command": "make models",
            "data": digits.SHA256,
            "fields": FIELDS,
            "candidates": len(shown),
            "recipe": recipe | {"batch_size": BATCH_SIZE, "model": model.config},
            "seed": SEED,
            "seconds": {
                "rendering": round(rendering),
                "training": round(time.perf_counter() - start),
            },
            "sizes": SIZES[name],
            "calibration": calibration,
            "versions": {
                "lessonlib": lessonlib.__version__,
                "python": platform.python_version(),
                "torch": torch.__version__,
            },
        }
        path = paths[name]
        models.save(model, path, record)
        reader = CheckReader(model)
        reader.sizes = SIZES[name]
        texts = [r.text for r in reader.read_many(images)]
        exact = np.mean([a == b for a, b in zip(texts, truth, strict=True)])
        print(f"{path}: reads {exact:.1%} of {len(truth)} new rendered fields exactly")


if __name__ == "__main__":
    main(sys.argv[1:])
