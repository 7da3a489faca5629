"""Checks on the forward pass: a layer, two stable formulas, first weights, a bump of hinges."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from lessonlib.exercises import Check, call, new_rng
from lessonlib.exercises.answers import Mistake, close, floats, usual_mistake

Array = npt.NDArray[Any]


# ---------------------------------------------------------------- a layer


def check_layer(answer: Any) -> str | None:
    """Compare with ReLU after (N.3), first where sizes are equal and no wrong shape raises."""
    rng = new_rng(2)
    cases, results = [], []
    for size, n, d_in, d_out in (
        (1, 4, 4, 4),
        (1, 5, 3, 2),
        (100, 2, 6, 3),
        (0.01, 3, 2, 5),
        (1, 1, 3, 4),
        (1, 4, 1, 3),
        (1, 3, 4, 1),
    ):
        a, b = size * rng.normal(size=(n, d_in)), size * rng.normal(size=d_out)
        W = rng.normal(size=(d_in, d_out))
        if n > 2:  # an example of zeros: there z is b, and one entry of that is 0, too
            a[-1], b[-1] = 0, 0
        got = _numbers(call(answer, a, W, b), "an array of numbers")
        if got.shape != (n, d_out):
            return _shape_of_layer(got, n, d_out)
        cases.append((a, W, b))
        results.append(got)
        right = np.maximum(0, a @ W + b)
        if not close(got, right):
            sizes = f"a of shape {a.shape} and W of shape {W.shape}"
            other = f"For {sizes} the shape of the result is right, its numbers are not: see (N.2)."
            return usual_mistake(results, cases, _wrong_layers) or _cut_off(got, right) or other
    return None


def _shape_of_layer(got: Array, n: int, d_out: int) -> str:
    turned = " Is it transposed? A row is an example." if got.shape == (d_out, n) else ""
    return f"The result has shape {got.shape}; for n={n}, d_out={d_out} it is {n, d_out}.{turned}"


def _cut_off(got: Array, right: Array) -> str | None:
    """Say so when numbers above some limit have become that limit."""
    limit = got.max()
    if limit < right.max() and close(got, np.minimum(right, limit)):
        return "Large sums are cut off. f keeps every positive sum as it is."
    return None


def _wrong_layers(a: Array, W: Array, b: Array) -> dict[str, Array]:
    """Return what usual mistakes make of a layer, by what to say about them."""

    def relu(z: Array) -> Array:
        return np.maximum(0, z)

    z = a @ W + b
    products = a[:, :, None] * W
    mistakes = {
        "This is the pre-activation: f is missing.": z,
        "The bias is missing.": relu(a @ W),
        "The bias belongs inside f: add it first, then apply f.": relu(a @ W) + b,
        "The bias is subtracted; it is added.": relu(a @ W - b),
        "The bias is added once for each input. It is added once to the whole sum.": relu(
            a @ W + len(W) * b
        ),
        "f is applied to the input of the layer, and belongs on its result.": relu(a) @ W + b,
        "f is applied to the input of the layer, too. It belongs on the result alone.": relu(
            relu(a) @ W + b
        ),
        "f is applied to the weights, and belongs on the sum.": a @ relu(W) + b,
        "f is applied to the bias, too. It belongs on the sum alone.": relu(a @ W + relu(b)),
        "f is applied to each product. It belongs on the sum.": relu(products).sum(axis=1) + b,
        "Every unit has the bias of the first one here.": relu(a @ W + b[0]),
        "All units share one bias here: each has its own.": relu(a @ W + b.mean()),
        "This keeps the negative sums. f keeps the positive ones.": np.minimum(0, z),
        "This is the threshold unit: it jumps to 1. ReLU keeps the sum.": z > 0,
        "This turns negative sums positive; ReLU sets them to 0.": np.abs(z),
        "This is the leaky ReLU. The exercise asks for max(0, z).": np.maximum(0.01 * z, z),
        "This is the sigmoid. The exercise asks for max(0, z).": expit(z),
        "This is tanh. The exercise asks for max(0, z).": np.tanh(z),
        "The results are whole numbers: the digits after the point are lost.": np.trunc(relu(z)),
        "Every example gets the result of the first one.": np.repeat(relu(z)[:1], len(z), axis=0),
    }
    n, (d_in, d_out) = len(a), W.shape
    if n == d_out:
        mistakes["The result is transposed: it has a row for each example."] = relu(z).T
        mistakes["Each example has a bias of its own here; each unit should. Is b a row?"] = relu(
            a @ W + b[:, None]
        )
    if n == d_in == d_out:
        see = "see (N.2)."
        mistakes[f"W is transposed: unit k's weights are its column k, {see}"] = relu(a @ W.T + b)
        mistakes[f"The factors are swapped: rows of a meet columns of W, {see}"] = relu(W @ a + b)
        mistakes["a * W multiplies entry by entry: a row of a must meet a column of W."] = relu(
            a * W + b
        )
    return mistakes


# ---------------------------------------------------------------- softmax, temperature

OVERFLOW = (
    "Right for small logits, but exponentials of large ones overflow, or all those of a row round "
    "to 0: you get NaN or infinity. What is the largest exponent of the row? See (N.10)."
)
ONE_MAXIMUM = (
    "One row's large logits spoil another row: with one maximum for the whole batch, all "
    "exponentials of a row can round to 0. Each row needs its own."
)


def check_soften(answer: Any) -> str | None:
    """Compare with softmax(z / T) on random logits, then on large ones."""
    rng = new_rng(2)
    cases, results = [], []
    for n, K, T in ((5, 5, 2.5), (4, 3, 0.5), (2, 6, 1.5), (1, 4, 3.0), (3, 1, 2.0), (3, 2, 0.2)):
        z = rng.normal(0, 2, size=(n, K))
        z[:, 0] = z[:, -1]  # a tie
        got = _probabilities(answer, z, T)
        cases.append((z, T))
        results.append(got)
        if not np.isfinite(got).all():
            return f"For random logits of shape {z.shape} and T = {T} you get NaN or infinity."
        if not np.allclose(got, softmax(z / T, axis=1), rtol=0, atol=1e-5):  # of 1 in all
            other = f"For random logits of shape {z.shape} and T = {T} the probabilities are wrong."
            return usual_mistake(results, cases, _wrong_softmaxes) or _totals(got) or other
    return _check_soften_large(answer)


def _probabilities(answer: Any, z: Array, T: float) -> Array:
    with np.errstate(all="ignore"):  # of large logits the check itself tells what comes out
        got = _numbers(call(answer, z, T), "an array of numbers")
    if got.shape != z.shape:
        raise Mistake(f"The result has shape {got.shape}: for logits of shape {z.shape} the same.")
    return got


def _totals(got: Array) -> str | None:
    """Say what the rows add up to, where it isn't 1."""
    wrong = got.sum(axis=1)[np.abs(got.sum(axis=1) - 1) > 1e-5]
    return f"The rows don't add up to 1: one of them to {wrong[0]:.4g}." if len(wrong) else None


