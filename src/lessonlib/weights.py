"""Files that hold a network's weights, and the ones that ship with the course.

A weights file is a safetensors file. It holds numbers and a few strings, and no code. The strings
name the network that the numbers belong to, and tell how it was trained.
"""

import json
import platform
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from lessonlib import __version__, data_path, digits
from lessonlib.files import write_whole
from lessonlib.models import CNN, MLP, LeNet, LineNetwork, Network
from lessonlib.recipes import SHIPPED, VARIANTS, Recipe


def save(
    model: Network,
    path: str | Path,
    record: dict[str, Any] | None = None,
    *,
    replace: bool = True,
) -> None:
    """Write a network's weights to a file whole, or raise as `lessonlib.files.write_whole` does.

    The path usually ends in ``.safetensors``. The record tells how the weights were made, in values
    of JSON's types. An existing file is replaced unless `replace` is False.
    """
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    strings = {
        "architecture": type(model).__name__,
        "config": json.dumps(model.config),
        "record": json.dumps(record or {}, sort_keys=True),
    }
    write_whole(path, to_bytes(tensors, metadata=strings), replace=replace)


def load(path: str | Path) -> Network:
    """Read a network from a file that `save` wrote: on the CPU, in evaluation mode.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file isn't a safetensors file, is cut short, or holds another kind of network.
    """
    strings, tensors = _read(Path(path))
    architecture = strings.get("architecture", "an unnamed network")
    if architecture not in BUILDERS:
        raise ValueError(
            f"{path} holds the weights of {architecture!r}, "
            f"which is none of the course's networks ({', '.join(BUILDERS)}): "
            "load it with the program that saved it."
        )
    try:
        model = BUILDERS[architecture](json.loads(strings["config"]))
        model.load_state_dict(tensors)
        if not all(value.isfinite().all() for value in tensors.values()):
            raise ValueError("some weights are infinite or NaN")
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise ValueError(
            f"the weights in {path} do not fit the {architecture} that the file describes; save "
            f"them again with lessonlib.weights.save. ({_first_line(error)})"
        ) from error
    return model.eval()


