"""Networks that travel in a page: the weights as int8, in scripts of a few hundred kilobytes."""

import base64
import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, nn

from lessonlib import compress, models, weights

HEAVIEST = 400_000  # bytes of a script: the design's limit. A larger network travels in several.
_BEGINNING = "window.lessonlibNetworks = window.lessonlibNetworks || {};\n"


@cache
def network_script(name: str = "mlp") -> str:
    """Write a script that gives a page one of the course's MLPs, for `Piece.networks`.

    Batch normalisation is folded into the linear layers. The script sets
    ``window.lessonlibNetworks[name]``, which ``readNetwork`` in ``base.js`` unpacks. It may run
    twice.

    Parameters
    ----------
    name : str
        An MLP in `recipes.SHIPPED`; another network raises a ValueError.

    Returns
    -------
    str
        JavaScript: each layer's int8 weights in base64, row by row, and for each of its units a
        scale and a bias.

    Examples
    --------
    >>> network_script().splitlines()[0]
    'window.lessonlibNetworks = window.lessonlibNetworks || {};'
    """
    model = weights.shipped(name)
    if not isinstance(model, models.MLP):
        raise ValueError(
            f"network_script takes MLPs, and {name!r} is a {type(model).__name__}; "
            "network_scripts takes a CNN or a LineNetwork"
        )
    folded = compress.fold_batch_norm(model)
    network = {
        "mean": models.MEAN,
        "std": models.STD,
        "layers": [
            {"inputs": layer.in_features, **_packed(layer)}
            for layer in folded.net
            if isinstance(layer, nn.Linear)
        ],
    }
    return _BEGINNING + f"window.lessonlibNetworks[{json.dumps(name)}] = {_compact(network)};\n"


@cache
def network_scripts(name: str) -> dict[str, str]:
    """Write the scripts that give a page a convolutional network, for `Piece.networks`.

    Batch normalisation is folded into the convolutions. Together the scripts fill
    ``window.lessonlibNetworks[name]``, which ``readConvNetwork`` in ``read_networks.js`` unpacks:
    the layers under their numbers, and a "length". Each may run twice, and they may run in any
    order.

    Parameters
    ----------
    name : str
        A CNN or a LineNetwork in `recipes.SHIPPED`; another network raises a ValueError.

    Returns
    -------
    dict of str to str
        JavaScript by its name, "reader-line-1" and "reader-line-2" for "reader-line". None is
        larger than `HEAVIEST`.

    Examples
    --------
    >>> list(network_scripts("reader-cnn"))
    ['reader-cnn']
    """
    model = weights.shipped(name)
    if not isinstance(model, models.CNN | models.LineNetwork):
        raise ValueError(
            f"network_scripts takes a CNN or a LineNetwork, and {name!r} has the class "
            f"{type(model).__name__}; network_script takes an MLP"
        )
    layers = described_layers(model)
    # How the input is scaled: see `models.to_tensor` and `checks.lines.read_columns`.
    mean, std = (models.MEAN, models.STD) if isinstance(model, models.CNN) else (0, 1)
    head = {"mean": mean, "std": std, "length": len(layers)}
    entry = f"window.lessonlibNetworks[{json.dumps(name)}]"
    scripts = [
        _BEGINNING + f"{entry} = Object.assign({entry} || {{}}, {_compact(head | part)});\n"
        for part in _parts(layers)
    ]
    if len(scripts) == 1:
        return {name: scripts[0]}
    return {f"{name}-{number}": script for number, script in enumerate(scripts, 1)}


def described_layers(model: models.CNN | models.LineNetwork) -> list[dict[str, Any]]:
    """List a network's layers as plain data, in the order in which they compute.

    Each has a "kind". A "convolution" has its "inputs" and the "size", "stride" and "padding" of
    its window, (rows, columns) each; its weights; and whether "relu" follows, and whether its input
    is added before that: "residual". A linear layer is a convolution, too: its input is one pixel.
    A "pooling" has the "size" of its window, which it also moves by. "flatten" has nothing more.
    """
    described: list[dict[str, Any]] = []
    for layer in _leaves(compress.fold_batch_norm(model)):
        if isinstance(layer, nn.ReLU):
            described[-1]["relu"] = True
        elif isinstance(layer, models.Neighbours):
            slide = cast("nn.Conv2d", layer.change[0])
            described.append(_convolution(slide) | {"relu": True, "residual": True})
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            described.append(_convolution(layer))
        elif isinstance(layer, nn.MaxPool2d):
            side = layer.kernel_size
            size = [side, side] if isinstance(side, int) else list(side)
            described.append({"kind": "pooling", "size": size})
        elif isinstance(layer, nn.Flatten):
            described.append({"kind": "flatten"})
        elif not isinstance(layer, nn.Identity | nn.Dropout):
            raise ValueError(f"the pages can't compute a {type(layer).__name__}")
    return described


def _leaves(module: nn.Module) -> Iterator[nn.Module]:
    """Give a network's layers in order; a `Neighbours` counts as one."""
    if isinstance(module, nn.Sequential | models.CNN | models.LineNetwork):
        for child in module.children():
            yield from _leaves(child)
    else:
        yield module


def _convolution(layer: nn.Conv2d | nn.Linear) -> dict[str, Any]:
    """Describe a convolution or a linear layer, which is a convolution of one pixel."""
    window: dict[str, Any]
    if isinstance(layer, nn.Linear):
        inputs, window = layer.in_features, {"size": (1, 1), "stride": (1, 1), "padding": (0, 0)}
    else:
        inputs = layer.in_channels
        window = {"size": layer.kernel_size, "stride": layer.stride, "padding": layer.padding}
    return {
        "kind": "convolution",
        "inputs": inputs,
        **{name: list(sides) for name, sides in window.items()},
        "relu": False,
        "residual": False,
        **_packed(layer),
    }


def _packed(layer: nn.Linear | nn.Conv2d) -> dict[str, Any]:
    """Round a layer's weights to int8, with one scale for each unit or output channel.

    They are ordered by output, and in a convolution then by row, column and input channel: on the
    page the channels of a pixel lie together.
    """
    weight, bias = layer.weight.detach(), layer.bias
    rows = nn.Linear(weight[0].numel(), len(weight))
    rows.weight = nn.Parameter(weight.movedim(1, -1).reshape(len(weight), -1))
    quantised = compress.Int8Linear(rows)
    return {
        "weights": base64.b64encode(quantised.weight.numpy().tobytes()).decode("ascii"),
        "scales": _short(quantised.scale),
        "biases": _short(torch.zeros(len(weight)) if bias is None else bias),
    }


def _short(values: Tensor) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]


def _parts(layers: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Put the layers under their numbers into parts, as many into each as a script may hold."""
    room = HEAVIEST - 500  # the rest of the script is shorter
    part: dict[str, Any] = {}
    for number, layer in enumerate(layers):
        if part and len(_compact(part | {str(number): layer})) > room:
            yield part
            part = {}
        part[str(number)] = layer
    yield part


def _compact(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"))
