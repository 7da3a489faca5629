"""Reading the amount on a check: from an image of the field to its digits.

    file -> load_image -> resample -> binarize -> segment -> normalize -> classify -> decode

`CheckReader` takes all of these steps.
"""

from lessonlib.checks.binarize import binarize, otsu_threshold, sauvola_threshold, stretch_contrast
from lessonlib.checks.image import as_gray, load_image, resample
from lessonlib.checks.measure import Result, edit_distance, evaluate, read_labels
from lessonlib.checks.normalize import normalize
from lessonlib.checks.reader import CheckReader, Digit, Reading, classify, decode, find_digits
from lessonlib.checks.render import digits_of, render, write_samples
from lessonlib.checks.segment import Piece, remove_lines, segment

__all__ = [
    "CheckReader",
    "Digit",
    "Piece",
    "Reading",
    "Result",
    "as_gray",
    "binarize",
    "classify",
    "decode",
    "digits_of",
    "edit_distance",
    "evaluate",
    "find_digits",
    "load_image",
    "normalize",
    "otsu_threshold",
    "read_labels",
    "remove_lines",
    "render",
    "resample",
    "sauvola_threshold",
    "segment",
    "stretch_contrast",
    "write_samples",
]
