"""Where other people's digits come from, and what is made of them. A tiny stand-in replaces UCI."""

import hashlib
import http.server
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from lessonlib import digits, handwriting
from tests.packed import packed
from tests.rows import each
from tests.test_digits import Mirror

UNIPEN = """\
.LEXICON "0" "1" "2"
.HIERARCHY DIGIT

.SEGMENT DIGIT   0-1 ? "{label}"
.COMMENT {label} {writer} 151
.PEN_DOWN
 100 300
 150 200
 100 100
.PEN_UP
.DT 100
.PEN_DOWN
  50 200
 130 200
.PEN_UP
.DT 100

.SEGMENT DIGIT 2 ? "1"
.COMMENT 1 26 54
.PEN_DOWN
 20 90
 20 40
.PEN_UP
.DT 100
"""


def optdigits(label: int) -> str:
    """Write a file of one bitmap of 32x32, a frame of 24 columns, as the originals are written."""
    ring = "0000" + 4 * "1" + 16 * "{}" + 4 * "1" + "0000"
    rows = [ring.format(*("1" if row in (0, 31) else "0") * 16) for row in range(32)]
    return "\n".join(["Training file", "", "entwidth = 32", "ntot = 1", *rows, f" {label}", ""])


def semeion(labels: list[int], between: str = " ") -> str:
    """Write a file of upright strokes of 3x16 pixels, as the originals are written."""
    row = ["0.0000"] * 6 + ["1.0000"] * 3 + ["0.0000"] * 7
    return "".join(
        between.join(row * 16 + ["1" if label == place else "0" for place in range(10)]) + " \r\n"
        for label in labels
    )


