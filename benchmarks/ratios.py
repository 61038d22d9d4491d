"""How close the kit comes to the floor: one bare forward and backward pass over the same images.

`python benchmarks/ratios.py` prints one table. Every round runs all rows once, in turn, so that a noisy machine is
equally noisy for all of them; the table shows medians over rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
import torchvision
from torch import Tensor, nn
from tqdm import tqdm

from data import load_examples, load_model, preprocess
from style_transfer import PRESETS, extract_features, gram_matrix, style_transfer
from visualizers import (
    compute_saliency_maps,
    create_class_visualization,
    grad_cam,
    guided_backprop,
    guided_grad_cam,
)

ITERATIONS = 100
STEPS = 200


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks/ratios.py", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="rounds for the attributions (default: 15)")
    parser.add_argument("--long-rounds", type=int, default=3, help="rounds for the two loops (default: 3)")
    options = parser.parse_args()
    model = load_model("shipped")
    examples = load_examples(5, "shipped")
    X, y = preprocess(examples.images), examples.labels
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, {torch.get_num_threads()} threads\n")
    print(f"{'':44}{'median':>10}{'fastest':>10}{'slowest':>10}{'ratio':>8}")
    report(
        "5 images",
        {
            "bare forward and backward pass": lambda: bare_pass(X, y, model),
            "saliency": lambda: compute_saliency_maps(X, y, model),
            "guided backprop": lambda: guided_backprop(X, y, model),
            "Grad-CAM": lambda: grad_cam(X, y, model),
            "guided Grad-CAM": lambda: guided_grad_cam(X, y, model),
        },
        options.rounds,
    )
    one, label = X[:1], torch.tensor([366])
    report(
        "class visualization, 1 class, 100 iterations",
        {
            "100 bare passes": lambda: repeat(ITERATIONS, lambda: bare_pass(one, label, model)),
            "class visualization": lambda: create_class_visualization(366, model, num_iterations=ITERATIONS),
        },
        options.long_rounds,
    )
    content = examples.images[0].repeat(2, axis=0).repeat(2, axis=1)[:384, :]
    style = np.ascontiguousarray(examples.images[1])
    picture, depth = preprocess(content, 192), max(PRESETS["starry_night"].style_layers) + 1
    layers = model.features[:depth]
    report(
        f"style transfer, {picture.shape[3]} x {picture.shape[2]} px, 200 steps",
        {
            f"200 bare passes, layers 0 to {depth - 1}": lambda: repeat(STEPS, lambda: bare_layers(picture, layers)),
            "the same and the matrix products of Gram": lambda: repeat(STEPS, lambda: with_gram(picture, layers)),
            "style transfer": lambda: style_transfer(content, style, model=model, num_iterations=STEPS, progress=False),
        },
        options.long_rounds,
    )


def bare_pass(X: Tensor, y: Tensor, model: nn.Module) -> None:
    X = X.clone().requires_grad_()
    torch.autograd.grad(model(X).gather(1, y[:, None]).sum(), X)


def bare_layers(x: Tensor, layers: nn.Sequential) -> None:
    x = x.clone().requires_grad_()
    torch.autograd.grad(layers(x).sum(), x)


def with_gram(x: Tensor, layers: nn.Sequential) -> None:
    """The least that a style loss needs: at each style layer one product forward, one backward."""
    x = x.clone().requires_grad_()
    features = extract_features(x, layers)
    grams = [gram_matrix(features[layer], normalize=False).sum() for layer in PRESETS["starry_night"].style_layers]
    torch.autograd.grad(sum(grams), x)


def repeat(times: int, task: Callable[[], None]) -> None:
    for _ in range(times):
        task()


def report(title: str, tasks: dict[str, Callable], rounds: int) -> None:
    """Time the tasks in turn and print each one's median against the first one's."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for round_number in tqdm(range(rounds + 1), desc=title, leave=False):
        for name, task in tasks.items():
            started = time.perf_counter()
            task()
            if round_number:  # the first round warms up
                seconds[name].append(time.perf_counter() - started)
    floor = statistics.median(next(iter(seconds.values())))
    print(title)
    for name, values in seconds.items():
        times = "".join(f"{1e3 * value:7.1f} ms" for value in (statistics.median(values), min(values), max(values)))
        print(f"  {name:42}{times}{statistics.median(values) / floor:8.2f}")


if __name__ == "__main__":
    main()
