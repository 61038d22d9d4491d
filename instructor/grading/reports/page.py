"""A student's report as one page of HTML that needs nothing else and runs nothing."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

from instructor.grading.marks import CriterionMark, Marks, TaskMark
from instructor.grading.reports import wording
from instructor.grading.reports.thumbnails import thumbnails
from instructor.grading.shown import shown
from kit.assignment import TABLE, TASKS

STYLE = (Path(__file__).parent / "page.css").read_text("utf-8")
GAP = 0.006  # between the parts of a bar, which is 1 wide


def html(marks: Marks, figures: Mapping[str, bytes]) -> str:
    """The page. It is built as a tree, so that whatever a student wrote can only be text; figures are drawn anew."""
    found = thumbnails(figures)
    beside, others = sorted_by_task(found.jpegs, marks)
    sections = [section(task, beside.get(task.name, [])) for task in marks.tasks]
    parts = [head(marks), problems(marks), table(marks), *sections, printed(marks), pictures(others, found.left_out)]
    footer = node("footer", "Graded files: SHA-256 ", node("code", marks.sha256 or "none, since nothing was read"))
    body = node("body", *[part for part in parts if part is not None], footer)
    title = f"{shown(marks.submission)}: {wording.share(marks.earned, marks.points)}"
    page = node("html", node("head", *metadata(), node("title", title), node("style", STYLE)), body, lang="en")
    return f"<!doctype html>\n{tostring(page, encoding='unicode', method='html')}\n"


def node(tag: str, *children: Element | str, **attributes: str) -> Element:
    """An element; `class_` gives its class."""
    element = Element(tag, {name.rstrip("_"): value for name, value in attributes.items()})
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + child
        else:
            element.text = (element.text or "") + child
    return element


def metadata() -> list[Element]:
    """Nothing may be loaded or run: not even a style other than ours."""
    sha256 = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{sha256}'; img-src data:; base-uri 'none'; form-action 'none'"
    return [
        node("meta", charset="utf-8"),
        node("meta", **{"http-equiv": "Content-Security-Policy", "content": policy}),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("meta", name="referrer", content="no-referrer"),
    ]


def head(marks: Marks) -> Element:
    total = node("p", wording.number(marks.earned), node("small", f" of {wording.number(marks.points)} points"))
    total.set("class", "total")
    parts = [(task.earned, task.points) for task in marks.tasks]
    name = node("h1", shown(marks.submission))
    return node("header", name, total, node("p", wording.sum_line(marks), class_="sum"), bar(parts))


def bar(parts: list[tuple[float, float]]) -> Element:
    """Each part is as wide as its points, and filled as far as they were earned. It says nothing that text does not."""
    total = sum(points for _, points in parts)
    gap, left = GAP * total, 0.0
    drawing = node("svg", viewBox=f"0 0 {total - gap:g} 1", preserveAspectRatio="none", class_="bar")
    drawing.set("aria-hidden", "true")
    for earned, points in parts:
        full = (points - gap) * earned / points
        drawing.extend([rectangle("won", left, full), rectangle("lost", left + full, points - gap - full)])
        left += points
    return drawing


def rectangle(kind: str, left: float, width: float) -> Element:
    return node("rect", x=f"{left:.4g}", y="0", width=f"{width:.4g}", height="1", class_=kind)


def problems(marks: Marks) -> Element | None:
    found = wording.lines(marks.problems)
    return node("ul", *[node("li", problem) for problem in found], class_="problems") if found else None


def table(marks: Marks) -> Element:
    rows = []
    for task in marks.tasks:
        title = node("td", node("a", task.title, href=f"#{task.name}"))
        meter = node("td", bar([(mark.earned, mark.points) for mark in task.criteria]), class_="meter")
        rows.append(node("tr", title, meter, node("td", wording.share(task.earned, task.points), class_="points")))
    return node("table", node("tbody", *rows))


def section(task: TaskMark, drawn: list[Element]) -> Element:
    points = node("span", wording.share(task.earned, task.points), class_="points")
    parts = [node("div", node("h2", task.title), points, class_="head")]
    parts.append(node("p", node("code", task.module), class_="module"))
    if task.hint:
        parts.append(node("p", node("b", "A closer look"), *with_code(task.hint), class_="hint"))
    parts += [node("p", words, class_="why barrier") for words in wording.barriers(task)]
    parts.append(node("ul", *[verdict(task, mark) for mark in task.criteria], class_="criteria"))
    if drawn:
        parts.append(node("div", *drawn, class_="figures"))
    return node("section", *parts, id=task.name)


def verdict(task: TaskMark, mark: CriterionMark) -> Element:
    """Tick or cross, name and reason, points."""
    words = [node("div", wording.label(mark))]
    if mark.reason:
        about = [node("p", *with_code(wording.meaning(mark)), class_="asks")] if wording.meaning(mark) else []
        why = wording.own_reason(task, mark)
        words += [*about, *([node("p", why, class_="why")] if why else [])]
    complaints = wording.complaints(mark) if mark.reason else []
    if complaints:
        words.append(failed(complaints))
    sign = node("span", "✗" if mark.reason else "✓", class_="sign")
    points = node("span", wording.share(mark.earned, mark.points), class_="points")
    return node("li", sign, node("div", *words), points, class_=f"criterion {'lost' if mark.reason else 'won'}")


def failed(complaints: list[tuple[list[str], str]]) -> Element:
    """The failed tests, folded up."""
    items = []
    for tests, message in complaints:
        names = [node("div", test) for test in tests]
        items.append(node("li", *names, *([node("pre", message)] if message else [])))
    return node("details", node("summary", "What failed"), node("ul", *items))


def with_code(text: str) -> list[Element | str]:
    """A text of the kit's own, in which code stands between backticks."""
    return [node("code", part) if is_code else part for is_code, part in wording.code_apart(text)]


def printed(marks: Marks) -> Element | None:
    if not marks.printed.strip():
        return None
    return node("section", node("h2", "What your code printed"), node("pre", wording.printed(marks)))


def sorted_by_task(jpegs: Mapping[str, bytes], marks: Marks) -> tuple[dict[str, list[Element]], list[Element]]:
    """The figures of each notebook, in its order and with its captions, for its last task; and those of none."""
    files = {Path(name).stem.partition("-")[2] or Path(name).stem: name for name in jpegs}
    last = {TASKS[task.name].notebook: task.name for task in marks.tasks if task.name in TASKS}
    beside, shown_names = {}, set()
    for notebook, task in last.items():
        captions = {name: words["caption"] for name, words in TABLE["notebooks"][notebook]["figures"].items()}
        beside[task] = [figure(jpegs[files[name]], words) for name, words in captions.items() if name in files]
        shown_names |= {files[name] for name in captions if name in files}
    return beside, [figure(jpeg, shown(name)) for name, jpeg in jpegs.items() if name not in shown_names]


def figure(jpeg: bytes, words: str) -> Element:
    address = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    return node("figure", node("img", src=address, alt=""), node("figcaption", words))


def pictures(drawn: list[Element], left_out: Mapping[str, str]) -> Element | None:
    """Small copies of other figures that were handed in, and why some are not shown."""
    if not drawn and not left_out:
        return None
    parts = [node("h2", "Your figures"), *([node("div", *drawn, class_="figures")] if drawn else [])]
    missing = [node("li", f"{shown(name)} is not shown: {why}") for name, why in left_out.items()]
    return node("section", *parts, *([node("ul", *missing, class_="missing")] if missing else []))
