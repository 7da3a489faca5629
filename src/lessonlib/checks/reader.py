"""The last steps: one network pass over all digits, and what was read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lessonlib.checks.binarize import binarize
from lessonlib.checks.image import as_gray, load_image, resample
from lessonlib.checks.normalize import normalize
from lessonlib.checks.segment import Piece, segment

if TYPE_CHECKING:
    from torch import nn

Box = tuple[int, int, int, int]

# On writing unlike MNIST's the shipped network is surer than it is right. Its probabilities
# softened by this much, it is as often right on rendered fields as its confidence says.
TEMPERATURE = 2.0
Source = str | PathLike[str] | npt.ArrayLike  # a file's path, or an array that holds an image


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a field, as the network saw it.

    Attributes
    ----------
    box : (x, y, w, h)
        Upper left corner and size, in pixels of the image that was given.
    probabilities : float32 array, shape (10,)
        Of the digits 0 to 9; they sum to 1.
    """

    box: Box
    probabilities: npt.NDArray[np.float32]

    @property
    def value(self) -> int:
        """The most probable digit, 0 to 9."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read in a field.

    Attributes
    ----------
    text : str
        Digits only, from left to right; empty when none was found.
    confidence : float
        Estimated probability in [0, 1] that the whole text is right; 0 for an empty text.
    digits : tuple of Digit
        From left to right.
    """

    text: str
    confidence: float
    digits: tuple[Digit, ...]


class CheckReader:
    """Reads the amount in an image of a check's amount field.

    Parameters
    ----------
    model : "mlp" or nn.Module
        The name of a network that ships with the course, or a network: standardised images
        (n, 28, 28) in, logits (n, 10) out, as `lessonlib.models.MLP`.

    Raises
    ------
    ValueError
        When no shipped network has that name.
    """

    def __init__(self, model: "str | nn.Module" = "mlp") -> None:
        from lessonlib import models  # imports torch: seconds, so only here

        self.model: nn.Module = models.shipped(model) if isinstance(model, str) else model

    def read(self, image: Source) -> Reading:
        """Read one field.

        Parameters
        ----------
        image : path, or uint8 array of shape (H, W) or (H, W, 3)
            Dark ink on lighter paper, cut out around the amount.

        Returns
        -------
        Reading

        Raises
        ------
        OSError, ValueError
            As `load_image` and `as_gray` do, for what is no image.
        """
        return self.read_many([image])[0]

    def read_many(self, images: Iterable[Source]) -> list[Reading]:
        """Read many fields, all their digits in one pass of the network.

        Parameters
        ----------
        images : iterable of what `read` takes

        Returns
        -------
        list of Reading
            In the order of the images; the same that `read` gives for each.
        """
        fields = [find_digits(image) for image in images]
        digits = [normalize(piece.ink) for field in fields for piece in field.pieces]
        probabilities = classify(self.model, digits)
        readings = []
        for field in fields:
            count = len(field.pieces)
            readings.append(decode(field.boxes(), probabilities[:count]))
            probabilities = probabilities[count:]
        return readings


@dataclass(frozen=True, eq=False)
class Field:
    """The digits found in one image, not yet read.

    Attributes
    ----------
    pieces : list of Piece
        In pixels of the resampled field.
    scale : (float, float)
        Pixels of the image for one of the resampled field, across and down.
    """

    pieces: list[Piece]
    scale: tuple[float, float]

    def boxes(self) -> list[Box]:
        """Give each digit's box (x, y, w, h) in pixels of the image."""
        return [_scaled_box(piece, *self.scale) for piece in self.pieces]


def find_digits(image: Source) -> Field:
    """Take an image through all steps before the network.

    Parameters
    ----------
    image : path, or uint8 array of shape (H, W) or (H, W, 3)

    Returns
    -------
    Field
    """
    gray = load_image(Path(image)) if isinstance(image, str | PathLike) else as_gray(image)
    field = resample(gray)
    scale = (gray.shape[1] / field.shape[1], gray.shape[0] / field.shape[0])
    return Field(segment(binarize(field)), scale)


def classify(
    model: "nn.Module", digits: Sequence[npt.NDArray[np.uint8]]
) -> npt.NDArray[np.float32]:
    """Compute the probabilities of the ten digits for each image, in one batch.

    Parameters
    ----------
    model : nn.Module
        Standardised images (n, 28, 28) in, logits (n, 10) out.
    digits : sequence of uint8 arrays, shape (28, 28)
        As `normalize` makes them.

    Returns
    -------
    float32 array, shape (n, 10)
    """
    if not digits:
        return np.zeros((0, 10), dtype=np.float32)
    from lessonlib.evaluation import predict

    return predict(model, np.stack(digits), batch_size=len(digits))


def decode(boxes: Sequence[Box], probabilities: npt.NDArray[np.float32]) -> Reading:
    """Put a field's digits together.

    The confidence is the product of the chosen digits' probabilities, each softened by
    `TEMPERATURE`: right if each piece is one digit, and errs independently of the others.

    Parameters
    ----------
    boxes : sequence of (x, y, w, h)
        From left to right.
    probabilities : float array, shape (n, 10)
        One row for each box.

    Returns
    -------
    Reading
    """
    pairs = zip(boxes, probabilities, strict=True)
    digits = tuple(Digit(box, row) for box, row in pairs)
    if not digits:
        return Reading("", 0.0, ())
    from lessonlib.evaluation import with_temperature

    confidence = float(np.prod(with_temperature(probabilities, TEMPERATURE).max(axis=1)))
    return Reading("".join(str(digit.value) for digit in digits), min(confidence, 1.0), digits)


def _scaled_box(piece: Piece, scale_x: float, scale_y: float) -> Box:
    left, top = round(piece.x * scale_x), round(piece.y * scale_y)
    right = round((piece.x + piece.width) * scale_x)
    bottom = round((piece.y + piece.height) * scale_y)
    return left, top, max(1, right - left), max(1, bottom - top)
