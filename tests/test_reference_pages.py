"""The pages that chapters link to: the glossary has every term, the notation page is true."""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from myst_parser.mdit_to_docutils.base import default_slugify

import lessonlib
from lessonlib import network, optimizers
from lessonlib.checks import binarize as binarize_function
from lessonlib.models import MLP
from tests.rows import each
from tools import notebooks
from tools.notebooks import number_of

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
NOTEBOOKS = notebooks.chapters()
GLOSSARY, NOTATION = CHAPTERS / "glossary.md", CHAPTERS / "notation.md"

# Bold in a chapter, and no term that is defined there. What ends like a sentence or a question
# ("Predict:", "How many units.") is no term either, and needs no mention here.
NO_TERMS = """
after this chapter you can | predict | read them yourself first | theorem | from the logits
zero_grad | step | forward | backward | in adam | in adamw
add | by the inputs | without any
currency sign | ruled lines | touching digits | no answer "not a digit"
if the next cell says "using the 1,797 digits bundled with scikit-learn"
"""


class Section(NamedTuple):
    """A heading and the text below it, without the code."""

    level: int
    heading: str
    text: str

    @property
    def anchor(self) -> str:
        return str(default_slugify(self.heading))


def sections_of(markdown: str) -> list[Section]:
    """Cut a page at its headings; `#` in a fenced block starts none."""
    plain = re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    parts = re.split(r"^(#{1,3}) (.+)$", plain, flags=re.MULTILINE)[1:]
    return [
        Section(len(marks), heading.strip(), text)
        for marks, heading, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]


@cache
def page(path: Path) -> list[Section]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return sections_of(text)


def without_links(text: str) -> str:
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)


def bold(text: str) -> list[str]:
    """Every phrase in bold that is no sentence, in one spelling."""
    phrases = re.findall(r"\*\*(.+?)\*\*", without_links(text), flags=re.DOTALL)
    return [spelled(phrase) for phrase in phrases if phrase[-1] not in ".:?!"]


@cache
def bold_of(path: Path) -> list[tuple[str, list[str]]]:
    """For every section of a page its anchor, and what it prints in bold."""
    return [(section.anchor, bold(section.text)) for section in page(path)]


def spelled(term: str) -> str:
    return " ".join(re.sub(r"[`$_]", "", term).casefold().split())


@cache
def same_term(one: str, other: str) -> bool:
    """Whether two spellings differ only by a plural."""
    stems = [{term, term.removesuffix("s"), term.removesuffix("es")} for term in (one, other)]
    return not stems[0].isdisjoint(stems[1])


def entries() -> list[Section]:
    return [section for section in page(GLOSSARY) if section.level == 3]


def names(entry: Section) -> list[str]:
    """The heading of an entry, and the other names that it prints in bold."""
    return [spelled(entry.heading), *bold(entry.text)]


def place(entry: Section) -> tuple[str, str, str]:
    """Where an entry says that its term comes from: link text, file, anchor."""
    links = re.findall(r"\[([^\]]+)\]\((\d+-[\w-]+\.ipynb)#([^)]+)\)", entry.text)
    assert links, f"{entry.heading}: no link to the section of a chapter"
    text, file, anchor = links[-1]
    return " ".join(text.split()), file, anchor


every_entry = each(entries(), name=lambda entry: entry.anchor)
every_chapter = each(NOTEBOOKS, name=lambda path: path.stem)


# ---------------------------------------------------------------- the glossary


def test_terms_are_in_alphabetical_order_under_their_letters() -> None:
    found = [section for section in page(GLOSSARY) if section.level > 1]
    keys = [re.sub(r"\W", "", section.heading.casefold()) for section in found]
    assert keys == sorted(keys)
    letter = ""
    for section in found:
        letter = section.heading if section.level == 2 else letter
        assert section.heading[0].upper() == letter


def test_no_two_entries_explain_the_same_term() -> None:
    headings = [spelled(entry.heading) for entry in entries()]
    assert len(headings) > 90
    assert len(set(headings)) == len(headings)


@every_entry
def test_an_entry_is_short(entry: Section) -> None:
    *sentences, source = entry.text.strip().split("\n\n")
    assert len(sentences) == 1
    assert 5 <= len(sentences[0].split()) <= 75
    assert source.startswith("[Chapter ")


