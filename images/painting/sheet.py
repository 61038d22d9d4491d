"""A sheet that takes outlines filled with transparent washes or opaque body colour."""

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from fields import rgb
from noise import fractal_noise, smooth_noise

SCALE = 2  # drawn this many times larger, then shrunk, so that edges come out smooth

Fade = tuple[tuple[float, float], tuple[float, float]]  # from this point to that one
Box = tuple[slice, slice]


class Sheet:
    """A layer under way; all positions and lengths are in pixels of the finished picture.

    `surface` holds colour already weighted by `alpha`, so that a layer which starts empty can later be
    laid over another one without a dark seam.
    """

    def __init__(self, width: int, height: int):
        """Start from an empty, wholly transparent sheet."""
        self.width, self.height = width, height
        self.surface = np.zeros((height * SCALE, width * SCALE, 3))
        self.alpha = np.zeros((height * SCALE, width * SCALE, 1))

    def wash(
        self,
        outline: np.ndarray,
        colour: str,
        strength: float = 0.8,
        fade: Fade | None = None,
        soft: float = 0.7,
    ) -> None:
        """Let a transparent colour sink in: what lies below shines through and is tinted.

        `fade` is a pair of points: the wash is full at the first, and has run dry at the second.
        `soft` blurs its edge by so many pixels.
        """
        box, amount = self._coverage(outline, strength, fade, soft)
        self.surface[box] *= 1 - amount * (1 - rgb(colour))

    def cover(
        self,
        outline: np.ndarray,
        colour: str,
        strength: float = 1.0,
        fade: Fade | None = None,
        soft: float = 0.7,
    ) -> None:
        """Lay an opaque colour over what is there; `fade` and `soft` as for a wash."""
        box, amount = self._coverage(outline, strength, fade, soft)
        self.surface[box] += amount * (rgb(colour) - self.surface[box])
        self.alpha[box] += amount * (1 - self.alpha[box])

    def _coverage(self, outline: np.ndarray, strength: float, fade: Fade | None, soft: float) -> tuple[Box, np.ndarray]:
        """Return the box around an outline and how much pigment lies on each of its pixels, 0 to 1."""
        points = np.asarray(outline, dtype=float) * SCALE
        margin = 6 + round(4 * soft)
        left, top = np.maximum(points.min(axis=0).astype(int) - margin, 0)
        right, bottom = np.maximum(points.max(axis=0).astype(int) + margin, 1)
        box = slice(top, min(bottom, self.height * SCALE)), slice(left, min(right, self.width * SCALE))
        rows, columns = self.alpha[box].shape[:2]
        mask = Image.new("L", (columns, rows), 0)
        ImageDraw.Draw(mask).polygon([tuple(point) for point in points - (left, top)], fill=255)
        inside = gaussian_filter(np.asarray(mask, dtype=float) / 255, soft)
        amount = self._settle(inside * strength, inside, box)
        if fade is not None:
            amount = amount * fading(fade, left, top, amount.shape)
        return box, np.clip(amount, 0, 1)[..., None]

    def _settle(self, amount: np.ndarray, inside: np.ndarray, box: Box) -> np.ndarray:
        """Leave the pigment even; subclasses may let it gather."""
        return amount


class Paper(Sheet):
    """A sheet of watercolour paper: pigment pools along edges and settles in the grain."""

    def __init__(self, colours: np.ndarray, rng: np.random.Generator):
        """Start from a field of paper colours of the final size."""
        super().__init__(colours.shape[1], colours.shape[0])
        self.surface = colours.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
        shape = self.surface.shape[:2]
        self.grain = 0.6 * fractal_noise(shape, 40, 4, rng) + 0.4 * smooth_noise(shape, 1.2, rng)
        self.tooth = smooth_noise(shape, (1.4, 2.2), rng)

    def finish(self) -> Image.Image:
        """Raise the tooth of the paper a little and shrink the sheet to its final size."""
        light = np.gradient(self.tooth, axis=0) + np.gradient(self.tooth, axis=1)
        return shrink(self.surface * (1 + 0.028 * light[..., None]))

    def _settle(self, amount: np.ndarray, inside: np.ndarray, box: Box) -> np.ndarray:
        rim = np.clip(1 - gaussian_filter(inside, 4.0), 0, 1)
        return amount * (0.9 + 0.35 * rim + 0.055 * self.grain[box])


def fading(fade: Fade, left: int, top: int, shape: tuple[int, int]) -> np.ndarray:
    """Return 1 at the first point of `fade`, 0 at the second, evenly between; `left`, `top` place the box."""
    (start_x, start_y), (end_x, end_y) = fade
    x = (left + np.arange(shape[1])[None, :]) / SCALE - start_x
    y = (top + np.arange(shape[0])[:, None]) / SCALE - start_y
    across, down = end_x - start_x, end_y - start_y
    return np.clip(1 - (x * across + y * down) / (across**2 + down**2), 0, 1)


def shrink(surface: np.ndarray) -> Image.Image:
    """Turn an oversized array of colours into the finished picture."""
    picture = Image.fromarray((np.clip(surface, 0, 1) * 255).astype(np.uint8))
    size = (surface.shape[1] // SCALE, surface.shape[0] // SCALE)
    return picture.resize(size, Image.Resampling.LANCZOS)
