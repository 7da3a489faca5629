"""The tested helpers of the course Reading Digits, one module per chapter's subject.

Importing the package loads nothing heavy: torch and OpenCV come in with the module
that needs them.
"""

from pathlib import Path

__version__ = "0.6.0"

PACKAGE = Path(__file__).resolve().parent


def data_path(*parts: str) -> Path:
    """Find a file or folder that ships with the course.

    Parameters
    ----------
    *parts : str
        The path below ``data/``, for example ``"checks", "labels.csv"``.

    Returns
    -------
    Path
        Inside the installed package, or in the repository's ``data/`` when the course
        is run from a clone.

    Raises
    ------
    FileNotFoundError
        When neither place has it.
    """
    for root in (PACKAGE / "data", PACKAGE.parents[1] / "data"):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(
        f"{'/'.join(parts)!r} is not among the files of lessonlib. "
        "Reinstall the package, or run from a complete clone of the repository."
    )
