"""The built book: clean, complete, the same every time, self-contained and accessible."""

import functools
import io
import json
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import unquote, urldefrag, urlparse

import pytest
import yaml  # type: ignore[import-untyped]
from axe_playwright_python.base import AXE_SCRIPT
from bs4 import BeautifulSoup, Tag
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.built import HOME, ROOT, Build, build, pages
from tests.test_notebooks import CODE_WIDTH, SOLUTION_WIDTH
from tools import pdf, set_up

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE, DESK = 375, 1280  # widths in pixels
REPOSITORY = set_up.address()


@functools.cache
def soup(page: Path) -> BeautifulSoup:
    """Parse a page, once for all tests: they only read it."""
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


def test_the_book_builds_without_a_warning(built: Build) -> None:
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
            if attribute(tag, "rel") == "canonical":  # names the page's own address; loads nothing
                continue
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


def test_the_first_page_leads_to_the_pdf_where_that_is_made_and_else_no_page_does(
    book: Path, tmp_path: Path
) -> None:
    for page in pages(book):
        assert soup(page).select('a[href*=".pdf"]:not([href*="://"])') == []
    first, made = tmp_path / "chapters" / "index.html", tmp_path / pdf.PDF.name
    first.parent.mkdir()
    shutil.copy(book / "chapters" / "index.html", first)
    made.write_bytes(bytes(4_100_000))
    pdf.link(first, made, 321)
    (linked,) = soup(first).select('a[href*=".pdf"]:not([href*="://"])')
    assert (first.parent / attribute(linked, "href")).resolve() == made
    assert linked.parent
    assert "the PDF of the whole book (321 pages, 4 MB)" in linked.parent.get_text()
    with pytest.raises(SystemExit, match=r"no place for the link.*Run `make book`"):
        pdf.link(first, made, 321)


