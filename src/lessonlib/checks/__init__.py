"""Reading the amount on a check: from an image of the field to its digits.

    file -> load_image -> resample -> binarize -> cut_up -> runs -> pictures -> classify
         -> best_path -> make_reading -> Reading

`CheckReader` takes all of these steps. `segment` is the simpler way that decides by rules.
"""

from importlib import import_module
from typing import Any

from lessonlib.checks.amount import find_amount
from lessonlib.checks.binarize import binarize, otsu_threshold, sauvola_threshold, stretch_contrast
from lessonlib.checks.candidates import JUNK, MARK, Strip, cut_up, runs
from lessonlib.checks.cutting import classify, find_candidates, make_reading
from lessonlib.checks.image import as_gray, load_image, resample
from lessonlib.checks.pictures import normalize, pictures
from lessonlib.checks.pieces import Piece, remove_lines
from lessonlib.checks.reader import CheckReader
from lessonlib.checks.readings import Digit, Reading
from lessonlib.checks.rules import segment
from lessonlib.checks.search import best_path

__all__ = [
    "JUNK",
    "MARK",
    "CheckReader",
    "Digit",
    "Piece",
    "Reading",
    "Strip",
    "as_gray",
    "best_path",
    "binarize",
    "classify",
    "cut_up",
    "find_amount",
    "find_candidates",
    "load_image",
    "make_reading",
    "normalize",
    "otsu_threshold",
    "pictures",
    "remove_lines",
    "resample",
    "runs",
    "sauvola_threshold",
    "segment",
    "stretch_contrast",
]

# Notebooks take these from here. They are looked up when they are used, because their packages
# are built on this one.
HANDED_ON = {
    "lessonlib.scoring": ("Result", "edit_distance", "evaluate", "read_labels"),
    "lessonlib.synthesis": ("MEDIUM", "Difficulty", "digits_of", "render", "write_samples"),
}


def __getattr__(name: str) -> Any:
    """Find a name that another package defines."""
    for package, names in HANDED_ON.items():
        if name in names:
            return getattr(import_module(package), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
