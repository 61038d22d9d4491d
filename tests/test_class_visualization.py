import pytest
import torch

from data.images import legal_range
from tests.support import oracle
from tests.support.comparison import assert_equal, assert_matches, assert_shape, rounded
from tests.support.networks import SmallNet, Watches, in_double, linear_net
from tests.support.references import load
from visualizers import class_visualization_update_step, create_class_visualization
from visualizers.class_visualization import Snapshots

PIXEL = torch.tensor([0.5, -1.0, 2.0]).view(1, 3, 1, 1)


# ------------------------------------------------------------------------------------------------------- one step


def stepped(img, *settings):
    """The next image, once it is certain that it is a tensor like this one."""
    updated = class_visualization_update_step(img, *settings)
    assert_shape(updated, tuple(img.shape))
    assert updated.dtype == img.dtype, f"expected {img.dtype}, got {updated.dtype}"
    return updated


def test_one_step_by_hand():
    """A step goes along the gradient of the score, which is normalized, as far as the learning rate says."""
    # score = 2 red + 1 green - 1 blue, whose gradient has the norm sqrt(6)
    updated = stepped(PIXEL, 0, linear_net([[2.0, 1.0, -1.0]]), 0.0, 10.0)
    assert_matches(updated, PIXEL + 10 * torch.tensor([2.0, 1.0, -1.0]).view(1, 3, 1, 1) / 6**0.5, 1e-6)


def test_one_regularized_step_by_hand():
    """The gradient of score - l2_reg * ||img||^2 is the score's gradient minus 2 * l2_reg * img; it is normalized."""
    # score = 2 red + 1 green - 1 blue, l2_reg = 1/2: gradient (2, 1, -1) - 1 * (0.5, -1, 2) = (1.5, 2, -3)
    # its norm is sqrt(2.25 + 4 + 9) = sqrt(15.25)
    step = 10 * torch.tensor([1.5, 2.0, -3.0]) / 15.25**0.5
    updated = stepped(PIXEL, 0, linear_net([[2.0, 1.0, -1.0]]), 0.5, 10.0)
    assert_matches(updated, PIXEL + step.view(1, 3, 1, 1), 1e-6)


@pytest.mark.parametrize("l2_reg", [0.0, 1e-3, 0.1, 10.0])
def test_the_regularization_takes_part_in_the_step(l2_reg, noise, small_net):
    """l2_reg * ||img||^2, squared, is subtracted before the gradient is taken and normalized."""
    targets = [0, 1, 4]
    reference = oracle.class_visualization_step(noise, targets, small_net, l2_reg, 5.0)
    updated = stepped(noise, torch.tensor(targets), small_net, l2_reg, 5.0)
    assert_matches(updated, reference)
    assert_matches(updated - noise, reference - noise)


@pytest.mark.parametrize("learning_rate", [0.5, 25.0])
def test_the_step_has_the_length_of_the_learning_rate_for_each_image(learning_rate, noise, small_net):
    """Every image of a batch moves by learning_rate * g / ||g||, its own gradient's norm, not the batch's."""
    img = noise * torch.tensor([0.1, 1.0, 5.0]).view(3, 1, 1, 1)
    updated = stepped(img, 2, small_net, 0.0, learning_rate)
    assert_matches((updated - img).flatten(1).norm(dim=1), torch.full((3,), learning_rate))


def test_the_step_goes_uphill(noise, small_net):
    """After a small step the score of the class is higher."""
    updated = stepped(noise, 2, small_net, 0.0, 0.1)
    gain = small_net(updated)[:, 2] - small_net(noise)[:, 2]
    assert (gain > 0).all(), f"the scores changed by {rounded(gain)}: they should grow"


def test_stored_reference_of_a_step(shipped):
    """One step on photographs, with a strong regularization."""
    reference = load("ascent")
    X, shipped = in_double(load("attributions")["X"], shipped)
    updated = stepped(X, reference["step_targets"], shipped, 0.05, 25.0)
    assert_matches(updated - X, reference["step"] - X, dtype=None, images=X)
    assert_matches(updated, reference["step"], dtype=None)


def test_one_step_with_other_networks(other_network, small_photos):
    """The step is right for every network."""
    small_photos, network = in_double(small_photos, other_network)
    X, y = small_photos, network(small_photos).argmax(dim=1)
    reference = oracle.class_visualization_step(X, y.tolist(), network, 0.0, 25.0)
    updated = stepped(X, y, network, 0.0, 25.0)
    assert_matches(updated - X, reference - X, dtype=None)


def test_zero_gradient_leaves_the_image_unchanged():
    """Where nothing can be gained, the image stays as it is: no NaN."""
    updated = stepped(PIXEL, 0, linear_net([[0.0, 0.0, 0.0]]), 0.0, 10.0)
    assert_equal(updated, PIXEL, "the step moved the image, or made it NaN: a gradient of zero gives no direction")


