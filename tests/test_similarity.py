"""Each similarity measure against an independent computation; what is undefined is said to be undefined."""

import numpy as np
import pytest
import torch
from skimage.feature import hog

from sanity_checks.similarity import MEASURES, mean_and_spread, similarities

RANK, SIGNED_RANK, SSIM, HOG = range(len(MEASURES))


@pytest.fixture
def pair():
    random = torch.Generator().manual_seed(0)
    one = torch.randn(2, 3, 48, 56, generator=random)
    return one, 0.6 * one + torch.randn(2, 3, 48, 56, generator=random)


def ranks(values):
    """Average ranks, the slow way: for each value, how many are smaller, plus half of those that are equal."""
    values = values.ravel()
    return np.array([(values < v).sum() + 0.5 * ((values == v).sum() - 1) for v in values], dtype=float)


def correlation(a, b):
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def test_equal_pixels_share_the_mean_of_their_ranks(pair):
    """As the many zeros of a map behind a ReLU do."""
    one, other = (values[:, 0].clamp(min=0) for values in pair)
    expected = [
        correlation(ranks(a), ranks(b)) for a, b in zip(one.double().numpy(), other.double().numpy(), strict=True)
    ]
    np.testing.assert_allclose(similarities(one, other)[:, RANK], expected, rtol=1e-9)


def slow_ssim(a, b, window=7):
    """The formula of Wang et al. 2004, window by window, with sample covariances and data range 1."""
    values = []
    for i in range(a.shape[0] - window + 1):
        for j in range(a.shape[1] - window + 1):
            x, y = a[i : i + window, j : j + window].ravel(), b[i : i + window, j : j + window].ravel()
            covariance = np.cov(x, y)
            top = (2 * x.mean() * y.mean() + 0.01**2) * (2 * covariance[0, 1] + 0.03**2)
            below = x.mean() ** 2 + y.mean() ** 2 + 0.01**2, covariance[0, 0] + covariance[1, 1] + 0.03**2
            values.append(top / (below[0] * below[1]))
    return np.mean(values)


def absolute(values):
    maps = values.abs().sum(0).double().numpy()
    return maps / maps.max()


def test_rank_correlations_are_spearmans(pair):
    one, other = pair
    for i, row in enumerate(similarities(one, other)):
        maps = [ranks(absolute(values[i])) for values in pair]
        signed = [ranks(values[i].sum(0).double().numpy()) for values in pair]
        assert row[RANK] == pytest.approx(correlation(*maps), abs=1e-6)
        assert row[SIGNED_RANK] == pytest.approx(correlation(*signed), abs=1e-6)


def test_ssim_is_the_published_formula(pair):
    expected = slow_ssim(absolute(pair[0][0]), absolute(pair[1][0]))
    assert similarities(*pair)[0, SSIM] == pytest.approx(expected, abs=1e-6)


def test_hog_correlation_is_pearsons_of_the_descriptors(pair):
    descriptors = [hog(absolute(values[0]), pixels_per_cell=(16, 16)) for values in pair]
    assert similarities(*pair)[0, HOG] == pytest.approx(correlation(*descriptors), abs=1e-5)


def test_equal_explanations_are_similar_by_every_measure(pair):
    np.testing.assert_allclose(similarities(pair[0], 5 * pair[0]), 1, atol=1e-6)


def test_the_opposite_map_is_like_the_original_in_size_and_unlike_it_in_sign(pair):
    row = similarities(pair[0], -pair[0])[0]
    assert row[RANK] == pytest.approx(1)
    assert row[SIGNED_RANK] == pytest.approx(-1)


@pytest.mark.parametrize("value", [0.0, 1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("shape", [(2, 3, 48, 56), (2, 48, 56)])
def test_constant_and_non_finite_maps_are_undefined_and_disturb_no_others(value, shape):
    one = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    other = one.clone()
    other[0] = value
    result = similarities(one, other)
    assert np.isnan(result[0]).all()
    np.testing.assert_allclose(result[1], 1, atol=1e-6)


def test_undefined_values_are_counted_and_left_out_of_mean_and_spread():
    values = np.array([[0.2, np.nan], [0.4, np.nan], [np.nan, np.nan]])
    summary = mean_and_spread(values)
    np.testing.assert_allclose(summary["mean"], [0.3, np.nan])
    np.testing.assert_allclose(summary["spread"], [0.1, np.nan])
    assert summary["valid"].tolist() == [2, 0]


def test_explanations_of_different_shapes_are_refused(pair):
    with pytest.raises(ValueError, match=r"\(2, 3, 48, 56\).*\(2, 48, 56\)"):
        similarities(pair[0], pair[1].sum(1))
