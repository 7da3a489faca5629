"""The pad prepares, computes and answers as Python does, for whoever draws on it by any means."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, Page
from torch import nn

from lessonlib import compress, digits, models, weights
from lessonlib.checks import normalize
from lessonlib.synthesis.strokes import write_character
from lessonlib.widgets import draw_a_digit
from lessonlib.widgets.networks import network_script
from lessonlib.widgets.training import (
    CORNER,
    PAD_SIDE,
    SAMPLES,
    inked,
    prepared,
    sample_strokes,
)
from tests.pieces import Opener, opened, run_script

SEVEN = [(70, 60), (210, 60), (120, 240)]  # its corners, in the pad's units
DRAWN = 50
# Of 255. Halfway between two whole numbers, OpenCV's float32 and the page's float64 may round to
# different ones.
MOST_OFF = 1


@pytest.fixture
def tab(open_piece: Opener) -> Page:
    return open_piece(draw_a_digit())


@pytest.fixture(scope="module")
def images() -> Any:
    return digits.sample(*digits.load("test"), 1000)[0]


def as_points(strokes: Any) -> list[list[dict[str, float]]]:
    return [[{"x": float(x), "y": float(y)} for x, y in stroke] for stroke in strokes]


def hidden_layers(some: Any) -> list[Any]:
    """Compute both hidden layers' activations in Python, without a weight rounded."""
    model, found = weights.shipped("mlp"), []
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda _, __, x: found.append(x.numpy()))
    with torch.no_grad():
        model(models.to_tensor(some))
    return found


def hand(rng: np.random.Generator) -> tuple[list[Any], float]:
    """Write one digit somewhere on the pad, turned and shifted; with a pen of some width."""
    size = rng.uniform(80, 180)
    angle, shift = rng.uniform(-0.6, 0.6), rng.uniform(-40, 40, 2)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    written = write_character(str(rng.integers(10)), rng)
    strokes = [
        ((stroke - (0.3, 0.5)) * (size, -size)) @ turn + PAD_SIDE / 2 + shift for stroke in written
    ]
    return strokes, float(rng.uniform(10, 50))


# The network


@pytest.mark.parametrize("bundled", [False, True], ids=["test images", "bundled digits"])
def test_the_page_s_network_answers_as_python_s(tab: Page, images: Any, bundled: bool) -> None:
    # int8 moves a probability most where the network is unsure, as it often is of the bundled
    # digits. Measured at the 99th percentile: 0.0044 on MNIST's images, 0.0192 on these.
    most = 0.025 if bundled or digits.source() == "bundled" else 0.01
    if bundled:
        images, _ = digits.load_bundled("test")
    expression = """((network) => argument.map((pixels) => forward(network, pixels).p))
        (readNetwork("mlp"))"""
    pixels = images.reshape(-1, 784).tolist()
    found = np.array(run_script(tab, "draw_a_digit", expression, pixels))
    with torch.no_grad():
        p = weights.shipped("mlp")(models.to_tensor(images)).softmax(dim=1).numpy()
    assert (found.argmax(axis=1) == p.argmax(axis=1)).mean() >= 0.998
    assert np.quantile(np.abs(found - p).max(axis=1), 0.99) <= most
    assert np.allclose(found.sum(axis=1), 1)


def test_the_page_s_hidden_layers_are_python_s(tab: Page, images: Any) -> None:
    some = images[:20]
    expression = """((network) => argument.map((pixels) => forward(network, pixels).hidden))
        (readNetwork("mlp"))"""
    pixels = some.reshape(-1, 784).tolist()
    found = run_script(tab, "draw_a_digit", expression, pixels)
    for number, expected in enumerate(hidden_layers(some)):
        ours = np.array([hidden[number] for hidden in found])
        assert np.abs(ours - expected).max() < 0.05  # they reach 4 and more
    assert all(len(hidden) == 2 for hidden in found)


def test_each_weight_is_off_by_half_a_step_at_most(tab: Page) -> None:
    expression = "readNetwork('mlp').layers.map(({ weights }) => Array.from(weights))"
    found = run_script(tab, "draw_a_digit", expression)
    folded = compress.fold_batch_norm(weights.shipped("mlp"))
    layers = [layer for layer in folded.modules() if isinstance(layer, nn.Linear)]
    for layer, unpacked in zip(layers, found, strict=True):
        w = layer.weight.detach().numpy()
        step = np.abs(w).max(axis=1, keepdims=True) / 127
        assert (np.abs(np.reshape(unpacked, w.shape) - w) <= 0.5001 * step).all()


