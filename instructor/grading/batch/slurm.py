"""Grading on a cluster: an array of Slurm jobs, submitted through submitit.

Which submissions are graded is read from their folders, never from submitit's pickles, and which jobs are still there
from `squeue`, which answers without an accounting database.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path

from instructor.grading.batch.attempt import Attempt, is_finished
from instructor.grading.batch.local import on_this_machine
from instructor.grading.batch.supervisor import SINGLE_THREADED
from kit.paths import KIT

MOST_JOBS = 500  # of an array; many clusters take no more than 1000
AT_ONCE = 256
STARTING = 120  # seconds that a job may take to import everything
MEMORY = 6  # GB
POLL = 2.0  # seconds
GRACE = 10.0  # seconds for a folder to appear, over a network, after its job has ended
ENDING = 60.0  # seconds for jobs to be gone that were cancelled
OF_THE_USER = {"SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT"}  # which cluster is asked, and as whom


class SlurmError(RuntimeError):
    """Slurm or submitit is not here, or takes no jobs."""


def check_slurm() -> None:
    """Raises SlurmError where batches cannot be sent to Slurm."""
    try:
        import submitit  # noqa: F401
    except ImportError as error:
        raise SlurmError('--executor slurm needs submitit: pip install -e ".[grading]"') from error
    missing = [program for program in ("sbatch", "srun", "squeue", "scancel") if shutil.which(program) is None]
    if missing:
        raise SlurmError(
            f"--executor slurm needs {', '.join(missing)}, not found here: use a machine that submits jobs to Slurm, "
            "or leave the option out to grade on this one"
        )


def on_slurm(attempts: Sequence[Attempt], logs: Path, workers: int | None = None) -> Iterator[Attempt]:
    """Grade them in jobs, and hand each one back when its folder is there, or its job is gone without leaving one.

    Closing this cancels the jobs.
    """
    name = job_name(logs)
    cancel(name)  # what is left of a batch that was killed
    unfinished = [attempt for attempt in attempts if not is_finished(attempt)]
    yield from (attempt for attempt in attempts if attempt not in unfinished)
    if not unfinished:
        return
    try:
        jobs = submit(unfinished, name, logs, workers or AT_ONCE)
        yield from collected(jobs, name)
    finally:
        cancel(name)


def submit(attempts: Sequence[Attempt], name: str, logs: Path, at_once: int) -> dict[str, list[Attempt]]:
    """One job for each attempt, or for each few of them: the attempts by the number of their job."""
    from submitit import SlurmExecutor
    from submitit.core.utils import FailedJobError

    size = ceil(len(attempts) / MOST_JOBS)
    chunks = [list(attempts[first : first + size]) for first in range(0, len(attempts), size)]
    path = os.pathsep.join([str(KIT), *filter(None, sys.path)])
    variables = {**SINGLE_THREADED, "PYTHONPATH": path}
    executor = SlurmExecutor(folder=logs)
    executor.update_parameters(
        job_name=name,
        time=ceil((STARTING + sum(attempt.limit + 30 for attempt in chunks[0])) / 60),
        cpus_per_task=1,
        mem=f"{MEMORY}GB",
        array_parallelism=at_once,
        setup=[f"export {key}={shlex.quote(value)}" for key, value in variables.items()],
    )
    try:
        with outside_of_jobs():
            jobs = executor.map_array(grade_in_job, chunks)
    except (FailedJobError, OSError) as error:
        raise SlurmError(f"Slurm did not take the jobs: {error}") from error
    return {job.job_id: chunk for job, chunk in zip(jobs, chunks, strict=True)}


@contextmanager
def outside_of_jobs() -> Iterator[None]:
    """Without what Slurm sets where this runs in a job itself: new jobs would inherit its memory and its tasks."""
    of_the_job = [name for name in os.environ if name.startswith("SLURM_") and name not in OF_THE_USER]
    taken_out = {name: os.environ.pop(name) for name in of_the_job}
    try:
        yield
    finally:
        os.environ.update(taken_out)


def grade_in_job(attempts: list[Attempt]) -> None:
    """What runs on a node."""
    for _ in on_this_machine(attempts, workers=1):
        pass


def collected(jobs: dict[str, list[Attempt]], name: str) -> Iterator[Attempt]:
    gone: dict[str, float] = {}  # when a job was first missed
    while jobs:
        time.sleep(POLL)
        present = queued(name)
        for number, attempts in list(jobs.items()):
            if present is not None and number not in present:
                gone.setdefault(number, time.monotonic())
            for attempt in [attempt for attempt in attempts if is_finished(attempt)]:
                attempts.remove(attempt)
                yield attempt
            if time.monotonic() - gone.get(number, float("inf")) > GRACE:
                yield from attempts
                attempts = jobs[number] = []
            if not attempts:
                del jobs[number]


def queued(name: str) -> set[str] | None:
    """The jobs of this name that wait or run; None if Slurm does not answer, which passes."""
    command = ["squeue", "--noheader", "--array", "--format=%i", f"--user={os.getuid()}", f"--name={name}"]
    said = subprocess.run(command, capture_output=True, encoding="utf-8")
    return None if said.returncode else set(said.stdout.split())


def cancel(name: str) -> None:
    """End all jobs of this name, and wait until they are gone."""
    last = time.monotonic() + ENDING
    while queued(name) and time.monotonic() < last:
        subprocess.run(["scancel", f"--user={os.getuid()}", f"--name={name}"], capture_output=True)
        time.sleep(POLL)


def job_name(logs: Path) -> str:
    """One for each place that results go to, so that a later batch finds the jobs of an earlier one."""
    return f"grading-{hashlib.sha256(os.fsencode(logs.resolve())).hexdigest()[:16]}"
