"""Amounts as people write them, and folders of labelled fields."""

import csv
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from lessonlib.files import write_whole
from lessonlib.synthesis.render import digits_of, render

SAMPLES, SEED = 36, 1990
ENDS = [0.55, 0.15, 0.12, 0.06, 0.02, 0.06, 0.04]


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
    amounts = []
    for _ in range(count):
        number = int(10 ** rng.uniform(1, 6))  # as many of two digits as of six
        if rng.random() < 0.3:  # round sums are common
            number = max(10, int(float(f"{number:.{int(rng.integers(1, 3))}g}")))
        style = rng.choice(["plain", "comma", "dot", "cents"], p=[0.25, 0.2, 0.35, 0.2])
        text = f"{number:d}" if style == "plain" else f"{number:,d}"
        if style == "dot":
            text = text.replace(",", ".")
        if style == "cents":
            text = f"{number / 100:,.2f}" if rng.random() < 0.7 else f"{number / 100:.2f}"
        else:
            text += str(rng.choice(["", ".", "-", ".-", ",-", "=", ".="], p=ENDS))
        text = str(rng.choice(["", "$", "*", "#"], p=[0.8, 0.14, 0.03, 0.03])) + text
        amounts.append(text)
    return amounts


def bill_fields() -> tuple[list[npt.NDArray[np.uint8]], list[str]]:
    """Render the fields of chapter 8's bill: 300 amounts in the hand of the UCI digits.

    Returns
    -------
    images : list of uint8 array, shape (H, W)
        The same at every call.
    labels : list of str
        The digits of each.
    """
    from lessonlib.synthesis.hands import bundled_hand
    from lessonlib.synthesis.samples import sample_amounts

    rng = np.random.default_rng(8)
    amounts = sample_amounts(rng, 300)
    images = [render(amount, rng, hand=bundled_hand) for amount in amounts]
    return images, [digits_of(amount) for amount in amounts]


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
        write_whole(folder / "images" / name, png.getvalue())
        writer.writerow([name, digits_of(amount), amount])
    write_whole(folder / "labels.csv", table.getvalue().encode())
