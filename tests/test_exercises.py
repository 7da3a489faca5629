"""What holds for the exercise of every chapter; their usual mistakes are tested by chapter."""

from typing import Any

import pytest

from lessonlib import exercises
from lessonlib.exercises import chapter4, chapter5, chapter6
from tests import test_exercises_chapter4 as answers4
from tests import test_exercises_chapter5 as answers5
from tests import test_exercises_chapter6 as answers6

CHECKS = chapter4.CHECKS | chapter5.CHECKS | chapter6.CHECKS
SOLUTIONS = answers4.SOLUTIONS | answers5.SOLUTIONS | answers6.SOLUTIONS


def test_every_chapter_s_checks_are_reached_by_their_number() -> None:
    assert {name.split(".")[0] for name in CHECKS} == set(exercises.CHAPTERS)


@pytest.mark.parametrize("name", CHECKS)
def test_the_solution_is_right(name: str) -> None:
    assert exercises.verdict(name, SOLUTIONS[name]) == f"{name}: right."


@pytest.mark.parametrize("name", CHECKS)
def test_the_stub_counts_as_unanswered(name: str) -> None:
    def stub(*arguments: Any) -> None: ...

    assert exercises.verdict(name, stub) == f"{name}: not answered yet."


@pytest.mark.parametrize("name", ["4.9", "9.1", "", "five"])
def test_an_exercise_that_does_not_exist_is_told_so(name: str) -> None:
    assert "There is no exercise" in exercises.verdict(name, lambda: 1)
