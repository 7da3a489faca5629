"""The sixth step: the most probable way to read the candidates as a row of digits and marks."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lessonlib.checks.candidates import MARK

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


def best_path(found: npt.NDArray[np.int64], log_p: Floats, primitives: int) -> CandidatePath:
    """Find the candidates that cover every primitive once and are the most probable together.

    Dynamic programming: each candidate that ends at primitive k makes one way there, the best way
    to its own start followed by itself, and the best of these is kept. A candidate counts as its
    most probable digit or as a mark, never as junk: a cut that makes junk is a wrong cut. The same
    recursion with a sum in place of the maximum gives the probability of all ways together.

    Parameters
    ----------
    found : int array, shape (n, 2)
        First primitive of each candidate and the first one after its last, as
        `candidates.runs` gives them: ordered by the second.
    log_p : float array, shape (n, 12)
        Log probabilities of the classes.
    primitives : int
        How many the field has.

    Returns
    -------
    CandidatePath
        Without steps for a field without primitives.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition,
    1998, sections VI and X.
    """
    best, total = [0.0], [0.0]  # at the end of the first 0, 1, 2, ... primitives
    last_steps: list[tuple[int, int]] = [(-1, -1)]
    classes = log_p[:, :MARK].argmax(axis=1)
    digit = log_p[:, :MARK].max(axis=1)
    choice = np.where(digit >= log_p[:, MARK], classes, MARK)
    own_best = np.maximum(digit, log_p[:, MARK]).tolist()
    own_total = np.logaddexp.reduce(log_p[:, : MARK + 1], axis=1).tolist()
    ends = found[:, 1].tolist()
    starts = found[:, 0].tolist()
    number = 0
    for end in range(1, primitives + 1):
        ways = []
        while number < len(ends) and ends[number] == end:
            start = starts[number]
            ways.append((best[start] + own_best[number], number, total[start] + own_total[number]))
            number += 1
        score, step, _ = max(ways)
        best.append(score)
        total.append(float(np.logaddexp.reduce([way[2] for way in ways])))
        last_steps.append((step, int(choice[step])))
    steps = []
    end = primitives
    while end > 0:
        steps.append(last_steps[end])
        end = starts[last_steps[end][0]]
    return CandidatePath(tuple(reversed(steps)), best[-1], best[-1] - total[-1])
