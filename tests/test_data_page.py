"""Every figure of the data page is recomputed here, or cited on the page."""

import os
import re
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import lessonlib
from lessonlib import digits, handwriting, recipes, weights
from lessonlib.evaluation import wilson_interval
from lessonlib.synthesis.forms import VARIANTS
from lessonlib.synthesis.render import Difficulty, digits_of
from lessonlib.synthesis.samples import SAMPLES, SEED
from tools import datasheet

PAGE = datasheet.PAGE.read_text(encoding="utf-8")
CHECKS = lessonlib.data_path("checks")
IMAGES = sorted((CHECKS / "images").iterdir())

needs_mnist = pytest.mark.skipif(digits.source() != "mnist", reason="MNIST is not here")


def prose(page: str) -> str:
    """What is written by hand, on one line: no generated table, code or address."""
    text = re.sub(
        r"<!-- table.*?<!-- end -->|^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE
    )
    text = re.sub(r"`[^`]+`", "", re.sub(r"\]\([^)]+\)", "]", text))
    return " ".join(text.split())


def table(name: str) -> list[list[str]]:
    """The rows of a generated table, without its header."""
    (text,) = (found[0] for found in datasheet.TABLE.finditer(PAGE) if found[2] == name)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip(" `") for cell in line.strip("|").split(" |")] for line in lines[2:]]


# ---------------------------------------------------------------- the figures


@cache
def mnist() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], int]:
    """All images and labels, and how many of them are the training set's."""
    (images, labels), (more, more_labels) = digits.load("train"), digits.load("test")
    return np.concatenate([images, more]), np.concatenate([labels, more_labels]), len(images)


def bundled() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], int]:
    """All bundled digits and labels, and how many of them are the training split's."""
    (images, labels), (more, more_labels) = map(digits.load_bundled, ("train", "test"))  # type: ignore[arg-type]
    return np.concatenate([images, more]), np.concatenate([labels, more_labels]), len(images)


