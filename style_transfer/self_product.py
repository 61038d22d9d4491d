"""A matrix product of a matrix with itself, whose gradient knows that both factors are one."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


class SelfProduct(torch.autograd.Function):
    """A^T A for A (N, P, C). Its gradient takes one matrix product where autograd, seeing two factors, takes two."""

    @staticmethod
    def forward(ctx: FunctionCtx, A: Tensor) -> Tensor:
        ctx.save_for_backward(A)
        return A.mT @ A

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (A,) = ctx.saved_tensors
        return A @ (gradient + gradient.mT)
