"""Answers to the exercises on training; test_exercises.py tries them."""

from collections.abc import Callable
from itertools import pairwise
from math import exp, log
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import nn

from lessonlib.exercises.training import PAPER

Answer = Callable[..., Any]


# ---------------------------------------------------------------- parameters


def count(sizes: list[int]) -> int:
    return weights(sizes) + sum(sizes[1:])


def weights(sizes: list[int]) -> int:
    return sum(a * b for a, b in pairwise(sizes))


def count_in_a_loop(sizes: list[int]) -> int:
    total = 0
    for i in range(1, len(sizes)):
        total += sizes[i] * (sizes[i - 1] + 1)
    return total


def count_again_and_again(sizes: list[int]) -> int:
    if len(sizes) == 1:
        return 0
    return (sizes[0] + 1) * sizes[1] + count_again_and_again(sizes[1:])


def count_by_building(sizes: list[int]) -> int:
    return sum(p.numel() for a, b in pairwise(sizes) for p in nn.Linear(a, b).parameters())


def count_in_numpy(sizes: list[int]) -> Any:
    d = np.array(sizes)
    return (d[:-1] + 1) @ d[1:]


# ---------------------------------------------------------------- the loss


def log_softmax(z: Any, axis: int = 1) -> Any:
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def losses(z: Any, y: Any, axis: int = 1) -> Any:
    return -log_softmax(z, axis)[np.arange(len(y)), y]


def of_labels(z: Any, y: Any) -> Any:
    return z[np.arange(len(y)), y]


def softmax(z: Any) -> Any:
    return np.exp(log_softmax(z))


def loss_in_loops(z: Any, y: Any) -> float:
    total = 0.0
    for scores, label in zip(z, y, strict=True):
        highest = max(scores)
        total += log(sum(exp(score - highest) for score in scores)) + highest - scores[label]
    return total / len(y)


def loss_in_torch(z: Any, y: Any) -> Any:
    return F.cross_entropy(torch.tensor(z), torch.tensor(y))


def loss_in_float32(z: Any, y: Any) -> Any:
    return losses(z.astype(np.float32), y).mean()


def loss_by_logaddexp(z: Any, y: Any) -> Any:
    return np.array((np.logaddexp.reduce(z, axis=1) - of_labels(z, y)).mean())


def loss_by_one_hot(z: Any, y: Any) -> Any:
    return -(np.eye(z.shape[1])[y] * log_softmax(z)).sum() / len(z)


def loss_from_the_label(z: Any, y: Any) -> Any:
    """Use ln(1 + the sum over the others of e to the difference), without a hitch up to 700."""
    return np.logaddexp.reduce(z - of_labels(z, y)[:, None], axis=1).mean()


def naive(z: Any, y: Any) -> Any:
    return -np.log(of_labels(np.exp(z) / np.exp(z).sum(1, keepdims=True), y)).mean()


def one_highest_for_all(z: Any, y: Any) -> Any:
    return naive(z - z.max(), y)


def one_highest_for_all_simplified(z: Any, y: Any) -> Any:
    z = z - z.max()
    return (np.log(np.exp(z).sum(1)) - of_labels(z, y)).mean()


def with_an_epsilon(z: Any, y: Any) -> Any:
    return -np.log(of_labels(softmax(z), y) + 1e-12).mean()


def clipped(z: Any, y: Any) -> Any:
    return naive(np.clip(z, -500, 500), y)


def binary(z: Any, y: Any) -> Any:
    right = np.eye(z.shape[1])[y]
    p = softmax(z)
    return -(right * np.log(p) + (1 - right) * np.log(1 - p)).sum(1).mean()


# ---------------------------------------------------------------- a shifted digit


def move(x: Any, dy: int, dx: int, paper: float = PAPER) -> Any:
    return np.pad(x, 1, constant_values=paper)[1 - dy : 29 - dy, 1 - dx : 29 - dx]


def move_in_loops(x: Any, dy: int, dx: int) -> list[list[float]]:
    moved = [[-0.4242] * 28 for _ in range(28)]
    for row in range(28):
        for column in range(28):
            if 0 <= row - dy < 28 and 0 <= column - dx < 28:
                moved[row][column] = x[row - dy, column - dx]
    return moved