def centres(images: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The row and column of each image's centre of mass, shape (n, 2)."""
    pixels = images.reshape(len(images), -1).astype(np.float32)
    positions = np.mgrid[:28, :28].reshape(2, -1).T.astype(np.float32)
    return np.asarray(pixels @ positions / pixels.sum(axis=1, keepdims=True), dtype=np.float64)


def median_lean_of_a_one(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> float:
    """In degrees to the right, by the second moments of its ink."""
    ink = images[labels == 1].astype(float)
    y, x = np.mgrid[:28, :28][:, None] - centres(ink).T[:, :, None, None]
    shear = -(ink * x * y).sum(axis=(1, 2)) / (ink * y * y).sum(axis=(1, 2))
    return float(np.median(np.degrees(np.arctan(shear))))


def longer_sides(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How many pixels the ink of each image takes in its longer direction."""
    spans = [np.atleast_2d((images > 0).any(axis=axis)) for axis in (1, 2)]
    sides = [28 - s[:, ::-1].argmax(axis=1) - s.argmax(axis=1) for s in spans]
    return np.asarray(np.max(sides, axis=0), dtype=np.int64)


def counts(labels: npt.NDArray[np.int64], first: int, second: int) -> tuple[str, str]:
    """The rarest and the commonest digit's counts, if these are the digits."""
    found = np.bincount(labels)
    assert [int(found.argmin()), int(found.argmax())] == [first, second]
    return f"{found[first]:,}", f"{found[second]:,}"


@cache
def mnist_facts() -> dict[str, tuple[Any, ...]]:
    images, labels, trained = mnist()
    centre = centres(images)
    off = np.abs(centre - 14).max()
    sides = longer_sides(images)
    return {
        "| {:,} digits | people in the United States": (len(images),),
        "{:,} training and {:,} test images": (trained, len(images) - trained),
        "{} × {} pixels of one byte; {} is paper and {} is ink": (
            *images.shape[1:],
            images.min(),
            images.max(),
        ),
        "No two of the {:,} images are the same": (len({image.tobytes() for image in images}),),
        "{} fives and {} ones": counts(labels[:trained], 5, 1),
        "counted from 0, every centre of mass lies within {:.2f} pixels of row {:.0f} and "
        "column {:.0f}": (
            off,
            *centre.mean(axis=0),
        ),
        "the longer side is {} pixels in all but {} images": (
            np.bincount(sides).argmax(),
            (sides != 20).sum(),
        ),
        "the median one leans {:.0f} degrees to the right": (median_lean_of_a_one(images, labels),),
    }


def uci_facts() -> dict[str, tuple[Any, ...]]:
    raw = load_digits()
    images, labels, trained = bundled()
    people = re.search(
        r"total of (\d+) people, (\d+) contributed to the training set and different (\d+)",
        " ".join(raw.DESCR.split()),
    )
    assert people is not None
    both, others, ours = people.groups()
    coarse = re.search(r"(\d+)x\1 bitmaps .* blocks of (\d)x\2", " ".join(raw.DESCR.split()))
    assert coarse is not None
    tested = len(labels) - trained
    low, high = wilson_interval(round(0.95 * tested), tested)
    return {
        "| {:,} digits | {} people, of whom {} wrote ours": (len(labels), both, ours),
        "{:,} images of {} × {} pixels, each a number from {:.0f} to {:.0f}": (
            *raw.images.shape,
            raw.images.min(),
            raw.images.max(),
        ),
        "from {} eights to {} threes": counts(raw.target, 8, 3),
        "{} people wrote this part, and {} others the training part": (ours, others),
        "scaled each to {0} × {0} black and white pixels": (coarse[1],),
        "Each block of {0} × {0} of these": (coarse[2],),
        "enlarges each image to {0} × {0} pixels": (20,),  # tests/test_digits.py holds it
        "the first {:,} for training and the other {} for testing": (trained, tested),
        "{} × {} pixels leave little of a thin stroke": raw.images.shape[1:],
        "which of the {} people wrote an image": (ours,),
        "the median one leans {:.0f} degree to the left": (-median_lean_of_a_one(images, labels),),
        "With {} test images the 95 % interval around an accuracy of 95 % is about {:.0f} points": (
            tested,
            100 * (high - low),
        ),
    }


def others_facts() -> dict[str, tuple[Any, ...]]:
    pens, more_pens = handwriting.pen_digits("train"), handwriting.pen_digits("test")
    images, more_images = (
        handwriting.bitmap_digits("train")[0],
        handwriting.bitmap_digits("test")[0],
    )
    root = handwriting.find_handwriting()
    assert root is not None
    small, _ = handwriting.parse_semeion((root / "semeion.data").read_text("ascii"))
    large, tested = len(images) - len(small), len(more_images)
    writers = [len({pen.writer for pen in part}) for part in (pens, more_pens)]
    return {
        "{:,} digits | people in Turkey": (
            len(pens) + len(more_pens) + large + tested + len(small),
        ),
        "{:,} digits to train on and {:,} to test with": (len(pens), len(more_pens)),
        "{0} × {0} pixels: {1:,} and {2:,}.": (32, large, tested),
        "{0} × {0} pixels: {1:,}, to train on": (small.shape[1], len(small)),
        "The strokes are by {} people, those to test with by {} others": tuple(writers),
    }


def checks_facts() -> dict[str, tuple[Any, ...]]:
    texts = [row[1] for row in table("checks")[1:]]
    lengths = [len(digits_of(text)) for text in texts]
    sizes = [Image.open(path).size for path in IMAGES]
    widths, heights = zip(*sizes, strict=True)
    forms = [len(variants) for character, variants in VARIANTS.items() if character.isdecimal()]
    marks = sum(map(len, VARIANTS.values())) - sum(forms)
    knobs = fields(Difficulty)
    return {
        "| {} amounts | nobody": (SAMPLES,),
        "{} gray images of amounts, PNG, {:,} bytes in all": (
            len(IMAGES),
            sum(path.stat().st_size for path in IMAGES),
        ),
        "They show {} digits, from {} to {} in an image": (
            sum(lengths),
            min(lengths),
            max(lengths),
        ),
        "from {} to {} pixels high and {} to {} wide": (
            min(heights),
            max(heights),
            min(widths),
            max(widths),
        ),
        "drew them from seed {}": (SEED,),
        "in {} forms, shaken anew": (sum(forms),),
        "the marks have {}": (marks,),
        "all {} knobs of at {}": (len(knobs), knobs[0].default),
        "{} are few": (len(IMAGES),),
        "right, the 95 % interval still begins at {:.1f} %": (
            100 * wilson_interval(len(IMAGES), len(IMAGES))[0],
        ),
    }


def weights_facts() -> dict[str, tuple[Any, ...]]:
    accuracy = weights.read_record(weights.shipped_path("mlp"))["test_accuracy"]
    return {
        "it gets {:.2f} % of MNIST's test images right": (100 * accuracy,),
    }


# Figures of others: the text, and the label of the work or the address that it must be said with.
CITED = {
    "a square of 20 × 20 pixels": "LeCun et al., 2010",
    "2,000 employees and 500 students": "Yadav and Bottou, 2019",
    "15 wrong ones": "Northcutt et al., 2021",
    "of 3,823 images": "archive.ics.uci.edu/dataset/80/",
    "most use the 3,823": "archive.ics.uci.edu/dataset/80/",
    "CC BY-SA 3.0": "keras.io/api/datasets/mnist",
    "CC BY 4.0": "archive.ics.uci.edu/dataset/80/",
    "number 80": "archive.ics.uci.edu/dataset/80/",
    "16,316 digits": "UCI digits",  # the sum of those below
    "7,494 digits to train on and 3,498": "archive.ics.uci.edu/dataset/81/",
    "Bitmaps of 32 × 32 pixels: 1,934 and 1,797.": "archive.ics.uci.edu/dataset/80/",
    "Bitmaps of 16 × 16 pixels: 1,593": "archive.ics.uci.edu/dataset/178/",
    "The 1,797 are the": "archive.ics.uci.edu/dataset/80/",
    "by 30 people, those to test with by 14 others": "archive.ics.uci.edu/dataset/81/",
    "by 30 people and 13 others": "archive.ics.uci.edu/dataset/80/",
    "by about 80 people": "archive.ics.uci.edu/dataset/178/",
    "[81]": "archive.ics.uci.edu/dataset/81/",
    "[80]": "archive.ics.uci.edu/dataset/80/",
    "[178]": "archive.ics.uci.edu/dataset/178/",
}


def holds(facts: dict[str, tuple[Any, ...]]) -> None:
    text = prose(PAGE)
    for pattern, values in facts.items():
        assert pattern.format(*values) in text


@needs_mnist
def test_the_page_s_figures_of_mnist_are_right() -> None:
    holds(mnist_facts())


@pytest.mark.parametrize("facts", [uci_facts, checks_facts, weights_facts])
def test_the_page_s_figures_of_the_shipped_files_are_right(
    facts: Callable[[], dict[str, tuple[Any, ...]]],
) -> None:
    holds(facts())


def test_the_page_s_figures_of_other_people_s_digits_are_right() -> None:
    if "LESSONLIB_HANDWRITING_ROOT" not in os.environ:
        pytest.skip("other people's digits are not here")
    holds(others_facts())


@needs_mnist
def test_the_page_has_no_figure_that_is_neither_computed_here_nor_cited() -> None:
    text = prose(PAGE)
    for facts in (mnist_facts, uci_facts, checks_facts, weights_facts):
        for pattern, values in facts().items():
            text = text.replace(pattern.format(*values), "")
    for words in (*CITED, "SHA-256"):
        text = text.replace(words, "")
    text = re.sub(
        r"\[[^]]+, \d{4}\]|\[chapter \d+\]|[Cc]hapters? \[?\d+\]?( (to|and) \[?\d+\]?)?|doi:\S+",
        "",
        text,
    )
    assert re.findall(r".{0,30}\d.{0,30}", text) == []


@pytest.mark.parametrize(("words", "source"), CITED.items())
def test_a_cited_figure_is_in_the_paragraph_or_section_of_its_source(
    words: str, source: str
) -> None:
    sections = [" ".join(part.split()) for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)]
    assert any(words in section and source in section for section in sections)


# ---------------------------------------------------------------- the tables


def test_the_tables_match_the_files() -> None:
    assert datasheet.filled(PAGE) == PAGE, "run: .venv/bin/python -m tools.datasheet"


def test_every_table_is_on_the_page() -> None:
    named = [found[2] for found in datasheet.TABLE.finditer(PAGE)]
    assert sorted(named) == sorted(datasheet.TABLES)


@needs_mnist
def test_the_table_of_mnist_s_files_matches_a_copy() -> None:
    root = digits.find_mnist()
    assert root is not None
    assert digits.damaged_files(root) == []
    files = {path.name: path for path in (root / "MNIST" / "raw").iterdir()}
    for name, holding, size, digest in table("mnist"):
        assert files[name].stat().st_size == int(size.replace(",", ""))
        assert digest == digits.SHA256[name]
        split: Any = "train" if name.startswith("train") else "test"
        count = len(digits.load(split)[0])
        assert holding == f"{count:,} {name.split('-')[1]}"


def test_every_file_that_ships_is_in_a_table() -> None:
    listed = {Path(row[0]).name for name in ("checks", "weights") for row in table(name)}
    files = [path for path in CHECKS.parent.rglob("*") if path.is_file()]
    shipped = {path.name for path in files if path.parent.name != "quizzes"}  # text, no data
    assert shipped - listed == {"README.md", "desk.csv", "film.json", "gpu.csv"}
    assert listed <= shipped


def test_every_network_was_made_from_the_mnist_of_the_page() -> None:
    paths = [lessonlib.data_path("weights", row[0]) for row in table("weights")]
    assert {weights.shipped_path(name) for name in recipes.SHIPPED} <= set(paths)
    for path in paths:
        record = weights.read_record(path)
        assert record["data"] == digits.SHA256
        assert {"command", "data", "recipe", "seed", "versions"} <= set(record)


def test_a_changed_file_changes_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(row[::4] for row in table("checks"))
    (tmp_path / "images").mkdir()
    for path in (CHECKS / "labels.csv", *IMAGES):
        (tmp_path / path.relative_to(CHECKS)).write_bytes(path.read_bytes())
    with (tmp_path / "images" / "check-02.png").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr(datasheet, "data_path", lambda _, *parts: tmp_path.joinpath(*parts))
    after = {str(row[0]).strip("`"): str(row[4]).strip("`") for row in list(datasheet.checks())[1:]}
    assert [name for name in before if before[name] != after[name]] == ["check-02.png"]


def test_the_text_around_the_tables_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table: uci -->\nold\n<!-- end -->\nafter\n")
    monkeypatch.setattr(datasheet, "PAGE", page)
    datasheet.main()
    text = page.read_text()
    assert text.startswith("before\n<!-- table: uci -->\n\n| Array | Shape |")
    assert text.endswith("|\n\n<!-- end -->\nafter\n")
    assert "old" not in text
