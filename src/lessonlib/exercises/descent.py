"""Checks on gradient descent: a line, a step with momentum, dropout, early stopping."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call, new_rng
from lessonlib.exercises.answers import (
    Mistake,
    Named,
    close,
    first_problem,
    floats,
    number,
    numbers,
    parts,
    usual_mistake,
)

Array = npt.NDArray[Any]


# ---------------------------------------------------------------- a line


Pair = tuple[float, float]
# The gradient by w and by b of the loss of a batch: of its x and y, at a w and a b.
LineGradient = Callable[[Array, Array, float, float], Pair]


def check_fit_line(answer: Any) -> str | None:
    """Compare with the steps of (N.1), for one batch and for several of different lengths."""
    cases = _lines(new_rng(44))
    results = [_w_and_b(call(answer, *case)) for case in cases]
    for got, (x, y, lr, batches) in zip(results, cases, strict=True):
        right = _fit_line(x, y, lr, batches)
        if not close(got, right):
            wrong = "b" if close(got[0], right[0]) else "w"
            steps = "one step" if len(batches) == 1 else f"{len(batches)} steps"
            return usual_mistake(results, cases, _wrong_lines) or (
                f"After {steps} with lr = {lr:g}, from {len(x)} examples, you return w = "
                f"{got[0]:.4g}, b = {got[1]:.4g}: by (N.1), {wrong} is another number."
            )
    x, y, lr, _ = cases[0]
    if not close(_w_and_b(call(answer, x, y, lr, [])), (0, 0)):
        return "With an empty list there is no step: w and b are the 0 that they start with."
    return None


def _w_and_b(result: Any) -> Array:
    if isinstance(result, np.ndarray) and result.shape == (2,):
        result = tuple(result)
    w, b = parts(result, 2, "Return two numbers: w and b, in this order")
    return np.array([number(w, "w"), number(b, "b")])


def _lines(rng: np.random.Generator) -> list[tuple[Array, Array, float, list[Array]]]:
    """Make up examples near a line and their batches: first a step that can be done by hand."""
    x, y = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 5.0])
    cases = [(x, y, 0.1, [np.array([0, 2])])]
    for m, lr, lengths in (
        (6, 0.1, (2, 3)),
        (7, 0.15, (3, 1, 4, 2)),
        (5, 0.2, (5, 5, 5)),
        (4, 0.3, (1, 1)),
        (9, 0.02, (2,) * 8),
        (20, 0.05, rng.integers(1, 8, size=40).tolist()),
    ):
        slope, height = rng.choice((-1, 1), size=2) * rng.uniform(1, 3, size=2)
        x = rng.normal(0.5, 1, size=m)
        y = slope * x + height + rng.normal(0, 0.3, size=m)
        batches = [rng.choice(m, size=n, replace=False) for n in lengths]
        cases.append((x, y, lr, batches))
    return cases


def _line_gradient(x: Array, y: Array, w: float, b: float) -> Pair:
    error = w * x + b - y
    return (error * x).mean(), error.mean()


def _fit_line(
    x: Array,
    y: Array,
    lr: float,
    batches: Sequence[Array],
    gradient: LineGradient = _line_gradient,
) -> Pair:
    w = b = 0.0
    for batch in batches:
        dw, db = gradient(x[batch], y[batch], w, b)
        w, b = w - lr * dw, b - lr * db
    return w, b


def _wrong_lines(x: Array, y: Array, lr: float, batches: Sequence[Array]) -> dict[str, Pair]:
    """Return what usual mistakes make of w and b, by what to say about them."""

    def run(gradient: LineGradient) -> Pair:
        return _fit_line(x, y, lr, batches, gradient)

    def scaled(scale: Callable[[int], float], by_w: bool, by_b: bool) -> LineGradient:
        def gradient(x: Array, y: Array, w: float, b: float) -> Pair:
            dw, db = _line_gradient(x, y, w, b)
            factor = scale(len(x))
            return dw * (factor if by_w else 1), db * (factor if by_b else 1)

        return gradient

    def w_first(x: Array, y: Array, w: float, b: float) -> Pair:
        dw, _ = _line_gradient(x, y, w, b)
        return dw, _line_gradient(x, y, w - lr * dw, b)[1]

    def b_first(x: Array, y: Array, w: float, b: float) -> Pair:
        _, db = _line_gradient(x, y, w, b)
        return _line_gradient(x, y, w, b - lr * db)[0], db

    def without_x(x: Array, y: Array, w: float, b: float) -> Pair:
        return (_line_gradient(x, y, w, b)[1],) * 2

    def with_x_twice(x: Array, y: Array, w: float, b: float) -> Pair:
        return (_line_gradient(x, y, w, b)[0],) * 2

    def of_means(x: Array, y: Array, w: float, b: float) -> Pair:
        _, db = _line_gradient(x, y, w, b)
        return db * x.mean(), db

    one_by_one = [example[None] for batch in batches for example in batch]
    return {
        "The two are swapped: w comes first, then b.": _fit_line(x, y, lr, batches)[::-1],
        **{
            f"{whose} gradient {problem}": run(scaled(scale, by_w, by_b))
            for problem, scale in _scales(len(x), lr).items()
            for whose, by_w, by_b in (
                ("Each", True, True),
                ("w's", True, False),
                ("b's", False, True),
            )
        },
        "b never changes: it has a gradient, too.": run(scaled(lambda n: 0, False, True)),
        "w never changes: it has a gradient, too.": run(scaled(lambda n: 0, True, False)),
        "Each step uses all examples: take those of its batch alone.": _fit_line(
            x, y, lr, [np.arange(len(x))] * len(batches)
        ),
        "You take a step for each example: take one for each batch.": _fit_line(
            x, y, lr, one_by_one
        ),
        "Only the last batch counts here: each step goes on from the w and b of the step before.": (
            _fit_line(x, y, lr, batches[-1:])
        ),
        "Only the first batch counts here: does your loop end after it?": _fit_line(
            x, y, lr, batches[:1]
        ),
        "All gradients are those at w = b = 0: compute the error anew in each step.": run(
            lambda x, y, w, b: _line_gradient(x, y, 0, 0)
        ),
        "b's gradient is taken at the new w: compute both gradients before you change either.": (
            run(w_first)
        ),
        "w's gradient is taken at the new b: compute both gradients before you change either.": (
            run(b_first)
        ),
        "There is no b in your ŷ.": run(lambda x, y, w, b: _line_gradient(x, y, w, 0)),
        "w has the gradient of b here: how does ŷ change with w?": run(without_x),
        "b has the gradient of w here: how does ŷ change with b?": run(with_x_twice),
        "w's gradient is a mean of products, not the product of two means.": run(of_means),
    }


def _scales(m: int, lr: float) -> dict[str, Callable[[int], float]]:
    """Return wrong factors of a gradient, for a batch of n out of m examples."""
    return {
        "has the wrong sign, or you add it: a step goes against it.": lambda n: -1,
        "is twice as large as it should be: mind the ½ in L.": lambda n: 2,
        "is half as large as it should be: what is the derivative of a square?": lambda n: 0.5,
        "is a sum over the batch: L is a mean over its n examples.": lambda n: n,
        "is divided by the number of all examples: n counts those of the batch.": lambda n: n / m,
        "is taken without the learning rate.": lambda n: 1 / lr,
    }


# ---------------------------------------------------------------- momentum with weight decay


def check_momentum_step(answer: Any) -> str | None:
    """Compare with (N.3) and (N.5): arrays of several shapes and sizes, and each setting 0."""
    rng = new_rng(3)
    cases: list[tuple[Any, ...]] = []
    results: dict[str, list[Array]] = {"m": [], "w": []}
    for shape, size, lr, beta, decay in (
        ((2, 3), 1, 0.2, 0.7, 0.3),
        ((4,), 1, 0.05, 0.6, 0.1),
        ((3, 2, 2), 1e4, 0.01, 0.9, 0.02),
        ((5,), 1e-4, 0.5, 0.95, 0.01),
        ((1,), 1, 0.3, 0.8, 0.0),
        ((2, 4), 1, 0.1, 0.0, 0.2),
    ):
        w, g, m = size * rng.normal(size=(3, *shape))
        m = 0 * m if shape == (1,) else m  # as before the first step
        case = (w, g, m, lr, beta, decay)
        cases.append(case)
        pair = parts(call(answer, *case), 2, "Return two arrays: the new w and the new m")
        got_w, got_m = (numbers(p, f"The new {x}") for x, p in zip("wm", pair, strict=True))
        for name, got in (("w", got_w), ("m", got_m)):
            if got.shape != w.shape:
                return f"The new {name} has shape {got.shape}: it should be {w.shape}, as before."
        if close(got_w, _new_m(*case)) and close(got_m, _new_w(*case)):
            return "The two are swapped: w comes first, then m."
        results["m"].append(got_m)
        if problem := first_problem(results["m"], cases, _new_m, _wrong_m):
            return f"The new m: {problem}"
        results["w"].append(got_w)
        if problem := first_problem(results["w"], cases, _new_w, _wrong_w):
            return f"The new w: {problem}"
    return None


def _new_m(w: Array, g: Array, m: Array, lr: float, beta: float, decay: float) -> Array:
    return beta * m + g + decay * w


def _new_w(w: Array, g: Array, m: Array, lr: float, beta: float, decay: float) -> Array:
    return w - lr * _new_m(w, g, m, lr, beta, decay)


def _wrong_m(
    w: Array, g: Array, m: Array, lr: float, beta: float, decay: float
) -> dict[str, Array]:
    """Return what usual mistakes make of the new m, by what to say about them."""
    downhill = "in (N.3) m adds up gradients, not steps downhill."
    return {
        "there is no decay in it: it is a part of the gradient.": beta * m + g,
        "the sign of the decay: the step should shrink the weights.": beta * m + g - decay * w,
        "the decay is twice too large: mind the half in λ/2.": beta * m + g + 2 * decay * w,
        "the decay is half of what it should be.": beta * m + g + decay / 2 * w,
        "η has no place in the decay: it enters in the step of w.": beta * m + g + lr * decay * w,
        "the decay is the square of w here: its derivative is needed.": beta * m + g + decay * w**2,
        "the decay is half the square of w here: its derivative is needed.": beta * m
        + g
        + decay / 2 * w**2,
        "the decay takes of w only its sign.": beta * m + g + decay * np.sign(w),
        "λ alone is added: the decay depends on w.": beta * m + g + decay,
        "β and λ are exchanged.": decay * m + g + beta * w,
        "(N.3) keeps a sum, without the factor 1 − β.": beta * m + (1 - beta) * (g + decay * w),
        "β belongs to the old m only.": beta * (m + g + decay * w),
        "the old m fades: multiply it by β.": m + g + decay * w,
        "the old m has been dropped.": g + decay * w,
        downhill: beta * m - lr * (g + decay * w),
        downhill + " Where does η enter?": beta * m - g - decay * w,
        "in (N.3) η enters in the step of w, not in m.": beta * m + lr * (g + decay * w),
        "that is the m from before the step: the next step needs the new one.": m,
    }


def _wrong_w(
    w: Array, g: Array, m: Array, lr: float, beta: float, decay: float
) -> dict[str, Array]:
    """Return what usual mistakes make of the new w, by what to say about them."""
    new = _new_m(w, g, m, lr, beta, decay)
    return {
        "the step goes uphill: subtract.": w + lr * new,
        "the learning rate is missing.": w - new,
        "it was moved by the m from before the step.": w - lr * m,
        "it should move along m, not along the gradient alone.": w - lr * (g + decay * w),
        "it should move along m, decay included.": w - lr * g,
        "the decay is taken twice: it is in m already.": w - lr * new - lr * decay * w,
        "it is moved a step further than (N.3): along m alone.": w
        - lr * (beta * new + g + decay * w),
        "that is the change alone, not the new weights.": -lr * new,
        "it has not moved.": w,
    }


# ---------------------------------------------------------------- dropout

RATES = (0.3, 0.9, 0.5)


class Shared(np.random.Generator):
    """A generator that `call` hands over itself, no copy: every call draws new numbers from it."""

    def __deepcopy__(self, memo: Any) -> "Shared":
        return self


def _shared(seed: int) -> Shared:
    return Shared(np.random.PCG64(seed))


def check_dropout(answer: Any) -> str | None:
    """Look at single entries, then at the zeros of large matrices, and at those of several calls.

    No bound is narrower than five standard deviations of what a right answer draws.
    """
    rng = new_rng(42)
    generator = _shared(42)
    masks: dict[float, list[Array]] = {rate: [] for rate in RATES}
    for rate, times in zip(RATES, (4, 2, 2), strict=True):
        for _ in range(times):
            a = rng.uniform(0.5, 2, size=(120, 150)) * rng.choice((-1, 1), size=(120, 150))
            got = _dropped(answer, a, rate, generator)
            zeros = got == 0
            if problem := _share_problem(zeros, got, a, rate) or _kept_problem(got, a, rate):
                return problem
            masks[rate].append(zeros)
    return (
        _mask_problem(masks)
        or _draw_problem(answer, rng)
        or _small_problem(answer, rng, generator)
        or _no_rate_problem(answer, rng, generator)
    )


def _dropped(answer: Any, a: Array, rate: float, generator: np.random.Generator) -> Array:
    got = numbers(call(answer, a, rate, generator), "The result")
    if got.shape != a.shape:
        raise Mistake(f"The result has shape {got.shape}: it should be {a.shape}, that of a.")
    if not np.isfinite(got).all():
        raise Mistake(f"With rate {rate:g} there is NaN or infinity in the result.")
    return got


def _share_problem(zeros: Array, got: Array, a: Array, rate: float) -> str | None:
    """Say whether the share of the zeros is far from the rate, or all or none are zeros."""
    share, spread = zeros.mean(), np.sqrt(rate * (1 - rate) / zeros.size)
    if abs(share - rate) < 6 * spread:
        return None
    if close(got, a):
        return f"With rate {rate:g} nothing has changed."
    if not zeros.any():
        return f"With rate {rate:g} no entry is 0."
    if zeros.all():
        return f"With rate {rate:g} all entries are 0."
    if abs(share - (1 - rate)) < 6 * spread:
        return "The rate is the probability of becoming 0, and you keep an entry with it."
    if zeros.all(axis=1).any() or zeros.all(axis=0).any():
        return ROWS_OR_COLUMNS
    return f"With rate {rate:g}, {share:.1%} of {zeros.size} entries become 0."


def _kept_problem(got: Array, a: Array, rate: float) -> str | None:
    """Say what is wrong with the entries that aren't 0."""
    kept = got != 0
    factors = got[kept] / a[kept]
    if np.allclose(factors, 1 / (1 - rate), rtol=1e-5, atol=0):
        return None
    for factor, message in (
        (1, "You keep the others as they are, so the mean shrinks: divide them by 1 - rate."),
        (1 - rate, "You multiply the others by 1 - rate: divide, so that the mean stays."),
        (1 / rate, "You divide the others by rate: divide by the share that stays, 1 - rate."),
        (1 / kept.mean(), "Divide by 1 - rate, not by the share that happens to stay this time."),
        (2, "Twice is right for rate 0.5 only: divide by 1 - rate."),
        (1 / (1 - rate) ** 2, "You divide by 1 - rate twice."),
        (-1 / (1 - rate), "The sign of the others has changed."),
    ):
        if np.allclose(factors, factor, rtol=1e-5, atol=0):
            return message
    if np.allclose(abs(factors), 1 / (1 - rate), rtol=1e-5, atol=0):
        return "Negative entries keep their sign."
    return f"With rate {rate:g}, an entry that isn't 0 should be that of a, divided by 1 - rate."


