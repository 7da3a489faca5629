"""Install Reading Digits from this folder, without a network, and open its notebooks.

Usage: ``python start.py`` (opens JupyterLab, and installs before if need be), or
``python start.py install [FOLDER]`` (only installs; FOLDER is reading-digits in your home)

What is installed doesn't need this folder any more: it has a copy of what it needs, and of this
program. Old versions of Python run this file too, to be refused, so it must be valid for them.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path, PurePath
from typing import Any

HERE = Path(__file__).resolve().parent
SCRIPTS = ("start.py", "start.sh", "start.command", "start.bat")
SYSTEMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}
SPARE = 1.1  # Python's compiled files came to 5 % of what is unpacked, blocks of the disk to 2 %
# JupyterLab asks each student whether to get news, which no network brings.
SILENCE = {"fetchNews": "false", "checkForUpdates": False}
QUIET = {"@jupyterlab/apputils-extension:notification": SILENCE}
BOOK = "/static"  # where JupyterLab serves the book; the notebooks link to it
AGAIN = "copy or unpack the kit anew, then start again."


def python_of(venv: PurePath, system: str = os.name) -> PurePath:
    """Return the path of a virtual environment's Python."""
    return venv / "Scripts" / "python.exe" if system == "nt" else venv / "bin" / "python"


def problem(kit: "dict[str, Any]", wheels: Path, version: str, system: str) -> str:
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
    if kit["system"] not in ("", system):
        return "This kit's packages are for {}, and this is {}: take that system's kit.".format(
            SYSTEMS[kit["system"]], SYSTEMS.get(system, system)
        )
    if kit["python"] not in ("", version):
        return (
            f"This kit's packages are for Python {kit['python']}, and {sys.executable} is "
            f"{version}: install that Python, or take the kit for yours."
        )
    for name, size in kit["wheels"].items():
        if not (wheels / name).is_file() or (wheels / name).stat().st_size != size:
            return f"The kit isn't whole, wheels/{name} is missing or cut short: {AGAIN}"
    if not any(wheels.glob("torch-*")):
        return "The folder wheels has no packages yet: README.md says how to get them."
    return ""


def refusal(kit: "dict[str, Any]", folder: Path) -> str:
    """Say why a kit can't be installed into a folder, and what to do; empty if it can."""
    if folder == HERE:
        return f"{folder} is the kit itself: name another folder, `start.py install FOLDER`."
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        return f"{there} is a file: name a folder."
    needed = kit["unpacked"] * SPARE
    free = shutil.disk_usage(str(there)).free
    if free < needed and not (folder / ".venv").exists():  # else the old one makes room
        return (
            f"{folder} needs {needed / 1e9:.1f} GB, and its disk has {free / 1e9:.1f} GB left: "
            "make room, or name a folder of another disk, `start.py install FOLDER`."
        )
    return ""


def run(*words: object, remedy: str = "") -> None:
    """Run a command; if it fails, end with a remedy, or with its exit status."""
    done = subprocess.run([str(word) for word in words])
    if done.returncode != 0:
        sys.exit(remedy or done.returncode)


def keep(source: str, target: str) -> str:
    """Copy a file where there is none: a student's work stays."""
    return target if os.path.exists(target) else shutil.copyfile(source, target)  # noqa: PTH110


def copy_to(folder: Path) -> None:
    """Copy the book, MNIST and this program anew, and those notebooks that aren't there."""
    for name in ("book", "mnist"):
        if (HERE / name).is_dir():
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(HERE / name, folder / name, copy_function=shutil.copyfile)
    keep_notebooks(folder)
    for name in SCRIPTS:
        shutil.copyfile(HERE / name, folder / name)
        (folder / name).chmod(0o755)


def keep_notebooks(folder: Path) -> None:
    """Copy those notebooks that aren't there."""
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    if not (HERE / "notebooks").is_dir():
        sys.exit(f"The kit isn't whole, the folder notebooks is missing: {AGAIN}")
    for path in sorted((HERE / "notebooks").iterdir()):
        keep(str(path), str(folder / "notebooks" / path.name))


