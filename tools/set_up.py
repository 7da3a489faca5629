"""Write the set-up cell of every notebook, for the address and the version of pyproject.toml.

Usage: ``python -m tools.set_up``, after a new version or where a notebook's first cell is another

The cell installs the wheel that the workflow `pages` attaches to the version's release: 11 MB,
nothing to build, and no git. A notebook's other cells, outputs and metadata stay as they are.
"""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FIRST_LINE = "# Set-up: in Colab, where the course's package is missing, this installs it alone."
CELL = f"""\
{FIRST_LINE}
import importlib.util

if importlib.util.find_spec("lessonlib") is None:
    wheels = "{{address}}/releases/download"
    %pip install -q --no-deps {{{{wheels}}}}/{{wheel}}\
"""


def project(root: Path = ROOT) -> dict[str, Any]:
    """Read what pyproject.toml says of the project: its name, version, addresses."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


def address(root: Path = ROOT) -> str:
    """Return the address of the course's repository."""
    return str(project(root)["urls"]["Homepage"])


def wheel(version: str) -> str:
    """Name the wheel of a version below its repository's releases.

    Examples
    --------
    >>> wheel("1.2.0")
    'v1.2.0/lessonlib-1.2.0-py3-none-any.whl'
    """
    return f"v{version}/lessonlib-{version}-py3-none-any.whl"


def wheel_address(root: Path = ROOT) -> str:
    """Return the address from which the set-up cell installs the package."""
    return f"{address(root)}/releases/download/{wheel(project(root)['version'])}"


def cell(root: Path = ROOT) -> str:
    """Return the set-up cell: the same in every notebook."""
    return CELL.format(address=address(root), wheel=wheel(project(root)["version"]))


def edit_sources(path: Path, edit: Callable[[str], str]) -> None:
    """Change the source of a notebook's cells, and no other byte of the file."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for part in notebook["cells"]:
        part["source"] = edit("".join(part["source"])).splitlines(keepends=True)
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def main() -> None:
    """Write the cell into every notebook of chapters/."""
    new = cell()
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        edit_sources(path, lambda source: new if source.startswith(FIRST_LINE) else source)
    print(f"Every set-up cell installs {wheel_address()}")


if __name__ == "__main__":
    main()
