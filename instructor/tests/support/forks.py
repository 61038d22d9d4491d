"""Graders as a batch has them: processes that are forked, one for each submission, from one that has imported all."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import pytest

from instructor.grading.isolation import nursery


@contextmanager
def forks(count: int) -> Iterator[ProcessPoolExecutor]:
    """So many at a time, with one nursery for the workers of all."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["instructor.grading.ready"])
    shared = {"initializer": nursery.adopt, "initargs": (nursery.connection(),)}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            patch.setenv(name, "1")
        with ProcessPoolExecutor(count, mp_context=context, max_tasks_per_child=1, **shared) as pool:
            yield pool
