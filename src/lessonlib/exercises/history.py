"""Checks on history: a gate, a correction, a parity net, learnable functions, polynomial terms."""

from itertools import combinations_with_replacement, permutations, product
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call, new_rng
from lessonlib.exercises.answers import Mistake, close, floats, usual_mistake

Array = npt.NDArray[Any]
ROUNDING = 1e-6  # what float32 may lose of a sum, relative to its largest part


# ---------------------------------------------------------------- a gate with a veto


def check_alarm(answer: Any) -> str | None:
    """Try the unit on all 16 inputs; the usual wrong units are told apart by what they do."""
    result = _parts(call(answer), "the four weights", "the threshold")
    if [_size(part) for part in result] == [1, 4]:
        return "The weights come first, then the threshold."
    w, theta = _numbers("w", result[0], (4,)), float(_numbers("θ", result[1], ()))
    X = _inputs(4)
    right = (X[:, :3].sum(axis=1) >= 2) & (X[:, 3] == 0)
    if any((got == right).all() for got in _reaches(X, w, theta)):
        return None
    return _named_alarm(X, w, theta, right)


def _named_alarm(X: Array, w: Array, theta: float, right: Array) -> str:
    """Say what a wrong alarm does."""
    got, veto = X @ w >= theta, X[:, 3] == 1
    if (X @ w >= -theta).tolist() == right.tolist():
        return "The sign: your second number is the bias b = −θ, and θ itself is asked for."
    if (X @ w > theta).tolist() == right.tolist():
        return "On its threshold the unit fires: (N.1) has ≥, and your unit needs >."
    if any((X @ moved >= theta).tolist() == right.tolist() for moved in permutations(w)):
        return "The order of the weights: the detectors are inputs 1 to 3, the key is input 4."
    if (got == got[0]).all():
        return f"Your unit {'always' if got[0] else 'never'} fires."
    if w[3] > 0:
        return "Turning the key brings your unit closer to firing. It should forbid it."
    if w[3] == 0:
        return "The key makes no difference to your unit."
    if (got == right)[~veto].all():
        return f"The veto is too weak: for {_first(X, got != right)} your unit fires."
    if (got == X[:, :3].any(axis=1))[~veto].all():
        return "One detector is enough for your unit. It should take two."
    if (got == X[:, :3].all(axis=1))[~veto].all():
        return "Your unit waits for all three detectors. Two should do."
    return f"For {_first(X, got != right)} your unit {_action(got[got != right][0])}."


def _reaches(X: Array, w: Array, theta: float) -> tuple[Array, Array]:
    """Return where a unit fires, and where it does when a sum rounded below counts as reached."""
    slack = ROUNDING * max(np.abs(w).sum(), abs(theta))
    return X @ w >= theta, X @ w >= theta - slack


# ---------------------------------------------------------------- a correction for labels -1 and 1


def check_signed_update(answer: Any) -> str | None:
    """Compare with the rule on examples that are right, wrong and tied."""
    cases = [(w, b, x, y) for w, b, x in _signed_cases() for y in (1, -1)]
    results = []
    for w, b, x, y in cases:
        new = _parts(call(answer, w, b, x, y), "the new w", "the new b")
        if [_size(part) for part in new] == [1, len(w)] != [1, 1]:
            return "The order: the new w comes first, then the new b."
        results.append(np.append(_numbers("w", new[0], w.shape), _numbers("b", new[1], ())))
    for got, case in zip(results, cases, strict=True):
        if not close(got, _signed(*case)):
            return usual_mistake(results, cases, _wrong_updates) or _described(got, *case)
    return None


def _described(got: Array, w: Array, b: float, x: Array, y: int) -> str:
    """Say for which example the new w, the new b or both are wrong."""
    side = "on the line" if x @ w + b == 0 else f"where x·w + b = {x @ w + b:.2f}"
    label = "+1" if y == 1 else "−1"
    right = _signed(w, b, x, y)
    wrong_w, wrong_b = not close(got[:-1], right[:-1]), not close(got[-1:], right[-1:])
    part = "w and b are" if wrong_w and wrong_b else "w is" if wrong_w else "b is"
    return f"For an example {side}, with label {label}, {part} not right."


