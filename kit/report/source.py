"""writeup.md as it is written: read, and where something stands in it."""

import re
from dataclasses import dataclass
from pathlib import Path

# XML has no place for them, so no presentation can hold them.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff]")
INSTEAD = "\ufffd"
TITLE = re.compile(r"^##? +(.*?)(?: *\{.*)?$")


class ReportError(ValueError):
    """The report cannot be built; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Source:
    """The text, with what no program can show replaced, which `complaints` names."""

    text: str
    complaints: tuple[str, ...] = ()

    def where(self, words: str) -> str:
        """Line and slide at which the words stand first, in brackets for the end of a sentence; "" if nowhere."""
        first = words.strip().partition("\n")[0].strip()
        title = ""
        for number, line in enumerate(self.text.split("\n"), start=1):
            if heading := TITLE.match(line):
                title = f", on {heading[1]!r}"
            if first and first in line:
                return f" (line {number}{title})"
        return ""


def read_source(path: Path) -> Source:
    """Raises ReportError for other encodings than UTF-8, FileNotFoundError."""
    try:
        written = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReportError(f"{path.name} is not stored as UTF-8: save it again with that encoding") from error
    source = Source(CONTROL.sub(INSTEAD, written))
    place = source.where(INSTEAD)
    signs = dict.fromkeys(CONTROL.findall(written))
    return Source(
        source.text,
        tuple(f"{sign!r} is not a printable character: {INSTEAD} is shown instead{place}" for sign in signs),
    )