def test_the_pdf_is_made_among_the_pages_that_are_published() -> None:
    workflow = (ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(workflow)["jobs"]["build"]["steps"]
    assert [step["run"] for step in steps if "run" in step][-1] == "make pdf PYTHON=python"
    published = ROOT / steps[-1]["with"]["path"]
    assert pdf.PDF.parent == published


def test_every_picture_says_what_it_shows(book: Path) -> None:
    silent = []
    for page in pages(book):
        for picture in soup(page).select("article img, article svg[role=img]"):
            words = attribute(picture, "alt") or attribute(picture, "aria-label")
            if len(words.split()) < 3 or "_images" in words or "jupyter_execute" in words:
                silent.append((page.name, words))
    assert silent == []


def figures(stem: str) -> int:
    """How many figures the outputs of a notebook hold."""
    notebook = json.loads((ROOT / "chapters" / f"{stem}.ipynb").read_text(encoding="utf-8"))
    outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_each_figure_is_there_in_light_and_in_dark_colours_of_the_same_size(book: Path) -> None:
    for page in book.glob("chapters/*.html"):
        if not (ROOT / "chapters" / f"{page.stem}.ipynb").exists():
            continue
        pairs = [p.find_all("img") for p in soup(page).select(".pst-scrollable-table-container")]
        pairs = [pair for pair in pairs if pair]
        assert len(pairs) == figures(page.stem), page.name
        for light, dark in pairs:
            assert [light["class"], dark["class"]] == [["only-light"], ["only-dark"]]
            assert light["alt"] == dark["alt"]
            assert dark["loading"] == "lazy"
            for picture in (light, dark):
                with Image.open(page.parent / attribute(picture, "src")) as opened:
                    size = (int(attribute(picture, "width")), int(attribute(picture, "height")))
                    assert opened.size == size


MOST_BYTES = 1_500_000  # of what is a page's own: not the theme and MathJax, which all pages share


def test_no_page_is_heavy_for_a_reader_in_the_dark_who_loads_both_pictures(book: Path) -> None:
    for page in book.glob("chapters/*.html"):
        tags = soup(page).select("article img[src], article script[src], article link[href]")
        addresses = {attribute(tag, "src") or attribute(tag, "href") for tag in tags}
        files = [page, *((page.parent / address) for address in addresses)]
        size = sum(file.stat().st_size for file in files)
        later = {attribute(tag, "data-later") for tag in soup(page).select("script[data-later]")}
        scripts = sum((page.parent / address).stat().st_size for address in later)
        print(f"{page.name}: {size:,} bytes, and {scripts:,} of pieces once they are looked at")
        assert size <= MOST_BYTES, page.name
        assert scripts <= MOST_BYTES, page.name


def test_a_piece_is_loaded_when_it_comes_near_the_window(book: Path, browser: Browser) -> None:
    tab = browser.new_page(viewport={"width": DESK, "height": 600})
    loaded: list[str] = []
    tab.on("request", lambda sent: loaded.append(Path(urlparse(sent.url).path).name))
    tab.goto((book / "chapters" / "4-descent.html").as_uri())
    tab.wait_for_load_state("load")
    assert "descent_race.js" not in loaded
    piece = tab.locator(".lessonlib-piece")
    assert piece.locator(".ll-still").is_visible()
    piece.scroll_into_view_if_needed()
    piece.locator(".ll-live").wait_for()
    assert "descent_race.js" in loaded
    tab.close()


def test_every_collapsed_solution_says_which_it_is(book: Path) -> None:
    shown = {
        (page.stem, paragraph.get_text())
        for page in pages(book)
        for paragraph in soup(page).select("details > summary p")
    }
    assert len(solutions()) > 30
    assert [solution for solution in solutions() if solution not in shown] == []


def test_each_notebook_page_opens_that_notebook_in_colab(book: Path) -> None:
    place = REPOSITORY.removeprefix("https://github.com/")
    home = f"https://colab.research.google.com/github/{place}/blob/main"
    for notebook in (ROOT / "chapters").glob("*.ipynb"):
        links = soup(book / "chapters" / f"{notebook.stem}.html").select("a[href*=colab]")
        assert [attribute(a, "href") for a in links] == [f"{home}/chapters/{notebook.name}"]


def test_every_link_to_the_repository_leads_to_a_file_in_it(book: Path) -> None:
    lost = []
    for page in pages(book):
        for link in soup(page).select(f'a[href^="{REPOSITORY}/"]'):
            place = urlparse(attribute(link, "href")).path.removeprefix(urlparse(REPOSITORY).path)
            named = re.fullmatch(r"/(?:blob|tree|edit|raw)/main/(.+)", unquote(place))
            if not (ROOT / named[1]).exists() if named else place not in ("/issues", "/issues/new"):
                lost.append((page.name, place))
    assert lost == []


def test_each_page_can_be_edited_and_its_mistakes_reported(book: Path) -> None:
    for source in (ROOT / "chapters").iterdir():
        if source.suffix not in (".md", ".ipynb"):
            continue
        page = soup(book / "chapters" / f"{source.stem}.html")
        edit, report = (page.select_one(f"a.btn-source-{b}-button") for b in ("edit", "issues"))
        assert edit
        assert attribute(edit, "href") == f"{REPOSITORY}/edit/main/chapters/{source.name}"
        assert report
        named = unquote(attribute(report, "href"))
        assert named.startswith(f"{REPOSITORY}/issues/new?title=")
        assert f"/chapters/{source.stem}.html" in named


def meta(page: Path) -> dict[str, str]:
    """What a page says of itself: by name, the description and the tags of Open Graph."""
    tags = soup(page).select("head meta[name=description], head meta[property]")
    found = [
        (attribute(t, "name") or attribute(t, "property"), attribute(t, "content")) for t in tags
    ]
    assert len(found) == len(dict(found)), f"{page.name} has a tag twice"
    return dict(found)


def test_each_page_has_a_description_of_its_own_in_plain_text(book: Path) -> None:
    found = {}
    for page in book.glob("chapters/*.html"):
        text = meta(page)["description"]
        words = " ".join(soup(page).select_one("article section > p").get_text().split())  # type: ignore[union-attr]
        assert words.startswith(text.removesuffix(" …")), page.name
        assert 40 <= len(text) <= 160, (page.name, len(text))
        assert text[-1] in ".?!…", page.name
        assert not re.search(r"[<>$`*\\]", text), page.name
        found[text] = page.name
    assert len(found) == len(list(book.glob("chapters/*.html")))


def test_a_link_to_a_page_shows_its_title_its_description_and_the_card(book: Path) -> None:
    for page in [*book.glob("chapters/*.html"), book / "index.html"]:
        tags, title = meta(page), soup(page).title
        assert title
        assert title.get_text().removesuffix(" — Reading Digits") == tags["og:title"]
        assert tags["og:description"] == tags["description"]
        assert tags["og:type"] == "website"
        assert tags["og:url"] == HOME + page.relative_to(book).as_posix()
        assert tags["og:image:alt"]
        assert tags["og:image"].startswith(HOME)
        with Image.open(book / tags["og:image"].removeprefix(HOME)) as card:
            assert (card.format, card.size) == ("PNG", (1200, 630))


def test_no_page_loads_the_card(book: Path) -> None:
    for page in pages(book):
        assert "card.png" not in "".join(map(str, soup(page).select("img, link, script, style")))


def test_the_book_s_address_is_the_one_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Book"] + "/" == HOME


def test_each_link_of_the_page_for_missing_addresses_works_from_any_depth(book: Path) -> None:
    top, lost = urlparse(HOME).path, []
    for tag in soup(book / "404.html").find_all(True):
        for name in ("href", "src", "action"):
            address = urldefrag(attribute(tag, name))[0].partition("?")[0]
            if not address or elsewhere(address):
                continue
            inside = address.startswith(top)
            if not inside or not (book / address.removeprefix(top)).is_file():
                lost.append((tag.name, attribute(tag, name)))
    assert lost == []
    links = {attribute(a, "href") for a in soup(book / "404.html").select("article a[href]")}
    assert links >= {f"{top}chapters/index.html", f"{top}search.html"}


def test_each_version_among_the_errata_is_in_the_changelog() -> None:
    errata = (ROOT / "chapters" / "errata.md").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## (\S+)$", changelog, re.MULTILINE)
    assert set(re.findall(r"\b\d+\.\d+\.\d+\b", errata)) <= set(released)
    mended = re.findall(r"^## Mended in (\S+)$", errata, re.MULTILINE)
    assert mended
    assert mended == [version for version in released if version in mended]  # the newest first


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


def show(tab: Page, address: str) -> None:
    """Load a page, wait until its equations are set, and open everything that is collapsed."""
    tab.goto(address)
    tab.evaluate("() => window.MathJax?.startup?.promise")
    tab.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true })")


