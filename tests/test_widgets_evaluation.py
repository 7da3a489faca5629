"""The bank's desk counts as NumPy and lessonlib do, and does what its reader asks."""

import os
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Locator, Page

from lessonlib import data_path, digits
from lessonlib.evaluation import reject_curve_of, wilson_interval
from lessonlib.widgets import bank_desk
from lessonlib.widgets.evaluation import (
    MOST_WRONG,
    WRITERS,
    across,
    counts_at,
    desk_fields,
    lowest_within,
    places,
)
from tests.pieces import Opener, opened, run_script
from tools import desk

FIELDS = desk_fields()
HANDS = list(WRITERS)
THRESHOLDS = [0, 0.0001, 0.1975, 0.5, 0.7523, 0.8215, 0.8216, 0.9, 0.9945, 0.9999, 1]
PRICES = [(20, 1), (1, 1), (1, 10), (3, 2), (7, 3), (100, 1), (4, 1)]

every_hand = pytest.mark.parametrize("hand", HANDS)
needs_writers = pytest.mark.skipif(
    digits.source() != "mnist" or "LESSONLIB_HANDWRITING_ROOT" not in os.environ,
    reason="MNIST or other people's digits are not here",
)


@pytest.fixture
def tab(open_piece: Opener) -> Page:
    return open_piece(bank_desk())


