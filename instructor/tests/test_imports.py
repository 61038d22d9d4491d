"""What is slow to import is imported when it is used, not before."""

import json
import subprocess
import sys

import nbformat
import pytest

from kit.paths import KIT

HEAVY = {"captum", "matplotlib", "scipy", "skimage", "sklearn", "pytest"}


def first_cells(*numbers):
    """The code of the notebooks' first cells, one after the other."""
    cells = []
    for number in numbers:
        (path,) = KIT.glob(f"notebooks/{number}_*.ipynb")
        cells.append(next(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"))
    return "\n".join(line for cell in cells for line in cell.splitlines() if not line.startswith("%"))


STEPS = {
    "packages": "import data, visualizers, style_transfer, sanity_checks, kit",
    "01 to 05": first_cells("01", "02", "03", "04", "05"),
    "06": first_cells("06"),
}


@pytest.fixture(scope="module")
def heavy():
    """The heavy packages that a fresh interpreter has loaded after each step, one step after the other."""
    code = "import json, os, sys\nfound = []\n"
    code += "".join(f"{step}\nfound.append([*sys.modules])\n" for step in STEPS.values())
    run = [sys.executable, "-c", code + "print(json.dumps(found), flush=True)\nos._exit(0)"]
    said = subprocess.run(run, cwd=KIT, capture_output=True, encoding="utf-8", check=True).stdout
    return dict(zip(STEPS, (HEAVY & set(loaded) for loaded in json.loads(said)), strict=True))


def test_packages_load_nothing_heavy(heavy):
    assert heavy["packages"] == set()


def test_the_first_cells_of_notebooks_load_no_more_than_they_must(heavy):
    """Matplotlib draws everything; Captum, pytest and scikit-learn can wait for the cell that needs them."""
    assert heavy["01 to 05"] == {"matplotlib"}
    assert heavy["06"] == {"matplotlib", "scipy", "skimage"}
