"""Colours of pictures: kept from the photograph, or taken from the painting before anything else is."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

LEAST_VARIANCE = 1e-5  # keeps the roots of a picture in one colour finite


def with_colors_of(painting: NDArray[np.uint8], photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The painting's brightness with the photograph's colours: uint8 (H, W, 3)."""
    brightness = Image.fromarray(painting).convert("YCbCr").getchannel("Y")
    _, blue, red = Image.fromarray(photograph).convert("YCbCr").split()
    return np.asarray(Image.merge("YCbCr", (brightness, blue, red)).convert("RGB"))


def matched_colors(content: Tensor, style: Tensor) -> Tensor:
    """The content (1, 3, H, W) with the mean and the covariance of the style's colours.

    Of all linear maps that do so it is the one that moves the colours least. Gatys et al. 2016, arXiv 1606.05897;
    Pitié and Kokaram 2007.
    """
    (mean, covariance), (style_mean, style_covariance) = color_statistics(content), color_statistics(style)
    root, inverse = matrix_power(covariance, 0.5), matrix_power(covariance, -0.5)
    mapping = inverse @ matrix_power(root @ style_covariance @ root, 0.5) @ inverse
    colors = mapping @ (content.double().flatten(2)[0] - mean) + style_mean
    return colors.view_as(content).to(content).contiguous(memory_format=torch.channels_last)


def color_statistics(picture: Tensor) -> tuple[Tensor, Tensor]:
    colors = picture.double().flatten(2)[0]
    mean = colors.mean(dim=1, keepdim=True)
    spread = colors - mean
    return mean, spread @ spread.T / spread.shape[1] + LEAST_VARIANCE * torch.eye(3).to(spread)


def matrix_power(symmetric: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(symmetric)
    return vectors @ torch.diag(values.clamp_min(LEAST_VARIANCE**2) ** exponent) @ vectors.T
