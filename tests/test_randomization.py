"""Networks that have forgotten: stages found in forward order, nested draws, the caller's model untouched."""

import copy

import pytest
import torch
from torch import nn
from torchvision import models
from torchvision.models import VisionTransformer, googlenet, regnet_y_400mf

from sanity_checks.randomization import (
    Stage,
    before_last_relu,
    find_stages,
    forgetting,
    untrained,
    with_forgotten,
)


def parameters(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def changed(model, other):
    before, after = parameters(model), parameters(other)
    return {name for name in before if not torch.equal(before[name], after[name])}


def owned(stages):
    return tuple(f"{name}." for stage in stages for name in stage.modules)


@pytest.fixture
def resnet18():
    """As torchvision builds it, since it is asked to build another."""
    return models.resnet18(weights=None, num_classes=20).eval().requires_grad_(False)


@pytest.fixture
def pixels():
    return torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_the_stages_of_squeezenet_are_its_first_convolution_its_fires_and_its_classifier(shipped, pixels):
    fires = [f"features.{i}" for i in (3, 4, 6, 7, 9, 10, 11, 12)]
    assert [stage.name for stage in find_stages(shipped, pixels)] == ["features.0", *fires, "classifier.1"]


def test_the_stages_of_resnet_are_its_blocks_with_their_normalization(resnet18, pixels):
    stages = find_stages(resnet18, pixels)
    blocks = [f"layer{i}.{j}" for i in (1, 2, 3, 4) for j in (0, 1)]
    assert [stage.name for stage in stages] == ["conv1", *blocks, "fc"]
    assert stages[0].modules == ("conv1", "bn1")


def test_stages_have_labels_that_readers_know(shipped, resnet18, vgg11, pixels):
    fires, blocks = [f"Fire {i}" for i in range(2, 10)], [f"block {i}" for i in range(2, 10)]
    linear = [*(f"conv {i}" for i in range(1, 9)), "linear 9"]
    for network, labels in ((shipped, ["conv 1", *fires]), (resnet18, ["conv 1", *blocks]), (vgg11, linear)):
        assert [stage.label for stage in find_stages(network, pixels)] == [*labels, "classifier"]


def test_a_stage_of_ones_own_is_called_by_its_name():
    assert Stage("features.3.squeeze", ("features.3.squeeze",)).label == "features.3.squeeze"


def test_a_label_changes_no_file_of_results():
    """Files know a run by what its stages print."""
    assert repr(Stage("conv1", ("conv1",), "conv 1")) == repr(Stage("conv1", ("conv1",)))


def test_every_parameter_of_a_network_belongs_to_exactly_one_stage(network, pixels):
    names = [name for stage in find_stages(network, pixels) for name in stage.modules]
    owners = [name for name, module in network.named_modules() if list(module.parameters(recurse=False))]
    assert sorted(names) == sorted(owners)


def test_stages_come_in_the_order_of_the_forward_pass_not_of_the_definition(pixels):
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(4, 2)
            self.first = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return self.last(self.first(x).mean((2, 3)))

    assert [stage.name for stage in find_stages(Backwards(), pixels)] == ["first", "last"]


def test_finding_stages_leaves_no_hook_behind_also_when_the_model_fails(shipped):
    with pytest.raises(RuntimeError):
        find_stages(shipped, torch.zeros(1, 5, 64, 64))
    assert not any(module._forward_pre_hooks for module in shipped.modules())


def test_a_model_without_parameters_is_refused(pixels):
    with pytest.raises(ValueError, match="nothing to randomize"):
        find_stages(nn.ReLU(), pixels)


@pytest.mark.parametrize("mode", ["cascading", "independent"])
def test_the_callers_model_is_never_altered(shipped, pixels, mode):
    before = parameters(shipped)
    for _, forgetful in forgetting(shipped, find_stages(shipped, pixels), untrained(shipped, 0), mode):
        forgetful(pixels)
    assert all(torch.equal(before[name], tensor) for name, tensor in shipped.state_dict().items())


def test_a_cascade_forgets_from_the_top_and_keeps_what_it_forgot(shipped, pixels):
    stages = find_stages(shipped, pixels)
    previous = {}
    for k, (name, forgetful) in enumerate(forgetting(shipped, stages, untrained(shipped, 0), "cascading"), start=1):
        assert name == stages[-k].label
        forgotten = {key for key in parameters(shipped) if key.startswith(owned(stages[-k:]))}
        assert changed(shipped, forgetful) == forgotten
        drawn = {key: parameters(forgetful)[key] for key in forgotten}
        assert all(torch.equal(drawn[key], value) for key, value in previous.items()), "an earlier draw was lost"
        previous = drawn
    assert previous.keys() == parameters(shipped).keys()


def test_independent_randomization_forgets_one_stage_at_a_time(resnet18, pixels):
    stages = find_stages(resnet18, pixels)
    with torch.no_grad():
        for parameter in resnet18.parameters():
            parameter.add_(0.01)  # otherwise fresh normalization layers would equal those of the fixture
    for stage, (name, forgetful) in zip(
        reversed(stages), forgetting(resnet18, stages, untrained(resnet18, 0), "independent"), strict=True
    ):
        assert name == stage.label
        trainable = {key for key, _ in resnet18.named_parameters() if key.startswith(owned([stage]))}
        assert changed(resnet18, forgetful) == trainable


def test_batch_norm_forgets_its_scale_and_keeps_its_running_statistics(resnet18, pixels):
    with torch.no_grad():
        resnet18.bn1.weight.fill_(3.0)
        resnet18.bn1.running_mean.fill_(0.7)
    forgetful = with_forgotten(resnet18, find_stages(resnet18, pixels), untrained(resnet18, 0))
    assert (forgetful.bn1.weight == 1).all()
    assert (forgetful.bn1.running_mean == 0.7).all()


def test_draws_come_from_the_architectures_own_initialization(shipped, resnet18):
    # PyTorch's default would be a standard deviation of 0.0255 in SqueezeNet's last convolution, and biases
    classifier = untrained(shipped, 0).classifier[1]
    assert classifier.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not classifier.bias.any()
    convolution = untrained(resnet18, 0).layer4[1].conv2.weight
    assert convolution.std().item() == pytest.approx((2 / (len(convolution) * 9)) ** 0.5, rel=0.02)


def test_the_same_seed_draws_the_same_network_and_the_global_random_state_stays(shipped):
    state = torch.get_rng_state()
    assert not changed(untrained(shipped, 4), untrained(shipped, 4))
    assert changed(untrained(shipped, 4), untrained(shipped, 5))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_network_that_torchvision_does_not_build_needs_a_builder(pixels):
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten())
    with pytest.raises(ValueError, match="build="):
        untrained(net, 0)
    assert changed(net, untrained(net, 0, lambda: nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten())))


