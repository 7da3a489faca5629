"""The interactive pieces: each is one function, which returns an object that shows as HTML.

A piece is a single string of markup, style and script, without a library and without a request. So
it works in the book from a file or a server, in JupyterLab and in Colab's output frame. Without
JavaScript, in print and on GitHub its place shows a still picture that teaches the same. Each
chapter's pieces are a module with the name of the chapter's stem; the scripts are in ``static``.
"""

from lessonlib.widgets.backprop import pencil_backpropagation
from lessonlib.widgets.base import Piece
from lessonlib.widgets.checks import write_an_amount
from lessonlib.widgets.checksums import checksum_bench
from lessonlib.widgets.descent import descent_race
from lessonlib.widgets.evaluation import bank_desk
from lessonlib.widgets.forward import grow_a_layer
from lessonlib.widgets.history import turn_a_line
from lessonlib.widgets.training import draw_a_digit, training_film

__all__ = [
    "Piece",
    "bank_desk",
    "checksum_bench",
    "descent_race",
    "draw_a_digit",
    "grow_a_layer",
    "pencil_backpropagation",
    "training_film",
    "turn_a_line",
    "write_an_amount",
]
