"""Optimizers and presets of style transfer beside the course's plain loop: how fast, and which picture is better?

`python -m instructor.benchmarks.paintings` takes the course's three pairs at 192 and 512 px. For each it measures how
long each optimizer needs to reach the total loss at which the plain loop ends after 200 iterations, and how long the
painterly preset takes. It draws build/paintings.png: in each row the plain loop's picture and the painterly one, in an
order that only build/paintings-key.txt tells. Choose first, look it up afterwards.
"""

import argparse
import random
import time

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from data import deprocess, load_model, load_style_pair, preprocess
from data.pictures import STYLES, StylePair
from instructor.benchmarks.baselines import plain_copy, plain_style_transfer
from kit.command import get_ready
from kit.paths import KIT
from kit.precision import PRECISIONS
from style_transfer import PRESETS, Iterate, Preset, style_transfer
from style_transfer.optimizers import OPTIMIZERS
from style_transfer.presets import choose_preset
from style_transfer.transfer import loss_terms, targets

BUILD = KIT / "build"
OTHERS = tuple(name for name in OPTIMIZERS if name != "adam")


class Reached(Exception):
    """The loss is low enough."""


def main() -> None:
    get_ready()
    parser = argparse.ArgumentParser(prog="python -m instructor.benchmarks.paintings", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[192, 512], metavar="PX", help="default: 192 512")
    parser.add_argument("--pairs", choices=STYLES, nargs="+", default=[*STYLES], help="default: all")
    parser.add_argument("--iterations", type=int, help="of everything (default: what each preset has)")
    parser.add_argument("--seed", type=int, default=None, help="of the order in the sheet (default: another each time)")
    options = parser.parse_args()
    model, order = load_model(), random.Random(options.seed)
    few = {"num_iterations": options.iterations} if options.iterations else {}
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; times relative to the plain loop's")
    print(
        f"{'':24}{'plain loop':>12}{'same, ours':>12}{'bfloat16':>12}"
        + "".join(f"{name:>18}" for name in (*OTHERS, "painterly"))
    )
    rows, key = [], []
    for size in options.sizes:
        for name in options.pairs:
            pictures = compared(name, size, few, model)
            shown = order.sample(sorted(pictures), len(pictures))
            rows.append([pictures[which] for which in shown])
            key.append(f"{name}, {size} px: {', '.join(shown)}")
    BUILD.mkdir(exist_ok=True)
    sheet(rows).savefig(BUILD / "paintings.png", dpi=100)
    (BUILD / "paintings-key.txt").write_text("\n".join(key) + "\n", "utf-8")
    print(BUILD / "paintings.png", "and paintings-key.txt")


def compared(name: str, size: int, few: dict[str, int], model: nn.Module) -> dict[str, object]:
    """One line of the table; the plain loop's picture and the painterly one."""
    pair, preset = load_style_pair(name), PRESETS[name]
    settings = choose_preset(preset, {"content_size": size, "style_size": max(size, preset.style_size), **few})
    content, style = preprocess(pair.content, size), preprocess(pair.style, settings.style_size)
    plain = plain_copy(model).requires_grad_(False).features
    started = time.perf_counter()
    image = plain_style_transfer(content, style, plain, settings, settings.num_iterations)
    seconds = time.perf_counter() - started
    goal = total_loss(image, content, style, model.features, settings)

    line = f"{name + f', {size} px':24}{seconds:10.1f} s"
    for precision in PRECISIONS:
        _, ours = timed(pair, model, choose_preset(settings, {"precision": precision}))
        line += f"{ours / seconds:12.3f}"
    for optimizer in OTHERS:
        steps, needed = until(goal, pair, model, choose_preset(settings, {"optimizer": optimizer}))
        line += f"{needed / seconds:8.3f}, {steps:2} steps"
    painterly = choose_preset("painterly", {"content_size": size, "style_size": size, **few})
    painted, needed = timed(pair, model, painterly)
    print(line + f"{needed / seconds:18.3f}", flush=True)
    return {"plain loop": deprocess(image)[0], "painterly": painted}


@torch.no_grad()
def total_loss(image: Tensor, content: Tensor, style: Tensor, cnn: nn.Module, settings: Preset) -> float:
    return sum(loss_terms(image, cnn, *targets(content, style, cnn, settings), settings)).item()


def timed(pair: StylePair, model: nn.Module, preset: Preset) -> tuple[object, float]:
    started = time.perf_counter()
    picture = style_transfer(pair.content, pair.style, model=model, preset=preset, progress=False)
    return picture, time.perf_counter() - started


def until(goal: float, pair: StylePair, model: nn.Module, settings: Preset) -> tuple[int, float]:
    """After how many steps, and seconds from the start of the call, is the total loss at most the goal?"""

    def look(iterate: Iterate) -> None:
        if iterate.total_loss <= goal:  # which is the loss before this step
            raise Reached(iterate.iteration - 1)

    started = time.perf_counter()
    try:
        style_transfer(pair.content, pair.style, model=model, preset=settings, callback=look, progress=False)
    except Reached as reached:
        return reached.args[0], time.perf_counter() - started
    raise RuntimeError(f"{settings.optimizer} did not reach a loss of {goal:.4g} in {settings.num_iterations} steps")


def sheet(rows: list[list[object]]) -> Figure:
    figure = Figure(figsize=(13, 5 * len(rows)), layout="constrained")
    for axes, pictures in zip(figure.subplots(len(rows), 2, squeeze=False), rows, strict=True):
        for axis, picture in zip(axes, pictures, strict=True):
            axis.imshow(picture)
            axis.axis("off")
    return figure


if __name__ == "__main__":
    main()