def arrays(hand: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The confidences of one kind of writers, and which fields are right."""
    fields = FIELDS[hand]
    confidence = np.array([field.confidence for field in fields])
    return confidence, np.array([field.label == field.read for field in fields])


def numpy_counts(hand: str, threshold: float) -> tuple[int, int, int]:
    confidence, right = arrays(hand)
    accepted = confidence >= threshold
    return int(accepted.sum()), int((accepted & ~right).sum()), int((~accepted).sum())


def numpy_cheapest(hand: str, error: int, rejection: int) -> tuple[float, int]:
    confidence, right = arrays(hand)
    thresholds = np.unique(confidence)
    accepted = confidence >= thresholds[:, None]
    costs = error * (accepted & ~right).sum(axis=1) + rejection * (~accepted).sum(axis=1)
    return float(thresholds[costs.argmin()]), int(costs.min())


def percent(share: float) -> str:
    """One digit behind the point; halves are rounded up, as JavaScript does it."""
    return f"{Decimal(100 * share).quantize(Decimal('0.1'), ROUND_HALF_UP)}\xa0%"


def of_script(tab: Page, expression: str, **argument: Any) -> Any:
    """Evaluate with the script's functions, the fields of each hand at `fields`."""
    rows = dict(zip(HANDS, [one["fields"] for one in bank_desk().data["writers"]], strict=True))
    start = "((fields) => (EXPRESSION))(Object.fromEntries(Object.entries(argument.rows)"
    end = ".map(([hand, rows]) => [hand, deskFields(rows)])))"
    whole = start.replace("EXPRESSION", expression) + end
    return run_script(tab, "bank_desk", whole, {"rows": rows, **argument})


# ---------------------------------------------------------------- the readings


@every_hand
def test_the_file_holds_200_readings_of_the_same_amounts(hand: str) -> None:
    assert len(FIELDS[hand]) == desk.FIELDS
    assert [field.label for field in FIELDS[hand]] == [field.label for field in FIELDS["others"]]
    first = data_path("desk.csv").read_text("utf-8").splitlines()[0]
    assert first.startswith(f"# python -m tools.desk: seed {desk.SEED}, ")


@pytest.mark.parametrize("hand", [pytest.param(HANDS[0], marks=needs_writers), HANDS[1]])
def test_the_readings_are_those_of_the_line_reader(hand: str) -> None:
    for again, kept in zip(desk.readings(hand, count=10), FIELDS[hand], strict=False):
        assert again[:3] == (hand, kept.label, kept.read)
        # Another machine rounds otherwise.
        assert float(again[3]) == pytest.approx(kept.confidence, abs=0.002)


# ---------------------------------------------------------------- the arithmetic


@every_hand
def test_counts_shares_and_intervals_are_numpy_s(tab: Page, hand: str) -> None:
    call = f"""argument.thresholds.map((threshold) => {{
      const counts = deskCounts(fields.{hand}, threshold);
      return [counts, counts.accepted ? deskInterval(counts.wrong, counts.accepted) : null,
        counts.accepted ? deskIntervalWritten(counts.wrong, counts.accepted) : "–"];
    }})"""
    for threshold, (counts, interval, text) in zip(
        THRESHOLDS, of_script(tab, call, thresholds=THRESHOLDS), strict=True
    ):
        accepted, wrong, rejected = numpy_counts(hand, threshold)
        assert counts == {"accepted": accepted, "wrong": wrong, "rejected": rejected}
        assert counts_at(FIELDS[hand], threshold) == (accepted, wrong, rejected)
        low, high = wilson_interval(wrong, accepted)
        assert interval == pytest.approx([low, high], abs=1e-12)
        assert text == f"{percent(low)[:-2]} to {percent(high)}"


@every_hand
def test_the_threshold_within_a_share_is_the_reject_curve_s(tab: Page, hand: str) -> None:
    limits = [0, 0.005, MOST_WRONG, 0.02, 0.05, 0.2, 1]
    curve = reject_curve_of(*arrays(hand))
    expected = [curve.threshold[curve.error <= limit].min() for limit in limits]
    call = f"argument.limits.map((limit) => deskLowestWithin(fields.{hand}, limit))"
    assert of_script(tab, call, limits=limits) == expected
    assert [lowest_within(FIELDS[hand], limit) for limit in limits] == expected


@every_hand
def test_the_cheapest_threshold_is_numpy_s(tab: Page, hand: str) -> None:
    call = f"""argument.prices.map(([error, rejection]) => {{
      const prices = {{ error, rejection }};
      const threshold = deskCheapest(fields.{hand}, prices);
      return [threshold, deskCost(deskCounts(fields.{hand}, threshold), prices)];
    }})"""
    expected = [list(numpy_cheapest(hand, *pair)) for pair in PRICES]
    assert of_script(tab, call, prices=PRICES) == expected
    assert len({threshold for threshold, _ in expected}) > 2


def test_a_confidence_and_its_place_belong_together(tab: Page) -> None:
    confidences = [0, 0.0001, 0.1, 0.3333, 0.5, 0.7523, 0.9, 0.99, 0.9999, 1]
    call = """argument.confidences.map((one) => {
      const odds = deskLogOdds(one);
      const x = DESK_PLACE.left + DESK_PLACE.unit * (odds - DESK_LOWEST);
      return [deskConfidence(odds), x];
    })"""
    for one, (again, x) in zip(
        confidences, of_script(tab, call, confidences=confidences), strict=True
    ):
        assert again == (0 if one == 0.0001 else one)
        assert x == pytest.approx(across(one), abs=0.051)


@every_hand
def test_no_mark_covers_another_or_leaves_the_picture(hand: str) -> None:
    for right in (True, False):
        here = [
            place
            for field, place in zip(FIELDS[hand], places(FIELDS[hand]), strict=True)
            if field.right == right
        ]
        at = np.array(here)
        apart = np.abs(at[:, None] - at).max(axis=2) + 99 * np.eye(len(at))
        assert apart.min() >= (5.5 if right else 7.5)
        assert at[:, 1].min() > 25
        assert at[:, 1].max() < 275


# ---------------------------------------------------------------- what is shown


def cells(tab: Page, name: str) -> list[list[str]]:
    rows = tab.locator(".ll-live").get_by_role("region", name=name).locator("tbody tr")
    return [row.locator("td").all_inner_texts() for row in rows.all()]


def line(tab: Page) -> Locator:
    return tab.get_by_role("slider", name="Threshold, moved")


def slider(tab: Page, name: str) -> Locator:
    return tab.get_by_role("slider", name=name, exact=True)


def press(tab: Page, name: str) -> None:
    tab.locator(".ll-live").get_by_role("button", name=name).click()


def threshold_of(tab: Page) -> float:
    return float(line(tab).get_attribute("aria-valuetext") or "nan")


def check_numbers(tab: Page, hand: str, error: int = 20, rejection: int = 1) -> None:
    """Everything shown belongs to the threshold that the line stands at."""
    threshold = threshold_of(tab)
    accepted, wrong, rejected = numpy_counts(hand, threshold)
    low, high = wilson_interval(wrong, accepted)
    interval = f"{percent(low)[:-2]} to {percent(high)}"
    expected = [f"{accepted} of 200", str(wrong), percent(wrong / accepted), interval]
    assert cells(tab, "Numbers") == [[*expected, percent(rejected / 200)]]
    cost = error * wrong + rejection * rejected
    live = tab.locator(".ll-live").inner_text()
    assert f"Cost: {wrong} wrong · {error} + {rejected} rejected · {rejection} = {cost}." in live
    confidence, right = arrays(hand)
    mean, share = percent(float(confidence.mean())), percent(float(right.mean()))
    assert f"mean confidence {mean}, read right {share}." in live
    rows = cells(tab, "Fields")
    passing = sorted(confidence[(confidence >= threshold) & ~right], reverse=True)[:8]
    assert len(rows) == 8
    assert [float(row[2]) for row in rows if row[3] == "accepted, wrong"] == passing
    known = {
        (field.label, field.read or "nothing", f"{field.confidence:.4f}") for field in FIELDS[hand]
    }
    for row in rows:
        assert tuple(row[:3]) in known
        side = "accepted" if float(row[2]) >= threshold else "rejected"
        assert row[3] == f"{side}, {'right' if row[0] == row[1] else 'wrong'}"
    shown = tab.locator(".ll-live label", has_text="Threshold").locator("output").inner_text()
    assert float(shown) == threshold


def test_the_first_frame_has_at_most_1_percent_wrong(tab: Page) -> None:
    assert threshold_of(tab) == lowest_within(FIELDS["calibration"], MOST_WRONG)
    check_numbers(tab, "calibration")
    (numbers,) = cells(tab, "Numbers")
    assert numbers[2] == "0.5\xa0%"
    assert "chosen on the fields that it is judged on" in tab.locator(".ll-live").inner_text()


def test_switching_writers_breaks_the_calibration_at_the_same_threshold(tab: Page) -> None:
    before = threshold_of(tab)
    press(tab, "other writers")
    assert threshold_of(tab) == before
    check_numbers(tab, "others")
    (confidence, right), (other_confidence, other_right) = map(arrays, HANDS)
    assert abs(confidence.mean() - right.mean()) < 0.02
    assert other_confidence.mean() - other_right.mean() > 0.05
    assert "chosen among the other kind of writers" in tab.locator(".ll-live").inner_text()
    press(tab, "at most 1 %")
    check_numbers(tab, "others")
    assert threshold_of(tab) == lowest_within(FIELDS["others"], MOST_WRONG)
    press(tab, "writers as in the calibration")
    check_numbers(tab, "calibration")


@every_hand
def test_the_cheapest_threshold_is_shown_and_says_what_it_was_chosen_on(
    tab: Page, hand: str
) -> None:
    press(tab, WRITERS[hand])
    note = tab.get_by_text("It was chosen on the fields that it is judged on")
    for error, rejection in PRICES:
        slider(tab, "An error costs").fill(str(error))
        slider(tab, "A rejection costs").fill(str(rejection))
        press(tab, "cheapest threshold")
        assert note.is_visible()
        threshold, cost = numpy_cheapest(hand, error, rejection)
        assert threshold_of(tab) == threshold
        check_numbers(tab, hand, error, rejection)
        assert f"= {cost}." in tab.locator(".ll-live").inner_text()
    slider(tab, "An error costs").fill("2")  # at another price another one may be cheapest
    assert note.is_hidden()


@every_hand
def test_the_slider_moves_the_threshold(tab: Page, hand: str) -> None:
    press(tab, WRITERS[hand])
    for odds in ("-3", "-1", "0", "2.35", "6", "9.5", "10"):
        slider(tab, "Threshold").fill(odds)
        check_numbers(tab, hand)
    assert threshold_of(tab) == 1
    slider(tab, "Threshold").press("ArrowLeft")
    check_numbers(tab, hand)


def test_the_line_is_moved_by_the_keyboard_alone_from_end_to_end(tab: Page) -> None:
    line(tab).focus()
    before = threshold_of(tab)
    tab.keyboard.press("ArrowRight")
    assert threshold_of(tab) > before
    check_numbers(tab, "calibration")
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowDown")
    assert threshold_of(tab) < before
    for _ in range(100):
        tab.keyboard.press("ArrowUp")
    assert threshold_of(tab) == 1
    for _ in range(131):
        tab.keyboard.press("ArrowDown")
    assert threshold_of(tab) == 0
    check_numbers(tab, "calibration")


def test_the_line_is_dragged_with_the_mouse(tab: Page) -> None:
    tab.set_viewport_size({"width": 800, "height": 1200})
    press(tab, "other writers")
    box, frame = line(tab).bounding_box(), tab.locator(".ll-live .ll-desk-picture").bounding_box()
    assert box is not None
    assert frame is not None
    scale = frame["width"] / 500
    assert box["width"] >= 24
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    tab.mouse.down()
    tab.mouse.move(frame["x"] + across(0.99) * scale, box["y"] + 60, steps=3)
    assert threshold_of(tab) == pytest.approx(0.99, abs=0.001)
    check_numbers(tab, "others")
    tab.mouse.move(frame["x"] - 50, box["y"] + 60)
    assert threshold_of(tab) == 0
    tab.mouse.up()
    tab.mouse.move(frame["x"] + 300, box["y"] + 60)
    assert threshold_of(tab) == 0


@pytest.fixture
def finger(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The piece on a phone's screen."""
    phone = {"width": 375, "height": 800}
    tab, faults = opened(browser, bank_desk(), tmp_path, has_touch=True, viewport=phone)
    yield tab
    assert faults == []


def touch(tab: Page, *places: tuple[float, float]) -> None:
    """Put a finger on the first place, move it to the others one after another, and lift it."""
    session = tab.context.new_cdp_session(tab)
    for kind, points in (
        ("touchStart", places[:1]),
        *(("touchMove", [place]) for place in places[1:]),
        ("touchEnd", []),
    ):
        at = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})


