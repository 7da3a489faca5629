"""Networks that travel in a page: the weights as int8, in a script of a few hundred kilobytes."""

import base64
import json
from functools import cache
from typing import Any

from torch import nn

from lessonlib import compress, models, weights


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
        raise ValueError(f"the pages compute MLPs only, and {name!r} is a {type(model).__name__}")
    folded = compress.fold_batch_norm(model)
    network = {
        "mean": models.MEAN,
        "std": models.STD,
        "layers": [_packed(layer) for layer in folded.net if isinstance(layer, nn.Linear)],
    }
    content = json.dumps(network, separators=(",", ":"))
    return (
        "window.lessonlibNetworks = window.lessonlibNetworks || {};\n"
        f"window.lessonlibNetworks[{json.dumps(name)}] = {content};\n"
    )


def _packed(layer: nn.Linear) -> dict[str, Any]:
    """Round a layer's weights to int8, with one scale for each unit."""
    quantised = compress.Int8Linear(layer)
    return {
        "inputs": layer.in_features,
        "weights": base64.b64encode(quantised.weight.numpy().tobytes()).decode("ascii"),
        "scales": [float(f"{scale:.6g}") for scale in quantised.scale.tolist()],
        "biases": [float(f"{bias:.6g}") for bias in layer.bias.tolist()],
    }
