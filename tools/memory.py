"""Measure how much memory each chapter needs, for those who size a server.

Usage: ``python -m tools.memory [NOTEBOOK...]`` (Linux; with MNIST)

A notebook runs as ``make run`` runs it, with one thread. At the end its kernel says how much of the
machine's memory it held at most (Linux's VmHWM). That goes into chapters/memory.csv, which the page
on servers shows; the notebook stays as it is.
"""

import sys
import tempfile
import time
from pathlib import Path

import nbformat

from lessonlib import digits
from tools import notebooks, records

MEMORY = notebooks.CHAPTERS / "memory.csv"
COLUMNS = ("Notebook", "Peak in GB", "Date", "Threads")
# Linux counts in KiB.
PEAK = 'print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])'


def peak_of(path: Path) -> float:
    """Run a notebook; return the most memory that its kernel held, in GB."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(PEAK))
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, path.name)
        nbformat.write(notebook, copy)
        ran = notebooks.run(copy, path.parent)
    return int(ran.cells[-1].outputs[0].text) * 1024 / 1e9


def record(notebook: Path, peak: float, table: Path = MEMORY) -> None:
    """Write one notebook's peak into the table."""
    today = time.strftime("%Y-%m-%d", time.gmtime())
    values = (notebook.name, f"{peak:.2f}", today, notebooks.ENVIRONMENT["OMP_NUM_THREADS"])
    records.record(table, dict(zip(COLUMNS, values, strict=True)), notebooks.place)


def main(names: list[str]) -> None:
    """Measure the named notebooks, or all chapters."""
    notebooks.set_environment()
    if digits.source() != "mnist":
        sys.exit("Without MNIST a chapter needs less memory: set LESSONLIB_MNIST_ROOT.")
    for path in [Path(name).resolve() for name in names] or notebooks.chapters():
        peak = peak_of(path)
        record(path, peak)
        print(f"{path.name}: {peak:.2f} GB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
