"""The numbers in which a model computes."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

PRECISIONS = ("float32", "bfloat16")


def autocast(precision: str, X: Tensor) -> AbstractContextManager:
    """The precision in which a model computes inside, where X is: "float32", the model's own, or "bfloat16".

    bfloat16 keeps eight bits of each number, and pays on processors and GPUs that multiply in it. On photographs,
    saliency maps are then off by about 20 % of their size (correlation 0.97), guided backprop by 15 %, Grad-CAM by 1 %;
    a style transfer takes another path to about the same losses. Raises ValueError for anything else.
    """
    check_precision(precision)
    return nullcontext() if precision == "float32" else torch.autocast(X.device.type, dtype=torch.bfloat16)


def check_precision(precision: str) -> None:
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}: choose 'float32' or 'bfloat16'")
