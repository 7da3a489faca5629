"""The threshold finds the same ink in pale, dark and shaded scans, and none on bare paper."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonlib import data_path
from lessonlib.checks import binarize, load_image, resample
from lessonlib.checks.binarize import Method

FIELD = resample(load_image(data_path("checks", "images", "check-01.png")))


@pytest.mark.parametrize("method", ["sauvola", "otsu"])
@given(shift=st.integers(-60, 60))
@settings(max_examples=20, deadline=None)
def test_a_brighter_or_darker_scan_has_the_same_ink(method: Method, shift: int) -> None:
    field = np.clip(FIELD, 61, 194)
    ink = binarize(field, method)
    shifted = binarize((field.astype(int) + shift).astype(np.uint8), method)
    assert ink.any()
    assert np.mean(ink != shifted) < 0.001


def test_lower_contrast_has_the_same_ink() -> None:
    faint = (150 + (FIELD.astype(float) - 150) / 3).round().astype(np.uint8)
    assert np.mean(binarize(FIELD) != binarize(faint)) < 0.005


def test_sauvola_sees_pale_ink_where_otsu_sees_shade() -> None:
    shade = np.linspace(90, 230, 400)[np.newaxis].repeat(96, axis=0)
    ink = np.zeros((96, 400), dtype=bool)
    ink[20:76, 30:390:40] = ink[20:76, 31:390:40] = ink[20:76, 32:390:40] = True
    ink = cv2.dilate(ink.astype(np.uint8), np.ones((1, 3))) == 1
    field = (shade - 45 * ink).astype(np.uint8)
    assert np.mean(binarize(field, "sauvola") != ink) < 0.03
    assert np.mean(binarize(field, "otsu") != ink) > 0.2


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_plain_field_has_no_ink(value: int) -> None:
    assert not binarize(np.full((96, 300), value, dtype=np.uint8)).any()


def test_a_scanner_s_noise_is_no_ink() -> None:
    noise = np.random.default_rng(0).normal(200, 3, (96, 300)).astype(np.uint8)
    assert not binarize(noise).any()


def test_another_method_is_refused() -> None:
    with pytest.raises(ValueError, match="sauvola"):
        binarize(FIELD, "magic")  # type: ignore[arg-type]