def read_record(path: str | Path) -> dict[str, Any]:
    """Read how the weights in a file were made; empty when the file doesn't say.

    It raises as `load` does.
    """
    strings, _ = _read(Path(path))
    try:
        record = json.loads(strings.get("record", "{}"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"the record in {path} is not valid JSON: {error}") from error
    return record if isinstance(record, dict) else {}


def training_record(model: Network, recipe: Recipe, command: str, **results: Any) -> dict[str, Any]:
    """Put together how a network was trained, for `save`.

    `command` trains it again. `results` are what the training gave, as ``test_accuracy=0.9926``, in
    values of JSON's types.
    """
    return {
        "command": command,
        "data": digits.SHA256,
        "recipe": dict(recipe.training) | {"model": model.config},
        "seed": recipe.seed,
        "versions": {
            "lessonlib": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
        **results,
    }


def build(recipe: Recipe) -> Network:
    """Build a network as its recipe says, with random weights."""
    return BUILDERS[recipe.architecture](recipe.config)


def shipped_path(name: str = "mlp") -> Path:
    """Find the file of a network that ships with the course.

    Its name is a key of `recipes.SHIPPED`, as "mlp", "reader-cnn" or "next/baseline"; any other
    raises a ValueError.
    """
    if name not in SHIPPED:
        raise ValueError(f"no shipped network is called {name!r}; there are: {', '.join(SHIPPED)}")
    return data_path("weights", f"{name}.safetensors")


def shipped(name: str = "mlp") -> Network:
    """Load a network that ships with the course, by its name in `recipes.SHIPPED`.

    It is on the CPU, in evaluation mode.

    Examples
    --------
    >>> shipped("next/lenet").config
    {'residual_blocks': 0, 'batch_norm': False}
    """
    return load(shipped_path(name))


@dataclass(frozen=True, eq=False)
class Variant:
    """A network that differs from the baseline, mostly in one thing; trained on the same images.

    Attributes
    ----------
    name, title : str
        Its key in `recipes.VARIANTS`, and what differs.
    model : MLP or LeNet
        On the CPU, in evaluation mode.
    record : dict
        How it was made: "recipe", "seed", "history" (lists with an entry per epoch),
        "parameters", "test_accuracy", "command" and more. "runs" has lists with an entry for each
        seed, this network's first: "seeds", "test_accuracy", and in "test_wrong" and "field_wrong"
        the numbers of the test images, and of the digits cut out of `bill_fields`, that were read
        wrong.
    """

    name: str
    title: str
    model: Network
    record: dict[str, Any]


def load_variant(name: str) -> Variant:
    """Load one of the networks that the chapter on next steps compares.

    Its name is a key of `recipes.VARIANTS`; any other raises a ValueError.
    """
    if name not in VARIANTS:
        raise ValueError(f"no variant is called {name!r}; there is: {', '.join(VARIANTS)}")
    path = shipped_path(f"next/{name}")
    return Variant(name, VARIANTS[name].title, load(path), read_record(path))


# Each builds the network that a recipe or a file describes, and refuses sizes beyond those of the
# course: otherwise a hostile file of a few bytes could make us fill the memory.


def _build_mlp(config: Mapping[str, Any]) -> MLP:
    hidden, dropout = [int(units) for units in config["hidden"]], _dropout(config)
    if len(hidden) > 20 or not all(0 < units <= 10_000 for units in hidden):
        raise ValueError("it has more or larger hidden layers than any network of the course")
    return MLP(tuple(hidden), dropout, bool(config["batch_norm"]), *_pictures_and_classes(config))


def _build_cnn(config: Mapping[str, Any]) -> CNN:
    channels = int(config["channels"])
    if not 0 < channels <= 256:
        raise ValueError(f"it has {channels} channels; from 1 to 256 are allowed")
    return CNN(channels, _dropout(config), *_pictures_and_classes(config))


def _build_lenet(config: Mapping[str, Any]) -> LeNet:
    residual_blocks = int(config["residual_blocks"])
    if not 0 <= residual_blocks <= 20:
        raise ValueError(f"it has {residual_blocks} residual blocks; from 0 to 20 are allowed")
    return LeNet(residual_blocks, bool(config["batch_norm"]))


def _build_line_network(config: Mapping[str, Any]) -> LineNetwork:
    channels = int(config["channels"])
    if not 0 < channels <= 256:
        raise ValueError(f"it has {channels} channels; from 1 to 256 are allowed")
    return LineNetwork(channels, *_pictures_and_classes(config))


BUILDERS: dict[str, Callable[[Mapping[str, Any]], Network]] = {
    "MLP": _build_mlp,
    "CNN": _build_cnn,
    "LeNet": _build_lenet,
    "LineNetwork": _build_line_network,
}


def _dropout(config: Mapping[str, Any]) -> float:
    dropout = float(config["dropout"])
    if not 0 <= dropout < 1:
        raise ValueError(f"its dropout is {dropout}; it must be at least 0 and below 1")
    return dropout


def _pictures_and_classes(config: Mapping[str, Any]) -> tuple[int, int]:
    """Read both numbers; where they are missing, the network is one for single digits."""
    pictures, classes = int(config.get("pictures", 1)), int(config.get("classes", 10))
    if not (1 <= pictures <= 4 and 1 <= classes <= 100):
        raise ValueError(
            f"it takes {pictures} pictures and has {classes} classes; from 1 to 4 pictures and "
            "1 to 100 classes are allowed"
        )
    return pictures, classes


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        raise FileNotFoundError(f"no weights file at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except PermissionError as error:
        raise PermissionError(f"{path} may not be read: check its permissions") from error
    except (SafetensorError, struct.error, OSError) as error:
        raise ValueError(
            f"{path} is not a complete safetensors file: {_first_line(error)}. It was cut short, "
            "or it has another format, like a .pt file, which may run code: convert it first."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
