"""The networks that ship with the course, each with the recipe by which it is trained.

This is the one list of them: the reader, the command line, the doctor, the training programs and
the tests take their networks from here. To add one to `READERS` or to `VARIANTS`, add its recipe
and run the program that trains them: it writes the weight file. A test fails where a recipe has no
file, or a file no recipe. A new architecture needs its class in `lessonlib.models`, too, and a
builder in `lessonlib.weights`. A recipe is plain data, so importing this module loads no torch.
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
        What it is: for a reader, beside the others; for a variant, beside the baseline.
    architecture : str
        A class of `lessonlib.models`, and a key of `lessonlib.weights.BUILDERS`.
    config : mapping
        The arguments of the class.
    training : mapping
        The options of its training. "augment" is the name of a function in `lessonlib.augment`.
    seed : int
        Where the random numbers of its training start.
    sizes : tuple of float
        For a reader, the sizes at which it sees a candidate: the first one always, the others where
        that leaves doubt. See `lessonlib.checks.classify`.
    """

    title: str
    architecture: str
    config: Mapping[str, Any]
    training: Mapping[str, Any]
    seed: int
    sizes: tuple[float, ...] = (1.0,)


# What `tools/train_weights.py` trains: it reads single digits.
DIGIT_MLP = Recipe(
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
        "validation": None,
    },
    seed=1943,
)

# What `tools/train_readers.py` trains: the networks that read a field cut up. Each sees a candidate
# in two pictures, and takes it for one of the ten digits, a mark, or junk: 12 classes. All have one
# seed, because they are trained on the same rendered fields. More sizes than one help with writing
# that is new to a network: the chapter on checks counts how much.
_PAIR = {"pictures": 2, "classes": 12}
CUTTERS = {
    "mlp": Recipe(
        "quicker",
        "MLP",
        _PAIR | {"hidden": (512, 256), "dropout": 0.0, "batch_norm": True},
        {"epochs": 16, "batch_size": 256, "lr": 3e-3, "weight_decay": 1e-2},
        seed=2014,
        sizes=(1.0, 0.9),
    ),
    "cnn": Recipe(
        "slower, better on real amounts",
        "CNN",
        _PAIR | {"channels": 16, "dropout": 0.2},
        {"epochs": 5, "batch_size": 256, "lr": 4e-3, "weight_decay": 1e-2},
        seed=2014,
        sizes=(1.0, 0.9, 1.1),
    ),
}

# What `tools/train_lines.py` trains: the network that reads a field whole. A batch has so many
# columns of pictures, since lines differ in width.
LINE = "line"
LINE_RECIPE = Recipe(
    "reads the line whole",
    "LineNetwork",
    {"channels": 32, "pictures": 2, "classes": 25},
    {"epochs": 17, "batch_columns": 64 * 160, "lr": 3e-3, "weight_decay": 1e-2},
    seed=2006,
)

# The readers of `CheckReader` that have a network, and all of them by name with what they are. The
# last one asks the line network and one of the others.
READERS = CUTTERS | {LINE: LINE_RECIPE}
DEFAULT_READER = LINE  # of those that read 100 fields a second, it reads the most kinds of paper
ENSEMBLE_CUTTER = "cnn"
READER_NAMES = {name: recipe.title for name, recipe in READERS.items()} | {
    "ensemble": f"asks {ENSEMBLE_CUTTER} and {LINE}"
}

# What `tools/train_next_steps.py` trains: the networks that the chapter on next steps compares. All
# have the same images, epochs and seed. Each differs from the baseline in one thing, but "residual"
# adds a block to "lenet", and "together" has all the changes at once.
_BASELINE = {
    "epochs": 10,
    "batch_size": 128,
    "lr": 2e-3,
    "weight_decay": 0.0,
    "schedule": "constant",
    "validation": 5_000,
}


def _variant(title: str, architecture: str, config: Mapping[str, Any], **changes: Any) -> Recipe:
    return Recipe(title, architecture, config, _BASELINE | changes, seed=1998)


_MLP = {"hidden": (256, 128), "dropout": 0.0, "batch_norm": False}
_LENET = {"residual_blocks": 0, "batch_norm": False}
_RESIDUAL = {"residual_blocks": 1, "batch_norm": False}
VARIANTS = {
    "baseline": _variant("baseline MLP", "MLP", _MLP),
    "batch-norm": _variant("batch normalisation", "MLP", _MLP | {"batch_norm": True}),
    "cosine": _variant("cosine schedule", "MLP", _MLP, schedule="cosine"),
    "one-cycle": _variant("one-cycle schedule", "MLP", _MLP, schedule="one-cycle"),
    "affine": _variant("affine augmentation", "MLP", _MLP, augment="affine"),
    "elastic": _variant("elastic augmentation", "MLP", _MLP, augment="elastic"),
    "lenet": _variant("LeNet-style CNN", "LeNet", _LENET),
    "residual": _variant("the CNN with a residual block", "LeNet", _RESIDUAL),
    "together": _variant(
        "all of it together",
        "LeNet",
        _RESIDUAL | {"batch_norm": True},
        schedule="one-cycle",
        augment="warp",  # affine and elastic in one
    ),
}

# A name is the path of the network's file below data/weights, without its ending.
SHIPPED: dict[str, Recipe] = {
    "mlp": DIGIT_MLP,
    **{f"reader-{name}": recipe for name, recipe in READERS.items()},
    **{f"next/{name}": recipe for name, recipe in VARIANTS.items()},
}
