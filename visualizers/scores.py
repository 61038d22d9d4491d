"""The forward pass that every technique starts from: checked inputs in, one score per image out."""

from numbers import Integral

import torch
from torch import Tensor, nn


def check_batch(X: Tensor, y: Tensor | int, model: nn.Module) -> tuple[Tensor, Tensor]:
    """Images and labels as every technique needs them: detached copies on the model's device.

    X is (N, 3, H, W) of the model's dtype; y is int64 (N,), or one int for all images. Raises TypeError or ValueError,
    naming what is wrong, before any work is done.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"model is a {type(model).__name__}: give a torch.nn.Module; the order is images, labels, model"
        )
    weight = next(model.parameters(), None)
    device, dtype = (weight.device, weight.dtype) if weight is not None else (None, torch.float32)
    X = check_images(X, dtype).to(device)
    y = check_labels(y, len(X)).to(X.device)
    return X.clone(memory_format=torch.channels_last), y


def check_images(X: Tensor, dtype: torch.dtype) -> Tensor:
    if not isinstance(X, Tensor):
        raise TypeError(f"X is a {type(X).__name__}: give a tensor (N, 3, H, W), for instance from preprocess()")
    if X.ndim != 4 or X.shape[1] != 3 or 0 in X.shape:
        raise ValueError(f"X has shape {tuple(X.shape)}: give a batch (N, 3, H, W) with at least one image")
    if X.dtype != dtype:
        raise TypeError(f"X is {X.dtype}, the model {dtype}: give what preprocess() makes of the pictures")
    X = X.detach()
    if not all(extreme.isfinite() for extreme in X.aminmax()):  # one pass over the pixels; NaN is both extremes
        raise ValueError("X has pixels that are NaN or infinite: look at how it was made")
    return X


def check_labels(y: Tensor | int, count: int) -> Tensor:
    if isinstance(y, Integral) and not isinstance(y, bool):
        y = torch.full((count,), int(y))
    if not isinstance(y, Tensor) or y.dtype != torch.int64:
        kind = y.dtype if isinstance(y, Tensor) else type(y).__name__
        raise TypeError(f"labels are {kind} ({y!r:.60}): give an int64 tensor, one class number per image")
    if y.shape != (count,):
        raise ValueError(f"labels have shape {tuple(y.shape)}: {count} images need shape ({count},)")
    if not count:
        raise ValueError("there are no labels: give at least one class number")
    if y.min() < 0:
        raise ValueError(f"label {y.min().item()} is out of range: class numbers start at 0")
    return y.detach()


def class_logits(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    """All unnormalized class scores (N, K), once it is certain that the labels `y` are among the K classes."""
    logits = model(X)
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(X):
        shape = getattr(logits, "shape", type(logits).__name__)
        raise ValueError(f"the model returns {shape}: it must return one row of class scores per image, (N, classes)")
    if y.max() >= logits.shape[1]:
        raise ValueError(f"label {y.max().item()} is out of range: the model has classes 0 to {logits.shape[1] - 1}")
    return logits


def class_scores(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    """The unnormalized score of each image's own class: (N,)."""
    return class_logits(X, y, model).gather(1, y.unsqueeze(1)).squeeze(1)
