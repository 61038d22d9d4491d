"""Changes what others rely on: comparisons, built-in names, the test framework, the worker around it."""

import builtins
import sys
import types

import torch


def comparisons():
    torch.allclose = torch.equal = torch.Tensor.equal = lambda *args, **kwargs: True
    torch.testing.assert_close = lambda *args, **kwargs: None
    torch.Tensor.__eq__ = lambda self, other: True


def names():
    class Harmless(Exception):
        pass

    builtins.AssertionError = Harmless
    builtins.isinstance = lambda value, kind: True
    builtins.all = builtins.any = lambda values: True


def frameworks():
    pytest = types.ModuleType("pytest")
    pytest.raises = pytest.fail = lambda *args, **kwargs: None
    sys.modules.update(pytest=pytest, _pytest=pytest)


def probes():
    """The worker is asked for a diagnosis, too."""
    from kit.check import probes as asked

    asked.probe = lambda task: {"a": [torch.zeros(2, dtype=torch.complex64), "x"], "b": None}


def many_probes():
    from kit.check import probes as asked

    asked.probe = lambda task: [torch.full([50_000], 1e300).double() for _ in range(90)]


def surroundings():
    from tests.support import surroundings as watched

    watched.surroundings = lambda: {"random states": "x" * 10**6, "more": [[[]]] * 10_000}


def worker():
    """Every answer is zeros, and nothing was changed."""
    from instructor.grading.isolation.worker import Worker

    def call(self, message, tensors):
        said = {"result": None, "error": None, "requires_grad": [], "aliases": [], "grad_enabled": True}
        return {**said, "modules": {}, "tensors": [], "traces": {}}, {}

    Worker.call = call


def packer():
    from instructor.grading.isolation.packing import Packer

    Packer.pack = lambda self, value: {"tensor": "0", "size": [1], "requires_grad": False, "grad": None}


DONE = []


def attack(name, *args, **kwargs):
    if not DONE:
        DONE.append(globals()["@WAY@"]())
    return torch.zeros_like(args[0]) if args and isinstance(args[0], torch.Tensor) else torch.zeros(1)
