"""The student notebooks: complete, without solutions, and they run."""

import ast
import json
import re
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from markdown_it import MarkdownIt
from nbformat import NotebookNode

import make
from lessonlib import digits
from tools import labs, notebooks
from tools.needs import needs

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
BOOK = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Book"]
PAGES = {"6-evaluation.ipynb"}

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the labs, and unpack the zip as a student does."""
    archive = labs.write(tmp_path_factory.mktemp("build") / "labs")
    home = tmp_path_factory.mktemp("student")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(home)
    return home / "reading-digits-labs"


def read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def is_check(cell: NotebookNode) -> bool:
    return bool(cell.source.startswith("exercises.check("))


def solutions(chapter: Path) -> list[NotebookNode]:
    return [c for c in read(chapter).cells if re.match(r"#\s*@title Solution", c.source)]


def written_solutions(chapter: Path) -> list[NotebookNode]:
    """The solutions of exercises on paper: collapsed text."""
    cells = [c for c in read(chapter).cells if c.cell_type == "markdown"]
    return [c for c in cells if re.search(r"<summary>\s*Solution", c.source)]


def exercises_of(chapter: Path) -> list[str]:
    titles = [re.search(r"Solution (\d+\.\d+)", cell.source) for cell in solutions(chapter)]
    return [title[1] for title in titles if title]


def printed(cells: list[NotebookNode]) -> str:
    return "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", []))


def test_the_zip_unpacks_to_one_folder_with_all_labs_and_how_to_start(handed_out: Path) -> None:
    names = {path.name for path in handed_out.iterdir()}
    assert names == {path.name for path in CHAPTERS} | {"README.md", "LICENSE"}
    assert [path.name for path in handed_out.parent.iterdir()] == [handed_out.name]


def test_the_folder_holds_what_the_zip_does(handed_out: Path, tmp_path: Path) -> None:
    labs.write(tmp_path / "labs")
    (tmp_path / "labs" / labs.ARCHIVE).unlink()
    folder = {path.name: path.read_bytes() for path in (tmp_path / "labs").iterdir()}
    assert folder == {path.name: path.read_bytes() for path in handed_out.iterdir()}


def test_how_to_start_installs_what_the_set_up_cell_does(handed_out: Path) -> None:
    (source,) = re.findall(r'"lessonlib @ (.*?)"', (handed_out / "README.md").read_text())
    wheels, version, wheel = source.rsplit("/", 2)
    for chapter in CHAPTERS:
        set_up = read(chapter).cells[1].source
        assert f'wheels = "{wheels}"\n' in set_up
        assert set_up.endswith(f"install -q --no-deps {{wheels}}/{version}/{wheel}")


@every_chapter
def test_all_cells_but_the_solutions_are_kept_in_order(chapter: Path, handed_out: Path) -> None:
    solved = {cell.id for cell in [*solutions(chapter), *written_solutions(chapter)]}
    kept = [cell for cell in read(chapter).cells if cell.id not in solved]
    lab = read(handed_out / chapter.name).cells
    assert [cell.id for cell in lab if not is_check(cell)] == [cell.id for cell in kept]
    code = [cell.source for cell in lab if cell.cell_type == "code"]
    assert "\n\n\n".join(code) == "\n\n\n".join(c.source for c in kept if c.cell_type == "code")


@every_chapter
def test_each_stub_has_its_check_in_a_locked_cell_below(chapter: Path, handed_out: Path) -> None:
    cells = read(handed_out / chapter.name).cells
    pairs = [(above, cell) for above, cell in pairwise(cells) if is_check(cell)]
    names = exercises_of(chapter)
    assert [cell.source.partition(",")[0] for _, cell in pairs] == [
        f'exercises.check("{name}"' for name in names
    ]
    for stub, check in pairs:
        assert "# your code" in stub.source
        assert stub.metadata == {}
        assert check.metadata == {"deletable": False, "editable": False}
        assert check.source.count("\n") == 0
    assert sum("exercises.check(" in cell.source for cell in cells) == len(names)


def test_how_to_start_lists_the_cells_that_exercises_need_beside_the_first_two(
    handed_out: Path,
) -> None:
    table = (handed_out / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+\.\d+) \| (.+) \|$", table, re.MULTILINE)
    needed = {name: cells for path in CHAPTERS for name, cells in needs(read(path)).items()}
    assert [name for name, _ in rows] == [name for name, cells in needed.items() if cells]
    for name, text in rows:
        assert re.findall(r"`(\w+)`", text) == [n for cell in needed[name] for n in cell.names]
        assert re.findall(r"\*(.+?)\*", text) == [cell.section for cell in needed[name]]


@every_chapter
def test_a_lab_has_neither_outputs_nor_the_book_s_metadata(chapter: Path, handed_out: Path) -> None:
    lab = read(handed_out / chapter.name)
    nbformat.validate(lab)
    assert lab.metadata == notebooks.METADATA
    for cell in lab.cells:
        assert cell.metadata == {} or is_check(cell)
        assert not cell.get("attachments")
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def strings(node: Any) -> Iterator[str]:
    """Walk through every string of a JSON value, lists of lines joined."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from strings(value)
    elif isinstance(node, list) and all(isinstance(part, str) for part in node):
        yield "".join(node)
    elif isinstance(node, list):
        for part in node:
            yield from strings(part)