def _wrong_softmaxes(z: Array, T: float) -> dict[str, Array]:
    """Return what usual mistakes make of softmax(z / T), by what to say about them."""
    right = softmax(z / T, axis=1)
    e, shifted = np.exp(z / T), np.exp((z - z.max(axis=1, keepdims=True)) / T)
    mistakes = {
        "Your columns add up to 1. The classes lie along axis 1.": softmax(z / T, axis=0),
        "All rows together add up to 1. Each row is an example of its own.": softmax(z / T),
        "The temperature has no effect.": softmax(z, axis=1),
        "A high temperature should flatten; yours sharpens.": softmax(z * T, axis=1),
        "The temperature divides the logits once: here it counts twice.": softmax(z / T**2, axis=1),
        "The temperature divides the logits, not the probabilities.": softmax(z, axis=1) / T,
        "The rows don't add up to 1: a power of each probability changes the total.": softmax(
            z, axis=1
        )
        ** (1 / T),
        "The rows don't add up to 1.": e,
        "The rows don't add up to 1: now the largest number of each is 1.": shifted,
        "These are logarithms of probabilities.": np.log(right),
        "The order is reversed: the largest logit has the smallest probability.": softmax(
            -z / T, axis=1
        ),
        "The powers are those of 2. The softmax takes those of e.": softmax(
            z * np.log(2) / T, axis=1
        ),
        "The largest logit of a row takes all. The softmax gives every class a share.": np.eye(
            z.shape[1]
        )[z.argmax(axis=1)],
        "(N.10) subtracts one number from a whole row. Yours differs along the row.": softmax(
            (z - z.max(axis=0)) / T, axis=1
        ),
    }
    if len(z) == z.shape[1]:  # elsewhere NumPy refuses, or the shape tells
        mistakes |= _without_keepdims(z, T)
        mistakes["The result is transposed: it has a row for each row of z."] = right.T
    return mistakes


