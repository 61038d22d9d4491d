"""A model as data: built anew in the worker, and brought up to date in the judge with what became of it there."""

import importlib
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from grading.isolation.protocol import Packer, Unpacker

HOME = ("torch.nn.", "torchvision.models.", "networks")  # where the classes of a model may come from
OWN = {"training", "_parameters", "_buffers", "_modules"}


def find_class(path: str) -> type:
    module, _, name = path.partition(":")
    if not module.startswith(HOME):
        raise TypeError(f"{path} cannot be sent to another process: put the class into networks.py")
    return getattr(importlib.import_module(module), name)


def path_of(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def hooks(module: nn.Module) -> dict[str, int]:
    """How many hooks of each kind there are."""
    kinds = [name for name in vars(module) if name.endswith("_hooks") or "_hooks_" in name]
    return {kind: len(vars(module)[kind]) for kind in kinds if vars(module)[kind]}


def attributes(module: nn.Module) -> dict[str, object]:
    return {name: value for name, value in vars(module).items() if name not in OWN and "_hooks" not in name}


def describe(module: nn.Module, packer: "Packer") -> dict:
    """Class, mode, attributes, parameters, buffers and children. Raises TypeError for what cannot be sent."""
    path = path_of(type(module))
    find_class(path)
    functions = [name for name, value in attributes(module).items() if callable(value) and not isinstance(value, type)]
    if functions:
        raise TypeError(f"a model with functions in {functions} cannot be sent to another process: name them instead")
    if hooks(module):
        raise TypeError(
            "a model with hooks cannot be sent to another process: use a module of networks.py that records"
        )
    return {
        "class": path,
        "training": module.training,
        "attributes": {name: packer.pack(value) for name, value in attributes(module).items()},
        "parameters": {name: packer.pack(value) for name, value in module._parameters.items()},
        "buffers": {name: packer.pack(value) for name, value in module._buffers.items()},
        "children": {name: None if child is None else packer.module(child) for name, child in module._modules.items()},
    }


def build(number: int, unpacker: "Unpacker") -> None:
    """The module of that number, without running its own __init__."""
    node = unpacker.nodes[number]
    cls = find_class(node["class"])
    module = cls.__new__(cls)
    nn.Module.__init__(module)
    unpacker.modules[number] = module
    vars(module).update({name: unpacker.unpack(value) for name, value in node["attributes"].items()})
    for name, value in node["parameters"].items():
        module.register_parameter(name, unpacker.unpack(value))
    for name, value in node["buffers"].items():
        module._buffers[name] = unpacker.unpack(value)
    for name, child in node["children"].items():
        module._modules[name] = None if child is None else unpacker.module(child)
    module.training = node["training"]


def state(module: nn.Module, numbers: dict[int, int], packer: "Packer", known: dict[int, Tensor]) -> dict:
    """What the judge may ask about a module afterwards.

    `known` holds, for the id of a tensor, the values that it had when it was built.
    """
    return {
        "class": path_of(type(module)),
        "training": bool(module.training),
        "hooks": hooks(module),
        "attributes": {name: packer.pack(value) for name, value in attributes(module).items()},
        "tensors": {name: tensor_state(value, packer, known) for name, value in own_tensors(module).items()},
        "children": {
            name: None if child is None else numbers.get(id(child), -1) for name, child in module._modules.items()
        },
    }


def own_tensors(module: nn.Module) -> dict[str, Tensor]:
    named = {**module._parameters, **module._buffers}
    return {name: value for name, value in named.items() if isinstance(value, Tensor)}


def tensor_state(tensor: Tensor, packer: "Packer", known: dict[int, Tensor]) -> dict:
    before = known.get(id(tensor))
    return {
        "changed": before is None or not same(before, tensor.detach()),
        "requires_grad": bool(tensor.requires_grad),
        "grad": None if tensor.grad is None else packer.pack(tensor.grad.detach()),
        "hooks": len(tensor._backward_hooks or {}),
    }


def same(a: Tensor, b: Tensor) -> bool:
    """NaN is the same as NaN."""
    return a.shape == b.shape and a.dtype == b.dtype and bool(((a == b) | (a != a) & (b != b)).all())


def apply_state(module: nn.Module, said: dict, modules: list[nn.Module], unpacker: "Unpacker") -> None:
    """Make a module of the judge what it has become in the worker."""
    module.training = said["training"] is True
    for name, value in attributes(module).items():
        if name not in said["attributes"]:
            delattr(module, name)
        elif not isinstance(value, type | nn.Module) and not callable(value):
            vars(module)[name] = unpacker.unpack(said["attributes"][name])
    for name in said["attributes"].keys() - attributes(module).keys():
        if name in OWN or "_hooks" in name:
            raise ValueError(f"{name} is no attribute of its own")
        vars(module)[name] = unpacker.unpack(said["attributes"][name])
    for kind, count in said["hooks"].items():
        if kind in vars(module):
            vars(module)[kind] = dict.fromkeys(range(min(int(count), 9)), print)
    for name, tensor in own_tensors(module).items():
        apply_tensor_state(tensor, said["tensors"].get(name), unpacker)
    children = {name: None if child is None else index_of(child, modules) for name, child in module._modules.items()}
    if said["children"] != children:
        module._modules = {str(name): nn.Module() for name in said["children"]}
    if said["class"] != path_of(type(module)):
        module.__class__ = type("Replaced", (nn.Module,), {})


def spoiled(tensor: Tensor) -> Tensor:
    """NaN where there is one, other values elsewhere."""
    has_nan = tensor.is_floating_point() or tensor.is_complex()
    return torch.full_like(tensor, float("nan")) if has_nan else ~tensor.detach()


def index_of(module: nn.Module, modules: list[nn.Module]) -> int:
    return next(number for number, known in enumerate(modules) if known is module)


def apply_tensor_state(tensor: Tensor, said: dict | None, unpacker: "Unpacker") -> None:
    """A tensor whose gradient or flags have changed changes here too.

    One whose values have changed, or that is gone, is spoiled: tests are to see that, but the values would be chosen by
    the code that is judged, and whatever a test works out from them afterwards would be, too.
    """
    with torch.no_grad():
        if said is None or said["changed"]:
            tensor.data.copy_(spoiled(tensor))
        if said is None:
            return
        if tensor.requires_grad != said["requires_grad"] and tensor.is_leaf:
            tensor.requires_grad_(said["requires_grad"] is True)
        grad = None if said["grad"] is None else unpacker.unpack(said["grad"])
        if tensor.is_leaf:
            tensor.grad = grad if grad is None or grad.shape == tensor.shape else torch.zeros_like(tensor)
        if said["hooks"]:
            tensor._backward_hooks = {0: print}
