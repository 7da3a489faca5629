"""Train the MLP that ships with the course, and save it with a record of the training.

Usage: ``python -m tools.train_weights [FILE]`` (``make models``)
"""

import platform
import sys
import time
from pathlib import Path
from typing import Any

import torch

import lessonlib
from lessonlib import digits, models, training
from lessonlib.files import check_writable

MLP = Path(__file__).resolve().parents[1] / "data" / "weights" / "mlp.safetensors"
SEED = 1943
RECIPE: dict[str, Any] = {
    "epochs": 40,
    "batch_size": 256,
    "lr": 5e-3,
    "weight_decay": 0.0,
    "schedule": "one-cycle",
}


def train_mlp(seed: int) -> models.MLP:
    """Train the MLP on all 60,000 training images, which each epoch warps at random."""
    training.set_seed(seed)
    model = models.MLP(dropout=0.0, batch_norm=True)
    training.fit(
        model,
        *digits.load("train"),
        **RECIPE,
        augment=training.warp,
        validation=None,
        seed=seed,
        device="cpu",
        progress=False,
    )
    return model


def main(arguments: list[str]) -> None:
    """Train the MLP, score it on the test images, and save it in the named or the shipped file."""
    if digits.source() != "mnist":
        sys.exit("The training needs MNIST, which was not found: set LESSONLIB_MNIST_ROOT.")
    path = Path(arguments[0]) if arguments else MLP
    path.parent.mkdir(parents=True, exist_ok=True)
    check_writable(path)
    print(f"Training {RECIPE['epochs']} epochs: a minute or two ...")
    start = time.perf_counter()
    model = train_mlp(SEED)
    seconds = time.perf_counter() - start
    _, accuracy = training.score(model, *training.as_tensors(*digits.load("test"), "cpu"))
    record = {
        "command": "make models",
        "data": digits.SHA256,
        "recipe": RECIPE | {"augment": "lessonlib.training.warp", "model": model.config},
        "seed": SEED,
        "seconds": round(seconds),
        "test_accuracy": round(accuracy, 4),
        "versions": {
            "lessonlib": lessonlib.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
    }
    models.save(model, path, record)
    print(f"{path}: {accuracy:.2%} of the test images right, trained in {seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
