"""The second way to read: the whole line at once, without cutting it up.

A network slides over the line, and says in each column which character it sees there, or none.
`checks.ctc` turns the columns into texts. Digits and marks have classes of their own.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.amount import PERHAPS, amount_of
from lessonlib.checks.binarize import binarize
from lessonlib.checks.ctc import (
    Text,
    align_all,
    best_texts_of,
    log_likelihoods,
    merge_into_blank,
)
from lessonlib.checks.find import Found, find_writing
from lessonlib.checks.image import Box, Gray, resample
from lessonlib.checks.pieces import remove_lines
from lessonlib.checks.readings import (
    Digit,
    Reading,
    Texts,
    calibrated,
    in_image,
    in_words,
    log_odds,
    probabilities_of,
)
from lessonlib.checks.threads import one_thread

if TYPE_CHECKING:
    from torch import nn

Columns = npt.NDArray[np.float64]  # shape (T, K): log probabilities
Spans = list[tuple[int, int]]  # of digits: the first column, and one past the last
# Gives the log of the probability of each of some texts, or of a number in proportion to it.
Score = Callable[[Sequence[Text]], npt.NDArray[np.float64]]

# The classes of the network: the digits, the marks, and last the blank, which has no character.
# "^" comes before raised cents, "x" is that of xx/100, and "R" that of R$.
CHARACTERS = "0123456789.,-/=$₹€£*#x^R"
LINE_CLASSES = len(CHARACTERS) + 1

LINE_HEIGHT = 40  # rows of the network's input: a digit of a tight field has 25 to 35
SHRINKING = 4  # columns of the input for each of the network's
SIDE = 8  # columns of paper put at the left and, at least, at the right
# The width is rounded up to a multiple of this: lines of one width are read together.
WIDTH_STEP = 32
MOST_COLUMNS = 1600  # of a longer line the proportions are lost: this bounds its memory
PARTING = [CHARACTERS.index(mark) for mark in ".,^/"]  # what may part cents from the rest
# A separator that is as probable as this makes an amount doubtful. Of 1,500 rendered fields in
# unseen writing, 286 had one and were read rightly: 21 amounts came out a hundred times too large
# without this, 4 with it, and of the 852 without one, 139 more have no amount.
LEAST_POINT = 0.01
# A line whose best text is less probable than this is looked at again in other sizes, so many times
# as wide and as high. Of 1,500 check-like fields in unseen writing that raised the share read right
# from 93.8 to 94.8 %, of 1,500 on anyone's paper from 69.7 to 71.6 %.
DOUBTFUL = 0.97
OTHER_SIZES = ((1.15, 1.0), (0.88, 0.88))
LARGEST_PASS = 2048  # columns that go through the network together: they stay in the cache
ALTERNATIVES = 5  # texts of which the exact probability is computed
SURE_ENOUGH = 0.99  # a digit that is so probable in its column needs no closer look
LEAD = 1e-3  # log: by so little at least, a digit that was read is more probable than another one
WIDEST_DIGIT = 0.45  # a digit reaches at most this far to a side, as a share of the line's height
INKED = 128  # a pixel of the pictures with more is ink
DARK, LIGHT = 0.01, 0.9  # these shares of the pixels are darker than black, and than white
LEAST_CONTRAST = 8  # gray levels between them: what is fainter stays faint


def line_pictures(gray: Gray) -> npt.NDArray[np.uint8]:
    """Show a line of writing to the network twice: its gray levels, and its ink.

    Parameters
    ----------
    gray : uint8 array, shape (H, W)
        Dark ink on lighter paper, cut out around the line.

    Returns
    -------
    uint8 array, shape (2, 40, w)
        w is a multiple of `WIDTH_STEP`. 0 is paper. In the first picture 255 is the darkest ink; in
        the second it is ink, as the threshold parts it from the paper, without ruled lines.

    Examples
    --------
    >>> line_pictures(np.full((60, 180), 230, np.uint8)).shape
    (2, 40, 160)
    """
    columns = columns_of(gray)
    room = -(-(columns + 2 * SIDE) // WIDTH_STEP) * WIDTH_STEP
    pictures = np.zeros((2, LINE_HEIGHT, room), np.uint8)
    inside = slice(SIDE, SIDE + columns)
    pictures[0, :, inside] = darkness(shrunk(gray, columns))
    ink = remove_lines(binarize(resample(gray)))
    pictures[1, :, inside] = shrunk(ink.view(np.uint8) * np.uint8(255), columns)
    return pictures


def columns_of(gray: Gray) -> int:
    """Compute the width that a line has at the network's height."""
    height, width = gray.shape
    return int(min(max(1, round(width * LINE_HEIGHT / height)), MOST_COLUMNS))


