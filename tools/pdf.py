"""Write the whole book as one PDF, among the built pages: _build/html/reading-digits.pdf.

Usage: ``python -m tools.pdf`` (``make pdf``, which builds the book first)

The machine's Chromium prints the built pages one after another, in the order of ``_toc.yml``. Then
the prints become one file, with an outline, and with links from page to page that lead within it.
At last the first page gets a link to the file; without the file there is no link.
"""

import os
import shutil
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag

import yaml  # type: ignore[import-untyped]
from playwright.sync_api import Page, ViewportSize, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DictionaryObject,
    Fit,
    FloatObject,
    NameObject,
    NullObject,
    TextStringObject,
)

from lessonlib.files import write_whole

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "_build" / "html"
PDF = BOOK / "reading-digits.pdf"
LINK_PLACE = "<span data-pdf-here></span>"  # on the first page: chapters/index.md
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Without hinting, letters keep the distances that their font gives them.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--font-render-hinting=none",
]  # fmt: skip
SCALE = 0.75  # the text has 9 points
# A4 without its margins, in CSS pixels of that size.
PAPER: ViewportSize = {"width": 887, "height": 1315}
# Pages are counted through the whole book.
NUMBERED = """
@page {{
  margin: 18mm 17mm;
  @bottom-center {{ content: counter(page); font: 12pt sans-serif; color: #333 }}
}}
html {{ counter-reset: page {before} }}
"""
# A page's title and sections. The PDF says where a place is only if its own page has a link to it,
# so each place with a name gets one, which nobody sees.
NAMES = """() => {
  const words = heading => {
    const copy = heading.cloneNode(true);
    copy.querySelectorAll(".headerlink").forEach(link => link.remove());
    return copy.textContent.replace(/\\s+/g, " ").trim();
  };
  const article = document.querySelector("article") ?? document.body;
  const links = document.body.appendChild(document.createElement("div"));
  links.hidden = true;
  for (const place of article.querySelectorAll("[id]:not(svg *, mjx-container *)"))
    links.appendChild(document.createElement("a")).href = "#" + encodeURIComponent(place.id);
  return {
    title: words(article.querySelector("h1")),
    sections: [...article.querySelectorAll("section[id] > h2")].map(
      h => ({place: h.parentElement.id, title: words(h)}))
  };
}"""


class Section(NamedTuple):
    """A section of a page of the book."""

    place: str
    """The fragment of a link that leads to it."""
    title: str


class Place(NamedTuple):
    """Where something stands in the PDF."""

    sheet: int
    """Counted from 0."""
    top: float
    """In points above the sheet's lower edge."""


class Printed(NamedTuple):
    """A page of the book, on paper."""

    path: Path
    """The built HTML."""
    title: str
    sections: list[Section]
    pdf: bytes


def names(toc: Path) -> list[str]:
    """List the book's pages in their order, from a `_toc.yml` of Jupyter Book with parts."""
    contents = yaml.safe_load(toc.read_text(encoding="utf-8"))
    files = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    return [contents["root"], *files]


def print_page(tab: Page, path: Path, before: int) -> Printed:
    """Print one page of the book as it stands: what is collapsed stays collapsed.

    Parameters
    ----------
    tab
        An open tab of Chromium.
    path
        The HTML file.
    before
        How many sheets come before it; its own are numbered from there.
    """
    tab.goto(path.as_uri())
    tab.evaluate("() => window.MathJax?.startup?.promise")
    tab.evaluate("() => document.fonts.ready.then(() => true)")
    found = tab.evaluate(NAMES)
    tab.add_style_tag(content=NUMBERED.format(before=before))
    pdf = tab.pdf(format="A4", scale=SCALE, print_background=True)
    sections = [Section(**section) for section in found["sections"]]
    return Printed(path, found["title"], sections, pdf)


def print_pages(paths: Iterable[Path]) -> list[Printed]:
    """Print pages of the book one after another, numbered through.

    Raises
    ------
    SystemExit
        If this machine has no Chromium, or a page isn't there.
    """
    if CHROMIUM is None:
        sys.exit(
            "This machine has no Chromium to print with (Debian, Ubuntu: apt install chromium)."
        )
    printed: list[Printed] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport=PAPER, color_scheme="light")
        before = 0
        for path in paths:
            if not path.is_file():
                sys.exit(f"The book isn't built: {path} is missing. Run `make book`.")
            printed.append(print_page(tab, path, before))
            before += len(PdfReader(BytesIO(printed[-1].pdf)).pages)
        browser.close()
    return printed


