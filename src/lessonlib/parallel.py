"""One training by several processes, each with its share of every batch (data parallel).

``torchrun --nproc-per-node=2 -m lessonlib train`` starts the processes and gives each of them a
number, its rank. All hold the whole set and the same network. `torch`'s DistributedDataParallel
averages their gradients at each step, so that all take the same step. A process on its own has
rank 0 and the whole of every batch: nothing here changes anything for it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

_groups = count()  # each process counts the groups it joined, and all come to the same number


@contextmanager
def processes() -> Iterator[None]:
    """Join the processes that torchrun started with this one; without torchrun, do nothing.

    Those on CPUs exchange their gradients with gloo, those on NVIDIA GPUs, one for each, with NCCL.

    Raises
    ------
    OSError
        When there are more processes than GPUs, or the exchange fails, as it does where another
        process was killed.
    """
    if not (dist.is_available() and dist.is_torchelastic_launched()):
        yield
        return
    if torch.cuda.is_available():
        take_gpu(int(os.environ["LOCAL_RANK"]), torch.cuda.device_count())
    join()
    try:
        yield
    except RuntimeError as error:
        raise ConnectionError(
            f"process {rank()} of {size()} can't go on ({str(error).splitlines()[0]}). If another "
            "one ended first, torchrun reports why. Nothing was written: start again"
        ) from error
    dist.destroy_process_group()  # after an error, it would wait for one that may be gone


def join() -> None:
    """Meet the other processes through torchrun's store, where each leaves its address.

    The store outlives a group. Without a prefix of its own, a second group would read the
    addresses of the first, and wait for processes that no longer listen there.
    """
    store, process, processes = next(rendezvous("env://"))
    own = PrefixStore(f"group {next(_groups)}", store)
    dist.init_process_group(store=own, rank=process, world_size=processes)


def take_gpu(local_rank: int, gpus: int) -> None:
    """Make one GPU of this machine the process's own: it is what "cuda" means from now on."""
    if local_rank >= gpus:
        raise OSError(
            f"there are {gpus} GPUs here, and NCCL takes one process for each: give torchrun "
            f"--nproc-per-node={gpus}, or hide the GPUs with CUDA_VISIBLE_DEVICES="
        )
    torch.cuda.set_device(local_rank)


def joined() -> bool:
    """Tell whether this process trains together with others."""
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if joined() else 0


def size() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if joined() else 1


def together(model: nn.Module) -> nn.Module:
    """Wrap a network so that each backward pass leaves the mean of all processes' gradients.

    The wrapper has the parameters of the network itself, so training it trains the network.
    """
    return DistributedDataParallel(model) if joined() else model


def share(batches: Tensor) -> Tensor:
    """Take this process's part of each of m batches of n images, whose numbers are (m, n).

    The parts are equal, so `size` must divide n.
    """
    return batches[:, rank() :: size()]


def mean(*values: float) -> tuple[float, ...]:
    """Return the mean of all processes' values, for each of some."""
    if not joined():
        return values
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    total = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(total)
    return tuple((total / size()).tolist())
