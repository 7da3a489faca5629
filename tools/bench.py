"""Measure speed and accuracy side by side, and write the tables of the page of benchmarks.

Usage: ``python -m tools.bench [numpy] [training] [reading] [doubts] [programs] [pages] [exchange]
[many]`` (``make bench``: all; numpy, training and programs need MNIST, pages needs Chromium), or
``python -m tools.bench real --folder FOLDER`` for labelled fields, and ``cases --folder FOLDER``
where the labels name the kind of each. By itself, ``python -m tools.bench gpu [--record]`` times
training on a GPU: see `tools.gpu`.
Each part prints its table and writes it to chapters/benchmarks/, and what it ran on to runs.csv
there. Seconds differ from machine to machine and from minute to minute; the ratios carry over.
"""

import argparse
import csv
import io
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from threadpoolctl import threadpool_limits

from lessonlib import (
    __version__,
    augment,
    checks,
    data_path,
    digits,
    evaluation,
    handwriting,
    models,
    network,
    optimizers,
    scoring,
    synthesis,
    training,
)
from lessonlib.checks.amount import amount_of
from lessonlib.checks.image import Gray
from lessonlib.checks.reader import BATCH_SIZE
from lessonlib.files import write_whole
from lessonlib.recipes import CUTTERS, DIGIT_MLP, READER_NAMES
from lessonlib.synthesis import nothing
from lessonlib.synthesis.fields import LabelledField
from lessonlib.synthesis.hands import Hand, drawn_hand, drawn_writer, left_out_hand
from lessonlib.synthesis.samples import sample_amounts
from tools import by_recipe, exchange, gpu
from tools.bench_pages import bench_pages
from tools.notebooks import CHAPTERS, cpu_name

Table = list[list[str]]  # a header, then rows
TABLES = CHAPTERS / "benchmarks"
# Kinds of images that hold digits, but no amount that somebody wrote or printed on paper.
NOT_ON_PAPER = ["mechanical meter", "seven-segment display"]
SEEDS = range(5)
DATALOADER_SEEDS = range(2)  # slow: two runs show that the accuracies agree
# No network was trained or chosen on fields of these seeds.
DRAWN_SEED, LEFT_OUT_SEED, DOUBT_SEED = 77, 78, 79
RENDERED = 1_000  # fields to read for the share read exactly
DOUBTFUL, NOTHINGS = 500, 100  # amounts with cents, and images of each kind that hold none
SURE = 0.9
THREADS = (2, 1)  # how many NumPy and torch may both use
EPOCHS = 7  # epochs of either, in turns
FIELDS, ROUNDS = 300, 3  # rendered fields to read, and how often
WARM_UP, STREAM = 500, 10_000  # fields read before the memory is looked at, and from there on
FAST: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 256,
    "lr": 5e-3,
    "schedule": "one-cycle",
    "augment": augment.shift,
    "validation": None,
}


def train_with_dataloader(seed: int) -> torch.nn.Module:
    """Train as the source lesson does: an image at a time through PIL transforms."""
    training.set_seed(seed)
    loader = gpu.one_at_a_time(batch_size=128)
    model = models.MLP()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    model.train()
    for _ in range(5):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    return model


def train_with_tensor(seed: int) -> torch.nn.Module:
    """Train the same network at the same settings, with the whole set in one tensor."""
    training.set_seed(seed)
    model = models.MLP()
    training.fit(
        model, *digits.load("train"), validation=None, seed=seed, device="cpu", progress=False
    )
    return model


def train_fast(seed: int) -> torch.nn.Module:
    """Train at the fast settings of the chapter on training."""
    training.set_seed(seed)
    model = models.MLP(dropout=0.0, batch_norm=True)
    training.fit(model, *digits.load("train"), **FAST, seed=seed, device="cpu", progress=False)
    return model


def train_best(seed: int) -> torch.nn.Module:
    """Train as the shipped weights were trained."""
    return by_recipe.train(DIGIT_MLP, seed)[0]


