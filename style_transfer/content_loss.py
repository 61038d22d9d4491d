"""Content loss: how far the features of the picture are from those of the photograph."""

import torch

from style_transfer.features import check_floating


def content_loss(content_weight: float, content_current: torch.Tensor, content_original: torch.Tensor) -> torch.Tensor:
    """content_weight * sum of squared differences of two feature tensors of the same shape (N, C, H, W): a scalar.

    Raises TypeError for anything but floating-point tensors, ValueError for different shapes. Gatys et al. 2015, arXiv
    1508.06576.
    """
    check_floating(content_current, "content_current")
    check_floating(content_original, "content_original")
    if content_current.shape != content_original.shape:
        shapes = f"{tuple(content_current.shape)} and {tuple(content_original.shape)}"
        raise ValueError(f"features of shapes {shapes} cannot be compared: take them from pictures of one size")
    ### BEGIN SOLUTION
    loss = content_weight * (content_current - content_original).square().sum()
    ### END SOLUTION
    return loss
