"""A multilayer perceptron in NumPy: forward pass, loss, backward pass, gradient check.

A network is two lists: the weights ``W``, one array (d_in, d_out) for each layer, and the
biases ``b``, one array (d_out,) for each. Each row of ``X``, shape (n, d), is an example, and
``y``, shape (n,), holds the labels. K is the number of classes. Layer 1 of the text is entry 0
of a list. Each function raises a ValueError that names the argument when shapes don't fit together,
a batch is empty, a label is not from 0 to K - 1, or a number is not finite.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]  # of floats; results have the same precision as the arguments


def relu(z: Array) -> Array:
    """Return max(0, z), element by element."""
    return np.maximum(0, z)


def relu_slope(z: Array) -> Array:
    """Return the derivative of `relu` at z. At 0 there is none: the result is 0 by convention."""
    return (z > 0).astype(z.dtype)


def leaky_relu(z: Array) -> Array:
    """Return z where it is positive and z / 100 elsewhere (Maas et al., 2013)."""
    return np.maximum(0.01 * z, z)


def leaky_relu_slope(z: Array) -> Array:
    """Return the derivative of `leaky_relu` at z. At 0 it is that of the left side, 0.01."""
    return np.where(z > 0, 1, 0.01).astype(z.dtype)


def tanh(z: Array) -> Array:
    """Return the hyperbolic tangent of z."""
    return np.tanh(z)


def tanh_slope(z: Array) -> Array:
    """Return the derivative of `tanh` at z."""
    return 1 - np.tanh(z) ** 2


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)), computed by a tanh, which never overflows."""
    return 0.5 * (1 + np.tanh(0.5 * z))


def sigmoid_slope(z: Array) -> Array:
    """Return the derivative of `sigmoid` at z."""
    return sigmoid(z) * (1 - sigmoid(z))  # type: ignore[no-any-return]


class Activation(NamedTuple):
    """A function of the pre-activations z, and its derivative, both element by element."""

    f: Callable[[Array], Array]
    slope: Callable[[Array], Array]


RELU = Activation(relu, relu_slope)
LEAKY_RELU = Activation(leaky_relu, leaky_relu_slope)
TANH = Activation(tanh, tanh_slope)
SIGMOID = Activation(sigmoid, sigmoid_slope)


def he(d_in: int, d_out: int) -> float:
    """Return the variance that He et al. (2015) give the weights of a layer before a ReLU."""
    return 2 / d_in


def glorot(d_in: int, d_out: int) -> float:
    """Return the variance that Glorot and Bengio (2010) give the weights of a tanh layer."""
    return 2 / (d_in + d_out)


