"""Refuse a Python for which the lock has no packages, before anything is installed.

make.py calls it, with the versions that it allows.

Old versions of Python run this file too, so it must be valid for them.
"""

import platform
import sys
import sysconfig


def problem(
    allowed: "tuple[str, ...]", version: str, system: str = "", free_threaded: bool = False
) -> str:
    """Say why a Python can't be used, and what to do.

    Parameters
    ----------
    allowed : tuple of str
        Versions with two numbers, from the oldest to the newest.
    version : str
        The version of this Python, with three numbers.
    system : str
        The operating system and the processor, as "Darwin arm64".
    free_threaded : bool
        Whether this Python was built without its global lock.

    Returns
    -------
    str
        One line; empty if this Python can be used.
    """
    windows = system.startswith("Windows")
    command = f"py -{allowed[-1]} make.py" if windows else f"make PYTHON=python{allowed[-1]}"
    remedy = f"name another: {command} ..."
    if system == "Darwin x86_64":
        return (
            f"PyTorch has no packages for Intel's Macs, and {sys.executable} is built for one: "
            "on a Mac with an Apple processor, name a Python that is built for it"
        )
    if ".".join(version.split(".")[:2]) not in allowed:
        return (
            f"Reading Digits needs Python {allowed[0]} to {allowed[-1]}: its locked packages are "
            f"built for these. {sys.executable} is {version}: {remedy}"
        )
    if free_threaded:
        return (
            f"{sys.executable} is built without the global lock, and the lock has no packages for "
            f"it: {remedy}"
        )
    return ""


def refuse_others(allowed: "tuple[str, ...]") -> None:
    """End the program, and say why, if the Python that runs it can't be used."""
    reason = problem(
        allowed,
        platform.python_version(),
        f"{platform.system()} {platform.machine()}",
        bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    )
    if reason:
        sys.exit(reason)
