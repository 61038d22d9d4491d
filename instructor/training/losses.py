"""How far the student is from the teacher: block by block, and as a whole."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.squeezenet import Fire

WINDOW = 10  # positions at each side on which blocks are compared where the feature map is larger
HINTS, PROBABILITIES, LOGITS = 1.0, 1.0, 1.0  # weights of the terms


def relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    """The squared error as a share of the target's energy."""
    return error_share(found - wanted, wanted)


def rectified_error(found: Tensor, wanted: Tensor) -> Tensor:
    """The same after a ReLU, of what is found before it: where zero is wanted, anything below zero is right.

    After the ReLU a channel that is zero everywhere would get no gradient and stay so; here it comes back to life.
    Heo et al. 2019, arXiv 1904.01866.
    """
    return error_share((found - wanted) * ((wanted > 0) | (found > 0)), wanted)


def error_share(error: Tensor, wanted: Tensor) -> Tensor:
    with torch.autocast(error.device.type, enabled=False):  # which would copy whole feature maps to float32
        norms = [torch.linalg.vector_norm(tensor).float() for tensor in (error, wanted)]
    return (norms[0] / norms[1].clamp(min=1e-6)).square()


def blocks_loss(images: Tensor, student: nn.Module, teacher: nn.Module, generator: torch.Generator) -> Tensor:
    """The mean relative error of the stem, the Fire modules and the classifier's convolution, given the teacher's
    features. Images are normalized."""
    errors = []
    with torch.no_grad():
        features = teacher.features[:2](images)
    corner = student.features[0](images[..., : 4 * WINDOW + 1, : 4 * WINDOW + 1])
    errors.append(rectified_error(corner, features[..., : 2 * WINDOW, : 2 * WINDOW]))
    for theirs, ours in zip(teacher.features[2:], student.features[2:], strict=True):
        with torch.no_grad():
            given, features = features, theirs(features)
        if isinstance(ours, Fire):
            errors.append(fire_error(ours, given, features, generator))
    with torch.no_grad():
        logits = teacher.classifier[1](features)
    errors.append(relative_error(student.classifier[1](features), logits))
    return torch.stack(errors).mean()


def fire_error(fire: Fire, given: Tensor, wanted: Tensor, generator: torch.Generator) -> Tensor:
    """Part of a large map is enough, and cheaper. One more position on each side is context."""
    height, width = wanted.shape[2:]
    if min(height, width) <= WINDOW + 2:
        return rectified_error(before_activation(fire, given), wanted)
    top = int(torch.randint(1, height - WINDOW, (), generator=generator))
    left = int(torch.randint(1, width - WINDOW, (), generator=generator))
    found = before_activation(fire, given[..., top - 1 : top + WINDOW + 1, left - 1 : left + WINDOW + 1])
    return rectified_error(found[..., 1:-1, 1:-1], wanted[..., top : top + WINDOW, left : left + WINDOW])


def before_activation(fire: Fire, given: Tensor) -> Tensor:
    squeezed = fire.squeeze_activation(fire.squeeze(given))
    return torch.cat([fire.expand1x1(squeezed), fire.expand3x3(squeezed)], dim=1)


def block_outputs(images: Tensor, model: nn.Module) -> list[Tensor]:
    """What the stem and the Fire modules give. Only max pooling comes between, which leaves its input as it is."""
    outputs = []
    for layer in model.features:
        images = layer(images)
        if isinstance(layer, nn.ReLU | Fire):
            outputs.append(images)
    return outputs


def whole_loss(images: Tensor, student: nn.Module, teacher: nn.Module) -> Tensor:
    """Relative errors after the stem and each Fire module and of the logits, and the divergence of probabilities."""
    with torch.no_grad():
        wanted = block_outputs(images, teacher)
        wanted_logits = teacher.classifier(wanted[-1]).flatten(1).float()
    found = block_outputs(images, student)
    logits = student.classifier(found[-1]).flatten(1).float()
    hints = torch.stack([relative_error(*pair) for pair in zip(found, wanted, strict=True)]).mean()
    probabilities = functional.kl_div(
        logits.log_softmax(1), wanted_logits.log_softmax(1), reduction="batchmean", log_target=True
    )
    return HINTS * hints + PROBABILITIES * probabilities + LOGITS * relative_error(logits, wanted_logits)
