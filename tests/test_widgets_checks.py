"""Both ways to read on the page give Python's texts, for whoever writes on the pad by any means."""

import base64
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page

from lessonlib import checks, data_path
from lessonlib.checks import CheckReader
from lessonlib.checks.cutting import find_candidates
from lessonlib.synthesis import bundled_hand, drawn_hand
from lessonlib.synthesis.examples import field_by, random_difficulty
from lessonlib.synthesis.samples import sample_amounts
from lessonlib.widgets import write_an_amount
from lessonlib.widgets.checks import SAMPLES, TYPED, cut_columns, packed
from tests.pieces import Opener, opened, run_script

PIECE = write_an_amount()
SCRIPTS = (*PIECE.parts, PIECE.name)
FIELDS = 200
WAYS = ("cnn", "line", "ensemble")
SEVENTEEN = [  # pixels of an empty pad
    [(210, 45), (230, 25), (228, 95)],
    [(260, 25), (310, 25), (280, 95)],
]
READ_ALL = """((networks) => argument.fields.map((field) => {
  const found = findWriting(writeSampleRaster(field));
  const cut = readCut(networks.cnn, cuttingField(found.gray), argument.data.cutting);
  const line = readByLine(networks.line, found.gray, argument.data.line.calibration);
  const both = weighTogether(line, cut, argument.data.ensemble.calibration);
  return [cut, line, both].map(({ text, confidence }) => [text, confidence])
    .concat([[both.amount.value, 0]]);
}))({ cnn: readConvNetwork("reader-cnn"), line: readConvNetwork("reader-line") })"""


@pytest.fixture
def tab(open_piece: Opener) -> Page:
    return open_piece(PIECE)


def as_data(gray: Any) -> dict[str, Any]:
    """Pack an image as the page has its samples."""
    height, width = gray.shape
    return {"width": width, "height": height, "gray": base64.b64encode(gray.tobytes()).decode()}


def rendered(count: int) -> list[Any]:
    """Render fields of random difficulty, half of them in writing that the networks don't know."""
    rng = np.random.default_rng(7)
    hands = itertools.cycle((bundled_hand, drawn_hand))
    return [
        field_by(next(hands), amount, rng, random_difficulty(rng))[0]
        for amount in sample_amounts(rng, count)
    ]


# ---------------------------------------------------------------- as Python reads


def test_both_ways_read_rendered_fields_as_python_does(tab: Page) -> None:
    images = rendered(FIELDS)
    argument = {"fields": [as_data(image) for image in images], "data": PIECE.data}
    found = run_script(tab, SCRIPTS, READ_ALL, argument)
    alike, near = {}, {}
    for place, way in enumerate(WAYS):
        expected = CheckReader(way).read_many(images)
        pairs = [(one[place], e) for one, e in zip(found, expected, strict=True)]
        alike[way] = np.mean([text == e.text for (text, _), e in pairs])
        near[way] = np.quantile([abs(p - e.confidence) for (_, p), e in pairs], 0.9)
    print(f"{FIELDS} rendered fields: the page's text is Python's in {alike}, confidence {near}")
    assert alike["line"] >= 0.97
    assert alike["cnn"] >= 0.9
    assert alike["ensemble"] >= 0.97
    assert max(near.values()) < 0.05


def test_the_sample_checks_are_read_as_python_does(tab: Page) -> None:
    images = [data_path("checks", "images", file) for file in SAMPLES]
    argument = {"fields": [packed(file) for file in SAMPLES], "data": PIECE.data}
    found = run_script(tab, SCRIPTS, READ_ALL, argument)
    for place, way in enumerate(WAYS):
        expected = CheckReader(way).read_many(images)
        assert [one[place][0] for one in found] == [e.text for e in expected]
        assert [one[place][1] for one in found] == pytest.approx(
            [e.confidence for e in expected], abs=0.02
        )
    amounts = [e.amount for e in CheckReader("ensemble").read_many(images)]
    assert [one[3][0] for one in found] == [None if a is None else str(a) for a in amounts]


def test_the_page_s_cuts_are_those_of_the_still_picture(tab: Page) -> None:
    for file in SAMPLES:
        strip = find_candidates(data_path("checks", "images", file)).strip
        expression = """((found) => writeCutsOf(cutUp(cuttingField(found.gray).ink))
          .map(({ column }) => column))(findWriting(writeSampleRaster(argument)))"""
        assert run_script(tab, SCRIPTS, expression, packed(file)) == cut_columns(strip)


