"""Set the address of the course's repository, wherever it is written.

Usage: ``python -m tools.repo https://github.com/OWNER/NAME`` (``make repo URL=...``)

The address stands in pyproject.toml, under `project.urls`, with that of the published book. The
set-up cells, badges, settings and texts repeat it, and so does the folder that `git clone` makes.
Outputs of notebooks stay as they are: `make run` writes them anew, with links to the new book. It
runs without .venv.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools.set_up import ROOT, address, edit_sources

ADDRESS = re.compile(r"https://github\.com/([\w-]+)/([\w.-]+?)(?:\.git)?/?")


def owner_and_name(url: str) -> tuple[str, str]:
    """Split a repository's address.

    Examples
    --------
    >>> owner_and_name("https://github.com/someone/a-course.git")
    ('someone', 'a-course')
    """
    found = ADDRESS.fullmatch(url)
    if not found:
        raise ValueError(
            f"{url!r} is no address of a repository: write https://github.com/OWNER/NAME "
            "(Colab opens notebooks from GitHub alone)"
        )
    return found[1], found[2]


def book_address(url: str) -> str:
    """Return where GitHub Pages publishes a repository's book.

    Examples
    --------
    >>> book_address("https://github.com/someone/a-course")
    'https://someone.github.io/a-course'
    """
    owner, name = owner_and_name(url)
    site = f"{owner.lower()}.github.io"
    return f"https://{site}" if name.lower() == site else f"https://{site}/{name}"


def replacer(old: str, new: str) -> Callable[[str], str]:
    """Return a function that replaces one repository's address in a text by another's."""
    (old_owner, old_name), (owner, name) = owner_and_name(old), owner_and_name(new)
    whole = r"(?![\w-])"  # "a-course" isn't the beginning of "a-course-2"
    patterns = {
        rf"(git clone \S+\ncd ){re.escape(old_name)}{whole}": name,
        rf"((?:github\.com|/github)/){re.escape(f'{old_owner}/{old_name}')}{whole}": (
            f"{owner}/{name}"
        ),
        rf"(){re.escape(book_address(old))}{whole}": book_address(new),
    }

    def replace(text: str) -> str:
        for pattern, words in patterns.items():
            text = re.sub(pattern, rf"\g<1>{words}", text)
        return text

    return replace


def move(root: Path, new: str) -> list[str]:
    """Replace the repository's address in all text files that git knows; name those files."""
    old = address(root)
    replace = replacer(old, new)
    parts = ["/".join(owner_and_name(old)), book_address(old)]
    command = ["git", "grep", "-I", "--name-only", "--fixed-strings", "-z"]
    command += [word for part in parts for word in ("-e", part)]
    found = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True)
    changed = []
    for name in filter(None, found.stdout.split("\0")):
        path = root / name
        before = path.read_bytes()
        if path.suffix == ".ipynb":
            edit_sources(path, replace)
        else:
            path.write_bytes(replace(before.decode()).encode())
        if path.read_bytes() != before:
            changed.append(name)
    return changed


def main(words: list[str]) -> None:
    """Set the address given on the command line, or say what is wrong with it."""
    if len(words) != 1 or not words[0]:
        sys.exit("Name the address: make repo URL=https://github.com/OWNER/NAME")
    try:
        changed = move(ROOT, words[0])
    except ValueError as error:
        sys.exit(str(error))
    print("\n".join(changed))
    print(f"{len(changed)} files changed: the repository is {address()}")


if __name__ == "__main__":
    main(sys.argv[1:])
