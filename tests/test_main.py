import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

import lessonlib
from lessonlib import digits, recipes, training, weights
from lessonlib.__main__ import _parser, main
from lessonlib.checks import Digit, Reading
from lessonlib.checks.find import NO_WRITING
from lessonlib.checks.image import Box
from lessonlib.recipes import DEFAULT_READER, READER_NAMES

CHECKS = lessonlib.data_path("checks")

# A process of its own, whose reader takes no time to load. An image that is called "slow" says
# that it is being read, and takes a minute.
PROGRAM = """
import sys, time, types

class CheckReader:
    def __init__(self, model):
        pass

    def read(self, image, min_confidence):
        if image == "slow":
            print("reading", flush=True)
            time.sleep(60)
        if image == "missing":
            raise FileNotFoundError("there is no missing")
        return types.SimpleNamespace(
            text="1250", confidence=0.6, accepted=True, note="", alternatives=()
        )

checks = types.ModuleType("lessonlib.checks")
checks.CheckReader = CheckReader
sys.modules["lessonlib.checks"] = checks
from lessonlib.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def start(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """Start the command line in a process of its own, with its output as it usually is."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    environment |= options.pop("env", {})
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        text=True,
        env=environment,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
    )


def finished(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def first_check() -> str:
    return str(sorted(CHECKS.rglob("*.png"))[0])


def test_doctor_finds_nothing_wrong_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for word in ("torch", "device", "MNIST", "weights", "All is well"):
        assert word in printed


def test_doctor_names_a_wrong_mnist_root_and_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LESSONLIB_OFFLINE", raising=False)
    monkeypatch.setenv("LESSONLIB_MNIST_ROOT", str(tmp_path))
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "wrong  MNIST" in printed
    assert str(tmp_path) in printed


def test_doctor_says_in_a_short_line_that_the_weights_load(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if " weights:" in line)
    assert re.fullmatch(
        rf"ok     weights: {len(recipes.SHIPPED)} networks load; "
        r"mlp has 99\.\d\d% on MNIST's test images",
        line,
    )


@pytest.mark.parametrize("name", recipes.SHIPPED)
def test_doctor_names_weights_that_are_missing_and_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shipped_path = weights.shipped_path
    monkeypatch.setattr(
        weights,
        "shipped_path",
        lambda asked: Path("gone.safetensors") if asked == name else shipped_path(asked),
    )
    assert main(["doctor"]) == 1
    assert "wrong  weights: no weights file at gone.safetensors" in capsys.readouterr().out


def test_read_prints_image_text_and_confidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", first_check()]) == 0
    image, text, confidence = capsys.readouterr().out.strip().split("\t")
    assert image == first_check()
    assert text.isdigit()
    assert 0 <= float(confidence) <= 1


def test_read_json_gives_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--json", first_check(), first_check()]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 2
    assert len(rows[0]["digits"]) == len(rows[0]["text"])
    assert all(len(digit["probabilities"]) == 10 for digit in rows[0]["digits"])
    assert rows[0]["accepted"] is True
    assert {"amount", "separator", "marks"} <= set(rows[0])


class Fixed:
    """Stands in for the reader: every image says 12.50, fairly sure."""

    made_with: ClassVar[list[str]] = []
    amount: Decimal | None = Decimal("12.50")
    separator: Box | None = (18, 9, 2, 2)
    text = "1250"
    note = ""
    alternatives = (("1250", 0.6), ("7250", 0.3), ("", 0.04))

    def __init__(self, model: str) -> None:
        self.made_with.append(model)

    def read(self, image: str, min_confidence: float) -> Reading:
        probabilities = np.eye(10, dtype=np.float32)
        return Reading(
            text=self.text,
            confidence=0.6,
            digits=tuple(
                Digit((10 * i, 1, 8, 9), probabilities[int(c)]) for i, c in enumerate(self.text)
            ),
            marks=((18, 9, 2, 2), (50, 5, 6, 1)),
            separator=self.separator,
            amount=self.amount,
            accepted=min_confidence <= 0.6,
            note=self.note,
            alternatives=self.alternatives,
        )


@pytest.fixture
def fixed(monkeypatch: pytest.MonkeyPatch) -> type[Fixed]:
    monkeypatch.setattr("lessonlib.checks.CheckReader", Fixed)
    monkeypatch.setattr(Fixed, "made_with", [])
    return Fixed


def read_json(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert main(["read", "--json", *options, "a.png"]) == 0
    row: dict[str, object] = json.loads(capsys.readouterr().out)
    del row["digits"]
    return row


def test_read_json_has_the_amount_and_the_marks(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed]
) -> None:
    assert read_json(capsys) == {
        "image": "a.png",
        "text": "1250",
        "amount": "12.50",
        "currency": None,
        "note": "",
        "confidence": 0.6,
        "accepted": True,
        "agreed": None,
        "separator": [18, 9, 2, 2],
        "alternatives": [
            {"text": "1250", "probability": 0.6},
            {"text": "7250", "probability": 0.3},
            {"text": "", "probability": 0.04},
        ],
        "marks": [[18, 9, 2, 2], [50, 5, 6, 1]],
    }


def test_read_json_gives_null_for_an_uncertain_amount(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixed, "amount", None)
    monkeypatch.setattr(fixed, "separator", None)
    row = read_json(capsys, "--min-confidence", "0.61")
    assert (row["amount"], row["separator"], row["accepted"]) == (None, None, False)


def test_read_json_writes_an_amount_without_an_exponent(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixed, "amount", Decimal("1E+3"))
    assert read_json(capsys)["amount"] == "1000"


@pytest.mark.parametrize(
    ("least", "end"), [("0", "0.60"), ("0.6", "0.60"), ("1", "0.60\trejected")]
)
def test_read_rejects_readings_below_the_required_confidence(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed], least: str, end: str
) -> None:
    assert main(["read", "--min-confidence", least, "a.png"]) == 0
    assert capsys.readouterr().out == f"a.png\t1250\t{end}\n"


