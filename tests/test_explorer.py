"""Pictures with controls: what is drawn for each choice, in a notebook and outside of one."""

import nbformat
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from nbclient import NotebookClient

from kit.paths import KIT
from sanity_checks.explorations import forgetting
from visualizers import compute_saliency_maps, explorations, grad_cam
from visualizers.explorer import explore


def test_outside_of_a_notebook_the_still_picture_comes_back():
    asked = []

    def draw(**chosen):
        asked.append(chosen)
        return Figure(), "words"

    assert isinstance(explore(draw, menu={"first": 1, "second": 2}, slider=range(5)), Figure)
    assert asked == [{"menu": 1, "slider": 4}]


def test_a_choice_without_options_is_refused():
    with pytest.raises(ValueError, match="slider has nothing to choose from"):
        explore(lambda slider: (Figure(), ""), slider=[])


CELLS = (
    """
import sys; sys.path.insert(0, KIT)
from matplotlib.figure import Figure
from visualizers import explorer
def draw(number):
    if number == 2:
        raise ValueError("no two")
    return Figure(figsize=(number, 1)), f"number {number}"
shown = []
def control(*arguments, original=explorer.control, **options):
    shown.append(original(*arguments, **options))
    return shown[-1]
explorer.control = control
""",
    "explorer.explore(draw, number=[1, 2, 3])",
    "shown[0].value = 1",
    "shown[0].value = 2",
)


@pytest.fixture(scope="module")
def notebook():
    cells = [nbformat.v4.new_code_cell(f"KIT = {str(KIT)!r}\n{text}") for text in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, extra_arguments=["--log-level=ERROR"])
    client.execute()
    return notebook, client.widget_state


def test_a_notebook_keeps_the_picture_and_says_that_controls_need_a_kernel(notebook):
    picture, controls = notebook[0].cells[1].outputs
    assert "image/jpeg" in picture.data
    assert controls.data["text/plain"] == "The controls of this picture work while a kernel runs: run the cell again."
    assert "application/vnd.jupyter.widget-view+json" in controls.data


def test_a_control_renews_the_picture_and_an_error_is_said_below_it(notebook):
    pictures = [
        output for cell in notebook[0].cells for output in cell.outputs if "image/jpeg" in output.get("data", {})
    ]
    assert len(pictures) == 1
    assert pictures[0].metadata["image/jpeg"]["alt"] == "number 1"
    labels = [state["value"] for state in notebook[1].values() if state.get("_model_name") == "LabelModel"]
    assert labels == ["ValueError: no two"]


@pytest.fixture
def pictures(photos):
    return np.zeros((2, 72, 88, 3), np.uint8), ["one", "one"], photos


def test_every_exploration_draws(pictures, shipped):
    images, names, X = pictures
    methods = {"Grad-CAM": grad_cam, "saliency": compute_saliency_maps}
    explanations = {
        "original": {"gradient": torch.randn(1, 3, 72, 88)},
        "Fire 9": {"gradient": torch.zeros(1, 3, 72, 88)},
    }
    drawn = [
        explorations.attributions(images, names, X, shipped, methods, {"Fire 9": "features.12"}),
        explorations.on_the_way(X, -X, names, shipped),
        explorations.ascent({1: X, 50: -X}, torch.tensor([6, 7]), shipped),
        explorations.pictures("style_weight", {1: images[0], 3: images[1]}, {"content": images[0]}),
        forgetting(images[0], explanations),
    ]
    titles = [[axis.get_title() for axis in figure.axes] for figure in drawn]
    assert titles[0][:2] == ["one", "Grad-CAM"]
    assert titles[1] == ["100 % of the way", "difference × 10", "it predicts"]
    assert titles[2][0] == "stingray"
    assert titles[3] == ["content", "style weight 3"]
    assert titles[4][1:] == ["gradient, trained", "forgotten down to Fire 9"]


def test_a_method_says_whether_the_chosen_layer_concerns_it(pictures, shipped, monkeypatch):
    monkeypatch.setattr(explorations, "explore", lambda draw, **choices: draw)
    methods, layers = {"saliency": compute_saliency_maps, "Grad-CAM": grad_cam}, {"Fire 9": "features.12"}
    draw = explorations.attributions(*pictures, shipped, methods, layers)
    said = {method: draw(image=0, the_class=0, method=method, layer="Fire 9")[1] for method in methods}
    assert said["saliency"].startswith("saliency, which needs no layer: ")
    assert said["Grad-CAM"].startswith("Grad-CAM at Fire 9: ")
