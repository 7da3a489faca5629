"""The answer checks of chapter 6: reading a check."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, Mistake, call

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
# A message, and what an answer with this mistake gives for the same arguments.
Wrong = tuple[str, Callable[..., npt.ArrayLike]]

K, R = 0.3, 128  # Sauvola's constants, as the exercise gives them
CLOSE = 1e-5  # relative: float32 is close enough
SLOW = 0.25  # seconds for one field: a table takes milliseconds, all paths of 30 primitives hours


def _number(got: Any, what: str) -> float:
    """Return a learner's number as a float; say what was expected where it isn't one."""
    if isinstance(got, str | bytes | bool | np.bool_):
        raise Mistake(f"{what} is a number, and yours is of type {type(got).__name__}.")
    if np.shape(got) != ():
        raise Mistake(f"{what} is a single number, and yours has shape {np.shape(got)}.")
    return float(got)


def _explanation(
    got: Sequence[Any], cases: Sequence[tuple[Any, ...]], mistakes: Iterable[Wrong]
) -> str | None:
    """Return the message of a mistake that gives every one of the results, if there is one."""
    with np.errstate(all="ignore"):
        for message, wrong in mistakes:
            pairs = zip(got, cases, strict=True)
            if all(np.allclose(g, wrong(*c), CLOSE, 1e-9, equal_nan=True) for g, c in pairs):
                return message
    return None


# 6.1


def check_local_threshold(answer: Any) -> str | None:
    """Exercise 6.1: Sauvola's threshold for the middle of one window."""
    windows = list(_windows(np.random.default_rng(61)))
    got = [_number(call(answer, window), "The threshold of a window") for window in windows]
    # Where sigma is near 0, rounding in float32 moves it by some hundredths.
    right = [
        bool(np.isclose(g, _sauvola(w.mean(), w.std()), 1e-4, 1e-3))
        for g, w in zip(got, windows, strict=True)
    ]
    if all(right):
        return None
    message = _explanation(got, [(window,) for window in windows], THRESHOLD_MISTAKES)
    if message is not None:
        return message
    value, window = got[right.index(False)], windows[right.index(False)]
    return (
        f"For a window of mean {window.mean():.1f} and standard deviation {window.std():.1f}, "
        f"{value:.2f} is not the threshold."
    )


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


def _sauvola(mu: Any, sigma: Any, r: float = R, k: float = K) -> float:
    return float(mu * (1 + k * (sigma / r - 1)))


