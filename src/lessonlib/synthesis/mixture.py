"""The fields that readers are trained on: one bank's checks, anyone's paper, and nothing to read.

The shares were chosen by hand. Checks are what the reader is for. Anyone's paper is harder and
differs more, so it takes more examples.
"""

import numpy as np

from lessonlib.synthesis.examples import field_by, random_difficulty
from lessonlib.synthesis.fields import LabelledField, anyones_field
from lessonlib.synthesis.hands import Hand
from lessonlib.synthesis.nothing import KINDS
from lessonlib.synthesis.render import NOBODY
from lessonlib.synthesis.samples import sample_amounts

CHECK_SHARE = 0.45  # of the fields are those of one bank's checks
NOTHING_SHARE = 0.04  # of the fields hold no amount
# Photos are kept for tests: whoever learns to refuse the others should refuse them unseen.
KINDS_OF_NOTHING = [kind for kind in KINDS if kind != "photo"]


def training_field(rng: np.random.Generator, hand: Hand) -> LabelledField:
    """Render a field to train on.

    Parameters
    ----------
    rng : numpy Generator
        Chooses everything but the hand.
    hand : Hand
        Who writes, as `hands.anyone` makes them.

    Returns
    -------
    LabelledField
        Its image has 13 to 64 pixels for the height of a digit on anyone's paper, and 19 to 38 on
        checks, each more or less. An image of nothing has an empty text.

    Examples
    --------
    >>> from lessonlib.synthesis.hands import drawn_hand
    >>> training_field(np.random.default_rng(1), drawn_hand).text
    '553,665.-'
    """
    kind = rng.random()
    if kind < NOTHING_SHARE:
        return field_of_nothing(rng)
    if kind < NOTHING_SHARE + CHECK_SHARE:
        text = sample_amounts(rng, 1)[0]
        image, owner = field_by(hand, text, rng, random_difficulty(rng))
        return LabelledField(image, text, owner)
    return anyones_field(rng, hand)


def field_of_nothing(rng: np.random.Generator) -> LabelledField:
    """Make an image that holds no amount, and say that nobody owns its ink."""
    image = KINDS[str(rng.choice(KINDS_OF_NOTHING))](rng)
    return LabelledField(image, "", np.full(image.shape, NOBODY, np.int16))
