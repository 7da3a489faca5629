"""The ensemble: two ways give their texts, and what fits both best is read."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lessonlib import data_path
from lessonlib.checks import MARK, load_image
from lessonlib.checks.candidates import CANDIDATE_CLASSES
from lessonlib.checks.ctc import log_likelihood
from lessonlib.checks.cutting import DEFAULT_CALIBRATION, Cutting
from lessonlib.checks.ensemble import UNLIKELY, Ensemble, products, together
from lessonlib.checks.lines import (
    ALTERNATIVES,
    LINE_CLASSES,
    Lines,
    best_line_texts,
    line_features,
    read_columns,
    seen_once,
)
from lessonlib.checks.reader import Way, shipped_way
from lessonlib.models import LineNetwork
from lessonlib.synthesis import render
from tests.judged import same

Floats = npt.NDArray[np.float64]
SAMPLES = data_path("checks", "images")
PATHS = sorted(SAMPLES.glob("*.png"))[:6]
CALIBRATION = {
    "mix": 1.0,
    "constant": 0.0,
    "share": 0.5,
    "line": 0.1,
    "cut": 0.1,
    "path": 0.0,
    "agreed": 0.2,
    "looks": 0.0,
}


def columns(*rows: dict[int, float]) -> Floats:
    """Make columns of ten digits and a blank, which has what is left over."""
    p = np.full((len(rows), 11), 1e-6)
    for own, row in zip(p, rows, strict=True):
        for digit, share in row.items():
            own[digit] = share
        own[10] = 1 - own[:10].sum()
    return np.asarray(np.log(p))


def logs(*texts: tuple[str, float]) -> list[tuple[str, float]]:
    return [(text, float(np.log(p))) for text, p in texts]


def ranked_by(line: Floats, cut: list[tuple[str, float]], mix: float) -> list[tuple[str, float]]:
    return list(together([line], best_line_texts([line])[0], cut, mix))


# ---------------------------------------------------------------- texts


def test_what_both_find_likely_is_read_though_each_prefers_another() -> None:
    line = columns({1: 0.55, 4: 0.4})
    cut = logs(("9", 0.55), ("4", 0.4))
    assert ranked_by(line, cut, mix=1.0)[0][0] == "4"


def test_where_both_agree_the_share_is_above_either_one_s() -> None:
    line = columns({1: 0.6, 4: 0.3})
    (best, share), *_ = ranked_by(line, logs(("1", 0.6), ("4", 0.3)), mix=1.0)
    assert best == "1"
    assert np.exp(share) > 0.75


def test_the_mix_says_how_much_the_way_that_cuts_counts() -> None:
    line = columns({1: 0.6, 4: 0.3})
    cut = logs(("4", 0.6), ("1", 0.3))
    assert ranked_by(line, cut, mix=0.5)[0][0] == "1"
    assert ranked_by(line, cut, mix=2.0)[0][0] == "4"


def test_shares_add_up_to_1_and_fall() -> None:
    line = columns({1: 0.5, 4: 0.3}, {}, {7: 0.6, 9: 0.2})
    ranked = ranked_by(line, logs(("17", 0.5), ("49", 0.2), ("", 0.1)), mix=0.75)
    shares = [share for _, share in ranked]
    assert shares == sorted(shares, reverse=True)
    assert np.exp(shares).sum() == pytest.approx(1)
    assert {"17", "49", ""} <= {text for text, _ in ranked}
    assert len(dict(ranked)) == len(ranked)


def test_a_text_that_only_the_cuts_give_counts_by_its_probability_in_the_columns() -> None:
    line = columns({1: 0.5, 4: 0.3}, {}, {7: 0.6, 9: 0.2})
    ranked = dict(ranked_by(line, logs(("44", 0.9), ("17", 0.1)), mix=1.0))
    expected = max(log_likelihood(line, [4, 4]), UNLIKELY) + np.log(0.9)
    other = log_likelihood(line, [1, 7]) + np.log(0.1)
    assert ranked["44"] - ranked["17"] == pytest.approx(expected - other)


def test_a_text_that_the_columns_have_no_room_for_is_left_out() -> None:
    line = columns({1: 1e-4, 4: 1e-4})
    cut = logs(("123456", 0.999))
    assert "123456" not in dict(ranked_by(line, cut, mix=2.0))


def test_an_empty_line_and_no_cuts_read_nothing() -> None:
    assert ranked_by(columns({}, {}), [("", 0.0)], mix=1.0)[0][0] == ""


def test_products_are_the_sums_of_logs_with_a_floor() -> None:
    line = columns({1: 0.5, 4: 0.3})
    found = products([line], {"1": np.log(0.25), "7": -50.0}, 0.5, [(1,), (4,), (7,), (1, 1)])
    assert found[0] == pytest.approx(np.log(0.5) + 0.5 * np.log(0.25))
    assert found[1] == pytest.approx(np.log(0.3) + 0.5 * UNLIKELY)
    assert found[2] == pytest.approx(max(np.log(1e-6), UNLIKELY) + 0.5 * UNLIKELY)
    assert found[3] == -np.inf


@given(st.integers(0, 2**32 - 1), st.floats(0.25, 2))
@settings(max_examples=40, deadline=None)
def test_the_best_text_has_the_largest_product_of_all_that_differ_in_a_digit(
    seed: int, mix: float
) -> None:
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(5, 11))
    line = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    texts = {"".join(map(str, rng.integers(0, 10, rng.integers(1, 3)))) for _ in range(3)}
    cut = logs(*((text, float(p)) for text, p in zip(texts, rng.dirichlet([1] * 3), strict=False)))
    best = tuple(map(int, ranked_by(line, cut, mix)[0][0]))
    (own,) = products([line], dict(cut), mix, [best])
    for place in range(len(best)):
        others = [(*best[:place], digit, *best[place + 1 :]) for digit in range(10)]
        assert products([line], dict(cut), mix, others).max() <= own + 1e-9


# ---------------------------------------------------------------- made-up networks


class SaysLine(nn.Module):
    """A line network that says digits in the middle of the line, with some shares, else nothing."""

    def __init__(self, *rows: dict[int, float]) -> None:
        super().__init__()
        self.rows = rows

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        p = torch.full((len(x), LINE_CLASSES, x.shape[3] // 4), 1e-6)
        p[:, -1] = 1 - 1e-6 * (LINE_CLASSES - 1)
        start = p.shape[2] // 2 - len(self.rows)
        for number, row in enumerate(self.rows):
            for digit, share in row.items():
                p[:, digit, start + 2 * number] = share
            p[:, -1, start + 2 * number] = 1 - sum(row.values())
        return p.log()


class SaysCandidates(nn.Module):
    """A network that finds the same in each candidate."""

    def __init__(self, row: dict[int, float]) -> None:
        super().__init__()
        self.row = row

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        p = torch.full((len(x), CANDIDATE_CLASSES), 1e-6)
        for kind, share in self.row.items():
            p[:, kind] = share
        return p.log()


def ensemble(line: nn.Module, cut: nn.Module, **changes: float) -> Ensemble:
    calibration = CALIBRATION | changes
    return Ensemble(Cutting(cut, DEFAULT_CALIBRATION), Lines(line, {}), calibration)


def one_stroke() -> npt.NDArray[np.uint8]:
    field = np.full((60, 160), 255, dtype=np.uint8)
    field[12:48, 76:82] = 20
    return field


def test_a_digit_s_probabilities_are_those_of_both_ways_together() -> None:
    way = ensemble(SaysLine({7: 0.6, 1: 0.35}), SaysCandidates({1: 0.9, 7: 0.05}))
    (reading,) = way.read([way.prepare(one_stroke())])
    assert reading.text == "1"
    assert [digit.value for digit in reading.digits] == [1]  # though the line says 7
    p = reading.digits[0].probabilities
    assert p.sum() == pytest.approx(1, abs=1e-5)
    assert p[1] / p[7] == pytest.approx(0.35 / 0.6 * 0.9 / 0.05, rel=0.02)


def test_alternatives_have_the_best_first_with_the_confidence() -> None:
    way = ensemble(SaysLine({7: 0.6, 1: 0.35}), SaysCandidates({1: 0.9, 7: 0.05}))
    (reading,) = way.read([way.prepare(one_stroke())])
    assert [text for text, _ in reading.alternatives][:2] == ["1", "7"]
    assert reading.alternatives[0][1] == pytest.approx(reading.confidence, abs=1e-6)
    probabilities = [p for _, p in reading.alternatives]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1 + 1e-5


def test_a_reading_says_whether_both_ways_found_its_text() -> None:
    for cut, agreed in (({1: 0.9}, True), ({7: 0.9}, False)):
        way = ensemble(SaysLine({1: 0.95}), SaysCandidates(cut))
        (reading,) = way.read([way.prepare(one_stroke())])
        assert reading.agreed is agreed


def test_there_are_as_many_alternatives_as_either_way_gives() -> None:
    line = SaysLine({kind: 0.15 for kind in range(5)})
    cut = SaysCandidates({kind: 0.15 for kind in range(5, 10)})
    way = ensemble(line, cut)
    prepared = way.prepare(one_stroke())
    columns = read_columns(line, [prepared[1].pictures])
    (weighed,) = way.weigh_all(
        [prepared[0]],
        way.cutting.log_probabilities([prepared[0]]),
        seen_once(columns),
    )
    (reading,) = way.read([prepared])
    assert len(weighed.texts) > ALTERNATIVES
    assert len(reading.alternatives) == ALTERNATIVES


def test_agreement_makes_a_reading_surer_than_disagreement() -> None:
    line = SaysLine({1: 0.6, 4: 0.3})
    confidences = []
    for row in ({1: 0.9}, {1: 0.5, 4: 0.4}, {1: 0.3, 4: 0.6}):
        way = ensemble(line, SaysCandidates(row))
        confidences.append(way.read([way.prepare(one_stroke())])[0].confidence)
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] > confidences[2] + 0.1


def test_what_both_find_empty_is_empty() -> None:
    way = ensemble(SaysLine(), SaysCandidates({MARK: 0.99}), constant=5.0)
    (reading,) = way.read([way.prepare(one_stroke())])
    assert (reading.text, reading.confidence, reading.alternatives) == ("", 0.0, ())


def test_an_image_without_ink_goes_through_both_ways() -> None:
    torch.manual_seed(0)
    way = ensemble(LineNetwork(4), SaysCandidates({1: 0.9}))
    (reading,) = way.read([way.prepare(np.full((60, 200), 255, np.uint8))])
    assert 0 <= reading.confidence <= 1


@pytest.mark.parametrize("shape", [(7, 20_000), (2000, 9), (1, 1)])
def test_images_of_odd_shapes_raise_nothing(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    way = ensemble(SaysLine(), SaysCandidates({1: 0.9, MARK: 0.05}), mix=2.0)
    (reading,) = way.read([way.prepare(noise)])
    assert 0 <= reading.confidence <= 1


# ---------------------------------------------------------------- the shipped one


@pytest.fixture(scope="module")
def shipped() -> Ensemble:
    way = shipped_way("ensemble")
    assert isinstance(way, Ensemble)
    return way


def test_fields_read_together_are_read_as_each_by_itself(shipped: Ensemble) -> None:
    images = [load_image(path) for path in PATHS] + [np.full((50, 90), 255, np.uint8)]
    fields = [shipped.prepare(image) for image in images]
    for field, reading in zip(fields, shipped.read(fields, 0.5), strict=True):
        assert same(reading, shipped.read([field], 0.5)[0])


def test_each_way_gets_what_it_would_prepare_itself(shipped: Ensemble) -> None:
    image = load_image(PATHS[0])
    cut, line = shipped.prepare(image)
    np.testing.assert_array_equal(cut.pictures, shipped.cutting.prepare(image).pictures)
    np.testing.assert_array_equal(line.pictures, shipped.lines.prepare(image).pictures)


def test_what_both_ways_read_alone_they_read_together(shipped: Ensemble) -> None:
    images = [load_image(path) for path in PATHS]
    ways: Sequence[Way] = (shipped.cutting, shipped.lines, shipped)
    cut, line, both = ([r.text for r in way.read([*map(way.prepare, images)])] for way in ways)
    agreed = [(c, b) for c, ln, b in zip(cut, line, both, strict=True) if c == ln]
    assert len(agreed) >= len(PATHS) // 2
    assert all(alone == together for alone, together in agreed)


def test_the_shipped_calibration_has_the_mix_and_a_weight_for_each_feature(
    shipped: Ensemble,
) -> None:
    cut, line = shipped.prepare(render("17", 0))
    log_p = shipped.cutting.log_probabilities([cut])[0]
    flat = np.full((line.pictures.shape[2] // 4, LINE_CLASSES), -np.log(LINE_CLASSES))
    (weighed,) = shipped.weigh_all([cut], [log_p], seen_once([flat]))
    assert set(shipped.calibration) == {"constant", "mix", *weighed.features}
    assert set(shipped.lines.calibration) == {"constant", *line_features([("1", -1.0)], 1.0)}
