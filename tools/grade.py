"""Run nbgrader on a course: release the assignments, and grade what students hand in.

Usage: ``python -m tools.grade release [COURSE]`` (part of ``make nbgrader``)
       ``python -m tools.grade marks [COURSE]`` (``make grade``)

A course is a folder, by default _build/nbgrader/. Students get release/CHAPTER/CHAPTER.ipynb; what
they hand in goes to submitted/STUDENT/CHAPTER/CHAPTER.ipynb; the marks come to grades.csv, and
what students get back to feedback/STUDENT/CHAPTER/CHAPTER.html.

nbgrader is in an environment of its own, .venv-nbgrader, and runs the notebooks in the course's.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import make
from lessonlib.files import write_whole
from tools.assignments import COURSE
from tools.notebooks import ENVIRONMENT

NBGRADER = Path(make.script(make.NBGRADER_VENV, "nbgrader"))
MARKS = "grades.csv"
GRADED = "graded.json"  # beside it: what was graded, by `fingerprint`


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
    """Grade what is new, write all students' pages, and return the table of marks.

    What was graded stays as it is: graded again, its derivation would wait for a point again. One
    that can't be graded doesn't keep the others from it; nbgrader says which it is.
    """
    graded = course / GRADED
    before = json.loads(graded.read_text(encoding="utf-8")) if graded.is_file() else {}
    now = {folder: fingerprint(course, folder) for folder in handed_in(course)}
    for folder in now:
        if now[folder] != before.get(folder):
            remove(course / "autograded" / folder)
    for chapter in sorted({folder.partition("/")[2] for folder in now}):
        # It passes over what lies in autograded/.
        _nbgrader(course, "autograde", chapter, must_succeed=False)
        _nbgrader(course, "generate_feedback", chapter, "--force", must_succeed=False)
    write_whole(graded, json.dumps(now, indent=1).encode())
    _nbgrader(course, "export", "--to", MARKS)
    return course / MARKS


def handed_in(course: Path) -> list[str]:
    """List the folders that hold a notebook of a student, such as "ada/1-history"."""
    submitted = course / "submitted"
    folders = {path.parent.relative_to(submitted) for path in submitted.glob("*/*/*.ipynb")}
    return sorted(folder.as_posix() for folder in folders)


def fingerprint(course: Path, folder: str) -> str:
    """Return a number that changes with what a student handed in, and with its assignment.

    The time of a file wouldn't do: a copy may keep the time of another day.
    """
    chapter = folder.partition("/")[2]
    files = [*(course / "submitted" / folder).glob("*.ipynb")]
    files += (course / "source" / chapter).glob("*.ipynb")
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()


def remove(folder: Path) -> None:
    """Remove a folder, if it is there, with what nbgrader made in it, which can't be written to."""
    if folder.is_dir():
        for path in folder.rglob("*"):
            path.chmod(0o700)  # else Windows doesn't remove it
        shutil.rmtree(folder)


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
        print(f"What students get back is in {course / 'feedback'}")


if __name__ == "__main__":
    main(sys.argv[1:])
