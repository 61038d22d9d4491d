"""Marks that were given already, counted anew after a change in the mark scheme."""

from dataclasses import dataclass, replace
from math import isclose

from instructor.marking.database import transaction
from instructor.marking.records import THE_SCHEME, Mark, Records
from instructor.marking.scheme import Question, Scheme


@dataclass(frozen=True)
class Recounted:
    """A mark whose points have changed."""

    submission: str
    question: str
    old: float
    new: float

    def in_words(self, label: str = "") -> str:
        """`label` is what the student is called."""
        return f"{label or self.submission}, {self.question}: {self.new:g} points, no longer {self.old:g}"


def recount(records: Records, scheme: Scheme) -> list[Recounted]:
    """Count every mark by the scheme as it is now; those that changed. What people have ticked stays as it is."""
    questions = {question.name: question for question in scheme.questions}
    with transaction(records.connection):
        rows = records.connection.execute("SELECT question, submission FROM marks ORDER BY question, submission")
        found = [
            recounted(records, row["submission"], questions[row["question"]])
            for row in rows.fetchall()
            if row["question"] in questions
        ]
    return [each for each in found if each]


def recounted(records: Records, submission: str, question: Question) -> Recounted | None:
    """Within a transaction; None where the points stay."""
    mark = records.mark(submission, question.name)
    points = points_of(mark, question)
    if isclose(points, mark.points, abs_tol=1e-9):
        return None
    records.write(submission, question.name, replace(mark, points=points), undoes=None, by=THE_SCHEME)
    return Recounted(submission, question.name, mark.points, points)


def points_of(mark: Mark, question: Question) -> float:
    return question.earned(mark.criteria, mark.misconceptions, mark.adjustment)
