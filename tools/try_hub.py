"""Try the course in a real JupyterHub with its proxy, on this machine; write what came of it.

Usage: ``PYTHON -m tools.try_hub`` (Linux; with Chromium), with the Python of an environment of its
own that has the lock, jupyterhub and jupyterhub-idle-culler, and configurable-http-proxy on the
PATH: chapters/servers.md has the commands.

Two users log in through the browser, run the student notebook of "Reading a check" at the same
time, and solve its first exercise. Then they leave, and the culler stops their servers. The record
is chapters/hub-trial.txt, which the page on servers shows.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from lessonlib.files import write_whole
from tools import notebooks
from tools.labs import SOLUTIONS, student_form
from tools.needs import split
from tools.pdf import CHROMIUM, FLAGS

RECORD = notebooks.CHAPTERS / "hub-trial.txt"
CHAPTER = notebooks.CHAPTERS / "7-checks.ipynb"
EXERCISE, STUB = "7.1", "def local_threshold"
USERS = ("ada", "ben")
PASSWORD = "a trial"
IDLE = 60  # seconds without activity after which the culler stops a server: short, for the trial
PATIENCE = 600  # seconds: far more than the chapter takes, also on a busy machine
# A notebook holds no cell that is far from what is seen.
DOWN = "document.querySelector('.jp-WindowedPanel-outer').scrollBy(0, 400)"

CONFIG = """
import sys

