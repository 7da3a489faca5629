"""The answer checks of chapter 6: reading a check."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, Unanswered, call

K, R = 0.3, 128  # Sauvola's constants, as the exercise gives them


def check_local_threshold(answer: Any) -> str | None:
    """Exercise 6.1: Sauvola's threshold for the middle of one window."""
    rng = np.random.default_rng(61)
    window = rng.integers(140, 250, size=(5, 5), dtype=np.uint8)  # bright: squares overflow
    got = call(answer, window)
    if np.ndim(got) != 0:
        return f"A window has one threshold, a single number, and yours has shape {np.shape(got)}."
    m, s = window.mean(), window.std()
    if np.isnan(got) or np.isclose(got, m * (1 - K)):
        return (
            "The standard deviation came out as NaN or 0. The window is uint8, and there the "
            "square of 200 wraps around: make it float before you square it."
        )
    mistakes = {
        "s is the standard deviation; you took its square, the variance.": (m, s**2),
        "Divide by the number of pixels n for s, not by n - 1.": (m, window.std(ddof=1)),
        "m is the mean of the window; you took the median.": (np.median(window), s),
    }
    for message, (centre, spread) in mistakes.items():
        if np.isclose(got, centre * (1 + K * (spread / R - 1))):
            return message
    if np.isclose(got, m * (1 - K * (s / R - 1))) or np.isclose(got, m * (1 + K * (s / R + 1))):
        return "A sign is wrong: on bare paper, s is 0 and the threshold must lie below the mean."
    if np.isclose(got, m * (1 + K * s / R)):
        return "The - 1 is missing: on bare paper your threshold is the mean itself."
    if np.isclose(got, 1 + K * (s / R - 1)):
        return "That is the factor in brackets: multiply it by the mean."
    if not np.isclose(got, m * (1 + K * (s / R - 1))):
        return f"With mean {m:.1f} and standard deviation {s:.1f}, {float(got):.2f} is not it."
    return None


def check_centre_of_mass(answer: Any) -> str | None:
    """Exercise 6.2: the centre of mass of an image, also of an empty one."""
    rng = np.random.default_rng(62)
    image = np.zeros((12, 20), dtype=np.uint8)
    image[1:6, 3:17] = rng.integers(1, 256, size=(5, 14))
    image[3:5, 12:16] = 255
    image[1:3, 4:9] = 0  # a shape unlike its box
    got = np.asarray(call(answer, image), dtype=np.float64)
    if got.shape != (2,):
        return f"The answer is a pair (row, column), and yours has shape {got.shape}."
    total = image.sum()
    rows, columns = np.nonzero(image)
    row = (image.sum(axis=1) * np.arange(12)).sum() / total
    column = (image.sum(axis=0) * np.arange(20)).sum() / total
    mistakes: dict[str, tuple[Any, Any]] = {
        "These are column and row: the row comes first.": (column, row),
        "Divide by the sum of all pixels, else twice the ink lies twice as far.": (
            row * total,
            column * total,
        ),
        "Rows and columns are counted from 0.": (row + 1, column + 1),
        "You counted every pixel that has ink alike: weight each with its value.": (
            rows.mean(),
            columns.mean(),
        ),
        "That is the middle of the box around the ink, not the centre of its mass.": (
            (rows.min() + rows.max()) / 2,
            (columns.min() + columns.max()) / 2,
        ),
        "You divided by the number of pixels: divide by the sum of their values.": (
            row * total / image.size,
            column * total / image.size,
        ),
    }
    for message, wrong in mistakes.items():
        if np.allclose(got, wrong):
            return message
    if not np.allclose(got, (row, column)):
        return f"({got[0]:.2f}, {got[1]:.2f}) is not the mean of the positions, weighted with ink."
    with np.errstate(all="ignore"):  # 0 / 0 is the mistake looked for
        empty = np.asarray(call(answer, np.zeros((12, 20), dtype=np.uint8)), dtype=np.float64)
    if np.isnan(empty).any():
        return "Without ink you divide 0 by 0, which is NaN: return the middle of the image then."
    if not np.allclose(empty, (5.5, 9.5)):
        return (
            "Without ink, return the middle: of 12 rows numbered 0 to 11 that is 5.5, "
            f"of 20 columns 9.5. Yours is ({empty[0]:g}, {empty[1]:g})."
        )
    return None


