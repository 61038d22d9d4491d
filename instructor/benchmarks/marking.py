"""How long marking takes to open, and how long each page takes, with a class of 500.

`python -m instructor.benchmarks.marking` makes 500 submissions with every answer and figure, opens them as `python -m
instructor mark` does, gives half of the marks, and asks the server for its pages. Opening must take less than 20
seconds, and every page less than 50 milliseconds: the median of three requests for it, since a busy machine interrupts
single ones. The first is for a page that nobody has seen.
"""

import argparse
import http.client
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from instructor.marking.records import Mark, open_records
from instructor.marking.scheme import load_scheme
from instructor.tests.support.marking import all_figures, files, model_answers, pack, picture
from kit.command import get_ready
from kit.paths import KIT

OPENING = 20.0  # seconds
PAGE = 0.050
READING = 0.3  # seconds that a grader takes at least
FIGURE = (1500, 900)  # pixels, about as the report's copies have
WORDS = [
    "gradient",
    "score",
    "pixel",
    "channel",
    "class",
    "layer",
    "map",
    "network",
    "image",
    "sum",
    "mean",
    "positive",
]


def make(folder: Path, count: int) -> None:
    """A class whose students say the same in their own words, with pictures that only they have."""
    chance, shared = random.Random(0), [picture(seed, FIGURE) for seed in range(12)]
    answers = model_answers()
    for number in range(count):
        own = {name: f"{text}\n\n{' '.join(chance.choices(WORDS, k=90))}." for name, text in answers.items()}
        figures = {
            name: shared[place % 12] + bytes([number % 256, number // 256]) for place, name in enumerate(all_figures(0))
        }
        pack(folder / f"student {number:03}.zip", files(own, figures | {"style_own_pair": picture(number + 100)}))


def mark_half(out: Path) -> None:
    """Every second answer has a mark and one of ten comments."""
    records, scheme = open_records(out), load_scheme()
    records.connection.execute("PRAGMA synchronous = OFF")
    for number, (submission, answers) in enumerate(records.answers().items()):
        for question in scheme.questions[number % 2 :: 2]:
            criteria = [each.name for each in question.criteria[: number % 3]]
            mark = Mark(question.earned(criteria), criteria, [], f"Comment {number % 10}.", f"Grader {number % 3}")
            records.save(submission, question.name, replace(mark, done=True, answer=answers[question.name].sha256))
    records.close()


def begin(folder: Path, out: Path) -> tuple[subprocess.Popen, str, int, float]:
    """The server, its token and port, and the seconds until it answers."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "instructor", "mark", str(folder), "--out", str(out), "--grader", "Ada"]
    process = subprocess.Popen(command, cwd=KIT, stdout=subprocess.PIPE, encoding="utf-8")
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", line):
            return process, found[2], int(found[1]), time.monotonic() - begun
    raise RuntimeError("the server has not started: see above")


def timed(connection: http.client.HTTPConnection, address: str, cookie: str) -> tuple[float, http.client.HTTPResponse]:
    begun = time.monotonic()
    connection.request("GET", address, headers={"Cookie": cookie})
    reply = connection.getresponse()
    reply.read()
    return time.monotonic() - begun, reply


def thrice(connection: http.client.HTTPConnection, address: str, cookie: str) -> tuple[float, http.client.HTTPResponse]:
    """The median of three requests, and the last reply."""
    taken = [timed(connection, address, cookie) for _ in range(3)]
    return statistics.median(seconds for seconds, _ in taken), taken[-1][1]


def pages(port: int, token: str, rounds: int) -> dict[str, list[float]]:
    """Seconds for the overview, the way to the next answer, answers as a grader goes through them, and figures."""
    connection, cookie = http.client.HTTPConnection("127.0.0.1", port), f"marking-{port}-token={token}"
    taken: dict[str, list[float]] = {"all questions": [], "next": [], "answer": [], "figure": []}
    for question in load_scheme().questions:
        after = ""
        for _ in range(rounds):
            taken["all questions"].append(thrice(connection, "/", cookie)[0])
            seconds, reply = thrice(connection, f"/question/{question.name}{after}", cookie)
            taken["next"].append(seconds)
            address = reply.getheader("Location")
            taken["answer"].append(thrice(connection, address, cookie)[0])
            seconds, reply = thrice(connection, f"{address}/figure/0", cookie)
            if reply.status == 200:
                taken["figure"].append(seconds)
            time.sleep(READING)
            after = f"?after={address.rpartition('/')[2]}"
    return taken


def main() -> int:
    get_ready()
    parser = argparse.ArgumentParser(prog="python -m instructor.benchmarks.marking", description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=10, help="answers of each question that are looked at")
    parser.add_argument("--out", type=Path, default=KIT / "build" / "marking-benchmark")
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    folder, out = options.out / "submissions", options.out / "marks"
    make(folder, options.count)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{options.count} submissions, {size / 2**20:.0f} MB", flush=True)

    process, _, _, opening = begin(folder, out)
    process.terminate()
    process.wait()
    mark_half(out)
    process, token, port, again = begin(folder, out)
    try:
        taken = pages(port, token, options.rounds)
    finally:
        process.terminate()
        process.wait()
    print(f"opened in {opening:.1f} s, and the second time in {again:.1f} s")
    for name, seconds in taken.items():
        print(f"  {name:13}  median {1000 * statistics.median(seconds):5.1f} ms, slowest {1000 * max(seconds):5.1f} ms")
    slow = [name for name, seconds in taken.items() if name != "figure" and max(seconds) > PAGE]
    if opening > OPENING or slow:
        print(f"Too slow: {', '.join([*(['opening'] if opening > OPENING else []), *slow])}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
