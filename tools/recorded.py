"""What the training programs share: where weights go, and a recipe's options for `training.fit`."""

from pathlib import Path
from typing import Any

from lessonlib import augment
from lessonlib.recipes import Recipe

FOLDER = Path(__file__).resolve().parents[1] / "data" / "weights"


def options_of(recipe: Recipe) -> dict[str, Any]:
    """Return the options that `training.fit` takes, with the augmentation as a function."""
    options = dict(recipe.training)
    if "augment" in options:
        options["augment"] = getattr(augment, options["augment"])
    return options
