"""Our speed beside Captum, pytorch-grad-cam, the course's plain way, and the bare passes that nothing beats.

`python -m instructor.benchmarks.speed` prints one table and writes it as build/benchmark.json and build/benchmark.png.
The rows of a block are measured in turn, round after round, so that a noisy machine is equally noisy for all of them.
Numbers are medians over the rounds; the ratio is to the block's first row. `--only WORD` measures the blocks that
contain the word.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import torch
import torchvision
from matplotlib.figure import Figure
from torch import Tensor, nn
from tqdm import tqdm

from data import load_examples, load_model, load_style_pair, preprocess
from instructor.benchmarks import baselines
from kit.command import get_ready
from kit.paths import KIT
from sanity_checks.experiments import parameter_randomization
from style_transfer import PRESETS, extract_features, gram_matrix, style_transfer
from visualizers import (
    compute_saliency_maps,
    create_class_visualization,
    grad_cam,
    guided_backprop,
    guided_grad_cam,
    make_fooling_image,
)

OURS = {
    "saliency": compute_saliency_maps,
    "guided backprop": guided_backprop,
    "Grad-CAM": grad_cam,
    "guided Grad-CAM": guided_grad_cam,
}
IMPORTS = ("torch, torchvision", "data", "visualizers", "style_transfer", "visualizers.figures", "captum.attr")
ONE_PASS = ("gradient", "gradient x input", "guided backprop", "Grad-CAM", "guided Grad-CAM")
ITERATIONS = 50  # of the loops, whose time is a multiple of one step
DEVICE = torch.device("cpu")  # or what --device says
Tasks = dict[str, Callable[[], object]]


@dataclass
class Row:
    block: str
    name: str
    milliseconds: float
    fastest: float
    slowest: float
    ratio: float


def main() -> None:
    get_ready()
    global DEVICE
    parser = argparse.ArgumentParser(prog="python -m instructor.benchmarks.speed", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=12, help="rounds for short tasks; loops take a quarter (default: 12)"
    )
    parser.add_argument("--only", default="", metavar="WORD", help="measure the blocks with this word in their title")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"), help="cpu (default), cuda or mps")
    parser.add_argument("--peak", choices=PEAKS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    DEVICE = options.device
    if options.peak:
        PEAKS[options.peak]()
        print(peak() / 2**20)
        return
    about = {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "threads": torch.get_num_threads(),
        "machine": torch.cuda.get_device_name(DEVICE) if DEVICE.type == "cuda" else platform.machine(),
    }
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    if options.only.lower() in "peak memory":
        print_peaks()  # first, because a process inherits the peak of the one that starts it
    rows: list[Row] = []
    for title, tasks, rounds in blocks(options.rounds):
        if options.only.lower() in title.lower():
            rows += measured(title, tasks(), rounds)
    write(rows, about)


def blocks(rounds: int) -> Iterator[tuple[str, Callable[[], Tasks], int]]:
    """Title, a function that prepares the tasks, and how many rounds they deserve."""
    for count in (1, 5, 25):
        for method in OURS:
            yield f"{method}, {count} images", lambda count=count, method=method: attribution(method, count), rounds
    few = max(2, rounds // 4)
    yield "fooling image, 5 images", fooling, few
    yield f"class visualization, {ITERATIONS} iterations", class_visualization, few
    for size in (192, 512, 1024):
        yield f"style transfer, {size} px", lambda size=size: painting(size), few if size < 512 else 1
    yield "cascade of sanity checks, 2 images", cascade, 2
    yield "load_model", lambda: {"shipped weights": shipped}, rounds
    yield "import, in a new process", imports, few


def batch(count: int) -> tuple[Tensor, Tensor, nn.Module]:
    examples = load_examples(5, "shipped")
    repeats = -(-count // 5)
    X, y = preprocess(examples.images).repeat(repeats, 1, 1, 1)[:count], examples.labels.repeat(repeats)[:count]
    return X.to(DEVICE).contiguous(memory_format=torch.channels_last), y.to(DEVICE), shipped()


def shipped() -> nn.Module:
    return load_model("shipped", DEVICE)


def attribution(method: str, count: int) -> Tasks:
    X, y, model = batch(count)
    floor = {"bare forward and backward pass": lambda: baselines.bare_pass(X, y, model)}
    if method == "Grad-CAM":
        floor = {"bare forward pass": lambda: baselines.bare_forward(X, model)}
    others = {
        "Captum, torchvision's model": baselines.captum(X.contiguous(), y, baselines.plain_copy(model)),
        "Captum, our model": baselines.captum(X, y, model),
        "pytorch-grad-cam": baselines.pytorch_grad_cam(X, y, model),
        "plain way": baselines.plain(X, y, model),
    }
    ours = {
        "ours": lambda: OURS[method](X, y, model),
        "ours, bfloat16": lambda: OURS[method](X, y, model, precision="bfloat16"),
    }
    return floor | ours | {name: tasks[method] for name, tasks in others.items() if method in tasks}


def fooling() -> Tasks:
    X, _, model = batch(5)
    target = torch.full((5,), 6, device=DEVICE)
    return {
        "10 bare passes": lambda: repeat(10, lambda: baselines.bare_pass(X, target, model)),
        "ours, at most 10 steps": lambda: make_fooling_image(X, 6, model, max_iter=10),
    }


def class_visualization() -> Tasks:
    X, _, model = batch(1)
    plain, label, labels = (
        baselines.plain_copy(model).requires_grad_(False),
        torch.tensor([366], device=DEVICE),
        torch.arange(16),
    )
    return {
        f"{ITERATIONS} bare passes, 1 class": lambda: repeat(ITERATIONS, lambda: baselines.bare_pass(X, label, model)),
        "ours, 1 class": lambda: create_class_visualization(366, model, num_iterations=ITERATIONS),
        "plain way, 1 class": lambda: baselines.plain_class_visualization(366, plain, ITERATIONS),
        "ours, 16 classes": lambda: create_class_visualization(labels, model, num_iterations=ITERATIONS),
    }


def painting(size: int) -> Tasks:
    pair, model, settings = load_style_pair("starry_night", "shipped"), shipped(), PRESETS["starry_night"]
    steps = ITERATIONS if size < 512 else 5
    content, style = (preprocess(picture, size).to(DEVICE) for picture in (pair.content, pair.style))
    layers = model.features[: max(settings.style_layers) + 1]
    plain = baselines.plain_copy(model).requires_grad_(False).features
    sizes = {"content_size": size, "style_size": size}
    quiet = {"model": model, "preset": settings, **sizes, "num_iterations": steps, "progress": False}
    return {
        f"{steps} bare passes through the layers": lambda: repeat(steps, lambda: bare_layers(content, layers)),
        "the same, and the products of Gram": lambda: repeat(steps, lambda: with_gram(content, layers)),
        f"ours, {steps} steps": lambda: style_transfer(pair.content, pair.style, **quiet),
        f"ours, {steps} steps, bfloat16": lambda: style_transfer(
            pair.content, pair.style, **quiet, precision="bfloat16"
        ),
        f"plain way, {steps} steps": lambda: baselines.plain_style_transfer(content, style, plain, settings, steps),
    }


def bare_layers(x: Tensor, layers: nn.Sequential) -> None:
    x = x.clone().requires_grad_()
    torch.autograd.grad(layers(x).sum(), x)


def with_gram(x: Tensor, layers: nn.Sequential) -> None:
    """The least that a style loss needs: at each style layer one product forward, one backward."""
    x = x.clone().requires_grad_()
    features = extract_features(x, layers)
    grams = [gram_matrix(features[layer], normalize=False).sum() for layer in PRESETS["starry_night"].style_layers]
    torch.autograd.grad(sum(grams), x)


def cascade() -> Tasks:
    X, y, model = batch(2)
    return {"five methods of one pass": lambda: parameter_randomization(X, y, model, methods=ONE_PASS)}


def imports() -> Tasks:
    return {
        names: lambda names=names: subprocess.run([sys.executable, "-c", f"import {names}"], check=True)
        for names in IMPORTS
    }


def repeat(times: int, task: Callable[[], object]) -> None:
    for _ in range(times):
        task()


def measured(title: str, tasks: Tasks, rounds: int) -> list[Row]:
    """Time the tasks in turn, print them and return them."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in tqdm(range(rounds + 1), desc=title, leave=False):
        for name, task in tasks.items():
            started = time.perf_counter()
            task()
            if DEVICE.type == "cuda":
                torch.cuda.synchronize(DEVICE)
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - started)
    floor = statistics.median(next(iter(seconds.values())))
    rows = []
    print(f"{title:44}{'median':>11}{'fastest':>11}{'slowest':>11}{'ratio':>8}")
    for name, values in seconds.items():
        times = [1e3 * statistics.median(values), 1e3 * min(values), 1e3 * max(values)]
        rows.append(Row(title, name, *times, statistics.median(values) / floor))
        print(f"  {name:42}" + "".join(f"{value:8.1f} ms" for value in times) + f"{rows[-1].ratio:8.2f}")
    return rows


