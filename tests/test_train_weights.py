"""The script that trains the MLP for single digits, run end to end on a few of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from lessonlib import digits, evaluation, recipes, weights
from tools import train_weights

TINY = {"epochs": 2, "batch_size": 32}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> recipes.Recipe:
    """The MLP's recipe, but with two epochs on the bundled digits."""
    recipe = replace(recipes.DIGIT_MLP, training=dict(recipes.DIGIT_MLP.training) | TINY)
    monkeypatch.setattr(train_weights, "DIGIT_MLP", recipe)
    monkeypatch.setattr(digits, "source", lambda: "mnist")
    monkeypatch.setattr(digits, "load", digits.load_bundled)
    return recipe


def test_the_mlp_is_trained_and_saved_with_a_record(
    tiny: recipes.Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "weights" / "mlp.safetensors"
    train_weights.main([str(path)])
    model, record = weights.load(path), weights.read_record(path)
    assert record["recipe"] == dict(tiny.training) | {"model": model.config}
    assert (record["seed"], record["data"]) == (tiny.seed, digits.SHA256)
    assert record["command"] == "make models"
    assert set(record["versions"]) == {"lessonlib", "python", "torch"}
    images, labels = digits.load_bundled("test")
    accuracy = evaluation.accuracy(evaluation.predict(model, images), labels)
    assert record["test_accuracy"] == pytest.approx(accuracy, abs=1e-4)
    assert accuracy > 0.5
    assert f"{path}: {accuracy:.2%} of the test images right" in capsys.readouterr().out


@pytest.mark.usefixtures("tiny")
def test_without_mnist_nothing_is_trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(digits, "source", lambda: "bundled")
    with pytest.raises(SystemExit, match="MNIST"):
        train_weights.main([str(tmp_path / "mlp.safetensors")])
    assert list(tmp_path.iterdir()) == []
