"""The script that trains the network for lines, run end to end on a few fields."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lessonlib import digits, handwriting, weights
from lessonlib.checks.ctc import log_likelihood
from lessonlib.checks.find import Found, find_writing
from lessonlib.checks.lines import CHARACTERS, LINE_CLASSES, LINE_HEIGHT, line_features
from lessonlib.models import LineNetwork
from lessonlib.recipes import LINE_RECIPE
from lessonlib.synthesis.fields import LabelledField
from lessonlib.synthesis.hands import drawn_hand
from lessonlib.synthesis.mixture import training_field
from tools import calibration, train_lines

TINY = replace(
    LINE_RECIPE,
    config=dict(LINE_RECIPE.config) | {"channels": 2},
    training=dict(LINE_RECIPE.training) | {"epochs": 1, "batch_columns": 320},
)


def render_here(fields: int) -> list[train_lines.Line]:
    """Render in this process: another would not see what the test changed."""
    chunks = [train_lines.render_chunk(seed) for seed in range(fields // train_lines.CHUNK)]
    return [line for chunk in chunks for line in chunk]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few fields in drawn digits, an epoch, a network of two channels."""
    monkeypatch.setattr(train_lines, "RECIPE", TINY)
    monkeypatch.setattr(train_lines, "FIELDS", 40)
    monkeypatch.setattr(train_lines, "CHUNK", 20)
    monkeypatch.setattr(train_lines, "MIXES", (0.5, 1.0))
    monkeypatch.setattr(train_lines, "render_all", render_here)
    monkeypatch.setattr(train_lines, "anyone", lambda split, rng: drawn_hand)
    monkeypatch.setattr(calibration, "anyone", lambda split, rng, writers: drawn_hand)
    monkeypatch.setattr(train_lines, "CALIBRATION_FIELDS", 16)
    # A network that learnt so little reads nothing right, and no calibration fits that.
    monkeypatch.setattr(train_lines, "best_of", lambda texts: ["1", "2"] * (len(texts) // 2))
    monkeypatch.setattr(train_lines, "truths_of", lambda fields: ["1"] * len(fields))
    monkeypatch.setattr(digits, "source", lambda: "mnist")
    monkeypatch.setattr(handwriting, "source", lambda: {"pens": "their sum"})


@pytest.mark.usefixtures("tiny")
def test_the_network_is_trained_calibrated_and_saved_with_a_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "weights"
    train_lines.main([str(folder)])
    (path,) = folder.iterdir()
    assert path.name == "reader-line.safetensors"
    model, record = weights.load(path), weights.read_record(path)
    assert isinstance(model, LineNetwork)
    assert record["recipe"] == dict(TINY.training) | {"model": model.config}
    assert (record["fields"], record["seed"]) == (40, TINY.seed)
    assert 20 < record["lines"] <= 40
    assert record["handwriting"] == {"pens": "their sum"}
    assert record["data"] == digits.SHA256
    assert set(record["seconds"]) == {"rendering", "training"}
    assert set(record["calibration"]) == {"constant", *line_features([("1", -1.0)], 1.0)}
    assert set(record["ensemble"]) == {
        *("constant", "mix", "share", "line", "cut", "path", "agreed", "looks")
    }
    assert record["ensemble"]["mix"] in train_lines.MIXES
    printed = capsys.readouterr().out
    for part in ("rendered fields, in", "epoch 1: loss", "line: reads", "ensemble: reads"):
        assert part in printed


@pytest.mark.usefixtures("tiny")
def test_calibrating_alone_fits_the_calibrations_and_changes_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    path, model = tmp_path / "reader-line.safetensors", weights.build(TINY)
    weights.save(model, path, {"seed": 5, "calibration": {"constant": 9.0}})
    monkeypatch.setattr(train_lines, "train", pytest.fail)
    train_lines.main([str(tmp_path), "--calibrate"])
    record = weights.read_record(path)
    assert record["seed"] == 5
    assert set(record["calibration"]) == {"constant", "score", "share", "agreed"}
    assert "mix" in record["ensemble"]
    for name, value in weights.load(path).state_dict().items():
        assert torch.equal(value, model.state_dict()[name])


@pytest.mark.usefixtures("tiny")
def test_where_there_is_no_network_nothing_is_calibrated(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="train it, without --calibrate"):
        train_lines.main([str(tmp_path / "weights"), "--calibrate"])
    assert not (tmp_path / "weights").exists()


def test_without_mnist_nothing_is_trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(digits, "source", lambda: "bundled")
    with pytest.raises(SystemExit, match="MNIST"):
        train_lines.main([str(tmp_path / "weights")])
    assert not (tmp_path / "weights").exists()


# ---------------------------------------------------------------- training


def bar_codes(count: int, width: int = 64) -> list[train_lines.Line]:
    """Make lines that are easy to read: a digit is a bar, the higher the larger."""
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(count):
        pictures = np.zeros((2, LINE_HEIGHT, width), np.uint8)
        text = "".join(map(str, rng.choice([0, 4, 9], 2)))
        for place, digit in enumerate(text):
            x = 12 + 28 * place
            pictures[:, 34 - 3 * int(digit) : 38, x : x + 8] = 255
        lines.append((pictures, text))
    return lines


def trained(lines: list[train_lines.Line]) -> tuple[LineNetwork, list[float]]:
    torch.manual_seed(0)
    model = LineNetwork(4)
    losses = train_lines.train(model, lines, 12, 16 * 64, lr=1e-2, weight_decay=0.0)
    return model, [*losses]


def test_training_learns_and_repeats() -> None:
    lines = bar_codes(160)
    model, losses = trained(lines)
    assert len(losses) == 12
    assert losses[-1] < 0.3 * losses[0]
    assert not model.training
    again, same_losses = trained(lines)
    assert losses == pytest.approx(same_losses, rel=1e-3)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, again.state_dict()[name], rtol=1e-2, atol=1e-3)


def test_the_loss_is_the_exact_probability_of_each_text_shared_by_its_characters() -> None:
    torch.manual_seed(0)
    logits, texts = torch.randn(2, LINE_CLASSES, 9), ["1.5", "77"]
    log_p = logits.double().log_softmax(dim=1).transpose(1, 2).numpy()
    expected = [
        -log_likelihood(one, [CHARACTERS.index(c) for c in text]) / len(text)
        for one, text in zip(log_p, texts, strict=True)
    ]
    loss = train_lines.ctc_loss(logits, texts)
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-4)


