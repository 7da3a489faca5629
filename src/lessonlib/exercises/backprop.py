"""Checks on backpropagation: slopes by hand, the error signal, a layer, a network."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call, new_rng
from lessonlib.exercises.answers import (
    OTHER,
    Mistake,
    Mistakes,
    close,
    difference,
    first_problem,
    numbers,
    parts,
    usual_mistake,
)
from lessonlib.network import TANH, forward, glorot, initialize, softmax

Array = npt.NDArray[Any]


# ---------------------------------------------------------------- a slope by hand


def check_slope(answer: Any) -> str | None:
    """Compare with the chain rule: every sign, each unit on and off, numbers that are 0."""
    nets = _networks(new_rng(3))
    results = []
    for net in nets.values():
        got = numbers(call(answer, net), "The result")
        if got.shape != ():
            return f"The result has shape {got.shape}: the derivative is one number."
        results.append(got)
    problem = first_problem(results, [(net,) for net in nets.values()], _slope, _wrong_slopes)
    if problem == OTHER:
        pairs = zip(nets.items(), results, strict=True)
        wrong = next(place for (place, net), got in pairs if not close(got, _slope(net)))
        return f"The numbers differ from what the chain rule gives, first with {wrong}."
    return _sentence(problem) if problem else None


def _networks(rng: np.random.Generator) -> dict[str, SimpleNamespace]:
    """Draw 2-2-1 networks, each with something special, and say what."""
    nets = {}
    for error, w_BC, x_2 in product((1, -1), repeat=3):
        relations = (f"z_C {'>' if error > 0 else '<'} y", f"w_BC {'>' if w_BC > 0 else '<'} 0")
        place = f"both units on, {', '.join(relations)} and x_2 {'>' if x_2 > 0 else '<'} 0"
        nets[place] = _network(rng, error, w_BC, x_2)
    return nets | {
        "unit B off": _network(rng, z_B=-0.75),
        "unit A off": _network(rng, z_A=-0.75),
        "both units off": _network(rng, z_A=-0.5, z_B=-0.5),
        "z_B exactly 0": _network(rng, z_B=0.0),
        "z_A exactly 0": _network(rng, z_A=0.0),
        "x_2 = 0": _network(rng, x_2=0),
        "w_BC = 0": _network(rng, w_BC=0),
        "z_C equal to y": _network(rng, error=0),
    }


def _network(
    rng: np.random.Generator,
    error: int = 1,
    w_BC: int = 1,
    x_2: int = 1,
    z_A: float | None = None,
    z_B: float | None = None,
) -> SimpleNamespace:
    """Make a 2-2-1 network and run it forward; of z_C - y, w_BC and x_2 the signs are given.

    All its numbers are quarters, so sums and products are exact and z_B can be exactly 0.
    """
    z_A, z_B = (float(rng.integers(1, 9)) / 4 if z is None else z for z in (z_A, z_B))
    names = ("x_1", "x_2", "w_1A", "w_2A", "w_1B", "w_2B", "w_AC", "w_BC", "b_C")
    sizes = rng.permutation(np.arange(2, 11)) / 4  # no two equal: each mistake gives its own number
    signs = dict(zip(names, rng.choice((-1, 1), size=len(names)), strict=True))
    signs |= {"x_2": x_2, "w_BC": w_BC}
    net = SimpleNamespace(
        **{name: float(signs[name] * size) for name, size in zip(names, sizes, strict=True)}
    )
    net.b_A = z_A - net.x_1 * net.w_1A - net.x_2 * net.w_2A
    net.b_B = z_B - net.x_1 * net.w_1B - net.x_2 * net.w_2B
    net.z_A = net.x_1 * net.w_1A + net.x_2 * net.w_2A + net.b_A
    net.z_B = net.x_1 * net.w_1B + net.x_2 * net.w_2B + net.b_B
    net.a_A, net.a_B = max(0, net.z_A), max(0, net.z_B)
    net.z_C = net.a_A * net.w_AC + net.a_B * net.w_BC + net.b_C
    net.y = net.z_C - error * float(rng.integers(3, 13)) / 4
    net.L = (net.z_C - net.y) ** 2 / 2
    return net


def _slope(net: SimpleNamespace, **changed: float) -> float:
    """Multiply the factors of the slope by w_2B, some of them changed."""
    factors = {"error": net.z_C - net.y, "w": net.w_BC, "gate": net.z_B > 0, "x": net.x_2}
    return float(np.prod(list((factors | changed).values())))


def _wrong_slopes(net: SimpleNamespace) -> dict[str, float]:
    """Return what usual mistakes make of the slope by w_2B, by what to say about them."""
    slope = partial(_slope, net)
    right, on, error = slope(), net.z_B > 0, net.z_C - net.y
    return {
        "The sign: does the loss grow or fall when z_C goes up?": -right,
        "Twice too large: the square is halved in (N.1).": 2 * right,
        "Unit B can be off: the slope of its ReLU is missing.": slope(gate=1),
        "Where z_B is exactly 0, the chapter takes another slope for ReLU.": slope(
            gate=net.z_B >= 0
        ),
        "The path goes through B: whose z opens and shuts its ReLU?": slope(gate=net.z_A > 0),
        "Unit A has a gate of its own, which is not on the path through B.": slope(
            gate=on and net.z_A > 0
        ),
        "That is the slope by w_1B: which input comes in?": slope(x=net.x_1),
        "The path goes through B, so not through w_AC.": slope(w=net.w_AC),
        "The weight from B to C is on the path too.": slope(w=1),
        "That is the slope at z_B: one factor is missing.": slope(x=1),
        "The value a_B belongs to the slope by w_BC: what does z_C grow by when a_B goes up?": (
            slope(w=net.a_B)
        ),
        "Start from the slope of L at z_C, not from L.": slope(error=net.L),
        "−4 is right for the numbers of the chapter only: compute it from net.": -4.0,
        "That is the slope of z_C, not yet that of the loss.": slope(error=1),
        "ReLU's slope is 1 or 0, not its value a_B.": slope(gate=net.a_B),
        "The label y is 1 in the chapter's example only: read net.y.": slope(error=net.z_C - 1),
        "The error is z_C minus the label: where is the label?": slope(error=net.z_C),
        "A derivative may be negative.": abs(right),
        "A derivative may be negative: it is 0 only where nothing passes.": max(0.0, right),
        "The output z_C may be too large or too small: its error has either sign.": slope(
            error=abs(error)
        ),
        "ReLU works on z, not on a weight: w_BC may be negative.": slope(w=max(0.0, net.w_BC)),
        "The weight w_BC may be negative, and its sign counts.": slope(w=abs(net.w_BC)),
    }


# ---------------------------------------------------------------- the first error signal


def check_logits_gradient(answer: Any) -> str | None:
    """Compare with (N.8): more examples than classes and fewer, classes absent, one example."""
    rng = new_rng(3)
    cases, results = [], []
    for n, classes, present in ((6, 4, 4), (3, 10, 10), (7, 5, 3), (4, 4, 4), (5, 2, 2), (1, 3, 3)):
        p = softmax(3 * rng.normal(size=(n, classes)))
        y = rng.integers(present, size=n)  # of the classes above `present` there is no example
        got = numbers(call(answer, p, y), "The result")
        cases.append((p, y))
        results.append(got)
        if problem := first_problem(results, cases, _logits_gradient, _wrong_logits_gradients):
            if got.shape == p.T.shape != p.shape:
                return "The result is transposed: a row for each example, as in p."
            if got.shape != p.shape and problem.startswith("the shape"):
                return f"The result has shape {got.shape}: one number for each logit is {p.shape}."
            return _sentence(problem)
    return None


def _logits_gradient(p: Array, y: Array) -> Array:
    return (p - np.eye(p.shape[1])[y]) / len(p)


def _wrong_logits_gradients(p: Array, y: Array) -> dict[str, Array]:
    """Return what usual mistakes make of the gradient, by what to say about them."""
    n, classes = p.shape
    Y, right = np.eye(classes)[y], _logits_gradient(p, y)
    everywhere = p.copy()
    everywhere[:, y] -= 1
    columns = "p[:, y] takes whole columns: choose one entry in each row."
    return {
        "The sign: a step against this gradient lowers the logit of the right class.": -right,
        "A factor 1/n is missing: the loss is the mean over the examples.": p - Y,
        "The sign is turned round, and a factor 1/n is missing.": Y - p,
        "The one-hot labels are missing: the right class of each example is not lowered.": p / n,
        "These are the probabilities themselves.": p,
        "You divide by the number of classes: divide by that of examples.": (p - Y) / classes,
        "You divide by n · K: the mean is over the examples only.": right / classes,
        "The factor 1/n comes twice.": right / n,
        "That is the gradient by the probabilities: go on through softmax.": -Y / p / n,
        "p (1 − p) is the slope of one probability by its own logit only.": p * (1 - p) / n,
        "p (1 − p) has cancelled in (N.7): nothing is left of it.": right * p * (1 - p),
        "p comes from softmax already: you take softmax once more.": (softmax(p) - Y) / n,
        "You lower the class that the network believes in most: that may not be the right one.": (
            p - np.eye(classes)[p.argmax(axis=1)]
        )
        / n,
        "You return the numbers of the right class alone: the other logits count too.": right[
            np.arange(n), y
        ],
        columns: everywhere / n,
        columns + " A factor 1/n is missing too.": everywhere,
    }


# ---------------------------------------------------------------- a layer


def check_layer_backward(answer: Any) -> str | None:
    """Compare with (N.14): square layers and others, one unit, one input, one example."""
    rng = new_rng(3)
    cases = []
    results: dict[str, list[Array]] = {name: [] for name in LAYER}
    for n, d_in, d_out in (
        (5, 3, 3),
        (5, 4, 2),
        (3, 2, 6),
        (4, 4, 4),
        (6, 5, 1),
        (2, 1, 3),
        (1, 4, 2),
    ):
        delta, z_below = rng.normal(size=(n, d_out)), rng.normal(size=(n, d_in))
        W = rng.normal(size=(d_in, d_out))
        cases.append((delta, z_below, W))
        result = call(answer, delta, z_below, W)
        three = parts(result, 3, "Return three arrays: dW, db and delta_below")
        got = [numbers(part, name) for name, part in zip(LAYER, three, strict=True)]
        if _in_another_order(got, [right(delta, z_below, W) for right, _ in LAYER.values()]):
            return "The order: dW comes first, then db, then delta_below."
        for (name, (right, wrong)), part in zip(LAYER.items(), got, strict=True):
            results[name].append(part)
            if problem := first_problem(results[name], cases, right, wrong):
                return f"{name}: {problem}"
    return None


def _in_another_order(got: list[Array], right: list[Array]) -> bool:
    """Say whether the arrays are right but for their order."""
    pairs = [(i, j) for i, g in enumerate(got) for j, r in enumerate(right) if close(g, r)]
    found = {i for i, _ in pairs} == {j for _, j in pairs} == set(range(len(right)))
    return found and any(not close(g, r) for g, r in zip(got, right, strict=True))


def _wrong_dW(delta: Array, z: Array, W: Array) -> dict[str, Array]:
    """Return what usual mistakes make of dW, by what to say about them."""
    a, slope, n = np.tanh(z), TANH.slope(z), len(z)
    return {
        "it is transposed: it must have the shape of W.": delta.T @ a,
        "the layer's input is the activation a, not the pre-activation.": z.T @ delta,
        "the weights meet a itself, not the slope of tanh.": slope.T @ delta,
        "the 1/n is in delta already.": a.T @ delta / n,
        "the sign: delta has the right one already.": -a.T @ delta,
        "only the first example has a part in it.": np.outer(a[0], delta[0]),
    }


def _wrong_db(delta: Array, z: Array, W: Array) -> dict[str, Array]:
    """Return what usual mistakes make of db, by what to say about them."""
    return {
        "the sum is missing: all examples share the biases.": delta,
        "a sum is needed, not a mean: the 1/n is in delta already.": delta.mean(axis=0),
        "add over the examples, not over the units.": delta.sum(axis=1),
        "there is a number for each unit: add over the examples only.": delta.sum(),
        "its shape should be that of b, (d_out,).": delta.sum(axis=0, keepdims=True),
        "the sign: delta has the right one already.": -delta.sum(axis=0),
    }


def _wrong_below(delta: Array, z: Array, W: Array) -> dict[str, Array]:
    """Return what usual mistakes make of delta_below, by what to say about them."""
    back, a, slope, n = delta @ W.T, np.tanh(z), TANH.slope(z), len(z)
    below = {
        "the slope of tanh is missing.": back,
        "multiply by the slope of tanh, not by tanh itself.": back * a,
        "the slope is taken at a: take it at z_below.": back * (1 - np.tanh(a) ** 2),
        "1 − tanh² is meant, and tanh is missing in it.": back * (1 - z**2),
        "1 − tanh² is meant, and the square is missing in it.": back * (1 - a),
        "multiply by the slope of tanh, not that of ReLU.": back * (z > 0),
        "the 1/n is in delta already.": back * slope / n,
        "the sign: delta has the right one already.": -back * slope,
        "it is transposed.": (back * slope).T,
    }
    if W.shape[0] == W.shape[1]:  # elsewhere NumPy refuses the product
        transposed = "W must be transposed"
        below[f"{transposed}: the sum is over the units of the layer."] = delta @ W * slope
        below[f"{transposed}, and the slope of tanh is missing."] = delta @ W
    return below


# Each part of the answer: what is right, and what usual mistakes give.
LAYER: dict[str, tuple[Callable[..., Array], Mistakes]] = {
    "dW": (lambda delta, z, W: np.tanh(z).T @ delta, _wrong_dW),
    "db": (lambda delta, z, W: delta.sum(axis=0), _wrong_db),
    "delta_below": (lambda delta, z, W: delta @ W.T * TANH.slope(z), _wrong_below),
}


# ---------------------------------------------------------------- the whole pass


def check_backward_squared(answer: Any) -> str | None:
    """Compare with the backward pass of six networks, the first with layers of equal sizes."""
    rng = new_rng(3)
    cases, results = [], []
    for n, sizes in (
        (5, (3, 3, 3, 3)),
        (6, (4, 2)),
        (6, (4, 3, 5, 2)),
        (3, (2, 4, 3)),
        (4, (3, 2, 1)),
        (1, (2, 3, 4, 2, 3)),
    ):
        W, b = initialize(sizes, rng, glorot)
        b = [rng.normal(size=b_l.shape) for b_l in b]
        a, z = forward(rng.normal(size=(n, sizes[0])), W, b, TANH)
        Y = rng.normal(size=z[-1].shape)
        result = _two_lists(call(answer, a, z, Y, W), len(W))
        dW, db = (
            _layers(part, name, len(W)) for name, part in zip(("dW", "db"), result, strict=True)
        )
        cases.append((a, z, Y, W))
        results.append(dW + db)
        right = _gradients(a, _signals((z[-1] - Y) / n, W, list(map(TANH.slope, z[:-1]))))
        if not _same(dW + db, right):
            return (
                _order_of_lists(dW, db, right)
                or usual_mistake(results, cases, _wrong_gradients, _same)
                or usual_mistake(results[-1:], cases[-1:], _wrong_gradients, _same)
                or _wrong_layer(dW, db, right)
            )
    return None


def _two_lists(result: Any, layers: int) -> tuple[Any, ...]:
    """Return the two lists, or raise Mistake."""
    wanted = "Return two lists: dW and db"
    if isinstance(result, tuple | list) and len(result) == layers != 2:
        pairs = [pair for pair in result if isinstance(pair, tuple | list) and len(pair) == 2]
        if len(pairs) == layers:
            raise Mistake(
                f"{wanted}: one list of all dW, one of all db, not a pair for each layer."
            )
    return parts(result, 2, wanted)


def _layers(part: Any, name: str, count: int) -> list[Array]:
    """Return the arrays of one of the two lists, or raise Mistake."""
    if not isinstance(part, tuple | list | np.ndarray) or len(part) != count:
        layers = "one layer" if count == 1 else f"{count} layers"
        raise Mistake(f"{name}: a network of {layers} needs a list of {count}, one array each.")
    return [numbers(array, f"{name}[{layer}]") for layer, array in enumerate(part)]


def _signals(delta: Array, W: Sequence[Array], slopes: Sequence[Array]) -> list[Array]:
    """Send the last layer's error signal back; entry l is that of the layer W[l]."""
    signals = [delta]
    for W_l, slope in zip(W[:0:-1], slopes[::-1], strict=True):
        signals.insert(0, signals[0] @ W_l.T * slope)
    return signals


