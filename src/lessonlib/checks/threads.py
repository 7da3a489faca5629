"""How many threads torch computes in while a field is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

THREADS_LOCK = Lock()  # held while torch's number of threads is changed


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread for a while.

    Its threads wait for each other after every layer. On parts as small as ours that gains little,
    and it loses much where another program keeps one of the cores busy. The second core finds
    candidates meanwhile. The number of threads is the whole process's, so readers in several
    threads of a program take turns.
    """
    import torch

    with THREADS_LOCK:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
