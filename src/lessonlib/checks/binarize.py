"""The second step: which pixels are ink.

Moved by a fifth either way, `MIN_CONTRAST` changes what is read in no rendered field, and each of
the other thresholds in 18 to 46 of 300; the number that is read exactly moves by 7 at most
(``python -m tools.thresholds``).
"""

from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import Gray

Ink = npt.NDArray[np.bool_]
Method = Literal["sauvola", "otsu"]

CLIPPED = 0.01  # share of the pixels that become black, and share that become white: outliers
SMOOTHING = 0.015  # standard deviation of the blur, as a share of the height: half a thin stroke
# Side of Sauvola's window, as a share of the height: wider than any stroke. Much as in the first
# trials on real fields, where 31 of about 105 rows worked.
WINDOW = 0.28
SAUVOLA_K = 0.3  # how far below the local mean ink must lie, where the contrast is low
SAUVOLA_R = 128  # the largest standard deviation that gray levels 0 to 255 can have
MIN_CONTRAST = 16  # gray levels between paper and ink; an empty field's noise stays below


def binarize(gray: Gray, method: Method = "sauvola") -> Ink:
    """Separate the ink, True, from the paper. A field without contrast holds none.

    Parameters
    ----------
    gray : uint8 array, shape (H, W)
        A field, best at the height that `resample` gives it.
    method : {"sauvola", "otsu"}
        A threshold of its own for each pixel, or one for the whole field; a ValueError for others.

    Examples
    --------
    >>> field = np.full((72, 200), 230, dtype=np.uint8)
    >>> field[20:60, 100:110] = 60  # a stroke
    >>> ink = binarize(field)
    >>> bool(ink[40, 105]), bool(ink[40, 50])
    (True, False)
    """
    if method not in ("sauvola", "otsu"):
        raise ValueError(f'method must be "sauvola" or "otsu", not {method!r}')
    stretched = stretch_contrast(gray)
    if stretched is None:
        return np.zeros(gray.shape, dtype=np.bool_)
    blurred = cv2.GaussianBlur(stretched, (0, 0), SMOOTHING * gray.shape[0])
    smooth = np.asarray(blurred, dtype=np.float32)
    threshold = sauvola_threshold(smooth) if method == "sauvola" else otsu_threshold(smooth)
    return np.asarray(smooth < threshold, dtype=np.bool_)


def stretch_contrast(gray: Gray) -> npt.NDArray[np.float32] | None:
    """Map the field's darkest percent to 0 and its lightest to 255, as float32 (H, W).

    Sauvola's threshold depends on how bright the paper is; after this, pale and dark scans of the
    same field give the same ink. None where dark and light differ by less than `MIN_CONTRAST`.
    """
    counts = np.cumsum(cv2.calcHist([gray], [0], None, [256], [0, 256]))
    dark, light = np.searchsorted(counts, (CLIPPED * gray.size, (1 - CLIPPED) * gray.size)).tolist()
    if light - dark < MIN_CONTRAST:
        return None
    levels = (np.arange(256, dtype=np.float32) - dark) * (255 / (light - dark))
    return np.asarray(cv2.LUT(gray, np.clip(levels, 0, 255)), dtype=np.float32)


def sauvola_threshold(gray: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
    """Compute each pixel's threshold from the mean m and standard deviation s around it.

    The threshold is m (1 + k (s / R - 1)): near m where the window holds ink and paper (s is
    large), well below m on bare paper, so that neither shading nor a printed pattern turns
    to ink. Levels are float32 in [0, 255], and there is one threshold for each.

    References
    ----------
    Sauvola and Pietikäinen, Adaptive document image binarization, Pattern Recognition 33, 2000.
    """
    side = 2 * max(1, round(WINDOW * gray.shape[0] / 2)) + 1
    mean = local_mean(gray, side)
    deviation = (local_mean(gray**2, side) - mean**2).clip(0) ** 0.5
    return mean * (1 + SAUVOLA_K * (deviation / SAUVOLA_R - 1))


def local_mean(values: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.float32]:
    """Average over the square window around each pixel, whose side, in pixels, is odd.

    Beyond its border the field is mirrored.
    """
    mean = cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT)
    return np.asarray(mean, dtype=np.float32)


def otsu_threshold(gray: npt.NDArray[np.float32]) -> float:
    """Find the one threshold that parts the gray levels into the two most compact groups.

    Levels are float32 in [0, 255]. The threshold is the first level of the lighter group.

    References
    ----------
    Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9, 1979.
    """
    level, _ = cv2.threshold(gray.astype(np.uint8), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(level) + 1
