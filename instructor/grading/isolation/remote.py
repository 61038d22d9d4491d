"""The judge's side: functions that look like the kit's and run in a worker.

A call copies its arguments to the worker, and marks here what was changed there: modes, hooks and attributes of models
become what they became, tensors that were overwritten are spoiled.
"""

import builtins
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from instructor.grading.isolation import channel, effects
from instructor.grading.isolation.blocks import Blocks
from instructor.grading.isolation.channel import Ended, ProtocolError
from instructor.grading.isolation.packing import Packer, Unpacker, walk
from instructor.grading.isolation.sandbox import Sandbox

START_SECONDS = 120.0  # to import torch
CALL_SECONDS = 20.0
UNREADABLE = (
    AttributeError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    RuntimeError,
    OverflowError,
    RecursionError,
    ProtocolError,
)


class WorkerLost(Exception):
    """The worker ended, was ended, or cannot be understood; the message says which, in words for a student."""


class RemoteError(Exception):
    """What the worker raised, when it is none of Python's own errors."""


class Remote:
    """A worker for these sources. It starts with the first call, and anew after it was lost."""

    def __init__(self, sources: Mapping[str, str], seconds: float = CALL_SECONDS) -> None:
        self.sources = dict(sources)
        self.seconds = seconds
        self.sandbox: Sandbox | None = None
        self.known = Blocks()  # of the worker that there is
        self.number = 0
        self.waited = 0.0  # seconds, for all answers so far
        self.printed = ""

    def function(self, path: str) -> Callable:
        """A stand-in for `module:name`."""

        def called(*args, **kwargs) -> object:
            return self.call(path, args, kwargs)

        called.__name__ = path.rpartition(":")[2]
        return called

    def call(self, path: str, args: tuple, kwargs: dict) -> object:
        self.start()
        packer = Packer(layouts=True, known=self.known)
        message = {"do": "call", "function": path, "grad_enabled": torch.is_grad_enabled()}
        message |= {"args": packer.pack(args), "kwargs": packer.pack(kwargs), "modules": packer.nodes}
        number, said, unpacker = self.ask(message, packer)
        given = [value for value in walk([args, kwargs]) if isinstance(value, Tensor)]
        try:
            self.apply(said, packer, given, unpacker)
            if said["error"] is not None:
                raise error_from(said["error"])
            result = unpacker.unpack(said["result"])
            return self.attached(result, said, number, packer.leaves, given)
        except UNREADABLE as error:
            if said.get("error") is not None and getattr(error, "remote", False):
                raise
            raise self.lost("gave an answer that makes no sense") from error

    def apply(self, said: dict, packer: Packer, given: list[Tensor], unpacker: Unpacker) -> None:
        """Bring everything up to date that the worker may have changed."""
        for number, module in enumerate(packer.modules):
            state = said["modules"][str(number)]
            if state is not None:
                effects.apply_state(module, state, packer.modules, unpacker)
        for tensor, state in zip(given, said["tensors"], strict=True):
            if not isinstance(tensor, nn.Parameter):
                effects.apply_tensor_state(tensor, state, unpacker)
        torch.set_grad_enabled(said["grad_enabled"] is True)
        for number, callback in enumerate(packer.callbacks):
            for call in unpacker.unpack(said["traces"][str(number)]):
                callback(*call)

    def attached(self, result: object, said: dict, number: int, leaves: list[Tensor], given: list[Tensor]) -> object:
        """The result's tensors with their memory and their graph: those of the arguments, as far as they are shared."""
        tensors = [value for value in walk(result) if isinstance(value, Tensor)]
        shared = dict(zip(map(id, tensors), said["aliases"], strict=True))
        asking = [tensor for tensor, asks in zip(tensors, said["requires_grad"], strict=True) if asks]
        linked = dict(zip(map(id, asking), link(self, number, asking, leaves), strict=True)) if asking else {}

        def attach(value: object) -> object:
            if isinstance(value, list | tuple):
                return type(value)(map(attach, value))
            if not isinstance(value, Tensor):
                return value
            place = shared[id(value)]
            if place is not None and not said["tensors"][place]["changed"]:
                other = given[place]
                if other.shape == value.shape and other.dtype == value.dtype:
                    return other.detach()
            return linked.get(id(value), value)

        return attach(result)

    def gradient(self, number: int, arriving: tuple[Tensor, ...], count: int) -> list[Tensor | None]:
        packer = Packer(layouts=True)
        _, said, unpacker = self.ask(
            {"do": "gradient", "call": number, "arriving": packer.pack(list(arriving))}, packer
        )
        if said.get("error") is not None:
            raise error_from(said["error"])
        try:
            gradients: list[Tensor | None] = [None] * count
            for leaf, packed in said["gradients"]:
                gradients[leaf] = unpacker.unpack(packed)
            return gradients
        except UNREADABLE as error:
            raise self.lost("gave an answer that makes no sense") from error

    def ask(self, message: dict, packer: Packer) -> tuple[int, dict, Unpacker]:
        self.start()
        self.number += 1
        begun = time.monotonic()
        try:
            channel.send(self.sandbox.channel, {"id": self.number, **message}, packer.tensors, self.seconds)
            said, tensors = channel.receive(self.sandbox.channel, self.seconds)
        except (Ended, TimeoutError, ProtocolError) as error:
            raise self.lost(self.why(error)) from None
        finally:
            self.waited += time.monotonic() - begun
        if not isinstance(said, dict) or said.get("id") != self.number:
            raise self.lost("wrote into the channel that its answers go through")
        if packer.known is self.known:
            self.known.keep(packer.tensors)
        return self.number, said, Unpacker(tensors, layouts=False)

    def start(self) -> None:
        if self.sandbox is not None:
            return
        self.sandbox, self.known = Sandbox(self.sources), Blocks()
        try:
            channel.receive(self.sandbox.channel, START_SECONDS)
        except (Ended, TimeoutError, ProtocolError) as error:
            printed = self.sandbox.printed()
            self.close()
            raise RuntimeError(f"no worker can be started here ({type(error).__name__}): {printed[-500:]}") from error

    def why(self, error: Exception) -> str:
        if self.sandbox.excess:
            return self.sandbox.excess
        if isinstance(error, TimeoutError):
            return f"did not answer within {self.seconds:.0f} seconds"
        return "ended the process that ran it" if isinstance(error, Ended) else f"answered with {error}"

    def lost(self, why: str) -> WorkerLost:
        why = self.sandbox.excess or why if self.sandbox else why
        self.close()
        return WorkerLost(f"The code {why}.")

    def what_was_printed(self) -> str:
        """By the first worker that printed anything, until now."""
        if self.printed or self.sandbox is None:
            return self.printed
        return self.sandbox.printed()

    def close(self) -> None:
        if self.sandbox is not None:
            self.sandbox.close()
            self.printed = self.printed or self.sandbox.printed()
            self.sandbox = None


