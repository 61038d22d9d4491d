"""Finding a layer in a model, and reading what it gives during a forward pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional


def find_layer(model: nn.Module, layer: nn.Module | str | None) -> nn.Module:
    """The module itself, or the one of that name; None means the last convolutional features.

    Those are the last direct part of the model, its classifier apart, that contains a convolution: `features` in
    SqueezeNet and VGG, `layer4` in ResNet. Raises ValueError when the model has no such layer and names those it has.
    """
    modules = dict(model.named_modules())
    if isinstance(layer, str) and layer in modules:
        return modules[layer]
    if isinstance(layer, nn.Module) and any(layer is module for module in modules.values()):
        return layer
    if layer is None:
        for name, part in reversed(list(model.named_children())):
            if name != "classifier" and any(isinstance(module, nn.Conv2d) for module in part.modules()):
                return part
    asked = (
        "convolutional features" if layer is None else layer if isinstance(layer, str | int) else type(layer).__name__
    )
    names = ", ".join(name for name in modules if name and name.count(".") <= 1)
    raise ValueError(f"the model has no layer {asked!r}: choose one of {names}")


@dataclass
class Recorded:
    """What a layer gave, (N, C, h, w); None until the model has run."""

    output: Tensor | None = None


@contextmanager
def recorded_output(model: nn.Module, layer: nn.Module | str | None, from_here: bool) -> Iterator[Recorded]:
    """Record a layer's output while the model runs inside.

    With `from_here` the graph of gradients begins at this output, so that nothing is kept for the layers before it.
    """
    recorded = Recorded()

    def record(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:
            shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"the layer gives {shape}: choose a convolutional layer, which gives (N, C, H, W)")
        recorded.output = output.detach().requires_grad_() if from_here else output
        return recorded.output.clone()  # an in-place ReLU that follows changes the copy only

    with find_layer(model, layer).register_forward_hook(record):
        yield recorded
    if recorded.output is None:
        raise ValueError("the layer took no part in the forward pass: choose one that the model calls")


def upsampled(maps: Tensor, X: Tensor) -> Tensor:
    """The maps (N, h, w), bilinearly enlarged to the height and width of X, in its precision."""
    size = X.shape[2:]
    return functional.interpolate(maps.to(X.dtype).unsqueeze(1), size, mode="bilinear", align_corners=False).squeeze(1)
