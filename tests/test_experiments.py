"""The experiments: a model whose answer is known by hand, resuming, untouched models, the paper's orderings."""

import numpy as np
import pytest
import torch
from torch import nn

from data import load_examples, preprocess
from sanity_checks import experiments as sanity_checks
from sanity_checks.experiments import (
    compare,
    parameter_randomization,
    randomized_explanations,
    unrelated_similarity,
)
from sanity_checks.explanations import explain
from sanity_checks.randomization import find_stages
from sanity_checks.similarity import MEASURES, mean_and_spread
from tests.support.networks import SmallNet, in_double, narrow_resnet18

LABELS = torch.tensor([285, 967])
RANK, SIGNED_RANK = 0, 1


def reset(net):
    for layer in net.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return net


def untrained_small_net():
    return reset(SmallNet())


# For what an experiment does whatever the network is.
FAST = {"methods": ("gradient", "Grad-CAM"), "build": untrained_small_net, "progress": False}
SMALL_LABELS = LABELS % 5


def linear_net(sign=1.0):
    """The score of 20 x 20 pixels is linear; its gradient is `sign` times fixed weights."""
    net = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False), nn.Flatten(), nn.Linear(400, 2, bias=False))
    with torch.no_grad():
        net[0].weight.fill_(1.0)
        net[2].weight.copy_(sign * torch.linspace(-1, 2, 800).view(2, 400))
    return net.eval()


def test_a_model_whose_answer_is_known_by_hand():
    """Weights that turn their sign leave the absolute map and reverse the signed one."""
    X = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    result = parameter_randomization(
        X,
        torch.tensor([0, 1]),
        linear_net(),
        methods=("gradient",),
        layer="0",
        build=lambda: linear_net(-1.0),
        progress=False,
    )
    assert result.stages == ("classifier", "conv 1")
    assert result.values.shape == (2, 1, 2, 1, len(MEASURES))
    np.testing.assert_allclose(result.values[..., RANK], 1, atol=1e-9)
    np.testing.assert_allclose(result.values[..., SIGNED_RANK], -1, atol=1e-9)


def test_maps_of_a_dead_network_are_undefined_not_zero_or_one():
    def dead():
        net = linear_net()
        nn.init.zeros_(net[2].weight)
        return net

    X = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    result = parameter_randomization(
        X, torch.tensor([0]), linear_net(), methods=("gradient",), layer="0", build=dead, progress=False
    )
    assert np.isnan(result.values).all()
    assert not mean_and_spread(result.values, axis=(0, 1))["valid"].any()


def untrained_resnet():
    return reset(narrow_resnet18())


def test_resnet_loses_its_maps_when_it_forgets(resnet18, photos):
    options = {"methods": ("gradient",), "seeds": (1,), "build": untrained_resnet, "progress": False}
    result = parameter_randomization(photos, LABELS % 20, resnet18, **options)
    assert len(result.stages) == 10
    assert np.isfinite(result.values).all()
    assert np.abs(result.values[..., SIGNED_RANK]).max() < 0.9


def test_vgg_needs_no_list_of_its_stages_either(vgg11, photos):
    result = parameter_randomization(
        photos, LABELS % 20, vgg11, methods=("gradient",), build=lambda: vgg11, progress=False
    )
    assert len(result.stages) == len(find_stages(vgg11, photos))
    np.testing.assert_allclose(result.values[..., :2], 1, atol=1e-6)


def test_batches_give_what_all_images_at_once_give(small_net, photos):
    photos, small_net = in_double(photos, small_net)
    whole = parameter_randomization(photos, SMALL_LABELS, small_net, **FAST)
    halves = parameter_randomization(photos, SMALL_LABELS, small_net, batch_size=1, **FAST)
    np.testing.assert_allclose(whole.values, halves.values, atol=1e-6)


def test_an_interrupted_run_continues_and_ends_with_the_same_values(small_net, photos, tmp_path, monkeypatch):
    settings = {**FAST, "seeds": (0, 1), "batch_size": 1}
    expected = parameter_randomization(photos, SMALL_LABELS, small_net, **settings)
    calls = []

    def failing(*args, **options):
        calls.append(args)
        if len(calls) > 7:
            raise KeyboardInterrupt
        return explain(*args, **options)

    explain = sanity_checks.explain
    monkeypatch.setattr(sanity_checks, "explain", failing)
    with pytest.raises(KeyboardInterrupt):
        parameter_randomization(photos, SMALL_LABELS, small_net, path=tmp_path / "r.npz", **settings)
    monkeypatch.setattr(sanity_checks, "explain", lambda *a, **o: calls.append(a) or explain(*a, **o))
    calls.clear()
    resumed = parameter_randomization(photos, SMALL_LABELS, small_net, path=tmp_path / "r.npz", **settings)
    np.testing.assert_array_equal(resumed.values, expected.values)
    assert len(calls) < 2 * (1 + 2 * 4), "nothing was taken from the file"
    assert [file.name for file in tmp_path.iterdir()] == ["r.npz"]


