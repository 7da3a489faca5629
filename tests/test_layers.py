"""Imports run one way: from what uses to what is used, never back and never in a circle."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"
# From what knows nothing of the rest to what may know all of it. A module or package imports from
# its own package and from lower lines, not from its neighbours on the line.
LAYERS = (
    "chapters",
    "files parallel quiz recipes uncompress",
    "digits perceptron network checksums models",
    "optimizers weights augment",
    "training evaluation compress",
    "checks",
    "handwriting",
    "synthesis scoring",
    "figures",
    "exercises widgets",
    "__main__",
)
HEIGHTS = {name: height for height, line in enumerate(LAYERS) for name in line.split()}
# These import by a name that is made at run time, which can't be read from the source: `exercises`
# its own modules, and `checks` what notebooks take from it though it is defined above.
BY_NAME = {"lessonlib.checks", "lessonlib.exercises"}


def module_name(path: Path, source: Path) -> str:
    return ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")


def imports(source: Path) -> dict[str, set[str]]:
    """Every module below a folder, and the modules there that it imports.

    Imports inside functions and under TYPE_CHECKING count, and so does import_module of a text.
    """
    paths = {module_name(path, source): path for path in source.rglob("*.py")}
    found: dict[str, set[str]] = {}
    for module, path in paths.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        named: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names):
                    named |= {alias.name for alias in names}
                case ast.ImportFrom(origin, names, level):
                    above = package.split(".")[: len(package.split(".")) - level + 1]
                    full = ".".join([*(above if level else []), *([origin] if origin else [])])
                    parts = {f"{full}.{alias.name}" for alias in names}
                    named |= parts & paths.keys()
                    named |= {full} if parts - paths.keys() else set()
                case ast.Call(ast.Name("import_module"), [ast.Constant(str(name)), *_]):
                    named.add(name)
        found[module] = named & paths.keys()
    return found


def home(module: str) -> str:
    """The module or package right below lessonlib that a module belongs to; "" for lessonlib."""
    return module.partition(".")[2].partition(".")[0]


def upward(graph: dict[str, set[str]]) -> list[str]:
    """Name every import that leads to the same line of LAYERS, in another package, or up."""
    return [
        f"{module} imports {target}"
        for module, targets in graph.items()
        for target in sorted(targets)
        if home(target) not in ("", home(module))
        and (not home(module) or HEIGHTS[home(target)] >= HEIGHTS[home(module)])
    ]


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one circle of imports, from the first back to it; none if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_module_has_its_line_in_the_table() -> None:
    homes = {home(module) for module in imports(SRC)} - {""}
    assert homes == HEIGHTS.keys()


def test_no_import_runs_upwards() -> None:
    assert upward(imports(SRC)) == []


def test_no_import_runs_in_a_circle() -> None:
    assert circle(imports(SRC)) == []


def test_only_two_packages_import_by_a_name_that_is_made_at_run_time() -> None:
    found = set()
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Name("import_module" | "__import__"), [ast.Constant(), *_]):
                    pass
                case ast.Call(ast.Name("import_module" | "__import__")):
                    found.add(module_name(path, SRC))
                case ast.Attribute(attr="import_module"):
                    found.add(module_name(path, SRC))
    assert found == BY_NAME


@pytest.mark.parametrize(
    ("statement", "target"),
    [
        ("import lessonlib.scoring.page", "lessonlib.scoring.page"),
        ("from lessonlib import scoring", "lessonlib.scoring"),
        ("from lessonlib.scoring import Result, page", "lessonlib.scoring.page"),
        ("from lessonlib.scoring.page import write", "lessonlib.scoring.page"),
        ("from ..scoring import evaluate", "lessonlib.scoring"),
        ("def f():\n    from lessonlib.scoring import page", "lessonlib.scoring.page"),
        ("if TYPE_CHECKING:\n    from lessonlib import scoring", "lessonlib.scoring"),
        ("import_module('lessonlib.scoring')", "lessonlib.scoring"),
    ],
)
def test_an_import_upwards_is_found_however_it_is_written(
    tmp_path: Path, statement: str, target: str
) -> None:
    files = {"checks/reader.py": statement, "checks/__init__.py": ""}
    files |= {"__init__.py": "", "scoring/__init__.py": "", "scoring/page.py": ""}
    for name, text in files.items():
        path = tmp_path / "lessonlib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert f"lessonlib.checks.reader imports {target}" in upward(imports(tmp_path))


def test_a_circle_inside_a_package_is_found() -> None:
    graph = {"lessonlib.checks.a": {"lessonlib.checks.b"}, "lessonlib.checks.c": set()}
    assert circle(graph) == []
    graph["lessonlib.checks.b"] = {"lessonlib.checks.a"}
    assert upward(graph) == []
    assert set(circle(graph)) == {"lessonlib.checks.a", "lessonlib.checks.b"}


def test_neighbours_on_a_line_know_nothing_of_each_other() -> None:
    graph = {"lessonlib.synthesis.render": {"lessonlib.scoring.page", "lessonlib.checks.image"}}
    assert upward(graph) == ["lessonlib.synthesis.render imports lessonlib.scoring.page"]
