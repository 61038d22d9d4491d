"""Finding a layer in a model, and reading its output during a forward pass."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional

from kit.modes import evaluation_mode
from visualizers.graph import graph_of
from visualizers.scores import check_reached, forward


@dataclass(frozen=True)
class Tokens:
    """A layer of a transformer, whose tokens (N, L, C) stand for a grid of height x width patches, row by row.

    What comes before them, such as the class token, is left out: L - height * width tokens.
    """

    layer: nn.Module | str
    height: int
    width: int


Layer = nn.Module | str | Tokens | None
# Modules after the last features, though they give four dimensions, too.
POOLING = (nn.modules.pooling._AvgPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd)
ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish)
FOUND: WeakKeyDictionary[nn.Module, tuple[list[nn.Module], nn.Module]] = WeakKeyDictionary()


@dataclass
class Recorded:
    """What a layer gave, (N, C, h, w); None until the model has run. `as_map` is false where it had to be arranged."""

    output: Tensor | None = None
    as_map: bool = True


@dataclass
class Given:
    """What one of the modules gave during a search."""

    module: nn.Module
    features: Tensor
    as_map: bool = True


def find_layer(model: nn.Module, layer: Layer, X: Tensor) -> nn.Module:
    """The module itself, or the one of that name; None means the last convolutional features.

    Those are the last that have four dimensions on the way from X to the scores, pooling and a part called classifier
    apart: `features` in SqueezeNet and VGG, `layer4` in ResNet, even inside another module. Raises ValueError when
    the model has no such layer and names those it has.
    """
    if layer is not None:
        return named_layer(model, layer)
    if (found := known_features(model)) is None:
        with torch.enable_grad(), evaluation_mode(model), recorded_output(model, None, from_here=False):
            forward(X[:1].detach().requires_grad_(), model)
        found = known_features(model)
    return found


def named_layer(model: nn.Module, layer: nn.Module | str | Tokens) -> nn.Module:
    layer = layer.layer if isinstance(layer, Tokens) else layer
    modules = dict(model.named_modules())
    if isinstance(layer, str) and layer in modules:
        return modules[layer]
    if isinstance(layer, nn.Module) and any(layer is module for module in modules.values()):
        return layer
    raise no_layer(model, repr(layer) if isinstance(layer, str | int) else repr(type(layer).__name__))


def no_layer(model: nn.Module, asked: str) -> ValueError:
    names = ", ".join(name for name, _ in model.named_modules() if name and name.count(".") <= 1)
    return ValueError(f"the model has no layer {asked}: choose one of {names}")


@contextmanager
def recorded_output(model: nn.Module, layer: Layer, from_here: bool) -> Iterator[Recorded]:
    """Record a layer's output while the model runs inside.

    With `from_here` the graph of gradients begins at this output, so that nothing is kept for the layers before it.
    Features (N, h, w, C), as Swin has them, and Tokens are recorded as (N, C, h, w).
    """
    layer = known_features(model) if layer is None else layer
    with ExitStack() as hooks:
        yield search(model, hooks) if layer is None else (recorded := watch(model, layer, from_here, hooks))
    if layer is not None and recorded.output is None:
        raise ValueError("the layer took no part in the forward pass: choose one that the model calls")


def watch(model: nn.Module, layer: nn.Module | str | Tokens, from_here: bool, hooks: ExitStack) -> Recorded:
    """Record what this layer gives."""
    recorded, image = Recorded(), torch.Size()

    def begin(module: nn.Module, inputs: tuple) -> None:
        nonlocal image
        image = inputs[0].shape[2:]

    def record(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        there, back = arrangement(output, layer, image)
        given = output.detach() if from_here else output
        with torch.enable_grad():  # also where the model itself has switched it off
            recorded.output = there(given).requires_grad_() if from_here else there(given)
            recorded.as_map = there is unchanged
            return back(recorded.output.clone(), given)  # an in-place ReLU that follows changes the copy only

    def end(module: nn.Module, inputs: tuple, scores: object) -> None:
        is_asked = torch.is_grad_enabled() and recorded.output is not None and recorded.output.requires_grad
        if is_asked and isinstance(scores, Tensor):
            check_reached(scores, recorded.output, "layer")

    place = named_layer(model, layer)
    hooks.enter_context(model.register_forward_pre_hook(begin))
    hooks.enter_context(place.register_forward_hook(record))
    hooks.enter_context(model.register_forward_hook(end))
    return recorded


# ---------------------------------------------------------------------------------- the last convolutional features


def known_features(model: nn.Module) -> nn.Module | None:
    """What an earlier search has found, unless the model's parts have changed since."""
    before, found = FOUND.get(model, ([], None))
    now = parts(model)
    return found if len(now) == len(before) and all(a is b for a, b in zip(now, before, strict=True)) else None


def parts(model: nn.Module) -> list[nn.Module]:
    return list(model.modules())[1:]  # without the model itself, so that it is free to go


