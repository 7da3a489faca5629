"""Images that hold no amount: what a reader should find nothing in, or be unsure of.

Words, pages of text, other scripts' digits, displays, meters, patterns, photos: people give them to
a reader by mistake, and programs that look for amounts do so often.
"""

import string
from collections.abc import Callable

import cv2
import numpy as np
from sklearn.datasets import load_sample_images

from lessonlib.checks.image import FloatImage, Gray
from lessonlib.synthesis.fields import scan
from lessonlib.synthesis.lines import FONTS, printed
from lessonlib.synthesis.surroundings import paper_pattern, paste

LETTERS = string.ascii_letters.translate(str.maketrans("", "", "OoIlSsBZzGgq"))  # unlike digits
ARABIC_INDIC = "٢٣٤٥٦٧٨"  # those that are unlike 0, 1 and 9
WORD_LENGTHS, LINE_WORDS, PAGE_LINES = (3, 9), (2, 7), (4, 12)
HEIGHTS = (10, 36)  # pixels of a capital letter
PAPERS, INKS = (150, 250), (0.4, 0.95)  # gray levels, and the share of them that ink takes away
SIDES = (40, 400)  # pixels of images that have no size of their own

# The segments of a seven-segment display, as lines in a box of 1 by 2, and those of each digit
SEGMENTS = [
    ((0, 0), (1, 0)),
    ((1, 0), (1, 1)),
    ((1, 1), (1, 2)),
    ((0, 2), (1, 2)),
    ((0, 1), (0, 2)),
    ((0, 0), (0, 1)),
    ((0, 1), (1, 1)),
]
LIT = ["012345", "12", "01346", "01236", "1256", "02356", "023456", "012", "0123456", "012356"]


def nothing(rng: np.random.Generator) -> Gray:
    """Make an image that holds no amount.

    Examples
    --------
    >>> nothing(np.random.default_rng(3)).dtype
    dtype('uint8')
    """
    kinds = list(KINDS)
    return KINDS[kinds[int(rng.integers(len(kinds)))]](rng)


def word(rng: np.random.Generator) -> Gray:
    """Print a word or two, large."""
    return on_paper(text_line(int(rng.integers(1, 3)), LETTERS, rng), rng)


def page(rng: np.random.Generator) -> Gray:
    """Print several lines of text."""
    lines = [
        text_line(int(rng.integers(*LINE_WORDS)), LETTERS, rng)
        for _ in range(int(rng.integers(*PAGE_LINES)))
    ]
    gap = int(rng.integers(3, 12))
    ink = np.zeros((sum(len(one) + gap for one in lines), max(one.shape[1] for one in lines)))
    page = ink.astype(np.float32)
    row = 0
    for one in lines:
        paste(page, one, row, 0)
        row += len(one) + gap
    return on_paper(page, rng)


def arabic_indic(rng: np.random.Generator) -> Gray:
    """Print a number in the digits of Arabic script."""
    count = int(rng.integers(3, 8))
    text = "".join(rng.choice(list(ARABIC_INDIC), count))
    return on_paper(printed(text, height(rng), "DejaVuSans.ttf")[0], rng)


def display(rng: np.random.Generator) -> Gray:
    """Show a number on a display of seven segments, leaning or upright."""
    high = 2 * height(rng)
    wide, pen = high / 2, max(2, round(high * rng.uniform(0.06, 0.12)))
    count = int(rng.integers(3, 7))
    ink = np.zeros((round(1.3 * high), round(1.5 * wide * (count + 1))), np.float32)
    lean = rng.uniform(0, 0.15)
    for number in range(count):
        left = (0.5 + 1.5 * number) * wide
        for segment in LIT[int(rng.integers(10))]:
            ends = [
                (round(left + wide * x + lean * high * (1 - y / 2)), round(0.15 * high + wide * y))
                for x, y in shortened(*SEGMENTS[int(segment)])
            ]
            cv2.line(ink, ends[0], ends[1], 1.0, pen)
    return on_paper(ink, rng)


def shortened(start: tuple[float, float], stop: tuple[float, float]) -> list[tuple[float, float]]:
    """Shorten a segment a little at both ends: on a display there are gaps between them."""
    (x0, y0), (x1, y1) = start, stop
    return [(x0 + t * (x1 - x0), y0 + t * (y1 - y0)) for t in (0.12, 0.88)]


def pattern(rng: np.random.Generator) -> Gray:
    """Print the pattern of paper that is hard to forge, and nothing on it."""
    high, wide = (int(side) for side in rng.integers(*SIDES, 2))
    return on_paper(paper_pattern((high, wide), rng.uniform(12, 40), rng), rng)


def noise(rng: np.random.Generator) -> Gray:
    """Take a picture of nothing: noise, finer or coarser."""
    high, wide = (int(side) for side in rng.integers(*SIDES, 2))
    grain = rng.standard_normal((high, wide), dtype=np.float32)
    coarse = cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.3, 4))
    coarse = (coarse - coarse.min()) / (coarse.max() - coarse.min())
    return np.asarray(255 * coarse, dtype=np.uint8)


def photo(rng: np.random.Generator) -> Gray:
    """Cut a piece out of a photo: a temple and a flower come with scikit-learn."""
    images = load_sample_images().images
    gray = cv2.cvtColor(images[int(rng.integers(len(images)))], cv2.COLOR_RGB2GRAY)
    high, wide = (int(side) for side in rng.integers(*SIDES, 2))
    top, left = int(rng.integers(gray.shape[0] - high)), int(rng.integers(gray.shape[1] - wide))
    return np.ascontiguousarray(gray[top : top + high, left : left + wide])


KINDS: dict[str, Callable[[np.random.Generator], Gray]] = {
    "word": word,
    "page": page,
    "arabic-indic": arabic_indic,
    "display": display,
    "pattern": pattern,
    "noise": noise,
    "photo": photo,
}


def text_line(words: int, letters: str, rng: np.random.Generator) -> FloatImage:
    """Print some random words in one font."""
    lengths = rng.integers(*WORD_LENGTHS, words)
    text = " ".join("".join(rng.choice(list(letters), length)) for length in lengths)
    return printed(text, height(rng), str(rng.choice(FONTS)))[0]


def height(rng: np.random.Generator) -> int:
    """Choose a height in pixels, small ones as often as large ones."""
    return round(float(np.exp(rng.uniform(*np.log(HEIGHTS)))))


def on_paper(ink: FloatImage, rng: np.random.Generator) -> Gray:
    """Put ink on paper, with some room around it, and scan it."""
    above, below, before, behind = rng.integers(2, 30, 4).tolist()
    padded = np.pad(ink, ((above, below), (before, behind)))
    light = rng.uniform(*PAPERS) * (1 - rng.uniform(*INKS) * padded)
    return scan(np.asarray(light, np.float32), float(HEIGHTS[0]), rng)
