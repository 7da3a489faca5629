"""Write the tables of chapters/data.md: the files, their sizes and their hashes.

Usage: ``python -m tools.datasheet``, after ``make checks`` or ``make models``

Each table stands between two comments: the first gives its name, the second ends it. The text
around the tables is written by hand, and tests compare it with the data.
"""

import csv
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from lessonlib import data_path, digits
from lessonlib.files import write_whole
from lessonlib.weights import load, read_record

PAGE = Path(__file__).resolve().parents[1] / "chapters" / "data.md"
MNIST_COUNTS = {"train": 60_000, "t10k": 10_000}
TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def sha256(data: bytes) -> str:
    """Hash bytes, as `sha256sum` does: 64 hexadecimal digits, in Markdown's backticks."""
    return f"`{hashlib.sha256(data).hexdigest()}`"


def mnist() -> Iterator[tuple[object, ...]]:
    """List MNIST's files: the sizes follow from the format, the hashes are `lessonlib.digits`'.

    Each of these lists begins with its header.
    """
    yield "File", "Holds", "Bytes", "SHA-256"
    for name, digest in digits.SHA256.items():
        count = MNIST_COUNTS[name.partition("-")[0]]
        kind, size = ("images", 16 + 784 * count) if "images" in name else ("labels", 8 + count)
        yield f"`{name}`", f"{count:,} {kind}", f"{size:,}", f"`{digest}`"


def uci() -> Iterator[tuple[object, ...]]:
    """List scikit-learn's bundled digits, with hashes of the numbers, one byte each.

    scikit-learn may store the same numbers in another file format, so the file isn't hashed.
    """
    bundled = load_digits()
    yield "Array", "Shape", "Values", "SHA-256 of its numbers, a byte each"
    for name, array in (("images", bundled.images), ("target", bundled.target)):
        shape = " × ".join(f"{size:,}" for size in array.shape)
        values = f"{array.min():.0f} to {array.max():.0f}"
        yield f"`{name}`", shape, values, sha256(array.astype(np.uint8).tobytes())


def checks() -> Iterator[tuple[object, ...]]:
    """List the sample checks and the file with their labels."""
    table = data_path("checks", "labels.csv")
    yield "File", "Amount", "Pixels", "Bytes", "SHA-256"
    yield "`labels.csv`", "", "", f"{table.stat().st_size:,}", sha256(table.read_bytes())
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            path = data_path("checks", "images", row["file"])
            with Image.open(path) as image:
                pixels = f"{image.width} × {image.height}"
            size, digest = f"{path.stat().st_size:,}", sha256(path.read_bytes())
            yield f"`{row['file']}`", f"`{row['amount']}`", pixels, size, digest


def weights() -> Iterator[tuple[object, ...]]:
    """List the shipped weights and what their records say."""
    yield "File", "Bytes", "Trained numbers", "Epochs", "Seed", "Made by", "Test", "SHA-256"
    folder = data_path("weights")
    for path in sorted(folder.rglob("*.safetensors")):
        record = read_record(path)
        accuracy = record.get("test_accuracy")
        yield (
            f"`{path.relative_to(folder).as_posix()}`",
            f"{path.stat().st_size:,}",
            f"{sum(part.numel() for part in load(path).parameters()):,}",
            record["recipe"]["epochs"],
            record["seed"],
            f"lessonlib {record['versions']['lessonlib']}",
            "" if accuracy is None else f"{accuracy:.2%}",
            sha256(path.read_bytes()),
        )


TABLES = {"mnist": mnist, "uci": uci, "checks": checks, "weights": weights}


def filled(page: str) -> str:
    """Put new tables into a page of Markdown, between the comments that mark them."""

    def table(found: re.Match[str]) -> str:
        header, *rows = TABLES[found[2]]()
        lines = [header, ["---"] * len(header), *rows]
        text = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
        return f"{found[1]}\n{text}\n\n{found[3]}"

    return TABLE.sub(table, page)


def main() -> None:
    """Write the tables into the page."""
    text = filled(PAGE.read_text(encoding="utf-8"))
    write_whole(PAGE, text.encode())
    print(f"The tables of {PAGE} are up to date")


if __name__ == "__main__":
    main()