def test_a_network_s_script_may_run_twice_and_is_for_mlps_only(tab: Page) -> None:
    script = network_script("mlp")
    assert script.isascii()
    assert len(script) < 400_000
    tab.evaluate(script)
    tab.evaluate(script)
    assert tab.evaluate("Object.keys(window.lessonlibNetworks)") == ["mlp"]
    with pytest.raises(ValueError, match="'reader-cnn' is a CNN"):
        network_script("reader-cnn")


# From ink to the network's picture


def test_ink_is_where_python_puts_it(tab: Page) -> None:
    rng = np.random.default_rng(0)
    cases = [hand(rng) for _ in range(8)]
    cases += [(sample_strokes(digit, variant), 18.0) for digit, variant, _ in SAMPLES]
    cases += [([[(-5.0, 100.0)]], 30.0), ([], 10.0)]  # a dot over the edge; nothing
    argument = [{"strokes": as_points(strokes), "pen": pen} for strokes, pen in cases]
    expression = "argument.map(({ strokes, pen }) => Array.from(drawInk(strokes, pen)).join(''))"
    for (strokes, pen), found in zip(
        cases, run_script(tab, "draw_a_digit", expression, argument), strict=True
    ):
        assert found == "".join(map(str, inked(strokes, pen).astype(int).ravel().tolist()))


@pytest.mark.parametrize("crop", [True, False], ids=["crop", "no crop"])
@pytest.mark.parametrize("middle", [True, False], ids=["middle", "no middle"])
def test_the_network_s_picture_is_python_s(tab: Page, crop: bool, middle: bool) -> None:
    rng = np.random.default_rng(1)
    cases = [hand(rng) for _ in range(DRAWN)]
    argument = {
        "cases": [{"strokes": as_points(strokes), "pen": pen} for strokes, pen in cases],
        "crop": crop,
        "middle": middle,
    }
    expression = """argument.cases.map(({ strokes, pen }) =>
        Array.from(drawPrepared(drawInk(strokes, pen), argument.crop, argument.middle)))"""
    found = run_script(tab, "draw_a_digit", expression, argument)
    for (strokes, pen), levels in zip(cases, found, strict=True):
        ink = inked(strokes, pen)
        seen = normalize(ink) if crop and middle else prepared(ink, crop, middle)
        assert np.abs(np.reshape(levels, (28, 28)) - seen.astype(int)).max() <= MOST_OFF


def test_the_steps_do_what_their_names_say() -> None:
    ink = inked([[(200, 200), (200, 260)]], 18.0)
    both, crop, middle, none = (
        np.argwhere(prepared(ink, *steps))
        for steps in ((True, True), (True, False), (False, True), (False, False))
    )
    heights = [np.ptp(places[:, 0]) + 1 for places in (both, crop, middle, none)]
    assert heights[:2] == [20, 20]
    assert max(heights[2:]) < 10
    assert np.abs(both.mean(axis=0) - 13.5).max() <= 0.5
    assert np.abs(middle.mean(axis=0) - 13.5).max() <= 0.5
    assert crop[:, 0].max() == 27  # as far down as its height allows
    assert none.mean(axis=0).tolist() == [22.5, 19.5]


def test_a_stroke_appears_under_the_pen_however_the_digit_is_turned(tab: Page) -> None:
    argument = {"place": {"turn": 40, "right": 3, "down": -7}, "point": {"x": 20, "y": 200}}
    expression = """drawPlaced([[drawUnplaced(argument.point, argument.place)]], argument.place)"""
    ((found,),) = run_script(tab, "draw_a_digit", expression, argument)
    assert found["x"] == pytest.approx(20)
    assert found["y"] == pytest.approx(200)


# The reader's hand


def said(tab: Page) -> str:
    return tab.locator(".ll-live .ll-status").first.inner_text()


def shares(tab: Page) -> list[str]:
    return tab.locator(".ll-bar-number").all_inner_texts()


