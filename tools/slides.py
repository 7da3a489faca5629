"""Write a deck of slides for each chapter, from the chapter's own cells: _build/slides/.

Usage: ``python -m tools.slides`` (``make slides``)

Which cells stand on a slide, their metadata say, as JupyterLab and nbconvert have them:
``slideshow.slide_type`` is "slide" (a new slide), "-" (goes on), "fragment" (goes on, at the next
key) or "skip". Of a text, a slide shows the parts whose beginnings ``slideshow.shows`` lists, and
without a list what `slide_parts.chosen_by_rule` takes. Of a cell of code it shows the outputs, or
what the list names: "code", "text", "figure", "piece". The rest of the text, and the text of cells
without such metadata up to the next heading, are the speaker's notes.

The pages aren't nbconvert's, which load RequireJS, jQuery and Mermaid. They need reveal.js and
MathJax alone, lie beside copies of them, and ask for nothing from elsewhere. The scripts of the
pieces lie there, too, and are loaded when their slide is shown.
"""

import base64
import html
import re
import shutil
import struct
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from lessonlib.files import write_whole
from tools.notebooks import chapters
from tools.slide_parts import (
    PREDICT,
    Part,
    chosen_by_name,
    chosen_by_rule,
    joined,
    parts,
)

ROOT = Path(__file__).resolve().parents[1]
SLIDES = ROOT / "_build" / "slides"
THEME = ROOT / "theme" / "slides"
MATHJAX = ROOT / "theme" / "static" / "mathjax" / "tex-svg-full.js"
PIECES = ROOT / "theme" / "static" / "pieces.js"
# As `lessonlib.widgets.base` writes what a piece shares with others.
SHARED = re.compile(r'<(script|style) data-file="([\w.-]+)">\n(.*?)</\1>', re.DOTALL)
# The speaker's window lacks MathJax's styles, which hide its words for screen readers.
NOTES_STYLE = "<style>.speaker-controls-notes mjx-assistive-mml { display: none }</style>"
# A formula and the punctuation behind it, which must not begin a line of its own.
PUNCTUATED = re.compile(r'<span class="math inline">[^<]*</span>[,.;:?!)]+')
COLOURS = "a11y-high-contrast-light"  # of the book's theme, which brings it
# More lines or columns than these fit on a slide in small type only.
ROOMY = (11, 78)


@dataclass
class Slide:
    """One slide: pieces of HTML under a heading, and the speaker's notes."""

    heading: str
    body: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_html(self) -> str:
        """Write the slide as reveal.js wants it."""
        kind = "title" if self.heading.startswith("# ") else "content"
        heading = f"<h2>{MARKDOWN.renderInline(self.heading.lstrip('# '))}</h2>"
        return "\n".join(
            [
                f'<section><div class="slide {kind}">',
                heading,
                *self.body,
                f'</div><aside class="notes">{NOTES_STYLE}',
                *self.notes,
                "</aside></section>",
            ]
        )


def formula(text: str, options: dict[str, Any]) -> str:
    """Hand a formula on to MathJax, in its own brackets."""
    start, end = (r"\[", r"\]") if options.get("display_mode") else (r"\(", r"\)")
    return html.escape(f"{start}{text}{end}")


MARKDOWN = (
    MarkdownIt("commonmark")
    .enable("table")
    .use(dollarmath_plugin, allow_labels=False, renderer=formula)
)


def slides(notebook: NotebookNode) -> list[Slide]:
    """Make the slides of a chapter from its cells."""
    deck: list[Slide] = []
    heading, speaking = "", False
    for cell in notebook.cells:
        found = parts(cell.source) if cell.cell_type == "markdown" else []
        headings = [part.text for part in found if part.kind == "heading"]
        chosen = cell.metadata.get("slideshow", {})
        kind = chosen.get("slide_type", "")
        if not kind and found:
            speaking = speaking and not headings
            if speaking:
                deck[-1].notes += texts(found)
        elif kind in ("slide", "fragment", "-"):
            speaking = True
            pages, notes = shown(cell, found, chosen.get("shows"))
            if kind == "fragment":
                pages[0].body = [f'<div class="fragment">{part}</div>' for part in pages[0].body]
            for page in pages:
                page.heading = page.heading or heading
            if kind != "slide":
                deck[-1].body += pages.pop(0).body
            deck += pages
            deck[-1].notes += notes
        heading = headings[-1] if headings else heading
    return deck


def shown(
    cell: NotebookNode, found: list[Part], named: list[str] | None
) -> tuple[list[Slide], list[str]]:
    """Return what a cell puts on one or several slides, and what is left for the notes.

    A slide has a heading only if it stands in the cell, before what is shown.
    """
    if cell.cell_type != "markdown":
        return [Slide("", list(outputs(cell, named)))], []
    pages = [chosen_by_rule(found)] if named is None else chosen_by_name(found, named)
    taken = {part for page in pages for part in page}
    rest = texts(part for part in found if part not in taken)
    return [Slide(heading_of(page, found), texts(page)) for page in pages], rest


