"""Which attacks make a submission, and what the tests say about each of them."""

from collections.abc import Mapping
from pathlib import Path

from grading.rubric import read_rubric
from submission.contents import MODULES

KIT = Path(__file__).resolve().parent.parent.parent
HONEST, MISSING = "honest", "missing"
HELPERS = {  # functions that tests look for, too
    "visualizers/guided_backprop.py": ("guided_gradient",),
    "visualizers/grad_cam.py": ("class_activation_maps", "guided_gradient"),
}
LOST = "The code ended the process that ran it"
SLOW = "The code did not answer within"

# For each submission, in the order of MODULES, the attack of a module and what the tests say about it; modules at the
# end that are not named are honest.
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
        ("ending: overflow", f"{LOST}|{SLOW}"),
        ("ending: unspeakable", LOST),
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
        ("exhausting: memory_that_is_shared", f"used more than|Cannot allocate memory|{SLOW}"),
        ("exhausting: memory_of_nobody", "not permitted"),
        ("exhausting: memory_of_the_system", "took 0 segments"),
        ("exhausting: processes", "started more than"),
        ("exhausting: threads", "started [0-9]{1,2} threads"),
        (HONEST, ""),
    ],
    "exhausting otherwise": [
        ("exhausting: memory_of_a_disk", "took no namespace"),
        ("exhausting: disk", "filled [0-9]{1,2} MB"),
        ("exhausting: programs", "started more than"),
        ("exhausting: patience", f"took more than|{SLOW}"),
        ("pretending: files", "wrote into"),
        ("pretending: screen", "printed results"),
        ("pretending: markup", "script"),
        (HONEST, ""),
    ],
    "answering with other numbers": [
        ("answering: not a number", ""),
        ("answering: infinite", ""),
        ("answering: too large to send", ""),
        ("answering: complex", ""),
        ("answering: half", ""),
        ("answering: whole numbers", ""),
        ("answering: truth values", ""),
        (HONEST, ""),
    ],
    "answering with other tensors": [
        ("answering: sparse", ""),
        ("answering: quantized", ""),
        ("answering: without memory", ""),
        ("answering: transposed", ""),
        ("answering: of no size", ""),
        ("answering: of a thousand dimensions", ""),
        ("answering: one number", ""),
        (HONEST, ""),
    ],
    "answering with no tensors": [
        ("answering: agreeable", ""),
        ("answering: always equal", ""),
        ("answering: objects", ""),
        ("answering: an array", ""),
        ("answering: a number", ""),
        ("answering: words", ""),
        ("answering: nothing", ""),
        (HONEST, ""),
    ],
    "answering with too much": [
        ("answering: as large as can be sent", ""),
        ("answering: expanded", ""),
        ("answering: asking for gradients", ""),
        ("answering: nested", ""),
        ("answering: itself", ""),
        ("answering: many", ""),
        ("patching: many_probes", ""),
        (HONEST, ""),
    ],
    "forging the channel": [
        ("forging: taken over", ""),
        ("forging: flood", ""),
        ("forging: drip", ""),
        ("forging: twice", ""),
        ("forging: huge length", ""),
        ("forging: truncated", ""),
        ("forging: garbage", ""),
        (HONEST, ""),
    ],
    "forging messages": [
        ("forging: deep JSON", ""),
        ("forging: wide JSON", ""),
        ("forging: many copies", ""),
        ("forging: with broken characters", ""),
        ("forging: with gradients off", ""),
        ("forging: with bent parameters", ""),
        ("forging: with an error that is none", ""),
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
        ("patching: comparisons", ""),
        ("patching: frameworks", ""),
        ("patching: probes", ""),
        ("patching: many_probes", ""),
        ("patching: surroundings", ""),
        ("patching: names", ""),
        ("patching: packer", ""),
        ("patching: worker", ""),
    ],
    **{name: [(f"guessing: {name}", "")] * len(MODULES) for name in ("zeros", "ones", "noise", "echo")},
    "overwriting": [
        ("guessing: zeros of zeros", ""),
        ("guessing: zeros of noise", ""),
        ("guessing: noise of nothing", ""),
        ("guessing: zeros of noise", ""),
        ("guessing: zeros of noise", ""),
        ("guessing: zeros of zeros", ""),
        ("guessing: zeros of noise", ""),
        ("guessing: noise of nothing", ""),
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
