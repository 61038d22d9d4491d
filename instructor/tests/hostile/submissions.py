"""Which attacks make a submission, and what the tests say about each of them."""

from collections.abc import Mapping
from pathlib import Path

from instructor.grading.rubric import read_rubric
from kit.assignment import MODULES
from kit.paths import KIT

HONEST, MISSING = "honest", "missing"
HELPERS = {  # functions that tests look for, too
    "visualizers/guided_backprop.py": ("guided_gradient",),
    "visualizers/grad_cam.py": ("class_activation_maps", "guided_gradient"),
}
LOST = "The code ended the process that ran it"
SLOW = "The code did not answer within"
SENSELESS = "The code gave an answer that makes no sense"
INTRUDED = "The code wrote into the channel that its answers go through"
SHAPE = r"expected shape \([0-9, ]*\), got \("
OFF = "the correlation with the right answer is|the values are (zero everywhere|off by)"

# For each submission, in the order of MODULES, the attack of a module and what the tests say about it; modules at the
# end that are not named are honest. What takes long stands in a module of one task, which is given up the sooner.
ATTACKS = {
    "ending": [
        ("ending: exit", LOST),
        ("ending: kill", LOST),
        ("ending: crash", LOST),
        ("ending: another program", LOST),
        ("ending: sys.exit", "SystemExit: 0"),
        ("ending: interrupt", "KeyboardInterrupt"),
        ("ending: generator exit", "GeneratorExit"),
        (HONEST, ""),
    ],
    "ending otherwise": [
        ("ending: abort", LOST),
        ("ending: closed files", LOST),
        ("ending: unspeakable", LOST),
        ("ending: overflow", f"{LOST}|{SLOW}"),
        ("exhausting: time_on_its_own", SLOW),
        ("exhausting: time_without_signals", SLOW),
        ("exhausting: output", SLOW),
        (HONEST, ""),
    ],
    "at import": [
        ("ending: exit at import", f"cannot be imported: {LOST}"),
        ("ending: sys.exit at import", "cannot be imported: SystemExit: 0"),
        ("ending: interrupt at import", "cannot be imported: .*KeyboardInterrupt"),
        ("exhausting: memory_of_lists at import", "cannot be imported: MemoryError"),
        ("exhausting: processes at import", "cannot be imported: The code started more than"),
        ("exhausting: time_on_its_own at import", f"cannot be imported: {SLOW}"),
        ("ending: overflow at import", f"cannot be imported: ({LOST}|{SLOW})"),
        (HONEST, ""),
    ],
    "exhausting": [
        ("exhausting: memory_of_lists", "MemoryError"),
        ("exhausting: memory_of_tensors", "can't allocate memory"),
        ("exhausting: memory_of_nobody", "not permitted"),
        ("exhausting: memory_that_is_shared", f"used more than|Cannot allocate memory|{SLOW}"),
        ("exhausting: memory_of_the_system", "took 0 segments"),
        ("exhausting: processes", "started more than"),
        ("exhausting: threads", "started [0-9]{1,2} threads"),
        (HONEST, ""),
    ],
    "exhausting otherwise": [
        ("exhausting: memory_of_a_disk", "took no namespace"),
        ("exhausting: disk", "filled [0-9]{1,2} MB"),
        ("exhausting: programs", "started more than"),
        ("exhausting: patience", f"has already taken more than|{SLOW}"),
        ("pretending: files", "wrote into"),
        ("pretending: screen", "printed results"),
        ("pretending: markup", "script"),
        (HONEST, ""),
    ],
    "answering with other numbers": [
        ("answering: not a number", SHAPE),
        ("answering: infinite", "all values are NaN or infinite"),
        ("answering: complex", r"got torch\.complex(64|128)"),
        ("answering: too large to send", f"answered with a message of [0-9]{{9}} bytes|{SLOW}"),
        ("answering: half", "got torch.float16"),
        ("answering: whole numbers", SHAPE),
        ("answering: truth values", SHAPE),
        (HONEST, ""),
    ],
    "answering with other tensors": [
        ("answering: sparse", "unsupported memory format"),
        ("answering: quantized", LOST),
        ("answering: without memory", "Cannot copy out of meta tensor"),
        ("answering: transposed", "must match the size of tensor"),
        ("answering: of no size", r"got \(0,\)"),
        ("answering: of a thousand dimensions", r"got \(1, 1, 1, 1, 1, 1, 1"),
        ("answering: one number", r"got \(\)|the values are zero everywhere"),
        (HONEST, ""),
    ],
    "answering with no tensors": [
        ("answering: agreeable", SHAPE),
        ("answering: always equal", "got Opaque"),
        ("answering: objects", "invalid __array_struct__"),
        ("answering: an array", "got ndarray"),
        ("answering: a number", "got float"),
        ("answering: words", "got str"),
        ("answering: nothing", "got NoneType"),
        (HONEST, ""),
    ],
    "answering with too much": [
        ("answering: as large as can be sent", f"results of shape|{SLOW}"),
        ("answering: expanded", "can't allocate memory"),
        ("answering: asking for gradients", f"{SHAPE}|{OFF}"),
        ("answering: nested", "RecursionError"),
        ("answering: itself", "RecursionError"),
        ("answering: many", f"bytes to describe|{SLOW}"),
        ("patching: many_probes", f"{SHAPE}|{OFF}"),
        (HONEST, ""),
    ],
    "forging the channel": [
        ("forging: taken over", SENSELESS),
        ("forging: flood", INTRUDED),
        ("forging: drip", SLOW),
        ("forging: twice", INTRUDED),
        ("forging: huge length", "answered with a message of 9223372036854775808 bytes"),
        ("forging: truncated", LOST),
        ("forging: garbage", "bytes to describe"),
        (HONEST, ""),
    ],
    "forging messages": [
        ("forging: deep JSON", r"cannot be read \(RecursionError\)"),
        ("forging: wide JSON", "bytes to describe"),
        ("forging: many copies", SENSELESS),
        ("forging: with broken characters", "ValueError"),
        ("forging: with gradients off", OFF),
        ("forging: with bent parameters", SLOW),
        ("forging: with an error that is none", "RemoteError: Skipped"),
        (HONEST, ""),
    ],
    "files beside": [
        *[("pretending: planted", "found nothing planted")] * 7,
        (HONEST, ""),
    ],
    "odd sources": [*[(MISSING, "")] * 7, (HONEST, "")],  # see packing.SOURCES
    "spying": [
        ("spying: places", "saw 0 things"),
        ("spying: relative_places", "saw 0 things"),
        ("spying: every_file", "saw 0 things"),
        ("spying: solutions", "saw 0 things"),
        ("spying: modules", "saw 0 things"),
        ("spying: command_lines", "saw 0 things"),
        ("spying: environments", "saw 0 things"),
        (HONEST, ""),
    ],
    "spying otherwise": [
        ("spying: roots", "saw 0 things"),
        ("spying: files_of_others", "saw 0 things"),
        ("spying: memory", "saw 0 things"),
        ("spying: traced", "saw 0 things"),
        ("spying: environment", "saw 0 things"),
        ("spying: descriptors", "saw 0 things"),
        ("spying: frames", "saw 0 things"),
        (HONEST, ""),
    ],
    "reaching": [
        ("spying: objects", "saw 0 things"),
        ("reaching: this machine", "reached nobody"),
        ("reaching: a socket in a folder", "reached nobody"),
        ("reaching: a socket without a folder", "reached nobody"),
        ("reaching: the world", "reached nobody"),
        ("reaching: names", "reached nobody"),
        ("reaching: datagrams", "reached nobody"),
        (HONEST, ""),
    ],
    "lingering": [
        ("reaching: signals", "reached nobody"),
        ("lingering: child", "left"),
        ("lingering: session", "left"),
        ("lingering: orphan", "left"),
        ("lingering: at_exit", "left"),
        ("lingering: on_signals", "left"),
        ("lingering: thread", "left"),
        (HONEST, ""),
    ],
    "patching": [
        ("patching: comparisons", SHAPE),
        ("patching: frameworks", OFF),
        ("patching: probes", f"{SHAPE}|{OFF}"),
        ("patching: many_probes", f"{SHAPE}|{OFF}"),
        ("patching: surroundings", OFF),
        ("patching: names", LOST),
        ("patching: packer", SENSELESS),
        ("patching: worker", SENSELESS),
    ],
    **{name: [(f"guessing: {name}", OFF)] * len(MODULES) for name in ("zeros", "ones", "noise", "echo")},
    "overwriting": [
        ("guessing: zeros of zeros", f"{OFF}|NaN or infinite"),
        ("guessing: zeros of noise", f"{OFF}|NaN or infinite"),
        ("guessing: noise of nothing", f"{OFF}|NaN or infinite"),
        ("guessing: zeros of noise", f"{OFF}|NaN or infinite"),
        ("guessing: zeros of noise", f"{OFF}|NaN or infinite"),
        ("guessing: zeros of zeros", f"{OFF}|NaN or infinite"),
        ("guessing: zeros of noise", f"{OFF}|NaN or infinite"),
        ("guessing: noise of nothing", f"{OFF}|NaN or infinite"),
    ],
}
SUBMISSIONS = {name: [*attacks, *[(HONEST, "")] * (len(MODULES) - len(attacks))] for name, attacks in ATTACKS.items()}


