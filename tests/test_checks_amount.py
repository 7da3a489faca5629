"""Digits and marks become a number, where they leave no doubt."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonlib.checks import find_amount
from lessonlib.checks.amount import SEPARATOR_SIDE, Amount
from lessonlib.checks.candidates import MARK
from lessonlib.checks.image import Box

HEIGHT = 50
DASH = 40  # pixels wide: more than a separator's


def boxes_of(text: str) -> list[Box]:
    """Set a text side by side: digits as high as HEIGHT, small points and commas, long dashes."""
    sizes = {".": (6, 6), ",": (8, 16), "-": (DASH, 6), "$": (30, 60)}
    boxes: list[Box] = []
    x = 7
    for character in text:
        width, height = sizes.get(character, (28, HEIGHT))
        boxes.append((x, 80 - height, width, height))
        x += width + 5
    return boxes


def found(text: str) -> Amount:
    """Find the amount of a text whose marks are known by their boxes alone."""
    kinds = [int(c) if c.isdecimal() else MARK for c in text]
    return find_amount(kinds, boxes_of(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", "7"),
        ("1250", "1250"),
        ("007", "7"),
        ("00", "0"),
        ("123456789012", "123456789012"),
        # thousands
        ("1.250", "1250"),
        ("1,250", "1250"),
        ("12.345", "12345"),
        ("123,456", "123456"),
        ("1.250.000", "1250000"),
        ("1,250,000", "1250000"),
        ("1.250,000", "1250000"),
        # cents
        ("1.25", "1.25"),
        ("0.05", "0.05"),
        ("0,50", "0.5"),
        ("10.00", "10"),
        ("1250.00", "1250"),
        ("123456,78", "123456.78"),
        # both
        ("1,250.00", "1250"),
        ("1.250,00", "1250"),
        ("1.250.000,50", "1250000.5"),
        ("12,345,678.90", "12345678.9"),
        ("1,250,75", "1250.75"),
        # marks before and after say nothing
        ("1250.", "1250"),
        ("1250-", "1250"),
        ("1250.-", "1250"),
        ("1.250.-", "1250"),
        ("$1,250.00", "1250"),
        ("-,$5.75--", "5.75"),
        (".1250", "1250"),
        # as in India
        ("1.20.000", "120000"),
        ("12,34,567", "1234567"),
        ("1,20,000.50", "120000.50"),
    ],
)
def test_an_amount_without_doubt_is_a_number(text: str, value: str) -> None:
    assert found(text).value == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".-",
        "12.5",  # tenths of what?
        "1.2",
        "1.2500",
        "1250.000",  # the thousands were not parted before
        "1250.000,50",
        "1250,00.50",
        "1.25.00",
        "1.2.3",
        "12.34.56",
        "1.250.5",
        "1..25",
        "1.,250",
        "1-250",
        "1250-00",
        "1$250",
        "1250.-00",
        ".50",  # or 50, and a crumb of a sign before it
        "$.50",
        "..50",
    ],
)
def test_an_amount_in_doubt_is_none_and_the_note_says_why(text: str) -> None:
    amount = found(text)
    assert (amount.value, amount.separator) == (None, None)
    assert amount.note


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("0.05", 1),
        ("1.250,00", 5),
        ("1,250.00", 5),
        ("$1,250.00.-", 6),
        ("1.250.000,50", 9),
    ],
)
def test_the_separator_is_the_mark_before_the_cents(text: str, place: int) -> None:
    assert found(text).separator == boxes_of(text)[place]


@pytest.mark.parametrize("text", ["1250", "1.250", "1250.-", "$1,250,000", "12."])
def test_an_amount_without_cents_has_no_separator(text: str) -> None:
    assert found(text).separator is None


@pytest.mark.parametrize("side", ["width", "height"])
def test_a_mark_is_a_separator_up_to_a_share_of_the_digits_height(side: str) -> None:
    kinds = [1, MARK, 2, 5]
    for size, expected in (
        (int(SEPARATOR_SIDE * HEIGHT), Decimal("1.25")),
        (int(SEPARATOR_SIDE * HEIGHT) + 1, None),
    ):
        boxes = boxes_of("1.25")
        x, y, width, height = boxes[1]
        boxes[1] = (x, y, size, height) if side == "width" else (x, y, width, size)
        assert find_amount(kinds, boxes).value == expected


def test_the_digits_height_is_the_usual_one_and_marks_do_not_count() -> None:
    boxes = boxes_of("12.50")
    boxes[0] = (*boxes[0][:3], 9)  # one digit written small: the mark is still small beside most
    boxes[2] = (*boxes[2][:2], 20, 20)
    assert find_amount([1, 2, MARK, 5, 0], boxes).value == Decimal("12.50")
    marks = boxes_of("..........7.25..........")
    kinds = [int(c) if c.isdecimal() else MARK for c in "..........7.25.........."]
    assert find_amount(kinds, marks).value == Decimal("7.25")


@given(
    st.integers(0, 10**12),
    st.sampled_from([".", ","]),
    st.sampled_from([".", ",", None]),
    st.booleans(),
    st.sampled_from(["", ".", "-", ".-"]),
    st.sampled_from(["", "$", "-"]),
)
def test_every_usual_way_to_write_an_amount_is_understood(
    cents: int, thousands: str, point: str | None, parted: bool, end: str, start: str
) -> None:
    whole = cents // 100
    text = f"{whole:,}".replace(",", thousands) if parted else str(whole)
    value = Decimal(whole)
    if point is not None:
        text += f"{point}{cents % 100:02d}"
        value += Decimal(cents % 100) / 100
    assert found(start + text + end).value == value
