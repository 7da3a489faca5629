"""How a reader is measured on a folder of fields, and why a field counts as failed."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lessonlib import data_path
from lessonlib.checks import CheckReader, Digit, Reading
from lessonlib.checks.reader import Box
from lessonlib.scoring import edit_distance, evaluate
from lessonlib.scoring.causes import CAUSES, cause, overlap
from lessonlib.scoring.labels import read_boxes
from lessonlib.scoring.scores import accept_rate

# Where the digits of most fields here are, and a mark that is a dot by its size.
PLACES: list[Box] = [(10, 10, 20, 30), (40, 10, 20, 30), (70, 10, 20, 30)]
DOT: Box = (62, 36, 4, 4)


def reading(
    text: str,
    confidence: float = 0.5,
    *,
    boxes: Sequence[Box] | None = None,
    marks: Sequence[Box] = (),
) -> Reading:
    """Make a reading of digits that stand side by side, unless their boxes are given."""
    boxes = [(10 + 30 * i, 10, 20, 30) for i in range(len(text))] if boxes is None else boxes
    probabilities = np.eye(10, dtype=np.float32)
    return Reading(
        text=text,
        confidence=confidence,
        digits=tuple(Digit(b, probabilities[int(c)]) for b, c in zip(boxes, text, strict=True)),
        marks=tuple(marks),
        separator=None,
        amount=None,
        accepted=bool(text),
    )


class Fixed(CheckReader):
    """A reader that returns the readings it was made with."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self.readings = list(readings)
        self.seen = 0

    def read_many(self, images: Iterable[object], min_confidence: float = 0.0) -> list[Reading]:
        for image in images:
            assert isinstance(image, np.ndarray)
            self.seen += 1
        assert self.seen == len(self.readings)
        return self.readings


def labelled(folder: Path, table: str) -> Path:
    """Write a labels.csv, and an image for each of its rows, except for the names with "gone"."""
    (folder / "labels.csv").write_text(table, encoding="utf-8")
    with_images(folder, *(line.partition(",")[0] for line in table.splitlines()[1:]))
    return folder


def with_images(folder: Path, *names: str) -> None:
    (folder / "images").mkdir()
    for name in names:
        if name.endswith(".png") and "gone" not in name:
            Image.new("L", (20, 10), 255).save(folder / "images" / name)


# ---------------------------------------------------------------- counting


def test_exact_reads_and_digit_errors_are_counted(tmp_path: Path) -> None:
    folder = labelled(tmp_path, "file,digits,note\na.png,120,\nb.png,7,\nc.png,5566,\nd.png,99,\n")
    result = evaluate(folder, Fixed(map(reading, ["120", "1", "566", ""])))
    assert result.files == ("a.png", "b.png", "c.png", "d.png")
    assert result.exact == 0.25
    assert result.digit_errors == pytest.approx((0 + 1 + 1 + 2) / 10)
    assert result.interval == pytest.approx((0.0456, 0.6994), abs=1e-4)  # Wilson's for 1 in 4
    assert result.causes == ("", "classification", "segmentation", "segmentation")
    assert result.failures == {"classification": 1, "punctuation": 0, "segmentation": 2}
    assert result.accept_rate == 0  # all have the same confidence, and three are wrong
    lines = str(result).splitlines()
    assert lines[0] == (
        "25.0% of 4 fields read exactly (95 % interval 4.6% to 69.9%); 40.0% digit errors"
    )
    assert lines[1].startswith("0.0% accept rate at 1% error")
    assert lines[2].startswith("50.0% mean confidence")
    assert [line.split()[:2] for line in lines[3:]] == [
        ["failures", "3"],
        ["classification", "1"],
        ["punctuation", "0"],
        ["segmentation", "2"],
    ]
    assert max(map(len, lines)) <= 100


def test_the_surest_field_is_accepted_when_the_others_are_wrong(tmp_path: Path) -> None:
    folder = labelled(tmp_path, "file,digits\na.png,1\nb.png,2\nc.png,3\nd.png,4\n")
    told = [reading("9", 0.2), reading("2", 0.9), reading("9", 0.5), reading("4", 0.4)]
    assert evaluate(folder, Fixed(told)).accept_rate == 0.25


def test_a_folder_read_without_a_mistake_has_no_failures(tmp_path: Path) -> None:
    rows = "".join(f"{i}.png,{i}\n" for i in range(5))
    told = [reading(str(i), i / 5) for i in range(5)]
    result = evaluate(labelled(tmp_path, "file,digits\n" + rows), Fixed(told))
    assert (result.exact, result.digit_errors, result.accept_rate) == (1, 0, 1)
    assert set(result.failures.values()) == {0}
    assert set(result.causes) == {""}


