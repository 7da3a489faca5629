"""Why a field was read wrong: a digit mistaken, a mark taken for one, or the ink cut wrong."""

from collections.abc import Iterable, Sequence

import numpy as np

from lessonlib.checks.reader import Box, Reading

SAME_INK_OVERLAP = (
    0.5  # two boxes mean the same ink when they share at least this part of their union
)
MARK_HEIGHT_SHARE = (
    0.5  # of the digits' median height: what is lower is a mark, what is not may be a digit
)
# Why a field was read wrong: the first of these that holds. `cause` has the details.
CAUSES = {
    "classification": "as many digits read as there are (in their boxes, if given), not all right",
    "punctuation": "else, but for a dot or dash read as a digit, or a digit taken for a mark",
    "segmentation": "anything else: digits cut, joined or missed, other ink read as digits",
}


def cause(label: str, reading: Reading, boxes: Sequence[Box] | None = None) -> str:
    """Say why a field was read wrong.

    A digit that was read where none is counts as *surplus*, one that was not read as *lost*. With
    true boxes, these are the boxes without a counterpart: two boxes are counterparts when they
    share at least half of their union. Without true boxes only the numbers of digits are known;
    where too many were read, the lowest ones count as surplus.

    classification
        As many digits read as there are, none of them surplus, none lost.
    punctuation
        Each surplus digit is lower than half the median height of the digits read (a dot or
        dash), and each lost one was taken for a mark: one in its box or, without boxes, one
        that is not as low as that.
    segmentation
        Anything else, and every empty reading.

    Parameters
    ----------
    label : str
        The digits that are there.
    reading : Reading
        Whose text is another.
    boxes : sequence of (x, y, w, h), optional
        The boxes of the label's digits, in pixels of the image.

    Returns
    -------
    str
        A key of `CAUSES`.
    """
    found = [digit.box for digit in reading.digits]
    if not found:
        return "segmentation"
    low = MARK_HEIGHT_SHARE * float(np.median([height for _, _, _, height in found]))
    if boxes is None:
        extra, missing = max(len(found) - len(label), 0), max(len(label) - len(found), 0)
        surplus = sorted(found, key=lambda box: box[3])[:extra]
        taken = sum(height >= low for _, _, _, height in reading.marks)
    else:
        surplus, lost = without_counterpart(found, boxes), without_counterpart(boxes, found)
        missing = len(lost)
        taken = missing - len(without_counterpart(lost, reading.marks))
    if len(found) == len(label) and not surplus and not missing:
        return "classification"
    if (surplus or missing) and all(box[3] < low for box in surplus) and taken >= missing:
        return "punctuation"
    return "segmentation"


def without_counterpart(boxes: Iterable[Box], others: Iterable[Box]) -> list[Box]:
    """Keep the boxes that cover the same ink as none of the others.

    Parameters
    ----------
    boxes, others : iterable of (x, y, w, h)

    Returns
    -------
    list of (x, y, w, h)
    """
    others = list(others)
    return [box for box in boxes if all(overlap(box, other) < SAME_INK_OVERLAP for other in others)]


def overlap(a: Box, b: Box) -> float:
    """Measure how much two boxes have in common: their intersection's area over their union's.

    Parameters
    ----------
    a, b : (x, y, w, h)
        Each at least one pixel wide and high.

    Returns
    -------
    float
        In [0, 1]; 1 for the same box, 0 for boxes apart.
    """
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)
