"""Time how many fields two Dask workers read a second, against one process: see `tools.bench`.

Both read the same files into Parquet with the functions of examples/read_many_machines.py. One
process reads in two threads, since it prepares a batch while it reads another, so on two cores the
workers can't be twice as quick.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from dask.distributed import Client, LocalCluster
from PIL import Image

from examples import read_many_machines
from lessonlib import synthesis
from lessonlib.synthesis.samples import sample_amounts

FIELDS, PART, ROUNDS = 1_024, 64, 5  # images, images a task, and how often; the median counts
NIGHT = 50_000_000  # fields: a large bank's
HOURS = 8


def bench_many() -> list[list[str]]:
    """Time one process and two workers in turns: a header, then rows."""
    seconds: dict[str, list[float]] = {"one": [], "two": []}
    with tempfile.TemporaryDirectory() as name:
        images = Path(name, "images")
        names = write_images(images)
        parts = [names[start : start + PART] for start in range(0, len(names), PART)]
        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        with cluster, Client(cluster) as client:

            def read_with_workers(readings: Path) -> None:
                read_many_machines.read_new(client, images, readings, part=PART)

            def read_alone(readings: Path) -> None:
                for part in parts:
                    read_many_machines.read_part(part, images, readings)

            for _ in range(ROUNDS + 1):
                seconds["one"].append(seconds_of(read_alone, Path(name, "readings")))
                seconds["two"].append(seconds_of(read_with_workers, Path(name, "readings")))
    # The first round doesn't count: in it the workers import what they need.
    one, two = (FIELDS / statistics.median(times[1:]) for times in seconds.values())
    return [
        ["Measure", "Value"],
        ["Fields a second, one process", f"{one:.0f}"],
        ["Fields a second, two workers of Dask", f"{two:.0f}"],
        ["Two workers / one process", f"{two / one:.2f}"],
        [f"Workers for {NIGHT:,} fields in {HOURS} hours", f"{workers_needed(two / 2):,}"],
    ]


def workers_needed(rate: float) -> int:
    """Say how many workers of so many fields a second read a night's fields."""
    return int(np.ceil(NIGHT / (HOURS * 3600 * rate)))


def write_images(folder: Path) -> list[str]:
    """Render fields of usual difficulty into a new folder; return the names of the files."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, amount in enumerate(sample_amounts(rng, FIELDS)):
        Image.fromarray(synthesis.render(amount, rng)).save(folder / f"{number:06}.png")
    return sorted(path.name for path in folder.iterdir())


def seconds_of(read: Callable[[Path], None], readings: Path) -> float:
    """Time a reading of all images into a folder, which is new each time."""
    readings.mkdir()
    start = time.perf_counter()
    read(readings)
    seconds = time.perf_counter() - start
    assert len(read_many_machines.names_in(readings)) == FIELDS
    shutil.rmtree(readings)
    return seconds
