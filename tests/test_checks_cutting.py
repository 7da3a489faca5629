"""The way that cuts the ink up: candidates, what the network says of them, and the best path."""

from typing import cast

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from lessonlib import data_path
from lessonlib.checks import (
    MARK,
    CheckReader,
    classify,
    find_candidates,
    load_image,
    make_reading,
)
from lessonlib.checks.candidates import CANDIDATE_CLASSES, ink_boxes
from lessonlib.checks.cutting import (
    DEFAULT_CALIBRATION,
    PASS_STEP,
    SURE_ENOUGH,
    Cutting,
    candidates_in,
    confidence_features,
    text_of,
    with_first,
)
from lessonlib.checks.find import find_writing
from lessonlib.checks.reader import shipped_cutting
from lessonlib.checks.readings import calibrated
from lessonlib.checks.search import CandidatePath
from lessonlib.models import MLP
from lessonlib.recipes import CUTTERS
from lessonlib.scoring import read_labels
from lessonlib.synthesis import Difficulty, render
from tests.judged import same

SAMPLES = data_path("checks")
NAMES, LABELS = read_labels(SAMPLES)
PATHS = [SAMPLES / "images" / name for name in NAMES]


@pytest.fixture(scope="module", params=CUTTERS)
def cutting(request: pytest.FixtureRequest) -> Cutting:
    return shipped_cutting(request.param)


