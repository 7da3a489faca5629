"""Why a field was read wrong: a digit mistaken, a mark taken for one, or the ink cut wrong."""

from collections.abc import Iterable, Sequence

import numpy as np

from lessonlib.checks.image import Box
from lessonlib.checks.readings import Reading

# Two boxes hold the same ink when they share at least this part of their union.
SAME_INK_OVERLAP = 0.5
# Ink lower than this part of the digits' median height is a mark; other ink may be a digit.
MARK_HEIGHT_SHARE = 0.5
# Why a field was read wrong: the first of these that holds. `cause` has the details.
CAUSES = {
    "classification": "as many digits as there are (in the boxes given), some wrong",
    "punctuation": "else, but for a dot or dash read as a digit, or the reverse",
    "segmentation": "else: digits cut, joined or missed, other ink read as digits",
}


def cause(label: str, reading: Reading, boxes: Sequence[Box] | None = None) -> str:
    """Say why a field was read wrong, by a key of `CAUSES`.

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
    """
    digits = [digit.box for digit in reading.digits]
    if not digits:
        return "segmentation"
    low = MARK_HEIGHT_SHARE * float(np.median([height for _, _, _, height in digits]))
    if boxes is None:
        lowest_first = sorted(digits, key=lambda box: box[3])
        surplus = lowest_first[: max(len(digits) - len(label), 0)]
        lost = max(len(label) - len(digits), 0)
        taken_for_marks = sum(height >= low for _, _, _, height in reading.marks)
    else:
        surplus = without_counterpart(digits, boxes)
        missed = without_counterpart(boxes, digits)
        lost = len(missed)
        taken_for_marks = lost - len(without_counterpart(missed, reading.marks))
    if not surplus and not lost:  # where the numbers differ, one place was read twice
        return "classification" if len(digits) == len(label) else "segmentation"
    if all(box[3] < low for box in surplus) and lost <= taken_for_marks:
        return "punctuation"
    return "segmentation"


def without_counterpart(boxes: Iterable[Box], others: Sequence[Box]) -> list[Box]:
    """Keep the boxes that hold the same ink as none of the others."""
    return [box for box in boxes if all(overlap(box, other) < SAME_INK_OVERLAP for other in others)]


def overlap(a: Box, b: Box) -> float:
    """Measure how much two boxes share: their intersection's area over their union's, in [0, 1].

    Each box is at least one pixel wide and high.

    Examples
    --------
    >>> overlap((0, 0, 10, 10), (5, 0, 10, 10))  # half of each, a third of both together
    0.3333333333333333
    """
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)
