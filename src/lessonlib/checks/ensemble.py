"""Both ways to read: what one misreads, the other one often doesn't.

Either way gives the texts it finds most probable. Their probabilities are multiplied, as if the two
ways erred independently, but one of them raised to a power, the `mix`, since they are not equally
sure of themselves. The text with the largest product is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from lessonlib.checks.ctc import Text
from lessonlib.checks.cutting import Cutting, Field, candidates_in, searched
from lessonlib.checks.find import find_writing
from lessonlib.checks.image import Gray
from lessonlib.checks.lines import (
    Columns,
    Evidence,
    LineField,
    Lines,
    describe_line,
    evidence_of,
    line_in,
    mean_log_likelihoods,
    spans_of,
)
from lessonlib.checks.readings import Reading, Texts, calibrated, log_odds

UNLIKELY = -12.0  # the log of a probability below this counts as this: the way has no such text


def together(looks: Sequence[Columns], line_texts: Texts, cut_texts: Texts, mix: float) -> Texts:
    """Rank the texts that either way finds, by the product of their probabilities.

    Parameters
    ----------
    looks : list of float64 array, shape (T, 11)
        What the columns say of digits and the blank, at each look.
    line_texts : list of (str, float)
        The texts that the columns find, with the log of their probability.
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
    found = dict(line_texts).keys() | dict(cut_texts).keys()
    texts = [numbers_of(text) for text in sorted(found)]
    scores = products(looks, dict(cut_texts), mix, texts)
    shares = (scores - np.logaddexp.reduce(scores)).tolist()
    ranked = sorted(zip(sorted(found), shares, strict=True), key=lambda pair: -pair[1])
    return [(text, share) for text, share in ranked if share > -np.inf]


def products(
    looks: Sequence[Columns],
    cut_shares: Mapping[str, float],
    mix: float,
    texts: Sequence[Text],
) -> npt.NDArray[np.float64]:
    """Compute the log of the product of both ways' probabilities for each of n texts, (n,).

    It is -inf where the first look has no room for a text.
    """
    line = mean_log_likelihoods(looks, texts)
    cut = [cut_shares.get("".join(map(str, text)), UNLIKELY) for text in texts]
    both = np.maximum(line, UNLIKELY) + mix * np.maximum(cut, UNLIKELY)
    return np.where(np.isneginf(line), -np.inf, both)


def numbers_of(text: str) -> Text:
    """Turn a text into the numbers of its classes."""
    return tuple(map(int, text))


@dataclass(frozen=True)
class Weighed:
    """What both ways say of a field, weighed.

    Attributes
    ----------
    texts : list of (str, float)
        Those of both ways, as `together` ranks them.
    cut_texts : list of (str, float)
        Those of the way that cuts.
    agreed : bool
        Whether both ways find the same text the most probable.
    features : dict
        The numbers that the confidence in the best text is computed from.
    """

    texts: Texts
    cut_texts: Texts
    agreed: bool
    features: dict[str, float]


def weigh(field: Field, log_p: npt.NDArray[np.float64], line: Evidence, mix: float) -> Weighed:
    """Weigh what both ways say of one field.

    The log probabilities are those of its candidates, (n, 12).
    """
    path, cut_texts = searched(field, log_p)
    texts = together(line.looks, line.texts, cut_texts, mix)
    best, share = texts[0]
    (score,) = mean_log_likelihoods(line.looks, [numbers_of(best)]).tolist()
    agreed = line.texts[0][0] == cut_texts[0][0]
    features = {
        "share": log_odds(share),
        "line": log_odds(max(score, UNLIKELY)),
        "cut": log_odds(max(dict(cut_texts).get(best, UNLIKELY), UNLIKELY)),
        "path": max(log_odds(path.score), UNLIKELY),
        "agreed": float(agreed),
        "looks": line.agreed,
    }
    return Weighed(texts, cut_texts, agreed, features)


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
        evidence = evidence_of(self.lines.model, [line.pictures for line in lines])
        weighed = self.weigh_all(cut, self.cutting.log_probabilities(cut), evidence)
        spans = spans_of(evidence, [one.texts[0][0] for one in weighed])
        readings = [
            describe_line(
                line,
                seen.columns,
                one.texts,
                spans_of_line,
                partial(products, seen.looks, dict(one.cut_texts), self.calibration["mix"]),
                calibrated(one.features, self.calibration) if one.texts[0][0] else 0.0,
                min_confidence,
            )
            for line, seen, one, spans_of_line in zip(lines, evidence, weighed, spans, strict=True)
        ]
        return [
            replace(reading, agreed=one.agreed)
            for reading, one in zip(readings, weighed, strict=True)
        ]

    def weigh_all(
        self,
        fields: Sequence[Field],
        parts: Sequence[npt.NDArray[np.float64]],
        evidence: Sequence[Evidence],
    ) -> list[Weighed]:
        """Weigh what both ways say of each field: of its candidates, and of its columns."""
        mix = self.calibration["mix"]
        return [
            weigh(field, log_p, line, mix)
            for field, log_p, line in zip(fields, parts, evidence, strict=True)
        ]
