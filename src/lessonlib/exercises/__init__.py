"""The answer checks of the exercises, one module per chapter.

A check tries an answer on fresh inputs and says what is wrong, never what is right. It
never raises: an answer that fails is part of learning. Only the stop button of the notebook gets
through, and an answer that runs for more than ``LIMIT`` seconds is stopped.
"""

import _thread
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from importlib import import_module
from typing import Any

import numpy as np

# A check takes the learner's answer and returns what is wrong with it; None when it is right.
Check = Callable[[Any], str | None]
CHAPTERS = ("1", "2", "3", "4", "5", "6", "7", "8")
LIMIT = 30.0  # seconds for all the calls of one check; a right answer takes a fraction of one

_has_returned = ContextVar("_has_returned", default=False)  # anything, in this check


def check(name: str, answer: Any) -> None:
    """Try an answer and print the verdict.

    Parameters
    ----------
    name : str
        The exercise's number, for example "4.1".
    answer : object
        What the exercise asks for: mostly a function. None, or a function whose body is still
        ``...``, ``pass`` or ``raise NotImplementedError``, counts as unanswered.
    """
    print(verdict(name, answer))


def verdict(name: str, answer: Any) -> str:
    """Try an answer and say how it did, in one line.

    Parameters
    ----------
    name : str
    answer : object

    Returns
    -------
    str
        Starts with the exercise's number.
    """
    name = str(name)  # check(4.1, f) is understood too
    checks = _checks(name)
    if name not in checks:
        return f"There is no exercise {name!r}. This chapter has: {', '.join(checks) or 'none'}."
    if answer is None or answer is ...:
        return f"{name}: not answered yet."
    _has_returned.set(False)
    try:
        with _time_limit(LIMIT):
            problem = checks[name](answer)
    except Unanswered:
        return f"{name}: not answered yet."
    except (Failed, Mistake) as mistake:
        problem = str(mistake)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what the answer returned may be of any kind
        problem = f"What your answer gives doesn't fit the exercise: {_describe(error)}"
    if problem is None:
        return f"{name}: right."
    line = " ".join(problem.split())  # it may quote what was returned, however long and odd
    line = line if len(line) <= 400 else f"{line[:400]} …"
    return f"{name}: not yet. {line.encode(errors='replace').decode()}"


class Unanswered(Exception):
    """The answer is still the stub."""


class Mistake(Exception):
    """What is wrong with an answer, whatever the exercise; its text is for the learner."""


class Failed(Exception):
    """The answer gave no result to look at; the text says why, for the learner."""


def call(answer: Any, *arguments: Any) -> Any:
    """Call a learner's function on its own copies of the arguments.

    Parameters
    ----------
    answer : callable
    *arguments : object

    Returns
    -------
    object
        What the function returned.

    Raises
    ------
    Unanswered
        When it returned nothing, or raised NotImplementedError, as a stub does.
    Mistake
        When it changed an array that it was given.
    Failed
        When it raised, when it returned nothing after it had returned something for other
        arguments, or when the answer is no function.
    """
    if not callable(answer):
        raise Failed(
            f"The check expected a function, got {type(answer).__name__}: give it the function "
            "itself, by its name alone."
        )
    copies = deepcopy(arguments)
    before = _state(copies)
    try:
        result = answer(*copies)
    except NotImplementedError:
        result = None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: the notebook is to go on
        raise Failed(f"Your answer raised {_describe(error)}") from None
    if _state(copies) != before:
        raise Mistake("Your function changes the array that it is given. Work on a copy.")
    if (result is None or result is ...) and _has_returned.get():
        raise Failed("For some inputs your function returns nothing.")
    if result is None or result is ...:
        raise Unanswered
    _has_returned.set(True)
    return result


def _state(arguments: tuple[Any, ...]) -> bytes | None:
    """Put the arguments that must not change into bytes."""
    try:
        # A generator of random numbers changes with every draw, and functions hold no data.
        kept = [a for a in arguments if not isinstance(a, np.random.Generator) and not callable(a)]
        return pickle.dumps(kept)
    except Exception:  # the answer put something odd into a list: it did change it
        return None


def _describe(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # the learner's own exception may have a broken text
        text = ""
    return f"{type(error).__name__}: {text}".removesuffix(": ")


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupt the body, as the stop button does, when it takes too long."""
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
        raise Failed(
            f"Your answer was stopped after {seconds:g} seconds: does each of its loops end?"
        ) from None
    finally:
        timer.cancel()


def _checks(name: str) -> dict[str, Check]:
    """Collect the checks of the chapter that an exercise's number names."""
    chapter = name.split(".")[0]
    if chapter not in CHAPTERS:
        return {}
    checks: dict[str, Check] = import_module(f"lessonlib.exercises.chapter{chapter}").CHECKS
    return checks