def test_typed_digits_are_read_right_when_they_stand_apart(tab: Page) -> None:
    # Each digit beside others, in the one form that the page writes.
    texts = ["123456789", "5021", "98.76", "3400"]
    expression = """argument.texts.map((text) => {
      const image = writeTyped(text, argument.data.characters, 0.3);
      return { width: image.width, height: image.height, gray: Array.from(image.data) };
    })"""
    found = run_script(tab, SCRIPTS, expression, {"texts": texts, "data": PIECE.data})
    images = [np.array(f["gray"], np.uint8).reshape(f["height"], f["width"]) for f in found]
    readings = CheckReader("line").read_many(images)
    assert [r.text for r in readings] == [text.replace(".", "") for text in texts]
    assert set("0123456789.") == set(TYPED)


# ---------------------------------------------------------------- by hand


def said(tab: Page) -> str:
    return tab.locator(".ll-live .ll-status").first.inner_text()


def read_by(tab: Page, way: str) -> str:
    row = tab.locator(".ll-live table").first.get_by_role("row", name=way)
    return row.get_by_role("cell").first.inner_text()


def goal(tab: Page, place: int) -> bool:
    return tab.locator(".ll-goals li").nth(place).get_attribute("data-reached") is not None


def reach(tab: Page, place: int) -> None:
    """Wait for a goal: what is written counts once the pen rests."""
    tab.locator(f".ll-goals li:nth-child({place + 1})[data-reached]").wait_for()


def write(tab: Page, strokes: Sequence[Sequence[tuple[float, float]]]) -> None:
    for first, *others in strokes:
        tab.mouse.move(*first)
        tab.mouse.down()
        for place in others:
            tab.mouse.move(*place, steps=10)
        tab.mouse.up()


def cleared_pad(tab: Page) -> Locator:
    tab.get_by_role("button", name="Clear the pad").click()
    assert said(tab).startswith("No digits were read.")
    pad = tab.locator(".ll-write-pad")
    pad.scroll_into_view_if_needed()
    return pad


def places(pad: Locator) -> list[list[tuple[float, float]]]:
    """Where the corners of 17 lie on the page, which shows the pad as large as it fits."""
    box = pad.bounding_box()
    assert box
    scale = min(box["width"] / 480, box["height"] / 120)
    left = box["x"] + (box["width"] - 480 * scale) / 2
    top = box["y"] + (box["height"] - 120 * scale) / 2
    return [[(left + scale * x, top + scale * y) for x, y in stroke] for stroke in SEVENTEEN]


def test_an_amount_written_with_the_mouse_is_read_by_both_ways(tab: Page) -> None:
    write(tab, places(cleared_pad(tab)))
    assert said(tab) == "Read as 17, the amount 17. The two ways agree."
    assert [read_by(tab, way) for way in ("cut", "the line", "both")] == ["17"] * 3
    assert not goal(tab, 1)  # another digit may follow
    reach(tab, 1)


def test_what_only_one_way_reads_is_called_so(tab: Page) -> None:
    tab.get_by_label("Or type it").fill("17")
    tab.get_by_label("Distance").fill("-0.2")  # one over the other
    assert [read_by(tab, way) for way in ("cut", "the line", "both")] == ["7", "–", "–"]
    assert said(tab) == "No digits were read. The two ways disagree."


def test_ink_that_is_added_to_a_sample_is_no_amount_of_one_s_own(tab: Page) -> None:
    tab.get_by_role("button", name="5066").click()
    pad = tab.locator(".ll-write-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    tab.clock.install()
    tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 8)
    tab.clock.run_for(10_000)
    assert said(tab).startswith("Read as 5066")
    assert "The two ways agree." in said(tab)
    assert not goal(tab, 1)


def test_a_photo_is_painted_only_where_it_is_written_on(tab: Page) -> None:
    expression = """(() => {
      const pad = makeWritePad(() => {}, () => {});
      document.body.replaceChildren(pad.element);
      pad.show(writePaper(400, 300), "Photo");
      const context = pad.element.getContext("2d");
      const painted = [];
      const put = context.putImageData.bind(context);
      context.putImageData = (image, x, y) => {
        painted.push(image.width * image.height);
        put(image, x, y);
      };
      pad.element.setPointerCapture = () => {};
      const { left, top, width } = pad.element.getBoundingClientRect();
      for (const [kind, x] of [["down", 0], ["move", 20], ["up", 20]]) {
        const at = { clientX: left + width / 2 + x, clientY: top + 75, pointerId: 1 };
        pad.element.dispatchEvent(new PointerEvent(`pointer${kind}`, { button: 0, ...at }));
      }
      const shown = context.getImageData(0, 0, 400, 300).data.filter((_, i) => i % 4 === 0);
      const alike = shown.every((level, i) => level === pad.image().data[i]);
      return [painted, alike, Math.min(...shown)];
    })()"""
    painted, alike, darkest = run_script(tab, SCRIPTS, expression)
    assert alike
    assert darkest == 40
    assert painted
    assert max(painted) < 400 * 300 / 20


