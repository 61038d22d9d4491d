"""Whatever is called, and however it ends, nothing but the result is new."""

from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

from tests.support.networks import FailsBackward, FailsForward, Interruption, SmallNet
from tests.support.surroundings import surroundings
from tests.support.techniques import LOSSES, TECHNIQUES, Technique

pytestmark = pytest.mark.together
LABELS = torch.tensor([4, 0, 2])
with_a_model = pytest.mark.parametrize("technique", [name for name in TECHNIQUES if name not in LOSSES], indirect=True)


@pytest.fixture(scope="module", params=TECHNIQUES)
def technique(request: pytest.FixtureRequest) -> Technique:
    return TECHNIQUES[request.param]


@pytest.fixture
def X(noise: Tensor) -> Tensor:
    return noise


@pytest.fixture
def y() -> Tensor:
    return LABELS.clone()


@pytest.fixture(scope="module")
def expected(technique: Technique) -> Tensor:
    """What the technique gives for these images and labels when nothing is unusual, asked once for all tests."""
    random = torch.Generator().manual_seed(0)
    result = technique(SmallNet(), torch.randn(3, 3, 10, 14, generator=random), LABELS.clone())
    return result.clone() if isinstance(result, Tensor) else result  # later calls may return the same memory


def state_of(model: nn.Module) -> dict[str, object]:
    """Everything about a model that a technique could leave behind."""
    state = {f"the value of {name}": tensor.clone() for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        state[f"requires_grad of {name}"] = parameter.requires_grad
        state[f"the gradient of {name}"] = parameter.grad
        state[f"the hooks of {name}"] = dict(parameter._backward_hooks or {})
    for name, module in model.named_modules():
        name = name or "the model"
        state[f"the mode of {name}"] = module.training
        state[f"the class of {name}"] = type(module)
        state[f"the children of {name}"] = [id(child) for child in module.children()]
        state[f"the attribute inplace of {name}"] = getattr(module, "inplace", None)
        state[f"the own forward of {name}"] = module.__dict__.get("forward")
        for key, value in vars(module).items():
            if key.endswith("_hooks") or "_hooks_" in key:
                state[f"{key} of {name}"] = dict(value) if value is not None else None
    return state


def assert_state(model: nn.Module, before: dict[str, object]) -> None:
    after = state_of(model)
    assert after.keys() == before.keys(), f"parts of the model changed: {sorted(after.keys() ^ before.keys())}"
    for what, value in before.items():
        same = torch.equal(after[what], value) if isinstance(value, Tensor) else after[what] == value
        assert same, f"{what} has changed"


@with_a_model
def test_the_model_stays_as_it_was(technique, X, y, small_net):
    """Parameters, buffers, modes, hooks and requires_grad flags of the model are the same afterwards."""
    before = state_of(small_net)
    technique(small_net, X, y)
    assert_state(small_net, before)


@pytest.mark.parametrize("trained", [["features.1", "dropout"], ["", "features", "features.1", "dropout"]])
@with_a_model
def test_modules_in_train_mode_stay_so_and_do_not_disturb(trained, technique, X, y, small_net, expected):
    """With dropout and batch norm in train mode the result is the same, the mode stays, and no statistics move."""
    for name in trained:
        small_net.get_submodule(name).training = True
    before = state_of(small_net)
    assert torch.equal(technique(small_net, X, y), expected), "dropout or batch norm was active"
    assert_state(small_net, before)


@with_a_model
def test_unfrozen_parameters_get_no_gradient(technique, X, y, small_net, expected):
    """Parameters that ask for gradients do not get any, and keep those that they have."""
    small_net.requires_grad_(True)
    small_net.classifier.weight.grad = torch.ones_like(small_net.classifier.weight)
    before = state_of(small_net)
    assert torch.equal(technique(small_net, X, y), expected), "unfrozen parameters changed the result"
    assert_state(small_net, before)
    assert torch.equal(small_net.classifier.weight.grad, torch.ones_like(small_net.classifier.weight))


@pytest.mark.parametrize(("position", "failure"), [(2, FailsBackward), (5, FailsForward)])
@with_a_model
def test_the_model_stays_as_it_was_when_the_call_is_interrupted(position, failure, technique, X, y, small_net):
    """No hook and no mode is left behind, even when something raises in the middle."""
    small_net.features.insert(position, failure())
    small_net.train()
    before = state_of(small_net)
    grad_mode = torch.is_grad_enabled()
    with suppress(Interruption):  # some techniques need no backward pass, or none so deep
        technique(small_net, X, y)
    assert_state(small_net, before)
    assert torch.is_grad_enabled() == grad_mode


def test_the_images_and_labels_stay_as_they_were(technique, X, y, small_net):
    """The images that are given keep their values and get neither a graph nor a gradient."""
    given_X, given_y = X.clone(), y.clone()
    technique(small_net, given_X, given_y)
    assert torch.is_grad_enabled(), "gradients were switched off for everybody"
    assert torch.equal(given_X, X), "the images have changed"
    assert torch.equal(given_y, y), "the labels have changed"
    assert not given_X.requires_grad, "the images ask for gradients now"
    assert given_X.grad is None, "the images have a gradient now"


def test_images_that_ask_for_gradients_keep_what_they_have(technique, X, y, small_net, expected):
    """Images with requires_grad and a gradient from elsewhere keep both, and the result is the same."""
    given = X.clone().requires_grad_()
    given.grad = torch.full_like(X, 7.0)
    assert torch.equal(technique(small_net, given, y), expected), "requires_grad of the images changed the result"
    assert given.requires_grad, "the images no longer ask for gradients"
    assert torch.equal(given.grad, torch.full_like(X, 7.0)), "the gradient of the images was changed"


def test_a_second_call_gives_the_same_answer(technique, X, y, small_net):
    """Nothing accumulates and nothing is left to chance: the same call gives the same answer."""
    first = technique(small_net, X, y)
    assert torch.equal(technique(small_net, X, y), first), "a second call gave another answer"


def test_the_result_carries_no_graph(technique, X, y, small_net):
    """Results are plain values, ready for NumPy."""
    small_net.requires_grad_(True)
    assert not technique(small_net, X, y).requires_grad


def test_it_works_with_gradients_switched_off_and_leaves_the_switch_alone(technique, X, y, small_net, expected):
    """Under torch.no_grad() the result is the same, and gradients stay off as before."""
    with torch.no_grad():
        result = technique(small_net, X, y)
        assert not torch.is_grad_enabled(), "gradients were switched on for everybody"
    assert torch.equal(result, expected), "torch.no_grad() changed the result"


def test_global_state_stays_as_it_was(technique, X, y, small_net):
    """Random states and settings that everybody shares are the same afterwards."""

    before = surroundings()
    technique(small_net, X, y)
    after = surroundings()
    changed = [what for what, value in before.items() if after[what] != value]
    assert not changed, f"these have changed: {', '.join(changed)}"


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.to(memory_format=torch.channels_last),
        lambda X: torch.stack([X, X], dim=-1)[..., 0],
    ],
    ids=["channels_last", "strided"],
)
def test_the_memory_layout_of_the_images_makes_no_difference(change, technique, X, y, small_net, expected):
    """How the images lie in memory makes no difference."""
    torch.testing.assert_close(technique(small_net, change(X), y), expected)


def test_the_small_network_does_suffer_from_its_train_mode(X):
    """The network of these tests would show active dropout and batch norm."""
    net = SmallNet()
    expected, statistics = net(X), net.features[1].running_mean.clone()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert not torch.allclose(net.train()(X), expected)
    assert not torch.equal(net.features[1].running_mean, statistics)
