"""The answer checks of the exercises, one module per chapter.

A check tries an answer on fresh inputs and says what is wrong, never what is right. It
never raises: an answer that fails is part of learning.
"""

import pickle
from collections.abc import Callable
from copy import deepcopy
from importlib import import_module
from typing import Any

# A check takes the learner's answer and returns what is wrong with it; None when it is right.
Check = Callable[[Any], str | None]
CHAPTERS = ("4", "5", "6")


def check(name: str, answer: Any) -> None:
    """Try an answer and print the verdict.

    Parameters
    ----------
    name : str
        The exercise's number, for example "4.1".
    answer : object
        What the exercise asks for: mostly a function. None, or a function whose body is still
        ``...``, counts as unanswered.
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
    checks = _checks(name)
    if name not in checks:
        return f"There is no exercise {name!r}. This chapter has: {', '.join(checks) or 'none'}."
    if answer is None or answer is ...:
        return f"{name}: not answered yet."
    try:
        problem = checks[name](answer)
    except Unanswered:
        return f"{name}: not answered yet."
    except Mistake as mistake:
        return f"{name}: not yet. {mistake}"
    except Exception as error:  # the learner's code may raise anything
        return f"{name}: not yet. Your answer raised {type(error).__name__}: {error}"
    return f"{name}: right." if problem is None else f"{name}: not yet. {problem}"


class Unanswered(Exception):
    """The answer is still the stub."""


class Mistake(Exception):
    """What is wrong with an answer, whatever the exercise; its text is for the learner."""


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
        When it returned nothing, as a stub does.
    Mistake
        When it changed an array that it was given.
    TypeError
        When the answer is no function.
    """
    if not callable(answer):
        raise TypeError(f"expected a function, got {type(answer).__name__}")
    copies = deepcopy(arguments)
    result = answer(*copies)
    if result is None or result is ...:
        raise Unanswered
    if pickle.dumps(copies) != pickle.dumps(deepcopy(arguments)):
        raise Mistake("Your function changes the array that it is given. Work on a copy.")
    return result


def _checks(name: str) -> dict[str, Check]:
    """Collect the checks of the chapter that an exercise's number names."""
    chapter = name.split(".")[0]
    if chapter not in CHAPTERS:
        return {}
    checks: dict[str, Check] = import_module(f"lessonlib.exercises.chapter{chapter}").CHECKS
    return checks
