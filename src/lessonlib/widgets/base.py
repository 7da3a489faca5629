"""What all pieces share on Python's side: a piece as one self-contained string of HTML."""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def static(name: str) -> str:
    """Read one of the scripts and style sheets in ``static``; "" where there is none."""
    path = files("lessonlib.widgets") / "static" / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@dataclass(frozen=True)
class Piece:
    """An interactive piece, which shows as HTML in the book, in JupyterLab and in Colab.

    Attributes
    ----------
    name : str
        The name of its script in ``static``, without the ending.
    start : str
        The script's function that builds the piece.
    title : str
        What it is called on the page.
    text : str
        What its first frame shows, in words: for those who don't see it, and for plain text.
    still : str
        HTML of a picture that teaches the same without JavaScript, in print and on GitHub.
    data : mapping
        What the script is given, as JSON.
    networks : mapping of str to str
        Scripts with the weights of a network, by their names.
    parts : tuple of str
        Further scripts in ``static`` that its own builds on, without the ending.
    """

    name: str
    start: str
    title: str
    text: str
    still: str
    data: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return (
            f"{self.title}\n\n{self.text}\n\n(In the book and in a notebook this is interactive.)"
        )

    def _repr_html_(self) -> str:
        # In a script, "</" would end it.
        data = json.dumps(self.data, separators=(",", ":"), sort_keys=True).replace("</", "<\\/")
        title = html.escape(self.title)
        # A cell may be run twice on one page: within a function, no name is declared twice.
        own = "\n".join(static(f"{name}.js") for name in (*self.parts, self.name))
        script = f"{own}\nstartPiece({self.name!r}, {self.start});"
        parts = [
            f'<section class="lessonlib-piece tex2jax_ignore" data-piece="{self.name}" '
            f'aria-label="{title}">',
            _shared("style", "base.css", static("base.css")),
            _shared("style", f"{self.name}.css", static(f"{self.name}.css")),
            f'<p class="ll-title">{title}</p>',
            f'<div class="ll-still">{self.still}</div>',
            f'<script type="application/json">{data}</script>',
            *(_shared("script", f"{name}.js", script) for name, script in self.networks.items()),
            _shared("script", "base.js", static("base.js")),
            _shared("script", f"{self.name}.js", f"(() => {{\n{script}\n}})();"),
            "</section>",
        ]
        return "\n".join(part for part in parts if part)


def _shared(tag: str, name: str, content: str) -> str:
    """Put a script or a style into the page; the book keeps one file of each name for all pages."""
    return f'<{tag} data-file="{name}">\n{content}</{tag}>' if content else ""
