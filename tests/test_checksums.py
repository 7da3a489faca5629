"""Check digits against the standards' own numbers, and decoding against trying every number."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonlib.checksums import (
    ABA,
    DAMM_TABLE,
    IBAN_LENGTHS,
    Code,
    aba_digit,
    aba_valid,
    damm_digit,
    damm_valid,
    decode,
    iban_digits,
    iban_valid,
    luhn_digit,
    luhn_valid,
)
from tests.rows import each

Valid = Callable[[str], bool]
Maker = Callable[[str], str]

# 3GPP TS 23.003, annex B (an IMEI), and cards that payment networks publish for tests.
LUHN = ["260531793113837", "4111111111111111", "5555555555554444", "378282246310005"]
# The Federal Reserve Banks' own, Boston to San Francisco.
ROUTING = [
    *("011000015", "021001208", "031000040", "051000033", "061000146"),
    *("071000301", "081000045", "091000080", "101000048", "111000038", "121000374"),
]
# SWIFT's IBAN registry has an example for each country.
IBANS = [
    *("AL47212110090000000235698741", "BE68539007547034", "CH9300762011623852957"),
    *("DE89370400440532013000", "FR1420041010050500013M02606", "GB29NWBK60161331926819"),
    *("LC55HEMM000100010012001200023015", "MT84MALT011000012345MTLCAST001S"),
    *("NL91ABNA0417164300", "NO9386011117947", "SA0380000000608010167519"),
]
DAMM = ["5724"]  # the dissertation's example

DECIMAL = st.text(alphabet="0123456789", min_size=1, max_size=20)
CODES = [(luhn_valid, luhn_digit), (damm_valid, damm_digit)]


@pytest.mark.parametrize("number", LUHN)
def test_luhn_accepts_the_standard_s_numbers(number: str) -> None:
    assert luhn_valid(number)
    assert luhn_digit(number[:-1]) == number[-1]


@pytest.mark.parametrize("number", ROUTING)
def test_aba_accepts_the_federal_reserve_s_numbers(number: str) -> None:
    assert aba_valid(number)
    assert ABA.fits(number)
    assert aba_digit(number[:-1]) == number[-1]


@pytest.mark.parametrize("number", IBANS)
def test_iban_accepts_the_registry_s_examples_in_both_of_its_forms(number: str) -> None:
    assert iban_valid(number)
    assert iban_valid(" ".join(number[i : i + 4] for i in range(0, len(number), 4)))
    assert iban_digits(number[:2], number[4:]) == number[2:4]


@pytest.mark.parametrize("number", DAMM)
def test_damm_accepts_the_dissertation_s_example(number: str) -> None:
    assert damm_valid(number)
    assert damm_digit(number[:-1]) == number[-1]


@pytest.mark.parametrize(("valid", "digit"), CODES)
@given(number=DECIMAL)
def test_a_number_with_its_check_digit_is_valid_and_with_another_is_not(
    valid: Valid, digit: Maker, number: str
) -> None:
    right = [c for c in "0123456789" if valid(number + c)]
    assert right == [digit(number)]


@given(number=st.text(alphabet="0123456789", min_size=8, max_size=8))
def test_a_routing_number_has_one_check_digit(number: str) -> None:
    assert [c for c in "0123456789" if aba_valid(number + c)] == [aba_digit(number)]


# Which errors are caught


def changed(number: str) -> list[str]:
    return [
        number[:i] + c + number[i + 1 :]
        for i, own in enumerate(number)
        for c in "0123456789"
        if c != own
    ]


def swapped(number: str) -> list[tuple[str, str]]:
    """Each swap of neighbours that differ: the pair, and what comes out."""
    return [
        (number[i : i + 2], number[:i] + number[i + 1] + number[i] + number[i + 2 :])
        for i in range(len(number) - 1)
        if number[i] != number[i + 1]
    ]


def every(length: int, valid: Valid) -> list[str]:
    numbers = ("".join(digits) for digits in product("0123456789", repeat=length))
    return [number for number in numbers if valid(number)]


def four_of_aba(number: str) -> bool:
    return Code((3, 7, 1, 3), 10).fits(number)


@pytest.mark.parametrize("valid", [luhn_valid, damm_valid, four_of_aba])
def test_every_changed_digit_is_caught(valid: Valid) -> None:
    numbers = every(4, valid)
    assert len(numbers) == 1000
    assert not any(valid(wrong) for number in numbers for wrong in changed(number))


@pytest.mark.parametrize(
    ("valid", "missed"),
    [
        (luhn_valid, {"09", "90"}),
        (damm_valid, set()),
        (
            four_of_aba,
            {a + b for a in "0123456789" for b in "0123456789" if abs(ord(a) - ord(b)) == 5},
        ),
    ],
)
def test_the_swaps_that_are_missed_are_the_known_ones(valid: Valid, missed: set[str]) -> None:
    pairs = {pair for number in every(4, valid) for pair, wrong in swapped(number) if valid(wrong)}
    assert pairs == missed


@given(number=st.sampled_from(IBANS), data=st.data())
def test_an_iban_with_a_digit_changed_or_two_swapped_is_refused(number: str, data: Any) -> None:
    wrong = data.draw(st.sampled_from(changed(number)[20:] + [w for _, w in swapped(number[4:])]))
    if len(wrong) == len(number) - 4:
        wrong = number[:4] + wrong
    assert not iban_valid(wrong)


def test_damm_s_table_is_a_quasigroup_with_zeros_on_its_diagonal() -> None:
    table = np.array(DAMM_TABLE)
    for line in (*table, *table.T):
        assert sorted(line) == list(range(10))
    assert not table.diagonal().any()


def test_iban_lengths_are_those_of_countries() -> None:
    assert len(IBAN_LENGTHS) > 80
    assert all(len(country) == 2 and 15 <= length <= 34 for country, length in IBAN_LENGTHS.items())


# Anything else

NO_NUMBERS = [
    *("", " ", "a", "12a4", "1 2", "1-2", "-12", "+12", "1.2", "12\n", "\t12", "0x1F", "1_2"),
    "".join(chr(ord(c) + 0xFF10 - ord("0")) for c in "011000015"),  # full-width
    "".join(chr(ord(c) + 0x0660 - ord("0")) for c in "011000015"),  # Arabic-Indic
    *("²", "Ⅷ", "½", "\0", "\ud800"),
]
NO_STRINGS = [11000015, None, b"011000015"]


@pytest.mark.parametrize("valid", [luhn_valid, aba_valid, iban_valid, damm_valid, ABA.fits])
def test_a_string_that_is_not_all_digits_is_not_valid(valid: Valid) -> None:
    assert [text for text in NO_NUMBERS if valid(text) is not False] == []


@each(list(product([luhn_digit, aba_digit, damm_digit], NO_NUMBERS)), name=ascii)
def test_a_string_that_is_not_all_digits_gets_no_check_digit(row: tuple[Maker, str]) -> None:
    digit, text = row
    with pytest.raises(ValueError, match="digits 0 to 9 only"):
        digit(text)


@each("0123456789")
def test_a_lone_digit_is_no_number_with_a_check_digit(digit: str) -> None:
    assert not luhn_valid(digit)
    assert not damm_valid(digit)


@pytest.mark.parametrize("number", ["01100001", "0110000150", "0" * 18])
def test_a_routing_number_of_another_length_is_not_valid(number: str) -> None:
    assert not aba_valid(number)
    assert not ABA.fits(number)


@pytest.mark.parametrize("number", ["1100001", "011000015"])
def test_a_routing_number_to_complete_has_eight_digits(number: str) -> None:
    with pytest.raises(ValueError, match="eight digits"):
        aba_digit(number)


@pytest.mark.parametrize(
    "number",
    [
        "gb29NWBK60161331926819",  # small letters
        "GB29NWBK6016133192681",  # one short
        "GB29NWBK601613319268190",
        "XX29NWBK60161331926819",  # no such country
        "GB29NWB K60161331926819",  # groups of another size
        "GB29  NWBK 6016 1331 9268 19",
        " GB29NWBK60161331926819",
        "GB29NWBK60161331926819\n",
        "GB29",
        "ＧＢ29NWBK60161331926819",
    ],
)
def test_an_iban_of_another_form_is_not_valid(number: str) -> None:
    assert iban_valid(number) is False


@pytest.mark.parametrize("digits", ["00", "01", "99"])
def test_check_digits_that_the_standard_never_makes_are_not_valid(digits: str) -> None:
    """01 leaves the remainder that 98 leaves, so the remainder alone can't tell them apart."""
    made = {f"{n:020d}": iban_digits("DE", f"{n:018d}") for n in range(300)}
    assert min(made.values()) >= "02"
    assert max(made.values()) <= "98"
    twin = {"00": "97", "01": "98", "99": "02"}[digits]
    account = next(f"{n:018d}" for n in range(300) if iban_digits("DE", f"{n:018d}") == twin)
    assert iban_valid(f"DE{twin}{account}")
    assert not iban_valid(f"DE{digits}{account}")


