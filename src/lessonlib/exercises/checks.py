"""Checks on reading a check: a threshold, a centre of mass, the pieces of the ink."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call, new_rng
from lessonlib.exercises.answers import Mistake, Named, close, number, usual_mistake

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Inked = npt.NDArray[np.bool_]


# ---------------------------------------------------------------- a local threshold

KAPPA, R = 0.3, 128  # Sauvola's constants, as (N.2) and the exercise give them


def check_local_threshold(answer: Any) -> str | None:
    """Compare with (N.2), Sauvola's threshold, for the middle of one window."""
    cases = [(window,) for window in _windows(new_rng(61))]
    results = [number(call(answer, *case), "The threshold of a window") for case in cases]
    for got, (window,) in zip(results, cases, strict=True):
        # Where sigma is near 0, rounding in float32 moves it by some hundredths.
        if not np.isclose(got, _sauvola(window.mean(), window.std()), rtol=1e-4, atol=1e-3):
            return usual_mistake(results, cases, THRESHOLD_MISTAKES) or (
                f"For a window of mean {window.mean():.1f} and standard deviation "
                f"{window.std():.1f}, {got:.2f} is not the threshold."
            )
    return None


def _windows(rng: np.random.Generator) -> Iterator[Bytes]:
    """Draw windows: bright, with strokes, dark, half black, and of one gray level."""
    for shape in ((5, 5), (7, 7), (3, 9), (8, 5)):
        yield rng.integers(140, 250, size=shape, dtype=np.uint8)  # squares overflow
    paper, ink = rng.integers(180, 256, size=(2, 9, 7)) // np.array([[[1]], [[6]]])
    yield np.where(rng.random((9, 7)) < 0.3, ink, paper).astype(np.uint8)
    yield rng.integers(0, 12, size=(6, 7), dtype=np.uint8)  # no square overflows
    yield np.resize(np.array([0, 255], dtype=np.uint8), (6, 6))
    for level in (255, 200, 0):
        yield np.full((5, 7), level, dtype=np.uint8)
    yield np.array([[77]], dtype=np.uint8)


def _sauvola(mu: Any, sigma: Any, r: float = R, kappa: float = KAPPA) -> float:
    return float(mu * (1 + kappa * (sigma / r - 1)))


def _spread_of_bytes(window: Bytes, mu: float, least: float = -np.inf) -> float:
    """Compute the standard deviation from squares that wrap around; the variance is at `least`."""
    return float(np.sqrt(np.maximum((window**2).mean() - mu**2, least)))


def _mean_of_bytes(window: Bytes) -> float:
    """Compute the mean as a loop does: in NumPy 2 a sum of bytes stays a byte."""
    return int(window.sum()) % 256 / window.size


