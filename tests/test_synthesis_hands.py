"""The hands that write a field."""

from itertools import product

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from lessonlib import digits
from lessonlib.checks.image import FloatImage
from lessonlib.synthesis import strokes
from lessonlib.synthesis.forms import SHAPES
from lessonlib.synthesis.hands import (
    Hand,
    bundled_hand,
    drawn_hand,
    drawn_writer,
    enlarge,
    mixed_hand,
)
from tests.rows import each

IMAGES, LABELS = digits.load_bundled("test")


def mixed(rng: np.random.Generator) -> Hand:
    return mixed_hand(IMAGES, LABELS, rng)


HANDS = {
    "drawn": lambda rng: drawn_hand,
    "bundled": lambda rng: bundled_hand,
    "writer": drawn_writer,
    "mixed": mixed,
}


@each([*product(HANDS, SHAPES)], name=" ".join)
def test_every_hand_writes_every_character(row: tuple[str, str]) -> None:
    hand, character = row
    rng = np.random.default_rng(1)
    for _ in range(5):
        ink, below = HANDS[hand](rng)(character, 32, 3, rng)
        assert ink.dtype == np.float32
        assert ink.ndim == 2
        assert ink.min() >= 0
        assert 0.5 < ink.max() <= 1
        assert isinstance(below, int)


def test_some_writers_always_use_the_same_form() -> None:
    spreads = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        hand = drawn_writer(rng)
        shapes = [hand("0", 32, 3, rng)[0].shape for _ in range(8)]
        spreads.append(np.std([width / height for height, width in shapes]))
    assert np.quantile(spreads, 0.25) < 0.6 * np.quantile(spreads, 0.75)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Heights of the characters that are drawn with strokes."""
    heights: list[float] = []

    def draw(_: list[strokes.Stroke], height: float, pen: float) -> tuple[FloatImage, int]:
        heights.append(height)
        return np.ones((4, 4)), 0

    monkeypatch.setattr(strokes, "draw", draw)
    return heights


def test_the_bundled_hand_takes_digits_from_images_and_draws_marks(drawn: list[float]) -> None:
    for character in SHAPES:
        bundled_hand(character, 32, 3, np.random.default_rng(0))
    assert len(drawn) == len(SHAPES) - 10


def test_some_mixed_hands_draw_no_digit_and_some_draw_all(drawn: list[float]) -> None:
    counts = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        hand = mixed(rng)
        drawn.clear()
        for _ in range(10):
            hand("5", 32, 3, rng)
        counts.append(len(drawn))
    assert counts.count(0) > 2
    assert counts.count(10) > 2
    assert any(0 < count < 10 for count in counts)


def bar(width: int) -> npt.NDArray[np.uint8]:
    """An upright bar of MNIST's height."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 10 : 10 + width] = 255
    return image


def test_an_enlarged_digit_has_the_height_asked_for_and_fills_its_picture() -> None:
    for height in (20, 32, 45.5):
        ink = enlarge(bar(4), height, None)
        assert ink.shape[0] == pytest.approx(height, abs=2)
        assert ink.shape[1] == pytest.approx(4 * height / 20, abs=2)
        assert all(edge.any() for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))


def test_an_enlarged_digit_s_strokes_follow_the_pen_but_are_neither_torn_nor_swollen() -> None:
    widths = [float(np.median(enlarge(bar(3), 40, pen).sum(axis=1))) for pen in (1, 4, 6, 9, 20)]
    assert widths == sorted(widths)
    assert 4 < widths[0] < 5  # from 6, as the image has them
    assert widths[2] == pytest.approx(6, abs=0.5)
    assert 7.5 < widths[4] < 8.5
    for digit in IMAGES[LABELS == 0][:10]:
        thin = (enlarge(digit, 40, 1) > 0.3).astype(np.uint8)
        assert cv2.connectedComponents(thin)[0] == 2  # paper, and one piece of ink
