"""Does removing it matter? The score of a class while the pixels that a map calls important disappear, or come back.

Deletion and insertion, after Petsiuk et al. 2018 (RISE), arXiv 1806.07421. Removed pixels are blurred, not blackened:
a black hole is a new object, and a network sees it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.transforms import functional

from sanity_checks.explanations import explain
from visualizers.scores import check_batch, probabilities

FRACTIONS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
RANDOM = "random"


@dataclass(frozen=True)
class Removal:
    """Probabilities of the class, (N, fractions), by method, "random" among them, while pixels are removed.

    `deleted`: the most important first; `spared`: the least important first. Read from its end, the second is
    insertion: the most important pixels come back into the blurred image first.
    """

    fractions: tuple[float, ...]
    deleted: dict[str, NDArray[np.float64]]
    spared: dict[str, NDArray[np.float64]]

    def areas(self) -> NDArray[np.float64]:
        """Mean areas under the curves, (methods, 2), of deletion (low is good) and of insertion (high is)."""
        kinds = (self.deleted, self.spared)
        return np.array(
            [[np.trapezoid(kind[method], self.fractions, axis=1).mean() for kind in kinds] for method in self.deleted]
        )


@torch.no_grad()
def removal(
    X: Tensor,
    y: Tensor,
    model: nn.Module,
    maps: Mapping[str, Tensor],
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
) -> Removal:
    """Blur the given fractions of the pixels of X (N, 3, H, W) in the order of each method's `maps` (N, H, W).

    A map's value is a pixel's importance; pixels of equal importance are put in random order, which is the same for
    all maps, and is the whole order of the method "random". Raises ValueError for maps of another shape, or that are
    not finite, and for fractions that do not rise from 0 to 1.
    """
    X, y = check_batch(X, y, model)
    fractions = tuple(fractions)
    if fractions[:1] != (0.0,) or fractions[-1:] != (1.0,) or sorted(set(fractions)) != list(fractions):
        raise ValueError(f"fractions are {fractions}: give numbers that rise from 0 to 1")
    for method, values in maps.items():
        if values.shape != X[:, 0].shape or not values.isfinite().all():
            raise ValueError(f"{method!r} has shape {tuple(values.shape)}: give finite maps {tuple(X[:, 0].shape)}")
    random = torch.Generator().manual_seed(seed)
    lots = torch.stack([torch.randperm(X[0, 0].numel(), generator=random) for _ in X]).to(X.device)
    orders = {method: most_important_first(values, lots) for method, values in maps.items()} | {RANDOM: lots}
    faded = blurred(X)
    whole, gone = chance(model, X, y), chance(model, faded, y)

    def curve(order: Tensor) -> NDArray[np.float64]:
        between = [chance(model, mixture, y) for mixture in mixtures(X, faded, order, fractions[1:-1])]
        return np.stack([whole, *between, gone], axis=1)

    deleted = {method: curve(order) for method, order in orders.items()}
    spared = {method: curve(order.flip(1)) for method, order in orders.items()}
    return Removal(fractions, deleted, spared)


def most_important_first(values: Tensor, lots: Tensor) -> Tensor:
    """The places of the pixels (N, H * W), from the largest value to the smallest; `lots` decides between equals."""
    drawn = values.flatten(1).to(lots.device).gather(1, lots)
    return lots.gather(1, drawn.argsort(dim=1, descending=True, stable=True))


def mixtures(start: Tensor, end: Tensor, order: Tensor, fractions: Sequence[float]) -> Iterator[Tensor]:
    """The images `start` in which the first pixels of the order, of all channels, are those of `end`."""
    before, after = start.flatten(2), end.flatten(2)
    place = torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )
    for fraction in fractions:
        taken = place < round(fraction * order.shape[1])
        yield torch.where(taken[:, None], after, before).view_as(start)


def chance(model: nn.Module, images: Tensor, y: Tensor) -> NDArray[np.float64]:
    return probabilities(images, model, y).gather(1, y[:, None])[:, 0].double().cpu().numpy()


def blurred(X: Tensor) -> Tensor:
    """What is left when details are taken away: a Gaussian of a twentieth of the shorter side."""
    sigma = min(X.shape[2:]) / 20
    return functional.gaussian_blur(X, kernel_size=2 * int(2 * sigma) + 1, sigma=sigma)


def importance(X: Tensor, y: Tensor, model: nn.Module, methods: Collection[str]) -> dict[str, Tensor]:
    """Maps (N, H, W) that are never negative, by method: of a gradient the largest absolute value over the channels."""
    explanations = explain(X, y, model, methods)
    return {
        name: values.abs() if values.ndim == 3 else values.abs().amax(dim=1) for name, values in explanations.items()
    }
