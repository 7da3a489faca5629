"""Properties of every notebook; nbval compares the outputs."""

import ast
import csv
import functools
import importlib
import pkgutil
import re
from base64 import b64decode
from datetime import date
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

import lessonlib
from lessonlib.chapters import TITLES
from tools import notebooks, set_up

ROOT = Path(__file__).resolve().parents[1]
PATHS, NUMBERED = notebooks.pages(), notebooks.chapters()
TAGS = {"mnist", "nbval-ignore-output", "times", "hide-input", "same-as-lessonlib"}

# A chapter can be read in a sitting.
MOST_WORDS, MOST_LINES = 5_500, 500
PAGE_WORDS, PAGE_LINES = 1_900, 210  # of a notebook that is a reference page
# Characters of code that the book shows at 1280 pixels (tests/test_book.py), in a collapsed cell
# less.
CODE_WIDTH, SOLUTION_WIDTH = 84, 82

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
every_chapter = pytest.mark.parametrize("path", NUMBERED, ids=lambda p: p.stem)


def read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def code_cells(path: Path) -> list[NotebookNode]:
    return [c for c in read(path).cells if c.cell_type == "code" and c.source.strip()]


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def test_the_book_has_its_chapters() -> None:
    stems = [path.stem for path in NUMBERED]
    assert stems == [f"{n}-{stem}" for n, stem in enumerate(TITLES, start=1)]


@every_notebook
def test_a_notebook_is_short_enough_for_one_sitting(path: Path) -> None:
    texts = [c.source for c in read(path).cells if c.cell_type == "markdown"]
    words = sum(len(text.split()) for text in texts)
    code = [line for c in code_cells(path) for line in c.source.splitlines() if line.strip()]
    print(f"{path.stem}: {words:,} words, {len(code)} lines of code")
    assert words <= (MOST_WORDS if path in NUMBERED else PAGE_WORDS)
    assert len(code) <= (MOST_LINES if path in NUMBERED else PAGE_LINES)


@every_notebook
def test_every_cell_has_been_run_and_is_compared_or_tagged(path: Path) -> None:
    for cell in code_cells(path):
        assert cell.execution_count is not None, f"never run: {cell.source[:60]}"
        assert tags(cell) <= TAGS, f"a tag that is none of the course's: {cell.source[:60]}"
        assert "# NBVAL" not in cell.source.upper().replace("#NBVAL", "# NBVAL")


@every_notebook
def test_cells_that_are_not_compared_assert_something(path: Path) -> None:
    for cell in code_cells(path):
        # Times alone are printed and never asserted: a busy machine is no defect.
        if "nbval-ignore-output" in tags(cell) and "times" not in tags(cell):
            assert "assert " in cell.source, f"uncompared and unasserted: {cell.source[:60]}"


@every_notebook
def test_no_output_is_an_error_or_a_warning(path: Path) -> None:
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source[:60]
            assert output.get("name") != "stderr", output.text
            assert "object at 0x" not in str(output.get("text", "")), cell.source[:60]


@every_notebook
def test_every_figure_has_alt_text(path: Path) -> None:
    for cell in code_cells(path):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) > 20, f"figure without alt text: {cell.source[:60]}"


@every_notebook
def test_every_figure_has_a_dark_picture_of_its_size(path: Path) -> None:
    """As `make run` stores it: JupyterLab doesn't, when it runs a cell."""
    for cell in code_cells(path):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                dark = output.metadata.get("image/png", {}).get("dark", "")
                heads = [b64decode(png)[:24] for png in (output.data["image/png"], dark)]
                assert heads[0] == heads[1], f"make run: {cell.source[:60]}"  # with their sizes


@every_notebook
def test_cells_are_short_enough_to_read(path: Path) -> None:
    for cell in code_cells(path):
        assert cell.source.count("\n") < 25, f"over 25 lines: {cell.source[:60]}"


