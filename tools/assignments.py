"""Write an nbgrader assignment for each chapter, from the exercises of its notebook.

Usage: ``python -m tools.assignments [COURSE]`` (part of ``make nbgrader``)

They go to the folder source/ of the course, by default _build/nbgrader/, beside a configuration.
An assignment holds no cell of the chapter but the set-up, the imports and the cells that its
exercises need (tools/needs.py). So it runs in seconds, however long the chapter takes.

nbgrader cuts the solutions and the hidden tests out of what students get, and puts the tests back
before it grades. A hidden test tries the answer as the public check does, on inputs of another
draw, whose number is chosen at random here and stands in no public file.
"""

import re
import secrets
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

from lessonlib.files import write_whole
from tools.labs import link_to_the_book
from tools.needs import OPENING, TITLE, needs, split
from tools.notebooks import CHAPTERS, METADATA, chapters, store

ROOT = CHAPTERS.parent
COURSE = ROOT / "_build" / "nbgrader"
POINTS = 1  # of each exercise: an instructor who weighs them otherwise does it in the grade book
PAPER = re.compile(r"<details><summary>Solution (\d+\.\d+)</summary>(.*)</details>", re.DOTALL)

CONFIGURATION = ROOT / "tools" / "nbgrader_config.py"

HEAD = """\
# {title}: exercises

They belong to [chapter {title}]({address}).
Write each answer in place of the three dots, and run its cell and the next one, which tries it.
Your work is graded on other inputs, too. Don't delete a cell, and leave the locked ones as they
are.\
"""

# What an answer may have changed in the modules of the checks goes with them: they are loaded anew.
TEST = """\
{check}
### BEGIN HIDDEN TESTS
import sys

for module in [name for name in sys.modules if name.partition(".")[0] == "lessonlib"]:
    del sys.modules[module]
from lessonlib.exercises import verdict

for said in (verdict("{name}", {answer}), verdict("{name}", {answer}, draw={draw})):
    assert said == "{name}: right.", said
### END HIDDEN TESTS\
"""


class Exercise(NamedTuple):
    """An exercise of a chapter."""

    name: str
    """Its number, such as "1.4"."""
    text: str
    stub: str
    """The first line of the function that is asked for, and a comment; empty on paper."""
    solution: str
    """Code without the check, or Markdown."""
    check: str
    """The line of code that tries the answer; empty on paper."""
    cell: NotebookNode
    """The cell of its solution."""


def exercises_of(notebook: NotebookNode) -> list[Exercise]:
    """List a chapter's exercises: in code, then on paper, as the chapter has them."""
    found = []
    for place, cell in enumerate(notebook.cells):
        if title := TITLE.match(cell.source):
            text, stub = (above.source for above in notebook.cells[place - 2 : place])
            answer, check = split(cell.source)
            solution = answer.partition("\n")[2]
            found.append(
                Exercise(title[1], text, _opening(stub), solution, check.splitlines()[0], cell)
            )
        elif paper := PAPER.match(cell.source):
            text = _last_text(notebook.cells[:place])
            found.append(Exercise(paper[1], text, "", paper[2].strip(), "", cell))
    return found


def _opening(stub: str) -> str:
    """Return a stub's first line, and its comment instead of the three dots."""
    answer, _ = split(stub)
    return answer.replace("...  #", "#")


def _last_text(cells: list[NotebookNode]) -> str:
    """Return the last text, without the sentence that leads to a cell of code below it."""
    text: str = [cell.source for cell in cells if cell.cell_type == "markdown"][-1]
    before, _, last = text.rpartition("\n\n")
    return before if last.endswith(":") else text


def with_solution(exercise: Exercise) -> str:
    """Write an exercise's function, with its body between nbgrader's marks.

    What a solution has above its function, such as an import, becomes a part of the body.
    """
    above, definition, body = exercise.solution.partition(exercise.stub.partition("\n")[0])
    if not definition:
        raise ValueError(f"the solution of {exercise.name} doesn't define its stub's function")
    inside = textwrap.indent(above.strip(), "    ") + body.rstrip()
    return (
        f"{exercise.stub}\n    ### BEGIN SOLUTION\n"
        f"{textwrap.indent(textwrap.dedent(inside).strip(chr(10)), '    ')}\n    ### END SOLUTION"
    )