def _signed_cases() -> list[tuple[Array, float, Array]]:
    """Return w, b and x of several lengths: on both sides of the line, near it, and on it."""
    rng = new_rng(1)
    cases = []
    for d, side in product((3, 1, 2, 5), (-1, 1)):
        w, x = rng.normal(size=d), rng.normal(size=d)
        b = float(side * rng.uniform(0.4, 3) - x @ w)  # the sum is at least 0.4 from 0
        cases.append((w, b, x))
    cases += [
        (np.array([1.0, -1.0, 0.5]), -1.0, np.array([2.0, 1.0, 0.0])),  # on the line
        (np.array([-0.5, 0.0]), 0.0, np.array([0.0, -3.0])),  # on it, without a bias
        (np.zeros(2), 0.0, np.array([1.0, -2.0])),  # where learning starts: on it as well
        (np.array([3.0, 1.0]), -0.5, np.zeros(2)),  # the bias alone decides
        (np.array([40.0, -30.0, 25.0]), 1.0, np.array([50.0, 60.0, -8.0])),  # a sum of 1
    ]
    return cases


def _signed(w: Array, b: float, x: Array, y: int) -> Any:
    """Return w and b, one array, after the rule for labels -1 and 1."""
    missed = (1 if x @ w + b >= 0 else -1) != y
    return np.append(w, b) + missed * y * np.append(x, 1)


def _wrong_updates(w: Array, b: float, x: Array, y: int) -> dict[str, Array]:
    """Return what usual mistakes make of w and b, one array, by what to say about them."""
    old, z = np.append(w, b), x @ w + b
    step = _signed(w, b, x, y) - old
    of_weights = np.append(np.ones_like(x), 0)
    multiples = {  # of the step towards the label +1
        "Your unit changes where its answer is right, too.": y,
        "Your unit never changes.": 0,
        "Your unit changes where its answer is right, and nowhere else.": y * (step[-1] == 0),
        "Your unit answers 0 where it should answer −1.": y - (z >= 0),
        "On the line, where x·w + b = 0, the unit answers +1: for the label +1 that is right.": (
            y * (y * z <= 0)
        ),
        "On the line, where x·w + b = 0, the unit answers +1: for the label −1 that is wrong.": (
            y * (y * z < 0)
        ),
        "On the line, where x·w + b = 0, your unit answers −1.": y * ((z > 0) != (y == 1)),
        "Your unit moves the same way for both labels.": step[-1] != 0,
        "Your unit leaves its bias out when it answers: the sum is x·w + b.": (
            y * ((x @ w >= 0) != (y == 1))
        ),
        "Your step grows with the distance of x·w + b from the label. The rule asks for a mistake "
        "alone.": y - z,
    }
    return {
        "Your step is twice as long as the rule's: with these labels y − ŷ is 2 or −2.": (
            old + 2 * step
        ),
        "The sign: your unit moves away from the label.": old - step,
        "The weights are right, and the bias never changes: it learns too.": old
        + of_weights * step,
        "The bias is right, and the weights never change.": old + (1 - of_weights) * step,
    } | {message: old + times * np.append(x, 1) for message, times in multiples.items()}


# ---------------------------------------------------------------- a parity net


