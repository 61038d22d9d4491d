"""Known mistakes are recognized, each by its own hint, and nothing else is."""

import ast
import itertools
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from importlib import import_module
from random import Random

import pytest
import torch

from instructor.mistakes import catalogue
from instructor.mistakes.catalogue import MODULES, Mutant, MutantError, in_place, mutants
from instructor.mistakes.pairs import pairs
from instructor.release.markers import solution_lines
from instructor.release.proof import written_functions
from kit.assignment import PACKAGES, TASKS
from kit.check import diagnosis, probes
from kit.check.diagnosis import TOLERANCE, closer_look, diagnose, distance, fits, read_catalogue, signatures
from kit.check.probes import RAISED, probe
from kit.paths import KIT

pytestmark = pytest.mark.long

ALL = mutants()
# Functions that are built from others, whose mistakes must not be found in them again.
BUILT_FROM = {
    "guided_backprop": ("grad_cam", "guided_grad_cam"),
    "grad_cam": ("guided_grad_cam",),
    "gram_matrix": ("style_loss",),
}


def name_of(mutant):
    return f"{mutant.task}-{mutant.name}"


def examined(task):
    return diagnose(task, signatures(probe(task)))


@cache
def right_results(task):
    return probe(task)


@pytest.fixture(scope="module")
def built():
    return catalogue.build(MODULES)


@pytest.fixture(scope="module")
def stored():
    return json.loads(diagnosis.CATALOGUE.read_text("utf-8"))


# ------------------------------------------------------------------------------------------------------- the catalogue


def test_one_tasks_part_is_made_anew_and_the_others_stay(tmp_path, monkeypatch, stored):
    renewed = tmp_path / "catalogue.json"
    renewed.write_text(json.dumps({**stored, "tv_loss": {}}), "utf-8")
    monkeypatch.setattr(catalogue, "CATALOGUE", renewed)
    catalogue.write(["tv_loss"])
    assert json.loads(renewed.read_text("utf-8")) == stored
    with pytest.raises(MutantError, match=r"for tvloss: write"):
        catalogue.write(["tvloss"])


def test_the_stored_catalogue_is_what_the_mutants_give_now(built, stored):
    """Whoever changes a mutant, a probe or a solution has to run `python -m instructor catalogue`."""
    assert built.keys() == stored.keys()
    for task, known in built.items():
        assert known["ordinary"] == stored[task]["ordinary"]
        assert fits(known["reference"], stored[task]["reference"]), f"the reference of {task} gives other results"
        for new, old in zip(known["entries"], stored[task]["entries"], strict=True):
            assert (new["name"], new["hint"]) == (old["name"], old["hint"])
            assert fits(new["signatures"], old["signatures"]), f"{task}, {new['name']} gives other results"


@pytest.mark.parametrize("task", MODULES)
def test_no_two_mistakes_look_alike(task, built):
    """Each is at least ten times as far from every other, and from the reference, as two equal ones may be apart."""
    known = built[task]
    ordinary, right = known["ordinary"], {"name": "the reference", "signatures": known["reference"]}
    for one, other in itertools.combinations([right, *known["entries"]], 2):
        changed = [not fits(x["signatures"][:ordinary], known["reference"][:ordinary]) for x in (one, other)]
        compared = ordinary if all(changed) else None
        marks = zip(one["signatures"][:compared], other["signatures"][:compared], strict=True)
        apart = max(distance(a, b) for a, b in marks)
        assert apart > 10 * TOLERANCE, f"{one['name']} and {other['name']} differ by {apart:.1e} only"


def test_a_mistake_that_only_raises_is_none_of_them(built):
    """Whatever raises everywhere would look like it; the error says what is wrong."""
    for task, known in built.items():
        for entry in known["entries"]:
            shapes = [signature["shape"] for signature in entry["signatures"][: known["ordinary"]]]
            assert any(shape != list(RAISED.shape) for shape in shapes), f"{task}, {entry['name']}"


