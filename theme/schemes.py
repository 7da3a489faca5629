"""A Sphinx extension that shows pictures in the colours of the page, light or dark.

The outputs of a notebook hold each figure twice; see lessonlib.figures.dark. The page gets both,
and theme/static/course.css shows one of them. A drawing becomes a part of the page, whose colours
it takes.
"""

import re
from binascii import a2b_base64
from hashlib import sha256
from pathlib import Path
from struct import unpack
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

FIGURE = re.compile(r'<img (?P<alt>alt="[^"]*") src="(?P<file>[./]*_images/(?P<name>\w+))\.png" />')
DRAWING = re.compile(r'<img (?P<alt>alt="[^"]*") src="[./]*_images/(?P<name>\w+)\.svg" />')


def show_figures(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put each figure, with its dark picture, into a place where it scrolls if it is too wide.

    The theme gives such a place a tab stop.
    """
    if doctree is None:
        return
    folder = Path(app.outdir) / "_images"
    dark = dark_pictures(Path(app.env.doc2path(page)))

    def place(match: re.Match[str]) -> str:
        name, images = match["name"], match[0]
        if name in dark:
            folder.mkdir(exist_ok=True)
            (folder / f"{name}-dark.png").write_bytes(dark[name])
            images = both(match["alt"], match["file"], dark[name])
        return f'<div class="pst-scrollable-table-container">{images}</div>'

    context["body"] = FIGURE.sub(place, context["body"])


def both(alt: str, file: str, dark: bytes) -> str:
    """Write the tags of a figure's two pictures; only who sees the dark one loads it."""
    width, height = unpack(">II", dark[16:24])  # where every PNG has its size
    size = f'width="{width}" height="{height}"'
    return (
        f'<img class="only-light" {alt} src="{file}.png" {size} />'
        f'<img class="only-dark" {alt} src="{file}-dark.png" {size} loading="lazy" />'
    )


def dark_pictures(source: Path) -> dict[str, bytes]:
    """Find the dark pictures in a notebook's outputs, by the names of the light ones in the book.

    MyST-NB names a picture after its hash. Pages that aren't notebooks have none.
    """
    if source.suffix != ".ipynb":
        return {}
    found = {}
    for cell in nbformat.read(source, as_version=4).cells:
        for output in cell.get("outputs", []):
            dark = output.get("metadata", {}).get("image/png", {}).get("dark")
            if dark is not None:
                light = a2b_base64(output.data["image/png"])
                found[sha256(light).hexdigest()] = a2b_base64(dark)
    return found


def inline_drawings(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put drawings into the page itself, so that they have its colour for text."""

    def drawing(match: re.Match[str]) -> str:
        path = next(path for path in app.env.images if Path(path).stem == match["name"])
        svg = (Path(app.srcdir) / path).read_text(encoding="utf-8")
        return svg.replace("<svg ", f"<svg aria-label={match['alt'].removeprefix('alt=')} ", 1)

    if doctree is not None:
        context["body"] = DRAWING.sub(drawing, context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension's parts with Sphinx."""
    app.connect("html-page-context", show_figures)
    app.connect("html-page-context", inline_drawings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
