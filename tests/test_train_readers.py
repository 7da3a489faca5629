"""The script that trains the check reader's networks, run end to end on a few fields."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lessonlib import digits, handwriting, models, recipes, weights
from lessonlib.checks import MARK, CheckReader
from lessonlib.checks.candidates import CANDIDATE_CLASSES
from lessonlib.checks.cutting import DEFAULT_CALIBRATION
from lessonlib.synthesis import render
from lessonlib.synthesis.examples import Examples
from lessonlib.synthesis.hands import drawn_hand
from tools import calibration, train_readers

TINY = {"epochs": 1, "batch_size": 32}


def render_here(fields: int) -> Examples:
    """Make the examples in this process: others would not see what the test changed."""
    chunks = [train_readers.render_chunk(seed) for seed in range(fields // train_readers.CHUNK)]
    inputs, classes = zip(*chunks, strict=True)
    return np.concatenate(inputs), np.concatenate(classes)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few fields from the bundled digits, an epoch each."""
    monkeypatch.setattr(train_readers, "FIELDS", 120)
    monkeypatch.setattr(train_readers, "CHUNK", 30)
    monkeypatch.setattr(train_readers, "CALIBRATION_FIELDS", 60)
    for name, recipe in recipes.CUTTERS.items():
        tiny = replace(recipe, training=dict(recipe.training) | TINY)
        monkeypatch.setitem(recipes.CUTTERS, name, tiny)
    monkeypatch.setattr(train_readers, "render_all", render_here)
    monkeypatch.setattr(train_readers, "anyone", lambda split, rng: drawn_hand)
    monkeypatch.setattr(calibration, "anyone", lambda split, rng, writers: drawn_hand)
    monkeypatch.setattr(digits, "source", lambda: "mnist")
    monkeypatch.setattr(handwriting, "source", lambda: {"pens": "their sum"})


@pytest.mark.usefixtures("tiny")
def test_every_reader_is_trained_calibrated_and_saved_with_a_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "weights"
    train_readers.main([str(folder)])
    files = {path.name for path in folder.iterdir()}
    assert files == {f"reader-{name}.safetensors" for name in recipes.CUTTERS}
    printed = capsys.readouterr().out
    for name, recipe in recipes.CUTTERS.items():
        assert f"{name}: reads " in printed
        path = folder / f"reader-{name}.safetensors"
        model, record = weights.load(path), weights.read_record(path)
        assert type(model).__name__ == recipe.architecture
        assert record["recipe"] == dict(recipe.training) | {"model": model.config}
        assert (record["fields"], record["seed"]) == (120, train_readers.SEED)
        assert record["data"] == digits.SHA256
        assert record["handwriting"] == {"pens": "their sum"}
        assert set(record["calibration"]) == set(DEFAULT_CALIBRATION)
        assert all(np.isfinite(value) for value in record["calibration"].values())
        assert set(record["versions"]) == {"lessonlib", "python", "torch"}
        reading = CheckReader(model).read(render("1990", 0))
        assert 0 <= reading.confidence <= 1


@pytest.mark.usefixtures("tiny")
def test_calibrating_alone_fits_the_calibration_and_changes_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train_readers.main([str(tmp_path)])
    paths = {name: tmp_path / f"reader-{name}.safetensors" for name in recipes.CUTTERS}
    trained = {name: (weights.load(p), weights.read_record(p)) for name, p in paths.items()}
    spoilt = {"calibration": dict.fromkeys(sorted(DEFAULT_CALIBRATION), 9.0), "sizes": [3.0]}
    for name, (model, record) in trained.items():
        weights.save(model, paths[name], record | spoilt)
    monkeypatch.setattr(train_readers, "train", pytest.fail)
    capsys.readouterr()
    train_readers.main([str(tmp_path), "--calibrate"])
    printed = capsys.readouterr().out
    for name, (model, record) in trained.items():
        assert weights.read_record(paths[name]) == record
        for key, value in weights.load(paths[name]).state_dict().items():
            torch.testing.assert_close(value, model.state_dict()[key], rtol=0, atol=0)
        assert f"{name}: {spoilt['calibration']} before, {record['calibration']} now" in printed


@pytest.mark.usefixtures("tiny")
def test_where_there_is_no_network_nothing_is_calibrated(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="train it, without --calibrate"):
        train_readers.main([str(tmp_path / "weights"), "--calibrate"])
    assert not (tmp_path / "weights").exists()


def test_without_mnist_nothing_is_trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(digits, "source", lambda: "bundled")
    with pytest.raises(SystemExit, match="MNIST"):
        train_readers.main([str(tmp_path / "weights")])
    assert not (tmp_path / "weights").exists()


def test_training_learns_and_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(600) % CANDIDATE_CLASSES
    x = torch.randint(0, 30, (600, 2, 28, 28), generator=generator, dtype=torch.uint8)
    for number, kind in enumerate(y.tolist()):  # a bright row that says which class it is
        x[number, :, 2 * kind : 2 * kind + 3] = 255
    states = []
    for _ in range(2):
        torch.manual_seed(0)
        model = models.MLP((16,), 0.0, batch_norm=True, pictures=2, classes=CANDIDATE_CLASSES)
        train_readers.train(model, x, y, epochs=20, batch_size=256, lr=1e-2, weight_decay=0.0)
        states.append(model.state_dict())
    assert not model.training
    with torch.inference_mode():
        answers = model(models.to_tensor(x.numpy())).argmax(dim=1)
    assert (answers == y).float().mean() > 0.9
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name])


def test_both_pictures_are_warped_each_in_its_own_way() -> None:
    x = torch.randn(8, 1, 28, 28).expand(8, 2, 28, 28).clone()
    warped = train_readers.warp_both(x, torch.Generator().manual_seed(0))
    assert warped.shape == x.shape
    assert not torch.allclose(warped[:, 0], x[:, 0])
    assert not torch.allclose(warped[:, 1], x[:, 1])
    assert not torch.allclose(warped[:, 0], warped[:, 1])


def test_all_readers_take_the_same_pictures() -> None:
    x = torch.zeros(2, 2, 28, 28)
    for recipe in recipes.CUTTERS.values():
        model = weights.build(recipe).eval()
        assert type(model).__name__ == recipe.architecture
        assert model(x).shape == (2, CANDIDATE_CLASSES)
    assert MARK < CANDIDATE_CLASSES
