"""Several processes share the tests: those of the files that take longest come first, and no processor rests."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pluggy
import pytest

from instructor.tests.support import in_parallel
from instructor.tests.support.in_parallel import LONGEST, pytest_collection_modifyitems
from kit.paths import KIT


@dataclass
class Item:
    path: Path
    name: str


def test_every_file_that_takes_long_is_there():
    assert set(LONGEST) <= {path.name for part in ("tests", "instructor/tests") for path in KIT.glob(f"{part}/*.py")}


def test_files_that_take_long_come_first_and_all_else_keeps_its_order():
    names = ("test_b.py", LONGEST[1], "test_a.py", LONGEST[0])
    items = [Item(KIT / "tests" / name, each) for name in names for each in ("one", "another")]
    pytest_collection_modifyitems(items)
    assert [item.path.name for item in items[::2]] == [LONGEST[0], LONGEST[1], "test_b.py", "test_a.py"]
    assert [item.name for item in items] == ["one", "another"] * 4


def test_there_is_one_process_more_than_processors():
    """Which pytest-xdist counts, in the hook that it has for that."""
    hooks = pluggy.PluginManager("pytest")
    hooks.add_hookspecs(pytest.importorskip("xdist.newhooks"))
    hooks.register(in_parallel)
    hooks.register(SimpleNamespace(pytest_xdist_auto_num_workers=pytest.hookimpl(lambda: 4)))
    assert hooks.hook.pytest_xdist_auto_num_workers(config=None) == 5
