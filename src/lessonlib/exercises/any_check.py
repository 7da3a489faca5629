"""Checks on reading any check: a path, cents, CTC."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lessonlib.exercises import Check, call, new_rng
from lessonlib.exercises.answers import Named, close, number, usual_mistake

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Field = tuple[Ints, Floats, int]  # candidates, their log probabilities, the number of primitives


# ---------------------------------------------------------------- the best path


# Seconds for one field: a table takes milliseconds, all paths of 30 primitives, or columns, hours.
SLOW = 0.25


def check_best_score(answer: Any) -> str | None:
    """Compare with V of (N.1) for fields of many kinds, the longest of 30 primitives."""
    rng = new_rng(695)
    easy = [_field(_all_runs(primitives, longest=3), rng) for primitives in (5, 3, 8)]
    hard = [_field(_some_runs(primitives, rng), rng) for primitives in (1, 2, 6, 9)]
    candidates = _all_runs(6, longest=3)
    alike = (candidates, np.full(len(candidates), -0.5), 6)
    return (
        _best_score_problem(answer, easy)
        or _gap_problem(answer)
        or _best_score_problem(answer, [*hard, alike])
        or _long_field_problem(answer, rng)
    )


def _field(candidates: Ints, rng: np.random.Generator) -> Field:
    """Draw a log probability for each candidate."""
    return candidates, -rng.uniform(0.1, 4, size=len(candidates)), int(candidates[-1, 1])


def _all_runs(primitives: int, longest: int) -> Ints:
    """List all runs of neighbouring primitives, as candidates: ordered by their ends."""
    ends = range(1, primitives + 1)
    runs = [
        (start, end) for end in ends for start in range(end - 1, -1, -1) if end - start <= longest
    ]
    return np.array(runs, dtype=np.int64)


def _some_runs(primitives: int, rng: np.random.Generator) -> Ints:
    """Leave some runs out, add the whole field, and mix those that share an end."""
    runs = _all_runs(primitives, longest=5)
    runs = runs[(rng.random(len(runs)) < 0.6) | (runs[:, 1] - runs[:, 0] == 2)]
    runs = np.vstack([runs, [(0, primitives)]])
    return runs[np.lexsort((rng.random(len(runs)), runs[:, 1]))]


def _gap_problem(answer: Any) -> str | None:
    """Try fields with places that no path reaches, and fields that no path covers."""
    # Nothing ends at 2, so the candidate that begins there is on no path.
    candidates = np.array([(0, 1), (1, 3), (2, 3), (3, 4)])
    psi = np.array([-0.5, -2.5, -0.1, -0.75])
    got = _best(answer, candidates, psi, 4)
    if not close(got, psi[[0, 1, 3]].sum()):
        return (
            "Where no candidate ends, no path ends, and what begins there is out of reach: with "
            f"the candidates {candidates.tolist()} your best score is {got:g}."
        )
    # Not covered: a primitive in the middle, the first one, the last one, the only one.
    for pairs, primitives in (
        ([(0, 1), (2, 3)], 3),
        ([(1, 2), (2, 3)], 3),
        ([(0, 1), (1, 2)], 3),
        ([], 1),
    ):
        candidates = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        got = _best(answer, candidates, np.array([-0.5, -0.25])[: len(pairs)], primitives)
        if got != -np.inf:
            return (
                "No path covers a primitive that no candidate holds: with the candidates "
                f"{pairs} and primitives = {primitives}, {got:g} is not the score."
            )
    got = _best(answer, np.zeros((0, 2), dtype=np.int64), np.zeros(0), 0)
    if got != 0:
        return f"Without primitives the path without steps covers all: {got:g} is not its score."
    return None


def _best(answer: Any, candidates: Ints, psi: Floats, primitives: int) -> float:
    return number(call(answer, candidates, psi, primitives), "The best score")


def _best_score_problem(answer: Any, fields: list[Field]) -> str | None:
    results = [_best(answer, *field) for field in fields]
    for got, field in zip(results, fields, strict=True):
        if not close(got, _table(*field)[-1]):
            usual = usual_mistake(results, fields, SCORE_MISTAKES)
            return usual or _score_problem(got, *field)
    return None


def _score_problem(got: float, candidates: Ints, psi: Floats, primitives: int) -> str:
    if got == -np.inf:
        return f"A path covers all {primitives} primitives, and -inf says that there is none."
    return (
        f"For {primitives} primitives and {len(candidates)} candidates, {got:.2f} is not the best "
        "path's score."
    )


def _table(
    candidates: Ints,
    psi: Floats,
    primitives: int,
    *,
    choose: Callable[[float, float], float] = max,
    unreached: float = -np.inf,
) -> list[float]:
    """Fill the table V of (N.1), with the maximum or another choice."""
    V = [0.0] + [unreached] * primitives
    for (start, end), own in zip(candidates.tolist(), psi.tolist(), strict=True):
        V[end] = float(choose(V[end], V[start] + own))
    return V


def _greedy(candidates: Ints, psi: Floats, begin: int, stop: int) -> float:
    """Score the path that takes the most probable candidate at each step, from either end."""
    here, there = (0, 1) if begin < stop else (1, 0)
    score, place = 0.0, begin
    while place != stop:
        fitting = np.flatnonzero(candidates[:, here] == place)
        if not len(fitting):
            return -np.inf
        best = max(fitting, key=lambda j: psi[j])
        score, place = score + psi[best], int(candidates[best, there])
    return float(score)


def _best_at_ends(candidates: Ints, psi: Floats, primitives: int) -> list[float]:
    """Give the largest log probability of the candidates that end at each place."""
    ends = range(1, primitives + 1)
    return [max(psi[candidates[:, 1] == end], default=-np.inf) for end in ends]


GREEDY = "You take the most probable candidate at each step, but it may force a bad next one."
SCORE_MISTAKES: list[Named] = [
    (
        lambda candidates, psi, n: 0.0,
        "0 is the score of no step at all. Is a place that no path has reached yet worth 0?",
    ),
    (lambda *field: _table(*field)[-2], "That is the V of one primitive too few."),
    (
        lambda *field: _table(*field, choose=np.logaddexp)[-1],
        "That is the logarithm of the sum over all paths, not the best one's score.",
    ),
    (
        lambda *field: np.exp(_table(*field)[-1]),
        "That is the probability of the best path, and its score is a logarithm.",
    ),
    (
        lambda *field: -_table(*field)[-1],
        "A sum of log probabilities is negative, and yours is not.",
    ),
    (
        lambda candidates, psi, n: psi[candidates[:, 1] - candidates[:, 0] == 1].sum(),
        "A candidate may hold several primitives: you took single ones alone.",
    ),
    (
        lambda *field: _table(*field, choose=lambda _, new: new)[-1],
        "Where several candidates end at one place, you keep the last, not the best.",
    ),
    (
        lambda *field: _table(*field, choose=min, unreached=np.inf)[-1],
        "That is the worst path: of two negative numbers, which is the better score?",
    ),
    (
        lambda candidates, psi, n: psi.sum(),
        "You added up all candidates, and a path takes each primitive once.",
    ),
    (
        lambda *field: sum(_best_at_ends(*field)),
        "You added the best candidate of every end: they overlap, and are no path.",
    ),
    (
        lambda *field: _best_at_ends(*field)[-1],
        "That is the last candidate alone: what comes before it must be read, too.",
    ),
    (
        lambda candidates, psi, n: psi.max(),
        "That is the best candidate's own ψ, and a path needs one for each step.",
    ),
    (lambda candidates, psi, n: _greedy(candidates, psi, 0, n), GREEDY),
    (lambda candidates, psi, n: _greedy(candidates, psi, n, 0), GREEDY),
]


def _long_field_problem(answer: Any, rng: np.random.Generator) -> str | None:
    """Try fields of more and more primitives."""

    def problem_of(primitives: int) -> str | None:
        return _best_score_problem(answer, [_field(_all_runs(primitives, longest=5), rng)])

    return _problem_with_size(
        range(10, 31),
        problem_of,
        "{size} primitives took {seconds:.1f} seconds, and a field may have 30. With each "
        "primitive more, the number of paths nearly doubles, so don't follow every path: use a "
        "table, as the text says.",
    )


def _problem_with_size(
    sizes: Iterable[int], problem_of: Callable[[int], str | None], why_slow: str
) -> str | None:
    """Try larger and larger cases; stop at a problem, or where the answer takes long."""
    for size in sizes:
        start = time.thread_time()  # without the time that another program takes
        problem = problem_of(size)
        seconds = time.thread_time() - start
        if problem is not None:
            return problem
        if seconds > SLOW:
            return "Right so far, but slow: " + why_slow.format(size=size, seconds=seconds)
    return None


# ---------------------------------------------------------------- an amount in cents

# A group of digits behind a mark in a drawn amount, and how often it is drawn.
GROUPS = {"": 0.05, "7": 0.1, "42": 0.25, "308": 0.55, "5160": 0.05}


def check_cents(answer: Any) -> str | None:
    """Compare with the cents of amounts with and without marks; of what is no amount, -1."""
    for text in _amounts(new_rng(65)):
        got = number(call(answer, text), "An amount in cents")
        if got != _cents(text):
            return _cents_problem(got, text)
    return None


def _amounts(rng: np.random.Generator) -> Iterator[str]:
    """Write amounts with and without marks, and texts that are no amounts; the digits are drawn."""
    patterns = (
        "d,ddd.dd d.ddd,dd d,ddd d.ddd dd.dd dd,dd dddd d.dd 0,dd d dd ddd ddddddd ddd.ddd "
        "dd.ddd.ddd d,ddd,ddd.dd d,ddd,dd d.ddd.dd dddd.dd ddddd,dd 0.29 1.15 0.00 0.01 10,000.00 "
        "3.000 dd.d d.d dddd,ddd dddd.ddd,dd d.dd.ddd d,d,d d.dddd dd..dd d,,ddd d.ddd..dd "
        "d,dddd.dd dd,dd,ddd d.ddd,d dd.dd.dd d,dd,dd d.dd,ddd d.dddd,dd"
    )
    for pattern in patterns.split():
        first = re.sub("^d", lambda _: str(rng.integers(1, 10)), pattern)
        yield re.sub("d", lambda _: str(rng.integers(0, 10)), first)
    for _ in range(60):
        groups = rng.choice(list(GROUPS), size=rng.integers(1, 5), p=list(GROUPS.values()))
        text = str(rng.integers(1, 1000)) + "".join(f"{rng.choice(list('.,'))}{g}" for g in groups)
        yield text if text[-1].isdigit() else f"{text}{rng.integers(10, 100)}"


def _groups(text: str) -> list[str]:
    return text.replace(",", ".").split(".")


def _cents(text: str) -> int:
    first, *rest = _groups(text)
    last = rest.pop() if rest and len(rest[-1]) == 2 else "00"
    if rest and (len(first) > 3 or any(len(group) != 3 for group in rest)):
        return -1
    return int(first + "".join(rest) + last)


def _cents_problem(got: float, text: str) -> str:
    right = _cents(text)
    if right == -1:
        return _no_amount_problem(got, text)
    return f"For {text!r} yours is {got:.15g}. {_cents_mistake(got, right, text)}"


def _no_amount_problem(got: float, text: str) -> str:
    first, *rest = _groups(text)
    if not np.isfinite(got):
        return f"For {text!r}, which is no amount, return -1 and not {got:g}."
    if "" in rest:
        why = "Two marks in a row have no digits between them."
    elif len(rest[-1]) == 1:
        why = "One digit behind the last mark is neither cents nor thousands."
    elif len(first) > 3:
        why = "How many digits may stand before the first mark that parts thousands?"
    else:
        why = "How many digits stand behind each mark?"
    return f"{text!r} is no amount: the answer is -1, and yours is {got:.15g}. {why}"


def _cents_mistake(got: float, right: int, text: str) -> str:
    """Say what may be wrong about an amount."""
    groups = _groups(text)
    last = groups[-1]
    whole = int("".join(groups))
    has_cents = len(groups) > 1 and len(last) == 2
    if abs(got - right) <= 1 and right > 1:
        return "A cent off. Did a float stand in between? There is no exact 0.29, and int cuts off."
    if got == -1 and len(groups) == 1:
        return "Without a mark, all digits are dollars, however many there are."
    if got == -1:
        return "But it is an amount: check its marks against each rule of the text."
    if has_cents and got == 100 * whole:
        return "Two digits behind the last mark are cents."
    if len(groups) > 1 and not has_cents and got in _with_decimals(groups):
        return "Three digits behind a mark are thousands, whichever mark it is."
    if right >= 100 and (np.isclose(100 * got, right) or got == right // 100):
        return "A dollar has 100 cents, and cents are asked for."
    if any(np.isclose(got, wrong, rtol=0, atol=1) for wrong in _with_fixed_marks(text)):
        return "Either of the two marks may part thousands, and either may part the cents."
    return "That is another amount."


def _with_fixed_marks(text: str) -> Iterator[float]:
    """Give the cents where one mark always parts thousands, and the other the cents."""
    for thousands, decimal in (",.", ".,"):
        try:
            yield 100 * float(text.replace(thousands, "").replace(decimal, "."))
        except ValueError:  # two decimal marks
            continue


def _with_decimals(groups: list[str]) -> set[float]:
    """List what becomes of an amount whose last mark is taken for the decimal one, in cents."""
    *before, last = groups
    exact = 100 * int("".join(before)) + int(last) / 10 ** (len(last) - 2)
    return {exact, float(int(exact)), float(round(exact)), exact / 100}


# ---------------------------------------------------------------- the probability of a text

Columns = tuple[Floats, tuple[int, ...]]  # probabilities, the blank's last, and a text


def check_text_probability(answer: Any) -> str | None:
    """Compare with (N.5) for columns of two digits and the blank, and of all ten."""
    rng = new_rng(66)
    return (
        _text_problem(answer, list(_columns(rng)))
        or _no_room_problem(answer, rng)
        or _many_columns_problem(answer, rng)
    )


def _columns(rng: np.random.Generator) -> Iterator[Columns]:
    """Draw columns, and texts that they have room for: different digits, equal ones, and none."""
    for columns, text in (
        (3, (0,)),
        (3, (0, 1)),
        (5, (0, 0)),
        (5, (1, 0)),
        (6, (0, 1, 0)),
        (7, (1, 1, 0)),
        (1, (1,)),
        (4, ()),
        (4, (0, 1, 0, 1)),
    ):
        yield rng.dirichlet(np.full(3, 1.5), size=columns), text
    yield rng.dirichlet(np.full(11, 0.5), size=4), (3, 9, 9)


def _text_probability(p: Floats, text: tuple[int, ...], **changes: Any) -> float:
    """Fill the table of (N.5); the changes are mistakes: see `_paths_by_states`."""
    return float(_paths_by_states(p, text, **changes)[0])


def _paths_by_states(
    p: Floats,
    text: tuple[int, ...],
    *,
    join: Callable[..., Any] = sum,
    skips: Callable[[int, int, int], bool] = lambda k, before, blank: k != before,
    first: slice = slice(0, 2),
    last: slice = slice(-2, None),
    blank: int = -1,
) -> tuple[float, Floats]:
    """Fill the table: return the text's probability, and the row of the last column.

    `join` unites ways into one, `skips` says whether a state of class k may follow the state two
    before it, and the slices are the states in which a path may begin and end.
    """
    blank %= p.shape[1]
    states = [blank]
    for digit in text:
        states += [digit, blank]
    row = np.zeros(len(states))
    row[first] = p[0, states[first]]
    for column in p[1:]:
        ways = [[row[s]] for s in range(len(states))]
        for s in range(1, len(states)):
            ways[s].append(row[s - 1])
            if s > 1 and skips(states[s], states[s - 2], blank):
                ways[s].append(row[s - 2])
        row = np.array([column[k] * join(own) for k, own in zip(states, ways, strict=True)])
    return float(join(row[last].tolist())), row


def _best_path_alone(p: Floats, text: tuple[int, ...]) -> float:
    """Multiply the largest probability of each column, whatever the text."""
    return float(p.max(axis=1).prod())


TEXT_MISTAKES: list[Named] = [
    (
        lambda p, text: _text_probability(p, text, join=max),
        "That is the most probable path's own probability: the text has the sum of all its paths.",
    ),
    (
        lambda p, text: np.log(_text_probability(p, text)),
        "That is the logarithm of the probability: take exp of it.",
    ),
    (
        lambda p, text: _text_probability(p, text, skips=lambda k, before, blank: k != blank),
        "Two equal digits without a blank between them merge into one: there no path may skip.",
    ),
    (
        lambda p, text: _text_probability(p, text, skips=lambda k, before, blank: False),
        "Between two different digits there need be no blank: a path may skip it.",
    ),
    (
        lambda p, text: _text_probability(p, text, skips=lambda k, before, blank: True),
        "A path that goes from blank to blank leaves a digit out; and equal digits need theirs.",
    ),
    (
        lambda p, text: _text_probability(p, text, last=slice(-1, None)),
        "A path may end in the last digit, too: add both states.",
    ),
    (
        lambda p, text: _paths_by_states(p, text)[1][-2:][0],
        "A path may end in the last blank, too: add both states.",
    ),
    (
        lambda p, text: _paths_by_states(p, text)[1].sum(),
        "You added all states of the last column, but a path ends in the last digit or blank.",
    ),
    (
        lambda p, text: _text_probability(p, text, first=slice(0, 1)),
        "A path may begin with the first digit, too, without a blank before it.",
    ),
    (
        lambda p, text: _text_probability(p, text, first=slice(1, 2)),
        "A path may begin with a blank, too.",
    ),
    (
        lambda p, text: _text_probability(p, text, blank=0),
        "The blank is the last class, not the first.",
    ),
    (_best_path_alone, "That is the best path of all, whatever its text."),
]


def _text_result(answer: Any, p: Floats, text: tuple[int, ...]) -> float:
    return number(call(answer, p, text), "The probability of a text")


def _text_problem(answer: Any, cases: list[Columns]) -> str | None:
    results = [_text_result(answer, *case) for case in cases]
    for got, (p, text) in zip(results, cases, strict=True):
        if not close(got, _text_probability(p, text)):
            return usual_mistake(results, cases, TEXT_MISTAKES) or (
                f"For the text {text} and {len(p)} columns of {p.shape[1]} classes, {got:.4g} is "
                "not the sum of its paths' probabilities."
            )
    return None


def _no_room_problem(answer: Any, rng: np.random.Generator) -> str | None:
    """Try texts for which there are too few columns."""
    for columns, text in ((1, (0, 1)), (2, (0, 0)), (4, (0, 1, 1, 0))):
        got = _text_result(answer, rng.dirichlet(np.full(3, 1.5), size=columns), text)
        if got != 0:
            return (
                f"{columns} columns have no room for the text {text}, so its probability is 0, "
                f"and yours is {got:.4g}."
            )
    return None


def _many_columns_problem(answer: Any, rng: np.random.Generator) -> str | None:
    """Try more and more columns."""

    def problem_of(columns: int) -> str | None:
        p = rng.dirichlet(np.full(11, 0.5), size=columns)
        return _text_problem(answer, [(p, (1, 2, 2, 5))])

    return _problem_with_size(
        range(5, 41),
        problem_of,
        "{size} columns took {seconds:.1f} seconds, and a field has 40. Don't list the paths: use "
        "the table, as the text does.",
    )


# In the order of the exercises.
CHECKS: list[Check] = [
    check_best_score,
    check_cents,
    check_text_probability,
]
