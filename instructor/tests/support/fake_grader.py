"""Stands in for the grader in tests of what surrounds it. A submission is a file `does` that says what happens."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path


def hand_in(folder: Path, **works: str) -> None:
    """A submission of each name, which does what it says."""
    for name, does in works.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "does").write_text(does, "utf-8")


def grade(path: Path, out: Path) -> None:
    words = what_to_do(path).split()
    print("graded by a fake")
    BEHAVIOURS[words[0]](out, *words[1:])


def what_to_do(path: Path) -> str:
    if path.is_dir():
        return (path / "does").read_text("utf-8")
    with zipfile.ZipFile(path) as archive:
        return archive.read("does").decode()


def earn(out: Path, points: str) -> None:
    (out / "report.md").write_text(f"{points} points\n", "utf-8")
    tests = [{"name": "all of it", "score": float(points), "max_score": 10.0, "visibility": "visible"}]
    (out / "results.json").write_text(json.dumps({"score": float(points), "tests": tests}), "utf-8")


def refuse(out: Path) -> None:
    """What the grader leaves of a submission that it cannot read."""
    earn(out, "0")
    results = json.loads((out / "results.json").read_text("utf-8"))
    about = {"sha256": "", "problems": ["thesis.docx: it is not a zip. Hand in the kit's folder"]}
    (out / "results.json").write_text(json.dumps(results | {"extra_data": about}), "utf-8")


def count(out: Path, ledger: str, points: str) -> None:
    """Leave a line for each time that something was graded."""
    with Path(ledger).open("a", encoding="utf-8") as file:
        file.write(f"{points}\n")
    earn(out, points)


def meet(out: Path, own: str, other: str, points: str) -> None:
    """Wait for another submission that waits for this one: they have to run at the same time."""
    Path(own).touch()
    while not Path(other).exists():
        time.sleep(0.01)
    earn(out, points)


def take(out: Path, seconds: str, points: str) -> None:
    time.sleep(float(seconds))
    earn(out, points)


def hang(out: Path, pids: str) -> None:
    """Start a process that leaves the session, another below it that is orphaned, and go on for ever."""
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    double = f"import subprocess as s; print(s.Popen({sleep!r}, stdout=s.DEVNULL, start_new_session=True).pid)"
    orphan = subprocess.run([sys.executable, "-c", double], stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    away = subprocess.Popen(sleep, start_new_session=True)
    Path(f"{pids}.part").write_text(f"{os.getpid()} {away.pid} {int(orphan)}", "utf-8")
    Path(f"{pids}.part").rename(pids)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


def count_threads(out: Path) -> None:
    import torch

    earn(out, str(torch.get_num_threads()))


def leave_behind(out: Path, pids: str, points: str) -> None:
    away = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    Path(pids).write_text(str(away.pid), "utf-8")
    earn(out, points)


def kill_above(out: Path) -> None:
    """End the process that watches over this one."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)


def cancel_job(out: Path) -> None:
    """End the Slurm job that this runs in."""
    subprocess.run(["scancel", "{SLURM_ARRAY_JOB_ID}_{SLURM_ARRAY_TASK_ID}".format(**os.environ)], check=True)
    time.sleep(600)


def hear(out: Path, points: str) -> None:
    """Be told to end, as every process of a job is."""
    os.kill(os.getpid(), signal.SIGTERM)
    earn(out, points)


def fail(out: Path) -> None:
    raise RuntimeError("the grader's own\nfault")


def write_half(out: Path) -> None:
    earn(out, "10")
    (out / "results.json").write_text('{"score": 10, "tests": [', "utf-8")


def exhaust(out: Path) -> None:
    block = b"x" * 2**20
    print(len(block * 2**16))


BEHAVIOURS = {
    "earn": earn,
    "refuse": refuse,
    "count": count,
    "meet": meet,
    "take": take,
    "count_threads": count_threads,
    "hang": hang,
    "leave_behind": leave_behind,
    "kill_above": kill_above,
    "cancel_job": cancel_job,
    "hear": hear,
    "fail": fail,
    "write_half": write_half,
    "exhaust": exhaust,
    "nothing": lambda out: None,
    "nan": lambda out: (out / "results.json").write_text('{"score": NaN, "tests": []}', "utf-8"),
    "exit": lambda out: sys.exit(0),
    "exit_at_once": lambda out, status: os._exit(int(status)),
    "crash": lambda out: os.kill(os.getpid(), signal.SIGSEGV),
    "be_killed": lambda out: os.kill(os.getpid(), signal.SIGKILL),
}
