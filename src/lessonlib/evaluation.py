"""Measure how often a network is right, and whether its confidence is justified.

Only `predict` needs a network. The other functions take a network's probabilities, float (n, 10),
and the true labels, int (n,), and return numbers and arrays.
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


@dataclass(frozen=True)
class PerClass:
    """Precision, recall and F1 of each digit k.

    Attributes
    ----------
    precision : float array, shape (10,)
        The share of true k among the images that the network called k; 0 if it called none k.
    recall : float array, shape (10,)
        The share of images called k among the images that are k; 0 if none are k.
    f1 : float array, shape (10,)
        The harmonic mean of precision and recall.
    support : int array, shape (10,)
        How many images are k.
    """

    precision: Floats
    recall: Floats
    f1: Floats
    support: Ints


@dataclass(frozen=True)
class Reliability:
    """Images sorted by confidence into bins of equal width, from 0 to 1.

    Attributes
    ----------
    count : int array, shape (bins,)
        Images in each bin.
    confidence, accuracy : float array, shape (bins,)
        Mean confidence, and share of right answers, in each bin; 0 in an empty one.
    """

    count: Ints
    confidence: Floats
    accuracy: Floats


@dataclass(frozen=True)
class RejectCurve:
    """The coverage and the error for each threshold of confidence below which answers are withheld.

    Attributes
    ----------
    threshold : float array, shape (m,)
        Every confidence that occurs, from the highest down.
    coverage : float array, shape (m,)
        Share of the images that are answered: those at or above the threshold.
    error : float array, shape (m,)
        Share of wrong answers among the images that are answered.
    """

    threshold: Floats
    coverage: Floats
    error: Floats


def predict(
    model: nn.Module, images: npt.ArrayLike, batch_size: int = 1000
) -> npt.NDArray[np.float32]:
    """Compute a network's probabilities of the ten digits.

    Parameters
    ----------
    model : nn.Module
        Takes standardised images (n, 28, 28), gives logits (n, 10). It runs on its own device
        and is left in evaluation mode.
    images : array, shape (n, 28, 28)
        Values in [0, 255].
    batch_size : int
        Images in one forward pass.

    Returns
    -------
    float32 array, shape (n, 10)
        Each row is a softmax and sums to 1.

    Raises
    ------
    ValueError
        For images of another shape or range, or a batch size below 1.
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
    """Return the share of images whose most probable digit is the true one.

    Parameters
    ----------
    probabilities : array of float, shape (n, 10)
    labels : array of int, shape (n,)

    Returns
    -------
    float
        In [0, 1]. Raises as `checked` does.
    """
    p, y = checked(probabilities, labels)
    return float((p.argmax(axis=1) == y).mean())


