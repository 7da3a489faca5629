"""Writing amount fields: pen strokes, paper and scanner, and labelled examples to train on."""

from lessonlib.synthesis.hands import bundled_hand, drawn_hand
from lessonlib.synthesis.render import MEDIUM, Difficulty, digits_of, render, render_with_owner
from lessonlib.synthesis.samples import bill_fields, sample_amounts, write_samples

__all__ = [
    "MEDIUM",
    "Difficulty",
    "bill_fields",
    "bundled_hand",
    "digits_of",
    "drawn_hand",
    "render",
    "render_with_owner",
    "sample_amounts",
    "write_samples",
]
