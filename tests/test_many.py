"""The benchmark of Dask's workers, run small."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dask.distributed", reason='Dask is in the group "many" of pyproject.toml')
pytest.importorskip("pyarrow.parquet", reason='PyArrow is in the group "many"')

from examples import read_many_machines
from tools import many


def test_both_ways_read_every_field(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FIELDS": 6, "PART": 4, "ROUNDS": 1}.items():
        monkeypatch.setattr(many, name, value)
    header, *rows = many.bench_many()  # it counts what each way has read
    assert header == ["Measure", "Value"]
    one, two, ratio, workers = (row[1] for row in rows)
    assert float(ratio) > 0
    assert int(workers.replace(",", "")) > 0
    assert min(float(one), float(two)) >= 0


def test_a_reading_that_misses_a_field_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(read_many_machines, "names_in", lambda readings: ["one"])
    with pytest.raises(AssertionError):
        many.seconds_of(lambda readings: None, tmp_path / "readings")


def test_a_night_s_workers_are_counted_up() -> None:
    seconds = many.HOURS * 3600
    assert many.workers_needed(many.NIGHT / seconds) == 1
    assert many.workers_needed(many.NIGHT / seconds / 2.5) == 3
