"""Chapter 3, Backpropagation: slopes by hand, the error signal, a layer, a network, momentum."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call
from lessonlib.network import TANH, forward, glorot, initialize, softmax

Array = npt.NDArray[np.float64]


def check_slope(answer: Any) -> str | None:
    """Compare with the chain rule: both units on, then one of them off."""
    rng = np.random.default_rng(3)
    for off in ("", "A", "B"):
        net = _network(rng, off)
        got = np.asarray(call(answer, net), dtype=float)
        if got.shape != ():
            return f"The result has shape {got.shape}: the derivative is one number."
        error = net.z_C - net.y
        gate = float(net.z_B > 0)
        right = error * net.w_BC * gate * net.x_2
        mistakes = {
            -right: "The sign: does the loss grow or fall when z_C goes up?",
            2 * right: "Twice too large: the square is halved in (3.1).",
            error * net.w_BC * net.x_2: "Unit B can be off: the slope of its ReLU is missing.",
            error * net.w_BC * gate * net.x_1: "That is the slope by w_1B: which input comes in?",
            error * net.w_AC * gate * net.x_2: "The path goes through B, so not through w_AC.",
            error * gate * net.x_2: "The weight from B to C is on the path too.",
            error * net.w_BC * gate: "That is the slope at z_B: one factor is missing.",
            error * net.a_B * gate * net.x_2: "a_B belongs to the slope by w_BC: what does z_C "
            "grow by when a_B goes up?",
            net.L * net.w_BC * gate * net.x_2: "Start from the slope of L at z_C, not from L.",
            -4.0: "−4 is right for the numbers of the chapter only: compute it from net.",
            net.w_BC * gate * net.x_2: "That is the slope of z_C, not yet that of the loss.",
            error * net.w_BC * net.a_B * net.x_2: "ReLU's slope is 1 or 0, not its value a_B.",
        }
        if off == "A":
            mistakes[0.0] = "The path goes through B: whose z opens and shuts its ReLU?"
        if problem := _explain(got, right, mistakes):
            known = not off or "can be off" in problem or "opens and shuts" in problem
            return _sentence(problem) + ("" if known else f" Here unit {off} is off.")
    return None


def _network(rng: np.random.Generator, off: str) -> SimpleNamespace:
    """Make a 2-2-1 network with random numbers, run forward; unit A, B or none is off."""
    names = ("x_1", "x_2", "w_1A", "w_2A", "w_1B", "w_2B", "w_AC", "w_BC", "b_C")
    net = SimpleNamespace(**{name: float(rng.uniform(0.5, 2)) for name in names}, y=1.0)
    net.b_A, net.b_B = (-8.5 if off == unit else 0.3 for unit in "AB")
    net.z_A = net.x_1 * net.w_1A + net.x_2 * net.w_2A + net.b_A
    net.z_B = net.x_1 * net.w_1B + net.x_2 * net.w_2B + net.b_B
    net.a_A, net.a_B = max(0.0, net.z_A), max(0.0, net.z_B)
    net.z_C = net.a_A * net.w_AC + net.a_B * net.w_BC + net.b_C
    net.L = (net.z_C - net.y) ** 2 / 2
    return net


def check_logits_gradient(answer: Any) -> str | None:
    """Compare with (3.8) on random probabilities of two batches."""
    rng = np.random.default_rng(3)
    for n, classes in ((6, 4), (3, 10)):
        p, y = softmax(2 * rng.normal(size=(n, classes))), rng.integers(classes, size=n)
        got = np.asarray(call(answer, p, y), dtype=float)
        if got.shape == p.T.shape:
            return "The result is transposed: a row for each example, as in p."
        if got.shape != p.shape:
            return f"The result has shape {got.shape}: one number for each logit is {p.shape}."
        if problem := _explain_array(got, *_logits_gradients(p, y)):
            return _sentence(problem)
    return None


def _logits_gradients(p: Array, y: npt.NDArray[Any]) -> tuple[Array, list[tuple[Array, str]]]:
    """Return the right gradient, and the wrong ones with what to say about them."""
    n, classes = p.shape
    Y = np.eye(classes)[y]
    right = (p - Y) / n
    everywhere = p.copy()
    everywhere[:, y] -= 1
    return right, [
        (-right, "The sign: a step against this gradient lowers the logit of the right class."),
        (p - Y, "A factor 1/n is missing: the loss is the mean over the examples."),
        (Y - p, "The sign is turned round, and a factor 1/n is missing."),
        (p / n, "The one-hot labels are missing: the right class of each example is not lowered."),
        (p, "These are the probabilities themselves."),
        ((p - Y) / classes, "You divide by the number of classes: divide by that of examples."),
        (right / classes, "You divide by n · K: the mean is over the examples only."),
        (-Y / p / n, "That is the gradient by the probabilities: go on through softmax."),
        (p * (1 - p) / n, "p (1 − p) is the slope of one probability by its own logit only."),
        (right * p * (1 - p), "p (1 − p) has cancelled in (3.7): nothing is left of it."),
        (everywhere / n, "p[:, y] takes whole columns: choose one entry in each row."),
        (everywhere, "p[:, y] takes whole columns: choose one entry in each row."),
    ]


def check_layer_backward(answer: Any) -> str | None:
    """Compare with (3.14) on a layer that is square, then on one that is not."""
    rng = np.random.default_rng(3)
    for d_in, d_out in ((3, 3), (4, 2)):
        delta, z_below = rng.normal(size=(5, d_out)), rng.normal(size=(5, d_in))
        W = rng.normal(size=(d_in, d_out))
        result = call(answer, delta, z_below, W)
        if not isinstance(result, tuple | list) or len(result) != 3:
            return "Return three arrays: dW, db and delta_below."
        for name, got in zip(("dW", "db", "delta_below"), result, strict=True):
            if problem := _explain_part(name, np.asarray(got, dtype=float), delta, z_below, W):
                return f"{name}: {problem}"
    return None


def _explain_part(name: str, got: Array, delta: Array, z: Array, W: Array) -> str | None:
    """Say what is wrong with one of the three results of a layer's backward pass."""
    a, n = np.tanh(z), len(z)
    back, slope = delta @ W.T, 1 - np.tanh(z) ** 2
    right, mistakes = {
        "dW": (
            a.T @ delta,
            [
                (delta.T @ a, "it is transposed: it must have the shape of W."),
                (z.T @ delta, "the layer's input is the activation a, not the pre-activation."),
                (slope.T @ delta, "the weights meet a itself, not the slope of tanh."),
                (a.T @ delta / n, "the 1/n is in delta already."),
            ],
        ),
        "db": (
            delta.sum(axis=0),
            [
                (delta, "the sum is missing: all examples share the biases."),
                (delta.mean(axis=0), "a sum is needed, not a mean: the 1/n is in delta already."),
                (delta.sum(axis=1), "add over the examples, not over the units."),
                (delta.sum(axis=0, keepdims=True), "its shape should be that of b, (d_out,)."),
            ],
        ),
        "delta_below": (
            back * slope,
            [
                (back, "the slope of tanh is missing."),
                (back * a, "multiply by the slope of tanh, not by tanh itself."),
                (back * (1 - np.tanh(a) ** 2), "the slope is taken at a: take it at z_below."),
                (back * (1 - z**2), "1 − tanh² is meant, and tanh is missing in it."),
                (back * slope / n, "the 1/n is in delta already."),
            ],
        ),
    }[name]
    if name == "delta_below" and W.shape[0] == W.shape[1]:
        mistakes += [
            (delta @ W * slope, "W must be transposed: the sum is over the units of the layer."),
            (delta @ W, "W must be transposed, and the slope of tanh is missing."),
        ]
    if got.shape == right.T.shape and got.shape != right.shape:
        return "it is transposed."
    return _explain_array(got, right, mistakes)


