"""Answers to the exercises on history; test_exercises.py tries them."""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
import torch
from sklearn.preprocessing import PolynomialFeatures

from lessonlib.exercises.history import LEARNED_WITHIN
from lessonlib.perceptron import fires, learn

Answer = Callable[..., Any]
ONES = np.ones((3, 3))
ODD = np.array([[1, -1, -1, 1], [-1, 1, -1, 1], [-1, -1, 1, 1]])  # a unit for each odd input


def bits(d: int) -> Any:
    return np.array(list(product((0.0, 1.0), repeat=d)))


# ---------------------------------------------------------------- a gate with a veto


def third() -> Any:
    return [1 / 3, 1 / 3, 1 / 3, -1], 2 / 3


def tenths_in_float32() -> Any:
    return np.array([0.3, 0.3, 0.3, -1.0]), np.float32(0.6)  # the threshold is a little above 0.6


def searched() -> Any:
    X = bits(4)
    right = (X[:, :3].sum(axis=1) >= 2) & (X[:, 3] == 0)
    for *w, theta in product(range(-3, 4), repeat=5):
        if ((np.array(w) @ X.T >= theta) == right).all():
            return w, theta
    raise AssertionError


def trained() -> Any:
    X = bits(4)
    w, b, _ = learn(X, (X[:, :3].sum(axis=1) >= 2) & (X[:, 3] == 0))
    return w, -b


# ---------------------------------------------------------------- a correction for labels -1 and 1


def signed(w: Any, b: Any, x: Any, y: int) -> Any:
    answer = 1 if x @ w + b >= 0 else -1
    return (w, b) if answer == y else (w + y * x, b + y)


def signed_in_loops(w: Any, b: float, x: Any, y: int) -> Any:
    total = b
    for x_j, w_j in zip(x, w, strict=True):
        total += x_j * w_j
    if (total >= 0) == (y == 1):
        return list(w), b
    return [w_j + y * x_j for w_j, x_j in zip(w, x, strict=True)], b + y


def signed_at_once(w: Any, b: float, x: Any, y: int) -> Any:
    factor = (y - np.where(x @ w + b >= 0, 1, -1)) / 2
    return w + factor * x, b + factor


def signed_in_torch(w: Any, b: float, x: Any, y: int) -> Any:
    tilde_x = torch.cat([torch.tensor(x), torch.ones(1)])
    tilde_w = torch.cat([torch.tensor(w), torch.tensor([b])]).requires_grad_()
    missed = bool(tilde_x @ tilde_w >= 0) != (y > 0)
    new = tilde_w + y * tilde_x if missed else tilde_w
    return new[:-1], new[-1]


def signed_in_float32(w: Any, b: float, x: Any, y: int) -> Any:
    return signed(w.astype(np.float32), np.float32(b), x.astype(np.float32), y)


def signed_on_copies(w: Any, b: Any, x: Any, y: int) -> Any:
    w, b = w.copy(), np.array(b)
    if np.sign(np.sign(np.dot(w, x) + b) + 0.5) != y:
        w += y * x
        b += y
    return [w, b]


def step(factor: Callable[[int, int], int]) -> Answer:
    """Return an update by factor(y, answer) times the example."""

    def update(w: Any, b: float, x: Any, y: int) -> Any:
        f = factor(y, 1 if x @ w + b >= 0 else -1)
        return w + f * x, b + f

    return update


def moved(factor: Callable[[float, int], float]) -> Answer:
    """Return an update by factor(sum, y) times the example."""

    def update(w: Any, b: float, x: Any, y: int) -> Any:
        f = factor(x @ w + b, y)
        return w + f * x, b + f

    return update


def only_mistakes(w: Any, b: float, x: Any, y: int) -> Any:
    if (1 if x @ w + b >= 0 else -1) != y:
        return w + y * x, b + y
    return None


def in_place(w: Any, b: float, x: Any, y: int) -> Any:
    if (1 if x @ w + b >= 0 else -1) != y:
        w += y * x
        b += y
    return w, b


def without_bias(w: Any, b: float, x: Any, y: int) -> Any:
    return (w, b) if (1 if x @ w >= 0 else -1) == y else (w + y * x, b + y)


def every_product(w: Any, b: float, x: Any, y: int) -> Any:
    fired = (x * w + b >= 0).all()  # no sum
    return (w, b) if (1 if fired else -1) == y else (w + y * x, b + y)


def weight_by_weight(w: Any, b: float, x: Any, y: int) -> Any:
    new = [w_j if x_j * w_j * y > 0 else w_j + y * x_j for w_j, x_j in zip(w, x, strict=True)]
    return new, signed(w, b, x, y)[1]


