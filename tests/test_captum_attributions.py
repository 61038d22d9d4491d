import functools
import importlib
import io

import captum.attr
import pytest
import torch

import visualizers
from tests.support import oracle
from tests.support.comparison import assert_matches
from tests.support.networks import SmallNet, in_double
from tests.support.references import load
from visualizers import captum_attributions as ours_by_captum

SAME = {
    "captum_saliency": ("Saliency", "compute_saliency_maps", {}),
    "captum_guided_backprop": ("GuidedBackprop", "guided_backprop", {}),
    "captum_guided_grad_cam": ("GuidedGradCam", "guided_grad_cam", {"layer": "features.3"}),
    "captum_layer_grad_cam": ("LayerGradCam", "grad_cam", {"layer": "features.3"}),
    "captum_integrated_gradients": ("IntegratedGradients", None, {}),
    "captum_layer_conductance": ("LayerConductance", None, {"layer": "features.3"}),
}
OUR_OWN = [
    ("saliency", "compute_saliency_maps"),
    ("guided_backprop", "guided_gradient"),
    ("grad_cam", "class_activation_maps"),
]


@pytest.mark.parametrize("name", SAME)
def test_captum_does_the_work(name, small_net, noise, monkeypatch):
    """Each function calls the method of Captum that it is named after, and none of our own techniques."""
    method, _, options = SAME[name]
    called = []
    for other, _, _ in SAME.values():
        attribute = getattr(captum.attr, other).attribute

        @functools.wraps(attribute)
        def spy(self, *args, attribute=attribute, **kwargs):
            called.append(type(self).__name__)
            return attribute(self, *args, **kwargs)

        monkeypatch.setattr(getattr(captum.attr, other), "attribute", spy)
    for module, own in OUR_OWN:
        fail = lambda *_: pytest.fail("Captum's attributions must not come from our own code")  # noqa: E731
        monkeypatch.setattr(importlib.import_module(f"visualizers.{module}"), own, fail)
    getattr(ours_by_captum, name)(noise, torch.tensor([0, 1, 2]), small_net, **options)
    assert called[0] == method
    expected = {"GuidedGradCam": {"GuidedGradCam", "LayerGradCam", "GuidedBackprop"}}.get(method, {method})
    assert set(called) <= expected


@pytest.mark.parametrize("name", [name for name, (_, own, _) in SAME.items() if own])
def test_captum_agrees_with_our_own(name, squeezenet, photos):
    """Where Captum and we compute the same thing, we get the same values."""
    _, own, options = SAME[name]
    photos, squeezenet = in_double(photos, squeezenet)
    y = squeezenet(photos).argmax(dim=1)
    result = getattr(ours_by_captum, name)(photos, y, squeezenet, **options)
    assert_matches(getattr(visualizers, own)(photos, y, squeezenet, **options), result, dtype=torch.float64)


@pytest.mark.parametrize("name", [name for name, (_, own, _) in SAME.items() if own])
def test_captum_agrees_on_a_network_that_reuses_its_relus(name, resnet18, small_photos):
    """ResNet calls one in-place ReLU module twice per block, and adds its shortcut in place."""
    _, own, options = SAME[name]
    options = {"layer": "layer2"} if options else {}
    small_photos, resnet18 = in_double(small_photos, resnet18)
    y = resnet18(small_photos).argmax(dim=1)
    result = getattr(ours_by_captum, name)(small_photos, y, resnet18, **options)
    reference = getattr(oracle, {"compute_saliency_maps": "saliency"}.get(own, own))
    assert_matches(result, reference(small_photos, y, resnet18, **options), dtype=torch.float64)


def test_stored_references(shipped):
    """Integrated gradients and layer conductance are what Captum gives in double precision."""
    reference = load("attributions")
    # on the way from the mean colour to the image, rounding to single precision tips some ReLUs a step early or late
    X, y, network = reference["X"].double(), reference["y"], shipped.double()
    integrated = ours_by_captum.captum_integrated_gradients(X, y, network, n_steps=20)
    assert_matches(integrated, reference["captum_integrated_gradients"], 1e-5, torch.float64)
    conductance = ours_by_captum.captum_layer_conductance(X, y, network, "features.3", n_steps=20)
    assert_matches(conductance, reference["captum_layer_conductance"], 1e-5, torch.float64)


