"""The benchmark runs the parts that are asked for, and its steps are the reader's."""

import csv
import subprocess
from contextlib import nullcontext
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info
from torch import nn

from lessonlib import checks, data_path, digits, evaluation, handwriting
from lessonlib.checks import CheckReader
from lessonlib.recipes import READER_NAMES
from lessonlib.scoring import evaluate
from lessonlib.synthesis import nothing
from lessonlib.synthesis.hands import drawn_writer
from tests.judged import Fixed, labelled, reading
from tools import bench, bench_pages, pdf

TABLE = [["Measure", "MLP"], ["Fields", "3"]]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Put a note in the place of each part, and the tables into a folder of the test's."""
    notes: list[str] = []

    def part(name: str, *arguments: object) -> bench.Table:
        notes.append(" ".join(map(str, (name, *arguments))))
        return TABLE

    for name in bench.PARTS:
        monkeypatch.setitem(bench.PARTS, name, partial(part, name))
    for name in bench.FOLDER_PARTS:
        monkeypatch.setitem(bench.FOLDER_PARTS, name, partial(part, name))
    monkeypatch.setattr(bench, "record", lambda name, command, table: None)
    monkeypatch.setattr(digits, "source", lambda: "mnist")
    return notes


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (
            [],
            ["numpy", "training", "reading", "doubts", "programs", "pages", "exchange", "many"],
        ),
        (["reading"], ["reading"]),
        (["reading", "numpy"], ["reading", "numpy"]),
        (["real", "--folder", "fields"], ["real fields"]),
        (["reading", "cases", "--folder", "fields"], ["reading", "cases fields"]),
    ],
)
def test_the_named_parts_run_or_all(ran: list[str], named: list[str], expected: list[str]) -> None:
    bench.main(named)
    assert ran == expected


def test_an_unknown_part_is_refused_before_any_runs(ran: list[str]) -> None:
    with pytest.raises(
        SystemExit,
        match="called reeding; there is: numpy, training, reading, doubts, programs, pages, "
        "exchange, many, real, cases",
    ):
        bench.main(["reading", "reeding"])
    assert ran == []


@pytest.mark.parametrize(
    "named",
    [["real"], ["reading", "--folder", "fields"], ["real", "cases", "--folder", "fields"]],
)
def test_real_fields_and_their_folder_go_together(ran: list[str], named: list[str]) -> None:
    with pytest.raises(SystemExit, match="--folder FOLDER"):
        bench.main(named)
    assert ran == []


def test_reading_goes_without_mnist_and_training_doesn_t(
    ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "source", lambda: "bundled")
    bench.main(["reading"])
    with pytest.raises(SystemExit, match="LESSONLIB_MNIST_ROOT"):
        bench.main([])
    assert ran == ["reading"]


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_a_part_writes_its_table_and_what_it_ran_on(tmp_path: Path) -> None:
    bench.record("reading", "python -m tools.bench reading", TABLE, tmp_path)
    bench.record("numpy", "python -m tools.bench numpy", TABLE, tmp_path)
    bench.record("reading", "python -m tools.bench reading", [["Measure"]], tmp_path)
    assert rows(tmp_path / "reading.csv") == [["Measure"]]
    assert rows(tmp_path / "numpy.csv") == TABLE
    header, *runs = rows(tmp_path / "runs.csv")
    assert header == list(bench.RUN)
    assert [run[0] for run in runs] == ["numpy", "reading"]
    assert all(date.fromisoformat(run[2]) and run[3] for run in runs)


@pytest.fixture(scope="module", params=READER_NAMES)
def reader(request: pytest.FixtureRequest) -> CheckReader:
    return CheckReader(request.param)


def test_the_steps_take_about_the_time_of_reading(reader: CheckReader) -> None:
    fields = bench.rendered_fields(70)  # more than a batch
    reader.read_many(fields)
    steps = bench.seconds_of_steps(reader, fields)
    assert list(steps) == ["prepare", "read"]
    assert min(steps.values()) > 0
    assert 0.2 < sum(steps.values()) / bench.seconds_to_read(reader, fields) < 5


def test_rates_are_measured_on_idle_and_busy_cores(reader: CheckReader) -> None:
    found = bench.rates(reader, bench.rendered_fields(4))
    values = [float(value.removesuffix(" of that")) for value in found.values()]
    assert len(values) == 4
    assert all(value > 0 for value in values)
    assert [name for name in found if name.startswith("Fields a second")] == [
        "Fields a second, idle cores",
        "Fields a second, busy cores",
    ]


