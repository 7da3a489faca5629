"""The page finds the texts of columns that Python finds."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Error, Page

from lessonlib.checks import ctc
from lessonlib.checks.ctc import Floats
from tests.pieces import run_script


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def random_columns(count: int, most: int = 40, classes: int = 11) -> list[Floats]:
    """Make columns of fields: some sure of themselves or of paper, some with shut classes."""
    rng = np.random.default_rng(5)
    fields = []
    for number in range(count):
        logits = rng.choice([1.0, 3.0, 8.0]) * rng.normal(size=(rng.integers(1, most), classes))
        logits[:, -1] += rng.choice([0.0, 5.0])
        logits[rng.random(len(logits)) < rng.choice([0.0, 0.5]), -1] += 40  # paper beyond doubt
        if number % 4 == 0:
            shut = rng.random(logits.shape) < 0.2
            shut[:, -1] = False
            logits[shut] = -np.inf
        fields.append(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    return fields


def on_page(tab: Page, expression: str, fields: list[Floats], texts: Any = None) -> list[Any]:
    """Evaluate an expression of `columns` and, where texts are given, `text` for each field."""
    columns = [{"T": len(f), "K": f.shape[1], "logP": f.ravel().tolist()} for f in fields]
    function = (
        "argument.columns.map(({T, K, logP}, i) => ((columns, text) => "
        f"{expression})({{T, K, logP: Float64Array.from(logP)}}, argument.texts[i]))"
    )
    argument = {"columns": columns, "texts": texts or [""] * len(fields)}
    return list(run_script(tab, "read_ctc", function, argument))


def written(text: ctc.Text) -> str:
    return "".join(map(str, text))


def test_the_page_finds_the_same_texts_with_the_same_probabilities(tab: Page) -> None:
    fields = random_columns(60)
    for field, found in zip(fields, on_page(tab, "bestCtcTexts(columns)", fields), strict=True):
        expected = ctc.best_texts(field)
        assert [text for text, _ in found] == [written(text) for text, _ in expected]
        assert [log for _, log in found] == pytest.approx([log for _, log in expected], abs=1e-9)


def test_a_wider_beam_gives_more_texts(tab: Page) -> None:
    fields = random_columns(10)
    for field, found in zip(
        fields, on_page(tab, "bestCtcTexts(columns, 20, 4)", fields), strict=True
    ):
        expected = ctc.best_texts(field, count=20, width=4)
        assert [text for text, _ in found] == [written(text) for text, _ in expected]


def test_any_text_has_the_same_probability(tab: Page) -> None:
    fields = random_columns(60, most=9)
    rng = np.random.default_rng(6)
    texts = [written(tuple(rng.choice([1, 1, 7, 9], rng.integers(0, 6)))) for _ in fields]
    found = on_page(tab, "ctcLogLikelihood(columns, text)", fields, texts)
    expected = [
        ctc.log_likelihood(field, tuple(map(int, text)))
        for field, text in zip(fields, texts, strict=True)
    ]
    assert -np.inf in expected  # some texts are too long
    assert found == pytest.approx(expected, abs=1e-9)


def test_the_digits_stand_in_the_same_columns(tab: Page) -> None:
    fields = random_columns(60)
    texts = [ctc.best_texts(field)[0][0] for field in fields]
    texts += [text[:1] * 2 for text in texts]  # two equal digits need a blank between them
    rows = [
        (field, text)
        for field, text in zip(fields * 2, texts, strict=True)
        if ctc.log_likelihood(field, text) > -np.inf
    ]
    assert len(rows) > 100
    found = on_page(
        tab, "alignCtc(columns, text)", [f for f, _ in rows], [written(t) for _, t in rows]
    )
    for (field, text), spans in zip(rows, found, strict=True):
        assert [tuple(span) for span in spans] == ctc.align(field, text)


def test_a_text_without_room_has_no_places(tab: Page) -> None:
    with pytest.raises(Error, match="no path through 3 columns reads 1111"):
        on_page(tab, "alignCtc(columns, text)", [np.log(np.full((3, 11), 1 / 11))], ["1111"])


def test_marks_become_a_part_of_the_blank(tab: Page) -> None:
    fields = random_columns(12, classes=25)
    found = on_page(tab, "Array.from(mergeIntoBlank(columns, 10).logP)", fields)
    for field, merged in zip(fields, found, strict=True):
        expected = ctc.merge_into_blank(field, keep=10)
        assert merged == pytest.approx(expected.ravel().tolist(), abs=1e-12)


def test_the_search_stops_where_python_s_does(tab: Page) -> None:
    assert run_script(tab, "read_ctc", "CTC_RULES") == {"FAINT": ctc.FAINT}
