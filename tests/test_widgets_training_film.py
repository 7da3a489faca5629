"""The training film shows what its file holds, and the file holds what the training gives."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from lessonlib import data_path, digits
from lessonlib.widgets import training as pieces
from lessonlib.widgets import training_film
from tests.pieces import Opener, opened, run_script
from tools import film

RUNS: dict[str, Any] = {run["name"]: run for run in pieces.film()["runs"]}
USUAL, HIGH, LITTLE = RUNS
NAMES = ("training", "validation", "accuracy")

every_run = pytest.mark.parametrize("name", RUNS)
needs_mnist = pytest.mark.skipif(digits.source() != "mnist", reason="MNIST is not here")


@pytest.fixture
def tab(open_piece: Opener) -> Page:
    return open_piece(training_film())


def decoded(frame: Any, tab: Page) -> Any:
    """A frame's weights as the page decodes them, (8, 784)."""
    expression = """filmUnits(argument).map(
      ({ pixels, largest }) => Array.from(pixels, (w) => w * largest))"""
    return np.array(run_script(tab, "training_film", expression, frame))


def choose(tab: Page, name: str, at: int) -> None:
    tab.get_by_role("button", name=name, exact=True).click()
    tab.get_by_role("slider", name="Epoch").fill(str(at))


def points(tab: Page, figure: int, curve: str) -> list[list[float]]:
    line = tab.locator(".ll-live .ll-planes figure").nth(figure).locator(f"polyline.{curve}")
    text = line.get_attribute("points") or ""
    return [[float(number) for number in pair.split(",")] for pair in text.split()]


# ---------------------------------------------------------------- the file


def test_the_file_says_how_it_was_made_and_holds_the_tool_s_runs() -> None:
    assert data_path("film.json").stat().st_size <= 250_000
    for part in ("python -m tools.film", f"seed {film.SEED}", "lessonlib ", "torch ", "Python "):
        assert part in pieces.film()["made"]
    assert [{key: run[key] for key in film.Run._fields} for run in RUNS.values()] == [
        run._asdict() for run in film.RUNS
    ]
    assert all(len(run["frames"]) == film.EPOCHS + 1 for run in RUNS.values())
    assert len({run.passes * run.images for run in film.RUNS}) == 1  # 100 steps for each frame


@every_run
def test_accuracy_confusion_and_mistakes_fit_together(name: str) -> None:
    for frame in RUNS[name]["frames"]:
        confusion = np.array(frame["confusion"])
        assert confusion.shape == (10, 10)
        assert confusion.sum() == film.VALIDATION
        assert confusion.trace() / film.VALIDATION == pytest.approx(frame["accuracy"])
        sure = [p for _, _, p in frame["mistakes"]]
        assert sure == sorted(sure, reverse=True)
        assert len(sure) == film.MISTAKES
        assert all(a != b and confusion[a, b] for a, b, _ in frame["mistakes"])


def test_the_three_runs_show_what_the_piece_says_of_them() -> None:
    usual, high, little = (RUNS[name]["frames"] for name in RUNS)
    assert usual[-1]["accuracy"] > 0.92
    assert RUNS[HIGH]["lr"] == 300 * RUNS[USUAL]["lr"]
    # From frame 2 on the hidden units are dead: weights stand still, one answer for all images.
    assert len({frame["weights"] for frame in high[2:]}) == 1
    assert all((np.array(frame["confusion"]).sum(axis=0) > 0).sum() == 1 for frame in high[2:])
    assert all(frame["validation"] > 2.25 for frame in high)
    assert high[-1]["validation"] > usual[-1]["validation"]
    # With 200 images the validation loss turns at epoch 100; the accuracy stays.
    losses = [frame["validation"] for frame in little]
    turn = int(np.argmin(losses))
    assert turn * RUNS[LITTLE]["passes"] == 100
    assert losses[turn:] == sorted(losses[turn:])
    accuracies = [frame["accuracy"] for frame in little]
    assert max(abs(a - accuracies[turn]) for a in accuracies[turn:]) <= 0.01
    assert little[-1]["mistakes"][-1][2] > little[turn]["mistakes"][-1][2]
    assert little[-1]["training"] < 0.001


def test_weights_are_kept_to_half_a_step(tab: Page) -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.05, (film.UNITS, 784)).astype(np.float32)
    rounded, scales = film.to_int8(weights)
    assert (np.abs(rounded * np.array(scales)[:, None] - weights) <= 0.501 * max(scales)).all()
    frame = film.packed(weights)
    error = np.abs(decoded(frame, tab) - weights)
    assert (error <= 0.501 * np.array(scales)[:, None]).all()


@needs_mnist
def test_one_epoch_of_training_gives_the_file_s_frames(tab: Page) -> None:
    run = film.RUNS[0]
    kept = RUNS[USUAL]["frames"]
    for number, (again, weights) in enumerate(islice(film.frames(run), 2)):
        # Another machine rounds otherwise, and training lets such differences grow.
        for name in NAMES:
            assert again[name] == pytest.approx(kept[number][name], abs=0.02)
        far = np.abs(np.array(again["confusion"]) - kept[number]["confusion"]).sum()
        assert far <= 0.04 * film.VALIDATION
        steps = np.array(kept[number]["scales"])[:, None]
        error = np.abs(decoded(kept[number], tab) - weights)
        assert np.quantile(error / steps, 0.95) <= (0.501 if number == 0 else 1.5)


# ---------------------------------------------------------------- the page


