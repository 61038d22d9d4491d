"""Answers with something that no test expects, or that a careless test takes for right."""

import numpy as np
import torch


class Agreeable(torch.Tensor):
    """Says yes to whatever is asked about it."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ in ("__eq__", "eq", "equal", "allclose", "isclose", "all", "__bool__"):
            return True
        return super().__torch_function__(function, types, args, kwargs or {})

    def __eq__(self, other):
        return True

    __hash__ = torch.Tensor.__hash__


class AlwaysEqual:
    def __eq__(self, other):
        return True

    def __getattr__(self, name):
        return lambda *args, **kwargs: self

    def __bool__(self):
        return True


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def itself():
    value = []
    value.append(value)
    return value


WAYS = {
    "not a number": lambda x: torch.full_like(x, float("nan")),
    "infinite": lambda x: torch.full_like(x, float("inf")),
    "too large to send": lambda x: torch.zeros(80 * 2**20),
    "as large as can be sent": lambda x: torch.zeros(60 * 2**20),
    "expanded": lambda x: torch.zeros(1).expand(2**40),
    "complex": lambda x: torch.zeros(x.shape, dtype=torch.complex64),
    "half": lambda x: torch.zeros(x.shape, dtype=torch.float16),
    "whole numbers": lambda x: torch.ones(x.shape, dtype=torch.int64),
    "truth values": lambda x: torch.ones(x.shape, dtype=torch.bool),
    "sparse": lambda x: torch.zeros(x.shape).to_sparse(),
    "quantized": lambda x: torch.quantize_per_tensor(torch.zeros(x.shape), 0.1, 0, torch.quint8),
    "without memory": lambda x: torch.zeros(x.shape, device="meta"),
    "transposed": lambda x: torch.zeros(x.shape).mT,
    "of no size": lambda x: torch.zeros(0),
    "of a thousand dimensions": lambda x: torch.zeros([1] * 1000),
    "one number": lambda x: torch.tensor(0.0),
    "asking for gradients": lambda x: torch.zeros(x.shape, requires_grad=True),
    "agreeable": lambda x: torch.zeros(x.shape).as_subclass(Agreeable),
    "always equal": lambda x: AlwaysEqual(),
    "objects": lambda x: np.full(tuple(x.shape), AlwaysEqual(), dtype=object),
    "an array": lambda x: np.zeros(tuple(x.shape), dtype=np.float32),
    "a number": lambda x: 0.0,
    "words": lambda x: "100 passed" * 1000,
    "nothing": lambda x: None,
    "nested": lambda x: nested(900),
    "itself": lambda x: itself(),
    "many": lambda x: [x] * 100_000,
}


LONG = ("as large as can be sent", "many")  # for a second
GIVEN = []


def attack(name, *args, **kwargs):
    """What takes long once in each process, then something small that is as wrong."""
    if GIVEN and "@WAY@" in LONG:
        return torch.zeros(1)
    GIVEN.append(name)
    given = [value for value in args if isinstance(value, torch.Tensor)]
    return WAYS["@WAY@"](given[0].detach() if given else torch.zeros(1))
