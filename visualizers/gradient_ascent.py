"""The step that both fooling images and class visualizations take."""

import torch
from torch import Tensor


def normalized_step(gradient: Tensor, learning_rate: float) -> Tensor:
    """learning_rate * g / ||g|| for each image of (N, 3, H, W); zero where the gradient is zero."""
    largest = gradient.abs().amax(dim=(1, 2, 3), keepdim=True)
    direction = gradient / largest.clamp_min(torch.finfo(gradient.dtype).tiny)  # squares of tiny numbers would be zero
    norm = torch.linalg.vector_norm(direction, dim=(1, 2, 3), keepdim=True)
    return learning_rate * direction / norm.clamp_min(1)
