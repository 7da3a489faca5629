"""Fit the confidences of readers: a logistic regression from features to the share right."""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from lessonlib.synthesis.fields import LabelledField
from lessonlib.synthesis.hands import anyone
from lessonlib.synthesis.mixture import training_field

# The shares of those who write the fields for a calibration. The people of the test split's bitmaps
# are not among them: they write the fields on which the book measures.
WRITERS = {"mnist": 0.6, "pens": 0.3, "drawn": 0.1}
ALMOST_FREE = 1e6  # the inverse of the penalty on a calibration's weights: next to none


def unseen_fields(count: int, seed: int) -> list[LabelledField]:
    """Render fields in writing that no network saw: MNIST's test digits, and other writers'."""
    rng = np.random.default_rng(seed)
    return [training_field(rng, anyone("test", rng, WRITERS)) for _ in range(count)]


def fit(
    name: str,
    features: Sequence[Mapping[str, float]],
    texts: Sequence[str],
    truths: Sequence[str],
) -> dict[str, float]:
    """Fit the probability that a text is right to the features of its reading, and print the share.

    Readings without a text have no part in it: their confidence is always 0.

    Parameters
    ----------
    name : str
        The reader's.
    features : sequence of mappings
        For each reading its numbers, all with the same names.
    texts, truths : sequence of str
        What each said, and should have said. Some must be right and some wrong.

    Returns
    -------
    dict
        A weight for each feature, and a "constant", to 4 digits.
    """
    right = np.array(texts) == np.array(truths)
    print(f"{name}: reads {right.mean():.1%} of {len(right)} new rendered fields exactly")
    inputs = np.array([list(one.values()) for one in features])
    said = np.array(texts) != ""
    model = LogisticRegression(C=ALMOST_FREE, max_iter=1000).fit(inputs[said], right[said])
    found = {"constant": model.intercept_[0]} | dict(zip(features[0], model.coef_[0], strict=True))
    return {name: round(float(found[name]), 4) for name in sorted(found)}