@pytest.mark.parametrize(
    ("country", "account", "message"),
    [
        ("XX", "1234", "no IBANs"),
        ("de", "370400440532013000", "no IBANs"),
        ("DE", "37040044053201300", "18 of A-Z"),
        ("DE", "3704004405320130 0", "18 of A-Z"),
        ("GB", "nwbk60161331926819", "18 of A-Z"),
    ],
)
def test_an_iban_that_cannot_be_made_is_refused(country: str, account: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        iban_digits(country, account)


@each(list(product([luhn_valid, aba_valid, iban_valid, damm_valid], NO_STRINGS)))
def test_anything_but_a_string_raises_type_error(row: tuple[Valid, Any]) -> None:
    valid, number = row
    with pytest.raises(TypeError, match="must be a str"):
        valid(number)


# Decoding


def by_trying(p: npt.NDArray[np.float64], code: Code) -> list[tuple[float, str]]:
    """Every number that fits, the most probable first."""
    found = []
    for digits in product(range(10), repeat=len(p)):
        number = "".join(map(str, digits))
        if code.fits(number):
            found.append((float(np.prod(p[np.arange(len(p)), digits])), number))
    return sorted(found, reverse=True)


@pytest.mark.parametrize(
    "code",
    [
        Code((3, 7, 1, 3), 10),
        Code((1, 1, 1, 1), 10, 7),
        Code((4, 3, 2, 1), 11, 3),
        Code((10, 1, 27, 90), 97, 1),
        Code((5, 0, -2, 6), 4),
        Code((2, 4, 6, 8), 2),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_decoding_finds_what_trying_every_number_finds(code: Code, seed: int) -> None:
    p = np.random.default_rng(seed).dirichlet(np.full(10, 0.3), size=4)
    tried = by_trying(p, code)
    decoded = decode(p, code)
    assert decoded.text == tried[0][1]
    assert decoded.runner_up == tried[1][1]
    assert decoded.probability == pytest.approx(tried[0][0] / sum(q for q, _ in tried))


def test_a_number_read_without_doubt_stays() -> None:
    p = np.eye(10)[[int(c) for c in ROUTING[0]]]
    decoded = decode(p, ABA)
    assert (decoded.text, decoded.probability, decoded.runner_up) == (ROUTING[0], 1.0, "")


@given(place=st.integers(0, 8), number=st.sampled_from(ROUTING))
def test_a_digit_that_cannot_be_read_is_filled_in(place: int, number: str) -> None:
    p = np.eye(10)[[int(c) for c in number]]
    p[place] = 0.1
    assert decode(p, ABA).text == number


def test_a_misread_digit_is_mended_where_the_doubt_was() -> None:
    p = np.full((9, 10), 0.001)
    p[np.arange(9), [int(c) for c in ROUTING[1]]] = 0.991
    right = int(ROUTING[1][5])
    p[5] = 0.001
    p[5, (right + 3) % 10], p[5, right] = 0.6, 0.392  # the wrong one is more probable
    decoded = decode(p, ABA)
    assert decoded.text == ROUTING[1]
    assert decoded.probability > 0.9


def test_where_no_number_fits_there_is_no_text() -> None:
    p = np.eye(10)[[1] * 9]
    decoded = decode(p, ABA)
    assert (decoded.text, decoded.probability, decoded.runner_up) == ("", 0.0, "")


def test_two_numbers_as_probable_as_each_other_share() -> None:
    p = np.eye(10)[[0] * 9]
    p[[0, 2]] = 0
    p[0, [0, 3]] = p[2, [0, 1]] = 0.5  # 000... and 301...: both fit, 001... and 300... don't
    decoded = decode(p, ABA)
    assert {decoded.text, decoded.runner_up} == {"0" * 9, "301000000"}
    assert decoded.probability == pytest.approx(0.5)


def test_tiny_probabilities_do_not_vanish() -> None:
    weights = tuple(pow(10, 33 - i, 97) for i in range(34))
    rng = np.random.default_rng(0)
    p = np.full((34, 10), 1e-30)
    p[np.arange(34), rng.integers(0, 10, 34)] = 1.0
    code = Code(weights, 97, 1)
    decoded = decode(p, code)
    assert code.fits(decoded.text)
    assert 0 < decoded.probability <= 1


def test_rows_may_sum_to_anything_above_zero() -> None:
    p = np.random.default_rng(1).dirichlet(np.ones(10), size=9)
    scaled = p * np.linspace(0.1, 50, 9)[:, np.newaxis]
    assert decode(scaled, ABA).text == decode(p, ABA).text
    assert decode(scaled, ABA).probability == pytest.approx(decode(p, ABA).probability)


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (np.ones((8, 10)), "shape"),
        (np.ones((9, 11)), "shape"),
        (np.ones(90), "shape"),
        (np.zeros((9, 10)), "not all 0"),
        (-np.ones((9, 10)), "0 or more"),
        (np.full((9, 10), np.nan), "finite"),
        (np.full((9, 10), np.inf), "finite"),
    ],
)
def test_an_array_that_holds_no_probabilities_is_refused(probabilities: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(probabilities, ABA)


@pytest.mark.parametrize(
    ("weights", "modulus", "remainder"),
    [((), 10, 0), ((1,), 1, 0), ((1,), 0, 0), ((1,), 10, 10), ((1,), 10, -1)],
)
def test_an_impossible_code_is_refused(
    weights: tuple[int, ...], modulus: int, remainder: int
) -> None:
    with pytest.raises(ValueError, match=r"a (code|modulus)"):
        Code(weights, modulus, remainder)
