"""The quizzes hold what they promise, and a source that is malformed says what is wrong."""

import html
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from myst_parser.mdit_to_docutils.base import default_slugify

from lessonlib.chapters import TITLES
from lessonlib.quiz import FORMS, Choice, Question, Quiz, parse, quiz

ROOT = Path(__file__).resolve().parents[1]
STEMS = list(TITLES)

GOOD = """\
# A title

## Is `1 < 2`?
It is about numbers.
see: history / A unit that learns
- [ ] No | It is the
  other way round.
- [x] Yes | 2 is larger.
"""

BOTH = [(stem, form) for form in FORMS for stem in STEMS]

every_chapter = pytest.mark.parametrize("stem", STEMS)
every_form = pytest.mark.parametrize("form", FORMS)
every_quiz = pytest.mark.parametrize(("stem", "form"), BOTH)


def notebook(stem: str) -> Path:
    (path,) = (ROOT / "chapters").glob(f"[0-9]*-{stem}.ipynb")
    return path


@cache
def headings(stem: str) -> set[str]:
    found: set[str] = set()
    for cell in json.loads(notebook(stem).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            found |= set(re.findall(r"^##+ (.+?)\s*$", text, flags=re.MULTILINE))
    return found


def right_answer(question: Question) -> Choice:
    (right,) = [choice for choice in question.choices if choice.right]
    return right


def texts(question: Question) -> list[str]:
    parts = [question.text, question.section]
    return parts + [part for choice in question.choices for part in (choice.text, choice.reason)]


# ---------------------------------------------------------------- the ten quizzes, in two forms


def test_there_are_two_sources_for_each_chapter_and_no_other() -> None:
    names = {path.stem for path in (ROOT / "data" / "quizzes").iterdir()}
    assert names == {name for stem in STEMS for name in (stem, f"{stem}-b")}


@every_quiz
def test_a_quiz_has_five_questions(stem: str, form: str) -> None:
    assert len(quiz(stem, form).questions) == 5


@every_quiz
def test_a_question_has_one_right_answer_and_two_or_three_wrong_ones(stem: str, form: str) -> None:
    for question in quiz(stem, form).questions:
        assert sum(choice.right for choice in question.choices) == 1, question.text
        assert len(question.choices) in (3, 4), question.text


@every_quiz
def test_every_choice_has_a_reason_of_its_own(stem: str, form: str) -> None:
    for question in quiz(stem, form).questions:
        reasons = [choice.reason for choice in question.choices]
        assert all(reason.endswith(".") for reason in reasons), question.text
        assert len(set(reasons)) == len(reasons), question.text
        assert len({choice.text for choice in question.choices}) == len(reasons), question.text


@every_quiz
def test_two_questions_return_to_earlier_chapters_and_none_runs_ahead(stem: str, form: str) -> None:
    places = [STEMS.index(question.stem) for question in quiz(stem, form).questions]
    own = STEMS.index(stem)
    assert max(places) == own
    assert sum(place < own for place in places) == (0 if stem == "history" else 2)


@every_quiz
def test_each_question_names_a_section_that_exists(stem: str, form: str) -> None:
    for question in quiz(stem, form).questions:
        assert question.section in headings(question.stem), question.text


def test_no_question_is_asked_twice() -> None:
    asked = [question.text for pair in BOTH for question in quiz(*pair).questions]
    assert len(set(asked)) == len(asked)


@every_chapter
def test_both_forms_ask_about_the_same_sections_in_the_same_order(stem: str) -> None:
    first, second = ([(q.stem, q.section) for q in quiz(stem, form).questions] for form in FORMS)
    assert first == second


@every_chapter
def test_who_remembers_an_answer_of_one_form_has_none_of_the_other(stem: str) -> None:
    for first, second in zip(*(quiz(stem, form).questions for form in FORMS), strict=True):
        right = right_answer(first), right_answer(second)
        assert right[0].text != right[1].text, first.text
        assert first.choices.index(right[0]) != second.choices.index(right[1]), first.text


@every_quiz
def test_the_right_answer_moves_about(stem: str, form: str) -> None:
    places = [each.choices.index(right_answer(each)) for each in quiz(stem, form).questions]
    assert len(set(places)) >= 3
    assert max(places.count(place) for place in places) <= 2


@every_form
def test_each_place_is_right_about_equally_often(form: str) -> None:
    asked = [question for stem in STEMS for question in quiz(stem, form).questions]
    places = [question.choices.index(right_answer(question)) for question in asked]
    for place in range(3):
        assert 10 <= places.count(place) <= 20


@every_quiz
def test_the_right_answer_is_the_longest_in_at_most_half_of_the_questions(
    stem: str, form: str
) -> None:
    longest = 0
    for question in quiz(stem, form).questions:
        wrong = [len(choice.text) for choice in question.choices if not choice.right]
        longest += len(right_answer(question).text) > max(wrong)
    assert longest <= 2


@every_quiz
def test_the_choices_of_a_question_are_of_similar_length(stem: str, form: str) -> None:
    for question in quiz(stem, form).questions:
        lengths = [len(choice.text) for choice in question.choices]
        assert max(lengths) <= 1.4 * min(lengths) + 10, question.text


@every_quiz
def test_the_texts_are_plain(stem: str, form: str) -> None:
    for question in quiz(stem, form).questions:
        for text in texts(question):
            assert not re.search(r"[$\\*]|<[a-z]", text), text  # LaTeX, emphasis, HTML
            assert text.count("`") % 2 == 0, text
            assert not re.search(r"\bchapter \d|\ball of the above\b", text, re.IGNORECASE), text


# ---------------------------------------------------------------- HTML


class Outline(HTMLParser):
    """Notes the tags and their attributes, and complains about one that is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@every_quiz
def test_a_notebook_shows_a_list_whose_choices_open(stem: str, form: str) -> None:
    shown = quiz(stem, form)
    outline = Outline()
    outline.feed(shown._repr_html_())
    choices = sum(len(question.choices) for question in shown.questions)
    assert outline.open == []
    assert (outline.tags.count("ol"), outline.tags.count("li")) == (1, 5)
    assert outline.tags.count("details") == outline.tags.count("summary") == choices
    assert "open" not in dict(outline.attributes)


@every_quiz
def test_the_html_runs_no_script_and_asks_for_nothing(stem: str, form: str) -> None:
    outline = Outline()
    outline.feed(quiz(stem, form)._repr_html_())
    allowed = {"section", "style", "ol", "li", "p", "details", "summary", "strong", "code", "small"}
    allowed.add("a")
    assert set(outline.tags) <= allowed
    assert {name for name, _ in outline.attributes} == {"class", "aria-label", "target", "href"}
    assert not re.search(
        r"url\(|@import|(?<![\w-])color:|background", quiz(stem, form)._repr_html_()
    )


def test_a_choice_opens_to_its_verdict_and_reason() -> None:
    shown = Quiz("history", parse(GOOD))._repr_html_()
    assert "<summary>A. No</summary><p><strong>Not quite.</strong> It is the other" in shown
    assert "<summary>B. Yes</summary><p><strong>Right.</strong> 2 is larger.</p>" in shown
    assert shown.index("2 is larger") < shown.index("A unit that learns")


def test_html_in_a_source_is_escaped_and_code_is_marked() -> None:
    nasty = "<script>alert('&')</script>"
    choices = (Choice(nasty, nasty, right=True), Choice("`a < b`", "`b`", right=False))
    shown = Quiz("history", (Question(nasty, "history", nasty, choices),))._repr_html_()
    assert "<script" not in shown
    assert shown.count(html.escape(nasty)) == 4
    assert "<code>a &lt; b</code>" in shown


@every_quiz
def test_the_hint_links_to_its_section_of_the_published_book(stem: str, form: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shown = quiz(stem, form)._repr_html_()
    for question in quiz(stem, form).questions:
        page = f"{project['urls']['Book']}/chapters/{notebook(question.stem).stem}.html"
        assert question.address == f"{page}#{default_slugify(question.section)}"
        assert f'href="{question.address}">“' in shown


# ---------------------------------------------------------------- plain text


@every_quiz
def test_the_plain_text_is_at_most_80_wide(stem: str, form: str) -> None:
    assert max(len(line) for line in str(quiz(stem, form)).splitlines()) <= 80


@every_quiz
def test_the_plain_text_has_all_questions_before_the_first_answer(stem: str, form: str) -> None:
    shown = quiz(stem, form)
    asked, answers = map(in_one_line, str(shown).split("\n\nAnswers\n\n"))
    for question in shown.questions:
        assert in_one_line(question.text) in asked
        assert question.section in answers
        for choice in question.choices:
            assert in_one_line(choice.text) in asked
            assert in_one_line(f"{choice.verdict} {choice.reason}") in answers
            assert in_one_line(choice.reason) not in asked


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def test_a_small_quiz_in_plain_text() -> None:
    assert str(Quiz("history", parse(GOOD))).splitlines() == [
        "Quiz: History",
        "",
        "1. Is `1 < 2`? It is about numbers.",
        "   A. No",
        "   B. Yes",
        "",
        "Answers",
        "",
        "1. See “A unit that learns” in History.",
        "   A. Not quite. It is the other way round.",
        "   B. Right. 2 is larger.",
    ]


# ---------------------------------------------------------------- sources that are malformed


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[x]", "[ ]", r"line 3 begins a question with 0 right answers: mark one choice"),
        ("[ ]", "[x]", r"line 3 begins a question with 2 right answers: mark one choice"),
        (" | 2 is larger.", "", r"line 8 has no reason: write the reason"),
        (" | 2 is larger.", " |", r"line 8 has no reason: write the reason"),
        ("No | It", "| It", r"line 6 has no reason: write the reason"),
        ("see: history / A unit that learns\n", "", r"line 3 .* 0 lines 'see:': give it one"),
        ("see:", "see: forward / X\nsee:", r"line 3 .* 2 lines 'see:': give it one"),
        ("see: history", "see: 1", r"line 5 names no section: write 'see: STEM / Section'"),
        (" / A unit that learns", "", r"line 5 names no section: write 'see: STEM / Section'"),
        ("- [x] Yes | 2 is larger.\n", "", r"line 3 .* 1 choices: give it 2 to 8"),
        ("- [x]", "- [y]", r"line 8 is no choice: begin a wrong choice"),
        ("- [x]", "* [x]", r"line 8 is no choice: begin a choice"),
        ("  other", "other", r"line 7 is no choice: .* indent a line"),
        ("## ", "", r"line 3 stands before the first question: begin it with '## '"),
    ],
)
def test_a_malformed_source_names_the_line_and_the_remedy(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=f"^mine.md: {message}"):
        parse(GOOD.replace(old, new, 1), "mine.md")


@pytest.mark.parametrize("text", ["", "\n\n", "# A title\n"])
def test_a_source_without_a_question_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"^mine.md has no question: add one"):
        parse(text, "mine.md")


@pytest.mark.parametrize("stem", ["", "nothing", "3-backprop", "../checks/labels"])
def test_an_unknown_stem_is_answered_with_the_known_ones(stem: str) -> None:
    with pytest.raises(ValueError, match=r"no chapter has the stem .*: take one of history, .*"):
        quiz(stem)


def test_an_unknown_form_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"^no quiz has the form 'c': take one of a, b$"):
        quiz("history", "c")


def test_the_module_is_cheap_to_import() -> None:
    code = "import sys, lessonlib.quiz; print(*{'numpy', 'torch', 'cv2'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_kit_s_quiz_links_to_its_own_copy_of_the_book() -> None:
    code = "from lessonlib.quiz import quiz; print(quiz('forward').questions[0].address)"
    environment = os.environ | {"LESSONLIB_BOOK": "/static"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert re.match(r"/static/chapters/\d-\w+\.html#[\w-]+$", done.stdout)
