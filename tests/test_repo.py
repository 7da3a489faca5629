"""The repository's address stands in pyproject.toml, and everything else repeats it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tools import repo, set_up
from tools.set_up import ROOT

NEW = "https://github.com/Some-One/another-course"
NEW_BOOK = "https://some-one.github.io/another-course"
# Other people's repositories that the course names, and the word for any.
OTHERS = {"moov-io/imagecashletter", "googlecolab/backend-info", "googlecolab/colabtools"}
OTHERS |= {"binder-examples/minimal-dockerfile", "OWNER/NAME"}
# What isn't the course's text: copies of MathJax and reveal.js, and the addresses made up for
# these tests.
NOT_OURS = ["theme/static/mathjax", "theme/slides/reveal", "tests/test_repo.py", "tools/repo.py"]


def tracked(root: Path) -> list[str]:
    """List the text files that git knows, or will know once they are added."""
    git = ["git", "grep", "-I", "--untracked", "--name-only", "-z", "-e", ""]
    left_out = [f":(exclude){path}" for path in NOT_OURS]
    found = subprocess.run([*git, "--", *left_out], cwd=root, capture_output=True, text=True)
    return [name for name in found.stdout.split("\0") if name]


def texts(root: Path) -> dict[str, str]:
    """Read them; of a notebook the sources alone, for `make run` writes its outputs."""
    read = {name: (root / name).read_text(encoding="utf-8") for name in tracked(root)}
    return {name: sources(text) if name.endswith(".ipynb") else text for name, text in read.items()}


def sources(notebook: str) -> str:
    return "\n".join("".join(cell["source"]) for cell in json.loads(notebook)["cells"])


def strangers(root: Path) -> list[str]:
    """List the addresses on GitHub and its Pages that are neither this course's nor another's."""
    ours = {"/".join(repo.owner_and_name(set_up.address(root)))} | OTHERS
    book = repo.book_address(set_up.address(root)).removeprefix("https://")
    found = []
    for name, text in texts(root).items():
        places = re.findall(r"(?:github\.com|/github)/([\w-]+/[\w-]+(?:\.[\w-]+)*)", text)
        pages = re.findall(r"[\w-]+\.github\.io(?:/[\w-]+)?", text)
        found += [f"{name}: {place}" for place in places if place not in ours]
        found += [f"{name}: {page}" for page in pages if page != book]
    return found


def places(root: Path) -> dict[str, list[str]]:
    """Read the address where it has to stand, in the form that belongs there."""

    def read(name: str) -> str:
        return (root / name).read_text(encoding="utf-8")

    config: dict[str, Any] = yaml.safe_load(read("_config.yml"))
    citation: dict[str, Any] = yaml.safe_load(read("CITATION.cff"))
    clone = re.compile(r"^git clone (\S+)\ncd (\S+)$", re.MULTILINE)
    badge = re.compile(r"https://colab\.research\.google\.com/github/(\S+)/blob/main/")
    return {
        "settings": [config["repository"]["url"], config["html"]["baseurl"]],
        "citation": [citation["repository-code"], citation["url"]],
        "urls": list(set_up.project(root)["urls"].values()),
        "clone": list(clone.findall(read("README.md")) + clone.findall(read("chapters/index.md"))),
        "badge": badge.findall(read("README.md")),
        "set-up": [
            re.findall(r'wheels = \\"(\S+)/releases/download\\"', read(f"chapters/{path.name}"))
            for path in sorted((root / "chapters").glob("*.ipynb"))
        ],
    }


def expected(url: str, book: str, notebooks: int) -> dict[str, list[Any]]:
    return {
        "settings": [url, f"{book}/"],
        "citation": [url, book],
        "urls": [url, book],
        "clone": [(url, url.rpartition("/")[2])] * 2,
        "badge": [url.removeprefix("https://github.com/")],
        "set-up": [[url]] * notebooks,
    }


NOTEBOOKS = len(list((ROOT / "chapters").glob("*.ipynb")))


def test_the_address_is_the_same_in_every_place() -> None:
    url = set_up.address()
    assert places(ROOT) == expected(url, repo.book_address(url), NOTEBOOKS)


def test_no_text_names_another_repository_of_the_course() -> None:
    assert strangers(ROOT) == []


def test_every_link_to_a_file_of_the_repository_leads_to_one() -> None:
    place = "/".join(repo.owner_and_name(set_up.address()))
    link = re.compile(rf"{re.escape(place)}/(?:blob|tree|edit|raw)/main/([\w./-]*[\w/-])")
    linked = {(name, path) for name, text in texts(ROOT).items() for path in link.findall(text)}
    assert ("README.md", "chapters/5-training.ipynb") in linked
    assert [(name, path) for name, path in linked if not (ROOT / path).exists()] == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the course's text files into a repository of their own."""
    for name in (*tracked(ROOT), "tools/repo.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for words in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def all_but_sources(root: Path, name: str) -> list[Any]:
    cells = json.loads((root / name).read_text(encoding="utf-8"))["cells"]
    return [{key: value for key, value in cell.items() if key != "source"} for cell in cells]


def test_make_repo_sets_the_address_in_every_place_and_back_gives_the_same_bytes(
    copy: Path,
) -> None:
    before = {name: (copy / name).read_bytes() for name in tracked(copy)}
    make = ["make", "--silent", "repo", f"URL={NEW}.git", f"PYTHON={sys.executable}"]
    said = subprocess.run(make, cwd=copy, check=True, capture_output=True, text=True).stdout
    assert said.splitlines()[-1].endswith(f"the repository is {NEW}")
    assert places(copy) == expected(NEW, NEW_BOOK, NOTEBOOKS)
    assert strangers(copy) == []
    changed = [name for name in before if (copy / name).read_bytes() != before[name]]
    assert changed == said.splitlines()[1:-1]  # the first one is the command
    for name in changed:
        if name.endswith(".ipynb"):
            assert all_but_sources(copy, name) == all_but_sources(ROOT, name)
    repo.move(copy, set_up.address(ROOT))
    assert {name: (copy / name).read_bytes() for name in before} == before


def test_an_address_that_differs_in_one_place_is_found(copy: Path) -> None:
    page = copy / "chapters" / "errata.md"
    page.write_text(page.read_text() + "[here](https://github.com/some-one/old-course/issues)\n")
    assert strangers(copy) == ["chapters/errata.md: some-one/old-course"]


def test_an_address_in_an_output_stays(copy: Path) -> None:
    old = set_up.address()
    path = copy / "chapters" / "1-history.ipynb"
    cell = {"cell_type": "code", "source": [f"# {old}\n", "1"], "outputs": [{"text": [old]}]}
    path.write_text(json.dumps({"cells": [cell]}))
    repo.move(copy, NEW)
    (cell,) = json.loads(path.read_text())["cells"]
    assert cell["source"] == [f"# {NEW}\n", "1"]
    assert cell["outputs"] == [{"text": [old]}]


def test_an_address_that_begins_like_the_old_one_stays() -> None:
    replace = repo.replacer("https://github.com/a/course", NEW)
    text = "https://github.com/a/course-2 https://a.github.io/course-2 git@github.com/a/course.git"
    assert replace(text) == text.replace("a/course.git", "Some-One/another-course.git")


def test_a_repository_named_after_its_pages_has_no_folder_there() -> None:
    site = "https://github.com/Some-One/some-one.github.io"
    assert repo.book_address(site) == "https://some-one.github.io"
    there = repo.replacer(NEW, site)(f"{NEW_BOOK}/chapters/data.html")
    assert there == "https://some-one.github.io/chapters/data.html"
    assert repo.replacer(site, NEW)(there) == f"{NEW_BOOK}/chapters/data.html"


@pytest.mark.parametrize("words", [[], [""], ["one", "two"]])
def test_without_an_address_it_says_how_to_give_one(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="make repo URL=https"):
        repo.main(words)


@pytest.mark.parametrize(
    "url", ["reading-digits", "https://gitlab.com/a/b", "https://github.com/a", "http://x/a/b c"]
)
def test_what_is_no_address_of_a_repository_is_refused(url: str) -> None:
    with pytest.raises(SystemExit, match=r"write https://github\.com/OWNER/NAME"):
        repo.main([url])
