"""Pencil backpropagation computes as torch does, and steps, asks and answers."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page

from lessonlib.widgets import pencil_backpropagation
from lessonlib.widgets.backprop import BACKWARD_PASS, FORWARD_PASS, NUMBERS, two_passes
from tests.pieces import Opener, run_script

NAME = "pencil_backpropagation"
CHAPTER = Path(__file__).resolve().parents[1] / "chapters" / "3-backprop.ipynb"
PARAMETERS = [name for name in NUMBERS if name[0] in "wb"]
GRADIENTS = [
    "L", "z_C", "w_AC", "w_BC", "b_C", "a_A", "a_B", "z_A", "z_B",
    "w_1A", "w_2A", "b_A", "w_1B", "w_2B", "b_B", "x_1", "x_2",
]  # fmt: skip
Numbers = dict[str, float]
OFF: Numbers = {**NUMBERS, "b_B": -4}


@pytest.fixture
def tab(open_piece: Opener) -> Page:
    return open_piece(pencil_backpropagation())


def by_torch(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """All values of the network, and the derivative of the loss by each but y."""
    net = {
        name: torch.tensor(float(value), dtype=torch.float64, requires_grad=name != "y")
        for name, value in numbers.items()
    }
    for unit in "AB":
        net[f"z_{unit}"] = net["x_1"] * net[f"w_1{unit}"] + net["x_2"] * net[f"w_2{unit}"]
        net[f"z_{unit}"] = net[f"z_{unit}"] + net[f"b_{unit}"]
        net[f"a_{unit}"] = torch.relu(net[f"z_{unit}"])
    net["z_C"] = net["a_A"] * net["w_AC"] + net["a_B"] * net["w_BC"] + net["b_C"]
    net["L"] = (net["z_C"] - net["y"]) ** 2 / 2
    for value in net.values():
        if value.requires_grad:
            value.retain_grad()
    net["L"].backward()
    values = {name: value.item() for name, value in net.items()}
    return values, {name: net[name].grad.item() for name in GRADIENTS}  # type: ignore[union-attr]


def settings() -> list[Numbers]:
    """The chapter's numbers, its unit that is off, and 50 random settings, some with a z of 0."""
    rng = np.random.default_rng(0)
    drawn: list[Numbers] = []
    for i in range(50):
        kind: Any = rng.integers(-3, 4, 12) if i % 2 else rng.normal(0, 2, 12)
        numbers = dict(zip(NUMBERS, kind.tolist(), strict=True))
        if i % 5 == 0:  # just at the kink
            comes_in = numbers["x_1"] * numbers["w_1B"] + numbers["x_2"] * numbers["w_2B"]
            numbers["b_B"] = -comes_in
        drawn.append(numbers)
    return [dict(NUMBERS), OFF, *drawn]


def close(found: Numbers, expected: Numbers) -> bool:
    assert found.keys() == expected.keys()
    return all(np.isclose(found[name], expected[name], rtol=1e-12, atol=1e-12) for name in found)


def test_values_and_gradients_are_torch_s(tab: Page) -> None:
    given = settings()
    expression = (
        "argument.map((given) => [pencilForward(given), pencilBackward(pencilForward(given))])"
    )
    found = run_script(tab, NAME, expression, given)
    assert sum(0 in (one["z_A"], one["z_B"]) for one, _ in found) >= 10
    for numbers, (values, gradients) in zip(given, found, strict=True):
        expected = by_torch(numbers)
        assert close(values, expected[0])
        assert close(gradients, expected[1])
        for one, other in zip(two_passes(numbers), expected, strict=True):
            assert close(one, other)


def test_a_step_against_the_gradient_gives_torch_s_loss(tab: Page) -> None:
    given = settings()
    expression = "argument.map((given) => pencilForward(pencilDescend(given, 0.005)).L)"
    for numbers, loss in zip(given, run_script(tab, NAME, expression, given), strict=True):
        gradients = by_torch(numbers)[1]
        moved = {name: numbers[name] - 0.005 * gradients[name] for name in PARAMETERS}
        assert np.isclose(loss, by_torch(numbers | moved)[0]["L"], rtol=1e-12, atol=1e-12)


def test_each_formula_gives_its_value_or_gradient(tab: Page) -> None:
    steps = run_script(tab, NAME, "PENCIL_STEPS")
    assert [one["name"] for one in steps if one["pass"] == "backward"] == GRADIENTS
    for numbers in settings():
        values, gradients = by_torch(numbers)
        slopes = {name: float(values[name] > 0) for name in ("z_A", "z_B")}
        names = {"d": SimpleNamespace(**gradients), "s": SimpleNamespace(**slopes), "max": max}
        for one in steps:
            formula = one["formula"].replace("·", "*").replace("−", "-")
            formula = formula.replace("½ ", "0.5 * ").replace("²", "**2")
            expected = (values if one["pass"] == "forward" else gradients)[one["name"]]
            assert np.isclose(eval(formula, names, values), expected, rtol=1e-9, atol=1e-12)


