"""The answer checks of the exercises, one module per chapter.

A check tries an answer on fresh inputs and says what is wrong with it, but never gives the
solution. Whatever the answer raises, the check reports it and doesn't raise. Only the notebook's
stop button interrupts it. An answer that runs for more than ``LIMIT`` seconds is stopped.
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from importlib import import_module
from types import CodeType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

# A check takes the learner's answer and returns what is wrong with it; None when it is right.
Check = Callable[[Any], str | None]
# What a usual mistake returns for the arguments of a case, and what to tell the learner.
Named = tuple[Callable[..., Any], str]
Mistakes = Iterable[Named] | Callable[..., dict[str, Any]]
# The chapters' stems, in the book's order: exercise "4.1" is in the module of the fourth.
CHAPTERS = (
    "history",
    "forward",
    "backprop",
    "training",
    "evaluation",
    "checks",
    "checksums",
    "next_steps",
)
LIMIT = 30.0  # seconds for all the calls of one check
LONGEST = 400  # characters of a message: enough for the mistake, a line of code and the inputs

# What the answer has returned so far in this check, and the inputs of its present call.
_returned: ContextVar[list[Any]] = ContextVar("_returned")
_inputs: ContextVar[str] = ContextVar("_inputs")


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


def verdict(name: str, answer: Any) -> str:
    """Try an answer and return the verdict, one line.

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
    number = name.split(".")[0]
    checks = checks_of(int(number)) if number.isdecimal() else {}
    if name not in checks:
        return f"There is no exercise {name!r}. This chapter has: {', '.join(checks) or 'none'}."
    if answer is None or answer is ... or is_stub(answer):
        return f"{name}: not answered yet."
    _returned.set([])
    _inputs.set("")
    try:
        with _time_limit(LIMIT):
            problem = checks[name](answer)
    except Unanswered:
        return f"{name}: not answered yet."
    except (Failed, Mistake) as mistake:
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


class Unanswered(Exception):
    """The answer is still the stub."""


class Mistake(Exception):
    """The answer is wrong in a way that any exercise can have; the learner reads the text."""


class Failed(Exception):
    """The answer gave no result to judge; the text tells the learner why."""


def is_stub(answer: Any) -> bool:
    """Return whether a function's body is only ``...``, ``pass`` or a docstring.

    Parameters
    ----------
    answer : object

    Returns
    -------
    bool
    """
    code = getattr(answer, "__code__", None)
    if not isinstance(code, CodeType) or code.co_flags & inspect.CO_GENERATOR:
        return False
    steps = list(dis.get_instructions(code))
    idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
    constants = {step.argval for step in steps if step.opname.endswith("_CONST")}
    return {step.opname for step in steps} <= idle and constants <= {None, ...}


