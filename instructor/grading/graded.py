"""Which tests are graded: those that the rubric names. As a pytest plugin, this leaves no others."""

from pathlib import Path

import pytest

from instructor.grading.rubric import Rubric, read_rubric
from kit.paths import KIT

TESTS, HIDDEN = KIT / "tests", KIT / "instructor" / "tests" / "hidden"


def graded_files(rubric: Rubric) -> list[Path]:
    """The test files that the rubric names, hidden ones among them."""
    names = {test.partition("::")[0] for task in rubric.tasks for each in task.criteria for test in each.tests}
    return sorted(path for path in (*TESTS.glob("test_*.py"), *HIDDEN.glob("test_*.py")) if path.name in names)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rubric = read_rubric()
    items[:] = [item for item in items if rubric.criterion_of(name_of(item))]


def name_of(item: pytest.Item) -> str:
    """test_file.py::test_name[parameters]"""
    return f"{item.path.name}::{item.name}"


def is_hidden(item: pytest.Item) -> bool:
    return item.path.parent == HIDDEN
