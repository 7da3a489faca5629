"""What reading a field gives, whichever way it was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import Box, box_through

Texts = list[tuple[str, float]]  # with the log of a probability, mostly the best first
Alternatives = tuple[tuple[str, float], ...]

NO_DIGITS = "There is ink, but no digits were read in it: cut out the amount, if there is one."
UNSURE = 0.9  # a reading with less confidence comes with what may be why
LEAST_DOUBT = 1e-6  # probabilities nearer to 1 than this count as this near: log odds stay finite


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a field, as the network saw it.

    Attributes
    ----------
    box : (x, y, w, h)
        Upper left corner and size, in pixels of the image that was given.
    probabilities : float32 array, shape (10,)
        The probability of each digit, 0 to 9; they sum to 1.
    """

    box: Box
    probabilities: npt.NDArray[np.float32]

    @property
    def value(self) -> int:
        """The most probable digit, 0 to 9."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read in a field.

    Attributes
    ----------
    text : str
        Digits only, from left to right; empty when none was found.
    confidence : float
        Estimated probability in [0, 1] that the whole text is right; 0 for an empty text.
    digits : tuple of Digit
        From left to right.
    marks : tuple of (x, y, w, h)
        Ink read as something else: points, commas, dashes, currency signs, dirt.
    separator : (x, y, w, h) or None
        The decimal separator, where one was seen.
    amount : Decimal or None
        The number, where digits and marks leave no doubt: "1,250.00" and "1.250,00" are 1250.00,
        "1.250" is 1250, and "12.5" is None.
    accepted : bool
        Whether the confidence reaches the one that was asked for. An empty text's, 0, reaches 0.
    note : str
        Why nothing, or no amount, is sure, in words that a user can act on; "" where all is well.
    currency : str or None
        The currency sign, "$", "₹", "€", "£" or "R$", where one was recognised.
    alternatives : tuple of (str, float)
        The most probable texts, `text` first, each with the probability that it is right.
    agreed : bool or None
        Whether both ways to read found this text; None where only one was asked.
    """

    text: str
    confidence: float
    digits: tuple[Digit, ...]
    marks: tuple[Box, ...] = ()
    separator: Box | None = None
    amount: Decimal | None = None
    accepted: bool = False
    note: str = ""
    currency: str | None = None
    alternatives: Alternatives = ()
    agreed: bool | None = None


def in_image(reading: Reading, matrix: npt.NDArray[np.float64], size: tuple[int, int]) -> Reading:
    """Bring a reading's boxes from the writing that was found to the image around it.

    The matrix and the image's size are those of `box_through`.
    """
    if np.array_equal(matrix, np.eye(2, 3)):
        return reading
    separator = reading.separator
    return replace(
        reading,
        digits=tuple(
            replace(digit, box=box_through(matrix, digit.box, size)) for digit in reading.digits
        ),
        marks=tuple(box_through(matrix, box, size) for box in reading.marks),
        separator=None if separator is None else box_through(matrix, separator, size),
    )


def in_words(notes: Sequence[str], no_amount: str, text: str, confidence: float) -> str:
    """Put what there is to say of a reading into one line.

    What is unusual about the image is said where the reading is unsure, for it may be why.
    """
    if not text:
        return " ".join(notes) or NO_DIGITS
    said = list(notes) if confidence < UNSURE else []
    return " ".join([*said, *([f"No amount: {no_amount}."] if no_amount else [])])


def calibrated(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Turn a path's features into the probability that its text is right.

    The weights are those of a logistic regression: one for each feature, and a "constant".
    """
    if missing := features.keys() - weights.keys():
        raise ValueError(
            f"the calibration has no weight for {', '.join(sorted(missing))}: fit it anew with "
            "python -m tools.train_readers --calibrate, or tools.train_lines"
        )
    logit = weights["constant"] + sum(weights[name] * x for name, x in features.items())
    return float(1 / (1 + np.exp(-np.clip(logit, -50, 50))))


def log_odds(log_p: float) -> float:
    """Turn the logarithm of a probability p into log(p / (1 - p)), which stays finite.

    Near 1 the logarithm of p hardly moves, though 0.99 and 0.9999 are far apart in what they
    promise. The log odds keep them apart.

    Examples
    --------
    >>> [round(log_odds(np.log(p)), 1) for p in (0.5, 0.99, 0.9999)]
    [0.0, 4.6, 9.2]
    """
    log_p = min(log_p, -LEAST_DOUBT)
    return float(log_p - np.log(-np.expm1(log_p)))


def probabilities_of(texts: Texts, confidence: float) -> Alternatives:
    """Give each text its probability: the best its confidence, the others a part of the rest.

    None gets more than the best, which the confidence may find less sure than its share says.

    Parameters
    ----------
    texts : sequence of (str, float)
        Texts with the log of their share of all ways to read the field, the best first.
    confidence : float
        The calibrated probability that the best is right.

    Examples
    --------
    >>> probabilities_of([("17", np.log(0.6)), ("11", np.log(0.2))], confidence=0.8)
    (('17', 0.8), ('11', 0.1))
    """
    rest = max(1 - float(np.exp(texts[0][1])), LEAST_DOUBT) if texts else 1.0
    parts = [(1 - confidence) * float(np.exp(log)) / rest for _, log in texts[1:]]
    values = [confidence, *(min(part, confidence) for part in parts)]
    return tuple((text, round(p, 6)) for (text, _), p in zip(texts, values, strict=False))
