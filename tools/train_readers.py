"""Train the check reader's networks, and save them with a record of the training.

Usage: ``python -m tools.train_readers [FOLDER] [--only NAME] [--calibrate]`` (``make models``)

It needs MNIST. The fields are those of `lessonlib.synthesis.mixture`, as for the line network, in
the writing of MNIST's training digits, of other people where it can be had (see
`lessonlib.handwriting`), and of drawn digits. With ``--calibrate`` the networks stay as they are,
and only the numbers behind their confidence are fitted anew. That takes minutes, and is due where
the candidates, the search or the sizes of a recipe change.
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
from torch import Tensor

from lessonlib import augment, digits, handwriting, models, training, weights
from lessonlib.checks.cutting import (
    Field,
    classify,
    confidence_features,
    find_candidates,
    searched,
)
from lessonlib.files import check_writable
from lessonlib.recipes import CUTTERS
from lessonlib.synthesis.examples import Examples, examples
from lessonlib.synthesis.hands import anyone
from lessonlib.synthesis.mixture import training_field
from lessonlib.synthesis.render import digits_of
from tools.by_recipe import WEIGHTS
from tools.calibration import fit, unseen_fields

SEED = CUTTERS["mlp"].seed  # of the fields; both readers are trained on the same
FIELDS = 60_000
CHUNK = 200  # fields to a job
CALIBRATION_FIELDS = 3_000


def render_chunk(seed: int) -> Examples:
    """Make the examples of `CHUNK` fields; called in a process of its own."""
    import cv2

    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    (thinning,) = rng.spawn(1)  # chance of its own: what is left out changes none of the fields
    fields = (training_field(rng, anyone("train", rng)) for _ in range(CHUNK))
    return examples(fields, thinning)


def render_all(fields: int) -> Examples:
    """Make the examples of many fields, on all CPU cores."""
    seeds = range(SEED * 1000, SEED * 1000 + fields // CHUNK)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        inputs, classes = zip(*pool.map(render_chunk, seeds), strict=True)
    return np.concatenate(inputs), np.concatenate(classes)


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


def fields_to_calibrate() -> list[tuple[Field, str]]:
    """Render fields in unseen writing, each with its candidates found, and with its digits."""
    fields = unseen_fields(CALIBRATION_FIELDS, SEED)
    return [(find_candidates(field.image), digits_of(field.text)) for field in fields]


def calibrate(
    name: str, model: models.Network, unseen: list[tuple[Field, str]]
) -> dict[str, float]:
    """Fit the probability that a text is right to the features of its reading."""
    features, texts, truths = [], [], []
    for field, truth in unseen:
        path, found = searched(field, classify(model, field.pictures, CUTTERS[name].sizes))
        text, share = found[0]
        features.append(confidence_features(path.score, share))
        texts.append(text)
        truths.append(truth)
    return fit(name, features, texts, truths)


def train_all(paths: dict[str, Path]) -> None:
    """Render the fields, train the networks on them, and save these with their calibrations."""
    start = time.perf_counter()
    inputs, classes = render_all(FIELDS)
    rendering = time.perf_counter() - start
    print(f"{len(inputs):,} candidates of {FIELDS:,} rendered fields, in {rendering:.0f} s")
    x, y = torch.from_numpy(inputs), torch.from_numpy(classes.astype(np.int64))
    unseen = fields_to_calibrate()
    for name, path in paths.items():
        recipe = CUTTERS[name]
        start = time.perf_counter()
        training.set_seed(recipe.seed)
        model = weights.build(recipe)
        train(model, x, y, **recipe.training)
        seconds = time.perf_counter() - start
        record = weights.training_record(
            model,
            recipe,
            "make models",
            fields=FIELDS,
            candidates=len(inputs),
            handwriting=handwriting.source(),
            seconds={"rendering": round(rendering), "training": round(seconds)},
            sizes=recipe.sizes,
            calibration=calibrate(name, model, unseen),
        )
        weights.save(model, path, record)


def calibrate_all(paths: dict[str, Path]) -> None:
    """Fit the calibrations anew, and leave the networks as they are."""
    unseen = fields_to_calibrate()
    for name, path in paths.items():
        model, record = weights.load(path), weights.read_record(path)
        anew = {"sizes": CUTTERS[name].sizes, "calibration": calibrate(name, model, unseen)}
        weights.save(model, path, record | anew)
        print(f"{name}: {record.get('calibration')} before, {anew['calibration']} now")


def main(arguments: list[str]) -> None:
    """Train and calibrate, or calibrate alone, in the named or the shipped folder."""
    parser = argparse.ArgumentParser(description="Train and calibrate the check reader's networks.")
    parser.add_argument("folder", type=Path, nargs="?", default=WEIGHTS)
    parser.add_argument("--calibrate", action="store_true", help="only fit the calibrations anew")
    parser.add_argument("--only", choices=CUTTERS, metavar="NAME", help=", ".join(CUTTERS))
    chosen = parser.parse_args(arguments)
    if digits.source() != "mnist":
        sys.exit("The training needs MNIST, which was not found: set LESSONLIB_MNIST_ROOT.")
    names = [chosen.only] if chosen.only else list(CUTTERS)
    paths = {name: chosen.folder / f"reader-{name}.safetensors" for name in names}
    if not chosen.calibrate:
        chosen.folder.mkdir(parents=True, exist_ok=True)
    elif not all(path.is_file() for path in paths.values()):
        sys.exit(f"{chosen.folder} lacks a network to calibrate: train it, without --calibrate.")
    for path in paths.values():
        check_writable(path)
    if chosen.calibrate:
        calibrate_all(paths)
    else:
        train_all(paths)


if __name__ == "__main__":
    main(sys.argv[1:])
