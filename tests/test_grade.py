"""The assignments, with real nbgrader: what students get, and what four submissions are worth."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from lessonlib.exercises import checks_of
from tools import assignments, grade, key, notebooks

CHAPTER = "1-history"
DRAW = 20
NUMBERED = notebooks.chapters()
every_chapter = pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)
needs_nbgrader = pytest.mark.skipif(
    not grade.NBGRADER.exists(), reason="nbgrader is not installed: `make test-nbgrader` does it"
)


def read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def marked(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells}


# ---------------------------------------------------------------- without nbgrader


@every_chapter
def test_an_assignment_asks_for_every_exercise_of_its_chapter_and_gives_points(path: Path) -> None:
    made = marked(assignments.assignment(read(path), "https://book/chapters/x.html", DRAW))
    graded = {name for name, cell in made.items() if cell.metadata.nbgrader.grade}
    in_code = {name.replace(".", "-") for name in checks_of(NUMBERED.index(path) + 1)}
    on_paper = {"1": {"1-6"}, "2": {"2-6"}, "3": {"3-5"}}.get(path.stem.partition("-")[0], set())
    assert graded == {f"test-{name}" for name in in_code} | {f"answer-{name}" for name in on_paper}
    assert all(made[name].metadata.nbgrader.points == 1 for name in graded)
    for name, cell in made.items():
        assert cell.metadata.nbgrader.locked == (not name.startswith("answer-"))
        assert cell.metadata.nbgrader.solution == name.startswith("answer-")


@every_chapter
def test_a_solution_is_right_in_its_assignment_by_the_public_and_the_hidden_test(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run all cells of code in one namespace, as a kernel does."""
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    made = assignments.assignment(read(path), "https://book/chapters/x.html", DRAW)
    names = {"__name__": "__main__"}
    for cell in made.cells[2:]:  # the set-up cell does nothing here
        if cell.cell_type == "code":
            # The modules stay: other tests hold on to them.
            exec(cell.source.replace("del sys.modules[module]", "pass"), names)


def test_what_a_solution_has_above_its_function_becomes_a_part_of_it() -> None:
    (polynomial,) = [e for e in assignments.exercises_of(read(NUMBERED[0])) if e.name == "1.5"]
    source = assignments.with_solution(polynomial)
    assert source.startswith(
        "def quadratic(X):\n    # your code\n    ### BEGIN SOLUTION\n    from "
    )
    assert source.endswith("\n    ### END SOLUTION")


def test_a_solution_of_another_function_than_the_stub_s_is_refused() -> None:
    exercise = assignments.exercises_of(read(NUMBERED[0]))[0]._replace(stub="def bell():\n    # x")
    with pytest.raises(ValueError, match=r"solution of 1\.1 doesn't define"):
        assignments.with_solution(exercise)


def test_writing_assignments_again_leaves_what_was_handed_in(tmp_path: Path) -> None:
    handed_in = tmp_path / "submitted" / "ada" / CHAPTER
    handed_in.mkdir(parents=True)
    assert assignments.write(tmp_path, DRAW) == [path.stem for path in NUMBERED]
    assert handed_in.is_dir()


def test_two_makings_draw_other_hidden_inputs(tmp_path: Path) -> None:
    drawn = []
    for name in ("a", "b"):
        assignments.main([str(tmp_path / name)])
        source = tmp_path / name / "source" / CHAPTER / f"{CHAPTER}.ipynb"
        drawn.append(set(re.findall(r"draw=(\d+)", source.read_text("utf-8"))))
    assert [len(numbers) for numbers in drawn] == [1, 1]
    assert drawn[0] != drawn[1]


@every_chapter
def test_the_key_has_every_exercise_with_its_solution_open(path: Path) -> None:
    cells = key.answer_key(read(path), "https://book").cells
    solutions = [e.cell.source for e in assignments.exercises_of(read(path))]
    assert len(cells) == 1 + 2 * len(solutions)
    for cell, solution in zip(cells[2::2], solutions, strict=True):
        assert "<details>" not in cell.source
        if cell.cell_type == "code":
            assert cell.source == solution
            assert "right." in cell.outputs[0].text
        else:
            assert cell.source.partition("\n\n")[2] in solution


