"""Texts from columns: the recursions agree with the sum over every single path."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonlib.checks import ctc
from lessonlib.checks.ctc import (
    BLANK,
    Floats,
    Text,
    align,
    align_all,
    best_texts,
    best_texts_of,
    collapse,
    forward_table,
    log_likelihood,
    log_likelihoods,
    merge_into_blank,
    side_by_side,
)

WIDE = 1000  # a beam that drops nothing for its width: at most 364 texts fit five columns


def log_softmax(logits: Floats) -> Floats:
    log_p: Floats = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return log_p


@st.composite
def small_fields(draw: st.DrawFn, sharpest: float = 5.0, impossible: bool = True) -> Floats:
    """Draw log probabilities of up to four classes in up to five columns, some of them -inf."""
    columns, classes = draw(st.integers(0, 5)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = draw(st.floats(0, sharpest)) * rng.normal(size=(columns, classes))
    if impossible and draw(st.booleans()):
        shut = rng.random(logits.shape) < 0.3
        shut[range(columns), rng.integers(classes, size=columns)] = False  # one class stays
        logits[shut] = -np.inf
    return log_softmax(logits)


def paths(log_p: Floats) -> dict[tuple[int, ...], float]:
    """List every path of a few columns, blanks as BLANK, with its probability."""
    columns, classes = log_p.shape
    kinds = [*range(classes - 1), BLANK]
    p = np.exp(log_p).tolist()
    return {
        path: math.prod(row[kind] for row, kind in zip(p, path, strict=True))
        for path in itertools.product(kinds, repeat=columns)
    }


def enumerated(log_p: Floats) -> dict[Text, float]:
    """Sum the paths of each text."""
    sums: dict[Text, float] = {}
    for path, p in paths(log_p).items():
        sums[collapse(path)] = sums.get(collapse(path), 0.0) + p
    return sums


def typical_field(rng: np.random.Generator, doubtful: int = 2) -> Floats:
    """Make what a trained network says of seven digits in 40 columns, some of them in doubt."""
    logits = rng.normal(-14, 2, size=(40, 11))
    logits[:, BLANK] = 0
    places = np.sort(rng.choice(np.arange(1, 38, 4), 7, replace=False))
    for number, (t, digit) in enumerate(zip(places, rng.integers(10, size=7), strict=True)):
        logits[t, digit], logits[t + 1, digit] = 9, rng.normal(0, 3)
        if number < doubtful:
            logits[t, (digit + 1) % 10] = 9 + rng.normal(-1, 1)
    return log_softmax(logits)


# ----------------------------------------------------------------------------- collapse


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ([], ()),
        ([BLANK, BLANK], ()),
        ([3], (3,)),
        ([3, 3, 3], (3,)),
        ([3, BLANK, 3], (3, 3)),
        ([BLANK, 3, 3, BLANK, BLANK, 3, 5, BLANK], (3, 3, 5)),
        ([3, 5, 3], (3, 5, 3)),
    ],
)
def test_a_path_loses_repeats_first_and_then_its_blanks(path: list[int], text: Text) -> None:
    assert collapse(path) == text


def test_the_blank_of_an_argmax_is_the_last_class() -> None:
    greedy = collapse(np.array([10, 7, 7, 10, 7, 0]), blank=10)
    assert greedy == (7, 7, 0)
    assert {type(kind) for kind in greedy} == {int}


# ----------------------------------------------------------------------------- log_likelihood


@given(small_fields())
@settings(max_examples=100, deadline=None)
def test_a_text_has_the_sum_of_its_paths(log_p: Floats) -> None:
    sums = enumerated(log_p)
    found = np.exp([log_likelihood(log_p, text) for text in sums])
    assert found == pytest.approx(list(sums.values()), rel=1e-9, abs=1e-300)


@given(small_fields())
@settings(max_examples=100, deadline=None)
def test_the_probabilities_of_all_texts_sum_to_1(log_p: Floats) -> None:
    columns, classes = log_p.shape
    texts = [
        text
        for length in range(columns + 1)
        for text in itertools.product(range(classes - 1), repeat=length)
    ]
    assert np.exp(log_likelihoods(log_p, texts)).sum() == pytest.approx(1)


@given(st.integers(1, 60), st.integers(2, 11), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_the_loss_of_torch_is_minus_the_log_likelihood(
    columns: int, classes: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    log_p = log_softmax(4 * rng.normal(size=(columns, classes)))
    text = rng.integers(min(classes - 1, 3), size=rng.integers(columns // 2 + 1)).tolist()
    loss = torch.nn.functional.ctc_loss(
        torch.tensor(log_p)[:, None],
        torch.tensor([text], dtype=torch.int64),
        torch.tensor([columns]),
        torch.tensor([len(text)]),
        blank=classes - 1,
        reduction="none",
    )
    assert log_likelihood(log_p, text) == pytest.approx(-loss.item(), rel=1e-9, abs=1e-12)


def test_equal_neighbours_need_a_blank_between_them() -> None:
    flat = np.log(np.full((3, 3), 1 / 3))
    assert np.exp(log_likelihood(flat, [1, 1])) == pytest.approx(1 / 27)  # "1 _ 1" alone
    assert np.exp(log_likelihood(flat, [0, 1])) == pytest.approx(5 / 27)
    assert log_likelihood(flat[:2], [1, 1]) == -np.inf
    assert np.exp(log_likelihood(flat[:2], [0, 1])) == pytest.approx(1 / 9)


def test_a_text_that_is_too_long_is_impossible() -> None:
    assert log_likelihood(np.log(np.full((3, 3), 1 / 3)), [0, 1, 0, 1]) == -np.inf


def test_no_columns_have_the_empty_text_and_no_other() -> None:
    nothing = np.zeros((0, 11))
    assert log_likelihood(nothing, []) == 0
    assert log_likelihood(nothing, [4]) == -np.inf
    assert best_texts(nothing) == [((), 0.0)]
    assert align(nothing, []) == []


def test_the_empty_text_has_the_path_of_blanks_alone() -> None:
    log_p = np.log([[0.2, 0.8], [0.7, 0.3]])
    assert np.exp(log_likelihood(log_p, [])) == pytest.approx(0.8 * 0.3)


def test_a_class_of_probability_0_makes_its_texts_impossible_without_a_warning() -> None:
    log_p = np.array([[-np.inf, 0.0], [-np.inf, 0.0]])
    with np.errstate(all="raise"):
        assert log_likelihood(log_p, [0]) == -np.inf
        assert best_texts(log_p) == [((), 0.0)]


def test_a_probability_far_below_the_smallest_float_is_still_exact() -> None:
    log_p = log_softmax(np.array([[0.0, -900.0, -900.0]] * 2))
    assert log_likelihood(log_p, [1]) == pytest.approx(-1800 + np.log(3))


def test_texts_of_several_lengths_get_together_what_they_get_alone() -> None:
    log_p = log_softmax(np.random.default_rng(3).normal(size=(9, 5)))
    texts: list[Sequence[int]] = [(), [1], (2, 2, 2), (0, 1, 2, 3), (3, 3, 3, 3, 3, 3)]
    alone = [log_likelihood(log_p, text) for text in texts]
    assert log_likelihoods(log_p, texts).tolist() == pytest.approx(alone)
    assert log_likelihoods(log_p, []).shape == (0,)


@given(small_fields())
@settings(max_examples=50, deadline=None)
def test_a_cell_of_the_table_has_all_beginnings_that_end_in_its_state(log_p: Floats) -> None:
    states = np.array([BLANK, *([0, BLANK] if log_p.shape[1] > 1 else [])])
    table = np.exp(forward_table(log_p, states))
    for t in range(1, len(log_p) + 1):
        ends: dict[tuple[Text, bool], float] = {}
        for path, p in paths(log_p[:t]).items():
            key = (collapse(path), path[-1] == BLANK)
            ends[key] = ends.get(key, 0.0) + p
        sums = [ends.get(key, 0.0) for key in [((), True), ((0,), False), ((0,), True)]]
        assert table[t, 2:] == pytest.approx(sums[: len(states)], abs=1e-12)


# ----------------------------------------------------------------------------- best_texts


@given(small_fields(sharpest=2.0, impossible=False))
@settings(max_examples=100, deadline=None)
def test_a_wide_beam_finds_the_most_probable_texts_in_their_order(log_p: Floats) -> None:
    # A text of fewer than ten faint classes' probability may be missed.
    true = sorted(enumerated(log_p).values(), reverse=True)[:5]
    found = best_texts(log_p, count=5, width=WIDE)
    assert np.exp([log for _, log in found]) == pytest.approx(true[: len(found)])
    assert sum(true[len(found) :]) < 10 * ctc.FAINT * true[0]


@given(small_fields())
@settings(max_examples=100, deadline=None)
def test_every_text_that_is_found_has_its_exact_probability(log_p: Floats) -> None:
    sums = enumerated(log_p)
    found = best_texts(log_p)
    assert 1 <= len(found) <= 5
    assert len({text for text, _ in found}) == len(found)
    for text, log in found:
        assert np.exp(log) == pytest.approx(sums[text])
    assert [log for _, log in found] == sorted((log for _, log in found), reverse=True)


def test_a_usual_beam_finds_the_texts_of_a_wide_one_in_typical_fields() -> None:
    rng = np.random.default_rng(18)
    for _ in range(20):
        log_p = typical_field(rng)
        usual, wide = best_texts(log_p), best_texts(log_p, width=WIDE)
        assert usual[:3] == wide[:3]
        assert [log for _, log in usual] == pytest.approx([log for _, log in wide], abs=0.1)


def test_the_columns_that_a_beam_skips_change_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(19)
    fields = [typical_field(rng) for _ in range(10)]
    skipping = [best_texts(log_p, count=2) for log_p in fields]
    monkeypatch.setattr(ctc, "FAINT", 1e-9)
    assert [best_texts(log_p, count=2, width=100) for log_p in fields] == skipping


def test_a_column_that_the_beam_skips_still_separates_repeats() -> None:
    sure = 1 - 1e-9
    log_p = np.log([[sure, 1 - sure], [1 - sure, sure], [sure, 1 - sure]])
    assert [text for text, _ in best_texts(log_p)] == [(0, 0)]
    assert [text for text, _ in best_texts(log_p[::2])] == [(0,)]


def test_the_best_text_need_not_be_that_of_the_best_path() -> None:
    log_p = np.log([[0.4, 0.6], [0.4, 0.6]])
    assert collapse(log_p.argmax(axis=1), blank=1) == ()
    (best, log), *_ = best_texts(log_p)
    assert best == (0,)
    assert np.exp(log) == pytest.approx(0.64)


def test_as_many_texts_are_found_as_are_asked_for_however_narrow_the_beam() -> None:
    log_p = log_softmax(np.random.default_rng(4).normal(size=(6, 4)))
    assert len(best_texts(log_p, count=1)) == 1
    assert len(best_texts(log_p, count=20, width=1)) == 20


def test_a_beam_finds_the_best_text_through_over_a_thousand_doubtful_columns() -> None:
    with np.errstate(all="raise"):
        (best, _), *_ = best_texts(np.log(np.full((1100, 2), 0.5)))
    # n zeros have 2n places where their runs begin or end: of 1,101 to choose from.
    assert best == (0,) * 275


# ----------------------------------------------------------------------------- align


def spans_of(path: Sequence[int]) -> list[tuple[int, int]]:
    """Name the runs of a path that are characters: first column, and one past the last."""
    ends = itertools.accumulate(len(list(run)) for _, run in itertools.groupby(path))
    runs = [(kind, len(list(run))) for kind, run in itertools.groupby(path)]
    return [
        (end - length, end) for (kind, length), end in zip(runs, ends, strict=True) if kind != BLANK
    ]


@given(small_fields(impossible=False))
@settings(max_examples=50, deadline=None)
def test_the_alignment_is_that_of_the_text_s_most_probable_path(log_p: Floats) -> None:
    every = paths(log_p)
    best: dict[Text, tuple[float, Text]] = {}
    for path, p in every.items():
        if p > best.get(collapse(path), (0.0,))[0]:
            best[collapse(path)] = (p, path)
    for text, (p, path) in best.items():
        spans = align(log_p, text)
        same = [BLANK] * len(log_p)
        for kind, (start, stop) in zip(text, spans, strict=True):
            same[start:stop] = [kind] * (stop - start)
        assert collapse(same) == text
        assert every[tuple(same)] == pytest.approx(p)
        if len({round(value, 9) for value in log_p.ravel().tolist()}) == log_p.size:
            assert spans == spans_of(path)


def test_fields_of_several_widths_give_together_what_each_gives_alone() -> None:
    rng = np.random.default_rng(0)
    columns = [random_columns(rng, length) for length in (3, 9, 1, 6)]
    together = best_texts_of(columns, count=3)
    assert [[text for text, _ in texts] for texts in together] == [
        [text for text, _ in best_texts(log_p, count=3)] for log_p in columns
    ]
    for texts, log_p in zip(together, columns, strict=True):
        for text, score in texts:
            assert score == pytest.approx(log_likelihood(log_p, text))
    best = [texts[0][0] for texts in together]
    alone = [align(log_p, text) for log_p, text in zip(columns, best, strict=True)]
    assert align_all(columns, best) == alone


def test_a_wide_field_makes_no_table_larger_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def noted(columns: Sequence[Floats]) -> Floats:
        sizes.append({len(log_p) for log_p in columns})
        return side_by_side(columns)

    monkeypatch.setattr(ctc, "MOST_TOGETHER", 40)
    monkeypatch.setattr(ctc, "side_by_side", noted)
    rng = np.random.default_rng(0)
    columns = [random_columns(rng, length) for length in (9, 39, 8, 9)]
    found = best_texts_of(columns, count=2)
    assert sizes == [{8, 9}, {39}]
    assert [texts[0][0] for texts in found] == [
        best_texts(log_p, count=2)[0][0] for log_p in columns
    ]
    spans = align_all(columns, [texts[0][0] for texts in found])
    assert spans == [align(log_p, texts[0][0]) for log_p, texts in zip(columns, found, strict=True)]


def random_columns(rng: np.random.Generator, length: int) -> Floats:
    return np.asarray(np.log(rng.dirichlet([0.4] * 4, length)))


def test_columns_for_more_or_fewer_texts_are_refused() -> None:
    columns = side_by_side([random_columns(np.random.default_rng(0), 4)] * 2)
    with pytest.raises(ValueError, match="has columns for 2 texts, not for 1"):
        log_likelihoods(columns, [(0,)])
    assert side_by_side([]).shape == (0, 0, 1)
    assert best_texts_of([]) == []


def test_repeated_characters_get_columns_of_their_own() -> None:
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])
    assert align(np.log(p), [0, 0]) == [(0, 2), (3, 4)]


def test_a_text_without_a_path_can_not_be_aligned() -> None:
    with pytest.raises(ValueError, match=r"no path through 2 columns reads \(0, 0\)"):
        align(np.log(np.full((2, 2), 0.5)), [0, 0])


# ----------------------------------------------------------------------------- merge_into_blank


@given(small_fields(), st.data())
@settings(max_examples=100, deadline=None)
def test_merged_marks_give_the_probability_of_the_digits_whatever_the_marks(
    log_p: Floats, data: st.DataObject
) -> None:
    keep = data.draw(st.integers(0, log_p.shape[1] - 1))
    digits: dict[Text, float] = {}
    for text, p in enumerated(log_p).items():
        alone = tuple(kind for kind in text if kind < keep)
        digits[alone] = digits.get(alone, 0.0) + p
    merged = merge_into_blank(log_p, keep)
    assert merged.shape == (len(log_p), keep + 1)
    assert enumerated(merged) == pytest.approx(digits, abs=1e-12)


def test_without_marks_nothing_is_merged() -> None:
    log_p = log_softmax(np.random.default_rng(5).normal(size=(4, 11)))
    assert merge_into_blank(log_p, 10) == pytest.approx(log_p)


# ----------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("log_p", "cause"),
    [
        (np.zeros(3), r"must have the shape \(T, K\) or \(T, n, K\)"),
        (np.zeros((3, 0)), r"must have the shape \(T, K\) or \(T, n, K\)"),
        (np.array([[0.0, np.nan]]), "has NaN"),
        (np.array([[0.0, np.inf]]), "inf"),
        (np.full((2, 3), -np.inf), "-inf throughout"),
    ],
)
def test_what_are_no_log_probabilities_is_named(log_p: Floats, cause: str) -> None:
    for use in (
        lambda: log_likelihood(log_p, []),
        lambda: best_texts(log_p),
        lambda: align(log_p, []),
        lambda: merge_into_blank(log_p, 1),
    ):
        with pytest.raises(ValueError, match=cause):
            use()


@pytest.mark.parametrize("text", [[2], [-1], [0, 7]])
def test_a_text_with_a_class_that_is_none_of_the_characters_is_named(text: list[int]) -> None:
    log_p = np.log(np.full((4, 3), 1 / 3))
    for use in (log_likelihood, align):
        with pytest.raises(ValueError, match="classes from 0 to 1"):
            use(log_p, text)


def test_a_beam_without_room_and_a_blank_that_would_be_kept_are_named() -> None:
    log_p = np.log(np.full((4, 3), 1 / 3))
    with pytest.raises(ValueError, match="must be 1 or more; not 0 and 16"):
        best_texts(log_p, count=0)
    with pytest.raises(ValueError, match="not 5 and 0"):
        best_texts(log_p, width=0)
    for keep in (-1, 3):
        with pytest.raises(ValueError, match="keep must be 0 to 2"):
            merge_into_blank(log_p, keep)