def visit(tab: Page, book: Path, origin: str, faults: list[str]) -> Iterator[Path]:
    """Show every page on a phone, one after another, and note what goes wrong while it loads."""
    name = ""
    ours = (f"{origin}/", "data:")

    def note(fault: str) -> None:
        faults.append(f"{name}: {fault}")

    tab.on("pageerror", lambda error: note(str(error)))
    tab.on("console", lambda message: note(message.text) if message.type == "error" else None)
    tab.on("request", lambda sent: None if sent.url.startswith(ours) else note(sent.url))
    tab.on("requestfailed", lambda sent: note(f"failed: {sent.url}"))
    for page in pages(book):
        name = page.relative_to(book).as_posix()
        tab.set_viewport_size({"width": PHONE, "height": 800})
        show(tab, f"{origin}/{name}")
        if (width := tab.evaluate("document.documentElement.scrollWidth")) > PHONE:
            note(f"the page is {width} px wide")
        equations = tab.locator("div.math, span.math").count()
        if tab.locator(".math mjx-container svg").count() < equations:
            note("an equation is not typeset")
        for error in tab.locator("[data-mjx-error]").all():
            note(str(error.get_attribute("data-mjx-error")))
        yield page


class Faults(NamedTuple):
    """What is wrong with the pages: while they load, and for who can't see or point."""

    loading: list[str]
    access: list[str]


@pytest.fixture(scope="module")
def from_files(book: Path, browser: Browser) -> Faults:
    """The faults of all pages, each loaded once from its file."""
    faults = Faults([], [])
    tab = browser.new_page()
    for page in visit(tab, book, book.as_uri(), faults.loading):
        faults.access.extend(f"{page.name}, {fault}" for fault in broken_rules(tab))
    tab.close()
    return faults


def test_pages_load_from_their_files_on_a_phone_with_nothing_from_elsewhere(
    from_files: Faults,
) -> None:
    assert from_files.loading == []


def test_pages_load_from_a_server_on_a_phone_with_nothing_from_elsewhere(
    book: Path, browser: Browser, server: str
) -> None:
    faults: list[str] = []
    tab = browser.new_page()
    assert len(list(visit(tab, book, server, faults))) == len(pages(book))
    tab.close()
    assert faults == []


