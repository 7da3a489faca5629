"""The reader: an image of a field goes in, what it says comes out, by any of the ways to read."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from lessonlib.checks.cutting import DEFAULT_CALIBRATION, Cutting
from lessonlib.checks.ensemble import Ensemble
from lessonlib.checks.image import Gray, Source, gray_levels
from lessonlib.checks.lines import Lines
from lessonlib.checks.readings import Reading
from lessonlib.recipes import CUTTERS, DEFAULT_READER, ENSEMBLE_CUTTER, LINE, READER_NAMES

if TYPE_CHECKING:
    from torch import nn

BATCH_SIZE = 64  # fields read together: enough for a quick network, and little to hold in memory


class Way(Protocol):
    """A way to read: what can be done to one image without the network, and then the rest."""

    def prepare(self, gray: Gray) -> Any:
        """Take an image through all steps before the network."""

    def read(self, fields: Sequence[Any], min_confidence: float = 0.0) -> list[Reading]:
        """Read prepared images together."""


class CheckReader:
    """Reads the amount in an image of a check's amount field.

    Parameters
    ----------
    model : str or nn.Module
        A reader that ships, by its name in `lessonlib.recipes.READER_NAMES`: "mlp" and "cnn" cut
        the ink up and read each candidate, "line" reads the line whole, and "ensemble" asks both
        "cnn" and "line". For another name there is a ValueError. Or give a network of your own:
        standardised pictures (n, 2, 28, 28) in, logits (n, 12) out, as
        ``lessonlib.models.MLP(pictures=2, classes=12)``. Where a candidate leaves doubt, the
        shipped ones see it at other sizes, too (see `classify`); yours does not.

    Examples
    --------
    >>> from lessonlib import data_path
    >>> reader = CheckReader()
    >>> reading = reader.read(data_path("checks", "images", "check-02.png"), min_confidence=0.5)
    >>> reading.text, reading.amount, reading.accepted
    ('3129', Decimal('31.29'), True)
    >>> [digit.value for digit in reading.digits]
    [3, 1, 2, 9]
    """

    def __init__(self, model: "str | nn.Module" = DEFAULT_READER) -> None:
        self.way: Way = shipped_way(model) if isinstance(model, str) else own_way(model)

    def read(self, image: Source, min_confidence: float = 0.0) -> Reading:
        """Read one field.

        Parameters
        ----------
        image : path, or uint8 array of shape (H, W) or (H, W, 3)
            Dark ink on lighter paper, cut out around the amount. For anything but an image there is
            an OSError or a ValueError, as `load_image` and `as_gray` raise them.
        min_confidence : float
            In [0, 1]: a reading that is less sure is not `accepted`.
        """
        return self.read_many([image], min_confidence)[0]

    def read_many(self, images: Iterable[Source], min_confidence: float = 0.0) -> list[Reading]:
        """Read many fields, the candidates of some dozens in one pass of the network.

        The readings come in the order of the images, and are those of `read`, up to rounding.
        """
        return list(self.read_iter(images, min_confidence))

    def read_iter(self, images: Iterable[Source], min_confidence: float = 0.0) -> Iterator[Reading]:
        """Read as `read_many` does, but hand over each batch's readings before the next one's.

        A stream may be endless. While a batch is read the next one is prepared, so two batches of
        images are taken before the first reading comes.
        """
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence must lie in [0, 1], not {min_confidence}")
        for fields in fields_in_batches(self.way, images):
            yield from self.way.read(fields, min_confidence)


def shipped_way(name: str) -> Way:
    """Load a way to read that ships, by its name."""
    if name not in READER_NAMES:
        raise ValueError(f"model must be one of {', '.join(READER_NAMES)}; not {name!r}")
    if name in CUTTERS:
        return shipped_cutting(name)
    model, record = shipped_network(LINE)
    lines = Lines(model, record["calibration"])
    if name == LINE:
        return lines
    return Ensemble(shipped_cutting(ENSEMBLE_CUTTER), lines, record["ensemble"])


def shipped_cutting(name: str) -> Cutting:
    """Load a way to read that cuts the ink up."""
    model, record = shipped_network(name)
    return Cutting(model, record["calibration"], CUTTERS[name].sizes)


def shipped_network(name: str) -> "tuple[nn.Module, dict[str, Any]]":
    """Load a reader's network, its batch normalisation folded away, and how it was trained."""
    from lessonlib import compress, weights  # import torch: seconds, so only here

    path = weights.shipped_path(f"reader-{name}")
    return compress.fold_batch_norm(weights.load(path)), weights.read_record(path)


def own_way(model: "nn.Module") -> Way:
    """Make a way to read with a network that doesn't ship."""
    return Cutting(model, DEFAULT_CALIBRATION)


def fields_in_batches(way: Way, images: Iterable[Source]) -> Iterator[list[Any]]:
    """Prepare `BATCH_SIZE` images after the other; the last batch may be smaller.

    A second thread does it, a batch ahead, while the first one reads.
    """
    left = iter(images)

    def start_next_batch() -> Future[list[Any]]:
        return second_thread.submit(prepare_all, way, list(islice(left, BATCH_SIZE)))

    with ThreadPoolExecutor(max_workers=1) as second_thread:
        coming = start_next_batch()
        while fields := coming.result():
            try:
                coming = start_next_batch()
            except Exception:  # the source of the images failed: what is found is not lost
                yield fields
                raise
            yield fields


def prepare_all(way: Way, images: Iterable[Source]) -> list[Any]:
    """Take a batch of images through all steps before the network."""
    return [way.prepare(gray_levels(image)) for image in images]
