"""Write the quizzes to print: both forms of each chapter without answers, and a key to all.

Usage: ``python -m tools.quizzes`` (``make quizzes``)

They go to _build/quizzes/: HTML pages that ask for nothing from elsewhere. A form takes one page
of A4, and index.html links all.
"""

import html
from collections.abc import Iterable
from pathlib import Path
from string import Template

from lessonlib.chapters import TITLES
from lessonlib.files import write_whole
from lessonlib.quiz import FORMS, LETTERS, Choice, Question, inline_html, quiz

ROOT = Path(__file__).resolve().parents[1]
QUIZZES = ROOT / "_build" / "quizzes"
TEMPLATE = ROOT / "theme" / "quizzes" / "page.html"
KEY = "key.html"
BLANKS = """<p class="blanks"><span>Name:</span> <span>Date:</span></p>
<p>Each question has one right answer.</p>"""
LETTERED = '<ol type="A">'
# As the chapters' headings have them: "1 History".
CHAPTERS = {stem: f"{number} {title}" for number, (stem, title) in enumerate(TITLES.items(), 1)}


def page(title: str, *parts: str) -> bytes:
    """Make a whole page, with its title on top."""
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    body = "\n".join([f"<h1>{html.escape(title)}</h1>", *parts])
    return template.substitute(title=html.escape(title), body=body).encode()


def sheet(stem: str, form: str) -> bytes:
    """Make the page of one form: its questions, and room for a name."""
    title = f"{CHAPTERS[stem]}: quiz, form {form.upper()}"
    return page(title, BLANKS, listed(map(asked, quiz(stem, form).questions)))


def key() -> bytes:
    """Make the page of all answers: what is right, and why each choice is right or wrong."""
    return page("Reading Digits: the key to the quizzes", *map(key_of, TITLES))


def key_of(stem: str) -> str:
    """Write the answers to both forms of a chapter."""
    parts = [f"<section><h2>{html.escape(CHAPTERS[stem])}</h2>"]
    for form in FORMS:
        questions = quiz(stem, form).questions
        letters = ", ".join(f"{n} {right_letter(q)}" for n, q in enumerate(questions, 1))
        parts += [f"<h3>Form {form.upper()}: {letters}</h3>", listed(map(answered, questions))]
    return "\n".join([*parts, "</section>"])


def listed(items: Iterable[str], start: str = '<ol class="questions">') -> str:
    """Write a numbered list."""
    return "\n".join([start, *(f"<li>{item}</li>" for item in items), "</ol>"])


def asked(question: Question) -> str:
    """Write a question as whoever takes the quiz sees it."""
    choices = (inline_html(choice.text) for choice in question.choices)
    return f"<p>{inline_html(question.text)}</p>\n{listed(choices, LETTERED)}"


def answered(question: Question) -> str:
    """Write a question with the reasons for its choices, and the section that they are from."""
    choices = listed(map(with_reason, question.choices), LETTERED)
    texts = (f"<p>{inline_html(text)}</p>" for text in (question.text, question.place))
    return f"\n{choices}\n".join(texts)


def with_reason(choice: Choice) -> str:
    """Write a choice and its reason; the right one is bold and says so."""
    text, reason = inline_html(choice.text), inline_html(choice.reason)
    if choice.right:
        text, reason = f"<b>{text}</b>", f"<b>{choice.verdict}</b> {reason}"
    return f'{text}<p class="reason">{reason}</p>'


def right_letter(question: Question) -> str:
    """Return the letter of the right choice."""
    return next(
        letter for letter, choice in zip(LETTERS, question.choices, strict=False) if choice.right
    )


def name_of(stem: str, form: str) -> str:
    """Return the name of a form's file.

    Examples
    --------
    >>> name_of("history", "b")
    '1-history-b.html'
    """
    return f"{list(TITLES).index(stem) + 1}-{stem}-{form}.html"


def index() -> bytes:
    """Make the page that links all others."""
    rows = ["<table>"]
    for stem, title in CHAPTERS.items():
        links = (
            f'<td><a href="{name_of(stem, form)}">form {form.upper()}</a></td>' for form in FORMS
        )
        rows.append(f"<tr><th>{html.escape(title)}</th>{''.join(links)}</tr>")
    return page("Reading Digits: quizzes", *rows, "</table>", f'<p><a href="{KEY}">The key</a></p>')


def write(folder: Path) -> None:
    """Write all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem in TITLES:
        for form in FORMS:
            write_whole(folder / name_of(stem, form), sheet(stem, form))
    write_whole(folder / KEY, key())
    write_whole(folder / "index.html", index())


def main() -> None:
    """Write the pages and say where they are."""
    write(QUIZZES)
    print(f"The quizzes and their key are at {QUIZZES / 'index.html'}")


if __name__ == "__main__":
    main()
