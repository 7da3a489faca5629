"""The networks, and the tensors that they take."""

import numpy as np
import pytest
import torch
from torch import nn

from lessonlib import digits, models

# The MLP


def test_the_mlp_of_the_course_has_235146_parameters() -> None:
    assert sum(p.numel() for p in models.MLP().parameters()) == 235_146


@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 784), (3, 1, 28, 28)])
def test_images_may_be_squares_or_rows(shape: tuple[int, ...]) -> None:
    model = models.MLP(hidden=(4,)).eval()
    x = torch.arange(3 * 784, dtype=torch.float32).view(3, 28, 28) / 1000
    assert torch.equal(model(x.view(shape)), model(x))
    assert model(x).shape == (3, 10)


def test_dropout_acts_in_training_only() -> None:
    torch.manual_seed(0)
    model, x = models.MLP(hidden=(50,), dropout=0.5), torch.ones(2, 28, 28)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_dropout_and_batch_norm_layers_are_left_out_when_off() -> None:
    assert {type(m) for m in models.MLP(dropout=0).net} == {nn.Flatten, nn.Linear, nn.ReLU}
    kinds = [type(m) for m in models.MLP(hidden=(5,), batch_norm=True).net]
    assert kinds == [nn.Flatten, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout, nn.Linear]


def test_weights_start_with_he_s_variance_and_biases_at_zero() -> None:
    torch.manual_seed(0)
    for layer in models.MLP().net:
        if isinstance(layer, nn.Linear):
            expected = 2 / layer.in_features
            assert layer.weight.var().item() == pytest.approx(expected, rel=0.15)
            assert abs(layer.weight.mean().item()) < 0.2 * expected**0.5
            assert not layer.bias.any()


def test_an_mlp_sees_all_of_its_pictures() -> None:
    model = models.MLP(hidden=(4,), pictures=2, classes=12).eval()
    x = torch.randn(3, 2, 28, 28)
    assert model(x).shape == (3, 12)
    for picture in range(2):
        other = x.clone()
        other[:, picture] += 1
        assert not torch.allclose(model(x), model(other))


# The convolutional network


def test_the_cnn_of_the_readers_has_145484_parameters() -> None:
    model = models.CNN(16, pictures=2, classes=12)
    assert sum(p.numel() for p in model.parameters()) == 145_484


@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 784), (3, 1, 28, 28)])
def test_a_cnn_takes_the_images_an_mlp_takes(shape: tuple[int, ...]) -> None:
    model = models.CNN(2).eval()
    x = torch.arange(3 * 784, dtype=torch.float32).view(3, 28, 28) / 1000
    assert torch.equal(model(x.view(shape)), model(x))
    assert model(x).shape == (3, 10)


def test_a_cnn_sees_all_of_its_pictures_and_keeps_the_images_apart() -> None:
    torch.manual_seed(0)
    model = models.CNN(2, pictures=2, classes=12).eval()
    x = torch.randn(3, 2, 28, 28)
    assert model(x).shape == (3, 12)
    for picture in range(2):
        other = x.clone()
        other[1, picture] += 1
        changed = (model(x) - model(other)).abs().amax(dim=1) > 1e-4
        assert changed.tolist() == [False, True, False]


def test_a_cnn_takes_an_empty_batch_and_arrays_that_are_not_contiguous() -> None:
    model = models.CNN(2, pictures=2).eval()
    assert model(torch.zeros(0, 2, 28, 28)).shape == (0, 10)
    x = torch.randn(3, 28, 28, 2).permute(0, 3, 1, 2)
    torch.testing.assert_close(model(x), model(x.contiguous()))


def test_the_cnn_s_weights_start_with_he_s_variance() -> None:
    torch.manual_seed(0)
    for layer in models.CNN().net:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            expected = 2 / layer.weight[0].numel()  # the inputs of one output
            assert layer.weight.var().item() == pytest.approx(expected, rel=0.3)


# LeNet


def test_lenet_has_the_61706_parameters_of_lenet_5_with_full_connections() -> None:
    assert sum(p.numel() for p in models.LeNet().parameters()) == 61_706
    block = 2 * (16 * 16 * 9 + 16)
    assert sum(p.numel() for p in models.LeNet(2).parameters()) == 61_706 + 2 * block


@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 784), (3, 1, 28, 28)])
def test_lenet_takes_the_images_an_mlp_takes(shape: tuple[int, ...]) -> None:
    model = models.LeNet(1).eval()
    x = torch.arange(3 * 784, dtype=torch.float32).view(3, 28, 28) / 1000
    assert torch.equal(model(x.view(shape)), model(x))
    assert model(x).shape == (3, 10)
    assert model(x[:0]).shape == (0, 10)


def test_lenet_s_weights_start_with_he_s_variance() -> None:
    torch.manual_seed(0)
    for layer in models.LeNet(1).modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            expected = 2 / layer.weight[0].numel()
            assert layer.weight.var().item() == pytest.approx(expected, rel=0.3)


