"""Time the interactive pieces that read, in the machine's Chromium, beside Python's own reading."""

import base64
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from lessonlib import checks, synthesis
from lessonlib.checks.image import Gray
from lessonlib.synthesis.hands import drawn_hand
from lessonlib.synthesis.samples import sample_amounts
from lessonlib.widgets import Piece, draw_a_digit, write_an_amount
from lessonlib.widgets.base import static
from tools.pdf import CHROMIUM, FLAGS

FIELDS, SEED = 60, 80  # no network was trained or chosen on fields of this seed
WARM_UP = 5  # fields
MOVES = 200  # of the pen on the pad
# A round of strokes over the pad, each move an event as the mouse sends it. The answer is shown
# within the event.
DRAW = """moves => {
  const pad = document.querySelector(".ll-draw-pad"), box = pad.getBoundingClientRect();
  pad.setPointerCapture = () => {};
  const send = (kind, k) => pad.dispatchEvent(new PointerEvent(kind, {pointerId: 1, button: 0,
    clientX: box.left + box.width * (0.5 + 0.3 * Math.sin(k / 9)),
    clientY: box.top + box.height * (0.5 + 0.4 * Math.cos(k / 7))}));
  send("pointerdown", 0);
  return Array.from({length: moves}, (_, k) => {
    const start = performance.now();
    send("pointermove", k);
    return performance.now() - start;
  });
}"""
READ = """(() => {
  const cnn = readConvNetwork("reader-cnn"), line = readConvNetwork("reader-line");
  const timed = (act) => {
    const start = performance.now();
    act();
    return performance.now() - start;
  };
  return argument.fields.map(writeSampleRaster).map((image) => {
    let found, field, cut;
    const before = timed(() => { found = findWriting(image); });
    const whole = timed(() => readByLine(line, found.gray, argument.data.line.calibration));
    const known = new Map();
    const cutting = timed(() => {
      field = cuttingField(found.gray);
      cut = readCut(cnn, field, argument.data.cutting, {}, known);
    });
    const [first] = writeCutsOf(cut.strip);
    const moved = first && timed(() =>
      readCut(cnn, field, argument.data.cutting, {[first.piece]: [first.column + 2]}, known));
    return {line: before + whole, cnn: before + cutting, moved: moved ?? null};
  });
})()"""


def bench_pages(fields: int = FIELDS, moves: int = MOVES) -> list[list[str]]:
    """Time an answer of the pad for digits, and the reading of a field; return a table.

    Milliseconds, the median and the 95th percentile; and how many times as long as Python's median
    with one field at a time. The first moves and fields are not counted: by then the browser has
    compiled what it needs.
    """
    if CHROMIUM is None:
        sys.exit("The part pages needs Chromium (Debian, Ubuntu: apt install chromium).")
    rng = np.random.default_rng(SEED)
    images = [synthesis.render(a, rng, hand=drawn_hand) for a in sample_amounts(rng, fields)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        strokes = opened(browser.new_page(), draw_a_digit()).evaluate(DRAW, moves)
        piece = write_an_amount()
        read = read_fields(opened(browser.new_page(), piece), piece, images)
        browser.close()
    table = [["Measure", "Median, ms", "95th percentile, ms", "Times Python's"]]
    table.append(row("A digit: answer to a move of the pen", strokes[moves // 10 :]))
    for way, title in (("line", "A field, the line whole"), ("cnn", "A field, cut and searched")):
        python = seconds_each(checks.CheckReader(way), images)
        table.append(row(title, [one[way] for one in read[WARM_UP:]], 1000 * python))
    moved = [one["moved"] for one in read if one["moved"] is not None]
    table.append(row("A cut that is moved", moved))
    return table


def opened(tab: Page, piece: Piece) -> Page:
    """Show a page with one piece."""
    tab.set_content(f'<!doctype html><html lang="en"><body>{piece._repr_html_()}</body></html>')
    tab.locator(".ll-live").wait_for()
    return tab


def read_fields(tab: Page, piece: Piece, fields: Sequence[Gray]) -> list[dict[str, float]]:
    """Read fields with the page's scripts; give the milliseconds of each step."""
    names = ("base", *piece.parts, piece.name)
    source = "\n".join(static(f"{name}.js") for name in names) + f"\nreturn {READ};"
    packed = [
        {
            "width": field.shape[1],
            "height": field.shape[0],
            "gray": base64.b64encode(field.tobytes()).decode("ascii"),
        }
        for field in fields
    ]
    argument: dict[str, Any] = {"fields": packed, "data": piece.data}
    found: list[dict[str, float]] = tab.evaluate(
        "([source, argument]) => new Function('argument', source)(argument)", [source, argument]
    )
    return found


def seconds_each(reader: checks.CheckReader, fields: Sequence[Gray]) -> float:
    """Give the median time that Python takes for one field alone."""
    seconds = []
    for field in fields:
        start = time.perf_counter()
        reader.read(field)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[WARM_UP:])


def row(title: str, milliseconds: Sequence[float], python: float | None = None) -> list[str]:
    """Write one line of the table; `python` is the median of the same in Python."""
    median = statistics.median(milliseconds)
    times = "" if python is None else f"{median / python:.1f}"
    return [title, f"{median:.1f}", f"{np.quantile(milliseconds, 0.95):.1f}", times]
