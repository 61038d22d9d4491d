"""The stored references, which `python -m instructor references` makes anew.

They come from the slow implementations, from Captum and from finite differences, with the weights that the kit ships.
Before anything is written, the three must agree. The kit's own techniques are not used.
"""

import warnings
from pathlib import Path

import captum.attr
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from data import load_examples, load_model, preprocess
from instructor.reference import oracle
from kit.atomic import atomic_path
from tests.support.references import FOLDER, weights_sha256

LARGEST = 1_500_000  # bytes, all files together


def agree(what: str, a: Tensor, b: Tensor, tolerance: float = 1e-5) -> None:
    error = ((a.double() - b.double()).norm() / b.double().norm()).item()
    if not error <= tolerance:
        raise RuntimeError(f"{what}: two independent ways differ by {error:.1e}")


def slopes_by_differences(X: Tensor, y: Tensor, model: nn.Module, pixels: Tensor, h: float = 1e-6) -> Tensor:
    """The slope of the class score at each (image, row, column) of `pixels`, for the three channels: (P, 3)."""
    model, X = oracle.double(model), X.double()
    slopes = torch.zeros(len(pixels), 3, dtype=torch.float64)
    for i, (n, row, column) in enumerate(pixels.tolist()):
        for channel in range(3):
            scores = []
            for move in (h, -h):
                moved = X[n : n + 1].clone()
                moved[0, channel, row, column] += move
                scores.append(model(moved)[0, y[n]])
            slopes[i, channel] = (scores[0] - scores[1]) / (2 * h)
    return slopes


def grad_cam_by_differences(X: Tensor, y: Tensor, model: nn.Module, h: float = 1e-6) -> Tensor:
    """Grad-CAM at the end of `features` without any backward pass: lift one whole channel after the other."""
    model = oracle.double(model)
    maps = []
    for x, label in zip(X.double().split(1), y.tolist(), strict=True):
        activation = model.features(x)
        total = torch.zeros_like(activation[:, 0])
        for channel in range(activation.shape[1]):
            scores = []
            for move in (h, -h):
                moved = activation.clone()
                moved[:, channel] += move
                scores.append(model.classifier(moved).flatten()[label])
            slope = (scores[0] - scores[1]) / (2 * h)
            total += slope / activation[0, 0].numel() * activation[:, channel]
        maps.append(functional.interpolate(total.clamp(min=0)[None], x.shape[2:], mode="bilinear")[0, 0])
    return torch.stack(maps)


def pictures(model: nn.Module) -> tuple[Tensor, Tensor]:
    """Two small photographs; for the first its likeliest class, for the second an unlikely one.

    Unlikely: the lowest score whose Grad-CAM is not zero, yet changes by more than 20 % when its ReLU is left out.
    """
    examples = load_examples(2, "shipped")
    X = functional.interpolate(preprocess(examples.images[:, 20:204]), (72, 88), mode="area").contiguous()
    X = (X * 64).round() / 64  # fewer different values: a smaller file
    scores = model(X)
    for label in scores[1].argsort().tolist():
        x, y = X[1:], torch.tensor([label])
        activation, slope = oracle.activation_and_gradient(x.double(), label, oracle.double(model), "features.12")
        signed = (slope.mean(dim=(1, 2), keepdim=True) * activation).sum(dim=0)
        positive = signed.clamp(min=0)
        if positive.norm() > 0.1 and (signed - positive).norm() > 0.2 * signed.norm():
            return X, torch.cat([scores[0].argmax().view(1), y])
    raise RuntimeError("no unlikely class has a Grad-CAM with both signs")


