"""The first way to read: cut the ink up, ask the network about each candidate, and search.

`find_candidates`, `classify` and `make_reading` are its steps; `Cutting` takes them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lessonlib.checks.binarize import binarize
from lessonlib.checks.candidates import (
    CANDIDATE_CLASSES,
    MARK,
    Candidates,
    Strip,
    cut_up,
    ink_boxes,
    runs,
)
from lessonlib.checks.find import Found, find_writing
from lessonlib.checks.image import Gray, Source, gray_levels, resample
from lessonlib.checks.pictures import pictures
from lessonlib.checks.points import amount_in_strip
from lessonlib.checks.readings import (
    Digit,
    Reading,
    Texts,
    calibrated,
    in_image,
    in_words,
    log_odds,
    probabilities_of,
)
from lessonlib.checks.search import CandidatePath, best_path, best_texts
from lessonlib.checks.threads import one_thread

if TYPE_CHECKING:
    from torch import nn

# Candidates go through the network in parts of few sizes: each new size costs oneDNN, below torch,
# memory that it keeps. Small parts stay in the processor's cache, too.
LARGEST_PASS, PASS_STEP = 128, 32
# A path's probability and its text's share of all ways, as log odds, turn into a confidence by
# these weights, fitted on rendered fields by the script that trains the network. For a network of
# your own they are a guess.
DEFAULT_CALIBRATION = {"constant": 0.0, "score": 0.25, "share": 0.1}
SURE_ENOUGH = 0.99  # where a class has this probability, further looks are not worth their time
OWN_SIZE = (1.0,)  # each candidate is shown to the network once, in its own size


@dataclass(frozen=True, eq=False)
class Field:
    """The candidates found in one image, not yet read.

    Attributes
    ----------
    strip : Strip
    candidates : int array, shape (n, 2)
        Those of `runs`.
    pictures : uint8 array, shape (n, 2, 28, 28)
        The network's inputs.
    scale : (float, float)
        So many pixels of the writing that was found, across and down, are one of the strip.
    matrix : float64 array, shape (2, 3)
        Maps a point (x, y) of the writing that was found to the image.
    size : (int, int)
        Width and height of the image in pixels.
    notes : tuple of str
        What `find_writing` said of the image.
    """

    strip: Strip
    candidates: Candidates
    pictures: npt.NDArray[np.uint8]
    scale: tuple[float, float]
    matrix: npt.NDArray[np.float64]
    size: tuple[int, int]
    notes: tuple[str, ...] = ()


def find_candidates(image: Source) -> Field:
    """Take an image, as `CheckReader.read` does, through all steps before the network."""
    gray = gray_levels(image)
    return candidates_in(find_writing(gray), gray.shape[::-1])


def candidates_in(found: Found, size: tuple[int, int]) -> Field:
    """Find the candidates of the writing that was found in an image of this width and height."""
    field = resample(found.gray)
    strip = cut_up(binarize(field))
    candidates = runs(strip)
    scale = (found.gray.shape[1] / field.shape[1], found.gray.shape[0] / field.shape[0])
    shown = pictures(strip, candidates)
    return Field(strip, candidates, shown, scale, found.matrix, size, found.notes)


def classify(
    model: "nn.Module", inputs: npt.NDArray[np.uint8], sizes: Sequence[float] = OWN_SIZE
) -> npt.NDArray[np.float64]:
    """Compute the log probabilities of the twelve classes for each candidate, float64 (n, 12).

    The model is what `CheckReader` takes, and the inputs are what `pictures` makes. A candidate is
    shown at the first of the sizes, 1 its own. Where that leaves doubt, it is shown at the others,
    too, and the probabilities are averaged: what misleads the network at one size seldom does at
    all of them. Without a size, or with one that is not above 0, there is a ValueError.
    """
    if not len(sizes) or min(sizes) <= 0:
        raise ValueError(f"sizes must be numbers above 0, and one at least; not {sizes}")
    log_p = look(model, inputs, sizes[0])
    doubtful = log_p.max(axis=1) < np.log(SURE_ENOUGH)
    looks = [log_p[doubtful], *(look(model, inputs[doubtful], size) for size in sizes[1:])]
    log_p[doubtful] = np.logaddexp.reduce(looks) - np.log(len(looks))
    return log_p


def look(model: "nn.Module", inputs: npt.NDArray[np.uint8], size: float) -> npt.NDArray[np.float64]:
    """Compute the log probabilities of the twelve classes for each candidate, at one size."""
    if not len(inputs):
        return np.zeros((0, CANDIDATE_CLASSES))
    import torch

    from lessonlib.augment import resized
    from lessonlib.models import to_tensor

    model.eval()
    with torch.inference_mode(), one_thread():
        device = next((weights.device for weights in model.parameters()), None)
        full = np.pad(inputs, ((0, -len(inputs) % PASS_STEP), (0, 0), (0, 0), (0, 0)))
        parts = [full[start : start + LARGEST_PASS] for start in range(0, len(full), LARGEST_PASS)]
        logits = [model(resized(to_tensor(part, device), size)) for part in parts]
        log_p = torch.cat(logits)[: len(inputs)].double().log_softmax(dim=1)
        return np.asarray(log_p.cpu().numpy())


def make_reading(
    field: Field,
    log_p: npt.NDArray[np.float64],
    calibration: Mapping[str, float],
    min_confidence: float = 0.0,
) -> Reading:
    """Find the most probable reading of a field.

    The log probabilities, (n, 12), are those of its candidates, as `classify` gives them. The
    calibration has a weight for each of the `confidence_features`, and a "constant".
    """
    path, texts = searched(field, log_p)
    numbers, kinds = [number for number, _ in path.steps], [kind for _, kind in path.steps]
    chosen = field.candidates[numbers]
    boxes = ink_boxes(field.strip, chosen, field.scale)
    amount = amount_in_strip(field.strip, chosen, kinds, boxes, field.scale)
    marks = [box for kind, box in zip(kinds, boxes, strict=True) if kind == MARK]
    if amount.separator is not None and amount.separator not in marks:  # a point found late
        marks = sorted([*marks, amount.separator])
    probabilities = digit_probabilities(log_p[numbers])
    digits = [
        Digit(box, own)
        for kind, box, own in zip(kinds, boxes, probabilities, strict=True)
        if kind != MARK
    ]
    features = confidence_features(path.score, texts[0][1])
    confidence = calibrated(features, calibration) if digits else 0.0
    reading = Reading(
        text=texts[0][0],
        confidence=confidence,
        digits=tuple(digits),
        marks=tuple(marks),
        separator=amount.separator,
        amount=amount.value,
        accepted=confidence >= min_confidence,
        note=in_words(field.notes, amount.note, texts[0][0], confidence),
        currency=amount.currency,
        alternatives=probabilities_of(texts, confidence) if digits else (),
    )
    return in_image(reading, field.matrix, field.size)


def digit_probabilities(log_p: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Turn log probabilities of all classes, (n, 12), into probabilities of the digits, (n, 10)."""
    digits = log_p[:, :MARK]
    p = np.exp(digits - digits.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float32)


