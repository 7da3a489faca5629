"""The reader's own ticks in the built book: where they are made, kept, counted and forgotten."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from lessonlib.quiz import quiz

KEY = "reading-digits-ticks"
OF_THE_THEME = {"mode", "theme"}  # light or dark
NONE_KEPT = "Your browser keeps no ticks for this page."
BOXES = "article .course-tick input"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
FAILING_STORES = {
    "full": "Storage.prototype.setItem = () => { throw new DOMException('full') }",
    "denied": """Object.defineProperty(window, "localStorage", {
        get() { throw new DOMException("denied") } })""",
}


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A new reader's browser; without equations, whose script is most of a page."""
    context = browser.new_context()
    context.route("**/mathjax/**", lambda route: route.abort())
    yield context
    context.close()


def opened(context: BrowserContext, book: Path | str, name: str) -> Page:
    tab = context.new_page()
    tab.set_default_timeout(10_000)
    top = book.as_uri() if isinstance(book, Path) else book
    tab.goto(f"{top}/chapters/{name}.html")
    return tab


def box(tab: Page, name: str) -> Locator:
    return tab.get_by_role("checkbox", name=name, exact=True)


def stored(tab: Page) -> dict[str, str]:
    """What the browser keeps beside the theme's choice."""
    kept: dict[str, str] = tab.evaluate("() => ({...localStorage})")
    return {key: value for key, value in kept.items() if key not in OF_THE_THEME}


def counts(tab: Page) -> dict[str, str]:
    """The map's counts, by the chapters that have one."""
    places = tab.locator("article .course-count").all()
    texts = {p.locator("xpath=..").locator("a").inner_text(): p.inner_text() for p in places}
    return {chapter: text for chapter, text in texts.items() if text}


def test_each_section_and_question_of_the_chapters_has_a_box_and_no_other_page_has_one(
    book: Path, context: BrowserContext
) -> None:
    tab = opened(context, book, "index")
    listed = json.loads(tab.locator("script[data-ticks]").inner_text())
    assert tab.locator(BOXES).count() == 0
    chapters = sorted(path.stem for path in book.glob("chapters/[0-9]*.html"))
    assert sorted(listed) == chapters
    for name in chapters:
        tab.goto((book / "chapters" / f"{name}.html").as_uri())
        sections = tab.locator("article section[id] > h2").evaluate_all(
            """all => all.map(h => [h.parentElement.id, h.firstChild.textContent])
              .filter(([id]) => id !== "quiz")"""
        )
        numbers = range(1, len(quiz(name.partition("-")[2]).questions) + 1)
        assert listed[name]["sections"] == [place for place, _ in sections]
        assert listed[name]["questions"] == [f"question-{number}" for number in numbers]
        assert tab.locator("section > .course-tick").all_inner_texts() == [
            f"Read: {title}" for _, title in sections
        ]
        assert tab.locator(".lessonlib-quiz li > .course-tick").all_inner_texts() == [
            f"Answered: question {number}" for number in numbers
        ]
        assert tab.locator(f"{BOXES}:checked").count() == 0
        assert stored(tab) == {}
    for name in ("strengths", "glossary"):
        tab.goto((book / "chapters" / f"{name}.html").as_uri())
        assert tab.locator(BOXES).count() == 0


@pytest.mark.parametrize("served", [False, True], ids=["file", "http"])
def test_ticks_stay_are_counted_in_the_map_and_can_be_forgotten(
    book: Path, server: str, context: BrowserContext, served: bool
) -> None:
    tab = opened(context, server if served else book, "3-backprop")
    box(tab, "Read: Why a gradient").click()
    box(tab, "Answered: question 2").focus()
    tab.keyboard.press("Space")
    box(tab, "Read: Summary").click()
    box(tab, "Read: Summary").click()
    tab.reload()
    assert box(tab, "Read: Why a gradient").is_checked()
    assert box(tab, "Answered: question 2").is_checked()
    assert tab.locator(f"{BOXES}:checked").count() == 2
    expected = ["3-backprop#why-a-gradient", "3-backprop#question-2"]
    assert stored(tab) == {KEY: json.dumps(expected, separators=(",", ":"))}
    tab.get_by_role("navigation", name="Main").get_by_role("link", name="Reading Digits").click()
    tab.wait_for_url("**/index.html")
    assert counts(tab) == {"3 Backpropagation": "1 of 10 sections, 1 of 5 questions"}
    tab.get_by_role("button", name="Forget my ticks").click()
    assert tab.locator(".course-forget").get_by_role("status").inner_text() == "They are forgotten."
    assert counts(tab) == {}
    assert stored(tab) == {}
    tab.go_back()
    tab.wait_for_url("**/3-backprop.html")
    assert tab.locator(BOXES).count() == 15
    assert tab.locator(f"{BOXES}:checked").count() == 0


