"""Decimal points that the search for digits passed over.

A small point is left out with the dirt, or is taken for a part of the digit beside it, or leaves no
ink at all. None of this changes a digit, but without its point an amount is a hundred times too
large. So the place before the last two digits is looked at once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from lessonlib.checks.amount import PERHAPS, Amount, find_amount
from lessonlib.checks.candidates import MARK, Candidates, Strip, box_in_image, boxes_of
from lessonlib.checks.image import Box

# Lengths are shares of the digits' height. All were read off 500 rendered fields with cents, and as
# many without.
SMALLEST_SPECK, LARGEST_SPECK = 0.04, 0.3  # the longer side of what may be a point ...
SMALLEST_POINT, LARGEST_POINT = 0.08, 0.2  # ... and of what is one with little doubt,
POINT_THICKNESS = 0.04  # if its shorter side is at least this,
POINT_ASPECT = 3.5  # and it is not so many times as wide as high: left from a ruled line
POINT_DEPTH, POINT_RISE = (
    0.15,
    0.28,
)  # its middle is so far below the digits' feet at most, or above
POINT_OVERLAP = 0.1  # and so far inside the box of a digit beside it, where it may be a part of it
# A gap this wide, and by this factor wider than all others, may have had a point in it.
WIDE_GAP, WIDER = 0.35, 1.5


@dataclass(frozen=True)
class LostPoint:
    """A possible point: its box (x, y, w, h) in the strip, and whether there is little doubt."""

    box: Box
    sure: bool


def amount_in_strip(
    strip: Strip,
    candidates: Candidates,
    kinds: Sequence[int],
    boxes: Sequence[Box],
    scale: tuple[float, float],
) -> Amount:
    """Find the amount as `find_amount` does, and with a lost point where there is one.

    Where it is in doubt whether there is one, the amount's value is None.

    Parameters
    ----------
    strip : Strip
    candidates : int array, shape (n, 2)
        The candidates that were read, from left to right, each as `runs` gives it.
    kinds : sequence of int
        What they were read as: 0 to 9, or `MARK`.
    boxes : sequence of (x, y, w, h)
        Their boxes in the image.
    scale : (float, float)
        What one pixel of the strip is in the image, across and down.
    """
    amount = find_amount(kinds, boxes)
    point = lost_point(strip, candidates, kinds)
    if point is None:
        return amount
    x, y, w, h = point.box
    box = box_in_image(strip, (x - strip.shear * (y + h / 2), y, w, h), scale)
    place = [place for place, kind in enumerate(kinds) if kind != MARK][-2]
    parted = find_amount(
        [*kinds[:place], MARK, *kinds[place:]], [*boxes[:place], box, *boxes[place:]]
    )
    if parted.value is None:  # as "1,2.50" is no number, there is no point
        return amount
    return parted if point.sure else replace(amount, value=None, note=amount.note or PERHAPS)


def lost_point(strip: Strip, candidates: Candidates, kinds: Sequence[int]) -> LostPoint | None:
    """Look for a point before the last two digits, where the search found no mark.

    Strip, candidates and kinds are those of `amount_in_strip`. There is none, either, where there
    are fewer than three digits.
    """
    places = [place for place, kind in enumerate(kinds) if kind != MARK]
    if len(places) < 3 or places[-3] + 1 != places[-2]:
        return None
    pair = candidates[places[-3:-1]]
    left, right = boxes_of(strip, pair).tolist()
    points = [
        LostPoint((x, y, w, h), is_point((x, y, w, h), left, right, strip.height))
        for x, y, w, h in strip.specks.tolist()
        if may_be_point((x, y, w, h), left, right, strip.height)
    ]
    points += points_in_digits(strip, pair)
    if not points and has_wide_gap(boxes_of(strip, candidates[places]).tolist(), strip.height):
        points = [LostPoint((left[0] + left[2], left[1] + left[3] - 1, 1, 1), sure=False)]
    return max(points, key=lambda point: point.sure, default=None)


def points_in_digits(strip: Strip, pair: Candidates) -> list[LostPoint]:
    """Find the primitives, of the two candidates of a pair, that may be a point between them.

    A primitive that is cut from a larger piece is less sure: a digit's foot may look so.
    """
    points = []
    for side, (start, stop) in enumerate(pair.tolist()):
        for number in range(start, stop):
            rest = [other for other in range(start, stop) if other != number]
            if not rest:
                continue
            x, y, w, h = strip.boxes[number].tolist()
            beside = boxes_of(strip, pair).tolist()
            beside[side] = box_around(strip.boxes[rest].tolist())
            before, after = beside
            if may_be_point((x, y, w, h), before, after, strip.height):
                alone = bool(np.count_nonzero(strip.pieces == strip.pieces[number]) == 1)
                sure = alone and is_point((x, y, w, h), before, after, strip.height)
                points.append(LostPoint((x, y, w, h), sure))
    return points


def box_around(boxes: Sequence[Box]) -> Box:
    """Give the box x, y, w, h around some boxes, one at least."""
    x, y = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return x, y, right - x, bottom - y


def may_be_point(box: Box, left: Box, right: Box, height: int) -> bool:
    """Say whether a small box stands at the feet of two digits, and its middle between them."""
    x, y, w, h = box
    rise = ((left[1] + left[3] + right[1] + right[3]) / 2 - y - h / 2) / height
    inside = max(left[0] + left[2] - x - w / 2, x + w / 2 - right[0]) / height
    return (
        SMALLEST_SPECK * height < max(w, h) <= LARGEST_SPECK * height
        and -POINT_DEPTH <= rise <= POINT_RISE
        and inside <= POINT_OVERLAP
    )


def is_point(box: Box, left: Box, right: Box, height: int) -> bool:
    """Say whether a box that may be a point is one with little doubt: compact, and by itself."""
    x, _, w, h = box
    return (
        SMALLEST_POINT * height <= max(w, h) <= LARGEST_POINT * height
        and min(w, h) >= POINT_THICKNESS * height
        and w <= POINT_ASPECT * h
        and left[0] + left[2] <= x + w / 2 <= right[0]
    )


def has_wide_gap(digits: Sequence[Box], height: int) -> bool:
    """Say whether the gap before the last two of three digits or more is wide beside the others."""
    gaps = [right[0] - left[0] - left[2] for left, right in pairwise(digits)]
    gap = gaps.pop(-2)
    return gap >= max(WIDE_GAP * height, WIDER * max(gaps))
