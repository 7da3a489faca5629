"""The reader: all steps from an image of a field to what it says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lessonlib.checks.amount import find_amount
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
from lessonlib.checks.image import Box, as_gray, load_image, resample
from lessonlib.checks.pictures import pictures
from lessonlib.checks.search import CandidatePath, best_path
from lessonlib.recipes import READERS

if TYPE_CHECKING:
    from torch import nn

Source = str | PathLike[str] | npt.ArrayLike  # a file's path, or an array that holds an image

# Candidates go through the network in parts of few sizes: each new size costs oneDNN, below torch,
# memory that it keeps. Small parts stay in the processor's cache, too.
LARGEST_PASS, PASS_STEP = 128, 32
BATCH_SIZE = 64  # fields read together: enough for a quick network, and little to hold in memory
# A path's probability and its share among all paths, as log odds, turn into a confidence by these
# weights, fitted on rendered fields by the script that trains the network. For a network of your
# own they are a guess.
DEFAULT_CALIBRATION = {"constant": 0.0, "score": 0.25, "share": 0.1}
SURE_ENOUGH = 0.99  # where a class has this probability, further looks are not worth their time
OWN_SIZE = (1.0,)  # each candidate is shown to the network once, in its own size
LEAST_DOUBT = 1e-6  # probabilities nearer to 1 than this count as this near: log odds stay finite
THREADS_LOCK = Lock()  # held while torch's number of threads is changed


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a field, as the network saw it.

    Attributes
    ----------
    box : (x, y, w, h)
        Upper left corner and size, in pixels of the image that was given.
    probabilities : float32 array, shape (10,)
        The probability of each digit, 0 to 9; they sum to 1.
    """

    box: Box
    probabilities: npt.NDArray[np.float32]

    @property
    def value(self) -> int:
        """The most probable digit, 0 to 9."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read in a field.

    Attributes
    ----------
    text : str
        Digits only, from left to right; empty when none was found.
    confidence : float
        Estimated probability in [0, 1] that the whole text is right; 0 for an empty text.
    digits : tuple of Digit
        From left to right.
    marks : tuple of (x, y, w, h)
        Ink read as something else: points, commas, dashes, currency signs, dirt.
    separator : (x, y, w, h) or None
        The decimal separator, where one was seen.
    amount : Decimal or None
        The number, where digits and marks leave no doubt: "1,250.00" and "1.250,00" are 1250.00,
        "1.250" is 1250, and "12.5" is None.
    accepted : bool
        Whether the confidence reaches the one that was asked for. An empty text's, 0, reaches 0.
    note : str
        Why nothing, or no amount, is sure, in words that a user can act on; "" where all is well.
    currency : str or None
        The currency sign, "$", "₹", "€", "£" or "R$", where one was recognised.
    """

    text: str
    confidence: float
    digits: tuple[Digit, ...]
    marks: tuple[Box, ...] = ()
    separator: Box | None = None
    amount: Decimal | None = None
    accepted: bool = False
    note: str = ""
    currency: str | None = None


class CheckReader:
    """Reads the amount in an image of a check's amount field.

    Parameters
    ----------
    model : str or nn.Module
        A network that ships, by its name in `lessonlib.recipes.READERS`: "mlp" is quicker, "cnn"
        reads more real checks; for another name there is a ValueError. Or give one of your own:
        standardised pictures (n, 2, 28, 28) in, logits (n, 12) out, as
        ``lessonlib.models.MLP(pictures=2, classes=12)``. Where a candidate leaves doubt, the
        shipped ones see it at other sizes, too (see `classify`); yours does not.

    Examples
    --------
    >>> from lessonlib import data_path
    >>> reader = CheckReader()
    >>> reading = reader.read(data_path("checks", "images", "check-02.png"), min_confidence=0.5)
    >>> reading.text, reading.amount, reading.accepted
    ('3129', Decimal('31.29'), True)
    >>> [digit.value for digit in reading.digits]
    [3, 1, 2, 9]
    """

    def __init__(self, model: "str | nn.Module" = "mlp") -> None:
        from lessonlib import weights  # imports torch: seconds, so only here

        if isinstance(model, str):
            if model not in READERS:
                raise ValueError(f"model must be one of {', '.join(READERS)}; not {model!r}")
            name = f"reader-{model}"
            self.model: nn.Module = weights.shipped(name)
            record = weights.read_record(weights.shipped_path(name))
            self.calibration, self.sizes = record["calibration"], READERS[model].sizes
        else:
            self.model, self.calibration, self.sizes = model, DEFAULT_CALIBRATION, OWN_SIZE

    def read(self, image: Source, min_confidence: float = 0.0) -> Reading:
        """Read one field.

        Parameters
        ----------
        image : path, or uint8 array of shape (H, W) or (H, W, 3)
            Dark ink on lighter paper, cut out around the amount. For anything but an image there is
            an OSError or a ValueError, as `load_image` and `as_gray` raise them.
        min_confidence : float
            In [0, 1]: a reading that is less sure is not `accepted`.
        """
        return self.read_many([image], min_confidence)[0]

    def read_many(self, images: Iterable[Source], min_confidence: float = 0.0) -> list[Reading]:
        """Read many fields, the candidates of some dozens in one pass of the network.

        The readings come in the order of the images, and are those of `read`, up to rounding.
        """
        return list(self.read_iter(images, min_confidence))

    def read_iter(self, images: Iterable[Source], min_confidence: float = 0.0) -> Iterator[Reading]:
        """Read as `read_many` does, but hand over each batch's readings before the next one's.

        A stream may be endless. While a batch is read the next one is prepared, so two batches of
        images are taken before the first reading comes.
        """
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence must lie in [0, 1], not {min_confidence}")
        for fields in fields_in_batches(images):
            inputs = np.concatenate([field.pictures for field in fields])
            log_p = classify(self.model, inputs, self.sizes)
            for field in fields:
                count = len(field.candidates)
                yield make_reading(field, log_p[:count], self.calibration, min_confidence)
                log_p = log_p[count:]