def test_a_missing_address_gets_a_page_that_leads_back_and_is_accessible(
    browser: Browser, server: str
) -> None:
    tab = browser.new_page()
    failed: list[str] = []
    address = f"{server}/chapters/gone/4-training.html"
    for depth in (address, f"{server}/gone"):
        tab.on("response", lambda got: failed.append(got.url) if got.status >= 400 else None)
        answer = tab.goto(depth)
        assert answer
        assert answer.status == 404
    assert set(failed) == {address, f"{server}/gone"}
    assert broken_rules(tab) == []
    tab.goto(address)
    tab.locator("article").get_by_role("link", name="The first page").click()
    tab.wait_for_url(f"{server}/chapters/index.html")
    tab.goto(address)
    tab.locator("article").get_by_role("link", name="The search").click()
    tab.wait_for_url(f"{server}/search.html")
    tab.close()


# The parts of a page that scroll sideways, or stick out of it.
CUT_OFF = """() => [...document.querySelectorAll(".bd-article *")].filter(e => {
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  if (e.closest("svg, mjx-container") || !box.width) return false;
  const scrolls = e.scrollWidth > e.clientWidth + 1 && style.overflowX !== "visible";
  return scrolls || box.right > document.documentElement.clientWidth + 1;
}).map(e => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_printed_page_has_its_text_alone_and_nothing_cut_off(
    book: Path, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    tab = browser.new_page(viewport={"width": 700, "height": 1000}, color_scheme=scheme)
    for stem in ("7-checks", "instructors", "benchmarks"):
        show(tab, (book / "chapters" / f"{stem}.html").as_uri())
        tab.emulate_media(media="print")
        assert tab.evaluate(CUT_OFF) == [], stem
        for part in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article"):
            assert not tab.locator(part).first.is_visible(), part
        assert not any(b.is_visible() for b in tab.locator(".copybtn, .headerlink").all())
        paragraph = tab.locator("article p").first
        assert ink(paragraph.evaluate("e => getComputedStyle(e).color")) < 100, stem
        for link in tab.locator('article a[href^="http"]').all()[:3]:
            after = link.evaluate("e => getComputedStyle(e, '::after').content")
            assert str(link.get_attribute("href")) in after
    tab.close()


def test_a_cell_shows_its_longest_lines_on_a_desk(book: Path, browser: Browser) -> None:
    tab = browser.new_page(viewport={"width": DESK, "height": 800})
    show(tab, (book / "chapters" / "2-forward.html").as_uri())
    for kind, most in (("div.cell_input pre", CODE_WIDTH), ("details.hide pre", SOLUTION_WIDTH)):
        code = tab.locator(kind).first
        for width in (most, most + 1):
            code.evaluate("(e, width) => e.textContent = 'x'.repeat(width)", width)
            fits = code.evaluate("e => e.scrollWidth <= e.clientWidth")
            assert fits == (width == most), (kind, width)
    tab.close()


def test_what_scrolls_shows_that_it_goes_on_also_where_it_was_collapsed(
    book: Path, browser: Browser
) -> None:
    tab = browser.new_page(viewport={"width": PHONE, "height": 800})
    show(tab, (book / "chapters" / "3-backprop.html").as_uri())
    tab.wait_for_function(TAB_STOPS_ARE_SET)
    for kind in ("div.cell_input pre", "details.hide pre", "div.math"):
        grounds = tab.locator(f".bd-article {kind}").evaluate_all(SHADED)
        assert any(scrolls for scrolls, _ in grounds), kind
        assert all(scrolls == shaded for scrolls, shaded in grounds), kind
    tab.close()


# Whether each element scrolls, and whether it has a shadow.
SHADED = """elements => elements.map(e =>
  [e.scrollWidth > e.clientWidth, getComputedStyle(e).backgroundImage.includes("gradient")])"""


def test_a_formula_keeps_its_punctuation(book: Path, browser: Browser) -> None:
    tab = browser.new_page()
    for stem in ("1-history", "3-backprop"):
        show(tab, (book / "chapters" / f"{stem}.html").as_uri())
        assert tab.locator(".bd-article .unbroken span.math").count() > 20
        assert tab.evaluate(PARTED) == [], stem
    tab.close()


# What follows a formula, where it begins with a mark of punctuation and might start a new line.
PARTED = """() => [...document.querySelectorAll(".bd-article :is(p, li) span.math")]
  .filter(e => getComputedStyle(e.parentElement).whiteSpace !== "nowrap")
  .map(e => e.nextSibling?.nodeType === Node.TEXT_NODE ? e.nextSibling.data : "")
  .filter(after => /^[.,;:!?)]/.test(after))"""


SHOWN = """() => [...new Set([...document.querySelectorAll("article img[class]")].filter(
  e => e.checkVisibility()).map(e => e.className))]"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_have_the_colours_of_the_page(
    book: Path, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    tab = browser.new_page(color_scheme=scheme)
    tab.goto((book / "chapters" / "1-history.html").as_uri())
    assert tab.evaluate(SHOWN) == [f"only-{scheme}"]
    figure = tab.locator(f"article img.only-{scheme}").first
    figure.scroll_into_view_if_needed()  # a dark picture is loaded only then
    tab.wait_for_function("e => e.complete && e.naturalWidth", arg=figure.element_handle())
    with Image.open(io.BytesIO(figure.screenshot())) as picture:
        around = picture.convert("RGB").getpixel((1, 1))
    page = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page == f"rgb{around}"
    tab.close()


