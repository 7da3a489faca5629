"""The networks of the course, and files that hold their weights.

A weights file is a safetensors file. It holds numbers and a few strings, and no code. The strings
name the network that the numbers belong to, and tell how it was trained.
"""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from lessonlib import data_path
from lessonlib.files import write_whole

MEAN, STD = 0.1307, 0.3081  # of the pixels of MNIST's training images, scaled to [0, 1]
SHIPPED = ("mlp", "reader-mlp", "reader-cnn")


class MLP(nn.Module):
    """A multilayer perceptron for 28x28 images of digits.

    Parameters
    ----------
    hidden : tuple of int
        Units in each hidden layer.
    dropout : float
        Share of hidden units that each training step sets to 0, in [0, 1).
    batch_norm : bool
        Whether to standardise each hidden layer's pre-activations over the batch.
    pictures : int
        How many pictures of 28x28 an input holds: 1, or 2 for the check reader.
    classes : int
        10 for digits, `lessonlib.checks.candidates.CLASSES` for the check reader.

    Notes
    -----
    ``forward`` takes standardised images, float (n, 28, 28), (n, 784) or (n, pictures, 28, 28),
    as `to_tensor` makes them, and returns logits, float (n, classes).
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (256, 128),
        dropout: float = 0.2,
        batch_norm: bool = False,
        pictures: int = 1,
        classes: int = 10,
    ) -> None:
        super().__init__()
        self.config = {
            "hidden": list(hidden),
            "dropout": dropout,
            "batch_norm": batch_norm,
            "pictures": pictures,
            "classes": classes,
        }
        layers: list[nn.Module] = [nn.Flatten()]
        d_in = pictures * 28 * 28
        for d_out in hidden:
            layers.append(nn.Linear(d_in, d_out))
            if batch_norm:
                layers.append(nn.BatchNorm1d(d_out))
            layers.append(nn.ReLU())
            if dropout:
                layers.append(nn.Dropout(dropout))
            d_in = d_out
        layers.append(nn.Linear(d_in, classes))
        self.net = nn.Sequential(*layers)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of standardised images."""
        logits: Tensor = self.net(x)
        return logits


class CNN(nn.Module):
    """A small convolutional network: its filters slide over the whole picture.

    Three stages of 3x3 convolutions, each with batch normalisation and ReLU. Each stage ends in a
    pooling that halves the picture, and the next has twice the channels. An MLP with one hidden
    layer follows. Chapter 8 explains a smaller one, `LeNet`.

    Parameters
    ----------
    channels : int
        Channels of the first stage.
    dropout : float
        Share of the last pooling's values that each training step sets to 0, in [0, 1).
    pictures, classes : int
        As for `MLP`.

    Notes
    -----
    ``forward`` takes standardised images, float (n, 28, 28) or (n, pictures, 28, 28), and
    returns logits, float (n, classes).
    """

    def __init__(
        self, channels: int = 16, dropout: float = 0.2, pictures: int = 1, classes: int = 10
    ) -> None:
        super().__init__()
        self.config = {
            "channels": channels,
            "dropout": dropout,
            "pictures": pictures,
            "classes": classes,
        }
        self.pictures = pictures
        c = channels
        self.net = nn.Sequential(
            *convolution(pictures, c),
            nn.MaxPool2d(2),  # 14x14
            *convolution(c, 2 * c),
            *convolution(2 * c, 2 * c),
            nn.MaxPool2d(2),  # 7x7
            *convolution(2 * c, 4 * c),
            *convolution(4 * c, 4 * c),
            nn.MaxPool2d(2),  # 3x3
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(4 * c * 3 * 3, 8 * c),
            nn.BatchNorm1d(8 * c),
            nn.ReLU(),
            nn.Linear(8 * c, classes),
        )
        self.apply(he_init)
        # With channels last a forward pass took two thirds of the time on one CPU core; the results
        # are the same up to rounding. (torch's types don't list the argument.)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of standardised images."""
        x = x.reshape(-1, self.pictures, 28, 28)
        logits: Tensor = self.net(x.contiguous(memory_format=torch.channels_last))
        return logits


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to their input.

    Parameters
    ----------
    channels : int
        Channels of the input, and of the output.
    batch_norm : bool
        Whether to standardise after each convolution.

    Notes
    -----
    ``forward`` takes and returns float (n, channels, height, width): ReLU(x + f(x)), where f is
    convolution, ReLU, convolution, each of 3x3.

    References
    ----------
    He et al., Deep residual learning for image recognition, CVPR 2016.
    """

    def __init__(self, channels: int, batch_norm: bool = False) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels) if batch_norm else nn.Identity(),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels) if batch_norm else nn.Identity(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add the convolutions' result to the input."""
        summed: Tensor = x + self.change(x)
        return summed.relu()


