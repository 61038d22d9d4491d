"""A pytest plugin that writes down what the oracle gives for each call of each test.

`pytest -p instructor.reference.recording --record-to=FOLDER` leaves recorded.json and recorded.npz there, which
tests/support/oracle.py reads.
"""

import hashlib
import json
import types
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor, nn

import tests.support
from instructor.reference import oracle
from kit.atomic import atomic_path, write_atomically
from tests.support.oracle import running_test

LARGE = 10_000  # entries
CALLS: dict[str, dict] = {}
ARRAYS: dict[str, np.ndarray] = {}
COUNTS: Counter[tuple[str, str]] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-to", type=Path, required=True)


def pytest_configure() -> None:
    """Tests that import the recorded answers get the oracle itself, whose functions call each other unrecorded."""
    recorder = types.ModuleType("tests.support.oracle")
    for name, function in vars(oracle).items():
        if isinstance(function, types.FunctionType) and function.__module__ == oracle.__name__:
            setattr(recorder, name, recording(name, function))
    tests.support.oracle = recorder


def recording(name: str, function: Callable) -> Callable:
    def recorded(*args, **kwargs) -> object:
        result = function(*args, **kwargs)
        test = running_test()
        COUNTS[test, name] += 1
        CALLS[f"{test} {name} {COUNTS[test, name]}"] = encoded(result)
        return result

    return recorded


def encoded(value: object) -> dict:
    """Plain JSON, with arrays by the sum of their contents; for large ones, single precision is enough."""
    if isinstance(value, Tensor | np.ndarray):
        kind = "tensor" if isinstance(value, Tensor) else "array"
        array = np.asarray(value.detach() if isinstance(value, Tensor) else value)
        stored = array.astype(np.float32) if array.dtype == np.float64 and array.size > LARGE else array
        key = hashlib.sha256(stored.tobytes() + str(stored.shape).encode()).hexdigest()[:16]
        ARRAYS[key] = stored
        return {kind: key, "dtype": array.dtype.name}
    if isinstance(value, dict):
        return {"dict": [[key, encoded(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [encoded(item) for item in value]}
    if isinstance(value, nn.Module):
        return {"model": None}  # only handed back to the oracle, which then ignores it
    return {"number": value.item() if isinstance(value, np.generic) else value}


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus != pytest.ExitCode.OK:
        return  # what fails here is not right enough to be remembered
    folder = session.config.getoption("--record-to")
    write_atomically(folder / "recorded.json", json.dumps(CALLS, sort_keys=True, separators=(",", ":")).encode())
    with atomic_path(folder / "recorded.npz") as temporary:
        np.savez_compressed(temporary, **dict(sorted(ARRAYS.items())))
