"""The one list of the networks that ship, and its partners: files, records, programs, commands."""

import subprocess
import sys
from dataclasses import asdict

import pytest

from lessonlib import __main__, augment, data_path, models, recipes, weights

every_network = pytest.mark.parametrize("name", recipes.SHIPPED)


def test_every_recipe_has_a_weight_file_and_every_weight_file_a_recipe() -> None:
    folder = data_path("weights")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert files == {f"{name}.safetensors" for name in recipes.SHIPPED}


def test_the_list_loads_neither_torch_nor_numpy_nor_opencv() -> None:
    code = "import sys, lessonlib.recipes; print({'torch', 'numpy', 'cv2'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


@every_network
def test_a_shipped_network_was_trained_by_its_recipe(name: str) -> None:
    recipe, record = recipes.SHIPPED[name], weights.read_record(weights.shipped_path(name))
    trained = dict(record["recipe"])
    trained.pop("model")
    if "augment" in trained:  # older files have the module's name in front
        trained["augment"] = trained["augment"].split(".")[-1]
    if recipe.training.get("validation", 0) is None:  # and leave this out
        trained.setdefault("validation", None)
    assert trained == recipe.training
    assert record["seed"] == recipe.seed
    assert tuple(record.get("sizes", (1.0,))) == recipe.sizes


@every_network
def test_a_recipe_builds_the_network_that_ships(name: str) -> None:
    built, shipped = weights.build(recipes.SHIPPED[name]), weights.shipped(name)
    assert type(built) is type(shipped)
    assert built.config == shipped.config
    assert {k: v.shape for k, v in built.state_dict().items()} == {
        k: v.shape for k, v in shipped.state_dict().items()
    }


@every_network
def test_a_recipe_s_augmentation_is_one_of_the_library_s(name: str) -> None:
    assert hasattr(augment, recipes.SHIPPED[name].training.get("augment", "warp"))


def test_all_cutters_are_trained_on_the_fields_of_one_seed() -> None:
    assert len({recipe.seed for recipe in recipes.CUTTERS.values()}) == 1


def test_the_readers_are_the_cutters_the_line_network_and_one_that_asks_two_of_them() -> None:
    assert [*recipes.READERS] == [*recipes.CUTTERS, recipes.LINE]
    assert [*recipes.READER_NAMES] == [*recipes.READERS, "ensemble"]
    assert recipes.ENSEMBLE_CUTTER in recipes.CUTTERS
    assert recipes.READER_NAMES["cnn"] == recipes.CUTTERS["cnn"].title


def test_the_command_line_offers_every_reader(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        __main__.main(["read", "--help"])
    assert f"{{{','.join(recipes.READER_NAMES)}}}" in capsys.readouterr().out


def test_each_variant_differs_from_the_baseline_in_one_thing() -> None:
    baseline = asdict(recipes.VARIANTS["baseline"])
    for name, recipe in recipes.VARIANTS.items():
        other = asdict(recipe)
        training_differs = [
            key
            for key in {*baseline["training"], *other["training"]}
            if baseline["training"].get(key) != other["training"].get(key)
        ]
        network_differs = any(other[key] != baseline[key] for key in ("architecture", "config"))
        changes = len(training_differs) + network_differs
        assert name == "together" or changes == (name != "baseline"), name
        assert other["seed"] == baseline["seed"]


def test_a_record_says_how_a_network_was_trained() -> None:
    recipe = recipes.VARIANTS["cosine"]
    model = weights.build(recipe)
    record = weights.training_record(model, recipe, "make models", test_accuracy=0.5)
    assert record["recipe"] == dict(recipe.training) | {"model": model.config}
    assert (record["seed"], record["test_accuracy"]) == (recipe.seed, 0.5)
    assert set(record["versions"]) == {"lessonlib", "python", "torch"}
    assert isinstance(model, models.MLP)
