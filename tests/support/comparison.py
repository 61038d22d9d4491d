"""The one comparison that all tests of values use."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

from kit.check.mismatch import Mismatch

CORRELATION = 0.9  # far above chance, far below what a small mistake leaves
SHOWN = 8  # values that fit into a sentence


def assert_matches(
    actual: Tensor,
    reference: Tensor | NDArray,
    tolerance: float = 1e-4,
    dtype: torch.dtype | None = torch.float32,
    images: Tensor | None = None,
) -> None:
    """Fail unless `actual` is a finite tensor of the reference's shape whose relative error is at most `tolerance`.

    The relative error is ||actual - reference|| / ||reference||, so neither zeros nor a constant nor a multiple of
    the right answer passes, however small the right answer is. `dtype=None` leaves the number format open. check()
    shows what is wrong beside the `images` that it belongs to.
    """
    __tracebackhide__ = True  # the caller's line and the words below say it all
    reference = torch.as_tensor(reference).detach().double()
    assert_shape(actual, tuple(reference.shape))
    assert dtype in (None, actual.dtype), f"expected {dtype}, got {actual.dtype}"
    actual = actual.detach().double().cpu()
    assert_finite(actual)
    size = reference.norm().item()
    assert 0 < size < float("inf"), "nothing to compare with: the reference is zero everywhere, or not finite"
    error = ((actual - reference).norm() / size).item()
    if not error <= tolerance:
        raise Mismatch(explanation(actual, reference, error, tolerance), actual, reference, images)


def assert_shape(actual: Tensor, shape: tuple[int, ...]) -> None:
    __tracebackhide__ = True
    scalar = "" if shape else ": a loss is one number without any dimension, as .sum() gives it"
    assert isinstance(actual, Tensor), f"expected a tensor, got {type(actual).__name__}"
    assert actual.shape == shape, f"expected shape {shape}, got {tuple(actual.shape)}{scalar}"


def assert_points_the_way(actual: Tensor, reference: Tensor | NDArray) -> None:
    """Fail unless `actual` is correlated with the right answer: small mistakes are, noise and constants are not."""
    __tracebackhide__ = True
    reference = torch.as_tensor(reference).double().flatten()
    assert isinstance(actual, Tensor), f"expected a tensor, got {type(actual).__name__}"
    assert actual.numel() == len(reference), f"expected {len(reference)} values, got shape {tuple(actual.shape)}"
    actual = actual.detach().double().flatten()
    assert actual.isfinite().all(), "some values are NaN or infinite"
    found = torch.cosine_similarity(actual - actual.mean(), reference - reference.mean(), dim=0).item()
    assert found > CORRELATION, f"the correlation with the right answer is {found:.2f}, not above {CORRELATION}"


def assert_finite(actual: Tensor) -> None:
    __tracebackhide__ = True
    wrong = (~actual.isfinite()).sum().item()
    count = "all" if wrong == actual.numel() else f"{wrong} of {actual.numel()}"
    assert not wrong, f"{count} values are NaN or infinite"


def assert_equal(actual: Tensor, expected: Tensor, words: str) -> None:
    """Fail with these words unless both are the same to the last bit."""
    __tracebackhide__ = True
    assert_shape(actual, tuple(expected.shape))
    assert torch.equal(actual, expected), words


def assert_zeros(actual: Tensor, shape: tuple[int, ...]) -> None:
    """Fail unless `actual` has this shape and holds nothing but zeros."""
    __tracebackhide__ = True
    assert_shape(actual, shape)
    assert_finite(actual)
    assert not actual.any(), f"expected zeros, got values up to {actual.abs().max().item():.4g}"


def assert_differentiable(result: Tensor, shape: tuple[int, ...] = ()) -> None:
    """Fail unless gradients can flow back from `result`, by default a scalar."""
    __tracebackhide__ = True
    assert_shape(result, shape)
    assert result.requires_grad, "the result has lost its graph: no gradient flows back from it"


def assert_slopes(
    function: Callable[..., Tensor], inputs: Tensor | Sequence[Tensor], shape: tuple[int, ...] = ()
) -> None:
    """Fail unless the gradient of `function`, whose results have this shape, is what finite differences of it give."""
    __tracebackhide__ = True
    assert_differentiable(function(*inputs) if isinstance(inputs, Sequence) else function(inputs), shape)
    try:
        torch.autograd.gradcheck(function, inputs, fast_mode=True)  # a few directions, not every input
    except GradcheckError:
        pytest.fail("a small change of the input does not change the result as the gradient says", pytrace=False)


def assert_costs_nothing(loss: Tensor, x: Tensor) -> None:
    """Fail unless `loss` is a scalar of zero that draws `x` nowhere."""
    __tracebackhide__ = True
    assert_shape(loss, ())
    assert loss.item() == 0, f"expected a loss of 0, got {loss.item():.4g}"
    assert not loss.requires_grad or not torch.autograd.grad(loss, x)[0].any(), "the gradient should be zero"


def explanation(actual: Tensor, reference: Tensor, error: float, tolerance: float) -> str:
    """In plain words, what is wrong with values that are off by the relative error, which is more than allowed."""
    if not actual.any():
        return "the values are zero everywhere; they should not be"
    scale = ((actual * reference).sum() / reference.square().sum()).item()
    rest = ((actual - scale * reference).norm() / reference.norm()).item()
    if reference.numel() > 1 and rest <= 1e-3 * abs(scale) and abs(scale - 1) > 1e-2:
        return f"the values are {scale:.4g} times what they should be"
    off = f"off by {percent(error)} of {'their' if reference.ndim else 'its'} size (allowed: {percent(tolerance)})"
    if reference.numel() <= SHOWN:
        return f"{side_by_side(reference, actual)}: {off}"
    return f"the values are {off}{direction(actual, reference)}{place(actual, reference, tolerance)}"


def direction(actual: Tensor, reference: Tensor) -> str:
    """How large they are, and how far they rise and fall with the right ones."""
    factor = (actual.norm() / reference.norm()).item()
    size = "as large" if 0.99 < factor < 1.01 else f"{factor:.2g} times as large"
    alike = np.corrcoef(actual.flatten(), reference.flatten())[0, 1] if actual.std() * reference.std() else 0
    return f"; overall they are {size} as they should be, with a correlation of {alike:.2f} with the right ones"


def place(actual: Tensor, reference: Tensor, tolerance: float) -> str:
    """Which images, the first dimension, are right, where some are."""
    right = [
        number
        for number, (a, b) in enumerate(zip(actual, reference, strict=True), 1)
        if (a - b).norm() <= tolerance * b.norm()
    ]
    several, are = ("s", "are") if len(right) > 1 else ("", "is")
    return f"; number{several} {' and '.join(map(str, right))} of {len(actual)} {are} right" if right else ""


def side_by_side(expected: Tensor, actual: Tensor) -> str:
    """Both, with as many digits as tell them apart."""
    for digits in range(4, 18):
        texts = rounded(expected, digits), rounded(actual, digits)
        if texts[0] != texts[1]:
            break
    return f"expected {texts[0]}, got {texts[1]}"


def rounded(values: Tensor, digits: int = 4) -> float | list[float]:
    """A number, or the list of several."""
    found = [float(f"{value:.{digits}g}") for value in values.flatten().tolist()]
    return found if values.ndim else found[0]


def percent(fraction: float) -> str:
    return f"{np.format_float_positional(100 * fraction, precision=3, fractional=False, trim='-')} %"