def wilson_interval(correct: int, n: int, s: float = 1.96) -> tuple[float, float]:
    """Bound the true accuracy of a network that was right `correct` times in `n`.

    Parameters
    ----------
    correct, n : int
        Right answers, and trials; 0 <= correct <= n, n >= 1.
    s : float
        Standard deviations to allow for: 1.96 for 95 % confidence, 2.58 for 99 %, if the trials
        are independent. Where one person wrote many of the images they aren't: chapter 5 takes
        1.3 times as much for MNIST's test images. A factor f is worth n / f**2 trials.

    Returns
    -------
    low, high : float
        In [0, 1].

    Raises
    ------
    ValueError
        When `n` is below 1, or `correct` is not in 0 to `n`.

    References
    ----------
    Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927.
    """
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"{correct} right answers in {n} trials can't be")
    q = correct / n
    centre = (q + s**2 / (2 * n)) / (1 + s**2 / n)
    half = s / (1 + s**2 / n) * math.sqrt(q * (1 - q) / n + s**2 / (4 * n**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def confusion(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> Ints:
    """Count how often each digit was taken for each of the ten.

    Parameters
    ----------
    probabilities : array of float, shape (n, 10)
    labels : array of int, shape (n,)

    Returns
    -------
    int64 array, shape (10, 10)
        Row: the true digit. Column: the network's answer. Raises as `checked` does.
    """
    from sklearn import metrics  # imported here: it is slow, and reading checks doesn't need it

    p, y = checked(probabilities, labels)
    counts = metrics.confusion_matrix(y, p.argmax(axis=1), labels=range(DIGIT_CLASSES))
    return np.asarray(counts, dtype=np.int64)


def per_class(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> PerClass:
    """Measure precision, recall and F1 for each digit.

    Parameters
    ----------
    probabilities : array of float, shape (n, 10)
    labels : array of int, shape (n,)

    Returns
    -------
    PerClass
        Raises as `checked` does.
    """
    from sklearn import metrics

    p, y = checked(probabilities, labels)
    return PerClass(
        *metrics.precision_recall_fscore_support(
            y, p.argmax(axis=1), labels=range(DIGIT_CLASSES), zero_division=0
        )
    )


def reliability(probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = 10) -> Reliability:
    """Compare confidence with accuracy, bin by bin.

    Parameters
    ----------
    probabilities : array of float, shape (n, 10)
        The largest of each row is the confidence.
    labels : array of int, shape (n,)
    bins : int
        Bin b holds confidences in [b / bins, (b + 1) / bins); the last bin also holds 1.

    Returns
    -------
    Reliability
        Raises as `checked` does.
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
    """Compute the expected calibration error over bins of equal width.

    Parameters
    ----------
    probabilities : array of float, shape (n, 10)
    labels : array of int, shape (n,)
    bins : int

    Returns
    -------
    float
        The mean over all images of |accuracy − mean confidence| of the image's bin, in
        [0, 1]. Raises as `checked` does.

    References
    ----------
    Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    r = reliability(probabilities, labels, bins)
    return float((r.count * abs(r.accuracy - r.confidence)).sum() / r.count.sum())


def with_temperature(probabilities: npt.ArrayLike, temperature: float) -> Floats:
    """Soften or sharpen probabilities; the most probable digit stays the same.

    Parameters
    ----------
    probabilities : array of float, shape (n, 10)
    temperature : float
        The logits are divided by it: above 1 softens, below 1 sharpens.

    Returns
    -------
    float64 array, shape (n, 10)

    Raises
    ------
    ValueError
        For a temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, not {temperature}")
    p = np.asarray(probabilities, dtype=np.float64)
    # log p is the logits less a constant of each row, which cancels below.
    z = np.log(np.maximum(p, 1e-38)) / temperature
    exp = np.exp(z - z.max(axis=1, keepdims=True))
    softened: Floats = exp / exp.sum(axis=1, keepdims=True)
    return softened


def fit_temperature(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Find the temperature that makes the true labels most probable.

    Parameters
    ----------
    probabilities : array of float, shape (n, 10)
        For images that are used neither to train nor to test the network.
    labels : array of int, shape (n,)

    Returns
    -------
    float
        The temperature from 0.05 to 20 with the least mean cross-entropy. Raises as `checked` does.

    References
    ----------
    Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    from scipy.optimize import minimize_scalar

    p, y = checked(probabilities, labels)

    def cross_entropy(log_temperature: float) -> float:
        q = with_temperature(p, math.exp(log_temperature))
        return float(-np.log(np.maximum(q[np.arange(len(y)), y], 1e-38)).mean())

    bounds = (math.log(0.05), math.log(20))
    return math.exp(minimize_scalar(cross_entropy, bounds=bounds, method="bounded").x)


def reject_curve(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> RejectCurve:
    """Compute coverage and error at every threshold of confidence.

    Parameters
    ----------
    probabilities : array of float, shape (n, 10)
        The largest of each row is the confidence.
    labels : array of int, shape (n,)

    Returns
    -------
    RejectCurve
        Raises as `checked` does.

    References
    ----------
    Chow, On optimum recognition error and reject tradeoff, 1970.
    """
    p, y = checked(probabilities, labels)
    return reject_curve_of(p.max(axis=1), p.argmax(axis=1) == y)


def reject_curve_of(confidence: npt.ArrayLike, right: npt.ArrayLike) -> RejectCurve:
    """Compute coverage and error at every threshold, from what is known about each answer.

    Answers with equal confidence are given together, or withheld together.

    Parameters
    ----------
    confidence : array of float, shape (n,)
        In any order; n may be 0, which gives empty arrays.
    right : array of bool, shape (n,)
        Whether each answer is right.

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
    """Return both as arrays, or say why they can't be a network's answers and their labels.

    Parameters
    ----------
    probabilities : array of float, shape (n, 10)
        Not negative, each row sums to 1.
    labels : array of int, shape (n,)
        In 0 to 9.

    Returns
    -------
    probabilities : float64 array, shape (n, 10)
    labels : int64 array, shape (n,)

    Raises
    ------
    ValueError
        For other shapes, empty arrays, or values that can't be probabilities or labels.
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
