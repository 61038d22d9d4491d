"""Grading a folder of submissions: in parallel, whatever one of them does, and going on where it was interrupted."""

import fcntl
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from instructor.grading.batch.attempt import Attempt, begin, complaint, finish, is_finished, read_results
from instructor.grading.batch.fingerprints import fingerprint
from instructor.grading.batch.local import on_this_machine, prepare
from instructor.grading.batch.slurm import SlurmError, check_slurm, on_slurm
from instructor.grading.intake.entries import SubmissionError
from instructor.grading.intake.folder import Folder
from instructor.grading.reports.table import as_csv, as_workbook, class_table
from kit.atomic import write_atomically

GRADER = "instructor.grading.ready:grade"
MARKS, WORKBOOK = "marks.csv", "marks.xlsx"
MARKING = "marking.sqlite"  # the marks of the reports, which people give
GRADEBOOK = "gradebook"  # the folder with the sums
OWN = ".batch"  # what a batch needs for itself: the lock, and folders that are not finished
LOGS = ".slurm"
SELDOM = 30.0  # seconds between lines of progress where nobody watches
LIMIT = 1200.0  # seconds for a submission; only one that hangs in every task comes near it
INTERRUPTED = 130  # the exit status that shells give to Ctrl-C
OTHER_KIND = "it is not a zip. Unpack it into a folder of its own, or ask for a zip"
LOST = "what watched over its grading was killed too"
EXECUTORS = ("local", "slurm")
LISTS = frozenset({".csv", ".html", ".json", ".log", ".md", ".txt", ".xml", ".yaml", ".yml"})  # by whoever exported
CLUTTER = frozenset({"Thumbs.db", "desktop.ini"})


class BatchError(RuntimeError):
    """The batch cannot begin."""


def batch(
    folder: Path,
    out: Path,
    *,
    executor: str = "local",
    workers: int | None = None,
    say: Callable[[str], None] = print,
    grader: str = GRADER,
    limit: float = LIMIT,
) -> int:
    """Grade every submission in `folder` that is not graded yet. OUT/<name>/ gets its reports, OUT/marks.csv all marks.

    Returns the exit status: 0, or 1 if some could not be read or graded, or 130 after Ctrl-C. Raises BatchError.
    """
    check(folder, out, executor, grader)
    counts: Counter[str] = Counter()
    with locked(out):
        try:
            attempts, others = planned(folder, out, grader, limit), of_other_kinds(folder)
            waiting = [attempt for attempt in attempts if not is_finished(attempt)]
            counts["unchanged"] = len(attempts) - len(waiting)
            announce(len(waiting), counts["unchanged"])
            if waiting and not prepare(grader, out / OWN / "prepare.txt"):
                raise BatchError(f"the kit cannot grade: {out / OWN / 'prepare.txt'} says why")
            try:
                with closing(graded(waiting, executor, workers, out)) as finished:
                    follow(finished, len(attempts), counts)
            finally:
                write_marks(attempts, others, out)
        except KeyboardInterrupt:
            say(f"Interrupted: {summary(counts)}. Rerun the same command to resume.")
            return INTERRUPTED
        except SlurmError as error:
            raise BatchError(str(error)) from error
    say(f"{summary(counts)}: {out / MARKS}")
    failed = {attempt.name: complaint(attempt) for attempt in attempts if complaint(attempt)}
    for name, reason in failed.items():
        say(f"✗ {name}: {reason}")
    if failed:
        say("These have no points. Look into their folders; delete a folder to have its submission graded again.")
    for path in others:
        say(f"✗ {path.name} was not graded: {OTHER_KIND}.")
    return 1 if failed or others else 0


def check(folder: Path, out: Path, executor: str, grader: str) -> None:
    if sys.platform != "linux":
        raise BatchError("batches are graded on Linux: use it in WSL, in a container or on a server")
    if not folder.is_dir():
        raise BatchError(f"{folder} is not a folder: name the one that holds the submissions")
    if not any(True for _ in submissions(folder)):
        raise BatchError(f"{folder} holds no submissions: each is a .zip file or a folder in it")
    inner, outer = sorted((folder.resolve(), out.resolve()), key=lambda path: -len(path.parts))
    if inner.is_relative_to(outer):
        raise BatchError(f"one of {folder} and {out} lies inside the other: choose an OUT beside the submissions")
    if (
        out.exists()
        and not (out / OWN).is_dir()
        and (out.is_file() or any(not is_of_marking(path) for path in out.iterdir()))
    ):
        raise BatchError(f"{out} holds something else: choose a new or empty folder, or an earlier batch's")
    if executor not in EXECUTORS:
        raise BatchError(f"there is no executor {executor!r}: choose one of {', '.join(EXECUTORS)}")
    if find_spec(grader.partition(":")[0]) is None:
        raise BatchError(f"there is no grader {grader!r}: write module:function")
    if executor == "slurm":
        try:
            check_slurm()
        except SlurmError as error:
            raise BatchError(str(error)) from error