def _without_keepdims(z: Array, T: float) -> dict[str, Array]:
    """Return what comes out where a maximum or a sum has lost its axis, and z is square."""
    e, largest = np.exp(z / T), z.max(axis=1)
    own = np.exp((z - largest[:, None]) / T)
    crossed = np.exp((z - largest) / T)
    keep = "Keep the axis: keepdims=True."
    both = f"Row i's maximum is subtracted from column i, and its sum divides column i. {keep}"
    return {
        f"Row i's sum divides column i here. {keep}": e / e.sum(axis=1),
        f"The sum of row i divides column i here. {keep}": own / own.sum(axis=1),
        f"Row i's maximum is subtracted from column i here. {keep}": crossed
        / crossed.sum(axis=1, keepdims=True),
        both: crossed / crossed.sum(axis=1),
    }


def _check_soften_large(answer: Any) -> str | None:
    """Try rows of large logits, one by one, and then two rows that need their own maxima."""
    high, low = [1000.0, 999.0, -1000.0], [-1000.0, -999.0, -1000.0]
    batches: list[tuple[list[list[float]], float]] = [
        ([row], T)
        for row in (high, low, high[::-1], [-1000.0, 0.0, 1000.0], [0.0, 1000.0, 1000.0])
        for T in (0.5, 1.0, 20.0)
    ]
    for rows, T in [*batches, ([high, low], 0.5), ([low, high, [0.0, 1.0, 2.0]], 1.0)]:
        z = np.array(rows)
        got = _probabilities(answer, z, T)
        given = f"z = {rows}, T = {T}"
        if not np.isfinite(got).all():
            return (ONE_MAXIMUM if len(rows) > 1 else OVERFLOW) + f" This was {given}."
        if not np.allclose(got, softmax(z / T, axis=1), atol=1e-5):
            return (
                "Right for small logits, wrong for large ones: are they cut off, rounded or "
                f"replaced? This was {given}."
            )
    return None


# ---------------------------------------------------------------- binary cross-entropy


def check_binary_cross_entropy(answer: Any) -> str | None:
    """Compare with (N.15) on random logits, then on logits whose sigmoid is 0 or 1."""
    rng = new_rng(2)
    cases, results = [], []
    for n, K, labels in ((7, 3, 2), (2, 5, 2), (1, 4, 2), (5, 1, 2), (3, 2, 1), (2, 3, 0)):
        z = 2 * rng.normal(size=(n, K))
        z[-1, -1] = 0  # undecided
        Y = rng.integers(2, size=(n, K)) if labels == 2 else np.full((n, K), labels)
        if labels == 2:
            Y[0, 0], Y[-1, -1] = 0, 1
        got = _loss_of(answer, z, Y)
        cases.append((z, Y))
        results.append(got)
        if not close(got, _loss(expit(z), Y).mean()):
            what = {2: "random labels", 1: "labels that are all 1", 0: "labels that are all 0"}
            given = f"For random logits of shape {z.shape} and {what[labels]} your loss is "
            if not np.isfinite(got):
                return given + f"{got}. Are logits taken for probabilities, or is one label needed?"
            other = f"{given}{got:.4f}, and (N.15) gives another number."
            return usual_mistake(results, cases, _wrong_losses) or other
    return _check_loss_large(answer)


