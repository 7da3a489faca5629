"""The examples in the docstrings run, and give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import lessonlib

MODULES = [
    module.name
    for module in pkgutil.walk_packages(lessonlib.__path__, "lessonlib.")
    if not module.name.endswith("__main__")  # importing one runs a program
]


@pytest.mark.filterwarnings("error")
def test_every_example_gives_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    results = [doctest.testmod(importlib.import_module(name)) for name in MODULES]
    assert sum(result.failed for result in results) == 0, capsys.readouterr().out
    assert sum(result.attempted for result in results) > 50
