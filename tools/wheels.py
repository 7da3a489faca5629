"""Choose and download the packages that the course needs on a system, those of the lock."""

import hashlib
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from packaging.markers import Marker

import make
from lessonlib.files import write_whole

WHEELS = Path(__file__).resolve().parents[1] / "_build" / "wheels"
LAB = "jupyterlab"  # what opens the notebooks; the package doesn't need it

# In the lock: a package's version, where it is needed, its hashes, and which packages need it.
PIN = re.compile(r"^([\w.-]+)==(\S+?)(?: ; (.+?))? \\\n((?:    --hash.*\n)+)((?:    #.*\n)+)", re.M)
VIA = re.compile(r"^    #(?: via)? +(\S.*)$", re.MULTILINE)


class Pin(NamedTuple):
    """A package of the lock."""

    name: str
    version: str
    marker: str
    """Where it is needed, such as "sys_platform == 'win32'"; empty for everywhere."""
    hashes: str
    """The lines with its hashes."""
    via: frozenset[str]
    """The packages that need it."""


class Platform(NamedTuple):
    """A system that packages are built for."""

    title: str
    system: str
    """As `sys.platform` names it."""
    machine: str
    tags: tuple[str, ...]
    """Of wheels that run there, as pip names them."""


def _glibc(machine: str) -> tuple[str, ...]:
    """Name the wheels for Linux with glibc 2.28 (2018) or newer, which PyTorch needs, too."""
    names = (f"manylinux_2_{minor}_{machine}" for minor in range(28, 4, -1))
    return (*names, f"manylinux2014_{machine}")  # the older names, for pip, of 2.17 and below


PLATFORMS = {
    "linux": Platform("Linux", "linux", "x86_64", _glibc("x86_64")),
    "linux-arm": Platform("Linux (ARM)", "linux", "aarch64", _glibc("aarch64")),
    "macos": Platform("macOS", "darwin", "arm64", ("macosx_14_0_arm64",)),
    "windows": Platform("Windows", "win32", "AMD64", ("win_amd64",)),
}


class Target(NamedTuple):
    """What a kit's packages are for."""

    name: str
    """A key of `PLATFORMS`."""
    python: str
    """A version with two numbers."""


def here() -> tuple[str, str]:
    """Name this machine's system and processor as `PLATFORMS` does."""
    return sys.platform, platform.machine()


def target_named(name: str) -> Target:
    """Read "windows-3.13", "windows" (with this Python's version), or "" (this machine).

    What the lock has no packages for ends the program, with a list of what there is.
    """
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = re.fullmatch(r"(.*?)-?(\d+\.\d+)?", name)
    system, python = (found[1], found[2] or this) if found else (name, this)
    if system == "":
        names = {(p.system, p.machine): name for name, p in PLATFORMS.items()}
        system = names.get(here(), " ".join(here()))
    if system not in PLATFORMS:
        choice = ", ".join(f"PLATFORM={name}" for name in PLATFORMS)
        sys.exit(f"There are no packages for {system!r}. Name one of {choice}, or WHEELS=none.")
    if python not in make.PYTHONS:
        choice = ", ".join(f"PLATFORM={system}-{version}" for version in make.PYTHONS)
        sys.exit(f"The lock has no packages for Python {python}. Name one of {choice}.")
    return Target(system, python)


def pins(lock: str, ours: str = "lessonlib (pyproject.toml)") -> list[Pin]:
    """List those packages of a lock that lessonlib and JupyterLab need, in the lock's order."""
    every = [
        Pin(name, version, marker, hashes, frozenset(VIA.findall(via)))
        for name, version, marker, hashes, via in PIN.findall(lock)
    ]
    needed = {pin.name for pin in every if ours in pin.via} | {LAB}
    while more := {pin.name for pin in every if pin.via & needed} - needed:
        needed |= more
    return [pin for pin in every if pin.name in needed]


def requirements(of: Iterable[Pin]) -> str:
    """Write packages as pip's requirements, with markers and hashes."""
    return "".join(
        f"{pin.name}=={pin.version}{f' ; {pin.marker}' if pin.marker else ''} \\\n{pin.hashes}"
        for pin in of
    )


def needed_on(target: Target, of: Iterable[Pin]) -> list[Pin]:
    """Choose the packages that a system with a version of Python needs; they lose their markers."""
    system = PLATFORMS[target.name].system
    there = {
        "sys_platform": system,
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
        "platform_machine": PLATFORMS[target.name].machine,
        "os_name": "nt" if system == "win32" else "posix",
        "python_version": target.python,
        "python_full_version": f"{target.python}.0",  # what it needs runs on later ones, too
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    needed = [pin for pin in of if not pin.marker or Marker(pin.marker).evaluate(there)]
    return [pin._replace(marker="") for pin in needed]


def download(target: Target, of: Iterable[Pin]) -> Path:
    """Download packages for a system, or take those of an earlier call; return their folder."""
    text = requirements(of)
    key = hashlib.sha256(text.encode()).hexdigest()[:8]
    folder = WHEELS / f"{target.name}-{target.python}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder.with_name(f"{folder.name}.txt")
    write_whole(listed, text.encode())
    print(f"The packages for {target.name}, Python {target.python}, go to {folder} ...", flush=True)
    tags = [word for tag in PLATFORMS[target.name].tags for word in ("--platform", tag)]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
        "--only-binary", ":all:", "--implementation", "cp", "--python-version", target.python,
        *tags, "--dest", str(folder), "--requirement", str(listed),
    ]  # fmt: skip
    if subprocess.run(command).returncode != 0:
        sys.exit(
            "pip, above, says why the packages could not be downloaded. WHEELS=none does without."
        )
    return folder