def check_backward_squared(answer: Any) -> str | None:
    """Compare with the backward pass of three networks, the first with layers of equal sizes."""
    rng = np.random.default_rng(3)
    for n, sizes in ((5, (3, 3, 3, 3)), (6, (4, 2)), (6, (4, 3, 5, 2))):
        W, b = initialize(sizes, rng, glorot)
        b = [rng.normal(size=b_l.shape) for b_l in b]
        a, z = forward(rng.normal(size=(n, sizes[0])), W, b, TANH)
        Y = rng.normal(size=z[-1].shape)
        result = call(answer, a, z, Y, W)
        if not isinstance(result, tuple | list) or len(result) != 2:
            return "Return two lists: dW and db."
        for name, part in zip(("dW", "db"), result, strict=True):
            if not isinstance(part, tuple | list | np.ndarray) or len(part) != len(W):
                layers = "one layer" if len(W) == 1 else f"{len(W)} layers"
                return f"{name}: a network of {layers} needs a list of {len(W)}, one array each."
        got = [[np.asarray(g, dtype=float) for g in part] for part in result]
        if problem := _explain_pass(got[0], got[1], a, z, Y, W):
            return problem
    return None


# What may be wrong in a backward pass for the squared loss; `_backward_squared` makes each slip.
SLIPS = {
    "sign": "The sign: a step against these gradients makes the loss larger.",
    "no 1/n": "A factor 1/n is missing: the loss is a mean over the examples.",
    "2": "Twice too large: there is a half in front of the square.",
    "half": "Half of what it should be: differentiate the square, too.",
    "1/(nK)": "You divide by n · K: the loss of this exercise has n only.",
    "2/(nK)": "That is for the loss (2.16) of chapter 2: this one has another factor in front.",
    "softmax": "This network has no softmax: its outputs are compared with Y as they are.",
    "tanh at the output": "The output has no tanh: it is compared with Y as it is.",
    "slope at the output": "The output has no tanh, so there is no slope of tanh to multiply by.",
    "z for a": "dW: what comes into a layer is the activation a, not the pre-activation z.",
    "a from above": "dW: a and delta are not of one layer.",
    "transposed": "dW: each array is transposed: it must have the shape of its W.",
    "n twice": "dW and db: the 1/n is in the error signal already, so it comes twice here.",
    "mean": "db: a sum over the examples is needed, not a mean: the 1/n is there already.",
    "over units": "db: add over the examples, not over the units.",
    "no sum": "db: the sum is missing: all examples share the biases.",
    "W": "The last layer is right, those below are not: on the way back W is transposed.",
    "no slope": "The last layer is right, those below are not: the slope of tanh is missing.",
    "slope above": "The last layer is right, those below are not: the slope is taken at the "
    "pre-activations of the wrong layer.",
    "slope of a": "The last layer is right, those below are not: the slope is taken at a, so "
    "tanh comes twice.",
    "tanh for slope": "The last layer is right, those below are not: you multiply by tanh itself, "
    "not by its slope.",
    "same delta": "The last layer is right, those below are not: the error signal never goes "
    "down a layer.",
}


