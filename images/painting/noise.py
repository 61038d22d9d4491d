"""Smooth random fields, the raw material of clouds, paper, ripples and hills."""

import numpy as np
from scipy.ndimage import gaussian_filter


def smooth_noise(shape: tuple[int, int], feature: float | tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return blurred white noise, mean 0 and standard deviation 1, whose blobs are `feature` pixels wide.

    A pair of features (vertical, horizontal) gives stretched blobs.
    """
    field = gaussian_filter(rng.standard_normal(shape), feature, mode="reflect")
    return (field - field.mean()) / field.std()


def fractal_noise(
    shape: tuple[int, int], feature: float, octaves: int, rng: np.random.Generator, stretch: float = 1.0
) -> np.ndarray:
    """Return noise with detail at `octaves` scales, each half as wide and half as strong as the one before.

    `stretch` makes the blobs that many times wider than they are tall.
    """
    total = np.zeros(shape)
    for octave in range(octaves):
        size = feature / 2**octave
        total += smooth_noise(shape, (size, size * stretch), rng) / 2**octave
    return total / total.std()
