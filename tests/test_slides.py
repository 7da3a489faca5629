"""The slides: a deck for each chapter from its own cells, that fits, asks nobody, and has notes."""

import html
import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser, Locator, Page
from pypdf import PdfReader

from lessonlib.widgets.checks import TYPED, strokes_of
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


# Of the piece on the present slide: how far it reaches beyond its room, and the height in pixels of
# its smallest letters, on a slide of 1280 by 720; indices may be smaller.
MEASURE_PIECE = """() => {
  const room = Reveal.getCurrentSlide().querySelector(".piece");
  const piece = room.firstElementChild;
  const toSlide = 1280 / document.querySelector(".slides").getBoundingClientRect().width;
  const scale = toSlide * piece.getBoundingClientRect().width / piece.offsetWidth;
  const walk = document.createTreeWalker(piece, NodeFilter.SHOW_TEXT);
  const sizes = [];
  while (walk.nextNode()) {
    const of = walk.currentNode.parentElement;
    const unseen = !walk.currentNode.data.trim() || !of.checkVisibility();
    if (unseen || of.closest("sub, tspan")) continue;
    const svg = of.closest("svg");
    const enlarged = svg ? toSlide * svg.getScreenCTM().a : scale;
    sizes.push(enlarged * parseFloat(getComputedStyle(of).fontSize));
  }
  return {
    tall: room.scrollHeight - room.clientHeight,
    wide: room.scrollWidth - room.clientWidth,
    smallest: Math.min(...sizes),
  };
}"""
SCREENS = ((1280, 720), (1920, 1080), (1024, 768))
every_screen = pytest.mark.parametrize("screen", SCREENS, ids=str)


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


def pieces(tab: Page) -> list[int]:
    """Return the numbers of the slides with a piece."""
    has_piece = tab.evaluate("() => Reveal.getSlides().map(s => !!s.querySelector('.piece'))")
    return [number for number, has in enumerate(has_piece) if has]


def show_piece(tab: Page, number: int = 0) -> Locator:
    """Turn to a slide with a piece, wait for it, and return it."""
    tab.evaluate("number => Reveal.slide(number)", pieces(tab)[number])
    piece = tab.locator("section.present .lessonlib-piece")
    piece.and_(tab.locator("[data-live]")).wait_for()
    return piece


def present(tab: Page) -> int:
    """Return the number of the slide that is shown."""
    return int(tab.evaluate("() => Reveal.getIndices().h"))


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
    assert 12 <= len(deck) <= 21
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
def test_what_follows_a_result_is_hidden_until_the_result_is_shown(stem: str) -> None:
    for slide in slides.slides(nbformat.read(CHAPTERS / f"{stem}.ipynb", as_version=4)):
        hidden = [part.startswith('<div class="fragment">') for part in slide.body]
        assert hidden == sorted(hidden), f"{stem}, {slide.heading}"


@every_deck
def test_no_slide_is_taller_or_wider_than_the_screen(stem: str, decks: Path, tab: Page) -> None:
    for number in range(opened(tab, decks / f"{stem}.html")):
        tab.evaluate("number => Reveal.slide(number, 0, 99)", number)
        seen = tab.evaluate(MEASURE)
        where = f"{stem}, slide {number + 1}: {seen}"
        assert seen["height"] <= 720, where
        assert seen["width"] <= 1280, where
        assert seen["low"] <= 684, f"{where} reaches into the foot"
        assert min(seen["figures"], default=1) >= 0.9, f"{where} shows a figure too small"
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


@every_deck
def test_a_piece_is_seen_whole_and_its_letters_are_large(stem: str, decks: Path, tab: Page) -> None:
    tab.goto((decks / f"{stem}.html").as_uri())
    for width, height in SCREENS:
        tab.set_viewport_size({"width": width, "height": height})
        for number in range(len(pieces(tab))):
            show_piece(tab, number)
            seen = tab.evaluate(MEASURE_PIECE)
            where = f"{stem} at {width} by {height}: {seen}"
            assert (seen["tall"], seen["wide"]) == (0, 0), where
            assert seen["smallest"] >= 13.4, where


def test_a_piece_that_grows_is_made_smaller(decks: Path, tab: Page) -> None:
    opened(tab, decks / "5-training.html")
    piece = show_piece(tab)
    before = piece.evaluate("piece => piece.style.transform")
    for answer in ("oscillate", "accuracy"):
        piece.get_by_role("button", name=answer, exact=True).click()
    tab.wait_for_function(
        "before => before !== document.querySelector('.present .lessonlib-piece').style.transform",
        arg=before,
    )
    assert tab.evaluate(MEASURE_PIECE)["tall"] <= 0


def test_pencil_backpropagation_is_seen_whole_after_its_last_step(decks: Path, tab: Page) -> None:
    opened(tab, decks / "3-backprop.html")
    piece = show_piece(tab)
    for name in ("show all", "a step against the gradient"):
        piece.get_by_role("button", name=name).click()
    piece.get_by_role("table").wait_for()
    tab.wait_for_function(f"() => ({MEASURE_PIECE})().tall === 0")


@every_screen
def test_a_pen_marks_the_pixel_under_it(screen: tuple[int, int], decks: Path, tab: Page) -> None:
    tab.set_viewport_size({"width": screen[0], "height": screen[1]})
    opened(tab, decks / "7-checks.html")
    piece = show_piece(tab)
    piece.get_by_role("button", name="Clear the pad").click()
    left, top, scale = pad_on(tab, piece)
    x, y = 300, 40
    tab.mouse.move(left + scale * (x + 0.5), top + scale * (y + 0.5))
    tab.mouse.down()
    tab.mouse.up()
    row = piece.locator("canvas").evaluate(
        "(pad, y) => [...pad.getContext('2d').getImageData(0, y, pad.width, 1).data]", y
    )[::4]
    dark = [column for column, level in enumerate(row) if level < 100]
    assert (dark[0] + dark[-1]) / 2 == pytest.approx(x, abs=1)


