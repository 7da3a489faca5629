"""What a reading says of itself: its boxes in the image, its words, its probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonlib.checks import Digit, Reading
from lessonlib.checks.readings import (
    LEAST_DOUBT,
    NO_DIGITS,
    UNSURE,
    calibrated,
    in_image,
    in_words,
    log_odds,
    probabilities_of,
)
from tests.judged import DOT, PLACES, reading

WEIGHTS = {"constant": 0.5, "score": 0.25, "share": 0.1}
SHIFTED = np.array([[1.0, 0.0, 100.0], [0.0, 1.0, 50.0]])
UPSIDE_DOWN = np.array([[-1.0, 0.0, 300.0], [0.0, -1.0, 200.0]])


def with_separator() -> Reading:
    first = reading("123", boxes=PLACES, marks=[DOT])
    return Reading("123", 0.5, first.digits, (DOT,), separator=DOT)


def test_a_digit_s_value_is_its_most_probable_one() -> None:
    assert Digit((0, 0, 1, 1), np.eye(10, dtype=np.float32)[7]).value == 7


def test_all_boxes_of_a_reading_go_to_the_image() -> None:
    moved = in_image(with_separator(), SHIFTED, (500, 400))
    assert [digit.box for digit in moved.digits] == [
        (x + 100, y + 50, w, h) for x, y, w, h in PLACES
    ]
    assert moved.marks == ((162, 86, 4, 4),)
    assert moved.separator == (162, 86, 4, 4)
    assert (moved.text, moved.confidence) == ("123", 0.5)


def test_boxes_of_writing_that_was_turned_are_turned_back() -> None:
    moved = in_image(with_separator(), UPSIDE_DOWN, (500, 400))
    assert moved.digits[0].box == (270, 160, 20, 30)
    assert moved.separator == (234, 160, 4, 4)


def test_a_reading_of_the_whole_image_stays_as_it_is() -> None:
    one = with_separator()
    assert in_image(one, np.eye(2, 3), (500, 400)) is one


def test_a_reading_without_a_separator_has_none_in_the_image() -> None:
    assert in_image(reading("1"), SHIFTED, (500, 400)).separator is None


@pytest.mark.parametrize(
    ("notes", "no_amount", "text", "confidence", "words"),
    [
        ((), "", "17", 0.5, ""),
        (("It is dark.",), "", "17", 0.5, "It is dark."),
        (("It is dark.",), "", "17", UNSURE, ""),
        ((), "two marks in a row", "17", 0.99, "No amount: two marks in a row."),
        (("Dark.", "It is cut."), "a date", "17", 0.1, "Dark. It is cut. No amount: a date."),
        (("It is dark.",), "no digits", "", 0.0, "It is dark."),
        ((), "no digits", "", 0.0, NO_DIGITS),
    ],
)
def test_why_there_is_no_amount_is_said_and_what_is_unusual_where_the_reading_is_unsure(
    notes: tuple[str, ...], no_amount: str, text: str, confidence: float, words: str
) -> None:
    assert in_words(notes, no_amount, text, confidence) == words


# ---------------------------------------------------------------- confidence


def test_a_calibration_is_a_logistic_function_of_the_weighted_features() -> None:
    p = calibrated({"score": 2.0, "share": -3.0}, WEIGHTS)
    assert p == pytest.approx(1 / (1 + np.exp(-(0.5 + 0.25 * 2 - 0.1 * 3))))


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_calibrated_confidence_is_a_probability(score: float, share: float) -> None:
    confidence = calibrated({"score": score, "share": share}, WEIGHTS)
    assert 0 <= confidence <= 1
    assert confidence <= calibrated({"score": 1e9, "share": 1e9}, WEIGHTS)


def test_a_feature_without_a_weight_is_named_with_the_remedy() -> None:
    features = {"score": 1.0, "share": 1.0, "digits": 4.0}
    with pytest.raises(ValueError, match=r"no weight for digits: .* --calibrate"):
        calibrated(features, WEIGHTS)


def test_log_odds_tell_apart_what_is_nearly_certain() -> None:
    p = np.array([1e-9, 0.2, 0.5, 0.99, 0.9999])
    odds = [log_odds(float(value)) for value in np.log(p)]
    assert odds == pytest.approx(np.log(p / (1 - p)), abs=1e-6)
    assert log_odds(0.0) == pytest.approx(-np.log(LEAST_DOUBT), abs=1e-3)  # finite, though p is 1
    assert log_odds(-1e9) == pytest.approx(-1e9)


# ---------------------------------------------------------------- alternatives


def logs(*texts: tuple[str, float]) -> list[tuple[str, float]]:
    return [(text, float(np.log(p))) for text, p in texts]


def test_the_best_text_has_the_confidence_and_the_others_share_the_rest() -> None:
    texts = logs(("12", 0.5), ("72", 0.25), ("17", 0.125))
    assert probabilities_of(texts, 0.6) == (("12", 0.6), ("72", 0.2), ("17", 0.1))


def test_no_text_gets_more_than_the_best_however_little_it_is_sure() -> None:
    texts = logs(("12", 0.5), ("72", 0.4))
    assert probabilities_of(texts, 0.1) == (("12", 0.1), ("72", 0.1))
    assert probabilities_of(texts, 0.0) == (("12", 0.0), ("72", 0.0))


def test_no_texts_have_no_probabilities() -> None:
    assert probabilities_of([], 0.5) == ()


@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=8), st.floats(0, 1), st.floats(0, 1))
def test_probabilities_of_texts_fall_and_add_up_to_at_most_1(
    shares: list[float], known: float, confidence: float
) -> None:
    p = np.sort(shares)[::-1] * known / sum(shares)
    texts = [(str(i), float(np.log(max(share, 1e-300)))) for i, share in enumerate(p)]
    found = [value for _, value in probabilities_of(texts, confidence)]
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(confidence, abs=1e-6)
    assert sum(found) <= 1 + 1e-5
