"""A notebook alone, where the package is missing; `make test-colab` runs all of them."""

import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

import lessonlib
from tools import colab, notebooks, set_up

# A short chapter that loads a shipped network. What the package brings the others is
# tests/test_package.py's.
ALONE = next(path for path in notebooks.pages() if path.stem.endswith("-checksums"))


@pytest.fixture
def without_the_package(tmp_path: Path) -> Path:
    """Make an environment that sees all packages of this one but lessonlib; give its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # A path file's own path files are not followed, so the editable lessonlib stays out of sight.
    others = tmp_path / "env" / "lib" / version / "site-packages" / "others.pth"
    others.write_text(sysconfig.get_path("purelib"))
    return tmp_path / "env" / "bin" / "python"


def write(path: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def packages(python: Path) -> dict[str, str]:
    """List the packages, without what this environment tells of its editable lessonlib."""
    found = subprocess.run(
        [python, "-c", "import importlib.util as u; print(u.find_spec('lessonlib') is not None)"],
        check=True, capture_output=True, text=True, env={},
    )  # fmt: skip
    rest = {name: v for name, v in colab.freeze(python).items() if name != "lessonlib"}
    return rest | {"lessonlib": found.stdout.strip()}


def test_a_notebook_runs_alone_and_its_set_up_cell_changes_nothing_but_the_package(
    without_the_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    before = packages(without_the_package)
    assert before["lessonlib"] == "False"
    with colab.release() as home:
        assert colab.run_alone(ALONE, without_the_package, home) == ""
    assert packages(without_the_package) == before | {"lessonlib": "True"}
    (data,) = without_the_package.parents[1].glob("lib/*/site-packages/lessonlib/data")
    assert (data / "weights").is_dir()


def test_a_notebook_that_fails_says_where(without_the_package: Path, tmp_path: Path) -> None:
    (tmp_path / "beside.txt").touch()
    cells = ["from pathlib import Path", "assert Path('beside.txt').exists(), 'it is alone'"]
    notebook = write(tmp_path / "one.ipynb", *cells)
    assert "it is alone" in colab.run_alone(notebook, without_the_package, "http://nowhere")


def test_the_wheel_lies_where_the_set_up_cell_looks_for_it() -> None:
    path = set_up.wheel_address().removeprefix(set_up.address())
    with colab.release() as home:
        with urllib.request.urlopen(home + path) as answer:
            assert len(answer.read()) > 5_000_000
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(home + path.replace(lessonlib.__version__, "0.0.1"))


def command(folder: Path, name: str, answer: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{answer}\n")
    (folder / name).chmod(0o755)


def test_colab_s_own_python_is_taken_before_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    command(tmp_path, "python3.12", "echo /older")
    assert colab.find_python() == "/older"
    command(tmp_path, "python3.13", "echo /newer")
    assert colab.find_python() == "/newer"
    command(tmp_path, "python3.13", "exit 127")  # as pyenv's stand-in for one that isn't chosen
    assert colab.find_python() == "/older"


def test_where_no_python_of_colab_is_it_says_so_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(colab, "ENVIRONMENT", tmp_path / "colab")
    with pytest.raises(SystemExit, match=r"needs Python 3\.13 or 3\.12.* nothing was tested"):
        colab.main([])
    assert not (tmp_path / "colab").exists()


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch, without_the_package: Path) -> Path:
    """Let the program take an environment with this one's packages for Colab's."""
    monkeypatch.setattr(colab, "make_environment", lambda folder: without_the_package)
    return without_the_package


def test_every_notebook_is_run_though_one_fails_and_the_failures_are_named(
    no_environment: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = {"1.ipynb": "broken", "2.ipynb": ""}
    version = set_up.project()["version"]
    monkeypatch.setattr(colab, "run_alone", lambda path, python, home: said[path.name])
    monkeypatch.setattr(colab, "freeze", lambda python: {"numpy": "2", "lessonlib": version})
    with pytest.raises(SystemExit, match=r"these fail: 1\.ipynb$"):
        colab.main(["1.ipynb", "2.ipynb"])
    assert "2.ipynb: runs" in capsys.readouterr().out


def test_a_set_up_cell_that_installs_nothing_is_a_failure(
    no_environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(colab, "run_alone", lambda path, python, home: "")
    monkeypatch.setattr(colab, "freeze", lambda python: {"numpy": "2"})
    with pytest.raises(SystemExit, match=r"these fail: 1\.ipynb$"):
        colab.main(["1.ipynb"])
    assert "did not install lessonlib" in capsys.readouterr().out
