"""Judging a reader on a folder of labelled fields: how many it reads, and why it fails."""

from lessonlib.scoring.causes import CAUSES, cause
from lessonlib.scoring.labels import LabelledField, read_fields, read_labels
from lessonlib.scoring.page import write_report
from lessonlib.scoring.scores import ACCEPTED_ERROR, Result, accept_rate, edit_distance, evaluate

__all__ = [
    "ACCEPTED_ERROR",
    "CAUSES",
    "LabelledField",
    "Result",
    "accept_rate",
    "cause",
    "edit_distance",
    "evaluate",
    "read_fields",
    "read_labels",
    "write_report",
]
