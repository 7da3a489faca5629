"""The page reads a line whole as Python does, and weighs both ways as Python does."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Page
from torch import nn

from lessonlib.checks import Reading, ensemble, lines
from lessonlib.checks.cutting import Field, candidates_in, searched
from lessonlib.checks.ensemble import Ensemble, products, weigh
from lessonlib.checks.find import find_writing
from lessonlib.checks.image import Gray
from lessonlib.checks.lines import (
    DOUBTFUL,
    OTHER_SIZES,
    Columns,
    Evidence,
    LineField,
    boxes_in,
    describe_line,
    line_in,
    read_columns,
    read_lines,
    seen_again,
    seen_once,
    spans_of,
    stretched,
    with_marks,
)
from lessonlib.checks.reader import shipped_way
from lessonlib.checks.readings import calibrated, in_words
from lessonlib.widgets.networks import network_scripts
from tests.pieces import run_script
from tools.calibration import unseen_fields

FIELDS = 50  # rendered: nearly half of them have doubtful texts, which are looked at again
SEED = 31
SCRIPTS = ("raster", "read_search", "read_ctc", "read_amount", "read_line", "read_together")
# Functions of what `packed` and `packed_columns` make, for the expressions of tests.
UNPACKED = """
    (() => {
      const bytes = (packed) => Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
      const columns = ({ T, K, logP }) => ({ T, K, logP: new Float64Array(bytes(logP).buffer) });
      const raster = ({ width, height, data }) => ({ width, height, data: bytes(data) });
      const furthest = (own, expected) => own.width !== expected.width
        ? Infinity
        : Math.max(...own.data.map((level, i) => Math.abs(level - expected.data[i])));
      return (EXPRESSION);
    })()
"""


@dataclass(frozen=True)
class Example:
    """A rendered field, and what Python finds of it before it reads the texts."""

    gray: Gray
    line: LineField
    columns: list[Columns]  # in its own size, and if that leaves doubt, in the others
    evidence: Evidence
    cut: Field
    cut_log_p: npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def way() -> Ensemble:
    way = shipped_way("ensemble")
    assert isinstance(way, Ensemble)
    return way


@pytest.fixture(scope="module")
def examples(way: Ensemble) -> list[Example]:
    return [example_of(field.image, way) for field in unseen_fields(FIELDS, SEED)]


def example_of(image: Gray, way: Ensemble) -> Example:
    found, size = find_writing(image), image.shape[::-1]
    line, cut = line_in(found, size), candidates_in(found, size)
    columns, evidence = seen_of(way.lines.model, line.pictures)
    return Example(found.gray, line, columns, evidence, cut, *way.cutting.log_probabilities([cut]))


def seen_of(model: nn.Module, pictures: npt.NDArray[np.uint8]) -> tuple[list[Columns], Evidence]:
    """Look at a line as `evidence_of` does; give the columns, too."""
    own = read_columns(model, [pictures])
    (once,) = seen_once(own)
    if once.texts[0][1] >= np.log(DOUBTFUL):
        return own, once
    others = read_columns(model, [stretched(pictures, *size) for size in OTHER_SIZES])
    return own + others, seen_again(once, others)


def on_page(tab: Page, expression: str, argument: Any, *more: str) -> Any:
    source = UNPACKED.replace("EXPRESSION", expression)
    return run_script(tab, (*SCRIPTS, *more), source, argument)


def packed(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def packed_columns(log_p: Columns) -> dict[str, Any]:
    return {"T": len(log_p), "K": log_p.shape[1], "logP": packed(log_p)}


def packed_raster(pictures: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """Pack an image, or the two pictures of a line, one below the other."""
    *_, width = pictures.shape
    return {"width": width, "height": pictures.size // width, "data": packed(pictures)}


def packed_example(example: Example) -> dict[str, Any]:
    path, texts = searched(example.cut, example.cut_log_p)
    return {
        "pictures": packed_raster(example.line.pictures),
        "looks": [packed_columns(log_p) for log_p in example.columns],
        "cutting": {"path": {"score": path.score}, "texts": texts},
    }


READ_BOTH_WAYS = """
    argument.examples.map(({ pictures, looks, cutting }) => {
      const [own, ...others] = looks.map(columns);
      const once = seenOnce(own);
      const evidence = others.length ? seenAgain(once, others) : once;
      const line = readEvidence(raster(pictures), evidence, argument.calibration);
      const both = weighTogether(line, cutting, argument.ensemble);
      const plain = ({ digits, ...reading }) =>
        ({ ...reading, digits: digits.map((p) => [...p]), pictures: 0, columns: 0, looks: 0 });
      return { once: once.texts, line: plain(line), both: plain(both) };
    })
