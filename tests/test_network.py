"""The network in NumPy against torch, finite differences and its own definitions."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonlib import network
from lessonlib.network import LEAKY_RELU, RELU, SIGMOID, TANH, Activation

ACTIVATIONS: dict[str, tuple[Activation, Any]] = {
    "relu": (RELU, F.relu),
    "leaky_relu": (LEAKY_RELU, F.leaky_relu),
    "tanh": (TANH, torch.tanh),
    "sigmoid": (SIGMOID, torch.sigmoid),
}

sizes = st.lists(st.integers(1, 7), min_size=2, max_size=5)
seeds = st.integers(0, 10_000)


def random_batch(shape: list[int], n: int, seed: int) -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(seed)
    W, b = network.initialize(shape, rng)
    b = [rng.normal(size=b_l.shape) for b_l in b]
    return rng.normal(size=(n, shape[0])), rng.integers(shape[-1], size=n), W, b


def torch_loss(X: Any, y: Any, W: Any, b: Any, f: Any) -> tuple[Any, Any, list[Any]]:
    """Compute logits, loss and its gradients the way torch does."""
    parameters = [torch.tensor(w, requires_grad=True) for w in [*W, *b]]
    out = torch.tensor(X)
    for layer in range(len(W)):
        out = F.linear(f(out) if layer else out, parameters[layer].T, parameters[len(W) + layer])
    loss = F.cross_entropy(out, torch.tensor(y))
    loss.backward()
    return out.detach(), loss.item(), [w.grad for w in parameters]


@settings(deadline=None)
@given(sizes, st.integers(1, 9), seeds, st.sampled_from(sorted(ACTIVATIONS)))
def test_logits_loss_and_gradients_equal_torch_s(
    shape: list[int], n: int, seed: int, name: str
) -> None:
    X, y, W, b = random_batch(shape, n, seed)
    activation, f = ACTIVATIONS[name]
    a, z = network.forward(X, W, b, activation)
    dW, db = network.backward(a, z, y, W, activation)
    logits, loss, gradients = torch_loss(X, y, W, b, f)
    assert np.allclose(z[-1], logits, atol=1e-12)
    assert np.isclose(network.cross_entropy(z[-1], y), loss, atol=1e-12)
    for ours, theirs in zip([*dW, *db], gradients, strict=True):
        assert ours.shape == theirs.shape
        assert np.allclose(ours, theirs, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(sizes, st.integers(1, 5), seeds, st.sampled_from(["tanh", "sigmoid"]))
def test_gradients_equal_finite_differences(shape: list[int], n: int, seed: int, name: str) -> None:
    X, y, W, b = random_batch(shape, n, seed)
    activation, _ = ACTIVATIONS[name]
    a, z = network.forward(X, W, b, activation)
    dW, db = network.backward(a, z, y, W, activation)

    def loss() -> float:
        return network.cross_entropy(network.forward(X, W, b, activation)[1][-1], y)

    for w, ours in zip([*W, *b], [*dW, *db], strict=True):
        before = w.copy()
        numerical = network.numerical_gradient(loss, w)
        assert np.array_equal(w, before)  # every entry was put back
        assert np.allclose(ours, numerical, atol=1e-8)


@settings(deadline=None)
@given(sizes, st.integers(1, 9), seeds)
def test_forward_keeps_every_layer_s_input_and_output(shape: list[int], n: int, seed: int) -> None:
    X, _, W, b = random_batch(shape, n, seed)
    a, z = network.forward(X, W, b)
    assert [a_l.shape for a_l in a] == [(n, d) for d in shape[:-1]]
    assert [z_l.shape for z_l in z] == [(n, d) for d in shape[1:]]
    assert a[0] is X
    for layer, (W_l, b_l) in enumerate(zip(W, b, strict=True)):
        by_index = np.einsum("ij,jk->ik", a[layer], W_l) + b_l
        assert np.allclose(z[layer], by_index)
        if layer:
            assert np.array_equal(a[layer], network.relu(z[layer - 1]))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_each_slope_is_its_activation_s_derivative(name: str) -> None:
    activation, f = ACTIVATIONS[name]
    z = np.linspace(-8, 8, 400)  # an even number of points: without the kink at 0
    central = (activation.f(z + 1e-6) - activation.f(z - 1e-6)) / 2e-6
    assert np.allclose(activation.slope(z), central, atol=1e-8)
    assert np.allclose(activation.f(z), f(torch.tensor(z)))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_survive_large_inputs_and_keep_the_precision(name: str) -> None:
    activation, _ = ACTIVATIONS[name]
    z = np.array([-1e4, -50, 0, 50, 1e4], dtype=np.float32)
    with np.errstate(all="raise", under="ignore"):
        for values in (activation.f(z), activation.slope(z)):
            assert values.dtype == np.float32
            assert np.isfinite(values).all()


def test_relu_has_the_slope_0_at_0() -> None:
    assert network.relu_slope(np.zeros(1)) == 0
    assert network.leaky_relu_slope(np.zeros(1)) == 0.01


@given(st.integers(1, 6), st.integers(1, 8), seeds, st.floats(-1e6, 1e6))
def test_softmax_gives_a_distribution_and_does_not_change_with_a_shift(
    n: int, classes: int, seed: int, shift: float
) -> None:
    z = 3 * np.random.default_rng(seed).normal(size=(n, classes))
    p = network.softmax(z)
    assert np.allclose(p.sum(axis=1), 1)
    assert (p >= 0).all()
    assert np.allclose(network.softmax(z + shift), p, atol=1e-8)
    assert np.allclose(np.exp(network.log_softmax(z)), p)


def test_softmax_and_loss_are_exact_where_exponentials_overflow() -> None:
    z = np.array([[1e4, 0.0, -1e4]])
    with np.errstate(all="raise", under="ignore"):
        assert np.array_equal(network.softmax(z), [[1, 0, 0]])
        assert network.cross_entropy(z, [1]) == 1e4
        assert network.cross_entropy(z, [2]) == 2e4


def test_the_loss_of_equal_logits_is_ln_k() -> None:
    assert network.cross_entropy(np.zeros((4, 10)), [0, 3, 9, 9]) == pytest.approx(np.log(10))


@pytest.mark.parametrize("variance", [network.he, network.glorot])
def test_initial_weights_have_the_given_variance(variance: Any) -> None:
    W, b = network.initialize((300, 200, 100), np.random.default_rng(0), variance)
    for W_l, b_l in zip(W, b, strict=True):
        assert np.isclose(W_l.var(), variance(*W_l.shape), rtol=0.02)
        assert abs(W_l.mean()) < 0.001
        assert not b_l.any()
    assert network.he(50, 7) == 2 / 50
    assert network.glorot(50, 14) == 2 / 64


def test_float32_stays_float32() -> None:
    X, y, W, b = random_batch([4, 5, 3], 6, 0)
    W, b = ([w.astype(np.float32) for w in part] for part in (W, b))
    a, z = network.forward(X.astype(np.float32), W, b)
    dW, db = network.backward(a, z, y, W)
    assert {array.dtype for array in [*a, *z, *dW, *db]} == {np.dtype(np.float32)}


def test_nothing_is_changed_in_place() -> None:
    X, y, W, b = random_batch([3, 4, 2], 5, 0)
    before = [array.copy() for array in (X, y, *W, *b)]
    a, z = network.forward(X, W, b)
    kept = [array.copy() for array in (*a, *z)]
    network.backward(a, z, y, W)
    network.cross_entropy(z[-1], y)
    assert all(map(np.array_equal, (X, y, *W, *b), before))
    assert all(map(np.array_equal, (*a, *z), kept))


def test_relative_error_is_0_for_equal_and_1_for_opposite_arrays() -> None:
    p = np.array([[3.0, -4.0]])
    assert network.relative_error(p, p) == 0
    assert network.relative_error(p, -p) == 1
    assert network.relative_error(0 * p, 0 * p) == 0
    assert network.relative_error(p, 1.1 * p) == pytest.approx(0.1 / 2.1)


def test_a_numerical_gradient_in_float32_is_refused() -> None:
    w = np.ones((2, 2), dtype=np.float32)
    with pytest.raises(ValueError, match="w must be a float64 array"):
        network.numerical_gradient(lambda: float(w.sum()), w)


BAD_X: dict[str, tuple[Any, str]] = {
    "one example as a vector": (np.zeros(3), r"X must be an array of shape \(n, 3\), got .*\(3,\)"),
    "a list": ([[0.0, 0, 0]], r"X must be an array of shape \(n, 3\), got list"),
    "an image not flattened": (np.zeros((2, 3, 1)), r"X must be an array of shape \(n, 3\)"),
    "too many columns": (np.zeros((2, 4)), r"X must have shape \(n, 3\), got \(2, 4\)"),
    "transposed": (np.zeros((3, 2)), r"X must have shape \(n, 3\), got \(3, 2\)"),
    "no rows": (np.zeros((0, 3)), r"X is an empty batch: expected shape \(n, 3\)"),
    "NaN": (np.array([[0, np.nan, 0]]), r"X, shape \(1, 3\), holds NaN"),
    "infinity": (np.array([[0, np.inf, 0]]), r"X, shape \(1, 3\), holds NaN or infinity"),
    "words": (np.array([["a", "b", "c"]]), r"X must hold numbers"),
}


@pytest.mark.parametrize("name", BAD_X)
def test_a_bad_batch_is_named_with_the_shape_expected(name: str) -> None:
    X, message = BAD_X[name]
    W, b = network.initialize((3, 4, 2), np.random.default_rng(0))
    with pytest.raises(ValueError, match=message):
        network.forward(X, W, b)


BAD_Y: dict[str, tuple[Any, str]] = {
    "too few": ([0, 1], r"y must have shape \(3,\).*got \(2,\)"),
    "one-hot": (np.eye(3, dtype=int), r"y must have shape \(3,\).*got \(3, 3\)"),
    "floats": ([0.0, 1.0, 2.0], "y must hold whole numbers"),
    "too large": ([0, 1, 4], "y must hold labels from 0 to 3, got 4"),
    "negative": ([0, -1, 2], "y must hold labels from 0 to 3, got -1"),
}


@pytest.mark.parametrize("name", BAD_Y)
def test_bad_labels_are_named(name: str) -> None:
    y, message = BAD_Y[name]
    X, _, W, b = random_batch([2, 4], 3, 0)
    a, z = network.forward(X, W, b)
    with pytest.raises(ValueError, match=message):
        network.cross_entropy(z[-1], y)
    with pytest.raises(ValueError, match=message):
        network.backward(a, z, y, W)


@pytest.mark.parametrize("function", [network.softmax, network.log_softmax])
@pytest.mark.parametrize("z", [np.zeros(3), np.zeros((0, 3)), np.zeros((3, 0)), [[1.0, np.nan]]])
def test_bad_logits_are_named(function: Any, z: npt.ArrayLike) -> None:
    with pytest.raises(ValueError, match=r"^z"):
        function(np.asarray(z))


def test_layers_that_do_not_fit_are_named() -> None:
    X, y, W, b = random_batch([3, 4, 2], 5, 0)
    with pytest.raises(ValueError, match=r"W\[1\] must have shape \(4, d_out\), got \(2, 4\)"):
        network.forward(X, [W[0], W[1].T], b)
    with pytest.raises(ValueError, match=r"b\[0\] must have shape \(4,\), got \(2,\)"):
        network.forward(X, W, [b[1], b[1]])
    with pytest.raises(ValueError, match="W and b must have one entry for each layer, got 2 and 1"):
        network.forward(X, W, b[:1])
    a, z = network.forward(X, W, b)
    with pytest.raises(ValueError, match="a, z and W must have one entry for each layer"):
        network.backward(a[:1], z, y, W)
    with pytest.raises(ValueError, match=r"a\[1\] must have shape \(5, 4\)"):
        network.backward([a[0], a[0]], z, y, W)


@pytest.mark.parametrize("wrong", [(), (3,), (3, 0), (-1, 2)])
def test_sizes_that_give_no_network_are_refused(wrong: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="sizes must be two or more positive numbers"):
        network.initialize(wrong, np.random.default_rng(0))