def check_field_confidence(answer: Any) -> str | None:
    """Exercise 6.3: how sure a field is, from its digits' probabilities."""
    probabilities = np.random.default_rng(63).dirichlet(np.full(10, 0.2), size=4)
    best = probabilities.max(axis=1)
    got = call(answer, probabilities)
    if np.ndim(got) != 0:
        return f"A field has one confidence, a single number, and yours has shape {np.shape(got)}."
    mistakes = {
        "That is the mean. The whole text is right only if every digit is.": best.mean(),
        "That is the weakest digit's. The others may be wrong too.": best.min(),
        "That is the geometric mean: the product alone is the probability of the text.": (
            best.prod() ** (1 / len(best))
        ),
        "You took the maximum of each column; a digit's probabilities are a row.": (
            probabilities.max(axis=0).prod()
        ),
        "That is the logarithm of the probability: take exp of it.": np.log(best).sum(),
        "You multiplied all 40 numbers: take the largest of each row first.": probabilities.prod(),
    }
    for message, wrong in mistakes.items():
        if np.isclose(got, wrong, rtol=1e-6, atol=0):
            return message
    if not np.isclose(got, best.prod()):
        return f"For digits that are right with {best.round(3)}, {float(got):.4f} is not it."
    try:
        empty = call(answer, np.zeros((0, 10)))
    except Unanswered:
        return "For a field without digits your function returns nothing: it must return a number."
    if np.isclose(empty, 1):
        return "A field in which nothing was found got 1: the empty product. It must get 0."
    return None if empty == 0 else f"A field without digits must get 0, and yours gives {empty}."


def check_choose_threshold(answer: Any) -> str | None:
    """Exercise 6.4: the lowest threshold that keeps the error among accepted fields down."""
    confidence = np.array([0.3, 0.9, 0.7, 0.7, 0.8, 0.2, 0.5, 0.6, 0.95, 0.4])
    correct = np.array([True, False, True, True, True, False, False, False, True, False])
    # Going down from 0.95, wrong of accepted: 0/1, 1/2, 1/3, 1/5, then 2/6, 3/7, 4/8, 4/9, 5/10.
    got = call(answer, confidence, correct, 0.3)
    if np.ndim(got) != 0:
        return f"The answer is one threshold, and yours has shape {np.shape(got)}."
    if np.isclose(got, 0.95):
        return (
            "You stop at the first mistake. Further down the error falls below the limit again, "
            "and every field more that is accepted is worth having."
        )
    if np.isclose(got, 0.5):
        return (
            "Divide the wrong ones by the number of accepted fields, not of all: turning fields "
            "away does not make the accepted ones better."
        )
    if np.isclose(got, 0.6) or np.isclose(got, 0.8):
        return "A field whose confidence is the threshold itself is accepted: compare with >=."
    if got == np.inf:
        return "There is a threshold that keeps the limit. Is it the wrong ones that you count?"
    if not np.isclose(got, 0.7):
        return f"With 0.7, five fields are accepted and one is wrong; yours is {float(got):g}."
    return _check_strict_threshold(answer, confidence, correct)


def _check_strict_threshold(
    answer: Any, confidence: npt.NDArray[np.float64], correct: npt.NDArray[np.bool_]
) -> str | None:
    """Try limits that no field, and that every field, keeps."""
    got = call(answer, confidence, np.zeros_like(correct), 0.2)
    if got != np.inf:
        return f"Where no threshold is good enough, accept nothing: return np.inf, not {got}."
    got = call(answer, confidence, np.ones_like(correct), 0.0)
    if not np.isclose(got, 0.2):
        return (
            f"Where every field is right, all can be accepted: return 0.2, the lowest, not {got}."
        )
    return None


CHECKS: dict[str, Check] = {
    "6.1": check_local_threshold,
    "6.2": check_centre_of_mass,
    "6.3": check_field_confidence,
    "6.4": check_choose_threshold,
}
