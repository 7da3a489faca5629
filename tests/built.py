"""What the tests of the built book share: how it is built, its pages, a server for them."""

import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
HOME = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"]["baseurl"]
Build = tuple[Path, subprocess.CompletedProcess[str]]


def build(source: Path, target: Path) -> Build:
    """Build the book as `make book` does; give the folder of its pages and how the build went."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(source)]
    command += ["--path-output", str(target), "-W", "-n", "--keep-going"]
    fixed = {"SOURCE_DATE_EPOCH": "1790000000", "PYTHONHASHSEED": "0", "NO_COLOR": "1"}
    run = subprocess.run(command, env=os.environ | fixed, capture_output=True, text=True)
    return target / "_build" / "html", run


def pages(book: Path) -> list[Path]:
    """Every page a reader meets, without the redirect at the top and the theme's own snippets."""
    return [*sorted(book.glob("chapters/**/*.html")), book / "search.html"]


@contextmanager
def served(book: Path) -> Iterator[str]:
    """Serve the book on this machine as GitHub Pages does; give its address."""
    top = urlparse(HOME).path

    class Pages(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            inside = path.startswith(top)
            return super().translate_path(path.removeprefix(top[:-1]) if inside else "/nowhere")

        def send_error(self, code: int, *_: object, **__: object) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((book / "404.html").read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Pages, directory=str(book))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{top[:-1]}"
        server.shutdown()