def _products(a: Sequence[Array], signals: Sequence[Array]) -> list[Array]:
    return [a_l.T @ delta for a_l, delta in zip(a, signals, strict=True)]


def _gradients(a: Sequence[Array], signals: Sequence[Array]) -> list[Array]:
    """Return dW and db, one list, for the inputs of all layers and their error signals."""
    return _products(a, signals) + [delta.sum(axis=0) for delta in signals]


def _wrong_gradients(
    a: list[Array], z: list[Array], Y: Array, W: list[Array]
) -> dict[str, list[Array]]:
    """Return what usual mistakes make of dW and db, by what to say about them."""
    n = len(Y)
    signals = _signals((z[-1] - Y) / n, W, list(map(TANH.slope, z[:-1])))
    dW, db = _products(a, signals), [delta.sum(axis=0) for delta in signals]
    wrong = {text: _gradients(a, signal) for text, signal in _wrong_signals(a, z, Y, W).items()}
    return wrong | {
        "dW: what comes into a layer is the activation a, not the pre-activation z.": (
            _products([a[0], *z[:-1]], signals) + db
        ),
        "dW: a and delta are not of one layer.": _products([*a[1:], a[-1]], signals) + db,
        "dW and db: a and delta are not of one layer, delta is one too far down.": (
            _gradients(a, [signals[0], *signals[:-1]])
        ),
        "dW: each array is transposed: it must have the shape of its W.": [g.T for g in dW] + db,
        "dW is right, db lacks the factor 1/n.": dW + [n * g for g in db],
        "db: a sum over the examples is needed, not a mean: the 1/n is there already.": (
            dW + [g / n for g in db]
        ),
        "db: add over the examples, not over the units.": dW + [d.sum(axis=1) for d in signals],
        "db: the sum is missing: all examples share the biases.": dW + signals,
        "db: the shape of each array should be that of b, (d_out,).": dW + [g[None] for g in db],
    }


