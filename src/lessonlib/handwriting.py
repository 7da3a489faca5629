"""Digits that other people than MNIST's wrote: pen strokes and bitmaps of three UCI data sets.

MNIST's writers are from the United States. These are from Turkey and Italy, and write ones with a
flag and a foot, and sevens with a bar. The files are read from the folder named by
``LESSONLIB_HANDWRITING_ROOT``; without this variable, from the user's cache, else from UCI. If they
can't be had, the functions print why, once, and give no digits: training goes on without them.
``LESSONLIB_OFFLINE=1`` means without them at once.

References
----------
Alpaydin and Alimoglu, Pen-Based Recognition of Handwritten Digits, UCI, 1998 (CC BY 4.0).
Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (CC BY 4.0).
Semeion, Research Center of Sciences of Communication, Rome: Semeion Handwritten Digit, UCI, 1994
(CC BY 4.0).
"""

import os
import shutil
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from filelock import FileLock

from lessonlib import digits
from lessonlib.checks.pictures import FRAME_SIDE, normalize, trim
from lessonlib.files import write_whole
from lessonlib.uncompress import uncompress

# The public copies of Semeion differ in what separates the numbers: UCI's has spaces.
SHA256 = {
    "optdigits-orig.tra": ("a4eff709680076cae40420343de292b5960fc2b0da439b8a57c3d14124113bda",),
    "optdigits-orig.windep": ("c09ab8735d588fdf980724f10a5072c0b757037dc80b448b2f6a10392751c9d6",),
    "pendigits-orig.tra": ("a66225d68d7d68591e62944df1ad33b3f5aa608e2df2505844b41f5568a80da4",),
    "pendigits-orig.tes": ("ddb1c19e277a56c7ffe682cc024d6ab73696f9adcc1643ef9ed5aa753007e081",),
    "semeion.data": (
        "f43228ae3da5ea6a3c95069d53450b86166770e3b719dcc333182128fe08d4b1",
        "155d731fd098446fc200bfe54d73cab4d2107dd25c5aab73639f3dac326e3139",  # has commas
    ),
}
TRAIN_WRITERS = 30  # of the pen's training file; the test file counts its writers from 1 again

# UCI's archives, each with its SHA-256. All but Semeion's file are packed as .Z files in them.
UCI = "https://archive.ics.uci.edu/static/public"
ARCHIVES = {
    f"{UCI}/80/optical+recognition+of+handwritten+digits.zip": (
        "0d7b054fea010270e9b3f06411c654c5e59547732ad626381980baffe0a23fb0"
    ),
    f"{UCI}/81/pen+based+recognition+of+handwritten+digits.zip": (
        "1e02bea023613c2b11c9492f6f34caf975420455934f3527d270cee9a1f03b64"
    ),
    f"{UCI}/178/semeion+handwritten+digit.zip": (
        "6fb091394714cddda5751d4e1c2781ab094e7cf15de07917fb40e581f19efc75"
    ),
}

# How the bitmaps become MNIST's pictures. Their outlines are stairs of one pixel: blurred by this
# standard deviation, in pixels, and drawn this many times finer, they are smooth.
BLUR = 0.7
FINER = 4
# Both sets were stretched: Semeion to squares, the other to a height of 32 and a width of about 20.
# Semeion's get the width that is usual in the other set and in the pen's, as a share of the height.
SQUARE_WIDTH = 0.65
# Stretching made blocks of plain strokes. A digit is made so narrow that its strokes are no wider
# than this share of its height.
WIDEST_STROKE = 0.25

Stroke = npt.NDArray[np.float64]  # shape (k, 2): points (x, y)


class PenDigit(NamedTuple):
    """A digit as a pen wrote it.

    Attributes
    ----------
    strokes : list of NDArray[float64], each of shape (k, 2), k >= 2
        Points (x, y), in the order of writing: x to the right from the digit's left side, y = 0 at
        its foot and y = 1 at its top. The unit is the digit's height.
    label : int
        0 to 9.
    writer : int
        The number of who wrote it: 1 to 30 in the training split, 31 to 44 in the test split.
    """

    strokes: list[Stroke]
    label: int
    writer: int


def pen_digits(split: digits.Split) -> list[PenDigit]:
    """Load the pen's digits: 7,494 by 30 people for training, 3,498 by 14 others for tests.

    The list is empty where the files can't be had. A ValueError names another split, or a file that
    is not the original; a FileNotFoundError a folder in ``LESSONLIB_HANDWRITING_ROOT`` that lacks
    files.
    """
    digits.check_split(split)
    root = _root()
    return [] if root is None else list(_pen(root, split))