def test_the_slider_is_moved_by_a_finger_and_by_a_tap(finger: Page) -> None:
    control = slider(finger, "Threshold")
    control.scroll_into_view_if_needed()
    box, before = control.bounding_box(), threshold_of(finger)
    assert box is not None
    assert box["height"] >= 24
    middle = box["y"] + box["height"] / 2
    at = [(box["x"] + share * box["width"], middle) for share in (0.5, 0.4, 0.3, 0.2)]
    scrolled = finger.evaluate("scrollY")
    touch(finger, *at)
    moved = threshold_of(finger)
    assert moved < before
    check_numbers(finger, "calibration")
    finger.touchscreen.tap(box["x"] + 0.9 * box["width"], middle)
    assert threshold_of(finger) > moved
    check_numbers(finger, "calibration")
    assert finger.evaluate("scrollY") == scrolled


def test_the_line_is_dragged_by_a_finger_and_the_page_stays(finger: Page) -> None:
    line(finger).scroll_into_view_if_needed()
    box = line(finger).bounding_box()
    frame = finger.locator(".ll-live .ll-desk-picture").bounding_box()
    assert box is not None
    assert frame is not None
    scale = frame["width"] / 500
    start = box["x"] + box["width"] / 2
    end = frame["x"] + across(0.5) * scale
    scrolled = finger.evaluate("scrollY")
    # Not straight: a finger that moves down, too, would scroll the page.
    path = [(start + share * (end - start), box["y"] + 60 + 30 * share) for share in (0, 0.5, 1)]
    touch(finger, *path)
    assert threshold_of(finger) == pytest.approx(0.5, abs=0.05)
    check_numbers(finger, "calibration")
    assert finger.evaluate("scrollY") == scrolled


def test_the_still_picture_has_the_numbers_of_both_kinds_of_writers() -> None:
    piece, threshold = bank_desk(), lowest_within(FIELDS["calibration"], MOST_WRONG)
    for hand in HANDS:
        accepted, wrong, rejected = numpy_counts(hand, threshold)
        low, high = wilson_interval(wrong, accepted)
        confidence, right = arrays(hand)
        for value in (
            f"{accepted} of 200",
            f"{percent(low)[:-2]} to {percent(high)}",
            *map(percent, (wrong / accepted, rejected / 200, confidence.mean(), right.mean())),
        ):
            assert f"<td>{value}</td>" in piece.still
            assert value in piece.text
