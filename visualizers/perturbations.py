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
from visualizers.scores import check_batch, check_images, check_labels, class_logits, probabilities


def random_steps(X: Tensor, lengths: Tensor, count: int = 10, seed: int = 0) -> Tensor:
    """Images (count, N, 3, H, W), each a step from X (N, 3, H, W) in a random direction, `lengths` (N,) long.

    Directions are uniform on the sphere: normal noise, divided by its norm. Raises ValueError unless there is one
    finite length for each image, TypeError or ValueError for images that are none.
    """
    check_whole(count=count, seed=seed)
    check_positive(count=count)
    X = check_images(X, X.dtype if isinstance(X, Tensor) and X.is_floating_point() else torch.float32)
    if lengths.shape != X.shape[:1] or not (lengths.isfinite() & (lengths >= 0)).all():
        raise ValueError(f"lengths is {lengths!r}: give one finite length for each of {len(X)} images")
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, *X.shape, generator=random).to(X)
    directions = noise / noise.flatten(2).norm(dim=2)[..., None, None, None]
    return X + lengths[:, None, None, None] * directions


def probabilities_of(target_y: Tensor | int, images: Tensor, model: nn.Module) -> Tensor:
    """The probability of the target, one int or int64 (N,), in each of (..., N, 3, H, W) images: (..., N)."""
    batches = images.flatten(0, -5) if images.ndim > 4 else images[None]
    labels = check_labels(target_y, images.shape[-4])
    found = [probabilities(batch, model, labels) for batch in batches]
    labels = labels[:, None].to(found[0].device)
    return torch.stack([every.gather(1, labels)[:, 0] for every in found]).reshape(images.shape[:-3])


@torch.no_grad()
def scores_between(start: Tensor, end: Tensor, labels: Tensor, model: nn.Module, points: int = 21) -> Tensor:
    """Unnormalized scores of some classes along the straight line between two images: (N, K, points).

    start and end are (N, 3, H, W), labels int64 (N, K); the first point is `start`, the last one `end`. Raises
    TypeError or ValueError for anything else.
    """
    check_whole(points=points)
    check_positive(points=points)
    if not isinstance(labels, Tensor) or labels.ndim != 2:
        raise ValueError(f"labels are {labels!r:.60}: give an int64 tensor (N, K), some classes for each image")
    for column in labels.unbind(dim=1):
        start, _ = check_batch(start, column, model)
    end, _ = check_batch(end, None, model)
    if end.shape != start.shape:
        raise ValueError(f"end is {tuple(end.shape)}, start {tuple(start.shape)}: give two batches of one shape")
    with evaluation_mode(model):
        labels = labels.to(start.device)
        scores = [
            class_logits(torch.lerp(start, end, place), labels, model).gather(1, labels)
            for place in torch.linspace(0, 1, points).tolist()
        ]
    return torch.stack(scores, dim=2)


def saved(images: Tensor, format: str, **options: int) -> Tensor:
    """The images (N, 3, H, W) as they come back from a file: whole grey levels in the legal range, and for JPEG less.

    `format` and `options` are Pillow's, such as "PNG", or "JPEG" with quality=75. Raises ValueError for a format that
    Pillow does not write.
    """
    Image.init()
    if format.upper() not in Image.SAVE:
        raise ValueError(f"format is {format!r}: choose one that Pillow writes, such as PNG or JPEG")
    pictures = []
    for pixels in deprocess(images):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format, **options)
        pictures.append(Image.open(file).convert("RGB"))
    return preprocess(pictures).to(images)