def cleared_pad(tab: Page) -> Locator:
    tab.get_by_role("button", name="Clear the pad").click()
    assert said(tab).startswith("The pad is empty.")
    assert set(shares(tab)) == {"–"}
    pad = tab.locator(".ll-draw-pad")
    pad.scroll_into_view_if_needed()
    return pad


def places(pad: Locator) -> list[tuple[float, float]]:
    """Where the corners of a 7 lie on the page."""
    box = pad.bounding_box()
    assert box
    scale = box["width"] / PAD_SIDE
    return [(box["x"] + scale * x, box["y"] + scale * y) for x, y in SEVEN]


def test_a_seven_drawn_with_the_mouse_is_read(tab: Page) -> None:
    first, *others = places(cleared_pad(tab))
    tab.mouse.move(*first)
    assert said(tab).startswith("The pad is empty.")
    tab.mouse.down()
    for place in others:
        tab.mouse.move(*place, steps=12)
    tab.mouse.up()
    assert said(tab).startswith("Read as 7,")
    tab.mouse.move(*first, steps=5)  # the pen is up
    assert tab.locator(".ll-draw-ink polyline").count() == 1


def test_a_seven_drawn_with_a_finger_is_read_and_the_page_stays(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    size = {"width": 375, "height": 700}
    folder = tmp_path_factory.mktemp("piece")
    tab, faults = opened(browser, draw_a_digit(), folder, viewport=size, has_touch=True)
    corners = places(cleared_pad(tab))
    before = tab.evaluate("scrollY")
    path = [
        (a[0] + (b[0] - a[0]) * part / 12, a[1] + (b[1] - a[1]) * part / 12)
        for a, b in itertools.pairwise(corners)
        for part in range(1, 13)
    ]
    session = tab.context.new_cdp_session(tab)

    def touch(kind: str, *fingers: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", corners[0])
    for place in path:
        touch("touchMove", place)
    touch("touchEnd")
    assert said(tab).startswith("Read as 7,")
    assert tab.evaluate("scrollY") == before
    assert faults == []


def test_a_seven_is_taken_and_moved_with_the_keyboard_alone(tab: Page) -> None:
    tab.get_by_role("button", name="a 7", exact=True).focus()
    tab.keyboard.press("Enter")
    assert said(tab).startswith("Read as 7,")
    assert said(tab).endswith("Right.")
    tab.get_by_role("button", name="a 3", exact=True).focus()
    tab.keyboard.press("Enter")
    for name, key, times in (
        ("Shift right", "ArrowRight", CORNER["right"]),
        ("Shift down", "ArrowRight", CORNER["down"]),
    ):
        tab.get_by_role("slider", name=name).focus()
        for _ in range(times):
            tab.keyboard.press(key)
    assert said(tab).startswith("Read as 3,")  # both steps are on
    for name in ("crop", "centre of mass"):
        tab.get_by_role("checkbox", name=name).focus()
        tab.keyboard.press("Space")
    assert said(tab).endswith("Wrong: it is a 3.")


def test_centring_decides_in_the_corner_and_nothing_helps_a_turned_digit(tab: Page) -> None:
    assert said(tab).startswith("Read as 3,")
    tab.get_by_role("button", name="in a corner, no step").click()
    assert said(tab).startswith("Read as 7,")
    tab.get_by_role("checkbox", name="crop").check()
    assert said(tab).startswith("Read as 7,")
    tab.get_by_role("checkbox", name="crop").uncheck()
    tab.get_by_role("checkbox", name="centre of mass").check()
    assert said(tab).startswith("Read as 3,")
    tab.get_by_role("button", name="turned: no step helps").click()
    assert said(tab).endswith("Wrong: it is a 3.")
    tab.get_by_role("button", name="mend it: both steps").click()
    assert said(tab).startswith("Read as 3,")
    assert said(tab).endswith("Right.")


def test_in_the_corner_all_samples_are_read_as_a_1_or_a_7(tab: Page) -> None:
    tab.get_by_role("button", name="in a corner, no step").click()
    answers = []
    for _, _, name in SAMPLES:
        tab.get_by_role("button", name=name, exact=True).click()
        answers.append(said(tab).split(",")[0].removeprefix("Read as "))
    assert set(answers) == {"1", "7"}


def test_the_crossed_7_needs_both_steps(tab: Page) -> None:
    tab.get_by_role("button", name="a crossed 7").click()
    assert said(tab).startswith("Read as 7,")
    for name in ("crop", "centre of mass"):
        tab.get_by_role("checkbox", name=name).uncheck()
        assert said(tab).startswith("Read as 9,")
        tab.get_by_role("checkbox", name=name).check()


def test_the_bars_say_what_python_computes(tab: Page) -> None:
    tab.get_by_role("button", name="in a corner, no step").click()
    shift = np.array([CORNER["right"], CORNER["down"]]) * 10
    strokes = [np.array(stroke) + shift for stroke in sample_strokes("3", "round")]
    seen = prepared(inked(strokes, 18.0), crop=False, middle=False)
    with torch.no_grad():
        p = weights.shipped("mlp")(models.to_tensor(seen[np.newaxis])).softmax(dim=1)[0]
    found = [float(share.removesuffix("\xa0%")) for share in shares(tab)]
    assert np.abs(np.array(found) - 100 * p.numpy()).max() < 1.5


def test_a_drawn_digit_is_not_judged_and_thin_or_thick_pens_draw(tab: Page) -> None:
    pad = cleared_pad(tab)
    first, second, _ = places(pad)
    tab.mouse.move(*first)
    tab.mouse.down()
    tab.mouse.move(*second)
    tab.mouse.up()
    assert said(tab).startswith("Read as ")
    assert said(tab).endswith("%.")
    heights = []
    for pen in ("1", "5"):
        tab.get_by_role("slider", name="Pen's thickness").fill(pen)
        box = tab.locator(".ll-draw-ink").evaluate("ink => ink.getAttribute('stroke-width')")
        heights.append(float(box))
    assert heights == [10, 50]


# The hidden layer


def test_a_unit_is_chosen_by_arrow_keys_and_by_pointing(tab: Page) -> None:
    units = tab.get_by_role("slider", name="Unit of the first hidden layer")
    units.focus()
    chosen = int(units.get_attribute("aria-valuenow") or 0)
    picture = tab.get_by_role("img", name="Weights of the chosen unit")
    before = picture.inner_html()
    tab.keyboard.press("ArrowLeft")
    assert units.get_attribute("aria-valuenow") == str(chosen - 1)
    assert picture.inner_html() != before
    tab.keyboard.press("ArrowRight")
    assert picture.inner_html() == before
    for _ in range(20):
        tab.keyboard.press("ArrowUp")  # stops at the first row
    assert int(units.get_attribute("aria-valuenow") or 0) == (chosen - 1) % 16 + 1
    grid = units.locator("svg").bounding_box()
    assert grid
    units.hover(position={"x": grid["width"] * 2.5 / 16, "y": grid["height"] * 1.5 / 16})
    assert units.get_attribute("aria-valuenow") == "19"
    assert "Unit 19 answers" in tab.locator(".ll-live").inner_text()


def test_the_first_unit_shown_is_the_strongest_and_its_number_is_python_s(tab: Page) -> None:
    seen = prepared(inked(sample_strokes("3", "round"), 18.0), crop=True, middle=True)
    activations = hidden_layers(seen[np.newaxis])[0][0]
    text = tab.locator(".ll-draw-words").inner_text()
    assert f"Unit {activations.argmax() + 1} answers " in text
    number = float(text.split(" answers ")[1].split()[0].rstrip("."))
    assert number == pytest.approx(activations.max(), abs=0.03)


def test_paper_is_no_plate_in_either_scheme(tab: Page) -> None:
    for scheme, colour in (("light", "rgb(34, 34, 34)"), ("dark", "rgb(206, 214, 221)")):
        tab.evaluate("s => document.documentElement.setAttribute('data-theme', s)", scheme)
        ink = tab.locator(".ll-draw-ink").evaluate("part => getComputedStyle(part).stroke")
        pixel = tab.get_by_role("img", name="The network's input").locator("path").last
        assert {ink, pixel.evaluate("part => getComputedStyle(part).fill")} == {colour}
        papers = tab.locator(".ll-draw-pad, .ll-pixels").evaluate_all(
            "parts => parts.map((part) => getComputedStyle(part).backgroundColor)"
        )
        assert set(papers) == {"rgba(0, 0, 0, 0)"}