PEAKS = {
    "nothing but the model": shipped,
    "saliency, 25 images": lambda: compute_saliency_maps(*batch(25)),
    "guided Grad-CAM, 25 images": lambda: guided_grad_cam(*batch(25)),
    "class visualization, 16 classes": lambda: create_class_visualization(
        torch.arange(16), shipped(), num_iterations=2
    ),
    "style transfer, 512 px": lambda: paint_once(512),
    "style transfer, 1024 px": lambda: paint_once(1024),
    "painterly, 1024 px": lambda: paint_once(1024, "painterly"),
}


def paint_once(size: int, preset: str = "starry_night") -> None:
    pair = load_style_pair("starry_night", "shipped")
    sizes = {"content_size": size, "style_size": size, "num_iterations": 2}
    style_transfer(pair.content, pair.style, model=shipped(), preset=preset, **sizes, progress=False)


def peak() -> int:
    """Bytes that this process has held at once: on the GPU what PyTorch has given out, else all of its memory."""
    if DEVICE.type == "cuda":
        return torch.cuda.max_memory_allocated(DEVICE)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2**10


def print_peaks() -> None:
    print(f"peak memory on {DEVICE}, each in a process of its own")
    for name in PEAKS:
        command = [sys.executable, "-m", "instructor.benchmarks.speed", "--device", str(DEVICE), "--peak", name]
        peak = subprocess.run(command, cwd=KIT, capture_output=True, encoding="utf-8", check=True).stdout.split()[-1]
        print(f"  {name:42}{float(peak):8.0f} MiB")


def write(rows: list[Row], about: dict[str, object]) -> None:
    folder = KIT / "build"
    folder.mkdir(exist_ok=True)
    content = {**about, "rows": [asdict(row) for row in rows]}
    (folder / "benchmark.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    compared = [row for row in rows if row.block.endswith(", 5 images")]
    if compared:
        chart(compared).savefig(folder / "benchmark.png", dpi=120)
        print(f"{folder / 'benchmark.json'} and benchmark.png")


def chart(rows: list[Row]) -> Figure:
    """A bar for each contender, as a multiple of the floor."""
    figure = Figure(figsize=(8, 0.28 * len(rows) + 0.8), layout="constrained")
    axis = figure.subplots()
    colors = ["#a3312a" if row.name.startswith("ours") else "0.6" for row in rows]
    axis.barh(range(len(rows)), [row.ratio for row in rows], color=colors)
    axis.set_yticks(range(len(rows)), [f"{row.block}: {row.name}" for row in rows], fontsize=7)
    axis.invert_yaxis()
    axis.set(xlabel="time, as a multiple of the bare pass")
    axis.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main()
