"""An abstract picture of circles, triangles, arcs, rulings and checkerboards on warm paper."""

from itertools import pairwise

import numpy as np
from PIL import Image

from fields import blend, pixel_grid, ramp, rgb
from noise import fractal_noise
from shapes import arc, bar, bezier, cell, disc, lattice, ribbon, sector
from sheet import Paper

WIDTH, HEIGHT = 960, 720

INK, CREAM, WHITE = "#1b1722", "#f4e6c4", "#fbf6e6"
RED, CARMINE, ROSE = "#d63b22", "#a3203f", "#e79a92"
ORANGE, OCHRE, LEMON = "#e8792b", "#d99a2c", "#f4d03f"
BLUE, SKY, NAVY = "#2748a0", "#5aa3c8", "#1d2a5c"
GREEN, MINT, VIOLET, MAUVE = "#2c7d64", "#9cc8ad", "#5a3583", "#b79ac6"

# Smaller circles: x, y, radii from the outside in, colours from the outside in.
CIRCLES = [
    (812, 128, (74, 50, 27, 11), (SKY, LEMON, RED, INK)),
    (548, 118, (44, 30, 13), (ROSE, VIOLET, LEMON)),
    (82, 96, (46, 33, 18), (OCHRE, CREAM, BLUE)),
    (474, 596, (54, 40, 25, 9), (MINT, BLUE, ORANGE, INK)),
    (884, 352, (40, 25, 10), (CARMINE, ROSE, INK)),
    (64, 398, (34, 22, 9), (GREEN, LEMON, RED)),
    (706, 262, (62, 41, 20), (MAUVE, ORANGE, NAVY)),
    (908, 632, (44, 31, 14), (LEMON, RED, CREAM)),
    (372, 446, (26, 16), (RED, LEMON)),
    (640, 62, (16, 8), (GREEN, CREAM)),
    (418, 52, (22, 13, 5), (BLUE, CREAM, RED)),
    (942, 222, (24, 12), (VIOLET, OCHRE)),
    (254, 660, (30, 19, 8), (SKY, CREAM, CARMINE)),
    (590, 470, (20, 10), (INK, LEMON)),
]  # fmt: skip


def paint() -> Image.Image:
    """Draw the picture from the broad translucent grounds to the last fine lines."""
    rng = np.random.default_rng(41)
    paper = Paper(ground(rng), rng)
    for passage in (
        planes,
        triangles,
        great_circle,
        rainbow,
        checkerboard,
        net,
        circles,
        rulings,
        curves,
        accents,
    ):
        passage(paper, rng)
    return paper.finish()


def ground(rng: np.random.Generator) -> np.ndarray:
    """Tint warm paper with soft clouds of rose, gold and grey-blue."""
    x, y = pixel_grid(WIDTH, HEIGHT)
    clouds = fractal_noise((HEIGHT, WIDTH), 110, 3, rng)
    colours = ramp(clouds, [(-2, "#e6d3ae"), (0, "#f2e4c6"), (2, "#f8efd9")])
    for centre_x, centre_y, reach, tint in [
        (250, 220, 330, "#f0bfa0"), (780, 560, 300, "#b9c4cf"),
        (760, 120, 240, "#f3d98a"), (120, 640, 230, "#cdd0b4"),
    ]:  # fmt: skip
        distance = np.hypot(x - centre_x, y - centre_y) / reach
        colours = blend(colours, rgb(tint), 0.75 * np.exp(-((distance + 0.12 * clouds) ** 2) * 1.6))
    return colours


def planes(paper: Paper, rng: np.random.Generator) -> None:
    """Lay the broad, pale planes that everything else leans on."""
    paper.wash(np.array([(330, 0), (640, 0), (960, 470), (960, 640)]), MAUVE, 0.45, fade=((480, 0), (960, 560)))
    paper.wash(np.array([(0, 470), (0, 250), (560, 720), (330, 720)]), SKY, 0.5, fade=((0, 350), (480, 720)))
    paper.wash(sector(0, 720, 400, -90, 0), OCHRE, 0.5, fade=((0, 720), (200, 520)))
    paper.wash(sector(960, 720, 350, 180, 270), BLUE, 0.6, fade=((960, 720), (780, 540)))
    paper.wash(disc(500, 350, 215), LEMON, 0.42, fade=((380, 250), (700, 520)))
    paper.wash(np.array([(640, 0), (960, 0), (960, 190)]), ORANGE, 0.55, fade=((960, 0), (760, 80)))


