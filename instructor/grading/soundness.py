"""Before anybody is graded on a machine, the kit's own solutions must pass there: a fault of ours is not a mark."""

import fcntl
import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from instructor.grading.batch.fingerprints import kit_sha256
from kit.atomic import write_atomically
from kit.paths import KIT

CACHE = KIT / "build" / "grading"
KERNELS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")  # which of them are taken


def prove(tests: Sequence[Path]) -> None:
    """Run these test files on the kit, unless that went well before here. Raises RuntimeError when they fail.

    Of several who ask at the same time one runs them, and the others wait.
    """
    proof = CACHE / f"sound-{fingerprint(tests)}"
    if proof.is_file():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not proof.is_file():
            run(tests)
            write_atomically(proof, b"")


def run(tests: Sequence[Path]) -> None:
    plugins = ["-p", "no:cacheprovider", "-p", "instructor.grading.graded"]
    options = [*plugins, f"--rootdir={KIT}", "-c", str(KIT / "pyproject.toml")]
    command = [sys.executable, "-m", "pytest", *options, *map(str, tests)]
    alone = {"PYTHONPATH": str(KIT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=KIT, env={**os.environ, **alone}, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"the kit's own solutions do not pass the graded tests: {done.stdout[-2000:]}")


def fingerprint(tests: Sequence[Path]) -> str:
    """Of everything that decides whether they pass: the kit, the tests, PyTorch, and what it calculates with."""
    kernels = [os.environ.get(name) for name in KERNELS]
    machine = (platform.machine(), torch.backends.cpu.get_cpu_capability(), *kernels)
    known = (kit_sha256(), torch.__version__, machine, sorted(map(str, tests)))
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]
