import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binomtest
from torch import Tensor, nn

from lessonlib import evaluation, models

Answers = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


class Ink(nn.Module):
    """A network without parameters, whose logit for 0 is the mean of the standardised pixels."""

    def forward(self, x: Tensor) -> Tensor:
        logits = torch.zeros(len(x), 10)
        logits[:, 0] = x.mean(dim=(1, 2))
        return logits


def answers(confidence: list[float], correct: list[bool]) -> Answers:
    """Make images of 3s: `confidence` goes to 3 where the answer is right, to 5 where not."""
    p = np.empty((len(confidence), 10))
    for row, c, right in zip(p, confidence, correct, strict=True):
        row[:] = (1 - c) / 9
        row[3 if right else 5] = c
    return p, np.full(len(p), 3)


@st.composite
def any_answers(draw: st.DrawFn) -> Answers:
    n = draw(st.integers(1, 40))
    scores = draw(hnp.arrays(np.float64, (n, 10), elements=st.floats(0.01, 10)))
    labels = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 9)))
    return scores / scores.sum(axis=1, keepdims=True), labels


IMAGES = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)


def test_predict_is_the_softmax_of_the_logits_of_standardised_images() -> None:
    mean = ((IMAGES / 255 - 0.1307) / 0.3081).mean(axis=(1, 2))
    expected = np.exp(mean) / (np.exp(mean) + 9)
    p = evaluation.predict(Ink(), IMAGES)
    assert p.dtype == np.float32
    assert p.shape == (7, 10)
    np.testing.assert_allclose(p[:, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


def test_predict_does_not_depend_on_the_batch_size() -> None:
    model = models.MLP((16,))
    whole = evaluation.predict(model, IMAGES)
    np.testing.assert_allclose(evaluation.predict(model, IMAGES, batch_size=3), whole, atol=1e-6)


def test_predict_turns_dropout_off_and_changes_no_weight() -> None:
    model = models.MLP((16,), dropout=0.5, batch_norm=True).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first, second = evaluation.predict(model, IMAGES), evaluation.predict(model, IMAGES)
    np.testing.assert_array_equal(first, second)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_predict_on_no_images_gives_no_rows() -> None:
    assert evaluation.predict(models.MLP((16,)), np.empty((0, 28, 28), np.uint8)).shape == (0, 10)


def test_predict_refuses_other_shapes_and_a_batch_size_of_0() -> None:
    with pytest.raises(ValueError, match=r"\(n, 28, 28\)"):
        evaluation.predict(Ink(), IMAGES[0])
    with pytest.raises(ValueError, match="batch_size"):
        evaluation.predict(Ink(), IMAGES, batch_size=0)


def test_accuracy_is_the_share_of_right_answers() -> None:
    assert evaluation.accuracy(*answers([0.9] * 4, [True, True, True, False])) == 0.75


@settings(deadline=None)
@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_s_interval_is_scipy_s(counts: tuple[int, int]) -> None:
    correct, n = counts
    expected = binomtest(correct, n).proportion_ci(method="wilson")
    low, high = evaluation.wilson_interval(correct, n, s=1.959963984540054)
    assert low == pytest.approx(expected.low, abs=1e-9)
    assert high == pytest.approx(expected.high, abs=1e-9)
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize(("correct", "n"), [(9_926, 10_000), (50, 100), (100, 100), (0, 40)])
@pytest.mark.parametrize("factor", [1, 2, 5])
def test_a_wider_interval_is_that_of_fewer_images(correct: int, n: int, factor: int) -> None:
    # Counts must be whole, so compare from the other side: more images, all as often right.
    many = evaluation.wilson_interval(correct * factor**2, n * factor**2, s=1.96 * factor)
    assert many == pytest.approx(evaluation.wilson_interval(correct, n), abs=1e-12)


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_s_interval_refuses_impossible_counts(correct: int, n: int) -> None:
    with pytest.raises(ValueError, match="can't be"):
        evaluation.wilson_interval(correct, n)


def test_confusion_has_true_digits_in_rows_and_answers_in_columns() -> None:
    matrix = evaluation.confusion(*answers([0.9] * 4, [True, True, True, False]))
    assert matrix.shape == (10, 10)
    assert matrix[3, 3] == 3
    assert matrix[3, 5] == 1
    assert matrix.sum() == 4


@settings(deadline=None)
@given(any_answers())
def test_per_class_agrees_with_the_confusion_matrix(pl: Answers) -> None:
    matrix, report = evaluation.confusion(*pl), evaluation.per_class(*pl)
    diagonal = np.diag(matrix)
    np.testing.assert_allclose(report.precision, diagonal / np.maximum(matrix.sum(axis=0), 1))
    np.testing.assert_allclose(report.recall, diagonal / np.maximum(matrix.sum(axis=1), 1))
    np.testing.assert_array_equal(report.support, matrix.sum(axis=1))
    both = report.precision + report.recall
    expected = np.divide(2 * report.precision * report.recall, both, where=both > 0, out=both * 0)
    np.testing.assert_allclose(report.f1, expected)


def test_reliability_counts_each_image_in_the_bin_of_its_confidence() -> None:
    r = evaluation.reliability(*answers([0.55, 0.58, 0.91, 1.0], [True, False, True, True]))
    assert r.count.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert r.confidence[[5, 9]] == pytest.approx([0.565, 0.955])
    assert r.accuracy[[5, 9]] == pytest.approx([0.5, 1.0])


def test_the_calibration_error_weighs_each_bin_by_its_images() -> None:
    # One bin of three images is off by 0.9 − 2/3 and one of a single image by 1 − 0.6.
    p, y = answers([0.9, 0.9, 0.9, 0.6], [True, True, False, True])
    expected = (3 * (0.9 - 2 / 3) + 1 * (1 - 0.6)) / 4
    assert evaluation.calibration_error(p, y) == pytest.approx(expected)


@settings(deadline=None)
@given(any_answers(), st.integers(1, 30))
def test_the_calibration_error_is_at_least_the_gap_of_the_means(pl: Answers, bins: int) -> None:
    gap = abs(pl[0].max(axis=1).mean() - evaluation.accuracy(*pl))
    assert gap - 1e-9 <= evaluation.calibration_error(*pl, bins=bins) <= 1


@settings(deadline=None)
@given(any_answers(), st.floats(0.3, 5))
def test_temperature_keeps_the_order_and_its_inverse_undoes_it(
    pl: Answers, temperature: float
) -> None:
    softened = evaluation.with_temperature(pl[0], temperature)
    np.testing.assert_allclose(softened.sum(axis=1), 1)
    back = evaluation.with_temperature(softened, 1 / temperature)
    np.testing.assert_allclose(back, pl[0], atol=1e-9)


def test_temperature_divides_the_logits() -> None:
    z = np.array([[2.0, -1, 0, 0, 0, 0, 0, 0, 0, 4]])
    expected = np.exp(z / 2) / np.exp(z / 2).sum()
    p = np.exp(z) / np.exp(z).sum()
    np.testing.assert_allclose(evaluation.with_temperature(p, 2.0), expected)


def test_the_fitted_temperature_repairs_an_overconfident_network() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, (4_000, 10))
    honest = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(10, p=row) for row in honest])
    boastful = evaluation.with_temperature(honest, 1 / 3)
    assert evaluation.fit_temperature(boastful, labels) == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_must_be_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        evaluation.with_temperature(np.full((1, 10), 0.1), temperature)


