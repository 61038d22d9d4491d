"""What all tests share: networks, pictures, and an environment in which nothing is downloaded or shown."""

import gc
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import kit.threads  # before torch is loaded
from kit.display import in_notebook

# What is imported stays: looking through it for garbage, again and again, takes a third of the time. check() runs the
# tests in a notebook's kernel, whose garbage is not ours.
if not in_notebook():
    gc.disable()

# isort: split
import kit.quick_torchvision  # noqa: F401  before torchvision is loaded

# isort: split
import pytest
import torch
from torch import Tensor, nn

from kit.paths import KIT
from kit.unwritten import UNWRITTEN, is_unwritten, stub_of
from tests.support.loaded import loaded
from tests.support.networks import SmallNet, copied
from tests.support.references import load

WAITING = f"{UNWRITTEN}: "
ENVIRONMENT = pytest.MonkeyPatch()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than two seconds")
    config.addinivalue_line("markers", "given: asks about code that students do not write")
    config.addinivalue_line("markers", "together: check() tells what holds in one line, that of the file")
    config.addinivalue_line("markers", "long: takes more than half a minute; only `pytest -m long` runs it")
    ENVIRONMENT.setenv("KIT_OFFLINE", "1")
    ENVIRONMENT.setenv("MPLBACKEND", "Agg")
    ENVIRONMENT.delenv("PYTHONWARNDEFAULTENCODING", raising=False)  # kernels would print what other packages lack
    beside = KIT.parent / "shared"
    if not os.environ.get("KIT_ASSETS") and beside.is_dir():
        ENVIRONMENT.setenv("KIT_ASSETS", str(beside))


def pytest_collection_finish() -> None:
    if not in_notebook():
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    ENVIRONMENT.undo()  # the tests may run inside a notebook's kernel


# What is not written yet is no failure to read a traceback for: it is counted, function by function.
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    waits = call.excinfo is not None and is_unwritten(call.excinfo.value)
    if waits:
        place = stub_of(call.excinfo.value)
        call.excinfo.traceback = call.excinfo.traceback[-1:]  # nobody reads the rest, which takes longer than the test
    report = yield
    if waits:
        path = Path(place.filename)
        report.longrepr = f"{WAITING}{place.name} in {path.parent.name}/{path.name}"
    return report


def is_waiting(report: pytest.TestReport) -> bool:
    return report.failed and str(report.longrepr).startswith(WAITING)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    return ("unwritten", "-", "NOT IMPLEMENTED YET") if is_waiting(report) else None


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    waiting = Counter(str(report.longrepr) for report in terminalreporter.stats.get("unwritten", []))
    for words, count in sorted(waiting.items()):
        terminalreporter.write_line(f"{words} ({count} tests wait for it)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "weights" in metafunc.fixturenames:
        metafunc.parametrize("weights", ["shipped"])
    if "network" in metafunc.fixturenames:
        metafunc.parametrize("network", ["shipped", "resnet18", "vgg11"], indirect=True)
    if "other_network" in metafunc.fixturenames:
        metafunc.parametrize("other_network", ["resnet18", "vgg11"], indirect=True)


# Every test gets a copy, so that a function which alters the model fails its own tests and no others.
@pytest.fixture
def squeezenet(weights: str) -> nn.Module:
    return copied(loaded(weights))


@pytest.fixture
def shipped() -> nn.Module:
    return copied(loaded("shipped"))


@pytest.fixture
def resnet18() -> nn.Module:
    return copied(loaded("resnet18"))


@pytest.fixture
def vgg11() -> nn.Module:
    return copied(loaded("vgg11"))


@pytest.fixture
def network(request: pytest.FixtureRequest) -> nn.Module:
    """SqueezeNet with the shipped weights; ResNet-18 and VGG-11 with an eighth of their channels."""
    return copied(loaded(request.param))


@pytest.fixture
def other_network(request: pytest.FixtureRequest) -> nn.Module:
    """ResNet-18 and VGG-11 with an eighth of their channels: what is no SqueezeNet, on which other tests look."""
    return copied(loaded(request.param))


@pytest.fixture
def small_net() -> SmallNet:
    return SmallNet()


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def noise(random: torch.Generator) -> Tensor:
    """Three small images, not square."""
    return torch.randn(3, 3, 10, 14, generator=random)


@pytest.fixture
def photos() -> Tensor:
    """Two small photographs, not square: (2, 3, 72, 88)."""
    return load("attributions")["X"]


@pytest.fixture
def small_photos(photos: Tensor) -> Tensor:
    """The middle of the photographs, for loops that take long: (2, 3, 48, 64)."""
    return photos[:, :, 12:60, 12:76].contiguous()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What is displayed, message by message, as in a notebook's kernel, whose start would take seconds."""
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.formatters import DisplayFormatter
    from IPython.core.interactiveshell import InteractiveShell

    publisher = CapturingDisplayPublisher()
    shell = SimpleNamespace(kernel=None, display_formatter=DisplayFormatter(), display_pub=publisher)
    monkeypatch.setattr(InteractiveShell, "initialized", lambda: True)
    monkeypatch.setattr(InteractiveShell, "instance", lambda: shell)
    return publisher.outputs
