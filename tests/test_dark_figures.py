"""Figures in dark colours: what changes, what stays, and how a notebook carries them."""

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.colors import ListedColormap, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from lessonlib import figures
from lessonlib.figures import dark
from tools import notebooks

GROUND, INK = (18, 18, 18), (212, 212, 212)
# The pale tints on which figures write.
TINTS = ("#E8F1F8", "#FDF3E0", "#FBE8C3", "#FCEBC8", "#DCEBF5", "#FCE8D5", "#EEEEEE", "white")


def light_png(figure: Figure) -> bytes:
    """Paint a figure as a notebook does."""
    content = io.BytesIO()
    figure.savefig(content, format="png", bbox_inches="tight")
    return content.getvalue()


def pixels(png: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def both(figure: Figure) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The pixels of a figure in light and in dark colours."""
    return pixels(light_png(figure)), pixels(dark.dark_png(figure))


def halves(image: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """The left and the right half of `bare`'s axis, without the paper around it."""
    assert image.shape == (120, 220, 3)
    return [image[12:-12, 12:108], image[12:-12, 112:208]]


def bare() -> tuple[Figure, Any]:
    """A figure of nothing but an axis without frame, which fills it."""
    figure = Figure(figsize=(2, 1), dpi=100)
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, 2), ylim=(0, 1))
    axis.axis("off")
    return figure, axis


X, Y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
FIGURES: dict[str, Callable[[], Figure]] = {
    "planes": lambda: figures.planes([figures.Plane("", X, Y, np.array([1, 1]), -1.5, marked=1)]),
    "confusion": lambda: figures.confusion(np.arange(100).reshape(10, 10)),
    "regions": lambda: figures.regions({"a": lambda x: x[:, 0] > 0.5}, X, Y),
    "shapes": lambda: figures.shapes([784, 256, 10]),
    "weights": lambda: figures.weight_images(np.eye(4)[None] - 0.5, ["a"]),
}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.mark.parametrize("name", FIGURES)
def test_a_dark_figure_has_the_light_one_s_layout_on_the_dark_ground(name: str) -> None:
    light, darkened = both(FIGURES[name]())
    assert light.shape == darkened.shape
    assert tuple(light[0, 0]) == (255, 255, 255)
    assert tuple(darkened[0, 0]) == GROUND


def test_a_dark_figure_has_the_same_bytes_every_time() -> None:
    first, second = FIGURES["planes"](), FIGURES["planes"]()
    light_png(first)
    light_png(second)
    assert dark.dark_png(first) == dark.dark_png(first) == dark.dark_png(second)


def test_the_figure_itself_is_not_changed() -> None:
    painted, untouched = FIGURES["planes"](), FIGURES["planes"]()
    assert light_png(painted) == light_png(untouched)
    canvas, layout = painted.canvas, painted.get_layout_engine()
    dark.dark_png(painted)
    assert (painted.canvas, painted.get_layout_engine()) == (canvas, layout)
    assert light_png(painted) == light_png(untouched)


def test_a_figure_that_can_t_be_painted_is_not_changed_either() -> None:
    figure, axis = figures.new()
    canvas, layout = figure.canvas, figure.get_layout_engine()
    axis.set_title("$\\nonsense$")
    with pytest.raises(ValueError, match="nonsense"):
        dark.dark_png(figure)
    assert (figure.canvas, figure.get_layout_engine()) == (canvas, layout)


def test_grays_change_places_and_keep_their_order() -> None:
    grays = [dark.dark_color((g, g, g))[0] for g in np.linspace(0, 1, 11)]
    assert grays == sorted(grays, reverse=True)
    assert np.round(255 * np.array([grays[0], grays[-1]])).tolist() == [INK[0], GROUND[0]]


@pytest.mark.parametrize("color", [*figures.COLORS, "#9A6A00", "navy", "maroon"])
def test_strong_colours_stay_or_become_lighter_until_they_are_seen(color: str) -> None:
    before = to_rgb(color)
    after = dark.dark_color(before)
    assert dark.contrast_to_ground(after) >= 4.5
    assert after == before or dark.contrast_to_ground(before) < 4.5
    assert min(np.array(after) - before) >= 0


def test_contrasts_are_those_of_wcag() -> None:
    assert dark.contrast_to_ground(to_rgb("white")) == pytest.approx(18.73, abs=0.01)
    # Of red the formula counts 0.2126; the ground's 18 of 255 come to 0.00605.
    assert dark.contrast_to_ground(to_rgb("red")) == pytest.approx(0.2626 / 0.05605, rel=1e-4)


@pytest.mark.parametrize("tint", TINTS)
def test_text_can_be_read_on_every_tint(tint: str) -> None:
    """By the contrasts to the ground: those of two colours divide."""
    text, below = dark.dark_color(to_rgb("black")), dark.dark_color(to_rgb(tint))
    assert dark.contrast_to_ground(text) / dark.contrast_to_ground(below) >= 4.5


def test_what_is_clear_stays_clear() -> None:
    assert dark.dark_color(to_rgba("black", 0.25))[3] == 0.25


def test_shapes_marks_and_text_change_their_colours() -> None:
    figure, axis = bare()
    axis.add_patch(Rectangle((0, 0), 0.5, 1, color="black"))
    axis.plot([0.75], [0.5], "s", color="black", markersize=20)
    axis.scatter([1.25, 1.25], [0.5, 0.5], s=400, c=["black", "black"], marker="s")
    axis.text(1.5, 0.1, "■", fontsize=40)
    light, darkened = both(figure)
    assert (light == 0).all(axis=-1).sum() > 5000
    np.testing.assert_array_equal((light == 0).all(-1), (darkened == INK[0]).all(-1))