def error_from(said: dict) -> Exception:
    """The worker's error as one of ours: the nearest of Python's own errors, or RemoteError."""
    message, where = str(said["message"]), str(said["where"])
    names = [str(name) for name in said["kinds"]]
    kind = next((known for name in names if (known := as_error(name))), RemoteError)
    if kind is RemoteError:
        message = f"{names[0]}: {message}"
    error = RemoteError(message) if issubclass(kind, UnicodeError) else kind(message)
    error.remote = True
    error.where = f"{where}, line {int(said['line'])}" if where else ""
    return error


def as_error(name: str) -> type[Exception] | None:
    from tests.support.networks import Interruption

    kind = Interruption if name == "Interruption" else getattr(builtins, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, Exception) and kind is not Exception else None


def link(remote: Remote, number: int, outputs: list[Tensor], leaves: list[Tensor]) -> tuple[Tensor, ...]:
    linked = Linked.apply(remote, number, len(outputs), *outputs, *leaves)
    linked = linked if isinstance(linked, tuple) else (linked,)
    return tuple(output.requires_grad_() for output in linked)  # also where no argument asks for a gradient


class Linked(torch.autograd.Function):
    """Ties outputs that were computed elsewhere to the inputs that they were computed from."""

    @staticmethod
    def forward(ctx: FunctionCtx, remote: Remote, number: int, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.remote, ctx.number, ctx.leaves = remote, number, len(tensors) - count
        return tuple(output.clone() for output in tensors[:count])

    @staticmethod
    def backward(ctx: FunctionCtx, *arriving: Tensor) -> tuple[Tensor | None, ...]:
        gradients = ctx.remote.gradient(ctx.number, arriving, ctx.leaves)
        return (None, None, None, *[None] * len(arriving), *gradients)
