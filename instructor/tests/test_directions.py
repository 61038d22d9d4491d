"""Imports run one way, without circles: instructor -> kit, sanity_checks -> visualizers, style_transfer -> data."""

import ast
from pathlib import Path, PurePosixPath

import pytest

from instructor.release.known_files import known_files
from kit.paths import KIT

NAMES = {
    name.removesuffix("/__init__.py").removesuffix(".py").replace("/", "."): name
    for name in known_files()
    if name.endswith(".py")
}
GROUND = "the ground floor"
ROOMS = ("kit.check", "kit.report", "kit.hand_in")
# For each room, the rooms below it, from which its modules may import.
BELOW = {
    GROUND: set(),
    "data": {GROUND},
    "visualizers": {GROUND, "data"},
    "style_transfer": {GROUND, "data"},
    "sanity_checks": {GROUND, "data", "visualizers"},
    "kit.check": {GROUND},
    "kit.report": {GROUND},
    "kit.hand_in": {GROUND, "kit.check", "kit.report"},
    "kit": {GROUND, "kit.check", "kit.report", "kit.hand_in"},
    "tests.support": {GROUND, "data", "visualizers", "style_transfer", "sanity_checks", "kit.check"},
}
BELOW["notebooks"] = {*BELOW} - {"tests.support"}
BELOW["tests"] = BELOW["conftest"] = {*BELOW} - {"notebooks"}
BELOW["instructor"] = {*BELOW}
DOORS = {"kit", "kit.__main__"}  # which hand on names of the rooms above the ground floor


def room_of(module: str) -> str:
    top = module.partition(".")[0]
    if top == "kit":
        inner = ".".join(module.split(".")[:2])
        return inner if inner in ROOMS else "kit" if module in DOORS else GROUND
    return "tests.support" if module.startswith("tests.support") else top


def imports_of(module: str) -> set[str]:
    """Our own modules that this one imports, inside functions too, and in code that its tests run elsewhere."""
    tree = ast.parse((KIT / NAMES[module]).read_text("utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    trees = [tree, *(parsed for text in texts if "import " in text and (parsed := parse(text)))]
    return {found for each in trees for node in ast.walk(each) for found in imported(node)} - {module}


def parse(text: str) -> ast.AST | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names} & NAMES.keys()
    if isinstance(node, ast.ImportFrom) and node.module:
        inner = {f"{node.module}.{alias.name}" for alias in node.names} & NAMES.keys()
        return inner if len(inner) == len(node.names) else inner | ({node.module} & NAMES.keys())
    return set()


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    return {module: imports_of(module) for module in NAMES}


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_from_the_rooms_below_it(room, imports):
    upwards = {
        f"{NAMES[module]} imports {other}"
        for module, others in imports.items()
        for other in others
        if room_of(module) == room != room_of(other) and room_of(other) not in BELOW[room] and other != "kit"
    }
    assert not upwards


def test_every_module_belongs_to_a_room():
    assert {room_of(module) for module in NAMES} == BELOW.keys()


def test_nothing_outside_the_wing_imports_it(imports):
    outside = {module: others for module, others in imports.items() if not module.startswith("instructor")}
    assert not {module for module, others in outside.items() if any(other.startswith("instructor") for other in others)}


def test_tests_import_nothing_of_tests_but_their_support(imports):
    """One test file that imports another would run its tests twice."""
    wrong = {
        f"{module} imports {other}"
        for module, others in imports.items()
        for other in others
        if PurePosixPath(NAMES[other]).name.startswith("test_") or other.endswith("conftest")
    }
    assert not wrong


def test_no_module_imports_itself_by_way_of_others(imports):
    """Tests included. Imports inside functions count as well: they are circles that have not been noticed yet."""
    waiting, done = dict(imports), set()
    while ready := {module for module, others in waiting.items() if others <= done}:
        done |= ready
        waiting = {module: others for module, others in waiting.items() if module not in ready}
    assert not waiting, f"in a circle, or above one: {sorted(waiting)}"


def test_the_watch_sees_upward_imports_and_circles():
    node = ast.parse("def f():\n    from kit.check import run\n    import instructor.grading.judge").body[0]
    found = {name for each in ast.walk(node) for name in imported(each)}
    assert found == {"kit.check.run", "instructor.grading.judge"}
    assert room_of("kit.check.run") not in BELOW["visualizers"]


def test_packages_hand_names_on_and_hold_no_logic():
    """An __init__.py has a docstring, imports and __all__."""
    allowed = (ast.Import, ast.ImportFrom)
    for name in NAMES.values():
        if Path(name).name != "__init__.py":
            continue
        for node in ast.parse((KIT / name).read_text("utf-8")).body:
            is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            assert is_docstring or is_all or isinstance(node, allowed), f"{name}: {ast.unparse(node)[:80]}"
