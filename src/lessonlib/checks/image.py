"""The first step: an image of a field, from a file or an array, as gray levels."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from lessonlib.files import explained, kind_of

Gray = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]  # x, y, w, h in pixels: upper left corner and size
Source = str | PathLike[str] | npt.ArrayLike  # a file's path, or an array that holds an image
FloatImage = npt.NDArray[np.floating[Any]]  # shares of ink or of light, not yet gray levels

MAX_PIXELS = 50_000_000  # the largest photo of a phone: a photo of one field has fewer
MAX_BYTES = 500_000_000  # above what so many pixels take in any format
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
# Pixels. Most scanned fields are lower (of 240 real ones, nine in ten have 66 rows at most), and a
# height above the scan's own keeps thin strokes whole.
FIELD_HEIGHT = 72
# A strip longer than this is scaled by its width, to bound the memory it takes. Fields of checks
# are at most 13 times as long as high (in 429 real ones).
MAX_ASPECT = 40


def load_image(path: str | Path) -> Gray:
    """Read an image file as gray levels.

    Palettes and colours become gray, transparent parts white paper, 16 bits 8, and a photo is
    turned upright as its EXIF note says.

    Parameters
    ----------
    path : str or Path
        PNG, JPEG, TIFF or another format that Pillow reads; of several frames, the first. A phone's
        HEIC where the package pillow-heif is installed.

    Returns
    -------
    uint8 array, shape (H, W)
        0 is black, 255 is white.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is empty, no image, damaged or cut short, holds PostScript or
        floating-point numbers, or has more than `MAX_PIXELS` pixels or `MAX_BYTES` bytes.
    OSError
        When the path is a folder, a pipe or a device, or may not be read.
    """
    path = Path(path)
    data = _content(path)
    if is_heif(data):
        _learn_heif(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own size warning: ours is an error
        with _errors_about(path):
            image = Image.open(io.BytesIO(data))
        _check_size(image.width, image.height, str(path))  # before anything is unpacked
        if image.format == "EPS":  # a program, which Pillow would hand to Ghostscript
            raise ValueError(f"{path} holds PostScript: save it as PNG")
        if image.mode == "F":
            raise ValueError(
                f"{path} holds floating-point numbers: save it as 8-bit gray or colour"
            )
        with _errors_about(path):
            return _to_gray(image)


def is_heif(data: bytes) -> bool:
    """Whether a file's content is that of a HEIC photo: its first box names one of its brands."""
    return data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS


def _learn_heif(path: Path) -> None:
    """Teach Pillow to open HEIC photos."""
    try:
        import pillow_heif
    except ImportError:
        raise ValueError(
            f"{path} is a HEIC photo: pip install pillow-heif, or save it as JPEG or PNG"
        ) from None
    pillow_heif.register_heif_opener()


