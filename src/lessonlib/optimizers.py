"""Gradient descent, momentum and Adam for the network in NumPy, and the loop that uses them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lessonlib.network import (
    RELU,
    Activation,
    Array,
    backward,
    check_labels,
    check_matrix,
    cross_entropy,
    forward,
)


class Optimizer(Protocol):
    """An object that changes parameters in place, given their gradients."""

    def step(self, gradients: Sequence[Array]) -> None:
        """Change each parameter, given its gradient, an array of the same shape."""


class GradientDescent:
    """Plain gradient descent: a step moves the parameters, in place, by -lr times the gradients."""

    def __init__(self, parameters: Sequence[Array], lr: float) -> None:
        self.parameters, self.lr = parameters, lr

    def step(self, gradients: Sequence[Array]) -> None:
        """Take one step; raise a ValueError when a gradient is missing or has another shape."""
        check_gradients(gradients, self.parameters)
        for w, g in zip(self.parameters, gradients, strict=True):
            w -= self.lr * g


class Momentum:
    """Gradient descent along a fading sum of the gradients so far.

    Each step keeps a share `beta` of the sum, in [0, 1), adds the gradients, and moves the
    parameters, in place, by -lr times the sum.
    """

    def __init__(self, parameters: Sequence[Array], lr: float, beta: float = 0.9) -> None:
        self.parameters, self.lr, self.beta = parameters, lr, beta
        self.m = [np.zeros_like(w) for w in parameters]

    def step(self, gradients: Sequence[Array]) -> None:
        """Take one step; raise a ValueError when a gradient is missing or has another shape."""
        check_gradients(gradients, self.parameters)
        for w, g, m in zip(self.parameters, gradients, self.m, strict=True):
            m *= self.beta
            m += g
            w -= self.lr * m


class Adam:
    """Adam: each parameter gets a step size of its own (Kingma and Ba, 2015).

    `beta1` and `beta2`, in [0, 1), say how much each step keeps of the running means of the
    gradient and of its square. `eps` is added to the divisor, which would otherwise be 0 for a
    parameter without gradients. The parameters are changed in place.

    Examples
    --------
    >>> w = np.array([3.0, -400.0])
    >>> Adam([w], lr=0.1).step([2 * w])  # against the gradients of w², however large they are
    >>> w
    array([   2.9, -399.9])
    """

    def __init__(
        self,
        parameters: Sequence[Array],
        lr: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        self.parameters, self.lr = parameters, lr
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.m = [np.zeros_like(w) for w in parameters]
        self.v = [np.zeros_like(w) for w in parameters]
        self.work = [np.empty_like(w) for w in parameters]
        self.t = 0

    def step(self, gradients: Sequence[Array]) -> None:
        """Take one step; raise a ValueError when a gradient is missing or has another shape."""
        check_gradients(gradients, self.parameters)
        self.t += 1
        # m and v are fading sums. These factors turn them into the paper's means, corrected for
        # their start at 0. Two scalars hold the factors, so no array is multiplied for them.
        to_mean = (1 - self.beta1) / (1 - self.beta1**self.t)
        to_root = ((1 - self.beta2) / (1 - self.beta2**self.t)) ** 0.5
        for w, g, m, v, r in zip(
            self.parameters, gradients, self.m, self.v, self.work, strict=True
        ):
            m *= self.beta1
            m += g
            v *= self.beta2
            v += np.multiply(g, g, out=r)
            np.sqrt(v, out=r)
            r += self.eps / to_root
            np.divide(m, r, out=r)
            r *= self.lr * to_mean / to_root
            w -= r


def train(
    X: Array,
    y: npt.ArrayLike,
    W: Sequence[Array],
    b: Sequence[Array],
    optimizer: Optimizer,
    rng: np.random.Generator,
    *,
    epochs: int,
    batch_size: int,
    activation: Activation = RELU,
) -> list[float]:
    """Train a network in batches, in a new random order each epoch; return each epoch's mean loss.

    The network, `W` and `b`, has the precision of `X`, and an `activation` in its hidden layers.
    The optimizer, made with the parameters ``[*W, *b]``, changes it in place. Examples that don't
    fill a last batch are left out of that epoch; a batch larger than the data, and whatever
    `forward` and `cross_entropy` refuse, raises a ValueError.
    """
    check_matrix("X", X, columns=len(W[0]))
    y = check_labels("y", y, len(X), W[-1].shape[1])
    if not 1 <= batch_size <= len(X):
        raise ValueError(f"batch_size must be from 1 to {len(X)}, got {batch_size}")
    history = []
    for _ in range(epochs):
        order = rng.permutation(len(X))[: len(X) - len(X) % batch_size]
        losses = []
        for batch in order.reshape(-1, batch_size):
            a, z = forward(X[batch], W, b, activation)
            losses.append(cross_entropy(z[-1], y[batch]))
            dW, db = backward(a, z, y[batch], W, activation)
            optimizer.step([*dW, *db])
        history.append(float(np.mean(losses)))
    return history


def check_gradients(gradients: Sequence[Array], parameters: Sequence[Array]) -> None:
    """Raise a ValueError that names the gradient unless each has its parameter's shape."""
    if len(gradients) != len(parameters):
        raise ValueError(f"gradients must be {len(parameters)} arrays, got {len(gradients)}")
    for i, (g, w) in enumerate(zip(gradients, parameters, strict=True)):
        if g.shape != w.shape:
            raise ValueError(f"gradients[{i}] must have shape {w.shape}, got {g.shape}")