def test_the_score_is_taken_before_squeezenets_last_relu(shipped, pixels):
    unrectified = before_last_relu(shipped, pixels)
    with torch.no_grad():
        expected = shipped.classifier[1](shipped.features(pixels)).mean((2, 3))
        torch.testing.assert_close(unrectified(pixels), expected)
        assert (unrectified(pixels) < shipped(pixels)).any(), "the ReLU is still there"
    assert isinstance(shipped.classifier[2], nn.ReLU)


def test_a_model_that_ends_without_a_relu_stays_itself(resnet18, pixels):
    assert before_last_relu(resnet18, pixels) is resnet18


def test_an_unknown_mode_is_refused(shipped, pixels):
    with pytest.raises(ValueError, match="sideways"):
        next(forgetting(shipped, find_stages(shipped, pixels), copy.deepcopy(shipped), "sideways"))


class Parts(nn.Module):
    """Parameters of the model itself, of a layer that is never called, and of one that another one uses."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3, 1, 1))
        self.first, self.unused, self.head = nn.Conv2d(3, 4, 3), nn.Linear(2, 2), nn.Linear(4, 2)

    def forward(self, x):
        features = self.first(x * self.scale).relu().mean(dim=(2, 3))
        return nn.functional.linear(features, self.head.weight, self.head.bias)


@pytest.mark.parametrize("build", [Parts, lambda: VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=10)])
def test_at_the_end_of_a_cascade_nothing_trained_is_left(build):
    model, X = build().eval(), torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.rand_like(parameter) + 1)  # as if trained
    *_, (_, last) = forgetting(model, find_stages(model, X), untrained(model, 0, build), "cascading")
    kept = [name for name, parameter in last.named_parameters() if torch.equal(parameter, model.get_parameter(name))]
    assert not kept


def without_auxiliary_heads():
    """As torchvision leaves it once trained weights are loaded."""
    model = googlenet(num_classes=10, init_weights=False)
    model.aux_logits, model.aux1, model.aux2 = False, None, None
    return model


@pytest.mark.parametrize("build", [lambda: regnet_y_400mf(num_classes=10), without_auxiliary_heads])
@pytest.mark.filterwarnings("ignore:The default weight initialization")
def test_models_that_are_built_in_another_way_are_built_untrained(build, monkeypatch):
    few = ["googlenet", "regnet_y_1_6gf", "regnet_y_400mf"]  # the largest of fifteen RegNets takes ten seconds
    monkeypatch.setattr(models, "list_models", lambda module: few)
    before = torch.get_rng_state()
    model = build()
    torch.set_rng_state(before)
    fresh = untrained(model, 1)
    assert torch.equal(torch.get_rng_state(), before)
    assert {name: t.shape for name, t in fresh.state_dict().items()} == {
        name: t.shape for name, t in model.state_dict().items()
    }
