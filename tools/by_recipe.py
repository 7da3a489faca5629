"""What the training programs share: training by a recipe, and the folder for shipped weights."""

from pathlib import Path

from lessonlib import augment, digits, training, weights
from lessonlib.models import Network
from lessonlib.recipes import Recipe

WEIGHTS = Path(__file__).resolve().parents[1] / "data" / "weights"


def train(recipe: Recipe, seed: int) -> tuple[Network, training.History]:
    """Build a network and train it on MNIST's training images, on the CPU."""
    options = dict(recipe.training)
    if "augment" in options:
        options["augment"] = getattr(augment, options["augment"])
    training.set_seed(seed)
    model = weights.build(recipe)
    images, labels = digits.load("train")
    history = training.fit(
        model, images, labels, **options, seed=seed, device="cpu", progress=False
    )
    return model, history
