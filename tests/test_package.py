import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import lessonlib
from tools.check_python import problem

ROOT = Path(__file__).resolve().parents[1]


def test_importing_lessonlib_loads_neither_torch_nor_opencv_nor_numpy() -> None:
    code = (
        "import sys, lessonlib; print({'torch', 'cv2', 'numpy', 'matplotlib'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


def test_the_version_is_one_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert lessonlib.__version__ == project["version"]
    assert f"version: {lessonlib.__version__}" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {lessonlib.__version__}\n" in (ROOT / "CHANGELOG.md").read_text()


def test_data_path_names_what_is_missing() -> None:
    with pytest.raises(FileNotFoundError, match="no/such"):
        lessonlib.data_path("no", "such")


def test_the_wheel_carries_the_weights_and_the_sample_checks(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("mlp", "reader-mlp", "reader-cnn"):
        assert f"lessonlib/data/weights/{name}.safetensors" in names
    assert "lessonlib/data/checks/labels.csv" in names
    assert "lessonlib/checks/__init__.py" in names
    assert not [n for n in names if n.startswith(("tests/", "data/", "chapters/"))]


def test_the_lock_pins_every_dependency_with_hashes_and_names_no_host() -> None:
    lock = (ROOT / "requirements.txt").read_text()
    pins = [line for line in lock.splitlines() if line and line[0] not in " #"]
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
    assert "://" not in lock
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    for need in project["project"]["dependencies"] + groups["book"] + groups["test"]:
        name = need.split(">=")[0]
        assert any(pin.startswith(f"{name}==") for pin in pins), f"make lock: {name} is missing"


def allowed_pythons() -> list[str]:
    found = re.search(r"^PYTHONS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found
    return found[1].split()


def test_the_makefile_names_the_pythons_that_the_lock_and_the_workflow_know() -> None:
    pythons = allowed_pythons()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={pythons[0]}"
    assert f"--python-version {pythons[0]} " in (ROOT / "Makefile").read_text()
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    assert f'python: ["{pythons[0]}", "{pythons[-1]}"]' in workflow


@pytest.mark.parametrize("version", ["3.11.0", "3.12.9", "3.14.2"])
def test_a_python_that_the_lock_has_packages_for_is_accepted(version: str) -> None:
    assert problem(["3.11", "3.12", "3.14"], version) == ""


@pytest.mark.parametrize("version", ["2.7.18", "3.1.4", "3.9.2", "3.13.1", "3.15.0", "4.0.0"])
def test_another_python_is_refused_with_the_versions_that_are_accepted(version: str) -> None:
    said = problem(["3.11", "3.12"], version)
    assert f"is {version}: name another: make PYTHON=python3.12" in said
    assert "Python 3.11 to 3.12" in said


def test_an_intel_mac_and_a_python_without_a_global_lock_are_refused() -> None:
    assert "Intel's Macs" in problem(["3.11"], "3.11.7", "Darwin x86_64")
    assert problem(["3.11"], "3.11.7", "Darwin arm64") == ""
    assert "PYTHON=python3.11" in problem(["3.11"], "3.11.7", free_threaded=True)


def test_make_refuses_a_newer_python_before_it_makes_anything(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "tools/check_python.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    pretended = tmp_path / "python"
    code = (
        "import platform, runpy, sys; platform.python_version = lambda: '3.99.1'; "
        "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    pretended.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
    pretended.chmod(0o755)
    command = ["make", "book", f"PYTHON={pretended}"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    line, *rest = result.stderr.splitlines()
    assert f"needs Python 3.11 to {allowed_pythons()[-1]}:" in line
    assert "is 3.99.1: name another" in line
    assert all(line.startswith("make") for line in rest)
    assert not (tmp_path / ".venv").exists()


def test_the_package_puts_no_upper_bound_on_python_or_its_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not any("<" in need or "==" in need for need in project["dependencies"])
    assert "<" not in project["requires-python"]
