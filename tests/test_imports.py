"""What is slow to import is imported when it is used, not before."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

KIT = Path(__file__).resolve().parent.parent
HEAVY = {"captum", "matplotlib", "scipy", "skimage", "sklearn", "pytest"}


def heavy_after(code):
    """The heavy packages that a fresh interpreter has loaded after the code."""
    run = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    return HEAVY & set(subprocess.run(run, cwd=KIT, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("package", ["data", "visualizers", "style_transfer", "checks", "writeup", "submission"])
def test_a_package_loads_nothing_heavy(package):
    assert not heavy_after(f"import {package}")


@pytest.mark.parametrize("path", sorted(KIT.glob("notebooks/0*.ipynb")), ids=lambda path: path.stem)
def test_the_first_cell_of_a_notebook_loads_no_more_than_it_must(path):
    """Matplotlib draws everything; Captum, pytest and scikit-learn can wait for the cell that needs them."""
    first = next(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    code = "\n".join(line for line in first.splitlines() if not line.startswith("%"))
    must = {"matplotlib", "scipy", "skimage"} if path.stem.startswith("06") else {"matplotlib"}
    assert heavy_after(code) <= must
