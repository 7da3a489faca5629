"""Training on a few hundred digits: device, seeds, the loop and its history."""

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lessonlib import augment, digits, training
from lessonlib.models import MLP

IMAGES, LABELS = (part[:320] for part in digits.load_bundled("train"))
CPU: dict[str, Any] = {"device": "cpu", "progress": False}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small(seed: int = 0, **options: Any) -> MLP:
    training.set_seed(seed)
    defaults: dict[str, Any] = {"hidden": (16,), "dropout": 0.1}
    return MLP(**defaults | options)


def trained(seed: int = 0, **options: Any) -> tuple[MLP, training.History]:
    model = small(seed)
    defaults = {"epochs": 2, "batch_size": 32, "validation": 64, "seed": seed}
    return model, training.fit(model, IMAGES, LABELS, **CPU, **defaults | options)


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Recorder(nn.Module):
    """A network that records its inputs, and the mode in which it got them."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(784, 10)
        self.in_training: list[Tensor] = []
        self.in_evaluation: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        (self.in_training if self.training else self.in_evaluation).append(x.detach())
        logits: Tensor = self.linear(x.flatten(1))
        return logits


def numbered(n: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Make n images whose first pixels are their own number."""
    images = np.zeros((n, 28, 28), dtype=np.uint8)
    images[:, 0, 0] = range(n)
    return images


def numbers(batches: list[Tensor]) -> list[int]:
    """Return the numbers of images that `numbered` made, after standardising."""
    first = torch.cat(batches)[:, 0, 0].double()
    return [round(v) for v in ((first * 0.3081 + 0.1307) * 255).tolist()]


