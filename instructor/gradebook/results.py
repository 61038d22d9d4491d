"""What a batch and the graders of the report have left: the marks of each submission, for code and report."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from instructor.grading.batch.attempt import RECORD, RESULTS, read_results
from instructor.grading.batch.run import MARKING
from instructor.grading.rubric import Rubric
from instructor.marking.records import Answer, Mark, open_records
from instructor.marking.recount import Recounted, recount
from instructor.marking.scheme import Scheme


@dataclass(frozen=True)
class Part:
    """A criterion of a task, or of a question, as it is told to the student."""

    name: str
    points: float
    earned: float
    words: str = ""
    barred: bool = False  # the words say why there was no code to judge


@dataclass(frozen=True)
class Section:
    """A task or a question: `half` is Code or Report. `earned` is None where it is not graded, or not marked yet."""

    half: str
    name: str
    title: str
    points: float
    earned: float | None
    parts: tuple[Part, ...] = ()

    @property
    def label(self) -> str:
        """What no other section is called: titles of tasks and questions are sometimes the same."""
        return f"{self.half}: {self.title}"

    @property
    def said_once(self) -> tuple[str, ...]:
        """Why there was no code to judge, where several criteria have that as their reason."""
        reasons = Counter(part.words for part in self.parts if part.barred)
        return tuple(words for words, count in reasons.items() if count > 1)


@dataclass(frozen=True)
class CodeMarks:
    """`problem` says why there are none: then no task has marks, not even a zero."""

    tasks: tuple[Section, ...]
    problem: str = ""


@dataclass(frozen=True)
class ReportRecords:
    """What the marking database holds, by submission and question, and the marks that a changed scheme has changed."""

    marks: Mapping[str, Mapping[str, Mark]]
    answers: Mapping[str, Mapping[str, Answer]]
    recounted: tuple[Recounted, ...] = ()


def code_marks(out: Path, rubric: Rubric) -> dict[str, CodeMarks]:
    """Of every submission that a batch has finished in OUT; damaged results are a problem of that one."""
    folders = sorted(path.parent for path in out.glob(f"*/{RECORD}") if not path.parent.name.startswith("."))
    return {folder.name: code_marks_in(folder, rubric) for folder in folders}


def code_marks_in(folder: Path, rubric: Rubric) -> CodeMarks:
    try:
        results, record = read_results(folder), json.loads((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError) as error:
        return CodeMarks((), f"{RESULTS} cannot be read: {error}. Run the batch again")
    about = results.get("extra_data", {})
    problem = record.get("failure") or ("; ".join(about.get("problems", [])) if about.get("sha256") == "" else "")
    parts: dict[str, list[Part]] = {}
    for test in results.get("tests", []):
        if "max_score" in test:
            number = str(test.get("number", "")).partition(".")[0]
            name = str(test["name"]).rpartition(": ")[2]
            parts.setdefault(number, []).append(
                Part(name, test["max_score"], test["score"], test.get("output", ""), is_barred(test))
            )
    tasks = []
    for place, task in enumerate(rubric.tasks, start=1):
        found = () if problem else tuple(parts.get(str(place), ()))
        earned = None if problem else about.get("tasks", {}).get(task.name, sum(part.earned for part in found))
        tasks.append(Section("Code", task.name, task.title, task.points, earned, found))
    return CodeMarks(tuple(tasks), problem)


def is_barred(test: Mapping) -> bool:
    return bool(test.get("extra_data", {}).get("barred"))


def report_records(out: Path, scheme: Scheme) -> ReportRecords | None:
    """None where nobody has begun to mark: there is no database in OUT. Raises DatabaseError."""
    if not (out / MARKING).exists():
        return None
    records = open_records(out)
    try:
        changed = tuple(recount(records, scheme))
        return ReportRecords(records.marks(), records.answers(), changed)
    finally:
        records.close()
