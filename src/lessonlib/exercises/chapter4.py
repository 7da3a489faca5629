"""Chapter 4, Training on MNIST: parameters, the loss, a shifted digit, a step of AdamW."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from lessonlib.exercises import Check, call

PAPER = -0.1307 / 0.3081  # an empty pixel, standardised


def check_count_parameters(answer: Any) -> str | None:
    """Compare with the sum over layers of d_in · d_out + d_out, in nets of one to four layers."""
    rng = np.random.default_rng(4)
    drawn = [rng.integers(2, 40, size=count).tolist() for count in (3, 4, 5)]
    for sizes in ([3, 2], *drawn):
        got = call(answer, sizes)
        pairs = list(pairwise(sizes))
        weights = sum(d_in * d_out for d_in, d_out in pairs)
        if got == weights + sum(sizes[1:]):
            continue
        if got == weights:
            return f"{got} for {sizes} counts the weights alone: each unit also has a bias."
        if got == weights + sum(sizes):
            return f"{got} for {sizes} has a bias for each input too: inputs are not units."
        if got == weights + sum(sizes[:-1]):
            return f"{got} for {sizes}: a layer has one bias per output, not one per input."
        if got == weights + len(pairs):
            return f"{got} for {sizes} has one bias per layer: each of its units has its own."
        if got == sum(sizes[1:]):
            return f"{got} for {sizes} counts the biases alone: where are the weights?"
        return f"{got} for {sizes} is not it. Draw the units, and count the lines between them."
    return None


def check_cross_entropy(answer: Any) -> str | None:
    """Compare with (4.5) on random logits, then on logits that overflow."""
    rng = np.random.default_rng(4)
    for n, classes in ((7, 10), (5, 3), (1, 4)):
        z, y = 2 * rng.normal(size=(n, classes)), rng.integers(classes, size=n)
        got = np.asarray(call(answer, z, y), dtype=float)
        if got.shape != ():
            return (
                f"The result has shape {got.shape}: the loss is one number, the mean over images."
            )
        right, named = _cross_entropies(z, y)
        if np.isclose(got, right):
            continue
        for value, message in named:
            if np.isclose(got, value):
                return message
        return f"For random logits your loss is {got:.4f}, and (4.5) gives another number."
    return _check_large_logits(answer)


def _cross_entropies(
    z: npt.NDArray[np.float64], y: npt.NDArray[np.int64]
) -> tuple[float, list[tuple[float, str]]]:
    """Return the loss, and what it becomes by the usual mistakes."""
    rows = np.arange(len(y))
    log_p = log_softmax(z, axis=1)
    right = float(-log_p[rows, y].mean())
    return right, [
        (-right, "The sign: the logarithm of a probability is negative, the loss is not."),
        (len(y) * right, "This is the sum over the images: a factor 1/n is missing."),
        (
            right / z.shape[1],
            "This is divided by the number of classes too: the mean is over images only.",
        ),
        (
            -log_softmax(z, axis=0)[rows, y].mean(),
            "The probabilities of an image must add up to 1; yours do so over the batch. "
            "Sum along axis 1.",
        ),
        (-z[rows, y].mean(), "This is the mean logit: the softmax is missing."),
        (-np.exp(log_p)[rows, y].mean(), "The logarithm of the probability is missing."),
        (right / np.log(2), "The logarithm is the natural one, np.log, not to base 2."),
        (right / np.log(10), "The logarithm is the natural one, np.log, not to base 10."),
        (
            -log_p.mean(),
            "This averages over all digits: take the probability of the right one only.",
        ),
    ]


def _check_large_logits(answer: Any) -> str | None:
    z, y = np.tile([1000.0, 0.0, -1000.0], (2, 1)), np.array([0, 1])
    with np.errstate(all="ignore"):
        got = float(call(answer, z, y))
    if np.isclose(got, 500):
        return None
    if np.isnan(got):
        return "Right for small logits, but exponentials of 1,000 overflow: see the hint."
    if np.isposinf(got):
        return (
            "Nothing overflows, but for logits of 1,000 a probability is rounded to 0, and its "
            "logarithm is −∞. Simplify the logarithm of the quotient on paper first."
        )
    return f"Right for small logits, but for logits of 1,000 your loss is {got}."


def check_move(answer: Any) -> str | None:
    """Compare with a cut from the padded image, for all nine moves."""
    rng = np.random.default_rng(4)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            ink = rng.random((28, 28))
            got = np.asarray(call(answer, ink, dy, dx))
            if got.shape != (28, 28):
                return f"The result has shape {got.shape}: the frame stays 28 by 28."
            if not np.allclose(got, _move(ink, dy, dx)):
                return _explain_move(got, ink, dy, dx)
    return None


def _move(x: npt.NDArray[np.float64], dy: int, dx: int, paper: float = PAPER) -> npt.NDArray[Any]:
    return np.pad(x, 1, constant_values=paper)[1 - dy : 29 - dy, 1 - dx : 29 - dx]


def _explain_move(got: npt.NDArray[Any], x: npt.NDArray[Any], dy: int, dx: int) -> str:
    mistakes = [
        (x, "nothing moved"),
        (
            _move(x, -dy, -dx),
            "it moved the opposite way: positive dy is down, positive dx is right",
        ),
        (_move(x, dx, dy), "dy and dx are swapped: the first axis is down, the second is across"),
        (np.roll(x, (dy, dx), axis=(0, 1)), "what left the frame came back on the other side"),
        (
            _move(x, dy, dx, 0),
            "the free edge is 0: in a standardised image that is grey, not paper",
        ),
    ]
    for wrong, message in mistakes:
        if np.allclose(got, wrong):
            return f"For dy={dy}, dx={dx}: {message}."
    return f"For dy={dy}, dx={dx} the pixels are not where they should be."


def check_adamw_step(answer: Any) -> str | None:
    """Follow three steps from three weights, beside those that the usual mistakes would take."""
    rng = np.random.default_rng(4)
    for sign in (1, -1, 1):
        w, g = sign * rng.uniform(1, 2), rng.uniform(0.2, 0.8)
        lr, decay = rng.uniform(0.05, 0.2), rng.uniform(0.3, 0.6)
        paths = {name: _Follower(w, name) for name in ("right", *ADAMW_MISTAKES)}
        m = v = 0.0
        for t in (1, 2, 3):
            result = call(answer, w, g * t, m, v, t, lr, decay)
            if not isinstance(result, tuple | list) or len(result) != 3:
                return "Return three numbers: the new w, m and v."
            w, m, v = map(float, result)
            for path in paths.values():
                path.step(g * t, t, lr, decay)
            if not np.allclose((w, m, v), paths["right"].state):
                return _explain_adamw_step((w, m, v), paths, t)
    return None


def _explain_adamw_step(
    got: tuple[float, float, float], paths: dict[str, "_Follower"], t: int
) -> str:
    for name, message in ADAMW_MISTAKES.items():
        if np.allclose(got, paths[name].state, rtol=1e-7):
            return message
    pairs = zip("wmv", got, paths["right"].state, strict=True)
    wrong = [name for name, ours, right in pairs if not np.isclose(ours, right)]
    return f"In step {t}, {' and '.join(wrong)} differ from (4.10)."


ADAMW_MISTAKES = {
    "coupled": "The decay joins the gradient here: that is Adam's coupled L2, (4.9).",
    "uncorrected": "m and v are not corrected for having started at 0: the step takes m̂ and v̂.",
    "without lr": "The decay must be multiplied by the learning rate.",
    "growing": "The weight grows: subtract the decay.",
    "without decay": "There is no weight decay yet.",
    "without root": "Divide by the square root of v̂, not by v̂ itself.",
    "uphill": "The step goes up the gradient: subtract it.",
    "hat returned": "Return m and v as they are before the correction: the next step needs those.",
}


class _Follower:
    """AdamW, or AdamW with one mistake, a step at a time."""

    def __init__(self, w: float, mistake: str) -> None:
        self.state, self.mistake = (w, 0.0, 0.0), mistake

    def step(self, g: float, t: int, lr: float, decay: float) -> None:
        w, m, v = self.state
        wrong = self.mistake
        pull = {"without lr": decay, "growing": -lr * decay, "without decay": 0.0, "coupled": 0.0}
        if wrong == "coupled":
            g += decay * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        corrected = wrong != "uncorrected"
        m_hat, v_hat = (m / (1 - 0.9**t), v / (1 - 0.999**t)) if corrected else (m, v)
        root = v_hat if wrong == "without root" else v_hat**0.5
        move = lr * m_hat / (root + 1e-8)
        new = w - pull.get(wrong, lr * decay) * w + (move if wrong == "uphill" else -move)
        self.state = (new, m_hat, v_hat) if wrong == "hat returned" else (new, m, v)


CHECKS: dict[str, Check] = {
    "4.1": check_count_parameters,
    "4.2": check_cross_entropy,
    "4.3": check_move,
    "4.4": check_adamw_step,
}
