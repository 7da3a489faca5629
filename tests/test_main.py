import json
from pathlib import Path

import pytest

import lessonlib
from lessonlib import models
from lessonlib.__main__ import main

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
    assert "%" in capsys.readouterr().out
