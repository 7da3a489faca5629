"""The reader, end to end, with the shipped weights of either network."""

import subprocess
import sys
import weakref
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from threading import Event, Thread

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torch import nn

from lessonlib import data_path
from lessonlib.checks import (
    MARK,
    CheckReader,
    Reading,
    classify,
    find_candidates,
    load_image,
    make_reading,
)
from lessonlib.checks.candidates import CANDIDATE_CLASSES, ink_boxes
from lessonlib.checks.image import Box
from lessonlib.checks.reader import (
    BATCH_SIZE,
    DEFAULT_CALIBRATION,
    SURE_ENOUGH,
    Source,
    calibrated,
    confidence_features,
    log_odds,
    one_thread,
)
from lessonlib.checks.search import CandidatePath
from lessonlib.models import MLP
from lessonlib.recipes import READERS
from lessonlib.scoring import read_labels
from lessonlib.scoring.causes import overlap
from lessonlib.synthesis import Difficulty, digits_of, render
from lessonlib.synthesis.hands import bundled_hand, drawn_hand
from lessonlib.synthesis.samples import sample_amounts
from tests.judged import same

SAMPLES = data_path("checks")
NAMES, LABELS = read_labels(SAMPLES)
PATHS = [SAMPLES / "images" / name for name in NAMES]
CLEAN = Difficulty(*[0.0] * 10)
BLANK = np.full((60, 200), 255, dtype=np.uint8)


@pytest.fixture(scope="module", params=READERS)
def reader(request: pytest.FixtureRequest) -> CheckReader:
    return CheckReader(request.param)


@pytest.fixture(scope="module")
def readings(reader: CheckReader) -> list[Reading]:
    """The readings of the sample checks."""
    return reader.read_many(PATHS)


@pytest.fixture(scope="module")
def clean(reader: CheckReader) -> list[Reading]:
    """The readings of one amount, written well by twenty hands."""
    return reader.read_many([render("1,250.00", seed, CLEAN) for seed in range(20)])


