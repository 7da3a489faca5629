"""Render the image of an amount field: writing, paper, ruled lines, scanner.

These are the fields of one bank's checks, 64 pixels high, with a knob for each difficulty; the
samples, and the fields that the chapters show, are made here. `fields` renders those of anyone's
paper, with `pattern` from here, and shares what owns ink.

The numbers below say what a field can look like. A pair is a range from which a number is drawn; a
"spread" is the standard deviation of a normal number. What is said of a knob of `Difficulty` holds
where it stands at 1. The readers that ship were trained on fields rendered with these numbers, so
whoever changes one makes samples and readers anew: ``make checks``, then ``make models``.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import FloatImage, Gray
from lessonlib.synthesis.forms import SHAPES
from lessonlib.synthesis.hands import Hand, drawn_hand

Owner = npt.NDArray[np.int16]  # shape (H, w): which character's ink a pixel is, or NOBODY

NOBODY = -1
INKED = 0.3  # a pixel with more ink than this counts as written on

# Lengths are pixels where nothing else is said.
HEIGHT = 64  # a field half an inch high, scanned at 130 dots per inch
BASELINE = 50  # the row that digits stand on
DIGIT_HEIGHT = 32  # of a digit of usual size
MARGIN = 14  # paper at the left and right
CHARACTER_ROOM = 110  # for a character and the gap after it: more than any takes on average

# Writing
PEN_WIDTHS = (2.0, 4.5)
MEAN_GAPS = (4, 9)  # a writer's mean gap between characters, times ...
GAP_SCALE = 1.3  # ... this less `touching`
GAP_SPREAD = 6  # with `touching`
SIZE_SPREAD = 0.2  # of a character's height, as a share of the usual one, with `unevenness`
SIZES = (0.5, 1.4)  # the smallest and largest height, as shares of the usual one
ROW_SPREAD = 2.4  # of the height above the baseline, with `unevenness`
CHAINING = 0.4  # the share of writers whose zeros in a row are one line
CHAIN_OVERLAPS = (0, 0.15)  # how far such zeros run into each other, as a share of their height

# Its slope: columns to the right for each row up, and rows down for each column
LEAN, LEAN_SPREAD = 0.12, 0.3  # with `slant`; most people lean to the right
LEANS = (-0.5, 0.8)
FALL_SPREAD = 0.05  # with `slant`
FALLS = (-0.1, 0.1)

# Ink, as shares of the paper's brightness
INK_DARKNESS = 0.85  # the darkest ink takes away this much. The pattern still shows through it
PALEST = 0.8  # the share of its darkness that ink loses at most, with `contrast` ...
PALENESS = (0.5, 1.0)  # ... times this
DILUTIONS = (0.9, 1.0)  # times the ink's darkness, whatever the `contrast`

# Printed lines
LINE_BRIGHTNESS = (0.35, 0.7)  # as shares of the paper's
LINE_SHARE = 1.2  # the probability of a line below the digits, with `lines`; certain from 0.84 on
TOP_LINE_SHARE = 0.4  # the probability of a line above them, as a share of that below
LINE_GAPS = (-4, 12)  # between digits and line: below 0 the line runs through their feet or heads
LINE_SHIFT = 8  # `lines` adds half of this to the gap where it is 0, and takes as much away at 1
LINE_SLOPE_SPREAD = 0.006  # rows for each column
SIDE_SHARE = 0.2  # the probability of a box's left side, and of its right side, with `lines`
LINE_WIDTHS = (1, 3)  # 1 or 2: the end is not among them

# Paper, in gray levels from 0 to 255
TINTS = (225, 245)
DARKENING = 80  # the tint is darker by up to this, with `contrast`
SHADINGS_ACROSS = (-60, 60)  # from the left to the right edge, with `shading`
SHADINGS_DOWN = (-30, 30)
PATTERN_DEPTH = 50  # how much darker than the paper the darkest print is, with `texture`, times ...
PATTERN_STRENGTHS = (0.2, 1)  # ... this
PATTERNS = {"waves": 0.45, "crossed waves": 0.25, "weave": 0.15, "blots": 0.15}  # probabilities
BLOT_SIZES = (0.7, 2.5)  # the spread of the blur that makes blots of grain
WEAVE_PITCHES = (3, 6)  # from thread to thread
WAVE_PITCHES = (4, 11)  # from line to line
SWINGS = (0, 0.5)  # how far a line swings to its sides, in pitches ...
SWING_LENGTHS = (15, 70)  # ... and over which length
WAVE_SHARPNESSES = (1, 8)  # the larger, the thinner the lines, and the more paper between them

# The scanner
BLUR, MOST_BLUR = 0.4, 1.4  # the least spread, and what is added at most with `blur`
NOISE, MOST_NOISE = 0.5, 10  # gray levels, of the spread; the same with `noise`
QUALITY_LOSS = 60  # of JPEG's 100, at most, with `noise`

# Cutting out
MOST_ROOM = 18  # paper beside the ink at any side, where `clipping` is 0
CLIPPING_FROM = 0.5  # from this `clipping` on the ink itself is cut off ...
CLIPPED = 3  # ... by so many pixels for each 1 more


@dataclass(frozen=True)
class Difficulty:
    """What makes a field hard to read: each from 0 (not at all) over 0.5 (usual) to 1 (severe).

    Attributes
    ----------
    texture : float
        How dark the printed pattern of the paper is.
    shading : float
        How far the light falls off across the field.
    contrast : float
        How pale the ink is against the paper.
    noise : float
        The scanner's noise and compression.
    blur : float
        How much is out of focus, or scanned too coarsely.
    lines : float
        Share of the fields with ruled lines, and how close these come to the digits.
    slant : float
        How far the writing leans, and rises or falls.
    touching : float
        How close the characters stand.
    unevenness : float
        How much the digits of a field differ in size and place.
    clipping : float
        How tightly the field was cut out; beyond 0.5, through the ink.
    """

    texture: float = 0.5
    shading: float = 0.5
    contrast: float = 0.5
    noise: float = 0.5
    blur: float = 0.5
    lines: float = 0.5
    slant: float = 0.5
    touching: float = 0.5
    unevenness: float = 0.5
    clipping: float = 0.5

    def __post_init__(self) -> None:
        """Check the range of each."""
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must lie between 0 (none) and 1 (severe), not {value}")


MEDIUM = Difficulty()


@dataclass(frozen=True, eq=False)
class Writing:
    """Ink, and whose it is.

    Attributes
    ----------
    ink : float32 array, shape (64, w)
        1 where the pen was.
    owner : int16 array, shape (64, w)
        Position in the amount of the character that the ink belongs to; `NOBODY` elsewhere.
    """

    ink: FloatImage
    owner: Owner


@dataclass(frozen=True)
class Habits:
    """How one writer sets characters side by side; lengths in pixels."""

    pen: float  # its width
    gap: float  # the mean gap between two characters ...
    gap_spread: float  # ... and its standard deviation
    size_spread: float  # the standard deviation of their heights, as a share of the usual one ...
    row_spread: float  # ... and of their feet above or below the baseline
    chains_zeros: bool  # whether zeros in a row are one line


def render(
    amount: str,
    seed: int | np.random.Generator,
    difficulty: Difficulty = MEDIUM,
    hand: Hand | None = None,
) -> Gray:
    """Draw the image of an amount field.

    Parameters
    ----------
    amount : str
        Digits, with marks of `forms.SHAPES` between or around them, as "$1,250.00" or "320.-".
    seed : int or numpy Generator
        Chooses the handwriting and the paper; the same seed gives the same image.
    difficulty : Difficulty
    hand : Hand, optional
        Who writes; `drawn_hand` when not given.

    Returns
    -------
    uint8 array, shape (H, W)
        H is 64 or less.

    Raises
    ------
    ValueError
        When the amount holds another character, or no digit.

    Examples
    --------
    >>> pale = Difficulty(contrast=1.0, lines=0.0)
    >>> field = render("$1,250.00", seed=3, difficulty=pale)
    >>> field.dtype, len(field) <= 64
    (dtype('uint8'), True)
    """
    return render_with_owner(amount, seed, difficulty, hand)[0]


def render_with_owner(
    amount: str,
    seed: int | np.random.Generator,
    difficulty: Difficulty = MEDIUM,
    hand: Hand | None = None,
) -> tuple[Gray, Owner]:
    """Draw the field that `render` draws, and say which character each pixel belongs to.

    Returns
    -------
    image : uint8 array, shape (H, W)
    owner : int16 array, shape (H, W)
        Positions in `amount`, or `NOBODY` for paper, lines and pattern.

    Examples
    --------
    >>> image, owner = render_with_owner("7,3", seed=3)
    >>> comma = image[owner == 1]
    >>> bool(comma.mean() < image.mean())
    True
    """
    if not set(amount) <= set(SHAPES) or not digits_of(amount):
        marks = " ".join(mark for mark in SHAPES if not mark.isdecimal())
        raise ValueError(
            f'an amount has digits and "{marks}" only, and one digit at least; not {amount!r}'
        )
    rng = np.random.default_rng(seed)
    writing = lean(write_amount(amount, rng, difficulty, hand or drawn_hand), rng, difficulty)
    width = writing.ink.shape[1]
    field = paper(width, rng, difficulty)
    brightness = float(np.median(field))
    line = ruled_lines(width, rng, difficulty)
    field += line * (rng.uniform(*LINE_BRIGHTNESS) * brightness - field)
    paleness = PALEST * difficulty.contrast * rng.uniform(*PALENESS)
    darkness = brightness * (1 - paleness) * INK_DARKNESS
    field -= writing.ink * darkness * rng.uniform(*DILUTIONS)
    image = scan(field, rng, difficulty)
    top, bottom, left, right = cut_out(writing.ink, rng, difficulty)
    return image[top:bottom, left:right], writing.owner[top:bottom, left:right]


def digits_of(amount: str) -> str:
    """Keep an amount's digits: what a reader should return.

    Examples
    --------
    >>> digits_of("$1,250.00-")
    '125000'
    """
    return "".join(c for c in amount if c.isdecimal())


def write_amount(
    amount: str, rng: np.random.Generator, difficulty: Difficulty, hand: Hand
) -> Writing:
    """Set digits and marks side by side on one baseline, not quite evenly."""
    habits = draw_habits(rng, difficulty)
    ink = np.zeros((HEIGHT, 2 * MARGIN + CHARACTER_ROOM * len(amount)), dtype=np.float32)
    writing = Writing(ink, np.full(ink.shape, NOBODY, dtype=np.int16))
    x = MARGIN
    for position, character in enumerate(amount):
        size = np.clip(1 + habits.size_spread * rng.normal(), *SIZES)
        height = float(DIGIT_HEIGHT * size)
        if habits.chains_zeros and amount[: position + 1].endswith("00"):
            x -= round(habits.gap + rng.uniform(*CHAIN_OVERLAPS) * height)
        glyph, below = hand(character, height, habits.pen, rng)
        bottom = BASELINE + below + round(habits.row_spread * rng.normal())
        put(glyph, writing, bottom, x, position)
        gap = round(habits.gap + habits.gap_spread * rng.normal())
        x = max(MARGIN, x + glyph.shape[1] + gap)
    return Writing(writing.ink[:, : x + MARGIN], writing.owner[:, : x + MARGIN])


def draw_habits(rng: np.random.Generator, difficulty: Difficulty) -> Habits:
    """Choose a writer's habits by chance."""
    return Habits(
        pen=rng.uniform(*PEN_WIDTHS),
        gap=rng.uniform(*MEAN_GAPS) * (GAP_SCALE - difficulty.touching),
        gap_spread=GAP_SPREAD * difficulty.touching,
        size_spread=SIZE_SPREAD * difficulty.unevenness,
        row_spread=ROW_SPREAD * difficulty.unevenness,
        chains_zeros=rng.random() < CHAINING,
    )


