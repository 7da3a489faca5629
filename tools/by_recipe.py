"""What the training programs share: recipes, the numbers they compute in, the weights' folder."""

from pathlib import Path

import torch

from lessonlib import augment, digits, training, weights
from lessonlib.models import Network
from lessonlib.recipes import Recipe

WEIGHTS = Path(__file__).resolve().parents[1] / "data" / "weights"


def quick_numbers() -> torch.autocast:
    """Let layers compute in bfloat16 where that is quick, and else in float32.

    It halves the time of a step where the processor has instructions for it (AVX-512). On one with
    AVX2 alone, where they have to be imitated, a step took 25 times as long.
    """
    quick = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return torch.autocast("cpu", torch.bfloat16, enabled=quick)


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
