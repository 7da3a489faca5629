"""Find the cells that an exercise needs: those that define what its solution uses, and theirs."""

import re
import symtable
from typing import NamedTuple

from nbformat import NotebookNode

TITLE = re.compile(r"#@title Solution (\d+\.\d+)")
CHECK = re.compile(r"^exercises\.check\(", re.MULTILINE)
HEADING = re.compile(r"^#{2,} (.+)$", re.MULTILINE)
OPENING = 2  # cells of code that every exercise needs: the set-up and the imports


class Need(NamedTuple):
    """A cell of code that an exercise needs."""

    cell: str
    """Its id."""
    names: list[str]
    """What it defines for the exercise, sorted."""
    section: str
    """The heading above it."""


class _Code(NamedTuple):
    id: str
    source: str
    section: str


def needs(notebook: NotebookNode) -> dict[str, list[Need]]:
    """Return for each exercise of a chapter the cells that it needs, beside the first two.

    An exercise is named by its number, such as "1.4". The cells stand in the notebook's order.
    """
    earlier: list[_Code] = []
    found = {}
    section = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            section = (HEADING.findall(cell.source) or [section])[-1]
        elif title := TITLE.match(cell.source):
            answer, _ = split(cell.source)
            found[title[1]] = _needed(answer, earlier)[OPENING:]
        elif not CHECK.search(cell.source):
            earlier.append(_Code(cell.id, cell.source, section))
    return found


def split(source: str) -> tuple[str, str]:
    """Split an exercise's code into the answer and what begins with its check.

    Examples
    --------
    >>> split('k = 0; exercises.check("1.1", k)'.replace("; ", chr(10)))
    ('k = 0', 'exercises.check("1.1", k)')
    """
    check = CHECK.search(source)
    if check is None:
        return source, ""
    return source[: check.start()].rstrip(), source[check.start() :]


def _needed(answer: str, earlier: list[_Code]) -> list[Need]:
    """Go back from an answer through the cells that define what is still missing."""
    _, missing = bound_and_used(answer)
    missing |= {"exercises"}  # its check
    found = []
    for place in reversed(range(len(earlier))):
        cell = earlier[place]
        bound, used = bound_and_used(cell.source)
        if bound & missing or place < OPENING:
            found.append(Need(cell.id, sorted(bound & missing), cell.section))
            missing = missing - bound | used
    return found[::-1]


def bound_and_used(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell gives to later ones, and those that it takes from elsewhere."""
    code = re.sub(r"(?m)^(\s*)%.*", r"\1pass", source)  # IPython's commands, such as %pip
    tables = [symtable.symtable(code, "cell", "exec")]
    bound = {
        symbol.get_name()
        for symbol in tables[0].get_symbols()
        if symbol.is_assigned() or symbol.is_imported()
    }
    used = set()
    for table in tables:
        tables += table.get_children()
        # A name that a function takes from outside is a global one in its table.
        names = [s for s in table.get_symbols() if s.is_global() or table is tables[0]]
        used |= {symbol.get_name() for symbol in names if symbol.is_referenced()}
    return bound, used - bound
