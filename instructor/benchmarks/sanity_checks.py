"""Our parameter randomization beside Quantus's, on the same model, images, methods and layers, in one run.

`pip install quantus==0.6.0`, then `python -m instructor.benchmarks.sanity_checks`. Both forget SqueezeNet's 26
convolutions one after another and measure the rank correlation of absolute maps; Quantus explains with Captum, method
by method.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import captum.attr
import quantus
import torch
from numpy.typing import NDArray
from torch import nn

from data import load_examples, load_model, preprocess
from kit.command import get_ready
from sanity_checks.experiments import parameter_randomization
from sanity_checks.explanations import METHODS, ONE_PASS
from sanity_checks.randomization import Stage, before_last_relu

SAMPLES = STEPS = 10
LAYER = "features.12"


def main() -> None:
    get_ready()
    parser = argparse.ArgumentParser(prog="python instructor/benchmarks/sanity_checks.py", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: 3)")
    parser.add_argument("--all", action="store_true", help="all eight methods, not only those of one pass; slow")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    examples = load_examples(5, "shipped")
    X, y = preprocess(examples.images), examples.labels
    model = before_last_relu(load_model("shipped"), X)
    methods = METHODS if options.all else ONE_PASS
    convolutions = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    stages = [Stage(name, (name,)) for name in convolutions]
    print(f"5 images, {len(methods)} methods, {len(stages)} layers, {torch.get_num_threads()} threads")
    seconds = {"ours": [], "Quantus": []}
    for _ in range(options.rounds):
        seconds["ours"].append(timed(lambda: ours(X, y, model, methods, stages)))
        seconds["Quantus"].append(timed(lambda: theirs(X.numpy(), y.numpy(), model, methods)))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        print(f"{name:8} median {medians[name]:7.1f} s, from {min(values):.1f} to {max(values):.1f} s")
    print(f"Quantus takes {medians['Quantus'] / medians['ours']:.1f} times as long")


def timed(task: Callable[[], None]) -> float:
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def ours(X: torch.Tensor, y: torch.Tensor, model: nn.Module, methods: tuple[str, ...], stages: list[Stage]) -> None:
    parameter_randomization(
        X,
        y,
        model,
        methods=methods,
        measures=("rank correlation",),
        stages=stages,
        layer=LAYER,
        samples=SAMPLES,
        steps=STEPS,
        progress=False,
    )


def theirs(X: NDArray, y: NDArray, model: nn.Module, methods: tuple[str, ...]) -> None:
    for method in methods:
        metric = quantus.ModelParameterRandomisation(
            similarity_func=quantus.similarity_func.correlation_spearman, layer_order="top_down", disable_warnings=True
        )
        metric(model=model, x_batch=X, y_batch=y, explain_func=with_captum(method), channel_first=True, device="cpu")


def with_captum(method: str) -> Callable:
    """Captum's way to explain, as Quantus calls it: the absolute map (N, 1, H, W)."""

    def explain(model: nn.Module, inputs: NDArray, targets: NDArray, **_: object) -> NDArray:
        X = torch.as_tensor(inputs).float().requires_grad_()
        target, layer = torch.as_tensor(targets), model.get_submodule(LAYER)
        values = ATTRIBUTIONS[method](model, layer, X, target).detach()
        if values.shape[2:] != X.shape[2:]:
            values = nn.functional.interpolate(values.sum(1, keepdim=True), X.shape[2:], mode="bilinear")
        return values.abs().sum(dim=1, keepdim=True).numpy()

    return explain


ATTRIBUTIONS = {
    "gradient": lambda m, _, X, y: captum.attr.Saliency(m).attribute(X, y, abs=False),
    "SmoothGrad": lambda m, _, X, y: captum.attr.NoiseTunnel(captum.attr.Saliency(m)).attribute(
        X, nt_samples=SAMPLES, nt_samples_batch_size=1, stdevs=0.6, abs=False, target=y
    ),
    "gradient x input": lambda m, _, X, y: captum.attr.InputXGradient(m).attribute(X, y),
    "integrated gradients": lambda m, _, X, y: captum.attr.IntegratedGradients(m).attribute(
        X, target=y, n_steps=STEPS, internal_batch_size=len(X)
    ),
    "guided backprop": lambda m, _, X, y: captum.attr.GuidedBackprop(m).attribute(X, y),
    "Grad-CAM": lambda m, layer, X, y: captum.attr.LayerGradCam(m, layer).attribute(X, y, relu_attributions=True),
    "guided Grad-CAM": lambda m, layer, X, y: captum.attr.GuidedGradCam(m, layer).attribute(
        X, y, interpolate_mode="bilinear"
    ),
    "layer conductance": lambda m, layer, X, y: captum.attr.LayerConductance(m, layer).attribute(
        X, target=y, n_steps=STEPS, internal_batch_size=len(X)
    ),
}

if __name__ == "__main__":
    main()