def _wrong_signals(
    a: list[Array], z: list[Array], Y: Array, W: list[Array]
) -> dict[str, list[Array]]:
    """Return what usual mistakes make of the error signals, by what to say about them."""
    delta = (z[-1] - Y) / len(Y)
    slopes = list(map(TANH.slope, z[:-1]))
    wrong_slopes = {
        "the slope of tanh is missing.": list(map(np.ones_like, z[:-1])),
        "the slope is taken at a, so tanh comes twice.": list(map(TANH.slope, a[1:])),
        "you multiply by tanh itself, not by its slope.": a[1:],
        "1 − tanh² is meant, and tanh is missing in it.": [1 - z_l**2 for z_l in z[:-1]],
        "1 − tanh² is meant, and the square is missing in it.": [1 - a_l for a_l in a[1:]],
        "the slope is that of tanh, not that of ReLU.": [z_l > 0 for z_l in z[:-1]],
    }
    wrong = {text: _signals(delta, W, slope) for text, slope in wrong_slopes.items()}
    wrong["the error signal never goes down a layer."] = [delta] * len(W)
    if len({size for W_l in W for size in W_l.shape}) == 1:  # elsewhere NumPy refuses
        across, above = [W_l.T for W_l in W], list(map(TANH.slope, z[1:]))
        wrong["on the way back W is transposed."] = _signals(delta, across, slopes)
        wrong["the slope is taken at the pre-activations of the wrong layer."] = _signals(
            delta, W, above
        )
    return {
        **{text: _signals(start, W, slopes) for text, start in _wrong_starts(z[-1], Y).items()},
        **{f"The last layer is right, those below are not: {text}": wrong[text] for text in wrong},
    }


