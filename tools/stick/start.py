"""Install Reading Digits from this folder, without a network, and open its notebooks.

Usage: ``python start.py`` (opens JupyterLab, and installs before if need be), or
``python start.py install [FOLDER]`` (only installs; FOLDER is reading-digits in your home)

What is installed doesn't need this folder any more: it has a copy of what it needs, and of this
program. Old versions of Python run this file too, to be refused, so it must be valid for them.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path, PurePath

HERE = Path(__file__).resolve().parent
SCRIPTS = ("start.py", "start.sh", "start.command", "start.bat")
SYSTEMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}


def python_of(venv: PurePath, system: str = os.name) -> PurePath:
    """Return the path of a virtual environment's Python."""
    return venv / "Scripts" / "python.exe" if system == "nt" else venv / "bin" / "python"


def problem(kit: "dict[str, str]", wheels: Path, version: str, system: str) -> str:
    """Say why a kit can't be installed by this Python, and what to do; empty if it can.

    Parameters
    ----------
    kit
        The content of kit.json.
    wheels
        The folder of the packages.
    version
        Of this Python, with two numbers.
    system
        The operating system, as `sys.platform` names it.
    """
    if not any(wheels.glob("torch-*")):
        return "The folder wheels has no packages yet: README.md says how to get them."
    if kit["system"] not in ("", system):
        return "This kit's packages are for {}, and this is {}: take that system's kit.".format(
            SYSTEMS[kit["system"]], SYSTEMS.get(system, system)
        )
    if kit["python"] not in ("", version):
        return (
            f"This kit's packages are for Python {kit['python']}, and {sys.executable} is "
            f"{version}: install that Python, or take the kit for yours."
        )
    return ""


def run(*words: object) -> None:
    """Run a command; if it fails, end with its exit status."""
    done = subprocess.run([str(word) for word in words])
    if done.returncode != 0:
        sys.exit(done.returncode)


def keep(source: str, target: str) -> str:
    """Copy a file where there is none: a student's work stays."""
    return target if os.path.exists(target) else shutil.copyfile(source, target)  # noqa: PTH110


def copy_to(folder: Path) -> None:
    """Copy the book, MNIST and this program anew, and those notebooks that aren't there."""
    for name in ("book", "mnist"):
        if (HERE / name).is_dir():
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(HERE / name, folder / name, copy_function=shutil.copyfile)
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    for path in sorted((HERE / "notebooks").iterdir()):
        keep(str(path), str(folder / "notebooks" / path.name))
    for name in SCRIPTS:
        shutil.copyfile(HERE / name, folder / name)
        (folder / name).chmod(0o755)


def install(folder: Path) -> None:
    """Install into a folder, unless this kit has been installed there."""
    kit = json.loads((HERE / "kit.json").read_text(encoding="utf-8"))
    ready = folder / ".venv" / ".ready"
    if ready.is_file() and ready.read_text(encoding="utf-8") == kit["version"]:
        return
    wheels = HERE / "wheels"
    reason = problem(kit, wheels, "{}.{}".format(*sys.version_info), sys.platform)
    if reason:
        sys.exit(reason)
    print(f"Installing into {folder} (some minutes, once) ...", flush=True)
    copy_to(folder)
    run(sys.executable, "-m", "venv", "--clear", folder / ".venv")
    pip = (python_of(folder / ".venv"), "-m", "pip", "--disable-pip-version-check", "install")
    offline = ("--quiet", "--no-index", "--find-links", wheels)
    run(*pip, *offline, "--require-hashes", "--requirement", HERE / "requirements.txt")
    run(*pip, *offline, "--no-deps", *wheels.glob("lessonlib-*"))
    ready.write_text(kit["version"], encoding="utf-8")


def open_notebooks(folder: Path) -> None:
    """Open JupyterLab; the network reads MNIST from the folder, if it came with it."""
    if (folder / "mnist").is_dir():
        os.environ["LESSONLIB_MNIST_ROOT"] = str(folder / "mnist")
    os.chdir(folder)
    run(python_of(folder / ".venv"), "-m", "jupyterlab", "--LabApp.default_url=/lab/tree/notebooks")


def main(words: "list[str]") -> None:
    """Install if this is the kit, and open the notebooks unless only "install" is asked."""
    if words and words[0] != "install":
        sys.exit(f"There is no command {words[0]!r}: write `start.py` or `start.py install`.")
    folder = HERE
    if (HERE / "kit.json").is_file():
        folder = Path(words[1]).resolve() if len(words) > 1 else Path.home() / "reading-digits"
        install(folder)
    if words:
        print(f"Reading Digits is in {folder}: start.bat or start.sh there opens the notebooks.")
    else:
        open_notebooks(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
