"""What people write into a field."""

import re
from collections import Counter
from datetime import date as day

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonlib.synthesis import digits_of, texts
from lessonlib.synthesis.forms import SHAPES
from lessonlib.synthesis.texts import (
    AMERICAN_ENDS,
    DATE_SEPARATORS,
    EUROPEAN_ENDS,
    EUROPEAN_SIGNS,
    INDIAN_ENDS,
    MAKERS,
    MOST_DIGITS,
    MOST_FILLED,
    RAISE,
    SHARES,
    choose,
    filled,
    lakhs,
    marked_text,
    number,
)
from tests.rows import each

VALUE = 123_456_700
FILLING = r"[*=-]*"


def many(kind: str, count: int = 400) -> list[str]:
    rng = np.random.default_rng(0)
    return [MAKERS[kind](rng) for _ in range(count)]


@each(MAKERS)
def test_every_text_has_a_digit_and_only_characters_that_hands_write(kind: str) -> None:
    for text in many(kind):
        assert digits_of(text)
        assert set(text) <= {*SHAPES, RAISE}


@each(MAKERS)
def test_raised_cents_stand_behind_a_number_once_and_are_two_characters(kind: str) -> None:
    for text in many(kind):
        assert re.fullmatch(r"[^^]*\d(\^(\d\d|xx)(/100)?[*=-]*€?)?|[^^]+", text), text


def test_a_text_is_of_each_kind_as_often_as_its_share_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    makers = {kind: lambda _, kind=kind: kind for kind in MAKERS}
    monkeypatch.setattr(texts, "MAKERS", makers)
    rng = np.random.default_rng(1)
    counts = Counter(marked_text(rng) for _ in range(4000))
    assert sum(SHARES.values()) == pytest.approx(1)
    assert {kind: counts[kind] / 4000 for kind in MAKERS} == pytest.approx(SHARES, abs=0.03)


def test_the_same_seed_makes_up_the_same_texts() -> None:
    one, two, other = (
        [marked_text(np.random.default_rng(seed + i)) for i in range(20)] for seed in (0, 0, 100)
    )
    assert one == two != other


@each(
    [
        ("american", r"|\d\d|(\d\d)?100"),
        ("indian", r"|00"),
        ("european", r"|\d\d"),
    ]
)
def test_the_digits_of_an_amount_are_the_number_s_and_then_those_of_the_cents(
    row: tuple[str, str],
) -> None:
    kind, cents = row
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "number", lambda *_: VALUE)
        for text in many(kind):
            assert re.fullmatch(f"{VALUE}({cents})", digits_of(text)), text


@each(
    [
        ("american", AMERICAN_ENDS),
        ("indian", INDIAN_ENDS),
        ("european", EUROPEAN_ENDS),
    ],
    name=lambda row: row[0],
)
def test_every_end_of_an_amount_is_written(row: tuple[str, dict[str, float]]) -> None:
    kind, ends = row
    fills = {"cents": r"\d\d", "hundredths": r"(\d\d|xx)/100"}
    patterns = [re.sub(r"\\{(\w+)\\}", lambda m: fills[m[1]], re.escape(end)) for end in ends]
    written = many(kind)
    for pattern in patterns:
        found = [t for t in written if re.fullmatch(rf".*\d{pattern}{FILLING}€?", t)]
        assert found, pattern


def test_signs_stand_in_front_and_only_the_euro_behind_too() -> None:
    written = [*many("american"), *many("indian"), *many("european")]
    signs = {"$", "₹", *EUROPEAN_SIGNS}
    assert {re.match(r"[^\d*=-]*", text)[0] for text in written} == signs  # type: ignore[index]
    behind = {text[-1] for text in written if text[-1] in "$₹€£R"}
    assert behind == {"€"}


def test_stars_and_dashes_fill_the_front_and_the_end_and_no_other_place() -> None:
    rng = np.random.default_rng(2)
    written = [filled("$", "25", rng) for _ in range(800)]
    match = r"\$(\**|-*)25(\**|-*|=*)"
    assert all(re.fullmatch(match, text) for text in written)
    assert max(map(len, written)) == 3 + 2 * MOST_FILLED
    assert written.count("$25") > 500
    assert {text[1] for text in written} == set("2*-")
    assert {text[-1] for text in written} == set("5*-=")
    assert {filled("", "25/-", rng)[-3:] for _ in range(100)} == {"5/-"}  # it ends in one already


@given(st.integers(0, 10**12))
def test_indian_groups_have_three_digits_at_the_end_and_two_before(value: int) -> None:
    text = lakhs(value)
    assert int(text.replace(",", "")) == value
    assert re.fullmatch(r"\d{1,3}|\d{1,2}(,\d\d)*,\d{3}", text)


def test_rupees_come_in_lakhs_in_thousands_and_without_groups() -> None:
    written = many("indian")
    assert any(re.search(r"\d,\d\d,\d\d\d", text) for text in written)
    assert any(re.search(r"\d\d\d,\d\d\d,\d\d\d", text) for text in written)
    assert any(re.search(r"\d{6}", text) for text in written)
    small = [text for text in written if re.search(r"(?<![\d,])\d{2},?\d{3}(?![\d,])", text)]
    grouped = sum("," in text for text in small) / len(small)
    assert grouped == pytest.approx(0.7, abs=0.12)  # lakhs and thousands are one text there


def test_a_number_lies_between_the_powers_of_ten_and_many_are_round() -> None:
    rng = np.random.default_rng(3)
    values = [number(rng, (2, 9)) for _ in range(500)]
    assert min(values) >= 100
    assert max(values) <= 10**9
    is_round = [len(str(value).rstrip("0")) <= 2 for value in values if value > 10_000]
    assert 0.3 < np.mean(is_round) < 0.5
    assert min(number(rng, (0, 0.1)) for _ in range(50)) == 1


def test_numbers_that_are_no_amounts_have_any_digits_in_front_too() -> None:
    written = many("digits")
    assert all(text.isdecimal() for text in written)
    assert {len(text) for text in written} == {*range(1, MOST_DIGITS + 1)}
    assert {text[0] for text in written} == set("0123456789")


def test_dates_have_a_day_a_month_and_a_year_and_one_kind_of_separator() -> None:
    seen = set()
    for text in many("date"):
        first, separator, second, again, third = re.split(r"(\D)", text)
        assert separator == again
        seen.add(separator)
        assert is_day(first, second) or is_day(second, first) or is_day(third, second), text
    assert seen == {*DATE_SEPARATORS}
    assert any(re.match(r"\d{4}", text) for text in many("date"))
    assert any(re.match(r"\d{1,2}\D(1[3-9]|2\d|3[01])\D", text) for text in many("date"))


def is_day(number: str, month: str) -> bool:
    """Say whether a leap year has this day."""
    try:
        day(2000, int(month), int(number))
    except ValueError:
        return False
    return True


def test_hundredths_alone_are_digits_or_crosses_over_a_hundred() -> None:
    assert {re.sub(r"^\d\d", "25", text) for text in many("fraction")} == {
        "0/100",
        "25/100",
        "xx/100",
    }


def test_relative_shares_need_not_add_up_to_1() -> None:
    rng = np.random.default_rng(4)
    counts = Counter(choose({"a": 3, "b": 1, "c": 0}, rng) for _ in range(1000))
    assert counts["a"] / 1000 == pytest.approx(0.75, abs=0.05)
    assert counts["c"] == 0
