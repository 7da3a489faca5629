"""Run every notebook as Colab does: on Colab's versions, alone in an empty folder.

Usage: ``python -m tools.colab [NOTEBOOK...]`` (``make test-colab``)

tools/colab-requirements.txt says which packages Colab has; they go into _build/colab. This machine
must have Python 3.13, which is Colab's, or 3.12. The package isn't installed there: each notebook's
set-up cell does that, from a local server in place of GitHub. Outputs are not compared or stored.
"""

import contextlib
import functools
import http.server
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from lessonlib.files import write_whole
from tools.set_up import ROOT, address, project, wheel

PYTHONS = ("3.13", "3.12")  # Colab's own first; the one before it is in its past runtimes
REQUIREMENTS = ROOT / "tools" / "colab-requirements.txt"
ENVIRONMENT = ROOT / "_build" / "colab"
# notebooks.run, where the package is missing: `tools` is found, and `lessonlib` isn't.
RUN = (
    "import sys; from pathlib import Path; sys.path.append(sys.argv[2]);"
    "from tools import notebooks; notebooks.run(Path(sys.argv[1]), Path.cwd())"
)


def find_python(versions: Sequence[str] = PYTHONS) -> str:
    """Return the path of the first of these Pythons that is here and starts.

    Raises
    ------
    ValueError
        When none does.
    """
    for version in versions:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            command = [f"python{version}", "-c", "import sys; print(sys.executable)"]
            found = subprocess.run(command, check=True, capture_output=True, text=True)
            return found.stdout.strip()
    raise ValueError(
        f"Colab's environment needs Python {' or '.join(versions)}, which isn't on this machine: "
        "nothing was tested. Install one so that `python3.13 --version` answers, and try again "
        "(with pyenv: PYENV_VERSION=3.13 make test-colab)."
    )


def make_environment(folder: Path) -> Path:
    """Make a virtual environment with Colab's packages, or reuse it; return its Python."""
    python, made = folder / "bin" / "python", folder / "made-for"
    if not made.is_file() or made.read_text() != REQUIREMENTS.read_text():
        uv("venv", "-q", "--clear", "-p", find_python(), str(folder))
        uv("pip", "install", "-q", "-p", str(python), "-r", str(REQUIREMENTS))
        write_whole(made, REQUIREMENTS.read_bytes())
    return python


def uv(*words: str) -> None:
    """Run uv."""
    subprocess.run([sys.executable, "-m", "uv", *words], check=True)


@contextlib.contextmanager
def release() -> Iterator[str]:
    """Build the wheel, and serve it as a release does; give the address that replaces GitHub's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "releases", "download", wheel(project()["version"]))
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(path.parent)]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        assert path.is_file()
        handler = functools.partial(QuietHandler, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files, and print nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Drop the line."""


def run_alone(notebook: Path, python: Path, home: str) -> str:
    """Run a copy of a notebook in an empty folder; return "", or what went wrong.

    `python` belongs to the environment, which the set-up cell changes; `home` takes the place of
    the repository's address.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, notebook.name)
        text = notebook.read_text(encoding="utf-8")
        write_whole(copy, text.replace(f'"{address()}', f'"{home}').encode())
        variables = {"JUPYTER_PREFER_ENV_PATH": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        environment = os.environ | variables
        environment.pop("PYTHONPATH", None)
        command = [str(python), "-c", RUN, copy.name, str(ROOT)]
        done = subprocess.run(
            command, cwd=folder, env=environment, check=False, stderr=subprocess.PIPE, text=True
        )
    return done.stderr if done.returncode else ""


def freeze(python: Path) -> dict[str, str]:
    """List an environment's packages and their versions."""
    code = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"
    done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return dict(line.split() for line in done.stdout.splitlines())


def main(names: list[str]) -> None:
    """Run the named notebooks, or all; exit with an error if one fails or changes a package."""
    try:
        python = make_environment(ENVIRONMENT)
    except ValueError as error:
        sys.exit(str(error))
    failed = []
    with release() as home:
        for path in [Path(name) for name in names] or sorted((ROOT / "chapters").glob("*.ipynb")):
            if "lessonlib" in freeze(python):  # of the notebook before
                uv("pip", "uninstall", "-q", "-p", str(python), "lessonlib")
            before, start = freeze(python), time.perf_counter()
            said = run_alone(path, python, home)
            if freeze(python) != before | {"lessonlib": project()["version"]}:
                said += "\nThe set-up cell did not install lessonlib, and lessonlib alone."
            print(f"{path.name}: {said or 'runs'} ({time.perf_counter() - start:.0f} s)")
            failed += [path.name] if said else []
    sys.exit(f"On Colab's versions these fail: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
