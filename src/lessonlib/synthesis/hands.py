"""Who writes: hands that put a character's ink on paper.

`drawn_hand` draws pen strokes in forms that people use; it wrote part of the shipped readers'
training fields. `mixed_hand` adds people's digits from images, and `pen_hand` draws the strokes
that people's pens took; `anyone` is one of these, by chance. `left_out_hand` and `bundled_hand`
take digits of people whose writing no shipped network was trained on; the latter have 8x8 pixels
only.
"""

from collections.abc import Callable, Mapping
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib import digits, handwriting
from lessonlib.checks.image import FloatImage
from lessonlib.checks.pictures import DIGIT_SIDE, FRAME_SIDE
from lessonlib.synthesis import strokes

# A hand is given a character, its height and the pen's width in pixels, and a generator. It returns
# the ink, float32 of shape (h, w) in [0, 1], and how many rows of it lie below the line that the
# character stands on.
Hand = Callable[[str, float, float, np.random.Generator], tuple[FloatImage, int]]

# Half of the writers who draw choose a form anew each time. The others keep to theirs this often.
HABIT = 0.9
DRAWN_SHARES = {0.0: 0.2, 0.3: 0.3, 0.6: 0.2, 1.0: 0.3}  # of a mixed hand's digits: probabilities
STRETCH_SPREAD = 0.15  # standard deviation of the logarithm of how wide a writer's digits are
OWN_PEN_SHARE = 0.25  # of mixed hands leave the strokes of an image as wide as they are
# An image's strokes are thinned by about this share of their width at most, because more would tear
# them, and widened by about so many pixels at most.
THINNED, WIDENED = 0.25, 2.0
SMALLEST_SIDE = 8  # pixels of an enlarged image
# The kinds of writers of `anyone`, with their shares. MNIST has the most people and images.
WRITERS = {"mnist": 0.5, "bitmaps": 0.2, "pens": 0.2, "drawn": 0.1}
# A writer with recorded strokes is made another one by a slant and a width of their own, the same
# for all digits: x grows by so much of y, and by such a factor, whose logarithm is normal.
SLANT_SPREAD, WIDTH_SPREAD = 0.12, 0.12
# Each point is moved by about this share of the height, together with its neighbours: one number
# for each of so many points, which are on average a third of a stroke apart.
SHAKE_SPREAD, SHAKEN_POINTS = 0.015, 4


def bundled_hand(
    character: str, height: float, pen: float, rng: np.random.Generator
) -> tuple[FloatImage, int]:
    """Write with the bundled test digits (UCI), in their own strokes, and with drawn marks."""
    if not character.isdecimal():
        return drawn_hand(character, height, pen, rng)
    images, labels = _bundled()
    return enlarge(_one_of(images, labels, character, rng), height, None), 0


def drawn_hand(
    character: str, height: float, pen: float, rng: np.random.Generator
) -> tuple[FloatImage, int]:
    """Write with the strokes that the project draws, in any form of the character."""
    return _drawn(character, height, pen, rng, None)


def drawn_writer(rng: np.random.Generator, rarer: bool = False) -> Hand:
    """Make a writer who draws, and perhaps mostly draws a character in the same form again.

    With `rarer`, the forms of `forms.RARER` are among those to choose from.
    """
    habit = rng.choice([0.0, HABIT])
    forms: dict[str, str] = {}

    def hand(
        character: str, height: float, pen: float, rng: np.random.Generator
    ) -> tuple[FloatImage, int]:
        if character not in forms or rng.random() >= habit:
            forms[character] = strokes.choose_variant(character, rng, rarer)
        return _drawn(character, height, pen, rng, forms[character])

    return hand


def mixed_hand(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    rng: np.random.Generator,
    rarer: bool = False,
) -> Hand:
    """Make a writer who draws some of the digits and takes the others from images.

    Parameters
    ----------
    images : uint8 array, shape (n, 28, 28)
        Digits, 255 is ink.
    labels : int64 array, shape (n,)
        Each digit, 0 to 9, is among them.
    rng : numpy Generator
        Chooses the writer.
    rarer : bool
        Whether some are drawn in the forms of `forms.RARER`.
    """
    drawn_share = rng.choice(list(DRAWN_SHARES), p=list(DRAWN_SHARES.values()))
    stretch = float(np.exp(rng.normal(0, STRETCH_SPREAD)))
    own_pen = rng.random() < OWN_PEN_SHARE
    draw = drawn_writer(rng, rarer)

    def hand(
        character: str, height: float, pen: float, rng: np.random.Generator
    ) -> tuple[FloatImage, int]:
        if not character.isdecimal():
            return draw(character, height, pen, rng)
        if rng.random() < drawn_share:
            glyph, below = draw(character, height, pen, rng)
        else:
            image = _one_of(images, labels, character, rng)
            glyph, below = enlarge(image, height, None if own_pen else pen), 0
        width = max(2, round(glyph.shape[1] * stretch))
        wide = cv2.resize(glyph, (width, glyph.shape[0]), interpolation=cv2.INTER_LINEAR)
        return np.asarray(wide, np.float32).reshape(glyph.shape[0], width), below

    return hand


