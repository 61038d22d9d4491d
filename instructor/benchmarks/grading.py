"""How long a submission takes, alone and in a batch, and whether the marks are the same again.

`python -m instructor.benchmarks.grading` makes 200 mistaken, honest, unfinished, broken and hostile submissions and
grades them; then once more, killing the batch (kill -9) halfway and running the same command again. The marks must be
the same bytes.

`--beside CHECKOUT` instead times this kit beside another checkout of it, in turn: one honest submission alone, then
`--count` of them in a batch, whose memory is looked at once. Each grades the solutions of its own.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil

from instructor.grading.notebook_cells import NOTEBOOK
from instructor.mistakes.catalogue import mutants
from instructor.release.markers import strip
from kit.assignment import MODULES
from kit.command import get_ready
from kit.hand_in.archive import write_zip
from kit.paths import KIT

SHARES = {"mistaken": 0.6, "honest": 0.2, "unfinished": 0.08, "broken": 0.06, "hostile": 0.06}
PLACES = dict.fromkeys(("SUBMISSIONS", "OUT", "MARK", "PORT", "SOCKET", "SLEEPER", "PIDS"), "1")
Files = dict[str, bytes]


def solution() -> Files:
    return {name: (KIT / name).read_bytes() for name in (*MODULES, NOTEBOOK)}


def mistaken(number: int) -> Files:
    """The solution with one known mistake, or with two in different modules."""
    known = mutants()
    chosen = [known[(7 * number + 97 * second) % len(known)] for second in range(1 + number % 2)]
    return solution() | {mutant.module: mutant.source().encode() for mutant in chosen}


def honest(number: int) -> Files:
    files = solution()
    return files | {name: files[name] + f"\n# {number}\n".encode() for name in MODULES}


def unfinished(number: int) -> Files:
    """Some modules are not written yet."""
    left = MODULES[1 + number % (len(MODULES) - 1) :]
    return solution() | {name: strip((KIT / name).read_text("utf-8"), name).encode() for name in left}


def broken(number: int) -> Files:
    """One module cannot be parsed, cannot be imported, is no text, or is missing."""
    name = MODULES[number % len(MODULES)]
    files = solution()
    del files[name]
    return files | [{name: b"def broken(:\n"}, {name: b"import no_such_package\n"}, {name: b"\xff"}, {}][number % 4]


def hostile(number: int) -> Files:
    from instructor.tests.hostile.submissions import SUBMISSIONS, sources

    places = {**PLACES, "KIT": str(KIT), "ROOT": "/"}
    return sources(list(SUBMISSIONS)[2 * number % len(SUBMISSIONS)], places)


def make(folder: Path, count: int) -> None:
    makers = {"mistaken": mistaken, "honest": honest, "unfinished": unfinished, "broken": broken, "hostile": hostile}
    for kind, share in SHARES.items():
        for number in range(round(share * count)):
            write_zip(folder / f"{kind}-{number:03}.zip", makers[kind](number))


def begin(folder: Path, out: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "instructor", "batch", str(folder), "--out", str(out)]
    return subprocess.Popen(command, cwd=KIT, start_new_session=True)


def finished(out: Path) -> int:
    return len(list(out.glob("*/graded.json")))


def timed(folder: Path, out: Path) -> float:
    begun = time.monotonic()
    begin(folder, out).wait()
    return time.monotonic() - begun


def interrupted(folder: Path, out: Path, count: int) -> float:
    """The batch is killed without warning when half of the submissions are graded, and run again."""
    begun = time.monotonic()
    process = begin(folder, out)
    while finished(out) < count // 2 and process.poll() is None:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    begin(folder, out).wait()
    return time.monotonic() - begun


def beside(other: Path, out: Path, count: int, rounds: int) -> None:
    """Seconds for a submission, the median of some rounds, in which this kit and the other take turns.

    A round before them proves each kit on this machine, and finds out how much memory a batch takes.
    """
    seconds: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds + 1):
        for name, kit in (("this kit", KIT), ("the other", other)):
            place = out / f"{name} {number}"
            for copy in range(count):
                files = {path: (kit / path).read_bytes() for path in (*MODULES, NOTEBOOK) if (kit / path).is_file()}
                write_zip(place / "all" / f"honest-{copy}.zip", files)
            program = "instructor" if (kit / "instructor").is_dir() else "grading"  # as it was called once
            alone = ["grade", place / "all" / "honest-0.zip", "--out", place / "alone"]
            for kind, words in (("alone", alone), ("in a batch", ["batch", place / "all", "--out", place / "marks"])):
                begun = time.monotonic()
                process = subprocess.Popen(
                    [sys.executable, "-m", program, *words],
                    cwd=kit,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                if number == 0 and kind == "in a batch":
                    total, largest = (size / 1e9 for size in most_memory(process))
                    print(f"a batch by {name} takes {total:.1f} GB, its largest process {largest:.1f} GB", flush=True)
                assert process.wait() == 0, f"{name} could not grade {place / 'all'}"
                taken = (time.monotonic() - begun) / (count if kind == "in a batch" else 1)
                if number:
                    seconds.setdefault((kind, name), []).append(taken)
    for kind in ("alone", "in a batch"):
        ours, theirs = (statistics.median(seconds[kind, name]) for name in ("this kit", "the other"))
        print(
            f"an honest submission {kind:10}  {ours:5.1f} s, the other kit {theirs:5.1f} s: {theirs / ours:.1f} times"
        )


def most_memory(process: subprocess.Popen) -> tuple[int, int]:
    """The most bytes that it takes at one time with all that it has started, and that one of them takes.

    What several share counts once, and for each of them its part of that.
    """
    total = largest = 0
    while process.poll() is None:
        sizes = []
        with suppress(psutil.Error):
            for each in [(first := psutil.Process(process.pid)), *first.children(recursive=True)]:
                with suppress(psutil.Error):
                    sizes.append(each.memory_full_info().pss)
        total, largest = max(total, sum(sizes)), max(largest, *sizes, 0)
        time.sleep(0.2)
    return total, largest


def describe(out: Path) -> None:
    scores: dict[str, list[float]] = {}
    for results in out.glob("*/results.json"):
        score = json.loads(results.read_text("utf-8"))["score"]
        scores.setdefault(results.parent.name.partition("-")[0], []).append(score)
    for kind, found in sorted(scores.items()):
        median = statistics.median(found)
        print(f"  {kind:11} {len(found):4}   points: {min(found):g} to {max(found):g}, median {median:g}")


def main() -> int:
    get_ready()
    parser = argparse.ArgumentParser(prog="python -m instructor.benchmarks.grading", description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--out", type=Path, default=KIT / "build" / "grading-benchmark")
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="time another checkout of the kit in turn")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    if options.beside:
        beside(options.beside.resolve(), options.out.resolve(), options.count, options.rounds)
        return 0
    folder, first, second = (options.out / name for name in ("submissions", "first", "second"))
    make(folder, options.count)
    count = len(list(folder.iterdir()))
    kinds = Counter(path.name.partition("-")[0] for path in folder.iterdir())
    described = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    print(f"{count} submissions ({described}), {os.cpu_count()} cores", flush=True)

    seconds = timed(folder, first)
    print(
        f"first run: {seconds:.0f} s, {seconds / count:.1f} s a submission; {count - finished(first)} lost", flush=True
    )
    describe(first)
    seconds = interrupted(folder, second, count)
    print(f"second run, killed halfway and resumed: {seconds:.0f} s; {count - finished(second)} lost")
    same = (first / "marks.csv").read_bytes() == (second / "marks.csv").read_bytes()
    reports = all(
        path.read_bytes() == (second / path.relative_to(first)).read_bytes() for path in first.glob("*/results.json")
    )
    print(f"marks.csv {'the same bytes' if same else 'DIFFERS'}, results.json {'the same' if reports else 'DIFFER'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
