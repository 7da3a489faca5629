"""The checksum bench computes as Python does, and does what its reader asks."""

import numpy as np
import pytest
from playwright.sync_api import Page

from lessonlib import checksums
from lessonlib.widgets import checksum_bench
from lessonlib.widgets.checksums import CODES
from tests.pieces import Opener, run_script


@pytest.fixture
def tab(open_piece: Opener) -> Page:
    return open_piece(checksum_bench())


def test_the_check_digits_are_python_s(tab: Page) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.integers(10, size=(300, 8)).tolist()
    calls = {
        "Luhn": "luhnDigit(number)",
        "3-7-1": "abaDigit(number)",
        "mod 97": "mod97Digits(number)",
        "Damm": "dammDigit(number, argument.damm)",
    }
    argument = {"numbers": numbers, "damm": checksums.DAMM_TABLE}
    for name, call in calls.items():
        expression = f"argument.numbers.map((number) => {call}.join(''))"
        expected = [CODES[name]("".join(map(str, number))) for number in numbers]
        assert run_script(tab, "checksum_bench", expression, argument) == expected


def test_mod_97_is_the_check_of_an_iban_without_letters() -> None:
    number = "01610044"
    assert int(number + CODES["mod 97"](number)) % 97 == 1


def test_decoding_is_python_s(tab: Page) -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(10), size=(40, 9)) + 1e-6
    expression = "argument.map((rows) => decodeUnderCode(rows, ABA_WEIGHTS).join(''))"
    expected = [checksums.decode(rows, checksums.ABA).text for rows in p]
    assert run_script(tab, "checksum_bench", expression, p.tolist()) == expected


def verdicts(tab: Page) -> dict[str, str]:
    rows = tab.locator(".ll-live table").first.locator("tbody tr")
    cells = [row.locator("th, td").all_inner_texts() for row in rows.all()]
    return {row[0]: row[-1] for row in cells}


def test_a_swap_of_1_and_6_is_missed_by_3_7_1_alone(tab: Page) -> None:
    tab.get_by_role("button", name="copy it again").click()
    assert set(verdicts(tab).values()) == {"fits"}
    tab.get_by_label("Digit 2 of the copy").fill("6")
    assert set(verdicts(tab).values()) == {"notices"}
    tab.get_by_label("Digit 3 of the copy").fill("1")
    assert verdicts(tab) == {
        "Luhn": "notices", "3-7-1": "misses it", "mod 97": "notices", "Damm": "notices",
    }  # fmt: skip
    assert "Missed by 3-7-1." in tab.locator(".ll-live").inner_text()


def test_a_digit_is_corrupted_with_the_keyboard_alone(tab: Page) -> None:
    tab.get_by_role("button", name="copy it again").focus()
    tab.keyboard.press("Enter")
    tab.get_by_label("Digit 1 of the copy").focus()
    tab.keyboard.press("9")
    assert set(verdicts(tab).values()) == {"notices"}
    tab.keyboard.press("x")  # what is no digit changes nothing
    tab.keyboard.press("Tab")
    assert tab.get_by_label("Digit 1 of the copy").input_value() == "9"


def test_the_table_counts_what_each_code_misses_in_this_number(tab: Page) -> None:
    rows = tab.locator(".ll-live table").nth(1).locator("tbody tr")
    cells = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows.all()
    }
    assert cells["change (72)"] == ["0", "0", "0", "0"]
    assert cells["swap (5)"] == ["0", "2", "0", "0"]
    assert cells["swap over one (5)"] == ["5", "0", "0", "2"]


def test_the_checksum_mends_what_the_blurred_digits_say_wrong(tab: Page) -> None:
    live = tab.locator(".ll-live")
    assert "Without the checksum: 1 of 9 digits wrong." in live.inner_text()
    tab.get_by_role("button", name="under 3-7-1").click()
    assert "With the checksum: all nine digits right." in live.inner_text()
    tab.get_by_role("slider", name="Blur").fill("0")
    tab.get_by_role("button", name="digit by digit").click()
    assert "Without the checksum: all nine digits right." in live.inner_text()