def put(glyph: FloatImage, writing: Writing, bottom: int, left: int, position: int) -> None:
    """Add a character's ink to a field, in place; what lies above or below the field is lost.

    `bottom` is the first row below it, `left` its first column, `position` its place in the amount.
    """
    top = bottom - len(glyph)
    glyph = glyph[max(0, -top) : len(glyph) - max(0, bottom - HEIGHT)]
    top = max(0, top)
    place = slice(top, top + len(glyph)), slice(left, left + glyph.shape[1])
    ink, owner = writing.ink[place], writing.owner[place]
    owner[glyph > np.maximum(ink, INKED)] = position  # where two meet, the darker ink owns
    np.maximum(ink, glyph, out=ink)


def lean(writing: Writing, rng: np.random.Generator, difficulty: Difficulty) -> Writing:
    """Lean writing over, and let it rise or fall along the field; it may get wider."""
    shear = LEAN * difficulty.slant + LEAN_SPREAD * difficulty.slant * rng.normal()
    fall = np.clip(FALL_SPREAD * difficulty.slant * rng.normal(), *FALLS)
    shear = float(np.clip(shear, *LEANS))
    middle = writing.ink.shape[1] / 2
    extra = round(abs(shear) * HEIGHT / 2)  # columns at either side
    matrix = np.array([[1, -shear, shear * BASELINE + extra], [fall, 1, -fall * middle]])
    size = (writing.ink.shape[1] + 2 * extra, HEIGHT)
    ink = cv2.warpAffine(writing.ink, matrix, size, flags=cv2.INTER_LINEAR)
    owner = cv2.warpAffine(
        writing.owner, matrix, size, flags=cv2.INTER_NEAREST, borderValue=float(NOBODY)
    )
    return Writing(np.asarray(ink, dtype=np.float32), np.asarray(owner, dtype=np.int16))