def join(printed: list[Printed], book: Path, home: str) -> PdfWriter:
    """Join printed pages to one PDF with an outline, whose links lead to each other within it.

    Parameters
    ----------
    printed
        The pages in their order.
    book
        The folder of the built book.
    home
        Where the book is published. A link to a file of the book that isn't printed leads there.
    """
    writer = PdfWriter()
    places: dict[tuple[str, str], Place] = {}  # by the address of a page and a fragment
    addresses: list[str] = []  # of each sheet
    for page in printed:
        address, before = page.path.as_uri(), len(addresses)
        reader = PdfReader(BytesIO(page.pdf))
        for sheet in reader.pages:
            writer.add_page(sheet)
            addresses.append(address)
        places[address, ""] = Place(before, float(reader.pages[0].mediabox.top))
        for name, goal in reader.named_destinations.items():
            number = reader.get_destination_page_number(goal)
            if number is not None and goal.top is not None:
                places[address, _fragment(name)] = Place(before + number, float(goal.top))
    for address, sheet in zip(addresses, writer.pages, strict=True):
        for link in sheet.get("/Annots", ()):
            _lead(link.get_object(), address, places, writer, (f"{book.as_uri()}/", home))
    for page in printed:
        top = places[page.path.as_uri(), ""]
        chapter = _entry(writer, page.title, top)
        for section in page.sections:
            _entry(writer, section.title, places[page.path.as_uri(), section.place], chapter)
    return writer


def _fragment(name: str) -> str:
    """Give the fragment of a link that Chromium made a name of in its PDF."""
    return unquote(name.removeprefix("/"))


def _entry(writer: PdfWriter, title: str, place: Place, parent: Any = None) -> Any:
    """Add an entry to the outline; give what the entries below it take as their parent."""
    return writer.add_outline_item(
        title=title,
        page_number=place.sheet,
        parent=parent,
        fit=Fit.xyz(top=place.top),
        is_open=False,
    )


def _lead(
    link: DictionaryObject,
    address: str,
    places: dict[tuple[str, str], Place],
    writer: PdfWriter,
    move: tuple[str, str],
) -> None:
    """Let a link lead within the PDF; one to another file of the book, to where that is published.

    Parameters
    ----------
    link
        The link, which is changed.
    address
        The page on which it stands.
    places
        Where each page of the book is, and each place in it.
    writer
        The PDF.
    move
        How the addresses of the book's files begin here, and how where it is published.
    """
    action = link.get("/A", DictionaryObject()).get_object()
    if "/URI" in action:
        page, fragment = urldefrag(str(action["/URI"]))
    else:  # to the page on which it stands
        page, fragment = address, str(link["/Dest"])
    if (page, "") in places:
        place = places.get((page, _fragment(fragment)), places[page, ""])
        sheet = writer.pages[place.sheet].indirect_reference
        top = [NameObject("/XYZ"), NullObject(), FloatObject(place.top), NullObject()]
        link.pop("/A", None)
        link[NameObject("/Dest")] = ArrayObject([sheet, *top])
    elif page.startswith(move[0]):
        address = str(action["/URI"]).replace(*move, 1)
        action[NameObject("/URI")] = TextStringObject(address)


def write(writer: PdfWriter, path: Path, title: str, author: str) -> None:
    """Write a PDF that depends on nothing but its pages and ``SOURCE_DATE_EPOCH``."""
    writer.metadata = {"/Title": title, "/Author": author}
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        date = datetime.fromtimestamp(int(epoch), UTC).strftime("D:%Y%m%d%H%M%SZ")
        writer.add_metadata({"/CreationDate": date, "/ModDate": date})
    writer.root_object[NameObject("/Lang")] = TextStringObject("en")
    writer.root_object[NameObject("/ViewerPreferences")] = DictionaryObject(
        {NameObject("/DisplayDocTitle"): BooleanObject(True)}
    )
    writer.page_mode = "/UseOutlines"
    writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
    content = BytesIO()
    writer.write(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.getvalue())


def link(page: Path, pdf: Path, sheets: int) -> None:
    """Put a link to the PDF where a built page has the place for it.

    Raises
    ------
    SystemExit
        If the page has no such place.
    """
    html = page.read_text(encoding="utf-8")
    if LINK_PLACE not in html:
        sys.exit(f"{page} has no place for the link to the PDF. Run `make book`.")
    address = os.path.relpath(pdf, page.parent)
    size = f"{sheets} pages, {pdf.stat().st_size / 1e6:.0f} MB"
    linked = f'Here is <a href="{address}">the PDF of the whole book</a> ({size}).'
    write_whole(page, html.replace(LINK_PLACE, linked).encode())


def main() -> None:
    """Print the built book, and link the PDF from its first page."""
    pages = [BOOK / f"{name}.html" for name in names(ROOT / "_toc.yml")]
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    printed = print_pages(pages)
    writer = join(printed, BOOK, config["html"]["baseurl"])
    write(writer, PDF, config["title"], config["author"])
    link(pages[0], PDF, len(writer.pages))
    size = PDF.stat().st_size / 1e6
    print(f"{PDF}: {len(writer.pages)} pages, {size:.1f} MB")


if __name__ == "__main__":
    main()
