"""Chapter 1, History: a gate, a correction, a parity net, learnable functions, polynomial terms."""

from collections.abc import Callable
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, Mistake, call

Array = npt.NDArray[Any]


def check_alarm(answer: Any) -> str | None:
    """Try the unit on all 16 inputs; the usual wrong units are told apart by what they do."""
    result = call(answer)
    if not isinstance(result, tuple | list) or len(result) != 2:
        return "Return two things: the four weights and the threshold."
    if np.size(result[0]) == 1 and np.size(result[1]) == 4:
        return "The weights come first, then the threshold."
    w, theta = _numbers("w", result[0], (4,)), float(_numbers("theta", result[1], ()))
    X = _inputs(4)
    right = (X[:, :3].sum(axis=1) >= 2) & (X[:, 3] == 0)
    got, veto = X @ w >= theta, X[:, 3] == 1
    if (got == right).all():
        return None
    if (X @ w >= -theta).tolist() == right.tolist():
        return "The sign: your second number is the bias b = −θ, and θ itself is asked for."
    if (X @ w > theta).tolist() == right.tolist():
        return "On its threshold the unit fires: (1.1) has ≥, and your unit needs >."
    if (got == got[0]).all():
        return f"Your unit {'always' if got[0] else 'never'} fires."
    if w[3] > 0:
        return "Turning the key brings your unit closer to firing. It should forbid it."
    if (got == right)[~veto].all():
        return f"The veto is too weak: for {_first(X, got != right)} your unit fires."
    if (got == X[:, :3].any(axis=1))[~veto].all():
        return "One detector is enough for your unit. It should take two."
    if (got == X[:, :3].all(axis=1))[~veto].all():
        return "Your unit waits for all three detectors. Two should do."
    wrong = _first(X, got != right)
    return f"For {wrong} your unit {'fires' if got[got != right][0] else 'stays silent'}."


def check_signed_update(answer: Any) -> str | None:
    """Follow the answer and the usual mistakes through examples that are right, wrong and tied."""
    rng = np.random.default_rng(1)
    cases = [(rng.normal(size=3), float(rng.normal()), rng.normal(size=3)) for _ in range(4)]
    cases.append((np.array([1.0, -1.0, 0.5]), -1.0, np.array([2.0, 1.0, 0.0])))  # on the line
    fits = dict.fromkeys(SIGNED_MISTAKES, True)
    wrong = ""
    for w, b, x in cases:
        for y in (1, -1):  # the first is a mistake: there even a careless answer returns something
            result = call(answer, w, b, x, y)
            if not isinstance(result, tuple | list) or len(result) != 2:
                return "Return two things: the new w and the new b."
            new = np.append(_numbers("w", result[0], (3,)), _numbers("b", result[1], ()))
            if not np.allclose(new, _signed(w, b, x, y)):
                side = "on the line" if x @ w + b == 0 else f"where x·w + b = {x @ w + b:.2f}"
                wrong = wrong or f"For an example {side}, with label {y}, w or b is not right."
            for name, (mistake, _) in SIGNED_MISTAKES.items():
                fits[name] &= np.allclose(new, mistake(w, b, x, y))
    if not wrong:
        return None
    named = [message for name, (_, message) in SIGNED_MISTAKES.items() if fits[name]]
    return named[0] if named else wrong


def _signed(w: Array, b: float, x: Array, y: int) -> Any:
    """Return w and b, one array, after the rule for labels -1 and 1."""
    missed = (1 if x @ w + b >= 0 else -1) != y
    return np.append(w, b) + missed * y * np.append(x, 1)


def _moved(factor: Callable[..., Any]) -> Callable[..., Any]:
    return lambda w, b, x, y: np.append(w, b) + factor(w, b, x, y) * np.append(x, 1)


def _step(w: Array, b: float, x: Array, y: int) -> Any:
    return _signed(w, b, x, y) - np.append(w, b)


