"""Boats: a sloop under tan sails, a fishing boat, a rowing boat and a far white sail."""

import numpy as np

from shapes import bar, bezier, disc, rectangle, ribbon
from sheet import Sheet

NIGHTSHADE = "#3a3358"


def hull(stern: float, bow: float, water: float, freeboard: float, rise: float) -> np.ndarray:
    """Return a hull seen from the side: the sheer rises by `rise` from the stern to the bow."""
    length = bow - stern
    sheer = bezier(
        (stern, water - freeboard),
        (stern + 0.35 * length, water - freeboard + 4),
        (stern + 0.7 * length, water - freeboard),
        (bow, water - freeboard - rise),
    )
    stem = bezier(
        (bow, water - freeboard - rise),
        (bow - 0.03 * length, water - 6),
        (bow - 0.07 * length, water),
        (bow - 0.1 * length, water),
    )
    return np.vstack([sheer, stem, [(stern + 0.05 * length, water)]])


def draw_hull(sheet: Sheet, outline: np.ndarray, water: float, colour: str, stripe: str) -> None:
    """Fill a hull, round it with light and shade, and run a rubbing strake under its sheer."""
    left, right = outline[:, 0].min(), outline[:, 0].max()
    sheet.cover(outline, colour)
    sheet.cover(outline, "#ffe2b0", 0.4, fade=((left, water - 20), (left + 0.7 * (right - left), water)))
    sheet.wash(outline, NIGHTSHADE, 0.75, fade=((right, water + 4), (right - 20, water - 22)))
    sheet.wash(rectangle(left, water - 4, right - left, 4), NIGHTSHADE, 0.5, soft=1.5)
    sheer = outline[:80]
    sheet.cover(ribbon(sheer, 2.6, 2.6), "#f4e6c8")
    sheet.cover(ribbon(np.add(sheer, (0, 4.5)), 2.2, 2.2), stripe)


def draw_sloop(sheet: Sheet, x: float, water: float) -> None:
    """Draw a gaff sloop under mainsail and jib, its canvas warm where the sun shines through."""
    draw_hull(sheet, hull(x - 66, x + 74, water, 17, 9), water, "#31506b", "#d8a24a")
    sheet.cover(rectangle(x - 40, water - 26, 44, 9), "#e9d9b8")
    for window in (-34, -22, -10):
        sheet.cover(rectangle(x + window, water - 24, 7, 4), "#3a4a5c")
    sheet.cover(bar((x + 12, water - 18), (x + 12, water - 190), 3.6, 2), "#6d4a33")
    sheet.cover(bar((x + 60, water - 24), (x + 104, water - 36), 2.6, 1.4), "#6d4a33")
    mainsail = np.vstack([
        bezier((x + 9, water - 176), (x - 4, water - 130), (x + 4, water - 80), (x + 9, water - 34)),
        bezier((x + 9, water - 34), (x - 20, water - 28), (x - 50, water - 30), (x - 72, water - 36)),
        bezier((x - 72, water - 36), (x - 64, water - 80), (x - 44, water - 140), (x + 9, water - 176)),
    ])  # fmt: skip
    jib = np.vstack([
        bezier((x + 16, water - 168), (x + 40, water - 120), (x + 70, water - 76), (x + 100, water - 37)),
        bezier((x + 100, water - 37), (x + 70, water - 34), (x + 44, water - 38), (x + 22, water - 44)),
        bezier((x + 22, water - 44), (x + 34, water - 80), (x + 30, water - 120), (x + 16, water - 168)),
    ])  # fmt: skip
    for sail, colour, bright in ((mainsail, "#d8824a", x - 60), (jib, "#efd9ae", x + 20)):
        sheet.cover(sail, colour)
        sheet.cover(sail, "#ffd9a0", 0.6, fade=((bright, water - 100), (bright + 66, water - 84)))
        sheet.wash(sail, NIGHTSHADE, 0.4, fade=((bright + 84, water - 40), (bright + 40, water - 120)))
    for part in (0.25, 0.5, 0.75):
        top, reach = water - 36 - 140 * part, 76 * (1 - part) ** 0.75
        sheet.wash(bar((x + 6, top + 6), (x + 6 - reach, top), 1.0), "#5a3040", 0.5)
    sheet.cover(bar((x + 12, water - 33), (x - 76, water - 35), 2.8, 2), "#7d5638")
    for end_x in (x + 104, x - 62):
        sheet.cover(bar((x + 12, water - 188), (end_x, water - (36 if end_x > x else 20)), 0.7), "#4a3f48", 0.8)


