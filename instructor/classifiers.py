"""Every classifier that torchvision builds, through every technique: right, refused, or wrong.

`python -m instructor.classifiers` writes data/classifiers.md. What is right is computed in another way, in double
precision: guided backprop by replacing the functions `relu` and `hardtanh`, Grad-CAM at layers that stand below.
"""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from kit.atomic import write_atomically
from kit.command import get_ready
from kit.paths import KIT
from sanity_checks.randomization import find_stages
from visualizers import compute_saliency_maps, grad_cam, guided_backprop, guided_grad_cam
from visualizers.captum_attributions import captum_layer_grad_cam, captum_saliency

# The last convolutional features, as the papers have them, in the order in which names are looked up.
LAYERS = {
    "googlenet": "inception5b",
    "inception": "Mixed_7c",
    "maxvit": "blocks.3",
    "mnasnet": "layers",
    "regnet": "trunk_output",
    "resn": "layer4",
    "wide_resnet": "layer4",
    "shufflenet": "conv5",
    "swin": "permute",
    "vit": None,
    "": "features",
}
SIZES = (64, 96, 224)  # pixels; the first that a network takes
LARGEST = 134e6  # parameters
TOLERANCE = 1e-6
RIGHT, PLAIN, WRONG = "right", "right; no ReLU, so the plain gradient, and it says so", "WRONG"
HEAD = """# Which of torchvision's classifiers work with what

Made by `python -m instructor.classifiers`, with random weights, in double precision, beside another computation.

| classifier | saliency | guided backprop | Grad-CAM without a layer | Captum | cascade |
| --- | --- | --- | --- | --- | --- |
"""


class Guided(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, highest):
        ctx.save_for_backward(x)
        ctx.highest = highest
        return x.clamp(0, highest)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * ((x > 0) & (x < ctx.highest) & (upstream > 0)), None


def main() -> None:
    get_ready()
    lines = [line(name, *judged(name)) for name in tqdm(names())]
    write_atomically(KIT / "data" / "classifiers.md", (HEAD + "\n".join(lines) + "\n").encode())


def names() -> list[str]:
    return torchvision.models.list_models(module=torchvision.models)


def line(name: str, *verdicts: str) -> str:
    return f"| {name} | {' | '.join(verdicts)} |"


def judged(name: str) -> tuple[str, ...]:
    """What each technique gives: "right", the beginning of a refusal, or "WRONG"."""
    model, X = classifier(name)
    if model is None:
        return ("not tried, since it is large",) * 5
    y, layer = torch.tensor([1]), next(layer for key, layer in LAYERS.items() if name.startswith(key))
    gradient = gradient_of(X, model)
    with guided_functions():
        guided = gradient_of(X, model)
    maps = None if layer is None else maps_of(X, model, layer)
    has_relu = not torch.equal(gradient, guided)
    return (
        verdict(lambda: compute_saliency_maps(X, y, model), gradient.abs().amax(dim=1)),
        verdict(lambda: guided_backprop(X, y, model), guided, has_relu),
        both(
            verdict(lambda: grad_cam(X, y, model), maps),
            verdict(lambda: guided_grad_cam(X, y, model), None if maps is None else maps[:, None] * guided, has_relu),
        ),
        both(
            verdict(lambda: captum_saliency(X, y, model), gradient.abs().amax(dim=1)),
            verdict(lambda: captum_layer_grad_cam(X, y, model), maps),
        ),
        cascade(X, model),
    )


def both(*verdicts: str) -> str:
    first, second = verdicts
    if WRONG in verdicts:
        return WRONG
    return second if first == RIGHT else first


@torch.random.fork_rng(devices=[])
def classifier(name: str) -> tuple[nn.Module | None, Tensor]:
    torch.manual_seed(0)
    with torch.device("meta"):
        count = count_of(name)
    if count > LARGEST:
        return None, torch.empty(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torchvision.models.get_model(name, weights=None, num_classes=10).double().eval()
    for layer in model.modules():
        if isinstance(layer, nn.Linear):  # some begin with zeros, which tell nothing
            nn.init.normal_(layer.weight, std=0.05)
    for size in SIZES:
        X = torch.randn(1, 3, size, size, dtype=torch.float64)
        try:
            model(X)
        except (RuntimeError, AssertionError, ValueError):
            continue
        return model.requires_grad_(False), X
    raise RuntimeError(f"{name} takes no picture of {SIZES} pixels")


def count_of(name: str) -> int:
    try:
        return sum(p.numel() for p in torchvision.models.get_model(name, weights=None).parameters())
    except NotImplementedError:  # RegNets calculate while they are built
        return 0 if not re.search("(8|16|32|128)gf", name) else int(1e9)


def gradient_of(X: Tensor, model: nn.Module) -> Tensor:
    x = X.clone().requires_grad_()
    return torch.autograd.grad(model(x)[0, 1], x)[0]


@contextmanager
def guided_functions() -> Iterator[None]:
    def relu(x: Tensor, inplace: bool = False) -> Tensor:
        return Guided.apply(x, float("inf"))

    def hardtanh(x: Tensor, low: float = -1.0, high: float = 1.0, inplace: bool = False) -> Tensor:
        return Guided.apply(x, high) if low == 0 else x.clamp(low, high)

    with patch.object(functional, "relu", relu), patch.object(functional, "hardtanh", hardtanh):
        yield


def maps_of(X: Tensor, model: nn.Module, layer: str) -> Tensor:
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        kept.append(output)
        return output.clone()  # DenseNet changes it in place

    with model.get_submodule(layer).register_forward_hook(keep):
        score = model(X.clone().requires_grad_())[0, 1]
    (slopes,) = torch.autograd.grad(score, kept[-1])
    total = (slopes.mean(dim=(2, 3), keepdim=True) * kept[-1].detach()).sum(dim=1, keepdim=True).clamp(min=0)
    return functional.interpolate(total, X.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def verdict(technique: Callable[[], Tensor], expected: Tensor | None, has_relu: bool = True) -> str:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            given = technique()
        except ValueError as error:
            return f"refused: {str(error).partition(':')[0]}"
    if expected is None or (given - expected).norm() > TOLERANCE * expected.norm():
        return WRONG
    warned = any("no ReLU" in str(warning.message) for warning in said)
    if warned == has_relu:
        return WRONG
    return RIGHT if has_relu else PLAIN


def cascade(X: Tensor, model: nn.Module) -> str:
    """Whether every parameter belongs to a stage that forgets."""
    forgotten = {module for stage in find_stages(model, X) for module in stage.modules}
    kept = [name for name, _ in model.named_parameters() if name.rpartition(".")[0] not in forgotten]
    return WRONG if kept else RIGHT


if __name__ == "__main__":
    main()
