"""The example that reads on many machines: two workers of a local cluster, one of them killed."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lessonlib import data_path
from lessonlib.checks import CheckReader

pytest.importorskip("dask.distributed", reason='Dask is in the group "many" of pyproject.toml')
pq = pytest.importorskip("pyarrow.parquet", reason='PyArrow is in the group "many"')

from dask.distributed import Client, LocalCluster, wait  # noqa: E402

from examples import read_many_machines  # noqa: E402

COPIES = 5  # of the sample checks, so that the work lasts until a worker is killed
PART = 12


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two workers on this machine, each in a process of its own."""
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as connected:
        yield connected


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Images, one of which is none, and a folder for the readings."""
    images, readings = tmp_path / "images", tmp_path / "readings"
    images.mkdir()
    readings.mkdir()
    samples = Path(str(data_path("checks", "images")))
    for sample in sorted(samples.iterdir()):
        for copy in range(COPIES):
            shutil.copy(sample, images / f"{sample.stem}-{copy}.png")
    (images / "none.png").write_text("no image")
    return images, readings


def rows(readings: Path) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = pq.read_table(readings).to_pylist()
    return table


def test_a_killed_worker_loses_no_image_and_none_is_read_twice(
    client: Any, folders: tuple[Path, Path]
) -> None:
    images, readings = folders
    names = sorted(path.name for path in images.iterdir())
    parts = [names[start : start + PART] for start in range(0, len(names), PART)]
    tasks = client.map(read_many_machines.read_part, parts, images=images, readings=readings)
    done, _ = wait(tasks, return_when="FIRST_COMPLETED")
    (worker,) = client.who_has(done)[done.pop().key]
    made = {file: file.stat().st_mtime_ns for file in readings.glob("*.parquet")}
    killed = client.run(os.getpid, workers=[worker])[worker]
    os.kill(killed, signal.SIGKILL)
    assert sum(client.gather(tasks)) == len(names)
    assert killed not in client.run(os.getpid).values()
    assert sorted(row["image"] for row in rows(readings)) == names
    assert len(list(readings.glob("*.parquet"))) == len(parts)
    assert made == {file: file.stat().st_mtime_ns for file in made}
    assert 0 < len(made) < len(parts)


def test_the_readings_are_those_of_one_process_and_an_image_that_fails_says_why(
    client: Any, folders: tuple[Path, Path]
) -> None:
    images, readings = folders
    assert read_many_machines.read_new(client, images, readings) == len(list(images.iterdir()))
    found = {row["image"]: row for row in rows(readings)}
    failed = found.pop("none.png")
    assert failed["text"] is None
    assert "none.png" in failed["note"]
    names = sorted(found)
    for name, reading in zip(
        names, CheckReader().read_many(images / name for name in names), strict=True
    ):
        row = found[name]
        assert row["text"] == reading.text
        assert row["amount"] == (None if reading.amount is None else f"{reading.amount:f}")
        assert row["confidence"] == pytest.approx(reading.confidence, abs=1e-4)
        assert row["note"] == reading.note


def test_a_second_run_reads_what_is_new(client: Any, folders: tuple[Path, Path]) -> None:
    images, readings = folders
    names = sorted(path.name for path in images.iterdir())
    for name in names[20:]:
        (images / name).rename(readings.parent / name)
    assert read_many_machines.read_new(client, images, readings, part=PART) == 20
    for name in names[20:25]:
        (readings.parent / name).rename(images / name)
    assert read_many_machines.read_new(client, images, readings, part=PART) == 5
    assert read_many_machines.read_new(client, images, readings, part=PART) == 0
    assert sorted(row["image"] for row in rows(readings)) == names[:25]


def test_the_program_reads_a_folder_with_workers_of_its_own(folders: tuple[Path, Path]) -> None:
    images, readings = folders
    readings.rmdir()
    for path in sorted(images.iterdir())[3:]:
        path.unlink()
    program = [sys.executable, read_many_machines.__file__, str(images), str(readings)]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == f"3 images read; in all 3 are in {readings}\n"
    assert len(rows(readings)) == 3
