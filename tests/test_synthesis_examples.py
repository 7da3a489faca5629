"""The labels of the candidates that the readers are trained on."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from lessonlib import digits
from lessonlib.checks import JUNK, MARK, Strip, cut_up, find_candidates
from lessonlib.checks.candidates import CANDIDATE_CLASSES
from lessonlib.synthesis import Difficulty
from lessonlib.synthesis import examples as example_module
from lessonlib.synthesis.examples import (
    OTHERS_SHARE,
    SCALES,
    UNCLEAR,
    classes_of,
    examples,
    field_by,
    labelled_candidates,
    random_difficulty,
    random_field,
    spread,
)
from lessonlib.synthesis.fields import LabelledField
from lessonlib.synthesis.hands import Hand, bundled_hand, drawn_hand, mixed_hand
from lessonlib.synthesis.render import NOBODY, render_with_owner
from lessonlib.synthesis.samples import sample_amounts

IMAGES, LABELS = digits.load_bundled("test")
CLEAN = Difficulty(*[0.0] * 10)
AMOUNT = "13,579.26"


def strip_of(*widths: int) -> Strip:
    """Put together primitives 40 pixels high, of these widths, side by side."""
    edges = np.cumsum([0, *widths])
    labels = np.repeat(np.arange(len(widths), dtype=np.int16), widths)[np.newaxis].repeat(40, 0)
    boxes = [(x, 0, w, 40) for x, w in zip(edges.tolist(), widths, strict=False)]
    return Strip(labels, np.array(boxes, dtype=np.int64), np.arange(len(widths)), 40, 0.0)


def owners(*widths_and_owners: tuple[int, int]) -> npt.NDArray[np.int16]:
    row = np.concatenate([np.full(width, owner) for width, owner in widths_and_owners])
    return row[np.newaxis].repeat(40, 0).astype(np.int16)


def classes(
    strip: Strip, owner: npt.NDArray[np.int16], amount: str, *candidates: tuple[int, int]
) -> list[int]:
    labelled: list[int] = classes_of(strip, np.array(candidates), owner, amount).tolist()
    return labelled


# ---------------------------------------------------------------- one candidate


def test_a_whole_digit_by_itself_is_that_digit() -> None:
    strip, owner = strip_of(20, 20), owners((20, 0), (20, 1))
    assert classes(strip, owner, "73", (0, 1), (1, 2)) == [7, 3]


def test_two_digits_joined_are_junk() -> None:
    strip, owner = strip_of(20, 20), owners((20, 0), (20, 1))
    assert classes(strip, owner, "73", (0, 2)) == [JUNK]


def test_half_a_digit_is_junk_and_both_halves_together_are_the_digit() -> None:
    strip, owner = strip_of(12, 12, 20), owners((24, 0), (20, 1))
    assert classes(strip, owner, "73", (0, 1), (1, 2), (0, 2)) == [JUNK, JUNK, 7]


def test_a_digit_with_a_comma_in_it_is_junk_and_the_comma_a_mark() -> None:
    strip, owner = strip_of(20, 6, 20), owners((20, 0), (6, 1), (20, 2))
    assert classes(strip, owner, "7,3", (0, 1), (1, 2), (0, 2)) == [7, MARK, JUNK]


def test_dirt_and_lines_are_marks() -> None:
    strip, owner = strip_of(20, 8), owners((20, 0), (8, NOBODY))
    assert classes(strip, owner, "7", (0, 1), (1, 2)) == [7, MARK]


def test_a_candidate_neither_whole_nor_clearly_broken_is_left_out() -> None:
    strip, owner = strip_of(16, 4), owners((20, 0))
    assert classes(strip, owner, "7", (0, 1), (1, 2), (0, 2)) == [UNCLEAR, JUNK, 7]


def test_a_zero_is_labelled_0_without_the_side_that_another_is_written_into() -> None:
    strip, owner = strip_of(20, 20), owners((15, 0), (5, 1), (20, 1))
    assert classes(strip, owner, "00", (0, 1), (1, 2), (0, 2)) == [0, 0, JUNK]
    assert classes(strip, owner, "99", (0, 1), (1, 2), (0, 2)) == [UNCLEAR, UNCLEAR, JUNK]


def test_a_part_of_a_zero_is_no_zero_where_the_whole_is_a_candidate() -> None:
    strip, owner = strip_of(16, 4), owners((20, 0))
    assert classes(strip, owner, "0", (0, 1), (1, 2)) == [0, JUNK]
    assert classes(strip, owner, "0", (0, 1), (1, 2), (0, 2)) == [UNCLEAR, JUNK, 0]


def test_a_zero_with_much_of_another_digit_is_no_zero() -> None:
    owner = owners((22, 0), (7, 1), (13, 1))
    assert classes(strip_of(29, 13), owner, "01", (0, 1)) == [0]
    assert classes(strip_of(29), owner[:, :29], "01", (0, 1)) == [UNCLEAR]


# ---------------------------------------------------------------- a field


def test_in_plain_writing_every_digit_of_the_amount_is_among_the_candidates() -> None:
    complete = []
    for seed in range(20):
        _, labels = labelled_candidates(*render_with_owner(AMOUNT, seed, CLEAN), AMOUNT)
        complete.append(set(labels.tolist()) >= {1, 2, 3, 5, 6, 7, 9})
        assert not set(labels.tolist()) & {0, 4, 8}  # which the amount does not have
        assert MARK in labels
    assert np.mean(complete) >= 0.85


def test_some_candidates_are_junk_and_some_get_no_label() -> None:
    image, owner = render_with_owner(AMOUNT, 3, Difficulty(touching=1.0))
    inputs, labels = labelled_candidates(image, owner, AMOUNT)
    assert JUNK in labels
    assert len(inputs) == len(labels) < len(find_candidates(image).candidates)


def test_thinning_leaves_out_a_share_of_junk_and_marks_and_no_digit() -> None:
    before, kept = np.zeros(12), np.zeros(12)
    for seed in range(40):
        image, owner = render_with_owner(AMOUNT, seed, Difficulty(touching=1.0))
        _, everything = labelled_candidates(image, owner, AMOUNT)
        inputs, some = labelled_candidates(image, owner, AMOUNT, np.random.default_rng(seed))
        assert len(inputs) == len(some)
        before += np.bincount(everything, minlength=12)
        kept += np.bincount(some, minlength=12)
    assert kept[:10].tolist() == before[:10].tolist()
    assert before[JUNK] > 300
    assert kept[JUNK] / before[JUNK] == pytest.approx(OTHERS_SHARE, abs=0.08)
    assert before[MARK] > 60  # so few that chance moves their share further
    assert kept[MARK] / before[MARK] == pytest.approx(OTHERS_SHARE, abs=0.12)


def test_the_pictures_are_the_same_as_the_reader_s() -> None:
    image, owner = render_with_owner(AMOUNT, 0, CLEAN)
    seen = {picture.tobytes() for picture in find_candidates(image).pictures}
    inputs, _ = labelled_candidates(image, owner, AMOUNT)
    assert {picture.tobytes() for picture in inputs} <= seen


def test_owners_are_cut_out_tilted_and_turned_dark_as_the_writing_is_found() -> None:
    image, owner = render_with_owner(AMOUNT, 2, CLEAN)
    paper, room = int(np.median(image)), ((150, 120), (200, 300))
    image = np.pad(image, room, constant_values=paper)
    owner = np.pad(owner, room, constant_values=NOBODY)
    turn = cv2.getRotationMatrix2D((400, 180), 6, 1.0)
    size = (image.shape[1], image.shape[0])
    tilted = cv2.warpAffine(image, turn, size, borderValue=paper)
    turned = cv2.warpAffine(owner, turn, size, flags=cv2.INTER_NEAREST, borderValue=float(NOBODY))
    dark = np.asarray(255 - np.asarray(tilted), np.uint8)
    _, labels = labelled_candidates(dark, np.asarray(turned, np.int16), AMOUNT)
    assert set(labels.tolist()) >= {1, 2, 3, 5, 6, 7, 9}


def test_a_field_without_ink_gives_no_examples() -> None:
    blank = np.full((60, 200), 255, dtype=np.uint8)
    nobody = np.full(blank.shape, NOBODY, dtype=np.int16)
    inputs, labels = labelled_candidates(blank, nobody, "12")
    assert inputs.shape == (0, 2, 28, 28)
    assert labels.shape == (0,)
    assert not len(cut_up(blank == 0).boxes)


def test_strokes_own_the_two_pixels_around_them_but_no_other_s_ink() -> None:
    owner = np.full((9, 12), NOBODY, dtype=np.int16)
    owner[4, 4], owner[4, 5] = 0, 1
    grown = spread(owner)
    assert (grown[4, 4], grown[4, 5]) == (0, 1)
    assert (grown[4, 2], grown[4, 1]) == (0, NOBODY)
    assert (grown[4, 7], grown[4, 8]) == (1, NOBODY)


# ---------------------------------------------------------------- many


def some_fields(count: int) -> list[LabelledField]:
    rng = np.random.default_rng(3)
    amounts = sample_amounts(rng, count)
    images_and_owners = [random_field(amount, rng, IMAGES, LABELS) for amount in amounts]
    return [
        LabelledField(image, amount, owner)
        for (image, owner), amount in zip(images_and_owners, amounts, strict=True)
    ]


def test_examples_are_the_candidates_of_all_fields_but_for_some_junk_and_marks() -> None:
    fields = some_fields(12)
    inputs, labels = examples(fields, np.random.default_rng(0))
    every = [labelled_candidates(field.image, field.owner, field.text) for field in fields]
    every_input, every_label = (np.concatenate(parts) for parts in zip(*every, strict=True))
    assert np.count_nonzero(labels == JUNK) < np.count_nonzero(every_label == JUNK)
    np.testing.assert_array_equal(inputs[labels < MARK], every_input[every_label < MARK])


def test_all_twelve_classes_come_and_each_digit_about_as_often_as_it_is_written() -> None:
    inputs, labels = examples(some_fields(80), np.random.default_rng(0))
    assert inputs.shape == (len(labels), 2, 28, 28)
    assert inputs.dtype == labels.dtype == np.uint8
    counts = np.bincount(labels, minlength=CANDIDATE_CLASSES)
    assert counts.min() > 0
    assert len(counts) == CANDIDATE_CLASSES
    assert inputs[:, 0].any(axis=(1, 2)).all()


def test_random_fields_come_with_owners_of_their_own_shape() -> None:
    rng = np.random.default_rng(0)
    shapes = set()
    for _ in range(10):
        image, owner = random_field("1,250", rng, IMAGES, LABELS)
        assert image.shape == owner.shape
        assert owner.max() < 5
        shapes.add(image.shape)
    assert len(shapes) > 5


def test_a_random_field_is_by_a_mixed_hand_with_a_difficulty_drawn_before() -> None:
    image, owner = random_field("1,250", np.random.default_rng(1), IMAGES, LABELS)
    rng = np.random.default_rng(1)
    difficulty = random_difficulty(rng)
    again = field_by(mixed_hand(IMAGES, LABELS, rng), "1,250", rng, difficulty)
    np.testing.assert_array_equal(image, again[0])
    np.testing.assert_array_equal(owner, again[1])


def test_every_knob_is_drawn_by_itself_from_nothing_to_severe() -> None:
    rng = np.random.default_rng(0)
    knobs = np.array([[*vars(random_difficulty(rng)).values()] for _ in range(300)])
    assert knobs.min() == 0
    assert knobs.max() == 1
    assert knobs.mean(axis=0) == pytest.approx(0.55, abs=0.06)
    together = np.corrcoef(knobs.T) - np.eye(knobs.shape[1])
    assert abs(together).max() < 0.25


def test_a_field_is_scanned_coarser_or_finer_than_it_was_rendered_with_its_owners(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, owner = np.full((60, 200), 255, np.uint8), np.full((60, 200), NOBODY, np.int16)
    image[20:40, 50:100], owner[20:40, 50:100] = 0, 3
    monkeypatch.setattr(example_module, "render_with_owner", lambda *_: (image, owner))
    scales = []
    for seed in range(40):
        scaled, owners = field_by(drawn_hand, "1,250", np.random.default_rng(seed), CLEAN)
        assert scaled.dtype == np.uint8
        assert scaled.shape == owners.shape
        assert scaled[owners == 3].mean() < 30
        assert scaled[owners == NOBODY].mean() > 240
        scales.append(len(scaled) / 60)
    assert min(scales) == pytest.approx(SCALES[0], abs=0.05)
    assert max(scales) == pytest.approx(SCALES[1], abs=0.05)


def test_the_hand_and_the_difficulty_given_make_the_field() -> None:
    def field(hand: Hand, difficulty: Difficulty) -> bytes:
        image, _ = field_by(hand, "1,250", np.random.default_rng(2), difficulty)
        return image.tobytes()

    usual = field(drawn_hand, CLEAN)
    assert usual == field(drawn_hand, CLEAN)
    assert usual != field(bundled_hand, CLEAN)
    assert usual != field(drawn_hand, Difficulty())