@every_entry
def test_an_entry_links_to_a_section_that_prints_its_term_in_bold(entry: Section) -> None:
    text, file, anchor = place(entry)
    targets = [section for section in page(CHAPTERS / file) if section.anchor == anchor]
    assert len(targets) == 1, f"{file} has no section #{anchor}"
    assert text == f"Chapter {number_of(file)}: {targets[0].heading}"
    defining = {
        (path.name, place)
        for path in NOTEBOOKS
        for place, terms in bold_of(path)
        if any(same_term(name, term) for term in terms for name in names(entry))
    } | {
        (path.name, section.anchor)
        for path in NOTEBOOKS
        for section in page(path)
        if f"glossary.md#{entry.anchor})" in section.text
    }
    if defining:
        assert (file, anchor) in defining, f"in bold in {sorted(defining)}"
    else:
        prose = spelled(without_links(targets[0].heading + targets[0].text))
        stems = [word[:6] for name in names(entry) for word in re.findall(r"\w{4,}", name)]
        assert any(stem in prose for stem in stems), f"{file}#{anchor} doesn't say {stems}"


@every_chapter
def test_every_term_that_a_chapter_prints_in_bold_has_an_entry(path: Path) -> None:
    known = [name for entry in entries() for name in names(entry)]
    known += [spelled(phrase) for line in NO_TERMS.splitlines() for phrase in line.split("|")]
    terms = {term for section in page(path) for term in bold(section.text)}
    assert terms
    assert {term for term in terms if not any(same_term(term, name) for name in known)} == set()


def links_to(target: Path) -> Iterator[tuple[str, str]]:
    """Every link to a place in a reference page: the page it is on, the anchor."""
    for path in [*NOTEBOOKS, *CHAPTERS.glob("*.md")]:
        own = r"(?:" + re.escape(target.name) + r")" + ("?" if path == target else "")
        for section in page(path):
            for anchor in re.findall(r"\]\(" + own + r"#([^)]+)\)", section.text):
                yield path.name, anchor


@pytest.mark.parametrize("target", [GLOSSARY, NOTATION], ids=lambda path: path.stem)
def test_links_to_a_reference_page_hit_a_heading(target: Path) -> None:
    anchors = {section.anchor for section in page(target)}
    links = set(links_to(target))
    assert {link for link in links if link[1] not in anchors} == set()


@every_chapter
def test_each_chapter_links_its_terms_to_the_glossary(path: Path) -> None:
    assert path.name in {name for name, _ in links_to(GLOSSARY)}


# ---------------------------------------------------------------- the notation page


class Row(NamedTuple):
    """A line of a table of the notation page."""

    symbols: list[str]
    meaning: str
    shapes: list[str]
    code: list[str]
    source: str


