"""Oil-paint brush strokes: bristles drawn along a flow, and the relief of thick paint under a light."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from tqdm import tqdm

from fields import follow, sample

SCALE = 2  # everything is drawn this many times larger, then shrunk, so that edges come out smooth


@dataclass(frozen=True)
class Brush:
    """One kind of stroke; lengths in pixels of the finished picture."""

    width: float
    length: float
    spacing: float  # mean distance between the starts of neighbouring strokes
    colour_jitter: float = 0.05  # how far the colour of a whole stroke strays
    bristle_jitter: float = 0.05  # how far the colour of single bristles strays
    bristle: float = 1.3  # thickness of one bristle's line


class Canvas:
    """A coloured surface plus a height map of the paint that lies on it."""

    def __init__(self, width: int, height: int, ground: tuple[int, int, int]):
        size = (width * SCALE, height * SCALE)
        self.width, self.height = width, height
        self.colour = Image.new("RGB", size, ground)
        self.relief = Image.new("L", size, 90)
        self._colour_pen = ImageDraw.Draw(self.colour)
        self._relief_pen = ImageDraw.Draw(self.relief)

    def stroke(
        self, path: np.ndarray, width: float, colour: np.ndarray, brush: Brush, rng: np.random.Generator
    ) -> None:
        """Drag one brush of many bristles along `path`, an array of (x, y) points."""
        count = max(3, round(width / brush.bristle * 1.25))
        lines = bristle_lines(path, width, count, rng)
        shades = colour + rng.normal(0, brush.bristle_jitter, (count, 1)) + rng.normal(0, 0.012, (count, 3))
        inks = (np.clip(shades, 0, 1) * 255).astype(int).tolist()
        heights = np.clip(rng.uniform(90, 165) + rng.normal(0, 38, count), 0, 255).astype(int).tolist()
        ends = ragged_ends(len(path), count, rng)
        thickness = max(2, round(brush.bristle * SCALE))
        for line, ink, height, (first, last) in zip(lines, inks, heights, ends, strict=True):
            points = np.ascontiguousarray(line[first:last] * SCALE, dtype=np.float32)
            self._colour_pen.line(points, fill=tuple(ink), width=thickness)
            self._relief_pen.line(points, fill=height, width=thickness)

    def finish(self, depth: float = 0.22) -> Image.Image:
        """Light the relief from the upper left and shrink the canvas to its final size."""
        height = gaussian_filter(np.asarray(self.relief, dtype=np.float32) / 255, 0.9)
        slope_y, slope_x = np.gradient(height)
        light = np.tanh((slope_x * 0.7 + slope_y) * 5.0) * depth
        paint = np.asarray(self.colour, dtype=np.float32) / 255
        # Shade by multiplying, but lift the brightest ridges towards white: wet oil glints.
        lit = paint * (1 + light[..., None]) + np.clip(light - 0.10, 0, 1)[..., None] * 0.35
        picture = Image.fromarray((np.clip(lit, 0, 1) * 255).astype(np.uint8))
        return picture.resize((self.width, self.height), Image.Resampling.LANCZOS)


def bristle_lines(path: np.ndarray, width: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return `count` lines side by side along `path`, closing up a little towards both ends."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    offsets = np.linspace(-0.5, 0.5, count) + rng.normal(0, 0.25 / count, count)
    along = np.linspace(0, 1, len(path))
    taper = 0.45 + 0.55 * np.sin(np.pi * np.clip(along * 0.9 + 0.08, 0, 1)) ** 0.6
    return path + (offsets[:, None] * taper * width)[..., None] * normal


def ragged_ends(points: int, count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return, for each bristle, the first and last point at which it touches the canvas."""
    slack = max(1, points // 4)
    first = rng.integers(0, slack, count)
    last = points - rng.integers(0, slack, count)
    return list(zip(first.tolist(), last.tolist(), strict=True))


def scattered_starts(width: int, height: int, spacing: float, rng: np.random.Generator) -> np.ndarray:
    """Return stroke starts (x, y) on a jittered grid, in random order, so that no bare patch is left."""
    across, down = np.meshgrid(np.arange(0, width, spacing), np.arange(0, height, spacing))
    starts = np.stack([across.ravel(), down.ravel()], axis=1)
    starts = starts + rng.uniform(-0.7, 0.7, starts.shape) * spacing
    return rng.permutation(starts)


def paint_layer(
    canvas: Canvas,
    flow: np.ndarray,
    colours: np.ndarray,
    brush: Brush,
    rng: np.random.Generator,
    where: np.ndarray | None = None,
) -> None:
    """Cover the canvas with strokes along `flow`, each in the colour found beneath the stroke's middle.

    `where` is a field of probabilities (0 to 1) that thins the strokes out.
    """
    starts = scattered_starts(canvas.width, canvas.height, brush.spacing, rng)
    if where is not None:
        starts = starts[rng.random(len(starts)) < sample(where, starts)]
    paths = follow(flow, starts, brush.length)
    chosen = sample(colours, starts) + rng.normal(0, brush.colour_jitter, (len(starts), 1))
    chosen = chosen + rng.normal(0, brush.colour_jitter * 0.5, (len(starts), 3))
    widths = brush.width * rng.uniform(0.7, 1.25, len(starts))
    for path, width, colour in tqdm(list(zip(paths, widths, chosen, strict=True)), desc="  strokes", leave=False):
        canvas.stroke(path, width, colour, brush, rng)