def _loss_of(answer: Any, z: Array, Y: npt.NDArray[np.integer]) -> Array:
    with np.errstate(all="ignore"):  # the check itself tells what comes out
        got = call(answer, z, Y)
    return _one_number(got, "the loss is one number, a mean over all labels.")


def _loss(p: Array, Y: npt.NDArray[np.integer]) -> Array:
    """Return minus the logarithm of the probability of each label."""
    return -np.log(np.where(Y == 1, p, 1 - p))


def _wrong_losses(z: Array, Y: npt.NDArray[np.integer]) -> dict[str, Any]:
    """Return what usual mistakes make of the loss, by what to say about them."""
    p, size = expit(z), z.size
    n, K = z.shape
    losses = _loss(p, Y)
    right, total = losses.mean(), losses.sum()
    zeros = "The labels that are 0 count too: their term is missing."
    ones = "The labels that are 1 have no term."
    return {
        "The sign: logarithms of probabilities are negative, the loss is not.": -right,
        "This is the sum over all labels: a factor 1/(nK) is missing.": total,
        "Divided by n, but not by K: the mean is over all nK labels.": total / n,
        "Divided by K, but not by n: the mean is over all nK labels.": total / K,
        "The sum is divided by the number of ones. The mean is over all nK labels.": total
        / Y.sum(),
        zeros: (Y * losses).sum() / size,
        f"{zeros} The mean is over all labels, too.": (Y * losses).sum() / Y.sum(),
        ones: ((1 - Y) * losses).sum() / size,
        f"{ones} The mean is over all labels, too.": ((1 - Y) * losses).sum() / (1 - Y).sum(),
        "Every label is taken for 1.": _loss(p, np.ones_like(Y)).mean(),
        "Every label is taken for 0.": _loss(p, np.zeros_like(Y)).mean(),
        "The labels 0 and 1 are swapped, or z's sign is.": _loss(1 - p, Y).mean(),
        "For labels that are 0, z is multiplied by 0: their term is −ln(1 − p), not ln 2.": (
            np.logaddexp(0, -z * Y).mean()
        ),
        "Softmax shares 1 among the properties. Here each is a question of its own.": (
            _loss(softmax(z, axis=1), Y).mean()
        ),
        "This is (N.12), for one right class in each row. Here each label is a question.": (
            -(Y * np.log(softmax(z, axis=1))).sum() / n
        ),
        "The sigmoid is taken twice.": _loss(expit(p), Y).mean(),
        "This is a squared error. (N.15) has logarithms.": ((p - Y) ** 2).mean(),
        "This is what is left of the loss for large logits: near 0 it bends.": np.maximum(
            0, (1 - 2 * Y) * z
        ).mean(),
        "Only the first column is counted.": losses[:, 0].mean(),
        "Only the first row is counted.": losses[0].mean(),
        "This is the median of the terms, not their mean.": np.median(losses),
        "The logarithm is the natural one, np.log, not to base 2.": right / np.log(2),
        "The logarithm is the natural one, np.log, not to base 10.": right / np.log(10),
    }


def _check_loss_large(answer: Any) -> str | None:
    """Try each way in which a logit can be large, alone and then together."""
    for logits, labels, right in (
        ([-1000.0], [1], 1000.0),
        ([1000.0], [0], 1000.0),
        ([1000.0, -40.0], [1, 1], 20.0),
        ([-1000.0, 40.0], [0, 0], 20.0),
        ([-1000.0, 1000.0, 1000.0, -1000.0], [1, 1, 0, 0], 500.0),
    ):
        z, Y = np.array([logits]), np.array([labels])
        got = _loss_of(answer, z, Y)
        given = f"This was z = {[logits]}, Y = {[labels]}."
        if not np.isfinite(got):
            return (
                "Right for small logits. For large ones a probability rounds to 0, or an "
                "exponential overflows: the result is NaN or infinity. Go from the logits to the "
                f"logarithm without the probability: see the hint. {given}"
            )
        if not np.isclose(got, right, rtol=1e-5):
            return (
                f"Right for small logits. For large ones your loss is {got:.4g}, and not "
                f"{right:g}: is something cut off, rounded or replaced? {given}"
            )
    return None


