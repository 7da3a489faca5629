"""The kit's folder, on a made-up book and packages; `make test-kit` installs a real one.

Native Windows and macOS can't be had here: their paths and scripts are looked at, not run.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import nbformat
import pytest

from lessonlib import digits
from tools import kit, pdf, wheels
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
    (folder / "html" / pdf.PDF.name).write_text("a PDF")
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
    monkeypatch.setattr(digits, "will_download", lambda: False)
    monkeypatch.setattr(digits, "find_mnist", lambda: folder / "root")
    monkeypatch.setattr(kit, "download", lambda *_: packages)


def test_the_folder_holds_all_that_a_room_needs(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {
        "LICENSE", "README.md", "book", "kit.json", "mnist", "notebooks",
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
                served = [link.replace("/static/", "../book/") for link in links]  # by start.py
                assert all((path.parent / link).resolve().is_file() for link in served), links
                pages |= set(links)
    assert "/static/chapters/glossary.html" in pages


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


@pytest.mark.parametrize("chromium", [None, "/a/chromium"])
def test_the_pdf_is_printed_for_the_kit_where_there_is_chromium(
    chromium: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pretend(tmp_path, monkeypatch)
    printed = kit.BOOK / pdf.PDF.name
    printed.unlink()
    monkeypatch.setattr(pdf, "PDF", printed)
    monkeypatch.setattr(pdf, "CHROMIUM", chromium)
    monkeypatch.setattr(pdf, "main", lambda: printed.write_text("a PDF"))
    monkeypatch.setattr(kit, "KIT", tmp_path / "kit")
    monkeypatch.setenv("WHEELS", "none")
    kit.main([])
    assert (tmp_path / "kit" / "book" / printed.name).is_file() == (chromium is not None)
    assert ("no Chromium" in capsys.readouterr().out) == (chromium is None)


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
        "`.\\start.bat install`", "`.\\start.bat`", "`sh start.sh install`", "`sh start.sh`",
        "for Windows and Python 3.13", "| `notebooks` | ", "`book/index.html`",
        "`book/reading-digits.pdf`", "0.0 GB",
    ):  # fmt: skip
        assert words in text
    assert "{" not in text
    assert "pip download" not in text
    assert len(text.split()) < 300


def test_without_packages_the_readme_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(tmp_path, monkeypatch)
    (kit.BOOK / pdf.PDF.name).unlink()
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


@pytest.fixture
def pythons(tmp_path: Path) -> Path:
    """Make a folder of programs in which start.sh finds no Python yet."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "dirname").symlink_to(str(shutil.which("dirname")))
    return programs


def add_python(programs: Path, name: str, fails: bool = False) -> None:
    """Add a Python that prints its name and words, or one that can't be had or is too old."""
    asked = "exit 1" if fails else "exit 0"
    text = f'#!/bin/sh\n[ "$1" = -c ] && {asked}\necho {name} "$@"\n'
    (programs / name).write_text(text)
    (programs / name).chmod(0o755)


def start_sh(made: Path, programs: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(shutil.which("sh")), str(made / "start.sh"), *words]
    return subprocess.run(
        command, env={"PATH": str(programs)}, capture_output=True, text=True, cwd=programs
    )


def test_start_sh_takes_the_python_of_the_kit_and_its_words(made: Path, pythons: Path) -> None:
    for name in ("python3", "python3.13"):
        add_python(pythons, name)
    done = start_sh(made, pythons, "install", "a folder")
    assert done.stdout == f"python3.13 {made}/start.py install a folder\n"


def test_start_sh_leaves_out_a_name_that_leads_nowhere(made: Path, pythons: Path) -> None:
    add_python(pythons, "python3.13", fails=True)  # as pyenv's do for a version that is off
    add_python(pythons, "python3")
    assert start_sh(made, pythons).stdout == f"python3 {made}/start.py\n"


def test_start_sh_says_that_python_is_missing(made: Path, pythons: Path) -> None:
    add_python(pythons, "python", fails=True)
    done = start_sh(made, pythons)
    assert done.returncode == 1
    assert done.stderr == "Python is missing: install Python 3.13 (python.org), then start again.\n"


def test_start_command_is_start_sh(made: Path) -> None:
    assert (made / "start.command").read_bytes() == (made / "start.sh").read_bytes()
    assert (made / "start.command").stat().st_mode & 0o111