def pen_hand(pens: list[handwriting.PenDigit], rng: np.random.Generator) -> Hand:
    """Make a writer who writes as one of those whose pens were recorded, a little differently.

    Parameters
    ----------
    pens : list of PenDigit
        As `handwriting.pen_digits` loads them. Where the writer left out a digit, another's is
        taken; each digit, 0 to 9, must be among them.
    rng : numpy Generator
        Chooses the writer.

    Raises
    ------
    ValueError
        When a digit is missing.
    """
    missing = sorted({*range(10)} - {pen.label for pen in pens})
    if missing:
        raise ValueError(
            f"no pen wrote {missing}: give digits as handwriting.pen_digits loads them"
        )
    writer = rng.choice(sorted({pen.writer for pen in pens}))
    own = [pen for pen in pens if pen.writer == writer]
    slant = SLANT_SPREAD * rng.standard_normal()
    width = float(np.exp(WIDTH_SPREAD * rng.standard_normal()))
    habit = np.array([[width, 0.0], [slant, 1.0]])
    draw = drawn_writer(rng, rarer=True)

    def hand(
        character: str, height: float, pen: float, rng: np.random.Generator
    ) -> tuple[FloatImage, int]:
        if not character.isdecimal():
            return draw(character, height, pen, rng)
        of_it = [p for p in own if p.label == int(character)]
        of_it = of_it or [p for p in pens if p.label == int(character)]
        chosen = of_it[rng.integers(len(of_it))]
        ink, below = strokes.draw([_shaken(s, rng) @ habit for s in chosen.strokes], height, pen)
        return np.asarray(ink, dtype=np.float32), below

    return hand


def anyone(
    split: digits.Split, rng: np.random.Generator, writers: Mapping[str, float] = WRITERS
) -> Hand:
    """Make a writer of any kind: with MNIST's digits, other people's, or drawn ones.

    Where other people's digits can't be had, MNIST's take their place, and where MNIST can't,
    the bundled ones; `handwriting.source` and `digits.source` tell a record which were there.

    Parameters
    ----------
    split : "train" or "test"
        All digits are from this split: of MNIST, and of `handwriting`.
    rng : numpy Generator
        Chooses the writer.
    writers : mapping
        The kinds of writers with their shares, which add up to 1.
    """
    digits.check_split(split)
    kind = str(rng.choice(list(writers), p=list(writers.values())))
    if kind == "drawn":
        return drawn_writer(rng, rarer=True)
    if kind == "pens" and (pens := handwriting.pen_digits(split)):
        return pen_hand(pens, rng)
    images, labels = handwriting.bitmap_digits(split) if kind == "bitmaps" else _mnist(split)
    if not len(images):
        images, labels = _mnist(split)
    return mixed_hand(images, labels, rng, rarer=True)


def left_out_hand(rng: np.random.Generator) -> Hand:
    """Make a writer whom no network was trained on: half of them pens, half of them bitmaps.

    They wrote the test splits of `handwriting.pen_digits` and `handwriting.bitmap_digits`. The
    bitmaps don't tell who wrote which, so the digits of such a field are by several people.

    Raises
    ------
    FileNotFoundError
        When the files can't be had.
    """
    pens = handwriting.pen_digits("test")
    images, labels = handwriting.bitmap_digits("test")
    if not pens or not len(images):
        raise FileNotFoundError(f"no writers are left out: {handwriting.why_missing()}")
    if rng.random() < 0.5:
        return pen_hand(pens, rng)
    draw = drawn_writer(rng)

    def hand(
        character: str, height: float, pen: float, rng: np.random.Generator
    ) -> tuple[FloatImage, int]:
        if not character.isdecimal():
            return draw(character, height, pen, rng)
        return enlarge(_one_of(images, labels, character, rng), height, pen), 0

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
        In [0, 1], without empty rows and columns at its edges.
    """
    side = max(SMALLEST_SIDE, round(FRAME_SIDE * height / DIGIT_SIDE))
    large = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    inside = (large > 0.5).astype(np.uint8)
    if pen is None or not inside.any():
        sharp = np.clip(2 * large - 0.5, 0, 1)
    else:
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
        outside = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
        width = 4 * float(depth[inside > 0].mean()) - 1  # twice the mean depth is half a stroke's
        grow = np.clip((pen - width) / 2, -THINNED * width, WIDENED)
        sharp = np.clip(depth - outside + (large - 0.5) + grow + 0.5, 0, 1)
    rows, columns = np.flatnonzero(sharp.max(axis=1)), np.flatnonzero(sharp.max(axis=0))
    tight = sharp[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(tight, dtype=np.float32)


def _shaken(stroke: strokes.Stroke, rng: np.random.Generator) -> strokes.Stroke:
    """Move each point of a stroke by chance, its neighbours by nearly as much."""
    moves = rng.normal(0, SHAKE_SPREAD, (SHAKEN_POINTS, 2))
    times = np.linspace(0, SHAKEN_POINTS - 1, len(stroke))
    of_moves = np.arange(SHAKEN_POINTS)
    x, y = (np.interp(times, of_moves, moves[:, axis]) for axis in (0, 1))
    return stroke + np.column_stack([x, y])


def _drawn(
    character: str, height: float, pen: float, rng: np.random.Generator, form: str | None
) -> tuple[FloatImage, int]:
    """Draw a character in one of its forms, or in any."""
    ink, below = strokes.draw(strokes.write_character(character, rng, form), height, pen)
    return np.asarray(ink, dtype=np.float32), below


def _one_of(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    digit: str,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    """Choose an image of a digit by chance."""
    chosen: npt.NDArray[np.uint8] = images[rng.choice(np.flatnonzero(labels == int(digit)))]
    return chosen


@cache
def _mnist(split: digits.Split) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Load MNIST's digits, or the bundled ones, once."""
    return digits.load(split)


@cache
def _bundled() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Load the bundled test digits once."""
    return digits.load_bundled("test")
