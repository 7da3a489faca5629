"""Take a text of Markdown apart, so that a slide can show some of it, and its notes have the rest.

The parts are headings, sentences, items of lists, displayed equations and other blocks. A part is
named by how it begins, so nothing that stands on a slide is written twice.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

NEW_SLIDE = "---"
EQUATION = "$$"
PREDICT = "**Predict"
WHOLE = re.compile(r"^\$\$.*?\$\$|^```.*?^```", re.DOTALL | re.MULTILINE)
ITEM = re.compile(r"^(?=- |\d+\. )", re.MULTILINE)
# Where a sentence ends, with what closes behind its mark, and another begins.
SENTENCE_END = re.compile(r"(?<=[.?!])(?:\*{1,2}|[)”\"])?\s+(?=[A-Z*`$(\[“\"])")
FORMULA = re.compile(r"\$[^$]*\$")
BEGINNING = re.compile(r"\*\*[^*?.]*\.\*\*$")
LINK = re.compile(r"\[([^\]]+)\]\([^()]*\)")


class Part(NamedTuple):
    """A piece of a text that a slide shows as a whole or not at all."""

    kind: str
    """"heading", "sentence", "item", "equation" or "block"."""
    block: int
    """The number of its block: sentences of one block make a paragraph."""
    text: str


def without_links(text: str) -> str:
    """Replace each link by its words: a slide has nothing to click.

    Examples
    --------
    >>> without_links("[Hebb, 1949](references.md) built a **[theory](glossary.md#theory)**.")
    'Hebb, 1949 built a **theory**.'
    """
    return LINK.sub(r"\1", text)


def blocks(text: str) -> list[str]:
    """Split a text at blank lines, and around each displayed equation and each block of code."""
    found, at = [], 0
    for whole in WHOLE.finditer(text):
        found += [*text[at : whole.start()].split("\n\n"), whole[0]]
        at = whole.end()
    found += text[at:].split("\n\n")
    return [block.strip() for block in found if block.strip()]


def sentences(paragraph: str) -> list[str]:
    """Split a paragraph into sentences.

    What the reader is asked to predict is one of them, up to its last question mark; so is a bold
    beginning with the sentence behind it.

    Examples
    --------
    >>> sentences("It doesn't stop. Is it slow, or *stuck*? **Predict:** it. How many? And why?")
    ["It doesn't stop.", 'Is it slow, or *stuck*?', '**Predict:** it. How many? And why?']
    >>> sentences("**ReLU.** Half of it stays. The rest is 0.")
    ['**ReLU.** Half of it stays.', 'The rest is 0.']
    """
    whole, at = [], 0
    for end in SENTENCE_END.finditer(paragraph):
        sentence = paragraph[at : end.end()].strip()
        if not is_open(sentence):
            whole.append(sentence)
            at = end.end()
    whole.append(paragraph[at:].strip())
    for place, sentence in enumerate(whole):
        if sentence.startswith(PREDICT):
            questions = [i for i, text in enumerate(whole) if text.endswith("?") and i > place]
            stop = max(questions, default=place) + 1
            return [*whole[:place], " ".join(whole[place:stop]), *whole[stop:]]
    return whole


def is_open(sentence: str) -> bool:
    """Say whether a sentence isn't complete: emphasis isn't closed, or all of it is a beginning."""
    words = FORMULA.sub("", sentence)
    return bool(
        words.count("**") % 2 or words.count("*") % 2 or "$" in words or BEGINNING.match(sentence)
    )


def parts(text: str) -> list[Part]:
    """Take a text apart, in its order."""
    found = []
    for number, block in enumerate(blocks(without_links(text))):
        if block.startswith("#"):
            pieces, kind = [block], "heading"
        elif block.startswith(EQUATION):
            pieces, kind = [block], "equation"
        elif ITEM.match(block):
            pieces, kind = ITEM.split(block), "item"
        elif block.startswith(("|", "```", ">", "<")):
            pieces, kind = [block], "block"
        else:
            pieces, kind = sentences(block), "sentence"
        found += [Part(kind, number, piece.strip()) for piece in pieces if piece.strip()]
    return found


def chosen_by_rule(found: Sequence[Part]) -> list[Part]:
    """Choose what a slide shows where nobody has chosen.

    That is the first question, the displayed equations, and what the reader is asked to predict.
    """
    question = next((p for p in found if p.kind == "sentence" and p.text.endswith("?")), None)
    return [p for p in found if p is question or p.kind == "equation" or p.text.startswith(PREDICT)]


def chosen_by_name(found: Sequence[Part], beginnings: Iterable[str]) -> list[list[Part]]:
    """Choose the parts that begin in the given ways, for one slide after another.

    A beginning takes the first part that no other has taken. "---" begins the next slide.

    Raises
    ------
    ValueError
        If no part begins in one of these ways.
    """
    slides: list[list[Part]] = [[]]
    taken: set[int] = set()
    for beginning in beginnings:
        if beginning == NEW_SLIDE:
            slides.append([])
            continue
        for place, part in enumerate(found):
            if place not in taken and begins(part, beginning):
                taken.add(place)
                slides[-1].append(part)
                break
        else:
            raise ValueError(
                f"nothing in the text begins with {beginning!r}: correct the cell's metadata, "
                "slideshow.shows"
            )
    return [sorted(slide, key=found.index) for slide in slides]


def begins(part: Part, beginning: str) -> bool:
    """Say whether a part begins so, wherever its lines break."""
    return part.kind != "heading" and " ".join(part.text.split()).startswith(beginning)


def joined(chosen: Iterable[Part]) -> list[str]:
    """Join sentences to paragraphs, and items to lists; what is to be predicted stays alone."""

    def place(part: Part) -> tuple[int, bool]:
        return part.block, part.text.startswith(PREDICT)

    texts = []
    for _, group in groupby(chosen, place):
        together = list(group)
        texts.append(("\n" if together[0].kind == "item" else " ").join(p.text for p in together))
    return texts
