"""How much longer the kit takes on a machine that has other work: `python -m instructor.benchmarks.busy`.

Every technique and a style transfer run quietly and beside busy loops, and the same again in a process whose idle
threads turn in loops, as they do when nobody says otherwise. All are measured in turn, round after round; the ratios
are of medians. Busy over quiet should be 3 at most, quiet over quiet with turning threads 1.03 at most.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from tqdm import tqdm

from data import load_examples, load_model, load_style_pair, preprocess
from kit.command import get_ready
from kit.paths import KIT
from kit.threads import OTHERS, PASSIVE
from style_transfer import style_transfer
from visualizers import (
    compute_saliency_maps,
    create_class_visualization,
    grad_cam,
    guided_backprop,
    guided_grad_cam,
    make_fooling_image,
)

STEPS = 50  # of the style transfer
SHORTEST = 0.5  # seconds to measure
TURNING = {"KMP_BLOCKTIME": "200"}  # LLVM's own default, and a word of the user's: the kit sets nothing then
BUSY_LOOP = "print(flush=True)\nwhile True: pass"


def main() -> None:
    get_ready()
    parser = argparse.ArgumentParser(prog="python -m instructor.benchmarks.busy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default: 5)")
    parser.add_argument("--loops", type=int, default=2, help="how many busy loops run beside it (default: 2)")
    parser.add_argument("--only", default="", metavar="WORD", help="measure what has this word in its name")
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.answer:
        answer()
        return
    names = [name for name in tasks() if options.only.lower() in name.lower()]
    if not names:
        parser.error(f"--only {options.only}: choose a word from {', '.join(tasks())}")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.loops} busy loops")
    print(table(measured(names, options.rounds, options.loops)))


def tasks() -> dict[str, Callable[[], object]]:
    """Five images for the techniques of one pass, one for those that climb."""
    model, examples = load_model("shipped", device="cpu"), load_examples(5, "shipped")
    X, y = preprocess(examples.images), examples.labels
    pair = load_style_pair("starry_night", "shipped")
    painting = {"model": model, "preset": "starry_night", "num_iterations": STEPS, "progress": False}
    return {
        "saliency": lambda: compute_saliency_maps(X, y, model),
        "guided backprop": lambda: guided_backprop(X, y, model),
        "Grad-CAM": lambda: grad_cam(X, y, model),
        "guided Grad-CAM": lambda: guided_grad_cam(X, y, model),
        "fooling image": lambda: make_fooling_image(X[:1], 6, model, max_iter=10),
        "class visualization, 10 steps": lambda: create_class_visualization(366, model, num_iterations=10),
        f"style transfer, {STEPS} steps": lambda: style_transfer(pair.content, pair.style, **painting),
    }


def answer() -> None:
    """In a process of its own: run the task of each name that comes in, and give back its seconds.

    A task runs once before it is timed, so that the system has spread its threads, then as often as fits half a second.
    """
    known = tasks()
    for line in sys.stdin:
        task, times = known[line.strip()], 0
        task()
        started = time.perf_counter()
        while not times or time.perf_counter() - started < SHORTEST:
            task()
            times += 1
        print((time.perf_counter() - started) / times, flush=True)


def measured(names: list[str], rounds: int, loops: int) -> dict[tuple[str, str, str], list[float]]:
    """Seconds by task, by how threads wait, and by what runs beside it. The first round warms up."""
    seconds: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    with worker(PASSIVE) as passive, worker(TURNING) as turning:
        workers = {"passive": passive, "turning": turning}
        for number in tqdm(range(rounds + 1), leave=False):
            for name in names:
                for beside, count in (("quiet", 0), ("busy", loops)):
                    with busy_loops(count if number else 0):
                        for kind, process in sorted(workers.items(), reverse=bool(number % 2)):
                            print(name, file=process.stdin, flush=True)
                            taken = float(process.stdout.readline())
                            if number:
                                seconds[name, kind, beside].append(taken)
    return seconds


@contextmanager
def worker(settings: dict[str, str]) -> Iterator[subprocess.Popen]:
    rest = {name: value for name, value in os.environ.items() if name not in (*PASSIVE, *OTHERS)}
    command, pipes = [sys.executable, "-m", "instructor.benchmarks.busy", "--answer"], {"stdin": -1, "stdout": -1}
    with subprocess.Popen(command, cwd=KIT, env={**rest, **settings}, encoding="utf-8", **pipes) as process:
        yield process
        process.stdin.close()


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    command = [sys.executable, "-c", BUSY_LOOP]
    loops = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    try:
        for loop in loops:
            loop.stdout.readline()  # it runs
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.communicate()


def table(seconds: dict[tuple[str, str, str], list[float]]) -> str:
    middle = {key: 1e3 * statistics.median(values) for key, values in seconds.items()}
    lines = [f"{'median':30}{'quiet':>12}{'busy':>12}{'ratio':>8}{'before: quiet':>16}{'busy':>12}{'quiet/before':>15}"]
    for name in dict.fromkeys(name for name, _, _ in seconds):
        quiet, busy = middle[name, "passive", "quiet"], middle[name, "passive", "busy"]
        before, busy_before = middle[name, "turning", "quiet"], middle[name, "turning", "busy"]
        times = f"{quiet:9.1f} ms{busy:9.1f} ms{busy / quiet:8.2f}{before:13.1f} ms{busy_before:9.1f} ms"
        lines.append(f"{name:30}{times}{quiet / before:15.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
