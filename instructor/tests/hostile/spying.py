"""Looks for the references, the rubric, hidden tests, other submissions, and for the judge's own memory."""

import ctypes
import functools
import gc
import importlib
import inspect
import os
import re
import sys
from contextlib import suppress

SECRET = re.compile(rb"canary-[0-9a-f]{16}")
KEPT = re.compile(
    r"criteria\.toml|oracle\.py|stored\.py|recorded\.(npz|json)|test_(hidden_.*|grad_cam|saliency)\.py"
    r"|(attributions|ascent|style)\.npz|judge\.py|catalogue\.json|marks\.csv|results\.json|canary.*"
)
SOLUTION = b"### BEGIN " + b"SOLUTION"
PLACES = ("@KIT@", "@SUBMISSIONS@", "@OUT@")  # an attacker may know them
ROOT = "@ROOT@"
ELSEWHERE = ("/proc", "/sys", *(f"{home}/lib" for home in ("", "/usr", sys.prefix, sys.base_prefix)))
PIDS = "@PIDS@"


def begin(path):
    with open(path, "rb") as file:
        return file.read(4096)


def opened(paths):
    """The beginnings of the files that can be read."""
    for path in paths:
        with suppress(OSError):
            yield f"{path}: {begin(path)[:60]!r} {SECRET.findall(begin(path))}"


def inside(folder):
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if os.path.join(parent, name) not in ELSEWHERE]
        for name in names:
            yield parent, name


def places():
    yield from opened(f"{place}/{name}" for place in PLACES for name in known_names())


def relative_places():
    here = os.path.dirname(os.path.abspath(globals().get("__file__", ".")))
    for start in (".", here, f"{here}/..", f"{here}/../.."):
        for up in range(6):
            yield from opened(f"{start}/{'../' * up}{name}" for name in known_names())


def known_names():
    hidden = [f"tests/hidden/test_hidden_{name}.py" for name in ("ascent", "attributions", "losses")]
    references = [f"tests/references/{name}" for name in ("slow.py", "ascent.npz", "attributions.npz", "style.npz")]
    others = [
        "instructor/tests/hidden/criteria.toml",
        "instructor/grading/judge.py",
        "kit/check/catalogue.json",
        "tests/test_saliency.py",
    ]
    return [*hidden, *references, *others, "canary.txt", "other/visualizers/saliency.py", "results.json", "marks.csv"]


def every_file():
    for parent, name in inside(ROOT):
        if KEPT.fullmatch(name):
            yield from opened([f"{parent}/{name}"])


def solutions():
    """Solutions in the kit that the worker itself sees."""
    for home in sys.path:
        if "site-packages" not in home and "lib/python" not in home:
            paths = [f"{parent}/{name}" for parent, name in inside(home) if name.endswith(".py")]
            yield from (path for path in paths if SOLUTION in begin(path))


def modules():
    names = (
        "tests.support.oracle",
        "tests.support.references",
        "instructor.grading.judge",
        "instructor.grading.rubric",
        "instructor.reference.oracle",
        "conftest",
    )
    for name in names:
        with suppress(ImportError):
            module = importlib.import_module(name)
            yield f"{name}: {inspect.getsource(module)[:60]!r}"
    yield from (
        name
        for name in list(sys.modules)
        if name.startswith(("instructor.grading.judge", "instructor.reference", "_pytest"))
    )


def processes():
    """All others."""
    chosen = PIDS.split() or sorted(name for name in os.listdir("/proc") if name.isdigit())
    return [pid for pid in chosen if int(pid) != os.getpid()]


def of_processes(name):
    for pid in processes():
        with suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as file:
            yield from (f"{pid}: {secret}" for secret in SECRET.findall(file.read(2**20)))


def command_lines():
    yield from of_processes("cmdline")


def environments():
    yield from of_processes("environ")


def roots():
    for pid in processes():
        yield from opened(
            f"/proc/{pid}/{link}/{place}/{name}"
            for link in ("root", "cwd")
            for place in PLACES
            for name in known_names()
        )


def files_of_others():
    for pid in processes():
        with suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fd"):
                if not os.readlink(f"/proc/{pid}/fd/{number}").startswith(("pipe", "socket", "anon_inode", "/dev")):
                    yield from opened([f"/proc/{pid}/fd/{number}"])


def memory():
    for pid in processes():
        with (
            suppress(OSError),
            open(f"/proc/{pid}/maps", encoding="utf-8") as maps,
            open(f"/proc/{pid}/mem", "rb", 0) as file,
        ):
            for line in maps:
                first, last = (int(number, 16) for number in line.split()[0].split("-"))
                if line.split()[1].startswith("rw"):
                    with suppress(OSError, ValueError):
                        file.seek(first)
                        yield from (f"{pid}: {secret}" for secret in SECRET.findall(file.read(last - first)))


def traced():
    """Attach to others as a debugger does."""
    system = ctypes.CDLL(None, use_errno=True)
    for pid in processes():
        if system.ptrace(16, int(pid), None, None) == 0:
            system.ptrace(17, int(pid), None, None)
            yield f"attached to {pid}"


def environment():
    yield from (f"{name}={value}" for name, value in os.environ.items() if SECRET.search(value.encode()))


def descriptors():
    for number in range(3, 1024):
        with suppress(OSError):
            os.lseek(number, 0, 0)
            yield from (f"{number}: {secret}" for secret in SECRET.findall(os.read(number, 4096)))


def frames():
    frame = sys._getframe()
    while frame is not None:
        for name, value in {**frame.f_globals, **frame.f_locals}.items():
            if type(value).__name__ in ("Rubric", "Judge", "Remote") or SECRET.search(repr(value)[:10_000].encode()):
                yield f"{name} in {frame.f_code.co_name}"
        frame = frame.f_back


def objects():
    kinds = ("Rubric", "Judge", "Remote", "Outcome", "NpzFile", "Sandbox")
    for value in gc.get_objects():
        if type(value).__name__ in kinds:
            yield f"a {type(value).__name__}"
        if type(value) is dict:
            yield from (f"{key}" for key in list(value) if isinstance(key, str) and SECRET.search(key.encode()))


@functools.cache
def report():
    try:
        saw = sorted(set(globals()["@WAY@"]()))
        return f"spied: saw {len(saw)} things{' ' * bool(saw)}{' '.join(saw)[:1500]}"
    except Exception as error:
        return f"spied in vain: {type(error).__name__}: {error}"


def attack(name, *args, **kwargs):
    raise RuntimeError(report())
