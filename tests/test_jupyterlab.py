"""A chapter in JupyterLab itself: its stored piece works, once its reader trusts the notebook."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

CHAPTER = Path(__file__).parents[1] / "chapters" / "1-history.ipynb"
PATIENCE = 60  # seconds: JupyterLab starts in 5 on two idle cores
# The notebook holds no cell that is far from what is seen.
DOWN = "document.querySelector('.jp-WindowedPanel-outer').scrollBy(0, 500)"


def jupyter(*words: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start a program of Jupyter's that keeps all its files in a folder."""
    own = {
        name: str(folder / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    program = Path(sys.executable).with_name("jupyter")
    return subprocess.Popen([program, *words], env=os.environ | own)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A JupyterLab with a copy of one chapter, which is trusted."""
    work = tmp_path / "work"
    work.mkdir()
    copy = shutil.copy(CHAPTER, work)
    assert jupyter("trust", str(copy), folder=tmp_path).wait(PATIENCE) == 0
    lab = jupyter(
        "lab", "--no-browser", "--allow-root", "--port=0", f"--ServerApp.root_dir={work}",
        folder=tmp_path,
    )  # fmt: skip
    try:
        server = running(tmp_path / "jupyter_runtime_dir")
        yield f"{server['url']}lab/tree/{CHAPTER.name}?token={server['token']}"
    finally:
        lab.terminate()
        lab.wait(PATIENCE)


def running(folder: Path) -> dict[str, str]:
    """Wait until a server says where it is, and with which token it lets a reader in."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for note in folder.glob("jpserver-*.json"):
            if text := note.read_text(encoding="utf-8"):
                about: dict[str, str] = json.loads(text)
                return about
        time.sleep(0.1)
    pytest.fail("JupyterLab does not start", pytrace=False)


def scroll_to_piece(tab: Page) -> Locator:
    """Scroll down until the piece is in the page."""
    piece = tab.locator(".lessonlib-piece")
    for _ in range(50):
        if piece.count():
            break
        tab.evaluate(DOWN)
        tab.wait_for_timeout(100)
    piece.scroll_into_view_if_needed()
    return piece


def choose_theme(tab: Page, name: str) -> None:
    for label in ("Settings", "Theme", name):
        kind = "lm-MenuBar-itemLabel" if label == "Settings" else "lm-Menu-itemLabel"
        tab.locator(f".{kind}").get_by_text(label, exact=True).click()


def answer(piece: Locator, place: int) -> str:
    asked = piece.locator(".ll-live .ll-predict").first
    asked.get_by_role("button").nth(place).click()
    return asked.get_by_role("status").inner_text()


def brightness(piece: Locator) -> int:
    """How bright a piece's text is, from 0 to 765."""
    colour = piece.locator(".ll-title").evaluate("e => getComputedStyle(e).color")
    return sum(int(part) for part in colour.strip("rgba()").split(",")[:3])


def test_a_stored_piece_works_in_both_themes_of_jupyterlab(browser: Browser, address: str) -> None:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(1000 * PATIENCE)
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(address)
    tab.wait_for_selector(".jp-Notebook .jp-Cell")
    piece = scroll_to_piece(tab)
    assert piece.get_attribute("data-live") is not None
    assert piece.locator(".ll-still").is_hidden()
    assert answer(piece, 0)
    assert brightness(piece) < 300
    choose_theme(tab, "JupyterLab Dark")
    tab.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    piece = scroll_to_piece(tab)
    assert answer(piece, 1)
    assert brightness(piece) > 465
    assert errors == []
    tab.close()
