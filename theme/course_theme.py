"""A Sphinx extension for those parts of the book's HTML that no setting controls.

It names each collapsed solution in its summary, labels references by author and year, repairs
markup that assistive technology or MathJax can't handle, puts the interactive pieces in their
places, says what a reader can tick, describes each page to search engines and to those who share
its address, and lets the links of 404.html work from every address.
"""

import json
import re
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from docutils import nodes
from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style as PlainStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

SOLUTION = re.compile(r"#@title (?P<name>.+?)\s*(\{.*\})?\s*$")


class SolutionTitle(SphinxPostTransform):
    """Name a collapsed cell after the ``#@title`` that Colab shows for it."""

    default_priority = 198  # before myst_nb builds the collapsed cells, at 199
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Set the summary's text, for the open and for the closed cell, and drop its line."""
        for cell in self.document.findall(nodes.container):
            if cell.get("hide_mode") and cell.children:
                first_line, _, rest = cell.children[0].astext().partition("\n")
                if title := SOLUTION.match(first_line):
                    cell["prompt_show"] = cell["prompt_hide"] = title["name"]
                    for block in cell.children[0].findall(nodes.literal_block):
                        block.rawsource, block.children = rest, [nodes.Text(rest)]


class AuthorYear(BaseLabelStyle):
    """Labels as the chapters write them: Otsu, 1979; Kingma and Ba, 2015; LeCun et al., 1998."""

    def format_labels(self, sorted_entries: list[Any]) -> list[str]:
        """Label every entry; raise a ValueError if two entries get the same label."""
        labels = [f"{_authors(entry)}, {entry.fields['year']}" for entry in sorted_entries]
        if repeated := {label for label in labels if labels.count(label) > 1}:
            raise ValueError(f"references.bib: give the years letters, as 2010a: {repeated}")
        return labels


class CourseStyle(PlainStyle):
    """pybtex's plain entries, sorted by author and year, under author-year labels."""

    default_label_style = AuthorYear
    default_sorting_style = "author_year_title"


def _authors(entry: Any) -> str:
    persons = [(*p.prelast_names, *p.last_names) for p in entry.persons["author"]]
    names = [" ".join(words).strip("{}") for words in persons]  # braces hold an institute's name
    return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)


MENDS = {
    # With this label, a screen reader doesn't read the summary's own text.
    ' aria-label="Toggle hidden content"': "",
    # The old role is deprecated; the entries are inside an element with the role of a list.
    'role="doc-biblioentry"': 'role="listitem"',
    # With this class, the theme adds a tab stop to equations that are wide enough to scroll.
    '<div class="math ': '<div class="pst-scrollable-table-container math ',
    # Sphinx puts equations with a line break into an environment that doesn't allow \tag.
    r"\[\begin{split}": r"\[",
    r"\end{split}\]": r"\]",
}


# A formula and the punctuation after it: a line may break between the two, for the browser takes a
# formula for a picture.
PUNCTUATION = re.compile(
    r'\(?<span class="math notranslate nohighlight">[^<]*</span>(?:[.,;:!?)”…]|’s?)+'
)
# The theme gives what scrolls a tab stop when the page changes its size, and misses what opens.
TAB_STOPS = """
document.addEventListener("toggle", () => window.dispatchEvent(new Event("resize")), true);
"""