def heading_of(page: list[Part], found: list[Part]) -> str:
    """Return the heading under which the first part of a page stands in its cell, if any."""
    before = found[: found.index(page[0])] if page else found
    return next((part.text for part in reversed(before) if part.kind == "heading"), "")


def texts(chosen: Iterable[Part]) -> list[str]:
    """Write parts of a text as HTML; headings have been shown elsewhere."""
    written = []
    for text in joined(part for part in chosen if part.kind != "heading"):
        name = "predict" if text.startswith(PREDICT) else "text"
        line = PUNCTUATED.sub(r'<span class="unbroken">\g<0></span>', MARKDOWN.render(text))
        written.append(f'<div class="{name}">{line}</div>')
    return written


def outputs(cell: NotebookNode, named: list[str] | None) -> Iterator[str]:
    """Write a cell's outputs as HTML, all of them or those of the named kinds, and its code."""
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    wanted = named or ["text", "figure", "piece"]
    if "code" in wanted:
        look = HtmlFormatter(style=COLOURS, noclasses=True, nowrap=True)
        yield fixed(cell.source, highlight(cell.source, PythonLexer(), look), "code")
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data and "figure" in wanted:
            yield figure(data["image/png"], alt)
        elif "text/html" in data and "piece" in wanted:
            # For reveal.js, a section within a slide is a slide, too.
            piece = data["text/html"].replace("<section", '<div role="region"')
            piece = piece.replace("</section>", "</div>")
            yield f'<div class="piece" data-prevent-swipe>{piece}</div>'
        elif output.output_type == "stream" and "text" in wanted:
            yield fixed(output.text, html.escape(output.text.rstrip("\n")), "output")


def figure(picture: str, alt: str) -> str:
    """Write a picture; of the room that two of them share, each gets as much as its shape needs."""
    packed = "".join(picture.split())
    width, height = struct.unpack(">II", base64.b64decode(packed)[16:24])  # of a PNG
    source = f'src="data:image/png;base64,{packed}"'
    grow = f"flex-grow: {100 * height / width:.0f}"
    return f'<div class="figure" style="{grow}"><img {source} alt="{html.escape(alt)}"></div>'


def fixed(text: str, written: str, name: str) -> str:
    """Write text in letters of one width, small if it is long or wide."""
    lines = text.rstrip("\n").splitlines()
    long = len(lines) > ROOMY[0] or max(map(len, lines), default=0) > ROOMY[1]
    return f'<pre class="{name}{" small" if long else ""}">{written.rstrip()}</pre>'


def share_files(deck: str, shared: dict[str, str]) -> tuple[str, str]:
    """Take what pieces share with others out of a deck, and collect it by its names in `shared`.

    Return links to the styles, and the deck, which loads the scripts later.

    Raises
    ------
    ValueError
        If two pieces have different files of one name.
    """
    styles = dict[str, None]()

    def link(match: re.Match[str]) -> str:
        tag, name, content = match.groups()
        if shared.setdefault(name, content) != content:
            raise ValueError(f"two pieces differ in {name}: run their notebooks again (make run)")
        if tag == "script":
            return f'<script type="text/plain" data-later="pieces/{name}"></script>'
        styles[f'<link rel="stylesheet" href="pieces/{name}">'] = None
        return ""

    deck = SHARED.sub(link, deck)
    return "\n".join(styles), deck


def title_of(notebook: NotebookNode) -> str:
    """Return a chapter's title, as "1 History"."""
    return str(notebook.cells[0].source.strip().splitlines()[0].lstrip("# "))


def write(folder: Path) -> list[Path]:
    """Write all decks, a page that lists them, and what they share; return the decks' paths.

    The folder is replaced as a whole, or left as it is if anything fails.
    """
    page = Template((THEME / "deck.html").read_text(encoding="utf-8"))
    listing = Template((THEME / "index.html").read_text(encoding="utf-8"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".slides-") as scratch:
        new = Path(scratch, "new")
        shutil.copytree(THEME / "reveal", new / "reveal")
        for path in (THEME / "deck.css", THEME / "deck.js", PIECES, MATHJAX):
            shutil.copyfile(path, new / path.name)
        items, shared = [], dict[str, str]()
        for path in chapters():
            notebook = nbformat.read(path, as_version=4)
            title = title_of(notebook)
            deck = "\n".join(slide.to_html() for slide in slides(notebook))
            styles, deck = share_files(deck, shared)
            text = page.substitute(title=html.escape(title), styles=styles, slides=deck)
            write_whole(new / f"{path.stem}.html", text.encode())
            items.append(f'<li><a href="{path.stem}.html">{html.escape(title)}</a></li>')
        (new / "pieces").mkdir()
        for name, content in shared.items():
            write_whole(new / "pieces" / name, content.encode())
        write_whole(new / "index.html", listing.substitute(items="\n".join(items)).encode())
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        new.rename(folder)
    return [folder / f"{path.stem}.html" for path in chapters()]


def main() -> None:
    """Write the decks and say where they are."""
    write(SLIDES)
    print(f"The slides are at {SLIDES / 'index.html'}; S opens the speaker's notes")


if __name__ == "__main__":
    main()
