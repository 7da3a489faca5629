"""Images of handwritten digits: MNIST, or scikit-learn's bundled digits where MNIST is missing.

The module reads MNIST from the torchvision root named by ``LESSONLIB_MNIST_ROOT``; without this
variable, from the user's cache, else from torchvision's download mirrors. If MNIST can't be
downloaded or stored, `load` gives the 1,797 digits that ship with scikit-learn, and prints why.
``LESSONLIB_OFFLINE=1`` chooses these bundled digits at once.
"""

import contextlib
import hashlib
import os
import shutil
import socket
import tempfile
import urllib.error
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from filelock import FileLock
from platformdirs import user_cache_path
from scipy import ndimage

Split = Literal["train", "test"]
Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
BUNDLED_TRAIN = 1_300  # of the 1,797; the other 497 are the test split
DOWNLOAD_TIMEOUT = 20  # seconds without a byte after which the next mirror is tried
NO_WORDS = ("", "0", "false", "no", "off")  # values of LESSONLIB_OFFLINE that mean no


def load(split: Split) -> tuple[Images, Labels]:
    """Load the images and labels of one split, "train" or "test".

    MNIST has 60,000 training and 10,000 test images, the bundled digits 1,300 and 497.

    Returns
    -------
    images : uint8 array, shape (n, 28, 28)
        0 is paper, 255 is ink.
    labels : int64 array, shape (n,)
        The digits 0 to 9.

    Raises
    ------
    ValueError
        For another split, or when the files in ``LESSONLIB_MNIST_ROOT`` are not MNIST's.
    FileNotFoundError
        When ``LESSONLIB_MNIST_ROOT`` names a folder without MNIST.
    """
    check_split(split)
    root = find_mnist()
    if root is None:
        _announce_bundled()
        return load_bundled(split)
    from torchvision.datasets import MNIST  # imported here, because it loads torch, which is slow

    dataset = MNIST(root, train=split == "train", download=False)
    return dataset.data.numpy(), dataset.targets.numpy()


def sample(images: Images, labels: Labels, n: int, seed: int = 0) -> tuple[Images, Labels]:
    """Draw `n` of the images at random, each once and with its label; all if there are fewer.

    Don't take the first images of a file instead: in MNIST's test file the first 5,001 are by other
    writers than the rest. The same seed draws the same images, and with a larger `n` the same ones
    and more. A ValueError says when images and labels don't match, or `n` is below 1.

    Examples
    --------
    >>> images, labels = load_bundled("test")
    >>> few, _ = sample(images, labels, 10)
    >>> more, _ = sample(images, labels, 20)
    >>> len(few), np.array_equal(few, more[:10])
    (10, True)
    """
    if len(images) != len(labels) or n < 1:
        raise ValueError(
            f"need as many labels as images, and n of 1 or more, not {len(images)} images, "
            f"{len(labels)} labels and n = {n}"
        )
    drawn = np.random.default_rng(seed).permutation(len(images))[:n]
    return images[drawn], labels[drawn]


def source() -> Literal["mnist", "bundled"]:
    """Name the data set that `load` gives on this machine."""
    return "bundled" if find_mnist() is None else "mnist"


def load_bundled(split: Split) -> tuple[Images, Labels]:
    """Load scikit-learn's handwritten digits, converted to MNIST's format; see `load`.

    Each 8x8 image is enlarged to 20x20 and placed in a 28x28 frame with its centre of mass in the
    middle, as MNIST's digits are. The first 1,300 are for training, the other 497 for tests. The
    same people may have written images of both splits, so accuracy on the test split may be too
    high for new writers.

    References
    ----------
    Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (CC BY 4.0).
    """
    check_split(split)
    images, labels = _bundled()
    part = slice(None, BUNDLED_TRAIN) if split == "train" else slice(BUNDLED_TRAIN, None)
    return images[part].copy(), labels[part].copy()


def find_mnist() -> Path | None:
    """Find MNIST; download it into the user's cache if it is nowhere else.

    The folder is one that torchvision reads, its files verified; None when MNIST can't be had.
    """
    if is_offline():
        return None
    named = os.environ.get("LESSONLIB_MNIST_ROOT")
    return _named_root(expanded(named)) if named else _cached_root(cache_root())[0]


def will_download() -> bool:
    """Return whether the next call of `find_mnist` or `load` begins with a download."""
    if is_offline() or os.environ.get("LESSONLIB_MNIST_ROOT"):
        return False
    root = cache_root()
    try:
        return root.is_absolute() and bool(damaged_files(root))
    except OSError:  # a cache that can't be read
        return False


def why_bundled() -> str:
    """Say why `load` gives the bundled digits on this machine, and how to get MNIST.

    The text is empty where `load` gives MNIST.
    """
    if is_offline():
        return "LESSONLIB_OFFLINE is set"
    return "" if os.environ.get("LESSONLIB_MNIST_ROOT") else _cached_root(cache_root())[1]