def shrunk(image: npt.NDArray[np.uint8], columns: int) -> npt.NDArray[np.uint8]:
    """Bring an image to the network's height and so many columns."""
    smaller = image.shape[0] > LINE_HEIGHT
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (columns, LINE_HEIGHT), interpolation=method), np.uint8)


def darkness(gray: Gray) -> npt.NDArray[np.uint8]:
    """Stretch gray levels so that the paper is 0 and the darkest ink 255."""
    dark, light = np.percentile(gray, (100 * DARK, 100 * LIGHT))
    scale = 255 / max(light - dark, LEAST_CONTRAST)
    return np.asarray(np.clip((light - gray.astype(np.float32)) * scale, 0, 255), np.uint8)


@dataclass(frozen=True, eq=False)
class LineField:
    """A line of writing found in an image, not yet read.

    Attributes
    ----------
    pictures : uint8 array, shape (2, 40, w)
        As `line_pictures` makes them.
    matrix : float64 array, shape (2, 3)
        Maps a point (x, y) of the pictures to the image.
    size : (int, int)
        Width and height of the image in pixels.
    notes : tuple of str
        What `find_writing` said of the image.
    """

    pictures: npt.NDArray[np.uint8]
    matrix: npt.NDArray[np.float64]
    size: tuple[int, int]
    notes: tuple[str, ...] = ()


def line_in(found: Found, size: tuple[int, int]) -> LineField:
    """Prepare the writing that was found in an image of this width and height."""
    height, width = found.gray.shape
    columns = columns_of(found.gray)
    # From the pictures to the line that was found, which is `SIDE` columns further left.
    scale = np.array([[width / columns, 0, -SIDE * width / columns], [0, height / LINE_HEIGHT, 0]])
    matrix = found.matrix @ np.vstack([scale, [0, 0, 1]])
    return LineField(line_pictures(found.gray), matrix, size, found.notes)


