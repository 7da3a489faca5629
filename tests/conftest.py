"""Settings for all tests, and for the notebooks' cells."""

import os
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Page

from lessonlib import digits
from lessonlib.widgets import Piece
from tests import pieces
from tests.built import ROOT, Build, build, served
from tools import notebooks

notebooks.set_environment()

# The files and chapters that take longest, the longest first. Begun last, one of them would keep a
# worker busy while the other has nothing left to do.
LONGEST = (
    "test_labs",
    "any-check",
    "test_book",
    "next-steps",
    "test_book_pieces",
    "test_book_ticks",
    "training",
    "evaluation",
    "checks",
    "backprop",
    "descent",
    "strengths",
    "test_widgets",
    "test_widgets_training",
    "test_widgets_training_film",
    "test_widgets_evaluation",
    "test_widgets_forward",
    "test_notebooks",
    "test_jupyterlab",
    "test_grade",
    "test_quick_reference",
)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build the book, once for all workers; give the folder of its pages and how that went."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the workers have it in common
    note = folder / "build.pickle"
    with FileLock(folder / "build.lock"):
        if not note.is_file():
            note.write_bytes(pickle.dumps(build(ROOT, folder / "book")))
        book: Build = pickle.loads(note.read_bytes())
    return book


@pytest.fixture(scope="session")
def book(built: Build) -> Path:
    """Give the folder of the built pages."""
    folder, run = built
    if run.returncode:
        pytest.fail(f"the book does not build:\n{run.stderr[-3000:]}", pytrace=False)
    return folder


@pytest.fixture(scope="module")
def server(book: Path) -> Iterator[str]:
    """Give the address of a web server on this machine that serves the book."""
    with served(book) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium for a module's tests of interactive pieces."""
    with pieces.chromium() as started:
        yield started


@pytest.fixture
def open_piece(browser: Browser, tmp_path: Path) -> Iterator[pieces.Opener]:
    """Give a function that opens a page with a piece; a fault on it fails the test."""
    noted: list[list[str]] = []

    def open_one(piece: Piece) -> Page:
        tab, faults = pieces.opened(browser, piece, tmp_path)
        noted.append(faults)
        return tab

    yield open_one
    assert [fault for faults in noted for fault in faults] == []


@pytest.fixture
def device() -> Iterator[str]:
    """Return the path of a device that the code under test can't replace, even as root.

    It is a terminal, because nobody can make a file in the folder of the terminals. Beside
    /dev/null, root can make a file, and renaming it would replace the device for all programs.
    """
    import pty  # not above: Windows has none

    ours, theirs = pty.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def pytest_report_header() -> str:
    """Print whether this run has MNIST, and so which outputs it compares."""
    root = digits.find_mnist()
    if root is None:
        return (
            "digits: no MNIST; notebooks run on the bundled digits, and outputs that depend on the "
            "data are not compared"
        )
    return f"digits: MNIST at {root}; the outputs of all notebooks are compared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; without MNIST, compare no output that depends on it."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(re.sub(r"^\d+-", "", item.path.stem), len(places)))
    if digits.source() == "mnist":
        return
    for item in items:
        cell: Any = getattr(item, "cell", None)  # only nbval's items have one
        if cell is not None and "mnist" in cell.metadata.get("tags", []):
            item.options["check"] = False  # type: ignore[attr-defined]
