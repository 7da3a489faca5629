"""The page of failures: its contents, and that it needs no other file."""

import base64
import csv
import io
import re
import shutil
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup, Tag
from PIL import Image
from playwright.sync_api import sync_playwright

import lessonlib
from lessonlib.checks.image import Box
from lessonlib.scoring import evaluate
from lessonlib.scoring.page import LARGEST_PICTURE, embedded, page, write_report
from lessonlib.synthesis import render
from tests.judged import Fixed, reading

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

Told = dict[str, tuple[str, str, float]]  # file: (label, text, confidence)

HOSTILE = "<b onerror='x'>&\"\N{RIGHT-TO-LEFT OVERRIDE}\x01ünï.png"
TOLD: Told = {
    "right.png": ("1990", "1990", 0.99),
    "unsure.png": ("12", "17", 0.2),
    HOSTILE: ("34", "84", 0.7),
    "joined.png": ("5600", "56", 0.9),
    "empty.png": ("7", "", 0.0),
}
MARK: Box = (1, 2, 3, 4)


def reader(told: Told) -> Fixed:
    """Make a reader that returns these texts, each with a mark in front."""
    return Fixed([reading(text, sure, marks=[MARK]) for _, text, sure in told.values()])


def made(folder: Path, told: Told) -> Path:
    """Write a folder of fields, and the page of what went wrong in them."""
    (folder / "images").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "digits"])
        for seed, (name, (label, _, _)) in enumerate(told.items()):
            writer.writerow([name, label])
            Image.fromarray(render(label, seed)).save(folder / "images" / name)
    target = folder / "failures.html"
    write_report(target, evaluate(folder, reader(told)), folder, "mlp")
    return target


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("reports") / "a <folder> & more", TOLD)


@pytest.fixture(scope="module")
def soup(target: Path) -> BeautifulSoup:
    return BeautifulSoup(target.read_text(encoding="utf-8"), "html.parser")


def facts(figure: Tag) -> dict[str, str]:
    names, values = figure.select("dt"), figure.select("dd")
    return {a.get_text(): b.get_text() for a, b in zip(names, values, strict=True)}


def figure_of(soup: BeautifulSoup, file: str) -> Tag:
    (figure,) = (f for f in soup.select("figure") if facts(f)["File"] == file)
    return figure


def test_the_page_says_how_it_was_made(soup: BeautifulSoup) -> None:
    made_by = soup.select_one("h1 + p")
    assert made_by is not None
    for part in (lessonlib.__version__, "5 fields", "a <folder> & more", "model mlp"):
        assert part in made_by.get_text()


def test_the_table_has_every_figure_of_the_summary_and_the_failures(
    target: Path, soup: BeautifulSoup
) -> None:
    rows = [tuple(cell.get_text() for cell in row.select("th, td")) for row in soup.select("tr")]
    figures = evaluate(target.parent, reader(TOLD)).figures
    assert rows[: len(figures)] == [(name.capitalize(), *rest) for name, *rest in figures]
    assert rows[0] == ("Read exactly", "20.0%", "95 % interval 3.6% to 62.4%")
    assert [row[:2] for row in rows[len(figures) :]] == [
        ("Failures", "4"),
        ("Classification", "2"),
        ("Punctuation", "0"),
        ("Segmentation", "2"),
    ]


def test_failures_stand_under_their_cause_the_most_confident_first(soup: BeautifulSoup) -> None:
    confidences: dict[str, list[str]] = {}
    for element in soup.select("h2, figure"):
        if element.name == "h2":
            section = confidences.setdefault(element.get_text(), [])
        else:
            section.append(facts(element)["Confidence"])
    assert confidences == {
        "Classification: 2 fields": ["0.70", "0.20"],
        "Segmentation: 2 fields": ["0.90", "0.00"],
    }


def test_a_failure_has_its_label_reading_confidence_and_cause(soup: BeautifulSoup) -> None:
    assert facts(figure_of(soup, "joined.png")) == {
        "Label": "5600",
        "Read": "56",
        "Confidence": "0.90",
        "Cause": "segmentation",
        "File": "joined.png",
    }
    assert facts(figure_of(soup, "empty.png"))["Read"] == "nothing"
    assert "right.png" not in soup.get_text()


def test_digits_and_marks_are_boxed_in_pixels_of_the_field(soup: BeautifulSoup) -> None:
    figure = figure_of(soup, "joined.png")
    height, width = render("5600", 3).shape
    (overlay,) = figure.select("svg")
    assert overlay["viewbox"] == f"0 0 {width} {height}"
    boxes = [
        (*rect["class"], *(int(str(rect[key])) for key in ("x", "y", "width", "height")))
        for rect in overlay.select("rect")
    ]
    assert boxes == [("mark", *MARK), ("digit", 10, 10, 20, 30), ("digit", 40, 10, 20, 30)]


def test_each_picture_is_the_field_and_described(soup: BeautifulSoup) -> None:
    pictures = soup.select("img")
    assert len(pictures) == 4
    assert len({picture["alt"] for picture in pictures}) == 4
    (picture,) = figure_of(soup, "joined.png").select("img")
    assert picture["alt"] == "The amount field joined.png; boxes around 2 digits and 1 mark"
    kind, _, data = str(picture["src"]).partition(",")
    assert kind == "data:image/jpeg;base64"
    picture_pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))), dtype=np.float64)
    field = render("5600", 3)
    assert picture_pixels.shape == field.shape
    assert np.abs(picture_pixels - field).mean() < 6


