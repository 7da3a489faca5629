"""Smaller networks, and what both are measured with."""

import time
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lessonlib import compress, digits, models

IMAGES = digits.load_bundled("test")[0][:300]


def small() -> models.MLP:
    torch.manual_seed(0)
    return models.MLP(hidden=(20, 10), dropout=0.0).eval()


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(v, b.state_dict()[name]) for name, v in a.state_dict().items())


def outputs(model: nn.Module, images: digits.Images) -> Tensor:
    with torch.inference_mode():
        answers: Tensor = model(models.to_tensor(images))
    return answers


# Batch normalisation folded away


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (models.MLP((20, 10), batch_norm=True, pictures=2), (5, 2, 28, 28)),
        (models.CNN(4, pictures=2), (5, 2, 28, 28)),
        (models.LeNet(1, batch_norm=True), (5, 28, 28)),
        (models.LineNetwork(4), (5, 2, 40, 64)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_folded_network_answers_as_before_and_has_fewer_normalisations(
    model: nn.Module, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 2)
        nn.init.uniform_(norm.bias, -1, 1)
        norm.get_buffer("running_mean").uniform_(-1, 1)
        norm.get_buffer("running_var").uniform_(0.5, 2)
    model.eval()
    folded, x = compress.fold_batch_norm(model), torch.rand(shape)
    with torch.inference_mode():
        torch.testing.assert_close(folded(x), model(x), rtol=1e-4, atol=1e-4)
    norms = (nn.BatchNorm1d, nn.BatchNorm2d)
    assert any(isinstance(module, norms) for module in model.modules())
    assert not any(isinstance(module, norms) for module in folded.modules())


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
