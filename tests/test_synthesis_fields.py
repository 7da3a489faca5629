"""Fields on anyone's paper."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from lessonlib import digits
from lessonlib.checks.image import FloatImage, Gray
from lessonlib.synthesis import LabelledField, anyones_field, fields, training_field
from lessonlib.synthesis.fields import (
    CROPS,
    LEAST_CONTRAST,
    MOST_PICTURES,
    cut,
    draw_rooms,
    expose,
    frame,
    illuminate,
    leaning,
    least_contrast,
    scan,
    tilt,
    word_line,
)
from lessonlib.synthesis.hands import Hand, drawn_hand, drawn_writer, mixed_hand
from lessonlib.synthesis.lines import Line, write_line
from lessonlib.synthesis.render import INKED, NOBODY
from lessonlib.synthesis.texts import RAISE
from tests.rows import each

IMAGES, LABELS = digits.load_bundled("test")
UNIT = 30.0


def somebody(rng: np.random.Generator) -> Hand:
    """Writers who are there on every machine."""
    return drawn_writer(rng, True) if rng.random() < 0.5 else mixed_hand(IMAGES, LABELS, rng, True)


def field_of(seed: int) -> LabelledField:
    rng = np.random.default_rng(seed)
    return training_field(rng, somebody(rng))


def line() -> Line:
    return write_line("1,250", UNIT, drawn_hand, np.random.default_rng(0))


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fields be dark ink on white paper: no print, no accident of light or camera."""
    shares = ["PALE_SHARE", "PATTERN_SHARE", "LIGHT_ON_DARK_SHARE", "BLEEDING_SHARE", "EMPTY_SHARE"]
    shares += ["GRAINY_SHARE", "SHADING_SHARE", "SHADOW_SHARE", "TILTED_SHARE", "JPEG_SHARE"]
    shares += ["PERSPECTIVE_SHARE", "BLURRED_SHARE", "DARK_PAPER_SHARE", "CUT_SHARE"]
    for share in shares:
        monkeypatch.setattr(fields, share, 0.0)
    monkeypatch.setattr(fields, "INKS", (0.8, 0.9))
    monkeypatch.setattr(fields, "LEAN_SPREAD", 0.1)  # else a comma gets under its digit
    monkeypatch.setattr(fields, "print_surroundings", lambda shape, *_: np.zeros(shape, np.float32))


def test_fields_are_whole_and_say_who_owns_their_ink() -> None:
    for seed in range(300):
        field = field_of(seed)
        assert field.image.dtype == np.uint8
        assert field.owner.dtype == np.int16
        assert field.image.ndim == 2
        assert field.image.shape == field.owner.shape
        assert min(field.image.shape) >= 4
        assert np.ptp(field.image) > 8, seed
        owners = {*field.owner.ravel().tolist()} - {NOBODY}
        assert bool(owners) == bool(field.text)
        assert owners <= {*range(len(field.text))}


def test_the_same_seed_draws_the_same_field_and_another_seed_another() -> None:
    for seed in range(6):
        one, two, other = field_of(seed), field_of(seed), field_of(seed + 100)
        assert one.text == two.text
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.owner, two.owner)
        assert one.image.tobytes() != other.image.tobytes()


def test_every_digit_stands_out_from_the_paper_around_it() -> None:
    rng = np.random.default_rng(1)
    found = [anyones_field(rng, drawn_hand) for _ in range(60)]
    contrasts = [least_contrast(one.image, one.owner, one.text, UNIT) for one in found]
    assert np.mean(np.array(contrasts) >= LEAST_CONTRAST) > 0.9  # the measure's unit is a guess


def test_contrast_is_that_of_the_faintest_digit_and_without_digits_infinite() -> None:
    image, owner = np.full((40, 90), 200, np.uint8), np.full((40, 90), NOBODY, np.int16)
    for position, gray in enumerate((50, 190, 199)):
        place = slice(10, 30), slice(10 + 25 * position, 15 + 25 * position)
        image[place], owner[place] = gray, position
    assert least_contrast(image, owner, "17,", UNIT) == pytest.approx(10)
    assert least_contrast(image, owner, "1,,", UNIT) == pytest.approx(150)
    assert least_contrast(image, np.full_like(owner, NOBODY), "", UNIT) == np.inf


def test_a_picture_without_contrast_is_taken_again_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = []

    def blank(light: FloatImage, *_: object) -> Gray:
        taken.append(light.shape)
        return np.full(light.shape, 128, np.uint8)

    monkeypatch.setattr(fields, "scan", blank)
    monkeypatch.setattr(fields, "EMPTY_SHARE", 0.0)
    anyones_field(np.random.default_rng(0), drawn_hand)
    assert len(taken) == MOST_PICTURES


@pytest.mark.usefixtures("plain")
def test_each_character_owns_ink_from_left_to_right_that_is_dark_against_the_paper() -> None:
    for seed in range(60):
        field = anyones_field(np.random.default_rng(seed), drawn_hand)
        inked = field.image < np.median(field.image) - 20
        middles = []
        for position, character in enumerate(field.text):
            owned = field.owner == position
            assert owned.any() != (character == RAISE), (seed, field.text)
            if character.isdecimal():
                middles.append(np.nonzero(owned)[1].mean())
                assert inked[owned].mean() > 0.6, (seed, field.text, position)
        assert middles == sorted(middles), (seed, field.text)


