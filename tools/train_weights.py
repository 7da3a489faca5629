"""Train the MLP that reads single digits, and save it with a record of the training.

Usage: ``python -m tools.train_weights [FILE]`` (``make models``)
"""

import sys
import time
from pathlib import Path

from lessonlib import digits, training, weights
from lessonlib.files import check_writable
from lessonlib.recipes import DIGIT_MLP
from tools import by_recipe


def main(arguments: list[str]) -> None:
    """Train the MLP, score it on the test images, and save it in the named or the shipped file."""
    if digits.source() != "mnist":
        sys.exit("The training needs MNIST, which was not found: set LESSONLIB_MNIST_ROOT.")
    path = Path(arguments[0]) if arguments else by_recipe.WEIGHTS / "mlp.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    check_writable(path)
    print(f"Training {DIGIT_MLP.training['epochs']} epochs: a minute or two ...")
    start = time.perf_counter()
    model, _ = by_recipe.train(DIGIT_MLP, DIGIT_MLP.seed)
    seconds = time.perf_counter() - start
    _, accuracy = training.score(model, *training.as_tensors(*digits.load("test"), "cpu"))
    record = weights.training_record(
        model, DIGIT_MLP, "make models", seconds=round(seconds), test_accuracy=round(accuracy, 4)
    )
    weights.save(model, path, record)
    print(f"{path}: {accuracy:.2%} of the test images right, trained in {seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
