"""Chapter 3, Backpropagation: slopes by hand, the error signal, a layer, a network, momentum."""

from itertools import product
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, Mistake, call, floats
from lessonlib.network import TANH, forward, glorot, initialize, softmax

Array = npt.NDArray[Any]


class Case(NamedTuple):
    """What an answer gave for one input, what is right, and what each usual mistake gives."""

    got: Array
    right: Array
    mistakes: dict[str, Array]  # the message for the learner, and the array of that mistake


# ---------------------------------------------------------------- 3.1: a slope by hand


def check_slope(answer: Any) -> str | None:
    """Compare with the chain rule: every sign, each unit on and off, numbers that are 0."""
    rng = np.random.default_rng(3)
    cases: list[Case] = []
    nets = _networks(rng)
    for net in nets.values():
        got = _numbers(call(answer, net), "The result")
        if got.shape != ():
            return f"The result has shape {got.shape}: the derivative is one number."
        cases.append(Case(got, *_slopes(net)))
    problem = _explain(cases)
    if problem == OTHER:
        wrong = next(place for place, case in zip(nets, cases, strict=True) if not _right(case))
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


def _slopes(net: SimpleNamespace) -> tuple[Array, dict[str, Array]]:
    """Return the right slope by w_2B, and wrong ones by what to say about them."""
    on, error = net.z_B > 0, net.z_C - net.y

    def slope(
        error: float = error, w: float = net.w_BC, gate: float = on, x: float = net.x_2
    ) -> float:
        return error * w * gate * x

    right = slope()
    mistakes = {
        "The sign: does the loss grow or fall when z_C goes up?": -right,
        "Twice too large: the square is halved in (3.1).": 2 * right,
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
    return np.asarray(right), {message: np.asarray(v) for message, v in mistakes.items()}


# ---------------------------------------------------------------- 3.2: the first error signal


def check_logits_gradient(answer: Any) -> str | None:
    """Compare with (3.8): more examples than classes and fewer, classes absent, one example."""
    rng = np.random.default_rng(3)
    cases: list[Case] = []
    for n, classes, present in ((6, 4, 4), (3, 10, 10), (7, 5, 3), (4, 4, 4), (5, 2, 2), (1, 3, 3)):
        p = softmax(3 * rng.normal(size=(n, classes)))
        y = rng.integers(present, size=n)  # of the classes above `present` there is no example
        got = _numbers(call(answer, p, y), "The result")
        cases.append(Case(got, *_logits_gradients(p, y)))
        if problem := _explain(cases):
            if got.shape == p.T.shape != p.shape:
                return "The result is transposed: a row for each example, as in p."
            if got.shape != p.shape and problem.startswith("the shape"):
                return f"The result has shape {got.shape}: one number for each logit is {p.shape}."
            return _sentence(problem)
    return None


def _logits_gradients(p: Array, y: Array) -> tuple[Array, dict[str, Array]]:
    """Return the right gradient, and wrong ones by what to say about them."""
    n, classes = p.shape
    Y = np.eye(classes)[y]
    right = (p - Y) / n
    everywhere = p.copy()
    everywhere[:, y] -= 1
    columns = "p[:, y] takes whole columns: choose one entry in each row."
    return right, {
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
        "p (1 − p) has cancelled in (3.7): nothing is left of it.": right * p * (1 - p),
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


# ---------------------------------------------------------------- 3.3: a layer


def check_layer_backward(answer: Any) -> str | None:
    """Compare with (3.14): square layers and others, one unit, one input, one example."""
    rng = np.random.default_rng(3)
    names = ("dW", "db", "delta_below")
    cases: dict[str, list[Case]] = {name: [] for name in names}
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
        result = call(answer, delta, z_below, W)
        parts = _parts(result, 3, "Return three arrays: dW, db and delta_below")
        got = [_numbers(part, name) for name, part in zip(names, parts, strict=True)]
        wanted = _layer_backward(delta, z_below, W)
        if _in_another_order(got, [right for right, _ in wanted]):
            return "The order: dW comes first, then db, then delta_below."
        for name, part, (right, mistakes) in zip(names, got, wanted, strict=True):
            cases[name].append(Case(part, right, mistakes))
            if problem := _explain(cases[name]):
                return f"{name}: {problem}"
    return None


def _in_another_order(got: list[Array], right: list[Array]) -> bool:
    """Say whether the arrays are right but for their order."""
    pairs = [(i, j) for i, g in enumerate(got) for j, r in enumerate(right) if _close(g, r)]
    found = {i for i, _ in pairs} == {j for _, j in pairs} == set(range(len(right)))
    return found and any(not _close(g, r) for g, r in zip(got, right, strict=True))


def _layer_backward(delta: Array, z: Array, W: Array) -> list[tuple[Array, dict[str, Array]]]:
    """Return dW, db and delta_below, each with wrong ones by what to say about them."""
    a, n = np.tanh(z), len(z)
    back, slope = delta @ W.T, 1 - np.tanh(z) ** 2
    dW = {
        "it is transposed: it must have the shape of W.": delta.T @ a,
        "the layer's input is the activation a, not the pre-activation.": z.T @ delta,
        "the weights meet a itself, not the slope of tanh.": slope.T @ delta,
        "the 1/n is in delta already.": a.T @ delta / n,
        "the sign: delta has the right one already.": -a.T @ delta,
        "only the first example has a part in it.": np.outer(a[0], delta[0]),
    }
    db = {
        "the sum is missing: all examples share the biases.": delta,
        "a sum is needed, not a mean: the 1/n is in delta already.": delta.mean(axis=0),
        "add over the examples, not over the units.": delta.sum(axis=1),
        "there is a number for each unit: add over the examples only.": delta.sum(),
        "its shape should be that of b, (d_out,).": delta.sum(axis=0, keepdims=True),
        "the sign: delta has the right one already.": -delta.sum(axis=0),
    }
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
    return [(a.T @ delta, dW), (delta.sum(axis=0), db), (back * slope, below)]


# ---------------------------------------------------------------- 3.4: the whole pass


class Record(NamedTuple):
    """What `backward_squared` is given, and what the answer made of it."""

    a: list[Array]
    z: list[Array]
    Y: Array
    W: list[Array]
    dW: list[Array]
    db: list[Array]


def check_backward_squared(answer: Any) -> str | None:
    """Compare with the backward pass of six networks, the first with layers of equal sizes."""
    rng = np.random.default_rng(3)
    seen: list[Record] = []
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
        result = _parts(call(answer, a, z, Y, W), 2, "Return two lists: dW and db", len(W))
        dW, db = (
            _layers(part, name, len(W)) for name, part in zip(("dW", "db"), result, strict=True)
        )
        seen.append(Record(a, z, Y, W, dW, db))
        if problem := _explain_pass(seen):
            return problem
    return None


def _layers(part: Any, name: str, count: int) -> list[Array]:
    """Return the arrays of one of the two lists, or raise Mistake."""
    if not isinstance(part, tuple | list | np.ndarray) or len(part) != count:
        layers = "one layer" if count == 1 else f"{count} layers"
        raise Mistake(f"{name}: a network of {layers} needs a list of {count}, one array each.")
    return [_numbers(array, f"{name}[{layer}]") for layer, array in enumerate(part)]


# What may be wrong in a backward pass for the squared loss; `_backward_squared` makes each slip.
SLIPS = {
    "sign": "The sign: a step against these gradients makes the loss larger.",
    "no 1/n": "A factor 1/n is missing: the loss is a mean over the examples.",
    "2": "Twice too large: there is a half in front of the square.",
    "half": "Half of what it should be: differentiate the square, too.",
    "1/K": "You divide by the number of outputs: divide by that of examples.",
    "1/(nK)": "You divide by n · K: the loss of this exercise has n only.",
    "2/(nK)": "That is for the loss (2.16) of chapter 2: this one has another factor in front.",
    "absolute": "An output may be too large or too small: its error has either sign.",
    "square": "The pass starts with the derivative of the loss, not with the loss itself.",
    "softmax": "This network has no softmax: its outputs are compared with Y as they are.",
    "tanh at the output": "The output has no tanh: it is compared with Y as it is.",
    "slope at the output": "The output has no tanh, so there is no slope of tanh to multiply by.",
    "z for a": "dW: what comes into a layer is the activation a, not the pre-activation z.",
    "a from above": "dW: a and delta are not of one layer.",
    "delta from below": "dW and db: a and delta are not of one layer, delta is one too far down.",
    "transposed": "dW: each array is transposed: it must have the shape of its W.",
    "n twice": "dW and db: the 1/n is in the error signal already, so it comes twice here.",
    "1/n for dW only": "dW is right, db lacks the factor 1/n.",
    "mean": "db: a sum over the examples is needed, not a mean: the 1/n is there already.",
    "over units": "db: add over the examples, not over the units.",
    "no sum": "db: the sum is missing: all examples share the biases.",
    "rows": "db: the shape of each array should be that of b, (d_out,).",
    "W": "The last layer is right, those below are not: on the way back W is transposed.",
    "no slope": "The last layer is right, those below are not: the slope of tanh is missing.",
    "slope above": "The last layer is right, those below are not: the slope is taken at the "
    "pre-activations of the wrong layer.",
    "slope of a": "The last layer is right, those below are not: the slope is taken at a, so "
    "tanh comes twice.",
    "tanh for slope": "The last layer is right, those below are not: you multiply by tanh itself, "
    "not by its slope.",
    "1 - z²": "The last layer is right, those below are not: 1 − tanh² is meant, and tanh is "
    "missing in it.",
    "1 - a": "The last layer is right, those below are not: 1 − tanh² is meant, and the square is "
    "missing in it.",
    "slope of ReLU": "The last layer is right, those below are not: the slope is that of tanh, "
    "not that of ReLU.",
    "same delta": "The last layer is right, those below are not: the error signal never goes "
    "down a layer.",
}
SQUARE = ("a from above", "delta from below", "W", "slope above", "same delta")  # or nothing fits


def _explain_pass(seen: list[Record]) -> str | None:
    """Say what is wrong with the backward pass seen last; None when it is right."""
    last = seen[-1]
    right_dW, right_db = _backward_squared(last, "")
    if _same(last.dW, right_dW) and _same(last.db, right_db):
        return None
    if _same(last.dW, right_db) and _same(last.db, right_dW):
        return "The two are swapped: dW comes first, then db."
    turned = [_same(last.dW, right_dW[::-1]), _same(last.db, right_db[::-1])]
    if all(turned):
        return "The lists are in reverse order: entry 0 belongs to W[0]."
    for name, backwards in zip(("dW", "db"), turned, strict=True):
        if backwards and len(last.W) > 1:
            return f"{name} is in reverse order: entry 0 belongs to W[0]."
    for records in (seen, seen[-1:]):  # a slip that explains all networks goes first
        for slip, message in SLIPS.items():
            if all(_made(record, slip) for record in records):
                return message
    for layer in reversed(range(len(last.W))):
        for name, got, right in (("dW", last.dW, right_dW), ("db", last.db, right_db)):
            if not got[layer].any() and right[layer].any():
                return f"{name}[{layer}]: all its numbers are 0: does the loop reach this layer?"
            if problem := _explain([Case(got[layer], right[layer], {})]):
                return f"{name}[{layer}]: {problem}"
    return None


def _made(record: Record, slip: str) -> bool:
    """Say whether a record is what this slip gives; where the slip can't be made, whether right."""
    equal = len({size for w in record.W for size in w.shape}) == 1
    wrong_dW, wrong_db = _backward_squared(record, slip if equal or slip not in SQUARE else "")
    return _same(record.dW, wrong_dW) and _same(record.db, wrong_db)


def _backward_squared(record: Record, slip: str) -> tuple[list[Array], list[Array]]:
    """Run the backward pass for the loss 1/(2n) sum (z - Y)^2, with a slip or with none ("")."""
    a, z, W = record.a, record.z, record.W
    delta, n = _first_delta(z[-1], record.Y, slip), len(record.Y)
    dW: list[Array] = []
    db: list[Array] = []
    for layer in reversed(range(len(W))):
        below = max(layer - 1, 0)
        entered = z[below] if slip == "z for a" and layer > 0 else a[layer]
        entered = a[min(layer + 1, len(a) - 1)] if slip == "a from above" else entered
        step = delta @ W[layer].T * TANH.slope(z[below]) if layer > 0 else delta
        used = step if slip == "delta from below" else delta
        product = used.T @ entered if slip == "transposed" else entered.T @ used
        sums = {
            "mean": used.mean(axis=0),
            "over units": used.sum(axis=1),
            "no sum": used,
            "rows": used.sum(axis=0, keepdims=True),
        }
        dW.insert(0, product / (n if slip in ("n twice", "1/n for dW only") else 1))
        db.insert(0, sums.get(slip, used.sum(axis=0)) / (n if slip == "n twice" else 1))
        if layer > 0 and slip != "same delta":
            slopes = {
                "no slope": np.ones_like(z[below]),
                "slope above": TANH.slope(z[layer]),
                "slope of a": TANH.slope(a[layer]),
                "tanh for slope": a[layer],
                "1 - z²": 1 - z[below] ** 2,
                "1 - a": 1 - a[layer],
                "slope of ReLU": z[below] > 0,
            }
            back = W[layer] if slip == "W" else W[layer].T
            delta = delta @ back * slopes.get(slip, TANH.slope(z[below]))
    return dW, db


def _first_delta(z: Array, Y: Array, slip: str) -> Array:
    """Start a backward pass at the outputs z, with a slip or with none ("")."""
    n, K = Y.shape
    factors = {"sign": -1 / n, "no 1/n": 1, "1/n for dW only": 1, "2": 2 / n, "half": 0.5 / n}
    factors |= {"1/K": 1 / K, "1/(nK)": 1 / (n * K), "2/(nK)": 2 / (n * K)}
    outputs = {"softmax": softmax(z), "tanh at the output": np.tanh(z)}
    error: Array = outputs.get(slip, z) - Y
    error = {"absolute": np.abs(error), "square": error**2 / 2}.get(slip, error)
    error = error * TANH.slope(z) if slip == "slope at the output" else error
    delta: Array = error * factors.get(slip, 1 / n)
    return delta


def _same(got: list[Array], wanted: list[Array]) -> bool:
    """Say whether two lists hold the same arrays."""
    return all(_close(g, w) for g, w in zip(got, wanted, strict=True))


# ---------------------------------------------------------------- 3.5: momentum with weight decay


def check_momentum_step(answer: Any) -> str | None:
    """Compare with (3.22) and (3.24): arrays of several shapes and sizes, and each setting 0."""
    rng = np.random.default_rng(3)
    new_w: list[Case] = []
    new_m: list[Case] = []
    for shape, size, lr, beta, decay in (
        ((2, 3), 1, 0.2, 0.7, 0.3),
        ((4,), 1, 0.05, 0.6, 0.1),
        ((3, 2, 2), 1e4, 0.01, 0.9, 0.02),
        ((5,), 1e-4, 0.5, 0.95, 0.01),
        ((1,), 1, 0.3, 0.8, 0.0),
        ((2, 4), 1, 0.1, 0.0, 0.2),
    ):
        w, g, m = size * rng.normal(size=(3, *shape))
        m = 0 * m if shape == (1,) else m  # as before the first step
        result = call(answer, w, g, m, lr, beta, decay)
        parts = _parts(result, 2, "Return two arrays: the new w and the new m")
        got_w, got_m = (_numbers(p, f"The new {x}") for x, p in zip("wm", parts, strict=True))
        for name, got in (("w", got_w), ("m", got_m)):
            if got.shape != w.shape:
                return f"The new {name} has shape {got.shape}: it should be {w.shape}, as before."
        new = beta * m + g + decay * w
        if _close(got_w, new) and _close(got_m, w - lr * new):
            return "The two are swapped: w comes first, then m."
        new_m.append(Case(got_m, new, _wrong_m(w, g, m, lr, beta, decay)))
        if problem := _explain(new_m):
            return f"The new m: {problem}"
        new_w.append(Case(got_w, w - lr * new, _wrong_w(w, g, m, lr, beta, decay)))
        if problem := _explain(new_w):
            return f"The new w: {problem}"
    return None


def _wrong_m(
    w: Array, g: Array, m: Array, lr: float, beta: float, decay: float
) -> dict[str, Array]:
    """Return what usual mistakes make of the new m, by what to say about them."""
    downhill = "in (3.22) m adds up gradients, not steps downhill."
    return {
        "there is no decay in it: it is a part of the gradient.": beta * m + g,
        "the sign of the decay: the step should shrink the weights.": beta * m + g - decay * w,
        "the decay is twice too large: mind the half in λ/2.": beta * m + g + 2 * decay * w,
        "the decay is half of what it should be.": beta * m + g + decay / 2 * w,
        "η has no place in the decay: it enters in the step of w.": beta * m + g + lr * decay * w,
        "the decay is the square of w here: its derivative is needed.": beta * m + g + decay * w**2,
        "the decay is half the square of w here: its derivative is needed.": beta * m
        + g
        + decay / 2 * w**2,
        "the decay takes of w only its sign.": beta * m + g + decay * np.sign(w),
        "λ alone is added: the decay depends on w.": beta * m + g + decay,
        "β and λ are exchanged.": decay * m + g + beta * w,
        "(3.22) keeps a sum, without the factor 1 − β.": beta * m + (1 - beta) * (g + decay * w),
        "β belongs to the old m only.": beta * (m + g + decay * w),
        "the old m fades: multiply it by β.": m + g + decay * w,
        "the old m has been dropped.": g + decay * w,
        downhill: beta * m - lr * (g + decay * w),
        downhill + " Where does η enter?": beta * m - g - decay * w,
        "in (3.22) η enters in the step of w, not in m.": beta * m + lr * (g + decay * w),
        "that is the m from before the step: the next step needs the new one.": m,
    }


def _wrong_w(
    w: Array, g: Array, m: Array, lr: float, beta: float, decay: float
) -> dict[str, Array]:
    """Return what usual mistakes make of the new w, by what to say about them."""
    new = beta * m + g + decay * w
    return {
        "the step goes uphill: subtract.": w + lr * new,
        "the learning rate is missing.": w - new,
        "it was moved by the m from before the step.": w - lr * m,
        "it should move along m, not along the gradient alone.": w - lr * (g + decay * w),
        "it should move along m, decay included.": w - lr * g,
        "the decay is taken twice: it is in m already.": w - lr * new - lr * decay * w,
        "it is moved a step further than (3.22): along m alone.": w
        - lr * (beta * new + g + decay * w),
        "that is the change alone, not the new weights.": -lr * new,
        "it has not moved.": w,
    }


# ---------------------------------------------------------------- what all of them share

OTHER = "the numbers differ from what the equation gives."


def _parts(result: Any, count: int, wanted: str, layers: int = 0) -> tuple[Any, ...]:
    """Return the entries of a tuple or a list, or raise Mistake: say what was `wanted`."""
    if isinstance(result, tuple | list) and len(result) == count:
        return tuple(result)
    if layers and isinstance(result, tuple | list) and len(result) == layers:
        pairs = [part for part in result if isinstance(part, tuple | list) and len(part) == count]
        if len(pairs) == layers:
            raise Mistake(
                f"{wanted}: one list of all dW, one of all db, not a pair for each layer."
            )
    sized = isinstance(result, tuple | list | dict)
    entries = f" of {len(result)}" if sized and not isinstance(result, dict) else ""
    raise Mistake(f"{wanted}, got {type(result).__name__}{entries}.")


def _numbers(value: Any, name: str) -> Array:
    """Turn an array, a number, a list of them or a tensor into floats, or raise Mistake."""
    if value is None:
        raise Mistake(f"{name} is None: was it never computed?")
    array = floats(value)
    if array is None:
        kind = type(value).__name__
        raise Mistake(f"{name} should be an array of numbers or one number, got {kind}.")
    return array


def _close(got: Array, wanted: Array) -> bool:
    """Compare two arrays to the digits of a float32, beside their largest number."""
    if got.shape != wanted.shape or not np.isfinite(got).all():
        return False
    size = np.abs(wanted).max(initial=0)
    return bool((np.abs(got - wanted) <= 1e-5 * size).all())


def _right(case: Case) -> bool:
    return _close(case.got, case.right)


def _explain(cases: list[Case]) -> str | None:
    """Say which mistake gives all that was seen; None when all of it is right."""
    wrong = next((case for case in cases if not _right(case)), None)
    if wrong is None:
        return None
    for message in wrong.mistakes:
        if all(_close(case.got, case.mistakes.get(message, case.right)) for case in cases):
            return message
    if wrong.got.shape != wrong.right.shape:
        return f"the shape is {wrong.got.shape}, and should be {wrong.right.shape}."
    if not np.isfinite(wrong.got).all():
        return "there is NaN or infinity in the result."
    return OTHER


def _sentence(problem: str) -> str:
    """Begin with a capital letter what would follow a name elsewhere, and stands alone here."""
    return problem[0].upper() + problem[1:] if problem.startswith("the") else problem


# In the order of the exercises.
CHECKS: list[Check] = [
    check_slope,
    check_logits_gradient,
    check_layer_backward,
    check_backward_squared,
    check_momentum_step,
]
