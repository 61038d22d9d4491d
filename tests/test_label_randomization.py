"""Two networks that start alike: one learns digits, the other random labels by heart."""

import pytest
import torch
from torch import nn

from sanity_checks import architectures, label_randomization
from sanity_checks.label_randomization import digits, train_on_true_and_random_labels


@pytest.fixture(scope="module")
def networks():
    with pytest.MonkeyPatch.context() as fewer:
        fewer.setattr(label_randomization, "TRAINING_IMAGES", 150)
        return train_on_true_and_random_labels(progress=False)


def test_both_know_their_training_labels_and_only_one_knows_digits(networks):
    true_training, random_training = networks.training_accuracy
    true_test, random_test = networks.test_accuracy
    assert min(true_training, random_training) > 0.95
    assert true_test > 0.8
    assert random_test < 0.2
    with torch.no_grad():
        answers = networks.true_labels(networks.images).argmax(dim=1)
    assert (answers == networks.labels).double().mean().item() == pytest.approx(true_test)


def test_the_networks_are_ready_to_be_explained(networks):
    for network in (networks.true_labels, networks.random_labels):
        assert not network.training
        assert not any(parameter.requires_grad or parameter.grad is not None for parameter in network.parameters())
    assert networks.images.shape[1:] == (3, 24, 24)


def test_digits_are_pictures_between_minus_one_and_one():
    images, labels = digits()
    assert images.shape == (1797, 3, 24, 24)
    assert -1 <= images.min() < -0.9
    assert 0.9 < images.max() <= 1
    assert labels.bincount().min() > 150


def test_the_same_seed_makes_the_same_start_and_the_global_random_state_stays():
    state = torch.get_rng_state()
    one, same, other = (
        nn.utils.parameters_to_vector(label_randomization.small_network(s).parameters()) for s in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_other_architectures_learn_the_digits_too(monkeypatch):
    images, labels = (tensor[digits()[1] < 2] for tensor in digits())  # which is quickly learned
    monkeypatch.setattr(architectures, "digits", lambda: (images, labels))
    monkeypatch.setattr(architectures, "TRAINING_IMAGES", 100)
    networks = architectures.train_architectures(progress=False)
    assert networks.keys() == {"residual", "Fire modules"}
    for network in networks.values():
        assert not network.training
        assert label_randomization.accuracy(network, images, labels) > 0.8
