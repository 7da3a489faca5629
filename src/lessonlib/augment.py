"""Change images of digits at random, so that each epoch of training sees new ones.

An augmentation (`shift`, `affine`, `elastic`, `warp`) takes a batch of standardised images, float
(n, 28, 28), and a random generator on the images' device. It returns a new batch of the same shape,
and changes each image in its own way. All but `shift` say from which place of the old image each
new pixel takes its ink (`grid_of`), and then resample once (`sample_at`).
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lessonlib.models import MEAN, STD

Augment = Callable[[Tensor, torch.Generator], Tensor]
PAPER = -MEAN / STD  # what an empty pixel becomes when standardised

# The most that `affine` does to an image, either way: so little that it stays the same digit.
TURN = math.radians(10)
STRETCH = 0.1  # of the width, and of the height
SLANT = 0.1  # pixels a row
MOVE = 1.5  # pixels across, and down

# `elastic` draws a push for each of POINTS x POINTS places, evenly spread over the image.
POINTS = 7
PUSH = 0.6  # pixels each way: the standard deviation of a push
UNIT = 14  # pixels in the unit of a grid, in which the edges are at -1 and 1


def shift(x: Tensor, generator: torch.Generator) -> Tensor:
    """Move each image by −1, 0 or 1 pixel, across and down; the edge that becomes free is paper."""
    n, device = len(x), x.device
    windows = F.pad(x, (1, 1, 1, 1), value=PAPER).unfold(1, 28, 1).unfold(2, 28, 1)
    dy, dx = torch.randint(3, (2, n), generator=generator, device=device)
    return windows[torch.arange(n, device=device), dy, dx]


def affine(x: Tensor, generator: torch.Generator) -> Tensor:
    """Turn each image by up to 10 degrees, and stretch, slant and move it a little."""
    return sample_at(x, grid_of(draw_maps(len(x), generator)))


def elastic(x: Tensor, generator: torch.Generator) -> Tensor:
    """Push the pixels of each image about, neighbours in about the same direction.

    See Simard, Steinkraus and Platt, Best practices for convolutional neural networks applied to
    visual document analysis, ICDAR 2003.
    """
    stay = torch.eye(2, 3, device=x.device).expand(len(x), 2, 3)
    return sample_at(x, grid_of(stay, draw_pushes(len(x), generator)))


def warp(x: Tensor, generator: torch.Generator) -> Tensor:
    """Distort each image as if another person had written the digit: `affine` and `elastic` in one.

    One resampling for both blurs less than two, and takes less time.
    """
    maps = draw_maps(len(x), generator)
    return sample_at(x, grid_of(maps, draw_pushes(len(x), generator)))


def draw_maps(n: int, generator: torch.Generator) -> Tensor:
    """Draw `n` affine maps, shape (n, 2, 3), within the limits `TURN` to `MOVE`, for `grid_of`."""
    u = 2 * torch.rand(6, n, generator=generator, device=generator.device) - 1  # in [-1, 1]
    angle = TURN * u[0]
    scale_x, scale_y = 1 + STRETCH * u[1], 1 + STRETCH * u[2]
    shear = SLANT * u[3]
    shift_x, shift_y = MOVE / UNIT * u[4], MOVE / UNIT * u[5]
    across = torch.stack([scale_x * angle.cos(), shear - angle.sin(), shift_x], dim=1)
    down = torch.stack([angle.sin(), scale_y * angle.cos(), shift_y], dim=1)
    return torch.stack([across, down], dim=1)


def draw_pushes(n: int, generator: torch.Generator) -> Tensor:
    """Draw how far each point is pushed across and down, shape (n, 2, POINTS²), for `grid_of`."""
    pushes = torch.randn(n, 2, POINTS**2, generator=generator, device=generator.device)
    return PUSH / UNIT * pushes


def moved(x: Tensor, degrees: float = 0.0, right: float = 0.0, down: float = 0.0) -> Tensor:
    """Turn images about their middles by some degrees anticlockwise, then move them by pixels.

    `x` and the result are standardised images, shape (n, 28, 28); all are changed in the same way.
    """
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # The grid says where a pixel comes from, so this is the way back: unmoved, then unturned.
    x0, y0 = -right / UNIT, -down / UNIT
    rows = [[cos, -sin, cos * x0 - sin * y0], [sin, cos, sin * x0 + cos * y0]]
    maps = torch.tensor(rows, device=x.device).expand(len(x), 2, 3)
    return sample_at(x, grid_of(maps))


def resized(x: Tensor, factor: float) -> Tensor:
    """Enlarge images about their middles by a factor above 0; one below 1 shrinks them.

    `x` has shape (..., 28, 28), and so has the result: what no longer fits is cut off, and free
    space is filled with paper.
    """
    if factor == 1:
        return x
    images = x.reshape(-1, 28, 28)
    maps = torch.eye(2, 3, device=x.device).expand(len(images), 2, 3) / factor
    return sample_at(images, grid_of(maps)).view_as(x)


def sample_at(x: Tensor, grid: Tensor) -> Tensor:
    """Compute new images whose pixels take their ink from other places of the old ones.

    The grid, shape (n, 28, 28, 2), has the place (across, down) for each pixel; the edges are at -1
    and 1, and a place outside gives paper. `x` and the result have shape (n, 28, 28).
    """
    ink = F.grid_sample((x - PAPER)[:, None], grid, align_corners=False)  # 0 outside
    return ink[:, 0] + PAPER


def grid_of(maps: Tensor, pushes: Tensor | None = None) -> Tensor:
    """Compute the grid that `sample_at` takes, from affine maps, and from pushes if there are any.

    Each of the maps, shape (n, 2, 3), takes a new pixel's place (across, down, 1) to the place of
    its ink. The pushes, shape (n, 2, POINTS²) in units of the grid, are added to that, and change
    smoothly between the points.

    So a place is a weighted sum of fixed patterns: the pixel's own place across, its own place
    down, 1, and a smooth bump about each point. One matrix product gives all places, in a third of
    the time of torch's `affine_grid` and `interpolate`.
    """
    weights, patterns = maps, _own_places(maps.device)
    if pushes is not None:
        weights = torch.cat([maps, pushes], dim=2)
        patterns = torch.cat([patterns, _bumps(maps.device)])
    return (weights @ patterns).view(-1, 2, 28, 28).permute(0, 2, 3, 1)


def _own_places(device: torch.device) -> Tensor:
    """List each pixel's place across, its place down, and 1: shape (3, 784)."""
    middles = torch.linspace(-1, 1, 28, device=device) * 27 / 28  # of the pixels, along one side
    down, across = torch.meshgrid(middles, middles, indexing="ij")
    return torch.stack([across, down, torch.ones_like(down)]).view(3, 784)


def _bumps(device: torch.device) -> Tensor:
    """Spread a push of 1 at each point over the pixels around it: shape (POINTS², 784)."""
    points = torch.eye(POINTS, device=device)[None, None]
    along_a_side = F.interpolate(points, (POINTS, 28), mode="bicubic")[0, 0]
    return torch.kron(along_a_side, along_a_side)