def _explain_pass(
    dW: list[Array], db: list[Array], a: list[Array], z: list[Array], Y: Array, W: list[Array]
) -> str | None:
    """Say what is wrong with a backward pass for the squared loss; None when it is right."""
    right_dW, right_db = _backward_squared(a, z, Y, W, "")
    if _same(dW, right_dW) and _same(db, right_db):
        return None
    if _same(dW, right_db) and _same(db, right_dW):
        return "The two are swapped: dW comes first, then db."
    turned = [_same(dW, right_dW[::-1]), _same(db, right_db[::-1])]
    if all(turned):
        return "The lists are in reverse order: entry 0 belongs to W[0]."
    for name, backwards in zip(("dW", "db"), turned, strict=True):
        if backwards and len(W) > 1:
            return f"{name} is in reverse order: entry 0 belongs to W[0]."
    equal = len({size for w in W for size in w.shape}) == 1
    for slip, message in SLIPS.items():
        if equal or slip not in ("a from above", "W", "slope above", "same delta"):
            wrong_dW, wrong_db = _backward_squared(a, z, Y, W, slip)
            if _same(dW, wrong_dW) and _same(db, wrong_db):
                return message
    for layer in reversed(range(len(W))):
        for name, got, right in (("dW", dW, right_dW), ("db", db, right_db)):
            if problem := _explain_array(got[layer], right[layer], []):
                return f"{name}[{layer}]: {problem}"
    return None


def _backward_squared(
    a: list[Array], z: list[Array], Y: Array, W: list[Array], slip: str
) -> tuple[list[Array], list[Array]]:
    """Run the backward pass for the loss 1/(2n) sum (z - Y)^2, with a slip or with none ("")."""
    n, K = Y.shape
    factors = {"sign": -1 / n, "no 1/n": 1, "2": 2 / n, "half": 0.5 / n}
    factors |= {"1/(nK)": 1 / (n * K), "2/(nK)": 2 / (n * K)}
    outputs = {"softmax": softmax(z[-1]), "tanh at the output": np.tanh(z[-1])}
    delta = factors.get(slip, 1 / n) * (outputs.get(slip, z[-1]) - Y)
    delta *= TANH.slope(z[-1]) if slip == "slope at the output" else 1
    dW: list[Array] = []
    db: list[Array] = []
    for layer in reversed(range(len(W))):
        below = max(layer - 1, 0)
        entered = z[below] if slip == "z for a" and layer > 0 else a[layer]
        entered = a[min(layer + 1, len(a) - 1)] if slip == "a from above" else entered
        product = delta.T @ entered if slip == "transposed" else entered.T @ delta
        sums = {
            "mean": delta.mean(axis=0),
            "over units": delta.sum(axis=1),
            "no sum": delta,
        }
        share = n if slip == "n twice" else 1
        dW.insert(0, product / share)
        db.insert(0, sums.get(slip, delta.sum(axis=0)) / share)
        if layer > 0 and slip != "same delta":
            slopes = {
                "no slope": np.ones_like(z[below]),
                "slope above": TANH.slope(z[layer]),
                "slope of a": TANH.slope(a[layer]),
                "tanh for slope": a[layer],
            }
            back = W[layer] if slip == "W" else W[layer].T
            delta = delta @ back * slopes.get(slip, TANH.slope(z[below]))
    return dW, db


