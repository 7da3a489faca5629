"""The line of writing is found in photos and fields, and what fills its image stays untouched."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lessonlib import data_path
from lessonlib.checks import load_image
from lessonlib.checks.find import (
    CUT_OFF,
    INVERTED,
    MANY_LINES,
    NO_WRITING,
    TOO_LONG,
    TOO_SMALL,
    TURNED,
    Found,
    find_writing,
)
from lessonlib.checks.image import Gray
from tests.rows import each

PAPER, INK = 205, 50
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class Scene:
    """A photo with one number on it, `digits` pixels high, tilted by so many degrees."""

    name: str
    size: tuple[int, int] = (640, 480)  # width, height
    text: str = "4705.30"
    digits: int = 40
    tilt: float = 0.0
    around: str = ""
    light: bool = False

    def __str__(self) -> str:
        return self.name


SCENES = (
    Scene("plain"),
    Scene("a fifteenth of the height", digits=32),
    Scene("a photo of 12 megapixels", size=(4000, 3000), digits=210),
    Scene("upright photo", size=(480, 640)),
    Scene("long field", size=(900, 130), digits=34),
    Scene("tilted to the right", tilt=8.0),
    Scene("tilted to the left", tilt=-14.0),
    Scene("one digit", text="6", digits=60),
    Scene("two digits far apart", text="4  8", digits=50),
    Scene("light on dark", light=True),
    Scene("light on dark, tilted", tilt=6.0, light=True),
    Scene("in a box", around="box"),
    Scene("in a tilted box", around="box", tilt=7.0),
    Scene("in a frame", around="frame"),
    Scene("on ruled paper", around="rules"),
    Scene("on tilted ruled paper", around="rules", tilt=-6.0),
    Scene("in cells", around="cells", text="470530"),
    Scene("under a shadow", around="shadow"),
    Scene("on a strip of paper on a dark table", around="table"),
)


def writing(text: str, height: int, thickness: int = 4) -> Gray:
    """How much ink a pixel has, 0 to 255, cut out tightly: so many pixels high."""
    ink = np.zeros((100, 60 * len(text)), np.uint8)
    cv2.putText(ink, text, (20, 70), FONT, 1.5, 255, thickness, cv2.LINE_AA)
    x, y, w, h = cv2.boundingRect(ink)
    size = (round(w * height / h), height)
    return np.asarray(cv2.resize(ink[y : y + h, x : x + w], size, interpolation=cv2.INTER_AREA))


def write(field: Gray, ink: Gray, x: int, y: int) -> None:
    """Write on a field, in place; x and y are the upper left corner."""
    place = field[y : y + ink.shape[0], x : x + ink.shape[1]]
    place[:] = place - ink / 255.0 * (place - float(INK))


def draw(scene: Scene) -> tuple[Gray, npt.NDArray[np.float64]]:
    """The photo, and the corners of its writing in it, (2, 4)."""
    width, height = scene.size
    ink = writing(scene.text, scene.digits)
    h, w = ink.shape
    x, y = (width - w) // 2, (height + h) // 2
    field = np.full((height, width), PAPER, np.uint8)
    left, right, top, bottom = x - h // 2, x + w + h // 2, y - h - h // 2, y + h // 2
    if scene.around == "table":
        field[:] = 70
        field[top - h // 2 : bottom + h // 2, left - h // 2 : right + h // 2] = PAPER
    line = max(1, h // 25)
    if scene.around in ("box", "cells"):
        cv2.rectangle(field, (left, top), (right, bottom), INK, line)
    if scene.around == "cells":
        for column in np.linspace(left, right, len(scene.text) + 1).astype(int).tolist():
            cv2.line(field, (column, top), (column, bottom), INK, line)
    if scene.around == "frame":
        cv2.rectangle(field, (12, 12), (width - 13, height - 13), INK, 2)
    if scene.around == "rules":
        for row in range(y + h // 4 - 8 * h, 2 * height, 2 * h):
            cv2.line(field, (-width, row), (2 * width, row), 120, line)
    write(field, ink, x, y - h)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -scene.tilt, 1.0)
    edge = cv2.BORDER_REPLICATE
    field = np.asarray(cv2.warpAffine(field, turn, scene.size, borderMode=edge), np.uint8)
    if scene.around == "shadow":
        field[:, : width * 45 // 100] = field[:, : width * 45 // 100] // 5 * 3
    noise = np.random.default_rng(1).normal(0, 2, field.shape)
    field = np.clip(field + noise, 0, 255).astype(np.uint8)
    corners = np.array([[x, x + w, x, x + w], [y - h, y - h, y, y], [1, 1, 1, 1]])
    return 255 - field if scene.light else field, np.asarray(turn @ corners)


def tilt_of(found: Found) -> float:
    return float(np.degrees(np.arctan2(found.matrix[1, 0], found.matrix[0, 0])))


@each(SCENES)
def test_the_cut_holds_all_of_the_writing_level_and_little_else(scene: Scene) -> None:
    photo, corners = draw(scene)
    found = find_writing(photo)
    back = np.linalg.inv(np.vstack([found.matrix, [0, 0, 1]]))
    x, y = (back @ np.vstack([corners, np.ones(4)]))[:2]
    height, width = found.gray.shape
    room = 0.1 * scene.digits
    assert min(x.min(), y.min()) >= room, "too tight at the left or above"
    assert min(width - x.max(), height - y.max()) >= room, "too tight at the right or below"
    assert height <= 2.6 * scene.digits, f"{height / scene.digits:.1f} times the digits' height"
    assert abs(tilt_of(found) - scene.tilt) < 2.5, f"a tilt of {tilt_of(found):.1f}"


@each(SCENES)
def test_the_cut_has_dark_ink_on_light_paper(scene: Scene) -> None:
    found = find_writing(draw(scene)[0])
    assert found.light_on_dark == scene.light
    assert (INVERTED in found.notes) == scene.light
    ink = found.gray < 0.6 * np.median(found.gray)
    assert 0.01 < ink.mean() < 0.4


def test_the_matrix_leads_back_to_the_image() -> None:
    photo, _ = draw(Scene("tilted", tilt=9.0, digits=60))
    photo = np.asarray(cv2.GaussianBlur(photo, (0, 0), 2), np.uint8)
    found = find_writing(photo)
    height, width = found.gray.shape
    y, x = np.mgrid[5 : height - 5 : 7, 5 : width - 5 : 7]
    across, down = np.tensordot(found.matrix, np.stack([x, y, np.ones_like(x)]), axes=1)
    there = photo[down.round().astype(int), across.round().astype(int)]
    assert np.corrcoef(there.ravel(), found.gray[y, x].ravel())[0, 1] > 0.9


FIELDS = sorted(data_path("checks", "images").glob("*.png"))


def test_a_field_that_its_writing_fills_is_left_untouched() -> None:
    fields = [load_image(path) for path in FIELDS]
    same = [find_writing(field).gray is field for field in fields]
    assert len(fields) > 5
    assert np.mean(same) > 0.8


def test_light_writing_that_fills_its_image_is_only_inverted() -> None:
    digit = np.zeros((28, 28), np.uint8)
    ink = writing("3", 20)
    digit[4:24, 8 : 8 + ink.shape[1]] = ink
    found = find_writing(digit)
    assert found.light_on_dark
    assert np.array_equal(found.gray, 255 - digit)
    assert np.array_equal(found.matrix, np.eye(2, 3))


@each([(28, 28), (70, 300), (600, 800), (1, 1), (1, 500), (300, 2)])
def test_an_image_without_writing_is_left_as_it_is_and_says_so(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for noise in (0, 2):
        empty = np.clip(rng.normal(200, noise, shape), 0, 255).astype(np.uint8)
        found = find_writing(empty)
        assert found.gray is empty
        assert found.notes == (NO_WRITING,)


def test_a_strip_too_long_for_any_field_is_left_as_it_is_and_says_so() -> None:
    strip = np.full((7, 20_000), 200, np.uint8)
    found = find_writing(strip)
    assert found.gray is strip
    assert found.notes == (TOO_LONG,)


def test_a_level_shadow_is_no_writing() -> None:
    photo = np.full((300, 400), 200, np.uint8)
    photo[170:] = 120
    assert find_writing(photo).notes == (NO_WRITING,)


def page(lines: int, digits: int = 20) -> Gray:
    photo = np.full((70 * lines, 500), PAPER, np.uint8)
    for line in range(lines):
        write(photo, writing(f"{271828 + 7919 * line}", digits), 90, 70 * line + 25)
    return photo


def test_a_page_of_text_is_noted_and_a_line_is_not() -> None:
    assert MANY_LINES in find_writing(page(6)).notes
    assert MANY_LINES not in find_writing(page(1)).notes


def test_digits_too_small_are_noted_and_others_not() -> None:
    assert TOO_SMALL in find_writing(page(1, digits=9)).notes
    assert TOO_SMALL not in find_writing(page(1, digits=20)).notes


def test_writing_that_runs_down_the_image_is_noted() -> None:
    upright, _ = draw(Scene("", text="470530", digits=60))
    assert TURNED in find_writing(np.ascontiguousarray(np.rot90(upright))).notes
    assert TURNED not in find_writing(upright).notes


def test_writing_that_runs_out_of_the_image_is_noted() -> None:
    photo, corners = draw(Scene("", digits=60))
    assert not find_writing(photo).notes
    left, right = round(corners[0].min()) + 20, round(corners[0].max()) - 20
    for edge, part in (("left", photo[:, left:]), ("right", photo[:, :right])):
        assert find_writing(np.ascontiguousarray(part)).notes == (CUT_OFF.format(edge),)


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60))), st.integers(1, 9)
)
@settings(max_examples=30, deadline=None)
def test_any_image_gives_a_part_of_it_that_has_pixels(image: Gray, times: int) -> None:
    large = np.ascontiguousarray(image.repeat(times, axis=0).repeat(times, axis=1))
    found = find_writing(large)
    assert found.gray.dtype == np.uint8
    assert found.gray.size > 0
    assert found.matrix.shape == (2, 3)
    middle = found.matrix @ [found.gray.shape[1] / 2, found.gray.shape[0] / 2, 1]
    assert (middle >= -1).all()
    assert (middle <= np.array(large.shape[::-1]) + 1).all()