def assignment(notebook: NotebookNode, address: str, draw: int) -> NotebookNode:
    """Make a chapter's assignment, with solutions and hidden tests, which nbgrader takes out.

    Parameters
    ----------
    notebook : NotebookNode
        The chapter.
    address : str
        Where its page is in the published book.
    draw : int
        Which draw of inputs the hidden tests make.
    """
    title = notebook.cells[0].source.partition("\n")[0].removeprefix("# ")
    head = HEAD.format(title=title, address=address)
    cells = [_locked(nbformat.v4.new_markdown_cell(head), "head")]
    for source in given_code(notebook):
        cells.append(_locked(nbformat.v4.new_code_cell(source), f"given-{len(cells)}"))
    for exercise in exercises_of(notebook):
        cells += exercise_cells(exercise, address.rpartition("/chapters/")[0], draw)
    for place, cell in enumerate(cells):
        cell.id = f"cell-{place}"  # else each run would draw others
    made: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    return made


def given_code(notebook: NotebookNode) -> list[str]:
    """Return the code that a chapter's exercises need, in the notebook's order."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    needed = {need.cell for cells in needs(notebook).values() for need in cells}
    return [c.source for place, c in enumerate(code) if place < OPENING or c.id in needed]


def exercise_cells(exercise: Exercise, book: str, draw: int) -> list[NotebookNode]:
    """Make an exercise's cells: its text, its answer, and in code its test."""
    place = exercise.name.replace(".", "-")
    text = link_to_the_book(exercise.text, set(), book)
    cells = [_locked(nbformat.v4.new_markdown_cell(text), f"text-{place}")]
    if not exercise.stub:
        solution = f"### BEGIN SOLUTION\n{exercise.solution}\n### END SOLUTION"
        answer = nbformat.v4.new_markdown_cell(solution)
        return [*cells, _marked(answer, f"answer-{place}", grade=True, solution=True)]
    answer = nbformat.v4.new_code_cell(with_solution(exercise))
    function = re.findall(r"def (\w+)", exercise.stub)[0]
    test = TEST.format(check=exercise.check, name=exercise.name, answer=function, draw=draw)
    return [
        *cells,
        _marked(answer, f"answer-{place}", solution=True),
        _marked(nbformat.v4.new_code_cell(test), f"test-{place}", grade=True, locked=True),
    ]


def _locked(cell: NotebookNode, name: str) -> NotebookNode:
    return _marked(cell, name, locked=True)


def _marked(
    cell: NotebookNode,
    name: str,
    *,
    grade: bool = False,
    solution: bool = False,
    locked: bool = False,
) -> NotebookNode:
    """Give a cell the metadata by which nbgrader knows what it is."""
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": name,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    } | ({"points": POINTS} if grade else {})
    return cell


def write(course: Path, draw: int) -> list[str]:
    """Write the assignments and the configuration into a course's folder; return their names.

    Releases, submissions and the grade book that are already there stay as they are.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for path in chapters():
        address = f"{project['urls']['Book']}/chapters/{path.stem}.html"
        made = assignment(nbformat.read(path, as_version=4), address, draw)
        folder = course / "source" / path.stem
        folder.mkdir(parents=True, exist_ok=True)
        store(made, folder / path.name)
    write_whole(course / CONFIGURATION.name, CONFIGURATION.read_bytes())
    return [path.stem for path in chapters()]


def main(words: list[str]) -> None:
    """Write the assignments, with a new draw for the hidden tests."""
    course = Path(words[0]) if words else COURSE
    names = write(course, secrets.randbelow(2**31))
    print(f"{len(names)} assignments, with solutions, are in {course / 'source'}")


if __name__ == "__main__":
    main(sys.argv[1:])
