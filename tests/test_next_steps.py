"""Chapter 8: other images, smaller networks, and what both are measured with."""

import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lessonlib import (
    augment,
    compress,
    digits,
    evaluation,
    models,
    recipes,
    synthesis,
    weights,
)
from lessonlib.checks import rules
from lessonlib.synthesis import samples

IMAGES = digits.load_bundled("test")[0][:300]
MIDDLE = (torch.arange(28.0) - 13.5).expand(28, 28)  # of each pixel: how far right of the middle


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small() -> models.MLP:
    torch.manual_seed(0)
    return models.MLP(hidden=(20, 10), dropout=0.0).eval()


def dot(row: int, column: int) -> Tensor:
    """An image of paper with one pixel of ink."""
    x = torch.full((1, 28, 28), augment.PAPER)
    x[0, row, column] = 1.0
    return x


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(v, b.state_dict()[name]) for name, v in a.state_dict().items())


def outputs(model: nn.Module, images: digits.Images) -> Tensor:
    with torch.inference_mode():
        answers: Tensor = model(models.to_tensor(images))
    return answers


# The shipped networks


def test_a_variant_comes_with_what_differs_and_how_it_was_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "residual.safetensors"
    monkeypatch.setattr(weights, "data_path", lambda *parts: tmp_path / parts[-1])
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


SHIPPED = Path(__file__).resolve().parents[1] / "data" / "weights" / "next"


@pytest.mark.parametrize("name", recipes.VARIANTS)
def test_each_variant_ships_small_and_with_a_whole_record(name: str) -> None:
    variant = weights.load_variant(name)
    epochs = variant.record["recipe"]["epochs"]
    assert (SHIPPED / f"{name}.safetensors").stat().st_size < 500_000
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


# Augmentation

both = pytest.mark.parametrize("change", [augment.affine, augment.elastic])


@both
def test_augmentation_keeps_shape_type_and_input_and_repeats_with_its_generator(
    change: augment.Augment,
) -> None:
    x = models.to_tensor(IMAGES[:50])
    before = x.clone()
    changed = change(x, generator(1))
    assert (changed.shape, changed.dtype) == (x.shape, x.dtype)
    assert torch.equal(x, before)
    assert torch.equal(changed, change(x, generator(1)))
    assert not torch.equal(changed, change(x, generator(2)))


@both
def test_each_image_is_changed_in_its_own_way(change: augment.Augment) -> None:
    first, second = change(models.to_tensor(IMAGES[:1]).expand(2, 28, 28), generator())
    assert not torch.allclose(first, second, atol=0.1)


@both
def test_empty_paper_stays_empty_and_values_stay_between_paper_and_ink(
    change: augment.Augment,
) -> None:
    paper = torch.full((20, 28, 28), augment.PAPER)
    torch.testing.assert_close(change(paper, generator()), paper)
    x = change(models.to_tensor(IMAGES), generator())
    assert x.min() >= augment.PAPER - 1e-4
    assert x.max() <= (1 - models.MEAN) / models.STD + 1e-4


def places(change: augment.Augment, n: int = 2000) -> Tensor:
    """Where each pixel of n images takes its ink from, in pixels, (n, 28, 28, 2)."""
    found: list[Tensor] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(augment, "sample_at", lambda x, grid: found.append(grid))
        change(torch.zeros(n, 28, 28), generator())
    return 14 * found[0]


def test_an_affine_change_is_the_same_matrix_at_every_pixel_and_small() -> None:
    grid = places(augment.affine)
    across, down = grid.diff(dim=2)[:, :-1], grid.diff(dim=1)[:, :, :-1]  # the matrix's columns
    assert across.std(dim=(1, 2)).max() < 1e-4
    assert down.std(dim=(1, 2)).max() < 1e-4
    turn = torch.rad2deg(torch.atan2(across[:, 0, 0, 1], down[:, 0, 0, 1]))
    assert 8 < turn.abs().max() < 12.5
    move = grid.mean(dim=(1, 2))
    assert 1.4 < move.abs().max() <= 1.5 + 1e-4
    assert move.mean(dim=0).abs().max() < 0.1