def sources(name: str, places: Mapping[str, str]) -> dict[str, bytes]:
    """The modules of a submission, with the places that its attacks are to know."""
    written = {
        module: source(module, attack, places) for module, (attack, _) in zip(MODULES, SUBMISSIONS[name], strict=True)
    }
    return {module: text.encode() for module, text in written.items() if text}


def source(module: str, attack: str, places: Mapping[str, str]) -> str:
    """The attack's file, at whose end the module's functions carry it out, or its import does."""
    if attack == MISSING:
        return ""
    if attack == HONEST:
        lines = (KIT / module).read_text("utf-8").splitlines(keepends=True)
        return "".join(line for line in lines if " SOLUTION" not in line)
    file, way = attack.removesuffix(" at import").split(": ")
    text = (Path(__file__).parent / f"{file}.py").read_text("utf-8")
    for place, value in {"WAY": way, **places}.items():
        text = text.replace(f"@{place}@", value)
    if attack.endswith(" at import"):
        return f'{text}\n\nattack("import")\n'
    functions = [name for task in read_rubric().tasks if task.module == module for name in task.functions]
    functions += HELPERS.get(module, ())
    calls = [f'def {name}(*args, **kwargs):\n    return attack("{name}", *args, **kwargs)\n' for name in functions]
    return "\n\n".join([text, *calls])
