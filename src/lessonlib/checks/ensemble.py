"""Both ways to read: what one misreads, the other one often doesn't.

Either way gives the texts it finds most probable. Their probabilities are multiplied, as if the two
ways erred independently, but one of them raised to a power, the `mix`, since they are not equally
sure of themselves. The text with the largest product is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from lessonlib.checks.ctc import Text, log_likelihood, log_likelihoods, merge_into_blank
from lessonlib.checks.cutting import Cutting, Field, candidates_in, searched
from lessonlib.checks.find import find_writing
from lessonlib.checks.image import Gray
from lessonlib.checks.lines import (
    LineField,
    Lines,
    best_line_texts,
    describe_line,
    line_in,
    read_columns,
)
from lessonlib.checks.readings import Reading, Texts, calibrated, log_odds

UNLIKELY = -12.0  # the log of a probability below this counts as this: the way has no such text


def together(line_log_p: npt.NDArray[np.float64], cut_texts: Texts, mix: float) -> Texts:
    """Rank the texts that either way finds, by the product of their probabilities.

    Parameters
    ----------
    line_log_p : float64 array, shape (T, 11)
        What the columns say of digits and the blank.
    cut_texts : list of (str, float)
        The texts of the way that cuts, with the log of their share.
    mix : float
        The power of the cutting way's probability; 1 where both count alike.

    Returns
    -------
    list of (str, float)
        With the log of their share of the products of all, the best first. Texts that the columns
        have no room for are left out.
    """
    found = {text for text, _ in best_line_texts(line_log_p)} | dict(cut_texts).keys()
    texts = [numbers_of(text) for text in sorted(found)]
    scores = products(line_log_p, dict(cut_texts), mix, texts)
    shares = (scores - np.logaddexp.reduce(scores)).tolist()
    ranked = sorted(zip(sorted(found), shares, strict=True), key=lambda pair: -pair[1])
    return [(text, share) for text, share in ranked if share > -np.inf]


def products(
    line_log_p: npt.NDArray[np.float64],
    cut_shares: Mapping[str, float],
    mix: float,
    texts: Sequence[Text],
) -> npt.NDArray[np.float64]:
    """Compute the log of the product of both ways' probabilities for each of n texts, (n,).

    It is -inf where the columns have no room for a text.
    """
    line = log_likelihoods(line_log_p, texts)
    cut = [cut_shares.get("".join(map(str, text)), UNLIKELY) for text in texts]
    both = np.maximum(line, UNLIKELY) + mix * np.maximum(cut, UNLIKELY)
    return np.where(np.isneginf(line), -np.inf, both)


def numbers_of(text: str) -> Text:
    """Turn a text into the numbers of its classes."""
    return tuple(map(int, text))


@dataclass(frozen=True)
class Ensemble:
    """Asks a way that cuts and a way that reads the line whole, and weighs what they say.

    The calibration has the "mix" of `together`, and a weight for each of the features.
    """

    cutting: Cutting
    lines: Lines
    calibration: Mapping[str, float]

    def prepare(self, gray: Gray) -> tuple[Field, LineField]:
        """Take an image through all steps before the networks."""
        found = find_writing(gray)
        size = gray.shape[::-1]
        return candidates_in(found, size), line_in(found, size)

    def read(
        self, fields: Sequence[tuple[Field, LineField]], min_confidence: float = 0.0
    ) -> list[Reading]:
        """Read fields, all of them in one pass of each network."""
        cut, lines = [field for field, _ in fields], [line for _, line in fields]
        columns = read_columns(self.lines.model, [line.pictures for line in lines])
        parts = self.cutting.log_probabilities(cut)
        return [
            self.weigh(field, log_p, line, columns_of_line, min_confidence)
            for field, log_p, line, columns_of_line in zip(cut, parts, lines, columns, strict=True)
        ]

    def weigh(
        self,
        field: Field,
        log_p: npt.NDArray[np.float64],
        line: LineField,
        columns: npt.NDArray[np.float64],
        min_confidence: float,
    ) -> Reading:
        """Read one field, given what the networks say of its candidates and of its columns."""
        features, texts, cut_texts = self.features(field, log_p, columns)
        confidence = calibrated(features, self.calibration) if texts[0][0] else 0.0
        digit_columns = merge_into_blank(columns, keep=10)
        score = partial(products, digit_columns, dict(cut_texts), self.calibration["mix"])
        return describe_line(line, columns, texts, score, confidence, min_confidence)

    def features(
        self, field: Field, log_p: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]
    ) -> tuple[dict[str, float], Texts, Texts]:
        """Give the numbers that the confidence is computed from, and the texts they are about.

        The texts are those of both ways, as `together` ranks them, and then those of the way that
        cuts.
        """
        path, cut_texts = searched(field, log_p)
        digit_columns = merge_into_blank(columns, keep=10)
        texts = together(digit_columns, cut_texts, self.calibration["mix"])
        best, share = texts[0]
        score = log_likelihood(digit_columns, numbers_of(best))
        features = {
            "share": log_odds(share),
            "line": log_odds(max(score, UNLIKELY)),
            "cut": log_odds(max(dict(cut_texts).get(best, UNLIKELY), UNLIKELY)),
            "path": max(log_odds(path.score), UNLIKELY),
        }
        return features, texts, cut_texts
