"""The page's networks that read an amount answer as Python's do."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from playwright.sync_api import Browser, Page
from torch import nn

from lessonlib import augment, compress, models, weights
from lessonlib.checks import cutting, lines
from lessonlib.checks.find import find_writing
from lessonlib.checks.pictures import FRAME_SIDE
from lessonlib.models import CNN, LineNetwork
from lessonlib.recipes import CUTTERS
from lessonlib.synthesis import render
from lessonlib.synthesis.samples import sample_amounts
from lessonlib.widgets.networks import HEAVIEST, described_layers, network_scripts
from tests.pieces import run_script

NAMES = ("reader-cnn", "reader-line")
FIELDS = 25
SIZES = CUTTERS["cnn"].sizes
ATOL = 5e-4  # logs, small ones too: torch adds up in float32, and the page in float64
# int8 moves the probabilities of 99 in 100 by no more. On 200 fields it was 0.017 for the CNN, and
# 0.023 for the line network. The others may be far off: near `SURE_ENOUGH`, a candidate is shown
# once by one of the two, and again by the other.
MOST_OFF = 0.04
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """Open a blank page that has both networks."""
    page = browser.new_page()
    for name in NAMES:
        for script in network_scripts(name).values():
            page.evaluate(script)
    yield page
    page.close()


@pytest.fixture(scope="module")
def fields() -> list[Levels]:
    rng = np.random.default_rng(11)
    return [render(amount, rng) for amount in sample_amounts(rng, FIELDS)]


@pytest.fixture(scope="module")
def candidates(fields: list[Levels]) -> Levels:
    return np.concatenate([cutting.find_candidates(field).pictures for field in fields])


@pytest.fixture(scope="module")
def line_pictures(fields: list[Levels]) -> list[Levels]:
    return [lines.line_in(find_writing(one), one.shape[::-1]).pictures for one in fields]


def page_classes(
    tab: Page, shown: Levels, sizes: tuple[float, ...], name: str = "reader-cnn"
) -> Floats:
    expression = """classifyCandidates(readConvNetwork(argument.name),
        argument.shown.map((levels) => Uint8Array.from(levels)), argument.sizes)
        .map((logP) => Array.from(logP))"""
    argument = {"name": name, "shown": [one.ravel().tolist() for one in shown], "sizes": sizes}
    return np.array(run_script(tab, "read_networks", expression, argument))


def page_columns(tab: Page, shown: list[Levels], name: str = "reader-line") -> list[Floats]:
    expression = """argument.lines.map(({ width, levels }) => readColumns(
        readConvNetwork(argument.name), { width, data: Uint8Array.from(levels) }))
        .map(({ T, K, logP }) => ({ T, K, logP: Array.from(logP) }))"""
    given = [{"width": one.shape[2], "levels": one.ravel().tolist()} for one in shown]
    found = run_script(tab, "read_networks", expression, {"name": name, "lines": given})
    return [np.reshape(one["logP"], (one["T"], one["K"])) for one in found]


@pytest.fixture(scope="module")
def found_classes(tab: Page, candidates: Levels) -> Floats:
    return page_classes(tab, candidates, SIZES)


@pytest.fixture(scope="module")
def found_columns(tab: Page, line_pictures: list[Levels]) -> list[Floats]:
    return page_columns(tab, line_pictures)


def weighted(model: nn.Module) -> list[nn.Linear | nn.Conv2d]:
    return [layer for layer in model.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]


def step_of(weight: torch.Tensor) -> torch.Tensor:
    """Compute how far two whole numbers of each output are apart, shaped to fit its weights."""
    rows = weight.flatten(1).abs().amax(dim=1) / 127
    return rows.reshape(-1, *[1] * (weight.dim() - 1))


def rounded(model: Any) -> Any:
    """Round a network's weights as the page has them."""
    folded = copy.deepcopy(compress.fold_batch_norm(model))
    for layer in weighted(folded):
        w = layer.weight.data
        layer.weight.data = (w / step_of(w)).round() * step_of(w)
    return folded


def put(tab: Page, name: str, model: CNN | LineNetwork) -> None:
    """Give the page any network, as the scripts do it."""
    layers = described_layers(model)
    scaled = (models.MEAN, models.STD) if isinstance(model, CNN) else (0, 1)
    entry = {"mean": scaled[0], "std": scaled[1], "length": len(layers)} | dict(enumerate(layers))
    tab.evaluate("([name, entry]) => { lessonlibNetworks[name] = entry; }", [name, entry])


