"""What an answer returned: read as numbers, compared with what is right and with usual mistakes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

# What a usual mistake returns for the arguments of a case, and what to tell the learner.
Named = tuple[Callable[..., Any], str]
# The usual mistakes, in the order in which they are tried. Where they share much of the work: one
# function of the arguments, which tabulates what each of them returns by what to tell the learner.
Mistakes = Iterable[Named] | Callable[..., dict[str, Any]]

Floats = npt.NDArray[np.float64]
# What is said of numbers that no usual mistake explains.
OTHER = "the numbers differ from what the equation gives."


class Mistake(Exception):
    """The answer can't be right; the learner reads the text."""


def floats(value: Any) -> Floats | None:
    """Return numbers, a list of them, an array or a tensor as an array of floats.

    Anything else, such as text or rows of different lengths, gives None.

    >>> floats([1, 2.5])
    array([1. , 2.5])
    """
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        if array.dtype.kind == "O" and all(isinstance(part, Real) for part in array.flat):
            array = array.astype(float)  # fractions, or large whole numbers
    except Exception:  # rows of different lengths, or something odder
        return None
    return array.astype(float) if array.dtype.kind in "biuf" else None


def number(result: Any, what: str) -> float:
    """Return a number, a NumPy scalar, or an array or a tensor without axes as one float.

    Raises
    ------
    Mistake
        When it is anything else, such as a string, a list or a truth value. It says so of `what`,
        for example "The precision".
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


def parts(result: Any, count: int, wanted: str) -> tuple[Any, ...]:
    """Return the entries of a tuple or a list of so many.

    Raises
    ------
    Mistake
        When it is anything else. It says what was `wanted`, for example "Return two arrays".
    """
    if isinstance(result, tuple | list) and len(result) == count:
        return tuple(result)
    entries = f" of {len(result)}" if isinstance(result, tuple | list) else ""
    raise Mistake(f"{wanted}, got {type(result).__name__}{entries}.")


def numbers(value: Any, name: str) -> Floats:
    """Return an array, a number, a list of them or a tensor as an array of floats.

    Raises
    ------
    Mistake
        When it is anything else. It says so of the `name`.
    """
    if value is None:
        raise Mistake(f"{name} is None: was it never computed?")
    array = floats(value)
    if array is None:
        kind = type(value).__name__
        raise Mistake(f"{name} should be an array of numbers or one number, got {kind}.")
    return array


def kind_of(value: Any) -> str:
    """Name a value's type, and its size if it has one, for a message.

    >>> kind_of([1, 2, 3])
    'a list of 3'
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, list | tuple | dict | set):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a value of type {type(value).__name__}"


def close(got: npt.ArrayLike, wanted: npt.ArrayLike) -> bool:
    """Compare two arrays to the digits of a float32, beside the largest number that is wanted.

    Where a mistake makes NaN or infinity of the inputs, nothing else is close to them. Arrays of
    different shapes aren't close.

    >>> close([1.000001, 300], [1, 300]), close(1.001, 1)
    (True, False)
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
    """Return what to tell the learner of the first usual mistake that explains every result.

    Parameters
    ----------
    results : sequence
        What the answer returned for each case.
    cases : sequence of tuple
        The arguments of each case.
    mistakes : Mistakes
    same : callable
        Whether a result is what a mistake returns.

    Returns
    -------
    str or None
        None when no mistake explains them all.

    Examples
    --------
    >>> sums = [(lambda a, b: a - b, "Add."), (lambda a, b: a, "And b?")]
    >>> usual_mistake([3, 5], [(3, 1), (5, 2)], sums)
    'And b?'
    """
    with np.errstate(all="ignore"):  # a mistake may divide by 0
        for message, wrong in _wrong_results(mistakes, cases):
            if all(same(got, value) for got, value in zip(results, wrong, strict=True)):
                return message
    return None


def first_problem(
    results: Sequence[Floats],
    cases: Sequence[tuple[Any, ...]],
    right: Callable[..., Any],
    mistakes: Mistakes,
) -> str | None:
    """Say what is wrong with all that was seen; None when all of it is `right`."""
    for got, case in zip(results, cases, strict=True):
        wanted = np.asarray(right(*case))
        if not close(got, wanted):
            return usual_mistake(results, cases, mistakes) or difference(got, wanted)
    return None


def difference(got: Floats, wanted: Floats) -> str:
    """Say of what kind a difference is that no usual mistake explains."""
    if got.shape != wanted.shape:
        return f"the shape is {got.shape}, and should be {wanted.shape}."
    return OTHER if np.isfinite(got).all() else "there is NaN or infinity in the result."


def _wrong_results(
    mistakes: Mistakes, cases: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[str, Iterator[Any]]]:
    """Yield the message of each mistake, and what it returns for each case."""
    if callable(mistakes):
        tables = [mistakes(*case) for case in cases]
        for message in tables[0]:
            if not all(message in table for table in tables):  # it can't explain every result
                continue
            yield message, (table[message] for table in tables)
    else:
        for mistaken, message in mistakes:
            yield message, (mistaken(*case) for case in cases)