def triangles(paper: Paper, rng: np.random.Generator) -> None:
    """Set large translucent triangles against one another."""
    paper.wash(np.array([(96, 668), (452, 84), (650, 612)]), LEMON, 0.8, fade=((420, 120), (330, 760)))
    paper.wash(np.array([(520, 96), (884, 470), (438, 500)]), SKY, 0.85, fade=((860, 480), (480, 170)))
    paper.cover(np.array([(318, 674), (612, 300), (722, 600)]), RED, 0.85, fade=((620, 330), (430, 720)))
    paper.wash(np.array([(610, 560), (806, 214), (944, 520)]), GREEN, 0.6, fade=((930, 520), (660, 330)))
    paper.cover(np.array([(150, 540), (214, 420), (276, 556)]), INK, 0.92)
    paper.cover(np.array([(172, 532), (216, 452), (256, 542)]), ORANGE, 0.95)
    paper.cover(np.array([(690, 30), (752, 196), (622, 170)]), CARMINE, 0.85, fade=((690, 40), (680, 230)))


def great_circle(paper: Paper, rng: np.random.Generator) -> None:
    """Build the main weight at the upper left: a black ring round glowing discs."""
    paper.wash(disc(262, 236, 186), ROSE, 0.75, fade=((200, 120), (420, 480)))
    paper.wash(disc(262, 236, 160), VIOLET, 0.42, fade=((350, 330), (150, 110)))
    paper.cover(arc(262, 236, 126, 142), INK, 0.94)
    paper.wash(disc(268, 240, 104), VIOLET, 0.85, fade=((320, 320), (190, 60)))
    paper.wash(disc(290, 222, 70), BLUE, 0.7)
    paper.cover(disc(246, 262, 44), RED, 0.92)
    paper.cover(disc(236, 270, 22), LEMON, 0.95)
    paper.cover(disc(240, 274, 8), INK)
    for index, start in enumerate(range(-80, 250, 22)):
        colour = (RED, CREAM, NAVY, OCHRE)[index % 4]
        paper.cover(arc(262, 236, 150, 158 + 5 * (index % 3), start, start + 13), colour, 0.85)


def rainbow(paper: Paper, rng: np.random.Generator) -> None:
    """Bend bands of colour over the lower right, and a smaller fan at the left edge."""
    bands = [NAVY, SKY, WHITE, LEMON, ORANGE, RED, INK, CREAM, GREEN, MINT]
    for index, colour in enumerate(bands):
        paper.cover(arc(716, 676, 62 + 13 * index, 74 + 13 * index, 186, 338 - 7 * index), colour, 0.86)
    paper.wash(sector(716, 676, 56, 180, 360), CARMINE, 0.85)
    for index, colour in enumerate([INK, OCHRE, CREAM, BLUE, ROSE, RED]):
        paper.cover(arc(-6, 236, 44 + 15 * index, 56 + 15 * index, -52 + 5 * index, 50 - 6 * index), colour, 0.82)


def checkerboard(paper: Paper, rng: np.random.Generator) -> None:
    """Tilt two checkerboards in space, dark cells glazed with chance colours."""
    boards = [
        ([(688, 372), (866, 412), (838, 548), (640, 486)], 9, 7, INK),
        ([(300, 556), (404, 500), (446, 566), (330, 632)], 6, 5, NAVY),
        ([(452, 14), (536, 30), (522, 74), (446, 60)], 6, 4, INK),
    ]
    for corners, columns, rows, dark in boards:
        nodes = lattice(corners, columns, rows)
        for row in range(rows):
            for column in range(columns):
                light = rng.choice([CREAM, WHITE, LEMON, RED, SKY], p=[0.45, 0.25, 0.1, 0.1, 0.1])
                paper.cover(cell(nodes, row, column), dark if (row + column) % 2 else str(light), 0.88)


def net(paper: Paper, rng: np.random.Generator) -> None:
    """Stretch fine nets and fill a few of their meshes, as a window is glazed."""
    for corners, columns, rows in [
        ([(36, 560), (164, 596), (150, 700), (22, 690)], 7, 6),
        ([(560, 208), (652, 172), (676, 262), (590, 296)], 6, 6),
        ([(846, 452), (948, 430), (952, 560), (868, 566)], 5, 7),
    ]:
        nodes = lattice(corners, columns, rows)
        for row in range(rows):
            for column in range(columns):
                if rng.random() < 0.5:
                    colour = rng.choice([RED, OCHRE, BLUE, GREEN, ROSE, VIOLET])
                    paper.wash(cell(nodes, row, column), str(colour), 0.8)
        for line in [*nodes, *nodes.transpose(1, 0, 2)]:
            paper.cover(bar(line[0], line[-1], 1.5), INK, 0.85)