def move_by_rolling(x: Any, dy: int, dx: int) -> Any:
    moved = np.roll(x, (dy, dx), axis=(0, 1))
    if dy:
        moved[0 if dy > 0 else -1] = x.min()
    if dx:
        moved[:, 0 if dx > 0 else -1] = x.min()
    return moved


def move_in_torch(x: Any, dy: int, dx: int) -> Any:
    padded = F.pad(torch.tensor(x, dtype=torch.float32), (1, 1, 1, 1), value=PAPER)
    return padded[1 - dy : 29 - dy, 1 - dx : 29 - dx]


def move_by_slices(x: Any, dy: int, dx: int) -> Any:
    moved = np.full((28, 28), -0.42, dtype=np.float32)  # as the chapter prints it
    target, source = zip(*map(parts, (dy, dx)), strict=True)
    moved[target] = x[source]
    return moved


def parts(d: int) -> tuple[slice, slice]:
    return slice(max(d, 0), 28 + min(d, 0)), slice(max(-d, 0), 28 - max(d, 0))


def move_by_matrices(x: Any, dy: int, dx: int) -> Any:
    return np.eye(28, k=-dy) @ (x - PAPER) @ np.eye(28, k=dx) + PAPER


def roll(x: Any, dy: int, dx: int) -> Any:
    return np.roll(x, (dy, dx), (0, 1))


def rolled_and_wiped(x: Any, dy: int, dx: int) -> Any:
    moved = roll(x, dy, dx)
    moved[:1], moved[-1:] = PAPER, PAPER  # both edges, whichever came free
    return moved


def slices_without_zero(x: Any, dy: int, dx: int) -> Any:
    moved = np.full((28, 28), PAPER)
    moved[dy:, dx:] = x[: 28 - dy, : 28 - dx]
    return moved


def rolled_without_corners(x: Any, dy: int, dx: int) -> Any:
    moved = roll(x, dy, dx)
    if dy:
        moved[0 if dy > 0 else -1] = PAPER
    elif dx:
        moved[:, 0 if dx > 0 else -1] = PAPER
    return moved


# ---------------------------------------------------------------- a step of AdamW

BETA_1, BETA_2 = 0.9, 0.999


def adamw(
    w: float, g: float, m: float, v: float, t: int, lr: float, decay: float
) -> tuple[float, float, float]:
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
    return w - lr * decay * w - lr * m_hat / (v_hat**0.5 + 1e-8), m, v


def adamw_with_a_list(w: Any, g: Any, m: Any, v: Any, t: int, lr: float, decay: float) -> Any:
    w *= 1 - lr * decay
    m += (1 - BETA_1) * (g - m)
    v += (1 - BETA_2) * (g * g - v)
    w -= lr * (m / (1 - BETA_1**t)) / (np.sqrt(v / (1 - BETA_2**t)) + 1e-8)
    return [w, m, v]


def adamw_in_torch(w: Any, g: Any, m: Any, v: Any, t: int, lr: float, decay: float) -> Any:
    weight = torch.tensor([w], dtype=torch.float64, requires_grad=True)
    weight.grad = torch.tensor([g], dtype=torch.float64)
    optimizer = torch.optim.AdamW([weight], lr=lr, weight_decay=decay)
    optimizer.state[weight] = {
        "step": torch.tensor(float(t - 1)),
        "exp_avg": torch.tensor([m], dtype=torch.float64),
        "exp_avg_sq": torch.tensor([v], dtype=torch.float64),
    }
    optimizer.step()
    state = optimizer.state[weight]
    return weight.detach()[0], state["exp_avg"][0], state["exp_avg_sq"][0]


def adamw_in_float32(w: Any, g: Any, m: Any, v: Any, t: int, lr: float, decay: float) -> Any:
    w, g, m, v = (np.float32(number) for number in (w, g, m, v))
    return np.array(adamw(w, g, m, v, t, lr, decay))


def adamw_pulled_beside(w: Any, g: Any, m: Any, v: Any, t: int, lr: float, decay: float) -> Any:
    new, m, v = adamw(w, g, m, v, t, lr, 0)
    return torch.tensor([new - lr * decay * w, m, v], dtype=torch.float64)


