"""What holds for the exercise of every chapter; their usual mistakes are tested by chapter."""

import math
import pickle
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonlib import exercises
from lessonlib.chapters import TITLES
from lessonlib.exercises import answers

NOTEBOOKS = Path(__file__).resolve().parents[1] / "chapters"


def named(chapter: int, place: int) -> str:
    """Name an exercise as the learner does, "4.1", by its chapter and its place in it."""
    return f"{chapter}.{place}"


CHECKS: dict[str, exercises.Check] = {}
SOLUTIONS: dict[str, Any] = {}
RIGHT: list[tuple[str, Any]] = []
MISTAKES: list[tuple[str, Any, str]] = []
for number, stem in enumerate(exercises.CHAPTERS, start=1):
    tests = import_module(f"tests.test_exercises_{stem}")
    CHECKS |= exercises.checks_of(number)
    SOLUTIONS |= {named(number, place): answer for place, answer in tests.SOLUTIONS.items()}
    right = [*tests.SOLUTIONS.items(), *tests.RIGHT]
    RIGHT += [(named(number, place), answer) for place, answer in right]
    MISTAKES += [
        # An equation "(N.8)" is this chapter's: the learner reads its number.
        (named(number, place), answer, re.sub(r"\bN(?=\.\d)", str(number), message))
        for place, answer, message in tests.MISTAKES
    ]

# Two exercises that others stand for: a function of sizes, and one of an image and two numbers.
COUNT, MOVE = (named(exercises.CHAPTERS.index("training") + 1, place) for place in (1, 3))
# Those whose checks draw nothing, and why.
FIXED = {
    "1.1": "one unit, tried on all 16 inputs there are",
    "1.3": "one net, tried on all 8 inputs there are",
    "1.4": "three counts; a fourth, of 65,536 functions, takes the solution 17 minutes",
}
every_exercise = pytest.mark.parametrize("name", CHECKS)


def judge(name: str, answer: Any, draw: int | None = None) -> str:
    """Return the verdict, and let the warnings go that a learner would see beside it."""
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        return exercises.verdict(name, answer, draw)


class Recorder:
    """A right answer that notes what it was asked and what it returned."""

    def __init__(self, name: str) -> None:
        self.solution = SOLUTIONS[name]
        self.asked: list[tuple[Any, ...]] = []
        self.returned: list[Any] = []
        exercises.verdict(name, self)

    def __call__(self, *arguments: Any) -> Any:
        self.asked.append(arguments)
        self.returned.append(self.solution(*arguments))
        return self.returned[-1]


