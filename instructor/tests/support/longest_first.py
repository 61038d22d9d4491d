"""A pytest plugin for several processes: the files that take longest begin first, so that no process waits for one.

Without it, pytest-xdist begins with the files that have the most tests.
"""

import pytest

# More than about half a minute each, the longest first.
LONGEST = (
    "test_mutants.py",
    "test_roundtrip.py",
    "test_hostile.py",
    "test_notebooks.py",
    "test_complaints.py",
    "test_batch.py",
    "test_isolation.py",
    "test_writeup.py",
    "test_nothing_lost.py",
    "test_diagnosis.py",
    "test_new_task.py",
    "test_ways_in.py",
    "test_checks.py",
    "test_other_computers.py",
    "test_gradescope.py",
    "test_slurm.py",
    "test_alive.py",
    "test_training.py",
    "test_randomization.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=place)


def place(item: pytest.Item) -> int:
    """Of its file: items of one stay together, and those of all other files as they were."""
    return LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)
