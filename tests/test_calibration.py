"""A calibration is fitted so that the confidence is the share that is right."""

import numpy as np
import pytest

from lessonlib.checks.readings import calibrated
from tools.calibration import fit

Readings = tuple[str, list[dict[str, float]], list[str], list[str]]


def readings(count: int) -> Readings:
    """Make features, and texts with what they should be: the surer, the more often right."""
    rng = np.random.default_rng(0)
    scores, noise = rng.normal(1, 2, count), rng.normal(0, 1, count)
    right = rng.random(count) < 1 / (1 + np.exp(-(0.5 + 1.5 * scores)))
    features = [{"score": s, "noise": n} for s, n in zip(scores, noise, strict=True)]
    return "made up", features, np.where(right, "1", "7").tolist(), ["1"] * count


def test_the_weights_that_made_the_shares_are_found_again() -> None:
    found = fit(*readings(20_000))
    assert set(found) == {"constant", "noise", "score"}
    assert found["constant"] == pytest.approx(0.5, abs=0.1)
    assert found["score"] == pytest.approx(1.5, abs=0.1)
    assert found["noise"] == pytest.approx(0.0, abs=0.1)


def test_the_mean_confidence_is_the_share_that_is_right() -> None:
    name, features, texts, truths = readings(500)
    weights = fit(name, features, texts, truths)
    confidences = [calibrated(one, weights) for one in features]
    assert np.mean(confidences) == pytest.approx(texts.count("1") / 500, abs=0.001)


def test_readings_without_a_text_have_no_part_in_it() -> None:
    name, features, texts, truths = readings(500)
    nothing = [{"score": -9.0, "noise": 0.0}] * 200
    more = fit(name, features + nothing, texts + [""] * 200, truths + [""] * 200)
    assert more == fit(name, features, texts, truths)


def test_the_share_that_is_right_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    features = [{"score": 1.0}, {"score": 0.0}, {"score": 2.0}, {"score": 1.0}]
    fit("this one", features, ["1", "2", "", "3"], ["1", "3", "", "3"])
    assert capsys.readouterr().out == "this one: reads 75.0% of 4 new rendered fields exactly\n"


def test_features_keep_their_names_whatever_their_order() -> None:
    name, features, texts, truths = readings(500)
    turned = [dict(reversed(one.items())) for one in features]
    known = fit(name, features, texts, truths)
    assert fit(name, turned, texts, truths) == pytest.approx(known, abs=0.001)


def test_weights_are_plain_numbers_of_four_digits() -> None:
    for value in fit(*readings(300)).values():
        assert type(value) is float
        assert value == round(value, 4)


def test_readings_that_are_all_right_cannot_be_fitted() -> None:
    name, features, _, truths = readings(10)
    with pytest.raises(ValueError, match="class"):
        fit(name, features, truths, truths)
