"""The reader, end to end, with the shipped weights."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lessonlib import data_path
from lessonlib.checks import (
    CheckReader,
    Digit,
    Reading,
    decode,
    digits_of,
    load_image,
    read_labels,
    render,
)
from lessonlib.checks.reader import TEMPERATURE
from lessonlib.checks.render import sample_amounts
from lessonlib.models import MLP

SAMPLES = data_path("checks")
NAMES, LABELS = read_labels(SAMPLES)
PATHS = [SAMPLES / "images" / name for name in NAMES]


@pytest.fixture(scope="module")
def reader() -> CheckReader:
    return CheckReader()


@pytest.fixture(scope="module")
def readings(reader: CheckReader) -> list[Reading]:
    return reader.read_many(PATHS)


def test_most_samples_are_read_right(readings: list[Reading]) -> None:
    right = [r.text == label for r, label in zip(readings, LABELS, strict=True)]
    assert np.mean(right) > 0.5


def test_in_the_samples_every_digit_and_nothing_else_is_found(readings: list[Reading]) -> None:
    found = [len(r.digits) == len(label) for r, label in zip(readings, LABELS, strict=True)]
    assert np.mean(found) > 0.9


def test_a_reading_is_whole(readings: list[Reading]) -> None:
    for path, reading in zip(PATHS, readings, strict=True):
        height, width = load_image(path).shape
        assert reading.text == "".join(str(digit.value) for digit in reading.digits)
        assert 0 < reading.confidence <= 1
        for digit in reading.digits:
            assert digit.probabilities.shape == (10,)
            assert digit.probabilities.sum() == pytest.approx(1, abs=1e-5)
            x, y, w, h = digit.box
            assert all(isinstance(value, int) for value in digit.box)
            assert 0 <= x < x + w <= width
            assert 0 <= y < y + h <= height


def test_on_rendered_fields_the_confidence_is_the_share_read_right(reader: CheckReader) -> None:
    rng = np.random.default_rng(42)
    amounts = sample_amounts(rng, 300)
    readings = reader.read_many([render(amount, rng) for amount in amounts])
    right = [r.text == digits_of(a) for r, a in zip(readings, amounts, strict=True)]
    assert np.mean([r.confidence for r in readings]) == pytest.approx(np.mean(right), abs=0.08)


def test_surer_readings_are_more_often_right(readings: list[Reading]) -> None:
    right = np.array([r.text == label for r, label in zip(readings, LABELS, strict=True)])
    by_confidence = right[np.argsort([r.confidence for r in readings])]
    half = len(right) // 2
    assert by_confidence[half:].mean() > by_confidence[:half].mean()


def test_many_at_once_are_read_as_one_by_one(reader: CheckReader, readings: list[Reading]) -> None:
    for path, together in zip(PATHS, readings, strict=True):
        alone = reader.read(path)
        assert alone.text == together.text
        assert alone.confidence == pytest.approx(together.confidence, abs=1e-4)
        assert [d.box for d in alone.digits] == [d.box for d in together.digits]


def test_all_digits_go_through_the_network_in_one_pass() -> None:
    class Counting(MLP):
        batches: list[int] = []  # noqa: RUF012

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.batches.append(len(x))
            return super().forward(x)

    network = Counting()
    readings = CheckReader(network).read_many(PATHS * 10)
    assert network.batches == [sum(len(r.digits) for r in readings)]
    assert network.batches[0] > 1000


def test_a_scan_twice_as_fine_is_read_alike(reader: CheckReader, readings: list[Reading]) -> None:
    doubled = []
    for path in PATHS:
        image = Image.open(path)
        doubled.append(np.asarray(image.resize((2 * image.width, 2 * image.height))))
    same = 0
    for once, twice in zip(readings, reader.read_many(doubled), strict=True):
        same += once.text == twice.text
        if len(once.digits) == len(twice.digits):
            for a, b in zip(once.digits, twice.digits, strict=True):
                np.testing.assert_allclose(np.multiply(a.box, 2), b.box, atol=8)
    assert same >= 0.85 * len(PATHS)


def test_a_path_a_string_and_both_kinds_of_array_are_read_alike(reader: CheckReader) -> None:
    gray = load_image(PATHS[0])
    colour = gray[:, :, np.newaxis].repeat(3, axis=2)
    texts = {r.text for r in reader.read_many([PATHS[0], str(PATHS[0]), gray, colour])}
    assert len(texts) == 1


def test_a_view_of_an_array_is_read_as_its_copy(reader: CheckReader) -> None:
    gray = load_image(PATHS[0])
    view = np.asfortranarray(gray)[::1, ::-1][:, ::-1]
    assert reader.read(view).text == reader.read(gray).text


@pytest.mark.parametrize("value", [0, 127, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (60, 200), (60, 200, 3)])
def test_a_plain_image_gives_an_empty_reading(
    reader: CheckReader, shape: tuple[int, ...], value: int
) -> None:
    reading = reader.read(np.full(shape, value, dtype=np.uint8))
    assert (reading.text, reading.confidence, reading.digits) == ("", 0.0, ())


@pytest.mark.parametrize("shape", [(1, 3), (2, 1000), (1000, 2), (3, 3), (7, 200_000), (300, 300)])
def test_noise_of_any_shape_raises_nothing(reader: CheckReader, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    reading = reader.read(noise)
    assert 0 <= reading.confidence <= 1


def test_no_images_give_no_readings(reader: CheckReader) -> None:
    assert reader.read_many([]) == []


def test_an_empty_field_among_others_stays_in_its_place(reader: CheckReader) -> None:
    blank = np.full((60, 200), 255, dtype=np.uint8)
    first, empty, last = reader.read_many([PATHS[0], blank, PATHS[1]])
    assert empty.text == ""
    assert first.text == reader.read(PATHS[0]).text
    assert last.text == reader.read(PATHS[1]).text


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no shipped network is called 'lstm'"):
        CheckReader("lstm")


def test_another_network_can_read(readings: list[Reading]) -> None:
    class Always7(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(len(x), 10)
            logits[:, 7] = 50
            return logits

    reading = CheckReader(Always7()).read(PATHS[0])
    assert reading.text == "7" * len(readings[0].digits)
    assert reading.confidence == pytest.approx(1)


def test_the_confidence_is_the_product_of_the_softened_probabilities() -> None:
    rows = np.full((2, 10), 0.02, dtype=np.float32)
    rows[0, 4], rows[1, 2] = 0.82, 0.82
    reading = decode([(0, 0, 5, 9), (8, 0, 5, 9)], rows)
    assert reading.text == "42"
    powers = rows[0] ** (1 / TEMPERATURE)
    assert reading.confidence == pytest.approx((powers.max() / powers.sum()) ** 2, rel=1e-5)
    assert reading.digits[0].probabilities[4] == np.float32(0.82)  # these stay the network's own
    assert isinstance(reading.digits[0], Digit)
    assert decode([], np.zeros((0, 10), np.float32)).confidence == 0


def test_importing_checks_leaves_torch_alone() -> None:
    code = "import sys, lessonlib.checks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_file_is_named(reader: CheckReader, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        reader.read(tmp_path / "gone.png")
