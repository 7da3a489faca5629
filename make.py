"""Build, test and run Reading Digits. The Makefile calls this file; where make is missing, you do.

Usage: ``python make.py TARGET... [NAME=VALUE...]``, as in ``python make.py book``

Without a target it lists them. Every target first makes .venv from the lock (requirements.txt), if
it is missing or out of date. You need git, and one of the Pythons below.

Old versions of Python run this file too, to be refused, so it must be valid for them.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path, PurePath

from tools.check_python import refuse_others

# The versions for which every package of the lock comes built, from the oldest to the newest.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
READY = VENV / ".ready"
NBGRADER_VENV = ROOT / ".venv-nbgrader"  # nbgrader alone: see pyproject.toml


def script(venv: PurePath, name: str, system: str = os.name) -> PurePath:
    r"""Return the path of a program of a virtual environment.

    Examples
    --------
    >>> from pathlib import PurePosixPath, PureWindowsPath
    >>> print(script(PurePosixPath("/home/ada/.venv"), "python", "posix"))
    /home/ada/.venv/bin/python
    >>> print(script(PureWindowsPath("C:/Users/Ada L/.venv"), "python", "nt").as_posix())
    C:/Users/Ada L/.venv/Scripts/python.exe
    """
    return venv / "Scripts" / f"{name}.exe" if system == "nt" else venv / "bin" / name


PYTHON = script(VENV, "python")


def run(*words: object, **variables: str) -> None:
    """Show a command and run it in this folder; if it fails, end with its exit status."""
    command = [str(word) for word in words]
    print(*command, flush=True)
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables})
    if done.returncode != 0:
        sys.exit(done.returncode)


def run_module(name: str, *words: object, **variables: str) -> None:
    """Run a module with .venv's Python."""
    run(PYTHON, "-m", name, *words, **variables)


# ---------------------------------------------------------------- before every target


def commit_time() -> str:
    """Return when the last commit was made, in seconds since 1970; empty without a repository."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "log", "-1", "--format=%ct"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode().strip()


def set_environment() -> None:
    """Set the variables with which a commit gives the same bytes on every machine."""
    os.environ["SOURCE_DATE_EPOCH"] = commit_time() or str(int(time.time()))
    os.environ["PYTHONHASHSEED"] = "0"
    os.environ["PYTHONUTF8"] = "1"  # else Windows reads files as its own code page
    os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    # Where it is set, nothing that Python compiles is kept: importing torch takes twice as long.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # Notebooks run in chapters/, where a relative path would point to another place.
    for name in ("LESSONLIB_MNIST_ROOT", "LESSONLIB_HANDWRITING_ROOT"):
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).resolve())


def set_up() -> None:
    """Make .venv from the lock, if it is missing or out of date."""
    sources = (ROOT / "requirements.txt", ROOT / "pyproject.toml")
    newest = max(source.stat().st_mtime for source in sources)
    if READY.is_file() and READY.stat().st_mtime >= newest:
        return
    refuse_others(PYTHONS)
    if VENV.is_symlink():
        sys.exit(".venv is a link: a new one would empty the folder it leads to. Remove the link.")
    if Path(sys.prefix).resolve() == VENV.resolve():
        sys.exit(".venv is out of date, and its own Python can't replace it: use another Python.")
    try:
        import ensurepip
        import venv
    except ImportError:
        sys.exit(
            "This Python cannot make virtual environments: on Debian and Ubuntu, install "
            "python3-venv."
        )
    print("Setting up .venv (several GB, once) ...", flush=True)
    del ensurepip, venv  # only their presence matters
    run(sys.executable, "-m", "venv", "--clear", VENV)
    lock = sources[0].read_text(encoding="utf-8")
    run_module("pip", "install", "--quiet", re.findall(r"^uv==[\d.]+", lock, re.MULTILINE)[0])
    into = ("--quiet", "--python", PYTHON)
    run_module("uv", "pip", "sync", *into, "--require-hashes", "requirements.txt")
    no_more = ("--no-deps", "--no-build-isolation")
    run_module("uv", "pip", "install", *into, *no_more, "--editable", ".")
    READY.touch()


# ---------------------------------------------------------------- the targets


def book() -> None:
    """Build the HTML book."""
    for old in ("html", ".doctrees"):  # else Sphinx keeps an old stylesheet
        shutil.rmtree(ROOT / "_build" / old, ignore_errors=True)
    run(script(VENV, "jupyter-book"), "build", ".", "-W", "-n", "--keep-going")
    print(f"The book is at {ROOT / '_build' / 'html' / 'index.html'}")


def pdf() -> None:
    """Write the whole book as one PDF (needs Chromium)."""
    book()
    run_module("tools.pdf")


def test() -> None:
    """Make every check: lint, types, unit tests, notebooks, the built book."""
    lint()
    # Two files at a time, the longest first: tests/conftest.py has their order.
    nbval = ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=300")
    two = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    run_module("pytest", *nbval, *two, "tests", "chapters")


def lint() -> None:
    """Check the code's form and types."""
    run_module("ruff", "check")
    run_module("ruff", "format", "--check")
    run_module("mypy")
    npx = shutil.which("npx")
    if npx is None:
        print("The JavaScript is not type-checked: npx, of Node.js, is missing.")
    else:
        tsc = ("tsc", "-p", "src/lessonlib/widgets/static")
        run(npx, "--yes", "--package", "typescript@5.9.3", *tsc)


