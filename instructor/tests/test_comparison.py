import numpy as np
import pytest
import torch

from tests.support.comparison import assert_matches

REFERENCE = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 4.0]])


def test_equal_values_match_whatever_the_type_of_the_reference():
    assert_matches(REFERENCE, REFERENCE)
    assert_matches(REFERENCE, REFERENCE.double())
    assert_matches(REFERENCE, REFERENCE.numpy().astype(np.float64))
    assert_matches(REFERENCE * (1 + 9e-5), REFERENCE)


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: 0 * a, "zero everywhere"),
        (lambda a: 0 * a + a.mean(), "off by"),
        (lambda a: 2 * a, "2 times what they should be"),
        (lambda a: -a, "-1 times what they should be"),
        (lambda a: a.flip(0), "off by"),
        (lambda a: a * (1 + 2e-4), "off by 0.02 % of their size"),
        (lambda a: a + 0.1 * a[0, 0], r"off by [\d.]+ % of their size \(allowed: 0.01 %\)"),
    ],
)
def test_wrong_values_fail_in_plain_words_however_small_they_are(change, message, size):
    with pytest.raises(AssertionError, match=message):
        assert_matches(change(size * REFERENCE), size * REFERENCE)


IMAGES = torch.tensor([[3.0, 4.0], [0.0, 5.0], [5.0, 0.0], [6.0, 8.0], [9.0, 12.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda a: a.flip(1),
            r"overall they are as large as they should be, with a correlation of 0\.51 with the right ones$",
        ),  # 65.6 / 129.6
        (
            lambda a: a + 0.01 * a.square(),
            r"off by 9\.26 %.*; overall they are 1\.1 times .* of 1\.00 with",
        ),
        (
            lambda a: a * torch.tensor([1, 2.0, 1, 3, 4]).view(5, 1),
            r"times as large .*; numbers 1 and 3 of 5 are right$",
        ),
        (lambda a: a * torch.tensor([2, 1.0, 3, 2, 3]).view(5, 1), r"; number 2 of 5 is right$"),
        (lambda a: 0 * a + 7, r"a correlation of 0\.00 with the right ones$"),
    ],
)
def test_what_is_known_of_wrong_values_is_said(change, message):
    """How far off, in which direction, and which images are right."""
    with pytest.raises(AssertionError, match=message):
        assert_matches(change(IMAGES), IMAGES)


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        ([1.0, 2.0, 3.00004], [1.0, 2.0, 3.0], r"^expected \[1\.0, 2\.0, 3\.0\], got \[1\.0, 2\.0, 3\.00004\]: off"),
        (1.847, 20.5, r"^expected 20\.5, got 1\.847: off by 91 % of its size"),
    ],
)
def test_a_few_values_are_shown_with_as_many_digits_as_tell_them_apart(actual, expected, message):
    """And a single number as one, not as a list."""
    with pytest.raises(AssertionError, match=message):
        assert_matches(torch.tensor(actual), torch.tensor(expected), 1e-6)


@pytest.mark.parametrize(
    ("actual", "message"),
    [
        (REFERENCE.numpy(), "expected a tensor, got ndarray"),
        (REFERENCE[0], r"expected shape \(2, 3\), got \(3,\)"),
        (REFERENCE.mT, r"expected shape \(2, 3\), got \(3, 2\)"),
        (REFERENCE.double(), "expected torch.float32, got torch.float64"),
        (REFERENCE / 0, "all values are NaN or infinite"),
        (REFERENCE.where(REFERENCE != 0, torch.nan), "1 of 6 values are NaN or infinite"),
    ],
)
def test_type_shape_dtype_and_finiteness_come_before_values(actual, message):
    with pytest.raises(AssertionError, match=message):
        assert_matches(actual, REFERENCE)


@pytest.mark.parametrize("reference", [torch.zeros(3), torch.full((3,), torch.nan)])
def test_a_reference_that_proves_nothing_is_refused(reference):
    with pytest.raises(AssertionError, match="nothing to compare with"):
        assert_matches(torch.zeros(3), reference)
