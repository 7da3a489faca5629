"""The command line: ``python -m lessonlib doctor | read | train | evaluate``."""

import argparse
import json
import math
import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lessonlib.checks import Reading

NEEDED = (
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
        0 when all went well, 1 when something is wrong; then one line on stderr says what.
    """
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (OSError, ValueError) as error:
        print(f"lessonlib: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lessonlib", description=__doc__)
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
        help="mark what is read with less confidence than this as rejected (0 to 1; default: 0)",
    )
    read.add_argument("--json", action="store_true", help="one JSON object per image and line")
    read.set_defaults(command=_read)

    train = commands.add_parser("train", help="train the MLP and save its weights")
    train.add_argument("--epochs", type=int, default=5)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--output", type=Path, default=Path("mlp.safetensors"), metavar="FILE")
    train.set_defaults(command=_train)

    evaluate = commands.add_parser("evaluate", help="read labelled images and count the mistakes")
    evaluate.add_argument("folder", type=Path, help="images, and a labels.csv that names them")
    _add_model(evaluate)
    evaluate.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page of the failures, with pictures"
    )
    evaluate.set_defaults(command=_evaluate)
    return parser


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--model", choices=("mlp", "cnn"), default="mlp", help="the network to read with"
    )


def _probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:  # also false for NaN
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text}")
    return value


def _doctor(options: argparse.Namespace) -> int:
    """Report on what the course needs; each problem comes with its remedy."""
    healthy = True
    print(f"python {platform.python_version()} on {platform.platform()}")
    for name, state, good in [*_versions(), _device(), _mnist(), _weights()]:
        print(f"{'ok   ' if good else 'wrong'}  {name}: {state}")
        healthy = healthy and good
    print("All is well." if healthy else "Something is wrong: see the lines above.")
    return 0 if healthy else 1


def _versions() -> Iterator[tuple[str, str, bool]]:
    for name in NEEDED:
        # Colab and others bring the OpenCV build with windows; either will do.
        for candidate in (name, name.removesuffix("-headless")):
            try:
                yield candidate, metadata.version(candidate), True
                break
            except metadata.PackageNotFoundError:
                continue
        else:
            yield name, f"not installed; pip install {name}", False


def _device() -> tuple[str, str, bool]:
    try:
        device = import_module("lessonlib.training").pick_device()
    except (ImportError, OSError, RuntimeError) as error:
        return "device", f"torch can't be used ({error}); make anew: rm -r .venv, make lab", False
    cores = os.cpu_count()
    slow = f", {cores} cores: enough for the whole course" if device.type == "cpu" else ""
    return "device", f"{device.type}{slow}", True


def _mnist() -> tuple[str, str, bool]:
    try:
        digits = import_module("lessonlib.digits")
        root = digits.find_mnist()
    except (ImportError, OSError, ValueError) as error:
        return "MNIST", str(error), False
    if root is not None:
        return "MNIST", f"in {root}, verified", True
    return "MNIST", "not here; the 1,797 digits bundled with scikit-learn take its place", True


def _weights() -> tuple[str, str, bool]:
    try:
        models = import_module("lessonlib.models")
        for name in models.SHIPPED:
            models.shipped(name)
        record = models.read_record(models.shipped_path("mlp"))
    except (ImportError, OSError, ValueError) as error:
        return "weights", f"{error} Or make them: make models", False
    accuracy = f"mlp has {record['test_accuracy']:.2%} on MNIST's test images"
    return "weights", f"{', '.join(models.SHIPPED)} load; {accuracy}", True


def _read(options: argparse.Namespace) -> int:
    """Print what each image says; an image that can't be read costs only itself."""
    from lessonlib.checks import CheckReader

    reader = CheckReader(options.model)
    failures = 0
    for image in options.images:
        try:
            reading = reader.read(image, options.min_confidence)
        except (OSError, ValueError) as error:
            print(f"lessonlib: {error}", file=sys.stderr)
            failures += 1
            continue
        if options.json:
            print(json.dumps(_as_json(image, reading)))
        else:
            text = reading.text or "(no digits found)"
            rejected = "\trejected" if reading.confidence < options.min_confidence else ""
            print(f"{image}\t{text}\t{reading.confidence:.2f}{rejected}")
    return 1 if failures else 0


def _as_json(image: str, reading: "Reading") -> dict[str, Any]:
    return {
        "image": image,
        "text": reading.text,
        "amount": None if reading.amount is None else f"{reading.amount:f}",
        "confidence": round(reading.confidence, 4),
        "accepted": reading.accepted,
        "separator": None if reading.separator is None else list(map(int, reading.separator)),
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
    """Train the MLP at the fast settings of chapter 4."""
    from lessonlib import digits, models, training

    if not options.output.parent.is_dir():  # said now rather than after the training
        raise FileNotFoundError(f"no folder {options.output.parent} to write {options.output} to")
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
        augment=training.shift,
        validation=None,
        seed=options.seed,
    )
    test = training.as_tensors(*digits.load("test"), training.pick_device())
    _, accuracy = training.score(model, *test)
    record = {"data": digits.source(), "seed": options.seed, "test_accuracy": round(accuracy, 4)}
    models.save(model, options.output, record)
    print(f"{accuracy:.2%} of the test images; weights in {options.output}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    """Read a folder of labelled images; print how many were right and why the others weren't."""
    page: Path | None = options.html
    if page is not None and page.is_dir():  # said now rather than after the reading
        raise IsADirectoryError(f"{page} is a folder: give the page a file name in it")
    if page is not None and not page.parent.is_dir():
        raise FileNotFoundError(f"no folder {page.parent} to write {page.name} to")
    from lessonlib import checks

    result = checks.evaluate(options.folder, checks.CheckReader(options.model))
    print(result)
    if page is not None:
        from lessonlib.checks.report import write_report

        write_report(page, result, options.folder, options.model)
        print(f"The failures, with pictures: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