SIGNED_MISTAKES: dict[str, tuple[Callable[..., Any], str]] = {
    "doubled": (
        lambda w, b, x, y: np.append(w, b) + 2 * _step(w, b, x, y),
        "Your step is twice as long as the rule's: with these labels y − ŷ is 2 or −2.",
    ),
    "sign": (
        lambda w, b, x, y: np.append(w, b) - _step(w, b, x, y),
        "The sign: your unit moves away from the label.",
    ),
    "bias": (
        lambda w, b, x, y: np.append(w, b) + _step(w, b, x, y) * [1, 1, 1, 0],
        "The weights are right, and the bias never changes: it learns too.",
    ),
    "weights": (
        lambda w, b, x, y: np.append(w, b) + _step(w, b, x, y) * [0, 0, 0, 1],
        "The bias is right, and the weights never change.",
    ),
    "always": (_moved(lambda w, b, x, y: y), "Your unit changes where its answer is right, too."),
    "never": (_moved(lambda w, b, x, y: 0), "Your unit never changes."),
    "inverted": (
        _moved(lambda w, b, x, y: y * ((x @ w + b >= 0) == (y == 1))),
        "Your unit changes where its answer is right, and nowhere else.",
    ),
    "zero": (
        _moved(lambda w, b, x, y: y - int(x @ w + b >= 0)),
        "Your unit answers 0 where it should answer −1.",
    ),
    "line": (
        _moved(lambda w, b, x, y: y * (y * (x @ w + b) <= 0)),
        "On the line, where x·w + b = 0, the unit answers +1: for the label +1 that is right.",
    ),
    "strict": (
        _moved(lambda w, b, x, y: y * (y * (x @ w + b) < 0)),
        "On the line, where x·w + b = 0, the unit answers +1: for the label −1 that is wrong.",
    ),
    "label": (
        lambda w, b, x, y: np.append(w, b) + abs(y) * np.append(x, 1) * bool(_step(w, b, x, y)[3]),
        "Your unit moves the same way for both labels.",
    ),
}


def check_parity_net(answer: Any) -> str | None:
    """Run the net on all 8 inputs; name what it computes instead."""
    result = call(answer)
    if not isinstance(result, tuple | list) or len(result) != 4:
        return "Return four things: W1, b1, w2, b2."
    W1 = _numbers("W1", result[0])
    if W1.ndim == 2 and W1.shape[0] != 3 and W1.shape[1] == 3:
        return f"W1 has shape {W1.shape}, transposed: a row for each input, a column for each unit."
    if W1.ndim != 2 or W1.shape[0] != 3:
        return f"W1 has shape {W1.shape}, and should have (3, d_out)."
    d_out = W1.shape[1]
    b1, w2 = _numbers("b1", result[1], (d_out,)), _numbers("w2", result[2], (d_out,))
    b2, X = float(_numbers("b2", result[3], ())), _inputs(3)

    def run(W1: Array, b1: Array, b2: float) -> list[bool]:
        a = (X @ W1 + b1 >= 0).astype(float)
        return list(a @ w2 + b2 >= 0)

    got, right = run(W1, b1, b2), list(X.sum(axis=1) % 2 == 1)
    if got == right:
        return None
    if d_out == 3 and run(W1.T, b1, b2) == right:
        return "W1 is transposed: a row for each input, a column for each unit."
    if right in (run(W1, -b1, -b2), run(W1, -b1, b2), run(W1, b1, -b2)):
        return "You give a threshold for a bias somewhere: b = −θ."
    if got == [not value for value in right]:
        return "Your net fires for an even number of ones."
    if len(set(got)) == 1:
        return f"Your net {'always' if got[0] else 'never'} fires."
    named = {
        "OR": X.any(axis=1),
        "AND": X.all(axis=1),
        "the majority": X.sum(axis=1) >= 2,
        "the XOR of two inputs alone": None,
    }
    for name, values in named.items():
        pairs = [X[:, i] != X[:, j] for i, j in ((0, 1), (0, 2), (1, 2))]
        if any(got == list(v) for v in (pairs if values is None else [values])):
            return f"Your net computes {name}."
    wrong = np.array(got) != right
    action = "fires" if np.array(got)[wrong][0] else "stays silent"
    return f"For {_first(X, wrong)} your net {action}."


