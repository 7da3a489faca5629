"""Files are written whole or not at all, and nothing but a file is ever replaced."""

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lessonlib import files
from lessonlib.files import check_writable, write_whole

ROOT = Path(__file__).resolve().parents[1]

Write = Callable[[str], None]


@pytest.fixture(params=["check", "write"])
def write(request: pytest.FixtureRequest) -> Write:
    """Ask whether a file can be written, or write it: both refuse the same names."""
    if request.param == "check":
        return lambda name: check_writable(name)
    return lambda name: write_whole(name, b"new")


@pytest.fixture(autouse=True)
def nothing_unfinished_stays(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list(tmp_path.rglob("*.part"))


def refused(write: Write, name: str, kind: type[Exception], *words: str) -> None:
    with pytest.raises(kind) as caught:
        write(name)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert not message.startswith("[Errno")
    for word in words:
        assert word in message


# ---------------------------------------------------------------- what is written


def test_a_new_file_holds_what_was_given_and_has_the_usual_permissions(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.write_bytes(b"")
    write_whole(tmp_path / "new", b"all of it")
    assert (tmp_path / "new").read_bytes() == b"all of it"
    assert (tmp_path / "new").stat().st_mode == usual.stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "usual"]


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "private"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    longest = tmp_path / ("a" * os.pathconf(tmp_path, "PC_NAME_MAX"))
    check_writable(longest)
    write_whole(longest, b"new")
    assert longest.read_bytes() == b"new"


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_a_link_to_no_file_makes_that_file(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("target")
    check_writable(link)
    assert not link.exists()
    write_whole(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_check_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    before = path.stat()
    check_writable(path)
    check_writable(tmp_path / "new")
    assert path.read_bytes() == b"old"
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# ---------------------------------------------------------------- what is refused


def test_a_folder_is_refused(tmp_path: Path, write: Write) -> None:
    refused(write, str(tmp_path), IsADirectoryError, "is a folder", "name of a file")


@pytest.mark.parametrize("end", ["/", "/.", "/.."])
def test_a_name_that_ends_as_a_folder_s_is_refused(tmp_path: Path, write: Write, end: str) -> None:
    refused(write, f"{tmp_path}/new{end}", IsADirectoryError, "names a folder", f"/new{end}")
    assert not list(tmp_path.iterdir())


def test_an_empty_name_is_refused(write: Write) -> None:
    refused(write, "", ValueError, "empty", "give it a name")


def test_a_nul_in_the_name_is_refused(tmp_path: Path, write: Write) -> None:
    refused(write, f"{tmp_path}/a\0b", ValueError, "NUL")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, write: Write) -> None:
    refused(write, f"{tmp_path}/no/new", FileNotFoundError, f"no folder {tmp_path}/no ", "make it")


def test_a_link_into_a_folder_that_is_not_there_is_refused(tmp_path: Path, write: Write) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "no" / "target")
    refused(write, f"{tmp_path}/link", FileNotFoundError, f"no folder {tmp_path}/no ")


def test_a_path_through_a_file_is_refused(tmp_path: Path, write: Write) -> None:
    (tmp_path / "file").write_bytes(b"old")
    refused(write, f"{tmp_path}/file/new", NotADirectoryError, "file/new can't be written")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_link_to_itself_is_refused(tmp_path: Path, write: Write) -> None:
    (tmp_path / "link").symlink_to("link")
    refused(write, f"{tmp_path}/link", OSError, "link can't be written (Too many levels")
    assert (tmp_path / "link").is_symlink()


def test_a_name_that_is_too_long_is_refused_and_not_shown_in_full(
    tmp_path: Path, write: Write
) -> None:
    with pytest.raises(OSError, match="name too long") as caught:
        write(f"{tmp_path}/{'a' * 5000}")
    assert len(str(caught.value)) < 400


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, write: Write) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(write, f"{tmp_path}/pipe", OSError, "is a pipe", "never replaced")
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_to_a_pipe_is_refused(tmp_path: Path, write: Write) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    refused(write, f"{tmp_path}/link", OSError, "is a pipe")
    assert (tmp_path / "pipe").is_fifo()