def until_right(w: Any, b: float, x: Any, y: int) -> Any:
    while (1 if x @ w + b >= 0 else -1) != y:
        w, b = w + y * x, b + y
    return w, b


def with_a_threshold(w: Any, b: float, x: Any, y: int) -> Any:
    return (w, b) if (1 if x @ w >= b else -1) == y else (w + y * x, b + y)


def missed_examples_alone(w: Any, b: float, x: Any, y: int) -> Any:
    return signed(w, b, x, y) if y == 1 else (w, b)


def unit_step(w: Any, b: float, x: Any, y: int) -> Any:
    new_w, new_b = signed(w, b, x, y)
    return w + (new_w - w) / (np.linalg.norm(x) or 1), new_b


def bias_by_the_sum(w: Any, b: float, x: Any, y: int) -> Any:
    new_w, new_b = signed(w, b, x, y)
    return new_w, b + (new_b - b) * x.sum()


# ---------------------------------------------------------------- a parity net


def net(b1: Any, w2: Any, b2: float, W1: Any = ONES) -> Answer:
    return lambda: (W1, np.array(b1), np.array(w2), b2)


def a_unit_for_each_example() -> Any:
    X = bits(3)
    W1 = (2 * X - 1).T  # the unit of an example reaches its number of ones there, and nowhere else
    return W1, -X.sum(axis=1), X.sum(axis=1) % 2, -1


def random_layer() -> Any:
    X, rng = bits(3), np.random.default_rng(0)
    W1, b1 = rng.normal(size=(3, 64)), rng.normal(size=64)
    a = (X @ W1 + b1 >= 0).astype(float)
    return W1, b1, *learn(a, X.sum(axis=1) % 2)[:2]


def net_in_torch() -> Any:
    W1 = torch.ones(3, 3, requires_grad=True)
    return W1, torch.tensor([-1.0, -2, -3]), torch.tensor([1.0, -1, 1]), torch.tensor(-1.0)


def net_in_lists() -> Any:
    return [[1, 1, 1]] * 3, [-1, -2, -3], [1, -1, 1], -1


def net_in_tenths() -> Any:
    return np.full((3, 3), 0.3), [-0.3, -0.6, -0.9], [0.1, -0.1, 0.1], np.float32(-0.1)


# ---------------------------------------------------------------- learnable functions


@cache
def count(d: int, max_epochs: int = 50, constant: bool = True) -> int:
    X = bits(d)
    found = 0
    for labels in product((0, 1), repeat=len(X)):
        w, b, _ = learn(X, labels, max_epochs)
        learned = fires(X, w, b).tolist() == list(labels)
        found += learned and (constant or len(set(labels)) > 1)
    return found


def count_of_small_weights(d: int) -> Any:
    W = np.array(list(product(range(-2, 3), repeat=d)))
    sums = bits(d) @ W.T
    found = {tuple(fired) for b in np.arange(-5.5, 6) for fired in (sums + b >= 0).T.tolist()}
    return np.float32(len(found))


def count_with_signs(d: int) -> Any:
    X = 2 * bits(d) - 1  # the same lines divide the points
    labels = (np.arange(2 ** len(X))[:, None] >> np.arange(len(X))) % 2
    return np.array(sum((fires(X, *learn(X, y)[:2]) == y).all() for y in labels))


@cache
def count_by_last_epoch(d: int) -> int:
    X, found = bits(d), 0
    for y in product((0, 1), repeat=len(X)):
        found += len(learn(X, y, 60)[2]) == len(learn(X, y, 61)[2])
    return found


def count_through_the_origin(d: int) -> int:
    """Leave the bias out."""
    W = np.array(list(product(np.linspace(-2, 2, 9), repeat=d)))
    return len({tuple(fired) for fired in (bits(d) @ W.T >= 0).T.tolist()})


@cache
def count_corrected(d: int) -> int:
    X = bits(d)
    runs = [learn(X, y, 50) for y in product((0, 1), repeat=len(X))]
    return sum(
        bool(updates) and (fires(X, w, b) == y).all()
        for (w, b, updates), y in zip(runs, product((0, 1), repeat=len(X)), strict=True)
    )


# ---------------------------------------------------------------- polynomial terms


def quadratic(X: Any, ones: bool = True, linear: bool = True, squares: bool = True) -> Any:
    d = range(X.shape[1])
    columns = [np.ones(len(X))] * ones + [X[:, j] for j in d] * linear
    columns += [X[:, j] * X[:, k] for j in d for k in d if j < k or (j == k and squares)]
    return np.stack(columns, axis=1)