def lab() -> None:
    """Open the chapters in JupyterLab."""
    run_module("jupyterlab", "chapters")


def labs() -> None:
    """Write the student notebooks, without solutions, and a zip of them."""
    run_module("tools.labs")


def slides() -> None:
    """Write a deck of slides for each chapter, which needs no network."""
    run_module("tools.slides")


def set_up_nbgrader() -> None:
    """Make .venv-nbgrader from its own lock, if it is missing or out of date."""
    lock, ready = ROOT / "tools" / "nbgrader-requirements.txt", NBGRADER_VENV / ".ready"
    if not ready.is_file() or ready.stat().st_mtime < lock.stat().st_mtime:
        run(PYTHON, "-m", "venv", "--clear", NBGRADER_VENV)
        into = ("--quiet", "--python", NBGRADER_VENV)
        run_module("uv", "pip", "sync", *into, "--require-hashes", lock)
        run_module("tools.grade", "kernel")
        ready.touch()


def nbgrader() -> None:
    """Write an nbgrader assignment for each chapter, with hidden tests, in _build/nbgrader/.

    COURSE=... is another folder, here and for `grade`.
    """
    set_up_nbgrader()
    run_module("tools.assignments", *course())
    run_module("tools.grade", "release", *course())


def grade() -> None:
    """Grade everything in the course's folder submitted/; the marks are in its grades.csv."""
    set_up_nbgrader()
    run_module("tools.grade", "marks", *course())


def course() -> "list[str]":
    """Return the course's folder, if COURSE names one."""
    return [os.environ["COURSE"]] if os.environ.get("COURSE") else []


def key() -> None:
    """Write an answer key of each chapter, a notebook and a page, in _build/key/."""
    run_module("tools.key")


def quizzes() -> None:
    """Write two forms of each chapter's quiz to print, and a key, in _build/quizzes/."""
    run_module("tools.quizzes")


def test_nbgrader() -> None:
    """Try the assignments with nbgrader: release, hand in, grade, export."""
    set_up_nbgrader()
    run_module("pytest", "-p", "no:xdist", "tests/test_grade.py")


def kit() -> None:
    """Write the kit for a room without internet, a folder and a zip for a stick (3 GB on Linux).

    PLATFORM=windows-3.13 names other machines; WHEELS=none leaves the packages out.
    """
    book()
    run_module("tools.kit")


def test_kit() -> None:
    """Install the kit of `make kit` with the network off, and run two chapters from it."""
    run_module("pytest", "-p", "no:xdist", "tests/installed_kit.py")


def run_notebooks() -> None:
    """Run all notebooks and store their outputs (needs MNIST)."""
    run_module("tools.notebooks")


def models() -> None:
    """Train the shipped weights again (needs MNIST; about two hours)."""
    # Without this, glibc gives the memory of each step of a training back, and asks for it in the
    # next one again: a sixth of the time.
    keep = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}
    run_module("tools.train_weights", **keep)
    run_module("tools.train_readers", **keep)
    run_module("tools.train_lines", **keep)
    run_module("tools.train_next_steps", **keep)
    run_module("tools.desk", **keep)
    run_module("tools.film", **keep)
    run_module("tools.datasheet", **keep)


