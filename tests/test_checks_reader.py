"""The readers, end to end, with the shipped weights."""

import subprocess
import sys
import weakref
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torch import nn

from lessonlib import data_path, weights
from lessonlib.checks import CheckReader, Reading, load_image
from lessonlib.checks.cutting import Cutting
from lessonlib.checks.ensemble import Ensemble
from lessonlib.checks.image import Box, Source
from lessonlib.checks.lines import Lines
from lessonlib.checks.reader import shipped_way
from lessonlib.recipes import CUTTERS, ENSEMBLE_CUTTER, LINE, READER_NAMES
from lessonlib.scoring import read_labels
from lessonlib.scoring.causes import overlap
from lessonlib.synthesis import Difficulty, digits_of, nothing, render
from lessonlib.synthesis.hands import bundled_hand, drawn_hand
from lessonlib.synthesis.samples import sample_amounts
from tests.judged import same

SAMPLES = data_path("checks")
NAMES, LABELS = read_labels(SAMPLES)
PATHS = [SAMPLES / "images" / name for name in NAMES]
CLEAN = Difficulty(*[0.0] * 10)
BLANK = np.full((60, 200), 255, dtype=np.uint8)
BATCH = 8  # fields read together in the tests of streams


@pytest.fixture(scope="module", params=READER_NAMES)
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


# ---------------------------------------------------------------- how well it reads


# The others still take a few images for amounts, those of Arabic-Indic digits above all.
@pytest.mark.parametrize(
    ("name", "one_in"), [(LINE, 200), ("ensemble", 200), *((cutter, 50) for cutter in CUTTERS)]
)
def test_hardly_any_image_of_nothing_is_read_with_confidence(name: str, one_in: int) -> None:
    reader = CheckReader(name)
    rng = np.random.default_rng(200)
    images = [make(rng) for make in nothing.KINDS.values() for _ in range(60)]
    sure = sum(reading.confidence > 0.9 for reading in reader.read_many(images))
    assert sure <= len(images) / one_in


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
        assert ink[covered].sum() >= 0.9 * ink.sum()


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


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lessonlib.checks.reader.BATCH_SIZE", BATCH)


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


@pytest.mark.usefixtures("small_batches")
def test_more_than_a_batch_stay_in_their_order(reader: CheckReader) -> None:
    images: list[npt.NDArray[np.uint8]] = [render(str(10 + i), i, CLEAN) for i in range(BATCH + 3)]
    images[3] = images[BATCH] = BLANK
    many = reader.read_many(images)
    assert [not reading.text for reading in many] == [i in (3, BATCH) for i in range(BATCH + 3)]
    for i in (0, BATCH - 1, BATCH + 1, BATCH + 2):
        assert same(many[i], reader.read(images[i]))


@pytest.mark.usefixtures("small_batches")
def test_a_stream_is_taken_a_batch_ahead_and_then_forgotten(reader: CheckReader) -> None:
    given: list[weakref.ref[npt.NDArray[np.uint8]]] = []

    def stream() -> Iterator[Source]:
        for seed in range(4 * BATCH):
            image = render("17", seed)
            given.append(weakref.ref(image))
            yield image

    for count, _ in enumerate(reader.read_iter(stream())):
        assert len(given) == min(BATCH * (count // BATCH + 2), 4 * BATCH)
        assert sum(image() is not None for image in given) <= BATCH + 1
    assert len(given) == 4 * BATCH


@pytest.mark.usefixtures("small_batches")
def test_an_unreadable_image_loses_no_reading_of_earlier_batches(reader: CheckReader) -> None:
    images: list[Source] = [*[BLANK] * BATCH, "no-such-file.png"]
    readings = reader.read_iter(images)
    assert len(list(islice(readings, BATCH))) == BATCH
    with pytest.raises(FileNotFoundError, match="no-such-file"):
        next(readings)


@pytest.mark.usefixtures("small_batches")
def test_a_failing_source_of_images_loses_no_earlier_batch(reader: CheckReader) -> None:
    def camera() -> Iterator[Source]:
        yield from [BLANK] * (BATCH + 3)
        raise OSError("unplugged")

    readings = reader.read_iter(camera())
    assert len(list(islice(readings, BATCH))) == BATCH
    with pytest.raises(OSError, match="unplugged"):
        next(readings)


def test_each_network_computes_in_one_thread_and_leaves_their_number_as_it_was(
    reader: CheckReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, call = [], nn.Module.__call__

    def watched(self: nn.Module, *inputs: torch.Tensor) -> object:
        seen.append(torch.get_num_threads())
        return call(self, *inputs)

    monkeypatch.setattr(nn.Module, "__call__", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        reader.read(PATHS[0])
        assert set(seen) == {1}
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
    assert np.median(shared) > 0.9
    assert min(shared) > 0.3  # one may come with its ligature, the other without


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
def test_a_plain_image_gives_an_empty_reading_that_says_why(
    reader: CheckReader, shape: tuple[int, ...], value: int
) -> None:
    reading = reader.read(np.full(shape, value, dtype=np.uint8))
    assert (reading.text, reading.confidence, reading.digits) == ("", 0.0, ())
    assert (reading.marks, reading.separator, reading.amount) == ((), None, None)
    assert (reading.currency, reading.alternatives) == (None, ())
    assert reading.note.startswith("No writing was found")


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


# ---------------------------------------------------------------- which way it reads


def test_each_name_has_its_way_to_read() -> None:
    ways = {name: type(shipped_way(name)) for name in READER_NAMES}
    assert ways == dict.fromkeys(CUTTERS, Cutting) | {"line": Lines, "ensemble": Ensemble}


def test_the_ensemble_asks_the_line_network_and_the_cutter_that_is_named() -> None:
    way = shipped_way("ensemble")
    assert isinstance(way, Ensemble)
    record = weights.read_record(weights.shipped_path("reader-line"))
    assert way.calibration == record["ensemble"]
    assert way.lines.calibration == record["calibration"]
    assert way.cutting.sizes == CUTTERS[ENSEMBLE_CUTTER].sizes
    assert type(way.cutting.model).__name__ == CUTTERS[ENSEMBLE_CUTTER].architecture


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(ValueError, match=f"one of {', '.join(READER_NAMES)}; not 'lstm'"):
        CheckReader("lstm")


def test_importing_checks_does_not_import_torch() -> None:
    code = "import sys, lessonlib.checks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
