"""What `check` asks: the tests of a task's file, and those of other files that decide about its marks."""

from pathlib import Path

import pytest

from kit.assignment import checked_by, fits


def graded_elsewhere(check: str) -> tuple[str, ...]:
    """The patterns of the table's criteria that name tests of other files, such as those of batches and of purity."""
    tasks = checked_by(check)
    own = {Path(task.test).name for task in tasks if task.test}
    patterns = [test for task in tasks for test in task.graded]
    return tuple(test for test in patterns if test.partition("::")[0] not in own)


class Asked:
    """A pytest plugin. `files` are to be collected; of all but the first, what decides about the marks is run."""

    def __init__(self, path: Path, check: str) -> None:
        self.path = path
        self.patterns = graded_elsewhere(check)
        others = sorted({pattern.partition("::")[0] for pattern in self.patterns})
        self.files = [path, *(path.with_name(name) for name in others)]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.path == self.path or self.is_graded(item)]

    def is_graded(self, item: pytest.Item) -> bool:
        return any(fits(pattern, f"{item.path.name}::{item.name}") for pattern in self.patterns)
