"""Write the student notebooks: all notebooks without their solutions, ready to hand out.

Usage: ``python -m tools.labs`` (``make labs``)

They go to _build/labs/, which is replaced as a whole. The folder also holds a README that says how
to start and which cells an exercise needs, the licence, and a zip of all these files.

A stub and its check are two cells. The check's is locked: JupyterLab neither edits nor deletes it.
"""

import os
import re
import shutil
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lessonlib.files import write_whole
from tools.needs import needs, split
from tools.notebooks import CHAPTERS, METADATA, chapters, store
from tools.set_up import wheel_address

ROOT = CHAPTERS.parent
LABS = ROOT / "_build" / "labs"
ARCHIVE = "reading-digits-labs.zip"
# How the source of a solution begins: in code, and on paper.
SOLUTIONS = ("#@title Solution", "<details><summary>Solution")
PROGRAMS = (".sh", ".command")  # files of a zip that can be started
LOCKED = {"deletable": False, "editable": False}
PAGE_LINK = re.compile(r"(?<=\]\()([\w./-]+)\.(md|ipynb)(?=[)#])")

README = """\
# Reading Digits: the labs

These are the notebooks of [Reading Digits]({book}) without their solutions. Fill in an exercise's
stub, where it says `# your code`, and run its cell and the next one. That is the check: it says
whether your answer is right, and if it isn't, what is wrong.

**In your browser.** Upload a notebook to [Google Colab](https://colab.research.google.com) and
choose *Runtime → Run all*. Its first cell installs the course's package.

**On your own computer.** With Python 3.11 or newer, in a terminal in this folder:

```
python3 -m venv .venv
.venv/bin/python -m pip install jupyterlab "lessonlib @ {wheel}"
.venv/bin/jupyter lab
```

On Windows, write `py` for `python3`, and `.venv\\Scripts\\` for `.venv/bin/`.

**Without a connection.** Once this is installed, every notebook runs offline. The first notebook
that needs the digits of MNIST downloads them; if it can't, it uses a smaller set and says so.

**One exercise alone.** It needs the first two cells of code of its notebook, the set-up and the
imports. Some exercises need more cells, those that define these names:

{needs}

The text is under CC BY 4.0, the code under MIT; both licences are in the file LICENSE.
"""


def student_form(notebook: NotebookNode, pages: set[str], book: str) -> NotebookNode:
    """Copy a chapter without its solutions, its outputs and the metadata that only the book needs.

    Links to `pages`, the file names of the notebooks that are handed out together, stay. Links to
    all other pages lead to `book`: the address of the published book, or of a copy of it.
    """
    cells = []
    for cell in notebook.cells:
        if cell.source.startswith(SOLUTIONS):
            continue
        if cell.cell_type == "markdown":
            source = link_to_the_book(cell.source, pages, book)
            cells.append(nbformat.v4.new_markdown_cell(source, id=cell.id))
        else:
            answer, check = split(cell.source)
            cells.append(nbformat.v4.new_code_cell(answer, id=cell.id))
            if check:
                locked = nbformat.v4.new_code_cell(check, id=f"{cell.id}-check", metadata=LOCKED)
                cells.append(locked)
    # Alt text of figures is dropped too: it tells what the reader is asked to predict.
    lab: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    return lab


def link_to_the_book(text: str, pages: set[str], book: str) -> str:
    """Replace a Markdown text's links to pages that are not handed out by links to the book.

    Examples
    --------
    >>> link_to_the_book("[a](notation.md), [b](1-b.ipynb)", {"1-b.ipynb"}, "https://book")
    '[a](https://book/chapters/notation.html), [b](1-b.ipynb)'
    """

    def published(link: re.Match[str]) -> str:
        return link[0] if link[0] in pages else f"{book}/chapters/{link[1]}.html"

    return PAGE_LINK.sub(published, text)


def needs_table(notebooks: Iterable[NotebookNode]) -> str:
    """List the exercises that need more than the first two cells of code, as a Markdown table."""
    rows = ["| Exercise | Names, and the sections of their cells |", "|---|---|"]
    for notebook in notebooks:
        for exercise, cells in needs(notebook).items():
            names = [f"{', '.join(f'`{n}`' for n in c.names)} (*{c.section}*)" for c in cells]
            rows += [f"| {exercise} | {'; '.join(names)} |"] if names else []
    return "\n".join(rows)


def student_notebooks(book: str) -> dict[str, NotebookNode]:
    """Return the student notebooks by their file names; see `student_form`."""
    paths = sorted(CHAPTERS.glob("*.ipynb"))
    pages = {path.name for path in paths}
    return {p.name: student_form(nbformat.read(p, as_version=4), pages, book) for p in paths}


def write(folder: Path) -> Path:
    """Write all student notebooks into a folder, and a zip of them; return the zip's path.

    The folder is replaced as a whole, or left as it is if anything fails.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    book = project["urls"]["Book"]
    table = needs_table(nbformat.read(path, as_version=4) for path in chapters())

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".labs-") as scratch:
        unfinished = Path(scratch, "new")
        unfinished.mkdir()
        for name, lab in student_notebooks(book).items():
            store(lab, unfinished / name)
        readme = README.format(book=book, wheel=wheel_address(), needs=table)
        write_whole(unfinished / "README.md", readme.encode())
        write_whole(unfinished / "LICENSE", (ROOT / "LICENSE").read_bytes())
        pack(unfinished, unfinished / ARCHIVE)
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        unfinished.rename(folder)
    return folder / ARCHIVE


def pack(folder: Path, archive: Path) -> None:
    """Pack a folder's files into a zip; the same files always give the same bytes.

    The zip unpacks to one folder of its own name. Its files have the date SOURCE_DATE_EPOCH, or
    1980 if that is not set.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    first = 315_532_800  # 1980-01-01, the earliest date that a zip can hold
    date = time.gmtime(max(first, int(os.environ.get("SOURCE_DATE_EPOCH", first))))
    with zipfile.ZipFile(archive, "w") as target:  # uncompressed: zlib differs between machines
        for name in names:
            path = folder / name
            if path.is_dir():
                continue
            entry = zipfile.ZipInfo(f"{archive.stem}/{name}", date[:6])
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = (0o755 if path.suffix in PROGRAMS else 0o644) << 16
            entry.file_size = path.stat().st_size
            with path.open("rb") as source, target.open(entry, "w") as packed:
                shutil.copyfileobj(source, packed)


def main() -> None:
    """Write the labs and say where they are."""
    archive = write(LABS)
    print(f"The student notebooks are in {archive.parent}, and as a zip in {archive.name} there")


if __name__ == "__main__":
    main()
