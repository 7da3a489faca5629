"""What readers are trained on: checks, anyone's paper, and images of nothing."""

import numpy as np
import pytest

from lessonlib.synthesis import LabelledField, mixture
from lessonlib.synthesis.hands import drawn_hand
from lessonlib.synthesis.mixture import CHECK_SHARE, NOTHING_SHARE, field_of_nothing, training_field
from lessonlib.synthesis.nothing import KINDS
from lessonlib.synthesis.render import NOBODY


def test_training_mixes_checks_anyone_s_paper_and_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def named(text: str) -> LabelledField:
        return LabelledField(np.zeros((4, 4), np.uint8), text, np.zeros((4, 4), np.int16))

    monkeypatch.setattr(mixture, "anyones_field", lambda *_: named("anyone"))
    monkeypatch.setattr(mixture, "field_of_nothing", lambda *_: named("nothing"))
    monkeypatch.setattr(mixture, "field_by", lambda *_: (named("").image, named("").owner))
    rng = np.random.default_rng(0)
    texts = [training_field(rng, drawn_hand).text for _ in range(3000)]
    assert texts.count("nothing") / 3000 == pytest.approx(NOTHING_SHARE, abs=0.015)
    anyone = 1 - NOTHING_SHARE - CHECK_SHARE
    assert texts.count("anyone") / 3000 == pytest.approx(anyone, abs=0.04)


def test_an_image_of_nothing_has_no_text_and_no_owner() -> None:
    for seed in range(10):
        field = field_of_nothing(np.random.default_rng(seed))
        assert field.text == ""
        assert field.owner.shape == field.image.shape
        assert (field.owner == NOBODY).all()


def test_readers_learn_to_refuse_nothing_without_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def of(kind: str) -> object:
        def make(rng: np.random.Generator) -> np.ndarray:
            seen.append(kind)
            return np.zeros((4, 4), np.uint8)

        return make

    monkeypatch.setattr(mixture, "KINDS", {kind: of(kind) for kind in KINDS})
    rng = np.random.default_rng(0)
    for _ in range(100):
        field_of_nothing(rng)
    assert {*seen} == {*KINDS} - {"photo"}