def test_a_field_of_words_alone_has_an_empty_text_and_no_owner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fields, "EMPTY_SHARE", 1.0)
    for seed in range(10):
        field = anyones_field(np.random.default_rng(seed), drawn_hand)
        assert field.text == ""
        assert (field.owner == NOBODY).all()
        assert np.ptp(field.image) > 8


def test_words_have_ink_and_no_walls() -> None:
    for seed in range(10):
        words = word_line(UNIT, np.random.default_rng(seed))
        assert words.ink.max() > 0.5
        assert (words.owner == NOBODY).all()
        assert words.walls == []


def test_only_numbers_of_digits_alone_stand_in_cells_and_not_all_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = set()

    def note(
        text: str, unit: float, hand: Hand, rng: np.random.Generator, cells: bool, prints: bool
    ) -> Line:
        seen.add((text.isdecimal(), cells))
        return line()

    monkeypatch.setattr(fields, "write_line", note)
    monkeypatch.setattr(fields, "least_contrast", lambda *_: np.inf)
    monkeypatch.setattr(fields, "print_surroundings", lambda shape, *_: np.zeros(shape))
    monkeypatch.setattr(fields, "EMPTY_SHARE", 0.0)
    for seed in range(60):
        anyones_field(np.random.default_rng(seed), drawn_hand)
    assert seen == {(True, True), (True, False), (False, False)}


def test_a_text_is_printed_at_times(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = []

    def note(text: str, unit: float, hand: Hand, *_: object) -> Line:
        hands.append(hand is drawn_hand)
        return line()

    monkeypatch.setattr(fields, "write_line", note)
    monkeypatch.setattr(fields, "least_contrast", lambda *_: np.inf)
    monkeypatch.setattr(fields, "print_surroundings", lambda shape, *_: np.zeros(shape))
    monkeypatch.setattr(fields, "PRINTED_SHARE", 0.3)
    for seed in range(30):
        anyones_field(np.random.default_rng(seed), drawn_hand)
    assert {*hands} == {False, True}


# Cutting out


@each(CROPS)
def test_each_crop_has_its_own_room(kind: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fields, "CROPS", {kind: 1.0})
        patch.setattr(fields, "CUT_SHARE", 0.0)
        rooms = np.array([draw_rooms(100.0, rng) for _ in range(60)])
    for columns, (least, most) in zip(
        (rooms[:, :2], rooms[:, 2:]), fields.ROOMS[kind], strict=True
    ):
        assert columns.min() >= 100 * least
        assert columns.max() <= 100 * most
        assert np.ptp(columns) > 60 * (most - least)


def test_each_crop_occurs_and_some_cut_through_the_ink_at_any_side() -> None:
    rng = np.random.default_rng(0)
    rooms = np.array([draw_rooms(100.0, rng) for _ in range(600)])
    assert (rooms.min(axis=0) < 0).all()
    assert ((rooms < 0).sum(axis=1) <= 1).all()
    assert (rooms >= -100 * fields.CUT).all()
    assert rooms.max() > 400


def test_a_frame_says_where_the_ink_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "draw_rooms", lambda *_: [7, 5, 11, 3])
    ink, owner, place = frame(line(), False, np.random.default_rng(0))
    rows, columns = np.nonzero(ink > INKED)
    assert (rows.min(), ink.shape[0] - rows.max() - 1) == (7, 5)
    assert (columns.min(), ink.shape[1] - columns.max() - 1) == (11, 3)
    assert (place.top, place.left) == (7, 11)
    assert (place.bottom, place.right) == (ink.shape[0] - 5, ink.shape[1] - 3)
    assert owner.shape == ink.shape
    assert abs(place.baseline - place.bottom) < 0.5 * UNIT


def test_what_lies_beyond_the_border_of_an_array_is_paper() -> None:
    array = np.arange(6).reshape(2, 3)
    assert cut(array, -1, -1, 3, 1, 4).tolist() == [
        [-1, -1, -1],
        [1, 2, -1],
        [4, 5, -1],
        [-1, -1, -1],
    ]


def test_in_cells_writing_is_level_and_more_upright() -> None:
    widths, heights = [], []
    for cells in (False, True):
        moved = [leaning(line(), cells, np.random.default_rng(seed)) for seed in range(20)]
        widths.append(np.mean([part.ink.shape[1] for part in moved]))
        heights.append({part.ink.shape[0] for part in moved})
    assert widths[1] < widths[0]
    assert len(heights[0]) > 1
    assert heights[1] == {line().ink.shape[0]}


# Paper, light and camera


def spot() -> npt.NDArray[np.float32]:
    ink = np.zeros((60, 120), np.float32)
    ink[20:40, 40:80] = 1
    return ink


BLANK = np.zeros((60, 120), np.float32)


