"""A painting of a burning sky that rolls in bands over a fjord, with a low sun and dark headlands."""

import numpy as np
from PIL import Image

from brush import Brush, Canvas, paint_layer
from fields import blend, contour_flow, paste, pixel_grid, ramp, smear
from noise import fractal_noise, smooth_noise

WIDTH, HEIGHT = 960, 720
Fields = tuple[np.ndarray, np.ndarray, np.ndarray]  # flow, colours, density of bright flecks
SUN = (598, 318, 46)  # centre x, centre y, radius
SHORE = 356  # the height of the far waterline

SKY = [
    (-1.6, "#5e1a1c"), (-0.9, "#a82418"), (-0.3, "#d8411b"), (0.2, "#ea6a1e"),
    (0.7, "#f39a35"), (1.2, "#f7c565"), (1.8, "#fbe9b0"),
]  # fmt: skip
COOL = [(-1.0, "#33506b"), (0.3, "#7a9aa0"), (1.2, "#c9c9a0")]
WATER = [
    (-1.5, "#071826"),
    (-0.6, "#0d3146"),
    (0.1, "#17535f"),
    (0.8, "#3b857f"),
    (1.5, "#a8b98a"),
    (2.0, "#f2b85a"),
]
EMBER = [(-1.0, "#9c2f1a"), (0.0, "#e2691f"), (0.8, "#f8b24a"), (1.5, "#fde7a4")]
LAND = [(-1.2, "#0a1018"), (-0.3, "#16252f"), (0.5, "#26444a"), (1.2, "#4d6f5c"), (1.8, "#b5562a")]
MEADOW = [(-1.4, "#0b1a1e"), (-0.5, "#153a36"), (0.3, "#2c5f4a"), (1.0, "#6f8a48"), (1.7, "#d99a3c")]


def paint() -> Image.Image:
    """Paint the picture thinly, with long lines, so that the warm ground shows between them."""
    rng = np.random.default_rng(23)
    x, y = pixel_grid(WIDTH, HEIGHT)
    flow, colours, light = compose(x, y, rng)
    canvas = Canvas(WIDTH, HEIGHT, (176, 104, 52))
    for brush in [
        Brush(width=20, length=260, spacing=15, colour_jitter=0.03, bristle=1.8),
        Brush(width=9, length=210, spacing=9.5, colour_jitter=0.035),
        Brush(width=5, length=130, spacing=8, colour_jitter=0.045),
    ]:
        paint_layer(canvas, flow, colours, brush, rng)
    lines = Brush(width=3.2, length=150, spacing=8, colour_jitter=0.06)
    paint_layer(canvas, flow, np.clip(colours * 1.12 + 0.03, 0, 1), lines, rng, where=light)
    return canvas.finish(depth=0.17)


