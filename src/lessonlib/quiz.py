"""Five questions at the end of each chapter, with a reason for every answer.

The questions lie in ``data/quizzes``, a text file for each chapter. A question looks like this::

    ## Which shape has `a @ W`, for `a` of shape (5, 3) and `W` of shape (3, 2)?
    see: forward / A layer is a matrix product
    - [ ] (3, 3) | The inner sizes must agree, and they go away.
    - [x] (5, 2) | A row for each example, a column for each unit,
      as the outer sizes say.

``see:`` names the chapter by its stem, and the section in which the answer is found. The right
answer has the ``[x]``, and behind `` | `` each choice has its reason. An indented line continues
the line before. Empty lines don't count, and neither does a title, a line with a single ``#``.

Each question has two forms, about the same section and of the same difficulty. ``history.md`` holds
form a, which the chapter shows; ``history-b.md`` holds form b, in the same order, for use in class.
"""

import html
import re
import textwrap
from dataclasses import dataclass

from lessonlib import data_path
from lessonlib.chapters import BOOK, TITLES

LETTERS = "ABCDEFGH"
FORMS = ("a", "b")
WIDTH = 80  # characters in a line of the plain text

# It inherits all colours, so that it can be read in light and dark.
STYLE = """
.lessonlib-quiz { max-width: 45em; overflow-wrap: anywhere; }
.lessonlib-quiz ol { padding-left: 1.6em; }
.lessonlib-quiz li { margin-bottom: 1.5em; }
.lessonlib-quiz p { margin: 0.4em 0; }
.lessonlib-quiz details { border: 1px solid rgb(128 128 128 / 60%); margin: 0.3em 0; }
.lessonlib-quiz details p { padding: 0 0.6em; }
.lessonlib-quiz summary { cursor: pointer; padding: 0.5em 0.6em; }
.lessonlib-quiz summary:focus-visible { outline: 3px solid currentColor; outline-offset: 1px; }
"""


@dataclass(frozen=True)
class Choice:
    """One of the answers to choose from, and the reason why it is right or wrong."""

    text: str
    reason: str
    right: bool

    @property
    def verdict(self) -> str:
        """What is said to whoever chooses it, before the reason."""
        return "Right." if self.right else "Not quite."


@dataclass(frozen=True)
class Question:
    """A question, its choices, and the section of a chapter in which the answer is found."""

    text: str
    stem: str
    section: str
    choices: tuple[Choice, ...]

    @property
    def place(self) -> str:
        """The section in words, with the chapter's title."""
        return f"See “{self.section}” in {TITLES[self.stem]}."

    @property
    def address(self) -> str:
        """The section's address in the published book: a link to it works in Colab, too."""
        page = f"{list(TITLES).index(self.stem) + 1}-{self.stem}.html"
        return f"{BOOK}/chapters/{page}#{_anchor(self.section)}"


@dataclass(frozen=True, repr=False)
class Quiz:
    """The questions of a chapter: a notebook shows them as HTML, `print` as plain text."""

    stem: str
    questions: tuple[Question, ...]

    def __repr__(self) -> str:
        title = f"Quiz: {TITLES[self.stem]}"
        questions = [_asked(number, each) for number, each in enumerate(self.questions, start=1)]
        answers = [_answered(number, each) for number, each in enumerate(self.questions, start=1)]
        return "\n\n".join([title, *questions, "Answers", *answers])

    def _repr_html_(self) -> str:
        questions = "\n".join(_as_html(question) for question in self.questions)
        label = html.escape(f"Quiz: {TITLES[self.stem]}")
        return (
            f'<section class="lessonlib-quiz tex2jax_ignore" aria-label="{label}">\n'
            f"<style>{STYLE}</style>\n<ol>\n{questions}\n</ol>\n</section>"
        )


def quiz(stem: str, form: str = "a") -> Quiz:
    """Read the quiz of a chapter.

    Parameters
    ----------
    stem : str
        The chapter's stem, a key of `chapters.TITLES`.
    form : str
        Which form of the questions, one of `FORMS`; "a" is the one that the chapter shows.

    Returns
    -------
    Quiz
        The questions, in the order of the file.

    Raises
    ------
    ValueError
        When no chapter has this stem, no question has this form, or the file can't be understood.

    Examples
    --------
    >>> len(quiz("history").questions)
    5
    """
    if stem not in TITLES:
        raise ValueError(f"no chapter has the stem {stem!r}: take one of {', '.join(TITLES)}")
    if form not in FORMS:
        raise ValueError(f"no quiz has the form {form!r}: take one of {', '.join(FORMS)}")
    path = data_path("quizzes", f"{stem}.md" if form == "a" else f"{stem}-{form}.md")
    return Quiz(stem, parse(path.read_text(encoding="utf-8"), path.name))


def parse(text: str, name: str = "quiz") -> tuple[Question, ...]:
    """Turn the source text of a quiz into questions.

    Parameters
    ----------
    text : str
        Questions as the module's docstring shows them.
    name : str
        What error messages call the text: the name of its file.

    Returns
    -------
    tuple of Question
        At least one.

    Raises
    ------
    ValueError
        When something is missing, twice there, or not in its place. The message names the line
        and the remedy.

    Examples
    --------
    >>> source = '''
    ... ## What is 1 XOR 1?
    ... see: history / Four points that no line divides
    ... - [x] 0 | XOR is 1 when exactly one of the two is.
    ... - [ ] 1 | That is OR.
    ... '''
    >>> question = parse(source)[0]
    >>> question.section
    'Four points that no line divides'
    >>> [choice.text for choice in question.choices if choice.right]
    ['0']
    """
    blocks: list[list[tuple[int, str]]] = []
    for number, line in _whole_lines(text):
        if line.startswith("## "):
            blocks.append([(number, line)])
        elif line.startswith("# "):
            continue
        elif blocks:
            blocks[-1].append((number, line))
        else:
            raise _error(name, number, "stands before the first question", "begin it with '## '")
    if not blocks:
        raise ValueError(f"{name} has no question: add one, which begins with '## '")
    return tuple(_question(block, name) for block in blocks)