def test_the_shipped_samples_can_be_evaluated() -> None:
    result = evaluate(data_path("checks"), CheckReader())
    assert result.exact > 0.5
    assert result.interval[0] < result.exact <= result.interval[1]
    assert result.digit_errors < 0.2
    wrong = [r.text != label for r, label in zip(result.readings, result.labels, strict=True)]
    assert [cause != "" for cause in result.causes] == wrong
    assert sum(result.failures.values()) == sum(wrong)
    assert 0 <= result.accept_rate <= 1


def test_true_boxes_decide_the_cause(tmp_path: Path) -> None:
    far = ["0 0 9 9;400 10 20 30", "10 10 20 30;40 10 20 30", ""]
    rows = "".join(f"{i}.png,12,{boxes}\n" for i, boxes in enumerate(far))
    folder = labelled(tmp_path, "file,digits,boxes_xywh\n" + rows)
    result = evaluate(folder, Fixed([reading("17"), reading("17"), reading("17")]))
    assert result.causes == ("segmentation", "classification", "classification")


# ---------------------------------------------------------------- accept rate


@pytest.mark.parametrize(
    ("confidences", "right", "error", "rate"),
    [
        ([], [], 0.01, 0),
        ([0.9, 0.8, 0.7], [1, 1, 1], 0.01, 1),
        ([0.9, 0.8, 0.7], [0, 1, 1], 0.01, 0),
        ([0.7, 0.9, 0.8], [0, 1, 1], 0.01, 2 / 3),  # in whatever order they come
        ([0.9, 0.8, 0.8, 0.7], [1, 1, 0, 1], 0.01, 1 / 4),  # the two at 0.8 go together
        ([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 1], 0.25, 1),  # too many wrong after two, not after four
        ([0.5] * 100, [0] + [1] * 99, 0.01, 1),  # exactly 1 %
        ([0.5] * 100, [0, 0] + [1] * 98, 0.01, 0),
    ],
)
def test_accept_rate(confidences: list[float], right: list[int], error: float, rate: float) -> None:
    assert accept_rate(confidences, right, error) == pytest.approx(rate)


@given(
    st.lists(st.tuples(st.sampled_from([0, 0.2, 0.5, 0.9, 1]), st.booleans()), min_size=1),
    st.sampled_from([0, 0.01, 0.1, 0.5]),
)
def test_accept_rate_is_the_best_of_all_thresholds(
    fields: list[tuple[float, bool]], error: float
) -> None:
    rates = [0.0]
    for threshold in {confidence for confidence, _ in fields}:
        accepted = [right for confidence, right in fields if confidence >= threshold]
        if accepted.count(False) / len(accepted) <= error:
            rates.append(len(accepted) / len(fields))
    confidences, right = [c for c, _ in fields], [r for _, r in fields]
    assert accept_rate(confidences, right, error) == max(rates)


# ---------------------------------------------------------------- causes


