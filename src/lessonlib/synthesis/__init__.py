"""Writing amount fields: pen strokes, paper and scanner, and labelled examples to train on.

`render` draws a check's field with an amount and a difficulty of one's choice; `training_field`
and `anyones_field` draw any field that a reader may meet.
"""

from lessonlib.synthesis.fields import LabelledField, anyones_field
from lessonlib.synthesis.hands import bundled_hand, drawn_hand
from lessonlib.synthesis.mixture import training_field
from lessonlib.synthesis.render import MEDIUM, Difficulty, digits_of, render, render_with_owner
from lessonlib.synthesis.samples import bill_fields, sample_amounts, write_samples
from lessonlib.synthesis.texts import marked_text

__all__ = [
    "MEDIUM",
    "Difficulty",
    "LabelledField",
    "anyones_field",
    "bill_fields",
    "bundled_hand",
    "digits_of",
    "drawn_hand",
    "marked_text",
    "render",
    "render_with_owner",
    "sample_amounts",
    "training_field",
    "write_samples",
]
