"""The threshold unit, Rosenblatt's learning rule, and the bound on its mistakes, in NumPy.

A unit has weights ``w``, shape (d,), and a bias ``b``, one number; b = -θ, where θ is the threshold
that the weighted sum must reach. Each row of ``X``, shape (n, d), is an example, and ``y``, shape
(n,), holds its label, 0 or 1. Each function raises a ValueError that names the argument when shapes
don't fit together, a batch is empty, a label is neither 0 nor 1, or a number is not finite.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Update(NamedTuple):
    """One correction: the row of the example that the unit got wrong, and the unit after it."""

    i: int
    w: Array
    b: float


def fires(X: Array, w: Array, b: float) -> Array:
    """Return a threshold unit's answers, int64: 1 where x·w + b >= 0, and 0 elsewhere.

    `X` is a batch, shape (n, d), or one example, shape (d,); the answers have shape (n,) or (). The
    unit also fires on its line, where x·w + b = 0.

    Examples
    --------
    >>> fires(np.array([[0, 1], [1, 1]]), w=np.array([1, 1]), b=-2)  # x1 and x2
    array([0, 1])
    """
    check_unit(X, w, b)
    return np.asarray(X @ w + b >= 0, dtype=np.int64)


def learn(X: Array, y: npt.ArrayLike, max_epochs: int = 100) -> tuple[Array, float, list[Update]]:
    """Train a threshold unit from zero weights by Rosenblatt's rule, one example at a time.

    The training ends after `max_epochs` passes through the examples, at least 1, or after a pass
    without a mistake. It returns w, float64, and b, and every correction in order.

    Examples
    --------
    >>> w, b, updates = learn(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 0, 0, 1])  # AND
    >>> w, b, len(updates)
    (array([2., 1.]), -3.0, 11)
    """
    y = check_examples(X, y)
    if max_epochs < 1:
        raise ValueError(f"max_epochs must be at least 1, got {max_epochs}")
    w, b = np.zeros(X.shape[1]), 0.0
    updates: list[Update] = []
    for _ in range(max_epochs):
        before = len(updates)
        for i in range(len(X)):
            error = float(y[i] - fires(X[i], w, b))
            if error != 0:
                w, b = w + error * X[i], b + error
                updates.append(Update(i, w, b))
        if len(updates) == before:
            break
    return w, b, updates


def radius(X: Array) -> float:
    """Return the radius R of the data: the length of the longest example with a 1 appended."""
    check_matrix(X)
    tilde = np.column_stack([X, np.ones(len(X))])
    return float(np.linalg.norm(tilde, axis=1).max())


def margin(X: Array, y: npt.ArrayLike, w: Array, b: float) -> float:
    """Return the margin γ: the smallest distance of an example (x, 1) from the plane w·x + b = 0.

    The distance counts as negative for an example on the wrong side, so γ is positive when the unit
    separates the two classes. Not all of `w` and `b` may be 0.
    """
    y = check_examples(X, y)
    check_unit(X, w, b)
    length = np.linalg.norm([*w, b])
    if length == 0:
        raise ValueError(f"w, shape {w.shape}, and b must not all be 0: that is no line")
    sides = 2 * y - 1
    return float((sides * (X @ w + b)).min() / length)


def mistake_bound(X: Array, y: npt.ArrayLike, w: Array, b: float) -> float:
    """Return an upper bound on the number of corrections that `learn` makes, (R / γ)².

    `w` and `b` may be of any unit that separates the two classes; others raise a ValueError. The
    bound is Block's and Novikoff's, both 1962.
    """
    gamma = margin(X, y, w, b)
    if gamma <= 0:
        raise ValueError("w and b must separate the examples, and none may lie on the line")
    return (radius(X) / gamma) ** 2


def check_matrix(X: Array) -> None:
    """Raise a ValueError that names X unless it is a matrix of finite numbers, shape (n, d)."""
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.shape[1] == 0:
        raise ValueError(f"X must be an array of shape (n, d), got {_kind(X)}")
    if len(X) == 0:
        raise ValueError(f"X is an empty batch: expected shape (n, {X.shape[1]}) with n > 0")
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must hold numbers, got {X.dtype}")
    if not np.isfinite(X).all():
        raise ValueError(f"X, shape {X.shape}, holds NaN or infinity")


def check_examples(X: Array, y: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the labels as an array; raise a ValueError unless X and y are labelled examples."""
    check_matrix(X)
    labels = np.asarray(y)
    if labels.shape != (len(X),):
        raise ValueError(f"y must have shape ({len(X)},), one label a row, got {_kind(labels)}")
    if not np.isin(labels, (0, 1)).all():
        wrong = labels[~np.isin(labels, (0, 1))][0]
        raise ValueError(f"y, shape ({len(X)},), must hold labels 0 and 1, got {wrong}")
    return labels.astype(np.int64)


def check_unit(X: Array, w: Array, b: float) -> None:
    """Raise a ValueError unless w and b fit together and fit X, a batch or one example."""
    if not isinstance(w, np.ndarray) or w.ndim != 1 or len(w) == 0:
        raise ValueError(f"w must be an array of shape (d,), got {_kind(w)}")
    if np.ndim(b) != 0:
        raise ValueError(f"b must be one number, got {_kind(b)}")
    if not isinstance(X, np.ndarray) or X.ndim not in (1, 2) or X.shape[-1] != len(w):
        raise ValueError(f"X must have shape (n, {len(w)}) or ({len(w)},), got {_kind(X)}")
    if len(X) == 0:
        raise ValueError(f"X is an empty batch: expected shape (n, {len(w)}) with n > 0")
    for name, value in (("X", X), ("w", w), ("b", b)):
        if not np.isfinite(value).all():
            raise ValueError(f"{name}, shape {np.shape(value)}, holds NaN or infinity")


def _kind(value: object) -> str:
    return f"shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
