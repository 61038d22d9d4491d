"""The harbour town: a row of houses, a bell tower, a tree, and the stone quay they stand on."""

import numpy as np

from houses import House, draw_house
from shapes import arc, bar, bezier, disc, rectangle, ribbon, sector
from sheet import Sheet
from windows import SHADE

FOOT = 452  # the top of the quay
WATERLINE = 482
QUAY_END = 792

ROW = [
    House(-34, 96, 168, 226, "plain", "#c9793f", "#5a3a3a", 3, 3, shutters="#41594f"),
    House(62, 84, 196, 272, "stepped", "#b2513a", "#5a3a3a", 3, 3, awning="#2f5d7c"),
    House(146, 112, 150, 206, "roof", "#e3c58b", "#a8553c", 4, 2, shutters="#5f7f86"),
    House(258, 80, 206, 284, "curved", "#7d95a3", "#4d4650", 3, 3),
    House(338, 96, 172, 236, "plain", "#ddA24c", "#7a3f34", 3, 3, awning="#a83a2c"),
    House(434, 74, 214, 286, "stepped", "#d8ccb4", "#5a3a3a", 2, 4, shutters="#7b4038"),
    House(508, 116, 144, 204, "roof", "#c4664a", "#8d4a3c", 4, 2, awning="#3f6b52"),
    House(624, 82, 184, 256, "curved", "#e6d3a8", "#5a3a3a", 3, 3, shutters="#3f5f72"),
    House(706, 68, 138, 196, "plain", "#93a184", "#6b3d38", 2, 2),
]


def draw_town(width: int, height: int, rng: np.random.Generator) -> Sheet:
    """Draw everything that stands on the quay, and the quay itself, on a transparent sheet."""
    sheet = Sheet(width, height)
    draw_tower(sheet, 590)
    for house in ROW:
        draw_house(sheet, house, FOOT, rng)
    draw_quay(sheet, rng)
    draw_tree(sheet, 752, rng)
    for x in (40, 228, 424, 616):
        draw_lamp(sheet, x)
    for x in (118, 131, 306, 398, 512, 527, 676):
        draw_figure(sheet, x + rng.uniform(-5, 5), rng)
    return sheet


def draw_tower(sheet: Sheet, x: float) -> None:
    """Raise a bell tower in two faces, the left in sun and the right in shade, under a copper spire."""
    lit, dim = "#e2c496", "#8f7a7c"
    sheet.cover(rectangle(x - 27, 128, 38, 320), lit)
    sheet.cover(rectangle(x + 11, 128, 16, 320), dim)
    for y in np.arange(132, 300, 5.0):
        sheet.wash(bar((x - 27, y), (x + 27, y), 0.7), SHADE, 0.18)
    for y, overhang in ((128, 5), (176, 3), (236, 3)):
        sheet.wash(rectangle(x - 27, y + 3, 54, 5), SHADE, 0.5, soft=2)
        sheet.cover(rectangle(x - 27 - overhang, y - 3, 38 + overhang, 6), "#f2dcb4")
        sheet.cover(rectangle(x + 11, y - 3, 16 + overhang, 6), "#a38f8c")
    for left, width in ((x - 22, 11), (x - 6, 11), (x + 15, 8)):
        sheet.cover(rectangle(left, 146, width, 26), "#2c2438")
        sheet.cover(sector(left + width / 2, 146, width / 2, 180, 360), "#2c2438")
        sheet.cover(disc(left + width / 2, 158, width * 0.3), "#b98a45", 0.8)
    sheet.cover(disc(x - 8, 206, 14.5), "#5b4a45")
    sheet.cover(disc(x - 8, 206, 12.5), "#f7ecd0")
    sheet.cover(arc(x - 8, 206, 10.4, 11.4), "#8a7350")
    sheet.cover(bar((x - 8, 206), (x - 8, 197), 1.6), "#2c2438")
    sheet.cover(bar((x - 8, 206), (x - 1.5, 209), 1.8), "#2c2438")
    draw_spire(sheet, x)


def draw_spire(sheet: Sheet, x: float) -> None:
    """Cap the tower with a helm, an open lantern and a needle, green with age."""
    lit, dim = "#8fb3a0", "#41636a"
    for left, ridge, right, bottom, top in [
        ((x - 31, x - 9), x + 4, (x + 31, x + 9), 126, 96),
        ((x - 11, x - 1), x + 4, (x + 11, x + 1), 72, 22),
    ]:
        sheet.cover(np.array([(left[0], bottom), (left[1], top), (ridge, top), (ridge + 7, bottom)]), lit)
        sheet.cover(np.array([(ridge + 7, bottom), (ridge, top), (right[1], top), (right[0], bottom)]), dim)
    sheet.cover(rectangle(x - 9, 72, 12, 24), "#d9c49a")
    sheet.cover(rectangle(x + 3, 72, 6, 24), "#8a7a7c")
    sheet.cover(rectangle(x - 6, 77, 6, 17), "#453a4c")
    sheet.cover(bar((x, 24), (x, 6), 1.4), "#c9a24a")
    sheet.cover(disc(x, 14, 2.4), "#f2cf74")


