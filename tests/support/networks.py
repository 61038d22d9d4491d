"""Networks for the tests: some small enough to compute by hand, some as awkward as real ones.

Graded code runs in another process, to which models are sent as data: their classes stand here, and instead of hooks
there are modules that count and watch.
"""

from functools import cache, partial
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet18, vgg11


def in_double(*things: nn.Module | Tensor) -> list[nn.Module | Tensor]:
    """Networks and images in double precision, for values through deep networks.

    In single precision a ReLU near zero is open on one processor and shut on another, and the gradient with it.
    """
    return [thing.double() for thing in things]


def copied(model: nn.Module) -> nn.Module:
    """A model with tensors and layers of its own, as copy.deepcopy gives it, in a tenth of the time.

    For models whose layers and tensors each have one place, and plain values in their attributes.
    """
    twin = model.__class__.__new__(model.__class__)
    own = vars(model).items()
    vars(twin).update((name, value.copy() if isinstance(value, dict | list | set) else value) for name, value in own)
    for name, value in model._parameters.items():
        twin._parameters[name] = None if value is None else nn.Parameter(value.detach().clone(), value.requires_grad)
    for name, value in model._buffers.items():
        twin._buffers[name] = None if value is None else value.clone()
    for name, child in model._modules.items():
        twin._modules[name] = None if child is None else copied(child)
    return twin


class SmallNet(nn.Module):
    """Five classes; batch norm, dropout and in-place ReLUs, and features as large as the image."""

    def __init__(self) -> None:
        super().__init__()
        for name, module in layers_of_small_net().items():
            self.add_module(name, copied(module))
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.dropout(self.features(x)).square().mean(dim=(2, 3)))


@cache
def layers_of_small_net() -> dict[str, nn.Module]:
    """Made once: seeding takes longer than anything that is done with them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unused = nn.Conv2d(3, 3, 1)
        features = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(inplace=True),
            nn.Conv2d(6, 8, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        classifier = nn.Linear(8, 5)
        features[1].running_mean.uniform_(-0.5, 0.5)
        features[1].running_var.uniform_(0.5, 2)
    return {"unused": unused, "features": features, "dropout": nn.Dropout(0.5), "classifier": classifier}


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


class Watches(nn.Module):
    """Passes everything on and keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().requires_grad_(x.requires_grad))
        return x


class Branches(nn.Module):
    """A layer, its result once through a ReLU and once as it is, and a layer on the sum of both."""

    def __init__(self, first: nn.Module, relu: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.first, self.relu, self.last = first, relu, last

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        return self.last(self.relu(hidden.clone()) + hidden)


class Unreachable(nn.Module):
    """Two classes, of which the second never wins; it refuses to be called more than seven times."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        assert self.calls <= 7, "the loop goes on after max_iter steps"
        red = x.flatten(1)[:, 0]
        return torch.stack([red + 1, red], dim=1)


class PooledNet(nn.Module):
    """Two feature maps of two positions from an image of four pixels in a row; every number can be checked by hand.

    Channel 0 is red and channel 1 is green, averaged over pairs of neighbours; the score weighs the positions of
    channel 0 by 2 and 0, those of channel 1 by -1 and -3.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), nn.AvgPool2d((1, 2)))
        self.features[0].weight.data = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).view(2, 3, 1, 1)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
        self.classifier[1].weight.data = torch.tensor([[2.0, 0.0, -1.0, -3.0]])
        self.eval().requires_grad_(False)

    def forward(self, x):
        return self.classifier(self.features(x))


def linear_net(weight: list[list[float]], bias: list[float] | None = None) -> nn.Sequential:
    """score = weight @ pixels + bias: a network whose gradients can be read off."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(len(weight[0]), len(weight)))
    net[1].weight.data = torch.tensor(weight)
    net[1].bias.data = torch.tensor(bias if bias is not None else [0.0] * len(weight))
    return net.eval().requires_grad_(False)


FUNCTIONS = {
    "functional.relu": functional.relu,
    "functional.relu(inplace=True)": lambda x: functional.relu(x, inplace=True),
    "torch.relu": torch.relu,
    "Tensor.relu": lambda x: x.relu(),
    "Tensor.relu_": lambda x: x.relu_(),
}


class FunctionalRelu(nn.Module):
    """A ReLU that autograd sees and `modules()` does not."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        return FUNCTIONS[self.name](x)


RELUS = {
    "nn.ReLU": lambda: nn.ReLU(),
    "nn.ReLU(inplace=True)": lambda: nn.ReLU(inplace=True),
    **{name: partial(FunctionalRelu, name) for name in FUNCTIONS},
}


def drawn(model: nn.Module, seed: int) -> nn.Module:
    """The model with random weights that are the same bits on every processor, whose answers can be recorded.

    Normal numbers go through logarithms that differ in the last digit from one set of instructions to the next, and
    in a deep network that digit opens a ReLU here and there. Integers do not.
    """
    random = torch.Generator().manual_seed(seed)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            bound = (6 / layer.weight[0].numel()) ** 0.5
            layer.weight.data = bound * fractions(layer.weight.shape, random)
            if layer.bias is not None:
                layer.bias.data = 0.1 * fractions(layer.bias.shape, random)
    return model.eval().requires_grad_(False)


def fractions(shape: torch.Size, random: torch.Generator) -> Tensor:
    """Multiples of 1 / 32768 between -1 and 1."""
    return torch.randint(-(2**15), 2**15 + 1, shape, generator=random) / 2**15


def narrow_resnet18() -> nn.Module:
    # What torchvision draws would take longer than all else here, and is replaced.
    with torch.device("meta"), patch.object(nn.init, "kaiming_normal_"):
        model = resnet18(weights=None, num_classes=8 * 20)
    return drawn(narrowed(model), seed=0)


def narrow_vgg11() -> nn.Module:
    """Without the largest layer of its classifier."""
    with torch.device("meta"):
        model = vgg11(weights=None, init_weights=False)
        model.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 8 * 64), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(8 * 64, 8 * 20)
        )
    return drawn(narrowed(model), seed=3)  # with which Grad-CAM finds something in unlikely classes, too


WIDTHS = ("in_channels", "out_channels", "num_features", "in_features", "out_features")


def narrowed(model: nn.Module) -> nn.Module:
    """The same network with an eighth of its channels and classes, which takes about 1 / 64 of the work."""

    def eighth(width: int) -> int:
        return width // 8 if width >= 64 else width  # not colours and kernels

    for layer in model.modules():
        for name in WIDTHS:
            if hasattr(layer, name):
                setattr(layer, name, eighth(getattr(layer, name)))
        for own in (layer._parameters, layer._buffers):
            for name, tensor in own.items():
                if tensor is not None:
                    value = torch.zeros([*map(eighth, tensor.shape)], dtype=tensor.dtype)
                    own[name] = nn.Parameter(value) if isinstance(tensor, nn.Parameter) else value
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
    return model