def install(folder: Path) -> None:
    """Install into a folder; where this kit has been installed, copy only missing notebooks."""
    kit = json.loads((HERE / "kit.json").read_text(encoding="utf-8"))
    if is_installed(folder, kit["version"]):
        keep_notebooks(folder)
        return
    version = "{}.{}".format(*sys.version_info)
    reason = problem(kit, HERE / "wheels", version, sys.platform) or refusal(kit, folder)
    if reason:
        sys.exit(reason)
    print(f"Installing into {folder} (some minutes, once) ...", flush=True)
    try:
        copy_to(folder)
    except OSError as error:  # copytree's is a list of all files
        said = str(error)[:300]
        sys.exit(f"The copy to {folder} failed: {said}\nWhere a file is missing, {AGAIN}")
    install_packages(folder / ".venv", HERE / "wheels")
    (folder / ".venv" / ".ready").write_text(kit["version"], encoding="utf-8")


def is_installed(folder: Path, version: str) -> bool:
    """Say whether a version of the kit is in a folder, and its Python is still there."""
    ready = folder / ".venv" / ".ready"
    there = ready.is_file() and ready.read_text(encoding="utf-8") == version
    return there and Path(python_of(folder / ".venv")).exists()


def install_packages(venv: Path, wheels: Path) -> None:
    """Make a virtual environment with the packages; this machine's settings of pip don't count."""
    closed = "Python made no environment, and says above why. Close open notebooks, then try again."
    run(sys.executable, "-m", "venv", "--clear", venv, remedy=closed)
    pip = (python_of(venv), "-m", "pip", "--isolated", "--disable-pip-version-check", "install")
    offline = ("--quiet", "--no-index", "--find-links", wheels)
    remedy = (
        f"The packages couldn't be installed; pip says above why. If one isn't found, this Python, "
        f"for {sysconfig.get_platform()}, isn't the one the kit is for: README.md says which is. "
        f"If a hash differs, a file is damaged: {AGAIN}"
    )
    needed = ("--require-hashes", "--requirement", HERE / "requirements.txt")
    run(*pip, *offline, *needed, remedy=remedy)
    run(*pip, *offline, "--no-deps", *wheels.glob("lessonlib-*"), remedy=remedy)
    settings = venv / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(QUIET), encoding="utf-8")


def open_notebooks(folder: Path) -> None:
    """Open JupyterLab; what runs in it finds the book, and MNIST if it came with the kit."""
    python = python_of(folder / ".venv")
    if not Path(python).exists():
        sys.exit(f"{python} is missing: install from the kit again, the notebooks will stay.")
    if (folder / "mnist").is_dir():
        os.environ["LESSONLIB_MNIST_ROOT"] = str(folder / "mnist")
    os.environ["LESSONLIB_BOOK"] = BOOK
    os.chdir(str(folder))
    print(f"The book, with formulas and pictures: {folder / 'book' / 'index.html'}", flush=True)
    # Control-C is for JupyterLab, which asks, and saves; this program waits for its end.
    signal.signal(signal.SIGINT, lambda *_: None)
    lab = (python, "-m", "jupyterlab", "--LabApp.default_url=/lab/tree/notebooks")
    run(*lab, f"--ServerApp.extra_static_paths={folder / 'book'}")


def main(words: "list[str]") -> None:
    """Install if this is the kit, and open the notebooks unless only "install" is asked."""
    if words and words[0] != "install":
        sys.exit(f"There is no command {words[0]!r}: write `start.py` or `start.py install`.")
    if len(words) > 2:
        sys.exit(f"{len(words) - 1} folders are named: write one, in quotes if it has spaces.")
    folder = HERE
    if (HERE / "kit.json").is_file():
        folder = Path(words[1]) if len(words) > 1 else Path.home() / "reading-digits"
        folder = folder.expanduser().resolve()
        install(folder)
    if words:
        print(f"Reading Digits is in {folder}: start.bat or start.sh there opens the notebooks.")
    else:
        open_notebooks(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
