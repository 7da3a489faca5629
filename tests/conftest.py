"""Settings of every test, of the notebooks' cells too."""

import os
import pty
from collections.abc import Iterator
from typing import Any

import pytest

from lessonlib import digits
from tools import notebooks

notebooks.set_environment()


@pytest.fixture
def device() -> Iterator[str]:
    """Name a device that not even root can replace, should the code under test try to.

    It is a terminal. Among terminals no file can be made; beside /dev/null root can make one,
    and a rename would put it in the device's place, for every program on the machine.
    """
    ours, theirs = pty.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def pytest_report_header() -> str:
    """Say which of the three situations this run is in."""
    root = digits.find_mnist()
    if root is None:
        return (
            "digits: no MNIST here; notebooks run on the bundled default, and outputs that depend "
            "on the data go uncompared"
        )
    return f"digits: MNIST at {root}; every notebook is compared strictly"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without MNIST, run the cells that depend on it, but don't compare their outputs."""
    if digits.source() == "mnist":
        return
    for item in items:
        cell: Any = getattr(item, "cell", None)  # only nbval's items have one
        if cell is not None and "mnist" in cell.metadata.get("tags", []):
            item.options["check"] = False  # type: ignore[attr-defined]