def test_a_step_is_a_new_tensor(noise, small_net):
    """The step leaves the image that it starts from unchanged, and does not share its memory."""
    before = noise.clone()
    updated = stepped(noise, 0, small_net, 1e-3, 1.0)
    assert not updated.requires_grad, "the new image should carry no graph"
    updated += 1
    assert torch.equal(noise, before), "the image that was given has changed"


# ------------------------------------------------------------------------------------------------- the whole picture


def small(targets, net, **settings):
    settings = {"num_iterations": 3, "size": (12, 18), "max_jitter": 4, **settings}
    return create_class_visualization(targets, net, **settings)


@pytest.mark.given
def test_stored_reference(shipped):
    """Noise, jitter, step, jitter undone, clamp and blur, in this order, with the defaults."""
    reference = load("ascent")
    images = create_class_visualization(
        reference["visualization_targets"], shipped.double(), num_iterations=len(reference["shifts"]), size=(64, 80)
    )
    assert_matches(images, reference["visualization"], dtype=None)


@pytest.mark.given
@pytest.mark.parametrize("blur_every", [0, 1, 2, 10])
def test_blur_comes_with_the_first_iteration_and_every_so_many_after_it(blur_every, small_net):
    """A Gaussian of sigma 0.5 smooths the picture at iterations 1, 1 + blur_every, 1 + 2 * blur_every, ..."""
    random = torch.Generator().manual_seed(5)
    noise = torch.randn(1, 3, 12, 18, generator=random)
    shifts = [tuple(torch.randint(0, 5, (2,), generator=random).tolist()) for _ in range(4)]
    settings = {"learning_rate": 3.0, "l2_reg": 0.01, "blur_every": blur_every}
    reference = oracle.class_visualization(noise, shifts, [1, 3], small_net, **settings)
    images = small(torch.tensor([1, 3]), small_net, num_iterations=4, seed=5, **settings)
    assert_matches(images, reference, 1e-3)  # four steps, each from where the last one ended


@pytest.mark.given
def test_jitter_is_undone_after_the_step():
    """With a tiny learning rate the picture stays where it was, however much it was jittered."""
    net = SmallNet()
    still = small(0, net, num_iterations=1, learning_rate=1e-6, blur_every=0, max_jitter=0)
    jittered = small(0, net, num_iterations=6, learning_rate=1e-6, blur_every=0, max_jitter=11)
    assert_matches(jittered, still)


@pytest.mark.given
@pytest.mark.parametrize("max_jitter", [0, 3])
def test_the_model_sees_the_picture_shifted_by_at_most_max_jitter(max_jitter, small_net):
    """Before each step the picture is rolled down and to the right, each time by up to max_jitter pixels."""
    watches = Watches()
    small_net.features.insert(0, watches)
    settings = {"num_iterations": 30, "learning_rate": 1e-6, "blur_every": 0}
    still = small(0, small_net, max_jitter=max_jitter, **settings)
    shifts = set()
    for image in watches.seen[1:]:
        fits = [
            (down, right)
            for down in range(-5, 6)
            for right in range(-5, 6)
            if torch.allclose(still.roll((down, right), dims=(2, 3)), image, atol=1e-3)
        ]
        assert len(fits) == 1, "the model saw something other than the picture rolled by a few pixels"
        shifts.update(fits)
    for direction in zip(*shifts, strict=True):
        assert min(direction) == 0, f"shifts went from {min(direction)}: expected 0"
        assert max(direction) == max_jitter, f"shifts went to {max(direction)}: expected {max_jitter}"


@pytest.mark.given
def test_pixels_stay_legal(small_net):
    """After every iteration all pixels lie between black and white."""

    def look(iteration, images):
        black, white = legal_range(images)
        assert (images >= black).all(), f"darker than black after iteration {iteration}"
        assert (images <= white).all(), f"brighter than white after iteration {iteration}"
        assert torch.equal(images.amin(dim=(0, 2, 3)), black.flatten()), "no pixel is black: the range is too small"
        assert torch.equal(images.amax(dim=(0, 2, 3)), white.flatten()), "no pixel is white: the range is too small"

    small(0, small_net, learning_rate=1000.0, blur_every=0, callback=look)


@pytest.mark.given
def test_blurred_pixels_stay_legal(small_net):
    """The blur keeps the pixels within the legal range too."""

    def look(iteration, images):
        black, white = legal_range(images)
        assert ((images >= black - 1e-5) & (images <= white + 1e-5)).all(), f"illegal after iteration {iteration}"

    small(0, small_net, learning_rate=100.0, blur_every=1, callback=look)


@pytest.mark.given
def test_the_callback_counts_from_one(small_net):
    """The callback gets every iteration's number, from 1 on, and the picture that it made."""
    calls = []
    result = small(0, small_net, num_iterations=4, callback=lambda *call: calls.append(call))
    assert [iteration for iteration, _ in calls] == [1, 2, 3, 4], "the callback should count 1, 2, 3, 4"
    assert torch.equal(calls[-1][1], result), "the last picture that the callback saw is not the result"
    assert not torch.equal(calls[0][1], calls[1][1]), "the second iteration changed nothing"