def read_columns(
    model: "nn.Module", lines: Sequence[npt.NDArray[np.uint8]]
) -> list[npt.NDArray[np.float64]]:
    """Compute what each column of some lines says, for each a float64 array (w / 4, K).

    The K classes are `CHARACTERS` and the blank; the numbers are log probabilities. Lines of one
    width are read together, and none is padded further: a line gives the same alone.
    """
    import torch

    results: list[npt.NDArray[np.float64]] = [np.zeros((0, LINE_CLASSES))] * len(lines)
    by_width: dict[int, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        by_width[line.shape[2]].append(number)
    model.eval()
    with torch.inference_mode(), one_thread():
        device = next((weights.device for weights in model.parameters()), None)
        for width in sorted(by_width):
            numbers = by_width[width]
            most = max(1, LARGEST_PASS // width)
            for start in range(0, len(numbers), most):
                part = numbers[start : start + most]
                x = torch.from_numpy(np.stack([lines[number] for number in part])).to(device)
                log_p = model(x.float() / 255).double().log_softmax(dim=1).transpose(1, 2)
                results_of_part = log_p.cpu().numpy()
                for number, result in zip(part, results_of_part, strict=True):
                    results[number] = result
    return results


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the network says of a line.

    Attributes
    ----------
    columns : float64 array, shape (T, K)
        What `read_columns` gives of the line in its own size.
    looks : list of float64 array, shape (T, 11)
        What the columns say of digits and the blank: first in its own size, then perhaps in others.
    texts : list of (str, float)
        The most probable texts, with the log of their probability: the mean over the looks.
    agreed : float
        The share of the looks that alone would read the first text.
    """

    columns: Columns
    looks: list[Columns]
    texts: Texts
    agreed: float


def evidence_of(model: "nn.Module", lines: Sequence[npt.NDArray[np.uint8]]) -> list[Evidence]:
    """Look at lines, (2, 40, w) each: at all of them once, and at the doubtful ones again."""
    evidence = seen_once(read_columns(model, lines))
    doubtful = [i for i, one in enumerate(evidence) if one.texts[0][1] < np.log(DOUBTFUL)]
    again = [
        read_columns(model, [stretched(lines[i], *size) for i in doubtful]) for size in OTHER_SIZES
    ]
    for i, *others in zip(doubtful, *again, strict=True):
        evidence[i] = seen_again(evidence[i], others)
    return evidence


def seen_once(columns: Sequence[Columns]) -> list[Evidence]:
    """Take the columns of lines for all that is known of them."""
    digit_columns = [merge_into_blank(log_p, keep=10) for log_p in columns]
    texts = best_line_texts(digit_columns)
    return [
        Evidence(log_p, [digit_log_p], found, 1.0)
        for log_p, digit_log_p, found in zip(columns, digit_columns, texts, strict=True)
    ]


def seen_again(first: Evidence, others: Sequence[Columns]) -> Evidence:
    """Add the columns of a line in other sizes to what was seen of it."""
    looks = [*first.looks, *(merge_into_blank(log_p, keep=10) for log_p in others)]
    found = [first.texts, *best_line_texts(looks[1:])]
    texts = sorted({text for own in found for text, _ in own})
    numbers = [tuple(map(int, text)) for text in texts]
    scores = mean_log_likelihoods(looks, numbers)
    best = np.argsort(-scores, kind="stable")[:ALTERNATIVES]
    ranked = [(texts[i], float(scores[i])) for i in best if scores[i] > -np.inf]
    agreed = sum(own[0][0] == ranked[0][0] for own in found) / len(found)
    return Evidence(first.columns, looks, ranked, agreed)


def mean_log_likelihoods(looks: Sequence[Columns], texts: Sequence[Text]) -> Columns:
    """Compute the log of the mean over some looks of the probability of each of n texts, (n,).

    It is -inf where the first look has no room for a text: there its digits have to be placed.
    """
    scores = [log_likelihoods(log_p, texts) for log_p in looks]
    means = np.logaddexp.reduce(scores) - np.log(len(looks))
    return np.where(np.isneginf(scores[0]), -np.inf, means)


def stretched(
    pictures: npt.NDArray[np.uint8], wider: float, higher: float
) -> npt.NDArray[np.uint8]:
    """Show a line so many times as wide and as high, in the middle of its rows."""
    _, height, width = pictures.shape
    room = -(-round(wider * width) // WIDTH_STEP) * WIDTH_STEP
    matrix = np.array([[wider, 0, 0], [0, higher, (1 - higher) * height / 2]])
    shown = [cv2.warpAffine(np.ascontiguousarray(one), matrix, (room, height)) for one in pictures]
    return np.asarray(shown, np.uint8)


def read_line(
    field: LineField,
    log_p: Columns,
    calibration: Mapping[str, float],
    min_confidence: float = 0.0,
) -> Reading:
    """Find the most probable reading of a line that was looked at once: see `read_lines`."""
    return read_lines([field], seen_once([log_p]), calibration, min_confidence)[0]


def read_lines(
    fields: Sequence[LineField],
    evidence: Sequence[Evidence],
    calibration: Mapping[str, float],
    min_confidence: float = 0.0,
) -> list[Reading]:
    """Find the most probable reading of each line.

    The calibration has a weight for each of the `line_features`, and a "constant".
    """
    spans = spans_of(evidence, [one.texts[0][0] for one in evidence])
    return [
        describe_line(
            field,
            one.columns,
            one.texts,
            spans_of_line,
            partial(mean_log_likelihoods, one.looks),
            calibrated(line_features(one.texts, one.agreed), calibration)
            if one.texts[0][0]
            else 0.0,
            min_confidence,
        )
        for field, one, spans_of_line in zip(fields, evidence, spans, strict=True)
    ]


def best_line_texts(digit_columns: Sequence[Columns]) -> list[Texts]:
    """Find each line's most probable texts of digits, and the log of their probabilities."""
    return [
        [("".join(map(str, text)), score) for text, score in texts]
        for texts in best_texts_of(digit_columns, ALTERNATIVES)
    ]


def spans_of(evidence: Sequence[Evidence], texts: Sequence[str]) -> list[Spans]:
    """Find where each digit of each line's text stands: its first column, and one past its last."""
    columns = [one.looks[0] for one in evidence]
    return align_all(columns, [tuple(map(int, text)) for text in texts])


def line_features(texts: Texts, agreed: float) -> dict[str, float]:
    """Give the numbers that a confidence is computed from, by their names in a calibration.

    `texts` have the log of their probability, the best first. Its probability counts, its share of
    the probability of all, and the share of the looks that agreed on it.
    """
    total = float(np.logaddexp.reduce([score for _, score in texts]))
    return {
        "score": log_odds(texts[0][1]),
        "share": log_odds(texts[0][1] - total),
        "agreed": agreed,
    }


def describe_line(
    field: LineField,
    log_p: npt.NDArray[np.float64],
    texts: Texts,
    spans: Spans,
    score: Score,
    confidence: float,
    min_confidence: float,
) -> Reading:
    """Say where the digits and marks of the best text stand, and which amount they are.

    `texts` have the log of their probability, the best first; its digits stand at the `spans`, and
    `score` is what made it the best.
    """
    text = texts[0][0]
    numbers = tuple(map(int, text))
    characters = with_marks(log_p, text, spans)
    boxes = boxes_in(field.pictures, [middle for _, middle in characters])
    amount = amount_of("".join(character for character, _ in characters))
    if amount.value is not None and amount.place is None and may_have_point(log_p, text, spans):
        amount = replace(amount, value=None, note=PERHAPS)
    own = digit_probabilities(log_p, numbers, spans, score)
    are_digits = [character.isdecimal() for character, _ in characters]
    digit_boxes = [box for box, is_digit in zip(boxes, are_digits, strict=True) if is_digit]
    reading = Reading(
        text=text,
        confidence=confidence,
        digits=tuple(Digit(box, p) for box, p in zip(digit_boxes, own, strict=True)),
        marks=tuple(box for box, digit in zip(boxes, are_digits, strict=True) if not digit),
        separator=None if amount.place is None else boxes[amount.place],
        amount=amount.value,
        accepted=confidence >= min_confidence,
        note=in_words(field.notes, amount.note, text, confidence),
        currency=amount.currency,
        alternatives=probabilities_of(texts[:ALTERNATIVES], confidence) if text else (),
    )
    return in_image(reading, field.matrix, field.size)


def with_marks(log_p: npt.NDArray[np.float64], text: str, spans: Spans) -> list[tuple[str, float]]:
    """Add to the digits the marks that the columns between them hold.

    Each digit of the text has its span, the first column and the one after its last. Between two
    spans, the most probable class of each column counts if it is a mark, and equal neighbours count
    once.

    Returns
    -------
    list of (str, float)
        From left to right: a character, and the middle of its columns.
    """
    best = log_p.argmax(axis=1).tolist()
    digit_at = {first: (digit, stop) for digit, (first, stop) in zip(text, spans, strict=True)}
    characters: list[tuple[str, float]] = []
    column, previous = 0, LINE_CLASSES - 1
    while column < len(best):
        if column in digit_at:
            digit, stop = digit_at[column]
            characters.append((digit, (column + stop) / 2))
            column, previous = stop, LINE_CLASSES - 1
            continue
        if 10 <= best[column] < LINE_CLASSES - 1 and best[column] != previous:
            characters.append((CHARACTERS[best[column]], column + 0.5))
        previous = best[column]
        column += 1
    return characters


def may_have_point(log_p: npt.NDArray[np.float64], text: str, spans: Spans) -> bool:
    """Say whether the columns before the last two digits may hold a separator, though none is read.

    Before a last "100" they may hold the stroke of hundredths as well.
    """
    for behind in (2, 3) if text.endswith("100") else (2,):
        if len(spans) > behind:
            between = slice(spans[-behind - 1][1] - 1, spans[-behind][0] + 1)
            if np.exp(log_p[between, PARTING]).sum(axis=1).max() > LEAST_POINT:
                return True
    return False


def boxes_in(pictures: npt.NDArray[np.uint8], middles: Sequence[float]) -> list[Box]:
    """Give each character a box in the pictures, around the ink that is nearest to it.

    The network says roughly where a character is, but not where it begins. So its box reaches
    halfway to its neighbours, `WIDEST_DIGIT` at most, and is then drawn in to the ink.
    """
    width = pictures.shape[2]
    reach = WIDEST_DIGIT * LINE_HEIGHT
    at = [SHRINKING * middle for middle in middles]
    edges = [-reach, *((a + b) / 2 for a, b in pairwise(at)), width + reach]
    boxes = []
    for x, before, behind in zip(at, edges, edges[1:], strict=False):
        left = max(0, round(max(before, x - reach)))
        right = min(width, max(left + 1, round(min(behind, x + reach))))
        boxes.append(drawn_in(pictures, left, right))
    return boxes


def drawn_in(pictures: npt.NDArray[np.uint8], left: int, right: int) -> Box:
    """Draw a box over all rows in to its ink; without ink it stays as it is."""
    for picture in pictures[::-1]:  # the ink without ruled lines first
        ink = picture[:, left:right] > INKED
        if ink.any():
            rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
            x, y = left + int(columns[0]), int(rows[0])
            return x, y, left + int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y
    return left, 0, right - left, LINE_HEIGHT


def digit_probabilities(
    log_p: npt.NDArray[np.float64],
    text: Text,
    spans: Spans,
    score: Score,
) -> list[npt.NDArray[np.float32]]:
    """Compute the probabilities of 0 to 9 for each digit of a text, the others given.

    They are those of the ten texts that differ in this digit alone. Where a column is sure of the
    digit they are that column's, which are nearly the same and much quicker.
    """
    if not text:
        return []
    columns = [
        first + int(log_p[first:stop, digit].argmax())
        for digit, (first, stop) in zip(text, spans, strict=True)
    ]
    scores = log_p[columns, :10]
    doubtful = np.flatnonzero(scores[np.arange(len(text)), text] < np.log(SURE_ENOUGH)).tolist()
    others = [(*text[:i], digit, *text[i + 1 :]) for i in doubtful for digit in range(10)]
    for i, found in zip(doubtful, score(others).reshape(-1, 10), strict=True):
        # The search for the text may have missed a better one.
        scores[i] = np.minimum(found, found[text[i]] - LEAD)
        scores[i, text[i]] = found[text[i]]
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    return list(np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float32))


@dataclass(frozen=True)
class Lines:
    """The second way to read, with its network and its calibration."""

    model: "nn.Module"
    calibration: Mapping[str, float]

    def prepare(self, gray: Gray) -> LineField:
        """Take an image through all steps before the network."""
        return line_in(find_writing(gray), gray.shape[::-1])

    def read(self, fields: Sequence[LineField], min_confidence: float = 0.0) -> list[Reading]:
        """Read lines, those of one width in one pass of the network."""
        evidence = evidence_of(self.model, [field.pictures for field in fields])
        return read_lines(fields, evidence, self.calibration, min_confidence)
