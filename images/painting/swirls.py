"""A painting of an oak in a wheat field, under a night sky that turns in luminous whorls."""

import numpy as np
from PIL import Image

from brush import Brush, Canvas, paint_layer
from fields import blend, heading_flow, paste, pixel_grid, ramp, smear, unit
from noise import fractal_noise, smooth_noise

WIDTH, HEIGHT = 960, 720
Fields = tuple[np.ndarray, np.ndarray, np.ndarray]  # flow, colours, density of bright flecks

# Centre x, centre y, radius, direction of turning, brightness.
WHORLS = [
    (652, 196, 205, 1, 1.0),
    (262, 128, 128, -1, 0.85),
    (905, 62, 78, -1, 0.6),
    (430, 330, 92, -1, 0.6),
    (893, 350, 100, 1, 0.75),
    (58, 288, 92, 1, 0.55),
]
# Clumps of the oak's crown, far ones first: centre x, centre y, radius.
CLUMPS = [
    (100, 405, 58), (292, 418, 56), (150, 352, 64), (246, 356, 62), (66, 458, 48), (326, 462, 42),
    (196, 318, 52), (128, 462, 60), (262, 462, 62), (196, 404, 72), (190, 480, 50),
]  # fmt: skip

NIGHT = [
    (-1.5, "#070d2b"),
    (-0.7, "#10215c"),
    (0.0, "#1c4593"),
    (0.7, "#3a7fba"),
    (1.4, "#7fb9c4"),
    (2.0, "#d3dfb8"),
]
GLOW = [(0.0, "#fff4c4"), (0.35, "#ffdc72"), (0.7, "#f0a92f"), (1.0, "#c07f2c")]
HILLS = [(-1.3, "#081727"), (-0.3, "#12344d"), (0.5, "#23606a"), (1.3, "#6aa284"), (1.8, "#d8c878")]
WHEAT = [
    (-1.7, "#2b3560"),
    (-1.1, "#6a4622"),
    (-0.4, "#a86c1e"),
    (0.3, "#d99a2b"),
    (1.0, "#f0c557"),
    (1.9, "#fbe7a0"),
]
LEAVES = [(-1.2, "#051520"), (-0.3, "#0e3535"), (0.4, "#256044"), (1.0, "#7d9a45"), (1.6, "#eccb62")]
BARK = [(-1.0, "#0d0c1a"), (0.4, "#38262b"), (1.2, "#b07b3c")]


def paint() -> Image.Image:
    """Paint the picture: broad strokes first, then finer ones, then flecks of light."""
    rng = np.random.default_rng(7)
    x, y = pixel_grid(WIDTH, HEIGHT)
    flow, colours, light = compose(x, y, rng)
    canvas = Canvas(WIDTH, HEIGHT, (18, 30, 70))
    for brush in [
        Brush(width=26, length=120, spacing=13, colour_jitter=0.04, bristle=2.0),
        Brush(width=12, length=90, spacing=8, colour_jitter=0.045),
        Brush(width=7.5, length=54, spacing=6.4, colour_jitter=0.055),
    ]:
        paint_layer(canvas, flow, colours, brush, rng)
    flecks = Brush(width=5.5, length=36, spacing=6, colour_jitter=0.05)
    paint_layer(canvas, flow, np.clip(colours * 1.1 + 0.04, 0, 1), flecks, rng, where=light)
    return canvas.finish()