def test_text_from_files_is_escaped(target: Path, soup: BeautifulSoup) -> None:
    source = target.read_text(encoding="utf-8")
    assert soup.find("b") is None
    assert soup.find("folder") is None
    assert source.count("&lt;b onerror=&#x27;x&#x27;&gt;&amp;&quot;\ufffd\ufffdünï.png") == 2
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in source
    assert "\x01" not in source


def test_the_page_needs_no_other_file(target: Path, soup: BeautifulSoup) -> None:
    source = target.read_text(encoding="utf-8")
    assert source.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert soup.title is not None
    assert soup.title.get_text() == "What the reader got wrong in a <folder> & more"
    assert not soup.select("script, link, iframe")
    assert "://" not in source
    assert "url(" not in source
    assert "@import" not in source
    for link in soup.select("[src], [href]"):
        assert str(link.get("src") or link.get("href")).startswith("data:")
    assert soup.select_one('meta[name=viewport][content*="width=device-width"]')
    assert "prefers-color-scheme: dark" in source


def test_every_element_is_closed_in_order(target: Path) -> None:
    stack: list[str] = []
    source = target.read_text(encoding="utf-8").removeprefix("<!DOCTYPE html>")
    for end, name, rest in re.findall(r"<(/?)(\w+)([^>]*)>", source):
        if end:
            assert stack.pop() == name
        elif name not in ("meta", "img") and not rest.endswith("/"):
            stack.append(name)
    assert stack == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_is_accessible_and_fits_a_phone_in_light_and_dark(target: Path) -> None:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        tab = playwright.chromium.launch(executable_path=CHROMIUM, args=flags).new_page()
        tab.set_viewport_size({"width": 320, "height": 800})
        tab.goto(target.as_uri())
        paper = []
        for scheme in SCHEMES:
            tab.emulate_media(color_scheme=scheme)
            assert Axe().run(tab).response["violations"] == []
            assert tab.evaluate("document.documentElement.scrollWidth") <= 320
            paper.append(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert paper == ["rgb(255, 255, 255)", "rgb(23, 24, 28)"]


def test_a_page_without_failures_says_so(tmp_path: Path) -> None:
    text = made(tmp_path / "good", {"right.png": ("1990", "1990", 0.9)}).read_text("utf-8")
    assert "There are no failures: every field was read exactly." in text
    assert "1 field of the folder good" in text
    assert "<img" not in text


def test_the_same_result_gives_the_same_page(tmp_path: Path, target: Path) -> None:
    folder = target.parent
    again = tmp_path / "again.html"
    write_report(again, evaluate(folder, reader(TOLD)), folder, "mlp")
    assert again.read_bytes() == target.read_bytes()


def test_an_old_page_stays_when_a_new_one_cannot_be_made(tmp_path: Path) -> None:
    target = made(tmp_path / "fields", TOLD)
    before = target.read_bytes()
    result = evaluate(tmp_path / "fields", reader(TOLD))
    (tmp_path / "fields" / "images" / "joined.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"joined\.png"):
        write_report(target, result, tmp_path / "fields", "mlp")
    assert target.read_bytes() == before


def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: Path
) -> None:
    def full(self: Path, target: Path) -> Path:
        assert self.stat().st_size > 1000
        raise OSError(28, "No space left on device")

    result = evaluate(target.parent, reader(TOLD))
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match=r"page\.html can't be written \(No space"):
        write_report(tmp_path / "page.html", result, target.parent, "mlp")
    assert list(tmp_path.iterdir()) == []


def test_a_page_replaces_nothing_but_a_file(tmp_path: Path, target: Path, device: str) -> None:
    result = evaluate(target.parent, reader(TOLD))
    (tmp_path / "page.html").symlink_to(device)
    with pytest.raises(OSError, match="is a device"):
        write_report(tmp_path / "page.html", result, target.parent, "mlp")
    assert (tmp_path / "page.html").is_symlink()


def test_images_that_could_not_be_read_are_named_and_escaped(tmp_path: Path) -> None:
    target = made(tmp_path / "fields", TOLD)
    (tmp_path / "fields" / "images" / HOSTILE).write_bytes(b"")
    told = {name: row for name, row in TOLD.items() if name != HOSTILE}
    result = evaluate(tmp_path / "fields", reader(told))
    write_report(target, result, tmp_path / "fields", "mlp")
    soup = BeautifulSoup(target.read_text(encoding="utf-8"), "html.parser")
    (item,) = soup.select("li")
    assert item.get_text().startswith("<b onerror='x'>&\"\ufffd\ufffdünï.png: ")
    assert "is empty" in item.get_text()
    assert "1 of 5 images could not be read" in soup.get_text()
    assert "4 fields of the folder" in soup.get_text()
    assert soup.find("b") is None


@pytest.mark.parametrize("shape", [(60, 200), (192, 1280), (1, 5000), (5000, 1), (3000, 4000)])
def test_pictures_are_no_larger_than_needed(shape: tuple[int, int]) -> None:
    uri = embedded(np.full(shape, 200, dtype=np.uint8))
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert image.width <= LARGEST_PICTURE[0]
    assert image.height <= LARGEST_PICTURE[1]
    if shape[0] <= LARGEST_PICTURE[1] and shape[1] <= LARGEST_PICTURE[0]:
        assert image.size == shape[::-1]


def test_a_thin_strip_gets_a_picture_of_some_width(tmp_path: Path) -> None:
    folder = made(tmp_path / "thin", {"strip.png": ("1", "2", 0.5)}).parent
    Image.new("L", (1, 2000), 255).save(folder / "images" / "strip.png")
    result = evaluate(folder, reader({"strip.png": ("1", "2", 0.5)}))
    (picture,) = BeautifulSoup(page(result, folder, "cnn"), "html.parser").select("img")
    assert picture["width"] == "1"
