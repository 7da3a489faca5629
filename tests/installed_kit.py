"""`make test-kit`: the kit of `make kit` installs without a network and runs two chapters.

It isn't part of `make test`, because the kit has to be made first, GBs on Linux, and installing it
takes minutes. Linux only: `unshare` takes the network away.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import kit, notebooks

# Nothing but the loopback, which a kernel needs to talk to what runs it.
OFFLINE = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "-"]
# Runs a notebook, and prints its output as JSON.
RUN = """
import json, sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
print(json.dumps([o.get("text", "") for c in notebook.cells for o in c.get("outputs", [])]))
"""
# Starts JupyterLab, and prints a page of the book as a link of a notebook finds it.
VISIT = """
import os, re, signal, subprocess, sys, urllib.request
with subprocess.Popen(
    ["sh", sys.argv[1]], stderr=subprocess.PIPE, text=True, start_new_session=True
) as started:
    said = next((line for line in started.stderr if "/lab/tree/notebooks" in line), "")
    address = re.search("http://[^/]+", said)[0] + "/static/chapters/glossary.html"
    print(urllib.request.urlopen(address).read().decode())
    os.killpg(started.pid, signal.SIGTERM)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the kit's zip as on a stick, install it with the network off; return the home."""
    archive = kit.KIT.with_suffix(".zip")
    if not archive.is_file():
        pytest.fail("there is no kit: run `make kit`", pytrace=False)
    stick = tmp_path_factory.mktemp("a stick")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(stick)
    home = tmp_path_factory.mktemp("a home")
    offline(home, "sh", stick / kit.KIT.name / "start.sh", "install")
    shutil.rmtree(stick)  # it goes on to the next machine
    return home


def offline(home: Path, *words: object) -> str:
    """Run a command without a network, and without what this shell knows of the project."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    # Where this Python comes first, start.sh finds the one that the kit was made with.
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    command = [*OFFLINE, *map(str, words)]
    environment = kept | notebooks.ENVIRONMENT | {"HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_no_network(home: Path) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"
    with pytest.raises(AssertionError, match="Network is unreachable"):
        offline(home, sys.executable, "-c", code)


def test_the_doctor_finds_mnist_and_the_weights(home: Path) -> None:
    course = home / "reading-digits"
    mnist = f"LESSONLIB_MNIST_ROOT={course / 'mnist'}"
    said = offline(home, "env", mnist, course / ".venv/bin/python", "-m", "lessonlib", "doctor")
    assert str(course / "mnist") in said


@pytest.mark.parametrize("stem", ["history", "training"])
def test_a_chapter_runs_from_the_kit(home: Path, stem: str) -> None:
    course = home / "reading-digits"
    (path,) = (course / "notebooks").glob(f"*-{stem}.ipynb")
    mnist = f"LESSONLIB_MNIST_ROOT={course / 'mnist'}"
    said = offline(home, "env", mnist, course / ".venv/bin/python", "-c", RUN, path)
    printed = "".join(json.loads(said.splitlines()[-1]))
    assert "not answered yet." in printed
    assert "bundled with scikit-learn" not in printed


def test_start_opens_jupyterlab_on_the_notebooks_and_serves_the_book(home: Path) -> None:
    settings = {"ServerApp": {"open_browser": False, "allow_root": True}}
    (home / ".jupyter").mkdir()
    (home / ".jupyter" / "jupyter_server_config.json").write_text(json.dumps(settings))
    course = home / "reading-digits"
    said = offline(home, sys.executable, "-c", VISIT, course / "start.sh")
    page = (course / "book" / "chapters" / "glossary.html").read_text(encoding="utf-8")
    assert page in said