def pad_on(tab: Page, piece: Locator) -> tuple[float, float, float]:
    """Return where an empty pad of "Write an amount" begins on the screen, and its scale."""
    box = piece.locator("canvas").bounding_box()
    assert box
    scale = min(box["width"] / 480, box["height"] / 120)
    left = box["x"] + (box["width"] - 480 * scale) / 2
    return left, box["y"] + (box["height"] - 120 * scale) / 2, scale


@pytest.mark.parametrize("stem", ["7-checks", "8-any-check"])
def test_an_amount_that_is_written_on_a_slide_is_read(stem: str, decks: Path, tab: Page) -> None:
    opened(tab, decks / f"{stem}.html")
    piece = show_piece(tab)
    piece.get_by_role("button", name="Clear the pad").click()
    left, top, scale = pad_on(tab, piece)
    x = 60.0
    for digit in "2750":
        shape = strokes_of(digit, TYPED[digit])
        for stroke in shape["strokes"]:
            for place, (across, up) in enumerate(stroke):
                tab.mouse.move(left + scale * (x + 70 * across), top + scale * (95 - 70 * up))
                if place == 0:
                    tab.mouse.down()
            tab.mouse.up()
        x += 70 * (shape["width"] + 0.3)
    piece.get_by_text("Read as 2750, the amount 2750. The two ways agree.").wait_for()
    present_before = present(tab)
    piece.get_by_label("Or type it").fill("31.50")
    piece.get_by_text("Read as 3150, the amount 31.50.").wait_for()
    assert present(tab) == present_before


def test_the_weights_of_a_piece_are_loaded_with_its_slide(decks: Path, tab: Page) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    opened(tab, decks / "7-checks.html")
    tab.evaluate("number => Reveal.slide(number)", pieces(tab)[0] - 1)
    scripts = {f"{decks.as_uri()}/pieces/{name}.js" for name in ("reader-cnn", "write_an_amount")}
    assert not scripts & set(asked)
    show_piece(tab)
    assert scripts <= set(asked)


def test_two_pieces_with_other_files_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"differ in base\.js: run their notebooks again"):
        slides.share_files(
            '<script data-file="base.js">\n1</script><script data-file="base.js">\n2</script>', {}
        )


def test_the_keys_belong_to_the_part_of_a_piece_that_was_chosen_by_a_key(
    decks: Path, tab: Page
) -> None:
    opened(tab, decks / "1-history.html")
    piece = show_piece(tab)
    number = present(tab)
    piece.get_by_role("button").first.focus()
    for key in ("ArrowRight", "Space"):
        tab.keyboard.press(key)
    assert present(tab) == number
    tab.keyboard.press("Escape")
    assert not tab.evaluate("() => Reveal.isOverview()")
    tab.keyboard.press("ArrowRight")
    assert present(tab) == number + 1


def test_after_a_click_on_a_button_the_keys_turn_slides(decks: Path, tab: Page) -> None:
    opened(tab, decks / "1-history.html")
    piece = show_piece(tab)
    number = present(tab)
    piece.get_by_role("button", name="XOR", exact=True).click()
    tab.keyboard.press("Space")
    assert present(tab) == number + 1


def test_after_a_click_on_a_table_the_keys_turn_slides(decks: Path, tab: Page) -> None:
    opened(tab, decks / "9-checksums.html")
    piece = show_piece(tab)
    number = present(tab)
    piece.get_by_role("cell").first.click()
    tab.keyboard.press("ArrowRight")
    assert present(tab) == number + 1


@pytest.mark.parametrize("key", ["Space", "PageDown"])
def test_a_slider_keeps_the_arrow_keys_and_nothing_else(key: str, decks: Path, tab: Page) -> None:
    opened(tab, decks / "1-history.html")
    slider = show_piece(tab).get_by_role("slider", name="Angle")
    number = present(tab)
    slider.click()
    before = slider.input_value()
    tab.keyboard.press("ArrowRight")
    assert present(tab) == number
    assert slider.input_value() != before
    tab.keyboard.press(key)
    assert present(tab) == number + 1


def test_a_field_keeps_its_keys_until_the_slide_is_left(decks: Path, tab: Page) -> None:
    opened(tab, decks / "8-any-check.html")
    field = show_piece(tab).get_by_label("Or type it")
    number = present(tab)
    field.click()
    tab.keyboard.type("1 2")
    tab.keyboard.press("ArrowLeft")
    assert (present(tab), field.input_value()) == (number, "1 2")
    tab.keyboard.press("PageDown")
    tab.keyboard.press("ArrowRight")
    assert present(tab) == number + 2


@every_deck
def test_a_printed_deck_has_a_page_for_each_slide_and_stills_of_its_pieces(
    stem: str, decks: Path, tab: Page
) -> None:
    tab.goto(f"{(decks / stem).as_uri()}.html?print-pdf")
    tab.locator(".pdf-page").first.wait_for()
    deck = slides.slides(nbformat.read(CHAPTERS / f"{stem}.ipynb", as_version=4))
    paper = PdfReader(BytesIO(tab.pdf(prefer_css_page_size=True)))
    assert len(paper.pages) == len(deck)
    for room in tab.locator(".piece").all():
        assert room.locator(".ll-still").is_visible()
        assert room.evaluate("room => room.scrollHeight <= room.clientHeight")
        assert room.evaluate("room => room.firstElementChild.style.transform.startsWith('scale')")


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