def test_two_tabs_show_and_keep_each_other_s_ticks(server: str, context: BrowserContext) -> None:
    one, two = (opened(context, server, "1-history") for _ in range(2))
    first = opened(context, server, "index")
    box(one, "Read: Summary").click()
    box(two, "Read: Exercises").click()
    for tab in (one, two):
        tab.wait_for_function(f"document.querySelectorAll('{BOXES}:checked').length === 2")
    first.wait_for_function(
        "document.querySelector('.course-count').textContent.startsWith('2 of')"
    )


@pytest.mark.parametrize("script", FAILING_STORES.values(), ids=FAILING_STORES)
def test_where_the_browser_keeps_nothing_the_box_says_so(
    book: Path, context: BrowserContext, script: str
) -> None:
    context.add_init_script(script)
    tab = opened(context, book, "1-history")
    assert tab.get_by_text(NONE_KEPT).count() == 0
    summary = box(tab, "Read: Summary")
    summary.click()
    assert not summary.is_checked()
    said = tab.locator(".course-tick", has=summary).get_by_role("status")
    assert said.inner_text() == NONE_KEPT
    assert tab.get_by_text(NONE_KEPT).count() == 1


@pytest.mark.parametrize("kept", ["no JSON", "7", '{"a": 1}', '[7, null, "1-history#gone"]'])
def test_what_else_is_kept_under_the_name_does_no_harm(
    book: Path, context: BrowserContext, kept: str
) -> None:
    tab = opened(context, book, "index")
    tab.evaluate("([key, kept]) => localStorage.setItem(key, kept)", [KEY, kept])
    tab.reload()
    assert counts(tab) == {}
    tab.goto((book / "chapters" / "1-history.html").as_uri())
    box(tab, "Read: Summary").click()
    tab.reload()
    assert box(tab, "Read: Summary").is_checked()
    tab.goto((book / "chapters" / "index.html").as_uri())
    assert counts(tab) == {"1 History": "1 of 11 sections, 0 of 5 questions"}


def test_without_scripts_and_in_print_there_is_nothing_to_tick(
    book: Path, browser: Browser, context: BrowserContext
) -> None:
    tab = opened(context, book, "1-history")
    box(tab, "Read: Summary").click()
    for name, shown in (("1-history", 16), ("index", 2)):  # on the index one count and the button
        tab.goto((book / "chapters" / f"{name}.html").as_uri())
        parts = tab.locator(".course-tick, .course-count, .course-forget")
        assert sum(part.is_visible() for part in parts.all()) == shown
        tab.emulate_media(media="print")
        assert [part for part in parts.all() if part.is_visible()] == []
        tab.emulate_media(media="screen")
    without = browser.new_context(java_script_enabled=False)
    for name in ("1-history", "index"):
        tab = opened(without, book, name)
        assert tab.locator(".course-tick, .course-count, .course-forget").count() == 0
    without.close()


def test_ticked_boxes_and_counts_break_no_accessibility_rule(
    book: Path, context: BrowserContext
) -> None:
    tab = opened(context, book, "1-history")
    for ticked in tab.locator(BOXES).all()[::2]:
        ticked.click()
    found = []
    for name in ("1-history", "index"):
        tab.goto((book / "chapters" / f"{name}.html").as_uri())
        tab.evaluate(AXE_SCRIPT)
        for width in (1280, 375):
            tab.set_viewport_size({"width": width, "height": 800})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            for scheme in ("light", "dark"):
                script = "scheme => document.documentElement.setAttribute('data-theme', scheme)"
                tab.evaluate(script, scheme)
                found += violations(tab)
    assert found == []


def violations(tab: Page) -> list[str]:
    """The rules that the ticks' parts of the page break, with the first elements of each."""
    results = tab.evaluate(
        """rules => axe.run([[".course-tick"], [".course-forget"], ["td:has(.course-count)"]]
          .filter(([part]) => document.querySelector(part)), {runOnly: rules})""",
        WCAG,
    )
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in results["violations"]
        for node in rule["nodes"][:3]
    ]