def test_figures_follow_the_switch_of_the_page(book: Path, browser: Browser) -> None:
    tab = browser.new_page(color_scheme="light", viewport={"width": DESK, "height": 800})
    tab.goto((book / "chapters" / "1-history.html").as_uri())
    seen = []
    for _ in range(3):  # dark, light, and what the system says
        tab.locator(".theme-switch-button").locator("visible=true").first.click()
        theme = tab.locator("html").get_attribute("data-theme")
        assert tab.evaluate(SHOWN) == [f"only-{theme}"]
        seen.append(theme)
    assert set(seen) == {"light", "dark"}
    tab.close()


def test_figures_are_light_without_scripts_and_in_print(book: Path, browser: Browser) -> None:
    address = (book / "chapters" / "1-history.html").as_uri()
    with browser.new_context(color_scheme="dark", java_script_enabled=False) as context:
        tab = context.new_page()
        tab.goto(address)
        light, dark = (tab.locator(f"article img.only-{s}").all() for s in ("light", "dark"))
        assert len(light) == len(dark) == figures("1-history")
        assert all(figure.is_visible() for figure in light)
        assert not any(figure.is_visible() for figure in dark)
    tab = browser.new_page(color_scheme="dark")
    tab.goto(address)
    tab.emulate_media(media="print")
    assert tab.evaluate(SHOWN) == ["only-light"]
    look = "e => (s => [s.filter, s.padding])(getComputedStyle(e))"
    assert tab.locator("article img.only-light").first.evaluate(look) == ["none", "0px"]
    tab.close()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_pictures_keep_their_shape(book: Path, browser: Browser, width: int) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="light")
    for stem in ("index", "1-history"):
        tab.goto((book / "chapters" / f"{stem}.html").as_uri())
        for picture in tab.locator("article :is(img.only-light, svg.drawing)").all():
            across, down = (int(str(picture.get_attribute(a))) for a in ("width", "height"))
            box = picture.bounding_box()
            assert box
            assert box["width"] / box["height"] == pytest.approx(across / down, rel=0.02)
    tab.close()


def test_a_drawing_has_the_colour_of_the_text_around_it(book: Path, browser: Browser) -> None:
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        tab = browser.new_page(color_scheme=scheme)
        tab.goto((book / "chapters" / "index.html").as_uri())
        fill, text = (
            tab.locator(f"article {part}").first.evaluate(f"e => getComputedStyle(e).{name}")
            for part, name in (("svg.drawing text", "fill"), ("p", "color"))
        )
        assert fill == text
        assert not tab.locator("svg .drawing-paper").is_visible()
        tab.close()


def ink(colour: str) -> float:
    """The brightest of a CSS colour's three parts, 0 to 255."""
    return max(float(part) for part in re.findall(r"[\d.]+", colour)[:3])


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