# ---------------------------------------------------------------- weights for a leaky ReLU


# Sizes and slopes, the ends of both among them: one input, no leak, and no bend.
LEAKS = ((50, 0.4), (300, 0.1), (8, 1.0), (20, 0.0), (784, 0.01), (1, 0.9))


def check_leaky_variance(answer: Any) -> str | None:
    """Compare with the variance that keeps the mean square, for several sizes and slopes."""
    cases = [*LEAKS, *_leaks(new_rng(2))]
    results = [_one_number(call(answer, *case), "a variance is one number.") for case in cases]
    for got, (d_in, alpha) in zip(results, cases, strict=True):
        if not close(got, 2 / ((1 + alpha**2) * d_in)):
            problem = usual_mistake(results, cases, _wrong_variances)
            other = f"{got:.4g} does not keep the mean square."
            return f"For d_in={d_in}, alpha={alpha}: {problem or other}"
    return None


def _leaks(rng: np.random.Generator) -> Iterator[tuple[int, float]]:
    """Draw sizes and slopes; few decimals, since a message shows them."""
    for _ in range(4):
        yield int(rng.integers(2, 1000)), round(rng.uniform(), 3)


def _wrong_variances(d_in: int, alpha: float) -> dict[str, Any]:
    """Return what usual mistakes make of the variance, by what to say about them."""
    right = 2 / ((1 + alpha**2) * d_in)
    spread = (1 + alpha**2) / 2 - (1 - alpha) ** 2 / (2 * np.pi)  # variance of f(z) for Var(z) = 1
    return {
        "that is He's variance, and alpha has no effect.": 2 / d_in,
        "that is the variance for f(z) = z, and alpha has no effect.": 1 / d_in,
        "that is the standard deviation. The variance is asked for.": np.sqrt(right),
        "that is a factor for the standard deviation, without the number of inputs.": np.sqrt(
            2 / (1 + alpha**2)
        ),
        "the negative side's share is off. What is the mean of f(z)², not of f(z), there?": 2
        / ((1 + alpha) * d_in),
        "the negative side's share is off: no z is on both sides, so no product of both.": (
            2 / ((1 + alpha) ** 2 * d_in)
        ),
        "the negative side adds to the mean square.": 2 / ((1 - alpha**2 or 1) * d_in),
        "each side has half of E[z²]: a factor 2 is missing.": 1 / ((1 + alpha**2) * d_in),
        "the negative side is only half of the draws.": 1 / ((0.5 + alpha**2) * d_in),
        "only the positive side is halved: the negative side has the other half.": 1
        / ((0.5 + alpha**2 / 4) * d_in),
        "that keeps the variance of f(z). Its mean isn't 0, so its mean square is more.": 1
        / (spread * d_in),
        "a leak adds to the mean square, so smaller weights do.": 2 * (1 + alpha**2) / d_in,
        "that is the inverse: d_in times the variance times the share kept must be 1.": 1 / right,
        "the number of inputs has no effect: a sum of more terms spreads more.": right * d_in,
        "more inputs need smaller weights: here they give larger ones.": right * d_in**2,
    }


# ---------------------------------------------------------------- a bump of hinges


# Left, peak and right: whole and not, below 0, far from 0, narrow, and one of equal sides.
BUMPS = (
    *((0.2, 0.3, 0.8), (-1.0, 2.0, 2.5), (0, 2, 3), (-3, -1, 0)),
    *((100.0, 130.0, 131.0), (0.001, 0.002, 0.007), (-0.5, 0.5, 1.5)),
)


