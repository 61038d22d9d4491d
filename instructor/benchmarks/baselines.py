"""The same tasks done by Captum, pytorch-grad-cam and in the course's plain way, and the passes that nothing beats.

The plain way is what most solutions of the course look like: images in NCHW layout, the whole network, one hook more
than needed, parameters that ask for gradients too.
"""

import copy
import warnings
from collections.abc import Callable

import torch
from captum.attr import GuidedBackprop, GuidedGradCam, LayerAttribution, LayerGradCam, Saliency
from torch import Tensor, nn
from torch.nn import functional

from data.images import legal_range

Task = Callable[[], object]
warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")  # what Captum says every time


def plain_copy(model: nn.Module) -> nn.Module:
    """The model as torchvision builds it: contiguous layout, parameters not frozen."""
    return copy.deepcopy(model).to(memory_format=torch.contiguous_format).requires_grad_(True)


def bare_pass(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    """One forward and one backward pass: the floor of everything that needs a gradient of the pixels."""
    X = X.clone().requires_grad_()
    return torch.autograd.grad(model(X).gather(1, y[:, None]).sum(), X)[0]


@torch.no_grad()
def bare_forward(X: Tensor, model: nn.Module) -> Tensor:
    """The floor of Grad-CAM, whose own backward pass is short."""
    return model(X)


def plain_saliency(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    X = X.contiguous().clone().requires_grad_()
    model(X).gather(1, y.view(-1, 1)).squeeze().sum().backward()
    return X.grad.abs().max(dim=1)[0]


class PlainGuidedReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * (x > 0)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient * (x > 0) * (gradient > 0)


def plain_guided_backprop(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    guided = copy.deepcopy(model)
    for module in guided.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                module._modules[name] = AsModule()
    X = X.contiguous().clone().requires_grad_()
    guided(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad


class AsModule(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return PlainGuidedReLU.apply(x)


def plain_grad_cam(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    kept = {}
    layer = model.features[12]
    hooks = [
        layer.register_forward_hook(lambda module, inputs, output: kept.update(activation=output.clone())),
        layer.register_full_backward_hook(lambda module, inputs, outputs: kept.update(gradient=outputs[0])),
    ]
    X = X.contiguous().clone().requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    for hook in hooks:
        hook.remove()
    weights = kept["gradient"].mean(dim=(2, 3), keepdim=True)
    cam = functional.relu((weights * kept["activation"]).sum(dim=1, keepdim=True))
    return functional.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


def plain_guided_grad_cam(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    return plain_grad_cam(X, y, model)[:, None] * plain_guided_backprop(X, y, model)


def pytorch_grad_cam(X: Tensor, y: Tensor, model: nn.Module) -> dict[str, Task]:
    """What pytorch-grad-cam offers, where it is installed: `pip install -e ".[bench]"`."""
    try:
        from pytorch_grad_cam import GradCAM, GuidedBackpropReLUModel
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    except ImportError:
        return {}
    model = plain_copy(model)
    targets = [ClassifierOutputTarget(label) for label in y.tolist()]

    def grad_cam() -> object:
        with GradCAM(model=model, target_layers=[model.features[12]]) as method:
            return method(input_tensor=X, targets=targets)

    def guided_backprop() -> object:  # it takes images one by one
        method = GuidedBackpropReLUModel(model=model, device=X.device)
        return [method(image[None], target_category=label) for image, label in zip(X, y.tolist(), strict=True)]

    return {"Grad-CAM": grad_cam, "guided backprop": guided_backprop}


def captum(X: Tensor, y: Tensor, model: nn.Module) -> dict[str, Task]:
    """Captum on the model that it is given, in that model's layout."""
    layer, size = model.features[12], tuple(X.shape[2:])

    def layer_grad_cam() -> Tensor:
        maps = LayerGradCam(model, layer).attribute(X, y, relu_attributions=True)
        return LayerAttribution.interpolate(maps, size, "bilinear")

    return {
        "saliency": lambda: Saliency(model).attribute(X.clone().requires_grad_(), y),
        "guided backprop": lambda: GuidedBackprop(model).attribute(X.clone().requires_grad_(), y),
        "Grad-CAM": layer_grad_cam,
        "guided Grad-CAM": lambda: GuidedGradCam(model, layer).attribute(X.clone().requires_grad_(), y),
    }


def plain(X: Tensor, y: Tensor, model: nn.Module) -> dict[str, Task]:
    model = plain_copy(model)
    return {
        "saliency": lambda: plain_saliency(X, y, model),
        "guided backprop": lambda: plain_guided_backprop(X, y, model),
        "Grad-CAM": lambda: plain_grad_cam(X, y, model),
        "guided Grad-CAM": lambda: plain_guided_grad_cam(X, y, model),
    }


def plain_class_visualization(label: int, model: nn.Module, iterations: int) -> Tensor:
    """The course's loop, without jitter and blur, which cost next to nothing."""
    image = torch.randn(1, 3, 224, 224).to(next(model.parameters()).device).requires_grad_()
    for _ in range(iterations):
        score = model(image)[0, label] - 1e-3 * image.norm() ** 2
        score.backward()
        with torch.no_grad():
            image += 25 * image.grad / image.grad.norm()
            image.grad.zero_()
    return image.detach()


def plain_style_transfer(content: Tensor, style: Tensor, cnn: nn.Module, settings: object, iterations: int) -> Tensor:
    """The course's loop: features of every layer, Gram matrices by bmm, a new optimizer after the decay."""

    def features(x: Tensor) -> list[Tensor]:
        outputs = []
        for layer in cnn:
            x = layer(x)
            outputs.append(x)
        return outputs

    def gram(feature: Tensor) -> Tensor:
        n, c, h, w = feature.shape
        flat = feature.reshape(n, c, h * w)
        return torch.bmm(flat, flat.transpose(1, 2)) / (h * w * c)

    with torch.no_grad():
        wanted = features(content)[settings.content_layer].clone()
        targets = [gram(features(style)[layer]).clone() for layer in settings.style_layers]
    image = content.contiguous().clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=settings.learning_rate)
    black, white = legal_range(image)
    for iteration in range(iterations):
        if iteration == settings.decay_at:
            optimizer = torch.optim.Adam([image], lr=settings.final_learning_rate)
        with torch.no_grad():
            image.copy_(torch.maximum(torch.minimum(image, white), black))
        optimizer.zero_grad()
        outputs = features(image)
        loss = settings.content_weight * (outputs[settings.content_layer] - wanted).pow(2).sum()
        for layer, target, weight in zip(settings.style_layers, targets, settings.style_weights, strict=True):
            loss = loss + weight * (gram(outputs[layer]) - target).pow(2).sum()
        vertical, horizontal = image[:, :, 1:] - image[:, :, :-1], image[..., 1:] - image[..., :-1]
        (loss + settings.tv_weight * (vertical.pow(2).sum() + horizontal.pow(2).sum())).backward()
        optimizer.step()
    return image.detach()
