"""Render the image of an amount field: writing, paper, ruled lines, scanner."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lessonlib.checks.image import FloatImage, Gray
from lessonlib.synthesis.hands import Hand, drawn_hand

Owner = npt.NDArray[np.int16]  # shape (H, w): which character's ink a pixel is, or NOBODY


CHARACTERS = "0123456789.,-=$*#"
NOBODY = -1
HEIGHT = 64  # pixels: a field half an inch high, scanned at 130 dots per inch
BASELINE = 50  # the row that digits stand on
DIGIT_HEIGHT = 32  # pixels, of a digit of usual size
MARGIN = 14  # pixels of paper at the left and right


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
    ink : float32 array, shape (H, W)
        1 where the pen was.
    owner : int16 array, shape (H, W)
        Position in the amount of the character that the ink belongs to; `NOBODY` elsewhere.
    """

    ink: FloatImage
    owner: Owner


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
        Digits, and ``. , - = $ * #`` between or around them, as "$1,250.00" or "320.-".
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
    """
    return render_with_owner(amount, seed, difficulty, hand)[0]


def render_with_owner(
    amount: str,
    seed: int | np.random.Generator,
    difficulty: Difficulty = MEDIUM,
    hand: Hand | None = None,
) -> tuple[Gray, Owner]:
    """Draw the image of an amount field, and say which character each pixel belongs to.

    Parameters
    ----------
    amount, seed, difficulty, hand
        As for `render`, which raises the same.

    Returns
    -------
    image : uint8 array, shape (H, W)
    owner : int16 array, shape (H, W)
        Positions in `amount`, or `NOBODY` for paper, lines and pattern.
    """
    if not set(amount) <= set(CHARACTERS) or not digits_of(amount):
        raise ValueError(
            f'an amount has digits and ". , - = $ * #" only, and one digit at least; not {amount!r}'
        )
    rng = np.random.default_rng(seed)
    writing = lean(write_amount(amount, rng, difficulty, hand or drawn_hand), rng, difficulty)
    width = writing.ink.shape[1]
    field = paper(width, rng, difficulty)
    paper_level = float(np.median(field))
    line = ruled_lines(width, rng, difficulty)
    field += line * (rng.uniform(0.35, 0.7) * paper_level - field)
    # Ink is translucent: the pattern shows through it a little.
    depth = paper_level * (1 - 0.8 * difficulty.contrast * rng.uniform(0.5, 1)) * 0.85
    field -= writing.ink * depth * rng.uniform(0.9, 1.0)
    image = scan(field, rng, difficulty)
    top, bottom, left, right = margins(writing.ink, rng, difficulty)
    return image[top:bottom, left:right], writing.owner[top:bottom, left:right]


def digits_of(amount: str) -> str:
    """Keep an amount's digits: what a reader should return.

    Parameters
    ----------
    amount : str

    Returns
    -------
    str
    """
    return "".join(c for c in amount if c.isdecimal())


def write_amount(
    amount: str, rng: np.random.Generator, difficulty: Difficulty, hand: Hand
) -> Writing:
    """Set digits and marks side by side on one baseline, not quite evenly.

    Parameters
    ----------
    amount : str
    rng : numpy Generator
    difficulty : Difficulty
    hand : Hand

    Returns
    -------
    Writing
        64 pixels high.
    """
    pen = rng.uniform(2.0, 4.5)
    loose = rng.uniform(4, 9) * (1.3 - difficulty.touching)  # mean gap between characters
    spread = 6 * difficulty.touching
    uneven = 0.2 * difficulty.unevenness
    chained = rng.random() < 0.4  # this writer's zeros in a row are one line
    ink = np.zeros((HEIGHT, 2 * MARGIN + 110 * len(amount)), dtype=np.float32)
    owner = np.full(ink.shape, NOBODY, dtype=np.int16)
    x = MARGIN
    for position, character in enumerate(amount):
        height = DIGIT_HEIGHT * (1 + uneven * rng.normal())
        height = float(np.clip(height, 0.5 * DIGIT_HEIGHT, 1.4 * DIGIT_HEIGHT))
        if chained and amount[max(0, position - 1) : position + 1] == "00":
            x -= round(loose + rng.uniform(0, 0.15) * height)
        glyph, below = hand(character, height, pen, rng)
        bottom = BASELINE + below + round(rng.normal() * 12 * uneven)
        top = bottom - glyph.shape[0]
        glyph = glyph[max(0, -top) : glyph.shape[0] - max(0, bottom - HEIGHT)]
        top = max(top, 0)
        rows, columns = slice(top, top + glyph.shape[0]), slice(x, x + glyph.shape[1])
        owner[rows, columns][glyph > np.maximum(ink[rows, columns], 0.3)] = position
        np.maximum(ink[rows, columns], glyph, out=ink[rows, columns])
        x = max(MARGIN, x + glyph.shape[1] + round(loose + spread * rng.normal()))
    return Writing(ink[:, : x + MARGIN], owner[:, : x + MARGIN])


def lean(writing: Writing, rng: np.random.Generator, difficulty: Difficulty) -> Writing:
    """Lean writing over, and let it rise or fall along the field.

    Parameters
    ----------
    writing : Writing
    rng : numpy Generator
    difficulty : Difficulty

    Returns
    -------
    Writing
    """
    shear = 0.12 * difficulty.slant + 0.3 * difficulty.slant * rng.normal()  # most lean right
    rise = np.clip(0.05 * difficulty.slant * rng.normal(), -0.1, 0.1)
    shear = float(np.clip(shear, -0.5, 0.8))
    middle = writing.ink.shape[1] / 2
    extra = round(abs(shear) * HEIGHT / 2)
    matrix = np.array([[1, -shear, shear * BASELINE + extra], [rise, 1, -rise * middle]])
    size = (writing.ink.shape[1] + 2 * extra, HEIGHT)
    ink = cv2.warpAffine(writing.ink, matrix, size, flags=cv2.INTER_LINEAR)
    owner = cv2.warpAffine(
        writing.owner, matrix, size, flags=cv2.INTER_NEAREST, borderValue=float(NOBODY)
    )
    return Writing(np.asarray(ink, dtype=np.float32), np.asarray(owner, dtype=np.int16))


def ruled_lines(width: int, rng: np.random.Generator, difficulty: Difficulty) -> FloatImage:
    """Print the line that the amount is written on, and at times sides of a box around it.

    Parameters
    ----------
    width : int
        In pixels.
    rng : numpy Generator
    difficulty : Difficulty

    Returns
    -------
    float32 array, shape (64, width)
    """
    printed = np.zeros((HEIGHT, width), dtype=np.float32)
    for edge, side in ((BASELINE, 1), (BASELINE - DIGIT_HEIGHT, -1)):
        if rng.random() < 1.2 * difficulty.lines * (1 if side > 0 else 0.4):
            gap = rng.uniform(-4, 12) + 8 * (0.5 - difficulty.lines)
            row, slope = edge + side * gap, rng.normal() * 0.006
            start, stop = (0, round(row)), (width, round(row + slope * width))
            cv2.line(printed, start, stop, 1.0, int(rng.integers(1, 3)), cv2.LINE_AA)
    for left, right in ((0, MARGIN), (width - MARGIN, width)):
        if rng.random() < 0.2 * difficulty.lines:
            column = int(rng.integers(left, right))
            cv2.line(printed, (column, 0), (column, HEIGHT), 1.0, int(rng.integers(1, 3)))
    return printed


def paper(width: int, rng: np.random.Generator, difficulty: Difficulty) -> FloatImage:
    """Make a strip of check paper: a tint, a printed pattern, shading across.

    Parameters
    ----------
    width : int
        In pixels.
    rng : numpy Generator
    difficulty : Difficulty

    Returns
    -------
    float32 array, shape (64, width)
        Gray levels.
    """
    y, x = np.mgrid[:HEIGHT, :width].astype(np.float32)
    tint = rng.uniform(225, 245) - 80 * difficulty.contrast * rng.random()
    shading = difficulty.shading * (
        rng.uniform(-60, 60) * (x / width - 0.5) + rng.uniform(-30, 30) * (y / HEIGHT - 0.5)
    )
    strength = 50 * difficulty.texture * rng.uniform(0.2, 1)
    field = tint + shading - strength * pattern(x, y, rng)
    return np.asarray(field, dtype=np.float32)


def pattern(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Print waves of thin lines, a weave, or blots, as on paper that is hard to forge.

    Parameters
    ----------
    x, y : float32 arrays, shape (64, w)
        Column and row of each pixel.
    rng : numpy Generator

    Returns
    -------
    float32 array, shape (64, w)
        0 is bare paper, 1 the darkest print.
    """
    kind = rng.choice(["waves", "crossed waves", "weave", "blots"], p=[0.45, 0.25, 0.15, 0.15])
    if kind == "blots":
        grain = rng.random((HEIGHT, x.shape[1]), dtype=np.float32)
        blurred = cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.7, 2.5))
        low, high = blurred.min(), blurred.max()
        return np.asarray((blurred - low) / (high - low), dtype=np.float32)
    if kind == "weave":
        pitch = rng.uniform(3, 6)
        weave = np.sin(2 * np.pi * x / pitch) * np.sin(2 * np.pi * y / pitch)
        return np.asarray(0.5 + 0.5 * weave, dtype=np.float32)
    waves = _waves(x, y, rng)
    return np.maximum(waves, _waves(x, y, rng)) if kind == "crossed waves" else waves


