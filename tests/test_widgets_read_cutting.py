"""The page's way to read that cuts does what `lessonlib.checks` does, step by step."""

import base64
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Error, Page

from lessonlib import data_path, synthesis
from lessonlib.checks import candidates, load_image, readings, search
from lessonlib.checks.binarize import binarize
from lessonlib.checks.candidates import Strip, cut_up, ink_boxes, runs, sheared
from lessonlib.checks.cutting import find_candidates, make_reading, text_of, with_first
from lessonlib.checks.image import resample
from lessonlib.checks.pictures import centre, pictures, shrink
from lessonlib.checks.pieces import Piece, crop
from lessonlib.checks.reader import shipped_cutting
from lessonlib.recipes import ENSEMBLE_CUTTER
from lessonlib.synthesis.examples import random_difficulty
from lessonlib.synthesis.samples import sample_amounts
from lessonlib.widgets.networks import network_scripts
from tests.drawn import Ink, bars, rings, strokes
from tests.pieces import run_script
from tests.rasters import SCRIPTS
from tests.test_checks_search import log_softmax

CANDIDATES = (*SCRIPTS, "read_candidates")
CUTTING = (*CANDIDATES, "read_search", "read_cutting")
READING = ("read_networks", *CUTTING)
SHEARS = [step * 8 / 72 for step in candidates.SHEAR_STEPS]  # of a field's usual height
SCALE = (1.7, 0.6)  # any
UNPACK = "(text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))"
RASTER = f"((image) => ({{ ...image, data: ({UNPACK})(image.data) }}))"
STRIP = f"((one) => ({{ ...one, labels: new Int16Array(({UNPACK})(one.labels).buffer) }}))"

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def packed(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def raster(image: npt.NDArray[Any]) -> dict[str, Any]:
    """An image, or ink, as the scripts take it."""
    height, width = image.shape
    return {"width": width, "height": height, "data": packed(image.astype(np.uint8))}


def field_strip(strip: Strip) -> dict[str, Any]:
    """A strip of Python's as the scripts take it."""
    rows, width = strip.labels.shape
    return {
        "labels": packed(strip.labels),
        "width": width,
        "rows": rows,
        "boxes": strip.boxes.tolist(),
        "pieces": strip.pieces.tolist(),
        "height": strip.height,
        "shear": strip.shear,
    }


def rendered(count: int, seed: int) -> list[npt.NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    amounts = sample_amounts(rng, count)
    return [synthesis.render(amount, rng, random_difficulty(rng)) for amount in amounts]


def sample_checks() -> list[npt.NDArray[np.uint8]]:
    return [load_image(path) for path in sorted(data_path("checks", "images").glob("*.png"))[:3]]


FIELDS = [*rendered(7, seed=5), *sample_checks()]
INKS: list[Ink] = [
    *(binarize(resample(field)) for field in FIELDS),
    rings(60, 97, 160, 200, 235),  # zeros, some of them written into each other
    bars(60, 120, 180, slant=0.5),
    bars(60, 120, 180, slant=-0.3),
    strokes(((20, 20), (380, 20)), ((30, 30), (30, 80)), ((60, 30), (90, 80))),  # a ruled line
    strokes(((30, 20), (330, 80)), shape=(96, 400)),  # far too wide for a digit
    np.zeros((72, 200), dtype=bool),
    np.random.default_rng(0).random((72, 150)) < 0.3,
]
every_field = pytest.mark.parametrize("number", range(len(FIELDS)))
every_ink = pytest.mark.parametrize("number", range(len(INKS)))


def cut_on_page(tab: Page, inks: list[Ink], own: dict[int, list[int]] | None = None) -> list[Any]:
    """The strips of some inks, with their candidates and these ones' boxes in the image."""
    expression = f"""argument.inks.map((ink) => {{
      const strip = cutUp({RASTER}(ink), argument.own);
      const runs = candidateRuns(strip);
      const boxes_in_image = candidateImageBoxes(strip, runs, argument.scale);
      return {{ ...strip, labels: strip.labels.join(" "), runs, boxes_in_image }};
    }})"""
    argument = {"inks": [raster(ink) for ink in inks], "own": own or {}, "scale": SCALE}
    found: list[Any] = run_script(tab, CANDIDATES, expression, argument)
    return found


@pytest.fixture(scope="module")
def strips(tab: Page) -> list[Any]:
    return cut_on_page(tab, INKS)


def assert_same_strip(found: Any, strip: Strip) -> None:
    assert found["shear"] == strip.shear
    assert found["height"] == strip.height
    assert found["boxes"] == strip.boxes.tolist()
    assert found["pieces"] == strip.pieces.tolist()
    assert (found["rows"], found["width"]) == strip.labels.shape
    labels = np.array(found["labels"].split(), dtype=int).reshape(strip.labels.shape)
    np.testing.assert_array_equal(labels, strip.labels)


# ---------------------------------------------------------------- candidates


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("CUT_RULES", candidates),
        ("PICTURE_RULES", import_module("lessonlib.checks.pictures")),
        ("SEARCH_RULES", search),
        ("READING_RULES", readings),
    ],
)
def test_the_constants_are_those_of_the_package(name: str, module: Any, tab: Page) -> None:
    for constant, value in run_script(tab, CUTTING, name).items():
        theirs = getattr(module, constant)
        assert value == (list(theirs) if isinstance(theirs, range) else theirs), constant


