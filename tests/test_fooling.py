import pytest
import torch
from torch import nn

from tests.support import oracle
from tests.support.comparison import assert_equal, assert_finite, assert_matches, side_by_side
from tests.support.networks import SmallNet, Unreachable, in_double, linear_net
from tests.support.references import load
from visualizers import make_fooling_image

# One pixel, three colours. score 0 = blue + 1.9, score 1 = 3 red + 4 green, score 2 = 5 blue, score 3 = 0
BY_HAND = [[0.0, 0.0, 1.0], [3.0, 4.0, 0.0], [0.0, 0.0, 5.0], [0.0, 0.0, 0.0]]
PIXEL = torch.zeros(1, 3, 1, 1)


def hand_net() -> nn.Module:
    return linear_net(BY_HAND, [1.9, 0.0, 0.0, 0.0])


def pixel(red: float, green: float, blue: float) -> torch.Tensor:
    return torch.tensor([red, green, blue]).view(1, 3, 1, 1)


def test_it_stops_as_soon_as_the_target_is_predicted():
    """The image climbs the target's score in steps of the learning rate and stops at the first success."""
    # Each step of length 0.1 along (3, 4, 0) / 5 lifts score 1 by 0.5: four steps lift it to 2.0, above 1.9.
    fooled = make_fooling_image(PIXEL, 1, hand_net(), learning_rate=0.1)
    assert_matches(fooled, pixel(0.24, 0.32, 0.0), 1e-5)


@pytest.mark.parametrize("max_iter", [1, 2, 3])
def test_it_gives_up_after_max_iter_steps(max_iter):
    """At most max_iter steps are taken."""
    fooled = make_fooling_image(PIXEL, 1, hand_net(), learning_rate=0.1, max_iter=max_iter)
    assert_matches(fooled, max_iter * pixel(0.06, 0.08, 0.0), 1e-5)


def test_without_other_numbers_it_takes_at_most_100_steps_of_length_10():
    """Unless told otherwise, a step has the length 10, and at most 100 are taken."""
    # score 0 = red, score 1 = red - 2000, which is never the larger
    fooled = make_fooling_image(PIXEL, 1, linear_net([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], [0.0, -2000.0]))
    assert_matches(fooled, pixel(1000.0, 0.0, 0.0), 1e-5)


def test_it_comes_to_an_end_when_the_target_cannot_be_reached():
    """Where the target can never be predicted, the loop ends after max_iter steps."""

    fooled = make_fooling_image(PIXEL, 1, Unreachable(), learning_rate=0.5, max_iter=6)
    assert_matches(fooled, pixel(3.0, 0.0, 0.0), 1e-5)


def test_an_image_that_is_predicted_as_the_target_comes_back_unchanged():
    """No step is taken when the model already predicts the target, and the result is a new tensor."""
    X = pixel(1.0, 2.0, 3.0)
    fooled = make_fooling_image(X, 2, hand_net())
    assert torch.equal(fooled, X), "the image was changed although the target was already predicted"
    fooled += 1
    assert torch.equal(X, pixel(1.0, 2.0, 3.0)), "the result shares its memory with X"


def test_an_image_with_zero_gradient_comes_back_unchanged():
    """Where the target's score does not depend on the image, the image stays as it is: no NaN, no noise."""
    other = pixel(0.0, 0.0, 0.1)
    X = torch.cat([pixel(1.0, 2.0, 3.0), other])
    fooled = make_fooling_image(X, torch.tensor([3, 1]), hand_net(), learning_rate=0.1)
    assert_equal(fooled[0], X[0], f"the image should stay as it is: {side_by_side(X[0], fooled[0])}")
    assert_matches(fooled[1:], make_fooling_image(other, 1, hand_net(), learning_rate=0.1), 1e-6)


@pytest.mark.parametrize("learning_rate", [0.5, 10.0])
def test_one_step_has_the_length_of_the_learning_rate_for_each_image(learning_rate, noise, small_net):
    """Every image of a batch moves by learning_rate * g / ||g||, its own gradient's norm, not the batch's."""
    X = noise * torch.tensor([0.1, 1.0, 5.0]).view(3, 1, 1, 1)
    targets = small_net(X).argmin(dim=1)
    fooled = make_fooling_image(X, targets, small_net, learning_rate=learning_rate, max_iter=1)
    assert_matches((fooled - X).flatten(1).norm(dim=1), torch.full((3,), learning_rate))


