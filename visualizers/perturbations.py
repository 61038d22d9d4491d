"""What else can be done to an image: random steps, the straight line to another image, a file.

A fooling image means little without its controls: a step of the same length in any other direction, the scores on the
way, and what is left of it after saving.
"""

import io

import torch
from PIL import Image
from torch import Tensor, nn

from data.images import deprocess, preprocess
from kit.arguments import check_positive, check_whole
from kit.modes import evaluation_mode
from visualizers.scores import check_batch, check_labels


def random_steps(X: Tensor, lengths: Tensor, count: int = 10, seed: int = 0) -> Tensor:
    """Images (count, N, 3, H, W), each a step from X (N, 3, H, W) in a random direction, `lengths` (N,) long.

    Directions are uniform on the sphere: normal noise, divided by its norm. Raises ValueError unless there is one
    finite length for each image.
    """
    check_whole(count=count, seed=seed)
    check_positive(count=count)
    if lengths.shape != X.shape[:1] or not (lengths.isfinite() & (lengths >= 0)).all():
        raise ValueError(f"lengths is {lengths!r}: give one finite length for each of {len(X)} images")
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, *X.shape, generator=random).to(X)
    directions = noise / noise.flatten(2).norm(dim=2)[..., None, None, None]
    return X + lengths[:, None, None, None] * directions


@torch.no_grad()
def probabilities_of(target_y: Tensor | int, images: Tensor, model: nn.Module) -> Tensor:
    """The probability of the target in each of (..., 3, H, W) images: (...)."""
    with evaluation_mode(model):
        found = [model(batch).softmax(dim=1) for batch in images.flatten(0, -4).split(25)]
    every = torch.cat(found)
    labels = check_labels(target_y, images.shape[-4]).to(every.device).expand(images.shape[:-3]).reshape(-1, 1)
    return every.gather(1, labels).reshape(images.shape[:-3])


@torch.no_grad()
def scores_between(start: Tensor, end: Tensor, labels: Tensor, model: nn.Module, points: int = 21) -> Tensor:
    """Unnormalized scores of some classes along the straight line between two images: (N, K, points).

    start and end are (N, 3, H, W), labels int64 (N, K); the first point is `start`, the last one `end`.
    """
    check_whole(points=points)
    start, _ = check_batch(start, labels[:, 0], model)
    if end.shape != start.shape:
        raise ValueError(f"end is {tuple(end.shape)}, start {tuple(start.shape)}: give two batches of one shape")
    with evaluation_mode(model):
        scores = [
            model(torch.lerp(start, end, place)).gather(1, labels.to(start.device))
            for place in torch.linspace(0, 1, points).tolist()
        ]
    return torch.stack(scores, dim=2)


def saved(images: Tensor, format: str, **options: int) -> Tensor:
    """The images (N, 3, H, W) as they come back from a file: whole grey levels in the legal range, and for JPEG less.

    `format` and `options` are Pillow's, such as "PNG", or "JPEG" with quality=75.
    """
    pictures = []
    for pixels in deprocess(images):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format, **options)
        pictures.append(Image.open(file).convert("RGB"))
    return preprocess(pictures).to(images)