@every_notebook
def test_no_line_of_code_is_cut_on_the_page(path: Path) -> None:
    for cell in code_cells(path):
        collapsed = "hide-input" in tags(cell)
        lines = cell.source.splitlines()[1 if collapsed else 0 :]  # without its title
        for line in lines:
            assert len(line) <= (SOLUTION_WIDTH if collapsed else CODE_WIDTH), line


@every_notebook
def test_each_notebook_opens_with_the_same_set_up_cell(path: Path) -> None:
    first = code_cells(path)[0]
    assert first.source == set_up.cell()
    assert first.outputs == []
    # A repository's address is as long as it is: where it's longer than ours, the page scrolls.
    assert max(map(len, first.source.replace(set_up.address(), "").splitlines())) <= CODE_WIDTH


def run_set_up_cell() -> list[str]:
    """Run the set-up cell, and give what it hands to pip."""
    asked: list[str] = []

    class Shell:
        def run_line_magic(self, name: str, line: str) -> None:
            assert name == "pip"
            asked.append(line)

    code = TransformerManager().transform_cell(set_up.cell())  # type: ignore[no-untyped-call]
    exec(code, {"get_ipython": Shell})
    return asked


def test_the_set_up_cell_does_nothing_where_the_package_is() -> None:
    assert run_set_up_cell() == []


def test_the_set_up_cell_installs_the_package_alone_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (asked,) = run_set_up_cell()
    assert asked.startswith("install -q --no-deps {wheels}/v")


@every_chapter
def test_solutions_are_collapsed_in_the_book_and_in_colab(path: Path) -> None:
    solutions = [c for c in code_cells(path) if c.source.startswith("#@title Solution")]
    assert len(solutions) >= 3
    for cell in solutions:
        assert cell.source.splitlines()[0].endswith('{ display-mode: "form" }')
        assert "hide-input" in tags(cell)
        assert any(": right." in output.get("text", "") for output in cell.outputs)


@every_notebook
def test_solutions_on_paper_are_collapsed_and_still_markdown(path: Path) -> None:
    """Blank lines end the HTML, so that all four places where it is read set the formulas."""
    for cell in read(path).cells:
        if cell.cell_type == "markdown" and "<details" in cell.source:
            first, second, *_, last_but_one, last = cell.source.splitlines()
            assert re.fullmatch(r"<details><summary>Solution \d+\.\d+</summary>", first)
            assert second == last_but_one == ""
            assert last == "</details>"