@every_run
def test_curves_and_their_points_are_the_file_s(tab: Page, name: str) -> None:
    choose(tab, name, 3)
    run = RUNS[name]
    top = pieces.loss_top(run)
    for figure, curve, values, highest in (
        (0, "ll-film-training", [frame["training"] for frame in run["frames"]], top),
        (0, "ll-film-validation", [frame["validation"] for frame in run["frames"]], top),
        (1, "ll-film-validation", [100 * frame["accuracy"] for frame in run["frames"]], 100),
    ):
        expected = np.array(pieces.curve_points(values, highest))
        assert np.abs(np.array(points(tab, figure, curve)) - expected).max() <= 0.101
    marker = tab.locator(".ll-live .ll-film-now").first.get_attribute("d") or ""
    assert float(marker[1:].split()[0]) == pytest.approx(pieces.PLOT["left"] + 3 * 256 / 8)


@every_run
@pytest.mark.parametrize("at", [0, 2, film.EPOCHS])
def test_numbers_matrix_and_mistakes_are_the_file_s(tab: Page, name: str, at: int) -> None:
    choose(tab, name, at)
    frame, passes = RUNS[name]["frames"][at], RUNS[name]["passes"]
    said = tab.locator(".ll-status").inner_text()
    assert said.startswith(f"Epoch {at * passes}: loss ")
    found = [float(part.split()[0].rstrip(".")) for part in said.split("loss ")[1].split(", ")]
    assert found[0] == pytest.approx(frame["training"], abs=0.00051)
    assert f"{frame['validation']:.3f} in validation" in said
    assert said.endswith(f"accuracy {100 * frame['accuracy']:.1f}\xa0%.")
    matrix = tab.get_by_role("region", name="Confusion matrix").locator("tbody tr")
    rows = [[int(c or 0) for c in row.locator("td").all_inner_texts()] for row in matrix.all()]
    assert rows == frame["confusion"]
    mistakes = tab.get_by_role("region", name="Mistakes").locator("tbody tr")
    cells = [row.locator("td").all_inner_texts() for row in mistakes.all()]
    assert [[int(label), int(read)] for label, read, _ in cells] == [
        one[:2] for one in frame["mistakes"]
    ]
    for (*_, text), (*_, p) in zip(cells, frame["mistakes"], strict=True):
        assert float(text.removesuffix("\xa0%")) == pytest.approx(100 * p, abs=0.051)


def test_the_weights_pictures_are_of_the_frame(tab: Page) -> None:
    for name in (USUAL, HIGH):
        choose(tab, name, 8)
        weights = decoded(RUNS[name]["frames"][8], tab)
        texts = tab.locator(".ll-film-units figcaption").all_inner_texts()
        largest = np.abs(weights).max(axis=1)
        assert np.abs(np.array([float(t[1:]) for t in texts]) - largest).max() <= 0.0051
    picture = tab.get_by_role("img", name="Weights of hidden unit 1", exact=True)
    frozen = picture.inner_html()
    choose(tab, HIGH, 3)
    assert picture.inner_html() == frozen
    choose(tab, HIGH, 0)
    assert picture.inner_html() != frozen


def test_the_first_frame_is_the_usual_run_s_last(tab: Page) -> None:
    pressed = tab.get_by_role("button", name=USUAL, exact=True).get_attribute("aria-pressed")
    assert pressed == "true"
    assert tab.locator(".ll-status").inner_text().startswith("Epoch 8: ")


def test_it_is_driven_by_the_keyboard(tab: Page) -> None:
    tab.get_by_role("button", name=LITTLE, exact=True).focus()
    tab.keyboard.press("Enter")
    slider = tab.get_by_role("slider", name="Epoch")
    slider.focus()
    tab.keyboard.press("ArrowLeft")
    assert tab.locator(".ll-status").inner_text().startswith("Epoch 350: ")
    assert slider.get_attribute("aria-valuetext") == "350"
    tab.keyboard.press("Home")
    assert tab.locator(".ll-status").inner_text().startswith("Epoch 0: ")


def test_play_runs_to_the_end_and_stops(tab: Page) -> None:
    tab.clock.install()  # from here on time stands still until the test moves it
    status = tab.locator(".ll-status")
    tab.get_by_role("button", name="Play").click()
    assert status.inner_text().startswith("Epoch 0: ")
    tab.clock.run_for(900)
    assert status.inner_text().startswith("Epoch 1: ")
    tab.get_by_role("button", name="Stop").click()
    tab.clock.run_for(5_000)
    assert status.inner_text().startswith("Epoch 1: ")
    tab.get_by_role("button", name="Play").click()
    tab.clock.run_for(10_000)
    assert status.inner_text().startswith("Epoch 8: ")
    assert tab.get_by_role("button", name="Play").count() == 1


def test_who_wants_no_motion_steps_by_hand(browser: Browser, tmp_path: Any) -> None:
    tab, faults = opened(browser, training_film(), tmp_path, reduced_motion="reduce")
    button = tab.get_by_role("button", name="Next frame")
    for epoch in (0, 1, 2):
        button.click()
        assert tab.locator(".ll-status").inner_text().startswith(f"Epoch {epoch}: ")
    assert faults == []


@every_run
def test_in_words_and_without_scripts_it_says_how_each_run_ends(name: str) -> None:
    piece, run = training_film(), RUNS[name]
    last = run["frames"][-1]
    said = f"After {8 * run['passes']} epochs: loss "
    ending = f"validation accuracy {100 * last['accuracy']:.1f} %."
    for text in (piece.text, piece.still):
        part = text[text.index(f"{name.capitalize()}: {run['images']:,} images") :]
        assert said in part
        assert f"{last['validation']:.3f} in validation" in part
        assert ending in part