def test_the_reject_curve_answers_the_surest_first_and_ties_together() -> None:
    p, y = answers([0.5, 0.9, 0.7, 0.9], [False, True, True, False])
    curve = evaluation.reject_curve(p, y)
    assert curve.threshold == pytest.approx([0.9, 0.7, 0.5])
    assert curve.coverage == pytest.approx([0.5, 0.75, 1.0])
    assert curve.error == pytest.approx([1 / 2, 1 / 3, 2 / 4])


@settings(deadline=None)
@given(any_answers())
def test_the_reject_curve_equals_the_result_of_applying_its_thresholds(pl: Answers) -> None:
    p, y = pl
    curve = evaluation.reject_curve(p, y)
    for threshold, coverage, error in zip(
        curve.threshold, curve.coverage, curve.error, strict=True
    ):
        answered = p.max(axis=1) >= threshold
        assert coverage == pytest.approx(answered.mean())
        assert error == pytest.approx(1 - evaluation.accuracy(p[answered], y[answered]))
    assert curve.coverage[-1] == 1


GOOD = np.full((3, 10), 0.1)


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (GOOD[:, :9], [1, 2, 3], r"shape \(n, 10\)"),
        (GOOD[0], [1], r"shape \(n, 10\)"),
        (GOOD, [1, 2], "3 rows"),
        (GOOD[:0], [], "empty"),
        (GOOD, [1, 2, 10], "whole numbers"),
        (GOOD, [1, -2, 3], "whole numbers"),
        (GOOD, [1.0, 2.0, 3.0], "whole numbers"),
        (GOOD * 2, [1, 2, 3], "logits"),
        (GOOD * math.nan, [1, 2, 3], "logits"),
        (np.eye(10)[:3] * 2 - GOOD, [1, 2, 3], "logits"),
    ],
)
def test_bad_input_is_named(
    probabilities: npt.ArrayLike, labels: list[float], message: str
) -> None:
    functions = (
        evaluation.accuracy,
        evaluation.confusion,
        evaluation.per_class,
        evaluation.reliability,
        evaluation.calibration_error,
        evaluation.fit_temperature,
        evaluation.reject_curve,
    )
    for function in functions:
        with pytest.raises(ValueError, match=message):
            function(probabilities, labels)
