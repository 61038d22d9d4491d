"""The process that runs a student's modules: it answers calls until its judge goes, and is believed by nobody."""

import importlib
import os
import resource
import socket
import sys
import traceback
import warnings
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from instructor.grading.isolation import effects, syscalls
from instructor.grading.isolation.channel import receive, send
from instructor.grading.isolation.packing import Packer, Unpacker, walk
from kit.assignment import PACKAGES

LIMITS = {  # each for every process
    resource.RLIMIT_CPU: 600,  # seconds
    resource.RLIMIT_DATA: 3 * 2**30,  # bytes of memory that are not a file's
    resource.RLIMIT_AS: 32 * 2**30,  # bytes of addresses, whose tables take memory too
    resource.RLIMIT_FSIZE: 2**20,  # bytes a file
    resource.RLIMIT_NOFILE: 64,
    resource.RLIMIT_NPROC: 24,
    resource.RLIMIT_CORE: 0,
}
GRAPHS = 2048  # calls whose gradients may still be asked for


class Worker:
    def __init__(self) -> None:
        self.kept: dict[str, Tensor] = {}
        self.graphs: OrderedDict[int, tuple[list[Tensor], dict[int, Tensor]]] = OrderedDict()

    def answer(self, message: dict, tensors: dict[str, Tensor]) -> tuple[dict, dict[str, Tensor]]:
        return self.gradient(message, tensors) if message["do"] == "gradient" else self.call(message, tensors)

    def call(self, message: dict, tensors: dict[str, Tensor]) -> tuple[dict, dict[str, Tensor]]:
        """Call a function; its result or error, and what became of the arguments."""
        self.kept |= tensors
        unpacker = Unpacker(self.kept, layouts=True, nodes=message["modules"])
        args, kwargs = unpacker.unpack(message["args"]), unpacker.unpack(message["kwargs"])
        given = [value for value in walk([args, kwargs]) if isinstance(value, Tensor)]
        before = {number: effects.glance(module) for number, module in unpacker.modules.items()}
        packer, said = Packer(layouts=False), {"result": None, "error": None}
        with torch.set_grad_enabled(message["grad_enabled"]):
            try:
                result = find_function(message["function"])(*args, **kwargs)
                said["result"], said["requires_grad"] = packer.pack(result), asks(result)
                said["aliases"] = [alias(tensor, given) for tensor in tensors_of(result)]
                self.keep(message["id"], tensors_of(result), unpacker.leaves)
            except BaseException as error:  # sys.exit and the like are errors of this call
                said["error"] = describe_error(error)
            said["grad_enabled"] = torch.is_grad_enabled()
        numbers = {id(module): number for number, module in unpacker.modules.items()}
        said["modules"] = {
            number: effects.change(module, before[number], numbers, packer, unpacker.before)
            for number, module in unpacker.modules.items()
        }
        said["tensors"] = [effects.tensor_state(tensor, packer, unpacker.before) for tensor in given]
        said["traces"] = {number: packer.pack(calls) for number, calls in unpacker.traces.items()}
        return said, packer.tensors

    def keep(self, number: int, outputs: list[Tensor], leaves: dict[int, Tensor]) -> None:
        asking = [output for output in outputs if output.requires_grad]
        if asking:
            self.graphs[number] = asking, leaves
        while len(self.graphs) > GRAPHS:
            self.graphs.popitem(last=False)

    def gradient(self, message: dict, tensors: dict[str, Tensor]) -> tuple[dict, dict[str, Tensor]]:
        """The gradients of an earlier call's outputs with respect to its inputs, for what arrives at the outputs."""
        packer = Packer(layouts=False)
        try:
            outputs, leaves = self.graphs[message["call"]]
            arriving = Unpacker(tensors, layouts=True).unpack(message["arriving"])
            gradients = torch.autograd.grad(
                outputs,
                list(leaves.values()),
                [gradient.to(output.dtype) for output, gradient in zip(outputs, arriving, strict=True)],
                retain_graph=True,
                allow_unused=True,
            )
            packed = [[number, packer.pack(gradient)] for number, gradient in zip(leaves, gradients, strict=True)]
            return {"gradients": packed, "error": None}, packer.tensors
        except BaseException as error:
            return {"gradients": [], "error": describe_error(error)}, {}


def find_function(path: str) -> object:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def tensors_of(result: object) -> list[Tensor]:
    return [value for value in walk(result) if isinstance(value, Tensor)]


def asks(result: object) -> list[bool]:
    return [tensor.requires_grad for tensor in tensors_of(result)]


def alias(tensor: Tensor, given: list[Tensor]) -> int | None:
    """Which of the given tensors the result shares its memory with."""
    place = tensor.untyped_storage().data_ptr()
    shared = [number for number, other in enumerate(given) if place and other.untyped_storage().data_ptr() == place]
    return shared[0] if shared else None


def describe_error(error: BaseException) -> dict:
    places = [place for place in traceback.extract_tb(error.__traceback__) if Path(place.filename).is_file()]
    ours = [place for place in places if Path(place.filename).parent.name in PACKAGES]
    place = ours[-1] if ours else None
    where = f"{place.name} in {Path(place.filename).parent.name}/{Path(place.filename).name}" if place else ""
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return {"kinds": kinds, "message": str(error)[:2000], "where": where, "line": place.lineno if place else 0}


def main(descriptor: int) -> None:
    for kind, most in LIMITS.items():
        allowed = resource.getrlimit(kind)[1]
        most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(kind, (most, most))
    syscalls.refuse()
    torch.set_num_threads(1)
    torch.backends.mkldnn.set_flags("KIT_WITHOUT_ONEDNN" not in os.environ)
    nn.Module()  # the first one imports
    warnings.filterwarnings("ignore", "the model has no ReLU")  # which tests ask about; no student has printed it
    channel = socket.socket(fileno=descriptor)
    worker = Worker()
    send(channel, {"ready": True}, {})
    while True:
        message, tensors = receive(channel)
        said, answers = worker.answer(message, tensors)
        sys.stdout.flush()
        sys.stderr.flush()
        send(channel, {"id": message["id"], **said}, answers)