# What travels


def test_the_scripts_are_small_plain_and_as_many_as_needed() -> None:
    scripts = {name: script for own in NAMES for name, script in network_scripts(own).items()}
    assert list(scripts) == ["reader-cnn", "reader-line-1", "reader-line-2"]
    assert all(script.isascii() and len(script) <= HEAVIEST for script in scripts.values())
    assert sum(map(len, scripts.values())) < 1_000_000


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1, 0)])
def test_the_scripts_of_a_network_run_in_any_order_and_again(
    order: tuple[int, ...], browser: Browser
) -> None:
    scripts = list(network_scripts("reader-line").values())
    page = browser.new_page()
    for number in order:
        page.evaluate(scripts[number])
    kinds = run_script(
        page, "read_networks", "readConvNetwork('reader-line').layers.map(l => l.kind)"
    )
    model = weights.shipped("reader-line")
    assert isinstance(model, LineNetwork)
    assert kinds == [layer["kind"] for layer in described_layers(model)]
    page.close()


def test_a_network_without_all_its_scripts_is_not_read(browser: Browser) -> None:
    page = browser.new_page()
    for script in ("", *list(network_scripts("reader-line").values())[1:]):
        page.evaluate(script)
        with pytest.raises(Exception, match="reader-line isn't complete: put all its scripts"):
            run_script(page, "read_networks", "readConvNetwork('reader-line')")
    page.close()


def test_a_network_is_unpacked_once(tab: Page) -> None:
    expression = "readConvNetwork('reader-cnn') === readConvNetwork('reader-cnn')"
    assert run_script(tab, "read_networks", expression)


def test_other_networks_have_no_such_scripts() -> None:
    with pytest.raises(ValueError, match="'mlp' has the class MLP"):
        network_scripts("mlp")


def test_the_layers_are_plain_data() -> None:
    model = weights.shipped("reader-line")
    assert isinstance(model, LineNetwork)
    layers = described_layers(model)
    assert json.loads(json.dumps(layers)) == layers
    shapes = [
        (layer["size"], layer["inputs"], len(layer["biases"]), layer["relu"], layer["residual"])
        for layer in layers
        if layer["kind"] == "convolution"
    ]
    assert shapes[0] == ([5, 5], 2, 32, True, False)
    assert shapes[-3:] == [
        ([1, 5], 160, 160, True, True),
        ([1, 5], 160, 160, True, True),
        ([1, 1], 160, 25, False, False),
    ]
    assert [layer["size"] for layer in layers if layer["kind"] == "pooling"] == [[2, 2], [2, 1]]


@pytest.mark.parametrize("name", NAMES)
def test_each_weight_is_off_by_half_a_step_at_most(tab: Page, name: str) -> None:
    expression = """readConvNetwork(argument).layers.filter(({ kind }) => kind === "convolution")
        .map(({ weights }) => Array.from(weights))"""
    found = run_script(tab, "read_networks", expression, name)
    layers = weighted(compress.fold_batch_norm(weights.shipped(name)))
    for layer, unpacked in zip(layers, found, strict=True):
        w = layer.weight.detach()
        # Of the page: outputs by eights, the window's rows, columns, channels, the eight.
        by_input = np.reshape(unpacked, (-1, w[0].numel(), 8)).transpose(0, 2, 1)
        ours = by_input.reshape(-1, w[0].numel())
        assert (ours[len(w) :] == 0).all()
        expected = w.movedim(1, -1)
        off = np.abs(ours[: len(w)].reshape(expected.shape) - expected.numpy())
        # The steps travel with six digits, and a weight is up to 127 of them.
        assert (off <= 0.501 * step_of(expected).numpy()).all()


# The forward pass


def test_with_the_same_weights_the_page_computes_what_torch_does(
    candidates: Levels,
    line_pictures: list[Levels],
    found_classes: Floats,
    found_columns: list[Floats],
) -> None:
    expected = cutting.classify(rounded(weights.shipped("reader-cnn")), candidates, SIZES)
    np.testing.assert_allclose(found_classes, expected, atol=ATOL)
    columns = lines.read_columns(rounded(weights.shipped("reader-line")), line_pictures)
    for found, one in zip(found_columns, columns, strict=True):
        np.testing.assert_allclose(found, one, atol=ATOL)


