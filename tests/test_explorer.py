"""Pictures with controls: what is drawn for each choice, in a notebook and outside of one."""

import ipywidgets
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from sanity_checks.explorations import forgetting
from visualizers import compute_saliency_maps, explorations, explorer, grad_cam
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


def numbered(number):
    if number == 2:
        raise ValueError("no two")
    return Figure(figsize=(number, 1)), f"number {number}"


@pytest.fixture
def shown(monkeypatch):
    """Every control that is made, in order."""
    shown, control = [], explorer.control
    monkeypatch.setattr(
        explorer, "control", lambda *given, **named: shown.append(control(*given, **named)) or shown[-1]
    )
    return shown


def test_a_notebook_keeps_the_picture_and_says_that_controls_need_a_kernel(published):
    assert explore(numbered, number=[1, 2, 3]) is None
    picture, controls = (message["data"] for message in published)
    assert "image/jpeg" in picture
    assert controls["text/plain"] == "The controls of this picture work while a kernel runs: run the cell again."
    assert "application/vnd.jupyter.widget-view+json" in controls


def test_a_control_renews_the_picture_and_an_error_is_said_below_it(published, shown, monkeypatch):
    said = []
    monkeypatch.setattr(ipywidgets, "Label", lambda words, label=ipywidgets.Label: said.append(label(words)) or said[0])
    explore(numbered, number=[1, 2, 3])
    for number in (1, 2):
        shown[0].value = number
    first, _, *later = published
    assert [message["update"] for message in later] == [True]
    assert later[0]["transient"] == first["transient"]
    assert [message["metadata"]["image/jpeg"]["alt"] for message in (first, *later)] == ["number 3", "number 1"]
    assert [label.value for label in said] == ["ValueError: no two"]


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