class Untrained(MLP):
    """Notes how many candidates come at once."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__((8,), pictures=2, classes=CANDIDATE_CLASSES)
        self.batches: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(x))
        return super().forward(x)


# ---------------------------------------------------------------- candidates


def test_boxes_in_an_image_of_a_few_pixels_lie_in_it() -> None:
    rows = [
        [[219, 205, 133], [205, 136, 233], [163, 46, 104]],
        [[102, 187, 174], [3, 64, 50], [161, 160, 38]],
        [[231, 26, 173], [31, 251, 57], [230, 152, 89]],
    ]
    field = find_candidates(np.array(rows, dtype=np.uint8))
    assert len(field.candidates)
    for x, y, w, h in ink_boxes(field.strip, field.candidates, field.scale):
        assert 0 <= x < x + w <= 3
        assert 0 <= y < y + h <= 3


def test_a_field_keeps_where_in_the_image_its_writing_was_and_what_was_said_of_it() -> None:
    photo = np.full((600, 800), 90, dtype=np.uint8)
    cv2.putText(photo, "4705", (250, 320), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 230, 5)
    found = find_writing(photo)
    field = candidates_in(found, (800, 600))
    assert field.notes == found.notes != ()
    assert field.size == (800, 600)
    np.testing.assert_array_equal(field.matrix, found.matrix)
    assert not np.array_equal(field.matrix, np.eye(2, 3))


# ---------------------------------------------------------------- classify


def test_log_probabilities_are_those_of_each_candidate(cutting: Cutting) -> None:
    inputs = find_candidates(PATHS[0]).pictures
    log_p = classify(cutting.model, inputs)
    assert log_p.shape == (len(inputs), CANDIDATE_CLASSES)
    assert log_p.dtype == np.float64
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1)
    np.testing.assert_allclose(classify(cutting.model, inputs[3:4]), log_p[3:4], atol=1e-3)
    assert classify(cutting.model, inputs[:0]).shape == (0, CANDIDATE_CLASSES)


def test_each_candidate_goes_through_the_network_once_and_many_together() -> None:
    network = Untrained()
    CheckReader(network).read_many([*PATHS, *PATHS])
    candidates = 2 * sum(len(find_candidates(path).candidates) for path in PATHS)
    assert candidates <= sum(network.batches) <= 1.1 * candidates  # a batch may be filled up
    assert len(network.batches) <= 2 + candidates / 100
    assert all(size % PASS_STEP == 0 for size in network.batches)


def test_probabilities_of_all_sizes_are_averaged_where_the_first_leaves_doubt(
    cutting: Cutting,
) -> None:
    inputs = np.concatenate([find_candidates(path).pictures for path in PATHS])
    one_by_one = [np.exp(classify(cutting.model, inputs, (size,))) for size in (0.8, 1.0, 1.1)]
    together = np.exp(classify(cutting.model, inputs, (0.8, 1.0, 1.1)))
    sure = one_by_one[0].max(axis=1) >= SURE_ENOUGH
    assert 0 < sure.sum() < len(sure)
    np.testing.assert_allclose(together[~sure], np.mean(one_by_one, axis=0)[~sure], atol=1e-6)
    np.testing.assert_array_equal(together[sure], one_by_one[0][sure])
    assert not np.allclose(one_by_one[0], one_by_one[1], atol=1e-3)


@pytest.mark.parametrize("sizes", [(), (0.0,), (1.0, -1.0)])
def test_no_sizes_or_sizes_not_above_0_are_refused(
    cutting: Cutting, sizes: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="above 0, and one at least"):
        classify(cutting.model, find_candidates(PATHS[0]).pictures, sizes)


def test_the_shipped_networks_have_the_sizes_of_their_recipes_and_one_of_your_own_has_one() -> None:
    for name, recipe in CUTTERS.items():
        own = shipped_cutting(name)
        assert own.sizes == recipe.sizes
        assert len(own.sizes) > 1
        assert cast(Cutting, CheckReader(own.model).way).sizes == (1.0,)


# ---------------------------------------------------------------- networks of one's own


class Always(nn.Module):
    """A network without weights that gives the same answer for every input."""

    def __init__(self, kind: int) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(x), CANDIDATE_CLASSES)
        logits[:, self.kind] = 50
        return logits


def test_a_network_of_one_s_own_can_read() -> None:
    reading = CheckReader(Always(7)).read(PATHS[0])
    assert set(reading.text) == {"7"}
    assert len(reading.digits) >= len(LABELS[0]) // 2
    assert reading.digits[0].probabilities[7] == pytest.approx(1)


def test_a_network_that_sees_marks_only_reads_nothing() -> None:
    reading = CheckReader(Always(MARK)).read(PATHS[0])
    assert (reading.text, reading.confidence) == ("", 0.0)
    assert (reading.amount, reading.separator) == (None, None)
    assert reading.marks
    assert reading.alternatives == ()


def test_a_network_left_in_training_mode_reads_without_dropout() -> None:
    network = MLP(
        (30,), dropout=0.5, batch_norm=True, pictures=2, classes=CANDIDATE_CLASSES
    ).train()
    reader = CheckReader(network)
    assert same(reader.read(PATHS[0]), reader.read(PATHS[0]))


# ---------------------------------------------------------------- reading


def test_reading_gives_what_the_steps_give_one_after_the_other(cutting: Cutting) -> None:
    fields = [cutting.prepare(load_image(path)) for path in PATHS[:3]]
    together = cutting.read(fields, 0.4)
    for field, reading in zip(fields, together, strict=True):
        log_p = classify(cutting.model, field.pictures, cutting.sizes)
        assert same(make_reading(field, log_p, cutting.calibration, 0.4), reading)


def test_the_alternatives_are_the_best_texts_and_the_first_is_the_text(cutting: Cutting) -> None:
    for reading in cutting.read([cutting.prepare(load_image(path)) for path in PATHS[:6]]):
        texts, probabilities = zip(*reading.alternatives, strict=True)
        assert texts[0] == reading.text
        assert len(texts) == len(set(texts))
        assert probabilities[0] == pytest.approx(reading.confidence, abs=1e-6)
        assert list(probabilities) == sorted(probabilities, reverse=True)
        assert sum(probabilities) <= 1 + 1e-5


def test_a_path_s_text_has_its_digits_and_no_marks() -> None:
    assert text_of(CandidatePath(((0, 1), (3, MARK), (4, 7)), -1.0, -1.0)) == "17"


def test_the_path_s_text_comes_first_even_if_the_search_found_others_more_probable() -> None:
    texts = [("17", -0.5), ("11", -1.0), ("1", -3.0)]
    assert with_first("11", texts) == [("11", -1.0), ("17", -0.5), ("1", -3.0)]
    assert with_first("71", texts) == [("71", -3.0), *texts[:2]]
    assert with_first("17", texts) == texts
    assert with_first("", []) == [("", 0.0)]


def test_the_probabilities_are_split_by_field(cutting: Cutting) -> None:
    blank = np.full((60, 200), 255, dtype=np.uint8)
    fields = [find_candidates(source) for source in (blank, PATHS[0], blank, PATHS[1])]
    parts = cutting.log_probabilities(fields)
    assert [len(part) for part in parts] == [len(field.candidates) for field in fields]
    alone = classify(cutting.model, fields[3].pictures, cutting.sizes)
    np.testing.assert_allclose(parts[3], alone, atol=1e-3)


def test_boxes_cover_the_ink(cutting: Cutting) -> None:
    clean = Difficulty(*[0.0] * 10)
    images = [render("1,250.00", seed, clean) for seed in range(20)]
    for image, reading in zip(images, cutting.read([*map(cutting.prepare, images)]), strict=True):
        ink, covered = image < 128, np.zeros(image.shape, dtype=bool)
        for x, y, w, h in (*(digit.box for digit in reading.digits), *reading.marks):
            covered[y : y + h, x : x + w] = True
        assert ink[covered].sum() >= 0.97 * ink.sum()


# ---------------------------------------------------------------- confidence


def test_the_confidence_comes_from_the_path_and_the_calibration(cutting: Cutting) -> None:
    field = find_candidates(PATHS[0])
    log_p = classify(cutting.model, field.pictures)
    for constant in (-60.0, 0.0, 60.0):
        weights = dict.fromkeys(DEFAULT_CALIBRATION, 0.0) | {"constant": constant}
        expected = 1 / (1 + np.exp(-np.clip(constant, -50, 50)))
        assert make_reading(field, log_p, weights).confidence == pytest.approx(expected)


@pytest.mark.parametrize(("score", "share"), [(0, 0), (-1e9, 0), (0, -1e9), (-1e9, -1e9)])
def test_the_confidence_is_a_probability(score: float, share: float) -> None:
    confidence = calibrated(confidence_features(score, share), DEFAULT_CALIBRATION)
    assert 0 <= confidence <= 1
    assert confidence <= calibrated(confidence_features(0.0, 0.0), DEFAULT_CALIBRATION)


def test_a_calibration_has_a_weight_for_each_feature_and_a_constant(cutting: Cutting) -> None:
    features = confidence_features(0.0, 0.0)
    assert set(cutting.calibration) == {"constant", *features}
    assert set(DEFAULT_CALIBRATION) == {"constant", *features}