def _waves(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Draw a family of thin wavy lines."""
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(4, 11)
    along = x * np.sin(angle) - y * np.cos(angle)
    swing = rng.uniform(0, 0.5) * pitch * np.sin(2 * np.pi * along / rng.uniform(15, 70))
    phase = (x * np.cos(angle) + y * np.sin(angle) + swing) / pitch
    sharpness = rng.uniform(1, 8)  # the thinner the lines, the more paper between them
    return np.asarray((0.5 + 0.5 * np.cos(2 * np.pi * phase)) ** sharpness, dtype=np.float32)


def scan(field: FloatImage, rng: np.random.Generator, difficulty: Difficulty) -> Gray:
    """Scan a field: blur it, add noise, round to gray levels, and compress.

    Parameters
    ----------
    field : float32 array, shape (64, w)
        Gray levels, not yet rounded.
    rng : numpy Generator
    difficulty : Difficulty

    Returns
    -------
    uint8 array, shape (64, w)
    """
    seen = cv2.GaussianBlur(field, (0, 0), 0.4 + 1.4 * difficulty.blur * rng.random())
    seen = seen + rng.normal(0, 0.5 + 10 * difficulty.noise * rng.random(), field.shape)
    levels = np.clip(seen, 0, 255).round().astype(np.uint8)
    if rng.random() < difficulty.noise:
        quality = int(100 - 60 * difficulty.noise * rng.random())
        _, compressed = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        levels = np.asarray(cv2.imdecode(compressed, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return levels


def margins(
    ink: FloatImage, rng: np.random.Generator, difficulty: Difficulty
) -> tuple[int, int, int, int]:
    """Choose where a field is cut out.

    Parameters
    ----------
    ink : float32 array, shape (64, w)
    rng : numpy Generator
    difficulty : Difficulty

    Returns
    -------
    top, bottom, left, right : int
        Rows and columns; bottom and right are the first ones outside.
    """
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.3), np.flatnonzero(ink.max(axis=0) > 0.3)
    room = 18 * (1 - difficulty.clipping) * rng.random(4) - 3 * max(0, difficulty.clipping - 0.5)
    top, left = (
        max(0, round(edge - free)) for edge, free in ((rows[0], room[0]), (columns[0], room[2]))
    )
    bottom = min(HEIGHT, round(rows[-1] + 1 + room[1]))
    right = min(ink.shape[1], round(columns[-1] + 1 + room[3]))
    return top, bottom, left, right
