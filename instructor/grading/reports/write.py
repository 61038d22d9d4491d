"""The reports: results.json for Gradescope, Markdown and HTML for a student."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from instructor.grading.marks import CriterionMark, Marks, TaskMark
from instructor.grading.reports import wording
from instructor.grading.reports.page import html
from instructor.grading.shown import shown
from kit.atomic import write_atomically

__all__ = ["gradescope", "html", "markdown", "write_reports"]

BAR = 10  # characters
# What Markdown may take for markup within a line, and what it makes links of.
MARKUP = re.compile(r"([\\`*_\[\]<>&|~@$]|(?<=:)/(?=/)|(?<=www)\.)", re.IGNORECASE)


def write_reports(marks: Marks, figures: Mapping[str, bytes], out: Path) -> None:
    """Write OUT/results.json, report.md and report.html. Figures are PNG files by their names."""
    results = json.dumps(gradescope(marks), indent=1, ensure_ascii=False) + "\n"
    for name, text in {
        "report.md": markdown(marks),
        "report.html": html(marks, figures),
        "results.json": results,  # last: where it is, the others are
    }.items():
        write_atomically(out / name, text.encode())


def gradescope(marks: Marks) -> dict:
    """What Gradescope reads, one entry per criterion, and in `extra_data` what the class's table needs.

    See https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    tests = []
    for number, task in enumerate(marks.tasks, start=1):
        with_hint = first_lost(task)
        tests += [
            entry(f"{number}.{position}", task, mark, task.hint if mark is with_hint else None)
            for position, mark in enumerate(task.criteria, start=1)
        ]
    if marks.printed.strip():
        about = {"name": "What your code printed", "number": f"{len(marks.tasks) + 1}", "status": "passed"}
        tests.append({**about, "output": wording.printed(marks), "output_format": "text", "visibility": "visible"})
    problems = wording.lines(marks.problems)
    return {
        "score": marks.earned,
        "output": "\n".join([wording.sum_line(marks), *problems]),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {
            "submission": shown(marks.submission),
            "sha256": marks.sha256,
            "points": marks.points,
            "tasks": {task.name: task.earned for task in marks.tasks},
            "problems": problems,
        },
    }


def entry(number: str, task: TaskMark, mark: CriterionMark, hint: str | None) -> dict:
    """A criterion. Where all its tests are hidden, nothing is said that a student's code could have told."""
    return {
        "number": number,
        "name": f"{task.title}: {wording.label(mark)}",
        "score": mark.earned,
        "max_score": mark.points,
        "status": "failed" if mark.reason else "passed",
        "output": "" if mark.is_hidden and not mark.barrier else "\n".join(output_lines(mark, hint)),
        "output_format": "text",
        "visibility": "after_published" if mark.is_hidden else "visible",
        "extra_data": {"barred": bool(mark.barrier)},
    }


def first_lost(task: TaskMark) -> CriterionMark | None:
    """The criterion beside which the hint is given."""
    return next((mark for mark in task.criteria if mark.reason and not mark.is_hidden), None)


def output_lines(mark: CriterionMark, hint: str | None) -> list[str]:
    if not mark.reason:
        return [f"{wording.counted(len(mark.outcomes), 'test')} passed"]
    lines = [*filter(None, [wording.meaning(mark)]), wording.reason(mark)]
    lines += [f"A closer look: {shown(hint)}"] if hint else []
    for tests, message in wording.complaints(mark):
        lines += [*(f"✗ {test}" for test in tests), *(f"    {line}" for line in message.splitlines())]
    return lines


def markdown(marks: Marks) -> str:
    """The report to read in a terminal, a diff or a forge."""
    lines = [f"# {plain(marks.submission)}", "", f"**{wording.share(marks.earned, marks.points)} points**", ""]
    lines += [plain(wording.sum_line(marks)), ""]
    lines += [f"- {plain(problem)}" for problem in marks.problems] + [""] * bool(marks.problems)
    lines += ["| task | points | |", "| --- | ---: | --- |"]
    for task in marks.tasks:
        lines.append(f"| {plain(task.title)} | {wording.share(task.earned, task.points)} | `{bar(task)}` |")
    for task in marks.tasks:
        lines += ["", f"## {plain(task.title)}: {wording.share(task.earned, task.points)}", "", f"`{task.module}`", ""]
        lines += [f"> **A closer look.** {ours(task.hint)}", ""] if task.hint else []
        for words in wording.barriers(task):
            lines += [plain(words), ""]
        for mark in task.criteria:
            about = f" ({ours(wording.meaning(mark))})" if mark.reason and wording.meaning(mark) else ""
            own = wording.own_reason(task, mark)
            why = f"{about}: {plain(own)}" if own else ""
            sign, points = "✗" if mark.reason else "✓", wording.share(mark.earned, mark.points)
            lines.append(f"- {sign} **{plain(wording.label(mark))}**, {points}{why}")
    if marks.printed.strip():
        lines += ["", "## What your code printed", "", *fenced(wording.printed(marks))]
    return "\n".join([*lines, "", f"Graded files: SHA-256 {marks.sha256 or 'none, since nothing was read'}", ""])


def bar(task: TaskMark) -> str:
    full = int(BAR * task.earned / task.points)  # never full before every point is earned
    return "█" * full + "░" * (BAR - full)


def plain(text: str) -> str:
    """Text in a line of Markdown that stays what it is."""
    return MARKUP.sub(r"\\\1", shown(text))


def ours(text: str) -> str:
    """A text of the kit's own, in which code stands between backticks."""
    return "".join(f"`{part}`" if is_code else plain(part) for is_code, part in wording.code_apart(text))


def fenced(text: str) -> list[str]:
    fence = "`" * (1 + max(map(len, re.findall(r"`{2,}", text)), default=2))
    return [fence, text, fence]