def test_start_bat_takes_the_python_of_the_kit_and_has_the_line_ends_of_windows(made: Path) -> None:
    text = (made / "start.bat").read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n") > 5
    assert text.isascii()  # cmd.exe reads other letters by the machine's code page
    assert b"py -3.13 -c pass" in text
    assert b'%python% "%~dp0start.py" %*' in text
    assert b"@PYTHON@" not in text


def test_start_bat_says_what_is_missing_before_it_starts(made: Path) -> None:
    before, _ = (made / "start.bat").read_text().split('%python% "%~dp0start.py"')
    assert re.search(
        r'if not exist "%~dp0start.py" \([^)]*unpack the whole zip[^)]*exit /b 1', before
    )
    assert re.search(r"if errorlevel 1 \([^)]*install Python 3\.13[^)]*exit /b 1", before)


def test_windows_has_its_python_elsewhere() -> None:
    windows = start.python_of(PureWindowsPath(r"C:\Users\Ada L\.venv"), "nt")
    assert str(windows) == r"C:\Users\Ada L\.venv\Scripts\python.exe"
    assert str(start.python_of(PurePosixPath("/x/.venv"), "posix")) == "/x/.venv/bin/python"


FACTS: dict[str, Any] = {
    "version": "1.0", "system": "win32", "python": "3.13", "unpacked": 10**6, "wheels": {TORCH: 0},
}  # fmt: skip


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
    anywhere = FACTS | {"system": "", "python": "", "wheels": {}}
    assert "README.md says how" in start.problem(anywhere, tmp_path, "3.11", "linux")
    (tmp_path / TORCH).touch()
    assert start.problem(anywhere, tmp_path, "3.11", "linux") == ""


@pytest.mark.parametrize("left", ["", "not all"])
def test_a_package_that_is_missing_or_cut_short_is_named(tmp_path: Path, left: str) -> None:
    if left:
        (tmp_path / TORCH).write_text(left)
    kit = FACTS | {"wheels": {TORCH: 200}}
    said = start.problem(kit, tmp_path, "3.13", "win32")
    assert f"wheels/{TORCH} is missing or cut short" in said
    assert "unpack the kit anew" in said


def test_the_kit_knows_how_large_its_packages_are_and_what_they_take(made: Path) -> None:
    facts = json.loads((made / "kit.json").read_text(encoding="utf-8"))
    there = {path.name: path.stat().st_size for path in (made / "wheels").iterdir()}
    assert facts["wheels"] == there
    assert facts["unpacked"] == kit.unpacked(made)
    assert start.problem(facts, made / "wheels", "3.13", "win32") == ""


class Disk(NamedTuple):
    free: int


def test_a_folder_is_refused_where_it_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(2 * 10**6))
    (tmp_path / "notes.txt").touch()
    assert start.refusal(FACTS, tmp_path / "a room" / "new") == ""
    assert "is the kit itself: name another folder" in start.refusal(FACTS, start.HERE)
    assert "notes.txt is a file" in start.refusal(FACTS, tmp_path / "notes.txt")
    assert "notes.txt is a file" in start.refusal(FACTS, tmp_path / "notes.txt" / "x")


def test_a_disk_that_is_too_full_is_named_with_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(5 * 10**9))
    large = FACTS | {"unpacked": 5 * 10**9}
    said = start.refusal(large, tmp_path / "room")
    assert "needs 5.5 GB, and its disk has 5.0 GB left: make room, or name a folder" in said
    (tmp_path / "room" / ".venv").mkdir(parents=True)  # an installation that is replaced
    assert start.refusal(large, tmp_path / "room") == ""


def test_a_command_that_fails_ends_with_the_remedy(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="unpack the kit"):
        start.run(sys.executable, "-c", "raise SystemExit(3)", remedy="unpack the kit")
    with pytest.raises(SystemExit, match="3"):
        start.run(sys.executable, "-c", "raise SystemExit(3)")