def draw_quay(sheet: Sheet, rng: np.random.Generator) -> None:
    """Build the quay wall of dressed stone: sunlit coping, rough courses, a dark wet foot, fenders."""
    height = WATERLINE - FOOT
    sheet.cover(rectangle(-4, FOOT, QUAY_END + 4, height), "#857a70")
    for course in range(3):
        x, y = -rng.uniform(0, 20), FOOT + 6 + course * 8
        while x < QUAY_END:
            length = rng.uniform(15, 30)
            tint = str(rng.choice(["#9c8d7c", "#786e6a", "#8a7f72", "#a5937a", "#6f6868"]))
            sheet.cover(rectangle(x, y, min(length, QUAY_END - x) - 1, 7), tint, 0.9)
            x += length
    sheet.wash(rectangle(-4, FOOT + 5, QUAY_END + 4, 5), SHADE, 0.55, soft=2)
    sheet.wash(
        rectangle(-4, WATERLINE - 13, QUAY_END + 4, 13),
        "#2f3a34",
        0.85,
        fade=((0, WATERLINE), (0, WATERLINE - 15)),
    )
    sheet.cover(rectangle(-4, FOOT - 3, QUAY_END + 7, 7), "#d9c09a")
    sheet.cover(rectangle(-4, FOOT - 3, QUAY_END + 7, 2), "#f6dfb4")
    for x in (96, 250, 402, 556, 700):
        sheet.cover(rectangle(x, FOOT + 5, 5, height - 4), "#4b3a33")
        sheet.cover(rectangle(x, FOOT + 5, 1.4, height - 4), "#8d6a4e")
    for x in np.arange(24, QUAY_END, 76.0):
        sheet.cover(rectangle(x - 3, FOOT - 10, 6, 8), "#2f2b35")
        sheet.cover(rectangle(x - 4.5, FOOT - 11, 9, 3), "#4a4450")
    draw_beacon(sheet, QUAY_END - 9)


def draw_beacon(sheet: Sheet, x: float) -> None:
    """Mark the end of the quay with a small red and white light."""
    for index, colour in enumerate(["#b73f2e", "#f0e3cc", "#b73f2e"]):
        sheet.cover(rectangle(x - 5 + index * 0.5, FOOT - 18 - 14 * index, 10 - index, 15), colour)
    sheet.wash(rectangle(x - 5, FOOT - 46, 10, 46), SHADE, 0.6, fade=((x + 6, 0), (x - 4, 0)))
    sheet.cover(rectangle(x - 3, FOOT - 54, 6, 8), "#ffe9a8")
    sheet.cover(sector(x, FOOT - 53, 5, 180, 360), "#7a2f28")


def draw_tree(sheet: Sheet, x: float, rng: np.random.Generator) -> None:
    """Grow a linden at the end of the row: forked trunk, then leaves dabbed from shade to sun."""
    sheet.cover(ribbon(bezier((x, FOOT), (x - 3, 420), (x + 4, 400), (x, 345)), 10, 4), "#4a342c")
    for tip_x, tip_y in ((x - 34, 352), (x + 32, 356), (x - 14, 326), (x + 18, 330)):
        sheet.cover(ribbon(bezier((x, 408), (x, 386), (tip_x, 380), (tip_x, tip_y)), 5, 1.5), "#4a342c")
    clumps = np.array([(-36, -112), (30, -108), (-4, -140), (-22, -86), (20, -82), (44, -84), (-48, -86), (2, -110)])
    for leaf in range(6500):
        centre = clumps[rng.integers(len(clumps))]
        place = rng.normal(0, 1, 2)
        place *= rng.uniform(0, 1) ** 0.35 / np.linalg.norm(place)
        sunny = -0.62 * place[0] - 0.78 * place[1] + 0.006 * (-centre[0] - centre[1] - 100)
        layer = leaf / 6500  # later leaves lie nearer the light
        if sunny < 1.5 * layer - 1.0:
            continue
        tone = int(np.clip(2.2 + 2.4 * sunny + rng.normal(0, 0.8), 0, 5))
        colour = ("#1f2f2a", "#2d4530", "#46603a", "#6c7f3f", "#a39a48", "#dcbf68")[tone]
        spot = (x, FOOT) + centre + place * (27, 24)
        sheet.cover(disc(*spot, rng.uniform(0.9, 2.3)), colour, 0.92)


def draw_lamp(sheet: Sheet, x: float) -> None:
    """Stand a street lamp with a lit lantern on the quay."""
    sheet.cover(bar((x, FOOT - 2), (x, FOOT - 56), 2.6, 1.6), "#2b2833")
    sheet.cover(rectangle(x - 3.2, FOOT - 66, 6.4, 9), "#ffe2a0")
    sheet.cover(np.array([(x - 5, FOOT - 66), (x, FOOT - 72), (x + 5, FOOT - 66)]), "#2b2833")
    sheet.cover(rectangle(x - 4, FOOT - 57, 8, 1.6), "#2b2833")


def draw_figure(sheet: Sheet, x: float, rng: np.random.Generator) -> None:
    """Let someone stroll along the quay, with a long shadow to the right."""
    coat = str(rng.choice(["#7a2f34", "#2f3f5c", "#c9a05a", "#3c4a3f", "#e0d2c0"]))
    ground = FOOT - 1
    sheet.wash(
        np.array([(x, ground - 1), (x + 26, ground - 0.5), (x + 26, ground + 1.5), (x, ground + 1)]),
        SHADE,
        0.6,
    )
    sheet.cover(bar((x - 1.2, ground), (x - 0.8, ground - 9), 2.0), "#2a2733")
    sheet.cover(bar((x + 1.8, ground), (x + 0.8, ground - 9), 2.0), "#2a2733")
    sheet.cover(
        np.array([(x - 3.4, ground - 7), (x - 2.2, ground - 18), (x + 2.2, ground - 18), (x + 3.4, ground - 7)]),
        coat,
    )
    sheet.cover(disc(x, ground - 20.6, 2.5), "#d9a27e")
    sheet.cover(sector(x, ground - 21, 2.6, 180, 360), "#33241f")
