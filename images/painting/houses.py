"""Gabled houses seen from the front, lit by a low sun on the left."""

from dataclasses import dataclass

import numpy as np

from shapes import bar, disc, rectangle, ribbon, sector
from sheet import Sheet
from windows import GLASS, LAMPLIGHT, SHADE, TRIM, draw_awning, draw_shutter, draw_window


@dataclass(frozen=True)
class House:
    """One house; `eaves` and `peak` are heights above its foot, all lengths in pixels."""

    x: float
    width: float
    eaves: float
    peak: float
    gable: str  # "plain", "stepped", "curved", or "roof" for a roof that slopes towards the quay
    wall: str
    roof: str
    columns: int
    storeys: int
    shutters: str = ""
    awning: str = ""


def draw_house(sheet: Sheet, house: House, foot: float, rng: np.random.Generator) -> None:
    """Draw one house standing at the height `foot`."""
    eaves = foot - house.eaves
    outline = np.vstack([gable_line(house, foot), [(house.x + house.width, foot), (house.x, foot)]])
    if house.gable == "roof":
        draw_roof(sheet, house, foot, rng)
    else:
        draw_chimney(sheet, house.x + house.width * 0.74, eaves - (house.peak - house.eaves) * 0.42, rng)
    sheet.cover(outline, house.wall)
    shade_wall(sheet, house, outline, foot)
    if house.gable != "roof":
        trim_gable(sheet, house, foot)
    draw_storeys(sheet, house, foot, rng)
    draw_ground_floor(sheet, house, foot, rng)


def gable_line(house: House, foot: float) -> np.ndarray:
    """Return the upper edge of the wall from its left to its right end."""
    along, rise = {
        "roof": ([0, 1], [0, 0]),
        "plain": ([0, 0.5, 1], [0, 1, 0]),
        "stepped": (np.repeat(np.linspace(0, 1, 10), 2)[1:-1], stairs()),
        "curved": curve(),
    }[house.gable]
    height = house.eaves + np.asarray(rise) * (house.peak - house.eaves)
    return np.stack([house.x + np.asarray(along) * house.width, foot - height], axis=1)


def stairs() -> np.ndarray:
    """Return the rise of a crow-stepped gable: up four steps, across the top, and down again."""
    return np.repeat([0.12, 0.34, 0.56, 0.78, 1, 0.78, 0.56, 0.34, 0.12], 2)


def curve() -> tuple[np.ndarray, np.ndarray]:
    """Return a bell gable: hollow shoulders that swing up to a rounded top."""
    half = np.linspace(0, 0.5, 40)
    swing = 0.72 * (half / 0.34) ** 2.4
    crown = 0.72 + 0.28 * np.sqrt(np.clip(1 - ((half - 0.5) / 0.16) ** 2, 0, 1))
    rise = np.where(half < 0.34, swing, crown)
    return np.concatenate([half, 1 - half[-2::-1]]), np.concatenate([rise, rise[-2::-1]])


def shade_wall(sheet: Sheet, house: House, outline: np.ndarray, foot: float) -> None:
    """Model the wall: warm on the sunny left, cooler to the right, dim at its foot, weathered in courses."""
    middle = foot - house.eaves / 2
    right = house.x + house.width
    sheet.cover(outline, "#ffd9a0", 0.22, fade=((house.x, middle - 60), (right + 30, middle + 60)))
    sheet.wash(outline, SHADE, 0.42, fade=((right + 8, middle), (house.x + house.width * 0.25, middle - 40)))
    sheet.wash(outline, SHADE, 0.45, fade=((house.x, foot + 10), (house.x, foot - house.eaves * 0.7)))
    for height in np.arange(4, house.eaves, 4.0):
        sheet.wash(bar((house.x, foot - height), (right, foot - height), 0.7), SHADE, 0.13)
    sheet.wash(rectangle(right - 2.2, foot - house.eaves, 2.2, house.eaves), SHADE, 0.6, soft=1.5)
    sheet.cover(rectangle(house.x, foot - house.eaves, 1.3, house.eaves), "#fff0d0", 0.35)


