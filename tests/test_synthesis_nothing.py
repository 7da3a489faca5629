"""Images that hold no amount: of every kind, the same for a seed, and without a digit to read."""

import numpy as np
import pytest

from lessonlib.synthesis.nothing import ARABIC_INDIC, KINDS, LETTERS, nothing

SEEDS = range(12)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_makes_images_with_contrast_that_differ_by_their_seed(kind: str) -> None:
    images = [KINDS[kind](np.random.default_rng(seed)) for seed in SEEDS]
    assert {image.dtype for image in images} == {np.dtype(np.uint8)}
    assert {image.ndim for image in images} == {2}
    assert np.median([int(image.max()) - int(image.min()) for image in images]) > 30
    assert len({image.tobytes() for image in images}) == len(images)


def test_a_seed_gives_the_same_image_again() -> None:
    one, two = (nothing(np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_no_letter_looks_like_a_digit() -> None:
    assert not set(LETTERS) & set("OoIlSsBZzGgq0123456789")
    assert len(LETTERS) == 40


def test_the_digits_of_arabic_script_that_stand_for_other_digits_are_written() -> None:
    assert all(character.isdecimal() for character in ARABIC_INDIC)
    assert not set(ARABIC_INDIC) & set("0123456789")