def test_measures_may_be_chosen(small_net, photos):
    whole = parameter_randomization(photos, SMALL_LABELS, small_net, **FAST)
    some = parameter_randomization(
        photos, SMALL_LABELS, small_net, measures=("HOG correlation", "rank correlation"), **FAST
    )
    np.testing.assert_array_equal(some.values, whole.values[..., [3, 0]])


def test_a_finished_run_is_read_and_not_computed_again(small_net, photos, tmp_path, monkeypatch):
    first = parameter_randomization(photos, SMALL_LABELS, small_net, path=tmp_path / "r.npz", **FAST)
    monkeypatch.setattr(sanity_checks, "explain", lambda *_, **__: pytest.fail("it was all there"))
    again = parameter_randomization(photos, SMALL_LABELS, small_net, path=tmp_path / "r.npz", **FAST)
    np.testing.assert_array_equal(first.values, again.values)


@pytest.mark.parametrize("other", [{"mode": "independent"}, {"seeds": (1,)}, {"methods": ("gradient",)}])
def test_a_file_of_another_call_is_refused_and_kept(small_net, photos, tmp_path, other):
    path = tmp_path / "r.npz"
    parameter_randomization(photos, SMALL_LABELS, small_net, path=path, **FAST)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"r\.npz holds the results of other"):
        parameter_randomization(photos, SMALL_LABELS, small_net, path=path, **{**FAST, **other})
    assert path.read_bytes() == before


@pytest.mark.parametrize("experiment", [parameter_randomization, randomized_explanations, unrelated_similarity])
def test_the_callers_model_and_images_stay_as_they_are(shipped, photos, experiment):
    before = {name: tensor.clone() for name, tensor in shipped.state_dict().items()}
    pixels = photos.clone()
    modes = [module.training for module in shipped.modules()]
    experiment(photos, LABELS, shipped, methods=("gradient", "Grad-CAM"))
    assert all(torch.equal(before[name], tensor) for name, tensor in shipped.state_dict().items())
    assert torch.equal(photos, pixels)
    assert [module.training for module in shipped.modules()] == modes
    assert isinstance(shipped.classifier[2], nn.ReLU)


def test_a_file_of_another_way_of_building_is_refused(small_net, photos, tmp_path):
    parameter_randomization(photos, SMALL_LABELS, small_net, path=tmp_path / "r.npz", **FAST)
    with pytest.raises(ValueError, match=r"r\.npz holds the results of other"):
        parameter_randomization(photos, SMALL_LABELS, small_net, path=tmp_path / "r.npz", **{**FAST, "build": SmallNet})


def test_one_seed_in_place_of_several_is_named(shipped, photos):
    with pytest.raises(ValueError, match=r"seeds is 0: give several, such as \(0, 1, 2\)"):
        parameter_randomization(photos, LABELS, shipped, seeds=0, methods=("gradient",))


def test_maps_of_bfloat16_are_compared(photos):
    model = SmallNet().bfloat16()
    first = explain(photos.bfloat16(), 1, model, ("gradient",))
    assert np.isfinite(compare(first, {name: maps.roll(1, 0) for name, maps in first.items()})).all()


@pytest.mark.parametrize("experiment", [parameter_randomization, randomized_explanations, unrelated_similarity])
def test_images_of_another_precision_are_refused_at_the_door(shipped, photos, experiment):
    with pytest.raises(TypeError, match=r"X is torch\.float64, the model torch\.float32"):
        experiment(photos.double(), LABELS, shipped)


def test_the_grid_starts_with_the_original_and_ends_with_nothing_learned(shipped, photos):
    explanations = randomized_explanations(photos, LABELS, shipped, methods=("gradient",))
    labels = [stage.label for stage in find_stages(shipped, photos)]
    assert list(explanations) == ["original", *reversed(labels)]


def test_the_baseline_needs_two_images(shipped, photos):
    with pytest.raises(ValueError, match="at least two"):
        unrelated_similarity(photos[:1], LABELS[:1], shipped)


def test_the_papers_orderings_appear(squeezenet):
    """Over images, in the upper half of the cascade: gradient and Grad-CAM lose the map, guided backprop keeps it."""
    examples = load_examples(5)
    methods = ("gradient", "guided backprop", "Grad-CAM", "guided Grad-CAM")
    result = parameter_randomization(
        preprocess(examples.images, size=128), examples.labels, squeezenet, methods=methods, progress=False
    )
    upper = mean_and_spread(result.values[:, :, :5], axis=(0, 1, 2))["mean"]
    gradient, guided, cam, guided_cam = upper[:, SIGNED_RANK]
    assert guided > gradient + 0.5
    assert guided > cam + 0.5
    assert guided_cam > gradient + 0.3
    assert guided_cam > cam
    assert upper[1, RANK] > upper[0, RANK] + 0.15
