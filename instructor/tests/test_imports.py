"""What is slow to import is imported when it is used, not before."""

import subprocess
import sys

import nbformat

from kit.paths import KIT

HEAVY = {"captum", "matplotlib", "scipy", "skimage", "sklearn", "pytest"}


def heavy_after(code):
    """The heavy packages that a fresh interpreter has loaded after the code."""
    run = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    return HEAVY & set(subprocess.run(run, cwd=KIT, capture_output=True, encoding="utf-8", check=True).stdout.split())


def first_cells(*numbers):
    """The code of the notebooks' first cells, one after the other."""
    cells = []
    for number in numbers:
        (path,) = KIT.glob(f"notebooks/{number}_*.ipynb")
        cells.append(next(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"))
    return "\n".join(line for cell in cells for line in cell.splitlines() if not line.startswith("%"))


def test_packages_load_nothing_heavy():
    assert not heavy_after("import data, visualizers, style_transfer, sanity_checks, kit")


def test_the_first_cells_of_notebooks_load_no_more_than_they_must():
    """Matplotlib draws everything; Captum, pytest and scikit-learn can wait for the cell that needs them."""
    assert heavy_after(first_cells("01", "02", "03", "04", "05")) == {"matplotlib"}
    assert heavy_after(first_cells("06")) == {"matplotlib", "scipy", "skimage"}
