"""What a call did to its arguments: told by the worker, and done again to the judge's own models and tensors."""

import torch
from torch import Tensor, nn

from instructor.grading.isolation.models import OWN, attributes, hooks, own_tensors, path_of, signature_of
from instructor.grading.isolation.packing import Packer, Unpacker


def glance(module: nn.Module) -> tuple | None:
    """All that `state` says but the tensors' values, in plain values that can be compared; None where that is more."""
    signature, tensors = signature_of(attributes(module)), own_tensors(module)
    if signature is None or any(tensor.grad is not None for tensor in tensors.values()):
        return None
    flags = [(name, id(each), each.requires_grad, len(each._backward_hooks or ())) for name, each in tensors.items()]
    children = [(name, id(child)) for name, child in module._modules.items()]
    return type(module), module.training is True, hooks(module), signature, flags, children


def change(
    module: nn.Module, before: tuple | None, numbers: dict[int, int], packer: Packer, known: dict[int, Tensor]
) -> dict | None:
    """Its state, or None where that is as it was at the first glance."""
    as_it_was = (
        before is not None
        and glance(module) == before
        and all(id(each) in known and same(known[id(each)], each.detach()) for each in own_tensors(module).values())
    )
    return None if as_it_was else state(module, numbers, packer, known)


def state(module: nn.Module, numbers: dict[int, int], packer: Packer, known: dict[int, Tensor]) -> dict:
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


def tensor_state(tensor: Tensor, packer: Packer, known: dict[int, Tensor]) -> dict:
    before = known.get(id(tensor))
    return {
        "changed": before is None or not same(before, tensor.detach()),
        "requires_grad": bool(tensor.requires_grad),
        "grad": None if tensor.grad is None else packer.pack(tensor.grad.detach()),
        "hooks": len(tensor._backward_hooks or {}),
    }


def same(a: Tensor, b: Tensor) -> bool:
    """NaN is the same as NaN."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return torch.equal(a, b) or bool(((a == b) | (a != a) & (b != b)).all())


def apply_state(module: nn.Module, said: dict, modules: list[nn.Module], unpacker: Unpacker) -> None:
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


def index_of(module: nn.Module, modules: list[nn.Module]) -> int:
    return next(number for number, known in enumerate(modules) if known is module)


def apply_tensor_state(tensor: Tensor, said: dict | None, unpacker: Unpacker) -> None:
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


def spoiled(tensor: Tensor) -> Tensor:
    """NaN where there is one, other values elsewhere."""
    has_nan = tensor.is_floating_point() or tensor.is_complex()
    return torch.full_like(tensor, float("nan")) if has_nan else ~tensor.detach()