def test_ink_is_darker_than_paper_but_for_some_fields_of_light_on_dark() -> None:
    differences = []
    for seed in range(100):
        light = expose(spot(), BLANK, UNIT, np.random.default_rng(seed))
        assert light.dtype == np.float32
        assert light.min() >= 0
        assert light.max() <= 255
        differences.append(float(light[25:35, 45:75].mean() - light[:15].mean()))
    assert 1 <= sum(difference > 0 for difference in differences) <= 20
    assert min(abs(difference) for difference in differences) > 5
    depths = [-difference for difference in differences if difference < 0]
    assert min(depths) < 50
    assert max(depths) > 150


def test_print_takes_light_away_too() -> None:
    rng = np.random.default_rng(1)
    light = expose(BLANK, spot(), UNIT, rng)
    assert light[25:35, 45:75].mean() < light[:15].mean() - 10


LIGHTS: dict[str, Callable[[np.random.Generator], npt.NDArray[np.float32]]] = {
    "SHADING_SHARE": lambda rng: illuminate(BLANK + 200, UNIT, rng),
    "SHADOW_SHARE": lambda rng: illuminate(BLANK + 200, UNIT, rng),
    "BLEEDING_SHARE": lambda rng: expose(spot(), BLANK, UNIT, rng),
    "GRAINY_SHARE": lambda rng: expose(spot(), BLANK, UNIT, rng),
    "PATTERN_SHARE": lambda rng: expose(spot(), BLANK, UNIT, rng),
    "LIGHT_ON_DARK_SHARE": lambda rng: expose(spot(), BLANK, UNIT, rng),
    "PALE_SHARE": lambda rng: expose(spot(), BLANK, UNIT, rng),
    "DARK_PAPER_SHARE": lambda rng: expose(spot(), BLANK, UNIT, rng),
    "BLURRED_SHARE": lambda rng: scan(200 - 100 * spot(), UNIT, rng).astype(np.float32),
    "JPEG_SHARE": lambda rng: scan(200 - 100 * spot(), UNIT, rng).astype(np.float32),
}


@each(LIGHTS)
def test_every_kind_of_paper_and_light_changes_the_field(name: str) -> None:
    pages = []
    for share in (0.0, 1.0):
        with pytest.MonkeyPatch.context() as patch:
            for other in LIGHTS:
                patch.setattr(fields, other, 0.0)
            patch.setattr(fields, name, share)
            pages.append(LIGHTS[name](np.random.default_rng(3)))
    assert (pages[0] != pages[1]).any()


@each([*LIGHTS, "TILTED_SHARE", "PERSPECTIVE_SHARE", "CUT_SHARE", "PRINTED_SHARE", "EMPTY_SHARE"])
def test_every_share_lies_between_never_and_always(name: str) -> None:
    assert 0 < getattr(fields, name) < 1


def test_a_shadow_is_darker_on_one_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "SHADING_SHARE", 0.0)
    monkeypatch.setattr(fields, "SHADOW_SHARE", 1.0)
    light = illuminate(BLANK + 200, UNIT, np.random.default_rng(0))
    assert light[:, -1].mean() < light[:, 0].mean()
    assert light.max() <= 200.1


def test_a_turned_field_keeps_ink_and_owners_together() -> None:
    owner = np.where(spot() > 0, 0, NOBODY).astype(np.int16)
    grown = []
    for seed in range(60):
        light, owners = tilt(200 - 150 * spot(), owner, np.random.default_rng(seed))
        assert light.shape == owners.shape
        assert light[owners == 0].mean() < 80
        assert light[owners == NOBODY].mean() > 180
        grown.append(light.shape[0] - 60)
    assert min(grown) < 5
    assert max(grown) > 10


def test_scans_have_noise_and_stay_in_the_range_of_gray_levels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fields, "JPEG_SHARE", 0.0)
    spreads = [scan(BLANK + 128, UNIT, np.random.default_rng(s)).std() for s in range(20)]
    assert min(spreads) > 0.4
    assert min(spreads) < 1.5
    assert max(spreads) > 4
    image = scan(BLANK + 300, UNIT, np.random.default_rng(0))
    assert image.dtype == np.uint8
    assert image.mean() > 250


def test_a_pattern_is_never_darker_than_pale_ink(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = {"PALE_SHARE": 1.0, "PATTERN_SHARE": 1.0, "LIGHT_ON_DARK_SHARE": 0.0}
    for name, share in shares.items():
        monkeypatch.setattr(fields, name, share)
    for name in ("PAPERS", "DARK_PAPERS"):
        monkeypatch.setattr(fields, name, (200, 200))
    monkeypatch.setattr(fields, "paper_pattern", lambda shape, *_: np.ones(shape, np.float32))
    monkeypatch.setattr(fields, "textured", lambda ink, *_: ink)
    for seed in range(20):
        light = expose(spot(), BLANK, UNIT, np.random.default_rng(seed))
        patterned, inked = float(light[0, 0]), float(light[30, 60])
        depth, darkness = 1 - patterned / 200, 1 - inked / patterned
        assert 0 < depth <= fields.DEEPEST_PATTERN * darkness + 1e-5
