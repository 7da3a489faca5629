"""Move each threshold of the check readers by a fifth, and count the fields that change.

Usage: ``python -m tools.thresholds`` (some minutes; without MNIST, the fields are others). The
fields are rendered. Thresholds of what comes before the networks, or of cutting the ink up, are
measured with the MLP, those of reading the line whole and of asking both ways with these readers.
The networks were trained with the thresholds as they are, so this says which of them matter, but
not which would be better after another training. The thresholds of the way by rules are measured
with that way, and the network for single digits.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest import mock

import numpy as np

from lessonlib import digits, evaluation, weights
from lessonlib.checks import CheckReader, as_gray, binarize, normalize, resample, segment
from lessonlib.checks.image import Gray
from lessonlib.synthesis import digits_of
from lessonlib.synthesis.examples import random_field
from lessonlib.synthesis.samples import sample_amounts

SEED, FIELDS = 1_017, 300
STEP = 0.2

# The thresholds, by the module of `lessonlib.checks` that has them, and the reader they are
# measured with.
CUTTING = {
    "find": [
        "ROOM_ABOVE",
        "FIELD_ROWS",
        "LONG_SIDE",
        "SHORT_SIDE",
        "MOST_TILT",
        "LEAST_TILT",
        "TILT_STEP",
        "FINER_STEP",
        "FINER_REACH",
        "ROW",
        "FINER_ROW",
        "TILT_DOUBT",
        "CLEARER",
        "DOUBT",
        "PART",
        "PART_HEIGHTS",
        "SPECK",
        "LOWEST_DIGIT",
        "MOST_PIECES",
        "ROW_REACH",
        "LEVEL_ASPECT",
        "LEVEL_LOSS",
        "SOLID_INK",
        "SOLID_WIDTH",
        "SOLID_LOSS",
        "UPRIGHT_WIDTH",
        "UPRIGHT_LOSS",
        "WALL_HEIGHT",
        "WALL_ASPECT",
        "MARK_WIDTH",
        "WIDEST_GAP",
        "SMALL_GAP",
        "ABOVE",
        "BELOW",
        "FULL",
        "FULL_TILT",
        "ROOM_BESIDE",
    ],
    "rough_ink": [
        "NARROWEST_WINDOW",
        "SHOWN",
        "DECIDING",
        "FIELD_ASPECT",
        "NOISE",
        "SMOOTHED",
        "WIDEST_STROKE",
        "WIDEST_IN_PHOTO",
        "DARKEST",
        "INK_SHARE",
        "FAINTEST",
        "FAINTEST_EDGE",
        "NOISE_RATIO",
        "FRAME_WIDTH",
        "FRAME_HEIGHT",
        "FRAME_INK",
        "MOST_FRAMES",
        "FRAME_STEP",
        "EDGE",
        "FRAME_EDGE",
        "FRAME_RUN",
        "FRAME_SIDES",
        "RULE_WIDTH",
        "RULE_HEIGHT",
        "RULE_LENGTH",
        "RULE_STEP",
        "CROSSING",
        "PRINTED",
    ],
    "image": ["FIELD_HEIGHT"],
    "binarize": ["CLIPPED", "SMOOTHING", "WINDOW", "SAUVOLA_K", "MIN_CONTRAST"],
    "pieces": ["LINE_WIDTH", "LINE_HEIGHT", "CROSSING_REACH", "SMALLEST_DIGIT", "EXTENT_WEIGHT"],
    "candidates": [
        "DIRT_HEIGHT",
        "LINE_DASH_HEIGHT",
        "TALL_PIECE",
        "CRUMB_HEIGHT",
        "CUT_WIDTH",
        "WAIST_INK",
        "WAIST_REACH",
        "CUTS_APART",
        "LOOP_HEIGHT",
        "LOOPS_APART",
        "GAP",
        "LONGEST",
        "WIDEST",
        "WIDEST_PIECE",
        "BAND_HEIGHT",
        "SHEAR_PENALTY",
    ],
    "pictures": ["CONTEXT_SIDE"],
    "search": ["UNLIKELY"],
    "amount": [
        "SEPARATOR_SIDE",
        "SEPARATOR_MIDDLE",
        "DASH_ASPECT",
        "DASH_MIDDLE",
        "RAISED_FOOT",
    ],
    "points": [
        "SMALLEST_SPECK",
        "LARGEST_SPECK",
        "SMALLEST_POINT",
        "LARGEST_POINT",
        "POINT_THICKNESS",
        "POINT_ASPECT",
        "POINT_DEPTH",
        "POINT_RISE",
        "POINT_OVERLAP",
        "WIDE_GAP",
        "WIDER",
    ],
    "cutting": ["SURE_ENOUGH"],
}
LINE = {"lines": ["DARK", "LIGHT", "LEAST_CONTRAST", "LEAST_POINT", "DOUBTFUL"], "ctc": ["FAINT"]}
ENSEMBLE = {"ensemble": ["UNLIKELY"]}
RULES = {
    "rules": [
        "MARK_HEIGHT",
        "DASH_HEIGHT",
        "DASH_ASPECT",
        "FIRST_DIGIT_HEIGHT",
        "MERGED_OVERLAP",
        "DIGIT_WIDTH",
        "CUT_RANGE",
    ],
}

Answers = list[tuple[str, object]]  # what each field says: its text, and the amount, if any


def main() -> None:
    """Print a table: threshold, value, and the fields that change with less of it and with more."""
    images, truth = rendered_fields(FIELDS)
    for name, thresholds in (("mlp", CUTTING), ("line", LINE), ("ensemble", ENSEMBLE)):
        print_table(name, partial(read_whole, images, name), thresholds, truth)
    print_table("by rules", partial(read_by_rules, images), RULES, truth)


def print_table(
    title: str,
    answers: Callable[[], Answers],
    thresholds: dict[str, list[str]],
    truth: list[str],
) -> None:
    """Read all fields with each threshold as it is, lower and higher, and print what changes."""
    before = answers()
    print(f"{title}: {exact(before, truth)} of {len(truth)} fields exactly")
    print(
        f"{'threshold':28}{'value':>7}{'lower: changed':>16}{'exact':>7}{'higher':>10}{'exact':>7}"
    )
    for module, names in thresholds.items():
        for name in names:
            value = getattr(sys.modules[f"lessonlib.checks.{module}"], name)
            row = f"{module + '.' + name:28}{value:>7}"
            for factor, width in ((1 - STEP, 16), (1 + STEP, 10)):
                with moved(module, name, scaled(value, factor)):
                    after = answers()
                changed = sum(a != b for a, b in zip(before, after, strict=True))
                row += f"{changed:>{width}}{exact(after, truth) - exact(before, truth):>+7}"
            print(row, flush=True)


def scaled(value: float, factor: float) -> float:
    """Scale a threshold; a whole number stays whole."""
    return round(value * factor) if isinstance(value, int) else value * factor


@contextmanager
def moved(module: str, name: str, value: float) -> Iterator[None]:
    """Give a module's threshold another value for a while, there and wherever it is imported."""
    parts = {key: part for key, part in sys.modules.items() if key.startswith("lessonlib.checks.")}
    own = getattr(parts[f"lessonlib.checks.{module}"], name)
    with ExitStack() as stack:
        for part in parts.values():
            if vars(part).get(name) is own:  # another module may have another one by this name
                stack.enter_context(mock.patch.object(part, name, value))
        yield


