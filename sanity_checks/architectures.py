"""Small networks of different architectures that learn the digits: plain, residual, Fire modules."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torchvision.models.squeezenet import Fire

from sanity_checks.label_randomization import TRAINING_IMAGES, digits, plain_network, train


class Residual(nn.Module):
    """Two convolutions and a shortcut around them (He et al. 2015, arXiv 1512.03385)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x + self.second(self.relu(self.first(x))))


def residual() -> nn.Module:
    return network(Residual(32), Residual(32), channels=32)


def fire() -> nn.Module:
    return network(Fire(32, 16, 32, 32), Fire(64, 16, 64, 64), channels=128)


def network(first: nn.Module, second: nn.Module, channels: int) -> nn.Module:
    """Two blocks between a convolution and a classifier, the second of which gives so many channels."""
    layers = {
        "conv 1": nn.Conv2d(3, 32, 5, stride=2, padding=2),
        "relu 1": nn.ReLU(),
        "pool": nn.MaxPool2d(2),
        "block 1": first,
        "block 2": second,
        "average": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "classifier": nn.Linear(channels, 10),
    }
    return nn.Sequential(OrderedDict(layers))


LEARNING_RATE = 3e-3  # with which both know the digits after a few epochs
ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {"plain": plain_network, "residual": residual, "Fire modules": fire}


def train_architectures(seed: int = 0, progress: bool = True) -> dict[str, nn.Module]:
    """The residual network and the one of Fire modules, each trained until it knows 99 % of 1200 digits.

    The plain one comes from `train_on_true_and_random_labels`. Frozen, in eval mode. Randomize them with other seeds
    than this one, which would give back the parameters that training began with.
    """
    images, labels = digits()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:TRAINING_IMAGES]
    networks = {}
    for name in ("residual", "Fire modules"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = ARCHITECTURES[name]()
        networks[name] = train(fresh, images[order], labels[order], seed, name, progress, LEARNING_RATE)
    return networks