def test_no_solution_stands_in_the_catalogue():
    text = diagnosis.CATALOGUE.read_text("utf-8")
    for module in set(MODULES.values()):
        for line in solution_lines((KIT / module).read_text("utf-8"), module):
            assert len(line) < 12 or line not in text, f"{module}: {line}"


@pytest.mark.parametrize("task", MODULES)
def test_hints_are_a_sentence_or_two_and_all_different(task):
    hints = [mutant.hint for mutant in ALL if mutant.task == task]
    assert len(set(hints)) == len(hints) >= 10
    for hint in hints:
        assert 20 < len(hint) < 240, hint
        assert hint.endswith(".")
        assert "\n" not in hint


# --------------------------------------------------------------------------------------------------------- the mutants


def test_every_mutant_changes_exactly_one_place_of_a_solution():
    for mutant in ALL:
        original = (KIT / mutant.module).read_text("utf-8")
        assert mutant.source() != original, name_of(mutant)
        compile(mutant.source(), mutant.module, "exec")


@pytest.mark.parametrize(
    ("find", "message"),
    [
        ("no such text", "occurs 0 times in style_transfer/tv_loss.py, not once"),
        ("img[:, :, ", "occurs 4 times"),
        ('check_features(img, "img")', "is not part of a solution"),
    ],
)
def test_a_mutant_that_fits_no_single_place_is_refused(find, message):
    with pytest.raises(MutantError, match=f"(?s)instructor/mistakes/tv_loss.toml, odd: .*{message}"):
        Mutant("tv_loss", "odd", "style_transfer/tv_loss.py", "A hint.", find, "").source()


def test_an_entry_that_lacks_something_is_refused(tmp_path, monkeypatch):
    (tmp_path / "saliency.toml").write_text('[[mutant]]\nname = "odd"\nhint = "A hint."\n', "utf-8")
    monkeypatch.setattr(catalogue, "MISTAKES", tmp_path)
    with pytest.raises(MutantError, match=r"saliency\.toml.*\['hint', 'name'\].*find, replace"):
        mutants()


def test_the_modules_are_as_before_once_a_mutant_has_gone():
    name = "visualizers.grad_cam"
    before = import_module(name)
    with in_place(next(mutant for mutant in ALL if mutant.task == "grad_cam")):
        assert import_module(name) is not before
    assert import_module(name) is before
    assert not any(isinstance(finder, catalogue.Substitute) for finder in sys.meta_path)


# ---------------------------------------------------------------------------------------------------------- the hints


@pytest.mark.parametrize("mutant", ALL, ids=name_of)
def test_each_mistake_gets_exactly_its_own_hint(mutant, built):
    (entry,) = [entry for entry in built[mutant.task]["entries"] if entry["name"] == mutant.name]
    assert diagnose(mutant.task, entry["signatures"]) == [mutant.hint]


@pytest.mark.parametrize("task", MODULES)
def test_the_reference_gets_no_hint(task):
    assert examined(task) == []


@pytest.mark.parametrize("mutant", [mutant for mutant in ALL if mutant.task in BUILT_FROM], ids=name_of)
def test_a_mistake_made_once_is_found_once(mutant):
    """Not again in the functions that are built from the wrong one."""
    with in_place(mutant):
        assert [examined(task) for task in BUILT_FROM[mutant.task]] == [[]] * len(BUILT_FROM[mutant.task])


def test_another_right_solution_gets_no_hint():
    other = "X.grad, = torch.autograd.grad(scores, X, torch.ones_like(scores))\n        gradient = X.grad"
    same = Mutant("saliency", "", MODULES["saliency"], "", "(gradient,) = torch.autograd.grad(scores.sum(), X)", other)
    with in_place(same):
        assert examined("saliency") == []