def test_the_chapters_stand_in_the_order_of_their_files() -> None:
    files = {f"{number}-{stem}" for number, stem in enumerate(TITLES, start=1)}
    assert {path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb")} == files


def test_every_chapter_has_exercises() -> None:
    for number in range(1, len(exercises.CHAPTERS) + 1):
        assert 3 <= len(exercises.checks_of(number)) <= 5


@every_exercise
def test_right_answers_in_several_styles_pass_also_in_other_draws(name: str) -> None:
    mine = [answer for number, answer in RIGHT if number == name]
    assert len(mine) >= 3
    for answer in mine:
        for draw in (None, 0, 1):
            assert judge(name, answer, draw) == f"{name}: right."


@every_exercise
def test_a_right_answer_is_right_in_every_draw_of_the_inputs(name: str) -> None:
    for draw in (*range(10), 2**31 - 1):
        assert judge(name, SOLUTIONS[name], draw) == f"{name}: right."
    assert judge(name, SOLUTIONS[name]) == f"{name}: right."


def calls_of_the_public_check(name: str) -> list[tuple[bytes, Any]]:
    """Return the arguments of each call, pickled, and what a right answer returned."""
    calls = []

    def answer(*arguments: Any) -> Any:
        key = pickle.dumps(arguments)  # the answer may draw from a generator among them
        calls.append((key, SOLUTIONS[name](*arguments)))
        return calls[-1][1]

    judge(name, answer)
    return calls


def played_back(calls: list[tuple[bytes, Any]]) -> Callable[..., Any]:
    """Return an answer that knows these calls; to others it gives the result of the same place."""
    known, in_order = dict(calls), iter(calls)

    def answer(*arguments: Any) -> Any:
        _, result = next(in_order, calls[-1])
        return known.get(pickle.dumps(arguments), result)

    return answer


@every_exercise
def test_an_answer_that_knows_the_public_results_alone_is_wrong_in_another_draw(name: str) -> None:
    calls = calls_of_the_public_check(name)
    assert judge(name, played_back(calls)) == f"{name}: right."
    verdicts = [judge(name, played_back(calls), draw) for draw in range(20)]
    wrong = sum(verdict != f"{name}: right." for verdict in verdicts)
    assert wrong == 0 if name in FIXED else wrong >= 19


@every_exercise
def test_a_check_takes_other_inputs_in_another_draw_unless_all_its_cases_are_fixed(
    name: str,
) -> None:
    asked = []
    for draw in (None, 0, 1):
        record = Recorder(name)
        record.asked.clear()
        exercises.verdict(name, record, draw)
        asked.append(repr(record.asked))
    assert len(set(asked)) == (1 if name in FIXED else 3)


@every_exercise
def test_the_stub_counts_as_unanswered(name: str) -> None:
    def dots(*arguments: Any) -> None: ...

    def nothing(*arguments: Any) -> None:
        return None

    def the_dots_themselves(*arguments: Any) -> Any:
        return ...

    def not_implemented(*arguments: Any) -> None:
        raise NotImplementedError("to do")

    def described(*arguments: Any) -> None:
        """Say what it will do."""

    for stub in (dots, nothing, the_dots_themselves, described, not_implemented, None, ...):
        assert exercises.verdict(name, stub) == f"{name}: not answered yet."


@every_exercise
def test_an_answer_that_prints_and_forgets_to_return_is_told_so(name: str) -> None:
    def answer(*arguments: Any) -> None:
        print(SOLUTIONS[name](*arguments))

    verdict = judge(name, answer)
    assert verdict.startswith(f"{name}: not yet. Your function returns nothing")
    assert "since print only shows a value" in verdict


@every_exercise
def test_wrong_answers_are_rejected_and_the_usual_ones_told_apart(name: str) -> None:
    mine = [(answer, message) for number, answer, message in MISTAKES if number == name]
    assert len(mine) >= 8
    meant: dict[str, str] = {}
    for answer, message in mine:
        verdict = judge(name, answer)
        assert verdict.startswith(f"{name}: not yet. ")
        assert message in verdict
        assert "Your answer raised" not in verdict or "raised" in message or "Error" in message
        if not message:
            continue  # wrong in a way that needs no words of its own
        said = re.sub(r"-?\d+\.\d+", "#", verdict)  # whatever numbers it quotes
        assert meant.setdefault(said, message) == message, verdict
    assert len(meant) >= 3


@every_exercise
def test_an_answer_that_is_right_for_the_first_input_alone_is_found_out(name: str) -> None:
    record = Recorder(name)
    if not record.asked[0]:
        return  # a function of nothing is asked for its one value
    first = record.returned[0]
    assert judge(name, lambda *_: first).startswith(f"{name}: not yet. ")


@every_exercise
def test_an_answer_that_sometimes_returns_nothing_is_no_stub(name: str) -> None:
    calls = len(Recorder(name).asked)
    for known in range(1, calls):
        left = iter(range(known))

        def answer(*arguments: Any, left: Iterator[int] = left) -> Any:
            return SOLUTIONS[name](*arguments) if next(left, None) is not None else None

        assert "returns nothing" in judge(name, answer)


def spoil(value: Any) -> bool:
    """Change an array or a list in place, if it is one."""
    if isinstance(value, np.ndarray) and value.size:
        value[...] = np.roll(~value if value.dtype == bool else value + 1, 1)
        return True
    if isinstance(value, list):
        value.append(1)
        return True
    return False


@every_exercise
def test_an_answer_that_changes_its_input_is_told_so(name: str) -> None:
    spoilt = []

    def answer(*arguments: Any) -> Any:
        result = SOLUTIONS[name](*arguments)
        spoilt.append(any([spoil(argument) for argument in arguments]))
        return result

    verdict = judge(name, answer)
    assert ("work on a copy" in verdict.lower()) == any(spoilt)


class Rude(BaseException):
    """Not even an Exception, and without a text."""

    def __str__(self) -> str:
        raise ValueError("no text")


class Prickly:
    """Refuses whatever a check may try with it."""

    def refuse(self, *_: Any) -> Any:
        raise RuntimeError("hands off")

    __eq__ = __lt__ = __gt__ = __add__ = __sub__ = __mul__ = __array__ = refuse
    __float__ = __len__ = __iter__ = __getitem__ = __bool__ = __repr__ = refuse
    __hash__ = None  # type: ignore[assignment]


def raising(error: BaseException) -> Callable[..., Any]:
    def answer(*arguments: Any) -> Any:
        raise error

    return answer


def endless(*arguments: Any) -> Any:
    return endless(*arguments)


def generator(*arguments: Any) -> Any:
    yield 1.0


NO_FUNCTIONS = [3, "text", [], {}, np.zeros(3), math.nan, object(), math, Prickly(), "\ud800"]
FAILING = [
    lambda a, b, c, d, e, f, g, h, i: 1,
    endless,
    lambda *_: sys.exit(),
    lambda *_: sys.exit("good\nbye"),
    *map(raising, [Rude(), GeneratorExit(), MemoryError(), StopIteration(), ValueError("\ud800")]),
]
VALUES: list[Any] = [
    *("", "text", "line\nline", "\ud800", "x" * 10**6, b"1", True, 10**400, 1j, 0, -1, 12345.678),
    *(math.nan, math.inf, -math.inf, np.nan, np.datetime64("2026-01-01"), np.ma.masked),
    *([], (), {}, set(), [None], [...], (None, None), (None,) * 3, (None,) * 4, [[1], [2, 3]]),
    *(np.zeros(0), np.zeros((2, 2)), np.zeros((1, 1, 1, 1)), np.array(None), np.array(["a"] * 3)),
    *([value] * 3 for value in (True, math.nan, math.inf, -math.inf)),
    *(np.full((28, 28), value) for value in (True, math.nan, math.inf, -math.inf)),
    *(np.zeros((28, 28), dtype=complex), list(range(10**5)), np.full((4, 4), np.nan)),
    *((1, 2), ([], [], [], []), (np.full((2, 2), np.nan),) * 2, [np.full((2, 2), np.nan)] * 3),
    *((Prickly(),) * k for k in (1, 2, 3, 4)),
    *(torch.zeros(3), torch.zeros(2, 2, requires_grad=True), torch.tensor(1.0, requires_grad=True)),
    *(object(), object, Prickly(), math, print, NotImplemented, endless, iter([1, 2])),
]


def is_one_line(verdict: str, start: str) -> bool:
    verdict.encode()  # or printing it would raise
    return verdict.startswith(start) and len(verdict.splitlines()) == 1 and len(verdict) < 500


@every_exercise
def test_a_nasty_answer_gets_a_verdict(name: str) -> None:
    nasty = [*NO_FUNCTIONS, *FAILING, generator, Prickly, *((lambda *_, v=v: v) for v in VALUES)]
    for answer in [*nasty, lambda *a: a, lambda *a: (*a, None)[0] or 7]:
        verdict = judge(name, answer)
        assert is_one_line(verdict, f"{name}: not yet. "), verdict
        assert len(verdict) > 30, verdict


@every_exercise
def test_an_answer_that_raises_is_told_what(name: str) -> None:
    for answer in FAILING:
        verdict = exercises.verdict(name, answer)
        assert "Your answer raised " in verdict, verdict


def crashes(sizes: list[int]) -> float:
    total = sum(sizes)
    return total / (total - total)


def test_an_exception_names_the_line_and_what_the_answer_was_called_with() -> None:
    verdict = exercises.verdict(COUNT, crashes)
    line = crashes.__code__.co_firstlineno + 2
    place = f"ZeroDivisionError: division by zero in line {line}, `return total / (total - total)`"
    assert place in verdict
    assert re.search(r"for sizes = \[\d+, \d+", verdict)


def test_the_line_is_the_learner_s_own_where_a_library_raises() -> None:
    def answer(sizes: list[int]) -> Any:
        return np.zeros(3).reshape(2, 2)

    assert "`return np.zeros(3).reshape(2, 2)`" in exercises.verdict(COUNT, answer)


def test_an_array_that_the_answer_was_called_with_is_named_by_its_shape() -> None:
    verdict = exercises.verdict(MOVE, lambda x, dy, dx: 1 // 0)
    assert re.search(r"for x = an array of shape \(28, 28\), dy = -?\d, dx = -?\d", verdict)


def test_a_function_of_other_arguments_is_told_which_it_gets() -> None:
    verdict = exercises.verdict(MOVE, lambda x: x)
    assert "it takes the arguments (x), and the check gives it 3" in verdict


@every_exercise
def test_an_answer_of_another_kind_hears_no_error_of_python_s(name: str) -> None:
    for value in ({}, {"a": 1}, {1, 2}, "text", b"1", object(), 1j):
        verdict = judge(name, lambda *_, v=value: v)
        assert verdict.startswith(f"{name}: not yet. "), verdict
        assert not re.search(r"Error|object is not|unsupported|could not", verdict), verdict


def test_what_an_object_was_given_with_may_be_added_to_but_not_changed() -> None:
    def adds(net: SimpleNamespace) -> float:
        net.kept = 2 * net.value
        return float(net.kept)

    def changes(net: SimpleNamespace) -> float:
        net.value *= 2
        return float(net.value)

    assert exercises.call(adds, SimpleNamespace(value=1.0)) == 2
    with pytest.raises(answers.Mistake, match="Work on a copy"):
        exercises.call(changes, SimpleNamespace(value=1.0))


numbers = st.floats() | st.integers() | st.none() | st.booleans() | st.text(max_size=3)
results = st.recursive(
    numbers | hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_side=4, min_side=0)),
    lambda parts: st.lists(parts, max_size=4) | st.tuples(parts, parts) | st.tuples(*[parts] * 3),
    max_leaves=6,
)