def measure(train: Callable[[int], torch.nn.Module], seeds: range) -> tuple[float, float]:
    """Train once per seed; return the median wall time and the mean accuracy."""
    test = training.as_tensors(*digits.load("test"), "cpu")
    seconds, accuracies = [], []
    for seed in seeds:
        start = time.perf_counter()
        model = train(seed)
        seconds.append(time.perf_counter() - start)
        accuracies.append(training.score(model, *test)[1])
    return statistics.median(seconds), statistics.mean(accuracies)


def bench_training() -> Table:
    """Compare the DataLoader loop, the one-tensor loop, the fast and the best settings."""
    ways = {
        "`DataLoader`, an image at a time, five epochs": (train_with_dataloader, DATALOADER_SEEDS),
        "the same training from one tensor": (train_with_tensor, SEEDS),
        "fast settings: one-cycle, batch norm, shifts; two epochs": (train_fast, SEEDS),
        "the shipped weights' settings: warps, 40 epochs": (train_best, range(1)),
    }
    table = [["Training", "Seconds", "Of the first's", "Test accuracy", "Seeds"]]
    first = 0.0
    for name, (train, seeds) in ways.items():
        seconds, accuracy = measure(train, seeds)
        first = first or seconds
        share = f"{seconds / first:.3f}"
        table.append([name, f"{seconds:.1f}", share, f"{accuracy:.2%}", f"{len(seeds)}"])
    return table


def train_with_numpy(X: npt.NDArray[Any], y: npt.NDArray[Any]) -> list[float]:
    """Train the network written by hand for an epoch, at the plain settings without dropout."""
    W, b = network.initialize((784, 256, 128, 10), np.random.default_rng(0))
    W, b = ([w.astype(np.float32) for w in part] for part in (W, b))
    optimizer = optimizers.Adam([*W, *b], lr=1e-3)
    rng = np.random.default_rng(0)
    return optimizers.train(X, y, W, b, optimizer, rng, epochs=1, batch_size=128)


