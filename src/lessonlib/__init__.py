"""The tested helpers of the course Reading Digits, one module per chapter's subject.

Importing the package loads nothing heavy: torch and OpenCV come in with the module
that needs them.
"""

from pathlib import Path

__version__ = "0.10.0"

PACKAGE = Path(__file__).resolve().parent


def data_path(*parts: str) -> Path:
    """Find a file or folder that ships with the course, by its path below ``data/``.

    It lies in the installed package, or in the repository where the course runs from a clone. Where
    neither has it, a FileNotFoundError says so.

    Examples
    --------
    >>> data_path("checks", "labels.csv").name
    'labels.csv'
    """
    for root in (PACKAGE / "data", PACKAGE.parents[1] / "data"):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(
        f"{'/'.join(parts)!r} is not among the files of lessonlib. "
        "Reinstall the package, or run from a complete clone of the repository."
    )