def test_an_amount_written_with_a_finger_is_read_and_the_page_stays(
    browser: Browser, tmp_path: Path
) -> None:
    size = {"width": 375, "height": 700}
    tab, faults = opened(browser, PIECE, tmp_path, viewport=size, has_touch=True)
    strokes = places(cleared_pad(tab))
    before = tab.evaluate("scrollY")
    session = tab.context.new_cdp_session(tab)

    def touch(kind: str, fingers: Sequence[tuple[float, float]]) -> None:
        points = [{"x": x, "y": y} for x, y in fingers]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    for first, *others in strokes:
        touch("touchStart", [first])
        for (ax, ay), (bx, by) in itertools.pairwise([first, *others]):
            for part in range(1, 11):
                at = (ax + (bx - ax) * part / 10, ay + (by - ay) * part / 10)
                touch("touchMove", [at])
        touch("touchEnd", [])
    assert said(tab).startswith("Read as 17,")
    assert tab.evaluate("scrollY") == before
    assert faults == []


def test_an_amount_is_typed_and_its_digits_pushed_together_by_keys_alone(tab: Page) -> None:
    tab.get_by_label("Or type it").focus()
    tab.keyboard.type("3400")
    assert said(tab).startswith("Read as 3400,")
    pieces = cut_count(tab)
    tab.get_by_label("Distance").focus()
    for _ in range(9):
        tab.keyboard.press("ArrowLeft")
    assert cut_count(tab) > pieces  # what touches is cut


def cut_count(tab: Page) -> int:
    return tab.locator(".ll-write-cut").count()


def test_a_number_that_is_no_amount_comes_with_python_s_reason(tab: Page) -> None:
    tab.get_by_label("Or type it").fill("3400")
    tab.get_by_label("Distance").fill("0")
    expression = """(({ width, height, data }) => ({ width, height, gray: Array.from(data) }))
      (writeTyped("3400", argument.characters, 0))"""
    image = run_script(tab, SCRIPTS, expression, PIECE.data)
    gray = np.array(image["gray"], np.uint8).reshape(image["height"], image["width"])
    reading = CheckReader("ensemble").read(gray)
    assert reading.note.startswith("No amount:")
    assert said(tab) == f"Read as 3400. The two ways agree. {reading.note}"


def test_points_that_overlap_stand_at_the_foot(tab: Page) -> None:
    expression = """(({ width, data }) => Array.from(data).flatMap((level, i) =>
      level < 100 ? [Math.floor(i / width)] : []))(writeTyped("...", argument.characters, -0.3))"""
    rows = run_script(tab, SCRIPTS, expression, PIECE.data)
    assert 80 < min(rows) <= max(rows) < 100


def test_what_was_typed_is_forgotten_with_the_pad(tab: Page) -> None:
    typed = tab.get_by_label("Or type it")
    typed.fill("3400")
    tab.get_by_role("button", name="5066").click()
    assert typed.input_value() == ""


def test_a_letter_that_is_typed_writes_nothing(tab: Page) -> None:
    tab.get_by_label("Or type it").fill("abc")
    assert said(tab).startswith("No digits were read.")


def test_a_cut_that_is_moved_into_a_digit_changes_the_path(tab: Page) -> None:
    before = read_by(tab, "cut")
    count = cut_count(tab)
    cut = tab.locator(".ll-write-cut").last  # between the two zeros of the cents
    start = int(cut.get_attribute("aria-valuenow") or 0)
    cut.focus()
    for _ in range(12):
        tab.keyboard.press("ArrowLeft")
    assert int(cut.get_attribute("aria-valuenow") or 0) == start - 12
    assert cut_count(tab) == count
    assert read_by(tab, "cut") != before
    assert read_by(tab, "the line") == before  # it has no cuts
    assert goal(tab, 0)


def test_a_cut_stops_at_its_neighbour_and_keeps_the_focus(tab: Page) -> None:
    cut = tab.locator(".ll-write-cut").nth(1)
    neighbour = int(tab.locator(".ll-write-cut").first.get_attribute("aria-valuenow") or 0)
    count = cut_count(tab)
    cut.focus()
    for _ in range(20):
        tab.keyboard.press("ArrowLeft")
    assert cut_count(tab) == count
    assert cut.get_attribute("aria-valuenow") == str(neighbour + 1)
    assert cut.evaluate("cut => cut === document.activeElement")


def test_a_cut_that_is_dragged_out_of_its_piece_stays_at_the_edge(tab: Page) -> None:
    cut = tab.locator(".ll-write-cut").first
    cut.scroll_into_view_if_needed()
    box = cut.locator("circle").bounding_box()
    assert box
    count, start = cut_count(tab), int(cut.get_attribute("aria-valuenow") or 0)
    x, y = box["x"] + box["width"] / 2 - 4, box["y"] + 40  # beside it: it doesn't jump there
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(2, y, steps=8)
    assert cut_count(tab) == count
    assert int(cut.get_attribute("aria-valuenow") or 0) < start
    tab.mouse.move(x, y, steps=8)
    tab.mouse.up()
    assert cut.get_attribute("aria-valuenow") == str(start)


