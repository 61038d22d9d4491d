"""How far the student is from the teacher: block by block, and as a whole."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.squeezenet import Fire

from style_transfer import extract_features

WINDOW = 14  # positions at each side on which blocks are compared where the feature map is larger
HINTS, PROBABILITIES, LOGITS = 1.0, 1.0, 1.0  # weights of the terms


def relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    """The squared error as a share of the target's energy."""
    return (found - wanted).square().sum() / wanted.square().sum().clamp(min=1e-12)


def block_ends(model: nn.Module) -> list[tuple[int, int]]:
    """First and last index, in `model.features`, of the stem and of each Fire module."""
    fires = [i for i, layer in enumerate(model.features) if isinstance(layer, Fire)]
    return [(0, 1), *((i, i) for i in fires)]


def blocks_loss(images: Tensor, student: nn.Module, teacher: nn.Module, generator: torch.Generator) -> Tensor:
    """The mean relative error of the blocks, each of which gets the teacher's features. Images are normalized."""
    ends = block_ends(student)
    with torch.no_grad():
        features = extract_features(images, teacher, {i for first, last in ends for i in (max(first - 1, 0), last)})
        logits = teacher.classifier[1](features[-1])
    errors = [relative_error(student.classifier[1](features[-1]), logits)]
    for first, last in ends:
        given, wanted = features[first - 1] if first else images, features[last]
        block = student.features[first : last + 1]
        if first and min(wanted.shape[2:]) > WINDOW + 2:
            errors.append(error_in_a_window(block, given, wanted, generator))
        else:
            errors.append(relative_error(block(given), wanted))
    return torch.stack(errors).mean()


def error_in_a_window(block: nn.Module, given: Tensor, wanted: Tensor, generator: torch.Generator) -> Tensor:
    """Part of the map is enough, and cheaper. One more position on each side is context."""
    height, width = wanted.shape[2:]
    top = int(torch.randint(1, height - WINDOW, (), generator=generator))
    left = int(torch.randint(1, width - WINDOW, (), generator=generator))
    found = block(given[..., top - 1 : top + WINDOW + 1, left - 1 : left + WINDOW + 1])[..., 1:-1, 1:-1]
    return relative_error(found, wanted[..., top : top + WINDOW, left : left + WINDOW])


def whole_loss(images: Tensor, student: nn.Module, teacher: nn.Module) -> Tensor:
    """Relative errors after the stem and each Fire module and of the logits, and the divergence of probabilities."""
    last = [end for _, end in block_ends(student)]
    with torch.no_grad():
        wanted = extract_features(images, teacher, last)
        wanted_logits = teacher.classifier(wanted[-1]).flatten(1).float()
    found = extract_features(images, student, last)
    logits = student.classifier(found[-1]).flatten(1).float()
    hints = torch.stack([relative_error(found[i].float(), wanted[i].float()) for i in last]).mean()
    probabilities = functional.kl_div(
        logits.log_softmax(1), wanted_logits.log_softmax(1), reduction="batchmean", log_target=True
    )
    return HINTS * hints + PROBABILITIES * probabilities + LOGITS * relative_error(logits, wanted_logits)
