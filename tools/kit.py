"""Write the kit for a room without internet: a folder for a USB stick, and a zip of it.

Usage: ``make kit [PLATFORM=windows-3.13] [WHEELS=none]`` (builds the book, then ``python -m
tools.kit``)

It goes to _build/kit/: the built book, its PDF where there is Chromium, the student notebooks,
MNIST where it is at hand, the packages for one system and one Python (this one's unless PLATFORM
names others), and programs that install all of it. The packages are those of the lock that the
course's own needs, with the lock's hashes. WHEELS=none leaves them out; README.md then says how to
get them.

``PLATFORM=windows-3.13 .venv/bin/python -m tools.kit record`` also notes the kit's size in
chapters/kits.csv, to which a test holds the page for instructors.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

import make
from lessonlib import digits
from lessonlib.files import write_whole
from tools import labs, pdf, records
from tools.notebooks import CHAPTERS, store
from tools.stick.start import BOOK as BOOK_SERVED
from tools.wheels import PLATFORMS, Target, download, needed_on, pins, requirements, target_named

ROOT = Path(__file__).resolve().parents[1]
BOOK = pdf.BOOK
KIT = ROOT / "_build" / "kit" / "reading-digits-kit"
STICK = ROOT / "tools" / "stick"
SIZES = CHAPTERS / "kits.csv"

SMALL = 0.1  # MB: what is smaller isn't listed
WITH_WHEELS = (
    "The packages are for {system} and Python {python}. Other machines need a kit of their own."
)
WITHOUT_WHEELS = """\
**The packages are still missing.** On a connected machine with the same system, processor and
Python as those of the room, in this folder, before anything else:

```
python3 -m pip download --only-binary :all: --dest wheels --require-hashes -r requirements.txt
```

(Windows: `py -m pip`.) On Linux these are 3 GB, elsewhere less than 1 GB: PyTorch, mostly."""
WITH_MNIST = "MNIST is in `mnist`; the notebooks find it there."
WITHOUT_MNIST = (
    "MNIST isn't here: the notebooks download it, or use the 1,797 digits that come with "
    "scikit-learn, and say so."
)


def write(folder: Path, target: Target | None) -> Path:
    """Write the kit into a folder, with packages for a target or without; return its zip's path.

    The folder is replaced as a whole, or left as it is if anything fails.
    """
    if not (BOOK / "index.html").is_file():
        sys.exit("The book isn't built: run `make kit`, which builds it.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".kit-") as scratch:
        new = Path(scratch, folder.name)
        new.mkdir()
        shutil.copytree(BOOK, new / "book")  # the PDF is in it
        add_notebooks(new / "notebooks")
        add_mnist(new / "mnist" / "MNIST" / "raw")
        add_packages(new, target)
        add_programs(new, target)
        shutil.copy(ROOT / "LICENSE", new)
        write_whole(new / "README.md", readme(new, target).encode())
        labs.pack(new, Path(scratch, f"{folder.name}.zip"))
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        new.rename(folder)
        return Path(scratch, f"{folder.name}.zip").replace(folder.with_suffix(".zip"))


def add_notebooks(folder: Path) -> None:
    """Write the student notebooks; their links to the book lead to its copy.

    start.py has JupyterLab serve that copy. A relative link would open in JupyterLab's own view of
    a page, which loads no styles and runs no scripts.
    """
    folder.mkdir()
    for name, lab in labs.student_notebooks(BOOK_SERVED).items():
        store(lab, folder / name)


def add_mnist(folder: Path) -> None:
    """Copy MNIST's files, where this machine has them; nothing is downloaded."""
    root = None if digits.will_download() else digits.find_mnist()
    if root is not None:
        folder.mkdir(parents=True)
        for name in digits.SHA256:
            shutil.copyfile(root / "MNIST" / "raw" / name, folder / name)


def add_packages(kit: Path, target: Target | None) -> None:
    """Add lessonlib's package, the requirements, and the packages that they name for the target."""
    needed = pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    (kit / "wheels").mkdir()
    build_package(kit / "wheels")
    if target:
        needed = needed_on(target, needed)
        for path in download(target, needed).iterdir():
            link_or_copy(path, kit / "wheels" / path.name)
    write_whole(kit / "requirements.txt", requirements(needed).encode())