@cache
def chosen_pairs(task):
    """Of the task's pairs that leave something a few, the same ones each time."""
    known, text = [mutant for mutant in ALL if mutant.task == task], (KIT / MODULES[task]).read_text("utf-8")
    kept = sorted(both[:2] for both in read_catalogue(diagnosis.CATALOGUE)[task]["pairs"])
    chosen = [(known[first], known[second]) for first, second in Random(task).sample(kept, 4)]
    return [(*both, *made[2:]) for both in chosen for made in pairs(text, [mutant.source() for mutant in both])]


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("task", MODULES)
def test_two_mistakes_are_both_found(task, number):
    """Unless together they are no different from one."""
    first, second, text = chosen_pairs(task)[number]
    left = catalogue.left_by(task, text)
    found = diagnose(task, left)
    entries = read_catalogue(diagnosis.CATALOGUE)[task]["entries"]
    alone = [entry["hint"] for entry in entries if fits(left, entry["signatures"])]
    if alone:
        assert found == alone[:1]
    else:
        assert all(mutant.hint in " ".join(found) for mutant in (first, second)), (first.name, second.name, found)


def test_most_pairs_are_told_apart(stored):
    """Of all pairs that leave something, by far the most leave what no other does."""
    for task, known in stored.items():
        folded = Counter(tuple(both[3]) for both in known["pairs"])
        alone = sum(count for count in folded.values() if count == 1)
        assert alone >= 0.6 * len(known["pairs"]), task


def test_mistakes_in_ordinary_and_in_special_circumstances_are_both_named():
    """A signed gradient is recognized, and so is .backward(), which leaves gradients on the parameters."""
    signed, polluting = (
        next(mutant for mutant in ALL if name_of(mutant) == name)
        for name in ("saliency-signed", "saliency-parameters_get_gradients")
    )
    find = "(gradient,) = torch.autograd.grad(scores.sum(), X)\n        saliency = gradient.abs().amax(dim=1)"
    both = replace(signed, find=find, replace=f"{polluting.replace}\n        saliency = {signed.replace}")
    with in_place(both):
        assert set(examined("saliency")) == {signed.hint, polluting.hint}


def test_rounding_makes_no_difference():
    """Other machines round differently; a difference of a per cent is more than that."""
    mutant = next(mutant for mutant in ALL if name_of(mutant) == "grad_cam-no_relu")
    with in_place(mutant):
        results = probe("grad_cam")
    for error, hints in ((1e-5, [mutant.hint]), (1e-2, [])):
        random = torch.Generator().manual_seed(0)
        noisy = [result + error * result.abs() * torch.randn(result.shape, generator=random) for result in results]
        assert diagnose("grad_cam", signatures(noisy)) == hints


UNKNOWN = {
    "zeros": torch.zeros_like,
    "ones": torch.ones_like,
    "noise": lambda x: torch.randn(x.shape, generator=torch.Generator().manual_seed(0)),
    "shuffled": lambda x: x.flatten().roll(7).view(x.shape) + 0.1,
    "1.7 times": lambda x: 1.7 * x,
    "NaN": lambda x: torch.full_like(x, float("nan")),
    "infinite": lambda x: torch.full_like(x, float("-inf")),
    "huge": lambda x: torch.full(x.shape, 1e308, dtype=torch.float64),
    "a dimension more": lambda x: x.unsqueeze(0),
    "flat": lambda x: torch.cat([x.flatten(), torch.zeros(1)]),
    "complex": lambda x: x.to(torch.complex64),
    "sparse": lambda x: x.to_sparse(),
    "without memory": lambda x: x.to("meta"),
    "raised": lambda x: RAISED,
    "no tensor": lambda x: x.tolist(),
    "far too large": lambda x: torch.zeros(1).expand(10**13),
}


