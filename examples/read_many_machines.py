"""Read a folder of images of amounts on many machines, and write the readings to Parquet.

Usage: ``python examples/read_many_machines.py IMAGES READINGS [SCHEDULER]``. SCHEDULER is the
address that ``dask scheduler`` prints. Start ``dask worker SCHEDULER --nthreads 1`` on each
machine, once for each core: all need lessonlib and the group "many" of pyproject.toml, and must
see both folders under the same names. Without a scheduler, this machine's own cores do it.

The folder READINGS gets a file for each part of the images, written whole or not at all by the
worker that reads the part. When a worker is killed, Dask gives its parts to another one, and those
that have a file are not read again. After any other failure start the program once more: it reads
the images that are in no file yet.
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from dask.distributed import Client

from lessonlib.checks import CheckReader, Reading, load_image
from lessonlib.checks.image import Gray
from lessonlib.files import write_whole

PART = 512  # images: some seconds of work, so that little is lost with a worker
COLUMNS = pa.schema(
    {"image": pa.string(), "text": pa.string(), "amount": pa.string()}
    | {"confidence": pa.float64(), "note": pa.string()}
)


def read_new(client: Client, images: Path, readings: Path, part: int = PART) -> int:
    """Read the images that have no reading yet, a part of them at a time; return how many."""
    known = set(names_in(readings)) if any(readings.glob("*.parquet")) else set()
    names = sorted({path.name for path in images.iterdir()} - known)
    parts = [names[start : start + part] for start in range(0, len(names), part)]
    return sum(client.gather(client.map(read_part, parts, images=images, readings=readings)))


def names_in(readings: Path) -> list[str]:
    """List the images that are read."""
    names: list[str] = pq.read_table(readings, columns=["image"])["image"].to_pylist()
    return names


def read_part(names: list[str], images: Path, readings: Path) -> int:
    """Read some images into a file of their own, unless it is there; return how many they are."""
    file = readings / f"{hashlib.sha256('/'.join(names).encode()).hexdigest()[:16]}.parquet"
    if not file.exists():
        failures: dict[str, str] = {}
        found = CheckReader().read_many(opened(names, images, failures))
        opened_names = [name for name in names if name not in failures]
        rows = [row_of(*pair) for pair in zip(opened_names, found, strict=True)]
        rows += [{"image": name, "note": why} for name, why in failures.items()]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, COLUMNS), sink)
        write_whole(file, sink.getvalue().to_pybytes())
    return len(names)


def opened(names: list[str], images: Path, failures: dict[str, str]) -> Iterator[Gray]:
    """Open one image after the other; those that can't be opened go to the failures."""
    for name in names:
        try:
            yield load_image(images / name)
        except (OSError, ValueError) as error:
            failures[name] = str(error)


def row_of(name: str, reading: Reading) -> dict[str, Any]:
    """Write a reading as a row of the table."""
    return {
        "image": name,
        "text": reading.text,
        "amount": None if reading.amount is None else f"{reading.amount:f}",
        "confidence": reading.confidence,
        "note": reading.note,
    }


def main(images: str, readings: str, scheduler: str | None = None) -> None:
    """Read all images of a folder, with the workers of a scheduler or of this machine."""
    Path(readings).mkdir(exist_ok=True)
    with Client(scheduler) if scheduler else Client(threads_per_worker=1) as client:
        count = read_new(client, Path(images).resolve(), Path(readings).resolve())
    print(f"{count:,} images read; in all {len(names_in(Path(readings))):,} are in {readings}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
