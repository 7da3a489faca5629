"""Sample fields: amounts put together from real handwritten digits, on paper as checks have it.

The digits are those of the bundled test split (UCI), which no shipped network was trained on.
"""

import csv
import io
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from lessonlib import digits
from lessonlib.checks.image import Gray

Plane = npt.NDArray[np.float64]  # shape (H, w), values in [0, 1]

HEIGHT = 64  # pixels: a field half an inch high, scanned at 130 dots per inch
BASELINE = 50  # the row that digits stand on
MARGIN = 12  # pixels of paper at the left and right
SAMPLES, SEED = 36, 1990


def render(amount: str, seed: int | np.random.Generator) -> Gray:
    """Draw the image of an amount field.

    Parameters
    ----------
    amount : str
        Digits, and ``.`` ``,`` or ``-`` between or after them, as "1,250.00" or "320-".
    seed : int or numpy Generator
        Chooses the handwriting and the paper; the same seed gives the same image.

    Returns
    -------
    uint8 array, shape (64, W)

    Raises
    ------
    ValueError
        When the amount holds another character, or no digit.
    """
    if not set(amount) <= set("0123456789.,-") or not digits_of(amount):
        raise ValueError(f'an amount has digits and "." "," "-" only, not {amount!r}')
    rng = np.random.default_rng(seed)
    pen = slant(write(amount, rng), rng.uniform(-0.05, 0.3))
    sign = currency_sign(rng) if rng.random() < 0.5 else np.zeros((HEIGHT, 0))
    ink = np.hstack([np.zeros_like(sign), pen])
    printed = np.hstack([sign, np.zeros_like(pen)])
    if rng.random() < 0.6:
        printed = np.maximum(printed, ruled_line(printed.shape[1], rng))
    field = paper(ink.shape[1], rng)
    field += printed * (rng.uniform(90, 130) - field)
    field += ndimage.gaussian_filter(ink, 0.5) * (rng.uniform(35, 80) - field)
    field += rng.normal(0, rng.uniform(1, 4), field.shape)  # the scanner's noise
    return np.clip(field, 0, 255).round().astype(np.uint8)


def digits_of(amount: str) -> str:
    """Keep an amount's digits: what a reader should return.

    Parameters
    ----------
    amount : str

    Returns
    -------
    str
    """
    return "".join(c for c in amount if c.isdecimal())


def write(amount: str, rng: np.random.Generator) -> Plane:
    """Set digits and marks side by side on one baseline, not quite evenly.

    Parameters
    ----------
    amount : str
    rng : numpy Generator

    Returns
    -------
    float array, shape (64, w)
        1 where the pen was.
    """
    height = rng.uniform(28, 36)
    ink = np.zeros((HEIGHT, 2 * MARGIN + 60 * len(amount)))
    x = MARGIN
    for character in amount:
        glyph = digit(int(character), height, rng) if character.isdecimal() else mark(character)
        lift = {",": 3, "-": -int(height / 2.5)}.get(character, 0)
        bottom = BASELINE + int(rng.integers(-2, 3)) + lift
        place = ink[bottom - glyph.shape[0] : bottom, x : x + glyph.shape[1]]
        np.maximum(place, glyph, out=place)
        x += glyph.shape[1] + int(rng.integers(-1, 12))  # now and then two digits touch
    return ink[:, : x + MARGIN]


