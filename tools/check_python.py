"""Refuse a Python for which the lock has no packages, before anything is installed.

Usage: ``PYTHON tools/check_python.py 3.11 3.12 ...`` (the Makefile, with the versions it allows)

Old versions of Python run this file too, so it must be valid for them.
"""

import platform
import sys
import sysconfig


def problem(
    allowed: "list[str]", version: str, system: str = "", free_threaded: bool = False
) -> str:
    """Say why a Python can't be used, and what to do.

    Parameters
    ----------
    allowed : list of str
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
    remedy = f"name another: make PYTHON=python{allowed[-1]} ..."
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


if __name__ == "__main__":
    sys.exit(
        problem(
            sys.argv[1:],
            platform.python_version(),
            f"{platform.system()} {platform.machine()}",
            bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        )
        or 0
    )
