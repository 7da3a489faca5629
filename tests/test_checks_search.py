"""The search finds the best of all ways to divide a field into candidates, and the best texts."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from operator import getitem
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonlib.checks import JUNK, MARK, best_path
from lessonlib.checks.candidates import CANDIDATE_CLASSES, Candidates
from lessonlib.checks.search import CandidatePath, best_texts
from tests.rows import each

Floats = npt.NDArray[np.float64]


@st.composite
def lattices(
    draw: st.DrawFn, most: int = 7, scales: Sequence[float] = (0.0, 1.0, 5.0, 200.0)
) -> tuple[Candidates, Floats, int]:
    """Draw some primitives, candidates of up to four of them, and log probabilities."""
    primitives = draw(st.integers(1, most))
    candidates = [
        (start, stop)
        for stop in range(1, primitives + 1)
        for start in range(stop - 1, max(-1, stop - 5), -1)
        if start == stop - 1 or draw(st.booleans())
    ]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = draw(st.sampled_from(scales)) * rng.normal(size=(len(candidates), CANDIDATE_CLASSES))
    return np.array(candidates, dtype=np.int64), log_softmax(logits), primitives


def log_softmax(logits: Floats) -> Floats:
    log_p: Floats = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return log_p


def segmentations(candidates: Candidates, primitives: int) -> Iterator[list[int]]:
    """List every way to cover the primitives, as numbers of candidates from left to right."""

    def ways(start: int) -> Iterator[list[int]]:
        if start == primitives:
            yield []
        for number, (first, stop) in enumerate(candidates.tolist()):
            if first == start:
                yield from ([number, *rest] for rest in ways(stop))

    return ways(0)


@given(lattices())
@settings(max_examples=300, deadline=None)
def test_the_best_of_all_paths_is_found(lattice: tuple[Candidates, Floats, int]) -> None:
    candidates, log_p, primitives = lattice
    own = log_p[:, : MARK + 1].max(axis=1)  # a digit or a mark, whichever is more probable
    best = max(own[way].sum() for way in segmentations(candidates, primitives))
    path = best_path(candidates, log_p, primitives)
    assert path.score == pytest.approx(best, abs=1e-9)
    assert path.score == pytest.approx(sum(log_p[step] for step in path.steps), abs=1e-9)


@given(lattices())
@settings(max_examples=300, deadline=None)
def test_the_share_is_the_best_path_s_part_of_the_sum_over_all_paths_and_classes(
    lattice: tuple[Candidates, Floats, int],
) -> None:
    candidates, log_p, primitives = lattice
    own = np.logaddexp.reduce(log_p[:, : MARK + 1], axis=1)
    sums = [own[way].sum() for way in segmentations(candidates, primitives)]
    path = best_path(candidates, log_p, primitives)
    assert path.share == pytest.approx(path.score - np.logaddexp.reduce(sums), abs=1e-9)
    assert path.share <= 0


@given(lattices())
def test_the_steps_cover_every_primitive_once_from_left_to_right(
    lattice: tuple[Candidates, Floats, int],
) -> None:
    candidates, log_p, primitives = lattice
    path = best_path(candidates, log_p, primitives)
    covered = [p for number, _ in path.steps for p in range(*candidates[number].tolist())]
    assert covered == list(range(primitives))


@given(lattices())
def test_each_step_takes_its_candidate_s_best_class_but_never_junk(
    lattice: tuple[Candidates, Floats, int],
) -> None:
    candidates, log_p, primitives = lattice
    for number, kind in best_path(candidates, log_p, primitives).steps:
        assert kind == log_p[number, : MARK + 1].argmax()


@given(lattices(), st.randoms())
def test_the_order_of_the_candidates_does_not_matter(
    lattice: tuple[Candidates, Floats, int], random: Random
) -> None:
    candidates, log_p, primitives = lattice
    order = list(range(len(candidates)))
    random.shuffle(order)
    path = best_path(candidates, log_p, primitives)
    shuffled = best_path(candidates[order], log_p[order], primitives)
    assert (shuffled.score, shuffled.share) == pytest.approx((path.score, path.share), abs=1e-9)


def test_junk_is_never_chosen_however_probable() -> None:
    logits = np.zeros((1, CANDIDATE_CLASSES))
    logits[0, JUNK], logits[0, 4] = 30, 1
    path = best_path(np.array([[0, 1]]), log_softmax(logits), 1)
    assert path.steps == ((0, 4),)
    assert path.score < -20


def test_a_join_of_two_halves_beats_two_halves_that_look_like_junk() -> None:
    candidates = np.array([[0, 1], [1, 2], [0, 2]])
    logits = np.zeros((3, CANDIDATE_CLASSES))
    logits[0, JUNK] = logits[1, JUNK] = logits[2, 8] = 10
    assert best_path(candidates, log_softmax(logits), 2).steps == ((2, 8),)


def test_two_digits_beat_their_join_that_looks_like_junk() -> None:
    candidates = np.array([[0, 1], [1, 2], [0, 2]])
    logits = np.zeros((3, CANDIDATE_CLASSES))
    logits[0, 3] = logits[1, MARK] = logits[2, JUNK] = 10
    path = best_path(candidates, log_softmax(logits), 2)
    assert path.steps == ((0, 3), (1, MARK))
    assert path.share > -0.01  # hardly any doubt


def test_a_field_without_primitives_has_an_empty_path() -> None:
    path = best_path(np.zeros((0, 2), np.int64), np.zeros((0, CANDIDATE_CLASSES)), 0)
    assert (path.steps, path.score, path.share) == ((), 0, 0)


def test_a_long_field_is_searched_without_listing_all_paths() -> None:
    primitives = 400  # more ways than there are atoms
    candidates = np.array(
        [(a, b) for b in range(1, primitives + 1) for a in range(b - 1, max(-1, b - 5), -1)]
    )
    log_p = log_softmax(np.random.default_rng(0).normal(size=(len(candidates), CANDIDATE_CLASSES)))
    path = best_path(candidates, log_p, primitives)
    assert path.steps
    assert np.isfinite([path.score, path.share]).all()


def shares_of_all_texts(candidates: Candidates, log_p: Floats, primitives: int) -> dict[str, float]:
    """List every way through a field, with every class, and add up those with the same digits."""
    p = np.exp(log_p)
    sums: dict[str, float] = {}
    for way in segmentations(candidates, primitives):
        rows = p[way].tolist()
        for kinds in product(range(MARK + 1), repeat=len(way)):
            text = "".join(str(kind) for kind in kinds if kind != MARK)
            sums[text] = sums.get(text, 0.0) + prod(map(getitem, rows, kinds))
    every = sum(sums.values())
    return {text: own / every for text, own in sums.items()}


@given(lattices(most=3))
@settings(max_examples=50, deadline=None)
def test_a_text_s_share_is_the_sum_over_its_ways_however_narrow_the_beam(
    lattice: tuple[Candidates, Floats, int],
) -> None:
    shares = shares_of_all_texts(*lattice)
    for width in (1, 4):
        for text, share in best_texts(*lattice, count=4, width=width):
            assert np.exp(share) == pytest.approx(shares[text], rel=1e-9, abs=1e-300)
            assert share <= 0


@given(lattices(most=3, scales=(0.0, 1.0)))
@settings(max_examples=50, deadline=None)
def test_a_wide_beam_finds_the_most_probable_texts_in_order(
    lattice: tuple[Candidates, Floats, int],
) -> None:
    best = sorted(shares_of_all_texts(*lattice).values(), reverse=True)[:20]
    found = best_texts(*lattice, count=20, width=5000)
    assert len({text for text, _ in found}) == len(best)
    assert np.exp([share for _, share in found]) == pytest.approx(best, rel=1e-9)


@given(lattices())
@settings(max_examples=300, deadline=None)
def test_a_best_path_with_most_of_the_share_has_the_first_text(
    lattice: tuple[Candidates, Floats, int],
) -> None:
    path = best_path(*lattice)
    text, share = best_texts(*lattice, count=1)[0]
    if path.share > np.log(0.5):
        assert text == digits_of_path(path)
        assert share >= path.share - 1e-9


@given(lattices(scales=(5.0, 200.0)))
@settings(max_examples=300, deadline=None)
def test_the_best_path_s_text_is_among_the_first(
    lattice: tuple[Candidates, Floats, int],
) -> None:
    path = best_path(*lattice)
    found = dict(best_texts(*lattice, count=100, width=100))
    assert found[digits_of_path(path)] >= path.share - 1e-9


def digits_of_path(path: CandidatePath) -> str:
    return "".join(str(kind) for _, kind in path.steps if kind != MARK)


@given(lattices(), st.integers(1, 6))
def test_there_are_as_many_texts_as_asked_for_and_the_first_do_not_change(
    lattice: tuple[Candidates, Floats, int], count: int
) -> None:
    six = best_texts(*lattice, count=6)
    assert best_texts(*lattice, count=count) == six[:count]
    assert 1 <= len(six) <= 6


def test_ways_with_other_marks_and_other_cuts_count_together() -> None:
    candidates = np.array([[0, 1], [1, 2], [0, 2]])
    p = np.full((3, CANDIDATE_CLASSES), 1e-9)
    p[0, 1] = p[0, MARK] = p[1, 1] = p[1, MARK] = 0.4  # "1" and a mark, in either order
    p[2, 1], p[2, 7] = 0.1, 0.35
    (first, share), *_ = best_texts(candidates, np.log(p), 2)
    assert digits_of_path(best_path(candidates, np.log(p), 2)) == "7"  # the best single way
    assert first == "1"
    assert np.exp(share) == pytest.approx(0.42 / (4 * 0.16 + 0.45), abs=1e-6)


def test_a_beginning_that_is_dropped_still_counts_in_a_text_s_share() -> None:
    candidates = np.array([[0, 1], [1, 2], [0, 2]])
    p = np.full((3, CANDIDATE_CLASSES), 1e-9)
    p[0, 2], p[0, 3], p[1, 4], p[2, 3] = 0.6, 0.3, 0.3, 0.7
    p[1, MARK] = 0.5  # "3" is the whole, or a part that a beam of one text drops, and a mark
    found = dict(best_texts(candidates, np.log(p), 2, count=1, width=1))
    assert np.exp(found["3"]) == pytest.approx(0.85 / (0.9 * 0.8 + 0.7), abs=1e-6)


def test_texts_of_equal_shares_come_in_the_order_of_their_digits() -> None:
    log_p = np.full((1, CANDIDATE_CLASSES), -np.log(CANDIDATE_CLASSES))
    found = best_texts(np.array([[0, 1]]), log_p, 1, count=11)
    assert [text for text, _ in found] == ["", *"0123456789"]
    assert [share for _, share in found] == pytest.approx([-np.log(11)] * 11)


def test_no_text_is_left_out_because_all_looks_like_junk() -> None:
    logits = np.zeros((2, CANDIDATE_CLASSES))
    logits[:, JUNK], logits[:, 4] = 60, 5
    (text, share), *_ = best_texts(np.array([[0, 1], [1, 2]]), log_softmax(logits), 2)
    assert text == "44"
    assert share > -0.2


def test_a_field_without_primitives_has_the_empty_text_alone() -> None:
    none = np.zeros((0, 2), np.int64), np.zeros((0, CANDIDATE_CLASSES))
    assert best_texts(*none, 0) == [("", 0.0)]


@given(lattices(), st.randoms())
def test_the_order_of_the_candidates_does_not_matter_to_the_texts(
    lattice: tuple[Candidates, Floats, int], random: Random
) -> None:
    candidates, log_p, primitives = lattice
    order = list(range(len(candidates)))
    random.shuffle(order)
    found = best_texts(candidates, log_p, primitives, count=1)
    shuffled = best_texts(candidates[order], log_p[order], primitives, count=1)
    assert [share for _, share in shuffled] == pytest.approx([share for _, share in found])


def test_a_long_field_has_texts_whose_shares_are_far_below_the_smallest_number() -> None:
    primitives = 450
    candidates = np.array([(end - 1, end) for end in range(1, primitives + 1)])
    log_p = np.full((primitives, CANDIDATE_CLASSES), -np.log(CANDIDATE_CLASSES))
    log_p[:, 3] += 0.1  # hardly better than the others
    (text, share), *_ = best_texts(candidates, log_p, primitives)
    assert text.strip("3") == ""
    assert best_path(candidates, log_p, primitives).share - 1e-6 <= share
    assert share <= -745  # np.exp gives 0 for that


@each(
    [
        ({"count": 0}, "count and width must be 1 or more; not 0 and 8"),
        ({"count": -1}, "count and width must be 1 or more; not -1 and 8"),
        ({"width": 0}, "count and width must be 1 or more; not 5 and 0"),
    ]
)
def test_a_search_for_no_texts_is_refused(row: tuple[dict[str, int], str]) -> None:
    sizes, message = row
    with pytest.raises(ValueError, match=message):
        best_texts(np.array([[0, 1]]), np.zeros((1, CANDIDATE_CLASSES)), 1, **sizes)


@each([np.nan, np.inf, -np.inf])
def test_log_probabilities_that_are_not_finite_are_refused(value: float) -> None:
    log_p = np.zeros((1, CANDIDATE_CLASSES))
    log_p[0, 3] = value
    with pytest.raises(ValueError, match="log_p must be finite"):
        best_texts(np.array([[0, 1]]), log_p, 1)
