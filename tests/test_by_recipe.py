"""Training by a recipe, as two of the training programs do."""

from typing import Any

import pytest
import torch

from lessonlib import augment, digits, models, training
from lessonlib.recipes import VARIANTS
from tools import by_recipe


def test_a_recipe_s_options_reach_the_training_with_its_augmentation_as_a_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {}

    def fit(model: models.Network, *data: object, **options: object) -> training.History:
        given.update(options, model=model)
        return training.History()

    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setattr(digits, "load", digits.load_bundled)
    recipe = VARIANTS["elastic"]
    model, _ = by_recipe.train(recipe, 7)
    assert given.pop("model") is model
    assert given == dict(recipe.training) | {
        "augment": augment.elastic,
        "seed": 7,
        "device": "cpu",
        "progress": False,
    }
    again, _ = by_recipe.train(recipe, 7)
    other, _ = by_recipe.train(recipe, 8)
    first = model.state_dict()["net.1.weight"]
    assert torch.equal(first, again.state_dict()["net.1.weight"])
    assert not torch.equal(first, other.state_dict()["net.1.weight"])