@pytest.mark.parametrize(("least", "end"), [("0", ""), ("0.01", "\trejected")])
def test_read_rejects_an_image_without_digits_only_where_some_confidence_is_required(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, least: str, end: str
) -> None:
    blank = tmp_path / "blank.png"
    Image.new("L", (200, 60), 255).save(blank)
    assert main(["read", "--min-confidence", least, str(blank)]) == 1
    assert capsys.readouterr().out == f"{blank}\t(no digits found)\t0.00{end}\t{NO_WRITING}\n"


def test_read_prints_the_note_last(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixed, "note", "No amount: looks like a date.")
    assert main(["read", "--min-confidence", "1", "a.png"]) == 0
    out = capsys.readouterr().out
    assert out == "a.png\t1250\t0.60\trejected\tNo amount: looks like a date.\n"


def test_read_fails_where_nothing_is_read_in_an_image_and_goes_on(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixed, "text", "")
    assert main(["read", "a.png", "b.png"]) == 1
    captured = capsys.readouterr()
    assert [line.split("\t")[0] for line in captured.out.splitlines()] == ["a.png", "b.png"]
    assert captured.err == ""


@pytest.mark.parametrize(
    ("count", "lines"),
    [
        ("0", []),
        ("1", ["\t7250\t0.30"]),
        ("9", ["\t7250\t0.30", "\t(no digits)\t0.04"]),
    ],
)
def test_read_prints_so_many_of_the_next_best_texts(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed], count: str, lines: list[str]
) -> None:
    assert main(["read", "--alternatives", count, "a.png"]) == 0
    assert capsys.readouterr().out.splitlines() == ["a.png\t1250\t0.60", *lines]


@pytest.mark.parametrize("count", ["-1", "1.5", "many", ""])
def test_read_refuses_a_number_of_alternatives_that_cannot_be(
    capsys: pytest.CaptureFixture[str], count: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["read", f"--alternatives={count}", first_check()])
    assert left.value.code == 2
    assert "--alternatives: must be a whole number" in capsys.readouterr().err


@pytest.mark.parametrize("model", READER_NAMES)
def test_read_and_evaluate_take_every_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: str
) -> None:
    assert main(["read", "--model", model, "--alternatives", "2", first_check()]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first.split("\t")[1].isdigit()
    assert len(others) <= 2
    folder = labelled(tmp_path, ["check-01.png", "check-02.png"])
    assert main(["evaluate", str(folder), "--model", model]) == 0
    assert "of 2 fields read exactly" in capsys.readouterr().out


@pytest.mark.parametrize("least", ["-0.1", "1.01", "nan", "inf", "half", ""])
def test_read_refuses_a_confidence_that_cannot_be(
    capsys: pytest.CaptureFixture[str], least: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["read", f"--min-confidence={least}", first_check()])
    assert left.value.code == 2
    assert "--min-confidence: must be a number from 0 to 1" in capsys.readouterr().err


def test_read_uses_the_model_that_is_named(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed]
) -> None:
    assert main(["read", "a.png"]) == 0
    for model in READER_NAMES:
        assert main(["read", "--model", model, "a.png"]) == 0
    assert fixed.made_with == [DEFAULT_READER, *READER_NAMES]


