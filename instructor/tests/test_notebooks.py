"""Every notebook runs alone from a clean kernel, is stored without outputs, and exports its figures."""

import ast
import base64
import importlib.util
import io
import re

import nbformat
import numpy as np
import pytest
from PIL import Image

from kit.assignment import TABLE
from kit.paths import KIT
from visualizers import figures

NOTEBOOKS = sorted(KIT.glob("notebooks/[0-9][0-9]_*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# What makes seconds of a notebook's minutes: behind its first cell it asks for less of everything, and all cells run.
# `make figures` runs them as they are, and .ci/run begins with it.
TWO = """
whole_class = load_examples
load_examples = lambda count: whole_class(2)
"""
SMALL = {
    "01_saliency_maps": TWO,
    "02_grad_cam": TWO,
    "03_fooling_images": TWO,
    "04_class_visualization": """
whole = create_class_visualization
FEW = {"size": 48, "num_iterations": 20}
fewer = lambda named: FEW if "seed" in named else {"size": 48}  # where the same is drawn from one seed after the other
create_class_visualization = lambda *given, **named: whole(*given, **{**named, **fewer(named)})
pictures = channel_pictures
channel_pictures = lambda *given, **named: pictures(*given, **{**named, "size": 48, "num_iterations": 10})
""",
    "05_style_transfer": """
from dataclasses import replace
from style_transfer import series
small = {"content_size": 64, "style_size": 64, "num_iterations": 15}
PRESETS.update({name: replace(preset, **small) for name, preset in PRESETS.items()})
series.FROM_NOISE.update(num_iterations=5)
""",
    "06_sanity_checks": TWO
    + """
from sanity_checks import label_randomization
label_randomization.MOST_EPOCHS = 1
explain.__wrapped__.__defaults__ = (METHODS, None, 2, 2, 0)  # samples of SmoothGrad, and steps along a path
from sanity_checks import experiments
every = experiments.find_stages
experiments.find_stages = lambda *given: every(*given)[::4]
""",
}


@pytest.fixture(scope="module")
def runner():
    spec = importlib.util.spec_from_file_location("run_notebooks", KIT / "notebooks" / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def clean_machine(monkeypatch, tmp_path):
    """A machine that has only what the kit ships."""
    monkeypatch.setenv("KIT_OFFLINE", "1")
    monkeypatch.setenv("KIT_ASSETS", "")
    monkeypatch.setenv("KIT_WEIGHTS", "")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("KIT_FIGURES", str(tmp_path / "figures"))
    return tmp_path / "figures"


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_a_clean_kernel_and_exports_its_figures(path, runner, clean_machine, tmp_path, capsys):
    assert runner.run(small(path, tmp_path)), capsys.readouterr().err
    exported = {figure.stem: Image.open(figure) for figure in clean_machine.glob("*.png")}
    assert exported.keys() == TABLE["notebooks"][path.stem]["figures"].keys()
    for figure in exported.values():
        assert figure.info["Title"].endswith(".")
        assert figure.info["Description"].endswith(".")
        assert min(figure.size) > 200
        assert len(figure.convert("RGB").getcolors(2**24)) > 50, "the figure is empty"


def small(path, folder):
    """A copy of the notebook in the folder that takes less time."""
    notebook = nbformat.read(path, as_version=4)
    first = next(place for place, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(first + 1, nbformat.v4.new_code_cell(SMALL[path.stem]))
    nbformat.write(notebook, folder / path.name)
    return folder / path.name


def test_a_saved_figure_is_shown_small_above_its_caption(clean_machine, published):
    """Notebooks are handed in with their pictures."""
    drawing = figures.picture_grid({"row": np.random.default_rng(0).random((7, 9, 9, 3))}, list("abcdefg"))
    figures.save(drawing, "predictions")
    picture, caption = published
    shown = Image.open(io.BytesIO(base64.b64decode(picture["data"]["image/jpeg"])))
    whole = Image.open(clean_machine / "predictions.png")
    assert whole.width > shown.width == 1100
    assert shown.height == pytest.approx(whole.height * 1100 / whole.width, abs=1)
    assert picture["metadata"]["image/jpeg"]["alt"] == whole.info["Description"]
    assert not {"image/png", "image/svg+xml"} & picture["data"].keys()
    assert caption["data"]["text/markdown"] == f"*{whole.info['Title']}*"


def test_a_failing_cell_fails_the_run_and_is_shown(runner, tmp_path, capsys):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("raise ValueError('the map is negative')")])
    nbformat.write(notebook, tmp_path / "00_wrong.ipynb")
    assert not runner.run(tmp_path / "00_wrong.ipynb")
    assert "the map is negative" in capsys.readouterr().err


def test_unwritten_code_stops_a_run_in_one_line(runner, tmp_path, capsys):
    sources = ["%load_ext kit", "raise NotImplementedError('not implemented yet')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbformat.write(notebook, tmp_path / "00_stub.ipynb")
    assert not runner.run(tmp_path / "00_stub.ipynb")
    line = capsys.readouterr().err.rstrip().split("\r")[-1]  # behind the progress bar
    assert "\n" not in line
    assert "00_stub.ipynb stopped. Not implemented yet: a part of this cell." in line
    assert "---" not in line


def test_a_damaged_notebook_is_named(runner, tmp_path, capsys):
    (tmp_path / "00_damaged.ipynb").write_text('{"cells": [', "utf-8")
    assert not runner.run(tmp_path / "00_damaged.ipynb")
    assert capsys.readouterr().err == "00_damaged.ipynb is damaged: take it from a fresh copy of the kit\n"


def test_outputs_are_kept_only_on_request(runner, tmp_path):
    path = tmp_path / "00_sum.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), path)
    before = path.read_bytes()
    assert runner.run(path)
    assert path.read_bytes() == before
    assert runner.run(path, save=True)
    (cell,) = nbformat.read(path, as_version=4).cells
    assert cell.outputs[0].data["text/plain"] == "2"
    assert list(tmp_path.iterdir()) == [path]


def test_the_table_lists_every_notebook():
    assert [path.stem for path in NOTEBOOKS] == list(TABLE["notebooks"])


@each_notebook
def test_a_notebook_is_stored_without_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@each_notebook
def test_a_notebook_contains_no_logic(path):
    logic = (ast.If, ast.For, ast.While, ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.Try, ast.With)
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            tree = ast.parse(re.sub(r"^%.*$", "", cell.source, flags=re.MULTILINE))
            assert not [node for node in ast.walk(tree) if isinstance(node, logic)]


def calls_of(path, name):
    """The calls of functions or methods of this name in a notebook's cells."""
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    trees = [ast.parse(re.sub(r"^%.*$", "", source, flags=re.MULTILINE)) for source in code]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if name in (getattr(call.func, "id", None), getattr(call.func, "attr", None))]


@each_notebook
def test_the_table_describes_every_figure_that_a_notebook_saves_and_no_other(path):
    """Its caption and its alternative text stand there, and not in the cells."""
    calls = calls_of(path, "save")
    assert all(len(call.args) == 2 and not call.keywords for call in calls), "only a figure and its name"
    described = TABLE["notebooks"][path.stem]["figures"]
    assert sorted(call.args[1].value for call in calls) == sorted(described)
    for words in described.values():
        assert words.keys() == {"caption", "alt"}
        assert all(text.endswith(".") and "features." not in text for text in words.values())


@each_notebook
def test_every_task_is_followed_by_a_check(path):
    cells = nbformat.read(path, as_version=4).cells
    tasks = [i for i, cell in enumerate(cells) if "**Task.**" in cell.source]
    checks = [i for i, cell in enumerate(cells) if cell.source.startswith("check(")]
    assert tasks
    assert all(any(check > task for check in checks) for task in tasks)
