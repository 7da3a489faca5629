import json
import re
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import lessonlib
from lessonlib import models
from lessonlib.__main__ import main
from lessonlib.checks import Digit, Reading
from lessonlib.checks.reader import MODELS, Box

CHECKS = lessonlib.data_path("checks")


def first_check() -> str:
    return str(sorted(CHECKS.rglob("*.png"))[0])


def test_doctor_finds_nothing_wrong_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for word in ("torch", "device", "MNIST", "weights", "All is well"):
        assert word in printed


def test_doctor_names_a_wrong_mnist_root_and_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LESSONLIB_OFFLINE", raising=False)
    monkeypatch.setenv("LESSONLIB_MNIST_ROOT", str(tmp_path))
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "wrong  MNIST" in printed
    assert str(tmp_path) in printed


@pytest.mark.parametrize("name", models.SHIPPED)
def test_doctor_names_weights_that_are_missing_and_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shipped_path = models.shipped_path
    monkeypatch.setattr(
        models,
        "shipped_path",
        lambda asked: Path("gone.safetensors") if asked == name else shipped_path(asked),
    )
    assert main(["doctor"]) == 1
    assert "wrong  weights: no weights file at gone.safetensors" in capsys.readouterr().out


def test_read_prints_image_text_and_confidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", first_check()]) == 0
    image, text, confidence = capsys.readouterr().out.strip().split("\t")
    assert image == first_check()
    assert text.isdigit()
    assert 0 <= float(confidence) <= 1


def test_read_json_gives_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--json", first_check(), first_check()]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 2
    assert len(rows[0]["digits"]) == len(rows[0]["text"])
    assert all(len(digit["probabilities"]) == 10 for digit in rows[0]["digits"])
    assert rows[0]["accepted"] is True
    assert {"amount", "separator", "marks"} <= set(rows[0])


class Fixed:
    """Stands in for the reader: every image says 12.50, fairly sure."""

    made_with: ClassVar[list[str]] = []
    amount: Decimal | None = Decimal("12.50")
    separator: Box | None = (18, 9, 2, 2)

    def __init__(self, model: str) -> None:
        self.made_with.append(model)

    def read(self, image: str, min_confidence: float) -> Reading:
        probabilities = np.eye(10, dtype=np.float32)
        return Reading(
            text="1250",
            confidence=0.6,
            digits=tuple(
                Digit((10 * i, 1, 8, 9), probabilities[int(c)]) for i, c in enumerate("1250")
            ),
            marks=((18, 9, 2, 2), (50, 5, 6, 1)),
            separator=self.separator,
            amount=self.amount,
            accepted=min_confidence <= 0.6,
        )


@pytest.fixture
def fixed(monkeypatch: pytest.MonkeyPatch) -> type[Fixed]:
    monkeypatch.setattr("lessonlib.checks.CheckReader", Fixed)
    monkeypatch.setattr(Fixed, "made_with", [])
    return Fixed


def read_json(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert main(["read", "--json", *options, "a.png"]) == 0
    row: dict[str, object] = json.loads(capsys.readouterr().out)
    del row["digits"]
    return row


def test_read_json_has_the_amount_and_the_marks(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed]
) -> None:
    assert read_json(capsys) == {
        "image": "a.png",
        "text": "1250",
        "amount": "12.50",
        "confidence": 0.6,
        "accepted": True,
        "separator": [18, 9, 2, 2],
        "marks": [[18, 9, 2, 2], [50, 5, 6, 1]],
    }


def test_read_json_says_null_where_it_is_unsure(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixed, "amount", None)
    monkeypatch.setattr(fixed, "separator", None)
    row = read_json(capsys, "--min-confidence", "0.61")
    assert (row["amount"], row["separator"], row["accepted"]) == (None, None, False)


def test_read_json_writes_an_amount_without_an_exponent(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixed, "amount", Decimal("1E+3"))
    assert read_json(capsys)["amount"] == "1000"


@pytest.mark.parametrize(
    ("least", "end"), [("0", "0.60"), ("0.6", "0.60"), ("1", "0.60\trejected")]
)
def test_read_rejects_what_is_less_sure_than_asked(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed], least: str, end: str
) -> None:
    assert main(["read", "--min-confidence", least, "a.png"]) == 0
    assert capsys.readouterr().out == f"a.png\t1250\t{end}\n"


@pytest.mark.parametrize("least", ["-0.1", "1.01", "nan", "inf", "half", ""])
def test_read_refuses_a_confidence_that_cannot_be(
    capsys: pytest.CaptureFixture[str], least: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["read", f"--min-confidence={least}", first_check()])
    assert left.value.code == 2
    assert "--min-confidence: must be a number from 0 to 1" in capsys.readouterr().err


def test_read_uses_the_model_that_is_named(
    capsys: pytest.CaptureFixture[str], fixed: type[Fixed]
) -> None:
    assert main(["read", "a.png"]) == 0
    for model in MODELS:
        assert main(["read", "--model", model, "a.png"]) == 0
    assert fixed.made_with == ["mlp", *MODELS]


@pytest.mark.parametrize("command", ["read", "evaluate"])
def test_a_model_that_there_is_not_is_refused(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--model", "rnn", "."])
    assert re.search("mlp.*cnn", capsys.readouterr().err)


def test_read_goes_on_after_a_missing_image_and_fails_with_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["read", "no-such.png", first_check()]) == 1
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert "no-such.png" in captured.err
    assert first_check() in captured.out


def test_train_refuses_a_missing_folder_before_it_trains(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["train", "--output", str(tmp_path / "nowhere" / "w.safetensors")]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_train_writes_weights_that_load(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    target = tmp_path / "w.safetensors"
    assert main(["train", "--epochs", "3", "--output", str(target)]) == 0
    assert models.load(target).config["batch_norm"] is True
    assert models.read_record(target)["data"] == "bundled"
    assert models.read_record(target)["test_accuracy"] > 0.8


def test_evaluate_without_labels_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["evaluate", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert "labels.csv" in captured.err


def test_evaluate_prints_the_exact_read_rate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(CHECKS)]) == 0
    printed = capsys.readouterr().out
    for part in ("% of 36 fields read exactly", "95 % interval", "digit errors"):
        assert part in printed.splitlines()[0]
    for word in ("accept rate at 1% error", "classification", "punctuation", "segmentation"):
        assert word in printed


def test_evaluate_writes_the_page_that_is_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert main(["evaluate", str(CHECKS), "--html", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "36 fields of the folder checks with the model mlp" in text
    assert list(tmp_path.iterdir()) == [page]


@pytest.mark.parametrize("target", ["nowhere/page.html", "."])
def test_evaluate_refuses_an_impossible_page_before_it_reads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, fixed: type[Fixed], target: str
) -> None:
    assert main(["evaluate", str(CHECKS), "--html", str(tmp_path / target)]) == 1
    captured = capsys.readouterr()
    assert str(tmp_path) in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""
    assert fixed.made_with == []
