"""The answer checks of the exercises, one module per chapter.

A check tries an answer on fresh inputs and says what is wrong with it, but never gives the
solution. Whatever the answer raises, the check reports it and doesn't raise. Only the notebook's
stop button interrupts it. An answer that runs for more than ``LIMIT`` seconds is stopped.

A new exercise is a stub and a solution in the chapter's notebook, a check in the chapter's module
here, at its place in ``CHECKS``, and answers to try it on in the module's test. A message that
means an equation of its chapter says "(N.8)", and the learner reads the chapter's number there.
"""

import _thread
import dis
import inspect
import linecache
import pickle
import re
import reprlib
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from importlib import import_module
from types import CodeType, SimpleNamespace
from typing import Any

import numpy as np

from lessonlib.chapters import TITLES
from lessonlib.exercises.answers import Mistake, kind_of

# A check takes the learner's answer and returns what is wrong with it; None when it is right.
Check = Callable[[Any], str | None]
# The chapters' modules, in the book's order: exercise "4.1" is in the fourth.
CHAPTERS = tuple(stem.replace("-", "_") for stem in TITLES)
LIMIT = 30.0  # seconds for all the calls of one check
LONGEST = 400  # characters of a message: enough for the mistake, a line of code and the inputs

# What the answer has returned so far in this check, and the inputs of its present call.
_returned: ContextVar[list[Any]] = ContextVar("_returned")
_inputs: ContextVar[str] = ContextVar("_inputs")
# Which of many draws of the inputs the present check makes; None is the one of `check`.
_draw: ContextVar[int | None] = ContextVar("_draw", default=None)


def check(name: str, answer: Any) -> None:
    """Try an answer and print the verdict.

    Parameters
    ----------
    name : str
        The exercise's number, for example "4.1".
    answer : object
        What the exercise asks for, usually a function. None, or a function whose body is still
        ``...``, ``pass`` or ``raise NotImplementedError``, counts as unanswered.
    """
    print(verdict(name, answer))


def verdict(name: str, answer: Any, draw: int | None = None) -> str:
    """Try an answer as `check` does; return the verdict, one line that begins with the name.

    Whoever grades gives the number of another draw, from 0: then the inputs that are drawn at
    random are others than those of `check`.
    """
    name = str(name)  # check(4.1, f) is understood too
    number = name.split(".")[0]
    checks = checks_of(int(number)) if number.isdecimal() else {}
    if name not in checks:
        return f"There is no exercise {name!r}. This chapter has: {', '.join(checks) or 'none'}."
    if answer is None or answer is ... or is_stub(answer):
        return f"{name}: not answered yet."
    _returned.set([])
    _inputs.set("")
    _draw.set(draw)
    try:
        with _time_limit(LIMIT):
            problem = checks[name](answer)
    except Unanswered:
        return f"{name}: not answered yet."
    except Mistake as mistake:
        problem = str(mistake)
    except KeyboardInterrupt:
        raise
    except BaseException:  # the answer may have returned something of any type
        problem = _unfitting()
    if problem is None:
        return f"{name}: right."
    problem = re.sub(r"\bN(?=\.\d)", number, problem)  # "(N.8)" is an equation of this chapter
    line = " ".join(problem.split())  # it may quote a returned value, which can be long and odd
    line = line if len(line) <= LONGEST else f"{line[:LONGEST]} …"
    return f"{name}: not yet. {line.encode(errors='replace').decode()}"


def new_rng(seed: int) -> np.random.Generator:
    """Return what a check draws its inputs with: the same for each run of the same draw."""
    draw = _draw.get()
    # (seed, 0) would be seed again
    return np.random.default_rng(seed if draw is None else (seed, draw + 1))


class Unanswered(Exception):
    """The answer is still the stub."""


def is_stub(answer: Any) -> bool:
    """Return whether a function's body is only ``...``, ``pass`` or a docstring."""
    code = getattr(answer, "__code__", None)
    if not isinstance(code, CodeType) or code.co_flags & inspect.CO_GENERATOR:
        return False
    steps = list(dis.get_instructions(code))
    idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
    constants = {step.argval for step in steps if step.opname.endswith("_CONST")}
    return {step.opname for step in steps} <= idle and constants <= {None, ...}


def call(answer: Any, *arguments: Any) -> Any:
    """Call a learner's function on copies of the arguments, and return what it returns.

    Raises
    ------
    Unanswered
        When it raised NotImplementedError, as a stub does.
    Mistake
        When it raised, returned nothing or changed its arguments, when it takes other arguments, or
        when the answer isn't a function.
    """
    if not callable(answer):
        raise Mistake(
            f"The check expected a function, got {kind_of(answer)}: give it the function "
            "itself, by its name alone."
        )
    _check_parameters(answer, arguments)
    _inputs.set(_show_inputs(answer, arguments))
    copies = deepcopy(arguments)
    before = _state(copies, arguments)
    try:
        result = answer(*copies)
    except NotImplementedError:
        raise Unanswered from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too, which would end the notebook
        where = _place(error, answer) + _for_inputs()
        raise Mistake(f"Your answer raised {_describe(error)}{where}.") from None
    if _state(copies, arguments) != before:
        raise Mistake("Your function changes what it is given. Work on a copy.")
    if result is None or result is ...:
        raise Mistake(
            "Your function returns nothing: end every branch with `return`, since print only "
            f"shows a value. It was called with {_inputs.get() or 'no arguments'}."
        )
    _returned.get([]).append(result)
    return result