def train_with_torch(X: npt.NDArray[Any], y: npt.NDArray[Any]) -> list[float]:
    """Train the same network in the same way, with torch's fastest Adam."""
    training.set_seed(0)
    model = models.MLP(dropout=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    batches = training.shuffled_batches(len(X), 128, torch.Generator().manual_seed(0))
    x, labels = torch.from_numpy(X), torch.from_numpy(y)
    return [training.train_epoch(model, x, labels, batches, optimizer)[0]]


def bench_numpy() -> Table:
    """Compare an epoch of the network in NumPy with the same epoch in torch, in turns."""
    images, y = digits.load("train")
    X = models.to_tensor(images).reshape(-1, 784).numpy()
    table = [["Threads", "NumPy, seconds", "PyTorch, seconds", "NumPy / PyTorch"]]
    for threads in THREADS:
        with torch_threads(threads), threadpool_limits(threads):
            ours, theirs = seconds_of_an_epoch(X, y)
        table.append([f"{threads}", f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.2f}"])
    return table


def seconds_of_an_epoch(X: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[float, float]:
    """Train for an epoch with NumPy and with torch, in turns; return each one's median time."""
    seconds: dict[str, list[float]] = {"NumPy": [], "torch": []}
    for _ in range(EPOCHS):
        for name, train in (("NumPy", train_with_numpy), ("torch", train_with_torch)):
            start = time.perf_counter()
            (loss,) = train(X, y)
            seconds[name].append(time.perf_counter() - start)
            assert loss < 0.4, f"{name} did not learn"
    return statistics.median(seconds["NumPy"]), statistics.median(seconds["torch"])


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def bench_reading() -> Table:
    """Measure the readers on rendered fields: shares read exactly, speed, steps, memory."""
    if missing := handwriting.why_missing():
        print(f"Without the row of writers left out of training: {missing}.")
    return by_reader([measure_reader(name) for name in READER_NAMES])


def by_reader(columns: list[dict[str, str]]) -> Table:
    """Put what was measured of each reader side by side, a row for each measure."""
    header = ["Measure", *map(heading, READER_NAMES)]
    return [header, *([name, *(c[name] for c in columns)] for name in columns[0])]


def heading(name: str) -> str:
    """Write the name of a reader as a column's heading; that of a cutter is an abbreviation."""
    return name.upper() if name in CUTTERS else name.capitalize()


def measure_reader(name: str) -> dict[str, str]:
    """Measure one of the readers on rendered fields."""
    reader = checks.CheckReader(name)
    many = f"Exactly right, {RENDERED:,} rendered fields"
    found = {many: share_read(reader, DRAWN_SEED, lambda _: drawn_hand)}
    if not handwriting.why_missing():
        left_out = share_read(reader, LEFT_OUT_SEED, left_out_hand)
        found[f"{many} by writers left out of training"] = left_out
    fields = rendered_fields(FIELDS)
    reader.read_many(fields[:BATCH_SIZE])  # what is slow the first time only
    found |= rates(reader, fields)
    rounds = [seconds_of_steps(reader, fields) for _ in range(ROUNDS)]
    for step in rounds[0]:
        median = statistics.median(times[step] for times in rounds)
        found[f"Step *{step}*, ms a field"] = f"{1000 * median / FIELDS:.2f}"
    most, growth = measured_apart(name)
    found[f"Memory over the first {WARM_UP:,} fields of a stream, MB"] = f"{most:.0f}"
    found[f"Memory more over the next {STREAM:,}, MB"] = f"{growth:.1f}"
    return found


def share_read(
    reader: checks.CheckReader, seed: int, writer: Callable[[np.random.Generator], Hand]
) -> str:
    """Return the share of rendered fields of usual difficulty that is read exactly.

    `writer` makes the hand of each field.
    """
    rng = np.random.default_rng(seed)
    amounts = sample_amounts(rng, RENDERED)
    readings = reader.read_many(
        synthesis.render(amount, rng, hand=writer(rng)) for amount in amounts
    )
    pairs = zip(readings, amounts, strict=True)
    hits = sum(reading.text == synthesis.digits_of(amount) for reading, amount in pairs)
    return share(hits / RENDERED, evaluation.wilson_interval(hits, RENDERED))


def share(value: float, interval: tuple[float, float]) -> str:
    """Write a share with its 95 % interval."""
    low, high = interval
    return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def bench_doubts() -> Table:
    """Measure what the readers do where they can't know: amounts half seen, images of nothing."""
    rng = np.random.default_rng(DOUBT_SEED)
    fields, values = fields_with_cents(DOUBTFUL, rng)
    empty = {kind: [make(rng) for _ in range(NOTHINGS)] for kind, make in nothing.KINDS.items()}
    readers = [checks.CheckReader(name) for name in READER_NAMES]
    return by_reader(
        [amounts_read(reader, fields, values) | sure_of(reader, empty) for reader in readers]
    )


def amounts_read(
    reader: checks.CheckReader, fields: list[LabelledField], values: list[Decimal]
) -> dict[str, str]:
    """Count what becomes of the amounts of some fields, where their digits are read rightly."""
    readings = reader.read_many(field.image for field in fields)
    read = [
        (reading.amount, value)
        for reading, field, value in zip(readings, fields, values, strict=True)
        if reading.text == synthesis.digits_of(field.text)
    ]
    right = sum(amount == value for amount, value in read)
    none = sum(amount is None for amount, _ in read)
    return {
        f"Digits right, of {len(fields)} amounts with cents": f"{len(read)}",
        "of those, `amount` is right": f"{right}",
        "`amount` is None": f"{none}",
        "`amount` is another number": f"{len(read) - right - none}",
    }


def sure_of(reader: checks.CheckReader, images: dict[str, list[Gray]]) -> dict[str, str]:
    """Count for each kind of images that hold no amount how many are read with confidence."""
    return {
        f"Confidence above {SURE}, of {len(part)} images: {kind}": str(
            sum(reading.confidence > SURE for reading in reader.read_many(part))
        )
        for kind, part in images.items()
    }


def fields_with_cents(
    count: int, rng: np.random.Generator
) -> tuple[list[LabelledField], list[Decimal]]:
    """Render fields on anyone's paper that hold an amount with cents, and give the amounts."""
    fields: list[LabelledField] = []
    values: list[Decimal] = []
    while len(fields) < count:
        field = synthesis.anyones_field(rng, drawn_writer(rng, rarer=True))
        amount = amount_of(field.text)
        if amount.value is not None and amount.place is not None:
            fields.append(field)
            values.append(amount.value)
    return fields, values


def bench_programs() -> Table:
    """Train with the quick reference's first program, and read rendered fields with its second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained = run_program("train_digits.py", "--data", f"{digits.find_mnist()}", cwd=folder)
        (accuracy,) = re.findall(r"^test: (\S+)% of", trained, re.MULTILINE)
        samples = Path(str(data_path("checks")))
        files, labels = scoring.read_labels(samples)
        sets = {
            "the sample checks": ([samples / "images" / file for file in files], list(labels)),
            "rendered fields": write_fields(folder),
        }
        table = [["Measure", "Share"], ["Test accuracy, 15 epochs on MNIST", f"{accuracy} %"]]
        for title, (paths, truth) in sets.items():
            lines = run_program("read_check.py", *map(str, paths), cwd=folder).splitlines()
            pairs = zip([line.split("\t")[1] for line in lines], truth, strict=True)
            hits = sum(text == label for text, label in pairs)
            exact = share(hits / len(truth), evaluation.wilson_interval(hits, len(truth)))
            table.append([f"Exactly right, {len(truth):,} of {title}", exact])
    return table


def write_fields(folder: Path) -> tuple[list[Path], list[str]]:
    """Write the rendered fields that the readers are measured on; return them and their digits."""
    rng = np.random.default_rng(DRAWN_SEED)
    amounts = sample_amounts(rng, RENDERED)
    paths = [folder / f"{number}.png" for number in range(RENDERED)]
    for path, amount in zip(paths, amounts, strict=True):
        Image.fromarray(synthesis.render(amount, rng, hand=drawn_hand)).save(path)
    return paths, [synthesis.digits_of(amount) for amount in amounts]


def run_program(name: str, *arguments: str, cwd: Path) -> str:
    """Run one of the quick reference's programs, and return what it prints."""
    command = [sys.executable, str(CHAPTERS / "programs" / name), *arguments]
    done = subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def bench_many() -> Table:
    """Compare two workers of Dask with one process."""
    from tools import many  # Dask and PyArrow, which nothing else needs

    return many.bench_many()


def bench_real(folder: Path) -> Table:
    """Measure the readers on a folder of labelled fields, as ``lessonlib evaluate`` does."""
    columns = []
    for name in READER_NAMES:
        result = scoring.evaluate(folder, checks.CheckReader(name))
        confidence = np.mean([reading.confidence for reading in result.readings])
        columns.append(
            {
                "Fields": f"{len(result.files)}",
                "Exactly right": share(result.exact, result.interval),
                "Digit errors, for 100 digits": f"{100 * result.digit_errors:.1f}",
                "Accept rate at 1 % error": f"{100 * result.accept_rate:.1f} %",
                "Mean confidence": f"{confidence:.2f}",
            }
        )
    return by_reader(columns)


def bench_cases(folder: Path) -> Table:
    """Measure the readers on labelled images of many kinds, named in the column kind of the labels.

    A row says how many images of its kind are read exactly. What is no amount on paper has a row,
    too, but doesn't count in the first ones.
    """
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        kinds = {row["file"]: row["kind"] for row in csv.DictReader(file)}
    columns = []
    for name in READER_NAMES:
        result = scoring.evaluate(folder, checks.CheckReader(name))
        own = np.array([kinds[file] for file in result.files])
        counts, right = ~np.isin(own, NOT_ON_PAPER), np.array(result.right)
        sure = np.array([reading.confidence for reading in result.readings])
        hits, total = int(right[counts].sum()), int(counts.sum())
        found = {
            "Images": f"{total}",
            "Exactly right": share(hits / total, evaluation.wilson_interval(hits, total)),
            "Mean confidence": f"{sure[counts].mean():.2f}",
        }
        for kind in sorted(set(own.tolist())):
            found[kind] = f"{int(right[own == kind].sum())} of {int((own == kind).sum())}"
        columns.append(found)
    return by_reader(columns)


def rendered_fields(count: int) -> list[Gray]:
    """Render fields of usual difficulty, as the sample checks are."""
    rng = np.random.default_rng(0)
    return [synthesis.render(amount, rng) for amount in sample_amounts(rng, count)]


def rates(reader: checks.CheckReader, fields: list[Gray]) -> dict[str, str]:
    """Measure fields a second on idle and busy cores, and what torch's own threads would give."""
    found = {}
    for cores, programs in (("idle", 0), ("busy", os.cpu_count() or 1)):
        with busy(programs):
            one = fields_a_second(reader, fields)
            with torch_s_own_threads():
                own = fields_a_second(reader, fields)
        found[f"Fields a second, {cores} cores"] = f"{one:.0f}"
        threads = f"with the network in torch's {torch.get_num_threads()} threads"
        found[f"{threads}, {cores} cores"] = f"{own / one:.2f} of that"
    return found


@contextmanager
def torch_s_own_threads() -> Iterator[None]:
    """Let the readers' networks compute in as many threads as torch likes."""
    with ExitStack() as stack:
        for way in ("cutting", "lines"):
            stack.enter_context(mock.patch(f"lessonlib.checks.{way}.one_thread", nullcontext))
        yield


@contextmanager
def busy(programs: int) -> Iterator[None]:
    """Keep cores busy with programs that never rest."""
    running = [subprocess.Popen([sys.executable, "-c", "while 1: 0"]) for _ in range(programs)]
    try:
        yield
    finally:
        for program in running:
            program.kill()
            program.wait()


def fields_a_second(reader: checks.CheckReader, fields: list[Gray]) -> float:
    """Read fields several times; return the median rate."""
    return len(fields) / statistics.median(seconds_to_read(reader, fields) for _ in range(ROUNDS))


def seconds_to_read(reader: checks.CheckReader, images: list[Gray]) -> float:
    """Time one call of `read_many`."""
    start = time.perf_counter()
    reader.read_many(images)
    return time.perf_counter() - start


def seconds_of_steps(reader: checks.CheckReader, images: list[Gray]) -> dict[str, float]:
    """Prepare fields and read them, one after the other, and add up the time of either step.

    The sum is not the time of `read_many`, which prepares the next batch while one is read.
    """
    seconds = dict.fromkeys(("prepare", "read"), 0.0)
    for start in range(0, len(images), BATCH_SIZE):
        begun = time.perf_counter()
        fields = [reader.way.prepare(image) for image in images[start : start + BATCH_SIZE]]
        prepared = time.perf_counter()
        reader.way.read(fields)
        seconds["prepare"] += prepared - begun
        seconds["read"] += time.perf_counter() - prepared
    return seconds


def measured_apart(name: str) -> tuple[float, float]:
    """Measure memory in a process of its own, where nothing else has been in memory."""
    code = f"import json; from tools import bench; print(json.dumps(bench.memory({name!r})))"
    run = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    most, growth = json.loads(run.stdout)
    return float(most), float(growth)


def memory(name: str) -> tuple[float, float]:
    """Read a stream; return the most memory taken by its first fields, and how much it grew."""
    fields = rendered_fields(FIELDS)
    reader = checks.CheckReader(name)

    def read(count: int) -> float:
        for _ in reader.read_iter(islice(cycle(fields), count)):
            pass
        return peak_memory()

    before, after = read(WARM_UP), read(STREAM)
    return before, after - before


def peak_memory() -> float:
    """Return the most memory that this process has held so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, getrusage would count the process that started this one, too
        lines = status.read_text().splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
        return int(peak) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # a Mac's are bytes


PARTS: dict[str, Callable[[], Table]] = {
    "numpy": bench_numpy,
    "training": bench_training,
    "reading": bench_reading,
    "doubts": bench_doubts,
    "programs": bench_programs,
    "pages": bench_pages,
    "exchange": exchange.bench_exchange,
    "many": bench_many,
}
NEED_MNIST = {"numpy", "training", "programs"}
FOLDER_PARTS: dict[str, Callable[[Path], Table]] = {"real": bench_real, "cases": bench_cases}
RUN = ("Part", "Command", "Date", "CPU", "Cores", "lessonlib")


def record(part: str, command: str, table: Table, folder: Path = TABLES) -> None:
    """Write a part's table, and in runs.csv when, on what and by which command it was measured.

    The table is a header, then rows. The folder is made where it is missing.
    """
    folder.mkdir(exist_ok=True)
    write_csv(folder / f"{part}.csv", table)
    runs = folder / "runs.csv"
    lines = runs.read_text(encoding="utf-8").splitlines() if runs.is_file() else []
    rows = {row[0]: row for row in list(csv.reader(lines))[1:]}
    today = time.strftime("%Y-%m-%d", time.gmtime())
    rows[part] = [part, f"`{command}`", today, cpu_name(), f"{os.cpu_count()}", __version__]
    write_csv(runs, [list(RUN), *(rows[name] for name in (*PARTS, *FOLDER_PARTS) if name in rows)])


def write_csv(path: Path, table: Table) -> None:
    """Write rows to a CSV file, whole or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    write_whole(path, text.getvalue().encode())


def show(table: Table) -> None:
    """Print a table with its columns aligned."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def measure_gpu(record_it: bool) -> None:
    """Time training on a GPU, and record it where asked."""
    device = training.pick_device()
    if device.type == "cpu":
        sys.exit("torch finds no GPU here, so there is nothing to measure.")
    if digits.source() != "mnist":
        sys.exit("gpu trains on MNIST, which was not found: set LESSONLIB_MNIST_ROOT.")
    table = gpu.bench_gpu(device)
    show(table)
    if record_it:
        gpu.record(table)


def main(arguments: list[str]) -> None:
    """Run the parts that are named, or all that need no folder; print and store their tables."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    known_parts = ", ".join([*PARTS, *FOLDER_PARTS])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{known_parts}; or gpu alone")
    parser.add_argument(
        "--folder", type=Path, help=f"labelled fields for {' or '.join(FOLDER_PARTS)}"
    )
    parser.add_argument("--record", action="store_true", help="with gpu: add it to data/gpu.csv")
    chosen = parser.parse_args(arguments)
    if chosen.parts == ["gpu"]:
        measure_gpu(chosen.record)
        return
    if chosen.record:
        sys.exit("--record goes with gpu alone: the other parts always write their tables.")
    names = chosen.parts or list(PARTS)
    if unknown := set(names) - {*PARTS, *FOLDER_PARTS}:
        known = ", ".join([*PARTS, *FOLDER_PARTS])
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there is: {known}")
    if NEED_MNIST & set(names) and digits.source() != "mnist":
        needing = ", ".join(part for part in PARTS if part in NEED_MNIST)
        sys.exit(f"The parts {needing} need MNIST: set LESSONLIB_MNIST_ROOT.")
    of_folder = [name for name in names if name in FOLDER_PARTS]
    if len(of_folder) != (chosen.folder is not None):
        sys.exit("The parts real and cases read labelled fields, one at a time: --folder FOLDER.")
    for name in names:
        table = FOLDER_PARTS[name](chosen.folder) if name in of_folder else PARTS[name]()
        show(table)
        given = " --folder FOLDER" if name in of_folder else ""
        record(name, f"python -m tools.bench {name}{given}", table)


if __name__ == "__main__":
    main(sys.argv[1:])