def test_a_moved_cut_is_no_disagreement_about_what_was_written(tab: Page) -> None:
    tab.get_by_label("Or type it").fill("200")
    tab.get_by_label("Distance").fill("-0.05")
    assert "The two ways agree." in said(tab)
    cut = tab.locator(".ll-write-cut").last
    cut.focus()
    while "The two ways agree." in said(tab):
        before = cut.get_attribute("aria-valuenow")
        tab.keyboard.press("ArrowLeft")
        assert cut.get_attribute("aria-valuenow") != before
    assert goal(tab, 0)
    assert not goal(tab, 2)


def test_the_best_path_shows_the_classes_that_it_takes(tab: Page) -> None:
    # Overlapping digits: the path takes a candidate that the network calls junk for a mark.
    tab.get_by_label("Or type it").fill("8888")
    for distance in ("-0.15", "-0.2", "-0.25"):
        tab.get_by_label("Distance").fill(distance)
        taken = tab.locator(".ll-write-best text").all_text_contents()
        assert taken
        assert "×" not in taken


def test_a_narrow_image_stays_low(tab: Page, tmp_path: Path) -> None:
    path = tmp_path / "narrow.png"
    cv2.imwrite(str(path), np.full((400, 3), 200, np.uint8))
    tab.get_by_label("Or an image").set_input_files(str(path))
    tab.get_by_text("No digits were read.").wait_for()
    heights = tab.locator(".ll-write-lattice, .ll-live .ll-pixels").evaluate_all(
        "pictures => pictures.map((picture) => picture.getBoundingClientRect().height)"
    )
    assert max(heights) < 700
    assert not tab.locator(".ll-write-chosen").is_visible()


def test_a_bar_is_chosen_by_its_empty_part_too(tab: Page) -> None:
    frame = tab.locator(".ll-write-best .ll-write-frame").last  # the network isn't sure of it
    box = frame.bounding_box()
    assert box
    frame.click(position={"x": box["width"] - 3, "y": box["height"] / 2}, force=True)
    words = tab.locator(".ll-write-candidate .ll-status").inner_text()
    assert words.endswith("On the best path.")
    assert ": 0, " in words


def test_a_cut_is_dragged_with_the_mouse(tab: Page) -> None:
    cut = tab.locator(".ll-write-cut").first
    cut.scroll_into_view_if_needed()
    box = cut.locator("rect").bounding_box()
    assert box
    start = int(cut.get_attribute("aria-valuenow") or 0)
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] / 2 - 20, box["y"] + box["height"] / 2, steps=4)
    tab.mouse.up()
    assert int(cut.get_attribute("aria-valuenow") or 0) < start


def test_a_candidate_that_is_chosen_shows_what_the_network_sees(tab: Page) -> None:
    candidates = tab.get_by_role("slider", name="Candidate")
    first = tab.locator(".ll-write-candidate .ll-status")
    before = first.inner_text()
    candidates.focus()
    tab.keyboard.press("ArrowRight")
    assert first.inner_text() != before
    tab.locator(".ll-write-candidates g").last.click()
    assert "Primitive" in first.inner_text()
    bars = tab.locator(".ll-write-candidate .ll-bar-number").all_inner_texts()
    shares = [float(text.strip(">\xa0%")) for text in bars]
    assert sum(shares) == pytest.approx(100, abs=1)


def test_a_file_of_one_s_own_is_read_as_python_reads_it(tab: Page, tmp_path: Path) -> None:
    path = data_path("checks", "images", "check-12.png")
    tab.get_by_label("Or an image").set_input_files(str(path))
    reading = CheckReader("ensemble").read(path)
    tab.get_by_text(f"Read as {reading.text}").wait_for()
    assert read_by(tab, "both") == reading.text


def test_colours_of_a_file_become_the_gray_levels_of_pillow(tab: Page, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    path = tmp_path / "colours.png"
    cv2.imwrite(str(path), colours[..., ::-1])
    url = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
    expression = """fetch(argument).then((answer) => answer.blob())
      .then(writeFileRaster).then(({ data }) => Array.from(data))"""
    found = run_script(tab, SCRIPTS, expression, url)
    assert found == checks.load_image(path).ravel().tolist()


def test_a_file_that_is_no_image_is_refused_in_words(tab: Page, tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    path.write_text("no image")
    tab.get_by_label("Or an image").set_input_files(str(path))
    tab.get_by_text("letter.png can't be opened as an image").wait_for()
    assert read_by(tab, "cut")  # what was read before is still there