def attributions(model: nn.Module) -> dict[str, Tensor]:
    X, y = pictures(model)
    reference = {
        "X": X,
        "y": y,
        "saliency": oracle.saliency(X, y, model),
        "guided_backprop": oracle.guided_backprop(X, y, model),
        "grad_cam": oracle.grad_cam(X, y, model, "features.12"),
        "grad_cam_3": oracle.grad_cam(X, y, model, "features.3"),
    }
    at = torch.tensor([[n, row, column] for n in range(2) for row in (9, 40, 63) for column in (11, 44, 80)])
    reference["pixels"], reference["slopes"] = at, slopes_by_differences(X, y, model, at)
    steepest = reference["slopes"].abs().amax(dim=1)
    agree("saliency, differences", steepest, reference["saliency"][at[:, 0], at[:, 1], at[:, 2]])
    agree("Grad-CAM, differences", grad_cam_by_differences(X, y, model), reference["grad_cam"])

    network, X = oracle.double(model), X.double().requires_grad_()
    third, last = network.features[3], network.features[12]
    larger = {"size": X.shape[2:], "mode": "bilinear", "align_corners": False}
    path = captum.attr.IntegratedGradients(network)
    conductance = captum.attr.LayerConductance(network, third).attribute(X, target=y, n_steps=20)
    cam = captum.attr.LayerGradCam(network, third).attribute(X, target=y, relu_attributions=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the hooks that guided backprop needs
        guided = captum.attr.GuidedBackprop(network).attribute(X, target=y)
        both = captum.attr.GuidedGradCam(network, last).attribute(X, target=y, interpolate_mode="bilinear")
    agree("saliency, Captum", captum.attr.Saliency(network).attribute(X, target=y).amax(1), reference["saliency"])
    agree("guided backprop, Captum", guided, reference["guided_backprop"])
    agree("Grad-CAM, Captum", functional.interpolate(cam, **larger)[:, 0], reference["grad_cam_3"])
    agree("guided Grad-CAM, Captum", both, reference["grad_cam"].unsqueeze(1) * reference["guided_backprop"])
    reference["captum_integrated_gradients"] = path.attribute(X, target=y, n_steps=20)
    reference["captum_layer_conductance"] = functional.interpolate(conductance.sum(1, keepdim=True), **larger)[:, 0]
    return reference


def target_after(steps: int, x: Tensor, model: nn.Module) -> int:
    """A class that the image (1, 3, H, W) is taken for after exactly so many steps of length 2."""
    for target in model(x)[0].argsort(descending=True).tolist():
        fooled, taken = oracle.fooling(x, [target], model, 2.0, steps + 1)
        if taken == [steps] and oracle.double(model)(fooled).argmax() == target:
            return target
    raise RuntimeError(f"no class is reached in {steps} steps")


def ascent(model: nn.Module) -> dict[str, Tensor]:
    X, _ = pictures(model)
    targets = [target_after(6, X[:1], model), target_after(3, X[1:], model)]
    fooled, steps = oracle.fooling(X, targets, model, 2.0, 100)
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 3, 64, 80, generator=random)
    shifts = [tuple(torch.randint(0, 17, (2,), generator=random).tolist()) for _ in range(2)]
    settings = {"learning_rate": 25.0, "l2_reg": 1e-3, "blur_every": 10}
    return {
        "fooling_targets": torch.tensor(targets),
        "fooling": fooled,
        "fooling_steps": torch.tensor(steps),
        "step_targets": torch.tensor([366, 187]),
        "step": oracle.class_visualization_step(X, [366, 187], model, 0.05, 25.0),
        "noise": noise,
        "shifts": torch.tensor(shifts),
        "visualization_targets": torch.tensor([366, 187]),
        "visualization": oracle.class_visualization(noise, shifts, [366, 187], model, **settings),
    }


def style(model: nn.Module) -> dict[str, Tensor]:
    """The losses of The Starry Night's preset, between three crops of photographs, and the gradient of their sum."""
    X, _ = pictures(model)
    image, content, painting = X[:1, :, 8:56, 4:60], X[1:, :, 8:56, 4:60], X[1:, :, 16:, :48]
    layers, style_layers = oracle.double(model.features), [1, 4, 6, 7]
    wanted = oracle.outputs(content.double(), layers, [3])[3].numpy()
    grams = [
        oracle.gram(feature.numpy()) for feature in oracle.outputs(painting.double(), layers, style_layers).values()
    ]
    settings = (layers, (3, wanted, 6e-2), (style_layers, grams, [300000, 1000, 15, 3]), 2e-2)
    losses, slope = oracle.transfer_losses_and_gradient(image.double(), *settings)
    direction = slope / slope.norm()
    up, down = (
        oracle.transfer_losses_and_gradient(image.double() + h * direction, *settings)[0] for h in (1e-6, -1e-6)
    )
    agree("style transfer, differences", torch.tensor((sum(up) - sum(down)) / 2e-6), slope.norm())
    return {
        "image": image,
        "content": content,
        "style": painting,
        "losses": torch.tensor(losses),
        "gradient": slope,
        "gram_1": torch.from_numpy(grams[0]),
        "gram_4": torch.from_numpy(grams[1]),
    }


def write(path: Path, tensors: dict[str, Tensor], sha256: str) -> int:
    """Write the file; its size in bytes."""
    arrays = {name: tensor.detach().contiguous().numpy() for name, tensor in tensors.items()}
    arrays = {name: array.astype(np.float32) if array.dtype.kind == "f" else array for name, array in arrays.items()}
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, weights_sha256=np.array(sha256), **arrays)
    return path.stat().st_size


def renew() -> None:
    """Write all of them. Raises RuntimeError, before anything is written, where two ways disagree."""
    sha256, model = weights_sha256(), load_model("shipped", device="cpu")
    made = {name: make(model) for name, make in (("attributions", attributions), ("ascent", ascent), ("style", style))}
    sizes = [write(FOLDER / f"{name}.npz", tensors, sha256) for name, tensors in made.items()]
    if sum(sizes) > LARGEST:
        raise RuntimeError(f"the references have together more than {LARGEST / 1e6} MB: make the pictures smaller")