@pytest.mark.parametrize("command", ["read", "evaluate"])
def test_an_unknown_model_is_refused(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit):
        main([command, "--model", "rnn", "."])
    assert re.search("mlp.*cnn", capsys.readouterr().err)


def test_read_goes_on_after_a_missing_image_and_fails_with_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["read", "no-such.png", first_check()]) == 1
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert "no-such.png" in captured.err
    assert first_check() in captured.out


# ---------------------------------------------------------------- names, streams, signals


def test_a_name_that_stdout_cannot_encode_is_escaped_and_the_others_are_read() -> None:
    process = start("read", "größe.png", "b.png", env={"PYTHONIOENCODING": "ascii"})
    status, out, err = finished(process)
    assert out.splitlines() == ["gr\\xf6\\xdfe.png\t1250\t0.60", "b.png\t1250\t0.60"]
    assert (status, err) == (0, "")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_name_that_is_no_text_is_escaped_and_the_others_are_read(encoding: str) -> None:
    process = start("read", "a\udcff.png", "b.png", env={"PYTHONIOENCODING": encoding})
    status, out, err = finished(process)
    assert out.splitlines() == ["a\\udcff.png\t1250\t0.60", "b.png\t1250\t0.60"]
    assert (status, err) == (0, "")


def test_a_name_with_tabs_and_line_breaks_stays_one_line_of_three_columns(
    capsys: pytest.CaptureFixture[str], fixed: type["Fixed"]
) -> None:
    assert main(["read", "a\tb\nc\u2028d\x1b[1m.png"]) == 0
    out = capsys.readouterr().out
    assert out == "a\\tb\\nc\\u2028d\\x1b[1m.png\t1250\t0.60\n"


def test_an_error_about_a_name_with_line_breaks_is_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["read", "no\nsuch\0.png"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "no\\nsuch\\x00.png" in line


def test_ctrl_c_while_reading_says_one_line_and_status_130() -> None:
    process = start("read", "a.png", "slow")
    assert process.stdout is not None
    assert process.stdout.readline() == "a.png\t1250\t0.60\n"
    assert process.stdout.readline() == "reading\n"
    process.send_signal(signal.SIGINT)
    assert finished(process) == (130, "", "lessonlib: stopped by Ctrl-C\n")


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("command", "where"),
    [
        (["doctor"], "lessonlib.digits.find_mnist"),
        (["train", "--output", "w.safetensors"], "lessonlib.training.fit"),
        (["evaluate", str(CHECKS), "--html", "page.html"], "lessonlib.scoring.evaluate"),
        (["evaluate", str(CHECKS), "--html", "page.html"], "lessonlib.scoring.page.page"),
    ],
)
def test_ctrl_c_stops_each_command_with_one_line_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: list[str],
    where: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    monkeypatch.setattr(where, interrupt)
    try:
        status = main(command)
    except KeyboardInterrupt:
        pytest.fail("an interrupt that is let through would end the tests")
    assert status == 130
    assert capsys.readouterr().err.splitlines() == ["lessonlib: stopped by Ctrl-C"]
    assert list(tmp_path.iterdir()) == []


