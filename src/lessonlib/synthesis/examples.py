"""Labelled candidates to train a reader on: rendered fields, taken through the reader's own steps.

The network is shown what it will meet when it reads: digits as the threshold leaves them, their
fragments, joined digits, commas, what is left of lines. The renderer labels all of it, since it
knows which character's ink each pixel is.
"""

from dataclasses import fields

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.binarize import binarize
from lessonlib.checks.candidates import JUNK, MARK, Strip, cut_up, runs, sheared_start
from lessonlib.checks.image import Gray, resample
from lessonlib.checks.pictures import pictures
from lessonlib.synthesis.hands import mixed_hand
from lessonlib.synthesis.render import NOBODY, Difficulty, Owner, render_with_owner
from lessonlib.synthesis.samples import sample_amounts

Examples = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]

WHOLE = 0.85  # a candidate is a digit when it has this share of the digit's ink ...
PURE = 0.85  # ... and this share of its own ink is the digit's
PARTLY = 0.7  # below this share of either it is junk; between the two it is used for zeros only,
OTHERS = 0.4  # and only when it holds less than this share of any other digit's ink
JUNK_SHARE = 0.4


def examples(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], count: int, seed: int
) -> Examples:
    """Render fields and collect the labelled candidates of all of them.

    Parameters
    ----------
    images : uint8 array, shape (n, 28, 28)
        Handwritten digits to render with, beside the drawn ones.
    labels : int64 array, shape (n,)
    count : int
        Fields.
    seed : int

    Returns
    -------
    pictures : uint8 array, shape (m, 2, 28, 28)
    classes : uint8 array, shape (m,)
        0 to 9, `MARK` or `JUNK`.
    """
    rng = np.random.default_rng(seed)
    found = []
    for amount in sample_amounts(rng, count):
        image, owner = random_field(amount, rng, images, labels)
        found.append(labelled_candidates(image, owner, amount))
    shown, classes = zip(*found, strict=True)
    return np.concatenate(shown), np.concatenate(classes)


def random_field(
    amount: str,
    rng: np.random.Generator,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
) -> tuple[Gray, Owner]:
    """Render an amount with a writer, a paper and a difficulty drawn for it alone.

    Parameters
    ----------
    amount : str
    rng : numpy Generator
    images, labels
        As for `examples`.

    Returns
    -------
    image : uint8 array, shape (H, W)
    owner : int16 array, shape (H, W)
        As `render_with_owner` gives it.
    """
    difficulty = Difficulty(*np.clip(rng.normal(0.55, 0.3, len(fields(Difficulty))), 0, 1))
    image, owner = render_with_owner(amount, rng, difficulty, mixed_hand(images, labels, rng))
    scale = rng.uniform(0.6, 1.2)  # scans are coarser or finer
    size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[0] * scale)))
    image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    owner = np.asarray(cv2.resize(owner, size, interpolation=cv2.INTER_NEAREST), dtype=np.int16)
    return image, owner


def labelled_candidates(image: Gray, owner: Owner, amount: str) -> Examples:
    """Take a rendered field through the reader's steps, and label its candidates.

    Parameters
    ----------
    image : uint8 array, shape (H, W)
    owner : int16 array, shape (H, W)
    amount : str

    Returns
    -------
    pictures : uint8 array, shape (m, 2, 28, 28)
    classes : uint8 array, shape (m,)
    """
    field = resample(image)
    strip = cut_up(binarize(field))
    found = runs(strip)
    size = (field.shape[1], field.shape[0])
    large = np.asarray(cv2.resize(owner, size, interpolation=cv2.INTER_NEAREST), dtype=np.int16)
    classes = classes_of(strip, found, straightened(spread(large), strip), amount)
    # Most candidates are junk, and a share of it is enough: the same share each time.
    order = np.cumsum(classes == JUNK)
    used = (classes >= 0) & ((classes != JUNK) | (order * JUNK_SHARE % 1 < JUNK_SHARE))
    return pictures(strip, found[used]), classes[used].astype(np.uint8)


def spread(owner: Owner) -> Owner:
    """Let each character's ink own the pixels next to it: a threshold may widen strokes."""
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


def classes_of(
    strip: Strip, found: npt.NDArray[np.int64], owner: Owner, amount: str
) -> npt.NDArray[np.int16]:
    """Give each candidate its class.

    Parameters
    ----------
    strip : Strip
    found : int array, shape (n, 2)
    owner : int16 array, of the shape of the strip's labels
    amount : str

    Returns
    -------
    int16 array, shape (n,)
        0 to 9, `MARK`, `JUNK`, or -1 where it isn't clear. A zero that is joined to its
        neighbour need not be whole.
    """
    # shares[p, c]: pixels of primitive p that character c owns; the last column is nobody's.
    characters = len(amount)
    shares = np.zeros((len(strip.boxes), characters + 1))
    inked = strip.labels >= 0
    np.add.at(shares, (strip.labels[inked], owner[inked]), 1)  # NOBODY, -1, is the last
    whole = np.maximum(shares.sum(axis=0), 1)
    is_digit = np.array([c.isdecimal() for c in amount] + [False])
    classes = np.full(len(found), -1, dtype=np.int16)
    clear, unclear = set(), []
    for number, (start, stop) in enumerate(found.tolist()):
        own = shares[start:stop].sum(axis=0)
        total = own.sum()
        best = int((own * is_digit).argmax())
        pure, part = own[best] / total, own[best] / whole[best]
        others = np.delete(own * is_digit / whole, best).max(initial=0)
        stranger = (2 * shares[start:stop, best] < shares[start:stop].sum(axis=1)).any()
        if own[is_digit].sum() < (1 - PURE) * total:
            classes[number] = MARK
        elif stranger or pure < PARTLY or part < PARTLY:
            classes[number] = JUNK
        elif pure >= PURE and part >= WHOLE:
            classes[number] = int(amount[best])
            clear.add(best)
        elif amount[best] == "0" and others < OTHERS:
            unclear.append((number, best))
    # Joined zeros may have no clean candidate. Then all that come near one are zeros.
    for number, character in unclear:
        if character not in clear:
            classes[number] = 0
    return classes