def ruled_lines(width: int, rng: np.random.Generator, difficulty: Difficulty) -> FloatImage:
    """Print the line that the amount is written on, and at times sides of a box around it.

    Returns
    -------
    float32 array, shape (64, width)
        1 where a line is.
    """
    printed = np.zeros((HEIGHT, width), dtype=np.float32)
    share = LINE_SHARE * difficulty.lines
    for edge, down, probability in (
        (BASELINE, 1, share),
        (BASELINE - DIGIT_HEIGHT, -1, share * TOP_LINE_SHARE),
    ):
        if rng.random() < probability:
            gap = rng.uniform(*LINE_GAPS) + LINE_SHIFT * (0.5 - difficulty.lines)
            row, slope = edge + down * gap, rng.normal() * LINE_SLOPE_SPREAD
            start, stop = (0, round(row)), (width, round(row + slope * width))
            cv2.line(printed, start, stop, 1.0, int(rng.integers(*LINE_WIDTHS)), cv2.LINE_AA)
    for left, right in ((0, MARGIN), (width - MARGIN, width)):
        if rng.random() < SIDE_SHARE * difficulty.lines:
            column = int(rng.integers(left, right))
            start, stop = (column, 0), (column, HEIGHT)
            cv2.line(printed, start, stop, 1.0, int(rng.integers(*LINE_WIDTHS)))
    return printed