def broken_pipe() -> int:
    """Open a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("images", [1, 2000])  # written when Python ends; while it reads
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_broken_pipe_prints_no_error(images: int, unbuffered: str) -> None:
    names = ["a.png"] * images
    process = start("read", *names, stdout=broken_pipe(), env={"PYTHONUNBUFFERED": unbuffered})
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_a_broken_pipe_under_help_prints_no_error(asked: str) -> None:
    process = start(asked, stdout=broken_pipe())
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


def test_a_broken_pipe_for_errors_too_gives_the_same_status() -> None:
    pipe = broken_pipe()
    process = start("read", "missing", "a.png", stdout=pipe, stderr=pipe)
    process.communicate(timeout=60)
    assert process.returncode == 141


def test_errors_that_nobody_reads_don_t_stop_the_reading() -> None:
    process = start("read", "missing", "a.png", stderr=broken_pipe())
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "a.png\t1250\t0.60\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_the_output_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        process = start("read", "a.png", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == "lessonlib: [Errno 28] No space left on device\n"


def test_a_closed_stdout_is_no_error() -> None:
    command = 'exec "$@" >&-'
    arguments = ["sh", "-c", command, "sh", sys.executable, "-c", PROGRAM, "read", "a.png"]
    result = subprocess.run(arguments, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


# ---------------------------------------------------------------- what is said about itself


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"lessonlib {lessonlib.__version__}\n"


def test_doctor_names_its_own_version_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.startswith(f"lessonlib {lessonlib.__version__}, python 3.")


@pytest.mark.parametrize(("command", "next_step"), [("doctor", "find_mnist"), ("train", "load")])
def test_a_download_is_announced_before_it_starts(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
    next_step: str,
) -> None:
    def download(*_: object) -> None:
        said = capsys.readouterr().out
        assert f"download it (12 MB) to {tmp_path}/cache" in said.splitlines()[-1]
        raise OSError("the download was started")

    monkeypatch.chdir(tmp_path)
    for name in ("LESSONLIB_OFFLINE", "LESSONLIB_MNIST_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(digits, "cache_root", lambda: tmp_path / "cache")
    monkeypatch.setattr(digits, next_step, download)
    assert main([command]) == 1
    captured = capsys.readouterr()
    assert "the download was started" in captured.out + captured.err


def test_doctor_says_why_the_bundled_digits_are_used(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    assert main(["doctor"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if " MNIST:" in line)
    assert line.startswith("ok     MNIST: the 1,797 digits")
    assert line.endswith("LESSONLIB_OFFLINE is set")


def options_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """List the options of all commands, but for those that every program has."""
    options: dict[str, argparse.Action] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                options |= {f"{name} {key}": value for key, value in options_of(command).items()}
        elif action.option_strings and action.dest not in ("help", "version"):
            options[action.option_strings[0]] = action
    return options


def test_every_option_s_help_names_its_default() -> None:
    options = options_of(_parser())
    assert len(options) == 10
    for name, action in options.items():
        assert action.help is not None, name
        assert re.search(r"default: \S", action.help), name
        if action.default not in (None, False):
            assert "default: %(default)s" in action.help, name


# ---------------------------------------------------------------- train


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


# What stands at the name that the file shall get, and what is said about it.
IN_THE_WAY: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a folder": (Path.mkdir, "target", "is a folder"),
    "a pipe": (make_pipe, "target", "is a pipe"),
    "a device": (lambda path: path.symlink_to(path.with_name("device")), "target", "is a device"),
    "no folder": (lambda path: None, "nowhere/target", "no folder"),
    "a file for a folder": (Path.touch, "target/file", "Not a directory"),
    "a name that ends in a slash": (lambda path: None, "target/", "names a folder"),
    "no name": (lambda path: None, "", "is empty"),
}


@pytest.fixture(params=IN_THE_WAY)
def in_the_way(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> tuple[str, str]:
    """Put something there that can't be replaced; return its name, and what shall be said."""
    make, name, message = IN_THE_WAY[request.param]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "device").symlink_to(device)
    make(tmp_path / "target")
    return name, message


