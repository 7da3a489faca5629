"""The assignments, with real nbgrader: what students get, what it is worth, what they get back."""

import csv
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode

import make
from lessonlib.exercises import checks_of
from tools import assignments, grade, key, notebooks, records, try_grading
from tools.try_grading import cheat, half, hand_in, marked, right, stubs

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


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a course of one chapter, and release its assignment."""
    return released(tmp_path_factory.mktemp("course"), DRAW)


def released(folder: Path, draw: int) -> Path:
    assignments.write(folder, draw)
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
        hand_in(course, work.__name__, NUMBERED[0], work)
    hand_in(course, "shadow", NUMBERED[0], cheat)
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


# ---------------------------------------------------------------- points given by hand

GIVE = """
import sys
from nbgrader.api import Gradebook

student, chapter, points, comment = sys.argv[1:]
with Gradebook("sqlite:///gradebook.db") as book:
    place = ("answer-1-6", chapter, chapter, student)
    grade = book.find_grade(*place)
    assert grade.needs_manual_grade
    grade.manual_score, grade.needs_manual_grade = float(points), False
    book.find_comment(*place).manual_comment = comment
    book.db.commit()
"""
WAITING = """
import sys
from nbgrader.api import Gradebook

with Gradebook("sqlite:///gradebook.db") as book:
    handed_in = book.assignment_submissions(sys.argv[1])
    print(*sorted(one.student.id for one in handed_in if one.needs_manual_grade))
"""
COMMENT = "The last step is missing."
DRAWS = (987_654_321, 987_654_322)  # digits that stand nowhere else in a page


def ask_gradebook(course: Path, program: str, *words: str) -> list[str]:
    """Do with nbgrader's grade book what its Formgrader does; return the printed words."""
    python = make.script(make.NBGRADER_VENV, "python")
    command = [str(python), "-c", program, *words]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, check=True)
    return done.stdout.split()


class Graded(NamedTuple):
    """A course after it was graded."""

    points: dict[str, float]
    waiting: list[str]
    """Whose derivation needs a point by hand."""
    at: dict[str, int]
    """When each student's notebook was graded."""
    pages: dict[str, str]
    """The text that each student gets back."""


def graded(course: Path) -> Graded:
    with grade.marks(course).open(encoding="utf-8") as table:
        points = {row["student_id"]: float(row["score"]) for row in csv.DictReader(table)}
    notebooks = {student: Path(student, CHAPTER, f"{CHAPTER}.ipynb") for student in points}
    at = {s: (course / "autograded" / path).stat().st_mtime_ns for s, path in notebooks.items()}
    pages = {s: course / "feedback" / path.with_suffix(".html") for s, path in notebooks.items()}
    texts = {s: BeautifulSoup(p.read_text("utf-8"), "html.parser").text for s, p in pages.items()}
    return Graded(points, ask_gradebook(course, WAITING, CHAPTER), at, texts)


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory) -> list[Graded]:
    """Grade, give a point by hand, and grade again as notebooks, then an assignment change."""
    course = released(tmp_path_factory.mktemp("term"), DRAWS[0])
    hand_in(course, "ada", NUMBERED[0], right)
    hand_in(course, "ben", NUMBERED[0], half)
    first = graded(course)
    ask_gradebook(course, GIVE, "ada", CHAPTER, "0.5", COMMENT)
    hand_in(course, "ben", NUMBERED[0], right)
    os.utime(course / "submitted" / "ben" / CHAPTER / f"{CHAPTER}.ipynb", (0, 0))
    hand_in(course, "cai", NUMBERED[0], stubs)  # late
    second = graded(course)
    released(course, DRAWS[1])
    return [first, second, graded(course)]


@needs_nbgrader
def test_a_point_and_a_comment_given_by_hand_stay(term: list[Graded]) -> None:
    assert [state.points["ada"] for state in term] == [5, 5.5, 5.5]
    assert [COMMENT in state.pages["ada"] for state in term] == [False, True, True]


@needs_nbgrader
def test_a_notebook_that_is_handed_in_again_or_late_is_graded_and_no_other(
    term: list[Graded],
) -> None:
    first, second, _ = term
    assert (first.points["ben"], second.points["ben"], second.points["cai"]) == (3, 5, 0)
    assert second.at["ada"] == first.at["ada"]
    assert first.waiting == ["ada"]
    assert second.waiting == ["ben"]


@needs_nbgrader
def test_an_assignment_of_another_draw_is_graded_again(term: list[Graded]) -> None:
    _, second, third = term
    assert all(third.at[student] > second.at[student] for student in second.at)
    assert third.points == second.points
    assert third.waiting == ["ada", "ben"]  # nbgrader wants the points to be looked at again


@needs_nbgrader
def test_what_students_get_back_hides_the_hidden_tests(term: list[Graded]) -> None:
    for state in term:
        for text in state.pages.values():
            assert 'exercises.check("1.1", alarm)' in text
            for secret in ("HIDDEN TESTS", "verdict", "draw=", *map(str, DRAWS)):
                assert secret not in text
    assert "AssertionError: 1.1: not yet. Turning the key" in term[0].pages["ben"]


@needs_nbgrader
def test_the_time_of_a_grading_is_noted(course: Path, tmp_path: Path) -> None:
    try_grading.time_grading(course, NUMBERED[0], [stubs, right], tmp_path / "grading.csv")
    (row,) = records.rows_of(tmp_path / "grading.csv").values()
    assert row["Handed in"] == "2 of 1-history.ipynb"
    assert float(row["Seconds of computing"]) > 0
    assert (course / "grades.csv").read_text("utf-8").count("student-") == 2
