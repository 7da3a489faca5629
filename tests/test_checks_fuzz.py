"""Whatever the reader is given, it reads it or says in a ValueError or OSError what is wrong."""

import io
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lessonlib.checks import CheckReader, Reading, load_image
from lessonlib.checks.cutting import Cutting
from lessonlib.checks.ensemble import Ensemble
from lessonlib.checks.lines import Lines
from lessonlib.models import MLP, LineNetwork
from lessonlib.recipes import READER_NAMES
from lessonlib.synthesis import render
from tests.judged import same

# The same examples in every run: a failure here is the code's, never the day's.
FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
REMEDY = r"must|at least 1|shrink|cut out|save it|save or copy"

Gray = npt.NDArray[np.uint8]


UNTRAINED = [f"untrained {kind}" for kind in ("cutter", "line", "ensemble")]


@pytest.fixture(scope="module", params=[*READER_NAMES, *UNTRAINED])
def reader(request: pytest.FixtureRequest) -> CheckReader:
    """A reader, or one whose networks talk nonsense: it takes paths no trained one would."""
    if request.param in READER_NAMES:
        return CheckReader(request.param)
    torch.manual_seed(0)
    reader = CheckReader(MLP(pictures=2, classes=12))
    cutting, lines = (
        reader.way,
        Lines(LineNetwork(4), {"constant": 0, "score": 1, "share": 1, "agreed": 0}),
    )
    assert isinstance(cutting, Cutting)
    if request.param == "untrained line":
        reader.way = lines
    elif request.param == "untrained ensemble":
        features = ("constant", "share", "line", "cut", "path", "agreed", "looks")
        reader.way = Ensemble(cutting, lines, dict.fromkeys(features, 0.1) | {"mix": 2.0})
    return reader


def check_reading(reading: Reading, height: int, width: int) -> None:
    """Assert what holds for every reading of an image of that size."""
    assert isinstance(reading, Reading)
    assert re.fullmatch("[0-9]*", reading.text)
    assert reading.text == "".join(str(digit.value) for digit in reading.digits)
    assert 0 <= reading.confidence <= 1
    assert reading.confidence == 0 or reading.text
    assert reading.accepted  # as no confidence was asked for
    boxes = [digit.box for digit in reading.digits]
    for x, y, w, h in [*boxes, *reading.marks]:
        assert 0 <= x < x + w <= width
        assert 0 <= y < y + h <= height
    probabilities = [p for _, p in reading.alternatives]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1 + 1e-5
    assert len(probabilities) <= 5
    assert [text for text, _ in reading.alternatives[:1]] == [reading.text] * bool(reading.text)
    for digit in reading.digits:
        assert digit.probabilities.shape == (10,)
        assert digit.probabilities.min() >= 0
        assert digit.probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert reading.separator is None or reading.separator in reading.marks
    if reading.amount is not None:
        digits = f"{reading.amount:f}".replace(".", "").lstrip("0")
        assert reading.text.lstrip("0") in (digits, f"{digits}100")  # xx/100 adds digits


def attempt(function: Callable[[Any], Any], source: object) -> Any:
    """Return what a function makes of a source, or the error that it is allowed to raise."""
    try:
        return function(source)
    except (ValueError, OSError) as error:
        return error


# ---------------------------------------------------------------- arrays