def quadratic_by_rows(X: Any) -> Any:
    rows = []
    for x in X.tolist():
        rows.append([u * v for u, v in combinations_with_replacement([1.0, *x], 2)])
    return rows


def quadratic_by_einsum(X: Any) -> Any:
    tilde = np.column_stack([X, np.ones(len(X))])
    upper = np.triu_indices(tilde.shape[1])
    return np.einsum("ij,ik->ijk", tilde, tilde)[:, *upper]


def quadratic_in_torch(X: Any) -> Any:
    tilde = torch.cat([torch.ones(len(X), 1), torch.tensor(X, dtype=torch.float32)], dim=1)
    pairs = torch.combinations(torch.arange(tilde.shape[1]), 2, with_replacement=True)
    return tilde[:, pairs[:, 0]] * tilde[:, pairs[:, 1]]


def quadratic_of_two(X: Any) -> Any:
    x1, x2 = X[:, 0], X[:, min(1, X.shape[1] - 1)]
    return np.stack([np.ones_like(x1), x1, x2, x1 * x2, x1**2, x2**2], axis=1)


def quadratic_by_logarithms(X: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.exp(PolynomialFeatures(2).fit_transform(X) * 0 + np.log(quadratic(X)))


def all_pairs(X: Any) -> Any:
    pairs = (X[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    return np.column_stack([np.ones(len(X)), X, pairs])


def binomial(X: Any) -> Any:
    """Return the terms of (1 + x1 + x2)², with their factors."""
    Q = quadratic(X)
    squares = {tuple(column) for column in (X**2).T}
    twice = [tuple(q) not in squares and not np.allclose(q, 1) for q in Q.T]
    return Q * np.where(twice, 2, 1)


def neighbours_alone(X: Any) -> Any:
    return np.column_stack([np.ones(len(X)), X, X**2, X[:, :-1] * X[:, 1:]])


def first_with_others(X: Any) -> Any:
    return np.column_stack([np.ones(len(X)), X, X**2, X[:, :1] * X[:, 1:]])


def standardised(X: Any) -> Any:
    return quadratic((X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9))


# ---------------------------------------------------------------- the lists


SOLUTIONS: dict[int, Answer] = {
    1: lambda: (np.array([1, 1, 1, -2]), 2),
    2: signed,
    3: net([-1, -2, -3], [1, -1, 1], -1),
    4: count,
    5: quadratic,
}

RIGHT: list[tuple[int, Answer]] = [
    (1, lambda: ([2, 2, 2, -6], 3.5)),
    (1, lambda: [(1.0, 1.0, 1.0, -1.5), np.array(1.75)]),
    (1, lambda: (torch.tensor([1.0, 1, 1, -2], requires_grad=True), torch.tensor(2.0))),
    (1, third),
    (1, tenths_in_float32),
    (1, lambda: (np.array([5, 7, 9, -20]), 12)),
    (1, lambda: ([Fraction(1, 3)] * 3 + [-1], Fraction(2, 3))),
    (1, searched),
    (1, trained),
    (2, signed_in_loops),
    (2, signed_at_once),
    (2, signed_in_torch),
    (2, signed_in_float32),
    (2, signed_on_copies),
    (3, net([-0.5, -1.5, -2.5], [2, -2, 2], -1)),
    (3, net([-0.5, -0.5, -0.5, -2.5], [1] * 4, -0.5, ODD)),
    (3, a_unit_for_each_example),
    (3, random_layer),
    (3, net_in_torch),
    (3, net_in_lists),
    (3, net_in_tenths),
    (4, count_of_small_weights),
    (4, count_with_signs),
    (4, count_by_last_epoch),
    (5, lambda X: quadratic(X)[:, ::-1]),
    (5, quadratic_by_rows),
    (5, quadratic_by_einsum),
    (5, quadratic_in_torch),
    (5, lambda X: PolynomialFeatures(2).fit_transform(X).astype(np.float32)),
]

MISTAKES: list[tuple[int, Answer, str]] = [
    (1, lambda: 2, "Return two things: the four weights, the threshold"),
    (1, lambda: (1, 1, 1, -2, 2), "Yours are 5"),
    (1, lambda: {"w": [1, 1, 1, -2], "theta": 2}, "of type dict"),
    (1, lambda: (2, [1, 1, 1, -2]), "weights come first"),
    (1, lambda: ([1, 1, -2], 2), r"w has shape (3,)"),
    (1, lambda: ([1, 1, 1, -2], [2, 2]), "θ has shape (2,)"),
    (1, lambda: ([1, 1, 1, np.nan], 2), "NaN"),
    (1, lambda: (["1", "1", "1", "-2"], "2"), "w should hold numbers alone"),
    (1, lambda: ([1, 1, 1, -2], -2), "θ itself is asked for"),
    (1, lambda: ([1, 1, 1, -3], 1), "your unit needs >"),
    (1, lambda: ([1, 1, 1, -1], 2), "veto is too weak: for (1, 1, 1, 1)"),
    (1, lambda: ([1, 1, 1, 0], 2), "makes no difference"),
    (1, lambda: ([1, 1, 1, 2], 2), "closer to firing"),
    (1, lambda: ([-1, -1, -1, 2], -2), "closer to firing"),
    (1, lambda: ([-2, 1, 1, 1], 2), "order of the weights"),
    (1, lambda: ([1, 1, 1, -9], 0.5), "One detector"),
    (1, lambda: ([1, 1, 1, -9], 3), "all three"),
    (1, lambda: ([1, 1, 1, 1], 9), "never fires"),
    (1, lambda: ([1, 1, 1, 1], -9), "always fires"),
    (1, lambda: ([2, 1, 0, -9], 2), "For (0, 1, 1, 0) your unit stays silent"),
    (1, lambda: ([1, 1, 1, -9], 0), ""),
    (2, step(lambda y, a: y - a), "twice as long"),
    (2, step(lambda y, a: -y * (y != a)), "away from the label"),
    (2, lambda w, b, x, y: (signed(w, b, x, y)[0], b), "bias never changes"),
    (2, lambda w, b, x, y: (w, signed(w, b, x, y)[1]), "weights never change"),
    (2, step(lambda y, a: y), "right, too"),
    (2, step(lambda y, a: 0), "never changes"),
    (2, step(lambda y, a: y * (y == a)), "nowhere else"),
    (2, step(lambda y, a: y - (a == 1)), "answers 0 where"),
    (2, moved(lambda z, y: y * (y * z <= 0)), "for the label +1 that is right"),
    (2, moved(lambda z, y: y * (np.sign(z) != y)), "for the label +1 that is right"),
    (2, moved(lambda z, y: y * (y * z < 0)), "for the label −1 that is wrong"),
    (2, moved(lambda z, y: y * ((z > 0) != (y > 0))), "your unit answers −1"),
    (2, moved(lambda z, y: y - z), "grows with the distance"),
    (2, moved(lambda z, y: y * (np.round(z) != y)), ""),
    (2, moved(lambda z, y: (y - np.sign(z)) / 2), "For an example on the line"),
    (2, moved(lambda z, y: y * max(0, -y * z)), ""),
    (2, only_mistakes, "returns nothing"),
    (2, step(lambda y, a: int(y != a)), "same way for both"),
    (2, in_place, "Work on a copy"),
    (2, without_bias, "leaves its bias out"),
    (2, every_product, ""),
    (2, weight_by_weight, ""),
    (2, unit_step, ""),
    (2, bias_by_the_sum, ""),
    (2, step(lambda y, a: 3 * y * (y != a)), "w and b are not right"),
    (2, lambda w, b, x, y: (signed(w, b, x, y)[0], 2 * b - signed(w, b, x, y)[1]), "b is not"),
    (2, until_right, "w and b are not right"),
    (2, with_a_threshold, ""),
    (2, missed_examples_alone, "w and b are not right"),
    (2, lambda *a: (signed(*a)[0].round(), signed(*a)[1]), "label +1, w is not right"),
    (2, lambda *a: signed(*a)[0], "Return two things: the new w, the new b"),
    (2, lambda *a: np.append(*signed(*a)), "Return two things: the new w, the new b"),
    (2, lambda *a: signed(*a)[::-1], "The order"),
    (2, lambda *a: (signed(*a)[0][:2], 0), "w has shape (2,)"),
    (2, lambda *a: (signed(*a)[0].astype(int), signed(*a)[1]), ""),
    (3, net([-1, -2], [1, -1], -1, np.ones((2, 3))), "transposed"),
    (3, net([-1, -1, -1, -3], [1] * 4, -1, ODD.T), "transposed"),
    (3, net([-1, -2, -3], [1, -1, 1], -1, np.ones((2, 3))), "should have (3, d_out)"),
    (3, net([-1, -4, -9], [1, -1, 1], -1, ONES * [[1], [2], [3]]), "W1 is transposed"),
    (3, net([1, 2, 3], [1, -1, 1], 1), "threshold for a bias"),
    (3, net([-1, -2, -3], [1, -1, 1], 1), "threshold for a bias"),
    (3, net([0, -1, -2], [1, -1, 1], -0.5), "your net needs >"),
    (3, net([-1, -2, -3], [-1, 1, -1], 0), "even number"),
    (3, net([-1, -2, -3], [1, 0, 0], -1), "OR"),
    (3, net([-1, -2, -3], [0, 0, 1], -1), "AND"),
    (3, net([-1, -2, -3], [0, 1, 0], -1), "majority"),
    (3, net([-1, -2, -3], [0, 0, 0], 0), "always fires"),
    (3, net([-1, -2, -3], [0, 0, 0], -1), "never fires"),
    (3, net([-1, -2], [1, -1], -1, np.ones((3, 2))), "whether exactly one input is 1"),
    (
        3,
        net([-1, -2], [1, -1], -1, np.array([[1, 1], [1, 1], [0, 0]])),
        "XOR of inputs 1 and 2 alone",
    ),
    (3, net([-1, -3], [1, -1], -1, np.ones((3, 2))), "For (0, 1, 1) your net fires"),
    (3, net([-1, -2], [1, -1, 1], -1), "b1 has shape (2,)"),
    (3, net([-1, -2, -3], [[1], [-1], [1]], -1), "w2 has shape (3, 1)"),
    (3, lambda: (ONES, [-1, -2, -3]), "Return four things: W1, b1, w2, b2"),
    (3, lambda: (ONES, None, [1, -1, 1], -1), "b1 should hold numbers alone"),
    (4, lambda d: 2 ** (2**d), "number of all functions"),
    (4, lambda d: 2**d if d > 1 else 4, "number of examples"),
    (4, lambda d: count(d, constant=False), "the constant functions"),
    (4, count_corrected, "takes no correction"),
    (4, lambda d: 4 if d == 1 else 2 ** (2**d) - count(d), "no unit learns"),
    (4, lambda d: {1: 4, 2: 15}[d], "come in pairs"),
    (4, lambda d: count(d, max_epochs=7), "learned within 7 epochs"),
    (4, lambda d: count(d, max_epochs=2), "learned within 2 epochs"),
    (4, lambda d: count(d, max_epochs=4), "the constant functions"),
    (4, lambda d: count(2), "not the number"),
    (4, count_through_the_origin, ""),
    (4, lambda d: [count(d)], "The count has shape (1,)"),
    (4, lambda d: str(count(d)), "The count should hold numbers alone"),
    (4, lambda d: count(d) / 2 ** (2**d), ""),
    (5, lambda X: quadratic(X, ones=False), "column of ones"),
    (5, lambda X: quadratic(X, linear=False), "an input itself"),
    (5, lambda X: quadratic(X, squares=False), "a square"),
    (5, lambda X: PolynomialFeatures(2, interaction_only=True).fit_transform(X), "a square"),
    (5, lambda X: np.column_stack([np.ones(len(X)), X, X**2]), "product of two inputs"),
    (5, binomial, "factor 2"),
    (5, quadratic_of_two, "For n=5, d=3, an input itself"),
    (5, lambda X: quadratic(np.abs(X)), "an input itself"),
    (5, standardised, "an input itself"),
    (5, lambda X: np.abs(quadratic(X)), "an input itself"),
    (5, lambda X: quadratic(X).astype(int), ""),
    (5, quadratic_by_logarithms, "NaN"),
    (5, lambda X: quadratic(X).T, "transposed"),
    (5, lambda X: quadratic(X)[0], "a row for each example"),
    (5, lambda X: quadratic(X).squeeze(), "a row for each example"),
    (5, all_pairs, "a product of two inputs comes twice: the order"),
    (5, lambda X: np.column_stack([np.ones(len(X)), quadratic(X)]), "column of ones comes tw"),
    (5, lambda X: np.column_stack([quadratic(X), X**2]), "a square comes twice"),
    (5, neighbours_alone, "For n=5, d=3, a product of two inputs is missing"),
    (5, first_with_others, "For n=5, d=3, a product of two inputs is missing"),
    (5, lambda X: np.column_stack([quadratic(X), X**3]), "no term of degree 0 to 2"),
    (5, lambda X: {"Q": quadratic(X)}, "of type dict"),
]


def test_the_counts_of_functions_learned_within_few_epochs_are_what_learn_does() -> None:
    assert tuple(count(2, epochs) for epochs in (1, 2, 3, 4)) == LEARNED_WITHIN[2]
    assert count(2, 5) == 14
    assert [count(3, epochs) for epochs in (1, 10)] == [LEARNED_WITHIN[3][0], LEARNED_WITHIN[3][9]]
    assert count(3, 11) == 104