"""


@pytest.fixture(scope="module")
def read(tab: Page, way: Ensemble, examples: list[Example]) -> list[dict[str, Any]]:
    """What the page reads both ways in the examples' columns and candidates."""
    argument = {
        "examples": [packed_example(example) for example in examples],
        "calibration": way.lines.calibration,
        "ensemble": way.calibration,
    }
    return list(on_page(tab, READ_BOTH_WAYS, argument))


def check_texts(found: list[list[Any]], expected: list[tuple[str, float]]) -> None:
    assert [text for text, _ in found] == [text for text, _ in expected]
    assert [log for _, log in found] == pytest.approx([log for _, log in expected], abs=1e-6)


def check_reading(found: dict[str, Any], expected: Reading, example: Example) -> None:
    """Compare what the page reads with Python's reading."""
    amount = None if expected.amount is None else str(expected.amount)
    assert found["text"] == expected.text
    assert found["confidence"] == pytest.approx(expected.confidence, abs=1e-4)
    assert found["amount"]["value"] == amount
    assert found["amount"]["currency"] == expected.currency
    assert (found["amount"]["place"] is None) == (expected.separator is None)
    notes, note = example.line.notes, found["amount"]["note"]
    assert in_words(notes, note, expected.text, expected.confidence) == expected.note
    for ours, theirs in zip(found["digits"], expected.digits, strict=True):
        assert ours == pytest.approx(theirs.probabilities.tolist(), abs=1e-6)


def test_columns_give_the_page_python_s_texts(
    read: list[dict[str, Any]], examples: list[Example]
) -> None:
    again = [len(example.evidence.looks) > 1 for example in examples]
    assert 0.1 < np.mean(again) < 0.9
    for found, example, doubtful in zip(read, examples, again, strict=True):
        assert (found["once"][0][1] < np.log(DOUBTFUL)) == doubtful
        check_texts(found["line"]["texts"], example.evidence.texts)
        assert found["line"]["agreed"] == example.evidence.agreed


def test_the_page_s_reading_of_the_line_is_python_s(
    read: list[dict[str, Any]], examples: list[Example], way: Ensemble
) -> None:
    readings = read_lines(
        [example.line for example in examples],
        [example.evidence for example in examples],
        way.lines.calibration,
    )
    assert len({reading.currency for reading in readings}) > 2
    assert any("perhaps a point" in reading.note for reading in readings)
    for found, example, reading in zip(read, examples, readings, strict=True):
        check_reading(found["line"], reading, example)


def test_digits_and_marks_stand_where_python_puts_them(
    read: list[dict[str, Any]], examples: list[Example]
) -> None:
    spans = spans_of([e.evidence for e in examples], [e.evidence.texts[0][0] for e in examples])
    for found, example, expected in zip(read, examples, spans, strict=True):
        text, columns = example.evidence.texts[0][0], example.evidence.columns
        characters = with_marks(columns, text, expected)
        assert [tuple(span) for span in found["line"]["spans"]] == expected
        assert [tuple(one) for one in found["line"]["characters"]] == characters
        boxes = boxes_in(example.line.pictures, [middle for _, middle in characters])
        assert [tuple(box) for box in found["line"]["boxes"]] == boxes


@pytest.mark.parametrize("said", ["._1..2", ".1.1", "1,,,2_,,3", "$12_34.", "12x/100", "_-1=_=2-"])
def test_marks_beside_digits_and_beside_each_other_count_as_in_python(tab: Page, said: str) -> None:
    columns = np.full((len(said), lines.LINE_CLASSES), np.log(1e-3))
    for column, character in zip(columns, said, strict=True):
        column[lines.CHARACTERS.find(character)] = 0.0  # "_" is the blank, the last one
    text = "".join(filter(str.isdecimal, said))
    spans = [(place, place + 1) for place, sign in enumerate(said) if sign.isdecimal()]
    argument = [packed_columns(columns), text, spans]
    found = on_page(tab, "withMarks(columns(argument[0]), argument[1], argument[2])", argument)
    assert [tuple(one) for one in found] == with_marks(columns, text, spans)


@pytest.mark.parametrize("text", ["1250", "8100", "12", "100"])
def test_a_faint_separator_is_seen_where_python_sees_it(tab: Page, text: str) -> None:
    spans = [(3 * place + 1, 3 * place + 3) for place in range(len(text))]
    for place in range(3 * len(text)):
        columns = np.full((3 * len(text), lines.LINE_CLASSES), -20.0)
        columns[place, lines.CHARACTERS.index(",")] = np.log(1.1 * lines.LEAST_POINT)
        argument = [packed_columns(columns), text, spans]
        call = "mayHavePoint(columns(argument[0]), argument[1], argument[2])"
        assert on_page(tab, call, argument) == lines.may_have_point(columns, text, spans)


