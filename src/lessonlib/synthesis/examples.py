"""Labelled candidates to train a reader on: rendered fields, taken through the reader's own steps.

The network is shown what it will meet when it reads: digits as the threshold leaves them, their
fragments, joined digits, commas, what is left of lines. The renderer labels all of it, since it
knows which character's ink each pixel is.
"""

from collections.abc import Iterable
from dataclasses import fields

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.binarize import binarize
from lessonlib.checks.candidates import (
    JUNK,
    MARK,
    Candidates,
    Strip,
    cut_up,
    runs,
    sheared_start,
)
from lessonlib.checks.find import find_writing
from lessonlib.checks.image import Gray, resample
from lessonlib.checks.pictures import pictures
from lessonlib.synthesis.fields import LabelledField
from lessonlib.synthesis.hands import Hand, mixed_hand
from lessonlib.synthesis.render import NOBODY, Difficulty, Owner, render_with_owner

Examples = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
Classes = npt.NDArray[np.int16]

UNCLEAR = -1  # beside the classes: a candidate without a label
PART_OF_ZERO = -2  # a zero that isn't whole, until it is known whether another candidate is

# A candidate is a digit when it has nearly all of the digit's ink, and little else. It is junk when
# it has clearly less, or clearly more. Between the two it is unclear.
WHOLE = 0.85  # the share of the digit's ink that a candidate for it has at least ...
PURE = 0.85  # ... and the share of its own ink that is the digit's; for a mark, that is no digit's
BROKEN = 0.7  # below this share of either it is junk
JOINED = 0.4  # an unclear zero holds less than this share of any other digit's ink

# Four of five candidates are junk or marks (of print and lines around the writing, mostly), more
# than is needed beside the digits. Chance picks this share of both.
OTHERS_SHARE = 0.4

# What the fields to train on are like
DIFFICULTY, DIFFICULTY_SPREAD = 0.55, 0.3  # mean and standard deviation of each knob
SCALES = (0.6, 1.2)  # scans are coarser or finer than the renderer's
SMALLEST_SIDE = 8  # pixels


def examples(fields: Iterable[LabelledField], thinning: np.random.Generator) -> Examples:
    """Collect the labelled candidates of rendered fields, some junk and marks left out.

    Parameters
    ----------
    fields : iterable of LabelledField
        One at least.
    thinning : numpy Generator
        Chooses the junk and the marks that are left out.

    Returns
    -------
    pictures : uint8 array, shape (m, 2, 28, 28)
    classes : uint8 array, shape (m,)
        0 to 9, `MARK` or `JUNK`.

    Examples
    --------
    >>> image, owner = render_with_owner("$1,980.-", seed=31)
    >>> field = LabelledField(image, "$1,980.-", owner)
    >>> inputs, classes = examples([field, field], np.random.default_rng(0))
    >>> inputs.shape == (len(classes), 2, 28, 28)
    True
    """
    parts = [
        labelled_candidates(field.image, field.owner, field.text, thinning) for field in fields
    ]
    inputs, classes = zip(*parts, strict=True)
    return np.concatenate(inputs), np.concatenate(classes)


def random_field(
    amount: str,
    rng: np.random.Generator,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
) -> tuple[Gray, Owner]:
    """Render an amount with a writer, a paper, a difficulty and a size drawn for it alone.

    It returns what `render_with_owner` does; `images` and `labels` are those of `examples`.
    """
    difficulty = random_difficulty(rng)
    return field_by(mixed_hand(images, labels, rng), amount, rng, difficulty)


def random_difficulty(rng: np.random.Generator) -> Difficulty:
    """Draw each knob by itself, most of them near the usual difficulty."""
    knobs = rng.normal(DIFFICULTY, DIFFICULTY_SPREAD, len(fields(Difficulty)))
    return Difficulty(*np.clip(knobs, 0, 1))


def field_by(
    hand: Hand, amount: str, rng: np.random.Generator, difficulty: Difficulty
) -> tuple[Gray, Owner]:
    """Let a hand write an amount, and scan it coarser or finer than the renderer does.

    Returns
    -------
    image : uint8 array, shape (H, W)
        H is 77 or less.
    owner : int16 array, shape (H, W)
        As `render_with_owner` gives it.
    """
    image, owner = render_with_owner(amount, rng, difficulty, hand)
    scale = rng.uniform(*SCALES)
    width, height = (max(SMALLEST_SIDE, round(side * scale)) for side in image.shape[::-1])
    image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return image, resized(owner, width, height)


