"""Who writes: hands that put a character's ink on paper.

`drawn_hand` draws pen strokes in forms that people use; it wrote part of the shipped readers'
training fields. `bundled_hand` takes people's digits from the bundled test split (UCI). No shipped
network was trained on them, and they have 8x8 pixels only.
"""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib import digits
from lessonlib.checks.image import FloatImage
from lessonlib.synthesis import strokes

# A hand is given a character, its height and the pen's width in pixels, and a generator. It returns
# the ink, and how many rows of the ink lie below the line that the character stands on.
Hand = Callable[[str, float, float, np.random.Generator], tuple[FloatImage, int]]


def bundled_hand(
    character: str, height: float, pen: float, rng: np.random.Generator
) -> tuple[FloatImage, int]:
    """Write with the bundled test digits (UCI), and drawn marks.

    Parameters
    ----------
    character : str
        One of `CHARACTERS`.
    height, pen : float
        Pixels.
    rng : numpy Generator

    Returns
    -------
    ink : float32 array, shape (h, w)
    below : int
        Rows of it below the line.
    """
    if not character.isdecimal():
        return drawn_hand(character, height, pen, rng)
    images, labels = _bundled()
    image = images[rng.choice(np.flatnonzero(labels == int(character)))]
    return enlarge(image, height, None), 0


def drawn_hand(
    character: str, height: float, pen: float, rng: np.random.Generator
) -> tuple[FloatImage, int]:
    """Write with the strokes that the project draws: takes and returns what `bundled_hand` does."""
    return _drawn(character, height, pen, rng, None)


def drawn_writer(rng: np.random.Generator) -> Hand:
    """Make a writer who draws, and mostly draws a character in the same form again.

    Parameters
    ----------
    rng : numpy Generator
        Chooses the forms.

    Returns
    -------
    Hand
    """
    habit = rng.choice([0.0, 0.9])
    forms: dict[str, str] = {}

    def hand(
        character: str, height: float, pen: float, rng: np.random.Generator
    ) -> tuple[FloatImage, int]:
        if character not in forms or rng.random() >= habit:
            forms[character] = strokes.choose_variant(character, rng)
        return _drawn(character, height, pen, rng, forms[character])

    return hand


def _drawn(
    character: str, height: float, pen: float, rng: np.random.Generator, form: str | None
) -> tuple[FloatImage, int]:
    plane, below = strokes.draw(strokes.write_character(character, rng, form), height, pen)
    return np.asarray(plane, dtype=np.float32), below


def mixed_hand(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], rng: np.random.Generator
) -> Hand:
    """Make a writer who draws some of the digits and takes the others from images.

    Parameters
    ----------
    images, labels
        As for `examples`.
    rng : numpy Generator

    Returns
    -------
    Hand
    """
    drawn_share = rng.choice([0.0, 0.3, 0.6, 1.0], p=[0.2, 0.3, 0.2, 0.3])
    stretch = float(np.exp(rng.normal(0, 0.15)))  # this writer's digits, wide or narrow
    own_pen = rng.random() < 0.25
    draw = drawn_writer(rng)

    def hand(
        character: str, height: float, pen: float, rng: np.random.Generator
    ) -> tuple[FloatImage, int]:
        if not character.isdecimal():
            return draw(character, height, pen, rng)
        if rng.random() < drawn_share:
            glyph, below = draw(character, height, pen, rng)
        else:
            image = images[rng.choice(np.flatnonzero(labels == int(character)))]
            glyph, below = enlarge(image, height, None if own_pen else pen), 0
        width = max(2, round(glyph.shape[1] * stretch))
        wide = cv2.resize(glyph, (width, glyph.shape[0]), interpolation=cv2.INTER_LINEAR)
        return np.asarray(wide, np.float32).reshape(glyph.shape[0], width), below

    return hand


def enlarge(image: npt.NDArray[np.uint8], height: float, pen: float | None) -> FloatImage:
    """Enlarge a digit of MNIST's kind, with edges as sharp as a pen's.

    Parameters
    ----------
    image : uint8 array, shape (28, 28)
        255 is ink.
    height : float
        Pixels that 20 of the image's become.
    pen : float, optional
        About how wide its strokes become, in pixels; unchanged when not given.

    Returns
    -------
    float32 array, shape (h, w)
        Without empty rows and columns at its edges.
    """
    scale = height / 20
    size = max(8, round(28 * scale))
    large = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    inside = (large > 0.5).astype(np.uint8)
    if pen is None or not inside.any():
        sharp = np.clip(2 * large - 0.5, 0, 1)
    else:
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
        outside = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
        # Twice the mean depth is half a stroke's width; thinning by much would tear it.
        width = 4 * float(depth[inside > 0].mean()) - 1
        grow = np.clip((pen - width) / 2, -0.25 * width, 2.0)
        sharp = np.clip(depth - outside + (large - 0.5) + grow + 0.5, 0, 1)
    rows, columns = np.flatnonzero(sharp.max(axis=1)), np.flatnonzero(sharp.max(axis=0))
    glyph: FloatImage = sharp[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(
        np.float32
    )
    return glyph


@cache
def _bundled() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    return digits.load_bundled("test")
