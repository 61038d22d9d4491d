"""What is slow to import is imported when it is used, not before; and then it works as ever."""

import json
import subprocess
import sys

import nbformat
import pytest

from instructor.tests.support.fresh import said_by
from kit.paths import KIT

HEAVY = {"captum", "matplotlib", "scipy", "skimage", "sklearn", "pytest", "requests", "torch._dynamo"}


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


LATER = """
import sys, data
print("torch._dynamo" in sys.modules, COMPILER in sys.modules)
import torch
from torchvision.ops import roi_align
corners = torch.tensor([[0.0, 0.0, 0.0, 2.0, 2.0]])
print(roi_align(torch.arange(16.0).reshape(1, 1, 4, 4), corners, 1, aligned=True).item())
print(torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item())
from torch._dynamo.utils import is_compile_supported
print(is_compile_supported is sys.modules[COMPILER].is_compile_supported)
"""
MEANWHILE = """
import sys, torch
from types import ModuleType
sys.modules["torchvision"] = ModuleType("torchvision")
from kit.quick_torchvision import Later
later = sys.modules[COMPILER] = Later(COMPILER)
print(getattr(later, "__path__", None), sys.modules[COMPILER] is later)
print(later.is_compile_supported("cpu"))
from torch._dynamo.utils import counters
print(sys.modules[COMPILER] is not later, counters is sys.modules[COMPILER].counters is later.counters)
"""


def said_in_a_fresh_python(code):
    words = [sys.executable, "-c", f"COMPILER = 'torch._dynamo.utils'\n{code}"]
    return subprocess.run(words, cwd=KIT, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()


@pytest.mark.long
def test_what_torchvision_and_others_need_of_the_compiler_they_get_later():
    """The mean of the pixels 0, 1, 4 and 5 is 2.5."""
    assert said_in_a_fresh_python(LATER) == ["False False", "2.5", "2.0", "True"]


@pytest.mark.long
def test_what_somebody_needs_of_the_compiler_meanwhile_is_there():
    """Another version of torchvision may ask for more of it, or sooner."""
    assert said_in_a_fresh_python(MEANWHILE) == ["None True", "True", "True True"]


FIRST_CELLS = """
import gc
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("import gc; before = gc.get_freeze_count()")
for cell in ("%load_ext kit\\nprint(gc.isenabled())", "print(gc.isenabled(), gc.get_freeze_count() > before + 1000)"):
    shell.run_cell(f"import gc\\n{cell}").raise_error()
"""


def test_what_the_first_cell_imports_is_not_searched_for_garbage():
    """All that comes after it is."""
    assert said_by(FIRST_CELLS).split() == ["False", "True", "True"]
