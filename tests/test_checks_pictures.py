"""The network is shown a digit as MNIST has digits, and each candidate in its place, too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lessonlib.checks import cut_up, normalize, pictures, runs
from lessonlib.checks.pictures import in_context, text_middle
from tests.drawn import Ink, any_ink, rings, strip_of, strokes

# ---------------------------------------------------------------- normalize


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=60)))
@settings(max_examples=300, deadline=None)
def test_a_normalised_digit_is_whole_and_centred(ink: np.ndarray) -> None:
    frame = normalize(ink)
    assert frame.shape == (28, 28)
    assert frame.dtype == np.uint8
    if not ink.any():
        assert not frame.any()
        return
    rows, columns = np.flatnonzero(frame.any(axis=1)), np.flatnonzero(frame.any(axis=0))
    sides = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert max(sides) == 20  # nothing was pushed out of the frame
    grid = np.arange(28)
    for profile, ends in ((frame.sum(1), rows), (frame.sum(0), columns)):
        at_the_edge = ends[0] == 0 or ends[-1] == 27
        centre = np.average(grid, weights=profile.astype(float))
        assert at_the_edge or abs(centre - 13.5) <= 0.51


def test_edges_are_anti_aliased() -> None:
    frame = normalize(strokes(((10, 10), (60, 90)), shape=(100, 70)))
    assert ((frame > 0) & (frame < 255)).sum() > 10


@given(st.integers(2, 6))
@settings(max_examples=5, deadline=None)
def test_a_digit_written_larger_is_the_same_digit(factor: int) -> None:
    small = rings(40)[:, :80]
    large = small.repeat(factor, axis=0).repeat(factor, axis=1)
    difference = normalize(small).astype(int) - normalize(large)
    assert np.abs(difference).max() <= 2


def test_paper_around_a_digit_does_not_matter() -> None:
    ink = rings(40)[:, :80]
    np.testing.assert_array_equal(normalize(ink), normalize(np.pad(ink, ((3, 40), (20, 1)))))


@pytest.mark.parametrize("bad", [np.zeros((5, 5)), np.zeros((5, 5, 3), bool), np.zeros(5, bool)])
def test_an_array_that_is_not_an_ink_mask_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="bool array"):
        normalize(bad)


# ---------------------------------------------------------------- pictures


def test_the_first_picture_is_the_candidate_alone_as_mnist_has_digits() -> None:
    strip = strip_of((10, 20, 40, 50), (52, 20, 40, 50))
    (first, _), *_ = pictures(strip, np.array([[0, 1]]))
    rows, columns = np.flatnonzero(first.any(axis=1)), np.flatnonzero(first.any(axis=0))
    assert (len(rows), len(columns)) == (20, 16)
    assert (rows[0], columns[0]) == (4, 6)
    assert first.max() == 255


def test_the_second_picture_has_the_candidate_bright_in_the_middle_and_others_dim() -> None:
    strip = strip_of((100, 20, 20, 50), (124, 20, 20, 50))
    windows = in_context(strip, np.array([[0, 1], [1, 2], [0, 2]]), np.array(
        [[100, 20, 20, 50], [124, 20, 20, 50], [100, 20, 44, 50]]
    ))  # fmt: skip
    left, right, both = windows
    assert left[14, 14] >= 254
    assert left[14, 20] in range(120, 131)
    assert right[14, 14] >= 254
    assert right[14, 8] in range(120, 131)
    assert both[14, [10, 17]].min() >= 254
    assert not both[14, [0, 27]].any()


def test_the_second_picture_shows_size_and_place() -> None:
    strip = strip_of((60, 20, 30, 50), (120, 62, 8, 8), (200, 20, 30, 50))
    _, dot, _ = pictures(strip, np.array([[0, 1], [1, 2], [2, 3]]))[:, 1]
    own = dot > 200
    rows = np.flatnonzero(own.any(axis=1))
    assert 1 <= own.sum() <= 12
    assert rows.min() > 16  # below the middle of the digits
    first_dot = pictures(strip, np.array([[1, 2]]))[0, 0]
    assert (first_dot > 200).sum() >= 300  # while the first picture shows it as large as a digit


@given(any_ink)
@settings(deadline=None)
def test_every_candidate_has_two_pictures_with_ink(ink: Ink) -> None:
    strip = cut_up(ink)
    candidates = runs(strip)
    squares = pictures(strip, candidates)
    assert squares.shape == (len(candidates), 2, 28, 28)
    assert squares.dtype == np.uint8
    assert squares[:, 0].any(axis=(1, 2)).all()


def test_the_middle_of_the_text_is_that_of_the_digits_and_not_of_marks() -> None:
    dots = [(150 + 20 * i, 66, 6, 6) for i in range(5)]
    assert text_middle(strip_of((60, 20, 30, 50), (100, 20, 30, 50), *dots)) == 45
    assert text_middle(strip_of((60, 70, 6, 6))) == 73