def digit(value: int, height: float, rng: np.random.Generator) -> Plane:
    """Draw one of the bundled handwritten digits, enlarged smoothly.

    Parameters
    ----------
    value : int
        0 to 9.
    height : float
        In pixels, about; each digit varies by a tenth.
    rng : numpy Generator

    Returns
    -------
    float array, shape (h, w)
    """
    images, labels = _handwriting()
    image = images[rng.choice(np.flatnonzero(labels == value))] / 255
    large = ndimage.zoom(image, height / 20 * rng.uniform(0.9, 1.1), order=3)
    sharp = np.clip(2 * large - 0.5, 0, 1)  # enlarging blurs: steeper edges, as a pen has
    rows, columns = np.flatnonzero(sharp.max(axis=1)), np.flatnonzero(sharp.max(axis=0))
    glyph: Plane = sharp[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return glyph


def mark(character: str) -> Plane:
    """Draw a dot, a comma or a dash.

    Parameters
    ----------
    character : {".", ",", "-"}

    Returns
    -------
    float array, shape (h, w)
    """
    size, start, end = {
        ".": ((6, 6), (2, 3), (3, 3)),
        ",": ((10, 7), (4, 2), (2, 7)),
        "-": ((6, 18), (3, 3), (14, 2)),
    }[character]
    glyph = np.zeros(size, dtype=np.uint8)
    cv2.line(glyph, start, end, 255, thickness=3, lineType=cv2.LINE_AA)
    return glyph / 255


def slant(ink: Plane, shear: float) -> Plane:
    """Lean writing over.

    Parameters
    ----------
    ink : float array, shape (64, w)
    shear : float
        Pixels to the right for each pixel upwards.

    Returns
    -------
    float array, shape (64, w)
    """
    matrix = np.array([[1, shear], [0, 1]])  # in (x, y): from the result back to the source
    offset = np.array([-shear * BASELINE, 0])
    leaning = ndimage.affine_transform(ink.T, matrix, offset, order=1).T
    return np.asarray(np.clip(leaning, 0, 1), dtype=np.float64)


def currency_sign(rng: np.random.Generator) -> Plane:
    """Print a small dollar sign, as forms have it before the amount.

    Parameters
    ----------
    rng : numpy Generator

    Returns
    -------
    float array, shape (64, w)
    """
    image = np.zeros((HEIGHT, 20), dtype=np.uint8)
    foot = (6, BASELINE - int(rng.integers(0, 6)))
    cv2.putText(image, "$", foot, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
    return image / 255


def ruled_line(width: int, rng: np.random.Generator) -> Plane:
    """Print the line that the amount is written on.

    Parameters
    ----------
    width : int
        In pixels.
    rng : numpy Generator

    Returns
    -------
    float array, shape (64, width)
    """
    line = np.zeros((HEIGHT, width))
    row = BASELINE + int(rng.integers(0, 8))
    line[row : row + int(rng.integers(1, 3))] = 1
    return line


def paper(width: int, rng: np.random.Generator) -> Plane:
    """Make a strip of check paper: a tint, a printed pattern of waves, shading across.

    Parameters
    ----------
    width : int
        In pixels.
    rng : numpy Generator

    Returns
    -------
    float array, shape (64, width)
        Gray levels.
    """
    y, x = np.mgrid[:HEIGHT, :width]
    angle, wave = rng.uniform(0, np.pi), rng.uniform(4, 7)  # its direction; pixels to the next line
    across = x * np.cos(angle) + y * np.sin(angle) + 2 * np.sin(x / rng.uniform(6, 12))
    pattern = rng.uniform(3, 9) * np.sin(2 * np.pi * across / wave)
    shading = rng.uniform(-25, 25) * x / width + rng.uniform(-10, 10) * y / HEIGHT
    tint = rng.uniform(185, 225)
    return np.asarray(tint + pattern + shading, dtype=np.float64)


def sample_amounts(rng: np.random.Generator, count: int) -> list[str]:
    """Make up amounts, in the ways people write them.

    Parameters
    ----------
    rng : numpy Generator
    count : int

    Returns
    -------
    list of str
    """
    styles = ("{:d}", "{:,d}", "{:d}-", "{:.2f}")
    amounts = []
    for _ in range(count):
        number = int(10 ** rng.uniform(1.7, 5.3))  # as many of two digits as of five
        style = styles[rng.integers(len(styles))]
        amounts.append(style.format(number / 100 if "f" in style else number))
    return amounts


def write_samples(folder: str | Path, count: int = SAMPLES, seed: int = SEED) -> None:
    """Make the folder of labelled samples that ships with the course.

    Parameters
    ----------
    folder : str or Path
        Gets ``labels.csv`` (file, digits, amount) and the images, PNG, in ``images``.
    count, seed : int
        The same two give the same files, byte for byte.
    """
    folder = Path(folder)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["file", "digits", "amount"])
    for i, amount in enumerate(sample_amounts(rng, count), start=1):
        name = f"check-{i:02d}.png"
        png = io.BytesIO()
        Image.fromarray(render(amount, rng)).save(png, format="PNG", optimize=True)
        _write_whole(folder / "images" / name, png.getvalue())
        writer.writerow([name, digits_of(amount), amount])
    _write_whole(folder / "labels.csv", table.getvalue().encode())


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file in full or not at all."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(data)
    unfinished.replace(path)


@cache
def _handwriting() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    return digits.load_bundled("test")
