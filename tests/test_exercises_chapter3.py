"""The answer checks of chapter 3: right answers pass, each usual mistake gets its own message."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lessonlib import exercises
from lessonlib.exercises.chapter3 import CHECKS
from lessonlib.network import softmax

Answer = Callable[..., Any]


def slope(net: Any) -> Any:
    return (net.z_C - net.y) * net.w_BC * (net.z_B > 0) * net.x_2


def logits_gradient(p: Any, y: Any) -> Any:
    return (p - one_hot(p, y)) / len(y)


def one_hot(p: Any, y: Any) -> Any:
    return np.eye(p.shape[1])[y]


def columns(p: Any, y: Any) -> Any:
    p = p.copy()
    p[:, y] -= 1
    return p / len(y)


def changes_p(p: Any, y: Any) -> Any:
    p[np.arange(len(y)), y] -= 1
    return p / len(y)


def layer(delta: Any, z: Any, W: Any) -> Any:
    a = np.tanh(z)
    return a.T @ delta, delta.sum(axis=0), delta @ W.T * (1 - a**2)


def with_dW(wrong: Callable[[Any, Any], Any]) -> Answer:
    return lambda delta, z, W: (wrong(delta, z), *layer(delta, z, W)[1:])


def with_db(wrong: Callable[[Any], Any]) -> Answer:
    return lambda delta, z, W: (layer(delta, z, W)[0], wrong(delta), layer(delta, z, W)[2])


def with_below(wrong: Callable[[Any, Any, Any], Any]) -> Answer:
    return lambda delta, z, W: (*layer(delta, z, W)[:2], wrong(delta, z, W))


def tanh_slope(z: Any) -> Any:
    return 1 - np.tanh(z) ** 2


def squared(a: Any, z: Any, Y: Any, W: Any, slip: str = "") -> Any:
    """Run the whole pass; `slip` names the line that goes wrong."""
    n, K = Y.shape
    starts = {
        "no 1/n": z[-1] - Y,
        "sign": (Y - z[-1]) / n,
        "2": 2 * (z[-1] - Y) / n,
        "half": (z[-1] - Y) / n / 2,
        "1/(nK)": (z[-1] - Y) / (n * K),
        "2/(nK)": 2 * (z[-1] - Y) / (n * K),
        "softmax": (softmax(z[-1]) - Y) / n,
        "tanh": (np.tanh(z[-1]) - Y) / n,
        "output slope": (z[-1] - Y) / n * tanh_slope(z[-1]),
    }
    delta = starts.get(slip, (z[-1] - Y) / n)
    dW: list[Any] = []
    db: list[Any] = []
    for layer in reversed(range(len(W))):
        x = z[layer - 1] if slip == "z for a" and layer else a[layer]
        x = a[min(layer + 1, len(W) - 1)] if slip == "a above" else x
        dW.insert(0, delta.T @ x if slip == "transposed" else x.T @ delta)
        sums = {"mean": delta.mean(0), "units": delta.sum(1), "no sum": delta}
        db.insert(0, sums.get(slip, delta.sum(0)))
        if slip == "n twice":
            dW[0], db[0] = dW[0] / n, db[0] / n
        if layer and slip != "same delta":
            delta = delta @ (W[layer] if slip == "W" else W[layer].T)
            if slip == "slope above":
                delta = delta * tanh_slope(z[layer])
            elif slip == "tanh for slope":
                delta = delta * a[layer]
            elif slip == "slope of a":
                delta = delta * tanh_slope(a[layer])
            elif slip != "no slope":
                delta = delta * (1 - a[layer] ** 2)
    return dW, db


def slipped(slip: str) -> Answer:
    return lambda a, z, Y, W: squared(a, z, Y, W, slip)


def changes_z(a: Any, z: Any, Y: Any, W: Any) -> Any:
    result = squared(a, z, Y, W)
    z[-1] -= Y
    return result


def momentum(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
    m = beta * m + g + decay * w
    return w - lr * m, m


def with_m(new: Callable[..., Any]) -> Answer:
    """Make the step along a wrongly computed m."""

    def step(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
        m = new(w, g, m, lr, beta, decay)
        return w - lr * m, m

    return step


def with_w(new: Callable[..., Any]) -> Answer:
    """Move w wrongly, from the right m; `new` gets w, the new m, lr, decay, the old m, beta."""

    def step(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
        right = momentum(w, g, m, lr, beta, decay)[1]
        return new(w, right, lr, decay, m, beta), right

    return step


def changes_m(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
    m *= beta
    m += g + decay * w
    return w - lr * m, m


SOLUTIONS: dict[str, Answer] = {
    "3.1": slope,
    "3.2": logits_gradient,
    "3.3": layer,
    "3.4": squared,
    "3.5": momentum,
}

MISTAKES: list[tuple[str, Answer, str]] = [
    ("3.1", lambda net: -slope(net), "The sign"),
    ("3.1", lambda net: 2 * slope(net), "halved"),
    ("3.1", lambda net: (net.z_C - net.y) * net.w_BC * net.x_2, "can be off"),
    ("3.1", lambda net: slope(net) / net.x_2 * net.x_1, "which input"),
    ("3.1", lambda net: slope(net) / net.w_BC * net.w_AC, "not through w_AC"),
    ("3.1", lambda net: slope(net) / net.w_BC, "from B to C is on the path"),
    ("3.1", lambda net: slope(net) / net.x_2, "one factor is missing"),
    ("3.1", lambda net: slope(net) / (net.z_C - net.y), "slope of z_C"),
    ("3.1", lambda net: slope(net) * net.a_B, "not its value"),
    ("3.1", lambda net: slope(net) / net.w_BC * net.a_B, "when a_B goes up"),
    ("3.1", lambda net: slope(net) / (net.z_C - net.y) * net.L, "not from L"),
    ("3.1", lambda net: -4, "numbers of the chapter only"),
    (
        "3.1",
        lambda net: (net.z_C - net.y) * net.w_BC * (net.z_A > 0) * net.x_2,
        "opens and shuts",
    ),
    ("3.1", lambda net: slope(net) + 1, "differ"),
    ("3.1", lambda net: np.ones(3), "one number"),
    ("3.1", lambda net: float("nan"), "NaN"),
    ("3.2", lambda p, y: -logits_gradient(p, y), "The sign"),
    ("3.2", lambda p, y: p - one_hot(p, y), "1/n is missing"),
    ("3.2", lambda p, y: one_hot(p, y) - p, "turned round"),
    ("3.2", lambda p, y: p / len(y), "one-hot labels are missing"),
    ("3.2", lambda p, y: p, "probabilities themselves"),
    ("3.2", lambda p, y: (p - one_hot(p, y)) / p.shape[1], "number of classes"),
    ("3.2", lambda p, y: logits_gradient(p, y) / p.shape[1], "n · K"),
    ("3.2", lambda p, y: -one_hot(p, y) / p / len(y), "by the probabilities"),
    ("3.2", lambda p, y: p * (1 - p) / len(y), "own logit only"),
    ("3.2", lambda p, y: logits_gradient(p, y) * p * (1 - p), "has cancelled"),
    ("3.2", columns, "whole columns"),
    ("3.2", lambda p, y: len(y) * columns(p, y), "whole columns"),
    ("3.2", changes_p, "Work on a copy"),
    ("3.2", lambda p, y: logits_gradient(p, y).T, "transposed"),
    ("3.2", lambda p, y: logits_gradient(p, y).mean(axis=0), "for each logit"),
    ("3.2", lambda p, y: logits_gradient(p, y) + 1, "differ"),
    ("3.3", with_dW(lambda delta, z: delta.T @ np.tanh(z)), "dW: it is transposed"),
    ("3.3", with_dW(lambda delta, z: z.T @ delta), "not the pre-activation"),
    ("3.3", with_dW(lambda delta, z: tanh_slope(z).T @ delta), "not the slope"),
    ("3.3", with_dW(lambda delta, z: np.tanh(z).T @ delta / len(z)), "dW: the 1/n"),
    ("3.3", with_db(lambda delta: delta), "db: the sum is missing"),
    ("3.3", with_db(lambda delta: delta.mean(axis=0)), "not a mean"),
    ("3.3", with_db(lambda delta: delta.sum(axis=1)), "not over the units"),
    ("3.3", with_db(lambda delta: delta.sum(axis=0, keepdims=True)), "(d_out,)"),
    ("3.3", with_below(lambda delta, z, W: delta @ W.T), "slope of tanh is missing"),
    ("3.3", with_below(lambda delta, z, W: delta @ W.T * np.tanh(z)), "not by tanh itself"),
    (
        "3.3",
        with_below(lambda delta, z, W: delta @ W.T * tanh_slope(np.tanh(z))),
        "take it at z_below",
    ),
    ("3.3", with_below(lambda delta, z, W: delta @ W.T * (1 - z**2)), "tanh is missing in it"),
    ("3.3", with_below(lambda delta, z, W: layer(delta, z, W)[2] / len(z)), "below: the 1/n"),
    ("3.3", with_below(lambda delta, z, W: delta @ W * tanh_slope(z)), "W must be transposed:"),
    ("3.3", with_below(lambda delta, z, W: delta @ W), "transposed, and the slope"),
    ("3.3", with_below(lambda delta, z, W: layer(delta, z, W)[2].T), "it is transposed"),
    ("3.3", lambda delta, z, W: layer(delta, z, W)[0], "three arrays"),
    ("3.4", slipped("no 1/n"), "A factor 1/n is missing"),
    ("3.4", slipped("sign"), "The sign"),
    ("3.4", slipped("2"), "Twice too large"),
    ("3.4", slipped("half"), "Half of what it should be"),
    ("3.4", slipped("1/(nK)"), "n only"),
    ("3.4", slipped("2/(nK)"), "(2.16)"),
    ("3.4", slipped("softmax"), "no softmax"),
    ("3.4", slipped("tanh"), "no tanh: it is"),
    ("3.4", slipped("output slope"), "no tanh, so there is no slope"),
    ("3.4", slipped("z for a"), "not the pre-activation z"),
    ("3.4", slipped("a above"), "not of one layer"),
    ("3.4", slipped("transposed"), "each array is transposed"),
    ("3.4", slipped("n twice"), "comes twice here"),
    ("3.4", slipped("mean"), "not a mean"),
    ("3.4", slipped("units"), "not over the units"),
    ("3.4", slipped("no sum"), "the sum is missing"),
    ("3.4", slipped("W"), "W is transposed"),
    ("3.4", slipped("no slope"), "slope of tanh is missing"),
    ("3.4", slipped("slope above"), "of the wrong layer"),
    ("3.4", slipped("slope of a"), "tanh comes twice"),
    ("3.4", slipped("tanh for slope"), "tanh itself"),
    ("3.4", slipped("same delta"), "never goes down"),
    ("3.4", lambda *r: [part[::-1] for part in squared(*r)], "The lists are in reverse order"),
    ("3.4", lambda *r: (squared(*r)[0][::-1], squared(*r)[1]), "dW is in reverse order"),
    ("3.4", lambda *r: (squared(*r)[0], squared(*r)[1][::-1]), "db is in reverse order"),
    ("3.4", lambda *r: squared(*r)[::-1], "swapped"),
    ("3.4", lambda *r: squared(*r)[0], "Return two lists"),
    ("3.4", lambda *r: (squared(*r)[0][-1:], squared(*r)[1]), "dW: a network of 3 layers"),
    (
        "3.4",
        lambda a, z, Y, W: (squared(a, z, Y, W)[0], [W[0][0]] * 3),
        "db[2]: the numbers differ",
    ),
    ("3.4", lambda *r: ([g * np.nan for g in squared(*r)[0]], squared(*r)[1]), "NaN"),
    ("3.4", changes_z, "Work on a copy"),
    ("3.5", with_m(lambda w, g, m, lr, beta, decay: beta * m + g), "no decay"),
    ("3.5", with_m(lambda w, g, m, lr, beta, decay: beta * m + g - decay * w), "sign of the decay"),
    ("3.5", with_m(lambda w, g, m, lr, beta, decay: beta * m + g + 2 * decay * w), "twice"),
    ("3.5", with_m(lambda w, g, m, lr, beta, decay: beta * m + g + decay * w / 2), "half"),
    (
        "3.5",
        with_m(lambda w, g, m, lr, beta, decay: beta * m + (1 - beta) * (g + decay * w)),
        "factor 1 − β",
    ),
    ("3.5", with_m(lambda w, g, m, lr, beta, decay: beta * (m + g + decay * w)), "old m only"),
    ("3.5", with_m(lambda w, g, m, lr, beta, decay: m + g + decay * w), "fades"),
    ("3.5", with_m(lambda w, g, m, lr, beta, decay: g + decay * w), "dropped"),
    (
        "3.5",
        with_m(lambda w, g, m, lr, beta, decay: beta * m + lr * (g + decay * w)),
        "not in m",
    ),
    (
        "3.5",
        with_m(lambda w, g, m, lr, beta, decay: beta * m - lr * (g + decay * w)),
        "not steps downhill",
    ),
    (
        "3.5",
        with_m(lambda w, g, m, lr, beta, decay: beta * m - g - decay * w),
        "not steps downhill",
    ),
    ("3.5", lambda *step: (momentum(*step)[0], step[2]), "before the step"),
    ("3.5", with_w(lambda w, new, lr, decay, m, beta: w + lr * new), "uphill"),
    ("3.5", with_w(lambda w, new, lr, decay, m, beta: w - new), "learning rate is missing"),
    ("3.5", with_w(lambda w, new, lr, decay, m, beta: w - lr * m), "moved by the m from before"),
    (
        "3.5",
        with_w(lambda w, new, lr, decay, m, beta: w - lr * (new - beta * m)),
        "not along the gradient alone",
    ),
    (
        "3.5",
        with_w(lambda w, new, lr, decay, m, beta: w - lr * new - lr * decay * w),
        "taken twice",
    ),
    ("3.5", with_w(lambda w, new, lr, decay, m, beta: w), "has not moved"),
    ("3.5", with_w(lambda w, new, lr, decay, m, beta: w + 1), "differ"),
    ("3.5", lambda *step: momentum(*step)[::-1], "swapped"),
    ("3.5", lambda *step: momentum(*step)[0], "two arrays"),
    ("3.5", lambda *step: (0.0, 0.0), "has shape ()"),
    ("3.5", changes_m, "Work on a copy"),
]


@pytest.mark.parametrize(("name", "answer", "message"), MISTAKES)
def test_a_usual_mistake_is_named(name: str, answer: Answer, message: str) -> None:
    verdict = exercises.verdict(name, answer)
    assert verdict.startswith(f"{name}: not yet.")
    assert message in verdict


def test_the_whole_pass_may_come_as_tuples() -> None:
    answer = lambda *record: tuple(map(tuple, squared(*record)))  # noqa: E731
    assert exercises.verdict("3.4", answer) == "3.4: right."


@pytest.mark.parametrize("slip", ["no 1/n", "softmax", "z for a", "no slope"])
def test_a_slip_is_named_in_a_network_of_different_sizes_too(slip: str) -> None:
    def answer(a: Any, z: Any, Y: Any, W: Any) -> Any:
        return squared(a, z, Y, W, slip if len({w.shape for w in W}) == len(W) > 1 else "")

    verdict = exercises.verdict("3.4", answer)
    assert "differ" not in verdict
    assert verdict == exercises.verdict("3.4", slipped(slip))


@pytest.mark.parametrize("name", CHECKS)
def test_an_answer_of_the_wrong_kind_gets_a_verdict(name: str) -> None:
    nan = np.full((2, 2), np.nan)
    wrong: list[Any] = ["text", [None], np.zeros((2, 2)), nan, {}, 1 + 2j, (nan, nan), [nan] * 3]
    for result in wrong:
        answer = lambda *_, result=result: result  # noqa: E731
        assert re.match(rf"{name}: not yet\. ", exercises.verdict(name, answer))
    assert re.match(rf"{name}: not yet\. ", exercises.verdict(name, 3))
