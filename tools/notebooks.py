"""Run the notebooks of chapters/ from top to bottom and store their outputs.

Usage: ``python -m tools.notebooks [NOTEBOOK...]`` (``make run``)

The book renders these stored outputs, and the tests compare them with a fresh run. A
notebook that fails is left as it was. How long each took goes into chapters/run-times.csv,
which the page of run times shows.
"""

import csv
import io
import os
import platform
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from lessonlib.files import write_whole

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
RUN_TIMES = CHAPTERS / "run-times.csv"
COLUMNS = ("Notebook", "Seconds", "Date", "CPU", "Cores", "Threads")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# What every kernel sees, here and in the tests, so that outputs repeat on another machine.
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",  # a progress bar is never the same twice
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",  # sums in another order differ in their last digits
}


def set_environment() -> None:
    """Set what the kernels started from this process inherit."""
    os.environ.update(ENVIRONMENT)
    if root := os.environ.get("LESSONLIB_MNIST_ROOT"):
        os.environ["LESSONLIB_MNIST_ROOT"] = str(Path(root).resolve())


def run(path: Path, folder: Path) -> NotebookNode:
    """Run a notebook in a folder.

    Parameters
    ----------
    path : Path
        The notebook; it is read only.
    folder : Path
        The kernel's working directory.

    Returns
    -------
    NotebookNode
        The notebook with its fresh outputs, and metadata that don't depend on the machine.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        When a cell raises.
    """
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def store(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    write_whole(path, f"{nbformat.writes(notebook)}\n".encode())


def record_time(notebook: Path, seconds: float, table: Path = RUN_TIMES) -> None:
    """Write how long a notebook took into the table of run times; the other rows stay.

    Parameters
    ----------
    notebook : Path
        It has just been run, here and with `ENVIRONMENT`.
    seconds : float
        From the start of its kernel to the end of its last cell.
    table : Path
        A CSV file; made where it is missing, and written whole or not at all. Rows of
        notebooks that are no longer beside this one are dropped.
    """
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    rows = {row["Notebook"]: row for row in csv.DictReader(lines)}
    values = (
        notebook.name,
        f"{max(1, round(seconds))}",
        time.strftime("%Y-%m-%d", time.gmtime()),
        cpu_name(),
        f"{os.cpu_count()}",
        ENVIRONMENT["OMP_NUM_THREADS"],
    )
    rows[notebook.name] = dict(zip(COLUMNS, values, strict=True))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[name] for name in sorted(rows) if notebook.with_name(name).is_file())
    write_whole(table, text.getvalue().encode())


def cpu_name(info: Path = Path("/proc/cpuinfo")) -> str:
    """Name this machine's processor.

    Parameters
    ----------
    info : Path
        Where Linux says it; elsewhere there is no such file, and Python's own answer must do.

    Returns
    -------
    str
    """
    text = info.read_text(encoding="utf-8") if info.is_file() else ""
    model = re.search(r"^model name\s*:\s*(\S.*)$", text, re.MULTILINE)
    return model[1].strip() if model else platform.processor() or platform.machine()


def main(names: list[str]) -> None:
    """Run the named notebooks, or all, and store them and how long they took."""
    from lessonlib import digits

    set_environment()
    if digits.source() != "mnist":
        sys.exit("The stored outputs are MNIST's, and MNIST is not here: set LESSONLIB_MNIST_ROOT.")
    for path in [Path(n).resolve() for n in names] or sorted(CHAPTERS.glob("*.ipynb")):
        start = time.perf_counter()
        notebook = run(path, path.parent)
        seconds = time.perf_counter() - start
        store(notebook, path)
        if path.parent == CHAPTERS:
            record_time(path, seconds)
        print(f"{path.name}: {seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