def test_the_page_weighs_both_ways_as_python_does(
    read: list[dict[str, Any]], examples: list[Example], way: Ensemble
) -> None:
    mix = way.calibration["mix"]
    weighed = [weigh(e.cut, e.cut_log_p, e.evidence, mix) for e in examples]
    assert {one.agreed for one in weighed} == {True, False}
    for found, example, one in zip(read, examples, weighed, strict=True):
        seen, both = example.evidence, found["both"]
        check_texts(both["texts"], one.texts)
        assert both["agreed"] == one.agreed
        (spans,) = spans_of([seen], [one.texts[0][0]])
        expected = describe_line(
            example.line,
            seen.columns,
            one.texts,
            spans,
            partial(products, seen.looks, dict(one.cut_texts), mix),
            calibrated(one.features, way.calibration) if one.texts[0][0] else 0.0,
            0.0,
        )
        check_reading(both, expected, example)


def test_paper_without_writing_has_no_text_and_no_amount(tab: Page, way: Ensemble) -> None:
    columns = np.log(np.full((12, lines.LINE_CLASSES), 1e-4))
    columns[:, -1] = np.log(1 - 1e-4 * (lines.LINE_CLASSES - 1))
    argument = {
        "pictures": packed_raster(np.zeros((2, lines.LINE_HEIGHT, 48), np.uint8)),
        "columns": packed_columns(columns),
        "calibration": way.lines.calibration,
    }
    expression = (
        "readEvidence(raster(argument.pictures), seenOnce(columns(argument.columns)),"
        " argument.calibration)"
    )
    found = on_page(
        tab,
        f"(({{text, confidence, amount}}) => [text, confidence, amount])({expression})",
        argument,
    )
    assert found[:2] == ["", 0]
    assert (found[2]["value"], found[2]["note"]) == (None, "no digits")


def test_the_pictures_of_a_line_are_python_s(tab: Page, examples: list[Example]) -> None:
    pairs = [[packed_raster(e.gray), packed_raster(e.line.pictures)] for e in examples]
    expression = (
        "argument.map(([gray, expected]) => furthest(linePictures(raster(gray)), raster(expected)))"
    )
    # A pixel exactly at its threshold may be ink on one side alone: so it was in 2 of 487 images.
    alike = [most <= 1 for most in on_page(tab, expression, pairs, "read_field")]
    assert sum(alike) >= 0.95 * len(alike)


def test_a_line_is_stretched_as_python_stretches_it(tab: Page, examples: list[Example]) -> None:
    pairs = [
        [packed_raster(line), packed_raster(stretched(line, *size)), size]
        for line in (example.line.pictures for example in examples)
        for size in OTHER_SIZES
    ]
    expression = (
        "argument.map(([line, expected, size]) => "
        "furthest(stretchedLine(raster(line), ...size), raster(expected)))"
    )
    assert max(on_page(tab, expression, pairs)) <= 1


def test_with_its_own_network_the_page_reads_nearly_all_lines_as_python_does(
    tab: Page, examples: list[Example], way: Ensemble
) -> None:
    for script in network_scripts("reader-line").values():
        tab.evaluate(script)
    argument = {
        "grays": [packed_raster(example.gray) for example in examples[:20]],
        "calibration": way.lines.calibration,
    }
    expression = """
        argument.grays.map((gray) => {
          const network = readConvNetwork("reader-line");
          const line = readByLine(network, raster(gray), argument.calibration);
          return [line.text, line.looks.length, line.confidence];
        })
    """
    found = on_page(tab, expression, argument, "read_field", "read_networks")
    seen = [example.evidence for example in examples[:20]]
    readings = read_lines([e.line for e in examples[:20]], seen, way.lines.calibration)
    expected = [[one.text, len(e.looks)] for one, e in zip(readings, seen, strict=True)]
    alike = [own[:2] == theirs for own, theirs in zip(found, expected, strict=True)]
    assert sum(alike) >= 18  # its weights have 8 bits
    apart = [abs(own[2] - one.confidence) for own, one in zip(found, readings, strict=True)]
    assert np.median(apart) < 0.02


def test_the_constants_are_python_s(tab: Page) -> None:
    rules = on_page(tab, "LINE_RULES", None)
    expected = {name: getattr(lines, name) for name in rules}
    sizes = [list(size) for size in expected["OTHER_SIZES"]]
    assert rules == expected | {"OTHER_SIZES": sizes}
    assert on_page(tab, "ENSEMBLE_RULES", None) == {"UNLIKELY": ensemble.UNLIKELY}
