"""The forward pass that every technique starts from: checked inputs in, one score per image out."""

import re
from numbers import Integral

import torch
from torch import Tensor, nn

from kit.modes import evaluation_mode
from visualizers.graph import leads_to

TOO_SMALL = re.compile("kernel size|output size|too small|non-zero|at least|greater than actual", re.IGNORECASE)


def check_batch(X: Tensor, y: Tensor | int | None, model: nn.Module) -> tuple[Tensor, Tensor | None]:
    """Images and labels as every technique needs them: detached, on the model's device.

    X is (N, C, H, W) of the model's dtype, C being 3 unless the model begins with another number of channels. y is
    int64 (N,), or one int for all images, or None for the class that the model finds most probable. Raises TypeError
    or ValueError, naming what is wrong, before any work is done.
    """
    check_model(model)
    weight = next(model.parameters(), None)
    device, dtype = (weight.device, weight.dtype) if weight is not None else (None, torch.float32)
    X = check_images(X, dtype, channels_of(model)).to(device)
    y = None if y is None else check_labels(y, len(X)).to(X.device)
    return X.clone(memory_format=torch.channels_last if lies_channels_last(model) else torch.preserve_format), y


def check_model(model: nn.Module) -> None:
    """Gradients and hooks need an ordinary module, called while autograd may record."""
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"model is a {type(model).__name__}: give a torch.nn.Module; the order is images, labels, model"
        )
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError("the model is a TorchScript module, which hides what happens inside: give the module itself")
    if hasattr(model, "_orig_mod"):
        raise TypeError(
            "the model is compiled, which hides what happens inside: give model._orig_mod, the module itself"
        )
    if any(module._compiled_call_impl is not None for module in model.modules()):
        raise TypeError("the model was compiled in place, which hides what happens inside: build it without compile()")
    if torch.is_inference_mode_enabled():
        raise RuntimeError("this is called in torch.inference_mode(), where no gradient is recorded: call it outside")
    weight = next(model.parameters(), None)
    if weight is not None and weight.is_inference():
        raise ValueError("the model was made in torch.inference_mode(), so it has no gradients: make it outside")


def channels_of(model: nn.Module) -> int | None:
    """How many channels the images have: those of the first convolution, if it takes other ones than three."""
    first = next((module for module in model.modules() if isinstance(module, nn.Conv2d)), None)
    return None if first is None else first.in_channels


def lies_channels_last(model: nn.Module) -> bool:
    """Whether the model's convolutions were laid out so, as `load_model` does; then they are faster with such images.

    Everybody else's model gets images as they were given: it may flatten its features with `view`.
    """
    weights = (parameter for parameter in model.parameters() if parameter.ndim == 4)
    return any(w.is_contiguous(memory_format=torch.channels_last) and not w.is_contiguous() for w in weights)


def check_images(X: Tensor, dtype: torch.dtype, channels: int | None = 3) -> Tensor:
    if not isinstance(X, Tensor):
        raise TypeError(f"X is a {type(X).__name__}: give a tensor (N, 3, H, W), for instance from preprocess()")
    if X.ndim != 4 or X.shape[1] not in (3, channels) or 0 in X.shape:
        wanted = channels or 3
        raise ValueError(f"X has shape {tuple(X.shape)}: give a batch (N, {wanted}, H, W) with at least one image")
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
    return y.detach().clone()  # labels that were made in inference mode could not be used otherwise


def class_logits(X: Tensor, y: Tensor | None, model: nn.Module) -> Tensor:
    """All unnormalized class scores (N, K), once it is certain that the labels `y` are among the K classes.

    A model with one score per image, (N,) or (N, 1), has the class 0. Raises ValueError for a model that does not run
    on these images, gives something else, or lets no gradient through to them.
    """
    logits = forward(X, model)
    if isinstance(logits, Tensor) and logits.shape == X.shape[:1]:
        logits = logits.unsqueeze(1)
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(X):
        shape = getattr(logits, "shape", type(logits).__name__)
        raise ValueError(f"the model returns {shape}: it must return one row of class scores per image, (N, classes)")
    if y is not None and y.max() >= logits.shape[1]:
        raise ValueError(f"label {y.max().item()} is out of range: the model has classes 0 to {logits.shape[1] - 1}")
    if X.requires_grad and torch.is_grad_enabled():
        check_reached(logits, X, "image")
    return logits


def forward(X: Tensor, model: nn.Module) -> object:
    """What the model gives; it may change its input, which is not the caller's."""
    try:
        return model(X if lies_channels_last(model) else X.clone())
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        size = ", which is too small for it" if TOO_SMALL.search(str(error)) else ""
        reason = str(error).partition("\n")[0]
        raise ValueError(f"the model does not run on X of shape {tuple(X.shape)}{size}: {reason}") from error


def check_reached(logits: Tensor, start: Tensor, name: str) -> None:
    """Raise ValueError where autograd has recorded no way from `start`, called so, to the scores."""
    if not leads_to(logits, start):
        raise ValueError(
            f"no gradient reaches the {name}: the model computes under no_grad, detaches features, or is quantized"
        )


def class_scores(X: Tensor, y: Tensor | None, model: nn.Module) -> Tensor:
    """The unnormalized score of each image's own class, or with None of its most probable one: (N,)."""
    logits = class_logits(X, y, model)
    y = logits.argmax(dim=1) if y is None else y
    return logits.gather(1, y.unsqueeze(1)).squeeze(1)


@torch.no_grad()
def probabilities(X: Tensor, model: nn.Module, y: Tensor | int | None = None) -> Tensor:
    """The probabilities of all classes (N, K), once it is certain that the labels `y`, if given, are among them."""
    X, y = check_batch(X, y, model)
    with evaluation_mode(model):
        return class_logits(X, y, model).softmax(dim=1)