ROWS_OR_COLUMNS = (
    "Whole rows or columns become 0 together: draw for each entry anew, with a mask of a's shape."
)


def _mask_problem(masks: dict[float, list[Array]]) -> str | None:
    """Say whether the zeros hang together: in a row, in a column, or from call to call."""
    if any((one == other).all() for own in masks.values() for one, other in pairwise(own)):
        return "Two calls in a row give zeros at the same places: draw anew in each call, from rng."
    for rate, own in masks.items():
        sums = [zeros.sum(axis=axis) for zeros in own for axis in (0, 1)]
        # Of independent entries each is near 1, with a standard deviation of 0.13.
        spreads = [each.var() * len(each) / (own[0].size * rate * (1 - rate)) for each in sums]
        if max(spreads) > 2.2:
            return ROWS_OR_COLUMNS
        if min(spreads) < 0.3:
            return (
                "The rows, or the columns, all have nearly the same number of zeros: an entry "
                "should become 0 whatever becomes of the others."
            )
        counts = {int(zeros.sum()) for zeros in own}
        if len(own) > 2 and len(counts) == 1:
            return (
                f"Each time exactly {counts.pop()} of {own[0].size} entries are 0: an entry "
                "should become 0 whatever becomes of the others, so their number varies."
            )
    return None


