"""Chapter 4, Training on MNIST: parameters, the loss, a shifted digit, a step of AdamW.

Each check first collects what the answer gives for all inputs. It names a mistake only where that
mistake explains every one of these results.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from lessonlib.exercises import Check, Mistake, call, kind_of

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Numbers = tuple[float, float, float]  # w, m and v
Step = tuple[float, float, float, float, int, float, float]  # the arguments of a step

PAPER = -0.1307 / 0.3081  # an empty pixel, standardised


def check_count_parameters(answer: Any) -> str | None:
    """Compare with the sum over layers of d_in · d_out + d_out, in nets of one to five layers."""
    rng = np.random.default_rng(4)
    drawn = [rng.integers(2, 40, size=count).tolist() for count in (3, 4, 5, 6)]
    cases: list[list[int]] = [[3, 2], [2, 3], [1, 1], [4, 4, 4], *drawn, [784, 300, 100, 10]]
    results = []
    for sizes in cases:
        result = call(answer, sizes)
        got = _number(result)
        if got is None:
            return f"Return one number for all layers together, not {kind_of(result)}."
        results.append((sizes, got))
    wrong = [(sizes, got) for sizes, got in results if got != _counts(sizes)["right"]]
    if not wrong:
        return None
    for name, message in COUNT_MISTAKES.items():
        if all(got == _counts(sizes)[name] for sizes, got in results):
            return message
    sizes, got = wrong[0]
    return (
        f"{got:.12g} for {sizes} is not it. Draw the units of each layer, and count the lines "
        "between them and the biases."
    )


def _counts(sizes: Sequence[int]) -> dict[str, int]:
    """Return the number of parameters, and what it becomes by the usual mistakes."""
    layers = list(pairwise(sizes))
    weights = sum(d_in * d_out for d_in, d_out in layers)
    return {
        "right": weights + sum(sizes[1:]),
        "weights alone": weights,
        "biases alone": sum(sizes[1:]),
        "biases of inputs": weights + sum(sizes),
        "a bias per input": weights + sum(sizes[:-1]),
        "a bias per layer": weights + len(layers),
        "none at the output": weights + sum(sizes[1:-1]),
        "without the last layer": sum((a + 1) * b for a, b in layers[:-1]),
        "without the first layer": sum((a + 1) * b for a, b in layers[1:]),
        "without layers between": (sizes[0] + 1) * sizes[-1],
        "first layer alone": (sizes[0] + 1) * sizes[1],
        "units": sum(sizes),
    }


COUNT_MISTAKES = {
    "weights alone": "These are the weights alone: each unit also has a bias.",
    "biases alone": "These are the biases alone: where are the weights?",
    "biases of inputs": "This has a bias for each input too: inputs are not units.",
    "a bias per input": "A layer has one bias per output; yours has one per input.",
    "a bias per layer": "This has one bias per layer: each of its units has its own.",
    "none at the output": "The units of the last layer have biases, too.",
    "without the last layer": "The last layer is missing.",
    "without the first layer": "The first layer, from the inputs to the first units, is missing.",
    "without layers between": "The layers between the first and the last size are missing.",
    "first layer alone": "This is the first layer alone.",
    "units": "This is the number of units: count the numbers that are learned.",
}


def check_cross_entropy(answer: Any) -> str | None:
    """Compare with (4.5) on random logits, then on logits that overflow, alone and together."""
    rng = np.random.default_rng(4)
    results = []
    for n, classes in ((7, 10), (5, 3), (3, 5), (4, 4), (1, 4), (300, 2)):
        z = 2 * rng.normal(size=(n, classes)) + rng.normal(size=(n, 1))
        y = rng.integers(classes, size=n)
        if n == 5:
            y %= 2  # the last class is absent
        if n == classes:
            y = 1 + y % 3  # the first one is
        results.append((z, y, _loss(call(answer, z, y))))
    right = [_cross_entropy(z, y) for z, y, _ in results]
    if all(_close(got, loss) for (_, _, got), loss in zip(results, right, strict=True)):
        return _check_large_logits(answer)
    for name, message in LOSS_MISTAKES.items():
        if all(_close(got, _cross_entropies(z, y)[name]) for z, y, got in results):
            return message
    shape, got = next(
        (z.shape, got)
        for (z, _, got), loss in zip(results, right, strict=True)
        if not _close(got, loss)
    )
    return f"For random logits of shape {shape} your loss is {got:.4g}; (4.5) gives another number."


def _loss(result: Any) -> float:
    """Return a loss as a number; an array of more is told so."""
    got = _number(result)
    if got is None:
        raise Mistake(
            f"Your function returns {kind_of(result)}: the loss is one number, the mean over "
            "images."
        )
    return got


def _cross_entropy(z: Floats, y: Labels) -> float:
    return float(-log_softmax(z, axis=1)[np.arange(len(y)), y].mean())


def _cross_entropies(z: Floats, y: Labels) -> dict[str, float]:
    """Return what the loss becomes by the usual mistakes, for logits of ordinary size."""
    rows = np.arange(len(y))
    log_p = log_softmax(z, axis=1)
    p = np.exp(log_p)
    right = _cross_entropy(z, y)
    of_others = np.log1p(-p).sum(axis=1) - np.log1p(-p[rows, y])
    found = {
        "sign": -right,
        "sum": len(y) * right,
        "divided by K": right / z.shape[1],
        "axis": -log_softmax(z, axis=0)[rows, y].mean(),
        "all at once": -(z - np.log(np.exp(z).sum()))[rows, y].mean(),
        "no softmax": -z[rows, y].mean(),
        "softmax twice": -log_softmax(p, axis=1)[rows, y].mean(),
        "no logarithm": -p[rows, y].mean(),
        "probability": p[rows, y].mean(),
        "base 2": right / np.log(2),
        "base 10": right / np.log(10),
        "all classes": -log_p.mean(),
        "all classes, summed": -log_p.sum(axis=1).mean(),
        "surest": -log_p.max(axis=1).mean(),
        "binary": right - of_others.mean(),
        "logarithm of the mean": -np.log(p[rows, y].mean()),
    }
    return {name: float(value) for name, value in found.items()}


LOSS_MISTAKES = {
    "sign": "The sign: the logarithm of a probability is negative, the loss is not.",
    "sum": "This is the sum over the images: a factor 1/n is missing.",
    "divided by K": "This is divided by the number of classes too: the mean is over images only.",
    "axis": "The probabilities of an image must add up to 1; yours do so over the batch. "
    "Along which axis do you sum?",
    "all at once": "The probabilities of each image must add up to 1; yours do so over the whole "
    "array. Along which axis do you sum?",
    "no softmax": "This is the mean logit with its sign changed: the softmax is missing.",
    "softmax twice": "The softmax is taken twice.",
    "no logarithm": "The logarithm of the probability is missing.",
    "probability": "This is the mean probability of the right class: the logarithm is missing.",
    "base 2": "The logarithm is the natural one, np.log, not to base 2.",
    "base 10": "The logarithm is the natural one, np.log, not to base 10.",
    "all classes": "This averages over all classes: take the probability of the right one only.",
    "all classes, summed": "This adds up all classes: take the probability of the right one only.",
    "surest": "This takes the highest probability of each image: take that of its label.",
    "binary": "(4.5) has the probability of the right class only; yours has the others' 1 − p too.",
    "logarithm of the mean": "(4.5) is a mean of logarithms; yours is the logarithm of a mean.",
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
        if not _close(got, right):
            return _explain_large_loss(got, right, size)
    z, y = np.array([logits for logits, _, _ in LARGE]), np.array([label for _, label, _ in LARGE])
    with np.errstate(all="ignore"):
        got = _loss(call(answer, z, y))
    if _close(got, _cross_entropy(z, y)):
        return None
    return (
        f"Right for each image alone, but for a batch of them your loss is {got:.4g}: the logits "
        "of one image may be 2,000 above those of another, and (4.4) looks at one image."
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


def check_move(answer: Any) -> str | None:
    """Compare with a cut from the padded image, for all nine moves, the simplest first."""
    rng = np.random.default_rng(4)
    moves = sorted(product((-1, 0, 1), repeat=2), key=lambda move: abs(move[0]) + abs(move[1]))
    results = []
    for dy, dx in moves:
        x = _picture(rng)
        result = call(answer, x, dy, dx)
        got = np.asarray(result, dtype=float)
        if got.shape != (28, 28):
            return f"For dy={dy}, dx={dx} the result has shape {got.shape}: the frame is 28 by 28."
        results.append((x, dy, dx, got))
    wrong = [result for result in results if not _is_moved(*result)]
    if not wrong:
        return None
    for name, message in MOVE_MISTAKES.items():
        if all(_same_picture(got, _moves(x, dy, dx)[name]) for x, dy, dx, got in results):
            return message
    return _explain_move(*wrong[0])


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


def _same_picture(got: Floats, expected: Floats) -> bool:
    return np.allclose(got, expected, rtol=1e-5, atol=1e-5)


def _is_moved(x: Floats, dy: int, dx: int, got: Floats) -> bool:
    """Tell whether an image is moved right; paper may be rounded as the chapter prints it."""
    free = _came_free(dy, dx)
    paper = np.allclose(got[free], PAPER, rtol=0, atol=0.006)  # it prints -0.42
    return bool(paper) and _same_picture(got[~free], _move(x, dy, dx)[~free])


def _moves(x: Floats, dy: int, dx: int) -> dict[str, Floats]:
    """Return what a moved image becomes by the usual mistakes."""
    edges = np.pad(x, 1, mode="edge")[1 - dy : 29 - dy, 1 - dx : 29 - dx]
    mirrored = np.pad(x, 1, mode="reflect")[1 - dy : 29 - dy, 1 - dx : 29 - dx]
    return {
        "still": x,
        "opposite": _move(x, -dy, -dx),
        "swapped": _move(x, dx, dy),
        "swapped and opposite": _move(x, -dx, -dy),
        "up": _move(x, -dy, dx),
        "left": _move(x, dy, -dx),
        "down alone": _move(x, dy, 0),
        "across alone": _move(x, 0, dx),
        "rolled": np.roll(x, (dy, dx), axis=(0, 1)),
        "rolled, swapped": np.roll(x, (dx, dy), axis=(0, 1)),
        "rolled, opposite": np.roll(x, (-dy, -dx), axis=(0, 1)),
        "grey": _move(x, dy, dx, 0),
        "grey, opposite": _move(x, -dy, -dx, 0),
        "grey, swapped": _move(x, dx, dy, 0),
        "ink": _move(x, dy, dx, (1 - 0.1307) / 0.3081),
        "brightest": _move(x, dy, dx, float(x.max())),
        "mean": _move(x, dy, dx, float(x.mean())),
        "repeated": edges,
        "mirrored": mirrored,
        "corner": _move(x, dy, dx, float(x[0, 0])),
    }


OPPOSITE = "It moves the opposite way: positive dy is down, positive dx is to the right."
SWAPPED = "dy and dx are swapped: the first axis is down, the second is across."
GREY = "0 is a grey in a standardised image, and what comes free must be paper."
ROLLED = "What leaves the frame comes back on the other side."
INK = "What comes free is ink, and must be paper."
MOVE_MISTAKES = {
    "still": "Nothing moves.",
    "opposite": OPPOSITE,
    "swapped": SWAPPED,
    "swapped and opposite": f"{SWAPPED} And it moves the opposite way.",
    "up": "It is right across, but moves up where it should move down.",
    "left": "It is right up and down, but moves left where it should move right.",
    "down alone": "It moves up and down alone: what about dx?",
    "across alone": "It moves across alone: what about dy?",
    "rolled": ROLLED,
    "rolled, swapped": f"{ROLLED} And dy and dx are swapped.",
    "rolled, opposite": f"{ROLLED} And it moves the opposite way.",
    "grey": GREY,
    "grey, opposite": f"{OPPOSITE} And {GREY}",
    "grey, swapped": f"{SWAPPED} And {GREY}",
    "ink": INK,
    "brightest": INK,
    "mean": "What comes free has the image's mean, and must be paper.",
    "repeated": "What comes free repeats the pixels beside it, and must be paper.",
    "mirrored": "What comes free mirrors the image, and must be paper.",
    "corner": "What comes free has the value of a corner, and a corner may have ink.",
}


def _explain_move(x: Floats, dy: int, dx: int, got: Floats) -> str:
    free = _came_free(dy, dx)
    if _same_picture(got[~free], _move(x, dy, dx)[~free]):
        return f"For dy={dy}, dx={dx} the image is in its place, but what came free is not paper."
    return f"For dy={dy}, dx={dx} the pixels are not where they should be."


def check_adamw_step(answer: Any) -> str | None:
    """Take single steps: the first ones, later ones, and some in which only one term counts."""
    results = []
    for case in _steps(np.random.default_rng(4)):
        results.append((case, _three_numbers(call(answer, *case))))
    wrong = [(case, got) for case, got in results if not _same_step(got, _adamw(*case), case)]
    if not wrong:
        return None
    for name, message in ADAMW_MISTAKES.items():
        if all(_same_step(got, _adamw(*case, mistake=name), case) for case, got in results):
            return message
    case, got = wrong[0]
    names = [n for n, same in zip("wmv", _agree(got, _adamw(*case), case), strict=True) if not same]
    given = ", ".join(f"{n} = {v:.4g}" for n, v in zip(STEP_NAMES, case, strict=True))
    verb = "differs" if len(names) == 1 else "differ"
    return f"For {given} the new {', '.join(names)} {verb} from (4.10)."


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
    w: float, g: float, m: float, v: float, t: int, lr: float, decay: float, mistake: str = ""
) -> Numbers:
    """Take a step of AdamW, or of AdamW with one mistake."""
    before = w, m, v
    if mistake in ("coupled", "twice"):
        g += decay * w
    beta_1, beta_2 = (0.999, 0.9) if mistake == "betas swapped" else (0.9, 0.999)
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * (g if mistake == "not squared" else g**2)
    m_hat = m if mistake in ("uncorrected", "m uncorrected") else m / (1 - beta_1**t)
    v_hat = v if mistake in ("uncorrected", "v uncorrected") else v / (1 - beta_2**t)
    with np.errstate(invalid="ignore"):  # not squared, v may be negative
        below = {
            "without root": v_hat + 1e-8,
            "under the root": np.sqrt(v_hat + 1e-8),
        }.get(mistake, np.sqrt(v_hat) + 1e-8)
    step = lr * (m_hat + decay * w if mistake == "divided" else m_hat) / below
    pull = {
        "without decay": 0.0,
        "coupled": 0.0,
        "divided": 0.0,
        "without lr": decay * w,
        "lr squared": lr**2 * decay * w,
        "growing": -lr * decay * w,
        "without w": lr * decay,
        "of the new weight": lr * decay * (w - step),
    }.get(mistake, lr * decay * w)
    w = w - pull + (step if mistake == "uphill" else -step)
    return {
        "hats returned": (w, m_hat, v_hat),
        "old returned": (w, before[1], before[2]),
        "change returned": (w - before[0], m, v),
        "order": (m, v, w),
    }.get(mistake, (w, m, v))


ADAMW_MISTAKES = {
    "coupled": "The decay joins the gradient here: that is Adam's coupled L2, (4.9).",
    "twice": "The decay acts twice: on the weight, as in (4.10), and on the gradient, as in (4.9).",
    "divided": "The decay is divided by the root of v̂ here: (4.10) takes it off the weight itself.",
    "of the new weight": "The decay takes its share of the new weight here: in (4.10) it takes it "
    "of the old one.",
    "uncorrected": "m and v are not corrected for having started at 0: the step takes m̂ and v̂.",
    "m uncorrected": "m is not corrected for having started at 0: the step takes m̂.",
    "v uncorrected": "v is not corrected for having started at 0: the step takes v̂.",
    "without lr": "The decay must be multiplied by the learning rate.",
    "lr squared": "The decay is multiplied by the learning rate twice.",
    "without w": "The decay is a share of the weight: multiply it by w.",
    "growing": "The weight grows: subtract the decay.",
    "without decay": "There is no weight decay yet.",
    "without root": "Divide by the square root of v̂, not by v̂ itself.",
    "under the root": "ε is added to the root, not under it.",
    "not squared": "v is the running mean of the squares of the gradients.",
    "betas swapped": "β₁ and β₂ are swapped: 0.9 belongs to m, 0.999 to v.",
    "uphill": "The step goes up the gradient: subtract it.",
    "hats returned": "Return m and v as they are before the correction: the next step needs those.",
    "old returned": "Return the new m and v: yours are those that the step began with.",
    "change returned": "Return the new weight, not the change.",
    "order": "Return w, m and v in this order.",
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


def _same_step(got: Numbers, expected: Numbers, case: Step) -> bool:
    return all(_agree(got, expected, case))


def _agree(got: Numbers, expected: Numbers, case: Step) -> list[bool]:
    """Compare w, m and v, each relative to its size: w's is that of the old weight and the step."""
    scale = max(abs(case[0]), abs(expected[0]), case[5])
    return [
        bool(np.isclose(got[0], expected[0], rtol=0, atol=1e-5 * scale, equal_nan=True)),
        bool(np.isclose(got[1], expected[1], rtol=1e-4, atol=0)),
        bool(np.isclose(got[2], expected[2], rtol=1e-4, atol=0)),
    ]


def _close(got: float, expected: float) -> bool:
    return bool(np.isclose(got, expected, rtol=1e-4, atol=1e-7))


def _number(value: Any) -> float | None:
    """Read a number, a NumPy scalar, or an array or tensor without axes; None for all else."""
    if isinstance(value, str | bytes | bool):
        return None
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError):  # of no kind that an array can hold
        return None
    real = array.shape == () and np.issubdtype(array.dtype, np.number)
    return float(array) if real and not np.iscomplexobj(array) else None


# In the order of the exercises.
CHECKS: list[Check] = [
    check_count_parameters,
    check_cross_entropy,
    check_move,
    check_adamw_step,
]
