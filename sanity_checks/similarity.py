"""How alike two explanations are, measured as in Adebayo et al. 2018, arXiv 1810.03292."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import scipy
import skimage
import torch
from numpy.typing import NDArray
from torch import Tensor

HOG_CELL = 16  # pixels


def signed_map(values: NDArray) -> NDArray:
    """The sum over the colour channels, divided by the largest absolute value."""
    return scaled(values.sum(axis=0) if values.ndim == 3 else values)


def absolute_map(values: NDArray) -> NDArray:
    """The sum of absolute values over the colour channels, divided by the largest."""
    return scaled(np.abs(values).sum(axis=0) if values.ndim == 3 else np.abs(values))


def scaled(values: NDArray) -> NDArray:
    return values / (np.abs(values).max() or 1.0)


def ranks(values: NDArray) -> NDArray:
    """Ties share their mean rank, as in `scipy.stats.rankdata`, which takes three times as long."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place.ravel()]


def gradient_histograms(values: NDArray) -> NDArray:
    cell = min(HOG_CELL, min(values.shape) // 3)
    return skimage.feature.hog(values, pixels_per_cell=(cell, cell))


def correlation(one: NDArray, other: NDArray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy.stats.ConstantInputWarning)  # the result is NaN, which is what we say
        return float(scipy.stats.pearsonr(one, other).statistic)


def structure(one: NDArray, other: NDArray) -> float:
    return float(skimage.metrics.structural_similarity(one, other, data_range=1.0))


@dataclass(frozen=True)
class Measure:
    """What is taken from an explanation, which costs most of the time, and how two of these are compared."""

    map: Callable[[NDArray], NDArray]
    view: Callable[[NDArray], NDArray]
    compare: Callable[[NDArray, NDArray], float]


# Spearman's correlation is Pearson's correlation of ranks.
MEASURES: dict[str, Measure] = {
    "rank correlation": Measure(absolute_map, ranks, correlation),
    "signed rank correlation": Measure(signed_map, ranks, correlation),
    "SSIM": Measure(absolute_map, np.asarray, structure),
    "HOG correlation": Measure(absolute_map, gradient_histograms, correlation),
}

Description = list[dict[str, NDArray | None]]


def describe(explanations: Mapping[str, Tensor], measures: Sequence[str] = tuple(MEASURES)) -> dict[str, Description]:
    """For each method and image what every measure looks at, None where its map is constant or not finite."""

    def views(values: NDArray) -> dict[str, NDArray | None]:
        return {name: view(values, MEASURES[name]) for name in measures}

    arrays = {method: values.detach().double().cpu().numpy() for method, values in explanations.items()}
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # sorting needs no Python
        described = pool.map(views, chain.from_iterable(arrays.values()))
        return {method: list(islice(described, len(values))) for method, values in arrays.items()}


def view(values: NDArray, measure: Measure) -> NDArray | None:
    if not np.isfinite(values).all():
        return None
    one_map = measure.map(values)
    return measure.view(one_map) if one_map.min() < one_map.max() else None


def compare_descriptions(first: Description, second: Description) -> NDArray[np.float64]:
    """Each pair's similarity by every measure: (N, measures), NaN where one is undefined."""
    return np.array(
        [
            [
                np.nan if one[name] is None or other[name] is None else MEASURES[name].compare(one[name], other[name])
                for name in one
            ]
            for one, other in zip(first, second, strict=True)
        ]
    )


def similarities(first: Tensor, second: Tensor, measures: Sequence[str] = tuple(MEASURES)) -> NDArray[np.float64]:
    """The similarity of each pair of explanations: (N, measures), NaN where a measure is undefined.

    Explanations are gradients (N, 3, H, W) or maps (N, H, W). The signed map is the sum over the channels, the
    absolute map the sum of absolute values; each is divided by its largest absolute value. Rank correlations are
    Spearman's, of the absolute and of the signed map; SSIM (data_range 1) and Pearson's correlation of HOG descriptors
    compare the absolute maps. A measure is undefined when a map is constant or not finite.
    """
    if first.shape != second.shape or first.ndim not in (3, 4):
        raise ValueError(f"explanations of shapes {tuple(first.shape)} and {tuple(second.shape)} cannot be compared")
    described = describe({"first": first, "second": second}, measures)
    return compare_descriptions(described["first"], described["second"])


def mean_and_spread(values: NDArray, axis: int | tuple[int, ...] = 0) -> Mapping[str, NDArray]:
    """Mean and standard deviation over the defined values, and how many there are."""
    valid = np.isfinite(values).sum(axis=axis)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of an empty mean: it is NaN, which is what we say
        return {"mean": np.nanmean(values, axis=axis), "spread": np.nanstd(values, axis=axis), "valid": valid}
