"""Why a field counts as read wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonlib.checks import Reading
from lessonlib.checks.image import Box
from lessonlib.scoring.causes import CAUSES, cause, overlap
from tests.judged import DOT, PLACES, reading


@pytest.mark.parametrize(
    ("label", "read", "expected"),
    [
        ("120", reading("126"), "classification"),
        ("120", reading("126", marks=[DOT, (100, 5, 20, 40)]), "classification"),
        ("12", reading(""), "segmentation"),
        ("12", reading("", marks=PLACES), "segmentation"),
        # A digit too many: a dot or dash if it is low, else a digit cut in two.
        ("120", reading("1280", boxes=[*PLACES[:2], DOT, PLACES[2]]), "punctuation"),
        ("120", reading("1201", boxes=[*PLACES, (95, 24, 25, 5)]), "punctuation"),
        ("120", reading("1201", boxes=[*PLACES, (95, 10, 4, 30)]), "segmentation"),
        ("120", reading("1201", boxes=[*PLACES, (95, 24, 25, 15)]), "segmentation"),  # just half
        ("12", reading("1201", boxes=[*PLACES, DOT]), "segmentation"),  # one of the two is tall
        ("12", reading("1281", boxes=[*PLACES[:2], DOT, DOT]), "punctuation"),
        # A digit too few: taken for a mark if one is as tall as digits, else missed or joined.
        ("120", reading("12", marks=[PLACES[2]]), "punctuation"),
        ("120", reading("12", marks=[(70, 10, 20, 15)]), "punctuation"),
        ("120", reading("12", marks=[DOT]), "segmentation"),
        ("120", reading("12"), "segmentation"),
        (
            "111",
            reading("11", boxes=[(10, 10, 4, 30), (20, 10, 4, 30)], marks=[DOT]),
            "segmentation",
        ),
        ("120", reading("1", marks=[PLACES[2], DOT]), "segmentation"),  # two are gone, one mark
    ],
)
def test_cause_without_true_boxes(label: str, read: Reading, expected: str) -> None:
    assert cause(label, read) == expected


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (reading("126"), "classification"),
        (reading("126", boxes=[(12, 12, 20, 30), *PLACES[1:]]), "classification"),
        (reading("126", boxes=[(25, 10, 20, 30), *PLACES[1:]]), "segmentation"),
        # The 0 wasn't found, yet as many digits were read: the dot stands in for it.
        (reading("128", boxes=[*PLACES[:2], DOT], marks=[PLACES[2]]), "punctuation"),
        (reading("128", boxes=[*PLACES[:2], DOT]), "segmentation"),
        (reading("1280", boxes=[*PLACES[:2], DOT, PLACES[2]]), "punctuation"),
        (reading("12", marks=[PLACES[2]]), "punctuation"),
        (reading("12", marks=[(100, 10, 20, 30)]), "segmentation"),  # tall, but elsewhere
        (reading("1200", boxes=[*PLACES, PLACES[2]]), "segmentation"),  # one digit, read twice
        (reading("1", boxes=[(10, 10, 80, 30)]), "segmentation"),
        (reading("", marks=PLACES), "segmentation"),
    ],
)
def test_cause_with_true_boxes(read: Reading, expected: str) -> None:
    assert cause("120", read, PLACES) == expected


sizes = st.integers(1, 40)
some_boxes = st.tuples(st.integers(0, 60), st.integers(0, 60), sizes, sizes)


@given(
    st.text("0123456789", min_size=1, max_size=5),
    st.lists(some_boxes, max_size=5),
    st.lists(some_boxes, max_size=4),
    st.booleans(),
)
def test_every_failure_has_a_cause(
    label: str, found: list[Box], marks: list[Box], known: bool
) -> None:
    read = reading("7" * len(found), boxes=found, marks=marks)
    places = [(30 * i, 10, 20, 30) for i in range(len(label))] if known else None
    why = cause(label, read, places)
    assert why in CAUSES
    if not known and found:
        assert (why == "classification") == (len(found) == len(label))


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1),
        ((0, 0, 10, 10), (10, 0, 10, 10), 0),
        ((0, 0, 10, 10), (30, 30, 10, 10), 0),  # apart both ways
        ((0, 0, 10, 10), (5, 0, 10, 10), 1 / 3),
        ((0, 0, 10, 10), (0, 0, 5, 4), 0.2),
    ],
)
def test_overlap(a: Box, b: Box, share: float) -> None:
    assert overlap(a, b) == pytest.approx(share)
    assert overlap(b, a) == pytest.approx(share)
