"""An answer's Markdown as HTML that runs nothing and fetches nothing, in bounded time and memory.

Pandoc reads it, as it does for the student's report, but raw HTML is text, links are words and pictures names. What
comes out is sanitized once more. Whatever takes too long is shown as it was written.
"""

import html
import json
import re
import subprocess
import threading
from collections import OrderedDict
from pathlib import Path

import nh3
import pypandoc
from markupsafe import Markup

from instructor.grading.shown import shown_lines
from kit.report.slides import DIALECT

SCRIPT = Path(__file__).with_name("render.lua")
PLAIN = (
    "raw_html native_divs native_spans markdown_in_html_blocks yaml_metadata_block pandoc_title_block implicit_figures"
)
SECONDS = 2.0  # an answer takes some milliseconds
LARGEST_HTML = 2**20  # bytes
DEEPEST = 60  # elements in one another; sanitizing takes the square of it
TAG = re.compile(r"<(/?)(\w+)[^>]*?(/?)>")
VOID = {"br", "hr", "img", "col", "wbr", "input"}
MEMORY = "-M256M"  # of Pandoc's heap
KEPT = 4000  # rendered answers
AS_WRITTEN = "This answer is shown as it was written, since it is too long or too deeply nested to be typeset."
TEXT = "p br em strong del sub sup code pre blockquote ul ol li dl dt dd h2 h3 h4 h5 h6 hr span section"
TABLES = "table caption thead tbody tfoot tr th td"
FORMULAS = (
    "math semantics mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover "
    "mmultiscripts mprescripts mtable mtr mtd mstyle mpadded mphantom menclose merror"
)
TAGS = {*TEXT.split(), *TABLES.split(), *FORMULAS.split()}
DROPPED = {"script", "style", "annotation", "svg", "iframe", "object"}  # with all that is in them
ATTRIBUTES = {
    "math": {"display"},
    "mi": {"mathvariant"},
    "mn": {"mathvariant"},
    "mtext": {"mathvariant"},
    "mo": {"accent", "fence", "form", "largeop", "maxsize", "minsize", "movablelimits", "separator", "stretchy"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mtd": {"columnalign", "columnspan"},
    "mtable": {"columnalign"},
    "ol": {"start"},
}
DIRECTIONS = {tag: {"dir": "auto"} for tag in ("p", "li", "h2", "h3", "h4", "td", "th", "blockquote")}


class Renderer:
    """One Pandoc that stays, and is replaced when it hangs or ends. Safe to call from several threads."""

    def __init__(self, seconds: float = SECONDS, script: Path = SCRIPT) -> None:
        self.seconds, self.script = seconds, script
        self.lock = threading.Lock()
        self.process: subprocess.Popen | None = None
        self.done: OrderedDict[str, Markup] = OrderedDict()

    def html(self, text: str) -> Markup:
        """Sanitized HTML, kept for the next time."""
        with self.lock:
            if text not in self.done:
                self.done[text] = self.render(text)
            self.done.move_to_end(text)
            while len(self.done) > KEPT:
                self.done.popitem(last=False)
            return self.done[text]

    def render(self, text: str) -> Markup:
        if not text.strip():
            return Markup()
        written = self.converted(text)
        return as_written(text) if written is None or depth(written) > DEEPEST else sanitized(written)

    def converted(self, text: str) -> str | None:
        """Pandoc's HTML; None where it takes too long, too much memory, or says too much."""
        process = self.running()
        ending = threading.Timer(self.seconds, process.kill)
        ending.start()
        try:
            process.stdin.write(json.dumps({"text": text}, ensure_ascii=True).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline(LARGEST_HTML)
        except OSError:
            line = b""
        finally:
            ending.cancel()
        if not line.endswith(b"\n"):
            self.close()
            return None
        return json.loads(line)["html"]

    def running(self) -> subprocess.Popen:
        if self.process is None or self.process.poll() is not None:
            self.close()
            dialect = DIALECT + "".join(f"-{name}" for name in PLAIN.split())
            words = [pypandoc.get_pandoc_path(), "+RTS", MEMORY, "-RTS", "lua", str(self.script), dialect]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            self.process = subprocess.Popen(words, cwd="/", env={"LC_ALL": "C.UTF-8"}, **pipes)
        return self.process

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def depth(written: str) -> int:
    """How many elements of Pandoc's HTML lie in one another at most."""
    deepest = level = 0
    for closing, name, closed in TAG.findall(written):
        level += -1 if closing else 0 if closed or name in VOID else 1
        deepest = max(deepest, level)
    return deepest


def sanitized(written: str) -> Markup:
    return Markup(
        nh3.clean(
            written,
            tags=TAGS,
            clean_content_tags=DROPPED,
            attributes=ATTRIBUTES,
            set_tag_attribute_values=DIRECTIONS,
            link_rel=None,
            url_schemes=set(),
        )
    )


def as_written(text: str) -> Markup:
    return Markup(f'<p>{AS_WRITTEN}</p><pre dir="auto">{html.escape(shown_lines(text, len(text)))}</pre>')
