"""Images of every kind become gray levels, or an error that says what to do."""

import os
import socket
import sys
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lessonlib.checks import as_gray, load_image, resample
from lessonlib.checks.image import FIELD_HEIGHT, MAX_ASPECT, MAX_BYTES, MAX_PIXELS, box_through


@pytest.fixture
def gray() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (20, 50), dtype=np.uint8)


def saved(image: Image.Image, path: Path) -> Path:
    image.save(path)
    return path


def test_a_gray_png_comes_back_as_it_was(tmp_path: Path, gray: np.ndarray) -> None:
    path = saved(Image.fromarray(gray), tmp_path / "größe 1,50 €.png")
    loaded = load_image(path)
    assert loaded.dtype == np.uint8
    np.testing.assert_array_equal(loaded, gray)


def test_16_bits_are_scaled_to_8(tmp_path: Path, gray: np.ndarray) -> None:
    path = saved(Image.fromarray(gray.astype(np.uint16) * 257), tmp_path / "deep.png")
    np.testing.assert_array_equal(load_image(path), gray)


def test_transparent_parts_are_white_paper(tmp_path: Path, gray: np.ndarray) -> None:
    rgba = np.dstack([gray, gray, gray, np.full_like(gray, 255)])
    rgba[:, :10] = 0  # black, but fully transparent
    loaded = load_image(saved(Image.fromarray(rgba), tmp_path / "clear.png"))
    assert (loaded[:, :10] == 255).all()
    np.testing.assert_array_equal(loaded[:, 10:], gray[:, 10:])


def test_a_transparent_palette_colour_is_white_paper(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 0, 0, 0])
    image.putpixel((3, 4), 1)
    path = tmp_path / "palette.png"
    image.save(path, transparency=0)
    loaded = load_image(path)
    assert loaded[4, 3] == 0
    assert loaded[0, 0] == 255


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_mode_gives_gray_levels_with_dark_ink(tmp_path: Path, mode: str) -> None:
    page = Image.new("L", (40, 20), 255)
    page.paste(0, (10, 5, 20, 15))
    image = (
        Image.fromarray(np.asarray(page, np.uint16) * 257) if mode == "I;16" else page.convert(mode)
    )
    loaded = load_image(saved(image, tmp_path / "page.tiff"))
    assert loaded.shape == (20, 40)
    assert loaded[10, 15] <= 5
    assert loaded[0, 0] >= 250


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: to be turned a quarter
    path = tmp_path / "photo.jpg"
    Image.new("L", (40, 20), 255).save(path, exif=exif)
    assert load_image(path).shape == (40, 20)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"no image file .*nothing\.png"):
        load_image("nothing.png")


def test_a_folder_is_refused_as_an_image(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder"):
        load_image(tmp_path)


def test_an_image_of_no_bytes_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "check.png").touch()
    with pytest.raises(ValueError, match=r"check\.png is empty: save or copy"):
        load_image(tmp_path / "check.png")


@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, linked: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with pytest.raises(OSError, match=r"(pipe|link) is a pipe: save the image to a file"):
        load_image(tmp_path / ("link" if linked else "pipe"))


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_is_refused_and_not_read(device: str) -> None:
    with pytest.raises(OSError, match=f"{device} is a device: save the image to a file"):
        load_image(device)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(OSError, match="socket is a socket: save"):
            load_image("socket")


def test_a_file_larger_than_any_image_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # holes take no space
    with pytest.raises(ValueError, match=r"huge\.png has 500,000,001 bytes, more than 500,000,000"):
        load_image(tmp_path / "huge.png")


def test_a_nul_in_the_name_is_refused() -> None:
    with pytest.raises(ValueError, match="has a NUL character in its name"):
        load_image("a\0b.png")


@pytest.mark.parametrize(
    ("name", "cause"), [("a" * 300, "File name too long"), ("file/a.png", "Not a directory")]
)
def test_a_name_that_can_be_no_file_s_is_refused(tmp_path: Path, name: str, cause: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=rf"can't be read \({cause}\): check its name"):
        load_image(tmp_path / name)


def test_a_file_that_may_not_be_read_is_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gray: np.ndarray
) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    path = saved(Image.fromarray(gray), tmp_path / "private.png")
    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read everything
    with pytest.raises(
        PermissionError, match=r"^/.*private\.png can't be read \(Permission denied"
    ):
        load_image(path)


