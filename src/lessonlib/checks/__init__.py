"""Reading the amount on a check: from an image of the field to its digits.

    file -> load_image -> resample -> binarize -> cut_up -> runs -> pictures -> classify
         -> best_path -> decode -> Reading

`CheckReader` takes all of these steps. `segment` is the simpler way that decides by rules.
"""

from lessonlib.checks.amount import find_amount
from lessonlib.checks.binarize import binarize, otsu_threshold, sauvola_threshold, stretch_contrast
from lessonlib.checks.candidates import JUNK, MARK, Strip, cut_up, pictures, runs
from lessonlib.checks.image import as_gray, load_image, resample
from lessonlib.checks.measure import Result, edit_distance, evaluate, read_labels
from lessonlib.checks.normalize import normalize
from lessonlib.checks.reader import CheckReader, Digit, Reading, classify, decode, find_candidates
from lessonlib.checks.render import MEDIUM, Difficulty, digits_of, render, write_samples
from lessonlib.checks.search import best_path
from lessonlib.checks.segment import Piece, remove_lines, segment

__all__ = [
    "JUNK",
    "MARK",
    "MEDIUM",
    "CheckReader",
    "Difficulty",
    "Digit",
    "Piece",
    "Reading",
    "Result",
    "Strip",
    "as_gray",
    "best_path",
    "binarize",
    "classify",
    "cut_up",
    "decode",
    "digits_of",
    "edit_distance",
    "evaluate",
    "find_amount",
    "find_candidates",
    "load_image",
    "normalize",
    "otsu_threshold",
    "pictures",
    "read_labels",
    "remove_lines",
    "render",
    "resample",
    "runs",
    "sauvola_threshold",
    "segment",
    "stretch_contrast",
    "write_samples",
]
