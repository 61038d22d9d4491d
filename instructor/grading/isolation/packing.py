"""Values as JSON and plain tensors, never pickles, and back."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from instructor.grading.isolation.blocks import Blocks
from instructor.grading.isolation.channel import LARGEST_MESSAGE, ProtocolError
from instructor.grading.isolation.models import begin, describe, fill, find_class


class Packer:
    """Makes the JSON of values, and collects their numbers.

    `layouts` keeps how a tensor lies in memory; without it everything is sent contiguous, and what is no plain value
    is sent by the name of its type. `known` are the blocks of numbers that the other side has already.
    """

    def __init__(self, layouts: bool, known: Blocks | None = None) -> None:
        self.layouts = layouts
        self.known = known or Blocks()
        self.tensors: dict[str, Tensor] = {}
        self.storages: dict[int, str] = {}
        self.leaves: list[Tensor] = []
        self.callbacks: list[Callable] = []
        self.modules: list[nn.Module] = []
        self.nodes: list[dict] = []

    def pack(self, value: object) -> object:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, Tensor):
            return self.tensor(value)
        if isinstance(value, np.ndarray):
            return {"array": self.tensor(torch.from_numpy(np.ascontiguousarray(value)))}
        if isinstance(value, list | tuple):
            return {type(value).__name__ if type(value) is tuple else "list": [self.pack(item) for item in value]}
        if isinstance(value, set | frozenset):
            return {"set": sorted(map(self.pack, value), key=str)}
        if isinstance(value, dict):
            return {"dict": [[self.pack(key), self.pack(item)] for key, item in value.items()]}
        if not self.layouts:
            return {"opaque": f"{type(value).__module__}:{type(value).__qualname__}"}
        if isinstance(value, nn.Module):
            return {"module": self.module(value)}
        if isinstance(value, type):
            return {"class": f"{value.__module__}:{value.__qualname__}"}
        if callable(value):
            self.callbacks.append(value)
            return {"callback": len(self.callbacks) - 1}
        raise TypeError(f"a {type(value).__name__} cannot be sent to another process")

    def tensor(self, value: Tensor) -> dict:
        node = {"requires_grad": value.requires_grad, "grad": None}
        if value.is_leaf and value.grad is not None:
            node["grad"] = self.tensor(value.grad)
        if not self.layouts:
            plain = value.detach().to("cpu", copy=True).contiguous()
            return {"tensor": self.block(plain.view(-1)), "size": list(value.shape), **node}
        if value.requires_grad and not isinstance(value, nn.Parameter):
            node["leaf"] = len(self.leaves)
            self.leaves.append(value)
        storage = value.untyped_storage()
        if storage.data_ptr() not in self.storages or not storage.nbytes():
            flat = torch.empty(0, dtype=value.dtype).set_(storage) if storage.nbytes() else value.detach().view(-1)
            self.storages[storage.data_ptr()] = self.block(flat.detach())
        place = {"size": list(value.shape), "stride": list(value.stride()), "offset": value.storage_offset()}
        kind = {"parameter": True} if isinstance(value, nn.Parameter) else {}
        return {"tensor": self.storages[storage.data_ptr()], **place, **kind, **node}

    def block(self, flat: Tensor) -> str:
        """The name of these numbers, which are sent if the other side lacks them."""
        if not self.layouts:
            name = str(len(self.tensors))
            self.tensors[name] = flat
            return name
        name = self.known.name_of(flat)
        if name is None:
            name = self.known.new_name()
            self.tensors[name] = flat.clone()
        return name

    def module(self, module: nn.Module) -> int:
        """Its number among all modules of the message. A module that appears twice is sent once."""
        for number, known in enumerate(self.modules):
            if known is module:
                return number
        number = len(self.modules)
        self.modules.append(module)
        self.nodes.append({})
        self.nodes[number] = describe(module, self.pack, self.module)
        return number


class Unpacker:
    """The inverse of Packer. `layouts` is for the worker alone: it builds modules, classes, callbacks and strides."""

    def __init__(self, tensors: dict[str, Tensor], *, layouts: bool, nodes: list[dict] | None = None) -> None:
        self.tensors = tensors
        self.layouts = layouts
        self.nodes = nodes or []
        self.size = 0  # bytes of all tensors, each counted as often as it appears
        self.storages: dict[str, Tensor] = {}
        self.leaves: dict[int, Tensor] = {}
        self.traces: dict[int, list] = {}
        self.modules: dict[int, nn.Module] = {}
        self.before: dict[int, Tensor] = {}  # for the id of a tensor, the values that it is built with

    def unpack(self, value: object) -> object:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if not isinstance(value, dict) or not value:
            raise ProtocolError(f"a value that is a {type(value).__name__}")
        kind, content = next(iter(value.items()))
        if kind == "tensor":
            return self.tensor(value)
        if kind == "array":
            return self.tensor(content).numpy()
        if kind in ("list", "tuple", "set"):
            return {"list": list, "tuple": tuple, "set": set}[kind](map(self.unpack, content))
        if kind == "dict":
            return {self.unpack(key): self.unpack(item) for key, item in content}
        if kind == "opaque":
            return Opaque(str(content))
        if self.layouts and kind == "module":
            return self.module(content)
        if self.layouts and kind == "class":
            return find_class(content)
        if self.layouts and kind == "callback":
            self.traces[content] = []
            return lambda *args: self.traces[content].append(snapshot(args))
        raise ProtocolError(f"a value of the unknown kind {kind!r:.40}")

    def tensor(self, node: dict) -> Tensor:
        if self.layouts:
            tensor = self.storage(node["tensor"]).as_strided(node["size"], node["stride"], node["offset"])
        else:
            tensor = self.plain(node)
        if node.get("parameter"):
            tensor = nn.Parameter(tensor, requires_grad=node["requires_grad"])
        elif self.layouts:
            tensor.requires_grad_(node["requires_grad"])
        if self.layouts:
            self.before[id(tensor)] = self.tensors[node["tensor"]].as_strided(
                tensor.shape, tensor.stride(), node["offset"]
            )
        if node.get("grad") is not None:
            tensor.grad = self.tensor(node["grad"])
        if "leaf" in node and self.layouts:
            self.leaves[node["leaf"]] = tensor
        return tensor

    def plain(self, node: dict) -> Tensor:
        try:
            tensor = self.tensors[node["tensor"]].reshape(node["size"])
        except (KeyError, TypeError, RuntimeError) as error:
            raise ProtocolError("a tensor without its numbers") from error
        self.size += tensor.nbytes
        if self.size > LARGEST_MESSAGE:
            raise ProtocolError(f"tensors of more than {LARGEST_MESSAGE} bytes")
        return tensor

    def storage(self, name: str) -> Tensor:
        """A block of numbers, the same one for all tensors that share it, and never the one that arrived."""
        if name not in self.storages:
            self.storages[name] = self.tensors[name].clone()
        return self.storages[name]

    def module(self, number: int) -> nn.Module:
        if number not in self.modules:
            node = self.nodes[number]
            self.modules[number] = begin(node)
            fill(self.modules[number], node, self.unpack, self.module)
        return self.modules[number]


class Opaque:
    """Something that the worker's side holds and that has no meaning here."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


def snapshot(value: object) -> object:
    """The value as it is now, for a trace."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, list | tuple):
        return type(value)(map(snapshot, value))
    return value


def walk(value: object) -> Iterator[object]:
    """A value and what is in it, in the order in which the judge walks it."""
    yield value
    if isinstance(value, list | tuple):
        for item in value:
            yield from walk(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from walk(item)