def trim_gable(sheet: Sheet, house: House, foot: float) -> None:
    """Run a coping along the gable with its shadow below, and set a round window under the peak."""
    line = gable_line(house, foot)
    sheet.wash(ribbon(np.add(line, (1.5, 5)), 6, 6), SHADE, 0.38, soft=2.5)
    colour = house.roof if house.gable == "plain" else TRIM
    sheet.cover(ribbon(line, 4.2, 4.2), colour)
    sheet.cover(ribbon(np.add(line[: len(line) // 2 + 1], (0, -1.4)), 1.2, 1.2), "#fff1d2", 0.55)
    eaves = foot - house.eaves
    sheet.cover(rectangle(house.x - 1, eaves - 1, house.width + 2, 3), TRIM, 0.85)
    sheet.wash(rectangle(house.x, eaves + 2, house.width, 4), SHADE, 0.5, soft=2)
    centre = house.x + house.width / 2, eaves - (house.peak - house.eaves) * 0.36
    sheet.cover(disc(*centre, 6.6), TRIM)
    sheet.cover(disc(*centre, 4.8), GLASS)
    sheet.cover(sector(*centre, 4.8, 180, 360), "#9fb0c0", 0.7)


def draw_roof(sheet: Sheet, house: House, foot: float, rng: np.random.Generator) -> None:
    """Slope a tiled roof back from the quay, with chimneys and two dormers."""
    eaves, ridge = foot - house.eaves, foot - house.peak
    right = house.x + house.width
    draw_chimney(sheet, house.x + house.width * 0.2, ridge, rng)
    draw_chimney(sheet, house.x + house.width * 0.82, ridge, rng)
    slope = np.array([(house.x - 3, eaves), (house.x + 1, ridge), (right - 1, ridge), (right + 3, eaves)])
    sheet.cover(slope, house.roof)
    sheet.cover(slope, "#ffcf9a", 0.38, fade=((house.x, ridge), (right, eaves + 20)))
    for y in np.arange(ridge + 3, eaves, 3.6):
        sheet.wash(bar((house.x, y), (right, y), 1.1), "#3a2430", 0.42)
        for x in rng.uniform(house.x + 2, right - 8, 5):
            sheet.wash(rectangle(x, y, 5, 3), str(rng.choice(["#7a4a40", "#ffb184"])), 0.35)
    sheet.cover(rectangle(house.x, ridge - 1.6, house.width, 2.6), "#e7b58c", 0.8)
    for place in (0.3, 0.7):
        draw_dormer(sheet, house, house.x + house.width * place, (eaves + ridge) / 2 + 6)
    sheet.cover(rectangle(house.x - 3, eaves - 2, house.width + 6, 3.4), TRIM)


def draw_dormer(sheet: Sheet, house: House, centre: float, y: float) -> None:
    """Set a dormer window with its own small gable into the roof."""
    sheet.wash(rectangle(centre + 2, y - 12, 13, 24), "#2a1c30", 0.6, soft=2.5)
    front = np.array(
        [
            (centre - 8, y + 11),
            (centre - 8, y - 5),
            (centre, y - 14),
            (centre + 8, y - 5),
            (centre + 8, y + 11),
        ]
    )
    sheet.cover(front, house.wall)
    sheet.wash(front, SHADE, 0.4, fade=((centre + 9, y), (centre - 8, y)))
    draw_window(sheet, centre - 4.5, y - 4, 9, 12, lit=False)
    sheet.cover(ribbon(np.array([(centre - 10, y - 4), (centre, y - 15), (centre + 10, y - 4)]), 3, 3), "#5b3636")


def draw_chimney(sheet: Sheet, x: float, foot: float, rng: np.random.Generator) -> None:
    """Raise a brick chimney, bright on its left, behind the roof line at `foot`."""
    height = rng.uniform(17, 24)
    stack = rectangle(x - 5.5, foot - height, 11, height + 30)
    sheet.cover(stack, "#a9583f")
    sheet.wash(stack, SHADE, 0.75, fade=((x + 6, 0), (x - 6, 0)))
    sheet.cover(rectangle(x - 7, foot - height - 2, 14, 4), "#d9b08c")
    for offset in (-3, 3):
        sheet.cover(rectangle(x + offset - 1.8, foot - height - 8, 3.6, 6.5), "#8d4a38")


def draw_storeys(sheet: Sheet, house: House, foot: float, rng: np.random.Generator) -> None:
    """Hang the windows of the upper storeys in even rows; lamps burn behind a few of them."""
    floor = house.eaves - 44
    storey = floor / house.storeys
    pitch = house.width / house.columns
    width, height = min(15.0, pitch * 0.46), min(27.0, storey * 0.62)
    for row in range(house.storeys):
        y = foot - house.eaves + 9 + row * storey
        for column in range(house.columns):
            x = house.x + pitch * (column + 0.5) - width / 2
            if house.shutters:
                for side in (x - width * 0.52 - 1.5, x + width + 1.5):
                    draw_shutter(sheet, side, y, width * 0.52, height, house.shutters)
            draw_window(sheet, x, y, width, height, lit=rng.random() < 0.28)
    sheet.cover(rectangle(house.x, foot - 45, house.width, 2.6), TRIM, 0.8)
    sheet.wash(rectangle(house.x, foot - 42, house.width, 4), SHADE, 0.45, soft=2)


def draw_ground_floor(sheet: Sheet, house: House, foot: float, rng: np.random.Generator) -> None:
    """Give the house a door, and a shop window with a striped awning or two plain windows."""
    door_x = house.x + house.width * (0.16 if house.awning else 0.5) - 7
    sheet.cover(rectangle(door_x - 2, foot - 33, 18, 33), TRIM)
    sheet.cover(rectangle(door_x, foot - 31, 14, 31), "#3c4a3f" if house.shutters else "#5a2f2a")
    sheet.cover(rectangle(door_x, foot - 31, 14, 7), LAMPLIGHT, 0.9)
    sheet.wash(rectangle(door_x, foot - 31, 2.2, 31), "#15121f", 0.6)
    if not house.awning:
        for place in (0.2, 0.8):
            draw_window(sheet, house.x + house.width * place - 7, foot - 32, 14, 20, lit=rng.random() < 0.5)
        return
    left, width = house.x + house.width * 0.36, house.width * 0.56
    sheet.cover(rectangle(left, foot - 30, width, 25), TRIM)
    sheet.cover(rectangle(left + 2, foot - 28, width - 4, 21), LAMPLIGHT)
    sheet.wash(
        rectangle(left + 2, foot - 28, width - 4, 21),
        "#c8682a",
        0.6,
        fade=((left, foot - 30), (left, foot - 8)),
    )
    for part in (1 / 3, 2 / 3):
        sheet.cover(rectangle(left + width * part, foot - 28, 1.4, 21), TRIM)
    draw_awning(sheet, left - 3, foot - 38, width + 6, house.awning)