def circles(paper: Paper, rng: np.random.Generator) -> None:
    """Hang the smaller circles, each with a halo, a stack of discs and a thin off-centre ring."""
    for x, y, radii, colours in CIRCLES:
        paper.wash(disc(x, y, radii[0] * 1.22), colours[0], 0.35)
        for depth, (radius, colour) in enumerate(zip(radii, colours, strict=True)):
            shift = radii[0] * 0.05 * depth
            paper.cover(disc(x - shift, y + shift, radius), colour, 0.62 if depth == 0 else 0.9)
        if len(radii) == 3:  # halve every such circle with a darker glaze, at its own angle
            paper.wash(sector(x, y, radii[0], x % 360, x % 360 + 180), ROSE if colours[0] == LEMON else MAUVE, 0.75)
        paper.cover(arc(x + 3, y - 2, radii[0] * 1.08, radii[0] * 1.08 + 1.8), INK, 0.8)


def rulings(paper: Paper, rng: np.random.Generator) -> None:
    """Drive long straight lines through the whole sheet and answer them with short bars."""
    paper.cover(bar((18, 706), (930, 40), 9, 1.5), INK, 0.92)
    paper.cover(bar((60, 30), (772, 700), 1.5, 7), INK, 0.9)
    paper.cover(bar((372, 10), (520, 712), 3.2, 1.2), CARMINE, 0.9)
    paper.cover(bar((10, 330), (950, 402), 1.2, 3.4), NAVY, 0.85)
    for index in range(7):
        paper.cover(bar((560 + 13 * index, 716), (880 + 9 * index, 236 + 8 * index), 1.5), INK, 0.75)
        paper.cover(bar((20 + 9 * index, 150 + 17 * index), (210 + 6 * index, 30 + 7 * index), 1.3), INK, 0.55)
    for index in range(9):
        colour = (INK, RED, INK, BLUE, INK, OCHRE, INK, GREEN, INK)[index]
        paper.cover(bar((396 + 11 * index, 664 - 3 * index), (420 + 11 * index, 706 - 3 * index), 4.5), colour, 0.95)
        paper.cover(bar((858 + 9 * index, 270 + index), (850 + 9 * index, 306 - 2 * index), 3.6), colour, 0.9)
        paper.cover(bar((120 + 10 * index, 378 + 4 * index), (112 + 10 * index, 404 + 6 * index), 3.2), colour, 0.9)


def curves(paper: Paper, rng: np.random.Generator) -> None:
    """Let whip lines swing freely between the hard figures."""
    for controls, width, end_width, colour in [
        (((430, 330), (560, 210), (600, 470), (742, 350)), 2, 8, INK),
        (((40, 500), (150, 380), (190, 640), (330, 500)), 6, 1.5, INK),
        (((560, 40), (640, 150), (730, 0), (790, 60)), 1.5, 5, NAVY),
        (((482, 404), (540, 520), (640, 380), (690, 600)), 5, 1.5, CARMINE),
        (((160, 700), (230, 560), (420, 720), (470, 520)), 1.5, 5, GREEN),
        (((330, 40), (380, 150), (470, 90), (480, 230)), 4, 1, INK),
        (((800, 560), (860, 660), (900, 500), (955, 590)), 1.5, 5, INK),
    ]:
        paper.cover(ribbon(bezier(*controls), width, end_width), colour, 0.92)
    for index in range(4):
        crest = bezier(
            (520, 300 + 11 * index), (560, 260 + 11 * index), (600, 350 + 11 * index), (650, 300 + 11 * index)
        )
        paper.cover(ribbon(crest, 2.2, 2.2), (INK, RED, INK, BLUE)[index], 0.85)


def accents(paper: Paper, rng: np.random.Generator) -> None:
    """Scatter dots, half moons, steps and a zigzag: the small change of the composition."""
    for x, y, radius, start, colour in [
        (470, 210, 24, 200, RED), (500, 236, 24, 20, INK), (352, 372, 18, 90, BLUE),
        (622, 398, 22, 250, CARMINE), (872, 76, 18, 140, INK), (150, 330, 15, 30, NAVY),
        (792, 620, 20, 300, LEMON), (540, 664, 22, 180, VIOLET),
    ]:  # fmt: skip
        paper.cover(sector(x, y, radius, start, start + 180), colour, 0.92)
    for step in range(6):
        x, y = 196 + 15 * step, 596 - 9 * step
        paper.cover(
            np.array([(x, y), (x + 13, y - 8), (x + 13, y + 26), (x, y + 34)]),
            (RED, CREAM, INK)[step % 3],
            0.9,
        )
    zigzag = [(856, 190), (872, 166), (884, 196), (900, 170), (912, 200), (928, 176)]
    for start, end in pairwise(zigzag):
        paper.cover(bar(start, end, 4), INK, 0.92)
    for centre_x, centre_y in [
        (610, 100),
        (332, 414),
        (900, 590),
        (110, 470),
        (560, 560),
        (760, 330),
        (180, 60),
    ]:
        for x, y in rng.normal((centre_x, centre_y), 20, (9, 2)):
            paper.cover(disc(x, y, rng.uniform(1.8, 4.6)), str(rng.choice([INK, INK, RED, NAVY, GREEN])), 0.92)
