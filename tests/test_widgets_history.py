"""The line is turned by mouse, keyboard and sliders, and its unit answers as Python's."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page

from lessonlib.perceptron import fires
from lessonlib.widgets import turn_a_line
from lessonlib.widgets.history import BEST, POINTS, PRESETS
from tests.pieces import Opener, opened, run_script

X = np.array(POINTS, dtype=float)


@pytest.fixture
def tab(open_piece: Opener) -> Page:
    return open_piece(turn_a_line())


def said(tab: Page) -> str:
    return tab.locator(".ll-live .ll-status").inner_text()


def handle(tab: Page, which: str) -> Locator:
    return tab.get_by_role("button", name=f"The line's {which} handle")


def drag(tab: Page, which: str, x_1: float, x_2: float) -> None:
    """Drag a handle to a place in the plane."""
    frame = tab.locator(".ll-live .ll-frame").bounding_box()
    start = handle(tab, which).locator(".ll-grip").bounding_box()
    assert frame
    assert start
    tab.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    tab.mouse.down()
    for share in (0.5, 1.0):
        across, down = (x_1 + 0.5) / 2 * share, (1.5 - x_2) / 2 * share
        tab.mouse.move(frame["x"] + across * frame["width"], frame["y"] + down * frame["height"])
    tab.mouse.up()


def test_a_unit_s_line_goes_through_its_handles_with_class_1_on_the_left(tab: Page) -> None:
    ends = np.random.default_rng(0).uniform(-0.5, 1.5, size=(200, 2, 2))
    units = run_script(tab, "turn_a_line", "argument.map(lineUnit)", ends.tolist())
    for (start, end), unit in zip(ends, units, strict=True):
        along = end - start
        w = np.array([-along[1], along[0]]) / np.hypot(*along)  # a quarter turn to the left
        assert np.abs(np.array(unit["w"]) - w).max() <= 0.005 + 1e-9
        assert abs(unit["b"] + w @ start) <= 0.005 + 1e-9


def test_sliders_and_handles_say_the_same_line(tab: Page) -> None:
    lines = [[angle, offset / 100] for angle in range(-179, 181, 7) for offset in (-75, -3, 0, 41)]
    expression = "argument.map((line) => linePlacement(lineEnds(...line)))"
    placed = run_script(tab, "turn_a_line", expression, lines)
    assert [[one["angle"], one["offset"]] for one in placed] == lines


def test_the_shown_unit_answers_as_python_s_does(tab: Page) -> None:
    lines = [[angle, offset / 10] for angle in range(-180, 181, 15) for offset in range(-7, 8)]
    expression = """argument.lines.map((line) => {
      const unit = lineUnit(lineEnds(...line));
      const answers = argument.points.map((x) => Number(lineSum(unit, x) >= 0));
      return { ...unit, answers };
    })"""
    found = run_script(tab, "turn_a_line", expression, {"lines": lines, "points": POINTS})
    for unit in found:
        # In whole hundredths no sum is rounded.
        w, b = np.round(100 * np.array(unit["w"])), round(100 * unit["b"])
        assert unit["answers"] == fires(X, w, b).tolist()


@pytest.mark.parametrize("name", PRESETS)
def test_no_line_gets_more_points_right_than_the_piece_says(name: str) -> None:
    labels, most, _ = PRESETS[name]
    w_1, w_2, b = np.meshgrid(*[np.linspace(-2, 2, 41)] * 3)
    right = sum(
        (x_1 * w_1 + x_2 * w_2 + b >= 0) == y for (x_1, x_2), y in zip(POINTS, labels, strict=True)
    )
    assert right.max() == most
    *w, bias = BEST[name]
    assert (fires(X, np.array(w), bias) == labels).sum() == most


def test_the_first_frame_shows_one_wrong_point_and_the_unit(tab: Page) -> None:
    assert said(tab) == "3 of 4 points right. Wrong: (1, 0)."
    assert "w₁ = 1.00, w₂ = 0.00, b = −0.50" in tab.locator(".ll-live").inner_text()
    assert tab.locator(".ll-live .ll-wrong").count() == 1


def test_and_is_divided_with_the_mouse(tab: Page) -> None:
    drag(tab, "first", 0.1, 1.4)
    drag(tab, "second", 1.4, 0.1)
    assert said(tab) == "4 of 4 points right. This line divides AND."
    assert "ŷ = 1 where 0.71 x₁ + 0.71 x₂ − 1.06 ≥\u00a00" in tab.locator(".ll-live").inner_text()
    assert "✓ All four of AND" in tab.locator(".ll-goals").inner_text()
    assert tab.get_by_role("slider", name="Angle").input_value() == "45"


def test_a_finger_drags_a_handle_and_the_page_stays(browser: Browser, tmp_path: Path) -> None:
    phone = {"width": 375, "height": 400}  # so low that the page could scroll
    tab, faults = opened(browser, turn_a_line(), tmp_path, has_touch=True, viewport=phone)
    handle(tab, "first").scroll_into_view_if_needed()
    before = tab.evaluate("scrollY")
    box = handle(tab, "first").locator(".ll-grip").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = tab.context.new_cdp_session(tab)
    for kind, down in (("touchStart", 0), *(("touchMove", k) for k in range(0, 61, 10))):
        points = [{"x": x - down, "y": y + down}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert tab.evaluate("scrollY") == before
    moved = handle(tab, "first").locator(".ll-grip").bounding_box()
    assert moved
    assert (moved["x"] - box["x"], moved["y"] - box["y"]) == pytest.approx((-60, 60), abs=1)
    assert faults == []


def test_or_is_divided_with_the_keyboard_alone(tab: Page) -> None:
    tab.get_by_role("button", name="OR", exact=True).press("Enter")
    assert said(tab) == "3 of 4 points right. Wrong: (0, 1)."
    for _ in range(18):  # the upper end to the left, over (0, 1)
        handle(tab, "first").press("ArrowLeft")
    assert said(tab) == "4 of 4 points right. This line divides OR."
    for _ in range(18):
        handle(tab, "first").press("ArrowRight")
    assert said(tab) == "3 of 4 points right. Wrong: (0, 1)."


def test_three_of_xor_are_found_with_the_sliders(tab: Page) -> None:
    tab.get_by_role("button", name="XOR", exact=True).click()
    assert said(tab).startswith("2 of 4 points right.")
    tab.get_by_role("slider", name="Angle").fill("45")
    tab.get_by_role("slider", name="Offset").fill("-0.35")
    assert said(tab) == "3 of 4 points right. Wrong: (1, 1). No line gets more."
    assert "✓ XOR: three are the most" in tab.locator(".ll-goals").inner_text()
    tab.get_by_role("button", name="swap the sides").click()
    assert said(tab).startswith("1 of 4 points right.")


def test_handles_stay_in_the_frame_and_apart(tab: Page) -> None:
    drag(tab, "first", 9, 9)
    drag(tab, "second", 1.42, 1.42)  # onto the other: it stops before
    places = [
        tab.evaluate(
            "handle => handle.getAttribute('transform')", handle(tab, which).element_handle()
        )
        for which in ("first", "second")
    ]
    first, second = (
        np.array([float(number) for number in place[10:-1].split(",")]) for place in places
    )
    assert ((first >= 0) & (first <= 240)).all()
    assert np.hypot(*(first - second)) > 30
    assert "NaN" not in tab.locator(".ll-live").inner_html()


def test_a_handle_is_large_enough_for_a_finger(tab: Page) -> None:
    tab.set_viewport_size({"width": 375, "height": 800})
    box = handle(tab, "first").bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 24
