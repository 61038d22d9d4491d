"""A model as data: class, mode, attributes, parameters, buffers and children, from which a worker builds it anew."""

import importlib
from collections.abc import Callable
from functools import cache

from torch import Tensor, nn

HOME = ("torch.nn.", "torchvision.models.", "tests.support.networks")  # where the classes of a model may come from
PLAIN, GROUPS = {type(None), bool, int, float, str}, {list, tuple, set}
OWN = {"training", "_parameters", "_buffers", "_modules"}
PACKED: dict[str, dict] = {}  # attributes by their signature


@cache
def find_class(path: str) -> type:
    module, _, name = path.partition(":")
    if not module.startswith(HOME):
        raise TypeError(f"{path} cannot be sent to another process: put the class into tests/support/networks.py")
    return getattr(importlib.import_module(module), name)


def path_of(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def hooks(module: nn.Module) -> dict[str, int]:
    """How many hooks of each kind there are."""
    return {name: len(value) for name, value in vars(module).items() if is_hooks(name) and value}


@cache
def is_hooks(name: str) -> bool:
    return name.endswith("_hooks") or "_hooks_" in name


def attributes(module: nn.Module) -> dict[str, object]:
    return {name: value for name, value in vars(module).items() if is_attribute(name)}


@cache
def is_attribute(name: str) -> bool:
    return name not in OWN and "_hooks" not in name


def signature_of(values: dict[str, object]) -> str | None:
    """The same for the same plain values, or lists of such; None where there are others."""
    plain = all(
        type(value) in PLAIN or (type(value) in GROUPS and all(type(item) in PLAIN for item in value))
        for value in values.values()
    )
    return repr(values) if plain else None


def own_tensors(module: nn.Module) -> dict[str, Tensor]:
    named = {**module._parameters, **module._buffers}
    return {name: value for name, value in named.items() if isinstance(value, Tensor)}


def describe(module: nn.Module, pack: Callable[[object], object], number_of: Callable[[nn.Module], int]) -> dict:
    """Class, mode, attributes, parameters, buffers and children. Raises TypeError for what cannot be sent."""
    path, own = path_of(type(module)), attributes(module)
    find_class(path)
    if hooks(module):
        raise TypeError(
            "a model with hooks cannot be sent to another process: use a recording module of tests/support/networks.py"
        )
    return {
        "class": path,
        "training": module.training,
        "attributes": packed(own, pack),
        "parameters": {name: pack(value) for name, value in module._parameters.items()},
        "buffers": {name: pack(value) for name, value in module._buffers.items()},
        "children": {name: None if child is None else number_of(child) for name, child in module._modules.items()},
    }


def packed(own: dict[str, object], pack: Callable[[object], object]) -> dict:
    """The packed attributes, made once for modules that have the same. Raises TypeError for functions."""
    signature = signature_of(own)
    if signature is None:
        functions = [name for name, value in own.items() if callable(value) and not isinstance(value, type)]
        if functions:
            raise TypeError(
                f"a model with functions in {functions} cannot be sent to another process: name them instead"
            )
        return {name: pack(value) for name, value in own.items()}
    if signature not in PACKED:
        PACKED[signature] = {name: pack(value) for name, value in own.items()}
    return PACKED[signature]


def begin(node: dict) -> nn.Module:
    """A module of the described class, without running its own __init__, and still empty."""
    cls = find_class(node["class"])
    module = cls.__new__(cls)
    nn.Module.__init__(module)
    return module


def fill(
    module: nn.Module, node: dict, unpack: Callable[[object], object], child_of: Callable[[int], nn.Module]
) -> None:
    """Give it what was described. It may be among its own descendants, so it exists before they do."""
    vars(module).update({name: unpack(value) for name, value in node["attributes"].items()})
    for name, value in node["parameters"].items():
        module.register_parameter(name, unpack(value))
    for name, value in node["buffers"].items():
        module._buffers[name] = unpack(value)
    for name, child in node["children"].items():
        module._modules[name] = None if child is None else child_of(child)
    module.training = node["training"]
