"""Files that are written whole or not at all, and only where a file may stand.

A file appears under its name when it is complete. Whatever stops the writing, an error or Ctrl-C,
leaves what was there before, and nothing beside it. A folder, a device, a pipe or a socket is
never replaced.
"""

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

UNWRITABLE = ("can't be written", "name another file or folder")
LONGEST_NAME = 200  # characters of a name in an error message; the rest is left out

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind_of(mode: int) -> str:
    """Name what a path is, from `os.stat`'s ``st_mode``; empty for a regular file.

    Examples
    --------
    >>> kind_of(os.stat("/").st_mode)
    'a folder'
    """
    return "" if stat.S_ISREG(mode) else KINDS.get(stat.S_IFMT(mode), "a special file")


@contextlib.contextmanager
def explained(path: str | os.PathLike[str], failure: str, remedy: str) -> Iterator[None]:
    """Name the file, the failure and the remedy where the system says only what went wrong.

    An error that the package raises itself says all of it already, and stays.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # ours
            raise
        reason = f"{_short(path)} {failure} ({error.strerror}): {remedy}"
        raise type(error)(reason) from error


def check_writable(path: str | os.PathLike[str], *, replace: bool = True) -> None:
    """Make sure that a file can be written: to be called before the work whose result it holds.

    Parameters
    ----------
    path : str or path-like
        A new file in an existing folder, or a regular file. Links are followed.
    replace : bool
        Whether a file that exists already may be replaced.

    Raises
    ------
    OSError
        When a file can't be written there: `IsADirectoryError`, `FileNotFoundError` (no such
        folder), `NotADirectoryError`, `PermissionError`, `FileExistsError` or another subclass.
    ValueError
        When the name is empty or can't be a file's.
    """
    target = _target(path, replace)
    trial = _unfinished(target)
    with explained(path, *UNWRITABLE), _removed_at_the_end(trial):
        trial.open("xb").close()


def write_whole(path: str | os.PathLike[str], data: bytes, *, replace: bool = True) -> None:
    """Write a file whole or not at all.

    A new file gets the usual permissions, a replaced one keeps its own. `path` and `replace` are
    as in `check_writable`.

    Raises
    ------
    OSError, ValueError
        As `check_writable` does, and when the writing itself fails. What was there before is
        left as it was.
    """
    target = _target(path, replace)
    unfinished = _unfinished(target)
    with explained(path, *UNWRITABLE), _removed_at_the_end(unfinished):
        with unfinished.open("xb") as file:
            file.write(data)
        if target.exists():
            shutil.copymode(target, unfinished)
        unfinished.replace(target)


def _target(path: str | os.PathLike[str], replace: bool) -> Path:
    """Follow links to the file that is to be written; say what is in its way, if anything."""
    name, short = os.fspath(path), _short(path)
    if not name:
        raise ValueError("the name of the file to write is empty: give it a name")
    if "\0" in name:
        raise ValueError(f"{short} has a NUL character in it: give a name without")
    if os.path.basename(name) in ("", ".", ".."):  # noqa: PTH119 (a Path drops the slash at its end)
        raise IsADirectoryError(f"{short} names a folder: add the name of a file")
    target = Path(os.path.realpath(name))
    with explained(path, *UNWRITABLE):
        try:
            kind = kind_of(Path(name).stat().st_mode)
        except FileNotFoundError:
            if target.parent.is_dir():
                return target
            raise FileNotFoundError(
                f"there is no folder {_short(target.parent)} to write {_short(target.name)} to: "
                "make it, or name another"
            ) from None
    if kind == "a folder":
        raise IsADirectoryError(f"{short} is a folder: give the name of a file")
    if kind:
        raise OSError(f"{short} is {kind}, which is never replaced: give the name of a file")
    if not replace:
        raise FileExistsError(f"{short} exists already: name another file, or add --force")
    if not os.access(target, os.W_OK):
        raise PermissionError(f"{short} may not be changed: make it writable, or name another file")
    return target


def _unfinished(target: Path) -> Path:
    """Name a file beside the target: short, nobody else's, and one step of renaming away."""
    return target.with_name(f".{secrets.token_hex(8)}.part")


@contextlib.contextmanager
def _removed_at_the_end(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _short(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