def _same(got: list[Array], wanted: list[Array]) -> bool:
    """Say whether two lists hold the same arrays."""
    return all(_explain_array(g, w, []) is None for g, w in zip(got, wanted, strict=True))


def check_momentum_step(answer: Any) -> str | None:
    """Compare two steps, each from an m that is not 0, with (3.22) and (3.24)."""
    rng = np.random.default_rng(3)
    for lr, beta, decay in ((0.2, 0.7, 0.3), (0.05, 0.6, 0.1)):
        w, g, m = rng.normal(size=(3, 2, 3))
        result = call(answer, w, g, m, lr, beta, decay)
        if not isinstance(result, tuple | list) or len(result) != 2:
            return "Return two arrays: the new w and the new m."
        got_w, got_m = (np.asarray(part, dtype=float) for part in result)
        for name, got in (("w", got_w), ("m", got_m)):
            if got.shape != w.shape:
                return f"The new {name} has shape {got.shape}: it should be {w.shape}, as before."
        if problem := _explain_step(got_w, got_m, (w, g, m), lr, beta, decay):
            return problem
    return None


def _explain_step(
    got_w: Array,
    got_m: Array,
    before: tuple[Array, Array, Array],
    lr: float,
    beta: float,
    decay: float,
) -> str | None:
    """Say what is wrong with a step of momentum; None when it is right."""
    w, g, m = before
    new = beta * m + g + decay * w
    if np.allclose(got_w, new) and np.allclose(got_m, w - lr * new):
        return "The two are swapped: w comes first, then m."
    m_mistakes = [
        (beta * m + g, "there is no decay in it: it is a part of the gradient."),
        (beta * m + g - decay * w, "the sign of the decay: the step should shrink the weights."),
        (beta * m + g + 2 * decay * w, "the decay is twice too large: mind the half in λ/2."),
        (beta * m + g + decay / 2 * w, "the decay is half of what it should be."),
        (beta * m + (1 - beta) * (g + decay * w), "(3.22) keeps a sum, without the factor 1 − β."),
        (beta * (m + g + decay * w), "β belongs to the old m only."),
        (m + g + decay * w, "the old m fades: multiply it by β."),
        (g + decay * w, "the old m has been dropped."),
        (beta * m - lr * (g + decay * w), "in (3.22) m adds up gradients, not steps downhill."),
        (beta * m - g - decay * w, "in (3.22) m adds up gradients, not steps downhill."),
        (beta * m + lr * (g + decay * w), "in (3.22) η enters in the step of w, not in m."),
        (m, "that is the m from before the step: the next step needs the new one."),
    ]
    if problem := _explain_array(got_m, new, m_mistakes):
        return f"The new m: {problem}"
    w_mistakes = [
        (w + lr * new, "the step goes uphill: subtract."),
        (w - new, "the learning rate is missing."),
        (w - lr * m, "it was moved by the m from before the step."),
        (w - lr * (g + decay * w), "it should move along m, not along the gradient alone."),
        (w - lr * new - lr * decay * w, "the decay is taken twice: it is in m already."),
        (w, "it has not moved."),
    ]
    problem = _explain_array(got_w, w - lr * new, w_mistakes)
    return f"The new w: {problem}" if problem else None


def _explain(got: Array, right: float, mistakes: dict[float, str]) -> str | None:
    """Say which mistake gives this number; None when it is right."""
    named = [(np.asarray(value), message) for value, message in mistakes.items()]
    return _explain_array(got, np.asarray(right), named)


def _sentence(problem: str) -> str:
    """Begin with a capital letter what stands alone."""
    return problem[0].upper() + problem[1:]


def _explain_array(got: Array, right: Array, mistakes: list[tuple[Array, str]]) -> str | None:
    """Say which mistake gives this array; None when it is right."""
    if got.shape == right.shape and np.allclose(got, right, rtol=1e-6, atol=1e-10):
        return None
    for wrong, message in mistakes:
        if got.shape == wrong.shape and np.allclose(got, wrong, rtol=1e-6, atol=1e-10):
            return message
    if got.shape != right.shape:
        return f"the shape is {got.shape}, and should be {right.shape}."
    if not np.isfinite(got).all():
        return "there is NaN or infinity in the result."
    return "the numbers differ from what the equation gives."


CHECKS: dict[str, Check] = {
    "3.1": check_slope,
    "3.2": check_logits_gradient,
    "3.3": check_layer_backward,
    "3.4": check_backward_squared,
    "3.5": check_momentum_step,
}
