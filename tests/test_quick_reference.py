"""The quick reference's two programs run as files, in a folder that has nothing else."""

import ast
import csv
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import torch

from lessonlib import checksums, data_path, digits, scoring
from lessonlib.checks.image import Gray
from lessonlib.synthesis.hands import bundled_hand
from lessonlib.synthesis.render import MEDIUM, render

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
PROGRAMS = CHAPTERS / "programs"
PAGE = CHAPTERS / "quick-reference.md"
TRAIN, READ = "train_digits.py", "read_check.py"
MAY_IMPORT = {TRAIN: {"torch", "torchvision", "sklearn"}, READ: {"numpy", "torch", "cv2", "scipy"}}
NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


class Outcome(NamedTuple):
    """How a program ended, and what it printed."""

    code: int
    out: str
    err: str


def start(folder: Path, program: str, *arguments: str, **more: str) -> Outcome:
    """Start a program of the folder as a stranger would: a process with hardly a variable set."""
    environment = {"PATH": os.defpath, "HOME": str(folder), "OMP_NUM_THREADS": "1"} | NO_NETWORK
    if "SYSTEMROOT" in os.environ:  # Windows starts nothing without it
        environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    command = [sys.executable, "-I", program, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment | more, capture_output=True, text=True, timeout=300
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


Call = Callable[..., Outcome]


@pytest.fixture
def call(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Run a program of the folder in this process, where torch need not be loaded once more."""
    for name, value in NO_NETWORK.items():
        monkeypatch.setenv(name, value)
    # Python's first request fixes the proxy of all later ones; this one must not stay.
    monkeypatch.setattr(urllib.request, "_opener", None)
    monkeypatch.chdir(folder)
    timeout = socket.getdefaulttimeout()

    def run_here(program: str, *arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", [program, *arguments])
        code: str | int | None = None
        try:
            runpy.run_path(str(folder / program), run_name="__main__")
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        if isinstance(code, str):  # Python prints it, and exits with 1
            return Outcome(1, out, f"{err}{code}\n")
        return Outcome(int(code or 0), out, err)

    yield run_here
    socket.setdefaulttimeout(timeout)


def readings(done: Outcome) -> dict[str, tuple[str, float]]:
    """What was printed: the text and the probability of each file."""
    rows = [line.split("\t") for line in done.out.splitlines()]
    return {Path(file).name: (text, float(probability)) for file, text, probability, _ in rows}


def share_of_equals(found: Iterable[object], wanted: Iterable[object]) -> float:
    return float(np.mean([one == other for one, other in zip(found, wanted, strict=True)]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two programs."""
    folder = tmp_path_factory.mktemp("empty")
    for program in (TRAIN, READ):
        shutil.copy(PROGRAMS / program, folder)
    return folder


@pytest.fixture(scope="module")
def training(folder: Path) -> Outcome:
    """A run of the first program; it leaves digits.pt in the folder."""
    done = start(folder, TRAIN, "--data", "bundled", "--epochs", "10")
    assert done.code == 0, done.err
    return done


@pytest.fixture
def trained(folder: Path, training: Outcome) -> Path:
    assert "wrote digits.pt" in training.out
    return folder


# ---------------------------------------------------------------- the sources


@pytest.mark.parametrize("program", MAY_IMPORT)
def test_a_program_imports_only_what_the_page_names(program: str) -> None:
    modules = set()
    for node in ast.walk(ast.parse((PROGRAMS / program).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            modules.add(str(node.module).partition(".")[0])
    assert modules - sys.stdlib_module_names <= MAY_IMPORT[program]
    assert not modules & {"importlib", "runpy", "subprocess"}


def test_scikit_learn_is_imported_only_where_its_digits_are_asked_for() -> None:
    top = ast.parse((PROGRAMS / TRAIN).read_text(encoding="utf-8")).body
    names = [ast.unparse(node) for node in top if isinstance(node, ast.Import | ast.ImportFrom)]
    assert names
    assert not any("sklearn" in name for name in names)


def test_both_programs_define_the_same_network() -> None:
    sources = [(PROGRAMS / program).read_text(encoding="utf-8") for program in (TRAIN, READ)]
    classes = [
        re.search(r"^class MLP.*?(?=^\S)", text, re.DOTALL | re.MULTILINE) for text in sources
    ]
    first, second = (found[0].strip() if found else "" for found in classes)
    assert "def forward" in first
    assert first == second


@pytest.mark.parametrize("program", MAY_IMPORT)
def test_every_function_says_why_in_one_line(program: str) -> None:
    tree = ast.parse((PROGRAMS / program).read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert len(functions) > 5
    for function in functions:
        if function.name != "__init__":
            assert len((ast.get_docstring(function) or "").splitlines()) == 1, function.name


def test_the_programs_keep_the_form_of_the_courses_code() -> None:
    """The linter and the type checker leave chapters/ out, so they are asked here."""
    files = [str(PROGRAMS / program) for program in (TRAIN, READ)]
    root = PROGRAMS.parents[1]
    ruff, mypy = (str(Path(sys.executable).with_name(tool)) for tool in ("ruff", "mypy"))
    plain = ["--no-force-exclude", "--isolated", "--line-length", "100"]
    select = ["--select", "E,F,W,I,B,UP,SIM,NPY,PTH"]
    for command in (
        [ruff, "check", *plain, *select, *files],
        [ruff, "format", "--check", "--isolated", "--line-length", "100", *files],
        [mypy, *files],
    ):
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_shows_both_programs_and_offers_them_for_download() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for program in (TRAIN, READ):
        assert f"```{{literalinclude}} programs/{program}\n" in page
        assert f"{{download}}`{program} <programs/{program}>`" in page


def test_the_page_names_every_argument() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for program in (TRAIN, READ):
        options = re.findall(r'add_argument\(\s*"(--\w+)"', (PROGRAMS / program).read_text())
        assert options
        assert [name for name in options if f"`{name}" not in page] == []


# ---------------------------------------------------------------- training


def test_training_prints_each_epoch_and_the_test_images_once(
    training: Outcome,
) -> None:
    lines = training.out.splitlines()
    epochs = [line for line in lines if re.match(r"epoch \d+: [\d.]+% of 109 held-out", line)]
    assert len(epochs) == 10
    tests = [re.fullmatch(r"test: ([\d.]+)% of 497 images right", line) for line in lines]
    shares = [float(found[1]) for found in tests if found]
    assert len(shares) == 1
    assert shares[0] > 93  # 95.6 to 96.8 with five seeds


def test_a_checkpoint_is_plain_numbers_on_the_cpu(trained: Path) -> None:
    saved = torch.load(trained / "digits.pt", weights_only=True)
    assert [saved[f"net.{k}.weight"].shape for k in (1, 4, 7)] == [
        (256, 784),
        (128, 256),
        (10, 128),
    ]
    assert all(value.device.type == "cpu" for value in saved.values())


def test_one_seed_gives_the_same_network_and_another_a_different_one(
    folder: Path, call: Call
) -> None:
    states = []
    for name, seed in (("a.pt", "3"), ("b.pt", "3"), ("c.pt", "4")):
        call(TRAIN, "--data", "bundled", "--epochs", "1", "--seed", seed, "--out", name)
        states.append(torch.load(folder / name, weights_only=True)["net.1.weight"])
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize("files", ["absent", "damaged"])
def test_without_mnist_training_stops_and_names_the_remedy(
    folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch, files: str
) -> None:
    monkeypatch.setenv("LESSONLIB_MNIST_ROOT", files)
    raw = folder / files / "MNIST" / "raw"
    if files == "damaged":
        raw.mkdir(parents=True)
        for part in ("train", "t10k"):
            for kind in ("images-idx3", "labels-idx1"):
                (raw / f"{part}-{kind}-ubyte").write_bytes(b"\0\0\x08\x03 cut short")
    done = call(TRAIN, "--out", "never.pt")
    assert done.code == 1
    assert f"{files}/MNIST/raw has no MNIST" in done.err
    assert "--data bundled" in done.err
    assert not (folder / "never.pt").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--epochs", "0"], "--epochs must be at least 1"),
        (["--epochs", "few"], "invalid int value"),
        (["--seed", "-1"], "--seed from 0"),
        (["--seed", str(2**64)], "--seed from 0"),
        (["--out", "."], "--out must name a file"),
        (["--out", "nowhere/digits.pt"], "--out must name a file"),
    ],
)
def test_arguments_that_cannot_work_are_refused_before_training(
    call: Call, arguments: list[str], complaint: str
) -> None:
    done = call(TRAIN, "--data", "bundled", *arguments)
    assert done.code == 2
    assert complaint in done.err
    assert done.out == ""


# ---------------------------------------------------------------- reading


def test_the_samples_are_cut_into_digits_and_some_are_read_exactly(trained: Path) -> None:
    samples = data_path("checks")
    files, labels = scoring.read_labels(samples)
    done = start(trained, READ, *(str(samples / "images" / file) for file in files))
    assert done.code == 0, done.err
    assert list(readings(done)) == files
    read = [text for text, _ in readings(done).values()]
    # 26 of the 36 have the right number of digits. Networks of 1,300 digits read 5 to 9 exactly
    # (nine runs: three seeds; 5, 10 and 20 epochs).
    assert share_of_equals(map(len, read), map(len, labels)) >= 24 / 36
    assert share_of_equals(read, labels) >= 3 / 36
    assert all(0 < probability <= 1 for _, probability in readings(done).values())


FIELDS = 60
SHOWN_AS: dict[str, Callable[[Gray], Gray]] = {
    "as scanned": lambda image: image,
    "at three times the resolution": lambda image: image.repeat(3, axis=0).repeat(3, axis=1),
    "at half the resolution": lambda image: shrink(image),
    "with a line through it": lambda image: rule(image),
}


def shrink(image: Gray) -> Gray:
    return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def rule(image: Gray) -> Gray:
    """Draw a dark line of two pixels through the lower half of every digit."""
    ruled = image.copy()
    row = round(0.66 * len(image))
    ruled[row : row + 2] = 40
    return ruled


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder of what the programs are for, digits apart on shaded paper, and its texts."""
    folder = tmp_path_factory.mktemp("fields")
    rng = np.random.default_rng(0)
    plain = dict.fromkeys(("contrast", "blur", "lines", "slant", "touching", "unevenness"), 0.0)
    kind = replace(MEDIUM, clipping=0.0, **plain)
    texts = ["".join(map(str, rng.integers(0, 10, rng.integers(2, 7)))) for _ in range(FIELDS)]
    for number, text in enumerate(texts):
        image = render(text, rng, kind, bundled_hand)
        for name, show in SHOWN_AS.items():
            cv2.imwrite(str(folder / f"{number} {name}.png"), show(image))
    return folder, texts


def files_of(folder: Path, name: str) -> list[str]:
    return [str(folder / f"{number} {name}.png") for number in range(FIELDS)]


@pytest.mark.usefixtures("trained")
def test_plain_fields_are_read_at_any_resolution_and_through_a_ruled_line(
    call: Call, fields: tuple[Path, list[str]]
) -> None:
    folder, texts = fields
    read = {}
    for name in SHOWN_AS:
        done = call(READ, *files_of(folder, name))
        read[name] = [text for text, _ in readings(done).values()]
    right = {name: share_of_equals(found, texts) for name, found in read.items()}
    found = {name: share_of_equals(map(len, part), map(len, texts)) for name, part in read.items()}
    # Measured with networks of five seeds, of 60: 41 to 47 right and 59 of the right length, with
    # the line 35 to 37 and 56; as at first, 56 or more at three times the resolution and 51 or more
    # at half. Without the scaling to one height these two are 46 or fewer and 25 or fewer; without
    # the erasing of lines, none with a line is right.
    assert min(right[name] for name in SHOWN_AS if name != "with a line through it") >= 0.55, right
    assert right["with a line through it"] >= 0.4, right
    assert min(found.values()) >= 0.85, found
    as_scanned = read["as scanned"]
    assert share_of_equals(read["at three times the resolution"], as_scanned) >= 0.85
    assert share_of_equals(read["at half the resolution"], as_scanned) >= 0.7


@pytest.mark.skipif(digits.source() != "mnist", reason="needs MNIST")
def test_a_network_of_mnist_is_read_with_too(call: Call, fields: tuple[Path, list[str]]) -> None:
    root = str(digits.find_mnist())
    training = call(TRAIN, "--data", root, "--epochs", "1", "--out", "mnist.pt")
    found = re.search(r"test: ([\d.]+)% of 10,000", training.out)
    assert found, training.err
    assert float(found[1]) > 96.5  # 97.7 with seed 0
    folder, texts = fields
    done = call(READ, "--model", "mnist.pt", *files_of(folder, "as scanned"))
    read = [text for text, _ in readings(done).values()]
    assert share_of_equals(read, texts) >= 0.3  # other hands than MNIST's


@pytest.mark.filterwarnings("error")
def test_blank_images_have_an_empty_text(trained: Path, call: Call) -> None:
    noise = np.random.default_rng(0).normal(230, 1.5, size=(64, 300)).clip(0, 255)
    faint = np.full((64, 300), 230)
    faint[10:50, 100:106] = 220  # as print that shows through from the other side
    blanks = {
        "white.png": np.full((64, 300), 255),
        "black.png": np.zeros((64, 300)),
        "pixel.png": np.full((1, 1), 255),
        "strip.png": np.full((1, 5000), 200),
        "noise.png": noise,
        "faint.png": faint,
    }
    for name, image in blanks.items():
        cv2.imwrite(str(trained / name), image.astype(np.uint8))
    done = call(READ, *blanks)
    assert done.code == 0, done.err
    assert readings(done) == dict.fromkeys(blanks, ("", 0.0))


def test_what_is_no_image_is_named_and_does_not_stop_the_others(trained: Path, call: Call) -> None:
    good = (data_path("checks", "images", "check-06.png")).read_bytes()
    (trained / "good.png").write_bytes(good)
    (trained / "cut.png").write_bytes(good[: len(good) // 2])
    (trained / "text.png").write_text("no image")
    (trained / "nothing.png").write_bytes(b"")
    (trained / "directory.png").mkdir()
    bad = ["missing.png", "cut.png", "text.png", "nothing.png", "directory.png"]
    done = call(READ, *bad, "good.png")
    assert done.code == 1
    assert list(readings(done)) == ["good.png"]
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == len(bad)
    for name, error in zip(bad, errors, strict=True):
        assert name in error


class Stranger:
    """What a pickle can smuggle in: a call when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("this ran",)


def broken_checkpoints(good: Path) -> dict[str, object]:
    state = torch.load(good, weights_only=True)
    return {
        "cut.pt": good.read_bytes()[:2000],
        "empty.pt": b"",
        "stranger.pt": Stranger(),
        "list.pt": [1, 2, 3],
        "keys.pt": {"net.1.weight": state["net.1.weight"]},
        "sizes.pt": state | {"net.7.weight": torch.zeros(26, 128)},
    }


BROKEN = "error: {} is no network of train_digits.py: run that first"


def test_a_broken_checkpoint_is_named_and_runs_no_code(trained: Path, call: Call) -> None:
    image = str(data_path("checks", "images", "check-06.png"))
    for name, content in broken_checkpoints(trained / "digits.pt").items():
        if isinstance(content, bytes):
            (trained / name).write_bytes(content)
        else:
            torch.save(content, trained / name)
        done = call(READ, image, "--model", name)
        assert done.code == 1, name
        assert BROKEN.format(name) in done.err
        assert done.out == "", name


def test_a_missing_checkpoint_is_named_with_the_remedy(call: Call) -> None:
    done = call(READ, "any.png", "--model", "absent.pt")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(BROKEN.format("absent.pt"))
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("number", ["79927398713", "0", "18", "26", "4111111111111111"])
def test_a_number_is_checked_as_luhn_does(folder: Path, number: str) -> None:
    luhn_valid = runpy.run_path(str(folder / READ))["luhn_valid"]
    assert luhn_valid(number)
    for change in range(1, 10):  # any other last digit fails
        other = number[:-1] + str((int(number[-1]) + change) % 10)
        assert luhn_valid(other) is checksums.luhn_valid(other) is False
    assert not luhn_valid("")


def test_a_broken_checkpoint_ends_the_process_with_one_line_and_no_traceback(folder: Path) -> None:
    (folder / "garbage.pt").write_bytes(b"no checkpoint")
    done = start(folder, READ, "any.png", "--model", "garbage.pt")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(BROKEN.format("garbage.pt"))
    assert len(done.err.splitlines()) == 1


def test_the_pages_snippet_counts_what_is_read_exactly(tmp_path: Path) -> None:
    found = re.search(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.M)
    assert found
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a.png", "12"], ["b.png", "3"], ["c.png", "4"]])
    (tmp_path / "read.tsv").write_text("a.png\t12\t0.9\tfails Luhn\nb.png\t\t0.000\tfails Luhn\n")
    (tmp_path / "measure.py").write_text(found[1])
    assert start(tmp_path, "measure.py").out == "1 of 3 read exactly\n"
