"""The answers in a report, question by question: what a student wrote, and which figures the answer refers to.

The report is cut by its lines, in linear time, whatever stands in it. What Markdown makes of an answer is asked later.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from instructor.grading.shown import shown
from instructor.marking.records import Answer
from instructor.release.markers import MARKER, PROMPT, strip_report
from kit.assignment import QUESTIONS, REPORT
from kit.paths import KIT
from kit.report.figures import Picture, copy_name

LONGEST = 20_000  # characters of an answer; a good one has a thousand
MOST_FIGURES = 30  # of an answer
HEADING = re.compile(r"##? +(?P<title>[^{]*)(?:\{(?P<attributes>[^}]*)\})?\s*$")
OPENING = re.compile(r"(?P<fence>:{3,}) *(?P<words>[^\s:].*)$")
CLOSING = re.compile(r":{3,}$")
CODE = re.compile(r"(```+|~~~+)")
IMAGE = re.compile(r"\]\( *<?([^\s<>)]{1,400})")


@dataclass
class Part:
    """What stands in one fence, below the heading of its slide, or beside all fences."""

    heading: str
    lines: list[str] = field(default_factory=list)


@dataclass
class Section:
    """A question's slides: the parts that were written, and the lines that hold a picture."""

    parts: list[Part] = field(default_factory=list)
    beside: Part = field(default_factory=lambda: Part(""))
    pictures: list[str] = field(default_factory=list)


def read_answers(
    submission: str, report: str | None, figures: Mapping[str, str], missing: str = f"there is no {REPORT}"
) -> list[Answer]:
    """One for each question of the assignment, in their order.

    `figures` are digests by places in the submission. `missing` is said where there is no report.
    """
    sections = cut(report or "")
    missing = missing if report is None else ""
    places = {plain_name(PurePosixPath(place).stem): place for place in figures}
    return [answer_to(submission, name, sections.get(name), figures, places, missing) for name in QUESTIONS]


def cut(report: str) -> dict[str, Section]:
    """The sections by their questions; a question that stands there twice has all of what is below it."""
    sections: dict[str, Section] = {}
    section, part, heading, code, depth = Section(), None, "", "", 0
    for line in report.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        words = line.strip() if len(line) < LONGEST else line
        if question := question_of(words):
            section, part, heading, code = sections.setdefault(question, Section()), None, "", ""
            continue
        if words in template() and (title := HEADING.match(words)):
            part, heading, code = None, title["title"].strip(), ""
            continue
        if not code and "![" in line:
            section.pictures.append(line)
        if part is None and not code and (fence := OPENING.match(words)) and is_answer(fence["words"]):
            part, depth = Part(heading), 1
            section.parts.append(part)
            continue
        if part is None:
            if words not in template():
                section.beside.lines.append(line)
            continue
        if not code and OPENING.match(words):
            depth += 1
        elif not code and CLOSING.match(words):
            depth -= 1
            if depth == 0:
                part = None
                continue
        if fence := CODE.match(words):
            code = "" if code and words.startswith(code) else code or fence[1]
        if not MARKER.match(line):
            part.lines.append(line)
    return sections


def question_of(line: str) -> str | None:
    """The question whose heading this is: known by its name, or where that was lost, by its title."""
    heading = HEADING.match(line) if line.startswith("#") else None
    if heading is None:
        return None
    attributes = (heading["attributes"] or "").split()
    named = [word[1:] for word in attributes if word.startswith("#") and word[1:] in QUESTIONS]
    if named:
        return named[0]
    title = heading["title"].partition("·")[2].strip()
    return next((name for name, about in QUESTIONS.items() if title and about["title"] == title), None)


def is_answer(words: str) -> bool:
    return words.strip(": ") == "answer" or (words.startswith("{") and ".answer" in words.strip("{}: ").split())


@cache
def template() -> frozenset[str]:
    """The lines of the report that students are given: whatever else stands in a report, somebody wrote."""
    given = strip_report((KIT / REPORT).read_text("utf-8"), REPORT)
    return frozenset(line.strip() for line in given.split("\n")) - {PROMPT}


def answer_to(
    submission: str,
    question: str,
    section: Section | None,
    figures: Mapping[str, str],
    places: Mapping[str, str],
    unread: str,
) -> Answer:
    """`places` are those of the figures, by their plain names."""
    found = section or Section()
    whole = text_of(found)
    names = dict.fromkeys([*QUESTIONS[question]["figures"], *named_in(found.pictures)])
    shown_at = [places[name] for name in names if name in places][:MOST_FIGURES]
    missing = [name for name in names if name not in places]
    notes = list(notes_about(whole, section, missing, unread))
    total = hashlib.sha256("\0".join([whole, *(figures[place] for place in shown_at)]).encode("utf-8", "replace"))
    return Answer(submission, question, whole[:LONGEST], "; ".join(notes), tuple(shown_at), total.hexdigest())


def notes_about(text: str, section: Section | None, missing: list[str], unread: str) -> Iterator[str]:
    if unread:
        yield unread
    elif section is None:
        yield "the question's slide is gone from the report"
    if len(text) > LONGEST:
        yield f"cut: the answer has {len(text):,} characters, and the first {LONGEST:,} are shown"
    if missing:
        yield f"not in the submission: {', '.join(shown(name, 60) for name in missing[:MOST_FIGURES])}"


def text_of(section: Section) -> str:
    """The parts below their headings, where there are several, and what was written beside them."""
    texts = {id(part): without_comments("\n".join(part.lines)).replace(PROMPT, "").strip() for part in section.parts}
    written = [part for part in section.parts if texts[id(part)]]
    several = len(section.parts) > 1
    joined = [f"### {part.heading}\n\n{texts[id(part)]}" if several else texts[id(part)] for part in written]
    beside = without_comments("\n".join(section.beside.lines)).strip()
    return "\n\n".join([*joined, *([beside] if beside else [])])


def without_comments(text: str) -> str:
    first, *others = text.split("<!--")
    kept = [first]
    for part in others:
        _, closed, after = part.partition("-->")
        kept.append(after if closed else f"<!--{part}")
    return "".join(kept)


def named_in(lines: list[str]) -> list[str]:
    """The names of the pictures, as their copies in a submission are called."""
    addresses = [address for line in lines[:MOST_FIGURES] for address in IMAGE.findall(line[:LONGEST])]
    return [plain_name(PurePosixPath(unquote(address)).stem) for address in addresses[:MOST_FIGURES]]


def plain_name(stem: str) -> str:
    """The name of a figure, without the number that its copy bears."""
    name = re.sub(r"^\d\d+-", "", stem)
    return copy_name(0, Picture(name, Path())).partition("-")[2]
