"""Style loss: which features appear together, wherever in the picture."""

from collections.abc import Sequence

import torch

from style_transfer.features import check_features
from style_transfer.self_product import SelfProduct


def gram_matrix(features: torch.Tensor, normalize: bool = True) -> torch.Tensor:
    """F F^T for the features (N, C, H, W) of each image, F being (C, H * W): (N, C, C).

    With `normalize` it is divided by C * H * W. Raises TypeError or ValueError for anything else.
    """
    check_features(features, "features")
    # Hint: flatten the positions into one dimension, whatever the memory layout (.view fails on some), and multiply.
    # Plain `flat @ flat.mT` is right; SelfProduct gives the same in two thirds of the time.
    ### BEGIN SOLUTION
    positions = features.permute(0, 2, 3, 1).flatten(start_dim=1, end_dim=2)
    gram = SelfProduct.apply(positions)
    if normalize:
        gram = gram / features[0].numel()
    ### END SOLUTION
    return gram


def style_loss(
    feats: Sequence[torch.Tensor],
    style_layers: Sequence[int],
    style_targets: Sequence[torch.Tensor],
    style_weights: Sequence[float],
) -> torch.Tensor:
    """Sum over `style_layers` of weight * sum of squared differences of Gram matrices: a scalar.

    `feats` is what `extract_features` gives; the i-th target (N or 1, C, C) and weight belong to the i-th style layer.
    Raises ValueError when their numbers differ. Gatys et al. 2015, arXiv 1508.06576.
    """
    if not 0 < len(style_layers) == len(style_targets) == len(style_weights):
        counts = f"{len(style_layers)} layers, {len(style_targets)} targets, {len(style_weights)} weights"
        raise ValueError(f"{counts}: give one target and one weight for each style layer")
    missing = [layer for layer in style_layers if feats[layer] is None]
    if missing:
        raise ValueError(f"there are no features of layers {missing}: ask extract_features for them")
    ### BEGIN SOLUTION
    loss = sum(
        weight * (gram_matrix(feats[layer]) - target).square().sum()
        for layer, target, weight in zip(style_layers, style_targets, style_weights, strict=True)
    )
    ### END SOLUTION
    return loss