def call(answer: Any, *arguments: Any) -> Any:
    """Call a learner's function on copies of the arguments.

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
        When it raised NotImplementedError, as a stub does.
    Mistake
        When it changed its arguments.
    Failed
        When it raised or returned nothing, when it takes other arguments, or when the answer isn't
        a function.
    """
    if not callable(answer):
        raise Failed(
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
        raise Failed(f"Your answer raised {_describe(error)}{where}.") from None
    if _state(copies, arguments) != before:
        raise Mistake("Your function changes what it is given. Work on a copy.")
    if result is None or result is ...:
        raise Failed(
            "Your function returns nothing: end every branch with `return`, since print only "
            f"shows a value. It was called with {_inputs.get() or 'no arguments'}."
        )
    _returned.get([]).append(result)
    return result


def number(result: Any, what: str) -> float:
    """Turn what a learner's function returned into one float.

    Parameters
    ----------
    result : object
        A number, a NumPy scalar, or an array or a tensor without axes.
    what : str
        What the number is, with its article, for the message: "The precision".

    Returns
    -------
    float

    Raises
    ------
    Mistake
        When it is anything else, such as a string, a list or a truth value.
    """
    kind = type(result).__name__
    if isinstance(result, str | bytes | bool | np.bool_):
        raise Mistake(f"{what} is a number, and yours is of type {kind}.")
    if np.shape(result) != ():
        raise Mistake(f"{what} is a single number, and yours has shape {np.shape(result)}.")
    try:
        return float(result)
    except (TypeError, OverflowError):
        raise Mistake(f"{what} is a number, and yours, of type {kind}, can't be one.") from None


def close(got: npt.ArrayLike, wanted: npt.ArrayLike) -> bool:
    """Compare two arrays to the digits of a float32, beside the largest number that is wanted.

    Parameters
    ----------
    got : array_like
        What an answer returned.
    wanted : array_like
        Where a mistake makes NaN or infinity of the inputs, nothing else is close to them.

    Returns
    -------
    bool
        False for arrays of different shapes.
    """
    got, wanted = np.asarray(got), np.asarray(wanted)
    largest = np.abs(wanted[np.isfinite(wanted)]).max(initial=0)
    return got.shape == wanted.shape and np.allclose(got, wanted, 0, 1e-5 * largest, equal_nan=True)


def usual_mistake(
    results: Sequence[Any],
    cases: Sequence[tuple[Any, ...]],
    mistakes: Mistakes,
    same: Callable[[Any, Any], bool] = close,
) -> str | None:
    """Name the first of the usual mistakes that explains every result.

    Parameters
    ----------
    results : sequence
        What the answer returned for each case.
    cases : sequence of tuple
        The arguments of each case.
    mistakes : iterable of (function, str), or function
        What each mistake returns for a case's arguments, and what to tell the learner. Where
        mistakes share much of the work, one function of the arguments that returns what all of
        them return, by what to tell the learner.
    same : callable
        Whether a result is what a mistake returns.

    Returns
    -------
    str or None
        None when no mistake explains them all.
    """
    with np.errstate(all="ignore"):  # a mistake may divide by 0
        for message, wrong in _wrong_results(mistakes, cases):
            if all(same(got, value) for got, value in zip(results, wrong, strict=True)):
                return message
    return None


def _wrong_results(
    mistakes: Mistakes, cases: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[str, Iterator[Any]]]:
    """Yield the message of each mistake, and what it returns for each case."""
    if callable(mistakes):
        tables = [mistakes(*case) for case in cases]
        for message in tables[0]:
            yield message, (table[message] for table in tables)
    else:
        for mistaken, message in mistakes:
            yield message, (mistaken(*case) for case in cases)


def _check_parameters(answer: Any, arguments: tuple[Any, ...]) -> None:
    """Raise Failed if a function can't be called with these arguments."""
    try:
        signature = inspect.signature(answer)
    except Exception:  # some built-in functions have no signature, and odd objects may raise
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        raise Failed(
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


def kind_of(value: Any) -> str:
    """Name a value's type, and its size if it has one, for a message.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
        For example "a list of 3".
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, list | tuple | dict | set):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a value of type {type(value).__name__}"


def floats(value: Any) -> npt.NDArray[np.float64] | None:
    """Turn what an answer returned into an array of floats.

    Parameters
    ----------
    value : object
        An array, a number, a list of numbers or a tensor, if it is right.

    Returns
    -------
    float array or None
        None for what holds anything but numbers, or rows of different lengths.
    """
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        if array.dtype.kind == "O":  # fractions, or whole numbers of any size
            array = np.array([float(part) for part in array.flat]).reshape(array.shape)
    except Exception:  # rows of different lengths, or something odder
        return None
    return array.astype(float) if array.dtype.kind in "biuf" else None


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
        raise Failed(_too_slow(seconds)) from None
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
    """Collect the checks of a chapter.

    Parameters
    ----------
    number : int
        The chapter's place in the book, from 1.

    Returns
    -------
    dict
        By the exercises' numbers, as "4.1"; empty when there is no such chapter.
    """
    if not 1 <= number <= len(CHAPTERS):
        return {}
    module = import_module(f"lessonlib.exercises.{CHAPTERS[number - 1]}")
    return {f"{number}.{place}": check for place, check in enumerate(module.CHECKS, start=1)}