def gain(X, y, model):
    """How much the class score grows from the mean colour to the image."""
    return (model(X) - model(torch.zeros_like(X))).gather(1, y.unsqueeze(1)).squeeze(1)


# The path is cut into n_steps pieces, so the sums hold approximately.
def test_integrated_gradients_add_up_to_the_gain(small_net, noise):
    """The attributions of all pixels add up to F(x) - F(0)."""
    y = torch.tensor([0, 1, 2])
    integrated = ours_by_captum.captum_integrated_gradients(noise, y, small_net, n_steps=50)
    assert_matches(integrated.sum(dim=(1, 2, 3)), gain(noise, y, small_net), 1e-2)


@pytest.mark.parametrize("layer", ["features.1", "features.2", "features"])
def test_layer_conductance_adds_up_to_the_gain(layer, small_net, noise):
    """The conductance of all positions adds up to F(x) - F(0); that of Grad-CAM does not."""
    # the layers of this network are as large as its images, so nothing is enlarged
    y = torch.tensor([0, 1, 2])
    conductance = ours_by_captum.captum_layer_conductance(noise, y, small_net, layer, n_steps=200)
    assert_matches(conductance.sum(dim=(1, 2)), gain(noise, y, small_net), 2e-2)


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("count", [1, 7])
def test_any_number_of_images(name, count, random):
    """Each image gets the same attribution alone as among others."""
    X, net = in_double(torch.randn(count, 3, 6, 9, generator=random), SmallNet())
    y = torch.arange(1, count + 1) % 5
    technique, options = getattr(ours_by_captum, name), SAME[name][2]
    together = technique(X, y, net, **options)
    colours = (
        (3,) if name in ("captum_guided_backprop", "captum_guided_grad_cam", "captum_integrated_gradients") else ()
    )
    assert together.shape == (count, *colours, 6, 9)
    singles = [technique(X[i : i + 1], y[i : i + 1], net, **options) for i in range(count)]
    assert_matches(together, torch.cat(singles), dtype=torch.float64)


def test_maps_of_grad_cam_have_no_negative_values(shipped, photos):
    """Captum's Grad-CAM goes through a ReLU, as ours does; its layer conductance keeps its sign."""
    y = load("attributions")["y"]
    assert ours_by_captum.captum_layer_grad_cam(photos, y, shipped, "features.3").min() >= 0
    assert ours_by_captum.captum_layer_conductance(photos, y, shipped, "features.3", n_steps=4).min() < 0


@pytest.mark.parametrize("name", [name for name, (_, _, options) in SAME.items() if options])
def test_an_unknown_layer_is_named_beside_those_that_exist(name, small_net, noise):
    """A layer that the model lacks gives one error that says which layers there are."""
    with pytest.raises(ValueError, match=r"no layer .*features\.3.*classifier"):
        getattr(ours_by_captum, name)(noise, torch.tensor([0, 1, 2]), small_net, "features.99")


@pytest.mark.parametrize("name", SAME)
def test_nothing_is_printed(name, small_net, noise, capsys, recwarn):
    """Captum's warnings about hooks do not reach the student."""
    getattr(ours_by_captum, name)(noise, torch.tensor([0, 1, 2]), small_net, **SAME[name][2])
    assert not recwarn.list, f"warning: {recwarn.list[0].message}"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", [name for name, (_, _, options) in SAME.items() if options])
def test_a_layer_that_the_model_never_calls_is_refused(name, small_net, noise):
    """A layer that takes no part in the forward pass gives one clear error."""
    with pytest.raises(ValueError, match="took no part"):
        getattr(ours_by_captum, name)(noise, torch.tensor([0, 1, 2]), small_net, "unused")


@pytest.mark.parametrize("name", ["captum_integrated_gradients", "captum_layer_conductance"])
def test_what_follows_a_path_shows_its_progress_in_a_terminal(name, small_net, noise, monkeypatch):
    """Both take seconds for each photograph."""
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    getattr(ours_by_captum, name)(noise, None, small_net, **SAME[name][2])
    assert f"{SAME[name][0]}: 100%" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()
