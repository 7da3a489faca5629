"""README's examples run as they stand, in a folder that has the files that they name.

The shell's lines run as a reader would type them, but for those in `NOT_RUN`.
"""

import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lessonlib import data_path
from lessonlib.synthesis import Difficulty, render
from tools import set_up

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SHELL = {"", "bash"}  # what follows the ``` of a block for the shell

# The commands that no test can run as they stand, and why.
NOT_RUN = {
    f"git clone {set_up.address()}": "it needs the network",
    f"cd {set_up.address().rpartition('/')[2]}": "it enters the folder that git clone makes",
    "make book": "it sets up .venv from the network, several GB; test_book builds the book",
    "make test": "it runs this test",
}


def without_comment(line: str) -> str:
    return line.partition(" #")[0].strip()


LINES = [
    line for language, block in BLOCKS if language in SHELL for line in block.splitlines() if line
]
TO_RUN = [line for line in LINES if without_comment(line) not in NOT_RUN]


def test_each_block_is_for_the_shell_or_for_python() -> None:
    assert {language for language, _ in BLOCKS} <= SHELL | {"python"}


def test_each_command_that_is_not_run_is_one_of_readme_s() -> None:
    assert NOT_RUN.keys() <= {without_comment(line) for line in LINES}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make what the commands name: .venv, images to read, and a FOLDER of labelled ones."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    shutil.copytree(data_path("checks"), tmp_path / "FOLDER")
    for image in sorted((tmp_path / "FOLDER" / "images").iterdir())[:2]:
        shutil.copy(image, tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", TO_RUN, ids=without_comment)
def test_a_command_runs_as_it_stands(folder: Path, line: str) -> None:
    environment = os.environ | {"LESSONLIB_OFFLINE": "1"}  # train takes seconds, and no network
    done = subprocess.run(
        line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_python_example_runs_and_gives_what_its_comments_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = (block for language, block in BLOCKS if language == "python")
    claims = dict(re.findall(r'^(reading\.\w+)  # ("\d+"|Decimal\("[\d.]+"\))', example, re.M))
    assert claims.keys() == {"reading.text", "reading.amount"}
    easy_to_read = Difficulty(*[0.0] * 10)
    photo = Image.fromarray(render("1,250.00", seed=0, difficulty=easy_to_read))
    photo.save(tmp_path / "photo.jpg", quality=95)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(example, names)
    for expression, value in claims.items():
        assert eval(expression, names) == eval(value, {"Decimal": Decimal}), expression
    assert names["reading"].accepted
