"""Where MNIST comes from, and that no incomplete copy is used. A tiny stand-in replaces MNIST."""

import gzip
import hashlib
import http.server
import os
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision
from filelock import FileLock
from scipy import ndimage
from sklearn.datasets import load_digits

from lessonlib import digits


class Mirror(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; with `cut`, it hangs up halfway through each file."""

    cut = False

    def copyfile(self, source: Any, outputfile: Any) -> None:
        content = source.read()
        outputfile.write(content[: len(content) // 2] if self.cut else content)

    def log_message(self, *arguments: Any) -> None:
        pass


class Tiny:
    """Two training images and one test image in MNIST's files, gzipped as mirrors keep them."""

    def __init__(self, folder: Path) -> None:
        self.mirror, self.cache, self.root = (folder / n for n in ("mirror", "cache", "root"))
        self.mirror.mkdir()
        for prefix, labels in (("train", [4, 2]), ("t10k", [7])):
            n = len(labels)
            pixels = bytes(range(256)) * (n * 784 // 256 + 1)
            header = struct.pack(">4i", 2051, n, 28, 28)
            self._write(f"{prefix}-images-idx3-ubyte", header + pixels[: n * 784])
            self._write(f"{prefix}-labels-idx1-ubyte", struct.pack(">2i", 2049, n) + bytes(labels))
        self.sha256 = {
            name: hashlib.sha256(gzip.decompress(self.gz(name).read_bytes())).hexdigest()
            for name in digits.SHA256
        }
        self.resources = [
            (f"{name}.gz", hashlib.md5(self.gz(name).read_bytes()).hexdigest())
            for name in digits.SHA256
        ]

    def _write(self, name: str, content: bytes) -> None:
        self.gz(name).write_bytes(gzip.compress(content))

    def gz(self, name: str) -> Path:
        return self.mirror / f"{name}.gz"

    def install(self, root: Path) -> Path:
        """Put MNIST's four files below a root."""
        raw = root / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for name in digits.SHA256:
            (raw / name).write_bytes(gzip.decompress(self.gz(name).read_bytes()))
        return root


CACHE_ROOT = digits.cache_root
LABELS = "train-labels-idx1-ubyte"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tiny]:
    stand_in = Tiny(tmp_path)
    handler = partial(Mirror, directory=str(stand_in.mirror))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    for name in ("LESSONLIB_OFFLINE", "LESSONLIB_MNIST_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(digits, "SHA256", stand_in.sha256)
    monkeypatch.setattr(digits, "cache_root", lambda: stand_in.cache)
    mirrors = [f"http://127.0.0.1:{server.server_port}/"]
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", mirrors)
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", stand_in.resources)
    digits._announce_bundled.cache_clear()
    yield stand_in
    server.shutdown()
    server.server_close()
    digits._announce_bundled.cache_clear()


def no_download(*arguments: Any, **options: Any) -> bool:
    raise AssertionError("nothing should be downloaded")


def test_offline_takes_the_bundled_digits_before_anything_else(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONLIB_MNIST_ROOT", str(tiny.install(tiny.root)))
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    assert digits.source() == "bundled"
    assert len(digits.load("train")[0]) == 1300


def test_a_named_root_comes_before_the_cache(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.install(tiny.cache)
    monkeypatch.setenv("LESSONLIB_MNIST_ROOT", str(tiny.install(tiny.root)))
    assert digits.find_mnist() == tiny.root


def test_the_cache_comes_before_a_download(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.install(tiny.cache)
    monkeypatch.setattr(digits, "_download", no_download)
    assert digits.find_mnist() == tiny.cache
    assert digits.source() == "mnist"


def test_a_download_comes_before_the_bundled_digits(tiny: Tiny) -> None:
    images, labels = digits.load("train")
    assert images.dtype == np.uint8
    assert images.shape == (2, 28, 28)
    assert images[0, 0, 5] == 5
    assert labels.dtype == np.int64
    assert labels.tolist() == [4, 2]
    assert digits.load("test")[1].tolist() == [7]
    assert digits.damaged_files(tiny.cache) == []
    assert not list(tiny.cache.glob("download-*"))


def test_without_any_mirror_the_bundled_digits_are_used_and_announced_once(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(tiny.mirror)
    assert len(digits.load("train")[0]) == 1300
    assert len(digits.load("test")[0]) == 497
    said = [line for line in capsys.readouterr().out.splitlines() if "bundled" in line]
    assert len(said) == 1
    assert "could not be downloaded" in said[0]


def test_the_announcement_names_the_variable_that_asked_for_it(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    digits.load("test")
    assert "LESSONLIB_OFFLINE is set" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["0", "", "false", "False", "no", "NO", "off", " 0 "])
def test_offline_can_be_switched_off(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("LESSONLIB_OFFLINE", value)
    assert digits.source() == "mnist"


@pytest.mark.parametrize("value", ["1", "true", "yes", "YES", "on", "please"])
def test_any_other_value_means_offline(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("LESSONLIB_OFFLINE", value)
    monkeypatch.setattr(digits, "_download", no_download)
    assert digits.source() == "bundled"
    assert digits.why_bundled() == "LESSONLIB_OFFLINE is set"


def test_a_named_root_without_mnist_is_an_error_with_a_remedy(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONLIB_MNIST_ROOT", str(tiny.root))
    with pytest.raises(FileNotFoundError, match=r"has no .*Point LESSONLIB_MNIST_ROOT"):
        digits.load("train")


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b[:-1] + b"\x05"])
def test_a_changed_file_in_a_named_root_is_an_error_and_left_alone(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    file = tiny.install(tiny.root) / "MNIST" / "raw" / LABELS
    file.write_bytes(change(file.read_bytes()))
    before = file.read_bytes()
    monkeypatch.setenv("LESSONLIB_MNIST_ROOT", str(tiny.root))
    with pytest.raises(ValueError, match=f"{LABELS} is not MNIST's"):
        digits.load("train")
    assert file.read_bytes() == before


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b[:-1] + b"\x05", lambda b: b""])
def test_a_damaged_file_in_the_cache_is_repaired(tiny: Tiny, change: Any) -> None:
    file = tiny.install(tiny.cache) / "MNIST" / "raw" / LABELS
    file.write_bytes(change(file.read_bytes()))
    assert digits.damaged_files(tiny.cache) == [file]
    assert digits.load("train")[1].tolist() == [4, 2]
    assert digits.damaged_files(tiny.cache) == []


def test_a_download_cut_in_the_middle_leaves_nothing_and_a_later_one_succeeds(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mirror, "cut", True)
    assert digits.source() == "bundled"
    assert {path.name for path in tiny.cache.iterdir()} <= {"mnist.lock"}
    monkeypatch.setattr(Mirror, "cut", False)
    digits._cached_root.cache_clear()  # as a new process would
    assert digits.source() == "mnist"


def test_a_download_with_other_contents_is_rejected(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = dict.fromkeys(tiny.sha256, "0" * 64)
    monkeypatch.setattr(digits, "SHA256", other)
    assert digits.source() == "bundled"
    assert not (tiny.cache / "MNIST").exists()


# What the processes below run. Their torchvision is a few lines that copy files: the real one takes
# seconds to import, and what is tested is how the processes get along.
PROCESS = """
import os, shutil, signal, sys, types
from pathlib import Path
from lessonlib import digits
files, cache, digits.SHA256 = eval(sys.argv[1])
digits.cache_root = lambda: Path(cache)
def MNIST(scratch, download):
    print("downloads")
    shutil.copytree(files, scratch, dirs_exist_ok=True)
    if "die" in sys.argv:
        os.truncate(Path(scratch, "MNIST", "raw", "train-labels-idx1-ubyte"), 3)
        os.kill(os.getpid(), signal.SIGKILL)
sys.modules["torchvision"] = types.ModuleType("torchvision")
sys.modules["torchvision.datasets"] = types.SimpleNamespace(MNIST=MNIST)
print("ready", flush=True)
print(digits.source())
"""


def start(tiny: Tiny, *words: str) -> "subprocess.Popen[str]":
    arguments = repr((str(tiny.root), str(tiny.cache), tiny.sha256))
    command = [sys.executable, "-c", PROCESS, arguments, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_at_once_download_once_and_both_get_mnist(tiny: Tiny) -> None:
    tiny.install(tiny.root)
    tiny.cache.mkdir()
    with FileLock(tiny.cache / "mnist.lock"):  # so that neither is done before the other starts
        processes = [start(tiny) for _ in range(2)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert sorted(outputs) == ["downloads\nmnist\n", "mnist\n"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_process_killed_in_the_middle_breaks_nothing_for_the_next(tiny: Tiny) -> None:
    tiny.install(tiny.root)
    start(tiny, "die").communicate(timeout=60)
    assert not (tiny.cache / "MNIST").exists()
    assert list(tiny.cache.glob("download-*"))
    assert digits.load("train")[1].tolist() == [4, 2]
    assert not list(tiny.cache.glob("download-*"))


def test_without_a_place_to_keep_mnist_the_bundled_digits_are_used_and_the_line_says_why(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.cache.write_text("a file where the folder should be")
    assert len(digits.load("train")[0]) == 1300
    (said,) = capsys.readouterr().out.splitlines()
    assert "1,797 digits bundled" in said
    assert f"MNIST can't be kept in {tiny.cache} (File exists)" in said
    assert "set LESSONLIB_MNIST_ROOT" in said


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_home_gives_the_bundled_digits(tiny: Tiny) -> None:
    tiny.cache = tiny.cache / "home" / "cache"
    tiny.cache.parent.mkdir(parents=True, mode=0o555)
    assert digits.source() == "bundled"
    assert "Permission denied" in digits.why_bundled()


def test_a_folder_that_can_t_be_written_to_gives_the_bundled_digits(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *arguments: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert digits.source() == "bundled"
    assert "can't be kept" in digits.why_bundled()
    assert "Permission denied" in digits.why_bundled()


def test_a_cache_that_holds_mnist_need_not_be_writable(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.install(tiny.cache)

    def refuse(self: Path, *arguments: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert digits.load("test")[1].tolist() == [7]
    assert digits.why_bundled() == ""


@pytest.mark.parametrize("raises", [False, True])
def test_without_a_home_no_folder_of_the_name_tilde_is_made(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, raises: bool
) -> None:
    # Two versions of platformdirs, where HOME is unset and the user has no entry in passwd.
    def give_up(*_: object, **__: object) -> Path:
        if not raises:
            return Path("~/.cache/lessonlib")
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(digits, "cache_root", CACHE_ROOT)
    monkeypatch.setattr(digits, "user_cache_path", give_up)
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    assert digits.source() == "bundled"
    assert not digits.will_download()
    assert "no home folder" in digits.why_bundled()
    assert set(tmp_path.iterdir()) == before


def test_an_unknown_user_s_home_in_the_root_is_named_as_it_was_written(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONLIB_MNIST_ROOT", "~no-such-user/mnist")
    with pytest.raises(FileNotFoundError, match=r"~no-such-user/mnist has no"):
        digits.load("train")


def test_will_download_says_whether_a_download_comes(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert digits.will_download()
    monkeypatch.setenv("LESSONLIB_OFFLINE", "1")
    assert not digits.will_download()
    monkeypatch.delenv("LESSONLIB_OFFLINE")
    monkeypatch.setenv("LESSONLIB_MNIST_ROOT", str(tiny.root))
    assert not digits.will_download()
    monkeypatch.delenv("LESSONLIB_MNIST_ROOT")
    tiny.install(tiny.cache)
    assert not digits.will_download()


def test_the_bundled_digits_look_like_mnist_s() -> None:
    for split, n in (("train", 1300), ("test", 497)):
        images, labels = digits.load_bundled(split)  # type: ignore[arg-type]
        assert images.dtype == np.uint8
        assert images.shape == (n, 28, 28)
        assert labels.dtype == np.int64
        assert set(labels) == set(range(10))
        assert images.max(axis=(1, 2)).min() > 200  # every image has ink
        assert 0.1 < (images / 255).mean() < 0.2  # MNIST's mean is 0.13
        assert not images[:, [0, -1]].any()  # a margin of paper, above and below
        centres = np.array([ndimage.center_of_mass(image) for image in images])
        assert abs(centres - 13.5).max() <= 0.51


def test_the_bundled_splits_are_the_two_parts_of_scikit_learn_s_digits() -> None:
    labels = [digits.load_bundled(split)[1] for split in ("train", "test")]
    np.testing.assert_array_equal(np.concatenate(labels), load_digits().target)


def test_changing_what_was_loaded_does_not_change_the_next_load() -> None:
    images, labels = digits.load_bundled("test")
    images[:] = 0
    labels[:] = 0
    again, labels_again = digits.load_bundled("test")
    assert again.any()
    assert labels_again.any()


def numbered(n: int) -> tuple[digits.Images, digits.Labels]:
    """Make n images; the pixels and the label of each are its number."""
    labels = np.arange(n)
    return np.broadcast_to(labels[:, None, None], (n, 28, 28)).astype(np.uint8), labels


def test_a_sample_keeps_labels_with_their_images_and_takes_none_twice() -> None:
    images, labels = digits.sample(*numbered(200), 50, seed=3)
    assert images.shape == (50, 28, 28)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images[:, 5, 7], labels)
    assert len(set(labels)) == 50


def test_a_sample_comes_from_all_over_the_file() -> None:
    _, labels = digits.sample(*numbered(200), 100)
    assert 30 < (labels < 100).sum() < 70


def test_a_seed_repeats_a_sample_and_a_larger_sample_holds_the_smaller() -> None:
    few, again, more, other = (
        digits.sample(*numbered(200), n, seed)[1].tolist()
        for n, seed in ((20, 1), (20, 1), (60, 1), (20, 2))
    )
    assert few == again == more[:20]
    assert few != other


def test_a_sample_larger_than_the_data_is_all_of_them() -> None:
    assert sorted(digits.sample(*numbered(9), 50)[1]) == list(range(9))


@pytest.mark.parametrize(("n", "kept"), [(0, 9), (-1, 9), (3, 8)])
def test_a_sample_of_nothing_or_without_its_labels_is_refused(n: int, kept: int) -> None:
    images, labels = numbered(9)
    with pytest.raises(ValueError, match="as many labels as images"):
        digits.sample(images, labels[:kept], n)


def test_another_split_is_refused() -> None:
    for function in (digits.load, digits.load_bundled):
        with pytest.raises(ValueError, match='"train" or "test"'):
            function("validation")  # type: ignore[arg-type]


def test_mnist_has_60000_training_and_10000_test_images() -> None:
    if digits.source() != "mnist":
        pytest.skip("no MNIST here")
    images, labels = digits.load("train")
    assert images.shape == (60_000, 28, 28)
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert digits.load("test")[0].shape == (10_000, 28, 28)
