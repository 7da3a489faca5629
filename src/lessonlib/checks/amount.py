"""From digits and marks to a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from lessonlib.checks.candidates import MARK
from lessonlib.checks.image import Box

SEPARATOR_SIDE = 0.6  # share of the digits' height; a mark that is higher or wider is no separator


@dataclass(frozen=True)
class Amount:
    """The number that a row of digits and marks stands for.

    `value` is None when there is no digit, or when the marks fit neither the groups of thousands
    nor a pair of cents. `separator` is the decimal separator's box, where there is one.
    """

    value: Decimal | None
    separator: Box | None = None


def find_amount(kinds: Sequence[int], boxes: Sequence[Box]) -> Amount:
    """Tell thousands separators from a decimal separator by the digits between them.

    Countries differ in whether a point or a comma parts thousands. But thousands come in threes,
    and cents in twos: "1.250" and "1,250" are both 1250, "1.25" and "1,25" both 1.25. Each kind, 0
    to 9 or `MARK`, has a box (x, y, w, h); they come from left to right.

    Examples
    --------
    >>> boxes = [(0, 0, 20, 40), (25, 35, 5, 8), (35, 0, 20, 40), (60, 0, 20, 40)]
    >>> find_amount([1, MARK, 2, 5], boxes)
    Amount(value=Decimal('1.25'), separator=(25, 35, 5, 8))
    """
    places = [place for place, kind in enumerate(kinds) if kind != MARK]
    if not places:
        return Amount(None)
    height = sorted(boxes[place][3] for place in places)[len(places) // 2]
    groups, separators = [""], []
    for place in range(places[0], places[-1] + 1):
        if kinds[place] != MARK:
            groups[-1] += str(kinds[place])
        elif max(boxes[place][2:]) > SEPARATOR_SIDE * height or not groups[-1]:
            return Amount(None)  # a dash, or two marks in a row
        else:
            groups.append("")
            separators.append(boxes[place])
    first, *rest = groups
    cents = rest.pop() if rest and len(rest[-1]) == 2 else ""
    if rest and (len(first) > 3 or any(len(group) != 3 for group in rest)):
        return Amount(None)
    whole = first + "".join(rest)
    return Amount(Decimal(f"{whole}.{cents}"), separators[-1]) if cents else Amount(Decimal(whole))