def exact(answers: Answers, truth: list[str]) -> int:
    """Count the fields whose text is right."""
    return sum(text == label for (text, _), label in zip(answers, truth, strict=True))


def rendered_fields(count: int) -> tuple[list[Gray], list[str]]:
    """Render labelled fields that no network saw: MNIST's test digits and newly drawn ones."""
    rng = np.random.default_rng(SEED)
    images, labels = digits.load("test")
    amounts = sample_amounts(rng, count)
    fields = [random_field(amount, rng, images, labels)[0] for amount in amounts]
    return fields, [digits_of(amount) for amount in amounts]


def read_whole(images: list[Gray], name: str) -> Answers:
    """Read each field with one of the check readers."""
    return [(reading.text, reading.amount) for reading in CheckReader(name).read_many(images)]


def read_by_rules(images: list[Gray]) -> Answers:
    """Cut each field by rules, and read the digits with the network for single digits."""
    model = weights.shipped("mlp")
    pieces = [segment(binarize(resample(as_gray(image)))) for image in images]
    squares = np.stack([normalize(piece.ink) for part in pieces for piece in part])
    values = evaluation.predict(model, squares).argmax(axis=1)
    ends = np.cumsum([len(part) for part in pieces])
    return [("".join(map(str, part)), None) for part in np.split(values, ends[:-1])]


if __name__ == "__main__":
    main()