class Untrained(MLP):
    """Notes how many candidates come at once."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__((8,), pictures=2, classes=CANDIDATE_CLASSES)
        self.batches: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(x))
        return super().forward(x)


# ---------------------------------------------------------------- how well it reads


def test_nearly_all_medium_rendered_fields_are_read_right(reader: CheckReader) -> None:
    rng = np.random.default_rng(6)
    amounts = sample_amounts(rng, 200)
    readings = reader.read_many([render(amount, rng) for amount in amounts])
    right = [r.text == digits_of(a) for r, a in zip(readings, amounts, strict=True)]
    assert np.mean(right) >= 0.85


def test_most_samples_are_read_right(readings: list[Reading]) -> None:
    right = [r.text == label for r, label in zip(readings, LABELS, strict=True)]
    assert np.mean(right) > 0.75


def test_the_mean_confidence_over_known_and_new_hands_is_the_share_read_right(
    reader: CheckReader,
) -> None:
    # The confidence is too low on the hand that the networks know, too high on the new one.
    rng = np.random.default_rng(42)
    amounts = sample_amounts(rng, 300)
    hands = [drawn_hand, bundled_hand] * 150
    images = [render(a, rng, hand=hand) for a, hand in zip(amounts, hands, strict=True)]
    readings = reader.read_many(images)
    right = np.array([r.text == digits_of(a) for r, a in zip(readings, amounts, strict=True)])
    confidence = np.array([r.confidence for r in readings])
    assert confidence.mean() == pytest.approx(right.mean(), abs=0.1)
    by_confidence = right[np.argsort(confidence)]
    assert by_confidence[150:].mean() > by_confidence[:150].mean() + 0.1


# ---------------------------------------------------------------- what it returns


def test_a_reading_has_all_its_parts(readings: list[Reading]) -> None:
    for path, reading in zip(PATHS, readings, strict=True):
        height, width = load_image(path).shape
        assert reading.text == "".join(str(digit.value) for digit in reading.digits)
        assert 0 < reading.confidence <= 1
        for digit in reading.digits:
            assert digit.probabilities.shape == (10,)
            assert digit.probabilities.dtype == np.float32
            assert digit.probabilities.sum() == pytest.approx(1, abs=1e-5)
        for box in (*(digit.box for digit in reading.digits), *reading.marks):
            assert all(isinstance(value, int) for value in box)
            x, y, w, h = box
            assert 0 <= x < x + w <= width
            assert 0 <= y < y + h <= height


def doubled_box(box: Box) -> Box:
    x, y, w, h = box
    return 2 * x, 2 * y, 2 * w, 2 * h


def centre(box: Box) -> float:
    return box[0] + box[2] / 2


def test_marks_are_not_read_as_digits_and_give_the_amount(clean: list[Reading]) -> None:
    right = [reading for reading in clean if reading.amount == Decimal("1250.00")]
    assert len(right) >= 0.75 * len(clean)
    # A zero's long bar may be cut off and read as a dash: so there may be a third mark.
    assert sum(len(reading.marks) == 2 for reading in right) >= 0.9 * len(right)
    for reading in right:
        assert reading.text == "125000"
        last = centre(reading.digits[-1].box)
        assert reading.separator == max(mark for mark in reading.marks if centre(mark) < last)
        *_, thousands, cents, _ = (centre(digit.box) for digit in reading.digits)
        assert reading.separator is not None
        assert thousands < centre(reading.separator) < cents


def test_without_a_separator_the_amount_is_whole(reader: CheckReader) -> None:
    readings = reader.read_many([render("1990", seed, CLEAN) for seed in range(10)])
    right = [reading for reading in readings if reading.text == "1990"]
    assert len(right) >= 8
    assert all(r.amount in (1990, None) and r.separator is None for r in right)
    assert sum(r.amount == 1990 for r in right) >= 8


def test_boxes_are_where_the_ink_is(clean: list[Reading]) -> None:
    for seed, reading in enumerate(clean):
        ink = render("1,250.00", seed, CLEAN) < 128
        covered = np.zeros_like(ink)
        for x, y, w, h in (*(digit.box for digit in reading.digits), *reading.marks):
            covered[y : y + h, x : x + w] = True
            assert ink[y : y + h, x : x + w].any()
        assert ink[covered].sum() >= 0.97 * ink.sum()


# ---------------------------------------------------------------- accepting


def test_a_reading_is_accepted_if_its_confidence_reaches_the_required_one(
    reader: CheckReader,
) -> None:
    sure = reader.read(PATHS[0]).confidence
    for least in (0.0, sure / 2, (1 + sure) / 2, 1.0):
        reading = reader.read(PATHS[0], min_confidence=least)
        assert reading.accepted == (reading.confidence >= least)
        assert reading.text == reader.read(PATHS[0]).text
    assert not reader.read(PATHS[0], min_confidence=(1 + sure) / 2).accepted


def test_a_higher_required_confidence_accepts_fewer_readings(reader: CheckReader) -> None:
    accepted = [
        sum(r.accepted for r in reader.read_many(PATHS, min_confidence=least))
        for least in (0.0, 0.5, 0.9, 1.0)
    ]
    assert accepted[0] == len(PATHS)
    assert accepted == sorted(accepted, reverse=True)
    assert accepted[-1] < accepted[0]


@pytest.mark.parametrize(("least", "accepted"), [(0.0, True), (1e-9, False), (1.0, False)])
def test_an_empty_text_s_confidence_of_0_reaches_nothing_but_0(
    reader: CheckReader, least: float, accepted: bool
) -> None:
    reading = reader.read(BLANK, min_confidence=least)
    assert (reading.text, reading.confidence, reading.accepted) == ("", 0.0, accepted)


@pytest.mark.parametrize("least", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_confidence_that_cannot_be_is_refused(reader: CheckReader, least: float) -> None:
    for read in (reader.read, lambda image, p: reader.read_many([image], p)):
        with pytest.raises(ValueError, match=r"min_confidence must lie in \[0, 1\], not"):
            read(PATHS[0], least)
    with pytest.raises(ValueError, match="min_confidence"):
        list(reader.read_iter([], least))


# ---------------------------------------------------------------- one, many, a stream


def test_read_read_many_and_read_iter_give_the_same_readings(
    reader: CheckReader, readings: list[Reading]
) -> None:
    streamed = list(reader.read_iter(iter(PATHS), 0.3))
    together = reader.read_many(PATHS, 0.3)
    alone = [reader.read(path, 0.3) for path in PATHS]
    for one, two, three, before in zip(alone, together, streamed, readings, strict=True):
        assert same(one, two)
        assert same(two, three)
        assert two.text == before.text


def test_more_than_a_batch_stay_in_their_order() -> None:
    reader = CheckReader(Untrained())
    images: list[npt.NDArray[np.uint8]] = [render(str(10 + i), i) for i in range(BATCH_SIZE + 6)]
    images[3] = images[BATCH_SIZE] = BLANK
    many = reader.read_many(images)
    assert [bool(reading.text) for reading in many] == [i not in (3, BATCH_SIZE) for i in range(70)]
    for i in (0, BATCH_SIZE - 1, BATCH_SIZE + 1, BATCH_SIZE + 5):
        assert same(many[i], reader.read(images[i]))


def test_each_candidate_goes_through_the_network_once_and_many_together() -> None:
    network = Untrained()
    CheckReader(network).read_many([*PATHS, *PATHS])
    candidates = 2 * sum(len(find_candidates(path).candidates) for path in PATHS)
    assert candidates <= sum(network.batches) <= 1.1 * candidates  # a batch may be filled up
    assert len(network.batches) <= 2 + candidates / 100


def test_a_stream_is_taken_a_batch_ahead_and_then_forgotten() -> None:
    given: list[weakref.ref[npt.NDArray[np.uint8]]] = []

    def stream() -> Iterator[Source]:
        for seed in range(4 * BATCH_SIZE):
            image = render("17", seed)
            given.append(weakref.ref(image))
            yield image

    for count, _ in enumerate(CheckReader(Untrained()).read_iter(stream())):
        assert len(given) == min(BATCH_SIZE * (count // BATCH_SIZE + 2), 4 * BATCH_SIZE)
        assert sum(image() is not None for image in given) <= BATCH_SIZE + 1
    assert len(given) == 4 * BATCH_SIZE


def test_an_unreadable_image_loses_no_reading_of_earlier_batches() -> None:
    images: list[Source] = [*[BLANK] * BATCH_SIZE, "no-such-file.png"]
    readings = CheckReader(Untrained()).read_iter(images)
    assert len(list(islice(readings, BATCH_SIZE))) == BATCH_SIZE
    with pytest.raises(FileNotFoundError, match="no-such-file"):
        next(readings)


def test_a_failing_source_of_images_loses_no_earlier_batch() -> None:
    def camera() -> Iterator[Source]:
        yield from [BLANK] * (BATCH_SIZE + 6)
        raise OSError("unplugged")

    readings = CheckReader(Untrained()).read_iter(camera())
    assert len(list(islice(readings, BATCH_SIZE))) == BATCH_SIZE
    with pytest.raises(OSError, match="unplugged"):
        next(readings)


def test_readers_in_several_threads_take_turns_and_leave_the_number_of_threads_as_it_was() -> None:
    inside, leave = Event(), Event()

    def read_for_a_while() -> None:
        with one_thread():
            inside.set()
            leave.wait()

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    other = Thread(target=read_for_a_while)
    try:
        with one_thread():
            other.start()
            assert not inside.wait(0.2)
        leave.set()
        other.join()
        assert torch.get_num_threads() == 3
    finally:
        leave.set()
        torch.set_num_threads(before)


def test_reading_leaves_the_number_of_threads_as_it_was() -> None:
    class Watched(Untrained):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert torch.get_num_threads() == 1
            return super().forward(x)

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        CheckReader(Watched()).read(PATHS[0])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_scan_at_twice_the_resolution_gives_the_same_reading(
    reader: CheckReader, readings: list[Reading]
) -> None:
    doubled = []
    for path in PATHS:
        image = Image.open(path)
        doubled.append(np.asarray(image.resize((2 * image.width, 2 * image.height))))
    twice = reader.read_many(doubled)
    alike = [(a, b) for a, b in zip(readings, twice, strict=True) if a.text == b.text]
    assert len(alike) >= 0.85 * len(PATHS)
    pairs = [(a, b) for one, two in alike for a, b in zip(one.digits, two.digits, strict=True)]
    shared = [overlap(doubled_box(a.box), b.box) for a, b in pairs]
    assert np.median(shared) > 0.95
    assert min(shared) > 0.5  # one may come with its ligature, the other without


def test_a_path_a_string_and_both_kinds_of_array_give_the_same_reading(reader: CheckReader) -> None:
    gray = load_image(PATHS[0])
    colour = gray[:, :, np.newaxis].repeat(3, axis=2)
    first, *others = reader.read_many([PATHS[0], str(PATHS[0]), gray, colour])
    assert all(same(first, other) for other in others)


def test_a_view_of_an_array_is_read_as_its_copy(reader: CheckReader) -> None:
    gray = load_image(PATHS[0])
    view = np.asfortranarray(gray)[::1, ::-1][:, ::-1]
    assert same(reader.read(view), reader.read(gray))


# ---------------------------------------------------------------- nothing to read


@pytest.mark.parametrize("value", [0, 127, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (60, 200), (60, 200, 3)])
def test_a_plain_image_gives_an_empty_reading(
    reader: CheckReader, shape: tuple[int, ...], value: int
) -> None:
    reading = reader.read(np.full(shape, value, dtype=np.uint8))
    assert (reading.text, reading.confidence, reading.digits) == ("", 0.0, ())
    assert (reading.marks, reading.separator, reading.amount) == ((), None, None)


@pytest.mark.parametrize("shape", [(1, 3), (2, 1000), (1000, 2), (3, 3), (7, 200_000), (300, 300)])
def test_noise_of_any_shape_raises_nothing(reader: CheckReader, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert 0 <= reader.read(noise).confidence <= 1


def test_no_images_give_no_readings(reader: CheckReader) -> None:
    assert reader.read_many([]) == []


def test_an_empty_field_among_others_stays_in_its_place(reader: CheckReader) -> None:
    first, empty, last = reader.read_many([PATHS[0], BLANK, PATHS[1]])
    assert empty.text == ""
    assert same(first, reader.read(PATHS[0]))
    assert same(last, reader.read(PATHS[1]))


def test_a_missing_file_is_named(reader: CheckReader, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        reader.read(tmp_path / "gone.png")


# ---------------------------------------------------------------- networks


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(ValueError, match=f"one of {', '.join(READERS)}; not 'lstm'"):
        CheckReader("lstm")


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


def test_a_network_left_in_training_mode_reads_without_dropout() -> None:
    network = MLP(
        (30,), dropout=0.5, batch_norm=True, pictures=2, classes=CANDIDATE_CLASSES
    ).train()
    reader = CheckReader(network)
    assert same(reader.read(PATHS[0]), reader.read(PATHS[0]))


def test_log_probabilities_are_those_of_each_candidate(reader: CheckReader) -> None:
    inputs = find_candidates(PATHS[0]).pictures
    log_p = classify(reader.model, inputs)
    assert log_p.shape == (len(inputs), CANDIDATE_CLASSES)
    assert log_p.dtype == np.float64
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1)
    np.testing.assert_allclose(classify(reader.model, inputs[3:4]), log_p[3:4], atol=1e-3)
    assert classify(reader.model, inputs[:0]).shape == (0, CANDIDATE_CLASSES)


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


def test_the_shipped_networks_have_several_sizes_and_one_of_your_own_has_one() -> None:
    assert CheckReader(CheckReader("mlp").model).sizes == (1.0,)
    assert CheckReader("mlp").sizes == (1.0, 0.9)
    assert CheckReader("cnn").sizes == (1.0, 0.9, 1.1)


def test_probabilities_of_all_sizes_are_averaged_where_the_first_leaves_doubt(
    reader: CheckReader,
) -> None:
    inputs = np.concatenate([find_candidates(path).pictures for path in PATHS])
    one_by_one = [np.exp(classify(reader.model, inputs, (size,))) for size in (0.8, 1.0, 1.1)]
    together = np.exp(classify(reader.model, inputs, (0.8, 1.0, 1.1)))
    sure = one_by_one[0].max(axis=1) >= SURE_ENOUGH
    assert 0 < sure.sum() < len(sure)
    np.testing.assert_allclose(together[~sure], np.mean(one_by_one, axis=0)[~sure], atol=1e-6)
    np.testing.assert_array_equal(together[sure], one_by_one[0][sure])
    assert not np.allclose(one_by_one[0], one_by_one[1], atol=1e-3)


@pytest.mark.parametrize("sizes", [(), (0.0,), (1.0, -1.0)])
def test_no_sizes_or_sizes_not_above_0_are_refused(
    reader: CheckReader, sizes: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="above 0, and one at least"):
        classify(reader.model, find_candidates(PATHS[0]).pictures, sizes)


# ---------------------------------------------------------------- confidence


def test_the_confidence_comes_from_the_path_and_the_calibration(reader: CheckReader) -> None:
    field = find_candidates(PATHS[0])
    log_p = classify(reader.model, field.pictures)
    for constant in (-60.0, 0.0, 60.0):
        weights = dict.fromkeys(DEFAULT_CALIBRATION, 0.0) | {"constant": constant}
        expected = 1 / (1 + np.exp(-np.clip(constant, -50, 50)))
        assert make_reading(field, log_p, weights).confidence == pytest.approx(expected)


@pytest.mark.parametrize(("score", "share"), [(0, 0), (-1e9, 0), (0, -1e9), (-1e9, -1e9)])
def test_the_confidence_is_a_probability(score: float, share: float) -> None:
    features = confidence_features(CandidatePath((), score, share))
    confidence = calibrated(features, DEFAULT_CALIBRATION)
    assert 0 <= confidence <= 1
    surest = confidence_features(CandidatePath((), 0.0, 0.0))
    assert confidence <= calibrated(surest, DEFAULT_CALIBRATION)


@pytest.mark.parametrize("name", READERS)
def test_a_calibration_has_a_weight_for_each_feature_and_a_constant(name: str) -> None:
    features = confidence_features(CandidatePath((), 0.0, 0.0))
    assert set(CheckReader(name).calibration) == {"constant", *features}
    assert set(DEFAULT_CALIBRATION) == {"constant", *features}


def test_a_feature_without_a_weight_is_named_with_the_remedy() -> None:
    features = {"score": 1.0, "share": 1.0, "digits": 4.0}
    with pytest.raises(ValueError, match=r"no weight for digits: .* --calibrate"):
        calibrated(features, DEFAULT_CALIBRATION)


def test_log_odds_tell_apart_what_is_nearly_certain() -> None:
    p = np.array([1e-9, 0.2, 0.5, 0.99, 0.9999])
    odds = [log_odds(float(value)) for value in np.log(p)]
    assert odds == pytest.approx(np.log(p / (1 - p)), abs=1e-6)
    assert log_odds(0.0) == pytest.approx(np.log(1e6), abs=1e-3)  # finite, though p is 1
    assert log_odds(-1e9) == pytest.approx(-1e9)


def test_importing_checks_does_not_import_torch() -> None:
    code = "import sys, lessonlib.checks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