def test_an_empty_text_and_one_that_finds_no_room_cost_no_infinite_loss() -> None:
    logits = torch.randn(3, LINE_CLASSES, 4, requires_grad=True)
    loss = train_lines.ctc_loss(logits, ["", "12345678", "1"])
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0].abs().sum() > 0  # of an empty text something is learnt
    assert logits.grad[1].abs().sum() == 0


def test_a_batch_has_lines_of_one_width_and_each_line_is_in_one_at_most() -> None:
    rng = np.random.default_rng(0)
    widths = rng.choice([64, 96, 160], 100).tolist()
    lines = [(np.zeros((2, LINE_HEIGHT, width), np.uint8), "1") for width in widths]
    parts = train_lines.batches(lines, 640, rng)
    numbers = [number for part in parts for number in part]
    assert len(set(numbers)) == len(numbers) > 80
    for part in parts:
        (width,) = {widths[number] for number in part}
        assert len(part) == 640 // width
    other = train_lines.batches(lines, 640, rng)
    assert other != parts
    assert len(other) == len(parts)


def test_a_line_wider_than_a_batch_is_a_batch_of_its_own() -> None:
    lines = [(np.zeros((2, LINE_HEIGHT, 320), np.uint8), "1")] * 3
    parts = train_lines.batches(lines, 160, np.random.default_rng(0))
    assert sorted(parts) == [[0], [1], [2]]


def test_lines_are_changed_a_little_each_in_its_own_way() -> None:
    x = train_lines.inputs_of(bar_codes(1) * 4, [0, 1, 2, 3])
    before = x.clone()
    changed = train_lines.changed(x, torch.Generator().manual_seed(0))
    assert changed.shape == x.shape
    assert torch.equal(x, before)
    assert not torch.allclose(changed[0], changed[1], atol=0.05)
    assert changed.min() >= 0
    assert changed.max() <= 1.2
    ink = changed[:, 1].sum(dim=(1, 2)) / x[:, 1].sum(dim=(1, 2))
    assert ((ink > 0.6) & (ink < 1.6)).all()  # no line is lost
    again = train_lines.changed(x, torch.Generator().manual_seed(0))
    assert torch.equal(changed, again)


# ---------------------------------------------------------------- fields


def field_with_a_digit(x: int) -> LabelledField:
    """Make a field with ink of a digit in ten columns from x, and of a mark in two."""
    owner = np.full((60, 200), -1, np.int16)
    owner[20:50, x : x + 10] = 0
    owner[40:50, x + 20 : x + 22] = 1
    return LabelledField(np.zeros((60, 200), np.uint8), "7.", owner)


def found(left: int, width: int) -> Found:
    matrix = np.array([[1.0, 0, left], [0, 1, 0]])
    return Found(np.zeros((60, width), np.uint8), matrix, False, ())


@pytest.mark.parametrize(("x", "lost"), [(50, 0.0), (90, 0.0), (95, 0.5), (100, 1.0), (25, 0.5)])
def test_the_share_of_the_digits_ink_outside_of_what_was_found(x: int, lost: float) -> None:
    assert train_lines.share_lost(field_with_a_digit(x), found(30, 70)) == pytest.approx(lost)


def test_an_empty_field_loses_nothing_and_digits_without_ink_are_lost() -> None:
    nobody = np.full((60, 200), -1, np.int16)
    image = np.zeros((60, 200), np.uint8)
    assert train_lines.share_lost(LabelledField(image, "", nobody), found(0, 200)) == 0.0
    assert train_lines.share_lost(LabelledField(image, "7", nobody), found(0, 200)) == 1.0


def test_a_field_is_left_out_where_its_digits_were_not_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(train_lines, "CHUNK", 6)
    monkeypatch.setattr(train_lines, "anyone", lambda split, rng: drawn_hand)
    shares = iter([0.0, 1.0, 0.02, 0.5, 0.0, 0.0])
    monkeypatch.setattr(train_lines, "share_lost", lambda field, found: next(shares))
    assert len(train_lines.render_chunk(0)) == 4


def test_rendered_lines_have_texts_of_the_network_s_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(train_lines, "CHUNK", 20)
    monkeypatch.setattr(train_lines, "anyone", lambda split, rng: drawn_hand)
    for pictures, text in train_lines.render_chunk(3):
        assert pictures.shape[:2] == (2, LINE_HEIGHT)
        assert set(text) <= set(CHARACTERS)
        assert len(text) <= pictures.shape[2] // 4


def test_most_fields_keep_their_digits_when_their_writing_is_found() -> None:
    rng = np.random.default_rng(0)
    fields = [training_field(rng, drawn_hand) for _ in range(30)]
    lost = [train_lines.share_lost(field, find_writing(field.image)) for field in fields]
    assert np.mean([share <= train_lines.MOST_LOST for share in lost]) > 0.8