@every_exercise
@settings(max_examples=30, deadline=None)
@given(values=st.lists(results, min_size=1, max_size=4))
def test_whatever_an_answer_returns_there_is_a_verdict(name: str, values: list[Any]) -> None:
    left = iter(values)
    verdict = judge(name, lambda *_: next(left, values[0]))
    assert is_one_line(verdict, f"{name}: not ")


@pytest.mark.parametrize("name", ["1.9", "99.1", "0.1", "", "five", None, 1.9, "1"])
def test_an_exercise_that_does_not_exist_is_told_so(name: Any) -> None:
    assert "There is no exercise" in exercises.verdict(name, lambda: 1)


def test_the_stop_button_gets_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        exercises.verdict(COUNT, raising(KeyboardInterrupt()))


ENDLESS = """
import signal
import sys

from lessonlib import exercises

COUNT = sys.argv[1]
# A shell may start what it runs in the background deaf to interrupts; a notebook never is.
signal.signal(signal.SIGINT, signal.default_int_handler)

def count(sizes):
    while True:
        pass

def slow(sizes):
    if len(sizes) > 2:
        count(sizes)
    return sizes[0] * sizes[1] + sizes[1]

exercises.LIMIT = 0.5
exercises.check(COUNT, count)
exercises.check(COUNT, slow)
exercises.check(COUNT, lambda sizes: sum(a * b + b for a, b in zip(sizes, sizes[1:])))
"""


