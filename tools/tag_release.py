"""Tag a new version, so that the notebooks on main find the package that they install.

Usage: ``python -m tools.tag_release`` (the workflow ``pages`` runs it before it publishes)

Every notebook installs the wheel of the release ``v<version>``, with the version of pyproject.toml
(tools/release_wheel.py attaches it). If the tag doesn't exist, this program makes it at the commit
that is checked out. It never moves a tag. Later commits of the same version may change text and
tests, but not the package's files: a notebook in Colab would still install the older package. If
they do, the program fails, and nothing is published until the version is raised.
"""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tools.set_up import ROOT, wheel

# The package's files, besides the parts of pyproject.toml that `packaging` picks.
PACKAGED = ("src/lessonlib", "data", ":(exclude)*.md")


def release(root: Path) -> str:
    """Tag the version of a clone's pyproject.toml at its origin, unless that has been done.

    The clone is at the commit to be published, and needs no tags of its own. Return one line that
    says what was done.

    Raises
    ------
    ValueError
        When a notebook installs another version, or the package has changed since its tag.
    subprocess.CalledProcessError
        When git fails.
    """
    here = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    tag, _, name = wheel(here["project"]["version"]).partition("/")
    for notebook in sorted((root / "chapters").glob("*.ipynb")):
        if f'/{tag}/{name}"' not in notebook.read_text(encoding="utf-8"):
            raise ValueError(f"{notebook.name} doesn't install {name}: python -m tools.set_up")
    if not git(root, "ls-remote", "--tags", "origin", f"refs/tags/{tag}"):
        git(root, "push", "--quiet", "origin", f"HEAD:refs/tags/{tag}")
        return f"{tag} is new: tagged {git(root, 'rev-parse', 'HEAD')}"
    git(root, "fetch", "--quiet", "--no-tags", "origin", f"refs/tags/{tag}")
    changed = git(root, "diff", "--name-only", "FETCH_HEAD", "HEAD", "--", *PACKAGED).splitlines()
    tagged = tomllib.loads(git(root, "show", "FETCH_HEAD:pyproject.toml"))
    if packaging(tagged) != packaging(here):
        changed.append("pyproject.toml")
    if changed:
        raise ValueError(
            f"{tag} is tagged, and since then the package has changed ({', '.join(changed)}): "
            "raise the version, as CONTRIBUTING.md says under Release"
        )
    return f"{tag} is tagged already, and the package is still the same"


def packaging(project: dict[str, Any]) -> dict[str, Any]:
    """Pick the parts of a whole pyproject.toml that change the package; the rest is for tools."""
    return {
        "project": project["project"],
        "build-system": project.get("build-system"),
        "hatch": project.get("tool", {}).get("hatch"),
    }


def git(root: Path, *arguments: str) -> str:
    """Run git in a folder, and return what it prints, without the line break at its end."""
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=root, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def main() -> None:
    """Tag the version and print what was done, or exit with an error."""
    try:
        print(release(ROOT))
    except (ValueError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