def searched(field: Field, log_p: npt.NDArray[np.float64]) -> tuple[CandidatePath, Texts]:
    """Find the best path of a field, and the most probable texts, the path's own first.

    The log probabilities, (n, 12), are those of its candidates.
    """
    primitives = len(field.strip.boxes)
    path = best_path(field.candidates, log_p, primitives)
    return path, with_first(text_of(path), best_texts(field.candidates, log_p, primitives))


def text_of(path: CandidatePath) -> str:
    """Give the digits of a path, from left to right."""
    return "".join(str(kind) for _, kind in path.steps if kind != MARK)


def with_first(text: str, texts: Texts) -> Texts:
    """Put a text at the head of the texts that a search found, where it nearly always is.

    A text that the search did not find has the least share of those that it did, and the place of
    the last one.
    """
    shares = dict(texts)
    own = shares.pop(text, min(shares.values(), default=0.0))
    return [(text, own), *shares.items()][: max(1, len(texts))]


def confidence_features(score: float, share: float) -> dict[str, float]:
    """Give the numbers that a confidence is computed from, by their names in a calibration.

    `score` is the log probability of the best path, `share` the log of the share that the ways with
    its text have of all ways. A number added here needs a weight, which
    ``python -m tools.train_readers --calibrate`` fits.
    """
    return {"score": log_odds(score), "share": log_odds(share)}


@dataclass(frozen=True)
class Cutting:
    """The first way to read, with its network, its calibration and the sizes of `classify`."""

    model: "nn.Module"
    calibration: Mapping[str, float]
    sizes: Sequence[float] = OWN_SIZE

    def prepare(self, gray: Gray) -> Field:
        """Take an image through all steps before the network."""
        return candidates_in(find_writing(gray), gray.shape[::-1])

    def log_probabilities(self, fields: Sequence[Field]) -> list[npt.NDArray[np.float64]]:
        """Compute those of each field's candidates, all of them in one pass of the network."""
        log_p = classify(self.model, np.concatenate([f.pictures for f in fields]), self.sizes)
        ends = np.cumsum([len(field.candidates) for field in fields])
        return np.split(log_p, ends[:-1])

    def read(self, fields: Sequence[Field], min_confidence: float = 0.0) -> list[Reading]:
        """Read fields together."""
        return [
            make_reading(field, log_p, self.calibration, min_confidence)
            for field, log_p in zip(fields, self.log_probabilities(fields), strict=True)
        ]