def _draw_problem(answer: Any, rng: np.random.Generator) -> str | None:
    """Say so when the numbers come from somewhere else than the generator that is given."""
    a = rng.uniform(0.5, 2, size=(30, 40))
    one, again = (_dropped(answer, a, 0.5, _shared(7)) for _ in range(2))
    if (one != again).any():
        return (
            "Two generators with the same seed give different zeros: draw from rng, and from "
            "nothing else."
        )
    return None


def _small_problem(
    answer: Any, rng: np.random.Generator, generator: np.random.Generator
) -> str | None:
    """Try one example, one unit, one entry, and activations that are 0 already."""
    for shape in ((1, 60), (60, 1), (1, 1), (7, 9)):
        a = np.maximum(0, rng.normal(size=shape))
        for rate in RATES:
            got = _dropped(answer, a, rate, generator)
            right = np.where(got == 0, 0, a / (1 - rate))
            if not close(got, right):
                return f"For a of shape {shape} an entry is neither 0 nor that of a / (1 - rate)."
    return None


def _no_rate_problem(
    answer: Any, rng: np.random.Generator, generator: np.random.Generator
) -> str | None:
    """Try rate 0."""
    a = rng.normal(size=(20, 30))
    got = _dropped(answer, a, 0.0, generator)
    if close(got, a):
        return None
    if not got.any():
        return "With rate 0 all entries are 0: none should be."
    return "With rate 0 nothing is dropped: every entry stays as it is."


