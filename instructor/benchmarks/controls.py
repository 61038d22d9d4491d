"""How soon a notebook's picture answers its controls, in JupyterLab in a real browser.

`python -m instructor.benchmarks.controls` runs notebooks 01 and 02, then chooses one image, class, method and layer
after another below their pictures, and takes the time until another picture is there. Each median must be less than 200
milliseconds on a quiet machine.
"""

import os
import shutil
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from instructor.tests.support.browser import chromium, jupyterlab, menus_of_last_picture, run_all
from kit.command import get_ready
from kit.paths import KIT

NOTEBOOKS = ("01_saliency_maps", "02_grad_cam")
ANSWER = 0.200  # seconds
PATIENCE = 300_000  # milliseconds
CHOOSE = """([menu, index]) => new Promise(resolve => {
    const select = document.querySelectorAll('.widget-dropdown select')[menu]
    const output = select.closest('.jp-CodeCell').querySelector('.jp-OutputArea')
    const begun = performance.now()
    const watching = new MutationObserver(() => { watching.disconnect(); resolve(performance.now() - begun) })
    watching.observe(output.querySelector('.jp-RenderedImage').parentElement.parentElement,
                     {childList: true, subtree: true, attributes: true, attributeFilter: ['src']})
    select.selectedIndex = index
    select.dispatchEvent(new Event('change', {bubbles: true}))
})"""


def main() -> int:
    get_ready()
    with TemporaryDirectory() as own, chromium() as browser:
        kit = Path(own) / "kit"  # a copy, since JupyterLab saves what it has run
        shutil.copytree(KIT, kit, ignore=shutil.ignore_patterns(".*", "build", "figures"))
        command = [sys.executable, "-m", "jupyterlab", "--ServerApp.root_dir=."]
        places = {"JUPYTER_CONFIG_DIR": own, "JUPYTER_DATA_DIR": own, "KIT_OFFLINE": "1", "KIT_FIGURES": own}
        with jupyterlab(command, kit, {**os.environ, **places}, Path(own) / "log") as address:
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.set_default_timeout(PATIENCE)
            found = {name: answers(page, f"{address}/lab/tree/notebooks/{name}.ipynb?reset") for name in NOTEBOOKS}
    rows = {f"{name[:2]}, {control}": seconds for name, taken in found.items() for control, seconds in taken.items()}
    for name, seconds in rows.items():
        print(f"{name:13} median {1000 * statistics.median(seconds):4.0f} ms, slowest {1000 * max(seconds):4.0f} ms")
    return int(max(map(statistics.median, rows.values())) > ANSWER)


def answers(page: Any, address: str) -> dict[str, list[float]]:
    """Seconds until the picture has changed, for every control and each of its options."""
    run_all(page, address)
    menus = menus_of_last_picture(page)
    page.wait_for_timeout(2000)  # for what is still being drawn above
    names = page.locator(".widget-dropdown label").all_inner_texts()
    taken: dict[str, list[float]] = {}
    for menu, name in enumerate(names):
        options = menus.nth(menu).locator("option").count()
        for index in [*range(1, options), 0] if options > 1 else []:
            taken.setdefault(name, []).append(page.evaluate(CHOOSE, [menu, index]) / 1000)
            page.wait_for_timeout(300)  # as a hand needs
    return taken


if __name__ == "__main__":
    sys.exit(main())
