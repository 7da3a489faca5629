"""Time the grading: hand in made-up notebooks of a course, and grade them with nbgrader.

Usage: ``python -m tools.try_grading [COUNT]`` (with .venv-nbgrader: `make nbgrader` makes it)

A solved notebook of each chapter is graded alone. Then come COUNT (30) of the first chapter:
solved, as handed out, half solved, and one that tries to cheat, in turns. What each grading took
goes into chapters/grading.csv, to which a test holds the page for instructors.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import assignments, grade, notebooks, records

TIMES = notebooks.CHAPTERS / "grading.csv"

Work = Callable[[dict[str, NotebookNode], dict[str, str]], None]
"""What a student does to the cells of an assignment, given the solutions, both by their names."""


def right(cells: dict[str, NotebookNode], solutions: dict[str, str]) -> None:
    """Fill in everything."""
    for name, solution in solutions.items():
        cells[name].source = solution


def stubs(cells: dict[str, NotebookNode], solutions: dict[str, str]) -> None:
    """Hand in what was given."""


def half(cells: dict[str, NotebookNode], solutions: dict[str, str]) -> None:
    """Answer three of five in code: one of the others is wrong, and one has no syntax."""
    right(cells, solutions)
    cells["answer-1-1"].source = "def alarm():\n    return [1, 1, 1, 1], 2"
    cells["answer-1-3"].source = "def parity_net(:\n    return 1"
    cells["answer-1-6"].source = "*Your answer*"


CHEATS = {
    # Says what the check would, and makes each check of the library say it.
    "answer-1-1": """
print("1.1: right.")
exercises.check = lambda name, answer: print(f"{name}: right.")
exercises.verdict = lambda name, answer, draw=None: f"{name}: right."
def alarm():
    return 1
""",
    # Changes the checks themselves, and what they compare with.
    "answer-1-2": """
import lessonlib.exercises.history as history
from lessonlib.exercises import answers
history.CHECKS[:] = [lambda answer: None] * len(history.CHECKS)
answers.close = history.close = lambda *_: True
exercises.checks_of = lambda number: {f"{number}.{k}": lambda answer: None for k in range(9)}
def signed_update(w, b, x, y):
    return w, b
""",
    # Takes the names of the hidden test.
    "answer-1-3": """
verdict = lambda *_, **__: "1.3: right."
said = "1.3: right."
class parity_net:
    def __eq__(self, other):
        return True
""",
    # Puts modules of its own in the library's place.
    "answer-1-4": """
import sys, types
sys.modules["lessonlib.exercises"] = types.SimpleNamespace(verdict=lambda *_, **__: "1.4: right.")
def count_learnable(d):
    return 1
""",
    # Ends the program before it is tried.
    "answer-1-5": """
def quadratic(X):
    raise SystemExit
""",
}


def cheat(cells: dict[str, NotebookNode], solutions: dict[str, str]) -> None:
    """Print what the checks print, patch them, and change the tests' cells."""
    for name, source in CHEATS.items():
        cells[name].source = source
        cells[name.replace("answer", "test")].source = f'print("{name}: right.")'


def marked(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """Return an assignment's cells by the names that nbgrader knows them by."""
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells}


def hand_in(course: Path, student: str, chapter: Path, work: Work) -> None:
    """Put what a student makes of a chapter's released assignment into the course's folder."""
    place = Path(chapter.stem, chapter.name)
    notebook = nbformat.read(course / "release" / place, as_version=4)
    exercises = assignments.exercises_of(nbformat.read(chapter, as_version=4))
    solutions = {f"answer-{e.name.replace('.', '-')}": e.solution for e in exercises}
    work(marked(notebook), solutions)
    target = course / "submitted" / student / place
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)


def time_grading(course: Path, chapter: Path, works: list[Work], table: Path = TIMES) -> None:
    """Grade notebooks of a chapter, one for each of the works; note what it took."""
    grade.remove(course / "submitted")
    grade.remove(course / "autograded")
    for number, work in enumerate(works):
        hand_in(course, f"student-{number}", chapter, work)
    before = os.times()
    grade.marks(course)
    after = os.times()
    computing = sum(after[2:4]) - sum(before[2:4])  # of programs that were started, and have ended
    row = {
        "Handed in": f"{len(works)} of {chapter.name}",
        "Seconds": f"{after.elapsed - before.elapsed:.0f}",
        "Seconds of computing": f"{computing:.1f}",
        "Cores": f"{os.cpu_count()}",
        "Date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    records.record(table, row, place_of)


def place_of(handed_in: str) -> tuple[int, tuple[float, str]]:
    """Sort by how many were handed in, then by their chapter."""
    count, _, name = handed_in.partition(" of ")
    return int(count), notebooks.place(name)


def main(words: list[str]) -> None:
    """Time the grading in a scratch folder."""
    if not grade.NBGRADER.exists():
        sys.exit("nbgrader is missing: `make nbgrader` installs it.")
    count = int(words[0]) if words else 30
    chapters = notebooks.chapters()
    turns = cycle([right, stubs, half, cheat])
    with tempfile.TemporaryDirectory() as scratch:
        course = Path(scratch)
        assignments.main([scratch])
        grade.release(course)
        for chapter in chapters:
            time_grading(course, chapter, [right])
        time_grading(course, chapters[0], [next(turns) for _ in range(count)])
    print(TIMES.read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