def _check_parameters(answer: Any, arguments: tuple[Any, ...]) -> None:
    """Raise Mistake if a function can't be called with these arguments."""
    try:
        signature = inspect.signature(answer)
    except Exception:  # some built-in functions have no signature, and odd objects may raise
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        raise Mistake(
            f"Your answer raised TypeError: it takes the arguments {signature}, and the check "
            f"gives it {len(arguments)}, in the order of the stub."
        ) from None


def _state(arguments: tuple[Any, ...], given: tuple[Any, ...]) -> bytes | None:
    """Pickle what must not change: arrays and lists, and the attributes that objects came with."""
    kept = []
    for argument, original in zip(arguments, given, strict=True):
        if isinstance(original, SimpleNamespace):
            kept.append({name: getattr(argument, name, None) for name in vars(original)})
        elif not isinstance(original, np.random.Generator) and not callable(original):
            # Random number generators change with every draw, and functions hold no data.
            kept.append(argument)
    try:
        return pickle.dumps(kept)
    except Exception:  # the answer put something into a list that can't be pickled: a change
        return None


def _describe(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # the learner's own exception class may have a broken __str__
        text = ""
    return f"{type(error).__name__}: {text}".removesuffix(": ")


def _place(error: BaseException, answer: Any) -> str:
    """Name the line of the learner's code that raised an error; return "" if it is unknown."""
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    lines = [n for frame, n in traceback.walk_tb(error.__traceback__) if _file(frame) == file]
    if not lines or file is None:
        return ""
    source = linecache.getline(file, lines[-1]).strip()
    return f" in line {lines[-1]}, `{source}`," if source else f" in line {lines[-1]}"


def _file(frame: Any) -> str:
    return str(frame.f_code.co_filename)


def _for_inputs() -> str:
    return f" for {_inputs.get()}" if _inputs.get() else ""


def _show_inputs(answer: Any, arguments: tuple[Any, ...]) -> str:
    """List a function's arguments: short values as they are, arrays by their shape."""
    try:
        names = list(inspect.signature(answer).bind(*arguments).arguments)
    except Exception:
        names = []
    if len(names) != len(arguments):  # a function of *arguments
        return ", ".join(map(_show, arguments))
    pairs = zip(names, arguments, strict=True)
    return ", ".join(f"{name} = {_show(value)}" for name, value in pairs)


def _show(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.size > 4 else _show(value.tolist())
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, SimpleNamespace):
        return "an object with its numbers"
    if isinstance(value, list | tuple) and any(isinstance(part, np.ndarray) for part in value):
        return f"a {type(value).__name__} of {len(value)} arrays"
    if isinstance(value, list) and value and all(isinstance(part, float) for part in value):
        return f"[{', '.join(map(_show, value[:4]))}{', …' if len(value) > 4 else ''}]"
    return reprlib.repr(value)


def _unfitting() -> str:
    """Say that the exercise can't use a value of the type that was returned last."""
    returned = _returned.get([])
    what = kind_of(returned[-1]) if returned else "something"
    return (
        f"Your answer returned {what}, which doesn't fit the exercise{_for_inputs()}: "
        "return what its text asks for."
    )


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupt the body, as the stop button does, after some seconds."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can be interrupted
        return
    expired = threading.Event()

    def stop() -> None:
        expired.set()
        _thread.interrupt_main()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except KeyboardInterrupt:
        if not expired.is_set():
            raise
        raise Mistake(_too_slow(seconds)) from None
    finally:
        timer.cancel()


def _too_slow(seconds: float) -> str:
    """Say that an answer was stopped, and whether it had returned results before."""
    done = len(_returned.get([]))
    if not done:
        return f"Your answer was stopped after {seconds:g} seconds: does each of its loops end?"
    times = "once" if done == 1 else f"{done} times"
    return (
        f"Your answer gave a result {times}, then was stopped after {seconds:g} seconds"
        f"{_for_inputs()}: it is too slow there, or one of its loops doesn't end."
    )


def checks_of(number: int) -> dict[str, Check]:
    """Return the checks of a chapter by their exercises' numbers, such as "4.1".

    The number is the chapter's place in the book, from 1; where there is none, the result is empty.
    """
    if not 1 <= number <= len(CHAPTERS):
        return {}
    module = import_module(f"lessonlib.exercises.{CHAPTERS[number - 1]}")
    return {f"{number}.{place}": check for place, check in enumerate(module.CHECKS, start=1)}
