"""The book as one PDF, on a made-up book of two pages."""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PageObject, PdfReader

from tools import pdf

HOME = "https://book.example/"
SECOND = """
<p id="wide">{wide}</p>
<details><summary>Solution 2.1</summary><p>Unseen.</p></details>
<section id="end" style="break-before: page"><h2>The end</h2>
<p><a href="one.html">Back</a> to the start.</p></section>
"""
PAGES = {
    "one": """<h1>1 Start<a class="headerlink" href="#top">#</a></h1>
<section id="here"><h2>Here</h2>
<p><a href="#maße">Below</a>, <a href="two.html#end">the end</a>,
<a href="two.html#nowhere">a lost one</a>, <a href="../part.zip#x">a file</a>,
<a href="https://example.org/a?b#c">outside</a>.</p></section>
<section id="maße" style="break-before: page"><h2>Below <code>all</code></h2>
<p>The second sheet.</p></section>""",
    "two": "<h1>2 More</h1>" + SECOND.format(wide="Words, and more words. " * 20),
}
TOC = "root: one\nparts:\n- caption: The rest\n  chapters:\n  - file: two\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages, whose name needs escaping in an address."""
    folder = tmp_path_factory.mktemp("a book")
    (folder / "chapters").mkdir()
    for name, body in PAGES.items():
        page = f'<!doctype html><html lang="en"><meta charset="utf-8"><article>{body}</article>'
        (folder / "chapters" / f"{name}.html").write_text(page, encoding="utf-8")
    (folder / "_toc.yml").write_text(TOC, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def printed(folder: Path) -> list[pdf.Printed]:
    if pdf.CHROMIUM is None:
        lacking = "no Chromium on this machine (Debian, Ubuntu: apt install chromium)"
        pytest.fail(lacking, pytrace=False) if os.environ.get("CI") else pytest.skip(lacking)
    names = pdf.names(folder / "_toc.yml")
    return pdf.print_pages(folder / "chapters" / f"{name}.html" for name in names)


def written(printed: list[pdf.Printed], folder: Path, path: Path) -> bytes:
    pdf.write(pdf.join(printed, folder, HOME), path, "A book", "Somebody")
    return path.read_bytes()


@pytest.fixture(scope="module")
def book(printed: list[pdf.Printed], folder: Path) -> PdfReader:
    return PdfReader(BytesIO(written(printed, folder, folder / "pdf" / "book.pdf")))


def links(book: PdfReader) -> Iterator[tuple[int, Any]]:
    """Each link: the sheet on which it stands, from 0, and the address or place it leads to."""
    for number, sheet in enumerate(book.pages):
        for reference in sheet.get("/Annots", ()):
            link = reference.get_object()
            yield number, link["/Dest"] if "/Dest" in link else link["/A"]["/URI"]


def test_the_pages_come_in_the_order_of_the_table_of_contents(book: PdfReader) -> None:
    texts = [" ".join(sheet.extract_text().split()) for sheet in book.pages]
    for text, words in zip(texts, ("1 Start", "Below all", "2 More", "The end"), strict=True):
        assert words in text


def at_the_foot(sheet: PageObject) -> str:
    """The text in the lowest 18 mm of a sheet, where the margin is."""
    found = []

    def note(text: str, outer: list[float], inner: list[float], *_: object) -> None:
        height = outer[1] * inner[4] + outer[3] * inner[5] + outer[5]
        if height < 18 * 72 / 25.4:
            found.append(text)

    sheet.extract_text(visitor_text=note)
    return "".join(found).strip()


def test_the_sheets_are_a4_and_numbered_through(book: PdfReader) -> None:
    for number, sheet in enumerate(book.pages, start=1):
        size = [float(length) * 25.4 / 72 for length in sheet.mediabox[2:]]
        assert size == pytest.approx([210, 297], abs=0.5)
        assert at_the_foot(sheet) == str(number)


def test_the_outline_has_each_page_and_its_sections_below_it(book: PdfReader) -> None:
    def entries(outline: Any) -> list[Any]:
        return [
            entries(entry)
            if isinstance(entry, list)
            else (entry.title, book.get_destination_page_number(entry))
            for entry in outline
        ]

    assert entries(book.outline) == [
        ("1 Start", 0),
        [("Here", 0), ("Below all", 1)],
        ("2 More", 2),
        [("The end", 3)],
    ]
    outline: Any = book.outline
    assert outline[1][0].top < outline[0].top


def test_a_link_leads_to_its_place_in_the_file_or_else_where_it_led(book: PdfReader) -> None:
    sheets = [sheet.indirect_reference for sheet in book.pages]
    found = [
        (number, goal if isinstance(goal, str) else sheets.index(list.__getitem__(goal, 0)))
        for number, goal in links(book)
    ]
    assert found == [
        (0, 0),  # of the title, to a place that isn't there: to the top of its page
        (0, 1),
        (0, 3),
        (0, 2),
        (0, "https://book.example/part.zip#x"),
        (0, "https://example.org/a?b#c"),
        (3, 0),
    ]


def test_what_is_collapsed_stays_so_under_its_title(book: PdfReader) -> None:
    text = book.pages[2].extract_text()
    assert "Solution 2.1" in text
    assert "Unseen" not in text


def test_the_file_names_the_book_and_no_folder_of_this_machine(
    printed: list[pdf.Printed], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    content = written(printed, folder, tmp_path / "book.pdf")
    about: Any = PdfReader(BytesIO(content)).metadata
    assert about == {"/Title": "A book", "/Author": "Somebody"}
    assert b"file:" not in content


def test_two_prints_give_the_same_bytes_with_the_date_of_the_commit(
    printed: list[pdf.Printed], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    again = pdf.print_pages(page.path for page in printed)
    contents = [written(each, folder, tmp_path / "book.pdf") for each in (printed, again)]
    assert contents[0] == contents[1]
    about: Any = PdfReader(BytesIO(contents[0])).metadata
    assert about["/CreationDate"] == "D:20260921141320Z"


def test_a_page_that_is_not_built_is_named(printed: list[pdf.Printed], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"gone\.html is missing\. Run `make book`"):
        pdf.print_pages([tmp_path / "gone.html"])


def test_without_chromium_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "CHROMIUM", None)
    with pytest.raises(SystemExit, match="apt install chromium"):
        pdf.print_pages([])
