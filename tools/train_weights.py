"""Train the MLP that ships with the course, and save it with a record of the training.

Usage: ``python -m tools.train_weights [FILE]`` (``make models``)
"""

import sys
import time
from pathlib import Path

from lessonlib import digits, models, recipes, training, weights
from lessonlib.files import check_writable
from lessonlib.recipes import Recipe
from tools.recorded import FOLDER, options_of

RECIPE = recipes.SHIPPED["mlp"]


def train_mlp(recipe: Recipe) -> models.Network:
    """Train the MLP on all 60,000 training images, which each epoch warps at random."""
    training.set_seed(recipe.seed)
    model = weights.build(recipe)
    training.fit(
        model,
        *digits.load("train"),
        **options_of(recipe),
        validation=None,
        seed=recipe.seed,
        device="cpu",
        progress=False,
    )
    return model


def main(arguments: list[str]) -> None:
    """Train the MLP, score it on the test images, and save it in the named or the shipped file."""
    if digits.source() != "mnist":
        sys.exit("The training needs MNIST, which was not found: set LESSONLIB_MNIST_ROOT.")
    path = Path(arguments[0]) if arguments else FOLDER / "mlp.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    check_writable(path)
    print(f"Training {RECIPE.training['epochs']} epochs: a minute or two ...")
    start = time.perf_counter()
    model = train_mlp(RECIPE)
    seconds = time.perf_counter() - start
    _, accuracy = training.score(model, *training.as_tensors(*digits.load("test"), "cpu"))
    record = weights.training_record(
        model, RECIPE, "make models", seconds=round(seconds), test_accuracy=round(accuracy, 4)
    )
    weights.save(model, path, record)
    print(f"{path}: {accuracy:.2%} of the test images right, trained in {seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