# ---------------------------------------------------------------- early stopping


def check_early_stop(answer: Any) -> str | None:
    """Compare with the rule, for runs written by hand and for runs with few different losses."""
    cases = list(_runs(new_rng(43)))
    results = [_two_epochs(call(answer, *case)) for case in cases]
    for got, (losses, patience) in zip(results, cases, strict=True):
        right = _early_stop(losses, patience)
        if not close(got, right):
            last = got[0] != right[0]
            wrong = "the last epoch of training" if last else "the epoch whose weights are kept"
            given = ", ".join(f"{loss:g}" for loss in losses)
            return usual_mistake(results, cases, STOP_MISTAKES) or (
                f"For the losses [{given}] and patience {patience} you return ({got[0]:g}, "
                f"{got[1]:g}): {wrong} is another."
            )
    return None


def _two_epochs(result: Any) -> Array:
    wanted = "Return a pair: the last epoch of training, and the epoch whose weights are kept"
    if isinstance(result, np.ndarray) and result.shape == (2,):
        result = tuple(result)
    array = floats(list(parts(result, 2, wanted)))
    if array is None or array.shape != (2,):
        raise Mistake(f"{wanted}. Each of them is a whole number.")
    return array


def _runs(rng: np.random.Generator) -> list[tuple[list[float], int]]:
    """Write runs: some by hand, then losses that are often equal, in runs short and long."""
    runs: list[tuple[list[float], int]] = [
        ([0.9, 0.6, 0.5, 0.7, 0.8, 0.9], 2),
        ([0.9, 0.8, 0.7, 0.6], 2),
        ([0.5, 0.6, 0.4, 0.6, 0.5, 0.3, 0.2], 2),
        ([0.5, 0.4, 0.4, 0.4, 0.4, 0.3], 3),
        ([0.5, 0.7, 0.6, 0.55, 0.4], 3),
        ([0.5, 0.6, 0.4, 0.5, 0.3, 0.4, 0.2], 2),
        ([0.5, 0.6, 0.4], 1),
        ([0.8, 0.6, 0.7], 4),
        ([0.7], 1),
        ([0.3, 0.4, 0.5], 2),
    ]
    for length in range(2, 16):
        for patience in (1, 2, 3, 5):
            losses = rng.integers(2, 9, size=length) / 10 + 0.5 / np.arange(1, length + 1)
            runs.append((losses.round(1).tolist(), patience))
    return runs