def test_a_socket_is_refused(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        refused(write, "socket", OSError, "is a socket")
    assert (tmp_path / "socket").is_socket()


def test_a_device_is_refused(write: Write, device: str) -> None:
    refused(write, device, OSError, f"{device} is a device", "never replaced")
    assert Path(device).is_char_device()


def test_a_link_to_a_device_is_refused(tmp_path: Path, write: Write, device: str) -> None:
    (tmp_path / "link").symlink_to(device)
    refused(write, f"{tmp_path}/link", OSError, "link is a device")
    assert Path(device).is_char_device()


def test_an_existing_file_is_kept_unless_replacing_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError, match=r"file exists already: .*--force"):
        check_writable(path, replace=False)
    with pytest.raises(FileExistsError, match=r"file exists already: .*--force"):
        write_whole(path, b"new", replace=False)
    assert path.read_bytes() == b"old"
    write_whole(tmp_path / "new", b"new", replace=False)


def test_a_file_that_may_not_be_changed_is_refused(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write to everything
    refused(write, str(path), PermissionError, "may not be changed", "make it writable")
    assert path.read_bytes() == b"old"


def test_a_folder_that_takes_no_new_file_is_refused_before_the_work() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("no /proc, where not even root can make files")
    with pytest.raises(OSError, match=r"/proc/new can't be written \(.*name another"):
        check_writable("/proc/new")


# ---------------------------------------------------------------- what is broken off


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    def broken_off(self: Path, target: Path) -> Path:
        assert self.read_bytes() == b"new"
        raise stop

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", broken_off)
    with pytest.raises(type(stop)) as caught:
        write_whole(path, b"new")
    if isinstance(stop, OSError):
        assert str(caught.value).startswith(f"{path} can't be written (No space left on device)")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_ctrl_c_at_any_time_leaves_a_whole_file_and_no_other(tmp_path: Path) -> None:
    program = (
        "import sys; from lessonlib.files import write_whole\n"
        "data = bytes(10_000_000)\n"
        "print('ready', flush=True)\n"
        "try:\n"
        "    while True: write_whole(sys.argv[1], data)\n"
        "except KeyboardInterrupt: pass\n"
    )
    path = tmp_path / "file"
    for milliseconds in (10, 17, 29):
        command = [sys.executable, "-c", program, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(milliseconds / 1000)
            process.send_signal(2)
            assert process.wait(timeout=60) == 0
        assert [p.name for p in tmp_path.iterdir()] in ([], ["file"])
        assert not path.exists() or path.stat().st_size == 10_000_000


def test_two_writers_at_once_don_t_disturb_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, move = tmp_path / "file", Path.replace

    def another_comes_first(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", move)
        write_whole(path, b"another's")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", another_comes_first)
    write_whole(path, b"ours")
    assert path.read_bytes() == b"ours"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_unfinished_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    for name in ("file.part", "file"):
        (tmp_path / name).write_bytes(b"another's")
    write_whole(tmp_path / "file", b"ours")
    assert (tmp_path / "file.part").read_bytes() == b"another's"
    (tmp_path / "file.part").unlink()  # or the fixture would complain


# ---------------------------------------------------------------- one way for all


def test_no_other_module_of_the_project_opens_files_for_writing() -> None:
    own = ("write_bytes(", "write_text(", '.open("w', ".open('w", '.part"', "os.replace", "mkstemp")
    modules = [*(ROOT / "src").rglob("*.py"), *(ROOT / "tools").glob("*.py")]
    assert len(modules) > 40
    found = {
        f"{module.name}: {way}"
        for module in modules
        for way in own
        if module != Path(files.__file__) and way in module.read_text(encoding="utf-8")
    }
    # The first two run before the package is installed; the third keeps a log of a trial.
    allowed = {"set_up.py: write_text(", "repo.py: write_bytes(", 'try_hub.py: .open("w'}
    assert found == allowed