def test_an_elastic_push_is_smooth_and_about_six_tenths_of_a_pixel() -> None:
    grid = places(augment.elastic)
    own = torch.stack([MIDDLE, MIDDLE.T], dim=-1)
    pushes = grid - own
    assert pushes.mean().abs() < 0.01
    assert 0.3 < pushes.std() < 0.7
    assert 3.5 * pushes.diff(dim=1).std() < pushes.std() * 2  # neighbours go together
    assert pushes.std(dim=(1, 2)).min() > 0.1  # but not the whole image at once


def test_the_two_are_what_warp_does_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = models.to_tensor(IMAGES[:50])
    with monkeypatch.context() as patch:
        patch.setattr(torch, "randn", lambda *shape, **_: torch.zeros(shape))  # no pushes
        only_affine = augment.warp(x, generator())
    torch.testing.assert_close(augment.affine(x, generator()), only_affine, atol=1e-3, rtol=0)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "rand", lambda *shape, **_: torch.full(shape, 0.5))  # middles: stay
        only_elastic = augment.warp(x, generator())
    torch.testing.assert_close(augment.elastic(x, generator()), only_elastic, atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({}, (10, 20)),
        ({"right": 2.0}, (10, 22)),
        ({"down": -3.0}, (7, 20)),
        ({"degrees": 90.0}, (7, 10)),  # anticlockwise: right of the middle goes above it
        ({"degrees": 180.0}, (17, 7)),
        ({"degrees": 90.0, "right": 4.0, "down": 1.0}, (8, 14)),  # turned first, then moved
    ],
)
def test_a_turned_and_moved_pixel_is_where_it_should_be(
    options: dict[str, float], place: tuple[int, int]
) -> None:
    torch.testing.assert_close(
        augment.moved(dot(10, 20), **options), dot(*place), atol=1e-4, rtol=0
    )


# Pruning


def test_pruning_sets_the_smallest_weights_of_all_layers_together_to_zero() -> None:
    model = small()
    pruned = compress.prune_by_magnitude(model, 0.7)
    before = torch.cat([m.weight.flatten() for m in model.net if isinstance(m, nn.Linear)])
    after = torch.cat([m.weight.flatten() for m in pruned.net if isinstance(m, nn.Linear)])
    kept = after != 0
    assert round(0.7 * len(before)) == (~kept).sum()
    assert torch.equal(after[kept], before[kept])
    assert before[~kept].abs().max() <= before[kept].abs().min()


def test_pruning_leaves_the_network_and_the_biases_alone() -> None:
    model = small()
    nn.init.ones_(model.net[1].bias)  # type: ignore[arg-type]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pruned = compress.prune_by_magnitude(model, 1.0)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert set(pruned.state_dict()) == set(before)  # no masks are left behind
    assert pruned.state_dict()["net.1.bias"].all()
    assert not pruned.state_dict()["net.1.weight"].any()
    assert same_weights(compress.prune_by_magnitude(model, 0), model)


def test_pruning_reaches_convolutions() -> None:
    pruned = compress.prune_by_magnitude(models.LeNet(1), 0.5)
    zeros = [(m.weight == 0).any() for m in pruned.modules() if isinstance(m, nn.Conv2d)]
    assert len(zeros) == 4
    assert all(zeros)


@pytest.mark.parametrize("sparsity", [-0.1, 1.1, 90, float("nan")])
def test_a_sparsity_that_is_no_share_is_refused(sparsity: float) -> None:
    with pytest.raises(ValueError, match="sparsity must lie in"):
        compress.prune_by_magnitude(small(), sparsity)


# Int8


def test_an_int8_layer_gives_the_sums_of_whole_numbers_worked_out_by_hand() -> None:
    layer = nn.Linear(2, 2)
    layer.weight.data = torch.tensor([[1.27, -0.64], [0.0, 12.7]])
    layer.bias.data = torch.tensor([0.5, -1.0])
    int8 = compress.Int8Linear(layer, input_scale=0.1)
    assert int8.weight.dtype == torch.int8
    assert int8.weight.tolist() == [[127, -64], [0, 127]]
    torch.testing.assert_close(int8.scale, torch.tensor([0.01, 0.1]))
    # 3.04 becomes 30 and 20 is cut off at 127, so 127*30 - 64*127 = -4318, times 0.1 * 0.01
    z = int8(torch.tensor([[3.04, 20.0]]))
    torch.testing.assert_close(z, torch.tensor([[-4.318 + 0.5, 161.29 - 1]]))