# The loops below run in double precision: in single precision a path of many steps is not reproducible.


def test_stored_reference(shipped):
    """Step after step, the image follows the gradient at the place where it is now."""
    reference = load("ascent")
    X, targets = load("attributions")["X"].double(), reference["fooling_targets"]
    fooled = make_fooling_image(X, targets, shipped.double(), learning_rate=2.0)
    assert_matches(fooled - X, reference["fooling"] - X, dtype=torch.float64, images=X)


def test_the_last_step_is_the_one_that_succeeds(random):
    """One step before the end the model does not yet predict the target; at the end it does."""
    net, target = SmallNet().double(), 1
    x = 3 * torch.randn(1, 3, 6, 9, generator=random, dtype=torch.float64)
    _, (count,) = oracle.fooling(x, [target], net, 2.0, 40)
    assert 1 < count < 40, f"this test cannot tell: {count} steps are enough"
    before = make_fooling_image(x, target, net, learning_rate=2.0, max_iter=count - 1)
    predicted = net(before).argmax().item()
    assert predicted != target, f"the target is already predicted after {count - 1} steps"
    end = make_fooling_image(x, target, net, learning_rate=2.0)
    predicted = net(end).argmax().item()
    assert predicted == target, f"the model predicts class {predicted} in the end, not {target}"
    same = make_fooling_image(x, target, net, learning_rate=2.0, max_iter=count)
    assert torch.equal(end, same), f"it went on after step {count}, which was the first to succeed"


def test_other_networks(other_network, small_photos):
    """Two steps with every network, too few to succeed, images with different targets side by side."""
    small_photos, network = in_double(small_photos, other_network)
    targets = network(small_photos).argsort(dim=1, descending=True)[:, 4]
    reference, steps = oracle.fooling(small_photos, targets.tolist(), network, 0.1, 2)
    assert min(steps) == 2, "this test cannot tell: one step is enough"
    fooled = make_fooling_image(small_photos, targets, network, learning_rate=0.1, max_iter=2)
    assert_matches(fooled - small_photos, reference - small_photos, dtype=None)


def test_a_batch_with_different_targets_gives_what_its_images_give_alone(random):
    """Images that are done wait unchanged for those that are not."""
    net = SmallNet().double()
    X = 3 * torch.randn(4, 3, 6, 9, generator=random, dtype=torch.float64)
    _, steps = oracle.fooling(X, [0, 1, 2, 3], net, 2.0, 8)
    assert len(set(steps)) > 2, f"this test cannot tell: the images take {steps} steps"
    fooled = make_fooling_image(X, torch.arange(4), net, learning_rate=2.0, max_iter=8)
    singles = [make_fooling_image(X[i : i + 1], i, net, 2.0, 8) for i in range(4)]
    assert_matches(fooled, torch.cat(singles), dtype=torch.float64)


def test_one_target_serves_the_whole_batch(noise, small_net):
    """target_y may be one int for all images."""
    fooled = make_fooling_image(noise, 4, small_net, learning_rate=0.7, max_iter=5)
    same = make_fooling_image(noise, torch.tensor([4, 4, 4]), small_net, learning_rate=0.7, max_iter=5)
    assert_finite(fooled)
    assert torch.equal(fooled, same), "an int and a tensor full of it give different images"


@pytest.mark.given
@pytest.mark.parametrize(
    "numbers", [{"learning_rate": 0.0}, {"learning_rate": -1.0}, {"learning_rate": float("nan")}, {"max_iter": 0}]
)
def test_numbers_that_make_no_sense_are_refused(numbers, noise, small_net):
    """A learning rate or a number of steps that is not positive gives an error that names it."""
    with pytest.raises(ValueError, match=next(iter(numbers))):
        make_fooling_image(noise, 1, small_net, **numbers)


def test_a_photograph_becomes_a_stingray(squeezenet):
    """With the defaults, a photograph of 224 pixels is taken for a stingray within 100 steps."""
    from data import load_examples, preprocess

    X = preprocess(load_examples(1, "shipped").images)
    fooled = make_fooling_image(X, 6, squeezenet)
    assert squeezenet(fooled).argmax() == 6, "the model does not predict class 6, stingray"
    assert (fooled - X).norm() < 0.5 * X.norm(), "the image changed too much: fooling changes are small"