def squeezed(text: str) -> str:
    return re.sub(r"\s+|#.*", "", text)


@every_chapter
def test_no_line_of_a_solution_is_left(chapter: Path, handed_out: Path) -> None:
    """Look through the whole file, metadata and outputs included."""
    secrets = [*solutions(chapter), *written_solutions(chapter)]
    solved = {cell.id for cell in secrets}
    elsewhere = [squeezed(c.source) for c in read(chapter).cells if c.id not in solved]
    lines = {squeezed(line) for cell in secrets for line in cell.source.splitlines()}
    secret = {line for line in lines if line and not any(line in other for other in elsewhere)}
    assert len(secret) >= len(solved)

    lab = json.loads((handed_out / chapter.name).read_text(encoding="utf-8"))
    left = [squeezed(text) for text in strings(lab)]
    assert not [line for line in secret if any(line in text for text in left)]
    assert "@titleSolution" not in "".join(text.replace(" ", "") for text in strings(lab))


class Renamed(ast.NodeTransformer):
    """Gives every name the number of its first use, and drops docstrings and annotations."""

    def __init__(self) -> None:
        self.numbers: dict[str, str] = {}

    def number(self, name: str) -> str:
        return self.numbers.setdefault(name, f"name{len(self.numbers)}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.number(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self.number(node.arg))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        node.name, node.returns = "function", None
        return self.generic_visit(node)


def parse(cell: NotebookNode) -> ast.Module:
    """Parse a cell's code; IPython's commands, as %pip, are left out."""
    return ast.parse(re.sub(r"(?m)^\s*%.*", "    pass", cell.source))


def functions(cells: list[NotebookNode]) -> set[str]:
    """Print every function's definition such that only its structure counts."""
    trees = [parse(cell) for cell in cells]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {ast.unparse(ast.fix_missing_locations(Renamed().visit(node))) for node in nodes}


def test_functions_are_the_same_under_other_names() -> None:
    a = nbformat.v4.new_code_cell("def f(x):\n    '''Doc.'''\n    y = x + 1  # why\n    return y")
    b = nbformat.v4.new_code_cell("def g(u: int) -> int:\n    v = u + 1\n    return v")
    c = nbformat.v4.new_code_cell("def g(u):\n    v = u - 1\n    return v")
    assert functions([a]) == functions([b]) != functions([c])


@pytest.fixture(scope="module")
def given(handed_out: Path) -> set[str]:
    """The functions that the labs define."""
    labs = [read(path) for path in handed_out.glob("*.ipynb")]
    return functions([cell for lab in labs for cell in lab.cells if cell.cell_type == "code"])


@every_chapter
def test_no_lab_defines_what_a_solution_does_under_another_name(
    chapter: Path, given: set[str]
) -> None:
    assert not functions(solutions(chapter)) & given


def bound_and_used(cell: NotebookNode) -> tuple[set[str], set[str]]:
    """The names that a cell gives to the cells after it, and all that it may take."""
    bound, used = set(), set()
    for statement in parse(cell).body:
        function = isinstance(statement, ast.FunctionDef)
        bound |= {statement.name} if isinstance(statement, ast.FunctionDef) else set()
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used.add(node.id)
            elif isinstance(node, ast.Name) and not function:
                bound.add(node.id)
            elif isinstance(node, ast.alias) and not function:
                bound.add(node.asname or node.name)
    return bound, used


@every_chapter
def test_a_solution_and_the_cells_after_it_take_nothing_of_each_other(chapter: Path) -> None:
    """So all cells do in the lab, where solutions come last or not at all, what they do here."""
    solved = {cell.id for cell in solutions(chapter)}
    cells = [cell for cell in read(chapter).cells if cell.cell_type == "code"]
    for place, solution in enumerate(cells):
        if solution.id in solved:
            bound, used = bound_and_used(solution)
            after = [bound_and_used(cell) for cell in cells[place:] if cell.id not in solved]
            taken = [bound & later | used & given for given, later in after]
            assert not set().union(*taken), solution.source[:60]


@every_chapter
def test_every_link_of_a_lab_leads_to_a_lab_or_to_the_book(chapter: Path, handed_out: Path) -> None:
    text = "\n\n".join(
        c.source for c in read(handed_out / chapter.name).cells if c.cell_type == "markdown"
    )
    inline = [t.children or [] for t in MarkdownIt().parse(text)]
    links = [t.attrs.get("href") or t.attrs.get("src") for ts in inline for t in ts if t.attrs]
    pages = [str(link).partition("#")[0] for link in links if link]
    assert pages
    for page in filter(None, pages):
        if page.startswith(BOOK):
            source = ROOT / page.removeprefix(f"{BOOK}/")
            assert source.with_suffix(".md").is_file(), page
        else:
            assert page.startswith("https://") or (handed_out / page).is_file(), page


def test_links_lead_to_a_copy_of_the_book_where_there_is_one() -> None:
    made = labs.student_notebooks("/static")
    assert made.keys() == {path.name for path in CHAPTERS}
    text = "".join(cell.source for lab in made.values() for cell in lab.cells)
    assert BOOK not in text
    linked = set(re.findall(r"\]\(/static/chapters/([\w-]+)\.html[)#]", text))
    assert {"glossary", "notation", "references"} <= linked
    assert all((ROOT / "chapters" / f"{page}.md").is_file() for page in linked)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](references.md)", "[a](https://book/chapters/references.html)"),
        ("[a](glossary.md#logits).", "[a](https://book/chapters/glossary.html#logits)."),
        ("[a](6-evaluation.ipynb)", "[a](6-evaluation.ipynb)"),
        ("[a](6-evaluation.ipynb#bins)", "[a](6-evaluation.ipynb#bins)"),
        ("[a](11-later.ipynb#x)", "[a](https://book/chapters/11-later.html#x)"),
        ("[a](https://example.org/x.md)", "[a](https://example.org/x.md)"),
        ("[a](#here) and notes.md", "[a](#here) and notes.md"),
        ("[a](b.md), [c](d.md)", "[a](https://book/chapters/b.html), "
         "[c](https://book/chapters/d.html)"),
    ],
)  # fmt: skip
def test_a_link_to_a_page_that_is_not_handed_out_goes_to_the_book(text: str, expected: str) -> None:
    assert labs.link_to_the_book(text, PAGES, "https://book") == expected


