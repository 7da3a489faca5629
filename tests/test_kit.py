"""The kit's folder, on a made-up book and packages; `make test-kit` installs a real one.

Native Windows and macOS can't be had here: their paths and scripts are looked at, not run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

import nbformat
import pytest

from lessonlib import digits
from tools import kit, wheels
from tools.notebooks import CHAPTERS
from tools.stick import start
from tools.wheels import Target

WINDOWS = Target("windows", "3.13")
TORCH = "torch-2.0-cp313-cp313-win_amd64.whl"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a kit for Windows with a book of one page, a PDF and MNIST; return its folder."""
    pretend(tmp_path, monkeypatch)
    kit.write(tmp_path / "kit" / "stick", WINDOWS)
    return tmp_path / "kit" / "stick"


def pretend(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a book, a PDF, MNIST and one package to download."""
    (folder / "html" / "chapters").mkdir(parents=True)
    for page in ("index", *(f"chapters/{path.stem}" for path in CHAPTERS.glob("*.md"))):
        (folder / "html" / f"{page}.html").write_text("a page")
    (folder / "book.pdf").write_text("a PDF")
    raw = folder / "root" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in digits.SHA256:
        (raw / name).write_text(name)
    ours = folder / "lessonlib-1.0-py3-none-any.whl"
    with zipfile.ZipFile(ours, "w") as packed:
        packed.writestr("lessonlib/__init__.py", "")
    packages = folder / "packages"
    packages.mkdir()
    with zipfile.ZipFile(packages / TORCH, "w") as torch:
        torch.writestr("torch/__init__.py", "1" * 200)
    monkeypatch.setattr(kit, "build_package", lambda wheels: shutil.copy(ours, wheels))
    monkeypatch.setattr(kit, "BOOK", folder / "html")
    monkeypatch.setattr(kit, "PDF", folder / "book.pdf")
    monkeypatch.setattr(digits, "find_mnist", lambda: folder / "root")
    monkeypatch.setattr(kit, "download", lambda *_: packages)


def test_the_folder_holds_all_that_a_room_needs(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {
        "LICENSE", "README.md", "book", "book.pdf", "kit.json", "mnist", "notebooks",
        "requirements.txt", "start.bat", "start.command", "start.py", "start.sh", "wheels",
    }  # fmt: skip
    assert {p.name for p in (made / "notebooks").iterdir()} == {
        p.name for p in CHAPTERS.glob("*.ipynb")
    }
    assert {p.name for p in (made / "mnist" / "MNIST" / "raw").iterdir()} == digits.SHA256.keys()
    ours, torch = sorted(path.name for path in (made / "wheels").iterdir())
    assert re.fullmatch(r"lessonlib-.*-py3-none-any\.whl", ours)
    assert torch == TORCH


def test_each_link_of_a_notebook_leads_to_a_file_of_the_kit_or_to_the_web(made: Path) -> None:
    pages = set()
    for path in (made / "notebooks").iterdir():
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                links = re.findall(r"\]\((?!https?:|#)([\w./-]+\.(?:html|ipynb))", cell.source)
                assert all((path.parent / link).resolve().is_file() for link in links), links
                pages |= set(links)
    assert "../book/chapters/glossary.html" in pages


def test_the_zip_unpacks_to_the_folder_and_its_programs_can_be_started(made: Path) -> None:
    with zipfile.ZipFile(made.with_suffix(".zip")) as packed:
        entries = {entry.filename: entry.external_attr >> 16 for entry in packed.infolist()}
        assert packed.testzip() is None
    files = {p.relative_to(made.parent).as_posix() for p in made.rglob("*") if p.is_file()}
    assert entries.keys() == files
    assert {name for name, mode in entries.items() if mode == 0o755} == {
        "stick/start.command",
        "stick/start.sh",
    }


def test_a_kit_that_fails_leaves_the_one_before(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    before = {path for path in made.parent.rglob("*")}
    monkeypatch.setattr(kit, "add_packages", fail)
    with pytest.raises(OSError, match="disk full"):
        kit.write(made, WINDOWS)
    assert {path for path in made.parent.rglob("*")} == before


def test_without_the_book_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "BOOK", tmp_path)
    with pytest.raises(SystemExit, match="run `make kit`"):
        kit.write(tmp_path / "kit", None)


def test_the_readme_has_the_two_commands_the_sizes_and_for_which_machines_it_is(made: Path) -> None:
    text = (made / "README.md").read_text(encoding="utf-8")
    for words in (
        "`start.bat install`", "`start.bat`", "`sh start.sh install`", "`sh start.sh`",
        "for Windows and Python 3.13", "| `notebooks` | ", "`book/index.html`", "`book.pdf`",
        "0.0 GB",
    ):  # fmt: skip
        assert words in text
    assert "{" not in text
    assert "pip download" not in text
    assert len(text.split()) < 300


def test_without_packages_the_readme_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(tmp_path, monkeypatch)
    monkeypatch.setattr(kit, "PDF", tmp_path / "none.pdf")
    monkeypatch.setattr(digits, "find_mnist", lambda: None)
    kit.write(tmp_path / "kit", None)
    text = (tmp_path / "kit" / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^python3 -m (pip download .*)$", text, re.MULTILINE)
    assert "--require-hashes -r requirements.txt" in command
    assert "Python 3.11 to 3.14" in text
    assert "MNIST isn't here" in text
    assert ".pdf" not in text
    assert not (tmp_path / "kit" / "mnist").exists()
    (ours,) = (tmp_path / "kit" / "wheels").iterdir()
    assert ours.name.startswith("lessonlib-")
    lock = (kit.ROOT / "requirements.txt").read_text(encoding="utf-8")
    listed = (tmp_path / "kit" / "requirements.txt").read_text(encoding="utf-8")
    assert listed == wheels.requirements(wheels.pins(lock))
    assert " ; sys_platform == 'win32'" in listed


def test_the_requirements_are_those_of_the_kit_s_machines(made: Path) -> None:
    text = (made / "requirements.txt").read_text(encoding="utf-8")
    assert "pywinpty==" in text
    assert " ; " not in text
    assert "nvidia" not in text


def test_the_package_of_the_course_is_built_without_a_network(tmp_path: Path) -> None:
    kit.build_package(tmp_path)
    (wheel,) = tmp_path.iterdir()
    assert "lessonlib/data/weights/mlp.safetensors" in zipfile.ZipFile(wheel).namelist()


def test_a_word_that_wheels_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELS", "some")
    with pytest.raises(SystemExit, match="WHEELS=none"):
        kit.main([])


def test_mnist_is_not_downloaded_for_the_kit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "will_download", lambda: True)
    monkeypatch.setattr(digits, "find_mnist", lambda: pytest.fail("it would be downloaded"))
    kit.add_mnist(tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


# ---------------------------------------------------------------- the programs that start it


def test_start_sh_takes_the_python_of_the_kit_and_its_words(made: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("python3", "python3.13"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$(pwd)" "$@"\n')
        (programs / name).chmod(0o755)
    shell, tool = (str(shutil.which(name)) for name in ("sh", "dirname"))
    (programs / "dirname").symlink_to(tool)
    command = [shell, str(made / "start.sh"), "install", "a folder"]
    environment = {"PATH": str(programs)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == f"python3.13 {made} start.py install a folder\n"
    for name in ("python3", "python3.13"):
        (programs / name).unlink()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "install Python 3.13" in done.stderr


def test_start_command_is_start_sh(made: Path) -> None:
    assert (made / "start.command").read_bytes() == (made / "start.sh").read_bytes()
    assert (made / "start.command").stat().st_mode & 0o111


def test_start_bat_takes_the_python_of_the_kit_and_has_the_line_ends_of_windows(made: Path) -> None:
    text = (made / "start.bat").read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n") > 5
    assert b"py -3.13 start.py %*" in text
    assert b'pushd "%~dp0"' in text
    assert b"@PYTHON@" not in text


def test_windows_has_its_python_elsewhere() -> None:
    windows = start.python_of(PureWindowsPath(r"C:\Users\Ada L\.venv"), "nt")
    assert str(windows) == r"C:\Users\Ada L\.venv\Scripts\python.exe"
    assert str(start.python_of(PurePosixPath("/x/.venv"), "posix")) == "/x/.venv/bin/python"


FACTS = {"version": "1.0", "system": "win32", "python": "3.13"}


@pytest.mark.parametrize(
    ("version", "system", "said"),
    [
        ("3.13", "win32", "^$"),
        ("3.12", "win32", r"for Python 3\.13, and .* is 3\.12: install that Python"),
        ("3.13", "linux", "for Windows, and this is Linux: take that system's kit"),
        ("3.13", "sunos5", "this is sunos5"),
    ],
)
def test_another_machine_is_told_what_the_kit_is_for(
    tmp_path: Path, version: str, system: str, said: str
) -> None:
    (tmp_path / TORCH).touch()
    assert re.search(said, start.problem(FACTS, tmp_path, version, system))


def test_a_kit_without_packages_is_for_any_machine_once_it_has_them(tmp_path: Path) -> None:
    anywhere = {"version": "1.0", "system": "", "python": ""}
    assert "README.md says how" in start.problem(anywhere, tmp_path, "3.11", "linux")
    (tmp_path / TORCH).touch()
    assert start.problem(anywhere, tmp_path, "3.11", "linux") == ""


@pytest.fixture
def commands(made: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Start from the kit on a made-up machine; note what would be run."""
    noted: list[list[str]] = []

    def note(*words: object) -> None:
        noted.append([str(word) for word in words])
        if "venv" in words:
            shutil.rmtree(str(words[-1]), ignore_errors=True)
            Path(str(words[-1])).mkdir(parents=True)

    monkeypatch.setattr(start, "HERE", made)
    monkeypatch.setattr(start, "run", note)
    monkeypatch.setattr(start, "problem", lambda *_: "")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.chdir(made)
    return noted


def test_install_asks_no_network_and_copies_what_is_needed_later(
    made: Path, commands: list[list[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "a room"
    start.main(["install", str(folder)])
    names = {path.name for path in folder.iterdir()}
    assert names == {"book", "mnist", "notebooks", ".venv", *start.SCRIPTS}
    made_venv, packages, ours = commands
    assert made_venv == [sys.executable, "-m", "venv", "--clear", str(folder / ".venv")]
    for command in (packages, ours):
        assert ["--no-index", "--find-links", str(made / "wheels")] == command[6:9]
    assert "--require-hashes" in packages
    assert Path(ours[-1]).name.startswith("lessonlib-")


def test_a_second_start_installs_nothing_and_opens_the_notebooks_with_mnist(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    folder = tmp_path / "home" / "reading-digits"
    start.main(["install"])
    commands.clear()
    start.main([])
    ((python, *words),) = commands
    assert python == str(start.python_of(folder / ".venv"))
    assert words == ["-m", "jupyterlab", "--LabApp.default_url=/lab/tree/notebooks"]
    assert Path.cwd() == folder
    assert os.environ["LESSONLIB_MNIST_ROOT"] == str(folder / "mnist")


def test_what_is_installed_starts_without_the_stick(
    made: Path, commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "room"
    start.main(["install", str(folder)])
    commands.clear()
    shutil.rmtree(made)
    monkeypatch.setattr(start, "HERE", folder)
    start.main([])
    assert [command[2] for command in commands] == ["jupyterlab"]


def test_a_new_kit_is_installed_anew_and_answers_stay(
    made: Path, commands: list[list[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "room"
    start.main(["install", str(folder)])
    answered = folder / "notebooks" / "1-history.ipynb"
    answered.write_text("an answer")
    (folder / "book" / "index.html").write_text("an old page")
    facts = json.loads((made / "kit.json").read_text(encoding="utf-8"))
    (made / "kit.json").write_text(json.dumps(facts | {"version": "99"}))
    commands.clear()
    start.main(["install", str(folder)])
    assert len(commands) == 3
    assert answered.read_text() == "an answer"
    assert (folder / "book" / "index.html").read_text() == "a page"


def test_another_word_than_install_is_refused() -> None:
    with pytest.raises(SystemExit, match="no command 'instal'"):
        start.main(["instal"])
