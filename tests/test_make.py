"""The targets: the same with and without make, on any system; no command is run here but `make`."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

import make

ROOT = Path(__file__).resolve().parents[1]
Commands = list[list[str]]


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Note what would be run, in a made-up project whose .venv is up to date."""
    noted: Commands = []

    def note(*words: object, **_: str) -> None:
        noted.append([str(word) for word in words])

    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "requirements.txt").write_text("uv==1.2.3 \\\n    --hash=sha256:0\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".ready").touch()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "nbgrader-requirements.txt").touch()
    (tmp_path / ".venv-nbgrader").mkdir()
    monkeypatch.setattr(make, "run", note)
    monkeypatch.setattr(make, "ROOT", tmp_path)
    monkeypatch.setattr(make, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(make, "READY", tmp_path / ".venv" / ".ready")
    monkeypatch.setattr(make, "NBGRADER_VENV", tmp_path / ".venv-nbgrader")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return noted


def by_make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder as a user does, also where make runs this test."""
    environment = {n: v for n, v in os.environ.items() if n not in ("MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(
        ["make", *words], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_make_has_each_target_and_only_calls_python() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    (named,) = [line.split(" := ")[1].split() for line in lines if line.startswith("TARGETS := ")]
    assert named == ["help", *make.TARGETS]
    assert [line for line in lines if line.startswith("\t")] == ["\t@$(PYTHON) make.py $@"]
    for name in named:
        done = by_make(ROOT, "-n", name, "PYTHON=python3")
        assert done.stdout == f"python3 make.py {name}\n"


def test_what_is_set_for_make_reaches_the_target(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    show = "import os, sys; print(sys.argv[1], os.environ['PLATFORM'])"
    (tmp_path / "make.py").write_text(show)
    done = by_make(tmp_path, "labs", "PLATFORM=windows", f"PYTHON={sys.executable}")
    assert done.stdout == "labs windows\n"


def test_what_is_set_without_make_reaches_the_target(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setitem(make.TARGETS, "labs", lambda: seen.append(os.environ["PLATFORM"]))
    make.main(["labs", "PLATFORM=windows=1"])
    assert seen == ["windows=1"]


def test_help_and_no_target_list_all_with_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    make.main([])
    said = capsys.readouterr().out
    for name, target in make.TARGETS.items():
        assert re.search(rf"^make {name} +{re.escape((target.__doc__ or '?')[:20])}", said, re.M)
    make.main(["help"])
    assert capsys.readouterr().out == said


def test_a_target_that_is_not_there_is_refused_with_the_list() -> None:
    with pytest.raises(SystemExit, match=r"no target 'boook'\.\nmake book +"):
        make.main(["labs", "boook"])


@pytest.mark.parametrize("name", [name for name in make.TARGETS if name != "clean"])
@pytest.mark.parametrize("system", [PurePosixPath("/a b/.venv"), PureWindowsPath(r"C:\a b\.venv")])
def test_a_target_runs_programs_of_the_environment_and_needs_no_shell(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, name: str, system: PurePath
) -> None:
    kind = "nt" if isinstance(system, PureWindowsPath) else "posix"
    python, book = (make.script(system, tool, kind) for tool in ("python", "jupyter-book"))
    monkeypatch.setattr(make, "PYTHON", python)
    monkeypatch.setattr(make, "script", lambda *_: book)
    make.main([name])
    assert commands
    for program, *words in commands:
        # Only the repository's address is set without .venv.
        assert program in (str(python), str(book), shutil.which("npx"), sys.executable)
        assert not [word for word in words if re.search(r"[|&;<>$`*]|bin/", word)]
        if words[0] == "-m":
            assert importlib.util.find_spec(words[1]) is not None, words[1]


def test_windows_has_its_programs_elsewhere() -> None:
    python = make.script(PureWindowsPath(r"C:\Users\Ada L\.venv"), "python", "nt")
    assert str(python) == r"C:\Users\Ada L\.venv\Scripts\python.exe"
    assert str(make.script(PurePosixPath("/x/.venv"), "uv", "posix")) == "/x/.venv/bin/uv"
    assert Path(make.script(Path(sys.prefix), "python")).exists()


def test_an_environment_that_is_up_to_date_stays(commands: Commands) -> None:
    make.set_up()
    assert commands == []


def test_nbgrader_s_environment_is_made_once_for_each_lock(commands: Commands) -> None:
    make.set_up_nbgrader()
    made, packages, kernel = commands
    assert made[1:] == ["-m", "venv", "--clear", str(make.NBGRADER_VENV)]
    assert packages[-2] == "--require-hashes"
    assert kernel[1:] == ["-m", "tools.grade", "kernel"]
    make.set_up_nbgrader()
    assert len(commands) == 3
    lock = make.ROOT / "tools" / "nbgrader-requirements.txt"
    later = lock.stat().st_mtime + 10
    os.utime(lock, (later, later))
    make.set_up_nbgrader()
    assert len(commands) == 6


def test_the_course_s_folder_can_be_named(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE", raising=False)
    make.main(["grade"])
    make.main(["grade", "COURSE=/home/ada/course"])
    graded = [words[3:] for words in commands if words[2:4] == ["tools.grade", "marks"]]
    assert graded == [["marks"], ["marks", "/home/ada/course"]]


@pytest.mark.parametrize("source", ["requirements.txt", "pyproject.toml"])
def test_an_environment_older_than_its_sources_is_made_anew_from_the_lock(
    commands: Commands, source: str
) -> None:
    later = make.READY.stat().st_mtime + 10
    os.utime(make.ROOT / source, (later, later))
    make.set_up()
    made, uv, packages, ours = commands
    assert made == [sys.executable, "-m", "venv", "--clear", str(make.VENV)]
    assert uv[1:] == ["-m", "pip", "install", "--quiet", "uv==1.2.3"]
    assert packages[-2:] == ["--require-hashes", "requirements.txt"]
    assert ours[-2:] == ["--editable", "."]


def test_an_environment_counts_as_made_when_all_is_installed(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.READY.unlink()

    def fail(*_: object, **__: str) -> None:
        sys.exit(1)

    with monkeypatch.context() as broken:
        broken.setattr(make, "run", fail)
        with pytest.raises(SystemExit):
            make.set_up()
    assert not make.READY.exists()
    make.set_up()
    assert make.READY.exists()


def test_the_environment_s_own_python_does_not_replace_it(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.READY.unlink()
    monkeypatch.setattr(sys, "prefix", str(make.VENV))
    with pytest.raises(SystemExit, match="use another Python"):
        make.set_up()
    assert commands == []


def test_clean_removes_what_is_built_and_leaves_the_environment(commands: Commands) -> None:
    (make.ROOT / "_build" / "html").mkdir(parents=True)
    make.READY.unlink()
    make.main(["clean"])
    assert not (make.ROOT / "_build").exists()
    assert make.VENV.is_dir()
    assert commands == []


def test_a_commit_gives_the_same_bytes_wherever_it_is_built(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONLIB_MNIST_ROOT", "here")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    make.set_environment()
    assert int(os.environ["SOURCE_DATE_EPOCH"]) > 1_700_000_000
    assert os.environ["PYTHONHASHSEED"] == "0"
    assert os.environ["LESSONLIB_MNIST_ROOT"] == str(Path.cwd() / "here")
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ


def test_without_git_the_date_is_today_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert make.commit_time() == ""


def test_a_command_that_fails_ends_with_its_exit_status() -> None:
    with pytest.raises(SystemExit) as failure:
        make.run(sys.executable, "-c", "raise SystemExit(3)")
    assert failure.value.code == 3


@pytest.mark.parametrize("file", ["make.py", "tools/check_python.py"])
def test_old_pythons_understand_enough_to_be_refused(file: str) -> None:
    ast.parse((ROOT / file).read_text(encoding="utf-8"), feature_version=(3, 6))


def test_make_refuses_a_newer_python_before_it_makes_anything(tmp_path: Path) -> None:
    for name in (
        "Makefile",
        "make.py",
        "requirements.txt",
        "pyproject.toml",
        "tools/check_python.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    pretended = tmp_path / "python"
    code = (
        "import platform, runpy, sys; platform.python_version = lambda: '3.99.1'; "
        "del sys.argv[0]; sys.path[0] = ''; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    pretended.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
    pretended.chmod(0o755)
    result = by_make(tmp_path, "book", f"PYTHON={pretended}")
    assert result.returncode != 0
    line, *rest = result.stderr.splitlines()
    assert f"needs Python 3.11 to {make.PYTHONS[-1]}:" in line
    assert "is 3.99.1: name another" in line
    assert all(line.startswith("make") for line in rest)
    assert not (tmp_path / ".venv").exists()