def _wrong_starts(z: Array, Y: Array) -> dict[str, Array]:
    """Return what usual mistakes make of the last layer's error signal."""
    (n, K), error = Y.shape, z - Y
    return {
        "The sign: a step against these gradients makes the loss larger.": -error / n,
        "A factor 1/n is missing: the loss is a mean over the examples.": error,
        "Twice too large: there is a half in front of the square.": 2 * error / n,
        "Half of what it should be: differentiate the square, too.": error / 2 / n,
        "You divide by the number of outputs: divide by that of examples.": error / K,
        "You divide by n · K: the loss of this exercise has n only.": error / (n * K),
        "That is for the squared error of the forward-pass chapter: this one has another factor in "
        "front.": 2 * error / (n * K),
        "An output may be too large or too small: its error has either sign.": np.abs(error) / n,
        "The pass starts with the derivative of the loss, not with the loss itself.": (
            error**2 / 2 / n
        ),
        "This network has no softmax: its outputs are compared with Y as they are.": (
            (softmax(z) - Y) / n
        ),
        "The output has no tanh: it is compared with Y as it is.": (np.tanh(z) - Y) / n,
        "The output has no tanh, so there is no slope of tanh to multiply by.": (
            error * TANH.slope(z) / n
        ),
        "dW and db: the 1/n is in the error signal already, so it comes twice here.": error / n**2,
    }


