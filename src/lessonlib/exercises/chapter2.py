"""Chapter 2, The forward pass: a layer, two stable formulas, first weights, a bump of hinges."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from lessonlib.exercises import Check, call

Array = npt.NDArray[np.float64]


def _named(got: Array, mistakes: list[tuple[Any, str]], otherwise: str) -> str:
    """Find the mistake that gives the same numbers."""
    for wrong, message in mistakes:
        if np.shape(wrong) == got.shape and np.allclose(got, wrong):
            return message
    return otherwise


def check_layer(answer: Any) -> str | None:
    """Compare with ReLU after (2.3), first where sizes are equal and no wrong shape raises."""
    rng = np.random.default_rng(2)
    for n, d_in, d_out in ((4, 4, 4), (5, 3, 2)):
        a, W, b = rng.normal(size=(n, d_in)), rng.normal(size=(d_in, d_out)), rng.normal(size=d_out)
        got = np.asarray(call(answer, a, W, b), dtype=float)
        if got.shape != (n, d_out):
            return f"The result has shape {got.shape}; for n={n}, d_out={d_out} it is {n, d_out}."
        if not np.allclose(got, np.maximum(0, a @ W + b)):
            return _explain_layer(got, a, W, b)
    return None


def _explain_layer(got: Array, a: Array, W: Array, b: Array) -> str:
    def relu(z: Array) -> Array:
        return np.maximum(0, z)

    z = a @ W + b
    mistakes = [
        (z, "This is the pre-activation: f is missing."),
        (relu(a @ W), "The bias is missing."),
        (relu(a @ W) + b, "The bias belongs inside f: add it first, then apply f."),
        (relu(a @ W - b), "The bias is subtracted; it is added."),
        (relu(a) @ W + b, "f is applied to the input of the layer, and belongs on its result."),
        (relu(z).T, "The result is transposed: it has a row for each example."),
        (np.minimum(0, z), "This keeps the negative sums. f keeps the positive ones."),
        (z > 0, "This is the threshold unit of chapter 1: it jumps to 1. ReLU keeps the sum."),
        (np.abs(z), "This turns negative sums positive; ReLU sets them to 0."),
    ]
    if W.shape[0] == W.shape[1]:
        mistakes += [
            (relu(a @ W.T + b), "W is transposed: unit k's weights are its column k, see (2.2)."),
            (relu(W @ a + b), "The factors are swapped: rows of a meet columns of W, see (2.2)."),
            (
                relu(a @ W + b[:, None]),
                "Each example has a bias of its own here; each unit should. Is b a row?",
            ),
        ]
    return _named(got, mistakes, "The shape is right, the numbers are not: compare with (2.2).")


def check_soften(answer: Any) -> str | None:
    """Compare with softmax(z / T) on random logits, then on large ones."""
    z, T = np.random.default_rng(2).normal(0, 2, size=(5, 5)), 2.5
    got = np.asarray(call(answer, z, T), dtype=float)
    if got.shape != z.shape:
        return f"The result has shape {got.shape}: for logits of shape {z.shape} it is the same."
    right = softmax(z / T, axis=1)
    if not np.allclose(got, right):
        e = np.exp(z / T)
        shifted = np.exp((z - z.max(axis=1, keepdims=True)) / T)
        mistakes = [
            (softmax(z / T, axis=0), "Your columns add up to 1. The classes lie along axis 1."),
            (softmax(z / T), "All rows together add up to 1. Each row is an example of its own."),
            (softmax(z, axis=1), "The temperature has no effect."),
            (softmax(z * T, axis=1), "A high temperature should flatten; yours sharpens."),
            (softmax(z, axis=1) / T, "The temperature divides the logits, not the probabilities."),
            (e, "The rows don't add up to 1."),
            (shifted, "The rows don't add up to 1."),
            (np.log(right), "These are logarithms of probabilities."),
            (right.T, "The result is transposed: it has a row for each row of z."),
            (
                softmax((z - z.max(axis=0)) / T, axis=1),
                "(2.10) subtracts one number from a whole row. Yours differs along the row.",
            ),
            (
                e / e.sum(axis=1),
                "Row i's sum divides column i here. Keep the summed axis: keepdims=True.",
            ),
        ]
        return _named(got, mistakes, "For random logits these are not the right probabilities.")
    return _check_soften_large(answer)


def _check_soften_large(answer: Any) -> str | None:
    high, low = [1000.0, 999.0, -1000.0], [-1000.0, -999.0, -1000.0]
    alone = "Right for small logits, but exponentials of large ones overflow: see (2.10)."
    mixed = (
        "One row's large logits spoil another row: with one maximum for the whole batch, all "
        "exponentials of a row can round to 0. Each row needs its own."
    )
    for rows, message in (([high], alone), ([low], alone), ([high, low], mixed)):
        z = np.array(rows)
        with np.errstate(all="ignore"):
            got = np.asarray(call(answer, z, 0.5), dtype=float)
        if got.shape != z.shape or not np.isfinite(got).all():
            return message
        if not np.allclose(got, softmax(z / 0.5, axis=1)):
            return "Right for small logits, wrong for large ones. Are they cut off, or rounded?"
    return None


def check_binary_cross_entropy(answer: Any) -> str | None:
    """Compare with (2.15) on random logits, then on logits whose sigmoid is 0 or 1."""
    rng = np.random.default_rng(2)
    n, K = 7, 3
    z, Y = 2 * rng.normal(size=(n, K)), rng.integers(2, size=(n, K))
    terms = -_log_likelihood(expit(z), Y)
    right = terms.mean()
    with np.errstate(all="ignore"):
        got = np.asarray(call(answer, z, Y), dtype=float)
    if got.shape != ():
        return f"The result has shape {got.shape}: the loss is one number, a mean over all labels."
    if np.isclose(got, right):
        return _check_bce_large(answer)
    log_p = np.log(expit(z))
    mistakes = [
        (-right, "The sign: logarithms of probabilities are negative, the loss is not."),
        (n * K * right, "This is the sum over all labels: a factor 1/(nK) is missing."),
        (K * right, "Divided by n, but not by K: the mean is over all nK labels."),
        (n * right, "Divided by K, but not by n: the mean is over all nK labels."),
        (-(Y * log_p).mean(), "The labels that are 0 count too: their term is missing."),
        (-(Y * log_p).sum() / Y.sum(), "The labels that are 0 count too: their term is missing."),
        (-((1 - Y) * np.log(expit(-z))).mean(), "The labels that are 1 have no term."),
        (-_log_likelihood(expit(-z), Y).mean(), "The labels 0 and 1 are swapped, or z's sign is."),
        (
            -_log_likelihood(softmax(z, axis=1), Y).mean(),
            "Softmax shares 1 among the properties. Here each is a question of its own.",
        ),
        (right / np.log(2), "The logarithm is the natural one, np.log, not to base 2."),
        (right / np.log(10), "The logarithm is the natural one, np.log, not to base 10."),
    ]
    otherwise = f"For random logits your loss is {got:.4f}, and (2.15) gives another number."
    if np.isnan(got):
        otherwise = "For random logits your loss is NaN. Are logits taken for probabilities?"
    return _named(got, mistakes, otherwise)


def _log_likelihood(p: Array, Y: npt.NDArray[np.integer]) -> Array:
    return np.where(Y == 1, np.log(p), np.log(1 - p))


def _check_bce_large(answer: Any) -> str | None:
    z, Y = np.array([[-1000.0, 1000.0], [1000.0, -1000.0]]), np.array([[1, 1], [0, 0]])
    with np.errstate(all="ignore"):
        got = float(call(answer, z, Y))
    if np.isclose(got, 500):
        return None
    if np.isnan(got) or np.isposinf(got):
        return (
            "Right for small logits, but for ±1,000 a probability rounds to 0 or an exponential "
            "overflows. Go from the logits to the logarithm without the probability: see the hint."
        )
    return (
        f"Right for small logits. Of four labels with logits of ±1,000, two are wrong: the mean "
        f"loss is 500, and yours is {got:.4g}. Clipping a probability changes the loss."
    )


def check_leaky_variance(answer: Any) -> str | None:
    """Compare with the variance that keeps the mean square, for several slopes."""
    for d_in, alpha in ((50, 0.4), (300, 0.1), (8, 1.0), (20, 0.0)):
        got = np.asarray(call(answer, d_in, alpha), dtype=float)
        if got.shape != ():
            return f"The result has shape {got.shape}: a variance is one number."
        right = 2 / ((1 + alpha**2) * d_in)
        if not np.isclose(got, right):
            return _explain_variance(got, right, d_in, alpha)
    return None


def _explain_variance(got: Array, right: float, d_in: int, alpha: float) -> str:
    given = f"For d_in={d_in}, alpha={alpha}: "
    keeps = "the negative side's share is off. What is the mean of f(z)², not of f(z), there?"
    mistakes = [
        (2 / d_in, "that is He's variance, and alpha has no effect."),
        (np.sqrt(right), "that is the standard deviation. The variance is asked for."),
        (2 / ((1 + alpha) * d_in), keeps),
        (2 / ((1 + alpha) ** 2 * d_in), keeps),
        (2 / ((1 - alpha**2 or 1) * d_in), "the negative side adds to the mean square."),
        (1 / ((1 + alpha**2) * d_in), "each side has half of E[z²]: a factor 2 is missing."),
        (1 / ((0.5 + alpha**2) * d_in), "the negative side is only half of the draws."),
        (2 * (1 + alpha**2) / d_in, "a leak adds to the mean square, so smaller weights do."),
        (1 / right, "that is the inverse: d_in times the variance times the share kept must be 1."),
        (right * d_in, "the number of inputs has no effect: a sum of more terms spreads more."),
    ]
    return given + _named(got, mistakes, "this variance does not keep the mean square.")


def check_bump_weights(answer: Any) -> str | None:
    """Compare with the changes of slope of bumps that are not even."""
    for left, peak, right in ((0.2, 0.3, 0.8), (-1.0, 2.0, 2.5)):
        got = np.asarray(call(answer, left, peak, right), dtype=float)
        if got.shape != (3,):
            return f"The result has shape {got.shape}: three numbers in an array of shape (3,)."
        up, down = 1 / (peak - left), -1 / (right - peak)
        if not np.allclose(got, [up, down - up, -down]):
            return _explain_bump(got, left, peak, right)
    return None


def _explain_bump(got: Array, left: float, peak: float, right: float) -> str:
    up, down = 1 / (peak - left), -1 / (right - peak)
    mistakes = [
        ([1, -2, 1], "Those are the numbers of the bump above, whose two sides are equal."),
        ([up, -2 * up, up], "Both sides have the same slope here; they differ in width."),
        ([up, down, 0], "These are the slopes of the pieces. A hinge *adds* to the slope before."),
        ([up, down, -down], "From the peak on, the first hinge still rises: make up for that too."),
        ([-up, up - down, down], "The bump is upside down."),
        (
            [1 / up, -1 / up + 1 / down, -1 / down],
            "A slope is height over width; these are widths.",
        ),
    ]
    x = np.array([peak, right, right + 1])
    value = np.maximum(0, x[:, None] - [left, peak, right]) @ got
    wanted = (
        (1, f"at the peak, x = {peak}"),
        (0, f"at x = {right}, where it ends"),
        (0, f"at x = {right + 1}, beyond its end"),
    )
    for v, (aim, place) in zip(value, wanted, strict=True):
        if not np.isclose(v, aim):
            text = f"For {left}, {peak}, {right} your curve is {v:.3g} {place}, and not {aim}."
            return _named(got, mistakes, text)
    return "These are not three finite numbers that make the bump."


CHECKS: dict[str, Check] = {
    "2.1": check_layer,
    "2.2": check_soften,
    "2.3": check_binary_cross_entropy,
    "2.4": check_leaky_variance,
    "2.5": check_bump_weights,
}
