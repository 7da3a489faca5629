"""The slides: a deck for each chapter from its own cells, that fits, asks nobody, and has notes."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page

from tools import slides
from tools.notebooks import CHAPTERS, chapters
from tools.slide_parts import parts

STEMS = [path.stem for path in chapters()]
every_deck = pytest.mark.parametrize("stem", STEMS)

# Of the present slide with all its fragments: how far its contents reach, how much its figures are
# shrunk, and which of its formulas are none.
MEASURE = """() => {
  const slide = Reveal.getCurrentSlide().querySelector(".slide");
  const top = slide.getBoundingClientRect();
  const seen = [...slide.querySelectorAll(":scope *:not(.piece *, mjx-container *)")];
  const boxes = seen.map(part => part.getBoundingClientRect());
  return {
    height: slide.scrollHeight,
    width: slide.scrollWidth,
    low: Math.max(...boxes.map(box => box.bottom - top.top)),
    figures: [...slide.querySelectorAll(".figure img")].map(image => Math.min(
      image.clientWidth / image.naturalWidth, image.clientHeight / image.naturalHeight)),
    wrong: slide.querySelectorAll("mjx-merror, [data-mjx-error]").length,
  };
}"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write all decks."""
    folder = tmp_path_factory.mktemp("build") / "slides"
    slides.write(folder)
    return folder


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """Give a page as large as a slide, on which a fault of a script fails the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    yield page
    page.close()
    assert faults == []


def opened(tab: Page, deck: Path) -> int:
    """Open a deck, wait for its formulas, and return how many slides it has."""
    tab.goto(deck.as_uri())
    tab.evaluate("() => MathJax.startup.promise")
    return int(tab.evaluate("() => Reveal.getTotalSlides()"))


def chapter(*cells: NotebookNode) -> NotebookNode:
    made: NotebookNode = new_notebook(cells=list(cells))
    return made


def text(source: str, kind: str = "", shows: list[str] | None = None) -> NotebookNode:
    chosen = {"slide_type": kind} | ({"shows": shows} if shows else {})
    cell: NotebookNode = new_markdown_cell(source, metadata={"slideshow": chosen} if kind else {})
    return cell


def plain(pieces: list[str]) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", " ".join(pieces)))


@every_deck
def test_each_chapter_has_a_deck_from_its_title_to_its_summary(stem: str, decks: Path) -> None:
    notebook = nbformat.read(CHAPTERS / f"{stem}.ipynb", as_version=4)
    deck = slides.slides(notebook)
    assert 12 <= len(deck) <= 20
    assert deck[0].heading == f"# {slides.title_of(notebook)}"
    assert deck[-1].heading == "## Summary"
    assert all(slide.heading and slide.body for slide in deck)
    page = (decks / f"{stem}.html").read_text(encoding="utf-8")
    assert page.count("<section>") == len(deck)
    assert f'<a href="{stem}.html">' in (decks / "index.html").read_text(encoding="utf-8")


@every_deck
def test_every_deck_asks_for_a_prediction_and_says_more_in_its_notes(stem: str) -> None:
    deck = slides.slides(nbformat.read(CHAPTERS / f"{stem}.ipynb", as_version=4))
    assert sum('class="predict"' in "".join(slide.body) for slide in deck) >= 3
    assert sum(bool(slide.notes) for slide in deck) > len(deck) / 2


@every_deck
def test_no_slide_is_taller_or_wider_than_the_screen(stem: str, decks: Path, tab: Page) -> None:
    for number in range(opened(tab, decks / f"{stem}.html")):
        tab.evaluate("number => Reveal.slide(number, 0, 99)", number)
        seen = tab.evaluate(MEASURE)
        where = f"{stem}, slide {number + 1}: {seen}"
        assert seen["height"] <= 720, where
        assert seen["width"] <= 1280, where
        assert seen["low"] <= 684, f"{where} reaches into the foot"
        assert min(seen["figures"], default=1) >= 0.8, f"{where} shows a figure too small"
        assert seen["wrong"] == 0, where


def test_a_deck_asks_for_nothing_but_the_files_beside_it(decks: Path, tab: Page) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    opened(tab, decks / "4-descent.html")
    beside = decks.as_uri()
    assert [url for url in asked if not url.startswith((beside, "data:", "blob:"))] == []
    assert f"{beside}/reveal/reveal.js" in asked


def test_formulas_are_typeset_with_the_book_s_numbers(decks: Path, tab: Page) -> None:
    opened(tab, decks / "2-forward.html")
    assert tab.locator("mjx-container").count() > 50
    shown = tab.locator("section .slide").all_text_contents()
    assert not [words for words in shown if "\\(" in words or "\\[" in words]
    formula = tab.locator("section", has_text="One unit").locator("mjx-container[display]").first
    assert "2.1" in formula.locator("mjx-assistive-mml").inner_text()


def test_the_arrow_keys_belong_to_a_piece_that_has_the_focus(decks: Path, tab: Page) -> None:
    opened(tab, decks / "1-history.html")
    number = tab.evaluate(
        "() => Reveal.getSlides().findIndex(slide => slide.querySelector('.piece'))"
    )
    tab.evaluate("number => Reveal.slide(number)", number)
    tab.locator("section.present .piece button").first.focus()
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("() => Reveal.getIndices().h") == number
    tab.evaluate("() => document.activeElement.blur()")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("() => Reveal.getIndices().h") == number + 1


def test_the_speaker_s_window_shows_the_notes(decks: Path, tab: Page) -> None:
    opened(tab, decks / "1-history.html")
    tab.keyboard.press("ArrowRight")
    with tab.expect_popup() as opening:
        tab.keyboard.press("s")
    notes = opening.value.locator(".speaker-controls-notes .value")
    notes.get_by_text("With two inputs of weight 1").wait_for()
    assert notes.locator("mjx-assistive-mml").count() > 0
    assert not notes.locator("mjx-assistive-mml").first.is_visible()  # or a formula is there twice


def test_the_same_chapters_give_the_same_bytes(decks: Path, tmp_path: Path) -> None:
    for deck in slides.write(tmp_path / "slides"):
        assert deck.read_bytes() == (decks / deck.name).read_bytes()


def test_a_text_gives_its_question_its_equations_and_what_to_predict_by_rule() -> None:
    (slide,) = slides.slides(
        chapter(
            text(
                "## A unit\n\nWhat is it? A [sum](x.md).\n\n$$z = w$$\n\n**Predict:** $z$?", "slide"
            )
        )
    )
    assert slide.heading == "## A unit"
    words = plain(slide.body).split()
    assert words == ["What", "is", "it?", r"\[z", "=", r"w\]", "Predict:", r"\(z\)?"]
    assert plain(slide.notes).strip() == "A sum."
    assert r'<span class="unbroken"><span class="math inline">\(z\)</span>?' in slide.body[-1]


def test_named_parts_stand_on_the_slide_and_the_others_in_its_notes() -> None:
    source = (
        "## Steps\n\nFirst a\nsentence. Then another.\n\n- one;\n- two.\n\n### More\n\nAt last."
    )
    first, second = slides.slides(
        chapter(text(source, "slide", ["First a sentence", "- two", "---", "At last"]))
    )
    assert plain(first.body).split() == ["First", "a", "sentence.", "two."]
    assert (first.heading, second.heading) == ("## Steps", "### More")
    assert plain(second.notes).split() == ["Then", "another.", "one;"]


def test_a_beginning_that_the_text_has_lost_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"nothing in the text begins with 'Gone'.*shows"):
        slides.slides(chapter(text("## A\n\nThere.", "slide", ["Gone"])))


def test_text_without_metadata_is_said_until_a_heading() -> None:
    cells = text("# 1 A", "slide"), text("More."), text("## B\n\nNot this."), text("Nor this.")
    (slide,) = slides.slides(chapter(*cells))
    assert plain(slide.notes).strip() == "More."


def test_code_shows_its_outputs_and_itself_only_where_it_is_named() -> None:
    outputs = [new_output("stream", text="a < b\n")]
    cells = [
        new_code_cell("print(1)", outputs=outputs, metadata={"slideshow": chosen})
        for chosen in ({"slide_type": "slide"}, {"slide_type": "fragment", "shows": ["code"]})
    ]
    (slide,) = slides.slides(chapter(*cells))
    assert slide.body[0] == '<pre class="output">a &lt; b</pre>'
    assert slide.body[1].startswith('<div class="fragment"><pre class="code">')
    assert plain(slide.body[1:]) == "print(1)"


@every_deck
def test_only_cells_that_exist_are_chosen_and_with_known_words(stem: str) -> None:
    notebook = json.loads((CHAPTERS / f"{stem}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        chosen = cell["metadata"].get("slideshow", {"slide_type": "skip"})
        assert chosen["slide_type"] in ("slide", "-", "fragment", "skip")
        if cell["cell_type"] == "code":
            assert set(chosen.get("shows", [])) <= {"code", "text", "figure", "piece"}


def test_emphasis_and_formulas_are_never_cut_apart() -> None:
    source = "**It is rendered. It isn't real.** Then $x^*$ is 1. Say *one. Two.* Done."
    assert [part.text for part in parts(source)] == [
        "**It is rendered. It isn't real.**", "Then $x^*$ is 1.", "Say *one. Two.*", "Done.",
    ]  # fmt: skip