def mend_markup(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Replace markup in a page's body that assistive technology or MathJax can't handle."""
    if "body" in context:
        for old, new in MENDS.items():
            context["body"] = context["body"].replace(old, new)
        context["body"] = PUNCTUATION.sub(r'<span class="unbroken">\g<0></span>', context["body"])
        # A quiz links to the published book; a reader of this copy stays in it.
        published = f'target="_blank" href="{app.config.html_baseurl}'
        here = 'href="' + "../" * page.count("/")
        context["body"] = context["body"].replace(published, here)


PLACE = re.compile(r'<div data-piece-here="(\w+)"></div>')


def place_pieces(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put an interactive piece where a Markdown page names it; notebooks bring their own."""

    def piece(match: re.Match[str]) -> str:
        return f'<div class="cell_output"><div class="text_html">{_html(match[1])}</div></div>'

    if "body" in context:
        context["body"] = PLACE.sub(piece, context["body"])


def _html(name: str) -> str:
    import lessonlib.widgets

    return str(getattr(lessonlib.widgets, name)()._repr_html_())


CHAPTER = re.compile(r"chapters/(\d+-([\w-]+))")


def list_ticks(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Tell the first page's script (`static/ticks.js`) what can be ticked in each chapter."""
    if page == app.config.root_doc:
        chapters = filter(None, map(CHAPTER.fullmatch, sorted(app.env.found_docs)))
        places = {name[1]: _places(app.env.get_doctree(name[0]), name[2]) for name in chapters}
        script = json.dumps(places, separators=(",", ":"))
        context["body"] += f'<script type="application/json" data-ticks>{script}</script>'


def _places(doctree: nodes.document, stem: str) -> dict[str, list[str]]:
    """Name a chapter's sections, without the quiz, and the questions of its quiz."""
    from lessonlib.quiz import quiz

    (chapter,) = (part for part in doctree.children if isinstance(part, nodes.section))
    sections = [part["ids"][0] for part in chapter.children if isinstance(part, nodes.section)]
    return {
        "sections": [section for section in sections if section != "quiz"],
        "questions": [f"question-{n}" for n in range(1, len(quiz(stem).questions) + 1)],
    }


SHARED = re.compile(r'<(script|style) data-file="([\w.-]+)">\n(.*?)</\1>', re.DOTALL)


def share_files(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Keep the scripts and styles of interactive pieces in one file each, which the pages link.

    A piece's scripts are loaded when it comes near the window: theme/static/pieces.js does it.
    """
    folder = Path(app.outdir) / "_static" / "pieces"
    to_root = "../" * page.count("/")

    def link(match: re.Match[str]) -> str:
        tag, name, content = match.groups()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
        address = f"{to_root}_static/pieces/{name}"
        if tag == "style":
            return f'<link rel="stylesheet" href="{address}">'
        return f'<script type="text/plain" data-later="{address}"></script>'

    if "body" in context:
        context["body"] = SHARED.sub(link, context["body"])


DESCRIPTION_LENGTH = 160  # characters; search engines cut off what is longer
CARD = "_static/card.png"
CARD_SHOWS = "A handwritten 7 in white on blue; beside it the title, Reading Digits."


def describe(doctree: nodes.document) -> str:
    """Give the first sentences of a page that fit, or the beginning of a first one that doesn't."""
    sections = (s for s in doctree.children if isinstance(s, nodes.section))
    first = next(p for section in sections for p in section if isinstance(p, nodes.paragraph))
    sentences = re.split(r"(?<=[.?!])\s+", " ".join(first.astext().split()))
    text = sentences[0]
    if len(text) > DESCRIPTION_LENGTH:
        return text[:DESCRIPTION_LENGTH].rpartition(" ")[0].rstrip(",;:") + " …"
    for sentence in sentences[1:]:
        if len(f"{text} {sentence}") > DESCRIPTION_LENGTH:
            break
        text += f" {sentence}"
    return text


def add_descriptions(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Describe a page: for a search engine, and for the preview of a link to it (Open Graph)."""
    if page == "index":  # the top of the book leads to its first page
        doctree = app.env.get_doctree(app.config.root_doc)
    elif doctree is None:
        return
    description = describe(doctree)
    title = context.get("title") or app.config.html_title  # a title is HTML already
    tags = {
        "og:title": re.sub(r"<[^>]+>", "", title),
        "og:description": escape(description),
        "og:type": "website",
        "og:url": escape(context["pageurl"]),
        "og:site_name": escape(app.config.html_title),
        "og:image": escape(app.config.html_baseurl + CARD),
        "og:image:alt": escape(CARD_SHOWS),
    }
    lines = [f'<meta name="description" content="{escape(description)}" />']
    lines += [f'<meta property="{name}" content="{text}" />' for name, text in tags.items()]
    context["metatags"] = context.get("metatags", "") + "\n    ".join(["", *lines])


def make_links_absolute(app: Sphinx, exception: Exception | None) -> None:
    """Let the links of 404.html begin at the book's top, wherever the missing address was."""
    page = Path(app.outdir) / "404.html"
    if exception is None and page.is_file():
        top = urlparse(app.config.html_baseurl).path
        relative = r'(\b(?:href|src|action|data-content_root)=")(?![a-z]+:|/|#)(?:\./)?'
        html = page.read_text(encoding="utf-8")
        page.write_text(re.sub(relative, rf"\g<1>{top}", html), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension's parts with Sphinx."""
    register_plugin("pybtex.style.formatting", "course", CourseStyle)
    app.add_post_transform(SolutionTitle)
    app.add_js_file(None, body=TAB_STOPS)
    app.connect("html-page-context", mend_markup)
    app.connect("html-page-context", place_pieces)
    app.connect("html-page-context", share_files)
    app.connect("html-page-context", list_ticks)
    app.connect("html-page-context", add_descriptions)
    app.connect("build-finished", make_links_absolute)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
