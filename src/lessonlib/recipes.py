"""The networks that ship with the course, each with the recipe by which it was trained.

This is the one list of them. The reader, the command line, the doctor, the training programs and
the tests all take their networks from here. It is plain data, so importing it loads no torch. To
add a network, add its recipe and run the training program of its family (in ``tools/``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """What a network is, and how it is trained.

    Attributes
    ----------
    title : str
        What it is; for a variant, in what it differs from the baseline.
    architecture : {"MLP", "CNN", "LeNet"}
        A class of `lessonlib.models`.
    config : mapping
        The arguments of the class.
    training : mapping
        The options of the training. "augment" is the name of a function in `lessonlib.augment`.
    seed : int
        Where the random numbers start.
    sizes : tuple of float
        For a reader, the sizes at which it sees a candidate: see `lessonlib.checks.classify`.
    """

    title: str
    architecture: str
    config: Mapping[str, Any]
    training: Mapping[str, Any]
    seed: int
    sizes: tuple[float, ...] = (1.0,)


# The nine variants of the chapter on next steps: each has the same images, epochs and seeds as the
# baseline, and differs from it in one thing. "residual" adds a block to "lenet", and "together" has
# all the changes at once.
_PLAIN = {
    "epochs": 10,
    "batch_size": 128,
    "lr": 2e-3,
    "weight_decay": 0.0,
    "schedule": "constant",
    "validation": 5_000,
}
_MLP = {"hidden": (256, 128), "dropout": 0.0, "batch_norm": False}
_LENET = {"residual_blocks": 0, "batch_norm": False}


def _variant(title: str, architecture: str, config: Mapping[str, Any], **changes: Any) -> Recipe:
    return Recipe(title, architecture, config, _PLAIN | changes, seed=1998)


# A name is the path of the network's file below data/weights, without its ending.
SHIPPED: dict[str, Recipe] = {
    "mlp": Recipe(
        "the MLP for single digits",
        "MLP",
        {"hidden": (256, 128), "dropout": 0.0, "batch_norm": True},
        {
            "epochs": 40,
            "batch_size": 256,
            "lr": 5e-3,
            "weight_decay": 0.0,
            "schedule": "one-cycle",
            "augment": "warp",
        },
        seed=1943,
    ),
    # More sizes than one help with writing that is new to the networks: `tools.bench reading` says
    # how much.
    "reader-mlp": Recipe(
        "the quick check reader",
        "MLP",
        {
            "hidden": (1024, 512),
            "dropout": 0.0,
            "batch_norm": True,
            "pictures": 2,
            "classes": 12,
        },
        {"epochs": 4, "batch_size": 256, "lr": 3e-3, "weight_decay": 1e-2},
        seed=2014,
        sizes=(1.0, 0.9),
    ),
    "reader-cnn": Recipe(
        "the check reader that is slower and better",
        "CNN",
        {"channels": 16, "dropout": 0.2, "pictures": 2, "classes": 12},
        {"epochs": 2, "batch_size": 256, "lr": 4e-3, "weight_decay": 1e-2},
        seed=2014,
        sizes=(1.0, 0.9, 1.1),
    ),
    "next/baseline": _variant("baseline MLP", "MLP", _MLP),
    "next/batch-norm": _variant("batch normalisation", "MLP", _MLP | {"batch_norm": True}),
    "next/cosine": _variant("cosine schedule", "MLP", _MLP, schedule="cosine"),
    "next/one-cycle": _variant("one-cycle schedule", "MLP", _MLP, schedule="one-cycle"),
    "next/affine": _variant("affine augmentation", "MLP", _MLP, augment="affine"),
    "next/elastic": _variant("elastic augmentation", "MLP", _MLP, augment="elastic"),
    "next/lenet": _variant("LeNet-style CNN", "LeNet", _LENET),
    "next/residual": _variant(
        "the CNN with a residual block", "LeNet", _LENET | {"residual_blocks": 1}
    ),
    "next/together": _variant(
        "all of it together",
        "LeNet",
        {"residual_blocks": 1, "batch_norm": True},
        schedule="one-cycle",
        augment="warp",  # affine and elastic in one
    ),
}


def family(prefix: str) -> dict[str, Recipe]:
    """Collect the networks whose names start alike.

    Parameters
    ----------
    prefix : {"reader-", "next/"}
        The check reader's networks, or the variants that the chapter on next steps compares.

    Returns
    -------
    dict of str to Recipe
        By the rest of the name, as "cnn" or "batch-norm".
    """
    return {
        name.removeprefix(prefix): recipe
        for name, recipe in SHIPPED.items()
        if name.startswith(prefix)
    }


READERS = family("reader-")
VARIANTS = family("next/")
