"""Train the network that reads a line whole, and save it with a record of the training.

Usage: ``python -m tools.train_lines [FOLDER] [--calibrate]`` (``make models``)

It needs MNIST. The lines are rendered from MNIST's training digits, from those of other people
where they can be had (see `lessonlib.handwriting`), and from drawn ones. The reader that asks both
ways is calibrated here, too, so the cutting readers have to be trained before. With ``--calibrate``
the network stays as it is.
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessonlib import digits, handwriting, training, weights
from lessonlib.checks.ensemble import Ensemble
from lessonlib.checks.find import Found, find_writing
from lessonlib.checks.lines import (
    CHARACTERS,
    LINE_CLASSES,
    Lines,
    evidence_of,
    line_features,
    line_pictures,
)
from lessonlib.checks.reader import shipped_cutting
from lessonlib.checks.readings import Texts
from lessonlib.files import check_writable
from lessonlib.models import Network
from lessonlib.recipes import ENSEMBLE_CUTTER, LINE_RECIPE
from lessonlib.synthesis.fields import LabelledField
from lessonlib.synthesis.hands import anyone
from lessonlib.synthesis.mixture import training_field
from lessonlib.synthesis.render import digits_of
from tools.by_recipe import WEIGHTS, quick_numbers
from tools.calibration import fit, unseen_fields

RECIPE = LINE_RECIPE
FIELDS = 80_000
CHUNK = 100  # fields to a job
FIRST_SEED = 2_300_000  # of the chunks
MOST_LOST = 0.03  # of its digits' ink may lie outside of what was found of a field
CALIBRATION_FIELDS = 3_000
MIXES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # of `ensemble.together`, to choose from
WARM_UP = 0.15  # of the steps, in which the learning rate rises
CLIP = 5.0  # the longest gradient: CTC's are long at first

Line = tuple[npt.NDArray[np.uint8], str]  # pictures, shape (2, 40, w), and the marked text

# How lines are changed on the fly: standard deviations of normal numbers
SCALE_X, SCALE_Y, SHEAR, TURN = 0.10, 0.07, 0.12, 0.012
SHIFT_X, SHIFT_Y = 2.0, 1.5  # pixels
GAINS, MOST_NOISE = (0.7, 1.25), 0.06  # of the gray picture: ranges


def render_chunk(seed: int) -> list[Line]:
    """Make the lines of `CHUNK` fields; called in a process of its own.

    A field whose digits were not found is left out: there the label would be wrong.
    """
    import cv2

    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(CHUNK):
        field = training_field(rng, anyone("train", rng))
        found = find_writing(field.image)
        if share_lost(field, found) <= MOST_LOST:
            lines.append((line_pictures(found.gray), field.text))
    return lines


def share_lost(field: LabelledField, found: Found) -> float:
    """Measure which share of the digits' ink lies outside of the writing that was found."""
    is_digit = np.array([character.isdecimal() for character in field.text] + [False])
    inked = (field.owner >= 0) & is_digit[field.owner]
    if not inked.any():
        return 1.0 if field.text else 0.0
    rows, columns = np.nonzero(inked)
    back = np.linalg.inv(np.vstack([found.matrix, [0, 0, 1]]))[:2]
    x, y = back @ np.vstack([columns, rows, np.ones_like(rows)])
    height, width = found.gray.shape
    inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    return float(1 - inside.mean())