# Device and seeds


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_a_gpu_is_picked_before_the_cpu_and_nvidia_s_before_apple_s(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert training.pick_device() == torch.device(expected)


def test_a_seed_repeats_python_s_numpy_s_and_torch_s_numbers() -> None:
    def draw(seed: int) -> tuple[float, float, float]:
        training.set_seed(seed)
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    assert draw(3) == draw(3)
    assert not set(draw(3)) & set(draw(4))


@pytest.mark.parametrize("change", [None, augment.shift, augment.warp])
def test_the_same_seed_gives_the_same_weights_and_history(change: Any) -> None:
    (a, first), (b, second) = trained(1, augment=change), trained(1, augment=change)
    assert same_weights(a, b)
    assert first.train_loss == second.train_loss
    assert first.val_loss == second.val_loss


def test_another_seed_gives_other_weights_from_the_same_start() -> None:
    a, b = small(0), small(0)
    training.fit(a, IMAGES, LABELS, epochs=1, batch_size=32, validation=None, seed=0, **CPU)
    training.fit(b, IMAGES, LABELS, epochs=1, batch_size=32, validation=None, seed=1, **CPU)
    assert not same_weights(a, b)


def test_fit_does_not_depend_on_the_random_numbers_drawn_before_it() -> None:
    a, b = small(0), small(0)
    training.fit(a, IMAGES, LABELS, epochs=1, batch_size=32, validation=None, **CPU)
    torch.rand(7)
    training.fit(b, IMAGES, LABELS, epochs=1, batch_size=32, validation=None, **CPU)
    assert same_weights(a, b)


# What fit does


def test_the_network_learns() -> None:
    model, history = trained(epochs=12)
    assert history.val_accuracy[-1] > 0.75
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert not model.training


def test_the_history_has_an_entry_per_epoch() -> None:
    _, history = trained(epochs=3)
    for values in vars(history).values():
        assert len(values) == 3
        assert all(math.isfinite(v) and v >= 0 for v in values)


def test_the_last_validation_entry_is_the_score_of_the_trained_network() -> None:
    model, history = trained()
    order = torch.randperm(len(IMAGES), generator=generator(0))[:64]
    x, y = training.as_tensors(IMAGES[order], LABELS[order], "cpu")
    assert training.score(model, x, y) == (history.val_loss[-1], history.val_accuracy[-1])


def test_validation_images_are_never_trained_on_and_all_others_are() -> None:
    model, n = Recorder(), 60
    training.fit(
        model, numbered(n), np.arange(n) % 10, epochs=3, batch_size=10, validation=20, **CPU
    )
    held_out, seen = numbers(model.in_evaluation[:1]), numbers(model.in_training)
    assert len(set(held_out)) == 20
    assert set(seen) == set(range(n)) - set(held_out)
    assert all(seen.count(i) == 3 for i in set(seen))
    assert all(numbers([x]) == held_out for x in model.in_evaluation)


def held_out(seed: int) -> list[int]:
    model = Recorder()
    options: dict[str, Any] = {"epochs": 1, "batch_size": 10, "validation": 40, "seed": seed}
    training.fit(model, numbered(200), np.arange(200) % 10, **options, **CPU)
    return numbers(model.in_evaluation)


def test_validation_images_come_from_all_over_the_file_and_a_seed_repeats_them() -> None:
    some, others = held_out(0), held_out(1)
    assert 10 < sum(i < 100 for i in some) < 30
    assert held_out(0) == some
    assert set(some) != set(others)


def test_without_validation_all_images_are_trained_on_and_none_scored() -> None:
    model = Recorder()
    history = training.fit(
        model, numbered(40), np.arange(40) % 10, epochs=1, batch_size=10, validation=None, **CPU
    )
    assert sorted(numbers(model.in_training)) == list(range(40))
    assert model.in_evaluation == []
    assert history.val_loss == history.val_accuracy == []


def test_each_epoch_has_another_order_of_images() -> None:
    model = Recorder()
    training.fit(
        model, numbered(40), np.arange(40) % 10, epochs=2, batch_size=10, validation=None, **CPU
    )
    seen = numbers(model.in_training)
    assert sorted(seen[:40]) == sorted(seen[40:])
    assert seen[:40] != seen[40:]


def test_validation_images_are_not_augmented() -> None:
    model = Recorder()
    training.fit(
        model,
        numbered(40),
        np.arange(40) % 10,
        epochs=1,
        batch_size=10,
        validation=20,
        augment=lambda x, g: torch.full_like(x, 7),
        **CPU,
    )
    assert all((x == 7).all() for x in model.in_training)
    assert not any((x == 7).any() for x in model.in_evaluation)


def test_an_epoch_is_one_adam_step_per_batch() -> None:
    """Compare with torch.optim.Adam, written out."""
    model, by_hand = small(dropout=0), small(dropout=0)
    batches = torch.arange(96).view(3, 32)
    x, y = training.as_tensors(IMAGES, LABELS, "cpu")
    options: dict[str, Any] = {"lr": 1e-2, "weight_decay": 1e-3}
    ours = torch.optim.Adam(model.parameters(), **options)
    loss, accuracy = training.train_epoch(model, x, y, batches, ours)

    theirs = torch.optim.Adam(by_hand.parameters(), **options)
    losses, correct = [], 0
    for batch in batches:
        by_hand.zero_grad()
        logits = by_hand(x[batch])
        losses.append(F.cross_entropy(logits, y[batch]))
        losses[-1].backward()
        theirs.step()
        correct += int((logits.argmax(1) == y[batch]).sum())
    assert same_weights(model, by_hand)
    assert loss == pytest.approx(torch.stack(losses).mean().item())
    assert accuracy == pytest.approx(correct / 96)


def test_scoring_uses_no_dropout_and_records_nothing_for_backward() -> None:
    model = small(dropout=0.5)
    recording: list[bool] = []
    model.register_forward_hook(lambda *_: recording.append(torch.is_grad_enabled()))
    x, y = training.as_tensors(IMAGES, LABELS, "cpu")
    assert training.score(model, x, y) == training.score(model, x, y)
    assert not model.training
    assert recording == [False, False]


def test_weight_decay_makes_weights_smaller() -> None:
    def norm(model: nn.Module) -> float:
        return sum(p.square().sum().item() for p in model.parameters())

    assert norm(trained(weight_decay=0.1)[0]) < norm(trained(weight_decay=0.0)[0])


# The schedule


def rates(monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[float]:
    """Note the learning rate of every step of a training."""
    found: list[float] = []
    step = torch.optim.Adam.step

    def noting(self: torch.optim.Adam, *arguments: Any) -> Any:
        found.append(self.param_groups[0]["lr"])
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.Adam, "step", noting)
    trained(**options)
    return found


def test_a_constant_rate_does_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rates(monkeypatch, epochs=2, lr=3e-3) == [3e-3] * 16  # 320 - 64 images in 32s, twice


def test_one_cycle_rises_to_its_peak_and_ends_near_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rates(monkeypatch, epochs=5, lr=1e-2, schedule="one-cycle")
    peak = int(np.argmax(found))
    assert len(found) == 40
    assert found[0] == pytest.approx(1e-2 / 25)
    assert found[peak] == pytest.approx(1e-2, rel=0.01)
    assert 0.2 < peak / len(found) < 0.4
    assert np.all(np.diff(found[: peak + 1]) > 0)
    assert np.all(np.diff(found[peak:]) < 0)
    assert found[-1] < 1e-2 / 1000


def test_cosine_falls_from_the_rate_to_almost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rates(monkeypatch, epochs=5, lr=1e-2, schedule="cosine")
    expected = 1e-2 * (1 + np.cos(np.pi * np.arange(40) / 40)) / 2
    np.testing.assert_allclose(found, expected, atol=1e-9)


# Bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": "step"}, "one-cycle"),
        ({"epochs": 0}, "epochs >= 1"),
        ({"batch_size": 1}, "batch_size >= 2"),  # batch norm needs two
        ({"batch_size": 300}, "too few for a batch"),
        ({"validation": 320}, "too few for a batch"),
        ({"validation": -5}, "0 or more images, not -5"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trained(**options)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:-1], r"shape \(320,\)"),
        (LABELS[:, None], r"shape \(320,\)"),
        (np.where(LABELS == 3, 10, LABELS), "0 to 9"),
        (np.where(LABELS == 3, -1, LABELS), "0 to 9"),
        (LABELS + 0.5, "whole numbers"),
        ([str(label) for label in LABELS], "whole numbers"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        training.fit(small(), IMAGES, labels, **CPU)


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="28, 28"):
        training.fit(small(), IMAGES[:, :20], LABELS, **CPU)


# Batches


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 200), size=st.integers(1, 50))
def test_shuffled_batches_hold_each_index_once(n: int, size: int) -> None:
    batches = training.shuffled_batches(n, size, generator())
    dealt = batches.flatten().tolist()
    assert batches.shape == (n // size, size)
    assert len(set(dealt)) == len(dealt)
    assert set(dealt) <= set(range(n))
