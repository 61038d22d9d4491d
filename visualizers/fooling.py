"""Fooling images: a change too small to see that makes the model say what we like."""

import torch
from torch import Tensor, nn

from kit.arguments import check_positive, check_whole
from kit.modes import evaluation_mode
from visualizers.gradient_ascent import normalized_step
from visualizers.scores import check_batch, class_logits


def make_fooling_image(
    X: Tensor, target_y: Tensor | int, model: nn.Module, learning_rate: float = 10.0, max_iter: int = 100
) -> Tensor:
    """Images like X that the model takes for `target_y`: (N, 3, H, W).

    Each image climbs the score of its target by steps of length `learning_rate` in normalized space, stops as soon as
    the target is predicted, and gives up after `max_iter` steps, or when its gradient is zero. Values are not clamped
    to legal pixels. X is (N, 3, H, W); target_y is one int or int64 (N,). Raises TypeError or ValueError for anything
    else. Szegedy et al. 2013, arXiv 1312.6199.
    """
    check_whole(max_iter=max_iter)
    check_positive(learning_rate=learning_rate, max_iter=max_iter)
    fooling, target_y = check_batch(X, target_y, model)
    unfooled = torch.arange(len(fooling), device=fooling.device)
    with torch.enable_grad(), evaluation_mode(model):
        for _ in range(max_iter):
            images = fooling[unfooled].requires_grad_()
            targets = target_y[unfooled]
            logits = class_logits(images, targets, model)
            # Hint: `wrong` marks the images, among those still tried, that are not yet taken for their target. Climb
            # the target's score, one normalized_step each; the loop moves only the images that are still wrong.
            ### BEGIN SOLUTION
            wrong = logits.argmax(dim=1) != targets
            scores = logits.gather(1, targets.unsqueeze(1))
            (gradient,) = torch.autograd.grad(scores.sum(), images)
            step = normalized_step(gradient, learning_rate)
            ### END SOLUTION
            moving = wrong & step.flatten(1).any(dim=1)
            if not moving.any():
                break
            unfooled = unfooled[moving]
            fooling[unfooled] += step[moving]
    return fooling