def render_all(fields: int) -> list[Line]:
    """Make the lines of many fields, on all CPU cores."""
    seeds = range(FIRST_SEED, FIRST_SEED + fields // CHUNK)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return [line for lines in pool.map(render_chunk, seeds) for line in lines]


def batches(lines: list[Line], columns: int, rng: np.random.Generator) -> list[list[int]]:
    """Put lines of one width together, so many columns of pictures in all; what is over waits.

    Each new shape costs oneDNN, below torch, memory and time: so there is one for each width.
    """
    by_width: dict[int, list[int]] = defaultdict(list)
    for number, (pictures, _) in enumerate(lines):
        by_width[pictures.shape[2]].append(number)
    parts = []
    for width, numbers in sorted(by_width.items()):
        shuffled, size = rng.permutation(numbers).tolist(), max(1, columns // width)
        full = len(numbers) - len(numbers) % size
        parts += [shuffled[start : start + size] for start in range(0, full, size)]
    return [parts[number] for number in rng.permutation(len(parts))]


def changed(x: Tensor, generator: torch.Generator) -> Tensor:
    """Stretch, shear, turn and shift lines a little, and change their contrast.

    Takes and returns float32 (n, 2, 40, w).
    """
    n, _, height, width = x.shape

    def normal(spread: float) -> Tensor:
        return torch.randn(n, generator=generator) * spread

    def between(low: float, high: float) -> Tensor:
        return torch.empty(n, 1, 1).uniform_(low, high, generator=generator)

    # grid_sample's coordinates run from -1 to 1 along both sides.
    maps = torch.zeros(n, 2, 3)
    maps[:, 0, 0], maps[:, 1, 1] = normal(SCALE_X).exp(), normal(SCALE_Y).exp()
    maps[:, 0, 1], maps[:, 1, 0] = normal(SHEAR) * height / width, normal(TURN) * width / height
    maps[:, 0, 2], maps[:, 1, 2] = normal(SHIFT_X) * 2 / width, normal(SHIFT_Y) * 2 / height
    grid = F.affine_grid(maps, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, align_corners=False)
    noise = torch.randn(x[:, 0].shape, generator=generator) * between(0, MOST_NOISE)
    x[:, 0] = (x[:, 0] * between(*GAINS) + noise).clamp(0, 1.2)
    return x


def ctc_loss(logits: Tensor, texts: list[str]) -> Tensor:
    """Compute the mean negative log probability of the texts, each divided by its length."""
    log_p = logits.float().permute(2, 0, 1).log_softmax(2)
    numbers = [CHARACTERS.index(character) for text in texts for character in text]
    targets = torch.tensor(numbers, dtype=torch.long)
    lengths = torch.tensor([len(text) for text in texts])
    columns = torch.full((len(texts),), len(log_p))
    return F.ctc_loss(log_p, targets, columns, lengths, blank=LINE_CLASSES - 1, zero_infinity=True)


def inputs_of(lines: list[Line], numbers: list[int]) -> Tensor:
    """Put the pictures of some lines into one tensor, float32 (n, 2, 40, w) in [0, 1]."""
    return torch.from_numpy(np.stack([lines[number][0] for number in numbers])).float() / 255


def train(
    model: nn.Module,
    lines: list[Line],
    epochs: int,
    batch_columns: int,
    lr: float,
    weight_decay: float,
) -> Iterator[float]:
    """Train for some epochs, and hand over the mean loss of each."""
    rng, generator = np.random.default_rng(RECIPE.seed), torch.Generator().manual_seed(RECIPE.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    steps = epochs * len(batches(lines, batch_columns, rng))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=steps, pct_start=WARM_UP
    )
    model.train()
    for _ in range(epochs):
        losses = []
        for numbers in batches(lines, batch_columns, rng):
            x = changed(inputs_of(lines, numbers), generator)
            with quick_numbers():
                logits = model(x)
            loss = ctc_loss(logits, [lines[number][1] for number in numbers])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        yield float(np.mean(losses))
    model.eval()


def calibrate_line(model: nn.Module, fields: list[LabelledField]) -> dict[str, float]:
    """Fit the probability that the line network's text is right."""
    way = Lines(model, {})
    evidence = evidence_of(model, [way.prepare(field.image).pictures for field in fields])
    features = [line_features(one.texts, one.agreed) for one in evidence]
    return fit("line", features, best_of([one.texts for one in evidence]), truths_of(fields))


def calibrate_ensemble(model: nn.Module, fields: list[LabelledField]) -> dict[str, float]:
    """Fit how both ways are mixed, and the probability that the text they choose is right."""
    cutting = shipped_cutting(ENSEMBLE_CUTTER)
    both = Ensemble(cutting, Lines(model, {}), {})
    cut, lines = zip(*(both.prepare(field.image) for field in fields), strict=True)
    evidence = evidence_of(model, [line.pictures for line in lines])
    parts = cutting.log_probabilities(cut)

    def tried(mix: float) -> tuple[list[dict[str, float]], list[str]]:
        weighed = replace(both, calibration={"mix": mix}).weigh_all(cut, parts, evidence)
        return [one.features for one in weighed], best_of([one.texts for one in weighed])

    def right(texts: list[str]) -> int:
        return sum(text == truth for text, truth in zip(texts, truths, strict=True))

    truths = truths_of(fields)
    mix = max(MIXES, key=lambda mix: right(tried(mix)[1]))
    print(f"mix {mix}")
    return {"mix": mix} | fit("ensemble", *tried(mix), truths)


def best_of(texts: Sequence[Texts]) -> list[str]:
    """Give each line's most probable text."""
    return [found[0][0] for found in texts]


def truths_of(fields: Sequence[LabelledField]) -> list[str]:
    """Give the digits of each field."""
    return [digits_of(field.text) for field in fields]


def main(arguments: list[str]) -> None:
    """Train and calibrate, or calibrate alone, in the named or the shipped folder."""
    parser = argparse.ArgumentParser(description="Train and calibrate the network for lines.")
    parser.add_argument("folder", type=Path, nargs="?", default=WEIGHTS)
    parser.add_argument("--calibrate", action="store_true", help="only fit the calibrations anew")
    chosen = parser.parse_args(arguments)
    if digits.source() != "mnist":
        sys.exit("The training needs MNIST, which was not found: set LESSONLIB_MNIST_ROOT.")
    path = chosen.folder / "reader-line.safetensors"
    if chosen.calibrate and not path.is_file():
        sys.exit(f"{chosen.folder} lacks a network to calibrate: train it, without --calibrate.")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    check_writable(path)
    if chosen.calibrate:
        model, record = weights.load(path), weights.read_record(path)
    else:
        model, record = train_anew()
    weights.save(model, path, record | calibrations(model))


def train_anew() -> tuple[Network, dict[str, Any]]:
    """Render the lines and train the network on them; give it with the record of its training."""
    start = time.perf_counter()
    lines = render_all(FIELDS)
    rendering = time.perf_counter() - start
    print(f"{len(lines):,} lines of {FIELDS:,} rendered fields, in {rendering:.0f} s")
    training.set_seed(RECIPE.seed)
    model = weights.build(RECIPE)
    start = time.perf_counter()
    for epoch, loss in enumerate(train(model, lines, **RECIPE.training), start=1):
        print(f"epoch {epoch}: loss {loss:.4f}, {time.perf_counter() - start:.0f} s", flush=True)
    seconds = {"rendering": round(rendering), "training": round(time.perf_counter() - start)}
    record = weights.training_record(
        model,
        RECIPE,
        "make models",
        fields=FIELDS,
        lines=len(lines),
        handwriting=handwriting.source(),
        seconds=seconds,
    )
    return model, record


def calibrations(model: nn.Module) -> dict[str, Any]:
    """Fit what turns the features of a reading into a confidence: for the line, and for both."""
    fields = unseen_fields(CALIBRATION_FIELDS, RECIPE.seed)
    return {
        "calibration": calibrate_line(model, fields),
        "ensemble": calibrate_ensemble(model, fields),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
