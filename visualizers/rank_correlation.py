"""How alike are two maps? Spearman's rank correlation, which asks about the order of their pixels alone."""

import torch
from torch import Tensor


def rank_correlation(first: Tensor, second: Tensor) -> Tensor:
    """The rank correlation of each pair of maps, (N, H, W) and (N, H, W): (N,), float64, from -1 to 1.

    It is Pearson's correlation of the ranks that the pixels have within their own map (Spearman 1904), and NaN where a
    map is constant, since all its ranks are the same. Raises ValueError for maps of different shapes or without
    batch dimension.
    """
    if first.ndim != 3 or first.shape != second.shape:
        raise ValueError(f"maps of shapes {tuple(first.shape)} and {tuple(second.shape)}: give (N, H, W) twice")
    ### BEGIN SOLUTION
    one, other = ranks(first), ranks(second)
    one, other = one - one.mean(dim=1, keepdim=True), other - other.mean(dim=1, keepdim=True)
    correlation = (one * other).sum(dim=1) / (one.norm(dim=1) * other.norm(dim=1))
    ### END SOLUTION
    return correlation


def ranks(maps: Tensor) -> Tensor:
    """The rank of every pixel within its map, from 1; equal pixels share the mean of theirs: (N, H * W), float64."""
    from scipy.stats import rankdata  # which takes a moment, and only this asks for it

    return torch.from_numpy(rankdata(maps.detach().cpu().double().flatten(1), axis=1))