class Tiny:
    """A digit or two in each of the files, and the archives that hold them."""

    def __init__(self, folder: Path) -> None:
        self.mirror, self.cache, self.root = (folder / n for n in ("mirror", "cache", "root"))
        self.files = {
            "optdigits-orig.tra": optdigits(0),
            "optdigits-orig.windep": optdigits(8),
            "pendigits-orig.tra": UNIPEN.format(label=4, writer=7),
            "pendigits-orig.tes": UNIPEN.format(label=7, writer=3),
            "semeion.data": semeion([1, 7]),
        }
        self.sha256 = {
            name: (hashlib.sha256(text.encode()).hexdigest(),) for name, text in self.files.items()
        }
        self.mirror.mkdir()
        for archive in ("optdigits", "pendigits", "semeion"):
            with zipfile.ZipFile(self.mirror / archive, "w") as zipped:
                zipped.writestr("Index", "a file that nobody needs")
                for name, text in self.files.items():
                    if name.startswith(archive):
                        plain = archive == "semeion"
                        zipped.writestr(
                            name if plain else f"{name}.Z",
                            text.encode() if plain else packed(text.encode()),
                        )

    def archives(self, port: int) -> dict[str, str]:
        """Give the address and the sum of each archive."""
        return {
            f"http://127.0.0.1:{port}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.mirror.iterdir())
        }

    def install(self, folder: Path) -> Path:
        """Put the files into a folder."""
        folder.mkdir(parents=True)
        for name, text in self.files.items():
            (folder / name).write_bytes(text.encode())
        return folder


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tiny]:
    stand_in = Tiny(tmp_path)
    handler = partial(Mirror, directory=str(stand_in.mirror))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    for name in ("LESSONLIB_OFFLINE", "LESSONLIB_HANDWRITING_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(handwriting, "SHA256", stand_in.sha256)
    monkeypatch.setattr(handwriting, "ARCHIVES", stand_in.archives(server.server_port))
    monkeypatch.setattr(digits, "cache_root", lambda: stand_in.cache)
    handwriting._announce.cache_clear()
    yield stand_in
    server.shutdown()
    server.server_close()
    handwriting._announce.cache_clear()


def no_download(*arguments: Any, **options: Any) -> bool:
    raise AssertionError("nothing should be downloaded")


SPLITS: tuple[digits.Split, ...] = get_args(digits.Split)


def numbers() -> list[int]:
    """Count the pen's digits of the two splits, and the bitmaps."""
    pens = [len(handwriting.pen_digits(split)) for split in SPLITS]
    return pens + [len(handwriting.bitmap_digits(split)[1]) for split in SPLITS]


def test_a_named_folder_comes_before_the_cache(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.install(tiny.cache / "handwriting")
    monkeypatch.setenv("LESSONLIB_HANDWRITING_ROOT", str(tiny.install(tiny.root)))
    assert handwriting.find_handwriting() == tiny.root


def test_the_cache_comes_before_a_download(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.install(tiny.cache / "handwriting")
    monkeypatch.setattr(handwriting, "_download", no_download)
    assert handwriting.find_handwriting() == folder
    assert numbers() == [2, 2, 3, 1]


def test_a_download_unpacks_the_files_and_keeps_nothing_else(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    assert numbers() == [2, 2, 3, 1]
    folder = tiny.cache / "handwriting"
    assert {path.name for path in folder.iterdir()} == {*tiny.files, "handwriting.lock"}
    assert (folder / "pendigits-orig.tes").read_text() == tiny.files["pendigits-orig.tes"]
    assert handwriting.why_missing() == ""
    assert "Going on without" not in capsys.readouterr().out


def test_without_uci_there_are_no_digits_and_one_line_says_why_and_what_helps(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    (tiny.mirror / "semeion").unlink()
    assert numbers() == [0, 0, 0, 0]
    (said,) = capsys.readouterr().out.splitlines()
    assert "without other people's handwriting: it could not be downloaded from UCI" in said
    assert "set LESSONLIB_HANDWRITING_ROOT" in said
    assert handwriting.source() == {}


def test_offline_goes_without_and_says_so(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LESSONLIB_HANDWRITING_ROOT", str(tiny.install(tiny.root)))
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    monkeypatch.setattr(handwriting, "_download", no_download)
    images, labels = handwriting.bitmap_digits("train")
    assert images.shape == (0, 28, 28)
    assert images.dtype == np.uint8
    assert labels.shape == (0,)
    assert labels.dtype == np.int64
    assert "LESSONLIB_OFFLINE is set" in capsys.readouterr().out


def test_a_download_cut_in_the_middle_leaves_nothing_and_a_later_one_succeeds(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mirror, "cut", True)
    assert handwriting.find_handwriting() is None
    assert {path.name for path in (tiny.cache / "handwriting").iterdir()} == {"handwriting.lock"}
    monkeypatch.setattr(Mirror, "cut", False)
    handwriting._cached_root.cache_clear()  # as a new process would
    assert handwriting.find_handwriting() is not None


def test_an_archive_with_another_sum_is_rejected(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handwriting, "ARCHIVES", dict.fromkeys(handwriting.ARCHIVES, "0" * 64))
    assert handwriting.find_handwriting() is None


def test_a_file_with_another_sum_is_rejected(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tiny.sha256 | {"semeion.data": ("0" * 64,)}
    monkeypatch.setattr(handwriting, "SHA256", other)
    assert handwriting.find_handwriting() is None
    assert not list(tiny.cache.rglob("semeion.data"))


def test_a_damaged_file_in_the_cache_is_replaced(tiny: Tiny) -> None:
    file = tiny.install(tiny.cache / "handwriting") / "semeion.data"
    file.write_bytes(file.read_bytes()[:-9])
    assert handwriting.damaged_files(file.parent) == [file]
    assert numbers() == [2, 2, 3, 1]
    assert handwriting.damaged_files(file.parent) == []


def test_a_cache_that_can_t_be_written_to_is_named(tiny: Tiny) -> None:
    tiny.cache.write_text("a file where the folder should be")
    assert numbers() == [0, 0, 0, 0]
    assert f"can't be kept in {tiny.cache / 'handwriting'}" in handwriting.why_missing()


def test_without_a_home_nothing_is_kept(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "cache_root", lambda: Path("~", "lessonlib"))
    monkeypatch.setattr(handwriting, "_download", no_download)
    assert handwriting.find_handwriting() is None
    assert "no home folder" in handwriting.why_missing()


def test_a_named_folder_without_a_file_is_an_error_with_a_remedy(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tiny.install(tiny.root) / "semeion.data").unlink()
    monkeypatch.setenv("LESSONLIB_HANDWRITING_ROOT", str(tiny.root))
    with pytest.raises(FileNotFoundError, match=r"no semeion\.data\. Point LESSONLIB_HANDWRITING"):
        handwriting.pen_digits("train")


def test_a_changed_file_in_a_named_folder_is_an_error_and_left_alone(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tiny.install(tiny.root) / "pendigits-orig.tra"
    file.write_text("changed")
    monkeypatch.setenv("LESSONLIB_HANDWRITING_ROOT", str(tiny.root))
    with pytest.raises(ValueError, match=r"pendigits-orig\.tra is not UCI's"):
        handwriting.bitmap_digits("test")
    assert file.read_text() == "changed"


def test_another_split_is_refused() -> None:
    for function in (handwriting.pen_digits, handwriting.bitmap_digits):
        with pytest.raises(ValueError, match='"train" or "test"'):
            function("validation")  # type: ignore[arg-type]


def test_a_record_can_name_the_files_and_their_sums(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONLIB_HANDWRITING_ROOT", str(tiny.install(tiny.root)))
    assert handwriting.source() == {name: known for name, (known,) in tiny.sha256.items()}


def test_the_two_splits_have_other_writers_and_other_files(tiny: Tiny) -> None:
    train, test = handwriting.pen_digits("train"), handwriting.pen_digits("test")
    assert [(digit.label, digit.writer) for digit in train] == [(4, 7), (1, 26)]
    assert [(digit.label, digit.writer) for digit in test] == [(7, 33), (1, 56)]
    assert handwriting.bitmap_digits("train")[1].tolist() == [0, 1, 7]
    assert handwriting.bitmap_digits("test")[1].tolist() == [8]


def test_changing_what_was_loaded_does_not_change_the_next_load(tiny: Tiny) -> None:
    images, _ = handwriting.bitmap_digits("train")
    images[:] = 0
    handwriting.pen_digits("train").clear()
    assert handwriting.bitmap_digits("train")[0].any()
    assert handwriting.pen_digits("train")


def test_a_pen_s_strokes_stand_on_the_line_and_keep_their_proportions() -> None:
    digit, one = handwriting.parse_unipen(UNIPEN.format(label=4, writer=7))
    down, bar = digit.strokes
    np.testing.assert_allclose(down, [[0.25, 1], [0.5, 0.5], [0.25, 0]])
    np.testing.assert_allclose(bar, [[0, 0.5], [0.4, 0.5]])
    assert [stroke.tolist() for stroke in one.strokes] == [[[0, 1], [0, 0]]]


def test_a_dot_can_be_drawn() -> None:
    (digit,) = handwriting.parse_unipen(
        '.SEGMENT DIGIT 0-1 ? "1" .COMMENT 1 2 3 .PEN_DOWN 5 9 5 4 .PEN_UP .PEN_DOWN 6 8 .PEN_UP'
    )
    assert [len(stroke) for stroke in digit.strokes] == [2, 2]


@each([" ", ","], name=repr)
def test_semeion_is_read_whatever_separates_its_numbers(between: str) -> None:
    ink, labels = handwriting.parse_semeion(semeion([3, 9], between))
    assert labels.tolist() == [3, 9]
    assert ink.shape == (2, 16, 16)
    assert ink[0].sum(axis=1).tolist() == [3] * 16


def test_bitmaps_of_32_pixels_are_read_row_by_row() -> None:
    ink, labels = handwriting.parse_optdigits(optdigits(6) + "EOF\n")
    assert labels.tolist() == [6]
    assert ink.shape == (1, 32, 32)
    assert ink[0].sum(axis=1).tolist() == [24, *[8] * 30, 24]


def frame(side: int, pen: int) -> npt.NDArray[np.bool_]:
    """Draw the sides of a square."""
    ink = np.ones((side, side), dtype=bool)
    ink[pen:-pen, pen:-pen] = False
    return ink


def extent(image: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Give the height and the width of what is more than half ink."""
    rows, columns = (np.flatnonzero((image > 127).any(axis=axis)) for axis in (1, 0))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_a_picture_is_20_pixels_high_centred_and_has_soft_edges() -> None:
    slanted = np.array([[abs(x + y - 31) < 5 for x in range(32)] for y in range(32)])
    image = handwriting.picture(slanted, 1)
    assert extent(image)[0] == pytest.approx(20, abs=1)
    assert np.abs(np.array(ndimage.center_of_mass(image)) - 13.5).max() <= 0.51
    assert len(np.unique(image)) > 20


def test_a_stretched_digit_is_made_narrower() -> None:
    assert extent(handwriting.picture(frame(32, 4), 1)) == (20, 20)
    assert extent(handwriting.picture(frame(16, 2), 0.65)) == (20, 13)


def test_a_stroke_that_stretching_made_a_block_becomes_a_stroke_again() -> None:
    height, width = extent(handwriting.picture(np.ones((32, 18), dtype=bool), 1))
    assert (height, width) == (20, 5)


def test_the_originals_have_all_digits_by_people_of_their_own_split() -> None:
    if handwriting.find_handwriting() is None:
        pytest.skip(f"no handwriting here: {handwriting.why_missing()}")
    assert numbers() == [7494, 3498, 3527, 1797]
    assert {pen.writer for pen in handwriting.pen_digits("train")} == {*range(1, 31)}
    assert {pen.writer for pen in handwriting.pen_digits("test")} == {*range(31, 45)}
    for split in SPLITS:
        pens = handwriting.pen_digits(split)
        assert {pen.label for pen in pens} == {*range(10)}
        assert all(stroke.shape[0] >= 2 for pen in pens for stroke in pen.strokes)
        images, labels = handwriting.bitmap_digits(split)
        assert set(labels) == {*range(10)}
        assert images.max(axis=(1, 2)).min() > 200
        assert 0.1 < (images / 255).mean() < 0.2  # MNIST's mean is 0.13


def test_importing_it_loads_neither_torch_nor_pooch() -> None:
    program = "import sys, lessonlib.handwriting; print({'torch', 'pooch'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
