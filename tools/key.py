"""Write the answer key: the exercises of each chapter with their solutions, for instructors.

Usage: ``python -m tools.key`` (``make key``)

It goes to _build/key/, a notebook and an HTML page for each chapter, with the outputs that the
chapter's notebook has stored. The formulas of a page need the web (MathJax), a notebook's don't.
"""

import tomllib
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from lessonlib.files import write_whole
from tools.assignments import PAPER, ROOT, exercises_of
from tools.labs import link_to_the_book
from tools.notebooks import METADATA, chapters, store

KEY = ROOT / "_build" / "key"


def answer_key(notebook: NotebookNode, book: str) -> NotebookNode:
    """Copy a chapter's exercises, each with its solution below it."""
    cells = [nbformat.v4.new_markdown_cell(f"{notebook.cells[0].source.splitlines()[0]}: answers")]
    for exercise in exercises_of(notebook):
        text = link_to_the_book(exercise.text, set(), book)
        cells.append(nbformat.v4.new_markdown_cell(text))
        if paper := PAPER.match(exercise.cell.source):
            solution = f"**Solution {exercise.name}**\n\n{paper[2].strip()}"
            cells.append(nbformat.v4.new_markdown_cell(link_to_the_book(solution, set(), book)))
        else:
            outputs = exercise.cell.outputs
            cells.append(nbformat.v4.new_code_cell(exercise.cell.source, outputs=outputs))
    for place, cell in enumerate(cells):
        cell.id = f"cell-{place}"  # else each run would draw others
    key: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    return key


def write(folder: Path) -> None:
    """Write the key of every chapter into a folder."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder.mkdir(parents=True, exist_ok=True)
    for path in chapters():
        key = answer_key(nbformat.read(path, as_version=4), project["urls"]["Book"])
        store(key, folder / path.name)
        resources = {"metadata": {"name": f"{path.stem}: answers"}}
        page, _ = HTMLExporter().from_notebook_node(key, resources)
        write_whole(folder / f"{path.stem}.html", page.encode())


def main() -> None:
    """Write the key and say where it is."""
    write(KEY)
    print(f"The answer key is in {KEY}")


if __name__ == "__main__":
    main()
