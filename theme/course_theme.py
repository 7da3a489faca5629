"""A Sphinx extension for what the book's HTML needs and no setting gives.

Summaries of collapsed solutions say which solution it is, references are labelled by author and
year, and markup that assistive technology or MathJax stumbles over is mended.
"""

import re
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
        """Set what the summary shows, open and closed."""
        for cell in self.document.findall(nodes.container):
            if cell.get("hide_mode") and cell.children:
                first_line = cell.children[0].astext().partition("\n")[0]
                if title := SOLUTION.match(first_line):
                    cell["prompt_show"] = cell["prompt_hide"] = title["name"]


class AuthorYear(BaseLabelStyle):
    """Labels as the chapters write them: Otsu, 1979; Kingma and Ba, 2015; LeCun et al., 1998."""

    def format_labels(self, sorted_entries: list[Any]) -> list[str]:
        """Label every entry; works of one author and year that share a label are an error."""
        labels = [f"{_authors(entry)}, {entry.fields['year']}" for entry in sorted_entries]
        if repeated := {label for label in labels if labels.count(label) > 1}:
            raise ValueError(f"references.bib: give the years letters, as 2010a: {repeated}")
        return labels


class CourseStyle(PlainStyle):
    """pybtex's plain entries, sorted by author and year, under author-year labels."""

    default_label_style = AuthorYear
    default_sorting_style = "author_year_title"


def _authors(entry: Any) -> str:
    names = [" ".join((*p.prelast_names, *p.last_names)) for p in entry.persons["author"]]
    return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)


MENDS = {
    # This label hides the summary's own text from a screen reader.
    ' aria-label="Toggle hidden content"': "",
    # A deprecated role; the entries stand in an element with the role of a list.
    'role="doc-biblioentry"': 'role="listitem"',
    # The theme gives what has this class a tab stop where it is wide enough to scroll.
    '<div class="math ': '<div class="pst-scrollable-table-container math ',
    # Sphinx wraps what has a line break in an environment that allows no \tag; Colab doesn't.
    r"\[\begin{split}": r"\[",
    r"\end{split}\]": r"\]",
}


def mend_markup(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Replace what assistive technology, or MathJax, stumbles over in a page's body."""
    for old, new in MENDS.items():
        if "body" in context:
            context["body"] = context["body"].replace(old, new)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the parts with Sphinx."""
    register_plugin("pybtex.style.formatting", "course", CourseStyle)
    app.add_post_transform(SolutionTitle)
    app.connect("html-page-context", mend_markup)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