@pytest.mark.parametrize(
    ("label", "read", "expected"),
    [
        ("120", reading("126"), "classification"),
        ("120", reading("126", marks=[DOT, (100, 5, 20, 40)]), "classification"),
        ("12", reading(""), "segmentation"),
        ("12", reading("", marks=PLACES), "segmentation"),
        # A digit too many: a dot or dash if it is low, else a digit cut in two.
        ("120", reading("1280", boxes=[*PLACES[:2], DOT, PLACES[2]]), "punctuation"),
        ("120", reading("1201", boxes=[*PLACES, (95, 24, 25, 5)]), "punctuation"),
        ("120", reading("1201", boxes=[*PLACES, (95, 10, 4, 30)]), "segmentation"),
        ("120", reading("1201", boxes=[*PLACES, (95, 24, 25, 15)]), "segmentation"),  # just half
        ("12", reading("1201", boxes=[*PLACES, DOT]), "segmentation"),  # one of the two is tall
        ("12", reading("1281", boxes=[*PLACES[:2], DOT, DOT]), "punctuation"),
        # A digit too few: taken for a mark if one is as tall as digits, else missed or joined.
        ("120", reading("12", marks=[PLACES[2]]), "punctuation"),
        ("120", reading("12", marks=[(70, 10, 20, 15)]), "punctuation"),
        ("120", reading("12", marks=[DOT]), "segmentation"),
        ("120", reading("12"), "segmentation"),
        (
            "111",
            reading("11", boxes=[(10, 10, 4, 30), (20, 10, 4, 30)], marks=[DOT]),
            "segmentation",
        ),
        ("120", reading("1", marks=[PLACES[2], DOT]), "segmentation"),  # two are gone, one mark
    ],
)
def test_cause_without_true_boxes(label: str, read: Reading, expected: str) -> None:
    assert cause(label, read) == expected


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (reading("126"), "classification"),
        (reading("126", boxes=[(12, 12, 20, 30), *PLACES[1:]]), "classification"),
        (reading("126", boxes=[(25, 10, 20, 30), *PLACES[1:]]), "segmentation"),
        # The 0 wasn't found, yet as many digits were read: the dot stands in for it.
        (reading("128", boxes=[*PLACES[:2], DOT], marks=[PLACES[2]]), "punctuation"),
        (reading("128", boxes=[*PLACES[:2], DOT]), "segmentation"),
        (reading("1280", boxes=[*PLACES[:2], DOT, PLACES[2]]), "punctuation"),
        (reading("12", marks=[PLACES[2]]), "punctuation"),
        (reading("12", marks=[(100, 10, 20, 30)]), "segmentation"),  # tall, but elsewhere
        (reading("1200", boxes=[*PLACES, PLACES[2]]), "segmentation"),  # one digit, read twice
        (reading("1", boxes=[(10, 10, 80, 30)]), "segmentation"),
        (reading("", marks=PLACES), "segmentation"),
    ],
)
def test_cause_with_true_boxes(read: Reading, expected: str) -> None:
    assert cause("120", read, PLACES) == expected


sizes = st.integers(1, 40)
some_boxes = st.tuples(st.integers(0, 60), st.integers(0, 60), sizes, sizes)


@given(
    st.text("0123456789", min_size=1, max_size=5),
    st.lists(some_boxes, max_size=5),
    st.lists(some_boxes, max_size=4),
    st.booleans(),
)
def test_every_failure_has_a_cause(
    label: str, found: list[Box], marks: list[Box], known: bool
) -> None:
    read = reading("7" * len(found), boxes=found, marks=marks)
    places = [(30 * i, 10, 20, 30) for i in range(len(label))] if known else None
    why = cause(label, read, places)
    assert why in CAUSES
    if not known and found:
        assert (why == "classification") == (len(found) == len(label))


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1),
        ((0, 0, 10, 10), (10, 0, 10, 10), 0),
        ((0, 0, 10, 10), (30, 30, 10, 10), 0),  # apart both ways
        ((0, 0, 10, 10), (5, 0, 10, 10), 1 / 3),
        ((0, 0, 10, 10), (0, 0, 5, 4), 0.2),
    ],
)
def test_overlap(a: Box, b: Box, share: float) -> None:
    assert overlap(a, b) == pytest.approx(share)
    assert overlap(b, a) == pytest.approx(share)


