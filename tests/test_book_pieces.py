"""Every interactive piece of the built book: it starts and answers, from a file and a server."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page

import lessonlib.widgets
from lessonlib.widgets import Piece

PHONE, DESK = 375, 1280  # widths in pixels
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
PIECE = ".lessonlib-piece[data-piece]"
# What a piece begins with; the rest of it isn't there without its script.
MARK = 'class="lessonlib-piece '


def names() -> set[str]:
    """The names of all pieces."""
    made = [
        getattr(lessonlib.widgets, name)() for name in lessonlib.widgets.__all__ if name[0] > "Z"
    ]
    return {piece.name for piece in made if isinstance(piece, Piece)}


def with_pieces(book: Path) -> list[str]:
    """The pages that have a piece, by their addresses in the book."""
    all_pages = sorted(book.glob("chapters/**/*.html"))
    found = [page for page in all_pages if MARK in page.read_text(encoding="utf-8")]
    return [page.relative_to(book).as_posix() for page in found]


def note_faults(tab: Page, origin: str) -> list[str]:
    """Note from now on each error of a script, and each request that fails or leaves the book."""
    faults: list[str] = []
    ours = (f"{origin}/", "data:")
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    tab.on("request", lambda sent: None if sent.url.startswith(ours) else faults.append(sent.url))
    tab.on("requestfailed", lambda sent: faults.append(f"failed: {sent.url}"))
    return faults


def show(tab: Page, scheme: Literal["light", "dark"], width: int) -> None:
    """Switch the scheme and the width while the page is open."""
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": width, "height": 800})
    tab.wait_for_selector(f"html[data-theme={scheme}]", state="attached")


def predict(piece: Locator, touch: bool) -> str:
    """Press a piece's first answer, as a reader does; give what the piece says, and reset it."""
    asked = piece.locator(".ll-live .ll-predict").first
    assert asked.get_by_role("status").inner_text() == ""
    answer, reset = asked.get_by_role("button").first, piece.locator(".ll-reset")
    answer.tap() if touch else answer.click()
    said = asked.get_by_role("status").inner_text()
    reset.tap() if touch else reset.click()
    return said


@pytest.mark.parametrize("served", [False, True], ids=["file", "http"])
def test_every_piece_of_the_book_starts_and_answers_in_both_schemes_and_widths(
    book: Path, server: str, browser: Browser, served: bool
) -> None:
    origin = server if served else book.as_uri()
    context = browser.new_context(has_touch=True)
    context.set_default_timeout(10_000)
    seen, mute = set(), []
    for name in with_pieces(book):
        tab = context.new_page()
        faults = note_faults(tab, origin)
        tab.goto(f"{origin}/{name}")
        pieces = tab.locator(PIECE).all()
        assert pieces, name
        for scheme in SCHEMES:
            for width in (DESK, PHONE):
                show(tab, scheme, width)
                for piece in pieces:
                    seen.add(piece.get_attribute("data-piece"))
                    piece.scroll_into_view_if_needed()  # else its scripts are not loaded
                    piece.locator(".ll-live").wait_for()
                    assert piece.locator(".ll-still").is_hidden(), name
                    if not predict(piece, touch=width == PHONE):
                        mute.append((name, scheme, width))
                assert tab.evaluate("document.documentElement.scrollWidth") <= width, name
        assert faults == [], name
        tab.close()
    context.close()
    assert seen == names()
    assert mute == []
