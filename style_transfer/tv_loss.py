"""Total-variation loss: how rough the picture is."""

import torch

from style_transfer.features import check_features


def tv_loss(img: torch.Tensor, tv_weight: float) -> torch.Tensor:
    """tv_weight * sum of squared differences of vertical and of horizontal neighbours in (N, 3, H, W): a scalar.

    Raises TypeError or ValueError for anything else. Mahendran and Vedaldi 2015, arXiv 1412.0035.
    """
    check_features(img, "img")
    ### BEGIN SOLUTION
    vertical = img[:, :, 1:, :] - img[:, :, :-1, :]
    horizontal = img[:, :, :, 1:] - img[:, :, :, :-1]
    loss = tv_weight * (vertical.square().sum() + horizontal.square().sum())
    ### END SOLUTION
    return loss
