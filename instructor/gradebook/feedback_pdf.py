"""The same feedback as PDF: Pandoc turns answers into Typst, Typst sets the page."""

import json
import shutil
from pathlib import Path

import matplotlib
import typst

from instructor.gradebook.feedback import PAGES, Feedback
from instructor.grading.shown import shown_lines
from instructor.marking.rendering import Renderer

SCRIPT = PAGES / "typst.lua"
TEMPLATE = "feedback.typ"
LONGEST_AS_WRITTEN = 20_000  # characters
ACCESSIBLE = ["ua-1"]  # a tagged PDF, unless a letter has no glyph
AS_WRITTEN = "Typst cannot typeset a formula here, so answers and comments are shown as they were written."


class Typesetter:
    """Sets feedback in a folder that holds template and fonts. `renderer` gives an answer as Typst, or None."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.renderer = folder, Renderer(script=SCRIPT)
        self.sources: dict[str, dict] = {}  # most sentences come again
        shutil.copy(PAGES / TEMPLATE, folder)
        for font in (Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("DejaVuSans*.ttf"):
            shutil.copy(font, folder)  # Typst's own fonts have no Arabic, Hebrew or Georgian; these have

    def close(self) -> None:
        self.renderer.close()

    def pdf(self, page: Feedback) -> bytes:
        """The page, accessible if it can be. Raises RuntimeError where even what was written cannot be set."""
        data = vars(page) | {"report": [self.typeset(question) for question in page.report], "plain": False}
        try:
            return self.compiled(data)
        except RuntimeError:
            return self.compiled(data | {"plain": True, "notes": [*page.notes, AS_WRITTEN]})

    def typeset(self, question: dict) -> dict:
        parts = [part | {"words": self.source(part["words"])} for part in question["parts"]]
        texts = {name: self.source(question[name]) for name in ("answer", "comment")}
        return question | texts | {"parts": parts}

    def source(self, text: str) -> dict:
        if text not in self.sources:
            self.sources[text] = self.set_in_typst(text)
        return self.sources[text]

    def set_in_typst(self, text: str) -> dict:
        written = shown_lines(text.strip(), LONGEST_AS_WRITTEN)
        converted = self.renderer.converted(text) if written else ""
        return {"written": written, "set": literal(written) if converted is None else converted}

    def compiled(self, data: dict) -> bytes:
        (self.folder / "data.json").write_text(json.dumps(data, ensure_ascii=False), "utf-8")
        compiler = typst.Compiler(
            self.folder / TEMPLATE, root=self.folder, font_paths=[self.folder], sys_inputs={"data": "data.json"}
        )
        try:
            return compiler.compile(format="pdf", pdf_standards=ACCESSIBLE)
        except typst.TypstError:
            return compiler.compile(format="pdf")


def literal(text: str) -> str:
    """Text as an expression in Typst's markup."""
    return f"#{json.dumps(text, ensure_ascii=False)}"