def decayed_after(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    w, m, v = adamw(w, g, m, v, t, lr, 0)
    return w - lr * decay * w, m, v


def adam(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    return adamw(w, g + decay * w, m, v, t, lr, 0)


def twice(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    return adamw(w, g + decay * w, m, v, t, lr, decay)


def altered(
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    corrected: tuple[int, int] = (1, 1),
    root: Callable[[float], float] = lambda v: v**0.5 + 1e-8,
    square: Callable[[float], float] = lambda g: g**2,
) -> Answer:
    """Make an AdamW with one thing changed."""

    def step(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * square(g)
        m_hat = m / (1 - betas[0] ** t) if corrected[0] else m
        v_hat = v / (1 - betas[1] ** t) if corrected[1] else v
        return w - lr * decay * w - lr * m_hat / root(v_hat), m, v

    return step


def divided(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    _, m, v = adamw(w, g, m, v, t, lr, 0)
    m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
    return w - lr * (m_hat + decay * w) / (v_hat**0.5 + 1e-8), m, v


def uphill(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    down, m, v = adamw(w, g, m, v, t, lr, decay)
    return 2 * (w - lr * decay * w) - down, m, v


def hats(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    w, m, v = adamw(w, g, m, v, t, lr, decay)
    return w, m / (1 - 0.9**t), v / (1 - 0.999**t)


def without_epsilon(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    return altered(root=lambda v: v**0.5)(w, g, m, v, t, lr, decay)


def without_w(w: float, g: float, m: float, v: float, t: int, lr: float, decay: float) -> Any:
    w, m, v = adamw(w, g, m, v, t, lr, 0)
    return w - lr * decay, m, v


SOLUTIONS: dict[int, Answer] = {
    1: count,
    2: lambda z, y: losses(z, y).mean(),
    3: move,
    4: adamw,
}

RIGHT: list[tuple[int, Answer]] = [
    (1, count_in_a_loop),
    (1, count_again_and_again),
    (1, count_by_building),
    (1, count_in_numpy),
    (1, lambda s: np.array(float(count(s)))),
    (1, lambda s: torch.tensor(count(s))),
    (2, loss_in_loops),
    (2, loss_in_torch),
    (2, loss_in_float32),
    (2, loss_by_logaddexp),
    (2, loss_by_one_hot),
    (2, loss_from_the_label),
    (3, move_in_loops),
    (3, move_by_rolling),
    (3, move_in_torch),
    (3, move_by_slices),
    (3, move_by_matrices),
    (3, lambda x, dy, dx: ndimage.shift(x, (dy, dx), order=0, cval=PAPER)),
    (3, lambda x, dy, dx: tuple(map(tuple, move(x, dy, dx)))),
    (4, adamw_with_a_list),
    (4, adamw_in_torch),
    (4, adamw_in_float32),
    (4, adamw_pulled_beside),
]

MISTAKES: list[tuple[int, Answer, str]] = [
    (1, weights, "also has a bias"),
    (1, lambda s: weights(s) + sum(s), "inputs are not units"),
    (1, lambda s: weights(s) + sum(s[:-1]), "one bias per output"),
    (1, lambda s: weights(s) + len(s) - 1, "each of its units has its own"),
    (1, lambda s: weights(s) + sum(s[1:-1]), "last layer have biases"),
    (1, lambda s: sum(s[1:]), "biases alone"),
    (1, sum, "the numbers that are learned"),
    (1, lambda s: count(s[:-1]), "last layer is missing"),
    (1, lambda s: count(s[1:]), "first layer, from the inputs"),
    (1, lambda s: count(s[:2]), "first layer alone"),
    (1, lambda s: count([s[0], s[-1]]), "between the first and the last"),
    (1, lambda s: 235_146, "is not it"),
    (1, lambda s: int(np.prod(s)), "is not it"),
    (1, lambda s: (sum(s[:-1]) + 1) * s[-1], "is not it"),
    (1, lambda s: weights(s) + len(s), "is not it"),
    (1, lambda s: sum(a * b + b for i, b in enumerate(s) for a in s[:i]), "is not it"),
    (1, lambda s: [(a + 1) * b for a, b in pairwise(s)], "one number for all layers"),
    (1, lambda s: f"{count(s):,}", "one number for all layers"),
    (2, lambda z, y: losses(z, y), "the loss is one number"),
    (2, lambda z, y: losses(z, y).mean(keepdims=True), "the loss is one number"),
    (2, lambda z, y: -losses(z, y).mean(), "The sign"),
    (2, lambda z, y: losses(z, y).sum(), "1/n"),
    (2, lambda z, y: losses(z, y).mean() / z.shape[1], "number of classes"),
    (2, lambda z, y: losses(z, y).mean() / 10, "gives another number"),
    (2, lambda z, y: losses(z, y, axis=0).mean(), "over the batch. Along which axis"),
    (2, lambda z, y: naive(z, y) + 0 * z, "the loss is one number"),
    (2, lambda z, y: (np.log(np.exp(z).sum()) - of_labels(z, y)).mean(), "whole array"),
    (2, lambda z, y: -of_labels(z, y).mean(), "softmax is missing"),
    (2, lambda z, y: losses(softmax(z), y).mean(), "softmax is taken twice"),
    (2, lambda z, y: -of_labels(softmax(z), y).mean(), "logarithm of the probability"),
    (2, lambda z, y: of_labels(softmax(z), y).mean(), "mean probability"),
    (2, lambda z, y: losses(z, y).mean() / np.log(2), "base 2"),
    (2, lambda z, y: losses(z, y).mean() / np.log(10), "base 10"),
    (2, lambda z, y: -log_softmax(z).mean(), "averages over all classes"),
    (2, lambda z, y: -log_softmax(z).sum(1).mean(), "adds up all classes"),
    (2, lambda z, y: -log_softmax(z).max(1).mean(), "that of its label"),
    (2, lambda z, y: -np.log(of_labels(softmax(z), y).mean()), "a mean of logarithms"),
    (2, binary, "the others'"),
    (2, naive, "See the hint"),
    (2, clipped, "Don't cut numbers off"),
    (2, with_an_epsilon, "Don't cut numbers off"),
    (2, lambda z, y: -np.log(of_labels(softmax(z), y)).mean(), "rounded to 0"),
    (2, one_highest_for_all, "rounded to 0"),
    (2, one_highest_for_all_simplified, "(N.4) looks at one image"),
    (2, lambda z, y: losses(z, y).mean() + 1, "gives another number"),
    (2, lambda z, y: losses(z, (y + 1) % z.shape[1]).mean(), "gives another number"),
    (2, lambda z, y: losses(z, y).max(), "gives another number"),
    (2, lambda z, y: np.median(losses(z, y)), "gives another number"),
    (2, lambda z, y: losses(z, y).mean() if len(y) > 1 else 1, "gives another number"),
    (2, lambda z, y: (np.eye(y.max() + 1)[y] * -log_softmax(z)).sum() / len(y), "ValueError"),
    (3, lambda x, dy, dx: x, "Nothing moves"),
    (3, lambda x, dy, dx: move(x, -dy, -dx), "opposite way"),
    (3, lambda x, dy, dx: move(x, dx, dy), "swapped"),
    (3, lambda x, dy, dx: move(x, -dx, -dy), "And it moves the opposite way"),
    (3, lambda x, dy, dx: move(x, -dy, dx), "up where it should move down"),
    (3, lambda x, dy, dx: move(x, dy, -dx), "left where it should move right"),
    (3, lambda x, dy, dx: move(x, dy, 0), "what about dx?"),
    (3, lambda x, dy, dx: move(x, 0, dx), "what about dy?"),
    (3, roll, "other side"),
    (3, lambda x, dy, dx: roll(x, dx, dy), "And dy and dx are swapped"),
    (3, lambda x, dy, dx: roll(x, -dy, -dx), "side. And it moves the opposite way"),
    (3, lambda x, dy, dx: move(x, dy, dx, paper=0), "0 is a grey"),
    (3, lambda x, dy, dx: move(x, -dy, -dx, paper=0), "And 0 is a grey"),
    (3, lambda x, dy, dx: move(x, dx, dy, paper=0), "second is across. And 0 is a grey"),
    (3, lambda x, dy, dx: move(x, dy, dx, paper=2.8215), "is ink"),
    (3, lambda x, dy, dx: move(x, dy, dx, x.max()), "is ink"),
    (3, lambda x, dy, dx: move(x, dy, dx, x.mean()), "image's mean"),
    (3, lambda x, dy, dx: move(x, dy, dx, x[0, 0]), "a corner may have ink"),
    (3, lambda x, dy, dx: np.pad(x, 1, mode="edge")[1 - dy : 29 - dy, 1 - dx : 29 - dx], "rep"),
    (3, lambda x, dy, dx: move(x, dy, dx, np.nan), "what came free is not paper"),
    (3, lambda x, dy, dx: move(x, dy, dx, -1), "what came free is not paper"),
    (3, rolled_without_corners, "what came free is not paper"),
    (3, rolled_and_wiped, "not where they should be"),
    (3, slices_without_zero, "ValueError"),
    (3, lambda x, dy, dx: np.pad(x, 1), "28 by 28"),
    (3, lambda x, dy, dx: x[max(dy, 0) :, max(dx, 0) :], "28 by 28"),
    (3, lambda x, dy, dx: x.T, "not where they should be"),
    (3, lambda x, dy, dx: move(x, 2 * dy, dx), "28 by 28"),
    (4, adam, "coupled"),
    (4, twice, "acts twice"),
    (4, divided, "divided by the root"),
    (4, decayed_after, "of the old one"),
    (4, altered(corrected=(0, 0)), "m and v are not corrected"),
    (4, altered(corrected=(0, 1)), "m is not corrected"),
    (4, altered(corrected=(1, 0)), "v is not corrected"),
    (4, altered(root=lambda v: v + 1e-8), "square root"),
    (4, altered(root=lambda v: (v + 1e-8) ** 0.5), "not under it"),
    (4, altered(betas=(0.999, 0.9)), "swapped"),
    (4, altered(betas=(0.9, 0.99)), "the new v differs"),
    (4, altered(betas=(0.1, 0.001)), "differ from (N.10)"),
    (4, altered(root=lambda v: v**0.5 + 1e-6), "w differs from (N.10)"),
    (4, altered(square=lambda g: g, root=lambda v: float(np.sqrt(v)) + 1e-8), "the squares"),
    (4, altered(square=lambda g: g), "negative number"),
    (4, without_epsilon, "ZeroDivisionError"),
    (4, without_w, "multiply it by w"),
    (4, lambda w, g, m, v, t, lr, d: adamw(w, g, m, v, t, lr, d / lr), "learning rate."),
    (4, lambda w, g, m, v, t, lr, d: adamw(w, g, m, v, t, lr, d * lr), "rate twice"),
    (4, lambda w, g, m, v, t, lr, d: adamw(w, g, m, v, t, lr, -d), "grows"),
    (4, lambda w, g, m, v, t, lr, d: adamw(w, g, m, v, t, lr, 0), "no weight decay"),
    (4, lambda w, g, m, v, t, lr, d: adamw(w, -g, m, v, t, lr, d), "differ from"),
    (4, lambda w, g, m, v, t, lr, d: adamw(w, g, m, v, 1, lr, d), "w differs from (N.10)"),
    (4, lambda w, g, m, v, t, lr, d: adamw(w, g, m, v, t + 1, lr, d), "w differs from (N.10)"),
    (4, lambda w, g, m, v, t, lr, d: adamw(w, g, 0, 0, t, lr, d), "differ from (N.10)"),
    (4, uphill, "up the gradient"),
    (4, hats, "before the correction"),
    (4, lambda w, g, m, v, *a: (adamw(w, g, m, v, *a)[0], m, v), "Return the new m and v"),
    (4, lambda w, *a: (adamw(w, *a)[0] - w, *adamw(w, *a)[1:]), "not the change"),
    (4, lambda *a: adamw(*a)[::-1], "differ from (N.10)"),
    (4, lambda *a: (*adamw(*a)[1:], adamw(*a)[0]), "in this order"),
    (4, lambda *a: adamw(*a)[0], "three numbers"),
    (4, lambda *a: dict(zip("wmv", adamw(*a), strict=True)), "a dict of 3"),
    (4, lambda *a: tuple(map(str, adamw(*a))), "a value of type str"),
]