class Unannotated(ast.NodeTransformer):
    """Turns `x: int = 1` into `x = 1`."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return node
        return ast.fix_missing_locations(ast.Assign(targets=[node.target], value=node.value))


def plain(node: ast.AST) -> str:
    """Print a definition without docstrings and annotations, so that two can be compared."""
    node = Unannotated().visit(ast.parse(ast.unparse(node)).body[0])
    for part in ast.walk(node):
        if isinstance(part, ast.arg):
            part.annotation = None
        if isinstance(part, ast.FunctionDef):
            part.returns = None
        if isinstance(part, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(part):
            part.body = part.body[1:]
    return ast.unparse(node)


def definitions(source: str) -> dict[str, str]:
    kinds = ast.FunctionDef | ast.ClassDef
    return {n.name: plain(n) for n in ast.parse(source).body if isinstance(n, kinds)}


@functools.cache
def library_definitions() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for module in pkgutil.walk_packages(lessonlib.__path__, "lessonlib."):
        if not module.name.startswith("lessonlib.exercises"):
            file = importlib.util.find_spec(module.name)
            assert file is not None
            assert file.origin is not None
            found |= set(definitions(Path(file.origin).read_text()).items())
    return found


@every_notebook
def test_tagged_code_is_the_same_as_lessonlib_s(path: Path) -> None:
    library = library_definitions()
    for cell in code_cells(path):
        if "same-as-lessonlib" in tags(cell):
            taught = definitions(cell.source)
            assert taught, f"tagged, but defines nothing: {cell.source[:60]}"
            for name, code in taught.items():
                assert (name, code) in library, f"{name} differs from lessonlib's"


# ---------------------------------------------------------------- the table of run times


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_notebook_of_the_book_has_a_run_time() -> None:
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    names = [f"{stem}.ipynb" for stem in re.findall(r"file: chapters/(\S+)", contents)]
    expected = [name for name in names if (notebooks.CHAPTERS / name).is_file()]
    timed = [row["Notebook"] for row in rows(notebooks.RUN_TIMES)]
    assert timed == expected, "run `make run`: it writes chapters/run-times.csv"


def test_a_run_time_says_how_long_when_and_on_what() -> None:
    for row in rows(notebooks.RUN_TIMES):
        assert tuple(row) == notebooks.COLUMNS
        assert min(int(row["Seconds"]), int(row["Cores"]), int(row["Threads"])) > 0
        assert date(2025, 1, 1) < date.fromisoformat(row["Date"])
        assert row["CPU"]


def test_a_notebook_s_time_changes_its_own_row_only(tmp_path: Path) -> None:
    one, two = (tmp_path / name for name in ("1-one.ipynb", "2-two.ipynb"))
    one.touch()
    two.touch()
    table = tmp_path / "times.csv"
    notebooks.record_time(two, 20.4, table)
    other = rows(table)[0]
    notebooks.record_time(one, 0.2, table)
    notebooks.record_time(one, 9.7, table)
    first, second = rows(table)
    assert (first["Notebook"], first["Seconds"]) == ("1-one.ipynb", "10")
    assert second == other
    assert second["Seconds"] == "20"


def test_a_short_run_is_counted_as_at_least_one_second(tmp_path: Path) -> None:
    (tmp_path / "1-one.ipynb").touch()
    notebooks.record_time(tmp_path / "1-one.ipynb", 0.2, tmp_path / "times.csv")
    assert rows(tmp_path / "times.csv")[0]["Seconds"] == "1"


def test_the_row_of_a_notebook_that_is_gone_is_dropped(tmp_path: Path) -> None:
    old, new = tmp_path / "1-old.ipynb", tmp_path / "1-new.ipynb"
    table = tmp_path / "times.csv"
    old.touch()
    notebooks.record_time(old, 5, table)
    old.rename(new)
    notebooks.record_time(new, 6, table)
    assert [row["Notebook"] for row in rows(table)] == ["1-new.ipynb"]


def test_run_times_that_can_t_be_written_leave_the_table_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook, table = tmp_path / "1-one.ipynb", tmp_path / "times.csv"
    notebook.touch()
    notebooks.record_time(notebook, 5, table)
    before = table.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(csv.DictWriter, "writerows", fail)
    with pytest.raises(OSError, match="disk full"):
        notebooks.record_time(notebook, 6, table)
    assert table.read_bytes() == before


def test_the_processor_is_named_as_linux_names_it(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t: fpu\n" * 2)
    assert notebooks.cpu_name(info) == "Some CPU @ 2 GHz"


def test_the_processor_has_a_name_where_linux_does_not_say_it(tmp_path: Path) -> None:
    arm = tmp_path / "cpuinfo"
    arm.write_text("processor\t: 0\nBogoMIPS\t: 48.00\n")
    for info in (arm, tmp_path / "none"):
        assert notebooks.cpu_name(info).strip()


@pytest.mark.parametrize("place", ["chapters", "elsewhere"])
def test_only_the_chapters_are_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / place).mkdir()
    notebook = tmp_path / place / "1-one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), notebook)
    timed: list[Path] = []
    monkeypatch.setattr(notebooks, "CHAPTERS", tmp_path / "chapters")
    monkeypatch.setattr(notebooks, "record_time", lambda path, _: timed.append(path))
    monkeypatch.setattr(notebooks, "run", lambda path, _: nbformat.read(path, as_version=4))
    monkeypatch.setattr(notebooks, "set_environment", lambda: None)
    monkeypatch.setattr("lessonlib.digits.source", lambda: "mnist")
    notebooks.main([str(notebook)])
    assert timed == ([notebook] if place == "chapters" else [])
