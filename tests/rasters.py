"""Images on their way to the scripts of the page's reader, and back."""

from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

from tests.pieces import run_script

SCRIPTS = ("raster", "read_rough_ink", "read_find", "read_field")
Image = npt.NDArray[Any]


def ask(tab: Page, expression: str, image: Image, more: Any = None) -> Any:
    """Evaluate an expression of `image`, a Raster, and `more`; arrays of any kind come as lists."""
    given = {"width": image.shape[1], "height": image.shape[0], "data": image.ravel().tolist()}
    asked = f"""((image, more) => JSON.parse(JSON.stringify({expression},
      (_, value) => ArrayBuffer.isView(value) ? Array.from(value) : value)))(
      makeRaster(argument[0].width, argument[0].height, Uint8Array.from(argument[0].data)),
      argument[1])"""
    return run_script(tab, SCRIPTS, asked, [given, more])


def image_of(raster: dict[str, Any]) -> Image:
    """Take the gray levels, or the ink, out of a Raster."""
    return np.array(raster["data"], np.uint8).reshape(raster["height"], raster["width"])


def differing(ours: Image, theirs: Image, levels: int = 0) -> float:
    """Measure the share of the pixels that differ by more than so many levels."""
    assert ours.shape == theirs.shape
    return float((abs(ours.astype(int) - theirs.astype(int)) > levels).mean())