def as_gray(image: npt.ArrayLike) -> Gray:
    """Check an array that holds an image, and bring it to gray levels, uint8 (H, W).

    Parameters
    ----------
    image : uint8 array, shape (H, W) or (H, W, 3)
        Gray levels, or colours in the order red, green, blue.

    Raises
    ------
    ValueError
        For another dtype or shape, no pixels, or more than `MAX_PIXELS`.
    """
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise ValueError(
            f"an image must be uint8 with values 0 (black) to 255 (white), not {array.dtype}: "
            "scale it to that range and use .astype(np.uint8)"
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise ValueError(f"an image must have shape (H, W) or (H, W, 3), not {array.shape}")
    if array.size == 0:
        raise ValueError(
            f"the image has no pixels: its shape is {array.shape}, but H and W must be at least 1"
        )
    _check_size(array.shape[1], array.shape[0], "the image")
    if array.ndim == 2:
        return np.ascontiguousarray(array)
    return np.asarray(Image.fromarray(np.ascontiguousarray(array)).convert("L"))


def gray_levels(image: Source) -> Gray:
    """Load an image from a file, or take it from an array; see `load_image` and `as_gray`."""
    return load_image(Path(image)) if isinstance(image, str | PathLike) else as_gray(image)


def box_through(
    matrix: npt.NDArray[np.float64], box: tuple[float, float, float, float], size: tuple[int, int]
) -> Box:
    """Bring a box to the image that it was cut out of, which may have been tilted.

    Parameters
    ----------
    matrix : float64 array, shape (2, 3)
        Maps a point (x, y) to the image.
    box : (x, y, w, h)
    size : (int, int)
        Width and height of the image.

    Returns
    -------
    (x, y, w, h)
        Around the mapped corners, at least one pixel, and inside the image.

    Examples
    --------
    >>> twice_and_down = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 10.0]])
    >>> box_through(twice_and_down, (1, 2, 3, 4), size=(50, 50))
    (2, 14, 6, 8)
    """
    x, y, w, h = box
    corners = np.array([[x, y, 1], [x + w, y, 1], [x, y + h, 1], [x + w, y + h, 1]]) @ matrix.T
    right, bottom = (
        max(1, min(round(m), side)) for m, side in zip(corners.max(0), size, strict=True)
    )
    left = min(max(round(corners[:, 0].min()), 0), right - 1)
    top = min(max(round(corners[:, 1].min()), 0), bottom - 1)
    return left, top, right - left, bottom - top


def resample(gray: Gray) -> Gray:
    """Bring a field, uint8 (H, W), to the height all later steps work at.

    Every length in them is a share of the field's height or of its digits' height, so a scan at 100
    and one at 600 dots per inch are read alike. A height above the scan's own lets the threshold
    cut strokes between pixels. The result is `FIELD_HEIGHT` pixels high and has the same
    proportions; it is lower when the field is more than `MAX_ASPECT` times as wide as high.

    Examples
    --------
    >>> import numpy as np
    >>> resample(np.zeros((54, 150), dtype=np.uint8)).shape
    (72, 200)
    """
    height, width = gray.shape
    scale = min(FIELD_HEIGHT / height, MAX_ASPECT * FIELD_HEIGHT / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(gray, size, interpolation=method), dtype=np.uint8)


def _content(path: Path) -> bytes:
    """Read a file, if it is one: a pipe could keep us waiting, and a device never end."""
    if "\0" in str(path):
        raise ValueError(f"{path} has a NUL character in its name: no file can be called so")
    try:
        with explained(path, "can't be read", "check its name and its permissions"):
            status = path.stat()
            kind = kind_of(status.st_mode)
            if kind == "a folder":
                raise IsADirectoryError(f"{path} is a folder: give the image file itself")
            if kind:
                raise OSError(f"{path} is {kind}: save the image to a file, and give that")
            if status.st_size == 0:
                raise ValueError(f"{path} is empty: save or copy the image again")
            if status.st_size > MAX_BYTES:
                raise ValueError(
                    f"{path} has {status.st_size:,} bytes, more than {MAX_BYTES:,}: "
                    "cut out the amount, or shrink the image"
                )
            return path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no image file {path}: check the name") from None


def _check_size(width: int, height: int, name: str) -> None:
    """Refuse an image, named in the error, that has too many pixels."""
    if width * height > MAX_PIXELS:
        raise ValueError(
            f"{name} has {width} x {height} pixels, more than {MAX_PIXELS:,}: "
            "cut out the amount, or shrink it"
        )


@contextmanager
def _errors_about(path: Path) -> Iterator[None]:
    """Turn what Pillow raises over a file's content into an error that names file and remedy."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path} has far more than {MAX_PIXELS:,} pixels: shrink it") from error
    except UnidentifiedImageError as error:
        raise ValueError(f"{path} is not an image that can be read: save it as PNG") from error
    except Exception as error:  # a damaged file makes its decoders raise nearly anything
        raise ValueError(f"{path} is damaged or cut short ({error}): save it again") from error


def _to_gray(image: Image.Image) -> Gray:
    """Bring an image of any mode to 8-bit gray levels, upright, on white paper."""
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode == "I" or upright.mode.startswith("I;16"):  # 16 bits: 65,535 is white
        return np.clip(np.asarray(upright, np.float64) / 257, 0, 255).round().astype(np.uint8)
    if upright.has_transparency_data:
        layers = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers)
    return np.asarray(upright.convert("RGB").convert("L"))
