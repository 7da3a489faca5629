"""The hands that write a field."""

from collections.abc import Callable
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from lessonlib import digits, handwriting
from lessonlib.checks.image import FloatImage
from lessonlib.synthesis import hands, strokes
from lessonlib.synthesis.forms import RARER, SHAPES
from lessonlib.synthesis.hands import (
    WRITERS,
    Hand,
    anyone,
    bundled_hand,
    drawn_hand,
    drawn_writer,
    enlarge,
    left_out_hand,
    mixed_hand,
    pen_hand,
)
from tests.rows import each

IMAGES, LABELS = digits.load_bundled("test")
SPLITS: list[digits.Split] = ["train", "test"]


def mixed(rng: np.random.Generator) -> Hand:
    return mixed_hand(IMAGES, LABELS, rng)


def recorded(*writers: int) -> list[handwriting.PenDigit]:
    """Make pen digits by these writers: bars, their width a tenth of the label, and the writer's.

    They go through the text of a file, as the originals do.
    """
    segment = '.SEGMENT DIGIT 0 ? "{0}" .COMMENT {0} {1} 9 .PEN_DOWN 0 100 {2} 100 {2} 0 .PEN_UP'
    return handwriting.parse_unipen(
        "\n".join(segment.format(d, w, 10 * d + w) for w in writers for d in range(10))
    )


def writes_with_a_pen(rng: np.random.Generator) -> Hand:
    return pen_hand(recorded(1, 2), rng)


HANDS: dict[str, Callable[[np.random.Generator], Hand]] = {
    "drawn": lambda rng: drawn_hand,
    "bundled": lambda rng: bundled_hand,
    "writer": drawn_writer,
    "mixed": mixed,
    "pen": writes_with_a_pen,
}


@each([*product(HANDS, SHAPES)], name=" ".join)
def test_every_hand_writes_every_character(row: tuple[str, str]) -> None:
    hand, character = row
    rng = np.random.default_rng(1)
    for _ in range(5):
        ink, below = HANDS[hand](rng)(character, 32, 3, rng)
        assert ink.dtype == np.float32
        assert ink.ndim == 2
        assert ink.min() >= 0
        assert 0.5 < ink.max() <= 1
        assert isinstance(below, int)


def test_some_writers_always_use_the_same_form() -> None:
    spreads = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        hand = drawn_writer(rng)
        shapes = [hand("0", 32, 3, rng)[0].shape for _ in range(8)]
        spreads.append(np.std([width / height for height, width in shapes]))
    assert np.quantile(spreads, 0.25) < 0.6 * np.quantile(spreads, 0.75)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Heights of the characters that are drawn with strokes."""
    heights: list[float] = []

    def draw(_: list[strokes.Stroke], height: float, pen: float) -> tuple[FloatImage, int]:
        heights.append(height)
        return np.ones((4, 4)), 0

    monkeypatch.setattr(strokes, "draw", draw)
    return heights


def test_the_bundled_hand_takes_digits_from_images_and_draws_marks(drawn: list[float]) -> None:
    for character in SHAPES:
        bundled_hand(character, 32, 3, np.random.default_rng(0))
    assert len(drawn) == len(SHAPES) - 10


def test_some_mixed_hands_draw_no_digit_and_some_draw_all(drawn: list[float]) -> None:
    counts = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        hand = mixed(rng)
        drawn.clear()
        for _ in range(10):
            hand("5", 32, 3, rng)
        counts.append(len(drawn))
    assert counts.count(0) > 2
    assert counts.count(10) > 2
    assert any(0 < count < 10 for count in counts)


@pytest.fixture
def drawn_forms(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The forms in which characters are drawn."""
    forms: list[str | None] = []
    write = strokes.write_character

    def note(character: str, rng: np.random.Generator, form: str | None) -> list[strokes.Stroke]:
        forms.append(form)
        return write(character, rng, form)

    monkeypatch.setattr(strokes, "write_character", note)
    return forms


def test_rarer_forms_are_drawn_by_those_who_are_asked_to(drawn_forms: list[str | None]) -> None:
    for make, rarer in product((drawn_writer, mixed_rarer), (False, True)):
        drawn_forms.clear()
        for seed in range(60):
            rng = np.random.default_rng(seed)
            make(rng, rarer)("7", 32, 3, rng)
        assert drawn_forms
        assert bool({*drawn_forms} & RARER["7"].keys()) == rarer


def mixed_rarer(rng: np.random.Generator, rarer: bool) -> Hand:
    return mixed_hand(IMAGES, LABELS, rng, rarer)


