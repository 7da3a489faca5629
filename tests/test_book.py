"""The built book: clean, complete, the same every time, self-contained and accessible."""

import functools
import http.server
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urldefrag, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PHONE, DESK = 375, 1280  # widths in pixels


def build(source: Path, target: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Build the book as `make book` does; give the folder of its pages and how the build went."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(source)]
    command += ["--path-output", str(target), "-W", "-n", "--keep-going"]
    fixed = {"SOURCE_DATE_EPOCH": "1790000000", "PYTHONHASHSEED": "0", "NO_COLOR": "1"}
    run = subprocess.run(command, env=os.environ | fixed, capture_output=True, text=True)
    return target / "_build" / "html", run


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    return build(ROOT, tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="module")
def book(built: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    """The folder of the built pages."""
    folder, run = built
    if run.returncode:
        pytest.fail(f"the book does not build:\n{run.stderr[-3000:]}", pytrace=False)
    return folder


def pages(book: Path) -> list[Path]:
    """Every page a reader meets, without the redirect at the top and the theme's own snippets."""
    return [*sorted(book.glob("chapters/**/*.html")), book / "search.html"]


def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def attribute(tag: Tag, name: str) -> str:
    value = tag.get(name) or ""
    return value if isinstance(value, str) else " ".join(value)


def elsewhere(address: str) -> bool:
    """Whether an address in a page leads away from the book."""
    return bool(urlparse(address).netloc)


def solutions() -> list[tuple[str, str]]:
    """The chapter and the title of every collapsed cell with one."""
    found = []
    for notebook in sorted((ROOT / "chapters").glob("*.ipynb")):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            title = re.match(r"#@title (.+?)\s*\{", "".join(cell["source"]))
            if title and "hide-input" in cell["metadata"].get("tags", []):
                found.append((notebook.stem, title[1]))
    return found


# ---------------------------------------------------------------- the files, without a browser


def test_the_book_builds_without_a_warning(
    built: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, run = built
    assert run.returncode == 0, run.stderr[-3000:]
    assert "WARNING" not in run.stderr


def test_two_builds_in_different_folders_give_the_same_bytes(book: Path, tmp_path: Path) -> None:
    source = tmp_path / "a copy of the course"
    source.mkdir()
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, source)
    for name in ("chapters", "theme"):
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    again, run = build(source, tmp_path / "out")
    assert run.returncode == 0, run.stderr[-3000:]
    contents = [
        {str(f.relative_to(top)): f.read_bytes() for f in top.rglob("*") if f.is_file()}
        for top in (book, again)
    ]
    assert contents[0].keys() == contents[1].keys()
    assert [name for name in contents[0] if contents[0][name] != contents[1][name]] == []


def test_every_chapter_of_the_folder_is_in_the_book(book: Path) -> None:
    sources = {p.stem for p in (ROOT / "chapters").iterdir() if p.suffix in (".md", ".ipynb")}
    assert {p.stem for p in book.glob("chapters/*.html")} == sources


def test_no_page_names_a_resource_of_another_origin(book: Path) -> None:
    found = []
    for page in [*pages(book), book / "index.html"]:
        for tag in soup(page).find_all(True):
            loads = ["src", "srcset", "poster", "data", "action", "background", "xlink:href"]
            if tag.name in ("link", "use", "image"):
                loads.append("href")
            addresses = [attribute(tag, name) for name in loads]
            styles = attribute(tag, "style") + (tag.get_text() if tag.name == "style" else "")
            addresses += re.findall(r"url\(\s*['\"]?([^'\")]+)", styles)
            found += [(page.name, tag.name, a) for a in addresses if elsewhere(a)]
    for sheet in book.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        links = re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")\s;]+)", text)
        found += [(sheet.name, "css", a) for a in links if elsewhere(a)]
    assert found == []


def test_every_link_inside_the_book_leads_somewhere(book: Path) -> None:
    anchors = {
        page: {attribute(tag, "id") for tag in soup(page).find_all(id=True)} for page in pages(book)
    }
    broken = []
    for page in pages(book):
        for tag in soup(page).find_all(["a", "link", "script", "img"]):
            address = attribute(tag, "src") or attribute(tag, "href")
            path, fragment = urldefrag(address)
            if elsewhere(address) or urlparse(address).scheme in ("data", "mailto"):
                continue
            target = (page.parent / unquote(path.partition("?")[0])).resolve() if path else page
            lost = fragment and target in anchors and unquote(fragment) not in anchors[target]
            if not target.is_file() or lost:
                broken.append((page.name, address))
    assert broken == []


def test_every_picture_says_what_it_shows(book: Path) -> None:
    silent = []
    for page in pages(book):
        for picture in soup(page).select("article img, article svg[role=img]"):
            words = attribute(picture, "alt") or attribute(picture, "aria-label")
            if len(words.split()) < 3 or "_images" in words or "jupyter_execute" in words:
                silent.append((page.name, words))
    assert silent == []


@pytest.mark.parametrize(("chapter", "title"), solutions())
def test_a_collapsed_solution_says_which_it_is(book: Path, chapter: str, title: str) -> None:
    summaries = soup(book / "chapters" / f"{chapter}.html").select("details > summary")
    assert title in [paragraph.get_text() for s in summaries for paragraph in s.select("p")]


def test_each_notebook_page_opens_that_notebook_in_colab(book: Path) -> None:
    home = "https://colab.research.google.com/github/reading-digits/reading-digits/blob/main"
    for notebook in (ROOT / "chapters").glob("*.ipynb"):
        links = soup(book / "chapters" / f"{notebook.stem}.html").select("a[href*=colab]")
        assert [attribute(a, "href") for a in links] == [f"{home}/chapters/{notebook.name}"]


def test_every_citation_has_an_entry_among_the_references(book: Path) -> None:
    labels = {
        label.get_text().strip("[]")
        for label in soup(book / "chapters" / "references.html").select(".citation .label")
    }
    entries = re.findall(r"^@\w+\{", (ROOT / "chapters/references.bib").read_text("utf-8"), re.M)
    assert len(labels) == len(entries)
    cited = {
        " ".join(link.get_text().split())  # a label may run over two lines of the source
        for page in pages(book)
        for link in soup(page).select('article a[href^="references.html"]')
        if re.search(r"\d{4}", link.get_text())
    }
    assert cited
    assert cited - labels == set()


# ---------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, closed with the module: Playwright's event loop would block nbval's."""
    if CHROMIUM is None:
        lacking = "no Chromium on this machine (Debian, Ubuntu: apt install chromium)"
        pytest.fail(lacking, pytrace=False) if os.environ.get("CI") else pytest.skip(lacking)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)


