"""Solutions stand between markers, in modules and notebooks; without them everything still parses."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

KIT = Path(__file__).resolve().parent.parent
MODULES = sorted([*KIT.glob("visualizers/*.py"), *KIT.glob("style_transfer/*.py")])
NOTEBOOKS = sorted(KIT.glob("notebooks/*.ipynb"))
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION$", re.DOTALL | re.MULTILINE)
TASKS = {
    "compute_saliency_maps": "visualizers/saliency.py",
    "guided_gradient": "visualizers/guided_backprop.py",
    "class_activation_maps": "visualizers/grad_cam.py",
    "guided_grad_cam": "visualizers/grad_cam.py",
    "make_fooling_image": "visualizers/fooling.py",
    "class_visualization_update_step": "visualizers/class_visualization.py",
    "content_loss": "style_transfer/content_loss.py",
    "gram_matrix": "style_transfer/style_loss.py",
    "style_loss": "style_transfer/style_loss.py",
    "tv_loss": "style_transfer/tv_loss.py",
}


def stripped(source):
    return SOLUTION.sub(r'\1raise NotImplementedError("not implemented yet")', source)


def code_cells(path):
    cells = nbformat.read(path, as_version=4).cells
    return [re.sub(r"^%.*$", "", cell.source, flags=re.MULTILINE) for cell in cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_without_its_solutions_still_parses(path):
    ast.parse(stripped(path.read_text("utf-8")))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_without_its_solutions_still_parses(path):
    for source in code_cells(path):
        ast.parse(stripped(source))


@pytest.mark.parametrize("path", [*MODULES, *NOTEBOOKS], ids=lambda path: path.name)
def test_every_solution_that_begins_ends(path):
    marks = re.findall(r"### (BEGIN|END) SOLUTION", path.read_text("utf-8"))
    assert marks == ["BEGIN", "END"] * (len(marks) // 2)


@pytest.mark.parametrize(("function", "path"), TASKS.items())
def test_every_task_has_its_solution_between_markers(function, path):
    tree = ast.parse(stripped((KIT / path).read_text("utf-8")))
    (definition,) = (node for node in tree.body if getattr(node, "name", None) == function)
    assert any(isinstance(node, ast.Raise) and "not implemented" in ast.unparse(node) for node in ast.walk(definition))