def test_the_code_and_the_numbers_are_the_chapter_s() -> None:
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    source = "\n".join("".join(cell["source"]) + "\n" for cell in cells)
    assert FORWARD_PASS in source
    assert BACKWARD_PASS in source
    written = re.search(r"net = SimpleNamespace\((.*?)\n\)", source, re.DOTALL)
    assert written
    assert eval(f"dict({written[1]})") == NUMBERS


def shown(tab: Page) -> dict[str, list[str]]:
    """What the drawing has for each name: its value and its gradient, as written."""
    return {
        name: [
            tab.locator(f".ll-live [data-name={name}] .ll-{kind}").inner_html()
            for kind in ("value", "gradient")
        ]
        for name in GRADIENTS
    }


def number(text: str) -> float:
    return float(text.split()[-1].replace("−", "-"))


def marked(tab: Page) -> tuple[str | None, str, str]:
    """The node, the formula's left side and the target in the code that are marked now."""
    live = tab.locator(".ll-live")
    node = live.locator(".ll-pencil-forward, .ll-pencil-backward").get_attribute("data-name")
    left = live.locator(".ll-pencil-lines span").first.inner_text().strip()
    return node, left, live.locator("code[aria-current] b").inner_text()


def button(tab: Page, name: str) -> Locator:
    return tab.locator(".ll-live").get_by_role("button", name=name, exact=True)


def verdict(tab: Page) -> str:
    return tab.locator(".ll-live .ll-predict [role=status]").inner_text()


def test_the_first_frame_has_the_forward_pass_and_the_first_gradient(tab: Page) -> None:
    texts = shown(tab)
    values = two_passes(NUMBERS)[0]
    assert all(number(texts[name][0]) == values[name] for name in GRADIENTS)
    assert texts["z_C"][1] == "← 2"
    assert texts["w_AC"][1] == "← ?"
    assert {texts[name][1] for name in GRADIENTS[3:]} == {""}
    assert marked(tab) == ("z_C", "∂L/∂zC", "d.z_C")
    formula = tab.locator(".ll-pencil-lines").inner_text()
    assert re.sub(r"\s+", " ", formula) == "∂L/∂zC = zC − y = 3 − 1 = 2"


def test_both_passes_are_stepped_by_the_keyboard(tab: Page) -> None:
    button(tab, "← back").focus()
    for _ in range(9):
        tab.keyboard.press("ArrowLeft")
    live = tab.locator(".ll-live")
    assert "step 0 of 23" in live.inner_text()
    assert {gradient for _, gradient in shown(tab).values()} == {""}
    values, gradients = two_passes(NUMBERS)
    for step, name in enumerate(["z_A", "z_B", "a_A", "a_B", "z_C", "L", *GRADIENTS]):
        tab.keyboard.press("ArrowRight")
        assert f"step {step + 1} of 23" in live.inner_text()
        symbol = name.replace("_", "")
        owner, left = ("net", symbol) if step < 6 else ("d", f"∂L/∂{symbol}")
        target = "L=1" if (step, name) == (6, "L") else f"{owner}.{name}"
        assert marked(tab) == (name, left, target)
        result = (values if step < 6 else gradients)[name]
        assert number(live.locator(".ll-pencil-lines strong").inner_text()) == result
        assert number(shown(tab)[name][step >= 6]) == result
    texts = shown(tab)
    assert {name: number(texts[name][1]) for name in GRADIENTS} == gradients
    tab.keyboard.press("ArrowRight")  # there is no more
    assert "step 23 of 23" in live.inner_text()


def test_the_backward_pass_is_foretold_by_the_keyboard(tab: Page) -> None:
    gradients = two_passes(NUMBERS)[1]
    for name in GRADIENTS[2:]:
        button(tab, "plus" if gradients[name] > 0 else "minus").focus()
        tab.keyboard.press("Enter")
        assert verdict(tab).startswith(f"Right: ∂L/∂{name.replace('_', '')} is ")
    # The buttons of the question are gone; the keyboard goes on at the next thing to do.
    assert tab.evaluate("document.activeElement.textContent") == "a step against the gradient"
    tab.keyboard.press("Enter")
    assert "The loss was 2 and is 0.899." in tab.locator(".ll-live").inner_text()


def test_a_wrong_prediction_is_answered_with_its_reason(tab: Page) -> None:
    button(tab, "minus").click()
    assert verdict(tab) == (
        "No: ∂L/∂wAC is plus. ∂L/∂zC = 2 and aA = 1 have the same sign: their product is plus."
    )
    button(tab, "show →").click()
    assert verdict(tab).startswith("∂L/∂wBC is plus.")