def _spread_of_bytes(window: Bytes, mu: float, least: float = -np.inf) -> float:
    """Compute the standard deviation from squares that wrap around."""
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
THRESHOLD_MISTAKES: list[Wrong] = [
    (SQUARED, lambda w: _sauvola(w.mean(), _spread_of_bytes(w, w.mean()))),
    (SQUARED, lambda w: _sauvola(w.mean(), _spread_of_bytes(w, w.mean(), 0))),
    *(
        (ADDED.format("window"), lambda w, spread=spread: _sauvola(_mean_of_bytes(w), spread(w)))
        for spread in (
            np.std,
            lambda w: np.sqrt(np.mean((w - _mean_of_bytes(w)) ** 2)),
            lambda w: _spread_of_bytes(w, _mean_of_bytes(w)),
            lambda w: _spread_of_bytes(w, _mean_of_bytes(w), 0),
        )
    ),
    ("σ is the standard deviation; you took its square.", lambda w: _sauvola(w.mean(), w.var())),
    (
        "For σ divide by the number of pixels, not by one less.",
        lambda w: _sauvola(w.mean(), w.std() * np.sqrt(w.size / np.float64(w.size - 1))),
    ),
    (
        "σ is the root of a mean of squares; you took the mean of the distances themselves.",
        lambda w: _sauvola(w.mean(), np.abs(w - w.mean()).mean()),
    ),
    (
        "μ is the mean of the window; you took the median.",
        lambda w: _sauvola(np.median(w), w.std()),
    ),
    (
        "μ is the mean of the whole window, not the pixel in its middle.",
        lambda w: _sauvola(w[len(w) // 2, w.shape[1] // 2], w.std()),
    ),
    (SIGN, lambda w: _sauvola(w.mean(), w.std(), k=-K)),
    (SIGN, lambda w: w.mean() * (1 + K * (w.std() / R + 1))),
    (
        "The - 1 is missing: on bare paper your threshold is the mean itself.",
        lambda w: w.mean() * (1 + K * w.std() / R),
    ),
    (
        "The - 1 belongs inside the brackets that κ multiplies.",
        lambda w: w.mean() * K * w.std() / R,
    ),
    ("That is the factor in brackets: multiply it by the mean.", lambda w: _sauvola(1, w.std())),
    *(
        ("Keep the gray levels from 0 to 255: yours go from 0 to 1.", wrong)
        for wrong in (
            lambda w: _sauvola(w.mean(), w.std()) / 255,
            lambda w: _sauvola(w.mean() / 255, w.std() / 255),
        )
    ),
    *(
        (
            "You divide σ by another number than equation 6.2 does.",
            lambda w, r=r: _sauvola(w.mean(), w.std(), r=r),
        )
        for r in (127, 127.5, 255, 256)
    ),
    *(
        ("Your κ is not the 0.3 of the text.", lambda w, k=k: _sauvola(w.mean(), w.std(), k=k))
        for k in (0.2, 0.34, 0.5)
    ),
]


# 6.2


def check_centre_of_mass(answer: Any) -> str | None:
    """Exercise 6.2: the centre of mass of an image, also of an empty one."""
    rng = np.random.default_rng(62)
    small = list(_inked_images(rng, ((12, 20), (28, 28), (14, 9), (1, 8), (7, 1))))
    problem = _centre_problem(answer, [*small, *_simple_images(rng)])
    if problem is None:  # with more rows, or columns, than a byte can count
        problem = _centre_problem(answer, list(_inked_images(rng, ((300, 7), (6, 270)))))
    for shape in ((12, 20), (28, 28), (9, 14), (1, 6), (5, 1), (1, 1)):
        problem = problem or _empty_centre_problem(answer, *shape)
    return problem


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
    got = [_pair(call(answer, image), "The answer") for image in images]
    right = [np.allclose(g, _centre(i), CLOSE, 1e-4) for g, i in zip(got, images, strict=True)]
    if all(right):
        return None
    message = _explanation(got, [(image,) for image in images], CENTRE_MISTAKES)
    if message is not None:
        return message
    (row, column), image = got[right.index(False)], images[right.index(False)]
    return (
        f"({row:.2f}, {column:.2f}) is not the mean of the positions, weighted with ink, for an "
        f"image of shape {image.shape}."
    )


def _moments(weights: npt.NDArray[Any]) -> Floats:
    """Add up the rows and the columns, weighted."""
    height, width = weights.shape
    levels = weights.astype(np.float64)
    return np.array([levels.sum(axis=1) @ range(height), levels.sum(axis=0) @ range(width)])


def _centre(weights: npt.NDArray[Any]) -> Floats:
    return np.asarray(_moments(weights) / weights.sum(dtype=np.float64))


def _middle(image: npt.NDArray[Any]) -> Floats:
    return (np.array(image.shape) - 1) / 2


CENTRE_MISTAKES: list[Wrong] = [
    ("These are column and row: the row comes first.", lambda i: _centre(i)[::-1]),
    ("Divide by the sum of all pixels, else twice the ink lies twice as far.", _moments),
    ("Rows and columns are counted from 0.", lambda i: _centre(i) + 1),
    (
        "Rows are counted from the top.",
        lambda i: (len(i) - 1 - _centre(i)[0], _centre(i)[1]),
    ),
    (
        "You counted every pixel that has ink alike: weight each with its value.",
        lambda i: _centre(i > 0),
    ),
    (
        "That is the middle of the box around the ink, not the centre of its mass.",
        lambda i: (np.min(np.nonzero(i), axis=1) + np.max(np.nonzero(i), axis=1)) / 2,
    ),
    (
        "You divided by the number of pixels: divide by the sum of their values.",
        lambda i: _moments(i) / i.size,
    ),
    ("You weighted with paper: here 0 is paper and 255 is ink.", lambda i: _centre(255 - i)),
    ("That is the middle of the image, wherever the ink is.", _middle),
    *(
        ("The centre lies between pixels: don't round it.", lambda i, cut=cut: cut(_centre(i)))
        for cut in (np.rint, np.floor)
    ),
    *(
        (
            ADDED.format("image"),
            lambda i, total=total: np.mod(_moments(i), 256) / total(i),
        )
        for total in (lambda i: np.float64(i.sum() % 256), np.sum)
    ),
]


def _empty_centre_problem(answer: Any, height: int, width: int) -> str | None:
    image = np.zeros((height, width), dtype=np.uint8)
    with np.errstate(all="ignore"):  # 0 / 0 is the mistake looked for
        got = _pair(call(answer, image), "Without ink too, the answer")
    middle = _middle(image)
    if np.allclose(got, middle):
        return None
    if np.isnan(got).any():
        return "Without ink you divide 0 by 0, which is NaN: return the middle of the image then."
    if np.allclose(got, middle[::-1]):
        return "Without ink, too, the row comes first."
    if np.allclose(got, middle + 0.5):
        return "Without ink, the middle lies between the first row, which is 0, and the last."
    return (
        f"Without ink, return the middle of the image: ({got[0]:g}, {got[1]:g}) is not that "
        f"of {height} rows and {width} columns."
    )


# 6.3


def check_field_confidence(answer: Any) -> str | None:
    """Exercise 6.3: how sure a field is, from its digits' probabilities."""
    fields = list(_probabilities(np.random.default_rng(63)))
    got = [_number(call(answer, p), "The confidence of a field") for p in fields]
    right = [bool(np.isclose(g, _product(p), CLOSE, 0)) for g, p in zip(got, fields, strict=True)]
    if not all(right):
        message = _explanation(got, [(p,) for p in fields], CONFIDENCE_MISTAKES)
        value, p = got[right.index(False)], fields[right.index(False)]
        sure = p.max(axis=1)[:8].round(3).tolist()
        return message or f"For digits that are right with {sure}, {value:.4f} is not it."
    empty = _number(call(answer, np.zeros((0, 10))), "The confidence of a field without digits")
    if np.isclose(empty, 1):
        return "A field in which nothing was found got 1: the empty product. It must get 0."
    return None if empty == 0 else f"A field without digits must get 0, and yours gives {empty:g}."


def _probabilities(rng: np.random.Generator) -> Iterator[Floats]:
    """Draw fields of several lengths, with doubtful, certain and even digits."""
    for n in (4, 2, 7, 10, 1, 20):
        yield rng.dirichlet(np.full(10, 0.2), size=n)
    yield np.eye(10)[rng.integers(0, 10, size=3)]
    yield np.full((2, 10), 0.1)
    yield np.vstack([np.eye(10)[7], np.full(10, 0.1), rng.dirichlet(np.ones(10))])


def _product(p: Floats) -> float:
    return float(p.max(axis=1).prod())


CONFIDENCE_MISTAKES: list[Wrong] = [
    (
        "That is the mean. The whole text is right only if every digit is.",
        lambda p: p.max(axis=1).mean(),
    ),
    (
        "That is the weakest digit's. The others may be wrong too.",
        lambda p: p.max(axis=1).min(),
    ),
    ("That is the surest digit's. The others may be wrong.", lambda p: p.max()),
    (
        "That is the geometric mean: the product alone is the probability of the text.",
        lambda p: _product(p) ** (1 / len(p)),
    ),
    (
        "You took the maximum of each column; a digit's probabilities are a row.",
        lambda p: p.max(axis=0).prod(),
    ),
    (
        "Probabilities that must all hold are multiplied; you added them.",
        lambda p: p.max(axis=1).sum(),
    ),
    ("That is the probability that a digit is wrong.", lambda p: 1 - _product(p)),
    (
        "That is the probability that at least one digit is right.",
        lambda p: 1 - (1 - p.max(axis=1)).prod(),
    ),
    (
        "That is the logarithm of the probability: take exp of it.",
        lambda p: np.log(p.max(axis=1)).sum(),
    ),
    (
        "You multiplied all the numbers: of each row, only the largest counts.",
        lambda p: p.prod(),
    ),
    ("You took each digit's second choice.", lambda p: np.sort(p, axis=1)[:, -2].prod()),
    ("The first digit is missing from your product.", lambda p: _product(p[1:])),
    ("The last digit is missing from your product.", lambda p: _product(p[:-1])),
    ("Each digit has a largest probability of its own.", lambda p: p.max() ** len(p)),
]


# 6.4


def check_best_score(answer: Any) -> str | None:
    """Exercise 6.4: the best score of a path over all primitives."""
    rng = np.random.default_rng(695)
    easy = [_field(_all_runs(primitives, longest=3), rng) for primitives in (5, 3, 8)]
    hard = [_field(_some_runs(primitives, rng), rng) for primitives in (1, 2, 6, 9)]
    found = _all_runs(6, longest=3)
    alike = (found, np.full(len(found), -0.5), 6)
    return (
        _best_score_problem(answer, easy)
        or _odd_field_problem(answer)
        or _best_score_problem(answer, [*hard, alike])
        or _long_field_problem(answer, rng)
    )


def _field(found: Ints, rng: np.random.Generator) -> tuple[Ints, Floats, int]:
    """Draw a log probability for each candidate."""
    return found, -rng.uniform(0.1, 4, size=len(found)), int(found[-1, 1])


def _all_runs(primitives: int, longest: int) -> Ints:
    """List all runs of neighbouring primitives, as candidates: ordered by their ends."""
    ends = range(1, primitives + 1)
    runs = [
        (start, end) for end in ends for start in range(end - 1, -1, -1) if end - start <= longest
    ]
    return np.array(runs, dtype=np.int64)


def _some_runs(primitives: int, rng: np.random.Generator) -> Ints:
    """Leave some runs out, add the whole field, and mix those that share an end."""
    runs = _all_runs(primitives, longest=5)
    runs = runs[(rng.random(len(runs)) < 0.6) | (runs[:, 1] - runs[:, 0] == 2)]
    runs = np.vstack([runs, [(0, primitives)]])
    return runs[np.lexsort((rng.random(len(runs)), runs[:, 1]))]


def _odd_field_problem(answer: Any) -> str | None:
    """Try fields with places that no path reaches, and fields that no path covers."""
    # Nothing ends at 2, so the candidate that begins there is on no path.
    found = np.array([(0, 1), (1, 3), (2, 3), (3, 4)])
    psi = np.array([-0.5, -2.5, -0.1, -0.75])
    got = _best(answer, found, psi, 4)
    if not np.isclose(got, psi[[0, 1, 3]].sum(), rtol=CLOSE):
        return (
            "Where no candidate ends, no path ends, and what begins there is out of reach: with "
            f"the candidates {found.tolist()} your best score is {got:g}."
        )
    # Not covered: a primitive in the middle, the first one, the last one, the only one.
    for pairs, primitives in (
        ([(0, 1), (2, 3)], 3),
        ([(1, 2), (2, 3)], 3),
        ([(0, 1), (1, 2)], 3),
        ([], 1),
    ):
        found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        got = _best(answer, found, np.array([-0.5, -0.25])[: len(found)], primitives)
        if got != -np.inf:
            return (
                "No path covers a primitive that no candidate holds: with the candidates "
                f"{pairs} and primitives = {primitives}, {got:g} is not the score."
            )
    got = _best(answer, np.zeros((0, 2), dtype=np.int64), np.zeros(0), 0)
    if got != 0:
        return f"Without primitives the path without steps covers all: {got:g} is not its score."
    return None


def _best(answer: Any, found: Ints, psi: Floats, primitives: int) -> float:
    return _number(call(answer, found, psi, primitives), "The best score")


def _fill(
    found: Ints,
    psi: Floats,
    primitives: int,
    *,
    choose: Callable[[float, float], float] = max,
    nothing: float = -np.inf,
) -> list[float]:
    """Fill the table of equation 6.6, with the maximum or another choice."""
    table = [0.0] + [nothing] * primitives
    for (start, end), own in zip(found.tolist(), psi.tolist(), strict=True):
        table[end] = float(choose(table[end], table[start] + own))
    return table


def _greedy(found: Ints, psi: Floats, begin: int, stop: int) -> float:
    """Score the path that takes the most probable candidate at each step, from either end."""
    here, there = (0, 1) if begin < stop else (1, 0)
    score, place = 0.0, begin
    while place != stop:
        fitting = np.flatnonzero(found[:, here] == place)
        if not len(fitting):
            return -np.inf
        number = max(fitting, key=lambda j: psi[j])
        score, place = score + psi[number], int(found[number, there])
    return float(score)


def _best_at_ends(found: Ints, psi: Floats, primitives: int) -> list[float]:
    """Give the largest log probability of the candidates that end at each place."""
    return [max(psi[found[:, 1] == end], default=-np.inf) for end in range(1, primitives + 1)]


def _best_score_problem(answer: Any, fields: list[tuple[Ints, Floats, int]]) -> str | None:
    got = [_best(answer, *field) for field in fields]
    right = [
        bool(np.isclose(g, _fill(*field)[-1], CLOSE, 0))
        for g, field in zip(got, fields, strict=True)
    ]
    if all(right):
        return None
    message = _explanation(got, fields, SCORE_MISTAKES)
    if message is not None:
        return message
    value, (found, _, primitives) = got[right.index(False)], fields[right.index(False)]
    if value == -np.inf:
        return f"A path covers all {primitives} primitives, and -inf says that there is none."
    return (
        f"For {primitives} primitives and {len(found)} candidates, {value:.2f} is not the best "
        "path's score."
    )


GREEDY = "You take the most probable candidate at each step, but it may force a bad next one."
SCORE_MISTAKES: list[Wrong] = [
    (
        "0 is the score of no step at all. Is a place that no path has reached yet worth 0?",
        lambda found, psi, n: 0.0,
    ),
    ("That is the V of one primitive too few.", lambda *field: _fill(*field)[-2]),
    (
        "That is the logarithm of the sum over all paths, not the best one's score.",
        lambda *field: _fill(*field, choose=np.logaddexp)[-1],
    ),
    (
        "That is the probability of the best path, and its score is a logarithm.",
        lambda *field: np.exp(_fill(*field)[-1]),
    ),
    (
        "A sum of log probabilities is negative, and yours is not.",
        lambda *field: -_fill(*field)[-1],
    ),
    (
        "A candidate may hold several primitives: you took single ones alone.",
        lambda found, psi, n: psi[found[:, 1] - found[:, 0] == 1].sum(),
    ),
    (
        "Where several candidates end at one place, you keep the last, not the best.",
        lambda *field: _fill(*field, choose=lambda _, new: new)[-1],
    ),
    (
        "That is the worst path: of two negative numbers, which is the better score?",
        lambda *field: _fill(*field, choose=min, nothing=np.inf)[-1],
    ),
    (
        "You added up all candidates, and a path takes each primitive once.",
        lambda found, psi, n: psi.sum(),
    ),
    (
        "You added the best candidate of every end: they overlap, and are no path.",
        lambda *field: sum(_best_at_ends(*field)),
    ),
    (
        "That is the last candidate alone: what comes before it must be read, too.",
        lambda *field: _best_at_ends(*field)[-1],
    ),
    (
        "That is the best candidate's own ψ, and a path needs one for each step.",
        lambda found, psi, n: psi.max(),
    ),
    (GREEDY, lambda found, psi, n: _greedy(found, psi, 0, n)),
    (GREEDY, lambda found, psi, n: _greedy(found, psi, n, 0)),
]


def _long_field_problem(answer: Any, rng: np.random.Generator) -> str | None:
    """Try longer and longer fields, and stop at the first for which the answer takes long."""
    for primitives in range(10, 31):
        field = _field(_all_runs(primitives, longest=5), rng)
        start = time.thread_time()  # without the time that another program takes
        problem = _best_score_problem(answer, [field])
        seconds = time.thread_time() - start
        if problem is not None:
            return problem
        if seconds > SLOW:
            return (
                f"Right so far, but slow: {primitives} primitives took {seconds:.1f} seconds, "
                "and a field may have 30. With each primitive more, the number of paths nearly "
                "doubles, so don't follow every path: use a table, as the text says."
            )
    return None


# 6.5


def check_cents(answer: Any) -> str | None:
    """Exercise 6.5: the amount in cents, from digits, points and commas."""
    for text in _amounts(np.random.default_rng(65)):
        got = _number(call(answer, text), "An amount in cents")
        problem = _cents_problem(got, text)
        if problem is not None:
            return problem
    return None


def _amounts(rng: np.random.Generator) -> Iterator[str]:
    """Write amounts with and without marks, and some that are none; the digits are drawn."""
    patterns = (
        "d,ddd.dd d.ddd,dd d,ddd d.ddd dd.dd dd,dd dddd d.dd 0,dd d dd ddd ddddddd ddd.ddd "
        "dd.ddd.ddd d,ddd,ddd.dd d,ddd,dd d.ddd.dd dddd.dd ddddd,dd 0.29 1.15 0.00 0.01 10,000.00 "
        "3.000 dd.d d.d dddd,ddd dddd.ddd,dd d.dd.ddd d,d,d d.dddd dd..dd d,,ddd d.ddd..dd "
        "d,dddd.dd dd,dd,ddd d.ddd,d dd.dd.dd d,dd,dd d.dd,ddd d.dddd,dd"
    )
    for pattern in patterns.split():
        first = re.sub("^d", lambda _: str(rng.integers(1, 10)), pattern)
        yield re.sub("d", lambda _: str(rng.integers(0, 10)), first)
    for _ in range(60):
        pieces = rng.choice(["", "7", "42", "308", "5160"], size=rng.integers(1, 5), p=CHANCES)
        text = str(rng.integers(1, 1000)) + "".join(f"{rng.choice(list('.,'))}{p}" for p in pieces)
        yield text if text[-1].isdigit() else f"{text}{rng.integers(10, 100)}"


CHANCES = [0.05, 0.1, 0.25, 0.55, 0.05]  # of the groups behind a mark, in _amounts


def _groups(text: str) -> list[str]:
    return text.replace(",", ".").split(".")


def _cents(text: str) -> int:
    first, *rest = _groups(text)
    last = rest.pop() if rest and len(rest[-1]) == 2 else "00"
    if rest and (len(first) > 3 or any(len(group) != 3 for group in rest)):
        return -1
    return int(first + "".join(rest) + last)


def _cents_problem(got: float, text: str) -> str | None:
    right = _cents(text)
    if got == right:
        return None
    if right == -1:
        return _no_amount_problem(got, text)
    message = _cents_mistake(got, right, text)
    return f"For {text!r} yours is {got:.15g}. {message}"


def _no_amount_problem(got: float, text: str) -> str:
    first, *rest = _groups(text)
    if not np.isfinite(got):
        return f"For {text!r}, which is no amount, return -1 and not {got:g}."
    if "" in rest:
        why = "Two marks in a row have no digits between them."
    elif len(rest[-1]) == 1:
        why = "One digit behind the last mark is neither cents nor thousands."
    elif len(first) > 3:
        why = "How many digits may stand before the first mark that parts thousands?"
    else:
        why = "How many digits stand behind each mark?"
    return f"{text!r} is no amount: the answer is -1, and yours is {got:.15g}. {why}"


def _cents_mistake(got: float, right: int, text: str) -> str:
    """Say what may be wrong about an amount."""
    groups = _groups(text)
    last = groups[-1]
    whole = int("".join(groups))
    has_cents = len(groups) > 1 and len(last) == 2
    if abs(got - right) <= 1 and right > 1:
        return "A cent off. Did a float stand in between? There is no exact 0.29, and int cuts off."
    if got == -1 and len(groups) == 1:
        return "Without a mark, all digits are dollars, however many there are."
    if got == -1:
        return "But it is an amount: check its marks against each rule of the text."
    if has_cents and got == 100 * whole:
        return "Two digits behind the last mark are cents."
    if len(groups) > 1 and not has_cents and got in _with_decimals(groups):
        return "Three digits behind a mark are thousands, whichever mark it is."
    if right >= 100 and (np.isclose(100 * got, right) or got == right // 100):
        return "A dollar has 100 cents, and cents are asked for."
    if any(np.isclose(got, wrong, rtol=0, atol=1) for wrong in _with_fixed_marks(text)):
        return "Either of the two marks may part thousands, and either may part the cents."
    return "That is another amount."


def _with_fixed_marks(text: str) -> Iterator[float]:
    """Give the cents where one mark always parts thousands, and the other the cents."""
    for thousands, decimal in (",.", ".,"):
        try:
            yield 100 * float(text.replace(thousands, "").replace(decimal, "."))
        except ValueError:  # two decimal marks
            continue


def _with_decimals(groups: list[str]) -> set[float]:
    """List what becomes of an amount whose last mark is taken for the decimal one, in cents."""
    *before, last = groups
    exact = 100 * int("".join(before)) + int(last) / 10 ** (len(last) - 2)
    return {exact, float(int(exact)), float(round(exact)), exact / 100}


# In the order of the exercises.
CHECKS: list[Check] = [
    check_local_threshold,
    check_centre_of_mass,
    check_field_confidence,
    check_best_score,
    check_cents,
]
