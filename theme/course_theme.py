"""A Sphinx extension for those parts of the book's HTML that no setting controls.

It names each collapsed solution in its summary, labels references by author and year, and repairs
markup that assistive technology or MathJax can't handle.
"""

import re
from pathlib import Path
from typing import Any

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
        """Set the summary's text, for the open and for the closed cell."""
        for cell in self.document.findall(nodes.container):
            if cell.get("hide_mode") and cell.children:
                first_line = cell.children[0].astext().partition("\n")[0]
                if title := SOLUTION.match(first_line):
                    cell["prompt_show"] = cell["prompt_hide"] = title["name"]


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


def mend_markup(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Replace markup in a page's body that assistive technology or MathJax can't handle."""
    for old, new in MENDS.items():
        if "body" in context:
            context["body"] = context["body"].replace(old, new)


SHARED = re.compile(r'<(script|style) data-file="([\w.]+)">\n(.*?)</\1>', re.DOTALL)


def share_files(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Keep the scripts and styles of interactive pieces in one file each, which the pages link."""
    folder = Path(app.outdir) / "_static" / "pieces"
    to_root = "../" * page.count("/")

    def link(match: re.Match[str]) -> str:
        tag, name, content = match.groups()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
        address = f"{to_root}_static/pieces/{name}"
        if tag == "style":
            return f'<link rel="stylesheet" href="{address}">'
        return f'<script src="{address}"></script>'

    if "body" in context:
        context["body"] = SHARED.sub(link, context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension's parts with Sphinx."""
    register_plugin("pybtex.style.formatting", "course", CourseStyle)
    app.add_post_transform(SolutionTitle)
    app.connect("html-page-context", mend_markup)
    app.connect("html-page-context", share_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
