"""Controls of fooling: random steps of a given length, scores on a straight line, what a file keeps."""

import pytest
import torch

from data import deprocess
from visualizers.perturbations import probabilities_of, random_steps, saved, scores_between


def test_random_steps_have_the_given_lengths_and_other_directions(noise):
    lengths = torch.tensor([1.0, 20.0, 0.0])
    change = (random_steps(noise.double(), lengths.double(), count=4) - noise.double()).flatten(2)
    torch.testing.assert_close(change.norm(dim=2), lengths.double().expand(4, 3))
    one, other = change[:2, 1]
    assert abs(torch.cosine_similarity(one, other, dim=0)) < 0.3
    assert not torch.equal(random_steps(noise, lengths), random_steps(noise, lengths, seed=1))


@pytest.mark.parametrize("lengths", [torch.ones(2), torch.tensor([1.0, float("nan"), 1.0]), -torch.ones(3)])
def test_lengths_that_are_none_are_refused(noise, lengths):
    with pytest.raises(ValueError, match="one finite length for each"):
        random_steps(noise, lengths)


def test_probabilities_are_those_of_the_target_in_batches_of_any_shape(small_net, noise):
    target = torch.tensor([4, 0, 2])
    images = torch.stack([noise, noise.flip(0)])
    found = probabilities_of(target, images, small_net)
    expected = [[small_net(noise).softmax(dim=1)[i, target[i]] for i in range(3)]]
    expected.append([small_net(noise).softmax(dim=1)[2 - i, target[i]] for i in range(3)])
    torch.testing.assert_close(found, torch.tensor(expected))


def test_scores_between_begin_and_end_at_the_two_images(small_net, noise):
    labels = torch.tensor([[0, 4], [1, 4], [2, 4]])
    scores = scores_between(noise, noise.flip(3), labels, small_net, points=3)
    assert scores.shape == (3, 2, 3)
    for place, images in enumerate((noise, (noise + noise.flip(3)) / 2, noise.flip(3))):
        torch.testing.assert_close(scores[:, :, place], small_net(images).gather(1, labels))
    with pytest.raises(ValueError, match="two batches of one shape"):
        scores_between(noise, noise[:2], labels, small_net)


def test_png_keeps_whole_grey_levels_and_jpeg_does_not(photos):
    torch.testing.assert_close(deprocess(saved(photos, "PNG")), deprocess(photos), rtol=0, atol=0)
    changes = [
        abs(deprocess(saved(photos, "JPEG", quality=quality)).astype(int) - deprocess(photos)).mean()
        for quality in (95, 30)
    ]
    assert 0 < changes[0] < changes[1]


def test_other_formats_labels_and_shapes_are_refused_in_one_sentence(small_net, noise):
    with pytest.raises(ValueError, match="format is 'PNGG'"):
        saved(noise, "PNGG")
    with pytest.raises(ValueError, match="label 5 is out of range"):
        probabilities_of(5, noise, small_net)
    with pytest.raises(ValueError, match="give an int64 tensor"):
        scores_between(noise, noise, torch.tensor([0, 1, 2]), small_net)
    with pytest.raises(ValueError, match="label 9 is out of range"):
        scores_between(noise, noise, torch.tensor([[0, 9]] * 3), small_net)
    with pytest.raises(ValueError, match="points is 0"):
        scores_between(noise, noise, torch.zeros(3, 1, dtype=torch.int64), small_net, points=0)
    with pytest.raises(ValueError, match="give a batch"):
        random_steps(noise[0], torch.ones(3))
    with pytest.raises(TypeError, match="give what preprocess"):
        random_steps((100 * noise).int(), torch.ones(3))


def test_images_are_looked_at_in_evaluation_mode_and_the_model_stays_as_it_was(small_net, noise):
    expected = probabilities_of(4, noise, small_net)
    torch.testing.assert_close(probabilities_of(4, noise, small_net.train()), expected)
    assert small_net.training