def never(*_: object, **__: object) -> None:
    raise AssertionError("no work should be begun")


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_train_refuses_what_it_cannot_write_to_before_it_trains(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    in_the_way: tuple[str, str],
    force: list[str],
    device: str,
) -> None:
    name, message = in_the_way
    monkeypatch.setattr(digits, "load", never)
    assert main(["train", "--output", name, *force]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert Path(device).is_char_device()


def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let training take no time."""
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    monkeypatch.setattr(training, "fit", lambda *_, **__: None)


def test_train_replaces_weights_only_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quickly(monkeypatch)
    target = tmp_path / "w.safetensors"
    target.write_bytes(b"weeks of work")
    assert main(["train", "--output", str(target)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{target} exists already" in line
    assert "--force" in line
    assert target.read_bytes() == b"weeks of work"
    assert main(["train", "--output", str(target), "--force"]) == 0
    assert weights.read_record(target)["data"] == "bundled"


def test_train_follows_a_link_when_asked_to_replace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quickly(monkeypatch)
    target, link = tmp_path / "w.safetensors", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    assert main(["train", "--output", str(link)]) == 1
    assert main(["train", "--output", str(link), "--force"]) == 0
    assert link.is_symlink()
    assert weights.read_record(target)["data"] == "bundled"


@pytest.mark.parametrize("change", ["the folder is gone", "another has written the file"])
def test_a_training_is_not_lost_when_its_place_is_gone_at_the_end(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    change: str,
) -> None:
    quickly(monkeypatch)
    folder = tmp_path / "weights"
    folder.mkdir()
    target = folder / "w.safetensors"

    def fit(*_: object, **__: object) -> None:
        if change == "the folder is gone":
            folder.rmdir()
        else:
            target.write_bytes(b"another's")

    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["train", "--output", str(target)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    (spare,) = tmp_path.glob("lessonlib-*/*.safetensors")
    assert line.endswith(f"The weights are in {spare} instead")
    assert weights.read_record(spare)["data"] == "bundled"
    assert not target.exists() or target.read_bytes() == b"another's"


@pytest.mark.parametrize(
    ("option", "value"),
    [("--epochs", "0"), ("--epochs", "-1"), ("--epochs", "1.5"), ("--epochs", "many"),
     ("--seed", "-1"), ("--seed", "4294967296"), ("--seed", "")],
)  # fmt: skip
def test_train_refuses_numbers_that_cannot_be(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["train", f"{option}={value}"])
    assert left.value.code == 2
    assert f"{option}: must be a whole number" in capsys.readouterr().err


def test_train_writes_weights_that_load(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    target = tmp_path / "w.safetensors"
    assert main(["train", "--epochs", "3", "--output", str(target)]) == 0
    assert weights.load(target).config["batch_norm"] is True
    assert weights.read_record(target)["data"] == "bundled"
    assert weights.read_record(target)["test_accuracy"] > 0.8


def test_evaluate_refuses_a_folder_without_a_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CHECKS)
    with pytest.raises(SystemExit) as left:
        main(["evaluate", ""])
    assert left.value.code == 2
    assert "folder: the name of the folder is empty" in capsys.readouterr().err


def test_evaluate_without_labels_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["evaluate", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert "labels.csv" in captured.err


def test_evaluate_prints_the_exact_read_rate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(CHECKS)]) == 0
    printed = capsys.readouterr().out
    for part in ("% of 36 fields read exactly", "95 % interval", "digit errors"):
        assert part in printed.splitlines()[0]
    for word in ("accept rate at 1% error", "classification", "punctuation", "segmentation"):
        assert word in printed


def test_evaluate_writes_the_page_that_is_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert main(["evaluate", str(CHECKS), "--html", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert f"36 fields of the folder checks with the model {DEFAULT_READER}" in text
    assert list(tmp_path.iterdir()) == [page]


def test_evaluate_refuses_a_page_that_cannot_be_written_before_it_reads(
    capsys: pytest.CaptureFixture[str],
    fixed: type[Fixed],
    in_the_way: tuple[str, str],
    device: str,
) -> None:
    name, message = in_the_way
    assert main(["evaluate", str(CHECKS), "--html", name]) == 1
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert message in line
    assert captured.out == ""
    assert fixed.made_with == []
    assert Path(device).is_char_device()


def labelled(folder: Path, names: list[str]) -> Path:
    """Make a folder of fields whose labels are right; what else its names stand for is missing."""
    table = ["file,digits"]
    (folder / "images").mkdir()
    digits_of = dict(
        line.split(",")[:2] for line in (CHECKS / "labels.csv").read_text().splitlines()[1:]
    )
    for name in names:
        table.append(f"{name},{digits_of.get(name, '12')}")
        if name in digits_of:
            shutil.copy(CHECKS / "images" / name, folder / "images")
    (folder / "labels.csv").write_text("\n".join(table) + "\n")
    return folder


def test_evaluate_reports_unreadable_images_and_counts_the_others(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = ["missing.png", "text.png", "pipe.png", "empty.png"]
    folder = labelled(tmp_path, [wrong[0], "check-01.png", *wrong[1:], "check-02.png"])
    (folder / "images" / "text.png").write_text("no image")
    os.mkfifo(folder / "images" / "pipe.png")
    (folder / "images" / "empty.png").touch()
    page = tmp_path / "page.html"
    assert main(["evaluate", str(folder), "--html", str(page)]) == 1
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 4
    for name, line in zip(wrong, lines, strict=True):
        assert line.startswith("lessonlib: ")
        assert name in line
    assert "of 2 fields read exactly" in captured.out
    assert "4 of 6 images could not be read" in captured.out
    text = page.read_text(encoding="utf-8")
    assert "4 of 6 images could not be read" in text
    for name in wrong:
        assert name in text


def test_evaluate_without_any_readable_image_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["evaluate", str(labelled(tmp_path, ["a.png", "b.png"]))]) == 1
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert "none of the 2 images can be read; the first: there is no image file" in line
    assert captured.out == ""


@pytest.mark.parametrize(
    ("folder", "message"),
    [("file", "can't be written"), ("", "usage: "), ("--help", "usage: ")],
)
def test_samples_that_cannot_be_written_are_one_line(
    tmp_path: Path, folder: str, message: str
) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "lessonlib.synthesis", folder]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