@pytest.mark.given
def test_an_interrupted_ascent_leaves_nothing_behind_and_the_next_one_is_as_ever(small_net):
    """An ascent that is stopped alters nothing: the next one gives what it always gives."""

    def stop(iteration, images):
        if iteration == 2:
            raise KeyboardInterrupt

    expected = small(0, small_net, num_iterations=3)
    with pytest.raises(KeyboardInterrupt):
        small(0, small_net.train(), num_iterations=3, callback=stop)
    assert all(module.training and not module._forward_hooks for module in small_net.modules())
    assert_equal(small(0, small_net, num_iterations=3), expected, "the next ascent went another way")


@pytest.mark.given
def test_snapshots_keep_what_they_saw(small_net):
    """Snapshots keeps the pictures of the iterations asked for, unaltered by what follows."""
    snapshots = Snapshots(at=(1, 3))
    small(0, small_net, num_iterations=4, callback=snapshots)
    assert sorted(snapshots.images) == [1, 3], "expected the pictures of iterations 1 and 3"
    for iteration, images in snapshots.images.items():
        again = small(0, small_net, num_iterations=iteration)
        assert torch.equal(images, again), f"the picture of iteration {iteration} has changed since"


@pytest.mark.given
@pytest.mark.parametrize("iterations", [1, 2])
def test_classes_together_give_the_pictures_that_they_give_alone(iterations, shipped):
    """All classes start from the same noise and are jittered alike."""
    # few iterations: rounding grows from step to step
    shipped = shipped.double()
    targets = [366, 187, 76]
    settings = {"num_iterations": iterations, "size": (64, 80)}
    together = create_class_visualization(torch.tensor(targets), shipped, **settings)
    alone = [create_class_visualization(target, shipped, **settings) for target in targets]
    assert_matches(together, torch.cat(alone), dtype=None)
    assert (together[0] - together[1]).norm() > 0.01 * together[0].norm(), "two classes gave one picture"


@pytest.mark.given
def test_the_seed_alone_decides(small_net):
    """The same seed gives the same picture, whatever the global random state; another seed gives another picture."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = small(0, small_net, seed=3)
        torch.manual_seed(2)
        again = small(0, small_net, seed=3)
    other = small(0, small_net, seed=4)
    assert torch.equal(first, again), "the picture depends on the global random state"
    assert (first - other).norm() > 0.1 * first.norm(), "another seed gave the same picture"


@pytest.mark.given
@pytest.mark.parametrize(
    ("target", "size", "shape"),
    [
        (1, 12, (1, 3, 12, 12)),
        (torch.tensor([1]), (12, 18), (1, 3, 12, 18)),
        (torch.arange(4), (18, 12), (4, 3, 18, 12)),
    ],
)
def test_shape(target, size, shape, small_net):
    """One picture for each class; a size is (height, width), or one number for both."""
    images = small(target, small_net, size=size)
    assert_shape(images, shape)
    assert images.dtype == torch.float32, f"expected torch.float32, got {images.dtype}"
    assert not images.requires_grad, "the pictures should carry no graph"


@pytest.mark.given
def test_it_uses_the_same_step_that_students_write(small_net, monkeypatch):
    """create_class_visualization calls class_visualization_update_step once in every iteration."""
    calls = []

    def stand_still(img, *settings):
        calls.append(settings)
        return img

    monkeypatch.setattr("visualizers.class_visualization.class_visualization_update_step", stand_still)
    small(2, small_net, num_iterations=5, l2_reg=0.25, learning_rate=7.0)
    assert len(calls) == 5, f"5 iterations called it {len(calls)} times"
    targets, model, *numbers = calls[0]
    assert [targets.tolist(), *numbers] == [[2], 0.25, 7.0], f"it was called with {targets.tolist()} and {numbers}"
    assert model is small_net, "it was called with another model"


@pytest.mark.given
@pytest.mark.parametrize(
    "numbers",
    [
        {"num_iterations": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("inf")},
        {"l2_reg": -1.0},
        {"blur_every": -1},
        {"max_jitter": -1},
        {"size": 0},
        {"size": (12, -3)},
    ],
)
def test_numbers_that_make_no_sense_are_refused(numbers, small_net):
    """A number that makes no sense gives a ValueError that names it."""
    with pytest.raises(ValueError, match=next(iter(numbers))):
        small(0, small_net, **numbers)


@pytest.mark.given
@pytest.mark.parametrize(
    ("targets", "error"),
    [
        (5, ValueError),
        (-1, ValueError),
        (torch.tensor([0, 5]), ValueError),
        (torch.tensor([]).long(), ValueError),
        (torch.tensor([0.0]), TypeError),
        (True, TypeError),
        ("gorilla", TypeError),
        ([0, 1], TypeError),
    ],
)
def test_targets_that_are_no_classes_are_refused(targets, error, small_net):
    """A target that is not a class of the model gives one clear error."""
    with pytest.raises(error, match=r"label|target"):
        small(targets, small_net)