def _order_of_lists(dW: list[Array], db: list[Array], right: list[Array]) -> str | None:
    """Say so when only the order of the arrays is wrong."""
    right_dW, right_db = right[: len(dW)], right[len(dW) :]
    if _same(dW + db, right_db + right_dW):
        return "The two are swapped: dW comes first, then db."
    if _same(dW + db, right_dW[::-1] + right_db[::-1]):
        return "The lists are in reverse order: entry 0 belongs to W[0]."
    for name, got, wanted in (("dW", dW, right_dW), ("db", db, right_db)):
        if len(got) > 1 and _same(got, wanted[::-1]):
            return f"{name} is in reverse order: entry 0 belongs to W[0]."
    return None


def _wrong_layer(dW: list[Array], db: list[Array], right: list[Array]) -> str | None:
    """Say what is wrong in the last layer where something is: there a pass begins."""
    for layer in reversed(range(len(dW))):
        for name, got, wanted in (
            ("dW", dW[layer], right[layer]),
            ("db", db[layer], right[len(dW) + layer]),
        ):
            if not got.any() and wanted.any():
                return f"{name}[{layer}]: all its numbers are 0: does the loop reach this layer?"
            if not close(got, wanted):
                return f"{name}[{layer}]: {difference(got, wanted)}"
    return None


def _same(got: list[Array], wanted: list[Array]) -> bool:
    """Say whether two lists hold the same arrays."""
    return len(got) == len(wanted) and all(map(close, got, wanted))


# ---------------------------------------------------------------- what two of them share


def _sentence(problem: str) -> str:
    """Begin with a capital letter what would follow a name elsewhere, and stands alone here."""
    return problem[0].upper() + problem[1:] if problem.startswith("the") else problem


# In the order of the exercises.
CHECKS: list[Check] = [
    check_slope,
    check_logits_gradient,
    check_layer_backward,
    check_backward_squared,
]
