"""The chapters in the order in which they are read: stem and title; where they are published.

``LESSONLIB_BOOK`` names a copy of the book instead. A kit for a room without internet sets it.
"""

import os

BOOK = os.environ.get("LESSONLIB_BOOK", "https://reading-digits.github.io/reading-digits")

TITLES: dict[str, str] = {
    "history": "History",
    "forward": "The forward pass",
    "backprop": "Backpropagation",
    "descent": "Gradient descent",
    "training": "Training on MNIST",
    "evaluation": "Evaluation",
    "checks": "Reading a check",
    "any-check": "Reading any check",
    "checksums": "Checksums",
    "next-steps": "Next steps",
}