def compose(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Fields:
    """Put sky, hills, wheat and oak together; return flow, colours and the density of bright flecks."""
    wobble = fractal_noise(x.shape, 60, 3, rng)
    grain = smooth_noise(x.shape, 7, rng)
    flow, colours, light = sky(x, y, wobble, grain)
    far = 432 + 40 * np.sin(x / 160 + 0.9) + 13 * np.sin(x / 63) - 0.06 * x
    near = 548 + 24 * np.sin(x / 200 + 2.6) - 0.02 * x
    for edge, painter in [(far, hills), (near, wheat)]:
        inside = y > edge
        ground = painter(x, y - edge, wobble, grain)
        flow, colours, light = paste((flow, colours, light), ground, inside)
    return oak(x, y, wobble, (flow, colours, light))


def sky(x: np.ndarray, y: np.ndarray, wobble: np.ndarray, grain: np.ndarray) -> Fields:
    """Let a winding stream of light be caught up in whorls, each with two spiral arms."""
    course = 262 + 74 * np.sin(x / 128 + 2.2) - 0.06 * x  # the height at which the stream runs
    heading = np.arctan(74 / 128 * np.cos(x / 128 + 2.2)) * np.exp(-(((y - course) / 190) ** 2)) + 0.22 * wobble
    flow = heading_flow(heading)
    arms = np.zeros_like(x)
    gold = np.zeros_like(x)
    for centre_x, centre_y, radius, turn, brightness in WHORLS:
        dx, dy = x - centre_x, (y - centre_y) * 1.15
        distance = np.hypot(dx, dy) / radius + 1e-3
        pull = np.exp(-((distance / 0.8) ** 2.6))
        around = np.stack([-dy * turn - 0.24 * dx, dx * turn - 0.24 * dy], axis=-1)
        flow = blend(flow, unit(around), 1.15 * pull)
        spiral = np.sin(2 * turn * np.arctan2(dy, dx) + 8.3 * np.log(distance + 0.12))
        arms += pull * (1.2 * spiral + 0.4)
        gold += brightness * pull * np.clip(1.45 - 2.0 * distance + 0.75 * spiral, 0, 1.3)
    flow = unit(flow)
    streaks = smear(grain, flow, 110)
    stream = np.exp(-(((y - course + 10 * wobble) / 34) ** 2))
    horizon = np.clip((y - 290) / 170, 0, 1)
    depth = 0.62 * streaks + arms + 1.15 * stream + 0.7 * horizon - 0.5 * (1 - y / HEIGHT)
    colours = blend(ramp(depth - 0.15, NIGHT), ramp(1.05 - 0.75 * gold - 0.12 * streaks, GLOW), gold * 1.25)
    return flow, colours, 0.06 + 0.4 * (depth > 0.9) + 0.3 * np.clip(gold, 0, 1)


def hills(x: np.ndarray, depth: np.ndarray, wobble: np.ndarray, grain: np.ndarray) -> Fields:
    """Roll dark blue-green hills whose strokes follow the skyline."""
    heading = 0.25 * np.cos(x / 160 + 0.9) + 0.22 * np.sin(depth / 26 + x / 90) + 0.1 * wobble
    flow = heading_flow(heading)
    folds = 0.55 * smear(grain, flow, 120) + 0.55 * np.sin(depth / 15 + 1.8 * np.sin(x / 120))
    return (
        flow,
        ramp(np.minimum(folds, 1.3) - 0.2 + 1.1 * np.exp(-depth / 6), HILLS),
        0.05 + 0.25 * (folds > 0.5),
    )


def wheat(x: np.ndarray, depth: np.ndarray, wobble: np.ndarray, grain: np.ndarray) -> Fields:
    """Sweep golden wheat in furrows that fan out towards the viewer, with blue shadow between them."""
    fan = (x - 640 - 40 * np.sin(depth / 60)) / (95 + depth * 2.0)
    heading = np.pi / 2 - 1.1 * np.tanh(fan * 0.75) + 0.22 * wobble
    flow = heading_flow(heading)
    furrows = 0.75 * np.sin(fan * 10 + 0.6 * wobble) + 0.65 * smear(grain, flow, 90)
    shade = furrows - 0.0035 * depth + 0.25 + 0.6 * np.exp(-depth / 12)
    return flow, ramp(shade, WHEAT), 0.08 + 0.35 * (shade > 0.7)


def oak(x: np.ndarray, y: np.ndarray, wobble: np.ndarray, fields: Fields) -> Fields:
    """Stand an old oak before the hills, clump by clump, lit by the great whorl on its right."""
    lean = 196 + 9 * np.sin(y / 38)
    trunk = (np.abs(x - lean) < 19 + 0.0034 * np.clip(y - 560, 0, None) ** 2) & (y > 470) & (y < 622)
    upward = np.stack([0.24 * np.cos(y / 38), np.ones_like(y)], axis=-1)
    fields = paste(fields, (upward, ramp((x - lean) / 22 + 0.5 * wobble, BARK), np.zeros_like(x)), trunk)
    for centre_x, centre_y, radius in CLUMPS:
        dx, dy = (x - centre_x) / radius, (y - centre_y) / radius
        angle = np.arctan2(dy, dx)
        distance = np.hypot(dx / 1.12, dy) + 0.10 * wobble + 0.05 * np.sin(7 * angle + centre_x)
        turning = unit(np.stack([-dy - 0.4 * dx, dx - 0.4 * dy], axis=-1))
        shade = 0.8 * dx - 0.95 * dy - 0.05 + 0.35 * np.sin(9 * distance + 2 * angle) + 0.25 * wobble
        leaves = turning, ramp(shade, LEAVES), 0.4 * (shade > 0.8)
        fields = paste(fields, leaves, distance < 1)
    return fields