def test_lenet_has_batch_norm_behind_each_hidden_layer_or_nowhere() -> None:
    kinds = nn.BatchNorm1d | nn.BatchNorm2d
    assert sum(isinstance(m, kinds) for m in models.LeNet(1, batch_norm=True).modules()) == 6
    assert not any(isinstance(m, kinds) for m in models.LeNet(1).modules())


def test_a_residual_block_that_changes_nothing_passes_its_input_on() -> None:
    block = models.ResidualBlock(4)
    x = torch.randn(2, 4, 5, 5)
    expected = (x + block.change(x)).relu()
    assert torch.equal(block(x), expected)
    assert not torch.allclose(expected, x.relu())
    for value in block.parameters():
        nn.init.zeros_(value)
    assert torch.equal(block(x), x.relu())


# The line network


def test_the_line_network_of_the_readers_has_542905_parameters() -> None:
    model = models.LineNetwork(32, pictures=2, classes=25)
    assert sum(p.numel() for p in model.parameters()) == 542_905


@pytest.mark.parametrize("width", [32, 64, 36, 1632])
def test_the_line_network_gives_logits_for_every_four_columns(width: int) -> None:
    model = models.LineNetwork(2, classes=7).eval()
    assert model(torch.rand(3, 2, 40, width)).shape == (3, 7, width // 4)


def test_a_line_is_read_the_same_alone_and_among_others() -> None:
    torch.manual_seed(0)
    model, x = models.LineNetwork(4).eval(), torch.rand(5, 2, 40, 96)
    torch.testing.assert_close(model(x)[3:4], model(x[3:4]), atol=1e-4, rtol=1e-4)


def test_the_line_network_sees_both_pictures_and_keeps_the_lines_apart() -> None:
    torch.manual_seed(0)
    model, x = models.LineNetwork(4).eval(), torch.rand(3, 2, 40, 64)
    for picture in range(2):
        other = x.clone()
        other[1, picture] += 1
        changed = (model(x) - model(other)).abs().amax(dim=(1, 2)) > 1e-4
        assert changed.tolist() == [False, True, False]


def test_a_column_sees_its_surroundings_and_no_more() -> None:
    torch.manual_seed(0)
    model, x = models.LineNetwork(4).eval(), torch.rand(1, 2, 40, 400)
    other = x.clone()
    other[..., 200:204] += 1
    changed = ((model(x) - model(other)).abs().amax(dim=1)[0] > 1e-5).nonzero().flatten()
    first, last = changed.min().item(), changed.max().item()
    assert first < 50 < last
    assert (50 - first, last - 50) == (pytest.approx(8, abs=4), pytest.approx(8, abs=4))


def test_neighbours_that_say_nothing_pass_their_input_on() -> None:
    block = models.Neighbours(3).eval()
    for value in block.parameters():
        nn.init.zeros_(value)
    x = torch.randn(2, 3, 1, 9)
    assert torch.equal(block(x), x.relu())


def test_the_line_network_s_convolutions_start_with_he_s_variance() -> None:
    torch.manual_seed(0)
    for layer in models.LineNetwork().rows:
        if isinstance(layer, nn.Conv2d):
            expected = 2 / layer.weight[0].numel()
            assert layer.weight.var().item() == pytest.approx(expected, rel=0.3)


# Images to tensors


def test_standardising_subtracts_mnist_s_mean_and_divides_by_its_deviation() -> None:
    images = np.arange(2 * 784, dtype=np.int64).reshape(2, 28, 28) % 256
    x = models.to_tensor(images.astype(np.uint8))
    assert x.dtype == torch.float32
    np.testing.assert_allclose(x, (images / 255 - 0.1307) / 0.3081, atol=1e-6)


def test_pairs_of_pictures_stay_pairs() -> None:
    pairs = np.random.default_rng(0).integers(0, 256, (3, 2, 28, 28), dtype=np.uint8)
    x = models.to_tensor(pairs)
    assert x.shape == (3, 2, 28, 28)
    assert torch.equal(x[:, 1], models.to_tensor(pairs[:, 1]))


def test_floats_and_bytes_become_the_same_tensor() -> None:
    images = digits.load_bundled("test")[0][:5]
    assert torch.equal(models.to_tensor(images), models.to_tensor(images.astype(np.float64)))


def test_the_images_are_not_changed() -> None:
    images = digits.load_bundled("test")[0][:2].astype(np.float32)
    before = images.copy()
    models.to_tensor(images)
    np.testing.assert_array_equal(images, before)


def test_an_empty_array_gives_an_empty_tensor() -> None:
    assert models.to_tensor(np.zeros((0, 28, 28))).shape == (0, 28, 28)


@pytest.mark.parametrize(
    "shape", [(28, 28), (2, 784), (2, 28, 27), (2, 2, 28, 27), (1, 1, 1, 28, 28), ()]
)
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape \(n, 28, 28\)"):
        models.to_tensor(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("value", [-1, 256, np.nan, np.inf])
def test_values_outside_0_to_255_are_refused(value: float) -> None:
    images = np.zeros((1, 28, 28))
    images[0, 3, 4] = value
    with pytest.raises(ValueError, match=r"\[0, 255\]"):
        models.to_tensor(images)
