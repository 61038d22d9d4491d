"""Colour fields and flow fields: what a brush reads off before it makes a stroke.

A flow is an array (rows, columns, 2) of unit vectors (x, y); colours are (rows, columns, 3) from 0 to 1.
"""

import numpy as np


def pixel_grid(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the x and the y of every pixel."""
    return tuple(np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float)))


def rgb(colour: str) -> np.ndarray:
    """Turn "#rrggbb" into three numbers from 0 to 1."""
    return np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])


def ramp(values: np.ndarray, stops: list[tuple[float, str]]) -> np.ndarray:
    """Turn values into colours by a gradient through (position, "#rrggbb") stops."""
    positions = [position for position, _ in stops]
    colours = np.array([rgb(colour) for _, colour in stops])
    channels = [np.interp(values, positions, colours[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1)


def blend(low: np.ndarray, high: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Mix two fields of colours or vectors; `amount` 0 gives `low`, 1 gives `high`."""
    return low + (high - low) * np.clip(amount, 0, 1)[..., None]


def paste(below: tuple, above: tuple, inside: np.ndarray) -> tuple:
    """Lay a tuple of fields `above` over the tuple `below` wherever `inside` is true."""
    return tuple(
        np.where(inside[..., None] if new.ndim == 3 else inside, new, old)
        for old, new in zip(below, above, strict=True)
    )


def unit(flow: np.ndarray) -> np.ndarray:
    """Scale every vector of a flow to length 1."""
    return flow / (np.linalg.norm(flow, axis=-1, keepdims=True) + 1e-9)


def heading_flow(heading: np.ndarray) -> np.ndarray:
    """Return the flow that runs in the direction `heading`, an angle for every pixel."""
    return np.stack([np.cos(heading), np.sin(heading)], axis=-1)


def contour_flow(level: np.ndarray) -> np.ndarray:
    """Return the flow that keeps to the contour lines of `level`, from left to right."""
    down, across = np.gradient(level)
    flow = unit(np.stack([down, -across], axis=-1))
    return np.where(flow[..., :1] < 0, -flow, flow)


def sample(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Read `field` (rows, columns, ...) at the pixels nearest to (x, y) `points`."""
    columns = np.clip(points[..., 0], 0, field.shape[1] - 1).astype(int)
    rows = np.clip(points[..., 1], 0, field.shape[0] - 1).astype(int)
    return field[rows, columns]


def follow(flow: np.ndarray, starts: np.ndarray, length: float, step: float = 3.0) -> np.ndarray:
    """Trace `flow` both ways from all `starts` at once; return paths (strokes, points, 2)."""
    ahead, behind = [starts], [starts]
    for _ in range(max(2, round(length / step / 2))):
        ahead.append(ahead[-1] + step * sample(flow, ahead[-1]))
        behind.append(behind[-1] - step * sample(flow, behind[-1]))
    return np.stack(behind[:0:-1] + ahead, axis=1)


def smear(field: np.ndarray, flow: np.ndarray, length: float, step: float = 2.0) -> np.ndarray:
    """Average `field` along the flow lines, which turns blobs into long streaks; keep its mean and spread."""
    rows, columns = np.indices(field.shape)
    here = np.stack([columns, rows], axis=-1).astype(float)
    total = field.copy()
    for direction in (step, -step):
        points = here
        for _ in range(round(length / step / 2)):
            points = points + direction * sample(flow, points)
            total += sample(field, points)
    return (total - total.mean()) / total.std() * field.std() + field.mean()