def test_the_sums_are_exact_where_float32_s_would_be_rounded() -> None:
    layer = nn.Linear(4001, 1, bias=False)
    layer.weight.data.fill_(1.0)
    x = torch.full((1, 4001), 127.0)
    x[0, 0] = 1.0
    int8 = compress.Int8Linear(layer, input_scale=1.0)
    int8.scale.fill_(1.0)
    total = compress.to_int8(x, torch.tensor(1.0)).int() @ int8.weight.int().T
    assert total.item() == 127 * 127 * 4000 + 127
    assert int8(x).item() == np.float32(127 * 127 * 4000 + 127)


def test_without_a_fixed_scale_the_largest_input_of_the_batch_becomes_127() -> None:
    layer = nn.Linear(3, 1, bias=False)
    layer.weight.data.fill_(1.0)
    int8 = compress.Int8Linear(layer)
    big = torch.tensor([[50.0, -100.0, 0.2]])
    torch.testing.assert_close(
        int8(big), torch.tensor([[-37 / 127 - 26 / 127 - 49.0]]), atol=0.5, rtol=0
    )
    assert int8(big / 1000).item() == pytest.approx(int8(big).item() / 1000)


def test_weights_and_inputs_that_are_all_zero_make_no_nan() -> None:
    layer = nn.Linear(3, 2)
    layer.weight.data[0] = 0
    int8 = compress.Int8Linear(layer)
    assert (int8.scale > 0).all()  # 0 / 0 as int8 is another number on each machine
    torch.testing.assert_close(int8(torch.zeros(1, 3))[0], layer.bias)
    assert int8(torch.ones(1, 3))[0, 0] == layer.bias[0]


Quantize = Callable[[nn.Module], nn.Module]
WAYS: dict[str, Quantize] = {
    "dynamic": compress.quantize_dynamic,
    "static": lambda model: compress.quantize_static(model, IMAGES[:100]),
}
either = pytest.mark.parametrize("quantize", WAYS.values(), ids=WAYS)


@either
@pytest.mark.parametrize("build", [small, lambda: models.LeNet(1, batch_norm=True).eval()])
def test_a_quantised_network_answers_nearly_as_before(
    quantize: Quantize, build: Callable[[], nn.Module]
) -> None:
    torch.manual_seed(0)
    model = build()
    before = outputs(model, IMAGES)
    quantized = quantize(model)
    after = outputs(quantized, IMAGES)
    assert torch.equal(outputs(model, IMAGES), before)  # the network itself stayed as it was
    assert not torch.equal(after, before)
    assert (after - before).std() < 0.05 * before.std()
    assert not quantized.training
    assert not [m for m in quantized.modules() if isinstance(m, nn.Linear)]


@either
def test_a_quantised_mlp_is_a_quarter_the_size(quantize: Quantize) -> None:
    model = models.MLP()
    ratio = compress.size_in_bytes(quantize(model)) / compress.size_in_bytes(model)
    assert 0.25 < ratio < 0.26


