"""A page of the fields that a reader got wrong, with their pictures."""

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from PIL import Image

import lessonlib
from lessonlib.checks.image import Box, Gray, load_image
from lessonlib.checks.readings import Reading
from lessonlib.files import write_whole
from lessonlib.scoring.causes import CAUSES
from lessonlib.scoring.scores import Result

DISPLAYED_HEIGHT = 96  # CSS pixels: a field is this high where the window is wide enough
LARGEST_PICTURE = (1280, 192)  # pixels embedded: twice what is displayed, for sharp screens

STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fff; --dim: #55565e; --line: #c9cad1; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8ec; --paper: #17181c; --dim: #b0b1ba; --line: #4a4b55; }
}
body { margin: 0 auto; padding: 1rem; max-width: 60rem; overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1, h2 { line-height: 1.2; }
table { border-collapse: collapse; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; font-weight: normal; overflow-wrap: normal; }
td:nth-child(2) { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
figure { margin: 0; padding: 1rem 0; border-top: 1px solid var(--line); }
.field { position: relative; width: fit-content; max-width: 100%; }
.field img { display: block; max-width: 100%; height: auto; background: #fff; }
.field svg { position: absolute; inset: 0; width: 100%; height: 100%; }
rect { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
.digit { stroke: #0b62d6; }
.mark { stroke: #b3261e; stroke-dasharray: 4 3; }
.key svg { width: 1.6rem; height: 1rem; vertical-align: -.15rem; background: #fff; }
figcaption dl { display: flex; flex-wrap: wrap; gap: 0 1.5rem; margin: .5rem 0 0; }
figcaption dl div { display: flex; gap: .4rem; }
dt { color: var(--dim); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
"""

KEY = """\
<p class="key"><svg viewBox="0 0 24 15" aria-hidden="true">\
<rect class="digit" x="2" y="2" width="20" height="11"/></svg> read as a digit,
<svg viewBox="0 0 24 15" aria-hidden="true">\
<rect class="mark" x="2" y="2" width="20" height="11"/></svg> (dashed) read as a mark or other
ink that isn't a digit.</p>
"""


def write_report(path: str | Path, result: Result, folder: str | Path, model: str) -> None:
    """Write the page of a result's failures, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Usually ends in ``.html``; everything the page needs is in it.
    result : Result
        What `evaluate` gave for the folder.
    folder : str or Path
        Where the images still are.
    model : str
        Name of the reader's network, for the page to say.

    Raises
    ------
    OSError, ValueError
        When an image can't be read any more, or the page not be written.
    """
    write_whole(path, page(result, folder, model).encode())


def page(result: Result, folder: str | Path, model: str) -> str:
    """Put the HTML of a result's failures together, from what `write_report` is given."""
    name = _escaped(Path(folder).resolve().name)
    title = f"What the reader got wrong in {name}"
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
            f"<h1>{title}</h1>\n<p>Made by lessonlib {lessonlib.__version__}, which read ",
            f"{_count(len(result.files), 'field')} of the folder {name} with the model ",
            f"{_escaped(model)}.</p>\n",
            _summary(result),
            _left_out(result),
            *_sections(result, Path(folder)),
            "</main>\n</body>\n</html>\n",
        ]
    )


def embedded(gray: Gray) -> str:
    """Make a picture part of a page: a data: URI of a JPEG, at most as large as LARGEST_PICTURE."""
    image = Image.fromarray(gray)
    image.thumbnail(LARGEST_PICTURE)
    data = io.BytesIO()
    image.save(data, format="JPEG", quality=80, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode("ascii")


def _summary(result: Result) -> str:
    failures = result.failures
    rows = [
        *result.figures,
        ("failures", str(sum(failures.values())), "by cause:"),
        *((name, str(number), CAUSES[name]) for name, number in failures.items()),
    ]
    lines = [
        f'<tr><th scope="row">{name.capitalize()}</th><td>{value}</td><td>{meaning}</td></tr>\n'
        for name, value, meaning in rows
    ]
    return f"<table>\n{''.join(lines)}</table>\n"


def _left_out(result: Result) -> str:
    if not result.left_out:
        return ""
    items = [
        f"<li>{_escaped(name)}: {_escaped(why)}</li>\n" for name, why in result.left_out.items()
    ]
    return f"<p>{result.say_left_out()}:</p>\n<ul>\n{''.join(items)}</ul>\n"


def _sections(result: Result, folder: Path) -> Iterator[str]:
    """Write the failures of each cause, the most confident first."""
    failed = [i for i, cause in enumerate(result.causes) if cause]
    if not failed:
        yield "<p>There are no failures: every field was read exactly.</p>\n"
        return
    yield KEY
    failed.sort(key=lambda i: -result.readings[i].confidence)
    for cause, meaning in CAUSES.items():
        chosen = [i for i in failed if result.causes[i] == cause]
        if chosen:
            yield f"<h2>{cause.capitalize()}: {_count(len(chosen), 'field')}</h2>\n"
            yield f"<p>{meaning.capitalize()}. The most confident come first.</p>\n"
        for i in chosen:
            gray = load_image(folder / "images" / result.files[i])
            yield _failure(result.files[i], result.labels[i], result.readings[i], cause, gray)


def _failure(name: str, label: str, reading: Reading, cause: str, gray: Gray) -> str:
    height, width = gray.shape
    displayed_width = max(1, round(width * DISPLAYED_HEIGHT / height))
    boxed = f"{_count(len(reading.digits), 'digit')} and {_count(len(reading.marks), 'mark')}"
    alt = f"The amount field {_escaped(name)}; boxes around {boxed}"
    facts = {
        "Label": label,
        "Read": reading.text or "nothing",
        "Confidence": f"{reading.confidence:.2f}",
        "Cause": cause,
        "File": _escaped(name),
    }
    return (
        f'<figure>\n<div class="field"><img src="{embedded(gray)}" alt="{alt}" '
        f'width="{displayed_width}" height="{DISPLAYED_HEIGHT}">'
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true">'
        f"{_rectangles(reading.marks, 'mark')}"
        f"{_rectangles([digit.box for digit in reading.digits], 'digit')}</svg></div>\n"
        "<figcaption><dl>"
        + "".join(f"<div><dt>{key}</dt><dd>{value}</dd></div>" for key, value in facts.items())
        + "</dl></figcaption>\n</figure>\n"
    )


def _rectangles(boxes: Sequence[Box], kind: str) -> str:
    return "".join(
        f'<rect class="{kind}" x="{x}" y="{y}" width="{w}" height="{h}"/>' for x, y, w, h in boxes
    )


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _escaped(text: str) -> str:
    """Make text from outside fit for HTML, where control characters and lone halves are errors."""
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))
