"""Networks that have forgotten: copies of a model in which some stages are as they were before training."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

import torch
import torchvision
from torch import Tensor, nn

from kit.modes import evaluation_mode
from sanity_checks.stage_titles import titles

VARIANTS: tuple[dict, ...] = ({}, {"aux_logits": False})  # as torchvision builds, and as it leaves pretrained models
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


@dataclass(frozen=True)
class Stage:
    """A block of the model: its name, the names of its modules that own parameters, and what a reader calls it."""

    name: str
    modules: tuple[str, ...]
    title: str = field(default="", compare=False, repr=False)

    @property
    def label(self) -> str:
        return self.title or self.name


def find_stages(model: nn.Module, X: Tensor) -> list[Stage]:
    """The model's blocks in the order in which a forward pass of X reaches them.

    A block is the outermost module that is not itself a sequence: a Fire of SqueezeNet, a residual block of ResNet, a
    convolution of VGG. A normalization layer belongs to the block before it.
    """
    stages: list[Stage] = []
    of_itself: list[str] = []  # such as the class token of a transformer, which come in before the first block's
    for name, module in owners(model, X):
        block = block_of(name, model)
        if not name:
            of_itself.append(name)
        elif stages and (stages[-1].name == block or isinstance(module, NORMS)):
            stages[-1] = Stage(stages[-1].name, (*stages[-1].modules, name))
        else:
            stages.append(Stage(block, (name,)))
    if not stages and not of_itself:
        raise ValueError("the model has no parameters: there is nothing to randomize")
    first, *others = stages or [Stage("model", ())]
    stages = [Stage(first.name, (*of_itself, *first.modules)), *others]
    named = titles([model if stage.name == "model" else model.get_submodule(stage.name) for stage in stages])
    return [replace(stage, title=title) for stage, title in zip(stages, named, strict=True)]


def owners(model: nn.Module, X: Tensor) -> list[tuple[str, nn.Module]]:
    """Every module with parameters of its own, by name, in the order of its last call, or else of what it is part of.

    An attention takes the numbers of its last layer without calling it, and heads of training are not called at all.
    """
    place = {name: number for number, (name, _) in enumerate(called_modules(model, X))}

    def reached(name: str) -> int:
        while name not in place:
            name = name.rpartition(".")[0]
        return place[name]

    own = [pair for pair in model.named_modules() if next(pair[1].parameters(recurse=False), None) is not None]
    return sorted(own, key=lambda pair: reached(pair[0]))


@torch.no_grad()
def called_modules(model: nn.Module, X: Tensor) -> list[tuple[str, nn.Module]]:
    """Every module by name, the model itself first, in the order of its last call during a forward pass of X."""
    called: dict[str, nn.Module] = {}
    hooks = []

    def remember(name: str) -> Callable:
        def hook(module: nn.Module, inputs: tuple) -> None:
            called.pop(name, None)
            called[name] = module

        return hook

    try:
        hooks += [module.register_forward_pre_hook(remember(name)) for name, module in model.named_modules()]
        with evaluation_mode(model):
            model(X[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return list(called.items())


def block_of(name: str, model: nn.Module) -> str:
    parts = name.split(".")
    prefixes = [".".join(parts[: i + 1]) for i in range(len(parts))]
    sequences = (nn.Sequential, nn.ModuleList)
    return next((prefix for prefix in prefixes if not isinstance(model.get_submodule(prefix), sequences)), name)


def untrained(model: nn.Module, seed: int, build: Callable[[], nn.Module] | None = None) -> nn.Module:
    """A network of the model's architecture, freshly initialized; the global random state stays as it is.

    `build` makes one; None finds torchvision's own builder. Raises ValueError when there is none that fits.
    """
    build = build or torchvision_builder(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def torchvision_builder(model: nn.Module) -> Callable[[], nn.Module]:
    expected = shapes(model)
    classes = list(expected.values())[-1][0]
    for name in torchvision.models.list_models(module=torchvision.models):
        builder = torchvision.models.get_model_builder(name)
        if builder.__module__ != type(model).__module__:
            continue
        for options in VARIANTS:
            build = partial(builder, weights=None, num_classes=classes, **options)
            if shapes_of(build) == expected:
                return build
    raise ValueError(
        f"torchvision cannot build this {type(model).__name__}: give build=, a function that makes an untrained one"
    )


def shapes_of(build: Callable[[], nn.Module]) -> dict[str, torch.Size] | None:
    """The shapes of what is built; None where building fails."""
    try:
        with torch.device("meta"), suppress(NotImplementedError):
            return shapes(build())
        with torch.random.fork_rng(devices=[]):  # this one calculates while it builds
            return shapes(build())
    except TypeError:  # this one has no such option
        return None


def shapes(model: nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in model.state_dict().items()}


def with_forgotten(model: nn.Module, stages: Sequence[Stage], fresh: nn.Module) -> nn.Module:
    """A copy of `model` whose `stages` have the parameters of `fresh`; running statistics stay, the rest is shared."""
    shared = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    forgetful = copy.deepcopy(model, shared)
    for name in chain.from_iterable(stage.modules for stage in stages):
        module, drawn = forgetful.get_submodule(name), fresh.get_submodule(name)
        for key, parameter in drawn.named_parameters(recurse=False):
            before = getattr(module, key)
            after = torch.empty_like(before).copy_(parameter.detach())
            setattr(module, key, nn.Parameter(after, requires_grad=before.requires_grad))
    return forgetful


def forgetting(
    model: nn.Module, stages: Sequence[Stage], fresh: nn.Module, mode: str
) -> Iterator[tuple[str, nn.Module]]:
    """Randomized copies of the model with the labels of their stages, from the last stage to the first.

    mode "cascading": each copy also keeps what the copies before it forgot. mode "independent": one stage at a time.
    """
    if mode not in ("cascading", "independent"):
        raise ValueError(f'mode is {mode!r}: choose "cascading" or "independent"')
    for i in reversed(range(len(stages))):
        forgotten = stages[i:] if mode == "cascading" else stages[i : i + 1]
        yield stages[i].label, with_forgotten(model, forgotten, fresh)


def before_last_relu(model: nn.Module, X: Tensor) -> nn.Module:
    """The model without a ReLU that follows its last layer with parameters, or the model itself if there is none.

    SqueezeNet ends in such a ReLU. After randomization a score behind it can be exactly zero, with a gradient of zero,
    and there is nothing to explain; the score before it always has a gradient.
    """
    calls = called_modules(model, X)
    last = max(i for i, (_, module) in enumerate(calls) if next(module.parameters(recurse=False), None) is not None)
    names = [name for name, module in calls[last + 1 :] if isinstance(module, nn.ReLU)]
    if not names:
        return model
    shared = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    unrectified = copy.deepcopy(model, shared)
    for name in names:
        unrectified.set_submodule(name, nn.Identity())
    return unrectified
