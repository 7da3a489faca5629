"""How a reader is measured on a folder of fields."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonlib import data_path
from lessonlib.checks import CheckReader
from lessonlib.scoring import edit_distance, evaluate
from lessonlib.scoring.scores import accept_rate
from tests.judged import Fixed, labelled, reading

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
    assert max(map(len, lines)) <= 84  # what a page of the book shows


def test_where_two_ways_were_asked_their_agreement_is_counted(tmp_path: Path) -> None:
    folder = labelled(tmp_path, "file,digits\na.png,1\nb.png,2\nc.png,3\nd.png,4\n")
    told = zip(["1", "9", "3", "4"], [True, True, True, False], strict=True)
    result = evaluate(folder, Fixed([replace(reading(text), agreed=one) for text, one in told]))
    assert result.figures[-1] == (
        "agreement",
        "75.0%",
        "both ways read the same text; 2 of these 3 are right",
    )
    alone = evaluate(folder, Fixed(map(reading, "1234")))
    assert "agreement" not in str(alone)


def test_the_summary_names_every_figure(tmp_path: Path) -> None:
    folder = labelled(tmp_path, "file,digits\na.png,120\nb.png,7\n")
    result = evaluate(folder, Fixed(map(reading, ["120", "1"])))
    for name, value, _ in result.figures:
        assert name in str(result)
        assert value in str(result)


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


# ---------------------------------------------------------------- what can't be read


def test_labels_that_cannot_be_used_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    folder = labelled(tmp_path, "file,digits\na.png,12\nb.png,1.5\n")
    with pytest.raises(ValueError, match=r"the label of b\.png must be digits only"):
        evaluate(folder, Fixed([]))


def test_labels_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    real_open = Path.open

    def noted(self: Path, *arguments: Any, **options: Any) -> Any:
        opened.append(self)
        return real_open(self, *arguments, **options)

    folder = labelled(tmp_path, "file,digits\na.png,1\n")
    monkeypatch.setattr(Path, "open", noted)
    evaluate(folder, Fixed([reading("1")]))
    assert opened.count(folder / "labels.csv") == 1


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
