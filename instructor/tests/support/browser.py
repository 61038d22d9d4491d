"""A real browser, and a JupyterLab for it to open."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@contextmanager
def chromium() -> Iterator[Any]:
    """The system's Chromium; where there is none, and not in CI, the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None and not os.environ.get("CI"):
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        yield browser
        browser.close()


@contextmanager
def jupyterlab(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """The address of a JupyterLab that `command` starts in the folder, without a token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-browser", "--allow-root", f"--ServerApp.port={port}", "--IdentityProvider.token="]
    with log.open("wb") as output:
        server = subprocess.Popen([*command, *options], cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 120
        while "is running at" not in log.read_text("utf-8", "replace"):
            assert server.poll() is None, log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def run_all(page: Any, address: str) -> None:
    """Open the notebook at this address of a JupyterLab, and run all of its cells."""
    page.goto(address)
    # JupyterLab drops "Run All Cells" without a word while the notebook has no kernel yet.
    page.get_by_text("Python 3 (ipykernel) | Idle").first.wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()


def menus_of_last_picture(page: Any, seconds: float = 180) -> Any:
    """The controls at the notebook's end, which moves while cells run, and is in the page only when it is in view."""
    menus = page.locator(".widget-dropdown select")
    deadline = time.monotonic() + seconds
    while not menus.count() and time.monotonic() < deadline:
        page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => panel.scrollTo(0, panel.scrollHeight)")
        page.wait_for_timeout(500)
    assert menus.count(), "no control has appeared below the last picture"
    return menus
