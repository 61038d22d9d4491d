"""The optimizers of a style transfer: the learning rates that suit each, and how it takes a step."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

# Steps of L-BFGS at each pixel, in normalized space, where black and white are about 4.5 apart: the first one on
# average, which knows nothing yet of the curvature (torch's own would hardly move), and the longest one.
FIRST_STEP, LONGEST_STEP = 0.01, 0.2


class Steps(Protocol):
    """Made for an image (1, 3, H, W), which it moves in place; `closure` gives the loss and leaves image.grad."""

    def __call__(self, closure: Callable[[], Tensor], rate: float) -> None: ...


class AdamSteps:
    def __init__(self, image: Tensor, momentum: float = 0.9) -> None:
        self.adam = torch.optim.Adam([image], betas=(momentum, 0.999))

    def __call__(self, closure: Callable[[], Tensor], rate: float) -> None:
        # when the rate falls the same optimizer goes on: see question 2 of notebook 5
        self.adam.param_groups[0]["lr"] = rate
        self.adam.step(closure)


class QuasiNewtonSteps:
    """L-BFGS, held back where a poor first guess of the curvature would make it leap."""

    def __init__(self, image: Tensor) -> None:
        self.image = image
        self.lbfgs = torch.optim.LBFGS([image], max_iter=1, history_size=5)
        self.scale = FIRST_STEP * image.numel()

    def __call__(self, closure: Callable[[], Tensor], rate: float) -> None:
        self.lbfgs.param_groups[0]["lr"], self.scale = self.scale * rate, 1
        before = self.image.detach().clone()
        self.lbfgs.step(closure)
        with torch.no_grad():
            self.image.copy_(before + (self.image - before).clamp(-LONGEST_STEP, LONGEST_STEP))


@dataclass(frozen=True)
class Optimizer:
    """What a preset names: `steps(image)` moves the image; the learning rate falls to the final one."""

    learning_rate: float
    final_learning_rate: float
    steps: Callable[[Tensor], Steps]


OPTIMIZERS = {
    "adam": Optimizer(3.0, 0.1, AdamSteps),  # the course's big steps, of which the first throws the photograph away
    "small_steps": Optimizer(0.08, 0.08, partial(AdamSteps, momentum=0.8)),  # with more momentum they would overshoot
    "lbfgs": Optimizer(1.0, 1.0, QuasiNewtonSteps),  # finds its own step length
}
