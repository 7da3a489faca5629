"""The script that trains the networks of "Next steps", run end to end on next to nothing."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lessonlib import digits, evaluation, models, recipes, training, weights
from lessonlib.checks import rules
from lessonlib.synthesis import samples
from tools import train_next_steps

SEED = 5
TINY = {"epochs": 2, "batch_size": 32, "validation": 32}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few of the bundled digits, two epochs each."""

    def load(split: digits.Split) -> tuple[digits.Images, digits.Labels]:
        images, labels = digits.load_bundled(split)
        return images[:160], labels[:160]

    fields, amounts = samples.bill_fields()
    monkeypatch.setattr(samples, "bill_fields", lambda: (fields[:6], amounts[:6]))
    for name, recipe in recipes.VARIANTS.items():
        tiny = replace(recipe, training=dict(recipe.training) | TINY, seed=SEED)
        monkeypatch.setitem(recipes.VARIANTS, name, tiny)
    monkeypatch.setattr(train_next_steps, "TRAININGS", 2)
    monkeypatch.setattr(digits, "source", lambda: "mnist")
    monkeypatch.setattr(digits, "load", load)


@pytest.mark.usefixtures("tiny")
def test_every_network_of_the_chapter_is_trained_and_saved_with_a_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train_next_steps.main([str(tmp_path / "next")])
    printed = capsys.readouterr().out
    monkeypatch.setattr(weights, "data_path", lambda *parts: tmp_path.joinpath(*parts[1:]))
    for name in recipes.VARIANTS:
        assert f"{name}.safetensors: " in printed
        variant = weights.load_variant(name)
        record = variant.record
        assert record["recipe"]["model"] == variant.model.config
        assert record["parameters"] == sum(p.numel() for p in variant.model.parameters())
        assert set(record["history"]) == set(training.History().__dict__)
        assert {len(values) for values in record["history"].values()} == {2}
        assert (record["seed"], record["data"]) == (SEED, digits.SHA256)
        assert record["command"].endswith(f"--only {name}")
        assert set(record["versions"]) == {"lessonlib", "python", "torch"}
        probabilities = evaluation.predict(variant.model, digits.load("test")[0])
        accuracy = evaluation.accuracy(probabilities, digits.load("test")[1])
        assert record["test_accuracy"] == pytest.approx(accuracy, abs=1e-4)
        runs = record["runs"]
        assert runs["seeds"] == [SEED, SEED + 1]
        assert runs["test_accuracy"][0] == record["test_accuracy"]
        cut = rules.cut_fields(*samples.bill_fields())
        for key, (images, labels) in (
            ("test_wrong", digits.load("test")),
            ("field_wrong", (cut.images, cut.labels)),
        ):
            answers = evaluation.predict(variant.model, images).argmax(axis=1)
            assert runs[key][0] == np.flatnonzero(answers != labels).tolist()
        assert {len(values) for values in runs.values()} == {2}
    assert len(list((tmp_path / "next").iterdir())) == len(recipes.VARIANTS)


@pytest.mark.usefixtures("tiny")
def test_one_network_can_be_trained_alone_and_comes_out_the_same(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        train_next_steps.main([str(tmp_path / folder), "--only", "together"])
    (first,), (second,) = (list((tmp_path / folder).iterdir()) for folder in ("a", "b"))
    assert first.name == "together.safetensors"
    a, b = weights.load(first).state_dict(), weights.load(second).state_dict()
    assert all(np.allclose(a[name], b[name], atol=1e-3) for name in a)


@pytest.mark.usefixtures("tiny")
def test_each_seed_trains_another_network_and_the_first_is_saved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = [tmp_path / "both", tmp_path / "first", tmp_path / "second"]
    recipe = recipes.VARIANTS["baseline"]
    for path, trainings, seed in zip(paths, (2, 1, 1), (SEED, SEED, SEED + 1), strict=True):
        monkeypatch.setattr(train_next_steps, "TRAININGS", trainings)
        monkeypatch.setitem(recipes.VARIANTS, "baseline", replace(recipe, seed=seed))
        train_next_steps.train("baseline", path)
    both, first, second = map(weights.read_record, paths)
    for key in ("test_accuracy", "test_wrong", "field_wrong"):
        assert both["runs"][key] == first["runs"][key] + second["runs"][key]
    assert both["history"]["train_loss"] == first["history"]["train_loss"]
    assert first["history"]["train_loss"] != second["history"]["train_loss"]


@pytest.mark.usefixtures("tiny")
def test_accuracy_is_measured_with_the_16_bits_of_each_weight_that_are_saved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tested: list[nn.Module] = []
    wrong = train_next_steps.wrong

    def noting(model: models.Network, images: digits.Images, labels: digits.Labels) -> list[int]:
        tested.append(copy.deepcopy(model))
        return wrong(model, images, labels)

    monkeypatch.setattr(train_next_steps, "wrong", noting)
    path = tmp_path / "a.safetensors"
    train_next_steps.train("batch-norm", path)
    assert path.stat().st_size < 500_000
    saved, first = weights.load(path).state_dict(), tested[0].state_dict()
    assert all(torch.equal(saved[name], value) for name, value in first.items())


@pytest.mark.usefixtures("tiny")
def test_without_mnist_nothing_is_trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(digits, "source", lambda: "bundled")
    with pytest.raises(SystemExit, match="MNIST"):
        train_next_steps.main([str(tmp_path / "next")])
    assert not (tmp_path / "next").exists()


@pytest.mark.usefixtures("tiny")
def test_a_network_that_is_none_of_them_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        train_next_steps.main([str(tmp_path), "--only", "transformer"])
    assert "baseline" in capsys.readouterr().err