def test_the_key_has_a_page_for_each_chapter(tmp_path: Path) -> None:
    key.write(tmp_path)
    assert {p.name for p in tmp_path.glob("*.html")} == {f"{p.stem}.html" for p in NUMBERED}
    page = (tmp_path / f"{CHAPTER}.html").read_text("utf-8")
    assert "def count_learnable" in re.sub("<[^>]+>", "", page)


# ---------------------------------------------------------------- with nbgrader


def right(notebook: NotebookNode) -> None:
    """Fill in everything."""
    exercises = {e.name: e for e in assignments.exercises_of(read(NUMBERED[0]))}
    for name, cell in marked(notebook).items():
        if name.startswith("answer-"):
            cell.source = exercises[name.removeprefix("answer-").replace("-", ".")].solution


def stubs(notebook: NotebookNode) -> None:
    """Hand in what was given."""


def half(notebook: NotebookNode) -> None:
    """Answer three of five: one of the others is wrong, and one has no syntax."""
    right(notebook)
    cells = marked(notebook)
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


def cheat(notebook: NotebookNode) -> None:
    """Print what the checks print, patch them, and change the tests' cells."""
    cells = marked(notebook)
    for name, source in CHEATS.items():
        cells[name].source = source
        cells[name.replace("answer", "test")].source = f'print("{name}: right.")'


def hand_in(course: Path, student: str, work: Callable[[NotebookNode], None]) -> None:
    folder = course / "submitted" / student / CHAPTER
    folder.mkdir(parents=True)
    notebook = read(course / "release" / CHAPTER / f"{CHAPTER}.ipynb")
    work(notebook)
    nbformat.write(notebook, folder / f"{CHAPTER}.ipynb")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a course of one chapter, and release its assignment."""
    folder = tmp_path_factory.mktemp("course")
    assignments.write(folder, DRAW)
    for other in NUMBERED:
        if other.stem != CHAPTER:
            shutil.rmtree(folder / "source" / other.stem)
    grade.release(folder)
    return folder


@needs_nbgrader
def test_what_students_get_has_neither_solutions_nor_hidden_tests(course: Path) -> None:
    text = (course / "release" / CHAPTER / f"{CHAPTER}.ipynb").read_text(encoding="utf-8")
    for secret in ("SOLUTION", "HIDDEN", "draw=", "verdict", "itertools import combinations_with"):
        assert secret not in text
    cells = marked(read(course / "release" / CHAPTER / f"{CHAPTER}.ipynb"))
    assert cells["answer-1-1"].source == "def alarm():\n    # your code: return w, theta\n    ..."
    assert cells["test-1-1"].source == 'exercises.check("1.1", alarm)'
    assert cells["answer-1-6"].source == "*Your answer*"


@pytest.fixture(scope="module")
def scores(course: Path) -> dict[str, float]:
    """Hand in five notebooks, grade them, and read each student's score in the table."""
    for work in (right, stubs, half, cheat):
        hand_in(course, work.__name__, work)
    hand_in(course, "shadow", cheat)
    put_checks_beside(course / "submitted" / "shadow" / CHAPTER)
    with grade.marks(course).open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert {row["max_score"] for row in rows} == {"6.0"}
    return {row["student_id"]: float(row["score"]) for row in rows}


def put_checks_beside(notebook: Path) -> None:
    """Put a package of the library's name into a folder, whose checks always say right."""
    package = notebook / "lessonlib" / "exercises"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").write_text('def verdict(name, *_, **__): return f"{name}: right."\n')


def test_the_kernel_of_the_grader_is_the_course_s_and_no_shared_file_changes(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "venv" / "share" / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)
    cached = tmp_path / "cached.json"  # uv gives an environment links to its cache
    cached.write_text("as it was")
    (folder / "kernel.json").hardlink_to(cached)
    grade.write_kernel(tmp_path / "venv", Path("/course/python"))
    assert json.loads((folder / "kernel.json").read_text())["argv"][0] == "/course/python"
    assert cached.read_text() == "as it was"


@needs_nbgrader
@pytest.mark.parametrize(
    ("student", "score"),
    [("right", 5), ("stubs", 0), ("half", 3), ("cheat", 0), ("shadow", 0)],
)
def test_a_submission_is_worth_what_it_should_be(
    student: str, score: int, scores: dict[str, float]
) -> None:
    """All is right but the derivation, whose point waits for its reader: 5 of 6."""
    assert scores[student] == score
