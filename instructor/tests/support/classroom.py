"""A class in a folder, as a batch and the graders of the report leave it, without grading anything."""

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path

from instructor.grading.batch.attempt import RECORD, RESULTS
from instructor.grading.marks import CriterionMark, Marks, Outcome, TaskMark
from instructor.grading.reports.write import gradescope
from instructor.grading.rubric import read_rubric
from instructor.marking.records import Answer, Mark, open_records
from instructor.marking.scheme import load_scheme
from instructor.tests.support.marking import put

RUBRIC, SCHEME = read_rubric(), load_scheme()


def grade(
    out: Path, name: str, lost: Collection[str] = (), problem: str = "", barred: Mapping[str, str] | None = None
) -> None:
    """OUT/name/ as a batch leaves it: all points but those of the criteria `task.criterion`, and of `barred` tasks."""
    tasks = tuple(task_mark(task, lost, (barred or {}).get(task.name, "")) for task in RUBRIC.tasks)
    marks = Marks(name, "" if problem else "0" * 64, tasks, (), "")
    results = gradescope(marks)
    results["extra_data"]["problems"] = [problem] if problem else []
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RESULTS).write_text(json.dumps(results), "utf-8")
    (folder / RECORD).write_text(json.dumps({"failure": "", "files": {}}), "utf-8")


def task_mark(task, lost: Collection[str], barred: str = "") -> TaskMark:
    reasons = {each.name: barred or "its test failed" * (f"{task.name}.{each.name}" in lost) for each in task.criteria}
    outcomes = (Outcome("test_a.py::test_value", False, barred, barred=True),) if barred else ()
    criteria = tuple(
        CriterionMark(each.name, each.points, 0 if reasons[each.name] else each.points, outcomes, reasons[each.name])
        for each in task.criteria
    )
    hint = "This equals the gradient with its sign." if any(reasons.values()) and not barred else None
    return TaskMark(task.name, task.title, task.module, criteria, hint)


def mark_report(
    out: Path,
    name: str,
    *,
    lost: Mapping[str, Collection[str]] | None = None,
    wrong: Mapping[str, Collection[str]] | None = None,
    comments: Mapping[str, str] | None = None,
    answers: Mapping[str, str] | None = None,
    leave: Collection[str] = (),
) -> None:
    """All points for the report but what is `lost` and `wrong`, by question; those in `leave` are not marked."""
    lost, wrong, comments, answers = lost or {}, wrong or {}, comments or {}, answers or {}
    records = open_records(out)
    try:
        for question in SCHEME.questions:
            text = answers.get(question.name, "An answer.")
            put(records, Answer(name, question.name, text, "", (), digest(text)))
            if question.name in leave:
                continue
            won = [each.name for each in question.criteria if each.name not in lost.get(question.name, ())]
            points = question.earned(won, wrong.get(question.name, ()))
            before = records.mark(name, question.name)
            mark = Mark(
                points=points,
                criteria=won,
                misconceptions=list(wrong.get(question.name, ())),
                comment=comments.get(question.name, ""),
                grader="Grace",
                version=before.version,
                done=True,
                answer=digest(text),
            )
            records.save(name, question.name, mark)
    finally:
        records.close()


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
