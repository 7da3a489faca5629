"""The page's network computes as Python's, and its reader solves XOR with two units."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from lessonlib.network import (
    RELU,
    TANH,
    Activation,
    Array,
    backward,
    cross_entropy,
    forward,
    glorot,
    he,
    initialize,
)
from lessonlib.optimizers import Adam
from lessonlib.widgets import grow_a_layer
from lessonlib.widgets.forward import WHY, _folded, _lead, _points
from tests.pieces import Opener, opened, run_script

ACTIVATIONS = {"tanh": TANH, "ReLU": RELU, "none": Activation(lambda z: z, np.ones_like)}


@pytest.fixture
def tab(open_piece: Opener) -> Page:
    return open_piece(grow_a_layer())


def examples(name: str) -> tuple[Array, Array]:
    points = np.array(_points(name))
    return points[:, :2], points[:, 2].astype(int)


def listed(name: str) -> list[dict[str, Any]]:
    return [{"x": [x_1, x_2], "y": y} for x_1, x_2, y in _points(name)]


def said(tab: Page) -> str:
    return tab.locator(".ll-live .ll-status").inner_text()


def press(tab: Page, name: str) -> None:
    tab.get_by_role("button", name=name, exact=True).click()
    tab.wait_for_function(
        "document.querySelector('.ll-live .ll-status').getAttribute('aria-busy') === 'false'"
    )


def new_network(tab: Page, units: int, kind: str, seed: int) -> tuple[list[Array], list[Array]]:
    network = run_script(
        tab,
        "grow_a_layer",
        "growNetwork(argument.units, GROW_ACTIVATIONS[argument.kind], argument.seed)",
        {"units": units, "kind": kind, "seed": seed},
    )
    W, b = ([np.array(part, dtype=float) for part in network[name]] for name in ("W", "b"))
    return W, b


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("units", [1, 2, 5])
def test_loss_and_all_gradients_are_python_s(tab: Page, kind: str, units: int) -> None:
    rng = np.random.default_rng(units)
    W, b = initialize((2, units, 2), rng)
    b = [rng.normal(size=part.shape) for part in b]
    X, y = examples("two moons")
    a, z = forward(X, W, b, ACTIVATIONS[kind])
    dW, db = backward(a, z, y, W, ACTIVATIONS[kind])
    found = run_script(
        tab,
        "grow_a_layer",
        "growGradients(argument.points, argument.network, GROW_ACTIVATIONS[argument.kind])",
        {
            "points": listed("two moons"),
            "network": {"W": [part.tolist() for part in W], "b": [part.tolist() for part in b]},
            "kind": kind,
        },
    )
    assert found["loss"] == pytest.approx(cross_entropy(z[-1], y), abs=1e-9)
    for ours, theirs in zip([*dW, *db], [*found["dW"], *found["db"]], strict=True):
        assert np.allclose(ours, theirs, rtol=0, atol=1e-9)


def test_a_sure_and_wrong_answer_keeps_its_loss_finite(tab: Page) -> None:
    network = {"W": [[[1000], [0]], [[1000, -1000]]], "b": [[0], [0, 0]]}
    found = run_script(
        tab,
        "grow_a_layer",
        "growGradients(argument.points, argument.network, GROW_ACTIVATIONS.none)",
        {"points": [{"x": [1, 0], "y": 1}], "network": network},
    )
    assert found["loss"] == 2_000_000
    assert found["db"][1] == [1, -1]


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_training_is_python_s_adam(tab: Page, kind: str) -> None:
    W, b = new_network(tab, 3, kind, 4)
    X, y = examples("ring")
    adam = Adam([*W, *b], lr=0.1)
    for _ in range(40):
        dW, db = backward(*forward(X, W, b, ACTIVATIONS[kind]), y, W, ACTIVATIONS[kind])
        adam.step([*dW, *db])
    expression = """(() => {
      const activation = GROW_ACTIVATIONS[argument.kind];
      const network = growNetwork(3, activation, 4);
      growTrain(argument.points, network, activation, { t: 0, m: [], v: [] }, 40);
      return network;
    })()"""
    argument = {"kind": kind, "points": listed("ring")}
    found = run_script(tab, "grow_a_layer", expression, argument)
    for ours, theirs in zip([*W, *b], [*found["W"], *found["b"]], strict=True):
        assert np.allclose(ours, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("kind", "variance"), [("tanh", glorot), ("ReLU", he), ("none", glorot)])
def test_first_weights_have_the_course_s_variance(tab: Page, kind: str, variance: Any) -> None:
    W, b = new_network(tab, 2000, kind, 1)
    assert W[0].var() == pytest.approx(variance(2, 2000), rel=0.05)
    assert W[1].var() == pytest.approx(variance(2000, 2), rel=0.05)
    assert not b[0].any()


def test_the_first_frame_s_numbers_are_python_s(tab: Page) -> None:
    W, b = new_network(tab, 1, "tanh", 1)
    X, y = examples("XOR")
    adam = Adam([*W, *b], lr=0.1)
    for _ in range(200):
        dW, db = backward(*forward(X, W, b, TANH), y, W, TANH)
        adam.step([*dW, *db])
    z = forward(X, W, b, TANH)[1][-1]
    right = (z.argmax(axis=1) == y).sum()
    assert right == 24
    loss = cross_entropy(z, y)
    assert said(tab) == f"Start 1, epoch 200: loss {loss:.3f}, {right} of 32 points right."
    assert tab.locator(".ll-live .ll-planes svg").first.locator(".ll-wrong").count() == 8


def test_xor_is_solved_with_two_tanh_units_by_pressing_buttons(tab: Page) -> None:
    tab.get_by_role("slider", name="Hidden units").fill("2")
    assert said(tab).startswith("Start 1, epoch 0:")
    press(tab, "step")
    assert said(tab).startswith("Start 1, epoch 1:")
    press(tab, "train")
    assert said(tab).startswith("Start 1, epoch 201:")
    assert said(tab).endswith("32 of 32 points right.")
    assert "✓ XOR with two units" in tab.locator(".ll-goals").inner_text()
    # In the space of the two units the border is straight.
    border = tab.locator(".ll-live .ll-planes svg.ll-plane").nth(1).locator(".ll-border")
    drawn = (border.get_attribute("d") or "").replace("L", "M").replace("M", " ").split()
    places = np.array(drawn, dtype=float).reshape(-1, 2)
    assert np.linalg.svd(places - places.mean(axis=0))[1][1] < 0.06 * len(places) ** 0.5


def test_some_starts_fail_and_a_new_one_helps(tab: Page) -> None:
    tab.get_by_role("slider", name="Hidden units").fill("2")
    solved = []
    for seed in range(1, 9):
        press(tab, "train")
        assert said(tab).startswith(f"Start {seed}, epoch 200:")
        solved.append(said(tab).endswith("32 of 32 points right."))
        press(tab, "new start")
    assert 0 < sum(solved) < 8


def rights(tab: Page, name: str, units: int, kind: str, epochs: int = 400) -> list[int]:
    """Count the points that are right after training, for eight starts."""
    expression = """[1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const activation = GROW_ACTIVATIONS[argument.kind];
      const network = growNetwork(argument.units, activation, seed);
      growTrain(argument.points, network, activation, { t: 0, m: [], v: [] }, argument.epochs);
      return argument.points.filter(
        ({ x, y }) => (growLead(growForward(x, network, activation).z2) >= 0) === (y === 1)).length;
    })"""
    argument = {"points": listed(name), "units": units, "kind": kind, "epochs": epochs}
    counts: list[int] = run_script(tab, "grow_a_layer", expression, argument)
    return counts


def test_the_sets_need_what_the_piece_says(tab: Page) -> None:
    assert min(rights(tab, "AND", 1, "tanh")) == 32
    assert max(rights(tab, "XOR", 1, "tanh")) == 24
    assert max(rights(tab, "XOR", 2, "tanh")) == 32
    assert max(rights(tab, "XOR", 8, "none")) <= 24  # a stack without a bend is one layer
    assert max(rights(tab, "ring", 2, "tanh")) < 40
    assert max(rights(tab, "ring", 2, "ReLU")) < 40
    assert max(rights(tab, "ring", 3, "tanh")) == 40
    assert max(rights(tab, "two moons", 3, "tanh")) == 40


def test_the_ring_is_closed_with_three_units(tab: Page) -> None:
    press(tab, "ring")
    tab.get_by_role("slider", name="Hidden units").fill("5")
    press(tab, "train")
    assert said(tab).endswith("40 of 40 points right.")
    assert "○ The ring with 5 units. Are fewer enough?" in tab.locator(".ll-goals").inner_text()
    tab.get_by_role("slider", name="Hidden units").fill("3")
    press(tab, "train")
    assert said(tab).endswith("40 of 40 points right.")
    assert "✓ The ring with three units" in tab.locator(".ll-goals").inner_text()


def test_the_result_depends_on_the_epochs_not_on_the_presses(tab: Page) -> None:
    tab.get_by_role("slider", name="Hidden units").fill("3")
    for _ in range(2):
        press(tab, "train")
    slow = said(tab)
    press(tab, "XOR")
    # Two presses before the first is done.
    tab.evaluate(
        """() => {
          const train = [...document.querySelectorAll(".ll-live button")]
            .find((button) => button.textContent === "train");
          train.click();
          train.click();
        }"""
    )
    tab.wait_for_function("document.querySelector('.ll-status').textContent.includes('epoch 400')")
    assert said(tab) == slow


def test_a_training_ends_with_its_network(tab: Page) -> None:
    first = tab.locator(".ll-live").inner_html()
    for leave in ("new start", "Reset"):
        tab.evaluate(
            """leave => {
              const press = (name) => [...document.querySelectorAll(".ll-live button")]
                .find((button) => button.textContent === name).click();
              press("train");
              press(leave);
            }""",
            leave,
        )
        tab.wait_for_timeout(100)
    assert tab.locator(".ll-live").inner_html() == first


def test_points_of_one_s_own_by_tap(browser: Browser, tmp_path: Path) -> None:
    tab, faults = opened(
        browser, grow_a_layer(), tmp_path, has_touch=True, viewport={"width": 375, "height": 800}
    )
    press(tab, "your own")
    assert said(tab) == "No points yet."
    press(tab, "train")  # nothing to train on
    square = tab.locator(".ll-live .ll-frame").first
    square.scroll_into_view_if_needed()
    box = square.bounding_box()
    assert box
    for y, places in {"0": [(0.2, 0.5), (0.8, 0.5)], "1": [(0.5, 0.5)]}.items():
        press(tab, y)
        for across, down in places:
            square.scroll_into_view_if_needed()
            box = square.bounding_box()
            assert box
            tab.touchscreen.tap(box["x"] + across * box["width"], box["y"] + down * box["height"])
    assert tab.locator(".ll-live svg").first.locator(".ll-class0").count() == 2
    assert tab.locator(".ll-live svg").first.locator(".ll-class1").count() == 1
    tab.get_by_role("slider", name="Hidden units").fill("4")
    press(tab, "train")
    assert said(tab).endswith("3 of 3 points right.")
    assert faults == []


def test_points_of_one_s_own_by_the_keyboard(tab: Page) -> None:
    tab.get_by_role("button", name="your own").press("Enter")
    tab.get_by_role("slider", name="x₁").press("End")
    tab.get_by_role("slider", name="x₂").press("Home")
    tab.get_by_role("button", name="add the point").press("Enter")
    tab.get_by_role("slider", name="x₁").press("Home")
    tab.get_by_role("button", name="1", exact=True).press("Enter")
    tab.get_by_role("button", name="add the point").press("Enter")
    tab.get_by_role("button", name="train", exact=True).press("Enter")
    tab.wait_for_function("document.querySelector('.ll-status').textContent.includes('epoch 200')")
    assert said(tab).endswith("2 of 2 points right.")
    tab.get_by_role("button", name="remove all").press("Enter")
    assert said(tab) == "No points yet."


def test_the_still_picture_s_network_does_xor() -> None:
    assert all((_lead(*_folded(x_1, x_2)) >= 0) == y for x_1, x_2, y in _points("XOR"))
    assert "ll-wrong" not in grow_a_layer().still


def test_every_set_says_why_and_lies_in_the_frame() -> None:
    for name, why in WHY.items():
        assert why.lower().startswith(name.lower())
        points = np.array(_points(name))
        assert np.abs(points[:, :2]).max() < 1.45
        assert len(np.unique(points, axis=0)) == len(points)