def table(section: Section) -> list[dict[str, str]]:
    """Return the rows of a section's table by the names of its columns; none if it has none."""
    lines = [line for line in section.text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


@cache
def formulas(text: str) -> list[str]:
    """Return what stands between dollar signs, without spaces and with fractions as A/B."""
    text = re.sub(r"`[^`\n]*`", "", text).replace(r"\$", "")
    found = re.findall(r"\$\$(.+?)\$\$|\$([^$]+?)\$", text, flags=re.DOTALL)
    plain = [re.sub(r"\\[,;!]|\s", "", display or inline) for display, inline in found]
    return [re.sub(r"\\[td]?frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", formula) for formula in plain]


def rows() -> list[Row]:
    found = []
    for section in page(NOTATION):
        for row in table(section):
            if "From" in row:
                code = re.findall(r"`([^`]+)`", row["Code"])
                shapes = re.findall(r"\$([^$]+)\$", row.get("Shape", ""))
                symbols = formulas(row["Symbol"])
                found.append(Row(symbols, row["Meaning"], shapes, code, row["From"]))
    return found


class Place(NamedTuple):
    """Where a symbol has another meaning than the one of its row."""

    letters: set[str]
    meaning: str
    section: Section
    chapter: int


def second_meanings() -> list[Place]:
    tables = [row for section in page(NOTATION) for row in table(section) if "There" in row]
    return [
        Place(
            set().union(*map(letters, formulas(row["Symbol"]))),
            row["Meaning"],
            section,
            number_of(file),
        )
        for row in tables
        for _, file, section in linked(row["There"])
    ]


def linked(cell: str) -> list[tuple[str, str, Section]]:
    """Return the text, the file and the section of each link to a chapter; each has to hit one."""
    found = []
    for text, file, anchor in re.findall(r"\[\(?([\d.]+)\)?\]\(([\w-]+\.ipynb)#([^)]+)\)", cell):
        target = [section for section in page(CHAPTERS / file) if section.anchor == anchor]
        assert len(target) == 1, f"{file} has no section #{anchor}"
        found.append((text, file, target[0]))
    assert found, f"no link to a chapter: {cell}"
    return found


GREEK = (
    r"\\(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma"
    r"|tau|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Sigma|Phi|Psi|Omega)(?![a-z])"
)
WORDS = r"\\(?:text|textit|tag|begin|end)\{[^}]*\}"


@cache
def letters(formula: str) -> list[str]:
    """Return the letters of a formula, Latin and Greek, and its named operators, in order."""
    names = r"\\operatorname\{\w+\}|\\mathcal\{?[A-Z]\}?"
    without_words = re.sub(WORDS, "", formula)
    found = re.findall(rf"({names}|{GREEK})|\\[A-Za-z]+|([A-Za-z])", without_words)
    return [name or letter for name, letter in found if name or letter]


def has(text: str, symbol: str) -> bool:
    """Say whether a formula of a text has a symbol: a letter anywhere, anything else as it is."""
    if letters(symbol) == [symbol]:
        return any(symbol in letters(formula) for formula in formulas(text))
    return any(symbol in formula for formula in formulas(text))


@cache
def text_of(path: Path) -> str:
    return "".join(section.text for section in page(path))


every_row = each(rows(), name=lambda row: ", ".join(row.symbols))


def test_no_symbol_stands_in_two_rows() -> None:
    symbols = [symbol for row in rows() for symbol in row.symbols]
    assert len(symbols) > 60
    assert {symbol for symbol in symbols if symbols.count(symbol) > 1} == set()


@every_row
def test_a_symbol_comes_from_the_section_that_its_link_names(row: Row) -> None:
    for text, file, section in linked(row.source):
        if "." in text:
            assert rf"\tag{{{text}}}" in section.text
        else:
            assert text == str(number_of(file))
    sections = [section.text for _, _, section in linked(row.source)]
    for symbol in row.symbols:
        base = letters(symbol)[0] if letters(symbol) else symbol
        assert any(has(text, symbol) or has(text, base) for text in sections), symbol


@every_row
def test_a_symbol_comes_from_the_first_chapter_that_uses_it(row: Row) -> None:
    elsewhere = {place.chapter for place in second_meanings() if set(row.symbols) & place.letters}
    home = min(number_of(file) for _, file, _ in linked(row.source))
    used = {
        number_of(path.name): [symbol for symbol in row.symbols if has(text_of(path), symbol)]
        for path in NOTEBOOKS
    }
    assert used[home], f"chapter {home} doesn't use {row.symbols}"
    earlier = {chapter: symbols for chapter, symbols in used.items() if symbols and chapter < home}
    assert set(earlier) - elsewhere == set(), earlier
    everywhere = {symbol for symbols in used.values() for symbol in symbols}
    assert everywhere == set(row.symbols)


@every_chapter
def test_every_letter_of_a_chapter_s_formulas_is_on_the_page(path: Path) -> None:
    chapter = number_of(path.name)
    known = {
        letter
        for row in rows()
        if min(number_of(file) for _, file, _ in linked(row.source)) <= chapter
        for symbol in row.symbols
        for letter in letters(symbol)
    }
    for place in second_meanings():
        known |= place.letters if place.chapter == chapter else set()
    used = {letter: formula for formula in formulas(text_of(path)) for letter in letters(formula)}
    assert {letter: used[letter] for letter in used.keys() - known} == {}


SIGNS = r"\odot \leftarrow \mapsto \lVert \top \sim \cap \equiv \partial \overline \bar \hat \tilde"


@each(SIGNS.split())
def test_every_sign_of_the_chapters_is_on_the_page(sign: str) -> None:
    used = [
        path.stem for path in NOTEBOOKS if re.search(re.escape(sign) + "(?![a-z])", text_of(path))
    ]
    assert used
    assert re.search(re.escape(sign) + "(?![a-z])", text_of(NOTATION))


def test_a_second_meaning_differs_and_is_at_the_named_place() -> None:
    places = second_meanings()
    assert len(places) > 20
    first = {letter: row.meaning for row in rows() for s in row.symbols for letter in letters(s)}
    for place in places:
        for letter in place.letters:
            assert has(place.section.text, letter), (letter, place.section.heading)
            assert first.get(letter) != place.meaning


@cache
def library_names() -> set[str]:
    """Every name that lessonlib's modules define, and every variable of their functions."""
    found = set()
    for module in pkgutil.walk_packages(lessonlib.__path__, "lessonlib."):
        if module.name != "lessonlib.__main__":
            for name, value in vars(importlib.import_module(module.name)).items():
                found.add(name)
                for part in (value, *vars(value).values()) if inspect.isclass(value) else (value,):
                    if inspect.isfunction(part) and part.__module__.startswith("lessonlib"):
                        found |= set(part.__code__.co_varnames)
    return found


SIZES, LAYER, N = (6, 5, 4, 3), 2, 7


@cache
def a_network_at_work() -> dict[str, Any]:
    """The objects of the page's code: a network of random weights, run once, and its data."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N, SIZES[0])), rng.integers(0, SIZES[-1], size=N)
    W, b = network.initialize(SIZES, rng)
    a, z = network.forward(X, W, b)
    dW, db = network.backward(a, z, y, W)
    adam = optimizers.Adam([part.copy() for part in (*W, *b)])
    adam.step([*dW, *db])
    binarize = importlib.import_module(binarize_function.__module__)
    evaluation = importlib.import_module("lessonlib.evaluation")
    perceptron = importlib.import_module("lessonlib.perceptron")
    norm = MLP(batch_norm=True).net[2]
    images = np.zeros((N, 28, 28), dtype=np.uint8)
    gray = rng.uniform(0, 255, size=(9, 11)).astype(np.float32)
    p = network.softmax(rng.normal(size=(N, 10)))
    labels = rng.integers(0, 10, size=N)
    here = locals() | {"l": LAYER, "K": SIZES[-1], "activation": network.RELU, "np": np, "r": 3}
    here |= {"c": 4, "w": W[0][:, 0], "models": importlib.import_module("lessonlib.models")}
    return {**vars(network), **vars(evaluation), **vars(binarize), **vars(perceptron), **here}


@every_row
def test_the_code_of_a_symbol_exists_and_has_the_shape_that_is_given(row: Row) -> None:
    at_work = a_network_at_work()
    sizes = {
        "n": N, "d": SIZES[0], "d_in": SIZES[LAYER - 1], "d_out": SIZES[LAYER], "K": SIZES[-1],
        "H": 9, "W": 11,
    }  # fmt: skip
    for code in row.code:
        if code == "*":
            continue
        if code.isidentifier() and code not in at_work:
            assert code in library_names(), f"nothing in lessonlib is called {code}"
            continue
        value = eval(code, at_work)
        if row.shapes:
            shapes = [re.sub(r"\\text\{(\w+)\}", r"\1", shape) for shape in row.shapes]
            wanted = [eval(shape, sizes) for shape in shapes]
            assert np.shape(value) in wanted, f"{code} has shape {np.shape(value)}"


def test_code_that_gives_a_count_gives_that_count() -> None:
    at_work = a_network_at_work()
    counts = {"n": N, "d": SIZES[0], "K": SIZES[-1], "D": len(SIZES) - 1}
    for row in rows():
        if row.symbols[0] in counts:
            assert eval(row.code[0], at_work) == counts.pop(row.symbols[0])
    assert counts == {}


# Letters that mean one thing, which belongs to these chapters.
AT_HOME = {r"\gamma": {1}, r"\delta": {3, 4}, r"\lambda": {4, 5}, r"\tau": {8}, r"\kappa": {7}}


@every_chapter
def test_no_chapter_uses_a_letter_of_another_for_something_else(path: Path) -> None:
    text = "".join(section.text for section in page(path))
    number = number_of(path.name)
    strangers = [letter for letter, chapters in AT_HOME.items() if number not in chapters]
    found = [letter for letter in strangers if re.search(re.escape(letter) + r"(?![a-z])", text)]
    assert found == []


def test_what_the_page_says_about_torch_and_the_mean_holds() -> None:
    at_work = a_network_at_work()
    first = MLP().net[1]
    assert first.weight.shape == (256, 784)  # (d_out, d_in)
    a, z, y, W = (at_work[name] for name in "azyW")
    twice = [np.concatenate([part, part]) for part in a], [np.concatenate([part] * 2) for part in z]
    dW, _ = network.backward(*twice, np.concatenate([y, y]), W)
    assert all(np.allclose(one, other) for one, other in zip(dW, at_work["dW"], strict=True))
