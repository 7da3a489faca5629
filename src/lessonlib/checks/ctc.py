"""Texts from columns: connectionist temporal classification (CTC).

A network that slides over a field gives probabilities in every column, and doesn't say where a
digit begins. CTC has one class more, the blank, and says which text a path has (a path is one class
in each column): equal neighbours count once, then the blanks are left out, so "_ 1 1 _ 1" reads 11.
Many paths have the same text. Given the image, the network answers for each column separately, so a
path's probability is the product over its columns, and a text's is the sum over its paths.

In this module `log_p`, float64 (T, K), has the log probabilities of K classes in T columns; the
last class is the blank. A text is a tuple or list of class numbers, 0 to K - 2. Where n texts are
treated at once, each may have columns of its own: `log_p` is (T, n, K) then, as `side_by_side`
makes it. That is quicker than one text after the other, because Python's loop over the columns
runs once.

References
----------
Graves, Fernández, Gomez and Schmidhuber, Connectionist temporal classification: labelling
unsegmented sequence data with recurrent neural networks, 2006.
Hannun, Sequence modeling with CTC, Distill, 2017.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Text = tuple[int, ...]
Beam = dict[Text, tuple[float, float]]  # see `_beam_step`

BLANK = -1  # the last class, as an index

# In a column, a class isn't tried if the best one is more than 1 / FAINT times as probable, and a
# beginning of a text isn't kept if the best one is. So the search may miss texts of about this
# share of the best one's probability, and texts that begin so improbably. Chosen as far below any
# doubt that matters.
FAINT = 1e-4

# So many columns of several fields are treated at once. It bounds the size of a table: a wide image
# of noise has many columns and long texts, and all texts beside it would get as many cells.
MOST_TOGETHER = 4096


def collapse(path: Iterable[int], blank: int = BLANK) -> Text:
    """Read a path: merge equal neighbours, then leave out the blanks.

    A path is one class for each column. `blank` is how it names the blank: -1, or K - 1 where the
    path comes from an argmax.

    Examples
    --------
    >>> collapse([1, 1, BLANK]), collapse([1, BLANK, 1])
    ((1,), (1, 1))
    """
    return tuple(int(kind) for kind, _ in groupby(path) if kind != blank)


def log_likelihood(log_p: Floats, text: Sequence[int]) -> float:
    """Compute the log probability of a text: the sum over all paths that have it.

    It is -inf where no path has it: the text is too long, or each path has a column of
    probability 0. A class that isn't one of `log_p` raises a ValueError.

    Examples
    --------
    Three columns, the classes 0, 1 and blank. Six paths read 0: "0 0 0", "0 0 _", "_ 0 0", "0 _ _",
    "_ 0 _" and "_ _ 0".

    >>> p = np.array([[0.5, 0.1, 0.4], [0.3, 0.1, 0.6], [0.4, 0.2, 0.4]])
    >>> round(float(np.exp(log_likelihood(np.log(p), [0]))), 3)
    0.432
    >>> log_likelihood(np.log(p), [0, 0, 1])  # needs a blank between the zeros: four columns
    -inf
    """
    return float(log_likelihoods(log_p, [text])[0])


def log_likelihoods(log_p: Floats, texts: Sequence[Sequence[int]]) -> Floats:
    """Compute the log probability of each of n texts, shape (n,): see `log_likelihood`.

    `log_p` is (T, K), or (T, n, K) where each text has its own columns.
    """
    _check(log_p, texts)
    states = _states(texts)
    last = forward_table(log_p, states)[-1]
    ends = 2 * np.array([len(text) for text in texts], dtype=np.int64)
    each = np.arange(len(texts))
    # A path ends in the last character or in the blank after it, states 2L - 1 and 2L; a row of the
    # table has two entries before the states.
    result: Floats = np.logaddexp(last[ends + 1, each], last[ends + 2, each])
    return result


def forward_table(
    log_p: Floats, states: npt.NDArray[np.int64], join: np.ufunc = np.logaddexp
) -> Floats:
    """Fill the table of the forward recursion, for texts that are interleaved with blanks.

    With blanks between, before and after its L characters, a text has S = 2L + 1 states, and every
    path walks through them from left to right. In a new column it stays in its state, takes one
    step, or skips a blank between two characters that differ; equal ones need their blank. So

        table[t, s] = p[t, states[s]] * (
            table[t-1, s] + table[t-1, s-1] + skip[s] * table[t-1, s-2]
        )

    is the probability of all beginnings of t columns that end in state s. `skip[s]` is 1 where
    states[s] differs from states[s-2], else 0. Here all are in logs, and `join` is what "+"
    becomes: `np.logaddexp`, or `np.maximum` for the best path in place of all.

    The states are classes, (S,) for a text, or (S, n) for n texts at once, where `log_p` may be
    (T, n, K). The result has the shape (T + 1, S + 2) or (T + 1, S + 2, n). Its first row is before
    the first column. Two entries of a row precede the states: the second is the start, 0 (log of 1)
    in the first row alone; the first keeps s - 2 in range.

    Examples
    --------
    >>> p = np.array([[0.5, 0.1, 0.4], [0.3, 0.1, 0.6], [0.4, 0.2, 0.4]])
    >>> states = np.array([BLANK, 0, BLANK])
    >>> np.exp(forward_table(np.log(p), states)[1:, 2:]).round(3)
    array([[0.4  , 0.5  , 0.   ],
           [0.24 , 0.27 , 0.3  ],
           [0.096, 0.204, 0.228]])
    """
    skip = np.full(states.shape, -np.inf)
    skip[1:2] = 0.0  # the first character may be the first of all
    skip[3::2][states[3::2] != states[1:-2:2]] = 0.0
    table = np.full((len(log_p) + 1, len(states) + 2, *states.shape[1:]), -np.inf)
    table[0, 1] = 0.0
    of_states = log_p[:, states] if log_p.ndim == 2 else log_p[:, np.arange(len(states[0])), states]
    for before, after, own in zip(table[:-1], table[1:], of_states, strict=True):
        after[2:] = join(join(before[2:], before[1:-1]), before[:-2] + skip) + own
    return table


def best_texts(log_p: Floats, count: int = 5, width: int = 16) -> list[tuple[Text, float]]:
    """Find the most probable texts, and the log probability of each, the best first.

    Prefix beam search: from column to column it keeps the `width` most probable beginnings of a
    text, each with the sum over its paths and not the best path alone. What it drops is lost, so a
    text may be missed that begins improbably, or has less than about `FAINT` times the probability
    of the best. The probabilities that are returned are exact: those of `log_likelihood`. Fewer
    than `count` texts come back where the beam keeps fewer. `count` and `width` are 1 or more; the
    beam is as wide as the larger.

    Examples
    --------
    Blank is the most probable class of each column, but the empty text is not the best:

    >>> p = np.array([[0.3, 0.2, 0.5], [0.3, 0.2, 0.5], [0.3, 0.2, 0.5]])
    >>> [(text, round(float(np.exp(log)), 3)) for text, log in best_texts(np.log(p), count=3)]
    [((0,), 0.342), ((1,), 0.198), ((), 0.125)]
    """
    return best_texts_of([log_p], count, width)[0]


def best_texts_of(
    columns: Sequence[Floats], count: int = 5, width: int = 16
) -> list[list[tuple[Text, float]]]:
    """Find the most probable texts of several fields, for each as `best_texts` does.

    `columns` has the `log_p`, (T, K), of each field; T may differ, K not.
    """
    if count < 1 or width < 1:
        raise ValueError(f"count and width must be 1 or more; not {count} and {width}")
    found = [_survivors(log_p, max(count, width))[:count] for log_p in columns]
    ranked: list[list[tuple[Text, float]]] = [[] for _ in columns]
    for part in _parts(columns):
        pairs = [(i, text) for i in part for text in found[i]]
        scores = log_likelihoods(
            side_by_side([columns[i] for i, _ in pairs]), [t for _, t in pairs]
        )
        for (i, text), score in zip(pairs, scores.tolist(), strict=True):
            ranked[i].append((text, score))
    return [sorted(texts, key=lambda pair: -pair[1]) for texts in ranked]


def _parts(columns: Sequence[Floats]) -> Iterator[list[int]]:
    """Put the numbers of fields of similar width together, `MOST_TOGETHER` columns at most."""
    part: list[int] = []
    for i in sorted(range(len(columns)), key=lambda i: len(columns[i])):
        if part and (len(part) + 1) * len(columns[i]) > MOST_TOGETHER:
            yield part
            part = []
        part.append(i)
    if part:
        yield part


def side_by_side(columns: Sequence[Floats]) -> Floats:
    """Put the columns of n fields side by side: from arrays (T, K) to one, (longest T, n, K).

    Columns that are certain to be blank follow a field's own. They change none of its texts'
    probabilities.

    Examples
    --------
    >>> np.exp(side_by_side([np.log([[0.4, 0.6]]), np.log([[0.9, 0.1], [0.8, 0.2]])]))[1]
    array([[0. , 1. ],
           [0.8, 0.2]])
    """
    longest = max((len(log_p) for log_p in columns), default=0)
    classes = columns[0].shape[1] if columns else 1
    result = np.full((longest, len(columns), classes), -np.inf)
    result[:, :, BLANK] = 0.0
    for place, log_p in enumerate(columns):
        result[: len(log_p), place] = log_p
    return result


def _survivors(log_p: Floats, width: int) -> list[Text]:
    """Run the beam over all columns, and return the texts that it ends with, the best first.

    A run of columns where all but the blank is faint takes one step together: after a blank, more
    blanks change nothing. That matters for speed, as most columns of a field are of that kind. The
    search only compares, so it divides each column by its most probable class.
    """
    _check(log_p, [])
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
    ranked = np.argsort(-p[:, :BLANK], axis=1).tolist()
    loud = (p[:, :BLANK] >= FAINT).any(axis=1)
    beam: Beam = {(): (1.0, 0.0)}
    next_column = 0
    for t in np.flatnonzero(loud).tolist():
        if t > next_column:  # only the blank between; it separates equal characters
            beam = {text: (blank + char, 0.0) for text, (blank, char) in beam.items()}
        next_column = t + 1
        beam = _prune(_beam_step(beam, p[t].tolist(), ranked[t]), width)
    return sorted(beam, key=lambda text: -sum(beam[text]))


def _beam_step(beam: Beam, p: list[float], ranked: list[int]) -> Beam:
    """Take all beginnings of a text into a new column, and extend them by a character.

    Each beginning has two numbers: the probability of its paths that end in a blank, and of those
    that end in its last character. The same character again is a new one only after a blank. The
    characters are `ranked`, the most probable first.
    """
    after = {
        text: ((blank + char) * p[BLANK], char * p[text[-1]] if text else 0.0)
        for text, (blank, char) in beam.items()
    }
    for text, (blank, char) in beam.items():
        for kind in ranked:
            if (blank + char) * p[kind] < FAINT:
                break  # the others are fainter still
            ways = blank if text and kind == text[-1] else blank + char
            longer = (*text, kind)
            ends_blank, ends_char = after.get(longer, (0.0, 0.0))
            after[longer] = (ends_blank, ends_char + ways * p[kind])
    return after


def _prune(beam: Beam, width: int) -> Beam:
    """Keep at most `width` beginnings, none of them faint beside the best, which becomes 1."""
    best = max(blank + char for blank, char in beam.values())
    kept = {
        text: (blank / best, char / best)
        for text, (blank, char) in beam.items()
        if blank + char >= FAINT * best
    }
    if len(kept) <= width:
        return kept
    return dict(sorted(kept.items(), key=lambda item: -sum(item[1]))[:width])


def align(log_p: Floats, text: Sequence[int]) -> list[tuple[int, int]]:
    """Find where each character of a text stands: its first column, and one past its last.

    These are the columns of the most probable path of that text (Viterbi): the same recursion, with
    the maximum in place of the sum. A text that no path has raises a ValueError.

    Examples
    --------
    >>> p = np.array([[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.1, 0.7, 0.2]])
    >>> align(np.log(p), [0, 1])
    [(0, 2), (2, 3)]
    """
    _check(log_p, [text])
    return align_all([log_p], [text])[0]


def align_all(
    columns: Sequence[Floats], texts: Sequence[Sequence[int]]
) -> list[list[tuple[int, int]]]:
    """Align the text of each of several fields, as `align` does; `columns` has their `log_p`."""
    spans: list[list[tuple[int, int]]] = [[] for _ in columns]
    for part in _parts(columns):
        log_p, own = side_by_side([columns[i] for i in part]), [texts[i] for i in part]
        _check(log_p, own)
        table = forward_table(log_p, _states(own), join=np.maximum)
        for n, i in enumerate(part):
            spans[i] = _spans(table[:, :, n].tolist(), texts[i])
    return spans


def _spans(table: list[list[float]], text: Sequence[int]) -> list[tuple[int, int]]:
    """Follow the most probable path of a text back through its table, from the last column."""
    states = 2 * len(text) + 1
    best = max(states, states + 1, key=lambda place: table[-1][place])
    if table[-1][best] == -np.inf:
        raise ValueError(
            f"no path through {len(table) - 1} columns reads {tuple(text)}; align a text that "
            "log_likelihood finds possible"
        )
    spans = [(0, 0)] * len(text)
    # State s is entry s + 2 of a row, and character i is state 2i + 1.
    for t in range(len(table) - 2, -1, -1):
        origins = [best, best - 1]
        if best % 2:
            i = (best - 3) // 2
            spans[i] = (t, spans[i][1] or t + 1)
            if i > 0 and text[i] != text[i - 1]:
                origins.append(best - 2)
        best = max(origins, key=table[t].__getitem__)
    return spans


def merge_into_blank(log_p: Floats, keep: int) -> Floats:
    """Make one blank of the classes `keep` to K - 1: of marks such as a comma, and the blank.

    The result, (T, keep + 1), is for texts of the first `keep` classes, where marks don't count.
    It is exact: a mark separates two equal digits as the blank does, and leaves nothing in the text
    of digits. So to leave the marks out of a path's text is the same as to write blanks for them in
    the path, and the paths that so become one add up column by column. `keep` is 0 to K - 1.

    Examples
    --------
    >>> p = np.array([[0.5, 0.2, 0.3]])  # a digit, a comma and the blank
    >>> np.exp(merge_into_blank(np.log(p), keep=1))
    array([[0.5, 0.5]])
    """
    _check(log_p, [])
    if not 0 <= keep < log_p.shape[1]:
        raise ValueError(f"keep must be 0 to {log_p.shape[1] - 1}, below the blank; not {keep}")
    blank = np.logaddexp.reduce(log_p[:, keep:], axis=1, keepdims=True)
    return np.concatenate([log_p[:, :keep], blank], axis=1)


def _states(texts: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    """Interleave n texts with blanks: (S, n), where shorter texts have more blanks at the end.

    No path comes back from the states after a text's own, so they don't matter.
    """
    longest = max((len(text) for text in texts), default=0)
    states = np.full((2 * longest + 1, len(texts)), BLANK, dtype=np.int64)
    for number, text in enumerate(texts):
        states[1 : 2 * len(text) : 2, number] = text
    return states


def _check(log_p: Floats, texts: Sequence[Sequence[int]]) -> None:
    """Raise a ValueError for what are no log probabilities, and for texts of other classes."""
    if log_p.ndim not in (2, 3) or log_p.shape[-1] < 1:
        raise ValueError(
            f"log_p must have the shape (T, K) or (T, n, K), blank included; not {log_p.shape}"
        )
    if log_p.ndim == 3 and log_p.shape[1] != len(texts):
        raise ValueError(f"log_p has columns for {log_p.shape[1]} texts, not for {len(texts)}")
    if not np.isfinite(log_p.max(axis=-1)).all():
        raise ValueError(
            "each column of log_p must have log probabilities, one of them above -inf; "
            "a column here is -inf throughout, or has NaN or inf"
        )
    characters = log_p.shape[-1] - 1
    for text in texts:
        if any(not 0 <= kind < characters for kind in text):
            raise ValueError(
                f"a text has classes from 0 to {characters - 1}, blanks left out; not {text}"
            )
