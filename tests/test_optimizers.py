"""The optimizers in NumPy against torch's, and the training loop."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonlib import digits, network, optimizers

TORCH: dict[str, tuple[Any, Any]] = {
    "gradient descent": (
        lambda w: optimizers.GradientDescent(w, lr=0.1),
        lambda w: torch.optim.SGD(w, lr=0.1),
    ),
    "momentum": (
        lambda w: optimizers.Momentum(w, lr=0.1, beta=0.8),
        lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.8),
    ),
    "adam": (
        lambda w: optimizers.Adam(w, lr=0.01, beta1=0.7, beta2=0.95, eps=1e-3),
        lambda w: torch.optim.Adam(w, lr=0.01, betas=(0.7, 0.95), eps=1e-3),
    ),
    "adam as it comes": (optimizers.Adam, torch.optim.Adam),
}


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(sorted(TORCH)),
    st.lists(st.lists(st.integers(1, 4), max_size=3).map(tuple), min_size=1, max_size=3),
    st.integers(0, 1000),
)
def test_each_step_equals_torch_s(name: str, shapes: list[tuple[int, ...]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    ours = [np.asarray(rng.normal(size=shape)) for shape in shapes]
    theirs = [torch.tensor(w, requires_grad=True) for w in ours]
    make_ours, make_theirs = TORCH[name]
    our_optimizer, their_optimizer = make_ours(ours), make_theirs(theirs)
    for _ in range(7):
        gradients = [np.asarray(rng.normal(size=shape)) for shape in shapes]
        our_optimizer.step(gradients)
        for w, g in zip(theirs, gradients, strict=True):
            w.grad = torch.tensor(g)
        their_optimizer.step()
    for our, their in zip(ours, theirs, strict=True):
        assert np.allclose(our, their.detach(), atol=1e-12)


@pytest.mark.parametrize("name", TORCH)
def test_gradients_are_not_changed(name: str) -> None:
    w, g = [np.ones((2, 3))], [np.full((2, 3), 0.5)]
    optimizer = TORCH[name][0](w)
    optimizer.step(g)
    optimizer.step(g)
    assert (g[0] == 0.5).all()
    assert (w[0] < 1).all()


@pytest.mark.parametrize("name", TORCH)
def test_gradients_that_do_not_fit_are_named_and_nothing_moves(name: str) -> None:
    w = [np.ones((2, 3)), np.ones(3)]
    optimizer = TORCH[name][0](w)
    with pytest.raises(ValueError, match=r"gradients\[0\] must have shape \(2, 3\), got \(3,\)"):
        optimizer.step([np.ones(3), np.ones(3)])
    with pytest.raises(ValueError, match="gradients must be 2 arrays, got 1"):
        optimizer.step([np.ones((2, 3))])
    assert all((w_l == 1).all() for w_l in w)


def xor() -> tuple[Any, Any]:
    return np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def test_training_learns_xor() -> None:
    X, y = xor()
    W, b = network.initialize((2, 8, 2), np.random.default_rng(0))
    losses = optimizers.train(
        X, y, W, b, optimizers.Adam([*W, *b], lr=0.05), np.random.default_rng(0),
        epochs=200, batch_size=4,
    )  # fmt: skip
    assert len(losses) == 200
    assert losses[-1] < 0.01 < losses[0]
    assert (network.forward(X, W, b)[1][-1].argmax(axis=1) == y).all()


def test_training_learns_the_bundled_digits() -> None:
    images, labels = digits.load_bundled("train")
    test_images, test_labels = digits.load_bundled("test")
    X, X_test = (part.reshape(-1, 784) / np.float32(255) for part in (images, test_images))
    W, b = network.initialize((784, 32, 10), np.random.default_rng(0))
    optimizers.train(
        X, labels, W, b, optimizers.Adam([*W, *b]), np.random.default_rng(0),
        epochs=20, batch_size=50,
    )  # fmt: skip
    logits = network.forward(X_test, W, b)[1][-1]
    assert (logits.argmax(axis=1) == test_labels).mean() > 0.88


def test_an_epoch_uses_each_example_once_except_those_that_fill_no_batch() -> None:
    class Spy:
        """Records, from the gradients of an identity network, which examples were used."""

        def __init__(self) -> None:
            self.steps: list[Any] = []

        def step(self, gradients: Any) -> None:
            self.steps.append(np.flatnonzero(np.abs(gradients[0]).sum(axis=1)))

    spy = Spy()
    optimizers.train(
        np.eye(7), np.arange(7), [np.zeros((7, 7))], [np.zeros(7)], spy, np.random.default_rng(0),
        epochs=2, batch_size=3,
    )  # fmt: skip
    assert [len(batch) for batch in spy.steps] == [3, 3, 3, 3]
    first, second = np.concatenate(spy.steps[:2]), np.concatenate(spy.steps[2:])
    assert len(set(first)) == len(set(second)) == 6
    assert list(first) != list(second)  # dealt anew


def test_training_repeats_from_its_seed() -> None:
    histories = []
    for _ in range(2):
        X, y = xor()
        W, b = network.initialize((2, 4, 2), np.random.default_rng(1))
        optimizer = optimizers.Momentum([*W, *b], lr=0.1)
        rng = np.random.default_rng(1)
        histories.append(optimizers.train(X, y, W, b, optimizer, rng, epochs=5, batch_size=2))
    assert histories[0] == histories[1]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "batch too large": ({"batch_size": 5}, "batch_size must be from 1 to 4, got 5"),
    "batch of none": ({"batch_size": 0}, "batch_size must be from 1 to 4, got 0"),
    "labels missing": ({"y": np.array([0, 1])}, r"y must have shape \(4,\)"),
    "label out of range": ({"y": np.array([0, 1, 2, 0])}, "y must hold labels from 0 to 1, got 2"),
    "NaN": ({"X": np.full((4, 2), np.nan)}, r"X, shape \(4, 2\), holds NaN"),
    "columns": ({"X": np.zeros((4, 3))}, r"X must have shape \(n, 2\), got \(4, 3\)"),
    "nothing": ({"X": np.zeros((0, 2)), "y": np.zeros(0, int)}, "X is an empty batch"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_are_named_before_anything_is_trained(name: str) -> None:
    changed, message = BAD[name]
    X, y = xor()
    W, b = network.initialize((2, 4, 2), np.random.default_rng(0))
    before = W[0].copy()
    arguments = {"X": X, "y": y, "W": W, "b": b, "batch_size": 2, "epochs": 1} | changed
    with pytest.raises(ValueError, match=message):
        optimizers.train(
            optimizer=optimizers.GradientDescent([*W, *b], lr=0.1),
            rng=np.random.default_rng(0),
            **arguments,
        )
    assert np.array_equal(W[0], before)
