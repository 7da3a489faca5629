"""The packages of the kit are those of the lock that the course needs on a system."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import make
from tools import wheels
from tools.wheels import PLATFORMS, Target, needed_on, pins, requirements, target_named

LOCK = (Path(__file__).resolve().parents[1] / "requirements.txt").read_text(encoding="utf-8")
SMALL = """\
# written by hand
lessons==1.0 \\
    --hash=sha256:aa
    # via tests
numbers==2.0 ; python_full_version < '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via
    #   lessonlib (pyproject.toml)
    #   torch
numbers==3.0 ; python_full_version >= '3.12' \\
    --hash=sha256:dd
    # via lessonlib (pyproject.toml)
jupyterlab==4.0 \\
    --hash=sha256:ee
    # via lessonlib (pyproject.toml:book)
terminal==1.1 ; sys_platform == 'win32' \\
    --hash=sha256:ff
    # via shell
shell==1.2 \\
    --hash=sha256:00
    # via jupyterlab
pytest==8.0 \\
    --hash=sha256:11
    # via lessonlib (pyproject.toml:test)
"""


def test_every_package_of_the_lock_is_read() -> None:
    lines = re.findall(r"^[a-z0-9].*==", LOCK, re.MULTILINE)
    assert len(wheels.PIN.findall(LOCK)) == len(lines)


def test_what_lessonlib_and_jupyterlab_need_is_chosen_and_what_that_needs() -> None:
    chosen = [(pin.name, pin.version) for pin in pins(SMALL)]
    assert chosen == [
        ("numbers", "2.0"), ("numbers", "3.0"), ("jupyterlab", "4.0"), ("terminal", "1.1"),
        ("shell", "1.2"),
    ]  # fmt: skip


def test_the_course_s_own_needs_are_there_and_those_of_the_book_and_the_tests_are_not() -> None:
    names = {pin.name for pin in pins(LOCK)}
    assert {"torch", "torchvision", "numpy", "jupyterlab", "ipykernel", "pywinpty"} <= names
    assert not {"pytest", "mypy", "jupyter-book", "sphinx", "playwright", "uv"} & names


def test_requirements_keep_the_lock_s_lines_with_markers_and_hashes() -> None:
    text = requirements(pins(SMALL))
    assert text.startswith(
        "numbers==2.0 ; python_full_version < '3.12' \\\n"
        "    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
        "numbers==3.0 ; "
    )
    assert set(requirements(pins(LOCK)).splitlines()) <= set(LOCK.splitlines())


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target("windows", "3.11"), ["numbers==2.0", "jupyterlab==4.0", "terminal==1.1"]),
        (Target("windows", "3.13"), ["numbers==3.0", "jupyterlab==4.0", "terminal==1.1"]),
        (Target("macos", "3.12"), ["numbers==3.0", "jupyterlab==4.0"]),
    ],
)
def test_a_system_gets_what_it_needs(target: Target, expected: list[str]) -> None:
    needed = [f"{pin.name}=={pin.version}" for pin in needed_on(target, pins(SMALL))]
    assert needed == [*expected, "shell==1.2"]
    assert " ; " not in requirements(needed_on(target, pins(SMALL)))


@pytest.mark.parametrize("python", make.PYTHONS)
@pytest.mark.parametrize("name", PLATFORMS)
def test_each_system_gets_each_package_once_and_gpu_packages_only_on_linux(
    name: str, python: str
) -> None:
    names = [pin.name for pin in needed_on(Target(name, python), pins(LOCK))]
    assert len(set(names)) == len(names) > 90
    assert any("nvidia" in name for name in names) == (PLATFORMS[name].system == "linux")


def test_a_platform_is_named_with_or_without_a_python() -> None:
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert target_named("windows-3.13") == ("windows", "3.13")
    assert target_named("linux-arm-3.12") == ("linux-arm", "3.12")
    assert target_named("macos") == ("macos", this)


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [("win32", "AMD64", "windows"), ("linux", "x86_64", "linux"), ("darwin", "arm64", "macos")],
)
def test_without_a_name_it_is_this_machine(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, expected: str
) -> None:
    monkeypatch.setattr(wheels, "here", lambda: (system, machine))
    assert target_named("").name == expected
    assert target_named("3.12") == (expected, "3.12")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("amiga", r"no packages for 'amiga'\. Name one of PLATFORM=linux, .*or WHEELS=none"),
        ("windows-3.9", r"no packages for Python 3\.9\. Name one of PLATFORM=windows-3\.11, "),
        ("", r"no packages for 'sunos5 sun4v'\. Name one of PLATFORM=linux, "),
    ],
)
def test_a_platform_without_packages_is_refused_with_those_that_have_some(
    monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setattr(wheels, "here", lambda: ("sunos5", "sun4v"))
    with pytest.raises(SystemExit, match=said):
        target_named(name)


def test_pip_is_asked_for_built_packages_of_that_system_with_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(wheels, "WHEELS", tmp_path)

    def note(command: list[str]) -> subprocess.CompletedProcess[bytes]:
        asked.append(command)
        return subprocess.CompletedProcess(command, len(asked) // 3)

    monkeypatch.setattr(subprocess, "run", note)
    targets = [Target("windows", "3.11"), Target("windows", "3.13")]
    folders = [wheels.download(target, needed_on(target, pins(SMALL))) for target in targets]
    assert folders[0] != folders[1]
    for target, folder, command in zip(targets, folders, asked, strict=True):
        words = " ".join(command[1:])
        assert "pip download --quiet --no-deps --require-hashes --only-binary :all:" in words
        assert f"--python-version {target.python} --platform win_amd64 --dest {folder} " in words
        listed = Path(command[-1]).read_text(encoding="utf-8")
        assert listed == requirements(needed_on(target, pins(SMALL)))
    with pytest.raises(SystemExit, match="WHEELS=none"):
        wheels.download(targets[0], pins(SMALL))
