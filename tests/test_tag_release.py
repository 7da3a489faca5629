"""A new version gets its tag, an old one keeps it; tried on repositories of their own."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tools.set_up import ROOT
from tools.tag_release import git, release

PYPROJECT = """\
[project]
name = "lessonlib"
version = "{version}"
dependencies = ["numpy>=2"]
[tool.hatch.build]
only-include = ["src/lessonlib"]
[tool.ruff]
line-length = 100
"""
WHEEL = "lessonlib-{version}-py3-none-any.whl"
NOTEBOOK = (
    f'{{{{"cells": [{{{{"source": ["%pip install {{{{wheels}}}}/v{{version}}/{WHEEL}"]}}}}]}}}}\n'
)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a clone of version 1.0.0, pushed to the branch main of a repository without tags."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    clone = tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "clone")
    git(clone, "remote", "add", "origin", "../origin.git")
    for folder in ("src/lessonlib", "data", "chapters", "tests"):
        (clone / folder).mkdir(parents=True)
    (clone / "src" / "lessonlib" / "__init__.py").touch()
    (clone / "data" / "README.md").touch()
    set_version(clone, "1.0.0")
    push(clone)
    return clone


def set_version(clone: Path, version: str) -> None:
    (clone / "pyproject.toml").write_text(PYPROJECT.format(version=version))
    (clone / "chapters" / "1-one.ipynb").write_text(NOTEBOOK.format(version=version))


def push(clone: Path, **files: str) -> str:
    """Commit the files with these contents, push to main, and return the commit."""
    for name, content in files.items():
        (clone / name).write_text(content)
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "a change")
    git(clone, "push", "--quiet", "origin", "main")
    return git(clone, "rev-parse", "HEAD")


def tags(clone: Path) -> dict[str, str]:
    """List the tags of the origin and their commits."""
    lines = git(clone, "ls-remote", "--tags", "origin").splitlines()
    return {line.split("refs/tags/")[1]: line.split()[0] for line in lines}


def test_a_new_version_is_tagged_at_its_commit(clone: Path) -> None:
    commit = git(clone, "rev-parse", "HEAD")
    assert release(clone) == f"v1.0.0 is new: tagged {commit}"
    assert tags(clone) == {"v1.0.0": commit}


def test_the_same_commit_again_changes_nothing(clone: Path) -> None:
    release(clone)
    before = tags(clone)
    assert "tagged already" in release(clone)
    assert tags(clone) == before


@pytest.mark.parametrize(
    "name", ["chapters/index.md", "tests/test_a.py", "data/README.md", "README.md"]
)
def test_a_later_commit_that_leaves_the_package_alone_leaves_the_tag(
    clone: Path, name: str
) -> None:
    release(clone)
    before = tags(clone)
    push(clone, **{name: "another text"})
    assert "tagged already" in release(clone)
    assert tags(clone) == before


def test_settings_of_tools_are_no_part_of_the_package(clone: Path) -> None:
    release(clone)
    text = (clone / "pyproject.toml").read_text()
    push(clone, **{"pyproject.toml": text.replace("line-length = 100", "line-length = 90")})
    assert "tagged already" in release(clone)


@pytest.mark.parametrize("name", ["src/lessonlib/__init__.py", "src/lessonlib/b.py", "data/w.bin"])
def test_a_package_that_changed_without_a_new_version_is_refused(clone: Path, name: str) -> None:
    release(clone)
    before = tags(clone)
    push(clone, **{name: "another content"})
    with pytest.raises(ValueError, match=rf"package has changed \({name}\): raise the version"):
        release(clone)
    assert tags(clone) == before


def test_a_file_that_is_gone_is_a_change_too(clone: Path) -> None:
    release(clone)
    (clone / "src" / "lessonlib" / "__init__.py").unlink()
    push(clone)
    with pytest.raises(ValueError, match="raise the version"):
        release(clone)


@pytest.mark.parametrize(
    ("old", "new"), [("numpy>=2", "numpy>=3"), ("src/lessonlib", "src/lessonlib/sub")]
)
def test_other_needs_or_contents_are_a_change_too(clone: Path, old: str, new: str) -> None:
    release(clone)
    text = (clone / "pyproject.toml").read_text()
    push(clone, **{"pyproject.toml": text.replace(old, new)})
    with pytest.raises(ValueError, match=r"\(pyproject\.toml\): raise the version"):
        release(clone)


def test_the_next_version_gets_a_tag_of_its_own(clone: Path) -> None:
    release(clone)
    first = tags(clone)["v1.0.0"]
    set_version(clone, "1.1.0")
    second = push(clone, **{"src/lessonlib/__init__.py": "new = 1"})
    assert "v1.1.0 is new" in release(clone)
    assert tags(clone) == {"v1.0.0": first, "v1.1.0": second}


def test_a_notebook_that_installs_another_version_is_found_before_the_tag_is_made(
    clone: Path,
) -> None:
    push(clone, **{"chapters/2-two.ipynb": NOTEBOOK.format(version="1.0.0-old")})
    with pytest.raises(ValueError, match=r"2-two\.ipynb doesn't install lessonlib-1\.0\.0-"):
        release(clone)
    assert tags(clone) == {}


def test_a_clone_of_one_commit_without_tags_will_do(clone: Path, tmp_path: Path) -> None:
    release(clone)
    push(clone, **{"src/lessonlib/__init__.py": "new = 1"})
    url = (tmp_path / "origin.git").as_uri()
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-tags", "--branch=main", url, "shallow")
    with pytest.raises(ValueError, match="raise the version"):
        release(tmp_path / "shallow")


def test_an_origin_that_cannot_be_reached_is_an_error(clone: Path) -> None:
    git(clone, "remote", "set-url", "origin", "../nowhere.git")
    with pytest.raises(subprocess.CalledProcessError):
        release(clone)


# ---------------------------------------------------------------- the workflows


def workflow(name: str) -> Any:
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))


def test_the_tag_is_made_before_the_book_is_published_and_by_that_job_alone() -> None:
    pages = workflow("pages.yml")
    jobs = pages["jobs"]
    assert pages["permissions"] == {"contents": "read"}
    assert jobs["tag"]["permissions"] == {"contents": "write"}
    assert "python3 -m tools.tag_release" in str(jobs["tag"]["steps"])
    assert jobs["tag"]["if"] == "github.ref == 'refs/heads/main'"
    assert set(jobs["publish"]["needs"]) == {"tag", "build"}
    others = [job for name, job in jobs.items() if name != "tag"]
    others += workflow("test.yml")["jobs"].values()
    assert "'contents': 'write'" not in str(others)


# The first versions that run on Node 24, where an action runs on Node at all.
ON_NODE_24 = {
    "actions/cache": 5,
    "actions/checkout": 5,
    "actions/deploy-pages": 5,
    "actions/setup-python": 6,
    "actions/upload-pages-artifact": 5,
}


def test_no_action_runs_on_node_20() -> None:
    text = "".join(path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    used = re.findall(r"uses: ([\w/-]+)@v(\d+)\n", text)
    assert len(used) == text.count("uses: ")
    for action, version in used:
        assert int(version) >= ON_NODE_24[action]
