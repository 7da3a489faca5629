"""The search finds the best of all ways to divide a field into candidates."""

from collections.abc import Iterator
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonlib.checks import JUNK, MARK, best_path
from lessonlib.checks.candidates import CANDIDATE_CLASSES, Candidates

Floats = npt.NDArray[np.float64]


@st.composite
def lattices(draw: st.DrawFn) -> tuple[Candidates, Floats, int]:
    """Draw some primitives, candidates of up to four of them, and log probabilities."""
    primitives = draw(st.integers(1, 7))
    candidates = [
        (start, stop)
        for stop in range(1, primitives + 1)
        for start in range(stop - 1, max(-1, stop - 5), -1)
        if start == stop - 1 or draw(st.booleans())
    ]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = draw(st.sampled_from([0.0, 1.0, 5.0, 200.0])) * rng.normal(
        size=(len(candidates), CANDIDATE_CLASSES)
    )
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
