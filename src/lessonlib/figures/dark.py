"""Every figure a second time, in dark colours, for the book's dark theme.

A figure isn't changed for this: the renderer that paints it changes each colour on its way. Where
`load_ipython_extension` has been called, as ``make run`` does, each figure that a notebook shows
carries its dark picture in the metadata of its output. Only the book's build looks for it there.
Both get palettes, so that together they are as large as the one was.
"""

import base64
import colorsys
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox, BboxBase
from PIL import Image

GROUND = "#121212"  # of the book's dark theme
INK = "#D4D4D4"  # as light as the text of that theme, #CED6DD
CONTRAST = 4.5  # to the ground, which WCAG 2 asks for where text has a colour; lines get as much
# Of the strongest channel above the weakest. Grays and the pale tints of boxes and regions have at
# most 0.22, the colours of lines, bars and marks at least 0.32.
COLORFUL = 0.3

Color = tuple[float, ...]


def dark_png(figure: Figure) -> bytes:
    """Paint a figure in dark colours, as a PNG of the size that a notebook gives it.

    Black and white change places, as do grays and pale tints with what is as far from the other
    end. Strong colours stay, but for those too dark to be seen on the dark ground. Pictures, such
    as digits and checks, stay as they are, with the text on them. A map of values is drawn by
    `pcolormesh`, and changes its colours as shapes do.

    The figure has been painted before, and its layout stays: Matplotlib's changes a little whenever
    it is computed again.

    Examples
    --------
    >>> from lessonlib.figures.base import new
    >>> figure, axis = new(height=1)
    >>> figure.draw_without_rendering()
    >>> dark_png(figure)[1:4]
    b'PNG'
    """
    content, canvas, layout = BytesIO(), figure.canvas, figure.get_layout_engine()
    try:
        figure.set_layout_engine("none")
        _DarkCanvas(figure).print_figure(
            content, dpi=figure.dpi, facecolor=figure.get_facecolor(), bbox_inches="tight"
        )
    finally:
        figure.set_canvas(canvas)
        figure.set_layout_engine(layout)
    return content.getvalue()


