"""The descent race computes as the optimizers of lessonlib do, and does what its reader asks."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page

from lessonlib.widgets import descent_race
from lessonlib.widgets.descent import LANDSCAPES, RUNNERS, in_words, run_path
from tests.pieces import Opener, opened, run_script

Settings = dict[str, Any]


@pytest.fixture
def tab(open_piece: Opener) -> Page:
    return open_piece(descent_race())


def race(landscape: str, start: tuple[float, float], rates: tuple[float, ...]) -> Settings:
    first = {"landscape": landscape, "start": start, "rates": rates}
    return first | {"steps": 60, "scale": 1, "beta": 0.8}


def python_paths(settings: Settings, steps: int) -> list[np.ndarray[Any, Any]]:
    paths = []
    for name, lr in zip(RUNNERS, settings["rates"], strict=True):
        more = {"beta": settings["beta"]} if name == "momentum" else {}
        landscape, start, scale = (settings[key] for key in ("landscape", "start", "scale"))
        with np.errstate(over="ignore", invalid="ignore"):
            paths.append(run_path(name, landscape, start, steps, scale, lr=lr, **more))
    return paths


RACES = [
    race(landscape, start, rates) | {"beta": beta, "scale": scale}
    for landscape, start, rates, beta, scale in product(
        LANDSCAPES,
        [(-9, 1), (-2.5, 0), (-2.5, 0.05), (2.95, -1.75)],
        [(0.09, 0.05, 0.7), (0.102, 0.102, 0.102), (0.001, 0.178, 0.01), (1, 1, 1)],
        [0, 0.8, 0.99],
        [1, 1_000],
    )
    if landscape == "valley" or start[0] > -3  # in the saddle's frame
]


def test_the_paths_are_those_of_the_optimizers(tab: Page) -> None:
    call = "argument.map((one) => racePaths(one, 60).map((path) => path.map((w) => w.map(String))))"
    for settings, theirs in zip(RACES, run_script(tab, "descent_race", call, RACES), strict=True):
        for ours, path in zip(python_paths(settings, 60), theirs, strict=True):
            there = np.array(path).astype(float)  # as text: JSON has no infinity
            assert there.shape == (61, 2)
            np.testing.assert_allclose(there, ours, rtol=1e-9, atol=1e-9)


def test_the_losses_and_who_diverges_are_python_s(tab: Page) -> None:
    call = """argument.map((one) => racePaths(one, 1000).map((path) => [
      raceLossWritten(RACE_LOSS[one.landscape](path[60])), raceDiverges(path, one.landscape)]))"""
    diverging = 0
    for settings, theirs in zip(RACES, run_script(tab, "descent_race", call, RACES), strict=True):
        loss = LANDSCAPES[settings["landscape"]].loss
        for path, (written, step) in zip(python_paths(settings, 1_000), theirs, strict=True):
            with np.errstate(over="ignore", invalid="ignore"):
                losses = np.array([loss(w) for w in path])
            assert written == in_words(losses[60])
            high = np.flatnonzero(~(losses <= 1e6))
            assert step == (high[0] if len(high) else -1)
            diverging += len(high) > 0
    assert 100 < diverging < len(RACES) * 2


@pytest.mark.parametrize("name", LANDSCAPES)
def test_a_landscape_has_its_gradient_minima_and_contour_lines(name: str) -> None:
    landscape, small = LANDSCAPES[name], 1e-6
    for w in np.random.default_rng(0).normal(size=(20, 2)):
        slope = [(landscape.loss(w + d) - landscape.loss(w - d)) / 2 for d in small * np.eye(2)]
        assert np.allclose(np.array(slope) / small, landscape.gradient(w), atol=1e-6)
    for w in landscape.lowest:
        assert np.all(landscape.gradient(np.array(w)) == 0)
    for level, low, high in landscape.contours:
        for w_2 in np.linspace(low, high, 9):
            w_1 = max(0, landscape.squared(level, w_2)) ** 0.5
            assert landscape.loss(np.array([w_1, w_2])) == pytest.approx(level)


def test_both_languages_put_weights_at_the_same_place(tab: Page) -> None:
    for landscape in LANDSCAPES.values():
        for w in [landscape.start, (0, 0), (1.5, -1)]:
            call = "racePlace(argument.w, argument.frame)"
            argument = {"w": w, "frame": landscape.frame}
            there = run_script(tab, "descent_race", call, argument)
            assert there == pytest.approx(landscape.place(w), abs=0.051)


def table(tab: Page) -> dict[str, list[str]]:
    rows = tab.locator(".ll-live tbody tr").all()
    return {
        row.locator("th").inner_text().strip(): row.locator("td").all_inner_texts() for row in rows
    }


def button(tab: Page, name: str) -> Locator:
    return tab.locator(".ll-live").get_by_role("button", name=name)


def handle(tab: Page) -> Locator:
    return tab.get_by_role("slider", name="Start")


def test_the_first_frame_has_the_chapter_s_three_paths(tab: Page) -> None:
    assert table(tab) == {
        "descent": ["0.0214", "stays low"],
        "momentum": ["0.0009", "stays low"],
        "Adam": ["0.0295", "stays low"],
    }
    assert "After 40 steps momentum is lowest: L = 0.0009." in tab.locator(".ll-live").inner_text()
    still, live = (
        tab.locator(f".ll-{part} .ll-race-picture g[class^=ll-race] path:nth-child(2)").all()
        for part in ("still", "live")
    )
    assert len(still) == len(live) == 3
    for drawn, there in zip(still, live, strict=True):  # the same marks, to a tenth of a pixel
        ours, theirs = (
            [float(x) for m in str(one.get_attribute("d")).split("M")[1:] for x in place(m)]
            for one in (drawn, there)
        )
        assert len(ours) == 2 * 41
        assert ours == pytest.approx(theirs, abs=0.101)


def place(mark: str) -> list[str]:
    return mark.split("m")[0].split()


def test_over_the_limit_descent_alone_diverges(tab: Page) -> None:
    button(tab, "over the limit").click()
    assert table(tab) == {
        "descent": ["230.51", "diverges: step 147"],
        "momentum": ["0.0083", "stays low"],
        "Adam": ["13.38", "stays low"],
    }
    assert 10 * 1.04 ** (2 * 146) < 1e6 < 10 * 1.04 ** (2 * 147)


def test_momentum_bears_two_times_one_plus_beta_over_the_bend(tab: Page) -> None:
    eta = tab.get_by_role("slider", name="η of momentum")
    eta.fill("-0.75")
    assert table(tab)["momentum"][1] == "stays low"  # 0.178 < 2 (1 + 0.8) / 20 = 0.18
    eta.press("ArrowRight")
    assert table(tab)["momentum"][1].startswith("diverges")  # 0.182
    tab.get_by_role("slider", name="β of momentum").fill("0.9")
    assert table(tab)["momentum"][1] == "stays low"


def test_adam_alone_takes_the_same_path_under_larger_gradients(tab: Page) -> None:
    before = tab.locator(".ll-live .ll-race-Adam path").first.get_attribute("d")
    button(tab, "gradients × 1,000").click()
    assert tab.locator(".ll-live .ll-race-Adam path").first.get_attribute("d") == before
    assert table(tab) == {
        "descent": ["over 10²⁶¹", "diverges: step 1"],
        "momentum": ["over 10²⁴⁰", "diverges: step 1"],
        "Adam": ["0.0295", "stays low"],
    }
    assert button(tab, "× 1,000").last.get_attribute("aria-pressed") == "true"


def test_nothing_leaves_the_ridge_but_all_leave_its_neighbourhood(tab: Page) -> None:
    button(tab, "ridge").click()
    losses = {name: float(row[0]) for name, row in table(tab).items()}
    assert min(losses.values()) >= 0
    handle(tab).press("ArrowUp")
    assert handle(tab).get_attribute("aria-valuetext") == "w₁ = −2.50, w₂ = 0.05"
    assert all(float(row[0].replace("−", "-")) < -0.2 for row in table(tab).values())


def test_the_start_is_dragged_with_the_mouse_and_stays_in_the_field(tab: Page) -> None:
    box = handle(tab).bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 100, y + 80, steps=4)
    moved = handle(tab).bounding_box()
    assert moved
    assert moved["x"] - box["x"] == pytest.approx(100, abs=2)
    assert moved["y"] - box["y"] == pytest.approx(80, abs=2)
    assert table(tab)["descent"][0] != "0.0214"
    tab.mouse.move(-500, 5, steps=4)
    tab.mouse.up()
    assert handle(tab).get_attribute("aria-valuetext") == "w₁ = −10.50, w₂ = 3.00"
    tab.mouse.move(x, y)  # let go
    assert handle(tab).get_attribute("aria-valuetext") == "w₁ = −10.50, w₂ = 3.00"


def test_the_start_is_dragged_by_touch(browser: Browser, tmp_path: Any) -> None:
    settings = {"viewport": {"width": 375, "height": 1400}, "has_touch": True}
    tab, faults = opened(browser, descent_race(), tmp_path, **settings)
    box = handle(tab).bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 24
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = tab.context.new_cdp_session(tab)
    for kind, dx in [("touchStart", 0), ("touchMove", 40), ("touchMove", 90), ("touchEnd", None)]:
        points = [] if dx is None else [{"x": x + dx, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    moved = handle(tab).bounding_box()
    assert moved
    assert moved["x"] - box["x"] == pytest.approx(90, abs=2)
    assert faults == []


def test_the_start_is_moved_by_the_keyboard(tab: Page) -> None:
    handle(tab).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown", "Home"):
        tab.keyboard.press(key)
    assert handle(tab).get_attribute("aria-valuetext") == "w₁ = −8.50, w₂ = 0.90"
    path = python_paths(race("valley", (-8.5, 0.9), (0.09, 0.05, 0.7)), 40)[0]
    assert table(tab)["descent"][0] == in_words(LANDSCAPES["valley"].loss(path[-1]))


def test_it_goes_step_by_step_and_runs_to_the_end(tab: Page) -> None:
    live, steps = tab.locator(".ll-live"), tab.get_by_role("slider", name="Steps")
    steps.fill("0")
    assert "At the start L = 50.50." in live.inner_text()
    button(tab, "one step").click()
    assert steps.input_value() == "1"
    button(tab, "run").click()
    button(tab, "stop").click()
    assert int(steps.input_value()) < 60
    button(tab, "run").click()
    live.get_by_text("After 60 steps momentum is lowest: L = 0.0001.").wait_for()
    assert steps.input_value() == "60"
    button(tab, "one step").click()
    assert steps.input_value() == "60"


def test_who_wants_less_motion_sees_the_end_at_once(browser: Browser, tmp_path: Any) -> None:
    tab, _ = opened(browser, descent_race(), tmp_path, reduced_motion="reduce")
    button(tab, "run").click()
    assert "After 60 steps" in tab.locator(".ll-live").inner_text()


def test_the_paths_keep_their_colours_apart_in_both_schemes(tab: Page) -> None:
    colors = {}
    for scheme in ("light", "dark"):
        tab.evaluate("s => document.documentElement.setAttribute('data-theme', s)", scheme)
        colors[scheme] = [
            tab.locator(f".ll-live .ll-race-picture .ll-race-{name} path").first.evaluate(
                "path => getComputedStyle(path).stroke"
            )
            for name in RUNNERS
        ]
    assert len({*colors["light"], *colors["dark"]}) == 6


def test_without_scripts_nothing_is_wider_than_a_phone(browser: Browser, tmp_path: Any) -> None:
    settings = {"viewport": {"width": 375, "height": 800}, "java_script_enabled": False}
    tab, _ = opened(browser, descent_race(), tmp_path, **settings)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 375
    assert "over 10²⁶¹" in tab.locator(".ll-still").inner_text()
