"""The fields of the restaurant bills: the same ones at every call."""

import numpy as np

from lessonlib.synthesis import samples


def test_the_bill_s_fields_are_the_same_at_every_call() -> None:
    (images, labels), (again, _) = samples.bill_fields(), samples.bill_fields()
    assert len(images) == len(labels) == 300
    assert all(np.array_equal(a, b) for a, b in zip(images, again, strict=True))
    assert all(label.isdecimal() for label in labels)
