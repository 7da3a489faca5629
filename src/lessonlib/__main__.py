"""The command line: ``python -m lessonlib doctor | read | train | evaluate``."""

import argparse
import contextlib
import io
import json
import math
import os
import platform
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lessonlib import __version__, files
from lessonlib.recipes import DEFAULT_READER, READER_NAMES, SHIPPED

if TYPE_CHECKING:
    from lessonlib import models
    from lessonlib.checks import Reading

INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended: 128 and the signal's number
BROKEN_PIPE = 141  # the same where the next program of a pipe reads no more

NEEDED_PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "opencv-python-headless",
    "torch",
    "torchvision",
    "safetensors",
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : list of str, optional
        The words after the program's name; `sys.argv`'s when not given.

    Returns
    -------
    int
        The exit status: 0 when all went well; 1 when something is wrong, and a line on stderr
        says what; 130 after Ctrl-C; 141 when whoever reads the output has stopped.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that it can't encode costs no image
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            options = _parser().parse_args(arguments)
            command: Callable[[argparse.Namespace], int] = options.command
            return command(options)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # now, while a failure can still be told
    except KeyboardInterrupt:
        if sys.stderr is not None and sys.stderr.isatty():
            print(file=sys.stderr)  # after ^C, or what was drawn of a progress bar
        _complain("stopped by Ctrl-C")
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    except (OSError, ValueError) as error:
        _complain(error)
        return 1
    finally:
        _detach_broken_streams()


def _complain(about: object) -> None:
    """Say on stderr what is wrong, in one line."""
    with contextlib.suppress(OSError):  # stderr may be the broken pipe
        print(f"lessonlib: {_in_one_line(str(about))}", file=sys.stderr)


def _in_one_line(text: str) -> str:
    """Write control characters, which would break a line, and lone surrogates as escapes."""
    unprintable = ("Cc", "Cs", "Zl", "Zp")
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in unprintable else c
        for c in text
    )


