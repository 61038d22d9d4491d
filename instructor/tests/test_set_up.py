"""`make` takes the PyTorch that fits the machine, and says which; a local index stands in for PyTorch's own."""

import functools
import http.server
import os
import runpy
import shutil
import socket
import subprocess
import sys
import threading
import zipfile

import pytest

from kit.paths import KIT

PREFLIGHT = runpy.run_path(str(KIT / "kit" / "preflight.py"))
WITH_CUDA = "what pip installs by default, with CUDA, since"
# An empty kit, which needs nothing to be built and nothing but torch.
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "kit"
version = "1"
"""
BACKEND = """
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/kit-1-py3-none-any.whl", "w") as wheel:
        about = "Metadata-Version: 2.1\\nName: kit\\nVersion: 1\\nRequires-Dist: torch\\n"
        wheel.writestr("kit-1.dist-info/METADATA", about)
        wheel.writestr("kit-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("kit-1.dist-info/RECORD", "")
    return "kit-1-py3-none-any.whl"
"""


def put_wheel(index, name, version):
    place = index / name
    place.mkdir(parents=True)
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(place / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", f"__version__ = {version!r}\n")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def index(tmp_path):
    """The address of an index whose torch is version 2+cpu, and of another one, pip's usual, whose torch is 2+cu."""
    for build in ("cpu", "cu"):
        put_wheel(tmp_path / build, "torch", f"2+{build}")
        put_wheel(tmp_path / build, "torchvision", f"2+{build}")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def choose(monkeypatch, index):
    """The choice on a machine of this kind, where PyTorch's own index is the one at `address`."""

    def choose(asked="auto", platform="linux", driver=False, address=f"{index}/cpu"):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setitem(PREFLIGHT["choose"].__globals__, "has_nvidia_driver", lambda: driver)
        return PREFLIGHT["choose"](asked, address)

    return choose


def test_linux_without_a_driver_takes_the_build_for_cpus_where_its_index_answers(choose, index):
    assert choose() == (f"{index}/cpu", "the build for CPUs, since there is no NVIDIA driver", 2)


@pytest.mark.parametrize("page", ["absent", "torch/absent"])
def test_an_index_without_torch_is_not_taken(choose, index, page):
    assert choose(address=f"{index}/{page}")[0] == ""


def test_an_index_that_is_silent_is_not_waited_for(choose):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        chosen, words, needed = choose(address=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert (chosen, needed) == ("", 7)
    assert words.startswith(WITH_CUDA)
    assert words.endswith("does not answer within 3 s")


def test_a_driver_another_system_and_the_user_decide_before_the_index_is_asked(choose):
    nowhere = "http://127.0.0.1:9"
    assert choose(driver=True, address=nowhere) == ("", f"{WITH_CUDA} there is an NVIDIA driver", 7)
    for platform in ("darwin", "win32"):
        assert choose(platform=platform, address=nowhere)[::2] == ("", 2)
    assert choose("", address=nowhere) == ("", "what pip installs by default, with CUDA, as you asked", 7)
    assert choose("http://mine/cpu", driver=True) == ("http://mine/cpu", "what http://mine/cpu has, as you asked", 2)


def test_too_little_space_is_said_with_the_choice(choose, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(0, 0, 2**30))
    monkeypatch.setattr(sys, "argv", ["preflight.py", ""])
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(SystemExit, match="1"):
        PREFLIGHT["main"]()
    said = "PyTorch needs about 7 GB (what pip installs by default, with CUDA, as you asked), and 1.0 GB are free here"
    assert said in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.parametrize(("asked", "build"), [("cpu", "cpu"), ("absent", "cu")])
def test_make_installs_what_was_chosen_and_goes_on_where_that_fails(index, asked, build, tmp_path):
    kit = tmp_path / "kit"
    (kit / "kit").mkdir(parents=True)
    shutil.copy(KIT / "Makefile", kit)
    shutil.copy(KIT / "kit" / "preflight.py", kit / "kit")
    (kit / "pyproject.toml").write_text(PROJECT, "utf-8")
    (kit / "backend.py").write_text(BACKEND, "utf-8")
    address = f"{index}/{asked}"
    command = ["make", f"TORCH_INDEX={address}", f"PYTHON={sys.executable}", ".venv/.ready"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE"))}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"{index}/cu", "PIP_RETRIES": "0"}
    done = subprocess.run(command, cwd=kit, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"what {address} has" in done.stderr
    assert ("did not provide it" in done.stdout) == (asked == "absent")
    query = [kit / ".venv/bin/python", "-c", "import torch; print(torch.__version__)"]
    assert subprocess.check_output(query, encoding="utf-8") == f"2+{build}\n"
