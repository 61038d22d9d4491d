"""Still harbour water that mirrors what stands behind it and what floats on it."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from fields import blend, pixel_grid, rgb
from noise import smooth_noise
from sheet import SCALE, Sheet
from town import QUAY_END, WATERLINE

WIDTH, HEIGHT = 960, 720
HORIZON = 450
DEEP = "#14323f"


def ripple_field(rng: np.random.Generator) -> np.ndarray:
    """Return the slope of the water at every pixel, from waves of five sizes seen in perspective."""
    x, y = pixel_grid(WIDTH * SCALE, HEIGHT * SCALE)
    below = np.maximum(y / SCALE - HORIZON, 3)
    far = 1000 / below
    side = (x / SCALE - WIDTH / 2) / below
    texture = smooth_noise((512, 512), 4, rng)
    slope = np.zeros_like(x)
    for length, weight in [(0.07, 0.45), (0.16, 0.7), (0.4, 0.7), (1.0, 0.5), (2.6, 0.35)]:
        visible = np.exp(-((1.2 * far**2 / 1000 / length) ** 2))
        place = [far / length * 13 + 77 / length, side / length * 4.2 + 300 + 31 / length]
        slope += weight * visible * map_coordinates(texture, place, order=1, mode="grid-wrap")
    return slope


def mirror(layer: np.ndarray, line: np.ndarray, ripples: np.ndarray, squeeze: float = 1.2) -> np.ndarray:
    """Read `layer` upside down about its waterline, shaken by the ripples.

    `line` is the height of the waterline at every pixel, or one for all; `squeeze` shortens the image.
    """
    rows, columns = np.indices(ripples.shape).astype(float)
    below = rows / SCALE - line
    reach = np.clip(rows / SCALE - HORIZON, 4, None)
    source = SCALE * (line - squeeze * below - 0.062 * reach * ripples)
    source = np.minimum(source, SCALE * line - 1)
    place = [np.clip(source, 0, None), columns + 0.02 * SCALE * reach * ripples]
    channels = [
        map_coordinates(layer[..., channel], place, order=1, mode="nearest") for channel in range(layer.shape[2])
    ]
    return np.stack(channels, axis=-1)


def flood(picture: np.ndarray, ripples: np.ndarray) -> np.ndarray:
    """Fill everything below the quay, and below the far shore beside it, with mirroring water."""
    rows, columns = np.indices(ripples.shape)
    shaken = columns / SCALE + 6 * np.clip(rows / SCALE - WATERLINE, 0, 40) / 40 * ripples
    line = np.where(shaken < QUAY_END, WATERLINE, HORIZON + 4)
    softened = gaussian_filter(picture, (3.5 * SCALE, 0.8 * SCALE, 0))
    image = mirror(softened, line, ripples)
    near = np.clip((rows / SCALE - HORIZON) / (HEIGHT - HORIZON), 0, 1)
    strength = 0.92 - 0.34 * near - 0.08 * ripples * (0.3 + near)
    water = blend(np.broadcast_to(rgb(DEEP), image.shape), image, strength)
    return blend(picture, water, rows / SCALE >= line)


def float_boat(picture: np.ndarray, ripples: np.ndarray, draw: Callable, x: float, water: float) -> np.ndarray:
    """Set a boat on the water at the height `water`: first its broken image, then itself."""
    sheet = Sheet(WIDTH, HEIGHT)
    draw(sheet, x, water)
    layer = np.concatenate([sheet.surface, sheet.alpha], axis=2)
    image = mirror(layer, np.full((1, 1), water), ripples, squeeze=1.0)
    image[: round(water * SCALE)] = 0
    tinted = image[..., :3] * 0.62 + image[..., 3:] * 0.30 * rgb(DEEP)
    picture = lay_over(picture, tinted, image[..., 3:] * 0.9)
    return lay_over(picture, sheet.surface, sheet.alpha)


def lay_over(picture: np.ndarray, surface: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Lay a transparent layer over a picture."""
    return picture * (1 - alpha) + surface
