"""Checks on training: parameters, the loss, a shifted digit, a step of AdamW.

Each check first collects what the answer gives for all inputs. It names a mistake only where that
mistake explains every one of these results.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from operator import eq
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from lessonlib.exercises import Check, call, new_rng
from lessonlib.exercises.answers import Mistake, Named, close, floats, kind_of, usual_mistake

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Numbers = tuple[float, float, float]  # w, m and v
Step = tuple[float, float, float, float, int, float, float]  # the arguments of a step

PAPER = -0.1307 / 0.3081  # an empty pixel, standardised


# ---------------------------------------------------------------- parameters


def check_count_parameters(answer: Any) -> str | None:
    """Compare with the sum over layers of d_in · d_out + d_out, in nets of one to five layers."""
    rng = new_rng(4)
    drawn = [rng.integers(2, 40, size=count).tolist() for count in (3, 4, 5, 6)]
    nets: list[list[int]] = [[3, 2], [2, 3], [1, 1], [4, 4, 4], *drawn, [784, 300, 100, 10]]
    results = []
    for sizes in nets:
        result = call(answer, sizes)
        got = _number(result)
        if got is None:
            return f"Return one number for all layers together, not {kind_of(result)}."
        results.append(got)
    for sizes, got in zip(nets, results, strict=True):
        if got != sum((d_in + 1) * d_out for d_in, d_out in pairwise(sizes)):
            other = (
                f"{got:.12g} for {sizes} is not it. Draw the units of each layer, and count the "
                "lines between them and the biases."
            )
            return usual_mistake(results, [(n,) for n in nets], _wrong_counts, eq) or other
    return None


def _wrong_counts(sizes: Sequence[int]) -> dict[str, int]:
    """Return what usual mistakes make of the number of parameters, by what to say about them."""
    layers = list(pairwise(sizes))
    weights = sum(d_in * d_out for d_in, d_out in layers)
    return {
        "These are the weights alone: each unit also has a bias.": weights,
        "These are the biases alone: where are the weights?": sum(sizes[1:]),
        "This has a bias for each input too: inputs are not units.": weights + sum(sizes),
        "A layer has one bias per output; yours has one per input.": weights + sum(sizes[:-1]),
        "This has one bias per layer: each of its units has its own.": weights + len(layers),
        "The units of the last layer have biases, too.": weights + sum(sizes[1:-1]),
        "The last layer is missing.": sum((a + 1) * b for a, b in layers[:-1]),
        "The first layer, from the inputs to the first units, is missing.": sum(
            (a + 1) * b for a, b in layers[1:]
        ),
        "The layers between the first and the last size are missing.": (sizes[0] + 1) * sizes[-1],
        "This is the first layer alone.": (sizes[0] + 1) * sizes[1],
        "This is the number of units: count the numbers that are learned.": sum(sizes),
    }


# ---------------------------------------------------------------- the loss


def check_cross_entropy(answer: Any) -> str | None:
    """Compare with (N.5) on random logits, then on logits that overflow, alone and together."""
    rng = new_rng(4)
    cases, results = [], []
    for n, classes in ((7, 10), (5, 3), (3, 5), (4, 4), (1, 4), (300, 2)):
        z = 2 * rng.normal(size=(n, classes)) + rng.normal(size=(n, 1))
        y = rng.integers(classes, size=n)
        if n == 5:
            y %= 2  # the last class is absent
        if n == classes:
            y = 1 + y % 3  # the first one is
        cases.append((z, y))
        results.append(_loss(call(answer, z, y)))
    for got, (z, y) in zip(results, cases, strict=True):
        if not _same_loss(got, _cross_entropy(z, y)):
            given = f"For random logits of shape {z.shape} your loss is {got:.4g}"
            other = f"{given}; (N.5) gives another number."
            return usual_mistake(results, cases, _wrong_losses, _same_loss) or other
    return _check_large_logits(answer)


def _loss(result: Any) -> float:
    """Return a loss as a number; an array of more is told so."""
    got = _number(result)
    if got is None:
        raise Mistake(
            f"Your function returns {kind_of(result)}: the loss is one number, the mean over "
            "images."
        )
    return got


def _same_loss(got: float, wanted: float) -> bool:
    """Compare so loosely that 1e-7 added to a probability is told so by large logits, not here."""
    return math.isclose(got, wanted, rel_tol=1e-4)


def _cross_entropy(z: Floats, y: Labels) -> float:
    return float(-log_softmax(z, axis=1)[np.arange(len(y)), y].mean())


def _wrong_losses(z: Floats, y: Labels) -> dict[str, Any]:
    """Return what usual mistakes make of the loss, by what to say about them."""
    rows = np.arange(len(y))
    log_p = log_softmax(z, axis=1)
    p = np.exp(log_p)
    right = _cross_entropy(z, y)
    of_others = np.log1p(-p).sum(axis=1) - np.log1p(-p[rows, y])
    axis = "Along which axis do you sum?"
    return {
        "The sign: the logarithm of a probability is negative, the loss is not.": -right,
        "This is the sum over the images: a factor 1/n is missing.": len(y) * right,
        "This is divided by the number of classes too: the mean is over images only.": right
        / z.shape[1],
        f"The probabilities of an image must add up to 1; yours do so over the batch. {axis}": (
            -log_softmax(z, axis=0)[rows, y].mean()
        ),
        "The probabilities of each image must add up to 1; yours do so over the whole array. "
        + axis: -log_softmax(z)[rows, y].mean(),
        "This is the mean logit with its sign changed: the softmax is missing.": (
            -z[rows, y].mean()
        ),
        "The softmax is taken twice.": -log_softmax(p, axis=1)[rows, y].mean(),
        "The logarithm of the probability is missing.": -p[rows, y].mean(),
        "This is the mean probability of the right class: the logarithm is missing.": (
            p[rows, y].mean()
        ),
        "The logarithm is the natural one, np.log, not to base 2.": right / np.log(2),
        "The logarithm is the natural one, np.log, not to base 10.": right / np.log(10),
        "This averages over all classes: take the probability of the right one only.": (
            -log_p.mean()
        ),
        "This adds up all classes: take the probability of the right one only.": (
            -log_p.sum(axis=1).mean()
        ),
        "This takes the highest probability of each image: take that of its label.": (
            -log_p.max(axis=1).mean()
        ),
        "(N.5) has the probability of the right class only; yours has the others' 1 − p too.": (
            right - of_others.mean()
        ),
        "(N.5) is a mean of logarithms; yours is the logarithm of a mean.": (
            -np.log(p[rows, y].mean())
        ),
    }


# Logits of an image, the label, and for which number of the exercise's text they stand.
LARGE = [
    ([1000.0, 998.0, 0.0], 1, "1,000"),
    ([0.0, 1000.0, -1000.0], 0, "1,000"),
    ([-1000.0, -1001.0, -1000.0], 2, "−1,000"),
    ([1000.0, 0.0, -1000.0], 2, "1,000 and −1,000"),
    ([3.0, 1.0, -2.0], 0, "ordinary size"),
]


def _check_large_logits(answer: Any) -> str | None:
    """Try images with large logits one by one, and then all of them in one batch."""
    for logits, label, size in LARGE:
        z, y = np.array([logits]), np.array([label])
        with np.errstate(all="ignore"):
            got = _loss(call(answer, z, y))
        right = _cross_entropy(z, y)
        if not _same_loss(got, right):
            return _explain_large_loss(got, right, size)
    z, y = np.array([logits for logits, _, _ in LARGE]), np.array([label for _, label, _ in LARGE])
    with np.errstate(all="ignore"):
        got = _loss(call(answer, z, y))
    if _same_loss(got, _cross_entropy(z, y)):
        return None
    return (
        f"Right for each image alone, but for a batch of them your loss is {got:.4g}: the logits "
        "of one image may be 2,000 above those of another, and (N.4) looks at one image."
    )


def _explain_large_loss(got: float, right: float, size: str) -> str:
    start = f"Right for small logits, but for logits of {size} your loss is {got:.4g}"
    if np.isnan(got):
        return f"{start}: exponentials overflow, or all become 0. See the hint."
    if np.isposinf(got):
        return (
            f"{start}: a probability is rounded to 0, and its logarithm is −∞. "
            "Simplify the logarithm of the quotient on paper first."
        )
    if got < right:
        return (
            f"{start}, too small. Don't cut numbers off, or add to them, to avoid the overflow: "
            "that changes the loss."
        )
    return f"{start}, too large."


# ---------------------------------------------------------------- a shifted digit


def check_move(answer: Any) -> str | None:
    """Compare with a cut from the padded image, for all nine moves, the simplest first."""
    rng = new_rng(4)
    moves = sorted(product((-1, 0, 1), repeat=2), key=lambda move: abs(move[0]) + abs(move[1]))
    cases, results = [], []
    for dy, dx in moves:
        x = _picture(rng)
        got = np.asarray(call(answer, x, dy, dx), dtype=float)
        if got.shape != (28, 28):
            return f"For dy={dy}, dx={dx} the result has shape {got.shape}: the frame is 28 by 28."
        cases.append((x, dy, dx))
        results.append(got)
    for got, case in zip(results, cases, strict=True):
        if not _is_moved(got, *case):
            return usual_mistake(results, cases, MOVE_MISTAKES) or _explain_move(got, *case)
    return None


def _picture(rng: np.random.Generator) -> Floats:
    """Draw an image of ink and paper up to its edges, with ink in every corner."""
    ink = rng.uniform(0.2, 2.8, size=(28, 28))
    x = np.where(rng.random((28, 28)) < 0.5, PAPER, ink)
    x[::27, ::27] = ink[::27, ::27]
    return x


def _move(x: Floats, dy: int, dx: int, paper: float = PAPER) -> Floats:
    return np.pad(x, 1, constant_values=paper)[1 - dy : 29 - dy, 1 - dx : 29 - dx]


def _came_free(dy: int, dx: int) -> npt.NDArray[np.bool_]:
    """Mark the pixels that nothing of the image has moved to."""
    return np.isnan(_move(np.zeros((28, 28)), dy, dx, np.nan))


def _is_moved(got: Floats, x: Floats, dy: int, dx: int) -> bool:
    """Tell whether an image is moved right; paper may be rounded as the chapter prints it."""
    free = _came_free(dy, dx)
    paper = np.allclose(got[free], PAPER, rtol=0, atol=0.006)  # it prints -0.42
    return paper and close(got[~free], _move(x, dy, dx)[~free])


def _pad(mode: Literal["edge", "reflect"]) -> Callable[[Floats, int, int], Floats]:
    """Return the mistake that fills what comes free as ``np.pad`` does in this mode."""
    return lambda x, dy, dx: np.pad(x, 1, mode=mode)[1 - dy : 29 - dy, 1 - dx : 29 - dx]


def _roll(x: Floats, dy: int, dx: int) -> Floats:
    return np.roll(x, (dy, dx), axis=(0, 1))


OPPOSITE = "It moves the opposite way: positive dy is down, positive dx is to the right."
SWAPPED = "dy and dx are swapped: the first axis is down, the second is across."
GREY = "0 is a grey in a standardised image, and what comes free must be paper."
ROLLED = "What leaves the frame comes back on the other side."
INK = "What comes free is ink, and must be paper."
MOVE_MISTAKES: list[Named] = [
    (lambda x, dy, dx: x, "Nothing moves."),
    (lambda x, dy, dx: _move(x, -dy, -dx), OPPOSITE),
    (lambda x, dy, dx: _move(x, dx, dy), SWAPPED),
    (lambda x, dy, dx: _move(x, -dx, -dy), f"{SWAPPED} And it moves the opposite way."),
    (
        lambda x, dy, dx: _move(x, -dy, dx),
        "It is right across, but moves up where it should move down.",
    ),
    (
        lambda x, dy, dx: _move(x, dy, -dx),
        "It is right up and down, but moves left where it should move right.",
    ),
    (lambda x, dy, dx: _move(x, dy, 0), "It moves up and down alone: what about dx?"),
    (lambda x, dy, dx: _move(x, 0, dx), "It moves across alone: what about dy?"),
    (_roll, ROLLED),
    (lambda x, dy, dx: _roll(x, dx, dy), f"{ROLLED} And dy and dx are swapped."),
    (lambda x, dy, dx: _roll(x, -dy, -dx), f"{ROLLED} And it moves the opposite way."),
    (lambda x, dy, dx: _move(x, dy, dx, 0), GREY),
    (lambda x, dy, dx: _move(x, -dy, -dx, 0), f"{OPPOSITE} And {GREY}"),
    (lambda x, dy, dx: _move(x, dx, dy, 0), f"{SWAPPED} And {GREY}"),
    (lambda x, dy, dx: _move(x, dy, dx, PAPER + 1 / 0.3081), INK),
    (lambda x, dy, dx: _move(x, dy, dx, x.max()), INK),
    (
        lambda x, dy, dx: _move(x, dy, dx, x.mean()),
        "What comes free has the image's mean, and must be paper.",
    ),
    (_pad("edge"), "What comes free repeats the pixels beside it, and must be paper."),
    (_pad("reflect"), "What comes free mirrors the image, and must be paper."),
    (
        lambda x, dy, dx: _move(x, dy, dx, x[0, 0]),
        "What comes free has the value of a corner, and a corner may have ink.",
    ),
]


def _explain_move(got: Floats, x: Floats, dy: int, dx: int) -> str:
    free = _came_free(dy, dx)
    if close(got[~free], _move(x, dy, dx)[~free]):
        return f"For dy={dy}, dx={dx} the image is in its place, but what came free is not paper."
    return f"For dy={dy}, dx={dx} the pixels are not where they should be."


# ---------------------------------------------------------------- a step of AdamW


def check_adamw_step(answer: Any) -> str | None:
    """Take single steps: the first ones, later ones, and some in which only one term counts."""
    cases = list(_steps(new_rng(4)))
    results = [_three_numbers(call(answer, *case)) for case in cases]
    for got, case in zip(results, cases, strict=True):
        if not _same_step(got, _adamw(*case)):
            other = _explain_step(got, case)
            return usual_mistake(results, cases, _wrong_steps, _same_step) or other
    return None


def _explain_step(got: Numbers, case: Step) -> str:
    """Say which of w, m and v differ from the right ones."""
    pairs = zip("wmv", got, _adamw(*case), strict=True)
    names = [name for name, value, right in pairs if not _same_step(value, right)]
    given = ", ".join(f"{n} = {v:.4g}" for n, v in zip(STEP_NAMES, case, strict=True))
    verb = "differs" if len(names) == 1 else "differ"
    return f"For {given} the new {', '.join(names)} {verb} from (N.10)."


def _same_step(got: npt.ArrayLike, wanted: npt.ArrayLike) -> bool:
    """Compare each number beside its own size; the root of a negative number is NaN in both."""
    return np.allclose(got, wanted, rtol=1e-5, atol=0, equal_nan=True)


STEP_NAMES = ("w", "g", "m", "v", "t", "lr", "weight_decay")


def _steps(rng: np.random.Generator) -> Iterator[Step]:
    """Draw the arguments of steps."""
    for sign in (1, -1):
        w, m, v = sign * rng.uniform(1, 2), 0.0, 0.0
        lr, decay = rng.uniform(0.05, 0.2), rng.uniform(0.3, 0.6)
        for t in (1, 2, 3):
            g = (-1) ** t * rng.uniform(0.2, 0.8)
            yield w, g, m, v, t, lr, decay
            w, m, v = _adamw(w, g, m, v, t, lr, decay)
    for t in (10, 1000):
        w, g, m = rng.normal(size=3).tolist()
        yield w, g, m, m**2 + rng.uniform(0.1, 1), t, 0.1, 0.5
    yield 1.5, 0.0, 0.0, 0.0, 1, 0.1, 0.4  # no gradient: the decay alone
    yield -1.5, 0.3, 0.0, 0.0, 1, 0.1, 0.0  # no decay: Adam alone
    yield 0.0, -0.3, 0.1, 0.2, 5, 0.1, 0.4  # nothing to decay
    yield 1.5, 2e-7, 0.0, 0.0, 1, 0.1, 0.4  # a gradient so small that ε counts
    yield 200.0, 5e3, -4e3, 2e7, 7, 0.3, 0.2


def _adamw(
    w: float,
    g: float,
    m: float,
    v: float,
    t: int,
    lr: float,
    decay: float,
    betas: tuple[float, float] = (0.9, 0.999),
    power: int = 2,
) -> Numbers:
    """Take a step of AdamW, whose v is the mean of this power of the gradients."""
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g**power
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return w - lr * decay * w - lr * m_hat / (np.sqrt(v_hat) + 1e-8), m, v


def _wrong_steps(
    w: float, g: float, m: float, v: float, t: int, lr: float, decay: float
) -> dict[str, Numbers]:
    """Return what usual mistakes make of a step, by what to say about them."""
    new_w, new_m, new_v = _adamw(w, g, m, v, t, lr, decay)
    m_hat, v_hat = new_m / (1 - 0.9**t), new_v / (1 - 0.999**t)
    root, root_of_v = np.sqrt(v_hat) + 1e-8, np.sqrt(new_v) + 1e-8
    step, pull = lr * m_hat / root, lr * decay * w
    coupled = g + decay * w
    wrong_w = {  # where m and v are right
        "The decay is divided by the root of v̂ here: (N.10) takes it off the weight itself.": (
            w - pull / root - step
        ),
        "The decay takes its share of the new weight here: in (N.10) it takes it of the old one.": (
            w - lr * decay * (w - step) - step
        ),
        "m and v are not corrected for having started at 0: the step takes m̂ and v̂.": (
            w - pull - lr * new_m / root_of_v
        ),
        "m is not corrected for having started at 0: the step takes m̂.": (
            w - pull - lr * new_m / root
        ),
        "v is not corrected for having started at 0: the step takes v̂.": (
            w - pull - lr * m_hat / root_of_v
        ),
        "The decay must be multiplied by the learning rate.": w - decay * w - step,
        "The decay is multiplied by the learning rate twice.": w - lr * pull - step,
        "The decay is a share of the weight: multiply it by w.": w - lr * decay - step,
        "The weight grows: subtract the decay.": w + pull - step,
        "There is no weight decay yet.": w - step,
        "Divide by the square root of v̂, not by v̂ itself.": w - pull - lr * m_hat / (v_hat + 1e-8),
        "ε is added to the root, not under it.": w - pull - lr * m_hat / np.sqrt(v_hat + 1e-8),
        "The step goes up the gradient: subtract it.": w - pull + step,
        "Return the new weight, not the change.": new_w - w,
    }
    return {
        "The decay joins the gradient here: that is Adam's coupled L2, (N.9).": (
            _adamw(w, coupled, m, v, t, lr, 0)
        ),
        "The decay acts twice: on the weight, as in (N.10), and on the gradient, as in (N.9).": (
            _adamw(w, coupled, m, v, t, lr, decay)
        ),
        **{message: (wrong, new_m, new_v) for message, wrong in wrong_w.items()},
        "v is the running mean of the squares of the gradients.": (
            _adamw(w, g, m, v, t, lr, decay, power=1)
        ),
        "β₁ and β₂ are swapped: 0.9 belongs to m, 0.999 to v.": (
            _adamw(w, g, m, v, t, lr, decay, betas=(0.999, 0.9))
        ),
        "Return m and v as they are before the correction: the next step needs those.": (
            (new_w, m_hat, v_hat)
        ),
        "Return the new m and v: yours are those that the step began with.": (new_w, m, v),
        "Return w, m and v in this order.": (new_m, new_v, new_w),
    }


def _three_numbers(result: Any) -> Numbers:
    """Read a tuple, list, array or tensor of three numbers; anything else is told so."""
    parts = result.tolist() if hasattr(result, "tolist") else result
    if not isinstance(parts, list | tuple) or len(parts) != 3:
        raise Mistake(f"Return three numbers, the new w, m and v: yours is {kind_of(result)}.")
    if any(isinstance(part, complex) for part in parts):
        raise Mistake("A root of a negative number was taken: v̂ can't be negative.")
    w, m, v = (_number(part) for part in parts)
    if w is None or m is None or v is None:
        kind = next(kind_of(part) for part in parts if _number(part) is None)
        raise Mistake(f"Return three numbers, the new w, m and v: among yours is {kind}.")
    return w, m, v


def _number(value: Any) -> float | None:
    """Read one number, which no truth value is; None for all else."""
    array = floats(value)
    return None if array is None or array.shape or isinstance(value, bool) else float(array)


# In the order of the exercises.
CHECKS: list[Check] = [
    check_count_parameters,
    check_cross_entropy,
    check_move,
    check_adamw_step,
]
