"""What is still open in the report, and where its questions stand."""

from dataclasses import dataclass

from panflute import Block, Div

from kit.report.figures import Picture, description
from kit.report.pdf import Layout
from kit.report.slides import UNFILLED, Report, figure_image, holds_prompt, is_empty

DESCRIBE = 'write `![caption](path){alt="what it shows"}`'


@dataclass
class Checklist:
    """Made from a report and the pictures behind its figures."""

    report: Report
    pictures: dict[str, Picture]

    def open_points(self) -> list[str]:
        return [*self.open_fields(), *self.open_figures(), *self.open_answers()]

    def open_fields(self) -> list[str]:
        return [f"{name}: still {words!r}" for name, words in UNFILLED.items() if getattr(self.report, name) == words]

    def open_figures(self) -> list[str]:
        found = [note for picture in self.pictures.values() if (note := picture.problem or picture.outdated)]
        return found + [f"{name} has no description: {DESCRIBE}" for name in self.undescribed()]

    def undescribed(self) -> list[str]:
        shown = [(block, self.pictures[image.url]) for block in self.blocks() if (image := figure_image(block))]
        return [
            picture.path.name for block, picture in shown if not picture.problem and not description(block, picture)[1]
        ]

    def blocks(self) -> list[Block]:
        return [block for slide in self.report.slides for page in slide.pages for block in page]

    def open_answers(self) -> list[str]:
        states = [(slide.title, state_of(answer)) for slide in self.report.slides for answer in slide.answers]
        return [f"{title}: {state}" for title, state in states if state]

    def in_words(self) -> str:
        lines = []
        for name, total, points in (
            ("Title slide", len(UNFILLED), self.open_fields()),
            ("Figures", len(self.pictures), self.open_figures()),
            ("Answers", sum(len(slide.answers) for slide in self.report.slides), self.open_answers()),
        ):
            lines.append(f"{'✗' if points else '✓'} {name}: {total - len(points)} of {total} done")
            lines += [f"      {point}" for point in points]
        return "\n".join(lines)


def state_of(answer: Div) -> str | None:
    if is_empty(answer):
        return "empty"
    return "still contains the prompt" if holds_prompt(answer) else None


def tagging(report: Report, layout: Layout) -> str:
    """For each question the pages to tag in the PDF: those of its figures and answers, not of the question itself."""
    ends = [*layout.first_pages[1:], layout.last_page + 1]
    pages: dict[str | None, list[int]] = {}
    for slide, first, end in zip(report.slides, layout.first_pages, ends, strict=True):
        if not slide.is_question:
            pages.setdefault(slide.question, []).extend(range(first, end))
    questions = [slide for slide in report.slides if slide.is_question]
    return "\n".join(f"{page_range(pages.get(slide.question, [])):>9}  {slide.title}" for slide in questions)


def page_range(pages: list[int]) -> str:
    return "none" if not pages else f"{pages[0]}" if len(pages) == 1 else f"{pages[0]}-{pages[-1]}"