@every_ink
def test_ink_is_cut_into_the_same_primitives(number: int, strips: list[Any]) -> None:
    assert_same_strip(strips[number], cut_up(INKS[number]))


@every_ink
def test_the_same_runs_are_candidates_and_lie_in_the_same_boxes_of_the_image(
    number: int, strips: list[Any]
) -> None:
    strip, found = cut_up(INKS[number]), strips[number]
    assert found["runs"] == runs(strip).tolist()
    assert found["boxes_in_image"] == [list(box) for box in ink_boxes(strip, runs(strip), SCALE)]


@pytest.mark.parametrize("height", [72, 60, 40, 5])
def test_ink_is_sheared_as_opencv_does_it(height: int, tab: Page) -> None:
    ink = np.random.default_rng(height).random((height, 90)) < 0.5
    bands = max(1, round(height / candidates.BAND_HEIGHT))
    shears = [step * bands / height for step in candidates.SHEAR_STEPS]
    expression = f"""(() => {{
      const ink = {RASTER}(argument.ink);
      return argument.shears.map((shear) => Array.from(shearedInk(ink, shear).data));
    }})()"""
    found = run_script(tab, CANDIDATES, expression, {"ink": raster(ink), "shears": shears})
    for own, shear in zip(found, shears, strict=True):
        assert own == sheared(ink, shear).ravel().tolist()


def test_a_place_in_the_strip_leads_to_the_pixel_of_the_field_that_it_came_from(tab: Page) -> None:
    ink = np.zeros((72, 200), dtype=bool)
    ink[50, 100] = True
    expression = """(({ strip, place }) => {
      const inImage = placeInImage(strip, [2, 3], place);
      return [inImage, placeInStrip(strip, [2, 3], inImage)];
    })(argument)"""
    for shear in SHEARS:
        ((row, column),) = np.argwhere(sheared(ink, shear)).tolist()
        argument = {"strip": {"shear": shear, "rows": 72}, "place": [column, row]}
        in_image, back = run_script(tab, CANDIDATES, expression, argument)
        assert in_image == pytest.approx([200, 150], abs=1.01)  # the column was rounded
        assert back == pytest.approx([column, row])


# ---------------------------------------------------------------- cuts of the page's reader


def test_a_piece_says_where_it_is_cut(tab: Page) -> None:
    (found,) = cut_on_page(tab, [rings(60, 97, 160)])
    pair, alone = found["ink"]
    assert alone["cuts"] == []
    (column,) = pair["cuts"]
    first, second, _ = found["boxes"]
    assert first[0] + first[2] == second[0] == column


@every_field
def test_own_cuts_at_the_automatic_columns_change_nothing(
    number: int, strips: list[Any], tab: Page
) -> None:
    own = {piece: one["cuts"] for piece, one in enumerate(strips[number]["ink"])}
    assert cut_on_page(tab, [INKS[number]], own) == [strips[number]]