def _detach_broken_streams() -> None:
    """Point a stream that can't be written to at nothing, else Python fails again when it ends."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # it was closed from the start
            continue
        try:
            stream.flush()
        except OSError:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, stream.fileno())
            os.close(nothing)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lessonlib", description=__doc__)
    parser.add_argument("--version", action="version", version=f"lessonlib {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    doctor = commands.add_parser("doctor", help="look at versions, device, data and weights")
    doctor.set_defaults(command=_doctor)

    read = commands.add_parser("read", help="read the amounts in images")
    read.add_argument("images", nargs="+", metavar="IMAGE")
    _add_model(read)
    read.add_argument(
        "--min-confidence",
        type=_probability,
        default=0.0,
        metavar="P",
        help="mark what is read with less confidence as rejected (0 to 1; default: %(default)s)",
    )
    read.add_argument(
        "--json",
        action="store_true",
        help="print a JSON object for each image, in a line (default: its name, text, confidence)",
    )
    read.add_argument(
        "--alternatives",
        type=_count,
        default=0,
        metavar="N",
        help="print the N next best texts, too, each with its probability in a line of its own "
        "(default: %(default)s; there are 4 at most)",
    )
    read.set_defaults(command=_read)

    train = commands.add_parser("train", help="train the MLP and save its weights")
    train.add_argument(
        "--epochs",
        type=_epochs,
        default=5,
        metavar="N",
        help="how often to go through the training images (1 or more; default: %(default)s)",
    )
    train.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="N",
        help="where the random numbers start (0 to 4,294,967,295; default: %(default)s)",
    )
    train.add_argument(
        "--output",
        default="mlp.safetensors",
        metavar="FILE",
        help="where to save the weights (default: %(default)s)",
    )
    train.add_argument(
        "--force",
        action="store_true",
        help="replace FILE if it exists (default: fail before training)",
    )
    train.set_defaults(command=_train)

    evaluate = commands.add_parser("evaluate", help="read labelled images and count the mistakes")
    evaluate.add_argument("folder", type=_folder, help="images, and a labels.csv that names them")
    _add_model(evaluate)
    evaluate.add_argument(
        "--html",
        metavar="FILE",
        help="write a page of the failures, with pictures, and replace an older one "
        "(default: none)",
    )
    evaluate.set_defaults(command=_evaluate)
    return parser


def _add_model(command: argparse.ArgumentParser) -> None:
    readers = "; ".join(f"{name}, {title}" for name, title in READER_NAMES.items())
    command.add_argument(
        "--model",
        choices=tuple(READER_NAMES),
        default=DEFAULT_READER,
        help=f"the reader: {readers} (default: %(default)s)",
    )


def _folder(text: str) -> Path:
    if not text:  # which a Path takes for the current folder
        raise argparse.ArgumentTypeError("the name of the folder is empty")
    return Path(text)


def _probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:  # also false for NaN
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text}")
    return value


def _epochs(text: str) -> int:
    return _whole_number(text, 1, None)


def _count(text: str) -> int:
    return _whole_number(text, 0, None)


def _seed(text: str) -> int:
    return _whole_number(text, 0, 2**32 - 1)  # what NumPy takes


def _whole_number(text: str, least: int, most: int | None) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least or (most is not None and value > most):
        limits = f"from {least} to {most:,}" if most is not None else f"of {least} or more"
        raise argparse.ArgumentTypeError(f"must be a whole number {limits}, not {text}")
    return value


def _doctor(options: argparse.Namespace) -> int:
    """Report on what the course needs; each problem comes with its remedy."""
    healthy = True
    print(f"lessonlib {__version__}, python {platform.python_version()}, {platform.platform()}")
    for name, state, good in chain(_versions(), _device(), _mnist(), _weights()):
        print(f"{'ok   ' if good else 'wrong'}  {name}: {state}")
        healthy = healthy and good
    print("All is well." if healthy else "Something is wrong: see the lines above.")
    return 0 if healthy else 1


def _versions() -> Iterator[tuple[str, str, bool]]:
    for name in NEEDED_PACKAGES:
        # Colab and others bring the OpenCV build with windows; either will do.
        for candidate in (name, name.removesuffix("-headless")):
            try:
                yield candidate, metadata.version(candidate), True
                break
            except metadata.PackageNotFoundError:
                continue
        else:
            yield name, f"not installed; pip install {name}", False


def _device() -> Iterator[tuple[str, str, bool]]:
    try:
        device = import_module("lessonlib.training").pick_device()
    except (ImportError, OSError, RuntimeError) as error:
        yield "device", f"torch can't be used ({error}); make anew: rm -r .venv, make lab", False
        return
    cores = os.cpu_count()
    slow = f", {cores} cores: enough for the whole course" if device.type == "cpu" else ""
    yield "device", f"{device.type}{slow}", True


def _mnist() -> Iterator[tuple[str, str, bool]]:
    try:
        digits = import_module("lessonlib.digits")
        _announce_download()
        root = digits.find_mnist()
        why = digits.why_bundled()
    except (ImportError, OSError, ValueError) as error:
        yield "MNIST", str(error), False
        return
    if root is not None:
        yield "MNIST", f"in {root}, verified", True
    else:
        yield "MNIST", f"the 1,797 digits bundled with scikit-learn take its place: {why}", True


def _announce_download() -> None:
    from lessonlib import digits

    if digits.will_download():
        place = digits.cache_root()
        print(f"MNIST is not here yet: trying to download it (12 MB) to {place} ...", flush=True)


def _weights() -> Iterator[tuple[str, str, bool]]:
    try:
        weights = import_module("lessonlib.weights")
        for name in SHIPPED:
            weights.shipped(name)
        record = weights.read_record(weights.shipped_path("mlp"))
    except (ImportError, OSError, ValueError) as error:
        yield "weights", f"{error} Or make them: make models", False
        return
    accuracy = f"mlp has {record['test_accuracy']:.2%} on MNIST's test images"
    yield "weights", f"{len(SHIPPED)} networks load; {accuracy}", True


def _read(options: argparse.Namespace) -> int:
    """Print what each image says; an image that can't be read costs only itself.

    The exit status is 1 where an image can't be opened, or nothing is read in it.
    """
    from lessonlib.checks import CheckReader

    reader = CheckReader(options.model)
    failures = 0
    for image in options.images:
        try:
            reading = reader.read(image, options.min_confidence)
        except (OSError, ValueError) as error:
            _complain(error)
            failures += 1
            continue
        failures += not reading.text
        if options.json:
            print(json.dumps(_as_json(image, reading)))
        else:
            print(f"{_in_one_line(image)}\t{_as_columns(reading)}")
            for text, probability in reading.alternatives[1 : options.alternatives + 1]:
                print(f"\t{text or '(no digits)'}\t{probability:.2f}")
    return 1 if failures else 0


def _as_columns(reading: "Reading") -> str:
    """Put text, confidence, whether it is rejected, and the note where there is one, in a line."""
    columns = [reading.text or "(no digits found)", f"{reading.confidence:.2f}"]
    columns += [] if reading.accepted else ["rejected"]
    return "\t".join([*columns, *([reading.note] if reading.note else [])])


def _as_json(image: str, reading: "Reading") -> dict[str, Any]:
    return {
        "image": image,
        "text": reading.text,
        "amount": None if reading.amount is None else f"{reading.amount:f}",
        "currency": reading.currency,
        "note": reading.note,
        "confidence": round(reading.confidence, 4),
        "accepted": reading.accepted,
        "agreed": reading.agreed,
        "separator": None if reading.separator is None else list(map(int, reading.separator)),
        "alternatives": [
            {"text": text, "probability": round(p, 4)} for text, p in reading.alternatives
        ],
        "marks": [list(map(int, box)) for box in reading.marks],
        "digits": [
            {
                "box": list(map(int, digit.box)),
                "probabilities": [round(float(p), 4) for p in digit.probabilities],
            }
            for digit in reading.digits
        ],
    }


def _train(options: argparse.Namespace) -> int:
    """Train the MLP at the fast settings of the chapter on training.

    Under torchrun, several processes do it together; the first one alone prints and writes.
    """
    from lessonlib import parallel

    with parallel.processes():
        first = parallel.rank() == 0
        with contextlib.redirect_stdout(sys.stdout if first else None):
            return _train_together(options, first)


def _train_together(options: argparse.Namespace, first: bool) -> int:
    from lessonlib import augment, digits, models, training

    if first:
        files.check_writable(options.output, replace=options.force)  # now, not after the training
        _announce_download()
    images, labels = digits.load("train")
    training.set_seed(options.seed)
    model = models.MLP(dropout=0.0, batch_norm=True)
    training.fit(
        model,
        images,
        labels,
        epochs=options.epochs,
        batch_size=256 if len(images) > 10_000 else 32,
        lr=5e-3,
        schedule="one-cycle",
        augment=augment.shift,
        validation=None,
        seed=options.seed,
        progress=first,
    )
    if not first:
        return 0
    test = training.as_tensors(*digits.load("test"), training.pick_device())
    _, accuracy = training.score(model, *test)
    record = {"data": digits.source(), "seed": options.seed, "test_accuracy": round(accuracy, 4)}
    _save(model, options, record)
    print(f"{accuracy:.2%} of the test images; weights in {_in_one_line(options.output)}")
    return 0


def _save(model: "models.Network", options: argparse.Namespace, record: dict[str, Any]) -> None:
    """Save the weights; if that has become impossible since the start, elsewhere."""
    from lessonlib import weights

    try:
        weights.save(model, options.output, record, replace=options.force)
    except OSError as error:
        spare = Path(tempfile.mkdtemp(prefix="lessonlib-"), "mlp.safetensors")
        weights.save(model, spare, record)
        raise OSError(f"{error}. The weights are in {spare} instead") from error


def _evaluate(options: argparse.Namespace) -> int:
    """Read a folder of labelled images; print how many were right and why the others weren't."""
    page: str | None = options.html
    if page is not None:
        files.check_writable(page)  # now, not after the reading
    from lessonlib import scoring
    from lessonlib.checks import CheckReader

    result = scoring.evaluate(options.folder, CheckReader(options.model))
    for why in result.left_out.values():
        _complain(why)
    print(result)
    if page is not None:
        from lessonlib.scoring.page import write_report

        write_report(page, result, options.folder, options.model)
        print(f"The failures, with pictures: {_in_one_line(page)}")
    return 1 if result.left_out else 0


if __name__ == "__main__":
    sys.exit(main())