SQUARED = "In uint8 the square of 200 wraps around: make the window float before you square it."
ADDED = (
    "uint8 values that Python adds one by one stay uint8, and their sum wraps around at 256: make "
    "the {} float first."
)
SIGN = "A sign is wrong: on bare paper, σ is 0 and the threshold must lie below the mean."
GRAY_LEVELS = "Keep the gray levels from 0 to 255: yours go from 0 to 1."
THRESHOLD_MISTAKES: list[Named] = [
    (lambda w: _sauvola(w.mean(), _spread_of_bytes(w, w.mean())), SQUARED),
    (lambda w: _sauvola(w.mean(), _spread_of_bytes(w, w.mean(), 0)), SQUARED),
    *(
        (lambda w, spread=spread: _sauvola(_mean_of_bytes(w), spread(w)), ADDED.format("window"))
        for spread in (
            np.std,
            lambda w: np.sqrt(np.mean((w - _mean_of_bytes(w)) ** 2)),
            lambda w: _spread_of_bytes(w, _mean_of_bytes(w)),
            lambda w: _spread_of_bytes(w, _mean_of_bytes(w), 0),
        )
    ),
    (lambda w: _sauvola(w.mean(), w.var()), "σ is the standard deviation; you took its square."),
    (
        lambda w: _sauvola(w.mean(), w.std() * np.sqrt(w.size / np.float64(w.size - 1))),
        "For σ divide by the number of pixels, not by one less.",
    ),
    (
        lambda w: _sauvola(w.mean(), np.abs(w - w.mean()).mean()),
        "σ is the root of a mean of squares; you took the mean of the distances themselves.",
    ),
    (
        lambda w: _sauvola(np.median(w), w.std()),
        "μ is the mean of the window; you took the median.",
    ),
    (
        lambda w: _sauvola(w[len(w) // 2, w.shape[1] // 2], w.std()),
        "μ is the mean of the whole window, not the pixel in its middle.",
    ),
    (lambda w: _sauvola(w.mean(), w.std(), kappa=-KAPPA), SIGN),
    (lambda w: w.mean() * (1 + KAPPA * (w.std() / R + 1)), SIGN),
    (
        lambda w: w.mean() * (1 + KAPPA * w.std() / R),
        "The - 1 is missing: on bare paper your threshold is the mean itself.",
    ),
    (
        lambda w: w.mean() * KAPPA * w.std() / R,
        "The - 1 belongs inside the brackets that κ multiplies.",
    ),
    (lambda w: _sauvola(1, w.std()), "That is the factor in brackets: multiply it by the mean."),
    (lambda w: _sauvola(w.mean(), w.std()) / 255, GRAY_LEVELS),
    (lambda w: _sauvola(w.mean() / 255, w.std() / 255), GRAY_LEVELS),
    *(
        (
            lambda w, r=r: _sauvola(w.mean(), w.std(), r=r),
            "You divide σ by another number than equation N.2 does.",
        )
        for r in (127, 127.5, 255, 256)
    ),
    *(
        (
            lambda w, kappa=kappa: _sauvola(w.mean(), w.std(), kappa=kappa),
            "Your κ is not the 0.3 of the text.",
        )
        for kappa in (0.2, 0.34, 0.5)
    ),
]


# ---------------------------------------------------------------- a centre of mass


def check_centre_of_mass(answer: Any) -> str | None:
    """Compare with (N.4), and without ink with the middle of the image."""
    rng = new_rng(62)
    small = list(_inked_images(rng, ((12, 20), (28, 28), (14, 9), (1, 8), (7, 1))))
    simple = list(_simple_images(rng))
    # With more rows, or columns, than a byte can count.
    large = list(_inked_images(rng, ((300, 7), (6, 270))))
    return (
        _centre_problem(answer, [*small, *simple])
        or _centre_problem(answer, large)
        or _empty_centre_problem(answer)
    )


def _inked_images(rng: np.random.Generator, shapes: Iterable[tuple[int, int]]) -> Iterator[Bytes]:
    """Draw images with some ink, and with ink everywhere."""
    for height, width in shapes:
        image = np.zeros((height, width), dtype=np.uint8)
        top, left = rng.integers(0, (height + 1) // 2), rng.integers(0, (width + 1) // 2)
        part = image[top : top + 6, left : left + 5]
        part[...] = rng.integers(1, 256, size=part.shape)
        if part.shape == (6, 5):
            part[:2, :3] = 0  # a shape unlike its box
        yield image
        yield rng.integers(0, 256, size=(height, width), dtype=np.uint8)


def _simple_images(rng: np.random.Generator) -> Iterator[Bytes]:
    """Draw faint ink, the least ink in a corner, and one pixel of full ink."""
    yield rng.integers(0, 4, size=(10, 6), dtype=np.uint8)
    corner = np.zeros((9, 12), dtype=np.uint8)
    corner[-1, -1] = 1
    yield corner
    yield np.full((1, 1), 255, dtype=np.uint8)


def _pair(got: Any, what: str) -> Floats:
    """Return a learner's pair as two floats; say what was expected where it isn't one."""
    if isinstance(got, str | dict | set):
        raise Mistake(f"{what} is a pair (row, column), and yours is of type {type(got).__name__}.")
    if np.shape(got) != (2,):
        raise Mistake(f"{what} is a pair (row, column), and yours has shape {np.shape(got)}.")
    return np.asarray(got, dtype=np.float64)


def _centre_problem(answer: Any, images: list[Bytes]) -> str | None:
    cases = [(image,) for image in images]
    results = [_pair(call(answer, *case), "The answer") for case in cases]
    for got, image in zip(results, images, strict=True):
        if not np.allclose(got, _centre(image), rtol=1e-5, atol=1e-4):
            return usual_mistake(results, cases, CENTRE_MISTAKES) or (
                f"({got[0]:.2f}, {got[1]:.2f}) is not the mean of the positions, weighted with "
                f"ink, for an image of shape {image.shape}."
            )
    return None


def _moments(weights: npt.NDArray[Any]) -> Floats:
    """Add up the rows and the columns, weighted."""
    height, width = weights.shape
    levels = weights.astype(np.float64)
    return np.array([levels.sum(axis=1) @ range(height), levels.sum(axis=0) @ range(width)])


def _centre(weights: npt.NDArray[Any]) -> Floats:
    return np.asarray(_moments(weights) / weights.sum(dtype=np.float64))


def _middle(image: npt.NDArray[Any]) -> Floats:
    return (np.array(image.shape) - 1) / 2


UNROUNDED = "The centre lies between pixels: don't round it."
CENTRE_MISTAKES: list[Named] = [
    (lambda i: _centre(i)[::-1], "These are column and row: the row comes first."),
    (_moments, "Divide by the sum of all pixels, else twice the ink lies twice as far."),
    (lambda i: _centre(i) + 1, "Rows and columns are counted from 0."),
    (lambda i: (len(i) - 1 - _centre(i)[0], _centre(i)[1]), "Rows are counted from the top."),
    (
        lambda i: _centre(i > 0),
        "You counted every pixel that has ink alike: weight each with its value.",
    ),
    (
        lambda i: (np.min(np.nonzero(i), axis=1) + np.max(np.nonzero(i), axis=1)) / 2,
        "That is the middle of the box around the ink, not the centre of its mass.",
    ),
    (
        lambda i: _moments(i) / i.size,
        "You divided by the number of pixels: divide by the sum of their values.",
    ),
    (lambda i: _centre(255 - i), "You weighted with paper: here 0 is paper and 255 is ink."),
    (_middle, "That is the middle of the image, wherever the ink is."),
    (lambda i: np.rint(_centre(i)), UNROUNDED),
    (lambda i: np.floor(_centre(i)), UNROUNDED),
    (
        lambda i: np.mod(_moments(i), 256) / np.float64(i.sum() % 256),
        ADDED.format("image"),
    ),
    (lambda i: np.mod(_moments(i), 256) / i.sum(), ADDED.format("image")),
]


def _empty_centre_problem(answer: Any) -> str | None:
    """Try images without ink."""
    for height, width in ((12, 20), (28, 28), (9, 14), (1, 6), (5, 1), (1, 1)):
        image = np.zeros((height, width), dtype=np.uint8)
        with np.errstate(all="ignore"):  # 0 / 0 is the mistake looked for
            got = _pair(call(answer, image), "Without ink too, the answer")
        middle = _middle(image)
        if close(got, middle):
            continue
        if np.isnan(got).any():
            return (
                "Without ink you divide 0 by 0, which is NaN: return the middle of the image then."
            )
        if close(got, middle[::-1]):
            return "Without ink, too, the row comes first."
        if close(got, middle + 0.5):
            return "Without ink, the middle lies between the first row, which is 0, and the last."
        return (
            f"Without ink, return the middle of the image: ({got[0]:g}, {got[1]:g}) is not that "
            f"of {height} rows and {width} columns."
        )
    return None


# ---------------------------------------------------------------- the pieces of the ink


def check_count_pieces(answer: Any) -> str | None:
    """Count the pieces of shapes drawn by hand, of random ink, and of a long stroke."""
    rng = new_rng(63)
    drawn = [_ink(rows) for rows in SHAPES]
    shapes = ((6, 9), (9, 6), (1, 12), (12, 1), (24, 31), (33, 20))
    random = [rng.random(shape) < share for shape in shapes for share in (0.15, 0.3, 0.5)]
    return (
        _pieces_problem(answer, [*drawn, *random])
        or _pieces_problem(answer, [np.zeros((7, 5), dtype=bool), np.zeros((1, 1), dtype=bool)])
        or _long_stroke_problem(answer)
    )


# Rows of ink (#) and paper, parted by spaces.
SHAPES = (
    "##..# ##..# ....# #....",  # two pieces and a corner
    "#..#. .##.. .....",  # joined at corners
    "..#.. .#... #....",  # one diagonal
    "#.... .#... ..#..",  # the other
    ".....",
    "#...# #...# #####",  # the arms of a U meet below
    "#...# .#.#. ..#..",
    "##### #...# #...# #####",  # a ring
    "##### #...# #.#.# #...# #####",  # a dot in a ring
    "##### #...#",
    ".#... ..... .#...",  # edges that lie opposite
    "..... #...# .....",
    "#.... ..... ....#",  # corners that lie opposite
    "....# ..... #....",
    "##### #####",
    "#",
    ".##.. ..... .##..",  # one above the other
    "#.#.# .#.#. #.#.#",
)


def _ink(rows: str) -> Inked:
    return np.array([[pixel == "#" for pixel in row] for row in rows.split()])


def _rows(ink: Inked) -> str:
    """Write ink as in `SHAPES`, for a message."""
    return " / ".join("".join(".#"[pixel] for pixel in row) for row in ink.astype(int))


def _pieces_problem(answer: Any, inks: list[Inked]) -> str | None:
    cases = [(ink,) for ink in inks]
    results = [_counted(answer, *case) for case in cases]
    for got, ink in zip(results, inks, strict=True):
        if got != _pieces(ink):
            if not ink.any():
                return f"Without ink there are 0 pieces, and you count {got:g}."
            which = f" in the rows {_rows(ink)}" if ink.size <= 54 else f" in shape {ink.shape}"
            return usual_mistake(results, cases, PIECES_MISTAKES) or (
                f"You count {got:g} pieces{which}: that is not their number."
            )
    return None


def _counted(answer: Any, ink: Inked) -> float:
    try:
        return number(call(answer, ink), "The number of pieces")
    except Mistake as mistake:
        if "IndexError: index -" in str(mistake):
            raise Mistake(f"A negative index runs out of the image. {WRAPPED}") from None
        if ink.sum() > 1000 and "RecursionError" in str(mistake):
            raise Mistake(
                f"Your answer raised RecursionError for one stroke of {ink.sum()} pixels: a "
                "function that calls itself from pixel to pixel goes too deep. Keep the pixels "
                "that wait in a list."
            ) from None
        raise


def _long_stroke_problem(answer: Any) -> str | None:
    """Try a stroke that winds through a large image from row to row, or from column to column."""
    stroke = np.zeros((68, 120), dtype=bool)
    stroke[::2, :-1] = True
    stroke[1::4, -2] = stroke[3::4, 0] = True
    stroke[-1] = False
    for ink in (stroke, stroke.T[::-1].copy()):
        got = _counted(answer, ink)
        if got != 1:
            return (
                f"One stroke of {stroke.sum()} pixels winds through the image, and you count "
                f"{got:g} pieces: do you follow it to its end?"
            )
    return None


Step = tuple[int, int]
SIDES: list[Step] = [(-1, 0), (0, -1), (0, 1), (1, 0)]
EIGHT: list[Step] = [*SIDES, (-1, -1), (-1, 1), (1, -1), (1, 1)]


def _pieces(
    ink: Inked,
    steps: Sequence[Step] = EIGHT,
    inside: Callable[[int, int], int | None] = lambda i, n: i if 0 <= i < n else None,
) -> int:
    """Count the pieces row by row, each filled by these steps; the changes are mistakes.

    `inside` says at which index of n an index is found, None for one beyond the edge.
    """
    left = ink.copy()
    count = 0
    for start in np.argwhere(ink).tolist():
        if not left[tuple(start)]:
            continue
        count += 1
        waiting = [start]
        while waiting:
            row, column = waiting.pop()
            for dy, dx in steps:
                y, x = inside(row + dy, ink.shape[0]), inside(column + dx, ink.shape[1])
                if y is not None and x is not None and left[y, x]:
                    left[y, x] = False
                    waiting.append([y, x])
            left[row, column] = False
    return count


def _holes(ink: Inked) -> int:
    return _pieces(~np.pad(ink, 1), SIDES) - 1  # all paper around it is one piece


def _runs(ink: Inked, axis: int) -> int:
    """Count the groups of neighbouring columns, or rows, that hold ink."""
    return int((np.diff(ink.any(axis=axis).astype(int), prepend=0) == 1).sum())


DIAGONAL = "You follow one diagonal, but pixels may also touch at the other two corners."
WRAPPED = (
    "Ink at one edge doesn't touch ink at the opposite edge. In NumPy the index -1 means the last "
    "row or column: check that a neighbour lies inside the image."
)
PIECES_MISTAKES: list[Named] = [
    (
        lambda ink: _pieces(ink, SIDES),
        "You count apart what touches at a corner: a pixel has eight neighbours.",
    ),
    (lambda ink: _pieces(ink, [*SIDES, (-1, -1), (1, 1)]), DIAGONAL),
    (lambda ink: _pieces(ink, [*SIDES, (-1, 1), (1, -1)]), DIAGONAL),
    (
        lambda ink: _pieces(ink, EIGHT[4:]),
        "You follow the diagonals alone: pixels side by side belong together too.",
    ),
    *(
        (
            lambda ink, steps=steps: _pieces(ink, steps),
            "Arms that meet further down, as in a U, are one piece: go up and to the left as well.",
        )
        for steps in (
            [(0, 1), (1, -1), (1, 0), (1, 1)],
            [(0, 1), (1, 0), (1, 1)],
            [(0, 1), (1, 0)],
            [(0, -1), (0, 1), (1, -1), (1, 0), (1, 1)],
        )
    ),
    *(
        (lambda ink, steps=steps, inside=inside: _pieces(ink, steps, inside), WRAPPED)
        for steps in (EIGHT, SIDES)
        for inside in (
            lambda i, n: i if -n <= i < n else None,
            lambda i, n: i % n if i < n else None,
            lambda i, n: i % n,
        )
    ),
    (
        lambda ink: _pieces(ink[1:-1, 1:-1]),
        "The first and the last row and column may hold ink too.",
    ),
    (
        lambda ink: int(ink.sum()),
        "That is the number of ink pixels: neighbours belong together. (range(-1, 1) ends at 0, so "
        "it leads neither down nor to the right.)",
    ),
    (lambda ink: _pieces(~ink), "You count the pieces of paper: True is ink."),
    (lambda ink: _pieces(~ink, SIDES), "You count the pieces of paper: True is ink."),
    (lambda ink: _pieces(ink) + 1, "One too many: the paper is no piece."),
    (lambda ink: _pieces(ink) - 1, "One too few: does the first piece count?"),
    (
        lambda ink: _pieces(ink) - ink.all(),
        "One too few where there is no paper, as in a full image.",
    ),
    (lambda ink: _pieces(ink) + _holes(ink), "A hole in a ring is no piece of its own."),
    (lambda ink: _pieces(ink) - _holes(ink), "A ring is one piece: don't take its hole off."),
    (lambda ink: _runs(ink, 0), "Pieces may share columns, one above the other."),
    (lambda ink: _runs(ink, 1), "Pieces may share rows, one beside the other."),
    (lambda ink: int(ink.any()), "There may be more than one piece: go on from the next pixel."),
]


# In the order of the exercises.
CHECKS: list[Check] = [check_local_threshold, check_centre_of_mass, check_count_pieces]
