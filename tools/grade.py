"""Run nbgrader on a course: release the assignments, and grade what students hand in.

Usage: ``python -m tools.grade release [COURSE]`` (part of ``make nbgrader``)
       ``python -m tools.grade marks [COURSE]`` (``make grade``)

A course is a folder, by default _build/nbgrader/. Students get release/CHAPTER/CHAPTER.ipynb; what
they hand in goes to submitted/STUDENT/CHAPTER/CHAPTER.ipynb; the marks come to grades.csv.

nbgrader is in an environment of its own, .venv-nbgrader, and runs the notebooks in the course's.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import make
from lessonlib.files import write_whole
from tools.assignments import COURSE
from tools.notebooks import ENVIRONMENT

NBGRADER = Path(make.script(make.NBGRADER_VENV, "nbgrader"))
MARKS = "grades.csv"


def write_kernel(venv: Path, python: Path) -> None:
    """Let the kernel of nbgrader's environment be a Python in which the course is installed.

    The kernel doesn't import from its working folder: that is a student's.
    """
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    command.append("--InteractiveShellApp.ignore_cwd=True")
    kernel = {"argv": command, "display_name": "Python 3", "language": "python"}
    folder = venv / "share" / "jupyter" / "kernels" / "python3"
    # A new file in the old one's place: uv's environments share files with its cache.
    write_whole(folder / "kernel.json", json.dumps(kernel, indent=1).encode())


def release(course: Path) -> None:
    """Make what students get of all assignments in source/."""
    for folder in sorted((course / "source").iterdir()):
        _nbgrader(course, "generate_assignment", folder.name, "--force")


def marks(course: Path) -> Path:
    """Grade all submissions, again those graded before; return the table of marks.

    One that can't be graded doesn't keep the others from it; nbgrader says which it is.
    """
    for name in sorted({path.parent.name for path in course.glob("submitted/*/*/*.ipynb")}):
        _nbgrader(course, "autograde", name, "--force", must_succeed=False)
    _nbgrader(course, "export", "--to", MARKS)
    return course / MARKS


def _nbgrader(course: Path, *words: str, must_succeed: bool = True) -> None:
    # It starts other programs of its environment by their names alone.
    path = os.pathsep.join([str(NBGRADER.parent), os.environ["PATH"]])
    done = subprocess.run(
        [str(NBGRADER), *words], cwd=course, env={**os.environ, **ENVIRONMENT, "PATH": path}
    )
    if must_succeed and done.returncode != 0:
        sys.exit(f"nbgrader {words[0]} failed: see above")


def main(words: list[str]) -> None:
    """Release a course's assignments, or grade."""
    course = Path(words[1]) if len(words) > 1 else COURSE
    if words[0] == "kernel":
        write_kernel(make.NBGRADER_VENV, Path(sys.executable))
    elif words[0] == "release":
        release(course)
        print(f"What students get is in {course / 'release'}")
    elif not any(course.glob("submitted/*/*/*.ipynb")):
        sys.exit(f"Nothing is handed in: put it in {course}/submitted/STUDENT/CHAPTER/")
    else:
        print(f"The marks are in {marks(course)}")


if __name__ == "__main__":
    main(sys.argv[1:])