def test_each_sign_is_told_with_a_reason_of_the_right_numbers(tab: Page) -> None:
    expression = """argument.map((given) => {
      const net = pencilForward(given);
      const d = pencilBackward(net);
      return PENCIL_STEPS.filter((step) => step.pass === "backward").map((step) =>
        [step.name, pencilSign(d[step.name]), pencilReason(step, net, d)]);
    })"""
    given = settings()
    checked = 0
    for numbers, told in zip(given, run_script(tab, NAME, expression, given), strict=True):
        values, gradients = by_torch(numbers)
        for name, sign, reason in told:
            assert sign == {1: "plus", -1: "minus", 0: "zero"}[int(np.sign(gradients[name]))]
            if "their product is" in reason:
                assert f"their product is {sign}." in reason
            if "is 0: nothing" in reason or "and so is its product" in reason:
                assert sign == "zero"
            equations = re.findall(r"(?:d\.(\w+) · )?(d\.)?\b(\w_\w+) = (\S+?)[:.]?(?= |$)", reason)
            for back, prefix, symbol, text in equations:
                value = (gradients if prefix else values)[symbol]
                value *= gradients[back] if back else 1
                assert np.isclose(number(text), value, rtol=6e-3, atol=1e-12)
            checked += len(equations)
    assert checked > 500


def test_a_unit_that_is_off_has_gradients_of_0_and_the_reason_is_given(tab: Page) -> None:
    button(tab, "a unit that is off").click()
    live = tab.locator(".ll-live")
    assert "Unit B is off: zB = −1 is not positive. Which gradients become 0?" in live.inner_text()
    button(tab, "show →").click()
    button(tab, "zero").click()
    assert verdict(tab) == "Right: ∂L/∂wBC is zero. aB is 0: nothing comes in through this weight."
    for _ in range(4):
        button(tab, "show →").click()
    button(tab, "minus").click()
    assert verdict(tab).startswith("No: ∂L/∂zB is zero. zB = −1 is not positive, so ReLU's slope")
    assert "stops ∂L/∂aB = −4: ∂L/∂zB is 0, and with it ∂L/∂w1B" in live.inner_text()
    button(tab, "show all").click()
    texts = shown(tab)
    gradients = by_torch(OFF)[1]
    assert {name: number(texts[name][1]) for name in GRADIENTS} == gradients
    assert {name for name in GRADIENTS if gradients[name] == 0} == {
        "z_B", "w_1B", "w_2B", "b_B", "w_BC",
    }  # fmt: skip


def test_inputs_label_and_parameters_can_be_typed(tab: Page) -> None:
    given: Numbers = dict(NUMBERS)
    changes = {"x_1": 3, "x_2": -1.5, "label y": 4, "w_2A": 0.5, "b_C": -2, "w_BC": 2}
    for label, value in changes.items():
        tab.get_by_label(label, exact=True).fill(str(value))
        given[label.split()[-1]] = value
    button(tab, "show all").click()
    values, gradients = by_torch(given)
    for name, texts in shown(tab).items():
        assert number(texts[0]) == pytest.approx(values[name], abs=5e-4, rel=5e-3)
        assert number(texts[1]) == pytest.approx(gradients[name], abs=5e-4, rel=5e-3)
    field = tab.get_by_label("x_1", exact=True)
    field.fill("")  # no number: nothing changes, and it comes back
    field.blur()
    assert field.input_value() == "3"
    field.fill("99")  # too large for the drawing
    field.blur()
    assert field.input_value() == "10"


def test_steps_against_the_gradient_show_the_loss_before_and_after(tab: Page) -> None:
    assert button(tab, "a step against the gradient").count() == 0
    button(tab, "show all").click()
    live = tab.locator(".ll-live")
    given: Numbers = dict(NUMBERS)
    for _ in range(3):
        button(tab, "a step against the gradient").click()
        values, gradients = by_torch(given)
        moved = {name: given[name] - 0.005 * gradients[name] for name in PARAMETERS}
        given |= moved
        status = live.locator(".ll-pencil-descent [role=status]").inner_text()
        before, after = map(float, re.findall(r"[\d.]*\d", status))
        assert (before, after) == pytest.approx((values["L"], by_torch(given)[0]["L"]), rel=5e-3)
        rows = live.locator(".ll-pencil-descent tbody tr").all()
        cells = [[number(text) for text in row.locator("td").all_inner_texts()] for row in rows]
        assert cells[1] == pytest.approx([gradients[name] for name in PARAMETERS], abs=5e-4)
        assert cells[2] == pytest.approx([moved[name] for name in PARAMETERS], abs=5e-4)


def test_too_long_a_step_makes_the_loss_grow(tab: Page) -> None:
    button(tab, "show all").click()
    for rate, grows in (("0.005", False), ("0.02", False), ("0.05", True)):
        button(tab, "the chapter's").click()
        button(tab, rate).click()
        button(tab, "a step against the gradient").click()
        status = tab.locator(".ll-pencil-descent [role=status]").inner_text()
        assert ("The step was too long" in status) == grows


def test_on_a_phone_the_step_is_in_view(tab: Page) -> None:
    tab.set_viewport_size({"width": 375, "height": 800})
    for key in ("ArrowRight", "ArrowLeft"):
        button(tab, "← back").focus()
        for _ in range(23):
            tab.keyboard.press(key)
            tab.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
            now = tab.locator(".ll-pencil-forward, .ll-pencil-backward")
            if now.count():
                box = now.locator("rect").bounding_box()
                assert box
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= 375
