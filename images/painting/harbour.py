"""A harbour at evening: gabled houses and a bell tower along a quay, boats, and their reflections."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates, zoom

from boats import draw_far_sail, draw_rowing_boat, draw_sloop, draw_trawler
from fields import blend, pixel_grid, ramp, rgb
from noise import fractal_noise, smooth_noise
from sheet import SCALE, Sheet, shrink
from town import draw_town
from water import HEIGHT, HORIZON, WIDTH, float_boat, flood, lay_over, ripple_field

CLOUD_SEED = 7
SUN_X = -40  # the sun stands low, just outside the picture on the left

AIR = [
    (0.0, "#35608f"),
    (0.35, "#6f97b4"),
    (0.6, "#b4bfc0"),
    (0.78, "#efcfa4"),
    (0.92, "#fbdc9c"),
    (1.0, "#fbe3b0"),
]
CLOUD = [(-1.0, "#77809f"), (-0.2, "#b59aa6"), (0.4, "#eab392"), (1.0, "#ffdcae"), (1.6, "#fff2d6")]


def paint() -> Image.Image:
    """Paint the air, then the town, then the water that mirrors both, then the boats."""
    rng = np.random.default_rng(1871)
    picture = enlarge(far_view(rng))
    town = draw_town(WIDTH, HEIGHT, rng)
    weather(town, rng)
    picture = lay_over(picture, town.surface, town.alpha)
    ripples = ripple_field(rng)
    picture = flood(picture, ripples)
    for draw, x, water in [
        (draw_far_sail, 884, 463), (draw_sloop, 196, 548),
        (draw_rowing_boat, 444, 574), (draw_trawler, 706, 622),
    ]:  # fmt: skip
        picture = float_boat(picture, ripples, draw, x, water)
    return shrink(develop(picture, rng))


def enlarge(picture: np.ndarray) -> np.ndarray:
    """Stretch a picture of the final size to the working size."""
    return np.clip(zoom(picture, (SCALE, SCALE, 1), order=1, mode="nearest", grid_mode=True), 0, 1)


def far_view(rng: np.random.Generator) -> np.ndarray:
    """Return sky, clouds and three ranges of hills, each paler and bluer the farther it lies."""
    x, y = pixel_grid(WIDTH, HEIGHT)
    colours = sky(x, y, np.random.default_rng(CLOUD_SEED))
    for base, height, feature, colour, haze in [
        (400, 46, 90, "#7f93ab", 0.62), (424, 40, 60, "#5f7f88", 0.40), (442, 26, 34, "#3f5f52", 0.15),
    ]:  # fmt: skip
        skyline = base - height * (0.35 + 0.5 * fractal_noise((1, WIDTH), feature, 4, rng)[0])
        skyline -= 0.05 * np.clip(700 - x[0], 0, None)
        inside = np.clip(y - skyline, 0, 1) * (y < HORIZON + 8)
        woods = 0.05 * fractal_noise(x.shape, 7, 3, rng, stretch=2)[..., None]
        slope = blend(
            rgb(colour) + woods,
            ramp(np.full(x.shape, 0.9), AIR),
            haze + 0.25 * np.clip((y - skyline) / 60, 0, 1),
        )
        colours = blend(colours, slope, inside)
    return np.clip(colours, 0, 1)


def sky(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grade the evening sky towards the sun and float clouds that catch its light from below."""
    height = y / HORIZON
    toward_sun = np.exp(-np.hypot((x - SUN_X) / 520, (y - 400) / 260))
    colours = ramp(np.clip(height + 0.10 * toward_sun, 0, 1), AIR)
    colours = blend(colours, rgb("#ffd27a"), 0.85 * toward_sun)
    # Clouds are sampled on a ceiling that recedes, so that they flatten towards the horizon.
    billows = fractal_noise((720, 720), 42, 6, rng)
    distance = 1 / (1.34 - np.clip(height, 0, 1))
    ceiling = np.stack([distance * 190 + 40, (x - WIDTH / 2) * distance * 0.5 + 360])
    toward_light = np.array([4.0, -5.0])[:, None, None]
    billow = map_coordinates(billows, ceiling, order=1, mode="reflect")
    lit_side = map_coordinates(billows, ceiling + toward_light, order=1, mode="reflect")
    cover = np.clip((billow - 0.15) * 1.4, 0, 1) * np.clip(1.3 - height, 0, 1)
    glow = 1.1 * (billow - lit_side) + 0.6 - 0.6 * np.clip(billow - 0.8, 0, 1) + 0.7 * toward_sun
    return blend(colours, ramp(glow, CLOUD), cover * 0.92)


def weather(town: Sheet, rng: np.random.Generator) -> None:
    """Mottle the whole town slightly, as plaster and stone are, and warm its sunny left."""
    shape = town.alpha.shape[:2]
    stains = 0.030 * smooth_noise(shape, (26, 9), rng) + 0.022 * smooth_noise(shape, 2.0, rng)
    warmth = np.linspace(1.10, 0.93, shape[1])[None, :]
    town.surface *= ((1 + stains) * warmth)[..., None]
    town.surface *= np.array([1.03, 0.985, 0.93])


def develop(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Finish as a photograph: bloom round the lights, a gentle contrast curve, vignette and fine grain."""
    bright = np.clip(picture - 0.72, 0, 1)
    bloom = gaussian_filter(bright, (9 * SCALE, 9 * SCALE, 0))
    picture = np.clip(picture + 0.5 * bloom, 0, 1)
    picture = blend(picture, picture**2 * (3 - 2 * picture), np.full(picture.shape[:2], 0.4))
    x, y = pixel_grid(WIDTH * SCALE, HEIGHT * SCALE)
    corner = np.hypot(x / (WIDTH * SCALE) - 0.5, y / (HEIGHT * SCALE) - 0.5)
    grain = 0.007 * smooth_noise(x.shape, 1.0, rng)
    return picture * (1 - 0.55 * np.clip(corner - 0.38, 0, 1) + grain)[..., None]
