"""One test for all rows of a table: it fails once, and names every row that fails."""

import functools
import textwrap
from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

Row = TypeVar("Row")


def each(
    rows: Iterable[Row], name: Callable[[Row], str] = str
) -> Callable[[Callable[[Row], None]], Callable[[], None]]:
    """Make one test of a function that tests a row.

    A parameter of pytest would make a test of each row, which says no more when a row fails, and
    fills the list of tests with hundreds of lines.
    """

    def decorate(check: Callable[[Row], None]) -> Callable[[], None]:
        @functools.wraps(check)
        def test() -> None:
            found = [(name(row), fault(check, row)) for row in rows]
            assert found, "the table has no rows"
            faults = [f"{row}\n{textwrap.indent(text, '    ')}" for row, text in found if text]
            if faults:
                pytest.fail("\n".join(faults), pytrace=False)

        del test.__wrapped__  # else pytest looks for a fixture "row"
        return test

    return decorate


def fault(check: Callable[[Row], None], row: Row) -> str:
    """What a check says against a row; nothing if it passes."""
    try:
        check(row)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
