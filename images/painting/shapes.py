"""Plane figures as closed outlines: every function returns an array of (x, y) points."""

import numpy as np


def disc(x: float, y: float, radius: float) -> np.ndarray:
    """Return a full circle."""
    return sector(x, y, radius, 0, 360)[:-1]


def sector(x: float, y: float, radius: float, start: float, end: float) -> np.ndarray:
    """Return a slice of pie between two angles in degrees, clockwise from the right, tip included."""
    angles = np.radians(np.linspace(start, end, max(24, round(abs(end - start)))))
    rim = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)
    return np.vstack([rim, [x, y]])


def arc(x: float, y: float, inner: float, outer: float, start: float = 0, end: float = 360) -> np.ndarray:
    """Return the band between two radii and two angles; with the default angles, a ring."""
    rim = sector(x, y, outer, start, end)[:-1]
    bore = sector(x, y, inner, end, start)[:-1]
    return np.vstack([rim, bore])


def bar(
    start: tuple[float, float], end: tuple[float, float], width: float, end_width: float | None = None
) -> np.ndarray:
    """Return a straight line as a thin four-sided figure, tapering to `end_width`."""
    return ribbon(np.array([start, end], dtype=float), width, width if end_width is None else end_width)


def ribbon(path: np.ndarray, width: float, end_width: float) -> np.ndarray:
    """Thicken a path into a band whose width changes evenly from one end to the other."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    half = np.linspace(width, end_width, len(path))[:, None] / 2
    return np.vstack([path + half * normal, (path - half * normal)[::-1]])


def bezier(*controls: tuple[float, float]) -> np.ndarray:
    """Return 80 points of the cubic curve with these four control points."""
    along = np.linspace(0, 1, 80)[:, None]
    first, second, third, last = np.array(controls, dtype=float)
    towards, away = along, 1 - along
    return away**3 * first + 3 * away**2 * towards * second + 3 * away * towards**2 * third + towards**3 * last


def lattice(corners: list[tuple[float, float]], columns: int, rows: int) -> np.ndarray:
    """Return the nodes (rows + 1, columns + 1, 2) of a grid stretched between four corners, clockwise."""
    top_left, top_right, bottom_right, bottom_left = np.array(corners, dtype=float)
    across = np.linspace(0, 1, columns + 1)[None, :, None]
    down = np.linspace(0, 1, rows + 1)[:, None, None]
    top = top_left + across * (top_right - top_left)
    bottom = bottom_left + across * (bottom_right - bottom_left)
    return top + down * (bottom - top)


def cell(nodes: np.ndarray, row: int, column: int) -> np.ndarray:
    """Return the four corners of one cell of a lattice."""
    return np.array(
        [
            nodes[row, column],
            nodes[row, column + 1],
            nodes[row + 1, column + 1],
            nodes[row + 1, column],
        ]
    )


def rectangle(x: float, y: float, width: float, height: float) -> np.ndarray:
    """Return an upright rectangle from its upper left corner and its size."""
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], dtype=float)
