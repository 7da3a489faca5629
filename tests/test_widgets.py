"""What holds for every interactive piece: where and how it shows, and for whom it works."""

import inspect
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

import lessonlib.widgets
from lessonlib.widgets import Piece
from tests.pieces import opened

NAMES = [name for name in lessonlib.widgets.__all__ if name != "Piece"]
PIECES: dict[str, Piece] = {name: getattr(lessonlib.widgets, name)() for name in NAMES}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE, DESK = 375, 1280
HEAVIEST = 400_000  # bytes of a script with a network

every_piece = pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)


def switch(tab: Page, scheme: str) -> None:
    tab.evaluate("scheme => document.documentElement.setAttribute('data-theme', scheme)", scheme)


def violations(tab: Page) -> list[str]:
    tab.evaluate(AXE_SCRIPT)
    results = tab.evaluate("rules => axe.run({runOnly: rules})", WCAG)
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in results["violations"]
        for node in rule["nodes"][:3]
    ]


@every_piece
def test_a_piece_starts_without_an_error_or_a_request(
    piece: Piece, browser: Browser, tmp_path: Path
) -> None:
    tab, faults = opened(browser, piece, tmp_path)
    assert tab.locator(".ll-live").is_visible()
    assert tab.locator(".ll-still").is_hidden()
    assert faults == []


@every_piece
def test_a_piece_breaks_no_rule_in_either_scheme_or_width(
    piece: Piece, browser: Browser, tmp_path: Path
) -> None:
    tab, faults = opened(browser, piece, tmp_path)
    found = []
    for width in (DESK, PHONE):
        tab.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            switch(tab, scheme)
            found += [f"{scheme}, {width}: {fault}" for fault in violations(tab)]
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert found == []
    assert faults == []


@every_piece
def test_without_scripts_and_in_print_a_still_picture_teaches_the_same(
    piece: Piece, browser: Browser, tmp_path: Path
) -> None:
    tab, _ = opened(browser, piece, tmp_path, java_script_enabled=False)
    assert tab.locator(".ll-still").is_visible()
    assert (
        len(tab.locator(".ll-still").inner_text()) > 20
        or tab.locator(".ll-still [role=img][aria-label], .ll-still img[alt]").count()
    )
    tab, _ = opened(browser, piece, tmp_path)
    tab.emulate_media(media="print")
    assert tab.locator(".ll-still").is_visible()
    assert tab.locator(".ll-live").is_hidden()


@every_piece
def test_a_piece_has_something_to_predict_and_says_what_it_shows(
    piece: Piece, browser: Browser, tmp_path: Path
) -> None:
    tab, _ = opened(browser, piece, tmp_path)
    asked = tab.locator(".ll-predict").first
    assert asked.get_by_role("status").inner_text() == ""
    asked.get_by_role("button").first.click()
    assert asked.get_by_role("status").inner_text() != ""
    assert piece.text
    assert piece.title in repr(piece)


@every_piece
def test_reset_brings_the_first_frame_back(piece: Piece, browser: Browser, tmp_path: Path) -> None:
    tab, faults = opened(browser, piece, tmp_path)
    live = tab.locator(".ll-live")
    first = live.inner_html()
    for button in live.get_by_role("button").all()[:6]:
        button.click()
    assert live.inner_html() != first
    live.get_by_role("button", name="Reset", exact=True).click()
    assert live.inner_html() == first
    assert faults == []


@every_piece
def test_every_control_is_reached_by_the_keyboard(
    piece: Piece, browser: Browser, tmp_path: Path
) -> None:
    tab, _ = opened(browser, piece, tmp_path)
    stops = tab.locator(".ll-live :is(button, input, select, [tabindex='0']):visible").count()
    reached = set()
    for _ in range(stops + 2):
        tab.keyboard.press("Tab")
        place = "[...document.querySelectorAll('.ll-live *')].indexOf(document.activeElement)"
        reached.add(tab.evaluate(place))
    assert len(reached - {-1}) == stops


@every_piece
def test_a_pressed_button_keeps_the_focus_or_hands_it_on(
    piece: Piece, browser: Browser, tmp_path: Path
) -> None:
    """Whoever uses the keyboard stays in the piece, and doesn't start anew at the page's top."""
    tab, _ = opened(browser, piece, tmp_path)
    buttons = tab.locator(".ll-live button:visible:enabled")
    for place in range(buttons.count()):
        tab.evaluate("document.activeElement.blur()")
        button = buttons.nth(place)
        name = button.inner_text()
        button.press("Enter")
        assert tab.locator(".ll-live :focus").count() == 1, name


@every_piece
def test_a_cell_that_is_run_twice_starts_both_pieces(
    piece: Piece, browser: Browser, tmp_path: Path
) -> None:
    tab, faults = opened(browser, piece, tmp_path)
    tab.evaluate(
        """piece => {
          const place = document.createElement("div");
          document.querySelector("main").append(place);
          place.innerHTML = piece;  // as JupyterLab does it: the scripts are run afterwards
          for (const script of place.querySelectorAll("script:not([type])")) {
            const again = document.createElement("script");
            again.textContent = script.textContent;
            script.replaceWith(again);
          }
        }""",
        piece._repr_html_(),
    )
    assert tab.locator(".ll-live").count() == 2
    assert faults == []


@every_piece
def test_a_piece_is_the_same_bytes_each_time_and_light(piece: Piece) -> None:
    html = piece._repr_html_()
    assert html == getattr(lessonlib.widgets, _name(piece))()._repr_html_()
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    for network in piece.networks.values():
        assert len(network) <= HEAVIEST


PRINT_SUMS = """\
import hashlib, lessonlib.widgets as widgets
for name in widgets.__all__[1:]:
    html = getattr(widgets, name)()._repr_html_()
    print(name, hashlib.sha256(html.encode()).hexdigest())
"""


def test_the_bytes_of_a_piece_depend_on_no_order_of_hashing() -> None:
    """This process hashes texts otherwise than the other one."""
    run = subprocess.run(
        [sys.executable, "-c", PRINT_SUMS],
        env=os.environ | {"PYTHONHASHSEED": "17"},
        capture_output=True,
        check=True,
        text=True,
    )
    here = {
        name: sha256(piece._repr_html_().encode()).hexdigest() for name, piece in PIECES.items()
    }
    assert dict(line.split() for line in run.stdout.splitlines()) == here


def _name(piece: Piece) -> str:
    return next(name for name, one in PIECES.items() if one is piece)


def test_every_script_belongs_to_a_piece() -> None:
    folder = Path(inspect.getfile(lessonlib.widgets)).parent / "static"
    scripts = {path.stem for path in folder.glob("*.js")}
    used = {name for piece in PIECES.values() for name in (piece.name, *piece.parts)}
    assert scripts == {"base", *used}
