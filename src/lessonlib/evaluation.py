"""Measure how often a network is right, and whether its confidence is justified.

Only `predict` needs a network. Most other functions take a network's probabilities, float (n, 10),
each row a softmax, and the true labels, int (n,). They raise a ValueError that says why, as
`checked` does, where the two can't be that.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lessonlib.models import to_tensor

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]

DIGIT_CLASSES = 10
TEMPERATURES = (0.05, 20.0)  # from almost always sure to almost always undecided
LEAST_PROBABILITY = 1e-38  # about the smallest float32: what a probability rounded to 0 counts as


@dataclass(frozen=True)
class PerClass:
    """Precision, recall, F1 and support of each digit k: arrays of shape (10,).

    Precision is the share of true k among the images that the network called k, recall the share of
    images called k among those that are k, and F1 the harmonic mean of the two. A share of no
    images is 0. Support says how many images are k.
    """

    precision: Floats
    recall: Floats
    f1: Floats
    support: Ints


@dataclass(frozen=True)
class Reliability:
    """Images sorted by confidence into bins of equal width, from 0 to 1.

    For each bin there is the count of its images, their mean confidence, and their accuracy: the
    share of right answers. Both are 0 in an empty bin.
    """

    count: Ints
    confidence: Floats
    accuracy: Floats


@dataclass(frozen=True)
class RejectCurve:
    """The coverage and the error for each threshold of confidence below which answers are withheld.

    The arrays have shape (m,). Threshold is every confidence that occurs, from the highest down.
    Coverage is the share of images that are answered, those at or above the threshold; error is the
    share of wrong answers among them.
    """

    threshold: Floats
    coverage: Floats
    error: Floats


def predict(
    model: nn.Module, images: npt.ArrayLike, batch_size: int = 1000
) -> npt.NDArray[np.float32]:
    """Compute a network's probabilities of the ten digits, float32, shape (n, 10).

    The images, shape (n, 28, 28), hold values in [0, 255]; others raise a ValueError. The network
    takes them standardised and gives logits, shape (n, 10). It runs on its own device, on
    `batch_size` images at a time, and is left in evaluation mode.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    device = next(model.parameters(), torch.empty(0)).device
    model.eval()
    with torch.no_grad():
        batches = to_tensor(images, device).split(batch_size)
        probabilities = torch.cat([model(x).softmax(dim=1) for x in batches])
    return probabilities.cpu().numpy()


