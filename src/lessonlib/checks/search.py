"""The sixth step: the most probable way to read the candidates as a row of digits and marks.

A way says where the field is cut, and which class each part has. Many ways have the same digits:
`best_path` finds the one best way, `best_texts` adds up the ways to each text.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lessonlib.checks.candidates import MARK, Candidates

Floats = npt.NDArray[np.float64]
Beam = dict[str, float]  # texts, and the sum over the ways to each beside that of the best

# A class, or the beginning of a text, that is less probable than this beside the best at its place
# isn't followed up. As in `ctc`: far below any doubt that matters.
UNLIKELY = 1e-4


@dataclass(frozen=True)
class CandidatePath:
    """A way through a field, from its first primitive to its last.

    Attributes
    ----------
    steps : tuple of (int, int)
        Number of the candidate, and its class: 0 to 9 or `MARK`.
    score : float
        Sum of the steps' log probabilities.
    share : float
        Log of the share that this path has of all paths' probabilities, at most 0.
    """

    steps: tuple[tuple[int, int], ...]
    score: float
    share: float


def best_path(candidates: Candidates, log_p: Floats, primitives: int) -> CandidatePath:
    """Find the candidates that cover every primitive once and are the most probable together.

    Dynamic programming: each candidate that ends at primitive k makes one way there, the best way
    to its own start followed by itself, and the best of these is kept. A candidate counts as its
    most probable digit or as a mark, never as junk: a cut that makes junk is a wrong cut. The same
    recursion with a sum in place of the maximum gives the probability of all ways together.

    The candidates, (n, 2), are those of `runs`, and `log_p`, (n, 12), has the log probabilities of
    their classes. The number of primitives may be 0: then the path has no steps.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition,
    1998, sections VI and X.

    Examples
    --------
    >>> candidates = np.array([[0, 1], [1, 2], [0, 2]])  # two halves, and both together
    >>> p = np.full((3, 12), 0.01)
    >>> p[0, 11] = p[1, 11] = p[2, 8] = 0.89  # the halves look like junk, the whole like an 8
    >>> best_path(candidates, np.log(p), primitives=2).steps
    ((2, 8),)
    """
    kinds = log_p[:, : MARK + 1].argmax(axis=1).tolist()
    own_best = log_p[:, : MARK + 1].max(axis=1).tolist()
    own_total = np.logaddexp.reduce(log_p[:, : MARK + 1], axis=1).tolist()
    starts = candidates[:, 0].tolist()
    ending_at: list[list[int]] = [[] for _ in range(primitives + 1)]
    for number, end in enumerate(candidates[:, 1].tolist()):
        ending_at[end].append(number)

    best, total, last = [0.0], [0.0], [-1]  # at the end of the first 0, 1, 2, ... primitives
    for numbers in ending_at[1:]:
        score, number = max((best[starts[n]] + own_best[n], n) for n in numbers)
        best.append(score)
        total.append(float(np.logaddexp.reduce([total[starts[n]] + own_total[n] for n in numbers])))
        last.append(number)

    steps, end = [], primitives
    while end > 0:
        steps.append((last[end], kinds[last[end]]))
        end = starts[last[end]]
    return CandidatePath(tuple(reversed(steps)), best[-1], best[-1] - total[-1])


def best_texts(
    candidates: Candidates, log_p: Floats, primitives: int, count: int = 5, width: int = 8
) -> list[tuple[str, float]]:
    """Find the most probable texts of digits, and the log of each one's share, the best first.

    A text's share is the sum over its ways, divided by the sum over all ways. All ways are those of
    `CandidatePath.share`: every cut of the field into candidates, and for each candidate every
    digit or a mark, never junk. Marks are no part of a text, so ways with other marks or other cuts
    count together where they have the same digits. The shares of all texts add up to 1.

    It is a beam search: for the first 1, 2, ... primitives it keeps the `width` most probable
    beginnings of a text. What it drops is lost, so a text that begins improbably may be missed.
    The shares that are returned are exact. There is at least one text, and at most `count`, as far
    as the search finds them. Texts with equal shares are in the order of their digits.

    The candidates, (n, 2), and `log_p`, (n, 12), are those of `best_path`. A log probability that
    isn't finite, and a `count` or `width` below 1, raise a ValueError.

    Examples
    --------
    The whole looks like an 8, and perhaps like a 0. Its halves look like a 1 and a mark:

    >>> candidates = np.array([[0, 1], [1, 2], [0, 2]])
    >>> p = np.full((3, 12), 0.001)
    >>> p[0, 1], p[1, 10], p[2, 8], p[2, 0] = 0.5, 0.5, 0.6, 0.3
    >>> found = best_texts(candidates, np.log(p), primitives=2, count=3)
    >>> [(text, round(float(np.exp(share)), 2)) for text, share in found]
    [('8', 0.51), ('0', 0.26), ('1', 0.21)]
    """
    if count < 1 or width < 1:
        raise ValueError(f"count and width must be 1 or more; not {count} and {width}")
    if not np.isfinite(log_p).all():
        raise ValueError("log_p must be finite; the network may have given NaN or inf")
    order = np.argsort(candidates[:, 1], kind="stable")
    candidates, log_p = candidates[order], log_p[order, : MARK + 1]
    texts, scale = _search_texts(candidates, log_p, primitives, max(count, width))
    path = best_path(candidates, log_p, primitives)
    of_all = scale[-1] - (path.score - path.share)
    sums = _sums_of(texts, candidates, log_p, np.array(scale))
    shares = [min(0.0, math.log(one) + of_all) for one in sums.tolist()]
    return sorted(zip(texts, shares, strict=True), key=lambda pair: (-pair[1], pair[0]))[:count]


def _search_texts(
    candidates: Candidates, log_p: Floats, primitives: int, width: int
) -> tuple[list[str], list[float]]:
    """Run the beam over all primitives: return its last texts, and the scale of every beam.

    There is a beam before the first primitive, and one after each. In a beam the best text has 1,
    and the scale is the log of what it stands for: so nothing underflows in a long field. The
    candidates are ordered by their ends.
    """
    starts, own_best = candidates[:, 0].tolist(), log_p.max(axis=1).tolist()
    classes = _likely_classes(log_p)
    beams: list[Beam] = [{"": 1.0}]
    scale = [0.0]
    for first, stop in pairwise(_edges(candidates, primitives)):
        scores = [scale[starts[n]] + own_best[n] for n in range(first, stop)]
        most = max(scores)
        beam: Beam = {}
        for n, score in zip(range(first, stop), scores, strict=True):
            if (p := math.exp(score - most)) >= UNLIKELY:
                _extend(beam, beams[starts[n]], classes[n], p)
        best = max(beam.values())
        beams.append(_prune(beam, best, width))
        scale.append(most + math.log(best))
    return list(beams[-1]), scale


def _likely_classes(log_p: Floats) -> list[list[tuple[str, float]]]:
    """List each candidate's likely classes, as what they add to a text.

    A digit adds itself, and a mark nothing. With it comes its probability beside the best class.
    """
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
    rows, kinds = np.nonzero(p >= UNLIKELY)
    likely: list[list[tuple[str, float]]] = [[] for _ in p]
    for row, kind, own in zip(rows.tolist(), kinds.tolist(), p[rows, kinds].tolist(), strict=True):
        likely[row].append(("" if kind == MARK else str(kind), own))
    return likely


def _extend(beam: Beam, before: Beam, classes: list[tuple[str, float]], p: float) -> None:
    """Add to a beam what a candidate makes of the texts before it; p is that of its best class."""
    for character, own in classes:
        for text, so_far in before.items():
            if (share := so_far * own * p) >= UNLIKELY:
                longer = text + character
                beam[longer] = beam.get(longer, 0.0) + share


def _prune(beam: Beam, best: float, width: int) -> Beam:
    """Keep at most `width` texts, none of them unlikely beside the best, which becomes 1."""
    kept = {text: own / best for text, own in beam.items() if own >= UNLIKELY * best}
    if len(kept) <= width:
        return kept
    return dict(sorted(kept.items(), key=lambda item: -item[1])[:width])


def _sums_of(texts: list[str], candidates: Candidates, log_p: Floats, scale: Floats) -> Floats:
    """Add up all ways to each of n texts, shape (n,), as multiples of the last beam's scale.

    For each number of primitives, the table has n columns for each number of digits: the sums over
    the ways to the first 0, 1, 2, ... digits of each text. A mark leaves a sum where it is, and a
    digit takes it n columns on. Shorter texts are filled up with zeros, and what comes after their
    ends isn't used.
    """
    n, longest = len(texts), max(map(len, texts))
    digits = [int(text[i : i + 1] or 0) for i in range(longest) for text in texts]
    starts, ends = candidates.T
    p = np.exp(log_p + (scale[starts] - scale[ends])[:, np.newaxis])
    marks, digit_p = p[:, MARK], p[:, np.array(digits, dtype=np.int64)]
    table = np.zeros((len(scale), n * (longest + 1)))
    table[0, :n] = 1.0
    for end, (first, stop) in enumerate(pairwise(_edges(candidates, len(scale) - 1)), start=1):
        before = table[starts[first:stop]]
        table[end] = marks[first:stop] @ before
        table[end, n:] += (before[:, :-n] * digit_p[first:stop]).sum(axis=0)
    result: Floats = table[-1, [len(text) * n + i for i, text in enumerate(texts)]]
    return result


def _edges(candidates: Candidates, primitives: int) -> list[int]:
    """Say where the candidates with each end begin, and after them their number.

    They are ordered by their ends, which are 1, 2, ..., primitives.
    """
    edges: list[int] = np.searchsorted(candidates[:, 1], range(1, primitives + 2)).tolist()
    return edges
