"""The sixth step: the most probable way to read the candidates as a row of digits and marks."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lessonlib.checks.candidates import MARK, Candidates

Floats = npt.NDArray[np.float64]


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