def bitmap_digits(split: digits.Split) -> tuple[digits.Images, digits.Labels]:
    """Load the bitmaps as MNIST has digits: 3,527 for training, 1,797 by other people for tests.

    Returns
    -------
    images : uint8 array, shape (n, 28, 28)
        0 is paper, 255 is ink. n is 0 where the files can't be had.
    labels : int64 array, shape (n,)
        The digits 0 to 9.

    Raises
    ------
    ValueError, FileNotFoundError
        As `pen_digits` does.
    """
    digits.check_split(split)
    root = _root()
    if root is None:
        return np.zeros((0, FRAME_SIDE, FRAME_SIDE), np.uint8), np.zeros(0, np.int64)
    images, labels = _bitmaps(root, split)
    return images.copy(), labels.copy()


def source() -> dict[str, str]:
    """Name the files that the digits come from, each with its SHA-256; none where none are had."""
    root = find_handwriting()
    return {} if root is None else {name: digits.sha256(root / name) for name in SHA256}


def damaged_files(root: Path) -> list[Path]:
    """List the files that a folder lacks, or that are not the originals."""
    files = [root / name for name in SHA256]
    return [f for f in files if not f.is_file() or digits.sha256(f) not in SHA256[f.name]]


def find_handwriting() -> Path | None:
    """Find the folder of the five files; download them into the user's cache if they are nowhere.

    Their sums are checked. None where they can't be had.
    """
    return _located()[0]


def why_missing() -> str:
    """Say why there are no digits on this machine, and how to get them; empty where there are."""
    return _located()[1]


def parse_unipen(text: str) -> list[PenDigit]:
    """Read pen strokes in UNIPEN's form, as the original files of Pen-Based Recognition have them.

    Examples
    --------
    >>> (digit,) = parse_unipen('.SEGMENT DIGIT 0 ? "1" .COMMENT 1 26 54 .PEN_DOWN 20 90 20 40')
    >>> digit.label, digit.writer, digit.strokes[0].tolist()
    (1, 26, [[0.0, 1.0], [0.0, 0.0]])
    """
    parsed = []
    for segment in text.split(".SEGMENT")[1:]:
        label = int(segment.split('"')[1])
        writer = int(segment.partition(".COMMENT")[2].split()[1])  # after the label
        downs = [part.partition(".PEN_UP")[0].split() for part in segment.split(".PEN_DOWN")[1:]]
        strokes = [np.array(numbers, dtype=np.float64).reshape(-1, 2) for numbers in downs]
        parsed.append(PenDigit(_upright(strokes), label, writer))
    return parsed


def parse_optdigits(text: str) -> tuple[npt.NDArray[np.bool_], digits.Labels]:
    """Read bitmaps of 32x32: the ink, bool of shape (n, 32, 32), and labels, int64 (n,)."""
    words = [word for word in text.split() if word.isdecimal()]
    first = next(number for number, word in enumerate(words) if len(word) == 32)
    blocks = [words[at : at + 33] for at in range(first, len(words), 33)]
    ink = np.array([[list(row) for row in block[:32]] for block in blocks]) == "1"
    return ink, np.array([block[32] for block in blocks], dtype=np.int64)


def parse_semeion(text: str) -> tuple[npt.NDArray[np.bool_], digits.Labels]:
    """Read bitmaps of 16x16: the ink, bool of shape (n, 16, 16), and labels, int64 (n,)."""
    rows = np.array(text.replace(",", " ").split(), dtype=np.float64).reshape(-1, 256 + 10)
    return rows[:, :256].reshape(-1, 16, 16) > 0.5, rows[:, 256:].argmax(axis=1)


def picture(ink: npt.NDArray[np.bool_], width: float) -> npt.NDArray[np.uint8]:
    """Make MNIST's picture of a small bitmap: uint8 (28, 28), with soft edges, 255 for ink.

    Parameters
    ----------
    ink : bool array, shape (h, w)
        With some ink.
    width : float
        How many times as wide the digit becomes, to undo a stretching. Less where its strokes
        would be wider than ``WIDEST_STROKE``.
    """
    tight = trim(ink)
    width = min(width, WIDEST_STROKE * tight.shape[0] / stroke_width(tight))
    levels = cv2.GaussianBlur(np.pad(tight, 2).astype(np.float32), (0, 0), BLUR)
    size = (round(levels.shape[1] * FINER * width), levels.shape[0] * FINER)
    fine = cv2.resize(levels, size, interpolation=cv2.INTER_CUBIC)
    return normalize(np.asarray(fine > 0.5))


def stroke_width(ink: npt.NDArray[np.bool_]) -> float:
    """Measure how wide strokes are: the median length of a row's runs of ink, in pixels.

    Examples
    --------
    >>> stroke_width(np.array([[1, 1, 0, 1, 1], [0, 1, 1, 1, 0], [0, 1, 1, 0, 0]]) > 0)
    2.0
    """
    edges = np.diff(np.pad(ink, ((0, 0), (1, 1))).astype(np.int8), axis=1).ravel()
    return float(np.median(np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)))