def test_the_rounded_cnn_answers_as_python_s(candidates: Levels, found_classes: Floats) -> None:
    expected = cutting.classify(weights.shipped("reader-cnn"), candidates, SIZES)
    assert_close(np.exp(found_classes), np.exp(expected))


def test_the_rounded_line_network_answers_as_python_s(
    line_pictures: list[Levels], found_columns: list[Floats]
) -> None:
    assert len({one.shape[2] for one in line_pictures}) > 3
    columns = lines.read_columns(weights.shipped("reader-line"), line_pictures)
    assert_close(np.exp(np.concatenate(found_columns)), np.exp(np.concatenate(columns)))


def assert_close(found: Floats, p: Floats) -> None:
    """Compare the page's probabilities, in rows, with those before weights were rounded."""
    off = np.abs(found - p).max(axis=1)
    same = (found.argmax(axis=1) == p.argmax(axis=1)).mean()
    print(f"{len(p)} rows: off by {off.max():.4f}, 99 %: {np.quantile(off, 0.99):.4f}; {same=:.4f}")
    assert same >= 0.99
    assert np.quantile(off, 0.99) <= MOST_OFF
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("channels", [3, 5])
def test_any_number_of_channels_will_do(
    tab: Page, candidates: Levels, line_pictures: list[Levels], channels: int
) -> None:
    torch.manual_seed(channels)
    cnn = CNN(channels, pictures=2, classes=12).eval()
    line = LineNetwork(channels).eval()
    put(tab, f"cnn-{channels}", cnn)
    put(tab, f"line-{channels}", line)
    some = candidates[:20]
    expected = cutting.classify(rounded(cnn), some, (1.0, 0.9))
    found = page_classes(tab, some, (1.0, 0.9), f"cnn-{channels}")
    np.testing.assert_allclose(found, expected, atol=ATOL)
    columns = lines.read_columns(rounded(line), line_pictures[:2])
    shown = page_columns(tab, line_pictures[:2], f"line-{channels}")
    for ours, theirs in zip(shown, columns, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=ATOL)


# The sizes of a candidate


@pytest.mark.parametrize("factor", [1.0, 0.9, 1.1, 0.5])
def test_pictures_are_resized_as_in_python(tab: Page, candidates: Levels, factor: float) -> None:
    some = candidates[:12]
    standard = augment.resized(models.to_tensor(some), factor)
    expected = (standard * models.STD + models.MEAN).numpy() * 255
    expression = """argument.shown.map((levels) =>
        Array.from(resizedPictures(Uint8Array.from(levels), argument.factor)))"""
    argument = {"shown": some.reshape(len(some), -1).tolist(), "factor": factor}
    found = run_script(tab, "read_networks", expression, argument)
    np.testing.assert_allclose(np.reshape(found, some.shape), expected, atol=0.01)


def test_a_candidate_is_shown_again_only_where_there_is_doubt(
    tab: Page, candidates: Levels, found_classes: Floats
) -> None:
    once, again = page_classes(tab, candidates, (1.0,)), found_classes
    sure = once.max(axis=1) >= np.log(cutting.SURE_ENOUGH)
    assert 0 < sure.sum() < len(sure)
    assert (once[sure] == again[sure]).all()
    assert (once[~sure] != again[~sure]).any(axis=1).all()


@pytest.mark.parametrize("sizes", [(), (1.0, 0.0), (-1.0,)])
def test_sizes_that_are_none_are_refused(
    tab: Page, candidates: Levels, sizes: tuple[float, ...]
) -> None:
    with pytest.raises(Exception, match="Sizes must be numbers above 0, and one at least"):
        page_classes(tab, candidates[:1], sizes)


def test_no_candidates_have_no_classes(tab: Page, candidates: Levels) -> None:
    assert len(page_classes(tab, candidates[:0], SIZES)) == 0


def test_the_page_s_constants_are_python_s(tab: Page) -> None:
    assert run_script(tab, "read_networks", "NETWORK_RULES") == {
        "SURE_ENOUGH": cutting.SURE_ENOUGH,
        "FRAME_SIDE": FRAME_SIDE,
        "LINE_HEIGHT": lines.LINE_HEIGHT,
    }