def is_of_marking(path: Path) -> bool:
    """The reports may be marked first, into the same folder."""
    return path.name.startswith(MARKING)


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """One batch at a time writes to a folder. The lock goes with the process that holds it, however that ends."""
    (out / OWN).mkdir(parents=True, exist_ok=True)
    with (out / OWN / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BatchError(f"another batch writes to {out}: wait for it, or choose another folder") from None
        yield


def submissions(folder: Path) -> list[tuple[str, Path]]:
    """Each submission under a name of its own, sorted by name.

    A folder with archives but without modules, as Moodle makes one for each student, stands for the archives.
    """
    found = []
    for entry in visible(folder):
        inside = visible(entry) if entry.is_dir() else []
        archives = [path for path in inside if is_archive(path) and not path.is_symlink()]
        if archives and not holds_modules(entry):
            several = len(archives) > 1
            found += [(f"{entry.name}-{path.stem}" if several else entry.name, path) for path in archives]
        elif entry.is_dir() or is_archive(entry):
            found.append((entry.stem if is_archive(entry) else entry.name, entry))
    return sorted(apart(found))


def of_other_kinds(folder: Path) -> list[Path]:
    """Files that somebody may have handed in, and that are no submissions."""
    files = [path for path in visible(folder) if not path.is_dir() and not is_archive(path)]
    return [path for path in files if path.suffix.lower() not in LISTS and path.name not in CLUTTER]


def holds_modules(folder: Path) -> bool:
    try:
        return bool(Folder(folder).roots())
    except SubmissionError:
        return True  # whatever it is, it is looked at as a whole, and the reason is told


def visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))


def is_archive(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and path.is_file()


def apart(found: list[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    """The second of a name is called `name (2)`, and so on."""
    taken = {MARKS, WORKBOOK, GRADEBOOK, MARKING, f"{MARKING}-wal", f"{MARKING}-shm"}
    for wanted, path in found:
        names = [wanted, *(f"{wanted} ({number})" for number in range(2, len(found) + 2))]
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield name, path


def planned(folder: Path, out: Path, grader: str, limit: float) -> list[Attempt]:
    return [
        Attempt(name, path, out / name, out / OWN / "unfinished" / name, fingerprint(path, grader), grader, limit)
        for name, path in submissions(folder)
    ]


def graded(waiting: list[Attempt], executor: str, workers: int | None, out: Path) -> Iterator[Attempt]:
    return on_slurm(waiting, out / LOGS, workers) if executor == "slurm" else on_this_machine(waiting, workers)


def announce(waiting: int, unchanged: int) -> None:
    """Before anything is finished, since that takes a while."""
    if waiting:
        words = f"Grading {waiting} submission{'' if waiting == 1 else 's'}, {unchanged} unchanged."
        print(
            f"{words} On a machine's first run, the kit's own solutions come before them.", file=sys.stderr, flush=True
        )


def follow(finished: Iterator[Attempt], total: int, counts: Counter[str]) -> None:
    """Count what is finished in a progress bar, which a file gets seldom."""
    often = 0.1 if sys.stderr.isatty() else SELDOM
    with tqdm(total=total, initial=counts["unchanged"], desc="grading", unit="submission", mininterval=often) as bar:
        bar.set_postfix_str(summary(counts))
        for attempt in finished:
            if not is_finished(attempt):
                begin(attempt)
                finish(attempt, LOST)
            counts["failed" if complaint(attempt) else "graded"] += 1
            bar.set_postfix_str(summary(counts), refresh=False)
            bar.update()


def summary(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[kind]} {kind}" for kind in ("graded", "failed", "unchanged"))


def write_marks(attempts: list[Attempt], others: list[Path], out: Path) -> None:
    """A line for everybody whose turn has come, sorted by name: the marks, or why there are none."""
    rows = []
    for attempt in filter(is_finished, attempts):
        results = read_results(attempt.folder)
        about = {"submission": attempt.name, "not_graded": complaint(attempt)}
        rows.append({**results, "extra_data": {**results.get("extra_data", {}), **about}})
    rows += [{"extra_data": {"submission": path.name, "not_graded": OTHER_KIND}, "score": 0} for path in others]
    table = class_table(sorted(rows, key=lambda row: row["extra_data"]["submission"]))
    write_atomically(out / MARKS, as_csv(table))
    write_atomically(out / WORKBOOK, as_workbook(table))
