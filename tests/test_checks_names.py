"""`lessonlib.checks` hands on the names of its modules, and some of other packages when asked."""

import importlib
import subprocess
import sys

import pytest

from lessonlib import checks

HANDED_ON = [(package, name) for package, names in checks.HANDED_ON.items() for name in names]


@pytest.mark.parametrize(("package", "name"), HANDED_ON)
def test_a_name_that_is_handed_on_is_the_same_object_as_in_its_package(
    package: str, name: str
) -> None:
    assert getattr(checks, name) is getattr(importlib.import_module(package), name)


def test_each_name_in_all_is_there_and_is_none_that_is_handed_on() -> None:
    assert all(name in vars(checks) for name in checks.__all__)
    assert not set(checks.__all__) & {name for _, name in HANDED_ON}


@pytest.mark.parametrize("name", ["decode", "__wrapped__"])
def test_a_name_that_nobody_defines_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'lessonlib.checks' has no attribute '{name}'"):
        getattr(checks, name)


def test_importing_checks_imports_no_package_whose_names_it_hands_on() -> None:
    packages = tuple(checks.HANDED_ON)
    code = f"import sys, lessonlib.checks; sys.exit(any(p in sys.modules for p in {packages}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
