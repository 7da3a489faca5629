"""Amounts as people write them, and folders of labelled fields."""

import csv
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from lessonlib.files import write_whole
from lessonlib.synthesis.hands import bundled_hand
from lessonlib.synthesis.render import digits_of, render

SAMPLES, SEED = 36, 1990  # the samples that ship
BILL_FIELDS, BILL_SEED = 300, 8

# How people write an amount: each way with its probability.
FORMATS = {"plain": 0.25, "comma": 0.2, "dot": 0.35, "cents": 0.2}
SYMBOLS = {"": 0.8, "$": 0.14, "*": 0.03, "#": 0.03}  # in front
ENDS = {"": 0.55, ".": 0.15, "-": 0.12, ".-": 0.06, ",-": 0.02, "=": 0.06, ".=": 0.04}
MAGNITUDES = (1, 6)  # powers of ten: two digits come as often as six
ROUND_SHARE = 0.3  # of the sums have one or two digits that aren't zeros
COMMA_SHARE = 0.7  # of the sums with cents have a comma at the thousands


def sample_amounts(rng: np.random.Generator, count: int) -> list[str]:
    """Make up amounts, in the ways people write them.

    Examples
    --------
    >>> sample_amounts(np.random.default_rng(4), 3)
    ['5,191.35', '762.-', '#324,395-']
    """
    return [_sample_amount(rng) for _ in range(count)]


def _sample_amount(rng: np.random.Generator) -> str:
    """Make up one amount."""
    number = int(10 ** rng.uniform(*MAGNITUDES))
    if rng.random() < ROUND_SHARE:
        number = max(10, int(float(f"{number:.{int(rng.integers(1, 3))}g}")))
    form = _choose(FORMATS, rng)
    if form == "cents":
        comma = "," if rng.random() < COMMA_SHARE else ""
        text = f"{number / 100:{comma}.2f}"
    else:
        separator = {"plain": "", "comma": ",", "dot": "."}[form]
        text = f"{number:,d}".replace(",", separator) + _choose(ENDS, rng)
    return _choose(SYMBOLS, rng) + text


def _choose(probabilities: dict[str, float], rng: np.random.Generator) -> str:
    """Choose one of the keys by chance."""
    return str(rng.choice(list(probabilities), p=list(probabilities.values())))


def bill_fields() -> tuple[list[npt.NDArray[np.uint8]], list[str]]:
    """Render the 300 fields on which the chapter on next steps compares networks.

    They are in the hand of the UCI digits, and the same at every call.

    Returns
    -------
    images : list of uint8 array, shape (H, W)
    labels : list of str
        The digits of each.
    """
    rng = np.random.default_rng(BILL_SEED)
    amounts = sample_amounts(rng, BILL_FIELDS)
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
