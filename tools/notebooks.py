"""Run the notebooks of chapters/ from top to bottom and store their outputs.

Usage: ``python -m tools.notebooks [NOTEBOOK...]`` (``make run``)

The book renders these stored outputs, and the tests compare them with a fresh run. A
notebook that fails is left as it was.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
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
    unfinished = path.with_suffix(".part")
    nbformat.write(notebook, unfinished)
    unfinished.replace(path)


def main(names: list[str]) -> None:
    """Run the named notebooks, or all, and store them."""
    from lessonlib import digits

    set_environment()
    if digits.source() != "mnist":
        sys.exit("The stored outputs are MNIST's, and MNIST is not here: set LESSONLIB_MNIST_ROOT.")
    for path in [Path(n).resolve() for n in names] or sorted(CHAPTERS.glob("*.ipynb")):
        start = time.perf_counter()
        store(run(path, path.parent), path)
        print(f"{path.name}: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
