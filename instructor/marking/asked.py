"""What the report asks: each question's text, and the titles of the slides that show figures."""

import re
from pathlib import PurePosixPath

QUESTION_HEADING = re.compile(r"^##? .*\{#(?P<name>[\w-]+)[^}]*\.question\b")
HEADING = re.compile(r"^##? +(?P<title>[^{]*)")
PICTURE = re.compile(r"^!\[[^\]]*\]\((?P<address>[^\s)]+)\)")


def question_texts(report: str) -> dict[str, str]:
    """The Markdown between each question's heading and the next one."""
    texts: dict[str, list[str]] = {}
    name = ""
    for line in report.split("\n"):
        if HEADING.match(line):
            question = QUESTION_HEADING.match(line)
            name = question["name"] if question else ""
        elif name:
            texts.setdefault(name, []).append(line)
    return {name: "\n".join(lines).strip() for name, lines in texts.items()}


def figure_titles(report: str) -> dict[str, str]:
    """The heading of the slide that shows it, for each figure's name."""
    titles, title = {}, ""
    for line in report.split("\n"):
        if heading := HEADING.match(line):
            title = heading["title"].strip()
        elif picture := PICTURE.match(line):
            titles[PurePosixPath(picture["address"]).stem] = title
    return titles
