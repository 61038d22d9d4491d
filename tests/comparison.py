"""The one comparison that all tests of values use."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

SHOWN = 8  # values that fit into a sentence


def assert_matches(
    actual: Tensor, reference: Tensor | NDArray, tolerance: float = 1e-4, dtype: torch.dtype | None = torch.float32
) -> None:
    """Fail unless `actual` is a finite tensor of the reference's shape whose relative error is at most `tolerance`.

    The relative error is ||actual - reference|| / ||reference||, so neither zeros nor a constant nor a multiple of
    the right answer passes, however small the right answer is. `dtype=None` leaves the number format open.
    """
    __tracebackhide__ = True  # the caller's line and the words below say it all
    reference = torch.as_tensor(reference).detach().double()
    size = reference.norm().item()
    assert 0 < size < float("inf"), "this test is no good: its reference is zero everywhere, or not finite"
    assert_shape(actual, tuple(reference.shape))
    assert dtype in (None, actual.dtype), f"expected {dtype}, got {actual.dtype}"
    actual = actual.detach().double().cpu()
    wrong = (~actual.isfinite()).sum().item()
    assert not wrong, f"{wrong} of {actual.numel()} values are NaN or infinite"
    error = ((actual - reference).norm() / size).item()
    assert error <= tolerance, f"{explanation(actual, reference, error)} (allowed: {percent(tolerance)})"


def assert_shape(actual: Tensor, shape: tuple[int, ...]) -> None:
    __tracebackhide__ = True
    scalar = "" if shape else ": a loss is one number without any dimension, as .sum() gives it"
    number = ": .item() or float() made it a plain number" if isinstance(actual, float) else ""
    assert isinstance(actual, Tensor), f"expected a tensor, got {type(actual).__name__}{number}"
    assert actual.shape == shape, f"expected shape {shape}, got {tuple(actual.shape)}{scalar}"


def assert_slopes(function: Callable[..., Tensor], inputs: Tensor | Sequence[Tensor]) -> None:
    """Fail unless the gradient of `function` is what finite differences of it give."""
    __tracebackhide__ = True
    try:
        torch.autograd.gradcheck(function, inputs)
    except GradcheckError:
        pytest.fail("a small change of the input changes the result otherwise than the gradient says", pytrace=False)


def assert_costs_nothing(loss: Tensor, x: Tensor) -> None:
    """Fail unless `loss` is a scalar of zero that draws `x` nowhere."""
    __tracebackhide__ = True
    assert_shape(loss, ())
    assert loss.item() == 0, f"expected a loss of 0, got {loss.item():.4g}"
    assert not loss.requires_grad or not torch.autograd.grad(loss, x)[0].any(), "the gradient should be zero"


def explanation(actual: Tensor, reference: Tensor, error: float) -> str:
    """In plain words, what is wrong with values that are off by the relative error."""
    if not actual.any():
        return "the values are zero everywhere; they should not be"
    scale = ((actual * reference).sum() / reference.square().sum()).item()
    rest = ((actual - scale * reference).norm() / reference.norm()).item()
    if reference.numel() > 1 and rest <= 1e-3 * abs(scale) and abs(scale - 1) > 1e-2:
        return f"the values are {scale:.4g} times what they should be"
    if reference.numel() <= SHOWN:
        return f"expected {rounded(reference)}, got {rounded(actual)}: off by {percent(error)} of their size"
    return f"the values are off by {percent(error)} of their size"


def rounded(values: Tensor) -> list[float]:
    return [float(f"{value:.4g}") for value in values.flatten().tolist()]


def percent(fraction: float) -> str:
    return f"{np.format_float_positional(100 * fraction, precision=3, fractional=False, trim='-')} %"
