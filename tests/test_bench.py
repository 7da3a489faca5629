"""The benchmark runs the parts that are asked for, and its steps are the reader's."""

import re
import subprocess
from functools import partial

import pytest

from lessonlib import digits
from lessonlib.checks import CheckReader
from tools import bench


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a note in the place of each part."""
    notes: list[str] = []
    for name in bench.PARTS:
        monkeypatch.setitem(bench.PARTS, name, partial(notes.append, name))
    monkeypatch.setattr(digits, "source", lambda: "mnist")
    return notes


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ([], ["numpy", "training", "reading"]),
        (["reading"], ["reading"]),
        (["reading", "numpy"], ["reading", "numpy"]),
    ],
)
def test_the_named_parts_run_or_all(ran: list[str], named: list[str], expected: list[str]) -> None:
    bench.main(named)
    assert ran == expected


def test_an_unknown_part_is_refused_before_any_runs(ran: list[str]) -> None:
    with pytest.raises(SystemExit, match="called reeding; there is: numpy, training, reading"):
        bench.main(["reading", "reeding"])
    assert ran == []


def test_only_reading_goes_without_mnist(ran: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "source", lambda: "bundled")
    bench.main(["reading"])
    with pytest.raises(SystemExit, match="LESSONLIB_MNIST_ROOT"):
        bench.main([])
    assert ran == ["reading"]


def test_the_steps_take_about_the_time_of_reading() -> None:
    reader, fields = CheckReader(), bench.rendered_fields(80)
    reader.read_many(fields)
    steps = bench.seconds_of_steps(reader, fields)
    assert list(steps) == [
        "resample",
        "binarize",
        "cut_up",
        "runs and pictures",
        "classify",
        "decode",
    ]
    assert min(steps.values()) > 0
    assert 0.2 < sum(steps.values()) / bench.seconds_to_read(reader, fields) < 5


def test_rates_are_printed_for_idle_and_busy_cores(capsys: pytest.CaptureFixture[str]) -> None:
    bench.print_rates(CheckReader(), bench.rendered_fields(4))
    lines = capsys.readouterr().out.splitlines()
    pattern = r"  (idle|busy) cores: (\d+) fields a second; .* ([\d.]+) of that"
    found = [re.fullmatch(pattern, line) for line in lines]
    assert [match and match[1] for match in found] == ["idle", "busy"]
    assert all(match and float(match[2]) > 0 and float(match[3]) > 0 for match in found)


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


def test_memory_growth_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FIELDS": 5, "WARM_UP": 5, "STREAM": 10}.items():
        monkeypatch.setattr(bench, name, value)
    bench.print_memory_growth("mlp")
    assert re.search(
        r"at most \d+ MB .* 5 fields, \d+\.\d MB more .* 10\b", capsys.readouterr().out
    )
    assert bench.peak_memory() > 50
