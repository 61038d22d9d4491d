"""Every known misconception, graded: it costs points in its own task and nowhere else, and gets its own hint."""

import re
from collections import defaultdict
from itertools import zip_longest
from pathlib import Path

import pytest

from instructor.grading.grade import grade
from instructor.grading.marks import Marks, TaskMark
from instructor.machines import WRONG, write_submission
from instructor.mistakes.catalogue import Mutant, mutants
from instructor.tests.support.forks import forks
from kit.assignment import TABLE
from kit.paths import KIT

# A step of the wrong length does not stop where it should, either; what is stretched to one makes NaN of zeros; what
# depends on the number of images shows in every value of two. These cost what they show.
SEVERAL = {
    "class_visualization": "largest_value mean_of_scores mean_of_squares norm_of_the_batch",
    "fooling": "accumulated all_classes gradient_of_the_start largest_value normalized_over_the_batch not_normalized "
    "predicted_class softmax two_steps_at_once until_all_succeed until_one_succeeds",
    "grad_cam": "absolute absolute_gradients averaged_over_the_batch mean_of_scores minimum_and_maximum no_relu "
    "scaled_gradients stretched_over_the_batch stretched_to_one",
    "gram_matrix": "memory_order",
    "guided_backprop": "every_layer mean_of_scores stretched_over_the_batch",
    "rank_correlation": "covariance not_centred ranked_over_the_batch short_formula ties_in_order",
    "saliency": "channel_kept mean_of_scores squeezed stretched_over_the_batch stretched_to_one",
    "style_loss": "counted_not_looked_up sorted_layers",
    "tv_loss": "mean root",
}


def groups() -> list[tuple[Mutant, ...]]:
    """All mutants, at most one of each task of a half together, and the kit's own solution, which is no mutant."""
    by_task = defaultdict(list)
    for mutant in mutants():
        by_task[mutant.task].append(mutant)
    rows = [row for half in WRONG for row in zip_longest(*(by_task.pop(task) for task in half))]
    assert not by_task, f"these tasks are in no half: {list(by_task)}"
    return [(), *(tuple(filter(None, row)) for row in rows)]


def marks_of(group: tuple[Mutant, ...], folder: Path) -> Marks:
    write_submission(group, folder / "kit")
    return grade(folder / "kit", folder / "out")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Mutant, ...], Marks]:
    """Two submissions at a time, each in a process of its own."""
    folders = [tmp_path_factory.mktemp("mutants") for _ in groups()]
    with forks(2) as pool:
        return dict(zip(groups(), pool.map(marks_of, groups(), folders), strict=True))


@pytest.mark.long
def test_the_kits_own_solution_gets_full_marks_and_no_hint(graded):
    """Nothing is wrong with the solution, so nothing is lost and nothing is hinted at."""
    marks = graded[()]
    lost = {f"{task.name}.{mark.name}": mark.reason for task in marks.tasks for mark in task.criteria if mark.reason}
    assert not lost
    assert marks.earned == marks.points
    assert not any(task.hint for task in marks.tasks)
    assert not marks.problems
    assert not marks.printed, "the solution prints nothing, so nobody is told that it does"


@pytest.mark.long
def test_no_complaint_shows_what_only_programmers_of_tests_understand(graded):
    """No assertion as Python writes it, no matrices of finite differences, no traceback, no endless line.

    check() has the same words for what fails, from the same tests.
    """
    raw = re.compile(r"(^|\n)assert |where .* = |Traceback|Jacobian|tensor\(\[")
    marks = [mark for each in graded.values() for task in each.tasks for mark in task.criteria]
    reasons = {outcome.message for mark in marks for outcome in mark.outcomes if outcome.message}
    assert len(reasons) > len(graded)
    assert not [words for words in reasons if raw.search(words)]
    assert not [words for words in reasons if max(map(len, words.splitlines())) > 320]


@pytest.mark.long
@pytest.mark.parametrize("group", groups()[1:], ids=lambda group: ",".join(f"{m.task}.{m.name}" for m in group))
def test_each_mutant_loses_points_in_its_task_alone_and_gets_its_hint(group, graded):
    """A mutated task loses points and is explained; the tasks beside it lose none."""
    wrong = {mutant.task: mutant.hint for mutant in group}
    for task in graded[group].tasks:
        reasons = {mark.name: mark.reason for mark in task.criteria if mark.reason}
        assert (task.earned < task.points) == (task.name in wrong), f"{task.name}: {task.earned} points, {reasons}"
        assert task.hint == wrong.get(task.name), f"{task.name}: another hint, {reasons}"


def properties(task: TaskMark) -> list[str]:
    """The criteria that were lost for a reason of their own; none but the gate where that was not passed."""
    gate = TABLE["tasks"][task.name].get("gate")
    lost = [mark.name for mark in task.criteria if mark.reason]
    return [gate] if gate in lost else lost


@pytest.mark.long
def test_one_mistake_costs_one_property(graded):
    """The matrix of mistakes by properties: each has one mark, but for what is known to concern two."""
    marked = {
        f"{mutant.task}.{mutant.name}": properties(task)
        for group in groups()[1:]
        for mutant in group
        for task in graded[group].tasks
        if task.name == mutant.task
    }
    (KIT / "build").mkdir(exist_ok=True)
    lines = [f"{name}: {', '.join(lost)}" for name, lost in marked.items()]
    (KIT / "build" / "mistakes-by-properties.txt").write_text("\n".join([*lines, ""]), "utf-8")
    known = {f"{task}.{name}" for task, names in SEVERAL.items() for name in names.split()}
    several = {name for name, lost in marked.items() if len(lost) > 1}
    assert several <= known, f"these cost more than one property: {sorted(several - known)}"