def test_the_same_chapters_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = labs.write(tmp_path / "labs").read_bytes()
    (tmp_path / "labs" / "LICENSE").touch()
    assert labs.write(tmp_path / "labs").read_bytes() == first
    with zipfile.ZipFile(tmp_path / "labs" / labs.ARCHIVE) as packed:
        entries = packed.infolist()
        assert packed.testzip() is None
    assert {entry.date_time for entry in entries} == {(2023, 11, 14, 22, 13, 20)}
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.external_attr >> 16 for entry in entries} == {0o644}


def test_a_date_before_1980_becomes_1980_in_the_zip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    with zipfile.ZipFile(labs.write(tmp_path / "labs")) as packed:
        assert {entry.date_time[0] for entry in packed.infolist()} == {1980}


def test_a_lab_of_an_earlier_run_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "labs"
    folder.mkdir()
    (folder / "0-renamed.ipynb").write_text("{}")
    labs.write(folder)
    assert {p.name for p in folder.glob("*.ipynb")} == {p.name for p in CHAPTERS}
    assert [p.name for p in tmp_path.iterdir()] == ["labs"]


def test_a_run_that_fails_leaves_the_labs_of_the_run_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labs.write(tmp_path / "labs")
    before = {path.name for path in (tmp_path / "labs").iterdir()}
    broken = tmp_path / "chapters"
    broken.mkdir()
    shutil.copy(CHAPTERS[0], broken)
    (broken / "9-broken.ipynb").write_text("{")
    monkeypatch.setattr(labs, "CHAPTERS", broken)
    with pytest.raises(nbformat.reader.NotJSONError):
        labs.write(tmp_path / "labs")
    assert {path.name for path in (tmp_path / "labs").iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"labs", "chapters"}