@st.composite
def pictures(draw: st.DrawFn) -> Gray:
    """Draw an array that is an image: of any size and proportions, with anything on it."""
    side = st.integers(1, 200)
    height, width = draw(
        st.one_of(
            st.tuples(side, side),
            st.tuples(st.just(1), st.integers(1, 3000)),
            st.tuples(st.integers(1, 3000), st.just(1)),
            st.tuples(st.just(60), st.integers(100, 400)),  # a field's proportions
        )
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = np.mgrid[:height, :width]
    kind = draw(st.sampled_from(["constant", "noise", "salt", "rows", "columns", "blobs", "ink"]))
    if kind == "constant":
        values = np.full((height, width), draw(st.integers(0, 255)))
    elif kind == "noise":
        values = rng.integers(0, 256, (height, width))
    elif kind == "salt":
        values = rng.choice([0, 200, 255], (height, width), p=[0.05, 0.9, 0.05])
    elif kind in ("rows", "columns"):
        place = rows if kind == "rows" else columns
        values = 255 * (place // draw(st.integers(1, 30)) % 2)
    elif kind == "blobs":  # of about a digit's size: they reach the network
        values = 255 * (rng.random((height // 12 + 1, width // 12 + 1)) < 0.7)
        values = values.repeat(12, axis=0).repeat(12, axis=1)[:height, :width]
    else:
        field = render(draw(st.text("0123456789", min_size=1, max_size=9)), rng)
        values = np.array(Image.fromarray(field).resize((width, height)))
    picture = values.astype(np.uint8)
    return picture if draw(st.booleans()) else np.dstack([picture, picture // 2, 255 - picture])


@FUZZ
@given(picture=pictures())
def test_every_picture_is_read(reader: CheckReader, picture: Gray) -> None:
    check_reading(reader.read(picture), *picture.shape[:2])


@pytest.mark.parametrize("seed", range(5))
def test_boxes_come_from_left_to_right(reader: CheckReader, seed: int) -> None:
    reading = reader.read(render("1,250.00", seed))
    for boxes in ([digit.box for digit in reading.digits], reading.marks):
        for (x, *_), (x_next, _, w_next, _) in pairwise(boxes):
            assert x_next + w_next / 2 > x  # slanted ones may reach over each other


@settings(FUZZ, max_examples=15)
@given(batch=st.lists(pictures(), max_size=5))
def test_many_are_read_as_each_by_itself(reader: CheckReader, batch: list[Gray]) -> None:
    together = reader.read_many(batch)
    assert len(together) == len(batch)
    assert all(same(reader.read(one), two) for one, two in zip(batch, together, strict=True))


@st.composite
def arrays(draw: st.DrawFn) -> npt.NDArray[Any]:
    """Draw an array of any dtype, of 0 to 4 dimensions, some of them perhaps empty."""
    side = st.one_of(st.integers(0, 8), st.sampled_from([3, 60, 200]))
    shape = draw(st.lists(side, max_size=4).filter(lambda sides: np.prod(sides) < 500_000))
    dtype = draw(
        st.sampled_from(["?", "u1", "i1", ">u2", "i8", "f2", "f8", "c16", "O", "U3", "S2", "M8[D]"])
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    array = rng.integers(0, 256, shape).astype(dtype)
    if dtype in ("f2", "f8") and array.size:
        array[...] = draw(st.sampled_from([np.nan, np.inf, 0.5, -1]))
    return np.asarray(array)


@settings(FUZZ, max_examples=200)
@given(array=arrays())
def test_every_array_is_read_or_refused_with_a_remedy(
    reader: CheckReader, array: npt.NDArray[Any]
) -> None:
    outcome = attempt(reader.read, array)
    if isinstance(outcome, Exception):
        assert isinstance(outcome, ValueError)
        assert re.search(REMEDY, str(outcome))
    else:
        assert array.dtype == np.uint8
        check_reading(outcome, *array.shape[:2])


@pytest.mark.parametrize("flip", [np.fliplr, np.flipud, np.transpose, lambda a: a[::3, ::2]])
def test_a_view_is_read_as_its_copy(reader: CheckReader, flip: Any) -> None:
    view = flip(render("1990", 0))
    assert same(reader.read(view), reader.read(view.copy()))


# ---------------------------------------------------------------- files

FORMATS: dict[str, dict[str, Any]] = {
    "png": {},
    "jpg": {"quality": 80},
    "tiff": {"compression": "tiff_lzw"},
    "gif": {},
    "webp": {"lossless": True},
    "bmp": {},
}


def encoded(suffix: str) -> bytes:
    """Make a file of a field, with an EXIF note where the format has a place for one."""
    field = Image.fromarray(render("1990", 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # photographed with the camera on its side
    exif[0x010F] = "the camera's maker"
    data = io.BytesIO()
    note = {} if suffix in ("gif", "bmp") else {"exif": exif}
    name = {"jpg": "JPEG"}.get(suffix, suffix.upper())
    field.save(data, format=name, **FORMATS[suffix], **note)
    return data.getvalue()


FILES = {suffix: encoded(suffix) for suffix in FORMATS}


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a file with a few bytes changed, inserted or deleted, or its end cut off."""
    suffix = draw(st.sampled_from(sorted(FILES)))
    data = bytearray(FILES[suffix])
    for _ in range(draw(st.integers(1, 6))):
        last = max(len(data) - 1, 0)
        # Headers are at the start (a TIFF's at its end), and break in more ways than pixels do.
        near = draw(st.integers(0, min(last, 200)))
        place = draw(st.sampled_from([near, last - near, draw(st.integers(0, last))]))
        byte = st.one_of(st.sampled_from([0, 1, 127, 128, 255]), st.integers(0, 255))
        change = draw(st.sampled_from(["replace", "flip", "insert", "delete", "cut"]))
        if change == "replace":
            data[place : place + 1] = [draw(byte)]
        elif change == "flip" and data:
            data[place] ^= 1 << draw(st.integers(0, 7))
        elif change == "insert":
            data[place:place] = draw(st.lists(byte, min_size=1, max_size=4))
        elif change == "delete":
            del data[place : place + draw(st.integers(1, 8))]
        elif change == "cut" and draw(st.integers(0, 3)) == 0:
            del data[place:]
    return suffix, bytes(data)


@settings(FUZZ, max_examples=600)
@given(file=damaged())
def test_a_damaged_file_is_loaded_or_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: tuple[str, bytes]
) -> None:
    suffix, data = file
    path = tmp_path / f"field.{suffix}"
    path.write_bytes(data)
    outcome = attempt(load_image, path)
    if isinstance(outcome, Exception):
        assert str(path) in str(outcome)
        assert re.search(REMEDY, str(outcome))
    else:
        assert outcome.dtype == np.uint8
        assert outcome.ndim == 2
        assert outcome.size > 0
    assert capsys.readouterr().out == ""


@settings(FUZZ, max_examples=60)
@given(file=damaged())
def test_a_damaged_file_is_read_or_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reader: CheckReader, file: tuple[str, bytes]
) -> None:
    suffix, data = file
    path = tmp_path / f"field.{suffix}"
    path.write_bytes(data)
    outcome = attempt(reader.read, path)
    if isinstance(outcome, Exception):
        assert str(path) in str(outcome)
    else:
        check_reading(outcome, *load_image(path).shape)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("suffix", sorted(FILES))
def test_the_file_before_the_damage_is_read(
    tmp_path: Path, reader: CheckReader, suffix: str
) -> None:
    path = tmp_path / f"field.{suffix}"
    path.write_bytes(FILES[suffix])
    height, width = render("1990", 0).shape
    turned = suffix not in ("gif", "bmp")
    check_reading(reader.read(path), *((width, height) if turned else (height, width)))


def test_a_broken_exif_note_is_damage(tmp_path: Path) -> None:
    data = FILES["jpg"].replace(b"\x01\x0f\x00\x02", b"\x01\x01\x00\x02")  # a text as height
    assert data != FILES["jpg"]
    path = tmp_path / "field.jpg"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"field\.jpg is damaged"):
        load_image(path)


def test_postscript_is_refused_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "field.png"
    Image.fromarray(render("1990", 0)).save(path, format="EPS")
    with pytest.raises(ValueError, match=r"field\.png holds PostScript: save it as PNG"):
        load_image(path)