def test_a_pen_hand_draws_the_recorded_strokes_at_the_height_and_with_the_pen_asked_for() -> None:
    rng = np.random.default_rng(4)
    for height, pen in ((24, 2), (60, 5)):
        ink, below = pen_hand(recorded(1), rng)("5", height, pen, rng)
        assert ink.shape[0] == pytest.approx(height + pen, rel=0.15)
        assert 0 <= below <= 0.15 * height
        assert np.median(ink.sum(axis=1)) == pytest.approx(pen, rel=0.35)


def test_a_pen_hand_keeps_to_one_writer_and_never_writes_twice_alike() -> None:
    by_writer = {}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        hand = pen_hand(recorded(1, 150), rng)
        inks = [hand("1", 100, 3, rng)[0] for _ in range(4)]
        assert len({ink.tobytes() for ink in inks}) == 4
        wide = {ink.shape[1] > 90 for ink in inks}
        assert len(wide) == 1
        by_writer[seed] = wide.pop()
    assert {*by_writer.values()} == {False, True}


def test_pen_hands_slant_and_widen_each_in_their_own_way() -> None:
    widths = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        hand = pen_hand(recorded(1), rng)
        widths.append([hand("9", 100, 3, rng)[0].shape[1] for _ in range(4)])
    assert np.std(np.mean(widths, axis=1)) > 2 * np.mean(np.std(widths, axis=1))


def test_a_pen_hand_takes_from_others_what_its_writer_left_out() -> None:
    pens = recorded(1) + [pen for pen in recorded(2) if pen.label != 7]
    for seed in range(6):
        rng = np.random.default_rng(seed)
        assert pen_hand(pens, rng)("7", 32, 3, rng)[0].any()


def test_a_pen_hand_without_a_digit_is_refused() -> None:
    pens = [pen for pen in recorded(1) if pen.label not in (3, 8)]
    with pytest.raises(ValueError, match=r"no pen wrote \[3, 8\]"):
        pen_hand(pens, np.random.default_rng(0))


Sources = dict[str, list[str]]


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Sources:
    """Stand-ins for all that `anyone` takes digits from, and which split of each was taken.

    MNIST's have the ink 255, other people's bitmaps 254. `bitmaps` and `pens` may be emptied.
    """
    taken: Sources = {"mnist": [], "bitmaps": [], "pens": []}

    def mnist(split: str) -> tuple[digits.Images, digits.Labels]:
        taken["mnist"].append(split)
        return IMAGES, LABELS

    def bitmaps(split: str) -> tuple[digits.Images, digits.Labels]:
        taken["bitmaps"].append(split)
        return IMAGES, LABELS

    def pens(split: str) -> list[handwriting.PenDigit]:
        taken["pens"].append(split)
        return recorded(1, 2)

    monkeypatch.setattr(hands, "_mnist", mnist)
    monkeypatch.setattr(handwriting, "bitmap_digits", bitmaps)
    monkeypatch.setattr(handwriting, "pen_digits", pens)
    return taken


def test_anyone_is_a_writer_of_each_kind_as_often_as_its_share_says(sources: Sources) -> None:
    for seed in range(400):
        anyone("train", np.random.default_rng(seed))
    shares = {kind: len(splits) / 400 for kind, splits in sources.items()}
    assert shares == pytest.approx({kind: WRITERS[kind] for kind in shares}, abs=0.08)
    assert sum(WRITERS.values()) == pytest.approx(1)


@each(SPLITS)
def test_anyone_s_digits_are_of_one_split(split: digits.Split) -> None:
    bitmaps, pens = {split: (IMAGES, LABELS)}, {split: recorded(1)}  # another is a KeyError
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hands, "_mnist", bitmaps.__getitem__)
        patch.setattr(handwriting, "bitmap_digits", bitmaps.__getitem__)
        patch.setattr(handwriting, "pen_digits", pens.__getitem__)
        for seed in range(20):
            rng = np.random.default_rng(seed)
            assert anyone(split, rng)("5", 32, 3, rng)[0].any()