def small_png(png: bytes) -> bytes:
    """Give a PNG a palette of at most 256 colours: a figure becomes a third to two thirds smaller.

    Where a figure has more, they come so close that nobody sees a difference.
    """
    content, picture = BytesIO(), Image.open(BytesIO(png)).convert("RGB")
    palette = picture.quantize(256, Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    palette.save(content, "PNG", optimize=True)
    return content.getvalue()


def load_ipython_extension(shell: Any) -> None:
    """Let a notebook's figures carry their dark pictures (``%load_ext lessonlib.figures.dark``)."""
    formatter = shell.display_formatter
    light = formatter.format

    def both(shown: Any, *args: Any, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = light(shown, *args, **options)
        if isinstance(shown, Figure) and "image/png" in data:
            data["image/png"] = _text(small_png(base64.b64decode(data["image/png"])))
            dark = _text(small_png(dark_png(shown)))
            metadata["image/png"] = metadata.get("image/png", {}) | {"dark": dark}
        return data, metadata

    formatter.format = both


def _text(png: bytes) -> str:
    return base64.b64encode(png).decode()


@cache
def dark_color(color: Color) -> Color:
    """Give the colour, RGB or RGBA, that stands for another one on the dark ground.

    Examples
    --------
    >>> from matplotlib.colors import to_hex
    >>> [to_hex(dark_color(to_rgb(name))) for name in ("white", "black", "orange", "navy")]
    ['#121212', '#d4d4d4', '#ffa500', '#6c6cff']
    """
    hue, lightness, saturation = colorsys.rgb_to_hls(*color[:3])
    if max(color[:3]) - min(color[:3]) < COLORFUL:
        ink, ground = to_rgb(INK)[0], to_rgb(GROUND)[0]
        lightness = ink + lightness * (ground - ink)
        return (*colorsys.hls_to_rgb(hue, lightness, saturation), *color[3:])
    while contrast_to_ground(color) < CONTRAST:
        lightness += 0.01
        color = (*colorsys.hls_to_rgb(hue, lightness, saturation), *color[3:])
    return color


def contrast_to_ground(color: Color) -> float:
    """Compute the contrast of WCAG 2 between a colour and the dark ground."""
    brighter, darker = sorted((_luminance(color), _luminance(to_rgb(GROUND))), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


class _DarkCanvas(FigureCanvasAgg):
    """What a figure is printed on."""

    def get_renderer(self) -> "_DarkRenderer":
        bars = [axis.bbox for axis in self.figure.axes if axis.get_label() == "<colorbar>"]
        return _DarkRenderer(bars, *self.get_width_height(physical=True), self.figure.dpi)


class _DarkRenderer(RendererAgg):
    """Matplotlib's renderer, which changes each colour just before it paints."""

    def __init__(self, color_bars: Sequence[BboxBase], *size: float) -> None:
        super().__init__(*size)
        self._color_bars = color_bars
        self._pictures: list[Bbox] = []
        # Agg's short cuts, which it adds to the instance, would bypass the methods below.
        for name in ("draw_image", "draw_markers", "draw_path_collection", "draw_quad_mesh"):
            delattr(self, name)

    def draw_path(self, gc: Any, path: Any, transform: Any, face: Any = None) -> None:
        """Paint a shape: `face` is what fills it, if anything."""
        filled = None if face is None else dark_color(tuple(face))
        super().draw_path(self._darkened(gc), path, transform, filled)

    def draw_text(self, gc: Any, x: float, y: float, *text: Any, **options: Any) -> None:
        """Paint text; on a picture, it keeps its colour. Here, y runs downwards."""
        if not self._on_a_picture(x, self.height - y):
            gc = self._darkened(gc)
        super().draw_text(gc, x, y, *text, **options)

    def draw_image(self, gc: Any, x: float, y: float, image: Any, *_: Any) -> None:
        """Paint a picture as it is, on white paper, which shows where the picture is clear."""
        height, width = image.shape[:2]
        if not self._on_a_picture(x + width / 2, y + height / 2):
            share = image[..., 3:] / 255
            image = np.round(share * image + (1 - share) * 255).astype(np.uint8)
            image[..., 3] = 255
        self._renderer.draw_image(gc, x, y, image)
        self._pictures.append(Bbox.from_bounds(x, y, width, height))

    def draw_quad_mesh(self, gc: Any, transform: Any, width: int, *mesh: Any) -> None:
        """Paint a map of values; on a cell of a strong colour, text keeps its colour.

        A colour bar stays as it is: it belongs to a picture.
        """
        height, corners, offsets, offset_transform, faces, *more = mesh
        x, y = np.moveaxis(transform.transform(corners.reshape(-1, 2)).reshape(corners.shape), 2, 0)
        if any(bar.contains(x.mean(), y.mean()) for bar in self._color_bars):
            self._renderer.draw_quad_mesh(gc, transform, width, *mesh)
            return
        dark = np.array([dark_color(tuple(face)) for face in faces])
        for cell in np.flatnonzero((dark == faces).all(axis=1) & (faces[:, 3] > 0)):
            i, j = divmod(cell, width)
            self._pictures.append(Bbox([[x[i, j], y[i, j]], [x[i + 1, j + 1], y[i + 1, j + 1]]]))
        self._renderer.draw_quad_mesh(
            gc, transform, width, height, corners, offsets, offset_transform, dark, *more
        )

    def _on_a_picture(self, x: float, y: float) -> bool:
        return any(box.contains(x, y) for box in self._pictures)

    def _darkened(self, gc: Any) -> Any:
        dark: Any = self.new_gc()
        dark.copy_properties(gc)
        dark.set_foreground(dark_color(tuple(gc.get_rgb())), isRGBA=True)
        if gc.get_hatch():
            dark.set_hatch_color(dark_color(tuple(gc.get_hatch_color())))
        return dark
