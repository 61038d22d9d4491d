"""Grading on this machine: one process for each submission, forked from one that has imported what takes long."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, forkserver
from pathlib import Path

from instructor.grading.batch.attempt import Attempt
from instructor.grading.batch.supervisor import PATIENCE, SINGLE_THREADED, STOPPED, supervise, supervise_preparation
from instructor.grading.isolation import nursery
from instructor.grading.isolation.sandbox import protection
from kit.paths import KIT


def on_this_machine(attempts: Iterable[Attempt], workers: int | None = None) -> Iterator[Attempt]:
    """Grade them, so many at a time, and hand each one back when its grading has ended. Closing this ends them all.

    One whose supervisor was killed comes back without a folder.
    """
    workers = workers or len(os.sched_getaffinity(0))
    running: dict[int, tuple[multiprocessing.Process, Attempt]] = {}
    try:
        for attempt in attempts:
            process = start(supervise, attempt.grader, attempt, nursery.connection(), protection())
            running[process.sentinel] = process, attempt
            if len(running) >= workers:
                yield from ended(running)
        while running:
            yield from ended(running)
    finally:
        stop([process for process, _ in running.values()])


def prepare(grader: str, log: Path) -> bool:
    """Let the grader do what it does once for all submissions; whether that went well."""
    process = start(supervise_preparation, grader, grader, log)
    try:
        process.join()
    finally:
        stop([process])
    return process.exitcode == 0


def start(target: Callable, grader: str, *arguments: object) -> multiprocessing.Process:
    """A process forked from one that has imported the grader's module, with all that it needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["instructor.grading.batch.supervisor", grader.partition(":")[0]])
    path = os.pathsep.join([str(KIT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with environment(**SINGLE_THREADED, PYTHONPATH=path):
        forkserver.ensure_running()
    process = context.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def ended(running: dict[int, tuple[multiprocessing.Process, Attempt]]) -> Iterator[Attempt]:
    """Wait until at least one has ended, and take those away that have."""
    for sentinel in connection.wait(list(running)):
        process, attempt = running.pop(sentinel)
        process.join()
        if process.exitcode == STOPPED:
            raise KeyboardInterrupt  # somebody else, such as Slurm, wants all of this to end
        yield attempt


def stop(processes: list[multiprocessing.Process]) -> None:
    """Each of them ends what it has started."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(PATIENCE)


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """For what is started meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