c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{ports[1]}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.JupyterHub.authenticator_class = "dummy"  # one password for all: for a trial only
c.DummyAuthenticator.password = "{password}"
c.Authenticator.allowed_users = set({users})
c.JupyterHub.spawner_class = "simple"  # processes of this user: for a trial only
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/homes/{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {environment}
c.Spawner.start_timeout = c.Spawner.http_timeout = 300
c.JupyterHub.last_activity_interval = 10  # seconds, as the two below
c.JupyterHub.load_roles = [{{
    "name": "culler",
    "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    "services": ["culler"],
}}]
culler = "-m jupyterhub_idle_culler --timeout={idle} --cull-every=10"
c.JupyterHub.services = [{{"name": "culler", "command": [sys.executable, *culler.split()]}}]
"""


@contextmanager
def running_hub(folder: Path) -> Iterator[str]:
    """Start JupyterHub, which keeps its files in a folder; give its address."""
    environment = {"OMP_NUM_THREADS": "1", "JUPYTERHUB_ACTIVITY_INTERVAL": "10"}
    if root := os.environ.get("LESSONLIB_MNIST_ROOT"):
        environment["LESSONLIB_MNIST_ROOT"] = root
    ports = free_ports(3)
    config = folder / "jupyterhub_config.py"
    text = CONFIG.format(
        ports=ports, folder=folder, users=USERS, password=PASSWORD, idle=IDLE,
        environment=environment,
    )  # fmt: skip
    write_whole(config, text.encode())
    with Path(folder, "hub.log").open("wb") as log:
        command = [sys.executable, "-m", "jupyterhub", "--config", str(config)]
        hub = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        hub.terminate()
        hub.wait(60)


def free_ports(count: int) -> list[int]:
    """Return ports that nothing on this machine listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def hand_out(homes: Path) -> str:
    """Put the student notebook into every user's home; return the solution of the exercise."""
    notebook = nbformat.read(CHAPTER, as_version=4)
    for user in USERS:
        (homes / user).mkdir(parents=True)
        nbformat.write(student_form(notebook, set(), "."), homes / user / CHAPTER.name)
    title = f"{SOLUTIONS[0]} {EXERCISE} "
    (solution,) = (cell.source for cell in notebook.cells if cell.source.startswith(title))
    answer, _ = split(solution)
    return answer


def wait_until(condition: Callable[[], bool], problem: str) -> float:
    """Wait until something holds; return the seconds that this took."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() > start + PATIENCE:
            sys.exit(problem)
        time.sleep(0.5)
    return time.monotonic() - start


def answers(address: str) -> bool:
    """Say whether a server listens at an address."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.socket() as trial:
        return trial.connect_ex((host, int(port))) == 0


def log_in(browser: Browser, address: str, user: str) -> Page:
    """Log in as a user would, with cookies of one's own, and wait for the opened chapter."""
    tab = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    tab.set_default_timeout(1000 * PATIENCE)
    tab.goto(f"{address}/hub/user-redirect/lab/tree/{CHAPTER.name}")
    tab.fill("#username_input", user)
    tab.fill("#password_input", PASSWORD)
    tab.click("#login_submit")
    tab.wait_for_selector(".jp-Notebook .jp-Cell")
    return tab


def run_all(tab: Page) -> None:
    """Choose "Run All Cells", again while the kernel isn't ready; it goes on when this returns."""
    waiting = tab.locator(".jp-InputPrompt", has_text="*")
    while not waiting.count():
        tab.locator(".lm-MenuBar-itemLabel").get_by_text("Run", exact=True).click()
        tab.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
        tab.wait_for_timeout(3000)


def solve(tab: Page, answer: str) -> None:
    """Write an answer over the stub, run it and its check, and save; wait for the verdict."""
    stub = scroll_to(tab, STUB)
    stub.locator(".cm-content").click()
    tab.keyboard.press("Control+A")
    tab.keyboard.insert_text(answer)
    tab.keyboard.press("Shift+Enter")
    tab.keyboard.press("Shift+Enter")
    tab.get_by_text(f"{EXERCISE}: right").wait_for()
    tab.keyboard.press("Control+S")


def scroll_to(tab: Page, text: str) -> Locator:
    """Scroll down to the first cell of code that holds a text."""
    cell = tab.locator(".jp-CodeCell", has_text=text).first
    for _ in range(300):
        if cell.count() and cell.is_visible():
            cell.scroll_into_view_if_needed()
            return cell
        tab.evaluate(DOWN)
        tab.wait_for_timeout(100)
    sys.exit(f"No cell of the chapter holds {text!r}.")


def outcome(home: Path) -> str:
    """Say what a user's saved notebook shows."""
    path = home / CHAPTER.name
    wait_until(lambda: f"{EXERCISE}: right" in path.read_text("utf-8"), f"Not saved: {path}")
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    ran = sum(cell.execution_count is not None for cell in cells)
    failed = sum(output.output_type == "error" for output in outputs)
    verdicts = [o.text.strip() for o in outputs if o.get("text", "").startswith(f"{EXERCISE}:")]
    return f"{ran} of {len(cells)} cells of code, {failed} failed. {verdicts[-1]}"


def gigabytes(user: str) -> float:
    """Return the memory of a user's server and kernels; a page that n processes share counts 1/n.

    The hub gives a server a variable with its user's name, and the kernels inherit it.
    """
    kibibytes = 0
    variable = f"JUPYTERHUB_USER={user}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if variable in (process / "environ").read_bytes().split(b"\0"):
                rollup = (process / "smaps_rollup").read_text()
                kibibytes += int(rollup.split("\nPss:")[1].split()[0])
        except (OSError, IndexError):
            continue  # it has just ended
    return kibibytes * 1024 / 1e9


def try_hub(folder: Path) -> list[str]:
    """Make the trial; return its record, line by line."""
    answer = hand_out(folder / "homes")
    today = time.strftime("%Y-%m-%d", time.gmtime())
    lines = textwrap.wrap(f"{today}: {versions()}", 76)
    with running_hub(folder) as address, sync_playwright() as playwright:
        wait_until(lambda: answers(address), "The hub's proxy does not start.")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tabs = {user: log_in(browser, address, user) for user in USERS}
        lines += [f"{user} opened the chapter: {gigabytes(user):.2f} GB" for user in USERS]
        for tab in tabs.values():
            run_all(tab)
        for user, tab in tabs.items():
            solve(tab, answer)
            came = outcome(folder / "homes" / user)
            lines.append(f"{user} ran it: {came} {gigabytes(user):.2f} GB")
        browser.close()
        gone = "The culler does not stop the servers."
        seconds = wait_until(lambda: not any(map(gigabytes, USERS)), gone)
        lines.append(f"both left: {seconds:.0f} s later (limit {IDLE} s) no server is running")
        lines += [f"{user} now: {gigabytes(user):.2f} GB" for user in USERS]
    return lines


def versions() -> str:
    """Name what was tried, with versions."""
    names = ("jupyterhub", "jupyterhub-idle-culler", "jupyterlab", "lessonlib")
    proxy = subprocess.run(["configurable-http-proxy", "--version"], capture_output=True, text=True)
    tried = [f"{name} {version(name)}" for name in names]
    return ", ".join([*tried, f"configurable-http-proxy {proxy.stdout.strip()}"])


def main() -> None:
    """Make the trial in a scratch folder, print the record and store it."""
    if shutil.which("configurable-http-proxy") is None or CHROMIUM is None:
        sys.exit("The trial needs configurable-http-proxy (of npm) and Chromium on the PATH.")
    with tempfile.TemporaryDirectory() as scratch:
        record = "\n".join(try_hub(Path(scratch))) + "\n"
    print(record, end="")
    write_whole(RECORD, record.encode())


if __name__ == "__main__":
    main()
