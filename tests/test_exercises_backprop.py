"""Answers to the exercises on backpropagation; test_exercises.py tries them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from lessonlib.exercises.backprop import check_backward_squared
from lessonlib.network import softmax

Answer = Callable[..., Any]


# ---------------------------------------------------------------- a slope by hand


def slope(net: Any) -> Any:
    return (net.z_C - net.y) * net.w_BC * (net.z_B > 0) * net.x_2


def slope_kept_in_net(net: Any) -> Any:
    net.d_z_C = net.z_C - net.y
    net.d_a_B = net.d_z_C * net.w_BC
    net.d_z_B = net.d_a_B if net.z_B > 0 else 0
    net.d_w_2B = net.d_z_B * net.x_2
    return net.d_w_2B


def slope_in_branches(net: Any) -> Any:
    if net.z_B <= 0:
        return 0
    return net.x_2 * net.w_BC * (net.z_C - net.y)


def slope_after_a_forward_pass(net: Any) -> Any:
    net.z_A = net.x_1 * net.w_1A + net.x_2 * net.w_2A + net.b_A
    net.z_B = net.x_1 * net.w_1B + net.x_2 * net.w_2B + net.b_B
    net.a_A, net.a_B = max(0, net.z_A), max(0, net.z_B)
    net.z_C = net.a_A * net.w_AC + net.a_B * net.w_BC + net.b_C
    net.L = (net.z_C - net.y) ** 2 / 2
    return slope(net)


def slope_of_torch(net: Any) -> Any:
    w = torch.tensor(float(net.w_2B), requires_grad=True)
    a_B = torch.relu(net.x_1 * net.w_1B + net.x_2 * w + net.b_B)
    (0.5 * (net.a_A * net.w_AC + a_B * net.w_BC + net.b_C - net.y) ** 2).backward()
    return w.grad


def slope_by_differences(net: Any) -> Any:
    """Right wherever ReLU has a slope; at z_B = 0 the text asks for 0."""

    def loss(w_2B: float) -> float:
        a_B = max(0, net.x_1 * net.w_1B + net.x_2 * w_2B + net.b_B)
        return float((net.a_A * net.w_AC + a_B * net.w_BC + net.b_C - net.y) ** 2 / 2)

    if net.z_B == 0:
        return 0.0
    return (loss(net.w_2B + 1e-5) - loss(net.w_2B - 1e-5)) / 2e-5


def slope_changing_net(net: Any) -> Any:
    net.z_C -= net.y
    return net.z_C * net.w_BC * (net.z_B > 0) * net.x_2


# ---------------------------------------------------------------- the first error signal


def logits_gradient(p: Any, y: Any) -> Any:
    return (p - one_hot(p, y)) / len(y)


def one_hot(p: Any, y: Any) -> Any:
    return np.eye(p.shape[1])[y]


def logits_gradient_in_loops(p: Any, y: Any) -> Any:
    n, K = p.shape
    return [[(p[i][k] - (1 if y[i] == k else 0)) / n for k in range(K)] for i in range(n)]


def logits_gradient_of_torch(p: Any, y: Any) -> Any:
    z = torch.tensor(np.log(p), requires_grad=True)
    torch.nn.functional.cross_entropy(z, torch.tensor(y)).backward()
    return z.grad


def logits_gradient_the_long_way(p: Any, y: Any) -> Any:
    by_p = -one_hot(p, y) / p / len(y)
    slopes = p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])
    return np.einsum("ik,ikm->im", by_p, slopes)


def logits_gradient_in_place(p: Any, y: Any) -> Any:
    delta = p.astype(np.float32)
    delta[np.arange(len(y)), y] -= 1
    delta /= len(y)
    return delta


def columns(p: Any, y: Any) -> Any:
    p = p.copy()
    p[:, y] -= 1
    return p / len(y)


def rows(p: Any, y: Any) -> Any:
    delta = p.copy()
    for i in range(len(y)):
        delta[i % len(p)][y[0]] -= 1  # the label of the first example, in every row
    return delta / len(y)


def changes_p(p: Any, y: Any) -> Any:
    p[np.arange(len(y)), y] -= 1
    return p / len(y)


# ---------------------------------------------------------------- a layer


def layer(delta: Any, z: Any, W: Any) -> Any:
    a = np.tanh(z)
    return a.T @ delta, delta.sum(axis=0), delta @ W.T * (1 - a**2)


def layer_in_loops(delta: Any, z: Any, W: Any) -> Any:
    (n, d_in), d_out = z.shape, delta.shape[1]
    dW, db, below = np.zeros((d_in, d_out)), np.zeros(d_out), np.zeros((n, d_in))
    for i in range(n):
        for k in range(d_out):
            db[k] += delta[i, k]
            for j in range(d_in):
                dW[j, k] += np.tanh(z[i, j]) * delta[i, k]
                below[i, j] += delta[i, k] * W[j, k] / np.cosh(z[i, j]) ** 2
    return [dW.tolist(), db.tolist(), below.tolist()]


def layer_of_torch(delta: Any, z: Any, W: Any) -> Any:
    z, W = torch.tensor(z, requires_grad=True), torch.tensor(W, requires_grad=True)
    b = torch.zeros(W.shape[1], dtype=W.dtype, requires_grad=True)
    ((torch.tanh(z) @ W + b) * torch.tensor(delta)).sum().backward()
    return W.grad, b.grad, z.grad


def layer_in_float32(delta: Any, z: Any, W: Any) -> Any:
    return layer(*(part.astype(np.float32) for part in (delta, z, W)))


def layer_by_indices(delta: Any, z: Any, W: Any) -> Any:
    a = np.tanh(z)
    dW = np.einsum("ij,ik->jk", a, delta)
    below = np.einsum("ik,jk,ij->ij", delta, W, 1 - np.square(a))
    return dW, np.ones(len(z)) @ delta, below


def with_dW(wrong: Callable[[Any, Any], Any]) -> Answer:
    return lambda delta, z, W: (wrong(delta, z), *layer(delta, z, W)[1:])


def with_db(wrong: Callable[[Any], Any]) -> Answer:
    return lambda delta, z, W: (layer(delta, z, W)[0], wrong(delta), layer(delta, z, W)[2])


def with_below(wrong: Callable[[Any, Any, Any], Any]) -> Answer:
    return lambda delta, z, W: (*layer(delta, z, W)[:2], wrong(delta, z, W))


def tanh_slope(z: Any) -> Any:
    return 1 - np.tanh(z) ** 2


# ---------------------------------------------------------------- the whole pass


def squared(a: Any, z: Any, Y: Any, W: Any, slip: str = "") -> Any:
    """Run the whole pass; `slip` names the line that goes wrong."""
    n, K = Y.shape
    starts = {
        "no 1/n": z[-1] - Y,
        "sign": (Y - z[-1]) / n,
        "2": 2 * (z[-1] - Y) / n,
        "half": (z[-1] - Y) / n / 2,
        "1/K": (z[-1] - Y) / K,
        "1/(nK)": (z[-1] - Y) / (n * K),
        "2/(nK)": 2 * (z[-1] - Y) / (n * K),
        "softmax": (softmax(z[-1]) - Y) / n,
        "tanh": (np.tanh(z[-1]) - Y) / n,
        "output slope": (z[-1] - Y) / n * tanh_slope(z[-1]),
        "absolute": abs(z[-1] - Y) / n,
        "square": (z[-1] - Y) ** 2 / (2 * n),
        "1/n for dW only": z[-1] - Y,
    }
    delta = starts.get(slip, (z[-1] - Y) / n)
    dW: list[Any] = []
    db: list[Any] = []
    for layer in reversed(range(len(W))):
        x = z[layer - 1] if slip == "z for a" and layer else a[layer]
        x = a[min(layer + 1, len(W) - 1)] if slip == "a above" else x
        if slip == "delta below" and layer:
            below = delta @ W[layer].T * (1 - a[layer] ** 2)
            dW.insert(0, x.T @ below)
            db.insert(0, below.sum(0))
        else:
            dW.insert(0, delta.T @ x if slip == "transposed" else x.T @ delta)
            sums = {"mean": delta.mean(0), "units": delta.sum(1), "no sum": delta}
            sums["keepdims"] = delta.sum(0, keepdims=True)
            db.insert(0, sums.get(slip, delta.sum(0)))
        if slip in ("n twice", "1/n for dW only"):
            dW[0] = dW[0] / n
        if slip == "n twice":
            db[0] = db[0] / n
        if layer and slip != "same delta":
            delta = delta @ (W[layer] if slip == "W" else W[layer].T)
            if slip == "slope above":
                delta = delta * tanh_slope(z[layer])
            elif slip == "tanh for slope":
                delta = delta * a[layer]
            elif slip == "slope of a":
                delta = delta * tanh_slope(a[layer])
            elif slip == "1 - z**2":
                delta = delta * (1 - z[layer - 1] ** 2)
            elif slip == "relu":
                delta = delta * (z[layer - 1] > 0)
            elif slip != "no slope":
                delta = delta * (1 - a[layer] ** 2)
    return dW, db


def slipped(slip: str) -> Answer:
    return lambda a, z, Y, W: squared(a, z, Y, W, slip)


def squared_of_torch(a: Any, z: Any, Y: Any, W: Any) -> Any:
    weights = [torch.tensor(W_l, requires_grad=True) for W_l in W]
    biases = [
        torch.tensor((z_l - a_l @ W_l)[0], requires_grad=True)
        for a_l, z_l, W_l in zip(a, z, W, strict=True)
    ]
    out = torch.tensor(a[0])
    for W_l, b_l in zip(weights[:-1], biases[:-1], strict=True):
        out = torch.tanh(out @ W_l + b_l)
    out = out @ weights[-1] + biases[-1]
    (((out - torch.tensor(Y)) ** 2).sum() / (2 * len(Y))).backward()
    return [w.grad for w in weights], [b.grad for b in biases]


def squared_by_recursion(a: Any, z: Any, Y: Any, W: Any) -> Any:
    def below(layer: int, delta: Any) -> tuple[Any, Any]:
        here = (np.einsum("ij,ik->jk", a[layer], delta), delta.sum(axis=0))
        if layer == 0:
            return (here[0],), (here[1],)
        dW, db = below(
            layer - 1, np.tensordot(delta, W[layer], (1, 1)) / np.cosh(z[layer - 1]) ** 2
        )
        return (*dW, here[0]), (*db, here[1])

    return below(len(W) - 1, (z[-1] - Y) / len(Y))


def squared_in_float32(a: Any, z: Any, Y: Any, W: Any) -> Any:
    a, z, W = ([part.astype(np.float32) for part in parts] for parts in (a, z, W))
    return squared(a, z, Y.astype(np.float32), W)


def squared_as_lists(a: Any, z: Any, Y: Any, W: Any) -> Any:
    dW, db = squared(a, z, Y, W)
    return [[g.tolist() for g in dW], [g.tolist() for g in db]]


def changes_z(a: Any, z: Any, Y: Any, W: Any) -> Any:
    result = squared(a, z, Y, W)
    z[-1] -= Y
    return result


def without_the_first_layer(a: Any, z: Any, Y: Any, W: Any) -> Any:
    """Leave the first entry as it was prepared: the loop ends too early."""
    dW, db = squared(a, z, Y, W)
    return [None, *dW[1:]], [None, *db[1:]]


def zeros_in_the_first_layer(a: Any, z: Any, Y: Any, W: Any) -> Any:
    dW, db = squared(a, z, Y, W)
    return [np.zeros_like(W[0]), *dW[1:]], [0 * db[0], *db[1:]]


def for_two_layers_only(a: Any, z: Any, Y: Any, W: Any) -> Any:
    dW, db = squared(a, z, Y, W)
    return dW[:2], db[:2]


SOLUTIONS: dict[int, Answer] = {
    1: slope,
    2: logits_gradient,
    3: layer,
    4: squared,
}

RIGHT: list[tuple[int, Answer]] = [
    (1, slope_kept_in_net),
    (1, slope_in_branches),
    (1, slope_after_a_forward_pass),
    (1, slope_of_torch),
    (1, slope_by_differences),
    (1, lambda net: np.float32(slope(net))),
    (1, lambda net: np.array(slope(net))),
    (1, lambda net: net.z_B > 0 and (net.z_C - net.y) * net.w_BC * net.x_2),
    (1, lambda net: (net.z_C - net.y) * net.w_BC * np.sign(net.a_B) * net.x_2),
    (2, logits_gradient_in_loops),
    (2, logits_gradient_of_torch),
    (2, logits_gradient_the_long_way),
    (2, logits_gradient_in_place),
    (2, lambda p, y: p / len(y) - (y[:, None] == np.arange(p.shape[1])) / len(y)),
    (3, layer_in_loops),
    (3, layer_of_torch),
    (3, layer_in_float32),
    (3, layer_by_indices),
    (4, squared_of_torch),
    (4, squared_by_recursion),
    (4, squared_in_float32),
    (4, squared_as_lists),
    (4, lambda *record: tuple(map(tuple, squared(*record)))),
]

MISTAKES: list[tuple[int, Answer, str]] = [
    (1, lambda net: -slope(net), "The sign"),
    (1, lambda net: 2 * slope(net), "halved"),
    (1, lambda net: (net.z_C - net.y) * net.w_BC * net.x_2, "can be off"),
    (1, lambda net: (net.z_C - net.y) * net.w_BC * (net.z_B >= 0) * net.x_2, "exactly 0"),
    (1, lambda net: (net.z_C - net.y) * net.w_BC * (net.z_B > 0) * net.x_1, "which input"),
    (1, lambda net: (net.z_C - net.y) * net.w_AC * (net.z_B > 0) * net.x_2, "not through w_AC"),
    (1, lambda net: (net.z_C - net.y) * (net.z_B > 0) * net.x_2, "from B to C is on the path"),
    (1, lambda net: (net.z_C - net.y) * net.w_BC * (net.z_B > 0), "one factor is missing"),
    (1, lambda net: net.w_BC * (net.z_B > 0) * net.x_2, "slope of z_C"),
    (1, lambda net: slope(net) * net.a_B, "not its value"),
    (1, lambda net: (net.z_C - net.y) * net.a_B * (net.z_B > 0) * net.x_2, "when a_B goes up"),
    (1, lambda net: net.L * net.w_BC * (net.z_B > 0) * net.x_2, "not from L"),
    (1, lambda net: -4, "numbers of the chapter only"),
    (1, lambda net: (net.z_C - net.y) * net.w_BC * (net.z_A > 0) * net.x_2, "opens and shuts"),
    (
        1,
        lambda net: (net.z_C - net.y) * net.w_BC * (net.z_A > 0) * (net.z_B > 0) * net.x_2,
        "has a gate of its own",
    ),
    (1, lambda net: (net.z_C - 1) * net.w_BC * (net.z_B > 0) * net.x_2, "net.y"),
    (1, lambda net: abs(slope(net)), "may be negative"),
    (
        1,
        lambda net: abs(net.z_C - net.y) * net.w_BC * (net.z_B > 0) * net.x_2,
        "either sign",
    ),
    (
        1,
        lambda net: (net.z_C - net.y) * max(0, net.w_BC) * (net.z_B > 0) * net.x_2,
        "ReLU works on z, not on a weight",
    ),
    (1, lambda net: (net.z_C - net.y) * abs(net.w_BC) * (net.z_B > 0) * net.x_2, "sign counts"),
    (1, lambda net: max(0, slope(net)), "may be negative"),
    (1, lambda net: (net.z_C - net.y) * net.w_BC * (net.z_C > 0) * net.x_2, "differ"),
    (1, lambda net: net.z_C * net.w_BC * (net.z_B > 0) * net.x_2, "the label"),
    (
        1,
        lambda net: 2 * net.L / (net.z_C - net.y) * net.w_BC * (net.z_B > 0) * net.x_2,
        "ZeroDivisionError",
    ),
    (1, lambda net: slope(net) + 1, "differ"),
    (1, lambda net: np.ones(3), "one number"),
    (1, lambda net: {"w_2B": slope(net)}, "one number, got dict"),
    (1, lambda net: float("nan"), "NaN"),
    (1, slope_changing_net, "changes what it is given"),
    (2, lambda p, y: -logits_gradient(p, y), "The sign"),
    (2, lambda p, y: p - one_hot(p, y), "1/n is missing"),
    (2, lambda p, y: one_hot(p, y) - p, "turned round"),
    (2, lambda p, y: p / len(y), "one-hot labels are missing"),
    (2, lambda p, y: p, "probabilities themselves"),
    (2, lambda p, y: (p - one_hot(p, y)) / p.shape[1], "number of classes"),
    (2, lambda p, y: logits_gradient(p, y) / p.shape[1], "n · K"),
    (2, lambda p, y: logits_gradient(p, y) / len(y), "twice"),
    (2, lambda p, y: -one_hot(p, y) / p / len(y), "by the probabilities"),
    (2, lambda p, y: p * (1 - p) / len(y), "own logit only"),
    (2, lambda p, y: logits_gradient(p, y) * p * (1 - p), "has cancelled"),
    (2, lambda p, y: (softmax(p) - one_hot(p, y)) / len(y), "softmax already"),
    (2, lambda p, y: (p - one_hot(p, p.argmax(axis=1))) / len(y), "believes in most"),
    (2, lambda p, y: (p - np.eye(y.max() + 1)[y]) / len(y), "ValueError"),
    (
        2,
        lambda p, y: (p - np.eye(len(set(y)))[np.unique(y, return_inverse=True)[1]]) / 6,
        "ValueError",
    ),
    (2, lambda p, y: (p - one_hot(p, y)) / 6, ""),
    (2, rows, ""),
    (2, columns, "whole columns"),
    (2, lambda p, y: len(y) * columns(p, y), "whole columns"),
    (2, changes_p, "Work on a copy"),
    (2, lambda p, y: logits_gradient(p, y).T, "transposed"),
    (2, lambda p, y: logits_gradient(p, y).mean(axis=0), "for each logit"),
    (2, lambda p, y: (p[np.arange(len(y)), y] - 1) / len(y), "right class alone"),
    (2, lambda p, y: {"delta": logits_gradient(p, y)}, "got dict"),
    (2, lambda p, y: logits_gradient(p, y) + 1, "differ"),
    (3, with_dW(lambda delta, z: delta.T @ np.tanh(z)), "dW: it is transposed"),
    (3, with_dW(lambda delta, z: z.T @ delta), "not the pre-activation"),
    (3, with_dW(lambda delta, z: tanh_slope(z).T @ delta), "not the slope"),
    (3, with_dW(lambda delta, z: np.tanh(z).T @ delta / len(z)), "dW: the 1/n"),
    (3, with_dW(lambda delta, z: -np.tanh(z).T @ delta), "dW: the sign"),
    (3, with_dW(lambda delta, z: np.tanh(z)[0][:, None] * delta[0]), "dW: only the first"),
    (3, with_db(lambda delta: delta), "db: the sum is missing"),
    (3, with_db(lambda delta: delta.mean(axis=0)), "not a mean"),
    (3, with_db(lambda delta: delta.sum(axis=1)), "not over the units"),
    (3, with_db(lambda delta: delta.sum()), "a number for each unit"),
    (3, with_db(lambda delta: delta.sum(axis=0, keepdims=True)), "(d_out,)"),
    (3, with_below(lambda delta, z, W: delta @ W.T), "slope of tanh is missing"),
    (3, with_below(lambda delta, z, W: delta @ W.T * np.tanh(z)), "not by tanh itself"),
    (
        3,
        with_below(lambda delta, z, W: delta @ W.T * tanh_slope(np.tanh(z))),
        "take it at z_below",
    ),
    (3, with_below(lambda delta, z, W: delta @ W.T * (1 - z**2)), "tanh is missing in it"),
    (3, with_below(lambda delta, z, W: delta @ W.T * (1 - np.tanh(z))), "the square"),
    (3, with_below(lambda delta, z, W: delta @ W.T * (z > 0)), "of tanh, not that of ReLU"),
    (3, with_below(lambda delta, z, W: layer(delta, z, W)[2] / len(z)), "below: the 1/n"),
    (3, with_below(lambda delta, z, W: delta @ W * tanh_slope(z)), "W must be transposed:"),
    (3, with_below(lambda delta, z, W: delta @ W), "transposed, and the slope"),
    (3, with_below(lambda delta, z, W: layer(delta, z, W)[2].T), "it is transposed"),
    (3, lambda delta, z, W: layer(delta, z, W)[0], "three arrays"),
    (3, lambda delta, z, W: layer(delta, z, W)[:2], "three arrays"),
    (3, lambda *given: layer(*given)[::-1], "The order"),
    (3, lambda *given: (layer(*given)[1], layer(*given)[0], layer(*given)[2]), "The order"),
    (
        3,
        lambda *given: dict(zip(("dW", "db", "delta_below"), layer(*given), strict=True)),
        "got dict",
    ),
    (4, slipped("no 1/n"), "A factor 1/n is missing"),
    (4, slipped("sign"), "The sign"),
    (4, slipped("2"), "Twice too large"),
    (4, slipped("half"), "Half of what it should be"),
    (4, slipped("1/K"), "number of outputs"),
    (4, slipped("1/(nK)"), "n only"),
    (4, slipped("2/(nK)"), "the squared error of the forward-pass chapter"),
    (4, slipped("softmax"), "no softmax"),
    (4, slipped("tanh"), "no tanh: it is"),
    (4, slipped("output slope"), "no tanh, so there is no slope"),
    (4, slipped("absolute"), "either sign"),
    (4, slipped("square"), "the loss itself"),
    (4, slipped("1/n for dW only"), "db lacks"),
    (4, slipped("z for a"), "not the pre-activation z"),
    (4, slipped("a above"), "not of one layer"),
    (4, slipped("delta below"), "not of one layer"),
    (4, slipped("transposed"), "each array is transposed"),
    (4, slipped("n twice"), "comes twice here"),
    (4, slipped("mean"), "not a mean"),
    (4, slipped("units"), "not over the units"),
    (4, slipped("no sum"), "the sum is missing"),
    (4, slipped("keepdims"), "(d_out,)"),
    (4, slipped("W"), "W is transposed"),
    (4, slipped("no slope"), "slope of tanh is missing"),
    (4, slipped("slope above"), "of the wrong layer"),
    (4, slipped("slope of a"), "tanh comes twice"),
    (4, slipped("tanh for slope"), "tanh itself"),
    (4, slipped("1 - z**2"), "tanh is missing in it"),
    (4, slipped("relu"), "not that of ReLU"),
    (4, slipped("same delta"), "never goes down"),
    (4, lambda *r: [part[::-1] for part in squared(*r)], "The lists are in reverse order"),
    (4, lambda *r: (squared(*r)[0][::-1], squared(*r)[1]), "dW is in reverse order"),
    (4, lambda *r: (squared(*r)[0], squared(*r)[1][::-1]), "db is in reverse order"),
    (4, lambda *r: squared(*r)[::-1], "swapped"),
    (4, lambda *r: list(zip(*squared(*r), strict=True)), "one list of all dW"),
    (4, lambda *r: squared(*r)[0], "Return two lists"),
    (4, lambda *r: {"dW": squared(*r)[0], "db": squared(*r)[1]}, "got dict"),
    (4, lambda *r: (squared(*r)[0][-1:], squared(*r)[1]), "dW: a network of 3 layers"),
    (4, for_two_layers_only, "dW: a network of 3 layers"),
    (4, without_the_first_layer, "dW[0] is None"),
    (4, zeros_in_the_first_layer, "dW[0]: all its numbers are 0"),
    (
        4,
        lambda a, z, Y, W: (squared(a, z, Y, W)[0], [W[0][0]] * 3),
        "db[2]: the numbers differ",
    ),
    (4, lambda *r: ([g * np.nan for g in squared(*r)[0]], squared(*r)[1]), "NaN"),
    (4, changes_z, "Work on a copy"),
]


@pytest.mark.parametrize("slip", ["no 1/n", "softmax", "z for a", "no slope"])
def test_a_slip_is_named_in_a_network_of_different_sizes_too(slip: str) -> None:
    def answer(a: Any, z: Any, Y: Any, W: Any) -> Any:
        return squared(a, z, Y, W, slip if len({w.shape for w in W}) == len(W) > 1 else "")

    message = check_backward_squared(answer)
    assert message == check_backward_squared(slipped(slip))
    assert "differ" not in str(message)
