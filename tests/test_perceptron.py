"""The threshold unit, Rosenblatt's rule and the bound on its mistakes."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Perceptron

from lessonlib.perceptron import fires, learn, margin, mistake_bound, radius

Array = npt.NDArray[Any]
SQUARE = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


def separable(seed: int, n: int, d: int) -> tuple[Array, Array, Array, float]:
    """Return examples, and a unit that separates them with a margin."""
    rng = np.random.default_rng(seed)
    w, b = rng.normal(size=d), float(rng.normal())
    X = rng.normal(size=(20 * n, d))
    room = np.abs(X @ w + b) / np.sqrt(w @ w + b**2)
    X = X[np.argsort(-room)][:n]  # those far from the border
    return X, fires(X, w, b), w, b


def test_a_unit_fires_where_the_weighted_sum_reaches_the_threshold() -> None:
    w = np.array([1.0, 2.0])
    assert fires(SQUARE, w, -2).tolist() == [0, 1, 0, 1]  # sums 0, 2, 1, 3


def test_a_unit_fires_on_its_threshold() -> None:
    assert fires(np.array([1.0, 1.0]), np.array([1.0, 1.0]), -2) == 1
    assert fires(np.array([1.0, 1.0]), np.array([1.0, 1.0]), -2.0001) == 0


def test_one_example_gives_one_answer() -> None:
    assert fires(SQUARE[0], np.ones(2), 0).shape == ()
    assert fires(SQUARE, np.ones(2), 0).shape == (4,)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 40), d=st.integers(1, 8))
def test_on_separable_examples_training_ends_without_mistakes_within_the_bound(
    seed: int, n: int, d: int
) -> None:
    X, y, w_star, b_star = separable(seed, n, d)
    bound = mistake_bound(X, y, w_star, b_star)
    w, b, updates = learn(X, y, max_epochs=int(bound) + 1)  # each epoch but the last has a mistake
    assert fires(X, w, b).tolist() == y.tolist()
    assert len(updates) <= bound


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 12), d=st.integers(1, 5))
def test_each_correction_is_of_a_mistake_and_moves_the_sum_towards_the_label(
    seed: int, n: int, d: int
) -> None:
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, d)), rng.integers(2, size=n)
    w, b = np.zeros(d), 0.0
    for i, new_w, new_b in learn(X, y, max_epochs=5)[2]:
        assert fires(X[i], w, b) != y[i]
        gained = (X[i] @ new_w + new_b) - (X[i] @ w + b)
        assert np.isclose(gained, (2 * y[i] - 1) * (X[i] @ X[i] + 1))
        w, b = new_w, new_b


def test_the_last_update_is_the_unit_returned() -> None:
    w, b, updates = learn(SQUARE, [0, 0, 0, 1])
    assert updates[-1].w.tolist() == w.tolist()
    assert updates[-1].b == b


def test_training_ends_with_the_first_epoch_without_a_mistake() -> None:
    w, b, updates = learn(SQUARE, [0, 1, 1, 1], max_epochs=10**12)  # or the test would not end
    assert len(updates) == 5
    assert fires(SQUARE, w, b).tolist() == [0, 1, 1, 1]


def test_xor_is_never_learned_and_its_weights_come_back() -> None:
    for epochs in range(1, 60):
        w, b, _ = learn(SQUARE, [0, 1, 1, 0], max_epochs=epochs)
        assert fires(SQUARE, w, b).tolist() != [0, 1, 1, 0]
    third, fourth = (learn(SQUARE, [0, 1, 1, 0], max_epochs=m) for m in (3, 4))
    assert third[0].tolist() == fourth[0].tolist()
    assert third[1] == fourth[1]
    assert len(fourth[2]) > len(third[2])


def test_fourteen_of_the_sixteen_functions_of_two_bits_are_learned() -> None:
    learned = []
    for code in range(16):
        y = [code >> i & 1 for i in range(4)]
        w, b, _ = learn(SQUARE, y)
        if fires(SQUARE, w, b).tolist() == y:
            learned.append(code)
    assert sorted(set(range(16)) - set(learned)) == [0b0110, 0b1001]


@pytest.mark.parametrize(("d", "units"), [(2, 32), (3, 64)])
def test_behind_a_large_random_layer_it_learns_parity(d: int, units: int) -> None:
    X = np.array(np.meshgrid(*[[0.0, 1.0]] * d)).reshape(d, -1).T
    y = X.sum(axis=1) % 2
    for seed in range(50):
        rng = np.random.default_rng(seed)
        W, b = rng.normal(size=(d, units)), rng.normal(size=units)
        a = (X @ W + b >= 0).astype(float)  # a layer of threshold units that nothing trains
        assert fires(a, *learn(a, y)[:2]).tolist() == y.tolist()


def test_behind_random_units_that_each_see_two_of_three_inputs_parity_is_not_learned() -> None:
    X = np.array(np.meshgrid(*[[0.0, 1.0]] * 3)).reshape(3, -1).T
    y, rng = X.sum(axis=1) % 2, np.random.default_rng(0)
    W, b = rng.normal(size=(3, 500)), rng.normal(size=500)
    W[np.arange(500) % 3, np.arange(500)] = 0  # each unit misses one input
    a = (X @ W + b >= 0).astype(float)
    assert fires(a, *learn(a, y, max_epochs=200)[:2]).tolist() != y.tolist()


@pytest.mark.parametrize("epochs", [1, 3, 20])
def test_learn_takes_the_same_steps_as_scikit_learn(epochs: int) -> None:
    rng = np.random.default_rng(epochs)
    X, y = rng.normal(size=(40, 3)), rng.integers(2, size=40)
    # On a sum of exactly 0, the first here, scikit-learn corrects either label; we only a 0.
    y[0] = 0
    theirs = Perceptron(max_iter=epochs, tol=None, shuffle=False).fit(X, y)
    w, b, _ = learn(X, y, max_epochs=epochs)
    np.testing.assert_allclose(w, theirs.coef_[0])
    np.testing.assert_allclose(b, theirs.intercept_[0])


def test_inputs_are_not_changed() -> None:
    X, y = SQUARE.copy(), np.array([0, 0, 0, 1])
    learn(X, y)
    assert X.tolist() == SQUARE.tolist()
    assert y.tolist() == [0, 0, 0, 1]


def test_earlier_updates_keep_their_weights() -> None:
    updates = learn(SQUARE, [0, 1, 1, 1])[2]
    assert [(u.i, u.w.tolist(), u.b) for u in updates[:3]] == [
        (0, [0, 0], -1),
        (1, [0, 1], 0),
        (0, [0, 1], -1),
    ]


def test_the_margin_is_the_worst_example_s_distance_with_a_one_appended() -> None:
    # x1 + x2 >= 1.5 on the square: the sums are -1.5, -0.5, -0.5, 0.5; the unit's length √4.25.
    w, y = np.array([1.0, 1.0]), [0, 0, 0, 1]
    assert np.isclose(margin(SQUARE, y, w, -1.5), 0.5 / np.sqrt(4.25))
    assert np.isclose(radius(SQUARE), np.sqrt(3))
    assert np.isclose(mistake_bound(SQUARE, y, w, -1.5), 3 * 4.25 / 0.25)


def test_small_integers_give_the_same_result_as_floats() -> None:
    images, y = np.array([[200, 0], [250, 255], [0, 30]], dtype=np.uint8), [0, 1, 0]
    w, b, updates = learn(images, y)
    w_float, b_float, updates_float = learn(images.astype(float), y)
    assert (w.tolist(), b, len(updates)) == (w_float.tolist(), b_float, len(updates_float))
    assert np.isclose(radius(images), np.sqrt(250**2 + 255**2 + 1))


def test_the_margin_does_not_depend_on_the_length_of_the_weights() -> None:
    X, y, w, b = separable(0, 10, 3)
    assert np.isclose(margin(X, y, w, b), margin(X, y, 7 * w, 7 * b))


def test_a_unit_that_is_wrong_somewhere_has_a_negative_margin_and_no_bound() -> None:
    w, y = np.array([1.0, 1.0]), [0, 1, 1, 0]
    assert margin(SQUARE, y, w, -0.5) < 0
    with pytest.raises(ValueError, match="must separate"):
        mistake_bound(SQUARE, y, w, -0.5)
    with pytest.raises(ValueError, match="none may lie on the line"):
        mistake_bound(SQUARE, [0, 0, 0, 1], w, -2)


W, NAN = np.ones(2), np.full((1, 2), np.nan)


@pytest.mark.parametrize(
    ("X", "w", "b", "message"),
    [
        (np.zeros((3, 4)), W, 0, r"X must have shape \(n, 2\) or \(2,\), got shape \(3, 4\)"),
        (np.zeros(3), W, 0, r"X must have shape \(n, 2\) or \(2,\)"),
        (np.zeros((2, 2, 2)), W, 0, "X must have shape"),
        ([[0, 1]], W, 0, "X must have shape .* got list"),
        (np.zeros((0, 2)), W, 0, r"X is an empty batch: expected shape \(n, 2\)"),
        (NAN, W, 0, "X, shape .* NaN"),
        (SQUARE, np.ones((2, 1)), 0, r"w must be an array of shape \(d,\), got shape \(2, 1\)"),
        (SQUARE, NAN[0], 0, "w, shape .* NaN"),
        (SQUARE, W, np.inf, "b, shape .* infinity"),
        (SQUARE, W, np.zeros(2), r"b must be one number, got shape \(2,\)"),
    ],
)
def test_a_unit_that_does_not_fit_is_named(X: Any, w: Any, b: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fires(X, w, b)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros(4), [0] * 4, r"X must be an array of shape \(n, d\), got shape \(4,\)"),
        (SQUARE.tolist(), [0] * 4, "X must be an array .* got list"),
        (np.zeros((0, 2)), [], "X is an empty batch"),
        (np.zeros((4, 0)), [0] * 4, r"X must be an array of shape \(n, d\)"),
        (np.array([["a", "b"]]), [0], "X must hold numbers, got <U1"),
        (np.vstack([SQUARE, NAN]), [0] * 5, "X, shape .* NaN"),
        (SQUARE, [0, 1, 1], r"y must have shape \(4,\), one label a row, got shape \(3,\)"),
        (SQUARE, np.zeros((4, 1)), r"y must have shape \(4,\)"),
        (SQUARE, [0, 1, 2, 1], "y, shape .* labels 0 and 1, got 2"),
        (SQUARE, [-1, 1, 1, 1], "labels 0 and 1, got -1"),
        (SQUARE, [0, 1, np.nan, 1], "labels 0 and 1, got nan"),
        (SQUARE, [0, 1, 0.5, 1], "labels 0 and 1, got 0.5"),
    ],
)
def test_invalid_examples_are_named(X: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        learn(X, y)
    with pytest.raises(ValueError, match=message):
        margin(X, y, W, 0)


def test_other_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="max_epochs must be at least 1, got 0"):
        learn(SQUARE, [0, 1, 1, 1], max_epochs=0)
    with pytest.raises(ValueError, match="must not all be 0"):
        margin(SQUARE, [0, 1, 1, 1], np.zeros(2), 0)
    with pytest.raises(ValueError, match=r"X must be an array of shape \(n, d\)"):
        radius(np.zeros(3))
    with pytest.raises(ValueError, match=r"X, shape .* NaN"):
        radius(NAN)
