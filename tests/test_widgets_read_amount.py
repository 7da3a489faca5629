"""The page finds the amounts that Python finds."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Error, Page

from lessonlib.checks import amount
from lessonlib.checks.amount import MARKS, amount_of
from lessonlib.synthesis.texts import marked_text
from tests.pieces import run_script
from tests.test_checks_amount import DOUBTFUL, MARKED

CHARACTERS = list("0123456789" + MARKS)


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def by_page(tab: Page, texts: list[str]) -> list[dict[str, Any]]:
    return list(run_script(tab, "read_amount", "argument.map(amountOf)", texts))


def by_python(text: str) -> dict[str, Any]:
    found = asdict(amount_of(text))
    del found["separator"]  # a box, which a marked text doesn't have
    return found | {"value": None if found["value"] is None else str(found["value"])}


def misread(text: str, rng: np.random.Generator) -> str:
    """Leave out, add or change a character."""
    place, sign = rng.integers(len(text)), rng.choice(CHARACTERS)
    changed = rng.choice(["", sign, sign + text[place]])
    return f"{text[:place]}{changed}{text[place + 1 :]}"


def test_texts_that_are_known_to_be_hard_have_python_s_amounts(tab: Page) -> None:
    texts = [text for text, _ in MARKED + DOUBTFUL]
    texts += ["R$ 1.250,00", "1250 €", "₹1,20,000/-", "$$5", "R1250", "€12$", "0007.50", "00"]
    expected = [by_python(text) for text in texts]
    assert {note for _, note in amount.DOUBTS + amount.FAULTS} <= {one["note"] for one in expected}
    assert by_page(tab, texts) == expected


def test_any_text_has_python_s_amount(tab: Page) -> None:
    rng = np.random.default_rng(9)
    written = [marked_text(rng) for _ in range(1000)]
    nearly = [misread(text, rng) for text in written for _ in range(2)]
    anything = ["".join(rng.choice(CHARACTERS, rng.integers(0, 12))) for _ in range(1000)]
    texts = written + nearly + anything
    assert by_page(tab, texts) == [by_python(text) for text in texts]


def test_a_mark_that_no_text_has_is_named(tab: Page) -> None:
    with pytest.raises(Error, match='not "¥\'"'):
        by_page(tab, ["¥1'250"])


def test_the_patterns_are_python_s(tab: Page) -> None:
    def in_javascript(pattern: str) -> str:
        return re.sub(r"\(\?P=(\w+)\)", r"\\k<\1>", pattern.replace("(?P<", "(?<"))

    def table(rows: tuple[tuple[str, str], ...]) -> list[list[str]]:
        return [[in_javascript(pattern), note] for pattern, note in rows]

    names = "[AMOUNT_MARKS, AMOUNT_PERHAPS, OTHER_AMOUNT_FAULT]"
    expected = [amount.MARKS, amount.PERHAPS, amount.OTHER_FAULT]
    assert run_script(tab, "read_amount", names) == expected
    assert run_script(tab, "read_amount", "AMOUNT_FORMS") == list(map(in_javascript, amount.FORMS))
    assert run_script(tab, "read_amount", "AMOUNT_DOUBTS") == table(amount.DOUBTS)
    assert run_script(tab, "read_amount", "AMOUNT_FAULTS") == table(amount.FAULTS)