@dataclass(frozen=True, eq=False)
class Field:
    """The candidates found in one image, not yet read.

    The candidates, (n, 2), are those of `runs`, and their pictures, (n, 2, 28, 28), the network's
    inputs. One pixel of the resampled field is `scale` pixels of the image, across and down.
    """

    strip: Strip
    candidates: Candidates
    pictures: npt.NDArray[np.uint8]
    scale: tuple[float, float]


def fields_in_batches(images: Iterable[Source]) -> Iterator[list[Field]]:
    """Find the candidates of `BATCH_SIZE` images after the other; the last batch may be smaller.

    A second thread does it, a batch ahead, while the first one classifies.
    """
    left = iter(images)

    def start_next_batch() -> Future[list[Field]]:
        return second_thread.submit(find_all_candidates, list(islice(left, BATCH_SIZE)))

    with ThreadPoolExecutor(max_workers=1) as second_thread:
        coming = start_next_batch()
        while fields := coming.result():
            try:
                coming = start_next_batch()
            except Exception:  # the source of the images failed: what is found is not lost
                yield fields
                raise
            yield fields


def find_all_candidates(images: Iterable[Source]) -> list[Field]:
    """Take a batch of images through all steps before the network."""
    return [find_candidates(image) for image in images]


def find_candidates(image: Source) -> Field:
    """Take an image, as `CheckReader.read` does, through all steps before the network."""
    gray = load_image(Path(image)) if isinstance(image, str | PathLike) else as_gray(image)
    field = resample(gray)
    strip = cut_up(binarize(field))
    candidates = runs(strip)
    scale = (gray.shape[1] / field.shape[1], gray.shape[0] / field.shape[0])
    return Field(strip, candidates, pictures(strip, candidates), scale)


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


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread for a while.

    Its threads wait for each other after every layer. On parts as small as ours that gains little,
    and it loses much where another program keeps one of the cores busy. The second core finds
    candidates meanwhile. The number of threads is the whole process's, so readers in several
    threads of a program take turns.
    """
    import torch

    with THREADS_LOCK:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


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
    path = best_path(field.candidates, log_p, len(field.strip.boxes))
    numbers, kinds = [number for number, _ in path.steps], [kind for _, kind in path.steps]
    boxes = ink_boxes(field.strip, field.candidates[numbers], field.scale)
    steps = list(zip(kinds, boxes, digit_probabilities(log_p[numbers]), strict=True))
    digits = [Digit(box, own) for kind, box, own in steps if kind != MARK]
    marks = [box for kind, box, _ in steps if kind == MARK]
    confidence = calibrated(confidence_features(path), calibration) if digits else 0.0
    amount = find_amount(kinds, boxes)
    return Reading(
        text="".join(str(digit.value) for digit in digits),
        confidence=confidence,
        digits=tuple(digits),
        marks=tuple(marks),
        separator=amount.separator,
        amount=amount.value,
        accepted=confidence >= min_confidence,
        note=amount.note,
        currency=amount.currency,
    )


def digit_probabilities(log_p: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Turn log probabilities of all classes, (n, 12), into probabilities of the digits, (n, 10)."""
    digits = log_p[:, :MARK]
    p = np.exp(digits - digits.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float32)


def confidence_features(path: CandidatePath) -> dict[str, float]:
    """Give the numbers that a confidence is computed from, by their names in a calibration.

    A number added here needs a weight, which ``python -m tools.train_readers --calibrate`` fits.
    """
    return {"score": log_odds(path.score), "share": log_odds(path.share)}


def calibrated(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Turn a path's features into the probability that its text is right.

    The weights are those of a logistic regression: one for each feature, and a "constant".
    """
    if missing := features.keys() - weights.keys():
        raise ValueError(
            f"the calibration has no weight for {', '.join(sorted(missing))}: fit it anew with "
            "python -m tools.train_readers --calibrate"
        )
    logit = weights["constant"] + sum(weights[name] * x for name, x in features.items())
    return float(1 / (1 + np.exp(-np.clip(logit, -50, 50))))


def log_odds(log_p: float) -> float:
    """Turn the logarithm of a probability p into log(p / (1 - p)), which stays finite.

    Near 1 the logarithm of p hardly moves, though 0.99 and 0.9999 are far apart in what they
    promise. The log odds keep them apart.

    Examples
    --------
    >>> [round(log_odds(np.log(p)), 1) for p in (0.5, 0.99, 0.9999)]
    [0.0, 4.6, 9.2]
    """
    log_p = min(log_p, -LEAST_DOUBT)
    return float(log_p - np.log(-np.expm1(log_p)))