def test_torch_s_own_threads_are_those_of_every_reader(
    reader: CheckReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, call = set(), nn.Module.__call__

    def watched(self: nn.Module, *inputs: torch.Tensor) -> object:
        seen.add(torch.get_num_threads())
        return call(self, *inputs)

    monkeypatch.setattr(nn.Module, "__call__", watched)
    with bench.torch_threads(3):
        for context, threads in ((bench.torch_s_own_threads(), 3), (nullcontext(), 1)):
            seen.clear()
            with context:
                reader.read_many(bench.rendered_fields(1))
            assert seen == {threads}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the readers be measured on few fields, in no process of its own."""
    for name, value in {"RENDERED": 3, "FIELDS": 2, "ROUNDS": 1}.items():
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr(bench, "measured_apart", lambda name: (100.0, 1.0))
    monkeypatch.setattr(bench, "rates", lambda reader, fields: {"Fields a second": "9"})


@pytest.mark.usefixtures("quick")
def test_every_reader_is_measured_and_writers_left_out_where_they_are_to_be_had(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(handwriting, "why_missing", lambda: "")
    monkeypatch.setattr(bench, "left_out_hand", drawn_writer)
    header, *measures = bench.bench_reading()
    assert header == ["Measure", "MLP", "CNN", "Line", "Ensemble"]
    assert all(len(row) == len(header) for row in measures)
    assert [row[0] for row in measures[:4]] == [
        "Exactly right, 3 rendered fields",
        "Exactly right, 3 rendered fields by writers left out of training",
        "Fields a second",
        "Step *prepare*, ms a field",
    ]
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("quick")
def test_without_the_files_the_row_of_writers_left_out_is_missing_and_it_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(handwriting, "why_missing", lambda: "there is no network")
    monkeypatch.setattr(bench, "left_out_hand", pytest.fail)
    _, *measures = bench.bench_reading()
    assert not any("left out" in row[0] for row in measures)
    assert "left out of training: there is no network." in capsys.readouterr().out


def test_real_fields_are_measured_with_every_reader() -> None:
    folder = Path(str(data_path("checks")))
    header, *measures = bench.bench_real(folder)
    assert header == ["Measure", *map(bench.heading, READER_NAMES)]
    found = {name: values for name, *values in measures}
    assert found["Fields"] == ["36"] * len(READER_NAMES)
    result = evaluate(folder, CheckReader("cnn"))
    assert found["Exactly right"][header.index("CNN") - 1] == bench.share(
        result.exact, result.interval
    )


def test_cases_are_counted_by_kind_and_what_is_not_on_paper_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "READER_NAMES", {"mlp": ""})
    rows = [
        ("a", "12", "boxes", "12"),
        ("b", "12", "boxes", "13"),
        ("c", "7", "pencil", "7"),
        ("d", "9", bench.NOT_ON_PAPER[0], "8"),
    ]
    table = ["file,digits,kind", *(f"{name}.png,{truth},{kind}" for name, truth, kind, _ in rows)]
    folder = labelled(tmp_path, "\n".join(table) + "\n")
    readings = [reading(text) for *_, text in rows]
    monkeypatch.setattr(checks, "CheckReader", lambda name: Fixed(readings))
    _, *measures = bench.bench_cases(folder)
    assert dict(measures) == {
        "Images": "3",
        "Exactly right": bench.share(2 / 3, evaluation.wilson_interval(2, 3)),
        "Mean confidence": "0.50",
        "boxes": "1 of 2",
        bench.NOT_ON_PAPER[0]: "0 of 1",
        "pencil": "1 of 1",
    }


def test_busy_programs_run_until_the_measurement_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(arguments: list[str]) -> subprocess.Popen[bytes]:
        started.append(popen(arguments))
        return started[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", start)
    with bench.busy(2):
        assert [program.poll() for program in started] == [None, None]
    assert all(program.poll() is not None for program in started)


@pytest.mark.parametrize("reader_name", ["mlp", "ensemble"])
def test_memory_growth_is_measured(monkeypatch: pytest.MonkeyPatch, reader_name: str) -> None:
    for name, value in {"FIELDS": 5, "WARM_UP": 5, "STREAM": 10}.items():
        monkeypatch.setattr(bench, name, value)
    most, growth = bench.memory(reader_name)
    assert most > 50
    assert 0 <= growth < most


def test_numpy_and_torch_are_timed_with_as_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def epochs(*_: object) -> tuple[float, float]:
        blas = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
        seen.append((torch.get_num_threads(), blas))
        return 1.0, 2.0

    monkeypatch.setattr(bench, "seconds_of_an_epoch", epochs)
    monkeypatch.setattr(digits, "load", lambda part: (np.zeros((2, 28, 28)), np.zeros(2)))
    before = torch.get_num_threads()
    header, *measured = bench.bench_numpy()
    assert torch.get_num_threads() == before
    assert seen[1] == (1, {1})
    assert [row[0] for row in measured] == ["2", "1"]
    assert measured[0] == ["2", "1.00", "2.00", "0.50"]
    assert len(header) == 4


def test_the_quick_reference_s_programs_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "RENDERED", 20)
    run = bench.run_program

    def quickly(name: str, *arguments: str, cwd: Path) -> str:
        less = ["--data", "bundled", "--epochs", "1"] if "train" in name else []
        return run(name, *arguments, *less, cwd=cwd)

    monkeypatch.setattr(bench, "run_program", quickly)
    _, accuracy, samples, fields = bench.bench_programs()
    assert float(accuracy[1].removesuffix(" %")) > 50
    assert samples[0] == "Exactly right, 36 of the sample checks"
    assert fields[0] == "Exactly right, 20 of rendered fields"
    assert all(0 <= float(row[1].split(" %")[0]) <= 100 for row in (samples, fields))


def test_what_becomes_of_amounts_and_of_nothing_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "DOUBTFUL", 6)
    monkeypatch.setattr(bench, "NOTHINGS", 1)
    header, *measures = bench.bench_doubts()
    assert header == ["Measure", *map(bench.heading, READER_NAMES)]
    digits_right, *outcomes = [[int(value) for value in values] for _, *values in measures[:4]]
    assert [sum(column) for column in zip(*outcomes, strict=True)] == digits_right
    assert max(digits_right) <= 6
    assert len(measures) == 4 + len(nothing.KINDS)
    assert {value for _, *values in measures[4:] for value in values} <= {"0", "1"}


@pytest.mark.skipif(pdf.CHROMIUM is None, reason="no Chromium on this machine")
def test_the_pages_are_timed_beside_python() -> None:
    header, *rows = bench_pages.bench_pages(fields=8, moves=20)
    assert len(header) == 4
    assert [len(row) for row in rows] == [4] * 4
    for _, median, late, _ in rows:
        assert 0 < float(median) <= float(late)
    assert all(float(row[3]) > 0 for row in rows[1:3])