def test_an_endless_loop_is_stopped_and_the_notebook_goes_on() -> None:
    # In a process of its own: a limit works on the main thread, and pytest may be elsewhere.
    run = subprocess.run(
        [sys.executable, "-c", ENDLESS, COUNT], capture_output=True, text=True, timeout=100
    )
    first, slow, second = run.stdout.splitlines()
    assert first == (
        f"{COUNT}: not yet. Your answer was stopped after 0.5 seconds: does each of its loops end?"
    )
    stopped = r"gave a result (once|\d times), then was stopped after 0\.5 seconds for sizes = \["
    assert re.search(stopped, slow)
    assert "it is too slow there, or one of its loops doesn't end" in slow
    assert second == f"{COUNT}: right."


def test_a_check_runs_on_a_thread_too() -> None:
    verdicts: list[str] = []
    thread = threading.Thread(
        target=lambda: verdicts.append(exercises.verdict(COUNT, SOLUTIONS[COUNT]))
    )
    thread.start()
    thread.join()
    assert verdicts == [f"{COUNT}: right."]


def test_a_generator_of_random_numbers_may_be_drawn_from() -> None:
    rng = np.random.default_rng(0)
    assert 0 <= exercises.call(lambda r: r.random(), rng) < 1
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_a_function_may_be_an_argument() -> None:
    assert exercises.call(lambda f, x: f(x), lambda x: x + 1, 1) == 2


def test_numbers_of_any_kind_become_floats_and_text_does_not() -> None:
    for value in ([Fraction(1, 2), 3], np.array([0.5, 3], dtype=object), torch.tensor([0.5, 3.0])):
        array = answers.floats(value)
        assert array is not None
        assert array.tolist() == [0.5, 3.0]
    for text in ("1", ["1"], [Fraction(1, 2), "3"], np.array(["1"], dtype=object), [[1], [2, 3]]):
        assert answers.floats(text) is None, text


def test_a_mistake_that_says_nothing_of_a_case_does_not_explain_it() -> None:
    def tables(n: int) -> dict[str, float]:
        return {"zero": 0.0} | ({"twice": 2.0 * n} if n > 1 else {})

    assert answers.usual_mistake([4, 6], [(2,), (3,)], tables) == "twice"
    assert answers.usual_mistake([4, 2], [(2,), (1,)], tables) is None
