"""Class visualization: the picture that a class score likes best, grown from noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Integral

import torch
from torch import Tensor, nn
from torchvision.transforms import functional
from tqdm.auto import trange

from data.images import legal_range
from kit.arguments import check_positive, check_whole
from kit.modes import evaluation_mode
from visualizers.gradient_ascent import normalized_step
from visualizers.scores import check_batch, check_labels, class_scores


def class_visualization_update_step(
    img: Tensor, target_y: Tensor | int, model: nn.Module, l2_reg: float, learning_rate: float
) -> Tensor:
    """One step of gradient ascent on score - l2_reg * ||img||^2: a new tensor like `img`, (K, 3, H, W).

    The step has length `learning_rate` for each image. target_y is one int or int64 (K,). Raises TypeError or
    ValueError for anything else.
    """
    img, target_y = check_batch(img, target_y, model)
    img.requires_grad_()
    with torch.enable_grad():
        with evaluation_mode(model):
            scores = class_scores(img, target_y, model)
        # Hint: the regularization belongs inside what is differentiated, before the step is normalized, and its norm is
        # squared. Each image of the batch has its own objective; `normalized_step` treats them one by one.
        ### BEGIN SOLUTION
        objective = scores.sum() - l2_reg * img.square().sum()
        (gradient,) = torch.autograd.grad(objective, img)
        updated = img.detach() + normalized_step(gradient, learning_rate)
        ### END SOLUTION
    return updated


def create_class_visualization(
    target_y: Tensor | int,
    model: nn.Module,
    *,
    num_iterations: int = 100,
    learning_rate: float = 25.0,
    l2_reg: float = 1e-3,
    blur_every: int = 10,
    max_jitter: int = 16,
    size: int | tuple[int, int] = 224,
    seed: int = 0,
    callback: Callable[[int, Tensor], None] | None = None,
    progress: bool = False,
) -> Tensor:
    """One image for each of the K classes in `target_y`: (K, 3, H, W), legal pixels in normalized space.

    All start from the same noise and are jittered alike, alone and in a batch; what then differs is rounding, which
    the ascent amplifies. `blur_every=0` leaves the blur out; `size` is H = W or (H, W). `callback(iteration, images)`
    is called after every iteration, counted from 1; `progress` shows a bar. Raises ValueError for numbers that make no
    sense. Simonyan et al. 2013, arXiv 1312.6034; Yosinski et al. 2015, arXiv 1506.06579.
    """
    check_whole(num_iterations=num_iterations, blur_every=blur_every, max_jitter=max_jitter, seed=seed)
    check_positive(num_iterations=num_iterations, learning_rate=learning_rate)
    if min(l2_reg, blur_every, max_jitter) < 0:
        raise ValueError(f"l2_reg {l2_reg}, blur_every {blur_every}, max_jitter {max_jitter}: none may be negative")
    height, width = height_and_width(size)
    count = len(target_y) if isinstance(target_y, Tensor) and target_y.ndim else 1
    target_y = check_labels(target_y, count)
    random = torch.Generator().manual_seed(seed)
    weight = next(model.parameters(), torch.empty(0))
    images = torch.randn(1, 3, height, width, generator=random).to(weight).expand(count, -1, -1, -1)
    black, white = legal_range(images)
    for iteration in trange(num_iterations, desc="class visualization", unit="step", disable=not progress):
        shift = torch.randint(0, max_jitter + 1, (2,), generator=random).tolist()
        images = images.roll(shift, dims=(2, 3))
        images = class_visualization_update_step(images, target_y, model, l2_reg, learning_rate)
        images = images.roll([-shift[0], -shift[1]], dims=(2, 3)).clamp(black, white)
        if blur_every and iteration % blur_every == 0:
            images = functional.gaussian_blur(images, kernel_size=5, sigma=0.5)
        if callback is not None:
            callback(iteration + 1, images)
    return images


def height_and_width(size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = size if isinstance(size, tuple | list) and len(size) == 2 else (size, size)
    if not all(isinstance(length, Integral) and length >= 1 for length in (height, width)):
        raise ValueError(f"size is {size!r}: give a number of pixels, or height and width, each at least 1")
    return int(height), int(width)


@dataclass
class Snapshots:
    """A callback that keeps the images of certain iterations: `images[iteration]` is (K, 3, H, W)."""

    at: Sequence[int] = (1, 25, 50, 75, 100)
    images: dict[int, Tensor] = field(default_factory=dict)

    def __call__(self, iteration: int, images: Tensor) -> None:
        if iteration in self.at:
            self.images[iteration] = images
