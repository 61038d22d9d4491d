"""The same network trained twice on handwritten digits: once on their labels, once on labels assigned at random.

The second network has learned its training set by heart and nothing else. An explanation that looks the same for both
does not show what a network has learned about digits. Adebayo et al. 2018, arXiv 1810.03292.
"""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

SIZE = 24  # pixels; the digits have 8, enlarged because similarity measures need windows
TRAINING_IMAGES = 1200
BY_HEART = 0.99  # training accuracy at which training ends
MOST_EPOCHS = 400


@dataclass(frozen=True)
class TwoNetworks:
    """Two networks of one architecture and one initialization, their accuracies, and the digits kept for testing.

    `images` (M, 3, 24, 24) and `labels` int64 (M,) were seen by neither.
    """

    true_labels: nn.Module
    random_labels: nn.Module
    training_accuracy: tuple[float, float]
    test_accuracy: tuple[float, float]
    images: Tensor
    labels: Tensor


def train_on_true_and_random_labels(seed: int = 0, progress: bool = True) -> TwoNetworks:
    """Train both networks; each stops when it knows 99 % of its training labels. About half a minute."""
    images, labels = digits()
    random = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(images), generator=random)
    training, test = order[:TRAINING_IMAGES], order[TRAINING_IMAGES:]
    dealt = labels[training][torch.randperm(TRAINING_IMAGES, generator=random)]
    on_true = train(small_network(seed), images[training], labels[training], seed, "true labels", progress)
    on_random = train(small_network(seed), images[training], dealt, seed, "random labels", progress)
    return TwoNetworks(
        true_labels=on_true,
        random_labels=on_random,
        training_accuracy=(
            accuracy(on_true, images[training], labels[training]),
            accuracy(on_random, images[training], dealt),
        ),
        test_accuracy=(accuracy(on_true, images[test], labels[test]), accuracy(on_random, images[test], labels[test])),
        images=images[test],
        labels=labels[test],
    )


def digits() -> tuple[Tensor, Tensor]:
    """scikit-learn's 1797 handwritten digits as grey pictures of three channels, values -1 to 1, and their labels."""
    from sklearn.datasets import load_digits  # here, because the rest of the notebook does not need it

    data = load_digits()
    pixels = torch.from_numpy(data.images).float().unsqueeze(1) / 8 - 1
    images = functional.interpolate(pixels, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    return images.expand(-1, 3, -1, -1).contiguous(), torch.from_numpy(data.target).long()


def small_network(seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return plain_network()


def plain_network() -> nn.Module:
    layers = {
        "conv 1": nn.Conv2d(3, 32, 5, stride=2, padding=2),
        "relu 1": nn.ReLU(),
        "conv 2": nn.Conv2d(32, 64, 3, stride=2, padding=1),
        "relu 2": nn.ReLU(),
        "conv 3": nn.Conv2d(64, 64, 3, padding=1),
        "relu 3": nn.ReLU(),
        "flatten": nn.Flatten(),
        "hidden": nn.Linear(64 * (SIZE // 4) ** 2, 128),
        "relu 4": nn.ReLU(),
        "classifier": nn.Linear(128, 10),
    }
    return nn.Sequential(OrderedDict(layers))


def train(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    seed: int,
    description: str,
    progress: bool,
    learning_rate: float = 1e-3,
) -> nn.Module:
    """The network, trained by Adam on shuffled batches until it knows the labels by heart; frozen, in eval mode."""
    network.train()
    random = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    with tqdm(range(MOST_EPOCHS), desc=description, unit="epoch", disable=not progress) as epochs:
        for _ in epochs:
            for batch in torch.randperm(len(images), generator=random).split(100):
                optimizer.zero_grad()
                functional.cross_entropy(network(images[batch]), labels[batch]).backward()
                optimizer.step()
            if accuracy(network, images, labels) >= BY_HEART:
                epochs.total = epochs.n + 1  # the bar ends full, since nothing is missing
                break
    optimizer.zero_grad()
    return network.eval().requires_grad_(False)


@torch.no_grad()
def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    return (network(images).argmax(dim=1) == labels).double().mean().item()
