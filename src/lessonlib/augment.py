"""Change images of digits at random, so that each epoch of training sees new ones.

Every change is one resampling: it says from which place of the old image each new pixel takes its
ink.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lessonlib.models import MEAN, STD

Augment = Callable[[Tensor, torch.Generator], Tensor]
PAPER = -MEAN / STD  # what an empty pixel becomes when standardised


def shift(x: Tensor, generator: torch.Generator) -> Tensor:
    """Move each image by −1, 0 or 1 pixel, across and down.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    generator : torch.Generator
        On the images' device.

    Returns
    -------
    Tensor
        Shape (n, 28, 28); the edge that becomes free is filled with paper.
    """
    n, device = len(x), x.device
    windows = F.pad(x, (1, 1, 1, 1), value=PAPER).unfold(1, 28, 1).unfold(2, 28, 1)
    dy, dx = torch.randint(3, (2, n), generator=generator, device=device)
    return windows[torch.arange(n, device=device), dy, dx]


def affine(x: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, stretch, slant and move each image a little, each in its own way.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    generator : torch.Generator
        On the images' device.

    Returns
    -------
    Tensor
        Shape (n, 28, 28). Turned by up to 10 degrees, sides scaled by 0.9 to 1.1, slanted by up
        to 0.1 pixels a row, moved by up to 1.5 pixels each way.
    """
    matrices = affine_maps(len(x), generator, x.device)
    return sample_at(x, grid_of(matrices))


def elastic(x: Tensor, generator: torch.Generator) -> Tensor:
    """Push the pixels of each image about, neighbours in about the same direction.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    generator : torch.Generator
        On the images' device.

    Returns
    -------
    Tensor
        Shape (n, 28, 28). The pushes are drawn at 7x7 points, with a standard deviation of 0.6
        pixels each way, and are smooth in between.

    References
    ----------
    Simard, Steinkraus and Platt, Best practices for convolutional neural networks applied to
    visual document analysis, ICDAR 2003.
    """
    pushes = 0.6 / 14 * torch.randn(len(x), 2, 7, 7, generator=generator, device=x.device)
    smooth = F.interpolate(pushes, (28, 28), mode="bicubic").permute(0, 2, 3, 1)
    stay = torch.eye(2, 3, device=x.device).expand(len(x), 2, 3)
    return sample_at(x, grid_of(stay) + smooth)


def warp(x: Tensor, generator: torch.Generator) -> Tensor:
    """Distort each image a little, as if another person had written the digit.

    A random affine map (rotation, scale, shear, shift) and a smooth random displacement of
    the pixels, applied in one resampling.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    generator : torch.Generator
        On the images' device.

    Returns
    -------
    Tensor
        Shape (n, 28, 28).

    References
    ----------
    Simard, Steinkraus and Platt, Best practices for convolutional neural networks applied to
    visual document analysis, ICDAR 2003.
    """
    n, device = len(x), x.device
    affine = affine_maps(n, generator, device)
    bumps = 0.6 / 14 * torch.randn(n, 2, 49, generator=generator, device=device)

    # The place from which a pixel takes its ink is a weighted sum of 52 fixed patterns: x, y and 1
    # for the affine map, and a smooth bump around each of 7x7 points. So one matrix product gives
    # the places for all images.
    axis = (torch.arange(28, device=device) + 0.5) / 14 - 1
    down_axis, across_axis = torch.meshgrid(axis, axis, indexing="ij")
    bump = F.interpolate(torch.eye(7, device=device)[None, None], (7, 28), mode="bicubic")[0, 0]
    plane = torch.stack([across_axis, down_axis, torch.ones_like(down_axis)]).view(3, 784)
    patterns = torch.cat([plane, torch.kron(bump, bump)])
    grid = (torch.cat([affine, bumps], dim=2) @ patterns).view(n, 2, 28, 28).permute(0, 2, 3, 1)
    return sample_at(x, grid)


def affine_maps(n: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Draw random affine maps that turn, stretch, slant and move an image a little.

    Parameters
    ----------
    n : int
    generator : torch.Generator
    device : torch.device
        That of the generator.

    Returns
    -------
    Tensor
        Shape (n, 2, 3), as `affine_grid` takes them: turned by up to 10 degrees, width and height
        scaled by 0.9 to 1.1, slanted by up to 0.1 pixels a row, moved by up to 1.5 pixels across
        and down.
    """
    u = 2 * torch.rand(6, n, generator=generator, device=device) - 1  # uniform in [-1, 1]
    angle = math.radians(10) * u[0]
    scale_x, scale_y = 1 + 0.1 * u[1], 1 + 0.1 * u[2]
    shear = 0.1 * u[3]
    shift_x, shift_y = 1.5 / 14 * u[4], 1.5 / 14 * u[5]  # the grid's unit is 14 pixels
    across = torch.stack([scale_x * angle.cos(), shear - angle.sin(), shift_x], dim=1)
    down = torch.stack([angle.sin(), scale_y * angle.cos(), shift_y], dim=1)
    return torch.stack([across, down], dim=1)


def moved(x: Tensor, degrees: float = 0.0, right: float = 0.0, down: float = 0.0) -> Tensor:
    """Turn all images about their middles, then move them, all in the same way.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    degrees : float
        Anticlockwise.
    right, down : float
        Pixels.

    Returns
    -------
    Tensor
        Shape (n, 28, 28).
    """
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # The grid says where a pixel comes from, so this is the way back: unmoved, then unturned.
    x0, y0 = -right / 14, -down / 14
    rows = [[cos, -sin, cos * x0 - sin * y0], [sin, cos, sin * x0 + cos * y0]]
    matrices = torch.tensor(rows, device=x.device).expand(len(x), 2, 3)
    return sample_at(x, grid_of(matrices))


def resized(x: Tensor, factor: float) -> Tensor:
    """Enlarge or shrink the content of images about their middles.

    Parameters
    ----------
    x : Tensor, float, shape (..., 28, 28)
        Standardised images.
    factor : float
        Above 0; above 1 enlarges.

    Returns
    -------
    Tensor
        Of the same shape. What no longer fits is cut off, and free space is filled with paper.
    """
    if factor == 1:
        return x
    images = x.reshape(-1, 28, 28)
    matrix = torch.eye(2, 3, device=x.device) / factor  # from a pixel to the place of its ink
    return sample_at(images, grid_of(matrix.expand(len(images), 2, 3))).view_as(x)


def sample_at(x: Tensor, grid: Tensor) -> Tensor:
    """Compute new images whose pixels take their ink from other places of the old ones.

    Parameters
    ----------
    x : Tensor, float, shape (n, 28, 28)
        Standardised images.
    grid : Tensor, float, shape (n, 28, 28, 2)
        The place (across, down) from which each pixel takes its ink; the edges are at -1 and 1.

    Returns
    -------
    Tensor
        Shape (n, 28, 28). A place outside the image gives paper.
    """
    ink = F.grid_sample((x - PAPER)[:, None], grid, align_corners=False)  # 0 outside
    return ink[:, 0] + PAPER


def grid_of(matrices: Tensor) -> Tensor:
    """Turn affine maps into the grids that `sample_at` takes.

    Parameters
    ----------
    matrices : Tensor, float, shape (n, 2, 3)
        As `affine_maps` draws them: each takes a pixel's place to the place of its ink.

    Returns
    -------
    Tensor
        Shape (n, 28, 28, 2).
    """
    return F.affine_grid(matrices, [len(matrices), 1, 28, 28], align_corners=False)