@pytest.fixture
def commands(made: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Start from the kit on a made-up machine; note what would be run."""
    noted: list[list[str]] = []

    def note(*words: object, remedy: str = "") -> None:
        noted.append([str(word) for word in words])
        if "venv" in words:
            shutil.rmtree(str(words[-1]), ignore_errors=True)
            python = Path(start.python_of(Path(str(words[-1]))))
            python.parent.mkdir(parents=True)
            python.touch()

    monkeypatch.setattr(start, "HERE", made)
    monkeypatch.setattr(start, "run", note)
    monkeypatch.setattr(start, "problem", lambda *_: "")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
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
        assert ["--no-index", "--find-links", str(made / "wheels")] == command[7:10]
        assert "--isolated" in command  # a PIP_USER=1 of this machine would stop it
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
    assert words == [
        "-m", "jupyterlab", "--LabApp.default_url=/lab/tree/notebooks",
        f"--ServerApp.extra_static_paths={folder / 'book'}",
    ]  # fmt: skip
    assert Path.cwd() == folder
    assert os.environ["LESSONLIB_MNIST_ROOT"] == str(folder / "mnist")
    assert os.environ["LESSONLIB_BOOK"] == "/static"  # where that option serves it


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


def test_installing_again_brings_back_a_notebook_that_is_missing_and_keeps_answers(
    commands: list[list[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "room"
    start.main(["install", str(folder)])
    answered, deleted = (folder / "notebooks" / f"{n}.ipynb" for n in ("1-history", "2-forward"))
    answered.write_text("an answer")
    deleted.unlink()
    commands.clear()
    start.main(["install", str(folder)])
    assert commands == []
    assert answered.read_text() == "an answer"
    assert deleted.is_file()


def test_an_environment_without_its_python_is_named_and_made_anew(
    commands: list[list[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "room"
    start.main(["install", str(folder)])
    Path(start.python_of(folder / ".venv")).unlink()  # as when Python was removed or replaced
    with pytest.raises(SystemExit, match=r"missing: install from the kit again"):
        start.open_notebooks(folder)
    commands.clear()
    start.main(["install", str(folder)])
    assert len(commands) == 3


def test_the_kit_does_not_install_over_itself(
    made: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="is the kit itself"):
        start.main(["install", "."])
    assert commands == []
    assert (made / "book" / "index.html").read_text() == "a page"


def test_a_copy_that_fails_ends_with_cause_and_remedy(
    made: Path, commands: list[list[str]], tmp_path: Path
) -> None:
    (made / "start.command").unlink()
    with pytest.raises(SystemExit, match=r"No such file .*start\.command.*\n.*unpack the kit anew"):
        start.main(["install", str(tmp_path / "room")])


@pytest.mark.parametrize("times", [1, 2])
def test_a_kit_without_its_notebooks_is_not_whole(
    made: Path, commands: list[list[str]], tmp_path: Path, times: int
) -> None:
    if times == 2:
        start.main(["install", str(tmp_path / "room")])
    shutil.rmtree(made / "notebooks")
    with pytest.raises(SystemExit, match=r"folder notebooks is missing: .*unpack the kit anew"):
        start.main(["install", str(tmp_path / "room")])


def test_jupyterlab_does_not_ask_about_news(commands: list[list[str]], tmp_path: Path) -> None:
    start.main(["install", str(tmp_path / "room")])
    settings = tmp_path / "room" / ".venv" / "share" / "jupyter" / "lab" / "settings"
    said = json.loads((settings / "overrides.json").read_text(encoding="utf-8"))
    assert said["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


WAITS = """
import signal, sys, time
def asked(*_):
    print("asked", flush=True)
    sys.exit()
signal.signal(signal.SIGINT, asked)
print("ready", flush=True)
time.sleep(60)
"""


def test_control_c_is_left_to_jupyterlab(tmp_path: Path) -> None:
    python = Path(start.python_of(tmp_path / ".venv"))
    python.parent.mkdir(parents=True)
    python.write_text(f"#!{sys.executable}\n{WAITS}")
    python.chmod(0o755)
    code = "from tools.stick.start import Path, open_notebooks as opened, sys"
    code = f"{code}; opened(Path(sys.argv[1]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=kit.ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as started:  # fmt: skip
        assert started.stdout is not None
        assert "index.html" in started.stdout.readline()
        assert started.stdout.readline() == "ready\n"
        os.killpg(started.pid, signal.SIGINT)  # as a terminal does, to both
        said, errors = started.communicate()
    assert (said, errors, started.returncode) == ("asked\n", "", 0)


def test_a_folder_with_a_space_but_without_quotes_is_refused() -> None:
    with pytest.raises(SystemExit, match="in quotes if it has spaces"):
        start.main(["install", "C:/my", "room"])


def test_another_word_than_install_is_refused() -> None:
    with pytest.raises(SystemExit, match="no command 'instal'"):
        start.main(["instal"])
