"""What a visitor sees first: README, the book's first page, and the figures that README quotes."""

import csv
import re
from pathlib import Path

import pytest

import make
from tools import bench, notebooks

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
INDEX = (ROOT / "chapters" / "index.md").read_text(encoding="utf-8")
SCREEN = 30  # lines of Markdown that a screen shows, about


def table(name: str) -> dict[str, list[str]]:
    """The rows of one of the benchmarks' tables, by what they measure."""
    with (bench.TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row[0]: row[1:] for row in csv.reader(file)}


def shown(name: str) -> dict[str, list[str]]:
    """The rows of a table about readers, with the columns of those that README shows."""
    rows = table(name)
    readers = next(iter(rows.values()))
    places = [readers.index(reader) for reader in ("MLP", "CNN", "Line", "Ensemble")]
    return {measure: [row[place] for place in places] for measure, row in rows.items()}


def readme_row(start: str) -> list[str]:
    """The readers' figures in README's table, in the row after "240", "180" or so."""
    lines = README.splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {start}")]
    return [cell.strip() for cell in row.strip("|").split("|")[1:]]


def percent(cell: str) -> str:
    return f"{float(cell.split(' %')[0]):.0f} %"


def test_readme_is_short() -> None:
    assert len(README.split()) < 700


def test_readme_s_first_screen_says_what_it_is_and_how_to_start() -> None:
    screen = "\n".join(README.splitlines()[:SCREEN])
    for part in ("![", "git clone https", "make book", "make test", "make lab", "colab.research"):
        assert part in screen
    assert "1943" in screen
    assert "bank check" in screen


def test_the_book_s_first_page_has_its_three_ways_before_the_map() -> None:
    screen = INDEX[: INDEX.index("## The map")]
    assert re.findall(r"^\*\*(.+?)\.\*\*", screen, re.MULTILINE) == [
        "Read it",
        "Run one chapter",
        "Teach with it",
    ]
    assert len(screen.splitlines()) <= SCREEN


def test_every_make_command_that_the_pages_name_exists() -> None:
    pages = [README, CONTRIBUTING, *(p.read_text("utf-8") for p in ROOT.glob("chapters/*.md"))]
    named = {name for page in pages for name in re.findall(r"`make ([\w-]+)`", page)}
    assert named
    assert named - make.TARGETS.keys() == set()


WORDS = ["a minute", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
MORE = ["eleven", "twelve", "thirteen", "fourteen", "fifteen"]
MINUTES = {word: number for number, word in enumerate([*WORDS, *MORE], start=1)}


@pytest.mark.parametrize("command", ["book", "test"])
def test_readme_and_contributing_agree_on_how_long_a_command_takes(command: str) -> None:
    (claimed,) = re.findall(rf"`make {command}`(?: takes)? ({'|'.join(MINUTES)})\b", README)
    (row,) = re.findall(rf"^\| `make {command}` \|.*\| (.+?) \|$", CONTRIBUTING, re.MULTILINE)
    assert row.removesuffix("s") == f"{MINUTES[claimed]} minute"


@pytest.mark.parametrize("name", [*bench.PARTS, *bench.FOLDER_PARTS])
def test_the_book_shows_every_table_of_the_benchmarks_and_what_it_ran_on(name: str) -> None:
    pages = [page.read_text(encoding="utf-8") for page in ROOT.glob("chapters/*.md")]
    assert any(f":file: benchmarks/{name}.csv" in page for page in pages)
    assert name in table("runs")
    assert table(name)


def test_readme_s_figures_of_the_240_are_those_of_the_benchmark() -> None:
    real = shown("real")
    assert real["Fields"] == ["240"] * 4
    assert readme_row("240 real") == [percent(cell) for cell in real["Exactly right"]]
    accepted = [percent(cell) for cell in real["Accept rate at 1 % error"]]
    assert accepted == readme_row("accepted of the 240")


def test_readme_s_figures_of_rendered_fields_are_those_of_the_benchmark() -> None:
    reading = shown("reading")
    # With a decimal: 99.5 % must not become 100 %.
    exact = [cell.split(" (")[0] for cell in reading["Exactly right, 1,000 rendered fields"]]
    assert readme_row("1,000 rendered") == exact
    assert readme_row("fields a second") == reading["Fields a second, idle cores"]


def test_readme_s_figures_of_other_images_are_those_of_the_benchmark() -> None:
    cases = shown("cases")
    assert cases["Images"] == ["180"] * 4
    assert readme_row("180 other") == [percent(cell) for cell in cases["Exactly right"]]


def test_contributing_s_table_of_the_house_names_every_chapter_and_only_what_there_is() -> None:
    lines = [line for line in CONTRIBUTING.splitlines() if re.match(r"\| `\d+-", line)]
    rows = [[re.findall(r"`([^`]+)`", cell) for cell in line.split("|")[1:-1]] for line in lines]
    assert [row[0] for row in rows] == [[path.stem] for path in notebooks.chapters()]
    package = ROOT / "src" / "lessonlib"
    for _, modules, figures, exercises, tests in rows:
        for name in (*modules, *figures, *exercises):
            assert (package / f"{name}.py").is_file() or (package / name).is_dir(), name
        assert {(ROOT / "tests" / f"{name}.py").is_file() for name in tests} == {True}
