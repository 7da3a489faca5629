"""The fourth step: a digit's ink as an image of MNIST's kind."""

import cv2
import numpy as np
import numpy.typing as npt

SIZE = 28  # pixels: the side of MNIST's frame
BOX = 20  # pixels: the longer side of the digit in it


def normalize(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Scale and place a digit as MNIST's were.

    The digit keeps its proportions and is shrunk, averaging over areas, so that its longer
    side is 20 pixels; then its centre of mass goes to the centre of a 28x28 frame. Where that
    would push ink out of the frame, as for a long tail, the digit stays at the edge.

    Parameters
    ----------
    ink : bool array, shape (h, w)
        True where there is ink; paper around it does not matter.

    Returns
    -------
    uint8 array, shape (28, 28)
        0 is paper, 255 is ink. Without ink, all 0.

    Raises
    ------
    ValueError
        When `ink` is not a bool array of two dimensions.

    References
    ----------
    LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998.
    """
    ink = np.asarray(ink)
    if ink.dtype != np.bool_ or ink.ndim != 2:
        raise ValueError(f"ink must be a bool array (h, w), not {ink.dtype} {ink.shape}")
    if not ink.any():
        return np.zeros((SIZE, SIZE), dtype=np.uint8)
    return centre(shrink(trim(ink)))


def centre(digit: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Place a digit in MNIST's frame, its centre of mass in the middle.

    Parameters
    ----------
    digit : uint8 array, shape (h, w)
        At most 28x28.

    Returns
    -------
    uint8 array, shape (28, 28)
    """
    frame = np.zeros((SIZE, SIZE), dtype=np.uint8)
    height, width = digit.shape
    sums = cv2.moments(digit)  # of the levels, and of the levels times x or y
    if not sums["m00"]:  # ink too thin to leave a trace
        return frame
    x = offset(sums["m10"] / sums["m00"], width)
    y = offset(sums["m01"] / sums["m00"], height)
    frame[y : y + height, x : x + width] = digit
    return frame


def trim(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Cut away the paper around the ink.

    Parameters
    ----------
    ink : bool array, shape (h, w)
        With some ink in it.

    Returns
    -------
    bool array
        With ink in its first and last row and column.
    """
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def shrink(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Scale a digit so that its longer side is 20 pixels, averaging over areas.

    Parameters
    ----------
    ink : bool array, shape (h, w)

    Returns
    -------
    uint8 array
        The share of ink in each pixel, from 0 to 255.
    """
    scale = BOX / max(ink.shape)
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    levels = ink.view(np.uint8) * np.uint8(255)
    return np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def offset(centre: float, length: int) -> int:
    """Choose where a digit starts along one axis of the frame.

    Parameters
    ----------
    centre : float
        Its centre of mass, in pixels from its first row or column.
    length : int
        Its rows or columns, at most 28.

    Returns
    -------
    int
        The row, or column, that brings its centre of mass to the middle, within the frame.
    """
    start = round((SIZE - 1) / 2 - centre)
    return min(max(start, 0), SIZE - length)
