"""The quizzes to print: a page for each form without answers, and a key that has them all."""

import html
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from lessonlib.quiz import inline_html, quiz
from tests.test_quiz import BOTH, STEMS, every_quiz, right_answer
from tools import quizzes
from tools.notebooks import chapters

SHEETS = [quizzes.name_of(*pair) for pair in BOTH]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write all pages."""
    folder = tmp_path_factory.mktemp("build") / "quizzes"
    quizzes.write(folder)
    return folder


def text_of(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


@every_quiz
def test_a_sheet_has_every_choice_and_no_answer(written: Path, stem: str, form: str) -> None:
    text = text_of(written, quizzes.name_of(stem, form))
    for question in quiz(stem, form).questions:
        assert f"<p>{inline_html(question.text)}</p>" in text
        for choice in question.choices:
            assert f"<li>{inline_html(choice.text)}</li>" in text
            assert inline_html(choice.reason) not in text
    assert "Right." not in text
    assert "Name:" in text


@every_quiz
def test_the_key_has_every_reason(written: Path, stem: str, form: str) -> None:
    text = text_of(written, "key.html")
    for question in quiz(stem, form).questions:
        for choice in question.choices:
            assert inline_html(choice.reason) in text
        right = right_answer(question)
        assert f"<b>{inline_html(right.text)}</b>" in text
        assert f"<b>Right.</b> {inline_html(right.reason)}" in text
    assert text.count("<b>Right.</b>") == 5 * len(BOTH)


@pytest.mark.parametrize("stem", STEMS)
def test_the_key_s_letters_are_those_of_the_right_choices(stem: str) -> None:
    lines = re.findall(r"<h3>Form (\w): (.+)</h3>", quizzes.key_of(stem))
    assert [form for form, _ in lines] == ["A", "B"]
    for form, letters in lines:
        for number, letter in re.findall(r"(\d) (\w)", letters):
            question = quiz(stem, form.lower()).questions[int(number) - 1]
            assert question.choices["ABCD".index(letter)].right
        assert letters.count(",") == 4


def test_a_chapter_is_named_as_its_notebook_is(written: Path) -> None:
    names = [f"{path.stem}-{form}.html" for form in ("a", "b") for path in chapters()]
    assert names == SHEETS


def test_the_first_page_links_all_others(written: Path) -> None:
    links = re.findall(r'href="([^"]+)"', text_of(written, "index.html"))
    assert sorted([*links, "index.html"]) == sorted(path.name for path in written.iterdir())
    assert set(links) == {*SHEETS, "key.html"}


def test_no_page_asks_for_anything_from_elsewhere(written: Path) -> None:
    for path in written.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<script|<link|<img|src=|//|url\(|@import", html.unescape(text))


def test_each_form_prints_on_one_page_of_a4(written: Path, browser: Browser) -> None:
    tab = browser.new_page()
    for name in SHEETS:
        tab.goto((written / name).as_uri())
        printed = PdfReader(io.BytesIO(tab.pdf(prefer_css_page_size=True)))
        assert len(printed.pages) == 1, name
        size = [round(float(side) / 72 * 25.4) for side in printed.pages[0].mediabox[2:]]
        assert size == [210, 297]
    tab.close()
