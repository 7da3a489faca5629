import re
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from packaging.requirements import Requirement

import lessonlib
import make
from lessonlib import recipes
from lessonlib.synthesis.samples import SAMPLES
from tests.conftest import LONGEST
from tools.check_python import problem
from tools.colab import PYTHONS
from tools.colab import REQUIREMENTS as COLAB

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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the package that pip installs."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(path).namelist())


def files_below(folder: str, pattern: str) -> set[str]:
    found = (path for path in (ROOT / folder).rglob(pattern) if path.is_file())
    return {path.relative_to(ROOT / folder).as_posix() for path in found}


def modules() -> set[str]:
    return files_below("src", "*.py") | {"lessonlib/py.typed"}


def test_the_wheel_carries_every_module_and_says_that_it_is_typed(wheel: set[str]) -> None:
    assert len(modules()) > 40
    assert modules() - wheel == set()


def scripts() -> set[str]:
    folder = "lessonlib/widgets/static"
    return {f"{folder}/{name}" for name in files_below(f"src/{folder}", "*")}


def test_the_wheel_carries_the_scripts_of_the_interactive_pieces(wheel: set[str]) -> None:
    assert {"lessonlib/widgets/static/base.js"} < scripts()
    assert scripts() - wheel == set()


def test_the_wheel_carries_every_network(wheel: set[str]) -> None:
    files = {f"lessonlib/data/weights/{name}.safetensors" for name in recipes.SHIPPED}
    assert files - wheel == set()


def test_the_wheel_carries_every_sample_check_and_the_labels(wheel: set[str]) -> None:
    images = files_below("data/checks", "*.png")
    assert len(images) == SAMPLES
    files = {f"lessonlib/data/checks/{name}" for name in images | {"labels.csv"}}
    assert files - wheel == set()


def test_the_wheel_carries_nothing_else_of_the_repository(wheel: set[str]) -> None:
    known = modules() | scripts() | {f"lessonlib/data/{name}" for name in files_below("data", "*")}
    assert {name for name in wheel - known if ".dist-info/" not in name} == set()


def test_the_lock_pins_every_dependency_with_hashes_and_names_no_host() -> None:
    lock = (ROOT / "requirements.txt").read_text()
    pins = [line for line in lock.splitlines() if line and line[0] not in " #"]
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
    assert "://" not in lock
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    groups.pop("nbgrader")  # it has a lock of its own: see tests/test_grade.py
    for need in [*project["project"]["dependencies"], *chain(*groups.values())]:
        name = need.split(">=")[0].split("[")[0]
        assert any(pin.startswith(f"{name}==") for pin in pins), f"make lock: {name} is missing"


def test_make_names_the_pythons_that_the_package_and_the_workflow_know() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pythons = make.PYTHONS
    assert project["requires-python"] == f">={pythons[0]}"
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    assert f'python: ["{pythons[0]}", "{pythons[-1]}"]' in workflow


def workflow_job(name: str) -> dict[str, Any]:
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    job: dict[str, Any] = yaml.safe_load(text)["jobs"][name]
    return job


def python_of(job: dict[str, Any]) -> str:
    (version,) = re.findall(r"'python-version': '([\d.]+)'", str(job["steps"]))
    return str(version)


def test_the_workflow_tries_the_oldest_python_with_the_oldest_packages() -> None:
    job = workflow_job("oldest")
    assert python_of(job) == make.PYTHONS[0]
    assert "--resolution lowest-direct --requirement pyproject.toml" in str(job["steps"])


def test_what_the_workflow_leaves_out_is_there() -> None:
    left_out = re.findall(r"(tests/\w+\.py)(?:::(\w+))?", str(workflow_job("oldest")["steps"]))
    assert left_out
    for path, test in left_out:
        assert f"def {test}" in (ROOT / path).read_text(encoding="utf-8")


def test_colab_has_every_package_that_the_course_needs_in_a_version_that_it_takes() -> None:
    pins = re.findall(r"^([\w-]+)==([\d.]+)$", COLAB.read_text(encoding="utf-8"), re.MULTILINE)
    colab = dict(pins)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for need in map(Requirement, project["dependencies"]):
        assert need.specifier.contains(colab[need.name]), need
    assert {"pip", "ipython", "ipykernel", "nbclient"} <= colab.keys()


def test_colab_s_list_names_its_source_and_its_date() -> None:
    source = " ".join(COLAB.read_text(encoding="utf-8").replace("\n#", "").split())
    assert re.search(r"googlecolab/backend-info, .* commit [0-9a-f]{40} of 20\d\d-", source)


def test_the_workflow_runs_the_notebooks_as_colab_does_on_colab_s_python() -> None:
    job = workflow_job("colab")
    assert python_of(job) == PYTHONS[0]
    assert set(PYTHONS) <= set(make.PYTHONS)
    assert {"run": "python -m tools.colab"} in job["steps"]


@pytest.mark.parametrize("version", ["3.11.0", "3.12.9", "3.14.2"])
def test_a_python_that_the_lock_has_packages_for_is_accepted(version: str) -> None:
    assert problem(("3.11", "3.12", "3.14"), version) == ""


@pytest.mark.parametrize("version", ["2.7.18", "3.1.4", "3.9.2", "3.13.1", "3.15.0", "4.0.0"])
def test_another_python_is_refused_with_the_versions_that_are_accepted(version: str) -> None:
    said = problem(("3.11", "3.12"), version)
    assert f"is {version}: name another: make PYTHON=python3.12" in said
    assert "Python 3.11 to 3.12" in said


def test_an_intel_mac_and_a_python_without_a_global_lock_are_refused() -> None:
    assert "Intel's Macs" in problem(("3.11",), "3.11.7", "Darwin x86_64")
    assert problem(("3.11",), "3.11.7", "Darwin arm64") == ""
    assert "PYTHON=python3.11" in problem(("3.11",), "3.11.7", free_threaded=True)


def test_on_windows_the_remedy_is_a_command_of_windows() -> None:
    said = problem(("3.11", "3.12"), "3.9.1", "Windows AMD64")
    assert "name another: py -3.12 make.py ..." in said


def test_the_package_puts_no_upper_bound_on_python_or_its_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not any("<" in need or "==" in need for need in project["dependencies"])
    assert "<" not in project["requires-python"]


def test_the_files_that_are_tested_first_are_there() -> None:
    paths = [*(ROOT / "tests").glob("test_*.py"), *(ROOT / "chapters").glob("*.ipynb")]
    assert set(LONGEST) <= {re.sub(r"^\d+-", "", path.stem) for path in paths}


def test_no_code_names_a_chapter_by_its_number() -> None:
    """A chapter moves when its file is renamed; its subject stays."""
    found = [
        f"{path.relative_to(ROOT)}: {' '.join(words.split())}"
        for folder in ("src", "tools", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for words in re.findall(r"[Cc]hapters?[\s#]+\d.{0,40}", path.read_text(encoding="utf-8"))
    ]
    assert found == []
