"""Networks for the tests: some small enough to compute by hand, some as awkward as real ones."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet18, vgg11


class SmallNet(nn.Module):
    """Five classes; batch norm, dropout and in-place ReLUs, and features as large as the image."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.unused = nn.Conv2d(3, 3, 1)
            self.features = nn.Sequential(
                nn.Conv2d(3, 6, 3, padding=1),
                nn.BatchNorm2d(6),
                nn.ReLU(inplace=True),
                nn.Conv2d(6, 8, 3, padding=1),
                nn.ReLU(inplace=True),
            )
            self.dropout = nn.Dropout(0.5)
            self.classifier = nn.Linear(8, 5)
            self.features[1].running_mean.uniform_(-0.5, 0.5)
            self.features[1].running_var.uniform_(0.5, 2)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.dropout(self.features(x)).square().mean(dim=(2, 3)))


class Interruption(Exception):
    """What the two modules that fail raise."""


class FailsForward(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise Interruption("on the way forward")


class FailsBackward(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return _FailsBackward.apply(x)


class _FailsBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        raise Interruption("on the way back")


class CountsBackward(nn.Module):
    """Passes everything on and counts the backward passes that reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def forward(self, x: Tensor) -> Tensor:
        return _CountsBackward.apply(x, self)


class _CountsBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, counter: CountsBackward) -> Tensor:
        ctx.counter = counter
        return x.clone()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        ctx.counter.count += 1
        return gradient, None


def linear_net(weight: list[list[float]], bias: list[float] | None = None) -> nn.Sequential:
    """score = weight @ pixels + bias: a network whose gradients can be read off."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(len(weight[0]), len(weight)))
    net[1].weight.data = torch.tensor(weight)
    net[1].bias.data = torch.tensor(bias if bias is not None else [0.0] * len(weight))
    return net.eval().requires_grad_(False)


class FunctionalRelu(nn.Module):
    """A ReLU that autograd sees and `modules()` does not."""

    def __init__(self, relu: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x)


RELUS = {
    "nn.ReLU": lambda: nn.ReLU(),
    "nn.ReLU(inplace=True)": lambda: nn.ReLU(inplace=True),
    "functional.relu": lambda: FunctionalRelu(functional.relu),
    "functional.relu(inplace=True)": lambda: FunctionalRelu(lambda x: functional.relu(x, inplace=True)),
    "torch.relu": lambda: FunctionalRelu(torch.relu),
    "Tensor.relu": lambda: FunctionalRelu(lambda x: x.relu()),
    "Tensor.relu_": lambda: FunctionalRelu(lambda x: x.relu_()),
}


def random_resnet18() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return resnet18(weights=None, num_classes=20).eval().requires_grad_(False)


def random_vgg11() -> nn.Module:
    """torchvision's VGG-11 with a smaller classifier: the original's takes half a gigabyte."""
    with torch.device("meta"):
        model = vgg11(weights=None)
    model.features.to_empty(device="cpu")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for layer in model.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
                nn.init.normal_(layer.bias, std=0.1)
        model.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 64), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(64, 20)
        )
    return model.eval().requires_grad_(False)
