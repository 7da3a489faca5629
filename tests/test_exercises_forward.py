"""Answers to the exercises on the forward pass; test_exercises.py tries them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
import torch
from torch.nn import functional as F

from lessonlib.exercises.forward import CHECKS, check_leaky_variance

Answer = Callable[..., Any]


def relu(z: Any) -> Any:
    return np.maximum(0, z)


def looped_layer(a: Any, W: Any, b: Any) -> Any:
    inputs, units = range(len(W)), range(len(b))
    return [[max(0, sum(row[j] * W[j, k] for j in inputs) + b[k]) for k in units] for row in a]


def torch_layer(a: Any, W: Any, b: Any) -> Any:
    weights = torch.tensor(W.T, dtype=torch.float32, requires_grad=True)
    return F.relu(F.linear(torch.tensor(a).float(), weights, torch.tensor(b).float()))


def layer_of_wrong_count(a: Any, W: Any, b: Any) -> Any:
    inputs = min(len(a), len(W))  # as many terms as there are examples
    return relu(a[:, :inputs] @ W[:inputs] + b)


def each_product_cut(a: Any, W: Any, b: Any) -> Any:
    return relu(a[:, :, None] * W).sum(axis=1) + b


def soften(z: Any, T: float, axis: int = 1) -> Any:
    shifted = (z - z.max(axis=axis, keepdims=True)) / T
    return np.exp(shifted) / np.exp(shifted).sum(axis=axis, keepdims=True)


def looped_soften(z: Any, T: float) -> Any:
    rows = []
    for row in z:
        e = [math.exp((logit - max(row)) / T) for logit in row]
        rows.append([each / sum(e) for each in e])
    return rows


def shifted_by(z: Any, T: float, shift: Any) -> Any:
    e = np.exp((z - shift) / T)
    return e / e.sum(axis=1, keepdims=True)


def overflowing(z: Any, T: float) -> Any:
    return shifted_by(z, T, 0)


def sum_without_keepdims(z: Any, T: float) -> Any:
    return np.exp(z / T) / np.exp(z / T).sum(axis=1)


def shifted_sum_without_keepdims(z: Any, T: float) -> Any:
    e = np.exp((z - z.max(axis=1, keepdims=True)) / T)
    return e / e.sum(axis=1)


def neither_with_keepdims(z: Any, T: float) -> Any:
    e = np.exp((z - z.max(axis=1)) / T)
    return e / e.sum(axis=1)


def losses(z: Any, Y: Any) -> Any:
    return Y * np.logaddexp(0, -z) + (1 - Y) * np.logaddexp(0, z)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def from_probabilities(p: Any, Y: Any) -> Any:
    return -(Y * np.log(p) + (1 - Y) * np.log(1 - p)).mean()


def clipped(z: Any, Y: Any) -> Any:
    return from_probabilities(np.clip(sigmoid(z), 1e-15, 1 - 1e-15), Y)


def looped_loss(z: Any, Y: Any) -> Any:
    total = 0.0
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            lead = z[i, k] if Y[i, k] else -z[i, k]
            total += max(0, -lead) + math.log1p(math.exp(-abs(lead)))
    return total / (z.shape[0] * z.shape[1])


def torch_loss(z: Any, Y: Any) -> Any:
    logits = torch.tensor(z, dtype=torch.float32, requires_grad=True)
    return F.binary_cross_entropy_with_logits(logits, torch.tensor(Y, dtype=torch.float32))


def stable_on_one_side(z: Any, Y: Any) -> Any:
    return (np.log(1 + np.exp(-z)) + (1 - Y) * z).mean()


def integrated(d_in: int, alpha: float) -> float:
    z = np.linspace(-12, 12, 100_001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    kept = (np.maximum(alpha * z, z) ** 2 * density).sum() * (z[1] - z[0])
    return float(1 / (d_in * kept))


def slopes(left: float, peak: float, right: float) -> tuple[float, float]:
    return 1 / (peak - left), -1 / (right - peak)


def bump(left: float, peak: float, right: float) -> Any:
    up, down = slopes(left, peak, right)
    return np.array([up, down - up, -down])


def solved(left: float, peak: float, right: float) -> Any:
    x = np.array([peak, right, 2 * right - peak])
    return np.linalg.solve(relu(x[:, None] - [left, peak, right]), [1, 0, 0])


SOLUTIONS: dict[int, Answer] = {
    1: lambda a, W, b: relu(a @ W + b),
    2: soften,
    3: lambda z, Y: losses(z, Y).mean(),
    4: lambda d_in, alpha: 2 / ((1 + alpha**2) * d_in),
    5: bump,
}

RIGHT: list[tuple[int, Answer]] = [
    (1, looped_layer),
    (1, torch_layer),
    (1, lambda a, W, b: [(row @ W + b) * (row @ W + b > 0) for row in a]),
    (1, lambda a, W, b: relu(np.einsum("ij,jk->ik", a, W) + b).astype(np.float32)),
    (2, looped_soften),
    (2, lambda z, T: torch.softmax(torch.tensor(z, requires_grad=True).float() / T, dim=-1)),
    (2, lambda z, T: [scipy.special.softmax(row / T) for row in z]),
    (2, lambda z, T: np.exp(z / T - np.logaddexp.reduce(z / T, axis=1, keepdims=True))),
    (2, lambda z, T: 1 / np.exp((z[:, None, :] - z[:, :, None]) / T).sum(axis=2)),
    (2, lambda z, T: soften(z.astype(np.float32), T)),
    (2, lambda z, T: soften(z, T).round(5)),
    (3, looped_loss),
    (3, torch_loss),
    (3, lambda z, Y: np.where(Y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)).mean()),
    (3, lambda z, Y: np.array(np.logaddexp(0, (1 - 2 * Y) * z).mean(), dtype=np.float32)),
    (4, integrated),
    (4, lambda d, alpha: torch.nn.init.calculate_gain("leaky_relu", alpha) ** 2 / d),
    (4, lambda d, alpha: np.float32(1 / (d * (0.5 + 0.5 * alpha**2)))),
    (4, lambda d, alpha: torch.tensor(2 / d / (1 + alpha * alpha))),
    (5, solved),
    (5, lambda a, b, c: np.diff([0, 1 / (b - a), -1 / (c - b), 0])),
    (5, lambda *t: tuple(bump(*t))),
    (5, lambda *t: torch.tensor(bump(*t), dtype=torch.float32)),
]

MISTAKES: list[tuple[int, Answer, str]] = [
    (1, lambda a, W, b: relu(a @ W.T + b), "W is transposed"),
    (1, lambda a, W, b: relu(W @ a + b), "factors are swapped"),
    (1, lambda a, W, b: relu(a * W + b), "entry by entry"),
    (1, lambda a, W, b: relu(a @ W), "bias is missing"),
    (1, lambda a, W, b: a @ W + b, "pre-activation"),
    (1, lambda a, W, b: relu(a @ W) + b, "inside f"),
    (1, lambda a, W, b: relu(a @ W - b), "subtracted"),
    (1, lambda a, W, b: relu(a @ W + len(W) * b), "once for each input"),
    (1, lambda a, W, b: relu(a @ W + b[0]), "the bias of the first"),
    (1, lambda a, W, b: relu(a @ W + b.mean()), "share one bias"),
    (1, lambda a, W, b: relu(a) @ W + b, "input of the layer, and"),
    (1, lambda a, W, b: relu(relu(a) @ W + b), "input of the layer, too"),
    (1, lambda a, W, b: a @ relu(W) + b, "to the weights"),
    (1, lambda a, W, b: relu(a @ W + relu(b)), "to the bias, too"),
    (1, each_product_cut, "each product"),
    (1, lambda a, W, b: relu(a @ W + b[:, None]), "Is b a row?"),
    (1, lambda a, W, b: relu(a @ W + b).T, "result is transposed"),
    (1, lambda a, W, b: np.minimum(0, a @ W + b), "keeps the negative"),
    (1, lambda a, W, b: a @ W + b > 0, "threshold unit"),
    (1, lambda a, W, b: abs(a @ W + b), "sets them to 0"),
    (1, lambda a, W, b: np.maximum(0.01 * (a @ W + b), a @ W + b), "leaky ReLU"),
    (1, lambda a, W, b: sigmoid(a @ W + b), "the sigmoid"),
    (1, lambda a, W, b: np.tanh(a @ W + b), "tanh"),
    (1, lambda a, W, b: np.clip(a @ W + b, 0, 1), "cut off"),
    (1, lambda a, W, b: np.clip(a @ W + b, 0, 10), "cut off"),
    (1, lambda a, W, b: relu(a @ W + b).astype(int), "whole numbers"),
    (1, lambda a, W, b: relu(a[:1] @ W + b).repeat(len(a), axis=0), "of the first one"),
    (1, lambda a, W, b: relu(a @ W + b).sum(axis=0), "has shape (4,)"),
    (1, lambda a, W, b: relu(a @ W + b).squeeze(), "for n=1, d_out=4 it is (1, 4)"),
    (1, lambda a, W, b: relu(a @ W + b) + 1, "see (N.2)"),
    (1, lambda a, W, b: relu(a @ W + b).round(2), "see (N.2)"),
    (1, layer_of_wrong_count, "For a of shape (2, 6)"),
    (2, lambda z, T: soften(z, T, axis=0), "columns add up"),
    (2, lambda z, T: np.exp(z / T) / np.exp(z / T).sum(), "All rows together"),
    (2, lambda z, T: soften(z, 1), "no effect"),
    (2, lambda z, T: soften(z, 1 / T), "should flatten"),
    (2, lambda z, T: soften(z, T**2), "counts twice"),
    (2, lambda z, T: soften(z, 1) / T, "not the probabilities"),
    (2, lambda z, T: soften(z, 1) ** (1 / T), "a power of each"),
    (2, lambda z, T: np.exp(z / T), "don't add up"),
    (2, lambda z, T: np.exp((z - z.max(axis=1, keepdims=True)) / T), "the largest number"),
    (2, lambda z, T: soften(z, T) + 0.01, "one of them to 1.05"),
    (2, lambda z, T: np.log(soften(z, T)), "logarithms"),
    (2, sum_without_keepdims, "Row i's sum divides column i here. Keep"),
    (2, shifted_sum_without_keepdims, "The sum of row i divides column i here. Keep"),
    (2, lambda z, T: shifted_by(z, T, z.max(axis=1)), "subtracted from column i here. Keep"),
    (2, neither_with_keepdims, "subtracted from column i, and its sum divides column i. Keep"),
    (2, lambda z, T: soften(z, T)[:, 0], "has shape (5,)"),
    (2, lambda z, T: soften(z, T).squeeze(), "has shape (4,)"),
    (2, lambda z, T: soften(-z, T), "order is reversed"),
    (2, lambda z, T: soften(z * np.log(2), T), "those of 2"),
    (2, lambda z, T: np.eye(z.shape[1])[z.argmax(axis=1)], "takes all"),
    (2, lambda z, T: soften(z**2, T), "the probabilities are wrong"),
    (2, lambda z, T: np.log(z - z), "NaN or infinity"),
    (2, lambda z, T: soften(z, T).T, "is transposed"),
    (2, lambda z, T: soften(z - z.max(axis=0), T), "differs along the row"),
    (2, overflowing, "overflow"),
    (2, lambda z, T: shifted_by(z, T, z.min(axis=1, keepdims=True)), "overflow"),
    (2, lambda z, T: shifted_by(z, T, abs(z).max(axis=1, keepdims=True)), "overflow"),
    (2, lambda z, T: shifted_by(z, T, z[:, :1]), "overflow"),
    (2, lambda z, T: shifted_by(z, T, z[:, -1:]), "overflow"),
    (2, lambda z, T: shifted_by(z / T, 1, z.max(axis=1, keepdims=True)), "overflow"),
    (2, lambda z, T: np.nan_to_num(overflowing(z, T)), "cut off"),
    (2, lambda z, T: soften(np.clip(z, -50, 50), T), "cut off"),
    (2, lambda z, T: soften(np.clip(z / T, -700, 700), 1), "cut off"),
    (2, lambda z, T: shifted_by(z, T, z.max()), "Each row needs its own"),
    (3, lambda z, Y: -losses(z, Y).mean(), "The sign"),
    (3, lambda z, Y: losses(z, Y).sum(), "1/(nK) is missing"),
    (3, lambda z, Y: losses(z, Y).sum() / len(z), "but not by K"),
    (3, lambda z, Y: losses(z, Y).sum() / z.shape[1], "but not by n"),
    (3, lambda z, Y: losses(z, Y).sum() / Y.sum(), "number of ones"),
    (3, lambda z, Y: (Y * losses(z, Y)).mean(), "0 count too: their term is missing."),
    (3, lambda z, Y: losses(z, Y)[Y == 1].mean(), "0 count too: their term is missing. The"),
    (3, lambda z, Y: ((1 - Y) * losses(z, Y)).mean(), "labels that are 1 have no term."),
    (3, lambda z, Y: losses(z, Y)[Y == 0].mean(), "labels that are 1 have no term. The mean"),
    (3, lambda z, Y: np.logaddexp(0, -z).mean(), "taken for 1"),
    (3, lambda z, Y: np.logaddexp(0, z).mean(), "taken for 0"),
    (3, lambda z, Y: losses(z, 1 - Y).mean(), "swapped"),
    (3, lambda z, Y: np.logaddexp(0, -z * Y).mean(), "multiplied by 0"),
    (3, lambda z, Y: from_probabilities(soften(z, 1), Y), "question of its own"),
    (3, lambda z, Y: -(Y * np.log(soften(z, 1))).sum() / len(z), "This is (N.12)"),
    (3, lambda z, Y: from_probabilities(sigmoid(sigmoid(z)), Y), "taken twice"),
    (3, lambda z, Y: ((sigmoid(z) - Y) ** 2).mean(), "squared error"),
    (3, lambda z, Y: relu((1 - 2 * Y) * z).mean(), "near 0 it bends"),
    (3, lambda z, Y: losses(z, Y)[:, 0].mean(), "first column"),
    (3, lambda z, Y: losses(z, Y)[0].mean(), "first row"),
    (3, lambda z, Y: np.median(losses(z, Y)), "median"),
    (3, lambda z, Y: losses(z, Y).mean() / np.log(2), "base 2"),
    (3, lambda z, Y: losses(z, Y).mean() / np.log(10), "base 10"),
    (3, lambda z, Y: from_probabilities(z, Y), "taken for probabilities"),
    (3, losses, "one number"),
    (3, lambda z, Y: losses(z, Y).mean(axis=1), "one number"),
    (3, lambda z, Y: losses(z, Y).mean() + 1, "gives another number"),
    (3, lambda z, Y: from_probabilities(sigmoid(z), Y), "without the probability"),
    (3, stable_on_one_side, "without the probability"),
    (3, clipped, "cut off"),
    (3, lambda z, Y: losses(np.clip(z, -500, 500), Y).mean(), "cut off"),
    (3, lambda z, Y: np.nan_to_num(from_probabilities(sigmoid(z), Y)), "replaced"),
    (4, lambda d, alpha: 2 / d, "He's variance"),
    (4, lambda d, alpha: 1 / d, "for f(z) = z"),
    (4, lambda d, alpha: (2 / ((1 + alpha**2) * d)) ** 0.5, "standard deviation. The"),
    (4, lambda d, alpha: (2 / (1 + alpha**2)) ** 0.5, "a factor for the standard"),
    (4, lambda d, alpha: 2 / ((1 + alpha) * d), "not of f(z)"),
    (4, lambda d, alpha: 2 / ((1 + alpha) ** 2 * d), "no z is on both sides"),
    (4, lambda d, alpha: 2 / (((1 - alpha**2) or 1) * d), "adds to the mean square."),
    (4, lambda d, alpha: 1 / ((1 + alpha**2) * d), "factor 2"),
    (4, lambda d, alpha: 1 / ((0.5 + alpha**2) * d), "half of the draws"),
    (4, lambda d, alpha: 1 / ((0.5 + alpha**2 / 4) * d), "the other half"),
    (4, lambda d, alpha: 2 * (1 + alpha**2) / d, "smaller weights do"),
    (4, lambda d, alpha: (1 + alpha**2) * d / 2, "the inverse"),
    (4, lambda d, alpha: 2 / (1 + alpha**2), "number of inputs has no effect"),
    (4, lambda d, alpha: 2 / (1 + alpha**2) * d, "give larger ones"),
    (4, lambda d, alpha: 2 / (1 + alpha**2) / d**0.5, "does not keep"),
    (4, lambda d, alpha: round(2 / ((1 + alpha**2) * d), 3), "does not keep"),
    (4, lambda d, alpha: 2 / ((1 + min(alpha, 0.5) ** 2) * d), "d_in=8, alpha=1.0: 0.2 "),
    (4, lambda d, alpha: np.full(d, 0.1), "one number"),
    (4, lambda d, alpha: 2 / ((1 + alpha**2) * d) + 2e-7, "does not keep"),  # float32 is better
    (5, lambda *_: np.array([1, -2, 1]), "two sides are equal"),
    (5, lambda *t: slopes(*t)[0] * np.array([1, -2, 1]), "same slope"),
    (5, lambda *t: slopes(*t)[1] * np.array([-1, 2, -1]), "have one slope"),
    (5, lambda *t: np.array([*slopes(*t), 0]), "*adds*"),
    (5, lambda *t: [*slopes(*t), -slopes(*t)[1]], "still rises"),
    (5, lambda *t: -bump(*t), "upside down"),
    (5, lambda *t: bump(*t)[::-1], "in a mirror"),
    (5, lambda a, b, c: [b - a, a - c, c - b], "these are widths"),
    (5, lambda a, b, c: bump(a, a + c - b, c), "in a mirror"),
    (5, lambda a, b, c: bump(a, b, c) * (b - a), "as high as its left side is wide"),
    (5, lambda *_: [0, 1, 0], "the values of the bump"),
    (5, lambda *t: t, "the three places themselves"),
    (5, lambda *t: bump(*t) * [1, 1, 0], "beyond its end"),
    (5, lambda *t: bump(*t) * [1, 0, 0], "where it ends"),
    (5, lambda *t: 2 * bump(*t), "at the peak"),
    (5, lambda a, b, c: bump(a, (a + c) / 2, c), "at the peak"),
    (5, lambda a, b, c: bump(max(a, 0), b, c), "at the peak"),
    (5, lambda *t: bump(*t).round(2), "at the peak"),
    (5, lambda *t: bump(*t).astype(int), "at the peak"),
    (5, lambda *t: bump(*t) * np.nan, "not all three numbers are finite"),
    (5, lambda *t: bump(*t)[:2], "shape (3,)"),
    (5, lambda *t: dict(enumerate(bump(*t))), "of type dict"),
]


@pytest.mark.parametrize(("place", "answer"), RIGHT)
def test_a_right_answer_made_slightly_wrong_is_found_out(place: int, answer: Answer) -> None:
    def spoilt(*arguments: Any) -> Any:
        value = answer(*arguments)
        parts = value.detach() if isinstance(value, torch.Tensor) else value
        return np.asarray(parts, dtype=float) * 1.001

    assert CHECKS[place - 1](spoilt) is not None


def test_a_mistake_is_named_only_where_it_explains_every_result() -> None:
    def halved_once(d_in: int, alpha: float) -> float:
        return 2 / d_in if d_in == 50 else 2 / ((1 + alpha**2) * d_in)

    assert "does not keep the mean square" in str(check_leaky_variance(halved_once))