def search(model: nn.Module, hooks: ExitStack) -> Recorded:
    """Record what every module gives, and keep the last convolutional features, which are known from then on."""
    recorded, image = Recorded(), torch.Size()
    all_given: list[Given] = []

    def begin(module: nn.Module, inputs: tuple) -> tuple:
        nonlocal image
        image = inputs[0].shape[2:]
        all_given.clear()
        X = inputs[0] if inputs[0].requires_grad else inputs[0].detach().requires_grad_().clone()
        return (X, *inputs[1:])

    def record(module: nn.Module, inputs: tuple, output: object) -> Tensor | None:
        if not isinstance(output, Tensor) or output.ndim not in (3, 4):
            return None
        there, back = arrangement(output, None, image) if output.ndim == 4 else (unchanged, as_it_was)
        with torch.enable_grad():
            features = there(output if output.requires_grad else output.detach().requires_grad_())
            all_given.append(Given(module, features, there is unchanged))
            return back(features.clone(), output)

    def end(module: nn.Module, inputs: tuple, scores: object) -> None:
        last = last_on_the_way(model, all_given, scores)
        recorded.output, recorded.as_map = last.features, last.as_map
        FOUND[model] = parts(model), last.module

    hooks.enter_context(model.register_forward_pre_hook(begin))
    for name, part in model.named_modules():
        if name and "classifier" not in name.split("."):
            hooks.enter_context(part.register_forward_hook(record))
    hooks.enter_context(model.register_forward_hook(end))
    return recorded


def last_on_the_way(model: nn.Module, given: list[Given], scores: object) -> Given:
    """The last map on the way to the scores. Raises ValueError where there is none, or tokens follow it."""
    nodes = list(graph_of(scores)) if isinstance(scores, Tensor) else []
    way = {*nodes, *(id(node.variable) for node in nodes if hasattr(node, "variable"))}
    reached = [each for each in given if (each.features.grad_fn or id(each.features)) in way]
    maps = [i for i, each in enumerate(reached) if each.features.ndim == 4]
    pools = [i for i in maps if isinstance(reached[i].module, POOLING)]
    if pools and all(reached[i].features[0, 0].numel() == 1 for i in maps if i > pools[-1]):
        maps = [i for i in maps if i < pools[-1]]  # that was the last pooling; what follows is a classifier
    # an activation between two parts belongs to the second, except in a traced graph, which has no parts
    skipped = POOLING if isinstance(model, torch.fx.GraphModule) else (*POOLING, *ACTIVATIONS)
    last = max((i for i in maps if not isinstance(reached[i].module, skipped)), default=None)
    if last is None:
        raise no_layer(model, "that gives convolutional features on the way to the scores")
    if any(each.features.ndim == 3 for each in reached[last + 1 :]):
        raise ValueError(
            "the model is a transformer, whose features are tokens, not a map of the image: give "
            "layer=Tokens(name, height, width) with the name of a layer and its grid of patches"
        )
    return reached[last]


# -------------------------------------------------------------------------------------------- how features are laid out

Arrangement = tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]


def arrangement(output: Tensor, layer: Layer, image: torch.Size) -> Arrangement:
    """How to get (N, C, h, w) from what a layer gave, and from that what the layers after it expect."""
    if isinstance(layer, Tokens):
        return of_tokens(output, layer)
    if not isinstance(output, Tensor) or output.ndim != 4:
        other = (
            ", or say with Tokens(name, height, width) how its tokens are laid out"
            if getattr(output, "ndim", 0) == 3
            else ""
        )
        raise ValueError(
            f"the layer gives {kind_of(output)}: choose a convolutional layer, which gives (N, C, H, W){other}"
        )
    if fits(output.shape[1:3], image) and not fits(output.shape[2:4], image):
        return lambda features: features.permute(0, 3, 1, 2), lambda features, _: features.permute(0, 2, 3, 1)
    return unchanged, as_it_was


def unchanged(features: Tensor) -> Tensor:
    return features


def as_it_was(features: Tensor, _: Tensor) -> Tensor:
    return features


def of_tokens(output: Tensor, layer: Tokens) -> Arrangement:
    patches = layer.height * layer.width
    if not isinstance(output, Tensor) or output.ndim != 3 or output.shape[1] < patches:
        asked = f"{layer.height} x {layer.width} patches"
        raise ValueError(f"the layer gives {kind_of(output)}, not tokens (N, L, C) of {asked}")
    before = output.shape[1] - patches
    return (
        lambda tokens: tokens[:, before:].transpose(1, 2).unflatten(2, (layer.height, layer.width)),
        lambda maps, tokens: torch.cat([tokens[:, :before], maps.flatten(2).transpose(1, 2)], dim=1),
    )


def kind_of(output: object) -> str:
    return str(tuple(output.shape)) if isinstance(output, Tensor) else type(output).__name__


def fits(size: torch.Size, image: torch.Size) -> bool:
    """Whether a map of this size has the image's proportions, up to rounding, and is no larger."""
    (height, width), (H, W) = size, image
    return height <= H and width <= W and abs(height * W - width * H) <= max(H, W)


def upsampled(maps: Tensor, X: Tensor) -> Tensor:
    """The maps (N, h, w), bilinearly enlarged to the height and width of X, in its precision."""
    size = X.shape[2:]
    return functional.interpolate(maps.to(X.dtype).unsqueeze(1), size, mode="bilinear", align_corners=False).squeeze(1)
