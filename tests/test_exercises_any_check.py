"""Answers to the exercises on reading any check; test_exercises.py tries them."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from itertools import groupby, product
from typing import Any

import numpy as np
import torch

Answer = Callable[..., Any]


def best_score(found: Any, psi: Any, primitives: int) -> Any:
    V = [0.0] + [-np.inf] * primitives
    for (start, end), own in zip(found, psi, strict=True):
        V[end] = max(V[end], V[start] + own)
    return V[-1]


def cents(text: str) -> Any:
    first, *rest = text.replace(",", ".").split(".")
    last = rest.pop() if rest and len(rest[-1]) == 2 else "00"
    if rest and (len(first) > 3 or any(len(group) != 3 for group in rest)):
        return -1
    return int(first + "".join(rest) + last)


def text_probability(p: Any, text: Any) -> Any:
    blank = p.shape[1] - 1
    states = [blank]
    for digit in text:
        states += [digit, blank]
    row = np.zeros(len(states))
    row[:2] = p[0, states[:2]]
    for column in p[1:]:
        before, row = row, np.zeros(len(states))
        for s, k in enumerate(states):
            ways = before[s]
            ways += before[s - 1] if s > 0 else 0
            ways += before[s - 2] if s > 1 and k != states[s - 2] else 0
            row[s] = column[k] * ways
    return row[-2:].sum()


SOLUTIONS: dict[int, Answer] = {
    1: best_score,
    2: cents,
    3: text_probability,
}


def score_with_a_memory(found: Any, psi: Any, primitives: int) -> Any:
    @cache
    def best(end: int) -> float:
        if end == 0:
            return 0.0
        ways = [best(int(a)) + p for (a, b), p in zip(found, psi, strict=True) if b == end]
        return max(ways, default=-math.inf)

    return best(primitives)


def score_from_the_right(found: Any, psi: Any, primitives: int) -> Any:
    left = np.full(primitives + 1, -np.inf)
    left[primitives] = 0
    for start in reversed(range(primitives)):
        for j in np.flatnonzero(found[:, 0] == start):
            left[start] = max(left[start], psi[j] + left[found[j, 1]])
    return left[0]


def score_by_relaxing(found: Any, psi: Any, primitives: int) -> Any:
    V = np.full(primitives + 1, -np.inf, dtype=np.float32)
    V[0] = 0
    for _ in range(primitives):
        if len(found):
            np.maximum.at(V, found[:, 1], V[found[:, 0]] + psi.astype(np.float32))
    return V[primitives]


def score_with_a_dictionary(found: Any, psi: Any, primitives: int) -> Any:
    V = {0: torch.tensor(0.0, dtype=torch.float64)}
    for (start, end), own in zip(found.tolist(), psi.tolist(), strict=True):
        if start in V and (end not in V or V[start] + own > V[end]):
            V[end] = V[start] + own
    return V.get(primitives, -float("inf"))


def cents_by_pattern(text: str) -> int:
    found = re.fullmatch(r"(\d{1,3}(?:[.,]\d{3})*|\d+)(?:[.,](\d\d))?", text)
    if found is None:
        return -1
    return 100 * int(re.sub("[.,]", "", found[1])) + int(found[2] or 0)


def cents_by_loops(text: str) -> Any:
    places = [i for i, character in enumerate(text) if character in ".,"]
    has_cents = bool(places) and places[-1] == len(text) - 3
    marks = places[:-1] if has_cents else places
    end = len(text) - 3 if has_cents else len(text)
    if marks:
        if marks[0] > 3:
            return -1
        for left, right in zip(marks, [*marks[1:], end], strict=True):
            if right - left != 4:
                return -1
    number = 0
    for character in text:
        if character.isdecimal():
            number = 10 * number + int(character)
    return np.int64(number if has_cents else number * 100)


def cents_by_decimals(text: str) -> Any:
    groups = text.replace(",", ".").split(".")
    hundredths = groups.pop() if len(groups) > 1 and len(groups[-1]) == 2 else "0"
    alone = len(groups) == 1 and groups[0].isdecimal()
    if not alone and [len(group) for group in groups[1:]] != [3] * (len(groups) - 1):
        return Decimal(-1)
    if not alone and len(groups[0]) > 3:
        return Decimal(-1)
    return 100 * Decimal("".join(groups)) + Decimal(hundredths)


def by_torch(p: Any, text: Any) -> Any:
    columns, blank = p.shape[0], p.shape[1] - 1
    loss = torch.nn.functional.ctc_loss(
        torch.tensor(np.log(p))[:, None],
        torch.tensor([text], dtype=torch.long),
        torch.tensor([columns]),
        torch.tensor([len(text)]),
        blank=blank,
        reduction="none",
    )
    return torch.exp(-loss[0])


def from_the_right(p: Any, text: Any) -> Any:
    return text_probability(p[::-1], tuple(reversed(text)))


def by_all_paths(p: Any, text: Any) -> Any:
    total = 0.0
    for path in product(range(p.shape[1]), repeat=len(p)):
        kept = [k for k, _ in groupby(path) if k != p.shape[1] - 1]
        if tuple(kept) == tuple(text):
            total += p[np.arange(len(p)), path].prod()
    return total


RIGHT: list[tuple[int, Answer]] = [
    (1, score_with_a_memory),
    (1, score_from_the_right),
    (1, score_by_relaxing),
    (1, score_with_a_dictionary),
    (2, cents_by_pattern),
    (2, cents_by_loops),
    (2, cents_by_decimals),
    (2, lambda text: float(cents(text))),
    (3, by_torch),
    (3, from_the_right),
]


def table(choose: Any, nothing: float = -np.inf) -> Answer:
    def fill(found: Any, psi: Any, primitives: int) -> Any:
        values = [0.0] + [nothing] * primitives
        for (start, end), own in zip(found, psi, strict=True):
            values[end] = choose(values[end], values[start] + own)
        return values

    return fill


def last_of_table(choose: Any, nothing: float = -np.inf) -> Answer:
    return lambda *arguments: table(choose, nothing)(*arguments)[-1]


def greedy_from_the_left(found: Any, psi: Any, primitives: int) -> Any:
    score, place = 0.0, 0
    while place < primitives:
        number = max(np.flatnonzero(found[:, 0] == place), key=lambda j: psi[j])
        score, place = score + psi[number], found[number, 1]
    return score


def greedy_from_the_right(found: Any, psi: Any, primitives: int) -> Any:
    score, place = 0.0, primitives
    while place > 0:
        number = max(np.flatnonzero(found[:, 1] == place), key=lambda j: psi[j])
        score, place = score + psi[number], found[number, 0]
    return score


def best_of_each_end(found: Any, psi: Any, primitives: int) -> Any:
    return sum(max(psi[found[:, 1] == end]) for end in range(1, primitives + 1))


def from_anywhere(found: Any, psi: Any, primitives: int) -> Any:
    """Treat a place that nothing reaches as a start."""
    V = {0: 0.0}
    for (start, end), own in zip(found.tolist(), psi, strict=True):
        V[end] = max(V.get(end, -np.inf), V.get(start, 0.0) + own)
    return V.get(primitives, -np.inf)


def where_covered(value: Any) -> Answer:
    def answer(*arguments: Any) -> Any:
        score = best_score(*arguments)
        return score if np.isfinite(score) else value

    return answer


def unless_empty(value: Any) -> Answer:
    return lambda found, psi, n: best_score(found, psi, n) if n else value


def to_the_last_candidate(found: Any, psi: Any, primitives: int) -> Any:
    """Take the largest end for the number of primitives."""
    return best_score(found, psi, int(found[:, 1].max(initial=0)))


def every_path(found: Any, psi: Any, primitives: int) -> Any:
    candidates = list(zip(*found.T.tolist(), psi.tolist(), strict=True)) if len(found) else []

    def best(end: int) -> float:
        if end == 0:
            return 0.0
        return max((best(a) + own for a, b, own in candidates if b == end), default=-math.inf)

    return best(primitives)


def every_path_forward(found: Any, psi: Any, primitives: int) -> Any:
    scores, ways = [-math.inf], [(0, 0.0)]
    while ways:
        at, score = ways.pop()
        if at == primitives:
            scores.append(score)
        for j in np.flatnonzero(found[:, 0] == at):
            ways.append((found[j, 1], score + psi[j]))
    return max(scores)


def all_at_once(found: Any, psi: Any, primitives: int) -> Any:
    V = np.full(primitives + 1, -np.inf)
    V[0] = 0
    np.maximum.at(V, found[:, 1], V[found[:, 0]] + psi)
    return V[-1]


def of_up_to(longest: int) -> Answer:
    def answer(found: Any, psi: Any, primitives: int) -> Any:
        short = found[:, 1] - found[:, 0] <= longest
        return best_score(found[short], psi[short], primitives)

    return answer


def first_of_each_end(found: Any, psi: Any, primitives: int) -> Any:
    V = {0: 0.0}
    for (start, end), own in zip(found.tolist(), psi, strict=True):
        V.setdefault(end, V.get(start, -np.inf) + own)
    return V.get(primitives, -np.inf)


def last_of_each_end(found: Any, psi: Any, primitives: int) -> Any:
    V = {0: 0.0}
    for (start, end), own in zip(found.tolist(), psi, strict=True):
        V[end] = V.get(start, -np.inf) + own
    return V.get(primitives, -np.inf)


def groups_of(text: str) -> list[str]:
    return text.replace(",", ".").split(".")


def last_mark_is_decimal(text: str) -> Any:
    *before, last = groups_of(text)
    return round(100 * float(f"{''.join(before) or last}.{last if before else 0}"))


def american(text: str) -> Any:
    try:
        return round(100 * float(text.replace(",", "")))
    except ValueError:
        return -1


def european(text: str) -> Any:
    return american(text.translate(str.maketrans(",.", ".,")))


def without_rules(text: str) -> Any:
    first, *rest = groups_of(text)
    last = rest.pop() if rest and len(rest[-1]) == 2 else "00"
    return int(first + "".join(rest) + last)


def through_a_float(text: str) -> Any:
    value = cents(text)
    return int(100 * float(f"{value // 100}.{value % 100:02d}")) if value >= 0 else -1


def only_inner_groups(text: str) -> Any:
    """Check the groups behind the marks, and not the first."""
    first, *rest = groups_of(text)
    last = rest.pop() if rest and len(rest[-1]) == 2 else "00"
    if any(len(group) != 3 for group in rest):
        return -1
    return int(first + "".join(rest) + last)


def short_first_group(text: str) -> Any:
    """Ask for a short first group also where no mark parts thousands."""
    return -1 if len(groups_of(text)[0]) > 3 else cents(text)


def groups_that_are_not_empty(text: str) -> Any:
    return cents(re.sub("[.,]+", ".", text))


def two_kinds_of_marks(text: str) -> Any:
    """Take the last mark for the decimal one only where it differs from the others."""
    marks = re.sub(r"\d", "", text)
    if len(marks) > 1 and marks[-1] in marks[:-1] and len(groups_of(text)[-1]) == 2:
        return -1
    return cents(text)


def no_amount_is(value: Any) -> Answer:
    return lambda text: value if cents(text) == -1 else cents(text)


def one_digit_is_tens(text: str) -> Any:
    return cents(f"{text}0") if len(groups_of(text)) > 1 and text[-2] in ".," else cents(text)


def without_last_group_check(text: str) -> Any:
    first, *rest = groups_of(text)
    if len(rest) > 1 and (len(first) > 3 or any(len(group) != 3 for group in rest[:-1])):
        return -1
    last = rest.pop() if rest and len(rest[-1]) == 2 else "00"
    return int(first + "".join(rest) + last)


def unanswered_without_mark(text: str) -> Any:
    return cents(text) if re.search("[.,]", text) else int(text)


def table_with(
    skips: Callable[[int, int, int], bool] = lambda k, before, blank: k != before,
    first: tuple[int, ...] = (0, 1),
    last: tuple[int, ...] = (-1, -2),
    blank: int = -1,
    join: Callable[[list[float]], float] = sum,
) -> Answer:
    """Make an answer that fills the table with one rule changed."""

    def answer(p: Any, text: Any) -> Any:
        own = blank % p.shape[1]
        states = [own, *(k for digit in text for k in (digit, own))]
        row = [p[0, k] if s in first else 0.0 for s, k in enumerate(states)]
        for column in p[1:]:
            ways = [
                [row[s]]
                + ([row[s - 1]] if s else [])
                + ([row[s - 2]] if s > 1 and skips(k, states[s - 2], own) else [])
                for s, k in enumerate(states)
            ]
            row = [column[k] * join(way) for k, way in zip(states, ways, strict=True)]
        return join([row[s] for s in last if -s <= len(row)])

    return answer


def always_some(p: Any, text: Any) -> Any:
    return max(text_probability(p, text), 1e-9)


MISTAKES: list[tuple[int, Answer, str]] = [
    (1, table(max), "shape (6,)"),
    (1, last_of_table(max, 0.0), "worth 0"),
    (1, lambda *a: max(table(max)(*a)), "worth 0"),
    (1, lambda *a: table(max)(*a)[-2], "too few"),
    (1, last_of_table(np.logaddexp), "sum over all paths"),
    (1, lambda *a: np.exp(best_score(*a)), "a logarithm"),
    (1, lambda *a: -best_score(*a), "is negative"),
    (1, last_of_table(min, np.inf), "worst path"),
    (1, lambda found, psi, n: psi.sum(), "all candidates"),
    (1, best_of_each_end, "overlap"),
    (1, lambda found, psi, n: psi[found[:, 1] == n].max(), "last candidate alone"),
    (1, lambda found, psi, n: psi.max(), "one for each step"),
    (1, greedy_from_the_left, "at each step"),
    (1, greedy_from_the_right, "at each step"),
    (1, of_up_to(1), "single ones"),
    (1, of_up_to(5), ""),
    (1, first_of_each_end, ""),
    (1, last_of_each_end, "keep the last"),
    (1, all_at_once, "-inf says that there is none"),
    (1, lambda found, psi, n: best_score(found, psi, n) / n, "is not the best"),
    (1, from_anywhere, "out of reach"),
    (1, where_covered(0.0), "no candidate holds"),
    (1, where_covered(np.nan), "no candidate holds"),
    (1, where_covered(-1e9), "no candidate holds"),
    (1, to_the_last_candidate, "no candidate holds"),
    (1, unless_empty(-np.inf), "path without steps"),
    (1, every_path, "but slow"),
    (1, every_path_forward, "but slow"),
    (2, str, "of type str"),
    (2, groups_of, "shape"),
    (2, last_mark_is_decimal, "are thousands, whichever"),
    (2, american, "Either of the two marks"),
    (2, european, "Either of the two marks"),
    (2, lambda text: 100 * int(re.sub("[.,]", "", text)), "are cents"),
    (2, lambda text: cents(text) / 100 if cents(text) >= 0 else -1, "has 100 cents"),
    (2, lambda text: cents(text) // 100, "has 100 cents"),
    (2, unanswered_without_mark, "has 100 cents"),
    (2, through_a_float, "A cent off"),
    (2, without_rules, "neither cents nor thousands"),
    (2, one_digit_is_tens, "neither cents nor thousands"),
    (2, only_inner_groups, "before the first mark that parts thousands"),
    (2, lambda text: cents(text) if len(groups_of(text)[-1]) > 1 else -1, ""),
    (2, without_last_group_check, ""),
    (2, short_first_group, "all digits are dollars"),
    (2, lambda t: short_first_group(t) if re.search("[.,]", t) else cents(t), "an amount"),
    (2, groups_that_are_not_empty, "Two marks in a row"),
    (2, two_kinds_of_marks, "against each rule"),
    (2, no_amount_is(0), ""),
    (2, no_amount_is(np.nan), "return -1 and not nan"),
    (2, no_amount_is(None), "returns nothing"),
    (2, no_amount_is(False), "of type bool"),
    (3, lambda p, text: p, "shape (3, 3)"),
    (3, lambda p, text: text_probability(p, text) or None, "returns nothing"),
    (3, table_with(join=max), "sum of all its paths"),
    (3, lambda p, text: np.log(text_probability(p, text)), "take exp"),
    (3, table_with(skips=lambda k, before, blank: k != blank), "merge into one"),
    (3, table_with(skips=lambda k, before, blank: False), "may skip it"),
    (3, table_with(skips=lambda k, before, blank: True), "leaves a digit out"),
    (3, table_with(last=(-1,)), "end in the last digit, too"),
    (3, lambda p, text: table_with(last=(-2,) if text else (-1,))(p, text), "last blank, too"),
    (3, lambda p, text: table_with(last=tuple(range(2 * len(text) + 1)))(p, text), "all states"),
    (3, table_with(first=(0,)), "begin with the first digit, too"),
    (3, table_with(first=(1,)), "begin with a blank"),
    (3, table_with(blank=0), "the last class, not the first"),
    (3, lambda p, text: p.max(axis=1).prod(), "whatever its text"),
    (3, lambda p, text: 2 * text_probability(p, text), "not the sum of its paths"),
    (3, always_some, "no room for the text"),
    (3, by_all_paths, "use the table"),
]
