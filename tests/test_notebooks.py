"""What holds for every notebook, beside the outputs that nbval compares."""

import ast
import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

import lessonlib

ROOT = Path(__file__).resolve().parents[1]
PATHS = sorted((ROOT / "chapters").glob("*.ipynb"))
TAGS = {"mnist", "nbval-ignore-output", "times", "hide-input", "same-as-lessonlib"}

SET_UP = """\
# Set-up. Where lessonlib is missing, as in Colab, install it alone; elsewhere do nothing.
import importlib.util

if importlib.util.find_spec("lessonlib") is None:
    %pip install --quiet --no-deps "lessonlib @ git+{repository}@v{version}"\
"""

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)


def read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def code_cells(path: Path) -> list[NotebookNode]:
    return [c for c in read(path).cells if c.cell_type == "code" and c.source.strip()]


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def test_the_book_has_its_chapters() -> None:
    assert [path.stem[:2] for path in PATHS] == [f"{n}-" for n in range(1, 7)]


@every_notebook
def test_every_cell_has_been_run_and_none_escapes_comparison(path: Path) -> None:
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
def test_cells_are_short_enough_to_read(path: Path) -> None:
    for cell in code_cells(path):
        assert cell.source.count("\n") < 25, f"over 25 lines: {cell.source[:60]}"


@every_notebook
def test_each_notebook_opens_with_the_same_set_up_cell(path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    expected = SET_UP.format(repository=project["urls"]["Homepage"], version=project["version"])
    first = code_cells(path)[0]
    assert first.source == expected
    assert first.outputs == []


@every_notebook
def test_solutions_are_collapsed_in_the_book_and_in_colab(path: Path) -> None:
    solutions = [c for c in code_cells(path) if c.source.startswith("#@title Solution")]
    assert len(solutions) >= 3
    for cell in solutions:
        assert cell.source.splitlines()[0].endswith('{ display-mode: "form" }')
        assert "hide-input" in tags(cell)
        assert any(": right." in output.get("text", "") for output in cell.outputs)


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
def test_code_that_teaches_is_the_library_s(path: Path) -> None:
    library = library_definitions()
    for cell in code_cells(path):
        if "same-as-lessonlib" in tags(cell):
            taught = definitions(cell.source)
            assert taught, f"tagged, but defines nothing: {cell.source[:60]}"
            for name, code in taught.items():
                assert (name, code) in library, f"{name} differs from lessonlib's"


@pytest.fixture
def public_repository(tmp_path: Path) -> Path:
    """Make a git repository of this tree, tagged as the set-up cell expects."""
    clone = tmp_path / "public"
    names = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    git(clone, "init", "--quiet")
    git(clone, "add", "--all")
    git(clone, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "tree")
    git(clone, "tag", f"v{lessonlib.__version__}")
    return clone


def git(folder: Path, *words: str) -> str:
    result = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return result.stdout


def test_a_notebook_runs_alone_where_only_colab_s_packages_are(
    public_repository: Path, tmp_path: Path
) -> None:
    """Run the set-up cell and the rest as Colab does: this environment without lessonlib."""
    python = tmp_path / "colab" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "colab"], check=True)
    site = tmp_path / "colab" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    # A path file's own path files are not followed, so the editable lessonlib stays out of sight.
    (site / "site-packages" / "others.pth").write_text(sysconfig.get_path("purelib"))
    before = freeze(python)
    assert "lessonlib" not in before

    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(PATHS[-1], alone)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = os.environ | {
        "LESSONLIB_OFFLINE": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{public_repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": project["urls"]["Homepage"],
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this as: build with the hatchling that is here
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "JUPYTER_PATH": str(tmp_path / "no-kernels"),
    }
    environment.pop("PYTHONPATH", None)
    script = (
        "import sys; from pathlib import Path; sys.path.append(sys.argv[2]);"
        "from tools import notebooks; notebooks.run(Path(sys.argv[1]), Path.cwd())"
    )
    subprocess.run(
        [python, "-c", script, PATHS[-1].name, ROOT], cwd=alone, env=environment, check=True
    )
    after = freeze(python)
    assert set(after) - set(before) == {"lessonlib"}
    assert {name: after[name] for name in before} == before
    assert (site / "site-packages" / "lessonlib" / "data" / "weights").is_dir()


def freeze(python: Path) -> dict[str, str]:
    """List the packages an interpreter sees, except those of this project's editable install."""
    code = (
        "import importlib.metadata as m, pathlib;"
        "[print(d.name, d.version) for d in m.distributions()"
        " if d.name != 'lessonlib' or not (d.read_text('direct_url.json') or '').count('editable')]"
    )
    result = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return dict(line.split() for line in result.stdout.splitlines())