class LeNet(nn.Module):
    """LeNet-5, from a check reader of the 1990s, here with ReLU and max pooling.

    Parameters
    ----------
    residual_blocks : int
        How many `ResidualBlock`s follow the second pooling.
    batch_norm : bool
        Whether to standardise after each convolution and each hidden linear layer.

    Notes
    -----
    ``forward`` takes standardised images, float (n, 28, 28) or (n, 1, 28, 28), and returns
    logits, float (n, 10).

    References
    ----------
    LeCun et al., Gradient-based learning applied to document recognition, Proc. IEEE 1998.
    """

    def __init__(self, residual_blocks: int = 0, batch_norm: bool = False) -> None:
        super().__init__()
        self.config = {"residual_blocks": residual_blocks, "batch_norm": batch_norm}

        def norm(kind: type[nn.Module], channels: int) -> nn.Module:
            return kind(channels) if batch_norm else nn.Identity()

        self.net = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            norm(nn.BatchNorm2d, 6),
            nn.ReLU(),
            nn.MaxPool2d(2),  # 6 channels of 14x14
            nn.Conv2d(6, 16, 5),
            norm(nn.BatchNorm2d, 16),
            nn.ReLU(),
            nn.MaxPool2d(2),  # 16 channels of 5x5
            *[ResidualBlock(16, batch_norm) for _ in range(residual_blocks)],
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120),
            norm(nn.BatchNorm1d, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            norm(nn.BatchNorm1d, 84),
            nn.ReLU(),
            nn.Linear(84, 10),
        )
        self.apply(he_init)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of standardised images."""
        logits: Tensor = self.net(x.reshape(-1, 1, 28, 28))
        return logits


Network = MLP | CNN | LeNet


def convolution(channels_in: int, channels_out: int) -> list[nn.Module]:
    """List the layers of a 3x3 convolution that keeps the picture's size, normalised, with ReLU.

    Parameters
    ----------
    channels_in, channels_out : int

    Returns
    -------
    list of nn.Module
    """
    slide = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(slide.weight, nonlinearity="relu")  # as he_init does for nn.Linear
    return [slide, nn.BatchNorm2d(channels_out), nn.ReLU()]


def he_init(module: nn.Module) -> None:
    """Draw a layer's weights from N(0, 2 / d_in), and set its biases to zero.

    Parameters
    ----------
    module : nn.Module
        Changed only if it is a linear layer.

    References
    ----------
    He et al., Delving deep into rectifiers, ICCV 2015.
    """
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


def to_tensor(images: npt.ArrayLike, device: torch.device | str | None = None) -> Tensor:
    """Turn images into the networks' input: one float tensor, standardised with MNIST's mean.

    Parameters
    ----------
    images : array, shape (n, 28, 28) or (n, pictures, 28, 28)
        Values in [0, 255]; 0 is paper, 255 is ink.
    device : torch.device or str, optional
        The tensor's device.

    Returns
    -------
    Tensor
        float32, of the same shape: (images / 255 − 0.1307) / 0.3081.

    Raises
    ------
    ValueError
        For another shape, or values that are not finite or not in [0, 255].
    """
    array = np.asarray(images)
    if array.ndim not in (3, 4) or array.shape[-2:] != (28, 28):
        raise ValueError(f"images must have shape (n, 28, 28), not {array.shape}")
    if array.dtype != np.uint8 and array.size:
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= 255):  # also false for NaN
            raise ValueError(f"images must hold values in [0, 255], not [{low}, {high}]")
    x = torch.tensor(array, device=device).to(torch.float32)
    return x.div_(255).sub_(MEAN).div_(STD)


def save(
    model: Network,
    path: str | Path,
    record: dict[str, Any] | None = None,
    *,
    replace: bool = True,
) -> None:
    """Write a network's weights to a file. If that fails, no incomplete file is left.

    Parameters
    ----------
    model : MLP, CNN or LeNet
    path : str or Path
        Usually ends in ``.safetensors``.
    record : dict, optional
        How the weights were made; its values must be of JSON's types.
    replace : bool
        Whether an existing file may be replaced.

    Raises
    ------
    OSError, ValueError
        When the file can't be written: see `lessonlib.files.write_whole`.
    """
    weights = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    strings = {
        "architecture": type(model).__name__,
        "config": json.dumps(model.config),
        "record": json.dumps(record or {}, sort_keys=True),
    }
    write_whole(path, to_bytes(weights, metadata=strings), replace=replace)


def load(path: str | Path) -> Network:
    """Read a network from a file that `save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    MLP, CNN or LeNet
        On the CPU, in evaluation mode.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file isn't a safetensors file, is cut short, or holds another kind of network.
    """
    strings, weights = _read(Path(path))
    architecture = strings.get("architecture", "an unnamed network")
    if architecture not in BUILDERS:
        raise ValueError(
            f"{path} holds the weights of {architecture!r}, "
            f"which is none of the course's networks ({', '.join(BUILDERS)}): "
            "load it with the program that saved it."
        )
    try:
        config = json.loads(strings["config"])
        model = BUILDERS[architecture](config)
        model.load_state_dict(weights)
        if not all(value.isfinite().all() for value in weights.values()):
            raise ValueError("some weights are infinite or NaN")
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise ValueError(
            f"the weights in {path} do not fit the {architecture} that the file describes; save "
            f"them again with lessonlib.models.save. ({_first_line(error)})"
        ) from error
    return model.eval()


def read_record(path: str | Path) -> dict[str, Any]:
    """Read the record of how the weights in a file were made.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        Empty when the file has no record. Raises as `load` does.
    """
    strings, _ = _read(Path(path))
    try:
        record = json.loads(strings.get("record", "{}"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"the record in {path} is not valid JSON: {error}") from error
    return record if isinstance(record, dict) else {}


def shipped_path(name: str = "mlp") -> Path:
    """Return the path of a network's weights that ship with the course.

    Parameters
    ----------
    name : {"mlp", "reader-mlp", "reader-cnn"}
        The MLP for digits of chapters 4 to 6, or one of the check reader's two networks.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        When no shipped network has this name.

    Notes
    -----
    The networks of chapter 8 are in `lessonlib.next_steps`.
    """
    if name not in SHIPPED:
        raise ValueError(f"no shipped network is called {name!r}; there are: {', '.join(SHIPPED)}")
    return data_path("weights", f"{name}.safetensors")


def shipped(name: str = "mlp") -> Network:
    """Load a network with the weights that ship with the course.

    Parameters
    ----------
    name : {"mlp", "reader-mlp", "reader-cnn"}
        As for `shipped_path`.

    Returns
    -------
    MLP, CNN or LeNet
        On the CPU, in evaluation mode.
    """
    return load(shipped_path(name))


def _build_mlp(config: dict[str, Any]) -> MLP:
    """Build the network that a file describes; refuse sizes beyond those of the course."""
    hidden, dropout = [int(units) for units in config["hidden"]], float(config["dropout"])
    # Without these limits, a hostile file of a few bytes could make us fill the memory.
    if len(hidden) > 20 or not all(0 < units <= 10_000 for units in hidden):
        raise ValueError("it has more or larger hidden layers than any network of the course")
    if not 0 <= dropout < 1:
        raise ValueError(f"its dropout is {dropout}; it must be at least 0 and below 1")
    return MLP(tuple(hidden), dropout, bool(config["batch_norm"]), *_ends(config))


def _build_cnn(config: dict[str, Any]) -> CNN:
    channels, dropout = int(config["channels"]), float(config["dropout"])
    if not 0 < channels <= 256:
        raise ValueError(f"it has {channels} channels; from 1 to 256 are allowed")
    if not 0 <= dropout < 1:
        raise ValueError(f"its dropout is {dropout}; it must be at least 0 and below 1")
    return CNN(channels, dropout, *_ends(config))


def _build_lenet(config: dict[str, Any]) -> LeNet:
    residual_blocks = int(config["residual_blocks"])
    if not 0 <= residual_blocks <= 20:
        raise ValueError(f"it has {residual_blocks} residual blocks; from 0 to 20 are allowed")
    return LeNet(residual_blocks, bool(config["batch_norm"]))


BUILDERS: dict[str, Callable[[dict[str, Any]], Network]] = {
    "MLP": _build_mlp,
    "CNN": _build_cnn,
    "LeNet": _build_lenet,
}


def _ends(config: dict[str, Any]) -> tuple[int, int]:
    """Read the numbers of pictures and classes, which files older than 0.3 lack."""
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