def _whole_lines(text: str) -> list[tuple[int, str]]:
    """Join indented lines to the lines that they continue; number each by where it begins."""
    whole: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line[:1].isspace() and line.strip() and whole:
            first, before = whole[-1]
            whole[-1] = (first, f"{before} {line.strip()}")
        elif line.strip():
            whole.append((number, line.strip()))
    return whole


def _question(block: list[tuple[int, str]], name: str) -> Question:
    """Make a question of its lines, the first of which begins with ``##``."""
    start = block[0][0]
    words: list[str] = []
    places: list[tuple[str, str]] = []
    choices: list[Choice] = []
    for number, line in block:
        if line.startswith("- "):
            choices.append(_choice(line, number, name))
        elif line.startswith("see:"):
            places.append(_place(line, number, name))
        elif places or choices:
            remedy = "begin a choice with '- [ ]', or indent a line that continues one"
            raise _error(name, number, "is no choice", remedy)
        else:
            words.append(line.removeprefix("## "))
    if len(places) != 1:
        remedy = "give it one, as 'see: history / A unit that learns'"
        raise _error(name, start, f"begins a question with {len(places)} lines 'see:'", remedy)
    if not 2 <= len(choices) <= len(LETTERS):
        remedy = f"give it 2 to {len(LETTERS)} choices, each a line that begins with '- [ ]'"
        raise _error(name, start, f"begins a question with {len(choices)} choices", remedy)
    right = sum(choice.right for choice in choices)
    if right != 1:
        remedy = "mark one choice with '[x]', the others with '[ ]'"
        raise _error(name, start, f"begins a question with {right} right answers", remedy)
    stem, section = places[0]
    return Question(" ".join(words), stem, section, tuple(choices))


def _choice(line: str, number: int, name: str) -> Choice:
    match = re.fullmatch(r"- \[([ x])\] (.+)", line)
    if match is None:
        remedy = "begin a wrong choice with '- [ ] ' and the right one with '- [x] '"
        raise _error(name, number, "is no choice", remedy)
    text, _, reason = match[2].partition(" | ")
    if not text.strip() or not reason.strip():
        raise _error(name, number, "has no reason", "write the reason behind the choice and ' | '")
    return Choice(text.strip(), reason.strip(), right=match[1] == "x")


def _place(line: str, number: int, name: str) -> tuple[str, str]:
    """Split ``see: STEM / Section`` into the stem and the section."""
    stem, _, section = line.removeprefix("see:").partition(" / ")
    if stem.strip() not in TITLES or not section.strip():
        remedy = f"write 'see: STEM / Section' with one of {', '.join(TITLES)}"
        raise _error(name, number, "names no section", remedy)
    return stem.strip(), section.strip()


def _error(name: str, number: int, problem: str, remedy: str) -> ValueError:
    return ValueError(f"{name}: line {number} {problem}: {remedy}")


def _asked(number: int, question: Question) -> str:
    """Write a question and its lettered choices as plain text."""
    lines = [_wrapped(f"{number}. ", question.text)]
    for letter, choice in zip(LETTERS, question.choices, strict=False):
        lines.append(_wrapped(f"   {letter}. ", choice.text))
    return "\n".join(lines)


def _answered(number: int, question: Question) -> str:
    """Write what is to be said about each choice as plain text."""
    lines = [_wrapped(f"{number}. ", question.place)]
    for letter, choice in zip(LETTERS, question.choices, strict=False):
        lines.append(_wrapped(f"   {letter}. ", f"{choice.verdict} {choice.reason}"))
    return "\n".join(lines)


def _wrapped(mark: str, text: str) -> str:
    """Break a text into lines, the first behind the mark and the others below its text."""
    indent = " " * len(mark)
    return textwrap.fill(
        text, WIDTH, initial_indent=mark, subsequent_indent=indent, break_on_hyphens=False
    )


def _as_html(question: Question) -> str:
    """Write a question as an item of a list; each choice opens to show its reason."""
    choices = "\n".join(
        f"<details><summary>{letter}. {inline_html(choice.text)}</summary>"
        f"<p><strong>{choice.verdict}</strong> {inline_html(choice.reason)}</p></details>"
        for letter, choice in zip(LETTERS, question.choices, strict=False)
    )
    section = f"“{inline_html(question.section)}”"
    link = f'<a target="_blank" href="{html.escape(question.address)}">{section}</a>'
    text, place = inline_html(question.text), inline_html(question.place).replace(section, link)
    return f"<li>\n<p>{text}</p>\n{choices}\n<p><small>{place}</small></p>\n</li>"


def _anchor(heading: str) -> str:
    """Name a heading's place on its page, as the book and GitHub do."""
    return re.sub(r"[^\w\- ]", "", heading.lower().replace(" ", "-"))


def inline_html(text: str) -> str:
    """Escape a text for HTML, and set what stands between backticks as code.

    Examples
    --------
    >>> inline_html("Is `1 < 2`?")
    'Is <code>1 &lt; 2</code>?'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
