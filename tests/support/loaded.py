"""The networks that most tests ask about, each loaded once. Tests get copies."""

from functools import cache

from torch import nn

from data import load_model
from tests.support.networks import narrow_resnet18, narrow_vgg11


@cache
def loaded(name: str) -> nn.Module:
    """SqueezeNet with the weights of this name, or resnet18 or vgg11 with an eighth of their channels."""
    if name == "resnet18":
        return narrow_resnet18()
    if name == "vgg11":
        return narrow_vgg11()
    return load_model(name, device="cpu")