def build_package(folder: Path) -> None:
    """Build lessonlib's wheel into a folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, which takes no space; copy it where that can't be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def add_programs(kit: Path, target: Target | None) -> None:
    """Add the programs that install and open the notebooks, and what they have to know."""
    python = target.python if target else ""
    system = PLATFORMS[target.name].system if target else ""
    facts = {
        "version": version(),
        "system": system,
        "python": python,
        "unpacked": unpacked(kit),
        "wheels": {path.name: size(path) for path in sorted((kit / "wheels").iterdir())},
    }
    write_whole(kit / "kit.json", json.dumps(facts, indent=1).encode())
    shutil.copyfile(STICK / "start.py", kit / "start.py")
    for name in ("start.sh", "start.bat"):
        text = (STICK / name).read_text(encoding="utf-8").replace("@PYTHON@", python or "3")
        end = "\r\n" if name == "start.bat" else "\n"  # what cmd.exe expects
        write_whole(kit / name, text.replace("\n", end).encode())
    shutil.copyfile(kit / "start.sh", kit / "start.command")  # macOS opens it by a double click
    for name in ("start.sh", "start.command"):
        (kit / name).chmod(0o755)


def version() -> str:
    """Return the course's version."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def readme(kit: Path, target: Target | None) -> str:
    """Write how to start with the kit that lies in a folder."""
    python = target.python if target else f"{make.PYTHONS[0]} to {make.PYTHONS[-1]}"
    wheels = WITHOUT_WHEELS
    if target:
        wheels = WITH_WHEELS.format(system=PLATFORMS[target.name].title, python=python)
    text = (STICK / "README.md").read_text(encoding="utf-8")
    return text.format(
        pdf=f" To print: `book/{pdf.PDF.name}`." if (kit / "book" / pdf.PDF.name).is_file() else "",
        python=python,
        installed=f"{unpacked(kit) / 1e9:.1f} GB" if target else "1 to 6 GB",
        wheels=wheels,
        mnist=WITH_MNIST if (kit / "mnist").is_dir() else WITHOUT_MNIST,
        sizes="\n".join(f"| `{name}` | {size:,.1f} |" for name, size in sizes(kit).items()),
        version=version(),
    )


def unpacked(kit: Path) -> int:
    """Add up the bytes that a kit takes where it is installed."""
    copied = sum(size(kit / name) for name in ("book", "mnist", "notebooks"))
    for wheel in (kit / "wheels").iterdir():
        with zipfile.ZipFile(wheel) as packed:
            copied += sum(entry.file_size for entry in packed.infolist())
    return copied


def sizes(kit: Path) -> dict[str, float]:
    """Measure what lies in a folder, in MB; small files are left out."""
    every = {path.name: size(path) / 1e6 for path in sorted(kit.iterdir())}
    return {name: megabytes for name, megabytes in every.items() if megabytes >= SMALL}


def size(path: Path) -> int:
    """Add up a file's or a folder's bytes."""
    files = [path, *path.rglob("*")]
    return sum(file.stat().st_size for file in files if file.is_file())


def make_pdf() -> None:
    """Print the book as a PDF among its pages; without Chromium, say that there will be none."""
    if pdf.CHROMIUM:
        pdf.main()
    else:
        print("There is no Chromium on this machine to print the PDF: the kit has none.")


def record(kit: Path, target: Target | None, table: Path = SIZES) -> None:
    """Write a kit's size into the table, and what it takes where it is installed."""
    row = {
        "Kit": f"{target.name}-{target.python}" if target else "none",
        "GB": f"{size(kit) / 1e9:.3f}",
        "Installed in GB": f"{unpacked(kit) / 1e9:.3f}" if target else "",
        "Date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    records.record(table, row, order=str)


def main(words: list[str]) -> None:
    """Write the kit, say where it is and how large, and note it where that is asked for."""
    wanted = os.environ.get("WHEELS", "")
    if wanted not in ("", "none"):
        sys.exit(f"WHEELS={wanted} isn't known: WHEELS=none leaves the packages out.")
    target = None if wanted == "none" else target_named(os.environ.get("PLATFORM", ""))
    if not pdf.PDF.is_file():
        make_pdf()
    archive = write(KIT, target)
    for name, megabytes in sizes(KIT).items():
        print(f"{megabytes:10,.1f} MB  {name}")
    print(f"{size(KIT) / 1e6:10,.1f} MB  in {KIT}")
    print(f"{size(archive) / 1e6:10,.1f} MB  {archive.name}, beside it")
    if words == ["record"]:
        record(KIT, target)


if __name__ == "__main__":
    main(sys.argv[1:])
