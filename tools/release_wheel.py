"""Attach the package's wheel to the release of its version: the notebooks install it from there.

Usage: ``python -m tools.release_wheel`` (the workflow ``pages`` runs it after ``tag_release``)

GitHub's command ``gh`` makes the release where it is missing. A wheel that is there already stays:
``tag_release`` has made sure that the package is still the tag's.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tools.set_up import ROOT, project, wheel


def release_wheel(root: Path = ROOT) -> str:
    """Build the wheel and attach it, unless that has been done; return a line that says what was.

    Raises
    ------
    subprocess.CalledProcessError
        When hatchling or gh fails; gh does so where the tag is missing.
    """
    tag, _, name = wheel(project(root)["version"]).partition("/")
    show = ["gh", "release", "view", tag, "--json", "assets", "--jq", ".assets[].name"]
    shown = subprocess.run(show, cwd=root, check=False, stdout=subprocess.PIPE, text=True)
    if name in shown.stdout.split():
        return f"{name} is there already"
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
        subprocess.run(build, cwd=root, check=True)
        path = str(Path(folder, name))
        notes = "The package, for the set-up cell of every notebook: see CHANGELOG.md."
        create = ["gh", "release", "create", tag, path, "--verify-tag", "--title", tag]
        upload = ["gh", "release", "upload", tag, path]  # to a release made without the wheel
        attach = upload if shown.returncode == 0 else [*create, "--notes", notes]
        subprocess.run(attach, cwd=root, check=True)
    return f"{name} is new: attached to {tag}"


def main() -> None:
    """Attach the wheel and print what was done, or exit with an error."""
    try:
        print(release_wheel())
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