@pytest.mark.parametrize("content", [b"amount: 1990\n", b"\x89PNG\r\n\x1a\n", bytes(1000)])
def test_a_file_that_is_not_an_image_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "check.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"check\.png is (not an image|damaged)"):
        load_image(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "gif", "bmp"])
def test_an_image_cut_short_is_refused(tmp_path: Path, gray: np.ndarray, suffix: str) -> None:
    path = saved(Image.fromarray(gray), tmp_path / f"check.{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(ValueError, match=r"is (not an image|damaged)"):
        load_image(path)


def test_an_enormous_image_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    side = int(MAX_PIXELS**0.5) + 1
    path = saved(Image.new("1", (side, side)), tmp_path / "huge.png")
    with pytest.raises(ValueError, match=r"more than 50,000,000"):
        load_image(path)
    with pytest.raises(ValueError, match=r"more than 50,000,000"):
        as_gray(np.broadcast_to(np.uint8(0), (side, side)))


def test_floating_point_tiff_is_refused(tmp_path: Path) -> None:
    path = saved(Image.new("F", (8, 8), 0.5), tmp_path / "float.tiff")
    with pytest.raises(ValueError, match="floating-point"):
        load_image(path)


@pytest.mark.parametrize(
    "bad",
    [
        np.full((20, 50), np.nan),
        np.zeros((20, 50), dtype=np.float32),
        np.zeros((20, 50), dtype=np.uint16),
        np.zeros((20, 50), dtype=bool),
        [[0, 255], [255, 0]],
        None,
    ],
)
def test_an_array_of_another_dtype_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        as_gray(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(), (5,), (5, 5, 1), (5, 5, 4), (2, 5, 5, 3)])
def test_an_array_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must have shape \(H, W\) or \(H, W, 3\)"):
        as_gray(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (0, 5, 3)])
def test_an_array_without_pixels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="no pixels"):
        as_gray(np.zeros(shape, dtype=np.uint8))


def test_green_looks_lighter_than_blue() -> None:
    colours = np.zeros((1, 2, 3), dtype=np.uint8)
    colours[0, 0, 1] = colours[0, 1, 2] = 255
    green, blue = as_gray(colours)[0]
    assert green == 150  # 0.587 of 255
    assert blue == 29  # 0.114 of 255


@given(st.integers(1, 300), st.integers(1, 300))
def test_every_field_gets_the_working_height(height: int, width: int) -> None:
    field = resample(np.zeros((height, width), dtype=np.uint8))
    assert field.shape[0] <= FIELD_HEIGHT
    assert field.shape[1] <= MAX_ASPECT * FIELD_HEIGHT
    if width <= MAX_ASPECT * height:
        assert field.shape[0] == FIELD_HEIGHT
        assert abs(field.shape[1] - width * FIELD_HEIGHT / height) <= 1


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A phone's photo in HEIC: dark on the left, light on the right."""
    halves = np.full((64, 96, 3), 220, dtype=np.uint8)
    halves[:, :48] = 40
    path = tmp_path / "photo.heic"
    pillow_heif.from_pillow(Image.fromarray(halves)).save(path)
    return path


def test_a_heic_photo_is_read_where_its_package_is_installed(photo: Path) -> None:
    gray = load_image(photo)
    assert gray.shape == (64, 96)
    assert abs(gray[:, :40].mean() - 40) < 4
    assert abs(gray[:, 56:].mean() - 220) < 4


def test_without_its_package_a_heic_photo_s_error_names_it(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ValueError, match=r"photo\.heic is a HEIC photo: pip install pillow-heif"):
        load_image(photo)


def test_a_damaged_heic_photo_is_refused(photo: Path) -> None:
    photo.write_bytes(photo.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"damaged or cut short|not an image"):
        load_image(photo)


def test_a_box_goes_back_through_a_tilt_and_stays_in_the_image() -> None:
    quarter_turn = np.array([[0.0, -1.0, 40.0], [1.0, 0.0, 0.0]])
    assert box_through(quarter_turn, (2, 3, 10, 5), (50, 50)) == (32, 2, 5, 10)
    assert box_through(np.eye(2, 3), (-5, 45, 20, 20), (50, 50)) == (0, 45, 15, 5)
    assert box_through(np.eye(2, 3), (60, 60, 5, 5), (50, 50)) == (49, 49, 1, 1)
