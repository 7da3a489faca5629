"""The cells that an exercise needs are enough, and none of them can be left out."""

import contextlib
import io
import os
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbformat import NotebookNode

from lessonlib.exercises import CHAPTERS, checks_of
from tools import notebooks
from tools.needs import OPENING, TITLE, bound_and_used, needs, split

NUMBERED = notebooks.chapters()
every_chapter = pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)


def read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def last_line(sources: list[str]) -> str:
    """Run the code of cells one after another in a fresh namespace; return what is printed last."""
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for source in sources:
            exec(source, names)
    plt.close("all")
    return printed.getvalue().splitlines()[-1]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the bundled digits, which load at once, and draw no figure."""
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    monkeypatch.setattr(plt, "show", lambda: None)
    assert os.environ["LESSONLIB_OFFLINE"]


@every_chapter
def test_a_solution_is_right_after_the_cells_that_the_exercise_needs_alone(path: Path) -> None:
    cells = {cell.id: cell.source for cell in code(read(path))}
    opening = list(cells.values())[1:OPENING]  # the set-up cell does nothing here
    needed = needs(read(path))
    solutions = {m[1]: split(c) for c in cells.values() if (m := TITLE.match(c))}
    assert needed.keys() == solutions.keys() == checks_of(NUMBERED.index(path) + 1).keys()
    for name, (answer, check) in solutions.items():
        check = check.splitlines()[0]
        before = [cells[need.cell] for need in needed[name]]
        assert last_line([*opening, *before, answer, check]) == f"{name}: right."
        for place in range(len(before)):
            fewer = before[:place] + before[place + 1 :]
            with contextlib.suppress(NameError):
                assert "right" not in last_line([*opening, *fewer, answer, check])


def test_some_exercises_need_earlier_cells_and_most_don_t() -> None:
    needed = [cells for path in NUMBERED for cells in needs(read(path)).values()]
    assert len(needed) == sum(len(checks_of(n)) for n in range(1, len(CHAPTERS) + 1))
    assert 0 < sum(map(bool, needed)) < 6


def notebook(*cells: str) -> NotebookNode:
    made = [
        nbformat.v4.new_markdown_cell(source, id=f"{place}")
        if source.startswith("#") and not source.startswith("#@")
        else nbformat.v4.new_code_cell(source, id=f"{place}")
        for place, source in enumerate(cells)
    ]
    return NotebookNode(cells=made)


def test_what_a_needed_cell_needs_is_needed_too_and_an_exercise_s_own_cells_never_are() -> None:
    made = notebook(
        "import nothing",
        "from lessonlib import exercises",
        "# Title\n\n## First",
        "a = 1",
        "unused = a",
        "## Second",
        "def g(x):\n    return x",
        "def f(x):\n    return g(x) + a",
        'def h():\n    ...\n\n\nexercises.check("1.1", h)',
        "#@title Solution 1.1\ndef h():\n    return f(2)\n\n"
        'exercises.check("1.1", h)\nprint(unused)',
        'k = 0\nexercises.check("1.2", k)',
        '#@title Solution 1.2\nk = h()\nexercises.check("1.2", k)',
    )
    assert needs(made) == {
        "1.1": [("3", ["a"], "First"), ("6", ["g"], "Second"), ("7", ["f"], "Second")],
        "1.2": [],
    }


@pytest.mark.parametrize(
    ("source", "bound", "used"),
    [
        ("import numpy as np", {"np"}, set()),
        ("from a import b as c\nd = c(x)", {"c", "d"}, {"x"}),
        ("def f(x):\n    y = x + z\n    return y", {"f"}, {"z"}),
        ("class A(B):\n    c = d", {"A"}, {"B", "d"}),
        ("total = sum(x for x in xs)", {"total"}, {"sum", "xs"}),
        ("if True:\n    %pip install something", set(), set()),
    ],
)
def test_names_that_a_cell_binds_and_takes(source: str, bound: set[str], used: set[str]) -> None:
    assert bound_and_used(source) == (bound, used)
