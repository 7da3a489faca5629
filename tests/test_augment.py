"""Images of digits changed at random, and all in one way."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lessonlib import augment, digits, models

IMAGES = digits.load_bundled("test")[0][:300]
MIDDLE = (torch.arange(28.0) - 13.5).expand(28, 28)  # of each pixel: how far right of the middle


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dot(row: int, column: int) -> Tensor:
    """An image of paper with one pixel of ink."""
    x = torch.full((1, 28, 28), augment.PAPER)
    x[0, row, column] = 1.0
    return x


# Every augmentation

every_augmentation = pytest.mark.parametrize(
    "change", [augment.shift, augment.affine, augment.elastic, augment.warp]
)


@every_augmentation
def test_augmentation_keeps_shape_type_and_input_and_repeats_with_its_generator(
    change: augment.Augment,
) -> None:
    x = models.to_tensor(IMAGES[:50])
    before = x.clone()
    changed = change(x, generator(1))
    assert (changed.shape, changed.dtype) == (x.shape, x.dtype)
    assert torch.equal(x, before)
    assert not torch.equal(changed, x)
    assert torch.equal(changed, change(x, generator(1)))
    assert not torch.equal(changed, change(x, generator(2)))


@every_augmentation
def test_each_image_is_changed_in_its_own_way(change: augment.Augment) -> None:
    first, second = change(models.to_tensor(IMAGES[:1]).expand(2, 28, 28), generator())
    assert not torch.allclose(first, second, atol=0.1)


@every_augmentation
def test_empty_paper_stays_empty_and_values_stay_between_paper_and_ink(
    change: augment.Augment,
) -> None:
    paper = models.to_tensor(IMAGES[:20] * 0)
    torch.testing.assert_close(change(paper, generator()), paper)
    x = change(models.to_tensor(IMAGES), generator())
    assert x.min() >= augment.PAPER - 1e-4
    assert x.max() <= (1 - models.MEAN) / models.STD + 1e-4


@every_augmentation
def test_nothing_here_warns_of_removal(change: augment.Augment) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        change(models.to_tensor(IMAGES[:5]), generator())


# Each by itself


def test_shift_moves_an_image_by_at_most_one_pixel_each_way() -> None:
    x = models.to_tensor(IMAGES[:1]).expand(400, 28, 28)
    windows = {
        (dy, dx): F.pad(x[:1], (1, 1, 1, 1), value=augment.PAPER)[
            0, 1 - dy : 29 - dy, 1 - dx : 29 - dx
        ]
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    }
    moves = [
        next(move for move, window in windows.items() if torch.equal(image, window))
        for image in augment.shift(x, generator())
    ]
    assert set(moves) == set(windows)
    assert max(moves.count(m) for m in windows) < 3 * min(moves.count(m) for m in windows)


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


def test_places_are_those_of_torch_s_affine_grid_and_interpolate() -> None:
    maps, pushes = augment.draw_maps(50, generator()), augment.draw_pushes(50, generator())
    affine = F.affine_grid(maps, [50, 1, 28, 28], align_corners=False)
    smooth = F.interpolate(pushes.view(50, 2, 7, 7), (28, 28), mode="bicubic")
    grid = augment.grid_of(maps, pushes)
    torch.testing.assert_close(augment.grid_of(maps), affine, atol=1e-5, rtol=0)
    torch.testing.assert_close(grid, affine + smooth.permute(0, 2, 3, 1), atol=1e-5, rtol=0)


def test_a_warped_digit_stays_in_place_and_keeps_about_its_ink() -> None:
    def ink(x: Tensor) -> Tensor:
        return (x - augment.PAPER).clamp(min=0)

    def centre(x: Tensor) -> Tensor:
        weights = ink(x) / ink(x).sum((1, 2), keepdim=True)
        steps = torch.arange(28.0)
        return torch.stack([weights.sum(2) @ steps, weights.sum(1) @ steps], dim=1)

    x = models.to_tensor(IMAGES)
    warped = augment.warp(x, generator())
    moved = (centre(warped) - centre(x)).norm(dim=1)
    ratio = ink(warped).sum((1, 2)) / ink(x).sum((1, 2))
    assert 0.3 < moved.mean() < 2
    assert moved.max() < 5
    assert 0.9 < ratio.mean() < 1.1
    assert 0.4 < ratio.min() < ratio.max() < 2


# All images in one way


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


def test_resizing_enlarges_or_shrinks_the_image() -> None:
    x = torch.full((3, 28, 28), augment.PAPER)
    x[:, 9:19, 9:19] = 1.0  # a square of 10 pixels about the middle
    for factor in (0.6, 1.0, 1.4):
        ink = (augment.resized(x, factor) > 0).sum(dim=(1, 2)).float().sqrt()
        assert torch.allclose(ink, torch.tensor(10 * factor), atol=1.01)


def test_space_freed_by_shrinking_is_paper() -> None:
    x = torch.ones(1, 28, 28)
    assert torch.allclose(augment.resized(x, 0.5)[0, 0], torch.tensor(augment.PAPER))


def test_pairs_of_pictures_are_resized_one_by_one() -> None:
    x = torch.randn(4, 2, 28, 28)
    both = augment.resized(x, 0.9)
    assert torch.equal(both[2, 1], augment.resized(x[2, 1], 0.9))
    assert augment.resized(x, 1) is x
