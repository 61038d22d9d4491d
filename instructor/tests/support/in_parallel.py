"""A pytest plugin for several processes: the files that take longest begin first, so that no process waits for one.

Without it, pytest-xdist begins with the files that have the most tests, and starts one process for each processor,
which rests while a test waits for a browser, a server or the end of an attack's time.
"""

from collections.abc import Iterator

import pytest

# More than about twenty seconds each, the longest first.
LONGEST = (
    "test_roundtrip.py",
    "test_hostile.py",
    "test_mutants.py",
    "test_notebooks.py",
    "test_nothing_lost.py",
    "test_submission.py",
    "test_complaints.py",
    "test_ways_in.py",
    "test_other_computers.py",
    "test_new_task.py",
    "test_training.py",
    "test_slurm.py",
    "test_diagnosis.py",
    "test_writeup.py",
    "test_judge.py",
    "test_gradescope.py",
    "test_marking_browser.py",
    "test_batch.py",
    "test_marking_keys.py",
    "test_classifiers.py",
    "test_gradebook.py",
    "test_alive.py",
    "test_checks.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Iterator[None]:
    """One process more than `-n logical` stands for."""
    return (yield) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=place)


def place(item: pytest.Item) -> int:
    """Of its file: items of one stay together, and those of all other files as they were."""
    return LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)