def _early_stop(
    losses: Sequence[float],
    patience: int,
    *,
    equal_is_lower: bool = False,
    before: bool = False,
    in_all: bool = False,
    waited: int = 0,
) -> tuple[int, int]:
    """Return the last epoch and the epoch that is kept; the changes are mistakes.

    They compare with the epoch `before`, count the epochs without a new lowest loss `in_all`, or
    begin as if some had `waited` already.
    """
    kept = 1
    for epoch, loss in enumerate(losses[1:], start=2):
        lowest = losses[kept - 1]
        against = losses[epoch - 2] if before else lowest
        kept = epoch if loss < lowest or (equal_is_lower and loss == lowest) else kept
        if loss < against or (equal_is_lower and loss == against):
            waited = waited if in_all else 0
        else:
            waited += 1
        if waited >= patience:
            return epoch, kept
    return len(losses), kept


def _lowest(losses: Sequence[float]) -> int:
    return losses.index(min(losses)) + 1


def _last_of_the_lowest(losses: Sequence[float], patience: int) -> tuple[int, int]:
    stop, kept = _early_stop(losses, patience)
    return stop, max(e for e in range(1, stop + 1) if losses[e - 1] == losses[kept - 1])


FROM_0 = "Epochs are counted from 1, and yours from 0."
STOP_MISTAKES: list[Named] = [
    (
        lambda *run: _early_stop(*run)[::-1],
        "The two are swapped: the last epoch comes first, then the one that is kept.",
    ),
    (lambda *run: np.subtract(_early_stop(*run), 1), FROM_0),
    (
        lambda *run: np.subtract(_early_stop(*run), (0, 1)),
        "The epoch that is kept is counted from 0: count from 1.",
    ),
    (
        lambda *run: np.subtract(_early_stop(*run), (1, 0)),
        "The epoch after which training stops is counted from 0: count from 1.",
    ),
    (
        lambda *run: np.add(_early_stop(*run), (1, 0)),
        "You return the first epoch that is left out: return the last one that takes place.",
    ),
    (
        lambda losses, patience: _early_stop(losses, patience + 1),
        "You stop an epoch late: `patience` epochs in a row are enough.",
    ),
    (
        lambda losses, patience: _early_stop(losses, patience, waited=1),
        "You stop an epoch early where the first one has the lowest loss: it doesn't wait itself.",
    ),
    (
        lambda losses, patience: _early_stop(losses, max(1, patience - 1)),
        "You stop an epoch early: wait for `patience` of them in a row.",
    ),
    (
        lambda *run: _early_stop(*run, equal_is_lower=True),
        "A loss that equals the lowest so far isn't below it.",
    ),
    (
        _last_of_the_lowest,
        "Of equal losses keep the first: a loss that equals the lowest isn't below it.",
    ),
    (
        lambda *run: _early_stop(*run, before=True),
        "You compare with the epoch before: compare with the lowest loss so far.",
    ),
    (
        lambda *run: _early_stop(*run, in_all=True),
        "Epochs in a row are meant: count from 0 again after each new lowest loss.",
    ),
    (
        lambda *run: (_early_stop(*run)[0],) * 2,
        "You keep the last weights: keep those of the lowest loss.",
    ),
    (
        lambda losses, patience: (_early_stop(losses, patience)[0], _lowest(losses)),
        "What comes after the stop never takes place: you keep an epoch from there.",
    ),
    (lambda losses, patience: (len(losses), _lowest(losses)), "You never stop before the end."),
    (
        lambda losses, patience: (min(_lowest(losses) + patience, len(losses)), _lowest(losses)),
        "You take the lowest loss of the whole list, but training may stop before it comes.",
    ),
    (
        lambda *run: np.subtract(_early_stop(*run)[0], (0, run[1])),
        "At the end of the list fewer than `patience` epochs may have waited.",
    ),
    (
        lambda losses, patience: (
            _early_stop(losses, patience)[0],
            losses[_early_stop(losses, patience)[1] - 1],
        ),
        "The second number is an epoch, not its loss.",
    ),
]


# In the order of the exercises.
CHECKS: list[Check] = [check_fit_line, check_momentum_step, check_dropout, check_early_stop]
