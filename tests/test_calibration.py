"""A calibration is fitted so that the confidence is the share that is right."""

import numpy as np
import pytest

from lessonlib.checks.readings import calibrated
from tools.calibration import fit


def readings(count: int) -> tuple[list[dict[str, float]], list[bool]]:
    """Make features, and which readings were right: the surer, the more often."""
    rng = np.random.default_rng(0)
    scores, noise = rng.normal(1, 2, count), rng.normal(0, 1, count)
    right = rng.random(count) < 1 / (1 + np.exp(-(0.5 + 1.5 * scores)))
    features = [{"score": s, "noise": n} for s, n in zip(scores, noise, strict=True)]
    return features, right.tolist()


def test_the_weights_that_made_the_shares_are_found_again() -> None:
    found = fit(*readings(20_000))
    assert set(found) == {"constant", "noise", "score"}
    assert found["constant"] == pytest.approx(0.5, abs=0.1)
    assert found["score"] == pytest.approx(1.5, abs=0.1)
    assert found["noise"] == pytest.approx(0.0, abs=0.1)


def test_the_mean_confidence_is_the_share_that_is_right() -> None:
    features, right = readings(500)
    weights = fit(features, right)
    confidences = [calibrated(one, weights) for one in features]
    assert np.mean(confidences) == pytest.approx(np.mean(right), abs=0.001)


def test_features_keep_their_names_whatever_their_order() -> None:
    features, right = readings(500)
    turned = [dict(reversed(one.items())) for one in features]
    assert fit(turned, right) == pytest.approx(fit(features, right), abs=0.001)


def test_weights_are_plain_numbers_of_four_digits() -> None:
    for value in fit(*readings(300)).values():
        assert type(value) is float
        assert value == round(value, 4)


def test_readings_that_are_all_right_cannot_be_fitted() -> None:
    features, _ = readings(10)
    with pytest.raises(ValueError, match="class"):
        fit(features, [True] * 10)