def checks() -> None:
    """Draw the sample checks of data/checks again."""
    run_module("lessonlib.synthesis", "data/checks")
    run_module("tools.datasheet")


def bench() -> None:
    """Measure training and reading, and write the book's tables (needs MNIST).

    For reading alone: .venv/bin/python -m tools.bench reading
    """
    run_module("tools.bench")


def test_colab() -> None:
    """Run every notebook alone, on Colab's versions (needs Python 3.13 or 3.12)."""
    run_module("tools.colab")  # its packages go into _build/colab: several GB, once


def repo() -> None:
    """Set the repository's address everywhere: URL=https://github.com/OWNER/NAME."""
    run(sys.executable, "-m", "tools.repo", os.environ.get("URL", ""))


# torch and torchvision are pinned as a pair, because each torchvision needs one version of torch.
# It isn't torch 2.13.0, because some systems offer that as a CPU build that fits no torchvision.
PAIR = "torch==2.12.1\ntorchvision==0.27.1\n"


def lock() -> None:
    """Resolve requirements.txt again from pyproject.toml."""
    with tempfile.TemporaryDirectory() as scratch:
        pair = Path(scratch, "pair.txt")
        pair.write_text(PAIR, encoding="utf-8")
        run_module(
            "uv", "pip", "compile", "pyproject.toml",
            "--group", "book", "--group", "test", "--group", "many", "--universal",
            "--python-version", PYTHONS[0], "--generate-hashes",
            "--no-emit-index-url", "--upgrade", "--constraint", pair,
            "--custom-compile-command", "make lock", "--quiet",
            "--output-file", "requirements.txt",
        )  # fmt: skip
        run_module(
            "uv", "pip", "compile", "--group", "nbgrader",
            "--universal", "--python-version", PYTHONS[0], "--generate-hashes",
            "--no-emit-index-url", "--upgrade",
            "--custom-compile-command", "make lock", "--quiet",
            "--output-file", "tools/nbgrader-requirements.txt",
        )  # fmt: skip
        for version in PYTHONS:
            print(f"Do all packages come built for Python {version}? If not, drop it from PYTHONS.")
            run_module(
                "uv", "pip", "sync", "--quiet", "--dry-run", "--target", Path(scratch, version),
                "--python-version", version, "--only-binary", ":all:", "--require-hashes",
                "requirements.txt",
            )  # fmt: skip


def clean() -> None:
    """Remove everything that is built, except .venv."""
    for name in ("_build", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"):
        shutil.rmtree(ROOT / name, ignore_errors=True)


TARGETS = {
    "book": book,
    "pdf": pdf,
    "test": test,
    "lint": lint,
    "lab": lab,
    "labs": labs,
    "slides": slides,
    "nbgrader": nbgrader,
    "grade": grade,
    "key": key,
    "quizzes": quizzes,
    "test-nbgrader": test_nbgrader,
    "kit": kit,
    "test-kit": test_kit,
    "run": run_notebooks,
    "models": models,
    "checks": checks,
    "bench": bench,
    "test-colab": test_colab,
    "repo": repo,
    "lock": lock,
    "clean": clean,
}


def usage() -> str:
    """List the targets, each with the first line of its docstring."""
    lines = []
    for name, target in TARGETS.items():
        lines.append(f"make {name:14}{(target.__doc__ or '').splitlines()[0]}")
    return "\n".join([*lines, "", "Where make is missing, write `python make.py` for `make`."])


def main(words: "list[str]") -> None:
    """Run the targets that are named, one after another."""
    names = [word for word in words if "=" not in word]
    for setting in (word for word in words if "=" in word):
        name, _, value = setting.partition("=")
        os.environ[name] = value
    unknown = [name for name in names if name not in (*TARGETS, "help")]
    if unknown:
        sys.exit(f"There is no target {unknown[0]!r}.\n{usage()}")
    if not names or "help" in names:
        print(usage())
        return
    set_environment()
    for name in names:
        # Who copies the repository to another address sets that first.
        if name not in ("clean", "repo"):
            set_up()
        TARGETS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