def check_parity_net(answer: Any) -> str | None:
    """Run the net on all 8 inputs; name what it computes instead."""
    result = _parts(call(answer), "W1", "b1", "w2", "b2")
    W1 = _numbers("W1", result[0])
    if W1.ndim == 2 and W1.shape[1] == 3 and W1.shape[0] == _size(result[1]) != 3:
        return f"W1 has shape {W1.shape}, transposed: a row for each input, a column for each unit."
    if W1.ndim != 2 or W1.shape[0] != 3:
        return f"W1 has shape {W1.shape}, and should have (3, d_out)."
    d_out = W1.shape[1]
    b1, w2 = _numbers("b1", result[1], (d_out,)), _numbers("w2", result[2], (d_out,))
    b2 = float(_numbers("b2", result[3], ()))
    right = (_inputs(3).sum(axis=1) % 2 == 1).tolist()
    if right in (_run(W1, b1, w2, b2), _run(W1, b1, w2, b2, slack=ROUNDING)):
        return None
    return _named_net(W1, b1, w2, b2, right)


def _run(W1: Array, b1: Array, w2: Array, b2: float, slack: float = 0.0) -> list[bool]:
    """Return where a net fires; with slack, where a sum rounded below counts as reached."""
    low1 = -slack * (np.abs(W1).sum(axis=0) + np.abs(b1))
    low2 = -slack * (np.abs(w2).sum() + abs(b2))
    a = (_inputs(3) @ W1 + b1 >= low1).astype(float)
    fired: list[bool] = (a @ w2 + b2 >= low2).tolist()
    return fired


def _named_net(W1: Array, b1: Array, w2: Array, b2: float, right: list[bool]) -> str:
    """Say what a wrong net does."""
    X, got = _inputs(3), _run(W1, b1, w2, b2)
    if W1.shape == (3, 3) and _run(W1.T, b1, w2, b2) == right:
        return "W1 is transposed: a row for each input, a column for each unit."
    for hidden, output in ((-1, -1), (-1, 1), (1, -1)):
        if _run(W1, hidden * b1, w2, output * b2) == right:
            return "You give a threshold for a bias somewhere: b = −θ."
    # A slack below 0 asks for more than the border: there the unit stays silent.
    if _run(W1, b1, w2, b2, slack=-ROUNDING) == right:
        return "On the border a unit fires: (N.2) has ≥, and your net needs >."
    if got == [not value for value in right]:
        return "Your net fires for an even number of ones."
    if len(set(got)) == 1:
        return f"Your net {'always' if got[0] else 'never'} fires."
    named = {
        "OR": X.any(axis=1),
        "AND": X.all(axis=1),
        "the majority": X.sum(axis=1) >= 2,
        "whether exactly one input is 1": X.sum(axis=1) == 1,
    }
    for i, j in ((0, 1), (0, 2), (1, 2)):
        named[f"the XOR of inputs {i + 1} and {j + 1} alone"] = X[:, i] != X[:, j]
    for name, values in named.items():
        if got == values.tolist():
            return f"Your net computes {name}."
    wrong = np.array(got) != right
    return f"For {_first(X, wrong)} your net {_action(np.array(got)[wrong][0])}."


# ---------------------------------------------------------------- learnable functions


def check_count_learnable(answer: Any) -> str | None:
    """Compare the counts for one, two and three inputs with those that are known."""
    for d, right in ((2, 14), (1, 4), (3, 104)):
        got = float(_numbers("The count", call(answer, d), ()))
        if got != right:
            return _named_count(got, d, right)
    return None


# How many functions `learn` is right on after 1, 2, ... epochs, up to the last that is too few.
LEARNED_WITHIN = {2: (4, 8, 10, 12), 3: (8, 22, 38, 50, 58, 70, 76, 86, 88, 98)}


def _named_count(got: float, d: int, right: int) -> str:
    """Say what a wrong count counts."""
    known = {
        2**d: "is the number of examples: a function labels each of them.",
        2 ** (2**d): "is the number of all functions: count those learned.",
        2 ** (2**d) - right: "is the number of those that no unit learns: count the others.",
        right - 1: "leaves one out: is a function that takes no correction among yours?",
        right - 2: "leaves two out: are the constant functions among yours, and the epochs enough?",
    }
    if got in known:
        return f"{got:g} for d={d} {known[int(got)]}"
    if got == 15 and d == 2:
        return (
            "15 for d=2 can't be: where w and b do a function, −w and −b do its opposite, "
            "once the line is moved off the points. So the failures come in pairs."
        )
    if got in LEARNED_WITHIN.get(d, ()):
        epochs = LEARNED_WITHIN[d].index(int(got)) + 1
        return f"{got:g} for d={d} are those learned within {epochs} epochs: some take longer."
    return f"{got:g} for d={d} is not the number of learnable functions."


