"""What a reader calls the stages of a network: "conv 1", "Fire 2", ..., "classifier", not "features.0"."""

from collections.abc import Sequence

from torch import nn

KINDS = {"BasicBlock": "block", "Bottleneck": "block"}  # of torchvision's classes, whose own names say less


def titles(modules: Sequence[nn.Module]) -> list[str]:
    """The kind of each stage and its place, counted from the input, as the SqueezeNet paper does.

    The last of several stages gives the scores: it is the classifier.
    """
    found = [f"{kind_of(module)} {place}" for place, module in enumerate(modules, 1)]
    return [*found[:-1], "classifier"] if len(found) > 1 else found


def kind_of(module: nn.Module) -> str:
    if isinstance(module, nn.modules.conv._ConvNd):
        return "conv"
    if isinstance(module, nn.Linear):
        return "linear"
    kind = type(module).__name__
    return KINDS.get(kind, kind)
