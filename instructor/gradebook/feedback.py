"""What a student reads: code, report, and how the sum comes about; as a page of HTML that needs nothing else."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import jinja2
from markupsafe import Markup

from instructor.gradebook.exports import number, spoken
from instructor.gradebook.ledger import Change
from instructor.gradebook.policy import Policy
from instructor.gradebook.results import Part, Section
from instructor.gradebook.sums import Entry, earned
from instructor.grading.reports.page import STYLE as REPORT_STYLE
from instructor.grading.reports.wording import sentence
from instructor.grading.shown import shown, shown_lines
from instructor.marking.records import Answer, Mark
from instructor.marking.rendering import Renderer
from instructor.marking.telling import counted

PAGES = Path(__file__).parent / "pages"
STYLE = f"{REPORT_STYLE}\n{(PAGES / 'gradebook.css').read_text('utf-8')}"
HIDDEN = "The tests that decide about it are hidden."
LONGEST_OUTPUT = 1500  # characters of what the tests of a criterion say


@dataclass(frozen=True)
class Feedback:
    """Everything that a page says, as text; answers and comments are Markdown."""

    title: str
    name: str
    total: str  # "" as long as something is open
    points: str
    so_far: str  # then: the points of what is marked, such as "94 of 100"; "" if nothing is
    lines: list[dict]  # how the sum comes about
    before: dict | None
    notes: list[str]
    code: list[dict]
    report: list[dict]


def feedback(
    entry: Entry, policy: Policy, change: Change | None, marks: Mapping[str, Mark], answers: Mapping[str, Answer]
) -> Feedback:
    total = entry.total(policy)
    questions = [question(section, marks.get(section.name), answers.get(section.name)) for section in entry.questions]
    for section in questions if not policy.full_answers else ():
        section["parts"] = [part | {"words": "" if part["of"] else part["words"]} for part in section["parts"]]
    return Feedback(
        policy.title,
        shown(entry.student.name),
        number(total),
        number(entry.points),
        so_far([*entry.tasks, *entry.questions]) if entry.open else "",
        sum_lines(entry, policy),
        before(change),
        notes(entry),
        [task(section) for section in entry.tasks],
        questions,
    )


def sum_lines(entry: Entry, policy: Policy) -> list[dict]:
    halves = {"Code": entry.tasks, "Report": entry.questions}
    lines = [half_line(label, sections) for label, sections in halves.items() if sections]
    total = entry.total(policy)
    if entry.submission and (entry.late.days or policy.due):
        lost = None if total is None else round(total - entry.code - entry.report, 2)
        words = entry.late.in_words(policy)
        lines.append({"label": words[0].upper() + words[1:], "points": spoken(lost)})
    return lines


def half_line(label: str, sections: Sequence[Section]) -> dict:
    """What is not marked yet does not read as points lost."""
    waiting = any(section.earned is None for section in sections)
    points = so_far(sections)
    return {"label": label, "points": (f"{points} so far" if points else "none yet") if waiting else points}


def so_far(sections: Sequence[Section]) -> str:
    """Points of those that are marked, and how many they could be."""
    marked = [section for section in sections if section.earned is not None]
    return f"{number(earned(marked))} of {number(sum(section.points for section in marked))}" if marked else ""


def before(change: Change | None) -> dict | None:
    """What was told before: the sum and what moved in it."""
    if change is None:
        return None
    moved = [{"title": title, "old": spoken(old), "new": spoken(new)} for title, old, new in change.parts]
    return {"title": change.title, "old": spoken(change.old_total), "new": spoken(change.new_total), "parts": moved}


def notes(entry: Entry) -> list[str]:
    found = [what_is_open(entry)] if entry.open else []
    if entry.submission:
        at = f", handed in on {f'{entry.handed_in:%Y-%m-%d at %H:%M %z}'.strip()}" if entry.handed_in else ""
        found.append(f"Graded: {shown(entry.submission)}{at}.")
    found += [f"Also handed in, but not counted: {shown(', '.join(entry.others))}."] if entry.others else []
    found += [f"Handed in for the group {shown(entry.student.group)}."] if entry.student.group else []
    return found


def what_is_open(entry: Entry) -> str:
    """The questions that are not marked, by number, where nothing else is open."""
    waiting = [
        f"{place} · {section.title} ({counted(section.points)})"
        for place, section in enumerate(entry.questions, start=1)
        if section.earned is None
    ]
    if waiting and so_far(entry.tasks):
        return f"Not marked yet, so there is no sum: {'; '.join(waiting)}."
    return f"There is no sum yet: {shown(entry.open)}."


def task(section: Section) -> dict:
    """Its criteria only where points were lost; what is the reason of several is said above them."""
    once = section.said_once
    return {"title": section.title, "earned": number(section.earned), "points": number(section.points)} | {
        "once": [sentence(shown_lines(words, LONGEST_OUTPUT)) for words in once],
        "parts": [code_part(part, once) for part in section.parts if section.earned != section.points],
    }


def code_part(part: Part, once: Sequence[str]) -> dict:
    """Where nothing is said of a criterion, only hidden tests decide about it."""
    lost = part.earned < part.points
    words = shown_lines(part.words or HIDDEN, LONGEST_OUTPUT) if lost and part.words not in once else ""
    return {"name": shown(part.name), "earned": number(part.earned), "of": number(part.points), "lost": lost} | {
        "words": words
    }


def question(section: Section, mark: Mark | None, answer: Answer | None) -> dict:
    return {
        "title": section.title,
        "earned": number(section.earned),
        "points": number(section.points),
        "answer": answer.text if answer else "",
        "note": shown(answer.note) if answer else "",
        "comment": mark.comment if mark else "",
        "parts": [report_part(part) for part in section.parts],
    }


def report_part(part: Part) -> dict:
    """A criterion says of how many points; a misconception and an adjustment say what they cost."""
    lost = part.earned < part.points
    return {
        "name": part.name,
        "earned": number(part.earned) if part.points else spoken(part.earned),
        "of": number(part.points) if part.points else "",
        "lost": lost,
        "words": part.words if lost or not part.points else "",
    }


def environment(renderer: Renderer | None = None) -> jinja2.Environment:
    """Templates in which every text is escaped. `markdown` is a filter, sanitized by the renderer."""
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    if renderer:
        pages.filters["markdown"] = renderer.html
    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    pages.globals.update(style=Markup(STYLE), policy=policy)
    return pages


def html(page: Feedback, pages: jinja2.Environment) -> bytes:
    return pages.get_template("feedback.html").render(vars(page)).encode()
