"""What holds for the text of every page: its links to chapters, its per cents, its equations."""

import ast
import inspect
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from lessonlib import chapters, widgets
from tests.rows import each
from tests.test_reference_pages import CHAPTERS, NOTEBOOKS, page
from tools.notebooks import number_of

ROOT = CHAPTERS.parent
PAGES = [*sorted(CHAPTERS.glob("*.ipynb")), *sorted(CHAPTERS.glob("*.md"))]
QUIZZES = sorted((ROOT / "data" / "quizzes").glob("*.md"))
FILES = {number_of(path.name): path.name for path in NOTEBOOKS}

FENCED, CODE, LINK = r"```.*?```", r"`[^`\n]*`", r"\[[^\]]*\]\([^)]*\)"
MATHS = r"\$\$.*?\$\$|\$[^$]+?\$"
MENTION = re.compile(r"\bchapters?\s+\[?(\d+)\b", re.IGNORECASE)
EQUATION = re.compile(r"(?<!\w)\((\d+\.\d+)\)")


def without(pattern: str, text: str) -> str:
    return re.sub(pattern, "", text, flags=re.DOTALL)


# ---------------------------------------------------------------- chapters


# The errata name chapters by the numbers that they had then.
@pytest.mark.parametrize(
    "path", [p for p in PAGES if p.stem != "errata"], ids=lambda path: path.name
)
def test_the_first_mention_of_another_chapter_in_a_section_is_a_link(path: Path) -> None:
    own = number_of(path.name) if path in NOTEBOOKS else 0
    unlinked = []
    for section in page(path):
        text = without(f"{CODE}|{MATHS}", section.text)
        named = {int(mention[1]) for mention in MENTION.finditer(text)} - {own}
        for number in sorted(named & FILES.keys()):
            first = next(m for m in MENTION.finditer(text) if int(m[1]) == number)
            links = [m.span() for m in re.finditer(LINK, text) if FILES[number] in m[0]]
            # The link holds the word, or begins at the number: "chapters [3](…) and [4](…)".
            if not any(start < first.end() <= end for start, end in links):
                unlinked.append((section.heading, first[0]))
    assert unlinked == []


# ---------------------------------------------------------------- per cents

HEADINGS = {section.heading for path in NOTEBOOKS for section in page(path)}


@pytest.mark.parametrize("path", [*PAGES, *QUIZZES], ids=lambda path: path.name)
def test_no_line_breaks_between_a_number_and_its_per_cent(path: Path) -> None:
    """Headings and what quotes them are left out: an anchor comes from its heading's letters."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    for heading in HEADINGS:
        text = text.replace(heading, "")
    assert re.findall(r".{0,20}\d[ \n]%", without(f"{FENCED}|{CODE}", text)) == []


# ---------------------------------------------------------------- numbers of equations


TAGS = {
    tag
    for path in NOTEBOOKS
    for section in page(path)
    for tag in re.findall(r"\\tag\{([\d.]+)\}", section.text)
}


@each(NOTEBOOKS, name=lambda path: path.stem)
def test_an_equation_s_number_is_that_of_its_chapter(path: Path) -> None:
    tags = re.findall(r"\\tag\{([\d.]+)\}", "".join(section.text for section in page(path)))
    assert tags
    assert {tag.partition(".")[0] for tag in tags} == {str(number_of(path.name))}


@each(PAGES, name=lambda path: path.name)
def test_each_equation_that_a_page_names_is_there(path: Path) -> None:
    text = "".join(without(f"{CODE}|{MATHS}", section.text) for section in page(path))
    if path.suffix == ".ipynb":
        cells = [
            c for c in json.loads(path.read_text("utf-8"))["cells"] if c["cell_type"] == "code"
        ]
        sources = ("".join(c["source"]) for c in cells if c["source"])
        text += "".join(part for source in sources for part in words_of(source))
    assert set(EQUATION.findall(text)) <= TAGS


def words_of(source: str) -> Iterator[str]:
    """Yield the comments and strings of a Python text."""
    lines = "".join(line for line in source.splitlines(keepends=True) if line.strip()[:1] != "%")
    for token in tokenize.generate_tokens(io.StringIO(lines).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            yield token.string


def chapters_with(piece: str) -> set[str]:
    """The numbers of the chapters that show an interactive piece."""
    return {
        str(number_of(path.name)) for path in NOTEBOOKS if f"{piece}()" in path.read_text("utf-8")
    }


@each([name for name in widgets.__all__ if name != "Piece"])
def test_a_piece_names_equations_of_a_chapter_that_shows_it(name: str) -> None:
    """So a chapter that moves can't leave its old number behind in a piece."""
    module = Path(inspect.getfile(getattr(widgets, name)))
    script = (module.parent / "static" / f"{name}.js").read_text(encoding="utf-8")
    (function,) = (
        node
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )
    assert chapters_with(name)
    named = set(EQUATION.findall(script + ast.unparse(function)))
    assert named <= {tag for tag in TAGS if tag.partition(".")[0] in chapters_with(name)}


PIECES = {Path(inspect.getfile(getattr(widgets, name))) for name in widgets.__all__}


@each(sorted((ROOT / "src").rglob("*.py")), name=lambda path: path.name)
def test_the_package_s_other_modules_leave_out_the_chapter_s_number(path: Path) -> None:
    """An exercise writes "(N.8)"; in the module of a piece the number is of its stem's chapter."""
    named = {n for words in words_of(path.read_text("utf-8")) for n in EQUATION.findall(words)}
    own = list(chapters.TITLES).index(path.stem) + 1 if path.stem in chapters.TITLES else 0
    allowed = (
        {tag for tag in TAGS if tag.partition(".")[0] == str(own)} if path in PIECES else set()
    )
    assert named <= allowed