@pytest.fixture(scope="module")
def server(book: Path) -> Iterator[str]:
    """The address of a web server on this machine that serves the book."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(book))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def show(tab: Page, address: str) -> None:
    """Load a page, wait until its equations are set, and open everything that is collapsed."""
    tab.goto(address)
    tab.evaluate("() => window.MathJax?.startup?.promise")
    tab.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true })")


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_pages_load_on_a_phone_with_nothing_from_elsewhere(
    book: Path, browser: Browser, request: pytest.FixtureRequest, scheme: str
) -> None:
    origin = book.as_uri() if scheme == "file" else request.getfixturevalue("server")
    faults: list[tuple[str, str]] = []
    tab = browser.new_page(viewport={"width": PHONE, "height": 800})
    name = ""
    tab.on("pageerror", lambda error: faults.append((name, str(error))))
    tab.on("console", lambda m: faults.append((name, m.text)) if m.type == "error" else None)
    tab.on(
        "request",
        lambda r: (
            None if r.url.startswith((f"{origin}/", "data:")) else faults.append((name, r.url))
        ),
    )
    tab.on("requestfailed", lambda r: faults.append((name, f"failed: {r.url}")))
    for page in pages(book):
        name = page.relative_to(book).as_posix()
        show(tab, f"{origin}/{name}")
        if (width := tab.evaluate("document.documentElement.scrollWidth")) > PHONE:
            faults.append((name, f"the page is {width} px wide"))
        equations = tab.locator("div.math, span.math").count()
        if tab.locator(".math mjx-container svg").count() < equations:
            faults.append((name, "an equation is not typeset"))
        errors = tab.locator("[data-mjx-error]").all()
        faults += [(name, f"{e.get_attribute('data-mjx-error')}") for e in errors]
    tab.close()
    assert faults == []


def test_the_top_of_the_book_leads_to_its_first_page(book: Path, browser: Browser) -> None:
    tab = browser.new_page()
    tab.goto((book / "index.html").as_uri())
    tab.wait_for_url("**/chapters/index.html")
    assert tab.title().startswith("Reading Digits")
    tab.close()


# axe looks at every coloured word of code, thousands, and into every formula of a sentence,
# hundreds. One word of each colour and place is enough, and a few formulas.
THIN_OUT = """() => {
  const seen = new Set();
  for (const word of document.querySelectorAll(".highlight pre span")) {
    const kind = word.className + word.closest(".cell_output, details")?.className;
    if (word.className && !seen.has(kind)) seen.add(kind);
    else word.replaceWith(...word.childNodes);
  }
  const formulas = [...document.querySelectorAll("mjx-container:not([display])")];
  for (const formula of formulas.slice(5)) formula.replaceWith("x");
}"""


TAB_STOPS_ARE_SET = """() => [...document.querySelectorAll("pre")].every(
  e => (e.tabIndex === 0) === (e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight)
)"""


def axe_violations(tab: Page) -> list[str]:
    """Each broken WCAG 2.2 A or AA rule of the page as it is shown now, with its first elements."""
    tab.wait_for_timeout(400)  # the theme fades in what opens
    # It measures what scrolls a while after a change of size, too early if the machine is busy.
    tab.evaluate("window.dispatchEvent(new Event('resize'))")
    tab.wait_for_function(TAB_STOPS_ARE_SET)
    results = Axe().run(tab, options={"runOnly": WCAG, "resultTypes": ["violations"]})
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in results.response["violations"]
        for node in rule["nodes"][:3]
    ]


def test_pages_break_no_accessibility_rule(book: Path, browser: Browser) -> None:
    found: list[str] = []
    tab = browser.new_page()
    for page in pages(book):
        show(tab, page.as_uri())
        tab.evaluate(THIN_OUT)
        for scheme, width in itertools.product(SCHEMES, (DESK, PHONE)):
            tab.emulate_media(color_scheme=scheme)
            tab.set_viewport_size({"width": width, "height": 800})
            tab.wait_for_selector(f"html[data-theme={scheme}]", state="attached")
            found += [f"{page.name}, {scheme}, {width}: {v}" for v in axe_violations(tab)]
    tab.close()
    assert not found, "\n".join(found)