@pytest.mark.usefixtures("sources")
def test_anyone_draws_rarer_forms_too_whatever_the_kind(
    drawn_forms: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in WRITERS:
        monkeypatch.setattr(hands, "WRITERS", {kind: 1.0})
        drawn_forms.clear()
        for seed in range(80):
            rng = np.random.default_rng(seed)
            anyone("train", rng)("$", 32, 3, rng)
        assert {*drawn_forms} & RARER["$"].keys(), kind


def test_where_other_people_s_digits_are_missing_mnist_s_take_their_place(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.int64)
    monkeypatch.setattr(handwriting, "bitmap_digits", lambda split: nothing)
    monkeypatch.setattr(handwriting, "pen_digits", lambda split: [])
    for seed in range(60):
        rng = np.random.default_rng(seed)
        hand = anyone("test", rng)
        assert all(hand(character, 32, 3, rng)[0].any() for character in "17,")
    assert {*sources["mnist"]} == {"test"}
    assert len(sources["mnist"]) / 60 == pytest.approx(1 - WRITERS["drawn"], abs=0.12)


def test_without_any_files_anyone_writes_with_the_bundled_digits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    monkeypatch.setattr(hands, "_mnist", digits.load)  # without what it loaded before
    for seed in range(12):
        rng = np.random.default_rng(seed)
        assert anyone("train", rng)("5", 32, 3, rng)[0].any()


def test_anyone_of_an_unknown_split_is_refused() -> None:
    with pytest.raises(ValueError, match="split"):
        anyone("validation", np.random.default_rng(0))  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_writer(sources: Sources) -> None:
    for seed in range(12):
        inks = []
        for _ in range(2):
            rng = np.random.default_rng(seed)
            inks.append(anyone("train", rng)("5", 32, 3, rng)[0])
        np.testing.assert_array_equal(inks[0], inks[1])


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test splits hold a few digits, and the training splits none."""

    def only_for_tests(split: str) -> None:
        assert split == "test", "a writer left out of training is taken from it"

    def pens(split: str) -> list[handwriting.PenDigit]:
        only_for_tests(split)
        return recorded(31)

    def bitmaps(split: str) -> tuple[digits.Images, digits.Labels]:
        only_for_tests(split)
        return IMAGES, LABELS

    monkeypatch.setattr(handwriting, "pen_digits", pens)
    monkeypatch.setattr(handwriting, "bitmap_digits", bitmaps)


@pytest.mark.usefixtures("left_out")
def test_left_out_hands_are_pens_and_bitmaps(drawn: list[float]) -> None:
    counts = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        hand = left_out_hand(rng)
        drawn.clear()
        for _ in range(3):
            assert hand("5", 32, 3, rng)[0].any()
        counts.append(len(drawn))
    assert {*counts} == {0, 3}


@pytest.mark.usefixtures("left_out")
def test_left_out_hands_draw_every_mark() -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        hand = left_out_hand(rng)
        for character in SHAPES:
            assert hand(character, 32, 3, rng)[0].any()


def test_without_the_files_nobody_is_left_out_and_the_error_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    with pytest.raises(FileNotFoundError, match="no writers are left out: LESSONLIB_OFFLINE is"):
        left_out_hand(np.random.default_rng(0))


def test_the_originals_write_every_digit() -> None:
    if handwriting.find_handwriting() is None:
        pytest.skip(f"no handwriting here: {handwriting.why_missing()}")
    pens = handwriting.pen_digits("train")
    for seed in range(8):
        rng = np.random.default_rng(seed)
        for hand in (pen_hand(pens, rng), left_out_hand(rng)):
            for character in "0123456789,":
                ink, below = hand(character, 32, 3, rng)
                assert 0.5 < ink.max() <= 1
                assert below <= 16


def bar(width: int) -> npt.NDArray[np.uint8]:
    """An upright bar of MNIST's height."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 10 : 10 + width] = 255
    return image


def test_an_enlarged_digit_has_the_height_asked_for_and_fills_its_picture() -> None:
    for height in (20, 32, 45.5):
        ink = enlarge(bar(4), height, None)
        assert ink.shape[0] == pytest.approx(height, abs=2)
        assert ink.shape[1] == pytest.approx(4 * height / 20, abs=2)
        assert all(edge.any() for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))


def test_an_enlarged_digit_s_strokes_follow_the_pen_but_are_neither_torn_nor_swollen() -> None:
    widths = [float(np.median(enlarge(bar(3), 40, pen).sum(axis=1))) for pen in (1, 4, 6, 9, 20)]
    assert widths == sorted(widths)
    assert 4 < widths[0] < 5  # from 6, as the image has them
    assert widths[2] == pytest.approx(6, abs=0.5)
    assert 7.5 < widths[4] < 8.5
    for digit in IMAGES[LABELS == 0][:10]:
        thin = (enlarge(digit, 40, 1) > 0.3).astype(np.uint8)
        assert cv2.connectedComponents(thin)[0] == 2  # paper, and one piece of ink
