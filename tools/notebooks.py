"""Run the notebooks of chapters/ from top to bottom and store their outputs.

Usage: ``python -m tools.notebooks [NOTEBOOK...]`` (``make run``)

The book shows the stored outputs, and the tests compare them with a fresh run. A notebook
that fails is not changed. The run times go into chapters/run-times.csv, which a page of the
book shows.
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

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
RUN_TIMES = CHAPTERS / "run-times.csv"
COLUMNS = ("Notebook", "Seconds", "Date", "CPU", "Cores", "Threads")
# With this extension in the kernel, each figure is stored in dark colours, too. Where lessonlib is
# missing, the kernel says that it lacks the extension, and goes on.
DARK_FIGURES = "lessonlib.figures.dark"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Variables of every kernel, here and in the tests, so that another machine gives the same outputs.
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",  # a progress bar shows times, which differ in each run
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",  # several threads sum in another order, and the last digits differ
}


def number_of(name: str) -> int:
    """Return the number of the chapter in a notebook of that name, 10 for "10-next-steps.ipynb"."""
    return int(name.partition("-")[0])


def place(name: str) -> tuple[float, str]:
    """Sort notebooks by name: the chapters by number, then the pages without one."""
    numbered = name.partition("-")[0].isdecimal()
    return (number_of(name) if numbered else float("inf"), name)


def chapters() -> list[Path]:
    """List the notebooks of the chapters, in the book's order."""
    return sorted(CHAPTERS.glob("[0-9]*.ipynb"), key=lambda path: place(path.name))


def pages() -> list[Path]:
    """List all notebooks of the book, in its order: the chapters, then the other pages."""
    return sorted(CHAPTERS.glob("*.ipynb"), key=lambda path: place(path.name))


def set_environment() -> None:
    """Set environment variables, which the kernels started from this process inherit."""
    os.environ.update(ENVIRONMENT)
    if root := os.environ.get("LESSONLIB_MNIST_ROOT"):
        os.environ["LESSONLIB_MNIST_ROOT"] = str(Path(root).expanduser().resolve())


def run(path: Path, folder: Path) -> NotebookNode:
    """Run a notebook, with `folder` as its kernel's working directory; the file stays as it is.

    The notebook that is returned has new outputs, and metadata that don't depend on the machine.
    When a cell raises, nbclient's CellExecutionError says which.
    """
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=[f"--IPKernelApp.extra_extensions={DARK_FIGURES}"],
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def store(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook; if that fails, the old file stays."""
    from lessonlib.files import write_whole  # not above: `run` works where lessonlib is missing

    write_whole(path, f"{nbformat.writes(notebook)}\n".encode())


def record_time(notebook: Path, seconds: float, table: Path = RUN_TIMES) -> None:
    """Write how long a notebook took into the table of run times; the other rows stay.

    It has just been run on this machine, with `ENVIRONMENT`; `seconds` are those from the start of
    its kernel to the end of its last cell. The table is made if it is missing. Rows of notebooks
    that are no longer in this one's folder are dropped.
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
    writer.writerows(
        rows[name] for name in sorted(rows, key=place) if notebook.with_name(name).is_file()
    )
    from lessonlib.files import write_whole

    write_whole(table, text.getvalue().encode())


def cpu_name(info: Path = Path("/proc/cpuinfo")) -> str:
    """Name this machine's processor.

    Linux has the name in the file `info`. On other systems Python's `platform` gives it.
    """
    text = info.read_text(encoding="utf-8") if info.is_file() else ""
    model = re.search(r"^model name\s*:\s*(\S.*)$", text, re.MULTILINE)
    return model[1].strip() if model else platform.processor() or platform.machine()


def main(names: list[str]) -> None:
    """Run the named notebooks, or all of them; store their outputs and run times."""
    from lessonlib import digits

    set_environment()
    if digits.source() != "mnist":
        sys.exit("The stored outputs need MNIST, which was not found: set LESSONLIB_MNIST_ROOT.")
    for path in [Path(n).resolve() for n in names] or pages():
        start = time.perf_counter()
        notebook = run(path, path.parent)
        seconds = time.perf_counter() - start
        store(notebook, path)
        if path.parent == CHAPTERS:
            record_time(path, seconds)
        print(f"{path.name}: {seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