def labelled_candidates(
    image: Gray, owner: Owner, amount: str, thinning: np.random.Generator | None = None
) -> Examples:
    """Take a rendered field through the reader's steps, and label its candidates.

    Parameters
    ----------
    image : uint8 array, shape (H, W)
    owner : int16 array, shape (H, W)
        As `render_with_owner` gives it.
    amount : str
        What is written: the owners are positions in it.
    thinning : numpy Generator, optional
        Chooses the junk and the marks that are left out; all stay when not given.

    Returns
    -------
    pictures : uint8 array, shape (m, 2, 28, 28)
    classes : uint8 array, shape (m,)
        Candidates whose class isn't clear are left out.

    Examples
    --------
    >>> image, owner = render_with_owner("$1,980.-", seed=31)
    >>> inputs, classes = labelled_candidates(image, owner, "$1,980.-")
    >>> sorted(set(classes.tolist()))
    [0, 1, 8, 9, 10, 11]
    """
    found = find_writing(image)
    field = resample(found.gray)
    strip = cut_up(binarize(field))
    candidates = runs(strip)
    owner = moved(owner, found.matrix, found.gray.shape)
    owner = spread(resized(owner, field.shape[1], field.shape[0]))
    classes = classes_of(strip, candidates, straightened(owner, strip), amount)
    used = classes != UNCLEAR
    if thinning is not None:
        used &= (classes < MARK) | (thinning.random(len(classes)) < OTHERS_SHARE)
    return pictures(strip, candidates[used]), classes[used].astype(np.uint8)


def moved(owner: Owner, matrix: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Owner:
    """Cut the owners out as `find_writing` cut the image; beyond its border nobody owns ink."""
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(owner, matrix, shape[::-1], flags=flags, borderValue=float(NOBODY))
    return np.asarray(cut, dtype=np.int16)


def resized(owner: Owner, width: int, height: int) -> Owner:
    """Bring the owners to another size, each pixel with one of them."""
    size = (width, height)
    return np.asarray(cv2.resize(owner, size, interpolation=cv2.INTER_NEAREST), dtype=np.int16)


def spread(owner: Owner) -> Owner:
    """Let each character's ink own the two pixels around it: a threshold may widen strokes."""
    grown = owner.copy()
    for _ in range(2):
        wider = cv2.dilate(grown, np.ones((3, 3), np.uint8))
        grown = np.where(grown == NOBODY, wider, grown)
    return grown


def straightened(owner: Owner, strip: Strip) -> Owner:
    """Shear the owners as the strip was sheared."""
    height = len(owner)
    matrix = np.array([[1, strip.shear, sheared_start(strip.shear, height)], [0, 1, 0]])
    size = (strip.labels.shape[1], height)
    moved = cv2.warpAffine(owner, matrix, size, flags=cv2.INTER_NEAREST, borderValue=float(NOBODY))
    return np.asarray(moved, dtype=np.int16)


def classes_of(strip: Strip, candidates: Candidates, owner: Owner, amount: str) -> Classes:
    """Give each candidate its class: 0 to 9, `MARK`, `JUNK` or `UNCLEAR`.

    A zero that is joined to its neighbour need not be whole, where no candidate is the whole zero.
    `owner` has the shape of the strip's labels.
    """
    # A row for each primitive, a column for each character; the last column is NOBODY's, -1.
    pixels = np.zeros((len(strip.boxes), len(amount) + 1))
    inked = strip.labels >= 0
    np.add.at(pixels, (strip.labels[inked], owner[inked]), 1)
    totals = np.maximum(pixels.sum(axis=0), 1)
    digits = np.array([int(c) if c.isdecimal() else -1 for c in amount] + [-1])
    pairs = [label(pixels[start:stop], totals, digits) for start, stop in candidates.tolist()]
    whole = {position for kind, position in pairs if 0 <= kind <= 9}
    classes = [
        (UNCLEAR if position in whole else 0) if kind == PART_OF_ZERO else kind
        for kind, position in pairs
    ]
    return np.array(classes, dtype=np.int16)


def label(
    pixels: npt.NDArray[np.float64],
    totals: npt.NDArray[np.float64],
    digits: npt.NDArray[np.int64],
) -> tuple[int, int]:
    """Give one candidate its class, by whose ink it holds.

    Parameters
    ----------
    pixels : float array, shape (k, n + 1)
        For each of its k primitives, how many pixels each of the n characters owns, and nobody.
    totals : float array, shape (n + 1,)
        The same for the whole field, at least 1.
    digits : int array, shape (n + 1,)
        The characters' digits; -1 for marks and nobody.

    Returns
    -------
    kind : int
        0 to 9, `MARK`, `JUNK`, `UNCLEAR` or `PART_OF_ZERO`.
    position : int
        Of the digit that owns most of its ink.
    """
    own = pixels.sum(axis=0)
    by_digits = own * (digits >= 0)
    best = int(by_digits.argmax())
    if by_digits.sum() < (1 - PURE) * own.sum():
        return MARK, best
    pure, whole = own[best] / own.sum(), own[best] / totals[best]
    mostly_other = 2 * pixels[:, best] < pixels.sum(axis=1)
    if mostly_other.any() or min(pure, whole) < BROKEN:
        return JUNK, best
    if pure >= PURE and whole >= WHOLE:
        return int(digits[best]), best
    others = np.delete(by_digits / totals, best).max()
    return (PART_OF_ZERO if digits[best] == 0 and others < JOINED else UNCLEAR), best
