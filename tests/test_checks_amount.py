"""Digits and marks become a number, where they leave no doubt."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonlib.checks import find_amount
from lessonlib.checks.amount import SEPARATOR_SIDE, Amount, amount_of, marked_text
from lessonlib.checks.candidates import MARK
from lessonlib.checks.image import Box
from tests.rows import each

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


# ---------------------------------------------------------------- marked texts

MARKED = [
    ("1250", "1250"),
    ("007", "7"),
    # groups
    ("1,250.00", "1250.00"),
    ("1.250,00", "1250.00"),
    ("1.250", "1250"),
    ("1,250,75", "1250.75"),
    ("1 250", "1250"),
    ("12 345 678,90", "12345678.90"),
    ("1,20,000", "120000"),
    ("12,34,567.89", "1234567.89"),
    ("1,20,000/-", "120000"),
    ("1,20,000/=", "120000"),
    # what stands around them
    ("1250.-", "1250"),
    ("1250,-", "1250"),
    ("1250=", "1250"),
    ("$**1,250.00**", "1250.00"),
    ("#1250#", "1250"),
    ("-,$5.75--", "5.75"),
    ("..........7.25..........", "7.25"),
    ("?1250?", "1250"),
    # cents
    ("1.25", "1.25"),
    ("0.50", "0.50"),
    (".50", "0.50"),
    ("$.50", "0.50"),
    ("12^50", "12.50"),
    ("12.^50", "12.50"),
    ("12^50/100", "12.50"),
    ("1,250^00/100", "1250.00"),
    ("12 50/100", "12.50"),
    ("12-50/100", "12.50"),
    ("12.50/100", "12.50"),
    ("1 250 50 / 100", "1250.50"),
    ("45/100", "0.45"),
    ("12 xx/100", "12"),
    ("12^xx/100", "12"),
    ("1250.--/100", "1250"),
]


@each(MARKED)
def test_a_marked_text_s_number(row: tuple[str, str]) -> None:
    text, value = row
    amount = amount_of(text)
    assert amount.value is not None, amount.note
    assert str(amount.value) == value
    assert amount.note == ""


DOUBTFUL = [
    ("", "no digits"),
    ("$.-", "no digits"),
    ("10/16/2019", "looks like a date"),
    ("12-08-2015", "looks like a date"),
    ("12.08.2015", "looks like a date"),
    ("2019-10-16", "looks like a date"),
    ("1/2", "a slash between the digits"),
    ("10/16", "a slash between the digits"),
    ("1250/100", "no gap before"),
    ("12-50", "a dash or a star"),
    ("12=50", "a dash or a star"),
    ("1*250", "a dash or a star"),
    ("12 50", "a gap before the last two digits"),
    ("1 250 50", "a gap before the last two digits"),
    ("12.5", "one digit after the last mark"),
    ("1.250,000", "different marks"),
    ("0.500", "a zero before groups of three"),
    ("1250.000", "neither thousands nor"),
    ("1.2500", "neither thousands nor"),
    ("1,20000", "neither thousands nor"),
    ("1,20,00", "neither thousands nor"),
    ("..50", "several marks before two digits"),
    ("R.50", "of Rs., or before cents"),
    ("^50", "raised digits with no number"),
    ("12^5", "raised digits that aren't two"),
    ("12^500", "raised digits that aren't two"),
    ("1?250", "can't be told"),
    ("12€50", "a currency sign between"),
    ("1..25", "two marks in a row"),
    ("1.,250", "two marks in a row"),
]


@each(DOUBTFUL)
def test_a_marked_text_in_doubt_has_no_number_and_a_note(row: tuple[str, str]) -> None:
    text, note = row
    amount = amount_of(text)
    assert amount.value is None
    assert amount.place is None
    assert note in amount.note


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("R$ 1.250,00", "R$"),
        ("$1,250", "$"),
        ("1250 €", "€"),
        ("₹1,20,000/-", "₹"),
        ("£12.5", "£"),
        ("$$5", "$"),
        ("R1250", None),
        ("1250", None),
        ("€12$", None),
    ],
)
def test_the_currency_is_the_only_sign(text: str, currency: str | None) -> None:
    assert amount_of(text).currency == currency


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("$1,250.00", 6),
        (".50", 0),
        ("12^50", 2),
        ("12.^50", 2),
        ("12 50/100", 2),
        ("1,250", None),
        ("45/100", None),
    ],
)
def test_the_separator_s_place_in_a_marked_text(text: str, place: int | None) -> None:
    assert amount_of(text).place == place


def test_an_unknown_mark_in_a_text_is_named() -> None:
    with pytest.raises(ValueError, match='not "\'¥"'):
        amount_of("¥1'250")


@given(st.text("0123456789.,-/=$₹€£*#x^R ?", max_size=12))
def test_every_marked_text_has_either_a_number_or_a_note(text: str) -> None:
    amount = amount_of(text)
    assert (amount.value is None) == bool(amount.note)


# ---------------------------------------------------------------- marks by their boxes


@pytest.mark.parametrize(
    ("box", "mark"),
    [
        ((35, 74, 6, 6), "."),
        ((35, 60, 8, 16), "."),
        ((35, 72, 18, 8), "."),  # a wide point, but low
        ((35, 53, 18, 6), "-"),
        ((35, 42, 8, 8), "?"),  # as high as an apostrophe
        ((35, 20, 10, 60), "?"),
        ((35, 50, 40, 6), "?"),
    ],
)
def test_marks_are_told_by_place_and_size(box: Box, mark: str) -> None:
    boxes = [(0, 30, 28, HEIGHT), box, (80, 30, 28, HEIGHT)]
    assert marked_text([1, MARK, 2], boxes) == f"1{mark}2"


def test_a_mark_s_height_is_judged_by_the_digits_beside_it() -> None:
    falling = [(40 * i, 30 * i, 28, HEIGHT) for i in range(4)]
    boxes = [*falling[:3], (110, 30 * 2 + HEIGHT - 2, 6, 6), falling[3]]
    assert marked_text([1, 2, 3, MARK, 4], boxes) == "123.4"


def test_the_last_two_digits_are_raised_if_both_their_feet_are() -> None:
    tall = [(40 * i, 30, 28, HEIGHT) for i in range(2)]
    first, second, low = (80, 28, 15, 25), (100, 28, 15, 25), (100, 40, 15, 35)
    assert find_amount([1, 2, 5, 0], [*tall, first, second]).value == Decimal("12.50")
    assert find_amount([1, 2, 5, 0], [*tall, first, low]).value == 1250
    assert find_amount([1, 2, 5, 0], [*tall, first, second]).separator is None
    point = (70, 74, 6, 6)
    amount = find_amount([1, 2, MARK, 5, 0], [*tall, point, first, second])
    assert (amount.value, amount.separator) == (Decimal("12.50"), point)


def test_marks_without_digits_are_unknown() -> None:
    assert marked_text([MARK, MARK], [(0, 0, 5, 5), (9, 0, 5, 5)]) == "??"