def cache_root() -> Path:
    """Return the folder where a downloaded MNIST is stored.

    It is not absolute where no home folder is known; then nothing is stored.
    """
    try:
        return user_cache_path("lessonlib", appauthor=False)
    except RuntimeError:  # no HOME, and a user without an entry in passwd
        return Path("~", "lessonlib")


def damaged_files(root: Path) -> list[Path]:
    """List MNIST's files that are missing in ``MNIST/raw`` below a root, or not the originals.

    The list is empty when all four files are there and bit-exact.
    """
    files = [root / "MNIST" / "raw" / name for name in SHA256]
    return [f for f in files if not f.is_file() or sha256(f) != SHA256[f.name]]


def is_offline() -> bool:
    """Return whether ``LESSONLIB_OFFLINE`` forbids downloads."""
    return os.environ.get("LESSONLIB_OFFLINE", "").strip().lower() not in NO_WORDS


def expanded(name: str) -> Path:
    """Return the absolute path that a variable of the environment names."""
    path = Path(name)
    with contextlib.suppress(RuntimeError):  # no such user, or no home folder: leave ~ as it is
        path = path.expanduser()
    return path.resolve()


@cache
def _named_root(root: Path) -> Path:
    """Return the root that the user named, or raise an error that says what is wrong with it."""
    damaged = damaged_files(root)
    if not damaged:
        return root
    name = damaged[0]
    remedy = (
        "Point LESSONLIB_MNIST_ROOT at a torchvision root, whose files are MNIST/raw/*-ubyte, "
        "or unset it to let lessonlib download MNIST."
    )
    if not name.is_file():
        raise FileNotFoundError(f"LESSONLIB_MNIST_ROOT={root} has no {name}. {remedy}")
    raise ValueError(f"{name} is not MNIST's (its SHA-256 differs): truncated or changed. {remedy}")


@cache
def _cached_root(root: Path) -> tuple[Path | None, str]:
    """Return the cache with MNIST in it; or None, and why MNIST can't be downloaded or stored."""
    remedy = "set LESSONLIB_MNIST_ROOT to a folder that has it"
    if not root.is_absolute():  # without a home folder, ~ would become the name of a new folder
        return None, f"there is no home folder to keep MNIST in; {remedy}"
    try:
        if not damaged_files(root):
            return root, ""
        root.mkdir(parents=True, exist_ok=True)
        # One process downloads. A second one that starts meanwhile waits, then finds the files.
        with FileLock(root / "mnist.lock"):
            if damaged_files(root) and not _download(root):
                return None, f"MNIST could not be downloaded; {remedy}"
    except OSError as error:
        cause = error.strerror or error
        return None, f"MNIST can't be kept in {root} ({cause}); make it writable, or {remedy}"
    return root, ""


def _download(root: Path) -> bool:
    """Download MNIST into a temporary folder, then move it; return False if no mirror has it."""
    from torchvision.datasets import MNIST

    raw = root / "MNIST" / "raw"
    for abandoned in root.glob("download-*"):  # left by a process that was killed: we hold the lock
        shutil.rmtree(abandoned, ignore_errors=True)
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    with tempfile.TemporaryDirectory(dir=root, prefix="download-") as scratch:
        try:
            MNIST(scratch, download=True)
        except (RuntimeError, urllib.error.URLError, OSError, EOFError):
            return False  # no network, no mirror answers, or the connection broke
        finally:
            socket.setdefaulttimeout(timeout)
        if damaged_files(Path(scratch)):
            return False
        raw.mkdir(parents=True, exist_ok=True)
        for name in SHA256:
            (Path(scratch) / "MNIST" / "raw" / name).replace(raw / name)
    return True


def sha256(path: Path) -> str:
    """Compute a file's SHA-256, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _announce_bundled() -> None:
    """Print once per process that the digits are not MNIST's, why, and how to get MNIST."""
    print(f"Using the 1,797 digits bundled with scikit-learn instead of MNIST: {why_bundled()}.")


@cache
def _bundled() -> tuple[Images, Labels]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.stack([_as_mnist(image) for image in bunch.images])
    return images, bunch.target.astype(np.int64)


def _as_mnist(image: npt.NDArray[np.float64]) -> Images:
    """Enlarge an 8x8 image with values 0 to 16, and put its centre of mass in a frame's middle."""
    large = ndimage.zoom(image / 16, 20 / 8, order=3)
    large = np.clip(2 * large - 0.4, 0, 1)  # enlarging blurs the edges: make them steep again
    frame = np.pad(large, 4)
    centre = ndimage.center_of_mass(frame)
    shift = [round(13.5 - c) for c in centre]
    centred: npt.NDArray[np.float64] = ndimage.shift(frame, shift, order=0)
    return np.rint(255 * centred).astype(np.uint8)


def check_split(split: str) -> None:
    """Raise a ValueError if there is no such split."""
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", not {split!r}')
