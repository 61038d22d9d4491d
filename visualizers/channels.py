"""A channel, or a whole layer, in the place of a class: what a hidden feature looks for."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data import deprocess
from kit.modes import evaluation_mode
from visualizers.class_visualization import create_class_visualization
from visualizers.layers import Layer, recorded_output
from visualizers.scores import check_batch


class ChannelScores(nn.Module):
    """A network whose classes are the channels of a layer of `model`: (N, C), each channel's mean activation.

    Everything that climbs a class score then climbs a channel's. Deeper layers run, but do not count.
    Raises ValueError where the model has no such layer.
    """

    def __init__(self, model: nn.Module, layer: Layer) -> None:
        super().__init__()
        self.model, self.layer = model, layer
        self.eval()

    def forward(self, X: Tensor) -> Tensor:
        with recorded_output(self.model, self.layer, from_here=False) as features:
            self.model(X)
        return features.output.mean(dim=(2, 3))


class LayerScore(ChannelScores):
    """A network with one class: all channels of a layer at once, the mean square of their activations, (N, 1).

    Squares let the strong features win over the many weak ones, as in DeepDream (Mordvintsev et al., 2015).
    """

    def forward(self, X: Tensor) -> Tensor:
        with recorded_output(self.model, self.layer, from_here=False) as features:
            self.model(X)
        return features.output.square().mean(dim=(1, 2, 3)).unsqueeze(1)


@torch.no_grad()
def most_excited(X: Tensor, model: nn.Module, layer: Layer, count: int) -> Tensor:
    """The channels, int64 (count,), that some image of X (N, 3, H, W) excites most: largest mean activation first."""
    X, _ = check_batch(X, None, model)
    with evaluation_mode(model):
        strongest = ChannelScores(model, layer)(X).amax(dim=0)
    if not 1 <= count <= len(strongest):
        raise ValueError(f"count is {count!r}: the layer has channels 1 to {len(strongest)}")
    return strongest.topk(count).indices


def channel_pictures(
    X: Tensor, model: nn.Module, layers: Mapping[str, Layer], count: int = 4, **settings: Any
) -> dict[str, list[NDArray[np.uint8]]]:
    """For each of `layers`, by name: what the `count` channels respond to that X excites most, then the whole layer.

    Pictures are uint8 (H, W, 3), grown by `create_class_visualization` with `settings`.
    """
    settings = {"size": 160, "num_iterations": 60, "l2_reg": 1e-5, **settings}
    pictures = {}
    for name, layer in layers.items():
        channels = most_excited(X, model, layer, count)
        single = create_class_visualization(channels, ChannelScores(model, layer), **settings)
        together = create_class_visualization(0, LayerScore(model, layer), **settings)
        pictures[name] = [*deprocess(single), *deprocess(together)]
    return pictures