@pytest.mark.parametrize("wrong", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("task", MODULES)
def test_unknown_mistakes_and_broken_results_get_no_hint(task, wrong):
    assert diagnose(task, signatures([wrong(result) for result in right_results(task)])) == []


@pytest.mark.parametrize("change", [lambda r: r[:-1], lambda r: [*r, r[0]], lambda r: [], lambda r: r * 10**5])
def test_results_that_are_too_few_or_too_many_get_no_hint(change):
    assert diagnose("tv_loss", signatures(change(probe("tv_loss")))) == []


# --------------------------------------------------------------------------------------------------------- the probes


def raises(*_):
    raise ValueError("no")


FAILING = {"raises": raises, "exits": lambda *_: sys.exit(3), "a word": lambda *_: "a word", "None": lambda *_: None}


@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("task", MODULES)
def test_code_that_fails_is_asked_to_the_end(task, failing, monkeypatch):
    """Every question gets an answer, and no hint comes of it."""
    for function, module in written_functions():
        if module == MODULES[task]:
            monkeypatch.setattr(import_module(TASKS[task].dotted), function, failing)
    results = probe(task)
    assert len(results) == len(right_results(task))
    assert diagnose(task, signatures(results)) == []


def test_probes_leave_the_random_state_alone():
    before = torch.get_rng_state()
    for task in MODULES:
        probe(task)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("module", ["probes", "diagnosis"])
def test_a_kit_without_tests_and_grading_can_use_them(module):
    """And where a student's module cannot be imported, they can."""
    tree = ast.parse((KIT / "kit" / "check" / f"{module}.py").read_text("utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name for node in nodes for name in [getattr(node, "module", None), *(alias.name for alias in node.names)]}
    packages = {name.split(".")[0] for name in names if name}
    assert packages.isdisjoint({"tests", "instructor", *PACKAGES})


# ------------------------------------------------------------------------------------------------------------ check()

NOTEBOOK = """
import sys
from kit.check import diagnosis
from kit import check
from instructor.mistakes.catalogue import in_place, mutants
known = {(mutant.task, mutant.name): mutant for mutant in mutants()}

def part(title):
    print("PART", title)

part("right")
check("tv_loss")
part("known")
with in_place(known["tv_loss", "absolute"]):
    check("tv_loss")
part("of two tasks")
with in_place(known["gram_matrix", "by_positions"]):
    check("style_loss")
import style_transfer
module = sys.modules["style_transfer.tv_loss"]
def use(function):
    module.tv_loss = style_transfer.tv_loss = function
part("unknown")
use(lambda img, tv_weight: tv_weight * img.sum())
check("tv_loss")
part("noisy")
use(lambda img, tv_weight: print("here") or (img[..., 1:] - img[..., :-1]).abs().sum() * tv_weight)
check("tv_loss")
def unwritten(img, tv_weight):
    raise NotImplementedError
part("unwritten")
use(unwritten)
check("tv_loss")
part("without catalogue")
with in_place(known["tv_loss", "absolute"]):
    diagnosis.CATALOGUE = diagnosis.CATALOGUE.with_name("nowhere.json")
    check("tv_loss")
"""


@pytest.fixture(scope="module")
def answers():
    """What check() prints in one kernel, time and again, while the code changes."""
    run = subprocess.run([sys.executable, "-c", NOTEBOOK], cwd=KIT, capture_output=True, encoding="utf-8", check=True)
    parts = [part.partition("\n") for part in run.stdout.split("PART ")[1:]]
    return {title: text for title, _, text in parts}


def hint_of(task, name):
    return next(mutant.hint for mutant in ALL if (mutant.task, mutant.name) == (task, name))


def test_check_begins_with_the_hint(answers):
    assert answers["known"].startswith(f"A closer look: {hint_of('tv_loss', 'absolute')}\n✗ ")


def test_check_looks_at_both_functions_of_a_module(answers):
    """The Gram matrix is wrong, the style loss built from it is not: one hint."""
    said = " ".join(answers["of two tasks"].split())
    assert said.startswith(f"A closer look: {hint_of('gram_matrix', 'by_positions')} ✗ ")
    assert answers["of two tasks"].count("A closer look") == 1


@pytest.mark.parametrize("case", ["right", "unknown", "noisy", "unwritten", "without catalogue"])
def test_check_gives_no_hint_without_a_known_mistake(case, answers):
    assert "A closer look" not in answers[case]
    assert "checks hold." in answers[case]


def test_what_students_print_during_a_closer_look_is_not_shown(answers):
    """It was shown once, with the check that it was printed in."""
    assert answers["noisy"].count("here\n") == 1


def test_a_closer_look_never_raises(monkeypatch):
    monkeypatch.setattr(probes, "probe", lambda task: 1 / 0)
    assert closer_look("grad_cam") == []
    assert closer_look("nothing that is known") == []
