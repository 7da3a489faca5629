import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import lessonlib

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


def test_the_package_puts_no_upper_bound_on_python_or_its_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not any("<" in need or "==" in need for need in project["dependencies"])
    assert "<" not in project["requires-python"]
