"""The page on servers: its values fit what was measured; image, devcontainer and hub agree."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

import make
from tools import memory, notebooks, try_hub

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "chapters" / "servers.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
linux = pytest.mark.skipif(not Path("/proc").is_dir(), reason="Linux counts in /proc")
SERVER = 0.25  # GB that JupyterLab takes beside its kernels; the trial's record has it


def instructions(name: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    return [line.partition(" ")[2] for line in joined.splitlines() if line.startswith(f"{name} ")]


def defaults() -> dict[str, str]:
    return dict(argument.split("=") for argument in instructions("ARG"))


def code(source: str, count: int | None = None, *outputs: Any) -> Any:
    return {
        "cell_type": "code", "id": f"c{count}", "metadata": {}, "source": source,
        "execution_count": count, "outputs": list(outputs),
    }  # fmt: skip


def write_notebook(path: Path, *cells: Any) -> None:
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}
    path.write_text(json.dumps(notebook), encoding="utf-8")


def values() -> Any:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    return yaml.safe_load(block)


# ---------------------------------------------------------------- the image


def test_the_image_has_a_python_of_the_course_and_installs_the_lock_with_its_hashes() -> None:
    (base,) = instructions("FROM")
    assert base.removeprefix("python:").removesuffix("-slim") in make.PYTHONS
    assert f"Python {base[7:11]}" in PAGE
    assert any("uv pip sync --require-hashes" in command for command in instructions("RUN"))


def test_nothing_of_the_image_runs_as_root_once_the_user_is_made() -> None:
    (user,) = instructions("USER")
    assert user == "${NB_UID}"
    assert defaults()["NB_UID"] != "0"
    as_root, _, as_user = DOCKERFILE.partition("\nUSER ")
    assert "pip install" not in as_root
    assert "apt-get" not in as_user


def test_the_devcontainer_is_the_image_and_its_user() -> None:
    path = ROOT / ".devcontainer" / "devcontainer.json"
    container = json.loads(path.read_text(encoding="utf-8"))
    assert (path.parent / container["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert (path.parent / container["build"]["context"]).resolve() == ROOT
    assert container["remoteUser"] == defaults()["NB_USER"]
    (environment,) = re.findall(r"VIRTUAL_ENV=(\S+)", DOCKERFILE)
    python = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert python == f"{environment}/bin/python"
    assert f"ln -sfn {environment} .venv" in container["postCreateCommand"]


def test_the_image_the_page_and_the_trial_have_one_version_of_jupyterhub() -> None:
    version = defaults()["JUPYTERHUB"]
    named = re.findall(r"(?:JUPYTERHUB=|jupyterhub==)([\d.]+)", PAGE)
    assert set(named) == {version}
    assert f"jupyterhub {version}" in try_hub.RECORD.read_text(encoding="utf-8")


def test_a_hub_copies_the_chapters_from_where_the_image_has_them() -> None:
    *_, source, home = values()["singleuser"]["lifecycleHooks"]["postStart"]["exec"]["command"]
    (folder,) = instructions("WORKDIR")
    assert source == f"{folder}/chapters"
    assert home == f"/home/{defaults()['NB_USER']}/"


# ---------------------------------------------------------------- memory


def peaks() -> dict[str, float]:
    with memory.MEMORY.open(encoding="utf-8", newline="") as file:
        return {row["Notebook"]: float(row["Peak in GB"]) for row in csv.DictReader(file)}


def test_every_chapter_s_memory_is_measured() -> None:
    assert list(peaks()) == [path.name for path in notebooks.chapters()]


def test_the_limit_leaves_a_fifth_above_the_chapter_that_needs_most() -> None:
    limit = values()["singleuser"]["memory"]["limit"]
    assert float(limit.removesuffix("G")) >= 1.2 * (max(peaks().values()) + SERVER)
    assert f"set limits.memory {limit}\n" in PAGE
    assert f"**{limit.removesuffix('G')} GB at most" in PAGE


def test_most_chapters_fit_what_is_guaranteed() -> None:
    guarantee = values()["singleuser"]["memory"]["guarantee"].removesuffix("G")
    fit = [name for name, peak in peaks().items() if peak + SERVER <= float(guarantee)]
    assert len(fit) > len(peaks()) / 2
    assert f"**{guarantee} GB guaranteed**" in PAGE


def test_what_the_page_adds_up_fits_the_limit_and_the_guarantee() -> None:
    memory_of_one = values()["singleuser"]["memory"]
    limit, guarantee = (
        float(memory_of_one[name].removesuffix("G")) for name in ("limit", "guarantee")
    )
    assert f"{30 * limit:.0f} GB hold whatever they do" in PAGE
    node = int(re.findall(r"A node with (\d+) GB", PAGE)[0])
    assert f"some {node / guarantee // 10 * 10:.0f} students by the guarantee" in PAGE
    assert f"give the limit to {node / limit // 10 * 10:.0f} at once" in PAGE


def test_a_server_takes_less_beside_its_kernels_than_the_page_says() -> None:
    opened = re.findall(r"opened the chapter: ([\d.]+) GB", try_hub.RECORD.read_text("utf-8"))
    assert len(opened) == len(try_hub.USERS)
    assert all(float(gigabytes) < SERVER for gigabytes in opened)
    assert f"less than {SERVER} GB more for each student" in PAGE


def test_both_hubs_wait_equally_long() -> None:
    assert f"services.cull.timeout {values()['cull']['timeout']}\n" in PAGE


def notebook_that(line: str, folder: Path) -> Path:
    path = folder / "1-one.ipynb"
    write_notebook(path, code(line))
    return path


@linux
def test_a_peak_counts_memory_that_was_given_back(tmp_path: Path) -> None:
    before = memory.peak_of(notebook_that("pass", tmp_path))
    after = memory.peak_of(notebook_that("held = b'1' * 500_000_000; del held", tmp_path))
    assert 0.45 < after - before < 0.55


def test_a_notebook_s_memory_changes_its_own_row_only(tmp_path: Path) -> None:
    table = tmp_path / "memory.csv"
    for name, peak in (("2-two.ipynb", 2.0), ("10-ten.ipynb", 1.0), ("2-two.ipynb", 1.256)):
        memory.record(Path(name), peak, table)
    with table.open(encoding="utf-8", newline="") as file:
        rows = [(row["Notebook"], row["Peak in GB"]) for row in csv.DictReader(file)]
    assert rows == [("2-two.ipynb", "1.26"), ("10-ten.ipynb", "1.00")]


# ---------------------------------------------------------------- the trial of a hub


def test_the_record_shows_two_users_who_solved_it_and_gave_their_memory_back() -> None:
    record = try_hub.RECORD.read_text(encoding="utf-8")
    for user in try_hub.USERS:
        (ran, cells, verdict) = re.findall(
            rf"^{user} ran it: (\d+) of (\d+) cells of code, 0 failed. (\S+: \S+)", record, re.M
        )[0]
        assert ran == cells
        assert verdict == f"{try_hub.EXERCISE}: right."
        assert f"{user} now: 0.00 GB" in record


@linux
def test_a_user_s_memory_is_that_of_the_processes_with_its_name() -> None:
    hold = "held = b'1' * 200_000_000; print(flush=True); input()"
    environment = os.environ | {"JUPYTERHUB_USER": "test-servers"}
    with subprocess.Popen(
        [sys.executable, "-c", hold], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 0.2 < try_hub.gigabytes("test-servers") < 0.25
        process.communicate(b"\n")
    assert try_hub.gigabytes("test-servers") == 0


def printed(text: str) -> dict[str, str]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def test_an_outcome_counts_cells_that_failed_or_did_not_run(tmp_path: Path) -> None:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}
    write_notebook(
        tmp_path / try_hub.CHAPTER.name,
        code("a", 1, error),
        code("b", 2, printed("7.1: not answered yet.\n")),
        code("c", 3, printed("7.1: right.\n")),
        code("d"),
    )
    assert try_hub.outcome(tmp_path) == "3 of 4 cells of code, 1 failed. 7.1: right."


def test_the_exercise_s_solution_is_not_handed_out(tmp_path: Path) -> None:
    answer = try_hub.hand_out(tmp_path)
    assert answer.startswith(f"#@title Solution {try_hub.EXERCISE} ")
    for user in try_hub.USERS:
        handed = (tmp_path / user / try_hub.CHAPTER.name).read_text(encoding="utf-8")
        assert try_hub.STUB in handed
        assert "#@title Solution" not in handed
