"""While a field is read torch computes in one thread, and afterwards in as many as before."""

from collections.abc import Iterator
from threading import Event, Thread

import pytest
import torch

from lessonlib.checks.threads import one_thread


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    """Let torch use three threads in a test."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_torch_computes_in_one_thread_for_a_while() -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_an_error_leaves_the_number_of_threads_as_it_was() -> None:
    with pytest.raises(RuntimeError), one_thread():
        raise RuntimeError
    assert torch.get_num_threads() == 3
    with one_thread():  # the lock is free again
        assert torch.get_num_threads() == 1


def test_two_at_once_take_turns() -> None:
    inside, leave = Event(), Event()

    def compute_for_a_while() -> None:
        with one_thread():
            inside.set()
            leave.wait()

    other = Thread(target=compute_for_a_while)
    try:
        with one_thread():
            other.start()
            assert not inside.wait(0.2)
        assert inside.wait(10)
    finally:
        leave.set()
        other.join()
    assert torch.get_num_threads() == 3