# ---------------------------------------------------------------- labels.csv


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "columns file and digits"),
        ("file,text\na.png,12\n", "columns file and digits"),
        ("file,digits\n", "names no field"),
        ("file,digits\na.png,12.50\n", "digits only"),
        ("file,digits\na.png,١٢\n", "digits only"),
        ("file,digits\na.png\n", "digits only"),
        ("digits,file\n12\n", "must name its file"),
        ("file,digits\n,12\n", "must name its file"),
        ('file,digits\n"' + "x" * 200_000 + '",1\n', "no table.*save it as CSV in UTF-8"),
        ("file,digits,boxes_xywh\na.png,12,1 2 3 4\n", "each of the 2 digits"),
        ("file,digits,boxes_xywh\na.png,1,1 2 3\n", r"a\.png must be one"),
        ("file,digits,boxes_xywh\na.png,1,1 2 3 4;\n", r"a\.png must be one"),
        ("file,digits,boxes_xywh\na.png,1,1 2 0 4\n", r"a\.png must be one"),
        ("file,digits,boxes_xywh\na.png,1,1 -2 3 4\n", r"a\.png must be one"),
        ("file,digits,boxes_xywh\na.png,1,1 2 3.5 4\n", r"a\.png must be one"),
        ("file,digits,boxes_xywh\na.png,1," + "9" * 9999 + " 2 3 4\n", r"a\.png must be one"),
    ],
)
def test_a_table_without_usable_labels_is_refused(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(labelled(tmp_path, table), Fixed([]))


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("file,digits\nnúmero.png,1\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"labels\.csv is no table .*save it as CSV in UTF-8"):
        evaluate(tmp_path, Fixed([]))


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"\xef\xbb\xbffile,digits\r\na.png,12\r\n")
    with_images(tmp_path, "a.png")
    assert evaluate(tmp_path, Fixed([reading("12")])).exact == 1


def test_boxes_are_read_where_they_are_given(tmp_path: Path) -> None:
    rows = "a.png,12, 1 2 3 4 ; 5 6 7 8 \nb.png,3,\nc.png,4\n"
    folder = labelled(tmp_path, "file,digits,boxes_xywh\n" + rows)
    assert read_boxes(folder) == [((1, 2, 3, 4), (5, 6, 7, 8)), None, None]


def test_a_table_need_not_have_boxes(tmp_path: Path) -> None:
    assert read_boxes(labelled(tmp_path, "file,digits\na.png,1\nb.png,2\n")) == [None, None]


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file .*labels\.csv: it must list"):
        evaluate(tmp_path, Fixed([]))


def test_labels_that_may_not_be_read_are_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    folder = labelled(tmp_path, "file,digits\na.png,1\n")
    monkeypatch.setattr(Path, "open", refuse)  # root may read everything
    with pytest.raises(PermissionError, match=r"csv can't be read \(Permission denied\): check"):
        evaluate(folder, Fixed([]))


@pytest.mark.parametrize("again", ["a.png", "./a.png", "b/../a.png", "../images/a.png"])
def test_two_rows_for_one_image_are_an_error_that_names_both_lines(
    tmp_path: Path, again: str
) -> None:
    table = f"file,digits\na.png,12\n\nb.png,3\n{again},12\n"
    (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(ValueError, match=r"csv: lines 2 and 5 both name .*a\.png: keep one"):
        evaluate(tmp_path, Fixed([]))


def test_an_error_in_a_row_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,digits\na.png,1\n\nb.png,1.5\n")
    with pytest.raises(ValueError, match=r"csv, line 4: the label of b\.png must be digits"):
        evaluate(tmp_path, Fixed([]))


# ---------------------------------------------------------------- images that can't be read


def test_an_image_that_cannot_be_read_is_left_out_and_named(tmp_path: Path) -> None:
    rows = "a.png,120,\ngone.png,7,\nb.png,55,1 1 2 3;4 1 2 3\nempty.gone.png,1,1 2 3 4\nc.png,6,\n"
    folder = labelled(tmp_path, "file,digits,boxes_xywh\n" + rows)
    (folder / "images" / "empty.gone.png").touch()
    result = evaluate(folder, Fixed(map(reading, ["120", "5", "6"])))
    assert result.files == ("a.png", "b.png", "c.png")
    assert result.labels == ("120", "55", "6")
    assert result.exact == pytest.approx(2 / 3)
    assert result.digit_errors == pytest.approx(1 / 6)
    assert result.causes == ("", "segmentation", "")
    assert list(result.left_out) == ["gone.png", "empty.gone.png"]
    assert "no image file" in result.left_out["gone.png"]
    assert "is empty" in result.left_out["empty.gone.png"]
    assert str(result).splitlines()[-1] == (
        "2 of 5 images could not be read and are left out of these figures"
    )


def test_without_any_readable_image_the_first_one_s_error_is_told(tmp_path: Path) -> None:
    folder = labelled(tmp_path, "file,digits\ngone.png,1\ngone-2.png,2\n")
    with pytest.raises(ValueError, match=r"none of the 2 images can be read; .*gone\.png"):
        evaluate(folder, Fixed([]))


def test_the_reader_itself_goes_on_after_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    folder = labelled(tmp_path, "file,digits\na.png,1\ngone.png,2\nb.png,3\n")
    result = evaluate(folder, CheckReader())
    assert result.files == ("a.png", "b.png")
    assert list(result.left_out) == ["gone.png"]


# ---------------------------------------------------------------- edit distance


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("", "", 0), ("", "123", 3), ("123", "123", 0), ("1990", "199", 1), ("7217", "1217", 1),
     ("8262", "826", 1), ("12", "21", 2), ("10000", "1000", 1)],
)  # fmt: skip
def test_edit_distance(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == distance


@given(st.text("0123", max_size=6), st.text("0123", max_size=6), st.text("0123", max_size=6))
def test_edit_distance_is_a_distance(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert (edit_distance(a, b) == 0) == (a == b)