def draw_trawler(sheet: Sheet, x: float, water: float) -> None:
    """Draw a wooden fishing boat with a wheelhouse, a derrick, nets and a row of floats."""
    sheet.cover(bar((x - 18, water - 30), (x - 18, water - 132), 4.4, 2.6), "#6b4630")
    sheet.cover(bar((x - 18, water - 58), (x - 84, water - 112), 3, 1.8), "#6b4630")
    for start, end in (
        ((-18, 130), (96, 46)),
        ((-18, 130), (-96, 30)),
        ((-84, 112), (-18, 126)),
        ((-84, 112), (-88, 40)),
    ):
        sheet.cover(bar((x + start[0], water - start[1]), (x + end[0], water - end[1]), 0.8), "#3d3440", 0.85)
    draw_wheelhouse(sheet, x + 6, water - 24)
    draw_hull(sheet, hull(x - 104, x + 112, water, 24, 20), water, "#a33a2c", "#f2e2c0")
    sheet.cover(rectangle(x - 84, water - 33, 40, 12), "#7a5a3c")
    sheet.cover(rectangle(x - 84, water - 33, 40, 3), "#b98d5a")
    for index in range(7):
        place = x - 80 + index * 26, water - 12 - 0.8 * index
        sheet.cover(disc(*place, 4.6), "#33303a")
        sheet.cover(disc(place[0] - 1, place[1] - 1, 1.9), "#8a7f7c")
    sheet.cover(np.array([(x - 18, water - 132), (x - 18, water - 121), (x + 4, water - 127)]), "#d8482e")


def draw_wheelhouse(sheet: Sheet, x: float, deck: float) -> None:
    """Draw the cabin: a lit front with lamp-yellow windows under a dark roof."""
    sheet.cover(rectangle(x, deck - 44, 46, 46), "#efe4cc")
    sheet.wash(rectangle(x, deck - 44, 46, 46), NIGHTSHADE, 0.5, fade=((x + 52, deck), (x + 6, deck - 20)))
    for offset in (5, 18, 31):
        sheet.cover(rectangle(x + offset, deck - 37, 10, 14), "#ffcb6b")
        sheet.wash(rectangle(x + offset, deck - 37, 10, 3), "#5a3a30", 0.5)
    sheet.cover(rectangle(x - 4, deck - 49, 54, 6), "#2f4a5c")
    sheet.cover(rectangle(x - 4, deck - 49, 54, 1.6), "#9fc0c4")
    sheet.cover(rectangle(x + 30, deck - 64, 9, 16), "#d9902f")


def draw_rowing_boat(sheet: Sheet, x: float, water: float) -> None:
    """Draw an empty rowing boat with shipped oars."""
    draw_hull(sheet, hull(x - 40, x + 44, water, 12, 6), water, "#c9a468", "#3f6f6a")
    sheet.cover(bar((x - 48, water - 20), (x + 30, water - 12), 1.8), "#e0c08a")
    sheet.cover(bar((x - 48, water - 20), (x - 58, water - 22), 4.5), "#e0c08a")


def draw_far_sail(sheet: Sheet, x: float, water: float) -> None:
    """Draw a small white sail on the open water."""
    sheet.cover(np.array([(x - 14, water - 4), (x + 16, water - 4), (x + 11, water), (x - 11, water)]), "#4a3f4c")
    sheet.cover(np.array([(x, water - 48), (x - 13, water - 7), (x, water - 6)]), "#fff0d2")
    sheet.cover(np.array([(x + 2, water - 45), (x + 14, water - 7), (x + 2, water - 6)]), "#d9b9a8")
