"""The instructors' page: its plans add up, what it quotes is said, its commands exist."""

import re
import time
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

import make
from lessonlib import exercises
from lessonlib.__main__ import _parser
from tests.test_exercises import FIXED, MISTAKES
from tools import kit, notebooks, records, try_grading
from tools.labs import LABS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "chapters" / "instructors.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    found = re.search(rf"^#+ {heading}.*?\n(.*?)(?=^#|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def table(heading: str) -> list[list[str]]:
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(("plan", "total"), [("Ninety minutes", 90), ("Half a day", 240)])
def test_the_minutes_of_a_plan_add_up(plan: str, total: int) -> None:
    assert sum(int(row[0]) for row in table(plan)[2:]) == total


def test_each_of_the_six_sessions_has_its_two_hours() -> None:
    number = ""
    minutes = []
    for row in table("Six sessions")[2:]:
        number = row[0] or number
        minutes.append((number, int(row[1])))
    sums = [sum(m for _, m in rows) for _, rows in groupby(minutes, key=lambda pair: pair[0])]
    assert sums == [120] * 6
    assert "A session is 120 minutes" in PAGE


def minutes_of(text: str) -> int:
    """The minutes in "70 minutes", "two hours" and the like, added up."""
    numbers = [int(number) for number in re.findall(r"\d+(?= minutes| to do)", text)]
    return sum(numbers) + 120 * text.count("two hours")


def test_the_hours_that_the_chapters_ask_for_are_those_at_their_tops() -> None:
    total = 0
    for notebook in (ROOT / "chapters").glob("[0-9]*.ipynb"):
        (time,) = re.findall(r"\*\*Time:\*\* (.+? exercises)", notebook.read_text("utf-8"))
        total += minutes_of(time)
    assert f"ask for {total / 60:.0f} hours" in PAGE
    assert "six sessions are 12" in PAGE


@pytest.mark.parametrize("plan", ["Ninety minutes", "Half a day", "Six sessions"])
def test_minutes_are_marked_as_estimates(plan: str) -> None:
    assert "Minutes (estimate)" in table(plan)[0]


@pytest.mark.parametrize("row", table("What they get wrong")[2:], ids=lambda row: row[0])
def test_the_check_of_that_exercise_says_what_the_page_quotes(row: list[str]) -> None:
    exercise, quoted, _ = row
    wrong = [answer for name, answer, _ in MISTAKES if name == exercise]
    with np.errstate(all="ignore"):
        verdicts = (exercises.verdict(exercise, answer) for answer in wrong)
        assert any(quoted.strip('"') in verdict for verdict in verdicts)


def test_the_exercises_without_hidden_inputs_are_those_that_the_page_names() -> None:
    graded = section("Marks").partition("An answer is tried")[2]
    assert set(re.findall(r"\d+\.\d+", graded)) == set(FIXED)


def chapters_of(text: str) -> list[tuple[str, str]]:
    """Each chapter that a table links to, and the titles in italics that follow."""
    pairs = []
    name = ""
    for line in text.splitlines():
        if link := re.search(r"\(([\w-]+\.ipynb)\)", line):
            name = link[1]
        pairs += [(name, title) for title in re.findall(r"\*([^*]+)\*", line.split("|")[-2])]
    return pairs


@pytest.mark.parametrize("plan", ["Ninety minutes", "Half a day"])
def test_the_sections_that_a_plan_names_are_in_its_chapters(plan: str) -> None:
    rows = "\n".join(line for line in section(plan).splitlines() if line.startswith("|"))
    named = chapters_of(rows)
    assert named
    for notebook, title in named:
        assert re.search(rf'"#+ {title}(\\n)?"', (ROOT / "chapters" / notebook).read_text("utf-8"))


def test_every_command_exists() -> None:
    targets = set(re.findall(r"`make ([\w-]+)`", PAGE))
    known = "labs slides book kit pdf test-kit nbgrader test-nbgrader grade key quizzes clean"
    assert targets == set(known.split())
    assert targets <= make.TARGETS.keys()
    commands = re.findall(r"-m lessonlib (\w[^`\n]*)", PAGE)
    assert {command.split()[0] for command in commands} == {"doctor", "read"}
    for command in commands:
        _parser().parse_args(command.split())
    for path in re.findall(r"data/checks/\S+\.png", PAGE):
        assert (ROOT / path).is_file()
    assert f"`{LABS.relative_to(ROOT)}/`" in PAGE


# ---------------------------------------------------------------- what was measured


def month_of(date: str) -> str:
    return time.strftime("%B %Y", time.strptime(date, "%Y-%m-%d"))


def test_the_sizes_of_kits_are_those_in_the_record() -> None:
    measured = records.rows_of(kit.SIZES)
    for command, _, packed, installed in table("Without the internet")[2:]:
        row = measured.pop(re.findall(r"`make kit (?:PLATFORM|WHEELS)=(.*)`", command)[0])
        assert packed == f"{float(row['GB']):.1f} GB"
        assert installed == (f"{float(row['Installed in GB']):.1f} GB" if installed else "")
        assert f"In {month_of(row['Date'])}:" in section("Without the internet")
    assert not measured


def test_the_times_of_grading_are_those_in_the_record() -> None:
    measured = records.rows_of(try_grading.TIMES)
    chapters = [path.name for path in notebooks.chapters()]
    alone = [measured[f"1 of {name}"] for name in chapters]
    thirty = measured[f"30 of {chapters[0]}"]
    took = f"took {float(thirty['Seconds']) / 60:.0f} minutes in {month_of(thirty['Date'])}"
    seconds = sorted(round(float(row["Seconds of computing"])) for row in alone)
    for said in (took, f"took {seconds[0]} to {seconds[-1]} seconds of computing"):
        assert said in section("Marks").replace("\n", " ")
    assert {row["Cores"] for row in (*alone, thirty)} == {"2"}
    assert "a machine with two cores" in section("Marks")


def test_colab_s_package_is_as_large_as_the_page_says(tmp_path: Path) -> None:
    kit.build_package(tmp_path)
    (wheel,) = tmp_path.iterdir()
    assert f"package ({wheel.stat().st_size / 1e6:.0f} MB)" in section("A lab of thirty")