def paper(width: int, rng: np.random.Generator, difficulty: Difficulty) -> FloatImage:
    """Make a strip of check paper: a tint, a printed pattern, shading across.

    Returns
    -------
    float32 array, shape (64, width)
        Gray levels, not rounded and not limited.
    """
    y, x = np.mgrid[:HEIGHT, :width].astype(np.float32)
    tint = rng.uniform(*TINTS) - DARKENING * difficulty.contrast * rng.random()
    across = rng.uniform(*SHADINGS_ACROSS) * (x / width - 0.5)
    down = rng.uniform(*SHADINGS_DOWN) * (y / HEIGHT - 0.5)
    depth = PATTERN_DEPTH * difficulty.texture * rng.uniform(*PATTERN_STRENGTHS)
    field = tint + difficulty.shading * (across + down) - depth * pattern(x, y, rng)
    return np.asarray(field, dtype=np.float32)


def pattern(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Print waves of thin lines, a weave, or blots, as on paper that is hard to forge.

    Parameters
    ----------
    x, y : float32 arrays, shape (h, w)
        Column and row of each pixel.
    rng : numpy Generator

    Returns
    -------
    float32 array, shape (h, w)
        0 is bare paper, 1 the darkest print.
    """
    kind = rng.choice(list(PATTERNS), p=list(PATTERNS.values()))
    if kind == "blots":
        grain = rng.random(x.shape, dtype=np.float32)
        blurred = cv2.GaussianBlur(grain, (0, 0), rng.uniform(*BLOT_SIZES))
        low, high = blurred.min(), blurred.max()
        return np.asarray((blurred - low) / (high - low), dtype=np.float32)
    if kind == "weave":
        pitch = rng.uniform(*WEAVE_PITCHES)
        weave = np.sin(2 * np.pi * x / pitch) * np.sin(2 * np.pi * y / pitch)
        return np.asarray(0.5 + 0.5 * weave, dtype=np.float32)
    first = waves(x, y, rng)
    return np.maximum(first, waves(x, y, rng)) if kind == "crossed waves" else first


def waves(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Print a family of thin wavy lines; takes and returns what `pattern` does."""
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(*WAVE_PITCHES)
    along = x * np.sin(angle) - y * np.cos(angle)
    across = x * np.cos(angle) + y * np.sin(angle)
    swing = rng.uniform(*SWINGS) * pitch * np.sin(2 * np.pi * along / rng.uniform(*SWING_LENGTHS))
    phase = (across + swing) / pitch
    sharpness = rng.uniform(*WAVE_SHARPNESSES)
    return np.asarray((0.5 + 0.5 * np.cos(2 * np.pi * phase)) ** sharpness, dtype=np.float32)


def scan(field: FloatImage, rng: np.random.Generator, difficulty: Difficulty) -> Gray:
    """Scan a field: blur it, add noise, round to gray levels, and compress."""
    blur = BLUR + MOST_BLUR * difficulty.blur * rng.random()
    noise = NOISE + MOST_NOISE * difficulty.noise * rng.random()
    blurred = cv2.GaussianBlur(field, (0, 0), blur)
    levels = np.clip(blurred + rng.normal(0, noise, field.shape), 0, 255).round().astype(np.uint8)
    if rng.random() < difficulty.noise:
        quality = int(100 - QUALITY_LOSS * difficulty.noise * rng.random())
        _, compressed = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        levels = np.asarray(cv2.imdecode(compressed, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return levels


def cut_out(
    ink: FloatImage, rng: np.random.Generator, difficulty: Difficulty
) -> tuple[int, int, int, int]:
    """Choose where a field is cut out.

    Returns
    -------
    top, bottom, left, right : int
        Rows and columns; bottom and right are the first ones outside.
    """
    inked = ink > INKED
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    clipped = CLIPPED * max(0, difficulty.clipping - CLIPPING_FROM)
    above, below, before, behind = MOST_ROOM * (1 - difficulty.clipping) * rng.random(4) - clipped
    top = max(0, round(rows[0] - above))
    bottom = min(HEIGHT, round(rows[-1] + 1 + below))
    left = max(0, round(columns[0] - before))
    right = min(ink.shape[1], round(columns[-1] + 1 + behind))
    return top, bottom, left, right