def accuracy(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return the share of images whose most probable digit is the true one."""
    p, y = checked(probabilities, labels)
    return float((p.argmax(axis=1) == y).mean())


def wilson_interval(correct: int, n: int, s: float = 1.96) -> tuple[float, float]:
    """Bound the true accuracy of a network that was right `correct` times in `n`.

    `s` says how many standard deviations to allow for: 1.96 for 95 % confidence, 2.58 for 99 %, if
    the trials are independent. Where one person wrote many of the images they aren't: the chapter
    on evaluation takes 1.3 times as much for MNIST's test images. A factor f is worth n / f**2
    trials. Numbers that can't be, such as 3 right answers in 2 trials, raise a ValueError. See
    Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927.

    Examples
    --------
    >>> low, high = wilson_interval(98, 100)
    >>> f"{low:.3f} to {high:.3f}"
    '0.930 to 0.994'
    """
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"{correct} right answers in {n} trials can't be")
    q = correct / n
    centre = (q + s**2 / (2 * n)) / (1 + s**2 / n)
    half = s / (1 + s**2 / n) * math.sqrt(q * (1 - q) / n + s**2 / (4 * n**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def confusion(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> Ints:
    """Count how often each digit was taken for each of the ten, int64, shape (10, 10).

    The rows are the true digits, the columns the network's answers.

    Examples
    --------
    >>> counts = confusion(np.eye(10)[[3, 3, 8]], [3, 3, 3])
    >>> counts[3].tolist()
    [0, 0, 0, 2, 0, 0, 0, 0, 1, 0]
    """
    from sklearn import metrics  # imported here: it is slow, and reading checks doesn't need it

    p, y = checked(probabilities, labels)
    counts = metrics.confusion_matrix(y, p.argmax(axis=1), labels=range(DIGIT_CLASSES))
    return np.asarray(counts, dtype=np.int64)


def per_class(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> PerClass:
    """Measure precision, recall and F1 for each digit."""
    from sklearn import metrics

    p, y = checked(probabilities, labels)
    return PerClass(
        *metrics.precision_recall_fscore_support(
            y, p.argmax(axis=1), labels=range(DIGIT_CLASSES), zero_division=0
        )
    )


def reliability(probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = 10) -> Reliability:
    """Compare confidence with accuracy, bin by bin.

    The confidence is the largest probability of an image. Bin b holds those in [b / bins, (b + 1) /
    bins); the last bin also holds 1.
    """
    p, y = checked(probabilities, labels)
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == y
    b = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(b, minlength=bins)
    divisor = np.maximum(count, 1)
    return Reliability(
        count,
        np.bincount(b, weights=confidence, minlength=bins) / divisor,
        np.bincount(b, weights=correct, minlength=bins) / divisor,
    )


def calibration_error(probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = 10) -> float:
    """Compute the expected calibration error over bins of equal width, in [0, 1].

    It is the mean over all images of |accuracy − mean confidence| of the image's bin: Guo et al.,
    On calibration of modern neural networks, ICML 2017.
    """
    r = reliability(probabilities, labels, bins)
    return float((r.count * abs(r.accuracy - r.confidence)).sum() / r.count.sum())


def with_temperature(probabilities: npt.ArrayLike, temperature: float) -> Floats:
    """Soften or sharpen probabilities, shape (n, 10); the most probable digit stays the same.

    The logits are divided by the temperature: above 1 softens, below 1 sharpens, and one that is
    not above 0 raises a ValueError.

    Examples
    --------
    >>> with_temperature([[0.8, 0.2]], temperature=2).round(2)
    array([[0.67, 0.33]])
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, not {temperature}")
    p = np.asarray(probabilities, dtype=np.float64)
    # log p is the logits less a constant of each row, which cancels below.
    z = np.log(np.maximum(p, LEAST_PROBABILITY)) / temperature
    exp = np.exp(z - z.max(axis=1, keepdims=True))
    softened: Floats = exp / exp.sum(axis=1, keepdims=True)
    return softened


def fit_temperature(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Find the temperature from 0.05 to 20 that makes the true labels most probable.

    The images must be used neither to train nor to test the network. Most probable means the least
    mean cross-entropy: Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    from scipy.optimize import minimize_scalar

    p, y = checked(probabilities, labels)

    def cross_entropy(log_temperature: float) -> float:
        q = with_temperature(p, math.exp(log_temperature))
        return float(-np.log(np.maximum(q[np.arange(len(y)), y], LEAST_PROBABILITY)).mean())

    bounds = [math.log(temperature) for temperature in TEMPERATURES]
    return math.exp(minimize_scalar(cross_entropy, bounds=bounds, method="bounded").x)


def reject_curve(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> RejectCurve:
    """Compute coverage and error at every threshold of confidence: an image's largest probability.

    See Chow, On optimum recognition error and reject tradeoff, 1970.
    """
    p, y = checked(probabilities, labels)
    return reject_curve_of(p.max(axis=1), p.argmax(axis=1) == y)


def reject_curve_of(confidence: npt.ArrayLike, right: npt.ArrayLike) -> RejectCurve:
    """Compute coverage and error at every threshold, from what is known about each answer.

    `confidence` and whether it is `right`, both of shape (n,), may be in any order; n may be 0,
    which gives empty arrays. Answers with equal confidence are given together, or withheld
    together.

    Examples
    --------
    >>> reject_curve_of([0.9, 0.8, 0.8, 0.7], [True, True, False, True]).coverage
    array([0.25, 0.75, 1.  ])
    """
    threshold, correct = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=bool)
    order = np.argsort(-threshold, kind="stable")
    threshold = threshold[order]
    answered = np.arange(1, len(order) + 1)
    errors = np.cumsum(~correct[order])
    last = np.diff(threshold, append=-np.inf) < 0  # of the answers with the same confidence
    return RejectCurve(threshold[last], answered[last] / len(order), errors[last] / answered[last])


def checked(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Floats, Ints]:
    """Return both as arrays, float64 and int64, or say why they can't be answers and their labels.

    A ValueError names other shapes than (n, 10) and (n,), empty arrays, rows that aren't
    probabilities with sum 1, and labels that aren't from 0 to 9.
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if p.ndim != 2 or p.shape[1] != DIGIT_CLASSES:
        raise ValueError(f"probabilities must have shape (n, {DIGIT_CLASSES}), not {p.shape}")
    if y.shape != (len(p),):
        raise ValueError(f"{len(p)} rows of probabilities need labels ({len(p)},), not {y.shape}")
    if len(p) == 0:
        raise ValueError("there are no images to evaluate: the arrays are empty")
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= DIGIT_CLASSES:
        raise ValueError(f"labels must be whole numbers from 0 to {DIGIT_CLASSES - 1}")
    if not (p.min() >= 0 and np.allclose(p.sum(axis=1), 1, atol=1e-3)):  # also false for NaN
        raise ValueError(
            "each row of probabilities must be >= 0 and sum to 1: these may be logits, "
            "which lessonlib.evaluation.predict turns into probabilities"
        )
    return p, y.astype(np.int64)