def test_make_labs_writes_the_folder_and_the_zip(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(labs.LABS, ignore_errors=True)
    # Take the environment that this test runs in as it is.
    monkeypatch.setattr(make, "set_up", lambda: None)
    monkeypatch.setattr(make, "PYTHON", sys.executable)
    make.main(["labs"])
    assert str(ROOT / "_build" / "labs") in capfd.readouterr().out
    names = {path.name for path in (ROOT / "_build" / "labs").iterdir()}
    assert names >= {path.name for path in CHAPTERS} | {"reading-digits-labs.zip"}


def depends_on_mnist(chapter: Path) -> bool:
    """Whether MNIST's digits give a cell other outputs than the bundled ones."""
    return any("mnist" in cell.metadata.get("tags", []) for cell in read(chapter).cells)


# What a lab adds to its chapter is shown above and by one run, the first chapter's. Where MNIST is
# at hand, nbval runs the chapters that depend on the data on it; here they run on others.
RUN = [
    chapter
    for chapter in CHAPTERS
    if chapter == CHAPTERS[0] or (digits.source() == "mnist" and depends_on_mnist(chapter))
]


@pytest.mark.parametrize("chapter", RUN, ids=lambda path: path.stem)
def test_a_lab_runs_in_an_empty_folder_and_takes_its_solutions(
    chapter: Path, handed_out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run the lab as it is handed out; then, in the same kernel, give every right answer.

    Where MNIST is at hand, this is the one run on the bundled digits of a chapter that depends on
    the data.
    """
    lab = read(handed_out / chapter.name)
    asked = len(lab.cells)
    lab.cells += solutions(chapter)
    nbformat.write(lab, tmp_path / "answered.ipynb")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")

    # Raises if any cell does, asserts among them.
    cells = notebooks.run(tmp_path / "answered.ipynb", tmp_path / "empty").cells

    verdicts = re.findall(r"(?m)^\d+\.\d+: .*", printed(cells[:asked]))
    assert verdicts == [f"{name}: not answered yet." for name in exercises_of(chapter)]
    answered = re.findall(r"(?m)^\d+\.\d+: .*", printed(cells[asked:]))
    assert answered == [f"{name}: right." for name in exercises_of(chapter)]
    if any("digits.load(" in cell.source for cell in cells):
        assert "bundled with scikit-learn" in printed(cells)
