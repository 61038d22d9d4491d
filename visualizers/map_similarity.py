"""How alike two explanations are, measured as in Adebayo et al. 2018, arXiv 1810.03292."""

import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ConstantInputWarning, pearsonr, spearmanr
from skimage.feature import hog
from skimage.metrics import structural_similarity
from torch import Tensor

MEASURES = ("rank correlation", "signed rank correlation", "SSIM", "HOG correlation")
HOG_CELL = 16  # pixels


def similarities(first: Tensor, second: Tensor) -> NDArray[np.float64]:
    """The measures of each pair of explanations: (N, 4), in the order of MEASURES, NaN where one is undefined.

    Explanations are gradients (N, 3, H, W) or maps (N, H, W). The signed map is the sum over the channels, the
    absolute map the sum of absolute values; each is divided by its largest absolute value. Rank correlations are
    Spearman's, of the absolute and of the signed map; SSIM (data_range 1) and Pearson's correlation of HOG descriptors
    compare the absolute maps. A measure is undefined when a map is constant or not finite.
    """
    if first.shape != second.shape or first.ndim not in (3, 4):
        raise ValueError(f"explanations of shapes {tuple(first.shape)} and {tuple(second.shape)} cannot be compared")
    pairs = zip(first.detach().cpu().double().numpy(), second.detach().cpu().double().numpy(), strict=True)
    return np.array([pair_similarities(one, other) for one, other in pairs]).reshape(-1, len(MEASURES))


def pair_similarities(one: NDArray, other: NDArray) -> list[float]:
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return [np.nan] * len(MEASURES)
    absolute = [scaled(absolute_map(values)) for values in (one, other)]
    signed = [scaled(signed_map(values)) for values in (one, other)]
    return [
        rank_correlation(*absolute),
        rank_correlation(*signed),
        ssim(*absolute),
        hog_correlation(*absolute),
    ]


def signed_map(values: NDArray) -> NDArray:
    return values.sum(axis=0) if values.ndim == 3 else values


def absolute_map(values: NDArray) -> NDArray:
    return np.abs(values).sum(axis=0) if values.ndim == 3 else np.abs(values)


def scaled(values: NDArray) -> NDArray:
    """Divided by the largest absolute value; an all-zero map stays zero."""
    return values / (np.abs(values).max() or 1.0)


def is_constant(values: NDArray) -> bool:
    return values.min() == values.max()


def rank_correlation(one: NDArray, other: NDArray) -> float:
    if is_constant(one) or is_constant(other):
        return np.nan
    return float(spearmanr(one, other, axis=None).statistic)


def ssim(one: NDArray, other: NDArray) -> float:
    if is_constant(one) or is_constant(other):
        return np.nan
    return float(structural_similarity(one, other, data_range=1.0))


def hog_correlation(one: NDArray, other: NDArray) -> float:
    if is_constant(one) or is_constant(other):
        return np.nan
    cell = min(HOG_CELL, min(one.shape) // 3)
    descriptors = [hog(values, pixels_per_cell=(cell, cell)) for values in (one, other)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        return float(pearsonr(*descriptors).statistic)


def mean_and_spread(values: NDArray, axis: int | tuple[int, ...] = 0) -> Mapping[str, NDArray]:
    """Mean and standard deviation over the defined values, and how many there are."""
    valid = np.isfinite(values).sum(axis=axis)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of an empty mean: it is NaN, which is what we say
        return {"mean": np.nanmean(values, axis=axis), "spread": np.nanstd(values, axis=axis), "valid": valid}