def _root() -> Path | None:
    """Return what `find_handwriting` does; print once per process why it is None."""
    root, why = _located()
    if root is None:
        _announce(why)
    return root


@cache
def _announce(why: str) -> None:
    print(f"Going on without other people's handwriting: {why}.")


def _located() -> tuple[Path | None, str]:
    """Return the folder of the files; or None, and why they can't be had."""
    if digits.is_offline():
        return None, "LESSONLIB_OFFLINE is set"
    named = os.environ.get("LESSONLIB_HANDWRITING_ROOT")
    if named:
        return _named_root(digits.expanded(named)), ""
    return _cached_root(digits.cache_root() / "handwriting")


@cache
def _named_root(root: Path) -> Path:
    """Return the folder that the user named, or raise an error that says what is wrong with it."""
    damaged = damaged_files(root)
    if not damaged:
        return root
    name = damaged[0]
    remedy = (
        "Point LESSONLIB_HANDWRITING_ROOT at a folder with the unpacked files "
        f"{', '.join(SHA256)}, or unset it to let lessonlib download them."
    )
    if not name.is_file():
        raise FileNotFoundError(f"LESSONLIB_HANDWRITING_ROOT={root} has no {name.name}. {remedy}")
    raise ValueError(f"{name} is not UCI's (its SHA-256 differs): truncated or changed. {remedy}")


@cache
def _cached_root(root: Path) -> tuple[Path | None, str]:
    """Return the cache with the files in it; or None, and why they can't be downloaded or kept."""
    remedy = "set LESSONLIB_HANDWRITING_ROOT to a folder that has it"
    if not root.is_absolute():  # without a home folder, ~ would become the name of a new folder
        return None, f"there is no home folder to keep it in; {remedy}"
    try:
        if not damaged_files(root):
            return root, ""
        root.mkdir(parents=True, exist_ok=True)
        # One process downloads. A second one that starts meanwhile waits, then finds the files.
        with FileLock(root / "handwriting.lock"):
            if damaged_files(root) and not _download(root):
                return None, f"it could not be downloaded from UCI; {remedy}"
    except OSError as error:
        cause = error.strerror or error
        return None, f"it can't be kept in {root} ({cause}); make it writable, or {remedy}"
    return root, ""


def _download(root: Path) -> bool:
    """Download the files into a temporary folder, then move them; return False if that fails."""
    import pooch  # imported here, because few need it

    for abandoned in root.glob("download-*"):  # left by a process that was killed: we hold the lock
        shutil.rmtree(abandoned, ignore_errors=True)
    fetch = pooch.HTTPDownloader(timeout=digits.DOWNLOAD_TIMEOUT)
    with tempfile.TemporaryDirectory(dir=root, prefix="download-") as name:
        scratch = Path(name)
        try:
            for url, known in ARCHIVES.items():
                archive = pooch.retrieve(url, f"sha256:{known}", path=scratch, downloader=fetch)
                _unpack(Path(archive), scratch)
        except (OSError, ValueError, zipfile.BadZipFile):
            return False  # no network, UCI does not answer, or what it sent is not what it was
        if damaged_files(scratch):
            return False
        for file in SHA256:
            (scratch / file).replace(root / file)
    return True


def _unpack(archive: Path, folder: Path) -> None:
    """Take those of the files that an archive has, as they are or packed by ``compress``."""
    with zipfile.ZipFile(archive) as zipped:
        for member in zipped.namelist():
            name = Path(member).name
            if name.removesuffix(".Z") in SHA256:
                data = zipped.read(member)
                content = uncompress(data) if name.endswith(".Z") else data
                write_whole(folder / name.removesuffix(".Z"), content)


@cache
def _pen(root: Path, split: digits.Split) -> list[PenDigit]:
    name, others = ("tra", 0) if split == "train" else ("tes", TRAIN_WRITERS)
    parsed = parse_unipen((root / f"pendigits-orig.{name}").read_text("ascii"))
    return [digit._replace(writer=digit.writer + others) for digit in parsed]


@cache
def _bitmaps(root: Path, split: digits.Split) -> tuple[digits.Images, digits.Labels]:
    name = "tra" if split == "train" else "windep"
    ink, labels = parse_optdigits((root / f"optdigits-orig.{name}").read_text("ascii"))
    images = [picture(bitmap, 1) for bitmap in ink]
    if split == "train":
        ink, more = parse_semeion((root / "semeion.data").read_text("ascii"))
        images += [picture(bitmap, SQUARE_WIDTH) for bitmap in ink]
        labels = np.concatenate([labels, more])
    return np.stack(images), labels


def _upright(strokes: list[Stroke]) -> list[Stroke]:
    """Put a digit's foot at y = 0 and its left side at x = 0, and make its height 1."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = [(stroke - low) / max(1.0, high[1] - low[1]) for stroke in strokes]
    return [np.repeat(s, 2, axis=0) if len(s) == 1 else s for s in scaled]  # a dot is a short line
