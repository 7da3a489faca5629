"""The way that reads the line whole: its pictures, its columns, and what becomes of them."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lessonlib import weights
from lessonlib.checks import Reading
from lessonlib.checks.amount import PERHAPS
from lessonlib.checks.ctc import Text, best_texts, log_likelihood, merge_into_blank
from lessonlib.checks.find import INVERTED, find_writing
from lessonlib.checks.image import Box, Gray
from lessonlib.checks.lines import (
    ALTERNATIVES,
    CHARACTERS,
    LINE_CLASSES,
    LINE_HEIGHT,
    MOST_COLUMNS,
    SHRINKING,
    SIDE,
    WIDTH_STEP,
    LineField,
    Lines,
    best_line_texts,
    boxes_in,
    digit_probabilities,
    evidence_of,
    line_features,
    line_in,
    line_pictures,
    mean_log_likelihoods,
    read_columns,
    read_line,
    stretched,
)
from lessonlib.checks.readings import NO_DIGITS, UNSURE
from lessonlib.models import LineNetwork
from lessonlib.recipes import LINE_RECIPE
from lessonlib.synthesis import render
from tests.judged import same

CALIBRATION = {"constant": 0.0, "score": 1.0, "share": 0.0, "agreed": 0.0}
Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def network() -> LineNetwork:
    """A small network that learnt nothing: most of its columns say something else than paper."""
    torch.manual_seed(0)
    return LineNetwork(4).eval()


def columns_saying(said: str, width: int = 2, sure: float = 0.98) -> Floats:
    """Make columns that are fairly sure of some characters, "_" for none, each of some columns."""
    p = np.full((width * len(said), LINE_CLASSES), (1 - sure) / (LINE_CLASSES - 1))
    for place, character in enumerate(said):
        kind = LINE_CLASSES - 1 if character == "_" else CHARACTERS.index(character)
        p[width * place : width * (place + 1), kind] = sure
    return np.asarray(np.log(p))


def field_of(
    log_p: Floats,
    ink: Sequence[Box] = (),
    matrix: Floats | None = None,
    notes: tuple[str, ...] = (),
) -> LineField:
    """Make a field that these columns may have come from, with ink in some boxes."""
    pictures = np.zeros((2, LINE_HEIGHT, SHRINKING * len(log_p)), np.uint8)
    for x, y, w, h in ink:
        pictures[:, y : y + h, x : x + w] = 255
    return LineField(pictures, np.eye(2, 3) if matrix is None else matrix, (2000, 1000), notes)


def reading_of(said: str, **others: float) -> Reading:
    log_p = columns_saying(said, **others)  # type: ignore[arg-type]
    return read_line(field_of(log_p), log_p, CALIBRATION)


# ---------------------------------------------------------------- pictures


@given(st.integers(1, 300), st.integers(1, 900))
@settings(max_examples=60, deadline=None)
def test_a_line_s_pictures_keep_its_proportions_and_have_room(height: int, width: int) -> None:
    pictures = line_pictures(np.full((height, width), 200, np.uint8))
    columns = min(max(1, round(width * LINE_HEIGHT / height)), MOST_COLUMNS)
    assert pictures.dtype == np.uint8
    assert pictures.shape[:2] == (2, LINE_HEIGHT)
    assert pictures.shape[2] % WIDTH_STEP == 0
    assert columns + 2 * SIDE <= pictures.shape[2] < columns + 2 * SIDE + WIDTH_STEP


def test_paper_is_0_and_the_darkest_ink_255_however_pale() -> None:
    for paper, ink in ((250, 20), (200, 160), (120, 60)):
        gray = np.full((80, 300), paper, np.uint8)
        gray[20:60, 100:108] = ink
        levels, mask = line_pictures(gray)
        assert levels[:, :SIDE].max() == 0
        assert levels[15, 5] == 0
        assert levels[20, SIDE + 52] == mask[20, SIDE + 52] == 255


def test_what_hardly_differs_from_the_paper_stays_faint() -> None:
    gray = np.full((80, 300), 200, np.uint8)
    gray[20:60, 100:108] = 198
    assert line_pictures(gray)[0].max() <= 255 * 2 / 8


def test_the_second_picture_has_no_ruled_lines_and_the_first_one_has() -> None:
    gray = np.full((80, 400), 240, np.uint8)
    gray[70:73] = 60
    gray[15:60, 100:108] = gray[15:60, 200:208] = 30
    levels, ink = line_pictures(gray)
    row = round(71 * LINE_HEIGHT / 80)
    assert levels[row, SIDE + 20] > 80
    assert ink[row, SIDE + 20] == 0
    assert ink[18, SIDE + 52] == 255


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 100_000), (2000, 30)])
def test_very_long_and_very_narrow_lines_have_pictures_of_bounded_width(
    shape: tuple[int, int],
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    pictures = line_pictures(noise)
    assert pictures.shape[1] == LINE_HEIGHT
    assert pictures.shape[2] <= MOST_COLUMNS + 2 * SIDE + WIDTH_STEP


# ---------------------------------------------------------------- columns


def test_there_is_a_column_for_every_few_pixels_with_log_probabilities(
    network: LineNetwork,
) -> None:
    lines = [line_pictures(render(text, 0)) for text in ("17", "1,250.00", "3")]
    for line, log_p in zip(lines, read_columns(network, lines), strict=True):
        assert log_p.shape == (line.shape[2] // SHRINKING, LINE_CLASSES)
        assert log_p.dtype == np.float64
        np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1)


def test_a_line_gives_the_same_alone_and_among_others(network: LineNetwork) -> None:
    lines = [line_pictures(render(text, 3)) for text in ("17", "1,250.00", "17", "990,125.50")]
    together = read_columns(network, lines)
    for line, log_p in zip(lines, together, strict=True):
        (alone,) = read_columns(network, [line])
        np.testing.assert_allclose(alone, log_p, atol=1e-4)
    assert not np.allclose(together[0], together[2][: len(together[0])] + 1)


def test_lines_come_back_in_their_order_even_when_there_are_many(network: LineNetwork) -> None:
    rng = np.random.default_rng(0)
    widths = rng.choice([32, 64, 96], 150).tolist()
    lines = [rng.integers(0, 256, (2, LINE_HEIGHT, width), dtype=np.uint8) for width in widths]
    columns = read_columns(network, lines)
    assert [SHRINKING * len(log_p) for log_p in columns] == widths
    for place in (0, 77, 149):
        np.testing.assert_allclose(
            read_columns(network, [lines[place]])[0], columns[place], atol=1e-4
        )


def test_no_lines_have_no_columns(network: LineNetwork) -> None:
    assert read_columns(network, []) == []


# ---------------------------------------------------------------- texts


def test_the_text_is_what_the_columns_say_without_marks() -> None:
    reading = reading_of("_1_,2_55_0_.0_0_")
    assert reading.text == "125000"
    assert "".join(str(digit.value) for digit in reading.digits) == reading.text
    assert reading.amount == Decimal("1250.00")
    assert len(reading.marks) == 2
    assert reading.separator == reading.marks[1]


def test_a_blank_or_a_mark_parts_two_equal_digits() -> None:
    assert reading_of("_1111__1__").text == "11"
    assert reading_of("_11.11_").text == "11"
    assert reading_of("_1111_").text == "1"


@pytest.mark.parametrize(
    ("said", "amount", "currency"),
    [
        ("_$_1_2_._5_0_", Decimal("12.50"), "$"),
        ("_R_$_1_2_", Decimal(12), "R$"),
        ("_₹_1_,_2_0_,_0_0_0_/_-_", Decimal(120000), "₹"),
        ("_1_2_^_5_0_", Decimal("12.50"), None),
        ("_1_2_x_x_/_1_0_0_", None, None),
    ],
)
def test_marks_give_the_amount_and_its_currency(
    said: str, amount: Decimal | None, currency: str | None
) -> None:
    reading = reading_of(said)
    assert reading.currency == currency
    assert reading.amount == amount or amount is None


def test_where_two_amounts_are_possible_a_note_says_why() -> None:
    reading = reading_of("_1_2_._5_")
    assert (reading.text, reading.amount, reading.separator) == ("125", None, None)
    assert "one digit after the last mark" in reading.note


def test_notes_of_what_was_found_come_first() -> None:
    log_p = columns_saying("_1_2_._5_")
    reading = read_line(field_of(log_p, notes=("It is dark.",)), log_p, CALIBRATION)
    assert reading.confidence < UNSURE
    assert reading.note.startswith("It is dark. No amount: ")


def test_columns_that_see_nothing_give_an_empty_reading_without_alternatives() -> None:
    for said in ("____", "_-_", "._$"):
        reading = reading_of(said)
        assert (reading.text, reading.confidence, reading.digits) == ("", 0.0, ())
        assert (reading.amount, reading.note, reading.alternatives) == (None, NO_DIGITS, ())


def test_marks_alone_are_marks() -> None:
    assert len(reading_of("_-_").marks) == 1


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.floats(0.3, 6))
@settings(max_examples=60, deadline=None)
def test_whatever_the_columns_say_the_reading_is_whole(seed: int, count: int, scale: float) -> None:
    logits = scale * np.random.default_rng(seed).normal(size=(count, LINE_CLASSES))
    log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    reading = read_line(field_of(log_p), log_p, CALIBRATION)
    assert reading.text == "".join(str(digit.value) for digit in reading.digits)
    assert all(digit.probabilities.sum() == pytest.approx(1, abs=1e-5) for digit in reading.digits)
    probabilities = [p for _, p in reading.alternatives]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1 + 1e-5
    texts = [text for text, _ in reading.alternatives]
    assert len(set(texts)) == len(texts) <= ALTERNATIVES
    assert texts[:1] == ([reading.text] if reading.text else [])
    assert reading.separator is None or reading.separator in reading.marks


# ---------------------------------------------------------------- probabilities


def test_the_alternatives_are_the_most_probable_texts_and_the_best_has_the_confidence() -> None:
    log_p = columns_saying("_1_7_", width=1, sure=0.6)
    log_p[1, [1, 7]] = np.log([0.5, 0.4])
    reading = read_line(field_of(log_p), log_p, CALIBRATION)
    best = best_texts(merge_into_blank(log_p, keep=10), ALTERNATIVES)
    assert [text for text, _ in reading.alternatives] == ["".join(map(str, t)) for t, _ in best]
    assert reading.alternatives[0][1] == pytest.approx(reading.confidence, abs=1e-6)
    assert reading.text == "17"
    assert "77" in [text for text, _ in reading.alternatives]


def test_texts_have_their_exact_probability() -> None:
    log_p = merge_into_blank(columns_saying("_1_7_", sure=0.7), keep=10)
    for text, score in best_line_texts([log_p])[0]:
        assert score == pytest.approx(log_likelihood(log_p, [int(c) for c in text]))


def test_a_doubtful_line_is_looked_at_again_and_a_sure_one_is_not() -> None:
    class Says(nn.Module):
        """Says 1 of narrow lines, with a probability, and 7 of wide ones."""

        def __init__(self, sure: float) -> None:
            super().__init__()
            self.sure, self.widths = sure, list[int]()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.widths.append(x.shape[3])
            said = columns_saying("_1_" if x.shape[3] <= 96 else "_7_", sure=self.sure)
            return torch.from_numpy(said.T).float().expand(len(x), -1, -1)

    picture = np.zeros((2, LINE_HEIGHT, 96), np.uint8)
    (sure,), (doubtful,) = (evidence_of(Says(p), [picture]) for p in (0.999, 0.7))
    assert (len(sure.looks), sure.agreed, sure.texts[0][0]) == (1, 1.0, "1")
    assert len(doubtful.looks) == 3
    assert doubtful.texts[0][0] == "1"  # two of three looks say so
    assert doubtful.agreed == pytest.approx(2 / 3)
    numbers = [tuple(map(int, text)) for text, _ in doubtful.texts]
    means = mean_log_likelihoods(doubtful.looks, numbers).tolist()
    assert [score for _, score in doubtful.texts] == pytest.approx(means)


def test_a_line_of_another_size_keeps_its_middle_row() -> None:
    picture = np.zeros((2, LINE_HEIGHT, 64), np.uint8)
    picture[:, 18:22, 10:20] = 255
    wider, smaller = stretched(picture, 2.0, 1.0), stretched(picture, 1.0, 0.5)
    assert wider.shape == (2, LINE_HEIGHT, 128)
    assert np.flatnonzero(wider[0].any(axis=0)).mean() == pytest.approx(29.5, abs=1.5)
    assert np.flatnonzero(smaller[0].any(axis=1)).mean() == pytest.approx(19.5, abs=1)
    assert smaller[0].any(axis=1).sum() < picture[0].any(axis=1).sum()


def test_the_confidence_comes_from_the_best_text_s_probability_and_share() -> None:
    features = line_features([("17", np.log(0.5)), ("11", np.log(0.25))], 1.0)
    assert features["score"] == pytest.approx(0.0)
    assert features["share"] == pytest.approx(np.log(2))
    assert reading_of("_1_7_", sure=0.99).confidence > reading_of("_1_7_", sure=0.7).confidence


def test_a_digit_s_probabilities_are_those_of_the_texts_that_differ_in_it_alone() -> None:
    log_p = columns_saying("_1_7_", width=1, sure=0.8)
    log_p[3] = np.log(np.full(LINE_CLASSES, 0.1 / (LINE_CLASSES - 2)))
    log_p[3, [1, 7]] = np.log([0.3, 0.6])
    reading = read_line(field_of(log_p), log_p, CALIBRATION)
    merged = merge_into_blank(log_p, keep=10)
    expected = np.exp([log_likelihood(merged, [1, digit]) for digit in range(10)])
    np.testing.assert_allclose(
        reading.digits[1].probabilities, expected / expected.sum(), rtol=1e-4
    )


def test_a_digit_that_was_read_is_the_most_probable_one_even_where_the_search_fell_short() -> None:
    log_p = columns_saying("_1_7_", width=1, sure=0.6)
    merged = merge_into_blank(log_p, keep=10)

    def score(texts: Sequence[Text]) -> Floats:
        return np.array([0.0 if text == (2, 7) else -1.0 for text in texts])

    first, second = digit_probabilities(merged, (1, 7), [(1, 2), (3, 4)], score)
    assert [p.argmax() for p in (first, second)] == [1, 7]
    assert first[2] == pytest.approx(first[1], rel=0.01)


# ---------------------------------------------------------------- boxes


def test_a_box_is_drawn_in_to_the_ink_around_its_columns() -> None:
    log_p = columns_saying("_1__7_")
    ink = [(9, 5, 5, 30), (34, 8, 4, 20)]
    reading = read_line(field_of(log_p, ink), log_p, CALIBRATION)
    assert [digit.box for digit in reading.digits] == ink


def test_boxes_go_through_the_matrix_to_the_image() -> None:
    log_p = columns_saying("_1__7_")
    twice_and_right = np.array([[2.0, 0.0, 100.0], [0.0, 2.0, 50.0]])
    field = field_of(log_p, [(9, 5, 5, 30), (34, 8, 4, 20)], twice_and_right)
    first, second = read_line(field, log_p, CALIBRATION).digits
    assert first.box == (118, 60, 10, 60)
    assert second.box == (168, 66, 8, 40)


def test_the_pictures_lie_in_the_image_where_the_line_was_found() -> None:
    gray = np.full((80, 300), 240, np.uint8)
    gray[20:60, 100:110] = 30
    found = find_writing(gray)
    field = line_in(found, (300, 80))
    rows, columns = np.nonzero(field.pictures[1] > 128)
    x, y = field.matrix @ [columns.min(), rows.min(), 1]
    assert (x, y) == (pytest.approx(100, abs=3), pytest.approx(20, abs=3))
    x, y = field.matrix @ [columns.max() + 1, rows.max() + 1, 1]
    assert (x, y) == (pytest.approx(110, abs=3), pytest.approx(60, abs=3))


def test_without_ink_a_box_still_has_a_place() -> None:
    pictures = np.zeros((2, LINE_HEIGHT, 96), np.uint8)
    for x, y, w, h in boxes_in(pictures, [0.5, 1.0, 23.5]):
        assert 0 <= x < x + w <= 96
        assert 0 <= y < y + h <= LINE_HEIGHT


@given(st.lists(st.integers(1, 46), min_size=1, max_size=12, unique=True))
@settings(max_examples=60, deadline=None)
def test_boxes_are_inside_and_in_order_however_close_the_characters(places: list[int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, LINE_HEIGHT, 96), dtype=np.uint8)
    boxes = boxes_in(noise, [place / 2 for place in sorted(places)])
    for x, y, w, h in boxes:
        assert 0 <= x < x + w <= 96
        assert 0 <= y < y + h <= LINE_HEIGHT
    assert all(a[0] <= b[0] for a, b in pairwise(boxes))


# ---------------------------------------------------------------- the whole way


@pytest.fixture(scope="module")
def way() -> Lines:
    """The way that ships."""
    path = weights.shipped_path("reader-line")
    return Lines(weights.load(path), weights.read_record(path)["calibration"])


@pytest.mark.parametrize(
    ("said", "half_seen", "amount"),
    [
        ("12_50", None, "1250"),
        ("12_50", ".", None),  # perhaps 12.50
        ("1_250", ",", None),  # before the last two digits there may be a mark, too
        ("1,250", None, "1250"),
        ("12.50", None, "12.50"),
    ],
)
def test_a_point_that_is_half_seen_makes_an_amount_doubtful(
    said: str, half_seen: str | None, amount: str | None
) -> None:
    p = np.exp(columns_saying(said, sure=0.9999))
    if half_seen is not None:
        column = 2 * len(said) - 5  # before the last two digits
        p[column, CHARACTERS.index(half_seen)] += 0.02
    reading = read_line(field_of(np.log(p / p.sum(axis=1, keepdims=True))), np.log(p), CALIBRATION)
    assert reading.text == "".join(c for c in said if c.isdecimal())
    assert reading.amount == (None if amount is None else Decimal(amount))
    assert (PERHAPS in reading.note) == (half_seen is not None)


def test_a_stroke_of_hundredths_that_is_half_seen_makes_an_amount_doubtful() -> None:
    p = np.exp(columns_saying("45_10_0", sure=0.9999))
    assert read_line(field_of(np.log(p)), np.log(p), CALIBRATION).amount == Decimal(45100)
    p[4, CHARACTERS.index("/")] += 0.02
    assert read_line(field_of(np.log(p)), np.log(p), CALIBRATION).amount is None


def written(text: str = "470530") -> Gray:
    """Print a number in the middle of a photo."""
    photo = np.full((300, 500), 215, dtype=np.uint8)
    cv2.putText(photo, text, (120, 170), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 40, 6)
    return photo


def middles(reading: Reading) -> Floats:
    return np.array([(x + w / 2, y + h / 2) for x, y, w, h in (d.box for d in reading.digits)])


def test_a_tilted_photo_s_boxes_are_where_its_digits_are(way: Lines) -> None:
    straight, turn = written(), cv2.getRotationMatrix2D((250, 150), 9, 1.0)
    tilted = cv2.warpAffine(straight, turn, (500, 300), borderMode=cv2.BORDER_REPLICATE)
    one, two = (
        way.read([way.prepare(np.asarray(image, np.uint8))])[0] for image in (straight, tilted)
    )
    assert one.text == two.text == "470530"
    expected = middles(one) @ turn[:, :2].T + turn[:, 2]
    assert np.abs(middles(two) - expected).max() < 12


def test_light_ink_on_dark_is_read_as_dark_ink_on_light_and_noted(way: Lines) -> None:
    dark = written()
    one, two = (way.read([way.prepare(image)])[0] for image in (dark, 255 - dark))
    assert one.text == two.text == "470530"
    assert [digit.box for digit in one.digits] == [digit.box for digit in two.digits]
    assert INVERTED in way.prepare(255 - dark).notes
    assert INVERTED not in way.prepare(dark).notes


def test_fields_read_together_are_read_as_each_by_itself(way: Lines) -> None:
    fields = [way.prepare(render(text, 5)) for text in ("17", "1,250.00", "3", "17.50", "99,000")]
    for field, reading in zip(fields, way.read(fields, 0.5), strict=True):
        assert same(reading, way.read([field], 0.5)[0])


def test_the_shipped_calibration_has_a_weight_for_each_feature_and_a_constant(way: Lines) -> None:
    assert set(way.calibration) == {"constant", *line_features([("1", -0.1)], 1.0)}


def test_the_network_has_a_class_for_each_character_and_the_blank() -> None:
    assert LINE_RECIPE.config["classes"] == LINE_CLASSES
    assert len(set(CHARACTERS)) == len(CHARACTERS)
    assert CHARACTERS[:10] == "0123456789"


def test_a_way_prepares_what_the_network_reads(network: LineNetwork) -> None:
    own = Lines(network, CALIBRATION)
    field = own.prepare(render("1,250.00", 1))
    assert field.pictures.shape[:2] == (2, LINE_HEIGHT)
    (reading,) = own.read([field])
    assert 0 <= reading.confidence <= 1