def compose(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Fields:
    """Put sky, far mountains, fjord and near bank together; return flow, colours and highlight density."""
    wobble = fractal_noise(x.shape, 80, 3, rng)
    grain = smooth_noise(x.shape, 6, rng)
    fields = sky(x, y, wobble, grain)
    ridge = SHORE - 46 * np.exp(-(((x - 250) / 120) ** 2)) - 74 * np.exp(-(((x - 40) / 130) ** 2))
    ridge -= 52 * np.exp(-(((x - 905) / 120) ** 2)) + 4 * np.sin(x / 17) + 4
    fields = paste(fields, mountains(x, y - ridge, wobble, grain), y > ridge)
    fields = paste(fields, fjord(x, y, wobble, grain), y > SHORE)
    bank = 700 - 250 * np.exp(-(((x + 40) / 300) ** 2)) - 190 * np.exp(-(((x - 1010) / 190) ** 2))
    bank += 10 * np.sin(x / 47) + 5 * wobble
    return paste(fields, meadow(x, y - bank, bank, grain), y > bank)


def sky(x: np.ndarray, y: np.ndarray, wobble: np.ndarray, grain: np.ndarray) -> Fields:
    """Roll bands of fire across the sky; near the sun they swell around it."""
    distance = np.hypot(x - SUN[0], (y - SUN[1]) * 1.1)
    swell = np.exp(-((distance / 190) ** 2))
    level = y + 34 * np.sin(x / 118 + y / 130) + 16 * np.sin(x / 57 - y / 90 + 1.0) + 9 * wobble
    level = level * (1 - swell) + (SUN[1] + distance * 1.1 - 60) * swell
    flow = contour_flow(level)
    streaks = smear(grain, flow, 180)
    bands = 0.75 * np.sin(level / 15.5) + 0.35 * np.sin(level / 41 + 1) + 0.45 * streaks
    warmth = bands - 0.55 + 0.9 * (y / SHORE) ** 2 + 0.9 * np.exp(-distance / 110)
    colours = ramp(warmth, SKY)
    rift = np.clip(1.6 * np.sin(level / 36 + 2.1) - 0.95 + 0.25 * streaks, 0, 1) * np.clip(1.1 - y / 260, 0, 1)
    colours = blend(colours, ramp(bands, COOL), rift)
    disc = distance < SUN[2]
    colours = np.where(disc[..., None], ramp(1.7 - distance / 90 + 0.15 * streaks, SKY), colours)
    return flow, colours, 0.10 + 0.45 * (bands > 0.5) + 0.4 * disc


def mountains(x: np.ndarray, depth: np.ndarray, wobble: np.ndarray, grain: np.ndarray) -> Fields:
    """Lay dark mountains on the far shore, their rims still glowing."""
    flow = contour_flow(depth * 1.0 + 6 * np.sin(x / 40) + 5 * wobble)
    shade = 0.5 * smear(grain, flow, 80) - 0.2 + 1.6 * np.exp(-depth / 5)
    return flow, ramp(shade, LAND), 0.1 + 0.3 * (depth < 6)


def fjord(x: np.ndarray, y: np.ndarray, wobble: np.ndarray, grain: np.ndarray) -> Fields:
    """Carry the bands on as slow blue-green swells, with the sun's wavering path across them."""
    depth = np.clip(y - SHORE, 0, None)
    near = depth / (HEIGHT - SHORE)  # 0 at the far shore, 1 at the viewer's feet
    bend = (0.7 + 1.3 * near) * (np.sin(x / 140 + 2.6 * near) + 0.5 * np.sin(x / 58 - 5 * near))
    phase = 25 * np.log1p(depth / 42) + 1.1 * bend + 0.25 * wobble
    flow = contour_flow(phase * 20)
    streaks = smear(grain, flow, 160)
    swell = np.minimum(0.75 * np.sin(phase) + 0.5 * streaks, 1.1)  # streaks pile up at the margins
    colours = ramp(swell - 0.15 + 0.7 * np.exp(-depth / 26), WATER)
    path = np.exp(-(np.abs((x - SUN[0] - 12 * bend) / (30 + 105 * near)) ** 1.5))
    glow = np.clip(2.1 * path - 0.75 + 0.65 * swell, 0, 1) * (1 - 0.4 * near)
    colours = blend(colours, ramp(0.75 + 0.6 * swell - 0.75 * near, EMBER), glow)
    return flow, colours, 0.08 + 0.35 * (swell > 0.6) + 0.4 * glow


def meadow(x: np.ndarray, depth: np.ndarray, bank: np.ndarray, grain: np.ndarray) -> Fields:
    """Let the near bank run down to the water in dark grasses that echo the shoreline."""
    flow = contour_flow(depth + 14 * np.sin(x / 70) * np.tanh(depth / 120))
    shade = 0.6 * np.sin(depth / 12 + 0.8 * np.sin(x / 80)) + 0.55 * smear(grain, flow, 140)
    return (
        flow,
        ramp(shade - 0.1 - depth / 260 + 1.2 * np.exp(-depth / 7), MEADOW),
        0.08 + 0.3 * (shade > 0.6),
    )
