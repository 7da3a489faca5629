"""The wheel is attached to the version's release once; tried with a stand-in for GitHub's gh."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tools.release_wheel import release_wheel
from tools.set_up import ROOT

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "lessonlib"
version = "1.0.0"
requires-python = ">=3.11"
"""
# Its releases are a file of JSON, which has each tag's files. Like the real one, it shows no
# release that is missing, and makes none that is there.
GH = """\
#!{python}
import json, pathlib, sys
store = pathlib.Path("{store}")
releases = json.loads(store.read_text())
_, action, tag, *rest = sys.argv[1:]
if action == "view":
    print(*releases[tag], sep="\\n") if tag in releases else sys.exit("release not found")
elif (action == "create") == (tag in releases) or not pathlib.Path(rest[0]).is_file():
    sys.exit("refused")
else:
    releases.setdefault(tag, []).append(pathlib.Path(rest[0]).name)
    store.write_text(json.dumps(releases))
"""
WHEEL = "lessonlib-1.0.0-py3-none-any.whl"
OTHERS = {"v0.9.0": ["lessonlib-0.9.0-py3-none-any.whl"]}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a package of version 1.0.0, and a `gh` that is found first."""
    (tmp_path / "clone" / "lessonlib").mkdir(parents=True)
    (tmp_path / "clone" / "lessonlib" / "__init__.py").touch()
    (tmp_path / "clone" / "pyproject.toml").write_text(PYPROJECT)
    gh = tmp_path / "gh"
    gh.write_text(GH.format(python=sys.executable, store=tmp_path / "releases.json"))
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path / "clone"


def set_releases(clone: Path, releases: dict[str, list[str]]) -> None:
    (clone.parent / "releases.json").write_text(json.dumps(releases))


def releases(clone: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads((clone.parent / "releases.json").read_text())
    return found


@pytest.mark.parametrize("there", [[], ["notes.pdf"]])
def test_a_release_made_without_the_wheel_gets_it(clone: Path, there: list[str]) -> None:
    set_releases(clone, OTHERS | {"v1.0.0": there})
    assert release_wheel(clone) == f"{WHEEL} is new: attached to v1.0.0"
    assert releases(clone) == OTHERS | {"v1.0.0": [*there, WHEEL]}


def test_a_missing_release_is_made_with_the_wheel_and_once(clone: Path) -> None:
    set_releases(clone, OTHERS)
    release_wheel(clone)
    assert releases(clone) == OTHERS | {"v1.0.0": [WHEEL]}
    assert release_wheel(clone) == f"{WHEEL} is there already"
    assert releases(clone) == OTHERS | {"v1.0.0": [WHEEL]}


def test_a_gh_that_fails_is_an_error(clone: Path) -> None:
    (clone.parent / "gh").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(subprocess.CalledProcessError):
        release_wheel(clone)


def test_the_wheel_is_attached_after_the_tag_and_before_the_book_is_published() -> None:
    text = (ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    runs = [step["run"] for step in jobs["tag"]["steps"] if "run" in step]
    assert runs[0] == "python3 -m tools.tag_release"
    assert runs[-1] == "python3 -m tools.release_wheel"
    assert "tag" in jobs["publish"]["needs"]