def check_count_learnable(answer: Any) -> str | None:
    """Compare the counts for one, two and three inputs with those that are known."""
    for d, right in ((2, 14), (1, 4), (3, 104)):
        got = float(_numbers("The count", call(answer, d), ()))
        if got == right:
            continue
        if got == 2 ** (2**d):
            return f"{got:g} for d={d} is the number of all functions: count those learned."
        if got == 2**d:
            return f"{got:g} for d={d} is the number of examples: a function labels each of them."
        if got == right - 2:
            return f"{got:g} for d={d}: does a function that is constant not count?"
        if got == 2 ** (2**d) - right:
            return f"{got:g} for d={d} are the functions that no unit learns: count the others."
        if got == 15 and d == 2:
            return (
                "15 for d=2 can't be: where w and b do a function, −w and −b do its opposite, "
                "once the line is moved off the points. So the failures come in pairs."
            )
        if d == 3 and got < right:
            return f"Right for d=1 and 2, and {got:g} for d=3: some functions need more passes."
        return f"{got:g} for d={d} is not the number of learnable functions."
    return None


def check_quadratic(answer: Any) -> str | None:
    """Look for each expected column, in any order, and for columns that should not be there."""
    rng = np.random.default_rng(5)
    for n, d in ((7, 2), (5, 3), (9, 4)):
        X = rng.uniform(0.5, 2, size=(n, d))
        pairs = list(combinations_with_replacement(range(d), 2))
        groups = {
            "the column of ones": np.ones((n, 1)),
            "an input itself": X,
            "a square": X**2,
            "a product of two inputs": np.stack([X[:, j] * X[:, k] for j, k in pairs if j < k], 1),
        }
        Q = _numbers("The result", call(answer, X))
        terms = (d + 1) * (d + 2) // 2
        if Q.ndim == 2 and Q.shape == (terms, n):
            return f"The result has shape {Q.shape}, transposed: a row for each example."
        if Q.ndim != 2 or len(Q) != n:
            return f"For X of shape {X.shape} the result has shape {Q.shape}: keep its {n} rows."
        for name, columns in groups.items():
            if not all(np.isclose(Q.T, column).all(axis=1).any() for column in columns.T):
                return f"For d={d}, {name} is missing among your columns."
        if np.unique(Q.round(9), axis=1).shape[1] < Q.shape[1]:
            return f"For d={d} a column comes twice: in a product the order doesn't matter."
        if Q.shape[1] != terms:
            return (
                f"For d={d} there are {Q.shape[1]} columns, some of them no term of degree 0 to 2."
            )
    return None


def _numbers(name: str, value: Any, shape: tuple[int, ...] | None = None) -> Array:
    """Return a learner's value as floats; say what is wrong when it is no such array."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise Mistake(f"{name} should hold numbers alone, and yours doesn't.") from None
    if shape is not None and array.shape != shape:
        expected = f"should have {shape}" if shape else "should be one number"
        raise Mistake(f"{name} has shape {array.shape}, and {expected}.")
    if not np.isfinite(array).all():
        raise Mistake(f"{name} holds NaN or infinity.")
    return array


def _inputs(d: int) -> Array:
    return np.array(list(product((0, 1), repeat=d)), dtype=float)


def _first(X: Array, where: Array) -> str:
    return f"({', '.join(f'{value:g}' for value in X[where][0])})"


CHECKS: dict[str, Check] = {
    "1.1": check_alarm,
    "1.2": check_signed_update,
    "1.3": check_parity_net,
    "1.4": check_count_learnable,
    "1.5": check_quadratic,
}
