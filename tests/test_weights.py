"""The files that hold a network's weights, and the ones that ship."""

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from lessonlib import digits, evaluation, models, recipes, weights
from lessonlib.checks import rules
from lessonlib.checks.candidates import CANDIDATE_CLASSES
from lessonlib.checks.cutting import DEFAULT_CALIBRATION
from lessonlib.checks.lines import LINE_CLASSES, line_features
from lessonlib.synthesis import samples


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    weights.save(models.MLP(hidden=(6, 5), batch_norm=True), path, {"seed": 0})
    return path


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """Split a safetensors file into its header and its numbers."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def write(path: Path, header: dict[str, Any], numbers: bytes) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers)
    return path


# Saving and loading


@pytest.mark.parametrize(
    "model",
    [
        models.MLP(hidden=(7,), dropout=0.1, pictures=2),
        models.MLP(hidden=(7,), dropout=0.1, batch_norm=True, pictures=2, classes=12),
        models.CNN(3, dropout=0.1, pictures=2, classes=12),
        models.LeNet(),
        models.LeNet(residual_blocks=2, batch_norm=True),
        models.LineNetwork(3),
    ],
)
def test_a_network_comes_back_as_it_was_saved(tmp_path: Path, model: models.Network) -> None:
    torch.manual_seed(0)
    x = torch.randn(20, 1 if isinstance(model, models.LeNet) else 2, 28, 28)
    if isinstance(model, models.LineNetwork):
        x = torch.rand(4, 2, 40, 64)
    model(x)  # moves batch norm's running averages
    weights.save(model, tmp_path / "a.safetensors")
    again = weights.load(tmp_path / "a.safetensors")
    assert type(again) is type(model)
    assert again.config == model.config
    assert not again.training
    torch.testing.assert_close(again(x), model.eval()(x))
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_the_record_comes_back(saved: Path) -> None:
    assert weights.read_record(saved) == {"seed": 0}


def test_a_file_saved_without_a_record_has_an_empty_one(tmp_path: Path) -> None:
    weights.save(models.MLP(hidden=(3,)), tmp_path / "a.safetensors")
    assert weights.read_record(tmp_path / "a.safetensors") == {}


def test_a_save_that_fails_leaves_the_old_file_and_no_other(saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(TypeError):
        weights.save(models.MLP(hidden=(3,)), saved, {"not JSON": object()})
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


def test_saving_replaces_all_of_an_older_file(saved: Path) -> None:
    weights.save(models.MLP(hidden=(3,)), saved)
    assert weights.load(saved).config["hidden"] == [3]
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


def test_an_older_file_is_kept_where_replacing_is_not_wanted(saved: Path) -> None:
    with pytest.raises(FileExistsError, match="exists already"):
        weights.save(models.MLP(hidden=(3,)), saved, replace=False)
    assert weights.load(saved).config["hidden"] == [6, 5]
    new = saved.with_name("new.safetensors")
    weights.save(models.MLP(hidden=(3,)), new, replace=False)
    assert weights.load(new).config["hidden"] == [3]


def test_a_folder_is_not_replaced_by_weights(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder"):
        weights.save(models.MLP(hidden=(3,)), tmp_path)


def test_a_saved_file_has_the_permissions_of_a_new_file(saved: Path) -> None:
    usual = saved.with_name("usual")
    usual.touch()
    assert saved.stat().st_mode == usual.stat().st_mode


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for read in (weights.load, weights.read_record):
        with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
            read(tmp_path / "none.safetensors")
        with pytest.raises(FileNotFoundError):
            read(tmp_path)  # a folder


def test_a_file_that_may_not_be_read_is_not_called_cut_short(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(weights, "safe_open", refuse)  # root may read everything
    with pytest.raises(PermissionError, match="may not be read: check its permissions"):
        weights.load(saved)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(saved: Path, share: float) -> None:
    whole = saved.read_bytes()
    cut = saved.with_name("cut.safetensors")
    cut.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        weights.load(cut)


@pytest.mark.parametrize(
    "data",
    [b"", b"text", b"\xff" * 100, struct.pack("<Q", 2**63) + b"{}", struct.pack("<Q", 2) + b"[]"],
)
def test_a_file_of_another_format_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    for read in (weights.load, weights.read_record):
        with pytest.raises(ValueError, match="not a complete safetensors file"):
            read(path)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_does_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    bomb = Bomb(mark)
    (tmp_path / "plain.safetensors").write_bytes(pickle.dumps(bomb))
    torch.save(bomb, tmp_path / "torch.safetensors")
    for name in ("plain", "torch"):
        with pytest.raises(ValueError, match="may run code"):
            weights.load(tmp_path / f"{name}.safetensors")
    assert not mark.exists()
    pickle.loads((tmp_path / "plain.safetensors").read_bytes())
    assert mark.exists(), "the bomb was a dud, and this test showed nothing"


def test_another_program_s_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"w": torch.ones(2)}, path)
    with pytest.raises(ValueError, match="an unnamed network"):
        weights.load(path)
    save_file({"w": torch.ones(2)}, path, metadata={"architecture": "AlexNet"})
    with pytest.raises(ValueError, match="'AlexNet', which is none of the course"):
        weights.load(path)


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        "3",
        "null",
        "{}",
        '{"hidden": [6, 5], "dropout": 0.2}',
        '{"hidden": [6, 4], "dropout": 0.2, "batch_norm": true}',
        '{"hidden": [6, 5], "dropout": 0.2, "batch_norm": false}',
        '{"hidden": [6, 5], "dropout": 7, "batch_norm": true}',
        '{"hidden": [6, 5], "dropout": NaN, "batch_norm": true}',
        '{"hidden": [6, 5], "dropout": [], "batch_norm": true}',
        '{"hidden": [-6, 5], "dropout": 0.2, "batch_norm": true}',
        '{"hidden": [1000000000], "dropout": 0.2, "batch_norm": true}',
        '{"hidden": [Infinity], "dropout": 0.2, "batch_norm": true}',
        '{"hidden": "many", "dropout": 0.2, "batch_norm": true}',
        '{"hidden": 6, "dropout": 0.2, "batch_norm": true}',
        '{"hidden": %s, "dropout": 0.2, "batch_norm": true}' % ([10] * 10_000),
        "[" * 100_000,
    ],
)
def test_a_file_that_describes_another_network_is_refused(saved: Path, config: str) -> None:
    header, numbers = parts(saved)
    header["__metadata__"]["config"] = config
    with pytest.raises(ValueError, match="do not fit the MLP that the file describes"):
        weights.load(write(saved, header, numbers))


WRONG_ENDS: list[dict[str, object]] = [
    {"pictures": 0},
    {"pictures": 1},
    {"pictures": 1_000_000_000},
    {"classes": -1},
    {"classes": 11},
    {"classes": 1_000_000_000},
    {"dropout": 1},
    {"dropout": None},
]


WRONG_CHANNELS: list[dict[str, object]] = [
    {"channels": value} for value in (0, -3, 4, 1_000_000_000, float("inf"), "many")
]


@pytest.mark.parametrize(
    ("model", "change"),
    [
        *((models.MLP((3,), pictures=2, classes=12), change) for change in WRONG_ENDS),
        *((models.CNN(3, pictures=2, classes=12), change) for change in WRONG_ENDS),
        *((models.CNN(3, pictures=2, classes=12), change) for change in WRONG_CHANNELS),
        *((models.LineNetwork(3), change) for change in WRONG_ENDS if "dropout" not in change),
        *((models.LineNetwork(3), change) for change in WRONG_CHANNELS),
    ],
)
def test_a_file_that_asks_for_another_size_is_refused(
    tmp_path: Path, model: models.Network, change: dict[str, object]
) -> None:
    path = tmp_path / "a.safetensors"
    weights.save(model, path)
    header, numbers = parts(path)
    header["__metadata__"]["config"] = json.dumps(model.config | change)
    with pytest.raises(ValueError, match=f"do not fit the {type(model).__name__} that the file"):
        weights.load(write(path, header, numbers))


@pytest.mark.parametrize("channels", [0, 257, 10**9])
@pytest.mark.parametrize("model", [models.CNN(3), models.LineNetwork(3)])
def test_a_number_of_channels_out_of_range_is_refused_before_memory_is_taken(
    tmp_path: Path, model: models.Network, channels: int
) -> None:
    path = tmp_path / "a.safetensors"
    weights.save(model, path)
    header, numbers = parts(path)
    config = model.config | {"channels": channels}
    header["__metadata__"]["config"] = json.dumps(config)
    with pytest.raises(ValueError, match=f"it has {channels} channels; from 1 to 256"):
        weights.load(write(path, header, numbers))


@pytest.mark.parametrize(
    "change",
    [
        *({"residual_blocks": value} for value in (0, 2, -1, 21, 10**9, float("inf"), "many")),
        {"batch_norm": True},
    ],
)
def test_a_file_that_asks_for_another_lenet_is_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    path = tmp_path / "a.safetensors"
    weights.save(models.LeNet(1), path)
    header, numbers = parts(path)
    header["__metadata__"]["config"] = json.dumps(models.LeNet(1).config | change)
    with pytest.raises(ValueError, match="do not fit the LeNet that the file"):
        weights.load(write(path, header, numbers))


@pytest.mark.parametrize("blocks", [-1, 21, 10**9])
def test_a_number_of_blocks_out_of_range_is_refused_before_memory_is_taken(
    tmp_path: Path, blocks: int
) -> None:
    path = tmp_path / "a.safetensors"
    weights.save(models.LeNet(), path)
    header, numbers = parts(path)
    header["__metadata__"]["config"] = json.dumps({"residual_blocks": blocks, "batch_norm": False})
    with pytest.raises(ValueError, match=f"it has {blocks} residual blocks; from 0 to 20"):
        weights.load(write(path, header, numbers))


def test_weights_of_16_bits_come_back_as_floats_of_32(tmp_path: Path) -> None:
    model = models.LeNet(1, batch_norm=True).half()
    weights.save(model, tmp_path / "a.safetensors")
    again = weights.load(tmp_path / "a.safetensors").state_dict()
    for name, value in model.float().state_dict().items():
        assert again[name].dtype == value.dtype
        assert torch.equal(again[name], value)


def test_a_file_from_before_the_readers_still_loads(saved: Path) -> None:
    header, numbers = parts(saved)
    config = json.loads(header["__metadata__"]["config"])
    del config["pictures"], config["classes"]
    header["__metadata__"]["config"] = json.dumps(config)
    assert weights.load(write(saved, header, numbers)).config["classes"] == 10


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    model = models.MLP(hidden=(3,), dropout=0)
    strings = {"architecture": "MLP", "config": json.dumps(model.config)}
    for value in (torch.nan, torch.inf):
        broken = {name: torch.full_like(w, value) for name, w in model.state_dict().items()}
        save_file(broken, tmp_path / "a.safetensors", metadata=strings)
        with pytest.raises(ValueError, match="do not fit"):
            weights.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize("record", ["{", "[" * 100_000])
def test_a_record_that_is_not_json_is_refused(saved: Path, record: str) -> None:
    header, numbers = parts(saved)
    header["__metadata__"]["record"] = record
    with pytest.raises(ValueError, match="not valid JSON"):
        weights.read_record(write(saved, header, numbers))


# The shipped weights


def test_the_shipped_network_reads_digits() -> None:
    model = weights.shipped()
    images, labels = digits.load_bundled("test")
    with torch.no_grad():
        answers = model(models.to_tensor(images)).argmax(dim=1).numpy()
    assert not model.training
    assert (answers == labels).mean() > 0.8  # drawn by others, and enlarged from 8x8


def test_the_shipped_network_s_record_says_how_it_was_made() -> None:
    record = weights.read_record(weights.shipped_path())
    assert record["test_accuracy"] >= 0.992
    assert set(record) >= {"command", "data", "recipe", "seed", "versions"}
    assert record["data"] == digits.SHA256
    assert weights.shipped().config == {"pictures": 1, "classes": 10} | record["recipe"]["model"]


@pytest.mark.parametrize("name", recipes.READERS)
def test_a_reader_s_record_says_how_it_was_made(name: str) -> None:
    record = weights.read_record(weights.shipped_path(f"reader-{name}"))
    assert set(record) >= {"command", "data", "fields", "recipe", "seed", "versions"}
    assert record["data"] == digits.SHA256
    assert record["recipe"]["model"] == weights.shipped(f"reader-{name}").config
    assert all(np.isfinite(value) for value in record["calibration"].values())


def test_all_readers_together_are_small() -> None:
    sizes = [weights.shipped_path(f"reader-{name}").stat().st_size for name in recipes.READERS]
    assert sum(sizes) < 12_000_000


@pytest.mark.parametrize("name", recipes.CUTTERS)
def test_a_cutter_s_calibration_has_the_weights_of_its_features(name: str) -> None:
    record = weights.read_record(weights.shipped_path(f"reader-{name}"))
    assert set(record["calibration"]) == set(DEFAULT_CALIBRATION)


def test_the_line_network_s_record_has_its_calibration_and_the_ensemble_s() -> None:
    record = weights.read_record(weights.shipped_path("reader-line"))
    assert set(record["calibration"]) == {"constant", *line_features([("1", -1.0)], 1.0)}
    names = {"constant", "mix", "share", "line", "cut", "path", "agreed", "looks"}
    assert set(record["ensemble"]) == names
    assert 0 < record["lines"] <= record["fields"]
    assert set(record) >= {"handwriting", "seconds"}


def test_the_line_network_takes_a_line_s_two_pictures_and_knows_all_its_classes() -> None:
    model = weights.shipped("reader-line")
    assert (model.config["pictures"], model.config["classes"]) == (2, LINE_CLASSES)
    assert not model.training


@pytest.mark.parametrize("name", recipes.CUTTERS)
def test_a_cutter_takes_a_candidate_s_two_pictures_and_knows_all_its_classes(name: str) -> None:
    model = weights.shipped(f"reader-{name}")
    assert (model.config["pictures"], model.config["classes"]) == (2, CANDIDATE_CLASSES)
    assert not model.training


def test_a_network_that_does_not_ship_is_refused() -> None:
    with pytest.raises(ValueError, match=f"there are: {', '.join(recipes.SHIPPED)}"):
        weights.shipped("../mlp")


# The variants of the chapter on next steps


def test_a_variant_comes_with_what_differs_and_how_it_was_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "next").mkdir()
    monkeypatch.setattr(weights, "data_path", lambda *parts: tmp_path / parts[-1])
    path = weights.shipped_path("next/residual")
    weights.save(models.LeNet(1).half(), path, {"test_accuracy": 0.5})
    variant = weights.load_variant("residual")
    assert variant.title == "the CNN with a residual block"
    assert variant.record == {"test_accuracy": 0.5}
    assert isinstance(variant.model, models.LeNet)
    assert {value.dtype for value in variant.model.parameters()} == {torch.float32}
    assert not variant.model.training


def test_a_variant_that_does_not_ship_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there is: baseline, batch-norm, .*together"):
        weights.load_variant("../mlp")


@pytest.mark.parametrize("name", recipes.VARIANTS)
def test_each_variant_ships_small_and_with_a_whole_record(name: str) -> None:
    variant = weights.load_variant(name)
    epochs = variant.record["recipe"]["epochs"]
    assert weights.shipped_path(f"next/{name}").stat().st_size < 500_000
    assert variant.record["test_accuracy"] > 0.97
    assert variant.record["data"] == digits.SHA256
    assert variant.record["recipe"]["model"] == variant.model.config
    assert variant.record["parameters"] == sum(p.numel() for p in variant.model.parameters())
    assert [len(v) for v in variant.record["history"].values()] == [epochs] * 5
    runs = variant.record["runs"]
    assert runs["seeds"][0] == variant.record["seed"]
    assert runs["test_accuracy"][0] == variant.record["test_accuracy"]
    assert {len(values) for values in runs.values()} == {5}


def test_the_records_tell_of_the_fields_that_the_rules_cut_today() -> None:
    cut = rules.cut_fields(*samples.bill_fields())
    for name in recipes.VARIANTS:
        variant = weights.load_variant(name)
        recorded = set(variant.record["runs"]["field_wrong"][0])
        answers = evaluation.predict(variant.model, cut.images).argmax(axis=1)
        wrong = set(np.flatnonzero(answers != cut.labels).tolist())
        assert len(wrong ^ recorded) <= 5  # another processor may round one otherwise
