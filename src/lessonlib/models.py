"""The networks of the course, and the tensors of images that they take.

A network takes standardised images, as `to_tensor` makes them: float, (n, 28, 28), or several
pictures of the same thing, (n, pictures, 28, 28). It returns logits, float (n, classes).
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

MEAN, STD = 0.1307, 0.3081  # of the pixels of MNIST's training images, scaled to [0, 1]


class MLP(nn.Module):
    """A multilayer perceptron for 28x28 images of digits, which may also be rows of 784 pixels.

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
        10 for digits, `lessonlib.checks.candidates.CANDIDATE_CLASSES` for the check reader.
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
    layer follows. The chapter on next steps explains a smaller one, `LeNet`.

    `channels` is the number of the first stage, `dropout` the share of the last pooling's values
    that each training step sets to 0, in [0, 1). An input holds several `pictures`, as for `MLP`.
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
            *convolution_layers(pictures, c),
            nn.MaxPool2d(2),  # 14x14
            *convolution_layers(c, 2 * c),
            *convolution_layers(2 * c, 2 * c),
            nn.MaxPool2d(2),  # 7x7
            *convolution_layers(2 * c, 4 * c),
            *convolution_layers(4 * c, 4 * c),
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
    """Two convolutions whose result is added to their input: ReLU(x + f(x)).

    f is convolution, ReLU, convolution, each of 3x3, and with `batch_norm` each standardised. The
    result has the input's shape, float (n, channels, height, width). See He et al., Deep residual
    learning for image recognition, CVPR 2016.
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

    Some `residual_blocks` may follow the second pooling. With `batch_norm`, each convolution and
    each hidden linear layer is standardised. See LeCun et al., Gradient-based learning applied to
    document recognition, Proc. IEEE 1998.
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


class LineNetwork(nn.Module):
    """A convolutional network that slides over a whole line of writing, for training with CTC.

    Its input is a line of 40 rows, in two pictures: float (n, 2, 40, w). A stem and five more
    convolutions, between poolings, leave five rows, and a column for each 4 pixels of the line's
    width. The rows of a column become one vector, and convolutions along the line let a column see
    its neighbours. Each column then says which character it holds, or none: the result is logits,
    float (n, classes, w / 4).

    `channels` is that of the stem. `classes` counts the characters and the blank,
    which is the last. See Graves et al., Connectionist temporal classification, ICML 2006.
    """

    def __init__(self, channels: int = 32, pictures: int = 2, classes: int = 25) -> None:
        super().__init__()
        self.config = {"channels": channels, "pictures": pictures, "classes": classes}
        c, wide = channels, 5 * channels
        self.rows = nn.Sequential(
            *convolution_layers(pictures, c, side=5, stride=2),  # 20 rows
            *convolution_layers(c, c),
            nn.MaxPool2d(2),  # 10 rows
            *convolution_layers(c, 2 * c),
            *convolution_layers(2 * c, 2 * c),
            nn.MaxPool2d((2, 1)),  # 5 rows; the columns stay
            *convolution_layers(2 * c, 3 * c),
            *convolution_layers(3 * c, 3 * c),
        )
        self.along = nn.Sequential(
            nn.Conv2d(3 * c, wide, (5, 1), bias=False),  # joins the rows
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            *[Neighbours(wide) for _ in range(2)],
            nn.Conv2d(wide, classes, 1),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of lines."""
        features: Tensor = self.rows(x.contiguous(memory_format=torch.channels_last))
        logits: Tensor = self.along(features).squeeze(2)
        return logits


class Neighbours(nn.Module):
    """A residual block along a line: each column adds what five columns around it say."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.Conv2d(channels, channels, (1, 5), padding=(0, 2), bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add the convolution's result to the input."""
        summed: Tensor = x + self.change(x)
        return summed.relu()


Network = MLP | CNN | LeNet | LineNetwork


def convolution_layers(
    channels_in: int, channels_out: int, side: int = 3, stride: int = 1
) -> list[nn.Module]:
    """List the layers of a convolution, normalised, with ReLU; only a stride makes it smaller."""
    slide = nn.Conv2d(channels_in, channels_out, side, stride, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(slide.weight, nonlinearity="relu")  # as he_init does for nn.Linear
    return [slide, nn.BatchNorm2d(channels_out), nn.ReLU()]


def he_init(module: nn.Module) -> None:
    """Draw a linear layer's weights from N(0, 2 / d_in), and set its biases to zero.

    Other modules stay as they are. See He et al., Delving deep into rectifiers, ICCV 2015.
    """
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


def to_tensor(images: npt.ArrayLike, device: torch.device | str | None = None) -> Tensor:
    """Turn images into the networks' input, one float32 tensor: (images / 255 − 0.1307) / 0.3081.

    Parameters
    ----------
    images : array, shape (n, 28, 28) or (n, pictures, 28, 28)
        Values in [0, 255]; 0 is paper, 255 is ink. Other shapes, and values that are not finite or
        not in this range, raise a ValueError.
    device : torch.device or str, optional
        The tensor's device.

    Examples
    --------
    >>> to_tensor(np.full((1, 28, 28), 255))[0, 0, 0]
    tensor(2.8215)
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