# ---------------------------------------------------------------- polynomial terms


def check_quadratic(answer: Any) -> str | None:
    """Match every column with one term, in any order; name what is missing, twice or too much."""
    rng = new_rng(5)
    for n, d in ((7, 2), (5, 3), (9, 4), (6, 1), (1, 2)):
        X = rng.uniform(0.5, 2, size=(n, d)) * rng.choice((-1, 1), size=(n, d))
        if n > 1:
            X[0, 0] = 0
        Q = _numbers("The result", call(answer, X))
        expected = _terms(X)
        if Q.ndim == 2 and Q.shape == (len(expected), n):
            return f"The result has shape {Q.shape}, transposed: a row for each example."
        if Q.ndim != 2 or len(Q) != n:
            shapes = f"For X of shape {X.shape} the result has shape {Q.shape}"
            return f"{shapes}: it needs a row for each example."
        if problem := _named_columns(Q, expected):
            return f"For n={n}, d={d}, {problem}"
    return None


def _terms(X: Array) -> list[tuple[str, Array]]:
    """Return the name of its kind and the values of every term."""
    terms = [("the column of ones", np.ones(len(X)))]
    terms += [("an input itself", column) for column in X.T]
    for j, k in combinations_with_replacement(range(X.shape[1]), 2):
        kind = "a square" if j == k else "a product of two inputs"
        terms.append((kind, X[:, j] * X[:, k]))
    return terms


def _named_columns(Q: Array, expected: list[tuple[str, Array]]) -> str | None:
    """Say what is wrong with the columns; None when each is another term."""
    left = list(range(Q.shape[1]))
    twice = ""
    for kind, values in expected:
        same = [column for column in left if close(Q[:, column], values)]
        if not same and any(close(Q[:, column], 2 * values) for column in left):
            return f"{kind} is there with the factor 2: each term counts once."
        if not same:
            return f"{kind} is missing among your columns."
        if len(same) > 1:
            twice = twice or kind
        left = [column for column in left if column not in same]
    if left:
        return f"a column of yours is no term of degree 0 to 2: there are {Q.shape[1]} columns."
    if twice == "a product of two inputs":
        return f"{twice} comes twice: the order of the two doesn't matter."
    return f"{twice} comes twice among your columns." if twice else None


# ---------------------------------------------------------------- what several checks need


def _parts(result: Any, *names: str) -> list[Any]:
    """Return the things that an answer gives back; say so when they are more or fewer."""
    asked = f"Return {'two' if len(names) == 2 else 'four'} things: {', '.join(names)}"
    if not isinstance(result, tuple | list):
        raise Mistake(f"{asked}. Yours is one, of type {type(result).__name__}.")
    if len(result) != len(names):
        raise Mistake(f"{asked}. Yours are {len(result)}.")
    return list(result)


def _size(value: Any) -> int:
    """Count the numbers of a learner's value."""
    array = floats(value)
    return 0 if array is None else array.size


def _numbers(name: str, value: Any, shape: tuple[int, ...] | None = None) -> Array:
    """Return a learner's value as floats; say what is wrong when it is no such array."""
    array = floats(value)
    if array is None:
        kind = type(value).__name__
        raise Mistake(f"{name} should hold numbers alone; yours is of type {kind}.")
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


def _action(fired: bool) -> str:
    return "fires" if fired else "stays silent"


# In the order of the exercises.
CHECKS: list[Check] = [
    check_alarm,
    check_signed_update,
    check_parity_net,
    check_count_learnable,
    check_quadratic,
]