def test_static_answers_do_not_depend_on_the_other_images_and_dynamic_ones_do() -> None:
    bright, faint = IMAGES[:1], (IMAGES[1:2] // 8)
    for name, alone in (("static", True), ("dynamic", False)):
        quantized = WAYS[name](small())
        together = outputs(quantized, np.concatenate([bright, faint]))
        assert torch.equal(together[1:], outputs(quantized, faint)) == alone, name


def test_static_quantisation_cuts_off_what_is_larger_than_the_images_it_was_shown() -> None:
    quantized = compress.quantize_static(small(), np.full((1, 28, 28), 100, np.uint8))
    a, b = (outputs(quantized, np.full((1, 28, 28), v, np.uint8)) for v in (200, 250))
    assert torch.equal(a, b)


def test_static_quantisation_without_images_is_refused() -> None:
    with pytest.raises(ValueError, match="needs images"):
        compress.quantize_static(small(), IMAGES[:0])


def test_static_quantisation_survives_a_layer_that_only_saw_zeros() -> None:
    model = small()
    nn.init.zeros_(model.net[1].weight)  # type: ignore[arg-type]
    quantized = compress.quantize_static(model, IMAGES[:5])
    layers = [m for m in quantized.net if isinstance(m, compress.Int8Linear)]
    assert all(layer.get_buffer("input_scale").item() > 0 for layer in layers)
    assert outputs(quantized, IMAGES).isfinite().all()


def test_nothing_here_warns_of_removal() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for quantize in WAYS.values():
            outputs(quantize(small()), IMAGES[:5])
        outputs(compress.prune_by_magnitude(small(), 0.5), IMAGES[:5])
        for change in (augment.affine, augment.elastic):
            change(models.to_tensor(IMAGES[:5]), generator())


# Measuring


def test_size_counts_every_stored_number_s_bytes() -> None:
    assert compress.size_in_bytes(nn.Linear(3, 2)) == 4 * (3 * 2 + 2)
    assert compress.size_in_bytes(nn.Linear(3, 2).half()) == 2 * (3 * 2 + 2)
    # weight, bias, mean and variance, and a count of 64 bits
    assert compress.size_in_bytes(nn.BatchNorm1d(5)) == 4 * 4 * 5 + 8


class Sleepy(nn.Module):
    """Takes as long as it is told, and notes how it was called."""

    def __init__(self, seconds: list[float], clock: list[float]) -> None:
        super().__init__()
        self.seconds, self.clock = seconds, clock
        self.gradients: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        assert not self.training
        self.gradients.append(torch.is_grad_enabled())
        self.clock[0] += self.seconds.pop(0)
        return x


def test_latency_is_the_median_in_milliseconds_without_the_first_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    model = Sleepy([9.0, 0.002, 0.001, 5.0], clock)
    assert compress.latency(model, torch.zeros(1), repeats=3) == pytest.approx(2.0)
    assert model.gradients == [False] * 4
    with pytest.raises(ValueError, match="repeats"):
        compress.latency(model, torch.zeros(1), repeats=0)


def test_fields_are_cut_into_digits_that_a_network_of_mnist_reads() -> None:
    plain = synthesis.Difficulty()
    fields = [
        synthesis.render(amount, seed, plain) for seed, amount in enumerate(["1990", "25.00"])
    ]
    cut = rules.cut_fields([*fields, fields[0]], ["1990", "2500", "19900"])
    assert cut.fields == 3
    assert cut.images.shape == (len(cut.labels), 28, 28)
    assert 2 not in cut.field  # four digits were found there, not five
    for number, label in ((0, "1990"), (1, "2500")):
        if number in cut.field:
            assert "".join(map(str, cut.labels[cut.field == number])) == label
    assert len(cut.labels) > 0
    probabilities = evaluation.predict(weights.shipped(), cut.images)
    assert evaluation.accuracy(probabilities, cut.labels) > 0.7


def test_a_field_is_exact_when_all_its_digits_are_and_uncut_fields_are_not() -> None:
    cut = rules.FieldDigits(
        np.zeros((5, 28, 28), np.uint8), np.array([1, 2, 3, 4, 5]), np.array([0, 0, 2, 2, 3]), 5
    )
    assert cut.exact([]) == 3 / 5
    assert cut.exact([3]) == 2 / 5
    assert cut.exact([2, 3]) == 2 / 5
    assert cut.exact([0, 1, 2, 3, 4]) == 0


def test_the_bill_s_fields_are_the_same_at_every_call() -> None:
    (images, labels), (again, _) = samples.bill_fields(), samples.bill_fields()
    assert len(images) == len(labels) == 300
    assert all(np.array_equal(a, b) for a, b in zip(images, again, strict=True))
    assert all(label.isdecimal() for label in labels)


def test_fields_without_a_digit_found_leave_no_digits() -> None:
    blank = np.full((60, 200), 255, np.uint8)
    cut = rules.cut_fields([blank], ["12"])
    assert (cut.images.shape, cut.labels.shape, cut.fields) == ((0, 28, 28), (0,), 1)
    with pytest.raises(ValueError, match="no fields"):
        rules.cut_fields([], [])
    with pytest.raises(ValueError, match="argument"):
        rules.cut_fields([blank], ["1", "2"])
