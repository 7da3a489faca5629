"""The page's operations on images give what OpenCV's give, on random images."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.rasters import Image, ask, differing, image_of

METHODS = {"area": cv2.INTER_AREA, "cubic": cv2.INTER_CUBIC, "linear": cv2.INTER_LINEAR}
# Of the image, and of the new one: smaller, by whole numbers, larger, larger one way, the same
SIZES = [
    ((37, 50), (29, 13)),
    ((36, 60), (18, 30)),
    ((36, 60), (12, 12)),
    ((20, 31), (72, 111)),
    ((20, 31), (33, 17)),
    ((9, 12), (9, 12)),
    ((1, 1), (5, 4)),
]


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def noise(height: int, width: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)


def speckles(height: int, width: int, share: float) -> Image:
    return (np.random.default_rng(1).random((height, width)) < share).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS)
def test_images_are_resized_as_opencv_does_it(tab: Page, method: str) -> None:
    for shape, (height, width) in SIZES:
        image = noise(*shape)
        found = ask(
            tab, f"resizedRaster(image, more[0], more[1], '{method}')", image, [width, height]
        )
        wanted = np.asarray(cv2.resize(image, (width, height), interpolation=METHODS[method]))
        # Without Intel's library, OpenCV weighs four neighbours in whole numbers.
        assert differing(image_of(found), wanted, levels=1) == 0
        assert differing(image_of(found), wanted) < (0.1 if method == "cubic" else 0.002)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("border", ["constant", "replicate"])
def test_images_are_turned_as_opencv_does_it(tab: Page, inverse: bool, border: str) -> None:
    image, matrix = noise(40, 70), np.array([[1.0873, 0.3131, -7.27], [-0.2417, 0.9159, 11.43]])
    flags = cv2.INTER_LINEAR | (cv2.WARP_INVERSE_MAP if inverse else 0)
    beyond = cv2.BORDER_CONSTANT if border == "constant" else cv2.BORDER_REPLICATE
    wanted = cv2.warpAffine(image, matrix, (80, 50), flags=flags, borderMode=beyond)
    expression = "warpedRaster(image, more[0], 80, 50, more[1], more[2])"
    found = image_of(ask(tab, expression, image, [matrix.tolist(), inverse, border]))
    assert differing(found, np.asarray(wanted), levels=1) == 0
    assert differing(found, np.asarray(wanted)) < 0.01


def test_what_is_bright_grows_and_shrinks_as_in_opencv(tab: Page) -> None:
    image = noise(30, 41)
    for width, height in [(1, 1), (3, 1), (1, 4), (6, 5), (50, 7)]:
        window, sides = np.ones((height, width), np.uint8), [width, height]
        grown = ask(tab, "dilatedRaster(image, ...more)", image, sides)
        assert np.array_equal(image_of(grown), cv2.dilate(image, window))
        shrunken = ask(tab, "erodedRaster(image, ...more)", image, sides)
        assert np.array_equal(image_of(shrunken), cv2.erode(image, window))
        corner = ask(tab, "dilatedRaster(image, ...more, [0, more[1] - 1])", image, sides)
        wanted = cv2.dilate(image, window, anchor=(0, height - 1))
        assert np.array_equal(image_of(corner), wanted)
        bordered = ask(tab, "erodedRaster(image, ...more, 0)", image, sides)
        edge = cv2.BORDER_CONSTANT
        wanted = cv2.erode(image, window, borderType=edge, borderValue=0)
        assert np.array_equal(image_of(bordered), wanted)


def test_signed_numbers_and_fractions_grow_too(tab: Page) -> None:
    values = np.random.default_rng(2).normal(0, 50, (12, 20)).astype(np.float32)
    window = np.ones((3, 5), np.uint8)
    for kind, array in (("Float32Array", values), ("Int16Array", values.astype(np.int16))):
        expression = f"windowExtremes({kind}.from(more), 20, 12, [5, 3, 2, 1], 1)"
        found = np.array(ask(tab, expression, noise(1, 1), array.ravel().tolist()))
        assert np.array_equal(found.reshape(12, 20), cv2.dilate(array, window))


def test_levels_are_blurred_as_in_opencv(tab: Page) -> None:
    image = noise(25, 38)
    levels = image.astype(np.float32)
    found = ask(tab, "boxBlur(image.data, 38, 25, 21)", image)
    wanted = cv2.blur(levels, (21, 21), borderType=cv2.BORDER_REFLECT)
    assert np.allclose(np.reshape(found, levels.shape), wanted, atol=1e-4)
    found = ask(tab, "roundedLevels(boxBlur(image.data, 38, 25, 3, 1))", image)
    assert np.array_equal(np.reshape(found, levels.shape), cv2.blur(image, (3, 3)))
    for sigma in (0.5, 1.08, 6.0):  # the last one's curve is wider than the image is high
        found = ask(tab, "gaussianBlur(Float32Array.from(image.data), 38, 25, more)", image, sigma)
        wanted = cv2.GaussianBlur(levels, (0, 0), sigma)
        assert np.allclose(np.reshape(found, levels.shape), wanted, atol=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.6, 1.0])
def test_connected_parts_come_with_opencvs_numbers_and_boxes(tab: Page, share: float) -> None:
    ink = speckles(33, 46, share)
    found = ask(tab, "connectedParts(image)", ink)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    assert np.array_equal(np.reshape(found["labels"], ink.shape), labels)
    parts = [
        [part[name] for name in ("x", "y", "width", "height", "count")] for part in found["parts"]
    ]
    assert parts == boxes[1:].tolist()


@pytest.mark.parametrize("share", [0.0, 0.4, 0.6, 1.0])
def test_loops_are_filled_and_boxed_as_in_opencv(tab: Page, share: float) -> None:
    ink = speckles(33, 46, share)
    field = cv2.copyMakeBorder(ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(field, None, (0, 0), 2)
    assert np.array_equal(image_of(ask(tab, "filledRaster(image)", ink)), field[1:-1, 1:-1] != 2)
    outlines, tree = cv2.findContours(ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parents = tree[0, :, 3].tolist() if outlines else []
    boxes = [
        tuple(cv2.boundingRect(outline))
        for outline, parent in zip(outlines, parents, strict=True)
        if parent >= 0
    ]
    found = ask(tab, "loopBoxes(image).map((box) => [box.x, box.y, box.width, box.height])", ink)
    assert sorted(map(tuple, found)) == sorted(boxes)
