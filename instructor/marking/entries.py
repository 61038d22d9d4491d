"""What a page sends about an answer, read as a mark. Nothing in it is believed."""

import re
from collections.abc import Iterable
from dataclasses import replace

from instructor.marking.records import LONGEST_COMMENT, LONGEST_REASON, Mark
from instructor.marking.scheme import Question

ADJUSTMENT = re.compile(
    r"(?P<sign>[+−–-]?)\s*(?P<points>\d{1,3}(?:[.,]\d{1,2})?)\s*[:,;]?\s+(?P<reason>\S.*)", re.DOTALL
)


class EntryError(ValueError):
    """What was sent is not an entry for this question."""


def mark_from(question: Question, entry: object, grader: str) -> Mark:
    """A mark out of the JSON of a page. Its points are counted here."""
    if not isinstance(entry, dict):
        raise EntryError("an entry is an object")
    criteria = chosen(entry.get("criteria"), [each.name for each in question.criteria])
    misconceptions = chosen(entry.get("misconceptions"), [each.name for each in question.misconceptions])
    comment, version, answer = entry.get("comment"), entry.get("version"), entry.get("answer")
    if not isinstance(comment, str) or len(comment) > LONGEST_COMMENT:
        raise EntryError(f"a comment has at most {LONGEST_COMMENT} characters")
    if type(version) is not int or not isinstance(answer, str) or len(answer) > 64:
        raise EntryError("an entry says which version of which answer it follows")
    adjustment, reason = adjustment_from(entry.get("adjustment", ""), question)
    points = question.earned(criteria, misconceptions, adjustment)
    mark = Mark(points, criteria, misconceptions, comment.strip(), grader, adjustment=adjustment, reason=reason)
    flags = {"flagged": entry.get("flagged") is True, "done": entry.get("done") is True}
    return replace(mark, version=version, answer=answer, **flags)


def adjustment_from(words: object, question: Question) -> tuple[float, str]:
    """Points and reason out of "-0.5 for a wrong sign". Raises EntryError where either is missing."""
    if not isinstance(words, str) or len(words) > LONGEST_REASON + 1:  # the page adds the sign of 0.5
        raise EntryError(f"an adjustment has at most {LONGEST_REASON} characters")
    if not words.strip():
        return 0.0, ""
    found = ADJUSTMENT.fullmatch(words.strip())
    if found is None:
        raise EntryError("write the adjustment as points and a reason, such as: -0.5 the sign is wrong")
    points = float(found["points"].replace(",", "."))
    if points > question.points:
        raise EntryError(f"the question has {question.points:g} points: adjust by no more")
    return (-points if found["sign"] in ("-", "−", "–") and points else points), found["reason"].strip()


def adjustment_words(mark: Mark) -> str:
    """What a grader has written as an adjustment."""
    sign = "+" if mark.adjustment > 0 else ""
    return f"{sign}{mark.adjustment:g} {mark.reason}" if mark.reason else ""


def chosen(names: object, known: Iterable[str]) -> list[str]:
    """Those of the known names, in their order. Raises EntryError for any other."""
    known = list(known)
    if not isinstance(names, list) or not all(name in known for name in names):
        raise EntryError(f"choose from {', '.join(known)}")
    return [name for name in known if name in names]
