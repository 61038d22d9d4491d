"""Windows, shutters, shop fronts and awnings: what a wall carries."""

import numpy as np

from shapes import rectangle
from sheet import Sheet

TRIM, SHADE, GLASS, LAMPLIGHT = "#efe3cf", "#4a3f63", "#34445a", "#ffc867"


def draw_window(sheet: Sheet, x: float, y: float, width: float, height: float, lit: bool) -> None:
    """Draw one sash window: frame, glass that mirrors the sky, the shadow of its recess, bars and sill."""
    sheet.cover(rectangle(x - 1.7, y - 1.7, width + 3.4, height + 3.4), TRIM)
    pane = rectangle(x, y, width, height)
    sheet.cover(pane, LAMPLIGHT if lit else GLASS)
    if lit:
        sheet.wash(pane, "#d9772c", 0.55, fade=((x, y), (x, y + height)))
    else:
        sheet.cover(pane, "#a8bac9", 0.75, fade=((x, y), (x + width * 0.4, y + height * 0.8)))
    sheet.wash(rectangle(x, y, width, 2.2), "#1d1a33", 0.6)
    sheet.wash(rectangle(x, y, 1.8, height), "#1d1a33", 0.5)
    sheet.cover(rectangle(x + width / 2 - 0.6, y, 1.2, height), TRIM, 0.95)
    for part in (0.36, 0.68):
        sheet.cover(rectangle(x, y + height * part - 0.5, width, 1.0), TRIM, 0.95)
    sheet.wash(rectangle(x - 1, y + height + 3.4, width + 6, 3.5), SHADE, 0.5, soft=1.5)
    sheet.cover(rectangle(x - 3, y + height + 1, width + 6, 2.4), "#fbf0dc")


def draw_shutter(sheet: Sheet, x: float, y: float, width: float, height: float, colour: str) -> None:
    """Draw an open louvred shutter with a shadow along its right edge."""
    sheet.wash(rectangle(x + 1, y + 1, width + 1.5, height + 1), SHADE, 0.5, soft=1.2)
    sheet.cover(rectangle(x, y - 1, width, height + 2), colour)
    for height_above in np.arange(y + 1.5, y + height, 2.6):
        sheet.wash(rectangle(x + 1, height_above, width - 2, 0.9), "#20202c", 0.45)


def draw_awning(sheet: Sheet, x: float, y: float, width: float, colour: str) -> None:
    """Stretch a striped awning that flares towards the quay, and let it darken the shop below."""
    sheet.wash(rectangle(x, y + 13, width, 8), SHADE, 0.55, soft=2.5)
    stripes = round(width / 6)
    for index in range(stripes):
        top = [x + 2 + (width - 4) * part / stripes for part in (index, index + 1)]
        bottom = [x - 2 + (width + 4) * part / stripes for part in (index, index + 1)]
        stripe = np.array([(top[0], y), (top[1], y), (bottom[1], y + 13), (bottom[0], y + 13)])
        sheet.cover(stripe, colour if index % 2 == 0 else "#f6ead2")
    whole = np.array([(x + 2, y), (x + width - 2, y), (x + width + 2, y + 13), (x - 2, y + 13)])
    sheet.wash(whole, SHADE, 0.4, fade=((x, y + 14), (x, y)))