def check_bump_weights(answer: Any) -> str | None:
    """Compare with the changes of slope of bumps that are not even, wherever they lie."""
    cases = [*BUMPS, *_bumps(new_rng(2))]
    results = [_numbers(call(answer, *case), "three numbers") for case in cases]
    for got, case in zip(results, cases, strict=True):
        if got.shape != (3,):
            return f"The result has shape {got.shape}: three numbers in an array of shape (3,)."
        if not close(got, _bump(*case)):
            return usual_mistake(results, cases, _wrong_bumps) or _describe_bump(got, *case)
    return None


def _bumps(rng: np.random.Generator) -> Iterator[tuple[float, float, float]]:
    """Draw three places in tenths, half a unit or more apart: float32 rounds little there."""
    for _ in range(4):
        tenths = rng.integers((-50, 5, 5), 30).cumsum()
        left, peak, right = (tenths / 10).tolist()
        yield left, peak, right


def _bump(left: float, peak: float, right: float) -> Array:
    up, down = 1 / (peak - left), -1 / (right - peak)
    return np.array([up, down - up, -down])


def _wrong_bumps(left: float, peak: float, right: float) -> dict[str, Any]:
    """Return what usual mistakes make of the bump, by what to say about them."""
    up, down = 1 / (peak - left), -1 / (right - peak)
    weights = _bump(left, peak, right)
    return {
        "Those are the numbers of the bump above, whose two sides are equal.": [1, -2, 1],
        "Both sides have the same slope here; they differ in width.": [up, -2 * up, up],
        "Both sides have one slope here; they differ in width.": [-down, 2 * down, -down],
        "These are the slopes of the pieces. A hinge *adds* to the slope before.": [up, down, 0],
        "From the peak on, the first hinge still rises: make up for that too.": [up, down, -down],
        "The bump is upside down.": -weights,
        "This is the bump in a mirror: its sides, or the numbers, are in the wrong order.": (
            weights[::-1]
        ),
        "A slope is height over width; these are widths.": [1 / up, -1 / up + 1 / down, -1 / down],
        "The peak is as high as its left side is wide, and should be 1.": weights / up,
        "These are the values of the bump at the three places.": [0, 1, 0],
        "These are the three places themselves.": [left, peak, right],
    }


def _describe_bump(got: Array, left: float, peak: float, right: float) -> str:
    """Say where the curve with these weights leaves the bump."""
    if not np.isfinite(got).all():
        return f"For {left}, {peak}, {right} not all three numbers are finite."

    def curve(x: float) -> float:
        return float(np.maximum(0, x - np.array([left, peak, right])) @ got)

    places = (
        (peak, 1, f"at the peak, x = {peak}"),
        (right, 0, f"at x = {right}, where it ends"),
        (2 * right - peak, 0, f"at x = {2 * right - peak:g}, beyond its end"),
    )
    for x, aim, place in places:
        if not np.isclose(curve(x), aim, atol=1e-4):
            return f"For {left}, {peak}, {right} your curve is {curve(x):.3g} {place}, not {aim}."
    return f"For {left}, {peak}, {right} the numbers are close, and not exact: do you round?"


# ---------------------------------------------------------------- what all of them share


def _numbers(value: Any, wanted: str) -> Array:
    """Turn an array, a number, a list of them or a tensor into floats, or raise Mistake."""
    array = floats(value)
    if array is None:
        kind = type(value).__name__
        raise Mistake(f"Return {wanted}: what you return, of type {kind}, can't be read as that.")
    return array


def _one_number(value: Any, why: str) -> Array:
    """Turn a number into a float array of no axes, or raise Mistake and say why it is one."""
    number = _numbers(value, "one number")
    if number.shape != ():
        raise Mistake(f"The result has shape {number.shape}: {why}")
    return number


# In the order of the exercises.
CHECKS: list[Check] = [
    check_layer,
    check_soften,
    check_binary_cross_entropy,
    check_leaky_variance,
    check_bump_weights,
]