# Whether text can be told from its ground depends on nothing but its own style and the grounds
# below it. So three elements of each look stand for all: one of them may be out of sight.
MARK_LOOKS = """() => {
  const styles = new Map(), counts = new Map();
  const style = e => styles.get(e) ?? styles.set(e, getComputedStyle(e)).get(e);
  const ground = e => e ? ground(e.parentElement) + ["backgroundColor", "backgroundImage",
    "opacity", "filter", "clip", "clipPath", "mixBlendMode"].map(p => style(e)[p]) : "";
  document.querySelectorAll("[data-look]").forEach(e => e.removeAttribute("data-look"));
  for (const e of document.body.querySelectorAll("*")) {
    const text = [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
    const field = e.matches("input, select, textarea");
    const shown = e.checkVisibility({visibilityProperty: true, opacityProperty: true});
    if (!(text || field) || !shown) continue;
    const link = e.matches("a") ? "link in " + style(e.parentElement).color : "";
    const look = [field, link, ground(e), ...["color", "fontSize", "fontWeight", "textShadow",
      "textDecoration"].map(p => style(e)[p])].join();
    counts.set(look, (counts.get(look) ?? 0) + 1);
    if (counts.get(look) <= 3) e.setAttribute("data-look", "");
  }
}"""
# axe's rules that depend on colours; each looks at the marked elements alone.
ABOUT_COLOURS = {"color-contrast": "[data-look]", "link-in-text-block": "a[href][data-look]"}


# What the theme gives a tab stop where it scrolls.
TAB_STOPS_ARE_SET = """() => [...document.querySelectorAll(
  "pre, .cell_output > .output, .pst-scrollable-table-container"
)].every(
  e => (e.tabIndex === 0) === (e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight)
)"""
# Else the theme fades in what opens, and axe measures colours that are half there.
AT_ONCE = "*, *::before, *::after { transition: none !important; animation: none !important; }"


def prepare(tab: Page) -> None:
    """Load axe into the page, and spare it what would take long and say nothing new."""
    tab.add_style_tag(content=AT_ONCE)
    tab.evaluate(THIN_OUT)
    tab.evaluate(AXE_SCRIPT)
    rules = [{"id": rule, "selector": selector} for rule, selector in ABOUT_COLOURS.items()]
    tab.evaluate("rules => axe.configure({rules})", rules)


def display(tab: Page, scheme: Literal["light", "dark"], width: int) -> None:
    """Show the page in a colour scheme and at a width."""
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": width, "height": 800})
    tab.wait_for_selector(f"html[data-theme={scheme}]", state="attached")
    # It measures what scrolls a while after a change of size, too early if the machine is busy.
    tab.evaluate("window.dispatchEvent(new Event('resize'))")
    tab.wait_for_function(TAB_STOPS_ARE_SET)


def axe_violations(tab: Page, rules: list[str]) -> list[str]:
    """Each of these rules (or tags of rules) that the page breaks now, with its first elements."""
    tab.evaluate(MARK_LOOKS)
    # A page that is a file may not load its style sheets once more, so axe is not to try it.
    options = {"runOnly": rules, "resultTypes": ["violations"], "preload": False}
    results = tab.evaluate("options => axe.run(options)", options)
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in results["violations"]
        for node in rule["nodes"][:3]
    ]


def broken_rules(tab: Page) -> list[str]:
    """The rules that the page breaks, those about colours in both schemes, the others in one."""
    prepare(tab)
    rules_of: dict[Literal["light", "dark"], list[str]]
    rules_of = {"light": WCAG, "dark": list(ABOUT_COLOURS)}
    found = []
    for width in (PHONE, DESK):
        for scheme, rules in rules_of.items():
            display(tab, scheme, width)
            found += [f"{scheme}, {width}: {fault}" for fault in axe_violations(tab, rules)]
    return found


def test_pages_break_no_accessibility_rule(from_files: Faults) -> None:
    assert not from_files.access, "\n".join(from_files.access)


FAULTS = {
    "e.style.color = '#444'": "dark, 1280: color-contrast",
    "e.style.color = '#bbb'": "light, 375: color-contrast",
    "e.innerHTML = '<img src=\"data:,\">'": "light, 375: image-alt",
    # Without links, for a region with a link in it can be reached by the keyboard.
    "e.textContent += ''; e.style = 'width: 9em; overflow-x: scroll; white-space: pre'": (
        "light, 375: scrollable-region"
    ),
    "e.lang = 'no language'": "light, 1280: valid-lang",
}


def test_a_fault_in_one_element_of_many_is_found(book: Path, browser: Browser) -> None:
    tab = browser.new_page()
    show(tab, (book / "chapters" / "references.html").as_uri())
    for place, fault in enumerate(FAULTS):
        element = f"[...document.querySelectorAll('.citation p')].at(-1 - {place})"
        tab.evaluate(f"() => {{ const e = {element}; {fault} }}")
    found = broken_rules(tab)
    tab.close()
    lacking = [rule for rule in FAULTS.values() if not any(f.startswith(rule) for f in found)]
    assert lacking == [], found