def initialize(
    sizes: Sequence[int],
    rng: np.random.Generator,
    variance: Callable[[int, int], float] = he,
) -> tuple[list[Array], list[Array]]:
    """Draw random weights for a network, float64; its biases start at 0.

    `sizes` are the number of inputs, then the units of each layer: two positive numbers or more.
    `variance` gives the variance of a layer's weights for its d_in and d_out: `he` or `glorot`.

    Examples
    --------
    >>> W, b = initialize((784, 128, 10), np.random.default_rng(0))
    >>> [W_l.shape for W_l in W], [b_l.shape for b_l in b]
    ([(784, 128), (128, 10)], [(128,), (10,)])
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes must be two or more positive numbers, got {tuple(sizes)}")
    W: list[Array] = []
    b: list[Array] = []
    for d_in, d_out in pairwise(sizes):
        W.append(rng.normal(0, np.sqrt(variance(d_in, d_out)), size=(d_in, d_out)))
        b.append(np.zeros(d_out))
    return W, b


def forward(
    X: Array, W: Sequence[Array], b: Sequence[Array], activation: Activation = RELU
) -> tuple[list[Array], list[Array]]:
    """Run a batch through the network and keep what the backward pass needs.

    The hidden layers have the `activation`; the last layer has none. The first list returned holds
    the input of each layer, shapes (n, d_in), beginning with `X`; the second, each layer's output
    before its activation, shapes (n, d_out), ending with the logits (n, K).
    """
    check_layers(W, b)
    check_matrix("X", X, columns=len(W[0]))
    a, z = [X], [X @ W[0] + b[0]]
    for W_l, b_l in zip(W[1:], b[1:], strict=True):
        a.append(activation.f(z[-1]))
        z.append(a[-1] @ W_l + b_l)
    return a, z


def softmax(z: Array) -> Array:
    """Turn logits, shape (n, K), into probabilities: each row adds up to 1.

    Large logits do not overflow: each row's maximum is subtracted first.

    Examples
    --------
    >>> softmax(np.array([[2.0, 1.0, 0.0], [1000.0, 0.0, 0.0]])).round(2)
    array([[0.67, 0.24, 0.09],
           [1.  , 0.  , 0.  ]])
    """
    check_matrix("z", z)
    e: Array = np.exp(z - z.max(axis=1, keepdims=True))
    p: Array = e / e.sum(axis=1, keepdims=True)
    return p


def log_softmax(z: Array) -> Array:
    """Return the logarithm of `softmax`. It stays finite where the softmax is rounded to 0."""
    check_matrix("z", z)
    shifted: Array = z - z.max(axis=1, keepdims=True)
    log_sum: Array = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted - log_sum


def cross_entropy(z: Array, y: npt.ArrayLike) -> float:
    """Return the mean negative logarithm of the probability of the right class.

    `z` are the logits, shape (n, K), not probabilities; `y` are the labels, shape (n,).

    Examples
    --------
    >>> round(cross_entropy(np.zeros((1, 10)), [3]), 3)  # as much as guessing: log 10
    2.303
    """
    check_matrix("z", z)
    y = check_labels("y", y, *z.shape)
    return float(-log_softmax(z)[np.arange(len(y)), y].mean())


def backward(
    a: Sequence[Array],
    z: Sequence[Array],
    y: npt.ArrayLike,
    W: Sequence[Array],
    activation: Activation = RELU,
) -> tuple[list[Array], list[Array]]:
    """Compute the derivatives of the cross-entropy by every weight and bias.

    `a` and `z` are what `forward` returned with the same `W` and `activation`. The result has an
    array for each of `W`, then one for each of `b`, of the same shapes.
    """
    check_record(a, z, W)
    y = check_labels("y", y, *z[-1].shape)
    delta = softmax(z[-1])  # delta is dL/dz of a layer, shape (n, d_out); we begin with the last
    delta[np.arange(len(y)), y] -= 1
    delta /= len(y)
    dW: list[Array] = []
    db: list[Array] = []
    for layer in reversed(range(len(W))):
        dW.insert(0, a[layer].T @ delta)
        db.insert(0, delta.sum(axis=0))
        if layer > 0:
            delta = delta @ W[layer].T * activation.slope(z[layer - 1])
    return dW, db


def numerical_gradient(loss: Callable[[], float], w: Array, h: float = 1e-5) -> Array:
    """Estimate the derivative of a loss by each entry of an array, by central differences.

    The loss is computed from the present values of `w`; each entry is moved by ±h and put back. `w`
    must be float64: in float32, which raises a ValueError, the difference is mostly rounding error.

    Examples
    --------
    >>> w = np.array([3.0, 5.0])
    >>> numerical_gradient(lambda: w[0] * w[1], w).round(6)
    array([5., 3.])
    """
    if w.dtype != np.float64:
        raise ValueError(f"w must be a float64 array, got {w.dtype}")
    gradient = np.empty_like(w)
    for index in np.ndindex(w.shape):
        kept = w[index]
        w[index] = kept + h
        above = loss()
        w[index] = kept - h
        below = loss()
        w[index] = kept
        gradient[index] = (above - below) / (2 * h)
    return gradient


def relative_error(p: Array, q: Array) -> float:
    """Divide the length of p - q by the sum of the lengths of p and q; 0 when both are 0.

    Examples
    --------
    >>> round(relative_error(np.array([1.0]), np.array([1.02])), 4)
    0.0099
    """
    lengths = float(np.linalg.norm(p) + np.linalg.norm(q))
    return float(np.linalg.norm(p - q)) / lengths if lengths else 0.0


def check_matrix(name: str, value: Array, columns: int | None = None) -> None:
    """Raise a ValueError that names the argument unless it is a matrix of finite numbers."""
    expected = f"(n, {'d' if columns is None else columns})"
    if not isinstance(value, np.ndarray) or value.ndim != 2:
        got = f"shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise ValueError(f"{name} must be an array of shape {expected}, got {got}")
    if value.shape[1] == 0 or columns not in (None, value.shape[1]):
        raise ValueError(f"{name} must have shape {expected}, got {value.shape}")
    if len(value) == 0:
        raise ValueError(f"{name} is an empty batch: expected shape {expected} with n > 0")
    if value.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers, got {value.dtype}")
    if not np.isfinite(value).all():
        raise ValueError(f"{name}, shape {value.shape}, holds NaN or infinity")


def check_labels(name: str, value: npt.ArrayLike, n: int, classes: int) -> npt.NDArray[np.integer]:
    """Return labels as an array; raise a ValueError that names the argument unless they are valid.

    There must be `n` whole numbers from 0 to ``classes - 1``.
    """
    labels = np.asarray(value)
    if labels.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), a label for each row, got {labels.shape}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{name} must hold whole numbers, one label for each row: {labels.dtype}")
    if labels.min() < 0 or labels.max() >= classes:
        wrong = labels[(labels < 0) | (labels >= classes)][0]
        raise ValueError(f"{name} must hold labels from 0 to {classes - 1}, got {wrong}")
    return labels


def check_layers(W: Sequence[Array], b: Sequence[Array]) -> None:
    """Raise a ValueError that names the layer unless the weights and biases fit together."""
    if len(W) == 0 or len(W) != len(b):
        raise ValueError(f"W and b must have one entry for each layer, got {len(W)} and {len(b)}")
    d_in = len(W[0])
    for layer, (W_l, b_l) in enumerate(zip(W, b, strict=True)):
        if np.ndim(W_l) != 2 or len(W_l) != d_in:
            raise ValueError(f"W[{layer}] must have shape ({d_in}, d_out), got {np.shape(W_l)}")
        if np.shape(b_l) != np.shape(W_l)[1:]:
            raise ValueError(f"b[{layer}] must have shape {np.shape(W_l)[1:]}, got {np.shape(b_l)}")
        d_in = np.shape(W_l)[1]


def check_record(a: Sequence[Array], z: Sequence[Array], W: Sequence[Array]) -> None:
    """Raise a ValueError that names the layer unless a and z have the shapes of a forward pass."""
    if not len(a) == len(z) == len(W) > 0:
        raise ValueError(
            f"a, z and W must have one entry for each layer, got {len(a)}, {len(z)} and {len(W)}"
        )
    n = len(a[0])
    for layer, (a_l, z_l, W_l) in enumerate(zip(a, z, W, strict=True)):
        for name, value, columns in (("a", a_l, W_l.shape[0]), ("z", z_l, W_l.shape[1])):
            if value.shape != (n, columns):
                raise ValueError(f"{name}[{layer}] must have shape ({n}, {columns}): {value.shape}")
