"""The features that style transfer compares: outputs of certain layers of a convolutional network."""

from collections.abc import Iterable, Set

import torch
from torch import Tensor, nn

from kit.modes import evaluation_mode

LEAVE_THEIR_INPUT = (nn.Conv2d, nn.MaxPool2d)  # as it is, so that it need not be copied


def extract_features(x: Tensor, cnn: nn.Module, layers: Iterable[int] | None = None) -> list[Tensor | None]:
    """A list whose entry i is the output of cnn[i] for x (N, 3, H, W), None where it was not asked for.

    `cnn` is a sequence of layers, or a model whose `features` are one. `layers=None` asks for all. Nothing deeper
    than the last layer asked for is run. Gradients flow back to x. Raises ValueError for a layer that does not exist.
    """
    check_features(x, "x")
    cnn = layer_sequence(cnn)
    wanted = set(range(len(cnn)) if layers is None else layers)
    unknown = sorted(wanted - set(range(len(cnn))))
    if unknown or not wanted:
        raise ValueError(f"there are no layers {unknown}: choose from 0 to {len(cnn) - 1}, at least one")
    with evaluation_mode(cnn):
        return features_at(x, cnn, wanted)


def features_at(x: Tensor, cnn: nn.Sequential, wanted: Set[int]) -> list[Tensor | None]:
    """What `extract_features` gives, for layers that exist and a network in evaluation mode."""
    features: list[Tensor | None] = [None] * len(cnn)
    x = x.clone(memory_format=torch.channels_last)
    for i in range(max(wanted) + 1):
        x = run_layer(cnn[i], x, i)
        if i in wanted:
            features[i] = x
            if i < max(wanted) and not isinstance(cnn[i + 1], LEAVE_THEIR_INPUT):
                x = x.clone()  # an in-place ReLU that follows changes the copy only
    return features


def run_layer(layer: nn.Module, x: Tensor, number: int) -> Tensor:
    try:
        return layer(x)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"layer {number} does not run on features of shape {tuple(x.shape)}: {reason}. Where the picture is too "
            "small, give a larger content_size or style_size"
        ) from error


def check_floating(features: Tensor, name: str) -> None:
    """Raise TypeError unless it is a floating-point tensor."""
    if not isinstance(features, Tensor) or not features.is_floating_point():
        kind = features.dtype if isinstance(features, Tensor) else type(features).__name__
        raise TypeError(f"{name} is {kind}: give a floating-point tensor (N, C, H, W)")


def check_features(features: Tensor, name: str) -> None:
    """Raise TypeError or ValueError unless it is a floating-point tensor (N, C, H, W)."""
    check_floating(features, name)
    if features.ndim != 4:
        raise ValueError(f"{name} has shape {tuple(features.shape)}: give (N, C, H, W)")


def layer_sequence(model: nn.Module) -> nn.Sequential:
    """The model itself when it is a sequence of layers, else its `features`; raises ValueError when it has neither."""
    for candidate in (model, getattr(model, "features", None)):
        if isinstance(candidate, nn.Sequential):
            return candidate
    raise ValueError(f"{type(model).__name__} is not a sequence of layers and has no `features`: give an nn.Sequential")
