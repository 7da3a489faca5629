"""The networks of the course, and files that hold their weights.

A weights file is a safetensors file: numbers and a few strings, no code. Its strings say
which architecture the numbers belong to and how they were made.
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

MEAN, STD = 0.1307, 0.3081  # of MNIST's training pixels, scaled to [0, 1]
SHIPPED = ("mlp", "reader-mlp", "reader-cnn")


class MLP(nn.Module):
    """A multilayer perceptron for 28x28 images of digits.

    Parameters
    ----------
    hidden : tuple of int
        Units in each hidden layer.
    dropout : float
        Share of hidden units silenced at each training step, in [0, 1).
    batch_norm : bool
        Whether to standardise each hidden layer's pre-activations over the batch.
    pictures : int
        How many pictures of 28x28 make up an input: 1, or 2 as the check reader shows.
    classes : int
        Ten digits, or `lessonlib.checks.candidates.CLASSES`.

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
    """A small convolutional network: the same small weights slide over the whole picture.

    Three stages, each of convolutions of 3x3, batch normalisation and ReLU, each ending in a
    pooling that halves the picture and followed by one with twice the channels; then an MLP with
    one hidden layer. Chapter 8 takes a smaller one apart, `LeNet`.

    Parameters
    ----------
    channels : int
        Of the first stage.
    dropout : float
        Share of the last pooling's values silenced at each training step, in [0, 1).
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
        # Channels last: twice as fast on a CPU, the same numbers. (torch's types don't list it.)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of standardised images."""
        x = x.reshape(-1, self.pictures, 28, 28)
        logits: Tensor = self.net(x.contiguous(memory_format=torch.channels_last))
        return logits


class ResidualBlock(nn.Module):
    """Two convolutions that add to what comes in, instead of replacing it.

    Parameters
    ----------
    channels : int
        That come in, and go out.
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
        """Add the block's change to its input."""
        summed: Tensor = x + self.change(x)
        return summed.relu()


class LeNet(nn.Module):
    """The convolutional network in a check reader of the 1990s, with today's ReLU and max pooling.

    Parameters
    ----------
    residual_blocks : int
        `ResidualBlock`s after the second pooling.
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
    """List a convolution of 3x3 that keeps the picture's size, its normalisation and ReLU.

    Parameters
    ----------
    channels_in, channels_out : int

    Returns
    -------
    list of nn.Module
    """
    slide = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(slide.weight, nonlinearity="relu")  # as he_init does for a layer
    return [slide, nn.BatchNorm2d(channels_out), nn.ReLU()]


def he_init(module: nn.Module) -> None:
    """Draw a layer's weights from N(0, 2 / d_in), and set its biases to zero.

    Parameters
    ----------
    module : nn.Module
        Left alone unless it is a linear layer.

    References
    ----------
    He et al., Delving deep into rectifiers, ICCV 2015.
    """
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


def to_tensor(images: npt.ArrayLike, device: torch.device | str | None = None) -> Tensor:
    """Turn images into what the networks take: one float tensor, standardised as MNIST.

    Parameters
    ----------
    images : array, shape (n, 28, 28) or (n, pictures, 28, 28)
        Values in [0, 255]; 0 is paper, 255 is ink.
    device : torch.device or str, optional
        Where the tensor shall live.

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
    """Write a network's weights to a file, whole or not at all.

    Parameters
    ----------
    model : MLP, CNN or LeNet
    path : str or Path
        Usually ends in ``.safetensors``.
    record : dict, optional
        How the weights were made; must be JSON's types.
    replace : bool
        Whether a file that exists already may be replaced.

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
    """Read a network back from a file that `save` wrote.

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
        When the file is no safetensors file, is cut short, or holds another architecture.
    """
    strings, weights = _read(Path(path))
    architecture = strings.get("architecture", "an unnamed network")
    if architecture not in BUILDERS:
        raise ValueError(
            f"{path} holds the weights of {architecture!r}, "
            f"not of an {' or '.join(BUILDERS)} of this course: "
            "load it with the program that saved it."
        )
    try:
        config = json.loads(strings["config"])
        model = BUILDERS[architecture](config)
        model.load_state_dict(weights)
        if not all(value.isfinite().all() for value in weights.values()):
            raise ValueError("numbers that are infinite or not a number")
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise ValueError(
            f"the weights in {path} do not fit the {architecture} the file describes; save it "
            f"again with lessonlib.models.save. ({_first_line(error)})"
        ) from error
    return model.eval()


def read_record(path: str | Path) -> dict[str, Any]:
    """Read how the weights in a file were made, as its maker recorded it.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        Empty when the maker recorded nothing. Raises as `load` does.
    """
    strings, _ = _read(Path(path))
    try:
        record = json.loads(strings.get("record", "{}"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"the record in {path} is no JSON: {error}") from error
    return record if isinstance(record, dict) else {}


def shipped_path(name: str = "mlp") -> Path:
    """Find the weights that ship with the course.

    Parameters
    ----------
    name : {"mlp", "reader-mlp", "reader-cnn"}
        The digits' MLP of chapters 4 to 6, or one of the two networks of the check reader.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        For a name that no shipped network has.

    Notes
    -----
    The networks of chapter 8 are in `lessonlib.next_steps`.
    """
    if name not in SHIPPED:
        raise ValueError(f"no shipped network is called {name!r}; there is: {', '.join(SHIPPED)}")
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
    """Build the network a file describes, within sizes a classroom could have meant."""
    hidden, dropout = [int(units) for units in config["hidden"]], float(config["dropout"])
    # Else a hostile file of a few bytes could ask for more memory than there is.
    if len(hidden) > 20 or not all(0 < units <= 10_000 for units in hidden):
        raise ValueError("more or larger hidden layers than any network of this course")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout of {dropout}")
    return MLP(tuple(hidden), dropout, bool(config["batch_norm"]), *_ends(config))


def _build_cnn(config: dict[str, Any]) -> CNN:
    channels, dropout = int(config["channels"]), float(config["dropout"])
    if not 0 < channels <= 256:
        raise ValueError(f"{channels} channels, more than any network of this course")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout of {dropout}")
    return CNN(channels, dropout, *_ends(config))


def _build_lenet(config: dict[str, Any]) -> LeNet:
    residual_blocks = int(config["residual_blocks"])
    if not 0 <= residual_blocks <= 20:
        raise ValueError(f"{residual_blocks} blocks, more than any network of this course")
    return LeNet(residual_blocks, bool(config["batch_norm"]))


BUILDERS: dict[str, Callable[[dict[str, Any]], Network]] = {
    "MLP": _build_mlp,
    "CNN": _build_cnn,
    "LeNet": _build_lenet,
}


def _ends(config: dict[str, Any]) -> tuple[int, int]:
    """Read what goes in and out; the first files of the course did not say."""
    pictures, classes = int(config.get("pictures", 1)), int(config.get("classes", 10))
    if not (1 <= pictures <= 4 and 1 <= classes <= 100):
        raise ValueError(f"{pictures} pictures in, {classes} classes out")
    return pictures, classes


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        raise FileNotFoundError(f"no weights file at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, struct.error, OSError) as error:
        raise ValueError(
            f"{path} is not a whole safetensors file: {_first_line(error)}. It was cut short, or "
            "another program wrote it (a .pt file, say, which may run code: convert it first)."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