def test_hatches_change_their_colours() -> None:
    figure, axis = bare()
    axis.add_patch(Rectangle((0, 0), 2, 1, facecolor="white", hatch="//", edgecolor="black"))
    _, darkened = both(figure)
    assert (darkened[40:60, 30:190] == INK[0]).any()


def test_a_picture_stays_as_it_is_with_the_text_on_it() -> None:
    figure, axis = bare()
    axis.imshow([[0.0, 0.2], [1.0, 0.9]], extent=(0, 1, 0, 1), cmap="gray_r", aspect="auto")
    axis.set(xlim=(0, 2))
    axis.text(0.1, 0.6, "7", fontsize=20)
    axis.text(1.4, 0.6, "7", fontsize=20)
    light, darkened = both(figure)
    (left, right), (left_dark, right_dark) = halves(light), halves(darkened)
    np.testing.assert_array_equal(left, left_dark)
    assert (right == 0).any()
    np.testing.assert_array_equal(right == 0, right_dark == INK[0])


def test_a_picture_has_white_paper_where_it_is_clear_and_hides_none_below() -> None:
    figure, axis = bare()
    below = np.full((2, 2), 0.5)
    clear = np.ma.masked_less([[0.0, 1.0]], 0.5)
    axis.imshow(clear, extent=(0, 1, 0, 1), aspect="auto", alpha=0.5)
    for alpha in (1, 0):
        axis.imshow(below, extent=(1, 2, 0, 1), aspect="auto", alpha=alpha, vmin=0, vmax=1)
    axis.set(xlim=(0, 2))
    light, darkened = both(figure)
    np.testing.assert_array_equal(halves(light), halves(darkened))
    assert (halves(light)[0] == 255).all(-1).any()


def test_a_map_of_values_has_no_white_paper_and_text_on_a_strong_colour_stays() -> None:
    figure, axis = bare()
    cells = np.ma.masked_equal([[0, 1]], 0)
    axis.pcolormesh([0, 1, 2], [0, 1], cells, cmap=ListedColormap(["orange"]))
    for x in (0.3, 1.3):
        axis.text(x, 0.3, "7", fontsize=20)
    light, darkened = both(figure)
    (left, right), (left_dark, right_dark) = halves(light), halves(darkened)
    np.testing.assert_array_equal(right, right_dark)
    assert (left[0] == 255).all()
    assert (left_dark[0] == GROUND).all()
    np.testing.assert_array_equal((left == 0).all(-1), (left_dark == INK).all(-1))


def test_the_grays_of_a_map_change_places() -> None:
    figure, axis = bare()
    axis.pcolormesh([0, 1, 2], [0, 1], [[0, 1]], cmap="gray_r")
    _, darkened = both(figure)
    for half, color in zip(halves(darkened), (GROUND, INK), strict=True):
        assert (half == color).all()


def test_the_colour_bar_of_a_picture_stays_as_it_is() -> None:
    figure, axis = bare()
    picture = axis.imshow([[0, 1]], extent=(0, 1, 0, 1), aspect="auto", cmap="gray_r")
    place = figure.add_axes((0.5, 0, 0.5, 1), label="<colorbar>")  # Matplotlib's own label
    figure.colorbar(picture, cax=place, ticks=[])
    light, darkened = both(figure)
    np.testing.assert_array_equal(halves(light)[1], halves(darkened)[1])
    assert len(np.unique(halves(light)[1])) > 20  # the bar is there


# ---------------------------------------------------------------- in a notebook

CELLS = (
    "import numpy as np\nfrom lessonlib import figures\nprint('text')\n'a value'",
    "_ = figures.grid(np.eye(28)[None])",
    "figure, _ = figures.new()",
    "figure",
)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The outputs of a notebook that has been run for the book."""
    folder = tmp_path_factory.mktemp("run")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "a.ipynb")
    run = notebooks.run(folder / "a.ipynb", folder)
    nbformat.validate(run)
    return [output for cell in run.cells for output in cell.outputs]


def test_a_notebook_s_figures_carry_their_dark_pictures(outputs: list[Any]) -> None:
    shown = [output for output in outputs if "image/png" in output.get("data", {})]
    assert [output.output_type for output in shown] == [
        "display_data",
        "display_data",
        "execute_result",
    ]
    for output in shown:
        light = pixels(base64.b64decode(output.data["image/png"]))
        darkened = pixels(base64.b64decode(output.metadata["image/png"]["dark"]))
        assert light.shape == darkened.shape
        assert tuple(light[0, 0]) == (255, 255, 255)
        assert tuple(darkened[0, 0]) == GROUND


def test_other_outputs_carry_nothing(outputs: list[Any]) -> None:
    text, value, *_ = outputs
    assert text.text == "text\n"
    assert value.metadata == {}


def test_the_light_pictures_look_as_in_a_kernel_that_knows_nothing_of_dark_ones(
    outputs: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    monkeypatch.setattr(notebooks, "DARK_FIGURES", "json")  # loads, and adds nothing
    plain = [
        o for cell in notebooks.run(tmp_path / "a.ipynb", tmp_path).cells for o in cell.outputs
    ]
    assert not any(output.get("metadata") for output in plain)
    for ours, theirs in zip(outputs, plain, strict=True):
        if "image/png" in theirs.get("data", {}):
            mine, other = (pixels(base64.b64decode(o.data["image/png"])) for o in (ours, theirs))
            np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("name", FIGURES)
def test_a_small_picture_looks_the_same_and_is_smaller(name: str) -> None:
    png = light_png(FIGURES[name]())
    small = dark.small_png(png)
    difference = pixels(small).astype(float) - pixels(png)
    assert np.sqrt(np.mean(difference**2)) < 1  # of 255
    assert len(small) < 0.75 * len(png)
    assert small == dark.small_png(png)
