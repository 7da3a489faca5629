"""What the tests of interactive pieces share: a page with one piece, in the machine's Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lessonlib.widgets import Piece
from lessonlib.widgets.base import static

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
Opener = Callable[[Piece], Page]  # the fixture `open_piece` of tests/conftest.py
# The scheme is switched as the book's theme, JupyterLab's and Colab's do it: by an attribute.
PAGE = """\
<!doctype html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>A piece</title>
<meta name="viewport" content="width=device-width">
<style>body {{ background: #fff; color: #222; font-family: sans-serif; margin: 8px }}
html[data-theme="dark"] body {{ background: #121212; color: #ced6dd }}</style></head>
<body><main><h1>A piece</h1>{piece}</main></body></html>
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's Chromium; close it at the end.

    Where there is none, the tests that ask for it are skipped; where CI is set, they fail.
    """
    if CHROMIUM is None:
        lacking = "no Chromium on this machine (Debian, Ubuntu: apt install chromium)"
        pytest.fail(lacking, pytrace=False) if os.environ.get("CI") else pytest.skip(lacking)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def written(piece: Piece, folder: Path) -> str:
    """Write a page with a piece into a folder; give its address."""
    path = folder / f"{piece.name}.html"
    path.write_text(PAGE.format(piece=piece._repr_html_()), encoding="utf-8")
    return path.as_uri()


def opened(browser: Browser, piece: Piece, folder: Path, **settings: Any) -> tuple[Page, list[str]]:
    """Open a page with a piece, and note what goes wrong on it from now on.

    A request for anything but the page itself, an error of a script and a message of the console
    are faults.
    """
    address = written(piece, folder)
    tab = browser.new_page(**settings)
    tab.set_default_timeout(10_000)
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda message: faults.append(message.text))
    tab.on(
        "request", lambda sent: None if sent.url in (address,) else faults.append(sent.url[:200])
    )
    tab.goto(address)
    return tab, faults


def run_script(tab: Page, name: str | Sequence[str], expression: str, argument: Any = None) -> Any:
    """Evaluate an expression with the functions of a piece's script, or of several, on any page.

    `expression` may use `argument`.
    """
    names = ["base", name] if isinstance(name, str) else ["base", *name]
    scripts = "\n".join(static(f"{one}.js") for one in names)
    source = f"{scripts}\nreturn ({expression});"
    return tab.evaluate(
        "([source, argument]) => new Function('argument', source)(argument)", [source, argument]
    )
