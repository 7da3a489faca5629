"""The page finds the writing of an image and its ink as Python does."""

import importlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from lessonlib import synthesis
from lessonlib.checks.binarize import binarize, stretch_contrast
from lessonlib.checks.find import CUT_OFF, INVERTED, MANY_LINES, TOO_LONG, TOO_SMALL, find_writing
from lessonlib.checks.image import resample
from lessonlib.checks.pieces import (
    Piece,
    column_extents,
    connected_pieces,
    crop,
    digit_height,
    remove_lines,
)
from lessonlib.synthesis.hands import drawn_writer
from tests.pieces import run_script
from tests.rasters import SCRIPTS, Image, ask, differing, image_of


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def rendered(count: int, seed: int) -> list[Image]:
    """Render fields on anyone's paper."""
    rng = np.random.default_rng(seed)
    return [synthesis.anyones_field(rng, drawn_writer(rng)).image for _ in range(count)]


def on_paper(field: Image, room: int, tilt: float = 0.0) -> Image:
    """Put a field on larger paper of its own brightness, and turn it."""
    page = np.pad(field, room, constant_values=round(float(np.percentile(field, 80))))
    size = page.shape[1], page.shape[0]
    turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), -tilt, 1.0)
    return np.asarray(cv2.warpAffine(page, turn, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def printed(lines: int) -> Image:
    """Print lines of figures."""
    page = np.full((60 * lines + 20, 420), 220, np.uint8)
    for line in range(lines):
        cv2.putText(page, f"{4705301 + line:9d}", (20, 50 + 60 * line), 0, 1.4, 40, 3)
    return page


def ruled(field: Image) -> Image:
    """Print a rule across a field, which is removed from its ink again."""
    row = field.shape[0] * 3 // 4
    field = field.copy()
    field[row : row + max(1, field.shape[0] // 40)] = field.min()
    return field


FIELDS = rendered(8, seed=31)
IMAGES = [
    *FIELDS,
    *(255 - field for field in FIELDS[:3]),
    *(on_paper(field, 60) for field in FIELDS[2:5]),
    *(on_paper(field, 40, tilt) for field, tilt in zip(FIELDS[4:8], (-14, -5, 6, 11), strict=True)),
    *(ruled(field) for field in FIELDS[:4]),
    printed(1),
    printed(4),
    np.rot90(printed(1)).copy(),
    cv2.resize(printed(1), (120, 23)),
    printed(1)[:, 40:300],
    np.full((60, 200), 220, np.uint8),
    np.full((4, 2000), 220, np.uint8),
    np.zeros((1, 1), np.uint8),
]


@pytest.mark.parametrize("name", ["IMAGE", "BINARIZE", "PIECES", "ROUGH_INK", "FIND"])
def test_constants_are_pythons(tab: Page, name: str) -> None:
    module = vars(importlib.import_module(f"lessonlib.checks.{name.lower()}"))
    ours: dict[str, Any] = run_script(tab, SCRIPTS, name)
    theirs = {
        key: list(module[key]) if isinstance(module[key], tuple) else module[key] for key in ours
    }
    assert ours == theirs


def test_writing_is_found_where_python_finds_it(tab: Page) -> None:
    noted = set()
    for number, image in enumerate(IMAGES):
        found, wanted = ask(tab, "findWriting(image)", image), find_writing(image)
        assert found["notes"] == list(wanted.notes), number
        assert found["lightOnDark"] == wanted.light_on_dark, number
        assert np.allclose(found["matrix"], wanted.matrix, atol=1e-6), number
        assert differing(image_of(found["gray"]), wanted.gray, levels=1) == 0, number
        noted.update(found["notes"])
    assert noted >= {INVERTED, MANY_LINES, TOO_LONG, TOO_SMALL, CUT_OFF.format("left")}


def test_the_ink_of_a_field_is_pythons(tab: Page) -> None:
    fields = [resample(find_writing(image).gray) for image in IMAGES]
    inks = [binarize(field) for field in fields]
    for field, ink in zip(fields, inks, strict=True):
        assert differing(image_of(ask(tab, "binarizeField(image)", field)), ink) < 1e-3
        rest = ask(tab, "removeLines(image)", ink.view(np.uint8))
        assert np.array_equal(image_of(rest), remove_lines(ink))
    removed = [not np.array_equal(remove_lines(ink), ink) for ink in inks]
    assert any(removed)
    assert not all(removed)


def test_all_steps_from_an_image_to_its_ink_agree(tab: Page) -> None:
    steps = "removeLines(binarizeField(resampleField(findWriting(image).gray)))"
    shares = [
        differing(
            image_of(ask(tab, steps, image)),
            remove_lines(binarize(resample(find_writing(image).gray))),
        )
        for image in FIELDS
    ]
    assert max(shares) < 1e-3


def test_contrast_is_stretched_as_in_python_and_refused_where_there_is_none(tab: Page) -> None:
    wanted = stretch_contrast(FIELDS[0])
    assert wanted is not None
    assert np.allclose(ask(tab, "stretchContrast(image)", FIELDS[0]), wanted.ravel(), atol=1e-4)
    assert ask(tab, "stretchContrast(image)", np.full((20, 30), 200, np.uint8)) is None


def as_dict(piece: Piece) -> dict[str, Any]:
    """Write a piece as the page does."""
    sides = {"x": piece.x, "y": piece.y, "width": piece.width, "height": piece.height}
    return {**sides, "ink": piece.ink.astype(int).ravel().tolist()}


def test_pieces_their_heights_and_their_parts_are_pythons(tab: Page) -> None:
    for field in FIELDS[:4]:
        ink = remove_lines(binarize(resample(field)))
        pieces, shown = connected_pieces(ink), ink.view(np.uint8)
        assert ask(tab, "connectedPieces(image)", shown) == [as_dict(piece) for piece in pieces]
        assert ask(tab, "digitHeightOf(connectedPieces(image))", shown) == digit_height(pieces)
        extents = ask(tab, "connectedPieces(image).map(columnExtents)", shown)
        assert extents == [column_extents(piece.ink).tolist() for piece in pieces]
        widest = max(range(len(pieces)), key=lambda number: pieces[number].width)
        left, right = pieces[widest].width // 4, pieces[widest].width // 2 + 1
        cut = ask(tab, "cropPiece(connectedPieces(image)[more[0]], more[1], more[2])", shown,
                  [widest, left, right])  # fmt: skip
        assert cut == as_dict(crop(pieces[widest], left, right))