@every_field
def test_own_cuts_take_the_place_of_the_automatic_ones_of_their_piece_alone(
    number: int, strips: list[Any], tab: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = strips[number]["ink"]
    widest = max(range(len(pieces)), key=lambda piece: pieces[piece]["width"])
    x, width = pieces[widest]["x"], pieces[widest]["width"]
    columns = [width // 3, width // 2]
    automatic = candidates.cut

    def cut_there(piece: Piece, height: int) -> list[Piece]:
        if (piece.x, piece.width) != (x, width):
            return automatic(piece, height)
        return [crop(piece, a, b) for a, b in pairwise([0, *columns, width])]

    monkeypatch.setattr(candidates, "cut", cut_there)
    own = {widest: [x + columns[1], x + columns[0]]}  # in any order
    (found,) = cut_on_page(tab, [INKS[number]], own)
    strip = cut_up(INKS[number])
    assert_same_strip(found, strip)
    assert found["runs"] == runs(strip).tolist()
    assert found["ink"][widest]["cuts"] == sorted(own[widest])


def test_without_own_cuts_a_piece_stays_whole(tab: Page) -> None:
    (found,) = cut_on_page(tab, [rings(60, 97, 160)], {0: []})
    assert found["pieces"] == [0, 1]


def test_own_cuts_beside_the_piece_and_at_its_ends_are_left_out(tab: Page) -> None:
    ink = [rings(60, 97, 160)]
    (found,) = cut_on_page(tab, ink)
    left, width = found["ink"][0]["x"], found["ink"][0]["width"]
    inside, right = left + width // 2, left + width
    (found,) = cut_on_page(tab, ink, {0: [left - 9, left, inside, inside, right, right + 9]})
    assert found["ink"][0]["cuts"] == [inside]


def test_a_place_belongs_to_the_nearest_piece_in_its_column(tab: Page) -> None:
    ink = rings(60, 97, 160)
    ink[5:12, 40:70] = True  # a bar above the first zero
    expression = f"""(() => {{
      const strip = cutUp({RASTER}(argument.ink));
      return argument.places.map(([x, y]) => {{
        const piece = strip.ink[pieceAt(strip, x, y)];
        return piece ? piece.y : -1;
      }});
    }})()"""
    places = [[60, 48], [60, 8], [60, 95], [160, 5], [300, 48]]
    found = run_script(tab, CANDIDATES, expression, {"ink": raster(ink), "places": places})
    top = int(np.flatnonzero(rings(60).any(axis=1))[0])
    assert found == [top, 5, top, top, -1]


# ---------------------------------------------------------------- pictures


@every_ink
def test_the_network_is_shown_the_same_pictures(number: int, tab: Page) -> None:
    strip = cut_up(INKS[number])
    argument = {"strip": field_strip(strip), "runs": runs(strip).tolist()}
    expression = f"""candidatePictures({STRIP}(argument.strip), argument.runs)
      .map((picture) => Array.from(picture))"""
    found = np.array(run_script(tab, CUTTING, expression, argument)).reshape(-1, 2, 28, 28)
    expected = pictures(strip, runs(strip))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max(initial=0) <= 1


@pytest.mark.parametrize("shape", [(3, 60), (60, 3), (7, 5), (1, 1), (20, 20), (40, 20), (19, 45)])
def test_small_and_long_ink_is_shown_alike(shape: tuple[int, int], tab: Page) -> None:
    ink = np.random.default_rng(1).random(shape) < 0.7
    ink[0], ink[:, 0] = True, True
    expression = f"""(() => {{
      const frame = new Uint8Array(784);
      const ink = {RASTER}(argument);
      drawDigit(frame, shrunkenDigit({{ ...ink, data: ink.data.map((value) => 255 * value) }}));
      return Array.from(frame);
    }})()"""
    found = np.array(run_script(tab, CUTTING, expression, raster(ink))).reshape(28, 28)
    assert np.abs(found - centre(shrink(ink))).max() <= 1


# ---------------------------------------------------------------- search


def lattice(seed: int) -> tuple[npt.NDArray[np.int64], Floats, int]:
    """Draw some primitives, candidates of up to five of them, and log probabilities."""
    rng = np.random.default_rng(seed)
    primitives = int(rng.integers(1, 25))
    edges = [
        (start, stop)
        for stop in range(1, primitives + 1)
        for start in range(stop - 1, max(-1, stop - 6), -1)
        if start == stop - 1 or rng.random() < 0.6
    ]
    spread = (0.0, 1.0, 5.0, 30.0)[seed % 4]
    logits = spread * rng.normal(size=(len(edges), candidates.CANDIDATE_CLASSES))
    return np.array(edges, dtype=np.int64), log_softmax(logits), primitives


def search_on_page(
    tab: Page, edges: npt.NDArray[np.int64], log_p: Floats, primitives: int
) -> dict[str, Any]:
    expression = """searchedTexts(
      argument.edges, argument.logP.map((row) => Float64Array.from(row)), argument.primitives)"""
    argument = {"edges": edges.tolist(), "logP": log_p.tolist(), "primitives": primitives}
    found: dict[str, Any] = run_script(tab, CUTTING, expression, argument)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_the_same_path_is_the_best_and_the_same_texts_have_the_same_shares(
    seed: int, tab: Page
) -> None:
    edges, log_p, primitives = lattice(seed)
    found = search_on_page(tab, edges, log_p, primitives)
    path = search.best_path(edges, log_p, primitives)
    assert [tuple(step) for step in found["path"]["steps"]] == list(path.steps)
    assert found["path"]["score"] == pytest.approx(path.score, abs=1e-9)
    assert found["path"]["share"] == pytest.approx(path.share, abs=1e-9)
    expected = with_first(text_of(path), search.best_texts(edges, log_p, primitives))
    assert [text for text, _ in found["texts"]] == [text for text, _ in expected]
    for (_, share), (_, own) in zip(found["texts"], expected, strict=True):
        assert share == pytest.approx(own, abs=1e-6)


def test_a_field_without_candidates_has_the_empty_text_alone(tab: Page) -> None:
    found = search_on_page(tab, np.zeros((0, 2), np.int64), np.zeros((0, 12)), 0)
    assert found == {"path": {"steps": [], "score": 0, "share": 0}, "texts": [["", 0]]}


def test_the_path_s_text_comes_first_even_if_the_search_did_not_find_it(tab: Page) -> None:
    texts = [["17", -0.5], ["11", -1.5], ["77", -3.0]]
    for first in ("17", "77", "99"):
        found = run_script(tab, "read_search", "withFirst(...argument)", [first, texts])
        expected = with_first(first, [(str(text), float(str(share))) for text, share in texts])
        assert found == [list(pair) for pair in expected]


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("log_p", [-50.0, -3.0, -0.5, -1e-3, -1e-6, -1e-9, 0.0])
def test_log_odds_and_confidence_are_those_of_the_package(log_p: float, tab: Page) -> None:
    features = {"score": log_p, "share": 2 * log_p}
    weights = {"constant": 0.3, "score": 0.7, "share": -0.2, "other": 9.0}
    expected = [readings.log_odds(log_p), readings.calibrated(features, weights)]
    expression = "[logOdds(argument[0].score), calibrated(...argument)]"
    found = run_script(tab, "read_search", expression, [features, weights])
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_calibration_without_a_weight_is_refused(tab: Page) -> None:
    with pytest.raises(Error, match="no weight for share: fit it anew"):
        run_script(tab, "read_search", "calibrated({ share: 1 }, { constant: 0 })")


@pytest.mark.parametrize("logs", [[], [-1.0], [-1.0, -2.0, -700.0], [-5000.0, -5001.0]])
def test_logs_are_added_up_without_underflow(logs: list[float], tab: Page) -> None:
    total = run_script(tab, "read_search", "logSumExp(argument)", logs)
    assert total == pytest.approx(np.logaddexp.reduce(logs), rel=1e-12)


# ---------------------------------------------------------------- reading


def log_probabilities(field: npt.NDArray[np.uint8]) -> tuple[Any, Floats]:
    cutting = shipped_cutting(ENSEMBLE_CUTTER)
    prepared = find_candidates(field)
    (log_p,) = cutting.log_probabilities([prepared])
    return prepared, log_p


@every_field
def test_the_same_answers_of_the_network_make_the_same_reading(number: int, tab: Page) -> None:
    field, log_p = log_probabilities(FIELDS[number])
    calibration = dict(shipped_cutting(ENSEMBLE_CUTTER).calibration)
    expression = f"""(() => {{
      const network = argument.logP.map((row) => Float64Array.from(row));
      globalThis.classifyCandidates = (answers) => answers;
      const settings = {{ calibration: argument.calibration, sizes: [1] }};
      const found = findWriting({RASTER}(argument.field)).gray;
      const {{ text, confidence, texts, kinds, boxes, lattice }} = readByCutting(
        network, found, settings);
      return {{ text, confidence, texts, kinds, boxes, lattice }};
    }})()"""
    argument = {"field": raster(FIELDS[number]), "logP": log_p.tolist(), "calibration": calibration}
    found = run_script(tab, CUTTING, expression, argument)
    reading = make_reading(field, log_p, calibration)
    path = search.best_path(field.candidates, log_p, len(field.strip.boxes))
    assert found["text"] == reading.text
    assert found["confidence"] == pytest.approx(reading.confidence, abs=1e-6)
    assert [text for text, _ in found["texts"]] == [text for text, _ in reading.alternatives]
    assert found["kinds"] == [kind for _, kind in path.steps]
    assert found["boxes"] == candidates.boxes_of(field.strip, field.candidates).tolist()
    edges = [[edge["start"], edge["stop"]] for edge in found["lattice"]]
    assert edges == field.candidates.tolist()
    assert [edge["box"] for edge in found["lattice"]] == found["boxes"]
    assert [edge["kind"] for edge in found["lattice"]] == log_p.argmax(axis=1).tolist()
    assert [edge["logP"] for edge in found["lattice"]] == log_p.max(axis=1).tolist()


def test_a_moved_cut_asks_the_network_about_new_pictures_only(tab: Page) -> None:
    expression = f"""(() => {{
      let asked = 0;
      globalThis.classifyCandidates = (network, pictures) => {{
        asked += pictures.length;
        return pictures.map((picture) => {{
          const sum = picture.reduce((total, level, i) => (total * 31 + level * i) % 9973, 7);
          const scores = Array.from({{ length: 12 }}, (_, k) => Math.sin(sum * (k + 1)));
          return Float64Array.from(scores, (score) => score - logSumExp(scores));
        }});
      }};
      const ink = {RASTER}(argument);
      const settings = {{ calibration: {{ constant: 0, score: 1, share: 1 }}, sizes: [1] }};
      const [field, known] = [{{ field: ink, ink, scale: [1, 1] }}, new Map()];
      const first = readCut(null, field, settings, {{}}, known);
      const before = asked;
      const cut = first.strip.ink[0].cuts[0];
      const moved = readCut(null, field, settings, {{ 0: [cut + 4] }}, known);
      const fresh = asked - before;
      const anew = readCut(null, field, settings, {{ 0: [cut + 4] }});
      return {{
        before, fresh, candidates: moved.candidates.length,
        moved: [moved.strip.ink[0].cuts[0] - cut, moved.texts, moved.confidence],
        anew: [4, anew.texts, anew.confidence],
        first: first.texts,
      }};
    }})()"""
    found = run_script(tab, CUTTING, expression, raster(rings(60, 97, 160, 230, 300)))
    assert 0 < found["fresh"] < found["candidates"] == found["before"]
    assert found["moved"] == found["anew"]
    assert found["moved"][1] != found["first"]


def test_fields_are_read_as_python_reads_them(tab: Page) -> None:
    cutting = shipped_cutting(ENSEMBLE_CUTTER)
    for script in network_scripts(f"reader-{ENSEMBLE_CUTTER}").values():
        tab.evaluate(script)
    expression = f"""(() => {{
      const network = readConvNetwork("reader-{ENSEMBLE_CUTTER}");
      return argument.fields.map((field) => {{
        const found = findWriting({RASTER}(field)).gray;
        const {{ text, confidence }} = readByCutting(network, found, argument.settings);
        return [text, confidence];
      }});
    }})()"""
    settings = {"calibration": dict(cutting.calibration), "sizes": list(cutting.sizes)}
    argument = {"fields": [raster(field) for field in FIELDS], "settings": settings}
    expected = cutting.read([cutting.prepare(field) for field in FIELDS])
    found = run_script(tab, READING, expression, argument)
    for (text, confidence), own in zip(found, expected, strict=True):
        assert text == own.text
        assert confidence == pytest.approx(own.confidence, abs=0.1)  # the weights are int8
